//! A Bundle's resources as the segments of one message, in the order the structures ask for.
//!
//! The rows write; this page decides only what stands where. It serves Bundles that we made and Bundles that
//! others made: what a Bundle does not say (an event, a version) takes a named default.

mod booking;
mod cover;
mod document;
mod medicine;
mod problem;
mod reply;

use fhir::{
    Account, AllergyIntolerance, Appointment, ChargeItem, Condition, DiagnosticReport, Encounter,
    EncounterDiagnosis, EncounterParticipant, Immunization, Location, MedicationAdministration,
    MedicationDispense, MedicationRequest, MessageHeader, Observation, Patient, PatientLink, Procedure,
    Provenance, Reference, ServiceRequest, Specimen, Text,
};

use crate::back::{Back, SegmentWriter, foreign};
use crate::keep;
use crate::segment::{
    al1, dg1, evn, ft1, iam, mrg, msa, msh, nk1, npu, nte, obr, obx, orc, pd1, pid, pr1, prb, pv1, pv2, rf1,
    rol, spm, tq1,
};

/// The version a message gets when its Bundle names none.
const VERSION: &str = "2.5.1";
/// The processing id a message gets when its Bundle names none: production.
const PROCESSING: &str = "P";

/// Writes the segments of one message; empty when no resource has a segment.
pub(crate) fn segments(back: &Back<'_>) -> Vec<SegmentWriter> {
    let mut out = Out {
        back,
        segments: Vec::with_capacity(16),
        event: event(back),
    };
    out.header();
    out.referrals();
    let ahead = out.segments.len();
    let patients: Vec<&Patient> = back
        .all::<Patient>()
        .filter(|patient| !mrg::is_retired(patient) && !out.is_moved_from(patient))
        .collect();
    if patients.is_empty() {
        out.patient_parts(None);
    }
    if out.event == "A20" {
        out.bed();
    }
    let appointment = back.first::<Appointment>().filter(|_| out.is_schedule());
    if let Some(appointment) = appointment {
        out.appointment(appointment);
    }
    for patient in patients {
        out.patient(patient);
        out.patient_parts(Some(patient));
    }
    if let Some(appointment) = appointment {
        out.resources(appointment);
    }
    if out.segments.len() == ahead && !out.says_enough() {
        return Vec::new();
    }
    out.kept();
    out.segments
}

/// The trigger event: the MessageHeader's, else one that fits what the Bundle holds.
fn event(back: &Back<'_>) -> String {
    let header = back
        .first::<MessageHeader>()
        .and_then(|header| header.event_coding.as_ref());
    if let Some(code) = header
        .and_then(|coding| coding.code.as_deref())
        .filter(|code| *code != "UNK")
    {
        return super::canonical_event(code).to_owned();
    }
    let merged = back.all::<Patient>().any(mrg::is_retired);
    let document = document::first(back);
    let whole = back.bundle.type_.as_deref() == Some("document");
    let code = if let Some(document) = document.filter(|_| whole) {
        document::event(document)
    } else if back.first::<Immunization>().is_some() {
        "V04"
    } else if back.first::<MedicationAdministration>().is_some() {
        "O17"
    } else if back.first::<MedicationDispense>().is_some() {
        "O13"
    } else if back.first::<MedicationRequest>().is_some() {
        "O11"
    } else if back.first::<ChargeItem>().is_some() {
        "P03"
    } else if back.first::<Account>().is_some() {
        "P01"
    } else if back.first::<DiagnosticReport>().is_some() || back.first::<Observation>().is_some() {
        "R01"
    } else if let Some(appointment) = back.first::<Appointment>() {
        match appointment.status.as_deref() {
            Some("cancelled") => "S15",
            Some("entered-in-error") => "S17",
            Some("noshow") => "S26",
            _ => "S12",
        }
    } else if let Some(document) = document {
        document::event(document)
    } else if back.first::<ServiceRequest>().is_some() {
        "O21"
    } else if merged {
        "A40"
    } else if let Some(encounter) = back.first::<Encounter>() {
        match encounter.status.as_deref() {
            Some("planned") => "A05",
            Some("arrived" | "triaged") => "A04",
            Some("finished") => "A03",
            Some("cancelled" | "entered-in-error") => "A11",
            _ => "A08",
        }
    } else {
        "A31"
    };
    code.to_owned()
}

