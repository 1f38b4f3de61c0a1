//! The tables and types that `build.rs` makes from the specs: the only `include!` of generated code.

include!(concat!(env!("OUT_DIR"), "/generated.rs"));
