//! Checkpoints: signed statements of how long the journal was and what it held.
//!
//! Absent: secrets in them. A checkpoint is a signed note in the form that transparency logs use (C2SP `signed-note` and
//! `tlog-checkpoint`), so that tools and witnesses which know nothing of xops can read and keep it:
//!
//! ```text
//! acme.journal/0f1e2d..            the log: the tenant and the journal's own random id
//! 1204                             how many events
//! mJ4e...=                         root of the tree over them, base64
//! head 9a8b...                     hash of the frame that ends there
//! time 1795256521999               when, in milliseconds since 1970
//!
//! — acme.journal base64(4 bytes of key id, 64 bytes of Ed25519)
//! ```
//!
//! A file of checkpoints is one after the other, a blank line between. A checkpoint that lies only beside the journal can be taken away with it;
//! one that is kept elsewhere cannot.

use crate::error::Error;
use crate::keys::{from_hex, refuse_readable_by_all, to_hex, write_private_new};
use crate::merkle::Hash;
use crate::random::Random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The longest checkpoint, in bytes.
const CHECKPOINT_BYTES_MAX: usize = 4_096;
/// The longest file of checkpoints that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// What the signed-note format calls Ed25519.
const ALGORITHM: u8 = 1;
const DASH: &str = "\u{2014} ";

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log: the tenant and the journal's id.
    pub origin: String,
    /// How many events.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
    /// The hash of the frame that ends there.
    pub head: Hash,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

/// A checkpoint with its signature, as it stands in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub said: Checkpoint,
    /// The text that is signed.
    text: String,
    /// The signer's name.
    name: String,
    /// The key's id and the signature.
    signature: Vec<u8>,
}

/// Whose signatures are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    name: String,
    key: [u8; 32],
}

/// What signs a tenant's checkpoints.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// Reads the key of `tenant` from `path`; `None` if there is none.
    pub fn load(path: &Path, tenant: &str) -> Result<Option<Self>, Error> {
        let origin = path.display().to_string();
        let mut file = match std::fs::File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(Error::io(format!("open the checkpoint key `{origin}`")))?,
        };
        refuse_readable_by_all(&file, &origin)?;
        let mut text = Zeroizing::new(String::with_capacity(128));
        let read = (&mut file).take(128).read_to_string(&mut text);
        read.map_err(Error::io(format!("read the checkpoint key `{origin}`")))?;
        let why = "it must be 64 hexadecimal digits".to_owned();
        let seed = from_hex(text.trim()).ok_or(Error::Key { origin: origin.clone(), why })?;
        Self::from_seed(&Zeroizing::new(seed), tenant, &origin).map(Some)
    }

    /// Reads the key of `tenant` from `path`, or makes one there that only its owner can read.
    pub fn load_or_make(path: &Path, tenant: &str, random: &dyn Random) -> Result<Self, Error> {
        if let Some(signer) = Self::load(path, tenant)? {
            return Ok(signer);
        }
        let origin = path.display().to_string();
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed)?;
        let text = Zeroizing::new(to_hex(&*seed) + "\n");
        write_private_new(path, text.as_bytes()).map_err(Error::io(format!("create `{origin}`")))?;
        Self::from_seed(&seed, tenant, &origin)
    }

    /// The signer of `tenant` whose secret is `seed`. `origin` names its source in errors.
    pub fn from_seed(seed: &[u8; 32], tenant: &str, origin: &str) -> Result<Self, Error> {
        let why = "it is no Ed25519 key".to_owned();
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| Error::Key { origin: origin.to_owned(), why })?;
        Ok(Self { name: name_of(tenant), pair })
    }

    /// What others need to check its signatures.
    pub fn public(&self) -> Public {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        Public { name: self.name.clone(), key }
    }

    /// Signs.
    pub fn sign(&self, said: &Checkpoint) -> Signed {
        let text = said.text();
        let mut signature = self.public().id().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        Signed { said: said.clone(), text, name: self.name.clone(), signature }
    }
}

fn name_of(tenant: &str) -> String {
    format!("{tenant}.journal")
}

/// The log that a checkpoint of a journal names.
pub fn origin_of(tenant: &str, journal: &[u8; 16]) -> String {
    format!("{}/{}", name_of(tenant), to_hex(journal))
}

impl Checkpoint {
    fn text(&self) -> String {
        let mut text = String::with_capacity(256);
        let _infallible = writeln!(
            text,
            "{}\n{}\n{}\nhead {}\ntime {}",
            self.origin,
            self.size,
            BASE64.encode(self.root),
            to_hex(&self.head),
            self.at
        );
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let origin = lines.next()?.to_owned();
        let size = lines.next()?.parse().ok()?;
        let root = BASE64.decode(lines.next()?).ok()?.try_into().ok()?;
        let head = from_hex(lines.next()?.strip_prefix("head ")?)?;
        let at = lines.next()?.strip_prefix("time ")?.parse().ok()?;
        let said = Self { origin, size, root, head, at };
        // One text for each content: what reads back differently was not written here.
        (said.text() == text).then_some(said)
    }
}

impl Signed {
    /// Its bytes in a file.
    pub fn to_text(&self) -> String {
        format!("{}\n{DASH}{} {}\n", self.text, self.name, BASE64.encode(&self.signature))
    }

    /// Reads one checkpoint.
    pub fn parse(note: &str) -> Option<Self> {
        if note.len() > CHECKPOINT_BYTES_MAX {
            return None;
        }
        let (text, signatures) = note.split_once("\n\n")?;
        let text = format!("{text}\n");
        let line = signatures.lines().find_map(|line| line.strip_prefix(DASH))?;
        let (name, signature) = line.split_once(' ')?;
        let signature = BASE64.decode(signature).ok().filter(|bytes| bytes.len() == 4 + 64)?;
        Some(Self { said: Checkpoint::parse(&text)?, text, name: name.to_owned(), signature })
    }

