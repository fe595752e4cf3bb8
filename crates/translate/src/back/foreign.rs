//! Bundles that others made: where their converters put what R4 has no element for.
//!
//! Some converters write the place of a value as the URL of an extension (`OBR.17`, `assigning-authority`,
//! `callback-number`). What is read here fills only fields that the rows leave empty, so that a resource's own
//! elements always win.

use fhir::{
    Coding, Extension, Identifier, Observation, Organization, Practitioner, Reference, ServiceRequest,
    Specimen, Text,
};

use crate::back::{Back, FieldWriter, RepetitionWriter, SegmentWriter};
use crate::datatype::{concept, identifier, organization, person, telecom, time};
use crate::vocabulary::system;

/// Extensions whose name does not say the field.
const NAMED: &[(&str, &str, u16)] = &[
    ("analysis-date-time", "OBX", 19),
    ("callback-number", "OBR", 17),
    ("callback-number", "ORC", 14),
    ("ethnic-group", "PID", 22),
    ("local-race-cd", "PID", 10),
    ("order-control", "ORC", 1),
    ("order-effective-date", "ORC", 15),
    ("sub-id", "OBX", 4),
];

/// The last part of an extension's URL.
fn tail(extension: &Extension) -> &str {
    let url = extension.url.as_deref().unwrap_or_default();
    url.rsplit('/').next().unwrap_or(url)
}

fn find<'e>(extensions: &'e [Extension], name: &str) -> Option<&'e Extension> {
    extensions.iter().find(|one| tail(one) == name)
}

/// A value that is text, whatever type it came as.
fn text(extension: &Extension) -> Option<Text> {
    let known = extension.value_string.as_ref().or(extension.value_code.as_ref());
    let known = known.cloned().or_else(|| extension.value_uri.as_deref().cloned());
    let number = || {
        extension
            .value_integer
            .map(|number| Text::from(number.to_string()))
    };
    let id = || {
        let raw = extension.other.get("valueId")?.get();
        Some(Text::from(raw.trim_matches('"')))
    };
    known.or_else(number).or_else(id)
}

/// Namespace, universal id and its type, where an extension says them.
pub(crate) fn authority(extensions: &[Extension]) -> Option<[Text; 3]> {
    let parts = find(extensions, "assigning-authority").map_or(extensions, |one| &one.extension);
    let part = |name: &str| find(parts, name).and_then(text).unwrap_or_default();
    let found = typed([
        part("namespace-id"),
        part("universal-id"),
        part("universal-id-type"),
    ]);
    found.iter().any(|part| !part.is_empty()).then_some(found)
}

/// An OID that came as a URI is an OID, and ISO is its type.
fn typed([name, id, kind]: [Text; 3]) -> [Text; 3] {
    match id.strip_prefix("urn:oid:") {
        Some(oid) if kind.is_empty() => [name, Text::from(oid), Text::const_new("ISO")],
        Some(oid) => [name, Text::from(oid), kind],
        None => [name, id, kind],
    }
}

/// An organisation as HD: its name, and its number where the number's type names who gave it.
pub(crate) fn organization(reference: &Reference, back: &Back<'_>) -> Option<[Text; 3]> {
    let found = back.resolve::<Organization>(Some(reference))?;
    let name = found.name.clone()?;
    let id = found.identifier.first();
    let value = id.and_then(|id| id.value.clone()).unwrap_or_default();
    let kind = id.and_then(identifier::type_code).cloned().unwrap_or_default();
    Some(typed([name, value, kind]))
}

/// CX.5 and CX.6, where extensions say them.
pub(crate) fn write_cx(identifier: &Identifier, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    let kind = find(&identifier.extension, "cx-identifier").and_then(|one| find(&one.extension, "CX.5"));
    if !to.has(5) {
        to.optional(5, kind.and_then(text).as_ref());
    }
    let facility = find(&identifier.extension, "assigning-facility");
    let facility = facility.and_then(|one| one.value_reference.as_deref());
    let parts = facility.and_then(|facility| organization(facility, back));
    for (n, part) in (1..).zip(parts.iter().flatten()) {
        to.subcomponent(6, n, part);
    }
}

/// The components of a telephone number, where extensions say them.
pub(crate) fn write_xtn(extensions: &[Extension], to: &mut RepetitionWriter<'_>) {
    let parts = find(extensions, "xtn-contact-point").map_or(&[][..], |one| &one.extension);
    for part in parts {
        let number = part
            .url
            .as_deref()
            .and_then(|url| url.strip_prefix("XTN.")?.parse().ok());
        if let (Some(number), Some(value)) = (number, text(part)) {
            to.component(number, &value);
        }
    }
    for (name, n) in [
        ("contactpoint-country", 5),
        ("contactpoint-area", 6),
        ("contactpoint-local", 7),
    ] {
        if !to.has(n) {
            to.optional(n, find(extensions, name).and_then(text).as_ref());
        }
    }
}

