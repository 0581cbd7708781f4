//! The laws of the fair queue, held over arbitrary arrivals, durations and closed systems.

use super::*;
use proptest::prelude::*;

fn systems(names: &str) -> BTreeSet<String> {
    names.split('+').map(str::to_owned).collect()
}

fn queue(at_once: u32, per_window: u32) -> Queue<u32> {
    let budget = Budget { at_once, per_window, window_ms: 100 };
    let budgets = ["a", "b", "c"].map(|name| (name.to_owned(), budget)).into();
    Queue::new(1_000, budgets)
}

/// Pushes `key systems within` at 0 and takes what goes at once, in order.
fn check(queue: &mut Queue<u32>, pieces: &[(u32, &str, u64)], closed: &str, expect: &[u32]) {
    for (key, names, within) in pieces {
        queue.push(*key, systems(names), 0, *within).expect("there is room");
    }
    let closed = systems(closed);
    let went: Vec<u32> = std::iter::from_fn(|| queue.next(0, &closed)).map(|piece| piece.key).collect();
    assert_eq!(went, expect);
}

#[test]
fn the_earliest_deadline_goes_first_and_equal_ones_in_the_order_of_coming() {
    check(&mut queue(9, 9), &[(1, "a", 50), (2, "a", 20), (3, "b", 20), (4, "b", 50)], "", &[2, 3, 1, 4]);
}

#[test]
fn a_system_without_budget_holds_up_its_own_pieces_and_no_others() {
    check(&mut queue(1, 9), &[(1, "a", 1), (2, "a", 2), (3, "b", 3)], "", &[1, 3]);
    check(&mut queue(9, 1), &[(1, "a", 1), (2, "a", 2), (3, "b", 3)], "", &[1, 3]);
}

#[test]
fn a_closed_system_keeps_nothing_from_others() {
    check(&mut queue(9, 9), &[(1, "a+b", 1), (2, "b", 2), (3, "a", 3)], "a", &[2]);
}

#[test]
fn a_piece_of_two_systems_keeps_what_it_waits_for_from_those_behind_it() {
    let mut queue = queue(1, 9);
    check(&mut queue, &[(1, "a", 1), (2, "a+b", 2), (3, "b", 3), (4, "c", 4)], "", &[1, 4]);
    let first = Piece { key: 1, systems: systems("a"), came_at: 0, deadline: 1 };
    queue.done(&first);
    let next = queue.next(1, &BTreeSet::new()).map(|piece| piece.key);
    assert_eq!(next, Some(2), "b was kept for it");
}

#[test]
fn a_window_that_is_spent_opens_again_when_it_is_over() {
    let mut queue = queue(9, 1);
    check(&mut queue, &[(1, "a", 1), (2, "a", 2)], "", &[1]);
    assert_eq!(queue.opens_at(), Some(100));
    assert_eq!(queue.next(99, &BTreeSet::new()), None);
    assert_eq!(queue.next(100, &BTreeSet::new()).map(|piece| piece.key), Some(2));
}

#[test]
fn what_waits_or_is_under_way_is_not_taken_twice_and_what_is_withdrawn_does_not_go() {
    let mut queue = queue(1, 9);
    queue.push(1, systems("a"), 0, 1).unwrap();
    assert_eq!(queue.push(1, systems("b"), 0, 1), Err(Refused::Known));
    let piece = queue.next(0, &BTreeSet::new()).unwrap();
    assert_eq!(queue.push(1, systems("a"), 0, 1), Err(Refused::Known));
    queue.done(&piece);
    queue.push(1, systems("a"), 0, 1).unwrap();
    assert!(queue.withdraw(&1) && !queue.withdraw(&1));
    assert_eq!((queue.next(0, &BTreeSet::new()), queue.len()), (None, 0));
    assert_eq!(queue.push(2, BTreeSet::new(), 0, 1), Err(Refused::Nowhere));
    let mut small = Queue::new(1, BTreeMap::new());
    small.push(1, systems("a"), 0, 1).unwrap();
    assert_eq!(small.push(2, systems("a"), 0, 1), Err(Refused::Full(1)));
}

