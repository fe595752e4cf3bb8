//! Any JSON: what serde_json takes we take, and nothing is lost on the way through.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use fhir::Resource;
use proptest::prelude::*;
use serde_json::Value;

/// A number as text, so that digits can be compared.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,12})",
        "-?(0|[1-9][0-9]{0,5})\\.[0-9]{1,6}",
        "-?[1-9][eE][+-]?[0-9]{1,2}"
    ]
}

fn quoted() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| Value::from(text).to_string())
}

/// JSON text, with white space here and there.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".into()),
        Just("false".into()),
        number(),
        quoted()
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6)
                .prop_map(|items| format!("[ {}]", items.join(" ,\n"))),
            proptest::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..6).prop_map(|members| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\" :{value}"))
                    .collect();
                format!("{{{}}}", members.join(", "))
            }),
        ]
    })
}

/// Names of elements, so that typed members are met.
fn member() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        Just("id"),
        Just("active"),
        Just("name"),
        Just("gender"),
        Just("_gender"),
        Just("birthDate"),
        Just("contact"),
        Just("extension"),
        Just("maritalStatus"),
        Just("multipleBirthInteger"),
        Just("unheardOf"),
        Just("meta"),
    ];
    (name.prop_map(str::to_owned), json())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Unknown members come back byte for byte.
    #[test]
    fn unknown_members_are_kept(value in json()) {
        let json = format!(r#"{{"resourceType":"Patient","gender":"female","unheardOf":{value}}}"#);
        let resource = Resource::from_slice(json.as_bytes()).unwrap();
        prop_assert_eq!(String::from_utf8(resource.to_vec()).unwrap(), json);
    }

    /// Bytes of any kind are refused or read, and what is read is written so that it reads the same.
    #[test]
    fn reading_is_total(members in proptest::collection::vec(member(), 0..5)) {
        let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let json = format!(r#"{{"resourceType":"Patient"{}{}}}"#, if members.is_empty() { "" } else { "," }, members.join(","));
        if let Ok(resource) = Resource::from_slice(json.as_bytes()) {
            let written = resource.to_vec();
            prop_assert_eq!(Resource::from_slice(&written).unwrap().to_vec(), written);
        }
    }

    /// A text with a byte changed: never a panic, and JSON exactly when serde_json says so.
    #[test]
    fn json_is_what_serde_json_takes(value in json(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut json = format!(r#"{{"resourceType":"Linkage","x":{value}}}"#).into_bytes();
        // Not in resourceType itself, whose value has rules of its own.
        let at = 26 + place.index(json.len() - 26);
        json[at] = byte;
        let ours = Resource::from_slice(&json);
        match serde_json::from_slice::<Value>(&json) {
            Ok(_) => prop_assert!(ours.is_ok(), "{:?}", ours),
            Err(error) if error.to_string().contains("out of range") => {}
            Err(_) => prop_assert!(ours.is_err()),
        }
    }

    /// Any string in a typed member comes back.
    #[test]
    fn strings_come_back(text in any::<String>()) {
        let patient = fhir::Patient { id: Some(text.as_str().into()), ..Default::default() };
        let json = fhir::to_vec(&patient);
        let value: Value = serde_json::from_slice(&json).unwrap();
        prop_assert_eq!(value["id"].as_str(), Some(text.as_str()));
        prop_assert_eq!(fhir::from_slice::<fhir::Patient>(&json).unwrap().id.unwrap(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// The two ways to write give the same bytes: ours, and serde's through serde_json.
    #[test]
    fn both_ways_to_write_agree(members in proptest::collection::vec(member(), 0..5), text in any::<String>()) {
        let members: Vec<_> = members.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let text = Value::from(text);
        let json = format!(
            r#"{{"resourceType":"Bundle","total":3,"entry":[{{"fullUrl":{text},"resource":{{"resourceType":"Patient","name":[{{"given":[null,{text}],"_given":[{{"id":"a"}},null]}}]{}{}}}}},
            {{"resource":{{"resourceType":"Observation","valueQuantity":{{"value":1.10,"unit":{text}}}}}}},{{"resource":{{"resourceType":"Linkage","x":[1.0]}}}}]}}"#,
            if members.is_empty() { "" } else { "," },
            members.join(",")
        );
        if let Ok(resource) = Resource::from_slice(json.as_bytes()) {
            let ours = String::from_utf8(resource.to_vec()).unwrap();
            prop_assert_eq!(ours, serde_json::to_string(&resource).unwrap());
        }
    }
}
