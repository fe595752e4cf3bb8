//! HL7 in: a message in the product's own dialect becomes a [`Change`], or a refusal with its place.
//!
//! These are the mock's own few lines over `hl7v2`; they share nothing with the gateway's translation, so that an
//! end-to-end test has two witnesses. A refusal names where and which rule, never the value.

pub(crate) mod answer;
pub(crate) mod clinical;
mod demographics;
pub(crate) mod read;
mod results;
mod visit;

use hl7v2::ack::AckCode;
use hl7v2::{Location, Message};

use self::read::{given, text};
use crate::epr::Choices;
use crate::state::change::{Merge, Standing, VisitAct};
use crate::state::{Change, Text};
use crate::vendor::{Profile, Reading};

/// Why a message is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub code: AckCode,
    /// Table 0357.
    pub condition: &'static str,
    pub place: Option<Location>,
    pub text: String,
}

impl Refusal {
    pub(crate) fn error(condition: &'static str, place: &str, text: &str) -> Self {
        Self {
            code: AckCode::AE,
            condition,
            place: place.parse().ok(),
            text: text.into(),
        }
    }

    pub(crate) fn reject(condition: &'static str, place: &str, text: &str) -> Self {
        Self {
            code: AckCode::AR,
            ..Self::error(condition, place, text)
        }
    }
}

/// Reads one message.
///
/// # Errors
/// A [`Refusal`] when the type or event is none of the product's, a number that must be there is not, or the
/// product has a rule of its own against it.
pub(crate) fn read(message: &Message<'_>, profile: &Profile, choices: &Choices) -> Result<Change, Refusal> {
    let reading = &profile.reading;
    if let Some(refusal) = (reading.refuses)(message) {
        return Err(refusal);
    }
    let header = message.header();
    if header.control_id().is_empty() {
        return Err(Refusal::error("101", "MSH-10", "MSH-10: control id missing"));
    }
    let mut change = match (&*header.message_code(), &*header.trigger_event()) {
        ("ADT", event) => adt(message, event, reading)?,
        ("ORU", "R01") => results::read(message, reading)?,
        (code, event) if reading.takes(code, event) => clinical::read(message, reading)?,
        ("ORU", _) => {
            return Err(unsupported(
                reading,
                "201",
                "MSH-9.2: this trigger event is not taken here",
            ));
        }
        (code, _) if reading.clinical.iter().any(|(known, _)| *known == code) => {
            return Err(unsupported(
                reading,
                "201",
                "MSH-9.2: this trigger event is not taken here",
            ));
        }
        _ => {
            return Err(unsupported(
                reading,
                "200",
                "MSH-9.1: this message type is not taken here",
            ));
        }
    };
    change.standing = match (&*header.message_code(), choices.get("person-details")) {
        ("ADT", "arrival") => Standing::AtOnce,
        ("ADT", _) => Standing::AsOf,
        _ => Standing::Provisional,
    };
    change.owner = (reading.owner)(message);
    (reading.stores)(&mut change);
    Ok(change)
}

fn unsupported(reading: &Reading, condition: &'static str, text: &str) -> Refusal {
    let place = if condition == "200" { "MSH-9.1" } else { "MSH-9.2" };
    Refusal {
        code: reading.unsupported,
        ..Refusal::error(condition, place, text)
    }
}

