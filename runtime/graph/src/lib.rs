//! The operational knowledge graph: identity, authority, lineage.
