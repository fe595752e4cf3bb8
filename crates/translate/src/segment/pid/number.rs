//! The numbers of a person: PID-2, 3, 4, 18, 19, 20, 32, and the identity they give the resource.

use super::*;

pub(super) fn read_identifiers(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    for cx_field in field.repetitions() {
        cx.at(patient.identifier.len());
        patient.identifier.extend(identifier::read_cx(cx_field, cx));
    }
}

pub(super) fn write_identifiers(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let elsewhere = |id: &&Identifier| {
        !stood(id, &["PID-2", "PID-4", "PID-19", "PID-20", "MRG-1", "MRG-3"])
            && !identifier::is_typed(id, "AN")
    };
    for identifier in patient.identifier.iter().filter(elsewhere) {
        identifier::write_cx(identifier, field.repetition(), back);
    }
}

/// True when the identifier stood in one of these fields and only there.
pub(super) fn stood(identifier: &Identifier, places: &[&str]) -> bool {
    let marked = |place: &&str| keep::is_marked(&identifier.extension, place);
    let plain = identifier.assigner.is_none() && identifier.system.is_none();
    let social = plain && identifier::is_typed(identifier, "SS") && places.contains(&"PID-19");
    let licence = identifier::is_typed(identifier, "DL") && places.contains(&"PID-20");
    !keep::is_marked(&identifier.extension, "PID-3") && (places.iter().any(marked) || social || licence)
}

/// PID-2 and PID-4 are withdrawn; senders repeat there what PID-3 says.
pub(super) fn read_former_identifier(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let place = former(cx.rule.field);
    for cx_field in field.repetitions() {
        cx.at(patient.identifier.len());
        let Some(mut found) = identifier::read_cx(cx_field, cx) else {
            continue;
        };
        match patient.identifier.iter_mut().find(|known| **known == found) {
            Some(known) => known.extension.extend([keep::mark("PID-3"), keep::mark(place)]),
            None => {
                found.extension.push(keep::mark(place));
                patient.identifier.push(found);
            }
        }
    }
}

pub(super) fn former(field: u16) -> &'static str {
    if field == 2 { "PID-2" } else { "PID-4" }
}

pub(super) fn write_former_identifier(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    for identifier in patient
        .identifier
        .iter()
        .filter(|id| keep::is_marked(&id.extension, &place))
    {
        identifier::write_cx(identifier, field.repetition(), back);
    }
}

/// Marks the number of a stay that stood in PID-18, and the type that was sent with it.
const STAY: &str = "PID-18";
const STAY_TYPE: &str = "PID-18.5";

pub(super) fn read_stay_number(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    cx.at(encounter.identifier.len());
    let Some(mut number) = identifier::read_cx(field.repetition(1), cx) else {
        return;
    };
    if number.type_.is_none() {
        number = identifier::typed(number, "AN");
    } else {
        number.extension.push(keep::mark(STAY_TYPE));
    }
    number.extension.push(keep::mark(STAY));
    encounter.identifier.push(number);
}

pub(super) fn read_account_number(field: Field<'_>, account: &mut Account, cx: &mut Context<'_>) {
    let mut stay = Encounter::default();
    read_stay_number(field, &mut stay, cx);
    account.identifier.append(&mut stay.identifier);
}

pub(super) fn write_account_number(account: &Account, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(number) = account.identifier.first().filter(|_| field.is_empty()) {
        write_number(number, field, back);
    }
}

/// True for the number of PID-18, by its mark or, in a Bundle of others, by its type.
pub(crate) fn is_stay_number(identifier: &Identifier) -> bool {
    keep::is_marked(&identifier.extension, STAY)
        || (identifier::is_typed(identifier, "AN") && !keep::is_marked(&identifier.extension, "PV1-50"))
}

pub(super) fn write_stay_number(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = encounter.identifier.iter().find(|one| is_stay_number(one));
    if let Some(number) = found.filter(|_| field.is_empty()) {
        write_number(number, field, back);
    }
}

fn write_number(number: &Identifier, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut number = number.clone();
    // AN is what the field means.
    if identifier::is_typed(&number, "AN") && !keep::is_marked(&number.extension, STAY_TYPE) {
        number.type_ = None;
    }
    identifier::write_cx(&number, field.repetition(), back);
}

pub(super) fn write_account(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(patient, field, back);
    let found = patient
        .identifier
        .iter()
        .find(|one| identifier::is_typed(one, "AN") && !keep::is_marked(&one.extension, "MRG-3"));
    if let Some(account) = found.filter(|_| field.is_empty()) {
        write_number(account, field, back);
    }
}

/// Outside the United States senders put their national number here: ten digits that check are an NHS number.
pub(super) fn read_social_number(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    cx.at(patient.identifier.len());
    let Some(value) = cx.take(field, ".value") else {
        return;
    };
    let found = Identifier {
        value: Some(value),
        ..Identifier::default()
    };
    if let Some(number) = found.value.as_deref().and_then(hl7v2::nhs::NhsNumber::parse) {
        let nhs = Identifier {
            system: Some(Text::const_new(NHS_NUMBER)),
            value: Some(Text::from(format!("{:010}", number.value()))),
            ..Identifier::default()
        };
        let mut nhs = nhs;
        let known = |id: &&mut Identifier| id.system == nhs.system && id.value == nhs.value;
        match patient.identifier.iter_mut().find(known) {
            Some(known) => known
                .extension
                .extend([keep::mark("PID-3"), keep::mark("PID-19")]),
            None => {
                nhs.extension.push(keep::mark("PID-19"));
                patient.identifier.push(nhs);
            }
        }
        return;
    }
    patient.identifier.push(identifier::typed(found, "SS"));
}

