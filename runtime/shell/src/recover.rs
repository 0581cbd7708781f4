//! Recovery: the same fold as running, over the newest good snapshot and the entries of the journal behind it.
//!
//! Invariants: the journal is the truth: a snapshot that is bad in any way is set aside, and all of the journal is folded instead;
//! instances that rest are put on the shelf while folding, so that a journal with a million of them needs no more memory than
//! running did; what an erased subject said is passed over, and so is what hangs on it.

use crate::card::{self, Away, Card, Live};
use crate::engine::Error;
use crate::hub::Timer;
use crate::snapshot::{self, Restored, is_known, place_of, with_word};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};
use xops_journal::disk::Disk;
use xops_journal::erase;
use xops_journal::journal::{Journal, Options};
use xops_journal::keys::Keys;
use xops_journal::random;
use xops_journal::read::Reader;
use xops_journal::snapshot::held;
use xops_journal::snapshot::shelf::Shelf;
use xops_journal::stored::{self, Decoded};
use xops_journal::subjects::{Subject, SubjectKeys};
use xops_kernel::culprit::Culprit;
use xops_kernel::log::{Entry, Erased, Number, What};
use xops_kernel::machine::Machine;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{Effect, Event};
use xops_kernel::saga::{Saga, Shared};
use xops_robots::service::{Service, State};

/// How many instances may be in memory before those that rest are put on the shelf.
const LIVE_MAX: usize = 16_384;
/// How many events are handed to the fold at once: enough that handing over costs nothing, and few enough to stay in a cache.
const BATCH: usize = 256;
/// How many batches may wait for the fold.
const HANDED_MAX: usize = 16;

/// What recovery makes of the journal.
#[derive(Default)]
pub(crate) struct Fold {
    pub(crate) state: State,
    pub(crate) live: HashMap<Number, Live>,
    pub(crate) breakers: BTreeMap<String, Millis>,
    pub(crate) at: Millis,
    pub(crate) timers: Vec<Timer>,
    /// Where what rests is put; nowhere, where the journal is only looked at.
    pub(crate) shelf: Option<Shelf>,
    /// How many entries were passed over because their subject was erased.
    pub(crate) erased: u64,
    /// The subjects of whom something was said behind the snapshot that nobody can read any more.
    gone: BTreeSet<Subject>,
    /// The erasures that were written down behind the snapshot.
    erasures: Vec<Erased>,
    /// When the shelf is used next: when so many are at hand.
    sweep_at: usize,
}

impl Fold {
    /// Begins with nothing, and a shelf for what rests.
    pub(crate) fn on(shelf: Shelf) -> Self {
        Self { shelf: Some(shelf), ..Self::default() }
    }

    /// Begins with what a snapshot holds.
    pub(crate) fn of(restored: Restored, shared: &Arc<Shared>) -> Self {
        let Restored { mut state, live, timers, breakers, at, shelf, erased, .. } = restored;
        let mut by_number = HashMap::with_capacity(live.len());
        for card in live {
            let number = card.number;
            let (running, live) = card.bring_back(shared);
            state.adopt(number, running);
            by_number.insert(number, live);
        }
        let shelf = Some(shelf);
        let mut fold =
            Self { state, live: by_number, breakers, at, timers, shelf, erased, ..Self::default() };
        fold.forget_erased();
        fold
    }

    /// Whoever drove an entity and was erased drives it no more.
    fn forget_erased(&mut self) {
        if self.erased > 0 {
            let mut driven = std::mem::take(&mut self.state.driven);
            driven.retain(|_, number| is_known(&self.state, *number));
            self.state.driven = driven;
        }
    }

