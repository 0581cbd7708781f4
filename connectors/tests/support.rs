//! What the tests share: the project's manifests, sample inputs, and a way to ask.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::AwfName;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Phase, ReadAsk, Response};
use xops_kernel::value::{Type, Value, Values};
use xops_source::finding::{Format, render};

/// The key of every call in tests.
pub(crate) const KEY: CallKey = CallKey([0xab; 16]);

/// The files under `manifests/`.
pub(crate) fn files() -> Vec<(String, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folders = [root.join("manifests"), root.join("manifests/families")];
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "hcl"))
        .collect();
    paths.sort();
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
    paths.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// The project's manifests, which must be without a finding. They are read once.
pub(crate) fn manifests() -> &'static Manifests {
    static READ: OnceLock<Manifests> = OnceLock::new();
    READ.get_or_init(|| {
        let files = files();
        let (manifests, findings) = Manifests::load(&files);
        assert!(findings.is_empty(), "{}", told(&findings, &files));
        manifests
    })
}

/// Findings as people read them.
pub(crate) fn told(findings: &[xops_source::finding::Finding], files: &[(String, Vec<u8>)]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let sources: BTreeMap<String, String> =
        files.iter().map(|(name, bytes)| (name.clone(), text(bytes))).collect();
    render(findings, &sources, Format::Human { color: false })
}

/// A tenant's configuration of a system.
pub(crate) fn config(system: &str) -> Values {
    let base = match system {
        "intune" => "https://graph.microsoft.com/v1.0".to_owned(),
        "slack" => "https://slack.com/api".to_owned(),
        "scim2_generic" => "https://scim.example/v2".to_owned(),
        other => format!("https://{other}.example"),
    };
    let all = [("base_url", base.as_str()), ("tenant", "acme"), ("token_url", "https://login.example/token")];
    values(&all)
}

/// Texts by name.
pub(crate) fn values(all: &[(&str, &str)]) -> Values {
    all.iter().map(|(name, text)| ((*name).to_owned(), Value::from(*text))).collect()
}

/// A plausible input of every name that the manifests use.
pub(crate) fn sample(name: &str, is: &Type) -> Value {
    match (name, is) {
        ("login" | "email", _) => "sarah.chen@acme.example".into(),
        ("first_name", _) => "Sarah".into(),
        ("last_name", _) => "Chen".into(),
        ("group", _) => "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001".into(),
        ("worker", _) => "CW-1001".into(),
        (_, Type::Date) => "2026-12-31".into(),
        (_, Type::Int) => Value::Int(1),
        (_, Type::Bool) => Value::Bool(true),
        (_, Type::Map) => Value::Map(values(&[("note", "note-1")])),
        (other, Type::List(of)) => Value::List(vec![sample(other, of)]),
        (other, _) => format!("{other}-1").into(),
    }
}

/// A text under every name that a manifest takes from a snapshot. The files are read once.
fn sample_snapshot() -> Values {
    static READ: OnceLock<Values> = OnceLock::new();
    READ.get_or_init(every_snapshot).clone()
}

fn every_snapshot() -> Values {
    let mut snapshot = values(&[("id", "object-1")]);
    for (_, bytes) in files() {
        let text = String::from_utf8(bytes).unwrap();
        for after in text.split("snapshot.").skip(1) {
            let name: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let value = match name.as_str() {
                "id" | "others" => continue,
                "version_lock" => Value::Int(1),
                _ => format!("{name}-0").into(),
            };
            snapshot.insert(name, value);
        }
    }
    snapshot
}

/// Everything that an ask borrows.
pub(crate) struct Asking {
    pub(crate) name: AwfName,
    pub(crate) config: Values,
    pub(crate) inputs: Values,
    pub(crate) snapshot: Values,
    pub(crate) outputs: Values,
    pub(crate) carry: Values,
}

impl Asking {
    /// An ask of `system.function` with sample inputs.
    pub(crate) fn of(manifests: &Manifests, system: &str, function: &str) -> Self {
        let name = AwfName::new(system, function);
        let contract = manifests.contracts().get(&name).unwrap_or_else(|| panic!("there is no {name}"));
        let inputs = contract.inputs.iter().map(|(name, input)| (name.clone(), sample(name, &input.is)));
        Self {
            inputs: inputs.collect(),
            name,
            config: config(system),
            snapshot: sample_snapshot(),
            outputs: Values::new(),
            carry: Values::new(),
        }
    }

    /// The ask of a phase.
    pub(crate) fn ask(&self, phase: Phase) -> Ask<'_> {
        Ask {
            system: &self.config,
            awf: &self.name,
            phase,
            inputs: &self.inputs,
            key: KEY,
            snapshot: &self.snapshot,
            outputs: &self.outputs,
            carry: &self.carry,
        }
    }
}

/// A reading.
pub(crate) fn reading<'a>(
    system: &'a str,
    read: &'a str,
    parameter: Option<&'a str>,
    carry: &'a Values,
) -> ReadAsk<'a> {
    ReadAsk { system, read, parameter, carry, at: 1_000, principal: "svc-xops" }
}

/// A response of JSON.
pub(crate) fn json(status: u16, body: &str) -> Response {
    answer(status, &[("content-type", "application/json; charset=utf-8")], body)
}

/// A response of XML.
pub(crate) fn soap(status: u16, inside: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\"?><env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Body>{inside}</env:Body></env:Envelope>"
    );
    answer(status, &[("content-type", "text/xml;charset=UTF-8")], &body)
}

/// A response.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: body.as_bytes().to_vec() }
}
