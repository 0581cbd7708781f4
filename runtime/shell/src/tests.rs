//! The engine with its caches: what is parked, what is in a snapshot, and that both are worth nothing but time.

mod parked;
mod recovery;
mod resumed;
mod world;
