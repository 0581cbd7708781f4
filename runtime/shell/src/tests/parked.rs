//! Instances that wait leave memory, and come back on their event as if they had never left.

use super::world::{About, Mood, World, begin, until_alive, within};
use crate::engine::Engine;
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use xops_journal::disk::Disk;
use xops_kernel::log::Number;
use xops_kernel::saga::event::Release;

async fn release_all(engine: &Engine, numbers: &[Number]) {
    for number in numbers {
        assert_eq!(within("a release", engine.release(*number, "ada", Release::Retry)).await, Ok(1));
    }
}

/// Waits until so many came to this end.
async fn until_ended(engine: &Engine, end: &str, count: usize) {
    within("their ends", async {
        while engine.status().await.ended.get(end) != Some(&(count as u64)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[test]
fn what_waits_for_a_person_leaves_memory_and_goes_on_when_one_decides() {
    for about in [About::Nobody, About::Person] {
        let world = World::new();
        actix::System::new().block_on(async {
            let engine = world.start().await;
            world.mood(Mood::No);
            let numbers = begin(&engine, 0..60, about).await;
            until_alive(&engine, 0).await;
            assert_eq!(within("a rest", engine.rest(numbers[7])).await, Some("parked"));
            let status = engine.status().await;
            assert_eq!(status.instances.len(), 60);
            assert!(
                status.instances.iter().all(|it| it.state == "parked" && it.entity.starts_with("sarah.chen"))
            );
            // Asked again and answered the same, it goes away again.
            release_all(&engine, &numbers[..5]).await;
            until_alive(&engine, 0).await;
            world.mood(Mood::Yes);
            release_all(&engine, &numbers).await;
            until_ended(&engine, "completed", numbers.len()).await;
            assert_eq!(engine.status().await.instances.len(), 0);
            engine.stop().await.unwrap();
        });
    }
}

#[test]
fn what_rests_until_a_time_comes_back_at_that_time_and_not_before() {
    let world = World::new();
    actix::System::new().block_on(async {
        let engine = world.start().await;
        world.mood(Mood::Later(1_500));
        let begun = Instant::now();
        let numbers = begin(&engine, 0..40, About::Nobody).await;
        until_alive(&engine, 0).await;
        world.mood(Mood::Yes);
        until_ended(&engine, "completed", numbers.len()).await;
        assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
        engine.stop().await.unwrap();
    });
}

#[test]
fn several_events_for_one_that_is_away_reach_it_in_order() {
    let world = World::new();
    actix::System::new().block_on(async {
        let engine = world.start().await;
        world.mood(Mood::No);
        let numbers = begin(&engine, 0..20, About::Person).await;
        until_alive(&engine, 0).await;
        // Turned back before the release arrives: there is nothing to undo, and nothing goes forward any more.
        for number in &numbers {
            let (turned, _no_longer_parked) = futures_util::future::join(
                engine.turn(*number, "ada", "enough"),
                engine.release(*number, "ada", Release::Failed),
            )
            .await;
            assert!(turned.is_ok());
        }
        until_ended(&engine, "undone", numbers.len()).await;
        engine.stop().await.unwrap();
    });
}

#[test]
fn what_was_away_is_still_away_after_a_restart_and_goes_on() {
    for snapshot in [true, false] {
        let world = World::new();
        world.mood(Mood::No);
        let numbers = actix::System::new().block_on(async {
            let engine = world.start().await;
            let numbers = begin(&engine, 0..50, About::Person).await;
            until_alive(&engine, 0).await;
            if snapshot {
                within("a snapshot", engine.snapshot()).await;
                assert_eq!(world.files("snapshot-").len(), 1);
            }
            engine.stop().await.unwrap();
            numbers
        });
        world.mood(Mood::Yes);
        actix::System::new().block_on(async {
            let engine = world.start().await;
            assert_eq!(engine.tenant().hub.alive(), 0, "nobody was brought back by the start alone");
            assert_eq!(engine.status().await.instances.len(), 50);
            release_all(&engine, &numbers).await;
            until_ended(&engine, "completed", numbers.len()).await;
            engine.stop().await.unwrap();
        });
    }
}

#[test]
fn a_time_that_passed_while_the_process_was_down_has_come_after_the_restart() {
    let world = World::new();
    world.mood(Mood::Later(1_200));
    let numbers = actix::System::new().block_on(async {
        let engine = world.start().await;
        let numbers = begin(&engine, 0..10, About::Nobody).await;
        until_alive(&engine, 0).await;
        within("a snapshot", engine.snapshot()).await;
        engine.stop().await.unwrap();
        numbers
    });
    // Their time comes while nobody is there.
    std::thread::sleep(Duration::from_millis(1_300));
    world.mood(Mood::Yes);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        until_ended(&engine, "completed", numbers.len()).await;
        engine.stop().await.unwrap();
    });
}

#[test]
fn what_lies_on_a_damaged_shelf_is_folded_out_of_the_journal_at_the_next_start() {
    let world = World::new();
    world.mood(Mood::No);
    let numbers = actix::System::new().block_on(async {
        let engine = world.start().await;
        let numbers = begin(&engine, 0..30, About::Person).await;
        until_alive(&engine, 0).await;
        within("a snapshot", engine.snapshot()).await;
        engine.stop().await.unwrap();
        numbers
    });
    // The snapshot is good; what it refers to opens no more.
    let shelf = world.files("shelf-").remove(0);
    let mut bytes = world.disk.read(&shelf).unwrap();
    bytes[100] ^= 1;
    world.disk.put(&shelf, bytes);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        assert_eq!(engine.tenant().hub.alive(), 0);
        let refused = within("a release", engine.release(numbers[3], "ada", Release::Retry)).await;
        assert!(refused.is_err(), "it cannot be read");
        engine.stop().await.unwrap();
    });
    world.mood(Mood::Yes);
    actix::System::new().block_on(async {
        let engine = world.start().await;
        release_all(&engine, &numbers).await;
        until_ended(&engine, "completed", numbers.len()).await;
        engine.stop().await.unwrap();
    });
}

