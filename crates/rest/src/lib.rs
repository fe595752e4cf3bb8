//! FHIR over HTTP: server router and client.
//!
//! The server half turns HTTP requests into [`Interaction`]s and hands them to a [`Service`]: a mock EPR or the gateway.
//! It knows FHIR's URL grammar, limits and content types, and no resource's meaning; vendors' manners (other default
//! formats, bodiless refusals, HTML error pages) are the service's own, through [`Service`]'s optional methods.
//! The client half sends resources and says of every failure whether a retry may help.
//! The resources themselves are `fhir`'s.

pub mod capability;
pub mod client;
mod interaction;
pub mod jwt;
mod negotiate;
pub mod outcome;
mod reply;
mod router;
pub mod scope;
pub mod search;
pub mod searchset;
mod service;
mod tls;

pub use client::{Client, ClientError, ClientLimits, Fate};
pub use interaction::{Interaction, Request};
pub use negotiate::{Format, Wanted};
pub use reply::{Body, Reply};
pub use router::{RouterLimits, host, response, router, router_with};
pub use search::Parameter;
pub use searchset::SearchSet;
pub use service::Service;
pub use tls::{CurrentTls, Secured};
