//! Which kinds of message a mock does not read, and why: everything else it is shown must be taken.
//!
//! A kind is the folder of a fixture. A line here that is no longer true fails the tests, like one that is missing.

use super::{code, field};

struct Unread {
    vendor: &'static str,
    kinds: &'static [&'static str],
    /// What its facts say, or do not say.
    why: &'static str,
}

const UNREAD: &[Unread] = &[
    Unread {
        vendor: "lastword",
        kinds: &["ADT_A06", "ADT_A15", "ADT_A45", "ADT_A47", "ADT_A60"],
        why: "lastword-carecast.md 5.1: not in the assumed set of events",
    },
    Unread {
        vendor: "lastword",
        kinds: &[
            "BAR_P01", "DFT_P03", "MDM_T01", "MDM_T02", "MDM_T06", "MDM_T10", "MDM_T11", "OML_O21",
            "OMP_O09", "PPR_PC1", "RAS_O17", "RDE_O11", "RDS_O13", "SIU_S12", "SIU_S13", "SIU_S14",
            "SIU_S15", "SIU_S26",
        ],
        why: "lastword-carecast.md 4.3: only ADT is witnessed, orders and results are assumed",
    },
    Unread {
        vendor: "millennium",
        kinds: &["ADT_A47", "ADT_A60"],
        why: "millennium.md 2.3 and 2.4: A60 unknown, A47 not among the merges of 2.3",
    },
    Unread {
        vendor: "millennium",
        kinds: &["BAR_P01", "OML_O21", "OMP_O09", "RAS_O17", "RDE_O11", "RDS_O13"],
        why: "millennium.md 2.4: inbound are ADT, ORM, ORU, SIU, MDM and DFT",
    },
    Unread {
        vendor: "epic",
        kinds: &["BAR_P01", "DFT_P03", "OMP_O09", "RAS_O17", "RDE_O11", "RDS_O13"],
        why: "epic.md 2.1 to 2.4: no bills or medicines come in by HL7",
    },
    Unread {
        vendor: "lastword",
        kinds: ITK_ONLY,
        why: "lastword-carecast.md 5.1",
    },
    Unread {
        vendor: "millennium",
        kinds: ITK_ONLY,
        why: "millennium.md 2.4: nothing public names them",
    },
    Unread {
        vendor: "epic",
        kinds: ITK_ONLY,
        why: "epic.md 2.2: not among the events handled",
    },
];

/// Kinds that a national sender has and none of the products is known to read.
const ITK_ONLY: &[&str] = &[
    "ADT_A16", "ADT_A20", "ADT_A21", "ADT_A22", "ADT_A24", "ADT_A25", "ADT_A42", "ADT_A50", "OMG_O19",
    "ORL_O22", "ORU_R30", "ORU_R40", "QBP_Q22", "REF_I12", "RSP_K22", "VXU_V04",
];

/// What is wrong with an answer to a fixture, when something is.
pub fn objection(vendor: &str, path: &str, answer: &str) -> Option<String> {
    let kind = path.rsplit('/').nth(1).unwrap();
    let unread = UNREAD
        .iter()
        .find(|unread| unread.vendor == vendor && unread.kinds.contains(&kind));
    let taken = code(answer) == "AA";
    // 200 and 201: a message type, or an event, that is not known here.
    let unknown = answer.contains("|MSH^1^9^200") || answer.contains("|MSH^1^9^201");
    match unread {
        None if taken => None,
        None => Some(format!(
            "{path} -> {vendor}: {} {}",
            code(answer),
            field(answer, "MSA", 3)
        )),
        Some(_) if !taken && unknown => None,
        Some(_) if taken => Some(format!(
            "{path} -> {vendor}: is taken; the line in unread.rs is stale"
        )),
        Some(unread) => Some(format!(
            "{path} -> {vendor}: refused, but not as unknown ({}): {}",
            unread.why,
            field(answer, "MSA", 3)
        )),
    }
}
