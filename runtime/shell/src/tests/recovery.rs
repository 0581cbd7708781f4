//! A snapshot is a cache: with any of them, with a bad one and with none the same is believed.

use super::world::{About, Mood, World, begin, until_alive, within};
use crate::card::Away;
use crate::card::Card;
use crate::cut::Cadence;
use crate::keeper::Kit;
use crate::recover::{self, Fold};
use crate::snapshot::{self, Cut, place_of};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xops_journal::disk::{Disk, MemoryDisk};
use xops_journal::journal::{Journal, Options};
use xops_journal::random::System;
use xops_journal::segment::Head;
use xops_journal::snapshot::shelf::Shelf;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::id::{Digest, InstanceId, PlanId};
use xops_kernel::log::{Entry, Number, Request};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Release;
use xops_kernel::saga::state::State;
use xops_robots::service;

/// Everything that recovery believes, wherever it keeps it.
#[derive(Debug, PartialEq)]
struct Believed {
    state: service::State,
    states: BTreeMap<Number, (String, State)>,
    breakers: BTreeMap<String, Millis>,
    at: Millis,
}

fn believed(mut fold: Fold, subjects: &SubjectKeys) -> Believed {
    let shared = World::shared();
    let mut shelf = fold.shelf.take().unwrap();
    let away: Vec<(Number, u64)> = fold.state.shelved.iter().map(|(number, at)| (*number, *at)).collect();
    for (number, at) in away {
        let card: Card = shelf.get(place_of(at), subjects).unwrap().unwrap();
        assert_eq!(card.number, number);
        let (running, live) = card.bring_back(&shared);
        fold.state.bring_back(number, running);
        fold.live.insert(number, live);
    }
    let states = fold.live.into_iter().map(|(number, live)| (number, (live.handle, live.state)));
    Believed { state: fold.state, states: states.collect(), breakers: fold.breakers, at: fold.at }
}

fn empty_fold(disk: &Arc<dyn Disk>) -> Fold {
    let shelf = Shelf::empty(Arc::clone(disk), Box::new(System::default()), &World::keys()).unwrap();
    Fold::on(shelf)
}

fn fold(entries: &[Entry], mut fold: Fold, subjects: &SubjectKeys) -> Fold {
    for entry in entries {
        fold.take(&World::shared(), subjects, entry.clone()).unwrap();
    }
    fold
}

/// A run with everything in it: instances that end, that wait for a person, that wait for a time, that are under way.
fn run(world: &World) {
    actix::System::new().block_on(async {
        let engine = world.start().await;
        let ended = begin(&engine, 0..8, About::Person).await;
        for number in ended {
            within("an instance", engine.rest(number)).await;
        }
        world.mood(Mood::No);
        let parked = begin(&engine, 8..20, About::Person).await;
        until_alive(&engine, 0).await;
        world.mood(Mood::Later(600_000));
        begin(&engine, 20..30, About::Nobody).await;
        until_alive(&engine, 0).await;
        world.mood(Mood::Yes);
        for number in &parked[..4] {
            engine.release(*number, "ada", Release::Retry).await.unwrap();
        }
        for number in &parked[..4] {
            within("an instance", engine.rest(*number)).await;
        }
        engine.turn(parked[5], "ada", "enough").await.unwrap();
        begin(&engine, 30..40, About::Nobody).await;
        engine.stop().await.unwrap();
    });
}

fn entries(world: &World, subjects: &SubjectKeys) -> (Vec<Entry>, Head) {
    let disk = Arc::clone(&world.disk) as Arc<dyn Disk>;
    let (journal, _) =
        Journal::open_on(disk, &System::default(), &World::keys(), Options::default()).unwrap();
    let mut entries = Vec::new();
    let walked = journal.replay(1, |_, stream, body| {
        match stored::decode(stream, body, subjects).unwrap() {
            Decoded::Entry(entry) => entries.push(*entry),
            Decoded::Erased(_) => panic!("nobody was erased"),
        }
        ControlFlow::Continue(())
    });
    walked.unwrap();
    let head = journal.head();
    (entries, head)
}

/// A card as it was written while it held every id.
#[derive(serde::Serialize)]
struct Earlier<'a> {
    number: Number,
    instance: InstanceId,
    epoch: u32,
    handle: &'a str,
    request: &'a Request,
    plan: &'a Plan,
    state: &'a State,
}

