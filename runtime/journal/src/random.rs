//! Where random bytes come from: the operating system, or a seed in a simulation.
//!
//! Nothing in this crate asks for randomness except through `Random`, so a seed reproduces every stored byte.

use ring::rand::SecureRandom;

use crate::error::Error;

/// A source of random bytes for salts, nonces and new keys.
pub trait Random: Send + Sync {
    /// Fills `out`, or fails without having filled all of it.
    fn fill(&self, out: &mut [u8]) -> Result<(), Error>;
}

/// The operating system's source.
#[derive(Debug)]
pub struct System(ring::rand::SystemRandom);

impl Default for System {
    fn default() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Random for System {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        self.0.fill(out).map_err(|_| Error::Random)
    }
}
