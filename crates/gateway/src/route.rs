//! Route: the routing table says which interfaces take a message, in the order of the configuration.
//!
//! Looks at where the message came from, its event and its facilities; never at its content. No match
//! is an outcome, not an error: `verdict` decides what the sender hears. `ADT^*` means the events HL7 has:
//! one that a site made up, or misspelt, is taken only where it is named or where anything is.

use std::fmt;
use std::str::FromStr;

use crate::config::{From, Interface};

/// An event an interface takes: `ADT^A01`, `ADT^*` (every event HL7 has for that code) or `*` (anything).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPattern {
    message_code: Option<String>,
    trigger_event: Option<String>,
}

impl EventPattern {
    /// Whether a message of that code and trigger event is taken.
    pub fn matches(&self, message_code: &str, trigger_event: &str) -> bool {
        let Some(code) = self.message_code.as_deref() else {
            return true;
        };
        code == message_code
            && match self.trigger_event.as_deref() {
                Some(event) => event == trigger_event,
                None => is_event(message_code, trigger_event),
            }
    }
}

/// Whether HL7 has this event for this message code, in any version up to 2.8 (tables 0003 and 0354).
///
/// True for message codes without a list here: what is not known is not refused.
pub(crate) fn is_event(message_code: &str, trigger_event: &str) -> bool {
    let letter = trigger_event.get(..1).unwrap_or_default();
    let number: u8 = match trigger_event.get(1..).map(str::parse) {
        Some(Ok(number)) if trigger_event.len() == 3 => number,
        _ => 0,
    };
    match message_code {
        "ADT" => letter == "A" && (1..=62).contains(&number),
        "BAR" => letter == "P" && matches!(number, 1 | 2 | 5 | 6 | 10 | 12),
        "DFT" => letter == "P" && matches!(number, 3 | 11),
        "MDM" => letter == "T" && (1..=11).contains(&number),
        "MFN" => letter == "M" && (1..=17).contains(&number),
        "OMG" | "OML" | "OMP" | "ORM" => letter == "O" && (1..=59).contains(&number),
        "ORU" => (letter == "R" && (1..=42).contains(&number)) || (letter == "W" && number == 1),
        "RDE" => letter == "O" && matches!(number, 1 | 11 | 25 | 49),
        "REF" => letter == "I" && (12..=15).contains(&number),
        "SIU" => letter == "S" && (12..=27).contains(&number),
        _ => true,
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message_code, &self.trigger_event) {
            (None, _) => f.write_str("*"),
            (Some(code), None) => write!(f, "{code}^*"),
            (Some(code), Some(event)) => write!(f, "{code}^{event}"),
        }
    }
}

/// An event pattern that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is written like ADT^A01, ADT^* or *")]
pub struct PatternError {
    /// The nearest spelling that would do.
    pub nearest: Option<String>,
}

impl FromStr for EventPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        read_pattern(text).ok_or_else(|| {
            // `adt-a01`, `ADT_A01` and `ADT A01` are how people write it from memory.
            let mut guess = text.trim().to_ascii_uppercase();
            if !guess.contains('^') {
                guess = guess.replacen(['-', '_', ' ', '/', ':', '.'], "^", 1);
            }
            PatternError {
                nearest: read_pattern(&guess).map(|pattern| pattern.to_string()),
            }
        })
    }
}

fn read_pattern(text: &str) -> Option<EventPattern> {
    if text == "*" {
        return Some(EventPattern {
            message_code: None,
            trigger_event: None,
        });
    }
    let (code, event) = text.split_once('^')?;
    let upper = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let message_code = (code.len() == 3 && upper(code)).then(|| code.to_owned())?;
    let trigger_event = match event {
        "*" => None,
        event if event.len() == 3 && upper(event) => Some(event.to_owned()),
        _ => return None,
    };
    Some(EventPattern {
        message_code: Some(message_code),
        trigger_event,
    })
}

/// What routing looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin<'m> {
    /// The recognised sender, by position in the settings.
    pub(crate) source: Option<usize>,
    /// The endpoint it came in by; none for FHIR.
    pub(crate) endpoint: Option<usize>,
    /// MSH-9.1.
    pub(crate) message_code: &'m str,
    /// MSH-9.2.
    pub(crate) trigger_event: &'m str,
    /// MSH-4.1, PV1-3.4 and PV1-39.
    pub(crate) facilities: [&'m str; 3],
}

/// The interfaces that take a message, by position in the routing table, in its order.
pub(crate) fn route(interfaces: &[Interface], origin: &Origin<'_>) -> Vec<usize> {
    let taking = interfaces
        .iter()
        .enumerate()
        .filter(|(_, interface)| takes(interface, origin));
    taking.map(|(position, _)| position).collect()
}

fn takes(interface: &Interface, origin: &Origin<'_>) -> bool {
    let from = match &interface.from {
        From::Sources(sources) => origin.source.is_some_and(|source| sources.contains(&source)),
        From::Endpoint(endpoint) => origin.endpoint == Some(*endpoint),
    };
    from && interface
        .accept
        .iter()
        .any(|event| event.matches(origin.message_code, origin.trigger_event))
        && (interface.facility.is_empty()
            || interface
                .shared
                .iter()
                .any(|event| event.matches(origin.message_code, origin.trigger_event))
            || origin.facilities.iter().any(|found| {
                !found.is_empty()
                    && interface
                        .facility
                        .iter()
                        .any(|wanted| wanted.eq_ignore_ascii_case(found))
            }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_for_the_event_means_the_events_hl7_has() {
        let takes =
            |pattern: &str, code, event| pattern.parse::<EventPattern>().unwrap().matches(code, event);
        for (pattern, code, event, expected) in [
            ("ADT^*", "ADT", "A01", true),
            ("ADT^*", "ADT", "A99", false),
            ("ADT^*", "ADT", "R01", false),
            ("ADT^*", "ADT", "A1", false),
            ("ADT^*", "ADT", "", false),
            ("ADT^A99", "ADT", "A99", true),
            ("ORU^*", "ORU", "R01", true),
            ("ZZZ^*", "ZZZ", "Z01", true),
            ("*", "ZZZ", "Z01", true),
        ] {
            assert_eq!(takes(pattern, code, event), expected, "{pattern} {code}^{event}");
        }
    }

    #[test]
    fn a_pattern_takes_its_event_and_no_other() {
        for (pattern, event, taken) in [
            ("ADT^A01", ("ADT", "A01"), true),
            ("ADT^A01", ("ADT", "A04"), false),
            ("ADT^*", ("ADT", "A04"), true),
            ("ADT^*", ("ORU", "R01"), false),
            ("*", ("ORU", "R01"), true),
            ("*", ("", ""), true),
            ("ADT^*", ("ADT", ""), false),
        ] {
            let read: EventPattern = pattern.parse().unwrap();
            assert_eq!(read.matches(event.0, event.1), taken, "{pattern} on {event:?}");
            assert_eq!(read.to_string(), pattern);
        }
    }

    #[test]
    fn a_bad_pattern_names_the_nearest_good_one() {
        for (written, nearest) in [
            ("adt^a01", Some("ADT^A01")),
            ("ADT-A01", Some("ADT^A01")),
            ("ADT_A01", Some("ADT^A01")),
            ("ADT^A1", None),
            ("", None),
            ("ADT", None),
            ("ADT^A01^ADT_A01", None),
        ] {
            let error = EventPattern::from_str(written).unwrap_err();
            assert_eq!(error.nearest.as_deref(), nearest, "{written}");
        }
    }
}
