//! FHIR JSON as FHIR XML, by the rules that connect the two.
//!
//! One way only: some clients ask for XML, none of our systems sends it. Works on any FHIR JSON, modelled or not; the
//! order of elements is the order of members, which for what this crate writes is R4's.

use crate::codec::explain::{explain, offset};
use crate::codec::json::Json;
use crate::limits::without_mark;
use crate::{Fault, Limits, ReadError};

/// Writes a resource given as JSON as XML, with declaration and namespace.
///
/// # Errors
/// When the bytes are no JSON or no resource.
pub fn from_json(json: &[u8]) -> Result<Vec<u8>, ReadError> {
    let document = Limits::DEFAULT.admit(json)?;
    let text = without_mark(document);
    let members = match Json::read(text).map_err(|error| explain(document, text, error, "", None))? {
        Json::Object(members) => members,
        _ => Vec::new(),
    };
    let Some(name) = resource_type(&members) else {
        return Err(ReadError::new(offset(document, text), Fault::NoResourceType));
    };
    let mut xml = String::with_capacity(json.len() * 2);
    xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    write_resource(name, &members, " xmlns=\"http://hl7.org/fhir\"", &mut xml);
    Ok(xml.into_bytes())
}

type Members<'a> = [(std::borrow::Cow<'a, str>, Json<'a>)];

fn resource_type<'a>(members: &'a Members<'_>) -> Option<&'a str> {
    match find(members, "resourceType") {
        Some(Json::String(name)) if is_name(name) => Some(name),
        _ => None,
    }
}

fn find<'a, 'b>(members: &'a Members<'b>, name: &str) -> Option<&'a Json<'b>> {
    members
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

/// Whether a member's name can be an element's.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn write_resource(name: &str, members: &Members<'_>, namespace: &str, xml: &mut String) {
    xml.push('<');
    xml.push_str(name);
    xml.push_str(namespace);
    xml.push('>');
    write_members(members, true, false, xml);
    close(name, xml);
}

/// Writes what is an element; `id` and an extension's `url` stand in the start tag instead.
fn write_members(members: &Members<'_>, resource: bool, extension: bool, xml: &mut String) {
    for (name, value) in members {
        let in_tag = (!resource && name == "id")
            || (extension && name == "url")
            || (resource && name == "resourceType");
        if in_tag {
            continue;
        }
        match name.strip_prefix('_') {
            // A sibling alone: a primitive without a value.
            Some(name) if find(members, name).is_none() => write_values(name, &Json::Null, value, xml),
            Some(_) => {}
            None => {
                let sibling = format!("_{name}");
                let beside = find(members, &sibling).unwrap_or(&Json::Null);
                write_values(name, value, beside, xml);
            }
        }
    }
}

/// Writes one element per item when there is a list of values or of siblings.
fn write_values(name: &str, value: &Json<'_>, beside: &Json<'_>, xml: &mut String) {
    if !is_name(name) {
        return;
    }
    let values = if let Json::Array(values) = value {
        &values[..]
    } else {
        &[]
    };
    let siblings = if let Json::Array(siblings) = beside {
        &siblings[..]
    } else {
        &[]
    };
    if values.is_empty() && siblings.is_empty() {
        return write_element(name, value, beside, xml);
    }
    for index in 0..values.len().max(siblings.len()) {
        write_element(
            name,
            values.get(index).unwrap_or(&Json::Null),
            siblings.get(index).unwrap_or(&Json::Null),
            xml,
        );
    }
}

fn write_element(name: &str, value: &Json<'_>, beside: &Json<'_>, xml: &mut String) {
    let text = match value {
        Json::Object(members) => return write_object(name, members, xml),
        Json::Array(_) => return,
        Json::String(text) if name == "div" && text.starts_with("<div") => return write_narrative(text, xml),
        Json::String(text) => Some(text.as_ref()),
        Json::Literal(text) => Some(*text),
        Json::Null => None,
    };
    let about = if let Json::Object(about) = beside {
        &about[..]
    } else {
        &[]
    };
    if text.is_none() && about.is_empty() {
        return;
    }
    xml.push('<');
    xml.push_str(name);
    write_attribute("id", find(about, "id"), xml);
    if let Some(text) = text {
        push_attribute("value", text, xml);
    }
    if about.iter().all(|(name, _)| name == "id") {
        xml.push_str("/>");
        return;
    }
    xml.push('>');
    write_members(about, false, false, xml);
    close(name, xml);
}

