//! Each row of the segment, both ways.

use super::*;
use crate::testing::{back, first, message, read, round_trip};
use crate::{Outcome, Totals};

#[test]
fn a_full_patient_comes_back_from_the_resource_alone() {
    let pid = "PID|1|OLD1|70000123^^^RYJ^MR~9990000018^^^NHS^NH~E1^7^M10^EXT&2.16.840.1.1&ISO^PI|ALT1^^^RQM|\
        Example^Ada^Rose Mary^Jr^Ms^PHD^L~Nickname^^^^^^N|Maiden^Mary|19570314101500|F|Alias^Al|2106-3|\
        1 High St^Flat 2^London^Greater London^W1A 1AA^GBR^H||020 7946 0000^PRN^PH~^NET^Internet^a@example.invalid|\
        ^WPN^PH^^44^20^79460102^9|EN|M|C22|V1^^^RYJ^VN|AB123456C|LIC1^DVLA^20301231||A^White British|London|Y|2|\
        GBR|^veteran|826|20260301|Y||NSTS01||RYJ";
    let bundle = round_trip("A28", &[], &pid.replace("\\\n            ", ""));
    let patient: &Patient = first(&bundle);
    assert_eq!(patient.gender.as_deref(), Some("female"));
    assert_eq!(patient.birth_date.as_deref(), Some("1957-03-14"));
    assert_eq!(patient.multiple_birth_integer, Some(2));
    assert_eq!(patient.deceased_date_time.as_deref(), Some("2026-03-01"));
    let nhs = patient
        .identifier
        .iter()
        .find(|id| id.system.as_deref() == Some(NHS_NUMBER))
        .unwrap();
    assert_eq!(nhs.value.as_deref(), Some("9990000018"));
    assert!(
        nhs.extension
            .iter()
            .any(|e| e.url.as_deref() == Some(VERIFICATION_STATUS))
    );
}

#[test]
fn every_spelling_of_an_nhs_number_becomes_one_system() {
    for spelling in [
        "9990000018^^^NHS^NH",
        "9990000018^^^NHS^HN",
        "9990000018^^^^NHSNMBR",
        "999 000 0018^^^^NH",
        "999-000-0018^^^NHS",
        "9990000018^^^NHSNBR^NHSNMBR",
        "9990000018^^^X&2.16.840.1.113883.2.1.4.1&ISO",
    ] {
        let (bundle, _) = read(&message("A28", &[&format!("PID|1||{spelling}")]));
        let id = &first::<Patient>(&bundle).identifier[0];
        assert_eq!(id.system.as_deref(), Some(NHS_NUMBER), "{spelling}");
        assert_eq!(id.value.as_deref(), Some("9990000018"), "{spelling}");
    }
    let (bundle, ledger) = read(&message("A28", &["PID|1||12345^^^NHS^NH"]));
    assert_eq!(
        first::<Patient>(&bundle).identifier[0].system,
        None,
        "five digits are no NHS number"
    );
    assert!(ledger.notes.iter().any(|note| note.code == "bad-nhs-number"));
}

#[test]
fn null_deletes_and_is_never_text() {
    let (bundle, ledger) = read(&message("A31", &["PID|1||1^^^RYJ^MR||Example^\"\"||\"\"|\"\""]));
    let patient: &Patient = first(&bundle);
    assert!(patient.name[0].given.is_empty());
    assert_eq!(
        (patient.gender.as_ref(), patient.birth_date.as_ref()),
        (None, None)
    );
    assert!(
        !String::from_utf8(fhir::to_vec(&bundle))
            .unwrap()
            .contains("\\\"\\\"")
    );
    let ignored = ledger
        .with_outcome(Outcome::IgnoredByRule)
        .filter(|line| line.location.segment == "PID");
    assert_eq!(ignored.count(), 4, "set id and three nulls");
}

