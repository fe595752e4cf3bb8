//! PID to Patient and back. Guide: "Segment PID to Patient"; UK Core for NHS number status and ethnic category.

mod ethnicity;
mod language;
mod number;

use fhir::{
    Account, Address, CodeableConcept, Coding, ContactPoint, Element, Encounter, Extension, HumanName,
    Identifier, Patient, PatientCommunication, Reference, Text,
};
use hl7v2::{Field, Repetition};
use uuid::Uuid;

use self::ethnicity::*;
use self::language::*;
use self::number::*;
pub(crate) use self::number::{id, identity, is_stay_number, make_old, type_as};
use crate::back::{Back, FieldWriter};
use crate::context::{Coded, Context};
use crate::datatype::identifier::{self, NHS_NUMBER, TYPE};
use crate::datatype::{address, code, concept, name, quantity, telecom, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::note::Note;
use crate::row::{Row, SegmentMap, read_nothing};

const VERIFICATION_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
const RELIGION: &str = "http://hl7.org/fhir/StructureDefinition/patient-religion";
const MOTHERS_MAIDEN_NAME: &str = "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName";
const BIRTH_TIME: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";
const BIRTH_PLACE: &str = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace";
const CITIZENSHIP: &str = "http://hl7.org/fhir/StructureDefinition/patient-citizenship";
const NATIONALITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-nationality";

/// PID to Patient. PID-3 comes before PID-2 and PID-4, so that its repetitions keep their numbers.
pub(crate) static PID: SegmentMap<Patient> = SegmentMap {
    segment: "PID",
    resource: "Patient",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(3, "identifier", read_identifiers, write_identifiers),
        Row::new(2, "identifier", read_former_identifier, write_former_identifier).note("withdrawn"),
        Row::new(4, "identifier", read_former_identifier, write_former_identifier).note("withdrawn"),
        Row::new(18, "identifier", read_nothing, write_account)
            .note("written for a Bundle of others; read it becomes the number of the visit"),
        Row::new(19, "identifier", read_social_number, write_social_number).note("table 0203: SS"),
        Row::new(20, "identifier", read_licence, write_licence).note("table 0203: DL"),
        Row::new(
            32,
            "identifier.extension(verificationStatus)",
            read_reliability,
            write_reliability,
        )
        .note("table 0445"),
        Row::new(5, "name", read_names, write_names).note("table 0200"),
        Row::new(9, "name", read_aliases, write_aliases).note("table 0200"),
        Row::new(
            6,
            "extension(mothersMaidenName)",
            read_mothers_name,
            write_mothers_name,
        ),
        Row::new(7, "birthDate", read_birth_date, write_birth_date),
        Row::new(8, "gender", read_gender, write_gender).note("table 0001"),
        Row::new(11, "address", read_addresses, write_addresses),
        Row::new(12, "address.district", read_county, write_county),
        Row::new(13, "telecom", read_home_telecom, write_home_telecom),
        Row::new(14, "telecom", read_work_telecom, write_work_telecom),
        Row::new(40, "telecom", read_more_telecom, write_more_telecom),
        Row::new(15, "communication.language", read_language, write_language)
            .note("table 0296 to BCP 47; beside it, whether an interpreter is needed"),
        Row::new(16, "maritalStatus", read_marital_status, write_marital_status).note("table 0002"),
        Row::new(17, "extension(religion)", read_religion, write_religion).note("table 0006"),
        Row::new(22, "extension(ethnicCategory)", read_ethnicity, write_ethnicity)
            .note("NHS ethnic category"),
        Row::new(23, "extension(birthPlace)", read_birth_place, write_birth_place),
        Row::new(25, "multipleBirthInteger", read_birth_order, write_birth_order),
        Row::new(
            24,
            "multipleBirthBoolean",
            read_multiple_birth,
            write_multiple_birth,
        )
        .note("when PID-25 is not valued"),
        Row::new(26, "extension(citizenship)", read_citizenship, write_citizenship),
        Row::new(39, "extension(citizenship)", read_tribe, write_tribe),
        Row::new(28, "extension(nationality)", read_nationality, write_nationality),
        Row::new(29, "deceasedDateTime", read_death_time, write_death_time),
        Row::new(30, "deceasedBoolean", read_death, write_death).note("when PID-29 is not valued"),
        Row::kept(10),
        Row::kept(21),
        Row::kept(27),
        Row::kept(31),
        Row::new(33, "meta.lastUpdated", read_updated, write_updated),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
    ],
};

/// PID-18 numbers an account or a stay, not a person: to the visit of the message.
pub(crate) static VISIT: SegmentMap<Encounter> = SegmentMap {
    segment: "PID",
    resource: "Encounter",
    rows: &[Row::new(18, "identifier", read_stay_number, write_stay_number).note("table 0203: AN")],
};

