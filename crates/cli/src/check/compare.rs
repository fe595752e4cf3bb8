//! What differs: two Bundles by path, two messages by place, and what a tolerance lets pass.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use hl7v2::Message;
use serde_json::Value;

use crate::exit::Failure;
use crate::input;

/// One difference: where, what was expected, what was found.
pub(crate) struct Difference {
    pub(crate) place: String,
    pub(crate) wanted: Option<String>,
    pub(crate) found: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "      {}", self.place)?;
        if let Some(wanted) = &self.wanted {
            write!(f, "\n        - {wanted}")?;
        }
        if let Some(found) = &self.found {
            write!(f, "\n        + {found}")?;
        }
        Ok(())
    }
}

/// What may differ: `ignore` names FHIR paths (`Bundle.timestamp`, `Patient.identifier`, `*.id`) and places of a
/// message (`MSH-7`, `PID-3`); `same-day` lets times of one day count as equal.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Tolerance {
    ignore: Vec<String>,
    same_day: bool,
}

impl Tolerance {
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let text = String::from_utf8(input::read(file)?)
            .map_err(|_| Failure::Input.because(format!("{} is not UTF-8", file.display())))?;
        toml::from_str(&text).map_err(|e| Failure::Usage.because(format!("{}: {e}", file.display())))
    }

    /// True for a path or a place that is not looked at. Numbers in brackets name one of several; without them all
    /// are meant.
    fn ignores(&self, place: &str) -> bool {
        let bare = without_numbers(place);
        self.ignore.iter().any(|pattern| {
            let any = pattern.strip_prefix("*.");
            let below = |text: &str, start: &str| {
                text.strip_prefix(start)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '-']))
            };
            match any {
                Some(name) => bare.split('.').any(|part| part == name),
                None => below(place, pattern) || below(&bare, pattern),
            }
        })
    }

    fn equal(&self, one: &str, other: &str) -> bool {
        let day = |text: &str| {
            let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
            (digits.len() == 8).then_some(digits)
        };
        one == other || (self.same_day && day(one).is_some() && day(one) == day(other))
    }
}

fn without_numbers(place: &str) -> String {
    let mut out = String::with_capacity(place.len());
    let mut inside = false;
    for c in place.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

/// Compares two Bundles: their resources by type and order, member by member.
pub(crate) fn json(found: &[u8], wanted: &[u8], tolerance: &Tolerance) -> Result<Vec<Difference>, String> {
    let read = |bytes: &[u8], whose: &str| -> Result<Value, String> {
        serde_json::from_slice(bytes).map_err(|e| format!("{whose} is no JSON: {e}"))
    };
    let (found, wanted) = (read(found, "what was made")?, read(wanted, "the expectation")?);
    Ok(differences(
        leaves_of_json(&found),
        leaves_of_json(&wanted),
        tolerance,
    ))
}

/// Compares two messages, leaf by leaf.
pub(crate) fn er7(found: &[u8], wanted: &[u8], tolerance: &Tolerance) -> Result<Vec<Difference>, String> {
    let leaves = |bytes: &[u8], whose: &str| -> Result<BTreeMap<String, String>, String> {
        let message = Message::parse(bytes).map_err(|e| format!("{whose} is no message: {e}"))?;
        let leaf = |leaf: hl7v2::Leaf<'_>| {
            let text = if leaf.is_null() {
                "\"\"".into()
            } else {
                leaf.text()
            };
            (leaf.location.to_string(), text.into_owned())
        };
        Ok(message.leaves().map(leaf).collect())
    };
    Ok(differences(
        leaves(found, "what was made")?,
        leaves(wanted, "the expectation")?,
        tolerance,
    ))
}

/// Every leaf of a JSON document by path; a resource begins a path of its own, numbered among its type.
fn leaves_of_json(document: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut counts = BTreeMap::new();
    walk(document, String::new(), &mut counts, &mut leaves);
    leaves
}

fn walk(
    value: &Value,
    place: String,
    counts: &mut BTreeMap<String, usize>,
    leaves: &mut BTreeMap<String, String>,
) {
    match value {
        Value::Object(members) => {
            let place = match members.get("resourceType").and_then(Value::as_str) {
                Some(kind) => {
                    let count = counts.entry(kind.to_owned()).or_default();
                    *count += 1;
                    if *count == 1 {
                        kind.to_owned()
                    } else {
                        format!("{kind}[{count}]")
                    }
                }
                None => place,
            };
            for (name, member) in members {
                walk(member, format!("{place}.{name}"), counts, leaves);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{place}[{index}]"), counts, leaves);
            }
        }
        Value::String(text) => {
            leaves.insert(place, text.clone());
        }
        other => {
            leaves.insert(place, other.to_string());
        }
    }
}

fn differences(
    found: BTreeMap<String, String>,
    mut wanted: BTreeMap<String, String>,
    tolerance: &Tolerance,
) -> Vec<Difference> {
    let mut all = Vec::new();
    for (place, text) in found {
        let other = wanted.remove(&place);
        let same = other
            .as_deref()
            .is_some_and(|other| tolerance.equal(&text, other));
        if !same {
            all.push(Difference {
                place,
                wanted: other,
                found: Some(text),
            });
        }
    }
    all.extend(wanted.into_iter().map(|(place, text)| Difference {
        place,
        wanted: Some(text),
        found: None,
    }));
    all.retain(|one| !tolerance.ignores(&one.place));
    all.sort_by(|one, other| one.place.cmp(&other.place));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_path_and_both_sides() {
        let wanted =
            br#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","gender":"male"}}]}"#;
        let found = br#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","gender":"female","active":true}}]}"#;
        let all = json(found, wanted, &Tolerance::default()).unwrap();
        let shown: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "      Patient.active\n        + true",
                "      Patient.gender\n        - male\n        + female"
            ]
        );
    }

    #[test]
    fn a_tolerance_lets_paths_places_and_days_pass() {
        let tolerance: Tolerance =
            toml::from_str("ignore = ['*.id', 'PID-3', 'Patient.meta']\nsame-day = true\n").unwrap();
        for place in [
            "Patient.id",
            "Observation[2].id",
            "PID-3[2].1",
            "PID-3",
            "Patient.meta.lastUpdated",
        ] {
            assert!(tolerance.ignores(place), "{place}");
        }
        for place in ["PID-31", "Patient.metas", "Patient.identifier[0].value"] {
            assert!(!tolerance.ignores(place), "{place}");
        }
        assert!(tolerance.equal("2026-03-02T09:15:00+00:00", "202603021000"));
        assert!(!tolerance.equal("2026-03-02", "2026-03-03"));
        assert!(toml::from_str::<Tolerance>("ignored = []").is_err());
    }

    #[test]
    fn messages_differ_by_place() {
        let wanted = b"MSH|^~\\&|A||||2026||ADT^A28|1|P|2.5\rPID|||1~2||Doe\r";
        let found = b"MSH|^~\\&|A||||2026||ADT^A28|1|P|2.5\rPID|||1~3||Doe\r";
        let all = er7(found, wanted, &Tolerance::default()).unwrap();
        assert_eq!(all.len(), 1);
        assert!(all[0].place.starts_with("PID-3[2]"), "{}", all[0].place);
        assert!(er7(b"no message", wanted, &Tolerance::default()).is_err());
    }
}
