//! Snapshots of any content under a good seal and a good hash: what fuzzing feeds.
//!
//! Absent from every build but those with `--cfg fuzzing`.

use super::{CLEAR, HEADER_BYTES, MAGIC, bound, nth, seal_key};
use crate::keys::Keys;
use ring::aead::{Aad, Nonce};

/// The snapshot `seq` of these blocks. Each is sealed as it is: its shape, the length that it claims, and what follows.
pub fn file(seq: u64, blocks: &[Vec<u8>], keys: &Keys) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&[0; 32]);
    out.extend_from_slice(&keys.check());
    out.resize(HEADER_BYTES, 0);
    let key = seal_key(keys);
    for (ordinal, block) in (0_u32..).zip(blocks) {
        let last = ordinal as usize + 1 == blocks.len();
        let mut sealed = block.clone();
        let nonce = Nonce::assume_unique_for_key(nth([0; 12], ordinal));
        let aad = Aad::from(bound(&out, ordinal, last));
        key.seal_in_place_append_tag(nonce, aad, &mut sealed).expect("AES-GCM seals anything below 64 GiB");
        out.extend_from_slice(&u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&sealed);
    }
    let hash = blake3::hash(&out);
    out.extend_from_slice(hash.as_bytes());
    out
}

/// A block that is not packed and says its length truly, of these pieces in clear.
pub fn block<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut content = Vec::new();
    for piece in pieces {
        content.push(CLEAR);
        content.extend_from_slice(&u32::try_from(piece.len()).unwrap_or(u32::MAX).to_le_bytes());
        content.extend_from_slice(piece);
    }
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes();
    [&[0][..], &length, &content].concat()
}
