//! Cerner Millennium: one domain, several trusts, numbers in alias pools.
//!
//! Two profiles of the same product: `millennium`, where a site's aliases make most codes readable, and
//! `millennium-raw`, where nothing is aliased and code values leak as `CD:<number>`. The FHIR face shows the same
//! numbers under their code sets.

mod codes;
mod dialect;
mod emit;
mod face;
mod intake;
mod seed;
mod trust;

use hl7v2::ack::AckCode;

use crate::vendor::{Assumption, Codes, Profile, Reading, Table, Vendor, Writing};

/// Cerner Millennium.
pub(crate) static VENDOR: Vendor = Vendor {
    name: "millennium",
    title: "Cerner Millennium",
    profiles: &[&TIDIED, &RAW],
    fhir_base: Some("/millennium/r4/{tenant}"),
    mllp_port: 2577,
    assumptions: ASSUMPTIONS,
    tables: &[
        Table {
            name: "aliases",
            source: "what the site's outbound aliases print, by field: millennium.md 2.2 and 2.3; the choice of words is ours",
            csv: include_str!("aliases.csv"),
        },
        Table {
            name: "ethnicities",
            source: "PID-22 to the NHS ethnic category: millennium.md 2.2",
            csv: include_str!("ethnicity.csv"),
        },
        Table {
            name: "trusts",
            source: "prefix of an alias pool to its trust (ODS): nhs.md 2",
            csv: include_str!("trusts.csv"),
        },
    ],
    seed: seed::events,
    seed_block: 1,
    admits: face::admits,
    dirty: None,
    face: Some(face::router),
    patient_id: |_, person| Some(person.to_string()),
};

static TIDIED: Profile = Profile {
    name: "millennium",
    title: "Millennium with a site's outbound aliases",
    dialect: &dialect::MILLENNIUM,
    reading: READING,
    writing: Writing {
        merge_event: "A34",
        tells: emit::tells,
        control_id: emit::control_id,
        write: emit::tidied,
    },
    codes: CODES,
};

static RAW: Profile = Profile {
    name: "millennium-raw",
    title: "Millennium with no alias at all: bare code values",
    dialect: &dialect::MILLENNIUM_RAW,
    reading: READING,
    writing: Writing {
        merge_event: "A34",
        tells: emit::tells,
        control_id: emit::control_id,
        write: emit::raw,
    },
    codes: CODES,
};

const READING: Reading = Reading {
    events: &[
        "A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A11", "A12", "A13", "A15", "A26", "A28",
        "A31", "A38",
    ],
    merges: &["A34", "A40"],
    renumbers: &[],
    moves: &["A45"],
    unmerges: &["A37"],
    combines: &["A35"],
    clinical: &[
        ("ORM", &["O01"]),
        ("SIU", &["S12", "S13", "S14", "S15", "S16", "S17", "S26"]),
        ("MDM", &["T01", "T02", "T04", "T06", "T08", "T10", "T11"]),
        ("PPR", &["PC1", "PC2", "PC3"]),
        ("DFT", &["P03"]),
    ],
    parted: intake::parted,
    fails: intake::fails,
    identities: intake::identities,
    losers: intake::losers,
    owner: intake::owner,
    visit: intake::visit,
    ethnicity: &[("PID", 22), ("PID", 10)],
    marital: &[("PID", 16)],
    language_component: 1,
    refuses: intake::refuses,
    bars: trust::bars,
    unreadable: AckCode::AE,
    unsupported: AckCode::AE,
    stores: intake::stores,
};

const CODES: Codes = Codes {
    class: &[
        ("inpatient", "Inpatient"),
        ("outpatient", "Outpatient"),
        ("emergency", "Emergency"),
        ("daycase", "Day Case"),
        ("preadmit", "Preadmit"),
    ],
    sex: &[("female", "F"), ("male", "M"), ("unknown", "U"), ("other", "O")],
    mrn: ("ICHT MRN", "MRN"),
    nhs: ("NHSNBR", "NHSNMBR"),
    mrn_digits: 7,
    visit_authority: "ICHT Encounter Num",
};

