//! The doors for what systems send by themselves.
//!
//! Absent: what an event leads to. Invariants: a message is believed only under the secret of the system whose door it came to,
//! signed as that system's manifest says (as the Standard Webhooks specification says where the manifest is silent), and not
//! older than its tolerance; a question of a handshake is answered and leads to nothing.

use super::{BODY_MAX, Doors, Order, hand_over_each, read, refuse};
use crate::arguments::Common;
use crate::exit::{Exit, Failure};
use crate::project::Project;
use crate::wire;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde_json::json;
use std::collections::BTreeMap;
use xops_connectors::hook::{self, Claim, Delivery, Greeting, Message, Refused};
use xops_connectors::model::webhook::{Verify, Webhook};
use xops_kernel::value::Values;
use xops_wire::hook::Secrets;

/// How old a message may be where no manifest says, in milliseconds: the tolerance of the Standard Webhooks specification.
const AGE_MS_MAX: u64 = 300_000;
/// What is put behind the name of a secret's part for the secret before it, while it is changed.
const BEFORE: &str = "_before";

/// One door.
pub struct Hook {
    webhook: Webhook,
    secrets: Secrets,
    config: Values,
    /// Whether a manifest declares it.
    declared: bool,
}

/// The doors, by system and name.
pub type Hooks = BTreeMap<(String, String), Hook>;

/// The doors of a project: one for each webhook whose secret is there.
pub fn hooks(common: &Common, project: &Project) -> Result<Hooks, Failure> {
    let mut hooks = Hooks::new();
    for system in project.declarations.systems.keys() {
        let declared = project.manifests.webhooks(system);
        let standard = Webhook {
            name: "events".to_owned(),
            verify: Verify::Standard { part: "webhook_secret".to_owned() },
            tolerance_ms: AGE_MS_MAX,
            dedupe: None,
            each: None,
            event: None,
            kind: None,
            id: None,
            handshake: None,
            evidence: None,
        };
        let all = if declared.is_empty() { std::slice::from_ref(&standard) } else { declared };
        for webhook in all {
            let given = given(common, project, system, webhook)?;
            if given.is_empty() {
                continue;
            }
            let secrets = match &webhook.verify {
                Verify::Standard { .. } => Secrets::standard(&given).map_err(|why| {
                    let message = format!("the webhook secret of system `{system}` cannot be used: {why}");
                    Failure::new(Exit::Usage, message)
                })?,
                Verify::Hmac { .. } | Verify::Token { .. } => Secrets::plain(&given),
            };
            let config =
                project.declarations.systems.get(system).map(|it| it.vars.clone()).unwrap_or_default();
            let hook = Hook { webhook: webhook.clone(), secrets, config, declared: !declared.is_empty() };
            hooks.insert((system.clone(), webhook.name.clone()), hook);
        }
    }
    Ok(hooks)
}

/// The secrets of one webhook: its part of the credential and the one before; `XOPS_WEBHOOK_SECRET_<SYSTEM>` where there is none.
fn given(
    common: &Common,
    project: &Project,
    system: &str,
    webhook: &Webhook,
) -> Result<Vec<SecretString>, Failure> {
    let part = webhook.verify.part();
    let mut given = Vec::new();
    for part in [part.to_owned(), format!("{part}{BEFORE}")] {
        given.extend(wire::part(common, project, system, &part)?);
    }
    if given.is_empty() {
        let name = format!("XOPS_WEBHOOK_SECRET_{}", system.to_uppercase());
        given.extend(std::env::var(name).ok().filter(|secret| !secret.is_empty()).map(SecretString::from));
    }
    Ok(given)
}

/// A message to the only door of a system.
pub async fn only(
    doors: web::Data<Doors>,
    request: HttpRequest,
    system: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    let mut of_system = doors.hooks.iter().filter(|((own, _), _)| own == system.as_str());
    match (of_system.next(), of_system.next()) {
        (Some((_, hook)), None) => take(&doors, hook, &system, &request, payload).await,
        (Some(_), Some(_)) => refuse(
            StatusCode::NOT_FOUND,
            "the system sends more than one kind of message: add the webhook's name",
        ),
        (None, _) => shut(),
    }
}

