//! Everything that was written, with what the manifests say of it: what names are looked up in.

use super::ManifestFacts;
use super::draft::{At, Desired, Drafts, Facet, System};
use super::read::BUILT_IN;
use crate::code;
use crate::finding::{Finding, suggest};
use crate::infer::{Unresolved, common, type_of_value};
use crate::reader::{Reference, there_are, words};
use crate::syntax::Node;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::{AwfName, Contract, Undo};
use xops_kernel::declare::{Object, Origin};
use xops_kernel::expr::{Path, Segment};
use xops_kernel::layer::{Merge, Setting};
use xops_kernel::value::Type;

/// The drafts with everything that they are looked up in.
pub(super) struct World<'a> {
    pub(super) drafts: &'a Drafts,
    /// The AWFs under the names of the tenant's systems.
    pub(super) contracts: BTreeMap<AwfName, Contract>,
    pub(super) manifests: &'a ManifestFacts,
    /// The settings: declared, built in, and one for the variant of each runbook.
    pub(super) settings: BTreeMap<String, Setting>,
    /// Where outcomes give a facet its values.
    pub(super) wishes: BTreeMap<(String, String), Vec<Wish<'a>>>,
    /// Whether every file could be read: then what is not declared is declared nowhere.
    pub(super) whole: bool,
}

/// One line of an outcome.
#[derive(Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) outcome: &'a str,
    pub(super) entity: &'a str,
    pub(super) line: &'a Desired,
}

impl<'a> World<'a> {
    pub(super) fn new(
        drafts: &'a Drafts,
        contracts: &BTreeMap<AwfName, Contract>,
        manifests: &'a ManifestFacts,
        whole: bool,
    ) -> Self {
        let mut wishes: BTreeMap<(String, String), Vec<Wish<'a>>> = BTreeMap::new();
        for (name, outcome) in &drafts.outcomes {
            let entity = outcome.entity.as_ref().map_or("", |(entity, _)| entity.as_str());
            for line in &outcome.facets {
                wishes.entry(line.key.clone()).or_default().push(Wish { outcome: name, entity, line });
            }
        }
        let contracts = named_by_system(&drafts.systems, contracts);
        Self { drafts, contracts, manifests, settings: settings(drafts), wishes, whole }
    }

