//! What is read: the reads of a system that something declared needs.
//!
//! Invariant: what nobody asks about is not read, and what a read is made for each of is.

use crate::declare::Declarations;
use crate::port::ReadContract;
use std::collections::BTreeSet;

impl Declarations {
    /// Those of a system's reads that something declared here needs: the kinds that mint, claim or are linked, and the kinds for each
    /// record of which one of these is made. What nobody asks about is not read: it would cost the system's limits, and its
    /// failure would hold up what does not depend on it.
    pub fn needed(&self, system: &str, reads: Vec<ReadContract>) -> Vec<ReadContract> {
        self.needed_with(system, reads, |_| false)
    }

    /// The same with the kinds that are wanted besides.
    pub fn needed_with(
        &self,
        system: &str,
        mut reads: Vec<ReadContract>,
        also: impl Fn(&str) -> bool,
    ) -> Vec<ReadContract> {
        let mut kinds: BTreeSet<&str> = BTreeSet::new();
        for entity in self.entities.values() {
            kinds.extend(Some(entity.mint.1.as_str()).filter(|_| entity.mint.0 == system));
            let claims = entity.attributes.values().flat_map(|attribute| &attribute.from);
            kinds.extend(claims.filter(|claim| claim.system == system).map(|claim| claim.kind.as_str()));
            let links = entity.links.values().filter(|link| link.system == system);
            kinds.extend(links.map(|link| link.kind.as_str()));
        }
        let mut kinds: BTreeSet<String> = kinds.into_iter().map(str::to_owned).collect();
        kinds.extend(reads.iter().map(|read| &read.kind).filter(|kind| also(kind)).cloned());
        loop {
            let parents = reads.iter().filter(|read| kinds.contains(&read.kind));
            let more: BTreeSet<String> = parents.filter_map(|read| read.for_each.clone()).collect();
            if more.is_subset(&kinds) {
                break;
            }
            kinds.extend(more);
        }
        reads.retain(|read| kinds.contains(&read.kind));
        reads
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declare::{EntityKind, Link, Origin};
    use std::collections::BTreeMap;

    #[test]
    fn only_what_is_asked_about_is_read_and_what_it_is_read_for() {
        let read = |name: &str, kind: &str, parent: Option<&str>| ReadContract {
            system: "okta".into(),
            name: name.into(),
            kind: kind.into(),
            for_each: parent.map(str::to_owned),
            timeout_ms: 1,
            ..ReadContract::default()
        };
        let offered = [
            read("users", "user", None),
            read("groups", "group", None),
            read("members", "member", Some("group")),
            read("logs", "log", None),
        ];
        let check = |kind: &str, expect: &[&str]| {
            let link = Link {
                system: "okta".into(),
                kind: kind.into(),
                record: "email".into(),
                entity: "email".into(),
                origin: Origin::default(),
            };
            let person = EntityKind {
                name: "person".into(),
                mint: ("workday".into(), "log".into()),
                handle: "email".into(),
                attributes: BTreeMap::new(),
                links: [("okta".to_owned(), link)].into(),
                origin: Origin::default(),
            };
            let entities = [("person".to_owned(), person)].into();
            let declarations = Declarations { entities, ..Declarations::default() };
            let needed = declarations.needed("okta", offered.to_vec());
            let names: Vec<&str> = needed.iter().map(|read| read.name.as_str()).collect();
            assert_eq!(names, expect, "{kind}");
        };
        check("user", &["users"]);
        check("member", &["groups", "members"]);
        check("device", &[]);
    }
}
