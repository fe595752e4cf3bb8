//! MSH and EVN: what every dialect does to the header, and the merge under its three names.

use hl7v2::edit::{Change, Edit};

use super::DialectContext;

/// The merge of HL7 2.2: "merge patient information".
pub const A18: &str = "A18";
/// The merge of HL7 2.3, patient id only.
pub const A34: &str = "A34";
/// The merge of HL7 2.3.1 and later: patient identifier list. The canonical one.
pub const A40: &str = "A40";

/// What a dialect's header holds.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// MSH-3 when the message names no sender at all.
    pub sending_application: &'static str,
    /// MSH-4 when the message names no sender at all.
    pub sending_facility: &'static str,
    /// MSH-12.
    pub version: &'static str,
    /// Whether MSH-9.3 is written.
    pub structure: bool,
    /// MSH-15 and MSH-16; none leaves them as they are.
    pub acknowledgement: Option<(&'static str, &'static str)>,
}

/// Names the structure in MSH-9.3, the trigger event in EVN-1 and version 2.5.1.
pub fn canonical_header(edit: &mut Edit<'_>) {
    let Some(msh) = edit.first("MSH") else { return };
    let (code, event) = (
        edit.text(msh.field(9).component(1)),
        edit.text(msh.field(9).component(2)),
    );
    if !edit.is_valued(msh.field(9).component(3))
        && let Some(structure) = structure_of(&code, &event)
    {
        edit.set(msh.field(9).component(3), structure, Change::Defaulted);
    }
    if edit.is_valued(msh.field(12)) {
        edit.set(msh.field(12), "2.5.1", Change::Transformed);
    }
    if let Some(evn) = edit.first("EVN")
        && !edit.is_valued(evn.field(1))
        && edit.is_valued(msh.field(9).component(2))
    {
        edit.copy_to(msh.field(9).component(2), evn.field(1).component(1));
    }
}

/// Writes the header of a dialect; what the caller's context says wins.
pub fn render_header(edit: &mut Edit<'_>, context: &DialectContext<'_>, header: &Header) {
    let Some(msh) = edit.first("MSH") else { return };
    // Half a sender is still the sender's own: only a nameless message gets the dialect's.
    if !edit.is_present(msh.field(3)) && !edit.is_present(msh.field(4)) {
        edit.set(msh.field(3), header.sending_application, Change::Defaulted);
        edit.set(msh.field(4), header.sending_facility, Change::Defaulted);
    }
    edit.set(msh.field(12), header.version, Change::Transformed);
    if !header.structure {
        edit.drop(
            msh.field(9).component(3),
            "this dialect does not name the message structure",
        );
    }
    // An answer asks for none.
    let asks = header.acknowledgement.filter(|_| !edit.says(msh.field(9), "ACK"));
    if let Some((accept, application)) = asks {
        edit.set(msh.field(15), accept, Change::Transformed);
        edit.set(msh.field(16), application, Change::Transformed);
    }
    apply_context(edit, context);
}

/// What the caller says about the header, whatever the dialect.
pub(super) fn apply_context(edit: &mut Edit<'_>, context: &DialectContext<'_>) {
    let Some(msh) = edit.first("MSH") else { return };
    let said = [
        (3, context.sending_application),
        (4, context.sending_facility),
        (5, context.receiving_application),
        (6, context.receiving_facility),
        (7, context.now),
        (10, context.control_id),
    ];
    for (number, text) in said {
        if let Some(text) = text {
            let field = msh.field(number);
            // A name is one component; what the received one had beyond it does not belong to the new one.
            if edit.components(field) > 1 {
                edit.drop(field, "replaced by what the interface says");
            }
            edit.set(field, text.to_owned(), Change::Transformed);
        }
    }
}

/// A18 and A34 become A40 with its structure.
pub fn to_canonical_merge(edit: &mut Edit<'_>) {
    let Some(msh) = edit.first("MSH") else { return };
    let event = edit.text(msh.field(9).component(2));
    if event == A18 || event == A34 {
        rename_event(edit, A40, Some("ADT_A39"));
    }
}

