//! Manifests of directories: what they ask, and what result codes mean.

use crate::support::values;
use std::path::Path;
use xops_connectors::manifests::Manifests;
use xops_kernel::awf::AwfName;
use xops_kernel::fact::Observation;
use xops_kernel::id::CallKey;
use xops_kernel::port::{Ask, Connector, Outcome, Page, Phase, Request, Response};
use xops_kernel::value::{Value, Values};

static NOTHING: Values = Values::new();

fn directory() -> Manifests {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/independent/manifests/directory.hcl");
    let (manifests, findings) =
        Manifests::load(&[("directory.hcl".to_owned(), std::fs::read(path).expect("the manifest"))]);
    assert!(findings.is_empty(), "{findings:?}");
    manifests
}

struct Asked {
    awf: AwfName,
    config: Values,
    inputs: Values,
}

impl Asked {
    fn new(function: &str, base_url: &str, inputs: &[(&str, &str)]) -> Self {
        let config = values(&[("base_url", base_url), ("base", "dc=acme,dc=example")]);
        Self { awf: AwfName::new("directory", function), config, inputs: values(inputs) }
    }

    fn ask(&self, phase: Phase) -> Ask<'_> {
        let key = CallKey([7; 16]);
        let (snapshot, outputs, carry) = (&NOTHING, &NOTHING, &NOTHING);
        Ask {
            system: &self.config,
            awf: &self.awf,
            phase,
            inputs: &self.inputs,
            key,
            snapshot,
            outputs,
            carry,
        }
    }

    fn request(&self, phase: Phase) -> Result<Request, String> {
        directory().render(&self.ask(phase)).map_err(|error| error.why)
    }
}

fn response(status: u16, body: &str) -> Response {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Response { status, headers, body: body.as_bytes().to_vec() }
}

const BASE: &str = "ldaps://dir.example";

#[test]
fn a_value_stays_in_its_place_in_names_and_filters() {
    let seat = [("group", "a,cn=b"), ("uid", "x)(uid=*")];
    let request = Asked::new("add_member", BASE, &seat).request(Phase::Snapshot).unwrap();
    assert_eq!(request.method, "SEARCH");
    assert_eq!(
        request.url,
        "ldaps://dir.example/cn%3Da%5C%2Ccn%5C%3Db%2Cou%3Dgroups%2Cdc%3Dacme%2Cdc%3Dexample"
    );
    let said = |name: &str| {
        let mut all = request.query.iter().filter(|(said, _)| said == name);
        all.next().map(|(_, value)| value.as_str())
    };
    assert_eq!(said("filter"), Some("(member=uid=x\\29\\28uid=\\2a,ou=people,dc=acme,dc=example)"));
    assert_eq!((said("scope"), said("attributes"), said("cookie")), (Some("base"), Some("cn"), None));
}

#[test]
fn what_is_left_out_is_not_written_and_what_is_emptied_is() {
    let person = [("uid", "ada"), ("cn", "Ada"), ("sn", "Park")];
    let request = Asked::new("create_person", BASE, &person).request(Phase::Do).unwrap();
    let body = String::from_utf8(request.body).unwrap();
    assert_eq!(request.method, "ADD");
    assert!(!body.contains("mail") && body.contains("\"sn\":[\"Park\"]"), "{body}");
    let emptied = Asked::new("set_title", BASE, &[("uid", "ada")]).request(Phase::Do).unwrap();
    assert_eq!(String::from_utf8(emptied.body).unwrap(), "{\"replace\":{\"title\":[]}}");
}

#[test]
fn a_directory_is_asked_at_a_directory() {
    for base in ["https://dir.example", "ldaps://dir.example/dc=acme", "ldaps://u:p@dir.example"] {
        let why = Asked::new("delete_person", base, &[("uid", "ada")]).request(Phase::Do).unwrap_err();
        assert!(why.contains("`base_url`"), "{why}");
    }
}

#[test]
fn result_codes_are_typed_outcomes() {
    let check = |function: &str, code: u16, expect: &str| {
        let asked = Asked::new(function, BASE, &[("group", "g"), ("uid", "ada"), ("cn", "a"), ("sn", "p")]);
        let body = format!("{{\"code\":{code},\"message\":\"\",\"entries\":[],\"referrals\":[]}}");
        let outcome = directory().classify(&asked.ask(Phase::Do), &response(code, &body));
        assert_eq!(outcome.word(), expect, "{function} {code}");
    };
    check("add_member", 0, "ok");
    check("add_member", 20, "already_done");
    check("create_person", 68, "conflict");
    check("remove_member", 16, "already_done");
    check("delete_person", 32, "absent");
    check("delete_person", 50, "forbidden");
    check("delete_person", 51, "rate_limited");
    check("delete_person", 80, "unknown");
    check("delete_person", 118, "unknown");
}

fn look(function: &str, status: u16, body: &str) -> Page {
    let asked = Asked::new(function, BASE, &[("group", "g"), ("uid", "ada")]);
    directory().sight(&asked.ask(Phase::Snapshot), &response(status, body))
}

#[test]
fn absence_is_proved_by_a_complete_answer_alone() {
    let seen = |page: Page| match page {
        Page::Over(sighting) => sighting.seen,
        other => panic!("{other:?}"),
    };
    let none = "{\"code\":0,\"entries\":[],\"referrals\":[]}";
    assert!(matches!(seen(look("delete_person", 0, none)), Observation::Absent(_)));
    let one = "{\"code\":0,\"entries\":[{\"dn\":\"uid=ada\",\"uid\":[\"ada\"]}],\"referrals\":[]}";
    assert_eq!(seen(look("delete_person", 0, one)), Observation::Present(Value::from("present")));
    // Elsewhere it may be: what is not here is not gone.
    let elsewhere = "{\"code\":0,\"entries\":[],\"referrals\":[\"ldap://other/\"]}";
    for (status, body) in [(0, elsewhere), (4, none), (11, none), (80, none), (0, "{"), (0, "")] {
        let page = look("delete_person", status, body);
        let proves = matches!(&page, Page::Over(sighting) if matches!(sighting.seen, Observation::Absent(_)));
        assert!(!proves, "{status} {body}: {page:?}");
    }
    assert_eq!(
        look("delete_person", 0, elsewhere),
        Page::Failed(Outcome::Unknown("status 0: a part of the answer lies in another directory".to_owned()))
    );
}
