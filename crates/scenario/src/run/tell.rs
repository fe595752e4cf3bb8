//! Tellings into messages, messages onto the wire, and the wait until the journal says they have arrived.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::Runner;
use super::source::Telling;
use crate::RunError;
use crate::feed::{Feed, Outgoing};
use crate::reconcile::account::Journal;
use crate::report::Rate;
use crate::wire::{Sent, send_all};

/// Connections of one feed.
const CONNECTIONS: usize = 32;
/// Longest time without any progress before a run gives up waiting for deliveries.
const STALL: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(15);

/// One feed in the course of a run.
pub(super) struct FeedState {
    pub(super) feed: Feed,
    /// Control ids used.
    pub(super) written: u64,
    /// Everything sent.
    pub(super) sent: Vec<Sent>,
    /// Whether it is frozen: no new control id.
    pub(super) frozen: bool,
}

impl Runner<'_> {
    /// The state of a feed, read at its first use.
    pub(super) fn feed(&mut self, alias: &str) -> Result<&mut FeedState, RunError> {
        if !self.feeds.contains_key(alias) {
            let number = self.feeds.len() as u64;
            let feed = Feed::parse(alias, self.text(alias)?, number).map_err(RunError::Invalid)?;
            self.feeds.insert(
                alias.to_owned(),
                FeedState {
                    feed,
                    written: 0,
                    sent: Vec::new(),
                    frozen: false,
                },
            );
        }
        self.feeds
            .get_mut(alias)
            .ok_or_else(|| RunError::Story(alias.to_owned()))
    }

    /// Writes tellings as messages of a feed. What the feed has no word for is left out and counted.
    pub(super) fn write(&mut self, alias: &str, tellings: Vec<Telling>) -> Result<Vec<Outgoing>, RunError> {
        let state = self.feed(alias)?;
        if state.frozen {
            return Err(RunError::Story(format!(
                "`{alias}` is frozen: it issues no new control id"
            )));
        }
        let mut messages = Vec::with_capacity(tellings.len());
        let mut without = 0;
        let mut told = Vec::with_capacity(tellings.len());
        for telling in &tellings {
            let number = state.written + 1;
            match state
                .feed
                .write(telling.kind, number, telling.person, &telling.words)
            {
                Some(message) => {
                    state.written = number;
                    told.push((telling, message.control.clone()));
                    messages.push(message);
                }
                None => without += 1,
            }
        }
        for (telling, control) in told {
            self.audit.note(&telling.about, &control);
            self.last_control = control;
        }
        if without > 0 {
            self.note(format!(
                "{without} things `{alias}` has no message for were not told"
            ));
        }
        Ok(messages)
    }

    /// Sends messages of a feed to the gateway and waits until every one is where it should be.
    pub(super) async fn send(
        &mut self,
        alias: &str,
        what: &str,
        messages: Vec<Outgoing>,
        anchor: &str,
    ) -> Result<(), RunError> {
        self.send_to("gateway", alias, what, messages, anchor).await
    }

    /// The same through a door of the gateway, by its name.
    pub(super) async fn send_to(
        &mut self,
        door: &str,
        alias: &str,
        what: &str,
        messages: Vec<Outgoing>,
        anchor: &str,
    ) -> Result<(), RunError> {
        if messages.is_empty() {
            self.note(format!("{what}: nothing to send"));
            return Ok(());
        }
        let count = messages.len();
        let begun = Instant::now();
        let address = self.host.mllp(door)?.to_owned();
        let despatch = send_all(&address, messages, CONNECTIONS, &AtomicU64::new(0)).await?;
        self.settle().await?;
        let refused: Vec<&Sent> = despatch.sent.iter().filter(|sent| !sent.accepted()).collect();
        let words = refused
            .iter()
            .take(3)
            .map(|sent| format!("{} {} {}", sent.event, sent.control, sent.code))
            .collect::<Vec<_>>()
            .join("; ");
        self.expect(
            format!("{what}: every one of {count} messages is taken"),
            refused.is_empty(),
            format!("{} were not: {words}", refused.len()),
        );
        self.note(format!("{what}: {count} messages"));
        self.report.clock.rates.push(Rate {
            what: what.to_owned(),
            messages: count as u64,
            seconds: begun.elapsed().as_secs_f64(),
            anchor: anchor.to_owned(),
        });
        self.feed(alias)?.sent.extend(despatch.sent);
        Ok(())
    }

    /// Waits until the gateway has nothing left to deliver.
    pub(super) async fn settle(&mut self) -> Result<Journal, RunError> {
        let mut before = u64::MAX;
        let mut progress = Instant::now();
        loop {
            let journal = Journal::of(&self.host.get("/api/v1/status").await?);
            let waiting = journal.in_state("queued") + journal.messages.get("received").copied().unwrap_or(0);
            if waiting == 0 {
                return Ok(journal);
            }
            if waiting != before {
                before = waiting;
                progress = Instant::now();
            }
            if progress.elapsed() > STALL {
                return Err(RunError::Host(format!(
                    "{waiting} messages wait in the gateway and none has moved for {} s",
                    STALL.as_secs()
                )));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
