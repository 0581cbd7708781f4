//! Stand-ins that are described and not written: one engine, and a text of some lines for each system.
//!
//! - No manifest is read: descriptions are written from the vendors' documents, or the two would only agree with each other.
//! - No vendor in any Rust file here; `worlds/` holds them.

pub(crate) mod body;
pub(crate) mod describe;
pub(crate) mod fill;
pub(crate) mod run;
mod worlds;

use self::describe::{Description, Gate};
use crate::auth::{self, Access, Credentials};
use crate::seed::World;
use crate::soap;
use crate::store::{Shape, Tx};
use crate::system::{Call, Refusal, Run, System};
use crate::throttle::Rate;
use crate::wire::{Reply, Request, fits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Calls of one system in a minute where its description says nothing: a bound that no test reaches.
const LIMIT: u64 = 60_000;
/// What a described system has in its store beside what its description names.
const NO_INDEXES: &[(&str, &str)] = &[];

/// A system that is described.
#[derive(Debug)]
pub(crate) struct Described {
    name: &'static str,
    description: &'static Description,
    volatile: &'static [&'static str],
}

/// Every described system.
pub(crate) fn every() -> Vec<Box<dyn System>> {
    let all = worlds::all().iter().filter(|(_, description)| !description.is_beside);
    all.map(|(name, description)| {
        let described = Described { name, description, volatile: &description.volatile };
        Box::new(described) as Box<dyn System>
    })
    .collect()
}

/// What completes a written stand-in, where something does.
pub(crate) fn beside(name: &str) -> Option<&'static Description> {
    worlds::all().iter().find(|(known, one)| one.is_beside && *known == name).map(|(_, one)| one)
}

/// Puts what a description has from the start into the store.
pub(crate) fn plant(description: &Description, tx: &mut Tx<'_>) {
    for (kind, id, value) in &description.plants {
        tx.plant(kind, id, fill::without_nothing(value));
    }
}

/// The call of the first route that fits; otherwise whether the path is known.
pub(crate) fn routed<'a>(description: &'static Description, request: &'a Request) -> Result<Call<'a>, bool> {
    let path = request.path.strip_suffix('/').unwrap_or(&request.path);
    if let Some(params) = description.soap.and_then(|template| fits(template, path)) {
        return spoken(description, request, params).ok_or(true);
    }
    let short = path.strip_prefix(description.base);
    let mut is_path_known = false;
    for rule in &description.rules {
        let Some(params) = short.and_then(|short| fits(&rule.path, short)) else { continue };
        is_path_known = true;
        let (operation, run) = (rule.operation.clone(), Run::Described(description, rule));
        let call = Call { request, operation, params, document: None, run };
        if rule.method != request.method {
            continue;
        }
        let scope = run::scope(&call);
        let seen = Value::Object(scope.clone().into_iter().collect());
        if rule.when.iter().all(|when| when.holds(&seen, &scope)) {
            return Ok(call);
        }
    }
    Err(is_path_known)
}

/// The call of the SOAP route whose service and request element are these.
fn spoken<'a>(
    description: &'static Description,
    request: &'a Request,
    params: Vec<(String, String)>,
) -> Option<Call<'a>> {
    let document = soap::parse(std::str::from_utf8(&request.body).ok()?).ok()?;
    let element = document.child("Body")?.children.first()?.name.clone();
    let service = params.iter().find(|(name, _)| name == "service").map_or("", |(_, value)| value);
    let wanted = format!("{service}/{element}");
    let rule = description.rules.iter().find(|rule| rule.method == "SOAP" && rule.path == wanted)?;
    let (operation, run) = (rule.operation.clone(), Run::Described(description, rule));
    Some(Call { request, operation, params, document: Some(document), run })
}

impl Described {
    fn told(&self, status: u16, why: &str) -> Reply {
        let scope = BTreeMap::from([("why".to_owned(), json!(why))]);
        run::answer(self.description, &(status, None), &scope)
    }

    fn is_secret(text: &str, secret: &str) -> bool {
        // Many schemes put a word or a name of theirs beside the secret.
        text.split([' ', '=', ':', ',', '"', '\'']).any(|part| part == secret)
    }

