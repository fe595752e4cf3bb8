//! ORC to ServiceRequest and back. Guide: "Segment ORC to ServiceRequest".

mod requester;

use fhir::{Extension, Identifier, Instant, Provenance, ProvenanceAgent, Reference, ServiceRequest, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::{Coded, Context};
use crate::datatype::{code, concept, identifier, person, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::SegmentMap;
use crate::segment::evn::PARTICIPANT;
use crate::segment::msh;

pub(crate) use self::requester::{read_callback, read_requester, write_callback, write_requester};
use self::requester::{
    read_facility, read_facility_address, read_facility_telecom, read_requester_address, write_facility,
    write_facility_address, write_facility_telecom, write_requester_address,
};

type Row = crate::row::Row<ServiceRequest>;

/// Marks a request that no ORC came with: OBR alone describes it.
pub(crate) const ABSENT: &str = "OBR";

const STATUS_REASON: &str = "http://hl7.org/fhir/StructureDefinition/request-statusReason";

/// ORC to ServiceRequest.
pub(crate) static ORC: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "ORC",
    resource: "ServiceRequest",
    rows: &[
        Row::new(5, "status", read_status, write_status).note("table 0038"),
        Row::new(1, "status", read_control, write_control).note("table 0119; when ORC-5 is not valued"),
        Row::new(
            2,
            "identifier",
            |field, request, cx| read_number(field, "PLAC", request, cx),
            |request, field, back| write_number(&request.identifier, "PLAC", field, back),
        )
        .note("table 0203: PLAC"),
        Row::new(
            3,
            "identifier",
            |field, request, cx| read_number(field, "FILL", request, cx),
            |request, field, back| write_number(&request.identifier, "FILL", field, back),
        )
        .note("table 0203: FILL"),
        Row::new(
            4,
            "requisition",
            |field, request, cx| {
                let found = identifier::read_ei(field.repetition(1), cx);
                request.requisition = found.map(|one| identifier::typed(one, "PGN"));
            },
            |request, field, back| {
                if let Some(one) = &request.requisition {
                    identifier::write_ei(one, field.repetition(), back);
                }
            },
        )
        .note("table 0203: PGN"),
        Row::new(
            9,
            "authoredOn",
            |field, request, cx| request.authored_on = time::date_time(field, cx, ""),
            |request, field, back| time::put(request.authored_on.as_deref(), field, back),
        ),
        Row::new(12, "requester", read_requester, write_requester),
        Row::new(
            21,
            "requester(PractitionerRole.organization)",
            read_facility,
            write_facility,
        ),
        Row::new(
            22,
            "requester(Organization.address)",
            read_facility_address,
            write_facility_address,
        ),
        Row::new(
            23,
            "requester(Organization.telecom)",
            read_facility_telecom,
            write_facility_telecom,
        ),
        Row::new(
            24,
            "requester(Practitioner.address)",
            read_requester_address,
            write_requester_address,
        ),
        Row::new(
            14,
            "extension(callbackPhoneNumber)",
            read_callback,
            write_callback,
        ),
        Row::new(
            16,
            "extension(statusReason)",
            |field, request, cx| {
                if let Some(reason) = concept::first(field, None, cx) {
                    request.extension.push(Extension {
                        url: Some(Text::const_new(STATUS_REASON)),
                        value_codeable_concept: Some(Box::new(reason)),
                        ..Extension::default()
                    });
                }
            },
            |request, field, back| {
                let found = request
                    .extension
                    .iter()
                    .find(|e| e.url.as_deref() == Some(STATUS_REASON));
                concept::put(
                    found.and_then(|e| e.value_codeable_concept.as_deref()),
                    None,
                    field,
                    back,
                );
            },
        ),
        Row::new(
            29,
            "locationCode",
            |field, request, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.order_type),
                    &mut request.location_code,
                    cx,
                );
            },
            |request, field, back| {
                concept::put(
                    request.location_code.first(),
                    Some(&back.vocabulary.order_type),
                    field,
                    back,
                );
            },
        )
        .note("table 0482"),
        Row::kept(6),
        Row::kept(7),
        Row::kept(8),
        Row::kept(13),
        Row::kept(15),
        Row::kept(17),
        Row::kept(18),
        Row::kept(20),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::new(33, "identifier", read_other_number, write_other_number).note("table 0203: PLAC"),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
    ],
};

/// ORC to Provenance: who entered, verified and acted on the order.
pub(crate) static EVENT: SegmentMap<Provenance> = SegmentMap {
    segment: "ORC",
    resource: "Provenance",
    rows: &[
        crate::row::Row::<Provenance>::new(
            10,
            "agent.who",
            |field, event, cx| read_agents(field, ENTERER, event, cx),
            |event, field, back| write_agents(event, ENTERER, field, back),
        )
        .note("enterer"),
        crate::row::Row::<Provenance>::new(
            11,
            "agent.who",
            |field, event, cx| read_agents(field, VERIFIER, event, cx),
            |event, field, back| write_agents(event, VERIFIER, field, back),
        )
        .note("verifier"),
        crate::row::Row::<Provenance>::new(
            19,
            "agent.who",
            |field, event, cx| read_agents(field, PERFORMER, event, cx),
            |event, field, back| write_agents(event, PERFORMER, field, back),
        )
        .note("performer"),
    ],
};

