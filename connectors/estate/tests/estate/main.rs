//! Stories over real HTTP: one module for each system, and one each for faults, recorder and cards.
//!
//! - No part of the estate is called but `start`: a story sees what a client sees.

mod cards;
mod client;
mod faults;
mod intune;
mod okta;
mod recorder;
mod servicenow;
mod slack;
mod workday;
