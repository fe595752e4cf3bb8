//! The façade's resources: kept with their terms, found by them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::read::{asked_for, page, sequence_of};
use crate::{Matching, NewResource, Page, Put, Resource, ResourceKey, ResourceQuery, TermQuery};

pub(super) fn put(connection: &Connection, new: &NewResource) -> rusqlite::Result<Put> {
    let key = &new.key;
    let found: Option<(i64, u64)> = connection
        .prepare_cached("SELECT sequence, version FROM resource WHERE system = ?1 AND type = ?2 AND id = ?3")?
        .query_row(params![key.system, key.resource_type, key.id], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })
        .optional()?;
    let current = found.map_or(0, |(_, version)| version);
    if new.if_version.is_some_and(|asked| asked != current) {
        return Ok(Put::Conflict { version: current });
    }
    let version = current + 1;
    let stored_version = version.cast_signed();
    let sequence = match found {
        Some((sequence, _)) => {
            connection
                .prepare_cached(
                    "UPDATE resource SET version = ?2, updated_at = ?3, json = ?4 WHERE sequence = ?1",
                )?
                .execute(params![
                    sequence,
                    stored_version,
                    new.updated_at_ms,
                    &new.json[..]
                ])?;
            connection
                .prepare_cached("DELETE FROM resource_term WHERE resource = ?1")?
                .execute([sequence])?;
            sequence
        }
        None => connection
            .prepare_cached(
                "INSERT INTO resource (system, type, id, version, updated_at, json)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .insert(params![
                key.system,
                key.resource_type,
                key.id,
                stored_version,
                new.updated_at_ms,
                &new.json[..]
            ])?,
    };
    let mut term = connection.prepare_cached(
        "INSERT OR IGNORE INTO resource_term (system, type, parameter, value, namespace, resource)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for each in &new.terms {
        term.execute(params![
            key.system,
            key.resource_type,
            each.parameter,
            each.value,
            each.namespace,
            sequence
        ])?;
    }
    Ok(Put::Kept { version })
}

pub(super) fn read(connection: &Connection, key: &ResourceKey) -> rusqlite::Result<Option<Resource>> {
    connection
        .prepare_cached(
            "SELECT sequence, system, type, id, version, updated_at, json FROM resource
             WHERE system = ?1 AND type = ?2 AND id = ?3",
        )?
        .query_row(params![key.system, key.resource_type, key.id], resource)
        .optional()
        .map(|found| found.map(|(_, resource)| resource))
}

pub(super) fn find(connection: &Connection, query: &ResourceQuery) -> rusqlite::Result<Page<Resource>> {
    let mut values: Vec<Value> = vec![
        query.system.clone().into(),
        query.resource_type.clone().into(),
        sequence_of(query.after).into(),
        asked_for(query.limit).into(),
    ];
    let conditions: String = query
        .terms
        .iter()
        .map(|term| condition(term, &mut values))
        .collect();
    let index = if query.terms.is_empty() {
        "INDEXED BY resource_order"
    } else {
        ""
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT r.sequence, r.system, r.type, r.id, r.version, r.updated_at, r.json FROM resource r {index}
         WHERE r.system = ?1 AND r.type = ?2 AND r.sequence > ?3{conditions} ORDER BY r.sequence LIMIT ?4"
    ))?;
    let rows = statement
        .query_map(params_from_iter(values), resource)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(page(rows, query.limit))
}

/// One condition as SQL; what came from outside is always bound.
fn condition(term: &TermQuery, values: &mut Vec<Value>) -> String {
    if term.any_of.is_empty() {
        return " AND 0".to_owned();
    }
    let mut bind = |value: &str| {
        values.push(value.to_owned().into());
        format!("?{}", values.len())
    };
    let parameter = bind(&term.parameter);
    let alternatives: Vec<String> = term
        .any_of
        .iter()
        .map(|(namespace, matching)| {
            let mut parts = vec![format!("parameter = {parameter}")];
            match matching {
                Matching::Exact(value) => parts.push(format!("value = {}", bind(value))),
                Matching::Prefix(prefix) => {
                    parts.push(format!("value >= {}", bind(prefix)));
                    // No text sorts between a prefix followed by the last code point and the next prefix.
                    parts.push(format!("value < {}", bind(&format!("{prefix}\u{10FFFF}"))));
                }
                Matching::Between { from, to } => {
                    parts.extend(from.as_ref().map(|from| format!("value >= {}", bind(from))));
                    parts.extend(to.as_ref().map(|to| format!("value < {}", bind(to))));
                }
            }
            parts.extend(
                namespace
                    .as_ref()
                    .map(|namespace| format!("namespace = {}", bind(namespace))),
            );
            format!(
                "SELECT resource FROM resource_term WHERE system = ?1 AND type = ?2 AND {}",
                parts.join(" AND ")
            )
        })
        .collect();
    format!(" AND r.sequence IN ({})", alternatives.join(" UNION ALL "))
}

fn resource(row: &Row<'_>) -> rusqlite::Result<(i64, Resource)> {
    let resource = Resource {
        key: ResourceKey {
            system: row.get(1)?,
            resource_type: row.get(2)?,
            id: row.get(3)?,
        },
        version: row.get::<_, i64>(4)?.unsigned_abs(),
        updated_at_ms: row.get(5)?,
        json: row.get::<_, Vec<u8>>(6)?.into(),
    };
    Ok((row.get(0)?, resource))
}