/// The message so far.
pub(super) struct Out<'o, 'b> {
    pub(super) back: &'o Back<'b>,
    pub(super) segments: Vec<SegmentWriter>,
    event: String,
}

impl<'b> Out<'_, 'b> {
    pub(super) fn is_schedule(&self) -> bool {
        super::code_and_structure(&self.event).0 == "SIU"
    }

    fn is_adt(&self) -> bool {
        super::code_and_structure(&self.event).0 == "ADT"
    }

    fn header(&mut self) {
        let mut segment = SegmentWriter::new("MSH");
        let fallback = MessageHeader::default();
        let header = self.back.first::<MessageHeader>().unwrap_or(&fallback);
        msh::HEADER.write(header, &mut segment, self.back);
        msh::BUNDLE.write(self.back.bundle, &mut segment, self.back);
        if !segment.has(9) {
            let (code, structure) = super::code_and_structure(&self.event);
            segment.set_component(9, 1, code);
            segment.set_component(9, 2, self.event.as_str());
            segment.set_component(9, 3, structure);
        }
        if !segment.has(10)
            && let Some(id) = self.back.bundle.id.as_ref().or(header.id.as_ref())
        {
            // MSH-10 has room for twenty characters in older versions.
            segment.set(10, id.chars().filter(|c| *c != '-').take(20).collect::<Text>());
        }
        foreign::control_id(&mut segment, self.back);
        segment.set(11, PROCESSING);
        segment.set(12, VERSION);
        self.segments.push(segment);
        self.reply(header);
        let bills = matches!(super::code_and_structure(&self.event).0, "BAR" | "DFT");
        if !(self.is_adt() || self.is_document() || bills) || msa::answers(header) {
            return;
        }
        let mut segment = SegmentWriter::new("EVN");
        if let Some(provenance) = self.provenance() {
            evn::EVN.write(provenance, &mut segment, self.back);
        }
        segment.set(1, self.event.as_str());
        self.segments.push(segment);
    }

    /// NPU: the place that the message is about.
    fn bed(&mut self) {
        let focus = self
            .back
            .first::<MessageHeader>()
            .map_or(&[][..], |header| &header.focus);
        let place = focus
            .iter()
            .find(|one| self.back.resolve::<Location>(Some(one)).is_some());
        let bed = fhir::EncounterLocation {
            location: place.cloned(),
            ..fhir::EncounterLocation::default()
        };
        let mut segment = SegmentWriter::new("NPU");
        npu::NPU.write(&bed, &mut segment, self.back);
        // NPU-2 says the status; PL.5 need not repeat it.
        segment
            .leaves
            .retain(|leaf| leaf.field != 1 || leaf.component != 5);
        self.push_whole(segment);
    }

    /// True for the one something was moved from: MRG names them.
    fn is_moved_from(&self, patient: &Patient) -> bool {
        if super::other(&self.event) != super::Other::Moved {
            return false;
        }
        let links = self.back.all::<Patient>().flat_map(|one| &one.link);
        links
            .filter(|link| link.type_.as_deref() == Some("seealso"))
            .filter_map(|link| self.back.resolve::<Patient>(link.other_.as_ref()))
            .any(|other| std::ptr::eq(other, patient))
    }

    /// The Provenance of the message: the one about its header, not the one of an order.
    fn provenance(&self) -> Option<&'b Provenance> {
        let of_message = |one: &&Provenance| {
            let mut targets = one.target.iter();
            targets.any(|target| self.back.resolve::<MessageHeader>(Some(target)).is_some())
        };
        let of_order = |one: &&Provenance| {
            let mut targets = one.target.iter();
            targets.any(|target| self.back.resolve::<ServiceRequest>(Some(target)).is_some())
        };
        let mut all = self.back.all::<Provenance>();
        all.find(of_message)
            .or_else(|| self.back.all::<Provenance>().find(|one| !of_order(one)))
    }

    fn patient(&mut self, patient: &'b Patient) {
        let mut segment = SegmentWriter::new("PID");
        pid::PID.write(patient, &mut segment, self.back);
        foreign::fields(&patient.extension, &mut segment, self.back);
        self.stay_number(patient, &mut segment);
        self.push_numbered(segment, 1);
        let mut segment = SegmentWriter::new("PD1");
        pd1::PD1.write(patient, &mut segment, self.back);
        self.push(segment);
        let moves = super::other(&self.event) == super::Other::Moved;
        for link in patient.link.iter().filter(|link| is_in_mrg(link, moves)) {
            let Some(loser) = self.back.resolve::<Patient>(link.other_.as_ref()) else {
                continue;
            };
            let mut segment = SegmentWriter::new("MRG");
            mrg::MRG.write(loser, &mut segment, self.back);
            mrg::KEPT.write(loser, &mut segment, self.back);
            self.visit_numbers(patient, &mut segment);
            // MRG-1 is a number and no set id: alone it says everything.
            if !segment.leaves.is_empty() {
                self.segments.push(segment);
            }
        }
        let mut segment = SegmentWriter::new("MRG");
        let former = mrg::former(patient);
        mrg::MRG.write(&former, &mut segment, self.back);
        mrg::KEPT.write(&former, &mut segment, self.back);
        if !segment.leaves.is_empty() {
            self.visit_numbers(patient, &mut segment);
            self.segments.push(segment);
        }
        let kin = nk1::of_patient(Some(patient), self.back).filter(|one| !cover::pays(one, self.back));
        let kin: Vec<&'b fhir::RelatedPerson> = kin.collect();
        for (number, person) in (1..).zip(kin) {
            let mut segment = SegmentWriter::new("NK1");
            nk1::NK1.write(person, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
    }

    /// PID-18: the number of the patient's visit, which results may know without a resource for the visit.
    fn stay_number(&self, patient: &'b Patient, segment: &mut SegmentWriter) {
        let encounters = self.of(Some(patient), |encounter: &Encounter| encounter.subject.as_ref());
        for encounter in encounters {
            pid::VISIT.write(encounter, segment, self.back);
        }
        for account in self.of(Some(patient), |account: &Account| account.subject.first()) {
            pid::ACCOUNT.write(account, segment, self.back);
        }
        let reports = self.of(Some(patient), |report: &DiagnosticReport| report.subject.as_ref());
        let requests = self.of(Some(patient), |request: &ServiceRequest| request.subject.as_ref());
        let known = reports.iter().filter_map(|report| report.encounter.as_ref());
        let known = known.chain(requests.iter().filter_map(|request| request.encounter.as_ref()));
        let number = known.filter_map(|visit| visit.identifier.as_deref()).next();
        if let Some(number) = number {
            let visit = Encounter {
                identifier: vec![number.clone()],
                ..Encounter::default()
            };
            pid::VISIT.write(&visit, segment, self.back);
        }
    }

    /// The numbers that the patient's visits had before.
    fn visit_numbers(&self, patient: &'b Patient, segment: &mut SegmentWriter) {
        let visits: Vec<&'b Encounter> =
            self.of(Some(patient), |encounter: &Encounter| encounter.subject.as_ref());
        for visit in visits {
            mrg::VISIT.write(visit, segment, self.back);
        }
    }

    fn patient_parts(&mut self, patient: Option<&'b Patient>) {
        let encounters: Vec<&'b Encounter> =
            self.of(patient, |encounter: &Encounter| encounter.subject.as_ref());
        for encounter in &encounters {
            self.encounter(encounter);
        }
        let reports: Vec<&'b DiagnosticReport> =
            self.of(patient, |report: &DiagnosticReport| report.subject.as_ref());
        let requests: Vec<&'b ServiceRequest> =
            self.of(patient, |request: &ServiceRequest| request.subject.as_ref());
        let observations: Vec<&'b Observation> =
            self.of(patient, |observation: &Observation| observation.subject.as_ref());
        let loose = self.loose(&reports, &requests, &observations);
        if self.is_adt() {
            self.observations(&loose);
        }
        self.clinical(patient, &encounters);
        self.cover(patient);
        self.problems(patient);
        self.medicines(patient);
        for report in &reports {
            self.report(report);
        }
        let reported: Vec<&ServiceRequest> = reports
            .iter()
            .flat_map(|report| &report.based_on)
            .filter_map(|one| self.back.resolve(Some(one)))
            .collect();
        let booked = self.booked();
        for request in requests
            .iter()
            .filter(|request| !keep::is_marked(&request.extension, rf1::REFERRAL))
            .filter(|request| {
                let mut known = reported.iter().chain(&booked);
                !known.any(|one| std::ptr::eq(*one, **request))
            })
        {
            self.order(Some(request), None);
        }
        self.documents(patient);
        if !self.is_adt() && !loose.is_empty() {
            // An OBX needs an OBR before it.
            let mut segment = SegmentWriter::new("OBR");
            segment.set(1, "1");
            self.segments.push(segment);
            self.observations(&loose);
        }
    }

    /// The resources of a type that belong to the patient; all of them when the Bundle has one patient or none.
    fn of<R: fhir::ResourceType + 'b>(
        &self,
        patient: Option<&Patient>,
        subject: impl Fn(&R) -> Option<&Reference>,
    ) -> Vec<&'b R> {
        let mine = |resource: &&'b R| {
            let target = self.back.resolve::<Patient>(subject(resource));
            match (target, patient) {
                (Some(target), Some(patient)) => std::ptr::eq(target, patient),
                (Some(_), None) => false,
                // A reference that leads out of the Bundle belongs to whoever is there.
                (None, _) => true,
            }
        };
        self.back.all::<R>().filter(mine).collect()
    }

    /// Observations that neither a report nor a request nor a specimen claims.
    fn loose(
        &self,
        reports: &[&'b DiagnosticReport],
        requests: &[&'b ServiceRequest],
        all: &[&'b Observation],
    ) -> Vec<&'b Observation> {
        let claimed = reports.iter().flat_map(|report| &report.result);
        let claimed = claimed.chain(requests.iter().flat_map(|request| &request.supporting_info));
        let claimed = claimed.filter_map(|one| self.back.resolve(Some(one)));
        let claimed: Vec<&Observation> = claimed.chain(self.findings()).collect();
        let about_specimen = |one: &Observation| {
            one.focus
                .iter()
                .any(|f| self.back.resolve::<Specimen>(Some(f)).is_some())
        };
        let free = |one: &&&'b Observation| {
            !claimed.iter().any(|known| std::ptr::eq(*known, **one))
                && !about_specimen(one)
                && !self.is_of_medicine(one)
        };
        all.iter().filter(free).copied().collect()
    }

    fn encounter(&mut self, encounter: &'b Encounter) {
        let mut segment = SegmentWriter::new("PV1");
        pv1::PV1.write(encounter, &mut segment, self.back);
        segment.set(1, "1");
        // PV1-2 is required; N is "not applicable".
        segment.set(2, "N");
        self.segments.push(segment);
        let mut segment = SegmentWriter::new("PV2");
        pv2::PV2.write(encounter, &mut segment, self.back);
        self.push(segment);
        let apart =
            |one: &&EncounterParticipant| rol::is_role(one) || (self.back.foreign && !pv1::is_named(one));
        for participant in encounter.participant.iter().filter(apart) {
            let mut segment = SegmentWriter::new("ROL");
            rol::ROL.write(participant, &mut segment, self.back);
            self.push(segment);
        }
    }

    fn clinical(&mut self, patient: Option<&'b Patient>, encounters: &[&'b Encounter]) {
        let allergies: Vec<&'b AllergyIntolerance> =
            self.of(patient, |allergy: &AllergyIntolerance| allergy.patient.as_ref());
        let listed = |one: &&AllergyIntolerance| !keep::is_marked(&one.extension, iam::IAM_PLACE);
        for (number, allergy) in (1..).zip(allergies.into_iter().filter(listed)) {
            let mut segment = SegmentWriter::new("AL1");
            al1::AL1.write(allergy, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
        let conditions: Vec<&'b Condition> =
            self.of(patient, |condition: &Condition| condition.subject.as_ref());
        self.reported_allergies(patient);
        let diagnosed = conditions.into_iter().filter(|one| !prb::is_problem(one));
        for (number, condition) in (1..).zip(diagnosed) {
            let mut segment = SegmentWriter::new("DG1");
            dg1::DG1.write(condition, &mut segment, self.back);
            let uses = encounters.iter().flat_map(|encounter| &encounter.diagnosis);
            let own = |one: &&EncounterDiagnosis| {
                let target = self.back.resolve::<Condition>(one.condition.as_ref());
                target.is_some_and(|target| std::ptr::eq(target, condition))
            };
            match uses.into_iter().find(own) {
                Some(diagnosis) => dg1::DIAGNOSIS.write(diagnosis, &mut segment, self.back),
                None => dg1::ALONE.write(condition, &mut segment, self.back),
            }
            self.push_numbered(segment, number);
        }
        let procedures: Vec<&'b Procedure> =
            self.of(patient, |procedure: &Procedure| procedure.subject.as_ref());
        let charged = |one: &&Procedure| !keep::is_marked(&one.extension, ft1::PROCEDURE);
        for (number, procedure) in (1..).zip(procedures.into_iter().filter(charged)) {
            let mut segment = SegmentWriter::new("PR1");
            pr1::PR1.write(procedure, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
    }

    fn report(&mut self, report: &'b DiagnosticReport) {
        let request = report
            .based_on
            .iter()
            .find_map(|one| self.back.resolve::<ServiceRequest>(Some(one)));
        self.order(request, Some(report));
    }

    /// One group: ORC, OBR and its notes, the observations and theirs, the specimens.
    fn order(&mut self, request: Option<&'b ServiceRequest>, report: Option<&'b DiagnosticReport>) {
        let mut orc = SegmentWriter::new("ORC");
        if let Some(request) = request {
            orc::ORC.write(request, &mut orc, self.back);
            if let Some(event) = orc::event_of(request, self.back) {
                orc::EVENT.write(event, &mut orc, self.back);
            }
        }
        if let Some(report) = report {
            // A report of others may be all that knows the numbers.
            orc::write_number(&report.identifier, "PLAC", &mut orc.field(2), self.back);
            orc::write_number(&report.identifier, "FILL", &mut orc.field(3), self.back);
        }
        let own = request.map_or(&[][..], |request| request.extension.as_slice());
        foreign::fields(own, &mut orc, self.back);
        foreign::either_number(report, &mut orc);
        if let Some(request) = request {
            foreign::callback(request, &mut orc.field(14), self.back);
        }
        orc.set(1, if report.is_some() { "RE" } else { "NW" });
        let placed = orc.leaves.clone();
        // OBR says all that is known where no ORC was sent.
        if !request.is_some_and(|request| keep::is_marked(&request.extension, orc::ABSENT)) {
            self.segments.push(orc);
        }

        let mut obr = SegmentWriter::new("OBR");
        if let Some(request) = request
            && !self.is_result()
        {
            self.timing(request);
        }
        obr.set(1, self.next("OBR").to_string());
        if let Some(report) = report {
            obr::REPORT.write(report, &mut obr, self.back);
        }
        if let Some(request) = request {
            obr::REQUEST.write(request, &mut obr, self.back);
            if report.is_none() {
                obr::ORDER.write(request, &mut obr, self.back);
            }
        }
        let specimens = self.specimens(request, report);
        if let Some(first) = specimens.first() {
            obr::SPECIMEN.write(first, &mut obr, self.back);
        }
        foreign::collected(specimens.first().copied(), &mut obr, self.back);
        foreign::fields(own, &mut obr, self.back);
        if let Some(request) = request {
            foreign::callback(request, &mut obr.field(17), self.back);
            foreign::priority(request, &mut obr, self.back);
        }
        for number in [2, 3] {
            // The numbers of ORC are those of OBR; a report of others may say them once.
            if self.back.foreign && !obr.has(number) {
                let leaves = placed.iter().filter(|leaf| leaf.field == number);
                leaves.for_each(|leaf| obr.put(leaf.clone()));
            }
        }
        self.segments.push(obr);
        if let Some(request) = request {
            if self.is_result() {
                self.timing(request);
            }
            let notes = request.note.iter();
            let own = notes.filter(|note| !keep::is_marked(&note.extension, tq1::INSTRUCTION));
            self.notes(own);
        }

        let results = report.map_or_else(
            || request.map_or(&[][..], |request| request.supporting_info.as_slice()),
            |report| report.result.as_slice(),
        );
        let results: Vec<&'b Observation> = results
            .iter()
            .filter_map(|one| self.back.resolve(Some(one)))
            .collect();
        let asked = report
            .and(request)
            .map_or(&[][..], |request| request.supporting_info.as_slice());
        let asked: Vec<&'b Observation> = asked
            .iter()
            .filter_map(|one| self.back.resolve(Some(one)))
            .collect();
        let order = (request, specimens.first().copied());
        self.observations_of(1, order, &results);
        self.questions(results.len() + 1, order, &asked);
        for (number, specimen) in (1..).zip(specimens) {
            let mut segment = SegmentWriter::new("SPM");
            spm::SPM.write(specimen, &mut segment, self.back);
            foreign::specimen_number(specimen, &mut segment, self.back);
            foreign::taken(report, &mut segment, self.back);
            if !keep::is_marked(&specimen.extension, spm::ABSENT) {
                self.push_numbered(segment, number);
            }
            let about = self.back.all::<Observation>().filter(|one| {
                let mut targets = one
                    .focus
                    .iter()
                    .filter_map(|focus| self.back.resolve::<Specimen>(Some(focus)));
                targets.any(|target| std::ptr::eq(target, specimen))
            });
            let about: Vec<&'b Observation> = about.collect();
            self.observations(&about);
        }
    }

    fn specimens(
        &self,
        request: Option<&'b ServiceRequest>,
        report: Option<&'b DiagnosticReport>,
    ) -> Vec<&'b Specimen> {
        let of_report = report.map_or(&[][..], |report| report.specimen.as_slice());
        let of_request = request.map_or(&[][..], |request| request.specimen.as_slice());
        let mut found: Vec<&'b Specimen> = Vec::new();
        for one in of_report.iter().chain(of_request) {
            if let Some(specimen) = self.back.resolve::<Specimen>(Some(one))
                && !found.iter().any(|known| std::ptr::eq(*known, specimen))
            {
                found.push(specimen);
            }
        }
        found
    }

    fn observations(&mut self, observations: &[&'b Observation]) {
        self.observations_from(1, observations);
    }

    fn observations_from(&mut self, first: usize, observations: &[&'b Observation]) {
        self.observations_of(first, (None, None), observations);
    }

    fn observations_of(&mut self, first: usize, order: Told<'_>, observations: &[&'b Observation]) {
        for (number, observation) in (first..).zip(observations) {
            let segment = self.observation(observation, order);
            self.push_numbered(segment, number);
            self.notes(observation.note.iter());
        }
    }

    fn observation(&self, observation: &Observation, (request, specimen): Told<'_>) -> SegmentWriter {
        let mut segment = SegmentWriter::new("OBX");
        if self.back.foreign {
            let whole = foreign::observation(observation, request, specimen, self.back);
            obx::OBX.write(&whole, &mut segment, self.back);
            foreign::fields(&observation.extension, &mut segment, self.back);
        } else {
            obx::OBX.write(observation, &mut segment, self.back);
        }
        segment
    }

    /// What was asked when the order was placed: OBX-29 says so.
    fn questions(&mut self, first: usize, order: Told<'_>, asked: &[&'b Observation]) {
        for (number, observation) in (first..).zip(asked) {
            let mut segment = self.observation(observation, order);
            segment.set(29, "QST");
            self.push_numbered(segment, number);
            self.notes(observation.note.iter());
        }
    }

    /// True for a message of results: its TQ1 stands behind the OBR.
    fn is_result(&self) -> bool {
        self.event.starts_with('R')
    }

    fn timing(&mut self, request: &ServiceRequest) {
        let mut segment = SegmentWriter::new("TQ1");
        tq1::TQ1.write(request, &mut segment, self.back);
        self.push_numbered(segment, 1);
    }

    pub(super) fn notes<'n>(&mut self, notes: impl IntoIterator<Item = &'n fhir::Annotation>) {
        for (number, note) in (1..).zip(notes) {
            let mut segment = SegmentWriter::new("NTE");
            nte::NTE.write(note, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
    }

    /// Segments that travelled as they were stand at the end.
    fn kept(&mut self) {
        let header = self.back.first::<MessageHeader>();
        let extensions = header.iter().flat_map(|header| &header.extension);
        self.segments.extend(extensions.filter_map(keep::write_segment));
    }

    fn next(&self, id: &str) -> usize {
        self.segments.iter().filter(|segment| segment.id == id).count() + 1
    }

    fn push(&mut self, segment: SegmentWriter) {
        if !segment.is_empty() {
            self.segments.push(segment);
        }
    }

    /// For a segment without a set id: anything at all is something.
    fn push_whole(&mut self, segment: SegmentWriter) {
        if !segment.leaves.is_empty() {
            self.segments.push(segment);
        }
    }

    pub(super) fn push_numbered(&mut self, mut segment: SegmentWriter, number: usize) {
        if !segment.is_empty() {
            segment.set(1, number.to_string());
            self.segments.push(segment);
        }
    }
}

/// What an order tells of its results: the request itself and its first specimen.
type Told<'t> = (Option<&'t ServiceRequest>, Option<&'t Specimen>);

/// True for the other person of a merge, or of a move.
fn is_in_mrg(link: &PatientLink, moves: bool) -> bool {
    match link.type_.as_deref() {
        Some("replaces") => true,
        Some("seealso") => moves,
        _ => false,
    }
}
