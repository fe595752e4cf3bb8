//! MSH to MessageHeader and Bundle, and back. Guide: "Segment MSH to MessageHeader", "… to Bundle".

use fhir::{
    Bundle, Coding, Element, Extension, Identifier, MessageHeader, MessageHeaderDestination,
    MessageHeaderSource, Meta, Text,
};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, identifier, organization, time};
use crate::ledger::Outcome;
use crate::row::{Row, SegmentMap};
use crate::vocabulary::system;

/// HL7 table 0003, trigger events.
pub(crate) const EVENT: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";
/// HL7 table 0076, message codes.
const CODE: &str = "http://terminology.hl7.org/CodeSystem/v2-0076";
const PROCESSING_ID: &str = "http://terminology.hl7.org/CodeSystem/v2-0103";
const PROCESSING_MODE: &str = "http://terminology.hl7.org/CodeSystem/v2-0207";
/// Why an element has no value.
pub(crate) const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

const DELIMITERS: &str = "FHIR has no delimiters";
const IMPLIED: &str = "follows from the trigger event by table 0354";
const HANDSHAKE: &str =
    "concerns the acknowledgement on the wire, which is over when the message is translated";

/// MSH to MessageHeader.
pub(crate) static HEADER: SegmentMap<MessageHeader> = SegmentMap {
    segment: "MSH",
    resource: "MessageHeader",
    rows: &[
        Row::ignored(1, DELIMITERS),
        Row::ignored(2, DELIMITERS),
        Row::new(3, "source", read_source, write_source),
        Row::new(24, "source.endpoint", read_source_address, write_source_address),
        Row::new(4, "sender", read_sender, write_sender),
        Row::new(5, "destination", read_destination, write_destination),
        Row::new(
            25,
            "destination.endpoint",
            read_destination_address,
            write_destination_address,
        ),
        Row::new(
            23,
            "destination.receiver",
            read_network_receiver,
            write_network_receiver,
        ),
        Row::new(6, "destination.receiver", read_receiver, write_receiver)
            .note("beside MSH-23 in an extension"),
        Row::new(9, "eventCoding", read_event, write_event).note("tables 0076, 0003, 0354"),
        Row::new(11, "meta.tag", read_processing, write_processing).note("tables 0103, 0207"),
        Row::kept(8),
        Row::new(12, "extension", read_version, crate::keep::write_field).note("as received"),
        Row::kept(13),
        Row::ignored(14, "there is no continuation in FHIR"),
        Row::ignored(15, HANDSHAKE),
        Row::ignored(16, HANDSHAKE),
        Row::kept(17),
        Row::ignored(18, "a Bundle is UTF-8"),
        Row::new(19, "language", read_language, write_language),
        Row::kept(20),
        Row::kept(21),
        Row::new(22, "responsible", read_responsible, write_responsible),
    ],
};

/// MSH to Bundle.
pub(crate) static BUNDLE: SegmentMap<Bundle> = SegmentMap {
    segment: "MSH",
    resource: "Bundle",
    rows: &[
        Row::new(7, "timestamp", read_timestamp, write_timestamp),
        Row::new(10, "identifier.value", read_control_id, write_control_id),
    ],
};

fn read_source(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let hd = field.repetition(1);
    let source = header.source.get_or_insert_default();
    source.name = cx.take(hd.component(1), ".name");
    source.endpoint = identifier::universal_uri(hd.component(2), hd.component(3), cx, ".endpoint");
}

fn write_source(header: &MessageHeader, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let Some(source) = &header.source else { return };
    let mut to = field.repetition();
    to.optional(1, source.name.as_ref().or(source.software.as_ref()));
    write_address(source.endpoint.as_ref(), &mut to);
}

fn write_address(endpoint: Option<&Text>, to: &mut crate::back::RepetitionWriter<'_>) {
    if let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.starts_with(APPLICATION)) {
        let [universal, kind] = identifier::split_uri(endpoint);
        to.component(2, &universal);
        to.component(3, &kind);
    }
}

/// FHIR requires an address; an application without one is addressed by its name.
const APPLICATION: &str = "urn:eprgw:application:";

fn address_of(name: Option<&Text>) -> Text {
    let name = name.map_or("unknown", Text::as_str);
    system::concat(APPLICATION, &system::encode(name))
}

fn read_source_address(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let hd = field.repetition(1);
    let source = header.source.get_or_insert_default();
    let named = source.endpoint.is_some();
    if !named {
        source.endpoint = identifier::universal_uri(hd.component(2), hd.component(3), cx, "");
    }
    source.software = cx.take(hd.component(1), "MessageHeader.source.software");
    if named && hd.component(2).is_valued() {
        crate::keep::read_field(field, header, cx);
    }
}

