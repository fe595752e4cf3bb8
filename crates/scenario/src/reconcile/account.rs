//! Messages accounted for: every control id of a feed sent, answered, and found in the journal; gaps by number.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::wire::Sent;

/// Numbers named in a report; of the rest it gives the count.
const NAMED_MAX: usize = 20;

/// What became of one feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Account {
    /// The feed.
    pub feed: String,
    /// First control id.
    pub first: String,
    /// Last control id.
    pub last: String,
    /// Messages written, by sequence number.
    pub written: u64,
    /// Messages sent.
    pub sent: u64,
    /// Sent more than once: a connection broke before the answer.
    pub sent_again: u64,
    /// Answers by code.
    pub answers: BTreeMap<String, u64>,
    /// By event.
    pub events: BTreeMap<String, u64>,
    /// Control ids written and never sent.
    pub gaps: Vec<u64>,
    /// How many gaps there are.
    pub gap_count: u64,
}

impl Account {
    /// The account of what was sent out of `written` numbers.
    #[must_use]
    pub fn of(feed: &str, written: u64, sent: &[Sent]) -> Self {
        let mut account = Self {
            feed: feed.to_owned(),
            written,
            sent: sent.len() as u64,
            ..Self::default()
        };
        let mut seen = BTreeSet::new();
        for message in sent {
            seen.insert(message.sequence);
            account.sent_again += u64::from(message.tries > 1);
            *account.answers.entry(message.code.clone()).or_default() += 1;
            *account.events.entry(message.event.clone()).or_default() += 1;
        }
        let by_sequence = |sent: &&Sent| sent.sequence;
        account.first = sent
            .iter()
            .min_by_key(by_sequence)
            .map(|s| s.control.clone())
            .unwrap_or_default();
        account.last = sent
            .iter()
            .max_by_key(by_sequence)
            .map(|s| s.control.clone())
            .unwrap_or_default();
        for number in (1..=written).filter(|number| !seen.contains(number)) {
            account.gap_count += 1;
            if account.gaps.len() < NAMED_MAX {
                account.gaps.push(number);
            }
        }
        account
    }

    /// Messages nobody took responsibility for.
    #[must_use]
    pub fn lost(&self) -> u64 {
        let positive: u64 = ["AA", "CA"]
            .iter()
            .filter_map(|code| self.answers.get(*code))
            .sum();
        self.sent - positive + self.gap_count
    }
}

/// What the gateway's journal says of deliveries: interface, state, how many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Journal {
    /// Messages by state.
    pub messages: BTreeMap<String, u64>,
    /// Deliveries by interface and state.
    pub deliveries: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Journal {
    /// Reads `/api/v1/status`.
    #[must_use]
    pub fn of(status: &serde_json::Value) -> Self {
        let mut journal = Self::default();
        for (state, count) in status["messages"].as_object().into_iter().flatten() {
            journal
                .messages
                .insert(state.clone(), count.as_u64().unwrap_or(0));
        }
        for line in status["deliveries"].as_array().into_iter().flatten() {
            let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            *journal
                .deliveries
                .entry(text("interface"))
                .or_default()
                .entry(text("state"))
                .or_default() += line["count"].as_u64().unwrap_or(0);
        }
        journal
    }

    /// Deliveries in a state, over all interfaces.
    #[must_use]
    pub fn in_state(&self, state: &str) -> u64 {
        self.deliveries
            .values()
            .filter_map(|states| states.get(state))
            .sum()
    }
}
