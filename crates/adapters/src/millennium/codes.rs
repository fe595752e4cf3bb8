//! Code values: one table drives both faces.
//!
//! HL7 prints a value's alias, or `CD:<value>` when it has none; FHIR prints the same number under its code set.
//! Numbers with a public source are marked; the rest are ours.

/// One code value.
pub(super) struct CodeValue {
    pub set: u16,
    pub value: u32,
    pub display: &'static str,
    /// The word actions use, or the NHS code it stands for; empty when it has neither.
    pub plain: &'static str,
    /// Whether an outbound alias exists; without one HL7 shows `CD:`.
    pub aliased: bool,
}

const fn row(set: u16, value: u32, display: &'static str, plain: &'static str) -> CodeValue {
    CodeValue {
        set,
        value,
        display,
        plain,
        aliased: true,
    }
}

const fn bare(set: u16, value: u32, display: &'static str, plain: &'static str) -> CodeValue {
    CodeValue {
        set,
        value,
        display,
        plain,
        aliased: false,
    }
}

pub(super) const ADMIT_SOURCE: u16 = 2;
pub(super) const ADMIT_TYPE: u16 = 3;
pub(super) const PERSON_ALIAS: u16 = 4;
pub(super) const DISCHARGE_DISPOSITION: u16 = 19;
pub(super) const ETHNICITY: u16 = 27;
pub(super) const MEDICAL_SERVICE: u16 = 34;
pub(super) const MARITAL: u16 = 38;
pub(super) const SEX: u16 = 57;
pub(super) const ENCOUNTER_TYPE: u16 = 71;
pub(super) const EVENT: u16 = 72;
pub(super) const CATALOGUE: u16 = 200;
pub(super) const APPOINTMENT_TYPE: u16 = 14_249;
pub(super) const ENCOUNTER_ALIAS: u16 = 319;

/// MRN: 10, and FIN: 1077, are published; the others of sets 4 and 319 are seen in public samples.
pub(super) const MRN: u32 = 10;
pub(super) const FIN: u32 = 1077;
pub(super) const COMMUNITY_MRN: u32 = 660_921;
pub(super) const NHS_NUMBER: u32 = 3_844_501;

pub(super) static VALUES: &[CodeValue] = &[
    row(ENCOUNTER_TYPE, 391, "Inpatient", "inpatient"),
    row(ENCOUNTER_TYPE, 392, "Emergency", "emergency"),
    row(ENCOUNTER_TYPE, 393, "Outpatient", "outpatient"),
    row(ENCOUNTER_TYPE, 394, "Newborn", "newborn"),
    row(ENCOUNTER_TYPE, 395, "Day Case", "daycase"),
    row(ENCOUNTER_TYPE, 396, "Preadmit", "preadmit"),
    row(SEX, 362, "Female", "female"),
    row(SEX, 361, "Male", "male"),
    row(SEX, 364, "Unknown", "unknown"),
    row(SEX, 365, "Indeterminate", "other"),
    row(MARITAL, 305, "Married", "M"),
    row(MARITAL, 306, "Single", "S"),
    row(MARITAL, 307, "Divorced", "D"),
    row(MARITAL, 308, "Widowed", "W"),
    row(MARITAL, 309, "Separated", "P"),
    row(MARITAL, 310, "Not disclosed", "N"),
    row(ETHNICITY, 312_501, "White - British", "A"),
    row(ETHNICITY, 312_502, "White - Irish", "B"),
    row(ETHNICITY, 312_503, "Any other White background", "C"),
    row(ETHNICITY, 312_504, "White and Black Caribbean", "D"),
    row(ETHNICITY, 312_505, "White and Black African", "E"),
    row(ETHNICITY, 312_506, "White and Asian", "F"),
    row(ETHNICITY, 312_508, "Asian - Indian", "H"),
    row(ETHNICITY, 312_509, "Asian - Pakistani", "J"),
    row(ETHNICITY, 312_510, "Asian - Bangladeshi", "K"),
    row(ETHNICITY, 312_511, "Any other Asian background", "L"),
    row(ETHNICITY, 312_512, "Black - Caribbean", "M"),
    row(ETHNICITY, 312_513, "Black - African", "N"),
    row(ETHNICITY, 312_514, "Any other Black background", "P"),
    row(ETHNICITY, 312_515, "Other - Chinese", "R"),
    // Nobody gave these two an outbound alias: they leak.
    bare(ETHNICITY, 312_507, "Any other ethnic group", "S"),
    bare(ETHNICITY, 312_516, "Any other mixed background", "G"),
    row(ETHNICITY, 312_517, "Not stated", "Z"),
    row(ADMIT_SOURCE, 4203, "Usual residence", "19"),
    row(ADMIT_SOURCE, 4204, "Temporary residence", "29"),
    row(ADMIT_SOURCE, 4205, "Ward of another NHS provider", "51"),
    row(ADMIT_SOURCE, 4206, "NHS care home", "54"),
    row(ADMIT_SOURCE, 4207, "Baby born in hospital", "79"),
    row(ADMIT_TYPE, 1187, "Emergency", "21"),
    row(ADMIT_TYPE, 1188, "Waiting List", "11"),
    row(ADMIT_TYPE, 1189, "Planned", "13"),
    row(ADMIT_TYPE, 1190, "Maternity", "31"),
    row(ADMIT_TYPE, 1191, "Birth", "82"),
    row(DISCHARGE_DISPOSITION, 4288, "Discharged on clinical advice", "1"),
    row(DISCHARGE_DISPOSITION, 4289, "Self discharged", "6"),
    row(DISCHARGE_DISPOSITION, 4290, "Died", "4"),
    row(DISCHARGE_DISPOSITION, 4312, "Usual residence", "19"),
    row(MEDICAL_SERVICE, 313_012, "General Medicine", "300"),
    row(MEDICAL_SERVICE, 313_013, "Cardiology", "320"),
    row(MEDICAL_SERVICE, 313_014, "Dermatology", "330"),
    row(MEDICAL_SERVICE, 313_015, "Trauma and Orthopaedics", "110"),
    row(MEDICAL_SERVICE, 313_016, "Obstetrics", "501"),
    row(MEDICAL_SERVICE, 313_017, "Respiratory Medicine", "340"),
];