fn adt(message: &Message<'_>, event: &str, reading: &Reading) -> Result<Change, Refusal> {
    let renumber = reading.renumbers.contains(&event);
    let merge = renumber || reading.merges.contains(&event);
    let moves = reading.moves.contains(&event);
    let parts = reading.unmerges.contains(&event);
    let combines = reading.combines.contains(&event);
    if !merge && !moves && !parts && !combines && !reading.events.contains(&event) {
        return Err(unsupported(
            reading,
            "201",
            "MSH-9.2: this trigger event is not taken here",
        ));
    }
    let mut change = about(message, reading)?;
    change.demographics = demographics::read(message, reading);
    change.items = clinical::beside(message);
    if parts {
        change.unmerge = (reading.parted)(message);
        if change.unmerge.is_empty() {
            return Err(Refusal::error(
                "101",
                "PID[2]-3",
                "PID[2]-3: no number of the record that stands alone again",
            ));
        }
        return Ok(change);
    }
    if combines {
        let mut visit = visit::read(message, reading);
        visit.combined = combined(message);
        if visit.combined.is_empty() || visit.number.is_empty() {
            return Err(Refusal::error(
                "101",
                "MRG-3",
                "MRG-3: no visit that goes, or none that stays",
            ));
        }
        change.visit = Some((VisitAct::Combine, visit));
        return Ok(change);
    }
    if merge {
        change.merge = Some(merge_of(message, &change, reading, renumber)?);
        return Ok(change);
    }
    if moves {
        let mut visit = visit::read(message, reading);
        if let Some(number) = given(text(message.field("MRG", 5))) {
            visit.number = number;
        }
        if visit.number.is_empty() {
            return Err(Refusal::error("101", "MRG-5", "MRG-5: no visit to move"));
        }
        change.visit = Some((VisitAct::Take, visit));
        return Ok(change);
    }
    if let Some(act) = act_of(event) {
        if message.segment("PV1").is_none() {
            if act == VisitAct::Amend {
                return Ok(change);
            }
            return Err(Refusal::error(
                "100",
                "PV1",
                "PV1: segment missing from an event about a visit",
            ));
        }
        let visit = visit::read(message, reading);
        if act == VisitAct::Move && visit.place.is_none() {
            return Err(Refusal::error(
                "101",
                "PV1-3",
                "PV1-3: a transfer without a place",
            ));
        }
        change.visit = Some((act, visit));
    }
    Ok(change)
}

/// The visit that goes: MRG-3, or MRG-5 where visits have numbers of their own.
fn combined(message: &Message<'_>) -> Text {
    given(text(message.field("MRG", 3)))
        .or_else(|| given(text(message.field("MRG", 5))))
        .unwrap_or_default()
}

/// Who goes in a merge, or which number does.
fn merge_of(
    message: &Message<'_>,
    change: &Change,
    reading: &Reading,
    renumber: bool,
) -> Result<Merge, Refusal> {
    if message.segment("MRG").is_none() {
        return Err(Refusal::error("100", "MRG", "MRG: segment missing from a merge"));
    }
    let losers = (reading.losers)(message);
    if losers.is_empty() {
        return Err(Refusal::error(
            "101",
            "MRG-1",
            "MRG-1: no number of the record that goes",
        ));
    }
    if losers
        .iter()
        .all(|loser| change.aliases.iter().any(|kept| kept.names_the_same(loser)))
    {
        return Err(Refusal::error(
            "204",
            "MRG-1",
            "MRG-1: names the record that stays",
        ));
    }
    Ok(Merge { losers, renumber })
}

/// What a trigger event does to a visit; none for those about the person only.
fn act_of(event: &str) -> Option<VisitAct> {
    Some(match event {
        "A01" | "A04" => VisitAct::Begin,
        "A05" => VisitAct::Plan,
        "A02" => VisitAct::Move,
        "A15" => VisitAct::PlanMove,
        "A26" => VisitAct::CancelPlan,
        "A14" => VisitAct::Plan,
        "A12" => VisitAct::CancelMove,
        "A03" => VisitAct::Leave,
        "A13" => VisitAct::CancelLeave,
        "A11" | "A38" => VisitAct::CancelBegin,
        "A06" | "A07" | "A08" => VisitAct::Amend,
        _ => return None,
    })
}

/// When and about whom.
fn about(message: &Message<'_>, reading: &Reading) -> Result<Change, Refusal> {
    if message.segment("PID").is_none() {
        return Err(Refusal::error("100", "PID", "PID: segment missing"));
    }
    let aliases = (reading.identities)(message);
    if aliases.is_empty() {
        return Err(Refusal::error(
            "101",
            "PID-3",
            "PID-3: no number that says who this is",
        ));
    }
    let sent = message.header().time();
    let recorded = given(text(message.field("EVN", 2))).unwrap_or_else(|| Text::from(&*sent));
    let at = given(text(message.field("EVN", 6))).unwrap_or_else(|| recorded.clone());
    Ok(Change {
        at,
        recorded,
        aliases,
        ..Change::default()
    })
}
