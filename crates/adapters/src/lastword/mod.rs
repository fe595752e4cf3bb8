//! IDX LastWord, later GE Carecast: the green-screen patient index of two London trusts.
//!
//! Two profiles that disagree on purpose. `carecast-uclh` follows what UCLH's feed looked like; `lastword-cw` is a
//! site of the same product about which nothing technical is public, and is ours throughout. No FHIR face: the
//! product predates it, and the gateway shows its data through a façade.

mod dialect;
mod emit;
mod intake;
mod seed;

use hl7v2::ack::AckCode;

use crate::dirt::Dirty;
use crate::state::Text;
use crate::vendor::{Assumption, Codes, Profile, Reading, Table, Vendor, Writing};

/// LastWord and Carecast.
pub(crate) static VENDOR: Vendor = Vendor {
    name: "lastword",
    title: "IDX LastWord / GE Carecast",
    profiles: &[&CARECAST_UCLH, &LASTWORD_CW],
    fhir_base: None,
    mllp_port: 2576,
    assumptions: ASSUMPTIONS,
    tables: &[
        Table {
            name: "specialties",
            source: "local specialty to treatment function: lastword-carecast.md 3.3 and item 12 witness five digits \
                     (31015, 41008, 42002); the others and all mappings are ours, with gaps on purpose",
            csv: include_str!("specialties.csv"),
        },
        Table {
            name: "wards",
            source: "ward to hospital site (ODS): lastword-carecast.md 5.3; the wards are ours, with gaps on purpose",
            csv: include_str!("wards.csv"),
        },
        Table {
            name: "sources",
            source: "source of admission to the NHS data dictionary's: lastword-carecast.md 5.3",
            csv: include_str!("sources.csv"),
        },
        Table {
            name: "sexes",
            source: "PID-8 to table 0001: lastword-carecast.md 3.3",
            csv: include_str!("sexes.csv"),
        },
    ],
    seed: seed::events,
    seed_block: 0,
    admits: |_| Err("the product has no FHIR face, and nothing to authorise"),
    dirty: Some(Dirty {
        unknown_ward: "ZZ99",
        bare: emit::is_bare,
    }),
    face: None,
    patient_id: |_, _| None,
};

static CARECAST_UCLH: Profile = Profile {
    name: "carecast-uclh",
    title: "Carecast as University College London Hospitals fed it until 2019",
    dialect: &dialect::CARECAST_UCLH,
    reading: Reading {
        events: EVENTS,
        // Whether the site ever sent A18 is not known; both merges are understood.
        merges: &["A34", "A18"],
        renumbers: &[],
        moves: &[],
        unmerges: &["A37"],
        combines: &[],
        clinical: &[("ORM", &["O01"])],
        parted: intake::parted,
        fails: |_, _, _, _| None,
        identities: intake::identities,
        losers: intake::losers,
        owner: |_| Text::default(),
        visit: intake::visit,
        ethnicity: &[("PID", 10), ("PID", 22)],
        marital: &[("ZLC", 15), ("PID", 16)],
        language_component: 4,
        refuses: intake::refuses,
        bars: |_, _, _, _| None,
        unreadable: AckCode::AE,
        unsupported: AckCode::AE,
        stores: intake::fit_carecast,
    },
    writing: Writing {
        merge_event: "A34",
        tells: emit::tells,
        control_id: emit::control_id,
        write: emit::carecast,
    },
    codes: Codes {
        class: CLASSES,
        sex: SEXES,
        mrn: ("MRENTR", "MEDREC"),
        nhs: ("", ""),
        mrn_digits: 8,
        visit_authority: "",
    },
};

static LASTWORD_CW: Profile = Profile {
    name: "lastword-cw",
    title: "LastWord as imagined at Chelsea and Westminster",
    dialect: &dialect::LASTWORD_CW,
    reading: Reading {
        events: EVENTS,
        merges: &["A18", "A34"],
        renumbers: &[],
        moves: &[],
        unmerges: &["A37"],
        combines: &[],
        clinical: &[("ORM", &["O01"])],
        parted: intake::parted,
        fails: |_, _, _, _| None,
        identities: intake::identities,
        losers: intake::losers,
        owner: |_| Text::default(),
        visit: intake::visit,
        ethnicity: &[("PID", 10)],
        marital: &[("PID", 16)],
        language_component: 1,
        refuses: intake::refuses,
        bars: |_, _, _, _| None,
        unreadable: AckCode::AE,
        unsupported: AckCode::AE,
        stores: intake::fit_lastword,
    },
    writing: Writing {
        merge_event: "A18",
        tells: emit::tells,
        control_id: emit::control_id,
        write: emit::lastword,
    },
    codes: Codes {
        class: CLASSES,
        sex: SEXES,
        mrn: ("CWMRN", "HN"),
        nhs: ("", ""),
        mrn_digits: 7,
        visit_authority: "",
    },
};

const EVENTS: &[&str] = &[
    "A01", "A02", "A03", "A04", "A05", "A08", "A11", "A12", "A13", "A28", "A31",
];

const CLASSES: &[(&str, &str)] = &[
    ("inpatient", "I"),
    ("outpatient", "O"),
    ("emergency", "E"),
    ("daycase", "D"),
    ("preadmit", "P"),
];

