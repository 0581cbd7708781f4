//! Kill tests and fault tests: the command as it is shipped, killed at every point, against systems on a bad day.
//!
//! Absent: any knowledge of how recovery works. A case starts processes, kills or disturbs them, and holds what the command says
//! afterwards against what the estate's own recorder saw. Invariants held in every case: the end state is the one of the
//! undisturbed run, no object was changed twice, the journal is whole and replays, and nothing hangs.

mod again;
mod fault;
mod kill;
mod support;
