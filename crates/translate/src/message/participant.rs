//! PRT: people, organisations, places and devices, told to what stands before them.

use fhir::{CareTeam, CareTeamParticipant, Device, EncounterParticipant, PractitionerRole, Reference};
use hl7v2::Segment;

use super::scene::{Open, Scene, on_other};
use crate::context::Context;
use crate::keep;
use crate::segment::prt;

/// Reads a PRT, and lets it travel: its place in the message is nowhere else.
pub(crate) fn on_prt<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_some() {
        let mut role = PractitionerRole::default();
        prt::ROLE.read(segment, &mut role, cx);
        let mut device = Device::default();
        prt::DEVICE.read(segment, &mut device, cx);
        let key = format!("{}|{}", scene.control_id, segment.occurrence());
        let named = role.practitioner.is_some() || role.organization.is_some() || !role.location.is_empty();
        let device = (device != Device::default()).then(|| {
            let id = cx.entries.unique_id("Device", &["participation", &key]);
            cx.entries.push(id, device)
        });
        if named {
            role.extension.push(keep::mark(prt::PARTICIPATION));
            let id = cx.entries.unique_id("PractitionerRole", &["participation", &key]);
            let who = cx.entries.push(id, role.clone());
            scene.take_part(who, role, device, cx);
        } else if let Some(device) = device {
            scene.measured_with(device);
        }
    }
    on_other(segment, scene, cx);
}

impl Scene {
    fn measured_with(&mut self, device: Reference) {
        if let ([b'O', b'B', b'X'], Some(open)) = (self.before, &mut self.order.observation) {
            open.resource.device.get_or_insert(device);
        }
    }

    /// Hangs a participation on what stands before it.
    fn take_part(
        &mut self,
        who: Reference,
        role: PractitionerRole,
        device: Option<Reference>,
        cx: &mut Context<'_>,
    ) {
        let code = prt::code(&role);
        if let Some(device) = device {
            self.measured_with(device);
        }
        match &self.before {
            b"OBX" => {
                if let Some(open) = &mut self.order.observation {
                    open.resource.performer.push(who);
                    return;
                }
            }
            b"PV1" | b"PV2" => {
                if let Some(open) = &mut self.encounter {
                    open.resource.participant.push(EncounterParticipant {
                        extension: vec![keep::mark(prt::PARTICIPATION)],
                        type_: role.code,
                        individual: Some(who),
                        period: role.period,
                        ..EncounterParticipant::default()
                    });
                    return;
                }
            }
            b"ORC" | b"OBR" | b"RXA" | b"RXO" | b"RXE" => {
                let placed =
                    super::medicine::take_part(self, &who, &code) || self.order.take_part(&who, &code);
                if placed {
                    return;
                }
            }
            _ => {
                if let ("PP", Some(open)) = (code.as_str(), &mut self.patient) {
                    open.resource.general_practitioner.push(who);
                    return;
                }
            }
        }
        let subject = self.subject();
        let patient = self.patient_key();
        let team = self.team.get_or_insert_with(|| {
            let id = cx.entries.unique_id("CareTeam", &[&patient]);
            let team = CareTeam {
                subject,
                ..CareTeam::default()
            };
            Open::new(id, Box::new(team), cx)
        });
        team.resource.participant.push(CareTeamParticipant {
            role: role.code,
            member: Some(who),
            period: role.period,
            ..CareTeamParticipant::default()
        });
    }

    /// The patient's team is told.
    pub(crate) fn close_team(&mut self, cx: &mut Context<'_>) {
        if let Some(open) = self.team.take() {
            open.close(cx);
        }
    }
}
