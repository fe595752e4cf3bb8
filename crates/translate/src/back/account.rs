//! The account of a Bundle that others made: what of it the message says.
//!
//! Each value is taken out once and the message written again: what changes nothing is said nowhere. So the rows
//! that write are asked themselves, and no second description can drift from them. Values are compared, never kept.

use std::collections::{HashMap, HashSet};

use fhir::Bundle;
use hl7v2::Message;
use serde::Serialize;

use super::tree::Tree;
use crate::explain;
use crate::ledger::{Outcome, Totals};

/// One value of a Bundle and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BundleLine {
    /// Where it stands: `Observation[2].code.text`, the third Observation.
    pub path: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, or what to know; empty when nothing.
    pub note: &'static str,
}

/// What became of every value of a Bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BundleAccount {
    /// One line for every value, in the order of the Bundle.
    pub lines: Vec<BundleLine>,
}

impl BundleAccount {
    /// How many values had which outcome; their sum is the number of lines.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for line in &self.lines {
            totals.add(line.outcome);
        }
        totals
    }
}

const TYPE: &str = "says which segment: the type of a resource";
const KEPT_BY_SERVERS: &str = "how a server names, keeps or sends a resource";
const NARRATIVE: &str = "the narrative says again what the elements say";
const NAME: &str = "the name of an extension, whose value has a line of its own";
const ELSEWHERE: &str = "another element says the same";
const NO_SEGMENT: &str = "HL7 v2 has no segment for this resource";
const NO_FIELD: &str = "no field of its segments holds it";
const ALONE: &str = "nothing that became a segment leads to it";
const WITH_CODE: &str = "the code or value beside it says the same";
const IMPLIED: &str = "segments that stand together need no link";

/// Types that have no map of their own: others refer to them.
const NAMED_BY_OTHERS: &[&str] = &[
    "Device",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Schedule",
    "Slot",
];

/// Accounts for a Bundle; `write` makes the message of one, or nothing.
pub(crate) fn account(bundle: &Bundle, write: impl Fn(&Bundle) -> Option<Vec<u8>>) -> BundleAccount {
    let json = String::from_utf8(fhir::to_vec(bundle)).unwrap_or_default();
    let Ok(tree) = Tree::parse(&json) else {
        return BundleAccount::default();
    };
    let write = |bundle: &Bundle| write(bundle).map(without_control_id).unwrap_or_default();
    let said = said(&write(bundle));
    let whole = write(bundle);
    let known: HashSet<&str> = explain::rows().iter().map(|row| row.resource).collect();
    let paths = Paths::new(&tree);
    let mut lines = Vec::new();
    let mut spoken = HashSet::new();
    for way in tree.leaves() {
        let place = paths.of(&tree, &way);
        let (outcome, note) = if let Some(reason) = place.by_rule() {
            (Outcome::IgnoredByRule, reason)
        } else {
            let rest = fhir::from_slice::<Bundle>(tree.to_json(Some(&way)).as_bytes());
            let changed = rest.is_ok_and(|rest| write(&rest) != whole);
            let literal = place.leaf.text().unwrap_or_else(|| place.json());
            match (changed, said.contains(&literal)) {
                (true, true) => (Outcome::Mapped, ""),
                (true, false) => (Outcome::Transformed, ""),
                (false, true) if literal.len() > 1 => (Outcome::Mapped, ELSEWHERE),
                _ => (Outcome::Lost, NO_FIELD),
            }
        };
        if matches!(outcome, Outcome::Mapped | Outcome::Transformed) {
            spoken.insert(place.resource.clone());
        }
        let line = BundleLine {
            path: place.path,
            outcome,
            note,
        };
        lines.push((place.resource, place.kind, line));
    }
    let settle = |(resource, kind, mut line): (String, String, BundleLine)| {
        if line.note == NO_FIELD && !spoken.contains(&resource) {
            let type_known = known.contains(kind.as_str()) || NAMED_BY_OTHERS.contains(&kind.as_str());
            line.note = if type_known { ALONE } else { NO_SEGMENT };
        }
        line
    };
    let mut account = BundleAccount {
        lines: lines.into_iter().map(settle).collect(),
    };
    imply(&mut account);
    account
}

/// The message without MSH-10, which may be made of everything that the Bundle holds.
fn without_control_id(message: Vec<u8>) -> Vec<u8> {
    let end = message
        .iter()
        .position(|byte| *byte == b'\r')
        .unwrap_or(message.len());
    let (header, rest) = message.split_at(end);
    let bar = header.get(3).copied().unwrap_or(b'|');
    let mut fields: Vec<&[u8]> = header.split(|byte| *byte == bar).collect();
    if let Some(id) = fields.get_mut(9) {
        *id = &[];
    }
    let mut kept = fields.join(&bar);
    kept.extend_from_slice(rest);
    kept
}

/// What a value beside it says, and a link that the order of the segments says, is no loss.
fn imply(account: &mut BundleAccount) {
    let said: HashSet<String> = account
        .lines
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Mapped | Outcome::Transformed))
        .map(|line| line.path.clone())
        .collect();
    for line in account.lines.iter_mut().filter(|line| line.note == NO_FIELD) {
        let Some((parent, name)) = line.path.rsplit_once('.') else {
            continue;
        };
        let beside = |names: &[&str]| {
            names
                .iter()
                .any(|name| said.contains(&format!("{parent}.{name}")))
        };
        let reason = match name {
            "display" | "system" | "unit" if beside(&["code", "value"]) => WITH_CODE,
            "reference" => {
                let link = parent.rsplit('.').next().unwrap_or_default();
                match link.split('[').next() {
                    Some("subject" | "patient" | "beneficiary" | "encounter" | "specimen") => IMPLIED,
                    _ => continue,
                }
            }
            _ => continue,
        };
        line.outcome = Outcome::IgnoredByRule;
        line.note = reason;
    }
}