const ENTERER: (&str, &str) = ("enterer", "Enterer");
const VERIFIER: (&str, &str) = ("verifier", "Verifier");
const PERFORMER: (&str, &str) = ("performer", "Performer");

fn read_agents(
    field: Field<'_>,
    (code, display): (&'static str, &'static str),
    event: &mut Provenance,
    cx: &mut Context<'_>,
) {
    for xcn in field.repetitions() {
        cx.at(event.agent.len());
        let Some(who) = person::read(xcn, cx) else {
            continue;
        };
        event.agent.push(ProvenanceAgent {
            type_: Some(concept::of_code(PARTICIPANT, code, display)),
            who: Some(who),
            ..ProvenanceAgent::default()
        });
    }
}

fn write_agents(event: &Provenance, (code, _): (&str, &str), field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for agent in &event.agent {
        let own = agent
            .type_
            .as_ref()
            .is_some_and(|kind| concept::says(kind, PARTICIPANT, code));
        if let Some(who) = agent.who.as_ref().filter(|_| own) {
            person::write(who, field.repetition(), back);
        }
    }
}

/// Points an order's Provenance at the order and fills what FHIR requires.
pub(crate) fn complete_event(
    event: &mut Provenance,
    order: Reference,
    authored: Option<&str>,
    sent: Option<&str>,
) {
    event.target = vec![order];
    // ORC-9 when it has a time of day, else when the message was sent.
    match authored.filter(|at| at.contains('T')).or(sent) {
        Some(at) => event.recorded = Some(Instant::from(at)),
        None => event.recorded_element = msh::absent(),
    }
}

/// The Provenance of an order.
pub(crate) fn event_of<'b>(request: &ServiceRequest, back: &Back<'b>) -> Option<&'b Provenance> {
    back.all::<Provenance>().find(|event| {
        let mut targets = event.target.iter();
        targets.any(|one| {
            back.resolve::<ServiceRequest>(Some(one))
                .is_some_and(|target| std::ptr::eq(target, request))
        })
    })
}

fn read_status(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    (request.status, request.status_element) = code::read(field, &cx.vocabulary.order_status, cx, "");
}

fn write_status(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    // A status that came from ORC-1 goes back there.
    if code::sent_from(&request.status_element, "0119").is_none() {
        let table = &back.vocabulary.order_status;
        let code = code::write(request.status.as_ref(), &request.status_element, table);
        field.repetition().optional(1, code.as_ref());
    }
}

/// ORC-1 says what to do; it is a status only where ORC-5 says none.
fn read_control(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    if request.status.is_some() {
        keep::read_field(field, request, cx);
        return;
    }
    let table = &cx.vocabulary.order_control;
    match cx.look_up(field, table, "") {
        Coded::None => {}
        Coded::Known(code) => {
            request.status = Some(Text::const_new(code.fhir));
            request.status_element = Some(code::alternate(table.table, Text::const_new(code.hl7)));
        }
        Coded::Unknown(sent) => {
            cx.record(
                field,
                Outcome::Kept,
                "",
                "no status says it: the code stands in an extension",
            );
            request.status_element = Some(code::alternate(table.table, sent));
        }
    }
}

fn write_control(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    if let Some(sent) = code::sent_from(&request.status_element, "0119") {
        field.set(sent.clone());
    }
}

/// A placer or filler number; the same one in ORC and OBR is one identifier.
pub(crate) fn read_number(
    field: Field<'_>,
    kind: &'static str,
    request: &mut ServiceRequest,
    cx: &mut Context<'_>,
) {
    for ei in field.repetitions() {
        cx.at(request.identifier.len());
        if let Some(one) = identifier::read_ei(ei, cx) {
            let one = identifier::typed(one, kind);
            if !request.identifier.contains(&one) {
                request.identifier.push(one);
            }
        }
    }
}

pub(crate) fn write_number(list: &[Identifier], kind: &str, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if !field.is_empty() {
        return;
    }
    let own = |one: &&Identifier| identifier::is_typed(one, kind) && !is_other_number(one);
    for one in list.iter().filter(own) {
        identifier::write_ei(one, field.repetition(), back);
    }
}

/// The placer's other numbers: ORC-33 and OBR-53.
const OTHER_NUMBERS: [&str; 2] = ["ORC-33", "OBR-53"];

fn is_other_number(one: &Identifier) -> bool {
    OTHER_NUMBERS
        .iter()
        .any(|place| keep::is_marked(&one.extension, place))
}

/// A number of the placer beside ORC-2: its own type follows the one that the field means.
pub(crate) fn read_other_number(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let place = if cx.rule.segment == "ORC" {
        "ORC-33"
    } else {
        "OBR-53"
    };
    for one in field.repetitions() {
        cx.at(request.identifier.len());
        let Some(mut found) = identifier::read_cx(one, cx) else {
            continue;
        };
        let own = found.type_.take().map(|kind| kind.coding).unwrap_or_default();
        let mut found = identifier::typed(found, "PLAC");
        if let Some(kind) = &mut found.type_ {
            kind.coding.extend(own);
        }
        found.extension.push(keep::mark(place));
        request.identifier.push(found);
    }
}

