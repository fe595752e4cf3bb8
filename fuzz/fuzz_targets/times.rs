//! Any text as a time, a location and an NHS number: read, it comes back as written; otherwise it is an error.
#![no_main]

use hl7v2::{Location, Precision, Time, nhs::NhsNumber};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(time) = Time::parse(text) {
        assert_eq!(time.to_string(), text);
        assert_eq!(time.to_precision(Precision::Fraction), time);
        let day = time.to_precision(Precision::Day);
        assert_eq!(Time::parse(&day.to_string()), Ok(day));
    }
    if let Ok(location) = text.parse::<Location>() {
        let printed = location
            .to_string()
            .parse::<Location>()
            .expect("a printed location is one");
        assert_eq!(printed.to_leaf(), location.to_leaf());
    }
    if let Some(number) = NhsNumber::parse(text) {
        assert_eq!(NhsNumber::parse(&number.to_string()), Some(number));
    }
});
