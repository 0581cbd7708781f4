//! The levelled order of a large graph: every node after all that it waits for, level by level, with a digest.
//!
//! Absent: a heap, and any trace of the order in which the edges were found. Invariants: a node's level is the length of the
//! longest way to it; inside a level nodes stand by their keys; two graphs with the same keys and edges have one digest.
//!
//! Kahn's algorithm (1962) over a compressed adjacency (counting sort of the edges, a bucket of nodes at a time), then a counting sort of the nodes by
//! level: O(V + E), without comparing keys but once to see that they ascend. `order` is for the steps of one plan; this is for
//! a whole organisation at once.

use crate::canon::DigestKey;
use crate::id::Digest;

/// The nodes in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levelled {
    /// The nodes' places among the keys, in canonical order.
    pub order: Vec<u32>,
    /// Where each level begins in `order`; the first is 0.
    pub starts: Vec<u32>,
}

/// Why there is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unordered {
    /// The keys do not ascend, or one stands twice.
    #[error(
        "key {at} is not greater than the one before it: sort the nodes by their keys and give each once"
    )]
    Keys {
        /// The place of the first such key.
        at: usize,
    },
    /// An edge names a node that there is not.
    #[error("edge {at} names a node that there is not")]
    Edge {
        /// The place of the edge.
        at: usize,
    },
    /// Nodes that wait for each other.
    #[error("{waiting} nodes wait for each other or for those that do, node {among} among them")]
    Cycle {
        /// How many cannot be placed.
        waiting: usize,
        /// The first of them that stands in a round.
        among: u32,
    },
    /// More nodes or edges than 32 bits count.
    #[error("a graph may have at most {most} nodes and as many edges")]
    TooLarge {
        /// How many it may have.
        most: u32,
    },
}

/// A graph whose nodes have keys of `N` bytes; the nodes behind node `n` are `behind[starts[n]..starts[n + 1]]`.
pub struct Dag<'a, const N: usize> {
    keys: &'a [[u8; N]],
    starts: Vec<u32>,
    behind: Vec<u32>,
    waits_for: Vec<u32>,
}

impl<'a, const N: usize> Dag<'a, N> {
    /// The graph of the nodes with `keys`, which ascend, and `edges` (before, after), in any order and with repetitions.
    pub fn of(keys: &'a [[u8; N]], edges: &[(u32, u32)]) -> Result<Self, Unordered> {
        let (bounds, shift) = bounds(keys, edges)?;
        let bits = usize::BITS - keys.len().leading_zeros();
        // An edge is its place in a bucket and the node behind it: most often both fit into 32 bits.
        let (starts, behind, waits_for) = if bits + shift <= u32::BITS {
            spread::<u32>(keys.len(), edges, &bounds, shift)
        } else {
            spread::<u64>(keys.len(), edges, &bounds, shift)
        };
        Ok(Self { keys, starts, behind, waits_for })
    }

    /// The order of its nodes.
    pub fn levelled(&self) -> Result<Levelled, Unordered> {
        let (levels, depth) = self.levels()?;
        let mut starts = vec![0_u32; depth + 1];
        for level in &levels {
            starts[*level as usize + 1] += 1;
        }
        sum(&mut starts);
        let mut next = starts.clone();
        let mut order = vec![0_u32; levels.len()];
        for (node, level) in (0_u32..).zip(&levels) {
            let place = &mut next[*level as usize];
            order[*place as usize] = node;
            *place += 1;
        }
        starts.pop();
        Ok(Levelled { order, starts })
    }

