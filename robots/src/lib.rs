//! The robots that feed the graph, run the runbooks and fire the atomic work functions, as pure machines.
