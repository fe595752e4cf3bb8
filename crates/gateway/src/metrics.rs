//! Metrics: what came, what became of it, and how long each stage took, for Prometheus.
//!
//! Labels are names of the configuration, events that HL7 knows, stages and outcomes: never anything a sender
//! made up, and nothing about a patient. Each interface's series are looked up once, at start.

use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::config::Settings;
use crate::deliver::Outcome;
use crate::gateway::Shared;
use crate::pipeline::Decision;
use crate::route::is_event;
use crate::verdict::Answer;

/// From a tenth of a millisecond to some seconds.
const BUCKETS: [f64; 14] = [
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Message codes that have a series of their own.
const CODES: &[&str] = &[
    "ADT", "BAR", "DFT", "MDM", "MFN", "OMG", "OML", "OMP", "ORM", "ORU", "RDE", "REF", "SIU",
];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    system: String,
    r#type: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: &'static str,
    interface: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    interface: String,
    state: String,
}

#[derive(Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

/// Every series of a gateway.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    messages: Family<MessageLabels, Counter>,
    record: Histogram,
    acknowledge: Histogram,
    interfaces: Vec<OfInterface>,
    waiting: Family<EndpointLabels, Gauge>,
    paused: Family<EndpointLabels, Gauge>,
    deliveries: Family<QueueLabels, Gauge>,
}

impl std::fmt::Debug for Buckets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buckets")
    }
}

/// One interface's series.
#[derive(Debug)]
struct OfInterface {
    translate: Histogram,
    taken: Histogram,
    refused: Histogram,
    rejected: Histogram,
    doubt: Histogram,
    unreachable: Histogram,
    unsendable: Histogram,
    whole: Histogram,
}

impl Metrics {
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut registry = Registry::with_prefix("eprgw");
        let messages = Family::default();
        let stages: Family<StageLabels, Histogram, Buckets> = Family::new_with_constructor(Buckets);
        let whole: Family<QueueLabels, Histogram, Buckets> = Family::new_with_constructor(Buckets);
        let (waiting, paused, deliveries) = (Family::default(), Family::default(), Family::default());
        registry.register(
            "messages",
            "Messages received, by what became of them",
            messages.clone(),
        );
        registry.register_with_unit(
            "stage",
            "Time of one stage of a message",
            Unit::Seconds,
            stages.clone(),
        );
        registry.register_with_unit(
            "delivery",
            "Time from receipt to the destination's answer, durable",
            Unit::Seconds,
            whole.clone(),
        );
        registry.register("waiting", "Deliveries in memory, by endpoint", waiting.clone());
        registry.register("paused", "1 while an endpoint's breaker is open", paused.clone());
        registry.register("deliveries", "Deliveries in the journal", deliveries.clone());
        let stage = |stage, interface: &str, outcome| {
            let labels = StageLabels {
                stage,
                interface: interface.to_owned(),
                outcome,
            };
            stages.get_or_create(&labels).clone()
        };
        let of = |interface: &crate::config::Interface| {
            let name = interface.name.as_str();
            let labels = QueueLabels {
                interface: name.to_owned(),
                state: "delivered".to_owned(),
            };
            OfInterface {
                translate: stage("translate", name, "ok"),
                taken: stage("deliver", name, "taken"),
                refused: stage("deliver", name, "refused"),
                rejected: stage("deliver", name, "rejected"),
                doubt: stage("deliver", name, "doubt"),
                unreachable: stage("deliver", name, "unreachable"),
                unsendable: stage("deliver", name, "unsendable"),
                whole: whole.get_or_create(&labels).clone(),
            }
        };
        Self {
            record: stage("record", "", "committed"),
            acknowledge: stage("acknowledge", "", "answered"),
            interfaces: settings.interfaces.iter().map(of).collect(),
            registry,
            messages,
            waiting,
            paused,
            deliveries,
        }
    }

    /// A message has been recorded and decided about.
    pub(crate) fn recorded(&self, decision: &Decision, duplicate: bool, began: Instant) {
        self.record.observe(began.elapsed().as_secs_f64());
        let identity = &decision.identity;
        let (code, event) = (identity.message_code.as_str(), identity.trigger_event.as_str());
        let known = CODES.contains(&code) && is_event(code, event);
        let labels = MessageLabels {
            system: identity.system.clone(),
            r#type: if known {
                format!("{code}^{event}")
            } else {
                "other".to_owned()
            },
            outcome: if duplicate {
                "duplicate"
            } else {
                decision.state.as_str()
            },
        };
        self.messages.get_or_create(&labels).inc();
    }

    /// A sender has its answer.
    pub(crate) fn answered(&self, began: Instant) {
        self.acknowledge.observe(began.elapsed().as_secs_f64());
    }

    pub(crate) fn translated(&self, interface: usize, took: Duration) {
        self.interfaces[interface].translate.observe(took.as_secs_f64());
    }

    /// One attempt has ended.
    pub(crate) fn attempted(&self, interface: usize, outcome: &Outcome, took: Duration) {
        let of = &self.interfaces[interface];
        let histogram = match outcome {
            Outcome::Taken => &of.taken,
            Outcome::Refused {
                answer: Answer::Never,
                ..
            } => &of.rejected,
            Outcome::Refused { .. } => &of.refused,
            Outcome::Doubt(_) => &of.doubt,
            Outcome::Unreachable(_) => &of.unreachable,
            Outcome::Unsendable(_) => &of.unsendable,
        };
        histogram.observe(took.as_secs_f64());
    }

    /// A delivery is durable.
    pub(crate) fn delivered(&self, interface: usize, ms: i64) {
        let ms = u32::try_from(ms.max(0)).unwrap_or(u32::MAX);
        self.interfaces[interface].whole.observe(f64::from(ms) / 1_000.0);
    }

    /// Everything as text, with the queues as they stand now.
    pub(crate) fn text(&self, gateway: &Shared, counts: &store::Counts) -> String {
        for (endpoint, line) in gateway.settings.endpoints.iter().zip(&gateway.lines) {
            let Some(line) = line else { continue };
            let (in_memory, _, paused) = line.outbox.condition();
            let labels = EndpointLabels {
                endpoint: endpoint.name.clone(),
            };
            self.waiting
                .get_or_create(&labels)
                .set(i64::try_from(in_memory).unwrap_or(i64::MAX));
            self.paused.get_or_create(&labels).set(i64::from(paused));
        }
        // A state that has emptied has no row in the journal's counts and must not keep its last value.
        self.deliveries.clear();
        for (interface, state, count) in &counts.deliveries {
            let labels = QueueLabels {
                interface: interface.clone(),
                state: state.to_string(),
            };
            self.deliveries
                .get_or_create(&labels)
                .set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        let mut out = String::new();
        // Writing to a String cannot fail.
        text::encode(&mut out, &self.registry).expect("a String takes any text");
        out
    }
}
