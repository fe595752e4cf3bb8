//! The NHS ITK 2.4 shape: HL7 UK A.3 as patient administration systems broadcast it.
//!
//! ZU1 to ZU8 travel untouched: their defining text is open to HL7 UK members only.

use std::borrow::Cow;

use hl7v2::edit::{Change, Edit, Spot};
use hl7v2::{Charset, Message};

use super::{
    Confidence, Dialect, DialectContext, DialectRule, DialectSetting, Header, MARITAL_NHS, REPETITIONS_MAX,
    SEX_NHS, Width, birth_date, canonical_header, canonical_nhs_numbers, fit_times, render_header,
    render_nhs_numbers, sort_identifiers, standard, stay_number_canonical, stay_number_rendered, unchanged,
    visit_number_canonical, visit_number_rendered,
};

const SOURCE: &str = "HSCIC HL7 V2 DMS v1.1; NHS England's demonstration engine (shapes)";

/// The trust that numbers visits, when MSH-4 is no ODS code.
const TRUST: DialectSetting = DialectSetting {
    name: "trust",
    values: &[],
    default: "",
    why: "ODS code of the trust; MSH-4 when empty",
};

/// NHS ITK 2.4.
pub static ITK: Dialect = Dialect {
    name: "itk",
    title: "NHS ITK HL7 v2.4 ADT",
    source_note: SOURCE,
    recognise,
    settings: &[TRUST],
    rules: &[
        standard::ENCODING,
        HEADER,
        TIMES,
        NHS_NUMBER,
        SEX_NHS,
        MARITAL_NHS,
        BIRTH_DATE,
        ACCOUNT,
        VISIT_NUMBER,
        PLACE,
    ],
};

fn recognise(message: &Message<'_>) -> u8 {
    let header = message.header();
    let profile = message.field("MSH", 21).text();
    if profile
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("itk"))
    {
        return 95;
    }
    let routed = header.receiving_application() == "ROUTE" || header.receiving_facility() == "ROUTE";
    let private = message
        .segments()
        .any(|segment| segment.id().as_str().starts_with("ZU") && segment.id() != "ZUK");
    match (routed, private) {
        (true, true) => 90,
        (true, false) => 70,
        (false, true) => 60,
        (false, false) => 0,
    }
}

const HEADER: DialectRule = DialectRule {
    name: "MSH, EVN-1 of ITK",
    places: &["MSH-9", "MSH-12", "MSH-17", "MSH-18", "MSH-19", "MSH-21", "EVN-1"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "ITK names the structure, leaves EVN-1 empty and labels the message in MSH-21.",
    normalise: |edit, _| {
        canonical_header(edit);
        if let Some(msh) = edit.first("MSH")
            && edit.text(msh.field(21)).starts_with("iTK")
        {
            edit.drop(
                msh.field(21),
                "names the dialect, which the canonical shape is not in",
            );
        }
    },
    render: |edit, context| {
        let header = Header {
            sending_application: "PAS",
            sending_facility: "",
            version: "2.4",
            structure: true,
            acknowledgement: None,
        };
        canonical_header(edit);
        render_header(edit, context, &header);
        let Some(msh) = edit.first("MSH") else { return };
        for (number, text) in [
            (5, "ROUTE"),
            (6, "ROUTE"),
            (17, "GBR"),
            (19, "EN"),
            (21, "iTKv1.0"),
        ] {
            if !edit.is_present(msh.field(number)) {
                edit.set(msh.field(number), text, Change::Defaulted);
            }
        }
        if matches!(
            edit.encoding().charset,
            Charset::Utf8 | Charset::Unstated | Charset::Ascii
        ) {
            edit.set(msh.field(18), "UNICODE", Change::Transformed);
        }
        if let Some(evn) = edit.first("EVN") {
            edit.drop(evn.field(1), "ITK leaves EVN-1 empty; MSH-9 says the event");
        }
    },
};

const TIMES: DialectRule = DialectRule {
    name: "times of twelve digits",
    places: &["MSH-7", "EVN-2", "PID-29", "PV1-44", "PV1-45", "OBR-7", "OBX-14"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "ITK messages carry minutes and no offset.",
    normalise: unchanged,
    render: |edit, context| fit_times(edit, context, Width::Minutes),
};

const NHS_NUMBER: DialectRule = DialectRule {
    name: "PID-3 ^^^NHS > ^^^NHS^NH",
    places: &["PID-3", "PID-2", "PID-4", "MRG-1"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "ITK writes the NHS number first, with its authority and no type.",
    normalise: |edit, _| {
        canonical_nhs_numbers(edit);
        sort_identifiers(edit);
    },
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            let rank = |edit: &Edit<'_>, at: Spot| edit.text(at.component(5)) != "NH";
            if edit.repetitions(pid.field(3)) <= REPETITIONS_MAX {
                edit.sort_repetitions(pid.field(3), rank);
            }
        }
        render_nhs_numbers(edit, "NHS", "");
    },
};

const BIRTH_DATE: DialectRule = DialectRule {
    name: "PID-7 twelve digits > date",
    places: &["PID-7"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "ITK fills a birth date up to twelve digits.",
    normalise: |edit, _| birth_date(edit),
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            widen_date(edit, pid.field(7), "0000");
        }
    },
};

