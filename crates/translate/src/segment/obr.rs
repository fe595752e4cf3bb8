//! OBR to DiagnosticReport, ServiceRequest and Specimen, and back. Guide: "Segment OBR to DiagnosticReport",
//! "… to ServiceRequest", "… to Specimen".

use fhir::{
    Annotation, DiagnosticReport, Extension, Period, PractitionerRole, Reference, ServiceRequest, Specimen,
    Text,
};
use hl7v2::{Field, Repetition};

use crate::back::{Back, FieldWriter};
use crate::context::{Composite, Context};
use crate::datatype::{code, concept, identifier, person, quantity, time};
use crate::keep;
use crate::row::{Row, SegmentMap};
use crate::segment::orc;
use crate::segment::spm::{self, collect, container};
use crate::vocabulary::system;

const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Marks a person whose name stood in the components of NDL, as XCN has it.
const FLAT: &str = "NDL.1";
const FUNCTION: &str = "http://hl7.org/fhir/StructureDefinition/event-performerFunction";

/// OBR to DiagnosticReport.
pub(crate) static REPORT: SegmentMap<DiagnosticReport> = SegmentMap {
    segment: "OBR",
    resource: "DiagnosticReport",
    rows: &[
        Row::<DiagnosticReport>::new(
            2,
            "identifier",
            |field, report, cx| read_number(field, "PLAC", report, cx),
            |report, field, back| orc::write_number(&report.identifier, "PLAC", field, back),
        )
        .note("table 0203: PLAC"),
        Row::<DiagnosticReport>::new(
            3,
            "identifier",
            |field, report, cx| read_number(field, "FILL", report, cx),
            |report, field, back| orc::write_number(&report.identifier, "FILL", field, back),
        )
        .note("table 0203: FILL"),
        Row::<DiagnosticReport>::new(
            4,
            "code",
            |field, report, cx| report.code = concept::first(field, None, cx),
            |report, field, back| {
                // A code that was not sent is not sent back.
                let code = report
                    .code
                    .as_ref()
                    .filter(|code| **code != super::obx::unknown());
                concept::put(code, None, field, back);
            },
        ),
        Row::<DiagnosticReport>::new(
            7,
            "effectiveDateTime",
            |field, report, cx| {
                let ended = cx.sibling_valued(8);
                let moment = time::date_time(
                    field,
                    cx,
                    if ended {
                        "DiagnosticReport.effectivePeriod.start"
                    } else {
                        ""
                    },
                );
                if ended {
                    report.effective_period = moment.map(|start| Period {
                        start: Some(start),
                        ..Period::default()
                    });
                } else {
                    report.effective_date_time = moment;
                }
            },
            |report, field, back| {
                let start = report
                    .effective_period
                    .as_ref()
                    .and_then(|period| period.start.as_deref());
                time::put(report.effective_date_time.as_deref().or(start), field, back);
            },
        ),
        Row::<DiagnosticReport>::new(
            8,
            "effectivePeriod.end",
            |field, report, cx| {
                if let Some(end) = time::date_time(field, cx, "") {
                    report.effective_period.get_or_insert_default().end = Some(end);
                }
            },
            |report, field, back| {
                let end = report
                    .effective_period
                    .as_ref()
                    .and_then(|period| period.end.as_deref());
                time::put(end, field, back);
            },
        ),
        Row::<DiagnosticReport>::new(
            22,
            "issued",
            |field, report, cx| report.issued = time::instant(field, cx, ""),
            |report, field, back| time::put(report.issued.as_deref(), field, back),
        ),
        Row::<DiagnosticReport>::new(
            24,
            "category",
            |field, report, cx| {
                report
                    .category
                    .extend(concept::first(field, Some(&cx.vocabulary.service_section), cx));
            },
            |report, field, back| {
                concept::put(
                    report.category.first(),
                    Some(&back.vocabulary.service_section),
                    field,
                    back,
                );
            },
        )
        .note("table 0074"),
        Row::<DiagnosticReport>::new(
            25,
            "status",
            |field, report, cx| {
                (report.status, report.status_element) =
                    code::read(field, &cx.vocabulary.result_status, cx, "");
            },
            |report, field, back| {
                let table = &back.vocabulary.result_status;
                let code = code::write(report.status.as_ref(), &report.status_element, table);
                field.repetition().optional(1, code.as_ref());
            },
        )
        .note("table 0123"),
        Row::<DiagnosticReport>::new(
            32,
            "resultsInterpreter",
            |field, report, cx| {
                let found = read_ndl(field, None, cx);
                report.results_interpreter.extend(found);
            },
            |report, field, back| write_ndl(&report.results_interpreter, None, field, back),
        ),
        Row::<DiagnosticReport>::new(
            34,
            "performer",
            |field, report, cx| {
                let found = read_ndl(field, Some("SPRF"), cx);
                report.performer.extend(found);
            },
            |report, field, back| write_ndl(&report.performer, Some("SPRF"), field, back),
        )
        .note("technician"),
        Row::<DiagnosticReport>::new(
            35,
            "performer",
            |field, report, cx| {
                let found = read_ndl(field, Some("TRANS"), cx);
                report.performer.extend(found);
            },
            |report, field, back| write_ndl(&report.performer, Some("TRANS"), field, back),
        )
        .note("transcriptionist"),
    ],
};

