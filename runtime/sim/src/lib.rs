//! A seed plays the world.
