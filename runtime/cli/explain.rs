//! `xops explain`: which layer, file and line a setting came from, which record a fact, and what is not known and why.
//!
//! Absent: any judgement: settings are resolved by the kernel's layers, facts by the graph. Invariant: what is unknown is
//! shown as unknown with its reason, never left out.

use crate::arguments::{Common, Explain, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json::{self, moment, of_source, of_value, of_values, plain, word};
use crate::{follow, session};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use xops_kernel::declare::{Declarations, EntityKind};
use xops_kernel::desire::Subject;
use xops_kernel::fact::{Doubt, Fact, Observation, Proof};
use xops_kernel::layer::{Resolved, Said, Settings};
use xops_kernel::record::Record;
use xops_shell::sheet;

/// Runs the command.
pub(crate) async fn run(common: &Common, explain: &Explain) -> Outcome {
    let (project, engine) = session::open(common, session::Wanted::default()).await?;
    let (kind, find) = session::find(&project, &explain.entity, &explain.find)?;
    let incomplete = follow::read(&engine, common.output != Format::Text).await;
    let tenant = engine.tenant();
    let refused = |reasons: Vec<String>| {
        Failure::new(Exit::Refused, format!("nothing to explain: {}", reasons.join("; ")))
    };
    let entity = xops_shell::compile::resolve(tenant, &kind, &find).await.map_err(refused)?;
    let subject = tenant.subject(entity, &kind, tenant.hub.clock.now());
    let settings = sheet::settings(tenant, &subject);
    let handle = tenant.graph().handle(entity).unwrap_or_else(|| entity.to_string());
    let known = Known { declarations: &project.declarations, subject: &subject, settings: &settings };
    let references = asked(known.references(), explain.what.as_deref())?;
    if common.output == Format::Text {
        json::text(&known.show(&handle, &references))?;
    } else {
        let mut object = known.describe(&handle, &references);
        object["incomplete"] = json!(incomplete);
        json::print(&object)?;
    }
    engine.stop().await.map_err(Failure::plain)?;
    Ok(Exit::Done)
}

/// The references that were asked for: one, or all of them.
fn asked(all: Vec<String>, what: Option<&str>) -> Result<Vec<String>, Failure> {
    match what {
        None => Ok(all),
        Some(what) if all.iter().any(|reference| reference == what) => Ok(vec![what.to_owned()]),
        Some(what) => {
            let note = format!("there are: {}", all.join(", "));
            Err(Failure::new(Exit::Usage, format!("there is no `{what}` to explain")).with([note]))
        }
    }
}

/// Everything that is known of one entity, and what it was made from.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// What was declared.
    pub(crate) declarations: &'a Declarations,
    /// The entity with its facts and links.
    pub(crate) subject: &'a Subject,
    /// The settings that hold for it.
    pub(crate) settings: &'a Settings,
}

