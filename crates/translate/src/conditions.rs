//! The guide's conditions that are written as a sentence only: each a named one, with its British default.
//!
//! Some are choices, and those a site can make are settings of the same name ([`crate::Override`]). Others can be
//! told from the message, and some have one answer here; the table says which. Which of the guide's 171 rows hang
//! on which condition lies in `crates/translate/coverage/conditions.csv`.

use std::fmt;

const ROWS: &str = include_str!("../coverage/conditions.csv");

/// Who decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// The site, by the setting of the same name.
    BySetting,
    /// The message itself: the text says how it is told.
    ByMessage,
    /// Always the same here.
    Always,
}

impl Decided {
    /// The words of the table.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BySetting => "setting",
            Self::ByMessage => "by the message",
            Self::Always => "always",
        }
    }
}

/// One condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Condition {
    /// Its name, and its setting's.
    pub name: &'static str,
    /// Who decides.
    pub decided: Decided,
    /// The British default, or what always holds.
    pub default: &'static str,
    /// What else a site may choose; empty when nothing.
    pub or: &'static str,
    /// What it is about.
    pub about: &'static str,
}

const fn setting(
    name: &'static str,
    default: &'static str,
    or: &'static str,
    about: &'static str,
) -> Condition {
    Condition {
        name,
        decided: Decided::BySetting,
        default,
        or,
        about,
    }
}

const fn told(name: &'static str, default: &'static str, about: &'static str) -> Condition {
    Condition {
        name,
        decided: Decided::ByMessage,
        default,
        or: "",
        about,
    }
}

const fn always(name: &'static str, default: &'static str, about: &'static str) -> Condition {
    Condition {
        name,
        decided: Decided::Always,
        default,
        or: "",
        about,
    }
}

/// Every condition, in alphabetical order.
static CONDITIONS: &[Condition] = &[
    told(
        "accession-number",
        "its own number",
        "a placer number is an accession number where its type says ACSN",
    ),
    setting(
        "allergy-severity",
        "reaction",
        "criticality",
        "whether AL1-4 and IAM-4 say how bad a reaction was, or how bad the next may be",
    ),
    told(
        "appointment-of-several",
        "the first AIS, AIG or AIL",
        "which resource segment times the appointment when there are several",
    ),
    told(
        "authority-is-organization",
        "an organisation, unless it is a register or an OID",
        "whether an assigning authority is the assigner or the number's system",
    ),
    setting(
        "carry-original",
        "true",
        "false",
        "whether the message travels in its Bundle, for those who keep no messages themselves",
    ),
    told(
        "device-barcode",
        "an identifier",
        "PRT-10 numbers a device; PRT-16 is the carrier of its unique device identification",
    ),
    told(
        "diagnosis-context",
        "the visit where there is one, else the patient",
        "DG1 of a visit is its diagnosis; an episode of care is never told by it",
    ),
    always(
        "display-of-mapped-code",
        "the code system's own",
        "a code that was mapped has the display of its system; the sender's words are text",
    ),
    always(
        "distribution-updated",
        "one Provenance",
        "a later distribution of a document is another message",
    ),
    told(
        "duration-in-minutes",
        "minutes where SCH-10 says so",
        "a duration in other units is kept",
    ),
    always(
        "duration-in-words",
        "kept",
        "TQ.3 before v2.5 is words that a pharmacist reads, and stays them",
    ),
    always(
        "ethnic-category",
        "UK Core's",
        "PID-22 is the ethnic category of the NHS; PID-10 is kept, since no British sender means race by it",
    ),
    always(
        "fasting-status",
        "kept with the specimen",
        "OBR-13 is clinical information in words",
    ),
    told(
        "group-number-type",
        "EI",
        "ORC-4 is one identifier, or a pair where its parts have parts",
    ),
    always(
        "identifier-of-kind",
        "of the instance",
        "a number in CWE identifies the device, never its make",
    ),
    always(
        "names-allowed",
        "several",
        "every name of a person has its place in a list",
    ),
    told(
        "national-number",
        "an NHS number where ten digits check, else SS",
        "PID-19 and NK1-37 outside the United States",
    ),
    always(
        "next-of-kin",
        "RelatedPerson",
        "NK1 is a RelatedPerson and never a contact of the Patient as well",
    ),
    told(
        "number-of-times",
        "above zero",
        "a negative or zero count is noted, and stays out",
    ),
    told(
        "observation-sub-id",
        "kept",
        "OBX-4 ties observations together in ways that only the sender knows",
    ),
    told(
        "order-number-once",
        "once",
        "the same placer or filler number in ORC and OBR is one identifier",
    ),
    always("parent-universal-id", "kept", "OBR-50 has no element"),
    always(
        "participation-deleted",
        "as told",
        "a Bundle tells what is: the action of PRT-2 travels with the segment",
    ),
    always(
        "procedure-status",
        "unknown",
        "no message says how far a procedure is",
    ),
    told(
        "request-of-appointment",
        "when the message orders something",
        "an appointment alone orders nothing",
    ),
    told(
        "resource-is-location",
        "by AIG-4",
        "a resource is a place where its type says so",
    ),
    always(
        "restful-progress",
        "no operation",
        "a message Bundle is no request of a REST client",
    ),
    told(
        "role-of-rol",
        "a practitioner",
        "ROL-4 is a Practitioner; PP before a visit is the general practitioner",
    ),
    told(
        "sender-known",
        "when MSH-4 is valued",
        "the author of the Provenance is the sending organisation",
    ),
    setting(
        "software-role",
        "source",
        "derivation",
        "whether SFT names the system that the message comes from, or one that passed it on",
    ),
    told(
        "structured-number",
        "words",
        "an SN that is no quantity, range or ratio is text as it was sent",
    ),
    told(
        "time-of-day",
        "as precise as it came",
        "a date without a time of day gets none",
    ),
    always(
        "vaccination-order",
        "no request",
        "what was given is recorded; that somebody asked for it is its performer OP",
    ),
    setting(
        "vaccination-visit",
        "true",
        "false",
        "whether a vaccination refers to the visit it was given in",
    ),
    always(
        "vip-of-person",
        "of the visit",
        "PV1-16 is a courtesy of the visit",
    ),
];

