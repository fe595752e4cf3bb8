//! Medicines: ORC, RXO, RXE, RXD, RXA with their routes, components, times, notes and observations.
//!
//! Which resource an ORC is about hangs on what follows it, so the groups are looked over once, before they are
//! read. An order that the pharmacy encodes is two requests, the second based on the first; what is dispensed or
//! given refers to the request before it.

use fhir::{Annotation, Immunization, MedicationAdministrationDosage, MedicationIngredient, Reference, Text};
use hl7v2::{Message, Segment};
use uuid::Uuid;

use super::order::Order;
use super::scene::{Commented, Scene, on_other};
use crate::context::Context;
use crate::entries::{Ticket, reference};
use crate::segment::medicine::{Given, Medicine as _, Prescription, Supply, orc, timing};
use crate::segment::{nte, rxa, rxc, rxd, rxe, rxo, rxr, vaccine};

/// What an ORC is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No medicine.
    #[default]
    Service,
    Order,
    Supply,
    Given,
    Vaccine,
}

/// What the open group builds.
#[derive(Default)]
enum Part {
    #[default]
    Nothing,
    Order(Box<Prescription>),
    Supply(Box<Supply>),
    Given(Box<Given>),
    Vaccine(Box<Immunization>),
}

/// The medicine that is open.
#[derive(Default)]
pub(crate) struct Medicine {
    kinds: Vec<Kind>,
    part: Part,
    place: Option<(Ticket, Uuid)>,
    /// RXO, RXE, RXD or RXA has described it.
    described: bool,
    /// The request that what follows carries out.
    prescribed: Option<Reference>,
    /// The number the group is known by.
    number: String,
    /// What the observations behind a vaccination say of it.
    facts: vaccine::Facts,
}

/// What each ORC of the message is about.
pub(crate) fn kinds(message: &Message<'_>) -> Vec<Kind> {
    let vaccinates = message.header().message_code() == "VXU";
    let mut kinds = Vec::new();
    for segment in message.segments() {
        let found = match segment.id().as_bytes() {
            b"ORC" => {
                kinds.push(Kind::Service);
                continue;
            }
            b"RXO" | b"RXE" => Kind::Order,
            b"RXD" => Kind::Supply,
            b"RXA" if vaccinates => Kind::Vaccine,
            b"RXA" => Kind::Given,
            _ => continue,
        };
        if let Some(last) = kinds.last_mut().filter(|last| **last == Kind::Service) {
            *last = found;
        }
    }
    kinds
}

impl Medicine {
    pub(crate) fn new(message: &Message<'_>) -> Self {
        Self {
            kinds: kinds(message),
            ..Self::default()
        }
    }

    /// What this ORC is about.
    pub(crate) fn kind(&self, orc: Segment<'_>) -> Kind {
        let index = usize::from(orc.occurrence()).saturating_sub(1);
        self.kinds.get(index).copied().unwrap_or_default()
    }

    fn is_open(&self) -> bool {
        !matches!(self.part, Part::Nothing)
    }

    fn reference(&self) -> Option<Reference> {
        self.place.map(|(_, id)| reference(id))
    }

    /// Forgets the group; the kinds of the ORCs stay known.
    fn leave(&mut self) {
        self.prescribed = None;
        self.number.clear();
        self.described = false;
    }
}

