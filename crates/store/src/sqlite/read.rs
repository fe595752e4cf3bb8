//! Reading messages and deliveries back.

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use uuid::Uuid;

use crate::{
    ContentHash, Counts, Cursor, Delivery, DeliveryId, DeliveryQuery, DeliveryState, Earlier, HeldCause,
    Message, MessageId, MessageState, Original, Page, Queued, Summary,
};

/// US, the unit separator.
const PATIENT_SEPARATOR: &str = "\u{1f}";
/// Earlier messages of one sender and control id that are looked at for the same content.
const EARLIER_MAX: i64 = 16;
/// Most items in any page.
pub(super) const PAGE_MAX: usize = 1_000;

/// The columns of [`summary`], of a message called `m`.
pub(super) const SUMMARY: &str = "m.sequence, m.id, m.received_at, m.state, m.endpoint, m.peer, m.system, m.code,
    m.trigger_event, m.control_id, m.sending_application, m.sending_facility, m.parent, m.cause, length(m.raw),
    (SELECT other FROM conflict WHERE conflict.message = m.sequence)";
const SUMMARY_COLUMNS: usize = 16;
const WHOLE: &str = "m.patients, m.content_hash, m.ack, m.raw";
const WHOLE_COLUMNS: usize = 4;
const DELIVERY: &str =
    "d.sequence, d.ordinal, d.interface, d.lane, d.state, d.attempts, d.cause, d.queued_at,
    d.changed_at, d.sent, d.answered";

/// A message's place in the order of commit, and what is known of it.
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<(i64, Summary)> {
    let raw_bytes: i64 = row.get(14)?;
    let summary = Summary {
        id: id(row, 1)?,
        received_at_ms: row.get(2)?,
        state: word(row, 3, MessageState::from_word)?,
        endpoint: row.get(4)?,
        peer: row.get(5)?,
        system: row.get(6)?,
        message_code: row.get(7)?,
        trigger_event: row.get(8)?,
        control_id: row.get(9)?,
        sending_application: row.get(10)?,
        sending_facility: row.get(11)?,
        parent: maybe_id(row, 12)?,
        conflict: maybe_id(row, 15)?,
        cause: row.get(13)?,
        raw_bytes: raw_bytes.unsigned_abs(),
    };
    Ok((row.get(0)?, summary))
}

fn whole(row: &Row<'_>) -> rusqlite::Result<(i64, Message)> {
    let (sequence, summary) = summary(row)?;
    let message = Message {
        summary,
        patients: split(row.get_ref(SUMMARY_COLUMNS)?.as_str()?),
        content_hash: ContentHash(row.get(SUMMARY_COLUMNS + 1)?),
        ack: bytes(row, SUMMARY_COLUMNS + 2)?,
        raw: row.get::<_, Vec<u8>>(SUMMARY_COLUMNS + 3)?.into(),
    };
    Ok((sequence, message))
}

/// Patient keys as one column, for reading back; a key that held the separator reads as two.
pub(super) fn joined(patients: &[String]) -> String {
    patients.join(PATIENT_SEPARATOR)
}

fn split(joined: &str) -> Vec<String> {
    joined
        .split(PATIENT_SEPARATOR)
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
}

fn delivery(row: &Row<'_>, message: MessageId, from: usize) -> rusqlite::Result<(i64, Delivery)> {
    let delivery = Delivery {
        id: DeliveryId {
            message,
            ordinal: row.get(from + 1)?,
        },
        interface: row.get(from + 2)?,
        lane: row.get(from + 3)?,
        state: word(row, from + 4, DeliveryState::from_word)?,
        attempts: row.get(from + 5)?,
        cause: row.get(from + 6)?,
        queued_at_ms: row.get(from + 7)?,
        changed_at_ms: row.get(from + 8)?,
        sent: bytes(row, from + 9)?,
        answered: bytes(row, from + 10)?,
    };
    Ok((row.get(from)?, delivery))
}

