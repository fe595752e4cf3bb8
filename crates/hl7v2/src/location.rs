//! Where in a message: `PID-3[2].4`, `OBX[3]-5.1.2`. The only thing errors and ledgers may print.

use std::fmt;
use std::str::FromStr;

/// The three characters that name a segment: `PID`, `PV1`, `ZUK`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId([u8; 3]);

impl SegmentId {
    /// The message header.
    pub const MSH: Self = Self(*b"MSH");

    /// A segment id from its three characters: an upper-case letter, then upper-case letters or digits.
    #[inline]
    pub const fn from_bytes(id: [u8; 3]) -> Option<Self> {
        let [a, b, c] = id;
        // A table, because this runs once per segment of every message.
        if a.is_ascii_uppercase() && ID_CHARACTERS[b as usize] & ID_CHARACTERS[c as usize] {
            Some(Self(id))
        } else {
            None
        }
    }

    /// A segment id from text, when it is one.
    pub const fn new(id: &str) -> Option<Self> {
        match id.as_bytes() {
            &[a, b, c] => Self::from_bytes([a, b, c]),
            _ => None,
        }
    }

    /// A segment id from a constant.
    ///
    /// # Panics
    ///
    /// When `id` is none; meant for `const`, where that stops the compiler instead.
    pub const fn of(id: &str) -> Self {
        match Self::new(id) {
            Some(id) => id,
            None => panic!("a segment id is three upper-case letters or digits"),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// The id as bytes.
    pub const fn as_bytes(&self) -> &[u8; 3] {
        &self.0
    }

    /// Whether fields 1 and 2 of this segment are the delimiters themselves.
    pub(crate) fn declares_delimiters(self) -> bool {
        matches!(&self.0, b"MSH" | b"BHS" | b"FHS")
    }
}

/// Which bytes a segment id may hold after its first.
static ID_CHARACTERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = (byte as u8).is_ascii_uppercase() || (byte as u8).is_ascii_digit();
        byte += 1;
    }
    table
};

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<str> for SegmentId {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for SegmentId {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl FromStr for SegmentId {
    type Err = LocationError;

    fn from_str(id: &str) -> Result<Self, LocationError> {
        Self::new(id).ok_or(LocationError::Segment)
    }
}

/// A place in a message, down to the level that is given; every number is 1-based, 0 means "not given".
///
/// # Example
///
/// ```
/// use hl7v2::Location;
///
/// let location: Location = "PID-3[2].4".parse()?;
/// assert_eq!((location.field, location.repetition, location.component), (3, 2, 4));
/// assert_eq!(location.to_string(), "PID-3[2].4");
/// # Ok::<(), hl7v2::LocationError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Which segment.
    pub segment: SegmentId,
    /// Which among the segments of that id; 0 reads as the first.
    pub occurrence: u16,
    /// Which field; 0 for the segment as a whole.
    pub field: u16,
    /// Which repetition; 0 for the field as a whole, read as the first when a component is given.
    pub repetition: u16,
    /// Which component; 0 for the repetition as a whole.
    pub component: u16,
    /// Which subcomponent; 0 for the component as a whole.
    pub subcomponent: u16,
}

impl Location {
    /// The first segment of this id, as a whole.
    pub const fn new(segment: SegmentId) -> Self {
        Self {
            segment,
            occurrence: 1,
            field: 0,
            repetition: 0,
            component: 0,
            subcomponent: 0,
        }
    }

    /// A field of the first segment of this id: `Location::of("PID", 3)`.
    ///
    /// # Panics
    ///
    /// When `segment` is no segment id; meant for constants.
    pub const fn of(segment: &str, field: u16) -> Self {
        Self::new(SegmentId::of(segment)).with_field(field)
    }

    /// The same place in another occurrence of the segment.
    #[must_use]
    pub const fn with_occurrence(self, occurrence: u16) -> Self {
        Self { occurrence, ..self }
    }

    /// Another field of the same segment, as a whole.
    #[must_use]
    pub const fn with_field(self, field: u16) -> Self {
        Self {
            field,
            repetition: 0,
            component: 0,
            subcomponent: 0,
            ..self
        }
    }

    /// A repetition of the same field, as a whole.
    #[must_use]
    pub const fn with_repetition(self, repetition: u16) -> Self {
        Self {
            repetition,
            component: 0,
            subcomponent: 0,
            ..self
        }
    }

    /// A component of the same repetition, as a whole.
    #[must_use]
    pub const fn with_component(self, component: u16) -> Self {
        Self {
            component,
            subcomponent: 0,
            ..self
        }
    }

    /// A subcomponent of the same component.
    #[must_use]
    pub const fn with_subcomponent(self, subcomponent: u16) -> Self {
        Self { subcomponent, ..self }
    }

    /// The field this place lies in.
    #[must_use]
    pub const fn to_field(self) -> Self {
        Self {
            repetition: 0,
            component: 0,
            subcomponent: 0,
            ..self
        }
    }

    /// The same place with every 0 that reads as "the first" written as 1, down to the leaf.
    #[must_use]
    pub fn to_leaf(self) -> Self {
        Self {
            segment: self.segment,
            occurrence: self.occurrence.max(1),
            field: self.field,
            repetition: self.repetition.max(1),
            component: self.component.max(1),
            subcomponent: self.subcomponent.max(1),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.segment)?;
        if self.occurrence > 1 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.field == 0 {
            return Ok(());
        }
        write!(f, "-{}", self.field)?;
        if self.repetition > 1 {
            write!(f, "[{}]", self.repetition)?;
        }
        match (self.component, self.subcomponent) {
            (0, 0) => Ok(()),
            (component, 0) => write!(f, ".{component}"),
            (component, subcomponent) => write!(f, ".{}.{subcomponent}", component.max(1)),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Location {
    type Err = LocationError;

    /// Reads `PID`, `PID-3`, `PID-3[2].4`, `OBX[3]-5[1].2.1`; what is left out is 0, but the occurrence is 1.
    fn from_str(place: &str) -> Result<Self, LocationError> {
        let (segment, inside) = match place.split_once('-') {
            Some((segment, inside)) => (segment, Some(inside)),
            None => (place, None),
        };
        let (id, occurrence) = split_index(segment)?;
        let mut location = Self::new(id.parse()?).with_occurrence(occurrence.unwrap_or(1));
        let Some(inside) = inside else { return Ok(location) };
        let mut levels = inside.split('.');
        let (field, repetition) = split_index(levels.next().unwrap_or_default())?;
        location.field = read_number(field)?;
        location.repetition = repetition.unwrap_or(0);
        location.component = levels.next().map_or(Ok(0), read_number)?;
        location.subcomponent = levels.next().map_or(Ok(0), read_number)?;
        if levels.next().is_some() {
            return Err(LocationError::TooDeep);
        }
        Ok(location)
    }
}

/// Splits `PID[2]` into `PID` and 2.
fn split_index(text: &str) -> Result<(&str, Option<u16>), LocationError> {
    let Some((name, index)) = text.split_once('[') else {
        return Ok((text, None));
    };
    let index = index.strip_suffix(']').ok_or(LocationError::Bracket)?;
    Ok((name, Some(read_number(index)?)))
}

fn read_number(digits: &str) -> Result<u16, LocationError> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LocationError::Number);
    }
    match digits.parse() {
        Ok(0) | Err(_) => Err(LocationError::Number),
        Ok(number) => Ok(number),
    }
}

/// Why text names no place in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// The part before the hyphen is no segment id.
    #[error("a place begins with a segment id, three upper-case letters or digits: PID-3")]
    Segment,
    /// A position is not a number from 1 to 65535.
    #[error("positions are numbers from 1 to 65535: PID-3[2].4")]
    Number,
    /// A bracket is not closed.
    #[error("a bracket is not closed: PID-3[2].4")]
    Bracket,
    /// More levels than subcomponents.
    #[error("nothing lies below a subcomponent: PID-3[2].4.1 is the deepest place")]
    TooDeep,
    /// MSH-1 and MSH-2 are the message's encoding; they are chosen, not set.
    #[error("MSH-1 and MSH-2 follow from the message's encoding")]
    Delimiters,
    /// A whole segment where a field is needed.
    #[error("name a field: PID-3, not PID")]
    NoField,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_only_what_is_needed() {
        for place in [
            "PID",
            "PID-3",
            "OBX[3]-5",
            "PID-3[2]",
            "PID-3[2].4",
            "PID-3.4",
            "OBX[3]-5[2].2.1",
        ] {
            assert_eq!(place.parse::<Location>().unwrap().to_string(), place);
        }
        assert_eq!(
            "OBX[1]-5[1].2".parse::<Location>().unwrap().to_string(),
            "OBX-5.2"
        );
    }

    #[test]
    fn refuses_what_names_no_place() {
        let refusals = [
            ("", LocationError::Segment),
            ("pid-3", LocationError::Segment),
            ("PIDX-3", LocationError::Segment),
            ("1ID", LocationError::Segment),
            ("PID-", LocationError::Number),
            ("PID-0", LocationError::Number),
            ("PID-+3", LocationError::Number),
            ("PID-3.x", LocationError::Number),
            ("PID-65536", LocationError::Number),
            ("PID-3[2", LocationError::Bracket),
            ("PID[2-3", LocationError::Bracket),
            ("PID-3.1.2.3", LocationError::TooDeep),
        ];
        for (place, error) in refusals {
            assert_eq!(place.parse::<Location>(), Err(error), "{place}");
        }
    }

    #[test]
    fn orders_as_the_message_does() {
        let mut places =
            ["PID-5", "PID-3[2].1", "PID-3.4", "OBX[2]-5", "OBX-5"].map(|p| p.parse::<Location>().unwrap());
        places.sort();
        assert_eq!(
            places.map(|p| p.to_string()),
            ["OBX-5", "OBX[2]-5", "PID-3.4", "PID-3[2].1", "PID-5"]
        );
    }
}