    /// Whether an entry hangs on what an erased subject said, and so cannot be folded. What is known of it without that is: that
    /// an instance had this number, and how it ended.
    fn is_of_the_erased(&mut self, entry: &Entry) -> bool {
        if self.gone.is_empty() {
            return false;
        }
        match entry {
            Entry::Tenant(happened) => {
                let (request, entity, number) = match &happened.what {
                    What::Compiled(it) => (it.request, Some(it.plan.entity), it.number),
                    What::Unchanged { request, entity, .. } | What::Deferred { request, entity } => {
                        (*request, Some(*entity), 0)
                    }
                    What::Refused { request, entity, .. } => (*request, *entity, 0),
                    _ => return false,
                };
                let deferred = matches!(happened.what, What::Deferred { .. });
                let gone = self.gone.contains(&request.0)
                    || entity.is_some_and(|entity| deferred && self.gone.contains(&entity.0));
                if number > 0 && gone {
                    self.state.numbers = self.state.numbers.max(number);
                }
                gone
            }
            Entry::Instance(number, stamped) => {
                let known = self.live.contains_key(number) || is_known(&self.state, *number);
                if !known {
                    self.at = self.at.max(stamped.at);
                    self.state.numbers = self.state.numbers.max(*number);
                    if let Event::Ended { end } = stamped.event {
                        *self.state.ended.entry(end).or_default() += 1;
                    }
                }
                !known
            }
        }
    }

    pub(crate) fn take(
        &mut self,
        shared: &Arc<Shared>,
        subjects: &SubjectKeys,
        entry: Entry,
    ) -> Result<(), String> {
        if self.is_of_the_erased(&entry) {
            return Ok(());
        }
        let began = match &entry {
            Entry::Tenant(happened) => {
                self.at = self.at.max(happened.at);
                if let What::Erased(erased) = &happened.what {
                    self.erasures.push((**erased).clone());
                }
                if let What::Breaker { system, until, .. } = &happened.what {
                    match until {
                        Some(until) => drop(self.breakers.insert(system.clone(), *until)),
                        None => drop(self.breakers.remove(system)),
                    }
                }
                matches!(happened.what, What::Compiled(_))
            }
            Entry::Instance(number, stamped) => {
                self.at = self.at.max(stamped.at);
                self.bring_back(shared, subjects, *number)?;
                let Some(live) = self.live.get_mut(number) else {
                    // It began with what an erased subject said.
                    return if self.erased > 0 {
                        Ok(())
                    } else {
                        Err(format!("instance {number} never began"))
                    };
                };
                let stepped = live.saga.step(&mut live.state, stamped, &mut Vec::new());
                stepped.map_err(|refused| refused.to_string())?;
                live.epoch = self.state.epoch;
                if matches!(stamped.event, Event::Ended { .. }) {
                    self.live.remove(number);
                }
                false
            }
        };
        self.skip_erased(&entry);
        match Service.step(&mut self.state, &entry, &mut Vec::new()) {
            Ok(()) if began => self.begin(shared, subjects, entry),
            Ok(()) => Ok(()),
            // What it hangs on was said by an erased subject.
            Err(refused) if self.erased > 0 => {
                tracing::warn!(%refused, "an entry of the journal is passed over");
                Ok(())
            }
            Err(refused) => Err(refused.to_string()),
        }
    }

    /// Takes what was read of the journal.
    fn admit(
        &mut self,
        shared: &Arc<Shared>,
        subjects: &SubjectKeys,
        seq: u64,
        decoded: Result<Decoded, stored::Error>,
    ) -> Result<(), Error> {
        match decoded {
            Ok(Decoded::Entry(entry)) => {
                self.take(shared, subjects, *entry).map_err(|why| Error::Unfolded { seq, why })
            }
            Ok(Decoded::Erased(subject)) => {
                tracing::debug!(seq, "an event of an erased subject is passed over");
                self.erased += 1;
                self.gone.insert(subject);
                Ok(())
            }
            Err(source) => Err(Error::Stored { seq, source }),
        }
    }

