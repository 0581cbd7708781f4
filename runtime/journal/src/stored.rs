//! The stored form of log entries: bincode, and sealing under a subject's key where an entry may say something of a person.
//!
//! Body of an event in a frame:
//!
//! ```text
//! [0]      shape: 1 clear, 2 sealed under a subject's key
//! [1..]    shape 1: bincode of the entry
//! [1..17]  shape 2: the subject; then bincode of `Sealed`, whose plaintext is the bincode of the entry
//! ```
//!
//! Invariants: stream 0 is the tenant's, stream `n` that of instance number `n`, so an instance's body does not repeat its
//! number; the enums behind it are append-only (bincode stores a variant's position); decoding is bounded by the frame's own
//! bound on events. bincode is pinned: see the decision page on frames.

use crate::frame::EVENT_BYTES_MAX;
use crate::subjects::{Sealed, Subject, SubjectKeys};
use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use xops_kernel::log::{Entry, Happened, What};
use xops_kernel::port::Outcome;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::state::State;

/// The stream of the tenant's own entries.
pub const TENANT_STREAM: u64 = 0;

/// The kind of entity of which nothing is personal: what a benchmark's instances are about. Nothing of it is sealed for a
/// subject, because there is none.
pub const UNPERSONAL: &str = "probe";

const CLEAR: u8 = 1;
const SEALED: u8 = 2;
const CONFIG: Configuration<LittleEndian, Varint, Limit<EVENT_BYTES_MAX>> =
    bincode::config::standard().with_limit::<EVENT_BYTES_MAX>();

/// An entry read back.
#[derive(Debug)]
pub enum Decoded {
    /// The entry.
    Entry(Box<Entry>),
    /// The entry was sealed under the key of a subject that has been destroyed.
    Erased(Subject),
}

