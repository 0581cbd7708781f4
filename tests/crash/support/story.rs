//! The two stories that are disturbed, told once undisturbed: what they call, what they change, and where they end.

use crate::support::command::Xops;
use crate::support::estate::{self, Estate};
use crate::support::truth::{self, Objects};
use crate::support::work::Lab;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// Whom the stories are about, and the outcome that is wanted.
const REQUEST: [&str; 3] = ["person:sarah.chen", "--outcome", "EMP-R-001"];
/// How long a command may take before it is called a hang: a lookup that fails for good is given up after 26 to 51 seconds.
pub(crate) const BOUND: Duration = Duration::from_secs(90);

/// Each AWF of the stories with the operation that carries it out, as the estate names it.
pub(crate) const ACTIONS: [(&str, &str); 11] = [
    ("workday.set_end_date", "End_Contingent_Worker_Contract"),
    ("okta.create_identity", "POST /api/v1/users"),
    ("okta.assign_groups", "PUT /api/v1/groups/{groupId}/users/{userId}"),
    ("intune.push_profile", "POST /v1.0/deviceManagement/deviceConfigurations/{id}/assign"),
    ("servicenow.order_dev", "POST /api/sn_sc/servicecatalog/items/{sys_id}/order_now"),
    ("slack.invite_channels", "conversations.invite"),
    ("servicenow.cancel_order", "PATCH /api/now/table/{tableName}/{sys_id}"),
    ("intune.remove_profile", "POST /v1.0/deviceManagement/deviceConfigurations/{id}/assign"),
    ("okta.remove_groups", "DELETE /api/v1/groups/{groupId}/users/{userId}"),
    ("okta.disable_identity", "POST /api/v1/users/{id}/lifecycle/{action}"),
    ("workday.clear_end_date", "Rescind_Business_Process"),
];
/// How many of them go forward.
pub(crate) const STEPS: usize = 6;

/// A story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// Everything is done.
    Forward,
    /// The last step is rejected, and everything is undone.
    Backstep,
}

impl Story {
    /// How its instance ends.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Forward => "completed",
            Self::Backstep => "undone",
        }
    }

    /// How its command ends.
    pub(crate) fn code(self) -> i32 {
        code_of(self.word())
    }

    /// What has to be wrong for it.
    pub(crate) fn arrange(self, estate: &Estate) {
        if self == Self::Backstep {
            estate
                .fault(&json!({ "system": "slack", "operation": "conversations.invite", "kind": "reject" }));
        }
    }
}

/// The exit code that the command documents for how an instance stands.
pub(crate) fn code_of(word: &str) -> i32 {
    match word {
        "completed" => 0,
        "undone" => 5,
        "parked" | "stuck" => 6,
        _ => 1,
    }
}

/// The arguments that ask for a story's work, with more behind them.
pub(crate) fn apply<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["apply"], &REQUEST[..], more].concat()
}

/// A story that nobody disturbed.
pub(crate) struct Reference {
    /// The objects before.
    pub(crate) seed: Objects,
    /// The objects after.
    pub(crate) end: Objects,
    /// What changed, in order.
    pub(crate) transitions: Vec<String>,
    /// The calls, in order: system and operation.
    pub(crate) calls: Vec<(String, String)>,
    /// The objects that each AWF changed.
    pub(crate) touched: Vec<(String, Vec<truth::Name>)>,
    /// How many frames its journal has.
    pub(crate) frames: u64,
}

/// Tells a story without disturbing it.
pub(crate) fn undisturbed(lab: &mut Lab, story: Story) -> Reference {
    let (xops, _data) = lab.fresh();
    let estate = &lab.estate;
    let seed = truth::objects(estate);
    story.arrange(estate);
    let ended = xops.run(&apply(&[]), BOUND).expect("an undisturbed run ends");
    ended.expect("the undisturbed run", story.code()).expect("it ends as the story says");
    let verified = xops.json(&["verify"], BOUND).expect("its journal is whole");
    let calls = estate.calls();
    let name = |call: &Json, name: &str| call[name].as_str().unwrap_or_default().to_owned();
    let reference = Reference {
        seed,
        end: truth::objects(estate),
        transitions: truth::transitions(&estate.changes()),
        touched: touched(&calls, &estate.changes()),
        calls: calls.iter().map(|call| (name(call, "system"), name(call, "operation"))).collect(),
        frames: verified["frames"].as_u64().expect("verify counts frames"),
    };
    assert_ne!(reference.transitions, Vec::<String>::new(), "an undisturbed run changes something");
    reference
}

/// The objects that each acting call changed, by the AWF.
fn touched(calls: &[Json], changes: &[Json]) -> Vec<(String, Vec<truth::Name>)> {
    let acting = calls.iter().filter(|call| is_acting(call["operation"].as_str().unwrap_or_default()));
    let word = |json: &Json, name: &str| json[name].as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for (at, call) in acting.enumerate() {
        let by_it = changes.iter().filter(|change| change["call"] == call["seq"]);
        let names = by_it.map(|change| (word(change, "system"), word(change, "kind"), word(change, "id")));
        let (awf, operation) = ACTIONS[at];
        assert_eq!(call["operation"], operation, "{awf} is carried out in its turn");
        all.push((awf.to_owned(), names.collect()));
    }
    all
}

/// Whether an operation acts, or only looks.
pub(crate) fn is_acting(operation: &str) -> bool {
    ACTIONS.iter().any(|(_, acting)| *acting == operation)
}

/// How many acting calls reached the estate since it was reset.
pub(crate) fn acting_calls(estate: &Estate) -> u64 {
    let acting = |call: &&Json| is_acting(call["operation"].as_str().unwrap_or_default());
    estate.calls().iter().filter(acting).count() as u64
}

/// Holds that the journal is whole, replays without a difference and ends in `word`; the replayed state.
pub(crate) fn replayed(xops: &Xops, number: &str) -> Result<(String, Json), String> {
    let trace = xops.json(&["trace", number], BOUND)?;
    let replay = xops.json(&["replay", number], BOUND)?;
    let differences = replay["differences"].as_array().map_or(usize::MAX, Vec::len);
    if differences > 0 {
        return Err(format!("replay differs from the journal: {}", replay["differences"]));
    }
    xops.json(&["verify"], BOUND)?;
    let word = trace["state"].as_str().ok_or("the trace names no state")?.to_owned();
    Ok((word, replay["state"].clone()))
}

/// Holds that every call whose answer never came is listed with what became of it; where one was in flight, that there is one.
pub(crate) fn accounted(xops: &Xops, was_in_flight: bool) -> Result<(), String> {
    let listed = xops.json(&["status", "--unknown"], BOUND)?;
    let calls = listed.as_array().ok_or("the account is no list")?;
    if was_in_flight && calls.is_empty() {
        return Err("a call was in flight when the process died, and the account does not list it".into());
    }
    match calls.iter().find(|call| call["became"] == "open" || call["key"].as_str().is_none()) {
        Some(call) => Err(format!("the account leaves a call open: {call}")),
        None => Ok(()),
    }
}

/// Asks the daemon at `place`, an address and a token, until its first instance stands as expected.
pub(crate) fn settled((place, token): &(String, String), expect: &str) -> Result<(), String> {
    let began = Instant::now();
    let bearer = format!("Bearer {token}");
    loop {
        let (_, answer) =
            estate::request(place, "GET", "/v1/instances/1", &[("authorization", &bearer)], "")?;
        if answer["state"] == expect {
            return Ok(());
        }
        if began.elapsed() > BOUND {
            return Err(format!("the instance is {answer}, not {expect}, after {BOUND:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
