//! The walk over frames that believes nothing.
//!
//! Every frame it passes is checked: hash, seal, number of the file, sequence, and the hash of the frame before, also across files. Where
//! the events of a file are not asked for, its last seal vouches for the frames before it, which it names by their hashes.

use std::ops::ControlFlow;

use crate::embedded::file_name;
use crate::error::Error;
use crate::frame::{Kind, Open, Outline, Refused, linked, open};
use crate::keys::Keys;
use crate::read::Report;
use crate::segment::{Head, Preamble, Sealed, decode};
use crate::store::Frames;

/// Called with sequence number, stream and body.
pub(crate) type Event<'a> = dyn FnMut(u64, u64, &[u8]) -> ControlFlow<()> + 'a;

/// A walk over the frames of one or more files, in order.
pub(crate) struct Walk<'k> {
    keys: &'k Keys,
    buffer: Vec<u8>,
    name: String,
    file: u32,
    ordinal: u64,
    /// Whether frames behind the first are held to the chain alone.
    by_chain: bool,
    /// The next sequence number and the hash of the last frame, once one was seen.
    pub(crate) next: Option<(u64, [u8; 32])>,
    /// What the last header frame said.
    pub(crate) header: Option<(Preamble, Vec<Sealed>)>,
    pub(crate) seen: Report,
}

impl<'k> Walk<'k> {
    pub(crate) fn new(keys: &'k Keys) -> Self {
        Self {
            keys,
            buffer: Vec::new(),
            name: String::new(),
            file: 0,
            ordinal: 0,
            by_chain: false,
            next: None,
            header: None,
            seen: Report::default(),
        }
    }

    /// Walks `frames` of file `file` from the frame that holds `from_seq`, calling `visit` for the events from there.
    /// Returns whether `visit` asked to stop.
    pub(crate) fn file(
        &mut self,
        file: u32,
        frames: &dyn Frames,
        from_seq: u64,
        visit: &mut Event<'_>,
    ) -> Result<bool, Error> {
        self.name = file_name(file);
        self.file = file;
        self.ordinal = 0;
        self.seen.files += 1;
        let preamble = frames.preamble()?;
        preamble.admit(&self.name, self.keys)?;
        let mut stopped = false;
        frames.scan(from_seq, &mut |key, bytes| {
            let flow = self.frame(key, bytes, from_seq, visit)?;
            stopped = flow.is_break();
            self.ordinal += 1;
            Ok(flow)
        })?;
        if from_seq == 0 && !stopped && self.header.as_ref().is_none_or(|(said, _)| *said != preamble) {
            return Err(Error::damaged(&self.name, 0, 0, "its header frame and its preamble differ"));
        }
        Ok(stopped)
    }

    /// Walks all frames of file `file` and opens the first and the last: each names the one before it by its hash, so the seal of the
    /// last vouches for all. For a file whose events are read later, or not at all.
    pub(crate) fn chained(&mut self, file: u32, frames: &dyn Frames) -> Result<(), Error> {
        self.by_chain = true;
        let walked = self.file(file, frames, 0, &mut |_, _, _| ControlFlow::Continue(()));
        self.by_chain = false;
        walked?;
        let (Some((_, tip)), true) = (self.next, self.seen.frames > 0) else { return Ok(()) };
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut found = Ok(None);
        frames.scan(u64::MAX, &mut |key, bytes| {
            let opened = open(bytes, self.keys.frames(), &mut buffer);
            found = opened.map(|frame| Some(frame.hash)).map_err(|refused| self.refuse(key, refused));
            Ok(ControlFlow::Break(()))
        })?;
        self.buffer = buffer;
        if found? == Some(tip) {
            return Ok(());
        }
        Err(Error::damaged(&self.name, self.ordinal, 0, "its last frame is not where it was"))
    }

    /// After a sealed file: it must end as the newest file says.
    pub(crate) fn end(&self, line: &Sealed) -> Result<(), Error> {
        if self.next == Some((line.last_seq + 1, line.last_hash)) {
            return Ok(());
        }
        Err(Error::damaged(&self.name, self.ordinal, line.last_seq, "it does not end where it was sealed"))
    }

