//! RF1 to ServiceRequest and back: a referral. The guide has no map for RF1.

use fhir::ServiceRequest;

use crate::datatype::{code, organization, person};
use crate::keep;
use crate::row::{SegmentMap, cells};

type Row = crate::row::Row<ServiceRequest>;

/// Marks a request that stood in RF1.
pub(crate) const REFERRAL: &str = "RF1";

/// RF1 to ServiceRequest.
pub(crate) static RF1: SegmentMap<ServiceRequest> = SegmentMap {
    segment: "RF1",
    resource: "ServiceRequest",
    rows: &[
        Row::new(
            1,
            "status",
            |field, request, cx| {
                // Table 0283: an accepted referral goes on, a rejected one is over; of the others FHIR has no word.
                let state = cx.peek(field).and_then(|state| match state.as_ref() {
                    "A" => Some("active"),
                    "R" => Some("revoked"),
                    _ => None,
                });
                if let Some(state) = state {
                    cx.take_as(field, "", crate::ledger::Outcome::Transformed);
                    request.status = Some(fhir::Text::const_new(state));
                }
                keep::read_field(field, request, cx);
            },
            |request, field, back| {
                keep::write_field(request, field, back);
                match request.status.as_deref() {
                    Some("active") if field.is_empty() => field.set("A"),
                    Some("revoked") if field.is_empty() => field.set("R"),
                    _ => {}
                }
            },
        )
        .note("table 0283: A, R"),
        Row::new(
            2,
            "priority",
            |field, request, cx| {
                let table = &cx.vocabulary.priority;
                (request.priority, request.priority_element) = code::read(field, table, cx, "");
                cells::keep_more(field, request, cx);
            },
            |request, field, back| {
                keep::write_field(request, field, back);
                let table = &back.vocabulary.priority;
                let code = code::write(request.priority.as_ref(), &request.priority_element, table);
                field.nth(1).optional(1, code.as_ref());
            },
        )
        .note("table 0280"),
        concept!(3, "code", code),
        concepts!(5, "category", category),
        number!(6, "identifier", identifier, "PLAC").note("table 0203: PLAC"),
        moment!(7, "occurrencePeriod.start", occurrence_period => start),
        moment!(8, "occurrencePeriod.end", occurrence_period => end),
        moment!(9, "authoredOn", authored_on),
        concepts!(10, "reasonCode", reason_code),
        number!(11, "identifier", identifier, "FILL").note("table 0203: FILL"),
        Row::new(
            19,
            "performer(Organization)",
            |field, request, cx| {
                if let Some(mut one) = organization::read_xon(field.repetition(1), cx) {
                    one.extension.push(keep::mark("RF1-19"));
                    request.performer.push(one);
                }
                cells::keep_rest(field, request, cx);
            },
            |request, field, back| {
                let own = |one: &&fhir::Reference| keep::is_marked(&one.extension, "RF1-19");
                if let Some(one) = request.performer.iter().find(own) {
                    organization::write_xon(one, field.nth(1), back);
                }
                cells::write_rest(request, field);
            },
        ),
        Row::new(
            20,
            "performer(Practitioner)",
            |field, request, cx| {
                if let Some(mut one) = person::read(field.repetition(1), cx) {
                    one.extension.push(keep::mark("RF1-20"));
                    request.performer.push(one);
                }
                cells::keep_rest(field, request, cx);
            },
            |request, field, back| {
                let own = |one: &&fhir::Reference| keep::is_marked(&one.extension, "RF1-20");
                if let Some(one) = request.performer.iter().find(own) {
                    person::write(one, field.nth(1), back);
                }
                cells::write_rest(request, field);
            },
        ),
        Row::kept(4),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_referral_and_its_people_come_back() {
        let rf1 = "RF1|A^Accepted|R|Med^Medical^L|WR^Reply^L|O^Outpatient^L|REF7^RYJ|20260302|20260902|20260301|O^Opinion^L~T^Treat^L|EXT8^RYJ||||||||Clinic A|D1^Doctor^Dora";
        let from = "PRD|RP^Referring^L|Practice^Grace^^^Dr|1 Surgery Lane^^London||020 7946 0100^WPN^PH||G9999981^GMP|20200101";
        let to = "PRD|RT^Referred to^L|Consult^Clara||CLINIC^^^RYJ|||C7654321^GMC^^20301231";
        let bundle = comes_back("I12", &[rf1, from, to, PID], &["RF1", "PRD", "ORC", "OBR"]);
        let request: &ServiceRequest = first(&bundle);
        assert_eq!(request.status.as_deref(), Some("active"));
        assert!(request.subject.is_some() && request.requester.is_some());
        assert_eq!(request.performer.len(), 3);
    }

    #[test]
    fn without_a_patient_it_travels() {
        comes_back("I12", &["RF1|P", "PRD|RP|Practice^Grace"], &["RF1", "PRD"]);
    }
}
