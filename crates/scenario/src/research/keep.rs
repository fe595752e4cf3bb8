//! What a project may have of each resource, built element by element. An element that is not named here is not in the
//! feed, whatever a system comes to say in it.

use fhir::{
    AllergyIntolerance, AllergyIntoleranceReaction, CodeableConcept, Coding, Condition, Date, Encounter,
    EncounterHospitalization, Observation, ObservationReferenceRange, Patient, Period, Quantity, Reference,
    Resource, ServiceRequest, Text,
};

use super::{Defect, Project, Subject};

pub(super) fn resource(project: &Project, subject: &Subject, resource: &Resource) -> Option<Resource> {
    let keeper = Keeper {
        project,
        person: project.pseudonyms.person(&subject.mrn),
        days: project.pseudonyms.shift(&subject.mrn),
    };
    Some(match resource {
        Resource::Patient(held) => keeper.patient(held).into(),
        Resource::Encounter(held) => keeper.encounter(held).into(),
        Resource::Observation(held) => keeper.observation(held).into(),
        Resource::Condition(held) => keeper.condition(held).into(),
        Resource::AllergyIntolerance(held) => keeper.allergy(held).into(),
        Resource::ServiceRequest(held) => keeper.order(held).into(),
        _ => return None,
    })
}

struct Keeper<'p> {
    project: &'p Project,
    person: String,
    days: i64,
}

