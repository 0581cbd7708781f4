//! The rarer words of manifests: what they render and what they read.

use crate::support::{KEY, answer, json, told, values};
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::AwfName;
use xops_kernel::port::{Ask, Connector, Page, Phase, ReadAsk, ReadPage, Request, Response};
use xops_kernel::value::{Value, Values};

const HEAD: &str = "title = \"A system\"\n domain = \"software\"\n";

/// A manifest `crm` with `inside`, and more files.
fn load(inside: &str, more: &[(&str, &str)]) -> Manifests {
    let mut files =
        vec![("crm.hcl".to_owned(), format!("manifest \"crm\" {{\n {inside}\n}}\n").into_bytes())];
    files.extend(more.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())));
    let (manifests, findings) = Manifests::load(&files);
    assert!(findings.is_empty(), "{}", told(&findings, &files));
    manifests
}

/// A tenant's configuration.
fn config() -> Values {
    values(&[("base_url", "https://crm.example/v1"), ("admin_url", "https://admin.example")])
}

/// Drives one phase of an AWF to its end against the given answers: each request, and what was seen.
fn phase(
    manifests: &Manifests,
    function: &str,
    phase: Phase,
    outputs: &[(&str, &str)],
    answers: &[Response],
) -> String {
    let (name, config, outputs) = (AwfName::new("crm", function), config(), values(outputs));
    let contract = manifests.contracts().get(&name).unwrap();
    let inputs: Values =
        contract.inputs.keys().map(|input| (input.clone(), format!("{input}-1").into())).collect();
    let nothing = Values::new();
    let mut carry = Values::new();
    let fixed = Ask {
        system: &config,
        awf: &name,
        phase,
        inputs: &inputs,
        key: KEY,
        snapshot: &nothing,
        outputs: &outputs,
        carry: &nothing,
    };
    let mut said = Vec::new();
    let mut request = manifests.render(&fixed).unwrap();
    for response in answers {
        said.push(shown(&request));
        let page = manifests.sight(&Ask { carry: &carry, ..fixed }, response);
        match page {
            Page::More(next, carried) => (request, carry) = (*next, carried),
            Page::Over(sighting) => {
                said.push(format!("{:?} {}", sighting.seen, Value::Map(sighting.outputs)));
                break;
            }
            Page::Failed(outcome) => {
                said.push(format!("failed {outcome:?}"));
                break;
            }
        }
    }
    said.join("; ")
}

fn shown(request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let kind = request.content_type.as_ref().map(|kind| format!(" {kind}")).unwrap_or_default();
    format!("{} {}{query}{kind}{body}", request.method, request.url)
}

fn check(got: &str, parts: &[&str]) {
    for part in parts {
        assert!(got.contains(part), "`{got}` lacks `{part}`");
    }
}

const FAMILY: &str = r#"family "crms" {
  timeout = "7s"
  headers = { accept = "application/json" }
  var "region" {
    type    = "text"
    default = "eu"
  }
  auth "bearer" {}
  error "absent" { when = response.status == 404 }
  error "conflict" { when = response.status == 418 }
  lookup "account" {
    inputs        = { account = "text" }
    get           = "/{var.region}/accounts/{account}"
    authoritative = true
    error "absent" { when = response.status == 404 }
  }
}
"#;

const GRANT: &str = r#"awf "grant" {
  achieves = "create"
  inputs   = { account = "text" }
  put      = "/accounts/{account}"
  json     = { on = true }
  lookup "account" {}
  ambiguous "resend" {}
  undo "revoke" { with = { account = input.account } }
}
awf "revoke" {
  achieves = "remove"
  inputs   = { account = "text" }
  delete   = "/accounts/{account}"
  lookup "account" {}
  ambiguous "resend" {}
  undo "grant" { with = { account = input.account } }
}
"#;

