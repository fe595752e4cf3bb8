//! The `eprgw` binary: reads configuration, wires every room together, runs it.
//!
//! stdout is data, stderr is talk. Each verb is a file; [`exit`] names the codes they end with.

mod bench;
mod check;
mod exit;
mod explain;
mod input;
mod names;
mod output;
mod ready;
mod replay;
mod run;
mod serve;
mod site;
mod telemetry;
mod translate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Mock EPRs behind a durable gateway that routes and translates HL7 v2 and FHIR R4.
#[derive(Parser)]
#[command(name = "eprgw", version, before_help = EXAMPLES, after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  eprgw serve                                              everything, seeded with synthetic people
  eprgw replay message.hl7 --to gateway                    send it and see what came back
  eprgw translate message.hl7 --to fhir --ledger           one Bundle, and what became of every field";

const EXIT_CODES: &str = "\
Exit codes: 0 ok; 1 an expectation or threshold failed; 2 usage or configuration;
            3 input unreadable; 4 endpoint unreachable or run-time failure.";

#[derive(Subcommand)]
enum Verb {
    /// Start the mock EPRs and the gateway, already seeded
    Serve(serve::Options),
    /// Send messages, in order, and say what came back
    Replay(replay::Options),
    /// Convert offline between dialects and FHIR, and account for every field
    Translate(translate::Options),
    /// Say what a field means, in each dialect, and which rows read and write it
    Explain(explain::Options),
    /// Play a story over the wire and write the report
    Run(run::Options),
    /// Compare messages with what they are expected to become; exit 1 where they differ
    Check(check::Options),
    /// Measure correct messages per second through gateway and journal
    Bench(bench::Options),
    /// Exit 0 when a running instance is ready
    Ready(ready::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Serve(options) => serve::run(options),
        Verb::Replay(options) => replay::run(&options),
        Verb::Translate(options) => translate::run(&options),
        Verb::Explain(options) => explain::run(&options),
        Verb::Run(options) => run::run(&options),
        Verb::Check(options) => check::run(&options),
        Verb::Bench(options) => bench::run(&options),
        Verb::Ready(options) => ready::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if exit::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eprgw: {error:#}");
            exit::code_of(&error)
        }
    }
}
