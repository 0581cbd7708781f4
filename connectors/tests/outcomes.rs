//! What answers mean: outcomes of calls, sightings of lookups, records of reads.

use crate::support::{Asking, KEY, answer, config, json, manifests, reading, soap, values};
use xops_connectors::manifests::Manifests;
use xops_kernel::fact::Observation;
use xops_kernel::port::{Connector, Outcome, Page, Phase, ReadPage, Response, Sighting};
use xops_kernel::value::{Value, Values};

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(values) | Outcome::AlreadyDone(values) => {
            format!("{} {}", outcome.word(), Value::Map(values.clone()))
        }
        Outcome::RateLimited { retry_after_ms } => format!("rate_limited {retry_after_ms:?}"),
        Outcome::Conflict(why)
        | Outcome::PreconditionFailed(why)
        | Outcome::Transient(why)
        | Outcome::Forbidden(why)
        | Outcome::Invalid(why)
        | Outcome::Unknown(why) => format!("{}: {why}", outcome.word()),
        Outcome::Absent | Outcome::AuthExpired => outcome.word().to_owned(),
    }
}

fn seen(sighting: &Sighting) -> String {
    let outputs = Value::Map(sighting.outputs.clone());
    let marker = sighting.marker.as_deref().map(|marker| format!(" marked {marker}")).unwrap_or_default();
    match &sighting.seen {
        Observation::Present(value) => format!("present {value} {outputs}{marker}"),
        Observation::Absent(proof) => format!("absent by {proof} {outputs}{marker}"),
        Observation::Unknown(doubt) => format!("unknown {doubt} {outputs}{marker}"),
    }
}

pub(crate) fn did(system: &str, function: &str, response: &Response) -> String {
    let manifests = manifests();
    let asking = Asking::of(manifests, system, function);
    told(&manifests.classify(&asking.ask(Phase::Do), response))
}

/// Asks a lookup and answers it, page by page.
fn looked(manifests: &Manifests, asking: &mut Asking, responses: &[Response]) -> String {
    let mut transcript = String::new();
    asking.carry = Values::new();
    for response in responses {
        match manifests.sight(&asking.ask(Phase::Readback), response) {
            Page::Over(sighting) => return format!("{transcript}{}", seen(&sighting)),
            Page::Failed(outcome) => return format!("{transcript}failed {}", told(&outcome)),
            Page::More(request, carry) => {
                let query: Vec<String> =
                    request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let path = request.url.split('/').skip(3).collect::<Vec<_>>().join("/");
                transcript = format!("{transcript}-> {path}?{}\n", query.join("&"));
                asking.carry = carry;
            }
        }
    }
    format!("{transcript}no more answers")
}

pub(crate) fn sighted(system: &str, function: &str, responses: &[Response]) -> String {
    let manifests = manifests();
    let mut asking = Asking::of(manifests, system, function);
    looked(manifests, &mut asking, responses)
}

