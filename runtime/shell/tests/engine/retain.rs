//! Retention under a real engine: what was removed is exported, the rest verifies and folds to what it folded to before.

#![expect(clippy::unwrap_used, reason = "a test that cannot make its own journal has failed")]

use crate::fire::{Dials, rests, setup, until};
use crate::{begin, work};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use xops_journal::audit::{self, Examined};
use xops_journal::checkpoint::{Signer, read_file};
use xops_journal::disk::RealDisk;
use xops_journal::error::Error;
use xops_journal::journal::Options;
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::Reader;
use xops_journal::retain::{Retained, Wanted, retain};
use xops_journal::subjects::SubjectKeys;
use xops_journal::witness::Witness;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Setup};
use xops_shell::status::Status;

/// A tenant's data folder, and how its engine is set up: small files, and no snapshots, so that every start folds all there is.
struct World {
    dir: tempfile::TempDir,
    dials: Arc<Dials>,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), dials: Arc::default() }
    }

    fn setup(&self) -> Setup {
        let options = Options { max_file_bytes: 5_000, ..Options::default() };
        let cadence = Cadence { events: u64::MAX, events_at_stop: u64::MAX, ..Cadence::default() };
        Setup { options, cadence, ..setup(&self.dials, self.dir.path()) }
    }

    /// Runs a story on an engine; what its status was at the end.
    fn live(&self, story: impl AsyncFnOnce(&Engine)) -> Status {
        actix::System::new().block_on(async {
            let engine = Engine::start(self.setup()).await.unwrap();
            story(&engine).await;
            let status = engine.status().await;
            engine.stop().await.unwrap();
            status
        })
    }

    fn journal(&self) -> PathBuf {
        self.dir.path().join("journal")
    }

    fn export(&self) -> PathBuf {
        self.dir.path().join("export")
    }

    fn retain(&self, before: u64) -> Retained {
        let subjects = SubjectKeys::beside(&self.dir.path().join("subjects"), &key()).unwrap();
        let (dir, export, signer) = (self.journal(), self.export(), signer());
        let wanted = Wanted { dir: &dir, before, export: &export, signer: &signer, at: 7 };
        retain(&wanted, &keys(), &subjects, &mut |_, _| {}).unwrap()
    }

    fn verify(&self) -> Result<xops_journal::read::Report, Error> {
        Reader::open(&self.journal(), &keys()).and_then(|reader| reader.verify())
    }

    fn audit(&self) -> Examined {
        let checkpoints = read_file(&self.journal().join("checkpoints")).unwrap();
        let disk = RealDisk::new(&self.journal()).unwrap();
        audit::examine(&disk, &keys(), Some(&signer().public()), &checkpoints).unwrap()
    }

    /// The journal's files of frames, by name.
    fn files(&self) -> Vec<String> {
        names(&self.journal()).into_iter().filter(|name| name.contains(".redb")).collect()
    }

    fn checkpoint(&self) {
        let mut witness = Witness::new(&self.journal(), &keys(), signer(), None);
        assert!(witness.checkpoint(None, 5).unwrap().is_some());
    }
}

fn key() -> TenantKey {
    TenantKey::from_bytes([7; 32])
}

fn keys() -> Keys {
    Keys::new("test", &key())
}

