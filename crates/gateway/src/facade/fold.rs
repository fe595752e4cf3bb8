//! Fold: what a façade knows about a resource after one more message.
//!
//! HL7 v2 messages are events, not states: a discharge does not repeat the admission. So what a message
//! says replaces what was known, member by member, and what it does not say stays: absent is no news.
//! Lists are snapshots, as HL7 sends them, and are replaced whole; a period and a hospitalisation are
//! folded one level deeper, since admission and discharge each bring one half of them.
//!
//! The exception is an event that takes something back: an encounter that is under way again (A13) has
//! no end and no discharge, whatever was known before.
//!
//! Works on the JSON as written, so that digits of decimals and unknown members stay.

use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Members folded one level deeper.
const DEEPER: &[&str] = &["period", "hospitalization"];

/// Encounter.status while someone is, or will be, there.
const UNDER_WAY: &[&str] = &[
    "\"planned\"",
    "\"arrived\"",
    "\"triaged\"",
    "\"in-progress\"",
    "\"onleave\"",
];

/// A JSON object as written, its members in order.
#[derive(Clone, Default)]
pub(crate) struct Members(pub(crate) Vec<(String, Box<RawValue>)>);

impl Members {
    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_ref())
    }

    pub(crate) fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    fn fold(&mut self, news: Self, deeper: &[&str]) -> serde_json::Result<()> {
        for (name, value) in news.0 {
            match self.get(&name) {
                Some(known) if deeper.contains(&name.as_str()) => {
                    let mut inner: Self = serde_json::from_str(known.get())?;
                    inner.fold(serde_json::from_str(value.get())?, &[])?;
                    self.set(&name, serde_json::value::to_raw_value(&inner)?);
                }
                _ => self.set(&name, value),
            }
        }
        Ok(())
    }
}

/// What is known after `news`, given what was known before.
///
/// # Errors
/// When either is no JSON object.
pub(crate) fn fold(known: Option<&[u8]>, news: &[u8]) -> serde_json::Result<Members> {
    let news: Members = serde_json::from_slice(news)?;
    let Some(known) = known else { return Ok(news) };
    let mut known: Members = serde_json::from_slice(known)?;
    let is_encounter = news
        .get("resourceType")
        .is_some_and(|kind| kind.get() == "\"Encounter\"");
    let under_way = news
        .get("status")
        .is_some_and(|status| UNDER_WAY.contains(&status.get()));
    if is_encounter && under_way {
        take_back(&mut known, "period", &["end"])?;
        take_back(
            &mut known,
            "hospitalization",
            &["dischargeDisposition", "destination"],
        )?;
    }
    known.fold(news, DEEPER)?;
    Ok(known)
}

fn take_back(known: &mut Members, name: &str, members: &[&str]) -> serde_json::Result<()> {
    let Some(value) = known.get(name) else {
        return Ok(());
    };
    let mut inner: Members = serde_json::from_str(value.get())?;
    for member in members {
        inner.remove(member);
    }
    if inner.0.is_empty() {
        known.remove(name);
    } else {
        known.set(name, serde_json::value::to_raw_value(&inner)?);
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                let mut seen = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if seen.insert(name.clone()) {
                        members.push((name, value));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(messages: &[&str]) -> String {
        let mut known: Option<Vec<u8>> = None;
        for message in messages {
            let members = fold(known.as_deref(), message.as_bytes()).unwrap();
            known = Some(serde_json::to_vec(&members).unwrap());
        }
        String::from_utf8(known.unwrap()).unwrap()
    }

    const ADMITTED: &str = r#"{"resourceType":"Encounter","id":"e","status":"in-progress","period":{"start":"2026-03-02"},"hospitalization":{"admitSource":{"text":"home"}},"location":[{"location":{"display":"7A"}}]}"#;
    const DISCHARGED: &str = r#"{"resourceType":"Encounter","id":"e","status":"finished","period":{"end":"2026-03-06"},"hospitalization":{"dischargeDisposition":{"text":"home"}}}"#;

    #[test]
    fn a_discharge_does_not_take_the_admission_away() {
        assert_eq!(
            folded(&[ADMITTED, DISCHARGED]),
            r#"{"resourceType":"Encounter","id":"e","status":"finished","period":{"start":"2026-03-02","end":"2026-03-06"},"hospitalization":{"admitSource":{"text":"home"},"dischargeDisposition":{"text":"home"}},"location":[{"location":{"display":"7A"}}]}"#
        );
    }

    #[test]
    fn a_cancelled_discharge_takes_the_discharge_away() {
        let back = r#"{"resourceType":"Encounter","id":"e","status":"in-progress"}"#;
        let known = folded(&[ADMITTED, DISCHARGED, back]);
        assert!(known.contains(r#""period":{"start":"2026-03-02"}"#), "{known}");
        assert!(
            known.contains(r#""hospitalization":{"admitSource":{"text":"home"}}"#),
            "{known}"
        );
    }

    #[test]
    fn lists_are_snapshots_and_digits_stay() {
        let known = folded(&[
            r#"{"resourceType":"Patient","name":[{"family":"A"},{"family":"B"}],"x":1.10}"#,
            r#"{"resourceType":"Patient","name":[{"family":"C"}]}"#,
        ]);
        assert_eq!(
            known,
            r#"{"resourceType":"Patient","name":[{"family":"C"}],"x":1.10}"#
        );
    }
}