/// Fills empty fields of a segment from extensions that name them.
pub(crate) fn fields(extensions: &[Extension], segment: &mut SegmentWriter, back: &Back<'_>) {
    if !back.foreign {
        return;
    }
    let id = segment.id.to_string();
    for extension in extensions {
        let nested = extension.extension.iter().chain([extension]);
        for one in nested {
            let number = named(one, &id);
            if let Some(number) = number.filter(|number| !segment.has(*number)) {
                value(one, segment.field(number), back);
            }
        }
    }
}

/// The field that an extension's URL names: `OBR.17`, `orc-21-ordering-facility-name`, or a name of the list.
fn named(extension: &Extension, id: &str) -> Option<u16> {
    let name = tail(extension);
    let number = |rest: &str| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok().filter(|number| *number > 0)
    };
    if let Some(rest) = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('.')) {
        return number(rest);
    }
    let lower = id.to_ascii_lowercase();
    if let Some(rest) = name.strip_prefix(&lower).and_then(|rest| rest.strip_prefix('-')) {
        return number(rest);
    }
    let mut known = NAMED
        .iter()
        .filter(|(known, segment, _)| *known == name && *segment == id);
    known.next().map(|(_, _, field)| *field)
}

fn value(extension: &Extension, mut field: FieldWriter<'_>, back: &Back<'_>) {
    if let Some(found) = text(extension) {
        field.set(found);
    } else if let Some(moment) = &extension.value_date_time {
        field.set(time::to_hl7(moment, back));
    } else if let Some(moment) = extension.value_instant.as_deref() {
        field.set(time::to_hl7(moment, back));
    } else if let Some(found) = extension.value_codeable_concept.as_deref() {
        match found.coding.first().filter(|_| field.place() == "ORC-1") {
            Some(coding) => field.repetition().optional(1, coding.code.as_ref()),
            None => concept::put(Some(found), None, &mut field, back),
        }
    } else if let Some(found) = extension.value_identifier.as_deref() {
        identifier::write_ei(found, field.repetition(), back);
    } else if let Some(found) = extension.value_contact_point.as_deref() {
        telecom::write([found], &mut field, back);
    } else if let Some(found) = extension.value_reference.as_deref() {
        if back.resolve::<Organization>(Some(found)).is_some() {
            organization::write_xon(found, field.repetition(), back);
        } else if back.resolve::<Practitioner>(Some(found)).is_some() {
            person::write(found, field.repetition(), back);
        }
    }
}

/// An observation with what the order and the specimen say for it: who performed it, when it was true.
///
/// HL7 v2 repeats in every OBX what FHIR says once.
pub(crate) fn observation(
    one: &Observation,
    request: Option<&ServiceRequest>,
    specimen: Option<&Specimen>,
    back: &Back<'_>,
) -> Observation {
    let mut whole = one.clone();
    if !back.foreign {
        return whole;
    }
    if whole.performer.is_empty()
        && let Some(request) = request
    {
        whole.performer.clone_from(&request.performer);
    }
    if whole.effective_date_time.is_none() && whole.effective_period.is_none() {
        let own = back.resolve::<Specimen>(one.specimen.as_ref());
        let collection = own.or(specimen).and_then(|specimen| specimen.collection.as_ref());
        if let Some(collection) = collection {
            whole
                .effective_date_time
                .clone_from(&collection.collected_date_time);
            whole.effective_period.clone_from(&collection.collected_period);
        }
    }
    whole
}

/// OBR-7 of a result is when its specimen was taken.
pub(crate) fn collected(specimen: Option<&Specimen>, segment: &mut SegmentWriter, back: &Back<'_>) {
    let moment = specimen.and_then(|specimen| specimen.collection.as_ref()?.collected_date_time.as_deref());
    if let Some(moment) = moment.filter(|_| back.foreign && !segment.has(7)) {
        segment.set(7, time::to_hl7(moment, back));
    }
}

/// The name of a coding system: an extension's, else the one its URI has; a value set's URI stands for its table.
pub(crate) fn system_name(coding: &Coding, back: &Back<'_>) -> Option<Text> {
    if let Some(name) = find(&coding.extension, "cwe-coding-system").and_then(text) {
        return Some(name);
    }
    let uri = coding.system.as_deref()?;
    if let Some(number) = uri.strip_prefix("http://terminology.hl7.org/ValueSet/v2-") {
        return Some(Text::from(format!("HL7{number}")));
    }
    Some(Text::from(
        system::to_name(&back.vocabulary.coding_system, uri).as_ref(),
    ))
}

