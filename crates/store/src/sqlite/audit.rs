//! The audit chain in the file: one row per commit, each hash over the row before it.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::read::{page, sequence_of};
use crate::{AuditEntry, AuditVerdict, ContentHash, Cursor, Happened, MessageId, Page};

/// Faults named before the looking ends: one is enough to worry.
const FAULTS_MAX: usize = 20;

/// The chain's end, as the writer remembers it.
#[derive(Debug, Default)]
pub(super) struct Chain {
    last: Option<[u8; 32]>,
}

impl Chain {
    /// Adds the changes of a commit.
    pub(super) fn append(&mut self, connection: &Connection, entries: &[u8]) -> rusqlite::Result<()> {
        let last = match self.last {
            Some(last) => last,
            None => connection
                .prepare_cached("SELECT hash FROM audit ORDER BY sequence DESC LIMIT 1")?
                .query_row([], |row| row.get(0))?,
        };
        let hash = link(&last, entries);
        connection
            .prepare_cached("INSERT INTO audit (entries, hash) VALUES (?1, ?2)")?
            .execute(params![entries, hash])?;
        self.last = Some(hash);
        Ok(())
    }

    /// Reads the end again at the next use: the transaction was undone.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }
}

fn link(last: &[u8; 32], entries: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(last)
        .chain_update(entries)
        .finalize()
        .into()
}

/// Entries in the order of commit. A page holds whole commits, and so a few more than asked for.
pub(super) fn entries(
    connection: &Connection,
    after: Option<Cursor>,
    limit: usize,
) -> rusqlite::Result<Page<AuditEntry>> {
    let mut statement = connection
        .prepare_cached("SELECT sequence, entries FROM audit WHERE sequence > ?1 ORDER BY sequence")?;
    let mut rows = statement.query([sequence_of(after).max(0)])?;
    let (mut found, mut commits) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        commits.push((row.get::<_, i64>(0)?, ()));
        if found.len() >= limit.max(1) {
            let next = page(commits.clone(), commits.len() - 1).next;
            return Ok(Page { items: found, next });
        }
        let bytes = row.get_ref(1)?.as_blob()?;
        let mut rest = bytes;
        found.extend(std::iter::from_fn(|| AuditEntry::read(&mut rest)));
    }
    Ok(Page {
        items: found,
        next: None,
    })
}

/// Follows the chain from its beginning, and compares it with the messages it speaks of.
pub(super) fn verify(connection: &Connection) -> rusqlite::Result<AuditVerdict> {
    let mut verdict = AuditVerdict::default();
    let mut statement = connection.prepare("SELECT sequence, entries, hash FROM audit ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    let (mut last, mut expected, mut recorded) = ([0; 32], 0_i64, 0_u64);
    while let Some(row) = rows.next()? {
        let (sequence, hash): (i64, [u8; 32]) = (row.get(0)?, row.get(2)?);
        if sequence == 0 {
            let older = row.get_ref(1)?.as_str().ok().and_then(|text| text.parse().ok());
            verdict.older_messages = older.unwrap_or_default();
            continue;
        }
        expected += 1;
        let bytes = row.get_ref(1)?.as_blob()?;
        if sequence != expected {
            verdict.faults.push(format!("commit {expected} is missing"));
            expected = sequence;
        }
        if link(&last, bytes) != hash {
            verdict.faults.push(format!(
                "commit {sequence} does not follow from the one before it"
            ));
        }
        last = hash;
        verdict.commits += 1;
        let mut rest = bytes;
        for entry in std::iter::from_fn(|| AuditEntry::read(&mut rest)) {
            verdict.entries += 1;
            if let Happened::Recorded { content, .. } = entry.what {
                recorded += 1;
                compare(connection, entry.message, content, &mut verdict.faults)?;
            }
        }
        if !rest.is_empty() {
            verdict.faults.push(format!("commit {sequence} cannot be read"));
        }
        if verdict.faults.len() >= FAULTS_MAX {
            return Ok(verdict);
        }
    }
    let messages: i64 = connection.query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
    let known = recorded + verdict.older_messages;
    if messages.unsigned_abs() != known {
        verdict.faults.push(format!(
            "the journal holds {messages} messages, the audit record knows {known}"
        ));
    }
    Ok(verdict)
}

fn compare(
    connection: &Connection,
    message: MessageId,
    content: ContentHash,
    faults: &mut Vec<String>,
) -> rusqlite::Result<()> {
    let same = connection
        .prepare_cached("SELECT raw FROM message WHERE id = ?1")?
        .query_row([message.0.as_bytes()], |row| {
            Ok(ContentHash::of(row.get_ref(0)?.as_blob()?) == content)
        })
        .optional()?;
    match same {
        Some(true) => {}
        Some(false) => faults.push(format!("message {message} is not what was received")),
        None => faults.push(format!("message {message} is gone")),
    }
    Ok(())
}
