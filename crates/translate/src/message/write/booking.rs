//! The appointment of a Bundle as SCH, and its participants as groups of resources.

use fhir::{Annotation, Appointment, AppointmentParticipant, Extension, ServiceRequest};

use super::Out;
use crate::back::SegmentWriter;
use crate::datatype::concept;
use crate::keep;
use crate::message::booking::NOTE;
use crate::segment::{ai, rgs, sch, tq1};

impl<'b> Out<'_, 'b> {
    /// SCH, its TQ1 and its notes.
    pub(super) fn appointment(&mut self, appointment: &'b Appointment) {
        let mut segment = SegmentWriter::new("SCH");
        sch::SCH.write(appointment, &mut segment, self.back);
        if let Some(request) = self.booked().first() {
            sch::ORDER.write(request, &mut segment, self.back);
        }
        self.segments.push(segment);
        let mut segment = SegmentWriter::new("TQ1");
        tq1::APPOINTMENT.write(appointment, &mut segment, self.back);
        self.push_numbered(segment, 1);
        let notes: Vec<Annotation> = notes_at(appointment, None).cloned().collect();
        if notes.is_empty() {
            self.notes(plain_notes(appointment).iter());
        } else {
            self.notes(notes.iter());
        }
    }

    /// The orders that the appointment is for: SCH numbers them.
    pub(super) fn booked(&self) -> Vec<&'b ServiceRequest> {
        let based = self.back.all::<Appointment>().flat_map(|one| &one.based_on);
        let found: Vec<&'b ServiceRequest> = based.filter_map(|one| self.back.resolve(Some(one))).collect();
        if self.is_schedule() { found } else { Vec::new() }
    }

    /// RGS and the resources of each group.
    pub(super) fn resources(&mut self, appointment: &'b Appointment) {
        let mut groups: Vec<(u16, Vec<(&'static str, &'b AppointmentParticipant)>)> = Vec::new();
        for one in &appointment.participant {
            let Some(segment) = ai::segment_of(one, self.back) else {
                continue;
            };
            let number = group_of(&one.extension);
            match groups.iter_mut().find(|(known, _)| *known == number) {
                Some((_, members)) => members.push((segment, one)),
                None => groups.push((number, vec![(segment, one)])),
            }
        }
        let mut group = SegmentWriter::new("RGS");
        rgs::RGS.write(appointment, &mut group, self.back);
        let services = self.spare_services(appointment);
        if groups.is_empty() && services.is_empty() && group.leaves.is_empty() {
            return;
        }
        group.set(1, "1");
        self.segments.push(group);
        for service in services {
            let mut segment = SegmentWriter::new("AIS");
            concept::put(Some(service), None, &mut segment.field(3), self.back);
            self.numbered(segment, "AIS");
        }
        for (number, members) in groups {
            if number > 1 {
                let mut group = SegmentWriter::new("RGS");
                group.set(1, number.to_string());
                self.segments.push(group);
            }
            for (id, one) in members {
                self.resource(id, one, appointment);
            }
        }
    }

    fn resource(&mut self, id: &'static str, one: &'b AppointmentParticipant, appointment: &'b Appointment) {
        let mut segment = SegmentWriter::new(id);
        let map = match id {
            "AIS" => &ai::AIS,
            "AIG" => &ai::AIG,
            "AIL" => &ai::AIL,
            _ => &ai::AIP,
        };
        map.write(one, &mut segment, self.back);
        self.numbered(segment, id);
        let count = self.segments.iter().filter(|segment| segment.id == id).count();
        let place = format!("{id}[{count}]");
        let notes: Vec<Annotation> = notes_at(appointment, Some(&place)).cloned().collect();
        self.notes(notes.iter());
    }

    /// Numbers a resource within its group.
    fn numbered(&mut self, mut segment: SegmentWriter, id: &str) {
        let group = self
            .segments
            .iter()
            .rposition(|known| known.id == "RGS")
            .unwrap_or(0);
        let before = self
            .segments
            .iter()
            .skip(group)
            .filter(|known| known.id == id)
            .count();
        segment.set(1, (before + 1).to_string());
        self.segments.push(segment);
    }

    /// Services that no participant stands for: a Bundle of others has no HealthcareService.
    fn spare_services(&self, appointment: &'b Appointment) -> Vec<&'b fhir::CodeableConcept> {
        let stands = appointment
            .participant
            .iter()
            .any(|one| ai::segment_of(one, self.back) == Some("AIS"));
        if stands {
            return Vec::new();
        }
        appointment.service_type.iter().collect()
    }
}

/// The number of the group that a participant belongs to.
fn group_of(extensions: &[Extension]) -> u16 {
    let marks = extensions
        .iter()
        .filter(|one| one.url.as_deref() == Some(keep::PLACE));
    let mut numbers = marks.filter_map(|one| {
        let place = one.value_string.as_deref()?.strip_prefix("RGS[")?;
        place.strip_suffix(']')?.parse().ok()
    });
    numbers.next().unwrap_or(1)
}

/// The notes that stood behind a segment; `None` is SCH.
fn notes_at<'a>(
    appointment: &'a Appointment,
    place: Option<&'a str>,
) -> impl Iterator<Item = &'a Annotation> {
    let carried = appointment
        .extension
        .iter()
        .filter(|one| one.url.as_deref() == Some(NOTE));
    let notes = carried.filter_map(|one| one.value_annotation.as_deref());
    notes.filter(move |note| match place {
        Some(place) => keep::is_marked(&note.extension, place),
        None => !note.extension.iter().any(|one| {
            let marked = one.url.as_deref() == Some(keep::PLACE);
            marked
                && one
                    .value_string
                    .as_deref()
                    .is_some_and(|text| text.starts_with("AI"))
        }),
    })
}

/// What R4's own elements say in words, in a Bundle of others.
fn plain_notes(appointment: &Appointment) -> Vec<Annotation> {
    let texts = [
        &appointment.comment,
        &appointment.patient_instruction,
        &appointment.description,
    ];
    let some = texts.into_iter().flatten();
    some.map(|text| Annotation {
        text: Some(text.clone()),
        ..Annotation::default()
    })
    .collect()
}