pub(super) fn message(connection: &Connection, id: MessageId) -> rusqlite::Result<Option<Message>> {
    connection
        .prepare_cached(&format!(
            "SELECT {SUMMARY}, {WHOLE} FROM message m WHERE m.id = ?1"
        ))?
        .query_row([id.0.as_bytes()], whole)
        .optional()
        .map(|found| found.map(|(_, message)| message))
}

/// The number that comes next on a link.
pub(super) fn link(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT expected FROM link WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// The newest earlier routed message of the same sender and control id; one with `content` comes first.
pub(super) fn earlier(
    connection: &Connection,
    original: &Original,
    except: Option<MessageId>,
    content: Option<&ContentHash>,
) -> rusqlite::Result<Option<Earlier>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, content_hash, ack, received_at FROM message INDEXED BY message_control
         WHERE control_id = ?1 AND control_id <> '' AND received_at >= ?2 AND state = 'routed'
            AND sending_application = ?3 AND sending_facility = ?4
         ORDER BY received_at DESC, sequence DESC LIMIT ?5",
    )?;
    let mut rows = statement.query(params![
        original.control_id,
        original.since_ms,
        original.sending_application,
        original.sending_facility,
        EARLIER_MAX,
    ])?;
    let mut newest = None;
    while let Some(row) = rows.next()? {
        let found = Earlier {
            id: id(row, 0)?,
            content_hash: ContentHash(row.get(1)?),
            ack: bytes(row, 2)?,
            received_at_ms: row.get(3)?,
        };
        if except == Some(found.id) {
            continue;
        }
        if content.is_none_or(|content| *content == found.content_hash) {
            return Ok(Some(found));
        }
        newest.get_or_insert(found);
    }
    Ok(newest)
}

pub(super) fn unsettled(
    connection: &Connection,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SUMMARY}, {WHOLE} FROM message m INDEXED BY message_unsettled
         WHERE m.state = 'received' AND m.sequence > ?1 ORDER BY m.sequence LIMIT ?2"
    ))?;
    let rows = statement
        .query_map(params![sequence_of(after), asked_for(limit)], whole)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(page(rows, limit))
}

/// Stops before the messages of a page pass `bytes_max`, but brings at least one.
pub(super) fn queued(
    connection: &Connection,
    interface: &str,
    after: Option<Cursor>,
    limit: usize,
    bytes_max: usize,
) -> rusqlite::Result<Page<Queued>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SUMMARY}, {WHOLE}, {DELIVERY}
         FROM delivery d INDEXED BY delivery_queue CROSS JOIN message m ON m.sequence = d.message
         WHERE d.state = 'queued' AND d.interface = ?1 AND d.sequence > ?2 ORDER BY d.sequence LIMIT ?3"
    ))?;
    let mut rows = statement.query(params![interface, sequence_of(after), asked_for(limit)])?;
    let (mut found, mut bytes) = (Vec::new(), 0_usize);
    while let Some(row) = rows.next()? {
        let (_, message) = whole(row)?;
        let (sequence, delivery) = delivery(row, message.summary.id, SUMMARY_COLUMNS + WHOLE_COLUMNS)?;
        bytes = bytes.saturating_add(message.raw.len());
        let full = bytes > bytes_max && !found.is_empty();
        let place = Cursor { time: 0, sequence };
        let queued = Queued {
            place,
            delivery,
            message,
        };
        found.push((sequence, queued));
        if full {
            // One more than the page holds says that there is a next one.
            let limit = found.len() - 1;
            return Ok(page(found, limit));
        }
    }
    Ok(page(found, limit))
}