    fn begin(&mut self, shared: &Arc<Shared>, subjects: &SubjectKeys, entry: Entry) -> Result<(), String> {
        let Entry::Tenant(happened) = entry else { return Ok(()) };
        let What::Compiled(compiled) = happened.what else { return Ok(()) };
        let (number, instance, handle) = (compiled.number, compiled.instance, compiled.handle);
        let saga = Saga { instance, plan: Arc::new(compiled.plan), shared: Arc::clone(shared) };
        let state = saga.fresh();
        self.live.insert(number, Live { saga, state, handle, epoch: self.state.epoch });
        if self.live.len() > LIVE_MAX.max(self.sweep_at) {
            self.sweep(subjects)?;
            self.sweep_at = self.live.len() * 2;
        }
        Ok(())
    }

    /// Instances of erased subjects had numbers too, and requests that are not known to be open any more.
    fn skip_erased(&mut self, entry: &Entry) {
        let Entry::Tenant(happened) = entry else { return };
        if self.erased == 0 {
            return;
        }
        if let What::Compiled(compiled) = &happened.what {
            self.state.numbers = self.state.numbers.max(compiled.number.saturating_sub(1));
        }
    }

    fn bring_back(
        &mut self,
        shared: &Arc<Shared>,
        subjects: &SubjectKeys,
        number: Number,
    ) -> Result<(), String> {
        let Some(place) = self.state.shelved.get(&number).copied().map(place_of) else { return Ok(()) };
        let Some(places) = &mut self.shelf else { return Ok(()) };
        let card: Option<Card> = places.get(place, subjects).map_err(|error| error.to_string())?;
        places.release(place);
        match card {
            Some(card) if card.number == number => {
                let (running, live) = card.bring_back(shared);
                self.state.bring_back(number, running);
                self.live.insert(number, live);
            }
            Some(card) => return Err(format!("instance {} lies where {number} was put", card.number)),
            None => {
                self.erased += 1;
                self.state.shelved.remove(&number);
                self.forget_erased();
            }
        }
        Ok(())
    }

    /// Puts everything that rests on the shelf.
    pub(crate) fn sweep(&mut self, subjects: &SubjectKeys) -> Result<(), String> {
        let Some(places) = &mut self.shelf else { return Ok(()) };
        let resting: Vec<(Number, Vec<Effect>)> = self
            .live
            .iter()
            // What is set aside stays where its state is known.
            .filter(|(number, _)| !self.state.is_aside(&Culprit::Instance(**number)))
            .filter_map(|(number, live)| Some((*number, card::rests(&live.saga, &live.state)?)))
            .collect();
        for (number, effects) in resting {
            let Some(running) = self.state.running.get(&number).cloned() else { continue };
            let Some(Live { saga, state, handle, epoch }) = self.live.remove(&number) else { continue };
            let key = saga.shared.key;
            let word = state.word();
            let away = Away { number, epoch, handle, running, plan: Arc::clone(&saga.plan), state };
            let place =
                places.put(&away.card(&key), away.subject(), subjects).map_err(|error| error.to_string())?;
            let Some(place) = place else {
                let Away { handle, state, .. } = away;
                self.live.insert(number, Live { saga, state, handle, epoch });
                continue;
            };
            self.state.put_away(number, with_word(place, word));
            self.timers.extend(effects.iter().filter_map(|effect| match effect {
                Effect::Wake { step, attempt, at, .. } => Some((*at, number, *step, *attempt)),
                _ => None,
            }));
        }
        Ok(())
    }
}

/// A journal that was opened, and what it folds to.
pub(crate) struct Opened {
    pub(crate) journal: Journal,
    pub(crate) subjects: SubjectKeys,
    pub(crate) fold: Fold,
    /// How many events were folded, those behind a snapshot aside.
    pub(crate) tail: u64,
}

