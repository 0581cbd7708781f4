//! What the journal asks of a store: numbered files of frames, the newest open for appending.
//!
//! A store knows no keys, no chain and no events; nothing above this trait knows whether it is redb or `PostgreSQL`. It never
//! retries: an error from `append`, `seal` or `begin` stops the journal.

use std::ops::ControlFlow;

use crate::error::Error;
use crate::frame::SealedFrame;
use crate::segment::{Preamble, Sealed};

/// What the bytes of a sealed file are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of all of it.
    pub digest: [u8; 32],
}

/// Called with each stored key and frame; the key is the frame's first sequence number, or 0 for the header frame.
pub type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>, Error> + 'a;

/// The frames of one file.
pub trait Frames {
    /// What the file belongs to.
    fn preamble(&self) -> Result<Preamble, Error>;
    /// Visits frames in order, from the one that holds `from_seq`; 0 begins with the header frame.
    fn scan(&self, from_seq: u64, visit: &mut Visit<'_>) -> Result<(), Error>;
}

/// Numbered files of frames.
pub trait Store: Send {
    /// The numbers of all files, ascending. Leftovers of an unfinished `begin` are removed.
    fn files(&self) -> Result<Vec<u32>, Error>;
    /// The name of file `file`, for messages.
    fn name(&self, file: u32) -> String;
    /// Its length in bytes.
    fn length(&self, file: u32) -> Result<u64, Error>;
    /// The fingerprint of a sealed file: reads all of it.
    fn fingerprint(&self, file: u32) -> Result<Fingerprint, Error>;
    /// Reads bytes of a file that is not open for appending.
    fn read(&self, file: u32, at: u64, out: &mut [u8]) -> Result<(), Error>;
    /// Makes what `begin` of `file` will need, so that it has less to do. Nothing of it is part of the journal before that.
    fn prepare(&mut self, file: u32) -> Result<(), Error>;
    /// Creates `file` with its header frame and opens it: all of it is there after a crash, or nothing.
    fn begin(&mut self, file: u32, preamble: &Preamble, header: &SealedFrame<'_>) -> Result<(), Error>;
    /// Opens `file`, the newest, for appending; an unfinished append of a crash is undone.
    fn resume(&mut self, file: u32) -> Result<(), Error>;
    /// Makes all frames of the file that was resumed durable where they lie for good. Called once they were verified, and before the
    /// first of them is believed: a process that was killed may have left what was written and never synced.
    fn settle(&mut self) -> Result<(), Error>;
    /// Stores one frame; durable on return.
    fn append(&mut self, frame: &SealedFrame<'_>) -> Result<(), Error>;
    /// Does what an append to come would have to do besides; whether there was anything.
    fn relieve(&mut self) -> Result<bool, Error>;
    /// Closes the open file cleanly; it can be resumed.
    fn close(&mut self) -> Result<(), Error>;
    /// Closes the open file for good; its length.
    fn seal(&mut self) -> Result<u64, Error>;
    /// The frames of the open file.
    fn current(&self) -> Result<&dyn Frames, Error>;
    /// The frames of a sealed file whose bytes match `line`, or the damage.
    fn sealed(&self, line: &Sealed) -> Result<Box<dyn Frames>, Error>;
    /// The bytes of the head file, if there is one.
    fn head(&self) -> Result<Option<Vec<u8>>, Error>;
    /// The bytes of the file that stands for removed ones, if there is one.
    fn kept(&self) -> Result<Option<Vec<u8>>, Error> {
        Ok(None)
    }
    /// Replaces the head file, atomically and durably.
    fn set_head(&mut self, bytes: &[u8]) -> Result<(), Error>;
}
