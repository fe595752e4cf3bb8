//! Each row of the segment, both ways.

use fhir::Practitioner;

use super::*;
use crate::testing::{PID, all, first, message, read, round_trip};

#[test]
fn a_visit_comes_back_from_the_resources_alone() {
    let pv1 = "PV1|1|I|T07^BAY 2^BED 14^RYJ01^^BED^Main^4|21|PRE1^^^RYJ|T08^^^RYJ01|\
        C1^Consult^Clara^^^Dr^^^GMC|C2^Refer^Ralph|C3^Con^Cat~C4^Con^Dan|300||||19|A2|V|\
        C1^Consult^Clara^^^Dr^^^GMC|IN|V000012345^^^RYJ|||||||||||||||||19|HOME^20260304|VEG|RYJ01||ARRIVED|\
        T09^^^RYJ01||20260302091000|20260305|||||ALT1^^^RYJ^VN";
    let bundle = round_trip("A01", &[PID], &pv1.replace("\\\n            ", ""));
    let encounter: &Encounter = first(&bundle);
    assert_eq!(encounter.status.as_deref(), Some("finished"));
    assert_eq!(encounter.class.as_ref().unwrap().code.as_deref(), Some("IMP"));
    assert_eq!(
        encounter.period.as_ref().unwrap().start.as_deref(),
        Some("2026-03-02T09:10:00+00:00")
    );
    let clara = all::<Practitioner>(&bundle)
        .into_iter()
        .filter(|one| one.name[0].given == ["Clara"]);
    assert_eq!(clara.count(), 1, "one Practitioner for one identity");
    let stay = encounter.hospitalization.as_ref().unwrap();
    assert_eq!(stay.extension[0].url.as_deref(), Some(ADMISSION_METHOD));
    let source = stay.admit_source.as_ref().unwrap().coding[0].system.as_deref();
    assert_eq!(
        source,
        Some("https://fhir.hl7.org.uk/CodeSystem/UKCore-SourceOfAdmissionEngland")
    );
}

#[test]
fn the_bed_is_part_of_the_ward_and_the_ward_of_the_site() {
    let (bundle, _) = read(&message("A01", &[PID, "PV1|1|I|T07^BAY 2^BED 14^RYJ01"]));
    let mut next = first::<Encounter>(&bundle).location[0].location.clone();
    let mut names = Vec::new();
    while let Some(reference) = next {
        let url = reference.reference.unwrap();
        let place = all::<Location>(&bundle)
            .into_iter()
            .find(|one| url.ends_with(one.id.as_deref().unwrap()));
        names.push(place.unwrap().name.clone().unwrap().to_string());
        next = place.unwrap().part_of.clone();
    }
    assert_eq!(names, ["BED 14", "BAY 2", "T07", "St Mary's Hospital"]);
}

#[test]
fn the_status_is_settled_by_end_event_and_class_in_that_order() {
    for (event, pv1, status) in [
        ("A01", "PV1|1|I", "in-progress"),
        ("A05", "PV1|1|P", "planned"),
        ("A11", "PV1|1|I", "cancelled"),
        ("A03", "PV1|1|I", "finished"),
        (
            "A08",
            "PV1|1|I|||||||||||||||||||||||||||||||||||||||||||20260304",
            "finished",
        ),
        ("A13", "PV1|1|I", "in-progress"),
        ("A04", "PV1|1|O", "in-progress"),
        ("A01", "PV1|1|ZZ", "unknown"),
    ] {
        let (bundle, _) = read(&message(event, &[PID, pv1]));
        assert_eq!(
            first::<Encounter>(&bundle).status.as_deref(),
            Some(status),
            "{event} {pv1}"
        );
    }
}

#[test]
fn a_placeholder_visit_is_no_encounter() {
    let (bundle, ledger) = read(&message("A28", &[PID, "PV1|1|N"]));
    assert!(all::<Encounter>(&bundle).is_empty());
    assert_eq!(ledger.totals().lost, 0);
    let (bundle, _) = read(&message("A28", &[PID, "PV1|1|N|||||||||||||||||V1"]));
    assert_eq!(all::<Encounter>(&bundle).len(), 1, "a visit number makes it one");
}

