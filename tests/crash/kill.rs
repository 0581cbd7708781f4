//! Kills: SIGKILL at every append and every call of both stories, forward and on the way back, also twice.

use crate::support::command::Xops;
use crate::support::estate::Estate;
use crate::support::story::{self, BOUND, Reference, Story};
use crate::support::truth;
use crate::support::work::{self, Lab};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// How many cases run side by side.
const WORKERS: usize = 2;
/// How many points beyond the undisturbed run's are tried: what is grouped into one frame depends on the moment.
const MARGIN: u64 = 3;
/// How far reads stay behind where they do: less than the window that the manifests declare.
const LAG_MS: u64 = 600;
/// How often points are tried again for the calls that were not killed in flight.
const ROUNDS: u32 = 20;
/// The places at which the command can be killed.
const PLACES: [Place; 4] = [Place::BeforeAppend, Place::AfterAppend, Place::BeforeCall, Place::AfterCall];

/// How the daemon is started again.
const RECOVERY: [&str; 4] = ["run", "--listen", "127.0.0.1:0", "--until-quiet"];

/// Where the command kills itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    BeforeAppend,
    AfterAppend,
    BeforeCall,
    AfterCall,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeAppend => "before-append",
            Self::AfterAppend => "after-append",
            Self::BeforeCall => "before-call",
            Self::AfterCall => "after-call",
        })
    }
}

/// A crash point: a place and the how manieth passing of it.
#[derive(Clone, Copy, Debug)]
struct Point(Place, u64);

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

/// One case: where the run is killed, where its recovery, and how far the systems' reads stay behind, in milliseconds.
struct Case {
    first: Point,
    second: Option<Point>,
    lag_ms: u64,
}

impl Case {
    fn at(first: Point) -> Self {
        Self { first, second: None, lag_ms: 0 }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.second {
            Some(second) => write!(f, "{} then {second}", self.first),
            None => self.first.fmt(f),
        }
    }
}

/// What a case came to.
#[derive(Clone, Copy, Debug, Default)]
struct Struck {
    first: bool,
    second: bool,
    /// The acting call whose intent was the last thing in the journal: how many had reached the estate.
    in_flight: Option<u64>,
}

/// Runs the command until it kills itself; false where the point was not reached and it ended by itself.
fn killed(xops: &Xops, arguments: &[&str], point: Point) -> Result<bool, String> {
    let ended = xops.run(&[arguments, &["--crash-at", &point.to_string()]].concat(), BOUND)?;
    if !ended.is_killed() {
        return Ok(false);
    }
    let said = format!("crash point {point} reached");
    if ended.err.lines().any(|line| line == said) {
        return Ok(true);
    }
    Err(format!("it was killed, but did not say `{said}`: {}", ended.err.trim()))
}

/// Holds that the kill struck where it was meant to: by the frames in the journal, or by the calls that the estate saw. Gives how
/// many acting calls had reached the estate, where the last thing in the journal is the intent to make one.
fn struck(xops: &Xops, estate: &Estate, Point(place, nth): Point) -> Result<Option<u64>, String> {
    let acting = story::acting_calls(estate);
    let (what, expect, found) = match place {
        Place::BeforeCall => ("acting calls reached the estate", nth - 1, acting),
        Place::AfterCall => ("acting calls reached the estate", nth, acting),
        Place::BeforeAppend | Place::AfterAppend => {
            let verified = xops.json(&["verify"], BOUND)?;
            let expect = if place == Place::BeforeAppend { nth - 1 } else { nth };
            ("frames are in the journal", expect, verified["frames"].as_u64().unwrap_or(u64::MAX))
        }
    };
    if found != expect {
        return Err(format!("{found} {what} after the kill, not {expect}"));
    }
    // Before the plan is durable there is nothing to trace.
    let Ok(trace) = xops.json(&["trace", "1", "--full"], BOUND) else { return Ok(None) };
    let last = trace["lines"].as_array().and_then(|lines| lines.last()?["text"].as_str());
    Ok(last.is_some_and(|text| text.starts_with("intended")).then_some(acting))
}

