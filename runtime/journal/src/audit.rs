//! The audit of a journal: every frame of every file, the chain, the list of files, the head file, and signed checkpoints.
//!
//! Absent: trust in what was found so far, and an end at the first mistake. Where opening a journal refuses it, an audit goes on and
//! names each frame that is not what was written.
//!
//! - Whoever changes bytes without the tenant's key breaks a hash, a seal or the chain: the frame is named.
//! - Whoever has the key can write another journal that is whole in itself: it disagrees with a checkpoint that was kept elsewhere,
//!   and the audit names the frames between the last checkpoint that agrees and the first that does not.
//! - Whoever puts everything back to an older copy is told by the same checkpoints, which know a longer journal.

use std::ops::ControlFlow;

use crate::ahead::{AHEAD_FILE, Base, Look, read};
use crate::checkpoint::{Public, Signed, origin_of};
use crate::disk::Disk;
use crate::embedded::{Segment, file_name, numbers, read_head};
use crate::error::Error;
use crate::fingerprint::fingerprint;
use crate::frame::{HASH_BYTES, Kind, Open, Refused, array, open};
use crate::kept::{KEPT_FILE, Kept};
use crate::keys::Keys;
use crate::merkle::{Frontier, Hash, leaf};
use crate::read::{Report, with_removed};
use crate::salvage::{self, Salvaged};
use crate::segment::{HEAD_FILE, Head, Preamble, Sealed, decode, decode_head};
use crate::store::Frames;

/// How many findings are kept; the rest are counted.
pub const FINDINGS_MAX: usize = 1_000;
/// The file of checkpoints beside the journal.
pub const CHECKPOINTS_FILE: &str = "checkpoints";

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file.
    pub file: String,
    /// Ordinal of the frame in its file, 0 being the file's header frame; none where it is the file as a whole.
    pub frame: Option<u64>,
    /// Sequence number of the frame's first event, where it is known.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What an audit came to.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// What is wrong; nothing where the journal is whole.
    pub findings: Vec<Finding>,
    /// How many more there were.
    pub more: u64,
    /// What was walked.
    pub report: Report,
    /// The tree over all events, as far as the chain is whole.
    pub edge: Frontier,
    /// How many checkpoints agree.
    pub agreed: u64,
    /// How many could not be compared, because events before them are damaged.
    pub uncompared: u64,
}

/// A place that the journal is known to have reached.
struct Mark<'c> {
    size: u64,
    head: Hash,
    root: Option<Hash>,
    said: String,
    signed: Option<&'c Signed>,
}

struct Audit<'k, 'c> {
    keys: &'k Keys,
    buffer: Vec<u8>,
    name: String,
    file: u32,
    ordinal: u64,
    /// What the next frame must say: its first sequence number, where it is known, and the hash of the frame before.
    next: Option<(Option<u64>, Hash)>,
    header: Option<(Preamble, Vec<Sealed>)>,
    /// Whether every event so far is known.
    whole: bool,
    /// What the file walked last says of the ahead file; unknown where the store refuses it.
    base: Option<Base>,
    /// The log that its checkpoints must name.
    own: Option<String>,
    marks: Vec<Mark<'c>>,
    compared: usize,
    last_agreed: u64,
    disagreed: bool,
    out: Examined,
}

