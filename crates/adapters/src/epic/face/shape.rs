//! People, encounters and observations as this product shows them.

use fhir::{
    Address, Annotation, CodeableConcept, Coding, ContactPoint, Encounter, EncounterHospitalization,
    EncounterLocation, EncounterParticipant, Extension, HumanName, Identifier, Observation,
    ObservationReferenceRange, Patient, Period, Reference,
};

use super::super::id::{Kind, opaque};
use super::outcome::INSTANCE;
use crate::face::{
    coding, concept, date, date_time, instant, lines, observation_status, relative, set_value, text, uri,
    v2_code,
};
use crate::seed::hash;
use crate::state::encounter::{Encounter as Visit, Stage};
use crate::state::person::{Alias, Person, Role};
use crate::state::{Seen, Text};

const NHS_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
pub(super) const CATEGORIES: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const LEGAL_SEX: &str = "http://open.epic.com/FHIR/StructureDefinition/extension/legal-sex";
const DSTU2_ID: &str = "http://open.epic.com/FHIR/StructureDefinition/patient-dstu2-fhir-id";
const STU3_ID: &str = "http://open.epic.com/FHIR/StructureDefinition/patient-fhir-id";

pub(super) fn patient_id(seed: u64, person: u32) -> String {
    opaque(seed, Kind::Patient, u64::from(person))
}

/// An OID of this installation for a master file or category list.
pub(super) fn oid(suffix: &str) -> String {
    format!("urn:oid:{INSTANCE}.{suffix}")
}

/// The same for something known by name only.
pub(super) fn named_oid(name: &str) -> String {
    oid(&format!(
        "2.7.{}",
        hash(0, &[name.to_ascii_uppercase().as_bytes()]) % 1_000_000
    ))
}

/// The system of an alias.
pub(super) fn alias_system(alias: &Alias) -> Text {
    match alias.role {
        Role::Nhs => Text::const_new(NHS_SYSTEM),
        Role::Mrn | Role::Enterprise | Role::Retired => named_oid(&alias.authority).into(),
    }
}

/// The product's codes for a FHIR gender.
pub(super) fn sexes(gender: &str) -> Vec<Text> {
    let own: &[&'static str] = match gender {
        "male" => &["M"],
        "female" => &["F"],
        "other" => &["O", "A"],
        "unknown" => &["U", "N"],
        _ => &[],
    };
    own.iter().map(|code| Text::const_new(code)).collect()
}

fn gender(sex: &str) -> &'static str {
    match sex {
        "M" => "male",
        "F" => "female",
        "U" | "N" => "unknown",
        _ => "other",
    }
}

/// The person key in one of the numbers that are made from it: EPI, INTERNAL and EXTERNAL.
pub(super) fn key_of_identifier(asked: &str) -> Option<u32> {
    let value = asked.rsplit('|').next()?.trim();
    let digits = value.strip_prefix('E').or_else(|| value.strip_prefix('Z'))?;
    (digits.len() == 8).then(|| digits.parse().ok()).flatten()
}

pub(super) fn patient(seed: u64, person: &Person) -> Patient {
    let sex = person.sex.as_deref().unwrap_or("U");
    Patient {
        id: text(&patient_id(seed, person.key)),
        extension: vec![Extension {
            url: text(LEGAL_SEX),
            value_codeable_concept: Some(Box::new(concept(
                vec![coding(&oid("7.10.698084.130.657370.19999000"), sex, gender(sex))],
                "",
            ))),
            ..Extension::default()
        }],
        identifier: identifiers(seed, person),
        active: Some(true),
        name: person.names.iter().flat_map(names).collect(),
        telecom: person.telecoms.iter().map(telecom).collect(),
        gender: text(gender(sex)).filter(|_| person.sex.is_some()),
        birth_date: person.birth.as_deref().and_then(date),
        deceased_boolean: person.death_time.is_none().then(|| person.has_died()),
        deceased_date_time: person.death_time.as_deref().and_then(date_time),
        address: person.addresses.iter().map(address).collect(),
        marital_status: person.marital.as_deref().map(marital),
        general_practitioner: person
            .gp
            .as_ref()
            .map(|gp| Reference {
                type_: text("Practitioner"),
                display: text(&lines(&[&gp.prefix, &gp.given, &gp.family]).join(" ")),
                ..Reference::default()
            })
            .into_iter()
            .collect(),
        ..Patient::default()
    }
}

