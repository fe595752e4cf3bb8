//! OBX-5: a value of the type that OBX-2 names, to Observation's `value[x]` or a component's.
//!
//! What is not of its type — words in an NM — is text: nothing is lost, and a note says where. The type as sent
//! is kept when the way back would name another one.

use fhir::{
    Attachment, CodeableConcept, Decimal, Extension, Observation, ObservationComponent, Period, Quantity,
    Range, Ratio, Text,
};
use hl7v2::Repetition;

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::{attachment, concept, quantity, time};
use crate::ledger::Outcome;

/// The extension in which R5's `valueAttachment` comes early.
pub(crate) const VALUE_ATTACHMENT: &str =
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.valueAttachment";

/// A value, whatever its type.
pub(crate) enum Value {
    Quantity(Quantity),
    Concept(CodeableConcept),
    Text(Text),
    DateTime(fhir::DateTime),
    Time(fhir::Time),
    Period(Period),
    Range(Box<Range>),
    Ratio(Box<Ratio>),
    Attachment(Box<Attachment>),
}

/// One repetition of OBX-5, of the type OBX-2 names.
pub(crate) fn read(kind: &str, repetition: Repetition<'_>, cx: &mut Context<'_>) -> Option<Value> {
    let found = match kind {
        "NM" => read_number(repetition, cx),
        "SN" => quantity::read_sn(repetition, cx).map(|found| match found {
            quantity::Structured::Quantity(value) => Value::Quantity(value),
            quantity::Structured::Range(value) => Value::Range(value),
            quantity::Structured::Ratio(value) => Value::Ratio(value),
            quantity::Structured::Text(text) => Value::Text(text),
        }),
        "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" => concept::read(repetition, None, cx).map(Value::Concept),
        "DT" | "TS" | "DTM" => {
            time::date_time(repetition.component(1), cx, "Observation.valueDateTime").map(Value::DateTime)
        }
        "TM" => time::time(repetition, cx, "Observation.valueTime").map(Value::Time),
        "DR" => {
            let members = ("Observation.valuePeriod.start", "Observation.valuePeriod.end");
            time::period(repetition.component(1), repetition.component(2), cx, members).map(Value::Period)
        }
        "NR" => quantity::read_nr(repetition, cx).map(|range| Value::Range(Box::new(range))),
        "CQ" => quantity::read_cq(repetition, cx).map(Value::Quantity),
        "ED" => attachment::read_ed(repetition, cx).map(|found| Value::Attachment(Box::new(found))),
        "RP" => attachment::read_rp(repetition, cx).map(|found| Value::Attachment(Box::new(found))),
        "TX" | "FT" | "ST" | "" => return read_text(repetition, cx),
        _ => None,
    };
    found.or_else(|| read_words(repetition, cx))
}

/// NM to Quantity; beside the limit of what a laboratory can measure senders write a sign: `<7`.
fn read_number(repetition: Repetition<'_>, cx: &mut Context<'_>) -> Option<Value> {
    const MEMBER: &str = "Observation.valueQuantity.value";
    let text = repetition.text();
    let sent = text.trim();
    let compared = ["<=", ">=", "<", ">"].into_iter().find_map(|sign| {
        let (value, _) = quantity::number(sent.strip_prefix(sign)?.trim())?;
        Some((sign, value))
    });
    if let Some((sign, value)) = compared.filter(|_| repetition.parts().count() == 1) {
        cx.record(repetition, Outcome::Transformed, MEMBER, "");
        return Some(Value::Quantity(Quantity {
            comparator: Some(Text::const_new(sign)),
            value: Some(value),
            extension: vec![quantity::original_text(sent)],
            ..Quantity::default()
        }));
    }
    let value = quantity::decimal(repetition, cx, MEMBER)?;
    Some(Value::Quantity(of_number(value, sent)))
}

/// Text keeps its inner spacing: tables of figures hang on it.
fn read_text(repetition: Repetition<'_>, cx: &mut Context<'_>) -> Option<Value> {
    if repetition.parts().count() > 1 {
        // A component separator that was not escaped is part of the text.
        return read_words(repetition, cx);
    }
    if repetition.is_null() {
        cx.account_nothing(repetition);
        return None;
    }
    let text = repetition.text();
    if text.trim().is_empty() {
        cx.account_nothing(repetition);
        return None;
    }
    cx.record(repetition, Outcome::Mapped, "Observation.valueString", "");
    Some(Value::Text(printable(&text)))
}

/// Anything as words, delimiters included.
fn read_words(repetition: Repetition<'_>, cx: &mut Context<'_>) -> Option<Value> {
    let text = repetition.full_text();
    if text.trim().is_empty() || repetition.is_null() {
        return None;
    }
    cx.record_repetition(repetition, Outcome::Transformed, "Observation.valueString", "");
    Some(Value::Text(printable(&text)))
}

/// FHIR strings hold no control characters but tab and line ends.
fn printable(text: &str) -> Text {
    let text = text.trim_end();
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
    {
        return text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
            .collect();
    }
    Text::from(text)
}

