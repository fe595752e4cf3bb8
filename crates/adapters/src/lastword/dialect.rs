//! How LastWord and Carecast bend HL7 v2: two sites of one product that agree on little.
//!
//! `carecast-uclh` follows two public witnesses that disagree in places, so a setting chooses; `lastword-cw` is ours
//! throughout. The tables beside this file map local codes and leave gaps where nothing honest can be said.

mod person;
mod visit;

use hl7v2::edit::{Change, Edit};
use hl7v2::{Message, SegmentId};
use translate::dialect::{
    A18, A34, Confidence, Dialect, DialectRule, DialectSetting, ENCODING, Header, Width, canonical_header,
    fit_times, fold_ascii, limit_width, render_header, render_merge, to_canonical_merge, unchanged,
    upper_case,
};

const WITNESS: &str = "EMAP fixtures and code comments on the Carecast feed of UCLH (shapes)";
const OURS: &str = "our own assumption for a site about which nothing technical is public";

const HEADER_SETTING: DialectSetting = DialectSetting {
    name: "header",
    values: &["kept", "spec", "fixture"],
    default: "kept",
    why: "kept leaves the sender that is named; spec and fixture write the feed's own header by either witness",
};
const ETHNICITY: DialectSetting = DialectSetting {
    name: "ethnicity",
    values: &["PID-10", "PID-22"],
    default: "PID-10",
    why: "the specification and the fixture disagree on the field",
};
const MARITAL: DialectSetting = DialectSetting {
    name: "marital-status",
    values: &["ZLC-15", "PID-16"],
    default: "ZLC-15",
    why: "the specification leaves PID-16 empty; the fixture fills it",
};
const SOURCE: DialectSetting = DialectSetting {
    name: "admission-source",
    values: &["ZLC-8", "PV1-14"],
    default: "ZLC-8",
    why: "the specification has it in the local segment; the fixture in PV1-14",
};
const NHS_NUMBER: DialectSetting = DialectSetting {
    name: "nhs-number",
    values: &["bare", "typed"],
    default: "bare",
    why: "the second repetition of PID-3 may come without authority and type",
};
const TRUST_UCLH: DialectSetting = DialectSetting {
    name: "trust",
    values: &[],
    default: "RRV",
    why: "ODS code of the trust that numbers patients",
};
const TRUST_CW: DialectSetting = DialectSetting {
    name: "trust",
    values: &[],
    default: "RQM",
    why: "ODS code of the trust that numbers patients",
};

/// Carecast as University College London Hospitals fed it.
pub(crate) static CARECAST_UCLH: Dialect = Dialect {
    name: "carecast-uclh",
    title: "Carecast, University College London Hospitals, until 2019",
    source_note: WITNESS,
    recognise: recognise_carecast,
    settings: &[HEADER_SETTING, ETHNICITY, MARITAL, SOURCE, NHS_NUMBER, TRUST_UCLH],
    rules: &[
        ENCODING,
        CARECAST_HEADER,
        MERGE_A34,
        TIMES,
        CARECAST_TEXT,
        person::CARECAST_NUMBERS,
        person::BIRTH_DATE,
        person::ETHNICITY_EITHER,
        person::MARITAL_LOCAL,
        person::NAME_TYPE,
        person::COUNTY,
        person::TELECOMS,
        person::LANGUAGE,
        person::DISABILITY,
        person::PRACTICES,
        visit::VISIT_NUMBER_UCLH,
        visit::ADMISSION,
        visit::PLACE,
        visit::CLINICIANS,
        visit::PRACTITIONER,
        visit::SPECIALTY,
        visit::SOURCE_LOCAL,
        OBSERVATION_CODES,
    ],
};

/// LastWord as imagined at Chelsea and Westminster.
pub(crate) static LASTWORD_CW: Dialect = Dialect {
    name: "lastword-cw",
    title: "LastWord, Chelsea and Westminster (assumed)",
    source_note: OURS,
    recognise: recognise_lastword,
    settings: &[TRUST_CW],
    rules: &[
        ENCODING,
        LASTWORD_HEADER,
        MERGE_A18,
        TIMES,
        LASTWORD_TEXT,
        person::LASTWORD_NUMBERS,
        person::BIRTH_DATE,
        person::SEX,
        person::ETHNICITY_PID_10,
        person::MARITAL_STATUS,
        person::NAME_TYPE,
        person::COUNTY,
        person::TELECOMS,
        person::LANGUAGE,
        visit::VISIT_NUMBER_CW,
        visit::PLACE,
        visit::CLINICIANS,
        visit::NO_PD1,
        visit::PRACTITIONER,
        visit::SOURCES,
        OBSERVATION_CODES,
    ],
};

