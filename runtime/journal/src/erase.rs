//! Erasure of a person: which keys their values lie under, and the destruction of those keys.
//!
//! Absent: any change of a frame. What was said of a person stays where it is and cannot be read by anybody any more, in this
//! journal and in every copy of it; the chain verifies as before.
//!
//! - A person's values lie under the key of their entity; a request that was about them lies under a key of its own, because it came
//!   before anybody knew whom it meant. A survey of the journal finds both.
//! - The record of the erasure is durable before the first key is destroyed and names all of them: where a crash or an older
//!   keyring left some, whoever opens the journal next destroys them ([`remembered`], [`written`]).
//! - Nobody is erased while an instance of theirs is under way: without its plan it could be neither finished nor undone.

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::array;
use crate::issued;
use crate::journal::{Entry as Stored, Journal};
use crate::keys::Keys;
use crate::random;
use crate::read::Reader;
use crate::snapshot::held;
use crate::stored::{self, Decoded};
use crate::subjects::{EVERYBODY, Subject, SubjectKeys};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use xops_kernel::canon::{Canon, DigestKey};
use xops_kernel::desire;
use xops_kernel::fact::Observation;
use xops_kernel::id::{Digest, EntityId, RequestId};
use xops_kernel::log::{Compiled, Entry, Erased, Happened, Number, Request, What};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::Event;
use xops_kernel::value::{Value, Values};

/// The file that repeats which keys were destroyed.
pub const ERASED_FILE: &str = "journal.erased";
const MAGIC: [u8; 8] = *b"XOJE\x01\0\0\0";

/// Whom an erasure is about.
#[derive(Clone, Debug)]
pub struct Whom {
    /// The kind of entity, such as `person`.
    pub kind: String,
    /// The attribute by which people call such an entity.
    pub handle: String,
    /// Attributes that all have to match; the handle among them, or none where the entity is given.
    pub find: Values,
    /// The entity itself, where its id is known.
    pub entity: Option<EntityId>,
}

/// What a survey of the journal found of somebody.
#[derive(Debug, Default)]
pub struct Survey {
    requests: BTreeMap<RequestId, Request>,
    about: Vec<About>,
    ended: BTreeSet<Number>,
    unanswered: BTreeSet<RequestId>,
    erasures: Vec<(Millis, Erased)>,
    /// What was decided of records, with the entities that they were of.
    decided: BTreeMap<RequestId, BTreeSet<EntityId>>,
    events: BTreeMap<Subject, u64>,
}

/// One answer that names an entity.
#[derive(Debug)]
struct About {
    entity: EntityId,
    request: RequestId,
    kind: Option<String>,
    handle: Option<String>,
    facts: Values,
    number: Option<Number>,
}

/// What is to be erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The entities, by what people call each.
    pub entities: BTreeMap<EntityId, String>,
    /// The requests that were about them.
    pub requests: BTreeSet<RequestId>,
    /// Their instances.
    pub instances: BTreeSet<Number>,
    /// Those of them that have not ended.
    pub running: BTreeSet<Number>,
    /// Requests that have no answer yet.
    pub open: BTreeSet<RequestId>,
    /// Earlier erasures of the same, with their times.
    pub before: Vec<(Millis, Erased)>,
    /// How many events lie under the keys.
    pub events: u64,
}

impl Survey {
    /// Takes the next event of the journal, in order.
    pub fn take(&mut self, stream: u64, body: &[u8], keys: &SubjectKeys) -> Result<(), stored::Error> {
        if let Some(subject) = stored::sealed_under(body) {
            *self.events.entry(subject).or_default() += 1;
        }
        match stored::decode(stream, body, keys)? {
            Decoded::Erased(_) => {}
            Decoded::Entry(entry) => match *entry {
                Entry::Instance(number, stamped) => {
                    if matches!(stamped.event, Event::Ended { .. }) {
                        self.ended.insert(number);
                    }
                }
                Entry::Tenant(happened) => self.happened(happened.at, happened.what),
            },
        }
        Ok(())
    }

    fn happened(&mut self, at: Millis, what: What) {
        match what {
            What::Requested(request) => {
                self.unanswered.insert(request.id);
                self.requests.insert(request.id, *request);
            }
            What::Compiled(compiled) => {
                self.unanswered.remove(&compiled.request);
                self.about.push(About::of(&compiled));
            }
            What::Unchanged { request, entity, handle, .. } => {
                self.unanswered.remove(&request);
                self.about.push(About { handle: Some(handle), ..About::bare(entity, request) });
            }
            What::Refused { request, entity, .. } => {
                self.unanswered.remove(&request);
                self.about.extend(entity.map(|entity| About::bare(entity, request)));
            }
            What::Deferred { request, entity } => self.about.push(About::bare(entity, request)),
            What::Erased(erased) => self.erasures.push((at, *erased)),
            What::Decided(decided) => {
                self.decided.entry(decided.id).or_default().extend(decided.entities);
            }
            What::Opened { .. }
            | What::Declared { .. }
            | What::Paused { .. }
            | What::Unpaused { .. }
            | What::Breaker { .. }
            | What::Poisoned { .. }
            | What::Struck { .. }
            | What::Freed { .. }
            | What::Overtaken { .. }
            | What::Ruled { .. }
            | What::Inherited { .. }
            // It lies under the key of the entity, which goes with what else there is of it.
            | What::Acknowledged(_) => {}
        }
    }

