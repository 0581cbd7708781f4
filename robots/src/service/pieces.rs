//! The robot's state in pieces, for a snapshot: each says something of one subject at the most, so that it can be sealed under
//! that subject's key and is gone with it.
//!
//! Absent: instances under way. What is kept of one follows from its request and its plan, and whoever keeps those brings it back
//! with [`State::adopt`]. Invariants: the pieces of a state make that state again, in whatever order they come; a piece that is lost
//! takes nothing but its own subject's part away. Variants are stored by their position: append-only.

use super::column::Column;
use super::strikes::Strikes;
use super::swing::History;
use super::{Answer, Held, Running, State, Target};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use xops_kernel::culprit::Culprit;
use xops_kernel::diff::Facet;
use xops_kernel::id::{Digest, EntityId, PlanId, RequestId};
use xops_kernel::log::{Acknowledged, Decided, Number, Request, Scope};
use xops_kernel::record::Millis;
use xops_kernel::saga::event::End;
use xops_kernel::value::Values;

/// How many lines a piece of many small ones has.
const LINES: usize = 4_096;

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// What is counted and what is paused.
    Head {
        /// How often the process started.
        epoch: u32,
        /// The declarations in force.
        declared: Option<Digest>,
        /// How many instances ever began.
        numbers: Number,
        /// Ended instances, by end.
        ended: Vec<(End, u64)>,
        /// Pauses, with who and why.
        paused: Vec<(Scope, (String, String))>,
    },
    /// Which instance drives which entity: as it was written before there were columns.
    Driven(Vec<(EntityId, Number)>),
    /// Instances that were put away, and where: as it was written before there were columns.
    Shelved(Vec<(Number, u64)>),
    /// Requests that wait for an entity, in order.
    Deferred(EntityId, Vec<RequestId>),
    /// A request without an answer.
    Open(Millis, Box<Request>),
    /// What is known of one entity beside its instances.
    Entity {
        /// The entity.
        entity: EntityId,
        /// What was granted.
        granted: Vec<(Facet, Values)>,
        /// What may have been granted.
        doubtful: Vec<(Facet, (RequestId, Values))>,
        /// What is held.
        held: Vec<Held>,
    },
    /// An answer, by its place in the order of answering.
    Answer(u32, RequestId, Option<EntityId>, Answer),
    /// What made actors panic, and what of it is set aside.
    Strikes(Vec<(Culprit, Strikes)>),
    /// What was set for one entity and undone by others.
    Swings(EntityId, Vec<(Facet, History)>),
    /// A drift that somebody acknowledged.
    Acknowledged(Box<Acknowledged>),
    /// Instances that are overtaken, each with the request that waits.
    Overtaken(Vec<(Number, RequestId)>),
    /// The plans that the next one of an entity supersedes.
    Superseded(Vec<(EntityId, PlanId)>),
    /// The rules in force by which records are joined.
    Ruled(Digest),
    /// What somebody decided of two records.
    Decided(Box<Decided>),
    /// Which instance drives which entity: the entities, ascending, and the instances beside them.
    Driving(Column, Column),
    /// Instances that were put away, ascending, and where: the lower 56 bits of that, and the upper 8.
    Away(Column, Column, Column),
}

impl Piece {
    /// The subject that it says something of.
    pub fn subject(&self) -> Option<[u8; 16]> {
        match self {
            Self::Head { .. }
            | Self::Driven(_)
            | Self::Shelved(_)
            | Self::Deferred(..)
            | Self::Strikes(_)
            | Self::Overtaken(_)
            | Self::Superseded(_)
            | Self::Ruled(_)
            | Self::Driving(..)
            | Self::Away(..) => None,
            // Who is asked for is personal, and the request a subject of its own.
            Self::Open(_, request) => Some(request.id.0),
            Self::Entity { entity, .. } | Self::Swings(entity, _) => Some(entity.0),
            Self::Answer(_, _, entity, _) => entity.map(|entity| entity.0),
            Self::Acknowledged(held) => Some(held.facet.entity.0),
            Self::Decided(decided) => Some(decided.id.0),
        }
    }
}