#[test]
fn a_code_outside_its_table_is_kept_with_the_place_noted() {
    let bundle = round_trip("A28", &[], "PID|1||1^^^RYJ^MR|||||Q");
    let patient: &Patient = first(&bundle);
    assert_eq!(patient.gender, None);
    assert_eq!(code::sent(&patient.gender_element).unwrap(), "Q");
    let (_, ledger) = read(&message("A28", &["PID|1||1^^^RYJ^MR|||||Q"]));
    let note = ledger
        .notes
        .iter()
        .find(|note| note.code == "unknown-code")
        .unwrap();
    assert_eq!(
        note.to_string(),
        "PID-8.1.1: the code is not in its table; it passes through as sent (table 0001)"
    );
}

#[test]
fn an_nhs_code_for_sex_reads_and_comes_back() {
    let bundle = round_trip("A28", &[], "PID|1||1^^^RYJ^MR|||||2");
    assert_eq!(first::<Patient>(&bundle).gender.as_deref(), Some("female"));
}

#[test]
fn an_impossible_date_sinks_nothing_else() {
    let (bundle, ledger) = read(&message("A28", &["PID|1||1^^^RYJ^MR||Example||19570230|F"]));
    let patient: &Patient = first(&bundle);
    assert_eq!(
        (patient.birth_date.as_ref(), patient.gender.as_deref()),
        (None, Some("female"))
    );
    assert_eq!(
        ledger.totals(),
        Totals {
            lost: 1,
            ..ledger.totals()
        }
    );
    let outcome: &fhir::OperationOutcome = first(&bundle);
    assert!(
        outcome.issue[0]
            .diagnostics
            .as_deref()
            .unwrap()
            .starts_with("PID-7")
    );
    assert!(
        back(&bundle)
            .iter()
            .any(|line| line == "PID|1||1^^^RYJ^MR||Example|||F")
    );
}

#[test]
fn any_delimiters_and_escapes_read_the_same() {
    let er7 =
        b"MSH$%!/*$PAS$RYJ$$$20260302$$ADT%A28%ADT_A05$1$P$2.5.1\rPID$$$1%%%RYJ%MR$$O/X27/Neil*x%A^B/T/C\r";
    let (bundle, _) = read(er7);
    let name = &first::<Patient>(&bundle).name[0];
    assert_eq!(name.family.as_deref(), Some("O'Neil"));
    assert_eq!(name.given[0], "A^B*C");
}

#[test]
fn a_language_is_bcp_47_with_the_code_as_sent_beside_it() {
    let bundle = round_trip("A28", &[], "PID|1||1^^^RYJ^MR||||||||||||EN");
    let patient: &Patient = first(&bundle);
    let language = patient.communication[0].language.as_ref().unwrap();
    assert_eq!(language.coding[0].system.as_deref(), Some("urn:ietf:bcp:47"));
    assert_eq!(language.coding[0].code.as_deref(), Some("en"));
    assert_eq!(language.coding[1].code.as_deref(), Some("EN"));
    assert_eq!(patient.communication[0].preferred, Some(true));
    round_trip("A28", &[], "PID|1||1^^^RYJ^MR||||||||||||XQ^Local tongue^99LOCAL");
}

#[test]
fn the_need_of_an_interpreter_is_no_language() {
    for (sent, needed) in [
        ("EN^^^N^^INTERPRETER", false),
        ("SO^^^Y^^INTERPRETER", true),
        ("^^^Y^^INTERPRETER", true),
    ] {
        let bundle = round_trip("A28", &[], &format!("PID|1||1^^^RYJ^MR||||||||||||{sent}"));
        let patient: &Patient = first(&bundle);
        let flag = extension(patient, INTERPRETER_REQUIRED).unwrap();
        assert_eq!(flag.value_boolean, Some(needed), "{sent}");
        let codings = patient
            .communication
            .iter()
            .flat_map(|one| &one.language.as_ref().unwrap().coding);
        assert!(
            codings.clone().all(|coding| coding.code.as_deref() != Some("Y")),
            "{sent}"
        );
        assert_eq!(
            codings.count(),
            if sent.starts_with('^') { 0 } else { 2 },
            "{sent}"
        );
    }
}

