//! `xops status`: what is under way, what waits for a person, and how the systems are.
//!
//! Absent: any judgement of health. Invariant: a running daemon answers for itself; where none runs, the same object is made by
//! folding the journal with the Service robot's own machine, and it is said that nothing drives what is under way.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::journal::{self, Log};
use crate::json::{self, moment, plain};
use crate::project;
use crate::session::Places;
use crate::{client, trace};
use comfy_table::{Table, presets};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use xops_kernel::log::{Entry, Happened, What};
use xops_kernel::machine::Machine;
use xops_kernel::saga::event::Event;
use xops_kernel::trace::Detail;
use xops_robots::service::{Service, State};
use xops_shell::letter::View;
use xops_shell::status;

/// Runs the command.
pub(crate) async fn run(common: &Common) -> Outcome {
    let tenant = project::read(common)?.declarations.tenant;
    let (mut object, running) = match client::daemon(common, &tenant).await? {
        Some(daemon) => (daemon.get("/v1/status").await?, true),
        None if Places::of(common, &tenant).journal.exists() => (of_log(&journal::read(common)?)?, false),
        None => (json!({ "tenant": tenant, "epoch": 0 }), false),
    };
    object["daemon"] = json!(running);
    if common.output == Format::Text {
        json::text(&show(&object))?;
    } else {
        json::print(&object)?;
    }
    Ok(Exit::Done)
}

/// What the journal says, as a daemon would say it. Systems, robots and the graph are not in the journal.
fn of_log(log: &Log) -> Result<Json, Failure> {
    let mut entries = BTreeMap::new();
    for (seq, happened) in &log.happened {
        entries.insert(*seq, Entry::Tenant(Box::new(happened.clone())));
    }
    for (number, story) in &log.stories {
        let (seq, at) = story.compiled_at;
        let what = What::Compiled(story.compiled.clone());
        entries.insert(seq, Entry::Tenant(Box::new(Happened { at, what })));
        let events =
            story.events.iter().map(|(seq, stamped)| (*seq, Entry::Instance(*number, stamped.clone())));
        entries.extend(events);
    }
    let mut state = State::default();
    for (seq, entry) in &entries {
        if let Entry::Tenant(happened) = entry
            && let What::Compiled(compiled) = &happened.what
            && !log.erased.is_empty()
        {
            // The numbers between belong to instances that are erased.
            state.numbers = compiled.number - 1;
        }
        if let Err(refused) = Service.step(&mut state, entry, &mut Vec::new()) {
            // What an erased subject said is not in the log, and what hung on it does not fold.
            tracing::warn!(seq, %refused, "an entry of the journal is passed over");
        }
    }
    // Of an erased instance nothing folds; that it ended is known.
    for (_, stamped) in log.erased.values().flat_map(|remains| &remains.events) {
        if let Event::Ended { end } = stamped.event {
            *state.ended.entry(end).or_default() += 1;
        }
    }
    let running = state.running.iter().filter_map(|(number, running)| {
        let story = log.stories.get(number)?;
        let (_, word) = trace::tell(log, story, Detail::Brief);
        let compiled = &story.compiled;
        Some((*number, running.instance, compiled.plan.name.clone(), compiled.handle.clone(), word))
    });
    let view = View {
        epoch: state.epoch,
        running: running.collect(),
        away: 0,
        words: BTreeMap::new(),
        ended: state.ended.iter().map(|(end, count)| (end.word(), *count)).collect(),
        open: state.open.len(),
        held: state.held.iter().map(|(entity, held)| (entity.to_string(), held.instance)).collect(),
        aside: state.aside().map(|(over, strikes)| (over.clone(), strikes.clone())).collect(),
        paused: state
            .paused
            .iter()
            .map(|(scope, (by, why))| (scope.clone(), by.clone(), why.clone()))
            .collect(),
    };
    serde_json::to_value(status::of_view(&log.tenant, view)).map_err(Failure::plain)
}