impl State {
    /// Hands out the state in pieces, all but what is under way.
    pub fn pieces<E>(&self, mut each: impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        each(Piece::Head {
            epoch: self.epoch,
            declared: self.declared,
            numbers: self.numbers,
            ended: self.ended.iter().map(|(end, count)| (*end, *count)).collect(),
            paused: self.paused.iter().map(|(scope, by)| (scope.clone(), by.clone())).collect(),
        })?;
        in_lines(self.driven.iter().map(|(entity, number)| (*entity, *number)), driving, &mut each)?;
        in_lines(self.shelved.iter().map(|(number, place)| (*number, *place)), away, &mut each)?;
        let strikes = self.strikes.iter().map(|(over, strikes)| (over.clone(), strikes.clone()));
        in_lines(strikes, Piece::Strikes, &mut each)?;
        let overtaken = self.overtaken.iter().map(|(number, request)| (*number, *request));
        in_lines(overtaken, Piece::Overtaken, &mut each)?;
        let superseded = self.superseded.iter().map(|(entity, plan)| (*entity, *plan));
        in_lines(superseded, Piece::Superseded, &mut each)?;
        for (entity, queue) in &self.deferred {
            each(Piece::Deferred(*entity, queue.iter().copied().collect()))?;
        }
        for (at, request) in self.open.values() {
            each(Piece::Open(*at, Box::new(request.clone())))?;
        }
        self.entities(&mut each)?;
        for (entity, histories) in &self.swings.0 {
            let histories = histories.iter().map(|(facet, history)| (facet.clone(), history.clone()));
            each(Piece::Swings(*entity, histories.collect()))?;
        }
        for held in self.acknowledged.values() {
            each(Piece::Acknowledged(Box::new(held.clone())))?;
        }
        if let Some(ruled) = self.ruled {
            each(Piece::Ruled(ruled))?;
        }
        for decided in self.decided.values() {
            each(Piece::Decided(Box::new(decided.clone())))?;
        }
        for ((id, entity), place) in self.answered.iter().zip(0..) {
            if let Some(answer) = self.answers.get(id) {
                each(Piece::Answer(place, *id, *entity, answer.clone()))?;
            }
        }
        Ok(())
    }

    fn entities<E>(&self, each: &mut impl FnMut(Piece) -> Result<(), E>) -> Result<(), E> {
        let mut held: BTreeMap<EntityId, Vec<Held>> = BTreeMap::new();
        for (target, of_target) in &self.held {
            held.entry(target.entity).or_default().push(of_target.clone());
        }
        let mut entities: Vec<_> =
            self.granted.keys().chain(self.doubtful.keys()).chain(held.keys()).collect();
        entities.sort_unstable();
        entities.dedup();
        for entity in entities {
            let granted = self.granted.get(entity).into_iter().flat_map(|of| of.iter());
            let doubtful = self.doubtful.get(entity).into_iter().flatten();
            each(Piece::Entity {
                entity: *entity,
                granted: granted.map(|(facet, object)| (facet.clone(), object.clone())).collect(),
                doubtful: doubtful.map(|(facet, of)| (facet.clone(), of.clone())).collect(),
                held: held.get(entity).cloned().unwrap_or_default(),
            })?;
        }
        Ok(())
    }

    /// Takes an instance that is under way and at hand.
    pub fn adopt(&mut self, number: Number, running: Arc<Running>) {
        self.running.insert(number, running);
    }
}

/// How many bits of a place are in its first column: what is above them says something else.
const LOWER_BITS: u32 = 56;

fn driving(lines: Vec<(EntityId, Number)>) -> Piece {
    let (entities, numbers): (Vec<EntityId>, Vec<Number>) = lines.into_iter().unzip();
    Piece::Driving(
        Column::of_ids(entities.iter().map(|entity| entity.0)),
        Column::of_numbers(numbers.into_iter()),
    )
}

fn away(lines: Vec<(Number, u64)>) -> Piece {
    let (numbers, places): (Vec<Number>, Vec<u64>) = lines.into_iter().unzip();
    Piece::Away(
        Column::of_near(numbers.into_iter()),
        Column::of_near(places.iter().map(|place| place & ((1 << LOWER_BITS) - 1))),
        Column::of_numbers(places.iter().map(|place| place >> LOWER_BITS)),
    )
}

fn in_lines<T, E>(
    lines: impl Iterator<Item = T>,
    piece: fn(Vec<T>) -> Piece,
    each: &mut impl FnMut(Piece) -> Result<(), E>,
) -> Result<(), E> {
    let mut lines = lines.peekable();
    while lines.peek().is_some() {
        each(piece(lines.by_ref().take(LINES).collect()))?;
    }
    Ok(())
}

