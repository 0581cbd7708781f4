//! The files `issued-*.xops` beside a journal: every id that was issued, and which ids were of one entity when that was last seen.
//!
//! Absent: anything of whom an id means, and the ids of whom was erased: [`forget`] takes them out. Invariants: a file is sealed under
//! the tenant's key as frames are, and bears a keyed check over all of it, so it is what was written or it is refused; a later file
//! counts where two speak of the same id. The form before it, text that was not sealed, is still read.

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::{self, Batch, FRAME_BYTES_MAX, Kind, Place, array};
use crate::keys::Keys;
use crate::random::Random;
use crate::subjects::Subject;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use xops_kernel::id::EntityId;

const MAGIC: [u8; 8] = *b"XOJI\x02\0\0\0";
/// The first line of a file that was not sealed.
const PLAIN: &str = "xops issued 1";
const FRONT: &str = "issued-";
const BACK: &str = ".xops";
/// How many ids stand in one event, or pairs of ids.
const IDS: usize = 16_384;
/// Bytes of events after which a frame is closed.
const FRAME_BYTES: usize = 4 << 20;
/// The longest name of a kind of entity.
const KIND_BYTES_MAX: usize = 4_096;

/// The stream of ids: the kind of entity, a line's end, ids.
const STREAM_IDS: u64 = 0;
/// The stream of what ids were last of one with: pairs, an id twice where it stands alone again.
const STREAM_MET: u64 = 1;

/// See the module.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The ids, by the kind of entity.
    pub ids: BTreeMap<String, BTreeSet<EntityId>>,
    /// Which other id was of the same entity when the record behind this one was last seen; none where there was no other.
    pub met: BTreeMap<EntityId, Option<EntityId>>,
}

impl Issued {
    /// Takes over what a later file says.
    pub fn extend(&mut self, later: Self) {
        for (kind, ids) in later.ids {
            self.ids.entry(kind).or_default().extend(ids);
        }
        self.met.extend(later.met);
    }

    /// Forgets ids; whether any of them was known.
    pub fn drop_ids(&mut self, gone: impl Fn(&Subject) -> bool) -> bool {
        let before = (self.ids.values().map(BTreeSet::len).sum::<usize>(), self.met.len());
        for ids in self.ids.values_mut() {
            ids.retain(|id| !gone(&id.0));
        }
        self.ids.retain(|_, ids| !ids.is_empty());
        self.met.retain(|id, other| !gone(&id.0) && !other.is_some_and(|other| gone(&other.0)));
        before != (self.ids.values().map(BTreeSet::len).sum(), self.met.len())
    }

