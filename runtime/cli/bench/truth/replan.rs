//! Everybody's plan anew: classes, differences, digests, and the plans of those who differ.

use super::load::{Estate, NOW};
use super::{Took, median, round, timed};
use crate::arguments::bench::BenchTruth;
use crate::everybody::{self, Sketched};
use crate::exit::Failure;
use serde::Serialize;
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
    let Sketched { digests, loud } = everybody::sketch(&estate.columns, threads)?;
    let drawn = everybody::draw(&estate.columns, &estate.graph, &loud, NOW, threads)?;
    let plans: Vec<Plan> = drawn.into_iter().flatten().collect();
    Ok(Planned { digests, refused: loud.len() - plans.len(), plans })
}

/// Measures re-plans of everybody; refuses if one thread and several do not say the same.
pub(super) fn measure(estate: &mut Estate, bench: &BenchTruth) -> Result<Replanned, Failure> {
    let (mut all, mut judged, mut sketched, mut drawn) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let ((), judging) = timed(|| estate.columns.judge_anew());
        let (sketched_all, sketching) = timed(|| everybody::sketch(&estate.columns, bench.threads));
        let loud = sketched_all?.loud;
        let (plans, drawing) =
            timed(|| everybody::draw(&estate.columns, &estate.graph, &loud, NOW, bench.threads));
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
