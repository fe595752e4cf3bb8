//! Acknowledgements: writing them in the shape each version knows, reading them, and who asked for one.
//!
//! An ACK says where and why, never what: its texts are the caller's and must hold no value of the message.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::{Builder, Charset, Encoding, Header, Location, Message, SegmentId};

/// MSA-1, table 0008.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckCode {
    /// Application accept.
    AA,
    /// Application error: something about this message; may be sent again once mended.
    AE,
    /// Application reject: not this message, not here.
    AR,
    /// Commit accept: the message is safe with the receiver.
    CA,
    /// Commit error.
    CE,
    /// Commit reject.
    CR,
}

impl AckCode {
    /// As MSA-1 has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// Whether the message was accepted.
    pub fn is_positive(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }

    /// The commit code that says the same: `AA` as `CA`.
    #[must_use]
    pub fn to_commit(self) -> Self {
        match self {
            Self::AA | Self::CA => Self::CA,
            Self::AE | Self::CE => Self::CE,
            Self::AR | Self::CR => Self::CR,
        }
    }
}

impl fmt::Display for AckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AckCode {
    type Err = ReadError;

    fn from_str(code: &str) -> Result<Self, ReadError> {
        Ok(match code {
            "AA" => Self::AA,
            "AE" => Self::AE,
            "AR" => Self::AR,
            "CA" => Self::CA,
            "CE" => Self::CE,
            "CR" => Self::CR,
            _ => return Err(ReadError::UnknownCode),
        })
    }
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct Ack<'t> {
    /// MSA-1.
    pub code: AckCode,
    /// The ERR segment, if there is something to say in one.
    pub error: Option<AckError<'t>>,
    /// MSA-3; empty for none. Withdrawn in version 2.7 and left out from there on.
    pub text: &'t str,
}

impl Ack<'_> {
    /// An answer that is only a code.
    pub fn of(code: AckCode) -> Self {
        Self {
            code,
            error: None,
            text: "",
        }
    }
}

/// What went wrong, and where.
#[derive(Debug, Clone)]
pub struct AckError<'t> {
    /// Where in the message; none when it concerns the message as a whole.
    pub location: Option<Location>,
    /// Table 0357: see [`condition_text`].
    pub condition: &'static str,
    /// For a person to read; names places and limits, never values.
    pub text: &'t str,
}

/// What a code of table 0357 stands for; empty for a code that is not in it.
pub fn condition_text(condition: &str) -> &'static str {
    match condition {
        "0" => "Message accepted",
        "100" => "Segment sequence error",
        "101" => "Required field missing",
        "102" => "Data type error",
        "103" => "Table value not found",
        "104" => "Value too long",
        "200" => "Unsupported message type",
        "201" => "Unsupported event code",
        "202" => "Unsupported processing id",
        "203" => "Unsupported version id",
        "204" => "Unknown key identifier",
        "205" => "Duplicate key identifier",
        "206" => "Application record locked",
        "207" => "Application internal error",
        _ => "",
    }
}

/// Builds the acknowledgement of a message: applications and facilities swapped, version, processing id and
/// encoding kept, ERR in the shape the version knows (ERR-1 up to 2.4, ERR-2, 3, 4 and 8 from 2.5).
///
/// Without a message, the answer has no MSA-2; [`acknowledge_unreadable`] does better where a header is left.
/// `control_id` becomes MSH-10 of the answer and `now`, an HL7 time, its MSH-7.
///
/// # Example
///
/// ```
/// use hl7v2::{Message, ack::{Ack, AckCode, acknowledge}};
///
/// let message = Message::parse(b"MSH|^~\\&|LAB|RYJ|EPR|RQM|20240101||ORU^R01^ORU_R01|42|T|2.4\r")?;
/// let answer = acknowledge(Some(&message), &Ack::of(AckCode::AA), "A1", "20240102030405");
/// assert_eq!(
///     answer,
///     b"MSH|^~\\&|EPR|RQM|LAB|RYJ|20240102030405||ACK^R01^ACK|A1|T|2.4\rMSA|AA|42\r",
/// );
/// # Ok::<(), hl7v2::ParseError>(())
/// ```
pub fn acknowledge(incoming: Option<&Message<'_>>, ack: &Ack<'_>, control_id: &str, now: &str) -> Vec<u8> {
    let encoding = incoming.map_or(Encoding::STANDARD, Message::encoding);
    let version = incoming
        .map(|message| message.header().version())
        .unwrap_or_default();
    let known = Version::read(&version);
    let version = known.unwrap_or(Version::ASSUMED.0);
    let mut builder = Builder::new(encoding);
    write_header(&mut builder, incoming, known, control_id, now);
    let mut msa = builder.segment("MSA");
    msa.field(1, ack.code.as_str());
    if let Some(incoming) = incoming {
        msa.raw(2, incoming.field("MSH", 10).raw());
    }
    if version < Version(2, 7) {
        msa.field(3, ack.text);
    }
    if let Some(error) = &ack.error {
        write_error(&mut builder, error, ack, version);
    }
    builder.finish()
}

