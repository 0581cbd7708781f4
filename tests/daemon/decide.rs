//! What a person decides of records beside a running daemon: it holds at once, through kills, and until it is taken back.

use crate::daemon::{Daemon, command};
use crate::estate::{World, root, wait_for};
use crate::schedule::copied;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of the sample project in which rules join the records of persons.
fn project(world: &World) -> PathBuf {
    let project = world.dir().join("project");
    for folder in ["config", "runbooks", "connectors/manifests"] {
        copied(&root().join(folder), &project.join(folder));
    }
    copied(&root().join("tests/stories/identity/config"), &project.join("config"));
    project
}

fn on<'c>(project: &Path, command: &'c mut Command) -> &'c mut Command {
    command.env("XOPS_PROJECT", project)
}

/// Runs a command on the project that must end with `code`; what it printed, both ways.
fn told(world: &World, project: &Path, arguments: &[&str], code: i32) -> String {
    let output = on(project, &mut world.command()).args(arguments).output().expect("the command");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "xops {}\n{text}", arguments.join(" "));
    text
}

/// The record that mints a person of the estate.
fn record(world: &World, project: &Path, handle: &str) -> String {
    let why = told(world, project, &["why", &format!("person:{handle}"), "handle"], 0);
    let id = why.lines().find_map(|line| line.trim().strip_prefix("workday.worker/")?.split(',').next());
    format!("workday:{}", id.unwrap_or_else(|| panic!("{why}")))
}

/// Decides of Sarah and Wei, two contractors of the estate.
fn decide(world: &World, project: &Path, answer: &str, more: &[&str], code: i32) -> String {
    let (sarah, wei) = (world.dir().join("sarah"), world.dir().join("wei"));
    if !sarah.exists() {
        std::fs::write(&sarah, record(world, project, "sarah.chen")).expect("a file");
        std::fs::write(&wei, record(world, project, "wei.zhang")).expect("a file");
    }
    let read = |file: &Path| std::fs::read_to_string(file).expect("a file");
    let (sarah, wei) = (read(&sarah), read(&wei));
    let arguments =
        [&["identity", "decide", "person", answer, &sarah, &wei, "--why", "she knows"], more].concat();
    told(world, project, &arguments, code)
}

/// A daemon on the project that has read the people of the estate.
fn started(world: &World, project: &Path) -> Daemon {
    let daemon = Daemon::start_in(world, on(project, &mut command(world)));
    wait_for("the people", || {
        let status = daemon.ask("GET", "/v1/status", "").json();
        let read = |system: &str| {
            let systems = status["systems"].as_array()?;
            let reads = systems.iter().find(|it| it["system"] == system)?["reads"].as_object()?;
            reads.values().all(|it| it["complete_at"].is_u64()).then_some(())
        };
        read("workday")
    });
    daemon
}

/// Whether the daemon knows exactly one person of this name.
fn is_known(daemon: &Daemon, handle: &str, id: &str) -> bool {
    let body = json!({ "id": id, "entity": "person", "find": { "handle": handle }, "outcome": "EMP-R-001" });
    let answer = daemon.ask("POST", "/v1/requests", &body.to_string());
    !answer.body.contains("no person has handle")
}

