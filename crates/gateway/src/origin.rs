//! Origin: what this gateway has sent on carries its name, so that it is known when it comes back.
//!
//! Two gateways that lead into each other would hand one message round for ever. Each writes its name into a segment of
//! its own (`ZOT`, field 1) beside the names of those before it; whoever finds its own does not send the message on.
//! Bytes that are to pass as they stand (`translate = "none"`) carry no name.

use hl7v2::Message;

const TAG: &str = "ZOT";

/// Whether a message carries this name.
pub(crate) fn carries(message: &Message<'_>, origin: &str) -> bool {
    message
        .segments_named(TAG)
        .any(|segment| segment.field(1).text() == origin)
}

/// Writes the name at the end of an ER7 message, in its own field separator.
pub(crate) fn tag(er7: &mut Vec<u8>, origin: &str) {
    let separator = er7.get(3).copied().unwrap_or(b'|');
    if er7.last() != Some(&b'\r') {
        er7.push(b'\r');
    }
    er7.extend_from_slice(TAG.as_bytes());
    er7.push(separator);
    er7.extend_from_slice(origin.as_bytes());
    er7.push(b'\r');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_where_it_was_written_and_nowhere_else() {
        let mut er7 = b"MSH#^~\\&#A#B#C#D#20260101##ADT^A01#42#T#2.4\rPID#1##7".to_vec();
        tag(&mut er7, "north");
        tag(&mut er7, "south");
        let message = Message::parse(&er7).unwrap();
        assert!(carries(&message, "north") && carries(&message, "south"));
        assert!(!carries(&message, "nor") && !carries(&message, ""));
        assert_eq!(message.field("PID", 3).text(), "7");
    }
}
