//! AL1 to AllergyIntolerance and back. Guide: "Segment AL1 to AllergyIntolerance".

use fhir::{AllergyIntolerance, AllergyIntoleranceReaction, CodeableConcept, Extension, Text};

use crate::context::{Coded, Composite};
use crate::datatype::{code, concept, time};
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::segment::msh::DATA_ABSENT;
use crate::settings::AllergySeverity;

type Row = crate::row::Row<AllergyIntolerance>;

/// AL1 to AllergyIntolerance.
pub(crate) static AL1: SegmentMap<AllergyIntolerance> = SegmentMap {
    segment: "AL1",
    resource: "AllergyIntolerance",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(2, "category", read_category, write_category).note("table 0127; also type"),
        Row::new(
            3,
            "code",
            |field, allergy, cx| allergy.code = concept::first(field, None, cx),
            |allergy, field, back| concept::put(allergy.code.as_ref(), None, field, back),
        ),
        Row::new(4, "reaction.severity", read_severity, write_severity)
            .note("table 0128; or criticality, by setting"),
        Row::new(
            5,
            "reaction.manifestation",
            read_manifestations,
            write_manifestations,
        ),
        Row::new(
            6,
            "onsetDateTime",
            |field, allergy, cx| allergy.onset_date_time = time::date_time(field, cx, ""),
            |allergy, field, back| time::put(allergy.onset_date_time.as_deref(), field, back),
        ),
    ],
};

pub(crate) fn read_category(
    field: hl7v2::Field<'_>,
    allergy: &mut AllergyIntolerance,
    cx: &mut crate::context::Context<'_>,
) {
    let tables = (&cx.vocabulary.allergy_category, &cx.vocabulary.allergy_type);
    let sent = cx.peek(field).and_then(|sent| tables.0.to_fhir(&sent).copied());
    if let Some(category) = sent {
        allergy.category.push(Text::const_new(category.fhir));
    }
    // The type keeps the code as sent where FHIR's two words do not say it.
    (allergy.type_, allergy.type_element) = code::read(field, tables.1, cx, "");
    if field.component(2).is_valued() || field.component(3).is_valued() {
        crate::keep::read_field(field, allergy, cx);
    }
}

pub(crate) fn write_category(
    allergy: &AllergyIntolerance,
    field: &mut crate::back::FieldWriter<'_>,
    back: &crate::back::Back<'_>,
) {
    crate::keep::write_field(allergy, field, back);
    if !field.is_empty() {
        return;
    }
    let sent = code::sent(&allergy.type_element).cloned();
    let category = allergy.category.first();
    let table = &back.vocabulary.allergy_category;
    let code = sent.or_else(|| table.to_hl7("", category?).map(|code| Text::const_new(code.hl7)));
    field.repetition().optional(1, code.as_ref());
}

pub(crate) fn read_manifestations(
    field: hl7v2::Field<'_>,
    allergy: &mut AllergyIntolerance,
    cx: &mut crate::context::Context<'_>,
) {
    let reaction = reaction(allergy);
    for repetition in field.repetitions() {
        // A code is rare here; words are the rule.
        let coded = repetition.parts().count() > 1;
        let found = if coded {
            concept::read(repetition, None, cx)
        } else {
            cx.take(repetition, ".text").map(concept::of_text)
        };
        reaction.manifestation.extend(found);
    }
}

pub(crate) fn write_manifestations(
    allergy: &AllergyIntolerance,
    field: &mut crate::back::FieldWriter<'_>,
    back: &crate::back::Back<'_>,
) {
    let manifestations = allergy
        .reaction
        .iter()
        .flat_map(|reaction| &reaction.manifestation);
    for one in manifestations {
        match &one.text {
            Some(text) if one.coding.is_empty() => field.repetition().component(1, text),
            _ => concept::write(one, None, field.repetition(), back),
        }
    }
}

pub(crate) fn reaction(allergy: &mut AllergyIntolerance) -> &mut AllergyIntoleranceReaction {
    if allergy.reaction.is_empty() {
        allergy.reaction.push(AllergyIntoleranceReaction::default());
    }
    let last = allergy.reaction.len() - 1;
    &mut allergy.reaction[last]
}

pub(crate) fn read_severity(
    field: hl7v2::Field<'_>,
    allergy: &mut AllergyIntolerance,
    cx: &mut crate::context::Context<'_>,
) {
    if cx.settings.allergy_severity == AllergySeverity::Criticality {
        let table = &cx.vocabulary.criticality;
        (allergy.criticality, allergy.criticality_element) =
            code::read(field, table, cx, "AllergyIntolerance.criticality");
        return;
    }
    match cx.look_up(field, &cx.vocabulary.reaction_severity, "") {
        Coded::None => {}
        Coded::Known(code) => reaction(allergy).severity = Some(Text::const_new(code.fhir)),
        Coded::Unknown(sent) => {
            // Unknown severity is no reaction: nothing in FHIR says it but the code as sent.
            cx.record(
                field,
                Outcome::Kept,
                "AllergyIntolerance.criticality",
                "the code stands in an extension",
            );
            allergy.criticality_element = Some(code::alternate("0128", sent));
        }
    }
}

pub(crate) fn write_severity(
    allergy: &AllergyIntolerance,
    field: &mut crate::back::FieldWriter<'_>,
    back: &crate::back::Back<'_>,
) {
    let severity = allergy
        .reaction
        .iter()
        .find_map(|reaction| reaction.severity.as_ref());
    let by_reaction = severity.and_then(|code| back.vocabulary.reaction_severity.to_hl7("", code));
    let code = by_reaction.map(|code| Text::const_new(code.hl7)).or_else(|| {
        code::write(
            allergy.criticality.as_ref(),
            &allergy.criticality_element,
            &back.vocabulary.criticality,
        )
    });
    field.repetition().optional(1, code.as_ref());
}

/// Fills what FHIR requires.
pub(crate) fn complete(allergy: &mut AllergyIntolerance) {
    allergy.clinical_status = Some(concept::of_code(
        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
        "active",
        "Active",
    ));
    for reaction in &mut allergy.reaction {
        if reaction.manifestation.is_empty() {
            reaction.manifestation.push(absent());
        }
    }
}

/// A concept that is required and was not said.
pub(crate) fn absent() -> CodeableConcept {
    let extension = Extension {
        url: Some(Text::const_new(DATA_ABSENT)),
        value_code: Some(Text::const_new("unknown")),
        ..Extension::default()
    };
    CodeableConcept {
        extension: vec![extension],
        ..CodeableConcept::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn an_allergy_comes_back_and_has_what_fhir_requires() {
        let bundle = round_trip(
            "A01",
            &[PID],
            "AL1|1|LA|91936005^Penicillin^SCT|SV|Rash~Wheeze|20200124",
        );
        let allergy: &AllergyIntolerance = first(&bundle);
        assert_eq!(allergy.category, ["environment"]);
        assert_eq!(allergy.reaction[0].severity.as_deref(), Some("severe"));
        assert_eq!(allergy.reaction[0].manifestation.len(), 2);
        let bundle = round_trip("A01", &[PID], "AL1|1|DA|^PENICILLIN|MO");
        assert_eq!(
            first::<AllergyIntolerance>(&bundle).reaction[0]
                .manifestation
                .len(),
            1,
            "required, absent"
        );
    }

    #[test]
    fn an_unknown_severity_is_kept() {
        round_trip("A01", &[PID], "AL1|1|DA|^PENICILLIN|U");
    }
}
