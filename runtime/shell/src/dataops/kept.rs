//! What was read, kept beside the journal: where a read of changes begins, together with everything that came before it.
//!
//! Absent: any decision. Invariants: a place is kept only with the records that it follows; changes are kept behind what they follow,
//! and only if they follow it without a gap, so nothing is ever missing without being missed; what was read under another manifest,
//! configuration or principal, or is damaged, was never kept; whatever cannot be kept is read again.

use crate::tenant::Tenant;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use xops_graph::reading::Reading;
use xops_journal::disk::Disk;
use xops_journal::keys::Keys;
use xops_journal::random::System as Random;
use xops_journal::snapshot::Bad;
use xops_journal::snapshot::held::{self, Writing};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::canon::Canon;
use xops_kernel::port::ReadContract;
use xops_kernel::record::{Millis, Record};
use xops_kernel::value::Value;
use xops_robots::dataops::progress::{Place, Taken, Target};
use xops_robots::dataops::scope;

/// How many readings of changes are kept behind one of everything before all are written as one.
const TAILS_MAX: u32 = 64;
/// How many records one piece holds.
const RECORDS_A_PIECE: usize = 100;

/// What is written. Append-only: variants are known by their position.
#[derive(Serialize, Deserialize)]
enum Piece {
    /// Once: what it follows (nothing for a reading of everything), and where the next one begins.
    Begins { follows: Option<Millis>, place: Place },
    /// Records that are there.
    Records(Vec<Record>),
    /// Ids of records that are gone.
    Gone(Vec<String>),
}

/// A reading that was kept.
pub(super) struct Held {
    pub(super) target: Target,
    pub(super) place: Place,
    pub(super) reading: Reading,
}

/// Keeps what is read of one system.
pub(super) struct Kept {
    disk: Arc<dyn Disk>,
    keys: Keys,
    /// The keyring, as long as somebody writes the journal.
    ring: Weak<Mutex<SubjectKeys>>,
    /// Reads of everything that are handed on in parts.
    parts: RefCell<BTreeMap<String, Writing>>,
    system: String,
    /// What what is kept was read by: the manifest, the configuration, the principal.
    meaning: [u8; 32],
}

impl Kept {
    /// For `system`, where anything is kept of it.
    pub(super) fn of(tenant: &Tenant, system: &str) -> Option<Self> {
        let edition = tenant.shared.connector.edition(system)?;
        let mut canon = Canon::new("xops held readings 1");
        let config = tenant.shared.systems.get(system).cloned().unwrap_or_default();
        canon.raw(&edition.0).text(system).text(&tenant.declarations.principal).value(&Value::Map(config));
        Some(Self {
            disk: Arc::clone(tenant.disk.as_ref()?),
            keys: tenant.keys.as_ref()?.0.clone(),
            ring: tenant.keys.as_ref()?.1.clone(),
            parts: RefCell::default(),
            system: system.to_owned(),
            meaning: canon.digest().0,
        })
    }

    /// Of a read by itself: what is read for each of a kind is many, and read again.
    fn what(&self, contracts: &[ReadContract], target: &Target) -> Option<String> {
        let contract = contracts.iter().find(|contract| contract.name == target.read)?;
        let kept = target.parameter.is_none() && scope::goes_on(contracts, contract);
        kept.then(|| format!("{}-{}", self.system, contract.name))
    }

    /// Keeps what was taken in. What cannot be kept is forgotten, so that what is there is never older than the next place.
    pub(super) fn take(&self, contracts: &[ReadContract], target: &Target, taken: &Taken) {
        let Some(what) = self.what(contracts, target) else { return };
        let (reading, records) = (&taken.reading, &taken.reading.records);
        let begun = self.parts.borrow_mut().remove(&what);
        let kept = match (&taken.place, &taken.follows) {
            _ if taken.part => self.part(&what, begun, records),
            (Some(place), None) if reading.complete => self.whole(&what, begun, place, records),
            (Some(place), Some(follows)) if reading.failed.is_none() => {
                self.changes(&what, follows.at, place, records, &follows.gone)
            }
            // Broken off: what was kept is as good as before.
            _ if reading.failed.is_some() => return,
            _ => Err(Bad::Damaged("the system does not say where the next read begins".to_owned())),
        };
        if let Err(why) = kept {
            tracing::debug!(system = self.system, what, %why, "what was read is not kept: the next process reads it again");
            self.forget(&what);
        }
    }