fn recognise_carecast(message: &Message<'_>) -> u8 {
    let header = message.header();
    let application = header.sending_application();
    if application == "CARECAST" || application.starts_with("UCLH4") {
        return 95;
    }
    let signs = [
        is_control_id(&header.control_id()) && header.sending_facility() != "RQM",
        message.segment("ZLC").is_some() || message.segment("ZUK").is_some(),
        message.field("PID", 3).component(4).text() == "MRENTR" && header.time().len() == 12,
    ];
    20 * signs.iter().filter(|sign| **sign).count() as u8
}

fn recognise_lastword(message: &Message<'_>) -> u8 {
    let header = message.header();
    if header.sending_application() == "LASTWORD" {
        return 95;
    }
    let signs = [
        message.field("PID", 3).component(4).text() == "CWMRN",
        is_control_id(&header.control_id()) && header.sending_facility() == "RQM",
    ];
    40 * signs.iter().filter(|sign| **sign).count() as u8
}

/// `PLW` and seventeen digits.
fn is_control_id(id: &str) -> bool {
    id.strip_prefix("PLW")
        .is_some_and(|rest| rest.len() == 17 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

const CARECAST_HEADER: DialectRule = DialectRule {
    name: "MSH of Carecast",
    places: &[
        "MSH-3", "MSH-4", "MSH-5", "MSH-6", "MSH-9", "MSH-12", "MSH-15", "MSH-16",
    ],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "AL/NE, no structure, and a version label of 2.4 or 2.2 that is no promise.",
    normalise: |edit, _| canonical_header(edit),
    render: |edit, context| {
        let older = context.is(&HEADER_SETTING, "fixture");
        let result = edit
            .first("MSH")
            .is_some_and(|msh| edit.text(msh.field(9)) == "ORU");
        let header = Header {
            sending_application: "CARECAST",
            sending_facility: "UCLH",
            version: if older || result { "2.2" } else { "2.4" },
            structure: false,
            acknowledgement: Some(("AL", "NE")),
        };
        match context.setting(&HEADER_SETTING) {
            "spec" => own_header(edit, [&["CARECAST"], &["UCLH"], &[], &[]]),
            "fixture" => own_header(
                edit,
                [&["UCLH4", "PMGL", "ADTOUT"], &["RRV30"], &["UCLH"], &["ZZ"]],
            ),
            _ => {}
        }
        render_header(edit, context, &header);
    },
};

/// Writes MSH-3 to MSH-6 as the feed itself does.
fn own_header(edit: &mut Edit<'_>, fields: [&[&'static str]; 4]) {
    let Some(msh) = edit.first("MSH") else { return };
    for (number, components) in (3..).zip(fields) {
        if components.is_empty() {
            continue;
        }
        edit.drop(msh.field(number), "the feed writes its own header");
        for (component, text) in (1..).zip(components) {
            edit.set(msh.field(number).component(component), *text, Change::Defaulted);
        }
    }
}

