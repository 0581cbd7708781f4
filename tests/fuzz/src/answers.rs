//! What systems answer: every AWF of every manifest reads any status, header and body.

use crate::MANIFESTS;
use std::sync::LazyLock;
use xops_connectors::sample;
use xops_kernel::awf::AwfName;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Page, Phase, ReadAsk, ReadPage, Response};
use xops_kernel::value::Values;

/// Pages that one case may ask for.
const PAGES_MAX: usize = 4;

/// Statuses that mean something to somebody.
const STATUSES: [u16; 12] = [200, 201, 202, 204, 400, 401, 404, 409, 410, 429, 500, 503];

static AWFS: LazyLock<Vec<AwfName>> = LazyLock::new(|| MANIFESTS.contracts().keys().cloned().collect());

/// `[awf: 2][status: 1][phase: 1]`, then the body.
pub(crate) fn answer(bytes: &[u8]) {
    let [low, high, status, phase, body @ ..] = bytes else { return };
    let nth = usize::from(u16::from_le_bytes([*low, *high]));
    let Some(name) = AWFS.get(nth % AWFS.len()) else { return };
    let Some(manifest) = MANIFESTS.manifest(&name.system) else { return };
    let Some(awf) = manifest.awfs.get(&name.function) else { return };
    let (config, inputs, none) = (sample::config(manifest), sample::inputs(awf), Values::new());
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let headers = [("retry-after", "7"), ("link", "<https://x.example/n>; rel=\"next\""), ("etag", "\"1\"")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let response = Response { status, headers, body: body.to_vec() };
    let phases = [Phase::Snapshot, Phase::Do, Phase::Probe, Phase::Readback];
    let phase = phases[usize::from(*phase) % phases.len()];
    let ask = Ask {
        system: &config,
        awf: name,
        phase,
        inputs: &inputs,
        key: CallKey([7; 16]),
        snapshot: &none,
        outputs: &none,
        carry: &none,
    };
    let _request = MANIFESTS.render(&ask);
    let outcome = MANIFESTS.classify(&ask, &response);
    assert!(!outcome.word().is_empty());
    let mut carry = Values::new();
    for _ in 0..PAGES_MAX {
        match MANIFESTS.sight(&Ask { carry: &carry, ..ask }, &response) {
            Page::More(_, next) => carry = next,
            Page::Over(_) | Page::Failed(_) => break,
        }
    }
    reads(&name.system, &config, &response);
}

/// Every read of the same system reads the same answer.
fn reads(system: &str, config: &Values, response: &Response) {
    for read in MANIFESTS.reads(system) {
        let mut carry = Values::new();
        for _ in 0..PAGES_MAX {
            let parameter = read.for_each.as_ref().map(|_| "x");
            let ask = ReadAsk { system, read: &read.name, parameter, carry: &carry, at: 1, principal: "fuzz" };
            match MANIFESTS.page(config, &ask, response) {
                ReadPage::Records { next: Some((_, next)), .. } => carry = next,
                ReadPage::Records { .. } | ReadPage::Reset | ReadPage::Failed(_) => break,
            }
        }
    }
}
