//! Medicines as segments: ORC, RXO or RXE, TQ1, RXR, RXC, RXD, RXA, and what is observed and noted with them.

use fhir::{
    Immunization, Medication, MedicationAdministration, MedicationDispense, MedicationRequest, Observation,
    Patient, Reference,
};

use super::Out;
use crate::back::SegmentWriter;
use crate::segment::medicine::{self, Given, Prescription, Supply, orc, timing};
use crate::segment::{rxa, rxc, rxd, rxe, rxo, rxr};

impl<'b> Out<'_, 'b> {
    /// Every medicine of the patient, an order with what carried it out behind it.
    pub(super) fn medicines(&mut self, patient: Option<&Patient>) {
        let requests: Vec<&'b MedicationRequest> =
            self.of(patient, |request: &MedicationRequest| request.subject.as_ref());
        let supplies: Vec<&'b MedicationDispense> =
            self.of(patient, |supply: &MedicationDispense| supply.subject.as_ref());
        let doses: Vec<&'b MedicationAdministration> =
            self.of(patient, |given: &MedicationAdministration| given.subject.as_ref());
        let vaccines: Vec<&'b Immunization> = self.of(patient, |one: &Immunization| one.patient.as_ref());
        for request in &requests {
            if self.placed(&request.based_on).is_none() {
                self.medicine_order(request, &requests, &supplies, &doses);
            }
        }
        for supply in &supplies {
            if self.placed(&supply.authorizing_prescription).is_none() {
                let mut segment = SegmentWriter::new("ORC");
                orc::DISPENSE.write(&Supply::of(supply, self.back), &mut segment, self.back);
                segment.set(1, "RE");
                self.segments.push(segment);
                self.supply(supply);
            }
        }
        for given in &doses {
            if self.placed(given.request.as_slice()).is_none() {
                let mut segment = SegmentWriter::new("ORC");
                orc::ADMINISTRATION.write(&Given::of(given, self.back), &mut segment, self.back);
                segment.set(1, "RE");
                self.segments.push(segment);
                self.given(given);
            }
        }
        for one in vaccines {
            self.vaccine(one);
        }
    }

    /// The request of the Bundle among these references.
    fn placed(&self, list: &[Reference]) -> Option<&'b MedicationRequest> {
        list.iter()
            .find_map(|one| self.back.resolve::<MedicationRequest>(Some(one)))
    }

    fn medicine_order(
        &mut self,
        request: &'b MedicationRequest,
        requests: &[&'b MedicationRequest],
        supplies: &[&'b MedicationDispense],
        doses: &[&'b MedicationAdministration],
    ) {
        let mut segment = SegmentWriter::new("ORC");
        orc::REQUEST.write(&Prescription::of(request, self.back), &mut segment, self.back);
        segment.set(1, "NW");
        self.segments.push(segment);
        self.prescription(request);
        let mut family = vec![request];
        for other in requests {
            let of = self.placed(&other.based_on);
            if of.is_some_and(|of| std::ptr::eq(of, request)) {
                self.prescription(other);
                family.push(other);
            }
        }
        let ours = |found: Option<&'b MedicationRequest>| {
            found.is_some_and(|found| family.iter().any(|one| std::ptr::eq(*one, found)))
        };
        for supply in supplies {
            if ours(self.placed(&supply.authorizing_prescription)) {
                self.supply(supply);
            }
        }
        for given in doses {
            if ours(self.placed(given.request.as_slice())) {
                self.given(given);
            }
        }
    }

    /// RXO for what was placed, RXE for what the pharmacy encoded, with times, routes and ingredients.
    fn prescription(&mut self, request: &'b MedicationRequest) {
        let order = Prescription::of(request, self.back);
        let placed = match request.intent.as_deref() {
            Some("original-order") => true,
            Some("filler-order") => false,
            _ => matches!(self.event.as_str(), "O09" | "O01"),
        };
        let mut own = SegmentWriter::new(if placed { "RXO" } else { "RXE" });
        if placed {
            rxo::RXO.write(&order, &mut own, self.back);
        } else {
            rxe::RXE.write(&order, &mut own, self.back);
        }
        // In the structures TQ1 stands before RXO and behind RXE.
        if placed {
            self.times(request);
        }
        self.segments.push(own);
        self.notes(&request.note);
        if !placed {
            self.times(request);
        }
        for dosage in &request.dosage_instruction {
            let mut segment = SegmentWriter::new("RXR");
            rxr::DOSAGE.write(dosage, &mut segment, self.back);
            self.push_whole(segment);
        }
        self.ingredients(&order.medication);
        let told: Vec<&'b Observation> = request
            .supporting_information
            .iter()
            .filter_map(|one| self.back.resolve(Some(one)))
            .collect();
        self.observations(&told);
    }

    fn times(&mut self, request: &'b MedicationRequest) {
        let mut number = 0;
        for (index, dosage) in request.dosage_instruction.iter().enumerate() {
            let order = if index == 0 {
                Prescription::of(request, self.back)
            } else {
                Prescription::of_dosage(dosage, self.back)
            };
            let mut segment = SegmentWriter::new("TQ1");
            timing::TQ1.write(&order, &mut segment, self.back);
            if !segment.is_empty() {
                number += 1;
                segment.set(1, number.to_string());
                self.segments.push(segment);
            }
        }
    }

    fn ingredients(&mut self, medication: &Medication) {
        for ingredient in medicine::components(medication) {
            let mut segment = SegmentWriter::new("RXC");
            rxc::RXC.write(ingredient, &mut segment, self.back);
            self.segments.push(segment);
        }
    }

    fn supply(&mut self, supply: &'b MedicationDispense) {
        let own = Supply::of(supply, self.back);
        let mut segment = SegmentWriter::new("RXD");
        rxd::RXD.write(&own, &mut segment, self.back);
        segment.set(1, "1");
        self.segments.push(segment);
        let notes: Vec<fhir::Annotation> = supply
            .note
            .iter()
            .filter(|note| !crate::keep::is_marked(&note.extension, "RXD-9"))
            .cloned()
            .collect();
        self.notes(&notes);
        for dosage in &supply.dosage_instruction {
            let mut segment = SegmentWriter::new("RXR");
            rxr::DOSAGE.write(dosage, &mut segment, self.back);
            self.push_whole(segment);
        }
        self.ingredients(&own.medication);
        let told = self.told(|one| self.back.resolve::<MedicationDispense>(Some(one)), supply);
        self.observations(&told);
    }

    fn given(&mut self, given: &'b MedicationAdministration) {
        let own = Given::of(given, self.back);
        let mut segment = SegmentWriter::new("RXA");
        rxa::ADMINISTRATION.write(&own, &mut segment, self.back);
        self.segments.push(segment);
        self.notes(&given.note);
        if let Some(dosage) = &given.dosage {
            let mut segment = SegmentWriter::new("RXR");
            rxr::ADMINISTRATION.write(dosage, &mut segment, self.back);
            self.push_whole(segment);
        }
        self.ingredients(&own.medication);
        let told = self.told(
            |one| self.back.resolve::<MedicationAdministration>(Some(one)),
            given,
        );
        self.observations(&told);
    }

    fn vaccine(&mut self, one: &'b Immunization) {
        let mut segment = SegmentWriter::new("ORC");
        orc::IMMUNIZATION.write(one, &mut segment, self.back);
        segment.set(1, "RE");
        self.segments.push(segment);
        let mut segment = SegmentWriter::new("RXA");
        rxa::IMMUNIZATION.write(one, &mut segment, self.back);
        // Both are required: the first of its kind, not to be counted.
        segment.set(1, "0");
        segment.set(2, "1");
        self.segments.push(segment);
        self.notes(&one.note);
        let mut segment = SegmentWriter::new("RXR");
        rxr::IMMUNIZATION.write(one, &mut segment, self.back);
        self.push_whole(segment);
        let told = self.told(|refers| self.back.resolve::<Immunization>(Some(refers)), one);
        self.observations(&told);
    }

    /// What was observed with it.
    fn told<R: 'b>(&self, resolve: impl Fn(&Reference) -> Option<&'b R>, one: &R) -> Vec<&'b Observation> {
        let of = |observation: &&'b Observation| {
            let mut parts = observation.part_of.iter().filter_map(&resolve);
            parts.any(|part| std::ptr::eq(part, one))
        };
        self.back.all::<Observation>().filter(of).collect()
    }

    /// True for an observation that a medicine's segments write.
    pub(super) fn is_of_medicine(&self, observation: &'b Observation) -> bool {
        let part = |one: &Reference| {
            let one = Some(one);
            self.back.resolve::<Immunization>(one).is_some()
                || self.back.resolve::<MedicationAdministration>(one).is_some()
                || self.back.resolve::<MedicationDispense>(one).is_some()
        };
        observation.part_of.iter().any(part)
            || self.back.all::<MedicationRequest>().any(|request| {
                let mut told = request.supporting_information.iter();
                told.any(|one| {
                    let found = self.back.resolve::<Observation>(Some(one));
                    found.is_some_and(|found| std::ptr::eq(found, observation))
                })
            })
    }
}
