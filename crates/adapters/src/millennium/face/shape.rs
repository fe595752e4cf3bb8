//! People, encounters and observations as this product shows them.

use fhir::{
    Address, Annotation, CodeableConcept, Coding, ContactPoint, Encounter, EncounterHospitalization,
    EncounterLocation, EncounterParticipant, HumanName, Identifier, Meta, Narrative, Observation,
    ObservationReferenceRange, Patient, PatientLink, Period, Reference,
};
use jiff::Timestamp;

use super::TENANT;
use super::codes::{self, value_of};
use crate::clock::london;
use crate::face::{
    coding, concept, date, date_time, instant, instant_of_ms, lines, observation_status, relative, set_value,
    text, uri, v2_code,
};
use crate::seed::hash;
use crate::state::encounter::{Encounter as Visit, Stage};
use crate::state::person::{Alias, Clinician, Person, Role};
use crate::state::{Seen, Text};

const NHS_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";

/// A proprietary coding: the code value under its set, as people pick it.
pub(super) fn proprietary(set: u16, number: u32, display: &str) -> Coding {
    Coding {
        user_selected: Some(true),
        ..coding(
            &format!("https://fhir.cerner.com/{TENANT}/codeSet/{set}"),
            &number.to_string(),
            display,
        )
    }
}

pub(super) fn standard(coding: Coding) -> Coding {
    Coding {
        user_selected: Some(false),
        ..coding
    }
}

/// A vendor text as proprietary coding and, where there is one, a standard coding beside it.
fn coded(set: u16, own: &str, beside: Option<Coding>) -> CodeableConcept {
    let display = value_of(set, own).map_or(own, |value| value.display);
    let mut codings = vec![proprietary(set, codes::number_for(set, own), display)];
    codings.extend(beside.map(standard));
    concept(codings, display)
}

/// The system of an alias: the NHS's own, or an OID made from the pool's name.
pub(super) fn alias_system(alias: &Alias) -> Text {
    if alias.role == Role::Nhs {
        Text::const_new(NHS_SYSTEM)
    } else {
        pool_system(&alias.authority)
    }
}

fn pool_system(pool: &str) -> Text {
    compact_str::format_compact!(
        "urn:oid:2.25.{}",
        hash(0, &[pool.to_ascii_uppercase().as_bytes()])
    )
}

/// The product's codes for a FHIR gender.
pub(super) fn sexes(gender: &str) -> Vec<Text> {
    let own: &[&'static str] = match gender {
        "male" => &["M"],
        "female" => &["F"],
        "other" => &["O"],
        "unknown" => &["U"],
        _ => &[],
    };
    own.iter().map(|code| Text::const_new(code)).collect()
}

fn gender(sex: &str) -> &'static str {
    match sex {
        "M" => "male",
        "F" => "female",
        "O" => "other",
        _ => "unknown",
    }
}

pub(super) fn patient(person: &Person) -> Patient {
    if let Some(survivor) = person.merged_into {
        return combined(person, survivor);
    }
    let died = person.death_time.as_deref().and_then(date_time);
    let shown = person
        .aliases
        .iter()
        .filter(|alias| alias.role != Role::Retired)
        .enumerate();
    let names = person.names.iter().enumerate();
    let telecoms = person.telecoms.iter().enumerate();
    let addresses = person.addresses.iter().enumerate();
    let gp = person
        .gp
        .as_ref()
        .map(|gp| full_name(&gp.family, &gp.given, &gp.prefix));
    Patient {
        id: text(&person.key.to_string()),
        meta: meta(person.version, person.updated_ms),
        text: narrative("Patient", person),
        identifier: shown
            .map(|(position, alias)| identifier(person.key, position, alias))
            .collect(),
        active: Some(true),
        name: names
            .map(|(position, name)| human_name(person.key, position, name))
            .collect(),
        telecom: telecoms
            .map(|(position, held)| telecom(person.key, position, held))
            .collect(),
        gender: person.sex.as_deref().and_then(|sex| text(gender(sex))),
        birth_date: person.birth.as_deref().and_then(date),
        deceased_boolean: died.is_none().then(|| person.has_died()),
        deceased_date_time: died,
        address: addresses
            .map(|(position, held)| address(person.key, position, held))
            .collect(),
        marital_status: person
            .marital
            .as_deref()
            .map(|own| coded(codes::MARITAL, own, marital_code(own))),
        general_practitioner: gp
            .map(|gp| Reference {
                display: text(&gp),
                ..Reference::default()
            })
            .into_iter()
            .collect(),
        ..Patient::default()
    }
}

