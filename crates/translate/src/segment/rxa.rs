//! RXA to Immunization or MedicationAdministration and back. Guide: "Segment RXA to Immunization".
//!
//! A vaccination message (VXU) gives Immunizations, every other one MedicationAdministrations; the guide has no
//! map for the latter, whose rows follow those of the former.

use fhir::{
    CodeableConcept, Immunization, ImmunizationPerformer, Location, MedicationAdministrationPerformer,
    Resource, Text,
};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{address, code, concept, location, person, quantity, time};
use crate::keep;
use crate::row::SegmentMap;
use crate::row::cells::{keep_rest, put_amount, write_rest};
use crate::segment::medicine::{self, Given};

/// Who gave it: table 0443.
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/v2-0443";
/// The amount that says "not recorded".
const NOT_RECORDED: &str = "999";
/// Marks a status that is the default.
pub(crate) const UNSAID: &str = "RXA-20 not valued";
/// Where the record of a vaccination came from: the codes of RXA-9.
const ORIGIN: &str = "NIP001";

/// RXA to Immunization.
pub(crate) static IMMUNIZATION: SegmentMap<Immunization> = {
    type Row = crate::row::Row<Immunization>;
    SegmentMap {
        segment: "RXA",
        resource: "Immunization",
        rows: &[
            moment!(3, "occurrenceDateTime", occurrence_date_time),
            concept!(5, "vaccineCode", vaccine_code),
            Row::new(
                6,
                "doseQuantity.value",
                read_vaccine_amount,
                |one, field, back| {
                    put_amount(one.dose_quantity.as_ref(), one, field, back);
                },
            )
            .note("999 says that the amount was not recorded: it is kept, and is no dose"),
            unit!(7, "doseQuantity", dose_quantity),
            Row::new(9, "reportOrigin", read_origin, write_origin)
                .note("also primarySource, by the codes of NIP001"),
            Row::new(
                10,
                "performer.actor(Practitioner)",
                |field, one, cx| {
                    for xcn in field.repetitions() {
                        cx.at(one.performer.len());
                        if let Some(actor) = person::read(xcn, cx) {
                            one.performer.push(ImmunizationPerformer {
                                function: Some(function("AP", "Administering Provider")),
                                actor: Some(actor),
                                ..ImmunizationPerformer::default()
                            });
                        }
                    }
                },
                |one, field, back| {
                    for performer in one
                        .performer
                        .iter()
                        .filter(|one| plays(one.function.as_ref(), "AP"))
                    {
                        if let Some(actor) = &performer.actor {
                            person::write(actor, field.repetition(), back);
                        }
                    }
                },
            )
            .note("table 0443: AP"),
            Row::new(11, "location(Location)", read_old_place, write_old_place)
                .note("when RXA-27 is not valued"),
            text!(15, "lotNumber", lot_number),
            Row::new(
                16,
                "expirationDate",
                |field, one, cx| {
                    one.expiration_date = time::date(field, cx, "");
                    keep_rest(field, one, cx);
                },
                |one, field, back| {
                    time::put(one.expiration_date.as_deref(), field, back);
                    write_rest(one, field);
                },
            ),
            Row::new(
                17,
                "manufacturer(Organization)",
                |field, one, cx| {
                    one.manufacturer = medicine::read_maker(field, cx);
                    keep_rest(field, one, cx);
                },
                |one, field, back| {
                    medicine::write_maker(one.manufacturer.as_ref(), field, back);
                    write_rest(one, field);
                },
            ),
            concept!(18, "statusReason", status_reason),
            concepts!(19, "reasonCode", reason_code),
            Row::new(
                20,
                "status",
                |field, one, cx| {
                    (one.status, one.status_element) =
                        code::read(field, &cx.vocabulary.completion_status, cx, "");
                },
                |one, field, back| {
                    write_status(
                        &one.extension,
                        one.status.as_ref(),
                        &one.status_element,
                        field,
                        back,
                    )
                },
            )
            .note("table 0322; completed when not valued"),
            Row::new(21, "status", read_action, write_action).note("table 0206: D"),
            Row::new(
                22,
                "recorded",
                |field, one, cx| {
                    if keep::is_marked(&one.extension, "ORC-9") {
                        keep::read_field(field, one, cx);
                    } else {
                        one.recorded = time::date_time(field, cx, "");
                    }
                },
                |one, field, back| {
                    keep::write_field(one, field, back);
                    if field.is_empty() && !keep::is_marked(&one.extension, "ORC-9") {
                        time::put(one.recorded.as_deref(), field, back);
                    }
                },
            )
            .note("when ORC-9 is not valued"),
            Row::new(27, "location(Location)", read_place, write_place),
            Row::new(
                28,
                "location(Location.address)",
                read_place_address,
                write_place_address,
            ),
            Row::kept(1),
            Row::kept(2),
            Row::kept(4),
            Row::kept(8),
            Row::kept(12),
            Row::kept(13),
            Row::kept(14),
            Row::kept(23),
            Row::kept(24),
            Row::kept(25),
            Row::kept(26),
        ],
    }
};