    /// Reads a file.
    pub fn parse(name: &str, bytes: &[u8], keys: &Keys) -> Result<Self, Error> {
        let damaged = |what: &str| Error::damaged(name, 0, 0, what);
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            return plain(bytes).map_err(|what| damaged(&what));
        };
        let (said, check) = bytes
            .split_at_checked(bytes.len().saturating_sub(32))
            .filter(|(said, _)| said.len() >= MAGIC.len() + 48)
            .ok_or_else(|| damaged("it is cut off"))?;
        if rest[..32] != keys.tenant_digest() {
            let (file, tenant) = (name.to_owned(), keys.tenant().to_owned());
            return Err(Error::OtherTenant { file, tenant });
        }
        if rest[32..48] != keys.check() {
            return Err(Error::WrongKey { tenant: keys.tenant().to_owned() });
        }
        if blake3::keyed_hash(keys.head(), said) != blake3::Hash::from_bytes(array(check, 0)) {
            return Err(damaged("it is not what was written"));
        }
        let mut issued = Self::default();
        let (mut rest, mut buffer) = (&said[MAGIC.len() + 48..], Vec::new());
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_le_bytes(*length) as usize;
            let (bytes, after) = after
                .split_at_checked(length)
                .filter(|_| length <= FRAME_BYTES_MAX)
                .ok_or_else(|| damaged("a frame of it is cut off"))?;
            rest = after;
            let frame = frame::open(bytes, keys.frames(), &mut buffer)
                .map_err(|_| damaged("a frame of it does not open"))?;
            for (stream, body) in frame.events().map_err(|_| damaged("a frame of it holds no events"))? {
                issued.take(stream, body).ok_or_else(|| damaged("it holds something else than ids"))?;
            }
        }
        if rest.is_empty() { Ok(issued) } else { Err(damaged("it has bytes behind its end")) }
    }

    fn take(&mut self, stream: u64, body: &[u8]) -> Option<()> {
        match stream {
            STREAM_IDS => {
                let end = body.iter().take(KIND_BYTES_MAX + 1).position(|byte| *byte == b'\n')?;
                let kind = std::str::from_utf8(&body[..end]).ok()?;
                let (ids, rest) = body[end + 1..].as_chunks::<16>();
                self.ids.entry(kind.to_owned()).or_default().extend(ids.iter().copied().map(EntityId));
                rest.is_empty().then_some(())
            }
            STREAM_MET => {
                let (pairs, rest) = body.as_chunks::<32>();
                self.met.extend(pairs.iter().map(|pair| {
                    let (id, other) = (EntityId(array(pair, 0)), EntityId(array(pair, 16)));
                    (id, (id != other).then_some(other))
                }));
                rest.is_empty().then_some(())
            }
            _ => None,
        }
    }

    /// Its bytes.
    pub fn encode(&self, keys: &Keys, random: &dyn Random) -> Result<Vec<u8>, Error> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&keys.tenant_digest());
        out.extend_from_slice(&keys.check());
        let mut salt = [0; 4];
        random.fill(&mut salt)?;
        let mut writing = Writing {
            keys,
            batch: Batch::default(),
            place: Place { file: 0, first_seq: 1, prev: [0; 32], salt },
            out,
        };
        for (kind, ids) in &self.ids {
            let ids: Vec<EntityId> = ids.iter().copied().collect();
            for ids in ids.chunks(IDS) {
                let mut body = format!("{kind}\n").into_bytes();
                body.extend(ids.iter().flat_map(|id| id.0));
                writing.push(STREAM_IDS, &body)?;
            }
        }
        let met: Vec<[EntityId; 2]> =
            self.met.iter().map(|(id, other)| [*id, other.unwrap_or(*id)]).collect();
        for pairs in met.chunks(IDS) {
            let body: Vec<u8> = pairs.iter().flatten().flat_map(|id| id.0).collect();
            writing.push(STREAM_MET, &body)?;
        }
        writing.close();
        let mut out = writing.out;
        let check = blake3::keyed_hash(keys.head(), &out);
        out.extend_from_slice(check.as_bytes());
        Ok(out)
    }
}

/// A file on its way.
struct Writing<'k> {
    keys: &'k Keys,
    batch: Batch,
    place: Place,
    out: Vec<u8>,
}

impl Writing<'_> {
    fn push(&mut self, stream: u64, body: &[u8]) -> Result<(), Error> {
        if self.batch.frame_bytes() + body.len() > FRAME_BYTES {
            self.close();
        }
        self.batch.push(stream, body)
    }

    fn close(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let count = u64::from(self.batch.count());
        let sealed = self.batch.seal(Kind::Events, &self.place, self.keys.frames());
        let length = u32::try_from(sealed.bytes.len()).expect("a frame has a bound");
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(sealed.bytes);
        (self.place.prev, self.place.first_seq) = (sealed.hash, self.place.first_seq + count);
        self.batch.clear();
    }
}

/// A file that was not sealed: a line for each id, with its kind.
fn plain(bytes: &[u8]) -> Result<Issued, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    if lines.next() != Some(PLAIN) {
        return Err("it is no list of ids".to_owned());
    }
    let mut issued = Issued::default();
    for line in lines {
        let (id, kind) = line.split_once(' ').ok_or("a line is no id and kind")?;
        let id: EntityId = id.parse().map_err(|_| "a line has no id".to_owned())?;
        issued.ids.entry(kind.to_owned()).or_default().insert(id);
    }
    Ok(issued)
}

/// Whether a file is one of these.
pub fn is_one(name: &str) -> bool {
    number_of(name).is_some()
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(FRONT)?.strip_suffix(BACK)?.parse().ok()
}

/// The name of the file of this number.
pub fn name(number: u64) -> String {
    format!("{FRONT}{number:06}{BACK}")
}

/// The files, by number: the later ones count.
pub fn files(disk: &dyn Disk) -> io::Result<BTreeMap<u64, String>> {
    let names = disk.list()?.into_iter();
    Ok(names.filter_map(|name| Some((number_of(&name)?, name))).collect())
}

