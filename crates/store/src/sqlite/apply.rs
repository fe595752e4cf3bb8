//! What the writer thread does: each change to the journal as SQL.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::audit::Chain;
use super::facet::Facets;
use super::{read, resources};
use crate::group::Apply;
use crate::{
    AuditEntry, ContentHash, Cursor, DeliveryId, DeliveryState, Earlier, Happened, Identity, MessageId,
    MessageState, NewResource, Original, Progress, Put, Received, Settled, Settlement, Step,
};

#[derive(Debug)]
pub(super) enum Command {
    Record(Box<Recorded>),
    Settle(Box<Settlement>),
    /// A settlement that went into the record before it in the batch.
    Merged(MessageId),
    Acknowledge(MessageId, Bytes),
    Progress(Box<Progress>),
    PutResource(Box<NewResource>),
    /// The number that comes next on a link.
    Link(String, i64),
}

#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) received: Received,
    pub(super) content_hash: ContentHash,
    pub(super) settlement: Option<Box<Settlement>>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    Settled(Settled),
    Put(Put),
}

/// The journal's side of the group commit.
#[derive(Debug, Default)]
pub(super) struct Changes {
    facets: Facets,
    /// Recorded in this batch and not yet settled.
    unsettled: HashSet<MessageId>,
    /// Outcomes of settlements merged into their record.
    merged: HashMap<MessageId, Settled>,
    /// Tallies of the batch, and of the command under way.
    batch: Tally,
    command: Tally,
    audit: Chain,
}

/// By how much counts change; written once per batch.
#[derive(Debug, Default)]
struct Tally {
    messages: HashMap<i64, i64>,
    deliveries: HashMap<(String, DeliveryState), i64>,
    /// What happened, for the audit record.
    entries: Vec<u8>,
}

impl Tally {
    fn message(&mut self, facet: i64, by: i64) {
        *self.messages.entry(facet).or_default() += by;
    }

    fn delivery(&mut self, interface: &str, state: DeliveryState, by: i64) {
        *self.deliveries.entry((interface.to_owned(), state)).or_default() += by;
    }

    fn happened(&mut self, at_ms: i64, message: MessageId, what: Happened) {
        AuditEntry { at_ms, message, what }.write(&mut self.entries);
    }

    fn absorb(&mut self, other: &mut Self) {
        self.entries.append(&mut other.entries);
        for (facet, by) in other.messages.drain() {
            *self.messages.entry(facet).or_default() += by;
        }
        for (key, by) in other.deliveries.drain() {
            *self.deliveries.entry(key).or_default() += by;
        }
    }

    fn clear(&mut self) {
        self.messages.clear();
        self.deliveries.clear();
        self.entries.clear();
    }
}

impl Apply for Changes {
    type Command = Command;
    type Outcome = Outcome;

    // Each command's first write is the one that can be refused; a facet it added before does no harm.
    const CHECKS_FIRST: bool = true;

    fn gather(&mut self, command: &Command) -> bool {
        match command {
            Command::Record(recorded) => {
                self.unsettled.insert(recorded.received.id);
            }
            Command::Settle(settlement) => {
                self.unsettled.remove(&settlement.id);
            }
            _ => {}
        }
        !self.unsettled.is_empty()
    }

    fn prepare(&mut self, batch: &mut [Command]) {
        self.unsettled.clear();
        let mut records = HashMap::new();
        for at in 0..batch.len() {
            match &batch[at] {
                Command::Record(recorded) => {
                    records.insert(recorded.received.id, at);
                }
                Command::Settle(settlement) => {
                    let id = settlement.id;
                    // Once: a second settlement of the same message is an update like any other.
                    if let Some(record_at) = records.remove(&id)
                        && let Command::Settle(settlement) =
                            std::mem::replace(&mut batch[at], Command::Merged(id))
                        && let Command::Record(recorded) = &mut batch[record_at]
                    {
                        recorded.settlement = Some(settlement);
                    }
                }
                _ => {}
            }
        }
    }

    fn apply(&mut self, transaction: &Transaction<'_>, command: Command) -> rusqlite::Result<Outcome> {
        let result = self.carry_out(transaction, command);
        match result {
            Ok(_) => self.batch.absorb(&mut self.command),
            Err(_) => self.command.clear(),
        }
        result
    }

