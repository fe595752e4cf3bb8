//! Cells that many rows share: the reader and the writer of one data type, bound to one member.
//!
//! Each macro expands to a whole row, so that a map reads like the guide's table: field, element, member. The
//! row's type is the `Row` in scope. `a => b` names member `b` of the optional member `a`. A row that needs a
//! condition is written out as functions instead.

/// A leaf of text to a string.
macro_rules! text {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(text) = cx.take(field, "") {
                    one.$($path).+ = Some(text);
                }
                $crate::row::cells::keep_more(field, one, cx);
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                field.nth(1).optional(1, one.$($path).+.as_ref());
            },
        )
    };
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(text) = cx.take(field, "") {
                    one.$($path).+.get_or_insert_default().$inner = Some(text);
                }
                $crate::row::cells::keep_more(field, one, cx);
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                let found = one.$($path).+.as_ref().and_then(|outer| outer.$inner.as_ref());
                field.nth(1).optional(1, found);
            },
        )
    };
}

/// A coded field to one concept; what else the field repeats is kept beside it.
macro_rules! concept {
    ($field:literal, $element:literal, $($path:ident).+) => {
        concept!($field, $element, $($path).+, none)
    };
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::row::cells::first_concept(field, None, one, cx) {
                    one.$($path).+.get_or_insert_default().$inner = Some(found);
                }
            },
            |one, field, back| {
                let found = one.$($path).+.as_ref().and_then(|outer| outer.$inner.as_ref());
                $crate::row::cells::put_concept(found, None, one, field, back);
            },
        )
    };
    ($field:literal, $element:literal, $($path:ident).+, none) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::row::cells::first_concept(field, None, one, cx) {
                    one.$($path).+ = Some(found);
                }
            },
            |one, field, back| {
                $crate::row::cells::put_concept(one.$($path).+.as_ref(), None, one, field, back);
            },
        )
    };
    ($field:literal, $element:literal, $($path:ident).+, $table:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                let table = Some(&cx.vocabulary.$table);
                if let Some(found) = $crate::row::cells::first_concept(field, table, one, cx) {
                    one.$($path).+ = Some(found);
                }
            },
            |one, field, back| {
                let table = Some(&back.vocabulary.$table);
                $crate::row::cells::put_concept(one.$($path).+.as_ref(), table, one, field, back);
            },
        )
    };
}

/// A coded field to a list of concepts.
macro_rules! concepts {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| $crate::datatype::concept::all(field, None, &mut one.$($path).+, cx),
            |one, field, back| $crate::datatype::concept::put_all(&one.$($path).+, None, field, back),
        )
    };
}

/// A time to a dateTime.
macro_rules! moment {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::datatype::time::date_time(field, cx, "") {
                    one.$($path).+ = Some(found);
                }
            },
            |one, field, back| $crate::datatype::time::put(one.$($path).+.as_deref(), field, back),
        )
    };
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::datatype::time::date_time(field, cx, "") {
                    one.$($path).+.get_or_insert_default().$inner = Some(found);
                }
            },
            |one, field, back| {
                let found = one.$($path).+.as_ref().and_then(|outer| outer.$inner.as_deref());
                $crate::datatype::time::put(found, field, back);
            },
        )
    };
}

/// A person to a reference to a Practitioner; what else the field repeats is kept.
macro_rules! person {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::datatype::person::read(field.repetition(1), cx) {
                    one.$($path).+ = Some(found);
                }
                $crate::row::cells::keep_rest(field, one, cx);
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                if let Some(found) = &one.$($path).+ {
                    $crate::datatype::person::write(found, field.nth(1), back);
                }
            },
        )
    };
}

/// An EI to an identifier of the list, the first of its type.
macro_rules! number {
    ($field:literal, $element:literal, $($path:ident).+, $kind:literal) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                $crate::row::cells::read_number(field, $kind, &mut one.$($path).+, cx);
                $crate::row::cells::keep_rest(field, one, cx);
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                $crate::row::cells::write_number(&one.$($path).+, $kind, field, back);
            },
        )
    };
}

