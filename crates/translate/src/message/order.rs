//! An order and its results: ORC, OBR, OBX, SPM and their notes.
//!
//! An ORC or an OBR opens a group; what follows belongs to it. The report, the request and the observations get
//! ids from the filler's number (else the placer's), so that a preliminary result, its final form and its
//! correction are one Observation.

use fhir::{DiagnosticReport, Identifier, Observation, Provenance, Reference, ServiceRequest, Specimen};
use hl7v2::Segment;

use super::scene::{Commented, Open, Scene, on_other};
use crate::context::Context;
use crate::datatype::identifier;
use crate::keep;
use crate::segment::{dg1, obr, obx, orc, spm, tq1};

/// The group that is open.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) request: Option<Open<ServiceRequest>>,
    report: Option<Open<DiagnosticReport>>,
    specimen: Option<Open<Specimen>>,
    pub(crate) observation: Option<Open<Observation>>,
    /// An OBR was read.
    described: bool,
    /// A TQ1 was read.
    timed: bool,
    /// An SPM was read: the next one is another specimen.
    specimens: usize,
    /// What ids in the group start with.
    key: String,
}

impl Order {
    pub(crate) fn on_orc<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if scene.patient.is_none() && scene.code.is_empty() {
            return on_other(segment, scene, cx);
        }
        scene.close_order(cx);
        scene.know_visit(cx);
        let mut request = Box::<ServiceRequest>::default();
        orc::ORC.read(segment, &mut request, cx);
        let mut event = Provenance::default();
        orc::EVENT.read(segment, &mut event, cx);
        scene.open_request(request, cx);
        if let Some(open) = &scene.order.request
            && !event.agent.is_empty()
        {
            let target = open.reference();
            let authored = open.resource.authored_on.as_deref();
            let sent = scene.bundle.timestamp.as_deref();
            orc::complete_event(&mut event, target, authored, sent);
            let id = cx
                .entries
                .unique_id("Provenance", &["order", &open.id.to_string()]);
            cx.entries.push(id, event);
        }
        scene.commented = Commented::Order;
    }

    /// The timing of the order; one is all that FHIR has room for.
    pub(crate) fn on_tq1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        match &mut scene.order.request {
            Some(open) if !scene.order.timed => {
                tq1::TQ1.read(segment, &mut open.resource, cx);
                scene.order.timed = true;
            }
            _ => on_other(segment, scene, cx),
        }
    }

    pub(crate) fn on_obr<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if scene.order.described {
            scene.close_order(cx);
        }
        scene.know_visit(cx);
        if scene.order.request.is_none() {
            let mut request = Box::<ServiceRequest>::default();
            request.extension.push(keep::mark(orc::ABSENT));
            scene.open_request(request, cx);
        }
        scene.order.described = true;
        scene.commented = Commented::Order;
        if let Some(open) = &mut scene.order.request {
            obr::REQUEST.read(segment, &mut open.resource, cx);
        }
        scene.order.key = scene.order_key(segment);
        if is_result(scene, segment) {
            let mut report = Box::<DiagnosticReport>::default();
            obr::REPORT.read(segment, &mut report, cx);
            scene.open_report(report, cx);
        } else if let Some(open) = &mut scene.order.request {
            obr::ORDER.read(segment, &mut open.resource, cx);
        }
        let mut specimen = Box::<Specimen>::default();
        obr::SPECIMEN.read(segment, &mut specimen, cx);
        if *specimen != Specimen::default() {
            specimen.extension.push(keep::mark(spm::ABSENT));
            scene.open_specimen(specimen, cx);
        }
    }

    pub(crate) fn on_obx<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if let Some(open) = scene.order.observation.take() {
            open.close(cx);
        }
        let mut observation = Box::<Observation>::default();
        obx::OBX.read(segment, &mut observation, cx);
        obx::complete(&mut observation);
        observation.subject = scene.subject();
        observation.encounter = scene.visit();
        let code = dg1::concept_key(observation.code.as_ref()).join("|");
        let sub = segment.field(4).text();
        let id = if scene.order.key.is_empty() {
            let visit = scene
                .encounter
                .as_ref()
                .map(|open| open.id.to_string())
                .unwrap_or_default();
            let when = observation.effective_date_time.as_deref().unwrap_or_default();
            cx.entries
                .unique_id("Observation", &[&scene.patient_key(), &visit, &code, &sub, when])
        } else {
            cx.entries.unique_id(
                "Observation",
                &[&scene.patient_key(), &scene.order.key, &code, &sub],
            )
        };
        let open = Open::new(id, observation, cx);
        scene.document.relate(open.reference());
        // OBX-29: asked at order entry, not found.
        let asked = matches!(segment.field(29).text().as_ref(), "QST" | "SCI");
        let report = scene.order.report.as_mut().filter(|_| !asked);
        match (report, scene.order.specimens) {
            (None, _) if asked && scene.order.specimens > 0 => {}
            (Some(report), 0) => report.resource.result.push(open.reference()),
            (Some(_), _) => {}
            (None, _) => {
                if let Some(request) = &mut scene.order.request {
                    request.resource.supporting_info.push(open.reference());
                }
            }
        }
        scene.order.observation = Some(open);
        // An OBX behind an SPM describes the specimen.
        if scene.order.specimens > 0
            && let (Some(observation), Some(specimen)) = (&mut scene.order.observation, &scene.order.specimen)
        {
            observation.resource.focus.push(specimen.reference());
        }
        scene.commented = Commented::Observation;
    }

    pub(crate) fn on_spm<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if let Some(open) = scene.order.observation.take() {
            open.close(cx);
        }
        // The first SPM describes the specimen that OBR began.
        if scene.order.specimens > 0 || scene.order.specimen.is_none() {
            if let Some(open) = scene.order.specimen.take() {
                open.close(cx);
            }
            let mut specimen = Box::<Specimen>::default();
            spm::SPM.read(segment, &mut specimen, cx);
            scene.open_specimen(specimen, cx);
        } else if let Some(open) = &mut scene.order.specimen {
            open.resource
                .extension
                .retain(|one| !keep::is_marked(std::slice::from_ref(one), spm::ABSENT));
            spm::SPM.read(segment, &mut open.resource, cx);
        }
        scene.order.specimens += 1;
        scene.commented = Commented::Nothing;
    }

    /// Takes somebody into the request or the report, when their role has an element there.
    pub(crate) fn take_part(&mut self, who: &Reference, code: &str) -> bool {
        match (code, &mut self.request, &mut self.report) {
            ("OP", Some(open), _) if open.resource.requester.is_none() => {
                open.resource.requester = Some(who.clone());
            }
            ("ARI" | "TN" | "TR", _, Some(open)) => open.resource.performer.push(who.clone()),
            ("PRI", _, Some(open)) => open.resource.results_interpreter.push(who.clone()),
            _ => return false,
        }
        true
    }

    /// Puts the group's resources into the Bundle.
    pub(crate) fn close(self, scene: &mut Scene, cx: &mut Context<'_>) {
        if let Some(open) = self.observation {
            open.close(cx);
        }
        if let Some(open) = self.specimen {
            open.close(cx);
        }
        if let Some(mut open) = self.request {
            orc::complete(&mut open.resource);
            scene.document.ordered(open.reference());
            if self.report.is_none() {
                scene.focus.push(open.reference());
            }
            open.close(cx);
        }
        if let Some(mut open) = self.report {
            obr::complete(&mut open.resource);
            scene.focus.push(open.reference());
            open.close(cx);
        }
    }
}