fn show(object: &Json) -> String {
    let mut out = String::new();
    let tenant = word(&object["tenant"]);
    let starts = object["epoch"].as_u64().unwrap_or(0);
    let daemon = object["daemon"] == true;
    put(
        &mut out,
        match (daemon, starts) {
            (true, _) => format!("tenant {tenant}: a daemon runs, start {starts}"),
            (false, 0) => format!("tenant {tenant}: no daemon runs, and there is no journal yet"),
            (false, _) => format!(
                "tenant {tenant}: no daemon runs; this is what the journal says, and nothing drives it on"
            ),
        },
    );
    if let Some(why) = object["stopped"].as_str() {
        put(&mut out, format!("stopped: {}: nothing is written down or done any more", plain(why)));
    }
    if !daemon && starts == 0 {
        return out;
    }
    guard(&mut out, &object["journal"]);
    let columns = ["number", "state", "plan", "entity", "id"];
    section(&mut out, "Under way", "nothing", &columns, rows(&object["instances"], &columns));
    let ended = counts(&object["ended"]);
    put(&mut out, format!("\nEnded: {}", if ended.is_empty() { "none" } else { &ended }));
    put(&mut out, format!("Requests without an answer: {}", object["open_requests"].as_u64().unwrap_or(0)));
    section(
        &mut out,
        "Held after a backstep",
        "",
        &["entity", "instance"],
        rows(&object["held"], &["entity", "instance"]),
    );
    section(
        &mut out,
        "Paused",
        "",
        &["scope", "by", "why"],
        rows(&object["paused"], &["scope", "by", "why"]),
    );
    let columns = ["what", "robot", "doing", "since"];
    section(&mut out, "Set aside after panics, until `xops release WHAT`", "", &columns, poisoned(object));
    let columns = [
        "system",
        "domain",
        "breaker",
        "budget left",
        "queue",
        "oldest waiting",
        "last whole reading",
        "failed since",
    ];
    section(&mut out, "Systems", "", &columns, systems(&object["systems"]));
    drift(&mut out, &object["drift"]);
    let restarts = counts(&object["restarts"]);
    if !restarts.is_empty() {
        put(&mut out, format!("\nRobots started again: {restarts}"));
    }
    if daemon {
        let graph = &object["graph"];
        let (entities, records) = (counts(&graph["entities"]), counts(&graph["records"]));
        let number = |name: &str| graph[name].as_u64().unwrap_or(0);
        let (links, exceptions) = (number("links"), number("exceptions"));
        put(
            &mut out,
            format!("\nGraph: {entities}; records: {records}; {links} links; {exceptions} exceptions"),
        );
    }
    out
}

/// What the last comparison found, where something is watched.
fn drift(out: &mut String, found: &Json) {
    if found.is_object() {
        let counts = counts(found);
        put(out, format!("\nDrift: {}", if counts.is_empty() { "none" } else { &counts }));
    }
}

/// What the journal's guard found.
fn guard(out: &mut String, journal: &Json) {
    for damaged in journal["scrub"]["damaged"].as_array().into_iter().flatten() {
        put(out, format!("journal damaged: {}: {}", word(&damaged["file"]), word(&damaged["what"])));
    }
    if let Some(why) = journal["checkpoint_failed"].as_str() {
        put(out, format!("no checkpoint was signed: {}", plain(why)));
    }
}

fn put(out: &mut String, line: impl Display) {
    let _infallible = writeln!(out, "{line}");
}

/// A titled table; where it has no rows, the title with `none`, or nothing if that is empty.
fn section(out: &mut String, title: &str, none: &str, columns: &[&str], rows: Vec<Vec<String>>) {
    if rows.is_empty() {
        if !none.is_empty() {
            put(out, format!("\n{title}: {none}"));
        }
        return;
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(columns.iter().map(|column| column.to_uppercase()));
    table.add_rows(rows);
    put(out, format!("\n{title}\n{}", table.trim_fmt()));
}

fn rows(all: &Json, columns: &[&str]) -> Vec<Vec<String>> {
    let row = |one: &Json| columns.iter().map(|column| word(&one[*column])).collect();
    all.as_array().into_iter().flatten().map(row).collect()
}

fn word(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), plain)
}

fn poisoned(object: &Json) -> Vec<Vec<String>> {
    let row = |one: &Json| {
        let since = one["since"].as_u64().map_or_else(String::new, moment);
        ["what", "robot", "doing"].map(|name| word(&one[name])).into_iter().chain([since]).collect()
    };
    object["poisoned"].as_array().into_iter().flatten().map(row).collect()
}

/// `completed 3, undone 1`; what is zero is left out.
fn counts(all: &Json) -> String {
    let some = all.as_object().into_iter().flatten().filter(|(_, count)| count.as_u64() != Some(0));
    some.map(|(name, count)| format!("{} {count}", plain(name))).collect::<Vec<_>>().join(", ")
}

