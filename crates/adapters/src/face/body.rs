//! Bodies of FHIR writes read into what the record holds. What a vendor allows in a body is checked before.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhir::{AllergyIntolerance, Condition, DocumentReference, Patient, Reference, ServiceRequest};

use super::code::coded;
use super::time::hl7_of;
use crate::intake::clinical::section;
use crate::state::Text;
use crate::state::change::{Demographics, Given};
use crate::state::item::{Content, Item, ItemKind};
use crate::state::person::{Address, Clinician, Coded, Name, Telecom};
use crate::state::report::{Observation, Report, Said};

/// Why a body cannot be taken: the element at fault and what is wrong.
pub(crate) type Fault = (&'static str, &'static str);

/// System and code of a vendor's own to code and HL7 name of the system, when they are one.
pub(crate) type OwnCode = dyn Fn(&str, &str) -> Option<(String, String)>;

/// How a vendor's own codes and references are read.
pub(crate) struct Reading<'r> {
    /// System and code of the vendor's own to code and HL7 name of the system.
    pub own: &'r OwnCode,
    /// The encounter a reference names.
    pub encounter: &'r dyn Fn(&str) -> Option<u32>,
}

impl Reading<'_> {
    fn coded(&self, concept: &fhir::CodeableConcept) -> Coded {
        coded(concept, self.own)
    }

    fn encounter_of(&self, reference: Option<&Reference>) -> Result<Option<u32>, Fault> {
        let Some(reference) = reference.and_then(|held| held.reference.as_deref()) else {
            return Ok(None);
        };
        match (self.encounter)(reference) {
            Some(key) => Ok(Some(key)),
            None => Err(("encounter", "no such encounter")),
        }
    }
}

fn code_of(concept: Option<&fhir::CodeableConcept>) -> Option<&str> {
    concept?.coding.first()?.code.as_deref()
}

fn notes(held: &[fhir::Annotation]) -> Text {
    held.iter()
        .filter_map(|note| note.text.as_deref())
        .collect::<Vec<_>>()
        .join("\n")
        .into()
}

fn by(reference: Option<&Reference>) -> Option<Clinician> {
    let held = reference?;
    let id = held.reference.as_deref().and_then(|text| text.rsplit('/').next());
    Some(Clinician {
        id: id.unwrap_or_default().into(),
        family: held.display.clone().unwrap_or_default(),
        ..Clinician::default()
    })
}

pub(crate) fn allergy(held: &AllergyIntolerance, reading: &Reading<'_>) -> Result<Item, Fault> {
    let code = held.code.as_ref().ok_or(("code", "is required"))?;
    let error = code_of(held.verification_status.as_ref()) == Some("entered-in-error");
    let status = match code_of(held.clinical_status.as_ref()) {
        _ if error => "error",
        Some("inactive") => "inactive",
        Some("resolved") => "resolved",
        _ => "active",
    };
    let manifestations = held.reaction.iter().flat_map(|reaction| &reaction.manifestation);
    Ok(Item {
        kind: ItemKind::Allergy,
        encounter: reading.encounter_of(held.encounter.as_ref())?,
        code: reading.coded(code),
        status: Text::const_new(status),
        category: match held.category.first().map(Text::as_str) {
            Some("medication") => Text::const_new("drug"),
            Some(other) => other.into(),
            None => Text::default(),
        },
        severity: held.criticality.clone().unwrap_or_default(),
        start: held
            .onset_date_time
            .as_ref()
            .and_then(|time| hl7_of(time.as_str())),
        recorded: held.recorded_date.as_ref().and_then(|time| hl7_of(time.as_str())),
        by: by(held.recorder.as_ref()),
        reactions: manifestations.map(|one| reading.coded(one)).collect(),
        note: notes(&held.note),
        ..Item::default()
    })
}

pub(crate) fn condition(held: &Condition, reading: &Reading<'_>) -> Result<Item, Fault> {
    let code = held.code.as_ref().ok_or(("code", "is required"))?;
    let error = code_of(held.verification_status.as_ref()) == Some("entered-in-error");
    let status = match code_of(held.clinical_status.as_ref()) {
        _ if error => "error",
        Some("inactive" | "remission") => "inactive",
        Some("resolved") => "resolved",
        _ => "active",
    };
    let diagnosis = held
        .category
        .iter()
        .any(|category| code_of(Some(category)) == Some("encounter-diagnosis"));
    Ok(Item {
        kind: ItemKind::Problem,
        encounter: reading.encounter_of(held.encounter.as_ref())?,
        code: reading.coded(code),
        status: Text::const_new(status),
        category: Text::const_new(if diagnosis { "diagnosis" } else { "problem" }),
        start: held
            .onset_date_time
            .as_ref()
            .and_then(|time| hl7_of(time.as_str())),
        end: held
            .abatement_date_time
            .as_ref()
            .and_then(|time| hl7_of(time.as_str())),
        recorded: held.recorded_date.as_ref().and_then(|time| hl7_of(time.as_str())),
        by: by(held.recorder.as_ref()),
        note: notes(&held.note),
        ..Item::default()
    })
}

