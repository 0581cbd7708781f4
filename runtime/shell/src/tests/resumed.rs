//! A process that reads on where the one before it ended, and what makes it read everything.

use super::world::{PATIENCE, World};
use crate::dataops;
use crate::transport::{Lost, Transport};
use futures_util::future::{BoxFuture, FutureExt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::declare::{Declarations, EntityKind, Origin, System};
use xops_kernel::id::Digest;
use xops_kernel::port::{
    Ask, Connector, Delta, Outcome, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::record::{Record, Source};
use xops_kernel::value::{Value, Values};

const SYSTEM: &str = "directory";

/// A system that knows who changed since when: what it was asked, and what it has.
#[derive(Default)]
struct Directory {
    /// Since when it was asked, in order; nothing where it was asked for everything.
    asked: Mutex<Vec<Option<String>>>,
    /// The user and the turn at which it came.
    users: Mutex<BTreeMap<String, u64>>,
    /// The user and the turn at which it went.
    gone: Mutex<BTreeMap<String, u64>>,
    turn: Mutex<u64>,
    /// Whether it forgets all places.
    forgets: Mutex<bool>,
}

/// What is known of it, by edition.
struct Reads(u8);

impl Transport for Directory {
    fn send(&self, request: Request, _deadline: Duration) -> BoxFuture<'static, Result<Response, Lost>> {
        let since = request.query.first().map(|(_, since)| since.clone());
        let from: u64 = since.as_deref().map_or(0, |since| since.parse().unwrap());
        self.asked.lock().unwrap().push(since.clone());
        let mut turn = self.turn.lock().unwrap();
        *turn += 1;
        let newer = |all: &Mutex<BTreeMap<String, u64>>| {
            let all = all.lock().unwrap();
            all.iter().filter(|(_, at)| **at >= from).map(|(id, _)| id.clone()).collect::<Vec<_>>().join(" ")
        };
        let status = if since.is_some() && *self.forgets.lock().unwrap() { 410 } else { 200 };
        let gone = if since.is_some() { newer(&self.gone) } else { String::new() };
        let body = format!("{}|{gone}|{}", newer(&self.users), *turn).into_bytes();
        std::future::ready(Ok(Response { status, headers: Vec::new(), body })).boxed()
    }
}

impl Connector for Reads {
    fn edition(&self, _system: &str) -> Option<Digest> {
        Some(Digest([self.0; 32]))
    }

    fn contract(&self, _awf: &AwfName) -> Option<&Contract> {
        None
    }

    fn render(&self, _ask: &Ask<'_>) -> Result<Request, Unrendered> {
        Err(Unrendered { what: "do".to_owned(), why: "there is none".to_owned() })
    }

    fn classify(&self, _ask: &Ask<'_>, _response: &Response) -> Outcome {
        Outcome::Absent
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Outcome::Absent)
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        vec![ReadContract {
            system: SYSTEM.to_owned(),
            name: "users".to_owned(),
            kind: "user".to_owned(),
            timeout_ms: 1_000,
            delta: Delta::ChangesAndGone,
            ..ReadContract::default()
        }]
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        let since = read.carry.get("since").and_then(Value::as_text);
        Ok(Request {
            system: SYSTEM.to_owned(),
            method: "GET".to_owned(),
            url: "http://127.0.0.1/users".to_owned(),
            query: since.map(|since| ("since".to_owned(), since.to_owned())).into_iter().collect(),
            headers: Vec::new(),
            content_type: None,
            body: Vec::new(),
        })
    }

    fn page(&self, _config: &Values, read: &ReadAsk<'_>, response: &Response) -> ReadPage {
        if response.status == 410 {
            return ReadPage::Reset;
        }
        let text = String::from_utf8_lossy(&response.body).into_owned();
        let parts: Vec<&str> = text.split('|').collect();
        let record = |id: &str| {
            let source = Source {
                system: SYSTEM.to_owned(),
                kind: "user".to_owned(),
                id: id.to_owned(),
                version: None,
            };
            Record { source, attributes: Values::new(), read_at: read.at, principal: "test".to_owned() }
        };
        ReadPage::Records {
            records: parts[0].split_whitespace().map(record).collect(),
            gone: parts[1].split_whitespace().map(str::to_owned).collect(),
            next: None,
            place: Some(parts[2].to_owned()),
        }
    }
}

