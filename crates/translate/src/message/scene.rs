//! The resources that are open while a message is read, and the pass that opens and closes them.

mod clinical;

use fhir::{
    Annotation, Bundle, CareTeam, Encounter, EncounterParticipant, Extension, MessageHeader, Patient,
    Provenance, Reference, RelatedPerson, Text,
};
use hl7v2::{Message, Segment};
use uuid::Uuid;

use super::booking::Booking;
use super::cover::{self, Cover};
use super::document::Document;
use super::medicine::{self, Kind, Medicine};
use super::order::Order;
use super::participant;
use super::problem::{self, Problem};
use super::referral::{self, Referral};
use super::reply::{self, Reply};
use crate::context::Context;
use crate::entries::{Boxed, Ticket, reference};
use crate::keep;
use crate::ledger::{Outcome, Rule};
use crate::note::Note;
use crate::segment::{evn, mrg, msh, nk1, npu, nte, pd1, pid, pv1, pv2, rol};
use crate::site::CarriedField;

/// A resource whose segments still come.
pub(crate) struct Open<R> {
    ticket: Ticket,
    pub(crate) id: Uuid,
    pub(crate) resource: Box<R>,
}

impl<R: Boxed> Open<R> {
    pub(crate) fn new(id: Uuid, resource: Box<R>, cx: &mut Context<'_>) -> Self {
        Self {
            ticket: cx.entries.reserve(id),
            id,
            resource,
        }
    }

    pub(crate) fn reference(&self) -> Reference {
        reference(self.id)
    }

    pub(crate) fn close(self, cx: &mut Context<'_>) {
        cx.entries.fill(self.ticket, self.resource.into_resource());
    }
}

/// What an NTE comments on.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Commented {
    /// Nothing that FHIR lets comment on.
    #[default]
    Nothing,
    /// The order of the ORC or OBR before it.
    Order,
    /// The observation of the OBX before it.
    Observation,
    /// The medicine of the ORC, RXO, RXE, RXD or RXA before it.
    Medicine,
    /// The problem or goal of the PRB or GOL before it.
    Problem,
    /// The appointment, or the resource of the AIS, AIG, AIL or AIP before it.
    Appointment,
}

/// What is open.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) header: Box<MessageHeader>,
    pub(crate) bundle: Bundle,
    pub(crate) provenance: Provenance,
    pub(crate) patient: Option<Open<Patient>>,
    pub(crate) encounter: Option<Open<Encounter>>,
    /// The visit by its number alone.
    pub(crate) stay: Option<Reference>,
    pub(crate) order: Order,
    pub(crate) medicine: Medicine,
    pub(crate) cover: Cover,
    pub(crate) problem: Problem,
    pub(crate) referral: Referral,
    pub(crate) reply: Reply,
    pub(crate) team: Option<Open<CareTeam>>,
    /// The segment that a note or a participation belongs to.
    pub(crate) before: [u8; 3],
    /// The numbers that MRG gives the visit that follows.
    former_visit: Option<Encounter>,
    /// The first of two people that an event links.
    linked: Option<Open<Patient>>,
    pub(crate) booking: Booking,
    pub(crate) document: Document,
    pub(crate) commented: Commented,
    /// MSH-9.1.
    pub(crate) code: String,
    pub(crate) control_id: String,
    pub(crate) focus: Vec<Reference>,
}

type Handler = for<'a> fn(Segment<'a>, &mut Scene, &mut Context<'a>);

