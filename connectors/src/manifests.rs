//! The manifests of a project: the one connector that the kernel and the robots ask.
//!
//! Absent: I/O, state, and anything that is written for one system.

use crate::answer::Answer;
use crate::auth::Auth;
use crate::judge::{self, Capture};
use crate::load;
use crate::model::webhook::Webhook;
use crate::model::{Awf, Deletes, Look, Manifest, Poll, Read, Var};
use crate::polling::{Polled, Polling};
use crate::reading::Reading;
use crate::scope::Scope;
use crate::sight::Question;
use crate::trail::Trail;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xops_kernel::awf::{AwfName, Contract, Undo};
use xops_kernel::id::Digest;
use xops_kernel::port::{
    Ask, Connector, Delta, Limit, Outcome, Page, Phase, ReadAsk, ReadContract, ReadPage, Request, Response,
    Unrendered,
};
use xops_kernel::value::{Type, Values};
use xops_source::finding::Finding;

/// The kinds of record of a manifest, with their attributes and types.
pub type Kinds = BTreeMap<String, BTreeMap<String, Type>>;

/// Every manifest, by the system's name.
#[derive(Clone, Debug, Default)]
pub struct Manifests {
    systems: BTreeMap<String, Arc<Manifest>>,
    contracts: BTreeMap<AwfName, Contract>,
}

impl Manifests {
    /// Reads manifests from `(name of the file, its bytes)`. What is wrong in any of them is told at once; a manifest with a
    /// mistake is left out of the result.
    pub fn load(files: &[(String, Vec<u8>)]) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let manifests = load::manifests(files, &mut findings);
        xops_source::finding::sort(&mut findings);
        (
            Self::of(manifests.into_iter().map(|manifest| (manifest.name.clone(), Arc::new(manifest)))),
            findings,
        )
    }

    /// The same manifests under the names that a tenant gives its systems: `(system, manifest)`. Pairs whose manifest does
    /// not exist are left out.
    #[must_use]
    pub fn bound<'a>(&self, systems: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::of(systems.into_iter().filter_map(|(system, name)| {
            let manifest = self.systems.get(name)?;
            let renamed =
                if system == name { Arc::clone(manifest) } else { Arc::new(renamed(manifest, system)) };
            Some((system.to_owned(), renamed))
        }))
    }

    fn of(systems: impl Iterator<Item = (String, Arc<Manifest>)>) -> Self {
        let systems: BTreeMap<String, Arc<Manifest>> = systems.collect();
        let all = systems.values().flat_map(|manifest| manifest.awfs.values());
        let contracts = all.map(|awf| (awf.contract.name.clone(), awf.contract.clone())).collect();
        Self { systems, contracts }
    }

    /// The contracts of all AWFs.
    pub fn contracts(&self) -> &BTreeMap<AwfName, Contract> {
        &self.contracts
    }

    /// For each manifest: its kinds of record, their attributes and types.
    pub fn facts(&self) -> BTreeMap<String, Kinds> {
        let kinds = |manifest: &Manifest| {
            let mut kinds = Kinds::new();
            for read in &manifest.reads {
                let attributes = kinds.entry(read.kind.clone()).or_default();
                attributes.extend(read.attributes.iter().map(|(name, (is, _))| (name.clone(), is.clone())));
            }
            kinds
        };
        self.systems.iter().map(|(system, manifest)| (system.clone(), kinds(manifest))).collect()
    }

    /// The manifest of `system`.
    pub fn manifest(&self, system: &str) -> Option<&Manifest> {
        self.systems.get(system).map(AsRef::as_ref)
    }

    /// The systems, by name.
    pub fn systems(&self) -> impl Iterator<Item = &str> {
        self.systems.keys().map(String::as_str)
    }

    /// How `system` wants to be told who asks.
    pub fn auth(&self, system: &str) -> Option<&Auth> {
        self.manifest(system).map(|manifest| &manifest.auth)
    }

    /// The hosts beside its base address to which the credential of `system` may go.
    pub fn hosts(&self, system: &str) -> &[String] {
        self.manifest(system).map_or(&[], |manifest| &manifest.hosts)
    }

    /// The variables that hold other base addresses of `system`.
    pub fn bases(&self, system: &str) -> BTreeSet<&str> {
        let Some(manifest) = self.manifest(system) else { return BTreeSet::new() };
        let lookups = manifest.lookups.values().map(|lookup| &lookup.shape);
        let reads = manifest.reads.iter().map(|read| &read.shape);
        let polls = manifest.awfs.values().filter_map(|awf| awf.poll.as_ref()).map(|poll| &poll.shape);
        let awfs = manifest.awfs.values().map(|awf| &awf.shape);
        lookups.chain(reads).chain(polls).chain(awfs).filter_map(|shape| shape.base.as_deref()).collect()
    }

    /// The inputs and outputs of `awf` that are shown to nobody.
    pub fn redacted(&self, awf: &AwfName) -> BTreeSet<String> {
        self.found(awf).map(|(_, awf)| awf.redact.clone()).unwrap_or_default()
    }

    /// Those of all AWFs of `system`.
    pub fn redacted_of(&self, system: &str) -> BTreeSet<&str> {
        let awfs = self.manifest(system).into_iter().flat_map(|manifest| manifest.awfs.values());
        awfs.flat_map(|awf| &awf.redact).map(String::as_str).collect()
    }

    /// What `system` sends by itself.
    pub fn webhooks(&self, system: &str) -> &[Webhook] {
        self.manifest(system).map_or(&[], |manifest| &manifest.webhooks)
    }

    /// The variables that the configuration of `system` sets.
    pub fn vars(&self, system: &str) -> Option<&BTreeMap<String, Var>> {
        self.manifest(system).map(|manifest| &manifest.vars)
    }

    fn found(&self, name: &AwfName) -> Option<(&Manifest, &Awf)> {
        let manifest = self.manifest(&name.system)?;
        Some((manifest, manifest.awfs.get(&name.function)?))
    }

    fn read(&self, system: &str, name: &str) -> Option<(&Manifest, &Read)> {
        let manifest = self.manifest(system)?;
        Some((manifest, manifest.reads.iter().find(|read| read.name == name)?))
    }
}

