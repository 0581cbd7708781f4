//! The ids that were ever issued: remembered beside the journal, so that each leads somewhere after a restart too, also while the
//! record that it was minted from is gone.
//!
//! Absent: anything of whom an id means: an id is opaque, and what it leads to is read again. Invariants: an id is remembered before
//! anybody can use it; a file is written once and never changed; files are put together at a start, so there are few. What cannot be
//! read was not remembered, and is told: an id comes back with its record.

use crate::tenant::Tenant;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use xops_graph::graph::Graph;
use xops_journal::disk::Disk;
use xops_kernel::id::EntityId;

/// The first line of each file.
const HEAD: &str = "xops issued 1";
/// What the names of the files begin with; a number follows.
const FRONT: &str = "issued-";
/// What they end with.
const BACK: &str = ".xops";

/// Ids by the kind of entity.
type Issued = BTreeMap<String, BTreeSet<EntityId>>;

/// Makes the graph know every id that an earlier process issued.
pub(crate) fn recall(disk: &dyn Disk, graph: &mut Graph) {
    let files = files(disk);
    let (mut all, mut whole) = (Issued::new(), true);
    for name in files.values() {
        match disk.read(name).map_err(|error| error.to_string()).and_then(|bytes| read(&bytes)) {
            Ok(issued) => {
                for (kind, ids) in issued {
                    all.entry(kind).or_default().extend(ids);
                }
            }
            // It stays where it is: nothing of it is lost that can be read later.
            Err(error) => {
                whole = false;
                tracing::warn!(file = name, error, "ids that an earlier process issued were not read");
            }
        }
    }
    let newest = files.last_key_value().map_or(0, |(number, _)| *number);
    if whole && files.len() > 1 && write(disk, newest + 1, &all) {
        for name in files.values() {
            if let Err(error) = disk.remove(name) {
                tracing::warn!(file = name, %error, "a file of ids was not removed: its ids stand in a newer one");
            }
        }
    }
    for (kind, ids) in all {
        graph.remember(&kind, ids);
    }
}

/// Remembers the ids that the graph has issued since this was called last.
pub(crate) fn remember(tenant: &Tenant) {
    let new = tenant.graph_mut().take_issued();
    let Some(disk) = tenant.disk.as_deref().filter(|_| !new.is_empty()) else { return };
    let mut issued = Issued::new();
    {
        let graph = tenant.graph();
        for id in &new {
            let kind = graph.kind(*id).unwrap_or_default().to_owned();
            issued.entry(kind).or_default().insert(*id);
        }
    }
    let next = files(disk).last_key_value().map_or(1, |(number, _)| number + 1);
    if !write(disk, next, &issued) {
        tenant.graph_mut().issue_again(new);
    }
}

/// The files, by number.
fn files(disk: &dyn Disk) -> BTreeMap<u64, String> {
    let names = disk.list().unwrap_or_default().into_iter();
    let numbered = names.filter_map(|name| {
        let number = name.strip_prefix(FRONT)?.strip_suffix(BACK)?.parse().ok()?;
        Some((number, name))
    });
    numbered.collect()
}

fn write(disk: &dyn Disk, number: u64, issued: &Issued) -> bool {
    let mut text = format!("{HEAD}\n");
    for (kind, ids) in issued {
        for id in ids {
            let _infallible = writeln!(text, "{id} {kind}");
        }
    }
    let written = disk.replace(&format!("{FRONT}{number:06}{BACK}"), text.as_bytes());
    if let Err(error) = &written {
        tracing::warn!(%error, "failed to remember the ids that were issued: it is tried again with the next reading");
    }
    written.is_ok()
}

fn read(bytes: &[u8]) -> Result<Issued, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    if lines.next() != Some(HEAD) {
        return Err(format!("it does not begin with `{HEAD}`"));
    }
    let mut issued = Issued::new();
    for line in lines {
        let (id, kind) = line.split_once(' ').ok_or("a line is no id and kind")?;
        let id: EntityId = id.parse().map_err(|_| "a line has no id".to_owned())?;
        issued.entry(kind.to_owned()).or_default().insert(id);
    }
    Ok(issued)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use xops_journal::disk::MemoryDisk;
    use xops_kernel::canon::DigestKey;
    use xops_kernel::declare::Declarations;

    fn graph() -> Graph {
        Graph::new(Arc::new(Declarations::default()), DigestKey([7; 32]))
    }

    fn issued(number: u8) -> Issued {
        BTreeMap::from([("person".to_owned(), BTreeSet::from([EntityId([number; 16])]))])
    }

    #[test]
    fn what_several_processes_issued_is_known_and_stands_in_one_file() {
        let disk = MemoryDisk::default();
        assert!(write(&disk, 1, &issued(1)) && write(&disk, 2, &issued(2)) && write(&disk, 10, &issued(3)));
        let mut first = graph();
        recall(&disk, &mut first);
        assert_eq!(files(&disk), BTreeMap::from([(11, "issued-000011.xops".to_owned())]));
        let mut second = graph();
        recall(&disk, &mut second);
        for graph in [&first, &second] {
            for number in 1..=3 {
                assert_eq!(graph.kind(EntityId([number; 16])), Some("person"));
            }
            assert_eq!(graph.kind(EntityId([4; 16])), None);
        }
    }

    #[test]
    fn a_file_that_is_damaged_stays_and_nothing_is_put_together() {
        let disk = MemoryDisk::default();
        assert!(write(&disk, 1, &issued(1)));
        disk.replace("issued-000002.xops", b"xops issued 1\nnonsense\n").expect("written");
        let mut known = graph();
        recall(&disk, &mut known);
        assert_eq!(files(&disk).len(), 2);
        assert_eq!(known.kind(EntityId([1; 16])), Some("person"), "what can be read is known");
    }
}
