//! Faults: a system's bad day at every call of both stories, once and for good.
//!
//! Invariants held in every case: the instance ends as the manifests and the runbook declare, within a bound; what the command
//! reports as done is so in the estate, and what it reports as undone is not; where the story ends as usual, the estate is as
//! if nothing had gone wrong.

use crate::support::command::Xops;
use crate::support::estate::Estate;
use crate::support::sites::{self, Role, Site};
use crate::support::story::{self, BOUND, Reference, STEPS, Story};
use crate::support::truth::{self, Objects};
use crate::support::work::{self, Lab};
use serde_json::json;
use std::fmt;

/// How many cases run side by side: they wait more than they compute.
const WORKERS: usize = 6;

/// A kind of fault: its word, the seconds of `Retry-After`, the delay in milliseconds.
type Kind = (&'static str, Option<u64>, Option<u64>);

/// Every kind of fault.
const KINDS: [Kind; 15] = [
    ("reject", None, None),
    ("status:429", None, None),
    ("status:429", Some(1), None),
    ("status:500", None, None),
    ("status:503", None, None),
    ("status:503", Some(1), None),
    ("timeout_before", None, None),
    ("timeout_after", None, None),
    ("reset_before", None, None),
    ("reset_after", None, None),
    ("reset_mid_body", None, None),
    ("slow", None, Some(800)),
    ("stale_read", None, Some(60_000)),
    ("truncate", None, None),
    ("expire_tokens", None, None),
];

/// What a fault that strikes once comes to where it does not simply pass: its kind, where it strikes, how the instance stands then
/// if that was on the way forward, and if it was on the way back. A rejection before or at the call means the declared way back; one
/// of the lookup after it asks a person, as does everything that a compensation is refused.
const ONCE: [(&str, Role, &str, &str); 3] = [
    ("reject", Role::Do, "undone", "stuck"),
    ("reject", Role::Snapshot, "undone", "stuck"),
    ("reject", Role::Readback, "parked", "stuck"),
];

/// What a fault at the call that never ends comes to: its kind, then how the instance stands where the manifest declares `probe`,
/// and where it declares `resend`. What provably took no effect is given up and the way back is taken; what a lookup shows is
/// adopted; what may have taken effect and cannot be sent any more waits for a person.
const ALWAYS: [(&str, &str, &str); 8] = [
    ("reject", "undone", "undone"),
    ("status:429", "undone", "undone"),
    ("status:500", "undone", "parked"),
    ("timeout_before", "undone", "parked"),
    ("timeout_after", "completed", "parked"),
    ("reset_before", "undone", "parked"),
    ("reset_after", "completed", "parked"),
    ("truncate", "completed", "parked"),
];
/// The AWFs of the stories' way forward that declare `resend`.
const RESENT: [&str; 2] = ["okta.assign_groups", "intune.push_profile"];
/// An answer without a body cannot be cut off.
const BODILESS: &str = "okta.assign_groups";

/// What a fault at the lookups that never ends comes to: its kind, from which lookup of a step on, how the instance stands then, and
/// whether it takes long, because lookups are tried for half a minute and more. What cannot be seen before the call is not done;
/// what cannot be seen after it waits for a person.
const BLIND: [(&str, Role, &str, bool); 3] = [
    ("status:500", Role::Snapshot, "undone", true),
    ("status:500", Role::Readback, "parked", true),
    ("stale_read", Role::Readback, "parked", false),
];
/// For whom that is tried where it takes long.
const BLIND_LONG: [&str; 2] = ["servicenow.order_dev", "slack.invite_channels"];

/// How many lookups do not show yet what was done: as many as a call that is sent again looks at before.
const STALE: u64 = 2;

/// One case.
struct Case {
    site: Site,
    kind: Kind,
    times: Option<u64>,
    /// Where a lookup goes wrong as well, and how often.
    stale: Option<(Site, u64)>,
    expect: &'static str,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, retry_after_s, _) = self.kind;
        let times = if self.times.is_some() { "once" } else { "always" };
        let after = retry_after_s.map_or_else(String::new, |seconds| format!(" retry-after {seconds}"));
        let stale = if self.stale.is_some() { ", then stale lookups" } else { "" };
        write!(f, "{} {kind}{after} {times}{stale} -> {}", self.site, self.expect)
    }
}

impl Case {
    /// Tells the estate.
    fn arrange(&self, estate: &Estate) {
        let (kind, retry_after_s, delay_ms) = self.kind;
        let Site { system, operation, after, .. } = &self.site;
        estate.fault(&json!({
            "system": system, "operation": operation, "kind": kind, "after": after, "times": self.times,
            "retry_after_s": retry_after_s, "delay_ms": delay_ms,
        }));
        if let Some((Site { system, operation, after, .. }, times)) = &self.stale {
            estate.fault(&json!({
                "system": system, "operation": operation, "kind": "stale_read", "after": after, "times": times,
            }));
        }
    }
}

