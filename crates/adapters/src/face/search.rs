//! Search parameters as criteria on the record. A vendor says first whether it has such a parameter.

use jiff::Timestamp;
use rest::Parameter;

use crate::clock::london;
use crate::state::{People, Text, Wanted};

/// How a parameter fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Taken,
    /// No criterion of ours goes by that name.
    Unknown,
    /// The value cannot be read.
    Bad,
}

/// A span of time on the hospital's clock, as 14 digits, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: Text,
    pub last: Text,
}

impl Span {
    /// The same span in whole days of 8 digits.
    pub(crate) fn days(&self) -> (Text, Text) {
        let day = |time: &Text| -> Text { time.chars().take(8).collect() };
        // Fifteen digits stand for "after the last moment of that day".
        let first = match (self.first.len(), day(&self.first)) {
            (15, first) => first
                .parse::<u64>()
                .map_or(first, |day| compact_str::format_compact!("{:08}", day + 1)),
            (_, first) => first,
        };
        (first, day(&self.last))
    }

    /// Whether a time falls into it.
    pub(crate) fn holds(&self, time: &str) -> bool {
        self.meets(time, time)
    }

    /// Whether the time from `start` to `end` has a moment in common with it.
    pub(crate) fn meets(&self, start: &str, end: &str) -> bool {
        let digits =
            |time: &str| -> Text { time.chars().take_while(char::is_ascii_digit).take(14).collect() };
        let (start, end) = (digits(start), digits(end));
        !start.is_empty() && padded(&start, '0') <= self.last && padded(&end, '9') >= self.first
    }
}

fn padded(digits: &str, with: char) -> Text {
    let mut text = Text::from(digits);
    while text.len() < 14 {
        text.push(with);
    }
    text
}

const FIRST: Text = Text::const_new("00000000000000");
const LAST: Text = Text::const_new("99999999999999");

/// One date with its prefix; `None` when it is no date FHIR knows.
pub(crate) fn date_criterion(value: &str) -> Option<Span> {
    let value = value.trim();
    let letters = value.chars().take_while(char::is_ascii_lowercase).count();
    let (prefix, date) = value.split_at_checked(letters)?;
    let digits = local_digits(date)?;
    let (start, end) = (padded(&digits, '0'), padded(&digits, '9'));
    let before = || {
        start
            .parse::<u64>()
            .ok()
            .map(|number| compact_str::format_compact!("{:014}", number.saturating_sub(1)))
    };
    Some(match prefix {
        "" | "eq" => Span {
            first: start,
            last: end,
        },
        "ge" => Span {
            first: start,
            last: LAST,
        },
        "gt" | "sa" => Span {
            first: compact_str::format_compact!("{end}0"),
            last: LAST,
        },
        "le" => Span {
            first: FIRST,
            last: end,
        },
        "lt" | "eb" => Span {
            last: before()?,
            first: FIRST,
        },
        _ => return None,
    })
}

/// The digits of a FHIR date or time on the hospital's clock.
fn local_digits(date: &str) -> Option<Text> {
    // A plus sign in a URL reads as a space.
    let date = date.trim().replace(' ', "+");
    if date.contains('T') && (date.ends_with('Z') || date.rfind(['+', '-']).is_some_and(|at| at > 10)) {
        let point: Timestamp = date.parse().ok()?;
        return Some(
            point
                .to_zoned_datetime(london())
                .strftime("%Y%m%d%H%M%S")
                .to_string()
                .into(),
        );
    }
    let shape = date
        .chars()
        .all(|letter| letter.is_ascii_digit() || matches!(letter, '-' | 'T' | ':'));
    let digits: Text = date.chars().filter(char::is_ascii_digit).collect();
    let whole = matches!(digits.len(), 4 | 6 | 8 | 12 | 14);
    (shape && whole && hl7v2::Time::parse(&digits).is_ok()).then_some(digits)
}

/// Adds one demographic parameter to the criteria; `sexes` gives the product's codes for a FHIR gender.
pub(crate) fn people_criterion(
    parameter: &Parameter,
    people: &mut People,
    sexes: fn(&str) -> Vec<Text>,
) -> Fit {
    let exact = parameter.modifier.as_deref() == Some("exact");
    let names = || {
        parameter
            .values
            .iter()
            .filter(|value| !value.trim().is_empty())
            .map(|value| Wanted::new(value, exact))
    };
    match parameter.name.as_str() {
        "identifier" => {
            for value in &parameter.values {
                let (system, value) = value.split_once('|').unwrap_or(("", value));
                if value.trim().is_empty() {
                    return Fit::Bad;
                }
                people
                    .identifiers
                    .push((system.into(), identifier_value(system, value)));
            }
        }
        "family" => people.families.extend(names()),
        "given" => people.givens.extend(names()),
        "name" => people.names.extend(names()),
        "birthdate" => {
            for value in &parameter.values {
                match date_criterion(value) {
                    Some(span) => people.births.push(span.days()),
                    None => return Fit::Bad,
                }
            }
        }
        "gender" => {
            people.sexes = Some(parameter.values.iter().flat_map(|gender| sexes(gender)).collect());
        }
        "phone" | "email" | "telecom" => {
            let bare = |value: &String| Text::from(value.rsplit('|').next().unwrap_or_default());
            people.telecoms.extend(parameter.values.iter().map(bare));
        }
        "address-postalcode" => people.postcodes.extend(parameter.values.iter().map(Text::from)),
        _ => return Fit::Unknown,
    }
    Fit::Taken
}

/// An NHS number may be written with spaces; other numbers are taken as they stand.
fn identifier_value(system: &str, value: &str) -> Text {
    let nhs = system.is_empty() || system.ends_with("nhs-number");
    match crate::intake::read::nhs_digits(value) {
        Some(digits) if nhs => digits,
        _ => value.trim().into(),
    }
}

/// The id in `Patient/123`, `123` or an absolute URL that ends so.
pub(crate) fn reference_id<'v>(resource_type: &str, value: &'v str) -> Option<&'v str> {
    match value.rsplit_once('/') {
        None => Some(value),
        Some((before, id)) => before.ends_with(resource_type).then_some(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(value: &str) -> (String, String) {
        let (first, last) = date_criterion(value).map(|span| span.days()).unwrap();
        (first.into(), last.into())
    }

    #[test]
    fn prefixes_bound_the_days_they_should() {
        assert_eq!(days("1970-02-28"), ("19700228".into(), "19700228".into()));
        assert_eq!(days("ge1970-02"), ("19700200".into(), "99999999".into()));
        assert_eq!(days("gt1970-02-28").0, "19700229");
        assert_eq!(days("lt1970-03-01").1, "19700300");
        assert!(date_criterion("ne1970").is_none());
        assert!(date_criterion("1970-13").is_none());
        assert!(date_criterion("yesterday").is_none());
    }

    #[test]
    fn a_time_with_an_offset_is_put_on_the_local_clock() {
        let span = date_criterion("ge2026-07-02T09:00:00Z").unwrap();
        assert!(span.holds("202607021000"));
        assert!(!span.holds("20260702095959"));
        assert!(
            date_criterion("ge2026-07-02T09:00:00 01:00")
                .unwrap()
                .holds("20260702090000")
        );
    }

    #[test]
    fn a_stay_meets_a_span_that_it_only_touches() {
        let day = date_criterion("2026-01-03").unwrap();
        assert!(day.meets("202601010900", "202601030100"));
        assert!(!day.meets("202601010900", "202601022359"));
        assert!(day.meets("202601010900", "9"));
    }
}
