//! `ServiceNow`: orders, which are never unique, and the Table API.

use crate::client::{Stage, call};
use serde_json::{Value, json};
use xops_estate::fixed::CATALOG_ITEMS;

fn order(stage: &Stage, correlation: &str) -> Value {
    let found =
        stage.get("servicenow", "/api/now/table/sys_user?sysparm_query=email=sarah.chen@acme.example");
    let user = found.json()["result"][0]["sys_id"].clone();
    let path = format!("/api/sn_sc/servicecatalog/items/{}/order_now", CATALOG_ITEMS[0].1);
    let body = json!({"sysparm_quantity": "1", "sysparm_requested_for": user, "variables": {"correlation_id": correlation}});
    let answer = stage.call("servicenow", "POST", &path, &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["result"].clone()
}

#[test]
fn a_second_order_makes_a_second_request_with_the_same_correlation() {
    let stage = Stage::new();
    let first = order(&stage, "xops-1");
    assert_eq!((first["table"].as_str(), first["number"].as_str()), (Some("sc_request"), Some("REQ0010001")));
    order(&stage, "xops-1");
    let path = "/api/now/table/sc_request?sysparm_query=correlation_id=xops-1^ORDERBYnumber&sysparm_fields=number,requested_for.email";
    let found = stage.get("servicenow", path);
    assert_eq!(found.headers("x-total-count"), ["2"]);
    let expect = json!({"number": "REQ0010001", "requested_for.email": "sarah.chen@acme.example"});
    assert_eq!(found.json()["result"][0], expect);
}

#[test]
fn cancelling_a_request_takes_its_items_with_it() {
    let stage = Stage::new();
    let id = order(&stage, "xops-2")["sys_id"].as_str().expect("an id").to_owned();
    let path = format!("/api/now/table/sc_request/{id}");
    let fields = json!({"request_state": "closed_cancelled", "no_such_field": "ignored"});
    let answer = stage.call("servicenow", "PATCH", &path, &fields).json();
    let result = &answer["result"];
    assert_eq!(
        (result["active"].as_str(), result["request_state"].as_str()),
        (Some("false"), Some("closed_cancelled"))
    );
    assert!(result["no_such_field"].is_null());
    assert!(
        result["requested_for"]["link"]
            .as_str()
            .is_some_and(|link| link.contains("/api/now/table/sys_user/"))
    );
    let items = stage.get("servicenow", &format!("/api/now/table/sc_req_item?sysparm_query=request={id}"));
    assert_eq!(items.json()["result"][0]["stage"], "request_cancelled");
}

#[test]
fn a_table_is_read_by_offset_and_link() {
    let stage = Stage::new();
    let mut next = Some(
        "/api/now/table/sys_user?sysparm_query=emailISNOTEMPTY^ORDERBYemail&sysparm_limit=15".to_owned(),
    );
    let mut names = Vec::new();
    while let Some(path) = next {
        let answer = stage.get("servicenow", &path);
        for user in answer.json()["result"].as_array().expect("a list") {
            names.push(user["email"].to_string());
        }
        next = answer.link("next");
    }
    assert_eq!(names.len(), 37);
    assert!(names.is_sorted());
}

#[test]
fn what_is_absent_or_unknown_is_said_as_servicenow_says_it() {
    let stage = Stage::new();
    let absent = stage.get("servicenow", "/api/now/table/incident/00000000000000000000000000000000");
    assert_eq!((absent.status, absent.json()["error"]["message"].as_str()), (404, Some("No Record found")));
    assert_eq!(stage.get("servicenow", "/api/now/table/nonsense").status, 400);
    let all = stage.get("servicenow", "/api/now/table/sys_user?sysparm_query=colour=red");
    assert_eq!(all.headers("x-total-count"), ["38"], "an unknown field drops out of the query");
    let made =
        stage.call("servicenow", "POST", "/api/now/table/incident", &json!({"short_description": "x"}));
    assert_eq!((made.status, made.headers("location").len()), (201, 1));
    let id = made.json()["result"]["sys_id"].as_str().expect("an id").to_owned();
    let path = format!("/api/now/table/incident/{id}");
    assert_eq!(stage.call("servicenow", "DELETE", &path, &Value::Null).status, 204);
    assert_eq!(stage.call("servicenow", "DELETE", &path, &Value::Null).status, 404);
}

#[test]
fn basic_authentication_works_and_nothing_else_does() {
    let stage = Stage::new();
    let url = format!("{}/api/now/table/sc_cat_item", stage.base("servicenow"));
    let plain = call("GET", &url, &[], "").expect("an answer");
    assert_eq!((plain.status, plain.json()["status"].as_str()), (401, Some("failure")));
    let basic = call("GET", &url, &[("Authorization", "Basic bm9ib2R5Om5vdGhpbmc=")], "").expect("an answer");
    assert_eq!(basic.status, 401);
}
