//! XTN: telephone numbers, e-mail addresses and the like.
//!
//! A number stands whole in XTN.1 or XTN.12, or in parts in XTN.5 to XTN.8; the parts are kept as the standard's
//! extensions and joined for people to read. An XTN that holds a number and an e-mail address is two points of
//! contact; the second says that it stood in the same repetition.

use fhir::{ContactPoint, Extension, Text};
use hl7v2::{Field, Repetition};

use crate::back::{Back, FieldWriter, RepetitionWriter, foreign};
use crate::context::{Composite, Context};
use crate::datatype::{code, time};
use crate::keep;
use crate::ledger::Outcome;

/// XTN.5 to XTN.8 with their extensions.
const PARTS: [(u16, &str, &str); 4] = [
    (
        5,
        "http://hl7.org/fhir/StructureDefinition/contactpoint-country",
        ".extension(country)",
    ),
    (
        6,
        "http://hl7.org/fhir/StructureDefinition/contactpoint-area",
        ".extension(area)",
    ),
    (
        7,
        "http://hl7.org/fhir/StructureDefinition/contactpoint-local",
        ".extension(local)",
    ),
    (
        8,
        "http://hl7.org/fhir/StructureDefinition/contactpoint-extension",
        ".extension(extension)",
    ),
];

/// Every repetition of an XTN field; `use_` is what the field means when XTN.2 does not say.
pub(crate) fn read(field: Field<'_>, use_: &'static str, to: &mut Vec<ContactPoint>, cx: &mut Context<'_>) {
    for xtn in field.repetitions() {
        cx.at(to.len());
        read_one(xtn, use_, to, cx);
    }
}

/// What the components of one XTN gave.
#[derive(Default)]
struct Parts {
    whole: Option<Text>,
    address: Option<Text>,
    numbers: [Option<Text>; 4],
    note: Option<Text>,
    unformatted: Option<Text>,
}

fn read_one(xtn: Repetition<'_>, use_: &'static str, to: &mut Vec<ContactPoint>, cx: &mut Context<'_>) {
    let mut point = ContactPoint::default();
    let mut parts = Parts::default();
    let mut mobile = false;
    for (n, part) in xtn.parts() {
        match n {
            1 => parts.whole = cx.take(part, ".value"),
            2 => (point.use_, point.use_element) = code::read(part, &cx.vocabulary.telecom_use, cx, ".use"),
            3 => {
                let table = &cx.vocabulary.telecom_system;
                (point.system, point.system_element) = code::read(part, table, cx, ".system");
                mobile = cx.peek(part).is_some_and(|equipment| equipment == "CP");
            }
            4 => parts.address = cx.take(part, ".value"),
            5..=8 => {
                let index = usize::from(n - 5);
                if let (Some((_, _, member)), Some(slot)) = (PARTS.get(index), parts.numbers.get_mut(index)) {
                    *slot = cx.take(part, member);
                }
            }
            9 => parts.note = cx.take(part, ".extension(XTN.9)"),
            12 => parts.unformatted = cx.take(part, ".value"),
            13 => {
                if let Some(start) = time::date_time(part, cx, ".period.start") {
                    point.period.get_or_insert_default().start = Some(start);
                }
            }
            14 => {
                if let Some(end) = time::date_time(part, cx, ".period.end") {
                    point.period.get_or_insert_default().end = Some(end);
                }
            }
            18 => point.rank = read_rank(part, cx),
            _ => keep::read_part::<Repetition<'_>>("XTN", n, part, &mut point.extension, cx),
        }
    }
    let sent = cx.peek(xtn.component(2)).map(|sent| Text::from(sent.as_ref()));
    settle_use(&mut point, sent, mobile, use_);
    set_values(point, parts, to);
}