// MSH-3 carries the address back; MSH-24 is rarely used and means the same.
fn write_source_address(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    crate::keep::write_field(header, field, back);
    if !field.is_empty() {
        return;
    }
    // What SFT-3 says goes back there.
    let own = !crate::keep::is_marked(&header.extension, "SFT-3");
    let source = header
        .source
        .as_ref()
        .filter(|source| own && source.name.is_some());
    field
        .repetition()
        .optional(1, source.and_then(|source| source.software.as_ref()));
}

fn read_sender(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    header.sender = organization::read_hd(field.repetition(1), cx);
}

fn write_sender(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(sender) = &header.sender {
        organization::write_hd(sender, field.repetition(), back);
    }
}

fn destination(header: &mut MessageHeader) -> Option<&mut MessageHeaderDestination> {
    if header.destination.is_empty() {
        header.destination.push(MessageHeaderDestination::default());
    }
    header.destination.first_mut()
}

fn read_destination(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let hd = field.repetition(1);
    if let Some(destination) = destination(header) {
        destination.name = cx.take(hd.component(1), ".name");
        destination.endpoint = identifier::universal_uri(hd.component(2), hd.component(3), cx, ".endpoint");
    }
}

fn write_destination(header: &MessageHeader, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let Some(destination) = header.destination.first() else {
        return;
    };
    let mut to = field.repetition();
    to.optional(1, destination.name.as_ref());
    write_address(destination.endpoint.as_ref(), &mut to);
}

fn read_destination_address(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let hd = field.repetition(1);
    let Some(destination) = destination(header) else {
        return;
    };
    let named = destination.endpoint.is_some();
    if !named {
        destination.endpoint = identifier::universal_uri(hd.component(2), hd.component(3), cx, "");
    }
    if named || hd.component(1).is_valued() {
        crate::keep::read_field(field, header, cx);
    }
}

// MSH-5 carries an address back that stood in no other place.
fn write_destination_address(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    crate::keep::write_field(header, field, back);
}

fn read_receiver(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let Some(receiver) = organization::read_hd(field.repetition(1), cx) else {
        return;
    };
    let Some(destination) = destination(header) else {
        return;
    };
    if destination.receiver.is_none() {
        destination.receiver = Some(receiver);
    } else {
        let value = Extension {
            value_reference: Some(Box::new(receiver)),
            ..Extension::default()
        };
        header
            .extension
            .push(crate::keep::carry(Text::const_new(RECEIVER), value));
    }
}

const RECEIVER: &str = "MSH-6";
const NETWORK_RECEIVER: &str = "MSH-23";

/// MSH-23 names the organisation that receives; MSH-6 then only the place within it.
fn read_network_receiver(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let receiver = organization::read_xon(field.repetition(1), cx).map(|mut receiver| {
        receiver.extension.push(crate::keep::mark(NETWORK_RECEIVER));
        receiver
    });
    if let Some(destination) = destination(header) {
        destination.receiver = receiver;
    }
}

fn write_network_receiver(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let receiver = header.destination.first().and_then(|one| one.receiver.as_ref());
    let own = |one: &&fhir::Reference| crate::keep::is_marked(&one.extension, NETWORK_RECEIVER);
    if let Some(receiver) = receiver.filter(own) {
        organization::write_xon(receiver, field.repetition(), back);
    }
}

fn write_receiver(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let beside = crate::keep::carried(&header.extension, RECEIVER);
    let first = header
        .destination
        .first()
        .and_then(|destination| destination.receiver.as_ref())
        .filter(|one| !crate::keep::is_marked(&one.extension, NETWORK_RECEIVER));
    if let Some(receiver) = beside.and_then(|one| one.value_reference.as_deref()).or(first) {
        organization::write_hd(receiver, field.repetition(), back);
    }
}

/// The event names message code and structure; where they differ from the standard's, MSH-9 is kept as well.
fn read_event(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let message = field.repetition(1);
    let part = |n: usize| {
        cx.peek(message.component(n))
            .map(|text| Text::from(text.as_ref()))
    };
    let [code, event, structure] = [part(1), part(2), part(3)];
    let implied = crate::message::code_and_structure(event.as_deref().unwrap_or_default());
    if (code.as_deref(), structure.as_deref()) == (Some(implied.0), Some(implied.1)) {
        for n in [1, 3] {
            cx.record_component(message.component(n), Outcome::IgnoredByRule, "", IMPLIED);
        }
    } else {
        crate::keep::read_field(field, header, cx);
    }
    cx.record_component(message.component(2), Outcome::Mapped, ".code", "");
    let named = Some(cx.received[0].clone()).filter(|sent| event.is_some() && !sent.is_empty());
    header.event_coding = Some(Coding {
        system: Some(Text::const_new(if event.is_some() { EVENT } else { CODE })),
        code: named.or(event).or(code),
        ..Coding::default()
    });
}

