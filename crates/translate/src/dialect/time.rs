//! Times: as wide as a dialect writes them, local where it knows no offsets.

use hl7v2::edit::{Change, Edit, Spot};
use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use super::{DialectContext, REPETITIONS_MAX};

/// How wide a dialect's times are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// Twelve digits, `YYYYMMDDHHMM`.
    Minutes,
    /// Fourteen digits, `YYYYMMDDHHMMSS`.
    Seconds,
}

impl Width {
    const fn digits(self) -> usize {
        match self {
            Self::Minutes => 12,
            Self::Seconds => 14,
        }
    }
}

/// Fields that hold times, by segment.
const TIME_FIELDS: &[(&str, &[u16])] = &[
    ("MSH", &[7]),
    ("EVN", &[2, 3, 6]),
    ("PID", &[7, 29]),
    ("PV1", &[44, 45]),
    ("PV2", &[8, 9, 17, 28, 33]),
    ("MRG", &[]),
    ("ORC", &[9, 15, 27]),
    ("OBR", &[6, 7, 8, 14, 22, 36]),
    ("OBX", &[12, 14, 19]),
    ("SPM", &[18]),
    ("DG1", &[5, 19]),
    ("PR1", &[5]),
    ("AL1", &[6]),
    ("IAM", &[11, 13, 20]),
    ("NTE", &[6]),
    ("TXA", &[4, 6, 7, 8]),
];

/// Shortens times to a width and turns times with an offset into local ones; nothing is ever made more precise.
pub fn fit_times(edit: &mut Edit<'_>, context: &DialectContext<'_>, width: Width) {
    for ordinal in 0..edit.segment_count() {
        let Some(segment) = edit.segment_at(ordinal) else {
            break;
        };
        let id = edit.id(segment);
        let Some((_, fields)) = TIME_FIELDS.iter().find(|(name, _)| id == *name) else {
            continue;
        };
        for &number in *fields {
            let field = segment.field(number);
            for repetition in 1..=edit.repetitions(field).min(REPETITIONS_MAX) {
                fit(edit, context, field.repetition(repetition).component(1), width);
            }
        }
        if id == "OBX" && matches!(&*edit.text(segment.field(2)), "TS" | "DTM") {
            fit(edit, context, segment.field(5).component(1), width);
        }
    }
}

fn fit(edit: &mut Edit<'_>, context: &DialectContext<'_>, at: Spot, width: Width) {
    let text = edit.text(at);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits < 8 || text.len() <= width.digits() && digits == text.len() {
        return;
    }
    let (stamp, rest) = text.split_at(digits);
    let sign = rest.find(['+', '-']);
    let local = sign
        .and_then(|place| rest.get(place..))
        .and_then(|offset| to_local(stamp, offset, context.zone));
    let (stamp, moved) = match &local {
        Some(local) => (local.as_str(), true),
        None => (stamp, false),
    };
    let Some(kept) = stamp.get(..stamp.len().min(width.digits())) else {
        return;
    };
    let cut = stamp
        .get(kept.len()..)
        .is_some_and(|cut| cut.bytes().any(|digit| digit != b'0'));
    let note = match (moved || sign.is_some(), cut || rest.starts_with('.')) {
        (true, true) => "offset and finer digits left out: this dialect writes local times of a fixed width",
        (true, false) => "offset left out: this dialect writes local times",
        (false, true) => "finer digits left out: this dialect's times are shorter",
        (false, false) => "",
    };
    edit.set_noted(at, kept.to_owned(), Change::Transformed, note);
}

/// Digits with an offset as digits of the interface's zone, equally precise; none when they are no instant.
fn to_local(stamp: &str, offset: &str, zone: Option<&TimeZone>) -> Option<String> {
    let number = |range: std::ops::Range<usize>| stamp.get(range)?.parse::<i16>().ok();
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let hours = offset.get(1..3)?.parse::<i32>().ok()?;
    let minutes = offset.get(3..5)?.parse::<i32>().ok()?;
    let offset = Offset::from_seconds(sign * (hours * 60 + minutes) * 60).ok()?;
    let small = |range| number(range).and_then(|number| i8::try_from(number).ok());
    let second = if stamp.len() >= 14 { small(12..14)? } else { 0 };
    let time = civil::DateTime::new(
        number(0..4)?,
        small(4..6)?,
        small(6..8)?,
        small(8..10)?,
        small(10..12)?,
        second,
        0,
    )
    .ok()?;
    let instant = offset.to_timestamp(time).ok()?;
    let local = match zone {
        Some(zone) => zone.to_datetime(instant),
        None => TimeZone::get("Europe/London").ok()?.to_datetime(instant),
    };
    let mut text = local.strftime("%Y%m%d%H%M%S").to_string();
    text.truncate(stamp.len().min(14));
    Some(text)
}

/// A birth time of midnight to the minute is a date in a wide field: the zeros go.
pub fn birth_date(edit: &mut Edit<'_>) {
    let Some(pid) = edit.first("PID") else { return };
    let at = pid.field(7).component(1);
    let text = edit.text(at);
    let Some((date, time)) = text.split_at_checked(8) else {
        return;
    };
    if matches!(time, "0000" | "000000") && date.bytes().all(|byte| byte.is_ascii_digit()) {
        let date = date.to_owned();
        edit.set_noted(at, date, Change::Transformed, "zeros that only fill the field");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_become_local_time_with_summer_time() {
        let london = |stamp, offset| to_local(stamp, offset, None);
        assert_eq!(
            london("20260701120000", "+0000").as_deref(),
            Some("20260701130000")
        );
        assert_eq!(
            london("20260101120000", "+0000").as_deref(),
            Some("20260101120000")
        );
        assert_eq!(london("202606302330", "+0000").as_deref(), Some("202607010030"));
        assert_eq!(london("202607011200", "-0500").as_deref(), Some("202607011800"));
        assert_eq!(london("20260701", "+0100"), None, "a day is no instant");
        assert_eq!(london("202613011200", "+0000"), None);
    }
}
