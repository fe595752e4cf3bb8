//! PV1 to Encounter and back. Guide: "Segment PV1 to Encounter"; UK Core for admission method and source.

mod outcome;
mod place;

use fhir::{
    CodeableConcept, Coding, Encounter, EncounterHospitalization, EncounterLocation, EncounterParticipant,
    Extension, Identifier, Location, Reference, Resource, Text,
};
use hl7v2::{Field, Segment};

use self::outcome::*;
use self::place::*;
use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, identifier, location, person, time};
use crate::entries::reference;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::vocabulary::Vocabulary;

type Row = crate::row::Row<Encounter>;

/// What a participant does.
pub(crate) const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const ADMISSION_METHOD: &str = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AdmissionMethod";
const CLASSIFICATION: &str = "http://hl7.org/fhir/StructureDefinition/subject-locationClassification";
const CLASSIFICATION_CODES: &str = "http://hl7.org/fhir/ValueSet/subject-location";

const ATTENDER: (&str, &str) = ("ATND", "attender");
const REFERRER: (&str, &str) = ("REF", "referrer");
const CONSULTANT: (&str, &str) = ("CON", "consultant");
const ADMITTER: (&str, &str) = ("ADM", "admitter");
const PARTICIPANT: (&str, &str) = ("PART", "Participation");