/// The version the message declared, not the one that a dialect's rules made of it.
fn read_version(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let received = std::mem::take(&mut cx.received[1]);
    if received.is_empty() || cx.peek(field).is_some_and(|version| version == received.as_str()) {
        crate::keep::read_field(field, header, cx);
        return;
    }
    cx.record_field(field, Outcome::Kept, "", "");
    header.extension.push(crate::keep::carry_text("MSH-12", received));
}

fn write_event(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let coding = header
        .event_coding
        .as_ref()
        .filter(|coding| coding.code.as_deref() != Some("UNK"));
    let Some(event) = coding.and_then(|coding| coding.code.as_deref()) else {
        return;
    };
    // A dialect gives a merge its older name again.
    let event = crate::message::canonical_event(event);
    crate::keep::write_field(header, field, back);
    let sent = field.text(2).is_some_and(|sent| sent == event)
        || (field.text(1).is_some() && field.text(2).is_none());
    if sent {
        return;
    }
    // An edited event wins over the structure that came with another one.
    field.clear();
    let mut to = field.repetition();
    if coding.is_some_and(|coding| coding.system.as_deref() == Some(CODE)) {
        to.component(1, event);
        return;
    }
    let (code, structure) = crate::message::code_and_structure(event);
    to.component(1, code);
    to.component(2, event);
    to.component(3, structure);
}

fn read_processing(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    let pt = field.repetition(1);
    for (n, system) in [(1, PROCESSING_ID), (2, PROCESSING_MODE)] {
        if let Some(code) = cx.take(pt.component(n), ".code") {
            let coding = Coding {
                system: Some(Text::const_new(system)),
                code: Some(code),
                ..Coding::default()
            };
            header.meta.get_or_insert_with(Meta::default).tag.push(coding);
        }
    }
}

fn write_processing(header: &MessageHeader, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    let mut to = field.repetition();
    for tag in header.meta.iter().flat_map(|meta| &meta.tag) {
        match tag.system.as_deref() {
            Some(PROCESSING_ID) => to.optional(1, tag.code.as_ref()),
            Some(PROCESSING_MODE) => to.optional(2, tag.code.as_ref()),
            _ => {}
        }
    }
}

fn read_language(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    header.language = cx
        .take(field, "")
        .map(|code| Text::from(concept::squeeze(&code).as_ref()));
}

fn write_language(header: &MessageHeader, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    field.repetition().optional(1, header.language.as_ref());
}

fn read_responsible(field: Field<'_>, header: &mut MessageHeader, cx: &mut Context<'_>) {
    header.responsible = organization::read_xon(field.repetition(1), cx);
}

fn write_responsible(header: &MessageHeader, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(responsible) = &header.responsible {
        organization::write_xon(responsible, field.repetition(), back);
    }
}

fn read_timestamp(field: Field<'_>, bundle: &mut Bundle, cx: &mut Context<'_>) {
    bundle.timestamp = time::instant(field, cx, "");
}

fn write_timestamp(bundle: &Bundle, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    if let Some(timestamp) = &bundle.timestamp {
        field.set(time::to_hl7(timestamp, back));
    }
}

fn read_control_id(field: Field<'_>, bundle: &mut Bundle, cx: &mut Context<'_>) {
    if let Some(value) = cx.take_as(field, "", Outcome::Mapped) {
        bundle.identifier = Some(Identifier {
            system: Some(Text::const_new(CONTROL_ID)),
            value: Some(value),
            ..Identifier::default()
        });
    }
}

/// System of Bundle.identifier: the guide leaves it to whoever implements.
const CONTROL_ID: &str = "urn:eprgw:control-id";

fn write_control_id(bundle: &Bundle, field: &mut FieldWriter<'_>, _: &Back<'_>) {
    if let Some(value) = bundle
        .identifier
        .as_ref()
        .and_then(|identifier| identifier.value.as_ref())
    {
        field.set(value.clone());
    }
}

