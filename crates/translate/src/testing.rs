//! What the tests of this crate share: a message from a few segments, its Bundle, and the way back without the
//! original.

use fhir::{Bundle, ResourceType};
use hl7v2::Message;

use crate::dialect::STANDARD;
use crate::{Ledger, Settings, Translator};

/// A header for the event, then the segments, as ER7.
pub(crate) fn message(event: &str, segments: &[&str]) -> Vec<u8> {
    let (code, structure) = crate::message::code_and_structure(event);
    let mut er7 =
        format!("MSH|^~\\&|PAS|RYJ|GATEWAY|RYJ|20260302091500||{code}^{event}^{structure}|42|P|2.5.1\r");
    for segment in segments {
        er7.push_str(segment);
        er7.push('\r');
    }
    er7.into_bytes()
}

/// A patient that other segments can belong to.
pub(crate) const PID: &str = "PID|1||70000123^^^RYJ^MR||Example^Ada";

/// A translator whose Bundles travel without the original, so that only rows can bring a leaf back.
pub(crate) fn translator() -> Translator {
    let settings = Settings {
        carry_original: false,
        ..Settings::default()
    };
    Translator::new(settings).expect("the embedded vocabularies are checked")
}

/// The Bundle of a message, checked against R4, and its ledger.
pub(crate) fn read(er7: &[u8]) -> (Bundle, Ledger) {
    let message = Message::parse(er7).expect("a message");
    let mut ledger = Ledger::new();
    let bundle = translator().to_fhir(&message, &STANDARD, Some(&mut ledger));
    assert_eq!(
        ledger.totals().sum(),
        ledger.leaves_in(),
        "every leaf has one outcome"
    );
    assert_eq!(ledger.leaves_in(), message.leaves().count());
    let json = fhir::to_vec(&bundle);
    let again: Bundle = fhir::from_slice(&json).expect("what was written can be read");
    assert_eq!(again, bundle, "JSON says what the Bundle says");
    for entry in &bundle.entry {
        let issues = entry.resource.as_ref().expect("a resource").check();
        assert!(issues.is_empty(), "{issues:?}");
    }
    (bundle, ledger)
}

/// The only or first resource of a type.
pub(crate) fn first<R: ResourceType>(bundle: &Bundle) -> &R {
    all(bundle).into_iter().next().expect("the Bundle holds one")
}

/// Every resource of a type.
pub(crate) fn all<R: ResourceType>(bundle: &Bundle) -> Vec<&R> {
    bundle
        .entry
        .iter()
        .filter_map(|entry| entry.resource.as_ref()?.as_type::<R>())
        .collect()
}

/// The segments that the resources alone give back, without set ids in front.
pub(crate) fn back(bundle: &Bundle) -> Vec<String> {
    let er7 = translator().to_hl7(bundle, &STANDARD, None).expect("a message");
    let text = String::from_utf8(er7).expect("UTF-8");
    text.split('\r')
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Asserts that a segment comes back from the resources alone exactly as it was, and gives the Bundle.
#[track_caller]
pub(crate) fn round_trip(event: &str, segments: &[&str], segment: &str) -> Bundle {
    let mut all: Vec<&str> = segments.to_vec();
    all.push(segment);
    let (bundle, ledger) = read(&message(event, &all));
    let lost: Vec<String> = ledger
        .with_outcome(crate::Outcome::Lost)
        .map(|line| line.location.to_string())
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let id = segment.get(..3).expect("an id");
    let written: Vec<String> = back(&bundle)
        .into_iter()
        .filter(|line| line.starts_with(id))
        .collect();
    assert_eq!(written, [segment]);
    bundle
}

/// Reads and writes back; the segments named by `ids` have to be the ones that were sent.
#[track_caller]
pub(crate) fn comes_back(event: &str, segments: &[&str], ids: &[&str]) -> Bundle {
    let (bundle, ledger) = read(&message(event, segments));
    let lost: Vec<String> = ledger
        .with_outcome(crate::Outcome::Lost)
        .map(|line| line.location.to_string())
        .collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let wanted = |line: &&str| ids.iter().any(|id| line.starts_with(id));
    let written = back(&bundle);
    let written: Vec<&str> = written.iter().map(String::as_str).filter(wanted).collect();
    let sent: Vec<&str> = segments.iter().copied().filter(wanted).collect();
    assert_eq!(written, sent);
    bundle
}

/// The lines of the message that a Bundle of others gives.
pub(crate) fn back_of(json: &str) -> Vec<String> {
    let bundle: Bundle = fhir::from_slice(json.as_bytes()).expect("a Bundle");
    let er7 = translator().to_hl7(&bundle, &STANDARD, None).expect("a message");
    let text = String::from_utf8(er7).expect("UTF-8");
    text.split('\r').map(str::to_owned).collect()
}