/// OBR to ServiceRequest; what neither report nor specimen has room for travels here.
pub(crate) static REQUEST: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "OBR",
    resource: "ServiceRequest",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::<ServiceRequest>::new(
            2,
            "identifier",
            |field, request, cx| orc::read_number(field, "PLAC", request, cx),
            |request, field, back| orc::write_number(&request.identifier, "PLAC", field, back),
        )
        .note("table 0203: PLAC"),
        Row::<ServiceRequest>::new(
            3,
            "identifier",
            |field, request, cx| orc::read_number(field, "FILL", request, cx),
            |request, field, back| orc::write_number(&request.identifier, "FILL", field, back),
        )
        .note("table 0203: FILL"),
        Row::<ServiceRequest>::new(
            4,
            "code",
            |field, request, cx| request.code = concept::first(field, None, cx),
            |request, field, back| {
                if field.is_empty() {
                    concept::put(request.code.as_ref(), None, field, back);
                }
            },
        ),
        Row::<ServiceRequest>::new(
            5,
            "priority",
            |field, request, cx| {
                if request.priority.is_some() {
                    // TQ1-9 said it.
                    keep::read_field(field, request, cx);
                } else {
                    (request.priority, request.priority_element) =
                        code::read(field, &cx.vocabulary.priority, cx, "");
                }
            },
            |request, field, back| {
                keep::write_field(request, field, back);
                if super::tq1::stood_here(request) {
                    return;
                }
                let table = &back.vocabulary.priority;
                let code = code::write(request.priority.as_ref(), &request.priority_element, table);
                field.repetition().optional(1, code.as_ref());
            },
        )
        .note("table 0485"),
        Row::<ServiceRequest>::new(
            6,
            "occurrenceDateTime",
            |field, request, cx| {
                let moment = time::date_time(field, cx, "");
                // TQ1 makes it a timing: this is the moment that the timing names.
                match &mut request.occurrence_timing {
                    Some(timing) => timing.event.extend(moment),
                    None => request.occurrence_date_time = moment,
                }
            },
            |request, field, back| {
                let timing = request.occurrence_timing.as_ref();
                let event = timing
                    .and_then(|timing| timing.event.first())
                    .map(|event| &**event);
                time::put(request.occurrence_date_time.as_deref().or(event), field, back);
            },
        ),
        Row::<ServiceRequest>::new(11, "intent", read_action, write_action).note("table 0065"),
        Row::<ServiceRequest>::new(16, "requester", orc::read_requester, orc::write_requester),
        Row::<ServiceRequest>::new(
            17,
            "extension(callbackPhoneNumber)",
            orc::read_callback,
            orc::write_callback,
        ),
        Row::<ServiceRequest>::new(
            31,
            "reasonCode",
            |field, request, cx| concept::all(field, None, &mut request.reason_code, cx),
            |request, field, back| concept::put_all(&request.reason_code, None, field, back),
        ),
        Row::<ServiceRequest>::new(
            46,
            "orderDetail",
            |field, request, cx| concept::all(field, None, &mut request.order_detail, cx),
            |request, field, back| concept::put_all(&request.order_detail, None, field, back),
        ),
        Row::<ServiceRequest>::new(
            47,
            "orderDetail",
            |field, request, cx| concept::all(field, None, &mut request.order_detail, cx),
            |_, _, _| {}, // OBR-46 carries every detail back.
        )
        .note("writes back to OBR-46"),
        Row::kept(12),
        Row::kept(13),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
        Row::kept(21),
        Row::kept(23),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(33),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
        Row::kept(40),
        Row::kept(41),
        Row::kept(42),
        Row::kept(43),
        Row::kept(44),
        Row::kept(45),
        Row::kept(48),
        Row::kept(49),
        Row::kept(50),
        Row::kept(51),
        Row::kept(52),
        Row::<ServiceRequest>::new(53, "identifier", orc::read_other_number, orc::write_other_number)
            .note("table 0203: PLAC"),
        Row::kept(54),
    ],
};

