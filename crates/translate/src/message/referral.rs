//! Referrals: RF1 and the providers around it. The patient comes after both.

use fhir::{Reference, ServiceRequest, Text};
use hl7v2::Segment;

use super::scene::{Open, Scene};
use crate::context::Context;
use crate::entries::reference;
use crate::keep;
use crate::segment::prd::{self, Provider};
use crate::segment::{orc, rf1};

/// What is open.
#[derive(Default)]
pub(crate) struct Referral {
    request: Option<Open<ServiceRequest>>,
    requester: Option<Reference>,
    performers: Vec<Reference>,
}

pub(crate) fn on_rf1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    scene.close_referral(cx);
    let mut request = Box::<ServiceRequest>::default();
    rf1::RF1.read(segment, &mut request, cx);
    request.extension.push(keep::mark(rf1::REFERRAL));
    let number = request.identifier.first().and_then(|one| one.value.clone());
    let number = number.unwrap_or_else(|| Text::from(scene.control_id.as_str()));
    let id = cx.entries.unique_id("ServiceRequest", &["referral", &number]);
    scene.referral.request = Some(Open::new(id, request, cx));
}

pub(crate) fn on_prd<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut one = Provider::default();
    prd::PRD.read(segment, &mut one, cx);
    prd::complete(&mut one);
    let key = prd::key(&one);
    let Provider { mut role, person } = one;
    if person != fhir::Practitioner::default() {
        let id = cx.entries.unique_id("Practitioner", &["provider", &key]);
        role.practitioner = Some(cx.entries.push(id, person));
    }
    let refers = prd::plays(&role, "RP");
    let id = cx.entries.unique_id("PractitionerRole", &["provider", &key]);
    cx.entries.push(id, role);
    let who = reference(id);
    if refers && scene.referral.requester.is_none() {
        scene.referral.requester = Some(who);
    } else {
        scene.referral.performers.push(who);
    }
}

impl Scene {
    /// The referral and its people are told: whose it is stands behind it.
    pub(crate) fn close_referral(&mut self, cx: &mut Context<'_>) {
        let referral = std::mem::take(&mut self.referral);
        let Some(mut open) = referral.request else { return };
        let request = &mut open.resource;
        request.requester = referral.requester;
        request.performer.extend(referral.performers);
        request.subject = self.subject();
        orc::complete(request);
        if request.subject.is_none() {
            request.subject = Some(Reference {
                display: Some(Text::const_new("not said")),
                ..Reference::default()
            });
        }
        self.focus.push(open.reference());
        open.close(cx);
    }
}