/// PV1 to Encounter.
pub(crate) static PV1: SegmentMap<Encounter> = SegmentMap {
    segment: "PV1",
    resource: "Encounter",
    rows: &[
        Row::ignored(1, "a set id; there is one visit"),
        Row::new(2, "class", read_class, write_class)
            .note("table 0004; also status when PV1-45 is not valued"),
        Row::new(19, "identifier", read_visit_number, write_visit_number).note("table 0203: VN"),
        Row::new(50, "identifier", read_other_number, write_other_number),
        Row::new(
            3,
            "location",
            |field, encounter, cx| {
                let planned = encounter
                    .class
                    .as_ref()
                    .is_some_and(|class| class.code.as_deref() == Some("PRENC"));
                read_location(field, if planned { "planned" } else { "active" }, encounter, cx);
            },
            |encounter, field, back| {
                let here = encounter
                    .location
                    .iter()
                    .find(|one| !is_temporary(one) && is_current(one));
                write_location(here, field, back);
            },
        ),
        Row::new(
            6,
            "location",
            |field, encounter, cx| read_location(field, "completed", encounter, cx),
            |encounter, field, back| {
                let before = encounter
                    .location
                    .iter()
                    .find(|one| one.status.as_deref() == Some("completed") && !is_temporary(one));
                write_location(before, field, back);
            },
        )
        .note("the one before"),
        Row::new(11, "location", read_temporary, write_temporary).note("temporary"),
        Row::new(43, "location", read_prior_temporary, write_prior_temporary)
            .note("the temporary one before"),
        Row::new(
            42,
            "location",
            |field, encounter, cx| match cx.event.as_str() {
                // A26 takes the reservation back.
                "A26" => keep::read_field(field, encounter, cx),
                _ => read_location(field, "reserved", encounter, cx),
            },
            |encounter, field, back| {
                keep::write_field(encounter, field, back);
                write_location(with_status(encounter, "reserved"), field, back);
            },
        )
        .note("pending"),
        Row::new(
            40,
            "location.location(Location.operationalStatus)",
            read_bed_status,
            |_, _, _| {},
        )
        .note("table 0116; writes back to PV1-3.5"),
        Row::new(4, "type", read_admission_type, write_admission_type)
            .note("table 0007; NHS admission method by extension"),
        Row::new(
            5,
            "hospitalization.preAdmissionIdentifier",
            |field, encounter, cx| {
                let found = identifier::read_cx(field.repetition(1), cx);
                stay(encounter, found, |stay, found| {
                    stay.pre_admission_identifier = Some(found)
                });
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|s| s.pre_admission_identifier.as_ref());
                if let Some(found) = found {
                    identifier::write_cx(found, field.repetition(), back);
                }
            },
        ),
        Row::new(
            7,
            "participant",
            |field, encounter, cx| read_participants(field, ATTENDER, encounter, cx),
            |encounter, field, back| write_participants(encounter, ATTENDER.0, field, back),
        )
        .note("attender"),
        Row::new(
            8,
            "participant",
            |field, encounter, cx| read_participants(field, REFERRER, encounter, cx),
            |encounter, field, back| write_participants(encounter, REFERRER.0, field, back),
        )
        .note("referrer"),
        Row::new(
            9,
            "participant",
            |field, encounter, cx| read_participants(field, CONSULTANT, encounter, cx),
            |encounter, field, back| write_participants(encounter, CONSULTANT.0, field, back),
        )
        .note("consultant"),
        Row::new(
            17,
            "participant",
            |field, encounter, cx| read_participants(field, ADMITTER, encounter, cx),
            |encounter, field, back| write_participants(encounter, ADMITTER.0, field, back),
        )
        .note("admitter"),
        Row::new(
            52,
            "participant",
            |field, encounter, cx| read_participants(field, PARTICIPANT, encounter, cx),
            |encounter, field, back| write_participants(encounter, PARTICIPANT.0, field, back),
        ),
        Row::new(10, "serviceType", read_service, write_service)
            .note("NHS treatment function, else table 0069"),
        Row::new(
            13,
            "hospitalization.reAdmission",
            |field, encounter, cx| {
                let found = concept::first(field, Some(&cx.vocabulary.readmission), cx);
                stay(encounter, found, |stay, found| stay.re_admission = Some(found));
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|stay| stay.re_admission.as_ref());
                concept::put(found, Some(&back.vocabulary.readmission), field, back);
            },
        )
        .note("table 0092"),
        Row::new(
            14,
            "hospitalization.admitSource",
            |field, encounter, cx| {
                let found = nhs_or(field, &cx.vocabulary.nhs_source_of_admission, cx);
                stay(encounter, found, |stay, found| stay.admit_source = Some(found));
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|stay| stay.admit_source.as_ref());
                put_nhs_or(found, &back.vocabulary.nhs_source_of_admission, field, back);
            },
        )
        .note("table 0023; NHS source of admission"),
        Row::new(
            15,
            "hospitalization.specialArrangement",
            |field, encounter, cx| {
                let mut found = Vec::new();
                concept::all(field, Some(&cx.vocabulary.ambulatory_status), &mut found, cx);
                if !found.is_empty() {
                    encounter
                        .hospitalization
                        .get_or_insert_default()
                        .special_arrangement = found;
                }
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .map(|stay| stay.special_arrangement.as_slice());
                concept::put_all(
                    found.unwrap_or_default(),
                    Some(&back.vocabulary.ambulatory_status),
                    field,
                    back,
                );
            },
        )
        .note("table 0009"),
        Row::new(
            16,
            "hospitalization.specialCourtesy",
            |field, encounter, cx| {
                let found = concept::first(field, None, cx);
                stay(encounter, found, |stay, found| stay.special_courtesy.push(found));
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|stay| stay.special_courtesy.first());
                concept::put(found, None, field, back);
            },
        )
        .note("table 0099"),
        Row::new(
            36,
            "hospitalization.dischargeDisposition",
            |field, encounter, cx| {
                let found = nhs_or(field, &cx.vocabulary.nhs_discharge_destination, cx);
                stay(encounter, found, |stay, found| {
                    stay.discharge_disposition = Some(found)
                });
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|stay| stay.discharge_disposition.as_ref());
                put_nhs_or(found, &back.vocabulary.nhs_discharge_destination, field, back);
            },
        )
        .note("table 0112; NHS discharge destination"),
        Row::new(
            37,
            "hospitalization.destination",
            read_discharged_to,
            write_discharged_to,
        )
        .note("table 0113; NHS discharge method by extension"),
        Row::new(
            38,
            "hospitalization.dietPreference",
            |field, encounter, cx| {
                let found = concept::first(field, None, cx);
                stay(encounter, found, |stay, found| stay.diet_preference.push(found));
            },
            |encounter, field, back| {
                let found = encounter
                    .hospitalization
                    .as_ref()
                    .and_then(|stay| stay.diet_preference.first());
                concept::put(found, None, field, back);
            },
        )
        .note("table 0114"),
        Row::new(
            44,
            "period.start",
            |field, encounter, cx| {
                if let Some(start) = time::date_time(field, cx, "") {
                    encounter.period.get_or_insert_default().start = Some(start);
                }
            },
            |encounter, field, back| {
                time::put(
                    encounter
                        .period
                        .as_ref()
                        .and_then(|period| period.start.as_deref()),
                    field,
                    back,
                );
            },
        ),
        Row::new(
            45,
            "period.end",
            |field, encounter, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    encounter.period.get_or_insert_default().end = Some(end);
                }
            },
            |encounter, field, back| {
                time::put(
                    encounter.period.as_ref().and_then(|period| period.end.as_deref()),
                    field,
                    back,
                );
            },
        )
        .note("also status finished"),
        Row::kept(12),
        Row::kept(18),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
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
        Row::kept(39),
        Row::kept(41),
        Row::kept(46),
        Row::kept(47),
        Row::kept(48),
        Row::kept(49),
        Row::kept(51),
        Row::kept(53),
        Row::kept(54),
    ],
};

