//! Drift as a daemon meets it: somebody else takes away what xops granted. It is found by the next reading, told with its cause,
//! mended where that is declared, and not fought over: the third time a person must say who is right.

use crate::daemon::{Daemon, command, ends};
use crate::estate::{World, root, wait_for};
use crate::schedule::copied;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// Where the memberships of Okta's groups are seen.
const EVIDENCE: &str = r#"
evidence "identity" "groups" {
  of      = "person"
  from    = okta.group_member
  record  = "user"
  entity  = "link.okta"
  element = "group"
  objects = "group"
}
"#;

/// A copy of the sample project in which Okta is read every few seconds and its groups are watched.
fn project(world: &World, policy: &str) -> PathBuf {
    let project = world.dir().join("project");
    for folder in ["config", "runbooks", "connectors/manifests"] {
        copied(&root().join(folder), &project.join(folder));
    }
    let okta = "system \"okta\" {\n  domain      = \"identity\"\n  base_url    = \"https://acme.okta.com\"\n  concurrency = 5\n";
    edit(
        &project,
        "config/systems.hcl",
        &format!("{okta}  max_age     = \"15m\""),
        &format!("{okta}  max_age     = \"24s\""),
    );
    let runbook = "  runbook = runbook.EMP-R-001\n";
    edit(&project, "config/outcomes.hcl", runbook, &format!("{runbook}{policy}"));
    std::fs::write(project.join("config/evidence.hcl"), EVIDENCE).expect("a file");
    project
}

/// Edits a file of a copied project: `from`, which stands there once, becomes `to`.
fn edit(project: &std::path::Path, file: &str, from: &str, to: &str) {
    let file = project.join(file);
    let text = std::fs::read_to_string(&file).expect("a file");
    assert_eq!(text.matches(from).count(), 1, "{from} in {}", file.display());
    std::fs::write(&file, text.replace(from, to)).expect("a file");
}

