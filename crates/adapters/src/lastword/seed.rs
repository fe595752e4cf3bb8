//! The synthetic people of a LastWord site, and who of them lies in which bed.

use crate::seed::{Citizen, admission_time, register, stay_events};
use crate::state::change::Visit;
use crate::state::encounter::Place;
use crate::state::person::{Alias, Clinician, Coded, Role};
use crate::state::{Change, Text};
use crate::vendor::Profile;

/// Ward, room, bed. Two wards have a bed of the same code.
const BEDS: &[(&str, &str, &str)] = &[
    ("T06", "T06A", "T06-30"),
    ("T06", "T06A", "T06-32"),
    ("T07", "T07B", "T07-12"),
    ("T08", "T08C", "BAY-01"),
    ("T09", "T09A", "BAY-01"),
    ("T10", "T10D", "T10-04"),
    ("T11", "T11D", "T11-40"),
    ("MAT3", "ROOM2", "COT-02"),
];

/// Local five-digit specialties, as the feed at UCLH carries them; the other site uses treatment functions.
const SPECIALTIES: &[(&str, &str)] = &[
    ("31015", "300"),
    ("41008", "320"),
    ("42002", "502"),
    ("33021", "340"),
];

const CONSULTANTS: &[(&str, &str, &str)] = &[
    ("ALDJ01", "ALDERTON", "JAMES"),
    ("CARH01", "CARROW", "HELEN"),
    ("BHAS02", "BHATT", "SUNITA"),
];

pub(super) fn events(citizen: &Citizen, profile: &Profile) -> Vec<Change> {
    let codes = &profile.codes;
    let uclh = codes.mrn.0 == "MRENTR";
    let number = if uclh {
        50_000_000 + citizen.index * 7
    } else {
        5_000_000 + citizen.index * 7
    };
    let mrn = Alias {
        value: format!("{number}").into(),
        authority: codes.mrn.0.into(),
        kind: codes.mrn.1.into(),
        role: Role::Mrn,
    };
    let mut first = register(citizen, profile, mrn.clone());
    (profile.reading.stores)(&mut first);
    let mut events = vec![first];
    let Some(stay) = citizen.stay else { return events };
    let pick = |dice: u64, count: usize| usize::try_from(dice % count as u64).unwrap_or(0);
    let (ward, room, bed) = BEDS[pick(citizen.dice[0], BEDS.len())];
    let (local, national) = SPECIALTIES[pick(citizen.dice[1], SPECIALTIES.len())];
    let (id, family, given) = CONSULTANTS[pick(citizen.dice[2], CONSULTANTS.len())];
    let at = admission_time(stay, 12);
    let visit = Visit {
        number: format!("V{:010}", 9_000_000 + citizen.index).into(),
        class: Some(Text::const_new("I")).into(),
        admission_type: Some(Text::const_new("21")).into(),
        source: Some(Text::const_new("19")).into(),
        specialty: Some(Coded {
            code: if uclh { local } else { national }.into(),
            ..Coded::default()
        })
        .into(),
        consultant: Some(Clinician {
            id: id.into(),
            family: family.into(),
            given: given.into(),
            ..Clinician::default()
        })
        .into(),
        place: Some(Place {
            ward: ward.into(),
            room: room.into(),
            bed: bed.into(),
            ..Place::default()
        }),
        admitted: Some(at.clone()).into(),
        ..Visit::default()
    };
    events.extend(stay_events(citizen, mrn, visit, "PLW-HL7", &at));
    events
}