/// Somebody combined away: only the link still says something.
fn combined(person: &Person, survivor: u32) -> Patient {
    let unknown = || fhir::Extension {
        url: text(ABSENT),
        value_code: text("unknown"),
        ..fhir::Extension::default()
    };
    Patient {
        id: text(&person.key.to_string()),
        meta: meta(person.version, person.updated_ms),
        identifier: vec![Identifier {
            extension: vec![unknown()],
            ..Identifier::default()
        }],
        active: Some(false),
        name: vec![HumanName {
            extension: vec![unknown()],
            ..HumanName::default()
        }],
        gender_element: Some(Box::new(fhir::Element {
            extension: vec![unknown()],
            ..fhir::Element::default()
        })),
        link: vec![PatientLink {
            other_: Some(relative("Patient", &survivor.to_string(), "")),
            type_: text("replaced-by"),
            ..PatientLink::default()
        }],
        ..Patient::default()
    }
}

fn telecom(person: u32, position: usize, held: &crate::state::person::Telecom) -> ContactPoint {
    ContactPoint {
        id: text(&format!("CI-PH-{person}-{position}")),
        system: text(if held.email { "email" } else { "phone" }),
        value: text(&held.value),
        use_: text(match held.used_as.as_str() {
            "WPN" | "WORK" => "work",
            "ORN" | "CD:3310891" => "mobile",
            _ => "home",
        }),
        ..ContactPoint::default()
    }
}

fn address(person: u32, position: usize, held: &crate::state::person::Address) -> Address {
    Address {
        id: text(&format!("CI-{person}-{position}")),
        use_: text("home"),
        text: text(&lines(&[&held.line, &held.other, &held.city, &held.postcode]).join("\n")),
        line: lines(&[&held.line, &held.other]),
        city: text(&held.city),
        district: text(&held.county),
        postal_code: text(&held.postcode),
        country: text(&held.country),
        ..Address::default()
    }
}

fn marital_code(marital: &str) -> Option<Coding> {
    let plain = value_of(codes::MARITAL, marital).map_or(marital, |value| value.plain);
    let (code, display) = match plain {
        "S" => ("S", "Never Married"),
        "M" => ("M", "Married"),
        "D" => ("D", "Divorced"),
        "W" => ("W", "Widowed"),
        "P" => ("L", "Legally Separated"),
        _ => return None,
    };
    Some(coding(
        "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
        code,
        display,
    ))
}

fn identifier(person: u32, position: usize, alias: &Alias) -> Identifier {
    let (number, display, code, word) = match alias.role {
        Role::Nhs => (
            codes::NHS_NUMBER,
            "NHS Number",
            "NH",
            "National Health Plan Identifier",
        ),
        Role::Enterprise => (
            codes::COMMUNITY_MRN,
            "Community Medical Record Number",
            "PI",
            "Patient internal identifier",
        ),
        Role::Mrn | Role::Retired => (codes::MRN, "MRN", "MR", "Medical record number"),
    };
    Identifier {
        id: text(&format!("CI-{person}-{position}")),
        use_: text("usual"),
        type_: Some(concept(
            vec![
                proprietary(codes::PERSON_ALIAS, number, display),
                standard(v2_code("0203", code, word)),
            ],
            if alias.role == Role::Mrn && !alias.authority.is_empty() {
                &alias.authority
            } else {
                display
            },
        )),
        system: Some(alias_system(alias)),
        value: text(&alias.value),
        period: Some(Period {
            start: Some(fhir::DateTime::from("2026-01-01T00:00:00.000Z")),
            ..Period::default()
        }),
        ..Identifier::default()
    }
}

fn human_name(person: u32, position: usize, name: &crate::state::person::Name) -> HumanName {
    HumanName {
        id: text(&format!("CI-{person}-{position}")),
        use_: text(if name.kind.eq_ignore_ascii_case("PREVIOUS") {
            "old"
        } else {
            "official"
        }),
        text: text(format!("{}, {} {}", name.family, name.given, name.middle).trim_end_matches([' ', ','])),
        family: text(&name.family),
        given: lines(&[&name.given, &name.middle]),
        prefix: lines(&[&name.prefix]),
        suffix: lines(&[&name.suffix]),
        ..HumanName::default()
    }
}

fn full_name(family: &str, given: &str, prefix: &str) -> String {
    lines(&[prefix, given, family]).join(" ")
}

/// The status of an encounter as the product names it.
pub(super) fn status(encounter: &Visit) -> &'static str {
    if encounter.merged_into.is_some() {
        return "unknown";
    }
    match encounter.stage() {
        Stage::Planned => "planned",
        Stage::Open => "in-progress",
        Stage::Closed => "finished",
        Stage::Cancelled => "cancelled",
    }
}