/// Audits the journal on `disk`. `checkpoints` are those beside it and those that were kept elsewhere; they must be signed by
/// `public`.
pub fn examine(
    disk: &dyn Disk,
    keys: &Keys,
    public: Option<&Public>,
    checkpoints: &[Signed],
) -> Result<Examined, Error> {
    let ahead = read(disk)?;
    let names = disk.list().map_err(Error::io("list the journal directory"))?;
    let files = numbers(&names);
    let mut audit = Audit {
        keys,
        buffer: Vec::new(),
        name: String::new(),
        file: 0,
        ordinal: 0,
        next: None,
        header: None,
        whole: true,
        base: None,
        own: None,
        marks: Vec::new(),
        compared: 0,
        last_agreed: 0,
        disagreed: false,
        out: Examined::default(),
    };
    audit.marks(disk, public, checkpoints)?;
    let kept = audit.removed(disk);
    let mut prints = Vec::new();
    for file in files.iter().filter(|file| kept.as_ref().is_none_or(|kept| !kept.covers(**file))) {
        let name = file_name(*file);
        let bytes = disk.read(&name).map_err(Error::io(format!("read `{name}`")))?;
        let before = audit.out.findings.len();
        prints.push((*file, fingerprint(&bytes)));
        audit.file(*file, &bytes);
        if audit.out.findings.len() > before {
            prints.pop();
        }
    }
    audit.ahead(ahead.as_deref());
    audit.lists(&with_removed(files, kept.as_ref()), &prints, kept.as_ref());
    audit.origins();
    audit.end();
    Ok(audit.out)
}

