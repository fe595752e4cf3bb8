//! Any message in any dialect of this room: the account adds up, the Bundle reads back, and the way back gives a message.
#![no_main]

use std::sync::LazyLock;

use hl7v2::Message;
use libfuzzer_sys::fuzz_target;
use translate::dialect::{Dialect, ITK, STANDARD};
use translate::{Ledger, Settings, Translator};

static TRANSLATOR: LazyLock<Translator> =
    LazyLock::new(|| Translator::new(Settings::default()).expect("own vocabularies are right"));

fn both_ways(message: &Message<'_>, dialect: &Dialect) {
    let mut ledger = Ledger::new();
    let bundle = TRANSLATOR.to_fhir(message, dialect, Some(&mut ledger));
    assert_eq!(ledger.totals().sum(), message.leaves().count());
    let json = fhir::to_vec(&bundle);
    let again: fhir::Bundle = fhir::from_slice(&json).expect("our own Bundle can be read");
    assert_eq!(fhir::to_vec(&again), json);
    let back = TRANSLATOR.to_hl7(&bundle, dialect, None).expect("the original travels along");
    assert_eq!(back, message.bytes());
}

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = Message::parse(input) {
        both_ways(&message, &STANDARD);
        both_ways(&message, &ITK);
    }
});
