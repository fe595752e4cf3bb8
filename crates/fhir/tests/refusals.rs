//! What is refused, and that the refusal names place and fault but never a value.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use fhir::{Fault, Limits, Patient, ReadError, Resource};

fn refusal(json: &str) -> ReadError {
    Resource::from_slice(json.as_bytes()).expect_err(json)
}

#[test]
fn a_wrong_type_is_told_with_path_and_offset() {
    let error = refusal(r#"{"resourceType":"Patient","name":[{"family":"A"},{"given":["SECRET",7]}]}"#);
    assert_eq!(error.path(), "Patient.name[1].given[1]");
    assert_eq!(error.offset(), 68);
    assert_eq!(
        error.to_string(),
        "Patient.name[1].given[1]: expected a string, found a number (at byte 68)"
    );

    let error = refusal("{\"resourceType\":\"Patient\",\n \"active\":\"SECRET\"}");
    assert_eq!(error.path(), "Patient.active");
    assert_eq!(
        error.line_and_column(b"{\"resourceType\":\"Patient\",\n \"active\":\"SECRET\"}"),
        (2, 11)
    );
    assert!(!error.to_string().contains("SECRET"));
}

#[test]
fn every_kind_of_wrong_type_is_noticed() {
    let cases = [
        (
            r#"{"resourceType":"Patient","name":{"family":"A"}}"#,
            "Patient.name",
        ),
        (
            r#"{"resourceType":"Patient","gender":["male"]}"#,
            "Patient.gender",
        ),
        (
            r#"{"resourceType":"Patient","maritalStatus":"M"}"#,
            "Patient.maritalStatus",
        ),
        (
            r#"{"resourceType":"Patient","multipleBirthInteger":1.5}"#,
            "Patient.multipleBirthInteger",
        ),
        (
            r#"{"resourceType":"Patient","multipleBirthInteger":"1"}"#,
            "Patient.multipleBirthInteger",
        ),
        (
            r#"{"resourceType":"Patient","multipleBirthInteger":99999999999}"#,
            "Patient.multipleBirthInteger",
        ),
        (r#"{"resourceType":"Bundle","total":-1}"#, "Bundle.total"),
        (
            r#"{"resourceType":"Patient","_birthDate":"x"}"#,
            "Patient._birthDate",
        ),
        (
            r#"{"resourceType":"Observation","valueQuantity":{"value":"1.10"}}"#,
            "Observation.valueQuantity.value",
        ),
        (
            r#"{"resourceType":"Bundle","entry":[{"resource":[]}]}"#,
            "Bundle.entry[0].resource",
        ),
        (
            r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","active":1}}]}"#,
            "Bundle.entry[0].resource.active",
        ),
    ];
    for (json, path) in cases {
        let error = refusal(json);
        assert!(
            matches!(error.fault(), Fault::WrongType { .. }),
            "{json}: {error}"
        );
        assert_eq!(error.path(), path, "{json}");
    }
}

#[test]
fn a_member_given_twice_is_refused() {
    for json in [
        r#"{"resourceType":"Patient","gender":"male","gender":"female"}"#,
        r#"{"resourceType":"Patient","name":[{"family":"A"}],"name":[{"family":"B"}]}"#,
        r#"{"resourceType":"Patient","_gender":{"id":"a"},"_gender":{"id":"b"}}"#,
        r#"{"resourceType":"Patient","odd":1,"strange":2,"odd":1}"#,
        r#"{"resourceType":"Patient","resourceType":"Patient"}"#,
        r#"{"resourceType":"Linkage","id":"a","id":"b"}"#,
    ] {
        assert_eq!(refusal(json).fault(), &Fault::Duplicate, "{json}");
    }
}

#[test]
fn resource_types_are_compared_and_both_named() {
    let error = fhir::from_slice::<Patient>(br#"{"resourceType":"Encounter"}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Patient: expected a Patient, found a Encounter (at byte 16)"
    );
    assert_eq!(
        fhir::from_slice::<Patient>(br#"{"id":"1"}"#).unwrap_err().fault(),
        &Fault::NoResourceType
    );
    assert_eq!(refusal(r#"{"id":"1"}"#).fault(), &Fault::NoResourceType);
    assert_eq!(refusal("{}").fault(), &Fault::NoResourceType);
    // What is no name may be a value that went astray.
    let error = fhir::from_slice::<Patient>(br#"{"resourceType":"Mrs SECRET"}"#).unwrap_err();
    assert!(!error.to_string().contains("SECRET"), "{error}");
    assert!(
        !refusal(r#"{"resourceType":"Mrs SECRET"}"#)
            .to_string()
            .contains("SECRET")
    );
}

#[test]
fn depth_is_capped_in_known_and_unknown_members() {
    let deep = |open: &str, close: &str, times: usize| {
        format!(
            r#"{{"resourceType":"Basic",{}"id":"x"{}}}"#,
            open.repeat(times),
            close.repeat(times)
        )
    };
    for (open, close) in [
        (r#""extension":[{"#, "}]"),
        (r#""odd":[{"#, "}]"),
        (r#""contained":[{"resourceType":"Basic","#, "}]"),
    ] {
        assert!(
            Resource::from_slice(deep(open, close, 31).as_bytes()).is_ok(),
            "{open}"
        );
        // Far enough to break the stack of a parser without a cap.
        for times in [32, 200_000] {
            let error = refusal(&deep(open, close, times));
            assert_eq!(error.fault(), &Fault::TooDeep { limit: 64 }, "{open}");
        }
    }
}

/// `serde_json` counts depth anew in every resource.
#[test]
fn resources_inside_each_other_are_capped_for_serde_alone() {
    let deep = |times: usize| {
        let open = r#"{"resourceType":"Basic","contained":["#.repeat(times);
        format!(r#"{open}{{"resourceType":"Basic"}}{}"#, "]}".repeat(times))
    };
    assert!(serde_json::from_str::<Resource>(&deep(31)).is_ok());
    for times in [32, 2_000] {
        let error = serde_json::from_str::<Resource>(&deep(times)).unwrap_err();
        assert!(error.to_string().contains("too many resources"), "{error}");
    }
    assert!(
        serde_json::from_str::<Resource>(&deep(31)).is_ok(),
        "the count starts anew"
    );
}

#[test]
fn a_fault_is_found_behind_others_and_inside_resources() {
    let json = r#"{"resourceType":"Bundle","entry":[{},{"resource":{"resourceType":"Patient",
        "contained":[{"id":"o","resourceType":"Organization","name":["SECRET"]}]}}],"SECRET":tru"#;
    let error = refusal(json.replace("tru", "true}").as_str());
    assert_eq!(error.path(), "Bundle.entry[1].resource.contained[0].name");
    assert_eq!(Some(error.offset()), json.find(r#"["SECRET"]"#));
    assert!(!error.to_string().contains("SECRET"));
    let error = refusal(json.replace(r#"["SECRET"]"#, r#""x""#).as_str());
    assert!(matches!(error.fault(), Fault::Syntax(_)), "{error}");
    let error = refusal(r#"{"resourceType":"Patient","a":1,"gender":"male","gender":"SECRET"}"#);
    assert_eq!(error.path(), "Patient.gender");
    assert!((56..58).contains(&error.offset()), "{error}");
}

#[test]
fn size_and_fullness_are_capped() {
    let json = format!(
        r#"{{"resourceType":"Patient","name":[{}{{"id":"x"}}]}}"#,
        "{},".repeat(1000)
    );
    let limits = Limits {
        items_max: 500,
        ..Limits::DEFAULT
    };
    let error = Resource::from_slice_within(json.as_bytes(), limits).unwrap_err();
    assert_eq!(error.fault(), &Fault::TooMany { limit: 500 });
    let limits = Limits {
        bytes_max: 100,
        ..Limits::DEFAULT
    };
    let error = Resource::from_slice_within(json.as_bytes(), limits).unwrap_err();
    assert_eq!(error.fault(), &Fault::TooLong { limit: 100 });
}

#[test]
fn what_is_no_json_is_refused() {
    for json in [
        "",
        " ",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"resourceType\"}",
        "{\"resourceType\":}",
        r#"{"resourceType":"Patient""#,
        r#"{"resourceType":"Patient",}"#,
        r#"{"resourceType":"Patient"}x"#,
        r#"{"resourceType":"Patient"}{}"#,
        r#"{"resourceType":"Patient" "id":"1"}"#,
        r#"{'resourceType':'Patient'}"#,
        r#"{"resourceType":"Patient","active":tru}"#,
        r#"{"resourceType":"Patient","x":01}"#,
        r#"{"resourceType":"Patient","x":+1}"#,
        r#"{"resourceType":"Patient","x":1.}"#,
        r#"{"resourceType":"Patient","x":[1,]}"#,
        r#"{"resourceType":"Patient","x":[,1]}"#,
        r#"{"resourceType":"Patient","x":[1 2]}"#,
        r#"{"resourceType":"Patient","x":"\x"}"#,
        r#"{"resourceType":"Patient","id":"\ud800"}"#,
        r#"{"resourceType":"Patient","id":"\udc00\ud800"}"#,
        r#"{"resourceType":"Patient","id":"\u12"}"#,
        "{\"resourceType\":\"Patient\",\"id\":\"\n\"}",
        r#"{"resourceType":"Patient","id":"x}"#,
        "{\"resourceType\":\"Patient\"}\0",
        r#"{"resourceType":"Patient","x":NaN}"#,
    ] {
        assert!(Resource::from_slice(json.as_bytes()).is_err(), "{json}");
    }
    let error = Resource::from_slice(b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}").unwrap_err();
    assert_eq!((error.fault(), error.offset()), (&Fault::Encoding, 32));
}

#[test]
fn a_check_finds_what_r4_forbids() {
    let json = r#"{"resourceType":"Observation","effectiveDateTime":"yesterday",
        "component":[{"valueTime":"9:00"}],"valuePeriod":{"start":"2020-02-30"}}"#;
    let issues = Resource::from_slice(json.as_bytes()).unwrap().check();
    let found: Vec<_> = issues.iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        [
            "Observation.status: this element is required",
            "Observation.code: this element is required",
            "Observation.effectiveDateTime: not a dateTime: a date, or YYYY-MM-DDThh:mm:ss with an offset, is",
            "Observation.valuePeriod.start: not a dateTime: a date, or YYYY-MM-DDThh:mm:ss with an offset, is",
            "Observation.component[0].code: this element is required",
            "Observation.component[0].valueTime: not a time: hh:mm:ss is",
        ]
    );
    // An extension in the place of a required primitive is enough.
    let json = br#"{"resourceType":"Observation","_status":{"id":"s"},"code":{"text":"x"}}"#;
    assert_eq!(Resource::from_slice(json).unwrap().check(), []);
}