fn renamed(manifest: &Manifest, system: &str) -> Manifest {
    let mut manifest = manifest.clone();
    system.clone_into(&mut manifest.name);
    let rename = |name: &mut AwfName| system.clone_into(&mut name.system);
    for awf in manifest.awfs.values_mut() {
        rename(&mut awf.contract.name);
        match &mut awf.contract.undo {
            Undo::By { awf, .. } | Undo::Irreversible { forward: Some(awf) } => rename(awf),
            Undo::Irreversible { forward: None } | Undo::Nothing => {}
        }
    }
    manifest
}

/// An ask, with everything that it refers to at hand.
struct Asked<'a> {
    manifest: &'a Manifest,
    awf: &'a Awf,
    ask: &'a Ask<'a>,
    key: String,
    trail: Trail,
}

impl Asked<'_> {
    fn scope<'b>(&'b self, answer: Option<&'b Answer<'b>>) -> Scope<'b> {
        Scope {
            manifest: self.manifest,
            config: self.ask.system,
            inputs: self.ask.inputs,
            key: &self.key,
            snapshot: self.ask.snapshot,
            outputs: self.ask.outputs,
            trail: &self.trail,
            answer,
            item: None,
            delta: None,
        }
    }

    /// What is asked now because work goes on after the answer; what a call that was never answered began is not known.
    fn poll(&self) -> Option<Polling<'_>> {
        let due = self.ask.phase == Phase::Readback && !self.trail.polled;
        let told = |poll: &&Poll| poll.needs().iter().all(|name| self.ask.outputs.contains_key(name));
        let poll = self.awf.poll.as_ref().filter(|_| due).filter(told)?;
        Some(Polling { manifest: self.manifest, poll })
    }

    fn look(&self) -> Option<&Look> {
        let after =
            self.awf.after.as_ref().filter(|_| matches!(self.ask.phase, Phase::Probe | Phase::Readback));
        after.or(self.awf.before.as_ref())
    }

    /// Asks `then` with the lookup of this phase.
    fn lookup<T>(&self, then: impl FnOnce(Question<'_>) -> Result<T, String>) -> Result<T, String> {
        let look = self.look().ok_or("the AWF has no lookup")?;
        let name = self.trail.hop.as_deref().unwrap_or(&look.lookup);
        let lookup = self.manifest.lookups.get(name).ok_or_else(|| format!("there is no lookup `{name}`"))?;
        let scope = self.scope(None);
        let inputs: Values = look.with.iter().map(|(name, expr)| (name.clone(), scope.value(expr))).collect();
        then(Question {
            manifest: self.manifest,
            lookup,
            config: self.ask.system,
            inputs: &inputs,
            key: &self.key,
            snapshot: self.ask.snapshot,
        })
    }
}