/// RXA to MedicationAdministration.
pub(crate) static ADMINISTRATION: SegmentMap<Given> = {
    type Row = crate::row::Row<Given>;
    SegmentMap {
        segment: "RXA",
        resource: "MedicationAdministration",
        rows: &[
            Row::new(3, "effectivePeriod.start", read_start, write_start)
                .note("effectiveDateTime when RXA-4 is not valued"),
            Row::new(
                4,
                "effectivePeriod.end",
                |field, given, cx| {
                    if let Some(end) = time::date_time(field, cx, "") {
                        given.administration.effective_period.get_or_insert_default().end = Some(end);
                    }
                },
                |given, field, back| {
                    let period = given.administration.effective_period.as_ref();
                    time::put(period.and_then(|period| period.end.as_deref()), field, back);
                },
            ),
            concept!(5, "medication(Medication.code)", medication.code),
            amount!(6, "dosage.dose.value", administration.dosage => dose),
            unit!(7, "dosage.dose.code", administration.dosage => dose),
            concept!(8, "medication(Medication.form)", medication.form),
            Row::new(
                10,
                "performer.actor(Practitioner)",
                |field, given, cx| {
                    for xcn in field.repetitions() {
                        cx.at(given.administration.performer.len());
                        if let Some(actor) = person::read(xcn, cx) {
                            given
                                .administration
                                .performer
                                .push(MedicationAdministrationPerformer {
                                    function: Some(function("AP", "Administering Provider")),
                                    actor: Some(actor),
                                    ..MedicationAdministrationPerformer::default()
                                });
                        }
                    }
                },
                |given, field, back| {
                    let people = given.administration.performer.iter();
                    for performer in people.filter(|one| plays(one.function.as_ref(), "AP")) {
                        if let Some(actor) = &performer.actor {
                            person::write(actor, field.repetition(), back);
                        }
                    }
                },
            )
            .note("table 0443: AP"),
            Row::new(
                13,
                "medication(Medication.ingredient.strength.numerator.value)",
                medicine::read_strength,
                medicine::write_strength,
            ),
            Row::new(
                14,
                "medication(Medication.ingredient.strength.numerator.code)",
                medicine::read_strength_unit,
                medicine::write_strength_unit,
            ),
            text!(15, "medication(Medication.batch.lotNumber)", medication.batch => lot_number),
            moment!(16, "medication(Medication.batch.expirationDate)", medication.batch => expiration_date),
            Row::new(
                17,
                "medication(Medication.manufacturer)",
                |field, given, cx| {
                    given.medication.manufacturer = medicine::read_maker(field, cx);
                    keep_rest(field, given, cx);
                },
                |given, field, back| {
                    medicine::write_maker(given.medication.manufacturer.as_ref(), field, back);
                    write_rest(given, field);
                },
            ),
            concepts!(18, "statusReason", administration.status_reason),
            concepts!(19, "reasonCode", administration.reason_code),
            Row::new(
                20,
                "status",
                |field, given, cx| {
                    let table = &cx.vocabulary.completion_status;
                    let one = &mut given.administration;
                    (one.status, one.status_element) = code::read(field, table, cx, "");
                },
                |given, field, back| {
                    let one = &given.administration;
                    write_status(
                        &one.extension,
                        one.status.as_ref(),
                        &one.status_element,
                        field,
                        back,
                    );
                },
            )
            .note("table 0322; completed when not valued"),
            Row::kept(1),
            Row::kept(2),
            Row::kept(9),
            Row::kept(11),
            Row::kept(12),
            Row::kept(21),
            Row::kept(22),
            Row::kept(23),
            Row::kept(24),
            Row::kept(25),
            Row::kept(26),
            Row::kept(27),
            Row::kept(28),
        ],
    }
};

/// A role of table 0443.
pub(crate) fn function(code: &'static str, display: &'static str) -> CodeableConcept {
    concept::of_code(ROLE, code, display)
}

