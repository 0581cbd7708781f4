//! An engine for one command: the project, the keys, the journal, the wire.

use crate::arguments::Common;
use crate::exit::{Exit, Failure};
use crate::journal;
use crate::project::{self, Project};
use crate::wire;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use xops_journal::journal::Options;
use xops_journal::keys::TenantKey;
use xops_journal::random::System;
use xops_kernel::saga::Bounds;
use xops_kernel::value::{Value, Values};
use xops_shell::crash::Crash;
use xops_shell::cut::Cadence;
use xops_shell::engine::{Engine, Ledger, Setup};
use xops_shell::limits::{Limits, OPEN_MAX};

/// Where a tenant's things are.
pub struct Places {
    /// The journal's folder.
    pub journal: PathBuf,
    /// The subjects' keys, outside of it.
    pub subjects: PathBuf,
    /// The tenant's key, unless it is given otherwise.
    pub key: PathBuf,
    /// The key that signs checkpoints.
    pub signer: PathBuf,
    /// What a running daemon says of itself.
    pub daemon: PathBuf,
}

impl Places {
    /// The places of a tenant below the data folder.
    pub fn of(common: &Common, tenant: &str) -> Self {
        let root = common.data.join(tenant);
        Self {
            journal: root.join("journal"),
            subjects: root.join("keys").join("subjects"),
            key: root.join("keys").join("tenant.key"),
            signer: root.join("keys").join("checkpoint.key"),
            daemon: root.join("daemon.json"),
        }
    }
}

/// The tenant's key: from `XOPS_KEY`, from the file that was named, or from the tenant's own place, where `make` makes it.
pub fn key(common: &Common, places: &Places, make: bool) -> Result<TenantKey, Failure> {
    if std::env::var_os("XOPS_KEY").is_some() {
        return TenantKey::from_env("XOPS_KEY").map_err(Failure::plain);
    }
    if let Some(file) = &common.key_file {
        return TenantKey::from_file(file).map_err(Failure::plain);
    }
    if places.key.exists() {
        return TenantKey::from_file(&places.key).map_err(Failure::plain);
    }
    if !make {
        let message = format!("there is no tenant key at `{}`", places.key.display());
        let note = "name the data folder with --data, or the key with --key-file or XOPS_KEY";
        return Err(Failure::plain(message).with([note.to_owned()]));
    }
    create_dir(places.key.parent())?;
    let key = TenantKey::generate(&places.key, &System::default()).map_err(Failure::plain)?;
    anstream::eprintln!(
        "made a new tenant key at {}; keep a copy: without it the journal cannot be read",
        places.key.display()
    );
    Ok(key)
}

fn create_dir(dir: Option<&Path>) -> Result<(), Failure> {
    let Some(dir) = dir else { return Ok(()) };
    std::fs::create_dir_all(dir)
        .map_err(|error| Failure::plain(format!("failed to make `{}`: {error}", dir.display())))
}

/// How an engine is wanted.
#[derive(Default)]
pub struct Wanted {
    /// Whether it writes: else it only looks.
    pub writes: bool,
    /// Whether its robots read again by themselves.
    pub watch: bool,
    /// The crash point.
    pub crash: Option<Arc<Crash>>,
    /// How many requests may be open, where that is said.
    pub open_max: Option<usize>,
}

