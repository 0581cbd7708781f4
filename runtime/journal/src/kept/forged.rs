//! The file of what stays, with a good check over any content: what fuzzing feeds.
//!
//! Absent from every build but those with `--cfg fuzzing`.

use super::{Kept, MAGIC, put};
use crate::error::Error;
use crate::keys::Keys;
use crate::merkle::Frontier;
use crate::segment::{self, Preamble, Sealed};
use std::ops::ControlFlow;

/// A file of these parts: what it says of files, the edge of their tree, two numbers, frames.
pub fn file(
    journal: [u8; 16],
    lines: &[Sealed],
    edge: &[u8],
    numbers: [u64; 2],
    rest: &[&[u8]],
    keys: &Keys,
) -> Vec<u8> {
    let preamble = Preamble { tenant: keys.tenant_digest(), check: keys.check(), journal };
    let mut out = MAGIC.to_vec();
    put(&mut out, &segment::encode(&preamble, lines));
    put(&mut out, edge);
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    rest.iter().for_each(|part| put(&mut out, part));
    checked(&out, keys)
}

/// The edge of a tree as the file holds it.
pub fn edge(edge: &Frontier, keys: &Keys) -> Vec<u8> {
    edge.encode(keys.tree())
}

/// `said` with its check.
pub fn checked(said: &[u8], keys: &Keys) -> Vec<u8> {
    let check = blake3::keyed_hash(keys.head(), said);
    [said, check.as_bytes()].concat()
}

/// Reads the file and visits what stays; how many events there are, and whether it writes itself again byte for byte.
pub fn read(bytes: &[u8], keys: &Keys) -> Result<(u64, bool), Error> {
    let kept = Kept::parse(bytes, keys)?;
    let mut events = 0;
    kept.visit(keys, 0, &mut |_, _, _| {
        events += 1;
        ControlFlow::Continue(())
    })?;
    Ok((events, kept.encode(keys) == bytes))
}