/// PID-18 of a message about an account and no visit. Guide: "Segment PID to Account".
pub(crate) static ACCOUNT: SegmentMap<Account> = SegmentMap {
    segment: "PID",
    resource: "Account",
    rows: &[Row::new(18, "identifier", read_account_number, write_account_number).note("table 0203: AN")],
};

/// PID-18 of a message about no visit.
pub(crate) static NO_VISIT: SegmentMap<Patient> = SegmentMap {
    segment: "PID",
    resource: "Patient",
    rows: &[Row::<Patient>::kept(18)],
};

fn read_names(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    name::read_all(field, &mut patient.name, cx);
}

fn write_names(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let own = |name: &&HumanName| {
        ["PID-9", "MRG-7"]
            .iter()
            .all(|place| !keep::is_marked(&name.extension, place))
    };
    name::write_all(patient.name.iter().filter(own), field, back);
}

fn read_aliases(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let from = patient.name.len();
    name::read_all(field, &mut patient.name, cx);
    for name in patient.name.iter_mut().skip(from) {
        name.extension.push(keep::mark("PID-9"));
    }
}

fn write_aliases(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let alias = |name: &&HumanName| keep::is_marked(&name.extension, "PID-9");
    name::write_all(patient.name.iter().filter(alias), field, back);
}

fn read_mothers_name(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let xpn = field.repetition(1);
    let mut parts = Vec::new();
    for (n, part) in crate::context::Composite::parts(xpn) {
        if matches!(n, 1..=6) {
            parts.extend(cx.take(part, "").map(|text| (n, text)));
        }
    }
    if parts.is_empty() {
        return;
    }
    if parts.iter().any(|(n, _)| *n > 1) {
        keep::read_field(field, patient, cx);
    }
    // Given names come before the family name in writing.
    parts.sort_by_key(|(n, _)| if *n == 1 { 4 } else { *n });
    let text: Vec<&str> = parts.iter().map(|(_, text)| text.as_str()).collect();
    push_string(patient, MOTHERS_MAIDEN_NAME, Text::from(text.join(" ")));
}

fn write_mothers_name(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(patient, field, back);
    if field.is_empty() {
        let text =
            extension(patient, MOTHERS_MAIDEN_NAME).and_then(|extension| extension.value_string.as_ref());
        field.repetition().optional(1, text);
    }
}

fn read_birth_date(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    patient.birth_date = time::date(field, cx, "");
    let timed = cx.peek(field).is_some_and(|text| text.len() > 8);
    if !timed || patient.birth_date.is_none() {
        return;
    }
    if let Some(moment) = time::date_time(field, cx, "") {
        patient.birth_date_element = Some(Box::new(Element {
            extension: vec![Extension {
                url: Some(Text::const_new(BIRTH_TIME)),
                value_date_time: Some(moment),
                ..Extension::default()
            }],
            ..Element::default()
        }));
    }
}

fn write_birth_date(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let extensions = patient
        .birth_date_element
        .iter()
        .flat_map(|element| &element.extension);
    let mut timed = extensions.filter(|extension| extension.url.as_deref() == Some(BIRTH_TIME));
    let moment = timed.find_map(|extension| extension.value_date_time.as_deref());
    // An edited date wins over a time that no longer fits it.
    let date = patient.birth_date.as_deref();
    let moment = moment.filter(|moment| date.is_none_or(|date| moment.starts_with(date)));
    if let Some(text) = moment.or(date) {
        field.set(time::to_hl7(text, back));
    }
}

fn read_gender(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    (patient.gender, patient.gender_element) = code::read(field, &cx.vocabulary.administrative_sex, cx, "");
}

fn write_gender(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let table = &back.vocabulary.administrative_sex;
    if let Some(code) = code::write(patient.gender.as_ref(), &patient.gender_element, table) {
        field.set(code);
    }
}

fn read_addresses(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    for xad in field.repetitions() {
        cx.at(patient.address.len());
        patient.address.extend(address::read(xad, cx));
    }
}

fn write_addresses(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for address in patient.address.iter().filter(|address| !is_county(address)) {
        address::write(address, field.repetition(), back);
    }
}

/// PID-12 completes the only address, or stands alone when it would contradict one.
fn read_county(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let Some(county) = cx.take(field, "") else { return };
    match patient.address.as_mut_slice() {
        [only] if only.district.is_none() => only.district = Some(county),
        [only] if only.district.as_ref() == Some(&county) => {}
        _ => patient.address.push(Address {
            district: Some(county),
            ..Address::default()
        }),
    }
}

fn is_county(address: &Address) -> bool {
    address.district.is_some()
        && address.line.is_empty()
        && address.city.is_none()
        && address.postal_code.is_none()
}

