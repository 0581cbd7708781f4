//! `xops connectors test`: the laws of doing and undoing, for one manifest against a server that the author names.
//!
//! Invariants: an AWF is tried only where a lookup shows first that its change has yet to be made; what was made is undone
//! again, also where a law broke in between; nothing that is irreversible, and nothing that no lookup can see, is called.

use crate::arguments::{Common, Format};
use crate::connectors::sound;
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use clap::Args;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use url::Url;
use xops_connectors::manifests::Manifests;
use xops_connectors::model::Awf;
use xops_connectors::sample;
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, From, Undo};
use xops_kernel::fact::Observation;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Outcome as Answered, Page, Phase, Request, Sighting};
use xops_kernel::value::{Type, Value, Values};
use xops_wire::client::Client;
use xops_wire::credential::Credential;
use xops_wire::target::{Limits, Target};

/// How many requests one lookup may make.
const LOOKUP_REQUESTS_MAX: usize = 1_000;
/// How long a change is waited for at most, whatever the manifest says.
const SHOWN_MAX: Duration = Duration::from_mins(1);

/// `xops connectors test`.
#[derive(Debug, Args)]
pub struct Laws {
    /// The system.
    pub name: String,
    /// The server's base address. What is made there is undone, but use one that may be broken.
    #[arg(long, value_name = "URL")]
    pub against: Url,
    /// An input, in place of its sample: `grant.user=u1`, or `user=u1` for every AWF. May be repeated.
    #[arg(long = "input", value_name = "[AWF.]NAME=VALUE")]
    pub inputs: Vec<String>,
    /// A variable of the manifest: `tenant=acme`. May be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// A part of the credential by reference: `token=env:TOKEN` or `token=file:PATH`. May be repeated.
    #[arg(long = "credential", value_name = "PART=REFERENCE")]
    pub credential: Vec<String>,
    /// The server stands at a private address. Loopback is taken as one.
    #[arg(long)]
    pub allow_private: bool,
}

/// What one law of one AWF came to.
struct Held {
    awf: String,
    law: &'static str,
    /// `ok`, `broke` or `skipped`.
    result: &'static str,
    why: String,
}

/// Runs the command.
pub(crate) async fn run(common: &Common, laws: &Laws) -> Outcome {
    let manifests = sound(common)?;
    let manifest = manifests
        .manifest(&laws.name)
        .ok_or_else(|| Failure::new(Exit::Usage, format!("there is no manifest `{}`", laws.name)))?;
    let mut config = sample::config(manifest);
    for (name, value) in pairs(&laws.vars)? {
        let Some(var) = manifest.vars.get(name) else {
            return Err(Failure::new(Exit::Usage, format!("the manifest has no variable `{name}`")));
        };
        config.insert(name.to_owned(), typed(value, &var.is));
    }
    config.insert("base_url".to_owned(), laws.against.as_str().trim_end_matches('/').into());
    let client = client(laws, &manifests, &config)?;
    let mut all = Vec::new();
    for awf in manifest.awfs.values() {
        anstream::eprintln!("{}.{} ...", laws.name, awf.contract.name.function);
        let inputs = inputs(laws, awf)?;
        let trial = Trial { manifests: &manifests, client: &client, config: &config, awf, inputs };
        trial.run(&mut all).await;
    }
    report(common, &all)?;
    let broke = all.iter().filter(|held| held.result == "broke").count();
    match (broke, all.iter().any(|held| held.result == "ok")) {
        (0, true) => Ok(Exit::Done),
        (0, false) => Err(Failure::plain("no AWF could be tried")
            .with(["name objects of the server with --input".to_owned()])),
        (broke, _) => Err(Failure::plain(format!("{broke} laws broke"))),
    }
}

fn pairs(all: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let pair = |text: &String| Failure::new(Exit::Usage, format!("`{text}` is not NAME=VALUE"));
    all.iter().map(|text| text.split_once('=').ok_or_else(|| pair(text))).collect()
}

