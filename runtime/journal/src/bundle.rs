//! Bundles: what the journal holds of one instance, with the proof that it is in the journal, for somebody who has neither.
//!
//! Absent: keys. Events stand in a bundle as they are stored: what is sealed for a person stays sealed, and after an erasure the bundle
//! proves that something was there and says nothing of it. Each event has its own proof under one signed checkpoint.
//!
//! A bundle shows that these events were in the journal when the checkpoint was signed, at these places. It cannot show that there
//! are no others of the same instance: that takes the journal.

use crate::checkpoint::{Public, Signed};
use crate::error::Error;
use crate::merkle::{Tree, is_included, leaf};
use crate::read::Reader;
use crate::stored;
use crate::subjects::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What a bundle begins with.
pub const FORMAT: &str = "xops bundle 1";
/// The most events that one bundle holds.
pub const EVENTS_MAX: usize = 100_000;

/// Events with their proofs under one checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: String,
    /// The number of the instance.
    pub instance: u64,
    /// The checkpoint, as a signed note.
    pub checkpoint: String,
    /// The key that signed it, as signed notes write keys.
    pub public_key: String,
    /// The events, in order.
    pub events: Vec<Proved>,
}

/// One event with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    /// Its sequence number.
    pub seq: u64,
    /// Its stream: 0 is the tenant's, else the instance's number.
    pub stream: u64,
    /// It, as it is stored, in base64.
    pub body: String,
    /// The hashes from its leaf to the root, in base64.
    pub proof: String,
}

/// What a bundle shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The log.
    pub origin: String,
    /// How many events the checkpoint covers, and when it was signed.
    pub size: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// How many events are proved.
    pub events: usize,
    /// How many of them are sealed for a person.
    pub sealed: usize,
}

/// Why a bundle proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is of another format.
    #[error("it has format `{0}`; this version reads `{FORMAT}`")]
    Format(String),
    /// Something in it cannot be read.
    #[error("its {0} cannot be read")]
    Unreadable(&'static str),
    /// The signature is not that of the key.
    #[error("its checkpoint is not signed by the key `{0}`")]
    Unsigned(String),
    /// An event is not under the checkpoint.
    #[error("event {0} is not under its checkpoint: it was altered, or stands at another place")]
    NotIncluded(u64),
    /// The events are of something else.
    #[error("event {0} is out of order or belongs to another instance")]
    Misplaced(u64),
    /// There is nothing in it.
    #[error("it holds no event")]
    Empty,
}

/// Makes the bundle of instance `number` from the journal: `about` says which of the tenant's own events belong to it. `None` where
/// the last checkpoint covers no event of it.
pub fn make(
    reader: &Reader,
    number: u64,
    about: &dyn Fn(&[u8]) -> bool,
    checkpoint: &Signed,
    public: &Public,
) -> Result<Option<Bundle>, Error> {
    let size = checkpoint.said.size;
    let mut tree = Tree::default();
    let mut events: BTreeMap<u64, (u64, Vec<u8>)> = BTreeMap::new();
    let mut failure = None;
    reader.replay(1, |seq, stream, body| {
        if seq > size {
            return ControlFlow::Break(());
        }
        if let Err(error) = tree.push(leaf(seq, stream, body)) {
            failure = Some(error);
            return ControlFlow::Break(());
        }
        let its = if stream == stored::TENANT_STREAM { about(body) } else { stream == number };
        if its && events.len() < EVENTS_MAX {
            events.insert(seq, (stream, body.to_vec()));
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = failure {
        return Err(error);
    }
    if tree.size() != size || tree.root() != checkpoint.said.root {
        let found = format!("its {} events are not those that were signed", tree.size());
        return Err(Error::RolledBack { expected: size, found });
    }
    let proved = events.into_iter().filter_map(|(seq, (stream, body))| {
        let proof = BASE64.encode(tree.prove(seq)?);
        Some(Proved { seq, stream, body: BASE64.encode(body), proof })
    });
    let bundle = Bundle {
        format: FORMAT.to_owned(),
        instance: number,
        checkpoint: checkpoint.to_text(),
        public_key: public.to_text(),
        events: proved.collect(),
    };
    Ok((!bundle.events.is_empty()).then_some(bundle))
}

impl Bundle {
    /// Checks it all, with nothing but itself and `public`; without one, with the key that it brings.
    pub fn check(&self, public: Option<&Public>) -> Result<Checked, Refused> {
        if self.format != FORMAT {
            return Err(Refused::Format(self.format.chars().take(80).collect()));
        }
        let brought = Public::parse(&self.public_key).ok_or(Refused::Unreadable("public key"))?;
        let public = public.unwrap_or(&brought);
        let signed = Signed::parse(&self.checkpoint).ok_or(Refused::Unreadable("checkpoint"))?;
        if !signed.is_signed_by(public) {
            return Err(Refused::Unsigned(public.to_text()));
        }
        let said = signed.said;
        let (mut last, mut sealed) = (0, 0);
        for event in &self.events {
            let body = BASE64.decode(&event.body).map_err(|_| Refused::Unreadable("events"))?;
            let proof = BASE64.decode(&event.proof).map_err(|_| Refused::Unreadable("proofs"))?;
            if event.seq <= last || !(event.stream == stored::TENANT_STREAM || event.stream == self.instance)
            {
                return Err(Refused::Misplaced(event.seq));
            }
            let leaf = leaf(event.seq, event.stream, &body);
            if !is_included(said.root, said.size, event.seq, &leaf, proof) {
                return Err(Refused::NotIncluded(event.seq));
            }
            let subject: Option<Subject> = stored::sealed_under(&body);
            sealed += usize::from(subject.is_some());
            last = event.seq;
        }
        if self.events.is_empty() {
            return Err(Refused::Empty);
        }
        Ok(Checked { origin: said.origin, size: said.size, at: said.at, events: self.events.len(), sealed })
    }
}
