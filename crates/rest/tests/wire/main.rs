//! Server and client over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod client;
mod clinic;
mod server;
