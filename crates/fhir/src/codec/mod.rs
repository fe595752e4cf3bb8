//! How typed members are read from JSON and written to it.
//!
//! One concrete reader and one concrete writer instead of serde's generics: every structure's code is compiled once, here,
//! and a fault knows its path and offset. serde's `Serialize` and `Deserialize` stand on top of it (`bridge.rs`).
//! The structures themselves are declared with the macros in `declare.rs`.

pub(crate) mod bridge;
pub(crate) mod declare;
pub(crate) mod json;
mod member;
mod reader;
mod scan;
mod structure;
mod writer;

pub use member::{Item, Member};
pub use reader::Reader;
pub(crate) use reader::Result;
pub use structure::Structure;
pub(crate) use structure::{read_object, write_object};
pub use writer::Writer;
