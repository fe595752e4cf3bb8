//! NHS numbers: reading one, finding live-looking ones in a message, masking them.
//!
//! A test system must not store a real patient by accident. A number is *live-looking* when its check digit is
//! right and it lies outside the ranges set aside for tests (999 000 0000 to 999 999 9999 are never issued).

use std::fmt;
use std::ops::RangeInclusive;

use crate::{Field, Location, Message, Repetition, Segment};

/// Ten digits whose last one checks the others by modulus 11.
///
/// # Example
///
/// ```
/// use hl7v2::nhs::NhsNumber;
///
/// let number = NhsNumber::parse("999 000 0018").unwrap();
/// assert_eq!(number.to_string(), "9990000018");
/// assert_eq!(format!("{number:?}"), "NhsNumber([nhs])");
/// assert_eq!(NhsNumber::parse("999 000 0019"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NhsNumber(u64);

impl NhsNumber {
    /// Reads ten digits, spaces and hyphens between them allowed, when the check digit is right.
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits = [0_u8; 10];
        let mut count = 0;
        for character in text.trim().chars() {
            match character {
                ' ' | '-' | '\u{a0}' => {}
                '0'..='9' => {
                    *digits.get_mut(count)? = u8::try_from(character).ok()?;
                    count += 1;
                }
                _ => return None,
            }
        }
        if count == digits.len() {
            Self::from_digits(&digits)
        } else {
            None
        }
    }

    /// The number with these first nine digits; none where no check digit fits, or for more than nine digits.
    pub fn with_check_digit(first_nine: u64) -> Option<Self> {
        if first_nine > 999_999_999 {
            return None;
        }
        let mut rest = first_nine;
        let mut sum = 0;
        for weight in 2..=10 {
            sum += (rest % 10) * weight;
            rest /= 10;
        }
        match 11 - sum % 11 {
            10 => None,
            11 => Some(Self(first_nine * 10)),
            check => Some(Self(first_nine * 10 + check)),
        }
    }

    fn from_digits(digits: &[u8; 10]) -> Option<Self> {
        let value = digits
            .iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        Self::with_check_digit(value / 10).filter(|number| number.0 == value)
    }

    /// The number as an integer; leading zeros are lost, `Display` keeps them.
    pub fn value(self) -> u64 {
        self.0
    }
}

impl fmt::Display for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:010}", self.0)
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber([nhs])")
    }
}

/// The ranges in which a number is taken for a test number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranges(Vec<RangeInclusive<u64>>);

impl Ranges {
    /// Ranges of a site's own; numbers outside all of them look live.
    pub fn new(ranges: Vec<RangeInclusive<u64>>) -> Self {
        Self(ranges)
    }

    /// Whether a number is a test number here.
    pub fn contain(&self, number: NhsNumber) -> bool {
        self.0.iter().any(|range| range.contains(&number.0))
    }

    /// The ranges as they were given.
    pub fn as_slice(&self) -> &[RangeInclusive<u64>] {
        &self.0
    }
}

impl Default for Ranges {
    /// 999 000 0000 to 999 999 9999, never issued.
    fn default() -> Self {
        Self(vec![9_990_000_000..=9_999_999_999])
    }
}

/// Fields that identify a person whatever their label says.
const IDENTITY_PLACES: &[(&str, &[usize])] =
    &[("PID", &[2, 3, 4, 19]), ("MRG", &[1, 2, 3, 4]), ("NK1", &[33])];

/// Fields of free text, where a number counts only right after the letters NHS.
const FREE_TEXT_PLACES: &[(&str, usize)] = &[("NTE", 3), ("OBX", 5)];

/// How CX-4 and CX-5 spell the NHS number's authority and type in the wild.
const NHS_SPELLINGS: &[&str] = &[
    "NHS",
    "NH",
    "NHSNBR",
    "NHSNMBR",
    "NHSNO",
    "NHS NUMBER",
    "NHSNUMBER",
    "2.16.840.1.113883.2.1.4.1",
    "HTTPS://FHIR.NHS.UK/ID/NHS-NUMBER",
];

/// Where live-looking NHS numbers stand: the identity places, every CX whose authority or type says NHS, and
/// free text where a number follows the letters NHS.
///
/// # Example
///
/// ```
/// use hl7v2::{Message, nhs::{Ranges, live_numbers}};
///
/// let message = Message::parse(b"MSH|^~\\&|\rPID|||123^^^RYJ^MR~9990000018^^^NHS^NH\r")?;
/// assert!(live_numbers(&message, &Ranges::default()).is_empty());
/// let narrow = Ranges::new(vec![9_991_000_000..=9_999_999_999]);
/// assert_eq!(live_numbers(&message, &narrow)[0].to_string(), "PID-3[2].1");
/// # Ok::<(), hl7v2::ParseError>(())
/// ```
pub fn live_numbers(message: &Message<'_>, ranges: &Ranges) -> Vec<Location> {
    let mut found = Vec::new();
    for segment in message.segments() {
        for field in segment.fields().skip(if segment.ordinal() == 0 { 2 } else { 0 }) {
            if field.raw().len() < 10 {
                continue;
            }
            let identity = is_identity_place(&segment, &field);
            let free_text = is_free_text_place(&segment, &field);
            for repetition in field.repetitions() {
                let number = NhsNumber::parse(&repetition.text()).filter(|&number| !ranges.contain(number));
                if number.is_some() && (identity || is_labelled(&repetition)) {
                    found.push(repetition.component(1).location());
                } else if free_text && has_live_text(&repetition, ranges) {
                    found.push(repetition.location());
                }
            }
        }
    }
    found
}

