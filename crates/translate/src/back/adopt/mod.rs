//! A Bundle that others made, brought to the shape that the rows know.
//!
//! Senders say one thing in several ways: a resource within another, a reference by identifier or by a search, a
//! number that only its place explains. What is settled here needs no row of its own. Nothing is added that the
//! Bundle does not say; the defaults that this page takes are listed in `docs/translation.md`.

mod clinical;
mod document;

use std::collections::{HashMap, HashSet};

use fhir::{
    Bundle, BundleEntry, Coding, DiagnosticReport, Extension, Identifier, Instant, Observation, Patient,
    Reference, Resource, ResourceType, ServiceRequest, Text,
};

use super::foreign;
use super::tree::Tree;
use crate::datatype::identifier;
use crate::keep;

/// As `foreign` reads it: the facility that gave a number.
const FACILITY: &str = "assigning-facility";

/// The Bundle as the rows know it; as it came when it cannot be taken apart.
pub(crate) fn adopt(bundle: &Bundle) -> Bundle {
    let json = String::from_utf8(fhir::to_vec(bundle)).unwrap_or_default();
    let linked = Tree::parse(&json).ok().and_then(|mut tree| {
        document::compose(&mut tree);
        hoist(&mut tree);
        link(&mut tree);
        fhir::from_slice::<Bundle>(tree.to_json(None).as_bytes()).ok()
    });
    let mut bundle = linked.unwrap_or_else(|| bundle.clone());
    clinical::settle(&mut bundle);
    number_patients(&mut bundle);
    number_orders(&mut bundle);
    settle_results(&mut bundle);
    bundle
}

/// Gives every contained resource an entry of its own, under a name that no other entry has.
fn hoist(bundle: &mut Tree) {
    let Some(entries) = bundle.member_mut("entry").and_then(Tree::items_mut) else {
        return;
    };
    let mut hoisted = Vec::new();
    for (number, entry) in entries.iter_mut().enumerate() {
        let own = entry.text_of("fullUrl");
        let own = own.unwrap_or_else(|| format!("urn:eprgw:entry:{number}"));
        let Some(resource) = entry.member_mut("resource") else {
            continue;
        };
        let Some(Tree::List(mut contained)) = resource.take("contained") else {
            continue;
        };
        let url = |id: &str| format!("{own}#{id}");
        let mut lead = |object: &mut Tree| match object.text_of("reference") {
            Some(reference) if reference == "#" => object.put("reference", Tree::of_text(&own)),
            Some(reference) => {
                if let Some(id) = reference.strip_prefix('#') {
                    object.put("reference", Tree::of_text(&url(id)));
                }
            }
            None => {}
        };
        resource.each_object(&mut lead);
        for one in &mut contained {
            one.each_object(&mut lead);
        }
        for mut one in contained {
            let id = one.take("id").and_then(|id| id.text()).unwrap_or_default();
            let full_url = ("fullUrl".to_owned(), Tree::of_text(&url(&id)));
            hoisted.push(Tree::Object(vec![full_url, ("resource".to_owned(), one)]));
        }
        entry.put("fullUrl", Tree::of_text(&own));
    }
    entries.extend(hoisted);
}

/// Turns references by identifier, and by a search for one, into references to the entry that has it.
fn link(bundle: &mut Tree) {
    let Some(entries) = bundle.member_mut("entry").and_then(Tree::items_mut) else {
        return;
    };
    let mut known: HashMap<(String, String), String> = HashMap::new();
    for (number, entry) in entries.iter_mut().enumerate() {
        let id = entry
            .member("resource")
            .and_then(|resource| resource.text_of("id"));
        if id.is_none() && entry.member("fullUrl").is_none() {
            entry.put("fullUrl", Tree::of_text(&format!("urn:eprgw:entry:{number}")));
        }
    }
    for entry in entries.iter() {
        let Some(resource) = entry.member("resource") else {
            continue;
        };
        let kind = resource.text_of("resourceType").unwrap_or_default();
        let id = || Some(format!("{kind}/{}", resource.text_of("id")?));
        let Some(url) = entry.text_of("fullUrl").or_else(id) else {
            continue;
        };
        for one in resource.member("identifier").map_or(&[][..], Tree::items) {
            if let Some(value) = one.text_of("value") {
                let token = format!("{}|{value}", one.text_of("system").unwrap_or_default());
                known.entry((kind.clone(), token)).or_insert_with(|| url.clone());
            }
        }
    }
    let find = |kind: Option<String>, token: String| match kind {
        Some(kind) => known.get(&(kind, token)),
        None => {
            let mut of_any = known.iter().filter(|((_, one), _)| *one == token);
            of_any
                .next()
                .filter(|_| of_any.next().is_none())
                .map(|(_, url)| url)
        }
    };
    for entry in entries.iter_mut() {
        let Some(resource) = entry.member_mut("resource") else {
            continue;
        };
        resource.each_object(&mut |object: &mut Tree| {
            let found = match object.text_of("reference") {
                Some(reference) => reference
                    .split_once("?identifier=")
                    .and_then(|(kind, token)| find(Some(kind.to_owned()), token.to_owned())),
                None => object.member("identifier").and_then(|one| {
                    let value = one.text_of("value")?;
                    let token = format!("{}|{value}", one.text_of("system").unwrap_or_default());
                    find(object.text_of("type"), token)
                }),
            };
            if let Some(url) = found {
                object.put("reference", Tree::of_text(url));
            }
        });
    }
}