/// Builds the acknowledgement of a frame that could not be read, from whatever is left of its header.
pub fn acknowledge_unreadable(frame: &[u8], ack: &Ack<'_>, control_id: &str, now: &str) -> Vec<u8> {
    let header = surviving_header(frame);
    let message = header.as_deref().and_then(|header| Message::parse(header).ok());
    acknowledge(message.as_ref(), ack, control_id, now)
}

/// Longest header line that is looked at in an unreadable frame.
const SURVIVING_HEADER_MAX: usize = 4_096;

/// The first MSH line of a frame, its MSH-2 replaced by the usual one when it cannot be used.
fn surviving_header(frame: &[u8]) -> Option<Vec<u8>> {
    let start = memchr::memmem::find(frame, b"MSH")?;
    let rest = frame.get(start..)?;
    let end = memchr::memchr2(b'\r', b'\n', rest)
        .unwrap_or(rest.len())
        .min(SURVIVING_HEADER_MAX);
    let line = rest.get(..end)?;
    if Message::parse(line).is_ok() {
        return Some(line.to_vec());
    }
    let fields = line.strip_prefix(b"MSH|")?;
    let after = memchr::memchr(b'|', fields)?;
    Some([b"MSH|^~\\&", fields.get(after..)?].concat())
}

/// The first two numbers of MSH-12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u8, u8);

impl Version {
    /// What a version that is missing or unreadable is answered as: its ERR says most.
    const ASSUMED: (Self, &str) = (Self(2, 5), "2.5.1");

    fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(|number| number.trim().parse().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(2), Some(minor)) => Some(Self(2, minor)),
            _ => None,
        }
    }
}

fn write_header(
    builder: &mut Builder,
    incoming: Option<&Message<'_>>,
    known: Option<Version>,
    control_id: &str,
    now: &str,
) {
    let (assumed, assumed_text) = Version::ASSUMED;
    let mut msh = builder.segment("MSH");
    msh.field(7, now).field(10, control_id).component(9, 1, "ACK");
    let Some(incoming) = incoming else {
        msh.field(11, "P").field(12, assumed_text).component(9, 3, "ACK");
        return;
    };
    let field = |n| incoming.field("MSH", n).raw();
    msh.raw(3, field(5))
        .raw(4, field(6))
        .raw(5, field(3))
        .raw(6, field(4))
        .raw(11, field(11));
    // A version that is none may be anything, a patient's name included: it is not sent back.
    match known {
        Some(_) => msh.raw(12, field(12)),
        None => msh.field(12, assumed_text),
    };
    msh.component(9, 2, &incoming.header().trigger_event());
    // The structure came with 2.3.1.
    let precise = known.unwrap_or(assumed) > Version(2, 3) || incoming.header().version() == "2.3.1";
    if precise {
        msh.component(9, 3, "ACK");
    }
    if incoming.encoding().charset != Charset::Unstated {
        msh.raw(18, field(18));
    }
}

fn write_error(builder: &mut Builder, error: &AckError<'_>, ack: &Ack<'_>, version: Version) {
    let condition = condition_text(error.condition);
    let mut err = builder.segment("ERR");
    if version < Version(2, 5) {
        if let Some(location) = error.location {
            err.component(1, 1, location.segment.as_str()).component(
                1,
                2,
                &number(location.occurrence.max(1)),
            );
            err.component(1, 3, &number(location.field));
        }
        err.subcomponent(1, 1, 4, 1, error.condition)
            .subcomponent(1, 1, 4, 2, condition);
        err.subcomponent(1, 1, 4, 3, "HL70357");
        return;
    }
    if let Some(location) = error.location {
        err.component(2, 1, location.segment.as_str())
            .component(2, 2, &number(location.occurrence.max(1)));
        err.component(2, 3, &number(location.field))
            .component(2, 4, &number(location.repetition));
        err.component(2, 5, &number(location.component))
            .component(2, 6, &number(location.subcomponent));
    }
    err.component(3, 1, error.condition)
        .component(3, 2, condition)
        .component(3, 3, "HL70357");
    err.field(4, if ack.code.is_positive() { "I" } else { "E" })
        .field(8, error.text);
}

/// A position as text; 0, "not given", is left empty.
fn number(position: u16) -> String {
    if position == 0 {
        String::new()
    } else {
        position.to_string()
    }
}

