//! What manifests would say, for tests: contracts and records from one line each.

use std::collections::BTreeMap;
use xops_kernel::awf::{Achieves, Ambiguity, AwfName, Contract, Input, Undo};
use xops_kernel::id::Digest;
use xops_kernel::value::Type;
use xops_source::declare::ManifestFacts;
use xops_source::reader::type_from;

/// Contracts by name.
pub(crate) type Contracts = BTreeMap<AwfName, Contract>;

fn typed(fields: &str) -> impl Iterator<Item = (String, Type)> + '_ {
    fields.split_whitespace().map(|field| {
        let (name, is) = field.split_once(':').unwrap_or((field, "text"));
        (name.to_owned(), type_from(is).unwrap_or_else(|| panic!("no type: {is}")))
    })
}

/// `name | achieves | inputs | outputs | undo`. An input with `?` is optional; the undo is `nothing`, `never` or an AWF.
pub(crate) fn contracts(lines: &str) -> Contracts {
    let mut contracts = Contracts::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let parts: Vec<&str> = line.split('|').map(str::trim).collect();
        let Some((system, function)) = parts[0].split_once('.') else { panic!("no name of an AWF: {line}") };
        let name = AwfName::new(system, function);
        let achieves = match parts[1] {
            "create" => Some(Achieves::Create),
            "update" => Some(Achieves::Update),
            "remove" => Some(Achieves::Remove),
            _ => None,
        };
        let input = |(name, is): (String, Type)| {
            let required = !name.ends_with('?');
            (name.trim_end_matches('?').to_owned(), Input { is, required, personal: false })
        };
        let undo = match parts[4] {
            "nothing" => Undo::Nothing,
            "never" => Undo::Irreversible { forward: None },
            other => Undo::By { awf: AwfName::new(system, other), with: BTreeMap::new(), loss: None },
        };
        let contract = Contract {
            name: name.clone(),
            achieves,
            inputs: typed(parts[2]).map(input).collect(),
            outputs: typed(parts[3]).collect(),
            undo,
            ambiguity: Ambiguity::Park,
            snapshot: true,
            readback: None,
            locks: Vec::new(),
            timeout_ms: 1_000,
            tries_max: 3,
            manifest: Digest::default(),
        };
        contracts.insert(name, contract);
    }
    contracts
}

/// `manifest.kind | attributes`.
pub(crate) fn facts(lines: &str) -> ManifestFacts {
    let mut facts = ManifestFacts::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        let (name, attributes) = line.split_once('|').unwrap_or_default();
        let Some((manifest, kind)) = name.trim().split_once('.') else { panic!("no kind of record: {line}") };
        facts.entry(manifest.to_owned()).or_default().insert(kind.to_owned(), typed(attributes).collect());
    }
    facts
}
