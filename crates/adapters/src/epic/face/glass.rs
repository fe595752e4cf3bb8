//! Break-the-Glass: people whose chart opens only to those who say why.
//!
//! They are found by search and match, or nobody could ask for them; everything in their chart is refused, read or
//! written, and left out of exports. There is no saying why over this interface, so the refusal stays.

use rest::Reply;

use super::outcome::{self, Code};
use crate::epr::Shared;
use crate::state::person::Person;

/// Refuses what is in the chart of somebody protected.
pub(super) fn opens<'p>(
    shared: &Shared,
    people: impl IntoIterator<Item = &'p Person>,
) -> Result<(), Box<Reply>> {
    if !people.into_iter().any(|person| person.protected) {
        return Ok(());
    }
    let code = match shared.choices.get("break-the-glass") {
        "refused" => Code::GlassRefused,
        _ => Code::GlassNeeded,
    };
    Err(Box::new(outcome::refused(403, &[outcome::issue(code, "")])))
}
