//! XAD and SAD: postal addresses.

use fhir::{Address, Extension, Text};
use hl7v2::Repetition;

use crate::back::{Back, RepetitionWriter};
use crate::context::{Composite, Context};
use crate::datatype::{code, time};
use crate::keep;

const CENSUS_TRACT: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-censusTract";

/// Marks a period whose two ends stood in one component.
const RANGE: &str = "XAD.12";
/// The second subcomponent of XAD.9.
const DISTRICT_TEXT: &str = "XAD.9.2";

/// XAD to Address.
pub(crate) fn read(xad: Repetition<'_>, cx: &mut Context<'_>) -> Option<Address> {
    let mut address = Address::default();
    let mut first_line = false;
    for (n, part) in xad.parts() {
        match n {
            1 => {
                for (sub, leaf) in part.parts() {
                    if let Some(line) = cx.take(leaf, ".line") {
                        if sub > 1 {
                            mark_line(&mut address, format!("XAD.1.{sub}"));
                        }
                        address.line.push(line);
                    }
                }
                first_line = !address.line.is_empty();
            }
            2 | 19 => {
                if let Some(line) = cx.take(part, ".line") {
                    if n != 2 || !first_line {
                        mark_line(&mut address, format!("XAD.{n}"));
                    }
                    address.line.push(line);
                }
            }
            3 => address.city = cx.take(part, ".city"),
            4 => address.state = cx.take(part, ".state"),
            5 => address.postal_code = cx.take(part, ".postalCode"),
            6 => address.country = cx.take(part, ".country"),
            7 => read_type(part, &mut address, cx),
            9 => read_district(part, &mut address, cx),
            10 => {
                if let Some(tract) = cx.take(part, ".extension(censusTract)") {
                    address.extension.push(Extension {
                        url: Some(Text::const_new(CENSUS_TRACT)),
                        value_string: Some(tract),
                        ..Extension::default()
                    });
                }
            }
            12 => {
                address.period = time::period_within(part, cx, (".period.start", ".period.end"));
                if address.period.is_some() {
                    address.extension.push(keep::mark(RANGE));
                }
            }
            13 => {
                if let Some(start) = time::date_time(part, cx, ".period.start") {
                    address.period.get_or_insert_default().start = Some(start);
                }
            }
            14 => {
                if let Some(end) = time::date_time(part, cx, ".period.end") {
                    address.period.get_or_insert_default().end = Some(end);
                }
            }
            _ => keep::read_part::<Repetition<'_>>("XAD", n, part, &mut address.extension, cx),
        }
    }
    if !address.line_element.is_empty() {
        address.line_element.resize(address.line.len(), None);
    }
    let empty = address.line.is_empty()
        && address.city.is_none()
        && address.state.is_none()
        && address.postal_code.is_none()
        && address.country.is_none()
        && address.district.is_none();
    // A type alone is no address; with an unknown country it may be all that is known.
    (!empty).then_some(address)
}

/// XAD.9 is a code with its text since v2.6; a sender may give the text alone.
fn read_district(part: hl7v2::Component<'_>, address: &mut Address, cx: &mut Context<'_>) {
    address.district = cx.take(part.subcomponent(1), ".district");
    let Some(words) = cx.take(part.subcomponent(2), ".district") else {
        return;
    };
    if address.district.is_none() {
        address.district = Some(words);
        address.extension.push(keep::mark(DISTRICT_TEXT));
    } else {
        address.extension.push(keep::carry_text(DISTRICT_TEXT, words));
    }
}

/// XAD.7 is a use for some codes, a type for others; the code as sent is kept where FHIR cannot say it.
fn read_type(part: hl7v2::Component<'_>, address: &mut Address, cx: &mut Context<'_>) {
    let kind = cx
        .peek(part)
        .and_then(|sent| cx.vocabulary.address_type.to_fhir(&sent).copied());
    if kind.is_some() {
        let table = &cx.vocabulary.address_type;
        (address.type_, address.type_element) = code::read(part, table, cx, ".type");
    } else {
        (address.use_, address.use_element) = code::read(part, &cx.vocabulary.address_use, cx, ".use");
    }
}

/// Says where a line stood; the first in XAD.1 and the next in XAD.2 need no mark: the way back puts them there.
fn mark_line(address: &mut Address, place: String) {
    address.line_element.resize(address.line.len(), None);
    let element = fhir::Element {
        extension: vec![keep::mark(place)],
        ..fhir::Element::default()
    };
    address.line_element.push(Some(element));
}

/// Address to XAD.
pub(crate) fn write(address: &Address, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    const PLACES: [(&str, u16, u16); 5] = [
        ("XAD.1", 1, 1),
        ("XAD.1.2", 1, 2),
        ("XAD.1.3", 1, 3),
        ("XAD.2", 2, 1),
        ("XAD.19", 19, 1),
    ];
    let marked = |index: usize| -> Option<(u16, u16)> {
        let marks = address.line_element.get(index)?.as_ref()?.extension.as_slice();
        let found = PLACES.iter().find(|(place, ..)| keep::is_marked(marks, place));
        found.map(|(_, component, subcomponent)| (*component, *subcomponent))
    };
    let mut next = 1;
    for (index, line) in address.line.iter().enumerate() {
        let (component, subcomponent) = marked(index).unwrap_or_else(|| {
            next += 1;
            match next - 1 {
                1 => (1, 1),
                2 => (2, 1),
                3 => (19, 1),
                _ => (0, 0),
            }
        });
        if component > 0 {
            to.subcomponent(component, subcomponent, line);
        }
    }
    to.optional(3, address.city.as_ref());
    to.optional(4, address.state.as_ref());
    to.optional(5, address.postal_code.as_ref());
    to.optional(6, address.country.as_ref());
    let of_use = code::write(
        address.use_.as_ref(),
        &address.use_element,
        &back.vocabulary.address_use,
    );
    let of_type = code::write(
        address.type_.as_ref(),
        &address.type_element,
        &back.vocabulary.address_type,
    );
    to.optional(7, of_use.or(of_type).as_ref());
    let words = keep::carried_text(&address.extension, DISTRICT_TEXT);
    match &address.district {
        Some(district) if keep::is_marked(&address.extension, DISTRICT_TEXT) => {
            to.subcomponent(9, 2, district);
        }
        district => to.optional(9, district.as_ref()),
    }
    to.subcomponent(9, 2, words.map_or("", Text::as_str));
    let tract = address
        .extension
        .iter()
        .find(|e| e.url.as_deref() == Some(CENSUS_TRACT));
    to.optional(10, tract.and_then(|extension| extension.value_string.as_ref()));
    keep::write_parts(&address.extension, "XAD", &mut to);
    if let Some(period) = &address.period {
        let within = keep::is_marked(&address.extension, RANGE);
        for (component, subcomponent, moment) in [(13, 1, &period.start), (14, 2, &period.end)] {
            let Some(moment) = moment else { continue };
            let text = time::to_hl7(moment, back);
            if within {
                to.subcomponent(12, subcomponent, &text);
            } else {
                to.component(component, &text);
            }
        }
    }
}
