//! A client that asks again: the daemon dies while a request is on its way, and the client repeats it under the same id.
//!
//! Invariant: however far the daemon came, one request is one instance, and its effects happen once.

use crate::support::command::Xops;
use crate::support::estate::{self, Estate};
use crate::support::story::{self, BOUND, Reference, Story};
use crate::support::truth;
use crate::support::work::{self, Lab};
use serde_json::{Value as Json, json};

/// How many cases run side by side.
const WORKERS: usize = 2;
/// Up to which append the daemon is killed: by then the plan is durable and its first call is under way.
const APPENDS: u64 = 7;

/// Posts the request to the daemon; `None` where the daemon died before it answered.
fn post((place, token): &(String, String)) -> Option<Json> {
    let body = json!({
        "id": "one and the same", "entity": "person", "find": { "handle": "sarah.chen" }, "outcome": "EMP-R-001",
    });
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    estate::request(place, "POST", "/v1/requests", &headers, &body.to_string()).ok().map(|(_, answer)| answer)
}

fn check(lab: &mut Lab, reference: &Reference, point: &str) -> Result<(), String> {
    let (xops, _data) = lab.fresh();
    let daemon = xops.start(&["run", "--listen", "127.0.0.1:0", "--crash-at", point]);
    // A point before the daemon answers at all leaves nobody to ask.
    if let Ok(place) = xops.daemon_of(&daemon, BOUND) {
        let _lost = post(&place);
    }
    let ended = daemon.end(BOUND)?;
    if !ended.is_killed() {
        return Err(format!("the daemon was not killed but ended with {}", ended.status));
    }
    let daemon = xops.start(&["run", "--listen", "127.0.0.1:0"]);
    let place = xops.daemon_of(&daemon, BOUND)?;
    let answers = [post(&place), post(&place)].map(Option::unwrap_or_default);
    if answers.iter().any(|answer| answer["number"] != 1) {
        return Err(format!("the same id was answered {answers:?}"));
    }
    story::settled(&place, "completed")?;
    daemon.terminate(BOUND)?.expect("the daemon", 0)?;
    ended_once(&xops, &lab.estate, reference)
}

fn ended_once(xops: &Xops, estate: &Estate, reference: &Reference) -> Result<(), String> {
    let (word, _) = story::replayed(xops, "1")?;
    let transitions = truth::transitions(&estate.changes());
    if word != "completed" || transitions != reference.transitions {
        return Err(format!("it is {word}, and the changes were {transitions:?}"));
    }
    if xops.json(&["trace", "2"], BOUND).is_ok() {
        return Err("the request that was repeated became a second instance".to_owned());
    }
    truth::difference(&reference.end, &truth::objects(estate)).map_or(Ok(()), Err)
}

#[test]
fn a_request_that_is_repeated_after_a_crash_is_done_once() {
    let reference = story::undisturbed(&mut Lab::open(), Story::Forward);
    let appends =
        (1..=APPENDS).flat_map(|nth| [format!("before-append:{nth}"), format!("after-append:{nth}")]);
    let points: Vec<String> =
        appends.chain(["before-call:1".to_owned(), "after-call:1".to_owned()]).collect();
    work::all("asked again", WORKERS, &points, |lab, point| check(lab, &reference, point));
}
