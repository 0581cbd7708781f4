//! Reading a tenant's journal, also beside a running daemon.

use crate::arguments::{Common, Format};
use crate::exit::{Exit, Failure, Outcome};
use crate::json;
use crate::project;
use crate::session::{self, Places};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use xops_connectors::manifests::Manifests;
use xops_journal::keys::{Keys, TenantKey};
use xops_journal::read::{Reader, Report};
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::SubjectKeys;
use xops_kernel::awf::{AwfName, Contract};
use xops_kernel::canon::DigestKey;
use xops_kernel::declare::Declarations;
use xops_kernel::identity::written::Written;
use xops_kernel::log::{Compiled, Entry, Happened, Number, What};
use xops_kernel::port::{
    Ask, Connector, Outcome as Called, Page, ReadAsk, ReadContract, ReadPage, Request, Response, Unrendered,
};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{Event, Stamped};
use xops_kernel::saga::{Bounds, Saga, Shared};
use xops_kernel::value::{Value, Values};

/// A tenant's journal, told.
pub struct Log {
    /// The tenant.
    pub tenant: String,
    /// The instances, by number.
    pub stories: BTreeMap<Number, Story>,
    /// The entries of the tenant itself, with their sequence numbers.
    pub happened: Vec<(u64, Happened)>,
    /// What was declared, with the times from which on it held.
    pub declared: Vec<(Millis, Arc<Declarations>)>,
    /// By which rules records were joined, with the times from which on they were.
    pub ruled: Vec<(Millis, BTreeMap<String, Written>)>,
    /// The key of digests over personal values.
    pub key: DigestKey,
    /// How many events were read.
    pub events: u64,
    /// The instances of which nothing but their numbers and what says nothing of anybody can be read.
    pub erased: BTreeMap<Number, Remains>,
    /// Up to which event files were exported and removed; 0 if none were.
    pub removed_to: u64,
    manifests: Arc<Manifests>,
}

/// One instance in the journal.
pub struct Story {
    /// Its plan and what it was compiled from.
    pub compiled: Box<Compiled>,
    /// The sequence number and the time of that.
    pub compiled_at: (u64, Millis),
    /// What was declared when it was compiled.
    pub declared: Arc<Declarations>,
    /// Its events, with their sequence numbers.
    pub events: Vec<(u64, Stamped)>,
    /// How many of its events were said of a subject whose key was destroyed.
    pub erased: u64,
}

/// What is left of an instance whose plan lies under a key that was destroyed.
#[derive(Default)]
pub struct Remains {
    /// Its events that say nothing of anybody, with their sequence numbers.
    pub events: Vec<(u64, Stamped)>,
    /// How many of its events are erased, its plan not counted.
    pub erased: u64,
}

/// Reads the journal of the project's tenant.
pub fn read(common: &Common) -> Result<Log, Failure> {
    let project = project::read(common)?;
    let tenant = project.declarations.tenant.clone();
    let places = Places::of(common, &tenant);
    begun(&places)?;
    let key = session::key(common, &places, false)?;
    let keys = Keys::new(&tenant, &key);
    let reader = Reader::open(&places.journal, &keys).map_err(damaged)?;
    let subjects = SubjectKeys::beside(&places.subjects, &key).map_err(damaged)?;
    let mut log = Log {
        tenant,
        stories: BTreeMap::new(),
        happened: Vec::new(),
        declared: Vec::new(),
        ruled: Vec::new(),
        key: digest_key(&key),
        events: 0,
        erased: BTreeMap::new(),
        removed_to: reader.kept().map_or(0, |kept| kept.last().seq),
        manifests: project.manifests,
    };
    let mut declared = Arc::new(project.declarations);
    let mut failure = None;
    let outcome = reader.replay(1, |seq, stream, body| {
        log.events += 1;
        match stored::decode(stream, body, &subjects) {
            Err(error) => {
                failure = Some(Failure::new(
                    Exit::Damaged,
                    format!("failed to read event {seq} of the journal: {error}"),
                ));
                ControlFlow::Break(())
            }
            Ok(Decoded::Erased(_)) => {
                match log.stories.get_mut(&stream) {
                    Some(story) => story.erased += 1,
                    None if stream == stored::TENANT_STREAM => {}
                    None => log.erased.entry(stream).or_default().erased += 1,
                }
                ControlFlow::Continue(())
            }
            Ok(Decoded::Entry(entry)) => {
                log.take(seq, *entry, &mut declared);
                ControlFlow::Continue(())
            }
        }
    });
    outcome.map_err(damaged)?;
    failure.map_or(Ok(log), Err)
}

