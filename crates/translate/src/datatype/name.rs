//! XPN, and the name inside XCN: person names.

use fhir::{Element, Extension, HumanName, Period, Text};
use hl7v2::{Component, Repetition};

use crate::back::{Back, FieldWriter, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::{code, time};
use crate::keep;
use crate::ledger::Outcome;

const OWN_PREFIX: &str = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix";
const OWN_NAME: &str = "http://hl7.org/fhir/StructureDefinition/humanname-own-name";
const PARTNER_PREFIX: &str = "http://hl7.org/fhir/StructureDefinition/humanname-partner-prefix";
const PARTNER_NAME: &str = "http://hl7.org/fhir/StructureDefinition/humanname-partner-name";
const ASSEMBLY_ORDER: &str = "http://hl7.org/fhir/StructureDefinition/humanname-assembly-order";
const QUALIFIER: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier";

/// FN.2 to FN.5 in their order.
const FAMILY_PARTS: [(u16, &str); 4] = [
    (2, OWN_PREFIX),
    (3, OWN_NAME),
    (4, PARTNER_PREFIX),
    (5, PARTNER_NAME),
];

/// Marks the name someone is called by, which stood in the repetition of the name before it.
const CALLED_BY: &str = "XPN.15";

/// Every repetition of an XPN field. The name someone is called by (XPN.15) is a name of its own, with the same family.
pub(crate) fn read_all(field: hl7v2::Field<'_>, to: &mut Vec<HumanName>, cx: &mut Context<'_>) {
    for xpn in field.repetitions() {
        cx.at(to.len());
        let Some(mut name) = read(xpn, cx) else { continue };
        let called = keep::carried_text(&name.extension, CALLED_BY).cloned();
        if let Some(called) = called {
            let is_called =
                |one: &Extension| keep::carried_text(std::slice::from_ref(one), CALLED_BY).is_some();
            name.extension.retain(|one| !is_called(one));
            cx.record_component(xpn.component(15), Outcome::Mapped, ".given", "");
            let nickname = HumanName {
                use_: Some(Text::const_new("nickname")),
                family: name.family.clone(),
                given: vec![called],
                extension: vec![keep::mark(CALLED_BY)],
                ..HumanName::default()
            };
            to.extend([name, nickname]);
        } else {
            to.push(name);
        }
    }
}

/// Names to the repetitions of an XPN field.
pub(crate) fn write_all<'n>(
    names: impl IntoIterator<Item = &'n HumanName>,
    field: &mut FieldWriter<'_>,
    back: &Back<'_>,
) {
    for name in names {
        match (name.given.first(), field.repetitions()) {
            (Some(called), last @ 1..) if keep::is_marked(&name.extension, CALLED_BY) => {
                field.nth(last).component(15, called);
            }
            _ => write(name, XPN, &mut field.repetition(), back),
        }
    }
}

/// XPN to HumanName.
pub(crate) fn read(xpn: Repetition<'_>, cx: &mut Context<'_>) -> Option<HumanName> {
    let mut name = HumanName::default();
    for (n, part) in xpn.parts() {
        match n {
            1 => read_family(part, &mut name, cx, ".family"),
            2 => name.given.extend(cx.take(part, ".given")),
            3 => push_middle(&mut name, cx.take(part, ".given"), "XPN.3"),
            4 => push_suffix(&mut name, cx.take(part, ".suffix"), Suffix::Plain),
            14 => push_suffix(&mut name, cx.take(part, ".suffix"), Suffix::Professional),
            5 => name.prefix.extend(cx.take(part, ".prefix")),
            6 => push_suffix(&mut name, cx.take(part, ".suffix"), Suffix::Academic),
            7 => (name.use_, name.use_element) = code::read(part, &cx.vocabulary.name_type, cx, ".use"),
            10 => {
                let period = time::period_within(part, cx, (".period.start", ".period.end"));
                set_period(&mut name, period, "XPN.10");
            }
            11 => push_order(&mut name, part, cx),
            12 => name.period.get_or_insert_default().start = time::date_time(part, cx, ".period.start"),
            13 => name.period.get_or_insert_default().end = time::date_time(part, cx, ".period.end"),
            _ => keep::read_part::<Repetition<'_>>("XPN", n, part, &mut name.extension, cx),
        }
    }
    finish(name)
}

