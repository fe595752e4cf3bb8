//! What a bench found: rates of what was acknowledged and of what arrived right, apart.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hl7v2::Message;
use translate::Translator;
use translate::dialect::Dialect;

use super::load::Load;
use super::sink::Arrival;
use super::stages::Stage;

/// One send and its ACK.
pub(super) struct Sent {
    pub(super) load: Load,
    pub(super) at: Instant,
    pub(super) acknowledged_at: Instant,
    pub(super) positive: bool,
}

/// How it was sent.
#[derive(Clone, Copy, serde::Serialize)]
pub(super) struct Mode {
    pub(super) connections: usize,
    /// Messages in flight on each connection.
    pub(super) window: usize,
    /// Per second by the clock; as fast as answered when none.
    pub(super) rate: Option<f64>,
    /// Receivers of each message.
    pub(super) routes: usize,
    /// How much longer each message is than the template.
    pub(super) note_bytes: usize,
}

#[derive(serde::Serialize)]
pub(super) struct Report {
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    #[serde(flatten)]
    pub(super) mode: Mode,
    pub(super) sent: usize,
    pub(super) acknowledged: usize,
    pub(super) negative_acks: usize,
    pub(super) delivered_correct: usize,
    pub(super) wrong: usize,
    pub(super) lost: usize,
    pub(super) duplicated: usize,
    pub(super) out_of_order: usize,
    pub(super) foreign: usize,
    pub(super) acknowledged_per_s: f64,
    pub(super) delivered_per_s: f64,
    pub(super) ack_ms: Percentiles,
    pub(super) delivery_ms: Percentiles,
    /// Where the time of a message went.
    pub(super) stages: Vec<Stage>,
}

#[derive(serde::Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

/// Judges every arrival against what should have arrived.
pub(super) fn judge(
    (from, to): (&'static Dialect, &'static Dialect),
    mode: Mode,
    (sent, began): (Vec<Sent>, Instant),
    (arrivals, foreign): (Vec<Arrival>, usize),
    translator: &Translator,
) -> Report {
    let by_place: HashMap<(usize, usize), &Sent> = sent
        .iter()
        .map(|sent| ((sent.load.patient, sent.load.step), sent))
        .collect();
    let mut seen: HashMap<(usize, usize), usize> = HashMap::with_capacity(sent.len());
    let mut newest_step: HashMap<usize, usize> = HashMap::new();
    let mut delivery = histogram();
    let (mut wrong, mut out_of_order, mut duplicated, mut correct) = (0, 0, 0, 0);
    let mut last = began;
    for arrival in &arrivals {
        let times = seen.entry((arrival.patient, arrival.step)).or_default();
        *times += 1;
        if *times > 1 {
            duplicated += 1;
            continue;
        }
        let newest = newest_step.entry(arrival.patient).or_insert(arrival.step);
        out_of_order += usize::from(arrival.step < *newest);
        *newest = arrival.step.max(*newest);
        let Some(sent) = by_place.get(&(arrival.patient, arrival.step)) else {
            wrong += 1;
            continue;
        };
        if as_expected(arrival, &sent.load, from, to, translator) {
            correct += 1;
            last = last.max(arrival.at);
            record(&mut delivery, arrival.at.duration_since(sent.at));
        } else {
            wrong += 1;
        }
    }
    let mut ack = histogram();
    let mut last_ack = began;
    for sent in sent.iter().filter(|sent| sent.positive) {
        record(&mut ack, sent.acknowledged_at.duration_since(sent.at));
        last_ack = last_ack.max(sent.acknowledged_at);
    }
    let acknowledged = sent.iter().filter(|sent| sent.positive).count();
    let arrived = |sent: &&Sent| seen.contains_key(&(sent.load.patient, sent.load.step));
    Report {
        from: from.name,
        to: to.name,
        mode,
        acknowledged,
        negative_acks: sent.len() - acknowledged,
        delivered_correct: correct,
        wrong,
        lost: sent
            .iter()
            .filter(|sent| sent.positive)
            .filter(|sent| !arrived(sent))
            .count(),
        duplicated,
        out_of_order,
        foreign,
        acknowledged_per_s: rate(acknowledged, last_ack - began),
        delivered_per_s: rate(correct, last - began),
        ack_ms: percentiles(&ack),
        delivery_ms: percentiles(&delivery),
        stages: Vec::new(),
        sent: sent.len(),
    }
}

/// Every segment but MSH, whose time the gateway may set, equals what the dialects make of what was sent.
fn as_expected(
    arrival: &Arrival,
    load: &Load,
    from: &Dialect,
    to: &Dialect,
    translator: &Translator,
) -> bool {
    let Ok(message) = Message::parse(&load.bytes) else {
        return false;
    };
    let mut expected = Vec::with_capacity(load.bytes.len() * 2);
    translator.convert(&message, from, to, &mut expected, None);
    !body(&expected).is_empty() && body(&expected) == body(&arrival.payload)
}

fn body(message: &[u8]) -> &[u8] {
    let header_end = message
        .iter()
        .position(|byte| *byte == b'\r')
        .unwrap_or(message.len());
    &message[header_end..]
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("bounds in microseconds up to ten minutes")
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds up to ten minutes are exact in f64"
    )]
    let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    Percentiles {
        p50: ms(0.5),
        p99: ms(0.99),
        p999: ms(0.999),
        max: ms(1.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: usize, took: Duration) -> f64 {
    if took.is_zero() {
        0.0
    } else {
        count as f64 / took.as_secs_f64()
    }
}

impl Report {
    /// Whether everything that was acknowledged arrived once, right and in order.
    pub(super) fn is_clean(&self) -> bool {
        let faults = [
            self.negative_acks,
            self.wrong,
            self.lost,
            self.duplicated,
            self.out_of_order,
            self.foreign,
        ];
        faults.iter().all(|count| *count == 0) && self.delivered_correct == self.sent
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mode {
            connections,
            window,
            rate,
            routes,
            note_bytes,
        } = self.mode;
        let pace = rate.map_or_else(
            || "closed loop".to_owned(),
            |rate| format!("open loop at {rate}/s, times from the intended send"),
        );
        writeln!(
            f,
            "{} → gateway → {} (MLLP, {connections} connections, {window} in flight on each, {pace})",
            self.from, self.to
        )?;
        if routes > 1 || note_bytes > 0 {
            writeln!(
                f,
                "{routes} receivers of each message, {note_bytes} bytes of note in it"
            )?;
        }
        writeln!(
            f,
            "acknowledged      {:>8}   {:>9.0}/s   durable before each ACK",
            self.acknowledged, self.acknowledged_per_s
        )?;
        writeln!(
            f,
            "delivered correct {:>8}   {:>9.0}/s   every segment compared",
            self.delivered_correct, self.delivered_per_s
        )?;
        writeln!(
            f,
            "lost {}   duplicated {}   out of order {}   wrong {}   negative ACKs {}",
            self.lost, self.duplicated, self.out_of_order, self.wrong, self.negative_acks
        )?;
        for (what, p) in [
            ("send to ACK", &self.ack_ms),
            ("send to delivered", &self.delivery_ms),
        ] {
            writeln!(
                f,
                "{what:<18} ms  p50 {:.1}   p99 {:.1}   p99.9 {:.1}   max {:.1}",
                p.p50, p.p99, p.p999, p.max
            )?;
        }
        for Stage {
            stage,
            count,
            mean_us,
        } in &self.stages
        {
            writeln!(f, "{stage:<24} {mean_us:>10.0} µs on average of {count}")?;
        }
        Ok(())
    }
}
