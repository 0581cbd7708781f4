//! From what systems write to what is compared.
//!
//! Absent: guesses. Invariants: a value that says nothing becomes the empty text; a normalised value normalises to itself
//! under the same list, except where a part is cut off; texts are cut at [`CHARS_MAX`].

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use xops_kernel::identity::Normaliser;

/// The most characters of a value that are looked at.
pub const CHARS_MAX: usize = 256;

/// Letters that Unicode does not take apart into a letter and an accent.
const LETTERS: [(char, &str); 12] = [
    ('ß', "ss"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('ł', "l"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ħ', "h"),
    ('ı', "i"),
    ('ŋ', "n"),
    ('ŧ', "t"),
];

/// Words of addresses with their short forms: those that postal services publish for English-speaking countries.
const STREETS: [(&str, &str); 34] = [
    ("apartment", "apt"),
    ("av", "ave"),
    ("avenue", "ave"),
    ("boulevard", "blvd"),
    ("building", "bldg"),
    ("bvd", "blvd"),
    ("circle", "cir"),
    ("circuit", "cct"),
    ("close", "cl"),
    ("court", "ct"),
    ("cr", "cres"),
    ("crescent", "cres"),
    ("drive", "dr"),
    ("east", "e"),
    ("esplanade", "esp"),
    ("flat", "apt"),
    ("floor", "fl"),
    ("gardens", "gdns"),
    ("grove", "gr"),
    ("highway", "hwy"),
    ("lane", "ln"),
    ("mount", "mt"),
    ("north", "n"),
    ("parade", "pde"),
    ("parkway", "pkwy"),
    ("place", "pl"),
    ("road", "rd"),
    ("saint", "st"),
    ("south", "s"),
    ("square", "sq"),
    ("street", "st"),
    ("suite", "ste"),
    ("terrace", "tce"),
    ("west", "w"),
];

/// The names of months, by their first three letters.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What `text` says after each of `by` was done to it; empty where it says nothing.
pub fn normalise(text: &str, by: &[Normaliser]) -> String {
    let mut value: String = text.trim().chars().take(CHARS_MAX).collect();
    for step in by {
        value = apply(&value, *step);
    }
    value
}

fn apply(text: &str, step: Normaliser) -> String {
    match step {
        Normaliser::Fold => fold(text),
        Normaliser::Alphanumeric => {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        }
        Normaliser::Digits => digits(text),
        Normaliser::Letters => text.chars().filter(|c| c.is_alphabetic()).collect(),
        Normaliser::Number => {
            // Spreadsheets write whole numbers as fractions.
            let whole = text.split_once('.').filter(|(_, rest)| rest.bytes().all(|digit| digit == b'0'));
            digits(whole.map_or(text, |(whole, _)| whole)).trim_start_matches('0').to_owned()
        }
        Normaliser::Date => date(text),
        Normaliser::Street => street(text),
        Normaliser::Email => email(text),
        Normaliser::Phone => {
            let digits = digits(text);
            digits[digits.len().saturating_sub(10)..].to_owned()
        }
        Normaliser::First => text.split_whitespace().next().unwrap_or_default().to_owned(),
        Normaliser::Last => text.split_whitespace().next_back().unwrap_or_default().to_owned(),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Lower case, without accents; apostrophes fall away, everything else that is no letter and no digit is a space.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut space = false;
    let plain = |c: char| !is_combining_mark(c) && !matches!(c, '\'' | '’' | '‘' | '`' | '´');
    for c in text.nfkd().filter(|c| plain(*c)).flat_map(char::to_lowercase) {
        if !c.is_alphanumeric() {
            space = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut space) {
            folded.push(' ');
        }
        match LETTERS.iter().find(|(letter, _)| *letter == c) {
            Some((_, plain)) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    folded
}

fn street(text: &str) -> String {
    let short = |word: &str| {
        let found = STREETS.binary_search_by(|(long, _)| (*long).cmp(word));
        found.map_or_else(|_| word.to_owned(), |place| STREETS[place].1.to_owned())
    };
    fold(text).split(' ').map(short).collect::<Vec<_>>().join(" ")
}

fn email(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let Some((local, domain)) = lower.rsplit_once('@') else { return String::new() };
    let local = local.split('+').next().unwrap_or_default().trim();
    if local.is_empty() || domain.is_empty() {
        return String::new();
    }
    format!("{local}@{}", domain.trim())
}

/// A date as `yyyymmdd`. `yyyy-mm-dd`, `mm/dd/yyyy` (day first where only that is possible), `3 Mar 1980`, eight digits; a time
/// after it falls away. Other digits stay as they are: a mistyped date is still evidence.
fn date(text: &str) -> String {
    let text = text.trim();
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    let lower = text.to_lowercase();
    let month = MONTHS.iter().position(|month| lower.contains(month));
    let source = if month.is_none() && day.contains(['-', '/', '.']) { day } else { text };
    let groups: Vec<&str> =
        source.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).take(4).collect();
    let read = |group: &str| group.parse::<u32>().ok().filter(|_| group.len() <= 4);
    let whole = |year: u32, month: u32, day: u32| format!("{year:04}{month:02}{day:02}");
    match (groups.as_slice(), month) {
        ([a, b], Some(month)) => {
            let month = u32::try_from(month + 1).unwrap_or(1);
            match (read(a), read(b)) {
                (Some(year), Some(day)) if a.len() == 4 => whole(year, month, day),
                (Some(day), Some(year)) => whole(year, month, day),
                _ => digits(text),
            }
        }
        ([a, b, c], None) => match (read(a), read(b), read(c)) {
            (Some(year), Some(month), Some(day)) if a.len() == 4 => whole(year, month, day),
            (Some(day), Some(month), Some(year)) if day > 12 && c.len() == 4 => whole(year, month, day),
            (Some(month), Some(day), Some(year)) if c.len() == 4 => whole(year, month, day),
            _ => digits(source),
        },
        _ => digits(source),
    }
}

/// The sound of an English word: Soundex of the United States' National Archives (Russell, 1918), on what is a letter.
pub fn sound(word: &str) -> [u8; 4] {
    let code = |letter: u8| match letter {
        b'b' | b'f' | b'p' | b'v' => b'1',
        b'c' | b'g' | b'j' | b'k' | b'q' | b's' | b'x' | b'z' => b'2',
        b'd' | b't' => b'3',
        b'l' => b'4',
        b'm' | b'n' => b'5',
        b'r' => b'6',
        _ => b'0',
    };
    let mut sound = [b'0'; 4];
    let mut length = 0;
    let mut last = b'0';
    for letter in word.bytes().filter(u8::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()) {
        let now = code(letter);
        if length == 0 {
            sound[0] = letter;
            length = 1;
        } else if now != b'0' && now != last {
            sound[length] = now;
            length += 1;
        }
        if !matches!(letter, b'h' | b'w') {
            last = now;
        }
        if length == sound.len() {
            break;
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step: Normaliser, text: &str, expect: &str) {
        assert_eq!(normalise(text, &[step]), expect, "{text}");
    }

    #[test]
    fn accents_case_and_punctuation_do_not_matter() {
        check(Normaliser::Fold, "  José  O’Brien-GARCÍA ", "jose obrien garcia");
        check(Normaliser::Fold, "Straße", "strasse");
        check(Normaliser::Fold, "Łukasz Ørsted", "lukasz orsted");
        check(Normaliser::Fold, "---", "");
        check(Normaliser::Street, "12 Wallaby Crescent North", "12 wallaby cres n");
    }

    #[test]
    fn dates_are_read_in_their_usual_writings() {
        for text in
            ["1980-03-04", "19800304", "03/04/1980", "4 Mar 1980", "1980-3-4T00:00:00Z", "March 4, 1980"]
        {
            check(Normaliser::Date, text, "19800304");
        }
        check(Normaliser::Date, "25/12/1980", "19801225");
        check(Normaliser::Date, "1980-3-4 00:00:00", "19800304");
        check(Normaliser::Date, "19451399", "19451399");
        check(Normaliser::Date, "unknown", "");
    }

    #[test]
    fn codes_keep_what_tells_them_apart() {
        check(Normaliser::Number, "00123.0", "123");
        check(Normaliser::Phone, "+1 (415) 555-0100", "4155550100");
        check(Normaliser::Email, "Sarah.Chen+x@Example.com", "sarah.chen@example.com");
        check(Normaliser::Email, "nobody", "");
    }

    #[test]
    fn streets_are_in_order_so_that_each_is_found() {
        assert!(STREETS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn words_that_sound_alike_have_one_sound() {
        for (word, expect) in
            [("robert", "r163"), ("rupert", "r163"), ("ashcraft", "a261"), ("tymczak", "t522"), ("a", "a000")]
        {
            assert_eq!(&sound(word), expect.as_bytes(), "{word}");
        }
    }
}