/// Opens a journal and folds it, from the newest snapshot that is good. The journal comes first: under a wrong key, or beside
/// another process, nothing is touched. The keyring is opened behind it. An erasure that a crash interrupted, or that an older
/// keyring undid, is carried out before anything else: then what it names is passed over as a whole.
pub(crate) fn open(
    disk: &Arc<dyn Disk>,
    keys: &Keys,
    keyring: impl FnOnce() -> Result<SubjectKeys, xops_journal::error::Error>,
    options: Options,
    shared: &Arc<Shared>,
) -> Result<Opened, Error> {
    let begun = Instant::now();
    let (journal, opened, with_snapshots) = journal_on(disk, keys, options)?;
    let mut subjects = keyring()?;
    let opening = begun.elapsed();
    let mut late = settle(&mut subjects, &erase::remembered(&**disk, keys))?;
    let around = Around { disk, keys, journal: &journal, shared, with_snapshots };
    let mut first = around.fold(&subjects);
    let erasures = match &first {
        Ok((fold, _)) => fold.erasures.clone(),
        // What does not fold may hang on half of an erasure that stands further on.
        Err(Error::Unfolded { .. }) => erase::written(&Reader::open_on(Arc::clone(disk), keys)?, &subjects)?,
        Err(_) => Vec::new(),
    };
    let owed: Vec<_> = erasures.iter().flat_map(|erased| erased.subjects.iter().copied()).collect();
    if settle(&mut subjects, &owed)? {
        late = true;
        first = around.fold(&subjects);
    }
    if late {
        held::forget(&**disk, None)?;
    }
    let (fold, from) = first?;
    let tail = (opened.last_seq + 1).saturating_sub(from);
    let (events, files, recovered) = (opened.last_seq, opened.files, opened.recovered);
    let (live, away) = (fold.live.len(), fold.state.shelved.len());
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let (open_ms, fold_ms) = (ms(opening), ms(begun.elapsed().saturating_sub(opening)));
    tracing::info!(events, files, recovered, folded = tail, live, away, open_ms, fold_ms, "journal open");
    Ok(Opened { journal, subjects, fold, tail })
}

/// Destroys keys that are still there; whether there were any.
fn settle(subjects: &mut SubjectKeys, owed: &[(Subject, u32)]) -> Result<bool, Error> {
    let keys = erase::destroy(subjects, owed)?;
    if keys > 0 {
        tracing::warn!(keys, "an erasure was not finished, or undone: its keys are destroyed now");
    }
    Ok(keys > 0)
}

/// Opens the journal, held to the newest snapshot's place; also whether there is a snapshot to begin with.
fn journal_on(
    disk: &Arc<dyn Disk>,
    keys: &Keys,
    options: Options,
) -> Result<(Journal, xops_journal::journal::Opened, bool), Error> {
    let random = random::System::default();
    // A journal can be held to one place: where the operator gave one, no snapshot is used.
    let mut seqs =
        if options.expect_head.is_none() { xops_journal::snapshot::list(&**disk)? } else { Vec::new() };
    seqs.reverse();
    let place = |seqs: &[u64]| {
        let newest = seqs.iter().rev();
        newest.copied().find_map(|seq| xops_journal::snapshot::place_of(&**disk, seq, keys).ok())
    };
    loop {
        let expect_head = options.expect_head.or(place(&seqs));
        // What a snapshot stands for is not read: the scrub does that while the daemon runs, and so does whoever asks for it.
        let check_sealed = options.check_sealed && seqs.is_empty();
        let options = Options { expect_head, check_sealed, ..options };
        match Journal::open_on(Arc::clone(disk), &random, keys, options) {
            // A place that the journal does not lead to: either the journal was put back, which its own head tells, or the
            // snapshot is not of it.
            Err(xops_journal::error::Error::RolledBack { expected, found }) if seqs.contains(&expected) => {
                set_aside(&**disk, expected, &format!("the journal does not lead there: {found}"))?;
                seqs.retain(|seq| *seq != expected);
            }
            other => {
                let (journal, opened) = other?;
                return Ok((journal, opened, !seqs.is_empty()));
            }
        }
    }
}

