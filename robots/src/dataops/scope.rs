//! The scope of a cycle: which reads it makes, and which of them begin where the last one ended.
//!
//! Absent: the reading. Invariants: a cycle that is to make everything fresh takes a read of changes for a whole one only
//! where the system also says what is gone, and never for longer than [`WHOLE_MS_MAX`]; the reads that are made for each of a
//! kind get all of that kind, but where only what changed of it is asked about.

use crate::dataops::progress::{Place, Target};
use crate::dataops::reading::Scope;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::port::{Delta, ReadContract};
use xops_kernel::record::Millis;

/// For how long reads of changes stand in for one of everything, in milliseconds: a day. A change that a system forgot to tell
/// is found after that.
pub const WHOLE_MS_MAX: u64 = 86_400_000;

/// The scope of a cycle that makes everything fresh.
pub fn everything(contracts: &[ReadContract], places: &BTreeMap<Target, Place>, now: Millis) -> Scope {
    let begins = |(target, place): &(&Target, &Place)| {
        let told = contract(contracts, target).is_some_and(|contract| goes_on(contracts, contract));
        told && now.saturating_sub(place.whole_at) < WHOLE_MS_MAX
    };
    Scope { only: BTreeSet::new(), places: owned(places.iter().filter(begins)) }
}

/// Whether a cycle that makes everything fresh may begin `contract` where the last one ended.
pub fn goes_on(contracts: &[ReadContract], contract: &ReadContract) -> bool {
    contract.delta == Delta::ChangesAndGone && !is_parent(contracts, contract)
}

/// The scope of a cycle after the system said that records of `kinds` changed: the reads of these kinds, what they are made for
/// each of, and what is made for each of them. Nothing where no read gives such a kind.
pub fn noticed(
    contracts: &[ReadContract],
    places: &BTreeMap<Target, Place>,
    kinds: &BTreeSet<String>,
) -> Option<Scope> {
    let mut only: BTreeSet<&str> = BTreeSet::new();
    let asked = |contract: &ReadContract| kinds.contains(&contract.kind);
    only.extend(contracts.iter().filter(|contract| asked(contract)).map(|contract| contract.name.as_str()));
    if only.is_empty() {
        return None;
    }
    // What they are made for each of, whole; what is made for each of them, for those that changed.
    let mut parents = BTreeSet::new();
    for contract in contracts.iter().rev() {
        let wanted = asked(contract) || parents.contains(&contract.kind);
        parents.extend(contract.for_each.clone().filter(|_| wanted));
    }
    let mut children = kinds.clone();
    for contract in contracts {
        if contract.for_each.as_ref().is_some_and(|kind| children.contains(kind)) {
            children.insert(contract.kind.clone());
        }
    }
    let reached = |contract: &&ReadContract| {
        parents.contains(&contract.kind)
            || contract.for_each.as_ref().is_some_and(|kind| children.contains(kind))
    };
    only.extend(contracts.iter().filter(reached).map(|contract| contract.name.as_str()));
    let begins = |(target, _): &(&Target, &Place)| {
        contract(contracts, target).is_some_and(|contract| {
            contract.delta != Delta::Never
                && only.contains(contract.name.as_str())
                && !parents.contains(&contract.kind)
        })
    };
    let places = owned(places.iter().filter(begins));
    Some(Scope { only: only.into_iter().map(str::to_owned).collect(), places })
}

fn contract<'a>(contracts: &'a [ReadContract], target: &Target) -> Option<&'a ReadContract> {
    contracts.iter().find(|contract| contract.name == target.read)
}

/// Whether a read is made for each of what `contract` gives.
fn is_parent(contracts: &[ReadContract], contract: &ReadContract) -> bool {
    contracts.iter().any(|other| other.for_each.as_ref() == Some(&contract.kind))
}

fn owned<'a>(places: impl Iterator<Item = (&'a Target, &'a Place)>) -> BTreeMap<Target, Place> {
    places.map(|(target, place)| (target.clone(), place.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, kind: &str, for_each: Option<&str>, delta: Delta) -> ReadContract {
        let (name, kind) = (name.to_owned(), kind.to_owned());
        ReadContract { name, kind, for_each: for_each.map(str::to_owned), delta, ..ReadContract::default() }
    }

    fn reads() -> Vec<ReadContract> {
        vec![
            read("users", "user", None, Delta::ChangesAndGone),
            read("groups", "group", None, Delta::ChangesAndGone),
            read("members", "member", Some("group"), Delta::Never),
            read("tickets", "ticket", None, Delta::Changes),
        ]
    }

    fn places(whole_at: Millis) -> BTreeMap<Target, Place> {
        let place = |name: &str| {
            let target = Target { read: name.to_owned(), parameter: None };
            (target, Place { since: "s".into(), at: whole_at, whole_at })
        };
        ["users", "groups", "tickets", "withdrawn"].map(place).into()
    }

    fn names(scope: &Scope) -> (String, String) {
        let only: Vec<&str> = scope.only.iter().map(String::as_str).collect();
        let begin: Vec<&str> = scope.places.keys().map(|target| target.read.as_str()).collect();
        (only.join(" "), begin.join(" "))
    }

    #[test]
    fn changes_stand_in_for_everything_only_where_what_is_gone_is_told_and_for_a_day() {
        let check = |now, expect: &str| {
            let scope = everything(&reads(), &places(1_000), now);
            assert_eq!(names(&scope), (String::new(), expect.to_owned()), "at {now}");
        };
        check(2_000, "users");
        check(1_000 + WHOLE_MS_MAX - 1, "users");
        check(1_000 + WHOLE_MS_MAX, "");
    }

    #[test]
    fn what_was_noticed_is_read_with_what_it_hangs_on_and_what_hangs_on_it() {
        let check = |kinds: &[&str], expect: Option<(&str, &str)>| {
            let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            let scope = noticed(&reads(), &places(0), &kinds);
            let told = scope.as_ref().map(names);
            assert_eq!(told, expect.map(|(only, begin)| (only.to_owned(), begin.to_owned())), "{kinds:?}");
        };
        check(&["user"], Some(("users", "users")));
        check(&["group"], Some(("groups members", "groups")));
        check(&["member"], Some(("groups members", "")));
        check(&["ticket", "user"], Some(("tickets users", "tickets users")));
        check(&["desk"], None);
    }
}
