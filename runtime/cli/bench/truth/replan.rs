//! Everybody's plan anew: classes, differences, digests, and the plans of those who differ.

use super::load::{Estate, NOW};
use super::{Took, median, round, timed};
use crate::arguments::BenchTruth;
use crate::exit::Failure;
use serde::Serialize;
use xops_graph::column::draw::Undrawn;
use xops_graph::column::sketch::Sketch;
use xops_kernel::id::{Digest, EntityId, PlanId};
use xops_kernel::plan::Plan;

/// How often it is done; the median is told.
const ROUNDS: usize = 5;

/// What was measured, and the plans of the last round.
pub(super) struct Replanned {
    pub figures: Replan,
    pub plans: Vec<Plan>,
}

/// The figures of a re-plan.
#[derive(Debug, Serialize)]
pub(super) struct Replan {
    pub all: Took,
    /// The classes of entities that look alike, judged anew.
    pub judged: Took,
    /// Every facet compared and every entity's digest made.
    pub sketched: Took,
    /// The plans of those who differ, drawn by the compiler and hashed.
    pub drawn: Took,
    pub facets: f64,
    pub classes: f64,
    pub changed: f64,
    pub plans: f64,
    pub refused: f64,
    digest: String,
}

/// Everybody's sketch, digested, and the plans of those who differ.
pub(super) struct Planned {
    digests: Vec<(EntityId, Digest)>,
    plans: Vec<Plan>,
    refused: usize,
}

/// Plans for everybody with so many threads.
pub(super) fn plan_all(estate: &Estate, threads: usize) -> Result<Planned, Failure> {
    let (digests, changed) = sketch_all(estate, threads)?;
    let (plans, refused) = draw_all(estate, &changed, threads)?;
    Ok(Planned { digests, plans, refused })
}

type Sketched = (Vec<(EntityId, Digest)>, Vec<Sketch>);

fn sketch_all(estate: &Estate, threads: usize) -> Result<Sketched, Failure> {
    let rows = estate.columns.len();
    let parts = on_threads(threads, rows, |range| {
        let mut digests = Vec::with_capacity(range.len());
        let mut changed = Vec::new();
        for sketch in estate.columns.sketches(range) {
            digests.push((sketch.entity, sketch.digest));
            if !sketch.is_quiet() {
                changed.push(sketch);
            }
        }
        (digests, changed)
    })?;
    let (mut digests, mut changed) = (Vec::with_capacity(rows), Vec::new());
    for (more, of_them) in parts {
        digests.extend(more);
        changed.extend(of_them);
    }
    Ok((digests, changed))
}

fn draw_all(estate: &Estate, changed: &[Sketch], threads: usize) -> Result<(Vec<Plan>, usize), Failure> {
    let parts = on_threads(threads, changed.len(), |range| {
        let drawn =
            changed[range].iter().map(|sketch| estate.columns.draw(&estate.graph, sketch.entity, NOW));
        drawn.collect::<Vec<Result<Plan, Undrawn>>>()
    })?;
    let drawn = parts.into_iter().flatten();
    let plans: Vec<Plan> = drawn.filter_map(Result::ok).collect();
    let refused = changed.len() - plans.len();
    Ok((plans, refused))
}

/// Runs `work` over `0..count` in as many ranges as there are threads; what each gave, in order.
fn on_threads<T: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(std::ops::Range<usize>) -> T + Sync,
) -> Result<Vec<T>, Failure> {
    let size = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let ranges = (0..threads).map(|at| (at * size).min(count)..((at + 1) * size).min(count));
        let running: Vec<_> = ranges.map(|range| scope.spawn(move || work(range))).collect();
        let ended = running.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.map(|ended| ended.map_err(|_| Failure::plain("a planning thread panicked"))).collect()
    })
}

/// Measures re-plans of everybody; refuses if one thread and several do not say the same.
pub(super) fn measure(estate: &mut Estate, bench: &BenchTruth) -> Result<Replanned, Failure> {
    let (mut all, mut judged, mut sketched, mut drawn) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ((), judging) = timed(|| estate.columns.judge_anew());
        let (compared, sketching) = timed(|| sketch_all(estate, bench.threads));
        let (_, changed) = compared?;
        let (plans, drawing) = timed(|| draw_all(estate, &changed, bench.threads));
        plans?;
        let sum = |of: fn(&Took) -> f64| of(&judging) + of(&sketching) + of(&drawing);
        all.push(Took { ms: round(sum(|took| took.ms)), cpu_ms: round(sum(|took| took.cpu_ms)) });
        judged.push(judging);
        sketched.push(sketching);
        drawn.push(drawing);
    }
    let mut planned = plan_all(estate, bench.threads)?;
    let mut alone = plan_all(estate, 1)?;
    let digest = estate.columns.digest_of(&mut planned.digests);
    let ids = |plans: &[Plan]| plans.iter().map(|plan| plan.id).collect::<Vec<PlanId>>();
    if digest != estate.columns.digest_of(&mut alone.digests) || ids(&planned.plans) != ids(&alone.plans) {
        return Err(Failure::plain("one thread and several do not give the same plans"));
    }
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let figures = Replan {
        all: median(all),
        judged: median(judged),
        sketched: median(sketched),
        drawn: median(drawn),
        facets: count(estate.columns.facets()),
        classes: count(estate.columns.classes()),
        changed: count(planned.plans.len() + planned.refused),
        plans: count(planned.plans.len()),
        refused: count(planned.refused),
        digest: digest.to_string(),
    };
    Ok(Replanned { figures, plans: planned.plans })
}