impl Known<'_> {
    /// Every reference: settings, facts, links, each as expressions write it.
    fn references(&self) -> Vec<String> {
        let settings = self.declarations.settings.keys().map(|key| format!("setting.{key}"));
        let facts = self.kind().into_iter().flat_map(|kind| kind.attributes.keys());
        let facts = facts.map(|name| format!("{}.{name}", self.subject.kind));
        let links = self.subject.links.keys().map(|system| format!("link.{system}"));
        settings.chain(facts).chain(links).collect()
    }

    fn kind(&self) -> Option<&EntityKind> {
        self.declarations.entities.get(&self.subject.kind)
    }

    /// One reference for people: its value, then a line for each thing that had a say.
    pub(crate) fn tell(&self, reference: &str) -> (String, Vec<String>) {
        let (root, name) = reference.split_once('.').unwrap_or((reference, ""));
        match root {
            "setting" => tell_setting(&self.subject.kind, self.settings.get(name)),
            "link" => tell_seen(self.subject.links.get(name), |record: &Record| {
                (
                    plain(&record.source.id),
                    format!("{}, read {}", plain(&record.source.to_string()), moment(record.read_at)),
                )
            }),
            _ => tell_seen(self.subject.facts.get(name), |fact: &Fact| {
                (
                    word(&fact.value),
                    format!("{}, read {}", plain(&fact.source.to_string()), moment(fact.read_at)),
                )
            }),
        }
    }

    /// One reference as JSON: what [`Known::tell`] says, and what was declared of it.
    pub(crate) fn object(&self, reference: &str) -> Json {
        let (root, name) = reference.split_once('.').unwrap_or((reference, ""));
        match root {
            "setting" => self.object_of_setting(name),
            "link" => {
                let mut object = of_seen(self.subject.links.get(name), |record: &Record| {
                    json!({
                        "value": record.source.id, "source": of_source(&record.source), "read_at": record.read_at,
                        "read_as": record.principal, "record": of_values(&record.attributes),
                    })
                });
                let link = self.kind().and_then(|kind| kind.links.get(name));
                object["declared"] = json!(link.map(|link| link.origin.to_string()));
                object
            }
            _ => {
                let mut object = of_seen(self.subject.facts.get(name), |fact: &Fact| {
                    json!({
                        "value": of_value(&fact.value), "source": of_source(&fact.source), "read_at": fact.read_at,
                    })
                });
                let attribute = self.kind().and_then(|kind| kind.attributes.get(name));
                object["personal"] = json!(attribute.is_none_or(|attribute| attribute.personal));
                object["authority"] = json!(attribute.map(|attribute| {
                    let claims = attribute.from.iter();
                    claims
                        .map(|claim| format!("{}.{}.{}", claim.system, claim.kind, claim.attribute))
                        .collect::<Vec<_>>()
                }));
                object["declared"] = json!(attribute.map(|attribute| attribute.origin.to_string()));
                object
            }
        }
    }

    fn object_of_setting(&self, key: &str) -> Json {
        let declared = self.declarations.settings.get(key);
        let mut object = match self.settings.get(key) {
            None => json!({ "state": "absent" }),
            Some(Err(attribute)) => {
                json!({ "state": "unknown", "hangs_on": format!("{}.{attribute}", self.subject.kind) })
            }
            Some(Ok(resolved)) => {
                let said = resolved.said.iter().enumerate().map(|(at, said)| {
                    json!({
                        "layer": said.kind.word(), "name": said.name, "value": of_value(&said.value),
                        "file": said.origin.file, "line": said.origin.line,
                        "holds": resolved.winner.is_none_or(|winner| winner == at),
                    })
                });
                json!({ "state": "present", "value": of_value(&resolved.value), "said": said.collect::<Vec<_>>() })
            }
        };
        object["merge"] = json!(declared.map(|setting| setting.merge.word()));
        object["declared"] =
            json!(declared.map(|setting| setting.origin.to_string()).filter(|it| is_place(it)));
        object
    }

    fn describe(&self, handle: &str, references: &[String]) -> Json {
        let groups = [("settings", "setting"), ("facts", self.subject.kind.as_str()), ("links", "link")];
        let mut object = Map::new();
        let entity =
            json!({ "id": self.subject.entity.to_string(), "kind": self.subject.kind, "handle": handle });
        object.insert("entity".to_owned(), entity);
        for (group, root) in groups {
            let of_root = references.iter().filter_map(|reference| {
                let (of, name) = reference.split_once('.')?;
                (of == root).then(|| (name.to_owned(), self.object(reference)))
            });
            object.insert(group.to_owned(), Json::Object(of_root.collect()));
        }
        Json::Object(object)
    }

    fn show(&self, handle: &str, references: &[String]) -> String {
        let mut out = format!("{}:{}  {}\n", self.subject.kind, plain(handle), self.subject.entity);
        let mut by_root: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
        for reference in references {
            let root = reference.split_once('.').map_or("", |(root, _)| root);
            by_root
                .entry(if root == "setting" { 0 } else { 1 + usize::from(root == "link") })
                .or_default()
                .push(reference);
        }
        for (group, references) in by_root {
            let _infallible = writeln!(out, "\n{}", ["Settings", "Facts", "Links"][group]);
            for reference in references {
                let (value, lines) = self.tell(reference);
                let _infallible = writeln!(out, "  {reference} = {value}");
                for line in lines {
                    let _infallible = writeln!(out, "      {line}");
                }
            }
        }
        out
    }
}

/// Whether an origin names a place: what is built in stands in no file.
fn is_place(origin: &str) -> bool {
    !origin.starts_with(':')
}

fn tell_setting(kind: &str, resolved: Option<&Result<Resolved, String>>) -> (String, Vec<String>) {
    match resolved {
        None => ("(absent)".to_owned(), vec!["no layer sets it".to_owned()]),
        Some(Err(attribute)) => {
            let why = format!("the layer that could set it hangs on {kind}.{attribute}, which is unknown");
            ("(unknown)".to_owned(), vec![why])
        }
        Some(Ok(resolved)) => {
            let line = |(at, said): (usize, &Said)| {
                let name = if said.name.is_empty() { String::new() } else { format!(" {:?}", said.name) };
                let place = said.origin.to_string();
                let place = if is_place(&place) { place } else { "built in".to_owned() };
                match resolved.winner {
                    Some(winner) if winner == at => format!("{}{name}, {place}", said.kind.word()),
                    Some(_) => {
                        format!("overridden: {}{name}, {place}: {}", said.kind.word(), word(&said.value))
                    }
                    None => format!("joined: {}{name}, {place}: {}", said.kind.word(), word(&said.value)),
                }
            };
            // The one that holds first, then what it overrode, the highest layer first.
            let mut said: Vec<_> = resolved.said.iter().enumerate().rev().collect();
            said.sort_by_key(|(at, _)| resolved.winner.is_some_and(|winner| winner != *at));
            (word(&resolved.value), said.into_iter().map(line).collect())
        }
    }
}

