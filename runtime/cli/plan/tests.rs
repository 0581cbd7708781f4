//! What people see of a plan, held against transcripts.

use super::*;
use std::collections::{BTreeMap, BTreeSet};
use xops_kernel::awf::AwfName;
use xops_kernel::diff::Facet;
use xops_kernel::fact::{Observation, Proof};
use xops_kernel::id::{Digest, EntityId, PlanId, StepId};
use xops_kernel::plan::Footprint;

fn facet(name: &str, element: Option<&str>) -> Facet {
    Facet {
        entity: EntityId::default(),
        domain: "identity".into(),
        system: "okta".into(),
        name: name.into(),
        element: element.map(str::to_owned),
    }
}

fn created(facet: Facet, to: &str) -> Option<Change> {
    let absent =
        Observation::<Value>::Absent(Proof::Lookup { system: "okta".into(), lookup: "account".into() });
    absent.absence().map(|proof| Change::create(facet, to.into(), proof))
}

fn seen(value: &str) -> Observation<Value> {
    Observation::Present(value.into())
}

fn by(function: &str, loss: Option<&str>) -> Undo {
    Undo::By { awf: AwfName::new("okta", function), with: BTreeMap::new(), loss: loss.map(str::to_owned) }
}

fn step(at: u16, function: &str, change: Option<Change>, undo: Undo) -> Step {
    Step {
        id: StepId(at),
        node: function.into(),
        awf: AwfName::new("okta", function),
        change: change.map(Box::new),
        object: BTreeMap::new(),
        inputs: xops_kernel::few::Few::new(),
        personal: BTreeSet::new(),
        after: (0..at).map(StepId).collect(),
        undo,
        on_reject: OnReject::Backstep,
        hangs_on: BTreeSet::new(),
        manifest: Digest::default(),
    }
}

fn plan(steps: Vec<Step>, satisfied: Vec<(Facet, Value)>) -> Plan {
    Plan {
        id: PlanId(Digest([0xab; 32])),
        tenant: "acme".into(),
        entity: EntityId::default(),
        kind: "person".into(),
        outcomes: ["join".to_owned()].into(),
        name: "onboard".into(),
        runbook: Some(("R-1".into(), "v1".into())),
        steps,
        satisfied,
        footprint: Footprint::default(),
        lineage: BTreeMap::new(),
        width: 1,
        parent: None,
        declarations: Digest::default(),
    }
}

fn check(plan: &Plan, expect: &str) {
    let shown = anstream::adapter::strip_str(&show(plan, "sarah.chen")).to_string();
    assert_eq!(shown.trim_end(), expect.trim(), "\n{shown}");
}

#[test]
fn each_step_shows_its_change_its_inputs_and_its_undo() {
    let mut first = step(
        0,
        "create_identity",
        created(facet("account", None), "present"),
        by("disable", Some("it stays")),
    );
    first.inputs.insert("login".into(), Binding::Literal("sarah@acme.example".into()));
    let mut second = step(1, "assign", created(facet("groups", Some("staff")), "member"), by("remove", None));
    second.inputs.insert("user".into(), Binding::Output { step: StepId(0), name: "id".into() });
    second.inputs.insert("g".into(), Binding::Literal("\u{1b}[31mred".into()));
    second.on_reject = OnReject::Pause;
    check(
        &plan(vec![first, second], vec![(facet("mfa", None), "on".into())]),
        r#"
outcome=join entity=person:sarah.chen
plan=onboard variant=v1 id=p-abababababab

  +  1 okta.create_identity  identity.account: (absent) -> present
         login = sarah@acme.example
         undo: okta.disable (with_loss: it stays)

  +  2 okta.assign           identity.groups[staff]: (absent) -> member
         g    = "\u{1b}[31mred"
         user = (known after 1 okta.create_identity: id)
         undo: okta.remove (exact)
         if rejected: pause
         after: 1 okta.create_identity

  = already so: identity.mfa = on

Plan: 2 to create, 0 to update, 0 to remove, 1 unchanged.
"#,
    );
}

#[test]
fn the_sign_says_what_becomes_of_the_facet_and_what_cannot_be_undone_is_named() {
    let (old, gone) = (seen("off"), seen("member"));
    let update = old.presence().map(|proof| Change::update(facet("mfa", None), &proof, "on".into()));
    let remove = gone.presence().map(|proof| Change::remove(facet("groups", Some("staff")), &proof));
    let steps = vec![
        step(0, "set_mfa", update, by("reset_mfa", None)),
        step(1, "remove", remove, Undo::Irreversible { forward: None }),
        step(2, "sign_out", None, Undo::Nothing),
    ];
    check(
        &plan(steps, vec![]),
        "
outcome=join entity=person:sarah.chen
plan=onboard variant=v1 id=p-abababababab

  ~  1 okta.set_mfa   identity.mfa: off -> on
         undo: okta.reset_mfa (exact)

  -  2 okta.remove    identity.groups[staff]: member -> (absent)
         undo: irreversible
         after: 1 okta.set_mfa

  >  3 okta.sign_out  sign_out (changes no facet)
         undo: nothing to undo
         after: 1 okta.set_mfa, 2 okta.remove

Point of no return: step 2 okta.remove cannot be undone.

Plan: 0 to create, 1 to update, 1 to remove, 0 unchanged, and 1 step that changes no facet.
",
    );
}

#[test]
fn no_changes_are_said_in_a_line() {
    check(
        &plan(vec![], vec![(facet("account", None), "present".into())]),
        "No changes: person:sarah.chen is as declared, 1 facet holds.\n  = already so: identity.account = present",
    );
    let mut nobody = plan(vec![], vec![]);
    nobody.outcomes.clear();
    check(&nobody, "No changes: no outcome applies to person:sarah.chen.");
}