/// A degree among the suffixes of a name.
pub(crate) fn push_degree(name: &mut HumanName, degree: Option<Text>) {
    push_suffix(name, degree, Suffix::Academic);
}

/// XCN.2 to XCN.6 and its relatives, for a person with an identifier.
pub(crate) fn read_of_person(n: u16, part: Component<'_>, name: &mut HumanName, cx: &mut Context<'_>) {
    match n {
        2 => read_family(part, name, cx, "Practitioner.name.family"),
        3 => name.given.extend(cx.take(part, "Practitioner.name.given")),
        4 => push_middle(name, cx.take(part, "Practitioner.name.given"), "XCN.4"),
        5 => push_suffix(name, cx.take(part, "Practitioner.name.suffix"), Suffix::Plain),
        21 => push_suffix(
            name,
            cx.take(part, "Practitioner.name.suffix"),
            Suffix::Professional,
        ),
        6 => name.prefix.extend(cx.take(part, "Practitioner.name.prefix")),
        10 => {
            let member = "Practitioner.name.use";
            (name.use_, name.use_element) = code::read(part, &cx.vocabulary.name_type, cx, member);
        }
        17 => {
            let members = ("Practitioner.name.period.start", "Practitioner.name.period.end");
            set_period(name, time::period_within(part, cx, members), "XCN.17");
        }
        18 => push_order(name, part, cx),
        19 => {
            name.period.get_or_insert_default().start =
                time::date_time(part, cx, "Practitioner.name.period.start");
        }
        20 => {
            name.period.get_or_insert_default().end =
                time::date_time(part, cx, "Practitioner.name.period.end");
        }
        _ => keep::read_part::<Repetition<'_>>("XCN", n, part, &mut name.extension, cx),
    }
}

/// A name with nothing in it is none; a period with nothing in it neither.
pub(crate) fn finish(mut name: HumanName) -> Option<HumanName> {
    if name
        .period
        .as_ref()
        .is_some_and(|period| period.start.is_none() && period.end.is_none())
    {
        name.period = None;
    }
    if !name.suffix_element.is_empty() {
        // The two lists of a repeated primitive line up.
        name.suffix_element.resize(name.suffix.len(), None);
    }
    let empty = name.family.is_none()
        && name.family_element.is_none()
        && name.given.is_empty()
        && name.prefix.is_empty()
        && name.suffix.is_empty()
        && name.text.is_none();
    // A type, a period or an order alone names nobody.
    (!empty).then_some(name)
}

fn read_family(part: Component<'_>, name: &mut HumanName, cx: &mut Context<'_>, member: &'static str) {
    name.family = cx.take(part.subcomponent(1), member);
    for (n, leaf) in part.parts().filter(|(n, _)| *n > 1) {
        let Some((_, url)) = FAMILY_PARTS.iter().find(|(known, _)| *known == n) else {
            continue;
        };
        if let Some(text) = cx.take(leaf, member) {
            name.family_element
                .get_or_insert_default()
                .extension
                .push(Extension {
                    url: Some(Text::const_new(url)),
                    value_string: Some(text),
                    ..Extension::default()
                });
        }
    }
}

/// A further given name that stands without the first says so.
fn push_middle(name: &mut HumanName, middle: Option<Text>, place: &'static str) {
    let Some(middle) = middle else { return };
    if name.given.is_empty() {
        name.extension.push(keep::mark(place));
    }
    name.given.push(middle);
}

/// Three components share the suffix: a qualifier tells a degree and a professional suffix from a generation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suffix {
    /// XPN.4.
    Plain,
    /// XPN.6.
    Academic,
    /// XPN.14.
    Professional,
}

impl Suffix {
    fn qualifier(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Academic => Some("AC"),
            Self::Professional => Some("PR"),
        }
    }
}

fn push_suffix(name: &mut HumanName, suffix: Option<Text>, kind: Suffix) {
    let Some(suffix) = suffix else { return };
    if let Some(qualifier) = kind.qualifier() {
        name.suffix_element.resize(name.suffix.len(), None);
        let extension = Extension {
            url: Some(Text::const_new(QUALIFIER)),
            value_code: Some(Text::const_new(qualifier)),
            ..Extension::default()
        };
        name.suffix_element.push(Some(Element {
            extension: vec![extension],
            ..Element::default()
        }));
    }
    name.suffix.push(suffix);
}