/// A result has a report; an order has none until something is known of it.
fn is_result(scene: &Scene, obr: Segment<'_>) -> bool {
    let ordering = matches!(
        scene.code.as_str(),
        "ORM"
            | "OML"
            | "OMG"
            | "OMP"
            | "OMB"
            | "OMD"
            | "OMI"
            | "RDE"
            | "RDS"
            | "ORR"
            | "ORL"
            | "ORG"
            | "ORP"
            | "MDM"
    );
    !ordering || obr.field(25).is_valued() || obr.field(22).is_valued()
}

impl Scene {
    fn open_request(&mut self, mut request: Box<ServiceRequest>, cx: &mut Context<'_>) {
        request.subject = self.subject();
        request.encounter = self.visit();
        let number = request
            .identifier
            .first()
            .and_then(|one| one.value.clone())
            .unwrap_or_default();
        let number = if number.is_empty() {
            self.control_id.clone()
        } else {
            number.to_string()
        };
        let id = cx
            .entries
            .unique_id("ServiceRequest", &[&self.patient_key(), &number]);
        self.order.request = Some(Open::new(id, request, cx));
    }

    fn open_report(&mut self, mut report: Box<DiagnosticReport>, cx: &mut Context<'_>) {
        report.subject = self.subject();
        report.encounter = self.visit();
        if let Some(request) = &self.order.request {
            report.based_on.push(request.reference());
            // ORC-2 and ORC-3 number the report where OBR does not.
            for kind in ["PLAC", "FILL"] {
                let of_kind = |one: &&Identifier| identifier::is_typed(one, kind);
                if !report.identifier.iter().any(|one| of_kind(&one)) {
                    let numbers = request.resource.identifier.iter().filter(of_kind);
                    report.identifier.extend(numbers.cloned());
                }
            }
        }
        let code = dg1::concept_key(report.code.as_ref()).join("|");
        let id = cx
            .entries
            .unique_id("DiagnosticReport", &[&self.patient_key(), &self.order.key, &code]);
        self.order.report = Some(Open::new(id, report, cx));
    }

    fn open_specimen(&mut self, mut specimen: Box<Specimen>, cx: &mut Context<'_>) {
        specimen.subject = self.subject();
        let key = spm::key(&specimen).unwrap_or_else(|| self.order.key.clone());
        let id = cx.entries.unique_id("Specimen", &[&self.patient_key(), &key]);
        let open = Open::new(id, specimen, cx);
        if let Some(report) = &mut self.order.report {
            report.resource.specimen.push(open.reference());
        }
        if let Some(request) = &mut self.order.request {
            request.resource.specimen.push(open.reference());
        }
        self.order.specimen = Some(open);
    }

    /// The number that the group is known by: the filler's, else the placer's, else its place in the message.
    fn order_key(&self, obr: Segment<'_>) -> String {
        let request = self.order.request.as_ref();
        let numbered = |kind: &str| {
            let list = request
                .map(|open| open.resource.identifier.as_slice())
                .unwrap_or_default();
            list.iter()
                .find(|one| identifier::is_typed(one, kind))
                .and_then(|one| one.value.clone())
        };
        let number = numbered("FILL").or_else(|| numbered("PLAC"));
        let number = number.map_or_else(
            || format!("{}|{}", self.control_id, obr.occurrence()),
            |n| n.to_string(),
        );
        // Several panels share one order number.
        format!("{number}|{}", obr.field(4).text())
    }
}