    fn before_commit(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        let mut facet =
            transaction.prepare_cached("UPDATE facet SET messages = messages + ?2 WHERE id = ?1")?;
        for (id, by) in self.batch.messages.drain().filter(|(_, by)| *by != 0) {
            facet.execute(params![id, by])?;
        }
        let mut delivery = transaction.prepare_cached(
            "INSERT INTO delivery_tally (interface, state, deliveries) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET deliveries = deliveries + excluded.deliveries",
        )?;
        for ((interface, state), by) in self.batch.deliveries.drain().filter(|(_, by)| *by != 0) {
            delivery.execute(params![interface, state.as_str(), by])?;
        }
        if !self.batch.entries.is_empty() {
            self.audit.append(transaction, &self.batch.entries)?;
        }
        Ok(())
    }

    fn finished(&mut self, committed: bool) {
        self.merged.clear();
        self.batch.clear();
        self.command.clear();
        if !committed {
            self.audit.forget();
            self.facets.forget();
        }
    }
}

impl Changes {
    fn carry_out(&mut self, connection: &Connection, command: Command) -> rusqlite::Result<Outcome> {
        match command {
            Command::Record(recorded) => self.record(connection, *recorded).map(|()| Outcome::Done),
            Command::Settle(settlement) => self.settle(connection, &settlement).map(Outcome::Settled),
            Command::Merged(id) => self
                .merged
                .remove(&id)
                .map(Outcome::Settled)
                .ok_or_else(|| refusal("its record failed")),
            Command::Acknowledge(id, ack) => acknowledge(connection, id, &ack).map(|()| Outcome::Done),
            Command::Progress(progress) => self.progress(connection, &progress).map(|()| Outcome::Done),
            Command::PutResource(resource) => resources::put(connection, &resource).map(Outcome::Put),
            Command::Link(name, expected) => expect(connection, &name, expected).map(|()| Outcome::Done),
        }
    }

