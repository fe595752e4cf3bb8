//! Messages: which segments make which resources, and how they hang together.
//!
//! One pass over the segments, in their order: a segment opens, completes or closes a resource in the [`Scene`].
//! Groups need no grammar for this — an OBX belongs to the OBR before it, an MRG to the PID before it — so a
//! message of an unknown structure is translated by the same pass, with a note. A segment that no map reads
//! travels on the MessageHeader; none is dropped.

mod booking;
mod cover;
mod document;
mod medicine;
mod order;
mod participant;
mod problem;
mod referral;
mod reply;
pub(crate) mod scene;
pub(crate) mod write;

/// HL7 tables 0003 and 0354: a trigger event, the message code it belongs to, its structure. Sorted by event.
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
    ("A20", "ADT", "ADT_A20"),
    ("A21", "ADT", "ADT_A21"),
    ("A22", "ADT", "ADT_A21"),
    ("A23", "ADT", "ADT_A21"),
    ("A24", "ADT", "ADT_A24"),
    ("A25", "ADT", "ADT_A21"),
    ("A26", "ADT", "ADT_A21"),
    ("A27", "ADT", "ADT_A21"),
    ("A28", "ADT", "ADT_A05"),
    ("A29", "ADT", "ADT_A21"),
    ("A30", "ADT", "ADT_A30"),
    ("A31", "ADT", "ADT_A05"),
    ("A32", "ADT", "ADT_A21"),
    ("A33", "ADT", "ADT_A21"),
    ("A34", "ADT", "ADT_A30"),
    ("A35", "ADT", "ADT_A30"),
    ("A36", "ADT", "ADT_A30"),
    ("A37", "ADT", "ADT_A37"),
    ("A38", "ADT", "ADT_A38"),
    ("A39", "ADT", "ADT_A39"),
    ("A40", "ADT", "ADT_A39"),
    ("A41", "ADT", "ADT_A39"),
    ("A42", "ADT", "ADT_A39"),
    ("A43", "ADT", "ADT_A43"),
    ("A44", "ADT", "ADT_A43"),
    ("A45", "ADT", "ADT_A45"),
    ("A46", "ADT", "ADT_A30"),
    ("A47", "ADT", "ADT_A30"),
    ("A48", "ADT", "ADT_A30"),
    ("A49", "ADT", "ADT_A30"),
    ("A50", "ADT", "ADT_A50"),
    ("A51", "ADT", "ADT_A50"),
    ("A52", "ADT", "ADT_A52"),
    ("A53", "ADT", "ADT_A52"),
    ("A54", "ADT", "ADT_A54"),
    ("A55", "ADT", "ADT_A52"),
    ("A60", "ADT", "ADT_A60"),
    ("A61", "ADT", "ADT_A61"),
    ("A62", "ADT", "ADT_A61"),
    ("I12", "REF", "REF_I12"),
    ("I13", "REF", "REF_I12"),
    ("I14", "REF", "REF_I12"),
    ("I15", "REF", "REF_I12"),
    ("K21", "RSP", "RSP_K21"),
    ("K22", "RSP", "RSP_K22"),
    ("K23", "RSP", "RSP_K23"),
    ("O01", "ORM", "ORM_O01"),
    ("O02", "ORR", "ORR_O02"),
    ("O09", "OMP", "OMP_O09"),
    ("O10", "ORP", "ORP_O10"),
    ("O11", "RDE", "RDE_O11"),
    ("O13", "RDS", "RDS_O13"),
    ("O17", "RAS", "RAS_O17"),
    ("O19", "OMG", "OMG_O19"),
    ("O20", "ORG", "ORG_O20"),
    ("O21", "OML", "OML_O21"),
    ("O22", "ORL", "ORL_O22"),
    ("O25", "RDE", "RDE_O11"),
    ("O33", "OML", "OML_O33"),
    ("O34", "ORL", "ORL_O34"),
    ("O35", "OML", "OML_O35"),
    ("O36", "ORL", "ORL_O36"),
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
    ("Q21", "QBP", "QBP_Q21"),
    ("Q22", "QBP", "QBP_Q21"),
    ("Q23", "QBP", "QBP_Q21"),
    ("R01", "ORU", "ORU_R01"),
    ("R30", "ORU", "ORU_R30"),
    ("R31", "ORU", "ORU_R30"),
    ("R32", "ORU", "ORU_R30"),
    ("R40", "ORU", "ORU_R01"),
    ("S12", "SIU", "SIU_S12"),
    ("S13", "SIU", "SIU_S12"),
    ("S14", "SIU", "SIU_S12"),
    ("S15", "SIU", "SIU_S12"),
    ("S16", "SIU", "SIU_S12"),
    ("S17", "SIU", "SIU_S12"),
    ("S18", "SIU", "SIU_S12"),
    ("S19", "SIU", "SIU_S12"),
    ("S20", "SIU", "SIU_S12"),
    ("S21", "SIU", "SIU_S12"),
    ("S22", "SIU", "SIU_S12"),
    ("S23", "SIU", "SIU_S12"),
    ("S24", "SIU", "SIU_S12"),
    ("S26", "SIU", "SIU_S12"),
    ("T01", "MDM", "MDM_T01"),
    ("T02", "MDM", "MDM_T02"),
    ("T03", "MDM", "MDM_T01"),
    ("T04", "MDM", "MDM_T02"),
    ("T05", "MDM", "MDM_T01"),
    ("T06", "MDM", "MDM_T02"),
    ("T07", "MDM", "MDM_T01"),
    ("T08", "MDM", "MDM_T02"),
    ("T09", "MDM", "MDM_T01"),
    ("T10", "MDM", "MDM_T02"),
    ("T11", "MDM", "MDM_T01"),
    ("V04", "VXU", "VXU_V04"),
];