/// True for a PV1 that only fills the place a structure asks for: no visit number, no place, no person, no time.
pub(crate) fn is_placeholder(segment: Segment<'_>) -> bool {
    segment.fields().skip(1).all(|field| {
        let number = field.location().field;
        matches!(number, 1 | 2) || field.raw().is_empty()
    }) && matches!(segment.field(2).text().as_ref(), "" | "N" | "U" | "O")
}

fn read_class(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.encounter_class;
    encounter.class = concept::coding(field.repetition(1), Some(table), cx);
    // A dialect keeps beside the class the word that it stands for: `Day Case`.
    if let Some(class) = &mut encounter.class
        && let Some(word) = cx.take(field.component(2), "Encounter.class.extension")
        && class.display.as_ref() != Some(&word)
    {
        class.extension.push(keep::carry_text("CWE.2", word));
    }
    let sent = cx.peek(field);
    let status = sent.and_then(|sent| cx.vocabulary.class_status.to_fhir(&sent).copied());
    if let Some(status) = status {
        encounter.status = Some(Text::const_new(status.fhir));
    }
}

fn write_class(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(class) = encounter
        .class
        .as_ref()
        .filter(|class| class.code.as_deref() != Some("UNK"))
    else {
        return;
    };
    let table = &back.vocabulary.encounter_class;
    concept::write_coding(class, Some(table), field.repetition(), back);
}

fn stay<T>(encounter: &mut Encounter, found: Option<T>, set: impl FnOnce(&mut EncounterHospitalization, T)) {
    if let Some(found) = found {
        set(encounter.hospitalization.get_or_insert_default(), found);
    }
}

/// The visit number is the encounter's identifier; its type is VN unless it says otherwise.
fn read_visit_number(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    cx.at(encounter.identifier.len());
    if let Some(mut number) = identifier::read_cx(field.repetition(1), cx) {
        match &mut number.type_ {
            None => number = identifier::typed(number, "VN"),
            Some(kind) if !identifier_is_visit(kind) => {
                // The type as sent stays; that it is a visit number follows from the field.
                kind.coding
                    .insert(0, concept::constant(identifier::TYPE, "VN", ""));
            }
            Some(_) => number.extension.push(keep::mark("PV1-19.5")),
        }
        encounter.identifier.push(number);
    }
}

fn identifier_is_visit(kind: &CodeableConcept) -> bool {
    concept::says(kind, identifier::TYPE, "VN")
}