    /// Every erasure that was written down.
    pub fn erasures(&self) -> Vec<Erased> {
        self.erasures.iter().map(|(_, erased)| erased.clone()).collect()
    }

    /// What there is of somebody.
    pub fn find(&self, whom: &Whom, key: &DigestKey) -> Found {
        let mut found = Found::default();
        for about in &self.about {
            if self.fits(about, whom) {
                let known = found.entities.entry(about.entity).or_default();
                if let Some(handle) = &about.handle {
                    known.clone_from(handle);
                }
            }
        }
        for about in self.about.iter().filter(|about| found.entities.contains_key(&about.entity)) {
            found.requests.insert(about.request);
            found.instances.extend(about.number);
        }
        let said: BTreeSet<(&String, &Value)> =
            found.requests.iter().filter_map(|id| self.requests.get(id)).flat_map(|it| &it.find).collect();
        // A request that found nobody is theirs as well if it looked for them by what another one found them by.
        let alike = |request: &&Request| {
            let by_name = whom.entity.is_none() && contains(&request.find, &whom.find);
            request.kind == whom.kind && (by_name || request.find.iter().any(|pair| said.contains(&pair)))
        };
        let theirs: Vec<RequestId> = self.requests.values().filter(alike).map(|it| it.id).collect();
        found.requests.extend(theirs);
        let of_them = |entities: &&BTreeSet<EntityId>| {
            entities.iter().any(|id| found.entities.contains_key(id) || whom.entity == Some(*id))
        };
        let decided: Vec<RequestId> =
            self.decided.iter().filter(|(_, entities)| of_them(entities)).map(|(id, _)| *id).collect();
        found.requests.extend(decided);
        found.running = found.instances.difference(&self.ended).copied().collect();
        found.open = found.requests.intersection(&self.unanswered).copied().collect();
        let names: BTreeSet<Digest> =
            Self::names(whom, &found).iter().map(|name| digest(name, key)).collect();
        let before = |(_, erased): &&(Millis, Erased)| {
            names.contains(&erased.name) || whom.entity.is_some_and(|id| erased.entities.contains(&id))
        };
        found.before = self.erasures.iter().filter(before).cloned().collect();
        found.events = found.subjects().iter().filter_map(|subject| self.events.get(subject)).sum();
        found
    }

    fn fits(&self, about: &About, whom: &Whom) -> bool {
        if whom.entity.is_some() {
            return whom.entity == Some(about.entity);
        }
        let request = self.requests.get(&about.request);
        let kind = about.kind.as_ref().or_else(|| request.map(|request| &request.kind));
        let handle = about.handle.as_ref().map(|handle| Value::from(handle.as_str()));
        let asked = request.map(|request| &request.find);
        kind.is_none_or(|kind| *kind == whom.kind)
            && !whom.find.is_empty()
            && whom.find.iter().all(|(name, value)| {
                let called = (*name == whom.handle).then_some(handle.as_ref()).flatten();
                let known = about.facts.get(name).or_else(|| asked?.get(name));
                called == Some(value) || known == Some(value)
            })
    }

    /// What people call whom is asked for, and who was found.
    fn names(whom: &Whom, found: &Found) -> Vec<String> {
        let handles = found.entities.values().filter(|handle| !handle.is_empty());
        let asked = whom.find.get(&whom.handle).map(ToString::to_string);
        handles.cloned().chain(asked).map(|handle| format!("{}:{handle}", whom.kind)).collect()
    }
}

impl About {
    fn bare(entity: EntityId, request: RequestId) -> Self {
        Self { entity, request, kind: None, handle: None, facts: Values::new(), number: None }
    }

    fn of(compiled: &Compiled) -> Self {
        Self {
            entity: compiled.plan.entity,
            request: compiled.request,
            kind: Some(compiled.plan.kind.clone()),
            handle: Some(compiled.handle.clone()),
            facts: facts(&compiled.evidence.subject),
            number: Some(compiled.number),
        }
    }
}

fn facts(subject: &desire::Subject) -> Values {
    let present = subject.facts.iter().filter_map(|(name, fact)| match fact {
        Observation::Present(fact) => Some((name.clone(), fact.value.clone())),
        Observation::Absent(_) | Observation::Unknown(_) => None,
    });
    present.collect()
}

fn contains(all: &Values, some: &Values) -> bool {
    !some.is_empty() && some.iter().all(|(name, value)| all.get(name) == Some(value))
}

/// The keyed digest under which an erasure remembers a name.
fn digest(name: &str, key: &DigestKey) -> Digest {
    Canon::new("xops erased 1").text(name).keyed_digest(key)
}