pub(super) fn write_social_number(patient: &Patient, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let social = patient.identifier.iter().find(|id| stood(id, &["PID-19"]));
    if let Some(value) = social.and_then(|id| id.value.as_ref()) {
        field.set(value.clone());
    }
}

pub(super) fn read_licence(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    cx.at(patient.identifier.len());
    let licence = field.repetition(1);
    let Some(value) = cx.take(licence.component(1), ".value") else {
        return;
    };
    let mut identifier = identifier::typed(
        Identifier {
            value: Some(value),
            ..Identifier::default()
        },
        "DL",
    );
    if let Some(state) = cx.take(licence.component(2), ".assigner.display") {
        identifier.assigner = Some(Box::new(Reference {
            display: Some(state),
            ..Reference::default()
        }));
    }
    if let Some(end) = time::date_time(licence.component(3), cx, ".period.end") {
        identifier.period.get_or_insert_default().end = Some(end);
    }
    patient.identifier.push(identifier);
}

pub(super) fn write_licence(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(licence) = patient
        .identifier
        .iter()
        .find(|id| identifier::is_typed(id, "DL"))
    else {
        return;
    };
    let mut to = field.repetition();
    to.optional(1, licence.value.as_ref());
    to.optional(
        2,
        licence
            .assigner
            .as_ref()
            .and_then(|assigner| assigner.display.as_ref()),
    );
    if let Some(end) = licence.period.as_ref().and_then(|period| period.end.as_ref()) {
        to.component(3, &time::to_hl7(end, back));
    }
}

/// The NHS number's verification status; other reliability codes describe the record, and are kept.
pub(super) fn read_reliability(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let mut kept = false;
    for repetition in field.repetitions() {
        let known = cx
            .peek(repetition)
            .and_then(|sent| cx.vocabulary.nhs_number_status.to_fhir(&sent).copied());
        let number = patient
            .identifier
            .iter_mut()
            .find(|id| id.system.as_deref() == Some(NHS_NUMBER));
        let (Some(code), Some(number)) = (known, number) else {
            kept = true;
            continue;
        };
        let concept = concept::of_code(code.system, code.fhir, code.display);
        number.extension.push(Extension {
            url: Some(Text::const_new(VERIFICATION_STATUS)),
            value_codeable_concept: Some(Box::new(concept)),
            ..Extension::default()
        });
        cx.record(repetition, Outcome::Transformed, "", "");
    }
    if kept {
        keep::read_field(field, patient, cx);
    }
}

pub(super) fn write_reliability(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(patient, field, back);
    if !field.is_empty() {
        return;
    }
    let extensions = patient
        .identifier
        .iter()
        .flat_map(|identifier| &identifier.extension);
    for status in extensions.filter(|e| e.url.as_deref() == Some(VERIFICATION_STATUS)) {
        let coding = status
            .value_codeable_concept
            .as_ref()
            .and_then(|concept| concept.coding.first());
        let code = coding.and_then(|coding| {
            back.vocabulary
                .nhs_number_status
                .to_hl7("", coding.code.as_deref()?)
        });
        if let Some(code) = code {
            field.repetition().component(1, code.hl7);
        }
    }
}

/// The patient's id: from the first identifier that a hospital assigned, else from the first there is.
///
/// The NHS number comes last: one number sent for two people must not make them one.
pub(crate) fn id(patient: &Patient, cx: &mut Context<'_>) -> Option<Uuid> {
    let own = |id: &&Identifier| {
        id.system.as_deref() != Some(NHS_NUMBER)
            && !identifier::is_typed(id, "AN")
            && !identifier::is_typed(id, "SS")
            && !identifier::is_typed(id, "DL")
    };
    let chosen = patient
        .identifier
        .iter()
        .find(own)
        .or_else(|| patient.identifier.first())?;
    Some(identity(chosen, cx))
}

/// The id that an identifier gives a patient.
pub(crate) fn identity(chosen: &Identifier, cx: &mut Context<'_>) -> Uuid {
    let assigner = chosen
        .assigner
        .as_ref()
        .and_then(|assigner| assigner.identifier.as_ref());
    let namespace = assigner
        .and_then(|identifier| identifier.value.clone())
        .unwrap_or_default();
    let system = chosen.system.clone().unwrap_or_default();
    let value = chosen.value.clone().unwrap_or_default();
    cx.entries.id("Patient", &[&system, &namespace, &value])
}

/// Marks an identifier as a former one.
pub(crate) fn make_old(identifier: &mut Identifier) {
    identifier.use_ = Some(Text::const_new("old"));
}

/// A type of table 0203 on an identifier without one.
pub(crate) fn type_as(identifier: &mut Identifier, code: &'static str) {
    if identifier.type_.is_none() {
        let coding = Coding {
            system: Some(Text::const_new(TYPE)),
            code: Some(Text::const_new(code)),
            ..Coding::default()
        };
        identifier.type_ = Some(CodeableConcept {
            coding: vec![coding],
            ..CodeableConcept::default()
        });
    }
}