/// The three undisturbed ends that a step's effect is held against.
struct Ends {
    forward: Reference,
    back: Reference,
}

impl Ends {
    fn tell() -> Self {
        let mut lab = Lab::open();
        Self {
            forward: story::undisturbed(&mut lab, Story::Forward),
            back: story::undisturbed(&mut lab, Story::Backstep),
        }
    }

    fn of(&self, story: Story) -> &Reference {
        match story {
            Story::Forward => &self.forward,
            Story::Backstep => &self.back,
        }
    }
}

fn check(lab: &mut Lab, ends: &Ends, story: Story, case: &Case) -> Result<(), String> {
    let (xops, _data) = lab.fresh();
    let estate = &lab.estate;
    // First, because the first fault that fits is the one that strikes.
    case.arrange(estate);
    story.arrange(estate);
    let ended = xops.run(&story::apply(&[]), BOUND)?;
    for fault in 1..=1 + usize::from(case.stale.is_some()) {
        if estate.hits_of(fault) == 0 {
            return Err(format!("fault {fault} never struck; the command ended with {}", ended.status));
        }
    }
    let told = |why: String| match xops.run(&["trace", "1", "--full"], BOUND) {
        Ok(trace) => format!("{why}\n{}{}", ended.err, trace.out),
        Err(_) => format!("{why}\n{}", ended.err),
    };
    ended.expect("the command", story::code_of(case.expect)).map_err(&told)?;
    lies(&xops, estate, ends, case.expect).map_err(&told)?;
    if case.expect == story.word()
        && let Some(difference) = truth::difference(&ends.of(story).end, &truth::objects(estate))
    {
        return Err(told(format!("the end state is another:\n    {difference}")));
    }
    Ok(())
}

/// Holds what the journal says of the instance and of each step against what is so.
fn lies(xops: &Xops, estate: &Estate, ends: &Ends, expect: &str) -> Result<(), String> {
    let (word, replayed) = story::replayed(xops, "1")?;
    if word != expect {
        return Err(format!("it is {word}, not {expect}"));
    }
    let found = truth::objects(estate);
    let runs = replayed["steps"].as_array().ok_or("the replayed state has no steps")?;
    if runs.len() != STEPS {
        return Err(format!("the plan has {} steps, not {STEPS}", runs.len()));
    }
    for ((awf, names), run) in ends.forward.touched.iter().zip(runs) {
        let among = |allowed: &[&Objects]| {
            names.iter().all(|name| allowed.iter().any(|objects| objects.get(name) == found.get(name)))
        };
        let stage = run["stage"].as_str().unwrap_or("under way");
        let holds = match stage {
            "Done" | "Kept" => among(&[&ends.forward.end]),
            "Undone" => among(&[&ends.back.end]),
            "Waiting" | "Failed" => among(&[&ends.forward.seed]),
            // Of what waits for a person nothing is claimed.
            _ => true,
        };
        if !holds {
            let shown: Vec<_> = names.iter().map(|name| found.get(name)).collect();
            return Err(format!("a lie: {awf} is reported {stage}, and the estate has {shown:?}"));
        }
    }
    Ok(())
}

/// What a fault that strikes once comes to at a site.
fn once(story: Story, site: &Site, kind: &str) -> &'static str {
    let row = ONCE.iter().find(|(of, role, ..)| *of == kind && *role == site.role);
    row.map_or(story.word(), |(_, _, forward, back)| if site.action < STEPS { forward } else { back })
}

/// Runs all the faults at the sites that `choose` takes.
fn strike(title: &str, story: Story, choose: impl Fn(&Site, &str) -> bool) {
    let ends = Ends::tell();
    let mut cases = Vec::new();
    for site in sites::sites(ends.of(story)) {
        // Where Okta gives no time it means a minute, by the same header by which it gives one.
        let minute = |kind: &Kind| site.system == "okta" && *kind == ("status:429", None, None);
        for kind in KINDS.into_iter().filter(|kind| choose(&site, kind.0) && !minute(kind)) {
            let expect = once(story, &site, kind.0);
            cases.push(Case { site: site.clone(), kind, times: Some(1), stale: None, expect });
        }
    }
    cases.retain(work::is_asked_for);
    work::all(title, WORKERS, &cases, |lab, case| check(lab, &ends, story, case));
}

#[test]
fn a_fault_that_strikes_once_on_the_way_forward_does_what_is_declared() {
    strike("fault forward", Story::Forward, |_, _| true);
}

#[test]
fn a_fault_that_strikes_once_on_the_way_back_does_what_is_declared() {
    strike("fault back", Story::Backstep, |site, _| site.action >= STEPS);
}

#[test]
fn what_was_done_without_an_answer_is_undone_all_the_same() {
    let unanswered =
        ["status:500", "timeout_before", "timeout_after", "reset_after", "reset_mid_body", "truncate"];
    strike("fault then back", Story::Backstep, |site, kind| {
        site.role == Role::Do && site.action < STEPS - 1 && unanswered.contains(&kind)
    });
}

