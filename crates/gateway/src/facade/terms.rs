//! Terms: what a façade resource is found by, and how a search asks for it.

use fhir::{CodeableConcept, Coding, Identifier, Reference, Resource};
use rest::Parameter;
use rest::capability::{SearchParameter, Served};
use store::{Matching, Term, TermQuery};

const READ_AND_SEARCH: &[&str] = &["read", "search-type"];
const READ: &[&str] = &["read"];

const fn parameter(name: &'static str, kind: &'static str) -> SearchParameter<'static> {
    SearchParameter {
        name,
        kind,
        documentation: "",
    }
}

const fn served(resource_type: &'static str, search: &'static [SearchParameter<'static>]) -> Served<'static> {
    let interactions = if search.is_empty() { READ } else { READ_AND_SEARCH };
    Served {
        resource_type,
        interactions,
        search,
        ..Served::NOTHING
    }
}

/// What a façade serves: the CapabilityStatement and the search are this list.
pub(crate) const SERVED: &[Served<'static>] = &[
    served(
        "AllergyIntolerance",
        &[
            parameter("_id", "token"),
            parameter("identifier", "token"),
            parameter("patient", "reference"),
            parameter("code", "token"),
        ],
    ),
    served("Condition", &[]),
    served("DiagnosticReport", &[]),
    served(
        "Encounter",
        &[
            parameter("_id", "token"),
            parameter("identifier", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("status", "token"),
            parameter("class", "token"),
            parameter("date", "date"),
        ],
    ),
    served("Location", &[]),
    served(
        "Observation",
        &[
            parameter("_id", "token"),
            parameter("identifier", "token"),
            parameter("patient", "reference"),
            parameter("subject", "reference"),
            parameter("encounter", "reference"),
            parameter("code", "token"),
            parameter("category", "token"),
            parameter("status", "token"),
            parameter("date", "date"),
        ],
    ),
    served("Organization", &[]),
    served(
        "Patient",
        &[
            parameter("_id", "token"),
            parameter("identifier", "token"),
            parameter("family", "string"),
            parameter("given", "string"),
            parameter("name", "string"),
            parameter("gender", "token"),
            parameter("birthdate", "date"),
            parameter("active", "token"),
        ],
    ),
    served("Practitioner", &[]),
    served("PractitionerRole", &[]),
    served("Procedure", &[]),
    served("RelatedPerson", &[]),
    served("ServiceRequest", &[]),
    served("Specimen", &[]),
];

/// Whether resources of this type are kept at all.
pub(crate) fn is_served(resource_type: &str) -> bool {
    SERVED.iter().any(|served| served.resource_type == resource_type)
}

/// What a resource can be found by.
pub(crate) fn terms(resource: &Resource) -> Vec<Term> {
    let mut terms = Vec::new();
    terms.extend(resource.id().map(|id| Term::new("_id", id)));
    match resource {
        Resource::Patient(patient) => {
            identifiers(&mut terms, &patient.identifier);
            for name in &patient.name {
                let family = name.family.iter().map(|family| ("family", family));
                for (parameter, part) in family.chain(name.given.iter().map(|given| ("given", given))) {
                    terms.push(Term::new(parameter, folded(part)));
                    terms.push(Term::new("name", folded(part)));
                }
            }
            terms.extend(
                patient
                    .gender
                    .iter()
                    .map(|gender| Term::new("gender", gender.as_str())),
            );
            terms.extend(
                patient
                    .birth_date
                    .iter()
                    .map(|date| Term::new("birthdate", date.as_str())),
            );
            terms.push(Term::new(
                "active",
                if patient.active == Some(false) {
                    "false"
                } else {
                    "true"
                },
            ));
        }
        Resource::Encounter(encounter) => {
            identifiers(&mut terms, &encounter.identifier);
            subject(&mut terms, encounter.subject.as_ref());
            terms.extend(
                encounter
                    .status
                    .iter()
                    .map(|status| Term::new("status", status.as_str())),
            );
            terms.extend(encounter.class.iter().map(|class| token("class", class)));
            let start = encounter.period.as_ref().and_then(|period| period.start.as_ref());
            terms.extend(start.map(|start| Term::new("date", start.as_str())));
        }
        Resource::Observation(observation) => {
            identifiers(&mut terms, &observation.identifier);
            subject(&mut terms, observation.subject.as_ref());
            reference(&mut terms, "encounter", observation.encounter.as_ref());
            concepts(&mut terms, "code", observation.code.iter());
            concepts(&mut terms, "category", observation.category.iter());
            terms.extend(
                observation
                    .status
                    .iter()
                    .map(|status| Term::new("status", status.as_str())),
            );
            terms.extend(
                observation
                    .effective_date_time
                    .iter()
                    .map(|time| Term::new("date", time.as_str())),
            );
        }
        Resource::AllergyIntolerance(allergy) => {
            identifiers(&mut terms, &allergy.identifier);
            reference(&mut terms, "patient", allergy.patient.as_ref());
            concepts(&mut terms, "code", allergy.code.iter());
        }
        Resource::DiagnosticReport(report) => subject(&mut terms, report.subject.as_ref()),
        Resource::Condition(condition) => subject(&mut terms, condition.subject.as_ref()),
        Resource::ServiceRequest(request) => subject(&mut terms, request.subject.as_ref()),
        Resource::Procedure(procedure) => subject(&mut terms, procedure.subject.as_ref()),
        Resource::Specimen(specimen) => subject(&mut terms, specimen.subject.as_ref()),
        Resource::RelatedPerson(person) => reference(&mut terms, "patient", person.patient.as_ref()),
        _ => {}
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn identifiers(terms: &mut Vec<Term>, identifiers: &[Identifier]) {
    for identifier in identifiers {
        let Some(value) = &identifier.value else { continue };
        terms.push(Term::token(
            "identifier",
            identifier.system.as_deref().unwrap_or_default(),
            value.as_str(),
        ));
    }
}

fn subject(terms: &mut Vec<Term>, found: Option<&Reference>) {
    reference(terms, "subject", found);
    reference(terms, "patient", found);
}

fn reference(terms: &mut Vec<Term>, parameter: &str, found: Option<&Reference>) {
    terms.extend(
        found
            .and_then(|found| found.reference.as_deref())
            .map(|target| Term::new(parameter, target)),
    );
}

fn concepts<'c>(terms: &mut Vec<Term>, parameter: &str, concepts: impl Iterator<Item = &'c CodeableConcept>) {
    terms.extend(
        concepts
            .flat_map(|concept| &concept.coding)
            .map(|coding| token(parameter, coding)),
    );
}

fn token(parameter: &str, coding: &Coding) -> Term {
    Term::token(
        parameter,
        coding.system.as_deref().unwrap_or_default(),
        coding.code.as_deref().unwrap_or_default(),
    )
}

/// Names are compared without regard to case.
fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// What a search asks for.
///
/// # Errors
/// The parameter or modifier that is not served: answering it with more than was asked for would be worse.
pub(crate) fn conditions(served: &Served<'_>, parameters: &[Parameter]) -> Result<Vec<TermQuery>, String> {
    let mut conditions = Vec::new();
    for parameter in parameters {
        if parameter.name.starts_with('_') && parameter.name != "_id" {
            continue;
        }
        let Some(known) = served.search.iter().find(|known| known.name == parameter.name) else {
            return Err(format!(
                "{} is no search parameter of {} here",
                parameter.name, served.resource_type
            ));
        };
        let any_of = parameter
            .values
            .iter()
            .map(|value| alternative(known.kind, parameter.modifier.as_deref(), value))
            .collect::<Option<_>>();
        match any_of {
            Some(any_of) => conditions.push(TermQuery {
                parameter: parameter.name.clone(),
                any_of,
            }),
            None => return Err(format!("{} is not asked for in this way here", parameter.name)),
        }
    }
    Ok(conditions)
}

fn alternative(kind: &str, modifier: Option<&str>, value: &str) -> Option<(Option<String>, Matching)> {
    match (kind, modifier) {
        ("token", None) => Some(match value.split_once('|') {
            Some((system, "")) => (Some(system.to_owned()), Matching::Prefix(String::new())),
            Some((system, code)) => (Some(system.to_owned()), Matching::Exact(code.to_owned())),
            None => (None, Matching::Exact(value.to_owned())),
        }),
        ("string", None) => Some((None, Matching::Prefix(folded(value)))),
        ("string", Some("exact")) => Some((None, Matching::Exact(folded(value)))),
        // `patient=1`, `patient=Patient/1` and a URL that ends so are the same patient.
        ("reference", None | Some("Patient")) => {
            let mut parts = value.rsplit('/');
            let id = parts.next()?;
            let target = parts
                .next()
                .map_or_else(|| format!("Patient/{id}"), |kind| format!("{kind}/{id}"));
            Some((None, Matching::Exact(target)))
        }
        ("date", None) => date(value).map(|matching| (None, matching)),
        _ => None,
    }
}

/// Dates are compared as text, at the precision they are written in: `2026-03` covers the month.
fn date(value: &str) -> Option<Matching> {
    let (prefix, date) = value
        .split_at_checked(2)
        .filter(|(prefix, _)| prefix.bytes().all(|b| b.is_ascii_alphabetic()))
        .unwrap_or(("eq", value));
    // Sorts behind everything that begins with the date.
    let after = format!("{date}~");
    Some(match prefix {
        "eq" => Matching::Prefix(date.to_owned()),
        "ge" => Matching::Between {
            from: Some(date.to_owned()),
            to: None,
        },
        "gt" => Matching::Between {
            from: Some(after),
            to: None,
        },
        "lt" => Matching::Between {
            from: None,
            to: Some(date.to_owned()),
        },
        "le" => Matching::Between {
            from: None,
            to: Some(after),
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(resource_type: &str, name: &str, value: &str) -> Result<TermQuery, String> {
        let served = SERVED
            .iter()
            .find(|served| served.resource_type == resource_type)
            .unwrap();
        conditions(served, &[Parameter::parse(name, value)]).map(|mut conditions| conditions.remove(0))
    }

    #[test]
    fn a_reference_is_the_same_however_it_is_written() {
        let wanted = TermQuery::exact("patient", "Patient/7");
        for value in ["7", "Patient/7", "http://127.0.0.1/r4/Patient/7"] {
            assert_eq!(
                asked("Encounter", "patient", value).as_ref(),
                Ok(&wanted),
                "{value}"
            );
        }
    }

    #[test]
    fn an_identifier_may_name_its_system() {
        assert_eq!(
            asked("Patient", "identifier", "sys|7"),
            Ok(TermQuery::token("identifier", "sys", "7"))
        );
        assert_eq!(
            asked("Patient", "identifier", "7"),
            Ok(TermQuery::exact("identifier", "7"))
        );
    }

    #[test]
    fn what_is_not_served_is_refused_not_ignored() {
        assert!(asked("Patient", "favourite-colour", "blue").is_err());
        assert!(asked("Patient", "birthdate", "ap2026").is_err());
        assert!(asked("Patient", "gender:not", "male").is_err());
    }
}
