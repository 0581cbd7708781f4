//! Names of things: opaque, derived from content, never from a random source.
//!
//! Invariants: an id says nothing of the person behind it without the tenant's key; every id prints as one word of ASCII and
//! reads back from its own print.

use crate::canon::{Canon, DigestKey};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// 32 bytes of BLAKE3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Digest(pub [u8; 32]);

/// A node of the graph. Minted once, from the record that first showed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct EntityId(pub [u8; 16]);

/// One execution of one plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct InstanceId(pub [u8; 16]);

/// A plan, by its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct PlanId(pub Digest);

/// One request for work, from any entrance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct RequestId(pub [u8; 16]);

/// A step of a plan, by its place in the plan's canonical order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default, Debug)]
pub struct StepId(pub u16);

/// The idempotency key of one call: stable while the outcome is unknown, new after a proven failure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallKey(pub [u8; 16]);

/// Forward, or back along the compensations.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Direction {
    /// Toward the outcome.
    Forward,
    /// Undoing what this instance did.
    Backward,
}

impl EntityId {
    /// The id of the entity that the record (`system`, `kind`, `source`) first shows in `tenant`.
    pub fn mint(tenant: &str, system: &str, kind: &str, source: &str, key: &DigestKey) -> Self {
        let mut canon = Canon::new("xops entity 1");
        canon.text(tenant).text(system).text(kind).text(source);
        Self(half(canon.keyed_digest(key)))
    }
}

impl RequestId {
    /// The id of a request with this `content` in `tenant`: a request that is delivered twice has one id.
    pub fn of(tenant: &str, entrance: &str, content: &str) -> Self {
        let mut canon = Canon::new("xops request 1");
        canon.text(tenant).text(entrance).text(content);
        Self(half(canon.digest()))
    }
}

impl InstanceId {
    /// The id of the execution of `plan` that `request` asked for.
    pub fn of(request: RequestId, plan: PlanId) -> Self {
        let mut canon = Canon::new("xops instance 1");
        canon.raw(&request.0).raw(&plan.0.0);
        Self(half(canon.digest()))
    }
}

impl CallKey {
    /// The key of SYSTEM's step protocol: BLAKE3 of (tenant, instance, step, direction, generation), halved to 16 bytes
    /// because vendors cap such keys (36 characters at the tightest that the catalogue knows).
    pub fn of(
        tenant: &str,
        instance: InstanceId,
        step: StepId,
        direction: Direction,
        generation: u32,
    ) -> Self {
        let mut canon = Canon::new("xops call 1");
        canon.text(tenant).raw(&instance.0).number(u64::from(step.0));
        canon.tag(u8::from(direction == Direction::Backward)).number(u64::from(generation));
        Self(half(canon.digest()))
    }
}

fn half(digest: Digest) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.0[..16]);
    bytes
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Keys are printed into every request: by table and in one piece, not byte by byte through the formatter.
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    let length = (2 * bytes.len()).min(text.len());
    f.write_str(std::str::from_utf8(&text[..length]).unwrap_or_default())
}

fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// A text that is no id of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {kind}: it is `{prefix}` and {digits} hexadecimal digits")]
pub struct NotAnId {
    text: String,
    kind: &'static str,
    prefix: &'static str,
    digits: usize,
}

macro_rules! word {
    ($name:ident, $prefix:literal, $kind:literal, $len:literal, $inner:expr, $wrap:expr) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                let inner: fn(&$name) -> &[u8; $len] = $inner;
                write_hex(inner(self), f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let wrap: fn([u8; $len]) -> $name = $wrap;
                text.strip_prefix($prefix).and_then(read_hex).map(wrap).ok_or_else(|| NotAnId {
                    text: text.chars().take(80).collect(),
                    kind: $kind,
                    prefix: $prefix,
                    digits: 2 * $len,
                })
            }
        }
    };
}

word!(Digest, "", "digest", 32, |id| &id.0, Digest);
word!(EntityId, "e-", "entity id", 16, |id| &id.0, EntityId);
word!(InstanceId, "i-", "instance id", 16, |id| &id.0, InstanceId);
word!(PlanId, "p-", "plan id", 32, |id| &id.0.0, |bytes| PlanId(Digest(bytes)));
word!(RequestId, "r-", "request id", 16, |id| &id.0, RequestId);
word!(CallKey, "k-", "call key", 16, |id| &id.0, CallKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_print() {
        let id = RequestId::of("acme", "cli", "onboard");
        assert_eq!(id.to_string().parse::<RequestId>(), Ok(id));
        let refused = "r-12".parse::<RequestId>().unwrap_err().to_string();
        assert_eq!(refused, "`r-12` is no request id: it is `r-` and 32 hexadecimal digits");
    }

    #[test]
    fn a_new_generation_has_a_new_key() {
        let key = |generation, direction| {
            CallKey::of("acme", InstanceId([7; 16]), StepId(3), direction, generation)
        };
        assert_eq!(key(1, Direction::Forward), key(1, Direction::Forward));
        assert_ne!(key(1, Direction::Forward), key(2, Direction::Forward));
        assert_ne!(key(1, Direction::Forward), key(1, Direction::Backward));
    }
}