/// OBR to ServiceRequest where there is no report yet: what the report would hold.
pub(crate) static ORDER: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "OBR",
    resource: "ServiceRequest",
    rows: &[
        Row::<ServiceRequest>::new(
            24,
            "category",
            |field, request, cx| {
                let table = &cx.vocabulary.service_section;
                request.category.extend(concept::first(field, Some(table), cx));
            },
            |request, field, back| {
                if field.is_empty() {
                    let table = Some(&back.vocabulary.service_section);
                    concept::put(request.category.first(), table, field, back);
                }
            },
        )
        .note("table 0074; before there is a report"),
        Row::kept(7),
        Row::kept(8),
        Row::kept(22),
        Row::kept(25),
        Row::kept(32),
        Row::kept(34),
        Row::kept(35),
    ],
};

/// OBR to Specimen.
pub(crate) static SPECIMEN: SegmentMap<Specimen> = SegmentMap {
    segment: "OBR",
    resource: "Specimen",
    rows: &[
        Row::<Specimen>::new(
            9,
            "collection.quantity",
            |field, specimen, cx| {
                let amount = quantity::read_cq(field.repetition(1), cx);
                collect(specimen, amount, |collection, amount| {
                    collection.quantity = Some(amount)
                });
            },
            |specimen, field, back| {
                let found = specimen
                    .collection
                    .as_ref()
                    .and_then(|collection| collection.quantity.as_ref());
                if let Some(amount) = found {
                    quantity::write_cq(amount, field.repetition(), back);
                }
            },
        ),
        Row::<Specimen>::new(
            10,
            "collection.collector",
            |field, specimen, cx| {
                let collector = person::read(field.repetition(1), cx);
                collect(specimen, collector, |collection, collector| {
                    collection.collector = Some(collector)
                });
            },
            |specimen, field, back| {
                let found = specimen
                    .collection
                    .as_ref()
                    .and_then(|collection| collection.collector.as_ref());
                if let Some(collector) = found {
                    person::write(collector, field.repetition(), back);
                }
            },
        ),
        Row::<Specimen>::new(
            14,
            "receivedTime",
            |field, specimen, cx| specimen.received_time = time::date_time(field, cx, ""),
            |specimen, field, back| time::put(specimen.received_time.as_deref(), field, back),
        ),
        Row::<Specimen>::new(15, "type", read_source, write_source).note("table 0487; SPS, before SPM"),
        Row::<Specimen>::new(
            39,
            "note",
            |field, specimen, cx| {
                for cwe in field.repetitions() {
                    let text = cx
                        .take(cwe.component(2), ".text")
                        .or_else(|| cx.take(cwe.component(1), ".text"));
                    specimen.note.extend(text.map(|text| Annotation {
                        text: Some(text),
                        ..Annotation::default()
                    }));
                }
            },
            |_, _, _| {}, // SPM-14 carries the notes back.
        )
        .note("writes back to SPM-14"),
    ],
};

