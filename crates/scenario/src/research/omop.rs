//! The least of OMOP CDM 5.4 that is of use: PERSON, VISIT_OCCURRENCE, CONDITION_OCCURRENCE, DRUG_EXPOSURE, MEASUREMENT.
//!
//! Written from the pseudonymised resources, never from what stood before them. Sex and class of visit have standard
//! concepts; every other concept id is 0 (no matching concept) and the source's code stands beside it, for a vocabulary to
//! be laid over: none is bundled here, and none is guessed.

use std::collections::BTreeMap;

use fhir::{CodeableConcept, Condition, Encounter, Observation, Patient, Reference, Resource};

use super::Feed;
use crate::RunError;

/// From an electronic record.
const FROM_RECORD: &str = "32817";

/// Tables and their columns, as CDM 5.4 has them.
const TABLES: &[(&str, &str)] = &[
    (
        "PERSON",
        "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,\
         ethnicity_concept_id,location_id,provider_id,care_site_id,person_source_value,gender_source_value,\
         gender_source_concept_id,race_source_value,race_source_concept_id,ethnicity_source_value,\
         ethnicity_source_concept_id",
    ),
    (
        "VISIT_OCCURRENCE",
        "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,\
         visit_end_datetime,visit_type_concept_id,provider_id,care_site_id,visit_source_value,\
         visit_source_concept_id,admitted_from_concept_id,admitted_from_source_value,discharged_to_concept_id,\
         discharged_to_source_value,preceding_visit_occurrence_id",
    ),
    (
        "CONDITION_OCCURRENCE",
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_start_datetime,\
         condition_end_date,condition_end_datetime,condition_type_concept_id,condition_status_concept_id,\
         stop_reason,provider_id,visit_occurrence_id,visit_detail_id,condition_source_value,\
         condition_source_concept_id,condition_status_source_value",
    ),
    (
        "DRUG_EXPOSURE",
        "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_start_datetime,\
         drug_exposure_end_date,drug_exposure_end_datetime,verbatim_end_date,drug_type_concept_id,stop_reason,\
         refills,quantity,days_supply,sig,route_concept_id,lot_number,provider_id,visit_occurrence_id,\
         visit_detail_id,drug_source_value,drug_source_concept_id,route_source_value,dose_unit_source_value",
    ),
    (
        "MEASUREMENT",
        "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,\
         measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,\
         range_low,range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,\
         measurement_source_concept_id,unit_source_value,unit_source_concept_id,value_source_value,\
         measurement_event_id,meas_event_field_concept_id",
    ),
];

/// Values of one row by column; a column without one is empty.
type Row = BTreeMap<&'static str, String>;

/// A table's name, the number of its rows, and its file.
pub struct Table {
    /// `PERSON`.
    pub name: &'static str,
    /// Rows, the head not counted.
    pub rows: usize,
    /// CSV.
    pub bytes: Vec<u8>,
}

/// Every table of a feed.
///
/// # Errors
/// Never in memory.
pub fn tables(feed: &Feed) -> Result<Vec<Table>, RunError> {
    TABLES
        .iter()
        .map(|(name, columns)| {
            let rows: Vec<Row> = rows(feed, name);
            let columns: Vec<&str> = columns.split(',').map(str::trim).collect();
            let mut writer = csv::Writer::from_writer(Vec::new());
            let failed = |error: csv::Error| RunError::Report(error.into());
            writer.write_record(&columns).map_err(failed)?;
            for row in &rows {
                let cells = columns
                    .iter()
                    .map(|column| row.get(column).map_or("", String::as_str));
                writer.write_record(cells).map_err(failed)?;
            }
            let bytes = writer
                .into_inner()
                .map_err(|error| RunError::Report(error.into_error()))?;
            Ok(Table {
                name,
                rows: rows.len(),
                bytes,
            })
        })
        .collect()
}

fn rows(feed: &Feed, table: &str) -> Vec<Row> {
    let of = |resource_type: &str| {
        let found = feed.resources.get(resource_type);
        found.into_iter().flat_map(BTreeMap::values)
    };
    match table {
        "PERSON" => of("Patient")
            .filter_map(|resource| match resource {
                // A record that was merged away is nobody of its own.
                Resource::Patient(held) if held.link.is_empty() => person(held),
                _ => None,
            })
            .collect(),
        "VISIT_OCCURRENCE" => of("Encounter")
            .filter_map(|resource| match resource {
                Resource::Encounter(held) => visit(held),
                _ => None,
            })
            .collect(),
        "CONDITION_OCCURRENCE" => of("Condition")
            .filter_map(|resource| match resource {
                Resource::Condition(held) => condition(held),
                _ => None,
            })
            .collect(),
        "MEASUREMENT" => of("Observation")
            .filter_map(|resource| match resource {
                Resource::Observation(held) => measurement(held),
                _ => None,
            })
            .collect(),
        // The systems hold no medicines: the table has its head and no row.
        _ => Vec::new(),
    }
}

/// A pseudonym as the whole number OMOP wants: its first 52 bits.
fn number(pseudonym: &str) -> Option<String> {
    let digits = pseudonym.get(..13)?;
    i64::from_str_radix(digits, 16)
        .ok()
        .map(|number| number.to_string())
}

fn referred(reference: Option<&Reference>) -> Option<String> {
    let (_, id) = reference?.reference.as_deref()?.rsplit_once('/')?;
    number(id)
}

