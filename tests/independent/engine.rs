//! The whole engine on the independent servers: a project of its own, `xops apply`, and the way back.
//!
//! A person is who the SCIM service says; the outcome wants an Okta account in a group, a SCIM group and a Slack channel.

use crate::scim;
use crate::servers::{described, manifest};
use crate::slack;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A project on the servers.
struct Project {
    dir: TempDir,
}

fn write(path: PathBuf, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

impl Project {
    /// The project with this group and this channel in its objects.
    fn new(group: &str, channel: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let place = |name: &str| dir.path().join(name);
        for (name, text) in [
            ("okta", manifest("okta")),
            ("scim2_generic", manifest("scim2_generic")),
            ("slack", slack::by_post()),
        ] {
            write(place(&format!("connectors/manifests/{name}.hcl")), &text);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/independent/project");
        for file in ["company.hcl", "wishes.hcl"] {
            let text = std::fs::read_to_string(folder.join(file)).expect("a declaration");
            let text = text.replace("GROUP", group).replace("CHANNEL", channel);
            write(place(&format!("config/{file}")), &text);
        }
        let mut estate = described();
        estate["systems"]["scim2_generic"] = estate["systems"]["scim"].take();
        write(place("estate.json"), &estate.to_string());
        Self { dir }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let place = |name: &str| self.dir.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_xops"))
            .args(arguments)
            .env("XOPS_PROJECT", self.dir.path())
            .env("XOPS_DATA", place("data"))
            .env("XOPS_ESTATE", place("estate.json"))
            .env("XOPS_LOG", "off")
            .output()
            .expect("the command")
    }

    /// Runs a command that must end with `code`; what it printed.
    fn ends(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let all = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "xops {}\n{all}", arguments.join(" "));
        all
    }
}

fn person(user_name: &str, email: &str) {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": user_name,
        "active": true,
        "name": { "givenName": "Engine", "familyName": "Test" },
        "emails": [{ "value": email, "type": "work", "primary": true }],
    });
    scim::make("Users", &body);
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_engine_brings_an_outcome_about_and_a_second_time_changes_nothing() {
    person("engine.one", "sarah.chen@acme.example");
    let project = Project::new(&scim::group("engine-one"), &slack::channel("engine-one"));
    project.ends(&["check"], 0);
    let told = project.ends(&["apply", "person:engine.one"], 0);
    for awf in [
        "okta.create_identity",
        "okta.assign_groups",
        "scim2_generic.add_group_member",
        "slack.invite_channels",
    ] {
        assert!(told.lines().any(|line| line.contains(awf) && line.contains(" ok")), "{awf}: {told}");
    }
    let told = project.ends(&["apply", "person:engine.one"], 0);
    assert!(told.contains("no changes"), "{told}");
    project.ends(&["verify"], 0);
    project.ends(&["replay", "1"], 0);
}

#[test]
#[ignore = "needs the servers that tests/servers/run starts"]
fn independent_engine_steps_back_where_a_server_refuses() {
    person("engine.two", "marcus.webb@acme.example");
    let channel = slack::channel("engine-two");
    slack::ask("conversations.archive", &json!({ "channel": channel }));
    let project = Project::new(&scim::group("engine-two"), &channel);
    let told = project.ends(&["apply", "person:engine.two"], 5);
    for awf in ["okta.disable_identity", "okta.remove_groups", "scim2_generic.remove_group_member"] {
        assert!(told.lines().any(|line| line.contains(awf) && line.contains(" ok")), "{awf}: {told}");
    }
    assert!(told.contains("outcome.undone"), "{told}");
    project.ends(&["verify"], 0);
    project.ends(&["replay", "1"], 0);
}