    fn record(&mut self, connection: &Connection, recorded: Recorded) -> rusqlite::Result<()> {
        let Recorded {
            received,
            content_hash,
            settlement,
        } = recorded;
        if let Some(settlement) = &settlement {
            check_replaced(connection, settlement)?;
        }
        let unknown = Identity::default();
        let identity = settlement
            .as_ref()
            .map_or(&unknown, |settlement| &settlement.identity);
        let verdict = match &settlement {
            Some(settlement) => judge(connection, settlement, received.received_at_ms, &content_hash)?,
            None => Verdict {
                state: MessageState::Received,
                parent: None,
                settled: None,
                next: None,
            },
        };
        let conflict = verdict.conflict();
        let facet = self.facets.id(connection, identity, verdict.state)?;
        let sequence = connection
            .prepare_cached(
                "INSERT INTO message (id, received_at, facet, state, endpoint, peer, system, code,
                    trigger_event, control_id, sending_application, sending_facility, parent, cause,
                    patients, content_hash, ack, raw)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
            )?
            .insert(params![
                received.id.0.as_bytes(),
                received.received_at_ms,
                facet,
                verdict.state.as_str(),
                received.endpoint,
                received.peer,
                identity.system,
                identity.message_code,
                identity.trigger_event,
                identity.control_id,
                identity.sending_application,
                identity.sending_facility,
                verdict.parent.or(received.parent).map(|id| *id.0.as_bytes()),
                settlement
                    .as_ref()
                    .and_then(|settlement| verdict.cause(settlement)),
                read::joined(&identity.patients),
                content_hash.0,
                settlement.as_ref().and_then(|settlement| verdict.ack(settlement)),
                &received.raw[..],
            ])?;
        self.command.message(facet, 1);
        let what = Happened::Recorded {
            state: verdict.state,
            content: content_hash,
        };
        self.command.happened(received.received_at_ms, received.id, what);
        if let (Some(settlement), Some(settled)) = (settlement, verdict.settled) {
            keep_step(connection, &settlement, verdict.next)?;
            let first = self.attach(
                connection,
                sequence,
                received.received_at_ms,
                &settlement,
                verdict.state,
            )?;
            keep_conflict(connection, sequence, received.received_at_ms, conflict)?;
            self.merged.insert(received.id, settled.with_first(first));
        }
        Ok(())
    }

    fn settle(&mut self, connection: &Connection, settlement: &Settlement) -> rusqlite::Result<Settled> {
        let (sequence, received_at, old_facet, content_hash) = connection
            .prepare_cached("SELECT sequence, received_at, facet, content_hash FROM message WHERE id = ?1")?
            .query_row([settlement.id.0.as_bytes()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, ContentHash(row.get(3)?)))
            })
            .optional()?
            .ok_or_else(|| refusal("no such message"))?;
        check_replaced(connection, settlement)?;
        let verdict = judge(connection, settlement, received_at, &content_hash)?;
        let identity = &settlement.identity;
        let facet = self.facets.id(connection, identity, verdict.state)?;
        connection
            .prepare_cached(
                "UPDATE message SET facet = ?2, state = ?3, system = ?4, code = ?5, trigger_event = ?6,
                    control_id = ?7, sending_application = ?8, sending_facility = ?9,
                    parent = coalesce(?10, parent), cause = ?11, ack = coalesce(?12, ack),
                    patients = ?13
                 WHERE sequence = ?1",
            )?
            .execute(params![
                sequence,
                facet,
                verdict.state.as_str(),
                identity.system,
                identity.message_code,
                identity.trigger_event,
                identity.control_id,
                identity.sending_application,
                identity.sending_facility,
                verdict.parent.map(|id| *id.0.as_bytes()),
                verdict.cause(settlement),
                verdict.ack(settlement),
                read::joined(&identity.patients),
            ])?;
        self.command.message(old_facet, -1);
        self.command.message(facet, 1);
        let what = Happened::Settled(verdict.state);
        self.command.happened(received_at, settlement.id, what);
        keep_step(connection, settlement, verdict.next)?;
        let first = self.attach(connection, sequence, received_at, settlement, verdict.state)?;
        keep_conflict(connection, sequence, received_at, verdict.conflict())?;
        let settled = verdict.settled.unwrap_or(Settled::Fresh {
            conflict: None,
            first: None,
        });
        Ok(settled.with_first(first))
    }

    /// Patients and deliveries of a settled message; gives the place of its first delivery.
    fn attach(
        &mut self,
        connection: &Connection,
        sequence: i64,
        received_at: i64,
        settlement: &Settlement,
        state: MessageState,
    ) -> rusqlite::Result<Option<Cursor>> {
        let mut patient = connection.prepare_cached(
            "INSERT OR IGNORE INTO patient (patient, received_at, message) VALUES (?1, ?2, ?3)",
        )?;
        for key in &settlement.identity.patients {
            patient.execute(params![key, received_at, sequence])?;
        }
        // What is a replay, or out of step, goes nowhere.
        if state != settlement.state {
            return Ok(None);
        }
        let mut first = None;
        let mut delivery = connection.prepare_cached(
            "INSERT INTO delivery (sequence, message, ordinal, state, interface, lane, attempts, cause, queued_at, changed_at)
             VALUES (?8, ?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?7)",
        )?;
        for (ordinal, new) in (1_i64..).zip(&settlement.deliveries) {
            let place = match &new.replaces {
                Some(held) => Some(self.make_way(connection, *held, settlement.id, received_at)?),
                None => None,
            };
            let place = delivery.insert(params![
                sequence,
                ordinal,
                new.state.as_str(),
                new.interface,
                new.lane,
                new.cause,
                received_at,
                place,
            ])?;
            self.command.delivery(&new.interface, new.state, 1);
            first.get_or_insert(Cursor {
                time: 0,
                sequence: place,
            });
        }
        Ok(first)
    }

    /// Leaves a held delivery out for the one that replaces it, and gives its place in the queue.
    fn make_way(
        &mut self,
        connection: &Connection,
        held: DeliveryId,
        by: MessageId,
        at_ms: i64,
    ) -> rusqlite::Result<i64> {
        let (place, interface): (i64, String) = connection
            .prepare_cached(
                "SELECT sequence, interface FROM delivery
                 WHERE message = (SELECT sequence FROM message WHERE id = ?1) AND ordinal = ?2",
            )?
            .query_row(params![held.message.0.as_bytes(), held.ordinal], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        connection
            .prepare_cached(
                "UPDATE delivery SET sequence = (SELECT max(sequence) + 1 FROM delivery),
                    state = 'filtered', cause = ?2, changed_at = ?3
                 WHERE sequence = ?1",
            )?
            .execute(params![place, format!("replaced by {by}"), at_ms])?;
        let what = Happened::Delivery {
            ordinal: held.ordinal,
            state: DeliveryState::Filtered,
        };
        self.command.happened(at_ms, held.message, what);
        self.command.delivery(&interface, DeliveryState::Held, -1);
        self.command.delivery(&interface, DeliveryState::Filtered, 1);
        Ok(place)
    }

    fn progress(&mut self, connection: &Connection, progress: &Progress) -> rusqlite::Result<()> {
        let (sequence, interface, old_state): (i64, String, DeliveryState) = connection
            .prepare_cached(
                "SELECT sequence, interface, state FROM delivery
                 WHERE message = (SELECT sequence FROM message WHERE id = ?1) AND ordinal = ?2",
            )?
            .query_row(
                params![progress.id.message.0.as_bytes(), progress.id.ordinal],
                |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        read::word(row, 2, DeliveryState::from_word)?,
                    ))
                },
            )
            .optional()?
            .ok_or_else(|| refusal("no such delivery"))?;
        connection
            .prepare_cached(
                "UPDATE delivery SET state = ?2, attempts = ?3, cause = ?4, changed_at = ?5,
                    sent = coalesce(?6, sent), answered = coalesce(?7, answered)
                 WHERE sequence = ?1",
            )?
            .execute(params![
                sequence,
                progress.state.as_str(),
                progress.attempts,
                progress.cause,
                progress.at_ms,
                progress.sent.as_deref(),
                progress.answered.as_deref(),
            ])?;
        if old_state != progress.state {
            let what = Happened::Delivery {
                ordinal: progress.id.ordinal,
                state: progress.state,
            };
            self.command.happened(progress.at_ms, progress.id.message, what);
        }
        self.command.delivery(&interface, old_state, -1);
        self.command.delivery(&interface, progress.state, 1);
        Ok(())
    }
}

