//! Who the patient is: pools, repeats, telephones, ethnic category.

use std::borrow::Cow;

use hl7v2::SegmentId;
use hl7v2::edit::{Change, Edit, Spot};
use translate::dialect::{
    CodeTable, Confidence, DialectRule, Fields, IdentifierKind, Lookup, birth_date, canonical_nhs_numbers,
    each_repetition, identifier_kind, patient_identifiers, put_authority, render_nhs_numbers,
    sort_identifiers, widen_date,
};

use super::SAMPLES;

static TRUSTS: CodeTable = CodeTable::new(include_str!("../trusts.csv"));
static ETHNICITIES: CodeTable = CodeTable::new(include_str!("../ethnicity.csv"));

const POOLED: Fields<'static> = &[
    (SegmentId::of("PID"), &[2, 3, 4, 18, 21]),
    (SegmentId::of("MRG"), &[1, 2, 3, 4]),
];

pub(super) const POOLS: DialectRule = DialectRule {
    name: "PID-3 alias pools > authorities",
    places: &[
        "PID-2", "PID-3", "PID-4", "PID-18", "PID-21", "MRG-1", "MRG-2", "MRG-3", "MRG-4",
    ],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "Component 4 is a pool's display, component 5 its alias type; repetitions come in any order.",
    normalise: |edit, _| {
        canonical_nhs_numbers(edit);
        each_repetition(edit, POOLED, pool_canonical);
        sort_identifiers(edit);
    },
    render: |edit, _| {
        sort_identifiers(edit);
        each_repetition(edit, POOLED, pool_rendered);
        render_nhs_numbers(edit, "NHSNBR", "NHSNMBR");
    },
};

/// `RAL MRN^MRN` is `RAL^MR`, `RAL Encounter Num^FINNBR` is `RAL^AN`, the community pool is `CMRN^PI`.
fn pool_canonical(edit: &mut Edit<'_>, at: Spot) {
    let pool = edit.text(at.component(4));
    let kind = edit.text(at.component(5));
    if matches!(&*pool, "CMRN Pool" | "Community MRN") {
        put_authority(edit, at, ("CMRN", "PI"));
    } else if let Some(site) = pool
        .strip_suffix(" MRN")
        .filter(|_| matches!(&*kind, "MRN" | "CMRN" | ""))
    {
        put_authority(edit, at, (trust_of(site), "MR"));
    } else if kind == "MRN" && !pool.is_empty() {
        put_authority(edit, at, (pool, "MR"));
    } else if let Some(site) = pool.strip_suffix(" Encounter Num").filter(|_| kind == "FINNBR") {
        put_authority(edit, at, (trust_of(site), "AN"));
    } else if matches!(&*kind, "FINNBR" | "FIN NBR") {
        put_authority(edit, at, (pool, "AN"));
    }
}

/// The ODS code of a trust that a pool names by its short name; a name without a row stays.
fn trust_of<'m>(site: &str) -> Cow<'m, str> {
    match TRUSTS.canonical(site) {
        Lookup::Code(code) => Cow::Borrowed(code),
        Lookup::Gap | Lookup::Unknown => Cow::Owned(site.to_owned()),
    }
}

fn pool_rendered(edit: &mut Edit<'_>, at: Spot) {
    let authority = edit.text(at.component(4));
    let kind = edit.text(at.component(5));
    let site = match TRUSTS.local(&authority) {
        Lookup::Code(site) => site,
        Lookup::Gap | Lookup::Unknown => &authority,
    };
    match &*kind {
        _ if authority.is_empty() => {}
        "MR" => put_authority(edit, at, (format!("{site} MRN"), "MRN")),
        "AN" => put_authority(edit, at, (format!("{site} Encounter Num"), "FINNBR")),
        "PI" if authority == "CMRN" => put_authority(edit, at, ("CMRN Pool", "")),
        _ => {}
    }
}