    fn is_admitted(&self, request: &Request, access: &Access, now_ms: u64) -> bool {
        let secret = access.credentials.get("secret");
        let bearer = request.authorization("bearer");
        let mut gates = self.description.gates.iter();
        let own = gates.find(|(prefix, _)| request.path.starts_with(prefix.as_str())).map(|(_, gate)| gate);
        match own.unwrap_or(&self.description.gate) {
            Gate::None => true,
            Gate::Bearer if self.description.token_paths.is_empty() => bearer == Some(secret),
            Gate::Bearer => bearer.is_some_and(|token| access.holds(token, now_ms)),
            Gate::Basic => {
                let plain = request.authorization("basic").and_then(|text| STANDARD.decode(text).ok());
                let plain = plain.and_then(|plain| String::from_utf8(plain).ok());
                plain.is_some_and(|plain| Self::is_secret(&plain, secret))
            }
            Gate::Header(name) => request.header(name).is_some_and(|value| {
                let alive = value.split(' ').any(|part| access.holds(part, now_ms));
                if self.description.token_paths.is_empty() { Self::is_secret(value, secret) } else { alive }
            }),
            Gate::Query(name) => request.asked(name) == Some(secret),
            Gate::Signed => request.header("authorization").is_some(),
        }
    }
}

impl System for Described {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shape(&self) -> Shape {
        Shape { volatile: self.volatile, indexes: NO_INDEXES }
    }

    fn base_path(&self) -> &'static str {
        self.description.base
    }

    fn credentials(&self, seed: u64) -> Credentials {
        Credentials::default().with("secret", auth::secret(seed, self.name, "secret", 32))
    }

    fn describe(&self, base: &str) -> Value {
        let mut all = json!({"base_url": format!("{base}{}", self.description.base)});
        if let Some(path) = self.description.token_paths.first() {
            all["token_url"] = json!(format!("{base}{path}"));
        }
        all
    }

    fn plant(&self, tx: &mut Tx<'_>, _world: &World) {
        plant(self.description, tx);
    }

    fn find<'a>(&self, request: &'a Request) -> Call<'a> {
        let path = request.path.strip_suffix('/').unwrap_or(&request.path);
        let call = |operation: String, params, run| Call { request, operation, params, document: None, run };
        if self.description.token_paths.iter().any(|token| token == path) && request.method == "POST" {
            return call(format!("POST {path}"), Vec::new(), Run::Token);
        }
        let is_path_known = match routed(self.description, request) {
            Ok(call) => return call,
            Err(is_path_known) => is_path_known,
        };
        let status = if is_path_known { 405 } else { 404 };
        call(format!("{} {path}", request.method), Vec::new(), Run::Unknown(status))
    }

    fn admit(&self, call: &Call<'_>, access: &Access, now_ms: u64) -> Result<(), Reply> {
        if self.is_admitted(call.request, access, now_ms) {
            Ok(())
        } else {
            Err(self.told(401, "the credential is not good"))
        }
    }

    fn token(&self, call: &Call<'_>, access: &mut Access, seed: u64, now_ms: u64) -> Reply {
        let request = call.request;
        let secret = access.credentials.get("secret");
        let body = String::from_utf8_lossy(&request.body);
        let fields = request.form();
        let signed = fields.iter().any(|(name, _)| name == "assertion" || name == "client_assertion");
        let shown = request.headers.iter().any(|(_, value)| Self::is_secret(value, secret));
        let basic = request.authorization("basic").and_then(|text| STANDARD.decode(text).ok());
        let basic = basic.and_then(|plain| String::from_utf8(plain).ok());
        let basic = basic.is_some_and(|plain| Self::is_secret(&plain, secret));
        let told = fields.iter().any(|(_, value)| value == secret) || Self::is_secret(&body, secret);
        if !(signed || shown || basic || told) {
            return self.told(401, "the client is not known");
        }
        let (token, life_s) = access.give(seed, self.name, now_ms);
        let until = crate::clock::instant(now_ms.saturating_add(life_s.saturating_mul(1_000)));
        Reply::json(
            200,
            &json!({"access_token": token, "token": token, "token_type": "Bearer", "expires_in": life_s, "expires": until}),
        )
    }

    fn unknown(&self, _call: &Call<'_>, status: u16) -> Reply {
        // What no document knows is answered by the vendor's front, and not in the words of its interface.
        let body = b"<html><body><h1>Not Found</h1></body></html>".to_vec();
        Reply { status, content_type: "text/html", headers: Vec::new(), body }
    }

    fn rate(&self, _call: &Call<'_>) -> (String, Rate) {
        ("all".to_owned(), Rate { limit: LIMIT, window_ms: 60_000 })
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        match refusal {
            Refusal::Throttled { retry_after_s } => self.told(429, "too many requests").later(*retry_after_s),
            Refusal::Status { status, retry_after_s } => {
                self.told(*status, "the service is not available").later(*retry_after_s)
            }
            Refusal::Rejected => self.told(400, "a rule of the organisation forbids it"),
        }
    }
}
