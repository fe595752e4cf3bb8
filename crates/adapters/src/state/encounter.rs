//! One encounter: number, class, where the patient lies, who looks after them, and every move.
//!
//! Admission, discharge and their cancellations are independent facts, each stamped with the time of the event
//! that brought it: a message that arrives late never undoes what a later event said.

use serde::{Deserialize, Serialize};

use super::Text;
use super::person::{Clinician, Coded};

/// PL: ward, room, bed and where they are.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub ward: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub room: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub bed: Text,
    /// PL-4: facility or site.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub facility: Text,
    /// PL-7: building.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub building: Text,
}

/// One stay in one place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Movement {
    /// HL7 time of the move.
    pub at: Text,
    pub place: Place,
}

/// A visit, admission or attendance.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Encounter {
    pub key: u32,
    /// Visit number, CSN or FIN.
    pub number: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub authority: Text,
    /// PV1-2 as the vendor writes it.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub class: Text,
    /// PV1-4: admission type or method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission_type: Option<Text>,
    /// PV1-14: source of admission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text>,
    /// PV1-10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<Coded>,
    /// PV1-7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consultant: Option<Clinician>,
    /// PV1-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Clinician>,
    /// PV2-3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Coded>,
    /// PV1-44.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted: Option<Text>,
    /// PV1-45.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharged: Option<Text>,
    /// PV1-36.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Text>,
    /// PV1-37.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Text>,
    /// Announced, not begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
    /// PV2-22: of a restricted class, which nobody but its owner sees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
    /// Time of the event that last said whether there was an admission at all.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub admission_known_at: Text,
    /// Time of the event that last said whether the patient had left.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub discharge_known_at: Text,
    /// Where the patient has been, in order of time; the last is where they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub movements: Vec<Movement>,
    /// The person who held this encounter before a merge moved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<u32>,
    /// PV1-42: where the patient is to be moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Box<Place>>,
    /// Whose it is, as its messages said; its place and the pool of its number say more.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub owner: Text,
    /// The encounter this one was combined into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<u32>,
    pub version: u32,
}

/// Where an encounter stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Planned,
    Open,
    Closed,
    Cancelled,
}

impl Encounter {
    pub(crate) fn stage(&self) -> Stage {
        match () {
            () if self.cancelled => Stage::Cancelled,
            () if self.discharged.is_some() => Stage::Closed,
            () if self.planned => Stage::Planned,
            () => Stage::Open,
        }
    }

    /// Where the patient is, or was last.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.movements.last().map(|movement| &movement.place)
    }

    /// The place before this one, as PV1-6 tells it.
    pub(crate) fn place_before(&self) -> Option<&Place> {
        self.movements.iter().nth_back(1).map(|movement| &movement.place)
    }

    /// Notes a move at its own time, wherever it falls among those already known.
    pub(crate) fn move_to(&mut self, at: &str, place: Place) {
        let at = Text::from(at);
        match self.movements.iter_mut().find(|known| known.at == at) {
            // A move at the very same minute says the same thing again, or better.
            Some(known) => known.place = place,
            None => {
                let after = self
                    .movements
                    .partition_point(|known| time_order(&known.at, &at).is_le());
                self.movements.insert(after, Movement { at, place });
            }
        }
    }

    /// Corrects where the patient is without moving them.
    pub(crate) fn correct_place(&mut self, at: &str, place: Place) {
        match self.movements.last_mut() {
            Some(last) => last.place = place,
            None => self.movements.push(Movement { at: at.into(), place }),
        }
    }

    /// Takes back the last move; `back_to` is where the sender says the patient is now.
    pub(crate) fn cancel_move(&mut self, back_to: Option<Place>) {
        if self.movements.len() > 1 {
            self.movements.pop();
        }
        if let (Some(place), Some(last)) = (back_to, self.movements.last_mut()) {
            last.place = place;
        }
    }

    /// Whether an event of that time may still speak about the admission.
    pub(crate) fn admission_heard(&mut self, at: &str) -> bool {
        heard(&mut self.admission_known_at, at)
    }

    /// Whether an event of that time may still speak about the discharge.
    pub(crate) fn discharge_heard(&mut self, at: &str) -> bool {
        heard(&mut self.discharge_known_at, at)
    }
}

/// Moves the stamp forward; false when the event is older than what is known.
fn heard(known: &mut Text, at: &str) -> bool {
    if !known.is_empty() && time_order(at, known).is_lt() {
        return false;
    }
    *known = at.into();
    true
}

/// Orders two HL7 times by their digits; a missing precision counts as its start.
pub(crate) fn time_order(left: &str, right: &str) -> std::cmp::Ordering {
    let digits = |time: &str| {
        let mut padded = [b'0'; 17];
        let digits = time
            .bytes()
            .take_while(|byte| *byte != b'+' && *byte != b'-')
            .filter(u8::is_ascii_digit);
        for (slot, digit) in padded.iter_mut().zip(digits) {
            *slot = digit;
        }
        padded
    };
    digits(left).cmp(&digits(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ward(name: &str) -> Place {
        Place {
            ward: name.into(),
            ..Place::default()
        }
    }

    #[test]
    fn a_late_move_falls_into_its_place_in_time() {
        let mut encounter = Encounter::default();
        encounter.move_to("202601010900", ward("T06"));
        encounter.move_to("202601031000", ward("T08"));
        encounter.move_to("202601021000", ward("T07"));
        assert_eq!(encounter.place().map(|place| place.ward.as_str()), Some("T08"));
        assert_eq!(
            encounter.place_before().map(|place| place.ward.as_str()),
            Some("T07")
        );
    }

    #[test]
    fn times_of_differing_precision_are_ordered_by_their_start() {
        assert!(time_order("2026", "202601020304").is_lt());
        assert!(time_order("202601020304", "20260102030400").is_eq());
        assert!(time_order("20260102030401+0100", "202601020304").is_gt());
    }

    #[test]
    fn an_event_older_than_what_is_known_is_not_heard() {
        let mut encounter = Encounter::default();
        assert!(encounter.discharge_heard("202601021200"));
        assert!(!encounter.discharge_heard("202601021159"));
        assert!(encounter.discharge_heard("202601021200"));
    }
}
