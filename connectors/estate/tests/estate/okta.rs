//! Okta: identities and memberships as a client meets them.

use crate::client::{Stage, call};
use serde_json::{Value, json};
use xops_estate::fixed::okta_group_id;

#[test]
fn a_contractor_gets_an_identity_once_and_loses_it_by_stages() {
    let stage = Stage::new();
    assert_eq!(stage.get("okta", "/api/v1/users/sarah.chen@acme.example").status, 404);
    let id = stage.okta_user("sarah.chen");
    assert!(id.starts_with("00u") && id.len() == 20);
    let read = stage.get("okta", "/api/v1/users/sarah.chen%40acme.example");
    assert_eq!(
        (read.json()["id"].as_str(), read.json()["status"].as_str()),
        (Some(id.as_str()), Some("STAGED"))
    );
    assert_eq!(read.headers("x-rate-limit-limit"), ["600"]);

    let profile = json!({"profile": {"login": "sarah.chen@acme.example", "email": "sarah.chen@acme.example",
        "firstName": "S", "lastName": "C"}});
    let twice = stage.call("okta", "POST", "/api/v1/users", &profile);
    assert_eq!((twice.status, twice.json()["errorCode"].as_str()), (400, Some("E0000001")));
    assert!(
        twice.json()["errorCauses"][0]["errorSummary"]
            .as_str()
            .is_some_and(|text| text.starts_with("login: "))
    );

    let lifecycle = |action: &str| {
        let path = format!("/api/v1/users/{id}/lifecycle/{action}?sendEmail=false");
        stage.call("okta", "POST", &path, &Value::Null).status
    };
    assert_eq!(lifecycle("suspend"), 400);
    assert_eq!(lifecycle("activate"), 200);
    assert_eq!(lifecycle("activate"), 403);
    assert_eq!(lifecycle("deactivate"), 200);
    assert_eq!(lifecycle("deactivate"), 403);
    let path = format!("/api/v1/users/{id}");
    assert_eq!(stage.get("okta", &path).json()["status"], "DEPROVISIONED");
    assert_eq!(stage.call("okta", "DELETE", &path, &Value::Null).status, 204);
    let gone = stage.get("okta", &path);
    assert_eq!((gone.status, gone.json()["errorCode"].as_str()), (404, Some("E0000007")));
}

#[test]
fn a_membership_is_put_and_removed_without_regard_to_what_was() {
    let stage = Stage::new();
    let id = stage.okta_user("priya.nair");
    let group = okta_group_id("contractors-in").expect("a group");
    let path = format!("/api/v1/groups/{group}/users/{id}");
    let names = || {
        let all = stage.get("okta", &format!("/api/v1/users/{id}/groups")).json();
        let names = all.as_array().expect("a list").iter().map(|one| one["profile"]["name"].to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(), r#""Everyone""#);
    for _ in 0..2 {
        assert_eq!(stage.call("okta", "PUT", &path, &Value::Null).status, 204);
    }
    assert_eq!(names(), r#""Everyone" "contractors-in""#);
    let changes = stage.control("GET", "/changes?system=okta", &Value::Null);
    assert_eq!(changes.as_array().map(Vec::len), Some(2), "the second PUT changes nothing");
    for _ in 0..2 {
        assert_eq!(stage.call("okta", "DELETE", &path, &Value::Null).status, 204);
    }
    assert_eq!(names(), r#""Everyone""#);
    let unknown = format!("/api/v1/groups/00gnone/users/{id}");
    assert_eq!(stage.call("okta", "PUT", &unknown, &Value::Null).status, 404);
}

#[test]
fn all_users_come_page_by_page_and_once_each() {
    let stage = Stage::new();
    let mut next = Some("/api/v1/users?limit=10".to_owned());
    let mut logins = std::collections::BTreeSet::new();
    let mut pages = 0;
    while let Some(path) = next {
        let answer = stage.get("okta", &path);
        for user in answer.json().as_array().expect("a list") {
            assert!(logins.insert(user["profile"]["login"].to_string()));
        }
        pages += 1;
        next = answer.link("next");
    }
    assert_eq!((pages, logins.len()), (3, 25));
    let search = "/api/v1/users?search=profile.department%20eq%20%22Design%22";
    let all = stage.get("okta", search).json();
    assert!(all.as_array().expect("a list").iter().all(|user| user["profile"]["department"] == "Design"));
    assert_eq!(stage.get("okta", "/api/v1/users?search=nonsense").status, 400);
}

#[test]
fn a_profile_is_changed_under_the_callers_etag() {
    let stage = Stage::new();
    let id = stage.okta_user("marcus.webb");
    let path = format!("/api/v1/users/{id}");
    let etag = stage.get("okta", &path).headers("etag")[0].to_owned();
    let authorization = format!("SSWS {}", stage.secret("okta", "api_token"));
    let change = |city: &str| {
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("If-Match", &etag),
        ];
        let body = json!({"profile": {"city": city, "ownAttribute": "kept"}}).to_string();
        call("POST", &format!("{}{path}", stage.base("okta")), &headers, &body).expect("an answer").status
    };
    assert_eq!(change("Mexico City"), 200);
    assert_eq!(change("Puebla"), 412);
    let profile = stage.get("okta", &path).json()["profile"].clone();
    assert_eq!(
        (profile["city"].as_str(), profile["ownAttribute"].as_str()),
        (Some("Mexico City"), Some("kept"))
    );
}

#[test]
fn nobody_is_let_in_without_the_token() {
    let stage = Stage::new();
    let answer = call("GET", &format!("{}/api/v1/users", stage.base("okta")), &[], "").expect("an answer");
    assert_eq!((answer.status, answer.json()["errorCode"].as_str()), (401, Some("E0000011")));
}
