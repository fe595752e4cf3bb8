//! What holds for every message and every pair of dialects.

use std::collections::HashSet;

use hl7v2::edit::{Fate, Trace};
use hl7v2::{Location, Message};
use translate::dialect::{DialectContext, convert};

use super::{NAMES, dialect, messages, told_in};

/// Every fixture, good and bad, that can be read at all.
fn readable() -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut all = messages("messages");
    all.extend(messages("bad"));
    all.retain(|(_, bytes)| Message::parse(bytes).is_ok());
    all
}

#[test]
fn the_trace_accounts_for_every_leaf_exactly_once() {
    let none = DialectContext::default();
    let mut pairs = 0;
    for (path, bytes) in readable() {
        let message = Message::parse(&bytes).unwrap();
        let received: Vec<Location> = message.leaves().map(|leaf| leaf.location).collect();
        let from = dialect(told_in(&path));
        for to in NAMES.into_iter().chain(["standard"]) {
            let (mut out, mut trace) = (Vec::new(), Trace::default());
            convert(
                &message,
                (from, &none),
                (dialect(to), &none),
                &mut out,
                Some(&mut trace),
            );
            let accounted: Vec<Location> = trace.lines.iter().map(|line| line.from).collect();
            assert_eq!(received, accounted, "{} to {to}", path.display());
            let written = Message::parse(&out).unwrap();
            let placed: HashSet<Location> = written.leaves().map(|leaf| leaf.location).collect();
            for line in &trace.lines {
                match line.fate {
                    Fate::Kept(at) | Fate::Transformed(at) => {
                        assert!(
                            placed.contains(&at),
                            "{}: {at} of {to} is not there",
                            path.display()
                        );
                    }
                    Fate::Dropped(reason) => assert!(!reason.is_empty(), "{}: {}", path.display(), line.from),
                }
            }
            pairs += 1;
        }
    }
    assert!(pairs > 500, "{pairs}");
}

#[test]
fn what_a_dialect_told_it_tells_again() {
    let none = DialectContext::default();
    for (path, bytes) in messages("messages") {
        let from = dialect(told_in(&path));
        let message = Message::parse(&bytes).unwrap();
        let (mut canonical, mut told, mut again) = (Vec::new(), Vec::new(), Vec::new());
        from.normalise_with(&message, &none, &mut canonical, None);
        from.render_with(&Message::parse(&canonical).unwrap(), &none, &mut told, None);
        from.normalise_with(&Message::parse(&told).unwrap(), &none, &mut again, None);
        assert_same(&canonical, &again, &path);
    }
}

/// Names the first leaf that only one of two messages has.
fn assert_same(left: &[u8], right: &[u8], path: &std::path::Path) {
    let (left, right) = (leaves(left), leaves(right));
    let only = |these: &[(String, String)], those: &[(String, String)]| {
        these.iter().find(|leaf| !those.contains(leaf)).cloned()
    };
    assert_eq!(only(&left, &right), only(&right, &left), "{}", path.display());
}

/// Every leaf with its text; the character set's name and escapes may differ, what they say may not.
fn leaves(bytes: &[u8]) -> Vec<(String, String)> {
    let message = Message::parse(bytes).unwrap();
    let leaf = |leaf: hl7v2::Leaf<'_>| (leaf.location.to_string(), leaf.text().into_owned());
    message
        .leaves()
        .map(leaf)
        .filter(|(place, _)| place != "MSH-18.1.1")
        .collect()
}

#[test]
fn normalising_twice_changes_nothing_more() {
    let none = DialectContext::default();
    for (path, bytes) in messages("messages") {
        let from = dialect(told_in(&path));
        let (mut once, mut twice) = (Vec::new(), Vec::new());
        from.normalise_with(&Message::parse(&bytes).unwrap(), &none, &mut once, None);
        from.normalise_with(&Message::parse(&once).unwrap(), &none, &mut twice, None);
        assert_same(&once, &twice, &path);
    }
}

#[test]
fn a_trace_changes_nothing_in_what_is_written() {
    let none = DialectContext::default();
    for (path, bytes) in readable() {
        let message = Message::parse(&bytes).unwrap();
        let from = dialect(told_in(&path));
        for to in NAMES {
            let (mut plain, mut traced, mut trace) = (Vec::new(), Vec::new(), Trace::default());
            convert(&message, (from, &none), (dialect(to), &none), &mut plain, None);
            convert(
                &message,
                (from, &none),
                (dialect(to), &none),
                &mut traced,
                Some(&mut trace),
            );
            assert_eq!(leaves(&plain), leaves(&traced), "{} to {to}", path.display());
        }
    }
}

#[test]
fn every_rule_can_be_explained() {
    for name in NAMES {
        let dialect = dialect(name);
        let mut names = HashSet::new();
        for rule in dialect.rules {
            assert!(names.insert(rule.name), "{name} has two rules `{}`", rule.name);
            assert!(
                !rule.why.is_empty() && !rule.source.is_empty() && !rule.places.is_empty(),
                "{name}: {}",
                rule.name
            );
            for place in rule.places {
                assert!(
                    place.parse::<Location>().is_ok(),
                    "{name}: {}: {place}",
                    rule.name
                );
            }
        }
        for setting in dialect.settings {
            let known = setting.values.is_empty() || setting.values.contains(&setting.default);
            assert!(known && !setting.why.is_empty(), "{name}: {}", setting.name);
        }
        assert!(!dialect.title.is_empty() && !dialect.source_note.is_empty());
    }
}

#[test]
fn the_header_is_the_senders_unless_the_interface_says_otherwise() {
    let bytes = b"MSH|^~\\&|LAB^1^L|RRV|GW|X|20260701120000.5+0100||ADT^A08^ADT_A01|42|P|2.5.1\rEVN|A08|20260701110000+0000\rPID|1||1^^^RRV^MR\r";
    let message = Message::parse(bytes).unwrap();
    let said = DialectContext {
        control_id: Some("NEW-1"),
        now: Some("202607011201"),
        sending_application: Some("EPRGW"),
        sending_facility: Some("RRV03"),
        receiving_application: Some("EPR"),
        receiving_facility: Some("SITE"),
        ..DialectContext::default()
    };
    for name in NAMES {
        let (mut kept, mut told) = (Vec::new(), Vec::new());
        dialect(name).render_with(&message, &DialectContext::default(), &mut kept, None);
        let header = Message::parse(&kept).unwrap();
        assert_eq!(header.field("MSH", 3).raw(), b"LAB^1^L", "{name}");
        assert_eq!(header.header().control_id(), "42", "{name}");
        assert_eq!(
            header.field("EVN", 2).text().get(..12),
            Some("202607011200"),
            "{name}: summer time"
        );
        dialect(name).render_with(&message, &said, &mut told, None);
        let told = super::text(told);
        assert!(
            told.starts_with("MSH|^~\\&|EPRGW|RRV03|EPR|SITE|202607011201||ADT^A08"),
            "{name}: {told}"
        );
        assert_eq!(super::value(&told, "MSH-10"), "NEW-1", "{name}");
    }
}
