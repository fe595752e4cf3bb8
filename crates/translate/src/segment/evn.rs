//! EVN to Provenance and back. Guide: "Segment EVN to Provenance".

use fhir::{Identifier, Location, Provenance, ProvenanceAgent, Text};

use crate::datatype::{concept, identifier, person, time};
use crate::entries::reference;
use crate::row::SegmentMap;

type Row = crate::row::Row<Provenance>;

/// What an agent did.
pub(crate) const PARTICIPANT: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";

/// EVN to Provenance.
pub(crate) static EVN: SegmentMap<Provenance> = SegmentMap {
    segment: "EVN",
    resource: "Provenance",
    rows: &[
        // MSH-9.2 is the event; EVN-1 repeats it for older receivers, and the way back writes it from there.
        Row::new(
            1,
            "activity.coding.code",
            |field, provenance, cx| {
                if cx.peek(field).is_some_and(|event| event == cx.event.as_str()) {
                    cx.take(field, "MessageHeader.eventCoding.code");
                } else {
                    crate::keep::read_field(field, provenance, cx);
                }
            },
            crate::keep::write_field,
        )
        .note("table 0003; kept when it differs from MSH-9.2"),
        Row::new(
            2,
            "recorded",
            |field, provenance, cx| provenance.recorded = time::instant(field, cx, ""),
            |provenance, field, back| time::put(provenance.recorded.as_deref(), field, back),
        ),
        Row::kept(3),
        Row::new(
            4,
            "reason",
            |field, provenance, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.event_reason),
                    &mut provenance.reason,
                    cx,
                );
            },
            |provenance, field, back| {
                let first = provenance.reason.first();
                concept::put(first, Some(&back.vocabulary.event_reason), field, back);
            },
        )
        .note("table 0062"),
        Row::new(
            5,
            "agent.who",
            |field, provenance, cx| {
                cx.at(provenance.agent.len());
                for who in person::read_all(field, cx) {
                    provenance.agent.push(ProvenanceAgent {
                        type_: Some(concept::of_code(PARTICIPANT, "enterer", "Enterer")),
                        who: Some(who),
                        ..ProvenanceAgent::default()
                    });
                }
            },
            |provenance, field, back| {
                for agent in &provenance.agent {
                    let enterer = agent
                        .type_
                        .as_ref()
                        .is_some_and(|kind| concept::says(kind, PARTICIPANT, "enterer"));
                    if let Some(who) = agent.who.as_ref().filter(|_| enterer) {
                        person::write_all(who, field, back);
                    }
                }
            },
        ),
        Row::new(
            6,
            "occurredDateTime",
            |field, provenance, cx| provenance.occurred_date_time = time::date_time(field, cx, ""),
            |provenance, field, back| time::put(provenance.occurred_date_time.as_deref(), field, back),
        ),
        Row::new(
            7,
            "location",
            |field, provenance, cx| {
                let hd = field.repetition(1);
                let name = cx.take(hd.component(1), "Location.name");
                let member = "Location.identifier.value";
                let uri = identifier::universal_uri(hd.component(2), hd.component(3), cx, member);
                if name.is_none() && uri.is_none() {
                    return;
                }
                let text = |text: &Option<Text>| text.clone().unwrap_or_default();
                let id = cx.entries.id("Location", &["|si|", &text(&name), &text(&uri)]);
                if cx.entries.shared(id).is_none() {
                    let identifier = uri.map(|uri| Identifier {
                        system: Some(Text::const_new("urn:ietf:rfc:3986")),
                        value: Some(uri),
                        ..Identifier::default()
                    });
                    cx.entries.share(
                        id,
                        Location {
                            name,
                            identifier: identifier.into_iter().collect(),
                            ..Location::default()
                        },
                    );
                }
                provenance.location = Some(reference(id));
            },
            |provenance, field, back| {
                let place = back.resolve::<Location>(provenance.location.as_ref());
                let Some(place) = place else { return };
                let mut to = field.repetition();
                to.optional(1, place.name.as_ref());
                if let Some(uri) = place.identifier.first().and_then(|id| id.value.as_deref()) {
                    let [universal, kind] = identifier::split_uri(uri);
                    to.component(2, &universal);
                    to.component(3, &kind);
                }
            },
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, message, read};

    #[test]
    fn the_event_is_the_provenance_of_the_message() {
        let evn = "EVN|A01|20260302091500|20260303|01|U1^Clerk^Cleo|20260302091000|RYJ01";
        let (bundle, ledger) = read(&message("A01", &[evn, PID]));
        let provenance: &Provenance = first(&bundle);
        assert_eq!(provenance.recorded.as_deref(), Some("2026-03-02T09:15:00+00:00"));
        assert_eq!(provenance.reason[0].coding[0].code.as_deref(), Some("PATRQT"));
        assert_eq!(ledger.totals().lost, 0);
        assert!(crate::testing::back(&bundle).contains(&evn.to_owned()));
    }

    #[test]
    fn an_event_that_differs_from_the_header_is_kept() {
        let (bundle, _) = read(&message("A01", &["EVN|A04|20260302", PID]));
        assert!(
            crate::testing::back(&bundle)
                .iter()
                .any(|line| line.starts_with("EVN|A04|"))
        );
    }
}