fn read_number(field: Field<'_>, kind: &'static str, report: &mut DiagnosticReport, cx: &mut Context<'_>) {
    for ei in field.repetitions() {
        cx.at(report.identifier.len());
        let found = identifier::read_ei(ei, cx);
        report
            .identifier
            .extend(found.map(|one| identifier::typed(one, kind)));
    }
}

/// `A` adds to an order, `G` comes of a result; the others do not change what it is.
fn read_action(field: Field<'_>, request: &mut ServiceRequest, cx: &mut Context<'_>) {
    let intent = match cx.peek(field).as_deref() {
        Some("G") => "reflex-order",
        _ => {
            keep::read_field(field, request, cx);
            return;
        }
    };
    cx.take_as(field, "", crate::ledger::Outcome::Transformed);
    request.intent = Some(Text::const_new(intent));
}

fn write_action(request: &ServiceRequest, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(request, field, back);
    if request.intent.as_deref() == Some("reflex-order") {
        field.set(Text::const_new("G"));
    }
}

/// SPS: type, additive, collection method, body site, site modifier, collection method code, role.
fn read_source(field: Field<'_>, specimen: &mut Specimen, cx: &mut Context<'_>) {
    let sps = field.repetition(1);
    specimen.type_ = concept::read(sps.component(1), Some(&cx.vocabulary.specimen_type), cx);
    if let Some(additive) = concept::read(sps.component(2), Some(&cx.vocabulary.additive), cx) {
        container(specimen).additive_codeable_concept = Some(additive);
    }
    if let Some(text) = cx.take(sps.component(3), "Specimen.note.text") {
        specimen.note.push(Annotation {
            text: Some(text),
            ..Annotation::default()
        });
    }
    let site = concept::read(sps.component(4), None, cx);
    collect(specimen, site, |collection, site| {
        collection.body_site = Some(site)
    });
    let method = concept::read(sps.component(6), None, cx);
    collect(specimen, method, |collection, method| {
        collection.method = Some(method)
    });
    for (n, part) in sps.parts().filter(|(n, _)| matches!(n, 5 | 7)) {
        keep::read_part::<Repetition<'_>>("SPS", n, part, &mut specimen.extension, cx);
    }
}

/// Beside an SPM the codes are enough; alone OBR-15 says all that was sent.
fn write_source(specimen: &Specimen, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let mut to = field.repetition();
    if keep::is_marked(&specimen.extension, spm::ABSENT) {
        let collection = specimen.collection.as_ref();
        if let Some(kind) = &specimen.type_ {
            write_within(kind, Some(&back.vocabulary.specimen_type), 1, &mut to, back);
        }
        let container = specimen.container.first();
        if let Some(additive) = container.and_then(|one| one.additive_codeable_concept.as_ref()) {
            write_within(additive, Some(&back.vocabulary.additive), 2, &mut to, back);
        }
        to.optional(3, specimen.note.first().and_then(|note| note.text.as_ref()));
        if let Some(site) = collection.and_then(|one| one.body_site.as_ref()) {
            write_within(site, None, 4, &mut to, back);
        }
        if let Some(method) = collection.and_then(|one| one.method.as_ref()) {
            write_within(method, None, 6, &mut to, back);
        }
        keep::write_parts(&specimen.extension, "SPS", &mut to);
        return;
    }
    let kind = specimen
        .type_
        .as_ref()
        .and_then(|kind| sent_code(kind, &back.vocabulary.specimen_type));
    to.optional(1, kind.as_ref());
    let site = specimen
        .collection
        .as_ref()
        .and_then(|collection| collection.body_site.as_ref()?.coding.first());
    to.optional(4, site.and_then(|coding| coding.code.as_ref()));
    keep::write_parts(&specimen.extension, "SPS", &mut to);
}

