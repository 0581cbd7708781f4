//! Responses to outcomes.
//!
//! Invariants: the first rule that holds decides, a call's own before the manifest's; a rule that looks into a body decides
//! nothing where the body cannot be read; what nobody declared is judged by its status alone, and what may have taken
//! effect is `Unknown`.

use crate::answer::Answer;
use crate::model::{ErrorRule, Rules, Word};
use crate::scope::{Scope, coerce, scalar};
use crate::{date, ldap};
use std::collections::BTreeMap;
use xops_kernel::port::{Outcome, Reset};
use xops_kernel::value::{Type, Value, Values};

/// How much of a system's explanation is kept, in characters.
const DETAIL_CHARS_MAX: usize = 200;
/// The longest wait that is believed, in milliseconds: a day.
const WAIT_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Why an answer is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    /// What it means.
    pub(crate) outcome: Outcome,
    /// Whether a rule of the call itself said so, and not one of the manifest or the status.
    pub(crate) own: bool,
}

/// Whether the answer in `scope` is good. `acting` tells a call that may have an effect from one that has none.
pub(crate) fn judge(scope: &Scope<'_>, answer: &Answer<'_>, own: &Rules, acting: bool) -> Result<(), Bad> {
    let holds =
        |rule: &&ErrorRule| !(rule.reads_body && answer.unreadable.is_some()) && scope.holds(&rule.when);
    let mine = own.errors.iter().find(holds);
    if let Some(rule) = mine.or_else(|| scope.manifest.rules.errors.iter().find(holds)) {
        let outcome = spoken(scope, answer, rule.word);
        return if rule.word == Word::Ok { Ok(()) } else { Err(Bad { outcome, own: mine.is_some() }) };
    }
    let ok = own.ok.as_ref().or(scope.manifest.rules.ok.as_ref());
    let usual = if answer.directory { 0..1 } else { 200..300 };
    let good = ok.map_or(usual.contains(&answer.status), |ok| scope.holds(ok));
    if good && answer.unreadable.is_none() {
        return Ok(());
    }
    Err(Bad { outcome: by_status(scope, answer, acting), own: false })
}

/// The outcome of a call that acts.
pub(crate) fn outcome(scope: &Scope<'_>, answer: &Answer<'_>, own: &Rules, capture: &Capture<'_>) -> Outcome {
    match judge(scope, answer, own, true) {
        Ok(()) => match capture.take(scope, true) {
            Ok(values) => Outcome::Ok(values),
            Err(why) => Outcome::Unknown(why),
        },
        Err(Bad { outcome: Outcome::AlreadyDone(_), .. }) => {
            Outcome::AlreadyDone(capture.take(scope, false).unwrap_or_default())
        }
        Err(bad) => bad.outcome,
    }
}

/// What is taken from an answer.
pub(crate) struct Capture<'a> {
    /// The expressions.
    pub(crate) exprs: &'a [(String, xops_kernel::expr::Expr)],
    /// The declared types.
    pub(crate) types: &'a BTreeMap<String, Type>,
}

impl Capture<'_> {
    /// The captured values; `all` refuses an answer that lacks one.
    pub(crate) fn take(&self, scope: &Scope<'_>, all: bool) -> Result<Values, String> {
        let mut values = Values::new();
        for (name, expr) in self.exprs {
            let value = scope.value(expr);
            if value.is_null() {
                if all {
                    return Err(format!("the answer lacks `{name}`"));
                }
                continue;
            }
            let value = match self.types.get(name) {
                Some(to) => coerce(value, to).map_err(|why| format!("`{name}` {why}"))?,
                None => value,
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    }
}

fn spoken(scope: &Scope<'_>, answer: &Answer<'_>, word: Word) -> Outcome {
    let detail = || detail(scope, answer);
    match word {
        Word::Ok => Outcome::Ok(Values::new()),
        Word::AlreadyDone => Outcome::AlreadyDone(Values::new()),
        Word::Absent => Outcome::Absent,
        Word::Conflict => Outcome::Conflict(detail()),
        Word::PreconditionFailed => Outcome::PreconditionFailed(detail()),
        Word::RateLimited => Outcome::RateLimited { retry_after_ms: wait(scope, answer) },
        Word::Transient => Outcome::Transient(detail()),
        Word::AuthExpired => Outcome::AuthExpired,
        Word::Forbidden => Outcome::Forbidden(detail()),
        Word::Invalid => Outcome::Invalid(detail()),
        Word::Unknown => Outcome::Unknown(detail()),
    }
}

fn by_status(scope: &Scope<'_>, answer: &Answer<'_>, acting: bool) -> Outcome {
    let word = match answer.status {
        // A good code with an answer that does not show everything.
        0 if answer.directory => Word::Unknown,
        code if answer.directory => ldap::word(code, acting),
        401 => Word::AuthExpired,
        403 => Word::Forbidden,
        409 => Word::Conflict,
        412 => Word::PreconditionFailed,
        429 => Word::RateLimited,
        408 | 500..=599 if !acting => Word::Transient,
        // What the body would have said decides more than the status, and looking again costs nothing.
        400..=499 if !acting && answer.unreadable.is_some() => Word::Transient,
        400..=407 | 410..=499 => Word::Invalid,
        _ => Word::Unknown,
    };
    spoken(scope, answer, word)
}

/// The system's own words, shortened, with the status before them.
pub(crate) fn detail(scope: &Scope<'_>, answer: &Answer<'_>) -> String {
    let told = scope.manifest.message.as_ref().and_then(|message| scalar(&scope.value(message)));
    let told = told.filter(|text| !text.trim().is_empty()).or_else(|| answer.unreadable.clone());
    let told: String = told
        .unwrap_or_default()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(DETAIL_CHARS_MAX)
        .collect();
    if told.is_empty() {
        format!("status {}", answer.status)
    } else {
        format!("status {}: {told}", answer.status)
    }
}

/// How long the system asks to wait, in milliseconds. A moment counts from the answer's own `date`: nothing here has a clock.
fn wait(scope: &Scope<'_>, answer: &Answer<'_>) -> Option<u64> {
    let now = answer.header("date").and_then(date::http);
    let until = |then: u64| now.map(|now| then.saturating_sub(now).saturating_mul(1000));
    let seconds = |text: &str| text.trim().parse::<u64>().ok();
    let after = answer.header("retry-after").and_then(|text| match seconds(text) {
        Some(seconds) => Some(seconds.saturating_mul(1000)),
        None => date::http(text).and_then(until),
    });
    let reset = || {
        scope.manifest.limits.iter().filter_map(|limit| limit.reset.as_ref()).find_map(|(name, how)| {
            let told = answer.header(name).and_then(seconds)?;
            match how {
                Reset::Epoch => until(told),
                Reset::Delay => Some(told.saturating_mul(1000)),
            }
        })
    };
    after.or_else(reset).map(|wait| wait.min(WAIT_MS_MAX))
}

/// The value as its facet has it, or why it cannot have it.
pub(crate) fn facet_value(value: Value, to: &Type) -> Result<Value, String> {
    if value.is_null() {
        return Err("the object is there, but shows no value".to_owned());
    }
    coerce(value, to).map_err(|why| format!("the value {why}"))
}
