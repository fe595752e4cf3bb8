//! Readers and writers that the pharmacy segments share.

use fhir::{
    CodeableConcept, Dosage, Identifier, MedicationRequest, MedicationRequestSubstitution, Organization,
    Quantity, Ratio, Reference, Text,
};
use hl7v2::Field;

use super::{Medicine, Prescription, Supply, strength, strength_of};
use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{address, concept, organization, person, quantity, telecom};
use crate::keep;
use crate::row::cells::{keep_long_unit, keep_rest, put_amount, put_unit, write_rest};
use crate::vocabulary::system;

/// The unit of the least dose is that of the most.
pub(crate) fn read_dose_unit(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let mut unit = Quantity::default();
    quantity::set_unit(&mut unit, field.repetition(1), cx);
    keep_long_unit(field, order, cx);
    for bound in [&mut order.dose.low, &mut order.dose.high].into_iter().flatten() {
        bound.unit.clone_from(&unit.unit);
        bound.code.clone_from(&unit.code);
        bound.system.clone_from(&unit.system);
    }
    if order.dose.low.is_none() && order.dose.high.is_none() && unit != Quantity::default() {
        order.dose.low = Some(unit);
    }
}

pub(crate) fn write_dose_unit(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let bound = order.dose.low.as_ref().or(order.dose.high.as_ref());
    put_unit(bound, order, field, back);
}

/// The instructions but for that of TQ1, which goes back there.
pub(crate) fn write_instructions(dosage: &Dosage, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let own = |one: &&CodeableConcept| !keep::is_marked(&one.extension, "TQ1-10");
    for one in dosage.additional_instruction.iter().filter(own) {
        concept::write(one, None, field.repetition(), back);
    }
}

pub(crate) fn read_substitution(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.substitution;
    if let Some(allowed) = concept::first(field, Some(table), cx) {
        order.request.substitution = Some(MedicationRequestSubstitution {
            allowed_codeable_concept: Some(allowed),
            ..MedicationRequestSubstitution::default()
        });
    }
}

pub(crate) fn write_substitution(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(found) = &order.request.substitution else {
        return;
    };
    match (&found.allowed_codeable_concept, found.allowed_boolean) {
        (Some(allowed), _) => concept::write(
            allowed,
            Some(&back.vocabulary.substitution),
            field.repetition(),
            back,
        ),
        (None, Some(allowed)) => field.set(if allowed { "G" } else { "N" }),
        (None, None) => {}
    }
}

/// The requester of ORC-12 stands; whoever is named here beside them is kept.
pub(crate) fn read_requester(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let found = person::read(field.repetition(1), cx);
    let same = order.request.requester.is_none() || order.request.requester == found;
    if same {
        order.request.requester = found;
        keep_rest(field, order, cx);
        order
            .request
            .extension
            .push(keep::mark(format!("{}-{}", cx.rule.segment, cx.rule.field)));
    } else {
        keep::read_field(field, order, cx);
    }
}

pub(crate) fn write_requester(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let place = field.place();
    if let Some(requester) = &order.request.requester
        && keep::is_marked(&order.request.extension, &place)
    {
        person::write(requester, field.nth(1), back);
    }
}

/// One side of the strength: true for the amount of medicine, false for the volume it is in.
fn read_side<M: Medicine>(
    field: Field<'_>,
    one: &mut M,
    cx: &mut Context<'_>,
    side: fn(&mut Ratio) -> &mut Quantity,
) {
    match quantity::decimal(field, cx, "") {
        Some(value) => side(strength(one.medication_mut())).value = Some(value),
        None => keep::read_field(field, one, cx),
    }
}

fn read_side_unit<M: Medicine>(
    field: Field<'_>,
    one: &mut M,
    cx: &mut Context<'_>,
    side: fn(&mut Ratio) -> &mut Quantity,
) {
    quantity::set_unit(side(strength(one.medication_mut())), field.repetition(1), cx);
    keep_long_unit(field, one, cx);
}

fn numerator(ratio: &mut Ratio) -> &mut Quantity {
    ratio.numerator.get_or_insert_default()
}

fn denominator(ratio: &mut Ratio) -> &mut Quantity {
    ratio.denominator.get_or_insert_default()
}

pub(crate) fn read_strength<M: Medicine>(field: Field<'_>, one: &mut M, cx: &mut Context<'_>) {
    read_side(field, one, cx, numerator);
}

pub(crate) fn write_strength<M: Medicine>(one: &M, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = strength_of(one.medication()).and_then(|ratio| ratio.numerator.as_ref());
    put_amount(found, one, field, back);
}

pub(crate) fn read_strength_unit<M: Medicine>(field: Field<'_>, one: &mut M, cx: &mut Context<'_>) {
    read_side_unit(field, one, cx, numerator);
}

pub(crate) fn write_strength_unit<M: Medicine>(one: &M, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = strength_of(one.medication()).and_then(|ratio| ratio.numerator.as_ref());
    put_unit(found, one, field, back);
}

pub(crate) fn read_volume<M: Medicine>(field: Field<'_>, one: &mut M, cx: &mut Context<'_>) {
    read_side(field, one, cx, denominator);
}

pub(crate) fn write_volume<M: Medicine>(one: &M, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = strength_of(one.medication()).and_then(|ratio| ratio.denominator.as_ref());
    put_amount(found, one, field, back);
}

pub(crate) fn read_volume_unit<M: Medicine>(field: Field<'_>, one: &mut M, cx: &mut Context<'_>) {
    read_side_unit(field, one, cx, denominator);
}

