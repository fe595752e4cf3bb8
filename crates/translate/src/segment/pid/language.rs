//! PID-15: the language to address someone in, and whether an interpreter is needed.

use super::*;

/// UK Core takes the standard's own extension for this.
pub(super) const INTERPRETER_REQUIRED: &str =
    "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired";
/// What stands in PID-15.6 when PID-15.4 says whether an interpreter is needed: HL7 2.5.1 has no place for it.
const INTERPRETER_LABEL: &str = "INTERPRETER";

/// The language in BCP 47 with the code as sent beside it. What is labelled as the need of an interpreter is none.
pub(super) fn read_language(field: Field<'_>, patient: &mut Patient, cx: &mut Context<'_>) {
    let cwe = field.repetition(1);
    let interpreter = cx
        .peek(cwe.component(6))
        .is_some_and(|label| label == INTERPRETER_LABEL)
        .then(|| read_interpreter(cwe, cx))
        .flatten();
    let mut language = concept::read(cwe, Some(&cx.vocabulary.language), cx);
    if let Some(needed) = interpreter {
        patient.extension.push(Extension {
            url: Some(Text::const_new(INTERPRETER_REQUIRED)),
            value_boolean: Some(needed),
            ..Extension::default()
        });
        if let Some(concept) = &mut language {
            concept.coding.retain(|coding| !is_interpreter(coding));
        }
        language = language.filter(|concept| !concept.coding.is_empty() || concept.text.is_some());
    }
    if language.is_some() {
        patient.communication.push(PatientCommunication {
            language,
            preferred: cx.settings.primary_language_preferred.then_some(true),
            ..PatientCommunication::default()
        });
    }
}

/// Yes or no beside the label.
fn read_interpreter(cwe: Repetition<'_>, cx: &mut Context<'_>) -> Option<bool> {
    let needed = match cx.peek(cwe.component(4))?.as_ref() {
        "Y" => true,
        "N" => false,
        _ => return None,
    };
    const MEMBER: &str = "Patient.extension(interpreterRequired)";
    cx.record_component(cwe.component(4), Outcome::Mapped, MEMBER, "");
    cx.record_component(cwe.component(6), Outcome::Mapped, MEMBER, "");
    Some(needed)
}

fn is_interpreter(coding: &Coding) -> bool {
    let name = coding
        .system
        .as_deref()
        .and_then(|uri| uri.strip_prefix(crate::vocabulary::system::LOCAL));
    name == Some(INTERPRETER_LABEL)
}

pub(super) fn write_language(patient: &Patient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let main = patient
        .communication
        .iter()
        .find(|one| one.preferred == Some(true))
        .or(patient.communication.first());
    if let Some(language) = main.and_then(|one| one.language.as_ref()) {
        concept::write(language, Some(&back.vocabulary.language), field.nth(1), back);
    }
    let needed = extension(patient, INTERPRETER_REQUIRED).and_then(|extension| extension.value_boolean);
    let mut to = field.nth(1);
    if let Some(needed) = needed.filter(|_| !to.has(4)) {
        to.component(4, if needed { "Y" } else { "N" });
        to.component(6, INTERPRETER_LABEL);
    }
}