    /// The keyed BLAKE3 of the graph in its order: each node's key, and the places of those behind it, ascending and each once.
    pub fn digest(&self, levelled: &Levelled, key: &DigestKey) -> Digest {
        let mut place = vec![0_u32; self.keys.len()];
        for (at, node) in (0_u32..).zip(&levelled.order) {
            place[*node as usize] = at;
        }
        let mut hasher = blake3::Hasher::new_keyed(&key.0);
        hasher.update(b"xops levels 1").update(&(self.keys.len() as u64).to_le_bytes());
        let mut bytes: Vec<u8> = Vec::with_capacity(CHUNK + 4096);
        let mut behind: Vec<u32> = Vec::new();
        for ahead in levelled.order.chunks(AHEAD) {
            self.warm(ahead);
            for node in ahead {
                behind.clear();
                behind.extend(self.behind(*node).iter().map(|node| place[*node as usize]));
                arrange(&mut behind);
                behind.dedup();
                bytes.extend_from_slice(&self.keys[*node as usize]);
                bytes.extend_from_slice(&u32::try_from(behind.len()).unwrap_or(u32::MAX).to_le_bytes());
                for place in &behind {
                    bytes.extend_from_slice(&place.to_le_bytes());
                }
            }
            if bytes.len() >= CHUNK {
                hasher.update(&bytes);
                bytes.clear();
            }
        }
        hasher.update(&bytes);
        Digest(*hasher.finalize().as_bytes())
    }

    /// Asks for what stands behind some nodes, so that memory is waited for once for all of them and not for one after the other.
    fn warm(&self, nodes: &[u32]) {
        let first = |node: &u32| self.behind.get(self.starts[*node as usize] as usize).copied().unwrap_or(0);
        std::hint::black_box(nodes.iter().fold(0, |all, node| all ^ first(node)));
    }