/// The enterprise number, the hospital's, four that are made from the record, and the NHS number.
fn identifiers(seed: u64, person: &Person) -> Vec<Identifier> {
    let one = |kind: &str, system: String, value: String| Identifier {
        use_: text("usual"),
        type_: Some(concept(Vec::new(), kind)),
        system: text(&system),
        value: text(&value),
        ..Identifier::default()
    };
    let key = u64::from(person.key);
    let enterprise = person
        .alias(Role::Enterprise)
        .map_or_else(|| format!("E{key}"), |alias| alias.value.to_string());
    let mut all = vec![
        one("EPI", oid("2.7.5.737384.0"), enterprise),
        one("EXTERNAL", oid("2.7.2.698084"), format!("Z{key}")),
        one("FHIR", DSTU2_ID.to_owned(), opaque(seed, Kind::PatientDstu2, key)),
        one(
            "FHIR STU3",
            STU3_ID.to_owned(),
            opaque(seed, Kind::PatientStu3, key),
        ),
        one("INTERNAL", oid("2.7.2.698084"), format!("     Z{key}")),
    ];
    for alias in &person.aliases {
        match alias.role {
            Role::Mrn => all.push(one("MRN", alias_system(alias).into(), alias.value.to_string())),
            Role::Nhs => all.push(one("NHS NUMBER", NHS_SYSTEM.to_owned(), alias.value.to_string())),
            Role::Enterprise | Role::Retired => {}
        }
    }
    all
}

/// Each name twice: the legal one and the one in use.
fn names(name: &crate::state::person::Name) -> [HumanName; 2] {
    let given = lines(&[&name.given, &name.middle]);
    let words = lines(&[&name.prefix, &name.given, &name.middle, &name.family]).join(" ");
    ["official", "usual"].map(|use_| HumanName {
        use_: text(use_),
        text: text(&words),
        family: text(&name.family),
        given: given.clone(),
        prefix: lines(&[&name.prefix]),
        ..HumanName::default()
    })
}

fn telecom(telecom: &crate::state::person::Telecom) -> ContactPoint {
    ContactPoint {
        system: text(if telecom.email { "email" } else { "phone" }),
        value: text(&telecom.value),
        use_: text(match telecom.used_as.as_str() {
            "WPN" => "work",
            "ORN" | "PRS" => "mobile",
            "" | "NET" => "",
            _ => "home",
        }),
        ..ContactPoint::default()
    }
}

fn address(address: &crate::state::person::Address) -> Address {
    Address {
        use_: text("home"),
        line: lines(&[&address.line, &address.other]),
        city: text(&address.city),
        district: text(&address.county),
        postal_code: text(&address.postcode),
        country: text(&address.country),
        ..Address::default()
    }
}

fn marital(own: &str) -> CodeableConcept {
    let words = match own {
        "S" => "Single",
        "M" => "Married",
        "D" => "Divorced",
        "W" => "Widowed",
        "P" => "Separated",
        other => other,
    };
    concept(Vec::new(), words)
}

/// Both codings of a class: HL7's and the installation's own.
pub(super) fn class(own: &str) -> Coding {
    let (code, display) = match own {
        "I" | "SURG ADMIT" | "B" | "N" => ("IMP", "inpatient encounter"),
        "E" => ("EMER", "emergency"),
        "DAY CASE" => ("SS", "short stay"),
        "P" => ("PRENC", "pre-admission"),
        _ => ("AMB", "ambulatory"),
    };
    coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", code, display)
}

fn status(visit: &Visit) -> &'static str {
    match visit.stage() {
        Stage::Planned => "planned",
        Stage::Open => "in-progress",
        Stage::Closed => "finished",
        Stage::Cancelled => "cancelled",
    }
}

pub(super) fn encounter(seed: u64, person: &Person, visit: &Visit) -> Encounter {
    let name = person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    let own_class = coding(&oid("7.10.698084.13260"), &visit.class, &visit.class);
    Encounter {
        id: text(&opaque(seed, Kind::Encounter, u64::from(visit.key))),
        identifier: vec![Identifier {
            use_: text("usual"),
            system: text(&oid("2.7.3.698084.8")),
            value: text(&visit.number),
            ..Identifier::default()
        }],
        status: text(status(visit)),
        class: Some(class(&visit.class)),
        type_: if visit.class.is_empty() {
            Vec::new()
        } else {
            vec![concept(vec![own_class], "Hospital Encounter")]
        },
        service_type: visit.specialty.as_ref().map(|specialty| {
            let words = if specialty.text.is_empty() {
                &specialty.code
            } else {
                &specialty.text
            };
            concept(
                vec![coding(&oid("7.10.698084.18886"), &specialty.code, words)],
                words,
            )
        }),
        subject: Some(relative("Patient", &patient_id(seed, person.key), &name)),
        participant: visit.consultant.as_ref().map(participant).into_iter().collect(),
        period: visit.admitted.as_deref().map(|admitted| Period {
            start: date_time(admitted),
            end: visit.discharged.as_deref().and_then(date_time),
            ..Period::default()
        }),
        reason_code: visit
            .reason
            .as_ref()
            .map(|reason| {
                concept(
                    Vec::new(),
                    if reason.text.is_empty() {
                        &reason.code
                    } else {
                        &reason.text
                    },
                )
            })
            .into_iter()
            .collect(),
        hospitalization: hospitalization(visit),
        location: visit
            .movements
            .iter()
            .enumerate()
            .map(|(position, _)| location(visit, position))
            .collect(),
        ..Encounter::default()
    }
}

