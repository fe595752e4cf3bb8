//! `eprgw serve`: the mock EPRs around one gateway, on one HTTP port, until told to stop.
//!
//! Order of start: configuration whole, folder, HTTP port, EPRs, gateway, ready line. Nothing listens
//! before the configuration has passed; nothing is said to be ready before everything listens.

mod access;
mod clients;
mod extract;
mod http;
mod port;
mod ports;
mod systems;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use adapters::{Epr, EprSettings};
use gateway::config::{self, Override, Settings};
use tracing::{info, warn};

use self::access::Access;
use self::http::Running;
use self::port::Bounds;
use crate::exit::Failure;
use crate::telemetry::{self, LogFormat};
use crate::{names, output};

/// What runs when no file is given.
pub(crate) const DEFAULT_CONFIG: &str = include_str!("../../../../fixtures/config/default.toml");
const DEFAULT_ORIGIN: &str = "default.toml (embedded)";

/// Time given to messages on their way out of the EPRs when the process is told to stop.
const OUTBOX_DRAIN: Duration = Duration::from_millis(500);
/// Time given to HTTP requests in flight.
const HTTP_DRAIN: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Configuration file; the embedded defaults when left out
    #[arg(long, env = "EPRGW_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Keep journal and records in this folder; without it they live in a temporary one, deleted at the end
    #[arg(long, env = "EPRGW_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// HTTP port: API, FHIR, health
    #[arg(long, env = "EPRGW_HTTP", value_name = "PORT")]
    http: Option<u16>,
    /// MLLP port of the gateway; the EPRs take the ports after it. 0 picks free ones
    #[arg(long, env = "EPRGW_MLLP", value_name = "PORT")]
    mllp: Option<u16>,
    /// Address to listen on, for every port
    #[arg(long, env = "EPRGW_BIND", value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// Allow an address other machines can reach, although there is neither TLS nor a token
    #[arg(long, env = "EPRGW_ALLOW_OPEN_BIND")]
    allow_open_bind: bool,
    /// Start only these EPRs
    #[arg(long, env = "EPRGW_ONLY", value_delimiter = ',', value_name = "SYSTEM,…")]
    only: Vec<String>,
    /// Seed of the synthetic people, for every EPR
    #[arg(long, env = "EPRGW_SEED")]
    seed: Option<u64>,
    /// Start with nobody on any index
    #[arg(long, env = "EPRGW_EMPTY")]
    empty: bool,
    /// Show each setting, its value and where it came from, and stop
    #[arg(long)]
    print_config: bool,
    /// How log lines and the ready line look
    #[arg(long, env = "EPRGW_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    let (text, origin) = match &options.config {
        None => (DEFAULT_CONFIG.to_owned(), DEFAULT_ORIGIN.to_owned()),
        Some(path) => {
            let origin = path.display().to_string();
            let read = std::fs::read_to_string(path);
            (
                read.map_err(|e| Failure::Usage.because(format!("cannot read {origin}: {e}")))?,
                origin,
            )
        }
    };
    let settings = config::load(&text, &origin, &names::dialects()).map_err(|problems| refuse(&problems))?;
    let problems = systems::check(&settings);
    if !problems.is_empty() {
        return Err(refuse(&config::placed(&text, &origin, problems)));
    }
    let access = Access::from_environment()?;
    let (mut settings, overrides) = ports::apply(&options, settings, access.is_on())?;
    if options.print_config {
        return print_config(&text, &origin, &overrides);
    }
    // Secrets and keys are looked at before anything listens.
    for system in &settings.systems {
        clients::of(system)?;
    }
    settings.read_tokens(|name| std::env::var(name).ok());
    let traces = telemetry::start(options.log_format, false)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(async {
        let traces = traces.run();
        let served = serve(&options, settings, access).await;
        traces.finish().await;
        served
    });
    runtime.shutdown_timeout(HTTP_DRAIN);
    served
}

fn refuse(problems: &[config::ConfigError]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::Usage.because(format!(
        "the configuration does not hold, nothing was started:\n{}",
        lines.join("\n")
    ))
}

fn print_config(text: &str, origin: &str, overrides: &[Override]) -> anyhow::Result<()> {
    output::text(config::print_config(text, origin, overrides).map_err(|problems| refuse(&problems))?)
}