/// One arrival: its systems, its time after the one before, how soon it should go, how long it takes.
fn arrival() -> impl Strategy<Value = (BTreeSet<String>, u64, u64, u64)> {
    let names = prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]), 1..=3);
    let names = names.prop_map(|names| names.into_iter().map(str::to_owned).collect());
    (names, 0..20_u64, 0..500_u64, 1..60_u64)
}

/// Plays arrivals against a clock of one tick; `shut` says when a system is closed. Gives when each went, by its key.
fn play(
    arrivals: &[(BTreeSet<String>, u64, u64, u64)],
    shut: impl Fn(&str, u64) -> bool,
    mut each: impl FnMut(&Queue<u32>, &Piece<u32>, u64),
) -> BTreeMap<u32, u64> {
    let mut queue = queue(2, 5);
    let mut coming = Vec::new();
    let mut at = 0;
    for (key, (names, gap, within, takes)) in (0_u32..).zip(arrivals) {
        at += gap;
        coming.push((at, key, names.clone(), *within, *takes));
    }
    let (mut ends, mut went) = (Vec::new(), BTreeMap::new());
    for now in 0..at + 60_000 {
        for (_, key, names, within, _) in coming.iter().filter(|(at, ..)| *at == now) {
            queue.push(*key, names.clone(), now, *within).expect("there is room");
        }
        ends.retain(|(end, piece)| {
            let over = *end <= now;
            if over {
                queue.done(piece);
            }
            !over
        });
        let closed: BTreeSet<String> =
            ["a", "b", "c"].into_iter().filter(|name| shut(name, now)).map(str::to_owned).collect();
        while let Some(piece) = queue.next(now, &closed) {
            each(&queue, &piece, now);
            went.insert(piece.key, now);
            let takes = coming[piece.key as usize].4;
            ends.push((now + takes, piece));
        }
        if went.len() == coming.len() {
            break;
        }
    }
    went
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_starves_though_every_system_is_closed_most_of_the_time(
        arrivals in prop::collection::vec(arrival(), 1..60),
        period in 20..80_u64,
    ) {
        // Each system is open a quarter of its period, all of them together now and then.
        let shut = |name: &str, now: u64| (now + u64::from(name.as_bytes()[0])) % period >= period / 4 + 3;
        let went = play(&arrivals, shut, |_, _, _| {});
        prop_assert_eq!(went.len(), arrivals.len(), "every piece goes at last");
    }

    #[test]
    fn budgets_hold_and_no_piece_is_passed_by_a_later_one_that_takes_what_it_needs(
        arrivals in prop::collection::vec(arrival(), 1..60),
    ) {
        let mut starts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        let mut passed = Vec::new();
        let went = play(&arrivals, |_, _| false, |queue, piece, now| {
            for system in &piece.systems {
                let of = starts.entry(system.clone()).or_default();
                of.push(now);
                assert!(of.iter().filter(|at| **at + 100 > now).count() <= 5, "no more in a window than declared");
                assert!(queue.spent[system].under_way <= 2, "no more at once than declared");
            }
            for waiting in queue.lanes.values().filter_map(|lane| lane.values().next()) {
                if waiting.deadline < piece.deadline && !waiting.systems.is_disjoint(&piece.systems) {
                    passed.push((waiting.key, piece.key));
                }
            }
        });
        prop_assert_eq!(went.len(), arrivals.len());
        prop_assert!(passed.is_empty(), "{:?}", passed);
    }

    #[test]
    fn with_room_everything_goes_as_soon_as_all_before_it_could(
        count in 1..40_u32,
    ) {
        // One system, two at once, five in 100: the n-th of those that came together goes in window n / 5.
        let arrivals: Vec<_> = (0..count).map(|_| (systems("a"), 0, 10, 1)).collect();
        let went = play(&arrivals, |_, _| false, |_, _, _| {});
        for (key, at) in went {
            let window = u64::from(key) / 5 * 100;
            prop_assert!(at <= window + 100, "{key} went at {at}");
        }
    }
}