/// Starts an engine for a project.
pub async fn start(common: &Common, project: &Project, wanted: Wanted) -> Result<Engine, Failure> {
    let (wire, systems) = wire::connect(common, project)?;
    let places = Places::of(common, &project.declarations.tenant);
    let looks = places.key.exists() || common.key_file.is_some() || std::env::var_os("XOPS_KEY").is_some();
    let key = if wanted.writes || looks {
        key(common, &places, wanted.writes)?
    } else {
        // A look needs a key only to name plans; without the tenant's own the names are not the tenant's either.
        TenantKey::from_bytes([0; 32])
    };
    if wanted.writes {
        create_dir(Some(&places.journal))?;
        create_dir(places.subjects.parent())?;
    }
    let setup = Setup {
        declarations: Arc::new(in_force(project, &systems)),
        identities: project.identities.clone(),
        connector: Arc::clone(&project.manifests) as Arc<dyn xops_kernel::port::Connector>,
        transport: Arc::new(wire),
        systems,
        ledger: if wanted.writes {
            Ledger::Write(places.journal.clone())
        } else if looks && places.journal.is_dir() {
            Ledger::Read(places.journal.clone())
        } else {
            Ledger::None
        },
        subjects: places.subjects.clone(),
        key,
        options: Options::default(),
        bounds: Bounds::default(),
        cadence: Cadence::default(),
        watch: wanted.watch,
        crash: wanted.crash,
    };
    let open_max = wanted.open_max.unwrap_or(OPEN_MAX);
    let engine = Engine::start_within(setup, Limits { open_max, ..Limits::default() }).await;
    let engine = engine.map_err(|error| {
        use xops_shell::engine::Error;
        let why = format!("failed to start: {error}");
        let exit = match error {
            Error::Journal(error) => journal::damaged(error).exit,
            Error::Thread(_) | Error::Directory { .. } | Error::NoShelf => Exit::Failed,
            Error::Stored { .. } | Error::Unfolded { .. } => Exit::Damaged,
        };
        Failure::new(exit, why)
    })?;
    engine.relate(&project.standards.refers);
    engine.list(&project.standards.watched);
    engine.precede(project.standards.supersedes.clone()).await;
    Ok(engine)
}

/// The declarations as they are in force: the journal keeps where a system really was, so that replay renders what was sent.
fn in_force(
    project: &Project,
    systems: &std::collections::BTreeMap<String, Values>,
) -> xops_kernel::declare::Declarations {
    let mut declarations = project.declarations.clone();
    for (name, config) in systems {
        if let Some(system) = declarations.systems.get_mut(name) {
            system.vars.clone_from(config);
            if let Some(Value::Text(base_url)) = system.vars.remove("base_url") {
                system.base_url = base_url;
            }
        }
    }
    declarations
}

/// Reads the project and starts an engine for it.
pub async fn open(common: &Common, wanted: Wanted) -> Result<(Project, Engine), Failure> {
    let project = project::sound(common)?;
    let engine = start(common, &project, wanted).await?;
    Ok((project, engine))
}

/// Whom a command is about: `person:sarah.chen`, or a kind and `--where attribute=value`.
pub fn find(project: &Project, entity: &str, find: &[String]) -> Result<(String, Values), Failure> {
    let (kind, handle) = entity.split_once(':').map_or((entity, None), |(kind, handle)| (kind, Some(handle)));
    let usage = |message: String| Failure::new(Exit::Usage, message);
    let declared = project.declarations.entities.get(kind).ok_or_else(|| {
        let kinds: Vec<_> = project.declarations.entities.keys().cloned().collect();
        usage(format!("no entity `{kind}` is declared; declared are: {}", kinds.join(", ")))
    })?;
    let mut values = Values::new();
    values.extend(handle.map(|handle| (declared.handle.clone(), Value::from(handle))));
    for condition in find {
        let (name, value) = condition
            .split_once('=')
            .ok_or_else(|| usage(format!("`{condition}` is no condition: write attribute=value")))?;
        if !declared.attributes.contains_key(name) {
            let names: Vec<_> = declared.attributes.keys().cloned().collect();
            return Err(usage(format!("{kind} has no attribute `{name}`; it has: {}", names.join(", "))));
        }
        values.insert(name.to_owned(), value.into());
    }
    if values.is_empty() {
        return Err(usage(format!("say whom: `{kind}:HANDLE`, or --where attribute=value")));
    }
    Ok((kind.to_owned(), values))
}
