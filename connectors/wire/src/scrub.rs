//! Texts and responses from outside, with every part of the credential taken out.
//!
//! A system can repeat what it was sent, and an error can quote it. Before a text reaches an error, each part is replaced in
//! the encodings that this crate itself sends and in those that a server is likely to answer in; before a response reaches a
//! connector, whose captures are journaled, the secrets in it are replaced too where they are long enough that they cannot
//! stand there by chance.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use xops_kernel::port::Response;

/// A text from outside is cut to this many characters.
const TEXT_CHARS_MAX: usize = 200;
/// A secret shorter than this, in bytes, is left alone in responses: `admin` is also a word.
const ECHO_BYTES_MIN: usize = 16;
const REDACTED: &str = "[redacted]";

/// A value in every encoding in which it may come back.
pub(crate) struct Forms(Vec<SecretString>);

impl Forms {
    /// `value` as it is, in a form, in an address, in XML, in JSON and in base64.
    pub(crate) fn of(value: &str) -> Self {
        let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let json = serde_json::Value::from(value).to_string();
        let mut forms = vec![
            form.replace('+', "%20"),
            form,
            crate::outgoing::xml_escaped(value),
            json[1..json.len() - 1].to_owned(),
            STANDARD.encode(value),
            value.to_owned(),
        ];
        // The longest first: where one contains another, nothing of the longer may be left over.
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self(forms.into_iter().filter(|form| !form.is_empty()).map(SecretString::from).collect())
    }
}

/// Knows the secrets of one system.
pub(crate) struct Scrub {
    forms: Vec<SecretString>,
    echoes: Vec<SecretString>,
}

impl Scrub {
    /// For these values: taken out of texts. Responses keep them, because user names and client ids are among them, and those
    /// are also data.
    pub(crate) fn new<'a>(values: impl Iterator<Item = &'a SecretString>) -> Self {
        let mut scrub = Self { forms: Vec::new(), echoes: Vec::new() };
        values.for_each(|value| add(&mut scrub.forms, Forms::of(value.expose_secret())));
        scrub
    }

    /// Also for this secret: taken out of texts and of responses.
    pub(crate) fn add_secret(&mut self, secret: &str) {
        add(&mut self.forms, Forms::of(secret));
        if secret.len() >= ECHO_BYTES_MIN {
            add(&mut self.echoes, Forms::of(secret));
        }
    }

    /// `text` on one line, without secrets (those of `token` too), and not longer than the bound.
    pub(crate) fn text(&self, text: &str, token: Option<&Forms>) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for form in of(token).chain(&self.forms) {
            replace(&mut bytes, form.expose_secret().as_bytes());
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line: String = line.chars().filter(|letter| !letter.is_control()).collect();
        match line.char_indices().nth(TEXT_CHARS_MAX) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None => line,
        }
    }

    /// Takes what the system repeats of its secrets out of `response`.
    pub(crate) fn echoes(&self, response: &mut Response, token: Option<&Forms>) {
        for secret in of(token).chain(&self.echoes) {
            let secret = secret.expose_secret().as_bytes();
            replace(&mut response.body, secret);
            for (_, value) in &mut response.headers {
                let mut bytes = std::mem::take(value).into_bytes();
                replace(&mut bytes, secret);
                *value = String::from_utf8_lossy(&bytes).into_owned();
            }
        }
    }
}

fn of(token: Option<&Forms>) -> impl Iterator<Item = &SecretString> {
    token.into_iter().flat_map(|forms| &forms.0)
}

fn add(all: &mut Vec<SecretString>, forms: Forms) {
    all.extend(forms.0);
    all.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
}

/// Replaces `needle` in `bytes`, whatever the case of its ASCII letters: servers write `%2f` and `%2F`.
fn replace(bytes: &mut Vec<u8>, needle: &[u8]) {
    let Some((first, rest)) = needle.split_first() else { return };
    let mut found = Vec::new();
    let mut at = 0;
    while at + needle.len() <= bytes.len() {
        let same = bytes[at].eq_ignore_ascii_case(first)
            && bytes[at + 1..at + needle.len()].eq_ignore_ascii_case(rest);
        if same {
            found.push(at);
        }
        at += if same { needle.len() } else { 1 };
    }
    if found.is_empty() {
        return;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in found {
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(REDACTED.as_bytes());
        from = at + needle.len();
    }
    out.extend_from_slice(&bytes[from..]);
    *bytes = out;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(secret: &str, text: &str, expect: &str) {
        let secret = SecretString::from(secret);
        assert_eq!(Scrub::new(std::iter::once(&secret)).text(text, None), expect);
    }

    #[test]
    fn a_secret_is_taken_out_in_every_encoding_that_is_sent() {
        check("a/b c&d", "a/b c&d", "[redacted]");
        check("a/b c&d", "x a%2Fb+c%26d x", "x [redacted] x");
        check("a/b c&d", "x a%2fb%20c%26d x", "x [redacted] x");
        check("a/b c&d", "<p>a/b c&amp;d</p>", "<p>[redacted]</p>");
        check("a\"b", r#"{"p":"a\"b"}"#, r#"{"p":"[redacted]"}"#);
        check("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "[redacted]");
    }

    #[test]
    fn a_text_is_cut_after_the_secrets_are_out_so_no_half_of_one_stays() {
        let text = format!("{}canary-secret", "x".repeat(195));
        check("canary-secret", &text, &format!("{}[reda...", "x".repeat(195)));
    }

    #[test]
    fn a_text_becomes_one_line_without_control_characters() {
        check("secret", "a\nb\u{1b}[31m\tc", "a b[31m c");
    }

    #[test]
    fn of_two_secrets_that_overlap_nothing_stays() {
        let secrets = [SecretString::from("abc"), SecretString::from("abcdef")];
        assert_eq!(Scrub::new(secrets.iter()).text("abcdef abc", None), "[redacted] [redacted]");
    }

    #[test]
    fn a_response_keeps_names_and_short_words_and_loses_long_secrets() {
        let name = SecretString::from("integration@acme.example");
        let mut scrub = Scrub::new(std::iter::once(&name));
        scrub.add_secret("admin");
        scrub.add_secret("canary-0123456789");
        let mut response = Response {
            status: 200,
            headers: vec![("x-echo".to_owned(), "SSWS canary-0123456789".to_owned())],
            body: b"admin integration@acme.example canary-0123456789 \xff".to_vec(),
        };
        scrub.echoes(&mut response, None);
        assert_eq!(response.headers[0].1, "SSWS [redacted]");
        assert_eq!(response.body, b"admin integration@acme.example [redacted] \xff");
    }
}
