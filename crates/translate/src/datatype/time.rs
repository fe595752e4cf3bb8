//! DTM, TS, DT, TM and DR: dates and times, as precise as they came.
//!
//! `197002` stays a month. A time of day needs an offset in FHIR: the message's own, else the interface's zone
//! (Europe/London with its summer time unless a site says otherwise), never the server's. The clock face never
//! moves: where the zone repeats or skips an hour, the offset before the change is taken. FHIR cannot leave
//! seconds out of a time of day, so they are filled with zeros; the fraction keeps its digits.

use fhir::{Date, DateTime, Instant, Period, Text, Time};
use hl7v2::Component;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::back::Back;
use crate::context::{Context, Leaf};
use crate::ledger::Outcome;
use crate::note::Note;

/// What a time must be to stand in its element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// As precise as it came.
    DateTime,
    /// The day, month or year; a time of day goes elsewhere.
    Date,
    /// Down to the second, with an offset.
    Instant,
    /// A time of day alone.
    Time,
}

/// DTM to dateTime.
pub(crate) fn date_time<'m>(
    leaf: impl Leaf<'m>,
    cx: &mut Context<'_>,
    member: &'static str,
) -> Option<DateTime> {
    read(leaf, cx, member, Need::DateTime).map(DateTime::new)
}

/// DTM to date: what is more precise than a day is left to another row.
pub(crate) fn date<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str) -> Option<Date> {
    read(leaf, cx, member, Need::Date).map(Date::new)
}

/// DTM to instant: what is missing down to the second is filled with zeros, since FHIR allows nothing else.
pub(crate) fn instant<'m>(
    leaf: impl Leaf<'m>,
    cx: &mut Context<'_>,
    member: &'static str,
) -> Option<Instant> {
    read(leaf, cx, member, Need::Instant).map(Instant::new)
}

/// TM to time.
pub(crate) fn time<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str) -> Option<Time> {
    read(leaf, cx, member, Need::Time).map(Time::new)
}

/// DR, and any pair of leaves, to Period.
pub(crate) fn period<'m>(
    start: impl Leaf<'m>,
    end: impl Leaf<'m>,
    cx: &mut Context<'_>,
    members: (&'static str, &'static str),
) -> Option<Period> {
    let start = date_time(start, cx, members.0);
    let end = date_time(end, cx, members.1);
    (start.is_some() || end.is_some()).then(|| Period {
        start,
        end,
        ..Period::default()
    })
}

/// The two halves of a DR that stands in one component.
pub(crate) fn period_within(
    component: Component<'_>,
    cx: &mut Context<'_>,
    members: (&'static str, &'static str),
) -> Option<Period> {
    period(component.subcomponent(1), component.subcomponent(2), cx, members)
}

fn read<'m>(leaf: impl Leaf<'m>, cx: &mut Context<'_>, member: &'static str, need: Need) -> Option<Text> {
    let Some(text) = cx.peek(leaf) else {
        cx.account_nothing(leaf);
        return None;
    };
    let written = if need == Need::Time {
        clock(&text)
    } else {
        calendar(&text, need, &cx.settings.zone)
    };
    match &written {
        Some(_) => cx.record(leaf, Outcome::Transformed, member, ""),
        None => cx.note(Note::bad_time(leaf.location())),
    }
    written
}

/// A date or time as FHIR writes it; `None` when it is no HL7 time or names no real day.
fn calendar(text: &str, need: Need, zone: &TimeZone) -> Option<Text> {
    let time = hl7v2::Time::parse(text.strip_suffix('Z').unwrap_or(text)).ok()?;
    let mut out = Written::default();
    out.number(u32::from(time.year), 4);
    // An instant has no shorter form: what is missing is the first.
    let missing = (need == Need::Instant).then_some(1);
    for part in [time.month.or(missing), time.day.or(missing)]
        .into_iter()
        .flatten()
    {
        out.push(b'-');
        out.number(u32::from(part), 2);
    }
    if need == Need::Date || (time.hour.is_none() && need == Need::DateTime) {
        return Some(out.text());
    }
    for (mark, part) in [(b'T', time.hour), (b':', time.minute), (b':', time.second)] {
        out.push(mark);
        out.number(u32::from(part.unwrap_or(0)), 2);
    }
    if let Some(fraction) = time.fraction {
        out.push(b'.');
        let scale = 10_u32.pow(u32::from(9 - fraction.digits().min(9)));
        out.number(fraction.nanoseconds() / scale, usize::from(fraction.digits()));
    }
    let minutes = match time.offset {
        Some(offset) => offset.minutes(),
        None if text.ends_with('Z') => 0,
        None => offset_minutes(zone, &time)?,
    };
    out.offset(minutes);
    Some(out.text())
}

/// A time as it is written; the longest is `2026-03-02T09:15:00.123456789+01:00`.
struct Written {
    bytes: [u8; 40],
    length: usize,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            bytes: [0; 40],
            length: 0,
        }
    }
}

