//! PV2 to Encounter and back. Guide: "Segment PV2 to Encounter".

use fhir::{Encounter, EncounterLocation, Extension, Quantity, Text};

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, location, quantity, time};
use crate::keep;
use crate::row::SegmentMap;

type Row = crate::row::Row<Encounter>;

/// Marks the location of PV2-1.
pub(crate) const PRIOR_PENDING: &str = "PV2-1";
const PLANNED_START: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
const PLANNED_END: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";
const MODE_OF_ARRIVAL: &str = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival";

/// PV2 to Encounter.
pub(crate) static PV2: SegmentMap<Encounter> = SegmentMap {
    segment: "PV2",
    resource: "Encounter",
    rows: &[
        Row::new(
            1,
            "location",
            |field, encounter, cx| {
                let Some(place) = location::read(field.repetition(1), cx) else {
                    return;
                };
                encounter.location.push(EncounterLocation {
                    location: Some(place),
                    status: Some(Text::const_new("planned")),
                    extension: vec![keep::mark(Text::const_new(PRIOR_PENDING))],
                    ..EncounterLocation::default()
                });
            },
            |encounter, field, back| {
                let marked = encounter
                    .location
                    .iter()
                    .find(|one| keep::is_marked(&one.extension, PRIOR_PENDING));
                if let Some(place) = marked.and_then(|one| one.location.as_ref()) {
                    location::write(place, field.repetition(), back);
                }
            },
        )
        .note("prior pending"),
        Row::new(
            3,
            "reasonCode",
            |field, encounter, cx| concept::all(field, None, &mut encounter.reason_code, cx),
            |encounter, field, back| concept::put(encounter.reason_code.first(), None, field, back),
        ),
        Row::new(
            8,
            "extension(plannedStartDate)",
            |field, encounter, cx| read_moment(field, PLANNED_START, encounter, cx),
            |encounter, field, back| write_moment(encounter, PLANNED_START, field, back),
        ),
        Row::new(
            9,
            "extension(plannedEndDate)",
            |field, encounter, cx| read_moment(field, PLANNED_END, encounter, cx),
            |encounter, field, back| write_moment(encounter, PLANNED_END, field, back),
        ),
        Row::new(
            11,
            "length",
            |field, encounter, cx| {
                encounter.length = quantity::decimal(field, cx, ".value").map(|value| Quantity {
                    value: Some(value),
                    unit: Some(Text::const_new("days")),
                    system: Some(Text::const_new("http://unitsofmeasure.org")),
                    code: Some(Text::const_new("d")),
                    ..Quantity::default()
                });
            },
            |encounter, field, _| {
                let days = encounter
                    .length
                    .as_ref()
                    .filter(|length| length.code.as_deref() == Some("d"));
                if let Some(value) = days.and_then(|length| length.value.as_ref()) {
                    field.set(value.as_str());
                }
            },
        ),
        Row::new(
            13,
            "participant",
            |field, encounter, cx| {
                let from = encounter.participant.len();
                super::pv1::read_participants(field, ("REF", "referrer"), encounter, cx);
                for one in encounter.participant.iter_mut().skip(from) {
                    one.extension.push(keep::mark("PV2-13"));
                }
            },
            |encounter, field, back| {
                for one in encounter
                    .participant
                    .iter()
                    .filter(|one| keep::is_marked(&one.extension, "PV2-13"))
                {
                    if let Some(individual) = &one.individual {
                        crate::datatype::person::write_all(individual, field, back);
                    }
                }
            },
        )
        .note("referrer"),
        Row::new(
            25,
            "priority",
            |field, encounter, cx| {
                encounter.priority = concept::first(field, Some(&cx.vocabulary.visit_priority), cx);
            },
            |encounter, field, back| {
                concept::put(
                    encounter.priority.as_ref(),
                    Some(&back.vocabulary.visit_priority),
                    field,
                    back,
                );
            },
        )
        .note("table 0217"),
        Row::new(
            38,
            "extension(modeOfArrival)",
            |field, encounter, cx| {
                let table = &cx.vocabulary.arrival_mode;
                if let Some(mode) = concept::coding(field.repetition(1), Some(table), cx) {
                    encounter.extension.push(Extension {
                        url: Some(Text::const_new(MODE_OF_ARRIVAL)),
                        value_coding: Some(Box::new(mode)),
                        ..Extension::default()
                    });
                }
            },
            |encounter, field, back| {
                let found = encounter
                    .extension
                    .iter()
                    .find(|e| e.url.as_deref() == Some(MODE_OF_ARRIVAL));
                if let Some(mode) = found.and_then(|e| e.value_coding.as_ref()) {
                    let table = &back.vocabulary.arrival_mode;
                    concept::write_coding(mode, Some(table), field.repetition(), back);
                }
            },
        )
        .note("table 0430"),
        Row::kept(2),
        Row::kept(4),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
        Row::kept(10),
        Row::kept(12),
        Row::kept(14),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::kept(33),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(39),
        Row::kept(40),
        Row::kept(41),
        Row::kept(42),
        Row::kept(43),
        Row::kept(44),
        Row::kept(45),
        Row::kept(46),
        Row::kept(47),
        Row::kept(48),
        Row::kept(49),
        Row::kept(50),
    ],
};

fn read_moment(field: hl7v2::Field<'_>, url: &'static str, encounter: &mut Encounter, cx: &mut Context<'_>) {
    if let Some(moment) = time::date_time(field, cx, "") {
        encounter.extension.push(Extension {
            url: Some(Text::const_new(url)),
            value_date_time: Some(moment),
            ..Extension::default()
        });
    }
}

fn write_moment(encounter: &Encounter, url: &str, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = encounter.extension.iter().find(|e| e.url.as_deref() == Some(url));
    time::put(found.and_then(|e| e.value_date_time.as_deref()), field, back);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn pv2_completes_the_encounter_and_comes_back() {
        let pv2 = "PV2|W1^^^RYJ01||^Chest pain \\T\\ breathlessness|||||20260302|20260310||8||C9^Refer^Rita||||||||||||2|||||||||||||A";
        let bundle = round_trip("A01", &[PID, "PV1|1|I"], pv2);
        let encounter: &Encounter = first(&bundle);
        assert_eq!(
            encounter.reason_code[0].text.as_deref(),
            Some("Chest pain & breathlessness")
        );
        assert_eq!(
            encounter
                .length
                .as_ref()
                .unwrap()
                .value
                .as_ref()
                .unwrap()
                .as_str(),
            "8"
        );
        assert_eq!(
            encounter.priority.as_ref().unwrap().coding[0].code.as_deref(),
            Some("UR")
        );
    }
}
