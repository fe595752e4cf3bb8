//! The gateway: takes messages in, keeps them, and brings each to every system that should have it.
//!
//! `pipeline` is the table of contents: receive, record, parse, identify, route, translate, deliver,
//! acknowledge. No positive ACK leaves before the journal holds the message on disk.
//!
//! Refuses to know vendors: it meets each as a [`Dialect`](::translate::dialect::Dialect) value and as bytes on a wire.
//! Bytes come from `mllp` and `rest`, rest in `store`, are read by `hl7v2` and retold by `translate`.

mod acknowledge;
mod api;
mod clock;
pub mod config;
mod deliver;
mod facade;
mod fhir_in;
mod gateway;
mod guard;
mod identify;
mod metrics;
mod origin;
mod parse;
mod phi;
mod pipeline;
mod receive;
mod record;
mod relay;
mod route;
mod sequence;
mod tls;
mod trace;
mod translate;
mod verdict;

pub use self::clock::{Clock, Ids};
pub use self::gateway::{Gateway, Running, StartError};
pub use self::route::{EventPattern, PatternError};
pub use self::tls::{Followed, ServerTls, TlsError};
pub use self::trace::TARGET as TRACE_TARGET;
