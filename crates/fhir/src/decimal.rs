//! Decimals as they were written.

use std::fmt;
use std::str::FromStr;

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::Text;
use crate::codec::explain::{NO_NUMBER, refuse};

/// A decimal with its digits as written: `1.10` is not `1.1`, and neither is ever a binary fraction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal(Text);

/// A text that is no decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal: digits with an optional sign, fraction and exponent are")]
pub struct DecimalError;

impl Decimal {
    /// Takes a decimal as JSON writes it.
    ///
    /// # Errors
    /// When the text is no JSON number: `01`, `+1`, `.5`, `1.` and `1,5` are not.
    pub fn new(text: &str) -> Result<Self, DecimalError> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
            None => (text, None),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (unsigned, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fine = digits(whole)
            && (whole.len() == 1 || !whole.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
        if fine {
            Ok(Self(text.into()))
        } else {
            Err(DecimalError)
        }
    }

    /// The digits as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        Self::new(text)
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self(itoa::Buffer::new().format(number).into())
    }
}

impl From<i32> for Decimal {
    fn from(number: i32) -> Self {
        Self::from(i64::from(number))
    }
}

impl From<u32> for Decimal {
    fn from(number: u32) -> Self {
        Self::from(i64::from(number))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As raw JSON, so that no digit is lost.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Self::new(raw.get()).map_err(|error| refuse(NO_NUMBER, raw, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_digits_as_written() {
        for text in [
            "0",
            "-0",
            "1.10",
            "1E3",
            "1e-7",
            "-12.50E+2",
            "100000000000000000000000.000",
        ] {
            assert_eq!(Decimal::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_what_json_refuses() {
        for text in [
            "", "-", "+1", "01", "-01", ".5", "1.", "1,5", "1e", "1e+", "NaN", " 1", "1 ", "0x1", "1.2.3",
            "1e2e3",
        ] {
            assert_eq!(Decimal::new(text), Err(DecimalError), "{text}");
        }
    }
}