/// Fills a date of eight digits up to the width a dialect insists on.
pub fn widen_date(edit: &mut Edit<'_>, at: Spot, zeros: &str) {
    let text = edit.text(at);
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        edit.set_noted(
            at,
            format!("{text}{zeros}"),
            Change::Transformed,
            "zeros that only fill the field",
        );
    }
}

const ACCOUNT: DialectRule = DialectRule {
    name: "PID-18 = PV1-19",
    places: &["PID-18", "PV1-19"],
    source: SOURCE,
    confidence: Confidence::Inferred,
    why: "PID-18 repeats the visit number; where there is no visit it stands alone.",
    normalise: |edit, context| {
        drop_repeated_visit(edit, ("PID", 18));
        let trust = trust(edit, context).into_owned();
        stay_number_canonical(edit, trust);
    },
    render: |edit, _| {
        stay_number_rendered(edit);
        repeat_visit(edit, ("PID", 18));
    },
};

/// Drops a field that only says the visit number again.
pub fn drop_repeated_visit(edit: &mut Edit<'_>, (segment, number): (&str, u16)) {
    let (Some(segment), Some(pv1)) = (edit.first(segment), edit.first("PV1")) else {
        return;
    };
    let field = segment.field(number);
    if edit.is_valued(field) && edit.text(field) == edit.text(pv1.field(19)) {
        edit.drop(field, "says the visit number of PV1-19 again");
    }
}

/// Says the visit number again in a field that holds nothing.
pub fn repeat_visit(edit: &mut Edit<'_>, (segment, number): (&str, u16)) {
    let (Some(segment), Some(pv1)) = (edit.first(segment), edit.first("PV1")) else {
        return;
    };
    let field = segment.field(number);
    if !edit.is_present(field) && edit.is_valued(pv1.field(19)) {
        edit.copy_to(pv1.field(19).component(1), field.component(1));
    }
}