fn write_visit_number(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let own = |one: &&Identifier| {
        let elsewhere = super::pid::is_stay_number(one) || super::mrg::is_former(one);
        !keep::is_marked(&one.extension, "PV1-50") && !elsewhere
    };
    let visit = |one: &&Identifier| own(one) && one.type_.as_ref().is_some_and(identifier_is_visit);
    let found = encounter
        .identifier
        .iter()
        .find(visit)
        .or_else(|| encounter.identifier.iter().find(own));
    let Some(found) = found else { return };
    let mut plain = found.clone();
    // VN is what the field means; a type that was sent follows it.
    if let Some(kind) = &mut plain.type_
        && identifier_is_visit(kind)
    {
        kind.coding.remove(0);
        if kind.coding.is_empty() && !keep::is_marked(&plain.extension, "PV1-19.5") {
            plain.type_ = None;
        } else if kind.coding.is_empty() {
            kind.coding.push(concept::constant(identifier::TYPE, "VN", ""));
        }
    }
    identifier::write_cx(&plain, field.repetition(), back);
}

fn read_other_number(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    for one in field.repetitions() {
        cx.at(encounter.identifier.len());
        if let Some(mut found) = identifier::read_cx(one, cx) {
            found.extension.push(keep::mark("PV1-50"));
            encounter.identifier.push(found);
        }
    }
}

fn write_other_number(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let marked = |one: &Identifier| keep::is_marked(&one.extension, "PV1-50");
    let elsewhere = |one: &&Identifier| !super::pid::is_stay_number(one);
    let visit = |one: &Identifier| one.type_.as_ref().is_some_and(identifier_is_visit);
    let numbered = encounter.identifier.iter().any(|one| visit(one) && !marked(one));
    let mut spare = usize::from(!numbered);
    for one in encounter.identifier.iter().filter(elsewhere) {
        // In a Bundle of others the first is the visit number, the rest are other numbers.
        let taken = !marked(one) && (visit(one) || std::mem::take(&mut spare) > 0);
        if !taken && !super::mrg::is_former(one) {
            identifier::write_cx(one, field.repetition(), back);
        }
    }
}

/// An NHS admission method goes to its extension, an admission type of table 0007 to Encounter.type.
fn read_admission_type(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.nhs_admission_method;
    let method = cx.peek(field).and_then(|sent| table.to_fhir(&sent).copied());
    match method.filter(|_| cx.settings.nhs_codes) {
        Some(_) => {
            let member = "Encounter.hospitalization.extension(admissionMethod)";
            let found = nhs(field, table, member, cx);
            stay(encounter, found, |stay, found| {
                stay.extension.push(Extension {
                    url: Some(Text::const_new(ADMISSION_METHOD)),
                    value_codeable_concept: Some(Box::new(found)),
                    ..Extension::default()
                });
            });
        }
        None => encounter
            .type_
            .extend(concept::first(field, Some(&cx.vocabulary.admission_type), cx)),
    }
}

fn write_admission_type(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut extensions = encounter.hospitalization.iter().flat_map(|stay| &stay.extension);
    let method = extensions.find(|e| e.url.as_deref() == Some(ADMISSION_METHOD));
    match method.and_then(|e| e.value_codeable_concept.as_deref()) {
        Some(method) => put_nhs_or(Some(method), &back.vocabulary.nhs_admission_method, field, back),
        None => concept::put(
            encounter.type_.first(),
            Some(&back.vocabulary.admission_type),
            field,
            back,
        ),
    }
}

/// A code of the NHS data dictionary, its text as sent.
fn nhs(
    field: Field<'_>,
    table: &Vocabulary,
    member: &'static str,
    cx: &mut Context<'_>,
) -> Option<CodeableConcept> {
    let repetition = field.repetition(1);
    let sent = cx.take(repetition.component(1), member)?;
    let code = table.to_fhir(&sent)?;
    let words = cx.take(repetition.component(2), member);
    cx.record_component(repetition.component(3), Outcome::Transformed, member, "");
    let coding = Coding {
        system: Some(Text::const_new(code.system)),
        code: Some(Text::const_new(code.fhir)),
        ..Coding::default()
    };
    Some(CodeableConcept {
        coding: vec![coding],
        text: words,
        ..CodeableConcept::default()
    })
}

