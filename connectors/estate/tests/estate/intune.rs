//! Intune: the assignment set, which is replaced as a whole.

use crate::client::{Stage, call};
use serde_json::{Value, json};
use xops_estate::fixed::{DEVICE_CONFIGURATIONS, department_group_id};

fn path(rest: &str) -> String {
    format!("/deviceManagement/deviceConfigurations/{}/{rest}", DEVICE_CONFIGURATIONS[0].1)
}

fn target(department: &str) -> Value {
    let group = department_group_id(department).expect("a group");
    json!({"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group}})
}

#[test]
fn the_set_of_assignments_is_replaced_and_a_kept_one_keeps_its_id() {
    let stage = Stage::new();
    let assign = |all: &[Value]| stage.call("intune", "POST", &path("assign"), &json!({"assignments": all}));
    let read = || stage.get("intune", &path("assignments")).json()["value"].clone();
    assert_eq!(read(), json!([]));
    let first = assign(&[target("Design")]);
    assert_eq!(first.status, 200, "{}", first.body);
    let id = read()[0]["id"].clone();
    assign(&[target("Design"), target("Data Platform")]);
    assert_eq!(read().as_array().map(Vec::len), Some(2));
    assert!(read().as_array().expect("a list").iter().any(|one| one["id"] == id));
    let before = stage.digest("intune");
    assign(&[target("Data Platform"), target("Design")]);
    assert_eq!(stage.digest("intune"), before, "the same set is no change");
    assign(&[]);
    assert_eq!(read(), json!([]));
}

#[test]
fn assignments_come_page_by_page() {
    let stage = Stage::new();
    let all: Vec<Value> = ["Design", "Sales", "Finance"].iter().map(|one| target(one)).collect();
    stage.call("intune", "POST", &path("assign"), &json!({"assignments": all}));
    let first = stage.get("intune", &path("assignments?$top=2")).json();
    assert_eq!(first["value"].as_array().map(Vec::len), Some(2));
    let next = first["@odata.nextLink"].as_str().expect("a link").to_owned();
    let second = stage.get("intune", &next).json();
    assert_eq!(second["value"].as_array().map(Vec::len), Some(1));
    assert!(second["@odata.nextLink"].is_null());
}

#[test]
fn a_bad_request_is_answered_in_the_envelope_of_graph() {
    let stage = Stage::new();
    let code = |body: &Value, path: &str| {
        let answer = stage.call("intune", "POST", path, body);
        (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(code(&json!({}), &path("assign")), (400, "ModelValidationFailure".to_owned()));
    let wrong = json!({"assignments": [{"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": "x"}}]});
    assert_eq!(code(&wrong, &path("assign")), (400, "BadRequest".to_owned()));
    let unknown = "/deviceManagement/deviceConfigurations/00000000-0000-4000-8000-000000000000/assign";
    assert_eq!(code(&json!({"assignments": []}), unknown), (404, "ResourceNotFound".to_owned()));
}

#[test]
fn a_token_expires_when_it_said_it_would() {
    let stage = Stage::new();
    let devices = "/deviceManagement/managedDevices";
    assert_eq!(stage.get("intune", devices).json()["value"].as_array().map(Vec::len), Some(25));
    stage.control("POST", "/tokens", &json!({"system": "intune", "expires_in_s": 0}));
    stage.token("intune", true);
    let late = stage.get("intune", devices);
    assert_eq!(
        (late.status, late.json()["error"]["code"].as_str()),
        (401, Some("InvalidAuthenticationToken"))
    );
    let url = stage.running.systems["intune"].description["token_url"].as_str().expect("a URL").to_owned();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = call("POST", &url, &form, "grant_type=client_credentials&client_id=x").expect("an answer");
    assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("unauthorized_client")));
}

#[test]
fn the_people_have_devices_that_can_be_filtered() {
    let stage = Stage::new();
    let all = stage.get("intune", "/deviceManagement/managedDevices?$select=userPrincipalName").json();
    let one = all["value"][0]["userPrincipalName"].as_str().expect("a name").to_owned();
    let filtered = format!("/deviceManagement/managedDevices?$filter=userPrincipalName%20eq%20'{one}'");
    assert_eq!(stage.get("intune", &filtered).json()["value"].as_array().map(Vec::len), Some(1));
    assert_eq!(stage.get("intune", "/deviceManagement/managedDevices?$filter=nonsense").status, 400);
}
