//! Coding systems: the URIs by which FHIR knows what HL7 v2 names in CE-3, and back.

use fhir::CodeableConcept;

use crate::state::person::Coded;

/// HL7 name first among equals, then the URI.
const SYSTEMS: &[(&[&str], &str)] = &[
    (&["LN", "LNC", "LOINC"], "http://loinc.org"),
    (
        &["SCT", "SNM3", "SNM", "SNOMED", "SNOMED-CT", "SNOMEDCT"],
        "http://snomed.info/sct",
    ),
    (
        &["I10UK", "I10", "ICD10", "ICD-10"],
        "http://hl7.org/fhir/sid/icd-10",
    ),
    (&["DMD", "DM+D"], "https://dmd.nhs.uk"),
    (&["RXN", "RXNORM"], "http://www.nlm.nih.gov/research/umls/rxnorm"),
    (&["OPCS4", "OPCS-4"], "https://fhir.hl7.org.uk/CodeSystem/OPCS-4"),
];

/// The URI of a system that is known beyond its hospital.
pub(crate) fn uri(name: &str) -> Option<&'static str> {
    SYSTEMS
        .iter()
        .find(|(names, uri)| names.iter().any(|known| known.eq_ignore_ascii_case(name)) || *uri == name)
        .map(|(_, uri)| *uri)
}

/// The HL7 name of a URI.
pub(crate) fn name(uri: &str) -> Option<&'static str> {
    let (names, _) = SYSTEMS.iter().find(|(_, known)| *known == uri)?;
    names.first().copied()
}

/// A concept as the record holds one: the first coding whose system has a name, else what `own` makes of one,
/// else the words alone.
pub(crate) fn coded(
    concept: &CodeableConcept,
    own: impl Fn(&str, &str) -> Option<(String, String)>,
) -> Coded {
    let words = |display: Option<&str>| concept.text.as_deref().or(display).unwrap_or_default().into();
    for coding in &concept.coding {
        let (Some(system), Some(code)) = (coding.system.as_deref(), coding.code.as_deref()) else {
            continue;
        };
        let found = name(system)
            .map(|name| (code.to_owned(), name.to_owned()))
            .or_else(|| own(system, code));
        if let Some((code, system)) = found {
            return Coded {
                code: code.into(),
                text: words(coding.display.as_deref()),
                system: system.into(),
            };
        }
    }
    let first = concept.coding.first();
    Coded {
        code: first.and_then(|coding| coding.code.clone()).unwrap_or_default(),
        text: words(first.and_then(|coding| coding.display.as_deref())),
        system: first.and_then(|coding| coding.system.clone()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uris_lead_to_each_other() {
        for (names, uri_of) in SYSTEMS {
            for known in *names {
                assert_eq!(uri(known), Some(*uri_of), "{known}");
            }
            assert_eq!(name(uri_of).and_then(uri), Some(*uri_of));
        }
        assert_eq!(uri("Winpath"), None);
    }
}
