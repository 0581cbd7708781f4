//! Thirteen bad days for every covered system: each ends in an outcome that the manifest declares, and none hangs.
//!
//! - In the short run one AWF stands for its system, the first that looks before it acts: what is bad happens below the
//!   manifest, so its error mapping and its lookups are what is tried. The long run (`soak`) goes on over all that look before they act,
//!   as far as its time lets it, from a place that `XOPS_LAWS_SEED` names.
//! - A lookup that could not see must never say that something is absent: that is what removals and creations are planned from.

use crate::cases::Case;
use crate::laws::{Trial, Verdict, opened};
use crate::protocol::Step;
use crate::stage::manifests;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use xops_kernel::awf::{Achieves, Ambiguity, AwfName};
use xops_kernel::fact::Observation;
use xops_kernel::port::{Outcome, Phase};

/// What happens, and how the estate is told to let it happen.
const BEHAVIOURS: [(&str, &str, u64); 14] = [
    ("outage", "status:503", 0),
    ("slow", "slow", 60),
    ("429 with wait", "status:429", 0),
    ("429", "status:429", 0),
    ("500", "status:500", 0),
    ("502 after", "status_after:502", 0),
    ("timeout after", "timeout_after", 400),
    ("reset mid-body", "reset_mid_body", 0),
    ("partial page", "truncate", 0),
    ("duplicate", "", 0),
    ("stale read", "stale_read", 120_000),
    ("schema change", "schema_change", 0),
    ("wrong tenant", "wrong_tenant", 0),
    ("expired", "expire_tokens", 0),
];
/// The longest that one behaviour of one system may take.
const HANG: Duration = Duration::from_secs(8);
/// Systems whose listing is asked for by an id that its items do not carry: an answer about another one is believed.
const BELIEVE_THE_LIST: &[&str] = &["servicenow_wsd"];
/// AWFs whose lookup is told settings or a list by an address alone, or by another name than the one it asked by: nothing in the
/// answer says whose they are. This list only shrinks.
const CANNOT_TELL_WHOSE: &[&str] = &[
    "dialpad.set_e911_address",
    "entra_id.delete_temporary_access_pass",
    "entra_id.issue_temporary_access_pass",
    "exchange_online.set_auto_reply",
    "github.block_user",
    "github.unblock_user",
    "gmail.set_auto_forwarding",
    "gmail.set_vacation_reply",
    "google_workspace.add_group_member",
    "google_workspace.generate_backup_codes",
    "google_workspace.invalidate_backup_codes",
    "google_workspace.remove_group_member",
    "intune.set_device_category",
    "okta.change_manager_link",
    "okta.remove_manager_link",
    "okta.reset_mfa_factors",
    "okta.revoke_oauth_grants",
    "okta.set_manager_link",
    "pagerduty.revoke_sessions",
    "slack.set_profile_fields",
    "workday.change_job_location",
    "workday.set_cost_center",
];

async fn tried(trial: &Trial<'_>, (name, kind, delay_ms): (&str, &str, u64)) -> Verdict {
    let before = trial.set().await?;
    let mut step = trial.step();
    let seen = step.look(Phase::Snapshot).await.map_err(|why| format!("snapshot: {why}"))?;
    step.before = seen.outputs;
    let mut more = if delay_ms > 0 { json!({"delay_ms": delay_ms}) } else { json!({}) };
    if name == "429 with wait" {
        more["retry_after_s"] = json!(7);
    }
    let system = &trial.name.system;
    match name {
        "schema change" => disguised(trial, &standing(trial).await?, name, kind).await,
        "partial page" | "wrong tenant" => {
            more["times"] = Json::Null;
            trial.stage.fault(system, "*", kind, &more).await;
            blind(&step, name).await
        }
        "duplicate" => duplicate(trial, step).await,
        "stale read" => {
            let (outcome, told) = step.call().await;
            if !matches!(outcome, Outcome::Ok(_) | Outcome::AlreadyDone(_)) {
                return Err(format!("{outcome:?} of {told}"));
            }
            more["times"] = Json::Null;
            trial.stage.fault(system, "*", kind, &more).await;
            // The old state, or that the object is not there: both are waited for, neither is a failure for good.
            drop(step.look(Phase::Readback).await);
            trial.stage.control("DELETE", "/faults", &Json::Null).await;
            let fresh = step.look(Phase::Readback).await?;
            if step.reached(&fresh.seen) == Some(true) {
                Ok("seen")
            } else {
                Err(format!("{:?}", fresh.seen))
            }
        }
        _ => {
            trial.stage.fault(system, "*", kind, &more).await;
            if name == "timeout after" {
                step.deadline = Duration::from_millis(200);
            }
            let (outcome, told) = step.call().await;
            let changed = !trial.differences(&before, &trial.state().await).is_empty();
            // A body of nothing cannot break off.
            if name == "reset mid-body" && changed && told.ends_with("-> 204 ") {
                return Ok("whole");
            }
            acted(&step, name, &outcome, changed).map_err(|why| format!("{why}: {outcome:?} of {told}"))
        }
    }
}

