//! `eprgw bench`: how many messages per second arrive, right, once and in order.
//!
//! Closed loop: each connection sends, waits for its ACK, sends the next. Open loop (`--rate`): messages leave by the
//! clock, and their time begins when they should have left. Gateway and journal run in this process as `serve` runs
//! them; sender and receiver are sockets on this machine.

mod load;
mod report;
mod send;
mod sink;
mod stages;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::VENDORS;
use gateway::config;
use mllp::{Limits, Listener};
use translate::dialect::Dialect;
use translate::{Settings, Translator};

use self::load::Load;
use self::report::Report;
use self::send::Schedule;
use self::sink::{Receiving, Sink};
use crate::exit::Failure;
use crate::{names, output, telemetry};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Connections
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Messages in flight on each connection
    #[arg(long, default_value_t = 1)]
    window: usize,
    /// Send so many per second by the clock, over all connections, instead of as fast as answered
    #[arg(long, value_name = "PER SECOND")]
    rate: Option<f64>,
    /// Messages to send
    #[arg(long, default_value_t = 20_000)]
    messages: usize,
    /// Lengthen each message by a note of so many bytes
    #[arg(long, default_value_t = 0)]
    note_bytes: usize,
    /// Deliver each message to so many receivers; the first one is measured
    #[arg(long, default_value_t = 1)]
    routes: usize,
    /// System or dialect that sends; the first vendor when left out
    #[arg(long)]
    from: Option<String>,
    /// System or dialect that receives; the second vendor when left out
    #[arg(long)]
    to: Option<String>,
    /// Keep the journal in this folder; a temporary one, deleted at the end, when left out
    #[arg(long)]
    data: Option<PathBuf>,
    /// Fail (exit 1) when fewer correct messages per second are delivered
    #[arg(long, value_name = "PER SECOND")]
    min_rate: Option<f64>,
    /// Fail (exit 1) when one in a hundred messages takes longer from its intended send until it is delivered
    #[arg(long, value_name = "MS")]
    max_p99: Option<f64>,
    /// Measure a story instead: back-load, backlog and catch-up of `migration`, each trust and a burst of `shared-instance`
    #[arg(long, value_name = "STORY", value_parser = ["migration", "shared-instance"])]
    scenario: Option<String>,
    /// With --scenario: a setting of the story
    #[arg(short, long = "parameter", value_name = "KEY=VALUE", requires = "scenario")]
    parameter: Vec<String>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Without an arrival for this long, what has not come is counted as lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections from the gateway to the receiving end.
const CONNECTIONS_OUT_MAX: usize = 256;

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(story) = &options.scenario {
        return crate::run::measure(story, &options.parameter, options.format == Format::Json);
    }
    drop(telemetry::start(telemetry::LogFormat::Text, true)?);
    if options.connections == 0 || options.messages == 0 {
        return Err(Failure::Usage.because("--connections and --messages must be at least 1"));
    }
    if options.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
        return Err(Failure::Usage.because("--rate must be more than 0"));
    }
    let from = names::dialect(options.from.as_deref().unwrap_or(VENDORS[0].name))?;
    let to = names::dialect(options.to.as_deref().unwrap_or(VENDORS[1].name))?;
    let temporary = tempfile::tempdir()?;
    let folder = options.data.as_deref().unwrap_or(temporary.path());
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(measure(options, from, to, folder))?;
    show(options.format, &report)?;
    if !report.is_clean() {
        return Err(Failure::Expectation.because("not every message arrived once, right and in order"));
    }
    if let Some(least) = options.min_rate.filter(|least| report.delivered_per_s < *least) {
        return Err(Failure::Expectation.because(format!("fewer than {least}/s were delivered")));
    }
    if let Some(most) = options.max_p99.filter(|most| report.delivery_ms.p99 > *most) {
        return Err(Failure::Expectation.because(format!("one in a hundred took longer than {most} ms")));
    }
    Ok(())
}

fn show(format: Format, report: &Report) -> anyhow::Result<()> {
    match format {
        Format::Table => output::text(report),
        Format::Json => output::line(serde_json::to_string(report)?),
    }
}

