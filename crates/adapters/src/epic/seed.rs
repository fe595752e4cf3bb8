//! The synthetic people of an Epic hospital.

use crate::seed::{Citizen, admission_time, register, stay_events};
use crate::state::change::Visit;
use crate::state::encounter::Place;
use crate::state::person::{Alias, Clinician, Coded, Role};
use crate::state::{Change, Text};
use crate::vendor::Profile;

/// Department, room, bed.
const BEDS: &[(&str, &str, &str)] = &[
    ("T06", "T06 BY01", "BY01-01"),
    ("T07", "T07 BY02", "BY02-12"),
    ("T08", "T08 BY03", "BY03-21"),
    ("T09", "T09 BY01", "BY01-03"),
    ("T10", "T10 HDU", "HDU-2"),
    ("UCH SDEC", "UCH SDEC CH", "CH-14"),
];

const SPECIALTIES: &[&str] = &[
    "Acute Medicine",
    "Cardiology",
    "Respiratory Medicine",
    "Trauma & Orthopaedics",
];

const CONSULTANTS: &[(&str, &str, &str)] = &[
    ("ALDJ01", "ALDERTON", "JAMES"),
    ("GALM01", "GALLO", "MARINA"),
    ("BHAS02", "BHATT", "SUNITA"),
];

pub(super) fn events(citizen: &Citizen, profile: &Profile) -> Vec<Change> {
    let codes = &profile.codes;
    let mrn = Alias {
        value: (60_000_000 + citizen.index * 11).to_string().into(),
        authority: codes.mrn.0.into(),
        kind: codes.mrn.1.into(),
        role: Role::Mrn,
    };
    let mut events = vec![register(citizen, profile, mrn.clone())];
    let Some(stay) = citizen.stay else { return events };
    let pick = |dice: u64, count: usize| usize::try_from(dice % count as u64).unwrap_or(0);
    let (ward, room, bed) = BEDS[pick(citizen.dice[0], BEDS.len())];
    let specialty = SPECIALTIES[pick(citizen.dice[1], SPECIALTIES.len())];
    let (id, family, given) = CONSULTANTS[pick(citizen.dice[2], CONSULTANTS.len())];
    let at = admission_time(stay, 14);
    let visit = Visit {
        number: (1_000_000_000 + citizen.index * 13).to_string().into(),
        class: Some(Text::const_new("I")).into(),
        admission_type: Some(Text::const_new("Emergency")).into(),
        source: Some(Text::const_new("Usual residence")).into(),
        specialty: Some(Coded {
            code: specialty.into(),
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
    events.extend(stay_events(citizen, mrn, visit, "Winpath", &at));
    events
}
