//! The synthetic people of a Millennium domain that two trusts share.

use crate::seed::{Citizen, admission_time, register, stay_events};
use crate::state::change::Visit;
use crate::state::encounter::Place;
use crate::state::person::{Alias, Clinician, Coded, Role};
use crate::state::{Change, Text};
use crate::vendor::Profile;

/// Ward, room, bed, facility, building.
const BEDS: &[[&str; 5]] = &[
    ["Albert Ward", "Bay 3", "Bed 15", "RYJ01", "QEQM"],
    ["Witherow Ward", "Bay 1", "Bed 02", "RYJ01", "QEQM"],
    ["Lady Skinner", "Side 4", "Bed 1", "RYJ02", "South Wing"],
    ["Marjory Warren", "Bay B", "Bed 07", "RYJ02", "South Wing"],
    ["David Evans", "Bay 2", "Bed 11", "RQM01", "Chelsea"],
    ["Nell Gwynne", "Bay 5", "Bed 23", "RQM01", "Chelsea"],
];

const SERVICES: &[&str] = &[
    "General Medicine",
    "Cardiology",
    "Respiratory Medicine",
    "Trauma and Orthopaedics",
];

const CONSULTANTS: &[(&str, &str, &str)] = &[
    ("ALDJ01", "Alderton", "James"),
    ("CARH01", "Carrow", "Helen"),
    ("FENR03", "Fenn", "Robert"),
];

pub(super) fn events(citizen: &Citizen, profile: &Profile) -> Vec<Change> {
    let codes = &profile.codes;
    let pool = |number: u64, pool: &str| Alias {
        value: number.to_string().into(),
        authority: pool.into(),
        kind: codes.mrn.1.into(),
        role: Role::Mrn,
    };
    let mrn = pool(3_000_000 + citizen.index * 3, codes.mrn.0);
    let mut first = register(citizen, profile, mrn.clone());
    // Three in ten are known to the other trust of the domain too.
    if citizen.dice[3] % 10 < 3 {
        first
            .aliases
            .insert(1, pool(2_600_000 + citizen.index * 3, "CWFT MRN"));
    }
    let mut events = vec![first];
    let Some(stay) = citizen.stay else { return events };
    let pick = |dice: u64, count: usize| usize::try_from(dice % count as u64).unwrap_or(0);
    let [ward, room, bed, facility, building] = BEDS[pick(citizen.dice[0], BEDS.len())];
    let service = SERVICES[pick(citizen.dice[1], SERVICES.len())];
    let (id, family, given) = CONSULTANTS[pick(citizen.dice[2], CONSULTANTS.len())];
    let at = admission_time(stay, 14);
    let visit = Visit {
        number: (6_000_000 + citizen.index).to_string().into(),
        authority: Text::const_new("ICHT Encounter Num"),
        class: Some(Text::const_new("Inpatient")).into(),
        admission_type: Some(Text::const_new("Emergency")).into(),
        source: Some(Text::const_new("Usual residence")).into(),
        specialty: Some(Coded {
            code: service.into(),
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
            facility: facility.into(),
            building: building.into(),
        }),
        admitted: Some(at.clone()).into(),
        ..Visit::default()
    };
    events.extend(stay_events(citizen, mrn, visit, "WINPATH", &at));
    events
}