/// Starts the daemon again until nothing is under way, and asks once more if the request was lost with the process.
fn recover(xops: &Xops, story: Story) -> Result<(), String> {
    xops.run(&RECOVERY, BOUND)?.expect("the recovery", 0)?;
    if xops.json(&["trace"], BOUND).is_err() {
        xops.run(&story::apply(&[]), BOUND)?.expect("asking once more", story.code())?;
    }
    Ok(())
}

fn check(lab: &mut Lab, story: Story, reference: &Reference, case: &Case) -> Result<Struck, String> {
    let (xops, _data) = lab.fresh();
    let estate = &lab.estate;
    story.arrange(estate);
    estate.lag(case.lag_ms);
    let mut points = Struck::default();
    if killed(&xops, &story::apply(&[]), case.first)? {
        points.first = true;
        points.in_flight = struck(&xops, estate, case.first)?;
        if let Some(second) = case.second {
            points.second = killed(&xops, &RECOVERY, second)?;
        }
        recover(&xops, story)?;
    }
    story::accounted(&xops, points.in_flight.is_some())?;
    let (word, _) = story::replayed(&xops, "1")?;
    if word != story.word() {
        let told = xops.run(&["trace", "1"], BOUND)?.out;
        return Err(format!("it is {word}, not {}:\n{told}", story.word()));
    }
    if let Some(difference) = truth::difference(&reference.end, &truth::objects(estate)) {
        let told = xops.run(&["trace", "1"], BOUND)?.out;
        return Err(format!("the end state is another:\n    {difference}\n{told}"));
    }
    let transitions = truth::transitions(&estate.changes());
    if transitions != reference.transitions {
        return Err(format!("the changes were {transitions:?}, not {:?}", reference.transitions));
    }
    Ok(points)
}

/// How many points of a place a story has, without the margin.
fn points(reference: &Reference, place: Place) -> u64 {
    match place {
        Place::BeforeAppend | Place::AfterAppend => reference.frames,
        Place::BeforeCall | Place::AfterCall => {
            reference.calls.iter().filter(|(_, operation)| story::is_acting(operation)).count() as u64
        }
    }
}

/// Kills a story at every point of every place, and beyond the last, where the command must end by itself.
fn enumerate(story: Story) {
    let reference = story::undisturbed(&mut Lab::open(), story);
    let every = |place| (1..=points(&reference, place) + MARGIN).map(move |nth| Point(place, nth));
    let cases: Vec<Case> = PLACES.into_iter().flat_map(every).map(Case::at).collect();
    let title = format!("kill {}", story.word());
    let results = work::all(&title, WORKERS, &cases, |lab, case| check(lab, story, &reference, case));
    for place in PLACES {
        let of_place =
            cases.iter().zip(&results).filter(|(case, struck)| case.first.0 == place && struck.first);
        let died: Vec<u64> = of_place.clone().map(|(case, _)| case.first.1).collect();
        let in_flight =
            of_place.filter_map(|(case, struck)| Some((struck.in_flight?, case.first.1))).collect();
        eprintln!("{title}: {place}: {} points struck", died.len());
        let appends = matches!(place, Place::BeforeAppend | Place::AfterAppend);
        let least = points(&reference, place) - if appends { MARGIN } else { 0 };
        holds(place, &died, least..=points(&reference, place) + MARGIN - 1);
        every_call(&title, story, &reference, place, in_flight);
    }
}

