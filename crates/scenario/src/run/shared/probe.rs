//! Read paths into questions: for everything a system says it serves, what to ask so that a hidden record would answer.
//!
//! The list of paths is the system's own, from its CapabilityStatement: a path for which nothing is asked here is told,
//! and the proof fails until somebody says how to ask it.

use serde_json::Value as Json;

use crate::read::{encoded, list, text};

/// By which wall something is kept: the names leaks go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wall {
    Read,
    Search,
    History,
    Include,
    Paging,
    Counts,
    Bulk,
    Error,
}

impl Wall {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Search => "search",
            Self::History => "history",
            Self::Include => "include",
            Self::Paging => "paging",
            Self::Counts => "counts",
            Self::Bulk => "bulk",
            Self::Error => "error",
        }
    }
}

/// One question about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Probe {
    /// The path it asks, as reports name it.
    pub(super) path: String,
    pub(super) wall: Wall,
    /// Relative to the base.
    pub(super) ask: String,
}

/// What a path leads to: the type, what of it, and a record of that type that its owner sees.
pub(super) struct Target<'t> {
    pub(super) resource_type: &'t str,
    pub(super) patient: &'t str,
    /// Nothing when nobody has one.
    pub(super) held: Option<&'t Json>,
    /// The visit it belongs to.
    pub(super) visit: &'t str,
}

/// Interactions that change something, or say nothing about a record.
const NO_READS: &[&str] = &["create", "update", "patch", "delete"];
/// A day before everything.
const SINCE: &str = "ge2001-01-01";
const SINCE_TIME: &str = "ge2001-01-01T00:00:00Z";

/// The questions of one path: `read`, `?code`, `?_include=X`, `$export`. None when nobody knows how to ask it.
pub(super) fn probes(target: &Target<'_>, path: &str) -> Option<Vec<Probe>> {
    let kind = target.resource_type;
    let id = target.held.map_or("0", |held| text(&held["id"]));
    let one = |wall, ask: String| {
        Some(vec![Probe {
            path: format!("{kind} {path}"),
            wall,
            ask,
        }])
    };
    if let Some(parameter) = path.strip_prefix('?') {
        if let Some(include) = parameter.split_once('=') {
            let (name, value) = include;
            return one(
                Wall::Include,
                about(target, &format!("{name}={}", encoded(value))),
            );
        }
        return searches(target, parameter, path);
    }
    match path {
        _ if NO_READS.contains(&path) => Some(Vec::new()),
        "read" => one(Wall::Read, format!("{kind}/{id}")),
        "vread" => one(Wall::History, format!("{kind}/{id}/_history/1")),
        "history-instance" => one(Wall::History, format!("{kind}/{id}/_history")),
        "history-type" => one(Wall::History, format!("{kind}/_history")),
        "search-type" => one(Wall::Search, about(target, "")),
        _ => None,
    }
}

/// A search for everything of that type about the patient.
pub(super) fn about(target: &Target<'_>, further: &str) -> String {
    let kind = target.resource_type;
    let whom = match kind {
        "Patient" => format!("_id={}", target.patient),
        _ => format!("patient={}", target.patient),
    };
    // Bookings are asked for with a day.
    let day = match kind {
        "Appointment" if !further.starts_with("date=") && !further.starts_with("-date") => {
            format!("&date={SINCE}")
        }
        _ => String::new(),
    };
    let further = if further.is_empty() {
        String::new()
    } else {
        format!("&{further}")
    };
    format!("{kind}?{whom}{day}{further}")
}

