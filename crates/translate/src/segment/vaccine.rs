//! What the observations behind a vaccination say of it.
//!
//! Registries send eligibility, funding, education and doses as OBX behind RXA, told apart by their LOINC code.
//! The Observation stands in the Bundle as it was sent; here the Immunization learns what it says, so that a
//! reader finds it where FHIR has an element for it. Guide: message VXU_V04, "funding source, patient eligibility
//! and educational material".

use fhir::{
    CodeableConcept, DateTime, Immunization, ImmunizationEducation, ImmunizationProtocolApplied,
    ImmunizationReaction, Observation, Reference, Text,
};

const LOINC: &str = "http://loinc.org";

const ELIGIBILITY: &str = "64994-7";
const FUNDING: &str = "30963-3";
const PUBLISHED: &str = "29768-9";
const PRESENTED: &str = "29769-7";
const DOCUMENT: &str = "69764-9";
const REACTION: &str = "31044-1";
const DOSE: &str = "30973-2";
const DOSES: &str = "59782-3";
const SERIES: &str = "59780-7";

/// What was learned, one education for each OBX-4.
#[derive(Default)]
pub(crate) struct Facts {
    education: Vec<(Text, ImmunizationEducation)>,
    protocol: ImmunizationProtocolApplied,
}

impl Facts {
    /// Takes what one observation says.
    pub(crate) fn learn(
        &mut self,
        observation: &Observation,
        sub: &str,
        refers: Reference,
        one: &mut Immunization,
    ) {
        let Some(code) = loinc(observation.code.as_ref()) else {
            return;
        };
        match code {
            ELIGIBILITY => one
                .program_eligibility
                .extend(observation.value_codeable_concept.clone()),
            FUNDING if one.funding_source.is_none() => {
                one.funding_source.clone_from(&observation.value_codeable_concept);
            }
            PUBLISHED => self.education(sub).publication_date = moment(observation),
            PRESENTED => self.education(sub).presentation_date = moment(observation),
            DOCUMENT => self.education(sub).document_type = words(observation),
            REACTION => one.reaction.push(ImmunizationReaction {
                date: observation.effective_date_time.clone(),
                detail: Some(refers),
                ..ImmunizationReaction::default()
            }),
            DOSE => {
                let (number, text) = count(observation);
                self.protocol.dose_number_positive_int = number;
                self.protocol.dose_number_string = text;
            }
            DOSES => {
                let (number, text) = count(observation);
                self.protocol.series_doses_positive_int = number;
                self.protocol.series_doses_string = text;
            }
            SERIES => self.protocol.series = words(observation),
            _ => {}
        }
    }

    /// Tells the vaccination what was learned.
    pub(crate) fn tell(self, one: &mut Immunization) {
        // R4 wants a type or a reference of what was handed out.
        let enough = |education: &ImmunizationEducation| education.document_type.is_some();
        let taught = self.education.into_iter().map(|(_, education)| education);
        one.education.extend(taught.filter(enough));
        // A dose in a series is one only with its number.
        let numbered =
            self.protocol.dose_number_positive_int.is_some() || self.protocol.dose_number_string.is_some();
        if numbered {
            one.protocol_applied.push(self.protocol);
        }
    }

    /// What OBX-4 ties together.
    fn education(&mut self, sub: &str) -> &mut ImmunizationEducation {
        let at = self.education.iter().position(|(known, _)| known == sub);
        let at = at.unwrap_or_else(|| {
            self.education
                .push((Text::from(sub), ImmunizationEducation::default()));
            self.education.len() - 1
        });
        &mut self.education[at].1
    }
}

fn loinc(code: Option<&CodeableConcept>) -> Option<&str> {
    let codings = &code?.coding;
    let found = codings
        .iter()
        .find(|coding| coding.system.as_deref() == Some(LOINC))?;
    found.code.as_deref()
}

fn moment(observation: &Observation) -> Option<DateTime> {
    observation.value_date_time.clone()
}

fn words(observation: &Observation) -> Option<Text> {
    let concept = observation.value_codeable_concept.as_ref();
    concept
        .and_then(crate::segment::medicine::words)
        .or_else(|| observation.value_string.clone())
}

/// A number of doses: a whole number, else its words.
fn count(observation: &Observation) -> (Option<u32>, Option<Text>) {
    let number = observation
        .value_quantity
        .as_ref()
        .and_then(|quantity| quantity.value.as_ref());
    let whole = number
        .and_then(|number| number.as_str().parse::<u32>().ok())
        .filter(|n| *n > 0);
    match whole {
        Some(whole) => (Some(whole), None),
        None => (None, words(observation)),
    }
}