/// What folding needs beside the keys of persons.
struct Around<'a> {
    disk: &'a Arc<dyn Disk>,
    keys: &'a Keys,
    journal: &'a Journal,
    shared: &'a Arc<Shared>,
    with_snapshots: bool,
}

impl Around<'_> {
    /// What the journal folds to, and the first event that was folded.
    fn fold(&self, subjects: &SubjectKeys) -> Result<(Fold, u64), Error> {
        let Self { disk, keys, journal, shared, with_snapshots } = *self;
        let restored = if with_snapshots { newest(disk, keys, subjects)? } else { None };
        if let Some(restored) = restored {
            let from = restored.place.seq + 1;
            match folded(journal, Fold::of(restored, shared), from, subjects, shared) {
                Ok(fold) => return Ok((fold, from)),
                Err(why) => set_aside(&**disk, from - 1, &why.to_string())?,
            }
        }
        let empty = Shelf::empty(Arc::clone(disk), Box::new(random::System::default()), keys)?;
        Ok((folded(journal, Fold::on(empty), 1, subjects, shared)?, 1))
    }
}

/// Folds what stands in a journal from an event on, and puts away what rests.
fn folded(
    journal: &Journal,
    mut fold: Fold,
    from: u64,
    subjects: &SubjectKeys,
    shared: &Arc<Shared>,
) -> Result<Fold, Error> {
    replay(|visit| journal.replay(from, visit), subjects, shared, &mut fold)?;
    fold.sweep(subjects).map_err(|why| Error::Unfolded { seq: journal.head().seq, why })?;
    Ok(fold)
}

/// The newest snapshot that is good, if there is one. Those that are not are set aside.
fn newest(disk: &Arc<dyn Disk>, keys: &Keys, subjects: &SubjectKeys) -> Result<Option<Restored>, Error> {
    for seq in xops_journal::snapshot::list(&**disk)? {
        match snapshot::read(disk, seq, keys, subjects) {
            Ok(restored) => return Ok(Some(restored)),
            Err(why) => set_aside(&**disk, seq, &why.to_string())?,
        }
    }
    Ok(None)
}

/// Sets a snapshot aside, and says so.
fn set_aside(disk: &dyn Disk, seq: u64, why: &str) -> Result<(), Error> {
    tracing::warn!(seq, why, "a snapshot is bad and set aside: the journal is folded instead");
    Ok(xops_journal::snapshot::set_aside(disk, seq)?)
}

/// What a journal calls for each event.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(u64, u64, &[u8]) -> ControlFlow<()>;

/// An event of the journal as it was read, with its number.
type Read = (u64, Result<Decoded, stored::Error>);

/// Folds a journal entry by entry: this thread reads and decodes, another folds what this one hands over. What an erased subject
/// said cannot be folded; it is passed over with a warning.
pub(crate) fn replay(
    walk: impl FnOnce(Visit<'_>) -> Result<(), xops_journal::error::Error>,
    subjects: &SubjectKeys,
    shared: &Arc<Shared>,
    fold: &mut Fold,
) -> Result<(), Error> {
    let (hand_over, handed) = sync_channel::<Vec<Read>>(HANDED_MAX);
    std::thread::scope(|scope| {
        let folding = scope.spawn(move || {
            let mut read = handed.into_iter().flatten();
            read.try_for_each(|(seq, decoded)| fold.admit(shared, subjects, seq, decoded))
        });
        let mut batch = Vec::with_capacity(BATCH);
        let walked = walk(&mut |seq, stream, body| {
            batch.push((seq, stored::decode(stream, body, subjects)));
            if batch.len() < BATCH {
                return ControlFlow::Continue(());
            }
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            // Nobody takes it: the fold has stopped, and says why.
            hand_over.send(full).map_or(ControlFlow::Break(()), ControlFlow::Continue)
        });
        let _it_has_stopped = hand_over.send(batch);
        drop(hand_over);
        let folded = folding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        folded.and(walked.map_err(Error::from))
    })
}
