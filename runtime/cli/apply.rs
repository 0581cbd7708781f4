//! `xops apply`: asks for work and waits for its end, in this process or in the running daemon.

use crate::arguments::{Apply, Common, Format};
use crate::client;
use crate::exit::{Exit, Failure, Outcome};
use crate::project;
use crate::session::{self, Wanted};
use crate::{follow, journal, trace};
use serde_json::json;
use std::sync::Arc;
use xops_kernel::id::RequestId;
use xops_kernel::log::{Entrance, Request};
use xops_kernel::trace::Detail;
use xops_robots::service::Answer;

/// Applies what the outcomes want of one entity.
pub async fn run(common: &Common, apply: &Apply) -> Outcome {
    let project = project::sound(common)?;
    let (kind, find) = session::find(&project, &apply.target.entity, &apply.target.find)?;
    if let Some(daemon) = client::daemon(common, &project.declarations.tenant).await? {
        return daemon.apply(common, &kind, &find, apply).await;
    }
    let wanted = Wanted { writes: true, crash: apply.crash_at.clone().map(Arc::new), ..Wanted::default() };
    let engine = session::start(common, &project, wanted).await?;
    let quiet = common.output != Format::Text;
    for line in follow::read(&engine, quiet).await {
        anstream::eprintln!("warning: {line}");
    }
    let request = Request {
        id: RequestId::of(&project.declarations.tenant, "cli", &unique(&apply.target.entity)),
        entrance: Entrance::Request,
        principal: principal(),
        kind,
        find,
        outcome: apply.target.outcome.clone(),
        release: apply.release,
    };
    let answer = engine.request(request).await.map_err(Failure::plain)?;
    let rested = match &answer {
        Answer::Started(number, _) => Some((*number, follow::rest(&engine, *number, quiet).await)),
        _ => None,
    };
    engine.stop().await.map_err(Failure::plain)?;
    match (answer, rested) {
        (Answer::Started(..), Some((number, word))) => ended(common, number, word),
        (Answer::Unchanged { handle, satisfied }, _) => {
            unchanged(common, &apply.target.entity, &handle, satisfied)?;
            Ok(Exit::Done)
        }
        (Answer::Refused(reasons), _) => Err(Failure::new(Exit::Refused, "there is no plan").with(reasons)),
        (Answer::Started(..), None) => {
            Err(Failure::plain("the instance was lost from sight: see `xops status`"))
        }
    }
}

/// Prints how an instance ended; the exit code says it as well.
pub fn ended(common: &Common, number: u64, word: &str) -> Outcome {
    let log = journal::read(common)?;
    let story = log.find(Some(&number.to_string()))?;
    let (lines, _) = trace::tell(&log, story, Detail::Brief);
    if common.output == Format::Text {
        for line in &lines {
            crate::json::text(&format!("{line}\n"))?;
        }
    } else {
        let instance = story.compiled.instance.to_string();
        crate::json::print(
            &json!({ "number": number, "instance": instance, "state": word, "lines": lines }),
        )?;
    }
    Ok(exit_of(word))
}

/// The exit code for how an instance stands.
pub fn exit_of(word: &str) -> Exit {
    match word {
        "completed" => Exit::Done,
        "undone" => Exit::Undone,
        "parked" | "stuck" => Exit::Waiting,
        _ => Exit::Failed,
    }
}

/// Prints that nothing had to change.
pub fn unchanged(common: &Common, entity: &str, handle: &str, satisfied: u32) -> Result<(), Failure> {
    if common.output == Format::Text {
        let kind = entity.split_once(':').map_or(entity, |(kind, _)| kind);
        let told = format!("no changes: {kind}:{handle} is as declared ({satisfied} facets hold)\n");
        crate::json::text(&told)
    } else {
        crate::json::print(&json!({ "state": "unchanged", "satisfied": satisfied }))
    }
}

/// Who asks: the user of the operating system.
pub fn principal() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned())
}

/// A text that no other request has: a person who asks again asks for something new.
pub fn unique(about: &str) -> String {
    let clock = xops_shell::clock::Clock::start(0);
    let mut salt = [0_u8; 16];
    let random = xops_journal::random::System::default();
    let drawn = xops_journal::random::Random::fill(&random, &mut salt);
    format!("{about} {} {} {salt:?} {}", clock.now(), std::process::id(), drawn.is_ok())
}
