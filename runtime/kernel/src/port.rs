//! The port: what the kernel asks of a connector. Both directions are pure.
//!
//! A connector renders requests and classifies responses; it sends nothing. The shell's wire sends, in production over
//! HTTP, in the simulator into a seeded world.

use crate::awf::{AwfName, Contract};
use crate::fact::{Observation, Proof};
use crate::id::{CallKey, Digest};
use crate::record::Record;
use crate::value::{Value, Values};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The phases of the step protocol that talk to a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// Look at what is there before.
    Snapshot,
    /// Act.
    Do,
    /// Look whether an unanswered call took effect.
    Probe,
    /// Look whether the postcondition holds.
    Readback,
}

impl Phase {
    /// The word for it in files and traces.
    pub fn word(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Do => "do",
            Self::Probe => "probe",
            Self::Readback => "readback",
        }
    }
}

/// One question to a connector.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The tenant's configuration of the system: its base address and the manifest's variables.
    pub system: &'a Values,
    /// The AWF.
    pub awf: &'a AwfName,
    /// The phase.
    pub phase: Phase,
    /// The inputs, complete and of the declared types.
    pub inputs: &'a Values,
    /// The idempotency key of the call, also the marker by which a probe knows its own effect.
    pub key: CallKey,
    /// What the snapshot kept; empty before it is taken.
    pub snapshot: &'a Values,
    /// What the call captured; empty before it is answered.
    pub outputs: &'a Values,
    /// What earlier requests of the same phase carried over (the pages or the links of a chained lookup).
    pub carry: &'a Values,
}

/// A request, complete but for its credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The system.
    pub system: String,
    /// The method, in capitals.
    pub method: String,
    /// The full address without the query.
    pub url: String,
    /// The query, in order, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The headers, in order, names in lower case. A credential never stands here.
    pub headers: Vec<(String, String)>,
    /// The media type of `body`.
    pub content_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// BLAKE3 over the request under the tenant's key, because bodies carry personal values. The scheme and the host are left
    /// out: where a system lives is no part of what it is asked.
    pub fn digest(&self, key: &crate::canon::DigestKey) -> Digest {
        let mut canon = crate::canon::Canon::new("xops request digest 1");
        let path = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        canon.text(&self.system).text(&self.method).text(path);
        let pair = |canon: &mut crate::canon::Canon, (name, value): &(String, String)| {
            canon.text(name).text(value);
        };
        canon.all(self.query.iter(), pair).all(self.headers.iter(), pair);
        canon.maybe(self.content_type.as_deref(), |canon, kind| {
            canon.text(kind);
        });
        canon.raw(&self.body).keyed_digest(key)
    }
}

/// A response, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, not longer than the wire's bound.
    pub body: Vec<u8>,
}

/// What became of a call, as the manifest's error mapping types it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It took effect; what it captured.
    Ok(Values),
    /// It was already so; what the answer shows.
    AlreadyDone(Values),
    /// The object is not there.
    Absent,
    /// Another state of the object stands in the way.
    Conflict(String),
    /// The version that the call named is no longer the current one.
    PreconditionFailed(String),
    /// Too many calls; the wait that the system asks for.
    RateLimited {
        /// In milliseconds, if the system said.
        retry_after_ms: Option<u64>,
    },
    /// It provably took no effect, and may be tried again.
    Transient(String),
    /// The credential is no longer good.
    AuthExpired,
    /// The principal may not do this.
    Forbidden(String),
    /// The system refuses the request for what it says.
    Invalid(String),
    /// It may have taken effect: a lost connection, a timeout after sending, an answer that the manifest does not know.
    Unknown(String),
}

impl Outcome {
    /// One word for metrics and traces, from a closed set.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::AlreadyDone(_) => "already_done",
            Self::Absent => "absent",
            Self::Conflict(_) => "conflict",
            Self::PreconditionFailed(_) => "precondition_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Transient(_) => "transient",
            Self::AuthExpired => "auth_expired",
            Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) => "invalid",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Its word, and what the system said; no captured value, which may be personal.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word();
        match self {
            Self::RateLimited { retry_after_ms: Some(wait_ms) } => write!(f, "{word}: wait {wait_ms} ms"),
            Self::Conflict(why)
            | Self::PreconditionFailed(why)
            | Self::Transient(why)
            | Self::Forbidden(why)
            | Self::Invalid(why)
            | Self::Unknown(why) => write!(f, "{word}: {why}"),
            _ => f.write_str(word),
        }
    }
}

/// What a lookup saw of a facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The facet's value, its proven absence, or why neither is known.
    pub seen: Observation<Value>,
    /// The AWF's outputs, as far as the object shows them, and what the snapshot keeps.
    pub outputs: Values,
    /// The marker that the object carries, if it carries one: a [`CallKey`] as text.
    pub marker: Option<String>,
}

/// The answer to a lookup's response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The lookup is over.
    Over(Sighting),
    /// Another request follows, with this carried over.
    More(Box<Request>, Values),
    /// The system did not answer the question: why, in the types of a call.
    Failed(Outcome),
}

