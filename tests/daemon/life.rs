//! How the daemon's life begins and ends: politely, by force, twice at once, and again.

use crate::daemon::{Daemon, command, ends, said};
use crate::doors::onboarding;
use crate::estate::World;
use std::process::Output;

fn onboard(daemon: &Daemon, id: &str, handle: &str) -> u64 {
    let answer = daemon.ask("POST", "/v1/requests", &onboarding(id, handle));
    answer.json()["number"].as_u64().unwrap_or_else(|| panic!("{}", answer.body))
}

#[test]
fn a_polite_end_closes_the_journal_and_the_next_start_goes_on() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let number = onboard(&daemon, "r1", "sarah.chen");
    daemon.until(number, "completed");
    assert_eq!(daemon.terminate().code(), Some(0));
    assert!(!said(&world).exists(), "a daemon that ended says no more where it is");
    ends(&world, &["verify"], 0);
    ends(&world, &["replay", "1"], 0);
    let daemon = Daemon::start(&world);
    let number = onboard(&daemon, "r2", "wei.zhang");
    assert_eq!(number, 2);
    daemon.until(number, "completed");
    assert_eq!(daemon.ask("GET", "/v1/status", "").json()["epoch"], 2);
}

#[test]
fn an_end_amid_work_loses_nothing_and_doubles_nothing() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    world.control(
        "POST",
        "/faults",
        r#"{"system": "servicenow", "operation": "*", "kind": "slow", "delay_ms": 300, "times": 4}"#,
    );
    let number = onboard(&daemon, "r1", "sarah.chen");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(daemon.terminate().code(), Some(0));
    ends(&world, &["verify"], 0);
    let (status, _) = ends(&world, &["run", "--listen", "127.0.0.1:0", "--until-quiet"], 0);
    assert!(status.is_empty(), "{status}");
    let (trace, _) = ends(&world, &["trace", &number.to_string()], 0);
    assert!(trace.contains("outcome.complete"), "{trace}");
    let changes = world.control("GET", "/changes", "");
    let orders =
        |change: &&serde_json::Value| change["kind"] == "sc_request" && change["system"] == "servicenow";
    let orders = changes.as_array().expect("changes").iter().filter(orders).count();
    assert!(orders <= 1, "{changes}");
}

#[test]
fn a_second_daemon_on_the_same_data_is_told_who_has_it() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let Output { status, stderr, .. } = command(&world).output().expect("a second daemon");
    let why = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{why}");
    assert!(why.contains("in use by process") && why.contains("stop that process"), "{why}");
    assert_eq!(daemon.ask("GET", "/v1/status", "").status, 200);
    assert!(said(&world).exists(), "the second one took the first one's address away");
}

#[test]
fn readers_work_beside_a_running_daemon() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let (told, _) = ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    assert!(told.contains("outcome.complete"), "{told}");
    ends(&world, &["trace", "1"], 0);
    ends(&world, &["replay", "1"], 0);
    ends(&world, &["verify"], 0);
    let (plan, _) = ends(&world, &["plan", "person:sarah.chen"], 0);
    assert!(plan.contains("as declared"), "{plan}");
    drop(daemon);
}

#[test]
fn a_killed_daemon_leaves_a_file_that_misleads_nobody() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    daemon.kill();
    assert!(said(&world).exists(), "who is killed cannot tidy up");
    let (status, _) = ends(&world, &["status"], 0);
    assert!(status.contains("no daemon runs"), "{status}");
    let (_, why) = ends(&world, &["pause", "all", "--why", "x"], 1);
    assert!(why.contains("no daemon runs"), "{why}");
    // The command does the work itself, and a new daemon takes the place of the old one.
    ends(&world, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    let daemon = Daemon::start(&world);
    assert_eq!(daemon.ask("GET", "/v1/status", "").json()["ended"]["completed"], 1);
}

#[test]
fn a_file_that_describes_no_daemon_is_said_to() {
    let world = World::start();
    std::fs::create_dir_all(said(&world).parent().expect("a folder")).expect("a folder");
    std::fs::write(said(&world), "{\"pid\": ").expect("a file");
    let (_, why) = ends(&world, &["pause", "all", "--why", "x"], 1);
    assert!(why.contains("daemon.json") && why.contains("does not describe a daemon"), "{why}");
}

#[test]
fn an_address_that_is_taken_or_none_is_said_to_be() {
    let world = World::start();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    for address in [
        taken.local_addr().expect("an address").to_string(),
        "nowhere".to_owned(),
        "127.0.0.1:99999".to_owned(),
    ] {
        let output = world.command().args(["run", "--listen", &address]).output().expect("the command");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{why}");
        assert!(why.contains(&format!("failed to listen at {address}")), "{why}");
    }
    ends(&world, &["verify"], 0);
}

#[test]
fn secrets_reach_no_log() {
    let world = World::start();
    let log = world.dir().join("log");
    let file = std::fs::File::create(&log).expect("a file");
    let mut command = command(&world);
    command.env("XOPS_LOG", "trace");
    let daemon = Daemon::logged(&world, &mut command, file);
    let number = onboard(&daemon, "r1", "sarah.chen");
    daemon.until(number, "completed");
    let token = daemon.token().to_owned();
    assert_eq!(daemon.terminate().code(), Some(0));
    let text = std::fs::read_to_string(&log).expect("a log");
    assert!(text.lines().count() > 20, "the log is empty: {text}");
    let estate = std::fs::read_to_string(world.dir().join("estate.json")).expect("a description");
    let estate: serde_json::Value = serde_json::from_str(&estate).expect("JSON");
    let systems = estate["systems"].as_object().expect("systems");
    let secrets = systems.values().flat_map(|system| system["credentials"].as_object().into_iter().flatten());
    let secrets = secrets.filter(|(name, _)| !name.ends_with("id") && *name != "username");
    for (name, secret) in secrets {
        let secret = secret.as_str().expect("a text");
        assert!(!text.contains(secret), "the log holds a credential: {name}");
    }
    assert!(!text.contains(&token), "the log holds the API's token");
    assert!(!text.contains(crate::daemon::SECRET), "the log holds a webhook's secret");
}