#[test]
fn okta_answers_are_typed_by_status_and_body() {
    let check =
        |response: Response, expect: &str| assert_eq!(did("okta", "create_identity", &response), expect);
    check(json(200, r#"{"id":"00u1","status":"STAGED"}"#), "ok { id = \"00u1\" }");
    check(json(200, "{}"), "unknown: the answer lacks `id`");
    check(json(200, r#"{"id":"#), "unknown: status 200: the body is no json: expected a value at byte 6");
    check(
        answer(200, &[("content-type", "text/html")], "<html>sign in</html>"),
        "unknown: status 200: the body is `text/html`, not json",
    );
    let taken = r#"{"errorCode":"E0000001","errorSummary":"Api validation failed: login","errorCauses":[{"errorSummary":"login: An object with this field already exists in the current organization"}]}"#;
    let why =
        "conflict: status 400: login: An object with this field already exists in the current organization";
    check(json(400, taken), why);
    check(json(400, r#"{"errorCode":"E0000001","errorSummary":"bad"}"#), "invalid: status 400: bad");
    check(json(401, r#"{"errorCode":"E0000011"}"#), "auth_expired");
    check(json(403, r#"{"errorCode":"E0000006","errorSummary":"no"}"#), "forbidden: status 403: no");
    check(json(404, r#"{"errorCode":"E0000007"}"#), "absent");
    check(
        answer(404, &[("content-type", "text/html")], "<h1>nginx"),
        "invalid: status 404: the body is `text/html`, not json",
    );
    check(json(412, "{}"), "precondition_failed: status 412");
    check(json(500, "{}"), "unknown: status 500");
    check(json(502, ""), "unknown: status 502");
    check(answer(503, &[("retry-after", "5")], ""), "transient: status 503");
    check(answer(503, &[], ""), "unknown: status 503");
    check(answer(302, &[("location", "https://evil.example")], ""), "unknown: status 302");
}

#[test]
fn a_rate_limit_says_how_long() {
    let check = |headers: &[(&str, &str)], expect: &str| {
        assert_eq!(did("okta", "create_identity", &answer(429, headers, "")), expect);
    };
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    check(&[("retry-after", "7")], "rate_limited Some(7000)");
    check(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"), date], "rate_limited Some(30000)");
    check(&[("x-rate-limit-reset", "784111800"), date], "rate_limited Some(23000)");
    check(&[("x-rate-limit-reset", "784111000"), date], "rate_limited Some(0)");
    check(&[("x-rate-limit-reset", "784111800")], "rate_limited None");
    check(&[("retry-after", "99999999999")], "rate_limited Some(86400000)");
    check(&[("retry-after", "soon")], "rate_limited None");
}

#[test]
fn slack_failures_are_answers_of_status_200() {
    let check = |function: &str, error: &str, expect: &str| {
        let response = json(200, &format!(r#"{{"ok":false,"error":"{error}"}}"#));
        assert_eq!(did("slack", function, &response), expect, "{error}");
    };
    assert_eq!(did("slack", "invite_channels", &json(200, r#"{"ok":true}"#)), "ok { }");
    check("invite_channels", "already_in_channel", "already_done { }");
    check("invite_channels", "not_in_channel", "forbidden: status 200: not_in_channel");
    check("remove_channels", "not_in_channel", "already_done { }");
    check("remove_channels", "already_in_channel", "invalid: status 200: already_in_channel");
    check("invite_channels", "ratelimited", "rate_limited None");
    check("invite_channels", "token_revoked", "auth_expired");
    check("invite_channels", "channel_not_found", "absent");
    check("invite_channels", "is_archived", "conflict: status 200: is_archived");
    check("invite_channels", "fatal_error", "unknown: status 200: fatal_error");
    check("invite_channels", "never_heard_of", "invalid: status 200: never_heard_of");
    assert_eq!(did("slack", "invite_channels", &json(200, "{}")), "unknown: status 200");
}

#[test]
fn workday_faults_are_typed_by_their_detail() {
    let fault = |code: &str, text: &str, detail: &str| {
        soap(
            500,
            &format!(
                "<e:Fault xmlns:e=\"x\"><faultcode>SOAP-ENV:{code}</faultcode><faultstring>{text}</faultstring><detail>{detail}</detail></e:Fault>"
            ),
        )
    };
    let check = |function: &str, response: Response, expect: &str| {
        assert_eq!(did("workday", function, &response), expect);
    };
    let validation = "<wd:Validation_Fault xmlns:wd=\"u\"><wd:Validation_Error/></wd:Validation_Fault>";
    let done = "<wd:End_Contingent_Worker_Contract_Response xmlns:wd=\"u\"><wd:Event_Reference><wd:ID wd:type=\"WID\">e7</wd:ID></wd:Event_Reference></wd:End_Contingent_Worker_Contract_Response>";
    check("set_end_date", soap(200, done), "ok { event = \"e7\" }");
    check("set_end_date", soap(200, "<wd:Other xmlns:wd=\"u\"/>"), "unknown: status 200");
    check(
        "set_end_date",
        fault("Client.validationError", "no such reason", validation),
        "invalid: status 500: no such reason",
    );
    let twice = fault("Client.validationError", "The worker already has an end event in effect", validation);
    check("set_end_date", twice, "conflict: status 500: The worker already has an end event in effect");
    check("set_end_date", fault("Client.authenticationError", "x", ""), "auth_expired");
    check("set_end_date", fault("Server.processingError", "x", ""), "unknown: status 500: x");
    check(
        "clear_end_date",
        fault("Client.validationError", "has already been rescinded.", validation),
        "already_done { }",
    );
    check(
        "set_end_date",
        answer(200, &[("content-type", "text/xml")], "<a/>"),
        "unknown: status 200: the body is no SOAP envelope",
    );
}

#[test]
fn an_account_is_seen_with_its_mark() {
    let check = |response: Response, expect: &str| {
        assert_eq!(sighted("okta", "create_identity", &[response]), expect);
    };
    let mine = format!(
        r#"{{"id":"00u1","status":"STAGED","profile":{{"login":"sarah.chen@acme.example","xopsKey":"{KEY}"}}}}"#
    );
    check(
        json(200, &mine),
        &format!("present present {{ id = \"00u1\", status = \"STAGED\" }} marked {KEY}"),
    );
    let other = r#"{"id":"00u1","status":"DEPROVISIONED","profile":{"login":"Sarah.Chen@acme.example"}}"#;
    check(json(200, other), "present disabled { id = \"00u1\", status = \"DEPROVISIONED\" }");
    check(json(404, r#"{"errorCode":"E0000007"}"#), "absent by authoritative lookup okta.account { }");
    check(json(404, r#"{"errorCode":"E0000022"}"#), "failed invalid: status 404");
    check(
        answer(404, &[("content-type", "text/html")], "no"),
        "failed transient: status 404: the body is `text/html`, not json",
    );
    let anothers = r#"{"id":"00u2","status":"DEPROVISIONED","profile":{"login":"kim@acme.example"}}"#;
    check(json(200, anothers), "unknown unexpected answer: status 200 { }");
    check(json(200, r#"{"unexpected":true}"#), "unknown unexpected answer: status 200 { }");
    check(json(500, "{}"), "failed transient: status 500");
    check(json(429, "{}"), "failed rate_limited None");
}

#[test]
fn a_membership_is_sought_to_the_end_of_the_list() {
    let next = "<https://okta.example/api/v1/users/user-1/groups?after=g2>; rel=\"next\"";
    let kind = ("content-type", "application/json");
    let first = answer(200, &[kind, ("link", next)], r#"[{"id":"g1"},{"id":"g2"}]"#);
    let check = |responses: &[Response], expect: &str| {
        assert_eq!(sighted("okta", "assign_groups", responses), expect);
    };
    let last = json(200, r#"[{"id":"3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001"}]"#);
    check(&[first.clone(), last], "-> api/v1/users/user-1/groups?after=g2\npresent member { }");
    let more = "-> api/v1/users/user-1/groups?after=g2\n";
    check(
        &[first.clone(), json(200, "[]")],
        &format!("{more}absent by authoritative lookup okta.membership {{ }}"),
    );
    check(&[first.clone(), json(500, "")], &format!("{more}failed transient: status 500"));
    check(
        &[first.clone(), json(200, "[{\"id\":")],
        &format!("{more}failed unknown: status 200: the body is no json: expected a value at byte 7"),
    );
    check(
        &[first.clone(), json(200, "{}")],
        &format!("{more}failed unknown: the answer holds no list of items, but map"),
    );
    check(
        &[first.clone(), first],
        &format!("{more}failed unknown: the listing cannot go on: the listing turns in a circle"),
    );
    let away = answer(200, &[kind, ("link", "<https://evil.example/x>; rel=\"next\"")], "[]");
    check(&[away], "failed unknown: it leads to `evil.example`, away from the system");
}

#[test]
fn a_seat_is_sought_by_cursor_and_a_failed_page_is_no_absence() {
    let check = |responses: &[Response], expect: &str| {
        assert_eq!(sighted("slack", "invite_channels", responses), expect);
    };
    let first = json(200, r#"{"ok":true,"members":["U1"],"response_metadata":{"next_cursor":"abc="}}"#);
    let more = "-> api/conversations.members?channel=channel-1&limit=200&cursor=abc=\n";
    let last = |members: &str| {
        json(200, &format!(r#"{{"ok":true,"members":{members},"response_metadata":{{"next_cursor":""}}}}"#))
    };
    check(&[first.clone(), last(r#"["user-1"]"#)], &format!("{more}present member {{ }}"));
    check(&[first.clone(), last("[]")], &format!("{more}absent by authoritative lookup slack.seat {{ }}"));
    check(
        &[first.clone(), first.clone()],
        &format!("{more}failed unknown: the listing cannot go on: the listing turns in a circle"),
    );
    check(
        &[first, json(200, r#"{"ok":false,"error":"ratelimited"}"#)],
        &format!("{more}failed rate_limited None"),
    );
}

#[test]
fn a_set_is_read_whole_before_it_is_rewritten() {
    let group = "3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001";
    let target = |kind: &str, group: &str| {
        format!(r##"{{"id":"x","target":{{"@odata.type":"#microsoft.graph.{kind}","groupId":"{group}"}}}}"##)
    };
    let page =
        |items: &[String], next: &str| json(200, &format!(r#"{{"value":[{}]{next}}}"#, items.join(",")));
    let next = r#","@odata.nextLink":"https://graph.microsoft.com/v1.0/deviceManagement/deviceConfigurations/profile-1/assignments?$skiptoken=2""#;
    let pages = [
        page(
            &[target("groupAssignmentTarget", group), target("exclusionGroupAssignmentTarget", group)],
            next,
        ),
        page(&[target("groupAssignmentTarget", "g2")], ""),
    ];
    let told = sighted("intune", "push_profile", &pages);
    let others = "{ others = [{ target = { @odata.type = \"#microsoft.graph.exclusionGroupAssignmentTarget\", groupId = \"3f6b1c20-7a41-4d0e-9b52-0c5e8a1d1001\" } }, { target = { @odata.type = \"#microsoft.graph.groupAssignmentTarget\", groupId = \"g2\" } }] }";
    assert!(told.ends_with(&format!("$skiptoken=2\npresent member {others}")), "{told}");
    let none = sighted("intune", "push_profile", &[page(&[], "")]);
    assert_eq!(none, "absent by authoritative lookup intune.assignment { others = [] }");
    let manifests = manifests();
    let mut asking = Asking::of(manifests, "intune", "remove_profile");
    let refused = manifests.render(&asking.ask(Phase::Do)).unwrap_err();
    assert_eq!(refused.why, "the snapshot lacks `snapshot.others`");
    asking.snapshot.insert("others".to_owned(), Value::List(Vec::new()));
    let request = manifests.render(&asking.ask(Phase::Do)).unwrap();
    assert_eq!(String::from_utf8(request.body).unwrap(), r#"{"assignments":[]}"#);
}

#[test]
fn an_order_is_found_by_what_it_is_and_not_by_what_the_query_lets_through() {
    let item = |person: &str, state: &str| {
        format!(
            r#"{{"sys_id":"i","request":{{"value":"r1"}},"cat_item":{{"value":"item-1"}},"requested_for":{{"value":"{person}"}},"state":"{state}","correlation_id":"{KEY}"}}"#
        )
    };
    let page = |items: &[String], total: &str| {
        let body = format!(r#"{{"result":[{}]}}"#, items.join(","));
        answer(200, &[("content-type", "application/json"), ("x-total-count", total)], &body)
    };
    let check = |responses: &[Response], expect: &str| {
        assert_eq!(sighted("servicenow", "order_dev", responses), expect);
    };
    let absent = "absent by authoritative lookup servicenow.order { }";
    check(
        &[page(&[item("requested_for-1", "1")], "1")],
        &format!("present ordered {{ request = \"r1\" }} marked {KEY}"),
    );
    check(&[page(&[item("somebody", "1"), item("requested_for-1", "4")], "2")], absent);
    check(&[page(&[], "0")], absent);
    check(
        &[page(&[], "7")],
        "failed unknown: the listing cannot go on: the page holds 0 items where 7 were due",
    );
    check(
        &[json(200, r#"{"result":[]}"#)],
        "failed unknown: the listing cannot go on: the answer does not say how many there are",
    );
}

#[test]
fn the_end_of_a_contract_is_followed_to_its_event() {
    let worker = |status: &str, log: &str| {
        soap(
            200,
            &format!(
                "<wd:Get_Workers_Response xmlns:wd=\"u\"><wd:Response_Data><wd:Worker><wd:Worker_Data><wd:Worker_ID>CW-1001</wd:Worker_ID><wd:Employment_Data><wd:Worker_Status_Data><wd:Active>1</wd:Active>{status}</wd:Worker_Status_Data></wd:Employment_Data><wd:Transaction_Log_Entry_Data>{log}</wd:Transaction_Log_Entry_Data></wd:Worker_Data></wd:Worker></wd:Response_Data></wd:Get_Workers_Response>"
            ),
        )
    };
    let entry = |wid: &str, rescinded: &str| {
        format!(
            "<wd:Transaction_Log_Entry><wd:Transaction_Log_Reference><wd:ID wd:type=\"WID\">{wid}</wd:ID></wd:Transaction_Log_Reference><wd:Transaction_Log_Data><wd:Transaction_Log_Description>End Contingent Worker Contract: Sarah</wd:Transaction_Log_Description><wd:Is_Rescind_Or_Rescinded>{rescinded}</wd:Is_Rescind_Or_Rescinded></wd:Transaction_Log_Data></wd:Transaction_Log_Entry>"
        )
    };
    let event = soap(200, &format!("<wd:Get_Event_Details_Response xmlns:wd=\"u\"><wd:Response_Data><wd:Event><wd:Event_Detail_Data><wd:Process_History_Data><wd:Comment>{KEY}</wd:Comment></wd:Process_History_Data><wd:Process_History_Data><wd:Comment>later</wd:Comment></wd:Process_History_Data></wd:Event_Detail_Data></wd:Event></wd:Response_Data></wd:Get_Events_Response>").replace("Get_Events_Response", "Get_Event_Details_Response"));
    let check = |responses: &[Response], expect: &str| {
        assert_eq!(sighted("workday", "set_end_date", responses), expect);
    };
    let end = "<wd:End_Employment_Date>2026-12-31-08:00</wd:End_Employment_Date>";
    let shown = "{ end_date = \"2026-12-31-08:00\", event = \"e2\" }";
    let hop = "-> ccx/service/acme/Integrations/v31.2?\n";
    let entries = format!("{}{}", entry("e1", "1"), entry("e2", "0"));
    check(&[worker(end, &entries), event], &format!("{hop}present 2026-12-31 {shown} marked {KEY}"));
    check(&[worker(end, &entries), soap(500, "")], &format!("{hop}failed transient: status 500"));
    check(&[worker("", &entry("e1", "1"))], "absent by authoritative lookup workday.contract_end { }");
    check(&[worker(end, "")], "present 2026-12-31 { end_date = \"2026-12-31-08:00\" }");
    check(&[soap(200, "<x/>")], "failed unknown: status 200");
}

#[test]
fn records_are_whole_or_the_page_failed() {
    let manifests = manifests();
    let page = |read: &str, response: &Response| {
        let carry = Values::new();
        let ask = reading("okta", read, Some("g1"), &carry);
        match manifests.page(&config("okta"), &ask, response) {
            ReadPage::Failed(outcome) => format!("failed {}", told(&outcome)),
            ReadPage::Reset => "reset".to_owned(),
            ReadPage::Records { records, next, .. } => {
                let each = records
                    .iter()
                    .map(|record| format!("{} {}", record.source, Value::Map(record.attributes.clone())));
                let next = next.map(|(request, _)| format!("{:?}", request.query)).unwrap_or_default();
                format!("{}{next}", each.collect::<Vec<_>>().join("; "))
            }
        }
    };
    let user = r#"[{"id":"u1","status":"ACTIVE","lastUpdated":"2026-01-01T00:00:00Z","profile":{"login":"a@b.c","email":null}}]"#;
    assert_eq!(
        page("users", &json(200, user)),
        "okta.user/u1@2026-01-01T00:00:00Z { login = \"a@b.c\", status = \"ACTIVE\" }"
    );
    assert_eq!(page("users", &json(200, "[]")), "");
    assert_eq!(
        page("users", &json(200, r#"[{"status":"ACTIVE"}]"#)),
        "failed unknown: an item of `users` has no id"
    );
    let odd = r#"[{"id":"u1","status":["ACTIVE"]}]"#;
    assert_eq!(page("users", &json(200, odd)), "failed unknown: `status` of user `u1` is list, not text");
    assert_eq!(
        page("users", &json(200, r#"{"users":[]}"#)),
        "failed unknown: the answer holds no list of items, but map"
    );
    assert_eq!(
        page("group_members", &json(200, r#"[{"id":"u1"}]"#)),
        "okta.group_member/g1/u1 { group = \"g1\", user = \"u1\" }"
    );
    assert_eq!(page("group_members", &json(404, r#"{"errorCode":"E0000007"}"#)), "");
    assert_eq!(page("users", &json(404, r#"{"errorCode":"E0000007"}"#)), "failed absent");
    let linked = answer(
        200,
        &[
            ("content-type", "application/json"),
            ("link", "<https://okta.example/api/v1/users?after=u1&limit=200>; rel=\"next\""),
        ],
        "[]",
    );
    assert_eq!(page("users", &linked), "[(\"after\", \"u1\"), (\"limit\", \"200\")]");
}

#[test]
fn a_rule_about_a_body_says_nothing_where_the_body_cannot_be_read() {
    let sound = include_str!("broken/sound.hcl");
    let rule = "error \"absent\" { when = response.status == 404 }";
    let text = sound.replace(rule, "error \"absent\" { when = response.body.id == null }");
    let (manifests, findings) = Manifests::load(&[("crm.hcl".to_owned(), text.into_bytes())]);
    assert!(findings.is_empty() && sound.contains(rule));
    let asking = Asking::of(&manifests, "crm", "grant");
    let check = |response: Response, expect: &str| {
        assert_eq!(told(&manifests.classify(&asking.ask(Phase::Do), &response)), expect);
    };
    check(json(200, "{}"), "absent");
    check(json(200, "{\"id\":"), "unknown: status 200: the body is no json: expected a value at byte 6");
    check(
        answer(200, &[("content-type", "text/html")], "<p>"),
        "unknown: status 200: the body is `text/html`, not json",
    );
}

#[test]
fn hostile_bodies_are_refused_within_bounds() {
    let manifests = manifests();
    let asking = Asking::of(manifests, "okta", "create_identity");
    let check = |system: &str, function: &str, response: &Response, expect: &str| {
        assert!(did(system, function, response).contains(expect), "{}", did(system, function, response));
    };
    check("okta", "create_identity", &json(200, &"[".repeat(1_000_000)), "nested deeper than 64");
    check("okta", "create_identity", &json(200, &"{\"a\":".repeat(10_000)), "nested deeper than 64");
    let huge = Response { body: vec![b' '; 17 * 1024 * 1024], ..json(200, "") };
    check("okta", "create_identity", &huge, "larger than");
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    check(
        "workday",
        "set_end_date",
        &answer(200, &[("content-type", "text/xml")], bomb),
        "a document type is refused",
    );
    check(
        "workday",
        "set_end_date",
        &answer(200, &[("content-type", "text/xml")], &"<a>".repeat(100_000)),
        "nested deeper",
    );
    let invalid = Response { body: vec![0xff, 0xfe, b'{'], ..json(200, "") };
    check("okta", "create_identity", &invalid, "no UTF-8 at byte 0");
    let long = json(400, &format!(r#"{{"errorSummary":"{}\u0007"}}"#, "x".repeat(5_000)));
    let Outcome::Invalid(why) = manifests.classify(&asking.ask(Phase::Do), &long) else {
        panic!("not invalid")
    };
    assert!(why.len() < 300 && !why.contains('\u{7}'));
}

#[test]
fn what_no_manifest_declares_is_unknown_and_never_panics() {
    let manifests = manifests();
    let mut asking = Asking::of(manifests, "okta", "create_identity");
    asking.name.function = "no_such".to_owned();
    assert!(manifests.render(&asking.ask(Phase::Do)).is_err());
    assert!(matches!(manifests.classify(&asking.ask(Phase::Do), &json(200, "{}")), Outcome::Unknown(_)));
    assert!(matches!(manifests.sight(&asking.ask(Phase::Probe), &json(200, "{}")), Page::Failed(_)));
    let asking = Asking {
        config: values(&[("base_url", "ftp://x")]),
        ..Asking::of(manifests, "okta", "create_identity")
    };
    assert!(manifests.render(&asking.ask(Phase::Do)).is_err());
}
