//! `xops backup` and `xops restore`: a copy of the journal, and a journal out of a copy.
//!
//! Absent: keys in a backup. Invariants: nothing is ever written over; a copy is verified frame by frame before it is said to be one,
//! and again before and after it is restored; what was erased stays erased, because the journal names it and the next start
//! destroys what an older keyring brought back.

use crate::arguments::keeping::{Backup, Restore};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{begun, damaged};
use crate::json;
use crate::project;
use crate::session::{self, Places};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::path::Path;
use xops_journal::backup::{self, Taken};
use xops_journal::disk::{Disk, RealDisk};
use xops_journal::keys::Keys;
use xops_journal::read::Reader;
use xops_journal::subjects::SubjectKeys;
use xops_kernel::id::Digest;

/// What a backup says of itself. Written last: a backup without it is not finished.
const MANIFEST: &str = "backup.json";

/// `xops backup`.
pub fn backup(common: &Common, arguments: &Backup) -> Outcome {
    let tenant = project::read(common)?.declarations.tenant;
    let places = Places::of(common, &tenant);
    begun(&places)?;
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&tenant, &key);
    if let Some(keyring) = &arguments.keyring {
        apart(keyring, &arguments.dir)?;
    }
    let reader = Reader::open(&places.journal, &keys).map_err(damaged)?;
    let taken = backup::take(&reader, &keys, &arguments.dir, &mut told("copying")).map_err(damaged)?;
    let manifest = manifest(&tenant, &taken);
    let disk = RealDisk::new(&arguments.dir).map_err(Failure::plain)?;
    let text = serde_json::to_string_pretty(&manifest).map_err(Failure::plain)? + "\n";
    disk.replace(MANIFEST, text.as_bytes())
        .map_err(|error| Failure::plain(format!("failed to write `{MANIFEST}`: {error}")))?;
    if let Some(keyring) = &arguments.keyring {
        // After the journal: whatever it holds has its key in here.
        drop(SubjectKeys::beside(&places.subjects, &key).map_err(damaged)?);
        copy_private(&places.subjects, keyring)?;
    }
    let (dir, events) = (arguments.dir.display(), taken.report.events);
    let keyring = arguments.keyring.as_ref().map(|path| path.display().to_string());
    if common.output == Format::Text {
        let mut text = format!(
            "backup of tenant {tenant} at {dir}: {events} events in {} files; it ends with {}\nit holds no key: ",
            taken.report.files,
            Digest(taken.head.hash)
        );
        let _infallible = match &keyring {
            Some(keyring) => writeln!(
                text,
                "the keys of persons were copied to {keyring}; keep them apart, and erase whom you erase there too"
            ),
            None => {
                writeln!(text, "without the tenant's key and the keys of persons nothing in it can be read")
            }
        };
        json::text(&text)?;
    } else {
        let mut object = manifest;
        object["keyring"] = json!(keyring);
        json::print(&object)?;
    }
    Ok(Exit::Done)
}

/// `xops restore`.
pub fn restore(common: &Common, arguments: &Restore) -> Outcome {
    let tenant = project::read(common)?.declarations.tenant;
    let places = Places::of(common, &tenant);
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&tenant, &key);
    let manifest = read_manifest(&arguments.dir, &tenant)?;
    held(&arguments.dir, &manifest)?;
    if let Some(from) = &arguments.keyring {
        if places.subjects.exists() {
            let message = format!("there are keys of persons at `{}` already", places.subjects.display());
            return Err(Failure::new(Exit::Refused, message).with(["move them away first".to_owned()]));
        }
        drop(SubjectKeys::beside(from, &key).map_err(damaged)?);
    }
    let taken =
        backup::restore(&arguments.dir, &keys, &places.journal, &mut told("restoring")).map_err(refused)?;
    if let Some(from) = &arguments.keyring {
        let dir = places.subjects.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir)
            .map_err(|error| Failure::plain(format!("failed to make `{}`: {error}", dir.display())))?;
        copy_private(from, &places.subjects)?;
    }
    let readable = places.subjects.exists();
    if common.output == Format::Text {
        let mut text = format!(
            "restored tenant {tenant} from {}: {} events in {} files, verified; it ends with {}\n",
            arguments.dir.display(),
            taken.report.events,
            taken.report.files,
            Digest(taken.head.hash)
        );
        if !readable {
            let _infallible = writeln!(
                text,
                "the keys of persons are not at {}: without them nothing personal can be read, and no daemon starts",
                places.subjects.display()
            );
        }
        json::text(&text)?;
    } else {
        json::print(&json!({
            "tenant": tenant, "events": taken.report.events, "files": taken.report.files,
            "head": { "seq": taken.head.seq, "hash": Digest(taken.head.hash).to_string() }, "keyring": readable,
        }))?;
    }
    Ok(Exit::Done)
}