/// The segments that have a map.
fn handler(id: &[u8; 3]) -> Option<Handler> {
    Some(match id {
        b"MSH" => on_msh,
        b"EVN" => on_evn,
        b"PID" => on_pid,
        b"PD1" => on_pd1,
        b"MRG" => on_mrg,
        b"NK1" => on_nk1,
        b"PV1" => on_pv1,
        b"PV2" => on_pv2,
        b"ROL" => on_rol,
        b"AL1" => clinical::on_al1,
        b"DG1" => clinical::on_dg1,
        b"PR1" => clinical::on_pr1,
        b"NTE" => on_nte,
        b"ORC" => on_orc,
        b"OBR" => Order::on_obr,
        b"OBX" => on_obx,
        b"RXO" => medicine::on_rxo,
        b"RXE" => medicine::on_rxe,
        b"RXD" => medicine::on_rxd,
        b"RXA" => medicine::on_rxa,
        b"RXR" => medicine::on_rxr,
        b"RXC" => medicine::on_rxc,
        b"TQ1" => on_tq1,
        b"IN1" => cover::on_in1,
        b"IN2" => cover::on_in2,
        b"IN3" => cover::on_in3,
        b"GT1" => cover::on_gt1,
        b"FT1" => cover::on_ft1,
        b"IAM" => clinical::on_iam,
        b"SFT" => reply::on_sft,
        b"MSA" => reply::on_msa,
        b"ERR" => reply::on_err,
        b"QPD" => reply::on_qpd,
        b"RCP" => reply::on_rcp,
        b"QAK" => reply::on_qak,
        b"RF1" => referral::on_rf1,
        b"PRD" => referral::on_prd,
        b"PRT" => participant::on_prt,
        b"PRB" => problem::on_prb,
        b"GOL" => problem::on_gol,
        b"SPM" => Order::on_spm,
        b"NPU" => on_npu,
        b"TXA" => Document::on_txa,
        b"SCH" => Booking::on_sch,
        b"RGS" => Booking::on_rgs,
        b"AIS" => Booking::on_ais,
        b"AIG" => Booking::on_aig,
        b"AIL" => Booking::on_ail,
        b"AIP" => Booking::on_aip,
        _ => return None,
    })
}

/// Reads every segment of a message.
pub(crate) fn read<'a>(message: &'a Message<'a>, cx: &mut Context<'a>) -> Scene {
    let header = message.header();
    let mut scene = Scene {
        code: header.message_code().into_owned(),
        control_id: header.control_id().into_owned(),
        medicine: Medicine::new(message),
        ..Scene::default()
    };
    for segment in message.segments() {
        match handler(segment.id().as_bytes()) {
            Some(read) => read(segment, &mut scene, cx),
            None => on_other(segment, &mut scene, cx),
        }
        if !matches!(segment.id().as_bytes(), b"PRT" | b"NTE" | b"ARV") {
            scene.before = *segment.id().as_bytes();
        }
    }
    scene.close_order(cx);
    scene.close_referral(cx);
    scene.close_patient(cx);
    if let Some(only) = scene.linked.take() {
        only.close(cx);
    }
    std::mem::take(&mut scene.booking).close(cx);
    std::mem::take(&mut scene.document).close(cx);
    scene.close_reply(cx);
    scene
}

impl Scene {
    /// The patient of what is being read.
    pub(crate) fn subject(&self) -> Option<Reference> {
        self.patient.as_ref().map(Open::reference)
    }

    /// The visit of what is being read; without PV1 it is known by its number at most.
    pub(crate) fn visit(&self) -> Option<Reference> {
        self.encounter
            .as_ref()
            .map(Open::reference)
            .or_else(|| self.stay.clone())
    }

    /// Takes the number in PID-18 for the visit, where the message has no PV1 that could be it.
    pub(crate) fn know_visit(&mut self, cx: &mut Context<'_>) {
        if self.encounter.is_some() {
            return;
        }
        let Some(pid) = cx.stay.take() else { return };
        let mut encounter = Encounter::default();
        pid::VISIT.read(pid, &mut encounter, cx);
        self.stay = encounter.identifier.pop().map(|number| Reference {
            type_: Some(Text::const_new("Encounter")),
            identifier: Some(Box::new(number)),
            ..Reference::default()
        });
    }

    /// The patient's id as a part of another id.
    pub(crate) fn patient_key(&self) -> String {
        self.patient
            .as_ref()
            .map_or_else(|| self.control_id.clone(), |open| open.id.to_string())
    }