/// The class is derived from the encounter type.
fn class(own: &str) -> Coding {
    let (code, display) = match value_of(codes::ENCOUNTER_TYPE, own).map_or(own, |value| value.plain) {
        "inpatient" | "newborn" | "I" => ("IMP", "inpatient encounter"),
        "emergency" | "E" => ("EMER", "emergency"),
        "daycase" | "D" => ("SS", "short stay"),
        "preadmit" | "P" => ("PRENC", "pre-admission"),
        _ => ("AMB", "ambulatory"),
    };
    standard(coding(ACT_CODE, code, display))
}

pub(super) fn encounter(person: &Person, visit: &Visit) -> Encounter {
    let name = person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    let service = visit
        .specialty
        .as_ref()
        .map(|own| if own.code.is_empty() { &own.text } else { &own.code });
    let reason = visit
        .reason
        .as_ref()
        .map(|own| if own.text.is_empty() { &own.code } else { &own.text });
    let kind = text(&visit.class).map(|own| coded(codes::ENCOUNTER_TYPE, &own, None));
    let facility = visit.place().and_then(|place| text(&place.facility));
    Encounter {
        id: text(&visit.key.to_string()),
        meta: meta(visit.version, person.updated_ms),
        identifier: vec![fin(visit)],
        status: text(status(visit)),
        class: Some(class(&visit.class)),
        type_: kind.into_iter().collect(),
        service_type: service.map(|own| coded(codes::MEDICAL_SERVICE, own, None)),
        subject: Some(relative("Patient", &person.key.to_string(), &name)),
        participant: visit.consultant.as_ref().map(participant).into_iter().collect(),
        period: visit.admitted.as_deref().map(|admitted| Period {
            start: date_time(admitted),
            end: visit.discharged.as_deref().and_then(date_time),
            ..Period::default()
        }),
        reason_code: reason
            .map(|words| concept(Vec::new(), words))
            .into_iter()
            .collect(),
        hospitalization: hospitalization(visit),
        location: visit
            .place()
            .map(|place| location(visit, place))
            .into_iter()
            .collect(),
        part_of: visit
            .merged_into
            .map(|survivor| relative("Encounter", &survivor.to_string(), "")),
        service_provider: facility.map(|name| Reference {
            display: Some(name),
            ..Reference::default()
        }),
        ..Encounter::default()
    }
}

/// The encounter's number.
fn fin(visit: &Visit) -> Identifier {
    let codings = vec![
        proprietary(codes::ENCOUNTER_ALIAS, codes::FIN, "FIN NBR"),
        standard(v2_code("0203", "AN", "Account number")),
    ];
    Identifier {
        use_: text("usual"),
        type_: Some(concept(codings, "FIN NBR")),
        system: Some(pool_system(&visit.authority)),
        value: text(&visit.number),
        ..Identifier::default()
    }
}

fn participant(consultant: &Clinician) -> EncounterParticipant {
    let system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
    let name = full_name(&consultant.family, &consultant.given, &consultant.prefix);
    EncounterParticipant {
        type_: vec![concept(
            vec![standard(coding(system, "ATND", "attender"))],
            "Attending Physician",
        )],
        individual: Some(Reference {
            display: text(&name),
            ..Reference::default()
        }),
        ..EncounterParticipant::default()
    }
}

fn hospitalization(visit: &Visit) -> Option<EncounterHospitalization> {
    let left = visit
        .disposition
        .as_deref()
        .filter(|_| visit.discharged.is_some());
    (visit.source.is_some() || left.is_some()).then(|| EncounterHospitalization {
        admit_source: visit
            .source
            .as_deref()
            .map(|source| coded(codes::ADMIT_SOURCE, source, None)),
        discharge_disposition: left.map(|left| coded(codes::DISCHARGE_DISPOSITION, left, None)),
        ..EncounterHospitalization::default()
    })
}

fn location(visit: &Visit, place: &crate::state::encounter::Place) -> EncounterLocation {
    let name = lines(&[
        &place.facility,
        &place.building,
        &place.ward,
        &place.room,
        &place.bed,
    ])
    .join("; ");
    EncounterLocation {
        location: Some(Reference {
            display: text(&name),
            ..Reference::default()
        }),
        status: text(if visit.stage() == Stage::Closed {
            "completed"
        } else {
            "active"
        }),
        ..EncounterLocation::default()
    }
}

/// Eight digits of the report and the place in it, with the prefix of its kind.
pub(super) fn observation_id(seen: &Seen<'_>) -> String {
    let prefix = if seen.is_vital() { "VS" } else { "L" };
    format!("{prefix}-{:08}{}", seen.report.key, seen.place)
}