/// A code of the NHS data dictionary, or whatever was sent.
fn nhs_or(field: Field<'_>, table: &Vocabulary, cx: &mut Context<'_>) -> Option<CodeableConcept> {
    let known = cx.peek(field).is_some_and(|sent| table.to_fhir(&sent).is_some());
    if known && cx.settings.nhs_codes {
        nhs(field, table, "", cx)
    } else {
        concept::first(field, None, cx)
    }
}

fn put_nhs_or(
    found: Option<&CodeableConcept>,
    table: &Vocabulary,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    let Some(found) = found else { return };
    let known = found.coding.iter().find(|coding| {
        let system = coding.system.as_deref().unwrap_or_default();
        !system.is_empty()
            && table
                .to_hl7(system, coding.code.as_deref().unwrap_or_default())
                .is_some()
    });
    match known {
        Some(coding) => {
            let mut to = field.repetition();
            to.optional(1, coding.code.as_ref());
            to.optional(2, found.text.as_ref().or(coding.display.as_ref()));
        }
        None => concept::write(found, None, field.repetition(), back),
    }
}

pub(crate) fn read_participants(
    field: Field<'_>,
    (code, display): (&'static str, &'static str),
    encounter: &mut Encounter,
    cx: &mut Context<'_>,
) {
    cx.at(encounter.participant.len());
    for individual in person::read_all(field, cx) {
        encounter.participant.push(EncounterParticipant {
            type_: vec![concept::of_code(PARTICIPATION, code, display)],
            individual: Some(individual),
            ..EncounterParticipant::default()
        });
    }
}

pub(crate) fn write_participants(
    encounter: &Encounter,
    code: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    for participant in &encounter.participant {
        let says = participant
            .type_
            .iter()
            .any(|kind| concept::says(kind, PARTICIPATION, code));
        // A role of ROL goes back to ROL.
        let own =
            says && !super::rol::is_role(participant) && !keep::is_marked(&participant.extension, "PV2-13");
        if let Some(individual) = participant.individual.as_ref().filter(|_| own) {
            person::write_all(individual, field, back);
        }
    }
}

/// True for a participant whom one of PV1's own fields names.
pub(crate) fn is_named(participant: &EncounterParticipant) -> bool {
    let roles = [ATTENDER, REFERRER, CONSULTANT, ADMITTER];
    let says = |kind: &CodeableConcept| {
        roles
            .iter()
            .any(|(code, _)| concept::says(kind, PARTICIPATION, code))
    };
    participant.type_.iter().any(says)
}

/// Settles the status, and fills what FHIR requires.
///
/// PV1-45 makes it finished; a cancelling event, a discharge and a pre-admission say what they say; otherwise the
/// patient class decides.
pub(crate) fn complete(encounter: &mut Encounter, cx: &Context<'_>) {
    let ended = encounter
        .period
        .as_ref()
        .is_some_and(|period| period.end.is_some());
    let event = cx.vocabulary.event_status.to_fhir(&cx.event);
    if ended {
        encounter.status = Some(Text::const_new("finished"));
    }
    if let Some(event) = event.filter(|code| !ended || code.fhir == "cancelled") {
        encounter.status = Some(Text::const_new(event.fhir));
    }
    if encounter.status.is_none() {
        encounter.status = Some(Text::const_new("unknown"));
    }
    if encounter.class.is_none() {
        let null = "http://terminology.hl7.org/CodeSystem/v3-NullFlavor";
        encounter.class = Some(concept::constant(null, "UNK", "unknown"));
    }
}

#[cfg(test)]
mod tests;
