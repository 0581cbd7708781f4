//! Frames, sealing, the chain, redb: the one place that owns stored bytes.
//!
//! Absent here: actors, clocks, what an event means. The core takes opaque bodies and gives them back unchanged, in
//! order, or says which frame of which file is damaged; it never gives back half of a frame.
//!
//! - `journal` appends: one frame is one group commit, durable on return; the first failure stops it for good.
//! - `walk` believes no frame, `read` replays and verifies with it, also beside a running writer.
//! - `frame` owns the bytes of a frame, `pack` takes the repetitions out of them, `segment` those of a file's first frame and of the head file.
//! - `store` says what a store must do, `embedded` does it with redb, in `ahead` frames wait for it, `disk` is what both stand on.
//! - `keys` seal the tenant's frames, `subjects` seal one person's values and can be destroyed, `erase` says which are one person's.

pub mod ahead;
pub mod audit;
pub mod backup;
pub mod bench;
pub mod bundle;
pub mod checkpoint;
pub mod disk;
pub mod embedded;
pub mod erase;
pub mod error;
mod fingerprint;
pub mod frame;
pub mod issued;
pub mod journal;
pub mod kept;
pub mod keys;
pub mod merkle;
pub mod pack;
pub mod random;
pub mod read;
pub mod retain;
mod rows;
mod salvage;
pub mod segment;
pub mod snapshot;
pub mod store;
pub mod stored;
pub mod subjects;
mod walk;
pub mod witness;
