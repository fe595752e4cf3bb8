//! Epic, as one UK hospital feeds it: the numbers of the system it replaced, contact serial numbers, local times.
//!
//! The header keeps the acting user in MSH-8, control ids are plain integers, and a merge is an A40. The FHIR face
//! has opaque ids and its own error codes.

mod dialect;
mod emit;
mod face;
mod id;
mod intake;
mod seed;

use hl7v2::ack::AckCode;

use crate::state::Text;
use crate::vendor::{Assumption, Codes, Profile, Reading, Table, Vendor, Writing};

/// Epic.
pub(crate) static VENDOR: Vendor = Vendor {
    name: "epic",
    title: "Epic",
    profiles: &[&UCLH],
    fhir_base: Some("/epic/api/FHIR/R4"),
    mllp_port: 2578,
    assumptions: ASSUMPTIONS,
    tables: &[
        Table {
            name: "specialties",
            source: "specialty as text to treatment function: epic.md 2.3; the mappings are ours",
            csv: include_str!("specialties.csv"),
        },
        Table {
            name: "codes",
            source: "local codes by field: epic.md 2.3",
            csv: include_str!("codes.csv"),
        },
    ],
    seed: seed::events,
    seed_block: 2,
    admits: face::admits,
    dirty: None,
    face: Some(face::router),
    patient_id: |seed, person| Some(id::opaque(seed, id::Kind::Patient, u64::from(person))),
};

static UCLH: Profile = Profile {
    name: "epic-uclh",
    title: "Epic as University College London Hospitals feeds it",
    dialect: &dialect::EPIC_UCLH,
    reading: Reading {
        events: &[
            "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A14", "A15", "A17",
            "A26", "A28", "A29", "A31", "A38", "A60",
        ],
        merges: &["A40"],
        renumbers: &["A47"],
        moves: &["A45"],
        unmerges: &["A37"],
        combines: &[],
        clinical: &[
            ("ORM", &["O01"]),
            ("OML", &["O21"]),
            ("SIU", &["S12", "S13", "S14", "S15", "S16", "S17", "S26"]),
            ("MDM", &["T01", "T02", "T04", "T06", "T08", "T10", "T11"]),
            ("PPR", &["PC1", "PC2", "PC3"]),
        ],
        parted: intake::parted,
        fails: intake::fails,
        identities: intake::identities,
        losers: intake::losers,
        owner: |_| Text::default(),
        visit: intake::visit,
        ethnicity: &[("PID", 22)],
        marital: &[("PID", 16)],
        language_component: 1,
        refuses: intake::refuses,
        bars: |_, _, _, _| None,
        unreadable: AckCode::AR,
        unsupported: AckCode::AE,
        stores: |_| {},
    },
    writing: Writing {
        merge_event: "A40",
        tells: emit::tells,
        control_id: emit::control_id,
        write: emit::write,
    },
    codes: Codes {
        class: &[
            ("inpatient", "I"),
            ("outpatient", "O"),
            ("emergency", "E"),
            ("daycase", "DAY CASE"),
            ("preadmit", "P"),
        ],
        sex: &[("female", "F"), ("male", "M"), ("unknown", "U"), ("other", "O")],
        mrn: ("MRENTR", "MEDREC"),
        nhs: ("NHS", "HN"),
        mrn_digits: 8,
        visit_authority: "",
    },
};

