//! The manifest model; render and classify, both pure.
