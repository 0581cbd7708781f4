//! Every request that a manifest can make, with sample values: what is shown to people and held to the vendors' descriptions.
//!
//! Absent: I/O, credentials, and any sample that is meant for one system. A manifest gives its own (`samples`) where a system
//! takes only certain values; a name that says what it holds gets one of that kind; anything else is its name with a number.

use crate::auth::{Auth, SUBJECT_HEADER};
use crate::manifests::Manifests;
use crate::model::{Awf, Manifest};
use std::collections::BTreeMap;
use xops_kernel::awf::{AwfName, Contract, From, Undo};
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Phase, ReadAsk, Request};
use xops_kernel::value::{Type, Value, Values};

/// The key of every sample.
const KEY: CallKey = CallKey([0xab; 16]);
/// What stands in the place of a credential.
pub const REDACTED: &str = "[redacted]";
/// How many lookups of a chain are shown.
const HOPS_MAX: i64 = crate::sight::HOPS_MAX;

/// A request with sample values, or why there is none.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The AWF or the read.
    pub name: String,
    /// `do`, `compensate`, `snapshot`, `probe`, `readback`, `poll` or `read`.
    pub phase: &'static str,
    /// The request; the error completes "failed to render ...".
    pub request: Result<Request, String>,
    /// What its manifest says of where its facts come from.
    pub evidence: Option<String>,
}

/// Every request of `system`, AWFs by name and then reads in their order.
pub fn all(manifests: &Manifests, system: &str) -> Vec<Sample> {
    let Some(manifest) = manifests.manifest(system) else { return Vec::new() };
    let samples = Samples { manifests, manifest, config: config(manifest) };
    let mut all: Vec<Sample> = manifest.awfs.values().flat_map(|awf| samples.of_awf(awf)).collect();
    all.extend(manifest.reads.iter().map(|read| samples.of_read(&read.name)));
    all
}

/// A tenant's configuration, made of samples. The base address has no path, so that paths are as the manifest writes them.
pub fn config(manifest: &Manifest) -> Values {
    let host = manifest.name.replace('_', "-");
    let scheme = if manifest.is_directory() { "ldaps" } else { "https" };
    let mut config = Values::from([("base_url".to_owned(), format!("{scheme}://{host}.example").into())]);
    for (name, var) in &manifest.vars {
        let value = var.sample.clone().or_else(|| var.default.clone());
        config.insert(name.clone(), value.unwrap_or_else(|| of_name(name, &var.is)));
    }
    config
}

/// A value for `name`, of type `is`.
pub fn of_name(name: &str, is: &Type) -> Value {
    let has = |part: &str| name.split('_').any(|word| word == part);
    match is {
        Type::Int => Value::Int(1),
        Type::Bool => Value::Bool(true),
        Type::Date => "2026-12-31".into(),
        Type::List(of) => Value::List(vec![of_name(name.trim_end_matches('s'), of)]),
        Type::Map => Value::Map(Values::from([("note".to_owned(), "note-1".into())])),
        _ if has("email") || has("login") || has("upn") => "sarah.chen@acme.example".into(),
        _ if has("date") => "2026-12-31".into(),
        _ if has("url") || has("uri") => format!("https://{}.example", name.replace('_', "-")).into(),
        _ if has("phone") || has("mobile") => "+15555550100".into(),
        _ if has("country") => "MX".into(),
        _ => format!("{name}-1").into(),
    }
}

struct Samples<'a> {
    manifests: &'a Manifests,
    manifest: &'a Manifest,
    config: Values,
}