impl<'c> Audit<'_, 'c> {
    fn tell(&mut self, frame: Option<u64>, seq: Option<u64>, what: impl Into<String>) {
        let file = self.name.clone();
        self.tell_of(file, frame, seq, what);
    }

    fn tell_of(&mut self, file: String, frame: Option<u64>, seq: Option<u64>, what: impl Into<String>) {
        if self.out.findings.len() < FINDINGS_MAX {
            self.out.findings.push(Finding { file, frame, seq, what: what.into() });
        } else {
            self.out.more += 1;
        }
    }

    /// Begins behind the files that were exported and removed: with the edge of the tree over them, and with the checkpoints that end
    /// where they do. Those that end before cannot be compared any more.
    fn removed(&mut self, disk: &dyn Disk) -> Option<Kept> {
        let kept = match Kept::read(disk, self.keys) {
            Ok(kept) => kept?,
            Err(error) => {
                self.tell_of(KEPT_FILE.to_owned(), None, None, error.to_string());
                return None;
            }
        };
        // What stays of them is part of what is examined.
        if let Err(error) = kept.visit(self.keys, 0, &mut |_, _, _| ControlFlow::Continue(())) {
            self.tell_of(KEPT_FILE.to_owned(), None, None, error.to_string());
        }
        let last = kept.last();
        self.next = Some((Some(last.seq + 1), last.hash));
        self.out.edge = kept.edge.clone();
        self.out.report.head = last;
        self.out.report.removed_files = kept.lines.len();
        self.out.report.removed_events = last.seq - kept.events;
        let root = kept.edge.root();
        while let Some(mark) = self.marks.get(self.compared).filter(|mark| mark.size <= last.seq) {
            self.compared += 1;
            let (size, head, of, signed) = (mark.size, mark.head, mark.root, mark.signed.is_some());
            if size < last.seq {
                self.out.uncompared += u64::from(signed);
            } else if head == last.hash && of.is_none_or(|of| of == root) {
                self.out.agreed += u64::from(signed);
                self.last_agreed = size;
            } else {
                let what = format!("{} disagrees with what was removed", mark.said);
                self.tell_of(KEPT_FILE.to_owned(), None, Some(size), what);
            }
        }
        Some(kept)
    }

    /// Gathers what is known of the journal's length: the head file, and the checkpoints that are signed.
    fn marks(
        &mut self,
        disk: &dyn Disk,
        public: Option<&Public>,
        checkpoints: &'c [Signed],
    ) -> Result<(), Error> {
        match read_head(disk)?.map(|bytes| decode_head(&bytes, self.keys)) {
            Some(Ok(Head { seq, hash })) if seq > 0 => {
                let said = format!("the head file over {seq} events");
                self.marks.push(Mark { size: seq, head: hash, root: None, said, signed: None });
            }
            Some(Err(error)) => self.tell_of(HEAD_FILE.to_owned(), None, None, error.to_string()),
            Some(Ok(_)) | None => {}
        }
        for signed in checkpoints {
            let said = format!("the checkpoint of {} over {} events", signed.said.at, signed.said.size);
            if public.is_none_or(|public| !signed.is_signed_by(public)) {
                let what = format!("{said} is not signed by this tenant's key");
                self.tell_of(CHECKPOINTS_FILE.to_owned(), None, Some(signed.said.size), what);
                continue;
            }
            let (size, head, root) = (signed.said.size, signed.said.head, Some(signed.said.root));
            self.marks.push(Mark { size, head, root, said, signed: Some(signed) });
        }
        self.marks.sort_by_key(|mark| mark.size);
        Ok(())
    }

    /// Walks one file: by the store's index, or by the chain itself where the store refuses it.
    fn file(&mut self, file: u32, bytes: &[u8]) {
        (self.name, self.file, self.ordinal) = (file_name(file), file, 0);
        self.out.report.files += 1;
        let indexed = Segment::copy(file, bytes.to_owned(), false).and_then(|segment| {
            segment.preamble()?.admit(&self.name, self.keys)?;
            Ok((collected(&segment)?, segment.base()?))
        });
        match indexed {
            Ok((frames, base)) => {
                self.base = base;
                self.frames(&frames);
            }
            Err(error) => {
                self.base = None;
                self.pieces(file, bytes, &error);
            }
        }
    }

    /// Walks what is durable and not yet in the newest file.
    fn ahead(&mut self, bytes: Option<&[u8]>) {
        let newest = std::mem::replace(&mut self.name, AHEAD_FILE.to_owned());
        match (self.base, bytes) {
            (Some(base), None) if base.pass > 0 => self.tell(None, None, "it is missing"),
            (base, Some(bytes)) => self.live(base, bytes),
            (_, None) => {}
        }
        self.name = newest;
    }

    fn live(&mut self, base: Option<Base>, bytes: &[u8]) {
        let look = Look::of(bytes);
        // Where the newest file is damaged, what lies ahead of it is held to what could be read.
        let end = self.out.report.head;
        let read = Base { pass: 0, journal: [0; 16], file: self.file, next_seq: end.seq + 1, tip: end.hash };
        if let Some(Err(error)) = base.as_ref().map(|base| look.admit(base)) {
            self.tell(None, None, error.to_string());
        }
        let live = look.live(&base.unwrap_or(read));
        let whole = |frames: Vec<(u64, std::ops::Range<usize>)>| -> Vec<(u64, Vec<u8>)> {
            frames.into_iter().map(|(seq, place)| (seq, bytes[place].to_vec())).collect()
        };
        self.ordinal = 1;
        self.frames(&whole(live.frames));
        if let Some(broken) = live.broken {
            self.tell(Some(broken.page), Some(broken.seq), broken.error.to_string());
            self.whole = false;
            self.next = None;
            self.ordinal = broken.page + 1;
            self.frames(&whole(live.beyond));
        }
    }

    fn frames(&mut self, frames: &[(u64, Vec<u8>)]) {
        for (key, bytes) in frames {
            self.frame(*key, bytes);
            self.ordinal += 1;
        }
    }

    /// Walks what lies whole in a file that the store refuses: its unbroken beginning, then what comes after the break.
    fn pieces(&mut self, file: u32, bytes: &[u8], error: &Error) {
        let beginning = Salvaged::of(bytes.to_owned(), file, self.keys);
        let beginning = beginning.and_then(|salvaged| collected(&salvaged).ok()).unwrap_or_default();
        self.frames(&beginning);
        // A file without its header frame breaks there.
        let broken = if beginning.is_empty() { None } else { self.next.and_then(|(seq, _)| seq) };
        let rest = salvage::pieces(bytes, file, broken.unwrap_or(1));
        let what = match (beginning.is_empty(), rest.is_empty()) {
            (true, true) => format!("nothing of it can be read: {error}"),
            (false, true) => {
                format!(
                    "its frames are whole up to here; what follows, or the store's own pages, is damaged: {error}"
                )
            }
            (_, false) => format!("it is not the frame that was written: {error}"),
        };
        self.tell(Some(self.ordinal), broken, what);
        self.whole = false;
        self.next = None;
        self.ordinal += u64::from(!beginning.is_empty() || !rest.is_empty());
        self.frames(&rest);
    }

    fn frame(&mut self, key: u64, bytes: &[u8]) {
        let mut buffer = std::mem::take(&mut self.buffer);
        match open(bytes, self.keys.frames(), &mut buffer) {
            Ok(frame) => self.opened(key, &frame, bytes.len()),
            Err(refused) => {
                let what = match refused {
                    Refused::Version(found) => format!("it has format version {found}"),
                    Refused::Damaged(what) => what.to_owned(),
                };
                self.tell(Some(self.ordinal), (key > 0).then_some(key), what);
                self.whole = false;
                // What it says of itself: if only its content was altered, the next frame still follows it.
                let said = bytes.len().checked_sub(HASH_BYTES).map(|at| array(bytes, at));
                self.next = said.map(|hash| (None, hash));
            }
        }
        self.buffer = buffer;
    }

    fn opened(&mut self, key: u64, frame: &Open<'_>, bytes: usize) {
        let at = Some(self.ordinal);
        let stored = if frame.kind == Kind::File { 0 } else { frame.first_seq };
        if frame.file != self.file {
            self.tell(at, Some(key), format!("it was written to file {}", frame.file));
        }
        if key != stored || (frame.kind == Kind::File) != (self.ordinal == 0) {
            self.tell(
                at,
                Some(key),
                format!("it is the frame of sequence {} in another's place", frame.first_seq),
            );
        }
        self.follows(frame);
        let begins = self.next.is_none();
        self.next = Some((Some(frame.first_seq + u64::from(frame.count)), frame.hash));
        if frame.kind == Kind::File {
            match decode(frame.content) {
                Some(said) => {
                    self.own = Some(origin(self.keys, &said.0));
                    self.header = Some(said);
                }
                None => self.tell(at, None, "its list of files is unreadable"),
            }
            return;
        }
        self.whole &= !begins && self.out.edge.size() + 1 == frame.first_seq;
        match frame.events() {
            Ok(events) => {
                for (seq, (stream, body)) in (frame.first_seq..).zip(events) {
                    if self.whole {
                        self.out.edge.push(&leaf(seq, stream, body));
                    }
                }
            }
            Err(refused) => {
                self.whole = false;
                self.tell(at, Some(key), refused.to_string());
            }
        }
        self.out.report.frames += 1;
        self.out.report.events += u64::from(frame.count);
        self.out.report.bytes += bytes as u64;
        self.out.report.head = Head { seq: frame.first_seq + u64::from(frame.count) - 1, hash: frame.hash };
        self.compare(frame);
    }

    /// Holds a frame to the one before it.
    fn follows(&mut self, frame: &Open<'_>) {
        let Some((seq, hash)) = self.next else {
            let first = self.out.report.files == 1 && self.ordinal == 0;
            if first && (frame.first_seq != 1 || frame.prev != [0; 32]) {
                self.tell(Some(self.ordinal), Some(frame.first_seq), "it is not the first of the journal");
            }
            return;
        };
        let what = match seq {
            Some(seq) if frame.first_seq > seq => {
                Some(format!("events {seq} to {} before it are missing", frame.first_seq - 1))
            }
            Some(seq) if frame.first_seq < seq => Some(format!("it repeats events from {}", frame.first_seq)),
            _ if frame.prev != hash => {
                Some("it was written after another frame than the one before it".to_owned())
            }
            _ => None,
        };
        if let Some(what) = what {
            self.whole = false;
            self.tell(Some(self.ordinal), Some(frame.first_seq), what);
        }
    }

    /// Holds the journal up to the frame just walked to what is known of it.
    fn compare(&mut self, frame: &Open<'_>) {
        let end = self.out.report.head;
        while let Some(mark) = self.marks.get(self.compared).filter(|mark| mark.size <= end.seq) {
            self.compared += 1;
            if !self.whole && mark.root.is_some() {
                self.out.uncompared += 1;
                continue;
            }
            let same_root = mark.root.is_none_or(|root| root == self.out.edge.root());
            if mark.size == end.seq && mark.head == end.hash && same_root {
                // The head file is whoever's who wrote the journal last.
                if mark.signed.is_some() {
                    self.out.agreed += 1;
                    self.last_agreed = mark.size;
                }
                continue;
            }
            // One is enough: all later ones disagree as well.
            if !std::mem::replace(&mut self.disagreed, true) {
                let what = format!(
                    "{} disagrees: events {} to {} are not all those that it was made of",
                    mark.said,
                    self.last_agreed + 1,
                    mark.size
                );
                self.tell(Some(self.ordinal), Some(frame.first_seq), what);
            }
        }
    }

    /// Holds the files to the list in the newest of them.
    fn lists(&mut self, files: &[u32], prints: &[(u32, crate::store::Fingerprint)], kept: Option<&Kept>) {
        let Some((_, sealed)) = self.header.take() else {
            return self.tell_of(
                file_name(files.last().copied().unwrap_or(1)),
                None,
                None,
                "there is no journal",
            );
        };
        if let Some(Err(error)) = kept.map(|kept| kept.begins(&sealed)) {
            self.tell_of(KEPT_FILE.to_owned(), None, None, error.to_string());
        }
        for line in &sealed {
            if !files.contains(&line.file) {
                self.tell_of(file_name(line.file), None, Some(line.last_seq), "it is missing");
            }
            // Of a file with a damaged frame that was said already.
            let print = prints.iter().find(|(file, _)| *file == line.file);
            if let Some((_, print)) = print.filter(|(_, print)| line.compare("", print).is_err()) {
                let what = format!(
                    "its {} bytes are not the {} that were sealed: something outside of its frames was altered",
                    print.bytes, line.bytes
                );
                self.tell_of(file_name(line.file), None, None, what);
            }
        }
        let newest = files.last().copied();
        let listed = |file: u32| Some(file) == newest || sealed.iter().any(|line| line.file == file);
        for file in files.iter().filter(|file| !listed(**file)) {
            self.tell_of(file_name(*file), None, None, "it does not belong to this journal");
        }
        self.header = None;
    }

    /// Refuses checkpoints of another log: signed by the same tenant, and saying nothing of this journal.
    fn origins(&mut self) {
        let Some(own) = self.own.clone() else { return };
        let strange = |mark: &&Mark<'_>| mark.signed.is_some_and(|signed| signed.said.origin != own);
        let strangers: Vec<String> =
            self.marks.iter().filter(strange).map(|mark| mark.said.clone()).collect();
        for said in strangers {
            self.tell_of(CHECKPOINTS_FILE.to_owned(), None, None, format!("{said} is of another journal"));
        }
    }

    /// What is known beyond the end.
    fn end(&mut self) {
        let end = self.out.report.head.seq;
        let beyond: Vec<String> = self.marks[self.compared..].iter().map(|mark| mark.said.clone()).collect();
        if let Some(longest) = beyond.last() {
            let what = format!(
                "{longest} knows more than the {end} that are here: the journal was cut off or put back to an older copy"
            );
            self.tell(None, Some(end), what);
        }
    }
}

fn collected(frames: &dyn Frames) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let mut all = Vec::new();
    frames.scan(0, &mut |key, bytes| {
        all.push((key, bytes.to_vec()));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

/// The log that the checkpoints of a journal name.
pub fn origin(keys: &Keys, preamble: &Preamble) -> String {
    origin_of(keys.tenant(), &preamble.journal)
}