    pub(crate) fn close_order(&mut self, cx: &mut Context<'_>) {
        self.close_medicines(cx);
        let order = std::mem::take(&mut self.order);
        order.close(self, cx);
        self.commented = Commented::Nothing;
    }

    fn close_patient(&mut self, cx: &mut Context<'_>) {
        self.close_cover(cx);
        self.close_problems(cx);
        self.close_team(cx);
        if let Some(mut open) = self.encounter.take() {
            pv1::complete(&mut open.resource, cx);
            open.close(cx);
        }
        self.stay = None;
        if let Some(former) = self.former_visit.take() {
            self.close_former(former, cx);
        }
        let Some(mut open) = self.patient.take() else {
            return;
        };
        if let Some(pid) = cx.stay.take() {
            pid::NO_VISIT.read(pid, &mut open.resource, cx);
        }
        if cx.event == "A29" {
            // The person's record is deleted.
            open.resource.active = Some(false);
        }
        match self.linked.take() {
            None if cx.event == "A24" => self.linked = Some(open),
            Some(mut first) => {
                mrg::see_also(&mut first.resource, open.reference());
                mrg::see_also(&mut open.resource, first.reference());
                first.close(cx);
                open.close(cx);
            }
            None => open.close(cx),
        }
    }

    /// A visit that only MRG names: it has no other number than the one it had.
    fn close_former(&mut self, former: Encounter, cx: &mut Context<'_>) {
        let mut encounter = Encounter {
            subject: self.subject(),
            ..Encounter::default()
        };
        mrg::take_numbers(&mut encounter, former);
        pv1::complete(&mut encounter, cx);
        let number = encounter.identifier.first().and_then(|one| one.value.clone());
        let number = number.unwrap_or_default();
        let id = cx
            .entries
            .unique_id("Encounter", &[&self.patient_key(), "former", &number]);
        cx.entries.push(id, encounter);
    }
}

fn on_msh<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    msh::HEADER.read(segment, &mut scene.header, cx);
    msh::BUNDLE.read(segment, &mut scene.bundle, cx);
}

fn on_evn<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    evn::EVN.read(segment, &mut scene.provenance, cx);
}

fn on_pid<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    scene.close_order(cx);
    scene.close_patient(cx);
    let mut patient = Box::<Patient>::default();
    pid::PID.read(segment, &mut patient, cx);
    let id = pid::id(&patient, cx).unwrap_or_else(|| {
        let text = "the patient has no identifier: its id holds for this message only";
        cx.note(Note::warning(Some(segment.location()), "no-identifier", text));
        cx.entries.unique_id("Patient", &["message", &scene.control_id])
    });
    let open = Open::new(id, patient, cx);
    scene.focus.push(open.reference());
    scene.patient = Some(open);
    cx.stay = segment.field(18).is_valued().then_some(segment);
    Booking::join(scene);
}

fn on_pd1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    match &mut scene.patient {
        Some(open) => pd1::PD1.read(segment, &mut open.resource, cx),
        None => on_other(segment, scene, cx),
    }
}