    fn frame(
        &mut self,
        key: u64,
        bytes: &[u8],
        from_seq: u64,
        visit: &mut Event<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        if self.by_chain && self.ordinal > 0 {
            return match linked(bytes) {
                Ok(frame) => self.linked(key, &frame),
                Err(refused) => Err(self.refuse(key, refused)),
            };
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = match open(bytes, self.keys.frames(), &mut buffer) {
            Ok(frame) => self.opened(key, &frame, bytes.len(), from_seq, visit),
            Err(refused) => Err(self.refuse(key, refused)),
        };
        self.buffer = buffer;
        outcome
    }

    fn opened(
        &mut self,
        key: u64,
        frame: &Open<'_>,
        bytes: usize,
        from_seq: u64,
        visit: &mut Event<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        self.follows(frame.file, frame.first_seq, frame.prev)?;
        let damaged = |what: &str| Error::damaged(&self.name, self.ordinal, frame.first_seq, what);
        if frame.kind == Kind::File {
            if key != 0 || self.ordinal != 0 || frame.count != 0 {
                return Err(damaged("it is a header frame in the wrong place"));
            }
            let said = decode(frame.content).ok_or_else(|| damaged("its list of files is unreadable"))?;
            let before = said.1.last().map_or((1, [0; 32]), |line| (line.last_seq + 1, line.last_hash));
            if before != (frame.first_seq, frame.prev) {
                return Err(damaged("it does not follow the last file of its list"));
            }
            self.header = Some(said);
            self.next = Some((frame.first_seq, frame.hash));
            return Ok(ControlFlow::Continue(()));
        }
        if key != frame.first_seq || frame.count == 0 || (from_seq == 0 && self.ordinal == 0) {
            return Err(damaged("it is stored in the wrong place"));
        }
        let events = frame.events().map_err(|refused| self.refuse(key, refused))?;
        self.passed(frame.first_seq, frame.count, bytes, frame.hash);
        for (seq, (stream, body)) in (frame.first_seq..).zip(events) {
            if seq >= from_seq && visit(seq, stream, body).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes a frame for which a later one vouches.
    fn linked(&mut self, key: u64, frame: &Outline) -> Result<ControlFlow<()>, Error> {
        self.follows(frame.file, frame.first_seq, frame.prev)?;
        if !frame.events || key != frame.first_seq || frame.count == 0 {
            let what = "it is stored in the wrong place";
            return Err(Error::damaged(&self.name, self.ordinal, frame.first_seq, what));
        }
        self.passed(frame.first_seq, frame.count, frame.length, frame.hash);
        Ok(ControlFlow::Continue(()))
    }

    /// Refuses a frame that is not of this file or does not go on from the one before it.
    fn follows(&self, file: u32, first_seq: u64, prev: [u8; 32]) -> Result<(), Error> {
        let damaged = |what: &str| Err(Error::damaged(&self.name, self.ordinal, first_seq, what));
        if file != self.file {
            return damaged("it was written to another file");
        }
        if self.next.is_some_and(|(seq, hash)| first_seq != seq || prev != hash) {
            return damaged("it does not follow the frame before it");
        }
        Ok(())
    }

    /// Counts a frame of events.
    fn passed(&mut self, first_seq: u64, count: u32, bytes: usize, hash: [u8; 32]) {
        let next = first_seq.saturating_add(u64::from(count));
        self.next = Some((next, hash));
        self.seen.frames += 1;
        self.seen.events += u64::from(count);
        self.seen.bytes += bytes as u64;
        self.seen.head = Head { seq: next - 1, hash };
    }

    fn refuse(&self, key: u64, refused: Refused) -> Error {
        match refused {
            Refused::Version(found) => Error::Version { file: self.name.clone(), found },
            Refused::Damaged(what) => Error::damaged(&self.name, self.ordinal, key, what),
        }
    }
}
