//! What stands behind the surfaces of the journal: keys that are the same each time, and randomness that is none.

use std::sync::Arc;
use xops_journal::checkpoint::Signer;
use xops_journal::disk::MemoryDisk;
use xops_journal::error::Error;
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::random::Random;
use xops_journal::subjects::{Subject, SubjectKeys};

/// A subject with a key.
pub const HELD: Subject = [1; 16];
/// A subject whose key was destroyed.
pub const ERASED: Subject = [2; 16];

/// The tenant's key.
pub fn key() -> TenantKey {
    TenantKey::from_bytes([7; 32])
}

/// The journal's keys.
pub fn keys() -> Keys {
    Keys::new("acme", &key())
}

/// Whoever signs checkpoints.
pub fn signer() -> Signer {
    Signer::from_seed(&[8; 32], "acme", "a fuzzer").expect("any seed signs")
}

/// Fills with the same byte each time: a crash must come back with its input.
pub struct Same;

impl Random for Same {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(5);
        Ok(())
    }
}

thread_local! {
    static RING: SubjectKeys = ring();
}

/// Lends a keyring with one subject and an erased one.
pub fn with_ring<T>(borrow: impl FnOnce(&SubjectKeys) -> T) -> T {
    RING.with(borrow)
}

/// A keyring with one subject and an erased one.
pub fn ring() -> SubjectKeys {
    let mut ring = SubjectKeys::open_on(&MemoryDisk::default(), "subjects", &key(), Arc::new(Same))
        .expect("memory works");
    ring.prepare(&[HELD, ERASED]).expect("memory works");
    ring.erase(ERASED).expect("memory works");
    ring
}
