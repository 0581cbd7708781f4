//! Where lines begin: from byte offsets to the lines and columns that people count.

/// The line starts of one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// The index of `text`.
    pub fn of(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line of the byte at `offset`, from 1; the last line for what lies behind the end.
    pub fn line(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line.max(1)).unwrap_or(u32::MAX)
    }

    /// Where the line of `offset` begins, in bytes.
    pub fn start(&self, offset: usize) -> usize {
        let line = self.starts.partition_point(|start| *start <= offset);
        self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// Where the line of `offset` ends, in bytes, its line break left out.
    pub fn end(&self, offset: usize, text: &str) -> usize {
        let line = self.starts.partition_point(|start| *start <= offset);
        let end = self.starts.get(line).map_or(text.len(), |next| next - 1);
        if end > 0 && text.as_bytes().get(end - 1) == Some(&b'\r') { end - 1 } else { end }
    }

    /// The line, and the column in characters, of the byte at `offset`, both from 1.
    pub fn position(&self, text: &str, offset: usize) -> (u32, u32) {
        let offset = floor(text, offset);
        let column = text[self.start(offset).min(offset)..offset].chars().count() + 1;
        (self.line(offset), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

/// The greatest offset of a whole character that is not greater than `offset`.
pub(crate) fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "a\nbé = 1\r\n";
        let lines = LineIndex::of(text);
        assert_eq!(lines.position(text, 0), (1, 1));
        assert_eq!(lines.position(text, 2), (2, 1));
        assert_eq!(lines.position(text, 6), (2, 4));
        assert_eq!(&text[lines.start(6)..lines.end(6, text)], "bé = 1");
        assert_eq!(lines.position(text, 999), (3, 1));
    }
}