fn tell_seen<T>(
    seen: Option<&Observation<T>>,
    present: impl FnOnce(&T) -> (String, String),
) -> (String, Vec<String>) {
    match seen {
        Some(Observation::Present(value)) => {
            let (value, from) = present(value);
            (value, vec![from])
        }
        Some(Observation::Absent(proof)) => ("(absent)".to_owned(), vec![proof.to_string()]),
        Some(Observation::Unknown(doubt)) => ("(unknown)".to_owned(), vec![tell_doubt(doubt)]),
        None => ("(unknown)".to_owned(), vec!["nobody has read it yet".to_owned()]),
    }
}

fn tell_doubt(doubt: &Doubt) -> String {
    let since = if doubt.since == 0 { String::new() } else { format!(", since {}", moment(doubt.since)) };
    format!("{}{since}", plain(&doubt.to_string()))
}

/// A proof as JSON.
pub(crate) fn of_proof(proof: &Proof) -> Json {
    match proof {
        Proof::Snapshot { system, read } => json!({ "by": "snapshot", "system": system, "read": read }),
        Proof::Lookup { system, lookup } => json!({ "by": "lookup", "system": system, "lookup": lookup }),
        Proof::Implied { by } => json!({ "by": "implied", "facet": by }),
    }
}

/// An observation as JSON: `state`, and what belongs to that state.
pub(crate) fn of_seen<T>(seen: Option<&Observation<T>>, present: impl FnOnce(&T) -> Json) -> Json {
    match seen {
        Some(Observation::Present(value)) => {
            let mut object = present(value);
            object["state"] = json!("present");
            object
        }
        Some(Observation::Absent(proof)) => json!({ "state": "absent", "proof": of_proof(proof) }),
        Some(Observation::Unknown(doubt)) => {
            json!({ "state": "unknown", "reason": doubt.reason.word(), "detail": doubt.detail, "since": doubt.since })
        }
        None => json!({ "state": "unknown", "reason": "never read", "detail": "", "since": 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xops_kernel::declare::Origin;
    use xops_kernel::fact::Reason;
    use xops_kernel::layer::LayerKind;

    fn said(kind: LayerKind, name: &str, value: &str, line: u32) -> Said {
        let origin = Origin { file: "config/layers.hcl".into(), line };
        Said { kind, name: name.into(), value: value.into(), origin }
    }

    fn check(winner: Option<usize>, expect: &[&str]) {
        let said = vec![
            said(LayerKind::Global, "", "red", 1),
            said(LayerKind::Country, "MX", "green", 2),
            said(LayerKind::Team, "A", "blue", 3),
        ];
        let value = said[winner.unwrap_or(0)].value.clone();
        let (_, lines) = tell_setting("person", Some(&Ok(Resolved { value, said, winner })));
        assert_eq!(lines, expect);
    }

    #[test]
    fn the_layer_that_holds_comes_first_and_what_it_overrode_behind_it() {
        check(
            Some(2),
            &[
                "team \"A\", config/layers.hcl:3",
                "overridden: country \"MX\", config/layers.hcl:2: green",
                "overridden: global, config/layers.hcl:1: red",
            ],
        );
        check(
            Some(0),
            &[
                "global, config/layers.hcl:1",
                "overridden: team \"A\", config/layers.hcl:3: blue",
                "overridden: country \"MX\", config/layers.hcl:2: green",
            ],
        );
        check(
            None,
            &[
                "joined: team \"A\", config/layers.hcl:3: blue",
                "joined: country \"MX\", config/layers.hcl:2: green",
                "joined: global, config/layers.hcl:1: red",
            ],
        );
    }

    #[test]
    fn what_is_unknown_says_why_and_what_it_keeps_from_being_known() {
        let (value, lines) = tell_setting("person", Some(&Err("country".to_owned())));
        assert_eq!((value.as_str(), lines.len()), ("(unknown)", 1));
        assert!(lines[0].ends_with("person.country, which is unknown"), "{}", lines[0]);
        let doubt =
            Doubt { reason: Reason::Stale, detail: "read yesterday".into(), since: 1_795_256_521_000 };
        let seen: Observation<Fact> = Observation::Unknown(doubt);
        let (value, lines) = tell_seen(Some(&seen), |_| unreachable!("it is unknown"));
        assert_eq!(value, "(unknown)");
        assert_eq!(lines, ["stale: read yesterday, since 2026-11-21T10:22:01Z"]);
        let object = of_seen(Some(&seen), |_| Json::Null);
        assert_eq!((&object["state"], &object["reason"]), (&json!("unknown"), &json!("stale")));
    }

    #[test]
    fn asking_for_what_is_not_there_is_answered_with_what_is() {
        let all = || vec!["person.email".to_owned(), "link.okta".to_owned()];
        assert_eq!(asked(all(), Some("link.okta")).unwrap(), ["link.okta"]);
        let failure = asked(all(), Some("person.emial")).unwrap_err();
        assert_eq!(
            (failure.exit, failure.notes[0].as_str()),
            (Exit::Usage, "there are: person.email, link.okta")
        );
    }
}
