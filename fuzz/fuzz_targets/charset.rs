//! Any bytes in any character set: what is not flagged comes back the same, what is flagged is marked in the text.
#![no_main]

use hl7v2::{Charset, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The first line is MSH-18, the rest a value.
    let split = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (name, value) = (&input[..split], &input[split..]);
    let charset = Charset::named(name);
    assert_eq!(Charset::named(charset.name().as_bytes()).name(), charset.name());
    let (text, whole) = charset.decode(value);
    if whole {
        let (bytes, lost) = charset.encode(&text);
        assert_eq!(lost, 0, "{charset:?} cannot write what it has read");
        let (again, whole) = charset.decode(&bytes);
        assert!(whole && again == text, "{charset:?} reads its own bytes otherwise");
    } else {
        assert!(text.contains('\u{fffd}'), "{charset:?} flags what it does not mark");
    }
    if let Ok(text) = std::str::from_utf8(value) {
        let (bytes, lost) = charset.encode(text);
        assert!(lost <= text.chars().count());
        if lost == 0 {
            assert_eq!(charset.decode(&bytes), (text.into(), true));
        }
    }
    let message = [b"MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4||||||", name, b"\rPID|||", value, b"\r"].concat();
    if let Ok(message) = Message::parse(&message) {
        let _ = (message.undecodable().count(), message.field("PID", 3).text().len());
    }
});
