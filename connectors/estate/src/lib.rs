//! A digital workplace on loopback: stateful stand-ins that speak the systems' wire protocols.