/// In a merge the loser becomes a Patient of its own; elsewhere MRG holds the patient's former identifiers.
fn on_mrg<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let Some(survivor) = &mut scene.patient else {
        return on_other(segment, scene, cx);
    };
    let mut other = Box::<Patient>::default();
    mrg::MRG.read(segment, &mut other, cx);
    if mrg::is_visit(&cx.event) {
        let mut visit = Encounter::default();
        mrg::VISIT.read(segment, &mut visit, cx);
        scene.former_visit = (!visit.identifier.is_empty()).then_some(visit);
    } else {
        mrg::KEPT.read(segment, &mut other, cx);
    }
    let ids: Vec<Uuid> = other
        .identifier
        .iter()
        .map(|one| pid::identity(one, cx))
        .collect();
    let id = ids.into_iter().find(|id| *id != survivor.id);
    match (super::other(&cx.event), id) {
        (super::Other::Moved, Some(id)) => {
            // The one something is moved from stays who they are.
            let from = Open::new(id, other, cx);
            mrg::see_also(&mut survivor.resource, from.reference());
            from.close(cx);
        }
        (super::Other::Merged, id) => {
            let id = id.unwrap_or_else(|| {
                cx.note(Note::warning(
                    Some(segment.location()),
                    "merge-with-itself",
                    "both sides have the same identifier",
                ));
                cx.entries.unique_id("Patient", &["merged", &scene.control_id])
            });
            mrg::retire(&mut other, survivor.reference());
            let open = Open::new(id, other, cx);
            mrg::survive(&mut survivor.resource, open.reference());
            scene.focus.push(open.reference());
            open.close(cx);
        }
        _ => mrg::take_former(&mut survivor.resource, *other),
    }
}

fn on_nk1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut person = RelatedPerson {
        patient: scene.subject(),
        ..RelatedPerson::default()
    };
    if person.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    nk1::NK1.read(segment, &mut person, cx);
    let [kind, name] = nk1::key(&person);
    let id = cx
        .entries
        .unique_id("RelatedPerson", &[&scene.patient_key(), &kind, &name]);
    cx.entries.push(id, person);
}

fn on_pv1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if pv1::is_placeholder(segment)
        && matches!(
            cx.event.as_str(),
            "A28"
                | "A31"
                | "A40"
                | "A34"
                | "A18"
                | "A24"
                | "A30"
                | "A35"
                | "A36"
                | "A37"
                | "A39"
                | "A41"
                | "A43"
                | "A46"
                | "A47"
                | "A48"
                | "A49"
        )
    {
        let rule = Rule {
            segment: "PV1",
            field: 2,
            resource: "Encounter",
            element: "",
        };
        cx.enter(rule, "");
        for field in segment.fields() {
            let reason = "a placeholder: this event is about the person, not about a visit";
            cx.record_field(field, Outcome::IgnoredByRule, "", reason);
        }
        return;
    }
    if let Some(mut open) = scene.encounter.take() {
        pv1::complete(&mut open.resource, cx);
        open.close(cx);
    }
    let mut encounter = Box::<Encounter>::default();
    pv1::PV1.read(segment, &mut encounter, cx);
    if let Some(former) = scene.former_visit.take() {
        mrg::take_numbers(&mut encounter, former);
    }
    if let Some(pid) = cx.stay.take() {
        pid::VISIT.read(pid, &mut encounter, cx);
    }
    encounter.subject = scene.subject();
    let number = encounter.identifier.first().map(|one| {
        let assigner = one
            .assigner
            .as_ref()
            .and_then(|assigner| assigner.identifier.as_ref()?.value.clone());
        let text = |text: &Option<Text>| text.clone().unwrap_or_default();
        [text(&one.system), assigner.unwrap_or_default(), text(&one.value)]
    });
    let id = match number {
        Some([system, assigner, value]) => cx
            .entries
            .unique_id("Encounter", &[&scene.patient_key(), &system, &assigner, &value]),
        None => {
            let start = encounter
                .period
                .as_ref()
                .and_then(|period| period.start.as_deref().map(str::to_owned));
            let start = start.unwrap_or_else(|| scene.control_id.clone());
            cx.entries
                .unique_id("Encounter", &[&scene.patient_key(), "start", &start])
        }
    };
    let open = Open::new(id, encounter, cx);
    scene.focus.push(open.reference());
    scene.encounter = Some(open);
    Booking::visit(scene);
}

fn on_pv2<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    match &mut scene.encounter {
        Some(open) => pv2::PV2.read(segment, &mut open.resource, cx),
        None => on_other(segment, scene, cx),
    }
}

