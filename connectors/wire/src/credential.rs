//! Credentials: the secret values behind the parts that an authentication scheme names.
//!
//! Absent: any way to print a value. An error names the reference (`env:OKTA_TOKEN`), never what it leads to; a reference of no
//! known form is not even named, because it may be a secret that was pasted in the wrong place.

use crate::lost::Error;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;

/// No part of a credential is longer than this, in bytes; a private key of 8,192 bits has 6 KiB.
const PART_BYTES_MAX: u64 = 64 * 1024;

/// The parts of one credential by name. Values are zeroed when dropped.
#[derive(Clone, Default)]
pub struct Credential {
    parts: BTreeMap<String, SecretString>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Credential").field(&self.parts.keys().collect::<Vec<_>>()).finish()
    }
}

impl Credential {
    /// A credential without parts, for systems that ask for none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the parts from their references: pairs of a part's name and `env:NAME` or `file:PATH`. One newline at the end
    /// of a value is dropped, as files that people write have one.
    pub fn resolve<'a>(references: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Error> {
        references.into_iter().try_fold(Self::none(), |credential, (part, reference)| {
            let value = fetch(reference).map_err(|why| Error::Credential { part: part.to_owned(), why })?;
            Ok(credential.with(part, value))
        })
    }

    /// The same with one more part: for a credential that a caller presented.
    #[must_use]
    pub fn with(mut self, part: &str, value: SecretString) -> Self {
        self.parts.insert(part.to_owned(), value);
        self
    }

    /// The value of `part`.
    pub fn part(&self, part: &str) -> Option<&SecretString> {
        self.parts.get(part)
    }

    /// All values, for the scrubber.
    pub(crate) fn values(&self) -> impl Iterator<Item = &SecretString> {
        self.parts.values()
    }
}

/// The value that `reference` leads to, or why there is none.
fn fetch(reference: &str) -> Result<SecretString, String> {
    let mut text = if let Some(name) = reference.strip_prefix("env:") {
        std::env::var(name).map_err(|error| match error {
            std::env::VarError::NotPresent => format!("`{reference}` is not set"),
            // The library's own text of this error would show the value.
            std::env::VarError::NotUnicode(_) => format!("`{reference}` is not valid UTF-8"),
        })?
    } else if let Some(path) = reference.strip_prefix("file:") {
        read(path).map_err(|why| format!("`{reference}` {why}"))?
    } else {
        return Err("its reference starts neither with `env:` nor with `file:`".to_owned());
    };
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(format!("`{reference}` is empty"));
    }
    Ok(SecretString::from(text))
}

/// The text of a file that holds a secret.
fn read(path: &str) -> Result<String, String> {
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let mut bytes = Vec::new();
    file.take(PART_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > PART_BYTES_MAX {
        return Err(format!("is longer than {PART_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not valid UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn check(content: &[u8], expect: Result<&str, &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("part");
        std::fs::write(&path, content).unwrap();
        let reference = format!("file:{}", path.display());
        let got = Credential::resolve([("token", reference.as_str())]);
        match (got, expect) {
            (Ok(credential), Ok(value)) => {
                assert_eq!(credential.part("token").unwrap().expose_secret(), value);
            }
            (Err(error), Err(why)) => {
                assert_eq!(error.to_string(), format!("credential part `token`: `{reference}` {why}"));
            }
            (got, expect) => panic!("got {got:?}, not {expect:?}"),
        }
    }

    #[test]
    fn one_newline_at_the_end_of_a_file_is_dropped_and_no_more() {
        check(b"canary", Ok("canary"));
        check(b"canary\n", Ok("canary"));
        check(b"canary\r\n", Ok("canary"));
        check(b"canary\n\n", Ok("canary\n"));
        check(b" canary ", Ok(" canary "));
    }

    #[test]
    fn a_value_that_cannot_be_a_secret_is_refused_by_its_reference() {
        check(b"", Err("is empty"));
        check(b"\n", Err("is empty"));
        check(&[0xff, 0xfe], Err("is not valid UTF-8"));
        check(&vec![b'a'; 64 * 1024 + 1], Err("is longer than 65536 bytes"));
    }

    #[test]
    fn the_environment_is_read_by_name() {
        let credential = Credential::resolve([("name", "env:CARGO_PKG_NAME")]).unwrap();
        assert_eq!(credential.part("name").unwrap().expose_secret(), "xops-wire");
        let error = Credential::resolve([("name", "env:XOPS_WIRE_IS_NOT_SET")]).unwrap_err();
        assert_eq!(error.to_string(), "credential part `name`: `env:XOPS_WIRE_IS_NOT_SET` is not set");
    }

    #[test]
    fn a_secret_pasted_in_place_of_its_reference_is_not_repeated() {
        let error = Credential::resolve([("name", "canary-7ab1")]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Credential::resolve([("name", "file:/no/such/file")]).unwrap_err().to_string();
        assert!(error.contains("`file:/no/such/file` cannot be opened"), "{error}");
    }

    #[test]
    fn debug_shows_the_names_of_parts_alone() {
        let credential = Credential::none().with("password", SecretString::from("canary"));
        assert_eq!(format!("{credential:?}"), r#"Credential(["password"])"#);
    }
}
