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
