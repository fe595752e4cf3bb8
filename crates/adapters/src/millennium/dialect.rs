//! How Millennium bends HL7 v2: alias pools in PID-3, display text where codes belong, bare code values where no alias
//! was made.
//!
//! `millennium` is a feed that a site's engine has tidied; `millennium-raw` comes straight from the product, every
//! coded place a `CD:` number. Both read either; they differ in what they write.

mod alias;
mod person;
mod visit;

use hl7v2::edit::{Change, Edit};
use hl7v2::{Charset, Delimiters, Encoding, Message};
use translate::dialect::{
    A34, A40, Confidence, Dialect, DialectContext, DialectRule, DialectSetting, ENCODING, FieldTables,
    Header, Width, canonical_header, fit_times, render_header, render_merge, to_canonical_merge, unchanged,
};

const SAMPLES: &str =
    "public sample messages: Royal Free-styled simulator, CDC's Oracle Health samples (shapes)";
const OURS: &str = "our own assumption";

const MERGE_EVENT: DialectSetting = DialectSetting {
    name: "merge-event",
    values: &["A34", "A40"],
    default: "A34",
    why: "which event a UK build sends for a person combine is not published",
};
const TRUST: DialectSetting = DialectSetting {
    name: "trust",
    values: &[],
    default: "RYJ",
    why: "ODS code of the trust whose visits are numbered, where no encounter pool says it",
};

static CODES: FieldTables = FieldTables::new(include_str!("codes.csv"));

/// Millennium, tidied by a site's engine.
pub(crate) static MILLENNIUM: Dialect = Dialect {
    name: "millennium",
    title: "Cerner Millennium, aliased",
    source_note: SAMPLES,
    recognise: |message| if is_raw(message) { 60 } else { recognise(message) },
    settings: &[MERGE_EVENT, TRUST],
    rules: &[
        ENCODING,
        alias::READ,
        HEADER,
        MERGE,
        TIMES,
        person::POOLS,
        person::REPEATED_NUMBER,
        person::BIRTH_DATE,
        person::TELECOMS,
        person::ETHNICITY,
        visit::VISIT,
        visit::CLASS_AGAIN,
        CODE_TEXTS,
        visit::CLINICIANS,
        visit::DISCHARGE,
    ],
};

/// Millennium as the product itself writes.
pub(crate) static MILLENNIUM_RAW: Dialect = Dialect {
    name: "millennium-raw",
    title: "Cerner Millennium, nothing aliased",
    source_note: SAMPLES,
    recognise: |message| if is_raw(message) { 95 } else { 0 },
    settings: &[MERGE_EVENT, TRUST],
    rules: &[
        ENCODING,
        alias::READ_AND_WRITE,
        HEADER,
        MERGE,
        TIMES,
        person::POOLS,
        person::REPEATED_NUMBER,
        person::BIRTH_DATE,
        person::TELECOMS,
        person::ETHNICITY,
        visit::VISIT,
        visit::CLASS_AGAIN,
        CODE_TEXTS,
        visit::CLINICIANS,
        visit::DISCHARGE,
    ],
};

fn recognise(message: &Message<'_>) -> u8 {
    let header = message.header();
    let application = header.sending_application();
    if matches!(&*application, "CERNER" | "HNAM" | "MILL" | "V500" | "MILLENNIUM") {
        return 95;
    }
    let pools = message.field("PID", 3).repetitions().any(|repetition| {
        let pool = repetition.component(4).text();
        pool == "NHSNBR" || pool.ends_with(" MRN")
    });
    // Many products type a hospital number MRN: alone it is no sign of this one.
    let typed = message
        .field("PID", 3)
        .repetitions()
        .any(|repetition| repetition.component(5).text() == "MRN");
    let signs = [is_control_id(&header.control_id()), pools];
    45 * signs.iter().map(|sign| u8::from(*sign)).sum::<u8>() + 5 * u8::from(typed)
}

/// Identifier types as code values, or the product's own sender name.
fn is_raw(message: &Message<'_>) -> bool {
    let header = message.header();
    let product = header.sending_application().is_empty() && header.sending_facility() == "HNA";
    let typed = message
        .field("PID", 3)
        .repetitions()
        .any(|repetition| repetition.component(5).text().starts_with("CD:"));
    product || typed && is_control_id(&header.control_id())
}

/// `Q…T…`, perhaps with a suffix.
fn is_control_id(id: &str) -> bool {
    let Some((queue, transaction)) = id.strip_prefix('Q').and_then(|rest| rest.split_once('T')) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(queue) && digits(transaction.trim_end_matches(|c: char| c.is_ascii_alphabetic()))
}

const HEADER: DialectRule = DialectRule {
    name: "MSH of Millennium",
    places: &["MSH-3", "MSH-4", "MSH-9", "MSH-12", "MSH-18"],
    source: SAMPLES,
    confidence: Confidence::Inferred,
    why: "2.3, no structure, Latin-1.",
    normalise: |edit, _| canonical_header(edit),
    render: |edit, context| {
        let header = Header {
            sending_application: "CERNER",
            sending_facility: "RYJ",
            version: "2.3",
            structure: false,
            acknowledgement: None,
        };
        render_header(edit, context, &header);
        latin_1(edit);
    },
};

/// Latin-1 where ASCII does not do; what even that cannot say stays a question mark, and the trace says so.
fn latin_1(edit: &mut Edit<'_>) {
    let Some(msh) = edit.first("MSH") else { return };
    let ascii = edit.message().bytes().is_ascii();
    let charset = if ascii { Charset::Ascii } else { Charset::Latin1 };
    edit.encode_as(Encoding {
        delimiters: Delimiters::STANDARD,
        charset,
    });
    let change = if edit.is_valued(msh.field(18)) {
        Change::Transformed
    } else {
        Change::Defaulted
    };
    edit.set(msh.field(18).component(1), charset.name(), change);
}

const MERGE: DialectRule = DialectRule {
    name: "A34 > A40",
    places: &["MSH-9", "EVN-1"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "A34 for a person combine on 2.3; A40 by setting.",
    normalise: |edit, _| to_canonical_merge(edit),
    render: |edit, context| render_merge(edit, if context.is(&MERGE_EVENT, A40) { A40 } else { A34 }),
};

const TIMES: DialectRule = DialectRule {
    name: "times of fourteen digits",
    places: &[
        "MSH-7", "EVN-2", "EVN-6", "PID-29", "PV1-44", "PV1-45", "OBR-7", "OBX-14",
    ],
    source: SAMPLES,
    confidence: Confidence::Inferred,
    why: "Local times without an offset.",
    normalise: unchanged,
    render: |edit, context| fit_times(edit, context, Width::Seconds),
};

const CODE_TEXTS: DialectRule = DialectRule {
    name: "display texts > codes",
    places: &[
        "PID-5.7", "PID-8", "PID-11.7", "PID-15", "PID-16", "PID-24", "PID-30", "NK1-2.7", "NK1-4.7",
        "PV1-2", "PV1-4", "PV1-10", "PV1-14", "PV1-36", "PV1-37", "AL1-2", "AL1-4", "DG1-6", "MRG-7.7",
        "ORC-5", "OBX-11",
    ],
    source: "our own table of texts, shapes from public samples",
    confidence: Confidence::Assumed,
    why: "Coded places show what the screen shows.",
    normalise: |edit, _| CODES.normalise(edit),
    render: |edit, _: &DialectContext<'_>| CODES.render(edit),
};