fn systems(all: &Json) -> Vec<Vec<String>> {
    let row = |one: &Json| {
        let reads = one["reads"].as_object();
        let whole = reads.into_iter().flatten().map(|(_, read)| read["complete_at"].as_u64());
        // One that was never whole says more than the others.
        let oldest = whole.min().flatten().map_or_else(|| "never".to_owned(), moment);
        let failed =
            reads.into_iter().flatten().filter_map(|(name, read)| Some((name, read["failed"].as_str()?)));
        let failed =
            failed.map(|(name, why)| format!("{name}: {}", plain(why))).collect::<Vec<_>>().join("; ");
        let left = one["budgets"].as_object().into_iter().flatten();
        let left: Vec<String> = left.map(|(name, left)| format!("{} {}", plain(name), word(left))).collect();
        let left = if left.is_empty() { "-".to_owned() } else { left.join(", ") };
        let waiting = one["oldest_waiting"].as_u64().map_or_else(|| "-".to_owned(), moment);
        let queue = one["queue"].as_u64().unwrap_or(0).to_string();
        let names = ["system", "domain", "breaker"].map(|name| word(&one[name]));
        names.into_iter().chain([left, queue, waiting, oldest, failed]).collect()
    };
    all.as_array().into_iter().flatten().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &Json, expect: &[&str]) {
        let shown = show(object);
        let lines: Vec<_> =
            shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for line in expect {
            assert!(lines.iter().any(|shown| shown == line), "{line:?} is missing in:\n{shown}");
        }
    }

    #[test]
    fn an_instance_that_waits_for_a_person_is_named_with_its_state() {
        let instances = [
            json!({ "number": 7, "id": "i-1", "plan": "onboard", "entity": "sarah.chen", "state": "parked" }),
        ];
        let object = json!({ "tenant": "acme", "daemon": true, "epoch": 2, "instances": instances, "ended": { "undone": 1 } });
        check(
            &object,
            &["tenant acme: a daemon runs, start 2", "7 parked onboard sarah.chen i-1", "Ended: undone 1"],
        );
    }

    #[test]
    fn what_is_set_aside_after_panics_is_named_as_release_takes_it() {
        let poison =
            json!({ "what": "instance:7", "robot": "platform.okta", "doing": "okta.create do", "since": 0 });
        let object = json!({ "tenant": "acme", "daemon": true, "epoch": 1, "poisoned": [poison] });
        let expect = [
            "Set aside after panics, until `xops release WHAT`",
            "instance:7 platform.okta okta.create do 1970-01-01T00:00:00Z",
        ];
        check(&object, &expect);
    }

    #[test]
    fn a_system_of_which_one_read_was_never_whole_is_never_whole() {
        let reads = json!({ "users": { "complete_at": 1000, "failed": null }, "groups": { "complete_at": null, "failed": "503" } });
        let systems = [json!({ "system": "okta", "domain": "identity", "breaker": "open", "reads": reads })];
        let object = json!({ "tenant": "acme", "daemon": true, "epoch": 1, "systems": systems });
        check(&object, &["okta identity open - 0 - never groups: 503", "Under way: nothing"]);
    }

    #[test]
    fn a_damaged_file_of_the_journal_is_named() {
        let scrub =
            json!({ "damaged": [{ "file": "journal-000001.redb", "what": "its bytes are not those" }] });
        let journal = json!({ "scrub": scrub, "checkpoint_failed": "no space" });
        check(
            &json!({ "tenant": "acme", "daemon": true, "epoch": 1, "journal": journal }),
            &[
                "journal damaged: journal-000001.redb: its bytes are not those",
                "no checkpoint was signed: no space",
            ],
        );
    }

    #[test]
    fn drift_is_told_by_how_it_stands_where_something_is_watched() {
        let status = |drift: Json| json!({ "tenant": "acme", "daemon": true, "epoch": 1, "drift": drift });
        check(
            &status(json!({ "open": 2, "acknowledged": 1, "held": 0 })),
            &["Drift: acknowledged 1, open 2"],
        );
        check(&status(json!({ "open": 0 })), &["Drift: none"]);
        assert!(!show(&status(Json::Null)).contains("Drift"));
    }

    #[test]
    fn without_a_daemon_it_is_said_that_nothing_is_driven_on() {
        check(
            &json!({ "tenant": "acme", "daemon": false, "epoch": 1 }),
            &[
                "tenant acme: no daemon runs; this is what the journal says, and nothing drives it on",
                "Ended: none",
            ],
        );
        check(
            &json!({ "tenant": "acme", "daemon": false, "epoch": 0 }),
            &["tenant acme: no daemon runs, and there is no journal yet"],
        );
    }
}