    /// Reports a name that is nothing. Where a file could not be read nothing is: it may be declared there.
    pub(super) fn unknown<'n>(
        &self,
        at: &At,
        span: &std::ops::Range<usize>,
        code: &'static str,
        (what, name): (&str, &str),
        among: impl IntoIterator<Item = &'n str>,
        findings: &mut Vec<Finding>,
    ) {
        if !self.whole {
            return;
        }
        let finding =
            at.error_at(span, code, format!("there is no {what} `{name}`"), format!("unknown {what}"));
        findings.push(finding.help(meant(name, among)));
    }

    /// The draft of a system, or a finding.
    pub(super) fn system(
        &self,
        name: &str,
        at: &At,
        span: &std::ops::Range<usize>,
        findings: &mut Vec<Finding>,
    ) -> Option<&'a System> {
        let found = self.drafts.systems.get(name);
        if found.is_none() {
            let among = self.drafts.systems.keys().map(String::as_str);
            self.unknown(at, span, code::UNKNOWN_SYSTEM, ("system", name), among, findings);
        }
        found
    }

    /// The attributes of a kind of record of a system, or a finding. `None` where the manifest is unknown, too.
    pub(super) fn record(
        &self,
        (system, kind): (&str, &str),
        at: &At,
        span: &std::ops::Range<usize>,
        findings: &mut Vec<Finding>,
    ) -> Option<&'a BTreeMap<String, Type>> {
        let draft = self.system(system, at, span, findings)?;
        let kinds = self.manifests.get(&draft.manifest.0)?;
        let found = kinds.get(kind);
        if found.is_none() {
            let message = format!("system `{system}` has no records of the kind `{kind}`");
            let finding = at.error_at(span, code::UNKNOWN_RECORD, message, "unknown kind of record");
            findings.push(finding.help(meant(kind, kinds.keys().map(String::as_str))));
        }
        found
    }

    /// The facet of a reference `facet.<domain>.<name>`, or a finding.
    pub(super) fn facet(
        &self,
        key: &(String, String),
        at: &At,
        span: &std::ops::Range<usize>,
        findings: &mut Vec<Finding>,
    ) -> Option<&'a Facet> {
        let found = self.drafts.facets.get(key);
        if found.is_none() {
            let of_domain = self
                .drafts
                .facets
                .keys()
                .filter(|(domain, _)| *domain == key.0)
                .map(|(_, name)| name.as_str());
            let help = meant(&key.1, of_domain).or_else(|| {
                let all: Vec<String> =
                    self.drafts.facets.keys().map(|(domain, name)| format!("{domain}.{name}")).collect();
                let name = format!("{}.{}", key.0, key.1);
                meant(&name, all.iter().map(String::as_str))
            });
            if self.whole {
                let message = format!("there is no facet `{}.{}`", key.0, key.1);
                findings.push(at.error_at(span, code::UNKNOWN_FACET, message, "unknown facet").help(help));
            }
        }
        found
    }

    /// The AWF of a reference `<system>.<function>`, or a finding.
    pub(super) fn awf(
        &self,
        reference: &Reference,
        at: &At,
        findings: &mut Vec<Finding>,
    ) -> Option<&Contract> {
        let name = awf_name(reference, at, findings)?;
        self.system(&name.system, at, &reference.1, findings)?;
        let found = self.contracts.get(&name);
        if found.is_none() {
            let of_system = self.contracts.keys().filter(|known| known.system == name.system);
            let message = format!("system `{}` has no AWF `{}`", name.system, name.function);
            let finding = at.error_at(&reference.1, code::UNKNOWN_AWF, message, "unknown AWF");
            findings
                .push(finding.help(meant(&name.function, of_system.map(|known| known.function.as_str()))));
        }
        found
    }

    /// The type of an attribute of an object of `kind`, `name` included.
    pub(super) fn object(&self, path: &Path) -> Result<Type, Unresolved> {
        let Some(Segment::Attr(name)) = path.segments.first() else { return Ok(Type::Map) };
        let Some((_, object)) = self.drafts.objects.get(&(path.root.clone(), name.clone())) else {
            if !self.whole {
                return Ok(Type::Any);
            }
            let names = self
                .drafts
                .objects
                .keys()
                .filter(|(kind, _)| *kind == path.root)
                .map(|(_, name)| name.as_str());
            let message = format!("there is no object `{}.{name}`", path.root);
            return Err(
                Unresolved::new(code::UNKNOWN_OBJECT, message, "unknown object").help(meant(name, names))
            );
        };
        match path.segments.get(1) {
            None => Ok(Type::Map),
            Some(Segment::Attr(attribute)) => {
                let is = attribute_of(object, attribute).ok_or_else(|| {
                    let message = format!("object `{}.{name}` has no attribute `{attribute}`", path.root);
                    let names = object.attributes.keys().map(String::as_str).chain(["name"]);
                    Unresolved::new(code::UNKNOWN_OBJECT, message, "unknown attribute")
                        .help(meant(attribute, names))
                })?;
                crate::infer::descend(&is, path.segments.get(2..).unwrap_or_default())
            }
            Some(_) => crate::infer::descend(&Type::Map, &path.segments[1..]),
        }
    }

    /// The object that an element of an outcome is, if it is one that is declared.
    pub(super) fn object_of(&self, node: &Node) -> Option<&'a Object> {
        let path = node.path()?;
        let [Segment::Attr(name)] = &path.segments[..] else { return None };
        self.drafts.objects.get(&(path.root.clone(), name.clone())).map(|(_, object)| object)
    }

    /// The objects that outcomes give a facet; `None` where one of its values is no object, or nothing is known.
    pub(super) fn objects_of(&self, key: &(String, String)) -> Option<Vec<&'a Object>> {
        let wishes = self.wishes.get(key)?;
        let nodes = wishes.iter().flat_map(|wish| elements(&wish.line.value));
        nodes.map(|node| self.object_of(&node)).collect()
    }

    /// The kinds of entity that outcomes give a facet to; all where none does.
    pub(super) fn entities_of(&self, wishes: impl Iterator<Item = Wish<'a>>) -> BTreeSet<&'a str> {
        let some: BTreeSet<&str> = wishes
            .map(|wish| wish.entity)
            .filter(|entity| self.drafts.entities.contains_key(*entity))
            .collect();
        if some.is_empty() { self.drafts.entities.keys().map(String::as_str).collect() } else { some }
    }
}

