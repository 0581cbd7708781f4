//! The systems' objects, and a record of every change to them that the kernel never sees.
//!
//! Invariants: a request that arrives twice acts twice, as far as its kind of object lets it; a lookup sees one moment of the
//! past and nothing else; the record lists real changes only, each under the key of the call that made it.

use std::collections::BTreeMap;
use std::fmt::Write;
use xops_kernel::port::{Request, Response};
use xops_kernel::record::Millis;

/// How long a system remembers an idempotency key, in milliseconds.
pub const KEY_LIFETIME_MS: u64 = 60_000;

/// The header that names the call in the record.
pub const CALL: &str = "x-call";

/// The header by which a system knows a call again.
pub const IDEMPOTENCY: &str = "idempotency-key";

/// The header whose value the object carries from then on.
pub const MARKER: &str = "x-marker";

/// One object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The system's own id of it.
    pub serial: u64,
    /// What it says.
    pub value: String,
    /// The marker that it carries.
    pub marker: Option<String>,
}

/// One change of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Millis,
    /// The key of the call that made it.
    pub call: String,
    /// Where.
    pub shelf: String,
    /// The values before.
    pub before: Vec<String>,
    /// The values after.
    pub after: Vec<String>,
}

/// The world.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The objects under each address, now and at each earlier time.
    shelves: BTreeMap<String, Vec<(Millis, Vec<Entry>)>>,
    /// How many objects each address ever had.
    made: BTreeMap<String, u64>,
    /// The idempotency keys that are remembered: since when, and the object that each made.
    keys: BTreeMap<String, (Millis, u64)>,
    /// Every change, in order.
    pub record: Vec<Change>,
}

impl World {
    /// Puts an object there before anything happens.
    pub fn place(&mut self, address: &str, value: &str) {
        let entry = Entry { serial: self.fresh(address), value: value.to_owned(), marker: None };
        let mut entries = self.entries(address).to_vec();
        entries.push(entry);
        self.shelves.entry(address.to_owned()).or_default().push((0, entries));
    }

    /// What is there now.
    pub fn entries(&self, address: &str) -> &[Entry] {
        self.shelves.get(address).and_then(|history| history.last()).map_or(&[], |(_, entries)| entries)
    }

    /// What was there at `seen_at`.
    pub fn at(&self, address: &str, seen_at: Millis) -> &[Entry] {
        let history = self.shelves.get(address).map_or(&[] as &[_], Vec::as_slice);
        history.iter().rev().find(|(at, _)| *at <= seen_at).map_or(&[], |(_, entries)| entries)
    }

    /// The values that are there now, in order.
    pub fn values(&self, address: &str) -> Vec<String> {
        values(self.entries(address))
    }

    /// The values of everything that is there now.
    pub fn all_values(&self) -> BTreeMap<String, Vec<String>> {
        let told = self.shelves.keys().map(|address| (address.clone(), self.values(address)));
        told.filter(|(_, values)| !values.is_empty()).collect()
    }

    /// The answer of a lookup that sees the world as it was at `seen_at`.
    pub fn look(&self, request: &Request, seen_at: Millis) -> Response {
        let (address, _) = read_url(&request.url);
        let mut told = String::new();
        for Entry { serial, value, marker } in self.at(address, seen_at) {
            let _infallible = writeln!(told, "{serial}\t{value}\t{}", marker.as_deref().unwrap_or(""));
        }
        Response { status: 200, headers: Vec::new(), body: told.into_bytes() }
    }

    /// Acts on a request, and answers.
    pub fn perform(&mut self, request: &Request, now: Millis) -> Response {
        let (address, serial) = read_url(&request.url);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let mut entries = self.entries(address).to_vec();
        let kind = request.system.as_str();
        let reply = match (request.method.as_str(), kind) {
            ("PUT", "set") => {
                entries = body
                    .split_terminator(',')
                    .map(|member| Entry { serial: 0, value: member.to_owned(), marker: None })
                    .collect();
                answer(200, "")
            }
            ("PUT", _) => {
                let known = entries.first().map(|entry| entry.serial);
                let serial = known.unwrap_or_else(|| self.fresh(address));
                entries = vec![Entry { serial, value: body, marker: None }];
                answer(200, &format!("serial {serial}"))
            }
            ("PATCH", _) => match entries.first_mut() {
                Some(entry) => {
                    entry.value = body;
                    answer(200, &format!("serial {}", entry.serial))
                }
                None => answer(404, ""),
            },
            ("POST", "unique" | "strict") if !entries.is_empty() => answer(409, "it is there already"),
            ("POST", "keyed") => self.keyed(request, now, body, &mut entries),
            ("POST", _) => answer(201, &format!("serial {}", self.push(request, body, &mut entries))),
            ("DELETE", _) => {
                let before = entries.len();
                entries.retain(|entry| serial.is_some_and(|serial| serial != entry.serial));
                answer(if entries.len() == before { 404 } else { 204 }, "")
            }
            _ => answer(405, ""),
        };
        self.keep(request, now, address, entries);
        reply
    }

    fn keyed(&mut self, request: &Request, now: Millis, body: String, entries: &mut Vec<Entry>) -> Response {
        let key = header(request, IDEMPOTENCY).or_else(|| header(request, CALL)).unwrap_or_default();
        // Without a key every request is another one.
        if key.is_empty() {
            return answer(201, &format!("serial {}", self.push(request, body, entries)));
        }
        let known =
            self.keys.get(&key).filter(|(since, _)| now < since + KEY_LIFETIME_MS).map(|(_, serial)| *serial);
        if let Some(serial) = known {
            return answer(201, &format!("serial {serial}"));
        }
        let serial = self.push(request, body, entries);
        self.keys.insert(key, (now, serial));
        answer(201, &format!("serial {serial}"))
    }

    fn push(&mut self, request: &Request, value: String, entries: &mut Vec<Entry>) -> u64 {
        let serial = self.fresh(&request.url);
        entries.push(Entry { serial, value, marker: header(request, MARKER) });
        serial
    }

    /// A serial that says where and as which the object was made, whatever else happens in the world meanwhile.
    fn fresh(&mut self, address: &str) -> u64 {
        let made = self.made.entry(address.to_owned()).or_default();
        *made += 1;
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&blake3::hash(format!("{address} {made}").as_bytes()).as_bytes()[..4]);
        u64::from_le_bytes(bytes)
    }

    fn keep(&mut self, request: &Request, now: Millis, address: &str, entries: Vec<Entry>) {
        let (before, after) = (self.values(address), values(&entries));
        if before == after {
            return;
        }
        let call = header(request, CALL).unwrap_or_default();
        self.record.push(Change { at: now, call, shelf: address.to_owned(), before, after });
        self.shelves.entry(address.to_owned()).or_default().push((now, entries));
    }
}

fn values(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.value.clone()).collect()
}

/// `/kind/id` and, where a single object is meant, its serial.
fn read_url(url: &str) -> (&str, Option<u64>) {
    match url.split_once('#') {
        Some((address, serial)) => (address, serial.parse().ok()),
        None => (url, None),
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// A response without headers.
pub fn answer(status: u16, body: &str) -> Response {
    Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
}
