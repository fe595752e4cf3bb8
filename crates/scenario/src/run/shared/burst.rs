//! One trust's burst: what another trust's sender waits meanwhile.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::{Runner, telling};
use crate::RunError;
use crate::feed::Outgoing;
use crate::reconcile::gates::Gate;
use crate::report::Rate;
use crate::story::Step;
use crate::wire::{Patient, send_all};

/// Messages of the trust that goes on as ever.
const STEADY: usize = 100;
/// Messages of the trust that has to catch up, at most; one for each of its records otherwise.
const BURST_MAX: usize = 1_500;
/// Connections of the burst.
const CONNECTIONS: usize = 32;
const ANCHOR_BURST: &str = "ASSUMED: a burst after an outage is 50 a second";

impl Runner<'_> {
    /// The first trust tells its day while the last to join catches up.
    pub(in crate::run) async fn burst(&mut self, step: &Step) -> Result<(), RunError> {
        let joined = self.joined(step.line)?;
        let feed = step.text("feed").unwrap_or_default().to_owned();
        if joined < 2 {
            return Err(RunError::Story(format!(
                "line {}: only one trust has joined",
                step.line
            )));
        }
        let (steady, bursting) = (0, joined - 1);
        let quiet = self.updates(&feed, steady, STEADY)?;
        let alone = self.wait_of(steady, quiet).await?;
        let day = self.updates(&feed, steady, STEADY)?;
        let records = self.domain.people_of(bursting).count();
        let flood = self.updates(&feed, bursting, BURST_MAX.min(records))?;
        let count = flood.len();
        let address = self.host.mllp(&self.domain.trusts[bursting].door())?.to_owned();
        let begun = Instant::now();
        let done = AtomicU64::new(0);
        let (flooded, waited) = tokio::join!(
            send_all(&address, flood, CONNECTIONS, &done),
            self.wait_of(steady, day),
        );
        let (flooded, waited) = (flooded?, waited?);
        let seconds = begun.elapsed().as_secs_f64();
        self.settle().await?;
        let lost = flooded.sent.iter().filter(|sent| !sent.accepted()).count();
        let all_steady = alone
            .sent
            .iter()
            .chain(&waited.sent)
            .all(crate::wire::Sent::accepted);
        self.feed(&feed)?
            .sent
            .extend(alone.sent.into_iter().chain(waited.sent).chain(flooded.sent));
        let (before, during) = (alone.p99, waited.p99);
        let clock = &mut self.report.clock;
        clock.rates.push(Rate {
            what: "one trust's burst".to_owned(),
            messages: count as u64,
            seconds,
            anchor: ANCHOR_BURST.to_owned(),
        });
        clock.gates.push(Gate::judged(
            "another trust's wait, 99 of 100 messages, in a burst",
            "at most 2 s",
            format!(
                "{} ms alone, {} ms in the burst",
                before.as_millis(),
                during.as_millis()
            ),
            during <= Duration::from_secs(2),
        ));
        self.expect(
            "nothing of either trust is lost in a burst",
            lost == 0 && all_steady,
            format!("{lost} of the burst not taken"),
        );
        Ok(())
    }

    /// One sender, one message at a time; how long each took.
    async fn wait_of(&self, trust: usize, messages: Vec<Outgoing>) -> Result<Patient, RunError> {
        let address = self.host.mllp(&self.domain.trusts[trust].door())?.to_owned();
        Patient::send(&address, messages).await
    }

    /// Updates about people of one trust, as its own record has them.
    fn updates(&mut self, feed: &str, trust: usize, count: usize) -> Result<Vec<Outgoing>, RunError> {
        let when = self.told_at();
        let domain = &self.domain;
        let own: Vec<usize> = domain.people_of(trust).collect();
        let tellings = own
            .iter()
            .cycle()
            .take(if own.is_empty() { 0 } else { count })
            .map(|at| {
                let words = domain.words(*at, when);
                telling("update", domain.held(*at).0.index, words, when)
            });
        let tellings = tellings.collect();
        self.write(feed, tellings)
    }
}