#[test]
fn the_number_of_a_stay_is_not_the_persons() {
    let pid = "PID|1||70000123^^^RYJ^MR||Example^Ada|||||||||||||3393034^^^RYJ^AN";
    let (bundle, _) = read(&message("A01", &[pid, "PV1|1|I|||||||||||||||||26714^^^RYJ^VN"]));
    assert!(back(&bundle).contains(&pid.to_owned()));
    assert_eq!(first::<Patient>(&bundle).identifier.len(), 1);
    let encounter: &Encounter = first(&bundle);
    let numbers: Vec<_> = encounter
        .identifier
        .iter()
        .map(|one| one.value.as_deref().unwrap())
        .collect();
    assert_eq!(numbers, ["26714", "3393034"]);
    // Without PV1 a result knows the visit by its number.
    let pid = "PID|1||70000123^^^RYJ^MR||Example^Ada|||||||||||||26714^^^RYJ^VN";
    let (bundle, ledger) = read(&message("R01", &[pid, "OBR|1||F1|FBC", "OBX|1|ST|A||B"]));
    assert_eq!(ledger.totals().lost, 0);
    assert!(back(&bundle).contains(&pid.to_owned()));
    let report: &fhir::DiagnosticReport = first(&bundle);
    let visit = report.encounter.as_ref().unwrap();
    assert_eq!(visit.identifier.as_ref().unwrap().value.as_deref(), Some("26714"));
    assert_eq!(
        (visit.type_.as_deref(), visit.reference.as_deref()),
        (Some("Encounter"), None)
    );
    // A message about the person alone keeps it for the way back.
    let bundle = round_trip("A28", &[], pid);
    assert_eq!(first::<Patient>(&bundle).identifier.len(), 1);
}

#[test]
fn letters_of_another_table_are_no_nhs_ethnic_category() {
    for sent in ["H^Hispanic or Latino^HL70189", "N^NOT HISPANIC OR LATINO"] {
        let pid = format!("PID|1||1^^^RYJ^MR|||||||||||||||||||{sent}");
        let bundle = round_trip("A28", &[], &pid);
        assert!(extension(first(&bundle), ETHNIC_CATEGORY).is_none(), "{sent}");
    }
    let bundle = round_trip("A28", &[], "PID|1||1^^^RYJ^MR|||||||||||||||||||H");
    let category = extension(first(&bundle), ETHNIC_CATEGORY).unwrap();
    let concept = category.value_codeable_concept.as_ref().unwrap();
    assert_eq!(concept.coding[0].display.as_deref(), Some("Indian"));
}

#[test]
fn what_someone_is_called_by_is_a_name() {
    let pid =
        "PID|1||1^^^RYJ^MR||Example^Adelaide^^^^^L^^^^^^^^Addie~Old^Ada^^^^^NOUSE||||Al^^^^^^^^^^^^^^Ally";
    let bundle = round_trip("A28", &[], pid);
    let names = &first::<Patient>(&bundle).name;
    let said: Vec<_> = names
        .iter()
        .map(|name| {
            (
                name.given.first().map_or("", |one| one.as_str()),
                name.use_.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            ("Adelaide", "official"),
            ("Addie", "nickname"),
            ("Ada", "old"),
            ("", ""),
            ("Ally", "nickname")
        ]
    );
}

#[test]
fn two_numbers_in_one_point_of_contact_are_two() {
    let pid = "PID|1||1^^^RYJ^MR||||||||1 High St^^London^^^^^^Kent&W~2 Low St^^Bath^^^^^^&W||020 7946 0000^PRN^PH^^^^^^^^^020 7946 0001^20200101";
    let bundle = round_trip("A28", &[], pid);
    let patient: &Patient = first(&bundle);
    let numbers: Vec<_> = patient
        .telecom
        .iter()
        .map(|one| one.value.as_deref().unwrap())
        .collect();
    assert_eq!(numbers, ["020 7946 0000", "020 7946 0001"]);
    assert_eq!(patient.address[0].district.as_deref(), Some("Kent"));
    assert_eq!(patient.address[1].district.as_deref(), Some("W"));
}
