//! The letters to the Service robot.

use crate::card::Card;
use crate::keeper::Unfetched;
use actix::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use xops_kernel::culprit::Culprit;
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId, InstanceId, PlanId};
use xops_kernel::log::{Acknowledged, Compiled, Decided, Erased, Happened, Number, Request, Scope};
use xops_kernel::plan::Plan;
use xops_kernel::record::Millis;
use xops_kernel::saga::event::{End, Event};
use xops_kernel::saga::state::State;
use xops_kernel::value::Values;
use xops_robots::service::Answer;
use xops_robots::service::strikes::Strikes;
use xops_robots::service::swing::Swing;

/// So many entries of the tenant's stream are durable.
pub struct Durable(pub u32);

impl Message for Durable {
    type Result = ();
}

/// Work is asked for; the answer comes when it is durable.
pub struct Submit {
    /// The request.
    pub request: Request,
    /// Who waits.
    pub reply: oneshot::Sender<Answer>,
}

impl Message for Submit {
    type Result = Result<(), String>;
}

/// Starts instances of one plan that was compiled elsewhere: what a benchmark measures, and nothing else uses.
pub struct Begin {
    /// The plan.
    pub plan: Arc<Plan>,
    /// The requests, each with what is journaled of its compilation.
    pub of: Vec<(Request, Box<Compiled>)>,
}

impl Message for Begin {
    type Result = Vec<Number>;
}

/// Something of the tenant to be written down.
pub struct Note(pub Happened);

impl Message for Note {
    type Result = ();
}

/// Somebody is to be erased. Refused while an instance drives them or a request of theirs is open; else it is written down and
/// the keys are destroyed behind it.
pub struct Erase(pub Box<Erased>);

impl Message for Erase {
    type Result = Result<oneshot::Receiver<Result<usize, String>>, String>;
}

/// An instance came to another course.
pub struct Finished {
    /// Its number.
    pub number: Number,
    /// Its word before.
    pub was: &'static str,
    /// Its word now.
    pub word: &'static str,
    /// Its end, if it is over.
    pub end: Option<(End, Millis)>,
}

impl Message for Finished {
    type Result = ();
}