fn participant(consultant: &crate::state::person::Clinician) -> EncounterParticipant {
    let attender = coding(
        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
        "ATND",
        "attender",
    );
    EncounterParticipant {
        type_: vec![concept(vec![attender], "attender")],
        individual: Some(Reference {
            type_: text("Practitioner"),
            display: text(&lines(&[&consultant.prefix, &consultant.given, &consultant.family]).join(" ")),
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
            .map(|source| concept(vec![coding(&oid("7.10.698084.10310"), source, "")], source)),
        discharge_disposition: left
            .map(|left| concept(vec![coding(&oid("7.10.698084.18888"), left, "")], left)),
        ..EncounterHospitalization::default()
    })
}

/// One stay in one place, from its movement to the next.
fn location(visit: &Visit, position: usize) -> EncounterLocation {
    let movement = visit.movements.get(position);
    let next = visit
        .movements
        .get(position + 1)
        .map(|next| &next.at)
        .or(visit.discharged.as_ref());
    let name = movement.map(|movement| {
        lines(&[&movement.place.ward, &movement.place.room, &movement.place.bed]).join(" / ")
    });
    EncounterLocation {
        location: Some(Reference {
            type_: text("Location"),
            display: text(&name.unwrap_or_default()),
            ..Reference::default()
        }),
        status: text(if next.is_some() { "completed" } else { "active" }),
        period: Some(Period {
            start: movement.and_then(|movement| date_time(&movement.at)),
            end: next.and_then(|next| date_time(next)),
            ..Period::default()
        }),
        ..EncounterLocation::default()
    }
}

/// What of an observation goes into its id.
pub(super) fn observation_key(seen: &Seen<'_>) -> u64 {
    u64::from(seen.report.key) << 16 | seen.place as u64 & 0xffff
}

/// The report and the place in it.
pub(super) fn observation_place(key: u64) -> Option<(u32, usize)> {
    Some((
        u32::try_from(key >> 16).ok()?,
        usize::try_from(key & 0xffff).ok()?,
    ))
}

fn category(seen: &Seen<'_>) -> (&'static str, &'static str) {
    if seen.is_vital() {
        ("vital-signs", "Vital Signs")
    } else {
        ("laboratory", "Laboratory")
    }
}

pub(super) fn is_in_category(seen: &Seen<'_>, asked: &str) -> bool {
    let (system, code) = asked.rsplit_once('|').unwrap_or(("", asked));
    (system.is_empty() || system == CATEGORIES) && code == category(seen).0
}

pub(super) fn has_code(seen: &Seen<'_>, asked: &str) -> bool {
    let (system, wanted) = asked.rsplit_once('|').unwrap_or(("", asked));
    observation_code(seen).coding.iter().any(|coding| {
        coding.code.as_deref() == Some(wanted)
            && (system.is_empty() || coding.system.as_deref() == Some(system))
    })
}

/// The local code, and the component record it is built as; a LOINC code would be a guess.
fn observation_code(seen: &Seen<'_>) -> CodeableConcept {
    let own = &seen.observation.code;
    let words = if own.text.is_empty() { &own.code } else { &own.text };
    let dictionary = if own.system.is_empty() {
        "LOCAL"
    } else {
        &own.system
    };
    let component = (1_000_000 + hash(0, &[own.code.as_bytes()]) % 1_000_000).to_string();
    concept(
        vec![
            coding(
                uri(&own.system).unwrap_or(&named_oid(dictionary)),
                &own.code,
                words,
            ),
            coding(&oid("2.7.2.768282"), &component, words),
        ],
        words,
    )
}

pub(super) fn observation(seed: u64, seen: &Seen<'_>) -> Observation {
    let said = &seen.observation.said;
    let (code, display) = category(seen);
    let own = coding(
        &oid("7.10.798268.30370"),
        if seen.is_vital() { "2" } else { "1" },
        display,
    );
    let name = seen
        .person
        .name()
        .map(|name| format!("{}, {}", name.family, name.given))
        .unwrap_or_default();
    let mut observation = Observation {
        id: text(&opaque(seed, Kind::Observation, observation_key(seen))),
        status: text(observation_status(&said.status)),
        category: vec![concept(vec![coding(CATEGORIES, code, display), own], display)],
        code: Some(observation_code(seen)),
        subject: Some(relative("Patient", &patient_id(seed, seen.person.key), &name)),
        encounter: seen
            .report
            .encounter
            .map(|key| relative("Encounter", &opaque(seed, Kind::Encounter, u64::from(key)), "")),
        effective_date_time: seen.observed().and_then(|time| date_time(time)),
        issued: seen.report.issued.as_deref().and_then(instant),
        note: seen
            .observation
            .notes
            .iter()
            .map(|note| Annotation {
                text: text(note),
                ..Annotation::default()
            })
            .collect(),
        ..Observation::default()
    };
    set_value(said, &mut observation);
    if !said.flag.is_empty() {
        observation.interpretation = vec![concept(vec![interpretation(&said.flag)], &said.flag)];
    }
    if !said.range.is_empty() {
        observation.reference_range = vec![ObservationReferenceRange {
            text: text(&said.range),
            ..ObservationReferenceRange::default()
        }];
    }
    observation
}

fn interpretation(flag: &str) -> Coding {
    Coding {
        system: text("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"),
        ..v2_code("0078", flag, "")
    }
}