#[test]
fn a_family_lends_its_head_and_lookups_and_the_manifest_has_the_last_word() {
    let family = ("families/crms.hcl", FAMILY);
    let plain = load(&format!("{HEAD} extends = \"crms\"\n{GRANT}"), &[family]);
    let seen = phase(&plain, "grant", Phase::Snapshot, &[], &[json(404, "{}")]);
    check(&seen, &["GET https://crm.example/v1/eu/accounts/account-1", "Absent"]);
    assert_eq!(plain.manifest("crm").unwrap().lookups["account"].shape.timeout_ms, 7_000);

    let own = "timeout = \"9s\"\n error \"transient\" { when = response.status == 418 }\n var \"region\" {\n type = \"text\"\n default = \"us\"\n }\n";
    let changed = load(&format!("{HEAD} extends = \"crms\"\n{own}{GRANT}"), &[family]);
    let seen = phase(&changed, "grant", Phase::Snapshot, &[], &[json(418, "{}")]);
    check(&seen, &["/us/accounts", "failed Transient"]);
    assert_eq!(changed.manifest("crm").unwrap().lookups["account"].shape.timeout_ms, 9_000);

    let edited = FAMILY.replace("\"7s\"", "\"8s\"");
    let other = load(&format!("{HEAD} extends = \"crms\"\n{GRANT}"), &[("families/crms.hcl", &edited)]);
    let digest = |manifests: &Manifests| manifests.manifest("crm").unwrap().digest;
    assert_ne!(digest(&plain), digest(&other), "the digest covers the family");
}

#[test]
fn a_mistake_of_a_family_is_told_in_its_own_file_and_its_effects_at_the_one_who_extends_it() {
    let files = |family: &str, own: &str| {
        [
            ("crm.hcl", format!("manifest \"crm\" {{\n {HEAD} extends = \"crms\"\n{own}{GRANT}}}\n")),
            ("f.hcl", family.to_owned()),
        ]
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
    };
    let (manifests, findings) = Manifests::load(&files(&FAMILY.replace("timeout", "timeuot"), ""));
    assert!(findings.iter().any(|finding| finding.file == "f.hcl" && finding.message.contains("timeuot")));
    assert_eq!(manifests.systems().count(), 0, "a manifest is not better than its family");

    let own = "var \"region\" {\n type = \"text\"\n }\n lookup \"account\" {\n get = \"/a\"\n authoritative = true\n absent = true\n }\n";
    let (_, findings) = Manifests::load(&files(FAMILY, own));
    assert!(findings.iter().all(|finding| finding.file == "crm.hcl"), "{findings:?}");
}