/// A mobile telephone is a use in FHIR and equipment in HL7: what XTN.2 said beside it is kept.
fn settle_use(point: &mut ContactPoint, sent: Option<Text>, mobile: bool, implied: &'static str) {
    match sent {
        Some(sent) if mobile || sent == "PRS" => point.use_element = Some(code::alternate("0201", sent)),
        None if mobile => point.system_element = None,
        _ => {}
    }
    if mobile {
        point.use_ = Some(Text::const_new("mobile"));
    } else if point.use_.is_none() && !implied.is_empty() {
        point.use_ = Some(Text::const_new(implied));
    }
}

/// E-mail equipment takes the address first; everything else the number, whole before joined.
fn set_values(mut point: ContactPoint, parts: Parts, to: &mut Vec<ContactPoint>) {
    let Parts {
        whole,
        address,
        numbers,
        note,
        unformatted,
    } = parts;
    let email = point.system.as_deref() == Some("email");
    let joined = join(&numbers);
    for ((_, url, _), part) in PARTS.iter().zip(numbers) {
        if let Some(part) = part {
            point.extension.push(Extension {
                url: Some(Text::const_new(url)),
                value_string: Some(part),
                ..Extension::default()
            });
        }
    }
    point
        .extension
        .extend(note.map(|note| keep::carry_text("XTN.9", note)));
    let (address_first, address_second) = if email { (address, None) } else { (None, address) };
    let mut values = [(4, address_first), (1, whole), (12, unformatted), (0, joined)]
        .into_iter()
        .filter_map(|(n, text)| Some((n, text?)));
    match values.next() {
        Some((from, value)) => {
            let rest: Vec<(u16, Text)> = values.filter(|(n, text)| *n > 0 && *text != value).collect();
            let (unformatted, rest): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|(n, _)| *n == 12 && !email);
            if (from == 12) || (from == 1 && email) {
                let place = if from == 12 { "XTN.12" } else { "XTN.1" };
                point
                    .value_element
                    .get_or_insert_default()
                    .extension
                    .push(keep::mark(place));
            }
            point.extension.extend(
                rest.into_iter()
                    .map(|(n, text)| keep::carry_text(if n == 1 { "XTN.1" } else { "XTN.12" }, text)),
            );
            if point.system.is_none() {
                // FHIR asks for a system wherever there is a value: an at sign is mail, the rest of XTN telephones.
                let system = if value.contains('@') { "email" } else { "phone" };
                point.system = Some(Text::const_new(system));
            }
            point.value = Some(value);
            let beside = address_second.filter(|address| Some(address) != point.value.as_ref());
            let second = beside.map(|address| ContactPoint {
                system: Some(Text::const_new("email")),
                value: Some(address),
                use_: point.use_.clone().filter(|use_| use_ != "mobile"),
                extension: vec![keep::mark("XTN.4")],
                ..ContactPoint::default()
            });
            // A number that stands beside another one is a number of its own.
            let third = unformatted.into_iter().map(|(_, number)| ContactPoint {
                system: point.system.clone(),
                value: Some(number),
                use_: point.use_.clone(),
                period: point.period.clone(),
                extension: vec![keep::mark("XTN.12")],
                ..ContactPoint::default()
            });
            let third: Vec<ContactPoint> = third.collect();
            to.push(point);
            to.extend(second);
            to.extend(third);
        }
        None => {
            let Some(address) = address_second else { return };
            // An address in XTN.4 is mail, whatever equipment stands beside it.
            let sent = point.system.replace(Text::const_new("email"));
            point
                .extension
                .extend(sent.map(|system| keep::carry_text("XTN.3", system)));
            point.value = Some(address);
            to.push(point);
        }
    }
}

fn read_rank(part: hl7v2::Component<'_>, cx: &mut Context<'_>) -> Option<u32> {
    let rank = cx.peek(part)?.parse().ok().filter(|rank| *rank > 0)?;
    cx.record(part, Outcome::Mapped, ".rank", "");
    Some(rank)
}

