//! What can go wrong with a journal, said to the operator who has to act.
//!
//! No variant is retried inside this crate. `Error::answer` says what the caller may do; it is decided here, where the
//! error is born, and never read out of a text.

use std::io;

use crate::frame::{EVENT_BYTES_MAX, FRAME_BYTES_MAX};

/// A failure of the journal or of the keyring.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stored bytes are not what was written.
    #[error("`{file}` is damaged at frame {frame} (sequence {seq}): {what}; restore this file from a backup")]
    Damaged {
        /// The file's name inside the journal directory.
        file: String,
        /// Ordinal of the frame in its file; 0 is the file's header frame.
        frame: u64,
        /// First sequence number of that frame, 0 where it is not known.
        seq: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A file that the journal's own list names is not there.
    #[error("`{file}` is missing: the journal names it; restore it from a backup")]
    Missing {
        /// The file's name.
        file: String,
    },
    /// A journal file that the journal's own list does not name.
    #[error("`{file}` does not belong to this journal; move it out of the directory")]
    Stranger {
        /// The file's name.
        file: String,
    },
    /// The journal ends before, or differs from, a head that was recorded outside it.
    #[error(
        "the journal was rolled back: it was known to reach sequence {expected}, and {found}; restore the newest backup"
    )]
    RolledBack {
        /// Sequence number of the known head.
        expected: u64,
        /// What the journal has instead, in words.
        found: String,
    },
    /// The journal is sealed under another key than the one given.
    #[error("the journal of tenant `{tenant}` is sealed under another key; give the key it was created with")]
    WrongKey {
        /// The tenant whose key was tried.
        tenant: String,
    },
    /// The journal belongs to another tenant than the one given.
    #[error("`{file}` is not a journal of tenant `{tenant}`; check the tenant's data directory")]
    OtherTenant {
        /// The file that said so.
        file: String,
        /// The tenant that was asked for.
        tenant: String,
    },
    /// The stored format is newer than this program.
    #[error("`{file}` has format version {found}; install a version of xops that reads it")]
    Version {
        /// The file's name.
        file: String,
        /// The version found.
        found: u8,
    },
    /// A directory that something is to be copied into already holds something.
    #[error("`{dir}` already holds `{name}`; give an empty directory")]
    Occupied {
        /// The directory.
        dir: String,
        /// One of its files.
        name: String,
    },
    /// Another process holds the lock.
    #[error("`{what}` is in use by {}; stop that process first", holder(*.pid))]
    Locked {
        /// What is locked.
        what: String,
        /// Process id of the holder, if it wrote one.
        pid: Option<u32>,
    },
    /// The journal stopped after a failed commit; it acknowledges nothing until it is opened again.
    #[error("the journal has stopped: {what}; free the disk or replace it, then restart")]
    Stopped {
        /// The failure that stopped it.
        what: String,
    },
    /// One event is larger than the journal stores.
    #[error(
        "an event of {bytes} bytes is larger than {EVENT_BYTES_MAX}; store a reference to the data instead"
    )]
    EventTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The batch cannot take this event; commit it and start another.
    #[error("a frame takes at most {FRAME_BYTES_MAX} bytes; commit this batch before adding more")]
    FrameFull,
    /// A commit of no events was asked for.
    #[error("a frame holds at least one event; give one")]
    Empty,
    /// A reader could not get a quiet look at a file that is being written.
    #[error("`{file}` is being written too fast to read beside its writer; ask the running daemon instead")]
    Busy {
        /// The file's name.
        file: String,
    },
    /// A setting is out of its bounds.
    #[error("`{name}` is out of bounds: {why}")]
    Option {
        /// The setting.
        name: &'static str,
        /// The bounds.
        why: String,
    },
    /// A key could not be used.
    #[error("the key from `{origin}` is refused: {why}")]
    Key {
        /// Where it came from; never the key itself.
        origin: String,
        /// Why it is refused.
        why: String,
    },
    /// The keyring knows neither a key nor an erasure for what is to be opened.
    #[error("the keyring has no record of this subject's key; restore the keyring from its backup")]
    KeyMissing,
    /// A sealed value does not open under the key that sealed it.
    #[error(
        "a personal value is damaged: it does not open under its subject's key; restore it from a backup"
    )]
    ValueDamaged,
    /// The operating system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the file's name.
        what: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The embedded store refused.
    #[error("`{file}`: {source}")]
    Store {
        /// The file's name.
        file: String,
        /// The cause.
        #[source]
        source: Box<redb::Error>,
    },
    /// The source of randomness failed.
    #[error("the system's random source failed; check the operating system")]
    Random,
}

/// What the caller may do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The journal is as it was; the caller may go on with something smaller or later.
    GoOn,
    /// Nothing more may be acknowledged until a person has acted.
    Stop,
}

impl Error {
    /// What to do, decided by the kind of failure.
    pub fn answer(&self) -> Answer {
        match self {
            Self::EventTooLarge { .. } | Self::FrameFull | Self::Empty | Self::Busy { .. } => Answer::GoOn,
            _ => Answer::Stop,
        }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// An error of redb: what only damaged bytes can cause is said to be damage.
    pub(crate) fn store(file: &str, source: impl Into<redb::Error>) -> Self {
        match source.into() {
            redb::Error::Corrupted(what) => Self::damaged(file, 0, 0, what),
            redb::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
                Self::damaged(file, 0, 0, source.to_string())
            }
            redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                Self::damaged(file, 0, 0, "it is cut short")
            }
            source @ (redb::Error::TableDoesNotExist(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TypeDefinitionChanged { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::UpgradeRequired(_)) => Self::damaged(file, 0, 0, source.to_string()),
            redb::Error::DatabaseAlreadyOpen => Self::Locked { what: file.to_owned(), pid: None },
            source => Self::Store { file: file.to_owned(), source: Box::new(source) },
        }
    }

    pub(crate) fn damaged(file: &str, frame: u64, seq: u64, what: impl Into<String>) -> Self {
        Self::Damaged { file: file.to_owned(), frame, seq, what: what.into() }
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
