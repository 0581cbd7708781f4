//! The keys of persons: each personal value is sealed under its subject's own key, and destroying the key erases it everywhere.
//!
//! The keyring is one file outside the journal and outside its backups. Absent: any copy of a key in clear outside memory, where
//! it is wiped when dropped. A key is durable before the call that created it returns, so nothing sealed under it can reach the
//! journal first. An erased subject keeps a record without a key, so that reading tells "erased" from "keyring lost".
//!
//! The file is a header and records of 128 bytes, which never straddle a sector: a record is written whole or not at all. Each
//! says how many slots were durable before it: a slot before that which is empty is damage, one after it is an unfinished write.
//! Erasing overwrites the record in its place and syncs; there is no other copy to rewrite. What a file system or a flash
//! device keeps of overwritten blocks is still wrapped under the tenant's key.
//!
//! ```text
//! 0 16 subject         20 1  state    36 48 key under the tenant's key   96 32 check
//! 16 4 generation      24 12 nonce    84 8  durable slots before it
//! ```

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::InMemoryBackend;
use ring::aead::{Aad, LessSafeKey, Nonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::disk::{Disk, Lock, READ_BYTES_MAX, RealDisk};
use crate::error::Error;
use crate::frame::{EVENT_BYTES_MAX, array};
use crate::keys::{TenantKey, cipher};
use crate::random::{Random, System};

/// How often a reader beside a writer looks at a keyring that seems damaged, and how long it waits between.
const COPIES_MAX: u32 = 5;
const COPY_PAUSE: Duration = Duration::from_millis(5);
const RECORD_BYTES: usize = 128;
const CHECKED_BYTES: usize = 96;
const WRAPPED_BYTES: usize = 48;
const MAGIC: [u8; 16] = *b"xops keyring\0\0\0\x01";
const HELD: u8 = 1;
const ERASED: u8 = 2;

/// The opaque id of the person (or other subject) that a value is about.
pub type Subject = [u8; 16];

/// Under whose key stands what names everybody and can be had again: an erasure of anybody destroys it too.
pub const EVERYBODY: Subject = [0xff; 16];

/// A personal value under its subject's key, as it stands in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which key of the subject: each erasure ends a generation.
    pub generation: u32,
    /// Random.
    pub nonce: [u8; 12],
    /// AES-256-GCM, its tag at the end.
    pub ciphertext: Vec<u8>,
}

struct Held {
    generation: u32,
    /// Index of the record in the file, the header being 0.
    slot: u64,
    /// `None` once erased.
    key: Option<Zeroizing<[u8; 32]>>,
}

/// The keyring of one tenant, opened for writing by one process, or for reading by any.
pub struct SubjectKeys {
    name: String,
    file: Box<dyn StorageBackend>,
    slots: u64,
    subjects: BTreeMap<Subject, Held>,
    wrap: LessSafeKey,
    check: Zeroizing<[u8; 32]>,
    random: Arc<dyn Random>,
    stopped: Option<String>,
    _lock: Box<dyn Any + Send + Sync>,
}

impl SubjectKeys {
    /// Opens the keyring file `path`, or creates it. Keep it outside the journal's directory.
    pub fn open(path: &Path, key: &TenantKey) -> Result<Self, Error> {
        let (name, dir) = place(path)?;
        let disk = RealDisk::new(dir).map_err(Error::io(format!("open directory `{}`", dir.display())))?;
        Self::open_on(&disk, &name, key, Arc::new(System::default()))
    }