const LASTWORD_HEADER: DialectRule = DialectRule {
    name: "MSH of LastWord",
    places: &["MSH-3", "MSH-4", "MSH-9", "MSH-12", "MSH-15", "MSH-16"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "HL7 2.2 with AL/NE and no structure.",
    normalise: |edit, _| canonical_header(edit),
    render: |edit, context| {
        let header = Header {
            sending_application: "LASTWORD",
            sending_facility: "RQM",
            version: "2.2",
            structure: false,
            acknowledgement: Some(("AL", "NE")),
        };
        render_header(edit, context, &header);
    },
};

const MERGE_A34: DialectRule = DialectRule {
    name: "A34 > A40",
    places: &["MSH-9", "EVN-1"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "The event of a merge is not witnessed; A34 is the one of the version this feed declares.",
    normalise: |edit, _| to_canonical_merge(edit),
    render: |edit, _| render_merge(edit, A34),
};

const MERGE_A18: DialectRule = DialectRule {
    name: "A18 > A40",
    places: &["MSH-9", "EVN-1"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "A18 is the merge of HL7 2.2.",
    normalise: |edit, _| to_canonical_merge(edit),
    render: |edit, _| render_merge(edit, A18),
};

const TIMES: DialectRule = DialectRule {
    name: "times of twelve digits",
    places: &[
        "MSH-7", "EVN-2", "EVN-6", "PID-7", "PID-29", "PV1-44", "PV1-45", "OBR-7", "OBX-14",
    ],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Never seconds, never a zone.",
    normalise: unchanged,
    render: |edit, context| fit_times(edit, context, Width::Minutes),
};

const CARECAST_TEXT: DialectRule = DialectRule {
    name: "ASCII, fixed widths, upper-case surnames",
    places: &["PID-5", "PID-9", "PID-11", "NK1-2", "NK1-4", "MRG-7"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "A system of fixed-width records without accents.",
    normalise: unchanged,
    render: |edit, _| {
        fold_ascii(edit);
        cut(edit);
        for (segment, field) in [("PID", 5), ("NK1", 2), ("MRG", 7)] {
            for segment in edit.named(segment).collect::<Vec<_>>() {
                let at = segment.field(field).component(1);
                let surname = edit.text(at);
                if surname.bytes().any(|byte| byte.is_ascii_lowercase()) {
                    let upper = surname.to_ascii_uppercase();
                    edit.set_noted(at, upper, Change::Transformed, "upper case");
                }
            }
        }
    },
};

const LASTWORD_TEXT: DialectRule = DialectRule {
    name: "ASCII, fixed widths, upper case",
    places: &[
        "PID-5", "PID-9", "PID-11", "NK1-2", "NK1-4", "MRG-7", "PV1-3", "PV1-7", "OBX-3",
    ],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "A green screen in capitals: all but free text.",
    normalise: unchanged,
    render: |edit, _| {
        fold_ascii(edit);
        cut(edit);
        upper_case(edit, &[("PV2", 3), ("OBX", 6), ("DG1", 4), ("OBR", 13)]);
    },
};

/// Names at 30, address lines at 35.
fn cut(edit: &mut Edit<'_>) {
    for (segment, field, width) in [
        ("PID", 5, 30),
        ("PID", 9, 30),
        ("PID", 11, 35),
        ("NK1", 2, 30),
        ("NK1", 4, 35),
        ("MRG", 7, 30),
    ] {
        for segment in edit.named(segment).collect::<Vec<_>>() {
            limit_width(edit, segment, field, width);
        }
    }
}

const OBSERVATION_CODES: DialectRule = DialectRule {
    name: "OBX-3.4 > OBX-3.1",
    places: &["OBX-3"],
    source: WITNESS,
    confidence: Confidence::Documented,
    why: "Codes stand as the alternate coding, in components 4 to 6, with none before them.",
    normalise: |edit, _| each_observation(edit, (4, 1)),
    render: |edit, _| each_observation(edit, (1, 4)),
};

fn each_observation(edit: &mut Edit<'_>, (from, to): (u16, u16)) {
    for ordinal in 0..edit.segment_count() {
        let Some(segment) = edit.segment_at(ordinal) else {
            break;
        };
        if edit.id(segment) != "OBX" {
            continue;
        }
        let field = segment.field(3);
        if (to..to + 3).any(|component| edit.is_present(field.component(component))) {
            continue;
        }
        for step in 0..3 {
            edit.move_to(field.component(from + step), field.component(to + step));
        }
    }
}

/// A segment of that name, put at the end of the message when there is none.
fn segment_at_end(edit: &mut Edit<'_>, id: &'static str) -> hl7v2::edit::SegmentRef {
    match edit.first(id) {
        Some(segment) => segment,
        None => edit.insert_segment(SegmentId::of(id), None),
    }
}

/// Takes out a segment that says nothing any more.
fn remove_if_empty(edit: &mut Edit<'_>, id: &str) {
    if let Some(segment) = edit.first(id)
        && edit.is_empty(segment)
    {
        edit.remove_segment(segment, "says nothing any more");
    }
}
