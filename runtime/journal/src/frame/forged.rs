//! Frames of any content under a good seal and a good hash: what fuzzing feeds, because nobody guesses a seal.
//!
//! Absent from every build but those with `--cfg fuzzing`.

use super::{HASH_BYTES, HEADER_BYTES, Kind, Place, Refused, TAG_BYTES, header, nonce, open};
use crate::keys::Keys;
use ring::aead::Aad;

/// A frame that says of itself what it is told to, and seals `content` as it is.
pub fn frame(kind: Kind, codec: u8, count: u32, content: &[u8], place: &Place, keys: &Keys) -> Vec<u8> {
    let sealed = u32::try_from(content.len() + TAG_BYTES).unwrap_or(u32::MAX);
    let header = header(kind, codec, count, sealed, place);
    let mut content = content.to_vec();
    let nonce = nonce(kind, place.salt, place.first_seq);
    let tag = keys.frames().seal_in_place_separate_tag(nonce, Aad::from(header), &mut content);
    let tag = tag.expect("AES-GCM seals anything below 64 GiB");
    let mut bytes = [&header[..], &content, tag.as_ref()].concat();
    rehash(&mut bytes);
    bytes
}

/// Appends the hash of what stands there.
fn rehash(bytes: &mut Vec<u8>) {
    let hash = blake3::hash(bytes);
    bytes.extend_from_slice(hash.as_bytes());
}

/// The same bytes with the hash that belongs to them, where they are long enough to have one.
pub fn hashed(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len().saturating_sub(HASH_BYTES).max(HEADER_BYTES).min(bytes.len());
    let mut bytes = bytes[..end].to_vec();
    rehash(&mut bytes);
    bytes
}

/// The events of a frame as (stream, body).
pub fn events(bytes: &[u8], keys: &Keys) -> Result<Vec<(u64, Vec<u8>)>, Refused> {
    let mut buffer = Vec::new();
    let frame = open(bytes, keys.frames(), &mut buffer)?;
    Ok(frame.events()?.map(|(stream, body)| (stream, body.to_vec())).collect())
}

/// Reads the content of a file's first frame: the list of files, written again; nothing if it is none.
pub fn files(content: &[u8]) -> Option<Vec<u8>> {
    crate::segment::decode(content).map(|(preamble, sealed)| crate::segment::encode(&preamble, &sealed))
}