/// The call takes effect, its answer is lost, and the lookups that follow do not show it yet: who believes the first lookups
/// does it twice.
#[test]
fn what_was_done_without_an_answer_and_is_not_shown_yet_is_not_done_twice() {
    let ends = Ends::tell();
    for story in [Story::Forward, Story::Backstep] {
        let sites = sites::sites(ends.of(story));
        let acting = sites
            .iter()
            .filter(|site| site.role == Role::Do && (site.action >= STEPS) == (story == Story::Backstep));
        let mut cases = Vec::new();
        for site in acting {
            let after =
                sites.iter().find(|other| other.action == site.action && other.role == Role::Readback);
            let stale = after.cloned().map(|lookup| (lookup, STALE));
            let (site, kind) = (site.clone(), ("reset_after", None, None));
            cases.push(Case { site, kind, times: Some(1), stale, expect: story.word() });
        }
        cases.retain(work::is_asked_for);
        work::all("fault late", WORKERS, &cases, |lab, case| check(lab, &ends, story, case));
    }
}

#[test]
fn a_fault_that_never_ends_leads_to_a_declared_end() {
    let ends = Ends::tell();
    let mut cases = Vec::new();
    for site in sites::sites(&ends.forward).into_iter().filter(|site| site.role == Role::Do) {
        for (word, probed, resent) in ALWAYS {
            if word == "truncate" && site.awf() == BODILESS {
                continue;
            }
            let expect = if RESENT.contains(&site.awf()) { resent } else { probed };
            // Where no time is given some systems mean a minute.
            let retry_after_s = (word == "status:429").then_some(1);
            cases.push(Case {
                site: site.clone(),
                kind: (word, retry_after_s, None),
                times: None,
                stale: None,
                expect,
            });
        }
    }
    for site in sites::sites(&ends.forward) {
        for (word, role, expect, long) in BLIND {
            if role == site.role && (!long || BLIND_LONG.contains(&site.awf())) {
                cases.push(Case {
                    site: site.clone(),
                    kind: (word, None, None),
                    times: None,
                    stale: None,
                    expect,
                });
            }
        }
    }
    cases.retain(work::is_asked_for);
    // The longest first: the others fill the time beside them.
    cases.sort_by_key(|case| case.site.role == Role::Do);
    work::all("fault always", WORKERS, &cases, |lab, case| check(lab, &ends, Story::Forward, case));
}

/// A person's decision about what waits, and how the instance ends.
struct Decision {
    case: Case,
    story: Story,
    decide: &'static str,
    end: &'static str,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, released as {} -> {}", self.case, self.decide, self.end)
    }
}

fn release(lab: &mut Lab, ends: &Ends, decision: &Decision) -> Result<(), String> {
    let Decision { case, story, decide, end } = decision;
    let (xops, _data) = lab.fresh();
    let estate = &lab.estate;
    case.arrange(estate);
    story.arrange(estate);
    xops.run(&story::apply(&[]), BOUND)?.expect("the command", story::code_of(case.expect))?;
    lies(&xops, estate, ends, case.expect)?;
    let daemon = xops.start(&["run", "--listen", "127.0.0.1:0"]);
    let place = xops.daemon_of(&daemon, BOUND)?;
    xops.run(&["release", "1", "--decide", decide], BOUND)?.expect("the release", 0)?;
    story::settled(&place, end)?;
    daemon.terminate(BOUND)?.expect("the daemon", 0)?;
    lies(&xops, estate, ends, end)?;
    let same = if *end == "completed" { &ends.forward.end } else { &ends.back.end };
    match truth::difference(same, &truth::objects(estate)) {
        Some(difference) => Err(format!("the end state is another:\n    {difference}")),
        None => Ok(()),
    }
}

#[test]
fn what_waits_for_a_person_goes_on_as_the_person_decides() {
    let ends = Ends::tell();
    let case = |story: Story, action: usize, role: Role| {
        let site =
            sites::sites(ends.of(story)).into_iter().find(|site| site.action == action && site.role == role);
        let site = site.expect("the story has the call");
        let expect = once(story, &site, "reject");
        Case { site, kind: KINDS[0], times: Some(1), stale: None, expect }
    };
    let (last, first_back) = (STEPS - 1, STEPS);
    let decisions = [
        (Story::Forward, last, Role::Readback, "retry", "completed"),
        (Story::Forward, last, Role::Readback, "done", "completed"),
        (Story::Backstep, first_back, Role::Do, "retry", "undone"),
        (Story::Backstep, first_back + 1, Role::Snapshot, "retry", "undone"),
        (Story::Backstep, first_back + 2, Role::Readback, "retry", "undone"),
    ];
    let decisions = decisions.map(|(story, action, role, decide, end)| Decision {
        case: case(story, action, role),
        story,
        decide,
        end,
    });
    work::all("release", WORKERS, &decisions, |lab, decision| release(lab, &ends, decision));
}
