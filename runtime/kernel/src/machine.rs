//! The one abstraction: a pure decision over journaled events.
//!
//! Invariants: `step` and `decide` read nothing but their arguments; the effects that `step` pushes are exactly what
//! [`Machine::wanted`] gained; an effect carries an attempt number, so a retry is a new effect.

use std::collections::BTreeSet;

/// A pure decision: no method may read a clock, a file, a socket or a random source.
pub trait Machine {
    /// What is believed. It says by itself what is outstanding.
    type State;
    /// What happened, in the past tense: the unit of the journal.
    type Event: Clone + PartialEq;
    /// What to do next, in the imperative.
    type Effect: Ord;
    /// Why an event cannot be applied to a state.
    type Refused;

    /// Applies one durable event; the effects it newly asks for are pushed to `out`.
    fn step(
        &self,
        state: &mut Self::State,
        event: &Self::Event,
        out: &mut Vec<Self::Effect>,
    ) -> Result<(), Self::Refused>;

    /// The event that follows from `state` alone, if one does. It is journaled in the same frame as the event that made it
    /// follow, and replay holds the journal to it: a decision is never taken from anywhere else.
    fn decide(&self, state: &Self::State) -> Option<Self::Event>;

    /// What is outstanding in `state`: the definition against which `step` is tested, and what recovery starts from.
    fn wanted(&self, state: &Self::State) -> BTreeSet<Self::Effect>;
}