/// HL7's `+5` and `.5` are numbers that JSON writes otherwise: the text as sent stands beside them.
fn of_number(value: Decimal, sent: &str) -> Quantity {
    let mut quantity = Quantity::default();
    if value.as_str() != sent {
        quantity.extension.push(quantity::original_text(sent));
    }
    quantity.value = Some(value);
    quantity
}

/// Puts a value into an Observation.
pub(crate) fn set(observation: &mut Observation, value: Value) {
    match value {
        Value::Quantity(value) => observation.value_quantity = Some(value),
        Value::Concept(value) => observation.value_codeable_concept = Some(value),
        Value::Text(value) => observation.value_string = Some(value),
        Value::DateTime(value) => observation.value_date_time = Some(value),
        Value::Time(value) => observation.value_time = Some(value),
        Value::Period(value) => observation.value_period = Some(value),
        Value::Range(value) => observation.value_range = Some(value),
        Value::Ratio(value) => observation.value_ratio = Some(value),
        Value::Attachment(value) => observation.extension.push(attachment_extension(value)),
    }
}

/// Puts a value into a component.
pub(crate) fn set_component(component: &mut ObservationComponent, value: Value) {
    match value {
        Value::Quantity(value) => component.value_quantity = Some(value),
        Value::Concept(value) => component.value_codeable_concept = Some(value),
        Value::Text(value) => component.value_string = Some(value),
        Value::DateTime(value) => component.value_date_time = Some(value),
        Value::Time(value) => component.value_time = Some(value),
        Value::Period(value) => component.value_period = Some(value),
        Value::Range(value) => component.value_range = Some(value),
        Value::Ratio(value) => component.value_ratio = Some(value),
        Value::Attachment(value) => component.extension.push(attachment_extension(value)),
    }
}

/// R5's `valueAttachment`, early.
pub(crate) fn attachment_extension(value: Box<Attachment>) -> Extension {
    Extension {
        url: Some(Text::const_new(VALUE_ATTACHMENT)),
        value_attachment: Some(value),
        ..Extension::default()
    }
}

/// Takes the value out of an Observation.
pub(crate) fn clear(one: &mut Observation) {
    one.value_quantity = None;
    one.value_codeable_concept = None;
    one.value_string = None;
    one.value_boolean = None;
    one.value_integer = None;
    one.value_range = None;
    one.value_ratio = None;
    one.value_time = None;
    one.value_date_time = None;
    one.value_period = None;
}

/// Gives a component's value to an Observation.
pub(crate) fn of(component: ObservationComponent, to: &mut Observation) {
    to.value_quantity = component.value_quantity;
    to.value_codeable_concept = component.value_codeable_concept;
    to.value_string = component.value_string;
    to.value_boolean = component.value_boolean;
    to.value_integer = component.value_integer;
    to.value_range = component.value_range;
    to.value_ratio = component.value_ratio;
    to.value_time = component.value_time;
    to.value_date_time = component.value_date_time;
    to.value_period = component.value_period;
}

