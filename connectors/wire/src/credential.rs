//! Credentials: the secret values behind the parts that an authentication scheme names.
//!
//! Absent: any way to print a value. An error names the reference (`env:OKTA_TOKEN`), never what it leads to, and of a program
//! neither its arguments nor what it printed; a reference of no known form is not even named, because it may be a secret that was pasted in the wrong place.

use crate::lost::Error;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// No part of a credential is longer than this, in bytes; a private key of 8,192 bits has 6 KiB.
const PART_BYTES_MAX: u64 = 64 * 1024;
/// How long a program that prints a part may take.
const COMMAND_MAX: Duration = Duration::from_secs(10);

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

    /// Reads the parts from their references: pairs of a part's name and `env:NAME`, `file:PATH`, `command:/PATH ARGUMENTS` (what
    /// it prints) or `systemd:NAME` (a credential of the service, systemd.exec(5)). One newline at the end of a value is dropped, as files that people write have one.
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
    } else if let Some(name) = reference.strip_prefix("systemd:") {
        let folder = std::env::var_os("CREDENTIALS_DIRECTORY")
            .ok_or_else(|| format!("`{reference}`: this is no service with credentials (LoadCredential=)"))?;
        let path = std::path::Path::new(&folder).join(name);
        if name.is_empty() || name.contains('/') || name.starts_with('.') {
            return Err(format!("`{reference}` names no credential"));
        }
        read(&path.display().to_string()).map_err(|why| format!("`{reference}` {why}"))?
    } else if let Some(line) = reference.strip_prefix("command:") {
        printed(line).map_err(|why| format!("`{}` {why}", program(line)))?
    } else {
        return Err("its reference starts with none of `env:`, `file:`, `command:`, `systemd:`".to_owned());
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

/// The program of a line: what may be shown of it, as its arguments are nobody's business.
fn program(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}

/// What a program prints on standard output, without a shell between. What it prints elsewhere is thrown away.
fn printed(line: &str) -> Result<String, String> {
    let mut words = line.split_whitespace();
    let program = words.next().filter(|program| program.starts_with('/'));
    let program = program.ok_or("is no program: its path begins with `/`")?;
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot be run: {error}"))?;
    let Some(out) = child.stdout.take() else { return Err("cannot be heard".to_owned()) };
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        out.take(PART_BYTES_MAX + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    let began = Instant::now();
    let mut ended = None;
    let status = loop {
        ended = match ended {
            None => child.try_wait().map_err(|error| format!("cannot be waited for: {error}"))?,
            ended => ended,
        };
        match ended {
            // What it started may still hold its output open.
            Some(status) if reader.is_finished() => break status,
            _ if began.elapsed() > COMMAND_MAX => {
                let _already_ended = child.kill();
                let _reaped = child.wait();
                return Err(format!("did not end within {} s", COMMAND_MAX.as_secs()));
            }
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let bytes = reader.join().map_err(|_| "cannot be read".to_owned())?;
    let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
    // First: nobody reads on behind that, which may be why it failed.
    if bytes.len() as u64 > PART_BYTES_MAX {
        return Err(format!("printed more than {PART_BYTES_MAX} bytes"));
    }
    if !status.success() {
        return Err(format!("failed: {status}"));
    }
    String::from_utf8(bytes).map_err(|_| "printed no valid UTF-8".to_owned())
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
    fn a_program_is_run_without_a_shell_and_within_bounds() {
        let run = |line: &str| {
            let got = Credential::resolve([("token", format!("command:{line}").as_str())]);
            got.map(|it| it.part("token").unwrap().expose_secret().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(run("/bin/echo canary $HOME"), Ok("canary $HOME".to_owned()));
        assert_eq!(
            run("/bin/false"),
            Err("credential part `token`: `/bin/false` failed: exit status: 1".into())
        );
        let error = run("echo canary").unwrap_err();
        assert_eq!(error, "credential part `token`: `echo` is no program: its path begins with `/`");
        assert!(run("/no/such/program canary").unwrap_err().contains("`/no/such/program` cannot be run"));
        let long = run("/usr/bin/head -c 70000 /dev/zero").unwrap_err();
        assert!(long.contains("printed more than 65536 bytes"), "{long}");
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
