//! The corpus as it is kept: a file a surface, a case a line, in base64; what is fed first, and what was found once.

use crate::seeds;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The longest case that is kept, in bytes.
pub const CASE_BYTES_MAX: usize = 4_096;
/// The longest file of a surface, in bytes: what is left out is what was found last.
pub const FILE_BYTES_MAX: usize = 150_000;

fn place(surface: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{surface}.txt"))
}

/// The cases of a surface; none if there is no file of them.
fn kept(surface: &str) -> io::Result<Vec<Vec<u8>>> {
    let text = match fs::read_to_string(place(surface)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let bad = |_| io::Error::other(format!("`corpus/{surface}.txt` has a line that is no base64"));
    text.lines().map(|line| STANDARD.decode(line).map_err(bad)).collect()
}

/// Does what the environment asks for before a surface is fed: `XOPS_FUZZ_UNPACK=DIR` writes its kept cases into a folder,
/// `XOPS_FUZZ_SEEDS=DIR` what fuzzing began with; `XOPS_FUZZ_PACK=DIR` keeps the cases of a folder, and ends.
pub fn begin(surface: &str) {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let done = || -> io::Result<bool> {
        if let Some(folder) = folder("XOPS_FUZZ_SEEDS") {
            seeds::write(surface, &folder)?;
        }
        if let Some(folder) = folder("XOPS_FUZZ_UNPACK") {
            unpack(surface, &folder)?;
        }
        let Some(folder) = folder("XOPS_FUZZ_PACK") else { return Ok(false) };
        eprintln!("{surface}: {} cases kept", pack(surface, &folder)?);
        Ok(true)
    };
    match done() {
        Ok(false) => {}
        Ok(true) => std::process::exit(0),
        Err(error) => panic!("failed to handle the cases of `{surface}`: {error}"),
    }
}

/// Writes the cases of a surface into a folder, a file each.
fn unpack(surface: &str, folder: &Path) -> io::Result<usize> {
    fs::create_dir_all(folder)?;
    let cases = kept(surface)?;
    for (number, case) in cases.iter().enumerate() {
        fs::write(folder.join(format!("kept-{number:05}")), case)?;
    }
    Ok(cases.len())
}

/// Keeps the cases of a folder in place of those before: the short ones first, as many as there is room for.
fn pack(surface: &str, folder: &Path) -> io::Result<usize> {
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder)? {
        let case = fs::read(entry?.path())?;
        if case.len() <= CASE_BYTES_MAX {
            cases.push(case);
        }
    }
    cases.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
    cases.dedup();
    let (mut text, mut count) = (String::new(), 0);
    for case in cases {
        let line = STANDARD.encode(case);
        if text.len() + line.len() + 1 <= FILE_BYTES_MAX {
            text += &line;
            text.push('\n');
            count += 1;
        }
    }
    let to = place(surface);
    fs::create_dir_all(to.parent().unwrap_or(Path::new(".")))?;
    fs::write(to, text)?;
    Ok(count)
}
