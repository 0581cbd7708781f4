//! What the manifests ask of systems and make of their answers.

mod cards;
mod outcomes;
mod requests;
mod support;
