//! The ids that were ever issued: remembered beside the journal, so that each leads somewhere after a restart too, also while the
//! record that it was minted from is gone.
//!
//! Absent: anything of whom an id means: an id is opaque, and what it leads to is read again. Invariants: an id is remembered before
//! anybody can use it; a file is written once, and changed by nothing but an erasure; files are put together at a start, so there are
//! few; whoever was erased is in none of them then, also where a copy of before brought them back. What cannot be read was not
//! remembered, and is told: an id comes back with its record.

use crate::tenant::Tenant;
use xops_graph::graph::Graph;
use xops_journal::disk::Disk;
use xops_journal::issued::{self, Issued};
use xops_journal::keys::Keys;
use xops_journal::random::System;
use xops_journal::subjects::{Subject, SubjectKeys};

/// Makes the graph know every id that an earlier process issued. Whoever only looks changes no file.
pub(crate) fn recall(disk: &dyn Disk, keys: &Keys, ring: &SubjectKeys, writes: bool, graph: &mut Graph) {
    let erased = |subject: &Subject| ring.is_erased(subject);
    let files = issued::files(disk).unwrap_or_default();
    let (mut all, mut whole) = (Issued::default(), true);
    for name in files.values() {
        let read = disk.read(name).map_err(|error| error.to_string());
        match read.and_then(|bytes| Issued::parse(name, &bytes, keys).map_err(|error| error.to_string())) {
            Ok(issued) => all.extend(issued),
            // It stays where it is: nothing of it is lost that can be read later.
            Err(error) => {
                whole = false;
                tracing::warn!(file = name, error, "ids that an earlier process issued were not read");
            }
        }
    }
    let forgotten = all.drop_ids(erased);
    let newest = files.last_key_value().map_or(0, |(number, _)| *number);
    let again = writes && whole && (files.len() > 1 || forgotten);
    if again && write(disk, keys, newest + 1, &all) {
        for name in files.values() {
            if let Err(error) = disk.remove(name) {
                tracing::warn!(file = name, %error, "a file of ids was not removed: its ids stand in a newer one");
            }
        }
    }
    for (kind, ids) in all.ids {
        graph.remember(&kind, ids);
    }
    graph.remember_met(all.met);
}

/// Remembers the ids that the graph has issued since this was called last, and which came to be of one entity or ceased to be.
pub(crate) fn remember(tenant: &Tenant) {
    let (new, met) = {
        let mut graph = tenant.graph_mut();
        (graph.take_issued(), graph.take_met())
    };
    let nothing = new.is_empty() && met.is_empty();
    let (Some(disk), Some((keys, _))) = (tenant.disk.as_deref().filter(|_| !nothing), &tenant.keys) else {
        return;
    };
    let mut issued = Issued { met, ..Issued::default() };
    {
        let graph = tenant.graph();
        for id in &new {
            let kind = graph.kind(*id).unwrap_or_default().to_owned();
            issued.ids.entry(kind).or_default().insert(*id);
        }
    }
    let files = issued::files(disk).unwrap_or_default();
    let next = files.last_key_value().map_or(1, |(number, _)| number + 1);
    if !write(disk, keys, next, &issued) {
        let mut graph = tenant.graph_mut();
        graph.issue_again(new);
        graph.meet_again(issued.met.into_keys());
    }
}

fn write(disk: &dyn Disk, keys: &Keys, number: u64, issued: &Issued) -> bool {
    let encoded = issued.encode(keys, &System::default()).map_err(|error| error.to_string());
    let written = encoded
        .and_then(|bytes| disk.replace(&issued::name(number), &bytes).map_err(|error| error.to_string()));
    if let Err(error) = &written {
        tracing::warn!(
            error,
            "failed to remember the ids that were issued: it is tried again with the next reading"
        );
    }
    written.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use xops_journal::disk::MemoryDisk;
    use xops_journal::keys::TenantKey;
    use xops_kernel::canon::DigestKey;
    use xops_kernel::declare::Declarations;
    use xops_kernel::id::EntityId;

    fn graph() -> Graph {
        Graph::new(Arc::new(Declarations::default()), DigestKey([7; 32]))
    }

    fn key() -> TenantKey {
        TenantKey::from_bytes([3; 32])
    }

    fn ring(erased: &[u8]) -> SubjectKeys {
        let mut ring =
            SubjectKeys::open_on(&MemoryDisk::default(), "ring", &key(), Arc::new(System::default()))
                .expect("a keyring");
        for number in erased {
            ring.get_or_create([*number; 16]).expect("a key");
            ring.erase([*number; 16]).expect("erased");
        }
        ring
    }

    fn issued(number: u8) -> Issued {
        let ids = BTreeMap::from([("person".to_owned(), BTreeSet::from([EntityId([number; 16])]))]);
        Issued { ids, ..Issued::default() }
    }

    fn recalled(disk: &MemoryDisk, erased: &[u8]) -> Vec<u8> {
        let mut graph = graph();
        recall(disk, &Keys::new("test", &key()), &ring(erased), true, &mut graph);
        (1..=4).filter(|number| graph.kind(EntityId([*number; 16])) == Some("person")).collect()
    }

    fn put(disk: &MemoryDisk, number: u64, what: u8) {
        assert!(write(disk, &Keys::new("test", &key()), number, &issued(what)));
    }

    #[test]
    fn what_several_processes_issued_is_known_and_stands_in_one_file() {
        let disk = MemoryDisk::default();
        put(&disk, 1, 1);
        put(&disk, 2, 2);
        disk.replace(
            "issued-000010.xops",
            format!("xops issued 1\n{} person\n", EntityId([3; 16])).as_bytes(),
        )
        .expect("the form before this one");
        for _start in 0..2 {
            assert_eq!(recalled(&disk, &[]), [1, 2, 3]);
            let files = issued::files(&disk).expect("files");
            assert_eq!(files, BTreeMap::from([(11, "issued-000011.xops".to_owned())]));
        }
    }

    #[test]
    fn a_file_that_is_damaged_stays_and_nothing_is_put_together() {
        let disk = MemoryDisk::default();
        put(&disk, 1, 1);
        disk.replace("issued-000002.xops", b"xops issued 1\nnonsense\n").expect("written");
        assert_eq!(recalled(&disk, &[]), [1], "what can be read is known");
        assert_eq!(issued::files(&disk).expect("files").len(), 2);
    }

    #[test]
    fn whom_an_old_copy_brings_back_was_erased_and_stays_so() {
        let disk = MemoryDisk::default();
        put(&disk, 1, 1);
        put(&disk, 2, 2);
        assert_eq!(recalled(&disk, &[1]), [2]);
        assert_eq!(recalled(&disk, &[]), [2], "and it stands in no file any more");
    }
}
