//! Dates and times as they were written, as precise as they came: `1970-02` is a month, not its first day.
//!
//! Reading keeps a malformed one (it is somebody's data) and [`crate::check`] reports it.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::Text;
use crate::check::Report;
use crate::codec::Item;

macro_rules! written_time {
    ($(#[$doc:meta])* $name:ident, $valid:ident, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Text);

        impl $name {
            /// Takes the text as it stands; [`Self::is_valid`] says whether R4 would.
            pub fn new(text: impl Into<Text>) -> Self {
                Self(text.into())
            }

            /// The text when R4 allows it, a real day of the calendar included.
            pub fn parse(text: &str) -> Option<Self> {
                $valid(text.as_bytes()).then(|| Self(text.into()))
            }

            /// Whether R4 allows the text.
            pub fn is_valid(&self) -> bool {
                $valid(self.0.as_bytes())
            }

            /// The text as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text itself.
            pub fn into_text(self) -> Text {
                self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<Text> for $name {
            fn from(text: Text) -> Self {
                Self(text)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Item for $name {
            fn is_gap(&self) -> bool {
                self.0.is_empty()
            }

            fn gap() -> Option<Self> {
                Some(Self::default())
            }

            fn write_item(&self, out: &mut Vec<u8>) {
                self.0.write_item(out);
            }

            fn check_item(&self, report: &mut Report) {
                if !self.is_valid() {
                    report.add($form);
                }
            }
        }
    };
}

written_time!(
    /// `1970`, `1970-02` or `1970-02-28`.
    Date, is_date, "not a date: YYYY, YYYY-MM or YYYY-MM-DD is"
);
written_time!(
    /// A date, or a date with a time to the second and an offset.
    DateTime, is_date_time, "not a dateTime: a date, or YYYY-MM-DDThh:mm:ss with an offset, is"
);
written_time!(
    /// A date and time to the second at least, with an offset.
    Instant, is_instant, "not an instant: YYYY-MM-DDThh:mm:ss with an offset is"
);
written_time!(
    /// A time of day to the second at least.
    Time, is_time, "not a time: hh:mm:ss is"
);

/// Two digits as a number.
fn pair(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

fn is_date(text: &[u8]) -> bool {
    let Some((year, rest)) = text.split_at_checked(4) else {
        return false;
    };
    let (Some(century), Some(of_century)) = (pair(&year[..2]), pair(&year[2..])) else {
        return false;
    };
    let year = u16::from(century) * 100 + u16::from(of_century);
    if year == 0 {
        return false;
    }
    let (month, day) = match rest {
        [] => return true,
        [b'-', month @ ..] if month.len() == 2 => (month, None),
        [b'-', m1, m2, b'-', day @ ..] => (&[*m1, *m2][..], Some(day)),
        _ => return false,
    };
    let Some(month @ 1..=12) = pair(month) else {
        return false;
    };
    let Some(day) = day else { return true };
    pair(day).is_some_and(|day| day >= 1 && day <= days_in(year, month))
}

fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn is_date_time(text: &[u8]) -> bool {
    is_date(text) || is_instant(text)
}

fn is_instant(text: &[u8]) -> bool {
    let Some((day, [b'T', rest @ ..])) = text.split_at_checked(10) else {
        return false;
    };
    let Some(at) = rest.iter().position(|byte| matches!(byte, b'Z' | b'+' | b'-')) else {
        return false;
    };
    let (time, offset) = rest.split_at(at);
    is_date(day) && is_time(time) && is_offset(offset)
}

fn is_offset(text: &[u8]) -> bool {
    match text {
        b"Z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => match (pair(&[*h1, *h2]), pair(&[*m1, *m2])) {
            (Some(hours), Some(minutes)) => (hours < 14 && minutes < 60) || (hours == 14 && minutes == 0),
            _ => false,
        },
        _ => false,
    }
}

fn is_time(text: &[u8]) -> bool {
    let [h1, h2, b':', m1, m2, b':', s1, s2, fraction @ ..] = text else {
        return false;
    };
    let inside = |pair: Option<u8>, limit| pair.is_some_and(|value| value <= limit);
    let fraction_fine = match fraction {
        [] => true,
        [b'.', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    // 60 is a leap second.
    inside(pair(&[*h1, *h2]), 23)
        && inside(pair(&[*m1, *m2]), 59)
        && inside(pair(&[*s1, *s2]), 60)
        && fraction_fine
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_precise_as_they_like() {
        for text in ["1970", "1970-02", "1970-02-28", "2000-02-29", "0001"] {
            assert!(Date::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "70",
            "0000",
            "1970-",
            "1970-13",
            "1970-00",
            "1970-02-30",
            "1900-02-29",
            "1970-2-3",
            "19700203",
            "1970-02-28T",
            "é970",
        ] {
            assert!(Date::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_needs_seconds_and_an_offset() {
        for text in [
            "2020",
            "2020-01-31",
            "2020-01-31T23:59:60Z",
            "2020-01-31T08:00:00.123+14:00",
            "2020-01-31T08:00:00-05:30",
        ] {
            assert!(DateTime::parse(text).is_some(), "{text}");
        }
        for text in [
            "2020-01-31T08:00Z",
            "2020-01-31T08:00:00",
            "2020-01-31T24:00:00Z",
            "2020-01-31 08:00:00Z",
            "2020-01-31T08:00:00+14:01",
            "2020-01-31T08:00:00.Z",
            "2020-01T08:00:00Z",
        ] {
            assert!(DateTime::parse(text).is_none(), "{text}");
        }
        assert!(Instant::parse("2020-01-31").is_none());
        assert!(Time::parse("08:00:00.5").is_some());
        assert!(Time::parse("08:00").is_none());
    }
}
