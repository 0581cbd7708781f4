//! Deliveries of every scheme that the manifests declare: what is right is taken, and of what is wrong, old, changed or sent
//! again nothing is.
//!
//! Absent: the HMAC itself, which the wire takes; see its tests and the daemon's.

use crate::support::manifests;
use xops_connectors::hook::{self, Claim, Delivery, Greeting, Message, Refused};
use xops_connectors::model::webhook::Webhook;
use xops_kernel::value::Values;

fn webhook(system: &str) -> &'static Webhook {
    manifests().webhooks(system).first().unwrap_or_else(|| panic!("{system} declares a webhook"))
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The text that is signed, the signatures, and when it says it was sent.
type Signed = (String, Vec<Vec<u8>>, Option<u64>);

/// What a message claims to be signed, and when it says it was sent.
fn signed(system: &str, headers: &[(&str, &str)], body: &str) -> Result<Signed, Refused> {
    let headers = pairs(headers);
    let message = Message { headers: &headers, query: &[], body: body.as_bytes() };
    Ok(match hook::claim(webhook(system), &message)? {
        Claim::Signed { text, tags, at_ms, .. } => {
            (String::from_utf8(text).expect("these bodies are text"), tags, at_ms)
        }
        Claim::Token(token) => (String::from_utf8(token).expect("text"), Vec::new(), None),
    })
}

fn check(system: &str, headers: &[(&str, &str)], body: &str, text: &str, tags: &[&[u8]], at_ms: Option<u64>) {
    let (claimed, claimed_tags, claimed_at) = signed(system, headers, body).expect(system);
    assert_eq!((claimed.as_str(), claimed_at), (text, at_ms), "{system}");
    assert_eq!(claimed_tags, tags, "{system}");
}

#[test]
fn what_each_scheme_signs_is_what_its_vendor_says() {
    let tag: &[u8] = &[0xde, 0xad];
    check(
        "slack",
        &[("x-slack-signature", "v0=dead"), ("x-slack-request-timestamp", "12")],
        "{}",
        "v0:12:{}",
        &[tag],
        Some(12_000),
    );
    check("github", &[("x-hub-signature-256", "sha256=DEAD")], "{ }", "{ }", &[tag], None);
    let stripe = [("stripe-signature", "t=12, v1=dead,v0=beef,v1=beef")];
    check("stripe_issuing", &stripe, "{}", "12.{}", &[tag, &[0xbe, 0xef]], Some(12_000));
    check("docusign", &[("x-docusign-signature-1", "3q0=")], "{}", "{}", &[tag], None);
    check("pagerduty", &[("x-pagerduty-signature", "v1=dead,v1=dead")], "{}", "{}", &[tag, tag], None);
    check("greenhouse", &[("signature", "sha256 dead")], "{}", "{}", &[tag], None);
    let bamboo = [("x-bamboohr-signature", "dead"), ("x-bamboohr-timestamp", "12")];
    check("bamboohr", &bamboo, "{}", "{}12", &[tag], Some(12_000));
    let zoom = [("x-zm-signature", "v0=dead"), ("x-zm-request-timestamp", "12")];
    check("zoom", &zoom, "{}", "v0:12:{}", &[tag], Some(12_000));
    check("jira_service", &[("x-hub-signature", "sha256=dead")], "{}", "{}", &[tag], None);
    check("okta", &[("authorization", "a secret")], "{}", "a secret", &[], None);
    let declared: Vec<&str> =
        manifests().systems().filter(|system| !manifests().webhooks(system).is_empty()).collect();
    assert_eq!(declared.len(), 10, "a new scheme needs a line above: {declared:?}");
}

#[test]
fn what_is_missing_or_cannot_be_read_is_refused_by_its_name() {
    let refused = |system: &str, headers: &[(&str, &str)]| match signed(system, headers, "{}") {
        Err(Refused::Header(name)) => name,
        other => panic!("{system} took {headers:?}: {other:?}"),
    };
    assert_eq!(refused("slack", &[]), "x-slack-signature");
    assert_eq!(refused("slack", &[("x-slack-signature", "v0=dead")]), "x-slack-request-timestamp");
    for moment in ["soon", "-1", "1.5", "99999999999999999999"] {
        let headers = [("x-slack-signature", "v0=dead"), ("x-slack-request-timestamp", moment)];
        assert_eq!(refused("slack", &headers), "x-slack-request-timestamp", "{moment}");
    }
    assert_eq!(refused("stripe_issuing", &[("stripe-signature", "v1=dead")]), "stripe-signature");
    assert_eq!(refused("okta", &[]), "authorization");
    // A signature of another form is no signature: it leaves no tag that could be right.
    for tag in ["dead", "v1=dead", "v0=dea", "v0=de ad", "v0=", "v0=zz"] {
        let headers = [("x-slack-signature", tag), ("x-slack-request-timestamp", "12")];
        let (_, tags, _) = signed("slack", &headers, "{}").expect("a claim");
        assert!(tags.iter().all(Vec::is_empty), "{tag}: {tags:?}");
    }
}

fn delivered(system: &str, headers: &[(&str, &str)], body: &str) -> Result<Delivery, Refused> {
    let headers = pairs(headers);
    let message = Message { headers: &headers, query: &[], body: body.as_bytes() };
    let claim = hook::claim(webhook(system), &message)?;
    let mut all = hook::deliveries(webhook(system), &Values::new(), &message, &claim)?;
    assert_eq!(all.len(), 1, "{all:?}");
    Ok(all.remove(0))
}