/// SPM-2 from identifiers that do not say whose they are: the filler's, with the placer's where an extension has it.
pub(crate) fn specimen_number(specimen: &Specimen, segment: &mut SegmentWriter, back: &Back<'_>) {
    if !back.foreign {
        return;
    }
    let Some(id) = specimen.identifier.first() else {
        return;
    };
    let mut field = segment.field(2);
    let typed = identifier::is_typed(id, "PGN") || identifier::is_typed(id, "FGN");
    if field.is_empty() && !typed {
        identifier::write_ei_within(id, 2, &mut field.repetition(), back);
    }
    if let Some(filler) = find(&id.extension, "filler-assigned-identifier") {
        let part = |name: &str| find(&filler.extension, name).and_then(text).unwrap_or_default();
        let parts = [
            "entity-identifier",
            "namespace-id",
            "universal-id",
            "universal-id-type",
        ]
        .map(part);
        for (n, part) in (1..).zip(&parts) {
            field.nth(1).subcomponent(2, n, part);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::translator;

    fn back(json: &str) -> Vec<String> {
        let bundle: fhir::Bundle = fhir::from_slice(json.as_bytes()).expect("a Bundle");
        let er7 = translator()
            .to_hl7(&bundle, &crate::dialect::STANDARD, None)
            .expect("a message");
        let text = String::from_utf8(er7).expect("UTF-8");
        text.split('\r').map(str::to_owned).collect()
    }

    #[test]
    fn fields_that_others_keep_in_extensions_are_found() {
        let lines = back(
            r#"{"resourceType":"Bundle","type":"message","entry":[
            {"fullUrl":"Patient/1","resource":{"resourceType":"Patient","id":"1","identifier":[{"value":"7","assigner":{"reference":"Organization/1"}}]}},
            {"fullUrl":"Organization/1","resource":{"resourceType":"Organization","id":"1","name":"Riverside Lab","identifier":[{"type":{"coding":[{"code":"CLIA"}]},"value":"99D"}]}},
            {"fullUrl":"ServiceRequest/1","resource":{"resourceType":"ServiceRequest","id":"1","status":"active","intent":"order","subject":{"reference":"Patient/1"},
             "performer":[{"reference":"Organization/1"}],
             "extension":[{"url":"http://example.org/order-effective-date","valueDateTime":"2026-03-02"},
               {"url":"http://example.org/obr-observation-request","extension":[{"url":"OBR.11","valueString":"P"}]}],
             "identifier":[{"type":{"coding":[{"code":"PLAC"}]},"value":"P1","extension":[{"url":"http://example.org/assigning-authority","extension":[{"url":"http://example.org/namespace-id","valueString":"LAB"}]}]}],
             "supportingInfo":[{"reference":"Observation/2"}]}},
            {"fullUrl":"DiagnosticReport/1","resource":{"resourceType":"DiagnosticReport","id":"1","status":"final","basedOn":[{"reference":"ServiceRequest/1"}],"subject":{"reference":"Patient/1"},"code":{"coding":[{"system":"http://loinc.org","code":"1"}]},"result":[{"reference":"Observation/1"}]}},
            {"fullUrl":"Observation/1","resource":{"resourceType":"Observation","id":"1","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2"}],"text":"Two"},"valueString":"x","interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0078","code":"A","display":"Abnormal"}]}]}},
            {"fullUrl":"Observation/2","resource":{"resourceType":"Observation","id":"2","status":"final","code":{"text":"Pregnant?"},"valueString":"no"}}
            ]}"#,
        );
        assert!(
            lines.contains(&"PID|1||7^^^Riverside Lab&99D&CLIA".to_owned()),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("ORC|RE|P1^LAB||||||||||||20260302")
                    || line.contains("|20260302"))
        );
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("OBR|1|P1^LAB||1^^LN|||||||P")),
            "{lines:?}"
        );
        let first = "OBX|1|ST|2^Two^LN^^^^^^Two||x|||A^Abnormal^HL70078|||F||||99D^Riverside Lab^CLIA";
        assert!(lines.iter().any(|line| line.starts_with(first)), "{lines:?}");
        let asked = lines
            .iter()
            .find(|line| line.starts_with("OBX|2"))
            .expect("the question");
        assert!(asked.ends_with("|QST"), "{asked}");
    }
}