pub(crate) fn write_volume_unit<M: Medicine>(one: &M, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = strength_of(one.medication()).and_then(|ratio| ratio.denominator.as_ref());
    put_unit(found, one, field, back);
}

/// The most in a day: a ratio to one day.
pub(crate) fn read_daily(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let Some(most) = quantity::read_cq(field.repetition(1), cx) else {
        keep::read_field(field, order, cx);
        return;
    };
    let day = Quantity {
        value: fhir::Decimal::new("1").ok(),
        unit: Some(Text::const_new("d")),
        system: Some(Text::const_new("http://unitsofmeasure.org")),
        code: Some(Text::const_new("d")),
        ..Quantity::default()
    };
    order.dosage.max_dose_per_period = Some(Box::new(Ratio {
        numerator: Some(most),
        denominator: Some(day),
        ..Ratio::default()
    }));
}

pub(crate) fn write_daily(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let found = order.dosage.max_dose_per_period.as_ref();
    if let Some(most) = found.and_then(|ratio| ratio.numerator.as_ref()) {
        quantity::write_cq(most, field.nth(1), back);
    }
}

/// CWE to an Organization: a code of its own, a name.
pub(crate) fn read_maker(field: Field<'_>, cx: &mut Context<'_>) -> Option<Reference> {
    let cwe = field.repetition(1);
    let mut id = Identifier {
        value: cx.take(cwe.component(1), "Organization.identifier.value"),
        ..Identifier::default()
    };
    let mut maker = Organization {
        name: cx.take(cwe.component(2), "Organization.name"),
        ..Organization::default()
    };
    if id.value.is_some() {
        if let Some(name) = cx.take_as(
            cwe.component(3),
            "Organization.identifier.system",
            crate::ledger::Outcome::Transformed,
        ) {
            id.system = Some(system::to_uri(&cx.vocabulary.coding_system, &name));
        }
        maker.identifier.push(id);
    }
    let rest = cwe.components().filter(|part| !part.raw().is_empty());
    for part in rest.filter(|part| part.location().component > 3) {
        let n = part.location().component;
        if n == 9 && maker.name.is_none() {
            maker.name = cx.take(part, "Organization.name");
        } else {
            keep::read_part::<hl7v2::Repetition<'_>>("CWE", n, part, &mut maker.extension, cx);
        }
    }
    if maker.name.is_none() && maker.identifier.is_empty() {
        return None;
    }
    organization::share(maker, cx)
}

pub(crate) fn write_maker(maker: Option<&Reference>, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(maker) = maker else { return };
    let mut to = field.repetition();
    let Some(found) = back.resolve::<Organization>(Some(maker)) else {
        to.optional(2, maker.display.as_ref());
        return;
    };
    if let Some(id) = found.identifier.first() {
        to.optional(1, id.value.as_ref());
        if let Some(uri) = &id.system {
            to.component(3, &system::to_name(&back.vocabulary.coding_system, uri));
        }
    }
    to.optional(2, found.name.as_ref());
    keep::write_parts(&found.extension, "CWE", &mut to);
}

pub(crate) fn read_pharmacy(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    if let Some(found) = read_maker(field, cx) {
        order.request.dispense_request.get_or_insert_default().performer = Some(found);
    }
    keep_rest(field, order, cx);
}

pub(crate) fn write_pharmacy(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    write_maker(pharmacy(&order.request), field, back);
    write_rest(order, field);
}

fn pharmacy(request: &MedicationRequest) -> Option<&Reference> {
    request.dispense_request.as_ref()?.performer.as_ref()
}

/// The pharmacy's address belongs to it; without a pharmacy there is nobody whose it is.
pub(crate) fn read_pharmacy_address(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let Some(place) = pharmacy(&order.request).cloned() else {
        keep::read_field(field, order, cx);
        return;
    };
    for xad in field.repetitions() {
        let found = address::read(xad, cx);
        if let Some(known) = organization::shared(&place, cx)
            && let Some(found) = found.filter(|found| !known.address.contains(found))
        {
            known.address.push(found);
        }
    }
}

pub(crate) fn write_pharmacy_address(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let found = back.resolve::<Organization>(pharmacy(&order.request));
    for one in found.iter().flat_map(|found| &found.address) {
        address::write(one, field.repetition(), back);
    }
}

pub(crate) fn read_pharmacy_telecom(field: Field<'_>, order: &mut Prescription, cx: &mut Context<'_>) {
    let Some(place) = pharmacy(&order.request).cloned() else {
        keep::read_field(field, order, cx);
        return;
    };
    let mut found = Vec::new();
    telecom::read(field, "", &mut found, cx);
    if let Some(known) = organization::shared(&place, cx) {
        found.retain(|one| !known.telecom.contains(one));
        known.telecom.extend(found);
    }
}

pub(crate) fn write_pharmacy_telecom(order: &Prescription, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(order, field, back);
    let found = back.resolve::<Organization>(pharmacy(&order.request));
    telecom::write(found.iter().flat_map(|found| &found.telecom), field, back);
}

/// True when an actor is an organisation.
pub(crate) fn is_pharmacy(actor: Option<&Reference>, back: &Back<'_>) -> bool {
    back.resolve::<Organization>(actor).is_some()
}

/// The organisation among those who dispensed.
pub(crate) fn pharmacy_of<'s>(supply: &'s Supply, back: &Back<'_>) -> Option<&'s Reference> {
    let mut actors = supply
        .dispense
        .performer
        .iter()
        .filter_map(|one| one.actor.as_ref());
    actors.find(|actor| is_pharmacy(Some(actor), back))
}