fn write_county(patient: &Patient, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    if let Some(county) = patient
        .address
        .iter()
        .find(|address| is_county(address))
        .and_then(|a| a.district.as_ref())
    {
        field.set(county.clone());
    }
}

fn read_telecom(field: Field<'_>, use_: &'static str, patient: &mut Patient, cx: &mut Context<'_>) {
    telecom::read(field, use_, &mut patient.telecom, cx);
}

/// The field a point of contact goes back to: the one it is marked with, else the one its use means.
fn telecom_place(point: &ContactPoint) -> &'static str {
    let marked = |place: &&str| keep::is_marked(&point.extension, place);
    let by_use = if point.use_.as_deref() == Some("work") {
        "PID-14"
    } else {
        "PID-13"
    };
    ["PID-40", "PID-13", "PID-14"]
        .into_iter()
        .find(marked)
        .unwrap_or(by_use)
}

fn write_telecom(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    telecom::write(
        patient
            .telecom
            .iter()
            .filter(|point| telecom_place(point) == place),
        field,
        back,
    );
}

/// Marks what a use alone would send back to another field.
fn mark_telecom(patient: &mut Patient, from: usize, place: &'static str) {
    for point in patient.telecom.iter_mut().skip(from) {
        if telecom_place(point) != place {
            point.extension.push(keep::mark(place));
        }
    }
}

fn read_home_telecom(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let from = patient.telecom.len();
    read_telecom(field, "home", patient, cx);
    mark_telecom(patient, from, "PID-13");
}

fn write_home_telecom(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_telecom(patient, field, back);
}

fn read_work_telecom(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let from = patient.telecom.len();
    read_telecom(field, "work", patient, cx);
    mark_telecom(patient, from, "PID-14");
}

fn write_work_telecom(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_telecom(patient, field, back);
}

fn read_more_telecom(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let from = patient.telecom.len();
    read_telecom(field, "", patient, cx);
    mark_telecom(patient, from, "PID-40");
}

fn write_more_telecom(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_telecom(patient, field, back);
}

fn read_marital_status(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.marital_status;
    patient.marital_status = concept::read(field.repetition(1), Some(table), cx);
}

fn write_marital_status(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(status) = &patient.marital_status {
        concept::write(
            status,
            Some(&back.vocabulary.marital_status),
            field.repetition(),
            back,
        );
    }
}

fn read_religion(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.religion;
    let religion = concept::read(field.repetition(1), Some(table), cx);
    push_concept(patient, RELIGION, religion);
}

fn write_religion(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_concept(patient, RELIGION, field, Some(&back.vocabulary.religion), back);
}

fn read_birth_place(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    if let Some(place) = cx.take(field, "") {
        let address = Address {
            text: Some(place),
            ..Address::default()
        };
        patient.extension.push(Extension {
            url: Some(Text::const_new(BIRTH_PLACE)),
            value_address: Some(Box::new(address)),
            ..Extension::default()
        });
    }
}

fn write_birth_place(patient: &Patient, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let address = extension(patient, BIRTH_PLACE).and_then(|extension| extension.value_address.as_ref());
    if let Some(text) = address.and_then(|address| address.text.as_ref().or(address.city.as_ref())) {
        field.set(text.clone());
    }
}

fn read_birth_order(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    patient.multiple_birth_integer =
        quantity::whole(field, cx, "").and_then(|order| i32::try_from(order).ok());
}

fn write_birth_order(patient: &Patient, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    if let Some(order) = patient.multiple_birth_integer {
        field.set(order.to_string());
    }
}

/// Y, N and what they mean; anything else is noted.
pub(crate) fn yes_or_no(field: Field<'_>, cx: &mut Context<'_>) -> Option<bool> {
    let answer = match cx.peek(field)?.as_ref() {
        "Y" | "y" | "YES" | "Yes" | "1" => Some(true),
        "N" | "n" | "NO" | "No" | "0" => Some(false),
        _ => None,
    };
    match answer {
        Some(_) => cx.record(field, Outcome::Transformed, "", ""),
        None => cx.note(Note::unknown_code(crate::context::Leaf::location(field), "0136")),
    }
    answer
}

fn read_multiple_birth(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let answer = yes_or_no(field, cx);
    if patient.multiple_birth_integer.is_none() {
        patient.multiple_birth_boolean = answer;
    } else if answer == Some(true) {
        cx.record(field, Outcome::IgnoredByRule, "", "PID-25 says more");
    }
    // No, against an order of birth, or no answer that we know.
    if answer.is_none() || (answer == Some(false) && patient.multiple_birth_integer.is_some()) {
        keep::read_field(field, patient, cx);
    }
}