fn category(seen: &Seen<'_>) -> (&'static str, &'static str) {
    if seen.is_vital() {
        ("vital-signs", "Vital Signs")
    } else {
        ("laboratory", "Laboratory")
    }
}

const CATEGORIES: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

pub(super) fn is_in_category(seen: &Seen<'_>, asked: &str) -> bool {
    match asked.rsplit_once('|') {
        Some((system, code)) => (system.is_empty() || system == CATEGORIES) && code == category(seen).0,
        None => asked == category(seen).0,
    }
}

/// Whether an observation has that code: the event code, or the local one under its own system.
pub(super) fn has_code(seen: &Seen<'_>, asked: &str) -> bool {
    let code = observation_code(seen);
    let (system, wanted) = asked.rsplit_once('|').unwrap_or(("", asked));
    code.coding.iter().any(|coding| {
        coding.code.as_deref() == Some(wanted)
            && (system.is_empty() || coding.system.as_deref() == Some(system))
    })
}

fn observation_code(seen: &Seen<'_>) -> CodeableConcept {
    let own = &seen.observation.code;
    let words = if own.text.is_empty() { &own.code } else { &own.text };
    let mut codings = vec![proprietary(
        codes::EVENT,
        codes::number_for(codes::EVENT, &own.code),
        words,
    )];
    if !own.code.starts_with("CD:") && !own.code.is_empty() {
        // A system the world knows, else the contributor's own under a system that claims nothing.
        let contributor = if own.system.is_empty() {
            "local"
        } else {
            own.system.as_str()
        };
        let system = format!(
            "urn:eprgw:local-code:{}",
            contributor.to_ascii_lowercase().replace(' ', "-")
        );
        let system = uri(&own.system).unwrap_or(&system);
        codings.push(standard(coding(system, &own.code, &own.text)));
    }
    concept(codings, words)
}

pub(super) fn observation(seen: &Seen<'_>) -> Observation {
    let said = &seen.observation.said;
    let (code, display) = category(seen);
    let name = seen
        .person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    let mut observation = Observation {
        id: text(&observation_id(seen)),
        meta: meta(seen.report.version, seen.report.updated_ms),
        status: text(observation_status(&said.status)),
        category: vec![concept(
            vec![standard(coding(CATEGORIES, code, display))],
            display,
        )],
        code: Some(observation_code(seen)),
        subject: Some(relative("Patient", &seen.person.key.to_string(), &name)),
        encounter: seen
            .report
            .encounter
            .map(|key| relative("Encounter", &key.to_string(), "")),
        effective_date_time: seen.observed().and_then(|time| date_time(time)),
        issued: seen.report.issued.as_deref().and_then(instant),
        ..Observation::default()
    };
    set_value(said, &mut observation);
    if !said.flag.is_empty() {
        let flag = v2_code("0078", &said.flag, "");
        let flag = Coding {
            system: text("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"),
            ..flag
        };
        observation.interpretation = vec![concept(vec![standard(flag)], "")];
    }
    if !said.range.is_empty() {
        observation.reference_range = vec![ObservationReferenceRange {
            text: text(&said.range),
            ..ObservationReferenceRange::default()
        }];
    }
    observation.note = seen
        .observation
        .notes
        .iter()
        .map(|note| Annotation {
            text: text(note),
            ..Annotation::default()
        })
        .collect();
    observation
}

pub(super) fn meta(version: u32, updated_ms: i64) -> Option<Meta> {
    Some(Meta {
        version_id: text(&version.to_string()),
        last_updated: instant_of_ms(updated_ms),
        ..Meta::default()
    })
}

/// When a report last changed, on the hospital's clock.
pub(super) fn updated_digits(updated_ms: i64) -> String {
    Timestamp::from_millisecond(updated_ms)
        .map(|point| {
            point
                .to_zoned_datetime(london())
                .strftime("%Y%m%d%H%M%S")
                .to_string()
        })
        .unwrap_or_default()
}

/// The generated text every resource of this product carries; of a patient, name and birth.
pub(super) fn narrative(resource_type: &str, person: &Person) -> Option<Box<Narrative>> {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let name = person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    let birth = person
        .birth
        .as_deref()
        .and_then(date)
        .map(|date| date.as_str().to_owned())
        .unwrap_or_default();
    let div = format!(
        "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p><b>{resource_type}</b></p><p><b>Name</b>: {}</p>\
         <p><b>DOB</b>: {birth}</p></div>",
        escape(&name)
    );
    Some(Box::new(Narrative {
        status: text("generated"),
        div: text(&div),
        ..Narrative::default()
    }))
}
