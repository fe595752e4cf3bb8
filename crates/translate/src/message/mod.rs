//! Messages: which segments make which resources, and how they hang together.
//!
//! One pass over the segments, in their order: a segment opens, completes or closes a resource in the [`Scene`].
//! Groups need no grammar for this — an OBX belongs to the OBR before it, an MRG to the PID before it — so a
//! message of an unknown structure is translated by the same pass, with a note. A segment that no map reads
//! travels on the MessageHeader; none is dropped.

mod cover;
mod medicine;
mod order;
mod participant;
mod problem;
mod referral;
mod reply;
pub(crate) mod scene;
pub(crate) mod write;

/// HL7 table 0354: the structure of a trigger event, and the message code it belongs to.
const STRUCTURES: &[(&str, &str, &str)] = &[
    ("A01", "ADT", "ADT_A01"),
    ("A02", "ADT", "ADT_A02"),
    ("A03", "ADT", "ADT_A03"),
    ("A04", "ADT", "ADT_A01"),
    ("A05", "ADT", "ADT_A05"),
    ("A06", "ADT", "ADT_A06"),
    ("A07", "ADT", "ADT_A06"),
    ("A08", "ADT", "ADT_A01"),
    ("A09", "ADT", "ADT_A09"),
    ("A10", "ADT", "ADT_A09"),
    ("A11", "ADT", "ADT_A09"),
    ("A12", "ADT", "ADT_A12"),
    ("A13", "ADT", "ADT_A01"),
    ("A14", "ADT", "ADT_A05"),
    ("A15", "ADT", "ADT_A15"),
    ("A16", "ADT", "ADT_A16"),
    ("A17", "ADT", "ADT_A17"),
    ("A18", "ADT", "ADT_A18"),
    ("A21", "ADT", "ADT_A21"),
    ("A22", "ADT", "ADT_A21"),
    ("A23", "ADT", "ADT_A21"),
    ("A24", "ADT", "ADT_A24"),
    ("A25", "ADT", "ADT_A21"),
    ("A26", "ADT", "ADT_A21"),
    ("A27", "ADT", "ADT_A21"),
    ("A28", "ADT", "ADT_A05"),
    ("A29", "ADT", "ADT_A21"),
    ("A31", "ADT", "ADT_A05"),
    ("A34", "ADT", "ADT_A30"),
    ("A38", "ADT", "ADT_A38"),
    ("A40", "ADT", "ADT_A39"),
    ("A41", "ADT", "ADT_A39"),
    ("A47", "ADT", "ADT_A30"),
    ("A60", "ADT", "ADT_A60"),
    ("O01", "ORM", "ORM_O01"),
    ("O09", "OMP", "OMP_O09"),
    ("O11", "RDE", "RDE_O11"),
    ("O13", "RDS", "RDS_O13"),
    ("O17", "RAS", "RAS_O17"),
    ("O21", "OML", "OML_O21"),
    ("O25", "RDE", "RDE_O11"),
    ("P01", "BAR", "BAR_P01"),
    ("P03", "DFT", "DFT_P03"),
    ("P05", "BAR", "BAR_P05"),
    ("P06", "BAR", "BAR_P06"),
    ("P11", "DFT", "DFT_P11"),
    ("PC1", "PPR", "PPR_PC1"),
    ("PC2", "PPR", "PPR_PC1"),
    ("PC3", "PPR", "PPR_PC1"),
    ("PC6", "PGL", "PGL_PC6"),
    ("PC7", "PGL", "PGL_PC6"),
    ("PC8", "PGL", "PGL_PC6"),
    ("I12", "REF", "REF_I12"),
    ("I13", "REF", "REF_I12"),
    ("I14", "REF", "REF_I12"),
    ("I15", "REF", "REF_I12"),
    ("K21", "RSP", "RSP_K21"),
    ("K22", "RSP", "RSP_K22"),
    ("K23", "RSP", "RSP_K23"),
    ("Q21", "QBP", "QBP_Q21"),
    ("Q22", "QBP", "QBP_Q21"),
    ("Q23", "QBP", "QBP_Q21"),
    ("R01", "ORU", "ORU_R01"),
    ("S12", "SIU", "SIU_S12"),
    ("S13", "SIU", "SIU_S12"),
    ("S14", "SIU", "SIU_S12"),
    ("S15", "SIU", "SIU_S12"),
    ("T02", "MDM", "MDM_T02"),
    ("V04", "VXU", "VXU_V04"),
];

/// Events that have a map of their own; others are translated segment by segment, with a note.
const MAPPED: &[&str] = &[
    "A01", "A02", "A03", "A04", "A05", "A08", "A11", "A12", "A13", "A18", "A28", "A31", "A34", "A40", "O09",
    "O11", "O13", "O17", "O25", "P01", "P03", "P05", "P06", "P11", "PC1", "PC2", "PC3", "PC6", "PC7", "PC8",
    "R01", "V04",
];

/// The message code and structure of a trigger event; an unknown one is ADT without a structure.
pub(crate) fn code_and_structure(event: &str) -> (&'static str, &'static str) {
    let known = STRUCTURES.iter().find(|(known, _, _)| *known == event);
    known.map_or(("ADT", ""), |(_, code, structure)| (code, structure))
}

/// True for an event with a map of its own.
pub(crate) fn is_mapped(event: &str) -> bool {
    MAPPED.contains(&event)
}

/// The event a merge has in canonical form, whatever it is called where it comes from; any other event as it is.
pub(crate) fn canonical_event(event: &str) -> &str {
    match event {
        "A18" | "A34" => "A40",
        other => other,
    }
}

/// True for an event that moves a visit or an account from the person in MRG to the one in PID.
pub(crate) fn is_move(event: &str) -> bool {
    matches!(event, "A43" | "A44" | "A45")
}

/// True for an event that makes one patient of two: PID survives, MRG is merged into it.
pub(crate) fn is_merge(event: &str) -> bool {
    matches!(event, "A18" | "A30" | "A34" | "A36" | "A39" | "A40" | "A41")
}
