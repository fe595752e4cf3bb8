//! Reading a system back over FHIR, into records that can be compared. Two witnesses: what was sent never helps here.
//!
//! Every product shows the same facts in its own shape; what is read is what all of them share. A class the system
//! does not serve, by its own CapabilityStatement, is not read and not judged.

mod facts;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;
use rest::Client;
use serde_json::Value;

use crate::RunError;
use crate::host::unreachable_at;
use crate::reconcile::record::{Class, Record, Side};
use crate::wire::join_all;
use crate::world::folded;

const NHS_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// Requests under way at the same time.
const LANES: usize = 16;
/// Pages followed of one search.
const PAGES_MAX: usize = 50;

/// Whom to look for: the number that stands for them, and every number they should be known by.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The number in use.
    pub mrn: String,
    /// Every number, that one included.
    pub numbers: Vec<String>,
    /// Whether there may be results.
    pub results: bool,
}

/// What was read, and how much of it.
#[derive(Debug, Default)]
pub struct ReadBack {
    /// The records.
    pub side: Side,
    /// Different people found.
    pub people: BTreeSet<String>,
    /// Requests made.
    pub requests: u64,
}

/// What a system serves, by its own word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Resource types that can be searched, sorted.
    pub types: BTreeSet<String>,
    /// Every read path: type, interaction or search parameter.
    pub paths: Vec<(String, String)>,
}

/// Reads the CapabilityStatement.
///
/// # Errors
/// When the system does not answer with one.
pub async fn served(client: &Client) -> Result<Served, RunError> {
    let statement = get(client, "metadata").await?.unwrap_or_default();
    let mut served = Served::default();
    for resource in list(&statement["rest"][0]["resource"]) {
        let name = text(&resource["type"]).to_owned();
        for interaction in list(&resource["interaction"]) {
            served
                .paths
                .push((name.clone(), text(&interaction["code"]).to_owned()));
            if text(&interaction["code"]) == "search-type" {
                served.types.insert(name.clone());
            }
        }
        for parameter in list(&resource["searchParam"]) {
            served
                .paths
                .push((name.clone(), format!("?{}", text(&parameter["name"]))));
        }
        for (member, mark) in [
            ("searchInclude", "_include="),
            ("searchRevInclude", "_revinclude="),
        ] {
            for value in list(&resource[member]) {
                served
                    .paths
                    .push((name.clone(), format!("?{mark}{}", text(value))));
            }
        }
        for operation in list(&resource["operation"]) {
            served
                .paths
                .push((name.clone(), format!("${}", text(&operation["name"]))));
        }
    }
    for operation in list(&statement["rest"][0]["operation"]) {
        served
            .paths
            .push((String::new(), format!("${}", text(&operation["name"]))));
    }
    Ok(served)
}

/// Reads everybody wanted.
///
/// # Errors
/// When the system cannot be reached. A search it refuses counts as one that finds nobody.
pub async fn everybody(client: &Client, served: &Served, wanted: &[Wanted]) -> Result<ReadBack, RunError> {
    let share = wanted.len().div_ceil(LANES).max(1);
    let lanes = wanted.chunks(share).map(|lane| async move {
        let mut read = ReadBack::default();
        let mut records = Vec::new();
        for one in lane {
            person(client, served, one, &mut read, &mut records).await?;
        }
        Ok::<_, RunError>((read, records))
    });
    let mut all = ReadBack::default();
    for lane in join_all(lanes).await {
        let (read, records) = lane?;
        all.requests += read.requests;
        all.people.extend(read.people);
        for record in records {
            all.side.add(record);
        }
    }
    Ok(all)
}

/// The different people some numbers lead to.
///
/// # Errors
/// When the system cannot be reached.
pub async fn people_of(client: &Client, numbers: &[String]) -> Result<BTreeSet<String>, RunError> {
    let mut read = ReadBack::default();
    for number in numbers {
        for patient in search(client, "Patient", &[("identifier", number)], &mut read).await? {
            read.people.insert(text(&patient["id"]).to_owned());
        }
    }
    Ok(read.people)
}

