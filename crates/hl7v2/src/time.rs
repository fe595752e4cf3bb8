//! HL7 times (DT, DTM, TS): as precise as they were written, and no more.
//!
//! `197002` is a month, not the first of it; `-0000` is not `+0000`. What the standard's grammar allows and the
//! calendar does not (30 February) is an error that names the part.

use std::fmt;
use std::str::FromStr;

/// A point or stretch of time as HL7 writes it: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]`.
///
/// # Example
///
/// ```
/// use hl7v2::{Precision, Time};
///
/// let time = Time::parse("20240229101530.25+0100")?;
/// assert_eq!(time.precision(), Precision::Fraction);
/// assert_eq!(time.offset.map(|offset| offset.minutes()), Some(60));
/// assert_eq!(time.to_precision(Precision::Day).to_string(), "20240229");
/// assert_eq!(Time::parse("20230229").unwrap_err().to_string(), "the day is impossible");
/// # Ok::<(), hl7v2::TimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    /// 1 to 9999.
    pub year: u16,
    /// 1 to 12.
    pub month: Option<u8>,
    /// 1 to the length of the month.
    pub day: Option<u8>,
    /// 0 to 23.
    pub hour: Option<u8>,
    /// 0 to 59.
    pub minute: Option<u8>,
    /// 0 to 59.
    pub second: Option<u8>,
    /// Digits after the point, as written.
    pub fraction: Option<Fraction>,
    /// From UTC; without one, the time is local to whoever sent it.
    pub offset: Option<Offset>,
}

/// How precise a [`Time`] is; a later one is more precise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// `2024`
    Year,
    /// `202402`
    Month,
    /// `20240229`
    Day,
    /// `2024022910`
    Hour,
    /// `202402291015`
    Minute,
    /// `20240229101530`
    Second,
    /// `20240229101530.25`
    Fraction,
}

/// Digits after the decimal point: `.5` and `.50` are not the same precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    value: u32,
    digits: u8,
}

impl Fraction {
    /// The standard has four digits at most; nine (nanoseconds) are read.
    const DIGITS_MAX: usize = 9;

    /// How many digits were written.
    pub fn digits(self) -> u8 {
        self.digits
    }

    /// The fraction in nanoseconds.
    pub fn nanoseconds(self) -> u32 {
        self.value * 10_u32.pow(9_u32.saturating_sub(u32::from(self.digits)))
    }
}

impl fmt::Display for Fraction {
    /// The digits alone, without the point.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$}", self.value, width = usize::from(self.digits))
    }
}

/// An offset from UTC, sign kept even for zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offset {
    negative: bool,
    hours: u8,
    minutes: u8,
}

impl Offset {
    /// Minutes east of UTC.
    pub fn minutes(self) -> i32 {
        let minutes = i32::from(self.hours) * 60 + i32::from(self.minutes);
        if self.negative { -minutes } else { minutes }
    }

    /// An offset from minutes east of UTC; none past 23:59.
    pub fn from_minutes(minutes: i32) -> Option<Self> {
        let size = minutes.unsigned_abs();
        let hours = u8::try_from(size / 60).ok().filter(|&hours| hours < 24)?;
        Some(Self {
            negative: minutes < 0,
            hours,
            minutes: u8::try_from(size % 60).ok()?,
        })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { '-' } else { '+' };
        write!(f, "{sign}{:02}{:02}", self.hours, self.minutes)
    }
}