/// A number to the value of a quantity; what is no number is kept as it was sent.
macro_rules! amount {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| match $crate::datatype::quantity::decimal(field, cx, "") {
                Some(value) => {
                    one.$($path).+.get_or_insert_default().value = Some(value);
                    $crate::row::cells::keep_more(field, one, cx);
                }
                None => $crate::keep::read_field(field, one, cx),
            },
            |one, field, back| {
                $crate::row::cells::put_amount(one.$($path).+.as_ref(), one, field, back);
            },
        )
    };
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| match $crate::datatype::quantity::decimal(field, cx, "") {
                Some(value) => {
                    let outer = one.$($path).+.get_or_insert_default();
                    outer.$inner.get_or_insert_default().value = Some(value);
                    $crate::row::cells::keep_more(field, one, cx);
                }
                None => $crate::keep::read_field(field, one, cx),
            },
            |one, field, back| {
                let found = one.$($path).+.as_ref().and_then(|outer| outer.$inner.as_ref());
                $crate::row::cells::put_amount(found, one, field, back);
            },
        )
    };
}

/// A coded unit to the unit of a quantity.
macro_rules! unit {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                let quantity = one.$($path).+.get_or_insert_default();
                $crate::row::cells::read_unit(quantity, field, cx);
                $crate::row::cells::keep_long_unit(field, one, cx);
            },
            |one, field, back| {
                $crate::row::cells::put_unit(one.$($path).+.as_ref(), one, field, back);
            },
        )
    };
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                let outer = one.$($path).+.get_or_insert_default();
                $crate::row::cells::read_unit(outer.$inner.get_or_insert_default(), field, cx);
                $crate::row::cells::keep_long_unit(field, one, cx);
            },
            |one, field, back| {
                let found = one.$($path).+.as_ref().and_then(|outer| outer.$inner.as_ref());
                $crate::row::cells::put_unit(found, one, field, back);
            },
        )
    };
}

/// A whole number.
macro_rules! count {
    ($field:literal, $element:literal, $($path:ident).+ => $inner:ident) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| match $crate::row::cells::whole(field, cx) {
                Some(number) => one.$($path).+.get_or_insert_default().$inner = Some(number),
                None => $crate::keep::read_field(field, one, cx),
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                if let Some(number) = one.$($path).+.as_ref().and_then(|outer| outer.$inner) {
                    field.set(number.to_string());
                }
            },
        )
    };
}

/// Names to a list of them.
macro_rules! names {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                for xpn in field.repetitions() {
                    cx.at(one.$($path).+.len());
                    one.$($path).+.extend($crate::datatype::name::read(xpn, cx));
                }
            },
            |one, field, back| {
                for found in &one.$($path).+ {
                    $crate::datatype::name::write(found, $crate::datatype::name::XPN, &mut field.repetition(), back);
                }
            },
        )
    };
}

/// Addresses to a list of them.
macro_rules! addresses {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                for xad in field.repetitions() {
                    cx.at(one.$($path).+.len());
                    one.$($path).+.extend($crate::datatype::address::read(xad, cx));
                }
            },
            |one, field, back| {
                for found in &one.$($path).+ {
                    $crate::datatype::address::write(found, field.repetition(), back);
                }
            },
        )
    };
}

/// Telephone numbers to a list of them; the use tells work from everything else, a mark where it does not.
macro_rules! points {
    ($field:literal, $element:literal, $($path:ident).+, $use:literal) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| $crate::row::cells::read_points(field, $use, &mut one.$($path).+, cx),
            |one, field, back| $crate::row::cells::write_points(&one.$($path).+, $use, field, back),
        )
    };
}

/// CX identifiers to a list of them, marked by their place where the list has another usual one.
macro_rules! identifiers {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| $crate::row::cells::read_identifiers(field, "", &mut one.$($path).+, cx),
            |one, field, back| $crate::row::cells::write_identifiers(&one.$($path).+, "", field, back),
        )
    };
    ($field:literal, $element:literal, $($path:ident).+, $mark:literal) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| $crate::row::cells::read_identifiers(field, $mark, &mut one.$($path).+, cx),
            |one, field, back| $crate::row::cells::write_identifiers(&one.$($path).+, $mark, field, back),
        )
    };
}