async fn person(
    client: &Client,
    served: &Served,
    wanted: &Wanted,
    read: &mut ReadBack,
    records: &mut Vec<Record>,
) -> Result<(), RunError> {
    let mut ids: Vec<String> = Vec::new();
    for number in std::iter::once(&wanted.mrn).chain(wanted.numbers.iter().filter(|n| **n != wanted.mrn)) {
        let found = search(client, "Patient", &[("identifier", number)], read).await?;
        for patient in &found {
            let id = text(&patient["id"]).to_owned();
            let known = ids.first().is_none_or(|first| *first == id);
            let whose = if known {
                wanted.mrn.as_str()
            } else {
                "somebody else"
            };
            records.push(Record::new(Class::Alias, number).with("patient", whose));
            read.people.insert(id.clone());
            if *number == wanted.mrn {
                records.push(patient_record(&wanted.mrn, patient));
                ids.push(id);
            }
        }
    }
    for id in ids {
        let mut clocks = facts::orders(client, served, &id, wanted, read, records).await?;
        encounters(client, &id, wanted, &mut clocks, read, records).await?;
        // On a list by its order only: nobody has planned the admission.
        for (number, start) in clocks {
            let record = Record::new(Class::Waiting, number).with("patient", &wanted.mrn);
            records.push(record.with("clock-start", start));
        }
        if wanted.results && served.types.contains("Observation") {
            let asked = [("patient", id.as_str()), ("category", "laboratory")];
            for observation in search(client, "Observation", &asked, read).await? {
                records.push(result_record(&wanted.mrn, &observation));
            }
        }
        facts::allergies(client, served, &id, wanted, read, records).await?;
        facts::appointments(client, served, &id, wanted, read, records).await?;
    }
    Ok(())
}

fn patient_record(mrn: &str, patient: &Value) -> Record {
    let nhs = list(&patient["identifier"])
        .iter()
        .find(|identifier| text(&identifier["system"]) == NHS_SYSTEM)
        .map(|identifier| text(&identifier["value"]).replace(' ', ""))
        .unwrap_or_default();
    let name = list(&patient["name"])
        .iter()
        .find(|name| text(&name["use"]) != "old")
        .cloned()
        .unwrap_or_default();
    let address = &patient["address"][0];
    Record::new(Class::Patient, mrn)
        .with("nhs-number", nhs)
        .with("family", folded(text(&name["family"])))
        .with("given", folded(text(&name["given"][0])))
        .with("birth-date", text(&patient["birthDate"]))
        .with("sex", text(&patient["gender"]))
        .with("postcode", text(&address["postalCode"]))
        .with("address", folded(text(&address["line"][0])))
}

async fn encounters(
    client: &Client,
    id: &str,
    wanted: &Wanted,
    clocks: &mut facts::Clocks,
    read: &mut ReadBack,
    records: &mut Vec<Record>,
) -> Result<(), RunError> {
    let asked = [("patient", id), ("_count", "100")];
    for encounter in search(client, "Encounter", &asked, read).await? {
        let number = text(&encounter["identifier"][0]["value"]).to_owned();
        let class = match text(&encounter["class"]["code"]) {
            "IMP" => "inpatient",
            "EMER" => "emergency",
            "AMB" => "outpatient",
            other => other,
        };
        let status = text(&encounter["status"]);
        if status == "cancelled" {
            continue;
        }
        let kind = match (status, class) {
            ("planned", _) => Class::Waiting,
            ("in-progress", "inpatient") => Class::Inpatient,
            _ => Class::Visit,
        };
        let clock = clocks.remove(&number).filter(|_| kind == Class::Waiting);
        let mut record = Record::new(kind, number).with("patient", &wanted.mrn);
        if kind == Class::Waiting {
            record = record
                .with("planned", "yes")
                .with("clock-start", clock.unwrap_or_default());
        } else {
            record = record.with("admitted", instant(text(&encounter["period"]["start"])));
        }
        if kind == Class::Visit {
            record = record
                .with("class", class)
                .with("discharged", instant(text(&encounter["period"]["end"])));
        }
        if kind == Class::Inpatient {
            record = record.with("bed", bed(&encounter["location"]));
        }
        records.push(record);
    }
    Ok(())
}

