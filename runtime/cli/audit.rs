//! `xops audit`: shows that the journal is what was written.
//!
//! Absent: repair. Invariants: `verify` goes on after the first finding and names every frame; what it is held to besides itself are
//! checkpoints, and those that were kept on another machine are worth more than those beside it; `check-bundle` needs nothing of ours.

use crate::arguments::keeping::{Audit, Audited};
use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{begun, damaged, removed};
use crate::json::{self, moment, plain};
use crate::project;
use crate::session::{self, Places};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::Path;
use xops_journal::audit::{self, CHECKPOINTS_FILE, Examined, Finding};
use xops_journal::bundle::{self, Bundle};
use xops_journal::checkpoint::{self, Public, Signer};
use xops_journal::disk::RealDisk;
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::random::System;
use xops_journal::read::Reader;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::{Subject, SubjectKeys};
use xops_journal::witness::Witness;
use xops_kernel::log::{Entry, Number, What};

/// The longest bundle that is read.
const BUNDLE_BYTES_MAX: u64 = 512 << 20;

/// The tenant whose journal is audited.
struct Tenant {
    name: String,
    places: Places,
    key: TenantKey,
    keys: Keys,
}

/// Runs the command.
pub fn run(common: &Common, arguments: &Audit) -> Outcome {
    match &arguments.what {
        Audited::Verify { checkpoints, public_key } => {
            verify(common, checkpoints.as_deref(), public_key.as_deref())
        }
        Audited::Checkpoint { checkpoints } => sign(common, checkpoints.as_deref()),
        Audited::Key => key(common),
        Audited::Prove { instance, to } => prove(common, instance, to),
        Audited::CheckBundle { file, public_key } => check(common, file, public_key.as_deref()),
    }
}

fn tenant(common: &Common) -> Result<Tenant, Failure> {
    let name = project::read(common)?.declarations.tenant;
    let places = Places::of(common, &name);
    begun(&places)?;
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&name, &key);
    Ok(Tenant { name, places, key, keys })
}

impl Tenant {
    fn public(&self) -> Result<Option<Public>, Failure> {
        let signer = Signer::load(&self.places.signer, &self.name).map_err(damaged)?;
        Ok(signer.map(|signer| signer.public()))
    }

    fn no_key(&self) -> Failure {
        let message = format!("there is no key that signs checkpoints at `{}`", self.places.signer.display());
        let note = "the daemon makes it at its first start, or `xops audit checkpoint` does".to_owned();
        Failure::plain(message).with([note])
    }
}

/// A public key, given as itself or as a file that holds it.
fn public(given: &str) -> Result<Public, Failure> {
    let text = if Path::new(given).is_file() {
        std::fs::read_to_string(given)
            .map_err(|error| Failure::plain(format!("failed to read `{given}`: {error}")))?
    } else {
        given.to_owned()
    };
    Public::parse(&text).ok_or_else(|| {
        let note = "it is what `xops audit key` prints: NAME+ID+BASE64, or a file that holds it".to_owned();
        Failure::new(Exit::Usage, format!("`{given}` is no public key")).with([note])
    })
}

fn verify(common: &Common, outside: Option<&Path>, given: Option<&str>) -> Outcome {
    let tenant = tenant(common)?;
    let public = match given {
        Some(given) => Some(public(given)?),
        None => tenant.public()?,
    };
    let beside = tenant.places.journal.join(CHECKPOINTS_FILE);
    let mut checkpoints = Vec::new();
    let mut unread: Vec<Finding> = Vec::new();
    for file in [Some(beside.as_path()), outside].into_iter().flatten() {
        if Some(file) == outside && !file.exists() {
            return Err(Failure::plain(format!("there are no checkpoints at `{}`", file.display())));
        }
        match checkpoint::read_file(file) {
            Ok(read) => checkpoints.extend(read),
            Err(error) => unread.push(Finding {
                file: file.display().to_string(),
                frame: None,
                seq: None,
                what: error.to_string(),
            }),
        }
    }
    let disk = RealDisk::new(&tenant.places.journal).map_err(Failure::plain)?;
    let mut examined = audit::examine(&disk, &tenant.keys, public.as_ref(), &checkpoints).map_err(damaged)?;
    examined.findings.extend(unread);
    told(common, &examined, checkpoints.len(), outside.is_some())
}