    fn behind(&self, node: u32) -> &[u32] {
        &self.behind[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// The level of each node, and how many levels there are.
    fn levels(&self) -> Result<(Vec<u32>, usize), Unordered> {
        let mut waits_for = self.waits_for.clone();
        let mut levels = vec![0_u32; waits_for.len()];
        let mut free: Vec<u32> =
            (0_u32..).zip(&waits_for).filter(|(_, waits)| **waits == 0).map(|(node, _)| node).collect();
        let (mut placed, mut depth) = (0, 0);
        while !free.is_empty() {
            placed += free.len();
            let mut next = Vec::new();
            for ahead in free.chunks(AHEAD) {
                self.warm(ahead);
                for node in ahead {
                    levels[*node as usize] = depth;
                    for after in self.behind(*node) {
                        let waits = &mut waits_for[*after as usize];
                        *waits -= 1;
                        if *waits == 0 {
                            next.push(*after);
                        }
                    }
                }
            }
            free = next;
            depth += 1;
        }
        if placed == levels.len() {
            return Ok((levels, depth as usize));
        }
        Err(Unordered::Cycle { waiting: levels.len() - placed, among: self.in_a_round(&waits_for) })
    }

    /// The least node that can be reached from itself among those that still wait: those that nothing waiting stands behind
    /// are taken away from the other end until only rounds and what lies between them are left.
    fn in_a_round(&self, waits_for: &[u32]) -> u32 {
        let waiting = |node: u32| waits_for[node as usize] > 0;
        let nodes = || (0_u32..).take(waits_for.len()).filter(|node| waiting(*node));
        let mut before: Vec<(u32, u32)> = Vec::new();
        let mut holds_up = vec![0_u32; waits_for.len()];
        for node in nodes() {
            for after in self.behind(node).iter().filter(|after| waiting(**after)) {
                before.push((*after, node));
                holds_up[node as usize] += 1;
            }
        }
        before.sort_unstable();
        let mut open: Vec<u32> = nodes().filter(|node| holds_up[*node as usize] == 0).collect();
        let mut gone = vec![false; waits_for.len()];
        while let Some(node) = open.pop() {
            gone[node as usize] = true;
            let from = before.partition_point(|(after, _)| *after < node);
            for (_, earlier) in before[from..].iter().take_while(|(after, _)| *after == node) {
                let holds = &mut holds_up[*earlier as usize];
                *holds -= 1;
                if *holds == 0 {
                    open.push(*earlier);
                }
            }
        }
        nodes().find(|node| !gone[*node as usize]).unwrap_or_default()
    }
}

/// At least so many bits of a node's number stand inside a bucket.
const BUCKET_BITS: u32 = 12;
/// At most so many buckets: their ends are written side by side.
const BUCKETS_BITS: u32 = 8;

/// For how many nodes memory is asked at once.
const AHEAD: usize = 32;

/// An edge inside its bucket, in one word.
trait Packed: Copy + Default {
    /// The node before, counted from the beginning of its bucket, which has `shift` bits, and the node after.
    fn pack(low: u32, after: u32, shift: u32) -> Self;
    /// The same again.
    fn unpack(self, shift: u32) -> (u32, u32);
}

impl Packed for u32 {
    fn pack(low: u32, after: u32, shift: u32) -> Self {
        low | after << shift
    }

    fn unpack(self, shift: u32) -> (u32, u32) {
        (self & ((1 << shift) - 1), self >> shift)
    }
}

impl Packed for u64 {
    fn pack(low: u32, after: u32, _shift: u32) -> Self {
        Self::from(low) | Self::from(after) << 32
    }

    fn unpack(self, _shift: u32) -> (u32, u32) {
        let half = |word: Self| u32::try_from(word & Self::from(u32::MAX)).unwrap_or_default();
        (half(self), half(self >> 32))
    }
}

/// Where the nodes behind each begin and one end more, those nodes, and how many each node waits for. What is counted and placed for one
/// bucket of nodes stays near the processor, in whatever order the edges came.
fn spread<W: Packed>(
    nodes: usize,
    edges: &[(u32, u32)],
    bounds: &[usize],
    shift: u32,
) -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let low = (1_u32 << shift) - 1;
    let mut next = bounds.to_vec();
    let mut sorted = vec![W::default(); edges.len()];
    for (before, after) in edges {
        let place = &mut next[(*before >> shift) as usize];
        sorted[*place] = W::pack(*before & low, *after, shift);
        *place += 1;
    }
    let (mut starts, mut behind) = (Vec::with_capacity(nodes + 1), vec![0_u32; edges.len()]);
    let mut waits_for = vec![0_u32; nodes];
    let mut counts: Vec<u32> = Vec::new();
    let mut placed = 0_u32;
    for (bucket, bound) in bounds.windows(2).enumerate() {
        let from = (bucket << shift).min(nodes);
        counts.clear();
        counts.resize(((bucket + 1) << shift).min(nodes) - from, 0);
        let within = &sorted[bound[0]..bound[1]];
        for edge in within {
            let (before, after) = edge.unpack(shift);
            counts[before as usize] += 1;
            waits_for[after as usize] += 1;
        }
        for count in &mut counts {
            starts.push(placed);
            placed += std::mem::replace(count, placed);
        }
        for edge in within {
            let (before, after) = edge.unpack(shift);
            let place = &mut counts[before as usize];
            behind[*place as usize] = after;
            *place += 1;
        }
    }
    starts.push(placed);
    (starts, behind, waits_for)
}

/// Up to so many places are put in order one by one.
const FEW: usize = 24;

/// Sorts: mostly there are few, for which asking how to sort takes longer than sorting.
fn arrange(places: &mut [u32]) {
    if places.len() > FEW {
        return places.sort_unstable();
    }
    for at in 1..places.len() {
        let mut at = at;
        while at > 0 && places[at - 1] > places[at] {
            places.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Counts to places: each becomes the sum of those before it.
fn sum(counts: &mut [u32]) {
    let mut total = 0;
    for count in counts {
        total += *count;
        *count = total;
    }
}

/// How many bytes are hashed at once: enough for BLAKE3 to use wide registers, few enough to stay near the processor.
const CHUNK: usize = 64 << 10;

/// Where the edges of each bucket of nodes begin, one end more, and how many bits a bucket has; refuses what is no graph.
fn bounds<const N: usize>(keys: &[[u8; N]], edges: &[(u32, u32)]) -> Result<(Vec<usize>, u32), Unordered> {
    let most = u32::MAX - 1;
    if keys.len() > most as usize || edges.len() > most as usize {
        return Err(Unordered::TooLarge { most });
    }
    if let Some(at) = keys.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(Unordered::Keys { at: at + 1 });
    }
    let bits = usize::BITS - keys.len().leading_zeros();
    let shift = bits.saturating_sub(BUCKETS_BITS).max(BUCKET_BITS);
    let mut bounds = vec![0_usize; (keys.len() >> shift) + 2];
    for (at, (before, after)) in edges.iter().enumerate() {
        if (*before).max(*after) as usize >= keys.len() {
            return Err(Unordered::Edge { at });
        }
        bounds[(*before >> shift) as usize + 1] += 1;
    }
    for at in 1..bounds.len() {
        bounds[at] += bounds[at - 1];
    }
    Ok((bounds, shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: DigestKey = DigestKey([3; 32]);

    fn keys(count: u8) -> Vec<[u8; 1]> {
        (0..count).map(|key| [key]).collect()
    }

    fn check(count: u8, edges: &[(u32, u32)], expect: &str) {
        let told = match Dag::of(&keys(count), edges).and_then(|dag| dag.levelled()) {
            Ok(Levelled { order, starts }) => format!("{order:?} {starts:?}"),
            Err(why) => why.to_string(),
        };
        assert_eq!(told, expect);
    }

    #[test]
    fn a_node_stands_on_the_level_of_the_longest_way_to_it() {
        check(4, &[], "[0, 1, 2, 3] [0]");
        check(4, &[(3, 0), (0, 1), (3, 1)], "[2, 3, 0, 1] [0, 2, 3]");
        check(0, &[], "[] []");
    }

    #[test]
    fn what_has_no_order_is_refused_with_a_node_that_is_to_blame() {
        check(
            4,
            &[(0, 1), (1, 2), (2, 1), (2, 3)],
            "3 nodes wait for each other or for those that do, node 1 among them",
        );
        check(2, &[(0, 2)], "edge 0 names a node that there is not");
        let twice = Dag::of(&[[1_u8], [1]], &[]).err();
        assert_eq!(twice, Some(Unordered::Keys { at: 1 }));
    }

    #[test]
    fn many_buckets_order_as_one_would() {
        let nodes = 20_000_u32;
        let keys: Vec<[u8; 4]> = (0..nodes).map(u32::to_be_bytes).collect();
        // Each waits for the one 7,919 places before it, round the end: long ways that cross every bucket.
        let edges: Vec<(u32, u32)> =
            (0..nodes - 1).map(|at| (at * 7_919 % nodes, (at + 1) * 7_919 % nodes)).rev().collect();
        let levelled = Dag::of(&keys, &edges).and_then(|dag| dag.levelled()).expect("an order");
        let expect: Vec<u32> = (0..nodes).map(|at| at * 7_919 % nodes).collect();
        assert_eq!(levelled.order, expect);
        let (bounds, shift) = bounds(&keys, &edges).expect("a graph");
        assert!(bounds.len() > 4);
        let wide = spread::<u64>(keys.len(), &edges, &bounds, shift);
        assert_eq!(wide, spread::<u32>(keys.len(), &edges, &bounds, shift), "in whichever word edges are");
    }

    #[test]
    fn the_order_in_which_edges_are_found_does_not_show() {
        let mut edges = vec![(5, 1), (1, 0), (2, 0), (5, 2), (4, 3), (1, 3)];
        let keys = keys(6);
        let both = |edges: &[(u32, u32)]| {
            let dag = Dag::of(&keys, edges).unwrap();
            let levelled = dag.levelled().unwrap();
            let digest = dag.digest(&levelled, &KEY);
            (levelled, digest)
        };
        let first = both(&edges);
        for turn in 0..edges.len() {
            edges.rotate_left(1);
            edges.swap(0, turn);
            edges.push(edges[turn]);
            assert_eq!(both(&edges), first);
        }
        assert_ne!(both(&[(5, 1), (1, 0), (2, 0), (5, 2), (4, 3), (2, 3)]), first);
    }
}