/// A patient's number without a system is the number of the organisation that keeps the record.
fn number_patients(bundle: &mut Bundle) {
    for patient in bundle.entry.iter_mut().filter_map(of_type::<Patient>) {
        let keeper = patient.managing_organization.clone();
        for one in patient
            .identifier
            .iter_mut()
            .filter(|one| one.value.is_some() && one.system.is_none())
        {
            if one.type_.is_none() {
                // PID-3.5 is required: an internal number of the patient.
                *one = identifier::typed(std::mem::take(one), "PI");
            }
            if one.assigner.is_none() && one.extension.is_empty() {
                one.assigner = keeper.clone().map(Box::new);
                one.extension.extend(keeper.clone().map(|keeper| Extension {
                    url: Some(Text::const_new(FACILITY)),
                    value_reference: Some(Box::new(keeper)),
                    ..Extension::default()
                }));
            }
        }
    }
}

/// An order's number without a type is the placer's, a report's the filler's, given by the organisation that performed it.
fn number_orders(bundle: &mut Bundle) {
    let laboratories: HashSet<String> = bundle
        .entry
        .iter()
        .filter(|entry| matches!(entry.resource, Some(Resource::Organization(_))))
        .flat_map(urls)
        .collect();
    let laboratory = |performers: &[Reference]| {
        let mut known = performers.iter().filter(|one| {
            let url = one.reference.as_deref().unwrap_or_default();
            laboratories.contains(url)
        });
        known.next().cloned()
    };
    let mut of_request = HashMap::new();
    for entry in &mut bundle.entry {
        let urls: Vec<String> = urls(entry).collect();
        let Some(request) = of_type::<ServiceRequest>(entry) else {
            continue;
        };
        settle(&mut request.identifier, "PLAC", None);
        for url in urls {
            of_request.insert(url, laboratory(&request.performer));
        }
    }
    for report in bundle.entry.iter_mut().filter_map(of_type::<DiagnosticReport>) {
        let orders = report.based_on.iter().filter_map(|one| one.reference.as_deref());
        let mut asked = orders.filter_map(|order| of_request.get(order)?.clone());
        let performer = laboratory(&report.performer).or_else(|| asked.next());
        if let Some(one) = settle(&mut report.identifier, "FILL", performer) {
            one.extension.push(keep::mark(foreign::EITHER));
        }
    }
}

/// A result's code has the words of the order that asked for it; an instant keeps whole seconds, since its
/// fraction is a computer's and receivers of HL7 v2 read none.
fn settle_results(bundle: &mut Bundle) {
    let codes: Vec<Coding> = bundle
        .entry
        .iter()
        .filter_map(|entry| entry.resource.as_ref()?.as_type::<ServiceRequest>())
        .flat_map(|request| request.code.iter().flat_map(|code| &code.coding))
        .filter(|coding| coding.display.is_some())
        .cloned()
        .collect();
    for report in bundle.entry.iter_mut().filter_map(of_type::<DiagnosticReport>) {
        whole_seconds(&mut report.issued);
        let codings = report.code.iter_mut().flat_map(|code| &mut code.coding);
        for coding in codings.filter(|coding| coding.display.is_none()) {
            let same = |one: &&Coding| one.code == coding.code && one.system == coding.system;
            if let Some(known) = codes.iter().find(same) {
                coding.display.clone_from(&known.display);
            }
        }
    }
    for observation in bundle.entry.iter_mut().filter_map(of_type::<Observation>) {
        whole_seconds(&mut observation.issued);
        for extension in &mut observation.extension {
            if let Some(instant) = &mut extension.value_instant {
                **instant = in_seconds(instant);
            }
        }
    }
    whole_seconds(&mut bundle.timestamp);
}

fn whole_seconds(instant: &mut Option<Instant>) {
    if let Some(instant) = instant {
        *instant = in_seconds(instant);
    }
}