/// The value that a vendor text stands for: `CD:391`, `391`, a display, or an NHS code with or without its words
/// (`A^White - British` comes as the code).
pub(super) fn value_of(set: u16, text: &str) -> Option<&'static CodeValue> {
    let number = text.strip_prefix("CD:").unwrap_or(text).parse::<u32>().ok();
    let mut in_set = VALUES.iter().filter(|value| value.set == set);
    in_set
        .clone()
        .find(|value| Some(value.value) == number && text.starts_with("CD:"))
        .or_else(|| {
            in_set.find(|value| {
                value.display.eq_ignore_ascii_case(text) || (!value.plain.is_empty() && value.plain == text)
            })
        })
}

/// The number an unknown local code gets: seven digits, the same for the same text.
pub(super) fn number_for(set: u16, text: &str) -> u32 {
    if let Some(number) = text.strip_prefix("CD:").and_then(|digits| digits.parse().ok()) {
        return number;
    }
    if let Some(value) = value_of(set, text) {
        return value.value;
    }
    let hash = crate::seed::hash(u64::from(set), &[text.as_bytes()]);
    2_700_000 + u32::try_from(hash % 1_000_000).unwrap_or(0)
}

/// What HL7 prints: the alias, or the bare code value when there is none or the profile aliases nothing.
pub(super) fn printed(set: u16, text: &str, raw: bool) -> String {
    match value_of(set, text) {
        Some(value) if raw || !value.aliased => format!("CD:{}", value.value),
        Some(value) => value.display.to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_within_a_set() {
        for (position, value) in VALUES.iter().enumerate() {
            let again = VALUES
                .iter()
                .skip(position + 1)
                .find(|other| (other.set, other.value) == (value.set, value.value));
            assert!(again.is_none(), "{} {}", value.set, value.value);
        }
    }

    #[test]
    fn the_same_value_is_found_by_number_display_and_meaning() {
        for text in ["CD:391", "Inpatient", "inpatient"] {
            assert_eq!(
                value_of(ENCOUNTER_TYPE, text).map(|value| value.value),
                Some(391),
                "{text}"
            );
        }
        assert!(value_of(ENCOUNTER_TYPE, "Hospice").is_none());
    }

    #[test]
    fn a_value_without_alias_prints_its_number_in_every_profile() {
        assert_eq!(printed(ETHNICITY, "S", false), "CD:312507");
        assert_eq!(printed(ETHNICITY, "A", false), "White - British");
        assert_eq!(printed(ETHNICITY, "A", true), "CD:312501");
    }
}