/// A failure of the journal. What another process or the machine stands behind is not damage.
pub fn damaged(error: xops_journal::error::Error) -> Failure {
    use xops_journal::error::Error;
    let exit = match error {
        Error::Locked { .. }
        | Error::Busy { .. }
        | Error::Occupied { .. }
        | Error::Io { .. }
        | Error::Option { .. }
        | Error::Random => Exit::Failed,
        _ => Exit::Damaged,
    };
    Failure::new(exit, error)
}

/// Refuses to read a journal that nobody ever began.
pub fn begun(places: &Places) -> Result<(), Failure> {
    if places.journal.is_dir() {
        return Ok(());
    }
    let note = "nothing was applied yet, or --data names another folder".to_owned();
    Err(Failure::plain(format!("there is no journal at `{}`", places.journal.display())).with([note]))
}

fn digest_key(key: &TenantKey) -> DigestKey {
    DigestKey(*key.digest_key())
}

impl Log {
    fn take(&mut self, seq: u64, entry: Entry, declared: &mut Arc<Declarations>) {
        match entry {
            Entry::Instance(number, stamped) => match self.stories.get_mut(&number) {
                Some(story) => story.events.push((seq, stamped)),
                None => self.erased.entry(number).or_default().events.push((seq, stamped)),
            },
            Entry::Tenant(happened) => match *happened {
                Happened { at, what: What::Declared { declarations, .. } } => {
                    *declared = Arc::from(declarations);
                    self.declared.push((at, Arc::clone(declared)));
                }
                Happened { at, what: What::Ruled { rules, .. } } => self.ruled.push((at, rules)),
                Happened { at, what: What::Compiled(compiled) } => {
                    let story = Story {
                        compiled,
                        compiled_at: (seq, at),
                        declared: Arc::clone(declared),
                        events: Vec::new(),
                        erased: 0,
                    };
                    self.stories.insert(story.compiled.number, story);
                }
                happened => self.happened.push((seq, happened)),
            },
        }
    }

    /// The instance that a person means: a number, an id, or the beginning of one; the last one where nothing is said.
    pub fn find(&self, named: Option<&str>) -> Result<&Story, Failure> {
        let none = |message: String| Failure::new(Exit::Refused, message);
        let Some(named) = named else {
            return self
                .stories
                .values()
                .next_back()
                .ok_or_else(|| none("the journal holds no instance".to_owned()));
        };
        if let Some(story) = named.parse().ok().and_then(|number: Number| self.stories.get(&number)) {
            return Ok(story);
        }
        if named.parse().is_ok_and(|number: Number| self.erased.contains_key(&number)) {
            return Err(none(format!(
                "instance {named} is erased: its plan cannot be read by anybody any more"
            )));
        }
        let fits = |story: &&Story| story.compiled.instance.to_string().starts_with(named);
        let mut found = self.stories.values().filter(fits);
        match (found.next(), found.next()) {
            (Some(story), None) => Ok(story),
            (Some(_), Some(_)) => Err(none(format!("`{named}` begins the id of more than one instance"))),
            (None, _) => Err(none(format!(
                "no instance is `{named}`; see `xops status`, or `xops trace` for the last one"
            ))),
        }
    }

