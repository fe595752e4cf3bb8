//! Steps in clinical words: somebody does something at a system's keyboard, and somebody else should see it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};

use super::Runner;
use crate::RunError;
use crate::read::{encoded, get, list, text};
use crate::story::{Step, Value};

/// How long an expectation waits unless it says otherwise: deliveries follow the ACK.
const WITHIN_MS: i64 = 5_000;
const POLL: Duration = Duration::from_millis(10);

impl Runner<'_> {
    /// Does what the step says at its system.
    pub(super) async fn act(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let mut particulars = Map::new();
        for (name, value) in &step.members {
            let name = match name.as_str() {
                "at" => continue,
                "when" => "at",
                other => other,
            };
            particulars.insert(name.to_owned(), json_of(value));
        }
        let person = step.text("patient").unwrap_or_default().to_owned();
        if step.verb.name == "register" {
            particulars.remove("patient");
            for (name, value) in self.story.people.get(&person).into_iter().flatten() {
                particulars
                    .entry(name.clone())
                    .or_insert_with(|| Json::String(value.clone()));
            }
        } else if !person.is_empty() {
            particulars.insert("patient".to_owned(), self.number(&person, &system).into());
        }
        match self
            .host
            .act(&system, step.verb.name, &Json::Object(particulars))
            .await
        {
            Ok(done) => {
                if !person.is_empty() {
                    self.numbers
                        .insert((person.clone(), system.clone()), text(&done["mrn"]).to_owned());
                }
                self.note(format!(
                    "{} {person} at {system}: {} {}",
                    step.verb.name,
                    text(&done["event"]),
                    text(&done["control-id"])
                ));
                Ok(())
            }
            Err(RunError::Refused(words)) => {
                let line = step.line;
                self.expect(
                    format!("line {line}: {} {person} at {system}", step.verb.name),
                    false,
                    words,
                );
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The number a person is known by at a system: the one it gave, else their NHS number.
    fn number(&self, person: &str, system: &str) -> String {
        let given = self.numbers.get(&(person.to_owned(), system.to_owned()));
        let nhs = self
            .story
            .people
            .get(person)
            .and_then(|known| known.get("nhs-number"));
        given.or(nhs).cloned().unwrap_or_default()
    }

    /// Reads somebody back until they are as expected, or the time is over.
    pub(super) async fn expect_patient(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let person = step.text("patient").unwrap_or_default().to_owned();
        let nhs = self
            .story
            .people
            .get(&person)
            .and_then(|known| known.get("nhs-number"));
        let number = nhs.cloned().unwrap_or_else(|| self.number(&person, &system));
        let client = self.host.fhir(&system)?;
        let within = u64::try_from(step.number("within-ms").unwrap_or(WITHIN_MS)).unwrap_or(0);
        let end = Instant::now() + Duration::from_millis(within);
        let mut seen = loop {
            let seen = look(&client, &number, step).await?;
            if seen.is_empty() || Instant::now() >= end {
                break seen;
            }
            tokio::time::sleep(POLL).await;
        };
        let wanted: Vec<String> = step
            .members
            .iter()
            .filter(|(name, _)| !["at", "patient", "within-ms"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name} {}", words_of(value)))
            .collect();
        if !seen.is_empty() {
            seen.push(self.behind(&number).await?);
        }
        let words = format!("line {}: {person} at {system}: {}", step.line, wanted.join(", "));
        self.expect(words, seen.is_empty(), seen.join("; "));
        Ok(())
    }

    /// The messages behind a patient, for whoever wonders.
    async fn behind(&self, number: &str) -> Result<String, RunError> {
        let found = self
            .host
            .get(&format!("/api/v1/messages?patient={}", encoded(number)))
            .await?;
        let ids: Vec<String> = list(&found["messages"])
            .iter()
            .take(5)
            .map(|line| format!("{} {}", text(&line["type"]), text(&line["id"])))
            .collect();
        Ok(if ids.is_empty() {
            "no message about this patient is in the journal".to_owned()
        } else {
            format!("messages behind it: {}", ids.join(", "))
        })
    }
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::List(list) => json!(list),
        Value::Rows(rows) => json!(rows),
    }
}

fn words_of(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(list) => list.join(" "),
        Value::Rows(rows) => format!("{} rows", rows.len()),
    }
}

/// What is not as the step expects; nothing when all is.
async fn look(client: &rest::Client, number: &str, step: &Step) -> Result<Vec<String>, RunError> {
    let path = format!("Patient?identifier={}", encoded(number));
    let bundle = get(client, &path).await?.unwrap_or_default();
    let patients: Vec<&Json> = list(&bundle["entry"])
        .iter()
        .map(|entry| &entry["resource"])
        .filter(|resource| text(&resource["resourceType"]) == "Patient")
        .collect();
    let records = step.number("records").unwrap_or(1);
    let mut wrong = Vec::new();
    if i64::try_from(patients.len()).ok() != Some(records) {
        wrong.push(format!("{} records, expected {records}", patients.len()));
    }
    let Some(patient) = patients.first() else {
        return Ok(wrong);
    };
    let mut same = |name: &str, found: &str| {
        if let Some(wanted) = step.text(name)
            && !wanted.eq_ignore_ascii_case(found)
        {
            wrong.push(format!("{name} is `{found}`"));
        }
    };
    same("family", text(&patient["name"][0]["family"]));
    same("postcode", text(&patient["address"][0]["postalCode"]));
    same("birth-date", text(&patient["birthDate"]));
    if ["ward", "bed", "status"]
        .iter()
        .any(|name| step.text(name).is_some())
    {
        let path = format!("Encounter?patient={}", text(&patient["id"]));
        let bundle = get(client, &path).await?.unwrap_or_default();
        wrong.extend(visit(&bundle, step));
    }
    if let Some(wanted) = step.text("value") {
        let path = format!("Observation?patient={}&category=laboratory", text(&patient["id"]));
        let bundle = get(client, &path).await?.unwrap_or_default();
        let held = list(&bundle["entry"]).iter().any(|entry| {
            let resource = &entry["resource"];
            digits(&resource["valueQuantity"]["value"]) == wanted || text(&resource["valueString"]) == wanted
        });
        if !held {
            wrong.push(format!("no result with value {wanted}"));
        }
    }
    Ok(wrong)
}

/// What is not as expected about the visits: one of them must fit.
fn visit(bundle: &Json, step: &Step) -> Vec<String> {
    let mut shown = Vec::new();
    for entry in list(&bundle["entry"]) {
        let visit = &entry["resource"];
        if text(&visit["resourceType"]) != "Encounter" {
            continue;
        }
        let place = list(&visit["location"])
            .last()
            .map(|location| text(&location["location"]["display"]))
            .unwrap_or_default();
        let parts: Vec<&str> = place.split([';', '/']).map(str::trim).collect();
        let status = text(&visit["status"]);
        let is_at = |name: &str| step.text(name).is_none_or(|wanted| parts.contains(&wanted));
        if is_at("ward") && is_at("bed") && step.text("status").is_none_or(|wanted| wanted == status) {
            return Vec::new();
        }
        shown.push(format!("{status} at {place}"));
    }
    vec![if shown.is_empty() {
        "no visit".to_owned()
    } else {
        format!("visits: {}", shown.join(", "))
    }]
}

/// A number with the digits it was written with.
fn digits(value: &Json) -> String {
    value.to_string()
}