/// Why a body could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The entry is larger than an event may be, or not encodable.
    #[error("failed to encode an entry: {0}")]
    Encode(#[from] bincode::error::EncodeError),
    /// The bytes are no entry.
    #[error("failed to decode an entry: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// The bytes are no body.
    #[error("failed to decode an entry: {0}")]
    Shape(&'static str),
    /// The subject's key did not seal or open it.
    #[error(transparent)]
    Key(#[from] crate::error::Error),
}

/// The subject under whose key an entry must be sealed, if it may say something of a person. `of_instance` is the subject of
/// the instance that an instance's event belongs to.
pub fn subject(entry: &Entry, of_instance: Option<Subject>) -> Option<Subject> {
    match entry {
        Entry::Tenant(happened) => match &happened.what {
            What::Requested(request) if request.kind == UNPERSONAL => None,
            What::Compiled(compiled) if compiled.plan.kind == UNPERSONAL => None,
            // Who is asked for is personal, and not yet resolved to an entity: the request is a subject of its own.
            What::Requested(request) => Some(request.id.0),
            // It is of two records, and perhaps of two persons.
            What::Decided(decided) => Some(decided.id.0),
            // Why nobody was found repeats by what they were looked for.
            What::Refused { request, entity: None, .. } => Some(request.0),
            what => what.subject().map(|entity| entity.0),
        },
        Entry::Instance(_, stamped) => of_instance.filter(|_| says_something(&stamped.event)),
    }
}

/// Whether an event carries values or words of a system.
fn says_something(event: &Event) -> bool {
    match event {
        Event::Sighted { .. } | Event::Missed { .. } | Event::Turned { .. } | Event::Unrendered { .. } => {
            true
        }
        Event::Judged { sheet, .. } => sheet.changed.iter().any(|changed| changed.now.is_some()),
        Event::Answered { outcome, .. } => match outcome {
            Outcome::Ok(outputs) | Outcome::AlreadyDone(outputs) => !outputs.is_empty(),
            Outcome::Absent | Outcome::RateLimited { .. } | Outcome::AuthExpired => false,
            _ => true,
        },
        _ => false,
    }
}

/// The stream of an entry.
pub fn stream(entry: &Entry) -> u64 {
    match entry {
        Entry::Tenant(_) => TENANT_STREAM,
        Entry::Instance(number, _) => *number,
    }
}

/// Appends the body of an entry to `out`. The key of `subject` must have been made before ([`SubjectKeys::prepare`]).
pub fn encode(
    entry: &Entry,
    subject: Option<Subject>,
    keys: &SubjectKeys,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    match subject {
        None => {
            out.push(CLEAR);
            plain(entry, out)
        }
        Some(subject) => {
            let mut clear = Vec::with_capacity(256);
            plain(entry, &mut clear)?;
            let sealed = keys.seal(&subject, &clear)?;
            out.push(SEALED);
            out.extend_from_slice(&subject);
            bincode::serde::encode_into_std_write(&sealed, out, CONFIG)?;
            Ok(())
        }
    }
}

/// Appends the clear body of an instance's event to `out`: its own bytes, without a copy of the event.
pub fn encode_clear(stamped: &Stamped, out: &mut Vec<u8>) -> Result<(), Error> {
    out.push(CLEAR);
    bincode::serde::encode_into_std_write(stamped, out, CONFIG)?;
    Ok(())
}

/// The bytes of a state that is to stay in memory and is seldom looked at: a tenth of what it takes as a value.
pub fn press(state: &State) -> Result<Box<[u8]>, Error> {
    Ok(bincode::serde::encode_to_vec(state, CONFIG)?.into_boxed_slice())
}

/// A state that was pressed.
pub fn unpress(bytes: &[u8]) -> Result<State, Error> {
    whole(bytes)
}

fn plain(entry: &Entry, out: &mut Vec<u8>) -> Result<(), Error> {
    match entry {
        Entry::Tenant(happened) => bincode::serde::encode_into_std_write(happened, out, CONFIG)?,
        Entry::Instance(_, stamped) => bincode::serde::encode_into_std_write(stamped, out, CONFIG)?,
    };
    Ok(())
}

/// The subject under whose key a body is sealed, if it is. Needs no key.
pub fn sealed_under(body: &[u8]) -> Option<Subject> {
    let (&shape, bytes) = body.split_first()?;
    bytes.first_chunk::<16>().copied().filter(|_| shape == SEALED)
}

/// Reads a body back.
pub fn decode(stream: u64, body: &[u8], keys: &SubjectKeys) -> Result<Decoded, Error> {
    match body.split_first() {
        Some((&CLEAR, bytes)) => unplain(stream, bytes).map(|entry| Decoded::Entry(Box::new(entry))),
        Some((&SEALED, bytes)) => {
            let (subject, sealed) = bytes.split_first_chunk::<16>().ok_or(Error::Shape("it is cut short"))?;
            let sealed: Sealed = whole(sealed)?;
            match keys.open_value(subject, &sealed)? {
                None => Ok(Decoded::Erased(*subject)),
                Some(clear) => unplain(stream, &clear).map(|entry| Decoded::Entry(Box::new(entry))),
            }
        }
        Some(_) => Err(Error::Shape("its shape is neither clear nor sealed")),
        None => Err(Error::Shape("it is empty")),
    }
}

fn unplain(stream: u64, bytes: &[u8]) -> Result<Entry, Error> {
    if stream == TENANT_STREAM {
        Ok(Entry::Tenant(Box::new(whole::<Happened>(bytes)?)))
    } else {
        Ok(Entry::Instance(stream, whole::<Stamped>(bytes)?))
    }
}

fn whole<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, CONFIG)?;
    if read == bytes.len() { Ok(value) } else { Err(Error::Shape("bytes are left over")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::TenantKey;
    use xops_kernel::id::StepId;
    use xops_kernel::log::Happened;
    use xops_kernel::value::Value;

    fn keys() -> (tempfile::TempDir, SubjectKeys) {
        let dir = tempfile::tempdir().unwrap();
        let keys = SubjectKeys::open(&dir.path().join("subjects"), &TenantKey::from_bytes([7; 32])).unwrap();
        (dir, keys)
    }

    fn answered(outputs: &[(&str, &str)]) -> Entry {
        let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let event = Event::Answered { step: StepId(1), attempt: 2, outcome: Outcome::Ok(outputs) };
        Entry::Instance(7, Stamped { at: 1_000, event })
    }

    #[test]
    fn what_says_nothing_of_a_person_is_not_sealed_and_reads_back() {
        let (_dir, keys) = keys();
        let entry = answered(&[]);
        assert_eq!(subject(&entry, Some([1; 16])), None);
        let mut body = Vec::new();
        encode(&entry, None, &keys, &mut body).unwrap();
        assert!(body.len() < 16, "{}", body.len());
        let Decoded::Entry(read) = decode(7, &body, &keys).unwrap() else { panic!("it is not erased") };
        assert_eq!(*read, entry);
    }

    #[test]
    fn what_an_erased_subject_said_is_gone() {
        let (_dir, mut keys) = keys();
        let entry = answered(&[("login", "sarah.chen@acme.example")]);
        let subject = subject(&entry, Some([1; 16]));
        assert_eq!(subject, Some([1; 16]));
        keys.prepare(&[[1; 16]]).unwrap();
        let mut body = Vec::new();
        encode(&entry, subject, &keys, &mut body).unwrap();
        assert!(!body.windows(5).any(|window| window == b"sarah"), "the plaintext shows");
        assert!(matches!(decode(7, &body, &keys).unwrap(), Decoded::Entry(read) if *read == entry));
        keys.erase([1; 16]).unwrap();
        assert!(matches!(decode(7, &body, &keys).unwrap(), Decoded::Erased(gone) if gone == [1; 16]));
    }

    #[test]
    fn bytes_that_are_no_body_are_refused() {
        let (_dir, keys) = keys();
        let opened = What::Opened { epoch: 1, version: "0".to_owned() };
        let entry = Entry::Tenant(Box::new(Happened { at: 1, what: opened }));
        let mut body = Vec::new();
        encode(&entry, None, &keys, &mut body).unwrap();
        for cut in 0..body.len() {
            assert!(decode(0, &body[..cut], &keys).is_err(), "cut at {cut}");
        }
        body.push(0);
        assert!(decode(0, &body, &keys).is_err());
    }
}
