//! What is read is written again: byte for byte where the members stand in R4's order.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use fhir::{Bundle, Observation, Other, Patient, Resource};

/// Reads as the resource it is, writes, compares bytes.
fn assert_identity(json: &str) -> Resource {
    let resource = Resource::from_slice(json.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{json}"));
    assert_eq!(String::from_utf8(resource.to_vec()).unwrap(), json);
    resource
}

#[test]
fn a_patient_with_everything_that_is_hard() {
    let resource = assert_identity(concat!(
        r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","lastUpdated":"2026-01-01T00:00:00.000+00:00"},"#,
        r#""text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ann &amp; co</div>"},"#,
        r#""contained":[{"resourceType":"Organization","id":"o1","name":"Synthetic Trust"}],"#,
        r#""extension":[{"url":"https://example.org/e","valueDecimal":1.10}],"#,
        r#""identifier":[{"use":"official","system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018","#,
        r#""assigner":{"identifier":{"system":"urn:x","value":"1"}}}],"#,
        r#""active":true,"name":[{"family":"Żółć","given":["Ann",null,"Bea"],"#,
        r#""_given":[null,{"extension":[{"url":"urn:absent","valueCode":"masked"}]},{"id":"g3"}]}],"#,
        r#""gender":"female","birthDate":"1970-02","#,
        r#""_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","#,
        r#""valueDateTime":"1970-02-03T04:05:06Z"}]},"deceasedBoolean":false,"#,
        r#""multipleBirthInteger":2,"link":[{"other":{"reference":"Patient/p2"},"type":"replaces"}]}"#
    ));
    let patient: &Patient = resource.as_type().unwrap();
    assert_eq!(patient.name[0].given, ["Ann", "", "Bea"]);
    assert_eq!(
        patient.name[0].given_element[2].as_ref().unwrap().id.as_deref(),
        Some("g3")
    );
    assert_eq!(patient.birth_date.as_deref(), Some("1970-02"));
    assert_eq!(
        patient.link[0].other_.as_ref().unwrap().reference.as_deref(),
        Some("Patient/p2")
    );
    assert!(matches!(patient.contained[0], Resource::Organization(_)));
}

#[test]
fn decimals_keep_their_digits() {
    for digits in [
        "1.10",
        "1E3",
        "-0",
        "0.0",
        "-12.50e-2",
        "100000000000000000000000000.0",
        "1e400",
    ] {
        let json = format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{digits}}}}}"#
        );
        let resource = assert_identity(&json);
        let observation: &Observation = resource.as_type().unwrap();
        let value = observation
            .value_quantity
            .as_ref()
            .unwrap()
            .value
            .as_ref()
            .unwrap();
        assert_eq!(value.as_str(), digits);
    }
}

#[test]
fn unknown_members_survive_with_their_white_space() {
    let json = r#"{"resourceType":"Patient","gender":"male","futureElement":{"a" : [1.10, "\u00e9"]},"_active2":{ "id":"x" }}"#;
    let resource = assert_identity(json);
    let patient: &Patient = resource.as_type().unwrap();
    assert_eq!(
        patient.other.get("futureElement").unwrap().get(),
        r#"{"a" : [1.10, "\u00e9"]}"#
    );
    // Deep inside as well, and value types an extension has no member for.
    assert_identity(
        r#"{"resourceType":"Basic","extension":[{"url":"u","valueOid":"urn:oid:1.2","_valueOid":{"id":"i"}}]}"#,
    );
    assert_identity(r#"{"resourceType":"Patient","name":[{"family":"A","nickname2":"B"}]}"#);
}

#[test]
fn unknown_resources_survive_whole() {
    let json = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{ "resourceType" : "Linkage", "id":"l1","x":1.10 }}]}"#;
    let resource = assert_identity(json);
    let bundle: &Bundle = resource.as_type().unwrap();
    let raw = bundle.resources().next().unwrap();
    assert_eq!((raw.resource_type(), raw.id()), ("Linkage", Some("l1")));
    assert!(matches!(raw, Resource::Other(_)));
}

#[test]
fn order_and_emptiness_are_put_right() {
    let json = "\u{feff} { \"id\" : \"1\", \"gender\" : null, \"name\" : [ {}, null ], \"telecom\" : [],\n\
                \"maritalStatus\" : { \"coding\" : [ {} ] }, \"birthDate\" : \"1970\", \"resourceType\" : \"Patient\" } ";
    let resource = Resource::from_slice(json.as_bytes()).unwrap();
    assert_eq!(
        String::from_utf8(resource.to_vec()).unwrap(),
        r#"{"resourceType":"Patient","id":"1","birthDate":"1970"}"#
    );
}

