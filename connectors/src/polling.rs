//! Work that goes on after the answer: asked for until it is over.
//!
//! Invariants: what is not over is neither there nor gone, but in flight; what failed is a person's to judge, because part of
//! it may have been done.

use crate::answer::Answer;
use crate::judge;
use crate::model::{Manifest, Poll, Rules};
use crate::render;
use crate::scope::Scope;
use xops_kernel::fact::{Doubt, Observation, Reason};
use xops_kernel::port::{Outcome, Page, Request, Sighting};
use xops_kernel::value::{Value, Values};

/// A question under way.
pub(crate) struct Polling<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) poll: &'a Poll,
}

/// What the answer says.
pub(crate) enum Polled {
    /// It is over.
    Done,
    /// It goes on.
    On,
    /// It failed, or the question did.
    Failed(Outcome),
}

impl Polling<'_> {
    /// The request.
    pub(crate) fn request(&self, scope: &Scope<'_>) -> Result<Request, String> {
        render::request(scope, &self.poll.shape)
    }

    /// What the answer in `scope` says.
    pub(crate) fn sight(&self, scope: &Scope<'_>, answer: &Answer<'_>) -> Polled {
        debug_assert_eq!(scope.manifest.name, self.manifest.name, "an answer is judged by its own manifest");
        // Where the work failed, some systems say so with a status of their own.
        if self.poll.fail.as_ref().is_some_and(|fail| scope.holds(fail)) {
            return Polled::Failed(Outcome::Invalid(judge::detail(scope, answer)));
        }
        if let Err(bad) = judge::judge(scope, answer, &Rules::default(), false) {
            return Polled::Failed(bad.outcome);
        }
        if scope.holds(&self.poll.done) { Polled::Done } else { Polled::On }
    }
}

impl Polled {
    /// The end of the question, where no lookup follows.
    pub(crate) fn page(self) -> Page {
        let over = |seen| Page::Over(Sighting { seen, outputs: Values::new(), marker: None });
        match self {
            Self::Done => over(Observation::Present(Value::from("present"))),
            Self::On => {
                let detail = "the system is not done with it".to_owned();
                over(Observation::Unknown(Doubt { reason: Reason::InFlight, detail, since: 0 }))
            }
            Self::Failed(outcome) => Page::Failed(outcome),
        }
    }
}