fn is_identity_place(segment: &Segment<'_>, field: &Field<'_>) -> bool {
    let n = usize::from(field.location().field);
    IDENTITY_PLACES
        .iter()
        .any(|(id, fields)| segment.id() == *id && fields.contains(&n))
}

fn is_free_text_place(segment: &Segment<'_>, field: &Field<'_>) -> bool {
    let n = usize::from(field.location().field);
    FREE_TEXT_PLACES
        .iter()
        .any(|(id, field)| segment.id() == *id && *field == n)
}

/// Whether CX-4 (any of its subcomponents) or CX-5 says NHS.
fn is_labelled(cx: &Repetition<'_>) -> bool {
    let says_nhs = |text: &str| {
        NHS_SPELLINGS
            .iter()
            .any(|spelling| text.trim().eq_ignore_ascii_case(spelling))
    };
    cx.component(4).subcomponents().any(|part| says_nhs(&part.text())) || says_nhs(&cx.component(5).text())
}

fn has_live_text(repetition: &Repetition<'_>, ranges: &Ranges) -> bool {
    let text = repetition.full_text();
    let bytes = text.as_bytes();
    tokens(bytes).any(|token| follows_nhs(bytes, token.start) && !ranges.contain(token.number))
}

/// A number in running text: ten digits, or three, three and four with a space or hyphen between.
struct Token {
    start: usize,
    end: usize,
    number: NhsNumber,
}

/// Every token whose check digit is right.
fn tokens(bytes: &[u8]) -> impl Iterator<Item = Token> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let run = bytes.get(at..).unwrap_or_default();
            if !run.first().is_some_and(u8::is_ascii_digit) {
                at += 1;
                continue;
            }
            let start = at;
            if let Some((length, number)) = read_token(run) {
                at += length;
                if let Some(number) = number {
                    return Some(Token {
                        start,
                        end: at,
                        number,
                    });
                }
                continue;
            }
            at += digit_count(run);
        }
        None
    })
}