#[test]
fn each_event_of_a_message_is_a_delivery_of_its_own() {
    let headers = pairs(&[("authorization", "s")]);
    let told = |body: &str| {
        let message = Message { headers: &headers, query: &[], body: body.as_bytes() };
        let claim = hook::claim(webhook("okta"), &message).expect("a claim");
        hook::deliveries(webhook("okta"), &Values::new(), &message, &claim)
    };
    let event =
        |kind: &str, id: &str| format!(r#"{{ "eventType": "{kind}", "target": [{{ "id": "{id}" }}] }}"#);
    let body = |events: &[String]| {
        format!(r#"{{ "eventId": "e1", "data": {{ "events": [{}] }} }}"#, events.join(","))
    };
    let several = [
        event("user.lifecycle.create", "u1"),
        event("group.user_membership.add", "u2"),
        event("group.lifecycle.create", "g1"),
        event("policy.lifecycle.update", "p1"),
    ];
    let all = told(&body(&several)).expect("deliveries");
    let shown: Vec<_> =
        all.iter().map(|one| (one.id.as_str(), one.kind.as_deref(), one.record.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("e1", Some("user"), Some("u1")),
            ("e1#1", Some("group_member"), Some("u2")),
            ("e1#2", Some("group"), Some("g1")),
            ("e1#3", None, Some("p1"))
        ]
    );
    assert_eq!(told(&body(&[])), Ok(Vec::new()), "a message of nothing");
    let many = vec![several[0].clone(); 1_001];
    assert_eq!(told(&body(&many)), Err(Refused::Events));
    // What tells of no list is one message, and says what it says.
    assert_eq!(told(r#"{ "eventId": "e1" }"#).map(|all| all.len()), Ok(1));
}

#[test]
fn a_delivery_is_known_again_by_what_is_signed_and_by_nothing_else() {
    let github = |delivery: &str, body: &str| {
        let headers = [
            ("x-hub-signature-256", "sha256=dead"),
            ("x-github-delivery", delivery),
            ("x-github-event", "membership"),
        ];
        delivered("github", &headers, body).expect("a delivery")
    };
    let body = r#"{ "action": "added", "membership": { "user": { "login": "sarah" } } }"#;
    let (first, again) = (github("d1", body), github("d2", body));
    assert_eq!(
        first.id, again.id,
        "the header of the delivery is not signed: whoever saw one could change it"
    );
    assert_ne!(first.id, github("d1", "{}").id);
    assert_eq!(first.event.as_deref(), Some("membership.added"));
    assert_eq!((first.kind.as_deref(), first.record.as_deref()), (Some("member"), Some("sarah")));

    let slack = |moment: &str| {
        let headers = [("x-slack-signature", "v0=dead"), ("x-slack-request-timestamp", moment)];
        delivered(
            "slack",
            &headers,
            r#"{ "event_id": "Ev1", "event": { "type": "user_change", "user": { "id": "U1" } } }"#,
        )
    };
    // Its sender sends it again with a fresh time, and means the same.
    assert_eq!(slack("12").expect("a delivery"), slack("99").expect("a delivery"));
    assert_eq!(slack("12").expect("a delivery").id, "Ev1");

    let token = [("authorization", "s")];
    assert_eq!(delivered("okta", &token, "{}"), Err(Refused::Id), "no id, and nothing signed");
    let event = r#"{ "eventId": "e1", "data": { "events": [ { "eventType": "user.lifecycle.create" } ] } }"#;
    let okta = delivered("okta", &token, event).expect("a delivery");
    assert_eq!((okta.id.as_str(), okta.kind.as_deref()), ("e1", Some("user")));
    let long = format!(r#"{{ "eventId": "{}" }}"#, "e".repeat(257));
    assert_eq!(delivered("okta", &token, &long), Err(Refused::Id));
    assert!(matches!(delivered("okta", &token, "{"), Err(Refused::Body(_))));
}

#[test]
fn a_handshake_is_answered_only_as_it_is_declared() {
    let ask = |system: &str, headers: &[(&str, &str)], body: &str, is_signed: bool| {
        let headers = pairs(headers);
        let message = Message { headers: &headers, query: &[], body: body.as_bytes() };
        hook::greeting(webhook(system), &Values::new(), &message, is_signed)
    };
    let challenge = r#"{ "type": "url_verification", "challenge": "c1" }"#;
    let answer = Greeting::Json([("challenge".to_owned(), "c1".into())].into(), Vec::new());
    assert_eq!(ask("slack", &[], challenge, true), Ok(Some(answer)));
    assert_eq!(ask("slack", &[], challenge, false), Ok(None), "an unsigned question is none");
    assert_eq!(ask("slack", &[], r#"{ "type": "event_callback" }"#, true), Ok(None));
    let question = [("x-okta-verification-challenge", "c2")];
    let answer = Greeting::Json([("verification".to_owned(), "c2".into())].into(), Vec::new());
    assert_eq!(ask("okta", &question, "", false), Ok(Some(answer)));
    assert_eq!(ask("okta", &[], "", false), Ok(None));
    let zoom = r#"{ "event": "endpoint.url_validation", "payload": { "plainToken": "p" } }"#;
    let Ok(Some(Greeting::Json(_, proofs))) = ask("zoom", &[], zoom, true) else { panic!("an answer") };
    assert_eq!(proofs, [("encryptedToken".to_owned(), "p".to_owned())]);
    let long = "c".repeat(2_000);
    assert_eq!(ask("okta", &[("x-okta-verification-challenge", &long)], "", false), Err(Refused::Id));
}