fn told(common: &Common, examined: &Examined, checkpoints: usize, outside: bool) -> Outcome {
    let (report, findings) = (&examined.report, &examined.findings);
    let whole = findings.is_empty();
    if common.output == Format::Text {
        let mut out = String::new();
        for finding in findings {
            let frame = finding.frame.map_or_else(String::new, |frame| format!(" frame {frame}"));
            let seq = finding.seq.map_or_else(String::new, |seq| format!(" (event {seq})"));
            let _infallible = writeln!(out, "{}{frame}{seq}: {}", plain(&finding.file), finding.what);
        }
        if examined.more > 0 {
            let _infallible = writeln!(out, "and {} more", examined.more);
        }
        let word = if whole { "journal whole" } else { "journal NOT whole" };
        let _infallible = writeln!(
            out,
            "{word}: {} events in {} frames in {} files; {} of {checkpoints} checkpoints agree",
            report.events, report.frames, report.files, examined.agreed
        );
        out.push_str(&removed(report));
        if report.removed_files > 0 && examined.uncompared > 0 {
            let _infallible = writeln!(
                out,
                "{} checkpoints end inside of them and cannot be compared",
                examined.uncompared
            );
        }
        if whole && !outside {
            out.push_str("held to nothing outside of itself: name checkpoints that were kept elsewhere with --checkpoints\n");
        }
        json::text(&out)?;
    } else {
        let all: Vec<_> = findings
            .iter()
            .map(|it| json!({ "file": it.file, "frame": it.frame, "event": it.seq, "what": it.what }))
            .collect();
        json::print(&json!({
            "whole": whole, "findings": all, "more": examined.more, "events": report.events, "frames": report.frames,
            "files": report.files, "removed_files": report.removed_files, "removed_events": report.removed_events, "checkpoints": checkpoints, "agreed": examined.agreed, "uncompared": examined.uncompared,
            "outside": outside,
        }))?;
    }
    Ok(if whole { Exit::Done } else { Exit::Damaged })
}

fn sign(common: &Common, outside: Option<&Path>) -> Outcome {
    let tenant = tenant(common)?;
    let lock = xops_journal::journal::LOCK_FILE;
    let held =
        xops_journal::disk::Disk::lock(&RealDisk::new(&tenant.places.journal).map_err(Failure::plain)?, lock);
    let xops_journal::disk::Lock::Held(_lock) = held.map_err(Failure::plain)? else {
        let note = "it signs by itself: `xops run --checkpoint-every SECONDS --checkpoints FILE`".to_owned();
        return Err(Failure::new(Exit::Refused, "another process writes this journal").with([note]));
    };
    let signer =
        Signer::load_or_make(&tenant.places.signer, &tenant.name, &System::default()).map_err(damaged)?;
    let outside = outside.map(Path::to_owned);
    let mut witness = Witness::new(&tenant.places.journal, &tenant.keys, signer, outside);
    let at = xops_shell::clock::Clock::start(0).now();
    let Some(made) = witness.checkpoint(None, at).map_err(damaged)? else {
        return Err(Failure::new(Exit::Refused, "the journal holds no event yet"));
    };
    if common.output == Format::Text {
        json::text(&made.to_text())?;
    } else {
        json::print(&json!({ "events": made.said.size, "at": at, "note": made.to_text() }))?;
    }
    Ok(Exit::Done)
}

fn key(common: &Common) -> Outcome {
    let tenant = tenant(common)?;
    let public = tenant.public()?.ok_or_else(|| tenant.no_key())?.to_text();
    if common.output == Format::Text {
        json::text(&format!("{public}\n"))?;
    } else {
        json::print(&json!({ "public_key": public }))?;
    }
    Ok(Exit::Done)
}

fn prove(common: &Common, named: &str, to: &Path) -> Outcome {
    let tenant = tenant(common)?;
    let public = tenant.public()?.ok_or_else(|| tenant.no_key())?;
    let number = number_of(common, named)?;
    let file = tenant.places.journal.join(CHECKPOINTS_FILE);
    let last = checkpoint::read_file(&file).map_err(damaged)?.into_iter().max_by_key(|it| it.said.size);
    let Some(last) = last else {
        let note = "sign one with `xops audit checkpoint`; a running daemon does so by itself".to_owned();
        return Err(Failure::new(Exit::Refused, "there is no checkpoint yet").with([note]));
    };
    let reader = Reader::open(&tenant.places.journal, &tenant.keys).map_err(damaged)?;
    if let Some(kept) = reader.kept() {
        let to = kept.last().seq;
        let message = format!("events up to {to} were exported and removed: a proof needs the leaves of all");
        let note =
            "put the exported files back into a copy of the data folder, without `journal.kept`".to_owned();
        return Err(Failure::new(Exit::Refused, message).with([note]));
    }
    let ring = SubjectKeys::beside(&tenant.places.subjects, &tenant.key).map_err(damaged)?;
    let its = subjects(&reader, &ring, number)?;
    let about = |body: &[u8]| {
        let sealed = stored::sealed_under(body).is_some_and(|subject| its.contains(&subject));
        sealed && is_of(body, &ring, number)
    };
    let bundle = bundle::make(&reader, number, &about, &last, &public).map_err(damaged)?;
    let Some(bundle) = bundle else {
        let message = format!("no checkpoint covers instance {number} yet");
        let note = "sign one with `xops audit checkpoint`; a running daemon does so by itself".to_owned();
        return Err(Failure::new(Exit::Refused, message).with([note]));
    };
    let text = serde_json::to_string_pretty(&bundle).map_err(Failure::plain)?;
    std::fs::write(to, text + "\n")
        .map_err(|error| Failure::plain(format!("failed to write `{}`: {error}", to.display())))?;
    let (events, covered) = (bundle.events.len(), last.said.size);
    if common.output == Format::Text {
        json::text(&format!(
            "{events} events of instance {number} with their proofs under the checkpoint over {covered} events; \
             `xops audit check-bundle {}` checks them anywhere\n",
            to.display()
        ))?;
    } else {
        json::print(&json!({ "instance": number, "events": events, "covered": covered }))?;
    }
    Ok(Exit::Done)
}

