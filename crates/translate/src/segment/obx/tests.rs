//! Each row of the segment, both ways.

use super::*;
use crate::testing::{PID, first, message, read, round_trip};

const OBR: &str = "OBR|1||F1|FBC";

#[test]
fn every_value_type_comes_back() {
    for value in [
        "NM|HB^Haemoglobin^L||6.70|g/dL^grams per decilitre^UCUM",
        "NM|HB||<5|g/dL",
        "NM|HB||+5",
        "SN|HB||>^100|mg/L",
        "SN|HB||^1^:^128",
        "SN|HB||^1^/^128",
        "SN|HB||^3^-^5|mmol/L",
        "SN|HB||^2^+",
        "SN|HB||=^7",
        "ST|CUL||No growth",
        "ST|CUL||A~B",
        "TX|CUL||Line one\\.br\\  Line two",
        "FT|CUL||One~Two",
        "CE|BG||O^Group O^L",
        "CWE|BG||O^Group O^L^^^^^^as read",
        "CWE|BG||O~A",
        "DT|LMP||20260301",
        "TS|SEEN||20260301101500",
        "DTM|SEEN||202603",
        "TM|AT||101500",
        "DR|STAY||20260301^20260302",
        "NR|RANGE||1^2",
        "ED|PDF||REPORT^AP^PDF^Base64^JVBERi0xLjQK",
        "RP|PIC||http://example.invalid/1.png^ARCHIVE^IM^PNG",
        "CX|ID||1^^^RYJ&x",
    ] {
        round_trip("R01", &[PID, OBR], &format!("OBX|1|{value}"));
    }
}

#[test]
fn an_observation_comes_back_with_everything_around_it() {
    let obx = "OBX|1|NM|HB^Haemoglobin||12.1|g/dL|11.5-16.5|H~A||N|F|||20260302081500|LAB1^Path Lab|T1^Bench^Ben|AUTO|AN1^LAB|20260302101500|ARM|OB1^LAB||Lab^^^^^^^^^77|1 Lab St|D1^Chief^Cher";
    let bundle = round_trip("R01", &[PID, OBR], obx);
    let observation: &Observation = first(&bundle);
    assert_eq!(
        observation
            .value_quantity
            .as_ref()
            .unwrap()
            .value
            .as_ref()
            .unwrap()
            .as_str(),
        "12.1"
    );
    assert_eq!(
        observation.reference_range[0]
            .low
            .as_ref()
            .unwrap()
            .value
            .as_ref()
            .unwrap()
            .as_str(),
        "11.5"
    );
    assert_eq!(observation.performer.len(), 4);
    assert_eq!(observation.status.as_deref(), Some("final"));
}

#[test]
fn every_status_says_something_fhir_knows() {
    for (sent, status) in [
        ("A", "amended"),
        ("C", "corrected"),
        ("D", "entered-in-error"),
        ("W", "entered-in-error"),
        ("X", "cancelled"),
        ("R", "preliminary"),
        ("V", "final"),
        ("?", "unknown"),
    ] {
        let bundle = round_trip("R01", &[PID, OBR], &format!("OBX|1|ST|X||y||||||{sent}"));
        assert_eq!(
            first::<Observation>(&bundle).status.as_deref(),
            Some(status),
            "{sent}"
        );
    }
}

#[test]
fn a_missing_code_is_said_to_be_missing() {
    let (bundle, _) = read(&message("R01", &[PID, OBR, "OBX|1|ST|||y"]));
    assert_eq!(first::<Observation>(&bundle).code, Some(unknown()));
}

#[test]
fn empty_places_between_separators_are_part_of_the_text() {
    let bundle = round_trip("R01", &[PID, OBR], "OBX|1|ST|LRRF||~~~~14~1");
    let observation: &Observation = first(&bundle);
    assert_eq!(observation.value_string.as_deref(), Some("~~~~14~1"));
    let bundle = round_trip("R01", &[PID, OBR], "OBX|1|TX|CUL||One~Two");
    assert_eq!(
        first::<Observation>(&bundle).value_string.as_deref(),
        Some("One\nTwo")
    );
}

#[test]
fn a_number_below_the_range_of_a_test_is_a_quantity_with_its_sign() {
    for (sent, sign, value) in [
        ("<7", "<", "7"),
        (">= 100.50", ">=", "100.50"),
        ("<0.5", "<", "0.5"),
    ] {
        let bundle = round_trip("R01", &[PID, OBR], &format!("OBX|1|NM|CRP||{sent}|mg/L"));
        let found = first::<Observation>(&bundle).value_quantity.as_ref().unwrap();
        assert_eq!(found.comparator.as_deref(), Some(sign));
        assert_eq!(found.value.as_ref().unwrap().as_str(), value);
        assert_eq!(found.code.as_deref().or(found.unit.as_deref()), Some("mg/L"));
    }
    let (bundle, ledger) = read(&message("R01", &[PID, OBR, "OBX|1|NM|CRP||<low"]));
    assert_eq!(
        first::<Observation>(&bundle).value_string.as_deref(),
        Some("<low")
    );
    assert!(ledger.notes.iter().any(|note| note.code == "bad-number"));
}