async fn measure(
    options: &Options,
    from: &'static Dialect,
    to: &'static Dialect,
    folder: &Path,
) -> anyhow::Result<Report> {
    let translator = Translator::new(Settings::default())?;
    let shares = share_out(options, &translator, from);
    let expected = shares.iter().map(Vec::len).sum();
    let sink = Sink::new(expected);
    let limits = Limits {
        idle_timeout_ms: 600_000,
        ..Limits::default()
    };
    let receiver = Listener::bind("127.0.0.1:0", limits, Receiving(Arc::clone(&sink))).await?;
    // What is in flight before the gateway can be in flight behind it.
    let outgoing = options
        .connections
        .saturating_mul(options.window.max(1))
        .min(CONNECTIONS_OUT_MAX);
    let others = Listener::bind("127.0.0.1:0", Limits::default(), sink::Taking).await?;
    let addresses = [receiver.address(), others.address()];
    let settings = configuration(options.routes, outgoing, from, to, addresses)?;
    let journal = store::SqliteJournal::open(folder, store::Settings::default())?;
    let running = gateway::Gateway::start(
        settings,
        Arc::new(journal),
        gateway::Clock::system(),
        gateway::Ids::system(),
    )
    .await?;
    let address = running
        .address("in")
        .ok_or_else(|| anyhow::anyhow!("the gateway does not listen"))?;

    let progress = progress_bar(expected);
    let began = Instant::now();
    let senders: Vec<_> = (0_u32..)
        .zip(shares)
        .map(|(at, share)| {
            let schedule = options
                .rate
                .map(|rate| schedule(began, rate, at, options.connections));
            tokio::spawn(send::send(address, share, options.window, schedule))
        })
        .collect();
    let mut sent = Vec::with_capacity(expected);
    for sender in senders {
        sent.extend(sender.await??);
    }
    let mut count = sink.count();
    while *count.borrow_and_update() < expected {
        progress.set_position(u64::try_from(*count.borrow()).unwrap_or(u64::MAX));
        if tokio::time::timeout(PATIENCE, count.changed()).await.is_err() {
            break;
        }
    }
    progress.finish_and_clear();
    let stages = stages::read(&running).await;
    running.drain().await;
    receiver.shutdown().await;
    others.shutdown().await;
    let report = report::judge(
        (from, to),
        report::Mode {
            connections: options.connections,
            window: options.window,
            rate: options.rate,
            routes: options.routes.max(1),
            note_bytes: options.note_bytes,
        },
        (sent, began),
        sink.take(),
        &translator,
    );
    Ok(Report { stages, ..report })
}

/// Whole patients per connection, so that a patient's order is defined.
fn share_out(options: &Options, translator: &Translator, from: &Dialect) -> Vec<Vec<Load>> {
    let mut shares: Vec<Vec<Load>> = (0..options.connections).map(|_| Vec::new()).collect();
    let patients = options.messages.div_ceil(load::steps());
    for patient in 0..patients {
        shares[patient % options.connections].extend(load::stay(
            patient,
            options.note_bytes,
            translator,
            from,
        ));
    }
    let mut over = patients * load::steps() - options.messages;
    if over > 0 {
        let last = &mut shares[(patients - 1) % options.connections];
        while over > 0 && last.pop().is_some() {
            over -= 1;
        }
    }
    shares
}

/// One interface to the receiver that is measured, and others of the same sort to one that is not.
fn configuration(
    routes: usize,
    connections: usize,
    from: &'static Dialect,
    to: &'static Dialect,
    [receiver, others]: [std::net::SocketAddr; 2],
) -> anyhow::Result<config::Settings> {
    let mut text = format!(
        "[[endpoint]]\nname = \"in\"\nlisten = \"mllp://127.0.0.1:0\"\ndialect = \"{}\"\n\
         [[endpoint]]\nname = \"out\"\nsend = \"mllp://{receiver}\"\ndialect = \"{}\"\nconnections = {connections}\n\
         [[interface]]\nname = \"in-to-out\"\nfrom = \"in\"\nto = \"out\"\n",
        from.name, to.name
    );
    for route in 2..=routes {
        text += &format!(
            "[[endpoint]]\nname = \"out-{route}\"\nsend = \"mllp://{others}\"\ndialect = \"{}\"\nconnections = {connections}\n\
             [[interface]]\nname = \"in-to-out-{route}\"\nfrom = \"in\"\nto = \"out-{route}\"\n",
            to.name
        );
    }
    config::load(&text, "bench", &names::dialects()).map_err(|problems| {
        Failure::Usage.because(problems.iter().map(ToString::to_string).collect::<String>())
    })
}

/// When a connection's messages should leave, for so many per second over all connections.
fn schedule(began: Instant, rate: f64, at: u32, connections: usize) -> Schedule {
    let apart = Duration::from_secs_f64(1.0 / rate);
    Schedule {
        first: began + apart * at,
        apart: apart * u32::try_from(connections).unwrap_or(u32::MAX),
    }
}

fn progress_bar(expected: usize) -> indicatif::ProgressBar {
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    indicatif::ProgressBar::new(u64::try_from(expected).unwrap_or(u64::MAX))
}
