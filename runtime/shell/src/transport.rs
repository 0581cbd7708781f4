//! What the shell asks of the wire: to carry one rendered request, and to say what it knows of a request that got no answer.

use futures_util::future::BoxFuture;
use std::time::Duration;
use xops_kernel::port::{Outcome, Request, Response};

/// Carries requests to systems.
pub trait Transport: Send + Sync + 'static {
    /// Carries one request within a deadline.
    fn send(&self, request: Request, deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>>;

    /// Answers at once, where nothing has to be waited for; `None` sends the request the long way.
    fn at_once(&self, _request: &Request) -> Option<Result<Response, Lost>> {
        None
    }
}

/// A request that got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It provably never reached the system.
    NotSent(String),
    /// The system may have received it.
    Sent(String),
    /// The system, or its token endpoint, does not take the credential.
    Credential(String),
}

impl Lost {
    /// What that means for the call.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::NotSent(why) => Outcome::Transient(why),
            Self::Sent(why) => Outcome::Unknown(why),
            Self::Credential(_) => Outcome::AuthExpired,
        }
    }
}
