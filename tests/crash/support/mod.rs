//! What the crash and fault tests stand on: an estate of their own, a project copy, the command, and the estate's truth.
//!
//! Absent: anything of xops' own code. What is judged here is judged from outside: by processes, files and the estate's recorder.

pub(crate) mod command;
pub(crate) mod estate;
pub(crate) mod project;
pub(crate) mod sites;
pub(crate) mod story;
pub(crate) mod truth;
pub(crate) mod work;
