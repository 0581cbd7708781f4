//! The daemon as its operator meets it: a process with doors, which is asked, steered, attacked, ended and killed.
//!
//! Absent: anything of the daemon's own code. Invariants: every wait is bounded; every process is ended by its own id.

mod damage;
mod decide;
mod doors;
mod drift;
mod entrances;
mod fire;
mod hooks;
mod hostile;
mod keep;
mod life;
mod metrics;
mod schedule;

#[path = "support/daemon.rs"]
mod daemon;
#[path = "support/estate.rs"]
mod estate;
#[path = "support/http.rs"]
mod http;
