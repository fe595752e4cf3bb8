//! Walls taken down on purpose, one at a time: a proof of segregation that finds nothing must be seen to fail.
//!
//! Off unless the site assumes `planted-leak`. What each leak shows is what the wall named keeps: rows of a search or of
//! its further pages, a record by its id, how many rows there are, and a name in a refusal or in the log.

use rest::{Body, Reply};

use super::{Found, key, refused};
use crate::access::View;
use crate::epr::Shared;
use crate::state::State;

/// Whether that wall is down.
pub(super) fn is_down(shared: &Shared, wall: &str) -> bool {
    shared.choices.get("planted-leak") == wall
}

/// A refusal or a log line that names the visit it hides.
pub(super) fn spilt(shared: &Shared, all: &State, seen: View<'_>, id: &str) -> Option<Reply> {
    let (by_error, by_log) = (is_down(shared, "error"), is_down(shared, "log"));
    if !by_error && !by_log {
        return None;
    }
    let visit = key(id).filter(|key| seen.encounter(*key).is_none())?;
    let (_, hidden) = all.encounter(visit)?;
    if by_log {
        tracing::warn!(visit = %hidden.number, "planted leak: a visit of another organisation was asked for");
        return None;
    }
    let text = format!("visit {} is another organisation's", hidden.number);
    Some(refused(403, "forbidden", "Forbidden", &text))
}

/// A page that says how many rows there are, those of others included.
pub(super) fn counted(shared: &Shared, mut reply: Reply, everything: impl FnOnce() -> Found) -> Reply {
    if is_down(shared, "counts")
        && let Ok(all) = everything()
        && let (Body::Resource(page), Body::Resource(all)) = (&mut reply.body, &all.body)
        && let (fhir::Resource::Bundle(page), fhir::Resource::Bundle(all)) = (&mut **page, &**all)
    {
        page.total = u32::try_from(all.entry.len()).ok();
    }
    reply
}
