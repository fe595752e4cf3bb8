//! FT1 to ChargeItem and back. The guide has no map for FT1.

use fhir::{ChargeItem, ChargeItemPerformer, CodeableConcept, Procedure, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{code, concept, organization, person, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::row::cells::{self, keep_rest, write_rest};
use crate::segment::medicine;
use crate::segment::rxa;

type Row = crate::row::Row<ChargeItem>;

/// Marks the procedure that stood in FT1-25.
pub(crate) const PROCEDURE: &str = "FT1-25";

/// FT1 to ChargeItem.
pub(crate) static FT1: SegmentMap<ChargeItem> = SegmentMap {
    segment: "FT1",
    resource: "ChargeItem",
    rows: &[
        Row::ignored(1, cells::SET_ID),
        identifiers!(2, "identifier", identifier),
        Row::new(4, "occurrenceDateTime", read_when, write_when).note("occurrencePeriod when it has an end"),
        moment!(5, "enteredDate", entered_date),
        Row::new(
            6,
            "status",
            |field, item, cx| {
                let Some(kind) = cx.take_as(field, "", Outcome::Transformed) else {
                    return;
                };
                // A charge waits for its bill; of a credit, a payment or an adjustment FHIR has no state.
                if kind == "CG" {
                    item.status = Some(Text::const_new("billable"));
                }
                item.status_element = Some(code::alternate("0017", kind));
                cells::keep_more(field, item, cx);
            },
            |item, field, back| {
                keep::write_field(item, field, back);
                let sent = code::sent(&item.status_element).cloned();
                let charge = || {
                    let billed = matches!(item.status.as_deref(), Some("billable" | "billed"));
                    billed.then(|| Text::const_new("CG"))
                };
                field.nth(1).optional(1, sent.or_else(charge).as_ref());
            },
        )
        .note("table 0017: CG"),
        concept!(7, "code", code),
        amount!(10, "quantity.value", quantity),
        Row::new(
            13,
            "costCenter(Organization)",
            |field, item, cx| {
                item.cost_center = medicine::read_maker(field, cx);
                keep_rest(field, item, cx);
            },
            |item, field, back| {
                medicine::write_maker(item.cost_center.as_ref(), field, back);
                write_rest(item, field);
            },
        ),
        concepts!(19, "reason", reason),
        Row::new(
            20,
            "performer.actor(Practitioner)",
            |field, item, cx| read_people(field, None, item, cx),
            |item, field, back| write_people(item, false, field, back),
        ),
        Row::new(
            21,
            "performer.actor(Practitioner)",
            |field, item, cx| read_people(field, Some(orderer()), item, cx),
            |item, field, back| write_people(item, true, field, back),
        )
        .note("table 0443: OP"),
        person!(24, "enterer", enterer),
        Row::new(25, "service(Procedure.code)", read_procedure, write_procedure),
        concept!(29, "productCodeableConcept", product_codeable_concept),
        Row::new(
            32,
            "performingOrganization",
            |field, item, cx| {
                item.performing_organization = organization::read_xon(field.repetition(1), cx);
            },
            |item, field, back| {
                if let Some(found) = &item.performing_organization {
                    organization::write_xon(found, field.repetition(), back);
                }
            },
        ),
        Row::new(
            33,
            "requestingOrganization",
            |field, item, cx| {
                item.requesting_organization = organization::read_xon(field.repetition(1), cx);
            },
            |item, field, back| {
                if let Some(found) = &item.requesting_organization {
                    organization::write_xon(found, field.repetition(), back);
                }
            },
        ),
        Row::kept(3),
        Row::kept(8),
        Row::kept(9),
        Row::kept(11),
        Row::kept(12),
        Row::kept(14),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(22),
        Row::kept(23),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(30),
        Row::kept(31),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
        Row::kept(39),
        Row::kept(40),
        Row::kept(41),
        Row::kept(42),
        Row::kept(43),
        Row::kept(44),
    ],
};

fn read_when(field: Field<'_>, item: &mut ChargeItem, cx: &mut Context<'_>) {
    let range = field.repetition(1);
    if cx.peek(range.component(2)).is_some() {
        let members = (
            "ChargeItem.occurrencePeriod.start",
            "ChargeItem.occurrencePeriod.end",
        );
        item.occurrence_period = time::period(range.component(1), range.component(2), cx, members);
    } else {
        item.occurrence_date_time = time::date_time(range.component(1), cx, "");
    }
}

fn write_when(item: &ChargeItem, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    time::put(item.occurrence_date_time.as_deref(), field, back);
    if let Some(period) = &item.occurrence_period {
        let mut to = field.nth(1);
        for (n, moment) in [(1, &period.start), (2, &period.end)] {
            if let Some(moment) = moment {
                to.component(n, &time::to_hl7(moment, back));
            }
        }
    }
}

fn orderer() -> CodeableConcept {
    rxa::function("OP", "Ordering Provider")
}

fn read_people(
    field: Field<'_>,
    function: Option<CodeableConcept>,
    item: &mut ChargeItem,
    cx: &mut Context<'_>,
) {
    for xcn in field.repetitions() {
        cx.at(item.performer.len());
        if let Some(actor) = person::read(xcn, cx) {
            item.performer.push(ChargeItemPerformer {
                function: function.clone(),
                actor: Some(actor),
                ..ChargeItemPerformer::default()
            });
        }
    }
}

fn write_people(item: &ChargeItem, ordered: bool, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for one in &item.performer {
        let orders = one.function.is_some() && rxa::plays(one.function.as_ref(), "OP");
        if let Some(actor) = one.actor.as_ref().filter(|_| orders == ordered) {
            person::write(actor, field.repetition(), back);
        }
    }
}

/// The procedure is an entry of its own, which the charge refers to.
fn read_procedure(field: Field<'_>, item: &mut ChargeItem, cx: &mut Context<'_>) {
    let Some(code) = concept::first(field, None, cx) else {
        return;
    };
    keep_rest(field, item, cx);
    let key = crate::segment::dg1::concept_key(Some(&code)).join("|");
    let whose = item
        .subject
        .as_ref()
        .and_then(|one| one.reference.clone())
        .unwrap_or_default();
    let procedure = Procedure {
        extension: vec![keep::mark(PROCEDURE)],
        status: Some(Text::const_new("unknown")),
        code: Some(code),
        subject: item.subject.clone(),
        encounter: item.context.clone(),
        ..Procedure::default()
    };
    let id = cx.entries.unique_id("Procedure", &["charge", &whose, &key]);
    item.service.push(cx.entries.push(id, procedure));
}

fn write_procedure(item: &ChargeItem, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut services = item.service.iter();
    let found = services.find_map(|one| back.resolve::<Procedure>(Some(one)));
    if let Some(code) = found.and_then(|procedure| procedure.code.as_ref()) {
        concept::write(code, None, field.nth(1), back);
    }
    write_rest(item, field);
}

/// Fills what FHIR requires.
pub(crate) fn complete(item: &mut ChargeItem) {
    if item.status.is_none() {
        item.status = Some(Text::const_new("unknown"));
    }
    if item.code.is_none() {
        item.code = Some(crate::segment::al1::absent());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, comes_back, first};

    #[test]
    fn a_charge_comes_back() {
        let ft1 = "FT1|1|T1|B7|20260302^20260303|20260304|CG|C9^Visit^L|||2|100&GBP|50&GBP|R1^Radiology^L||||||I10^Hypertension^I10~J06^Cold^I10|P1^Perform^Pam|O1^Order^Olga|||E1^Enter^Eva|W37.1^Hip^OPCS4|||| D1^Drug^L|||Trust A|Trust B";
        let ft1 = ft1.replace("| D1", "|D1");
        let bundle = comes_back(
            "P03",
            &[PID, &ft1, "FT1|2|T2||20260302||CD|C8^Refund^L"],
            &["FT1", "PR1"],
        );
        let item: &ChargeItem = first(&bundle);
        assert_eq!(item.status.as_deref(), Some("billable"));
        assert_eq!(item.reason.len(), 2);
        assert_eq!(item.performer.len(), 2);
        assert_eq!(all::<Procedure>(&bundle).len(), 1);
        assert_eq!(all::<ChargeItem>(&bundle)[1].status.as_deref(), Some("unknown"));
        assert_eq!(item.account.len(), 1);
    }
}
