//! The binary as its users run it: real sockets on free ports, the real program, killed when a story says so.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bad_input;
mod canary;
mod command_line;
mod console;
mod crash;
mod harness;
mod mocks;
mod outbound;
mod rehearsal;
mod research;
mod shared;
mod story;
mod strangers;
mod traces;