/// Says on standard error which file it is at.
pub(crate) fn told(what: &'static str) -> impl FnMut(usize, &str) {
    let mut at = 0;
    move |all, name| {
        at += 1;
        tracing::info!(file = name, at, all, "{what}");
    }
}

fn refused(error: xops_journal::error::Error) -> Failure {
    match error {
        xops_journal::error::Error::Occupied { dir, .. } => {
            let message = format!("there is a journal at `{dir}` already: nothing was restored over it");
            Failure::new(Exit::Refused, message).with(["move it away first".to_owned()])
        }
        error => damaged(error),
    }
}

fn manifest(tenant: &str, taken: &Taken) -> Json {
    let files: Vec<Json> = taken
        .files
        .iter()
        .map(|file| json!({ "name": file.name, "bytes": file.bytes, "blake3": file.digest }))
        .collect();
    json!({
        "format": "xops backup 1",
        "tenant": tenant,
        "at": xops_shell::clock::Clock::start(0).now(),
        "events": taken.report.events,
        "head": { "seq": taken.head.seq, "hash": Digest(taken.head.hash).to_string() },
        "files": files,
        "holds": "frames sealed under the tenant's key, the head file, signed checkpoints, the ids that were issued",
        "holds_no": "tenant's key, keys of persons, key that signs checkpoints, start-up snapshots, project",
    })
}

fn read_manifest(dir: &Path, tenant: &str) -> Result<Json, Failure> {
    let path = dir.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let note = "a backup writes it last: without it the backup was not finished".to_owned();
        Failure::new(Exit::Damaged, format!("failed to read `{}`: {error}", path.display())).with([note])
    })?;
    let wrong = |why: String| Failure::new(Exit::Damaged, format!("`{}` {why}", path.display()));
    let manifest: Json =
        serde_json::from_str(&text).map_err(|error| wrong(format!("is no JSON: {error}")))?;
    if manifest["format"] != "xops backup 1" {
        return Err(wrong(format!("has format {}: install a version that reads it", manifest["format"])));
    }
    match manifest["tenant"].as_str() {
        Some(of) if of == tenant => Ok(manifest),
        of => Err(wrong(format!("is of tenant `{}` and not of `{tenant}`", of.unwrap_or_default()))),
    }
}

/// Holds each file of a backup to what the backup says of it.
fn held(dir: &Path, manifest: &Json) -> Result<(), Failure> {
    let disk = RealDisk::new(dir).map_err(Failure::plain)?;
    for file in manifest["files"].as_array().into_iter().flatten() {
        let name = file["name"].as_str().unwrap_or_default();
        let bytes = disk.read(name);
        let found = bytes.as_ref().map(|bytes| xops_journal::backup::digest(bytes));
        if found.is_err() || found.ok().as_deref() != file["blake3"].as_str() {
            let message = format!("`{}` is not the file that was backed up", dir.join(name).display());
            return Err(Failure::new(Exit::Damaged, message).with(["take another backup".to_owned()]));
        }
    }
    Ok(())
}

/// Refuses keys inside of a backup: together they bring back whom somebody erased.
fn apart(keyring: &Path, dir: &Path) -> Result<(), Failure> {
    let whole = |path: &Path| std::path::absolute(path).map_err(Failure::plain);
    if whole(keyring)?.starts_with(whole(dir)?) {
        let note = "whoever has both can read whom you erased: keep them apart".to_owned();
        let message = format!("`{}` lies inside the backup", keyring.display());
        return Err(Failure::new(Exit::Usage, message).with([note]));
    }
    if keyring.exists() {
        return Err(Failure::plain(format!("`{}` is there already", keyring.display())));
    }
    Ok(())
}

/// Copies a file that only its owner may read, over nothing.
fn copy_private(from: &Path, to: &Path) -> Result<(), Failure> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |error: std::io::Error| {
        Failure::plain(format!("failed to copy `{}` to `{}`: {error}", from.display(), to.display()))
    };
    let bytes = std::fs::read(from).map_err(failed)?;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)
}