/// What an acknowledgement says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement<'m> {
    /// MSA-1.
    pub code: AckCode,
    /// MSA-2: which message this answers.
    pub control_id: Cow<'m, str>,
    /// ERR-8, else MSA-3.
    pub text: Cow<'m, str>,
    /// Table 0357, from ERR-3, ERR-1 or MSA-6; empty when none is given.
    pub condition: Cow<'m, str>,
    /// Where, from ERR-2 or ERR-1, when it is said and makes sense.
    pub location: Option<Location>,
}

/// Why a message is no acknowledgement to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// No MSA segment.
    #[error("no MSA segment: this is no acknowledgement")]
    NoMsa,
    /// MSA-1 is none of table 0008.
    #[error("MSA-1 is none of AA, AE, AR, CA, CE, CR")]
    UnknownCode,
}

/// Reads an acknowledgement.
///
/// # Errors
///
/// When there is no MSA, or MSA-1 is not in table 0008.
pub fn read<'m>(message: &'m Message<'_>) -> Result<Acknowledgement<'m>, ReadError> {
    let msa = message.segment("MSA").ok_or(ReadError::NoMsa)?;
    let first_said = |candidates: [Cow<'m, str>; 3]| candidates.into_iter().find(|text| !text.is_empty());
    let old = message.field("ERR", 1);
    Ok(Acknowledgement {
        code: msa.field(1).text().trim().parse()?,
        control_id: msa.field(2).text(),
        text: first_said([
            message.field("ERR", 8).text(),
            msa.field(3).text(),
            Cow::Borrowed(""),
        ])
        .unwrap_or_default(),
        condition: first_said([
            message.field("ERR", 3).text(),
            old.component(4).text(),
            msa.field(6).text(),
        ])
        .unwrap_or_default(),
        location: read_location(&message.field("ERR", 2).repetition(1))
            .or_else(|| read_location(&old.repetition(1))),
    })
}

fn read_location(erl: &crate::Repetition<'_>) -> Option<Location> {
    let number = |n| erl.component(n).text().trim().parse::<u16>().unwrap_or(0);
    let location = Location::new(SegmentId::new(&erl.component(1).text())?).with_occurrence(number(2).max(1));
    let location = location.with_field(number(3));
    // ERR-1 has the error where ERR-2 has the repetition.
    if erl.location().field == 1 {
        return Some(location);
    }
    Some(Location {
        repetition: number(4),
        component: number(5),
        subcomponent: number(6),
        ..location
    })
}

/// Which acknowledgements a sender wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Enhanced mode: MSH-15 or MSH-16 says something.
    pub enhanced: bool,
    /// A commit answer (CA, CE, CR) is wanted.
    pub accept: bool,
    /// An application answer (AA, AE, AR) is wanted.
    pub application: bool,
}

