//! Bundles that others made: where their converters put what R4 has no element for.
//!
//! Some converters write the place of a value as the URL of an extension (`OBR.17`, `assigning-authority`,
//! `callback-number`). What is read here fills only fields that the rows leave empty, so that a resource's own
//! elements always win.

use fhir::{
    CodeableConcept, Coding, Device, DiagnosticReport, Extension, Identifier, Observation, Organization,
    Practitioner, PractitionerRole, Reference, ServiceRequest, Specimen, Text,
};

use crate::back::{Back, FieldWriter, RepetitionWriter, SegmentWriter};
use crate::datatype::{concept, identifier, organization, person, telecom, time};
use crate::keep;
use crate::segment::obx;
use crate::vocabulary::system;

/// Extensions whose name does not say the field.
const NAMED: &[(&str, &str, u16)] = &[
    ("analysis-date-time", "OBX", 19),
    ("producer-id", "OBX", 15),
    ("callback-number", "OBR", 17),
    ("callback-number", "ORC", 14),
    ("ethnic-group", "PID", 22),
    ("local-race-cd", "PID", 10),
    ("order-control", "ORC", 1),
    ("order-effective-date", "ORC", 15),
    ("patient-mothersMaidenName", "PID", 6),
    ("sub-id", "OBX", 4),
    ("us-core-ethnicity", "PID", 22),
    ("us-core-race", "PID", 10),
];

/// Systems of identifiers that HL7 v2 knows by a name: authority, its OID, and table 0203 where the system says it.
const SYSTEMS: &[(&str, [&str; 2], &str)] = &[
    (
        "http://hl7.org/fhir/sid/us-npi",
        ["NPI", "2.16.840.1.113883.4.6"],
        "NPI",
    ),
    (
        "http://hl7.org/fhir/sid/us-ssn",
        ["SSA", "2.16.840.1.113883.4.1"],
        "SS",
    ),
    (
        "http://hl7.org/fhir/sid/us-mbi",
        ["CMS", "2.16.840.1.113883.4.927"],
        "MC",
    ),
    ("https://fhir.hl7.org.uk/Id/gdc-number", ["GDC", ""], ""),
    ("https://fhir.hl7.org.uk/Id/gphc-number", ["GPHC", ""], ""),
    ("https://fhir.hl7.org.uk/Id/hcpc-number", ["HCPC", ""], ""),
    ("https://fhir.hl7.org.uk/Id/nmc-number", ["NMC", ""], ""),
    ("https://fhir.nhs.uk/Id/sds-role-profile-id", ["SDSROLE", ""], ""),
    ("https://fhir.nhs.uk/Id/sds-user-id", ["SDS", ""], ""),
];

/// Table 0301: who gives universal ids, which some converters write as the type of a number.
const ID_TYPES: &str = "http://terminology.hl7.org/CodeSystem/v2-0301";

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
    let other = |name: &str| {
        let raw = extension.other.get(name)?.get();
        Some(Text::from(raw.trim_matches('"')))
    };
    known
        .or_else(number)
        .or_else(|| other("valueId"))
        .or_else(|| other("valueOid"))
}

/// Namespace, universal id and its type, where extensions or a known system say them.
pub(crate) fn authority(identifier: &Identifier) -> Option<[Text; 3]> {
    let extensions = &identifier.extension;
    let parts = find(extensions, "assigning-authority").map_or(&extensions[..], |one| &one.extension);
    let part = |name: &str| {
        let long = || find(parts, &format!("assigning-authority-{name}"));
        find(parts, name).or_else(long).and_then(text).unwrap_or_default()
    };
    let named = || namespace(identifier.system.as_deref()).unwrap_or_default();
    let namespace_id = Some(part("namespace-id")).filter(|name| !name.is_empty());
    let found = typed([
        namespace_id.unwrap_or_else(named),
        part("universal-id"),
        part("universal-id-type"),
    ]);
    if found.iter().any(|part| !part.is_empty()) {
        return Some(found);
    }
    let (_, [name, oid], _) = known(identifier)?;
    Some(typed([
        Text::const_new(name),
        system::concat("urn:oid:", oid),
        Text::default(),
    ]))
}

