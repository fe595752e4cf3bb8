//! What a record holds at one moment, twice over: as tables, and as the messages that would tell it. Both have as many
//! rows as each other, so that a migration can be reconciled by either.
//!
//! Messages of an extract are told to nobody. Their control ids count from a number that the outbox does not reach, so a
//! frozen record can be extracted without issuing one.

use bytes::Bytes;

use crate::emit::{Emission, Phase};
use crate::epr::Shared;
use crate::state::encounter::{Encounter, Stage};
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Person, Role};
use crate::vendor::Codes;

/// One table of an extract, and the same as messages.
#[derive(Clone, PartialEq, Eq)]
pub struct ExtractPart {
    /// `patients`, `in-patients`, `waiting-list`, `appointments`, `allergies`.
    pub name: &'static str,
    /// Rows of the table, its head not counted.
    pub rows: usize,
    /// The table with its head, comma-separated.
    pub csv: String,
    /// One message a row.
    pub messages: Vec<Bytes>,
}

/// Control ids of an extract count from here.
const NUMBERS_FROM: u64 = 800_000_000;

const PATIENTS: &str = "mrn,nhs-number,family,given,birth,sex,postcode";
const VISITS: &str = "visit,mrn,ward,room,bed,specialty,consultant,admitted";
const APPOINTMENTS: &str = "number,mrn,clinic,service,start,end";
const ALLERGIES: &str = "mrn,code,words,category,severity,since";

struct Extractor<'e> {
    shared: &'e Shared,
    now: String,
    number: u64,
    parts: Vec<ExtractPart>,
}

/// Everything that is true now.
pub(crate) fn extract(shared: &Shared) -> Vec<ExtractPart> {
    let inner = shared.lock();
    let heads = [
        ("patients", PATIENTS),
        ("in-patients", VISITS),
        ("waiting-list", VISITS),
        ("appointments", APPOINTMENTS),
        ("allergies", ALLERGIES),
    ];
    let mut extractor = Extractor {
        shared,
        now: shared.local.hl7_now(),
        number: NUMBERS_FROM,
        parts: heads
            .into_iter()
            .map(|(name, head)| ExtractPart {
                name,
                rows: 0,
                csv: format!("{head}\n"),
                messages: Vec::new(),
            })
            .collect(),
    };
    let inpatient = Codes::own(shared.profile.codes.class, "inpatient").unwrap_or_default();
    for person in inner.state.everybody() {
        extractor.patient(person);
        for visit in &person.encounters {
            match visit.stage() {
                _ if visit.merged_into.is_some() => {}
                Stage::Open if visit.class == inpatient => extractor.visit(1, "A01", person, visit),
                Stage::Planned => extractor.visit(2, "A05", person, visit),
                _ => {}
            }
        }
        for item in &person.items {
            match item.kind {
                ItemKind::Booking if extractor.is_to_come(item) => extractor.booking(person, item),
                ItemKind::Allergy if item.status == "active" => extractor.allergy(person, item),
                _ => {}
            }
        }
    }
    extractor.parts
}

impl Extractor<'_> {
    fn patient(&mut self, person: &Person) {
        let number = |role| person.alias(role).map_or("", |alias| alias.value.as_str());
        let name = person.name();
        let postcode = person.addresses.first().map_or("", |held| held.postcode.as_str());
        let cells = [
            number(Role::Mrn),
            number(Role::Nhs),
            name.map_or("", |name| name.family.as_str()),
            name.map_or("", |name| name.given.as_str()),
            person.birth.as_deref().unwrap_or_default(),
            person.sex.as_deref().unwrap_or_default(),
            postcode,
        ];
        self.row(0, &cells, person, None, None, ("ADT", "A28"));
    }

    fn visit(&mut self, part: usize, event: &'static str, person: &Person, visit: &Encounter) {
        let place = visit.place().cloned().unwrap_or_default();
        let specialty = visit.specialty.as_ref().map_or("", |held| held.code.as_str());
        let consultant = visit.consultant.as_ref().map_or("", |held| held.id.as_str());
        let cells = [
            visit.number.as_str(),
            mrn(person),
            place.ward.as_str(),
            place.room.as_str(),
            place.bed.as_str(),
            specialty,
            consultant,
            visit.admitted.as_deref().unwrap_or_default(),
        ];
        self.row(part, &cells, person, Some(visit), None, ("ADT", event));
    }

    /// Booked, and not before now.
    fn is_to_come(&self, item: &Item) -> bool {
        let minute = |time: &str| time.chars().take(12).collect::<String>();
        item.status == "booked"
            && item
                .start
                .as_deref()
                .is_some_and(|start| minute(start) >= minute(&self.now))
    }

    fn booking(&mut self, person: &Person, item: &Item) {
        let service = if item.code.code.is_empty() {
            &item.code.text
        } else {
            &item.code.code
        };
        let cells = [
            item.placer.as_str(),
            mrn(person),
            item.place.as_str(),
            service,
            item.start.as_deref().unwrap_or_default(),
            item.end.as_deref().unwrap_or_default(),
        ];
        self.item(3, &cells, person, item);
    }

    fn allergy(&mut self, person: &Person, item: &Item) {
        let cells = [
            mrn(person),
            item.code.code.as_str(),
            item.code.text.as_str(),
            item.category.as_str(),
            item.severity.as_str(),
            item.start.as_deref().unwrap_or_default(),
        ];
        self.item(4, &cells, person, item);
    }

    fn item(&mut self, part: usize, cells: &[&str], person: &Person, item: &Item) {
        let told_by = (self.shared.profile.writing.tells)(item, Phase::New, &self.shared.choices);
        let visit = item.encounter.and_then(|key| person.encounter(key));
        self.row(part, cells, person, visit, Some(item), told_by);
    }

    fn row(
        &mut self,
        part: usize,
        cells: &[&str],
        person: &Person,
        encounter: Option<&Encounter>,
        item: Option<&Item>,
        (code, event): (&'static str, &'static str),
    ) {
        let writing = &self.shared.profile.writing;
        self.number += 1;
        let at = encounter.and_then(|visit| visit.admitted.as_deref());
        let message = (writing.write)(&Emission {
            code,
            event,
            control_id: &(writing.control_id)(self.number),
            now: &self.now,
            at: at.unwrap_or(&self.now),
            person,
            encounter,
            loser: None,
            report: None,
            item,
            gone: "",
            before: None,
            cleared: &[],
            choices: &self.shared.choices,
        });
        let part = &mut self.parts[part];
        part.rows += 1;
        part.messages.push(message.into());
        for (at, cell) in cells.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            part.csv.push_str(comma);
            part.csv.push_str(&quoted(cell));
        }
        part.csv.push('\n');
    }
}

fn mrn(person: &Person) -> &str {
    person.alias(Role::Mrn).map_or("", |alias| alias.value.as_str())
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
