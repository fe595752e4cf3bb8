//! XTN: telephone numbers, e-mail addresses and the like.
//!
//! A number stands whole in XTN.1 or XTN.12, or in parts in XTN.5 to XTN.8; the parts are kept as the standard's
//! extensions and joined for people to read.

use fhir::{ContactPoint, Extension, Text};
use hl7v2::Repetition;

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::{code, time};
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

/// XTN to ContactPoint; `use_` is what the field means when XTN.2 does not say.
pub(crate) fn read(xtn: Repetition<'_>, use_: &'static str, cx: &mut Context<'_>) -> Option<ContactPoint> {
    let mut point = ContactPoint::default();
    let mut parts: [Option<Text>; 4] = [const { None }; 4];
    let mut whole = None;
    let mut address = None;
    let mut unformatted = None;
    let mut note = None;
    for (n, part) in xtn.parts() {
        match n {
            1 => whole = cx.take(part, ".value"),
            2 => (point.use_, point.use_element) = code::read(part, &cx.vocabulary.telecom_use, cx, ".use"),
            3 => {
                let table = &cx.vocabulary.telecom_system;
                (point.system, point.system_element) = code::read(part, table, cx, ".system");
                if cx.peek(part).is_some_and(|equipment| equipment == "CP") {
                    point.use_ = Some(Text::const_new("mobile"));
                }
            }
            4 => address = cx.take(part, ".value"),
            5..=8 => {
                let index = usize::from(n - 5);
                if let (Some((_, _, member)), Some(slot)) = (PARTS.get(index), parts.get_mut(index)) {
                    *slot = cx.take(part, member);
                }
            }
            9 => note = cx.take(part, ".extension(XTN.9)"),
            12 => unformatted = cx.take(part, ".value"),
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
            _ => {}
        }
    }
    let joined = join(&parts);
    push_parts(&mut point, parts);
    if let Some(note) = note {
        push(&mut point, "urn:hl7v2:component:XTN.9", note);
    }
    set_value(&mut point, [whole, unformatted, joined, address]);
    point.value.as_ref()?;
    if point.system.is_none() {
        point.system = Some(Text::const_new(guess_system(&point)));
    }
    if point.use_.is_none() && !use_.is_empty() {
        point.use_ = Some(Text::const_new(use_));
    }
    Some(point)
}

/// E-mail equipment takes the address; everything else the number, whole before joined. A second one is kept apart.
fn set_value(point: &mut ContactPoint, [whole, unformatted, joined, address]: [Option<Text>; 4]) {
    let email = point.system.as_deref() == Some("email");
    let mut values = if email {
        [(4, address), (1, whole), (12, unformatted), (0, joined)]
    } else {
        [(1, whole), (12, unformatted), (0, joined), (4, address)]
    }
    .into_iter()
    .filter_map(|(n, text)| Some((n, text?)));
    let Some((from, first)) = values.next() else {
        return;
    };
    if from == 4 && point.system.is_none() {
        point.system = Some(Text::const_new("email"));
    }
    let elsewhere = from == 12 || (from == 4 && !email);
    let rest: Vec<(u16, Text)> = values.filter(|(n, text)| *n > 0 && *text != first).collect();
    point.value = Some(first);
    if elsewhere {
        mark_source(point, from);
    }
    for (n, text) in rest {
        push(
            point,
            if n == 4 {
                XTN_4
            } else if n == 1 {
                XTN_1
            } else {
                XTN_12
            },
            text,
        );
    }
}

const XTN_1: &str = "urn:hl7v2:component:XTN.1";
const XTN_4: &str = "urn:hl7v2:component:XTN.4";
const XTN_12: &str = "urn:hl7v2:component:XTN.12";

/// Remembers that the value stood elsewhere than the way back would put it.
fn mark_source(point: &mut ContactPoint, n: u16) {
    let url = if n == 12 { XTN_12 } else { XTN_4 };
    let extension = Extension {
        url: Some(Text::const_new(url)),
        value_boolean: Some(true),
        ..Extension::default()
    };
    point
        .value_element
        .get_or_insert_default()
        .extension
        .push(extension);
}

fn guess_system(point: &ContactPoint) -> &'static str {
    // FHIR asks for a system wherever there is a value; what has an at sign is mail, the rest of XTN is telephones.
    if point.value.as_deref().is_some_and(|value| value.contains('@')) {
        "email"
    } else {
        "phone"
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

fn push_parts(point: &mut ContactPoint, parts: [Option<Text>; 4]) {
    for ((_, url, _), part) in PARTS.iter().zip(parts) {
        if let Some(part) = part {
            push(point, url, part);
        }
    }
}

fn push(point: &mut ContactPoint, url: &'static str, text: Text) {
    point.extension.push(Extension {
        url: Some(Text::const_new(url)),
        value_string: Some(text),
        ..Extension::default()
    });
}

/// ContactPoint to XTN; `implied` is the use the field stands for.
pub(crate) fn write(point: &ContactPoint, implied: &str, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let mobile = point.use_.as_deref() == Some("mobile");
    let use_ = point.use_.as_ref().filter(|use_| use_.as_str() != implied);
    let use_ = code::write(use_, &point.use_element, &back.vocabulary.telecom_use);
    to.optional(2, use_.as_ref());
    let email = point.system.as_deref() == Some("email");
    let equipment = code::write(
        point.system.as_ref(),
        &point.system_element,
        &back.vocabulary.telecom_system,
    );
    if mobile && !email {
        to.component(3, "CP");
    } else {
        to.optional(3, equipment.as_ref());
    }
    let kept = |url: &str| point.extension.iter().find(|e| e.url.as_deref() == Some(url));
    let text = |url: &str| kept(url).and_then(|extension| extension.value_string.as_ref());
    let mut split = false;
    for (n, url, _) in PARTS {
        if let Some(part) = text(url) {
            to.component(n, part);
            split = true;
        }
    }
    for (n, url) in [
        (1, XTN_1),
        (4, XTN_4),
        (12, XTN_12),
        (9, "urn:hl7v2:component:XTN.9"),
    ] {
        to.optional(n, text(url));
    }
    let from = |url: &str| {
        let mut extensions = point.value_element.iter().flat_map(|element| &element.extension);
        extensions.any(|extension| extension.url.as_deref() == Some(url))
    };
    if let Some(value) = &point.value {
        if from(XTN_12) {
            to.component(12, value);
        } else if email || from(XTN_4) {
            to.component(4, value);
        } else if !split || Some(value) != rejoined(point).as_ref() {
            to.component(1, value);
        }
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

/// What the parts give when joined, to tell a whole number from a joined one.
fn rejoined(point: &ContactPoint) -> Option<Text> {
    let part = |url: &str| {
        point
            .extension
            .iter()
            .find(|e| e.url.as_deref() == Some(url))
            .and_then(|e| e.value_string.clone())
    };
    join(&PARTS.map(|(_, url, _)| part(url)))
}
