//! Canonical bytes: the one encoding that is hashed.
//!
//! Invariants: injective (each item carries its tag and its length), independent of memory layout, platform and crate
//! versions. It is written and hashed, never read back; what is stored is `xops-journal`'s business.

use crate::id::Digest;
use crate::value::Value;

/// Collects canonical bytes.
#[derive(Default)]
pub struct Canon {
    bytes: Vec<u8>,
}

impl Canon {
    /// An empty encoding in the domain `name`: two kinds of thing never share bytes.
    pub fn new(name: &str) -> Self {
        let mut canon = Self { bytes: Vec::with_capacity(256) };
        canon.text(name);
        canon
    }

    /// Appends a one-byte tag.
    pub fn tag(&mut self, tag: u8) -> &mut Self {
        self.bytes.push(tag);
        self
    }

    /// Appends a number as eight little-endian bytes.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Appends bytes after their length.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends text after its length.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.raw(text.as_bytes())
    }

    /// Appends `items` after their count, each by `each`.
    pub fn all<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
        self
    }

    /// Appends `item` after a byte that says whether it is there.
    pub fn maybe<T>(&mut self, item: Option<T>, each: impl FnOnce(&mut Self, T)) -> &mut Self {
        match item {
            None => self.tag(0),
            Some(item) => {
                self.tag(1);
                each(self, item);
                self
            }
        }
    }

    /// Appends a value.
    pub fn value(&mut self, value: &Value) -> &mut Self {
        match value {
            Value::Null => self.tag(0),
            Value::Bool(truth) => self.tag(1).tag(u8::from(*truth)),
            Value::Int(number) => {
                self.tag(2);
                self.bytes.extend_from_slice(&number.to_le_bytes());
                self
            }
            Value::Decimal(lexeme) => self.tag(3).text(lexeme),
            Value::Text(text) => self.tag(4).text(text),
            Value::List(items) => self.tag(5).all(items.iter(), |canon, item| {
                canon.value(item);
            }),
            Value::Map(members) => self.tag(6).all(members.iter(), |canon, (name, member)| {
                canon.text(name).value(member);
            }),
        }
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// BLAKE3 of the bytes.
    pub fn digest(&self) -> Digest {
        Digest(*blake3::hash(&self.bytes).as_bytes())
    }

    /// BLAKE3 of the bytes under a key: what is said of a person cannot be guessed from it without the key.
    pub fn keyed_digest(&self, key: &DigestKey) -> Digest {
        Digest(*blake3::keyed_hash(&key.0, &self.bytes).as_bytes())
    }
}

/// The tenant's key for digests over personal values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DigestKey(pub [u8; 32]);

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(value: &Value) -> Digest {
        let mut canon = Canon::new("test");
        canon.value(value);
        canon.digest()
    }

    #[test]
    fn values_that_print_alike_differ_in_bytes() {
        let text = |t: &str| Value::from(t);
        let pairs = [
            (text("1"), Value::Int(1)),
            (Value::Null, text("null")),
            (Value::List(vec![text("ab"), text("c")]), Value::List(vec![text("a"), text("bc")])),
            (Value::List(vec![]), Value::Map(std::collections::BTreeMap::new())),
            (Value::Decimal("1".into()), Value::Int(1)),
        ];
        for (one, other) in pairs {
            assert_ne!(digest(&one), digest(&other), "{one:?} {other:?}");
        }
    }
}
