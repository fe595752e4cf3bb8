//! What a stay is for and how it ends: PV1-10, PV1-37.

use super::*;
use crate::vocabulary::system;

pub(super) const DISCHARGE_METHOD: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DischargeMethod";

/// The NHS treatment function with its system; whatever codes stand beside it stay beside it.
pub(super) fn read_service(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let functions = &cx.vocabulary.nhs_treatment_function;
    let sent = cx.peek(field).and_then(|sent| functions.to_fhir(&sent).copied());
    let labelled = !field.component(3).raw().is_empty();
    let Some(function) = sent.filter(|_| cx.settings.nhs_codes && !labelled) else {
        encounter.service_type = concept::first(field, Some(&cx.vocabulary.hospital_service), cx);
        return;
    };
    let mut service = concept::first(field, None, cx);
    if let Some(service) = &mut service
        && let Some(first) = service.coding.first_mut()
    {
        let words = first.display.replace(Text::const_new(function.display));
        first.system = Some(Text::const_new(function.system));
        let words = words.filter(|words| words != function.display);
        service.text = service.text.take().or(words);
    }
    encounter.service_type = service;
}

pub(super) fn write_service(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let Some(service) = &encounter.service_type else {
        return;
    };
    let system = back
        .vocabulary
        .nhs_treatment_function
        .codes()
        .first()
        .map(|code| code.system);
    let mut service = service.clone();
    let national = |coding: &Coding| system.is_some() && coding.system.as_deref() == system;
    if let Some(place) = service.coding.iter().position(national) {
        let mut function = service.coding.remove(place);
        function.system = None;
        function.display = service.text.take();
        service.coding.insert(0, function);
    }
    concept::put(
        Some(&service),
        Some(&back.vocabulary.hospital_service),
        field,
        back,
    );
}

/// PV1-37 of an NHS sender says how the stay ended; elsewhere it says where to.
pub(super) fn read_discharged_to(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let table = &cx.vocabulary.nhs_discharge_method;
    let known = cx.peek(field).is_some_and(|sent| table.to_fhir(&sent).is_some());
    if !known || !cx.settings.nhs_codes || field.component(2).is_valued() {
        read_destination(field, encounter, cx);
        return;
    }
    if let Some(method) = nhs(field, table, "Encounter.extension(dischargeMethod)", cx) {
        encounter.extension.push(Extension {
            url: Some(Text::const_new(DISCHARGE_METHOD)),
            value_codeable_concept: Some(Box::new(method)),
            ..Extension::default()
        });
    }
}

pub(super) fn write_discharged_to(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut extensions = encounter.extension.iter();
    let method = extensions.find(|e| e.url.as_deref() == Some(DISCHARGE_METHOD));
    match method.and_then(|e| e.value_codeable_concept.as_deref()) {
        Some(method) => put_nhs_or(Some(method), &back.vocabulary.nhs_discharge_method, field, back),
        None => write_destination(encounter, field, back),
    }
}

/// DLD: where to, and when that holds from.
fn read_destination(field: Field<'_>, encounter: &mut Encounter, cx: &mut Context<'_>) {
    let dld = field.repetition(1);
    let kind = concept::read(dld.component(1), None, cx);
    let since = time::date_time(dld.component(2), cx, "Location.extension(DLD.2)");
    let Some(kind) = kind else { return };
    let name = kind.text.clone().or_else(|| {
        let coding = kind.coding.first()?;
        coding.display.clone().or_else(|| coding.code.clone())
    });
    let id = cx
        .entries
        .id("Location", &["discharge", name.as_deref().unwrap_or_default()]);
    if cx.entries.shared(id).is_none() {
        let mut place = Location {
            type_: vec![kind],
            name,
            ..Location::default()
        };
        if let Some(since) = since {
            let value = Extension {
                value_date_time: Some(since),
                ..Extension::default()
            };
            place
                .extension
                .push(keep::carry(Text::const_new(EFFECTIVE), value));
        }
        cx.entries.share(id, place);
    }
    encounter.hospitalization.get_or_insert_default().destination = Some(reference(id));
}

const EFFECTIVE: &str = "PV1-37.2";

fn write_destination(encounter: &Encounter, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let target: Option<&Reference> = encounter
        .hospitalization
        .as_ref()
        .and_then(|stay| stay.destination.as_ref());
    let Some(place) = back.resolve::<Location>(target) else {
        return;
    };
    let mut to = field.repetition();
    let kind = place.type_.first();
    let coding = kind.and_then(|kind| kind.coding.first());
    match coding {
        Some(coding) => {
            let words = coding
                .display
                .as_ref()
                .or_else(|| kind.and_then(|kind| kind.text.as_ref()));
            to.subcomponent(1, 1, coding.code.as_deref().unwrap_or_default());
            to.subcomponent(1, 2, words.map_or("", Text::as_str));
            if let Some(uri) = coding.system.as_deref() {
                let name = system::to_name(&back.vocabulary.coding_system, uri);
                to.subcomponent(1, 3, &name);
            }
        }
        None => to.optional(1, place.name.as_ref()),
    }
    let since = keep::carried(&place.extension, EFFECTIVE);
    if let Some(since) = since.and_then(|e| e.value_date_time.as_deref()) {
        to.component(2, &time::to_hl7(since, back));
    }
}