fn known(identifier: &Identifier) -> Option<&'static (&'static str, [&'static str; 2], &'static str)> {
    let system = identifier.system.as_deref()?;
    SYSTEMS.iter().find(|(uri, _, _)| *uri == system)
}

/// A system that is no URI is a name, and so is what follows `urn:id:`.
fn namespace(system: Option<&str>) -> Option<Text> {
    let system = system?;
    let name = system.strip_prefix("urn:id:").unwrap_or(system);
    (!name.contains(':')).then(|| Text::from(name))
}

/// Table 0203 for a number: its type's code, else what its system says.
pub(crate) fn kind(identifier: &Identifier) -> Option<Text> {
    let code = identifier::type_code(identifier).filter(|_| !is_id_type(identifier));
    let of_system = || known(identifier).map(|(_, _, kind)| Text::const_new(kind));
    code.cloned().or_else(of_system).filter(|kind| !kind.is_empty())
}

/// True for a number whose type says who gave it, not what it is.
pub(crate) fn is_id_type(identifier: &Identifier) -> bool {
    let mut codings = identifier.type_.iter().flat_map(|kind| &kind.coding);
    codings.any(|coding| coding.system.as_deref() == Some(ID_TYPES))
}

/// An OID that came as a URI is an OID, and ISO is its type.
fn typed([name, id, kind]: [Text; 3]) -> [Text; 3] {
    match id.strip_prefix("urn:oid:") {
        Some("") => [name, Text::default(), kind],
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
    let universal = find(&identifier.extension, "assigning-facility-universal-id").and_then(text);
    let here = || {
        let name = namespace(identifier.system.as_deref()).unwrap_or_default();
        universal.map(|id| typed([name, id, Text::default()]))
    };
    let parts = facility
        .and_then(|facility| organization(facility, back))
        .or_else(here);
    for (n, part) in (1..).zip(parts.iter().flatten()) {
        to.subcomponent(6, n, part);
    }
}

/// The component of XTN that an extension names: `XTN.7`, `xtn7-local-number`.
fn telecom_part(extension: &Extension) -> Option<u16> {
    let name = tail(extension);
    let digits = name.strip_prefix("XTN.").or_else(|| {
        let (digits, _) = name.strip_prefix("xtn")?.split_once('-')?;
        Some(digits)
    })?;
    digits.parse().ok()
}

/// The extensions that name components, wherever they stand.
fn telecom_parts(extensions: &[Extension]) -> impl Iterator<Item = (u16, &Extension)> {
    let within = find(extensions, "xtn-contact-point").map_or(&[][..], |one| &one.extension);
    let all = extensions.iter().chain(within);
    all.filter_map(|one| Some((telecom_part(one)?, one)))
}

/// True when extensions say in which components the number stood: XTN.1 is then one of them or none.
pub(crate) fn places_number(extensions: &[Extension]) -> bool {
    telecom_parts(extensions).any(|(n, _)| matches!(n, 1 | 7 | 12))
}

/// The components of a telephone number, where extensions say them.
pub(crate) fn write_xtn(extensions: &[Extension], to: &mut RepetitionWriter<'_>) {
    for (number, part) in telecom_parts(extensions) {
        if let Some(value) = text(part) {
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
    } else if let Some(found) = extension.value_coding.as_deref() {
        concept::write_coding(found, None, field.repetition(), back);
    } else if let Some(found) = race(extension) {
        concept::put(Some(&found), None, &mut field, back);
    } else if let Some(found) = extension.value_human_name.as_deref() {
        let to = &mut field.repetition();
        for (n, part) in [
            (1, found.family.as_ref()),
            (2, found.given.first()),
            (3, found.given.get(1)),
        ] {
            to.optional(n, part);
        }
    } else if let Some(found) = extension.value_identifier.as_deref() {
        identifier::write_ei(found, field.repetition(), back);
    } else if let Some(found) = extension.value_contact_point.as_deref() {
        telecom::write([found], &mut field, back);
    } else if let Some(found) = extension.value_reference.as_deref() {
        if let Some(producer) = back.resolve::<Organization>(Some(found)) {
            match field.place().as_str() {
                "OBX-15" => write_producer(producer, &mut field.repetition(), back),
                _ => organization::write_xon(found, field.repetition(), back),
            }
        } else if back.resolve::<Practitioner>(Some(found)).is_some() {
            person::write(found, field.repetition(), back);
        }
    }
}

/// A code in parts, as the American profiles say race and ethnicity: a coding of the category and its words.
fn race(extension: &Extension) -> Option<CodeableConcept> {
    let part = |name: &str| find(&extension.extension, name);
    let coding = part("ombCategory").or_else(|| part("detailed"));
    let concept = CodeableConcept {
        coding: coding
            .and_then(|one| one.value_coding.as_deref())
            .into_iter()
            .cloned()
            .collect(),
        text: part("text").and_then(|one| one.value_string.clone()),
        ..CodeableConcept::default()
    };
    (!concept.coding.is_empty()).then_some(concept)
}

/// The organisation that an extension names as the producer of a result.
pub(crate) fn producer<'b>(observation: &Observation, back: &Back<'b>) -> Option<&'b Organization> {
    let named = find(&observation.extension, "producer-id").filter(|_| back.foreign)?;
    back.resolve(named.value_reference.as_deref())
}

