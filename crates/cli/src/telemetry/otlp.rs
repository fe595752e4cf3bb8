//! Traces by OTLP over HTTP: what the gateway tells of each stage becomes a span for a collector.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (or `…_TRACES_ENDPOINT`) turns it on, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
//! `OTEL_EXPORTER_OTLP_HEADERS` and their like are the exporter's. Events wait in a bounded queue, and what does not fit
//! is left out and counted: a collector that is slow or gone never holds up a message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use gateway::TRACE_TARGET;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tokio::sync::{mpsc, oneshot};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{Filtered, Targets};
use tracing_subscriber::layer::Context;

use crate::exit::Failure;

/// Spans that wait to be sent.
const QUEUE_MAX: usize = 8_192;

/// Spans sent in one request.
const BATCH_MAX: usize = 512;

/// How long spans wait for others to go with.
const LINGER: Duration = Duration::from_millis(500);

/// How long the last ones may take at the end.
const FINISH: Duration = Duration::from_secs(2);

/// What is to be sent, and to where; nothing where nothing is configured.
pub(crate) struct Traces {
    sending: Option<Sending>,
    running: Option<Run>,
}

struct Sending {
    spans: mpsc::Receiver<SpanData>,
    exporter: opentelemetry_otlp::SpanExporter,
    lost: Arc<AtomicU64>,
}

struct Run {
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

/// Makes a span of each event of the gateway's.
pub(super) struct Collect {
    spans: mpsc::Sender<SpanData>,
    lost: Arc<AtomicU64>,
    scope: InstrumentationScope,
}

/// What collects, deaf to everything but the gateway's traces.
type OnlyTraces<S> = Filtered<Collect, Targets, S>;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

impl Traces {
    /// Reads the standard variables.
    pub(super) fn from_environment<S: Subscriber>() -> anyhow::Result<(Option<OnlyTraces<S>>, Self)> {
        let off = Self {
            sending: None,
            running: None,
        };
        let endpoint = [
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ]
        .into_iter()
        .find_map(|name| variable(name).map(|value| (name, value)));
        let disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || variable("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        let Some((name, endpoint)) = endpoint.filter(|_| !disabled) else {
            return Ok((None, off));
        };
        if !endpoint.starts_with("http://") {
            return Err(Failure::Usage.because(format!(
                "{name}: traces go by http:// only; put a collector on this machine or network that forwards them"
            )));
        }
        let mut exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .build()
            .map_err(|error| Failure::Usage.because(format!("{name}: {error}")))?;
        exporter.set_resource(&resource());
        let (sender, spans) = mpsc::channel(QUEUE_MAX);
        let lost = Arc::new(AtomicU64::new(0));
        let collect = Collect {
            spans: sender,
            lost: Arc::clone(&lost),
            scope: InstrumentationScope::builder("eprgw")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        };
        let only = Targets::new().with_target(TRACE_TARGET, LevelFilter::TRACE);
        let on = Self {
            sending: Some(Sending {
                spans,
                exporter,
                lost,
            }),
            running: None,
        };
        Ok((Some(collect.with_filter(only)), on))
    }

    /// Begins to send, on the runtime it is called in.
    pub(crate) fn run(mut self) -> Self {
        if let Some(sending) = self.sending.take() {
            let (stop, stopped) = oneshot::channel();
            let task = tokio::spawn(send(sending, stopped));
            self.running = Some(Run { stop, task });
        }
        self
    }

    /// Sends what is left, within its time.
    pub(crate) async fn finish(self) {
        let Some(Run { stop, task }) = self.running else {
            return;
        };
        if stop.send(()).is_err() {
            return;
        }
        if tokio::time::timeout(FINISH, task).await.is_err() {
            warn!("the last traces did not reach the collector in time");
        }
    }
}

fn resource() -> Resource {
    let named = variable("OTEL_SERVICE_NAME").is_some()
        || variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| all.contains("service.name="));
    let builder = Resource::builder();
    let builder = if named {
        builder
    } else {
        builder.with_service_name("eprgw")
    };
    builder
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

async fn send(mut sending: Sending, mut stopped: oneshot::Receiver<()>) {
    let (mut told, mut failing) = (0, false);
    loop {
        let mut batch = Vec::new();
        let over = tokio::select! {
            count = sending.spans.recv_many(&mut batch, BATCH_MAX) => count == 0,
            _ = &mut stopped => {
                while let (true, Ok(span)) = (batch.len() < QUEUE_MAX, sending.spans.try_recv()) {
                    batch.push(span);
                }
                true
            }
        };
        if !over && batch.len() < BATCH_MAX {
            let until = tokio::time::Instant::now() + LINGER;
            while batch.len() < BATCH_MAX {
                let next = tokio::time::timeout_at(until, sending.spans.recv()).await;
                let Ok(Some(span)) = next else { break };
                batch.push(span);
            }
        }
        if !batch.is_empty() {
            let result = sending.exporter.export(batch).await;
            match (&result, failing) {
                (Err(error), false) => warn!(%error, "traces do not reach the collector; messages go on"),
                (Ok(()), true) => tracing::info!("traces reach the collector again"),
                _ => {}
            }
            failing = result.is_err();
        }
        let lost = sending.lost.load(Ordering::Relaxed);
        if lost > told {
            warn!(spans = lost - told, "traces left out: the collector is too slow");
            told = lost;
        }
        if over {
            return;
        }
    }
}

impl<S: Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut read = Read::default();
        event.record(&mut read);
        let span = read.into_span(self.scope.clone());
        if self.spans.try_send(span).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The fields of one event.
#[derive(Default)]
struct Read {
    trace: u128,
    span: u64,
    parent: u64,
    took: Duration,
    stage: String,
    attributes: Vec<KeyValue>,
}

impl Visit for Read {
    fn record_u128(&mut self, field: &Field, value: u128) {
        if field.name() == "trace" {
            self.trace = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "span" => self.span = value,
            "parent" => self.parent = value,
            "took_ns" => self.took = Duration::from_nanos(value),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "stage" => value.clone_into(&mut self.stage),
            name if !value.is_empty() => self
                .attributes
                .push(KeyValue::new(format!("eprgw.{name}"), value.to_owned())),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl Read {
    #[expect(
        clippy::disallowed_methods,
        reason = "cli is where the machine's clock is read"
    )]
    fn into_span(self, scope: InstrumentationScope) -> SpanData {
        let end_time = SystemTime::now();
        let context = SpanContext::new(
            TraceId::from(self.trace),
            SpanId::from(self.span),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        );
        let span_kind = match self.stage.as_str() {
            "message" => SpanKind::Server,
            "deliver" => SpanKind::Client,
            _ => SpanKind::Internal,
        };
        SpanData {
            span_context: context,
            parent_span_id: SpanId::from(self.parent),
            parent_span_is_remote: false,
            span_kind,
            name: self.stage.into(),
            start_time: end_time.checked_sub(self.took).unwrap_or(end_time),
            end_time,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: scope,
        }
    }
}
