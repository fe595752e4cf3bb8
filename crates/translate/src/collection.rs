//! A batch of messages as one Bundle, and back: a collection that holds one message Bundle for each message.
//!
//! A file of many messages is one answer, one JSON document. A message that could not be read leaves an
//! OperationOutcome in its place, so that the document counts what the file held. Refused here: reading files, and
//! merging the messages' resources — each message stays whole, as it was sent.

use fhir::{Bundle, OperationOutcome, OperationOutcomeIssue, Resource, Text};
use uuid::Uuid;

use crate::entries;

/// Root of the ids of messages within a collection.
const NAMESPACE: Uuid = Uuid::from_u128(0x1d2c_5f0a_7b34_5e6d_8f90_a1b2_c3d4_e5f6);

/// Message Bundles, and the reasons of what could not be read, as one collection in their order.
///
/// # Example
///
/// ```
/// let none = translate::collection([Err("no segment begins with MSH".to_owned())]);
/// assert_eq!(none.type_.as_deref(), Some("collection"));
/// assert_eq!(none.entry.len(), 1);
/// ```
#[must_use]
pub fn collection(messages: impl IntoIterator<Item = Result<Bundle, String>>) -> Bundle {
    let mut whole = Bundle {
        type_: Some(Text::const_new("collection")),
        ..Bundle::default()
    };
    for (number, message) in (1_u32..).zip(messages) {
        match message {
            Ok(bundle) => {
                let header = bundle.entry.first().and_then(|entry| entry.full_url.as_deref());
                let id = id(header.unwrap_or_default(), number);
                entries::append(&mut whole, id, Resource::Bundle(Box::new(bundle)));
            }
            Err(why) => entries::append(
                &mut whole,
                id("unreadable", number),
                unreadable(number, &why).into(),
            ),
        }
    }
    whole
}

/// The message Bundles that a collection holds; the Bundle itself when it is none.
pub fn messages(bundle: &Bundle) -> impl Iterator<Item = &Bundle> {
    let within = bundle.entry.iter().filter_map(|entry| match &entry.resource {
        Some(Resource::Bundle(message)) => Some(&**message),
        _ => None,
    });
    let collected = bundle.type_.as_deref() == Some("collection");
    let whole = (!collected || within.clone().next().is_none()).then_some(bundle);
    within.filter(move |_| collected).chain(whole)
}

/// A resource that came alone, as a Bundle that holds it; a Bundle stays as it is.
#[must_use]
pub fn bundle_of(resource: Resource) -> Bundle {
    match resource {
        Resource::Bundle(bundle) => *bundle,
        resource => {
            let mut whole = Bundle {
                type_: Some(Text::const_new("collection")),
                ..Bundle::default()
            };
            whole.entry.push(fhir::BundleEntry {
                resource: Some(resource),
                ..fhir::BundleEntry::default()
            });
            whole
        }
    }
}

fn id(message: &str, number: u32) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{message}|{number}").as_bytes())
}

fn unreadable(number: u32, why: &str) -> OperationOutcome {
    OperationOutcome {
        issue: vec![OperationOutcomeIssue {
            severity: Some(Text::const_new("error")),
            code: Some(Text::const_new("structure")),
            diagnostics: Some(Text::from(format!("message {number}: {why}"))),
            ..OperationOutcomeIssue::default()
        }],
        ..OperationOutcome::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, message, read};

    #[test]
    fn a_collection_holds_every_message_in_its_place() {
        let (first, _) = read(&message("A01", &[PID]));
        let (second, _) = read(&message("A03", &[PID]));
        let inputs = [
            Ok(first.clone()),
            Err("cut short".to_owned()),
            Ok(second.clone()),
            Ok(first.clone()),
        ];
        let whole = collection(inputs.clone());
        let kinds: Vec<&str> = whole
            .entry
            .iter()
            .map(|entry| entry.resource.as_ref().unwrap().resource_type())
            .collect();
        assert_eq!(kinds, ["Bundle", "OperationOutcome", "Bundle", "Bundle"]);
        let mut urls: Vec<_> = whole.entry.iter().map(|entry| entry.full_url.clone()).collect();
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), 4, "one message sent twice is two entries");
        let found: Vec<_> = messages(&whole).map(|one| one.identifier.clone()).collect();
        assert_eq!(found, [&first, &second, &first].map(|one| one.identifier.clone()));
        assert_eq!(fhir::to_vec(&whole), fhir::to_vec(&collection(inputs)));
        assert_eq!(messages(&first).count(), 1, "a message Bundle is its own message");
    }
}
