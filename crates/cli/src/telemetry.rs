//! Logs to stderr, at `info` unless `EPRGW_LOG` says otherwise, and traces to a collector where the standard `OTEL_*`
//! variables name one. Ids and stages, never bodies; without those variables nothing leaves this process.

#[cfg(feature = "otlp")]
mod otlp;

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

#[cfg(feature = "otlp")]
pub(crate) use self::otlp::Traces;

/// How log lines and the ready line look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Starts logging; `quiet` keeps everything below `warn` out. Gives what sends the traces, for a runtime to run.
///
/// # Errors
/// When the variables ask for a way to a collector that is not spoken.
pub(crate) fn start(format: LogFormat, quiet: bool) -> anyhow::Result<Traces> {
    let default = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_env("EPRGW_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colour);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let (collect, traces) = Traces::from_environment()?;
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(collect)
        .init();
    Ok(traces)
}

/// A build without traces.
#[cfg(not(feature = "otlp"))]
pub(crate) struct Traces;

#[cfg(not(feature = "otlp"))]
impl Traces {
    #[expect(clippy::unnecessary_wraps, reason = "the same as with traces")]
    fn from_environment() -> anyhow::Result<(tracing_subscriber::layer::Identity, Self)> {
        Ok((tracing_subscriber::layer::Identity::new(), Self))
    }

    pub(crate) fn run(self) -> Self {
        self
    }

    #[expect(clippy::unused_async, reason = "the same as with traces")]
    pub(crate) async fn finish(self) {}
}