/// The first coding of a concept in the subcomponents of one component.
fn write_within(
    concept: &fhir::CodeableConcept,
    table: Option<&crate::vocabulary::Vocabulary>,
    component: u16,
    to: &mut crate::back::RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    let own = table.map(|table| system::concat(system::TABLE, table.table));
    let mut codings = concept.coding.iter();
    let sent = codings.find(|coding| coding.system == own && own.is_some());
    let coding = sent.or(concept.coding.first());
    let code = match (coding, table) {
        (Some(coding), Some(table)) if sent.is_none() => {
            let uri = coding.system.as_deref().unwrap_or_default();
            let known = table.to_hl7(uri, coding.code.as_deref().unwrap_or_default());
            known
                .map(|code| Text::const_new(code.hl7))
                .or_else(|| coding.code.clone())
        }
        (coding, _) => coding.and_then(|coding| coding.code.clone()),
    };
    let words = concept
        .text
        .as_ref()
        .or(coding.and_then(|coding| coding.display.as_ref()));
    to.subcomponent(component, 1, code.as_deref().unwrap_or_default());
    to.subcomponent(component, 2, words.map_or("", Text::as_str));
    let uri = coding.and_then(|coding| coding.system.as_deref());
    if let Some(uri) = uri.filter(|uri| own.is_none() && !uri.is_empty()) {
        let name = system::to_name(&back.vocabulary.coding_system, uri);
        to.subcomponent(component, 3, &name);
    }
}

fn sent_code(concept: &fhir::CodeableConcept, table: &crate::vocabulary::Vocabulary) -> Option<Text> {
    let coding = concept.coding.first()?;
    let known = table.to_hl7(
        coding.system.as_deref().unwrap_or_default(),
        coding.code.as_deref()?,
    );
    known
        .map(|code| Text::const_new(code.hl7))
        .or_else(|| coding.code.clone())
}

/// NDL: a person, for how long, where.
fn read_ndl(field: Field<'_>, function: Option<&'static str>, cx: &mut Context<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    for ndl in field.repetitions() {
        let plain = ndl.component(1).subcomponents().count() <= 1;
        // Many senders write an XCN here: the name then stands in components, not subcomponents.
        let flat = plain && !ndl.component(2).raw().is_empty() && time_like(ndl.component(2), cx).is_none();
        let person = if flat {
            person::read(ndl, cx)
        } else {
            person::read_cnn(ndl.component(1), cx)
        };
        let Some(mut person) = person else { continue };
        if flat {
            person.extension.push(keep::mark(FLAT));
        } else {
            for (n, part) in ndl.parts().filter(|(n, _)| *n > 1) {
                keep::read_part::<Repetition<'_>>("NDL", n, part, &mut person.extension, cx);
            }
        }
        if let Some(code) = function {
            person.extension.push(Extension {
                url: Some(Text::const_new(FUNCTION)),
                value_codeable_concept: Some(Box::new(concept::of_code(PARTICIPATION, code, ""))),
                ..Extension::default()
            });
        }
        found.push(person);
    }
    found
}

fn time_like(part: hl7v2::Component<'_>, cx: &Context<'_>) -> Option<hl7v2::Time> {
    hl7v2::Time::parse(&cx.peek(part)?).ok()
}

fn write_ndl(people: &[Reference], function: Option<&str>, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for one in people {
        let coded = one.extension.iter().find(|e| e.url.as_deref() == Some(FUNCTION));
        let coded = coded.and_then(|e| e.value_codeable_concept.as_ref());
        let wanted = match function {
            Some(code) => coded.is_some_and(|coded| concept::says(coded, PARTICIPATION, code)),
            None => coded.is_none(),
        };
        let role = back
            .resolve::<PractitionerRole>(Some(one))
            .and_then(|role| role.practitioner.as_ref());
        if wanted {
            let mut to = field.repetition();
            if keep::is_marked(&one.extension, FLAT) {
                person::write(one, to, back);
            } else {
                person::write_cnn(role.unwrap_or(one), to.reborrow(), back);
                keep::write_parts(&one.extension, "NDL", &mut to);
            }
        }
    }
}

