//! The client: every system that may be talked to, behind one call.
//!
//! Logs hold the system, the method, the status and the size, never an address (it names people), a header or a body.

use crate::lost::{Error, Lost};
use crate::place::Place;
use crate::target::{Limits, Target};
use crate::transport;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;
use xops_connectors::ldap::is_scheme;
use xops_kernel::port::{Request, Response};

/// What a build without directories says of one.
#[cfg(not(feature = "ldap"))]
const NO_LDAP: &str =
    "it is a directory, and this build of xops speaks no LDAP: use one that was built with `--features ldap`";

/// Talks to systems. Make one for each tenant and share it.
pub struct Client {
    places: BTreeMap<String, (reqwest::Client, Place)>,
    #[cfg(feature = "ldap")]
    directories: BTreeMap<String, crate::ldap::Directory>,
    limits: Limits,
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("systems", &self.places.keys()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `targets`. Refuses a target that breaks a rule, lacks a part of its credential or stands there twice.
    pub fn new(targets: Vec<Target>, limits: Limits) -> Result<Self, Error> {
        let mut prepared = BTreeMap::new();
        #[cfg(feature = "ldap")]
        let mut directories = BTreeMap::new();
        for target in targets {
            if is_scheme(target.base_url.scheme()) {
                #[cfg(not(feature = "ldap"))]
                return Err(Error::Target { system: target.system, why: NO_LDAP.to_owned() });
                #[cfg(feature = "ldap")]
                {
                    let directory = crate::ldap::Directory::new(&target, &limits)?;
                    if directories.insert(target.system.clone(), directory).is_some() {
                        return Err(twice(target.system));
                    }
                    continue;
                }
            }
            let place = Place::new(&target, &limits)?;
            let system = target.system.clone();
            if prepared.insert(target.system, (target.allow_private, place)).is_some() {
                return Err(twice(system));
            }
        }
        let tls = prepared.values().any(|(_, place)| place.is_tls());
        // Two clients at most, because what a name may resolve to is a property of the client.
        let mut transports = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (system, (allow_private, place)) in prepared {
            let http: &reqwest::Client = match transports.entry(allow_private) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(transport::build(allow_private, tls, &limits)?)
                }
            };
            places.insert(system, (http.clone(), place));
        }
        Ok(Self {
            places,
            #[cfg(feature = "ldap")]
            directories,
            limits,
        })
    }

    /// Sends `request` to its system with the system's credential and reads the whole response, within `deadline`. A redirect is
    /// a response like any other. Dropping the future before it is over leaves open whether the request arrived.
    pub async fn send(&self, request: &Request, deadline: Duration) -> Result<Response, Lost> {
        let began = Instant::now();
        let until = began + deadline.min(self.limits.deadline_max);
        let result = self.dispatch(request, until).await;
        let (system, method) = (&request.system, &request.method);
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &result {
            Ok(Response { status, body, .. }) => {
                tracing::debug!(system, method, status, bytes = body.len(), elapsed_ms, "answered");
            }
            Err(lost) => tracing::debug!(system, method, lost = lost.word(), elapsed_ms, "lost: {lost}"),
        }
        result
    }

    async fn dispatch(&self, request: &Request, until: Instant) -> Result<Response, Lost> {
        #[cfg(feature = "ldap")]
        if let Some(directory) = self.directories.get(&request.system) {
            return directory.send(request, until).await;
        }
        match self.places.get(&request.system) {
            Some((http, place)) => place.send(http, request, until).await,
            None => Err(Lost::NotSent(format!("the system `{}` is not declared", request.system))),
        }
    }
}

fn twice(system: String) -> Error {
    Error::Target { system, why: "it is declared twice: remove one".to_owned() }
}
