//! Facets: the combinations of system, message code, trigger event and state that occur.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use crate::{Identity, MessageState};

/// Beyond this, codes invented by a hostile sender share one facet per state, and a search checks its
/// rows one by one.
pub(super) const FACETS_MAX: usize = 1_024;
/// No message code or trigger event of any standard is longer.
const CODE_BYTES_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    system: String,
    code: String,
    trigger_event: String,
    state: MessageState,
    mixed: bool,
}

/// The writer's view of the facet table, and how many messages came and went in the open transaction.
#[derive(Debug, Default)]
pub(super) struct Facets {
    ids: Option<HashMap<Key, i64>>,
}

impl Facets {
    /// The facet of a message, added when new.
    pub(super) fn id(
        &mut self,
        connection: &Connection,
        identity: &Identity,
        state: MessageState,
    ) -> rusqlite::Result<i64> {
        let ids = match &mut self.ids {
            Some(ids) => ids,
            none => none.insert(load(connection)?),
        };
        let mut key = Key {
            system: identity.system.clone(),
            code: identity.message_code.clone(),
            trigger_event: identity.trigger_event.clone(),
            state,
            mixed: false,
        };
        if let Some(id) = ids.get(&key) {
            return Ok(*id);
        }
        let odd = key.code.len() > CODE_BYTES_MAX || key.trigger_event.len() > CODE_BYTES_MAX;
        if odd || ids.len() >= FACETS_MAX {
            key = Key {
                system: String::new(),
                code: String::new(),
                trigger_event: String::new(),
                mixed: true,
                ..key
            };
            if let Some(id) = ids.get(&key) {
                return Ok(*id);
            }
        }
        let id = connection
            .prepare_cached(
                "INSERT INTO facet (system, code, trigger_event, state, mixed) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .insert(params![
                key.system,
                key.code,
                key.trigger_event,
                key.state.as_str(),
                key.mixed
            ])?;
        ids.insert(key, id);
        Ok(id)
    }

    /// Read the table again at the next use: the transaction was undone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

fn load(connection: &Connection) -> rusqlite::Result<HashMap<Key, i64>> {
    connection
        .prepare("SELECT id, system, code, trigger_event, state, mixed FROM facet")?
        .query_map([], |row| {
            let key = Key {
                system: row.get(1)?,
                code: row.get(2)?,
                trigger_event: row.get(3)?,
                state: super::read::word(row, 4, MessageState::from_word)?,
                mixed: row.get(5)?,
            };
            Ok((key, row.get(0)?))
        })?
        .collect()
}