impl Manifests {
    fn asked<'a>(&'a self, ask: &'a Ask<'a>) -> Option<Asked<'a>> {
        let (manifest, awf) = self.found(ask.awf)?;
        Some(Asked { manifest, awf, ask, key: ask.key.to_string(), trail: Trail::read(ask.carry) })
    }

    fn reading<T>(
        &self,
        config: &Values,
        ask: &ReadAsk<'_>,
        then: impl FnOnce(Reading<'_>, Trail) -> Result<T, String>,
    ) -> Result<T, String> {
        let (manifest, read) = self.read(ask.system, ask.read).ok_or("no manifest declares it")?;
        let parent = ask.parameter.map(|parent| ("parent".to_owned(), parent.into()));
        let inputs: Values = parent.into_iter().collect();
        then(Reading { manifest, read, config, inputs: &inputs, ask }, Trail::read(ask.carry))
    }
}

impl Connector for Manifests {
    fn edition(&self, system: &str) -> Option<Digest> {
        self.manifest(system).map(|manifest| manifest.digest)
    }

    fn limits(&self, system: &str) -> Vec<Limit> {
        self.manifest(system).map(|manifest| manifest.limits.clone()).unwrap_or_default()
    }

    fn contract(&self, awf: &AwfName) -> Option<&Contract> {
        self.contracts.get(awf)
    }

    fn render(&self, ask: &Ask<'_>) -> Result<Request, Unrendered> {
        let asked = self.asked(ask).ok_or_else(|| "no manifest declares it".to_owned());
        let request = asked.and_then(|asked| match ask.phase {
            Phase::Do => crate::render::action(&asked.scope(None), &asked.awf.shape),
            Phase::Snapshot | Phase::Probe | Phase::Readback => match asked.poll() {
                Some(polling) => polling.request(&asked.scope(None)),
                None => asked.lookup(|question| question.request(&asked.trail)),
            },
        });
        request.map_err(|why| Unrendered { what: format!("{} {}", ask.awf, ask.phase.word()), why })
    }

    fn classify(&self, ask: &Ask<'_>, response: &Response) -> Outcome {
        let Some(asked) = self.asked(ask) else {
            return Outcome::Unknown(format!("no manifest declares `{}`", ask.awf));
        };
        let answer = Answer::read(asked.manifest, &asked.awf.shape, response);
        let scope = asked.scope(Some(&answer));
        let capture = Capture { exprs: &asked.awf.capture, types: &asked.awf.contract.outputs };
        judge::outcome(&scope, &answer, &asked.awf.rules, &capture)
    }

    fn sight(&self, ask: &Ask<'_>, response: &Response) -> Page {
        let asked = self.asked(ask).ok_or_else(|| format!("no manifest declares `{}`", ask.awf));
        let page = asked.and_then(|mut asked| {
            if let Some(polling) = asked.poll() {
                let answer = Answer::read(asked.manifest, &polling.poll.shape, response);
                let seen = polling.sight(&asked.scope(Some(&answer)), &answer);
                if !matches!(seen, Polled::Done) || asked.look().is_none() {
                    return Ok(seen.page());
                }
                asked.trail.polled = true;
                let request = asked.lookup(|question| question.request(&asked.trail))?;
                return Ok(Page::More(Box::new(request), asked.trail.write()));
            }
            asked.lookup(|question| {
                let answer = Answer::read(asked.manifest, &question.lookup.shape, response);
                Ok(question.sight(asked.trail.clone(), &answer))
            })
        });
        page.unwrap_or_else(|why| Page::Failed(Outcome::Unknown(why)))
    }

    fn reads(&self, system: &str) -> Vec<ReadContract> {
        let reads = self.manifest(system).map_or(&[][..], |manifest| &manifest.reads);
        let contract = |read: &Read| ReadContract {
            system: system.to_owned(),
            name: read.name.clone(),
            kind: read.kind.clone(),
            for_each: read.for_each.clone(),
            timeout_ms: read.shape.timeout_ms,
            delta: match &read.delta {
                None => Delta::Never,
                Some(_) if read.deletes == Deletes::Tombstone => Delta::ChangesAndGone,
                Some(_) => Delta::Changes,
            },
            optional: read.optional,
        };
        reads.iter().map(contract).collect()
    }

    fn render_read(&self, config: &Values, read: &ReadAsk<'_>) -> Result<Request, Unrendered> {
        let request = self.reading(config, read, |reading, trail| reading.request(&trail));
        request.map_err(|why| Unrendered { what: format!("{} read {}", read.system, read.read), why })
    }

    fn page(&self, config: &Values, read: &ReadAsk<'_>, response: &Response) -> ReadPage {
        let page = self.reading(config, read, |reading, trail| {
            let answer = Answer::read(reading.manifest, &reading.read.shape, response);
            Ok(reading.page(&trail, &answer))
        });
        page.unwrap_or_else(|why| ReadPage::Failed(Outcome::Unknown(why)))
    }
}