impl Samples<'_> {
    fn of_awf(&self, awf: &Awf) -> Vec<Sample> {
        let contract = &awf.contract;
        let inputs = inputs(awf);
        let (snapshot, outputs) = (self.snapshot(awf), outputs(awf));
        let nothing = Values::new();
        let mut all = Vec::new();
        let mut push = |phase: &'static str, evidence: Option<String>, request| {
            all.push(Sample { name: contract.name.function.clone(), phase, request, evidence });
        };
        let own = awf.evidence.clone();
        push("do", own.clone(), self.render(contract, Phase::Do, &inputs, &snapshot, &nothing));
        if let Undo::By { awf: name, with, .. } = &contract.undo {
            let undone = self.compensation(awf, (name, with), &inputs, &outputs, &snapshot);
            let evidence = self.manifest.awfs.get(&name.function).and_then(|awf| awf.evidence.clone());
            push("compensate", evidence, undone);
        }
        if awf.poll.is_some() {
            push("poll", own, self.render(contract, Phase::Readback, &inputs, &snapshot, &outputs));
        }
        let looks =
            [(Phase::Snapshot, &awf.before), (Phase::Probe, &awf.after), (Phase::Readback, &awf.after)];
        for (phase, look) in looks {
            let Some(look) = look.as_ref().or(awf.before.as_ref()) else { continue };
            let evidence = self.manifest.lookups.get(&look.lookup).and_then(|lookup| lookup.evidence.clone());
            // Without what the call captured the readback looks at once, and asks for no work that goes on.
            let request = self.render(contract, phase, &inputs, &snapshot, &nothing);
            push(phase.word(), evidence.or_else(|| awf.evidence.clone()), request);
        }
        all
    }

    fn render(
        &self,
        contract: &Contract,
        phase: Phase,
        inputs: &Values,
        snapshot: &Values,
        outputs: &Values,
    ) -> Result<Request, String> {
        let carry = Values::new();
        let ask = Ask {
            system: &self.config,
            awf: &contract.name,
            phase,
            inputs,
            key: KEY,
            snapshot,
            outputs,
            carry: &carry,
        };
        self.manifests.render(&ask).map(|request| self.told(request)).map_err(|unrendered| unrendered.why)
    }

    /// The call of the compensation, told what its `undo` says.
    fn compensation(
        &self,
        of: &Awf,
        (name, with): (&AwfName, &BTreeMap<String, From>),
        inputs: &Values,
        outputs: &Values,
        snapshot: &Values,
    ) -> Result<Request, String> {
        let awf = self.manifest.awfs.get(&name.function).ok_or("its compensation does not exist")?;
        let value = |from: &From| match from {
            From::Input(name) => inputs.get(name).cloned(),
            From::Output(name) => outputs.get(name).cloned(),
            From::Snapshot(name) => snapshot.get(name).cloned(),
            From::Literal(value) => Some(value.clone()),
        };
        // What is made up here gives way to what the compensation's own manifest block knows better.
        let made_up = |from: &From| match from {
            From::Input(name) | From::Output(name) | From::Snapshot(name) => !of.samples.contains_key(name),
            From::Literal(_) => false,
        };
        let told = with.iter().filter_map(|(name, from)| {
            // A sample of one type may stand where the compensation declares another: then its own is shown.
            let declared = &awf.contract.inputs.get(name)?.is;
            let better = awf.samples.get(name).filter(|_| made_up(from)).cloned();
            let value = better.or_else(|| value(from).filter(|value| value.is(declared)));
            Some((name.clone(), value.unwrap_or_else(|| of_name(name, declared))))
        });
        let told: Values = told.collect();
        self.render(&awf.contract, Phase::Do, &told, &self.snapshot(awf), &Values::new())
    }

    /// What the lookups of the AWF show: one of each, and nothing gathered from others.
    fn snapshot(&self, awf: &Awf) -> Values {
        let mut shown = Values::new();
        let mut at = awf.before.as_ref().map(|look| look.lookup.as_str());
        for _ in 0..HOPS_MAX {
            let Some(lookup) = at.and_then(|name| self.manifest.lookups.get(name)) else { break };
            shown.extend(lookup.outputs.iter().map(|(name, _)| (name.clone(), of_name(name, &Type::Any))));
            shown.extend(lookup.gather.iter().map(|(name, _)| (name.clone(), Value::List(Vec::new()))));
            at = lookup.then.as_ref().map(|(name, _)| name.as_str());
        }
        shown.extend(awf.samples.clone());
        shown
    }

    fn of_read(&self, name: &str) -> Sample {
        let read = self.manifest.reads.iter().find(|read| read.name == name);
        let samples = read.map(|read| &read.samples);
        let parent =
            samples.and_then(|samples| samples.get("parent")).and_then(Value::as_text).unwrap_or("parent-1");
        let carry = Values::new();
        let ask = ReadAsk {
            system: &self.manifest.name,
            read: name,
            parameter: read.and_then(|read| read.for_each.as_ref()).map(|_| parent),
            carry: &carry,
            at: 0,
            principal: "sample",
        };
        let request = self.manifests.render_read(&self.config, &ask).map_err(|unrendered| unrendered.why);
        let request = request.map(|request| self.told(request));
        Sample {
            name: name.to_owned(),
            phase: "read",
            request,
            evidence: read.and_then(|read| read.evidence.clone()),
        }
    }

    /// The request with a mark where its credential will stand.
    fn told(&self, mut request: Request) -> Request {
        request.headers.retain(|(name, _)| name != SUBJECT_HEADER);
        // A directory is told who asks when the connection begins, and not by the request.
        if crate::ldap::METHODS.contains(&request.method.as_str()) && self.manifest.is_directory() {
            return request;
        }
        let path = path_of(&request.url).to_owned();
        let header = match self.manifest.auth.of_path(&path) {
            Auth::None | Auth::WsSecurity | Auth::Several { .. } => None,
            Auth::ApiKeyQuery { name, .. } => {
                request.query.push((name.clone(), REDACTED.to_owned()));
                None
            }
            Auth::ApiKey { header, .. } | Auth::TwoStep { header, .. } | Auth::Jwt { header, .. } => {
                Some(header.as_str())
            }
            Auth::Basic { .. } | Auth::OAuth2 { .. } | Auth::Duo { .. } | Auth::AwsSigV4 { .. } => {
                Some("authorization")
            }
        };
        request.headers.extend(header.map(|header| (header.to_owned(), REDACTED.to_owned())));
        request
    }
}

/// What follows the host of an address.
pub fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |at| &rest[at..])
}

/// Sample inputs of an AWF.
pub fn inputs(awf: &Awf) -> Values {
    let value = |(name, input): (&String, &xops_kernel::awf::Input)| {
        (name.clone(), awf.samples.get(name).cloned().unwrap_or_else(|| of_name(name, &input.is)))
    };
    awf.contract.inputs.iter().map(value).collect()
}

fn outputs(awf: &Awf) -> Values {
    let value = |(name, is): (&String, &Type)| {
        (name.clone(), awf.samples.get(name).cloned().unwrap_or_else(|| of_name(name, is)))
    };
    awf.contract.outputs.iter().map(value).collect()
}

/// Whether a statement of evidence says that somebody checked it.
pub fn is_verified(evidence: Option<&str>) -> bool {
    let unchecked = |text: &str| text.starts_with("recalled") || text.starts_with("unverified");
    evidence.is_some_and(|text| !unchecked(text.trim_start()))
}