/// Every text that stands somewhere in the message.
fn said(message: &[u8]) -> HashSet<String> {
    let Ok(parsed) = Message::parse(message) else {
        return HashSet::new();
    };
    let leaves = parsed.leaves();
    leaves
        .map(|leaf| parsed.value(&leaf.location).text().into_owned())
        .collect()
}

/// Which of several resources of a type an entry holds.
struct Paths(HashMap<usize, usize>);

/// A leaf and where it stands.
struct Place<'t> {
    leaf: &'t Tree,
    /// The resource's type; `Bundle` outside of one.
    kind: String,
    /// The resource with its number: `Observation[2]`.
    resource: String,
    path: String,
    /// The names of the members on the way, within the resource.
    steps: Vec<&'t str>,
}

impl Paths {
    fn new(bundle: &Tree) -> Self {
        let mut seen: HashMap<String, usize> = HashMap::new();
        let entries = bundle.member("entry").map_or(&[][..], Tree::items);
        let number = |(position, entry): (usize, &Tree)| {
            let kind = entry.member("resource")?.text_of("resourceType")?;
            let count = seen.entry(kind).or_default();
            *count += 1;
            Some((position, *count - 1))
        };
        Self(entries.iter().enumerate().filter_map(number).collect())
    }

    fn of<'t>(&self, bundle: &'t Tree, way: &[usize]) -> Place<'t> {
        let mut place = Place {
            leaf: bundle,
            kind: "Bundle".to_owned(),
            resource: "Bundle".to_owned(),
            path: "Bundle".to_owned(),
            steps: Vec::new(),
        };
        let mut entry = None;
        for position in way {
            match place.leaf {
                Tree::Object(members) => {
                    let Some((name, one)) = members.get(*position) else {
                        break;
                    };
                    place.leaf = one;
                    place.path.push('.');
                    place.path.push_str(name);
                    place.steps.push(name);
                    if place.steps == ["entry", "resource"] {
                        place.enter(entry.and_then(|entry| self.0.get(&entry)).copied());
                    }
                }
                Tree::List(items) => {
                    let Some(one) = items.get(*position) else { break };
                    place.leaf = one;
                    if place.steps == ["entry"] && entry.is_none() {
                        entry = Some(*position);
                    }
                    if items.len() > 1 {
                        place.path.push_str(&format!("[{position}]"));
                    }
                }
                Tree::Leaf(_) => break,
            }
        }
        place
    }
}

impl Place<'_> {
    /// From here on the path is one within a resource.
    fn enter(&mut self, number: Option<usize>) {
        self.kind = self.leaf.text_of("resourceType").unwrap_or_default();
        self.resource = match number {
            Some(number @ 1..) => format!("{}[{number}]", self.kind),
            _ => self.kind.clone(),
        };
        self.path.clone_from(&self.resource);
        self.steps.clear();
    }

    fn json(&self) -> String {
        self.leaf.to_json(None)
    }

    /// Why a value is nobody's loss, whatever the rows do with it.
    fn by_rule(&self) -> Option<&'static str> {
        Some(match (self.kind.as_str(), self.steps.as_slice()) {
            (_, [.., "resourceType"]) => TYPE,
            ("Bundle", ["timestamp" | "identifier", ..]) => return None,
            ("Bundle", _) => KEPT_BY_SERVERS,
            (_, ["id" | "meta" | "implicitRules" | "language", ..]) => KEPT_BY_SERVERS,
            (_, ["text", ..]) => NARRATIVE,
            (_, [.., "extension" | "modifierExtension", "url"]) => NAME,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::STANDARD;
    use crate::ledger::Outcome;
    use crate::testing::{PID, message, read, translator};

    #[test]
    fn every_value_of_a_foreign_bundle_has_its_line() {
        let json = r#"{"resourceType":"Bundle","type":"collection","entry":[
            {"resource":{"resourceType":"Patient","id":"1","active":true,"birthDate":"1970-02-28","gender":"female","name":[{"family":"Example"}],
              "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">Ada</div>"}}},
            {"resource":{"resourceType":"Consent","status":"active","patient":{"reference":"Patient/1"}}}]}"#;
        let bundle: fhir::Bundle = fhir::from_slice(json.as_bytes()).expect("a Bundle");
        let account = translator().account(&bundle, &STANDARD).expect("others made it");
        let outcome = |path: &str| {
            let line = account.lines.iter().find(|line| line.path == path);
            line.map(|line| (line.outcome, line.note))
        };
        assert_eq!(outcome("Patient.name.family"), Some((Outcome::Mapped, "")));
        assert_eq!(outcome("Patient.gender"), Some((Outcome::Transformed, "")));
        assert_eq!(outcome("Patient.active"), Some((Outcome::Lost, super::NO_FIELD)));
        assert_eq!(
            outcome("Consent.status"),
            Some((Outcome::Lost, super::NO_SEGMENT))
        );
        let narrative = outcome("Patient.text.div").map(|(outcome, _)| outcome);
        assert_eq!(narrative, Some(Outcome::IgnoredByRule));
        assert_eq!(account.totals().sum(), account.lines.len());
        assert!(account.lines.iter().all(|line| !line.path.contains("Example")));
    }

    #[test]
    fn a_bundle_of_ours_was_accounted_for_when_it_was_made() {
        let (bundle, _) = read(&message("A01", &[PID]));
        assert!(translator().account(&bundle, &STANDARD).is_none());
    }
}
