//! The canonical order of a graph of a million nodes and five million edges.

use super::{Took, median, timed};
use serde::Serialize;
use xops_kernel::canon::DigestKey;
use xops_kernel::level::{Dag, Unordered};
use xops_sim::seed::Dice;

const NODES: u32 = 1_000_000;
const EDGES: u32 = 5_000_000;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Order {
    /// The whole: adjacency, levels, order, digest.
    pub all: Took,
    /// How many levels there are.
    pub levels: u64,
    digest: String,
}

/// Orders a random graph, whose edges stand in no order, three times.
pub(super) fn measure() -> Result<Order, Unordered> {
    let mut dice = Dice::of(1, "bench order");
    let mut below = |bound: u32| u32::try_from(dice.below(u64::from(bound))).unwrap_or(0);
    let keys: Vec<[u8; 8]> = (0..NODES).map(|key| (u64::from(key) << 12).to_be_bytes()).collect();
    let edges: Vec<(u32, u32)> = (0..EDGES)
        .map(|_| {
            // Near each other, as in an organisation: else there would be hardly any level.
            let after = 1 + below(NODES - 1);
            (after - 1 - below(after.min(20_000)), after)
        })
        .collect();
    let (mut all, mut levels, mut digest) = (Vec::new(), 0, String::new());
    for _ in 0..3 {
        let (done, took) = timed(|| {
            let dag = Dag::of(&keys, &edges)?;
            let levelled = dag.levelled()?;
            let digest = dag.digest(&levelled, &DigestKey([1; 32]));
            Ok((levelled.starts.len() as u64, digest.to_string()))
        });
        (levels, digest) = done?;
        all.push(took);
    }
    Ok(Order { all: median(all), levels, digest })
}