/// The message code and structure of a trigger event; an unknown one is ADT without a structure.
pub(crate) fn code_and_structure(event: &str) -> (&'static str, &'static str) {
    let known = STRUCTURES.binary_search_by(|(known, _, _)| (*known).cmp(event));
    let row = known.ok().and_then(|index| STRUCTURES.get(index));
    row.map_or(("ADT", ""), |(_, code, structure)| (code, structure))
}

/// True for an event with a map of its own.
pub(crate) fn is_mapped(event: &str) -> bool {
    let known = STRUCTURES.binary_search_by(|(known, _, _)| (*known).cmp(event));
    known.is_ok()
}

/// The event a merge has in canonical form, whatever it is called where it comes from; any other event as it is.
pub(crate) fn canonical_event(event: &str) -> &str {
    match event {
        "A18" | "A34" => "A40",
        other => other,
    }
}

/// What an event does with the one whom MRG names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// Two people are one: PID survives, MRG is merged into it.
    Merged,
    /// Something of MRG's — numbers, an account, a visit — is PID's from now on; both go on.
    Moved,
    /// PID had these numbers before: they are PID's own, and old.
    Former,
}

/// What an event does with the one whom MRG names: A46 to A51 change a number, A35 and A41 merge accounts, A42 visits.
pub(crate) fn other(event: &str) -> Other {
    match event {
        "A18" | "A30" | "A34" | "A36" | "A39" | "A40" => Other::Merged,
        "A43" | "A44" | "A45" => Other::Moved,
        _ => Other::Former,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sorted_and_have_a_structure_of_their_code() {
        assert!(STRUCTURES.is_sorted_by(|one, other| one.0 < other.0));
        for (event, code, structure) in STRUCTURES {
            assert!(structure.starts_with(code), "{event}");
            assert_eq!(code_and_structure(event), (*code, *structure));
        }
        assert_eq!(code_and_structure("Z99"), ("ADT", ""));
    }
}