/// The number of the instance that a person means; an erased one is known by its number alone.
fn number_of(common: &Common, named: &str) -> Result<Number, Failure> {
    let log = crate::journal::read(common)?;
    if let Some(number) = named.parse().ok().filter(|number| log.erased.contains_key(number)) {
        return Ok(number);
    }
    log.find(Some(named)).map(|story| story.compiled.number)
}

/// The subjects under whose keys the plan and the request of an instance lie.
fn subjects(reader: &Reader, ring: &SubjectKeys, number: Number) -> Result<BTreeSet<Subject>, Failure> {
    let mut its = BTreeSet::new();
    let walked = reader.replay(1, |_, stream, body| {
        if stream == stored::TENANT_STREAM
            && let Ok(Decoded::Entry(entry)) = stored::decode(stream, body, ring)
            && let Entry::Tenant(happened) = *entry
            && let What::Compiled(compiled) = happened.what
            && compiled.number == number
        {
            its.extend([compiled.request.0, compiled.plan.entity.0]);
        }
        ControlFlow::Continue(())
    });
    walked.map_err(damaged)?;
    Ok(its)
}

/// Whether one of the tenant's own events is the plan or the request of an instance.
fn is_of(body: &[u8], ring: &SubjectKeys, number: Number) -> bool {
    let Ok(Decoded::Entry(entry)) = stored::decode(stored::TENANT_STREAM, body, ring) else { return false };
    let Entry::Tenant(happened) = *entry else { return false };
    match happened.what {
        What::Compiled(compiled) => compiled.number == number,
        // Its subject is the request's own.
        What::Requested(_) => true,
        _ => false,
    }
}

fn check(common: &Common, file: &Path, given: Option<&str>) -> Outcome {
    let public = given.map(public).transpose()?;
    let failed =
        |error: std::io::Error| Failure::plain(format!("failed to read `{}`: {error}", file.display()));
    if std::fs::metadata(file).map_err(failed)?.len() > BUNDLE_BYTES_MAX {
        let message = format!("`{}` is longer than a bundle of {BUNDLE_BYTES_MAX} bytes", file.display());
        return Err(Failure::new(Exit::Refused, message));
    }
    let text = std::fs::read_to_string(file).map_err(failed)?;
    let proves_nothing = |why: String| {
        Failure::new(Exit::Damaged, format!("the bundle `{}` proves nothing: {why}", file.display()))
    };
    let bundle: Bundle = serde_json::from_str(&text).map_err(|error| proves_nothing(error.to_string()))?;
    let checked = bundle.check(public.as_ref()).map_err(|refused| proves_nothing(refused.to_string()))?;
    if common.output != Format::Text {
        json::print(&json!({
            "whole": true, "instance": bundle.instance, "events": checked.events, "sealed": checked.sealed,
            "log": checked.origin, "covered": checked.size, "at": checked.at, "public_key": bundle.public_key,
            "key_was_given": public.is_some(),
        }))?;
        return Ok(Exit::Done);
    }
    let mut out = format!(
        "bundle whole: {} events of instance {}, {} of them sealed for a person\nunder {} over {} events, signed {}\n",
        checked.events,
        bundle.instance,
        checked.sealed,
        plain(&checked.origin),
        checked.size,
        moment(checked.at)
    );
    if public.is_none() {
        let _infallible = writeln!(
            out,
            "by {}: compare this key with the one that you know, or give it with --public-key",
            plain(&bundle.public_key)
        );
    }
    json::text(&out)?;
    Ok(Exit::Done)
}