const SEXES: &[(&str, &str)] = &[("female", "F"), ("male", "M"), ("unknown", "U"), ("other", "O")];

const ASSUMPTIONS: &[Assumption] = &[
    Assumption::assumed(
        "header",
        "spec",
        "lastword-carecast.md 5.1: MSH-3 by the spec notes or by the fixture",
    )
    .choices(&["spec", "fixture"]),
    Assumption::assumed(
        "ethnicity",
        "PID-10",
        "lastword-carecast.md 3.3 and item 6: the two witnesses disagree",
    )
    .choices(&["PID-10", "PID-22"]),
    Assumption::assumed(
        "bare-nhs-share",
        "70",
        "lastword-carecast.md item 5: per cent of people whose NHS number is sent bare",
    )
    .choices(&["0", "10", "30", "50", "70", "90", "100"]),
    Assumption::assumed(
        "birth-time-share",
        "20",
        "lastword-carecast.md item 15: per cent of people whose birth is sent with 12 digits",
    )
    .choices(&["0", "20", "50", "100"]),
    Assumption::assumed(
        "events",
        "A01 A02 A03 A04 A05 A08 A11 A12 A13 A28 A31 and a merge",
        "lastword-carecast.md 5.1",
    ),
    Assumption::assumed(
        "merge-event",
        "A34 (carecast-uclh), A18 (lastword-cw)",
        "lastword-carecast.md 4.2 and 5.2",
    ),
    Assumption::assumed(
        "acknowledgement",
        "AA at once; AE for what cannot be taken; never AR",
        "lastword-carecast.md 5.3",
    ),
    Assumption::assumed(
        "accept-mode",
        "MSH-15/16 say AL/NE; one answer per frame, AA or CA from a receiver both count",
        "lastword-carecast.md item 4",
    ),
    Assumption::assumed(
        "width",
        "names 30, address lines 35, accents folded",
        "lastword-carecast.md 5.3",
    ),
    Assumption::assumed(
        "case",
        "lastword-cw upper-cases all but free text; carecast-uclh the surname",
        "lastword-carecast.md 5.2 and 3.3",
    ),
    Assumption::assumed(
        "person-details",
        "event-time",
        "lastword-carecast.md 4.4: nothing is known about late messages; each detail counts as of EVN-2, else MSH-7, or the last to arrive wins",
    )
    .choices(&["event-time", "arrival"]),
    Assumption::assumed(
        "details-by-other-messages",
        "only ADT says who somebody is; others register somebody unknown until an ADT does",
        "lastword-carecast.md 4.4: what an order or a result does to a registration is not public",
    ),
    Assumption::assumed(
        "unknown-person",
        "an event about somebody unknown registers them",
        "lastword-carecast.md 4.4: nothing is known about refusals",
    ),
    Assumption::assumed(
        "matching",
        "hospital number first, then NHS number when the dates of birth agree",
        "lastword-carecast.md 6",
    ),
    Assumption::assumed(
        "batch-window",
        "off",
        "lastword-carecast.md 5.3 and item 21: nothing leaves during the nightly batch",
    )
    .choices(&["off", "02:00-02:20"]),
    Assumption::assumed(
        "beyond-2.2",
        "SIU and MDM are sent as 2.3; ORM is sent and taken as 2.2",
        "lastword-carecast.md 5.1 and 4.3",
    ),
    Assumption::assumed(
        "result-codes",
        "ORU^R01 2.2 with local codes PLW-HL7 in components 4 to 6",
        "lastword-carecast.md 5.1 and item 9",
    ),
    Assumption::assumed(
        "result-order",
        "a preliminary result after the final one only enters the history",
        "lastword-carecast.md 4.3: results are not witnessed",
    ),
    Assumption::unknown(
        "cw-dialect",
        "all of the profile lastword-cw",
        "lastword-carecast.md 4.1",
    ),
    Assumption::unknown(
        "native-merge",
        "A34 or A18 by profile",
        "lastword-carecast.md 4.2",
    ),
    Assumption::unknown(
        "beyond-adt",
        "orders are taken; bookings, documents and allergies are only told; medication is not spoken",
        "lastword-carecast.md 4.3",
    ),
    Assumption::unknown(
        "ack-texts",
        "our own words; resend by control id and by time is ours",
        "lastword-carecast.md 4.4",
    ),
    Assumption::unknown(
        "query-services",
        "none: no PIX, PDQ, web service or FHIR",
        "lastword-carecast.md 4.5",
    ),
    Assumption::assumed(
        "dirt",
        "0",
        "lastword-carecast.md item 20: per cent of seeded people with each kind of dirt; the truth is told apart",
    )
    .choices(&["0", "1", "5", "20"]),
    Assumption::unknown(
        "file-layouts",
        "five tables of our own, comma-separated, and the same as messages",
        "lastword-carecast.md 4.6 and item 19",
    ),
    Assumption::unknown(
        "opaque-codes",
        "PMGL, PLS-1, PV1-41 2, ZLW-36/38, ZUK-3/10/11/12 are sent as constants",
        "lastword-carecast.md 4.7",
    ),
    Assumption::unknown(
        "two-digit-years",
        "never sent; 12 digits with the century",
        "lastword-carecast.md 4.8",
    ),
    Assumption::unknown("archive-end", "none", "lastword-carecast.md 4.9"),
];
