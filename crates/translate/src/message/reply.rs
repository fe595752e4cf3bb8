//! Answers and questions: MSA and ERR, QPD, RCP and QAK, and the software that speaks.

use fhir::{
    Device, OperationOutcome, OperationOutcomeIssue, Parameters, ParametersParameter, ProvenanceEntity, Text,
};
use hl7v2::Segment;

use super::scene::Scene;
use crate::context::Context;
use crate::keep;
use crate::row::SegmentMap;
use crate::segment::{err, msa, qpd, sft};

/// What is open.
#[derive(Default)]
pub(crate) struct Reply {
    outcome: OperationOutcome,
    parameters: Parameters,
}

pub(crate) fn on_sft<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    sft::HEADER.read(segment, &mut scene.header, cx);
    let mut device = Device::default();
    sft::SFT.read(segment, &mut device, cx);
    device.extension.push(keep::mark(sft::SOFTWARE));
    let text = |n: usize| segment.field(n).text().into_owned();
    let id = cx
        .entries
        .unique_id("Device", &["software", &text(1), &text(2), &text(3), &text(4)]);
    let role = if cx.settings.software_is_source {
        "source"
    } else {
        "derivation"
    };
    scene.provenance.entity.push(ProvenanceEntity {
        role: Some(Text::const_new(role)),
        what: Some(cx.entries.push(id, device)),
        ..ProvenanceEntity::default()
    });
}

pub(crate) fn on_msa<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    msa::MSA.read(segment, &mut scene.header, cx);
    msa::complete(&mut scene.header);
}

pub(crate) fn on_err<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut issue = OperationOutcomeIssue::default();
    cx.at(scene.reply.outcome.issue.len());
    err::ERR.read(segment, &mut issue, cx);
    err::complete(&mut issue);
    scene.reply.outcome.issue.push(issue);
}

pub(crate) fn on_qpd<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    on_parameter(segment, &qpd::QPD, qpd::QUERY, scene, cx);
}

pub(crate) fn on_rcp<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    on_parameter(segment, &qpd::RCP, qpd::WANTED, scene, cx);
}

pub(crate) fn on_qak<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    on_parameter(segment, &qpd::QAK, qpd::ANSWER, scene, cx);
}

fn on_parameter<'a>(
    segment: Segment<'a>,
    map: &'static SegmentMap<ParametersParameter>,
    name: &'static str,
    scene: &mut Scene,
    cx: &mut Context<'a>,
) {
    let mut one = ParametersParameter {
        name: Some(Text::const_new(name)),
        ..ParametersParameter::default()
    };
    map.read(segment, &mut one, cx);
    // R4 wants one of value, resource and part.
    if one.part.is_empty() {
        one.value_boolean = Some(true);
    }
    scene.reply.parameters.parameter.push(one);
}

impl Scene {
    /// Puts what was answered and asked into the Bundle.
    pub(crate) fn close_reply(&mut self, cx: &mut Context<'_>) {
        let reply = std::mem::take(&mut self.reply);
        if !reply.outcome.issue.is_empty() {
            let id = cx
                .entries
                .unique_id("OperationOutcome", &["answer", &self.control_id]);
            let outcome = cx.entries.push(id, reply.outcome);
            match &mut self.header.response {
                Some(response) => response.details = Some(outcome),
                None => self.focus.push(outcome),
            }
        }
        if !reply.parameters.parameter.is_empty() {
            let id = cx.entries.unique_id("Parameters", &[&self.control_id]);
            let parameters = cx.entries.push(id, reply.parameters);
            self.focus.push(parameters);
        }
    }
}
