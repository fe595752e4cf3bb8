//! Any raw value in any character set: decoded text, written again, decodes to itself and breaks no framing.
#![no_main]

use hl7v2::{Charset, Delimiters, Encoding, escape};
use libfuzzer_sys::fuzz_target;

const CHARSETS: [Charset; 8] = [
    Charset::Unstated,
    Charset::Ascii,
    Charset::Utf8,
    Charset::Latin1,
    Charset::Iso8859(15),
    Charset::Windows1252,
    Charset::Korean,
    Charset::Unknown,
];

fuzz_target!(|input: &[u8]| {
    let Some((&choice, raw)) = input.split_first() else {
        return;
    };
    let charset = CHARSETS[usize::from(choice) % CHARSETS.len()];
    let truncation = (choice & 8 != 0).then_some(b'#');
    let encoding = Encoding {
        delimiters: Delimiters {
            truncation,
            ..Delimiters::STANDARD
        },
        charset,
    };
    let (text, complete) = escape::unescape_checked(raw, &encoding);
    for write in [escape::escape, escape::escape_formatted] {
        let mut again = Vec::new();
        let lost = write(&text, &encoding, &mut again);
        assert!(!again.iter().any(|b| b"\r\n\x0b\x1c|^~&".contains(b)));
        assert_ne!(again, b"\"\"");
        if complete {
            assert_eq!(lost, 0, "what a character set decodes it encodes");
            let same = escape::unescape(&again, &encoding);
            assert!(same == text || same == text.replace("\r\n", "\n"));
        }
    }
    let name = Charset::named(raw);
    assert!(name == Charset::Unknown || name == Charset::named(name.name().as_bytes()));
});