#[test]
fn a_card_of_an_earlier_version_and_one_whose_ids_follow_from_nothing_come_back_as_they_were() {
    let world = World::new();
    run(&world);
    let keys = world.subjects();
    let fold = fold(&entries(&world, &keys).0, empty_fold(&(Arc::new(MemoryDisk::default()) as _)), &keys);
    let (shared, disk) = (World::shared(), Arc::new(MemoryDisk::default()) as Arc<dyn Disk>);
    let mut shelf = Shelf::empty(disk, Box::new(System::default()), &World::keys()).unwrap();
    for (number, live) in fold.live {
        let running = Arc::clone(&fold.state.running[&number]);
        let given = (running.instance, live.saga.plan.id);
        let earlier = Earlier {
            number,
            instance: running.instance,
            epoch: 3,
            handle: &live.handle,
            request: &running.request,
            plan: &live.saga.plan,
            state: &live.state,
        };
        let check = |shelf: &mut Shelf, place: u64, (instance, plan): (InstanceId, PlanId)| {
            let card: Card = shelf.get(place, &keys).unwrap().unwrap();
            assert_eq!((card.number, card.id(&shared.key)), (number, instance));
            let (running, back) = card.bring_back(&shared);
            assert_eq!((running.instance, running.plan, back.saga.plan.id), (instance, plan, plan));
            assert_eq!(
                (back.state, back.saga.plan.steps.len()),
                (live.state.clone(), live.saga.plan.steps.len())
            );
        };
        let place = shelf.put(&earlier, None, &keys).unwrap().unwrap();
        check(&mut shelf, place, given);
        // An id that follows from nothing, and one that is computed again.
        let derived = (*live.saga.plan).clone().sealed(&shared.key).id;
        let derived = (InstanceId::of(running.request.id, derived), derived);
        assert_ne!(given, derived);
        for (instance, plan) in
            [given, derived, (InstanceId([7; 16]), derived.1), (derived.0, PlanId(Digest([9; 32])))]
        {
            let running = Arc::new(service::Running { instance, ..(*running).clone() });
            let plan = Arc::new(Plan { id: plan, ..(*live.saga.plan).clone() });
            let (handle, state) = (live.handle.clone(), live.state.clone());
            let away = Away { number, epoch: 3, handle, running, plan, state };
            let place = shelf.put(&away.card(&shared.key), None, &keys).unwrap().unwrap();
            check(&mut shelf, place, (instance, away.plan.id));
        }
    }
}

#[test]
fn whoever_asks_while_instances_are_resumed_is_answered_and_what_comes_for_one_of_them_is_not_lost() {
    const COUNT: u64 = 600;
    let world = World::new();
    world.mood(Mood::Silent);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        begin(&engine, 0..COUNT, About::Nobody).await;
        engine.stop().await.unwrap();
    });
    world.mood(Mood::Yes);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        let view = engine.service().send(crate::letter::Look).await.unwrap();
        assert_eq!(view.running.len() as u64, COUNT);
        let waits = view.running.iter().filter(|(.., word)| *word == "starting").count();
        assert!(waits > 0, "it answers before all are resumed");
        // The last one has its turn last.
        within("an instance", engine.turn(COUNT, "ada", "enough")).await.unwrap();
        for number in 1..=COUNT {
            let end = within("an instance", engine.rest(number)).await;
            assert_eq!(end, Some(if number == COUNT { "undone" } else { "completed" }), "instance {number}");
        }
        engine.stop().await.unwrap();
    });
}

#[test]
fn a_snapshot_at_any_place_and_what_follows_fold_to_what_everything_folds_to() {
    let world = World::new();
    run(&world);
    let subjects = Arc::new(Mutex::new(world.subjects()));
    let keys = subjects.lock().unwrap();
    let (entries, _) = entries(&world, &keys);
    assert!(entries.len() > 300, "{}", entries.len());
    let whole = believed(fold(&entries, empty_fold(&(Arc::new(MemoryDisk::default()) as _)), &keys), &keys);
    drop(keys);
    for cut_at in (0..=entries.len()).step_by(3) {
        for sweep in [false, true] {
            let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
            let keys = subjects.lock().unwrap();
            let mut before = fold(&entries[..cut_at], empty_fold(&disk), &keys);
            if sweep {
                before.sweep(&keys).unwrap();
            }
            drop(keys);
            let place = Head { seq: cut_at as u64, hash: [5; 32] };
            let mut kit = Kit {
                disk: Arc::clone(&disk),
                keys: World::keys(),
                subjects: Arc::clone(&subjects),
                shelf: before.shelf.take().unwrap(),
                digest: World::shared().key,
                kept: 2,
            };
            let live = before.live.into_iter().map(|(number, live)| Away {
                number,
                epoch: live.epoch,
                handle: live.handle,
                running: Arc::clone(&before.state.running[&number]),
                plan: live.saga.plan,
                state: live.state,
            });
            let live = live.collect();
            let (timers, breakers, at) = (before.timers, before.breakers, before.at);
            let cut = Cut { live, state: before.state, timers, breakers, at };
            snapshot::write(&mut kit, &cut, place).unwrap();
            drop(kit);
            let keys = subjects.lock().unwrap();
            let restored = snapshot::read(&disk, place.seq, &World::keys(), &keys).unwrap();
            assert_eq!(restored.place, place);
            let after = fold(&entries[cut_at..], Fold::of(restored, &World::shared()), &keys);
            assert_eq!(believed(after, &keys), whole, "cut at {cut_at}, sweep {sweep}");
        }
    }
}