fn digit_count(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// The length of the token that begins here, and its number when the check digit is right.
fn read_token(run: &[u8]) -> Option<(usize, Option<NhsNumber>)> {
    let mut digits = [0_u8; 10];
    let length = match digit_count(run) {
        10 => {
            digits.copy_from_slice(run.get(..10)?);
            10
        }
        3 => {
            let separated = |at: usize, count: usize| {
                matches!(run.get(at), Some(b' ' | b'-'))
                    && digit_count(run.get(at + 1..).unwrap_or_default()) == count
            };
            if !(separated(3, 3) && separated(7, 4)) {
                return None;
            }
            let spelled = run.get(..12)?.iter().filter(|b| b.is_ascii_digit());
            for (to, from) in digits.iter_mut().zip(spelled) {
                *to = *from;
            }
            12
        }
        _ => return None,
    };
    Some((length, NhsNumber::from_digits(&digits)))
}

/// Letters NHS, then at most a few words without a digit ("number", "No.:") up to here.
const WORDS_AFTER_NHS_MAX: usize = 24;

fn follows_nhs(bytes: &[u8], start: usize) -> bool {
    let before = bytes
        .get(start.saturating_sub(WORDS_AFTER_NHS_MAX)..start)
        .unwrap_or_default();
    let words = before
        .iter()
        .rposition(u8::is_ascii_digit)
        .map_or(before, |digit| before.get(digit + 1..).unwrap_or_default());
    words.windows(3).any(|window| window.eq_ignore_ascii_case(b"NHS"))
}

/// What a masked digit becomes: a letter, because no letter can be a delimiter.
const MASK: u8 = b'x';

/// Masks every number with a right check digit, wherever it stands: for frames that cannot be read.
pub fn mask_all(frame: &[u8]) -> Vec<u8> {
    let mut masked = frame.to_vec();
    for token in tokens(frame) {
        mask_digits(&mut masked, token.start, token.end);
    }
    masked
}

/// The message with the numbers at these places masked; everything else stays to the byte.
///
/// Where a number does not stand whole (hyphens of its own, escapes inside), all digits at the place are masked.
pub fn mask(message: &Message<'_>, locations: &[Location]) -> Vec<u8> {
    let mut masked = message.bytes().to_vec();
    let base = message.bytes().as_ptr().addr();
    for location in locations {
        let value = message.value(location);
        let raw = value.raw();
        let start = raw.as_ptr().addr().wrapping_sub(base);
        if raw.is_empty() || start >= masked.len() {
            continue;
        }
        // A number that is whole only once its escapes are decoded can be masked only with all digits around it.
        let whole = tokens(raw).count();
        if whole == 0 || whole < tokens(value.full_text().as_bytes()).count() {
            mask_digits(&mut masked, start, start + raw.len());
        }
        for token in tokens(raw) {
            mask_digits(&mut masked, start + token.start, start + token.end);
        }
    }
    masked
}

fn mask_digits(bytes: &mut [u8], start: usize, end: usize) {
    for byte in bytes.get_mut(start..end).unwrap_or_default() {
        if byte.is_ascii_digit() {
            *byte = MASK;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Valid, and inside the range that is never issued; the tests narrow the range to make it look live.
    const NUMBER: &str = "9990000018";

    fn live(segments: &str) -> Vec<String> {
        let bytes = format!("MSH|^~\\&|{NUMBER}\r{segments}\r");
        let message = Message::parse(bytes.as_bytes()).unwrap();
        live_numbers(&message, &Ranges::new(Vec::new()))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn check_digits() {
        let valid = (0..1_000)
            .filter_map(|n| NhsNumber::with_check_digit(999_000_000 + n))
            .count();
        assert!(
            (880..=920).contains(&valid),
            "one in eleven has no check digit: {valid}"
        );
        for n in 0..1_000 {
            if let Some(number) = NhsNumber::with_check_digit(999_000_000 + n) {
                assert_eq!(NhsNumber::parse(&number.to_string()), Some(number));
                let wrong = number.value() / 10 * 10 + (number.value() + 1) % 10;
                assert_eq!(NhsNumber::parse(&wrong.to_string()), None);
            }
        }
        assert_eq!(NhsNumber::parse("999-000-0018").unwrap().value(), 9_990_000_018);
        for no in ["", "999000001", "99900000180", "999000001a", "999/000/0018"] {
            assert_eq!(NhsNumber::parse(no), None, "{no}");
        }
        assert_eq!(NhsNumber::with_check_digit(1_000_000_000), None);
    }

    #[test]
    fn identity_places_need_no_label() {
        assert_eq!(
            live(&format!("PID||{NUMBER}|1~999 000 0018|{NUMBER}")),
            ["PID-2.1", "PID-3[2].1", "PID-4.1"]
        );
        assert_eq!(live(&format!("MRG|{NUMBER}")), ["MRG-1.1"]);
        assert_eq!(live(&format!("PV1|||||||||||||||||||{NUMBER}")), [] as [&str; 0]);
    }

    #[test]
    fn labelled_numbers_count_anywhere() {
        for label in [
            "^^^NHS",
            "^^^NHSNBR^NHSNMBR",
            "^^^x&2.16.840.1.113883.2.1.4.1&ISO",
            "^^^^NH",
        ] {
            assert_eq!(live(&format!("ZZZ|a|{NUMBER}{label}")), ["ZZZ-2.1"], "{label}");
        }
        assert_eq!(live(&format!("ZZZ|a|{NUMBER}^^^RYJ^MR")), [] as [&str; 0]);
    }

    #[test]
    fn free_text_counts_only_after_nhs() {
        assert_eq!(live(&format!("NTE|1||seen, NHS no. {NUMBER}")), ["NTE-3"]);
        assert_eq!(live("OBX|1|TX|a||b~nhs number: 999 000 0018 ok"), ["OBX-5[2]"]);
        assert_eq!(live(&format!("NTE|1||phone {NUMBER}")), [] as [&str; 0]);
        assert_eq!(live(&format!("NTE|1||NHS 1, phone {NUMBER}")), [] as [&str; 0]);
        assert_eq!(
            live(&format!("NTE|1||NHS {NUMBER}7")),
            [] as [&str; 0],
            "eleven digits are no token"
        );
    }

    #[test]
    fn masking_leaves_every_other_byte() {
        let bytes = b"MSH|^~\\&|\rPID||9990000018|1~999 000 0018^^^NHS|\rNTE|1||NHS 9990000018, 5 mg\r";
        let message = Message::parse(bytes).unwrap();
        let found = live_numbers(&message, &Ranges::new(Vec::new()));
        let expected = b"MSH|^~\\&|\rPID||xxxxxxxxxx|1~xxx xxx xxxx^^^NHS|\rNTE|1||NHS xxxxxxxxxx, 5 mg\r";
        assert_eq!(mask(&message, &found), expected);
        assert_eq!(mask_all(bytes), expected);
        assert_eq!(
            mask_all(b"tel 02079460018, 9990000019"),
            b"tel 02079460018, 9990000019"
        );
        let split = Message::parse(b"MSH|^~\\&|\rPID||99900-00018\r").unwrap();
        let found = live_numbers(&split, &Ranges::new(Vec::new()));
        assert_eq!(mask(&split, &found), b"MSH|^~\\&|\rPID||xxxxx-xxxxx\r");
        let escaped = Message::parse(b"MSH|^~\\&|\rNTE|||NHS 9990000018, NHS 999\\X30\\000018\r").unwrap();
        let found = live_numbers(&escaped, &Ranges::new(Vec::new()));
        assert_eq!(
            mask(&escaped, &found),
            b"MSH|^~\\&|\rNTE|||NHS xxxxxxxxxx, NHS xxx\\Xxx\\xxxxxx\r"
        );
    }
}