/// A message to one of the doors of a system.
pub async fn named(
    doors: web::Data<Doors>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> HttpResponse {
    match doors.hooks.get(&*path) {
        Some(hook) => take(&doors, hook, &path.0, &request, payload).await,
        None => shut(),
    }
}

fn shut() -> HttpResponse {
    let why = "no webhook secret is set for this system: give it the part `webhook_secret` of its credential, or \
               XOPS_WEBHOOK_SECRET_<SYSTEM>";
    refuse(StatusCode::NOT_FOUND, why)
}

async fn take(
    doors: &Doors,
    hook: &Hook,
    system: &str,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let text =
        |(name, value): (&actix_web::http::header::HeaderName, &actix_web::http::header::HeaderValue)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        };
    let headers: Vec<(String, String)> = request.headers().iter().filter_map(text).collect();
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    let body = match read(request, payload).await {
        Ok(body) => body,
        Err(refused) => return *refused,
    };
    let message = Message { headers: &headers, query: &query, body: &body };
    match hook::greeting(&hook.webhook, &hook.config, &message, false) {
        Ok(Some(greeting)) => return greet(hook, greeting),
        Ok(None) => {}
        Err(refused) => return answer_of(&refused),
    }
    let claim = match hook::claim(&hook.webhook, &message) {
        Ok(claim) => claim,
        Err(refused) => return answer_of(&refused),
    };
    if let Claim::Signed { at_ms: Some(at_ms), .. } = &claim {
        let now = xops_shell::clock::Clock::start(0).now();
        if now.abs_diff(*at_ms) > hook.webhook.tolerance_ms {
            let why = format!("its time is more than {} s off", hook.webhook.tolerance_ms / 1_000);
            return refuse(StatusCode::UNAUTHORIZED, &why);
        }
    }
    if !hook.secrets.hold(&claim) {
        return refuse(StatusCode::UNAUTHORIZED, "the webhook's signature is wrong");
    }
    match hook::greeting(&hook.webhook, &hook.config, &message, true) {
        Ok(Some(greeting)) => return greet(hook, greeting),
        Ok(None) => {}
        Err(refused) => return answer_of(&refused),
    }
    match hook::deliveries(&hook.webhook, &hook.config, &message, &claim) {
        Ok(deliveries) => {
            let order = |mut delivery: Delivery| {
                if delivery.event.is_none() && hook.declared {
                    delivery.event = Some(hook.webhook.name.clone());
                }
                Order::Event(system.to_owned(), Box::new(delivery))
            };
            hand_over_each(doors, deliveries.into_iter().map(order)).await
        }
        Err(refused) => answer_of(&refused),
    }
}

fn answer_of(refused: &Refused) -> HttpResponse {
    let status = match refused {
        Refused::Header(_) | Refused::Id => StatusCode::UNAUTHORIZED,
        Refused::Body(_) | Refused::Events => StatusCode::BAD_REQUEST,
    };
    refuse(status, &format!("{refused}; at most {BODY_MAX} bytes of a body are read"))
}

/// Answers the question of a handshake. What it repeats came from outside: it is never shown as anything but data.
fn greet(hook: &Hook, greeting: Greeting) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header(("x-content-type-options", "nosniff"));
    match greeting {
        Greeting::Text(text) => response.content_type("text/plain; charset=utf-8").body(text),
        Greeting::Json(values, proofs) => {
            let mut members = serde_json::Map::new();
            for (name, value) in &values {
                members.insert(name.clone(), json!(value.as_text().unwrap_or_default()));
            }
            for (name, text) in proofs {
                members.insert(name, json!(hook.secrets.prove(&text).unwrap_or_default()));
            }
            response.json(members)
        }
    }
}