#[test]
fn one_clinician_under_several_numbers_is_one_practitioner() {
    let alderton = "190101^ALDERTON^JAMES^^^MR^^^CONS^^^^CONS~C9990101^ALDERTON^JAMES^^^MR^^^GMC~ALDJ01^ALDERTON^JAMES^^^MR^^^PROVID";
    let again = "C9990101^ALDERTON^JAMES^^^MR^^^GMC";
    let other = "190777^ALDERTON^JAMES^^^MR^^^CONS^^^^CONS";
    let bundle = round_trip("A01", &[PID], &format!("PV1|1|I|||||{alderton}|{again}|{other}"));
    let encounter: &Encounter = first(&bundle);
    let roles: Vec<_> = encounter
        .participant
        .iter()
        .map(|one| {
            (
                one.type_[0].coding[0].code.as_deref().unwrap(),
                one.individual.as_ref().unwrap().reference.clone(),
            )
        })
        .collect();
    assert_eq!(roles.len(), 3);
    assert_eq!(
        roles[0].1, roles[1].1,
        "the same number elsewhere is the same person"
    );
    assert_ne!(
        roles[0].1, roles[2].1,
        "another number of the same register is another person"
    );
    let people = all::<Practitioner>(&bundle);
    assert_eq!(people.len(), 2);
    let numbers: Vec<_> = people[0]
        .identifier
        .iter()
        .map(|id| id.value.as_deref().unwrap())
        .collect();
    assert_eq!(numbers, ["190101", "C9990101", "ALDJ01"]);
}

#[test]
fn namesakes_in_one_field_stay_apart() {
    let pv1 = "PV1|1|I|||||||1^Smith^Jo^^^^^^A~2^Smith^Jo^^^^^^A";
    let bundle = round_trip("A01", &[PID], pv1);
    assert_eq!(first::<Encounter>(&bundle).participant.len(), 2);
    assert_eq!(all::<Practitioner>(&bundle).len(), 2);
}

#[test]
fn a_treatment_function_has_its_system_and_its_local_code_beside_it() {
    let bundle = round_trip("A01", &[PID], "PV1|1|I||||||||300^Gen Med^^31015^^PLW-HL7");
    let service = first::<Encounter>(&bundle).service_type.as_ref().unwrap();
    assert_eq!(
        service.coding[0].system.as_deref(),
        Some("https://fhir.nhs.uk/CodeSystem/NHSDataModelAndDictionary-treatment-function")
    );
    assert_eq!(
        service.coding[0].display.as_deref(),
        Some("General Internal Medicine")
    );
    assert_eq!(service.text.as_deref(), Some("Gen Med"));
    assert_eq!(service.coding[1].code.as_deref(), Some("31015"));
    round_trip("A01", &[PID], "PV1|1|I||||||||MED");
    round_trip("A01", &[PID], "PV1|1|I||||||||49990");
}

#[test]
fn a_discharge_method_is_no_place() {
    let pv1 = "PV1|1|I||||||||||||||||||||||||||||||||||19|1";
    let bundle = round_trip("A03", &[PID], pv1);
    let encounter: &Encounter = first(&bundle);
    let method = encounter
        .extension
        .iter()
        .find(|one| one.url.as_deref() == Some(DISCHARGE_METHOD))
        .unwrap();
    let coding = &method.value_codeable_concept.as_ref().unwrap().coding[0];
    assert_eq!(
        (coding.system.as_deref(), coding.code.as_deref()),
        (
            Some("https://fhir.hl7.org.uk/CodeSystem/UKCore-DischargeMethodEngland"),
            Some("1")
        )
    );
    assert!(encounter.hospitalization.as_ref().unwrap().destination.is_none());
    assert!(all::<Location>(&bundle).is_empty());
}

#[test]
fn a_word_beside_the_class_stays_with_it() {
    let bundle = round_trip("A01", &[PID], "PV1|1|I^Day Case");
    let encounter: &Encounter = first(&bundle);
    assert_eq!(encounter.status.as_deref(), Some("in-progress"));
    let class = encounter.class.as_ref().unwrap();
    assert_eq!(class.code.as_deref(), Some("IMP"));
    assert_eq!(keep::carried_text(&class.extension, "CWE.2").unwrap(), "Day Case");
}

#[test]
fn every_place_of_a_stay_comes_back_to_its_field() {
    let pv1 = "PV1|1|I|T07^^1|||T08^^2|||||X1^^3|||||||||||||||||||||||||||||||T09^^4|X2^^5";
    let bundle = round_trip("A02", &[PID], pv1);
    assert_eq!(first::<Encounter>(&bundle).location.len(), 5);
}
