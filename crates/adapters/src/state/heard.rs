//! When each detail of a person was last said, so that a message that arrives late undoes nothing that is newer.

use serde::{Deserialize, Serialize};

/// A moment on the hospital's clock in four bytes: only the order of moments means anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(u32);

/// Before this year all moments are one; four bytes reach to 2094.
const FIRST_YEAR: u32 = 1960;

impl Moment {
    /// An HL7 time; a missing precision counts as its start.
    pub(crate) fn of(time: &str) -> Self {
        let digits: Vec<u32> = time
            .bytes()
            .take_while(u8::is_ascii_digit)
            .take(14)
            .map(|digit| u32::from(digit - b'0'))
            .collect();
        let part = |from: usize, count: usize| {
            (from..from + count).fold(0, |sum, at| sum * 10 + digits.get(at).copied().unwrap_or(0))
        };
        let days = part(0, 4).saturating_sub(FIRST_YEAR) * 372
            + part(4, 2).saturating_sub(1) * 31
            + part(6, 2).saturating_sub(1);
        let seconds = part(8, 2) * 3_600 + part(10, 2) * 60 + part(12, 2);
        Self(days.saturating_mul(86_400).saturating_add(seconds))
    }

    fn is_never(&self) -> bool {
        *self == Self::default()
    }
}

/// The moments of all details.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Heard {
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub names: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub addresses: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub telecoms: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub birth: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub sex: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub marital: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub religion: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub ethnicity: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub language: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub death_time: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub death_indicator: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub gp: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub practice: Moment,
    #[serde(skip_serializing_if = "Moment::is_never")]
    pub nhs: Moment,
}

impl Heard {
    /// The newest of them.
    pub(crate) fn latest(&self) -> Moment {
        [
            self.names,
            self.addresses,
            self.telecoms,
            self.birth,
            self.sex,
            self.marital,
            self.religion,
            self.ethnicity,
            self.language,
            self.death_time,
            self.death_indicator,
            self.gp,
            self.practice,
            self.nhs,
        ]
        .into_iter()
        .max()
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_the_order_of_their_times() {
        let times = [
            "",
            "196001010000",
            "19991231235959",
            "2026",
            "20260101000001",
            "202601020304",
            "20260102030401",
            "20260131",
            "20260201",
            "20931231235959",
        ];
        assert!(times.is_sorted_by_key(|time| Moment::of(time)));
        let distinct = times[2..]
            .windows(2)
            .all(|pair| Moment::of(pair[0]) < Moment::of(pair[1]));
        assert!(distinct);
        assert_eq!(Moment::of("202601020304"), Moment::of("20260102030400+0100"));
        assert!(Moment::of("99991231") >= Moment::of("2093"));
    }
}