fn recovered(world: &World) -> (Believed, u64) {
    let disk = Arc::clone(&world.disk) as Arc<dyn Disk>;
    let keyring = || Ok(world.subjects());
    let opened = recover::open(&disk, &World::keys(), keyring, Options::default(), &World::shared()).unwrap();
    (believed(opened.fold, &opened.subjects), opened.tail)
}

/// Removes what is not the journal: what is believed then is the truth.
fn forget_caches(world: &World) {
    for name in world.files("snapshot-").into_iter().chain(world.files("shelf-")) {
        world.disk.remove(&name).unwrap();
    }
}

#[test]
fn snapshots_that_are_cut_while_everything_runs_hold_what_the_journal_folds_to() {
    for round in 0..6 {
        let mut world = World::new();
        world.cadence = Cadence { events: 7 + round * 5, every: Duration::ZERO, growth: 0, ..world.cadence };
        run(&world);
        assert!(!world.files("snapshot-").is_empty());
        let (with, tail) = recovered(&world);
        forget_caches(&world);
        let (without, all) = recovered(&world);
        assert!(tail < all, "a snapshot was used: {tail} of {all}");
        assert_eq!(with, without);
    }
}

/// How many snapshots are looked at, at the least, and how often work is begun until there are as many.
const SNAPSHOTS_MIN: usize = 5;
const ROUNDS_MAX: u64 = 10;

#[test]
fn every_snapshot_that_was_cut_in_the_middle_of_many_steps_holds_each_instance_as_it_was() {
    let mut world = World::new();
    world.cadence = Cadence { events: 20, every: Duration::ZERO, growth: 0, kept: 10_000, ..world.cadence };
    actix::System::new().block_on(async {
        let engine = world.start().await;
        // How many are cut hangs on how soon the keeper has its turn: on a loaded machine more work is needed for as many.
        for round in 0..ROUNDS_MAX {
            let numbers = begin(&engine, round * 400..(round + 1) * 400, About::Nobody).await;
            for number in numbers {
                within("an instance", engine.rest(number)).await;
            }
            if world.files("snapshot-").len() > SNAPSHOTS_MIN {
                break;
            }
        }
        engine.stop().await.unwrap();
    });
    let mut names = world.files("snapshot-");
    assert!(names.len() > SNAPSHOTS_MIN, "{}", names.len());
    let files: BTreeMap<String, Vec<u8>> =
        names.iter().map(|name| (name.clone(), world.disk.read(name).unwrap())).collect();
    forget_caches(&world);
    let (whole, all) = recovered(&world);
    let mut under_way = 0;
    while let Some(name) = names.pop() {
        world.disk.put(&name, files[&name].clone());
        let seq = name.trim_start_matches("snapshot-").trim_end_matches(".xops").parse().unwrap();
        let disk = Arc::clone(&world.disk) as Arc<dyn Disk>;
        let subjects = world.subjects();
        under_way += snapshot::read(&disk, seq, &World::keys(), &subjects).unwrap().live.len();
        drop(subjects);
        let (found, tail) = recovered(&world);
        assert!(tail < all, "{name} was set aside");
        assert_eq!(found, whole, "{name}");
        forget_caches(&world);
    }
    assert!(under_way > 100, "some were under way: {under_way}");
}

#[test]
fn a_snapshot_that_is_altered_is_set_aside_and_everything_is_folded() {
    let world = World::new();
    world.mood(Mood::No);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        begin(&engine, 0..12, About::Person).await;
        until_alive(&engine, 0).await;
        within("a snapshot", engine.snapshot()).await;
        engine.stop().await.unwrap();
    });
    let names = world.files("snapshot-");
    let good = world.disk.read(&names[0]).unwrap();
    let shelf = world.files("shelf-");
    let shelf_bytes = world.disk.read(&shelf[0]).unwrap();
    let (expected, tail) = recovered(&world);
    assert!(tail < 5, "{tail}");
    for harm in 0..3 {
        world.disk.put(&names[0], good.clone());
        world.disk.put(&shelf[0], shelf_bytes.clone());
        match harm {
            0 => {
                let mut bad = good.clone();
                bad[good.len() / 2] ^= 1;
                world.disk.put(&names[0], bad);
            }
            // What it refers to is gone.
            1 => world.disk.remove(&shelf[0]).unwrap(),
            // It is of a journal that this one does not lead to: the place is in clear, and the hash can be forged.
            _ => {
                let mut bad = good.clone();
                bad[16] ^= 1;
                let end = bad.len() - 32;
                let hash = blake3::hash(&bad[..end]);
                bad[end..].copy_from_slice(hash.as_bytes());
                world.disk.put(&names[0], bad);
            }
        }
        let (found, tail) = recovered(&world);
        assert!(tail > 50, "everything is folded: {tail}");
        assert_eq!(found, expected, "harm {harm}");
        assert!(world.files(&format!("{}.bad", names[0])).len() == 1, "harm {harm}");
        world.disk.remove(&format!("{}.bad", names[0])).unwrap();
    }
}