pub(crate) fn write_other_number(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let here = request.identifier.iter();
    for one in here.filter(|one| keep::is_marked(&one.extension, &place)) {
        let mut one = one.clone();
        if let Some(kind) = &mut one.type_ {
            kind.coding.remove(0);
        }
        one.type_ = one.type_.filter(|kind| !kind.coding.is_empty());
        identifier::write_cx(&one, field.repetition(), back);
    }
}

/// Fills what FHIR requires.
pub(crate) fn complete(request: &mut ServiceRequest) {
    if request.status.is_none() {
        request.status = Some(Text::const_new("unknown"));
    }
    if request.intent.is_none() {
        request.intent = Some(Text::const_new("order"));
    }
    if request.subject.is_none() {
        // No PID: whose order it is was not said.
        let unknown = msh::absent().map(|element| element.extension).unwrap_or_default();
        request.subject = Some(Reference {
            extension: unknown,
            ..Reference::default()
        });
    }
}

#[cfg(test)]
mod tests {
    use fhir::{Practitioner, PractitionerRole};

    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn an_order_comes_back() {
        let orc = "ORC|NW|P1^RYJ|F1^LAB|G1||||||||C1^Consult^Clara||020 7946 0104^^PH|||||||Ward 7^^^^^^^^^W7|1 High St^^London|020 7946 0105^^PH|2 Low St^^London|||||I";
        let bundle = round_trip("O21", &[PID], orc);
        let request: &ServiceRequest = first(&bundle);
        assert_eq!(request.status.as_deref(), Some("active"));
        assert_eq!(request.intent.as_deref(), Some("order"));
        let role: &PractitionerRole = first(&bundle);
        assert!(role.organization.is_some() && role.practitioner.is_some());
    }

    #[test]
    fn further_numbers_and_people_of_an_order_come_back() {
        let people = "C9990105^Fenn^Rory^^^^^^GMC~FENR03^Fenn^Rory^^^^^^LOCAL~X1^Other^Olive";
        let orc = format!("ORC|RE|P1^EPC~P2^HNAM|F1^LAB~F2^HNAM_EVENTID|||||||||{people}");
        let obr = format!("OBR|1|P1^EPC~P2^HNAM|F1^LAB~F2^HNAM_EVENTID|FBC||||||||||||{people}");
        round_trip("R01", &[PID, &obr], &orc);
        let bundle = round_trip("R01", &[PID, &orc], &obr);
        let request: &ServiceRequest = first(&bundle);
        assert_eq!(request.identifier.len(), 4);
        assert_eq!(crate::testing::all::<Practitioner>(&bundle).len(), 2);
    }

    #[test]
    fn a_requester_comes_back_to_the_field_that_named_it() {
        let named = "C1^Consult^Clara";
        let orc = format!("ORC|RE|P1|F1|||||||||{named}");
        round_trip("R01", &[PID, "OBR|1|P1|F1|FBC"], &orc);
        let obr = format!("OBR|1|P1|F1|FBC||||||||||||{named}");
        round_trip("R01", &[PID, "ORC|RE|P1|F1"], &obr);
        round_trip("R01", &[PID, "ORC|RE|P1|F1|||||||||C2^Other^Olive"], &obr);
        let bundle = round_trip("R01", &[PID], &obr);
        let back = crate::testing::back(&bundle);
        assert!(
            !back
                .iter()
                .any(|line| line.starts_with("ORC") || line.starts_with("SPM")),
            "{back:?}"
        );
    }

    #[test]
    fn other_numbers_of_the_placer_come_back() {
        let orc = "ORC|NW|P1".to_owned() + &"|".repeat(31) + "X9^^^RYJ^ACSN~X10";
        let bundle = round_trip("O21", &[PID], &orc);
        assert_eq!(first::<ServiceRequest>(&bundle).identifier.len(), 3);
        let obr = "OBR|1|P1||FBC".to_owned() + &"|".repeat(49) + "X9^^^RYJ^ACSN";
        round_trip("O21", &[PID, "ORC|NW|P1"], &obr);
    }

    #[test]
    fn an_order_without_a_patient_says_so() {
        let (bundle, _) = crate::testing::read(&crate::testing::message("R01", &["OBR|1||F1|FBC"]));
        let subject = first::<ServiceRequest>(&bundle).subject.as_ref().unwrap();
        assert_eq!(subject.extension[0].value_code.as_deref(), Some("unknown"));
    }

    #[test]
    fn order_status_wins_over_order_control() {
        let bundle = round_trip("O21", &[PID], "ORC|SC|P1|||CM");
        assert_eq!(
            first::<ServiceRequest>(&bundle).status.as_deref(),
            Some("completed")
        );
        let bundle = round_trip("O21", &[PID], "ORC|ZZ|P1");
        assert_eq!(
            first::<ServiceRequest>(&bundle).status.as_deref(),
            Some("unknown")
        );
    }
}
