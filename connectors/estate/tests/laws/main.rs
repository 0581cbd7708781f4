//! The laws of doing and undoing, for every AWF of every manifest, over real HTTP against the estate.
//!
//! - No mock: requests are rendered by the manifests, sent by the wire, and answered by stand-ins that know no manifest.
//! - `cases/<system>.txt` says only what an AWF is called with, what has to be so before, and which loss its undo names.
//! - Nothing is skipped in silence: [`laws::NOT_COVERED`] lists the systems that no case file covers yet.
//! - Requests and answers are both held to the cards of the vendors: the stand-ins are no friends of the manifests.

mod answers;
mod behaviours;
mod cases;
mod laws;
mod losses;
mod protocol;
mod stage;
