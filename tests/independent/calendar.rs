//! Google Calendar's manifest against emulate.
//!
//! emulate knows no service accounts: the same manifest is spoken to it with a bearer token. Not to be seen here, because emulate has
//! no such call: one event by its id (so a booking is looked for among the calendar's events), changes since a place, the client's own
//! id of an event (a second booking makes a second event, where Google refuses it), sharing, rooms.

use crate::servers::{System, manifest, values};
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::port::{Outcome, Phase};
use xops_kernel::value::{Value, Values};

/// The manifest with a token in the place of the service account.
fn by_token() -> String {
    let text = manifest("google_calendar");
    let (before, after) = text.split_once("  auth \"google_service_account\" {").expect("a service account");
    let (_, after) = after.split_once("\n  }\n").expect("its end");
    // What the family would say and is met here: the words of absence.
    let (head, rest) = before.split_once("  extends = \"google\"\n").expect("the family");
    let absent =
        "error \"absent\" { when = response.status == 404 && response.body.error.status == \"NOT_FOUND\" }";
    format!(
        "{head}{rest}  auth \"bearer\" {{}}\n  message = response.body.error.message\n  {absent}\n{after}"
    )
}

fn calendar() -> System {
    System::of("google_calendar", "google", by_token())
}

fn booking(summary: &str, hour: u8) -> Values {
    let (start, end) = (format!("2026-12-01T{hour:02}:00:00Z"), format!("2026-12-01T{:02}:00:00Z", hour + 1));
    values(&[
        ("calendar", "primary"),
        ("room", "blue@acme.example"),
        ("summary", summary),
        ("start", &start),
        ("end", &end),
    ])
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_calendar_books_a_room_sees_it_and_cancels_that_one_alone() {
    let calendar = calendar();
    let awf = AwfName::new("google_calendar", "book_room_event");
    let look = |inputs: &Values| calendar.look(&awf, Phase::Snapshot, inputs);
    let (one, two) = (booking("Design review", 9), booking("Retrospective", 11));
    assert!(matches!(look(&one).seen, Observation::Absent(_)));
    let mut events = Vec::new();
    for inputs in [&one, &two] {
        let Outcome::Ok(made) = calendar.call(&awf, inputs, &Values::new()) else { panic!("not booked") };
        let seen = look(inputs);
        assert_eq!(seen.seen, Observation::Present(Value::from("booked")));
        assert_eq!(
            seen.outputs.get("event"),
            made.get("event"),
            "the one that was made is the one that is seen"
        );
        events.push(made.get("event").and_then(Value::as_text).expect("an id").to_owned());
    }
    let cancel = |event: &str| {
        calendar.word("cancel_room_event", &values(&[("calendar", "primary"), ("event", event)]))
    };
    assert_eq!(cancel(&events[0]), "ok");
    assert!(matches!(look(&one).seen, Observation::Absent(_)));
    assert_eq!(look(&two).seen, Observation::Present(Value::from("booked")), "the other one stays");
    assert_eq!(cancel(&events[0]), "absent", "compensated again");
    assert_eq!(cancel("nothing"), "absent", "compensated without having been done");
    assert_eq!(cancel(&events[1]), "ok");
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_calendar_refuses_what_is_not_there_or_not_whole() {
    let calendar = calendar();
    let mut elsewhere = booking("Nowhere", 15);
    elsewhere.insert("calendar".to_owned(), Value::from("nobody@acme.example"));
    assert_eq!(calendar.word("book_room_event", &elsewhere), "absent");
}
