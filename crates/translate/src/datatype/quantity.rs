//! NM, CQ, SN, NR and the units in OBX-6: numbers with their digits as written.

use fhir::{Decimal, Extension, Quantity, Range, Ratio, Text};
use hl7v2::{Component, Repetition};

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context, Leaf};
use crate::ledger::Outcome;
use crate::note::Note;
use crate::vocabulary::system;

/// SN as it was sent, where FHIR's parts do not say all of it.
pub(crate) const ORIGINAL_TEXT: &str = "http://hl7.org/fhir/StructureDefinition/originalText";

/// NM to decimal, digits as written; what is no number is noted and left to the caller.
pub(crate) fn decimal<'m>(
    leaf: impl Leaf<'m>,
    cx: &mut Context<'_>,
    member: &'static str,
) -> Option<Decimal> {
    let Some(text) = cx.peek(leaf) else {
        cx.account_nothing(leaf);
        return None;
    };
    match number(&text) {
        Some((decimal, same)) => {
            let outcome = if same {
                Outcome::Mapped
            } else {
                Outcome::Transformed
            };
            cx.record(leaf, outcome, member, "");
            Some(decimal)
        }
        None => {
            cx.note(Note::bad_number(leaf.location()));
            None
        }
    }
}

/// HL7 allows `+5`, `.5` and `5.`; JSON does not. The flag says whether the text stayed the same.
pub(crate) fn number(text: &str) -> Option<(Decimal, bool)> {
    if let Ok(decimal) = Decimal::new(text) {
        return Some((decimal, true));
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let (sign, digits) = match unsigned.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unsigned),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits.is_empty() || digits == "." || !plain {
        return None;
    }
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Decimal::new(&format!("{sign}{whole}{point}{fraction}"))
        .ok()
        .map(|decimal| (decimal, false))
}

/// A whole number above zero.
pub(crate) fn positive<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str) -> Option<u32> {
    counted(leaf, cx, member, 1)
}

/// A whole number.
pub(crate) fn whole<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str) -> Option<u32> {
    counted(leaf, cx, member, 0)
}

fn counted<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str, least: u32) -> Option<u32> {
    let text = cx.peek(leaf)?;
    match text.parse::<u32>() {
        Ok(number) if number >= least => {
            cx.record(leaf, Outcome::Mapped, member, "");
            Some(number)
        }
        _ => {
            cx.note(Note::bad_number(leaf.location()));
            None
        }
    }
}

/// CQ to Quantity.
pub(crate) fn read_cq(cq: Repetition<'_>, cx: &mut Context<'_>) -> Option<Quantity> {
    let value = decimal(cq.component(1), cx, ".value");
    let unit = cq.component(2);
    let mut quantity = Quantity {
        value,
        ..Quantity::default()
    };
    if !unit.raw().is_empty() {
        set_unit(&mut quantity, unit, cx);
    }
    quantity.value.is_some().then_some(quantity)
}

/// Quantity to CQ.
pub(crate) fn write_cq(quantity: &Quantity, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    if let Some(value) = &quantity.value {
        to.component(1, value.as_str());
    }
    for (n, text) in unit_parts(quantity, back) {
        to.subcomponent(2, n, &text);
    }
}

/// CWE units (OBX-6, CQ.2) to unit, code and system.
pub(crate) fn set_unit<'m>(quantity: &mut Quantity, units: impl Composite<'m>, cx: &mut Context<'_>) {
    let code = cx.take(units.part(1), ".code");
    let text = cx.take(units.part(2), ".unit");
    if let Some(name) = cx.take_as(units.part(3), ".system", Outcome::Transformed) {
        quantity.system = Some(system::to_uri(&cx.vocabulary.coding_system, &name));
    }
    // FHIR wants a system beside a code; a bare code is what people read.
    if quantity.system.is_some() {
        quantity.unit = text.or_else(|| code.clone());
        quantity.code = code;
    } else {
        quantity.unit = match (code, text) {
            (Some(code), Some(text)) => {
                quantity.code = Some(code);
                Some(text)
            }
            (code, text) => code.or(text),
        };
    }
}

/// CWE.1 to CWE.3 of a quantity's unit.
pub(crate) fn unit_parts(quantity: &Quantity, back: &Back<'_>) -> Vec<(u16, Text)> {
    let mut parts = Vec::with_capacity(3);
    match (&quantity.code, &quantity.unit) {
        (Some(code), unit) => {
            parts.push((1, code.clone()));
            if let Some(unit) = unit.as_ref().filter(|unit| *unit != code) {
                parts.push((2, unit.clone()));
            }
        }
        (None, Some(unit)) => parts.push((1, unit.clone())),
        (None, None) => {}
    }
    if let Some(uri) = &quantity.system {
        parts.push((
            3,
            Text::from(system::to_name(&back.vocabulary.coding_system, uri).as_ref()),
        ));
    }
    parts
}

