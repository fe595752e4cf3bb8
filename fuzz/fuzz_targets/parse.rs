//! Any bytes: no panic, nothing lost, print gives back what was parsed, every frame gets a readable answer.
#![no_main]

use hl7v2::{Message, ack, nhs};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rejection = ack::Ack::of(ack::AckCode::AR);
    let answer = ack::acknowledge_unreadable(bytes, &rejection, "1", "20240101");
    let answer = Message::parse(&answer).expect("an answer is a message");
    assert_eq!(
        ack::read(&answer).expect("an answer has an MSA").code,
        ack::AckCode::AR
    );

    assert_eq!(nhs::mask_all(bytes).len(), bytes.len());
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    let mut printed = Vec::new();
    message.write(&mut printed);
    assert_eq!(printed, bytes);

    let mut leaves = message.leaves();
    for segment in message.segments() {
        for field in segment.fields() {
            assert_eq!(
                field.checked_text().is_ok() || field.text().contains('\u{fffd}'),
                true
            );
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    for subcomponent in component.subcomponents().filter(|s| !s.raw().is_empty()) {
                        let leaf = leaves.next().expect("a leaf for each populated subcomponent");
                        assert_eq!(
                            (leaf.location, leaf.raw),
                            (subcomponent.location(), subcomponent.raw())
                        );
                        assert_eq!(leaf.text(), subcomponent.text());
                    }
                }
            }
        }
    }
    assert!(leaves.next().is_none());

    let mut clean = Vec::new();
    message.write_clean(&mut clean);
    let clean = Message::parse(&clean).expect("a clean message is a message");
    assert_eq!(clean.junk(), []);
    assert_eq!(clean.leaves().count(), message.leaves().count());

    let live = nhs::live_numbers(&message, &nhs::Ranges::new(Vec::new()));
    let masked = nhs::mask(&message, &live);
    let masked = Message::parse(&masked).expect("a masked message is a message");
    assert!(nhs::live_numbers(&masked, &nhs::Ranges::new(Vec::new())).is_empty());
    let _ = (
        ack::wanted(&message.header(), true),
        message.undecodable().count(),
        format!("{message:?}"),
    );
});
