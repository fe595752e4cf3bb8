//! Dates in searches: a date is the range of time it may mean, and a prefix says how two ranges must lie.

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The time a date may mean, from `low` up to but without `high`; open where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// The first moment.
    pub low: Timestamp,
    /// The first moment after it.
    pub high: Timestamp,
}

/// How the ranges of search and element must lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `eq`: the element lies inside the search.
    Equal,
    /// `ne`: it does not.
    NotEqual,
    /// `gt`: part of the element lies after the search.
    Greater,
    /// `lt`: part of the element lies before the search.
    Less,
    /// `ge`: greater or equal.
    GreaterOrEqual,
    /// `le`: less or equal.
    LessOrEqual,
    /// `sa`: the element starts after the search.
    StartsAfter,
    /// `eb`: the element ends before the search.
    EndsBefore,
    /// `ap`: they overlap.
    Approximately,
}

/// A date value of a search: a prefix and a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateSearch {
    /// How the ranges must lie.
    pub prefix: Prefix,
    /// The range searched for.
    pub range: DateRange,
    /// Whether a time of day was given.
    pub has_time: bool,
}

impl Prefix {
    /// Takes a prefix off a value; `eq` when there is none.
    pub fn split(value: &str) -> (Self, &str) {
        let Some((prefix, rest)) = value.split_at_checked(2) else {
            return (Self::Equal, value);
        };
        let prefix = match prefix {
            "eq" => Self::Equal,
            "ne" => Self::NotEqual,
            "gt" => Self::Greater,
            "lt" => Self::Less,
            "ge" => Self::GreaterOrEqual,
            "le" => Self::LessOrEqual,
            "sa" => Self::StartsAfter,
            "eb" => Self::EndsBefore,
            "ap" => Self::Approximately,
            _ => return (Self::Equal, value),
        };
        (prefix, rest)
    }
}

impl DateRange {
    /// The range of a date as FHIR writes it, or to the minute as searches may; without an offset it is local to `zone`.
    pub fn of(text: &str, zone: &TimeZone) -> Option<Self> {
        parse(text, zone).map(|(range, _)| range)
    }

    /// The range of a period; an end that is not given is open.
    pub fn of_period(start: Option<&str>, end: Option<&str>, zone: &TimeZone) -> Option<Self> {
        if start.is_none() && end.is_none() {
            return None;
        }
        let low = start.map_or(Some(Timestamp::MIN), |text| Some(Self::of(text, zone)?.low))?;
        let high = end.map_or(Some(Timestamp::MAX), |text| Some(Self::of(text, zone)?.high))?;
        Some(Self { low, high })
    }
}

impl DateSearch {
    /// Reads a value such as `ge2026-01`; `None` when it is no date.
    pub fn parse(value: &str, zone: &TimeZone) -> Option<Self> {
        let (prefix, text) = Prefix::split(value);
        let (range, has_time) = parse(text, zone)?;
        Some(Self {
            prefix,
            range,
            has_time,
        })
    }

    /// Whether an element with this range is found.
    pub fn matches(&self, element: DateRange) -> bool {
        let search = self.range;
        let equal = search.low <= element.low && element.high <= search.high;
        let greater = element.high > search.high;
        let less = element.low < search.low;
        match self.prefix {
            Prefix::Equal => equal,
            Prefix::NotEqual => !equal,
            Prefix::Greater => greater,
            Prefix::Less => less,
            Prefix::GreaterOrEqual => greater || equal,
            Prefix::LessOrEqual => less || equal,
            Prefix::StartsAfter => element.low >= search.high,
            Prefix::EndsBefore => element.high <= search.low,
            Prefix::Approximately => element.low < search.high && search.low < element.high,
        }
    }
}

/// The range, and whether a time of day was given.
fn parse(text: &str, zone: &TimeZone) -> Option<(DateRange, bool)> {
    match text.split_once('T') {
        None => Some((whole_days(text, zone)?, false)),
        Some((day, time)) => Some((moment(day, time, zone)?, true)),
    }
}