/// A code to one of FHIR's own list, the code as sent beside it where the list says less.
macro_rules! code {
    ($field:literal, $element:literal, $table:ident, $($path:ident).+, $($sibling:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                let table = &cx.vocabulary.$table;
                let (code, sibling) = $crate::datatype::code::read(field, table, cx, "");
                (one.$($path).+, one.$($sibling).+) = (code, sibling);
                $crate::row::cells::keep_more(field, one, cx);
            },
            |one, field, back| {
                $crate::keep::write_field(one, field, back);
                let table = &back.vocabulary.$table;
                let code = $crate::datatype::code::write(one.$($path).+.as_ref(), &one.$($sibling).+, table);
                field.nth(1).optional(1, code.as_ref());
            },
        )
    };
}

/// A date to the day.
macro_rules! day {
    ($field:literal, $element:literal, $($path:ident).+) => {
        Row::new(
            $field,
            $element,
            |field, one, cx| {
                if let Some(found) = $crate::datatype::time::date(field, cx, "") {
                    one.$($path).+ = Some(found);
                }
            },
            |one, field, back| $crate::datatype::time::put(one.$($path).+.as_deref(), field, back),
        )
    };
}

use fhir::{CodeableConcept, ContactPoint, Extension, Identifier, Quantity};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, identifier, quantity, telecom};
use crate::keep;
use crate::row::Extensible;
use crate::vocabulary::Vocabulary;

/// The reason of a set id.
pub(crate) const SET_ID: &str = "a set id; the order of entries says it";

/// Where FHIR has room for one of a repeating field, the whole field travels beside it.
pub(crate) fn keep_rest<R: Extensible>(field: Field<'_>, one: &mut R, cx: &mut Context<'_>) {
    if field.repetitions().count() > 1 {
        keep::read_field(field, one, cx);
    }
}

/// Where FHIR has room for one text, whatever else the field holds travels beside it.
pub(crate) fn keep_more<R: Extensible>(field: Field<'_>, one: &mut R, cx: &mut Context<'_>) {
    if field.repetitions().count() > 1 || field.repetition(1).components().count() > 1 {
        keep::read_field(field, one, cx);
    }
}

/// The first repetition of a coded field; the others are kept.
pub(crate) fn first_concept<R: Extensible>(
    field: Field<'_>,
    table: Option<&Vocabulary>,
    one: &mut R,
    cx: &mut Context<'_>,
) -> Option<CodeableConcept> {
    let found = concept::first(field, table, cx);
    keep_rest(field, one, cx);
    found
}

/// The concept into the first repetition, what was kept behind it.
pub(crate) fn put_concept<R: Extensible>(
    found: Option<&CodeableConcept>,
    table: Option<&Vocabulary>,
    one: &R,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    if let Some(found) = found {
        concept::write(found, table, field.nth(1), back);
    }
    write_rest(one, field);
}

/// The repetitions behind the first of a field that was kept whole.
pub(crate) fn write_rest<R: Extensible>(one: &R, field: &mut FieldWriter<'_>) {
    if one.extensions().is_empty() {
        return;
    }
    if let Some(kept) = keep::carried_text(one.extensions(), &field.place()) {
        field.put_er7_behind(kept, u16::from(!field.is_empty()));
    }
}

/// An EI becomes an identifier with a type; the same one from two fields stands once.
pub(crate) fn read_number(
    field: Field<'_>,
    kind: &'static str,
    list: &mut Vec<Identifier>,
    cx: &mut Context<'_>,
) {
    cx.at(list.len());
    if let Some(one) = identifier::read_ei(field.repetition(1), cx) {
        let one = if kind.is_empty() {
            one
        } else {
            identifier::typed(one, kind)
        };
        if !list.contains(&one) {
            list.push(one);
        }
    }
}

/// The identifier of this type; an empty type is that of an identifier without one.
pub(crate) fn write_number(list: &[Identifier], kind: &str, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let wanted = |one: &&Identifier| match kind {
        "" => one.type_.is_none(),
        kind => identifier::is_typed(one, kind),
    };
    if let Some(one) = list.iter().find(wanted) {
        identifier::write_ei(one, field.nth(1), back);
    }
}