/// Fills what FHIR requires of a MessageHeader and the message did not say.
pub(crate) fn complete(header: &mut MessageHeader) {
    if header.event_coding.is_none() {
        header.event_coding = Some(concept::constant(
            "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
            "UNK",
            "unknown",
        ));
    }
    let source = header.source.get_or_insert_with(MessageHeaderSource::default);
    if source.endpoint.is_none() {
        source.endpoint = Some(address_of(source.name.as_ref()));
    }
    for destination in &mut header.destination {
        if destination.endpoint.is_none() {
            destination.endpoint = Some(address_of(destination.name.as_ref()));
        }
    }
}

/// The standard's way to leave out a required value.
pub(crate) fn absent() -> Option<Box<Element>> {
    let extension = Extension {
        url: Some(Text::const_new(DATA_ABSENT)),
        value_code: Some(Text::const_new("unknown")),
        ..Extension::default()
    };
    Some(Box::new(Element {
        extension: vec![extension],
        ..Element::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, back, first, message, read};

    #[test]
    fn the_header_comes_back() {
        let er7 = "MSH|^~\\&|PAS^1.2.3^ISO|RYJ|GW|RQM|20260302091500|key|ADT^A31^ADT_A05|42|P^A|2.4|7||||GBR||EN||iTKv1.0|Trust^^^^^^^^^RYJ\rPID|1||1^^^RYJ^MR\r";
        let (bundle, ledger) = read(er7.as_bytes());
        let header: &MessageHeader = first(&bundle);
        assert_eq!(header.event_coding.as_ref().unwrap().code.as_deref(), Some("A31"));
        assert_eq!(
            header.source.as_ref().unwrap().endpoint.as_deref(),
            Some("urn:oid:1.2.3")
        );
        assert_eq!(
            header.destination[0].endpoint.as_deref(),
            Some("urn:eprgw:application:GW")
        );
        assert_eq!(ledger.totals().lost, 0);
        assert_eq!(back(&bundle)[0], er7.split('\r').next().unwrap());
    }

    #[test]
    fn a_structure_that_the_event_does_not_imply_is_kept() {
        let er7 = b"MSH|^~\\&|PAS|RYJ|||20260302||ADT^A08|42|P|2.3\rPID|1||1\r";
        let (bundle, _) = read(er7);
        assert!(back(&bundle)[0].contains("|ADT^A08|"));
    }

    #[test]
    fn version_and_event_are_those_of_the_message_as_received() {
        let er7 = b"MSH|^~\\&|PAS|RYJ|||202603020915||ADT^A34|42|P|2.3\rPID|1||1^^^RYJ^MR\rMRG|2^^^RYJ^MR\r";
        let (bundle, ledger) = read(er7);
        let header: &MessageHeader = first(&bundle);
        assert_eq!(header.event_coding.as_ref().unwrap().code.as_deref(), Some("A34"));
        assert_eq!(
            crate::keep::carried_text(&header.extension, "MSH-12").unwrap(),
            "2.3"
        );
        let outcome = |place: &str| {
            let line = ledger
                .lines
                .iter()
                .find(|line| line.location.to_string() == place);
            line.unwrap().outcome
        };
        assert_eq!(outcome("MSH-9.2.1"), Outcome::Transformed);
        assert_eq!(outcome("MSH-12.1.1"), Outcome::Kept);
    }

    #[test]
    fn the_code_and_the_structure_follow_from_the_event() {
        let (_, ledger) = read(&message("A01", &[PID]));
        let outcome = |place: &str| {
            let line = ledger
                .lines
                .iter()
                .find(|line| line.location.to_string() == place);
            line.unwrap().outcome
        };
        assert_eq!(outcome("MSH-9.1.1"), Outcome::IgnoredByRule);
        assert_eq!(outcome("MSH-9.2.1"), Outcome::Mapped);
        assert_eq!(outcome("MSH-9.3.1"), Outcome::IgnoredByRule);
    }

    #[test]
    fn both_receivers_are_named() {
        let er7 =
            "MSH|^~\\&|PAS|RYJ|GW|RQM|20260302091500||ADT^A31^ADT_A05|42|P|2.8|||||||||||Trust^^^^^^^^^RYJ";
        let (bundle, _) = read(format!("{er7}\rPID|1||1^^^RYJ^MR\r").as_bytes());
        assert_eq!(back(&bundle)[0], er7);
    }

    #[test]
    fn an_unknown_event_says_so_and_is_translated_all_the_same() {
        let (bundle, ledger) = read(&message("Z99", &[PID, "ZZZ|1|kept^as&it~is"]));
        assert!(ledger.notes.iter().any(|note| note.code == "no-message-map"));
        assert_eq!(ledger.totals().lost, 0);
        first::<fhir::OperationOutcome>(&bundle);
        assert!(back(&bundle).contains(&"ZZZ|1|kept^as&it~is".to_owned()));
    }
}
