//! The sample company of `config/` and `runbooks/`: it has no mistake, and it says what it is meant to say.
//!
//! The manifests are stood in for by one line an AWF; that the real ones agree is the business of `xops check`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

mod support;

use std::path::{Path, PathBuf};
use support::{contracts, facts};
use xops_kernel::declare::Declarations;
use xops_kernel::layer::LayerKind;
use xops_source::declare::declare;
use xops_source::finding::{Format, render};

/// Every `.hcl` below a folder of the project, by name; scenarios (`*.test.hcl`) left out.
fn files(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut open: Vec<PathBuf> = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "hcl")
                && !name.ends_with(".test.hcl")
            {
                files.push((name, std::fs::read(path).unwrap()));
            }
        }
    }
    files
}

fn sample() -> Declarations {
    let files = [files("config"), files("runbooks")].concat();
    let contracts = contracts(
        "
        workday.set_end_date | create | worker end_date:date | event | clear_end_date
        workday.clear_end_date | remove | worker event | | set_end_date
        okta.create_identity | create | login email first_name last_name | id | disable_identity
        okta.restore_identity | update | login | id | disable_identity
        okta.disable_identity | remove | id | | activate_identity
        okta.activate_identity | create | id | | disable_identity
        okta.assign_groups | create | user group | | remove_groups
        okta.remove_groups | remove | user group | | assign_groups
        intune.push_profile | create | profile group | | remove_profile
        intune.remove_profile | remove | profile group | | push_profile
        servicenow.order_dev | create | item requested_for quantity?:int | request | cancel_order
        servicenow.cancel_order | remove | request | | never
        slack.invite_channels | create | channel user | | remove_channels
        slack.remove_channels | remove | channel user | | invite_channels
        ",
    );
    let facts = facts(
        "
        workday.worker | worker_id handle first_name last_name email worker_type status title department location country start_date:date contract_end:date
        okta.user | login email first_name last_name status
        intune.device | serial user_email
        servicenow.user | user_name email active:bool
        slack.user | name email deleted:bool
        ",
    );
    let (declarations, findings) = declare(&files, &contracts, &facts);
    let sources =
        files.iter().map(|(name, text)| (name.clone(), String::from_utf8_lossy(text).into_owned())).collect();
    assert!(findings.is_empty(), "{}", render(&findings, &sources, Format::Human { color: false }));
    declarations
}

#[test]
fn the_sample_has_no_mistake_and_declares_the_onboarding_of_contractors() {
    let declared = sample();
    assert_eq!((declared.tenant.as_str(), declared.principal.as_str()), ("acme", "svc-xops"));
    let outcome = &declared.outcomes["EMP-R-001"];
    let wanted: Vec<String> =
        outcome.facets.iter().map(|line| format!("{}.{}", line.domain, line.facet)).collect();
    let expected = [
        "workforce.contract_end",
        "identity.account",
        "identity.groups",
        "devices.profile",
        "service.laptop",
        "communications.channels",
    ];
    assert_eq!(wanted, expected, "in the order of writing");
    assert_eq!(outcome.runbook.as_deref(), Some("EMP-R-001"));
    assert_eq!(outcome.origin.file, "config/outcomes.hcl");
}

#[test]
fn the_runbook_is_the_source_texts_own() {
    let declared = sample();
    let runbook = &declared.runbooks["EMP-R-001"];
    assert_eq!(runbook.plan, "onboard.contractor");
    let edges: Vec<String> = runbook.variants["v3.2"]
        .nodes
        .iter()
        .map(|node| format!("{} <- {}", node.awf, node.after.join(" ")))
        .collect();
    let expected = [
        "workday.set_end_date <- ",
        "okta.create_identity <- set_end_date",
        "okta.assign_groups <- create_identity",
        "intune.push_profile <- assign_groups",
        "servicenow.order_dev <- set_end_date",
        "slack.invite_channels <- assign_groups",
    ];
    assert_eq!(edges, expected);
    let global = &declared.layers[&(LayerKind::Global, String::new())];
    assert_eq!(global.values["variant.EMP-R-001"].0.as_text(), Some("v3.2"));
    assert!(declared.settings.contains_key("variant.EMP-R-001"));
}