const ASSUMPTIONS: &[Assumption] = &[
    Assumption::assumed(
        "default-format",
        "xml",
        "epic.md 1.1 and item 1: XML unless JSON is asked for",
    )
    .choices(&["xml", "json"]),
    Assumption::assumed("nhs-type", "HN", "epic.md 2.3: HN, sometimes NH").choices(&["HN", "NH"]),
    Assumption::assumed(
        "processing-id",
        "P, T and D are taken; anything else is AR 202",
        "epic.md 2.1: P and T are seen, D in public samples",
    ),
    Assumption::assumed(
        "ack-mode",
        "original: AA, AE, AR; MSH-15/16 say AL/NE",
        "epic.md 2.5",
    ),
    Assumption::assumed(
        "acknowledgement",
        "AR for what is no HL7, AE for what cannot be filed",
        "epic.md 2.5",
    ),
    Assumption::assumed(
        "strict-results",
        "off",
        "epic.md item 19: two US sites; one OBR per message, and a placer number that was ordered here",
    )
    .choices(&["off", "on"]),
    Assumption::assumed(
        "person-details",
        "event-time",
        "epic.md 2.5: messages come out of order and late, and readers have to bear it; each detail counts as of EVN-2, else MSH-7, or the last to arrive wins",
    )
    .choices(&["event-time", "arrival"]),
    Assumption::assumed(
        "details-by-other-messages",
        "only ADT says who somebody is; others register somebody unknown until an ADT does",
        "epic.md 2.5: what an order or a result does to a registration is not public",
    ),
    Assumption::assumed(
        "unknown-person",
        "an event about somebody unknown registers them",
        "epic.md 2.5",
    ),
    Assumption::assumed(
        "matching",
        "hospital number first, then NHS number when the dates of birth agree",
        "epic.md 1.5: the threshold is set by the site",
    ),
    Assumption::assumed(
        "order-message",
        "ORM",
        "epic.md 2.1: ORM 2.3 at UCLH, OML^O21 2.5.1 at a second UK trust",
    )
    .choices(&["ORM", "OML"]),
    Assumption::assumed(
        "uncertain-matches",
        "off",
        "epic.md 1.5 and item 14: onlyCertainMatches false is allowed where the site says so",
    )
    .choices(&["off", "on"]),
    Assumption::assumed("unmerge-event", "A37", "epic.md 2.2: only merges are seen"),
    Assumption::assumed(
        "scopes",
        "v1",
        "epic.md 1.7: in which version a token lists its scopes; what was registered is granted, whatever is asked for",
    )
    .choices(&["v1", "v2"]),
    Assumption::assumed(
        "groups",
        "two: everyone, and whoever is in a bed; their ids are in the CapabilityStatement",
        "epic.md 1.8: groups are made by the customer",
    ),
    Assumption::assumed(
        "export-takes",
        "2 seconds",
        "epic.md 1.8: how long an export is under way at least; nothing is published",
    )
    .choices(&["0 seconds", "2 seconds", "60 seconds"]),
    Assumption::assumed(
        "export-since",
        "_since is taken and changes nothing: each export is full",
        "epic.md 1.8 and item 21",
    ),
    Assumption::assumed(
        "break-the-glass",
        "needed",
        "epic.md 1.6 and item 20: 4130 or 4131 about somebody whose record is protected (PD1-12, or the action update)",
    )
    .choices(&["needed", "refused"]),
    Assumption::assumed(
        "break-the-glass-reach",
        "the whole chart, with 403; searches for people and matches still find them, exports leave them out",
        "epic.md 1.6: neither status nor reach is published",
    ),
    Assumption::assumed("token-life", "3600 seconds", "epic.md 1.7 names none"),
    Assumption::assumed(
        "token-errors",
        "400 with error and a null description, also for a client that is not known",
        "epic.md 1.7",
    ),
    Assumption::assumed(
        "missing-right",
        "403 with 4118 and insufficient_scope",
        "epic.md 1.6: the status is not published",
    ),
    Assumption::assumed("patch-status", "405", "epic.md item 13"),
    Assumption::assumed(
        "error-statuses",
        "400 for fatal, 200 for warning where no status is published",
        "epic.md 1.6",
    ),
    Assumption::assumed(
        "instance",
        "1.2.840.114350.1.13.9990",
        "epic.md 1.2: an instance number of our own in the vendor's arc",
    ),
    Assumption::assumed(
        "demographics",
        "family, given and birthdate together, or an identifier, or _id, is enough",
        "epic.md 1.4",
    ),
    Assumption::assumed(
        "page-life",
        "600",
        "epic.md 1.4 and item 9: for how many seconds of the EPR's clock the next page can be fetched",
    )
    .choices(&["60", "600", "3600", "never"]),
    Assumption::assumed(
        "merged-read",
        "404 is not given: 4107 with the survivor's location, status 301",
        "epic.md 1.6 and item 15: the status is not published",
    ),
    Assumption::assumed(
        "mrn-authority",
        "MRENTR and MEDREC, as the system before it",
        "epic.md 2.3",
    ),
    Assumption::assumed(
        "charset",
        "MSH-18 empty, text in UTF-8",
        "epic.md 2.1: no character set is seen",
    ),
    Assumption::assumed(
        "department-id",
        "a number made from the department's name",
        "epic.md 2.3",
    ),
    Assumption::unknown(
        "bridges",
        "no interface tables or retry rules of its own; one outbox in order",
        "epic.md 2.5",
    ),
    Assumption::unknown("duplicate-check", "none beyond matching", "epic.md 1.5"),
    Assumption::unknown("create-headers", "201, Location and no body", "epic.md 1.3"),
];
