//! The part of BER that LDAP uses (RFC 4511, 5.1): definite lengths, tags below 31.
//!
//! Absent: recursion (what is inside is read when somebody asks for it, so nothing can be nested too deep), and any length that is
//! believed before the bytes are there.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Appends one element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len();
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        let count = bytes.len() - skip;
        out.push(0x80 | u8::try_from(count).unwrap_or(0x7f));
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(content);
}

/// Appends an element that `fill` fills.
pub(crate) fn within(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    put(out, tag, &content);
}

/// Appends an integer or an enumerated value in as few bytes as it has.
pub(crate) fn number(out: &mut Vec<u8>, tag: u8, value: i64) {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0x00 };
    let spare = |at: &usize| bytes[*at] == sign && (bytes[at + 1] & 0x80 != 0) == (value < 0);
    let skip = (0..bytes.len() - 1).take_while(spare).count();
    put(out, tag, &bytes[skip..]);
}

/// Elements, one after another.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    /// The next element: its tag and its content.
    pub(crate) fn next(&mut self) -> Result<Option<(u8, &'a [u8])>, String> {
        let Some((&tag, rest)) = self.0.split_first() else { return Ok(None) };
        let (length, rest) = length(tag, rest)?.ok_or("an element ends within its length")?;
        if length > rest.len() {
            return Err("an element is longer than what holds it".to_owned());
        }
        let (content, rest) = rest.split_at(length);
        self.0 = rest;
        Ok(Some((tag, content)))
    }

    /// The content of the next element, which must be of `tag`.
    pub(crate) fn expect(&mut self, tag: u8, what: &str) -> Result<&'a [u8], String> {
        match self.next()? {
            Some((found, content)) if found == tag => Ok(content),
            Some((found, _)) => Err(format!("an element of tag {found:#04x} stands where {what} is due")),
            None => Err(format!("{what} is missing")),
        }
    }

    /// The next element as a number.
    pub(crate) fn number(&mut self, tag: u8, what: &str) -> Result<i64, String> {
        let bytes = self.expect(tag, what)?;
        let (Some(first), 1..=8) = (bytes.first(), bytes.len()) else {
            return Err(format!("{what} is no number of at most eight bytes"));
        };
        let start = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(bytes.iter().fold(start, |number: i64, byte| (number << 8) | i64::from(*byte)))
    }
}

/// The length that stands at the beginning of `rest`, and what follows it; `None` where more bytes are needed to tell.
pub(crate) fn length(tag: u8, rest: &[u8]) -> Result<Option<(usize, &[u8])>, String> {
    if tag & 0x1f == 0x1f {
        return Err("an element has a tag that LDAP does not know".to_owned());
    }
    let Some((&first, rest)) = rest.split_first() else { return Ok(None) };
    let count = match first {
        0..=0x7f => return Ok(Some((usize::from(first), rest))),
        0x80 => return Err("an element has no definite length".to_owned()),
        _ => usize::from(first & 0x7f),
    };
    if count > 4 {
        return Err("an element says that it is longer than 4 GiB".to_owned());
    }
    let Some(bytes) = rest.get(..count) else { return Ok(None) };
    let length = bytes.iter().fold(0_u64, |length, byte| (length << 8) | u64::from(*byte));
    let length = usize::try_from(length).map_err(|_| "an element is too long for this machine".to_owned())?;
    Ok(Some((length, &rest[count..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_come_back_as_they_went() {
        for value in [0, 1, 127, 128, 255, 256, -1, -128, -129, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            number(&mut out, INTEGER, value);
            assert_eq!(Input(&out).number(INTEGER, "it"), Ok(value));
        }
        for length in [0, 127, 128, 255, 256, 70_000] {
            let mut out = Vec::new();
            put(&mut out, OCTETS, &vec![7; length]);
            let mut input = Input(&out);
            assert_eq!(input.expect(OCTETS, "it").unwrap().len(), length);
            assert!(input.0.is_empty());
        }
        let mut short = Vec::new();
        number(&mut short, INTEGER, 3);
        assert_eq!(short, [2, 1, 3]);
    }

    #[test]
    fn hostile_bytes_are_refused() {
        for (bytes, why) in [
            (&[0x30, 0x80][..], "no definite length"),
            (&[0x30, 0x85, 1, 0, 0, 0, 0], "4 GiB"),
            (&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], "longer than what holds it"),
            (&[0x30, 0x82, 1], "ends within its length"),
            (&[0x3f, 0x01, 0], "tag that LDAP does not know"),
            (&[0x30, 5, 1], "longer than what holds it"),
        ] {
            assert!(Input(bytes).next().unwrap_err().contains(why), "{bytes:?}");
        }
        assert!(Input(&[2, 0]).number(INTEGER, "it").is_err());
        assert!(Input(&[2, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1]).number(INTEGER, "it").is_err());
    }
}
