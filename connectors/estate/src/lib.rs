//! A digital workplace on loopback: stateful stand-ins that speak the systems' wire protocols.
//!
//! - No other crate of the workspace is used here, and no manifest: a stand-in that is generated from a manifest
//!   proves nothing about it.
//! - Requests and answers are both held to the vendors' operation cards, where they are at hand: the recorder keeps what differs.
//! - Nothing listens outside loopback, nothing is kept between runs but the two recorder files.
//! - Ids, credentials and planted people follow from the seed; only time is real.
//!
//! The names that configuration may refer to (groups, channels, device configurations, catalog items) do not depend on the
//! seed; [`fixed`] lists them.

mod auth;
mod canonical;
mod card;
mod card_answer;
mod card_schema;
mod card_soap;
mod clock;
mod control;
mod engine;
mod family;
mod fault;
pub mod fixed;
mod mint;
mod recorder;
mod seed;
mod server;
mod soap;
mod store;
mod system;
mod throttle;
mod wire;

use crate::engine::{Estate, Plan};
use crate::server::{Door, House};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// People that one estate may hold.
pub const PEOPLE_MAX: u32 = 100_000;

/// What an estate is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where `calls.jsonl` and `changes.jsonl` go; created when it is absent.
    pub dir: PathBuf,
    /// Everything but time follows from it.
    pub seed: u64,
    /// Employees to generate beside the planted contingent workers, at most [`PEOPLE_MAX`].
    pub people: u32,
    /// The directory of operation cards, `<system>.json` each; without it no card is checked.
    pub cards: Option<PathBuf>,
    /// Whether a request that violates its card is answered 422 instead of being served.
    pub strict_cards: bool,
    /// How far eventual reads stay behind writes, in milliseconds.
    pub lag_ms: u64,
    /// Whether the vendors' rate limits apply; their headers tell the truth either way.
    pub rate_limits: bool,
    /// Ports by name of system, and `control`; a name that is absent or 0 gets a free port.
    pub ports: BTreeMap<String, u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("estate"),
            seed: 1,
            people: 40,
            cards: None,
            strict_cards: false,
            lag_ms: 0,
            rate_limits: true,
            ports: BTreeMap::new(),
        }
    }
}

/// Where a system is and how to be let in.
#[derive(Clone, Debug)]
pub struct Address {
    /// What stands before every path, such as `http://127.0.0.1:4100/v1.0`.
    pub base_url: String,
    /// Member name -> secret.
    pub credentials: BTreeMap<String, String>,
    /// All of it as JSON: also `token_url`, `tenant`, `version` where the system has them.
    pub description: Value,
}

/// Why an estate did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The recorder files could not be opened.
    #[error("the recorder files in `{dir}` could not be opened: choose a directory that can be written")]
    Recorder {
        /// The directory.
        dir: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A port is taken or not allowed.
    #[error("port {port} for `{name}` could not be opened: choose another, or 0 for a free one")]
    Port {
        /// The system, or `control`.
        name: String,
        /// The port that was asked for.
        port: u16,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A port was given for a system that does not exist.
    #[error("`{0}` is no system of the estate: remove its port")]
    UnknownSystem(String),
    /// A card file could not be read.
    #[error("the operation cards could not be read: {0}")]
    Cards(String),
    /// Too many people.
    #[error("{0} people are too many: ask for at most {PEOPLE_MAX}")]
    People(u32),
    /// The serving thread could not be started, or ended with an error.
    #[error("the estate's server failed")]
    Server(#[source] io::Error),
}

/// An estate that serves; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Every system by name.
    pub systems: BTreeMap<String, Address>,
    /// The control server, such as `http://127.0.0.1:4099`.
    pub control_url: String,
    description: Value,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// All addresses and credentials: `{"control": url, "systems": {name: {"base_url", "credentials", ...}}}`.
    pub fn describe(&self) -> Value {
        self.description.clone()
    }

    /// Stops serving and waits for the threads to end.
    pub fn stop(mut self) -> Result<(), Error> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Error> {
        if let Some(stop) = self.stop.take() {
            // A sender whose receiver is gone has nobody left to stop.
            stop.send(()).ok();
        }
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(source))) => Err(Error::Server(source)),
            Some(Err(_)) => Err(Error::Server(io::Error::other("the serving thread panicked"))),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nobody is left to hear of a server that failed while it was being dropped.
        drop(self.end());
    }
}

/// Opens the doors, plants the people and serves on threads of its own.
///
/// The doors are open when it returns: a client may call at once.
pub fn start(options: Options) -> Result<Running, Error> {
    let Options { dir, seed, people, cards, strict_cards, lag_ms, rate_limits, ports } = options;
    if people > PEOPLE_MAX {
        return Err(Error::People(people));
    }
    let systems = system::every();
    let names: Vec<&'static str> = systems.iter().map(|system| system.name()).collect();
    let is_known = |name: &String| name == "control" || names.contains(&name.as_str());
    if let Some(name) = ports.keys().find(|name| !is_known(name)) {
        return Err(Error::UnknownSystem(name.clone()));
    }
    let cards = card::Cards::load(cards.as_deref(), &names).map_err(Error::Cards)?;
    let recorder = recorder::Recorder::open(&dir)
        .map_err(|source| Error::Recorder { dir: dir.display().to_string(), source })?;
    let mut doors = BTreeMap::new();
    let mut listeners = Vec::new();
    for system in names.into_iter().map(Some).chain([None]) {
        let (listener, port) = opened(system.unwrap_or("control"), &ports)?;
        doors.insert(port, Door { system, base: format!("http://127.0.0.1:{port}") });
        listeners.push(listener);
    }
    let plan = Plan { seed, people, strict: strict_cards, rate_limits, lag_ms, cards, recorder };
    let house = Arc::new(House { estate: Estate::new(plan, systems), doors });
    let description = control::describe(&house);
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new()
        .name("estate".to_owned())
        .spawn(move || server::serve(house, listeners, stopped))
        .map_err(Error::Server)?;
    Ok(Running {
        systems: addresses(&description),
        control_url: description["control"].as_str().unwrap_or_default().to_owned(),
        description,
        stop: Some(stop),
        thread: Some(thread),
    })
}

fn opened(name: &str, ports: &BTreeMap<String, u16>) -> Result<(TcpListener, u16), Error> {
    let port = ports.get(name).copied().unwrap_or(0);
    let refused = |source| Error::Port { name: name.to_owned(), port, source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    let port = listener.local_addr().map_err(refused)?.port();
    Ok((listener, port))
}

fn addresses(description: &Value) -> BTreeMap<String, Address> {
    let systems = description["systems"].as_object().into_iter().flatten();
    let address = |one: &Value| Address {
        base_url: one["base_url"].as_str().unwrap_or_default().to_owned(),
        credentials: serde_json::from_value(one["credentials"].clone()).unwrap_or_default(),
        description: one.clone(),
    };
    systems.map(|(name, one)| (name.clone(), address(one))).collect()
}