impl Time {
    /// Reads a time of 4, 6, 8, 10, 12 or 14 digits, with a fraction after the seconds and an offset after any.
    ///
    /// # Errors
    ///
    /// When the digits are of another number, something else stands among them, or a part is impossible.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let (clock, offset) = match text.bytes().position(|b| b == b'+' || b == b'-') {
            Some(at) => {
                let (clock, offset) = text.split_at_checked(at).ok_or(TimeError::Character)?;
                (clock, Some(parse_offset(offset)?))
            }
            None => (text, None),
        };
        let (digits, fraction) = match clock.split_once('.') {
            Some((digits, fraction)) if digits.len() == 14 => (digits, Some(parse_fraction(fraction)?)),
            Some(_) => return Err(TimeError::Impossible(TimePart::Fraction)),
            None => (clock, None),
        };
        let digits = digits.as_bytes();
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(TimeError::Character);
        }
        if !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) {
            return Err(TimeError::Length);
        }
        let pair = |part: usize| match digits.get(part * 2..part * 2 + 2) {
            Some(&[tens, units]) => Some((tens - b'0') * 10 + (units - b'0')),
            _ => None,
        };
        let year = u16::from(pair(0).unwrap_or(0)) * 100 + u16::from(pair(1).unwrap_or(0));
        let time = Self {
            year,
            month: pair(2),
            day: pair(3),
            hour: pair(4),
            minute: pair(5),
            second: pair(6),
            fraction,
            offset,
        };
        time.check()
    }

    fn check(self) -> Result<Self, TimeError> {
        let within = |value: Option<u8>, low: u8, high: u8| value.is_none_or(|v| (low..=high).contains(&v));
        let impossible = if self.year == 0 {
            TimePart::Year
        } else if !within(self.month, 1, 12) {
            TimePart::Month
        } else if !within(self.day, 1, days_in_month(self.year, self.month.unwrap_or(1))) {
            TimePart::Day
        } else if !within(self.hour, 0, 23) {
            TimePart::Hour
        } else if !within(self.minute, 0, 59) {
            TimePart::Minute
        } else if !within(self.second, 0, 59) {
            TimePart::Second
        } else {
            return Ok(self);
        };
        Err(TimeError::Impossible(impossible))
    }

    /// How precise it is: the last part that was given.
    pub fn precision(&self) -> Precision {
        match self {
            Self {
                fraction: Some(_), ..
            } => Precision::Fraction,
            Self { second: Some(_), .. } => Precision::Second,
            Self { minute: Some(_), .. } => Precision::Minute,
            Self { hour: Some(_), .. } => Precision::Hour,
            Self { day: Some(_), .. } => Precision::Day,
            Self { month: Some(_), .. } => Precision::Month,
            _ => Precision::Year,
        }
    }

    /// The same time cut to a precision, never made up to one; a date loses its offset.
    #[must_use]
    pub fn to_precision(self, precision: Precision) -> Self {
        let keep = |part, value: Option<u8>| value.filter(|_| precision >= part);
        Self {
            year: self.year,
            month: keep(Precision::Month, self.month),
            day: keep(Precision::Day, self.day),
            hour: keep(Precision::Hour, self.hour),
            minute: keep(Precision::Minute, self.minute),
            second: keep(Precision::Second, self.second),
            fraction: self.fraction.filter(|_| precision >= Precision::Fraction),
            offset: self.offset.filter(|_| precision >= Precision::Hour),
        }
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

fn parse_fraction(digits: &str) -> Result<Fraction, TimeError> {
    if digits.is_empty() || digits.len() > Fraction::DIGITS_MAX {
        return Err(TimeError::Impossible(TimePart::Fraction));
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TimeError::Character);
    }
    let value = digits.parse().map_err(|_| TimeError::Character)?;
    Ok(Fraction {
        value,
        digits: u8::try_from(digits.len()).unwrap_or(0),
    })
}

fn parse_offset(text: &str) -> Result<Offset, TimeError> {
    let &[sign, a, b, c, d] = text.as_bytes() else {
        return Err(TimeError::Impossible(TimePart::Offset));
    };
    if ![a, b, c, d].iter().all(u8::is_ascii_digit) {
        return Err(TimeError::Character);
    }
    let hours = (a - b'0') * 10 + (b - b'0');
    let minutes = (c - b'0') * 10 + (d - b'0');
    if hours > 23 || minutes > 59 {
        return Err(TimeError::Impossible(TimePart::Offset));
    }
    Ok(Offset {
        negative: sign == b'-',
        hours,
        minutes,
    })
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Time {
    /// As HL7 writes it; a time that was read comes back to the character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        for part in [self.month, self.day, self.hour, self.minute, self.second]
            .into_iter()
            .map_while(|p| p)
        {
            write!(f, "{part:02}")?;
        }
        if let Some(fraction) = self.fraction {
            write!(f, ".{fraction}")?;
        }
        self.offset.map_or(Ok(()), |offset| write!(f, "{offset}"))
    }
}