fn drifts(daemon: &Daemon) -> Vec<Json> {
    let answer = daemon.ask("GET", "/v1/drift", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["drift"].as_array().cloned().unwrap_or_default()
}

/// The membership of Sarah in the contractors' group, as the estate has it.
fn membership(world: &World) -> Option<String> {
    let state = world.control("GET", "/state?system=okta", "");
    let objects = state["okta"]["objects"]["membership"].as_object().cloned().unwrap_or_default();
    objects.keys().find(|id| id.starts_with("00g1contractors00000/")).cloned()
}

fn take_away(world: &World) {
    let id = membership(world).expect("she is a member");
    world.control(
        "POST",
        "/mutate",
        &json!({ "system": "okta", "kind": "membership", "id": id, "delete": true }).to_string(),
    );
}

fn apply(daemon: &Daemon) {
    let body = json!({ "entity": "person", "find": { "handle": "sarah.chen" }, "outcome": "EMP-R-001" });
    let answer = daemon.ask("POST", "/v1/requests", &body.to_string());
    assert_eq!(answer.status, 202, "{}", answer.body);
    daemon.until(answer.json()["number"].as_u64().expect("a number"), "completed");
}

/// Waits for a reading of the groups that began after this was called, and for what follows from it.
fn cycle(daemon: &Daemon) {
    let read = || {
        let status = daemon.ask("GET", "/v1/status", "").json();
        let systems = status["systems"].as_array().cloned().unwrap_or_default();
        let okta = systems.into_iter().find(|one| one["system"] == "okta")?;
        okta["reads"]["group_members"]["complete_at"].as_u64()
    };
    let before = read();
    // Of two that end after this at least the second began after it.
    let first = wait_for("a reading", || read().filter(|at| Some(*at) != before));
    wait_for("another reading", || read().filter(|at| *at != first));
    std::thread::sleep(std::time::Duration::from_secs(1));
}

/// The drift of her groups, once it stands as said.
fn until(daemon: &Daemon, state: &str) -> Json {
    wait_for(&format!("drift that is {state}"), || {
        let found = drifts(daemon).into_iter().find(|one| one["handle"] == "sarah.chen")?;
        (found["state"] == state).then_some(found)
    })
}

#[test]
fn what_somebody_else_takes_away_is_reported_with_its_cause_and_accepted_by_a_person() {
    let world = World::start();
    let project = project(&world, "");
    let mut start = command(&world);
    let daemon = Daemon::start_in(&world, start.env("XOPS_PROJECT", &project));
    apply(&daemon);
    wait_for("a comparison without her", || {
        drifts(&daemon).iter().all(|one| one["handle"] != "sarah.chen").then_some(())
    });
    // Seen as wanted once, and then gone.
    cycle(&daemon);
    take_away(&world);
    let found = until(&daemon, "open");
    assert_eq!(found["facet"], "identity.groups[contractors]", "{found}");
    assert_eq!(found["owner"], "identity");
    assert_eq!(found["cause"]["kind"], "seen", "{found}");
    assert_eq!(found["cause"]["was"], "member");
    assert_eq!(found["cause"]["by"]["somebody_in"], "okta");
    let id = found["id"].as_str().expect("an id").to_owned();
    let of_project = |arguments: &[&str], code| {
        let mut all = vec!["--project", project.to_str().expect("a path")];
        all.extend(arguments);
        ends(&world, &all, code)
    };
    of_project(&["drift"], 10);
    of_project(&["drift", "ack", &id, "--until", "7d", "--why", " ", "--by", "olivia"], 2);
    let why = "the group is being split";
    of_project(&["drift", "ack", &id[..12], "--until", "7d", "--why", why, "--by", "olivia"], 0);
    let accepted = until(&daemon, "acknowledged");
    assert_eq!(accepted["acknowledged"]["by"], "olivia", "{accepted}");
    let status = daemon.ask("GET", "/v1/status", "").json();
    assert_eq!(status["drift"]["acknowledged"], 1, "{status}");
    // A decision outlives the process.
    daemon.kill();
    let mut again = command(&world);
    let daemon = Daemon::start_in(&world, again.env("XOPS_PROJECT", &project));
    assert_eq!(until(&daemon, "acknowledged")["acknowledged"]["why"], why);
    assert!(membership(&world).is_none(), "and nothing was changed");
}

#[test]
fn what_is_declared_to_open_is_mended_twice_and_then_held_between_two_controllers() {
    let world = World::start();
    let project = project(&world, "  on_drift = \"open\"\n  drift_within = \"1s\"\n");
    let mut start = command(&world);
    let daemon = Daemon::start_in(&world, start.env("XOPS_PROJECT", &project));
    apply(&daemon);
    take_away(&world);
    // The first time it is mended. Whoever takes it away again before that instance has read back what it did is no second
    // controller yet: the instance finds its own step undone, and does it again.
    wait_for("the membership to come back", || membership(&world));
    daemon.until(2, "completed");
    let of_her = || drifts(&daemon).into_iter().find(|one| one["handle"] == "sarah.chen");
    wait_for("the mending to be seen", || of_her().is_none().then_some(()));
    take_away(&world);
    // The second time two controllers disagree, and that is said.
    let held = until(&daemon, "held");
    assert_eq!(held["swings"].as_array().map(Vec::len), Some(2), "{held}");
    assert_eq!(held["controllers"], json!(["xops", "somebody else in okta"]));
    cycle(&daemon);
    assert!(membership(&world).is_none(), "it is not fought over");
    // Neither by a request of the machine, nor by one of a person who does not know; a person who releases it decides.
    let body = |release: bool| {
        json!({ "entity": "person", "find": { "handle": "sarah.chen" }, "outcome": "EMP-R-001", "release": release }).to_string()
    };
    let refused = daemon.ask("POST", "/v1/requests", &body(false));
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body.contains("two controllers disagree"), "{}", refused.body);
    let released = daemon.ask("POST", "/v1/requests", &body(true));
    assert_eq!(released.status, 202, "{}", released.body);
    daemon.until(released.json()["number"].as_u64().expect("a number"), "completed");
    assert!(membership(&world).is_some());
}