fn whole_days(text: &str, zone: &TimeZone) -> Option<DateRange> {
    let mut parts = text.split('-');
    let year = number(parts.next()?, 4)?;
    let (month, day) = (parts.next(), parts.next());
    if parts.next().is_some() {
        return None;
    }
    let first = |month: Option<&str>, day: Option<&str>| {
        let month = month.map_or(Some(1), |month| number(month, 2))?;
        let day = day.map_or(Some(1), |day| number(day, 2))?;
        civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
    };
    let start = first(month, day)?;
    let span = match (month, day) {
        (None, _) => Span::new().years(1),
        (Some(_), None) => Span::new().months(1),
        (Some(_), Some(_)) => Span::new().days(1),
    };
    let end = start.checked_add(span).ok()?;
    let local = |date: civil::Date| zone.to_timestamp(date.to_datetime(civil::Time::midnight())).ok();
    Some(DateRange {
        low: local(start)?,
        high: local(end)?,
    })
}

fn moment(day: &str, time: &str, zone: &TimeZone) -> Option<DateRange> {
    // In a query a plus sign that was not encoded has become a blank.
    let (clock, offset) = match time.find(['Z', '+', '-', ' ']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, ""),
    };
    let date: civil::Date = (day.len() == 10).then(|| day.parse().ok())??;
    let span = match clock.len() {
        5 => Span::new().minutes(1),
        8 => Span::new().seconds(1),
        // A fraction is taken to name its moment.
        length if length > 9 => Span::new().nanoseconds(1),
        _ => return None,
    };
    let start = date.to_datetime(clock.parse().ok()?);
    let low = match offset {
        "" => zone.to_timestamp(start).ok()?,
        "Z" => TimeZone::UTC.to_timestamp(start).ok()?,
        _ => TimeZone::UTC
            .to_timestamp(start)
            .ok()?
            .checked_sub(offset_span(offset)?)
            .ok()?,
    };
    Some(DateRange {
        low,
        high: low.checked_add(span).ok()?,
    })
}

fn offset_span(offset: &str) -> Option<Span> {
    let (sign, rest) = offset.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let total = i64::from(number(hours, 2)?) * 60 + i64::from(number(minutes, 2)?);
    Some(Span::new().minutes(if sign == "-" { -total } else { total }))
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<i16> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn found(search: &str, element: &str) -> bool {
        let element = DateRange::of(element, &london()).unwrap();
        DateSearch::parse(search, &london()).unwrap().matches(element)
    }

    #[test]
    fn a_partial_date_means_all_of_its_time() {
        assert!(found("1970-02", "1970-02-28"));
        assert!(found("1970", "1970-02"));
        assert!(!found("1970-02-28", "1970-02"));
        assert!(found("ne1970-02-28", "1970-02"));
        assert!(found("ap1970-02-28", "1970-02"));
    }

    #[test]
    fn prefixes_compare_ranges() {
        assert!(found("gt2026-01-01", "2026-01-02") && !found("gt2026-01-01", "2026-01-01T23:59:59Z"));
        assert!(found("ge2026-01-01", "2026-01-01T00:00:00Z") && !found("ge2026-01-01", "2025-12-31"));
        assert!(found("lt2026-01-01", "2025-12-31") && !found("lt2026-01-01", "2026-01-01"));
        assert!(found("le2026-01-01", "2026-01-01") && found("eb2026-01-01", "2025"));
        assert!(found("sa2025", "2026-01-01") && !found("sa2025", "2025-12-31"));
    }

    #[test]
    fn a_time_without_offset_is_local_with_summer_time() {
        assert!(found("2026-07-01T09:00", "2026-07-01T08:00:30Z"));
        assert!(found("2026-01-01T09:00", "2026-01-01T09:00:30+00:00"));
        assert!(found("2026-07-01", "2026-06-30T23:30:00Z"));
        assert!(found("2026-07-01T09:00:00 01:00", "2026-07-01T08:00:00Z"));
        assert!(found("eq2026-07-01T04:00:00-05:00", "2026-07-01T09:00:00.000Z"));
    }

    #[test]
    fn an_open_period_reaches_everywhere() {
        let period = DateRange::of_period(Some("2026-01-01"), None, &london()).unwrap();
        let search = |text| DateSearch::parse(text, &london()).unwrap().matches(period);
        assert!(search("gt2030") && search("ge2026-01-01") && !search("lt2026-01-01") && !search("2026"));
        assert_eq!(DateRange::of_period(None, None, &london()), None);
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "ge",
            "26",
            "2026-13",
            "2026-02-30",
            "2026-1-1",
            "2026-01-01T",
            "2026-01-01T9:00",
            "2026-01T09:00",
            "today",
            "2026-01-01T09:00:00+1",
            "2026-01-01-01",
            "é026",
            "2026-01-01Té9:00",
        ] {
            assert_eq!(DateSearch::parse(text, &london()), None, "{text}");
        }
    }
}
