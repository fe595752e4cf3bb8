//! What a message tells of the patient's health: allergies, diagnoses, procedures.

use fhir::{Condition, EncounterDiagnosis, Procedure};
use hl7v2::Segment;

use super::{Scene, on_other};
use crate::context::Context;
use crate::entries::reference;
use crate::segment::{al1, dg1, iam, pr1};

pub(super) fn on_al1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut allergy = fhir::AllergyIntolerance {
        patient: scene.subject(),
        ..Default::default()
    };
    if allergy.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    al1::AL1.read(segment, &mut allergy, cx);
    al1::complete(&mut allergy);
    let key = dg1::concept_key(allergy.code.as_ref()).join("|");
    let id = cx
        .entries
        .unique_id("AllergyIntolerance", &[&scene.patient_key(), &key]);
    cx.entries.push(id, allergy);
}

pub(super) fn on_iam<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut allergy = fhir::AllergyIntolerance {
        patient: scene.subject(),
        ..Default::default()
    };
    if allergy.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    iam::IAM.read(segment, &mut allergy, cx);
    iam::complete(&mut allergy);
    let number = allergy.identifier.first().and_then(|one| one.value.clone());
    let key = number.map_or_else(
        || dg1::concept_key(allergy.code.as_ref()).join("|"),
        |number| number.to_string(),
    );
    let id = cx
        .entries
        .unique_id("AllergyIntolerance", &[&scene.patient_key(), &key]);
    cx.entries.push(id, allergy);
}

pub(super) fn on_dg1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut condition = Condition {
        subject: scene.subject(),
        encounter: scene.visit(),
        ..Condition::default()
    };
    if condition.subject.is_none() {
        return on_other(segment, scene, cx);
    }
    dg1::DG1.read(segment, &mut condition, cx);
    let key = dg1::key(&condition).join("|");
    let visit = scene
        .encounter
        .as_ref()
        .map(|open| open.id.to_string())
        .unwrap_or_default();
    let id = cx
        .entries
        .unique_id("Condition", &[&scene.patient_key(), &visit, &key]);
    match &mut scene.encounter {
        Some(open) => {
            let mut diagnosis = EncounterDiagnosis {
                condition: Some(reference(id)),
                ..EncounterDiagnosis::default()
            };
            dg1::DIAGNOSIS.read(segment, &mut diagnosis, cx);
            open.resource.diagnosis.push(diagnosis);
        }
        None => dg1::ALONE.read(segment, &mut condition, cx),
    }
    cx.entries.push(id, condition);
}

pub(super) fn on_pr1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut procedure = Procedure {
        subject: scene.subject(),
        encounter: scene.visit(),
        ..Procedure::default()
    };
    if procedure.subject.is_none() {
        return on_other(segment, scene, cx);
    }
    pr1::PR1.read(segment, &mut procedure, cx);
    pr1::complete(&mut procedure);
    let key = dg1::concept_key(procedure.code.as_ref()).join("|");
    let when = procedure
        .performed_date_time
        .as_deref()
        .unwrap_or_default()
        .to_owned();
    let id = cx
        .entries
        .unique_id("Procedure", &[&scene.patient_key(), &key, &when]);
    cx.entries.push(id, procedure);
}