    /// Does something with the keyring.
    fn with<T>(&self, what: impl FnOnce(&mut SubjectKeys) -> Result<T, Bad>) -> Result<T, Bad> {
        let ring = self.ring.upgrade().ok_or_else(|| Bad::Damaged("the journal is closed".to_owned()))?;
        what(&mut ring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget(&self, what: &str) {
        if let Err(error) = held::forget(&*self.disk, Some(what)) {
            tracing::warn!(system = self.system, what, %error, "failed to forget what was read");
        }
    }

    fn begin(&self, name: &str) -> Result<Writing, Bad> {
        self.with(|ring| Writing::begin((&self.keys, ring), &Random::default(), (name, &self.meaning)))
    }

    fn push(&self, writing: &mut Writing, records: &[Record]) -> Result<(), Bad> {
        self.with(|ring| {
            let mut pieces = records.chunks(RECORDS_A_PIECE).map(|chunk| Piece::Records(chunk.to_vec()));
            pieces.try_for_each(|piece| writing.push(&piece, ring))
        })
    }

    fn part(&self, what: &str, begun: Option<Writing>, records: &[Record]) -> Result<(), Bad> {
        let mut writing = begun.map_or_else(|| self.begin(&held::name(what, 0)), Ok)?;
        self.push(&mut writing, records)?;
        self.parts.borrow_mut().insert(what.to_owned(), writing);
        Ok(())
    }

    /// The changes go first: without what they follow they are nothing, and what they follow is good without them.
    fn whole(
        &self,
        what: &str,
        begun: Option<Writing>,
        place: &Place,
        records: &[Record],
    ) -> Result<(), Bad> {
        let mut writing = begun.map_or_else(|| self.begin(&held::name(what, 0)), Ok)?;
        self.push(&mut writing, records)?;
        let begins = Piece::Begins { follows: None, place: place.clone() };
        self.with(|ring| writing.push(&begins, ring))?;
        held::forget(&*self.disk, Some(what))?;
        writing.finish(&*self.disk)?;
        Ok(())
    }

    fn changes(
        &self,
        what: &str,
        follows: Millis,
        place: &Place,
        records: &[Record],
        gone: &[String],
    ) -> Result<(), Bad> {
        let there = |part: u32| held::is_there(&*self.disk, &held::name(what, part));
        if !there(0) {
            return Err(Bad::Damaged("what it follows is not kept".to_owned()));
        }
        if let Some(part) = (1..=TAILS_MAX).find(|part| !there(*part)) {
            let mut writing = self.begin(&held::name(what, part))?;
            self.push(&mut writing, records)?;
            let begins = Piece::Begins { follows: Some(follows), place: place.clone() };
            let gone = gone.chunks(RECORDS_A_PIECE).map(|chunk| Piece::Gone(chunk.to_vec()));
            let mut pieces = gone.chain([begins]);
            self.with(|ring| pieces.try_for_each(|piece| writing.push(&piece, ring)))?;
            writing.finish(&*self.disk)?;
            return Ok(());
        }
        let (before, mut all) = self.read(what)?;
        if before.at != follows {
            return Err(Bad::Damaged("it does not follow what is kept".to_owned()));
        }
        join(&mut all, records.to_vec(), gone);
        self.whole(what, None, place, &all.into_values().collect::<Vec<_>>())
    }

    /// What is kept: everything, with the changes behind it.
    fn read(&self, what: &str) -> Result<(Place, BTreeMap<String, Record>), Bad> {
        let mut all = BTreeMap::new();
        let mut at: Option<Place> = None;
        for part in 0..=TAILS_MAX {
            let name = held::name(what, part);
            if !held::is_there(&*self.disk, &name) {
                break;
            }
            let (mut begins, mut records, mut gone) = (None, Vec::new(), Vec::new());
            let visit = |piece| match piece {
                Piece::Begins { follows, place } => begins = Some((follows, place)),
                Piece::Records(more) => records.extend(more),
                Piece::Gone(more) => gone.extend(more),
            };
            let named = (name.as_str(), &self.meaning);
            self.with(|ring| held::read(&*self.disk, (&self.keys, ring), named, visit))?;
            let (follows, place) = begins.ok_or_else(|| Bad::Damaged("it lacks its place".to_owned()))?;
            if follows != at.map(|before| before.at) {
                return Err(Bad::Damaged("changes do not follow what stands before them".to_owned()));
            }
            join(&mut all, records, &gone);
            at = Some(place);
        }
        at.map(|place| (place, all)).ok_or_else(|| Bad::Damaged("nothing is kept".to_owned()))
    }

    /// Everything that is kept and may be gone on from.
    pub(super) fn restore(&self, contracts: &[ReadContract]) -> Vec<Held> {
        let mut all = Vec::new();
        for contract in contracts {
            let target = Target { read: contract.name.clone(), parameter: None };
            let Some(what) = self.what(contracts, &target) else { continue };
            if !held::is_there(&*self.disk, &held::name(&what, 0)) {
                continue;
            }
            match self.read(&what) {
                Ok((place, records)) => {
                    let (system, read, kind) = (&contract.system, &contract.name, &contract.kind);
                    let records = records.into_values().collect();
                    let reading = Reading::complete(system, read, kind, place.at, records);
                    all.push(Held { target, place, reading });
                }
                Err(why) => {
                    tracing::info!(system = self.system, what, %why, "what was kept is not used: it is read again");
                    self.forget(&what);
                }
            }
        }
        all
    }
}

/// Changes what is there. What is said of an object counts, whatever was said before.
fn join(all: &mut BTreeMap<String, Record>, records: Vec<Record>, gone: &[String]) {
    for id in gone {
        all.remove(id);
    }
    all.extend(records.into_iter().map(|record| (record.source.id.clone(), record)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_graph::reading::Follows;
    use xops_journal::disk::MemoryDisk;
    use xops_journal::erase;
    use xops_journal::keys::TenantKey;
    use xops_kernel::port::Delta;
    use xops_kernel::record::Source;
    use xops_kernel::value::Values;

    type Ring = (Keys, Arc<Mutex<SubjectKeys>>);

    /// A disk for what is kept, and a keyring elsewhere.
    fn beside() -> (Arc<MemoryDisk>, Ring) {
        let (key, elsewhere) = (TenantKey::from_bytes([7; 32]), MemoryDisk::default());
        let ring = SubjectKeys::open_on(&elsewhere, "subjects", &key, Arc::new(Random::default())).unwrap();
        (Arc::new(MemoryDisk::default()), (Keys::new("acme", &key), Arc::new(Mutex::new(ring))))
    }

    fn kept(disk: &Arc<MemoryDisk>, ring: &Ring, meaning: u8) -> Kept {
        Kept {
            disk: Arc::clone(disk) as Arc<dyn Disk>,
            keys: ring.0.clone(),
            ring: Arc::downgrade(&ring.1),
            parts: RefCell::default(),
            system: "okta".to_owned(),
            meaning: [meaning; 32],
        }
    }

    fn contracts() -> Vec<ReadContract> {
        let read = |name: &str, delta| ReadContract {
            system: "okta".to_owned(),
            name: name.to_owned(),
            kind: name.to_owned(),
            delta,
            ..ReadContract::default()
        };
        vec![read("users", Delta::ChangesAndGone), read("apps", Delta::Changes)]
    }

    fn target(read: &str) -> Target {
        Target { read: read.to_owned(), parameter: None }
    }

    fn record(id: &str, read_at: Millis) -> Record {
        let source =
            Source { system: "okta".to_owned(), kind: "users".to_owned(), id: id.to_owned(), version: None };
        Record {
            source,
            attributes: Values::from([("id".to_owned(), id.into())]),
            read_at,
            principal: "svc".to_owned(),
        }
    }

    /// A reading that began at `at`: of everything, or of what changed since `follows`.
    fn taken(at: Millis, follows: Option<Millis>, there: &[&str], gone: &[&str]) -> Taken {
        let records = there.iter().map(|id| record(id, at)).collect();
        let mut reading = Reading::complete("okta", "users", "users", at, records);
        reading.complete = follows.is_none();
        let gone = gone.iter().map(|id| (*id).to_owned()).collect();
        let place = Some(Place { since: format!("s{at}"), at, whole_at: 1 });
        Taken { reading, follows: follows.map(|at| Follows { at, gone }), place, part: false }
    }

    /// What a next process would find: `since: ids`.
    fn found(kept: &Kept) -> String {
        let tell = |held: Held| {
            let ids: Vec<_> = held.reading.records.iter().map(|record| record.source.id.clone()).collect();
            assert!(held.reading.complete && held.reading.at == held.place.at);
            format!("{}: {}", held.place.since, ids.join(" "))
        };
        kept.restore(&contracts()).into_iter().map(tell).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn a_next_process_finds_everything_with_the_changes_behind_it() {
        let (disk, ring) = beside();
        let kept_ = kept(&disk, &ring, 1);
        kept_.take(&contracts(), &target("users"), &taken(10, None, &["a", "b", "c"], &[]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s10: a b c");
        kept_.take(&contracts(), &target("users"), &taken(20, Some(10), &["d"], &["a"]));
        kept_.take(&contracts(), &target("users"), &taken(30, Some(20), &[], &[]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s30: b c d");
        kept_.take(&contracts(), &target("users"), &taken(40, None, &["e"], &[]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s40: e", "everything takes the place of what was before");
    }

    #[test]
    fn parts_are_kept_with_the_last_of_them_and_not_before() {
        let (disk, ring) = beside();
        let kept_ = kept(&disk, &ring, 1);
        let part = |at, there: &[&str]| Taken { part: true, place: None, ..taken(at, Some(0), there, &[]) };
        kept_.take(&contracts(), &target("users"), &taken(10, None, &["old"], &[]));
        kept_.take(&contracts(), &target("users"), &part(20, &["a", "b"]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s10: old");
        kept_.take(&contracts(), &target("users"), &part(20, &["c"]));
        kept_.take(&contracts(), &target("users"), &taken(20, None, &["d"], &[]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s20: a b c d");
        // Parts of a read that broke off belong to nothing.
        kept_.take(&contracts(), &target("users"), &part(30, &["e"]));
        let mut broken = taken(30, Some(20), &[], &[]);
        (broken.reading.failed, broken.follows, broken.place) = (Some("it broke off".to_owned()), None, None);
        kept_.take(&contracts(), &target("users"), &broken);
        kept_.take(&contracts(), &target("users"), &taken(40, None, &["f"], &[]));
        assert_eq!(found(&kept(&disk, &ring, 1)), "s40: f");
    }

    #[test]
    fn many_changes_become_one_and_nothing_is_lost() {
        let (disk, ring) = beside();
        let kept_ = kept(&disk, &ring, 1);
        kept_.take(&contracts(), &target("users"), &taken(10, None, &["a"], &[]));
        for at in 11..=Millis::from(TAILS_MAX) + 15 {
            kept_.take(&contracts(), &target("users"), &taken(at, Some(at - 1), &[&format!("n{at}")], &[]));
        }
        let last = Millis::from(TAILS_MAX) + 15;
        let told = found(&kept(&disk, &ring, 1));
        assert!(
            told.starts_with(&format!("s{last}: a n11 ")) && told.ends_with(&format!("n{last}")),
            "{told}"
        );
        assert_eq!(told.split(' ').count(), 2 + usize::try_from(last - 10).unwrap());
        assert!(disk.list().unwrap().len() < 10);
    }

    #[test]
    fn a_gap_a_flipped_bit_another_meaning_and_a_missing_beginning_are_read_again() {
        let broken = |change: &dyn Fn(&Arc<MemoryDisk>, &Ring), meaning: u8| {
            let (disk, ring) = beside();
            let kept_ = kept(&disk, &ring, 1);
            kept_.take(&contracts(), &target("users"), &taken(10, None, &["a", "b"], &[]));
            kept_.take(&contracts(), &target("users"), &taken(20, Some(10), &["c"], &["a"]));
            change(&disk, &ring);
            assert_eq!(found(&kept(&disk, &ring, meaning)), "");
            assert!(!held::is_there(&*disk, &held::name("okta-users", 0)), "it is forgotten");
        };
        let flip = |part: u32| {
            move |disk: &Arc<MemoryDisk>, _: &Ring| {
                let name = held::name("okta-users", part);
                let mut bytes = disk.read(&name).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                disk.put(&name, bytes);
            }
        };
        broken(&flip(0), 1);
        broken(&flip(1), 1);
        broken(&|_, _| {}, 2);
        broken(&|disk, _| disk.remove(&held::name("okta-users", 0)).unwrap(), 1);
        // Changes that follow another reading than the one that is kept.
        let gap = |disk: &Arc<MemoryDisk>, ring: &Ring| {
            kept(disk, ring, 1).take(&contracts(), &target("users"), &taken(40, Some(30), &["d"], &[]));
        };
        broken(&gap, 1);
        // One part under the name of another.
        broken(
            &|disk, _| {
                let first = disk.read(&held::name("okta-users", 0)).unwrap();
                disk.put(&held::name("okta-users", 1), first);
            },
            1,
        );
    }

    #[test]
    fn only_what_may_be_gone_on_from_is_kept_and_an_erasure_removes_all() {
        let (disk, ring) = beside();
        let kept_ = kept(&disk, &ring, 1);
        kept_.take(&contracts(), &target("apps"), &taken(10, None, &["a"], &[]));
        let parameter = Target { parameter: Some("g".to_owned()), ..target("users") };
        kept_.take(&contracts(), &parameter, &taken(10, None, &["a"], &[]));
        assert!(disk.list().unwrap().is_empty());
        kept_.take(&contracts(), &target("users"), &taken(10, None, &["secret.person"], &[]));
        let mut broken = taken(20, Some(10), &[], &[]);
        broken.reading.failed = Some("it broke off".to_owned());
        broken.follows = None;
        kept_.take(&contracts(), &target("users"), &broken);
        assert_eq!(found(&kept_), "s10: secret.person", "what was kept is as good as before");
        let bytes = disk.read(&held::name("okta-users", 0)).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"secret"), "it is sealed");
        // Where the file was copied before somebody was erased, the copy says nothing any more.
        let somebody = [3; 16];
        ring.1.lock().unwrap().get_or_create(somebody).unwrap();
        assert_eq!(erase::destroy(&mut ring.1.lock().unwrap(), &[(somebody, 1)]).unwrap(), 1);
        assert_eq!(found(&kept_), "", "it was forgotten with them");
        disk.put(&held::name("okta-users", 0), bytes);
        assert_eq!(found(&kept_), "", "and so was a copy");
        kept_.take(&contracts(), &target("users"), &taken(20, None, &["a"], &[]));
        assert_eq!(found(&kept_), "s20: a", "what is read from then on is kept again");
        assert_eq!(held::forget(&*disk, None).unwrap(), 1);
        kept_.take(&contracts(), &target("users"), &taken(30, Some(20), &["a"], &[]));
        assert_eq!(found(&kept_), "", "changes without what they follow are nothing");
    }
}
