//! Any query of a stranger: parameters, tokens, dates, references and signed tokens are read without panic or haste.
#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use rest::Parameter;
use rest::jwt::{Algorithm, KeySet, verify};
use rest::search::{DateRange, DateSearch, Prefix, Token, matches_reference, matches_text};

fuzz_target!(|input: &str| {
    let (name, rest) = input.split_once('=').unwrap_or((input, ""));
    let (value, element) = rest.split_once('\n').unwrap_or((rest, rest));
    let parameter = Parameter::parse(name, value);
    assert!(!parameter.values.is_empty());
    for token in parameter.tokens() {
        let _ = token.matches(Some(element), Some(element));
    }
    let plain = element.replace('\\', r"\\").replace('|', r"\|").replace(',', r"\,").replace('$', r"\$");
    assert!(Token::parse(&plain).matches(None, Some(element)) || element.is_empty());
    for modifier in [None, Some("exact"), Some("contains"), Some("else")] {
        let _ = matches_text(value, modifier, element);
    }
    let _ = matches_reference(value, Some(name), element, "http://here.example/fhir");
    let zone = TimeZone::UTC;
    let (_, bare) = Prefix::split(value);
    assert!(value.ends_with(bare));
    if let Some(range) = DateRange::of(element, &zone) {
        assert!(range.low <= range.high);
        if let Some(search) = DateSearch::parse(value, &zone) {
            let _ = search.matches(range);
        }
        assert!(DateSearch::parse(element, &zone).is_none_or(|search| search.prefix != Prefix::Equal || search.matches(range)));
    }
    let keys = KeySet::parse(br#"{"keys": []}"#).expect("an empty set is a set");
    assert!(verify(value, &keys, &[Algorithm::Rs384, Algorithm::Es384]).is_err());
    if let Ok(set) = KeySet::parse(element.as_bytes()) {
        assert!(verify(value, &set, &[Algorithm::Es384]).is_err() || set.len() > 0);
    }
});