fn typed(text: &str, is: &Type) -> Value {
    let parsed: Option<Value> = serde_json::from_str(text).ok().map(|json| json::to_value(&json));
    if matches!(is, Type::Text | Type::Date) {
        return Value::from(text);
    }
    parsed.filter(|value| value.is(is)).unwrap_or_else(|| Value::from(text))
}

fn inputs(laws: &Laws, awf: &Awf) -> Result<Values, Failure> {
    let mut inputs = sample::inputs(awf);
    for (name, value) in pairs(&laws.inputs)? {
        let (of, name) = name.split_once('.').unwrap_or((&awf.contract.name.function, name));
        if of == awf.contract.name.function
            && let Some(input) = awf.contract.inputs.get(name)
        {
            inputs.insert(name.to_owned(), typed(value, &input.is));
        }
    }
    Ok(inputs)
}

fn client(laws: &Laws, manifests: &Manifests, config: &Values) -> Result<Client, Failure> {
    let credential = Credential::resolve(pairs(&laws.credential)?).map_err(Failure::plain)?;
    let loopback = matches!(laws.against.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let more = manifests.bases(&laws.name).into_iter().filter_map(|var| config.get(var)?.as_text());
    let target = Target {
        system: laws.name.clone(),
        base_url: laws.against.clone(),
        more_urls: more.filter_map(|url| Url::parse(url).ok()).collect(),
        auth: manifests.auth(&laws.name).cloned().unwrap_or(xops_connectors::auth::Auth::None),
        credential,
        vars: config.clone(),
        allow_private: laws.allow_private || loopback,
        concurrency: 1,
    };
    Client::new(vec![target], Limits::default()).map_err(Failure::plain)
}

/// One AWF, tried.
struct Trial<'a> {
    manifests: &'a Manifests,
    client: &'a Client,
    config: &'a Values,
    awf: &'a Awf,
    inputs: Values,
}

/// A call or a lookup of an AWF: of the one that is tried, or of its compensation.
#[derive(Clone, Copy)]
struct Of<'a> {
    name: &'a AwfName,
    inputs: &'a Values,
    key: CallKey,
    snapshot: &'a Values,
    outputs: &'a Values,
}

