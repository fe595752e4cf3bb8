//! What goes wrong on a wire and in a machine room, done on purpose: answers lost, wrong or cut off, half a frame, a power
//! cut in mid-load; and how long a message takes on an ordinary day.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::Runner;
use super::defect::spoil;
use crate::RunError;
use crate::reconcile::gates::Gate;
use crate::story::Step;
use crate::wire::{half_a_frame, send_all, send_paced, send_until_lost};

/// Connections of a load that is cut off.
const CONNECTIONS: usize = 16;
const POLL: Duration = Duration::from_millis(1);
/// How late a fault makes an answer.
const DELAY_MS: u64 = 50;

impl Runner<'_> {
    /// Switches faults on at a system; without any, sees that those that stood have struck.
    pub(super) async fn faults(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let path = format!("/api/v1/systems/{system}/faults");
        let wanted = step.list("list");
        if wanted.is_empty() {
            let left = self.host.get(&path).await?;
            let waiting: Vec<&str> = left
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|one| one["fault"].as_str())
                .collect();
            self.expect(
                "every injected fault has struck",
                waiting.is_empty(),
                format!("still standing: {}", waiting.join(", ")),
            );
            self.host.put(&path, &json!([])).await?;
            return Ok(());
        }
        let times = step.number("times").unwrap_or(1);
        let at_system = wanted.iter().filter(|name| *name != "half-frame");
        let faults: Vec<Json> = at_system
            .map(|name| match name.as_str() {
                "latency" | "late-ack" => json!({"fault": name, "count": times, "delay-ms": DELAY_MS}),
                _ => json!({"fault": name, "count": times}),
            })
            .collect();
        self.host.put(&path, &json!(faults)).await?;
        if wanted.iter().any(|name| name == "half-frame") {
            let address = self.host.mllp("gateway")?.to_owned();
            for _ in 0..times {
                half_a_frame(&address).await?;
            }
        }
        self.note(format!(
            "{system} will fail {times} times each: {}",
            wanted.join(", ")
        ));
        Ok(())
    }

    /// Loads a part, and cuts the power when half of it is answered. What was not answered is sent again, under its own
    /// control id, when the systems are back.
    pub(super) async fn crash(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let configuration = step.text("configuration").unwrap_or_default().to_owned();
        let defect = step.text("defect").unwrap_or("none").to_owned();
        if !self.host.is_own() {
            self.report
                .not_tested
                .push("A power cut in mid-load: these systems are not ours to kill.".to_owned());
        }
        for what in step.list("what") {
            let (tellings, anchor) = self.tellings(what, step.line)?;
            let victims = self.victims()?;
            let messages = self.write(&feed, spoil(tellings, &defect, &victims))?;
            if !self.host.is_own() || messages.len() < 2 {
                self.send(&feed, what, messages, anchor).await?;
                continue;
            }
            let address = self.host.mllp("gateway")?.to_owned();
            let half = messages.len() as u64 / 2;
            let done = AtomicU64::new(0);
            let (answered, ()) = tokio::join!(
                send_until_lost(&address, messages.clone(), CONNECTIONS, &done),
                async {
                    while done.load(Ordering::Relaxed) < half {
                        tokio::time::sleep(POLL).await;
                    }
                    self.host.kill();
                }
            );
            let known: BTreeSet<u64> = answered.iter().map(|sent| sent.sequence).collect();
            let all = messages.len();
            let early = answered.iter().filter(|sent| !sent.accepted()).count();
            let left: Vec<_> = messages
                .into_iter()
                .filter(|message| !known.contains(&message.sequence))
                .collect();
            self.feed(&feed)?.sent.extend(answered);
            self.open_with(&configuration).await?;
            self.note(format!(
                "{what}: {all} messages; power cut when half of them were answered, systems started again, the rest sent again"
            ));
            let address = self.host.mllp("gateway")?.to_owned();
            let rest = send_all(&address, left, CONNECTIONS, &AtomicU64::new(0)).await?;
            self.settle().await?;
            let refused = early + rest.sent.iter().filter(|sent| !sent.accepted()).count();
            self.feed(&feed)?.sent.extend(rest.sent);
            self.expect(
                format!("{what}: every one of {all} messages is taken, before the power cut or after it"),
                refused == 0,
                format!("{refused} were not"),
            );
            self.cut.restarted += 1;
        }
        Ok(())
    }

    /// Ordinary traffic at an even pace, measured from when each message should have left until it is at the other end.
    pub(super) async fn steady(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let rate = step.number("rate").unwrap_or(50).max(1);
        let seconds = step.number("seconds").unwrap_or(2).max(1);
        let count = usize::try_from(rate * seconds).unwrap_or(0);
        let tellings: Vec<_> = {
            let source = self.source()?;
            let probes = source.probes().len().max(1);
            (0..count.div_ceil(probes))
                .flat_map(|_| source.probes())
                .take(count)
                .collect()
        };
        let messages = self.write(&feed, tellings)?;
        let start = self.downstream.count();
        let address = self.host.mllp("gateway")?.to_owned();
        let (sent, intended) = send_paced(&address, messages, rate as f64).await?;
        self.settle().await?;
        let arrived: BTreeMap<String, Instant> = self
            .downstream
            .since(start)
            .into_iter()
            .map(|received| (received.control, received.at))
            .collect();
        let mut delays: Vec<Duration> = intended
            .iter()
            .filter_map(|(control, left)| Some(arrived.get(control)?.saturating_duration_since(*left)))
            .collect();
        delays.sort_unstable();
        let (all, there) = (intended.len(), delays.len());
        self.expect(
            "every message of an ordinary day arrives downstream",
            there == all && sent.iter().all(crate::wire::Sent::accepted),
            format!("{there} of {all}"),
        );
        self.feed(&feed)?.sent.extend(sent);
        let at = (there * 99).div_ceil(100).saturating_sub(1);
        let p99 = delays.get(at).copied().unwrap_or_default();
        self.report.clock.gates.push(Gate::judged(
            "end-to-end delay, 99 of 100 messages",
            "at most 2 s, steady",
            format!(
                "{} ms at {rate} a second, from the intended send",
                p99.as_millis()
            ),
            there > 0 && p99 <= Duration::from_secs(2),
        ));
        Ok(())
    }
}