fn write_multiple_birth(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(patient, field, back);
    if !field.is_empty() {
        return;
    }
    let answer = patient
        .multiple_birth_boolean
        .or(patient.multiple_birth_integer.map(|_| true));
    write_answer(answer, field);
}

fn write_answer(answer: Option<bool>, field: &mut FieldWriter<'_>) {
    match answer {
        Some(true) => field.set(Text::const_new("Y")),
        Some(false) => field.set(Text::const_new("N")),
        None => {}
    }
}

fn read_citizenship(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    for repetition in field.repetitions() {
        let concept = concept::read(repetition, None, cx);
        push_nested(patient, CITIZENSHIP, concept);
    }
}

fn write_citizenship(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_nested(patient, CITIZENSHIP, field, back);
}

fn read_tribe(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let from = patient.extension.len();
    read_citizenship(field, patient, cx);
    for extension in patient.extension.iter_mut().skip(from) {
        let code = extension
            .extension
            .iter_mut()
            .find_map(|inner| inner.value_codeable_concept.as_mut());
        if let Some(concept) = code {
            concept.extension.push(keep::mark("PID-39"));
        }
    }
}

fn write_tribe(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_nested(patient, CITIZENSHIP, field, back);
}

fn read_nationality(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let concept = concept::read(field.repetition(1), None, cx);
    push_nested(patient, NATIONALITY, concept);
}

fn write_nationality(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_nested(patient, NATIONALITY, field, back);
}

fn read_death_time(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    patient.deceased_date_time = time::date_time(field, cx, "");
}

fn write_death_time(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(moment) = &patient.deceased_date_time {
        field.set(time::to_hl7(moment, back));
    }
}

/// `deceased` is one element: a time of death is itself a yes.
fn read_death(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let answer = yes_or_no(field, cx);
    if patient.deceased_date_time.is_none() {
        patient.deceased_boolean = answer;
    } else if answer == Some(true) {
        cx.record(field, Outcome::IgnoredByRule, "", "PID-29 says more");
    }
}

fn write_death(patient: &Patient, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let answer = patient
        .deceased_boolean
        .or(patient.deceased_date_time.as_ref().map(|_| true));
    write_answer(answer, field);
}

fn read_updated(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    if let Some(moment) = time::instant(field, cx, "") {
        patient.meta.get_or_insert_default().last_updated = Some(moment);
    }
}

fn write_updated(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(moment) = patient.meta.as_ref().and_then(|meta| meta.last_updated.as_ref()) {
        field.set(time::to_hl7(moment, back));
    }
}

fn extension<'p>(patient: &'p Patient, url: &str) -> Option<&'p Extension> {
    patient
        .extension
        .iter()
        .find(|extension| extension.url.as_deref() == Some(url))
}

fn push_string(patient: &mut Patient, url: &'static str, text: Text) {
    patient.extension.push(Extension {
        url: Some(Text::const_new(url)),
        value_string: Some(text),
        ..Extension::default()
    });
}

fn push_concept(patient: &mut Patient, url: &'static str, concept: Option<CodeableConcept>) {
    if let Some(concept) = concept {
        patient.extension.push(Extension {
            url: Some(Text::const_new(url)),
            value_codeable_concept: Some(Box::new(concept)),
            ..Extension::default()
        });
    }
}

fn write_concept(
    patient: &Patient,
    url: &str,
    field: &mut FieldWriter<'_>,
    table: Option<&crate::vocabulary::Vocabulary>,
    back: &Back<'_>,
) {
    if let Some(concept) =
        extension(patient, url).and_then(|extension| extension.value_codeable_concept.as_ref())
    {
        concept::write(concept, table, field.repetition(), back);
    }
}

/// Citizenship and nationality hold their code one level down.
fn push_nested(patient: &mut Patient, url: &'static str, concept: Option<CodeableConcept>) {
    let Some(concept) = concept else { return };
    let inner = Extension {
        url: Some(Text::const_new("code")),
        value_codeable_concept: Some(Box::new(concept)),
        ..Extension::default()
    };
    patient.extension.push(Extension {
        url: Some(Text::const_new(url)),
        extension: vec![inner],
        ..Extension::default()
    });
}

fn write_nested(patient: &Patient, url: &str, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for outer in patient
        .extension
        .iter()
        .filter(|extension| extension.url.as_deref() == Some(url))
    {
        let code = outer
            .extension
            .iter()
            .find(|inner| inner.url.as_deref() == Some("code"));
        let Some(concept) = code.and_then(|code| code.value_codeable_concept.as_ref()) else {
            continue;
        };
        if keep::is_marked(&concept.extension, "PID-39") == (field.place() == "PID-39") {
            concept::write(concept, None, field.repetition(), back);
        }
    }
}

#[cfg(test)]
mod tests;