fn signer() -> Signer {
    Signer::from_seed(&[5; 32], "test", "the test").unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What has to be the same before and after: how instances ended, and which are under way.
fn believed(status: &Status) -> (BTreeMap<String, u64>, Vec<u64>) {
    (status.ended.clone(), status.instances.iter().map(|instance| instance.number).collect())
}

/// A world of many files with one instance that is under way from the first to the last.
fn aged() -> (World, Status) {
    let world = World::new();
    world.dials.silent.store(true, Ordering::SeqCst);
    let status = world.live(async |engine| {
        begin(engine, vec![work("volatile", 1, 2)]).await;
        until("a call without an answer", async || world.dials.sent().len() == 1).await;
        for batch in 0..10 {
            let works = (0..10).map(|at| work("sound", batch * 10 + at, 4)).collect();
            for number in begin(engine, works).await {
                assert_eq!(rests(engine, number).await, "completed");
            }
        }
    });
    world.checkpoint();
    (world, status)
}

#[test]
fn removed_files_are_exported_and_what_is_left_folds_to_what_it_did() {
    let (world, before) = aged();
    let files = world.files();
    assert!(files.len() > 4, "{files:?}");
    let whole = world.verify().unwrap();
    let retained = world.retain(u64::MAX);
    assert!(retained.files.len() >= files.len() - 3, "{retained:?}");
    let gone: Vec<_> = retained.files.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(gone, files[..gone.len()]);
    assert_eq!(world.files(), files[gone.len()..]);
    assert!(gone.iter().all(|name| names(&world.export()).contains(name)), "{:?}", names(&world.export()));
    assert!(retained.kept < retained.events / 2, "most of it went: {retained:?}");
    let report = world.verify().unwrap();
    assert_eq!((report.removed_files, report.head), (gone.len(), whole.head));
    assert_eq!(report.events + report.removed_events + retained.kept, whole.events);
    let examined = world.audit();
    assert!(examined.findings.is_empty(), "{:?}", examined.findings);
    assert_eq!(examined.agreed, 2, "the checkpoint of the whole, and that of where the removed files end");
    // The next start folds it without a snapshot, and what was under way goes on where it was.
    let after = world.live(async |_| {});
    assert_eq!(believed(&after), believed(&before));
    world.dials.silent.store(false, Ordering::SeqCst);
    let end = world.live(async |engine| {
        assert_eq!(rests(engine, 1).await, "completed");
        let number = begin(engine, vec![work("sound", 1_000, 2)]).await[0];
        assert_eq!((number, rests(engine, number).await), (102, "completed"));
    });
    assert_eq!(end.ended["completed"], 102);
    world.checkpoint();
    assert!(world.audit().findings.is_empty());
}

#[test]
fn a_second_retention_goes_on_from_the_first_and_the_export_makes_the_journal_whole_again() {
    let (world, _) = aged();
    let first = world.retain(u64::MAX);
    assert!(world.retain(u64::MAX).files.is_empty(), "nothing is left to go");
    let grown = world.live(async |engine| {
        for batch in 0..10 {
            let works = (0..10).map(|at| work("sound", 2_000 + batch * 10 + at, 4)).collect();
            for number in begin(engine, works).await {
                assert_eq!(rests(engine, number).await, "completed");
            }
        }
    });
    let second = world.retain(u64::MAX);
    assert!(!second.files.is_empty());
    let report = world.verify().unwrap();
    assert_eq!(report.removed_files, first.files.len() + second.files.len());
    assert!(world.audit().findings.is_empty());
    assert_eq!(believed(&world.live(async |_| {})), believed(&grown));
    // Put back, the files are what they were, and nothing stands for them any more.
    for (name, _) in first.files.iter().chain(&second.files) {
        std::fs::copy(world.export().join(name), world.journal().join(name)).unwrap();
    }
    std::fs::remove_file(world.journal().join("journal.kept")).unwrap();
    assert_eq!(world.verify().unwrap().removed_files, 0);
    let examined = world.audit();
    assert!(examined.findings.is_empty() && examined.agreed >= 3, "{examined:?}");
}

#[test]
fn what_stands_for_removed_files_cannot_be_taken_away_or_changed() {
    let (world, _) = aged();
    world.retain(u64::MAX);
    let path = world.journal().join("journal.kept");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(world.verify(), Err(Error::Missing { .. })), "{:?}", world.verify());
    assert!(!world.audit().findings.is_empty());
    for at in (0..bytes.len()).step_by(bytes.len() / 23) {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        assert!(world.verify().is_err(), "byte {at} of {} was changed and nobody said so", bytes.len());
        assert!(!world.audit().findings.is_empty(), "byte {at}");
    }
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(world.verify().is_err());
    std::fs::write(&path, &bytes).unwrap();
    assert!(world.verify().is_ok());
}

#[test]
fn what_is_young_and_what_a_snapshot_goes_on_from_stays() {
    let (world, _) = aged();
    let files = world.files();
    let young = world.retain(1);
    assert!(young.files.is_empty() && young.stays.unwrap().contains("younger"), "{files:?}");
    let journal = world.journal();
    // As if a snapshot had been taken in the first file: all of it is needed from there on.
    std::fs::write(journal.join(xops_journal::snapshot::name(1)), b"a snapshot").unwrap();
    let needed = world.retain(u64::MAX);
    assert!(needed.files.is_empty() && needed.stays.unwrap().contains("snapshot"));
    assert_eq!(world.files(), files);
}
