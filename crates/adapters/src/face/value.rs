//! Small FHIR values, and what an OBX says as one of them.

use fhir::{
    CodeableConcept, Coding, Decimal, Observation, ObservationComponent, Quantity, Ratio, Reference, Text,
};

use super::time::date_time;
use crate::state::report::Said;

/// A text, or nothing when it is empty.
pub(crate) fn text(value: &str) -> Option<Text> {
    (!value.is_empty()).then(|| value.into())
}

/// Texts without the empty ones.
pub(crate) fn lines(values: &[&str]) -> Vec<Text> {
    values
        .iter()
        .filter(|value| !value.is_empty())
        .map(|value| Text::from(*value))
        .collect()
}

pub(crate) fn coding(system: &str, code: &str, display: &str) -> Coding {
    Coding {
        system: text(system),
        code: text(code),
        display: text(display),
        ..Coding::default()
    }
}

pub(crate) fn concept(codings: Vec<Coding>, words: &str) -> CodeableConcept {
    CodeableConcept {
        coding: codings,
        text: text(words),
        ..CodeableConcept::default()
    }
}

/// A code of one of HL7's own tables, such as identifier types in 0203.
pub(crate) fn v2_code(table: &str, code: &str, display: &str) -> Coding {
    coding(
        &format!("http://terminology.hl7.org/CodeSystem/v2-{table}"),
        code,
        display,
    )
}

/// A reference by relative path.
pub(crate) fn relative(resource_type: &str, id: &str, display: &str) -> Reference {
    Reference {
        reference: Some(format!("{resource_type}/{id}").into()),
        display: text(display),
        ..Reference::default()
    }
}

/// `Observation.status` for OBX-11; an observation that never had one is `unknown`.
pub(crate) fn observation_status(status: &str) -> &'static str {
    match status {
        "F" | "U" => "final",
        "C" => "corrected",
        "I" | "O" | "P" | "R" | "S" => "preliminary",
        "X" => "cancelled",
        "D" | "W" => "entered-in-error",
        _ => "unknown",
    }
}

/// `Observation.value[x]` from OBX-2 and OBX-5; digits stay as written.
pub(crate) fn set_value(said: &Said, observation: &mut Observation) {
    let first = said.first();
    let units = said.units.as_ref();
    let unit = units.map(|units| {
        if units.text.is_empty() {
            &units.code
        } else {
            &units.text
        }
    });
    let quantity = |number: &str| {
        let (comparator, digits) = compared(number);
        let value = Decimal::new(digits).ok()?;
        let unit = unit.and_then(|unit| text(unit));
        Some(Quantity {
            value: Some(value),
            comparator: text(comparator),
            unit,
            ..Quantity::default()
        })
    };
    match said.value_type.as_str() {
        "NM" => match quantity(first) {
            Some(value) => observation.value_quantity = Some(value),
            None => observation.value_string = text(first),
        },
        "SN" => structured(said, observation, quantity),
        "CE" | "CWE" | "CNE" => {
            let part = |n: usize| {
                said.value
                    .first()
                    .and_then(|parts| parts.get(n))
                    .map_or("", |part| part.as_str())
            };
            let coded = coding("", part(0), part(1));
            observation.value_codeable_concept =
                (!first.is_empty() || !part(1).is_empty()).then(|| concept(vec![coded], part(1)));
        }
        super::body::PARTS => {
            observation.component = said.value.iter().map(|part| component(part, quantity)).collect()
        }
        "DT" | "TS" | "DTM" => observation.value_date_time = date_time(first),
        _ => {
            let repetitions: Vec<String> = said.value.iter().map(|parts| parts.join(" ")).collect();
            observation.value_string = text(repetitions.join("\n").trim_end());
        }
    }
}

/// One part of a measurement: code, words, system, number, unit.
fn component(
    parts: &[crate::state::Text],
    quantity: impl Fn(&str) -> Option<Quantity>,
) -> ObservationComponent {
    let part = |n: usize| parts.get(n).map_or("", |part| part.as_str());
    ObservationComponent {
        code: Some(concept(
            vec![coding(super::uri(part(2)).unwrap_or_default(), part(0), part(1))],
            part(1),
        )),
        value_quantity: quantity(part(3)).map(|quantity| Quantity {
            unit: text(part(4)),
            ..quantity
        }),
        ..ObservationComponent::default()
    }
}

/// SN: comparator, number, separator, number.
fn structured(said: &Said, observation: &mut Observation, quantity: impl Fn(&str) -> Option<Quantity>) {
    let part = |n: usize| {
        said.value
            .first()
            .and_then(|parts| parts.get(n))
            .map_or("", |part| part.as_str())
    };
    let (comparator, low, separator, high) = (part(0), part(1), part(2), part(3));
    if separator == ":" {
        observation.value_ratio = Some(Box::new(Ratio {
            numerator: quantity(low),
            denominator: quantity(high),
            ..Ratio::default()
        }));
    } else if high.is_empty() {
        observation.value_quantity = quantity(&format!("{comparator}{low}"));
    } else {
        observation.value_string = text(&format!("{comparator}{low}{separator}{high}"));
    }
}

/// The comparator before a number, and the number.
fn compared(text: &str) -> (&str, &str) {
    let text = text.trim();
    for comparator in ["<=", ">=", "<", ">"] {
        if let Some(number) = text.strip_prefix(comparator) {
            return (comparator, number.trim());
        }
    }
    ("", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value_type: &str, parts: &[&str]) -> String {
        let said = Said {
            value_type: value_type.into(),
            value: vec![parts.iter().map(|part| Text::from(*part)).collect()],
            ..Said::default()
        };
        let mut observation = Observation::default();
        set_value(&said, &mut observation);
        String::from_utf8(fhir::to_vec(&observation)).unwrap()
    }

    #[test]
    fn digits_stay_as_written() {
        assert!(shown("NM", &["9.10"]).contains("\"value\":9.10"));
        assert!(shown("NM", &["<7"]).contains("\"comparator\":\"<\""));
        assert!(shown("NM", &["haemolysed"]).contains("\"valueString\":\"haemolysed\""));
    }

    #[test]
    fn a_structured_number_is_a_quantity_a_ratio_or_its_text() {
        assert!(shown("SN", &["<", "7"]).contains("\"comparator\":\"<\""));
        assert!(shown("SN", &["", "1", ":", "40"]).contains("valueRatio"));
        assert!(shown("SN", &["", "1", "-", "3"]).contains("\"valueString\":\"1-3\""));
    }
}