/// A value as the way back finds it.
pub(crate) enum Found<'o> {
    Quantity(&'o Quantity),
    Concept(&'o CodeableConcept),
    Text(&'o Text),
    DateTime(&'o str),
    Time(&'o str),
    Period(&'o Period),
    Range(&'o Range),
    Ratio(&'o Ratio),
    Attachment(&'o Attachment),
    Boolean(bool),
    Integer(i32),
}

macro_rules! find {
    ($holder:expr) => {{
        let holder = $holder;
        let attached = holder
            .extension
            .iter()
            .find(|e| e.url.as_deref() == Some(VALUE_ATTACHMENT));
        None.or(holder.value_quantity.as_ref().map(Found::Quantity))
            .or(holder.value_codeable_concept.as_ref().map(Found::Concept))
            .or(holder.value_string.as_ref().map(Found::Text))
            .or(holder.value_date_time.as_deref().map(Found::DateTime))
            .or(holder.value_time.as_deref().map(Found::Time))
            .or(holder.value_period.as_ref().map(Found::Period))
            .or(holder.value_range.as_deref().map(Found::Range))
            .or(holder.value_ratio.as_deref().map(Found::Ratio))
            .or(holder.value_boolean.map(Found::Boolean))
            .or(holder.value_integer.map(Found::Integer))
            .or(attached
                .and_then(|e| e.value_attachment.as_deref())
                .map(Found::Attachment))
    }};
}

/// The value of an Observation.
pub(crate) fn of_observation(observation: &Observation) -> Option<Found<'_>> {
    find!(observation)
}

/// The value of a component.
pub(crate) fn of_component(component: &ObservationComponent) -> Option<Found<'_>> {
    find!(component)
}

impl Found<'_> {
    /// What OBX-2 names it when nothing else was sent.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Found::Quantity(value)
                if value.comparator.is_some() || quantity::original_has(&value.extension, "=") =>
            {
                "SN"
            }
            Found::Quantity(_) | Found::Integer(_) => "NM",
            Found::Concept(_) => "CWE",
            Found::Text(text) if text.contains('\n') => "TX",
            Found::Text(_) => "ST",
            Found::DateTime(moment) if moment.contains('T') => "DTM",
            Found::DateTime(_) => "DT",
            Found::Time(_) => "TM",
            Found::Period(_) => "DR",
            Found::Range(_) | Found::Ratio(_) => "SN",
            Found::Attachment(attachment) if attachment.data.is_some() => "ED",
            Found::Attachment(_) => "RP",
            Found::Boolean(_) => "ID",
        }
    }

    /// Writes the value into a repetition of OBX-5, as the type says.
    pub(crate) fn write(&self, kind: &str, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
        match self {
            Found::Quantity(value) => write_quantity(value, kind, &mut to),
            Found::Concept(value) => concept::write(value, None, to, back),
            Found::Text(text) if matches!(kind, "TX" | "FT") => to.formatted(text),
            Found::Text(text) if matches!(kind, "ST" | "") => to.component(1, text),
            Found::Text(text) if kind == "SN" => write_structured(text, &mut to),
            Found::Text(text) => write_words(text, &mut to),
            Found::DateTime(moment) => to.component(1, &time::to_hl7(moment, back)),
            Found::Time(clock) => to.component(1, &time::clock_to_hl7(clock)),
            Found::Period(period) => {
                for (component, moment) in [(1, &period.start), (2, &period.end)] {
                    if let Some(moment) = moment {
                        to.component(component, &time::to_hl7(moment, back));
                    }
                }
            }
            Found::Range(range) => write_range(range, kind, &mut to),
            Found::Ratio(ratio) => write_ratio(ratio, &mut to),
            Found::Attachment(value) if kind == "RP" => attachment::write_rp(value, to),
            Found::Attachment(value) => attachment::write_ed(value, to),
            Found::Boolean(answer) => to.component(1, if *answer { "Y" } else { "N" }),
            Found::Integer(number) => to.component(1, &number.to_string()),
        }
    }
}

fn write_quantity(value: &Quantity, kind: &str, to: &mut RepetitionWriter<'_>) {
    let Some(number) = &value.value else { return };
    if kind == "SN" {
        let equals = quantity::original_has(&value.extension, "=");
        to.component(
            1,
            value
                .comparator
                .as_deref()
                .unwrap_or(if equals { "=" } else { "" }),
        );
        to.component(2, number.as_str());
    } else {
        let sent = quantity::original(&value.extension);
        let sign = value.comparator.as_deref().unwrap_or_default();
        let digits = |sent: &Text| quantity::number(sent.strip_prefix(sign)?.trim());
        let same = |sent: &&Text| digits(sent).is_some_and(|(sent, _)| sent == *number);
        match sent.filter(same) {
            Some(sent) => to.component(1, sent),
            None => to.component(1, &format!("{sign}{number}")),
        }
    }
}

fn write_range(range: &Range, kind: &str, to: &mut RepetitionWriter<'_>) {
    let number = |bound: &Option<Quantity>| bound.as_ref().and_then(|bound| bound.value.clone());
    let (low, high) = (number(&range.low), number(&range.high));
    let places = if kind == "NR" { [1, 2] } else { [2, 4] };
    for (place, bound) in places.iter().zip([&low, &high]) {
        if let Some(bound) = bound {
            to.component(*place, bound.as_str());
        }
    }
    if kind != "NR" {
        to.component(3, "-");
    }
}

fn write_ratio(ratio: &Ratio, to: &mut RepetitionWriter<'_>) {
    let number = |part: &Option<Quantity>| part.as_ref().and_then(|part| part.value.clone());
    let comparator = ratio
        .numerator
        .as_ref()
        .and_then(|part| part.comparator.as_deref());
    let equals = quantity::original_has(&ratio.extension, "=");
    to.component(1, comparator.unwrap_or(if equals { "=" } else { "" }));
    if let Some(numerator) = number(&ratio.numerator) {
        to.component(2, numerator.as_str());
    }
    to.component(
        3,
        if quantity::original_has(&ratio.extension, "/") {
            "/"
        } else {
            ":"
        },
    );
    if let Some(denominator) = number(&ratio.denominator) {
        to.component(4, denominator.as_str());
    }
}

/// An SN that was no number, range or ratio was joined with spaces: sign, number, sign, number.
fn write_structured(text: &str, to: &mut RepetitionWriter<'_>) {
    let mut place = 1;
    for part in text.split(' ').filter(|part| !part.is_empty()) {
        let number = quantity::number(part).is_some();
        if number && place % 2 == 1 {
            place += 1;
        }
        to.component(place.min(4), part);
        place += 1;
    }
}

/// Words that stood in a structured type go back to its components.
fn write_words(text: &str, to: &mut RepetitionWriter<'_>) {
    for (n, part) in (1..).zip(text.split('^')) {
        for (m, piece) in (1..).zip(part.split('&')) {
            to.subcomponent(n, m, piece);
        }
    }
}

/// The units of a value, for OBX-6.
pub(crate) fn units<'o>(found: &Found<'o>) -> Option<&'o Quantity> {
    match found {
        Found::Quantity(value) => Some(value),
        Found::Range(range) => range.low.as_ref().or(range.high.as_ref()),
        Found::Ratio(ratio) => ratio.numerator.as_ref(),
        _ => None,
    }
}
