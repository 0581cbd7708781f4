//! Cycles of a directed graph, each shown once.

use std::collections::BTreeSet;

/// The most cycles that are shown of one graph: each costs a pass over it.
const CYCLES_MAX: usize = 64;

/// The cycles of a graph over `0..count`: for each group of nodes that wait for each other, one cycle through its least node
/// or, where that is only behind a cycle, the one that it waits for. Each cycle begins with its least node. No recursion.
pub(super) fn find(count: usize, before: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut cycles = Vec::new();
    loop {
        peel(&mut left, before);
        let start = left.first().copied().filter(|_| cycles.len() < CYCLES_MAX);
        let Some(start) = start else { return cycles };
        let mut path = vec![start];
        let mut seen = BTreeSet::from([start]);
        let cycle = loop {
            let here = path[path.len() - 1];
            // Every node that is left waits for another one that is left: the walk ends only by meeting itself.
            let Some(next) = before[here].iter().copied().find(|node| left.contains(node)) else {
                break Vec::new();
            };
            if !seen.insert(next) {
                break path.split_off(path.iter().position(|node| *node == next).unwrap_or(0));
            }
            path.push(next);
        };
        for node in &cycle {
            left.remove(node);
        }
        left.remove(&start);
        cycles.extend(turned(cycle));
    }
}

/// Takes away what waits for nothing that is left.
fn peel(left: &mut BTreeSet<usize>, before: &[BTreeSet<usize>]) {
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
    let mut waits: Vec<usize> = vec![0; before.len()];
    for node in left.iter().copied() {
        for other in before[node].iter().copied().filter(|other| left.contains(other)) {
            behind[other].push(node);
            waits[node] += 1;
        }
    }
    let mut free: Vec<usize> = left.iter().copied().filter(|node| waits[*node] == 0).collect();
    while let Some(node) = free.pop() {
        left.remove(&node);
        for next in &behind[node] {
            waits[*next] -= 1;
            if waits[*next] == 0 {
                free.push(*next);
            }
        }
    }
}

/// In the order in which it runs, the least node first.
fn turned(mut cycle: Vec<usize>) -> Option<Vec<usize>> {
    cycle.reverse();
    let least = cycle.iter().min().copied()?;
    let at = cycle.iter().position(|node| *node == least)?;
    cycle.rotate_left(at);
    Some(cycle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[(usize, usize)], expect: &[&[usize]]) {
        let mut before = vec![BTreeSet::new(); 8];
        for (first, then) in edges {
            before[*then].insert(*first);
        }
        assert_eq!(find(8, &before), expect, "{edges:?}");
    }

    #[test]
    fn each_cycle_is_shown_once_and_from_its_least_node() {
        check(&[(0, 1), (1, 2), (0, 2)], &[]);
        check(&[(0, 1), (1, 2), (2, 0)], &[&[0, 1, 2]]);
        check(&[(3, 3)], &[&[3]]);
        check(&[(5, 4), (4, 5), (4, 1), (2, 3), (3, 2)], &[&[4, 5], &[2, 3]]);
    }

    #[test]
    fn a_long_chain_takes_no_stack() {
        let count = 100_000;
        let mut before: Vec<BTreeSet<usize>> =
            (0..count).map(|node| BTreeSet::from([(node + 1) % count])).collect();
        assert_eq!(find(count, &before)[0].len(), count);
        before[0].clear();
        assert!(find(count, &before).is_empty());
    }
}
