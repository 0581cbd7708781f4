//! One system with its manifest, and the step protocol driven over it by hand, phase by phase.
//!
//! Invariants: requests are rendered and answers classified by the manifest alone; they are sent by the wire of production.

use serde_json::Value as Json;
use std::path::Path;
use std::time::Duration;
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::{Achieves, AwfName, Contract, From as Bound, Undo};
use xops_kernel::fact::Observation;
use xops_kernel::id::CallKey;
use xops_kernel::port::{
    Ask, Connector, Outcome, Page, Phase, ReadAsk, ReadPage, Request, Response, Sighting,
};
use xops_kernel::record::Record;
use xops_kernel::value::{Value, Values};
use xops_wire::client::Client;
use xops_wire::credential::Credential;
use xops_wire::target::{Limits, Target};

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many pages a lookup or a read may have here.
const PAGES_MAX: usize = 100;
/// What is carried over to a first request.
static NOTHING: Values = Values::new();

/// The description of the servers that `tests/servers/run` started.
pub(crate) fn described() -> Json {
    let path = std::env::var("XOPS_SERVERS").expect("run by tests/servers/run");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the description")).expect("JSON")
}

/// The text of a manifest, or of one that is here for its protocol alone.
pub(crate) fn manifest(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = ["connectors/manifests", "tests/independent/manifests"];
    let text = places
        .iter()
        .find_map(|place| std::fs::read_to_string(root.join(place).join(format!("{name}.hcl"))).ok());
    text.expect("a manifest")
}

/// Whether a server that is not to be had everywhere was started; says so where it was not.
pub(crate) fn is_started(name: &str) -> bool {
    let started = described()["systems"][name].is_object();
    if !started {
        eprintln!("`{name}` could not be installed here: NOT TESTED");
    }
    started
}

/// A system.
pub(crate) struct System {
    name: &'static str,
    manifests: Manifests,
    client: Client,
    config: Values,
    runtime: tokio::runtime::Runtime,
    key: std::cell::Cell<CallKey>,
}

impl System {
    /// The system `server` of the description, spoken to by `text`, the manifest `name`.
    pub(crate) fn of(name: &'static str, server: &str, text: String) -> Self {
        Self::at(name, &described()["systems"][server], text)
    }

    /// The same, where it is and by whom it is spoken to as `described`.
    pub(crate) fn at(name: &'static str, described: &Json, text: String) -> Self {
        xops_wire::transport::install_crypto();
        let (manifests, findings) = Manifests::load(&[(format!("{name}.hcl"), text.into_bytes())]);
        assert!(findings.is_empty(), "{findings:?}");
        let base_url = described["base_url"].as_str().expect("an address");
        let parts = described["credentials"].as_object().expect("a credential");
        let credential = parts.iter().fold(Credential::none(), |credential, (part, value)| {
            credential.with(part, value.as_str().expect("a text").to_owned().into())
        });
        let var = |name: &str| Some((name.to_owned(), Value::from(described[name].as_str()?)));
        let config: Values = ["base_url", "base"].into_iter().filter_map(var).collect();
        let target = Target {
            more_urls: Vec::new(),
            system: name.to_owned(),
            base_url: base_url.parse().expect("an address"),
            auth: manifests.auth(name).cloned().expect("a scheme"),
            credential,
            vars: config.clone(),
            allow_private: true,
            concurrency: 1,
        };
        let client = Client::new(vec![target], Limits::default()).expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { name, manifests, client, config, runtime, key: std::cell::Cell::new(CallKey([7; 16])) }
    }

    fn send(&self, request: &Request) -> Response {
        self.runtime.block_on(self.client.send(request, PATIENCE)).expect("an answer")
    }

    fn contract(&self, awf: &AwfName) -> &Contract {
        self.manifests.contract(awf).unwrap_or_else(|| panic!("there is no {awf}"))
    }