/// ORC of a medicine: the order, or what carries it out, begins.
pub(crate) fn on_orc<'a>(segment: Segment<'a>, kind: Kind, scene: &mut Scene, cx: &mut Context<'a>) {
    scene.close_order(cx);
    let part = match kind {
        Kind::Service => return,
        Kind::Order => {
            let mut order = Box::<Prescription>::default();
            orc::REQUEST.read(segment, &mut order, cx);
            Part::Order(order)
        }
        Kind::Supply => {
            let mut supply = Box::<Supply>::default();
            orc::DISPENSE.read(segment, &mut supply, cx);
            Part::Supply(supply)
        }
        Kind::Given => {
            let mut given = Box::<Given>::default();
            orc::ADMINISTRATION.read(segment, &mut given, cx);
            Part::Given(given)
        }
        Kind::Vaccine => {
            let mut one = Box::<Immunization>::default();
            orc::IMMUNIZATION.read(segment, &mut one, cx);
            Part::Vaccine(one)
        }
    };
    let numbers = match &part {
        Part::Order(order) => &order.request.identifier,
        Part::Supply(supply) => &supply.dispense.identifier,
        Part::Given(given) => &given.administration.identifier,
        Part::Vaccine(one) => &one.identifier,
        Part::Nothing => return,
    };
    let number = numbers.first().and_then(|one| one.value.as_deref());
    let number = number.map_or_else(
        || format!("{}|{}", scene.control_id, segment.occurrence()),
        str::to_owned,
    );
    scene.medicine.number = number;
    scene.open_medicine(part, cx);
}

/// RXO: the order as it was placed.
pub(crate) fn on_rxo<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut order = scene.take_order(cx);
    rxo::RXO.read(segment, &mut order, cx);
    order.request.intent = Some(Text::const_new("original-order"));
    scene.put_back(Part::Order(order));
}

/// RXE: the order as the pharmacy encoded it.
pub(crate) fn on_rxe<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let mut order = scene.take_order(cx);
    rxe::RXE.read(segment, &mut order, cx);
    let encoded = !order.request.based_on.is_empty();
    order.request.intent = Some(Text::const_new(if encoded { "filler-order" } else { "order" }));
    scene.put_back(Part::Order(order));
}

/// RXD: what was supplied.
pub(crate) fn on_rxd<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let fresh = scene.medicine.described || !matches!(scene.medicine.part, Part::Supply(_));
    if fresh {
        scene.close_medicine(cx);
        let mut supply = Box::<Supply>::default();
        supply
            .dispense
            .authorizing_prescription
            .extend(scene.medicine.prescribed.clone());
        scene.open_medicine(Part::Supply(supply), cx);
    }
    if let Part::Supply(mut supply) = std::mem::take(&mut scene.medicine.part) {
        rxd::RXD.read(segment, &mut supply, cx);
        scene.put_back(Part::Supply(supply));
    }
}

/// RXA: what was given.
pub(crate) fn on_rxa<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let vaccine = scene.code == "VXU";
    let fits = match &scene.medicine.part {
        Part::Vaccine(_) => vaccine,
        Part::Given(_) => !vaccine,
        _ => false,
    };
    if !fits || scene.medicine.described {
        scene.close_medicine(cx);
        let part = if vaccine {
            Part::Vaccine(Box::default())
        } else {
            let mut given = Box::<Given>::default();
            given
                .administration
                .request
                .clone_from(&scene.medicine.prescribed);
            Part::Given(given)
        };
        scene.open_medicine(part, cx);
    }
    let mut part = std::mem::take(&mut scene.medicine.part);
    match &mut part {
        Part::Vaccine(one) => rxa::IMMUNIZATION.read(segment, one, cx),
        Part::Given(given) => rxa::ADMINISTRATION.read(segment, given, cx),
        Part::Nothing | Part::Order(_) | Part::Supply(_) => {}
    }
    scene.put_back(part);
}