fn write_object(name: &str, members: &Members<'_>, xml: &mut String) {
    let extension = name == "extension" || name == "modifierExtension";
    xml.push('<');
    xml.push_str(name);
    let inner = resource_type(members);
    if inner.is_none() {
        write_attribute("id", find(members, "id"), xml);
        if extension {
            write_attribute("url", find(members, "url"), xml);
        }
    }
    xml.push('>');
    match inner {
        Some(inner) => write_resource(inner, members, "", xml),
        None => write_members(members, false, extension, xml),
    }
    close(name, xml);
}

fn close(name: &str, xml: &mut String) {
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

fn write_attribute(name: &str, value: Option<&Json<'_>>, xml: &mut String) {
    if let Some(Json::String(text)) = value {
        push_attribute(name, text, xml);
    }
}

fn push_attribute(name: &str, text: &str, xml: &mut String) {
    xml.push(' ');
    xml.push_str(name);
    xml.push_str("=\"");
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            // Bare white space in an attribute would be read back as a blank.
            '\t' => xml.push_str("&#9;"),
            '\n' => xml.push_str("&#10;"),
            '\r' => xml.push_str("&#13;"),
            // XML has no way to write these.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            _ => xml.push(character),
        }
    }
    xml.push('"');
}

/// XHTML goes in as it stands when its tags balance; otherwise as the text of a div, so that the document stays XML.
fn write_narrative(div: &str, xml: &mut String) {
    if is_well_formed(div) {
        xml.push_str(div);
        return;
    }
    xml.push_str("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    for character in div.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                xml.push('\u{fffd}')
            }
            _ => xml.push(character),
        }
    }
    close("div", xml);
}

/// Whether tags balance, attributes are quoted and only XML's own entities occur; comments and the like are refused.
fn is_well_formed(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (content, tag) = rest.split_at(at);
        if (open.is_empty() && !content.is_empty()) || !is_clean(content) {
            return false;
        }
        let Some((tag, after)) = split_tag(tag) else {
            return false;
        };
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim_end()) {
                return false;
            }
        } else {
            let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let name = tag.split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
            if !is_name(name) || !has_quoted_attributes(tag.strip_prefix(name).unwrap_or_default()) {
                return false;
            }
            if !empty {
                open.push(name);
            }
        }
        if open.is_empty() {
            return rest.trim().is_empty();
        }
    }
    false
}

/// The inside of the tag at the start of `text`, and what follows it; a `>` inside quotes is none.
fn split_tag(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, character) in text.char_indices().skip(1) {
        match (quote, character) {
            (None, '>') => return Some((text.get(1..at)?, text.get(at + 1..)?)),
            (None, '<') => return None,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn has_quoted_attributes(text: &str) -> bool {
    let mut rest = text.trim();
    let mut names = Vec::new();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return false;
        };
        let name = name.trim_end();
        let after = after.trim_start();
        let plain = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-:_".contains(&byte));
        let Some(quote @ ('"' | '\'')) = after.chars().next() else {
            return false;
        };
        let Some((value, after)) = after.get(1..).unwrap_or_default().split_once(quote) else {
            return false;
        };
        if !plain || names.contains(&name) || !is_clean(value) || value.contains('<') {
            return false;
        }
        names.push(name);
        rest = after.trim_start();
    }
    true
}

/// Whether text holds no entity XML does not know and no character it cannot hold.
fn is_clean(text: &str) -> bool {
    let forbidden =
        |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.chars().any(forbidden) || text.contains("]]>") {
        return false;
    }
    text.split('&').skip(1).all(|after| {
        let Some((entity, _)) = after.split_once(';') else {
            return false;
        };
        let number = match entity.strip_prefix('#') {
            Some(hex) if hex.starts_with('x') => {
                u32::from_str_radix(hex.get(1..).unwrap_or_default(), 16).ok()
            }
            Some(decimal) => decimal.parse().ok(),
            None => return matches!(entity, "amp" | "lt" | "gt" | "quot" | "apos"),
        };
        number
            .and_then(char::from_u32)
            .is_some_and(|character| !forbidden(character))
    })
}