impl Found {
    /// The subjects under whose keys it lies: requests first, so that what is left of an interrupted erasure names nobody.
    pub fn subjects(&self) -> Vec<Subject> {
        let requests = self.requests.iter().map(|id| id.0);
        requests.chain(self.entities.keys().map(|id| id.0)).collect()
    }

    /// The record of the erasure: the keys that are still there. None where there is nothing to destroy.
    pub fn record(&self, whom: &Whom, by: &str, keys: &SubjectKeys, key: &DigestKey) -> Option<Erased> {
        let held = |subject: Subject| Some((subject, keys.generation(&subject)?));
        let subjects: Vec<(Subject, u32)> = self.subjects().into_iter().filter_map(held).collect();
        let called = self.entities.values().find(|handle| !handle.is_empty()).cloned();
        let asked = || whom.find.get(&whom.handle).map(ToString::to_string);
        let id = || whom.entity.map(|entity| entity.to_string());
        let name = called.or_else(asked).or_else(id)?;
        (!subjects.is_empty()).then(|| Erased {
            name: digest(&format!("{}:{name}", whom.kind), key),
            entities: self.entities.keys().copied().collect(),
            requests: self.requests.iter().copied().collect(),
            subjects,
            instances: self.instances.iter().copied().collect(),
            by: by.to_owned(),
        })
    }
}

/// Every erasure that the journal has written down.
pub fn written(reader: &Reader, keys: &SubjectKeys) -> Result<Vec<Erased>, Error> {
    let mut erasures = Vec::new();
    reader.replay(1, |_, stream, body| {
        if stream == stored::TENANT_STREAM
            && let Ok(Decoded::Entry(entry)) = stored::decode(stream, body, keys)
            && let Entry::Tenant(happened) = *entry
            && let What::Erased(erased) = happened.what
        {
            erasures.push(*erased);
        }
        ControlFlow::Continue(())
    })?;
    Ok(erasures)
}

/// Keeps the names of all keys that were destroyed beside the journal, so that a start need not read all of it to know them. The ids
/// of the entities are forgotten where it is remembered which were issued.
pub fn remember(disk: &dyn Disk, keys: &Keys, erasures: &[Erased]) -> Result<(), Error> {
    let mut out = MAGIC.to_vec();
    for (subject, generation) in erasures.iter().flat_map(|erased| &erased.subjects) {
        out.extend_from_slice(subject);
        out.extend_from_slice(&generation.to_le_bytes());
    }
    let check = blake3::keyed_hash(keys.tree(), &out);
    out.extend_from_slice(check.as_bytes());
    disk.replace(ERASED_FILE, &out).map_err(Error::io(format!("replace `{ERASED_FILE}`")))?;
    let gone = erasures.iter().flat_map(|erased| erased.entities.iter().map(|entity| entity.0)).collect();
    issued::forget(disk, keys, &random::System::default(), &gone)?;
    // What is held of the systems' records names everybody: it is read again.
    held::forget(disk, None).map(drop)
}

/// What [`remember`] kept; nothing where there is nothing that can be believed. The journal itself says all of it.
pub fn remembered(disk: &dyn Disk, keys: &Keys) -> Vec<(Subject, u32)> {
    let Ok(bytes) = disk.read(ERASED_FILE) else { return Vec::new() };
    let Some((said, check)) = bytes.len().checked_sub(32).and_then(|at| bytes.split_at_checked(at)) else {
        return Vec::new();
    };
    let believed = blake3::keyed_hash(keys.tree(), said) == blake3::Hash::from_bytes(array(check, 0));
    match said.strip_prefix(&MAGIC) {
        Some(lines) if believed => {
            lines.chunks_exact(20).map(|line| (array(line, 0), u32::from_le_bytes(array(line, 16)))).collect()
        }
        _ => Vec::new(),
    }
}

/// Destroys keys, each unless it is of a later generation. How many there were.
pub fn destroy(keys: &mut SubjectKeys, subjects: &[(Subject, u32)]) -> Result<usize, Error> {
    let mut destroyed = 0;
    for (subject, until) in subjects {
        if keys.generation(subject).is_some_and(|held| held <= *until) {
            destroyed += usize::from(keys.erase(*subject)?);
        }
    }
    if destroyed > 0 {
        keys.erase(EVERYBODY)?;
    }
    Ok(destroyed)
}

/// Writes the record down and destroys the keys: for whoever holds journal and keyring. How many keys there were.
pub fn perform(
    journal: &mut Journal,
    keys: &mut SubjectKeys,
    erased: Erased,
    at: Millis,
) -> Result<usize, stored::Error> {
    let subjects = erased.subjects.clone();
    let entry = Entry::Tenant(Box::new(Happened { at, what: What::Erased(Box::new(erased)) }));
    let mut body = Vec::new();
    stored::encode(&entry, None, keys, &mut body)?;
    journal.append(&[Stored { stream: stored::stream(&entry), body }])?;
    Ok(destroy(keys, &subjects)?)
}