/// What an SN became.
pub(crate) enum Structured {
    Quantity(Quantity),
    Range(Box<Range>),
    Ratio(Box<Ratio>),
    Text(Text),
}

/// SN: a comparator and a number, a range, a ratio, or words.
pub(crate) fn read_sn(sn: Repetition<'_>, cx: &mut Context<'_>) -> Option<Structured> {
    let peek = |n: usize| cx.peek(sn.component(n)).map(|text| Text::from(text.as_ref()));
    let (comparator, separator) = (peek(1), peek(3));
    let (first, second) = (peek(2), peek(4));
    let numbers = [&first, &second].map(|text| text.as_deref().and_then(number).map(|(decimal, _)| decimal));
    let comparable = matches!(comparator.as_deref(), None | Some("<" | "<=" | ">" | ">=" | "="));
    let quantity = |value: Option<Decimal>| Quantity {
        value,
        ..Quantity::default()
    };
    let structured = match (numbers, separator.as_deref()) {
        ([Some(one), None], None) if comparable && second.is_none() => {
            let mut value = quantity(Some(one));
            value.comparator = comparator.clone().filter(|sign| sign != "=");
            if comparator.as_deref() == Some("=") {
                value.extension.push(original_sn(sn));
            }
            Structured::Quantity(value)
        }
        ([Some(low), Some(high)], Some("-")) if comparator.is_none() => Structured::Range(Box::new(Range {
            low: Some(quantity(Some(low))),
            high: Some(quantity(Some(high))),
            ..Range::default()
        })),
        ([Some(numerator), Some(denominator)], Some(":" | "/")) if comparable => {
            let mut ratio = Ratio {
                numerator: Some(quantity(Some(numerator))),
                denominator: Some(quantity(Some(denominator))),
                ..Ratio::default()
            };
            if let Some(numerator) = &mut ratio.numerator {
                numerator.comparator = comparator.clone().filter(|sign| sign != "=");
            }
            if separator.as_deref() == Some("/") || comparator.as_deref() == Some("=") {
                ratio.extension.push(original_sn(sn));
            }
            Structured::Ratio(Box::new(ratio))
        }
        _ => {
            let parts: Vec<&str> = [&comparator, &first, &separator, &second]
                .into_iter()
                .flatten()
                .map(Text::as_str)
                .collect();
            if parts.is_empty() {
                return None;
            }
            Structured::Text(Text::from(parts.join(" ")))
        }
    };
    let (outcome, member) = match &structured {
        Structured::Quantity(_) => (Outcome::Mapped, "Observation.valueQuantity"),
        Structured::Range(_) => (Outcome::Mapped, "Observation.valueRange"),
        Structured::Ratio(_) => (Outcome::Mapped, "Observation.valueRatio"),
        Structured::Text(_) => (Outcome::Transformed, "Observation.valueString"),
    };
    for n in 1..=4 {
        cx.record_component(sn.component(n), outcome, member, "");
    }
    Some(structured)
}

fn original_sn(sn: Repetition<'_>) -> Extension {
    let parts: Vec<String> = (1..=4).map(|n| sn.component(n).text().into_owned()).collect();
    original_text(parts.join(" ").trim())
}

/// A number's text as it was sent.
pub(crate) fn original_text(sent: &str) -> Extension {
    Extension {
        url: Some(Text::const_new(ORIGINAL_TEXT)),
        value_string: Some(Text::from(sent)),
        ..Extension::default()
    }
}

/// The text as it was sent, where it says more than the number.
pub(crate) fn original(extensions: &[Extension]) -> Option<&Text> {
    let found = extensions
        .iter()
        .find(|e| e.url.as_deref() == Some(ORIGINAL_TEXT));
    found.and_then(|e| e.value_string.as_ref())
}

/// The separator or comparator that only the original text tells.
pub(crate) fn original_has(extensions: &[Extension], sign: &str) -> bool {
    original(extensions).is_some_and(|text| text.contains(sign))
}

/// NR in one repetition to Range.
pub(crate) fn read_nr(nr: Repetition<'_>, cx: &mut Context<'_>) -> Option<Range> {
    let bound = |part: Component<'_>, cx: &mut Context<'_>, member| {
        let value = decimal(part, cx, member)?;
        Some(Quantity {
            value: Some(value),
            ..Quantity::default()
        })
    };
    let low = bound(nr.component(1), cx, ".low.value");
    let high = bound(nr.component(2), cx, ".high.value");
    (low.is_some() || high.is_some()).then(|| Range {
        low,
        high,
        ..Range::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stay_as_written() {
        for (hl7, json, same) in [
            ("6.70", "6.70", true),
            ("+5", "5", false),
            (".5", "0.5", false),
            ("5.", "5", false),
            ("-007", "-7", false),
        ] {
            let (decimal, unchanged) = number(hl7).unwrap();
            assert_eq!((decimal.as_str(), unchanged), (json, same));
        }
        assert!(number("five").is_none());
        assert!(number("1,000").is_none());
    }
}