/// What MSH-15 and MSH-16 (table 0155) ask for, given how the message fared.
///
/// Both empty is original mode: one application answer, always. A code outside the table is read as `AL`:
/// a sender without an answer will send again.
pub fn wanted(header: &Header<'_>, positive: bool) -> Wanted {
    let accept = header.accept_ack();
    let application = header.application_ack();
    if accept.trim().is_empty() && application.trim().is_empty() {
        return Wanted {
            enhanced: false,
            accept: false,
            application: true,
        };
    }
    let asks = |code: &str| match code.trim() {
        "" | "NE" => false,
        "ER" => !positive,
        "SU" => positive,
        _ => true,
    };
    Wanted {
        enhanced: true,
        accept: asks(&accept),
        application: asks(&application),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "20240102030405+0000";

    fn answer(incoming: &[u8], error: Option<AckError<'_>>) -> String {
        let message = Message::parse(incoming).unwrap();
        let code = if error.is_some() { AckCode::AE } else { AckCode::AA };
        let ack = Ack {
            code,
            error,
            text: "PID-3 is empty",
        };
        String::from_utf8(acknowledge(Some(&message), &ack, "A1", NOW)).unwrap()
    }

    fn missing() -> AckError<'static> {
        AckError {
            location: Some("PID-3[2].1".parse().unwrap()),
            condition: "101",
            text: "PID-3 is empty",
        }
    }

    #[test]
    fn a_version_that_is_none_is_not_sent_back() {
        for version in ["", "9.9", "2\u{b}MSH", "MARLOWE^ODETTE"] {
            let incoming = format!("MSH|^~\\&|A|B|C|D|||ADT^A01|42|P|{version}\r");
            let incoming = Message::parse(incoming.as_bytes()).unwrap();
            let answer = acknowledge(Some(&incoming), &Ack::of(AckCode::AR), "1", "2024");
            let answer = Message::parse(&answer).unwrap();
            assert_eq!(answer.field("MSH", 12).text(), "2.5.1", "{version}");
        }
    }

    #[test]
    fn errors_take_the_shape_of_the_version() {
        let old = answer(b"MSH|^~\\&|A|B|C|D|||ADT^A01|42|P|2.3\r", Some(missing()));
        assert_eq!(
            old,
            "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01|A1|P|2.3\rMSA|AE|42|PID-3 is empty\r\
             ERR|PID^1^3^101&Required field missing&HL70357\r"
        );
        let new = answer(
            b"MSH|^~\\&|A|B|C|D|||ADT^A01^ADT_A01|42|P|2.5.1\r",
            Some(missing()),
        );
        assert_eq!(
            new,
            "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|A1|P|2.5.1\rMSA|AE|42|PID-3 is empty\r\
             ERR||PID^1^3^2^1|101^Required field missing^HL70357|E||||PID-3 is empty\r"
        );
        assert!(
            answer(b"MSH|^~\\&|||||||ADT^A01|42|P|2.8\r", None).ends_with("MSA|AA|42\r"),
            "MSA-3 went with 2.7"
        );
        assert!(answer(b"MSH|^~\\&|||||||ADT^A01|42|P|2.3.1\r", None).contains("|ACK^A01^ACK|"));
    }

    #[test]
    fn answers_are_written_in_the_senders_encoding() {
        let answer = answer(b"MSH*:+!%*A:1*B*****ADT:A01*4!F!2*P*2.4******8859/1\r", None);
        assert!(
            answer.starts_with("MSH*:+!%***A:1*B*20240102030405!R!0000**ACK:A01:ACK*A1*P*2.4******8859/1\r")
        );
        assert!(answer.ends_with("MSA*AA*4!F!2*PID-3 is empty\r"));
    }

    #[test]
    fn unreadable_frames_are_answered_from_what_is_left_of_the_header() {
        let ack = Ack {
            code: AckCode::AR,
            error: None,
            text: "line 1",
        };
        let read_back = |frame: &[u8]| {
            let answer = acknowledge_unreadable(frame, &ack, "A1", NOW);
            let message = Message::parse(&answer).unwrap();
            assert_eq!(read(&message).unwrap().code, AckCode::AR);
            read(&message).unwrap().control_id.into_owned()
        };
        assert_eq!(
            read_back(b"MSH|^~\\&|A|B|||||ADT^A01|42|P|2.4\rMSH|^~\\&\r"),
            "42",
            "two messages in a frame"
        );
        assert_eq!(
            read_back(b"MSH|^~\\&amp;|A|B|||||ADT^A01|42|P|2.4\r"),
            "42",
            "a mangled MSH-2"
        );
        assert_eq!(
            read_back(b"noise\rMSH|^~\\&|A|B|||||ADT^A01|42|P|2.4\r"),
            "42",
            "noise before"
        );
        assert_eq!(read_back(b"GET / HTTP/1.1\r\n"), "");
        assert_eq!(read_back(b""), "");
    }

    #[test]
    fn what_was_written_is_read_back() {
        for version in ["2.3", "2.5"] {
            let incoming = format!("MSH|^~\\&|||||||ADT^A01|42|P|{version}\r");
            let answer = answer(incoming.as_bytes(), Some(missing()));
            let message = Message::parse(answer.as_bytes()).unwrap();
            let ack = read(&message).unwrap();
            assert_eq!(
                (ack.code, ack.control_id.as_ref(), ack.condition.as_ref()),
                (AckCode::AE, "42", "101")
            );
            assert_eq!(ack.text, "PID-3 is empty");
            assert_eq!(ack.location.unwrap().to_field().to_string(), "PID-3");
        }
        let none = Message::parse(b"MSH|^~\\&|\rPID|\r").unwrap();
        assert_eq!(read(&none), Err(ReadError::NoMsa));
        let wrong = Message::parse(b"MSH|^~\\&|\rMSA|OK|42\r").unwrap();
        assert_eq!(read(&wrong), Err(ReadError::UnknownCode));
    }

    #[test]
    fn table_0155_decides_who_is_answered() {
        let ask = |accept: &str, application: &str, positive| {
            let bytes = format!("MSH|^~\\&|||||||||||||{accept}|{application}\r");
            let message = Message::parse(bytes.as_bytes()).unwrap();
            let wanted = wanted(&message.header(), positive);
            (wanted.enhanced, wanted.accept, wanted.application)
        };
        assert_eq!(ask("", "", true), (false, false, true));
        assert_eq!(ask("AL", "NE", true), (true, true, false));
        assert_eq!(ask("AL", "NE", false), (true, true, false));
        assert_eq!(ask("ER", "SU", true), (true, false, true));
        assert_eq!(ask("ER", "SU", false), (true, true, false));
        assert_eq!(ask("??", "", true), (true, true, false));
    }
}