/// Fills what FHIR requires.
pub(crate) fn complete(report: &mut DiagnosticReport) {
    if report.status.is_none() {
        report.status = Some(Text::const_new("unknown"));
    }
    if report.code.is_none() {
        report.code = Some(super::obx::unknown());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, first, message, read, round_trip};

    #[test]
    fn a_report_and_its_request_come_back() {
        let obr = "OBR|1|P1^RYJ|F1^LAB|26604007^Full blood count^SCT|S|20260301|20260302081500|20260302082000|10^mL|N1^Nurse^Nora||||20260302090000||C1^Consult^Clara|020 7946 0106^^PH|||||20260302120000||HM|C|||CC1^Copy^Carl|||^Tired|I1&Read&Rosa||T1&Bench&Ben";
        let bundle = round_trip("R01", &[PID], obr);
        let report: &DiagnosticReport = first(&bundle);
        assert_eq!(report.status.as_deref(), Some("corrected"));
        assert_eq!(report.issued.as_deref(), Some("2026-03-02T12:00:00+00:00"));
        assert!(report.effective_period.is_some());
        let request: &ServiceRequest = first(&bundle);
        assert_eq!(request.priority.as_deref(), Some("stat"));
        assert_eq!(report.based_on.len(), 1);
    }

    #[test]
    fn people_of_a_report_keep_their_times_and_places() {
        let obr = "OBR|1|P1|F1|FBC|||||||||||||||||||||F|||||||I1&Read&Rosa^20260302090000^20260302093000^W7^R2^B3^RYJ|C2^Flat^Fay^^^Dr||T1&Bench&Ben";
        round_trip("R01", &[PID], obr);
    }

    #[test]
    fn a_source_keeps_its_site_modifier_and_role() {
        let obr = "OBR|1|P1|F1|FBC|||||||||||BLD&Blood^EDTA^^LA&Left arm^UPP&Upper^^P&Patient||||||||||F";
        round_trip("R01", &[PID], obr);
    }

    #[test]
    fn an_order_has_no_report_before_there_is_a_result() {
        let (bundle, _) = read(&message(
            "O21",
            &[PID, "ORC|NW|P1", "OBR|1|P1||FBC^Full blood count"],
        ));
        assert!(all::<DiagnosticReport>(&bundle).is_empty());
        assert_eq!(all::<ServiceRequest>(&bundle).len(), 1);
    }

    #[test]
    fn what_a_report_would_hold_is_not_lost_before_there_is_one() {
        let obr = "OBR|1|P1||FBC^Full blood count|||20260302081500|20260302082000||||||||||||||||HM||||||||I1&Read&Rosa||T1&Bench&Ben";
        let bundle = round_trip("O21", &[PID, "ORC|NW|P1"], obr);
        let request: &ServiceRequest = first(&bundle);
        assert_eq!(request.category[0].coding[0].code.as_deref(), Some("HM"));
    }

    #[test]
    fn a_preliminary_result_and_its_correction_are_one_resource() {
        let ids = |status: &str| {
            let obr = format!("OBR|1|P1|F1|FBC|||||||||||||||||||||{status}");
            let obx = format!("OBX|1|NM|HB^Haemoglobin||12.10|g/dL|||||{status}");
            let (bundle, _) = read(&message("R01", &[PID, &obr, &obx]));
            let report: &DiagnosticReport = first(&bundle);
            let observation: &fhir::Observation = first(&bundle);
            (report.id.clone(), observation.id.clone())
        };
        assert_eq!(ids("P"), ids("C"));
    }
}