impl Keeper<'_> {
    fn id(&self, of: &str, id: Option<&Text>) -> Option<Text> {
        Some(self.project.pseudonyms.id(of, id?).into())
    }

    fn subject(&self) -> Option<Reference> {
        Some(Reference {
            reference: Some(format!("Patient/{}", self.person).into()),
            ..Reference::default()
        })
    }

    /// A reference to something else that is in the feed.
    fn reference(&self, of: &str, held: Option<&Reference>) -> Option<Reference> {
        let id = held?.reference.as_deref()?.rsplit_once(&format!("{of}/"))?.1;
        Some(Reference {
            reference: Some(format!("{of}/{}", self.project.pseudonyms.id(of, id)).into()),
            ..Reference::default()
        })
    }

    fn time(&self, held: Option<&fhir::DateTime>) -> Option<fhir::DateTime> {
        self.project.dates.apply(held?.as_str(), self.days)
    }

    fn period(&self, held: Option<&Period>) -> Option<Period> {
        let held = held?;
        Some(Period {
            start: self.time(held.start.as_ref()),
            end: self.time(held.end.as_ref()),
            ..Period::default()
        })
    }

    fn patient(&self, held: &Patient) -> Patient {
        let year = held
            .birth_date
            .as_ref()
            .and_then(|birth| birth.get(..4)?.parse().ok());
        let year: Option<i16> = year.map(|year: i16| year.max(self.project.oldest_year));
        let name_kept = self.project.defect == Some(Defect::NameKept);
        Patient {
            id: Some(self.person.as_str().into()),
            active: held.active,
            name: if name_kept { held.name.clone() } else { Vec::new() },
            gender: held.gender.clone(),
            birth_date: year.map(|year| Date::new(format!("{year:04}"))),
            deceased_boolean: held
                .deceased_boolean
                .or(held.deceased_date_time.is_some().then_some(true)),
            ..Patient::default()
        }
    }

    fn encounter(&self, held: &Encounter) -> Encounter {
        let hospitalization = held
            .hospitalization
            .as_ref()
            .map(|held| EncounterHospitalization {
                admit_source: held.admit_source.as_ref().map(codes),
                discharge_disposition: held.discharge_disposition.as_ref().map(codes),
                ..EncounterHospitalization::default()
            });
        Encounter {
            id: self.id("Encounter", held.id.as_ref()),
            status: held.status.clone(),
            class: held.class.as_ref().map(code),
            service_type: held.service_type.as_ref().map(codes),
            subject: self.subject(),
            period: self.period(held.period.as_ref()),
            hospitalization: hospitalization.filter(|kept| *kept != EncounterHospitalization::default()),
            ..Encounter::default()
        }
    }

    fn observation(&self, held: &Observation) -> Observation {
        Observation {
            id: self.id("Observation", held.id.as_ref()),
            status: held.status.clone(),
            category: held.category.iter().map(codes).collect(),
            code: held.code.as_ref().map(codes),
            subject: self.subject(),
            encounter: self.reference("Encounter", held.encounter.as_ref()),
            effective_date_time: self.time(held.effective_date_time.as_ref()),
            value_quantity: held.value_quantity.clone(),
            value_codeable_concept: held.value_codeable_concept.as_ref().map(codes),
            interpretation: held.interpretation.iter().map(codes).collect(),
            reference_range: held.reference_range.iter().filter_map(range).collect(),
            ..Observation::default()
        }
    }

    fn condition(&self, held: &Condition) -> Condition {
        Condition {
            id: self.id("Condition", held.id.as_ref()),
            clinical_status: held.clinical_status.as_ref().map(codes),
            verification_status: held.verification_status.as_ref().map(codes),
            category: held.category.iter().map(codes).collect(),
            code: held.code.as_ref().map(codes),
            subject: self.subject(),
            encounter: self.reference("Encounter", held.encounter.as_ref()),
            onset_date_time: self.time(held.onset_date_time.as_ref()),
            abatement_date_time: self.time(held.abatement_date_time.as_ref()),
            recorded_date: self.time(held.recorded_date.as_ref()),
            ..Condition::default()
        }
    }

    fn allergy(&self, held: &AllergyIntolerance) -> AllergyIntolerance {
        let reaction = held.reaction.iter().map(|held| AllergyIntoleranceReaction {
            manifestation: held.manifestation.iter().map(codes).collect(),
            ..AllergyIntoleranceReaction::default()
        });
        AllergyIntolerance {
            id: self.id("AllergyIntolerance", held.id.as_ref()),
            clinical_status: held.clinical_status.as_ref().map(codes),
            verification_status: held.verification_status.as_ref().map(codes),
            type_: held.type_.clone(),
            category: held.category.clone(),
            criticality: held.criticality.clone(),
            code: held.code.as_ref().map(codes),
            patient: self.subject(),
            onset_date_time: self.time(held.onset_date_time.as_ref()),
            reaction: reaction.collect(),
            ..AllergyIntolerance::default()
        }
    }

    fn order(&self, held: &ServiceRequest) -> ServiceRequest {
        ServiceRequest {
            id: self.id("ServiceRequest", held.id.as_ref()),
            status: held.status.clone(),
            intent: held.intent.clone(),
            category: held.category.iter().map(codes).collect(),
            priority: held.priority.clone(),
            code: held.code.as_ref().map(codes),
            subject: self.subject(),
            encounter: self.reference("Encounter", held.encounter.as_ref()),
            authored_on: self.time(held.authored_on.as_ref()),
            ..ServiceRequest::default()
        }
    }
}

/// The codes of a concept, with the words their code system has for them; never the words beside them.
fn codes(held: &CodeableConcept) -> CodeableConcept {
    CodeableConcept {
        coding: held.coding.iter().map(code).collect(),
        ..CodeableConcept::default()
    }
}

fn code(held: &Coding) -> Coding {
    Coding {
        system: held.system.clone(),
        code: held.code.clone(),
        display: held.display.clone(),
        ..Coding::default()
    }
}

/// Two numbers; a range in words is free text, unless it is two numbers with a hyphen.
fn range(held: &ObservationReferenceRange) -> Option<ObservationReferenceRange> {
    let told = held.text.as_deref().and_then(|text| text.split_once('-'));
    let number = |text: &str| {
        Some(Quantity {
            value: Some(fhir::Decimal::new(text.trim()).ok()?),
            ..Quantity::default()
        })
    };
    let (low, high) = match told {
        Some((low, high)) => (number(low), number(high)),
        None => (None, None),
    };
    let (low, high) = (held.low.clone().or(low), held.high.clone().or(high));
    (low.is_some() || high.is_some()).then(|| ObservationReferenceRange {
        low,
        high,
        ..ObservationReferenceRange::default()
    })
}
