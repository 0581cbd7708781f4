//! The wire, as the shell asks for it; and where the systems are.

use crate::arguments::Common;
use crate::exit::Failure;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use xops_kernel::declare::System;
use xops_kernel::port::{Request, Response};
use xops_kernel::value::{Value, Values};
use xops_shell::transport::{Lost, Transport};
use xops_wire::client::Client;
use xops_wire::credential::Credential;
use xops_wire::target::{Limits, Target};

use crate::project::Project;

/// The wire of a tenant.
pub struct Wire(Arc<Client>);

impl Transport for Wire {
    fn send(&self, request: Request, deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let client = Arc::clone(&self.0);
        Box::pin(async move {
            client.send(&request, deadline).await.map_err(|lost| match lost {
                xops_wire::lost::Lost::NotSent(why) => Lost::NotSent(why),
                xops_wire::lost::Lost::AfterSend(why) => Lost::Sent(why),
                xops_wire::lost::Lost::AuthFailed(why) => Lost::Credential(why),
            })
        })
    }
}

/// The wire to the systems of a project, and the configuration that requests are rendered with.
pub fn connect(common: &Common, project: &Project) -> Result<(Wire, BTreeMap<String, Values>), Failure> {
    let stand_ins = stand_ins(common)?;
    let mut targets = Vec::new();
    let mut configs = BTreeMap::new();
    for system in project.declarations.systems.values() {
        let place = stand_ins.as_ref().map(|all| place_of(all, system)).transpose()?;
        let mut config = defaults(project, &system.name);
        config.extend(self::config(system, place.as_ref()));
        let base_url = config.get("base_url").and_then(Value::as_text).unwrap_or_default();
        let base_url = Url::parse(base_url).map_err(|error| {
            Failure::plain(format!("system `{}`: `{base_url}` is no address: {error}", system.name))
        })?;
        // `check` lets an address lead to this machine; who wrote it there meant it.
        let on_this_machine = match base_url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            // The host of a directory's address is a text, also where it is a number.
            Some(url::Host::Domain(name)) => {
                name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
            None => false,
        };
        let credential = match &place {
            Some(place) => place.credential.clone(),
            None => Credential::resolve(
                system.credential.iter().map(|(part, from)| (part.as_str(), from.as_str())),
            )
            .map_err(|error| {
                let note =
                    "set it, or use stand-ins: xops estate --describe estate.json, then --estate estate.json";
                Failure::plain(format!("system `{}`: {error}", system.name)).with([note.to_owned()])
            })?,
        };
        let auth = project.manifests.auth(&system.name).cloned().unwrap_or(xops_connectors::auth::Auth::None);
        let more_urls = more_urls(project, &system.name, &config)?;
        targets.push(Target {
            more_urls,
            system: system.name.clone(),
            base_url,
            auth,
            credential,
            vars: config.clone(),
            allow_private: place.is_some() || on_this_machine,
            concurrency: usize::try_from(system.concurrency).unwrap_or(1).max(1),
        });
        configs.insert(system.name.clone(), config);
    }
    let client = Client::new(targets, Limits::default()).map_err(Failure::plain)?;
    Ok((Wire(Arc::new(client)), configs))
}

/// One part of the credential of a system, if it has such a part.
pub fn part(
    common: &Common,
    project: &Project,
    system: &str,
    part: &str,
) -> Result<Option<SecretString>, Failure> {
    let Some(system) = project.declarations.systems.get(system) else { return Ok(None) };
    if let Some(all) = stand_ins(common)? {
        return Ok(place_of(&all, system)?.credential.part(part).cloned());
    }
    let Some(from) = system.credential.get(part) else { return Ok(None) };
    let credential = Credential::resolve([(part, from.as_str())])
        .map_err(|error| Failure::plain(format!("system `{}`: {error}", system.name)))?;
    Ok(credential.part(part).cloned())
}

/// What the manifest says where the tenant's configuration does not.
fn defaults(project: &Project, system: &str) -> Values {
    let vars = project.manifests.vars(system).into_iter().flatten();
    vars.filter_map(|(name, var)| Some((name.clone(), var.default.clone()?))).collect()
}

/// The other base addresses of a system that its manifest names.
fn more_urls(project: &Project, system: &str, config: &Values) -> Result<Vec<Url>, Failure> {
    let url = |var: &str| {
        let value = config.get(var).cloned().unwrap_or_default();
        Url::parse(value.as_text().unwrap_or_default()).map_err(|error| {
            Failure::plain(format!("system `{system}`: the variable `{var}` is no address: {error}"))
        })
    };
    project.manifests.bases(system).into_iter().map(url).collect()
}

/// A stand-in for a system.
struct Place {
    base_url: String,
    vars: Values,
    credential: Credential,
}

fn stand_ins(common: &Common) -> Result<Option<Json>, Failure> {
    let Some(path) = &common.estate else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::plain(format!("failed to read the estate's description `{}`: {error}", path.display()))
    })?;
    let all: Json = serde_json::from_str(&text).map_err(|error| {
        Failure::plain(format!("`{}` does not describe an estate: {error}", path.display()))
    })?;
    Ok(Some(all))
}

fn place_of(all: &Json, system: &System) -> Result<Place, Failure> {
    let described = all["systems"][system.manifest.as_str()].as_object().ok_or_else(|| {
        Failure::plain(format!(
            "the estate has no stand-in for system `{}` (`{}`)",
            system.name, system.manifest
        ))
    })?;
    let base_url = described.get("base_url").and_then(Json::as_str).unwrap_or_default().to_owned();
    let text = |(name, value): (&String, &Json)| value.as_str().map(|text| (name.clone(), Value::from(text)));
    let vars = described.iter().filter(|(name, _)| *name != "base_url").filter_map(text).collect();
    let parts = described.get("credentials").and_then(Json::as_object);
    let mut credential = Credential::none();
    for (part, value) in parts.into_iter().flatten() {
        credential = credential.with(part, value.as_str().unwrap_or_default().to_owned().into());
    }
    Ok(Place { base_url, vars, credential })
}

fn config(system: &System, place: Option<&Place>) -> Values {
    let mut config = system.vars.clone();
    let base_url = place.map_or(system.base_url.as_str(), |place| place.base_url.as_str());
    config.insert("base_url".to_owned(), base_url.into());
    config.extend(place.iter().flat_map(|place| place.vars.clone()));
    config
}
