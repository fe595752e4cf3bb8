//! OBX to Observation and back. Guide: "Segment OBX to Observation", "… to Observation component".
//!
//! Repetitions of a text are the lines of one value; repetitions of anything else are components.

use fhir::{
    CodeableConcept, Device, Extension, Observation, ObservationComponent, ObservationReferenceRange,
    Organization, Practitioner, Quantity, Reference, Resource, Text,
};
use hl7v2::{Field, Repetition};

use crate::back::{Back, FieldWriter, foreign};
use crate::context::Context;
use crate::datatype::value::{self, Found, Value};
use crate::datatype::{address, code, concept, identifier, organization, person, quantity, time};
use crate::entries::reference;
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::vocabulary::system;

type Row = crate::row::Row<Observation>;

/// The type as sent, when the value does not imply it.
const KIND: &str = "OBX-2";
/// Marks a text whose lines were repetitions.
const LINES: &str = "OBX-5[2]";
/// Marks a text that holds the repetition separator as it was sent, since places between separators were empty.
const SEPARATED: &str = "OBX-5[1]~";
/// Marks the performer that stood in OBX-15 or OBX-25.
const PRODUCER: &str = "OBX-15";
const DIRECTOR: &str = "OBX-25";
const ABNORMAL_NATURE: &str = "http://hl7.org/fhir/StructureDefinition/observation-nature-of-abnormal-test";
pub(crate) const ANALYSED: &str = "http://hl7.org/fhir/StructureDefinition/observation-analysis-date-time";
const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// OBX to Observation.
pub(crate) static OBX: SegmentMap<Observation> = SegmentMap {
    segment: "OBX",
    resource: "Observation",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(
            3,
            "code",
            |field, observation, cx| observation.code = concept::first(field, None, cx),
            |observation, field, back| concept::put(observation.code.as_ref(), None, field, back),
        ),
        Row::new(5, "value[x]", read_value, write_value).note("of the type OBX-2 names"),
        Row::new(2, "value[x]", read_kind, write_kind).note("table 0125"),
        Row::new(6, "valueQuantity.unit", read_units, write_units),
        Row::new(7, "referenceRange", read_range, write_range),
        Row::new(
            8,
            "interpretation",
            |field, observation, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.interpretation),
                    &mut observation.interpretation,
                    cx,
                );
            },
            |observation, field, back| {
                concept::put_all(
                    &observation.interpretation,
                    Some(&back.vocabulary.interpretation),
                    field,
                    back,
                );
            },
        )
        .note("table 0078"),
        Row::new(
            10,
            "extension(natureOfAbnormalTest)",
            |field, observation, cx| {
                for repetition in field.repetitions() {
                    if let Some(nature) = concept::read(repetition, Some(&cx.vocabulary.abnormal_nature), cx)
                    {
                        observation.extension.push(Extension {
                            url: Some(Text::const_new(ABNORMAL_NATURE)),
                            value_codeable_concept: Some(Box::new(nature)),
                            ..Extension::default()
                        });
                    }
                }
            },
            |observation, field, back| {
                for nature in observation
                    .extension
                    .iter()
                    .filter(|e| e.url.as_deref() == Some(ABNORMAL_NATURE))
                {
                    let table = Some(&back.vocabulary.abnormal_nature);
                    concept::put(nature.value_codeable_concept.as_deref(), table, field, back);
                }
            },
        )
        .note("table 0080"),
        Row::new(11, "status", read_status, write_status).note("table 0085"),
        Row::new(
            14,
            "effectiveDateTime",
            |field, observation, cx| observation.effective_date_time = time::date_time(field, cx, ""),
            |observation, field, back| {
                let start = observation
                    .effective_period
                    .as_ref()
                    .and_then(|period| period.start.as_deref());
                time::put(observation.effective_date_time.as_deref().or(start), field, back);
            },
        ),
        Row::new(15, "performer", read_producer, write_producer).note("an organisation"),
        Row::new(
            16,
            "performer",
            |field, observation, cx| {
                cx.at(observation.performer.len());
                observation.performer.extend(person::read_all(field, cx));
            },
            |observation, field, back| {
                for one in observation
                    .performer
                    .iter()
                    .filter(|one| !is_marked(one) && is_person(one, back))
                {
                    person::write_all(one, field, back);
                }
            },
        )
        .note("a person"),
        Row::new(23, "performer", read_laboratory, write_laboratory).note("an organisation"),
        Row::new(
            24,
            "performer(Organization.address)",
            read_laboratory_address,
            write_laboratory_address,
        ),
        Row::new(
            25,
            "performer",
            |field, observation, cx| {
                cx.at(observation.performer.len());
                let found = person::read(field.repetition(1), cx).map(|one| marked(one, DIRECTOR));
                observation.performer.extend(found);
            },
            |observation, field, back| {
                if let Some(one) = observation.performer.iter().find(|one| has_mark(one, DIRECTOR)) {
                    person::write(one, field.repetition(), back);
                }
            },
        )
        .note("medical director"),
        Row::new(
            17,
            "method",
            |field, observation, cx| observation.method = concept::first(field, None, cx),
            |observation, field, back| concept::put(observation.method.as_ref(), None, field, back),
        ),
        Row::new(18, "device", read_device, write_device),
        Row::new(
            19,
            "extension(analysisDateTime)",
            |field, observation, cx| {
                if let Some(moment) = time::date_time(field, cx, "") {
                    observation.extension.push(Extension {
                        url: Some(Text::const_new(ANALYSED)),
                        value_date_time: Some(moment),
                        ..Extension::default()
                    });
                }
            },
            |observation, field, back| {
                let found = observation
                    .extension
                    .iter()
                    .find(|e| e.url.as_deref() == Some(ANALYSED));
                time::put(found.and_then(|e| e.value_date_time.as_deref()), field, back);
            },
        ),
        Row::new(
            20,
            "bodySite",
            |field, observation, cx| observation.body_site = concept::first(field, None, cx),
            |observation, field, back| concept::put(observation.body_site.as_ref(), None, field, back),
        ),
        Row::new(
            21,
            "identifier",
            |field, observation, cx| {
                let found = identifier::read_ei(field.repetition(1), cx);
                observation
                    .identifier
                    .extend(found.map(|one| identifier::typed(one, "FILL")));
            },
            |observation, field, back| {
                if let Some(one) = observation.identifier.first() {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        ),
        Row::new(
            29,
            "category",
            |field, observation, cx| {
                observation
                    .category
                    .extend(concept::first(field, None, cx).map(|mut kind| {
                        for coding in &mut kind.coding {
                            coding.system = Some(system::concat(system::TABLE, "0936"));
                        }
                        kind
                    }));
            },
            |observation, field, _| {
                let table = system::concat(system::TABLE, "0936");
                let mut codings = observation.category.iter().flat_map(|kind| &kind.coding);
                let own = codings.find(|coding| coding.system.as_ref() == Some(&table));
                field
                    .repetition()
                    .optional(1, own.and_then(|coding| coding.code.as_ref()));
            },
        )
        .note("table 0936"),
        Row::kept(4),
        Row::kept(9),
        Row::kept(12),
        Row::kept(13),
        Row::kept(22),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::kept(33),
    ],
};