/// Before anything is written: every delivery to be replaced is held still.
fn check_replaced(connection: &Connection, settlement: &Settlement) -> rusqlite::Result<()> {
    for held in settlement.deliveries.iter().filter_map(|new| new.replaces) {
        let is_held = connection
            .prepare_cached(
                "SELECT state = 'held' FROM delivery
                 WHERE message = (SELECT sequence FROM message WHERE id = ?1) AND ordinal = ?2",
            )?
            .query_row(params![held.message.0.as_bytes(), held.ordinal], |row| row.get(0))
            .optional()?;
        if is_held != Some(true) {
            return Err(refusal("the delivery to be replaced is not held any more"));
        }
    }
    Ok(())
}

struct Verdict {
    state: MessageState,
    parent: Option<MessageId>,
    settled: Option<Settled>,
    /// What its link expects from now on, to be written with the message.
    next: Option<i64>,
}

impl Settled {
    fn with_first(self, place: Option<Cursor>) -> Self {
        match self {
            Self::Fresh { conflict, .. } => Self::Fresh {
                conflict,
                first: place,
            },
            duplicate => duplicate,
        }
    }
}

impl Verdict {
    /// Why it was rejected or unrouted: what was decided, or that it is out of step.
    fn cause<'s>(&self, settlement: &'s Settlement) -> Option<&'s str> {
        match self.settled {
            Some(Settled::OutOfStep { .. }) => Some("not the sequence number expected next"),
            _ => settlement.cause.as_deref(),
        }
    }

    /// The ACK to be kept; that of a message out of step is not the one that was built for it.
    fn ack<'s>(&self, settlement: &'s Settlement) -> Option<&'s [u8]> {
        match self.settled {
            Some(Settled::OutOfStep { .. }) => None,
            _ => settlement.ack.as_deref(),
        }
    }

    fn conflict(&self) -> Option<MessageId> {
        match &self.settled {
            Some(Settled::Fresh { conflict, .. }) => *conflict,
            _ => None,
        }
    }
}