/// What the call itself may say, and whether it took effect.
fn acted(step: &Step<'_>, name: &str, outcome: &Outcome, changed: bool) -> Verdict {
    let good = matches!(outcome, Outcome::Ok(_) | Outcome::AlreadyDone(_));
    let again = matches!(step.contract().ambiguity, Ambiguity::Resend { .. });
    let open = matches!(outcome, Outcome::Unknown(_)) || again && matches!(outcome, Outcome::Transient(_));
    let is_right = match name {
        "slow" | "expired" => good && changed,
        // A vendor that tells the moment and not the wait tells it to the second, as it tells its own time.
        "429 with wait" => {
            matches!(outcome, Outcome::RateLimited { retry_after_ms: Some(7_000..=9_000) }) && !changed
        }
        "429" => matches!(outcome, Outcome::RateLimited { .. }) && !changed,
        "outage" | "500" => matches!(outcome, Outcome::Unknown(_) | Outcome::Transient(_)) && !changed,
        // It may have taken effect, and nothing else may be said of it.
        _ => open && changed,
    };
    if is_right { Ok(outcome_word(outcome)) } else { Err(format!("it changed {changed}")) }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Ok(_) => "ok",
        Outcome::RateLimited { .. } => "waits",
        Outcome::Transient(_) => "again",
        _ => "unknown",
    }
}

/// Lookups that no new name misleads: their answer is a status, or a list that has to be empty.
const SAY_IT_WITHOUT_NAMES: &[&str] =
    &["github.block_user", "github.unblock_user", "okta.reset_mfa_factors", "okta.revoke_oauth_grants"];

/// What is there is shown under other names, and then as another customer's: whatever is said of it, it is neither said to be
/// absent nor taken for ours.
async fn deceived(trial: &Trial<'_>) -> [Verdict; 2] {
    let step = match standing(trial).await {
        Ok(step) => step,
        Err(why) => return [Err(why), Ok("not tried")],
    };
    [
        disguised(trial, &step, "schema change", "schema_change").await,
        disguised(trial, &step, "wrong tenant", "wrong_tenant").await,
    ]
}

/// A step whose object is there.
async fn standing<'a>(trial: &'a Trial<'_>) -> Result<Step<'a>, String> {
    trial.set().await?;
    let mut step = trial.step();
    let is_there = step.look(Phase::Snapshot).await.map_err(|why| format!("snapshot: {why}"))?;
    let makes_it = !matches!(step.contract().achieves, Some(Achieves::Remove | Achieves::Update));
    if makes_it && step.reached(&is_there.seen) == Some(false) {
        step.perform().await?;
    }
    Ok(step)
}

async fn disguised(trial: &Trial<'_>, step: &Step<'_>, name: &str, kind: &str) -> Verdict {
    trial.stage.fault(&trial.name.system, "*", kind, &json!({"times": null})).await;
    let verdict = blind(step, name).await;
    trial.stage.control("DELETE", "/faults", &Json::Null).await;
    if name == "schema change" && SAY_IT_WITHOUT_NAMES.contains(&trial.name.to_string().as_str()) {
        return if verdict.is_err() { Ok("without names") } else { Err("it has names now".to_owned()) };
    }
    verdict
}

