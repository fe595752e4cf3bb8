//! PID-22: the NHS ethnic category.

use super::*;

pub(super) const ETHNIC_CATEGORY: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory";

/// The NHS ethnic category; a code outside it is the sender's own and passes through.
pub(super) fn read_ethnicity(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    if field
        .repetitions()
        .any(|repetition| !is_nhs_category(repetition, cx))
    {
        keep::read_field(field, patient, cx);
        return;
    }
    for repetition in field.repetitions() {
        let leaf = repetition.component(1);
        let category = match cx.look_up(leaf, &cx.vocabulary.ethnic_category, "") {
            Coded::None => concept::read(repetition, None, cx),
            Coded::Known(code) => {
                let shown = cx.take(repetition.component(2), ".coding.display");
                cx.record_component(
                    repetition.component(3),
                    Outcome::Transformed,
                    ".coding.system",
                    "",
                );
                let mut concept = concept::of_code(code.system, code.fhir, code.display);
                concept.text = shown.filter(|shown| shown != code.display);
                Some(concept)
            }
            Coded::Unknown(_) => concept::read(repetition, None, cx),
        };
        push_concept(patient, ETHNIC_CATEGORY, category);
    }
}

/// The same letters mean other things elsewhere: `H` and `N` of HL7's table say whether somebody is Hispanic.
fn is_nhs_category(repetition: Repetition<'_>, cx: &Context<'_>) -> bool {
    let system = cx.peek(repetition.component(3)).unwrap_or_default();
    let words = cx.peek(repetition.component(2)).unwrap_or_default();
    let foreign = !matches!(system.as_ref(), "" | "NHS" | "L" | "UK" | "NHSETHNIC");
    cx.settings.nhs_codes && !foreign && !words.to_ascii_uppercase().contains("HISPANIC")
}

pub(super) fn write_ethnicity(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(patient, field, back);
    for extension in patient
        .extension
        .iter()
        .filter(|e| e.url.as_deref() == Some(ETHNIC_CATEGORY))
    {
        let Some(concept) = &extension.value_codeable_concept else {
            continue;
        };
        let known = concept.coding.iter().find_map(|coding| {
            back.vocabulary
                .ethnic_category
                .to_hl7(coding.system.as_deref()?, coding.code.as_deref()?)
        });
        match known {
            Some(code) => {
                let mut to = field.repetition();
                to.component(1, code.hl7);
                to.optional(2, concept.text.as_ref());
            }
            None => concept::write(concept, None, field.repetition(), back),
        }
    }
}
