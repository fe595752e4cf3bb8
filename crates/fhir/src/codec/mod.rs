//! How structures meet serde; JSON itself is `serde_json`'s.
//!
//! The macros in `declare.rs` give every structure its `Serialize` and `Deserialize`; this room holds what they share:
//! the visitor that fills a structure, the shapes a member can have, and the second reading that names the place of a
//! fault. Nothing here scans or writes JSON.

pub(crate) mod declare;
pub(crate) mod explain;
pub(crate) mod json;
mod member;
mod structure;

pub use member::{Item, Member};
pub use structure::Structure;
pub(crate) use structure::{Fill, Key};
