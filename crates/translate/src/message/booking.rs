//! An appointment: SCH opens it, the resources and the patient become its participants.
//!
//! Groups of resources (RGS) are told apart by a mark on the participants of every group but the first.

use fhir::{Annotation, Appointment, AppointmentParticipant, Extension, ServiceRequest, Text};
use hl7v2::Segment;

use super::scene::{Commented, Open, Scene, on_other};
use crate::context::Context;
use crate::datatype::identifier;
use crate::keep;
use crate::row::SegmentMap;
use crate::segment::{ai, nte, orc, rgs, sch, tq1};

/// R5's `Appointment.note`, come early.
pub(crate) const NOTE: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.note";
/// What a note comments on when nothing else was said since.
const HEAD: &str = "SCH";

/// The appointment that is open.
#[derive(Default)]
pub(crate) struct Booking {
    appointment: Option<Open<Appointment>>,
    /// The order that SCH-26 and SCH-27 number.
    request: Option<Open<ServiceRequest>>,
    /// RGS so far.
    groups: u16,
    /// The segment a note comments on: `AIS[2]`.
    commented: Text,
}

impl Booking {
    /// True between SCH and the end of the message.
    pub(crate) fn is_open(&self) -> bool {
        self.appointment.is_some()
    }

    pub(crate) fn on_sch<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        if scene.booking.is_open() {
            // A message is about one appointment.
            return on_other(segment, scene, cx);
        }
        let mut appointment = Box::<Appointment>::default();
        sch::SCH.read(segment, &mut appointment, cx);
        let number = |kind: &str| {
            let mut list = appointment.identifier.iter();
            list.find(|one| identifier::is_typed(one, kind))
                .and_then(|one| one.value.clone())
        };
        let number = number("FILL").or_else(|| number("PLAC"));
        let number = number.map_or_else(|| scene.control_id.clone(), |number| number.to_string());
        let id = cx.entries.unique_id("Appointment", &[&number]);
        let mut request = Box::<ServiceRequest>::default();
        sch::ORDER.read(segment, &mut request, cx);
        let mut open = Open::new(id, appointment, cx);
        scene.focus.push(open.reference());
        if !request.identifier.is_empty() {
            let number = request.identifier.first().and_then(|one| one.value.clone());
            let id = cx.entries.unique_id(
                "ServiceRequest",
                &["appointment", number.as_deref().unwrap_or_default()],
            );
            let request = Open::new(id, request, cx);
            open.resource.based_on.push(request.reference());
            scene.booking.request = Some(request);
        }
        scene.booking.appointment = Some(open);
        scene.booking.commented = Text::const_new(HEAD);
        scene.commented = Commented::Appointment;
    }

    pub(crate) fn on_rgs<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        let Some(open) = &mut scene.booking.appointment else {
            return on_other(segment, scene, cx);
        };
        scene.booking.groups += 1;
        let plain = segment.fields().skip(1).all(|field| field.raw().is_empty());
        if scene.booking.groups == 1 || plain {
            rgs::RGS.read(segment, &mut open.resource, cx);
        } else {
            // The appointment has room for what one group says of itself.
            on_other(segment, scene, cx);
        }
    }

    pub(crate) fn on_tq1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        match &mut scene.booking.appointment {
            Some(open) if segment.occurrence() == 1 => {
                tq1::APPOINTMENT.read(segment, &mut open.resource, cx);
            }
            _ => on_other(segment, scene, cx),
        }
    }

    pub(crate) fn on_ais<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        on_resource(&ai::AIS, segment, scene, cx);
    }

    pub(crate) fn on_aig<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        on_resource(&ai::AIG, segment, scene, cx);
    }

    pub(crate) fn on_ail<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        on_resource(&ai::AIL, segment, scene, cx);
    }

    pub(crate) fn on_aip<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        on_resource(&ai::AIP, segment, scene, cx);
    }

    /// The patient comes, too.
    pub(crate) fn join(scene: &mut Scene) {
        let patient = scene.subject();
        let Some(open) = &mut scene.booking.appointment else {
            return;
        };
        if let Some(request) = &mut scene.booking.request
            && request.resource.subject.is_none()
        {
            request.resource.subject.clone_from(&patient);
        }
        open.resource.participant.push(AppointmentParticipant {
            actor: patient,
            ..AppointmentParticipant::default()
        });
    }

    /// The visit that the appointment is for.
    pub(crate) fn visit(scene: &mut Scene) {
        let Some(booked) = scene.booking.appointment.as_ref().map(Open::reference) else {
            return;
        };
        if let Some(visit) = &mut scene.encounter {
            visit.resource.appointment.push(booked);
        }
    }

    pub(crate) fn on_nte<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
        let Some(open) = &mut scene.booking.appointment else {
            return on_other(segment, scene, cx);
        };
        let mut note = Annotation::default();
        nte::NTE.read(segment, &mut note, cx);
        let place = &scene.booking.commented;
        if note.text.is_none() {
            return;
        }
        if place != HEAD {
            note.extension.push(keep::mark(place.clone()));
        }
        open.resource.extension.push(Extension {
            url: Some(Text::const_new(NOTE)),
            value_annotation: Some(Box::new(note)),
            ..Extension::default()
        });
    }

    /// Puts the appointment into the Bundle.
    pub(crate) fn close(self, cx: &mut Context<'_>) {
        if let Some(mut open) = self.request {
            orc::complete(&mut open.resource);
            open.close(cx);
        }
        if let Some(mut open) = self.appointment {
            sch::complete(&mut open.resource, cx);
            open.close(cx);
        }
    }
}

fn on_resource<'a>(
    map: &'static SegmentMap<AppointmentParticipant>,
    segment: Segment<'a>,
    scene: &mut Scene,
    cx: &mut Context<'a>,
) {
    let Some(open) = &mut scene.booking.appointment else {
        return on_other(segment, scene, cx);
    };
    let appointment = &mut open.resource;
    let mut participant = AppointmentParticipant::default();
    map.read(segment, &mut participant, cx);
    if scene.booking.groups > 1 {
        participant
            .extension
            .push(keep::mark(format!("RGS[{}]", scene.booking.groups)));
    }
    if map.segment == "AIS" {
        let service = ai::service(&participant, cx);
        if let (Some(request), Some(service)) = (&mut scene.booking.request, &service)
            && request.resource.code.is_none()
        {
            request.resource.code = Some(service.clone());
        }
        appointment
            .service_type
            .extend(service.filter(|one| !appointment.service_type.contains(one)));
    }
    sch::start_from(appointment, &participant);
    appointment.participant.push(participant);
    let occurrence = segment.occurrence();
    scene.booking.commented = Text::from(format!("{}[{occurrence}]", map.segment));
    scene.commented = Commented::Appointment;
}