/// True for somebody in this role; who has none gave it.
pub(crate) fn plays(function: Option<&CodeableConcept>, code: &str) -> bool {
    function.map_or(code == "AP", |function| concept::says(function, ROLE, code))
}

fn read_vaccine_amount(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    if cx.peek(field).is_some_and(|text| text == NOT_RECORDED) {
        keep::read_field(field, one, cx);
        return;
    }
    match quantity::decimal(field, cx, "") {
        Some(value) => one.dose_quantity.get_or_insert_default().value = Some(value),
        None => keep::read_field(field, one, cx),
    }
}

/// 00 is the giver's own record, everything else came from elsewhere; words without a code are kept.
fn read_origin(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    let first = field.repetition(1);
    let known = cx.peek(first.component(3)).is_some_and(|name| name == ORIGIN);
    if !known {
        keep::read_field(field, one, cx);
        return;
    }
    one.primary_source = cx.peek(first.component(1)).map(|code| code == "00");
    one.report_origin = concept::read(first, None, cx);
    keep_rest(field, one, cx);
}

fn write_origin(one: &Immunization, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(origin) = &one.report_origin {
        concept::write(origin, None, field.nth(1), back);
        write_rest(one, field);
    } else {
        keep::write_field(one, field, back);
    }
}

/// D takes the record back; nothing else of table 0206 is a status.
fn read_action(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    if cx.peek(field).is_some_and(|action| action == "D") {
        cx.take_as(field, "", crate::ledger::Outcome::Transformed);
        if let Some(status) = one.status.take().filter(|_| one.status_element.is_none()) {
            let sent = cx.vocabulary.completion_status.to_hl7("", &status);
            one.status_element = sent.map(|code| code::alternate("0322", Text::const_new(code.hl7)));
        }
        one.status = Some(Text::const_new("entered-in-error"));
    } else {
        keep::read_field(field, one, cx);
    }
}

fn write_action(one: &Immunization, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(one, field, back);
    if one.status.as_deref() == Some("entered-in-error") {
        field.set("D");
    }
}

/// LA2 has the parts of PL, but for an address where PL has words.
fn read_old_place(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    let long = field.repetition(1).components().count() > 8;
    if long || cx.sibling_valued(27) {
        keep::read_field(field, one, cx);
        return;
    }
    one.location = location::read(field.repetition(1), cx);
    if one.location.is_some() {
        one.extension.push(keep::mark("RXA-11"));
    }
}

fn write_old_place(one: &Immunization, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(one, field, back);
    if let Some(place) = &one.location
        && keep::is_marked(&one.extension, "RXA-11")
    {
        location::write(place, field.repetition(), back);
    }
}

fn read_place(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    one.location = location::read(field.repetition(1), cx);
}

fn write_place(one: &Immunization, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(place) = &one.location
        && !keep::is_marked(&one.extension, "RXA-11")
    {
        location::write(place, field.repetition(), back);
    }
}

fn read_place_address(field: Field<'_>, one: &mut Immunization, cx: &mut Context<'_>) {
    let place = one.location.as_ref().and_then(|place| place.reference.clone());
    let id = place.and_then(|url| uuid::Uuid::parse_str(url.strip_prefix("urn:uuid:")?).ok());
    let known = id.filter(|id| matches!(cx.entries.shared_ref(*id), Some(Resource::Location(_))));
    let Some(id) = known else {
        keep::read_field(field, one, cx);
        return;
    };
    let found = address::read(field.repetition(1), cx);
    if let Some(Resource::Location(place)) = cx.entries.shared(id) {
        place.address = found;
    }
}

fn write_place_address(one: &Immunization, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(one, field, back);
    let place = back.resolve::<Location>(one.location.as_ref());
    if let Some(address) = place.and_then(|place| place.address.as_ref()) {
        address::write(address, field.repetition(), back);
    }
}

fn read_start(field: Field<'_>, given: &mut Given, cx: &mut Context<'_>) {
    let Some(start) = time::date_time(field, cx, "") else {
        return;
    };
    if cx.sibling_valued(4) {
        given
            .administration
            .effective_period
            .get_or_insert_default()
            .start = Some(start);
    } else {
        given.administration.effective_date_time = Some(start);
    }
}

fn write_start(given: &Given, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let one = &given.administration;
    let start = one
        .effective_period
        .as_ref()
        .and_then(|period| period.start.as_deref());
    time::put(one.effective_date_time.as_deref().or(start), field, back);
}

