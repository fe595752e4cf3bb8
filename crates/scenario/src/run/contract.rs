//! What downstream systems were promised: who a patient is must stand where it stood, spelled as it was.

use std::collections::BTreeMap;

use hl7v2::Message;

/// The fields downstream systems lean on. What a new system writes elsewhere is its own affair.
const FIELDS: &[&str] = &[
    "MSH-9.1",
    "MSH-9.2",
    "PID-3.1",
    "PID-3.4",
    "PID-3.5",
    "PID-3[2].1",
    "PID-5.1",
    "PID-5.2",
    "PID-7",
    "PID-8",
    "PID-11.5",
];

/// Rows of field, before, after, and whether both are the same for every patient.
pub(super) fn compare(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for field in FIELDS {
        let mut shown: Option<(String, String)> = None;
        let mut differ = 0;
        for (number, old) in before {
            let Some(new) = after.get(number) else { continue };
            let (old, new) = (raw(old, field), raw(new, field));
            differ += usize::from(old != new);
            // The first pair that differs says more than the first that does not.
            if shown.is_none() || old != new && differ == 1 {
                shown = Some((old, new));
            }
        }
        let (old, new) = shown.unwrap_or_default();
        let verdict = if differ == 0 {
            "=same".to_owned()
        } else {
            format!("!{differ} differ")
        };
        rows.push(vec![(*field).to_owned(), old, new, verdict]);
    }
    rows
}

fn raw(bytes: &[u8], field: &str) -> String {
    let (Ok(message), Ok(location)) = (Message::parse(bytes), field.parse()) else {
        return String::new();
    };
    String::from_utf8_lossy(message.value(&location).raw()).into_owned()
}
