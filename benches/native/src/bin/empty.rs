//! The least a process can do: what its start takes is the floor for every server.

fn main() {}