fn searches(target: &Target<'_>, parameter: &str, path: &str) -> Option<Vec<Probe>> {
    let values = values(target, parameter)?;
    // Some types are found by this alone, some only beside the patient: both are asked.
    let alone = matches!(
        parameter,
        "_id" | "identifier" | "patient" | "subject" | "encounter"
    ) || target.resource_type == "Patient" && parameter != "gender";
    let beside = !alone || parameter == "encounter";
    let day = match target.resource_type {
        "Appointment" => format!("&date={SINCE}"),
        _ => String::new(),
    };
    let mut probes = Vec::new();
    for value in values {
        let criterion = format!("{parameter}={}", encoded(&value));
        let asks = [
            alone.then(|| format!("{}?{criterion}{day}", target.resource_type)),
            beside.then(|| about(target, &criterion)),
        ];
        probes.extend(asks.into_iter().flatten().map(|ask| Probe {
            path: format!("{} {path}", target.resource_type),
            wall: Wall::Search,
            ask,
        }));
    }
    Some(probes)
}

/// Values of a parameter that fit the record its owner sees; none when nobody knows what the parameter means.
fn values(target: &Target<'_>, parameter: &str) -> Option<Vec<String>> {
    let nothing = Json::Null;
    let held = target.held.unwrap_or(&nothing);
    let at = |pointer: &str| {
        let found = held.pointer(pointer).map(text).unwrap_or_default();
        vec![if found.is_empty() {
            "none".to_owned()
        } else {
            found.to_owned()
        }]
    };
    let codes = |pointer: &str| {
        let codings = held.pointer(pointer).map(list).unwrap_or_default();
        let mut codes: Vec<String> = codings
            .iter()
            .map(|coding| format!("{}|{}", text(&coding["system"]), text(&coding["code"])))
            .map(|code| code.trim_start_matches('|').to_owned())
            .collect();
        if codes.is_empty() {
            codes.push("none".to_owned());
        }
        codes
    };
    let encounter = [
        "/encounter/reference",
        "/context/encounter/0/reference",
        "/context/reference",
    ];
    Some(match parameter {
        "_id" => vec![text(&held["id"]).to_owned()],
        "patient" | "subject" => vec![target.patient.to_owned()],
        "identifier" => at("/identifier/0/value"),
        "encounter" => {
            let found = encounter
                .iter()
                .find_map(|pointer| held.pointer(pointer).map(text))
                .filter(|found| !found.is_empty())
                .unwrap_or(target.visit);
            vec![found.rsplit('/').next().unwrap_or_default().to_owned()]
        }
        "name" | "family" => at("/name/0/family"),
        "given" => at("/name/0/given/0"),
        "birthdate" => at("/birthDate"),
        "gender" => at("/gender"),
        "phone" => at("/telecom/0/value"),
        "email" => vec!["nobody@example.org".to_owned()],
        "address-postalcode" => at("/address/0/postalCode"),
        "status" => at("/status"),
        "clinical-status" => codes("/clinicalStatus/coding"),
        "category" => codes("/category/0/coding"),
        "code" => codes("/code/coding"),
        "type" => codes("/type/coding"),
        "date" | "authored" | "period" | "-date-or-req-period" => vec![SINCE.to_owned()],
        "_lastUpdated" => vec![SINCE_TIME.to_owned()],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(held: &Json) -> Target<'_> {
        Target {
            resource_type: "Encounter",
            patient: "7",
            held: Some(held),
            visit: "5",
        }
    }

    #[test]
    fn a_path_that_nobody_can_ask_is_told() {
        let held = serde_json::json!({"id": "9", "status": "finished"});
        for unknown in ["?moon-phase", "$everything", "convey"] {
            assert_eq!(probes(&target(&held), unknown), None, "{unknown}");
        }
        let ask = |path: &str| probes(&target(&held), path).unwrap()[0].ask.clone();
        assert_eq!(ask("read"), "Encounter/9");
        assert_eq!(ask("?status"), "Encounter?patient=7&status=finished");
        assert_eq!(
            ask("?_include=Encounter:location"),
            "Encounter?patient=7&_include=Encounter%3Alocation"
        );
        assert!(
            probes(&target(&held), "create").unwrap().is_empty(),
            "writing shows nothing"
        );
    }
}