/// Every condition, in alphabetical order.
#[must_use]
pub fn conditions() -> &'static [Condition] {
    CONDITIONS
}

impl Condition {
    /// The guide's rows that hang on it: map and row.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        let mut rows: Vec<String> = all_rows()
            .filter(|(_, name)| *name == self.name)
            .map(|(row, _)| row)
            .collect();
        rows.dedup();
        rows
    }
}

/// Each of the guide's rows with the name of its condition.
fn all_rows() -> impl Iterator<Item = (String, &'static str)> {
    ROWS.lines().skip(1).filter_map(|line| {
        let cells: Vec<&'static str> = line.split(',').collect();
        match cells.as_slice() {
            [_, map, id, name] => Some((format!("{map} {id}"), *name)),
            _ => None,
        }
    })
}

/// The table as Markdown, for `docs/translation.md` and `eprgw explain conditions`.
#[must_use]
pub fn conditions_table() -> String {
    let mut out = String::from(
        "| name | decided | default | or | about | rows |\n| --- | --- | --- | --- | --- | ---: |\n",
    );
    for one in CONDITIONS {
        let count = all_rows().filter(|(_, name)| *name == one.name).count();
        out.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {count} |\n",
            one.name,
            one.decided.words(),
            one.default,
            one.or,
            one.about,
        ));
    }
    out
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.about)?;
        write!(f, "  {}: {}", self.decided.words(), self.default)?;
        if !self.or.is_empty() {
            write!(f, ", or {}", self.or)?;
        }
        writeln!(f)?;
        for row in self.rows() {
            writeln!(f, "  {row}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_the_guides_171_rows_hangs_on_a_condition_of_the_table() {
        assert_eq!(all_rows().count(), 171);
        for (row, name) in all_rows() {
            assert!(CONDITIONS.iter().any(|one| one.name == name), "{row}: {name}");
        }
        for one in CONDITIONS {
            assert!(!one.rows().is_empty(), "{} has no row", one.name);
        }
    }

    #[test]
    fn names_are_sorted_and_settings_are_overrides() {
        assert!(CONDITIONS.is_sorted_by(|one, other| one.name < other.name));
        for one in CONDITIONS.iter().filter(|one| one.decided == Decided::BySetting) {
            let both = [one.default, one.or].map(|value| {
                let value = match value {
                    "true" | "false" => value.to_owned(),
                    word => format!("\"{word}\""),
                };
                let json = format!("{{\"{}\": {value}}}", one.name);
                serde_json::from_str::<crate::Override>(&json)
            });
            assert!(both.iter().all(Result::is_ok), "{}", one.name);
        }
    }
}