/// `+44 20 7946 0000 X12` from country, area, local and extension.
fn join([country, area, local, extension]: &[Option<Text>; 4]) -> Option<Text> {
    let local = local.as_ref()?;
    let mut number = Text::const_new("");
    if let Some(country) = country {
        number.push('+');
        number.push_str(country.trim_start_matches('+'));
        number.push(' ');
    }
    if let Some(area) = area {
        number.push_str(area);
        number.push(' ');
    }
    number.push_str(local);
    if let Some(extension) = extension {
        number.push_str(" X");
        number.push_str(extension);
    }
    Some(number)
}

/// Points of contact to the repetitions of a field.
pub(crate) fn write<'p>(
    points: impl IntoIterator<Item = &'p ContactPoint>,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    for point in points {
        match (&point.value, field.repetitions()) {
            (Some(address), last @ 1..) if keep::is_marked(&point.extension, "XTN.4") => {
                field.nth(last).component(4, address);
            }
            (Some(number), last @ 1..) if keep::is_marked(&point.extension, "XTN.12") => {
                field.nth(last).component(12, number);
            }
            _ => write_one(point, field.repetition(), back),
        }
    }
}

fn write_one(point: &ContactPoint, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let email = point.system.as_deref() == Some("email");
    let sent = code::sent(&point.use_element);
    // Without a use as sent, mobile is what the equipment says.
    let mobile = point.use_.as_deref() == Some("mobile") && sent.is_none() && !email;
    let use_ = point.use_.as_ref().filter(|_| !mobile);
    to.optional(
        2,
        code::write(use_, &point.use_element, &back.vocabulary.telecom_use).as_ref(),
    );
    write_system(point, mobile, &mut to, back);
    let text = |url: &str| {
        let found = point.extension.iter().find(|e| e.url.as_deref() == Some(url));
        found.and_then(|extension| extension.value_string.as_ref())
    };
    let numbers = PARTS.map(|(_, url, _)| text(url).cloned());
    for ((n, _, _), part) in PARTS.iter().zip(&numbers) {
        to.optional(*n, part.as_ref());
    }
    for (n, place) in [(1, "XTN.1"), (9, "XTN.9"), (12, "XTN.12")] {
        to.optional(n, keep::carried_text(&point.extension, place));
    }
    let marks = point
        .value_element
        .as_ref()
        .map(|element| element.extension.as_slice())
        .unwrap_or_default();
    if let Some(value) = &point.value {
        if keep::is_marked(marks, "XTN.12") {
            to.component(12, value);
        } else if keep::is_marked(marks, "XTN.1") {
            to.component(1, value);
        } else if email {
            to.component(4, value);
        } else if back.foreign && foreign::places_number(&point.extension) {
            // The parts below say where it stands.
        } else if Some(value) != join(&numbers).as_ref() {
            to.component(1, value);
        }
    }
    keep::write_parts(&point.extension, "XTN", &mut to);
    if back.foreign {
        foreign::write_xtn(&point.extension, &mut to);
    }
    if let Some(rank) = point.rank {
        to.component(18, &rank.to_string());
    }
    if let Some(period) = &point.period {
        for (component, moment) in [(13, &period.start), (14, &period.end)] {
            if let Some(moment) = moment {
                to.component(component, &time::to_hl7(moment, back));
            }
        }
    }
}

fn write_system(point: &ContactPoint, mobile: bool, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    let table = &back.vocabulary.telecom_system;
    if let Some(system) = keep::carried_text(&point.extension, "XTN.3") {
        let sent = code::write(Some(system), &point.system_element, table);
        to.optional(3, sent.as_ref());
    } else if mobile && code::sent(&point.system_element).is_none_or(|sent| sent == "CP") {
        to.component(3, "CP");
    } else {
        let equipment = code::write(point.system.as_ref(), &point.system_element, table);
        to.optional(3, equipment.as_ref());
    }
}