fn push_order(name: &mut HumanName, part: Component<'_>, cx: &mut Context<'_>) {
    if let Some(order) = cx.take(part, ".extension(assemblyOrder)") {
        name.extension.push(Extension {
            url: Some(Text::const_new(ASSEMBLY_ORDER)),
            value_code: Some(order),
            ..Extension::default()
        });
    }
}

fn set_period(name: &mut HumanName, period: Option<Period>, place: &'static str) {
    if name.period.is_none() && period.is_some() {
        name.period = period;
        name.extension.push(keep::mark(place));
    }
}

/// Where the parts of a name stand: in XPN, or one further on in XCN.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    family: u16,
    given: [u16; 2],
    suffix: u16,
    prefix: u16,
    degree: u16,
    professional: u16,
    kind: u16,
    kind_name: &'static str,
    order: u16,
    period: [u16; 2],
    /// The component that holds both ends of the period, and what marks a period that stood there.
    range: (u16, &'static str),
}

/// The places in XPN.
pub(crate) const XPN: Places = Places {
    family: 1,
    given: [2, 3],
    suffix: 4,
    prefix: 5,
    degree: 6,
    professional: 14,
    kind: 7,
    kind_name: "XPN",
    order: 11,
    period: [12, 13],
    range: (10, "XPN.10"),
};

/// The places in XCN.
pub(crate) const XCN: Places = Places {
    family: 2,
    given: [3, 4],
    suffix: 5,
    prefix: 6,
    degree: 7,
    professional: 21,
    kind: 10,
    kind_name: "XCN",
    order: 18,
    period: [19, 20],
    range: (17, "XCN.17"),
};

/// HumanName to XPN or the name inside XCN.
pub(crate) fn write(name: &HumanName, at: Places, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    if let Some(family) = &name.family {
        to.subcomponent(at.family, 1, family);
    }
    for extension in name.family_element.iter().flat_map(|element| &element.extension) {
        let known = FAMILY_PARTS
            .iter()
            .find(|(_, url)| extension.url.as_deref() == Some(url));
        if let (Some((n, _)), Some(text)) = (known, &extension.value_string) {
            to.subcomponent(at.family, *n, text);
        }
    }
    let middle = ["XPN.3", "XCN.4"]
        .iter()
        .any(|place| keep::is_marked(&name.extension, place));
    match name.given.split_first() {
        Some(_) if middle => to.component(at.given[1], &name.given.join(" ")),
        Some((first, rest)) => {
            to.component(at.given[0], first);
            to.component(at.given[1], &rest.join(" "));
        }
        None => {}
    }
    to.component(at.prefix, &name.prefix.join(" "));
    let qualifier = |index: usize| {
        let element = name.suffix_element.get(index).and_then(Option::as_ref)?;
        let mut extensions = element.extension.iter();
        let found = extensions.find(|e| e.url.as_deref() == Some(QUALIFIER))?;
        found.value_code.as_deref()
    };
    let suffixes = |want: Suffix| {
        let chosen = name
            .suffix
            .iter()
            .enumerate()
            .filter(move |(index, _)| qualifier(*index) == want.qualifier());
        chosen
            .map(|(_, suffix)| suffix.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    to.component(at.suffix, &suffixes(Suffix::Plain));
    to.component(at.degree, &suffixes(Suffix::Academic));
    to.component(at.professional, &suffixes(Suffix::Professional));
    let kind = code::write(name.use_.as_ref(), &name.use_element, &back.vocabulary.name_type);
    to.optional(at.kind, kind.as_ref());
    if back.foreign && name.use_.is_none() && name.family.is_some() {
        // HL7's own default, which receivers like to see.
        to.component(at.kind, "L");
    }
    keep::write_parts(&name.extension, at.kind_name, to);
    let order = name
        .extension
        .iter()
        .find(|e| e.url.as_deref() == Some(ASSEMBLY_ORDER));
    to.optional(
        at.order,
        order.and_then(|extension| extension.value_code.as_ref()),
    );
    if let Some(period) = &name.period {
        let (range, mark) = at.range;
        let within = keep::is_marked(&name.extension, mark);
        for (end, moment) in [&period.start, &period.end].into_iter().enumerate() {
            let Some(moment) = moment else { continue };
            let text = time::to_hl7(moment, back);
            match at.period.get(end) {
                Some(place) if !within => to.component(*place, &text),
                _ => to.subcomponent(range, if end == 0 { 1 } else { 2 }, &text),
            }
        }
    }
}
