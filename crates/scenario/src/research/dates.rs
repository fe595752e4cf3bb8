//! What becomes of dates: kept, moved back by a number of days of each person's own, or cut to the month.

use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// A project's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// As they are.
    Keep,
    /// Moved back, all of one person by the same number of days: what lies between two of them stays.
    Shift,
    /// The month only.
    Month,
}

impl Dates {
    /// The rule of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Keep, Self::Shift, Self::Month]
            .into_iter()
            .find(|rule| rule.word() == name)
    }

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Shift => "shift",
            Self::Month => "month",
        }
    }

    /// A date or time under this rule; none where the rule cannot be kept.
    pub(super) fn apply(self, time: &str, days: i64) -> Option<fhir::DateTime> {
        let ruled = match self {
            Self::Keep => time.to_owned(),
            Self::Month => time.get(..7)?.to_owned(),
            Self::Shift => shifted(time, days)?,
        };
        fhir::DateTime::parse(&ruled)
    }
}

/// The same time of another day. A year or a month alone cannot be moved by days, and is left out.
fn shifted(time: &str, days: i64) -> Option<String> {
    let back = Span::new().days(days);
    let (date, rest) = (time.get(..10)?, time.get(10..)?);
    let date: Date = date.parse().ok()?;
    if !rest.is_empty() {
        // Only a whole instant is a time at all.
        time.parse::<Timestamp>().ok()?;
    }
    Some(format!("{}{rest}", date.checked_sub(back).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_keeps_what_lies_between_and_the_hour() {
        let of = |time: &str| Dates::Shift.apply(time, 30).map(|time| time.to_string());
        assert_eq!(
            of("2026-03-01T09:30:00+00:00").as_deref(),
            Some("2026-01-30T09:30:00+00:00")
        );
        assert_eq!(of("2026-03-02").as_deref(), Some("2026-01-31"));
        assert_eq!(of("2026-03"), None, "a month cannot be moved by days");
        assert_eq!(of("2026-03-01Tsoon"), None);
    }

    #[test]
    fn the_month_is_all_that_is_left_of_a_time() {
        let month = Dates::Month.apply("2026-03-01T09:30:00Z", 1);
        assert_eq!(month.as_deref(), Some("2026-03"));
    }
}
