//! `xops retain`: whole old files of the journal go to another place.
//!
//! Invariant: a file is removed only when its copy was held to its digest, a checkpoint of where it ends is signed, and what the rest of
//! the journal needs of it is durable. Beside a running daemon, too: it reads none of these files before its next start.

use crate::arguments::keeping::Retain;
use crate::arguments::{Common, Format};
use crate::backup::told;
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{begun, damaged};
use crate::json;
use crate::project;
use crate::session::{self, Places};
use serde_json::json;
use std::fmt::Write as _;
use xops_journal::checkpoint::Signer;
use xops_journal::keys::Keys;
use xops_journal::random::System;
use xops_journal::retain::{Retained, Wanted, retain};
use xops_journal::subjects::SubjectKeys;

/// Runs the command.
pub fn run(common: &Common, arguments: &Retain) -> Outcome {
    let tenant = project::read(common)?.declarations.tenant;
    let places = Places::of(common, &tenant);
    begun(&places)?;
    apart(&places, arguments)?;
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&tenant, &key);
    let signer = Signer::load_or_make(&places.signer, &tenant, &System::default()).map_err(damaged)?;
    let subjects = SubjectKeys::beside(&places.subjects, &key).map_err(damaged)?;
    let at = xops_shell::clock::Clock::start(0).now();
    let wanted = Wanted {
        dir: &places.journal,
        before: at.saturating_sub(arguments.older_than),
        export: &arguments.export,
        signer: &signer,
        at,
    };
    let retained = retain(&wanted, &keys, &subjects, &mut told("exporting")).map_err(damaged)?;
    if common.output == Format::Text {
        json::text(&text(&retained, &arguments.export.display().to_string()))?;
        return Ok(Exit::Done);
    }
    let files = retained.files.iter().map(|(name, bytes)| json!({ "file": name, "bytes": bytes }));
    let checkpoint = retained.checkpoint.as_ref();
    json::print(&json!({
        "removed": files.collect::<Vec<_>>(),
        "events": retained.events,
        "events_kept": retained.kept,
        "bytes_kept": retained.bytes_kept,
        "checkpoint": checkpoint.map(|signed| json!({ "events": signed.said.size, "at": signed.said.at })),
        "stays": retained.stays,
    }))?;
    Ok(Exit::Done)
}

/// Files that are exported into the journal itself would be in their own way.
fn apart(places: &Places, arguments: &Retain) -> Result<(), Failure> {
    std::fs::create_dir_all(&arguments.export).map_err(|error| {
        Failure::plain(format!("failed to make `{}`: {error}", arguments.export.display()))
    })?;
    let real = |path: &std::path::Path| path.canonicalize().map_err(Failure::plain);
    if real(&arguments.export)?.starts_with(real(&places.journal)?) {
        let message = format!("`{}` is in the journal's own folder", arguments.export.display());
        return Err(Failure::new(Exit::Usage, message).with(["export to another place".to_owned()]));
    }
    Ok(())
}

fn text(retained: &Retained, export: &str) -> String {
    let mut out = String::new();
    for (name, bytes) in &retained.files {
        let _infallible = writeln!(out, "exported and removed {name}: {bytes} bytes");
    }
    if retained.files.is_empty() {
        out.push_str("nothing was removed\n");
    } else {
        let Retained { events, kept, bytes_kept, .. } = retained;
        let _infallible = writeln!(
            out,
            "{events} events went to {export}; {kept} events, {bytes_kept} bytes of all that were removed, stay for what still needs them"
        );
    }
    if let Some(stays) = &retained.stays {
        let _infallible = writeln!(out, "{stays}");
    }
    out
}

/// A duration: a number and `d`, `h`, `m` or `s`; in milliseconds.
pub fn duration(text: &str) -> Result<u64, String> {
    let refused = || format!("`{text}` is no duration: write a number and d, h, m or s, such as 90d");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(refused)?;
    let of = match unit {
        "d" => 86_400_000,
        "h" => 3_600_000,
        "m" => 60_000,
        "s" => 1_000,
        _ => return Err(refused()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(of)).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        assert_eq!(duration("90d"), Ok(7_776_000_000));
        assert_eq!((duration("12h"), duration("0s")), (Ok(43_200_000), Ok(0)));
        for text in ["", "d", "90", "-1d", "1.5h", "99999999999999999d", "90日"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