fn in_seconds(instant: &Instant) -> Instant {
    let text = instant.as_str();
    let Some((head, rest)) = text.split_once('.') else {
        return instant.clone();
    };
    let offset = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    Instant::from(format!("{head}{offset}").as_str())
}

/// Types the first number that says no type, where none of the list has that type yet.
fn settle<'n>(
    numbers: &'n mut [Identifier],
    kind: &'static str,
    assigner: Option<Reference>,
) -> Option<&'n mut Identifier> {
    if numbers.iter().any(|one| identifier::is_typed(one, kind)) {
        return None;
    }
    let mut untyped = numbers
        .iter_mut()
        .filter(|one| one.type_.is_none() && one.value.is_some());
    let one = untyped.next()?;
    *one = identifier::typed(std::mem::take(one), kind);
    if one.assigner.is_none() && one.system.is_none() {
        one.assigner = assigner.map(Box::new);
    }
    Some(one)
}

fn of_type<T: ResourceType>(entry: &mut BundleEntry) -> Option<&mut T> {
    entry.resource.as_mut()?.as_type_mut::<T>()
}

/// What a reference to the entry may say.
fn urls(entry: &BundleEntry) -> impl Iterator<Item = String> {
    let resource = entry.resource.as_ref();
    let short = resource.and_then(|one| Some(format!("{}/{}", one.resource_type(), one.id()?)));
    let full = entry.full_url.as_ref().map(ToString::to_string);
    full.into_iter().chain(short)
}

#[cfg(test)]
mod tests {
    use crate::testing::back_of;

    #[test]
    fn contained_resources_and_logical_references_are_found() {
        let lines = back_of(
            r##"{"resourceType":"Bundle","type":"searchset","entry":[
            {"resource":{"resourceType":"Patient","id":"p","identifier":[{"value":"7"}],"managingOrganization":{"reference":"#o"},
              "contained":[{"resourceType":"Organization","id":"o","name":"Riverside"}]}},
            {"resource":{"resourceType":"Practitioner","identifier":[{"system":"https://fhir.hl7.org.uk/Id/gmc-number","value":"C9990102"}],"name":[{"family":"Bhatt"}]}},
            {"resource":{"resourceType":"Practitioner","identifier":[{"system":"http://example.org","value":"8"}],"name":[{"family":"Ames"}]}},
            {"resource":{"resourceType":"ServiceRequest","status":"active","intent":"order","contained":[{"resourceType":"Specimen","id":"o","identifier":[{"value":"S1"}]}],
              "subject":{"reference":"Patient?identifier=|7"},"identifier":[{"value":"P1"}],"specimen":[{"reference":"#o"}],
              "requester":{"type":"Practitioner","identifier":{"system":"https://fhir.hl7.org.uk/Id/gmc-number","value":"C9990102"}}}}]}"##,
        );
        assert!(
            lines.contains(&"PID|1||7^^^Riverside^PI^Riverside".to_owned()),
            "{lines:?}"
        );
        let orc = lines
            .iter()
            .find(|line| line.starts_with("ORC"))
            .expect("an order");
        assert!(orc.starts_with("ORC|NW|P1|"), "{orc}");
        assert_eq!(orc.split('|').nth(12), Some("C9990102^Bhatt^^^^^^^GMC^L"));
        assert!(
            lines.iter().any(|line| line.starts_with("SPM|1|^S1")),
            "{lines:?}"
        );
    }

    #[test]
    fn the_same_bundle_is_the_same_message() {
        let json = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","birthDate":"1970"}}]}"#;
        assert_eq!(back_of(json), back_of(json));
        let id = |json: &str| back_of(json)[0].split('|').nth(9).map(str::to_owned);
        assert_eq!(id(json).map(|id| id.len()), Some(20));
        assert_ne!(id(json), id(&json.replace("1970", "1971")));
    }

    #[test]
    fn a_document_becomes_a_document_message() {
        let lines = back_of(
            r#"{"resourceType":"Bundle","type":"document","entry":[
            {"resource":{"resourceType":"Composition","status":"final","type":{"text":"Discharge summary"},"date":"2026-03-04T12:00:00Z","title":"Summary",
              "subject":{"reference":"urn:uuid:1"},"author":[{"display":"Dr Bhatt"}],
              "section":[{"title":"History","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>Chest pain</p></div>"}}]}},
            {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"value":"7"}]}}]}"#,
        );
        assert!(lines[0].contains("|MDM^T02^MDM_T02|"), "{lines:?}");
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("TXA|1|^Discharge summary")),
            "{lines:?}"
        );
        assert!(lines.iter().any(|line| line.contains("Chest pain")), "{lines:?}");
    }
}