/// True for a coding that says it was one of CWE: its words are no original text.
pub(crate) fn is_of_cwe(coding: &Coding) -> bool {
    find(&coding.extension, "cwe-coding").is_some()
}

/// The producer of a result as a code: its number, its name, who gave the number.
pub(crate) fn write_producer(producer: &Organization, to: &mut RepetitionWriter<'_>, back: &Back<'_>) {
    let id = producer.identifier.first();
    to.optional(1, id.and_then(|id| id.value.as_ref()));
    to.optional(2, producer.name.as_ref());
    let scheme = id.and_then(|id| id.system.as_deref());
    let name = scheme.map(|uri| system::to_name(&back.vocabulary.coding_system, uri));
    match name {
        Some(name) => to.component(3, &name),
        None => to.optional(3, id.and_then(identifier::type_code)),
    }
}

/// XON.2 and XON.7 of an organisation of others.
pub(crate) fn write_xon(found: &Organization, to: &mut RepetitionWriter<'_>) {
    if !to.has(2) {
        let kind = find(&found.extension, "organization-name-type");
        let code = kind.and_then(|one| one.value_coding.as_deref()?.code.as_ref());
        to.optional(2, code);
    }
    // A number typed by who gave it is an organisation's identifier: XX.
    if found.identifier.first().is_some_and(is_id_type) {
        to.component(7, "XX");
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
    whole.extension.extend(analysed(one, request));
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

/// When the result was analysed: the time the order's change took effect, else when the observation was issued.
fn analysed(one: &Observation, request: Option<&ServiceRequest>) -> Option<Extension> {
    if find(&one.extension, "analysis-date-time").is_some() {
        return None;
    }
    let extensions = request.map_or(&[][..], |request| &request.extension);
    let effective = find(extensions, "order-effective-date").and_then(|one| one.value_date_time.clone());
    let issued = || one.issued.as_deref().map(fhir::DateTime::from);
    let moment = effective.or_else(issued)?;
    Some(Extension {
        url: Some(Text::const_new(obx::ANALYSED)),
        value_date_time: Some(moment),
        ..Extension::default()
    })
}

/// OBR-7 of a result is when its specimen was taken, and SPM-17 what the report is true for.
pub(crate) fn collected(specimen: Option<&Specimen>, segment: &mut SegmentWriter, back: &Back<'_>) {
    let moment = specimen.and_then(|specimen| specimen.collection.as_ref()?.collected_date_time.as_deref());
    if let Some(moment) = moment.filter(|_| back.foreign && !segment.has(7)) {
        segment.set(7, time::to_hl7(moment, back));
    }
}

/// SPM-17 where the specimen does not say when it was taken: the time that its report is true for.
pub(crate) fn taken(report: Option<&DiagnosticReport>, segment: &mut SegmentWriter, back: &Back<'_>) {
    let moment = report.and_then(|report| report.effective_date_time.as_deref());
    if let Some(moment) = moment.filter(|_| back.foreign && !segment.has(17)) {
        segment.set(17, time::to_hl7(moment, back));
    }
}

/// Marks a report's number that says neither placer nor filler.
pub(crate) const EITHER: &str = "ORC-2, ORC-3";

/// ORC-2 where the only number of a result is one that says neither whose it is: a receiver files by either.
pub(crate) fn either_number(report: Option<&DiagnosticReport>, orc: &mut SegmentWriter) {
    let either = |one: &Identifier| keep::is_marked(&one.extension, EITHER);
    if orc.has(2) || !report.is_some_and(|report| report.identifier.iter().any(either)) {
        return;
    }
    let leaves: Vec<_> = orc
        .leaves
        .iter()
        .filter(|leaf| leaf.field == 3)
        .cloned()
        .collect();
    for mut leaf in leaves {
        leaf.field = 2;
        orc.put(leaf);
    }
}

/// MSH-10 of a Bundle without an id: the same content is the same message.
pub(crate) fn control_id(msh: &mut SegmentWriter, back: &Back<'_>) {
    if back.foreign && !msh.has(10) {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, &fhir::to_vec(back.bundle));
        let digits = id.simple().to_string();
        msh.set(10, digits.get(..20).unwrap_or_default());
    }
}

/// OBR-5 of a priority that table 0485 has no code for: FHIR's own word, rather than none.
pub(crate) fn priority(request: &ServiceRequest, obr: &mut SegmentWriter, back: &Back<'_>) {
    if let Some(priority) = request.priority.as_ref().filter(|_| back.foreign)
        && back.vocabulary.priority.to_hl7("", priority).is_none()
    {
        obr.set(5, priority.clone());
    }
}

/// The number to call back, where nothing says one: how whoever asked can be reached.
pub(crate) fn callback(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let requester = request.requester.as_ref();
    if !back.foreign || !field.is_empty() || requester.is_none() {
        return;
    }
    let role = back.resolve::<PractitionerRole>(requester);
    let person = role.map_or(requester, |role| role.practitioner.as_ref());
    let person = back.resolve::<Practitioner>(person);
    let of_role = role.map_or(&[][..], |role| &role.telecom);
    let of_person = person.map_or(&[][..], |person| &person.telecom);
    let points = if of_role.is_empty() { of_person } else { of_role };
    telecom::write(points, field, back);
}

/// OBX-18 of a device that others describe: its number, and the kind of number that it is.
pub(crate) fn write_device(device: &Device, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    let mut numbers = device.identifier.iter();
    if let Some(number) = numbers.find(|one| one.value.is_some()) {
        identifier::write_ei(number, to.reborrow(), back);
    } else {
        let carrier = device.udi_carrier.first();
        let udi = carrier.and_then(|one| one.device_identifier.as_ref());
        to.optional(1, udi.or(device.serial_number.as_ref()));
    }
    if !to.has(3) {
        let kind = device.identifier.iter().find_map(identifier::type_code);
        to.optional(3, kind);
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
    use crate::testing::back_of;

    #[test]
    fn fields_that_others_keep_in_extensions_are_found() {
        let lines = back_of(
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
            lines.contains(&"PID|1||7^^^Riverside Lab&99D&CLIA^PI".to_owned()),
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
        let first = "OBX|1|ST|2^Two^LN||x|||A^Abnormal^HL70078|||F||||99D^Riverside Lab^CLIA||||20260302";
        assert!(lines.iter().any(|line| line.starts_with(first)), "{lines:?}");
        let asked = lines
            .iter()
            .find(|line| line.starts_with("OBX|2"))
            .expect("the question");
        assert!(asked.ends_with("|QST"), "{asked}");
    }
}
