//! The vector scan against its scalar twin, on any bytes and any separator.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // The separator is never NUL, CR or LF: `Delimiters::read` lets only ASCII punctuation through.
    let Some((&field, bytes)) = input.split_first() else {
        return;
    };
    if field.is_ascii_punctuation() {
        assert!(hl7v2::scans_agree(bytes, field));
    }
});