/// Flags a message whose control id was used before for other content.
fn keep_conflict(
    connection: &Connection,
    sequence: i64,
    received_at: i64,
    other: Option<MessageId>,
) -> rusqlite::Result<()> {
    let Some(other) = other else { return Ok(()) };
    connection
        .prepare_cached("INSERT OR REPLACE INTO conflict (message, received_at, other) VALUES (?1, ?2, ?3)")?
        .execute(params![sequence, received_at, other.0.as_bytes()])
        .map(drop)
}

/// Whether the message is a replay, or out of step. Asked by the one writer, so two copies cannot both be first.
fn judge(
    connection: &Connection,
    settlement: &Settlement,
    received_at_ms: i64,
    content_hash: &ContentHash,
) -> rusqlite::Result<Verdict> {
    let verdict = judge_replay(connection, settlement, received_at_ms, content_hash)?;
    match &settlement.step {
        // A replay has had its number, and what is rejected for its content leaves it to the next.
        Some(step) if !matches!(verdict.state, MessageState::Duplicate | MessageState::Rejected) => {
            judge_step(connection, step, verdict)
        }
        _ => Ok(verdict),
    }
}

fn judge_step(connection: &Connection, step: &Step, verdict: Verdict) -> rusqlite::Result<Verdict> {
    let out_of_step = |expected, next| Verdict {
        state: MessageState::Rejected,
        parent: None,
        settled: Some(Settled::OutOfStep { expected }),
        next,
    };
    Ok(match (step.number, read::link(connection, &step.link)?) {
        (0, _) => out_of_step(1, Some(1)),
        (..0, known) => out_of_step(known.unwrap_or(1), None),
        (number, Some(expected)) if number != expected => out_of_step(expected, None),
        (number, _) => Verdict {
            next: Some(number.saturating_add(1)),
            ..verdict
        },
    })
}

/// Moves the link of a message on, once the message stands.
fn keep_step(connection: &Connection, settlement: &Settlement, next: Option<i64>) -> rusqlite::Result<()> {
    match (&settlement.step, next) {
        (Some(step), Some(next)) => expect(connection, &step.link, next),
        _ => Ok(()),
    }
}

fn expect(connection: &Connection, link: &str, expected: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO link (name, expected) VALUES (?1, ?2)")?
        .execute(params![link, expected])
        .map(drop)
}

fn judge_replay(
    connection: &Connection,
    settlement: &Settlement,
    received_at_ms: i64,
    content_hash: &ContentHash,
) -> rusqlite::Result<Verdict> {
    let fresh = |conflict| Verdict {
        state: settlement.state,
        parent: None,
        settled: Some(Settled::Fresh {
            conflict,
            first: None,
        }),
        next: None,
    };
    let identity = &settlement.identity;
    let Some(window_ms) = settlement
        .duplicate_window_ms
        .filter(|_| !identity.control_id.is_empty())
    else {
        return Ok(fresh(None));
    };
    let original = Original {
        sending_application: identity.sending_application.clone(),
        sending_facility: identity.sending_facility.clone(),
        control_id: identity.control_id.clone(),
        since_ms: received_at_ms.saturating_sub(i64::try_from(window_ms).unwrap_or(i64::MAX)),
    };
    let earlier: Option<Earlier> =
        read::earlier(connection, &original, Some(settlement.id), Some(content_hash))?;
    Ok(match earlier {
        Some(earlier) if earlier.content_hash == *content_hash => Verdict {
            state: MessageState::Duplicate,
            parent: Some(earlier.id),
            settled: Some(Settled::Duplicate {
                of: earlier.id,
                ack: earlier.ack,
            }),
            next: None,
        },
        other => fresh(other.map(|earlier| earlier.id)),
    })
}

fn acknowledge(connection: &Connection, id: MessageId, ack: &[u8]) -> rusqlite::Result<()> {
    let changed = connection
        .prepare_cached("UPDATE message SET ack = ?2 WHERE id = ?1")?
        .execute(params![id.0.as_bytes(), ack])?;
    if changed == 0 {
        Err(refusal("no such message"))
    } else {
        Ok(())
    }
}

/// An error that refuses one command and spares its batch.
fn refusal(reason: &'static str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(reason.into())
}
