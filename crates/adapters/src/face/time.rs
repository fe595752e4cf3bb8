//! HL7 times as FHIR writes them: dates stay dates, times become points in UTC.

use fhir::{Date, DateTime, Instant};
use hl7v2::{Precision, Time};
use jiff::Timestamp;
use jiff::civil::DateTime as Civil;

use crate::clock::london;
use crate::state::Text;

/// A date, as precise as it came: `1956`, `1956-02`, `1956-02-29`.
pub(crate) fn date(hl7: &str) -> Option<Date> {
    let digits: String = hl7.chars().take_while(char::is_ascii_digit).take(8).collect();
    Some(Date::new(dashed(&digits)?)).filter(Date::is_valid)
}

/// A date, or a point in time in UTC; hospital clocks that say no offset are London's.
pub(crate) fn date_time(hl7: &str) -> Option<DateTime> {
    let time = Time::parse(hl7).ok()?;
    if time.precision() < Precision::Minute {
        return date(hl7).map(|date| DateTime::new(date.into_text()));
    }
    Some(DateTime::new(
        point(hl7)?.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    ))
}

/// A point in time; none when the day alone is known.
pub(crate) fn instant(hl7: &str) -> Option<Instant> {
    let time = Time::parse(hl7).ok()?;
    (time.precision() >= Precision::Minute)
        .then(|| point(hl7))
        .flatten()
        .map(|point| Instant::new(point.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()))
}

/// A stamp of our own.
pub(crate) fn instant_of_ms(ms: i64) -> Option<Instant> {
    let point = Timestamp::from_millisecond(ms).ok()?;
    Some(Instant::new(point.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()))
}

/// A date or time of FHIR's as an HL7 time on the hospital's clock, as precise as it came.
pub(crate) fn hl7_of(fhir: &str) -> Option<Text> {
    let digits = |text: &str| -> Text { text.chars().filter(char::is_ascii_digit).collect() };
    if !fhir.contains('T') {
        let day = digits(fhir);
        return matches!(day.len(), 4 | 6 | 8).then_some(day);
    }
    let point: Timestamp = fhir.parse().ok()?;
    let local = point
        .to_zoned_datetime(london())
        .strftime("%Y%m%d%H%M%S")
        .to_string();
    Some(local.into())
}

fn dashed(digits: &str) -> Option<String> {
    let part = |range| digits.get(range);
    match digits.len() {
        4 => Some(digits.to_owned()),
        6 => Some(format!("{}-{}", part(0..4)?, part(4..6)?)),
        8 => Some(format!("{}-{}-{}", part(0..4)?, part(4..6)?, part(6..8)?)),
        _ => None,
    }
}

fn point(hl7: &str) -> Option<Timestamp> {
    let digits: Vec<i16> = hl7
        .bytes()
        .take_while(u8::is_ascii_digit)
        .map(|digit| i16::from(digit - b'0'))
        .collect();
    let number = |from: usize, to: usize| -> Option<i16> {
        let part = digits.get(from..to)?;
        Some(part.iter().fold(0, |value, digit| value * 10 + digit))
    };
    let small = |from, to| i8::try_from(number(from, to).unwrap_or(0)).ok();
    let local = Civil::new(
        number(0, 4)?,
        small(4, 6)?,
        small(6, 8)?,
        small(8, 10)?,
        small(10, 12)?,
        small(12, 14)?,
        0,
    );
    let local = local.ok()?;
    if let Some(sign) = hl7.find(['+', '-']) {
        let offset: Vec<i32> = hl7
            .bytes()
            .skip(sign + 1)
            .map(|digit| i32::from(digit.wrapping_sub(b'0')))
            .collect();
        let [hour10, hour, minute10, minute] = offset.as_slice() else {
            return None;
        };
        let minutes = (hour10 * 10 + hour) * 60 + minute10 * 10 + minute;
        let seconds = if hl7.as_bytes().get(sign) == Some(&b'-') {
            -60 * minutes
        } else {
            60 * minutes
        };
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        return offset.to_timestamp(local).ok();
    }
    london().to_timestamp(local).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_and_winter_times_become_points() {
        let said = |hl7| date_time(hl7).map(|time| time.as_str().to_owned());
        assert_eq!(said("202601021030").as_deref(), Some("2026-01-02T10:30:00Z"));
        assert_eq!(said("20260702103015").as_deref(), Some("2026-07-02T09:30:15Z"));
        assert_eq!(
            said("20260702103015+0200").as_deref(),
            Some("2026-07-02T08:30:15Z")
        );
        assert_eq!(said("20260702").as_deref(), Some("2026-07-02"));
        assert_eq!(said("197002").as_deref(), Some("1970-02"));
        assert_eq!(said("nonsense"), None);
    }

    #[test]
    fn a_birth_at_midnight_in_summer_keeps_its_day() {
        for hl7 in ["20260601", "202606010000", "20260601001200"] {
            assert_eq!(
                date(hl7).map(|date| date.as_str().to_owned()).as_deref(),
                Some("2026-06-01"),
                "{hl7}"
            );
        }
    }
}