impl Written {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// Appends a number, filled with zeros on the left.
    fn number(&mut self, number: u32, width: usize) {
        let from = self.length;
        self.length = (from + width).min(self.bytes.len());
        let mut rest = number;
        for digit in self
            .bytes
            .get_mut(from..self.length)
            .unwrap_or_default()
            .iter_mut()
            .rev()
        {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
    }

    fn offset(&mut self, minutes: i32) {
        self.push(if minutes < 0 { b'-' } else { b'+' });
        self.number(minutes.unsigned_abs() / 60, 2);
        self.push(b':');
        self.number(minutes.unsigned_abs() % 60, 2);
    }

    fn text(&self) -> Text {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        Text::from(std::str::from_utf8(bytes).unwrap_or_default())
    }
}

/// `1430` and `143000` as `14:30:00`.
fn clock(text: &str) -> Option<Text> {
    let digits = text.split(['.', '+', '-']).next()?;
    let whole = digits.len() >= 4 && digits.len() <= 6 && digits.len().is_multiple_of(2);
    if !whole || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hour, minute, second) = (
        digits.get(..2)?,
        digits.get(2..4)?,
        digits.get(4..6).unwrap_or("00"),
    );
    if hour > "23" || minute > "59" || second > "59" {
        return None;
    }
    let mut out = Text::const_new("");
    for part in [hour, ":", minute, ":", second] {
        out.push_str(part);
    }
    Some(out)
}

/// Minutes east of UTC in the zone when its clocks show this time.
fn offset_minutes(zone: &TimeZone, time: &hl7v2::Time) -> Option<i32> {
    let small = |part: Option<u8>| i8::try_from(part.unwrap_or(0)).ok();
    let year = i16::try_from(time.year).ok()?;
    let (month, day) = (small(time.month.or(Some(1)))?, small(time.day.or(Some(1)))?);
    let (hour, minute, second) = (small(time.hour)?, small(time.minute)?, small(time.second)?);
    let local = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    // In an hour that comes twice or not at all, the offset before the change keeps the clock face.
    let offset = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before,
    };
    // Local mean time of long ago has odd seconds; FHIR has none.
    Some(offset.seconds() / 60)
}

/// A FHIR date or time as HL7 writes it; an offset that the zone implies is left out.
pub(crate) fn to_hl7(fhir: &str, back: &Back<'_>) -> Text {
    let (day, rest) = fhir.split_once('T').unwrap_or((fhir, ""));
    let mut out: Text = day.chars().filter(char::is_ascii_digit).collect();
    let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(zone_at);
    out.extend(clock.chars().filter(|c| c.is_ascii_digit() || *c == '.'));
    let written: Text = match offset {
        "Z" => Text::const_new("+0000"),
        other => other.chars().filter(|c| *c != ':').collect(),
    };
    let implied = hl7v2::Time::parse(&out)
        .ok()
        .and_then(|time| offset_minutes(&back.settings.zone, &time));
    let mut local = Text::const_new("");
    if let Some(minutes) = implied {
        let mut offset = Written::default();
        offset.offset(minutes);
        local = offset.text();
        local.retain(|c| c != ':');
    }
    if written != local {
        out.push_str(&written);
    }
    out
}

/// A moment that may be absent.
pub(crate) fn put(moment: Option<&str>, field: &mut crate::back::FieldWriter<'_>, back: &Back<'_>) {
    if let Some(moment) = moment {
        field.set(to_hl7(moment, back));
    }
}

/// A FHIR time of day as TM.
pub(crate) fn clock_to_hl7(fhir: &str) -> Text {
    fhir.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    fn fhir(text: &str) -> Option<String> {
        calendar(text, Need::DateTime, &london()).map(|text| text.to_string())
    }

    #[test]
    fn keeps_precision_and_clock_face() {
        for (hl7, expected) in [
            ("1970", "1970"),
            ("197002", "1970-02"),
            ("19700201", "1970-02-01"),
            ("202401021530", "2024-01-02T15:30:00+00:00"),
            ("20240702153045", "2024-07-02T15:30:45+01:00"),
            ("20240702153045.1200", "2024-07-02T15:30:45.1200+01:00"),
            ("20240702153045-0500", "2024-07-02T15:30:45-05:00"),
            ("2024070215", "2024-07-02T15:00:00+01:00"),
            // The hour that is skipped, and the one that comes twice.
            ("20240331013000", "2024-03-31T01:30:00+00:00"),
            ("20241027013000", "2024-10-27T01:30:00+01:00"),
            ("20241027023000", "2024-10-27T02:30:00+00:00"),
        ] {
            assert_eq!(fhir(hl7).as_deref(), Some(expected), "{hl7}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for hl7 in [
            "20240230",
            "19",
            "202413",
            "20240102256100",
            "yesterday",
            "2024-01-02",
            "20240102+99",
            "00000000",
        ] {
            assert_eq!(fhir(hl7), None, "{hl7}");
        }
    }

    #[test]
    fn an_instant_is_filled_and_a_date_is_cut() {
        let zone = london();
        assert_eq!(
            calendar("202407", Need::Instant, &zone).unwrap(),
            "2024-07-01T00:00:00+01:00"
        );
        assert_eq!(
            calendar("19800521", Need::Instant, &zone).unwrap(),
            "1980-05-21T00:00:00+01:00"
        );
        assert_eq!(calendar("198005211230", Need::Date, &zone).unwrap(), "1980-05-21");
    }

    #[test]
    fn times_come_back() {
        let vocabulary = crate::vocabulary::Vocabularies::embedded().unwrap();
        let settings = crate::Settings::default();
        let bundle = fhir::Bundle::default();
        let back = Back::new(&vocabulary, &settings, &bundle);
        for hl7 in [
            "1970",
            "197002",
            "19700201",
            "20240702153045",
            "20240702153045.1200",
            "20240702153045-0500",
        ] {
            assert_eq!(to_hl7(&fhir(hl7).unwrap(), &back), hl7);
        }
        assert_eq!(clock("1430").as_deref(), Some("14:30:00"));
        assert_eq!(clock_to_hl7("14:30:00"), "143000");
    }
}