/// Holds that at this place every call was killed in flight: its intent the last thing in the journal, with it sent or not yet.
/// `struck` has the point for each. What is grouped into one frame depends on the moment, so that counting frames can pass a
/// boundary over: then the points around it are tried again.
fn every_call(
    title: &str,
    story: Story,
    reference: &Reference,
    place: Place,
    mut struck: BTreeMap<u64, u64>,
) {
    let calls = points(reference, Place::BeforeCall);
    let sent = matches!(place, Place::BeforeAppend | Place::AfterCall);
    let expect: Vec<u64> = if sent { (1..=calls).collect() } else { (0..calls).collect() };
    for _ in 0..ROUNDS {
        let Some(missing) = expect.iter().find(|call| !struck.contains_key(call)) else { break };
        let first = struck.range(..missing).next_back().map_or(1, |(_, point)| *point);
        let last =
            struck.range(missing..).next().map_or(points(reference, place) + MARGIN, |(_, point)| *point);
        let cases: Vec<Case> =
            (first.min(last)..=last.max(first)).map(|nth| Case::at(Point(place, nth))).collect();
        let more = work::all(title, WORKERS, &cases, |lab, case| check(lab, story, reference, case));
        struck.extend(
            cases.iter().zip(more).filter_map(|(case, struck)| Some((struck.in_flight?, case.first.1))),
        );
    }
    let struck: Vec<u64> = struck.into_keys().collect();
    assert_eq!(struck, expect, "{place}: every call is killed in flight");
}

/// The points of a place are struck without a gap from the first on, as many as the undisturbed run has, and they end.
fn holds(place: Place, died: &[u64], expect: RangeInclusive<u64>) {
    let count = died.len() as u64;
    assert_eq!(died, (1..=count).collect::<Vec<_>>(), "{place}: no point before the last is passed over");
    assert!(expect.contains(&count), "{place}: {count} points were struck, expected {expect:?}");
}

#[test]
fn a_crash_at_any_point_on_the_way_forward_leads_to_the_same_end() {
    enumerate(Story::Forward);
}

#[test]
fn a_crash_at_any_point_on_the_way_there_and_back_leads_to_the_same_end() {
    enumerate(Story::Backstep);
}

#[test]
fn a_crash_while_reads_lag_behind_leads_to_the_same_end() {
    for story in [Story::Forward, Story::Backstep] {
        let reference = story::undisturbed(&mut Lab::open(), story);
        let every = |place| (1..=points(&reference, place)).map(move |nth| Point(place, nth));
        let firsts = [Place::BeforeCall, Place::AfterCall].into_iter().flat_map(every);
        let cases: Vec<Case> = firsts.map(|first| Case { lag_ms: LAG_MS, ..Case::at(first) }).collect();
        let title = format!("kill late {}", story.word());
        let results = work::all(&title, WORKERS, &cases, |lab, case| check(lab, story, &reference, case));
        assert!(results.iter().all(|struck| struck.first), "every call is struck");
    }
}

#[test]
fn a_second_crash_while_recovering_leads_to_the_same_end() {
    for story in [Story::Forward, Story::Backstep] {
        let reference = story::undisturbed(&mut Lab::open(), story);
        let seconds = [
            Point(Place::AfterAppend, 1),
            Point(Place::BeforeAppend, 2),
            Point(Place::BeforeCall, 1),
            Point(Place::AfterCall, 1),
        ];
        let firsts = PLACES.into_iter().flat_map(|place| {
            let step = if matches!(place, Place::BeforeCall | Place::AfterCall) { 2 } else { 5 };
            (2..=points(&reference, place)).step_by(step).map(move |nth| Point(place, nth))
        });
        let cases: Vec<Case> = firsts
            .zip(seconds.into_iter().cycle())
            .map(|(first, second)| Case { second: Some(second), ..Case::at(first) })
            .collect();
        let title = format!("kill twice {}", story.word());
        let results = work::all(&title, WORKERS, &cases, |lab, case| check(lab, story, &reference, case));
        let twice = results.iter().filter(|struck| struck.second).count();
        eprintln!("{title}: {twice} of {} recoveries were struck as well", cases.len());
        assert!(twice * 2 >= cases.len(), "at least half of the recoveries reach their second point");
    }
}