    /// Whether `public` signed it.
    pub fn is_signed_by(&self, public: &Public) -> bool {
        let (id, signature) = self.signature.split_at(4);
        self.name == public.name
            && id == public.id()
            && UnparsedPublicKey::new(&ED25519, public.key).verify(self.text.as_bytes(), signature).is_ok()
    }
}

impl Public {
    /// The key's id: the beginning of SHA-256 of name, line feed, algorithm and key.
    fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([b'\n', ALGORITHM]);
        hasher.update(self.key);
        let hash: [u8; 32] = hasher.finalize().into();
        [hash[0], hash[1], hash[2], hash[3]]
    }

    /// One word: name, id and key, as signed notes write verifier keys.
    pub fn to_text(&self) -> String {
        let mut key = vec![ALGORITHM];
        key.extend_from_slice(&self.key);
        format!("{}+{}+{}", self.name, to_hex(&self.id()), BASE64.encode(key))
    }

    /// Reads that word.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let key = BASE64.decode(key).ok()?;
        let (&algorithm, key) = key.split_first()?;
        let public = Self { name: name.to_owned(), key: key.try_into().ok()? };
        (algorithm == ALGORITHM && to_hex(&public.id()) == id).then_some(public)
    }
}

/// The checkpoints of a file's text, in order; of one that is none, the line on which it begins.
pub fn parse_all(text: &str) -> Result<Vec<Signed>, usize> {
    let mut all = Vec::new();
    let (mut note, mut begins) = (String::new(), 1_usize);
    let mut blanks = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() {
            blanks += 1;
        }
        // The second blank line stands behind the signatures.
        if line.is_empty() && (blanks == 2 || note.is_empty()) {
            if !note.is_empty() {
                all.push(Signed::parse(&note).ok_or(begins)?);
            }
            note.clear();
            (blanks, begins) = (0, number + 1);
            continue;
        }
        note.push_str(line);
        note.push('\n');
    }
    if !note.is_empty() {
        all.push(Signed::parse(&note).ok_or(begins)?);
    }
    Ok(all)
}

/// Reads a file of checkpoints; one that is not there holds none.
pub fn read_file(path: &Path) -> Result<Vec<Signed>, Error> {
    let name = path.display().to_string();
    let mut text = String::new();
    match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(format!("open `{name}`"))(error)),
        Ok(file) => {
            let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
            read.map_err(Error::io(format!("read `{name}`")))?;
        }
    }
    parse_all(&text)
        .map_err(|line| Error::damaged(&name, 0, 0, format!("what begins in line {line} is no checkpoint")))
}

/// Appends a checkpoint to a file, durably. Nothing in it is ever written over.
pub fn append_file(path: &Path, signed: &Signed) -> Result<(), Error> {
    let name = path.display().to_string();
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    let mut file = options.open(path).map_err(Error::io(format!("open `{name}`")))?;
    let text = signed.to_text() + "\n";
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
    written.map_err(Error::io(format!("append to `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::System;

    fn said(size: u64) -> Checkpoint {
        Checkpoint { origin: origin_of("acme", &[9; 16]), size, root: [3; 32], head: [4; 32], at: 1_000 }
    }

    fn signer() -> Signer {
        Signer::from_seed(&[5; 32], "acme", "a test").unwrap()
    }

    #[test]
    fn a_checkpoint_reads_back_and_only_its_signer_signed_it() {
        let signed = signer().sign(&said(12));
        let read = Signed::parse(&signed.to_text()).unwrap();
        assert_eq!(read, signed);
        assert!(read.is_signed_by(&signer().public()));
        let other = Signer::from_seed(&[6; 32], "acme", "a test").unwrap();
        assert!(!read.is_signed_by(&other.public()));
    }

    #[test]
    fn a_public_key_reads_back_from_its_word() {
        let public = signer().public();
        assert_eq!(Public::parse(&public.to_text()), Some(public.clone()));
        assert_eq!(Public::parse(&public.to_text().replace("acme", "acmf")), None);
    }

    #[test]
    fn any_byte_that_is_changed_makes_it_no_checkpoint_or_unsigned() {
        let text = signer().sign(&said(12)).to_text();
        let public = signer().public();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let told = Signed::parse(&text).is_none_or(|signed| !signed.is_signed_by(&public));
            assert!(told || at >= text.len() - 4, "byte {at}: {text}");
        }
    }

    #[test]
    fn a_file_holds_one_after_the_other_and_names_the_line_of_what_is_none() {
        let text: String = (1..4).map(|size| signer().sign(&said(size)).to_text() + "\n").collect();
        let sizes: Vec<u64> = parse_all(&text).unwrap().iter().map(|signed| signed.said.size).collect();
        assert_eq!(sizes, [1, 2, 3]);
        assert_eq!(parse_all(&text.replace("\n2\n", "\ntwo\n")), Err(9));
        assert_eq!(parse_all("").unwrap(), []);
    }

    #[test]
    fn the_key_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint.key");
        assert!(Signer::load(&path, "acme").unwrap().is_none());
        let made = Signer::load_or_make(&path, "acme", &System::default()).unwrap().public();
        assert_eq!(Signer::load_or_make(&path, "acme", &System::default()).unwrap().public(), made);
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(Signer::load(&path, "acme"), Err(Error::Key { .. })));
    }
}