/// A lookup that is shown nothing that it can trust.
async fn blind(step: &Step<'_>, name: &str) -> Verdict {
    let system = step.name.system.as_str();
    let seen = match step.look(Phase::Snapshot).await {
        Err(_) => return Ok("failed"),
        Ok(sighting) => sighting.seen,
    };
    match (name, seen) {
        (_, Observation::Unknown(_)) => Ok("unknown"),
        ("wrong tenant", Observation::Present(_)) if BELIEVE_THE_LIST.contains(&system) => Ok("believed"),
        // An answer without a body cannot be cut.
        ("partial page", Observation::Present(_))
            if SAY_IT_WITHOUT_NAMES.contains(&step.name.to_string().as_str()) =>
        {
            Ok("whole")
        }
        // A complete listing of somebody else's objects does not show ours: nothing in it says whose it is.
        ("wrong tenant", Observation::Absent(_)) => Ok("absent"),
        (_, seen) => Err(format!("{seen:?}")),
    }
}

/// The same request arrives twice.
async fn duplicate(trial: &Trial<'_>, mut step: Step<'_>) -> Verdict {
    let (first, told) = step.call().await;
    if !matches!(first, Outcome::Ok(_) | Outcome::AlreadyDone(_)) {
        return Err(format!("{first:?} of {told}"));
    }
    let after = trial.state().await;
    let (second, _) = step.call().await;
    let differences = trial.changed(&after, &trial.state().await);
    let doubled = !differences.is_empty();
    let declared = match step.contract().ambiguity {
        Ambiguity::Resend { .. } | Ambiguity::Probe { unique: true, .. } => false,
        Ambiguity::Probe { unique: false, .. } | Ambiguity::Park => true,
    };
    match (doubled, declared) {
        (false, _) => {
            Ok(if matches!(second, Outcome::Ok(_) | Outcome::AlreadyDone(_)) { "same" } else { "refused" })
        }
        (true, true) => Ok("declared"),
        (true, false) => {
            Err(format!("it doubled, and the manifest says that it cannot: {}", differences.join("; ")))
        }
    }
}