/// The source's own code: the first that is a word or a number of a system.
fn source(concept: Option<&CodeableConcept>) -> String {
    let codings = concept
        .map(|concept| concept.coding.as_slice())
        .unwrap_or_default();
    let code = codings.iter().find_map(|coding| coding.code.as_deref());
    code.unwrap_or_default().to_owned()
}

/// Day and time of day; OMOP wants whole dates, so of a month it is the first.
fn day(time: Option<&fhir::DateTime>) -> (String, String) {
    let text = time.map(fhir::DateTime::as_str).unwrap_or_default();
    let date = match text.len() {
        0 => return Default::default(),
        7 => format!("{text}-01"),
        _ => text.chars().take(10).collect(),
    };
    let time = text.get(11..19).unwrap_or("00:00:00");
    (date.clone(), format!("{date} {time}"))
}

fn person(held: &Patient) -> Option<Row> {
    let gender = held.gender.as_deref().unwrap_or_default();
    let concept = match gender {
        "male" => "8507",
        "female" => "8532",
        _ => "0",
    };
    Some(Row::from([
        ("person_id", number(held.id.as_deref()?)?),
        ("gender_concept_id", concept.to_owned()),
        ("year_of_birth", held.birth_date.as_ref()?.to_string()),
        ("race_concept_id", "0".to_owned()),
        ("ethnicity_concept_id", "0".to_owned()),
        ("person_source_value", held.id.as_deref()?.to_owned()),
        ("gender_source_value", gender.to_owned()),
    ]))
}

fn visit(held: &Encounter) -> Option<Row> {
    let class = held.class.as_ref()?.code.as_deref().unwrap_or_default();
    let begun = matches!(held.status.as_deref(), Some("in-progress" | "finished"));
    let concept = match class {
        "IMP" | "ACUTE" => "9201",
        "EMER" => "9203",
        "AMB" => "9202",
        _ => "0",
    };
    let period = held.period.as_ref().filter(|_| begun)?;
    let (date, time) = day(period.start.as_ref());
    if date.is_empty() {
        return None;
    }
    let (end, end_time) = day(period.end.as_ref());
    let stay = held.hospitalization.as_ref();
    let from = source(stay.and_then(|stay| stay.admit_source.as_ref()));
    let to = source(stay.and_then(|stay| stay.discharge_disposition.as_ref()));
    Some(Row::from([
        ("visit_occurrence_id", number(held.id.as_deref()?)?),
        ("person_id", referred(held.subject.as_ref())?),
        ("visit_concept_id", concept.to_owned()),
        ("visit_start_date", date),
        ("visit_start_datetime", time),
        ("visit_end_date", end),
        ("visit_end_datetime", end_time),
        ("visit_type_concept_id", FROM_RECORD.to_owned()),
        ("visit_source_value", class.to_owned()),
        ("admitted_from_source_value", from),
        ("discharged_to_source_value", to),
    ]))
}

fn condition(held: &Condition) -> Option<Row> {
    let (date, time) = day(held.onset_date_time.as_ref().or(held.recorded_date.as_ref()));
    if date.is_empty() {
        return None;
    }
    let (end, end_time) = day(held.abatement_date_time.as_ref());
    Some(Row::from([
        ("condition_occurrence_id", number(held.id.as_deref()?)?),
        ("person_id", referred(held.subject.as_ref())?),
        ("condition_concept_id", "0".to_owned()),
        ("condition_start_date", date),
        ("condition_start_datetime", time),
        ("condition_end_date", end),
        ("condition_end_datetime", end_time),
        ("condition_type_concept_id", FROM_RECORD.to_owned()),
        (
            "visit_occurrence_id",
            referred(held.encounter.as_ref()).unwrap_or_default(),
        ),
        ("condition_source_value", source(held.code.as_ref())),
        (
            "condition_status_source_value",
            source(held.clinical_status.as_ref()),
        ),
    ]))
}

fn measurement(held: &Observation) -> Option<Row> {
    let quantity = held.value_quantity.as_ref()?;
    let value = quantity.value.as_ref()?.to_string();
    let (date, time) = day(held.effective_date_time.as_ref());
    if date.is_empty() {
        return None;
    }
    let range = held.reference_range.first();
    let limit = |quantity: Option<&fhir::Quantity>| {
        let value = quantity.and_then(|quantity| quantity.value.as_ref());
        value.map(ToString::to_string).unwrap_or_default()
    };
    let unit = quantity.unit.as_deref().or(quantity.code.as_deref());
    Some(Row::from([
        ("measurement_id", number(held.id.as_deref()?)?),
        ("person_id", referred(held.subject.as_ref())?),
        ("measurement_concept_id", "0".to_owned()),
        ("measurement_date", date),
        ("measurement_datetime", time),
        ("measurement_type_concept_id", FROM_RECORD.to_owned()),
        ("value_as_number", value.clone()),
        ("unit_concept_id", "0".to_owned()),
        ("range_low", limit(range.and_then(|range| range.low.as_ref()))),
        ("range_high", limit(range.and_then(|range| range.high.as_ref()))),
        (
            "visit_occurrence_id",
            referred(held.encounter.as_ref()).unwrap_or_default(),
        ),
        ("measurement_source_value", source(held.code.as_ref())),
        ("unit_source_value", unit.unwrap_or_default().to_owned()),
        ("value_source_value", value),
    ]))
}
