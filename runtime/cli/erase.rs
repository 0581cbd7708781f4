//! `xops erase`: destroys the keys under which everything lies that the journal says of somebody.
//!
//! Absent: any change of what was written. The systems of record are not touched either: what they keep of a person is theirs to
//! erase. Invariants: the record of the erasure is durable before the first key is destroyed; a running daemon does both itself,
//! because it is the one writer.

use crate::apply;
use crate::arguments::keeping::Erase;
use crate::arguments::{Common, Format};
use crate::client;
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{self, damaged};
use crate::json::{self, moment, plain};
use crate::project;
use crate::session::{self, Places};
use serde_json::json;
use std::ops::ControlFlow;
use xops_journal::disk::RealDisk;
use xops_journal::erase::{self, Found, Survey, Whom};
use xops_journal::journal::{Journal, Options};
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::DigestKey;
use xops_kernel::id::EntityId;
use xops_kernel::log::Erased;
use xops_kernel::value::Values;

/// Runs the command.
pub async fn run(common: &Common, arguments: &Erase) -> Outcome {
    let project = project::read(common)?;
    let whom = whom(&project, arguments)?;
    let tenant = project.declarations.tenant.clone();
    let places = Places::of(common, &tenant);
    journal::begun(&places)?;
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&tenant, &key);
    let digests = DigestKey(*key.digest_key());
    let (found, ring, _) = survey(&places, &keys, &key, &whom, &digests)?;
    if !found.running.is_empty() || !found.open.is_empty() {
        return Err(under_way(&found));
    }
    let Some(record) = found.record(&whom, &apply::principal(), &ring, &digests) else {
        return nothing_left(common, arguments, &found);
    };
    drop(ring);
    if arguments.dry_run {
        return tell(common, arguments, &found, None);
    }
    let destroyed = match client::daemon(common, &tenant).await? {
        Some(daemon) => {
            let body = serde_json::to_value(&record).map_err(Failure::plain)?;
            let answer = daemon.post("/v1/erasures", &body).await?;
            answer["keys"].as_u64().and_then(|keys| usize::try_from(keys).ok()).unwrap_or(0)
        }
        None => alone(&places, &keys, &key, record)?,
    };
    // What was sealed is read again: only what came back unreadable is said to be erased.
    let (left, ring, erasures) = survey(&places, &keys, &key, &whom, &digests)?;
    let disk = RealDisk::new(&places.journal).map_err(Failure::plain)?;
    erase::remember(&disk, &keys, &erasures).map_err(damaged)?;
    if found.subjects().iter().any(|subject| ring.generation(subject).is_some()) || !left.requests.is_empty()
    {
        let message = "something new was said of them while they were erased: erase once more";
        return Err(Failure::plain(message));
    }
    tell(common, arguments, &found, Some(destroyed))
}

fn whom(project: &project::Project, arguments: &Erase) -> Result<Whom, Failure> {
    if let Ok(entity) = arguments.subject.parse::<EntityId>() {
        let (kind, handle, find) = (String::new(), String::new(), Values::new());
        return Ok(Whom { kind, handle, find, entity: Some(entity) });
    }
    let (kind, find) = session::find(project, &arguments.subject, &arguments.find)?;
    let handle = project.declarations.entities.get(&kind).map(|it| it.handle.clone()).unwrap_or_default();
    Ok(Whom { kind, handle, find, entity: None })
}

fn survey(
    places: &Places,
    keys: &Keys,
    key: &TenantKey,
    whom: &Whom,
    digests: &DigestKey,
) -> Result<(Found, SubjectKeys, Vec<Erased>), Failure> {
    let reader = Reader::open(&places.journal, keys).map_err(damaged)?;
    let ring = SubjectKeys::beside(&places.subjects, key).map_err(damaged)?;
    let mut survey = Survey::default();
    let mut failure = None;
    let walked = reader.replay(1, |seq, stream, body| match survey.take(stream, body, &ring) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(format!("failed to read event {seq} of the journal: {error}"));
            ControlFlow::Break(())
        }
    });
    walked.map_err(damaged)?;
    match failure {
        Some(message) => Err(Failure::new(Exit::Damaged, message)),
        None => Ok((survey.find(whom, digests), ring, survey.erasures())),
    }
}

fn under_way(found: &Found) -> Failure {
    let instances = found.running.iter().map(|number| {
        format!(
            "instance {number} is under way: `xops trace {number}`; let it end, or `xops backstep {number}`"
        )
    });
    let requests = found.open.iter().map(|id| format!("request {id} has no answer yet"));
    let notes: Vec<String> = instances.chain(requests).collect();
    let message =
        "nothing was erased: without its plan what is under way could be neither finished nor undone";
    Failure::new(Exit::Refused, message).with(notes)
}

/// Nothing is left under a key: because it was erased before, or because there never was anything.
fn nothing_left(common: &Common, arguments: &Erase, found: &Found) -> Outcome {
    let Some((at, erased)) = found.before.last() else {
        let message = format!("the journal says nothing of `{}`", arguments.subject);
        let note = "name them as `xops trace` does, by an attribute with --where, or by the id of the entity";
        return Err(Failure::new(Exit::Refused, message).with([note.to_owned()]));
    };
    let subject = &arguments.subject;
    if common.output == Format::Text {
        let by = plain(&erased.by);
        json::text(&format!("{subject} was erased before: at {} by {by}; nothing is left\n", moment(*at)))?;
    } else {
        json::print(&json!({ "subject": subject, "erased": false, "erased_at": at, "by": erased.by }))?;
    }
    Ok(Exit::Done)
}

/// Without a daemon this process is the writer.
fn alone(places: &Places, keys: &Keys, key: &TenantKey, record: Erased) -> Result<usize, Failure> {
    let (mut journal, _) = Journal::open(&places.journal, keys, Options::default()).map_err(damaged)?;
    let mut ring = SubjectKeys::open(&places.subjects, key).map_err(damaged)?;
    let at = xops_shell::clock::Clock::start(0).now();
    let destroyed = erase::perform(&mut journal, &mut ring, record, at).map_err(Failure::plain)?;
    journal.close().map_err(damaged)?;
    Ok(destroyed)
}

fn tell(common: &Common, arguments: &Erase, found: &Found, keys: Option<usize>) -> Outcome {
    let (entities, requests) = (found.entities.len(), found.requests.len());
    let instances: Vec<_> = found.instances.iter().collect();
    if common.output != Format::Text {
        json::print(&json!({
            "subject": arguments.subject,
            "erased": keys.is_some(),
            "entities": found.entities.keys().map(ToString::to_string).collect::<Vec<_>>(),
            "requests": found.requests.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "instances": instances,
            "events": found.events,
            "keys": keys,
        }))?;
        return Ok(Exit::Done);
    }
    let numbers = instances.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let numbers = if numbers.is_empty() { "none".to_owned() } else { numbers };
    let what =
        format!("{} events; entities {entities}, requests {requests}, instances {numbers}", found.events);
    let text = match keys {
        None => format!("{} would be erased: {what}\n", arguments.subject),
        Some(keys) => format!(
            "erased {}: {what}\n{} keys are destroyed; in this journal and in every copy of it nobody can read these events any more\n",
            arguments.subject, keys
        ),
    };
    json::text(&text)?;
    Ok(Exit::Done)
}