    /// Opens the keyring `name` on `disk`, or creates it.
    pub fn open_on(
        disk: &dyn Disk,
        name: &str,
        key: &TenantKey,
        random: Arc<dyn Random>,
    ) -> Result<Self, Error> {
        let what = format!("{name}.lock");
        let lock = match disk.lock(&what).map_err(Error::io(format!("lock `{what}`")))? {
            Lock::Held(lock) => lock,
            Lock::Busy(pid) => return Err(Error::Locked { what, pid }),
        };
        let check = key.record_key();
        let known = disk.list().map_err(Error::io("list the keyring's directory"))?;
        if !known.iter().any(|found| found == name) {
            disk.replace(name, &header(&check)).map_err(Error::io(format!("create `{name}`")))?;
        }
        let bytes = Zeroizing::new(disk.read(name).map_err(Error::io(format!("read `{name}`")))?);
        let file = disk.open(name, false).map_err(Error::io(format!("open `{name}`")))?;
        let mut keys = Self {
            name: name.to_owned(),
            file,
            slots: 0,
            subjects: BTreeMap::new(),
            wrap: key.wrap_key(),
            check,
            random,
            stopped: None,
            _lock: lock,
        };
        keys.load(&bytes)?;
        if bytes.len() as u64 != keys.slots * RECORD_BYTES as u64 {
            keys.cut(name)?;
        }
        Ok(keys)
    }

    /// Reads the keyring file `path` beside the process that may be writing it: it takes no lock, creates nothing and changes
    /// nothing. What is sealed under a key that was made later is refused as `KeyMissing`.
    pub fn beside(path: &Path, key: &TenantKey) -> Result<Self, Error> {
        let (name, _) = place(path)?;
        let mut copy = 1;
        loop {
            let bytes =
                std::fs::read(path).map_err(Error::io(format!("read the keyring `{}`", path.display())))?;
            let bytes = Zeroizing::new(bytes);
            let mut keys = Self {
                name: name.clone(),
                file: Box::new(InMemoryBackend::new()),
                slots: 0,
                subjects: BTreeMap::new(),
                wrap: key.wrap_key(),
                check: key.record_key(),
                random: Arc::new(System::default()),
                stopped: Some(format!("`{name}` was opened for reading")),
                _lock: Box::new(()),
            };
            match keys.load(&bytes) {
                Ok(()) => return Ok(keys),
                // A record that is just being written may be seen in part; one that is damaged stays so.
                Err(Error::Damaged { .. }) if copy < COPIES_MAX => copy += 1,
                Err(error) => return Err(error),
            }
            std::thread::sleep(COPY_PAUSE);
        }
    }

    /// Makes sure that `subject` has a key. A new one is durable on return. After an erasure this begins a new generation.
    pub fn get_or_create(&mut self, subject: Subject) -> Result<(), Error> {
        self.prepare(&[subject])
    }

    /// Makes sure that every one of `subjects` has a key, with one sync for all.
    pub fn prepare(&mut self, subjects: &[Subject]) -> Result<(), Error> {
        let mut made: BTreeMap<Subject, Held> = BTreeMap::new();
        let mut bytes = Vec::new();
        for subject in subjects {
            let held = self.subjects.get(subject);
            if held.is_some_and(|held| held.key.is_some()) || made.contains_key(subject) {
                continue;
            }
            let mut key = Zeroizing::new([0; 32]);
            self.random.fill(&mut *key)?;
            let generation = held.map_or(1, |held| held.generation.saturating_add(1));
            bytes.extend_from_slice(&self.record(subject, generation, &key)?);
            let slot = self.slots + made.len() as u64;
            made.insert(*subject, Held { generation, slot, key: Some(key) });
        }
        if made.is_empty() {
            return Ok(());
        }
        self.write(self.slots, &bytes)?;
        self.slots += made.len() as u64;
        self.subjects.extend(made);
        Ok(())
    }

    /// Destroys the key of `subject`; durable on return. False if there was none.
    pub fn erase(&mut self, subject: Subject) -> Result<bool, Error> {
        let Some(held) = self.subjects.get(&subject) else { return Ok(false) };
        if held.key.is_none() {
            return Ok(false);
        }
        let (slot, generation) = (held.slot, held.generation);
        let record = self.finish(&subject, generation, ERASED, &[0; 12 + WRAPPED_BYTES]);
        self.write(slot, &record)?;
        self.subjects.insert(subject, Held { generation, slot, key: None });
        Ok(true)
    }

    /// The generation of the key that `subject` has now; none if it never had one, or it was destroyed.
    pub fn generation(&self, subject: &Subject) -> Option<u32> {
        self.subjects.get(subject).filter(|held| held.key.is_some()).map(|held| held.generation)
    }