fn declarations() -> Declarations {
    let system =
        System { name: SYSTEM.to_owned(), concurrency: 4, max_age_ms: 3_600_000, ..System::default() };
    let person = EntityKind {
        name: "person".to_owned(),
        mint: (SYSTEM.to_owned(), "user".to_owned()),
        handle: "name".to_owned(),
        attributes: BTreeMap::new(),
        links: BTreeMap::new(),
        origin: Origin::default(),
    };
    Declarations {
        tenant: "test".to_owned(),
        principal: "test".to_owned(),
        systems: BTreeMap::from([(SYSTEM.to_owned(), system)]),
        entities: BTreeMap::from([("person".to_owned(), person)]),
        ..Declarations::default()
    }
}

impl Directory {
    fn comes(&self, user: &str) {
        self.users.lock().unwrap().insert(user.to_owned(), *self.turn.lock().unwrap());
    }

    fn goes(&self, user: &str) {
        self.users.lock().unwrap().remove(user);
        self.gone.lock().unwrap().insert(user.to_owned(), *self.turn.lock().unwrap());
    }
}

/// One process: it reads once, and ends. Whom it knows, and since when it asked.
fn process(world: &World, directory: &Arc<Directory>, edition: u8) -> (String, Vec<Option<String>>) {
    actix::System::new().block_on(one(world, directory, edition))
}

async fn one(world: &World, directory: &Arc<Directory>, edition: u8) -> (String, Vec<Option<String>>) {
    directory.asked.lock().unwrap().clear();
    let connector = Arc::new(Reads(edition));
    let engine =
        world.start_with(declarations(), connector, Arc::clone(directory) as Arc<dyn Transport>).await;
    let reading = dataops::refresh(engine.tenant(), BTreeSet::from([SYSTEM.to_owned()]));
    let reports = tokio::time::timeout(PATIENCE, reading).await.expect("it is read");
    assert!(reports[SYSTEM].incomplete.is_empty(), "{reports:?}");
    let mut known: Vec<String> =
        engine.tenant().graph().records(SYSTEM, "user").map(|record| record.source.id.clone()).collect();
    known.sort();
    engine.stop().await.expect("it stops");
    (known.join(" "), directory.asked.lock().unwrap().clone())
}

fn since(places: &[Option<&str>]) -> Vec<Option<String>> {
    places.iter().map(|place| place.map(str::to_owned)).collect()
}

#[test]
fn a_next_process_asks_only_for_what_changed_and_knows_everything() {
    let (world, directory) = (World::new(), Arc::new(Directory::default()));
    directory.comes("ada");
    directory.comes("omar");
    assert_eq!(process(&world, &directory, 1), ("ada omar".to_owned(), vec![None]));
    directory.comes("wei");
    directory.goes("omar");
    assert_eq!(process(&world, &directory, 1), ("ada wei".to_owned(), since(&[Some("1")])));
    assert_eq!(process(&world, &directory, 1), ("ada wei".to_owned(), since(&[Some("2")])));
}

#[test]
fn a_place_that_is_forgotten_or_of_another_manifest_is_a_read_of_everything() {
    let (world, directory) = (World::new(), Arc::new(Directory::default()));
    directory.comes("ada");
    process(&world, &directory, 1);
    assert_eq!(process(&world, &directory, 2), ("ada".to_owned(), vec![None]), "another manifest");
    // What went while the place was lost is gone after the whole read, and what is there stays.
    directory.goes("ada");
    directory.comes("wei");
    directory.gone.lock().unwrap().clear();
    *directory.forgets.lock().unwrap() = true;
    assert_eq!(process(&world, &directory, 2), ("wei".to_owned(), since(&[Some("2"), None])));
}