#[test]
fn siblings_without_values_hold_their_places() {
    assert_identity(
        r#"{"resourceType":"Patient","_active":{"id":"b"},"name":[{"_given":[null,{"id":"a"}]}]}"#,
    );
    // A list of nothing but places says nothing.
    let resource =
        Resource::from_slice(br#"{"resourceType":"Patient","name":[{"given":[null],"family":"A"}]}"#)
            .unwrap();
    assert_eq!(
        resource.to_vec(),
        br#"{"resourceType":"Patient","name":[{"family":"A"}]}"#
    );
}

#[test]
fn strings_are_escaped_as_json_asks() {
    let resource = Resource::from_slice(
        br#"{"resourceType":"Basic","id":"\u0041\ud83d\ude00\/\\\"\b\f\n\r\t\u0001\u007f"}"#,
    )
    .unwrap();
    assert_eq!(resource.id(), Some("A😀/\\\"\u{8}\u{c}\n\r\t\u{1}\u{7f}"));
    let written = resource.to_vec();
    assert_eq!(
        String::from_utf8(written.clone()).unwrap(),
        "{\"resourceType\":\"Basic\",\"id\":\"A😀/\\\\\\\"\\b\\f\\n\\r\\t\\u0001\u{7f}\"}"
    );
    assert_eq!(Resource::from_slice(&written).unwrap(), resource);
}

#[test]
fn structures_stand_in_other_structures_of_serde() {
    #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    struct Carrier {
        patient: Patient,
        any: Resource,
    }
    let json = r#"{"patient":{"resourceType":"Patient","extension":[{"url":"u","valueDecimal":1.10}],"odd":1e2},"any":{"resourceType":"Linkage","n":1.0}}"#;
    let carrier: Carrier = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&carrier).unwrap(), json);
    assert_eq!(
        fhir::to_vec(&carrier.patient),
        serde_json::to_vec(&carrier.patient).unwrap()
    );
    assert!(serde_json::from_str::<Patient>(r#"{"resourceType":"Group"}"#).is_err());
}

/// A Bundle with values that only look simple: digits, unknown members, a resource we do not model.
const BUNDLE: &str = concat!(
    r#"{"resourceType":"Bundle","type":"collection","total":2,"entry":["#,
    r#"{"fullUrl":"urn:x:1","resource":{"resourceType":"Patient","id":"p","name":[{"given":["Ann",null],"#,
    r#""_given":[null,{"id":"g"}]}],"odd":{ "a" : 1.0 }}},"#,
    r#"{"resource":{"resourceType":"Observation","valueQuantity":{"value":1.10}},"search":{"score":0.50}},"#,
    r#"{"resource":{ "resourceType" : "Linkage", "n":1e2 }}]}"#
);

#[test]
fn a_bundle_is_serdes() {
    let bundle: Bundle = serde_json::from_slice(BUNDLE.as_bytes()).unwrap();
    assert_eq!(bundle, fhir::from_slice(BUNDLE.as_bytes()).unwrap());
    let written = serde_json::to_vec(&bundle).unwrap();
    assert_eq!(String::from_utf8(written.clone()).unwrap(), BUNDLE);
    assert_eq!(written, fhir::to_vec(&bundle));
}

#[test]
fn what_is_empty_inside_is_not_written() {
    let patient = Patient {
        meta: Some(fhir::Meta::default()),
        name: vec![fhir::HumanName {
            given: vec!["".into()],
            period: Some(fhir::Period::default()),
            ..fhir::HumanName::default()
        }],
        gender_element: Some(Box::default()),
        ..Patient::default()
    };
    assert_eq!(fhir::to_vec(&patient), br#"{"resourceType":"Patient"}"#);
    assert_eq!(
        serde_json::to_vec(&patient).unwrap(),
        br#"{"resourceType":"Patient"}"#
    );
    assert_eq!(fhir::to_vec(&fhir::Period::default()), b"{}");
}

#[test]
fn unknown_members_can_be_added() {
    let mut other = Other::default();
    other.push(
        "x",
        serde_json::value::RawValue::from_string("1.0".into()).unwrap(),
    );
    let patient = Patient {
        other,
        ..Patient::default()
    };
    assert_eq!(fhir::to_vec(&patient), br#"{"resourceType":"Patient","x":1.0}"#);
}