fn on_rol<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.encounter.is_none() && scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    let mut participant = EncounterParticipant::default();
    rol::ROL.read(segment, &mut participant, cx);
    let primary = rol::is_primary_care(&participant);
    match (&mut scene.encounter, &mut scene.patient) {
        (None, Some(patient)) if primary => {
            let doctor = participant.individual.map(|mut one| {
                rol::mark_reference(&mut one);
                one
            });
            patient.resource.general_practitioner.extend(doctor);
            // Role, period and address have no place there: the segment travels as well.
            on_other(segment, scene, cx);
        }
        (Some(encounter), _) => {
            rol::mark(&mut participant);
            encounter.resource.participant.push(participant);
        }
        // Before PV1 only the general practitioner has a place in FHIR's Patient.
        _ => on_other(segment, scene, cx),
    }
}

/// What follows an ORC says what it is about.
fn on_orc<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    match scene.medicine.kind(segment) {
        Kind::Service => Order::on_orc(segment, scene, cx),
        _ if scene.patient.is_none() => on_other(segment, scene, cx),
        kind => medicine::on_orc(segment, kind, scene, cx),
    }
}

fn on_nte<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let done = match scene.commented {
        Commented::Medicine => medicine::on_nte(segment, scene, cx),
        Commented::Problem => problem::on_nte(segment, scene, cx),
        _ => false,
    };
    if done {
        return;
    }
    let target = match scene.commented {
        Commented::Observation => scene
            .order
            .observation
            .as_mut()
            .map(|open| &mut open.resource.note),
        Commented::Order => scene.order.request.as_mut().map(|open| &mut open.resource.note),
        Commented::Appointment => return Booking::on_nte(segment, scene, cx),
        Commented::Medicine | Commented::Problem | Commented::Nothing => None,
    };
    let Some(notes) = target else {
        return on_other(segment, scene, cx);
    };
    let mut note = Annotation::default();
    nte::NTE.read(segment, &mut note, cx);
    // FHIR has no note without a text.
    if note.text.is_some() {
        notes.push(note);
    }
}

/// The status of a bed: the message is about the place.
fn on_npu<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut bed = fhir::EncounterLocation::default();
    npu::NPU.read(segment, &mut bed, cx);
    scene.focus.extend(bed.location);
}

/// A part of the document, or a finding.
fn on_obx<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if !Document::on_obx(segment, scene, cx) {
        medicine::on_obx(segment, scene, cx);
    }
}

/// The time of the appointment, or the timing of the order.
fn on_tq1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.booking.is_open() {
        Booking::on_tq1(segment, scene, cx);
    } else if !medicine::on_tq1(segment, scene, cx) {
        Order::on_tq1(segment, scene, cx);
    }
}

/// A segment without a map, or without the resource it belongs to, travels on the MessageHeader.
pub(crate) fn on_other<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    cx.enter(Rule::default(), "");
    for carried in &cx.settings.carried {
        carry(carried, segment, scene);
    }
    scene.header.extension.extend(keep::read_segment(segment, cx));
}

/// A field of a Z segment that the site wants to see on the patient or the visit; the segment travels whole as well.
fn carry(carried: &CarriedField, segment: Segment<'_>, scene: &mut Scene) {
    let place = &carried.place;
    if place.segment != segment.id() {
        return;
    }
    let repetition = segment
        .field(usize::from(place.field))
        .repetition(usize::from(place.repetition.max(1)));
    let text = if place.component == 0 {
        repetition.text()
    } else {
        let component = repetition.component(usize::from(place.component));
        component
            .subcomponent(usize::from(place.subcomponent.max(1)))
            .text()
    };
    let extension = Extension {
        url: Some(Text::from(carried.url.as_str())),
        value_string: Some(Text::from(text.trim())),
        ..Extension::default()
    };
    let target = match (carried.of_visit, &mut scene.encounter, &mut scene.patient) {
        (true, Some(open), _) => &mut open.resource.extension,
        (false, _, Some(open)) => &mut open.resource.extension,
        _ => return,
    };
    if !text.trim().is_empty() {
        target.push(extension);
    }
}