/// A status that nobody sent is not written.
fn write_status(
    extensions: &[fhir::Extension],
    status: Option<&Text>,
    sibling: &code::Sibling,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    if keep::is_marked(extensions, UNSAID) {
        return;
    }
    let code = code::write(status, sibling, &back.vocabulary.completion_status);
    field.repetition().optional(1, code.as_ref());
}

/// Fills what FHIR requires.
pub(crate) fn complete(one: &mut Immunization) {
    if one.status.is_none() {
        one.status = Some(Text::const_new("completed"));
        one.extension.push(keep::mark(UNSAID));
    }
    if one.occurrence_date_time.is_none() {
        one.occurrence_date_time_element = crate::segment::msh::absent();
    }
    if one.vaccine_code.is_none() {
        one.vaccine_code = Some(crate::segment::al1::absent());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, back, first, message, read, round_trip};
    use fhir::{MedicationAdministration, Observation};

    const ORC: &str = "ORC|RE|P1^RYJ|F1^RYJ||||||20260302|||C1^Consult^Clara";

    #[test]
    fn a_vaccination_comes_back() {
        let rxa = "RXA|0|1|20260302101500||428^Influenza^SCT|0.5|mL^^UCUM||00^New record^NIP001|N1^Nurse^Nora|||||LOT7|20271231|MK^Maker^MVX|||CP|A|20260302101600";
        let bundle = round_trip("V04", &[PID, ORC], rxa);
        let one: &Immunization = first(&bundle);
        assert_eq!(one.lot_number.as_deref(), Some("LOT7"));
        assert_eq!(one.primary_source, Some(true));
        assert_eq!(one.performer.len(), 2, "who ordered and who gave");
        assert_eq!(one.status.as_deref(), Some("completed"));
    }

    #[test]
    fn an_amount_that_was_not_recorded_is_no_dose() {
        let bundle = round_trip(
            "V04",
            &[PID, ORC],
            "RXA|0|1|20260302||85^Hepatitis B^CVX|999||||||||||||Refused^^L",
        );
        let one: &Immunization = first(&bundle);
        assert!(one.dose_quantity.is_none());
        assert_eq!(one.status.as_deref(), Some("completed"), "the guide's default");
    }

    #[test]
    fn a_record_taken_back_says_so() {
        let bundle = round_trip(
            "V04",
            &[PID, ORC],
            "RXA|0|1|20260302||85^Hepatitis B^CVX|1||||||||||||||RE|D",
        );
        assert_eq!(
            first::<Immunization>(&bundle).status.as_deref(),
            Some("entered-in-error")
        );
    }

    #[test]
    fn observations_tell_the_vaccination_what_they_say() {
        let obx = [
            "OBX|1|CE|64994-7^Eligibility^LN|1|V02^Eligible^HL70064||||||F",
            "OBX|2|CE|69764-9^Document^LN|2|D1^Leaflet^L||||||F",
            "OBX|3|DT|29769-7^Presented^LN|2|20260302||||||F",
            "OBX|4|NM|30973-2^Dose^LN|3|2||||||F",
        ];
        let segments = [
            &[PID, ORC, "RXA|0|1|20260302||428^Influenza^SCT|0.5"][..],
            &obx[..],
        ]
        .concat();
        let (bundle, _) = read(&message("V04", &segments));
        let one: &Immunization = first(&bundle);
        assert_eq!(one.program_eligibility.len(), 1);
        assert_eq!(one.education[0].document_type.as_deref(), Some("Leaflet"));
        assert_eq!(one.education[0].presentation_date.as_deref(), Some("2026-03-02"));
        assert_eq!(one.protocol_applied[0].dose_number_positive_int, Some(2));
        assert_eq!(all::<Observation>(&bundle).len(), 4, "each stands as it was sent");
        let written = back(&bundle);
        assert_eq!(written.iter().filter(|line| line.starts_with("OBX")).count(), 4);
        assert_eq!(
            written.iter().position(|line| line.starts_with("OBX")),
            Some(4),
            "{written:?}"
        );
    }

    #[test]
    fn a_dose_given_is_no_vaccination() {
        let rxa = "RXA|0|1|20260302101500|20260302103000|322236009^Paracetamol^SCT|500|mg^^UCUM|TAB^Tablet^L||N1^Nurse^Nora|||10|mg|LOT7|20271231||||PA";
        let bundle = round_trip("O17", &[PID, ORC], rxa);
        let given: &MedicationAdministration = first(&bundle);
        assert!(
            given.medication_reference.is_some(),
            "a form and a batch want a Medication"
        );
        assert!(given.effective_period.is_some());
    }
}