#[test]
fn what_nobody_declared_of_an_exclusive_facet_is_taken_away_and_what_is_declared_stays() {
    let world = World::start();
    let project = project(&world, "  on_drift = \"open\"\n  drift_within = \"1s\"\n");
    let groups = "facet \"identity\" \"groups\" {\n  system = \"okta\"\n  set    = true\n  mode   = ";
    edit(&project, "config/facets.hcl", &format!("{groups}\"additive\""), &format!("{groups}\"exclusive\""));
    // What Okta puts everybody into is declared, or it would be taken from everybody.
    let object = format!("object \"group\" \"everyone\" {{ id = \"{EVERYONE}\" }}\n");
    std::fs::write(project.join("config/everyone.hcl"), object).expect("a file");
    edit(&project, "config/outcomes.hcl", "[group.contractors]", "[group.contractors, group.everyone]");
    let mut start = command(&world);
    let daemon = Daemon::start_in(&world, start.env("XOPS_PROJECT", &project));
    apply(&daemon);
    let declared = membership(&world).expect("she is a member");
    let user = declared.rsplit('/').next().expect("a user").to_owned();
    let of_her = |world: &World| -> Vec<String> {
        let state = world.control("GET", "/state?system=okta", "");
        let objects = state["okta"]["objects"]["membership"].as_object().cloned().unwrap_or_default();
        objects.keys().filter(|id| id.ends_with(&user)).cloned().collect()
    };
    assert_eq!(of_her(&world), std::slice::from_ref(&declared));
    // Somebody puts her into a group by hand that no outcome wants for her, and that nobody declared as an object.
    let state = world.control("GET", "/state?system=okta", "");
    let all = state["okta"]["objects"]["group"].as_object().cloned().unwrap_or_default();
    let other = |id: &&String| !declared.starts_with(id.as_str()) && id.as_str() != EVERYONE;
    let other = all.keys().find(other).expect("another group").clone();
    let id = format!("{other}/{user}");
    let set = json!({ "group": other, "user": user });
    let order = json!({ "system": "okta", "kind": "membership", "id": id, "create": true, "set": set });
    world.control("POST", "/mutate", &order.to_string());
    wait_for("somebody to have put her there", || of_her(&world).contains(&id).then_some(()));
    wait_for("it to be taken away", || (!of_her(&world).contains(&id)).then_some(()));
    assert_eq!(of_her(&world), [declared], "and what is declared stays");
}

/// The group that Okta puts everybody into.
const EVERYONE: &str = "00g1everyone00000000";

/// An outcome that takes precedence over the onboarding.
const URGENT: &str = r#"
outcome "urgent" {
  title      = "What cannot wait for an onboarding"
  entity     = "person"
  for        = person.handle == "sarah.chen"
  supersedes = [outcome.EMP-R-001]
  identity { account = "present" }
}
"#;

#[test]
fn what_has_precedence_ends_what_waits_and_takes_its_place_through_a_death_of_the_process() {
    let world = World::start();
    let project = project(&world, "");
    std::fs::write(project.join("config/urgent.hcl"), URGENT).expect("a file");
    let mut start = command(&world);
    let daemon = Daemon::start_in(&world, start.env("XOPS_PROJECT", &project));
    let body = |outcome: &str| {
        json!({ "entity": "person", "find": { "handle": "sarah.chen" }, "outcome": outcome }).to_string()
    };
    // The onboarding waits at its third step.
    let pause = json!({ "scope": "system:okta", "by": "olivia", "why": "a look" }).to_string();
    assert_eq!(daemon.ask("POST", "/v1/pauses", &pause).status, 200);
    let begun = daemon.ask("POST", "/v1/requests", &body("EMP-R-001"));
    assert_eq!(begun.status, 202, "{}", begun.body);
    let first = begun.json()["number"].as_u64().expect("a number");
    let stands = |daemon: &Daemon, number: u64| {
        daemon.ask("GET", &format!("/v1/instances/{number}"), "").json()["state"].clone()
    };
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(stands(&daemon, first), "running");
    // Whoever asks for what is not declared to have precedence waits; what is does not.
    let asked = {
        let (url, bearer) = (format!("{}/v1/requests", daemon.url), format!("Bearer {}", daemon.token()));
        let body = body("urgent");
        std::thread::spawn(move || {
            crate::http::call("POST", &url, &[("authorization", &bearer)], body.as_bytes()).status
        })
    };
    wait_for("the onboarding to make way", || (stands(&daemon, first) == "superseded").then_some(()));
    daemon.kill();
    let _gone_with_the_daemon = asked.join();
    let mut again = command(&world);
    let daemon = Daemon::start_in(&world, again.env("XOPS_PROJECT", &project));
    assert_eq!(daemon.ask("DELETE", "/v1/pauses?scope=system:okta&by=olivia", "").status, 200);
    daemon.until(first + 1, "completed");
    assert!(membership(&world).is_none(), "the onboarding is over, and only what took its place was done");
    let trace = |number: u64| {
        let number = number.to_string();
        ends(&world, &["--project", project.to_str().expect("a path"), "trace", &number], 0).0
    };
    let (one, other) = (trace(first), trace(first + 1));
    assert!(one.contains("overtaken by=") && one.contains("outcome.superseded"), "{one}");
    assert!(other.contains("supersedes=p-"), "{other}");
}
