//! Peer completeness: from the graph to what everybody has, and from there to what a declaration lacks.

use super::load::{Estate, NOW};
use super::{Took, median, timed};
use crate::exit::Failure;
use serde::Serialize;
use xops_graph::peers::census::Census;
use xops_graph::peers::judge::judge;
use xops_kernel::declare::{Declarations, Origin};
use xops_kernel::expr::Expr;
use xops_kernel::standard::{Evidence, PeerSet, Standards};
use xops_sim::population::policy;
use xops_sim::population::systems::{KIND, SYSTEMS};

/// How often it is done; the median is told.
const ROUNDS: usize = 5;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Peers {
    /// From the graph to numbers.
    pub census: Took,
    /// From the numbers to the findings about one outcome.
    pub judged: Took,
    pub people: f64,
    pub findings: f64,
}

/// Who shares a title and a site, and the groups that the second system shows of them.
fn peers() -> PeerSet {
    let system = &SYSTEMS[1];
    PeerSet {
        name: "alike".into(),
        entity: "person".into(),
        counts: Expr::Literal(true.into()),
        levels: vec![vec!["title".into(), "site".into()], vec!["title".into()]],
        least: 5,
        expected_pct: 80,
        suggested_pct: 50,
        excess_pct: 5,
        lift_pct: 120,
        evidence: vec![Evidence {
            domain: system.domain.into(),
            facet: policy::groups(system),
            system: system.name.into(),
            kind: KIND.into(),
            record: "email".into(),
            entity: "email".into(),
            element: "groups".into(),
            objects: None,
            origin: Origin::default(),
        }],
        origin: Origin::default(),
    }
}

/// Takes the census and judges the first outcome that is for a title.
pub(super) fn measure(estate: &Estate, declared: &Declarations) -> Result<Peers, Failure> {
    let set = peers();
    let standards = Standards { peers: [(set.name.clone(), set.clone())].into(), ..Standards::default() };
    let outcome = declared.outcomes.values().find(|outcome| outcome.name.starts_with("title "));
    let outcome = outcome.ok_or_else(|| Failure::plain("the population declares no outcome for a title"))?;
    let (mut census_took, mut judged_took, mut figures) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..ROUNDS {
        let (census, took) = timed(|| Census::take(&estate.graph, &standards, "person", &set.evidence, NOW));
        let census = census.ok_or_else(|| Failure::plain("no kind `person` is declared"))?;
        census_took.push(took);
        let (report, took) = timed(|| judge(outcome, &standards, &[(&set, &census)]));
        judged_took.push(took);
        figures = (census.len(), report.map_or(0, |report| report.findings.len()));
    }
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    Ok(Peers {
        census: median(census_took),
        judged: median(judged_took),
        people: count(figures.0),
        findings: count(figures.1),
    })
}