/// Waits until an instance is over or waits for a person; the word of its course.
pub struct Await(pub Number, pub oneshot::Sender<&'static str>);

impl Message for Await {
    type Result = ();
}

/// Tells of every instance that comes to its end. One watcher at a time; one whose channel is full is
/// told nothing more.
pub struct Watch(pub mpsc::Sender<(Number, &'static str)>);

impl Message for Watch {
    type Result = ();
}

/// Somebody decided of two records, or took that back. The reply comes when that is durable and the graph goes by it.
pub struct Decide {
    /// What.
    pub decided: Box<Decided>,
    /// Hears of it.
    pub reply: oneshot::Sender<()>,
}

impl Message for Decide {
    type Result = Result<(), String>;
}

/// Declares which outcomes supersede which: by the name of the one that does.
pub struct Precede(pub BTreeMap<String, BTreeSet<String>>);

impl Message for Precede {
    type Result = ();
}

/// Asks which plan the next one of an entity supersedes.
pub(crate) struct Parent(pub(crate) EntityId);

impl Message for Parent {
    type Result = Option<PlanId>;
}

/// Asks what xops granted an entity and has not taken back, and what a superseded instance may have granted.
pub struct Granted(pub EntityId);

impl Message for Granted {
    type Result = BTreeMap<Facet, Values>;
}

/// Asks for what reconciliation has to respect.
pub struct Steady;

impl Message for Steady {
    type Result = Steadiness;
}

/// What reconciliation has to respect.
#[derive(Clone, Debug, Default)]
pub struct Steadiness {
    /// What xops granted, by entity.
    pub granted: BTreeMap<EntityId, Arc<BTreeMap<Facet, Values>>>,
    /// What persons acknowledged, by drift.
    pub acknowledged: BTreeMap<Digest, Acknowledged>,
    /// The facets that are held if they are found undone once more, with what was undone.
    pub swings: BTreeMap<Facet, Vec<Swing>>,
}

/// Asks how an instance stands, if this process knows it.
pub struct Stand(pub Number);

impl Message for Stand {
    type Result = Option<&'static str>;
}

/// A view of the robot.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// How often the process started.
    pub epoch: u32,
    /// Instances under way, with their course: number, id, plan's name, entity's name for people, word.
    pub running: Vec<(Number, InstanceId, String, String, &'static str)>,
    /// How many instances are put away: they rest, and are not in memory.
    pub away: usize,
    /// Instances by word.
    pub words: BTreeMap<&'static str, u64>,
    /// Ended instances by end.
    pub ended: BTreeMap<&'static str, u64>,
    /// Requests without an answer.
    pub open: usize,
    /// Holds after a backstep: entity and instance.
    pub held: Vec<(String, InstanceId)>,
    /// Pauses: scope, who, why.
    pub paused: Vec<(Scope, String, String)>,
    /// What is set aside after panics.
    pub aside: Vec<(Culprit, Strikes)>,
}

/// Asks for a view.
pub struct Look;

impl Message for Look {
    type Result = View;
}

/// An instance rests: it may be put away, if nothing comes in between. `turn` counts what it took so far.
pub(crate) struct Resting {
    pub(crate) number: Number,
    pub(crate) turn: u64,
    pub(crate) state: State,
}

impl Message for Resting {
    type Result = ();
}

/// An instance left memory: where it lies, with its word.
pub(crate) struct PutAway {
    pub(crate) number: Number,
    pub(crate) shelved: u64,
}

impl Message for PutAway {
    type Result = ();
}

/// An instance was about to leave memory and stays.
pub(crate) struct Stayed(pub(crate) Number);

impl Message for Stayed {
    type Result = ();
}

/// Something happened for an instance that is not in memory: it is brought back.
pub(crate) struct Summon {
    pub(crate) number: Number,
    pub(crate) event: Option<Event>,
}

impl Message for Summon {
    type Result = ();
}

/// What was fetched for an instance that is brought back.
pub(crate) struct Back {
    pub(crate) number: Number,
    pub(crate) place: u64,
    pub(crate) card: Result<Box<Card>, Unfetched>,
}

impl Message for Back {
    type Result = ();
}

/// It is time for a snapshot.
pub(crate) struct TakeCut;

impl Message for TakeCut {
    type Result = ();
}

/// Waits until an instance that was put away is in memory; false if there is none of that number.
pub struct Wake(pub Number, pub oneshot::Sender<bool>);

impl Message for Wake {
    type Result = ();
}

/// Asks for everybody at one moment; of those that are put away, for the first so many.
pub(crate) struct Everybody(pub(crate) usize);

/// Everybody at one moment: each instance that has not ended is in one of the two places, and in one only.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    /// The robot, with the instances at hand.
    pub(crate) view: View,
    /// Those that are put away, with their words.
    pub(crate) away: BTreeMap<Number, &'static str>,
    /// What is known of them, from the shelf: asked for in the same turn, so before anything of it is given up.
    pub(crate) cards: Option<oneshot::Receiver<Vec<Card>>>,
}

impl Message for Everybody {
    type Result = Whole;
}

/// Asks whether everything rests: no request is open but what is set aside, every instance waits for a person, nothing is fetched for
/// one, and everything that was handed over is durable. If so, how many entries that was.
pub struct Rests;

impl Message for Rests {
    type Result = Option<u64>;
}

/// An actor panicked over something.
pub(crate) struct Struck {
    pub(crate) over: Culprit,
    /// The actor: `instance`, `platform.okta`.
    pub(crate) robot: String,
    /// What it was doing, in words of ours.
    pub(crate) doing: String,
    /// Whether it was the instance's own actor, which is gone.
    pub(crate) died: bool,
}

impl Message for Struck {
    type Result = ();
}

/// A live instance was set aside.
pub(crate) struct WentAside {
    pub(crate) number: Number,
    pub(crate) state: State,
}

impl Message for WentAside {
    type Result = ();
}

/// A person lets something that is set aside be tried again; an instance turns back first, where they say why.
pub struct Free {
    /// What.
    pub over: Culprit,
    /// Who.
    pub by: String,
    /// Why the instance is to turn back, if it is.
    pub turn: Option<String>,
}

impl Message for Free {
    type Result = Result<Freed, String>;
}

/// What became of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freed {
    /// It goes on.
    GoesOn,
    /// It was not set aside.
    WasNotAside,
}