const ASSUMPTIONS: &[Assumption] = &[
    Assumption::assumed(
        "merge-event",
        "A34",
        "millennium.md 2.4 and item 25: which merge a UK build sends is unknown; A34 and A40 are understood",
    )
    .choices(&["A34", "A40"]),
    Assumption::assumed(
        "tenant",
        "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990",
        "millennium.md 1.1: a tenant of our own; the public sandbox's belongs to its vendor",
    ),
    Assumption::assumed(
        "contributor",
        "any",
        "millennium.md 2.4 and item 24: any sender that names itself, or only the domain's trusts by MSH-4, each with \
         its own facilities and pools; an empty MSH-3 and MSH-4 is answered AE",
    )
    .choices(&["any", "by-trust"]),
    Assumption::assumed(
        "contributor-refusal",
        "AE",
        "millennium.md 2.4: what a contributor hears that says what is not its own to say",
    )
    .choices(&["AE", "AR"]),
    Assumption::assumed(
        "demographics-event",
        "by-visit",
        "scenarios.md 3.2: A08 with the visit while somebody is in hospital, or A31 always, which shows no visit to the \
         trusts that share the person",
    )
    .choices(&["by-visit", "A31"]),
    Assumption::assumed(
        "acknowledgement",
        "AA once the change is recorded, AE for what cannot be taken; no AR",
        "millennium.md 2.4: comm-server behaviour is unknown",
    ),
    Assumption::assumed(
        "alias-failure",
        "keep",
        "millennium.md 2.4 and item 24: kept as they came, or the message waits in the error queue",
    )
    .choices(&["keep", "queue"]),
    Assumption::assumed(
        "person-details",
        "event-time",
        "millennium.md 2.4: how ESI orders late messages is unknown; each detail counts as of EVN-2, else MSH-7, or the last to arrive wins",
    )
    .choices(&["event-time", "arrival"]),
    Assumption::assumed(
        "details-by-other-messages",
        "only ADT says who somebody is; others register somebody unknown until an ADT does",
        "millennium.md 2.4: what an order or a result does to a registration is not public",
    ),
    Assumption::assumed(
        "unknown-person",
        "an event about somebody unknown registers them",
        "millennium.md 2.4",
    ),
    Assumption::assumed(
        "matching",
        "numbers-then-nhs",
        "millennium.md 2.5: the product does not look for duplicates; hospital number by pool first, then NHS number when \
         the dates of birth agree, or numbers of pools only",
    )
    .choices(&["numbers-then-nhs", "numbers-only"]),
    Assumption::assumed(
        "repeat-order",
        "alias pools swap with every change of the person; the NHS number stays last",
        "millennium.md 2.2 and items 22, 23",
    ),
    Assumption::assumed(
        "combine-events",
        "A35 for visits, A37 for an uncombine",
        "millennium.md 2.4",
    ),
    Assumption::assumed(
        "scopes",
        "v2",
        "millennium.md 1.2 and item 18: the sandbox takes version 2 only, the documentation shows version 1",
    )
    .choices(&["v1", "v2"]),
    Assumption::assumed(
        "unregistered-scopes",
        "stand in the token, and what they ask for is 403",
        "millennium.md 1.2: an allow-list can refuse what the token lists",
    ),
    Assumption::assumed(
        "token-errors",
        "error and error_uri; 401 with a Basic challenge for a client that is not known, 400 for the rest",
        "millennium.md 1.2: only invalid_scope is seen",
    ),
    Assumption::assumed(
        "planted-leak",
        "none",
        "scenarios.md item 16: one wall between organisations taken down on purpose, so that a proof of segregation can be \
         seen to fail",
    )
    .choices(&["none", "search", "read", "paging", "counts", "bulk", "error", "log"]),
    Assumption::assumed(
        "other-organisations",
        "nothing",
        "millennium.md 1.2 and item 17: what a client sees of visits of other organisations; with results, their results, \
         documents and orders",
    )
    .choices(&["nothing", "results"]),
    Assumption::assumed(
        "organisation",
        "the facility of the place, else PV1-39, else MSH-4 when it is an ODS code, else RYJ01",
        "millennium.md 2.5: encounters belong to a facility's organisation",
    ),
    Assumption::assumed(
        "groups",
        "5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9901 is everyone, 5f0c6a52-0f8e-4a43-9c0e-2b7a4d8e9902 whoever is in a bed",
        "millennium.md 1.8: groups are made by the vendor's registry",
    ),
    Assumption::assumed(
        "export-takes",
        "2 seconds",
        "millennium.md 1.8: how long a job is under way at least; nothing is published",
    )
    .choices(&["0 seconds", "2 seconds", "60 seconds"]),
    Assumption::assumed(
        "export-throttle",
        "a second job of a client is 429 while the first is under way; done, kept and deleted ones do not count",
        "millennium.md 1.8 and item 19",
    ),
    Assumption::assumed("service-request-post", "405", "millennium.md item 12"),
    Assumption::assumed("total", "Bundle.total is absent", "millennium.md 1.4"),
    Assumption::assumed(
        "search-parameters",
        "a parameter the product does not document is ignored; none that it does is 400",
        "millennium.md 1.3 and 1.4",
    ),
    Assumption::assumed(
        "event-codes",
        "a local test code shows as a codeSet/72 number made from it, beside the local code",
        "millennium.md 1.6",
    ),
    Assumption::assumed(
        "alias-systems",
        "an alias pool's system is urn:oid:2.25 and a number made from the pool's name",
        "millennium.md 1.6: a site OID",
    ),
    Assumption::assumed(
        "code-values",
        "numbers without a public source are ours",
        "millennium.md 1.6 and 2.2",
    ),
    Assumption::assumed(
        "last-modified",
        "ETag and Last-Modified on every read",
        "millennium.md 1.1",
    ),
    Assumption::assumed(
        "charges",
        "DFT^P03 is taken; its lines are read and found as ChargeItem, not written by FHIR",
        "millennium.md 2.4 and 1.5: DFT comes in; $create, $modify and $credit are not served",
    ),
    Assumption::unknown(
        "native-allergies",
        "A60 and IAM are not spoken",
        "millennium.md 2.3",
    ),
    Assumption::unknown(
        "comm-server",
        "no names, retry or timing of its own",
        "millennium.md 2.4",
    ),
    Assumption::unknown("nack-texts", "our own words", "millennium.md 2.4"),
    Assumption::unknown("go-live-order", "nothing depends on it", "millennium.md 3"),
];