fn read_value(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let sent = cx
        .sibling(2)
        .and_then(|kind| cx.peek(kind))
        .map(|kind| Text::from(kind.as_ref()));
    let kind = sent.as_deref().unwrap_or_default();
    if let Some(text) = read_separated(field, kind, cx) {
        observation.value_string = Some(text);
        observation.extension.push(keep::mark(SEPARATED));
        keep_kind(sent.as_ref(), observation);
        return;
    }
    let mut values = field
        .repetitions()
        .filter_map(|one| value::read(kind, one, cx))
        .collect::<Vec<Value>>();
    let text = values.iter().all(|value| matches!(value, Value::Text(_)));
    if values.len() > 1 && text {
        let mut lines = values.iter().map(|value| {
            if let Value::Text(line) = value {
                line.as_str()
            } else {
                ""
            }
        });
        let mut whole = Text::from(lines.next().unwrap_or_default());
        for line in lines {
            whole.push('\n');
            whole.push_str(line);
        }
        values = vec![Value::Text(whole)];
        observation.extension.push(keep::mark(LINES));
    }
    if values.len() > 1 {
        for value in values {
            let mut component = ObservationComponent {
                code: observation.code.clone(),
                ..ObservationComponent::default()
            };
            value::set_component(&mut component, value);
            observation.component.push(component);
        }
    } else if let Some(value) = values.pop() {
        value::set(observation, value);
    }
    keep_kind(sent.as_ref(), observation);
}

