//! Identifiers: each derives from (seed, system, kind, ordinal), so that two runs with the same calls have the same ids.
//!
//! - No random source.

use blake3::Hasher;

const BASE62: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE36: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// 32 bytes that depend on every part.
pub(crate) fn bytes(seed: u64, system: &str, kind: &str, ordinal: u64) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(&seed.to_le_bytes());
    for part in [system, kind] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.update(&ordinal.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// 32 lower-case hexadecimal digits: a Workday WID, a `ServiceNow` `sys_id`.
pub(crate) fn hex32(seed: u64, system: &str, kind: &str, ordinal: u64) -> String {
    blake3::Hash::from(bytes(seed, system, kind, ordinal)).to_hex()[..32].to_owned()
}

/// `prefix` followed by base-62 digits up to `length` characters: an Okta id.
pub(crate) fn base62(prefix: &str, length: usize, raw: [u8; 32]) -> String {
    spelled(prefix, length, raw, BASE62)
}

/// `prefix` followed by upper-case base-36 digits up to `length` characters: a Slack id.
pub(crate) fn base36(prefix: &str, length: usize, raw: [u8; 32]) -> String {
    spelled(prefix, length, raw, BASE36)
}

/// A version 4 shaped GUID, as Microsoft Graph gives them out.
pub(crate) fn guid(raw: [u8; 32]) -> String {
    let hex = blake3::Hash::from(raw).to_hex();
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

fn spelled(prefix: &str, length: usize, raw: [u8; 32], alphabet: &[u8]) -> String {
    let mut id = String::with_capacity(length);
    id.push_str(prefix);
    for byte in raw.iter().take(length.saturating_sub(prefix.len())) {
        id.push(char::from(alphabet[usize::from(*byte) % alphabet.len()]));
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id_and_any_other_part_another() {
        let id = |seed, kind, ordinal| base62("00u", 20, bytes(seed, "okta", kind, ordinal));
        assert_eq!(id(7, "user", 1), id(7, "user", 1));
        assert_eq!(id(7, "user", 1).len(), 20);
        assert_ne!(id(7, "user", 1), id(8, "user", 1));
        assert_ne!(id(7, "user", 1), id(7, "user", 2));
        assert_ne!(id(7, "user", 1), id(7, "group", 1));
    }

    #[test]
    fn a_guid_has_the_shape_of_version_four() {
        let id = guid(bytes(1, "intune", "device", 1));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
    }
}
