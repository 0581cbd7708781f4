//! A seed plays the world: a virtual clock, lying systems, a process that dies anywhere.
//!
//! Absent from this crate: a clock, files, sockets, threads, actors, any random source but [`seed::Dice`]. The same setup
//! gives the same journal, byte for byte, on any machine. The kernel that runs here is the kernel that runs in production;
//! only the systems and the shell around it are played.
//!
//! `driver` plays the shell: what happened is appended and durable first, believed then, and acted on last. `world` holds
//! the systems' objects and an independent record of every change; `model` is their connector in a few words, `vendor` the
//! real manifest engine over the same world, with the robots' doors (`door`) before it; `account` holds the end of a
//! run against that record; `reads` fails at every page of a reading; `run` plays many seeds.

pub mod account;
mod disk;
mod door;
pub mod driver;
pub mod fault;
pub mod laws;
pub mod ledger;
pub mod model;
pub mod perform;
pub mod plans;
pub mod population;
mod queue;
pub mod reads;
pub mod run;
pub mod seed;
pub mod story;
pub mod systems;
pub mod vendor;
pub mod world;
