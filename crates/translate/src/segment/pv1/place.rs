//! Where a stay is: PV1-3, 6, 11, 42, 43 and the status of the bed.

use super::*;

pub(super) fn read_location(
    field: Field<'_>,
    status: &'static str,
    encounter: &mut Encounter,
    cx: &mut Context<'_>,
) {
    for pl in field.repetitions() {
        cx.at(encounter.location.len());
        if let Some(place) = location::read(pl, cx) {
            encounter.location.push(EncounterLocation {
                location: Some(place),
                status: Some(Text::const_new(status)),
                ..EncounterLocation::default()
            });
        }
    }
}

pub(super) fn write_location(
    place: Option<&EncounterLocation>,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    if let Some(place) = place.and_then(|place| place.location.as_ref()) {
        location::write(place, field.repetition(), back);
    }
}

pub(super) fn with_status<'e>(encounter: &'e Encounter, status: &str) -> Option<&'e EncounterLocation> {
    encounter
        .location
        .iter()
        .find(|one| one.status.as_deref() == Some(status))
}

pub(super) fn is_current(one: &EncounterLocation) -> bool {
    matches!(one.status.as_deref(), None | Some("active" | "planned")) && !is_next(one)
}

/// PV2-1 is planned as PV1-3 of a pre-admission is; its own mark tells them apart.
pub(super) fn is_next(one: &EncounterLocation) -> bool {
    keep::is_marked(&one.extension, crate::segment::pv2::PRIOR_PENDING)
}

pub(super) fn is_temporary(one: &EncounterLocation) -> bool {
    one.extension
        .iter()
        .any(|e| e.url.as_deref() == Some(CLASSIFICATION))
}

pub(super) fn read_temporary(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    read_temporary_as("active", field, encounter, cx);
}

/// PV1-43: where the patient was for a while before.
pub(super) fn read_prior_temporary(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    read_temporary_as("completed", field, encounter, cx);
}

fn read_temporary_as(
    status: &'static str,
    field: Field<'_>,
    encounter: &mut Encounter,
    cx: &mut Context<'_>,
) {
    let Some(place) = location::read(field.repetition(1), cx) else {
        return;
    };
    let concept = concept::of_code(CLASSIFICATION_CODES, "temporary", "");
    encounter.location.push(EncounterLocation {
        location: Some(place),
        status: Some(Text::const_new(status)),
        extension: vec![Extension {
            url: Some(Text::const_new(CLASSIFICATION)),
            value_codeable_concept: Some(Box::new(concept)),
            ..Extension::default()
        }],
        ..EncounterLocation::default()
    });
}

pub(super) fn write_temporary(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_temporary_as(false, encounter, field, back);
}

pub(super) fn write_prior_temporary(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_temporary_as(true, encounter, field, back);
}

fn write_temporary_as(past: bool, encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let wanted =
        |one: &&EncounterLocation| is_temporary(one) && (one.status.as_deref() == Some("completed")) == past;
    write_location(encounter.location.iter().find(wanted), field, back);
}

pub(super) fn read_bed_status(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let place = encounter
        .location
        .first()
        .and_then(|one| one.location.as_ref()?.reference.clone());
    let id = place.and_then(|url| uuid::Uuid::parse_str(url.strip_prefix("urn:uuid:")?).ok());
    match id {
        Some(id) => {
            let status = cx.take(field, "Location.operationalStatus.code");
            let status = status.map(|code| location::bed_status(code, cx));
            if let (Some(_), Some(Resource::Location(place))) = (&status, cx.entries.shared(id)) {
                place.operational_status = status;
            }
        }
        None => keep::read_field(field, encounter, cx),
    }
}