const VISIT_NUMBER: DialectRule = DialectRule {
    name: "PV1-19 ^^^VISITID > ^^^<ODS>^VN",
    places: &["PV1-19"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "VISITID says what the number is, not who assigned it.",
    normalise: |edit, context| {
        let trust = trust(edit, context).into_owned();
        visit_number_canonical(edit, &[("VISITID", ""), ("", ""), ("", "VISITID")], trust);
    },
    render: |edit, _| visit_number_rendered(edit, ("VISITID", "")),
};

/// The trust by setting, else by MSH-4 when that begins with a trust's code.
pub(crate) fn trust<'e>(edit: &Edit<'e>, context: &DialectContext<'e>) -> Cow<'e, str> {
    let said = context.setting(&TRUST);
    if !said.is_empty() {
        return Cow::Borrowed(said);
    }
    let facility = edit
        .first("MSH")
        .map(|msh| edit.text(msh.field(4)))
        .unwrap_or_default();
    let is_code = |code: &str| code.starts_with('R') && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match facility.get(..3) {
        Some(code) if is_code(code) && facility.len() <= 5 => Cow::Owned(code.to_owned()),
        _ => Cow::Borrowed(""),
    }
}

const PLACE: DialectRule = DialectRule {
    name: "PV1-3 trust^ward^bay-bed^site > ward^bay^bed^site",
    places: &["PV1-3", "PV1-6", "PV1-42"],
    source: SOURCE,
    confidence: Confidence::Documented,
    why: "ITK begins a place with the trust and joins bay and bed.",
    normalise: |edit, context| each_place(edit, context, place_canonical),
    render: |edit, context| each_place(edit, context, place_rendered),
};

fn each_place(edit: &mut Edit<'_>, context: &DialectContext<'_>, visit: fn(&mut Edit<'_>, Spot, &str)) {
    let Some(pv1) = edit.first("PV1") else { return };
    let trust = trust(edit, context).into_owned();
    for number in [3, 6, 42] {
        let at = pv1.field(number).repetition(1);
        if edit.is_present(at) {
            visit(edit, at, &trust);
        }
    }
}

/// `RYJ^RIVERSIDE^BAY3-B02^RYJ01` to `RIVERSIDE^BAY3^B02^RYJ01`.
fn place_canonical(edit: &mut Edit<'_>, at: Spot, _: &str) {
    if !is_trust_first(edit, at) {
        return;
    }
    if edit
        .text(at.component(4))
        .starts_with(&*edit.text(at.component(1)))
    {
        edit.drop(at.component(1), "the code of the site begins with it");
    } else {
        edit.move_to(at.component(1), at.component(11));
    }
    edit.move_to(at.component(2), at.component(1));
    if let Some((bay, bed)) = edit.text(at.component(3)).split_once('-') {
        let (bay, bed) = (bay.to_owned(), bed.to_owned());
        if bed.is_empty() {
            edit.move_to(at.component(3), at.component(2));
            edit.set(at.component(2), bay, Change::Transformed);
            return;
        }
        edit.set_noted(
            at.component(2),
            bay,
            Change::Transformed,
            "bay of a bay and bed in one",
        );
        edit.set_noted(
            at.component(3),
            bed,
            Change::Transformed,
            "bed of a bay and bed in one",
        );
    }
}

/// The first component is the trust when the fourth, the site, begins with it, or when it looks like a trust's code
/// and a ward follows.
fn is_trust_first(edit: &Edit<'_>, at: Spot) -> bool {
    let (first, site) = (edit.text(at.component(1)), edit.text(at.component(4)));
    let code = first.len() == 3 && first.starts_with('R') && first.bytes().all(|b| b.is_ascii_alphanumeric());
    code && (site.starts_with(&*first) || edit.is_valued(at.component(2)))
}

fn place_rendered(edit: &mut Edit<'_>, at: Spot, trust: &str) {
    if is_trust_first(edit, at) {
        return;
    }
    let (bay, bed) = (
        edit.text(at.component(2)).into_owned(),
        edit.text(at.component(3)).into_owned(),
    );
    if !bay.is_empty() && !bed.is_empty() {
        let note = if bay.contains('-') {
            "bay and bed in one; a hyphen in the bay makes it ambiguous"
        } else {
            ""
        };
        edit.set_noted(at.component(3), format!("{bay}-{bed}"), Change::Transformed, note);
        edit.drop(at.component(2), "said in the third component, with the bed");
    } else if !bay.is_empty() {
        edit.move_to(at.component(2), at.component(3));
        edit.set(at.component(3), format!("{bay}-"), Change::Transformed);
    }
    edit.move_to(at.component(1), at.component(2));
    if edit.is_valued(at.component(11)) {
        edit.move_to(at.component(11), at.component(1));
    } else {
        let site = edit.text(at.component(4));
        let of_site = site
            .get(..3)
            .filter(|code| code.starts_with('R') && matches!(site.len(), 5));
        let trust = of_site.unwrap_or(trust).to_owned();
        edit.set(at.component(1), trust, Change::Defaulted);
    }
}