/// The place somebody is in now: the last three parts of what the product writes.
fn bed(locations: &Value) -> String {
    let shown = list(locations)
        .iter()
        .rfind(|location| text(&location["status"]) != "completed")
        .map(|location| text(&location["location"]["display"]).to_owned())
        .unwrap_or_default();
    let parts: Vec<&str> = shown
        .split([';', '/'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    parts
        .get(parts.len().saturating_sub(3)..)
        .unwrap_or_default()
        .join(" ")
}

fn result_record(mrn: &str, observation: &Value) -> Record {
    let code = local_code(&observation["code"]);
    let quantity = &observation["valueQuantity"];
    let value = match &quantity["value"] {
        Value::Number(number) => number.to_string(),
        _ => text(&observation["valueString"]).to_owned(),
    };
    let unit = [text(&quantity["unit"]), text(&quantity["code"])]
        .into_iter()
        .find(|unit| !unit.is_empty());
    Record::new(Class::Result, format!("{mrn} {code}"))
        .with("value", value)
        .with("units", unit.unwrap_or_default())
        .with("observed", instant(text(&observation["effectiveDateTime"])))
}

/// The shortest code that has a letter first: products put numbers of their own beside it.
fn local_code(concept: &Value) -> String {
    list(&concept["coding"])
        .iter()
        .map(|coding| text(&coding["code"]))
        .filter(|code| code.starts_with(|letter: char| letter.is_ascii_alphabetic()))
        .min_by_key(|code| code.len())
        .unwrap_or_else(|| text(&concept["text"]))
        .to_owned()
}

/// A time as an instant; as it stands when it is none.
fn instant(time: &str) -> String {
    time.parse::<jiff::Timestamp>()
        .map_or_else(|_| time.to_owned(), |instant| instant.to_string())
}

/// The resources of that type a search finds, page by page.
async fn search(
    client: &Client,
    resource_type: &str,
    parameters: &[(&str, &str)],
    read: &mut ReadBack,
) -> Result<Vec<Value>, RunError> {
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    let mut path = format!("{resource_type}?{}", query.join("&"));
    let mut found = Vec::new();
    for _ in 0..PAGES_MAX {
        read.requests += 1;
        let Some(mut bundle) = get(client, &path).await? else {
            break;
        };
        if let Some(entries) = bundle["entry"].as_array_mut() {
            for entry in entries {
                let resource = entry["resource"].take();
                if text(&resource["resourceType"]) == resource_type {
                    found.push(resource);
                }
            }
        }
        let next = list(&bundle["link"])
            .iter()
            .find(|link| text(&link["relation"]) == "next")
            .map(|link| text(&link["url"]).to_owned());
        match next.as_deref().and_then(|url| url.strip_prefix(client.base())) {
            Some(further) => path = further.to_owned(),
            None => break,
        }
    }
    Ok(found)
}

pub(crate) fn encoded(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~|".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("a String takes any text");
        }
        out
    })
}

/// JSON at a path; none when the system refuses.
pub(crate) async fn get(client: &Client, path: &str) -> Result<Option<Value>, RunError> {
    let body = body(client, path).await?;
    Ok(body.and_then(|body| serde_json::from_slice(&body).ok()))
}

/// What stands at a path; none when the system refuses.
pub(crate) async fn body(client: &Client, path: &str) -> Result<Option<Bytes>, RunError> {
    match client.send(Method::GET, path, &[], Bytes::new()).await {
        Ok(answer) => Ok(Some(answer.body)),
        Err(error) if error.status().is_some() => Ok(None),
        Err(error) => Err(unreachable_at(client.base(), &error)),
    }
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
