//! The metrics: the series that the operator's manual names, with labels from closed sets.

use crate::daemon::Daemon;
use crate::doors::onboarding;
use crate::estate::World;
use crate::http;
use std::collections::{BTreeMap, BTreeSet};

/// The series, and the labels of each.
const SERIES: [(&str, &[&str]); 16] = [
    ("xops_robot_up", &["robot", "system"]),
    ("xops_robot_restarts_total", &["robot", "system"]),
    ("xops_robot_mailbox_depth", &["robot", "system"]),
    ("xops_reads_total", &["system", "result"]),
    ("xops_instances", &["state"]),
    ("xops_instances_ended_total", &["end"]),
    ("xops_awf_calls_total", &["awf", "phase", "result"]),
    ("xops_awf_duration_seconds_count", &["awf", "phase", "result"]),
    ("xops_awf_duration_seconds_bucket", &["awf", "phase", "result", "le"]),
    ("xops_breaker_state", &["system", "state"]),
    ("xops_compensations_total", &["awf", "result"]),
    ("xops_journal_commits_total", &[]),
    ("xops_journal_bytes_total", &[]),
    ("xops_journal_batch_events_count", &[]),
    ("xops_journal_checkpoints_total", &[]),
    ("xops_journal_damaged_files", &[]),
];

/// The words that a label may have.
fn closed(label: &str, word: &str) -> bool {
    match label {
        "robot" => ["dataops", "platform", "service"].contains(&word),
        "system" => ["", "workday", "okta", "intune", "servicenow", "slack"].contains(&word),
        "phase" => ["snapshot", "do", "probe", "readback"].contains(&word),
        "state" | "end" | "result" => word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
        "awf" => word.split_once('.').is_some_and(|(system, _)| closed("system", system)),
        "kind" => ["instance", "request", "read", "compile", "robot", "system"].contains(&word),
        "le" => word == "+Inf" || word.parse::<f64>().is_ok(),
        _ => false,
    }
}

/// A line of the text format: the name, the labels, the value.
fn line(text: &str) -> (String, BTreeMap<String, String>, f64) {
    let (series, value) = text.rsplit_once(' ').expect("a value");
    let (name, labels) =
        series.split_once('{').map_or((series, ""), |(name, rest)| (name, rest.trim_end_matches('}')));
    let label = |part: &str| {
        let (name, word) = part.split_once('=').expect("a label");
        (name.to_owned(), word.trim_matches('"').to_owned())
    };
    let labels = labels.split(',').filter(|part| !part.is_empty()).map(label).collect();
    (name.to_owned(), labels, value.parse().expect("a number"))
}

#[test]
fn the_metrics_have_every_series_and_name_nobody() {
    let world = World::start();
    let daemon = Daemon::start(&world);
    let number = |answer: http::Answer| answer.json()["number"].as_u64().expect("a number");
    daemon.until(number(daemon.ask("POST", "/v1/requests", &onboarding("r1", "sarah.chen"))), "completed");
    world.control(
        "POST",
        "/faults",
        r#"{"system": "slack", "operation": "conversations.invite", "kind": "reject", "times": 1}"#,
    );
    daemon.until(number(daemon.ask("POST", "/v1/requests", &onboarding("r2", "wei.zhang"))), "undone");
    let text = http::call("GET", &format!("{}/metrics", daemon.url), &[], b"").body;
    let lines: Vec<_> =
        text.lines().filter(|text| !text.starts_with('#') && !text.is_empty()).map(line).collect();
    let names: BTreeSet<&str> = lines.iter().map(|(name, ..)| name.as_str()).collect();
    for (name, labels) in SERIES {
        assert!(names.contains(name), "{name} is missing from:\n{text}");
        for (_, found, _) in lines.iter().filter(|(found, ..)| found == name) {
            let found: BTreeSet<&str> = found.keys().map(String::as_str).collect();
            assert_eq!(found, labels.iter().copied().collect(), "{name}");
        }
    }
    for (name, labels, _) in &lines {
        for (label, word) in labels {
            assert!(closed(label, word), "{name}: {label}={word}");
        }
    }
    for person in ["sarah", "chen", "wei.zhang", "acme.example", "CW-10", "00u", "U0", "i-", "p-"] {
        assert!(!text.contains(person), "the metrics name a person: {person}");
    }
    let of = |name: &str, labels: &[(&str, &str)]| -> f64 {
        let fits = |found: &BTreeMap<String, String>| {
            labels.iter().all(|(label, word)| found.get(*label).is_some_and(|found| found == word))
        };
        lines.iter().filter(|(found, labels, _)| found == name && fits(labels)).map(|(.., value)| value).sum()
    };
    assert!(of("xops_instances_ended_total", &[("end", "completed")]) >= 1.0, "{text}");
    assert!(of("xops_instances_ended_total", &[("end", "undone")]) >= 1.0, "{text}");
    assert!(
        of("xops_compensations_total", &[("result", "undone")]) >= 5.0,
        "five steps were undone:\n{text}"
    );
    assert!(
        of("xops_awf_calls_total", &[("awf", "okta.create_identity"), ("phase", "do"), ("result", "ok")])
            >= 2.0,
        "{text}"
    );
    assert!(of("xops_robot_up", &[("robot", "platform"), ("system", "slack")]) >= 1.0, "{text}");
    assert!(of("xops_journal_commits_total", &[]) >= 10.0, "{text}");
}