/// Takes the ids of whom was erased out of every file; how many files said something of them. A file that cannot be read is left:
/// nobody reads it later either, unless it comes back from a copy, and then a start takes them out.
pub fn forget(
    disk: &dyn Disk,
    keys: &Keys,
    random: &dyn Random,
    gone: &BTreeSet<Subject>,
) -> Result<usize, Error> {
    let mut changed = 0;
    for name in files(disk).map_err(Error::io("list the journal directory"))?.into_values() {
        let Ok(bytes) = disk.read(&name) else { continue };
        let Ok(mut issued) = Issued::parse(&name, &bytes, keys) else { continue };
        if issued.drop_ids(|id| gone.contains(id)) {
            let bytes = issued.encode(keys, random)?;
            disk.replace(&name, &bytes).map_err(Error::io(format!("replace `{name}`")))?;
            changed += 1;
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::MemoryDisk;
    use crate::keys::TenantKey;
    use crate::random::System;

    const fn id(number: u8) -> EntityId {
        EntityId([number; 16])
    }

    fn keys(number: u8) -> Keys {
        Keys::new("test", &TenantKey::from_bytes([number; 32]))
    }

    fn known() -> Issued {
        let ids = BTreeSet::from([id(1), id(2)]);
        let met = BTreeMap::from([(id(1), Some(id(2))), (id(2), None)]);
        Issued { ids: BTreeMap::from([("person".to_owned(), ids)]), met }
    }

    fn written(issued: &Issued) -> Vec<u8> {
        issued.encode(&keys(1), &System::default()).expect("written")
    }

    #[test]
    fn what_was_written_is_read_and_stands_nowhere_in_clear() {
        let many = Issued {
            ids: BTreeMap::from([(
                "device".to_owned(),
                (0..40_000_u128).map(|n| EntityId(n.to_le_bytes())).collect(),
            )]),
            met: (0..40_000_u128).map(|n| (EntityId(n.to_le_bytes()), None)).collect(),
        };
        for issued in [Issued::default(), known(), many] {
            let bytes = written(&issued);
            assert_eq!(Issued::parse("issued", &bytes, &keys(1)).expect("read"), issued);
            assert!(!bytes.windows(6).any(|part| part == b"person"));
        }
        let text = format!("xops issued 1\n{} person\n", id(9));
        let read = Issued::parse("issued", text.as_bytes(), &keys(1)).expect("read");
        assert_eq!(read.ids["person"], BTreeSet::from([id(9)]), "and so is the form before it");
    }

    #[test]
    fn no_byte_of_it_can_be_changed_cut_off_or_added() {
        let good = written(&known());
        let refused = |bytes: &[u8]| Issued::parse("issued", bytes, &keys(1)).is_err();
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            assert!(refused(&bytes), "byte {at} was changed");
            assert!(refused(&good[..at]), "cut off at {at}");
        }
        assert!(refused(&[good.as_slice(), &[0]].concat()));
        let other = Issued::parse("issued", &good, &keys(2));
        assert!(matches!(other, Err(Error::WrongKey { .. })), "{other:?}");
    }

    #[test]
    fn whom_was_erased_is_in_no_file_any_more_and_the_others_are() {
        let disk = MemoryDisk::default();
        disk.replace(&name(1), &written(&known())).expect("written");
        let other = Issued {
            ids: BTreeMap::from([("person".to_owned(), BTreeSet::from([id(3)]))]),
            ..Issued::default()
        };
        disk.replace(&name(2), &written(&other)).expect("written");
        let gone = BTreeSet::from([[1; 16]]);
        assert_eq!(forget(&disk, &keys(1), &System::default(), &gone).expect("forgotten"), 1);
        assert_eq!(forget(&disk, &keys(1), &System::default(), &gone).expect("forgotten"), 0);
        let mut all = Issued::default();
        for name in files(&disk).expect("files").values() {
            all.extend(Issued::parse(name, &disk.read(name).expect("bytes"), &keys(1)).expect("read"));
        }
        assert_eq!(all.ids["person"], BTreeSet::from([id(2), id(3)]));
        assert_eq!(all.met, BTreeMap::from([(id(2), None)]));
    }
}
