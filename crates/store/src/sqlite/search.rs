//! Search for messages, newest first, in a time that does not grow with the journal.
//!
//! The leading index is chosen here, not by SQLite's planner, whose guess depends on statistics. A
//! patient or a control id leads to few rows, which are then checked. Otherwise the few facets that match
//! are merged by time: one seek each, whatever the mix of conditions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::read::{PAGE_MAX, SUMMARY, summary};
use crate::{Cursor, Page, Query, Summary};

/// Rows fetched from a facet once it has turned out to hold some of the newest.
const REFILL: i64 = 16;

/// A message's place: newest is greatest.
type Place = (i64, i64);

pub(super) fn search(connection: &Connection, query: &Query) -> rusqlite::Result<Page<Summary>> {
    let limit = query.limit.clamp(1, PAGE_MAX);
    let span = Span::of(query);
    let by_facet = query.system.is_some()
        || query.message_code.is_some()
        || query.trigger_event.is_some()
        || query.state.is_some();
    let mut rows = if query.patient.is_some() || query.control_id.is_some() || query.conflict || !by_facet {
        by_index(connection, query, &span, limit + 1)?
    } else {
        by_facets(connection, query, &span, limit + 1)?
    };
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(sequence, summary)| Cursor {
        time: summary.received_at_ms,
        sequence: *sequence,
    });
    Ok(Page {
        items: rows.into_iter().map(|(_, summary)| summary).collect(),
        next,
    })
}

/// The places asked for: before `before`, and not earlier than `from`.
struct Span {
    from: i64,
    before: Place,
}

impl Span {
    fn of(query: &Query) -> Self {
        let to = (
            query.to_ms.unwrap_or(i64::MAX),
            if query.to_ms.is_some() { i64::MIN } else { i64::MAX },
        );
        let after = query
            .after
            .map_or((i64::MAX, i64::MAX), |cursor| (cursor.time, cursor.sequence));
        Self {
            from: query.from_ms.unwrap_or(i64::MIN),
            before: to.min(after),
        }
    }
}

/// One index leads, every other condition is checked on its rows.
fn by_index(
    connection: &Connection,
    query: &Query,
    span: &Span,
    rows_max: usize,
) -> rusqlite::Result<Vec<(i64, Summary)>> {
    let mut conditions = String::new();
    let mut values: Vec<Value> = vec![
        span.from.into(),
        span.before.0.into(),
        span.before.1.into(),
        i64::try_from(rows_max).unwrap_or(i64::MAX).into(),
    ];
    let mut require = |column: &str, value: Option<&str>| {
        if let Some(value) = value {
            values.push(value.to_owned().into());
            conditions.push_str(&format!(" AND {column} = ?{}", values.len()));
        }
    };
    let (tables, time, place) = if query.conflict {
        require("m.control_id", query.control_id.as_deref());
        (
            "conflict c CROSS JOIN message m ON m.sequence = c.message",
            "c.received_at",
            "c.message",
        )
    } else if query.patient.is_some() {
        require("p.patient", query.patient.as_deref());
        require("m.control_id", query.control_id.as_deref());
        (
            "patient p CROSS JOIN message m ON m.sequence = p.message",
            "p.received_at",
            "p.message",
        )
    } else if query.control_id.is_some() {
        require("m.control_id <> '' AND m.control_id", query.control_id.as_deref());
        (
            "message m INDEXED BY message_control",
            "m.received_at",
            "m.sequence",
        )
    } else {
        ("message m INDEXED BY message_time", "m.received_at", "m.sequence")
    };
    require("m.code", query.message_code.as_deref());
    require("m.trigger_event", query.trigger_event.as_deref());
    require("m.system", query.system.as_deref());
    require("m.state", query.state.map(|state| state.as_str()));
    if let Some(patient) = query.patient.as_deref().filter(|_| query.conflict) {
        values.push(patient.to_owned().into());
        conditions.push_str(&format!(
            " AND EXISTS (SELECT 1 FROM patient p WHERE p.patient = ?{}
                AND p.received_at = m.received_at AND p.message = m.sequence)",
            values.len()
        ));
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {SUMMARY} FROM {tables}
         WHERE {time} >= ?1 AND ({time}, {place}) < (?2, ?3){conditions}
         ORDER BY {time} DESC, {place} DESC LIMIT ?4"
    ))?;
    statement.query_map(params_from_iter(values), summary)?.collect()
}