    /// Whether the key of `subject` was destroyed and no new one begun.
    pub fn is_erased(&self, subject: &Subject) -> bool {
        self.subjects.get(subject).is_some_and(|held| held.key.is_none())
    }

    /// Seals `plaintext` under the key of `subject`, which must have one.
    pub fn seal(&self, subject: &Subject, plaintext: &[u8]) -> Result<Sealed, Error> {
        if plaintext.len() > EVENT_BYTES_MAX {
            return Err(Error::EventTooLarge { bytes: plaintext.len() });
        }
        let held = self.subjects.get(subject).ok_or(Error::KeyMissing)?;
        let key = held.key.as_ref().ok_or(Error::KeyMissing)?;
        let mut nonce = [0; 12];
        self.random.fill(&mut nonce)?;
        let mut ciphertext = Vec::with_capacity(plaintext.len() + 16);
        ciphertext.extend_from_slice(plaintext);
        cipher(key)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound(subject, held.generation)),
                &mut ciphertext,
            )
            .expect("AES-GCM seals anything below 64 GiB");
        Ok(Sealed { generation: held.generation, nonce, ciphertext })
    }

    /// Opens what was sealed for `subject`; `None` if its key was destroyed.
    pub fn open_value(&self, subject: &Subject, sealed: &Sealed) -> Result<Option<Vec<u8>>, Error> {
        let held = self.subjects.get(subject).ok_or(Error::KeyMissing)?;
        if sealed.generation > held.generation {
            return Err(Error::KeyMissing);
        }
        let Some(key) = held.key.as_ref().filter(|_| sealed.generation == held.generation) else {
            return Ok(None);
        };
        let mut text = sealed.ciphertext.clone();
        let length = cipher(key)
            .open_in_place(
                Nonce::assume_unique_for_key(sealed.nonce),
                Aad::from(bound(subject, sealed.generation)),
                &mut text,
            )
            .map_err(|_| Error::ValueDamaged)?
            .len();
        text.truncate(length);
        Ok(Some(text))
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let damaged = |slot: usize, what: &str| Error::damaged(&self.name, slot as u64, 0, what);
        let expected = header(&self.check);
        if bytes.len() < RECORD_BYTES || bytes[..16] != expected[..16] {
            return Err(damaged(0, "it is not a keyring"));
        }
        if bytes[..RECORD_BYTES] != expected {
            let why = "the keyring is wrapped under another tenant key; give the key it was created with";
            return Err(Error::Key { origin: self.name.clone(), why: why.to_owned() });
        }
        let mut durable = 1;
        let mut unfinished = None;
        for (slot, record) in bytes.chunks_exact(RECORD_BYTES).enumerate().skip(1) {
            if record == [0; RECORD_BYTES] {
                unfinished = unfinished.or(Some(slot));
                continue;
            }
            let (said, check) = record.split_at(CHECKED_BYTES);
            let subject: Subject = array(said, 0);
            let generation = u32::from_le_bytes(array(said, 16));
            let matches = blake3::keyed_hash(&self.check, said) == blake3::Hash::from_bytes(array(check, 0));
            if !matches || self.subjects.get(&subject).is_some_and(|held| held.generation >= generation) {
                return Err(damaged(slot, "its check does not match"));
            }
            let key = match said[20] {
                HELD => Some(self.unwrap(&subject, generation, said).map_err(|what| damaged(slot, what))?),
                ERASED => None,
                _ => return Err(damaged(slot, "its state is unknown")),
            };
            durable = durable.max(u64::from_le_bytes(array(said, 84)));
            if unfinished.is_none() {
                self.subjects.insert(subject, Held { generation, slot: slot as u64, key });
            }
        }
        let slots = unfinished.unwrap_or(bytes.len() / RECORD_BYTES);
        if (slots as u64) < durable {
            return Err(damaged(slots, "its record is gone"));
        }
        self.slots = slots as u64;
        Ok(())
    }

    /// Cuts off, durably, what a crash left of a write that was never acknowledged.
    fn cut(&self, name: &str) -> Result<(), Error> {
        self.file
            .set_len(self.slots * RECORD_BYTES as u64)
            .and_then(|()| self.file.sync_data())
            .map_err(Error::io(format!("cut `{name}`")))
    }

    fn unwrap(
        &self,
        subject: &Subject,
        generation: u32,
        said: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, &'static str> {
        let mut wrapped = Zeroizing::new(array::<WRAPPED_BYTES>(said, 36));
        let nonce = Nonce::assume_unique_for_key(array(said, 24));
        let key = self
            .wrap
            .open_in_place(nonce, Aad::from(bound(subject, generation)), &mut *wrapped)
            .map_err(|_| "its key does not open under the tenant's key")?;
        Ok(Zeroizing::new(array(key, 0)))
    }

    fn record(&self, subject: &Subject, generation: u32, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let mut sealed = [0; 12 + WRAPPED_BYTES];
        self.random.fill(&mut sealed[..12])?;
        let (nonce, wrapped) = sealed.split_at_mut(12);
        wrapped[..32].copy_from_slice(key);
        let tag = self
            .wrap
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(array(nonce, 0)),
                Aad::from(bound(subject, generation)),
                &mut wrapped[..32],
            )
            .expect("AES-GCM seals anything below 64 GiB");
        wrapped[32..].copy_from_slice(tag.as_ref());
        Ok(self.finish(subject, generation, HELD, &sealed))
    }

    fn finish(&self, subject: &Subject, generation: u32, state: u8, sealed: &[u8]) -> Vec<u8> {
        let mut record = vec![0; CHECKED_BYTES];
        record[..16].copy_from_slice(subject);
        record[16..20].copy_from_slice(&generation.to_le_bytes());
        record[20] = state;
        record[24..24 + sealed.len()].copy_from_slice(sealed);
        record[84..92].copy_from_slice(&self.slots.to_le_bytes());
        let check = blake3::keyed_hash(&self.check, &record);
        record.extend_from_slice(check.as_bytes());
        record
    }

    /// Writes records from `slot` on and syncs. The first failure stops the keyring.
    fn write(&mut self, slot: u64, records: &[u8]) -> Result<(), Error> {
        if let Some(what) = &self.stopped {
            return Err(Error::Stopped { what: what.clone() });
        }
        let at = slot * RECORD_BYTES as u64;
        let end = at + records.len() as u64;
        if end > READ_BYTES_MAX {
            let why = format!("the keyring takes at most {} subjects", READ_BYTES_MAX / RECORD_BYTES as u64);
            return Err(Error::Option { name: "number of subjects", why });
        }
        let grow = if end > self.slots * RECORD_BYTES as u64 { self.file.set_len(end) } else { Ok(()) };
        let written = grow.and_then(|()| self.file.write(at, records)).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            let what = format!("write `{}`: {error}", self.name);
            self.stopped = Some(what.clone());
            Error::Stopped { what }
        })
    }
}

impl fmt::Debug for SubjectKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SubjectKeys").field("subjects", &self.subjects.len()).finish_non_exhaustive()
    }
}

/// The name of a keyring file and its directory.
fn place(path: &Path) -> Result<(String, &Path), Error> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| Error::Option {
        name: "keyring path",
        why: format!("`{}` does not name a file", path.display()),
    })?;
    Ok((name.to_owned(), path.parent().unwrap_or(Path::new("."))))
}

fn header(check: &[u8; 32]) -> [u8; RECORD_BYTES] {
    let mut out = [0; RECORD_BYTES];
    out[..16].copy_from_slice(&MAGIC);
    out[CHECKED_BYTES..].copy_from_slice(blake3::keyed_hash(check, &MAGIC).as_bytes());
    out
}

/// What a seal is bound to besides its key.
fn bound(subject: &Subject, generation: u32) -> [u8; 20] {
    let mut out = [0; 20];
    out[..16].copy_from_slice(subject);
    out[16..].copy_from_slice(&generation.to_le_bytes());
    out
}
