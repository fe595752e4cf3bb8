//! The world as files: what a hospital's extract would hold, and the truth table beside it.
//!
//! Rows are written as people are made; nothing is kept. The files are for looking at, for loading elsewhere, and for
//! judging a matcher: `truth.csv` says which records are one person and what was made wrong with each.

use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::{Person, World};

/// How many rows of each sort were written, and the hash of all bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Written {
    /// People.
    pub people: u64,
    /// Records of them.
    pub records: u64,
    /// Second records.
    pub duplicates: u64,
    /// Visits.
    pub stays: u64,
    /// People in a bed at the end.
    pub in_hospital: u64,
    /// Future appointments.
    pub appointments: u64,
    /// Waiting-list entries.
    pub waiting: u64,
    /// Allergies.
    pub allergies: u64,
    /// Orders, open or answered.
    pub orders: u64,
    /// SHA-256 over every row in order.
    pub sha256: String,
}

/// Where the rows of each file go.
pub struct Files<W> {
    /// `people.csv`: every record as held.
    pub people: W,
    /// `truth.csv`: which record is whose, and what is wrong with it.
    pub truth: W,
    /// `events.csv`: visits, appointments, lists, allergies, orders.
    pub events: W,
}

/// Writes the whole world.
///
/// # Errors
/// Whatever the writers say.
pub fn write<W: Write>(world: &World, files: &mut Files<W>) -> io::Result<Written> {
    let mut written = Written::default();
    let mut hash = Sha256::new();
    let mut row = String::with_capacity(256);
    let header = |file: &mut W, text: &str| file.write_all(text.as_bytes());
    header(
        &mut files.people,
        "trust,mrn,nhs_number,nhs_status,family,given,title,birth_date,sex,line,town,postcode,phone,mobile,practice\n",
    )?;
    header(&mut files.truth, "person,trust,mrn,duplicate,dirt,twin_of\n")?;
    header(&mut files.events, "sort,trust,mrn,number,what,at,until\n")?;
    for person in world.people() {
        written.people += 1;
        for at in 0..person.held.len() {
            record_row(&person, at, &mut row);
            hash.update(row.as_bytes());
            files.people.write_all(row.as_bytes())?;
            truth_row(&person, at, &mut row);
            hash.update(row.as_bytes());
            files.truth.write_all(row.as_bytes())?;
            written.records += 1;
            written.duplicates += u64::from(person.held[at].duplicate);
        }
        event_rows(&person, &mut written, &mut row);
        hash.update(row.as_bytes());
        files.events.write_all(row.as_bytes())?;
    }
    written.sha256 = hex(&hash.finalize());
    Ok(written)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes any text");
        text
    })
}

fn record_row(person: &Person, at: usize, row: &mut String) {
    let held = &person.held[at];
    let identity = &held.identity;
    row.clear();
    let birth = identity.birth.to_string();
    for cell in [
        held.trust.to_string().as_str(),
        &held.mrn,
        identity.nhs.as_deref().unwrap_or_default(),
        identity.nhs_status,
        &identity.family,
        &identity.given,
        identity.title,
        &birth,
        identity.sex.word(),
        &identity.line,
        identity.town,
        &identity.postcode,
        &identity.phone,
        &identity.mobile,
        person.practice.code,
    ] {
        row.push_str(cell);
        row.push(',');
    }
    end_row(row);
}

fn truth_row(person: &Person, at: usize, row: &mut String) {
    let held = &person.held[at];
    let dirt: Vec<&str> = held.dirt.iter().map(|dirt| dirt.word()).collect();
    let twin = person.twin.map(|twin| twin.to_string()).unwrap_or_default();
    row.clear();
    for cell in [
        person.index.to_string().as_str(),
        &held.trust.to_string(),
        &held.mrn,
        if held.duplicate { "yes" } else { "no" },
        &dirt.join(" "),
        &twin,
    ] {
        row.push_str(cell);
        row.push(',');
    }
    end_row(row);
}

/// Turns the last comma into the end of the row.
fn end_row(row: &mut String) {
    row.pop();
    row.push('\n');
}

fn event_rows(person: &Person, written: &mut Written, rows: &mut String) {
    rows.clear();
    let mut add = |sort: &str, record: usize, number: &str, what: &str, at: String, until: String| {
        let held = &person.held[record];
        let trust = held.trust.to_string();
        rows.push_str(&[sort, &trust, &held.mrn, number, what, &at, &until].join(","));
        rows.push('\n');
    };
    let life = &person.life;
    for stay in &life.stays {
        let until = stay.discharged.map(|at| at.to_string()).unwrap_or_default();
        let what = format!("{} {}", stay.class.word(), stay.place().bed);
        add(
            "stay",
            stay.record,
            &stay.visit,
            &what,
            stay.admitted().to_string(),
            until,
        );
    }
    for booked in &life.appointments {
        let at = booked.at.to_string();
        add(
            "appointment",
            booked.record,
            &booked.number,
            &booked.clinic,
            at,
            String::new(),
        );
    }
    for waiting in &life.waiting {
        let start = waiting
            .clock_start
            .map(|date| date.to_string())
            .unwrap_or_default();
        let words = waiting.specialty.words;
        add(
            "waiting",
            waiting.record,
            &waiting.number,
            words,
            start,
            String::new(),
        );
    }
    for allergy in &life.allergies {
        let since = allergy.since.to_string();
        add(
            "allergy",
            allergy.record,
            allergy.code,
            allergy.words,
            since,
            String::new(),
        );
    }
    for order in &life.orders {
        let answered = order
            .result
            .as_ref()
            .map(|(at, _)| at.to_string())
            .unwrap_or_default();
        add(
            "order",
            order.record,
            &order.placer,
            order.code,
            order.ordered.to_string(),
            answered,
        );
    }
    written.stays += life.stays.len() as u64;
    written.in_hospital += life
        .stays
        .iter()
        .filter(|stay| stay.discharged.is_none() && !stay.unclosed)
        .count() as u64;
    written.appointments += life.appointments.len() as u64;
    written.waiting += life.waiting.len() as u64;
    written.allergies += life.allergies.len() as u64;
    written.orders += life.orders.len() as u64;
}