impl Trial<'_> {
    async fn run(&self, all: &mut Vec<Held>) {
        let function = &self.awf.contract.name.function;
        let mut note = |law, result, why: String| all.push(Held { awf: function.clone(), law, result, why });
        let Undo::By { awf: undo, with, loss } = &self.awf.contract.undo else {
            return note("do", "skipped", "it cannot be undone".to_owned());
        };
        let (nothing, key) = (Values::new(), CallKey(*b"xops-connectors!"));
        let of = Of {
            name: &self.awf.contract.name,
            inputs: &self.inputs,
            key,
            snapshot: &nothing,
            outputs: &nothing,
        };
        if !self.awf.contract.snapshot {
            return note("do", "skipped", "no lookup sees what it does".to_owned());
        }
        let before = match self.look(of, Phase::Snapshot).await {
            Ok(before) => before,
            Err(why) => return note("look", "broke", why),
        };
        if let Some(why) = self.in_the_way(&before.seen) {
            return note("do", "skipped", why);
        }
        let of = Of { snapshot: &before.outputs, ..of };
        let mut outputs = match self.call(of).await {
            Ok(Answered::Ok(outputs)) => outputs,
            Ok(other) => return note("do", "broke", format!("the answer is {other}")),
            Err(why) => return note("do", "broke", why),
        };
        note("do", "ok", String::new());
        let of = Of { outputs: &outputs.clone(), ..of };
        match self.shown(of, |seen| self.is_done(seen, &before.seen)).await {
            Ok(sighting) => {
                outputs.extend(sighting.outputs);
                note("read back", "ok", String::new());
            }
            Err(why) => note("read back", "broke", why),
        }
        if matches!(self.awf.contract.ambiguity, Ambiguity::Resend { .. }) {
            match self.call(of).await {
                Ok(Answered::Ok(_) | Answered::AlreadyDone(_)) => note("do again", "ok", String::new()),
                // The saga takes it so, too: what is not there needs no removing.
                Ok(Answered::Absent) if self.awf.contract.achieves == Some(Achieves::Remove) => {
                    note("do again", "ok", String::new());
                }
                other => note("do again", "broke", odd(other)),
            }
        }
        let told = self.told(with, &outputs, &before.outputs);
        let exact = loss.is_none();
        self.undo((undo, &told), Of { outputs: &nothing, ..of }, &before.seen, exact, &mut note).await;
    }

    /// Compensates, and compensates again.
    async fn undo(
        &self,
        (undo, told): (&AwfName, &Values),
        of: Of<'_>,
        before: &Observation<Value>,
        exact: bool,
        note: &mut impl FnMut(&'static str, &'static str, String),
    ) {
        let nothing = Values::new();
        for law in ["compensate", "compensate again"] {
            let key = CallKey(*b"xops-connectors?");
            let of_undo = Of { name: undo, inputs: told, key, snapshot: &nothing, outputs: &nothing };
            let shows = match self.look(of_undo, Phase::Snapshot).await {
                // The saga looks first, and does not call where there is nothing to do.
                Ok(sighting) if law == "compensate again" && self.reached(undo, &sighting.seen) => {
                    note(law, "ok", "there was nothing to do".to_owned());
                    continue;
                }
                Ok(sighting) => sighting.outputs,
                Err(why) => {
                    note(law, "broke", why);
                    continue;
                }
            };
            match self.call(Of { snapshot: &shows, ..of_undo }).await {
                Ok(Answered::Ok(_) | Answered::AlreadyDone(_) | Answered::Absent) => {}
                other => {
                    note(law, "broke", odd(other));
                    continue;
                }
            }
            let back = |seen: &Observation<Value>| !exact || same(seen, before);
            match self.shown(of, back).await {
                Ok(_) => note(law, "ok", String::new()),
                Err(why) => note(law, "broke", why),
            }
        }
    }

    /// Why the AWF has nothing to do here.
    fn in_the_way(&self, before: &Observation<Value>) -> Option<String> {
        match (self.awf.contract.achieves, before) {
            (_, Observation::Unknown(doubt)) => Some(format!("nobody knows what is there: {doubt}")),
            (Some(Achieves::Create), Observation::Present(_)) => Some("it is there already".to_owned()),
            (Some(Achieves::Update | Achieves::Remove), Observation::Absent(_)) => {
                Some("it is not there".to_owned())
            }
            (None, _) => Some("it achieves no change".to_owned()),
            _ => None,
        }
    }

    /// Whether what is seen is what `awf` would make.
    fn reached(&self, awf: &AwfName, seen: &Observation<Value>) -> bool {
        match self.manifests.contract(awf).and_then(|contract| contract.achieves) {
            Some(Achieves::Create) => matches!(seen, Observation::Present(_)),
            Some(Achieves::Remove) => matches!(seen, Observation::Absent(_)),
            Some(Achieves::Update) | None => false,
        }
    }

    fn is_done(&self, seen: &Observation<Value>, before: &Observation<Value>) -> bool {
        match self.awf.contract.achieves {
            Some(Achieves::Remove) => matches!(seen, Observation::Absent(_)),
            Some(Achieves::Update) => matches!(seen, Observation::Present(_)) && !same(seen, before),
            _ => matches!(seen, Observation::Present(_)),
        }
    }

    fn told(&self, with: &BTreeMap<String, From>, outputs: &Values, snapshot: &Values) -> Values {
        let value = |from: &From| match from {
            From::Input(name) => self.inputs.get(name).cloned(),
            From::Output(name) => outputs.get(name).cloned(),
            From::Snapshot(name) => snapshot.get(name).cloned(),
            From::Literal(value) => Some(value.clone()),
        };
        with.iter().filter_map(|(name, from)| Some((name.clone(), value(from)?))).collect()
    }

    fn ask<'b>(&'b self, of: Of<'b>, phase: Phase, carry: &'b Values) -> Ask<'b> {
        let Of { name, inputs, key, snapshot, outputs } = of;
        Ask { system: self.config, awf: name, phase, inputs, key, snapshot, outputs, carry }
    }

    async fn send(&self, request: &Request) -> Result<xops_kernel::port::Response, String> {
        let timeout = Duration::from_millis(self.awf.contract.timeout_ms);
        self.client.send(request, timeout).await.map_err(|lost| lost.to_string())
    }

    async fn call(&self, of: Of<'_>) -> Result<Answered, String> {
        let nothing = Values::new();
        let ask = self.ask(of, Phase::Do, &nothing);
        let request = self.manifests.render(&ask).map_err(|unrendered| unrendered.to_string())?;
        let response = self.send(&request).await?;
        Ok(self.manifests.classify(&ask, &response))
    }

    async fn look(&self, of: Of<'_>, phase: Phase) -> Result<Sighting, String> {
        let mut carry = Values::new();
        let first = self.manifests.render(&self.ask(of, phase, &carry));
        let mut request = first.map_err(|unrendered| unrendered.to_string())?;
        for _ in 0..LOOKUP_REQUESTS_MAX {
            let response = self.send(&request).await?;
            match self.manifests.sight(&self.ask(of, phase, &carry), &response) {
                Page::Over(sighting) => return Ok(sighting),
                Page::More(next, more) => (request, carry) = (*next, more),
                Page::Failed(outcome) => return Err(format!("the answer to the lookup is {outcome}")),
            }
        }
        Err(format!("the lookup did not end within {LOOKUP_REQUESTS_MAX} requests"))
    }

    /// Looks until `wanted` is seen, within the manifest's own time.
    async fn shown(
        &self,
        of: Of<'_>,
        wanted: impl Fn(&Observation<Value>) -> bool,
    ) -> Result<Sighting, String> {
        let readback = self.awf.contract.readback;
        let within =
            readback.map_or(SHOWN_MAX, |readback| Duration::from_millis(readback.within_ms)).min(SHOWN_MAX);
        let every = readback.map_or(1_000, |readback| readback.every_ms).clamp(50, 5_000);
        let until = Instant::now() + within;
        loop {
            let sighting = self.look(of, Phase::Readback).await?;
            if wanted(&sighting.seen) {
                return Ok(sighting);
            }
            if Instant::now() >= until {
                return Err(format!("it shows {}", sight(&sighting.seen)));
            }
            sleep(Duration::from_millis(every)).await;
        }
    }
}

/// Whether two sightings show the same value, or both none.
fn same(one: &Observation<Value>, other: &Observation<Value>) -> bool {
    match (one, other) {
        (Observation::Present(one), Observation::Present(other)) => one == other,
        (Observation::Absent(_), Observation::Absent(_)) => true,
        _ => false,
    }
}

/// What is not as it should be, in words.
fn odd(answer: Result<Answered, String>) -> String {
    answer.map_or_else(|why| why, |answered| format!("the answer is {answered}"))
}

/// What was seen, in words.
fn sight(seen: &Observation<Value>) -> String {
    match seen {
        Observation::Present(value) => json::word(value),
        Observation::Absent(proof) => format!("nothing ({proof})"),
        Observation::Unknown(doubt) => doubt.to_string(),
    }
}

fn report(common: &Common, all: &[Held]) -> Result<(), Failure> {
    for held in all {
        let Held { awf, law, result, why } = held;
        if common.output == Format::Text {
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            json::text(&format!("{awf}  {law}  {result}{why}\n"))?;
        } else {
            json::print(&serde_json::json!({ "awf": awf, "law": law, "result": result, "why": why }))?;
        }
    }
    Ok(())
}
