//! Bytes taken apart into what a surface is fed with: numbers, parts, the rest.
//!
//! Invariant: whatever is missing is zero or empty, so every input means something.

/// What is left of an input.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.part(1).first().copied().unwrap_or(0)
    }

    /// The next number, of up to eight bytes.
    pub fn number(&mut self, bytes: usize) -> u64 {
        let mut out = [0; 8];
        let part = self.part(bytes.min(8));
        out[..part.len()].copy_from_slice(part);
        u64::from_le_bytes(out)
    }

    /// One of so many; `of` is not zero.
    pub fn below(&mut self, of: usize) -> usize {
        usize::try_from(self.number(2)).unwrap_or(0) % of
    }

    /// The next so many bytes, or as many as are left.
    pub fn part(&mut self, bytes: usize) -> &'a [u8] {
        let (part, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        part
    }

    /// The next part, with its length before it.
    pub fn sized(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number(2)).unwrap_or(0);
        self.part(length)
    }

    /// Whether nothing is left.
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}