/// A limit that a vendor publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// The ends of the paths that it covers; `*` at the end stands for anything. Empty for all.
    pub paths: Vec<String>,
    /// The methods that it covers, in capitals. Empty for all.
    pub methods: Vec<String>,
    /// Calls allowed in `per_ms`.
    pub calls: u32,
    /// The window, in milliseconds.
    pub per_ms: u64,
    /// The share, in percent, that is kept for what must not wait.
    pub reserve_percent: u8,
    /// Calls under way at once, if limited.
    pub concurrency: Option<u32>,
    /// The header that says how many calls are left.
    pub remaining: Option<String>,
    /// The header that says when the window ends, and how it says so.
    pub reset: Option<(String, Reset)>,
}

/// How a header says when a window ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Seconds since 1970.
    Epoch,
    /// Seconds from now.
    Delay,
}

/// What the kernel and the robots ask of connectors. All methods are pure.
pub trait Connector: Send + Sync {
    /// The limits that `system` publishes; none where nothing is known of them.
    fn limits(&self, _system: &str) -> Vec<Limit> {
        Vec::new()
    }
    /// What its knowledge of `system` is known by: what was read under another one means something else. Nothing where nothing that was
    /// read is to be kept.
    fn edition(&self, _system: &str) -> Option<Digest> {
        None
    }
    /// The contract of `awf`, if a manifest declares it.
    fn contract(&self, awf: &AwfName) -> Option<&Contract>;
    /// The request of a phase. For lookups: the first one.
    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered>;
    /// What the answer to a `Do` means.
    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome;
    /// What the answer to a lookup (snapshot, probe, readback) shows.
    fn sight(&self, ask: &Ask<'_>, response: &Response) -> Page;
    /// The reads of `system`, by name, in the order in which they are to be made.
    fn reads(&self, system: &str) -> Vec<ReadContract>;
    /// The first request of a read.
    fn render_read(&self, config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered>;
    /// What a page of a read holds, and how it goes on.
    fn page(&self, config: &Values, read: &ReadAsk<'_>, response: &Response) -> ReadPage;
}

/// How a read can begin where the last one ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Delta {
    /// It cannot.
    #[default]
    Never,
    /// It then shows what is new or different, and is silent about what is gone.
    Changes,
    /// It then also says what is gone, so that with what was there before it is as good as a whole one.
    ChangesAndGone,
}

/// A read, as the robots know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadContract {
    /// The system.
    pub system: String,
    /// The read's name in the manifest.
    pub name: String,
    /// The kind of record that it gives.
    pub kind: String,
    /// The kind of record for each of which it is made once (members for each group); its id is the parameter.
    pub for_each: Option<String>,
    /// How long one request may take, in milliseconds.
    pub timeout_ms: u64,
    /// How it can begin where the last one ended.
    pub delta: Delta,
    /// Whether a system that refuses it (a licence that was not bought, a right that was not given) is complete without it.
    /// What only it shows is unknown all the same.
    pub optional: bool,
}

/// One reading.
#[derive(Clone, Copy, Debug)]
pub struct ReadAsk<'a> {
    /// The system.
    pub system: &'a str,
    /// The read's name.
    pub read: &'a str,
    /// The id of the record that it is made for, where the read is `for_each`.
    pub parameter: Option<&'a str>,
    /// What earlier pages carried over.
    pub carry: &'a Values,
    /// When the page was read.
    pub at: crate::record::Millis,
    /// The principal that reads.
    pub principal: &'a str,
}

/// One page of a read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadPage {
    /// The records of the page; the next request with what it carries over, or the end of a complete read.
    Records {
        /// The records.
        records: Vec<Record>,
        /// The system's ids of the objects that it says are gone.
        gone: Vec<String>,
        /// The next page.
        next: Option<(Box<Request>, Values)>,
        /// On the last page of a read that can be one of changes: where the next one begins. Carried into its first request as
        /// `since`.
        place: Option<String>,
    },
    /// The system no longer knows what changed since the place that the read began at: everything is to be read again.
    Reset,
    /// The page was not what the manifest expects, or an error: the read is incomplete.
    Failed(Outcome),
}

/// Why a request could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{what}`: {why}")]
pub struct Unrendered {
    /// The AWF and phase, or the read.
    pub what: String,
    /// The reason, for the author of the manifest or the configuration.
    pub why: String,
}

/// The proof that a lookup gives when it finds nothing.
pub fn lookup_proof(awf: &AwfName) -> Proof {
    Proof::Lookup { system: awf.system.clone(), lookup: awf.function.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_told_without_what_it_captured() {
        let check = |outcome: &Outcome, expect: &str| assert_eq!(outcome.to_string(), expect);
        let captured = Values::from([("email".to_owned(), Value::from("sarah@acme.example"))]);
        check(&Outcome::Ok(captured.clone()), "ok");
        check(&Outcome::AlreadyDone(captured), "already_done");
        check(&Outcome::Conflict("it is locked".to_owned()), "conflict: it is locked");
        check(&Outcome::RateLimited { retry_after_ms: Some(7_000) }, "rate_limited: wait 7000 ms");
        check(&Outcome::RateLimited { retry_after_ms: None }, "rate_limited");
    }
}
