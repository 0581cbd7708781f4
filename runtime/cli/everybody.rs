//! Everybody at once: filling columns, sketching all rows and drawing the plans of those who differ, on several threads.
//!
//! Absent: any difference that the number of threads could make: ranges are joined in their order, and what a thread gives hangs on
//! its range alone. Both `xops plan --all` and `xops bench truth` go through here, so that the one measures the other.

use crate::exit::Failure;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use xops_graph::column::Columns;
use xops_graph::column::sketch::Sketch;
use xops_graph::graph::Graph;
use xops_kernel::id::{Digest, EntityId};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;

/// How many entities are asked about at once.
const ASKED: usize = 1_024;

/// How many threads there are to be had, at most 16: beyond that the one that takes the answers is the slowest.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(16)
}

/// Fills `columns` with what `graph` says at `now`: asks on so many threads and takes on this one.
pub fn fill(columns: &mut Columns, graph: &Graph, now: Millis, threads: usize) {
    let (asking, entities) = (columns.asking(), columns.entities_in(graph));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (give, take) = mpsc::sync_channel(2 * threads);
        for _ in 0..threads {
            let (give, asking, entities, next) = (give.clone(), &asking, &entities, &next);
            scope.spawn(move || {
                loop {
                    let from = next.fetch_add(ASKED, Ordering::Relaxed).min(entities.len());
                    let some = &entities[from..(from + ASKED).min(entities.len())];
                    if some.is_empty() || give.send(asking.ask(graph, some, now)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(give);
        for answers in take {
            columns.take(answers);
        }
    });
    columns.gather(graph, now);
}

/// What was made out of everybody.
pub struct Sketched {
    /// The digest of each.
    pub digests: Vec<(EntityId, Digest)>,
    /// Those who differ, or of whom that cannot be said.
    pub loud: Vec<Sketch>,
}

/// Compares every facet of everybody.
pub fn sketch(columns: &Columns, threads: usize) -> Result<Sketched, Failure> {
    let rows = columns.len();
    let parts = on_threads(threads, rows, |range| {
        let mut part = Sketched { digests: Vec::with_capacity(range.len()), loud: Vec::new() };
        for sketch in columns.sketches(range) {
            part.digests.push((sketch.entity, sketch.digest));
            if !sketch.is_quiet() {
                part.loud.push(sketch);
            }
        }
        part
    })?;
    let mut all = Sketched { digests: Vec::with_capacity(rows), loud: Vec::new() };
    for part in parts {
        all.digests.extend(part.digests);
        all.loud.extend(part.loud);
    }
    Ok(all)
}

/// The plan of each, where there is one. A sketch that names a doubt or a refusal says already why there is none, and is not drawn.
pub fn draw(
    columns: &Columns,
    graph: &Graph,
    sketches: &[Sketch],
    now: Millis,
    threads: usize,
) -> Result<Vec<Option<Plan>>, Failure> {
    let one = |sketch: &Sketch| {
        let sure = sketch.difference.blocked.is_empty() && sketch.refused.is_empty();
        if sure { columns.draw(graph, sketch.entity, now).ok() } else { None }
    };
    let parts = on_threads(threads, sketches.len(), |range| {
        sketches[range].iter().map(one).collect::<Vec<Option<Plan>>>()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// Runs `work` over `0..count` in as many ranges as there are threads; what each gave, in order. The first range is this thread's own: it
/// has memory at hand that others have to ask for.
fn on_threads<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> Result<Vec<T>, Failure> {
    let size = count.div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let ranges = (0..threads.max(1)).map(|at| (at * size).min(count)..((at + 1) * size).min(count));
        let mut ranges = ranges;
        let own = ranges.next();
        let running: Vec<_> = ranges.map(|range| scope.spawn(move || work(range))).collect();
        let mut all: Vec<T> = own.map(work).into_iter().collect();
        for ended in running {
            all.push(ended.join().map_err(|_| Failure::plain("a planning thread panicked"))?);
        }
        Ok(all)
    })
}