/// Text with empty places between its repetition separators: what stands where is part of what it says.
fn read_separated(field: Field<'_>, kind: &str, cx: &mut Context<'_>) -> Option<Text> {
    // Only repetitions that hold something are walked over: a gap shows in their numbers.
    let number = |one: Repetition<'_>| usize::from(one.location().repetition);
    let gaps = (1..)
        .zip(field.repetitions())
        .any(|(place, one)| number(one) != place);
    let plain = |one: Repetition<'_>| one.components().count() <= 1;
    if !gaps || !matches!(kind, "ST" | "TX" | "FT" | "") || !field.repetitions().all(plain) {
        return None;
    }
    let mut whole = Text::const_new("");
    let mut place = 1;
    for one in field.repetitions() {
        while place < number(one) {
            whole.push('~');
            place += 1;
        }
        let text = cx.take(one, "Observation.valueString");
        whole.push_str(text.as_deref().unwrap_or_default());
    }
    whole.chars().any(|c| c != '~').then_some(whole)
}

/// An SN that reads as a plain number, words in an NM: the type as sent cannot be seen in the value.
fn keep_kind(sent: Option<&Text>, observation: &mut Observation) {
    let Some(sent) = sent.filter(|sent| implied_kind(observation) != sent.as_str()) else {
        return;
    };
    let kept = keep::carry_text(Text::const_new(KIND), sent.clone());
    observation.extension.push(kept);
}

fn implied_kind(observation: &Observation) -> &'static str {
    let first = value::of_observation(observation);
    let component = || observation.component.first().and_then(value::of_component);
    first.or_else(component).map_or("", |found| found.kind())
}

fn sent_kind(observation: &Observation) -> Option<&Text> {
    keep::carried_text(&observation.extension, KIND)
}

fn write_value(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let implied = implied_kind(observation);
    let kind = sent_kind(observation).map_or(implied, Text::as_str);
    match value::of_observation(observation) {
        Some(Found::Text(text)) if keep::is_marked(&observation.extension, LINES) => {
            for line in text.split('\n') {
                Found::Text(&Text::from(line)).write(kind, field.repetition(), back);
            }
        }
        Some(Found::Text(text)) if keep::is_marked(&observation.extension, SEPARATED) => {
            for (number, part) in (1..).zip(text.split('~')) {
                field.nth(number).component(1, part);
            }
        }
        Some(found) => found.write(kind, field.repetition(), back),
        None => {
            for found in observation.component.iter().filter_map(value::of_component) {
                found.write(kind, field.repetition(), back);
            }
        }
    }
}

/// OBX-2 chose the element; where there is no value it stands alone and is kept.
fn read_kind(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    if implied_kind(observation).is_empty() && sent_kind(observation).is_none() {
        keep::read_field(field, observation, cx);
    } else {
        cx.take(field, "");
    }
}

fn write_kind(observation: &Observation, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    match sent_kind(observation) {
        Some(kind) => field.set(kind.clone()),
        None => field.set(implied_kind(observation)),
    }
}

fn read_units(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let units = field.repetition(1);
    let mut unit = Quantity::default();
    let numeric = observation.value_quantity.is_some()
        || observation.value_range.is_some()
        || observation.value_ratio.is_some()
        || observation
            .component
            .iter()
            .any(|component| component.value_quantity.is_some());
    if !numeric {
        // Units beside words: FHIR has no place for them.
        keep::read_field(field, observation, cx);
        return;
    }
    quantity::set_unit(&mut unit, units, cx);
    let set = |to: &mut Quantity| {
        to.unit.clone_from(&unit.unit);
        to.code.clone_from(&unit.code);
        to.system.clone_from(&unit.system);
    };
    if let Some(to) = &mut observation.value_quantity {
        set(to);
    }
    if let Some(range) = &mut observation.value_range {
        range.low.iter_mut().chain(&mut range.high).for_each(set);
    }
    if let Some(ratio) = &mut observation.value_ratio {
        ratio
            .numerator
            .iter_mut()
            .chain(&mut ratio.denominator)
            .for_each(set);
    }
    for to in observation
        .component
        .iter_mut()
        .filter_map(|component| component.value_quantity.as_mut())
    {
        set(to);
    }
}

