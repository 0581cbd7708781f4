//! Faults: a system's bad day at every call of a story.