pub(super) const REPEATED_NUMBER: DialectRule = DialectRule {
    name: "PID-2 repeats PID-3",
    places: &["PID-2", "PID-3"],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "PID-2 often says one of the numbers of PID-3 again.",
    normalise: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let number = edit.text(pid.field(2));
        if patient_identifiers(edit, pid).any(|at| !number.is_empty() && edit.text(at) == number) {
            edit.drop(pid.field(2), "says a number of PID-3 again");
        }
    },
    render: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let own =
            patient_identifiers(edit, pid).find(|&at| identifier_kind(edit, at) == IdentifierKind::Hospital);
        if let Some(own) = own.filter(|_| !edit.is_present(pid.field(2))) {
            for component in [1, 4, 5] {
                edit.copy_to(own.component(component), pid.field(2).component(component));
            }
        }
    },
};

pub(super) const BIRTH_DATE: DialectRule = DialectRule {
    name: "PID-7 fourteen digits > date",
    places: &["PID-7"],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "Birth dates are filled up with zeros to fourteen digits.",
    normalise: |edit, _| birth_date(edit),
    render: |edit, _| {
        if let Some(pid) = edit.first("PID") {
            widen_date(edit, pid.field(7), "000000");
        }
    },
};

pub(super) const TELECOMS: DialectRule = DialectRule {
    name: "XTN.2 HOME, EMAIL, CD:3310891 > table 0201",
    places: &["PID-13", "PID-14", "NK1-5"],
    source: SAMPLES,
    confidence: Confidence::Inferred,
    why: "The use stands as a text or a code value, and an e-mail address where a number belongs.",
    normalise: |edit, _| each_repetition(edit, TELECOM_FIELDS, telecom_canonical),
    render: |edit, _| each_repetition(edit, TELECOM_FIELDS, telecom_rendered),
};

const TELECOM_FIELDS: Fields<'static> = &[(SegmentId::of("PID"), &[13, 14]), (SegmentId::of("NK1"), &[5])];

/// The code value of a mobile telephone, which nobody gave an alias.
const MOBILE: &str = "CD:3310891";

fn telecom_canonical(edit: &mut Edit<'_>, at: Spot) {
    let (used_as, equipment) = match &*edit.text(at.component(2)) {
        "HOME" => ("PRN", "PH"),
        MOBILE => ("PRS", "CP"),
        "EMAIL" => {
            edit.move_to(at.component(1), at.component(4));
            ("NET", "Internet")
        }
        _ => return,
    };
    edit.set(at.component(2), used_as, Change::Transformed);
    edit.set(at.component(3), equipment, Change::Defaulted);
}

fn telecom_rendered(edit: &mut Edit<'_>, at: Spot) {
    let used_as = match (&*edit.text(at.component(2)), &*edit.text(at.component(3))) {
        ("PRN", "PH" | "") => "HOME",
        ("PRS" | "ORN" | "PRN", "CP") => MOBILE,
        ("NET", _) if !edit.is_present(at.component(1)) => {
            edit.move_to(at.component(4), at.component(1));
            "EMAIL"
        }
        _ => return,
    };
    edit.set(at.component(2), used_as, Change::Transformed);
    edit.drop(at.component(3), "the use says it in this dialect");
}

pub(super) const ETHNICITY: DialectRule = DialectRule {
    name: "PID-22 code^text > code",
    places: &["PID-22"],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "The category comes with its text, which follows from the code.",
    normalise: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let field = pid.field(22);
        let text = ETHNICITIES.display(&edit.text(field.component(1)));
        if text.is_some_and(|text| edit.text(field.component(2)) == text) {
            edit.drop(field.component(2), "follows from the code");
        }
    },
    render: |edit, _| {
        let Some(pid) = edit.first("PID") else { return };
        let field = pid.field(22);
        if !edit.is_present(field.component(2))
            && let Some(text) = ETHNICITIES.display(&edit.text(field.component(1)))
        {
            edit.set(field.component(2), text, Change::Defaulted);
        }
    },
};