fn write_units(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(observation, field, back);
    if !field.is_empty() {
        return;
    }
    let component = || observation.component.first().and_then(value::of_component);
    let found: Option<Found<'_>> = value::of_observation(observation).or_else(component);
    if let Some(unit) = found.as_ref().and_then(value::units) {
        let mut to = field.repetition();
        for (n, text) in quantity::unit_parts(unit, back) {
            to.component(n, &text);
        }
    }
}

/// The range stays as it was written; two plain numbers are also given as numbers.
fn read_range(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let Some(text) = cx.take(field, ".text") else {
        return;
    };
    let mut range = ObservationReferenceRange::default();
    if let Some((low, high)) = text
        .split_once('-')
        .filter(|_| observation.value_quantity.is_some())
    {
        let numbers = (quantity::number(low.trim()), quantity::number(high.trim()));
        if let (Some((low, _)), Some((high, _))) = numbers {
            let unit = observation.value_quantity.as_ref();
            let bound = |value| Quantity {
                value: Some(value),
                unit: unit.and_then(|unit| unit.unit.clone()),
                code: unit.and_then(|unit| unit.code.clone()),
                system: unit.and_then(|unit| unit.system.clone()),
                ..Quantity::default()
            };
            range.low = Some(bound(low));
            range.high = Some(bound(high));
        }
    }
    range.text = Some(text);
    observation.reference_range.push(range);
}

fn write_range(observation: &Observation, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let Some(range) = observation.reference_range.first() else {
        return;
    };
    if let Some(text) = &range.text {
        field.set(text.clone());
        return;
    }
    let number = |bound: &Option<Quantity>| bound.as_ref().and_then(|bound| bound.value.clone());
    let text = match (number(&range.low), number(&range.high)) {
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!(">={low}"),
        (None, Some(high)) => format!("<={high}"),
        (None, None) => return,
    };
    field.set(text);
}

fn read_status(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let sent = cx.peek(field).map(|sent| Text::from(sent.as_ref()));
    (observation.status, observation.status_element) =
        code::read(field, &cx.vocabulary.observation_status, cx, "");
    if sent.as_deref() == Some("N") {
        observation.data_absent_reason = Some(concept::of_code(ABSENT, "not-asked", "Not Asked"));
    }
}

fn write_status(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let table = &back.vocabulary.observation_status;
    let code = code::write(observation.status.as_ref(), &observation.status_element, table);
    field.repetition().optional(1, code.as_ref());
}

fn marked(mut one: Reference, place: &'static str) -> Reference {
    one.extension.push(keep::mark(Text::const_new(place)));
    one
}

fn has_mark(one: &Reference, place: &str) -> bool {
    keep::is_marked(&one.extension, place)
}

fn is_marked(one: &Reference) -> bool {
    has_mark(one, PRODUCER) || has_mark(one, DIRECTOR)
}

fn is_person(one: &Reference, back: &Back<'_>) -> bool {
    back.resolve::<Practitioner>(Some(one)).is_some()
        || back.resolve::<fhir::PractitionerRole>(Some(one)).is_some()
}

fn is_organization(one: &Reference, back: &Back<'_>) -> bool {
    back.resolve::<Organization>(Some(one)).is_some()
}

/// OBX-15 names the producer with a code: an organisation with an identifier.
fn read_producer(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let cwe = field.repetition(1);
    cx.at(observation.performer.len());
    let value = cx.take(cwe.component(1), "Organization.identifier.value");
    let name = cx.take(cwe.component(2), "Organization.name");
    let scheme = cx.take_as(
        cwe.component(3),
        "Organization.identifier.system",
        Outcome::Transformed,
    );
    let mut producer = Organization {
        name,
        ..Organization::default()
    };
    if value.is_some() {
        producer.identifier.push(fhir::Identifier {
            system: scheme.map(|name| system::to_uri(&cx.vocabulary.coding_system, &name)),
            value,
            ..fhir::Identifier::default()
        });
    }
    let found = organization::share(producer, cx);
    observation
        .performer
        .extend(found.map(|one| marked(one, PRODUCER)));
}

