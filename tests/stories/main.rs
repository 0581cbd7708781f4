//! Stories: commands in, transcript out, for people who cannot read Rust.
//!
//! Absent: knowledge of what the commands do. Each `*.txt` is run on an estate and a data folder of its own and must give its
//! `*.out` ([`script`] says how a story is written). What differs from run to run is written evenly ([`even`]).
//! `UPDATE_GOLDENS=1` writes the transcripts anew; whoever does that reads what changed.

mod even;
mod script;

#[path = "../daemon/support/estate.rs"]
mod estate;
#[path = "../daemon/support/http.rs"]
mod http;

use estate::root;
use std::collections::BTreeSet;

/// The stories; each is a test below.
const STORIES: [&str; 17] = [
    "backstep",
    "check",
    "connectors",
    "conversion",
    "drift",
    "erase",
    "exits",
    "explain",
    "identity",
    "json",
    "mexico",
    "onboarding",
    "patterns",
    "questions",
    "quiet",
    "steering",
    "strange",
];

/// Runs a story and holds it to its transcript.
fn told(name: &str) {
    let place = root().join("tests/stories").join(name);
    let text = std::fs::read_to_string(place.with_extension("txt")).expect("a story");
    let transcript = script::run(&text);
    let golden = place.with_extension("out");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&golden, &transcript).expect("a transcript");
    }
    let expect = std::fs::read_to_string(&golden).unwrap_or_default();
    let same = transcript.lines().zip(expect.lines()).take_while(|(one, other)| one == other).count();
    assert!(
        transcript == expect,
        "{name}.out differs from line {}: `{}` was expected, `{}` came\n\n{transcript}",
        same + 1,
        expect.lines().nth(same).unwrap_or("(the end)"),
        transcript.lines().nth(same).unwrap_or("(the end)"),
    );
}

#[test]
fn records_are_joined_by_rules_and_a_person_decides_what_they_cannot_tell() {
    told("identity");
}

#[test]
fn a_contractor_is_onboarded_and_a_second_time_nothing_is_left_to_do() {
    told("onboarding");
}

#[test]
fn a_rejection_steps_back_and_holds_until_a_person_releases() {
    told("backstep");
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    told("check");
}

#[test]
fn what_is_said_of_a_person_is_erased_and_the_rest_stays() {
    told("erase");
}

#[test]
fn a_first_manifest_is_sound_and_shows_what_it_would_ask() {
    told("connectors");
}

#[test]
fn every_value_says_where_it_came_from() {
    told("explain");
}

#[test]
fn a_status_without_a_daemon_is_told_from_the_journal() {
    told("quiet");
}

#[test]
fn a_running_daemon_is_paused_resumed_and_asked() {
    told("steering");
}

#[test]
fn the_declaration_for_mexico_says_what_it_lacks() {
    told("mexico");
}

#[test]
fn a_contractor_converts_and_moves_and_what_is_unknown_is_held() {
    told("conversion");
}

#[test]
fn drift_says_what_changed_and_who() {
    told("drift");
}

#[test]
fn patterns_are_found_and_proposed_and_nothing_is_done() {
    told("patterns");
}

#[test]
fn questions_are_answered_from_what_was_read() {
    told("questions");
}

#[test]
fn strange_answers_are_told_as_what_they_are() {
    told("strange");
}

#[test]
fn every_exit_code_is_the_documented_one() {
    told("exits");
}

#[test]
fn json_says_what_text_says() {
    told("json");
}

#[test]
fn no_story_goes_untold() {
    let files = std::fs::read_dir(root().join("tests/stories")).expect("the stories");
    let stem = |path: std::path::PathBuf| path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    let is_story = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "txt");
    let found: BTreeSet<String> =
        files.flatten().map(|file| file.path()).filter(is_story).filter_map(stem).collect();
    assert_eq!(found, STORIES.map(str::to_owned).into(), "give each story a test, and each test a story");
}

/// The first fenced block after a marker.
fn block<'a>(text: &'a str, marker: &str) -> Option<Vec<&'a str>> {
    let (_, rest) = text.split_once(marker)?;
    let mut lines = rest.lines().skip_while(|line| !line.starts_with("```"));
    lines.next()?;
    Some(lines.take_while(|line| !line.starts_with("```")).collect())
}

#[test]
fn the_sample_output_of_the_readme_is_what_the_story_gives() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap_or_default();
    let transcript =
        std::fs::read_to_string(root().join("tests/stories/onboarding.out")).expect("the transcript");
    let transcript: Vec<&str> = transcript.lines().collect();
    for (marker, command) in
        [("<!-- story: plan -->", "$ xops plan"), ("<!-- story: onboarding -->", "$ xops apply")]
    {
        let sample = block(&readme, marker).unwrap_or_default();
        assert!(
            sample.iter().any(|line| line.starts_with(command)),
            "README.md shows no `{command}`: paste a part of tests/stories/onboarding.out into a fenced block after `{marker}`"
        );
        let stands = transcript.windows(sample.len()).any(|lines| lines == sample);
        assert!(
            stands,
            "README.md shows what the story does not give: paste it again\n{}",
            sample.join("\n")
        );
    }
}

#[test]
fn a_block_is_found_behind_its_marker_alone() {
    let text = "```\nno\n```\n<!-- here -->\n\n```console\n$ xops\nyes\n```\n```\nno\n```\n";
    assert_eq!(block(text, "<!-- here -->"), Some(vec!["$ xops", "yes"]));
    assert_eq!(block(text, "<!-- there -->"), None);
}