    fn ask<'a>(
        &'a self,
        awf: &'a AwfName,
        phase: Phase,
        inputs: &'a Values,
        snapshot: &'a Values,
    ) -> Ask<'a> {
        Ask {
            system: &self.config,
            awf,
            phase,
            inputs,
            key: self.key.get(),
            snapshot,
            outputs: &NOTHING,
            carry: &NOTHING,
        }
    }

    /// What a lookup of `awf` shows.
    pub(crate) fn look(&self, awf: &AwfName, phase: Phase, inputs: &Values) -> Sighting {
        let (mut carry, snapshot) = (Values::new(), Values::new());
        let first = Ask { carry: &carry, ..self.ask(awf, phase, inputs, &snapshot) };
        let mut request = self.manifests.render(&first).expect("a request");
        for _ in 0..PAGES_MAX {
            let response = self.send(&request);
            let ask = Ask { carry: &carry, ..self.ask(awf, phase, inputs, &snapshot) };
            match self.manifests.sight(&ask, &response) {
                Page::Over(sighting) => return sighting,
                Page::Failed(why) => panic!("{awf} {}: {why:?}: {}", phase.word(), text(&response)),
                Page::More(next, carried) => (request, carry) = (*next, carried),
            }
        }
        panic!("{awf} {}: the pages do not end", phase.word())
    }

    /// What a call comes to.
    pub(crate) fn call(&self, awf: &AwfName, inputs: &Values, snapshot: &Values) -> Outcome {
        let ask = self.ask(awf, Phase::Do, inputs, snapshot);
        let response = self.send(&self.manifests.render(&ask).expect("a request"));
        self.manifests.classify(&ask, &response)
    }

    /// The word for what a call comes to.
    pub(crate) fn word(&self, function: &str, inputs: &Values) -> &'static str {
        self.call(&AwfName::new(self.name, function), inputs, &Values::new()).word()
    }

    /// Every record of a read.
    pub(crate) fn read(&self, read: &str, parameter: Option<&str>) -> Vec<Record> {
        let mut carry = Values::new();
        let fixed =
            ReadAsk { system: self.name, read, parameter, carry: &NOTHING, at: 1_000, principal: "svc-xops" };
        let mut request = self.manifests.render_read(&self.config, &fixed).expect("a request");
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let response = self.send(&request);
            match self.manifests.page(&self.config, &ReadAsk { carry: &carry, ..fixed }, &response) {
                ReadPage::Records { records, next, .. } => {
                    all.extend(records);
                    match next {
                        Some((next, carried)) => (request, carry) = (*next, carried),
                        None => return all,
                    }
                }
                ReadPage::Reset => panic!("{read}: no read of changes was asked for"),
                ReadPage::Failed(why) => panic!("{read}: {why:?}: {}", text(&response)),
            }
        }
        panic!("{read}: the pages do not end")
    }

    /// Drives one AWF through the protocol: look, act, look again, and act once more, which must come to `again`. What the
    /// calls and the lookups gave.
    pub(crate) fn drive(&self, function: &str, inputs: &Values, again: &str) -> Driven {
        let awf = AwfName::new(self.name, function);
        let achieves = self.contract(&awf).achieves;
        let snapshot = self.look(&awf, Phase::Snapshot, inputs);
        let there = matches!(achieves, Some(Achieves::Remove | Achieves::Update));
        assert_eq!(is_there(&snapshot), there, "{awf} before: {snapshot:?}");
        let outputs = match self.call(&awf, inputs, &snapshot.outputs) {
            Outcome::Ok(outputs) => outputs,
            other => panic!("{awf}: {other:?}"),
        };
        let after = self.look(&awf, Phase::Readback, inputs);
        assert_eq!(is_there(&after), achieves != Some(Achieves::Remove), "{awf} after: {after:?}");
        for (name, output) in &outputs {
            assert!(
                after.outputs.get(name).is_none_or(|seen| seen == output),
                "{awf}: {name} is another one"
            );
        }
        let second = self.call(&awf, inputs, &snapshot.outputs);
        assert_eq!(second.word(), again, "{awf} once more: {second:?}");
        let probe = self.look(&awf, Phase::Probe, inputs);
        assert_eq!(
            is_there(&probe),
            is_there(&after),
            "{awf} was undone or doubled by doing it twice: {probe:?}"
        );
        Driven { awf, inputs: inputs.clone(), outputs, snapshot, after }
    }

    /// Drives the declared compensation of what was done, in the same way.
    pub(crate) fn compensate(&self, done: &Driven, again: &str) -> Driven {
        let Undo::By { awf, with, .. } = &self.contract(&done.awf).undo else {
            panic!("{} has no undo", done.awf)
        };
        let bind = |(name, from): (&String, &Bound)| {
            let value = match from {
                Bound::Input(name) => done.inputs.get(name),
                Bound::Output(name) => done.outputs.get(name),
                Bound::Snapshot(name) => done.snapshot.outputs.get(name),
                Bound::Literal(value) => Some(value),
            };
            // What was not there before is left out, as the saga does it, where the compensation can do without.
            let required = self.contract(awf).inputs.get(name).is_some_and(|input| input.required);
            assert!(value.is_some() || !required, "{awf}: nothing is bound to {name}");
            Some((name.clone(), value?.clone()))
        };
        self.drive(&awf.function, &with.iter().filter_map(bind).collect(), again)
    }

    /// The key that every call carries, as the object shows it.
    pub(crate) fn marker(&self) -> String {
        self.key.get().to_string()
    }

    /// Acts under another key from here on: two objects cannot both be marked by one.
    pub(crate) fn under_key(&self, number: u8) {
        self.key.set(CallKey([number; 16]));
    }
}

/// What driving an AWF gave.
#[derive(Debug)]
pub(crate) struct Driven {
    awf: AwfName,
    inputs: Values,
    /// What the call captured.
    pub(crate) outputs: Values,
    snapshot: Sighting,
    /// What the read-back saw.
    pub(crate) after: Sighting,
}

fn is_there(sighting: &Sighting) -> bool {
    match &sighting.seen {
        Observation::Present(_) => true,
        Observation::Absent(_) => false,
        Observation::Unknown(doubt) => panic!("an unknown facet: {doubt}"),
    }
}

fn text(response: &Response) -> String {
    format!("{} {}", response.status, String::from_utf8_lossy(&response.body))
}

/// Texts by name.
pub(crate) fn values(all: &[(&str, &str)]) -> Values {
    all.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect()
}