/// One facet's messages, newest first, fetched as they are needed.
struct Strand {
    facet: i64,
    /// Its rows may belong to other facets: check each.
    mixed: bool,
    ready: VecDeque<Place>,
    /// The last fetch brought less than it asked for.
    ended: bool,
}

fn by_facets(
    connection: &Connection,
    query: &Query,
    span: &Span,
    rows_max: usize,
) -> rusqlite::Result<Vec<(i64, Summary)>> {
    let mut strands = strands(connection, query)?;
    let mut heads = BinaryHeap::new();
    for (at, strand) in strands.iter_mut().enumerate() {
        strand.fetch(connection, span.from, span.before, 1)?;
        heads.extend(strand.ready.pop_front().map(|place| (place, Reverse(at))));
    }
    let mut rows = Vec::new();
    let mut read =
        connection.prepare_cached(&format!("SELECT {SUMMARY} FROM message m WHERE m.sequence = ?1"))?;
    while let Some((place, Reverse(at))) = heads.pop() {
        let strand = &mut strands[at];
        let row = read.query_row([place.1], summary)?;
        if !strand.mixed || matches(query, &row.1) {
            rows.push(row);
            if rows.len() == rows_max {
                break;
            }
        }
        if strand.ready.is_empty() && !strand.ended {
            strand.fetch(connection, span.from, place, REFILL)?;
        }
        heads.extend(strand.ready.pop_front().map(|place| (place, Reverse(at))));
    }
    Ok(rows)
}

impl Strand {
    fn fetch(
        &mut self,
        connection: &Connection,
        from: i64,
        before: Place,
        rows_max: i64,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT received_at, sequence FROM message INDEXED BY message_facet
             WHERE facet = ?1 AND received_at >= ?2 AND (received_at, sequence) < (?3, ?4)
             ORDER BY received_at DESC, sequence DESC LIMIT ?5",
        )?;
        let places = statement.query_map(params![self.facet, from, before.0, before.1, rows_max], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        for place in places {
            self.ready.push_back(place?);
        }
        self.ended = i64::try_from(self.ready.len()).is_ok_and(|count| count < rows_max);
        Ok(())
    }
}

/// The facets that can hold an answer; bounded by `FACETS_MAX`.
fn strands(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<Strand>> {
    connection
        .prepare_cached(
            "SELECT id, mixed FROM facet
             WHERE messages > 0 AND (?4 IS NULL OR state = ?4)
                AND (mixed OR ((?1 IS NULL OR system = ?1) AND (?2 IS NULL OR code = ?2)
                    AND (?3 IS NULL OR trigger_event = ?3)))",
        )?
        .query_map(
            params![
                query.system,
                query.message_code,
                query.trigger_event,
                query.state.map(|state| state.as_str())
            ],
            |row| {
                Ok(Strand {
                    facet: row.get(0)?,
                    mixed: row.get(1)?,
                    ready: VecDeque::new(),
                    ended: false,
                })
            },
        )?
        .collect()
}

fn matches(query: &Query, summary: &Summary) -> bool {
    let same = |asked: &Option<String>, found: &String| asked.as_ref().is_none_or(|asked| asked == found);
    same(&query.system, &summary.system)
        && same(&query.message_code, &summary.message_code)
        && same(&query.trigger_event, &summary.trigger_event)
        && query.state.is_none_or(|state| state == summary.state)
}