fn write_producer(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let marked = observation.performer.iter().find(|one| has_mark(one, PRODUCER));
    // In a Bundle of others the organisation that performed it is the producer, too.
    let other = laboratory(observation, back).filter(|_| back.foreign);
    let performer = || back.resolve::<Organization>(marked.or(other));
    if let Some(producer) = foreign::producer(observation, back).or_else(performer) {
        foreign::write_producer(producer, &mut field.repetition(), back);
    }
}

fn read_laboratory(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    cx.at(observation.performer.len());
    observation
        .performer
        .extend(organization::read_xon(field.repetition(1), cx));
}

fn laboratory<'o>(observation: &'o Observation, back: &Back<'_>) -> Option<&'o Reference> {
    observation
        .performer
        .iter()
        .find(|one| !is_marked(one) && is_organization(one, back))
}

fn write_laboratory(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(one) = laboratory(observation, back) {
        organization::write_xon(one, field.repetition(), back);
    }
}

fn read_laboratory_address(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    let laboratory = observation
        .performer
        .iter()
        .find(|one| !is_marked(one) && is_shared_organization(one, cx))
        .cloned();
    match laboratory {
        Some(one) => {
            let found = address::read(field.repetition(1), cx);
            if let Some(known) = organization::shared(&one, cx)
                && let Some(found) = found.filter(|found| !known.address.contains(found))
            {
                known.address.push(found);
            }
        }
        None => keep::read_field(field, observation, cx),
    }
}

fn is_shared_organization(one: &Reference, cx: &Context<'_>) -> bool {
    let id = one
        .reference
        .as_deref()
        .and_then(|url| uuid::Uuid::parse_str(url.strip_prefix("urn:uuid:")?).ok());
    id.is_some_and(|id| matches!(cx.entries.shared_ref(id), Some(Resource::Organization(_))))
}

fn write_laboratory_address(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(observation, field, back);
    let found = laboratory(observation, back).and_then(|one| back.resolve::<Organization>(Some(one)));
    if let Some(address) = found
        .and_then(|found| found.address.first())
        .filter(|_| field.is_empty())
    {
        address::write(address, field.repetition(), back);
    }
}

/// FHIR has room for one device: of several all travel beside the first.
fn read_device(field: Field<'_>, observation: &mut Observation, cx: &mut Context<'_>) {
    if field.repetition_count() > 1 {
        keep::read_field(field, observation, cx);
    }
    let Some(id) = identifier::read_ei(field.repetition(1), cx) else {
        return;
    };
    let key = cx.entries.id(
        "Device",
        &[
            id.value.as_deref().unwrap_or_default(),
            id.system.as_deref().unwrap_or_default(),
        ],
    );
    if cx.entries.shared(key).is_none() {
        cx.entries.share(
            key,
            Device {
                identifier: vec![id],
                ..Device::default()
            },
        );
    }
    observation.device = Some(reference(key));
}

fn write_device(observation: &Observation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(observation, field, back);
    if !field.is_empty() {
        return;
    }
    let device = back.resolve::<Device>(observation.device.as_ref());
    if let Some(device) = device.filter(|_| back.foreign) {
        foreign::write_device(device, field.repetition(), back);
    } else if let Some(id) = device.and_then(|device| device.identifier.first()) {
        identifier::write_ei(id, field.repetition(), back);
    }
}

/// Fills what FHIR requires.
pub(crate) fn complete(observation: &mut Observation) {
    if observation.status.is_none() {
        observation.status = Some(Text::const_new("unknown"));
    }
    if observation.code.is_none() {
        observation.code = Some(unknown());
    }
}

/// A required code that was not sent.
pub(crate) fn unknown() -> CodeableConcept {
    concept::of_code(
        "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
        "UNK",
        "unknown",
    )
}

#[cfg(test)]
mod tests;
