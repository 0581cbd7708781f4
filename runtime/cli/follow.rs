//! follow.
