//! The I/O of connectors: HTTP, TLS and tokens.
