//! The third entrance: a schedule reconciles everybody, and never fights a backstep.

use crate::daemon::{Daemon, command};
use crate::estate::{World, root, wait_for};
use std::path::Path;
use std::time::Duration;

/// The contingent workers of the estate, for whom the sample's outcome is.
const PEOPLE: u64 = 12;

pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("a file");
        }
    }
}

fn changes(world: &World) -> usize {
    world.control("GET", "/changes", "").as_array().map_or(0, Vec::len)
}

#[test]
#[ignore = "waits for minutes: schedules have no seconds"]
fn soak_a_schedule_brings_everybody_to_the_outcome_and_leaves_alone_what_stepped_back() {
    let world = World::start();
    let project = world.dir().join("project");
    for folder in ["config", "runbooks", "connectors/manifests"] {
        copied(&root().join(folder), &project.join(folder));
    }
    let file = project.join("config/entrances.hcl");
    let text = std::fs::read_to_string(&file).expect("the entrances");
    assert!(text.contains("\"0 * * * *\""), "the sample's schedule is another one now: {text}");
    std::fs::write(&file, text.replace("\"0 * * * *\"", "\"* * * * *\"")).expect("the entrances");
    // The vendor's rate is for a year, not for a test.
    for (system, limit) in
        [("slack", 100_000), ("okta", 100_000), ("servicenow", 100_000), ("intune", 100_000)]
    {
        world.control("POST", "/rates", &format!("{{\"system\": \"{system}\", \"limit\": {limit}}}"));
    }
    let fault = r#"{"system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1}"#;
    world.control("POST", "/faults", fault);
    let daemon = Daemon::start_in(&world, command(&world).env("XOPS_PROJECT", &project));
    let status = || daemon.ask("GET", "/v1/status", "").json();
    // The next minute may be a whole one away.
    std::thread::sleep(Duration::from_secs(45));
    wait_for("everybody's end", || {
        let status = status();
        let ended = |end: &str| status["ended"][end].as_u64().unwrap_or(0);
        (ended("undone") == 1 && ended("completed") == PEOPLE - 1).then_some(())
    });
    let (before, held) = (changes(&world), status()["held"].as_array().map(Vec::len));
    assert_eq!(held, Some(1));
    // Once more nothing happens to anybody. The assignment of a profile to a department's group is shared: a backstep that takes it
    // away takes it from a colleague as well who relied on it meanwhile, and reconciliation gives it back.
    std::thread::sleep(Duration::from_secs(65));
    let all = world.control("GET", "/changes", "");
    let more = all.as_array().and_then(|all| all.get(before..)).unwrap_or_default();
    let own = more.iter().filter(|change| change["kind"] != "configuration_assignment").count();
    assert!(own == 0 && more.len() <= 1, "somebody was changed again: {more:?}");
    let after = status();
    assert_eq!(after["ended"]["undone"], 1, "what stepped back was tried again: {after}");
    assert_eq!(after["held"].as_array().map(Vec::len), Some(1), "{after}");
}