#[test]
fn a_status_shows_everybody_once_while_they_leave_memory_and_come_back() {
    const COUNT: u64 = 200;
    let world = World::new();
    actix::System::new().block_on(async {
        let engine = Rc::new(world.start().await);
        world.mood(Mood::No);
        let numbers = begin(&engine, 0..COUNT, About::Nobody).await;
        until_alive(&engine, 0).await;
        let ended = Rc::new(Cell::new(false));
        let asked = actix::spawn({
            let (engine, ended) = (Rc::clone(&engine), Rc::clone(&ended));
            async move {
                // Answered the same each time, they go back to the shelf.
                for _ in 0..3 {
                    let each = |number: &Number| {
                        let (engine, number) = (Rc::clone(&engine), *number);
                        async move { engine.release(number, "ada", Release::Retry).await }
                    };
                    let released = futures_util::future::join_all(numbers.iter().map(each)).await;
                    assert!(released.iter().all(|it| *it == Ok(1)), "{released:?}");
                    within("their rest", engine.until_quiet(Duration::from_millis(1))).await;
                }
                ended.set(true);
            }
        });
        let (mut looks, mut moved) = (0, 0);
        while !ended.get() || looks < 20 {
            let status = engine.status().await;
            let shown: Vec<u64> = status.instances.iter().map(|it| it.number).collect();
            assert_eq!(shown, (1..=COUNT).collect::<Vec<_>>(), "look {looks}");
            assert!(status.instances.iter().all(|it| it.entity.starts_with("sarah.chen")), "look {looks}");
            moved += usize::from(engine.tenant().hub.alive() > 0);
            looks += 1;
            tokio::task::yield_now().await;
        }
        assert!(moved > 0, "they are looked at while they move");
        asked.await.unwrap();
        until_alive(&engine, 0).await;
        engine.close().await.unwrap();
    });
}

#[test]
fn it_is_quiet_when_all_wait_for_a_person_and_not_while_one_comes_back() {
    let world = World::new();
    actix::System::new().block_on(async {
        let engine = world.start().await;
        world.mood(Mood::No);
        let numbers = begin(&engine, 0..40, About::Person).await;
        within("quiet", engine.until_quiet(Duration::from_millis(1))).await;
        assert!(engine.status().await.instances.iter().all(|it| it.state == "parked"));
        until_alive(&engine, 0).await;
        world.mood(Mood::Yes);
        for number in &numbers {
            // Asked for and not yet there: what goes on is not quiet, though the robot still believes that it is parked.
            let (released, ()) = futures_util::future::join(
                engine.release(*number, "ada", Release::Retry),
                engine.until_quiet(Duration::from_millis(1)),
            )
            .await;
            assert_eq!(released, Ok(1));
            within("quiet", engine.until_quiet(Duration::from_millis(1))).await;
            let ended = engine.status().await.ended;
            assert_eq!(ended.get("completed"), Some(number), "{ended:?}");
        }
        engine.stop().await.unwrap();
    });
}
