//! Tokens that may be shown once: which were shown already.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use ring::digest::{Context, SHA256};

use super::claims::LEEWAY_S_MAX;
use super::{Claims, TokenError};

type Digest = [u8; 32];

/// The ids (`jti`) of tokens that were shown, each until its token expires. Bounded: when it is full, no token is
/// believed rather than one forgotten.
#[derive(Debug)]
pub struct Replays {
    entries_max: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<Digest>,
    by_end: BTreeSet<(i64, Digest)>,
}

impl Replays {
    /// Remembers at most this many.
    #[must_use]
    pub fn new(entries_max: usize) -> Self {
        Self {
            entries_max,
            seen: Mutex::default(),
        }
    }

    /// Notes that a token is shown. Ask only for tokens that are right otherwise, or a stranger can use up an id.
    ///
    /// # Errors
    /// It was shown before, says no `iss`, `jti` or `exp`, or too many are remembered.
    pub fn first_use(&self, claims: &Claims, now_s: i64) -> Result<(), TokenError> {
        let expires_s = claims.expires_s().ok_or(TokenError::Missing("exp"))?;
        let digest = digest(claims.issuer()?, claims.id()?);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(&(end, oldest)) = seen.by_end.first()
            // As long as the most lenient rules take the token.
            && end.saturating_add(LEEWAY_S_MAX) < now_s
        {
            seen.by_end.pop_first();
            seen.ids.remove(&oldest);
        }
        if seen.ids.contains(&digest) {
            return Err(TokenError::Replayed);
        }
        if seen.ids.len() >= self.entries_max {
            return Err(TokenError::Busy);
        }
        seen.ids.insert(digest);
        seen.by_end.insert((expires_s, digest));
        Ok(())
    }
}

/// Of the two together; the length keeps `a` and `bc` apart from `ab` and `c`.
fn digest(issuer: &str, id: &str) -> Digest {
    let mut context = Context::new(&SHA256);
    context.update(&u64::try_from(issuer.len()).unwrap_or(u64::MAX).to_be_bytes());
    context.update(issuer.as_bytes());
    context.update(id.as_bytes());
    let mut digest = Digest::default();
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
