//! Evening out what differs from run to run: times, durations, ports, folders, ids by content and by chance.
//!
//! Invariants: equal things stay equal and different ids stay different within a story; nothing else is touched.

use std::collections::BTreeMap;

/// The day and the time of every story.
const DAY: &str = "2026-11-21";
const TIME: &str = "10:42:01";

/// What was met so far.
#[derive(Default)]
pub(crate) struct Even {
    /// Folders of this run, and the words for them.
    folders: Vec<(String, &'static str)>,
    /// Ids, and the numbers that they were given.
    ids: BTreeMap<String, usize>,
}

impl Even {
    /// Knows folders by words: the longest first.
    pub(crate) fn with(folders: impl IntoIterator<Item = (String, &'static str)>) -> Self {
        Self { folders: folders.into_iter().collect(), ids: BTreeMap::new() }
    }

    /// The text, evened out.
    pub(crate) fn out(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (folder, word) in &self.folders {
            text = text.replace(folder, word);
        }
        text.lines().map(|line| self.line(line)).fold(String::new(), |all, line| all + &line + "\n")
    }

    fn line(&mut self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while !rest.is_empty() {
            let fresh = !out.ends_with(|last: char| last.is_ascii_alphanumeric());
            let found = fresh.then(|| self.piece(rest, &out)).flatten();
            let (took, word) = found.unwrap_or_else(|| {
                let first = rest.chars().next().map_or(1, char::len_utf8);
                (first, rest[..first].to_owned())
            });
            out.push_str(&word);
            rest = &rest[took..];
        }
        out
    }

    /// What stands at the beginning of `rest`, if it differs from run to run: its length, and what is written instead.
    fn piece(&mut self, rest: &str, before: &str) -> Option<(usize, String)> {
        if before.ends_with("duration=") {
            let end =
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            return Some((end, "0.1".to_owned()));
        }
        let word_end = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..word_end];
        if let Some(took) = clock(rest) {
            return Some((took, TIME.to_owned()));
        }
        if let Some((took, joint)) = moment(rest) {
            let end = if joint == "T" { "Z" } else { "" };
            return Some((took, format!("{DAY}{joint}{TIME}{end}")));
        }
        let number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        if number {
            return counted(rest, word, before).map(|word| (word_end, word));
        }
        if word.len() == 64 && is_hex(word) {
            return Some((64, self.id("", word)));
        }
        let (letter, id) = rest.split_once('-')?;
        let end = id.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(id.len());
        let is_id = ["i", "k", "p"].contains(&letter) && end >= 8 && is_hex(&id[..end]);
        is_id.then(|| (2 + end, self.id(letter, &id[..end])))
    }

    /// Ids are numbered in the order in which they are met; a shortened one is the one that it begins.
    fn id(&mut self, letter: &str, id: &str) -> String {
        let next = self.ids.len() + 1;
        let short = &id[..id.len().min(8)];
        let number = *self.ids.entry(format!("{letter}{short}")).or_insert(next);
        let digits = id.len();
        if letter.is_empty() { format!("{number:0>digits$}") } else { format!("{letter}-{number:0>digits$}") }
    }
}

/// A number that differs from run to run, by what stands around it.
fn counted(rest: &str, word: &str, before: &str) -> Option<String> {
    let after = &rest[word.len()..];
    let is_epoch = |digits: usize| word.len() == digits && ["17", "18", "19"].contains(&&word[..2]);
    if before.ends_with("127.0.0.1:") {
        return Some("PORT".to_owned());
    }
    if before.ends_with("process ") || before.ends_with("\"pid\": ") {
        return Some("PID".to_owned());
    }
    if after.starts_with(" frames")
        || after.starts_with(" bytes")
        || before.ends_with("s\": ") && is_size(before)
    {
        return Some("N".to_owned());
    }
    if is_epoch(13) {
        return Some("1795257721000".to_owned());
    }
    is_epoch(10).then(|| "1795257721".to_owned())
}

/// Whether what was said before is the name of a size in JSON.
fn is_size(before: &str) -> bool {
    before.ends_with("\"bytes\": ") || before.ends_with("\"frames\": ")
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether `text` has the form of `form`, in which `d` stands for a digit.
fn fits(text: &str, form: &str) -> bool {
    let same = |(byte, form): (u8, u8)| if form == b'd' { byte.is_ascii_digit() } else { byte == form };
    text.len() >= form.len() && text.bytes().zip(form.bytes()).all(same)
}

/// The length of a time of day at the beginning.
fn clock(rest: &str) -> Option<usize> {
    fits(rest, "dd:dd:dd").then_some(8)
}

/// The length of a moment at the beginning, and what joins its day and its time.
fn moment(rest: &str) -> Option<(usize, &'static str)> {
    let joint = [("dddd-dd-ddTdd:dd:dd", "T"), ("dddd-dd-dd dd:dd:dd", " ")];
    let (_, joint) = joint.into_iter().find(|(form, _)| fits(rest, form))?;
    let fraction = &rest[19..];
    let digits = fraction
        .strip_prefix('.')
        .map_or(0, |digits| 1 + digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len()));
    let end = usize::from(joint == "T" && fraction[digits..].starts_with('Z'));
    Some((19 + digits + end, joint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: &str) {
        let mut even = Even::with([("/folder/of/today".to_owned(), "DIR")]);
        assert_eq!(even.out(line), format!("{expect}\n"));
    }

    #[test]
    fn what_differs_is_written_evenly() {
        check("23:59:07 outcome.complete  duration=12.4s", "10:42:01 outcome.complete  duration=0.1s");
        check("read 2026-12-01T01:02:03.123456Z", "read 2026-11-21T10:42:01Z");
        check("id@2026-12-01 01:02:03", "id@2026-11-21 10:42:01");
        check("at http://127.0.0.1:41234/api", "at http://127.0.0.1:PORT/api");
        check("slack.user/U1@1795300509", "slack.user/U1@1795257721");
        check(
            "135 events in 84 frames in 1 files, 44553 bytes",
            "135 events in N frames in 1 files, N bytes",
        );
        check("/folder/of/today/data", "DIR/data");
    }

    #[test]
    fn ids_are_numbered_and_stay_different() {
        check(
            "p-d4447d1cc378 i-0123456789 p-d4447d1cc378 p-aaaaaaaaaa",
            "p-000000000001 i-0000000002 p-000000000001 p-0000000003",
        );
    }

    #[test]
    fn what_does_not_differ_is_left() {
        for line in [
            "end_date = 2027-05-31",
            "CW-1001",
            "6 to create",
            "item = 774906834fbb4200086eeed18110c737",
            "xops-1-2",
        ] {
            check(line, line);
        }
    }
}