pub(crate) fn put_amount<R: Extensible>(
    found: Option<&Quantity>,
    one: &R,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(one, field, back);
    if let Some(value) = found.and_then(|found| found.value.as_ref()) {
        field.nth(1).component(1, value.as_str());
    }
}

pub(crate) fn read_unit(found: &mut Quantity, field: Field<'_>, cx: &mut Context<'_>) {
    quantity::set_unit(found, field.repetition(1), cx);
}

/// A unit with more than code, text and system travels whole.
pub(crate) fn keep_long_unit<R: Extensible>(field: Field<'_>, one: &mut R, cx: &mut Context<'_>) {
    let long = field.repetition(1).components().count() > 3;
    if long || field.repetitions().count() > 1 {
        keep::read_field(field, one, cx);
    }
}

pub(crate) fn put_unit<R: Extensible>(
    found: Option<&Quantity>,
    one: &R,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    keep::write_field(one, field, back);
    if !field.is_empty() {
        return;
    }
    if let Some(found) = found {
        for (n, text) in quantity::unit_parts(found, back) {
            field.nth(1).component(n, &text);
        }
    }
}

/// A whole number of 0 or more.
pub(crate) fn whole(field: Field<'_>, cx: &mut Context<'_>) -> Option<u32> {
    let number = cx.peek(field)?.parse::<u32>().ok()?;
    cx.record(field, crate::ledger::Outcome::Mapped, "", "");
    Some(number)
}

/// The place that an element was marked with.
fn marked(extensions: &[Extension]) -> Option<&str> {
    let mark = extensions
        .iter()
        .find(|e| e.url.as_deref() == Some(keep::PLACE))?;
    mark.value_string.as_deref()
}

fn is_work(point: &ContactPoint) -> bool {
    point.use_.as_deref() == Some("work")
}

pub(crate) fn read_points(
    field: Field<'_>,
    use_: &'static str,
    list: &mut Vec<ContactPoint>,
    cx: &mut Context<'_>,
) {
    let from = list.len();
    telecom::read(field, use_, list, cx);
    let place = format!("{}-{}", cx.rule.segment, cx.rule.field);
    for point in list.iter_mut().skip(from) {
        if is_work(point) != (use_ == "work") {
            point.extension.push(keep::mark(place.as_str()));
        }
    }
}

pub(crate) fn write_points(list: &[ContactPoint], use_: &str, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let own = |point: &&ContactPoint| match marked(&point.extension) {
        Some(at) => at == place,
        None => is_work(point) == (use_ == "work"),
    };
    telecom::write(list.iter().filter(own), field, back);
}

pub(crate) fn read_identifiers(
    field: Field<'_>,
    mark: &'static str,
    list: &mut Vec<Identifier>,
    cx: &mut Context<'_>,
) {
    for one in field.repetitions() {
        cx.at(list.len());
        let Some(mut found) = identifier::read_cx(one, cx) else {
            continue;
        };
        if !mark.is_empty() {
            found.extension.push(keep::mark(mark));
        }
        list.push(found);
    }
}

pub(crate) fn write_identifiers(
    list: &[Identifier],
    mark: &str,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    let own = |one: &&Identifier| marked(&one.extension).unwrap_or_default() == mark;
    for one in list.iter().filter(own) {
        identifier::write_cx(one, field.repetition(), back);
    }
}

/// A number of no type of its own, to the identifier of a type.
pub(crate) fn read_typed(
    field: Field<'_>,
    kind: &'static str,
    list: &mut Vec<Identifier>,
    cx: &mut Context<'_>,
) {
    cx.at(list.len());
    if let Some(value) = cx.take(field, ".value") {
        let found = Identifier {
            value: Some(value),
            extension: vec![keep::mark(format!("{}-{}", cx.rule.segment, cx.rule.field))],
            ..Identifier::default()
        };
        list.push(identifier::typed(found, kind));
    }
}

/// The value of the identifier that was marked with this place.
pub(crate) fn write_typed(list: &[Identifier], field: &mut FieldWriter<'_>) {
    let place = field.place();
    let found = list
        .iter()
        .find(|one| marked(&one.extension) == Some(place.as_str()));
    field
        .repetition()
        .optional(1, found.and_then(|one| one.value.as_ref()));
}