#[test]
fn work_that_goes_on_is_asked_for_until_it_is_over_and_then_looked_at() {
    let poll = "capture = { job = response.body.job }\n outputs = { job = \"text\" }\n poll {\n get = \"/jobs/{output.job}\"\n done = response.body.state == \"done\"\n fail = response.body.state == \"failed\"\n every = \"2s\"\n within = \"5m\"\n }\n";
    let grant = GRANT.replacen("json     = { on = true }", &format!("json = {{ on = true }}\n{poll}"), 1);
    let manifests = load(&format!("{HEAD} extends = \"crms\"\n{grant}"), &[("f.hcl", FAMILY)]);
    let readback = manifests.contracts()[&AwfName::new("crm", "grant")].readback.unwrap();
    assert_eq!((readback.within_ms, readback.every_ms), (300_000, 2_000));
    let ask = |answers: &[Response]| phase(&manifests, "grant", Phase::Readback, &[("job", "j 7")], answers);
    check(
        &ask(&[json(200, r#"{"state":"running"}"#)]),
        &["GET https://crm.example/v1/jobs/j%207", "InFlight"],
    );
    let done = [json(200, r#"{"state":"done"}"#), json(200, r#"{"id":"1"}"#)];
    check(&ask(&done), &["/jobs/j%207; GET https://crm.example/v1/eu/accounts/account-1; Present"]);
    check(&ask(&[json(200, r#"{"state":"failed"}"#)]), &["failed Invalid"]);
    check(&ask(&[json(503, "{}")]), &["failed Transient"]);
    // What was never answered has no job: it is looked at directly.
    check(
        &phase(&manifests, "grant", Phase::Probe, &[], &[json(404, "{}")]),
        &["/eu/accounts/account-1; Absent"],
    );
}

/// Reads to the end: the requests, the records, what is gone, the place.
fn read(manifests: &Manifests, since: Option<&str>, answers: &[Response]) -> String {
    let config = config();
    let mut carry: Values = since.map(|since| ("since".to_owned(), since.into())).into_iter().collect();
    let nothing = Values::new();
    let fixed = ReadAsk {
        system: "crm",
        read: "users",
        parameter: None,
        carry: &nothing,
        at: 1_700_000_000_000,
        principal: "svc",
    };
    let mut request = manifests.render_read(&config, &ReadAsk { carry: &carry, ..fixed }).unwrap();
    let mut said = Vec::new();
    for response in answers {
        said.push(shown(&request));
        match manifests.page(&config, &ReadAsk { carry: &carry, ..fixed }, response) {
            ReadPage::Records { records, gone, next, place } => {
                said.extend(records.iter().map(|record| record.source.id.clone()));
                said.extend(gone.iter().map(|id| format!("-{id}")));
                said.extend(place.map(|place| format!("place {place}")));
                match next {
                    Some((next, carried)) => (request, carry) = (*next, carried),
                    None => break,
                }
            }
            ReadPage::Reset => said.push("reset".to_owned()),
            ReadPage::Failed(outcome) => said.push(format!("failed {outcome:?}")),
        }
    }
    said.join("; ")
}

fn reading(words: &str) -> Manifests {
    let read = format!(
        "read \"users\" {{\n kind = \"user\"\n items = response.body.items\n id = item.id\n text {{ name = item.name }}\n {words}\n}}\n"
    );
    load(&format!("{HEAD} auth \"none\" {{}}\n var \"admin_url\" {{ type = \"text\" }}\n{read}"), &[])
}

fn page(ids: &[&str], more: &str) -> Response {
    let items: Vec<String> =
        ids.iter().map(|id| format!(r#"{{"id":"{id}","gone":{}}}"#, id.starts_with('x'))).collect();
    json(200, &format!(r#"{{"items":[{}]{more}}}"#, items.join(",")))
}

#[test]
fn a_read_of_changes_begins_where_the_last_one_ended() {
    let check = |words: &str, since: Option<&str>, answers: &[Response], expect: &str| {
        assert_eq!(read(&reading(words), since, answers), expect, "{words}");
    };
    let filter = "get = \"/users\"\n query = { since = page.since, q = page.delta }\n delta \"filter\" {\n overlap = \"5m\"\n since = concat(\"updated gt \", page.since)\n }\n tombstone = item.gone == true\n";
    check(
        filter,
        None,
        &[page(&["a"], "")],
        "GET https://crm.example/v1/users; a; place 2023-11-14T22:08:20Z",
    );
    check(
        filter,
        Some("t0"),
        &[page(&["a", "x1"], "")],
        "GET https://crm.example/v1/users?since=t0&q=updated gt t0; a; -x1; place 2023-11-14T22:08:20Z",
    );
    let epoch =
        "get = \"/users\"\n query = { since = page.since }\n delta \"filter\" { format = \"epoch_s\" }\n";
    check(epoch, None, &[page(&[], "")], "GET https://crm.example/v1/users; place 1700000000");

    let link = "get = \"/users\"\n page \"next_url\" { next = response.body.next }\n delta \"link\" {\n next = response.body.delta\n reset = response.status == 410\n }\n";
    let pages = [
        page(&["a"], r#","next":"https://crm.example/v1/users?p=2""#),
        page(&["b"], r#","delta":"https://crm.example/v1/users?d=1""#),
    ];
    check(
        link,
        None,
        &pages,
        "GET https://crm.example/v1/users; a; GET https://crm.example/v1/users?p=2; b; place https://crm.example/v1/users?d=1",
    );
    check(
        link,
        Some("https://crm.example/v1/users?d=1"),
        &[json(410, "{}")],
        "GET https://crm.example/v1/users?d=1; reset",
    );
    check(
        link,
        None,
        &[page(&["a"], "")],
        "GET https://crm.example/v1/users; a; failed Unknown(\"the last page does not say where the next read begins\")"
            .replace("; a; failed", "; failed")
            .as_str(),
    );
    let manifests = reading(link);
    let carry = values(&[("since", "https://evil.example/users?d=1")]);
    let ask =
        ReadAsk { system: "crm", read: "users", parameter: None, carry: &carry, at: 0, principal: "svc" };
    assert!(manifests.render_read(&config(), &ask).is_err(), "a place leads nowhere else");
}

#[test]
fn listings_go_on_by_numbers_from_anywhere_and_by_paths() {
    let check = |words: &str, answers: &[Response], expect: &str| {
        assert_eq!(read(&reading(words), None, answers), expect, "{words}");
    };
    let base = "GET https://crm.example/v1";
    check(
        "get = \"/users\"\n query = { page = page.number }\n page \"number\" {\n first = 0\n size = 2\n }\n",
        &[page(&["a", "b"], ""), page(&["c"], "")],
        &format!("{base}/users?page=0; a; b; {base}/users?page=1; c"),
    );
    check(
        "get = \"/users\"\n query = { page = page.number }\n page \"number\" {}\n",
        &[page(&["a"], ""), page(&[], "")],
        &format!("{base}/users?page=1; a; {base}/users?page=2"),
    );
    check(
        "get = \"/users/{page.cursor}\"\n page \"path\" {\n first = 0\n last = response.body.last == true\n }\n",
        &[page(&["a"], ""), page(&["b"], r#","last":true"#)],
        &format!("{base}/users/0; a; {base}/users/1; b"),
    );
    check(
        "get = \"/users/{page.cursor}\"\n page \"path\" {\n first = \"start\"\n next = response.body.next\n }\n",
        &[page(&["a"], r#","next":"k7""#), page(&["b"], "")],
        &format!("{base}/users/start; a; {base}/users/k7; b"),
    );
    check(
        "base = \"var:admin_url\"\n get = \"/users\"\n page \"link\" {}\n",
        &[
            answer(
                200,
                &[("content-type", "application/json"), ("link", "</users?p=2>; rel=\"next\"")],
                r#"{"items":[{"id":"a"}]}"#,
            ),
            page(&["b"], ""),
        ],
        "GET https://admin.example/users; a; GET https://admin.example/users?p=2; b",
    );
}

#[test]
fn a_body_is_plain_xml_or_called_as_the_vendor_wants_it() {
    let awf = |body: &str| {
        format!(
            "{HEAD} auth \"none\" {{}}\n awf \"note\" {{\n inputs = {{ text = \"text\" }}\n post = \"/notes\"\n {body}\n ambiguous \"park\" {{}}\n irreversible = \"said\"\n}}\n"
        )
    };
    let render = |body: &str| {
        let manifests = load(&awf(body), &[]);
        let (name, config, inputs, nothing) =
            (AwfName::new("crm", "note"), config(), values(&[("text", "a<b")]), Values::new());
        let ask = Ask {
            system: &config,
            awf: &name,
            phase: Phase::Do,
            inputs: &inputs,
            key: KEY,
            snapshot: &nothing,
            outputs: &nothing,
            carry: &nothing,
        };
        let request = manifests.render(&ask).unwrap();
        let text = answer(200, &[("content-type", "text/plain")], "fine");
        (shown(&request), format!("{:?}", manifests.classify(&ask, &text)))
    };
    let (request, outcome) = render(
        "xml = { note = { \"@kind\" = \"k\", z = input.text, a = [1, 2], no = null } }\n answers = \"nothing\"\n",
    );
    check(&request, &["application/xml<?xml", "<note kind=\"k\"><z>a&lt;b</z><a>1</a><a>2</a></note>"]);
    assert_eq!(outcome, "Ok({})");
    let (request, outcome) = render("json = { t = input.text }\n content_type = \"application/scim+json\"\n");
    check(&request, &["application/scim+json{\"t\":\"a<b\"}"]);
    check(&outcome, &["Unknown"]);
}

#[test]
fn a_file_goes_out_as_a_part_and_its_name_cannot_break_out() {
    let awf = r#"
        awf "attach" {
            inputs = { name = "text", content = "text", size = "int" }
            optional = ["size"]
            post = "/files"
            parts = { size = input.size, file = { name = input.name, type = "application/pdf", base64 = input.content } }
            ambiguous "park" {}
            irreversible = "it is sent"
        }"#;
    let manifests = load(&format!("{HEAD} auth \"none\" {{}}\n{awf}"), &[]);
    let check = |name: &str, content: &str, expect: Result<&str, &str>| {
        let config = config();
        let inputs = values(&[("name", name), ("content", content)]);
        let nothing = Values::new();
        let ask = Ask {
            system: &config,
            awf: &AwfName::new("crm", "attach"),
            phase: Phase::Do,
            inputs: &inputs,
            key: KEY,
            snapshot: &nothing,
            outputs: &nothing,
            carry: &nothing,
        };
        match (manifests.render(&ask), expect) {
            (Ok(request), Ok(expect)) => {
                let kind = request.content_type.expect("a media type");
                let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
                let body = String::from_utf8(request.body).unwrap().replace(boundary, "B");
                assert_eq!(body, expect);
            }
            (Err(why), Err(expect)) => assert!(why.to_string().contains(expect), "{why}"),
            (got, _) => panic!("{name}: {got:?}"),
        }
    };
    let part = |name: &str| {
        format!(
            "--B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: application/pdf\r\n\r\nhello\r\n--B--\r\n"
        )
    };
    check("a.pdf", "aGVsbG8=", Ok(&part("a.pdf")));
    check("a\"\r\nx: y", "aGVsbG8=", Ok(&part("a%22%0D%0Ax: y")));
    check("a.pdf", "no base64", Err("the file `file` is no base64"));
    check("a.pdf", &"A".repeat(6 << 20), Err("larger than 4194304 bytes"));
}
