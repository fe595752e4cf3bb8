//! What a kick-off asks for, read from its query and headers.

use jiff::Timestamp;
use rest::{Parameter, Request};

/// A kick-off as it was asked.
#[derive(Default)]
pub(crate) struct Asked {
    /// `_type`, in the order asked; none when all are meant.
    pub types: Option<Vec<String>>,
    /// `_typeFilter`.
    pub filters: Vec<(String, Vec<Parameter>)>,
    pub since_ms: Option<i64>,
}

/// What a kick-off gets wrong: the place, and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub &'static str, pub &'static str);

impl Asked {
    /// Reads a kick-off. With `Prefer: handling=lenient` what is not known is passed over.
    pub(crate) fn read(request: &Request) -> Result<Self, Fault> {
        let prefers = |what: &str| {
            request
                .headers
                .get_all("prefer")
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split([',', ';']))
                .any(|part| part.trim().eq_ignore_ascii_case(what))
        };
        if !prefers("respond-async") {
            return Err(Fault("Prefer", "respond-async is needed"));
        }
        let lenient = prefers("handling=lenient");
        let mut asked = Self::default();
        for (name, value) in request.interaction.parameters() {
            match name.as_str() {
                "_outputFormat" => {
                    let ndjson = ["application/fhir+ndjson", "application/ndjson", "ndjson"];
                    // A plus sign in a URL reads as a space.
                    if !ndjson.contains(&value.replace(' ', "+").as_str()) {
                        return Err(Fault("_outputFormat", "only application/fhir+ndjson"));
                    }
                }
                "_since" => {
                    let point: Timestamp = value
                        .replace(' ', "+")
                        .parse()
                        .map_err(|_| Fault("_since", "an instant with its zone"))?;
                    asked.since_ms = Some(point.as_millisecond());
                }
                "_type" => {
                    let types = asked.types.get_or_insert_default();
                    for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                        if !types.iter().any(|known| known == name) {
                            types.push(name.to_owned());
                        }
                    }
                }
                "_typeFilter" => {
                    let (kind, query) = value.split_once('?').ok_or(Fault(
                        "_typeFilter",
                        "a search such as Observation?category=laboratory",
                    ))?;
                    let query = form_urlencoded::parse(query.as_bytes());
                    let parameters = query
                        .map(|(name, value)| Parameter::parse(&name, &value))
                        .collect();
                    asked.filters.push((kind.to_owned(), parameters));
                }
                _ if lenient => {}
                _ => {
                    return Err(Fault(
                        "$export",
                        "a parameter that is not known; Prefer: handling=lenient passes it over",
                    ));
                }
            }
        }
        Ok(asked)
    }
}
