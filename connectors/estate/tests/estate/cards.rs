//! Operation cards: what violates one is recorded, and refused where the estate is strict.

use crate::client::Stage;
use crate::workday;
use serde_json::{Value, json};
use std::path::Path;

/// Cards of two operations, in the form in which the real ones come.
fn write(dir: &Path) {
    let okta = json!({"system": "okta", "cards": [
        {"awf": "create_identity", "method": "POST", "path": "/api/v1/users", "base_paths": [],
            "query_params": [{"name": "activate", "required": false, "type": "boolean"}],
            "request_content_type": ["application/json"], "request_body_required": true,
            "request_body_schema": {"type": "object", "required": ["profile"], "properties": {"profile": {
                "type": "object", "properties": {"firstName": {"type": ["string", "null"], "maxLength": 5}}}}}},
        {"awf": "twin", "method": "POST", "path": "/api/v1/users", "same_operation_as": "create_identity"}]});
    let workday = json!({"system": "workday", "cards": [
        {"read": "worker", "method": "POST", "path": "/ccx/service/{tenant}/Human_Resources/{version}#Get_Workers",
            "protocol": "SOAP 1.1", "operation": "Get_Workers", "request_element": "Get_Workers_Request",
            "required_paths": [], "element_order": ["Request_Criteria", "Response_Filter"],
            "request_elements": {"elements": {"Request_Criteria": {"cut": "depth"},
                "Response_Filter": {"elements": {"Page": {"xsd": "number"}, "Count": {"xsd": "number"}}}}}}]});
    for (name, card) in [("okta", okta), ("workday", workday)] {
        std::fs::write(dir.join(format!("{name}.json")), card.to_string()).expect("a card");
    }
}

fn stage(strict: bool) -> (Stage, tempfile::TempDir) {
    let cards = tempfile::tempdir().expect("a directory");
    write(cards.path());
    let path = cards.path().to_owned();
    let stage = Stage::with(|options| {
        options.cards = Some(path);
        options.strict_cards = strict;
    });
    (stage, cards)
}

fn last_card(stage: &Stage) -> Value {
    let calls = stage.control("GET", "/calls", &Value::Null);
    calls.as_array().and_then(|all| all.last()).expect("a call")["card"].clone()
}

fn create(stage: &Stage, query: &str, first: &str) -> u16 {
    let profile = json!({"login": "x.y@acme.example", "email": "x.y@acme.example", "firstName": first, "lastName": "Y"});
    stage.call("okta", "POST", &format!("/api/v1/users{query}"), &json!({"profile": profile})).status
}

#[test]
fn a_violation_is_recorded_and_served_where_nobody_is_strict() {
    let (stage, _cards) = stage(false);
    assert_eq!(create(&stage, "?activate=perhaps", "X"), 200);
    let card = last_card(&stage);
    assert!(card["violation"].as_str().is_some_and(|text| text.contains("`activate`")), "{card}");
    stage.get("okta", "/api/v1/groups");
    assert_eq!(last_card(&stage), "none", "no card, no judgement");
}

#[test]
fn a_strict_estate_refuses_what_violates_a_card_and_changes_nothing() {
    let (stage, _cards) = stage(true);
    let before = stage.digest("okta");
    assert_eq!(create(&stage, "", "Xaveria"), 422);
    assert!(last_card(&stage)["violation"].as_str().is_some_and(|text| text.contains("profile.firstName")));
    assert_eq!(stage.digest("okta"), before);
    assert_eq!(create(&stage, "", "Xaver"), 200);
    assert_eq!(last_card(&stage), json!({"card": "create_identity"}));
}

#[test]
fn soap_is_held_against_the_order_and_the_elements_of_its_card() {
    let (stage, _cards) = stage(true);
    let filter = "<bsvc:Response_Filter><bsvc:Page>1</bsvc:Page></bsvc:Response_Filter>";
    let criteria = "<bsvc:Request_Criteria/>";
    let send = |inside: &str| workday::send(&stage, "Human_Resources", "Get_Workers_Request", inside);
    assert_eq!(send(&format!("{criteria}{filter}")).status, 200);
    let late = send(&format!("{filter}{criteria}"));
    assert_eq!(late.status, 422);
    assert!(late.body.contains("too late"), "{}", late.body);
    assert!(send("<bsvc:Made_Up/>").body.contains("Made_Up"));
}