    /// What to say of a story whose events were exported and removed, if they were.
    pub fn removed(&self, story: &Story) -> Option<String> {
        let begins = story.events.first().is_some_and(|(_, stamped)| matches!(stamped.event, Event::Started));
        let gone = !begins && story.erased == 0 && story.compiled_at.0 <= self.removed_to;
        gone.then(|| {
            let (number, to) = (story.compiled.number, self.removed_to);
            format!("the events of instance {number} were exported and removed, with all up to event {to}; only its end stayed")
        })
    }

    /// The saga of a story, under what was declared at its time.
    pub fn saga(&self, story: &Story) -> Saga {
        let systems = story.declared.systems.values().map(|system| {
            let mut config = system.vars.clone();
            config.insert("base_url".to_owned(), system.base_url.as_str().into());
            (system.name.clone(), config)
        });
        let archive =
            Archive { declared: Arc::clone(&story.declared), manifests: Arc::clone(&self.manifests) };
        Saga {
            instance: story.compiled.instance,
            plan: Arc::new(story.compiled.plan.clone()),
            shared: Arc::new(Shared {
                tenant: story.declared.tenant.clone(),
                connector: Arc::new(archive),
                systems: systems.collect(),
                key: self.key,
                bounds: Bounds::default(),
            }),
        }
    }
}

/// The connectors as they were: contracts from the journal, requests from a manifest only if it is still the same.
pub struct Archive {
    declared: Arc<Declarations>,
    manifests: Arc<Manifests>,
}

impl Archive {
    fn gone(what: &AwfName) -> Unrendered {
        Unrendered { what: what.to_string(), why: "its manifest has changed since".to_owned() }
    }
}

impl Connector for Archive {
    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.declared.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let then = self.contract(ask.awf).map(|contract| contract.manifest);
        let now = self.manifests.contract(ask.awf).map(|contract| contract.manifest);
        if then == now { self.manifests.render(ask) } else { Err(Self::gone(ask.awf)) }
    }

    fn classify(&self, _ask: &Ask<'_>, _response: &Response) -> Called {
        Called::Unknown("a journal asks no system".to_owned())
    }

    fn sight(&self, _ask: &Ask<'_>, _response: &Response) -> Page {
        Page::Failed(Called::Unknown("a journal asks no system".to_owned()))
    }

    fn reads(&self, _system: &str) -> Vec<ReadContract> {
        Vec::new()
    }

    fn render_read(&self, _config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        Err(Self::gone(&AwfName::new(read.system, read.read)))
    }

    fn page(&self, _config: &Values, _read: &ReadAsk<'_>, _response: &Response) -> ReadPage {
        ReadPage::Failed(Called::Unknown("a journal asks no system".to_owned()))
    }
}

/// `xops verify`.
pub fn verify(common: &Common) -> Outcome {
    let project = project::read(common)?;
    let tenant = project.declarations.tenant;
    let places = Places::of(common, &tenant);
    begun(&places)?;
    let keys = Keys::new(&tenant, &session::key(common, &places, false)?);
    let report = Reader::open(&places.journal, &keys).and_then(|reader| reader.verify()).map_err(damaged)?;
    let head = Value::from(hex(&report.head.hash));
    match common.output {
        Format::Text => {
            json::text(&format!(
                "journal ok: {} events in {} frames in {} files, {} bytes; head {} at event {}\n",
                report.events, report.frames, report.files, report.bytes, head, report.head.seq
            ))?;
            json::text(&removed(&report))?;
        }
        Format::Json | Format::Sarif | Format::Csv => json::print(&serde_json::json!({
            "ok": true, "events": report.events, "frames": report.frames, "files": report.files,
            "bytes": report.bytes, "removed_files": report.removed_files, "removed_events": report.removed_events, "head": { "seq": report.head.seq, "hash": head.to_string() },
        }))?,
    }
    Ok(Exit::Done)
}

/// What is said of files that were exported and removed; nothing if none were.
pub fn removed(report: &Report) -> String {
    if report.removed_files == 0 {
        return String::new();
    }
    format!(
        "before them {} files were exported and removed, with {} events that are not here any more\n",
        report.removed_files, report.removed_events
    )
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
