//! The canonical order of a graph: one answer for one graph, whatever the order in which its edges were found.
//!
//! Kahn's algorithm (1962) with a heap over the caller's keys: among all nodes that are free, the one with the least key
//! comes next. O((V + E) log V).

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// The canonical order of the nodes `0..keys.len()` under `edges` (before, after); the keys must differ pairwise. Refuses
/// with the nodes of one cycle, each before the next, if there is one.
pub fn canonical<K: Ord>(keys: &[K], edges: &BTreeSet<(usize, usize)>) -> Result<Vec<usize>, Vec<usize>> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); keys.len()];
    let mut waits_for = vec![0_usize; keys.len()];
    for (before, behind) in edges {
        after[*before].push(*behind);
        waits_for[*behind] += 1;
    }
    let mut free: BinaryHeap<Reverse<(&K, usize)>> = (0..keys.len())
        .filter(|node| waits_for[*node] == 0)
        .map(|node| Reverse((&keys[node], node)))
        .collect();
    let mut order = Vec::with_capacity(keys.len());
    while let Some(Reverse((_, node))) = free.pop() {
        order.push(node);
        for behind in &after[node] {
            waits_for[*behind] -= 1;
            if waits_for[*behind] == 0 {
                free.push(Reverse((&keys[*behind], *behind)));
            }
        }
    }
    if order.len() == keys.len() { Ok(order) } else { Err(cycle(&waits_for, edges)) }
}

/// One cycle among the nodes that still wait: following predecessors that wait must come back to where it was.
fn cycle(waits_for: &[usize], edges: &BTreeSet<(usize, usize)>) -> Vec<usize> {
    let before = |node: usize| {
        edges.iter().find(|(from, to)| *to == node && waits_for[*from] > 0).map(|(from, _)| *from)
    };
    let mut path = Vec::new();
    let mut node = waits_for.iter().position(|waits| *waits > 0);
    while let Some(at) = node {
        if let Some(start) = path.iter().position(|seen| *seen == at) {
            let mut round = path.split_off(start);
            round.reverse();
            return round;
        }
        path.push(at);
        node = before(at);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[u32], edges: &[(usize, usize)], expect: Result<&[usize], &[usize]>) {
        let order = canonical(keys, &edges.iter().copied().collect());
        let told = order.as_deref().map_err(Vec::as_slice);
        assert_eq!(told, expect);
    }

    #[test]
    fn the_least_free_key_comes_next() {
        check(&[3, 2, 1], &[], Ok(&[2, 1, 0]));
        check(&[1, 2, 3, 4, 5, 6], &[(0, 1), (1, 2), (2, 3), (0, 4), (2, 5)], Ok(&[0, 1, 2, 3, 4, 5]));
        check(&[9, 1], &[(0, 1)], Ok(&[0, 1]));
    }

    #[test]
    fn a_cycle_is_named() {
        check(&[1, 2, 3, 4], &[(0, 1), (1, 2), (2, 1), (2, 3)], Err(&[2, 1]));
        check(&[1], &[(0, 0)], Err(&[0]));
    }
}