#[test]
fn what_is_decided_holds_without_a_restart_and_through_a_kill_and_every_id_stays() {
    let world = World::start();
    let project = project(&world);
    let daemon = started(&world, &project);
    let people = |world: &World| {
        let mut command = world.command();
        let query = ["-o", "json", "query", "person.handle != \"nobody\"", "--show", "handle"];
        let output = on(&project, &mut command).args(query).output().expect("the command");
        let told: Json = serde_json::from_slice(&output.stdout).expect("an object");
        // What is asked about the two of them is no reason not to count them.
        ["rows", "unknown"].map(|of| told[of].as_array().map_or(0, Vec::len)).iter().sum::<usize>()
    };
    let all = people(&world);

    let said = decide(&world, &project, "same", &[], 0);
    assert!(said.contains("the daemon goes by it") && said.contains("are of one person"), "{said}");
    assert_eq!(people(&world), all - 1, "whoever looks beside it sees the same");
    let gone: Vec<bool> =
        ["sarah.chen", "wei.zhang"].iter().map(|it| !is_known(&daemon, it, &format!("{it} same"))).collect();
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 1, "of two who are one, one name is left");
    daemon.kill();

    let daemon = started(&world, &project);
    let still: Vec<bool> =
        ["sarah.chen", "wei.zhang"].iter().map(|it| !is_known(&daemon, it, &format!("{it} kill"))).collect();
    assert_eq!(still, gone, "a decision outlives who was told of it");
    let said = decide(&world, &project, "different", &["--until", "2099-12-31"], 0);
    assert!(said.contains("are not of one person"), "{said}");
    assert_eq!(people(&world), all);
    for handle in ["sarah.chen", "wei.zhang"] {
        assert!(is_known(&daemon, handle, &format!("{handle} apart")), "{handle}");
    }
    // What cannot hold is refused, and nothing is written down.
    let said = decide(&world, &project, "same", &["--until", "2001-01-01"], 4);
    assert!(said.contains("it would have ended before today"), "{said}");
    let refused = daemon.ask("POST", "/v1/identity/decisions", r#"{"kind": "person", "answer": "perhaps"}"#);
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(daemon.ask("POST", "/v1/identity/decisions", "{}").status, 400);
    let said = decide(&world, &project, "open", &[], 0);
    assert!(said.contains("taken back"), "{said}");
    assert!(decide(&world, &project, "open", &[], 4).contains("nothing to take back"));
    assert!(daemon.terminate().success());
    let verified = on(&project, &mut world.command()).arg("verify").status().expect("the command");
    assert!(verified.success());
    assert!(decide(&world, &project, "open", &[], 1).contains("no daemon runs"));
}

#[test]
fn what_is_added_to_the_files_is_gone_by_at_once_and_taken_back_with_its_block() {
    let world = World::start();
    let project = project(&world);
    let daemon = started(&world, &project);
    let said = decide(&world, &project, "same", &["--write"], 0);
    assert!(said.contains("added to") && said.contains("are of one person"), "{said}");
    assert!(decide(&world, &project, "open", &["--write"], 2).contains("remove its block"));
    assert!(daemon.terminate().success());
    std::fs::remove_file(project.join("config/identity/decisions.hcl")).expect("the file");
    let daemon = started(&world, &project);
    for handle in ["sarah.chen", "wei.zhang"] {
        assert!(is_known(&daemon, handle, &format!("{handle} apart")), "{handle}");
    }
}

#[test]
fn a_question_as_of_a_moment_is_answered_under_the_rules_of_then() {
    let world = World::start();
    let project = project(&world);
    told(&world, &project, &["apply", "person:sarah.chen", "--outcome", "EMP-R-001"], 0);
    // What is asked now is asked behind it.
    let mut command = world.command();
    let query = ["-o", "json", "query", "person.handle == \"nobody\""];
    let output = on(&project, &mut command).args(query).output().expect("the command");
    let asked: Json = serde_json::from_slice(&output.stdout).expect("an object");
    let then = asked["at"].as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let then = then.expect("a time").to_string();
    let why = ["why", "person:sarah.chen", "email", "--as-of", &then];
    let before = told(&world, &project, &why, 0);
    assert!(before.contains("okta.user.email") && !before.contains("by the rules of today"), "{before}");
    // Rules by which nothing is joined come into force.
    let file = project.join("config/identity/people.hcl");
    let text = std::fs::read_to_string(&file).expect("the rules");
    assert_eq!(text.matches("same        = 400").count(), 1);
    std::fs::write(&file, text.replace("same        = 400", "same        = 9000")).expect("the rules");
    assert_eq!(told(&world, &project, &why, 0), before, "the rules of then tell what they told");
    let today = told(&world, &project, &["why", "person:sarah.chen", "email"], 0);
    assert!(!today.contains("okta.user.email: sarah"), "{today}");
}
