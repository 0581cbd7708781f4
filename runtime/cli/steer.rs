//! `xops pause`, `resume`, `release`, `backstep`: what a person decides, told to the running daemon, which writes it down.
//!
//! Invariant: nothing is steered past the journal: without a daemon there is nobody to tell.

use crate::arguments::{Backstep, Common, Decision, Format, Pause, Release, Resume};
use crate::client::{self, Client};
use crate::exit::{Exit, Failure, Outcome};
use crate::project::{self, Project};
use crate::{apply, json};
use serde_json::{Value as Json, json};
use xops_kernel::culprit::Culprit;
use xops_kernel::declare::DOMAINS;
use xops_kernel::log::Scope;

/// Pauses something.
pub(crate) async fn pause(common: &Common, pause: &Pause) -> Outcome {
    let project = project::read(common)?;
    let scope = scope(&pause.scope)?;
    known(&project, &scope)?;
    let body = json!({ "scope": scope.to_string(), "why": pause.why, "by": apply::principal() });
    daemon(common, &project).await?.post("/v1/pauses", &body).await?;
    tell(
        common,
        &json!({ "paused": scope.to_string() }),
        &format!("paused {scope}; xops resume {scope} lifts it"),
    )
}

/// Lifts a pause.
pub(crate) async fn resume(common: &Common, resume: &Resume) -> Outcome {
    let project = project::read(common)?;
    let scope = scope(&resume.scope)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("scope", &scope.to_string()).append_pair("by", &apply::principal());
    daemon(common, &project).await?.delete(&format!("/v1/pauses?{}", query.finish())).await?;
    tell(common, &json!({ "resumed": scope.to_string() }), &format!("resumed {scope}"))
}

/// Lets the parked or stuck steps of an instance go on, or something else that was set aside after panics.
pub(crate) async fn release(common: &Common, release: &Release) -> Outcome {
    let project = project::read(common)?;
    let number = match &release.what {
        Culprit::Instance(number) => *number,
        over => {
            let body = json!({ "what": over.to_string(), "by": apply::principal() });
            daemon(common, &project).await?.post("/v1/releases", &body).await?;
            return tell(common, &json!({ "released": over.to_string() }), &format!("released {over}"));
        }
    };
    let decision = match release.decide {
        Decision::Retry => "retry",
        Decision::Done => "done",
        Decision::Failed => "failed",
    };
    let body = json!({ "decision": decision, "by": apply::principal() });
    let answer =
        daemon(common, &project).await?.post(&format!("/v1/instances/{number}/release"), &body).await?;
    if answer["set_aside"] == true {
        let object = json!({ "number": number, "decision": decision, "released": 1, "set_aside": true });
        return tell(
            common,
            &object,
            &format!("released instance {number}, which was set aside after panics"),
        );
    }
    let released = answer["released"].as_u64().unwrap_or(0);
    let steps = if released == 1 { "step" } else { "steps" };
    let text = format!(
        "released {released} {steps} of instance {number} as {decision}; xops trace {number} tells what follows"
    );
    tell(common, &json!({ "number": number, "decision": decision, "released": released }), &text)
}

/// Turns an instance back.
pub(crate) async fn backstep(common: &Common, backstep: &Backstep) -> Outcome {
    let project = project::read(common)?;
    let number = backstep.number;
    let body = json!({ "why": backstep.why, "by": apply::principal() });
    daemon(common, &project).await?.post(&format!("/v1/instances/{number}/backstep"), &body).await?;
    let text = format!("instance {number} was told to step back; xops trace {number} tells how far it is");
    tell(common, &json!({ "number": number, "told": "backstep" }), &text)
}

async fn daemon(common: &Common, project: &Project) -> Result<Client, Failure> {
    client::daemon(common, &project.declarations.tenant).await?.ok_or_else(client::needs_daemon)
}

fn scope(text: &str) -> Result<Scope, Failure> {
    text.parse().map_err(|why: String| Failure::new(Exit::Usage, why))
}

/// Refuses a pause of what does not exist: it would look as if it held something.
fn known(project: &Project, scope: &Scope) -> Result<(), Failure> {
    let declared = &project.declarations;
    let (name, what, among): (&str, &str, Vec<&str>) = match scope {
        Scope::All | Scope::Instance(_) => return Ok(()),
        Scope::Domain(name) => (name, "domain", DOMAINS.to_vec()),
        Scope::System(name) => (name, "system", declared.systems.keys().map(String::as_str).collect()),
        Scope::Runbook(name) => (name, "runbook", declared.runbooks.keys().map(String::as_str).collect()),
    };
    if among.contains(&name) {
        return Ok(());
    }
    let note = format!("there are: {}", among.join(", "));
    Err(Failure::new(Exit::Usage, format!("there is no {what} `{name}`")).with([note]))
}

fn tell(common: &Common, object: &Json, text: &str) -> Outcome {
    if common.output == Format::Text {
        json::text(&format!("{text}\n"))?;
    } else {
        json::print(object)?;
    }
    Ok(Exit::Done)
}
