//! HL7 out: what an EPR tells the world when somebody acts on it, in its own dialect.
//!
//! The engine decides that something is told, and in which order it leaves ([`outbox`]); a vendor's `write` decides
//! how it reads.

pub(crate) mod clinical;
mod er7;
pub(crate) mod outbox;

pub(crate) use self::clinical::Phase;
pub(crate) use self::er7::{Er7, Put, parts, to_ascii};

use crate::state::Text;
use crate::state::encounter::{Encounter, Place};
use crate::state::item::Item;
use crate::state::person::{Coded, Name, Person};
use crate::state::report::{Report, Said};

/// One message to be written.
pub(crate) struct Emission<'a> {
    /// `ADT`, `ORU`, `ORM`, `SIU`, `MDM`, `PPR`.
    pub code: &'static str,
    /// `A01`, or `R01` for results.
    pub event: &'static str,
    pub control_id: &'a str,
    /// Now on the hospital's clock, 14 digits.
    pub now: &'a str,
    /// When it happened, as precise as it was said.
    pub at: &'a str,
    pub person: &'a Person,
    pub encounter: Option<&'a Encounter>,
    /// Whoever was merged away.
    pub loser: Option<&'a Person>,
    pub report: Option<&'a Report>,
    /// What was noted about the person.
    pub item: Option<&'a Item>,
    /// The visit that goes, or is moved: its number.
    pub gone: &'a str,
    /// Whoever held the visit before.
    pub before: Option<&'a Person>,
    /// Members said to be deleted: written as HL7 null.
    pub cleared: &'a [String],
    pub choices: &'a crate::epr::Choices,
}

impl Emission<'_> {
    /// Whoever held a visit before it was moved here.
    pub(crate) fn moved_from(&self, encounter: &Encounter) -> Option<&Person> {
        self.before
            .filter(|person| encounter.moved_from == Some(person.key))
    }

    /// Whether a member was cleared and must read `""`.
    pub(crate) fn cleared(&self, member: &str) -> bool {
        self.cleared.iter().any(|cleared| cleared == member)
    }

    /// A value, or null when it was just cleared.
    pub(crate) fn told(&self, member: &str, value: Option<&Text>) -> Er7 {
        match value {
            Some(value) => Er7::text(value),
            None if self.cleared(member) => Er7::null(),
            None => Er7::default(),
        }
    }
}

/// The first `digits` digits of an HL7 time, padded with zeros when it is a time and shorter.
pub(crate) fn time_to(time: &str, digits: usize) -> String {
    let plain: String = time
        .chars()
        .take_while(|letter| letter.is_ascii_digit())
        .take(digits)
        .collect();
    if plain.len() > 8 && plain.len() < digits {
        format!("{plain:0<digits$}")
    } else {
        plain
    }
}

/// PL in its usual order.
pub(crate) fn pl(place: &Place) -> Er7 {
    parts(&[
        &place.ward,
        &place.room,
        &place.bed,
        &place.facility,
        "",
        "",
        &place.building,
    ])
}

/// CE in its usual order.
pub(crate) fn ce(coded: &Coded) -> Er7 {
    parts(&[&coded.code, &coded.text, &coded.system])
}

/// XPN in its usual order.
pub(crate) fn xpn(name: &Name) -> Er7 {
    parts(&[
        &name.family,
        &name.given,
        &name.middle,
        &name.suffix,
        &name.prefix,
        "",
        &name.kind,
    ])
}

/// OBX-5.
pub(crate) fn obx_value(said: &Said) -> Er7 {
    if said.status == "D" && said.value.is_empty() {
        return Er7::null();
    }
    Er7::repeated(said.value.iter().map(|repetition| {
        let components: Vec<&str> = repetition.iter().map(Text::as_str).collect();
        parts(&components)
    }))
}
