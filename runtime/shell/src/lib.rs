//! Actors around pure machines: durable first, then believed, then done.