/// The folder all state lives in; a temporary one is deleted when this is dropped.
enum Folder {
    Kept(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn open(data: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = data else {
            return Ok(Self::Temporary(
                tempfile::Builder::new().prefix("eprgw-").tempdir()?,
            ));
        };
        std::fs::create_dir_all(path)
            .map_err(|e| Failure::RunTime.because(format!("cannot use --data {}: {e}", path.display())))?;
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "cli is where the machine's clock is read"
)]
fn clock() -> adapters::Clock {
    Arc::new(jiff::Timestamp::now)
}

async fn serve(options: &Options, mut settings: Settings, access: Access) -> anyhow::Result<()> {
    let stop = http::stop_signal()?;
    let tls = settings
        .http_tls
        .as_ref()
        .map(gateway::ServerTls::server)
        .transpose();
    let tls = tls.map_err(|error| Failure::Usage.because(format!("gateway: {error}")))?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let bounds = Bounds {
        connections_max: settings.limits.http_connections_max,
        header_timeout: settings.limits.http_header_timeout,
    };
    let folder = Folder::open(options.data.as_deref())?;
    let journal = Arc::new(store::SqliteJournal::open(
        folder.path(),
        store::Settings::default(),
    )?);
    let socket = tokio::net::TcpListener::bind(settings.http)
        .await
        .map_err(|e| Failure::RunTime.because(format!("cannot listen on {} for HTTP: {e}", settings.http)))?;
    let http_address = socket.local_addr()?;
    let eprs = start_eprs(options, &mut settings, folder.path()).await?;
    let notices = settings.notices.clone();
    let gateway = gateway::Gateway::start(
        settings,
        journal,
        gateway::Clock::system(),
        gateway::Ids::system(),
    )
    .await?;
    let running = Arc::new(Running::new(gateway, eprs));
    let app = http::app(&running, http_address, access.over_tls(scheme == "https"));
    let server = tokio::spawn(port::serve(socket, tls, app, bounds, running.stopping()));

    for notice in notices {
        warn!("{notice}");
    }
    say_ready(options, &running, &format!("{scheme}://{http_address}"), &folder)?;
    stop.await;
    info!("stopping: no new messages, those in flight are finished");
    stop_all(running, server).await;
    if let Folder::Temporary(folder) = folder {
        folder.close()?;
    }
    Ok(())
}

/// Starts every EPR that is wanted, and leads the gateway's endpoints to where they really listen.
async fn start_eprs(
    options: &Options,
    settings: &mut Settings,
    folder: &Path,
) -> anyhow::Result<Vec<(String, &'static adapters::Vendor, Epr)>> {
    let mut eprs = Vec::new();
    let systems = settings.systems.clone();
    for (at, system) in systems
        .iter()
        .enumerate()
        .filter(|(_, s)| options.only.is_empty() || options.only.contains(&s.name))
    {
        let vendor = adapters::vendor(&system.vendor).ok_or_else(|| {
            let known: Vec<&str> = adapters::VENDORS.iter().map(|v| v.name).collect();
            let words = format!(
                "system {}: no vendor is called {:?}; there are {}",
                system.name,
                system.vendor,
                known.join(", ")
            );
            Failure::Usage.because(words)
        })?;
        let profile = match &system.profile {
            None => vendor.default_profile(),
            Some(name) => vendor.profile(name).ok_or_else(|| {
                let known: Vec<&str> = vendor.profiles.iter().map(|p| p.name).collect();
                Failure::Usage.because(format!(
                    "system {}: {} has no profile {name:?}; there are {}",
                    system.name,
                    vendor.name,
                    known.join(", ")
                ))
            })?,
        };
        let mut epr = EprSettings::new(&system.name, profile, clock());
        epr.listen = ports::listen_of(options, settings, system);
        epr.send_to = ports::receiver_of(settings, system);
        epr.data = Some(folder.to_owned());
        epr.people = if options.empty {
            0
        } else {
            usize::try_from(system.people)?
        };
        epr.seed = options.seed.unwrap_or(system.seed);
        epr.ranges = settings.nhs_ranges.clone();
        epr.choices = system.assume.clone();
        epr.clients = clients::of(system)?;
        epr.faults = systems::faults(at, system).unwrap_or_default();
        epr.sending.drain_ms = u64::try_from(OUTBOX_DRAIN.as_millis())?;
        let epr = Epr::start(vendor, epr)
            .await
            .map_err(|e| Failure::RunTime.because(e.to_string()))?;
        ports::lead_to(settings, system, epr.mllp_address());
        eprs.push((system.name.clone(), vendor, epr));
    }
    Ok(eprs)
}

/// The start-up lines on stdout, the ready line last.
fn say_ready(options: &Options, running: &Running, console: &str, folder: &Folder) -> anyhow::Result<()> {
    let mllp = running
        .gateway_address()
        .map_or_else(|| "none".to_owned(), |address| address.to_string());
    if options.log_format == LogFormat::Json {
        let systems: serde_json::Map<String, serde_json::Value> = running
            .systems()
            .map(|system| (system.name.to_owned(), system.mllp.to_string().into()))
            .collect();
        let ready =
            serde_json::json!({"event": "ready", "console": console, "mllp": mllp, "systems": systems});
        return output::line(ready);
    }
    for system in running.systems() {
        let fhir = system
            .fhir
            .map(|path| format!("  fhir={console}{path}"))
            .unwrap_or_default();
        output::line(format_args!("eprgw {} mllp={}{fhir}", system.name, system.mllp))?;
    }
    for (name, address) in running.further_listeners() {
        output::line(format_args!("eprgw {name} mllp={address}"))?;
    }
    for path in running.facades() {
        output::line(format_args!("eprgw facade fhir={console}{path}"))?;
    }
    match folder {
        Folder::Kept(path) => output::line(format_args!("eprgw data kept in {}", path.display()))?,
        Folder::Temporary(folder) => {
            let place = folder.path().display();
            output::line(format_args!(
                "eprgw data in {place}, deleted at the end (keep it with --data DIR)"
            ))?;
        }
    }
    output::line(format_args!("eprgw ready console={console} mllp={mllp}"))
}

async fn stop_all(running: Arc<Running>, mut server: tokio::task::JoinHandle<()>) {
    running.stop();
    for epr in running.eprs() {
        if tokio::time::timeout(OUTBOX_DRAIN, epr.outbox_empty())
            .await
            .is_err()
        {
            warn!("messages of an EPR still wait to be sent");
        }
    }
    if tokio::time::timeout(HTTP_DRAIN, &mut server).await.is_err() {
        warn!("HTTP requests were still open");
        server.abort();
    }
    match Arc::into_inner(running) {
        Some(running) => running.shutdown().await,
        None => warn!(
            "a request still held the systems; what is not committed is sent again after the next start"
        ),
    }
}
