//! ORC where the order is one for a medicine, and back.
//! Guide: "Segment ORC to Immunization", "… to MedicationAdministration"; the other two follow ORC to ServiceRequest.

use fhir::{CodeableConcept, Immunization, ImmunizationPerformer, MedicationAdministrationPerformer, Text};
use hl7v2::Field;

use super::{Given, Prescription, Supply};
use crate::back::FieldWriter;
use crate::context::{Coded, Context};
use crate::datatype::{code, identifier, person, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::segment::rxa;
use crate::vocabulary::Vocabulary;

/// A map with what all four share: the numbers, and the fields without an element.
macro_rules! order {
    ($name:ident, $type:ty, $resource:literal, $($list:ident).+, [$($row:expr),* $(,)?], [$($kept:literal)*]) => {
        #[doc = concat!("ORC to ", $resource, ".")]
        pub(crate) static $name: SegmentMap<$type> = {
            type Row = crate::row::Row<$type>;
            SegmentMap {
                segment: "ORC",
                resource: $resource,
                rows: &[
                    number!(2, "identifier", $($list).+, "PLAC").note("table 0203: PLAC"),
                    number!(3, "identifier", $($list).+, "FILL").note("table 0203: FILL"),
                    $($row,)*
                    $(Row::kept($kept),)*
                    Row::kept(6),
                    Row::kept(7),
                    Row::kept(8),
                    Row::kept(10),
                    Row::kept(11),
                    Row::kept(13),
                    Row::kept(14),
                    Row::kept(15),
                    Row::kept(17),
                    Row::kept(18),
                    Row::kept(19),
                    Row::kept(20),
                    Row::kept(21),
                    Row::kept(22),
                    Row::kept(23),
                    Row::kept(24),
                    Row::kept(25),
                    Row::kept(26),
                    Row::kept(27),
                    Row::kept(28),
                    Row::kept(29),
                    Row::kept(30),
                    Row::kept(31),
                    Row::kept(32),
                    Row::kept(33),
                    Row::kept(34),
                    Row::kept(35),
                    Row::kept(36),
                    Row::kept(37),
                    Row::kept(38),
                ],
            }
        };
    };
}

order!(
    REQUEST,
    Prescription,
    "MedicationRequest",
    request.identifier,
    [
        Row::new(
            5,
            "status",
            |field, order, cx| {
                let table = &cx.vocabulary.order_status;
                read_status(field, table, order, cx);
            },
            |order, field, back| write_status(order, &back.vocabulary.order_status, field),
        )
        .note("table 0038"),
        Row::new(
            1,
            "status",
            |field, order, cx| {
                let table = &cx.vocabulary.order_control;
                if order.request.status.is_some() {
                    keep::read_field(field, order, cx);
                } else {
                    read_status(field, table, order, cx);
                }
            },
            |order, field, back| {
                keep::write_field(order, field, back);
                if let Some(sent) = code::sent_from(&order.request.status_element, "0119") {
                    field.set(sent.clone());
                }
            },
        )
        .note("table 0119; when ORC-5 is not valued"),
        Row::new(
            4,
            "groupIdentifier",
            |field, order, cx| {
                let found = identifier::read_ei(field.repetition(1), cx);
                order.request.group_identifier = found.map(|one| identifier::typed(one, "PGN"));
            },
            |order, field, back| {
                if let Some(one) = &order.request.group_identifier {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        )
        .note("table 0203: PGN"),
        moment!(9, "authoredOn", request.authored_on),
        person!(12, "requester", request.requester),
        concept!(16, "statusReason", request.status_reason),
    ],
    []
);

order!(
    DISPENSE,
    Supply,
    "MedicationDispense",
    dispense.identifier,
    [],
    [1 4 5 9 12 16]
);

order!(
    ADMINISTRATION,
    Given,
    "MedicationAdministration",
    administration.identifier,
    [
        Row::new(
            12,
            "performer.actor(Practitioner)",
            |field, given, cx| {
                for xcn in field.repetitions() {
                    cx.at(given.administration.performer.len());
                    if let Some(actor) = person::read(xcn, cx) {
                        given.administration.performer.push(MedicationAdministrationPerformer {
                            function: Some(orderer()),
                            actor: Some(actor),
                            ..MedicationAdministrationPerformer::default()
                        });
                    }
                }
            },
            |given, field, back| {
                let people = given.administration.performer.iter();
                for one in people.filter(|one| rxa::plays(one.function.as_ref(), "OP")) {
                    if let Some(actor) = &one.actor {
                        person::write(actor, field.repetition(), back);
                    }
                }
            },
        )
        .note("table 0443: OP"),
    ],
    [1 4 5 9 16]
);

order!(
    IMMUNIZATION,
    Immunization,
    "Immunization",
    identifier,
    [
        Row::new(
            9,
            "recorded",
            |field, one, cx| {
                one.recorded = time::date_time(field, cx, "");
                if one.recorded.is_some() {
                    one.extension.push(keep::mark("ORC-9"));
                }
            },
            |one, field, back| {
                if keep::is_marked(&one.extension, "ORC-9") {
                    time::put(one.recorded.as_deref(), field, back);
                }
            },
        ),
        Row::new(
            12,
            "performer.actor(Practitioner)",
            |field, one, cx| {
                for xcn in field.repetitions() {
                    cx.at(one.performer.len());
                    if let Some(actor) = person::read(xcn, cx) {
                        one.performer.push(ImmunizationPerformer {
                            function: Some(orderer()),
                            actor: Some(actor),
                            ..ImmunizationPerformer::default()
                        });
                    }
                }
            },
            |one, field, back| {
                for performer in one.performer.iter().filter(|one| rxa::plays(one.function.as_ref(), "OP")) {
                    if let Some(actor) = &performer.actor {
                        person::write(actor, field.repetition(), back);
                    }
                }
            },
        )
        .note("table 0443: OP"),
    ],
    [1 4 5 16]
);

/// Who ordered it.
fn orderer() -> CodeableConcept {
    rxa::function("OP", "Ordering Provider")
}

/// The states of a request for a medicine have other names than those of a request for a service.
const STATES: &[(&str, &str, &str)] = &[
    ("CA", "revoked", "cancelled"),
    ("DC", "revoked", "stopped"),
    ("", "revoked", "cancelled"),
];

fn read_status(field: Field<'_>, table: &Vocabulary, order: &mut Prescription, cx: &mut Context<'_>) {
    match cx.look_up(field, table, "") {
        Coded::None => {}
        Coded::Known(found) => {
            let own = STATES
                .iter()
                .find(|(sent, general, _)| *general == found.fhir && (*sent == found.hl7 || sent.is_empty()));
            let state = own.map_or(found.fhir, |(_, _, state)| *state);
            order.request.status = Some(Text::const_new(state));
            order.request.status_element = Some(code::alternate(table.table, Text::const_new(found.hl7)));
        }
        Coded::Unknown(sent) => {
            let reason = "no status says it: the code stands in an extension";
            cx.record(field, Outcome::Kept, "", reason);
            order.request.status_element = Some(code::alternate(table.table, sent));
        }
    }
}

fn write_status(order: &Prescription, table: &Vocabulary, field: &mut FieldWriter<'_>) {
    if code::sent_from(&order.request.status_element, "0119").is_some() {
        return;
    }
    if let Some(sent) = code::sent(&order.request.status_element) {
        field.set(sent.clone());
        return;
    }
    let Some(state) = order.request.status.as_deref() else {
        return;
    };
    let own = STATES.iter().find(|(_, _, own)| *own == state);
    let code = own
        .map(|(sent, ..)| *sent)
        .or_else(|| table.to_hl7("", state).map(|code| code.hl7));
    if let Some(code) = code {
        field.set(code);
    }
}

#[cfg(test)]
mod tests {
    use fhir::MedicationRequest;

    use crate::testing::{PID, comes_back, first};

    const ORC: &str = "ORC|NW|P1^RYJ|F1^RYJ|G1^RYJ|CM||||20260302|||C1^Consult^Clara||||STOP^Stopped^L";
    const RXE: &str = "RXE||322236009^Paracetamol^SCT|500";

    #[test]
    fn an_order_for_a_medicine_comes_back() {
        let bundle = comes_back("O11", &[PID, ORC, RXE], &["ORC", "RXE"]);
        let request: &MedicationRequest = first(&bundle);
        assert_eq!(request.status.as_deref(), Some("completed"));
        assert_eq!(
            request.group_identifier.as_ref().unwrap().value.as_deref(),
            Some("G1")
        );
        let stopped = comes_back("O11", &[PID, "ORC|DC|P1^RYJ", RXE], &["ORC", "RXE"]);
        assert_eq!(
            first::<MedicationRequest>(&stopped).status.as_deref(),
            Some("stopped")
        );
        let odd = comes_back("O11", &[PID, "ORC|Q9|P1^RYJ", RXE], &["ORC", "RXE"]);
        assert_eq!(
            first::<MedicationRequest>(&odd).status.as_deref(),
            Some("unknown")
        );
    }
}