pub(crate) fn request(held: &ServiceRequest, reading: &Reading<'_>) -> Result<Item, Fault> {
    let code = held.code.as_ref().ok_or(("code", "is required"))?;
    let category = held.category.iter().find_map(|category| code_of(Some(category)));
    Ok(Item {
        kind: ItemKind::Order,
        encounter: reading.encounter_of(held.encounter.as_ref())?,
        code: reading.coded(code),
        status: Text::const_new(match held.status.as_deref() {
            Some("revoked") => "cancelled",
            Some("completed") => "completed",
            Some("on-hold") => "on-hold",
            Some("entered-in-error") => "error",
            _ => "active",
        }),
        category: match category {
            Some("108252007") => Text::const_new("laboratory"),
            Some("363679005") => Text::const_new("imaging"),
            Some(other) => section(other),
            None => Text::default(),
        },
        severity: Text::const_new(match held.priority.as_deref() {
            Some("stat") => "S",
            Some("asap") => "A",
            Some("urgent") => "U",
            _ => "R",
        }),
        start: held
            .occurrence_date_time
            .as_ref()
            .and_then(|time| hl7_of(time.as_str())),
        recorded: held.authored_on.as_ref().and_then(|time| hl7_of(time.as_str())),
        by: by(held.requester.as_ref()),
        note: notes(&held.note),
        ..Item::default()
    })
}

pub(crate) fn document(held: &DocumentReference, reading: &Reading<'_>) -> Result<Item, Fault> {
    let [content] = held.content.as_slice() else {
        return Err(("content", "exactly one attachment"));
    };
    let attachment = content
        .attachment
        .as_deref()
        .ok_or(("content.attachment", "is required"))?;
    let data = attachment
        .data
        .as_deref()
        .ok_or(("content.attachment.data", "is required"))?;
    if STANDARD.decode(data).is_err() {
        return Err(("content.attachment.data", "is no base64"));
    }
    let media_type = attachment
        .content_type
        .clone()
        .ok_or(("content.attachment.contentType", "is required"))?;
    let kind = held.type_.as_ref().ok_or(("type", "is required"))?;
    let encounter = held
        .context
        .as_ref()
        .and_then(|context| context.encounter.first());
    let period = held.context.as_ref().and_then(|context| context.period.as_ref());
    Ok(Item {
        kind: ItemKind::Document,
        encounter: reading.encounter_of(encounter)?,
        code: reading.coded(kind),
        status: Text::const_new(match held.doc_status.as_deref() {
            Some("preliminary") => "preliminary",
            Some("entered-in-error") => "error",
            _ if held.status.as_deref() == Some("entered-in-error") => "error",
            _ => "final",
        }),
        start: period
            .and_then(|period| period.start.as_ref())
            .and_then(|time| hl7_of(time.as_str())),
        recorded: held.date.as_ref().and_then(|time| hl7_of(time.as_str())),
        by: by(held.author.first()),
        content: Some(Box::new(Content {
            media_type,
            title: attachment.title.clone().unwrap_or_default(),
            data: data.to_owned(),
        })),
        ..Item::default()
    })
}

/// One observation as a report of its own; vital signs belong to the flowsheet.
pub(crate) fn observation(
    held: &fhir::Observation,
    vital: bool,
    now: &str,
    reading: &Reading<'_>,
) -> Result<Report, Fault> {
    let code = held.code.as_ref().ok_or(("code", "is required"))?;
    let own = reading.coded(code);
    let status = match held.status.as_deref() {
        Some("preliminary") => "P",
        Some("amended" | "corrected") => "C",
        Some("entered-in-error") => "D",
        Some("cancelled") => "X",
        _ => "F",
    };
    let observed = held
        .effective_date_time
        .as_ref()
        .and_then(|time| hl7_of(time.as_str()))
        .ok_or(("effectiveDateTime", "is required"))?;
    let (value_type, value, units) = value_of(held, reading)?;
    let said = Said {
        value_type: Text::const_new(value_type),
        value,
        units,
        range: held
            .reference_range
            .first()
            .and_then(|range| range.text.clone())
            .unwrap_or_default(),
        flag: held
            .interpretation
            .first()
            .and_then(|flag| code_of(Some(flag)))
            .unwrap_or_default()
            .into(),
        status: Text::const_new(status),
        observed: Some(observed.clone()),
    };
    Ok(Report {
        encounter: reading.encounter_of(held.encounter.as_ref())?,
        service: if vital {
            Coded {
                code: Text::const_new("FLOWSHEET"),
                text: Text::const_new("Vital signs"),
                ..Coded::default()
            }
        } else {
            own.clone()
        },
        observed: Some(observed),
        issued: Some(now.into()),
        status: Text::const_new(status),
        ordered_by: by(held.performer.first()),
        observations: vec![Observation {
            code: own,
            said,
            notes: held.note.iter().filter_map(|note| note.text.clone()).collect(),
            ..Observation::default()
        }],
        ..Report::default()
    })
}