/// A part of a time, to say which one is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// YYYY
    Year,
    /// MM
    Month,
    /// DD
    Day,
    /// HH
    Hour,
    /// MM
    Minute,
    /// SS
    Second,
    /// .S to .SSSS
    Fraction,
    /// +/-ZZZZ
    Offset,
}

impl fmt::Display for TimePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Fraction => "fraction",
            Self::Offset => "offset",
        })
    }
}

/// Why text is no HL7 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// Not 4, 6, 8, 10, 12 or 14 digits.
    #[error("a time has 4, 6, 8, 10, 12 or 14 digits before its fraction and offset")]
    Length,
    /// Something that is no digit among the digits.
    #[error("a character that is no digit stands among the digits")]
    Character,
    /// A part that no calendar or clock has.
    #[error("the {0} is impossible")]
    Impossible(TimePart),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_precision_comes_back_as_written() {
        let times = [
            ("1970", Precision::Year),
            ("197002", Precision::Month),
            ("19700228", Precision::Day),
            ("1970022823", Precision::Hour),
            ("197002282359", Precision::Minute),
            ("20240229000000", Precision::Second),
            ("20240229000000.5", Precision::Fraction),
            ("20240229000000.5000-0000", Precision::Fraction),
            ("202402291200+0100", Precision::Minute),
            ("20240229+0530", Precision::Day),
        ];
        for (text, precision) in times {
            let time = Time::parse(text).unwrap();
            assert_eq!((time.to_string().as_str(), time.precision()), (text, precision));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        use TimePart::*;
        let wrong = [
            ("", TimeError::Length),
            ("202", TimeError::Length),
            ("20241", TimeError::Length),
            ("2024022912000", TimeError::Length),
            ("2024-02-29", TimeError::Impossible(Offset)),
            ("2024O2", TimeError::Character),
            ("0000", TimeError::Impossible(Year)),
            ("202400", TimeError::Impossible(Month)),
            ("20240230", TimeError::Impossible(Day)),
            ("19000229", TimeError::Impossible(Day)),
            ("2024022924", TimeError::Impossible(Hour)),
            ("202402292360", TimeError::Impossible(Minute)),
            ("20240229235960", TimeError::Impossible(Second)),
            ("202402292359.5", TimeError::Impossible(Fraction)),
            ("20240229235959.", TimeError::Impossible(Fraction)),
            ("20240229235959.1234567890", TimeError::Impossible(Fraction)),
            ("2024+2400", TimeError::Impossible(Offset)),
            ("2024+1", TimeError::Impossible(Offset)),
            ("2024+01:0", TimeError::Character),
            ("\u{661}970", TimeError::Character),
        ];
        for (text, error) in wrong {
            assert_eq!(Time::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn fractions_and_offsets_give_numbers() {
        let time = Time::parse("20240229000000.0250-0930").unwrap();
        assert_eq!(time.fraction.unwrap().nanoseconds(), 25_000_000);
        assert_eq!(time.offset.unwrap().minutes(), -570);
        assert_eq!(Offset::from_minutes(-570).unwrap().to_string(), "-0930");
        assert_eq!(Offset::from_minutes(24 * 60), None);
    }

    #[test]
    fn cutting_never_adds() {
        let month = Time::parse("197002").unwrap();
        assert_eq!(month.to_precision(Precision::Second), month);
        let exact = Time::parse("20240229101530.25+0100").unwrap();
        assert_eq!(
            exact.to_precision(Precision::Minute).to_string(),
            "202402291015+0100"
        );
        assert_eq!(exact.to_precision(Precision::Month).to_string(), "202402");
    }
}
