//! Dates and times through whole messages: precision, clock changes, births, offsets; to FHIR and back.

use fhir::{Bundle, Encounter, Observation, Patient, ResourceType};
use hl7v2::Message;
use translate::dialect::STANDARD;
use translate::{Ledger, Outcome, Settings, Translator};

/// Only resources travel, so that they alone must bring a time back.
fn translator(zone: &str) -> Translator {
    let zone = jiff::tz::TimeZone::get(zone).expect("a zone of the database");
    let settings = Settings {
        zone,
        carry_original: false,
        ..Settings::default()
    };
    Translator::new(settings).expect("own vocabularies are right")
}

fn message(born: &str, admitted: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|RYJ|||20260701120000||ADT^A01^ADT_A01|1|P|2.5.1\r\
         PID|1||70000123^^^RYJ^MR||Example^Ada||{born}\r\
         PV1|1|I{}{admitted}\r\
         OBX|1|DTM|SEEN||{admitted}\r",
        "|".repeat(42)
    )
}

fn read(translator: &Translator, er7: &str) -> (Bundle, Ledger) {
    let message = Message::parse(er7.as_bytes()).expect("a message");
    let mut ledger = Ledger::new();
    let bundle = translator.to_fhir(&message, &STANDARD, Some(&mut ledger));
    (bundle, ledger)
}

fn first<R: ResourceType>(bundle: &Bundle) -> &R {
    let mut resources = bundle.entry.iter().filter_map(|entry| entry.resource.as_ref());
    resources
        .find_map(|resource| resource.as_type::<R>())
        .expect("one")
}

/// A time in HL7, what it is in FHIR where the clocks are London's, and what comes back where that differs.
const MOMENTS: &[(&str, &str, &str)] = &[
    // Four, six, eight, ten, twelve and fourteen digits.
    ("2026", "2026", ""),
    ("202603", "2026-03", ""),
    ("20260301", "2026-03-01", ""),
    ("2026030109", "2026-03-01T09:00:00+00:00", "20260301090000"),
    ("202603010915", "2026-03-01T09:15:00+00:00", "20260301091500"),
    ("20260301091530", "2026-03-01T09:15:30+00:00", ""),
    // Fractions keep their digits.
    ("20260701091530.1", "2026-07-01T09:15:30.1+01:00", ""),
    ("20260701091530.1200", "2026-07-01T09:15:30.1200+01:00", ""),
    // An offset of the message wins over the zone; one that the zone implies anyway is left unsaid.
    ("20260701091530+0530", "2026-07-01T09:15:30+05:30", ""),
    ("20260701091530-0500", "2026-07-01T09:15:30-05:00", ""),
    ("20260701091530+0000", "2026-07-01T09:15:30+00:00", ""),
    (
        "20260701091530+0100",
        "2026-07-01T09:15:30+01:00",
        "20260701091530",
    ),
    // Clocks go forward at 01:00 on 29 March 2026: the hour after it is on no clock, and is kept as it was written.
    ("20260329005959", "2026-03-29T00:59:59+00:00", ""),
    ("20260329010000", "2026-03-29T01:00:00+00:00", ""),
    ("20260329013000", "2026-03-29T01:30:00+00:00", ""),
    ("20260329015959", "2026-03-29T01:59:59+00:00", ""),
    ("20260329020000", "2026-03-29T02:00:00+01:00", ""),
    // Clocks go back at 02:00 on 25 October 2026: the hour before it comes twice, and the first is meant.
    ("20261025005959", "2026-10-25T00:59:59+01:00", ""),
    ("20261025010000", "2026-10-25T01:00:00+01:00", ""),
    ("20261025013000", "2026-10-25T01:30:00+01:00", ""),
    ("20261025015959", "2026-10-25T01:59:59+01:00", ""),
    ("20261025020000", "2026-10-25T02:00:00+00:00", ""),
    // A sender that knows which of the two it was says so, and is believed.
    ("20261025013000+0000", "2026-10-25T01:30:00+00:00", ""),
    // Midnight on the days of the changes.
    ("20260329000000", "2026-03-29T00:00:00+00:00", ""),
    ("20261026000000", "2026-10-26T00:00:00+00:00", ""),
];