pub(super) fn deliveries(connection: &Connection, query: &DeliveryQuery) -> rusqlite::Result<Page<Delivery>> {
    let mut conditions = vec!["d.sequence > ?".to_owned()];
    let mut values: Vec<rusqlite::types::Value> = vec![sequence_of(query.after).into()];
    if let Some(message) = query.message {
        conditions.push("d.message = (SELECT sequence FROM message WHERE id = ?)".to_owned());
        values.push(message.0.as_bytes().to_vec().into());
    }
    if let Some(state) = query.state {
        // Spelled out, not bound, and with the index's own condition: only then can a partial index serve.
        conditions.push(format!("d.state = '{}'", state.as_str()));
        if state != DeliveryState::Delivered {
            conditions.push("d.state <> 'delivered'".to_owned());
        }
    }
    for (column, value) in [
        ("d.interface", &query.interface),
        ("d.lane", &query.lane),
        ("d.cause", &query.cause),
    ] {
        if let Some(value) = value {
            conditions.push(format!("{column} = ?"));
            values.push(value.clone().into());
        }
    }
    values.push(asked_for(query.limit).into());
    let mut statement = connection.prepare_cached(&format!(
        "SELECT m.id, {DELIVERY} FROM delivery d CROSS JOIN message m ON m.sequence = d.message
         WHERE {} ORDER BY d.sequence LIMIT ?",
        conditions.join(" AND ")
    ))?;
    let rows = statement
        .query_map(params_from_iter(values), |row| delivery(row, id(row, 0)?, 1))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(page(rows, query.limit))
}

pub(super) fn held_causes(connection: &Connection) -> rusqlite::Result<Vec<HeldCause>> {
    connection
        .prepare_cached(
            "SELECT interface, coalesce(cause, ''), count(*), min(queued_at) FROM delivery
             WHERE state = 'held' AND state <> 'delivered' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?1",
        )?
        .query_map([asked_for(PAGE_MAX)], |row| {
            Ok(HeldCause {
                interface: row.get(0)?,
                cause: row.get(1)?,
                count: count(row, 2)?,
                since_ms: row.get(3)?,
            })
        })?
        .collect()
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let messages = connection
        .prepare_cached("SELECT state, sum(messages) FROM facet GROUP BY state HAVING sum(messages) > 0")?
        .query_map([], |row| {
            Ok((word(row, 0, MessageState::from_word)?, count(row, 1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let deliveries = connection
        .prepare_cached(
            "SELECT interface, state, deliveries FROM delivery_tally WHERE deliveries > 0 ORDER BY 1, 2",
        )?
        .query_map([], |row| {
            Ok((
                row.get(0)?,
                word(row, 1, DeliveryState::from_word)?,
                count(row, 2)?,
            ))
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Counts { messages, deliveries })
}

/// A page of rows that carry their place, one row more than the limit having been asked for.
pub(super) fn page<T>(mut rows: Vec<(i64, T)>, limit: usize) -> Page<T> {
    let limit = limit.clamp(1, PAGE_MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(sequence, _)| Cursor {
        time: 0,
        sequence: *sequence,
    });
    Page {
        items: rows.into_iter().map(|(_, item)| item).collect(),
        next,
    }
}

/// One more than the limit tells whether there is a next page.
pub(super) fn asked_for(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, PAGE_MAX) + 1).unwrap_or(i64::MAX)
}

pub(super) fn sequence_of(after: Option<Cursor>) -> i64 {
    after.map_or(i64::MIN, |cursor| cursor.sequence)
}

/// A state from its word.
pub(super) fn word<T>(row: &Row<'_>, column: usize, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "an unknown state".into())
    })
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageId> {
    row.get::<_, [u8; 16]>(column)
        .map(|bytes| MessageId(Uuid::from_bytes(bytes)))
}

fn maybe_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<MessageId>> {
    let bytes = row.get::<_, Option<[u8; 16]>>(column)?;
    Ok(bytes.map(|bytes| MessageId(Uuid::from_bytes(bytes))))
}

fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Bytes>> {
    Ok(row.get::<_, Option<Vec<u8>>>(column)?.map(Bytes::from))
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}
