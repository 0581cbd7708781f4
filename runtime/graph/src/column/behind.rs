//! What hangs on what: the systems whose records can change an attribute or a link.
//!
//! Absent: records; this follows from what is declared alone.

use std::collections::BTreeSet;
use xops_kernel::declare::EntityKind;

/// The systems that an attribute hangs on: those that claim it, and those through whose attributes their records are joined. `seen`
/// keeps a circle from being gone round.
pub(super) fn attribute(kind: &EntityKind, name: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let mut systems = BTreeSet::new();
    if !seen.insert(name.to_owned()) {
        return systems;
    }
    for claim in kind.attributes.get(name).into_iter().flat_map(|attribute| &attribute.from) {
        systems.extend(link(kind, &claim.system, seen));
    }
    systems
}

/// The systems that the record of a system hangs on.
pub(super) fn link(kind: &EntityKind, system: &str, seen: &mut BTreeSet<String>) -> BTreeSet<String> {
    let mut systems = BTreeSet::from([system.to_owned()]);
    if kind.mint.0 != system
        && let Some(link) = kind.links.get(system)
    {
        systems.extend(attribute(kind, &link.entity, seen));
    }
    systems
}