#[test]
fn a_moment_is_as_precise_as_it_came_and_comes_back() {
    let london = translator("Europe/London");
    for (hl7, fhir, again) in MOMENTS {
        let (bundle, ledger) = read(&london, &message("19470819", hl7));
        let start = first::<Encounter>(&bundle)
            .period
            .as_ref()
            .and_then(|period| period.start.as_deref());
        assert_eq!(start, Some(*fhir), "PV1-44 {hl7}");
        let seen = first::<Observation>(&bundle).value_date_time.as_deref();
        assert_eq!(seen, Some(*fhir), "OBX-5 {hl7}");
        assert_eq!(ledger.totals().lost, 0, "{hl7}");
        let back = london.to_hl7(&bundle, &STANDARD, None).expect("a message");
        let back = Message::parse(&back).expect("what we write we read");
        let expected = if again.is_empty() { hl7 } else { again };
        assert_eq!(back.field("PV1", 44).text(), *expected, "{hl7}");
    }
}

/// A birth in HL7, Patient.birthDate, and the time of birth where one was sent.
const BIRTHS: &[(&str, &str, Option<&str>)] = &[
    ("1947", "1947", None),
    ("194708", "1947-08", None),
    ("19470819", "1947-08-19", None),
    ("202607010015", "2026-07-01", Some("2026-07-01T00:15:00+01:00")),
    // In summer half past midnight in London is still yesterday in Greenwich: the day is the one on the ward's clock.
    ("20260701003000", "2026-07-01", Some("2026-07-01T00:30:00+01:00")),
    // Born inside the hour that comes twice, and inside the one that never was.
    ("20261025013000", "2026-10-25", Some("2026-10-25T01:30:00+01:00")),
    ("20260329013000", "2026-03-29", Some("2026-03-29T01:30:00+00:00")),
    (
        "20261025013000+0000",
        "2026-10-25",
        Some("2026-10-25T01:30:00+00:00"),
    ),
];

#[test]
fn a_birth_keeps_its_day_and_its_hour() {
    let london = translator("Europe/London");
    for (hl7, day, moment) in BIRTHS {
        let (bundle, _) = read(&london, &message(hl7, "20260301"));
        let patient: &Patient = first(&bundle);
        assert_eq!(patient.birth_date.as_deref(), Some(*day), "{hl7}");
        let element = patient.birth_date_element.as_deref();
        let time = element.and_then(|element| element.extension.first()?.value_date_time.as_deref());
        assert_eq!(time, *moment, "{hl7}");
        let back = london.to_hl7(&bundle, &STANDARD, None).expect("a message");
        let back = Message::parse(&back).expect("what we write we read");
        let sent: String = hl7.chars().take(8).collect();
        assert!(back.field("PID", 7).text().starts_with(&sent), "{hl7}");
    }
}

#[test]
fn the_zone_is_the_interfaces_and_never_the_servers() {
    for (zone, expected) in [
        ("Europe/London", "2026-07-01T09:15:30+01:00"),
        ("UTC", "2026-07-01T09:15:30+00:00"),
        ("Australia/Adelaide", "2026-07-01T09:15:30+09:30"),
    ] {
        let (bundle, _) = read(&translator(zone), &message("19470819", "20260701091530"));
        let start = first::<Encounter>(&bundle)
            .period
            .as_ref()
            .and_then(|period| period.start.as_deref());
        assert_eq!(start, Some(expected), "{zone}");
    }
}

#[test]
fn what_is_no_time_is_said_and_sinks_nothing() {
    let london = translator("Europe/London");
    for wrong in [
        "20260230",
        "202613",
        "2026030125",
        "202603010960",
        "yesterday",
        "20260301+9900",
        "00000000",
    ] {
        let (bundle, ledger) = read(&london, &message("19470819", wrong));
        let encounter: &Encounter = first(&bundle);
        assert!(encounter.period.is_none(), "{wrong}");
        assert_eq!(
            encounter.class.as_ref().and_then(|class| class.code.as_deref()),
            Some("IMP"),
            "{wrong}"
        );
        let lost: Vec<String> = ledger
            .with_outcome(Outcome::Lost)
            .map(|line| line.location.to_string())
            .collect();
        assert_eq!(lost, ["PV1-44.1.1"], "{wrong}: an OBX keeps its words");
        let noted = ledger.notes.iter().filter(|note| note.code == "bad-time");
        assert!(noted.count() >= 1, "{wrong}");
        let said = first::<fhir::OperationOutcome>(&bundle).issue.len();
        assert!(said >= 1, "{wrong}");
    }
}