/// A40 becomes the merge of a dialect that has an older one.
///
/// A message that merges more than one pair stays an A40: the older events say one pair only.
pub fn render_merge(edit: &mut Edit<'_>, event: &'static str) {
    let Some(msh) = edit.first("MSH") else { return };
    if event == A40 || edit.text(msh.field(9).component(2)) != A40 {
        return;
    }
    if edit.occurrences("MRG") > 1 {
        edit.note(
            msh.field(9).component(2),
            "merges more than one pair, which this dialect's own event cannot say",
        );
        return;
    }
    rename_event(edit, event, structure_of("ADT", event));
}

fn rename_event(edit: &mut Edit<'_>, event: &'static str, structure: Option<&'static str>) {
    let Some(msh) = edit.first("MSH") else { return };
    edit.set(msh.field(9).component(2), event, Change::Transformed);
    let place = msh.field(9).component(3);
    if let (true, Some(structure)) = (edit.is_valued(place), structure) {
        edit.set(place, structure, Change::Transformed);
    }
    if let Some(evn) = edit.first("EVN")
        && edit.is_valued(evn.field(1))
    {
        edit.set(evn.field(1), event, Change::Transformed);
    }
}

/// The message structure of 2.5.1 for a message code and trigger event, table 0354.
pub fn structure_of(code: &str, event: &str) -> Option<&'static str> {
    Some(match (code, event) {
        ("ADT", "A01" | "A04" | "A08" | "A13") => "ADT_A01",
        ("ADT", "A02") => "ADT_A02",
        ("ADT", "A03") => "ADT_A03",
        ("ADT", "A05" | "A14" | "A28" | "A31") => "ADT_A05",
        ("ADT", "A06" | "A07") => "ADT_A06",
        ("ADT", "A09" | "A10" | "A11") => "ADT_A09",
        ("ADT", "A12") => "ADT_A12",
        ("ADT", "A15") => "ADT_A15",
        ("ADT", "A16") => "ADT_A16",
        ("ADT", "A17") => "ADT_A17",
        ("ADT", "A18") => "ADT_A18",
        ("ADT", "A20") => "ADT_A20",
        ("ADT", "A21" | "A22" | "A23" | "A25" | "A26" | "A27" | "A29" | "A32" | "A33") => "ADT_A21",
        ("ADT", "A24") => "ADT_A24",
        ("ADT", "A30" | "A34" | "A35" | "A36" | "A46" | "A47" | "A48" | "A49") => "ADT_A30",
        ("ADT", "A37") => "ADT_A37",
        ("ADT", "A38") => "ADT_A38",
        ("ADT", "A39" | "A40" | "A41" | "A42") => "ADT_A39",
        ("ADT", "A43" | "A44") => "ADT_A43",
        ("ADT", "A45") => "ADT_A45",
        ("ADT", "A50" | "A51") => "ADT_A50",
        ("ADT", "A52" | "A53") => "ADT_A52",
        ("ADT", "A54" | "A55") => "ADT_A54",
        ("ADT", "A60") => "ADT_A60",
        ("ADT", "A61" | "A62") => "ADT_A61",
        ("ORU", "R01") => "ORU_R01",
        ("ORU", "R30") => "ORU_R30",
        ("ORM", "O01") => "ORM_O01",
        ("ORR", "O02") => "ORR_O02",
        ("OML", "O21") => "OML_O21",
        ("OMG", "O19") => "OMG_O19",
        ("OMP", "O09") => "OMP_O09",
        ("MDM", "T01" | "T03" | "T05" | "T07" | "T09" | "T11") => "MDM_T01",
        ("MDM", "T02" | "T04" | "T06" | "T08" | "T10") => "MDM_T02",
        (
            "SIU",
            "S12" | "S13" | "S14" | "S15" | "S16" | "S17" | "S18" | "S19" | "S20" | "S21" | "S22" | "S23"
            | "S24" | "S26",
        ) => "SIU_S12",
        _ => return None,
    })
}
