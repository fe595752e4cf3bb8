//! Whether a resource is what was searched for: any of the values of each parameter, with modifiers and prefixes.

use fhir::Resource;
use rest::Parameter;
use rest::search::{DateRange, DateSearch, Prefix, Token, matches_reference, matches_text};

use super::element::{Element, values};
use crate::clock::london;

/// Why a parameter could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// This type has no such parameter.
    Unknown,
    /// A value cannot be read.
    Bad,
}

/// Whether `resource` satisfies one parameter; several of the same name must all hold.
pub(crate) fn holds(resource: &Resource, parameter: &Parameter, base: &str) -> Result<bool, Unfit> {
    let found = values(resource, &parameter.name).ok_or(Unfit::Unknown)?;
    if parameter.is("missing") {
        return match parameter.value() {
            "true" => Ok(found.is_empty()),
            "false" => Ok(!found.is_empty()),
            _ => Err(Unfit::Bad),
        };
    }
    let mut any = false;
    for wanted in parameter.values.iter().filter(|wanted| !wanted.is_empty()) {
        any |= matches(&found, wanted, parameter, base)?;
    }
    Ok(any != parameter.is("not"))
}

fn matches(found: &[Element<'_>], wanted: &str, parameter: &Parameter, base: &str) -> Result<bool, Unfit> {
    let zone = london();
    let mut any = false;
    for element in found {
        any |= match element {
            Element::Token(system, code) => Token::parse(wanted).matches(*system, *code),
            Element::Text(text) => matches_text(wanted, parameter.modifier.as_deref(), text),
            Element::Reference(reference) => {
                let kind = reference.split('/').next().filter(|_| !wanted.contains('/'));
                matches_reference(wanted, kind, reference, base)
            }
            Element::Time(time) => {
                let search = date(wanted)?;
                DateRange::of(time, &zone).is_some_and(|range| search.matches(range))
            }
            Element::Span(start, end) => {
                let mut search = date(wanted)?;
                // A stay is found by any day of it.
                if search.prefix == Prefix::Equal {
                    search.prefix = Prefix::Approximately;
                }
                DateRange::of_period(*start, *end, &zone).is_some_and(|range| search.matches(range))
            }
        };
    }
    Ok(any)
}

/// A date with its prefix; a plus sign in a URL reads as a space.
pub(crate) fn date(wanted: &str) -> Result<DateSearch, Unfit> {
    DateSearch::parse(&wanted.trim().replace(' ', "+"), &london()).ok_or(Unfit::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::{CodeableConcept, Coding, DateTime, Encounter, Observation, Period, Reference};

    fn sodium() -> Resource {
        Observation {
            status: Some("final".into()),
            code: Some(CodeableConcept {
                coding: vec![Coding::new("urn:a", "NA"), Coding::new("urn:b", "17")],
                ..CodeableConcept::default()
            }),
            subject: Some(Reference::to("Patient/12")),
            effective_date_time: Some(DateTime::from("2026-03-02T10:15:00Z")),
            ..Observation::default()
        }
        .into()
    }

    fn found(resource: &Resource, name: &str, value: &str) -> Result<bool, Unfit> {
        holds(resource, &Parameter::parse(name, value), "http://h/r4")
    }

    #[test]
    fn tokens_references_and_dates_are_found() {
        let sodium = sodium();
        for (name, value, expected) in [
            ("code", "NA", true),
            ("code", "urn:b|17", true),
            ("code", "urn:b|NA", false),
            ("code", "K,NA", true),
            ("code:not", "NA", false),
            ("status", "final", true),
            ("patient", "12", true),
            ("patient", "Patient/12", true),
            ("patient", "http://h/r4/Patient/12", true),
            ("patient", "1", false),
            ("date", "2026-03-02", true),
            ("date", "ge2026-03-03", false),
            ("date", "lt2026-03-02T10:16:00Z", true),
            ("encounter:missing", "true", true),
        ] {
            assert_eq!(found(&sodium, name, value), Ok(expected), "{name}={value}");
        }
        assert_eq!(found(&sodium, "date", "yesterday"), Err(Unfit::Bad));
        assert_eq!(found(&sodium, "colour", "red"), Err(Unfit::Unknown));
    }

    #[test]
    fn a_stay_is_found_by_any_of_its_days_and_an_open_one_by_later_days_too() {
        let stay = |end: Option<&str>| {
            Resource::from(Encounter {
                period: Some(Period {
                    start: Some(DateTime::from("2026-01-01T09:00:00Z")),
                    end: end.map(DateTime::from),
                    ..Period::default()
                }),
                ..Encounter::default()
            })
        };
        assert_eq!(
            found(&stay(Some("2026-01-03T01:00:00Z")), "date", "2026-01-02"),
            Ok(true)
        );
        assert_eq!(
            found(&stay(Some("2026-01-03T01:00:00Z")), "date", "2026-01-04"),
            Ok(false)
        );
        assert_eq!(found(&stay(None), "date", "2026-06-01"), Ok(true));
    }
}