/// RXR: by which way, and where.
pub(crate) fn on_rxr<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    match &mut scene.medicine.part {
        Part::Vaccine(one) if one.route.is_none() && one.site.is_none() => {
            rxr::IMMUNIZATION.read(segment, one, cx);
        }
        Part::Order(order) => {
            if order.dosage.route.is_none() && order.dosage.site.is_none() {
                rxr::DOSAGE.read(segment, &mut order.dosage, cx);
            } else {
                let mut other = fhir::Dosage::default();
                rxr::DOSAGE.read(segment, &mut other, cx);
                order.request.dosage_instruction.push(other);
            }
        }
        Part::Supply(supply) => {
            if supply.dosage.route.is_none() && supply.dosage.site.is_none() {
                rxr::DOSAGE.read(segment, &mut supply.dosage, cx);
            } else {
                let mut other = fhir::Dosage::default();
                rxr::DOSAGE.read(segment, &mut other, cx);
                supply.dispense.dosage_instruction.push(other);
            }
        }
        Part::Given(given) => {
            let dosage = given
                .administration
                .dosage
                .get_or_insert_with(MedicationAdministrationDosage::default);
            if dosage.route.is_some() || dosage.site.is_some() {
                return on_other(segment, scene, cx);
            }
            rxr::ADMINISTRATION.read(segment, dosage, cx);
        }
        Part::Vaccine(_) | Part::Nothing => on_other(segment, scene, cx),
    }
}

/// RXC: an ingredient.
pub(crate) fn on_rxc<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let medication = match &mut scene.medicine.part {
        Part::Order(order) => order.medication_mut(),
        Part::Supply(supply) => supply.medication_mut(),
        Part::Given(given) => given.medication_mut(),
        Part::Vaccine(_) | Part::Nothing => return on_other(segment, scene, cx),
    };
    let mut ingredient = MedicationIngredient::default();
    rxc::RXC.read(segment, &mut ingredient, cx);
    rxc::complete(&mut ingredient);
    medication.ingredient.push(ingredient);
}

/// TQ1 of a medicine: when. True when there was a request that it could belong to.
pub(crate) fn on_tq1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) -> bool {
    let Part::Order(order) = &mut scene.medicine.part else {
        return false;
    };
    if order.dosage.timing.is_none() && order.timed.is_none() {
        timing::TQ1.read(segment, order, cx);
    } else {
        let mut other = Prescription::default();
        timing::TQ1.read(segment, &mut other, cx);
        order.add_timing(other);
    }
    true
}

/// NTE behind a medicine. True when there was one.
pub(crate) fn on_nte<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) -> bool {
    let notes = match &mut scene.medicine.part {
        Part::Order(order) => &mut order.request.note,
        Part::Supply(supply) => &mut supply.dispense.note,
        Part::Given(given) => &mut given.administration.note,
        Part::Vaccine(one) => &mut one.note,
        Part::Nothing => return false,
    };
    let mut note = Annotation::default();
    nte::NTE.read(segment, &mut note, cx);
    if note.text.is_some() {
        notes.push(note);
    }
    true
}

/// OBX: an observation behind a medicine tells of it.
pub(crate) fn on_obx<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    Order::on_obx(segment, scene, cx);
    let Some(medicine) = scene.medicine.reference().filter(|_| scene.medicine.is_open()) else {
        return;
    };
    let Some(open) = &mut scene.order.observation else {
        return;
    };
    match &mut scene.medicine.part {
        Part::Order(order) => order.request.supporting_information.push(open.reference()),
        Part::Vaccine(one) => {
            open.resource.part_of.push(medicine);
            let sub = segment.field(4).text();
            scene
                .medicine
                .facts
                .learn(&open.resource, &sub, open.reference(), one);
        }
        Part::Supply(_) | Part::Given(_) => open.resource.part_of.push(medicine),
        Part::Nothing => {}
    }
}

/// Takes somebody into what is open, when their role has an element there.
pub(crate) fn take_part(scene: &mut Scene, who: &Reference, code: &str) -> bool {
    let function = match code {
        "OP" => rxa::function("OP", "Ordering Provider"),
        "AP" => rxa::function("AP", "Administering Provider"),
        _ => return false,
    };
    match &mut scene.medicine.part {
        Part::Vaccine(one) => one.performer.push(fhir::ImmunizationPerformer {
            function: Some(function),
            actor: Some(who.clone()),
            ..fhir::ImmunizationPerformer::default()
        }),
        Part::Given(given) => {
            let performer = fhir::MedicationAdministrationPerformer {
                function: Some(function),
                actor: Some(who.clone()),
                ..fhir::MedicationAdministrationPerformer::default()
            };
            given.administration.performer.push(performer);
        }
        Part::Order(order) if code == "OP" && order.request.requester.is_none() => {
            order.request.requester = Some(who.clone());
        }
        _ => return false,
    }
    true
}

