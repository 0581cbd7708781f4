//! The tenant's key, and the keys derived from it, one for each purpose.
//!
//! The raw key encrypts nothing: every use has its own key by `blake3::derive_key` with its own context. No key is
//! printed: `Debug` shows the tenant alone. Key files that the whole machine can read are refused.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::error::Error;
use crate::random::Random;

const FRAMES: &str = "xops journal v1 frames";
const CHECK: &str = "xops journal v1 key check";
const HEAD: &str = "xops journal v1 head";
const TENANT: &str = "xops journal v1 tenant name";
const WRAP: &str = "xops subjects v1 key wrap";
const RECORDS: &str = "xops subjects v1 record check";
const DIGESTS: &str = "xops v1 keyed digests";
const TREE: &str = "xops journal v1 tree";

/// A key file is 32 raw bytes, or 64 hexadecimal digits and white space; nothing longer is read.
const KEY_FILE_BYTES_MAX: u64 = 256;

/// The 32 secret bytes of a tenant. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct TenantKey([u8; 32]);

impl TenantKey {
    /// Takes 32 bytes that were made elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits, white space around them ignored. `origin` names the source in errors.
    pub fn from_hex(text: &str, origin: &str) -> Result<Self, Error> {
        let digits = text.trim();
        let refuse = |why: &str| Error::Key { origin: origin.to_owned(), why: why.to_owned() };
        if digits.len() != 64 {
            return Err(refuse("it must be 64 hexadecimal digits, or 32 raw bytes in a file"));
        }
        from_hex(digits).map(Self).ok_or_else(|| refuse("it has a character that is not hexadecimal"))
    }

    /// Reads a key from the environment variable `name`.
    pub fn from_env(name: &str) -> Result<Self, Error> {
        let text = std::env::var(name).map(Zeroizing::new).map_err(|_| Error::Key {
            origin: name.to_owned(),
            why: "the environment variable is not set; set it to 64 hexadecimal digits".to_owned(),
        })?;
        Self::from_hex(&text, name)
    }

    /// Reads a key file: 32 raw bytes, or hexadecimal. A file that everyone can read, or that its group can write,
    /// is refused.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let mut file = fs::File::open(path).map_err(Error::io(format!("open key file `{origin}`")))?;
        refuse_readable_by_all(&file, &origin)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(256));
        (&mut file)
            .take(KEY_FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(Error::io(format!("read key file `{origin}`")))?;
        if let Ok(raw) = <[u8; 32]>::try_from(bytes.as_slice()) {
            return Ok(Self(raw));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::Key {
            origin: origin.clone(),
            why: "it is neither 32 raw bytes nor 64 hexadecimal digits".to_owned(),
        })?;
        Self::from_hex(text, &origin)
    }

    /// Makes a key and writes it, as hexadecimal, to a new file that only its owner can read. An existing file is
    /// never overwritten.
    pub fn generate(path: &Path, random: &dyn Random) -> Result<Self, Error> {
        let origin = path.display().to_string();
        let mut key = Self([0; 32]);
        random.fill(&mut key.0)?;
        let mut text = Zeroizing::new(to_hex(&key.0));
        text.push('\n');
        write_private_new(path, text.as_bytes()).map_err(Error::io(format!("create key file `{origin}`")))?;
        Ok(key)
    }

    /// A key for keyed digests of personal values: equal values of one tenant give equal digests, and nobody without
    /// the key can try values out.
    pub fn digest_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(DIGESTS)
    }

    pub(crate) fn wrap_key(&self) -> LessSafeKey {
        cipher(&self.derive(WRAP))
    }

    pub(crate) fn record_key(&self) -> Zeroizing<[u8; 32]> {
        self.derive(RECORDS)
    }

    fn derive(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(context, &self.0))
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TenantKey(..)")
    }
}

/// What a journal needs of a tenant: the frame key, the proof that it is the right key, the key of the head file.
#[derive(Clone)]
pub struct Keys {
    tenant: String,
    tenant_digest: [u8; 32],
    check: [u8; 16],
    frames: LessSafeKey,
    head: Zeroizing<[u8; 32]>,
    tree: Zeroizing<[u8; 32]>,
}

impl Keys {
    /// Derives the journal's keys for the tenant named `tenant`.
    pub fn new(tenant: &str, key: &TenantKey) -> Self {
        let mut check = [0; 16];
        check.copy_from_slice(&key.derive(CHECK)[..16]);
        Self {
            tenant: tenant.to_owned(),
            tenant_digest: blake3::derive_key(TENANT, tenant.as_bytes()),
            check,
            frames: cipher(&key.derive(FRAMES)),
            head: key.derive(HEAD),
            tree: key.derive(TREE),
        }
    }

    /// The tenant's name, for messages.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(crate) fn tenant_digest(&self) -> [u8; 32] {
        self.tenant_digest
    }

    pub(crate) fn check(&self) -> [u8; 16] {
        self.check
    }

    pub(crate) fn frames(&self) -> &LessSafeKey {
        &self.frames
    }

    pub(crate) fn head(&self) -> &[u8; 32] {
        &self.head
    }

    /// The key of what is remembered of the tree over all events.
    pub(crate) fn tree(&self) -> &[u8; 32] {
        &self.tree
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Keys").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// An AES-256-GCM key.
pub(crate) fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("a key of AES-256 has 32 bytes"))
}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    // As long as it will be: a secret leaves no copy behind by growing.
    let mut text = String::with_capacity(2 * bytes.len() + 1);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The `N` bytes that `2 * N` hexadecimal digits stand for.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(unix)]
pub(crate) fn refuse_readable_by_all(file: &fs::File, origin: &str) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;

    let mode = file
        .metadata()
        .map_err(Error::io(format!("read the permissions of key file `{origin}`")))?
        .permissions()
        .mode()
        & 0o777;
    if mode & 0o027 == 0 {
        return Ok(());
    }
    let why = format!("its permissions {mode:04o} let others use it; run `chmod 600 {origin}`");
    Err(Error::Key { origin: origin.to_owned(), why })
}

#[cfg(not(unix))]
pub(crate) fn refuse_readable_by_all(_: &fs::File, _: &str) -> Result<(), Error> {
    Ok(())
}

/// Writes a file that only its owner can read, over nothing. It is there whole or not at all: half of a key, left by a process
/// that died while writing it, would be refused for ever.
pub(crate) fn write_private_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = Path::new(&name);
    match fs::remove_file(new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(new)?;
    file.write_all(bytes).and_then(|()| file.sync_all())?;
    // A rename would replace what somebody else made meanwhile.
    let linked = fs::hard_link(new, path);
    fs::remove_file(new)?;
    linked?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}
