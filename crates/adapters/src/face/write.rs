//! What stops a write: an answer of the face's own, or the record.

use fhir::Resource;
use rest::Reply;
use serde_json::Value;

use crate::action::ActError;

/// Why a write does not happen.
pub(crate) enum Stop {
    Reply(Box<Reply>),
    Act(ActError),
}

impl From<ActError> for Stop {
    fn from(error: ActError) -> Self {
        Self::Act(error)
    }
}

impl From<Box<Reply>> for Stop {
    fn from(reply: Box<Reply>) -> Self {
        Self::Reply(reply)
    }
}

/// Whether some list of codings mixes the product's own systems with others.
pub(crate) fn mixes(value: &Value, own: &str) -> bool {
    match value {
        Value::Object(members) => {
            let systems = |codings: &[Value]| -> (usize, usize) {
                let of_ours = |coding: &&Value| {
                    coding["system"]
                        .as_str()
                        .is_some_and(|system| system.starts_with(own))
                };
                let ours = codings.iter().filter(of_ours).count();
                (ours, codings.len() - ours)
            };
            let here = members
                .get("coding")
                .and_then(Value::as_array)
                .is_some_and(|codings| matches!(systems(codings), (1.., 1..)));
            here || members.values().any(|member| mixes(member, own))
        }
        Value::Array(items) => items.iter().any(|item| mixes(item, own)),
        _ => false,
    }
}

/// The person that a resource is about, as it names them.
pub(crate) fn subject(resource: &Resource) -> Option<&str> {
    let held = match resource {
        Resource::AllergyIntolerance(held) => held.patient.as_ref(),
        Resource::Condition(held) => held.subject.as_ref(),
        Resource::Observation(held) => held.subject.as_ref(),
        Resource::ServiceRequest(held) => held.subject.as_ref(),
        Resource::DocumentReference(held) => held.subject.as_ref(),
        Resource::Appointment(held) => held.participant.iter().find_map(|one| {
            let actor = one.actor.as_ref()?;
            let reference = actor.reference.as_deref()?;
            let (before, _) = reference.rsplit_once('/')?;
            before.ends_with("Patient").then_some(actor)
        }),
        _ => None,
    };
    held?.reference.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn own_and_foreign_codings_in_one_list_are_a_mix_and_side_by_side_are_not() {
        let own = "https://fhir.example/codeSet/";
        let (ours, theirs) = (
            json!({"system": "https://fhir.example/codeSet/72"}),
            json!({"system": "http://loinc.org"}),
        );
        assert!(mixes(&json!({"code": {"coding": [ours, theirs]}}), own));
        assert!(!mixes(
            &json!({"code": {"coding": [theirs]}, "type": {"coding": [ours]}}),
            own
        ));
    }
}
