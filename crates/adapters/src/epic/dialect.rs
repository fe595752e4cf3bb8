//! How Epic at University College London Hospitals bends HL7 v2: the old hospital number's authority kept, one
//! clinician under several id types, specialties and methods as text, visits by CSN.

mod person;
mod visit;

use hl7v2::Message;
use translate::dialect::{
    Confidence, Dialect, DialectRule, DialectSetting, ENCODING, FieldTables, Header, Width, canonical_header,
    fit_times, render_header, to_canonical_merge, unchanged,
};

const EMAP: &str = "EMAP fixtures and reader for UCLH's Epic feed (shapes)";
const OURS: &str = "our own assumption";

const TRUST: DialectSetting = DialectSetting {
    name: "trust",
    values: &[],
    default: "RRV",
    why: "ODS code of the trust that numbers patients",
};
const NHS_TYPE: DialectSetting = DialectSetting {
    name: "nhs-number-type",
    values: &["HN", "NH"],
    default: "HN",
    why: "the feed writes HN, sometimes NH",
};

static CODES: FieldTables = FieldTables::new(include_str!("codes.csv"));

/// Epic as University College London Hospitals feeds it.
pub(crate) static EPIC_UCLH: Dialect = Dialect {
    name: "epic-uclh",
    title: "Epic, University College London Hospitals",
    source_note: EMAP,
    recognise,
    settings: &[TRUST, NHS_TYPE],
    rules: &[
        ENCODING,
        HEADER,
        MERGE,
        TIMES,
        person::NUMBERS,
        person::PRACTICE,
        visit::CLASS_AGAIN,
        CODE_TEXTS,
        visit::CSN,
        visit::PLACE,
        visit::SPECIALTY,
        visit::CLINICIANS,
        visit::DISCHARGE,
    ],
};

fn recognise(message: &Message<'_>) -> u8 {
    let header = message.header();
    let application = header.sending_application();
    if application
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("epic"))
    {
        return 95;
    }
    let signs = [
        header.receiving_application().eq_ignore_ascii_case("epic"),
        message.segment("ZPD").is_some() || message.segment("ZPV").is_some(),
        message.field("PID", 3).component(4).text() == "MRENTR" && header.time().len() == 14,
    ];
    45 * signs.iter().filter(|sign| **sign).count().min(2) as u8
}

const HEADER: DialectRule = DialectRule {
    name: "MSH of Epic",
    places: &[
        "MSH-3", "MSH-4", "MSH-8", "MSH-9", "MSH-12", "MSH-15", "MSH-16", "EVN-5",
    ],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "The acting user in MSH-8, a version per feed, AL/NE, no structure.",
    normalise: |edit, _| canonical_header(edit),
    render: |edit, context| {
        let Some(msh) = edit.first("MSH") else { return };
        let adt = edit.text(msh.field(9)) == "ADT";
        let header = Header {
            sending_application: "EPIC",
            sending_facility: "UCLH",
            version: if adt { "2.4" } else { "2.3" },
            structure: false,
            acknowledgement: Some(("AL", "NE")),
        };
        render_header(edit, context, &header);
        if let Some(evn) = edit.first("EVN")
            && !edit.is_present(msh.field(8))
            && edit.is_valued(evn.field(5))
        {
            edit.copy_to(
                evn.field(5).repetition(1).component(1),
                msh.field(8).repetition(1).component(1),
            );
        }
    },
};

const MERGE: DialectRule = DialectRule {
    name: "A18, A34 > A40",
    places: &["MSH-9", "EVN-1"],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "A40 is the only person merge seen here.",
    normalise: |edit, _| to_canonical_merge(edit),
    render: unchanged,
};

const TIMES: DialectRule = DialectRule {
    name: "times of fourteen digits",
    places: &[
        "MSH-7", "EVN-2", "EVN-6", "PID-29", "PV1-44", "PV1-45", "OBR-7", "OBX-14",
    ],
    source: EMAP,
    confidence: Confidence::Documented,
    why: "Local times without an offset; summer time is implied.",
    normalise: unchanged,
    render: |edit, context| fit_times(edit, context, Width::Seconds),
};

const CODE_TEXTS: DialectRule = DialectRule {
    name: "display texts > codes",
    places: &[
        "PID-5.7", "PID-11.6", "PID-11.7", "NK1-4.6", "MRG-7.7", "PV1-2", "PV1-4", "PV1-14",
    ],
    source: "our own table of texts, shapes from EMAP",
    confidence: Confidence::Assumed,
    why: "Name and address types of its own, and texts where the NHS has codes.",
    normalise: |edit, _| CODES.normalise(edit),
    render: |edit, _| CODES.render(edit),
};