/// The elements of a list; anything else is its own only element.
pub(super) fn elements(node: &Node) -> Vec<Node> {
    node.items().unwrap_or_else(|| vec![node.clone()])
}

/// The type of an attribute of an object; `name` is always there.
pub(super) fn attribute_of(object: &Object, attribute: &str) -> Option<Type> {
    if attribute == "name" {
        return Some(Type::Text);
    }
    object.attributes.get(attribute).map(type_of_value)
}

/// The type of `attribute` over all `objects`; the object that has none.
pub(super) fn attribute_of_all<'o>(objects: &[&'o Object], attribute: &str) -> Result<Type, &'o Object> {
    let types: Result<Vec<Type>, &Object> =
        objects.iter().map(|object| attribute_of(object, attribute).ok_or(*object)).collect();
    types.map(common)
}

/// "did you mean", or what there is.
pub(super) fn meant<'n>(word: &str, among: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let names: Vec<&str> = among.into_iter().collect();
    suggest(word, names.iter().copied()).or_else(|| there_are(&names))
}

/// The words of a reference of the form `root.<n words>`, or a finding that says the form.
pub(super) fn parts<'r>(
    reference: &'r Reference,
    root: Option<&str>,
    form: &str,
    at: &At,
    findings: &mut Vec<Finding>,
) -> Option<Vec<&'r str>> {
    let count = form.split('.').count();
    let parts =
        words(&reference.0).filter(|words| words.len() == count && root.is_none_or(|root| words[0] == root));
    if parts.is_none() {
        let message = format!("expected a reference of the form `{form}`, found `{}`", reference.0);
        findings.push(at.error_at(&reference.1, code::REFERENCE, message, "of another form"));
    }
    parts
}

/// The name of an AWF that a reference says.
pub(super) fn awf_name(reference: &Reference, at: &At, findings: &mut Vec<Finding>) -> Option<AwfName> {
    let parts = parts(reference, None, "<system>.<function>", at, findings)?;
    Some(AwfName::new(parts[0], parts[1]))
}

fn named_by_system(
    systems: &BTreeMap<String, System>,
    contracts: &BTreeMap<AwfName, Contract>,
) -> BTreeMap<AwfName, Contract> {
    let mut named = BTreeMap::new();
    for (system, draft) in systems {
        let rename = |name: &AwfName| AwfName::new(system, &name.function);
        for contract in contracts.values().filter(|contract| contract.name.system == draft.manifest.0) {
            let undo = match &contract.undo {
                Undo::Nothing => Undo::Nothing,
                Undo::By { awf, with, loss } => {
                    Undo::By { awf: rename(awf), with: with.clone(), loss: loss.clone() }
                }
                Undo::Irreversible { forward } => {
                    Undo::Irreversible { forward: forward.as_ref().map(rename) }
                }
            };
            let name = rename(&contract.name);
            named.insert(name.clone(), Contract { name, undo, ..contract.clone() });
        }
    }
    named
}

fn settings(drafts: &Drafts) -> BTreeMap<String, Setting> {
    let origin = Origin { file: "built in".to_owned(), line: 0 };
    let built = |key: String, is: Type, merge: Merge| Setting { key, is, merge, origin: origin.clone() };
    let [on_reject, parallel] = BUILT_IN;
    let variants =
        drafts.runbooks.keys().map(|name| built(format!("variant.{name}"), Type::Text, Merge::Override));
    let own = drafts.settings.values().map(|(_, setting)| setting.clone());
    [
        built(on_reject.to_owned(), Type::Text, Merge::Override),
        built(parallel.to_owned(), Type::Int, Merge::Min),
    ]
    .into_iter()
    .chain(variants)
    .chain(own)
    .map(|setting| (setting.key.clone(), setting))
    .collect()
}