#[test]
fn no_lookup_is_deceived_by_new_names_or_by_anothers_object() {
    let (covered, stage, runtime) = opened(None);
    let none = Case::default();
    let (mut failures, mut believed, mut tried) = (Vec::new(), Vec::new(), 0);
    for (system, cases) in &covered {
        let awfs = &manifests().manifest(system).unwrap().awfs;
        for (function, _) in awfs.iter().filter(|(_, awf)| awf.contract.snapshot) {
            let case = cases.awfs.get(function).unwrap_or(&none);
            let trial = Trial { stage: &stage, cases, case, name: AwfName::new(system, function) };
            tried += 1;
            let [renamed, anothers] = runtime.block_on(deceived(&trial));
            failures.extend(renamed.err().map(|why| format!("{}: schema change: {why}", trial.name)));
            match anothers {
                Err(_) if CANNOT_TELL_WHOSE.contains(&trial.name.to_string().as_str()) => {
                    believed.push(trial.name.to_string());
                }
                other => {
                    failures.extend(other.err().map(|why| format!("{}: wrong tenant: {why}", trial.name)));
                }
            }
        }
    }
    eprintln!("{tried} lookups");
    assert!(failures.is_empty(), "{} failures of {tried}:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(believed, CANNOT_TELL_WHOSE, "what can tell whose its object is comes off the list");
}

/// What became of the bad days of some AWFs.
#[derive(Default)]
struct Days {
    table: String,
    failures: Vec<String>,
    tried: usize,
}

impl Days {
    /// Lets every behaviour happen to one AWF.
    fn let_happen(&mut self, runtime: &tokio::runtime::Runtime, trial: &Trial<'_>) {
        self.tried += 1;
        let _infallible = write!(self.table, "{:36}", trial.name.to_string());
        for behaviour in BEHAVIOURS {
            let began = Instant::now();
            let verdict = runtime.block_on(tried(trial, behaviour));
            runtime.block_on(trial.stage.control("DELETE", "/faults", &Json::Null));
            let known =
                behaviour.0 == "wrong tenant" && CANNOT_TELL_WHOSE.contains(&trial.name.to_string().as_str());
            let verdict = if known { verdict.or(Ok("believed")) } else { verdict };
            let word = verdict.as_ref().map_or("FAILS", |word| word);
            let _infallible = write!(self.table, "{word:>9}");
            if let Err(why) = verdict {
                self.failures.push(format!("{} {}: {why}", trial.name, behaviour.0));
            }
            if began.elapsed() > HANG {
                let took = began.elapsed();
                self.failures.push(format!("{} {}: it took {took:?}", trial.name, behaviour.0));
            }
        }
        self.table.push('\n');
    }

    fn hold(self) {
        eprintln!("{}{} AWFs", self.table, self.tried);
        assert!(self.failures.is_empty(), "{} failures:\n{}", self.failures.len(), self.failures.join("\n"));
    }
}

#[test]
fn every_covered_system_ends_its_bad_days_in_a_declared_outcome() {
    let only = std::env::var("XOPS_LAWS_ONLY").ok();
    let system = only.as_deref().map(|only| only.split('.').next().unwrap_or(only));
    let (covered, stage, runtime) = opened(system);
    let (mut days, none) = (Days::default(), Case::default());
    for (name, cases) in &covered {
        let awfs = &manifests().manifest(name).expect("a manifest").awfs;
        let Some((function, _)) = awfs.iter().find(|(_, awf)| awf.contract.snapshot) else { continue };
        let case = cases.awfs.get(function).unwrap_or(&none);
        days.let_happen(&runtime, &Trial { stage: &stage, cases, case, name: AwfName::new(name, function) });
    }
    days.hold();
}

/// A number of the environment.
fn told(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How many estates are asked side by side: most of the time a client waits for what is slow or lost.
const SIDE_BY_SIDE: usize = 4;

/// Lets the bad days happen to every AWF whose place in a stride is `shard` of `SIDE_BY_SIDE`, until `until`.
fn shard_of(shard: usize, seed: usize, until: Instant) -> Days {
    let (covered, stage, runtime) = opened(None);
    let (mut days, none) = (Days::default(), Case::default());
    let mut all = Vec::new();
    for (name, cases) in &covered {
        let awfs = &manifests().manifest(name).expect("a manifest").awfs;
        let looking = awfs.iter().filter(|(_, awf)| awf.contract.snapshot);
        all.extend(looking.map(|(function, _)| (name, cases, function)));
    }
    // A stride that meets every one once, so that a short run meets many systems.
    let count = all.len();
    let stride = (count / 3..=count + 1).find(|stride| gcd(*stride, count) == 1).unwrap_or(1);
    for at in (0..count).filter(|at| at % SIDE_BY_SIDE == shard) {
        if Instant::now() > until {
            break;
        }
        let (name, cases, function) = all[(seed % count + at * stride) % count];
        let case = cases.awfs.get(function).unwrap_or(&none);
        days.let_happen(&runtime, &Trial { stage: &stage, cases, case, name: AwfName::new(name, function) });
    }
    days
}

#[test]
#[ignore = "goes on for XOPS_SOAK_SECONDS (60)"]
fn soak_every_awf_ends_its_bad_days_in_a_declared_outcome() {
    let until = Instant::now() + Duration::from_secs(told("XOPS_SOAK_SECONDS", 60));
    let seed = usize::try_from(told("XOPS_LAWS_SEED", 1)).unwrap_or(1);
    eprintln!("XOPS_LAWS_SEED={seed}");
    let mut days = Days::default();
    std::thread::scope(|scope| {
        let shards = (0..SIDE_BY_SIDE).map(|shard| scope.spawn(move || shard_of(shard, seed, until)));
        for shard in shards.collect::<Vec<_>>() {
            let one = shard.join().expect("a shard");
            days.table += &one.table;
            days.failures.extend(one.failures);
            days.tried += one.tried;
        }
    });
    days.hold();
}

fn gcd(one: usize, other: usize) -> usize {
    if other == 0 { one } else { gcd(other, one % other) }
}
