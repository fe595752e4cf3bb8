//! The `eprgw` binary: reads configuration, wires every room together, runs it.

fn main() {}
