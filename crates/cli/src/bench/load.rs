//! The load: stays of synthetic patients, four messages each, spread over the connections.

use hl7v2::Message;
use hl7v2::nhs::NhsNumber;
use translate::Translator;
use translate::dialect::{Dialect, STANDARD};

/// One stay: admission, transfer, update, discharge.
const TEMPLATE: &str = include_str!("../../../../fixtures/bench/stay.hl7");

/// One message to send.
pub(super) struct Load {
    /// What goes on the wire, in the sender's dialect.
    pub(super) bytes: Vec<u8>,
    pub(super) patient: usize,
    /// 0 to 3 within the patient's stay.
    pub(super) step: usize,
}

/// Messages per patient.
pub(super) fn steps() -> usize {
    TEMPLATE.split("\r\r").count()
}

/// The messages of one patient, in their order, each with a note of so many bytes.
pub(super) fn stay(
    patient: usize,
    note_bytes: usize,
    translator: &Translator,
    dialect: &Dialect,
) -> Vec<Load> {
    let number = u64::try_from(patient).unwrap_or(u64::MAX);
    let fill = |template: &str, step: usize| {
        template
            .replace("{control}", &control_id(patient, step))
            .replace("{mrn}", &format!("{:08}", 40_000_000 + number))
            .replace("{nhs}", &nhs_number(number))
            .replace("{visit}", &format!("{:010}", 7_000_000_000 + number))
    };
    let told = TEMPLATE.split("\r\r").enumerate().map(|(step, template)| {
        let mut canonical = fill(template, step).into_bytes();
        if note_bytes > 0 {
            canonical.extend_from_slice(b"\rNTE|1||");
            canonical.resize(canonical.len() + note_bytes, b'n');
        }
        let message = Message::parse(&canonical).expect("the template is a message");
        let mut bytes = Vec::with_capacity(canonical.len() * 2);
        translator.convert(&message, &STANDARD, dialect, &mut bytes, None);
        Load { bytes, patient, step }
    });
    told.collect()
}

/// MSH-10, by which the receiving end knows patient and step again: 20 digits.
pub(super) fn control_id(patient: usize, step: usize) -> String {
    format!("{patient:012}{step:08}")
}

/// Patient and step of a control id of ours.
pub(super) fn of_control_id(control_id: &str) -> Option<(usize, usize)> {
    let (patient, step) = control_id.split_at_checked(12)?;
    Some((patient.parse().ok()?, step.parse().ok()?))
}

/// The n-th valid NHS number of the test range, counted from its start.
fn nhs_number(n: u64) -> String {
    // One in eleven has no check digit; walking on keeps numbers distinct, since every start is 2 apart.
    let mut nine = 999_000_000 + (n * 2) % 999_998;
    loop {
        if let Some(number) = NhsNumber::with_check_digit(nine) {
            return format!("{:010}", number.value());
        }
        nine += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn control_ids_name_patient_and_step() {
        assert_eq!(of_control_id(&control_id(41, 3)), Some((41, 3)));
        assert_eq!(of_control_id("x"), None);
    }

    #[test]
    fn patients_differ_and_stay_in_the_test_range() {
        let numbers: HashSet<String> = (0..10_000).map(nhs_number).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(numbers.iter().all(|number| number.starts_with("999")));
    }
}