type Value = (&'static str, Vec<Vec<Text>>, Option<Coded>);

fn value_of(held: &fhir::Observation, reading: &Reading<'_>) -> Result<Value, Fault> {
    let number = |quantity: &fhir::Quantity| -> Option<Text> {
        let value = quantity.value.as_ref()?;
        Some(compact_str::format_compact!(
            "{}{}",
            quantity.comparator.as_deref().unwrap_or_default(),
            value.as_str()
        ))
    };
    let unit = |quantity: &fhir::Quantity| {
        let code = quantity.unit.clone().or_else(|| quantity.code.clone())?;
        Some(Coded {
            code,
            ..Coded::default()
        })
    };
    if let Some(quantity) = &held.value_quantity {
        let value = number(quantity).ok_or(("valueQuantity.value", "is required"))?;
        return Ok(("NM", vec![vec![value]], unit(quantity)));
    }
    if let Some(text) = &held.value_string {
        return Ok(("ST", vec![vec![text.clone()]], None));
    }
    if let Some(concept) = &held.value_codeable_concept {
        let own = reading.coded(concept);
        return Ok(("CE", vec![vec![own.code, own.text, own.system]], None));
    }
    // Parts that belong together, such as the two pressures: code, words, system, number, unit.
    let parts: Vec<Vec<Text>> = held
        .component
        .iter()
        .filter_map(|part| {
            let own = reading.coded(part.code.as_ref()?);
            let quantity = part.value_quantity.as_ref()?;
            let unit = unit(quantity).map(|unit| unit.code).unwrap_or_default();
            Some(vec![own.code, own.text, own.system, number(quantity)?, unit])
        })
        .collect();
    if parts.is_empty() {
        return Err(("value", "is required"));
    }
    Ok((PARTS, parts, None))
}

/// OBX-2 of an observation in parts, as the record holds it.
pub(crate) const PARTS: &str = "PARTS";

/// What a Patient says about a person; what it leaves out stays as it was.
pub(crate) fn patient(
    held: &Patient,
    sex: &dyn Fn(&str) -> Option<&'static str>,
) -> Result<Demographics, Fault> {
    let names = held
        .name
        .iter()
        .filter(|name| name.use_.as_deref() != Some("old"));
    let names: Vec<Name> = names
        .map(|name| Name {
            family: name.family.clone().unwrap_or_default(),
            given: name.given.first().cloned().unwrap_or_default(),
            middle: name
                .given
                .iter()
                .skip(1)
                .map(Text::as_str)
                .collect::<Vec<_>>()
                .join(" ")
                .into(),
            prefix: name.prefix.first().cloned().unwrap_or_default(),
            suffix: name.suffix.first().cloned().unwrap_or_default(),
            ..Name::default()
        })
        .take(1)
        .collect();
    let addresses: Vec<Address> = held
        .address
        .iter()
        .map(|address| Address {
            line: address.line.first().cloned().unwrap_or_default(),
            other: address.line.get(1).cloned().unwrap_or_default(),
            city: address.city.clone().unwrap_or_default(),
            county: address
                .district
                .clone()
                .or_else(|| address.state.clone())
                .unwrap_or_default(),
            postcode: address.postal_code.clone().unwrap_or_default(),
            country: address.country.clone().unwrap_or_default(),
            ..Address::default()
        })
        .collect();
    let telecoms: Vec<Telecom> = held
        .telecom
        .iter()
        .filter_map(|one| {
            Some(Telecom {
                value: one.value.clone()?,
                email: one.system.as_deref() == Some("email"),
                used_as: Text::const_new(match one.use_.as_deref() {
                    Some("work") => "WPN",
                    Some("mobile") => "ORN",
                    _ => "PRN",
                }),
            })
        })
        .collect();
    let gender = match held.gender.as_deref() {
        Some(gender) => Given::Is(Text::const_new(
            sex(gender).ok_or(("gender", "male, female, other or unknown"))?,
        )),
        None => Given::Kept,
    };
    Ok(Demographics {
        names: (!names.is_empty()).then_some(names).into(),
        addresses: (!addresses.is_empty()).then_some(addresses).into(),
        telecoms: (!telecoms.is_empty()).then_some(telecoms).into(),
        birth: held
            .birth_date
            .as_ref()
            .and_then(|date| hl7_of(date.as_str()))
            .into(),
        sex: gender,
        marital: code_of(held.marital_status.as_ref())
            .map(|code| Text::from(if code == "L" { "P" } else { code }))
            .into(),
        death_time: held
            .deceased_date_time
            .as_ref()
            .and_then(|time| hl7_of(time.as_str()))
            .into(),
        death_indicator: held
            .deceased_boolean
            .map(|died| Text::const_new(if died { "Y" } else { "N" }))
            .into(),
        ..Demographics::default()
    })
}