/// Puts a state together again.
#[derive(Default)]
pub struct Builder {
    state: State,
    /// In the order of the pieces: maps are made of them at once, which is faster than line by line.
    driven: Vec<(EntityId, Number)>,
    shelved: Vec<(Number, u64)>,
    answers: Vec<(u32, RequestId, Option<EntityId>, Answer)>,
    /// Why it cannot be put together.
    damage: Option<&'static str>,
}

impl Builder {
    /// Takes one piece.
    pub fn take(&mut self, piece: Piece) {
        let state = &mut self.state;
        match piece {
            Piece::Head { epoch, declared, numbers, ended, paused } => {
                (state.epoch, state.declared, state.numbers) = (epoch, declared, numbers);
                state.ended = ended.into_iter().collect();
                state.paused = paused.into_iter().collect();
            }
            Piece::Driven(lines) => self.driven.extend(lines),
            Piece::Shelved(lines) => self.shelved.extend(lines),
            Piece::Driving(entities, numbers) => {
                if self.drive(&entities, &numbers).is_none() {
                    self.damage = Some("a list of entities is not what was written");
                }
            }
            Piece::Away(numbers, lower, upper) => {
                if self.put_away(&numbers, &lower, &upper).is_none() {
                    self.damage = Some("a list of instances is not what was written");
                }
            }
            Piece::Deferred(entity, queue) => drop(state.deferred.insert(entity, VecDeque::from(queue))),
            Piece::Open(at, request) => drop(state.open.insert(request.id, (at, *request))),
            Piece::Entity { entity, granted, doubtful, held } => {
                if !granted.is_empty() {
                    state.granted.insert(entity, Arc::new(granted.into_iter().collect()));
                }
                if !doubtful.is_empty() {
                    state.doubtful.insert(entity, doubtful.into_iter().collect());
                }
                for held in held {
                    state.held.insert(Target { entity, outcomes: held.outcomes.clone() }, held);
                }
            }
            Piece::Strikes(lines) => state.strikes.extend(lines),
            Piece::Overtaken(lines) => state.overtaken.extend(lines),
            Piece::Superseded(lines) => state.superseded.extend(lines),
            Piece::Swings(entity, histories) => {
                state.swings.0.insert(entity, histories.into_iter().collect());
            }
            Piece::Ruled(ruled) => state.ruled = Some(ruled),
            Piece::Decided(decided) => drop(state.decided.insert(decided.id, *decided)),
            Piece::Acknowledged(held) => drop(state.acknowledged.insert(held.drift, *held)),
            Piece::Answer(place, id, entity, answer) => self.answers.push((place, id, entity, answer)),
        }
    }

    fn drive(&mut self, entities: &Column, numbers: &Column) -> Option<()> {
        let (entities, numbers) = (entities.ids()?, numbers.numbers()?);
        let count = self.driven.len() + numbers.len();
        self.driven.extend(entities.map(EntityId).zip(numbers));
        (self.driven.len() == count).then_some(())
    }

    fn put_away(&mut self, numbers: &Column, lower: &Column, upper: &Column) -> Option<()> {
        let (numbers, lower, upper) = (numbers.near()?, lower.near()?, upper.numbers()?);
        if numbers.len() != lower.len() || numbers.len() != upper.len() {
            return None;
        }
        let places = lower.into_iter().zip(upper).map(|(lower, upper)| lower | upper << LOWER_BITS);
        self.shelved.extend(numbers.into_iter().zip(places));
        Some(())
    }

    /// The state, or what is wrong. What waits for a request that is lost waits no more.
    pub fn build(mut self) -> Result<State, &'static str> {
        if let Some(damage) = self.damage {
            return Err(damage);
        }
        let mut state = self.state;
        state.driven = self.driven.into_iter().collect();
        state.shelved = self.shelved.into_iter().collect();
        self.answers.sort_unstable_by_key(|(place, ..)| *place);
        state.answered = self.answers.iter().map(|(_, id, entity, _)| (*id, *entity)).collect();
        state.answers = self.answers.into_iter().map(|(_, id, _, answer)| (id, answer)).collect();
        let open = &state.open;
        state.deferred.retain(|_, queue| {
            queue.retain(|id| open.contains_key(id));
            !queue.is_empty()
        });
        for (entity, queue) in &state.deferred {
            state.waiting.extend(queue.iter().map(|id| (*id, *entity)));
        }
        Ok(state)
    }
}