impl Scene {
    /// The open order, when nothing has described it yet, or a new one: based on the one before it in the group.
    fn take_order(&mut self, cx: &mut Context<'_>) -> Box<Prescription> {
        let fresh = self.medicine.described || !matches!(self.medicine.part, Part::Order(_));
        if fresh {
            self.close_medicine(cx);
            let mut order = Box::<Prescription>::default();
            order.request.based_on.extend(self.medicine.prescribed.clone());
            self.open_medicine(Part::Order(order), cx);
        }
        match std::mem::take(&mut self.medicine.part) {
            Part::Order(order) => order,
            _ => Box::default(),
        }
    }

    fn put_back(&mut self, part: Part) {
        self.medicine.part = part;
        self.medicine.described = true;
        self.commented = Commented::Medicine;
    }

    fn open_medicine(&mut self, mut part: Part, cx: &mut Context<'_>) {
        let (subject, visit) = (self.subject(), self.visit());
        let kind = match &mut part {
            Part::Nothing => return,
            Part::Order(order) => {
                order.request.subject = subject;
                order.request.encounter = visit;
                "MedicationRequest"
            }
            Part::Supply(supply) => {
                supply.dispense.subject = subject;
                supply.dispense.context = visit;
                "MedicationDispense"
            }
            Part::Given(given) => {
                given.administration.subject = subject;
                given.administration.context = visit;
                "MedicationAdministration"
            }
            Part::Vaccine(one) => {
                one.patient = subject;
                one.encounter = visit.filter(|_| cx.settings.vaccination_visit);
                "Immunization"
            }
        };
        let number = match self.medicine.number.as_str() {
            "" => self.control_id.clone(),
            number => number.to_owned(),
        };
        let id = cx.entries.unique_id(kind, &[&self.patient_key(), &number]);
        self.medicine.place = Some((cx.entries.reserve(id), id));
        self.medicine.part = part;
        self.medicine.described = false;
        self.focus.push(reference(id));
        self.commented = Commented::Medicine;
    }

    /// Puts what is open into the Bundle; the group goes on.
    fn close_medicine(&mut self, cx: &mut Context<'_>) {
        if let Some(open) = self.order.observation.take() {
            open.close(cx);
        }
        let Some((ticket, id)) = self.medicine.place.take() else {
            return;
        };
        let key = id.to_string();
        let key: &[&str] = &[&key];
        match std::mem::take(&mut self.medicine.part) {
            Part::Nothing => {}
            Part::Order(order) => {
                self.medicine.prescribed = Some(reference(id));
                let done = fhir::Resource::MedicationRequest(order.finish(key, cx));
                cx.entries.fill(ticket, done);
            }
            Part::Supply(supply) => {
                let done = fhir::Resource::MedicationDispense(supply.finish(key, cx));
                cx.entries.fill(ticket, done);
            }
            Part::Given(given) => {
                let done = fhir::Resource::MedicationAdministration(given.finish(key, cx));
                cx.entries.fill(ticket, done);
            }
            Part::Vaccine(mut one) => {
                rxa::complete(&mut one);
                std::mem::take(&mut self.medicine.facts).tell(&mut one);
                cx.entries.fill(ticket, fhir::Resource::Immunization(one));
            }
        }
    }

    /// The group of the ORC is over.
    pub(crate) fn close_medicines(&mut self, cx: &mut Context<'_>) {
        if self.medicine.is_open() {
            self.close_medicine(cx);
        }
        self.medicine.leave();
    }
}
