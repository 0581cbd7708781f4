//! What comes from systems: answers to calls, lookups and reads, and messages that they send by themselves.

use crate::bytes::Bytes;
use crate::project::project;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use xops_connectors::hook::{Message, claim, deliveries, greeting};
use xops_connectors::model::webhook::Webhook;
use xops_connectors::{json, sample, xml};
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Page, Phase, ReadAsk, ReadPage, Response};
use xops_kernel::value::{Value, Values};

const STATUS: [u16; 16] = [200, 201, 202, 204, 207, 302, 400, 401, 403, 404, 409, 410, 412, 422, 429, 503];
const TYPES: [&str; 8] = [
    "application/json",
    "text/xml; charset=utf-8",
    "application/scim+json",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "multipart/mixed; boundary=part",
    "text/html",
    "",
];

/// Everything that can be asked: calls and lookups by function, reads by system and name.
struct Asked {
    functions: Vec<(AwfName, Values)>,
    reads: Vec<(String, String, bool)>,
    config: BTreeMap<String, Values>,
    hooks: Vec<(String, Webhook)>,
}

fn asked() -> &'static Asked {
    static ASKED: OnceLock<Asked> = OnceLock::new();
    ASKED.get_or_init(|| {
        let all = &project().manifests;
        let (mut functions, mut reads, mut config) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut hooks = Vec::new();
        for system in all.systems() {
            let Some(manifest) = all.manifest(system) else { continue };
            config.insert(system.to_owned(), sample::config(manifest));
            for (name, awf) in &manifest.awfs {
                functions.push((AwfName::new(system, name), sample::inputs(awf)));
            }
            reads.extend(
                manifest.reads.iter().map(|it| (system.to_owned(), it.name.clone(), it.for_each.is_some())),
            );
            hooks.extend(all.webhooks(system).iter().map(|hook| (system.to_owned(), hook.clone())));
        }
        Asked { functions, reads, config, hooks }
    })
}

/// Reads what all inputs share.
pub fn ready() {
    let _shared = asked();
}

fn response(bytes: &mut Bytes<'_>) -> Response {
    let how = bytes.byte();
    let mut headers = vec![("content-type".to_owned(), TYPES[usize::from(how & 7)].to_owned())];
    if how & 8 != 0 {
        let text = String::from_utf8_lossy(bytes.sized()).into_owned();
        let name = ["retry-after", "link", "etag", "location"][usize::from(how >> 6)];
        headers.push((name.to_owned(), text));
    }
    let status = STATUS[usize::from(bytes.byte()) % STATUS.len()];
    Response { status, headers, body: bytes.0.to_vec() }
}

/// The answer to a call, a lookup or a page of a read of any manifest; and the bare readers of JSON and XML.
pub fn answer(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let what = bytes.byte();
    if what == 0 {
        return bare(bytes.0);
    }
    let (asked, all) = (asked(), &project().manifests);
    if what & 1 == 0 {
        let (system, read, each) = &asked.reads[bytes.below(asked.reads.len())];
        let response = response(&mut bytes);
        let carry = carried(what);
        let parameter = each.then_some("parent-1");
        let ask = ReadAsk { system, read, parameter, carry: &carry, at: 1_000, principal: "svc-xops" };
        if let ReadPage::Records { records, .. } = all.page(&asked.config[system], &ask, &response) {
            assert!(response.status < 300, "a refusal is read as {} records", records.len());
        }
        return;
    }
    let (name, inputs) = &asked.functions[bytes.below(asked.functions.len())];
    let phase = [Phase::Do, Phase::Snapshot, Phase::Probe, Phase::Readback][usize::from(what >> 1 & 3)];
    let response = response(&mut bytes);
    let (carry, none) = (carried(what), Values::new());
    let snapshot = Values::from([("id".to_owned(), Value::from("object-1"))]);
    let ask = Ask {
        system: &asked.config[&name.system],
        awf: name,
        phase,
        inputs,
        key: CallKey([0xab; 16]),
        snapshot: &snapshot,
        outputs: &none,
        carry: &carry,
    };
    if phase == Phase::Do {
        let _outcome = all.classify(&ask, &response);
    } else if let Page::Over(sighting) = all.sight(&ask, &response) {
        let proves = !matches!(sighting.seen, Observation::Unknown(_));
        assert!(!proves || response.status < 500, "a broken system proves something");
    }
}

/// What earlier pages carried over.
fn carried(what: u8) -> Values {
    match what >> 5 {
        0 => Values::new(),
        hop => Values::from([
            ("hop".to_owned(), Value::Int(i64::from(hop))),
            ("cursor".to_owned(), "next-1".into()),
        ]),
    }
}

fn bare(bytes: &[u8]) {
    if let Ok(value) = json::parse(bytes) {
        let again = json::write(&value, true);
        assert_eq!(json::parse(again.as_bytes()).as_ref(), Ok(&value), "it is read as another value");
    }
    let keyed = BTreeMap::from([("a.b".to_owned(), "c".to_owned())]);
    let _value = xml::parse(bytes, &keyed);
    let _value = xml::parse(bytes, &BTreeMap::new());
}

/// A message that a system sent by itself.
pub fn hook(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let asked = asked();
    let (system, webhook) = &asked.hooks[bytes.below(asked.hooks.len())];
    let names = headers_of(webhook);
    let given = usize::from(bytes.byte() & 7);
    let headers: Vec<(String, String)> = (0..given)
        .map(|_| {
            let name = names[bytes.below(names.len())].clone();
            (name, String::from_utf8_lossy(bytes.sized()).into_owned())
        })
        .collect();
    let query = [("validationToken".to_owned(), String::from_utf8_lossy(bytes.sized()).into_owned())];
    let message = Message { headers: &headers, query: &query, body: bytes.0 };
    let config = &asked.config[system];
    let claimed = claim(webhook, &message);
    for signed in [false, true] {
        let _greeted = greeting(webhook, config, &message, signed);
    }
    if let Ok(claim) = claimed
        && let Ok(all) = deliveries(webhook, config, &message, &claim)
    {
        // Each behind the first bears its place after the id of the message.
        let known = all.iter().all(|one| !one.id.is_empty() && one.id.len() <= 256 + 8);
        assert!(known, "it cannot be known again");
    }
}

/// The headers that this webhook looks at.
fn headers_of(webhook: &Webhook) -> Vec<String> {
    use xops_connectors::model::webhook::Verify;
    let mut names: Vec<String> =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(str::to_owned).into();
    match &webhook.verify {
        Verify::Hmac { header, id_header, timestamp_header, .. } => {
            names = vec![header.clone()];
            names.extend(id_header.clone());
            names.extend(timestamp_header.clone());
        }
        Verify::Token { header, .. } => names = vec![header.clone()],
        Verify::Standard { .. } => {}
    }
    names
}
