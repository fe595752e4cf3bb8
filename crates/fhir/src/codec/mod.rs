//! How structures meet serde; JSON itself is `serde_json`'s.
//!
//! The macros in `declare.rs` give every structure its `Serialize` and `Deserialize`; this room holds what they share:
//! the visitor that fills a structure, the shapes a member can have, and the second reading that names the place of a
//! fault. Reading is `serde_json`'s alone; `write.rs` says why writing has a way of its own besides serde's.

pub(crate) mod declare;
pub(crate) mod explain;
pub(crate) mod json;
mod member;
mod structure;
pub(crate) mod write;

pub use member::{Item, Member};
pub use structure::Structure;
pub(crate) use structure::{Fill, Key, read_boxed};
