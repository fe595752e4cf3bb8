//! Writing a message from nothing: values go in as text, delimiters and escapes are the builder's business.

use std::fmt;

use crate::{Encoding, Location, LocationError, SegmentId, escape};

/// Builds a message segment by segment; every value is escaped.
///
/// # Example
///
/// ```
/// use hl7v2::{Builder, Encoding};
///
/// let mut message = Builder::new(Encoding::STANDARD);
/// message.segment("MSH").component(9, 1, "ADT").component(9, 2, "A31").field(10, "42").field(12, "2.4");
/// message.segment("PID").component(3, 1, "9990000018").component(3, 4, "NHS").null(19);
/// message.set("PID-5.1", "Smith & Sons")?;
/// assert_eq!(
///     message.finish(),
///     b"MSH|^~\\&|||||||ADT^A31|42||2.4\rPID|||9990000018^^^NHS||Smith \\T\\ Sons||||||||||||||\"\"\r",
/// );
/// # Ok::<(), hl7v2::LocationError>(())
/// ```
#[derive(Clone)]
pub struct Builder {
    encoding: Encoding,
    segments: Vec<Built>,
    /// Raw values, one behind the other; a value that was set again leaves its old bytes unused.
    values: Vec<u8>,
    unencodable: usize,
}

#[derive(Clone)]
struct Built {
    id: SegmentId,
    /// Sorted by position.
    leaves: Vec<(Position, std::ops::Range<usize>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    field: u16,
    repetition: u16,
    component: u16,
    subcomponent: u16,
}

impl Builder {
    /// An empty message in this encoding.
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            segments: Vec::new(),
            values: Vec::new(),
            unencodable: 0,
        }
    }

    /// Adds a segment at the end. MSH gets its delimiters by itself.
    ///
    /// # Panics
    ///
    /// When `id` is no segment id: ids are constants of the program; see [`Builder::add`] for one that is not.
    pub fn segment(&mut self, id: &str) -> SegmentBuilder<'_> {
        self.add(SegmentId::of(id))
    }

    /// Adds a segment at the end.
    pub fn add(&mut self, id: SegmentId) -> SegmentBuilder<'_> {
        self.segments.push(Built {
            id,
            leaves: Vec::new(),
        });
        let built = self.segments.len() - 1;
        SegmentBuilder { builder: self, built }
    }

    /// Sets the value at a place such as `PID-3[2].4`, adding the segment when it is not there.
    ///
    /// # Errors
    ///
    /// When the text names no field, or names MSH-1 or MSH-2.
    pub fn set(&mut self, place: &str, text: &str) -> Result<&mut Self, LocationError> {
        self.set_at(&place.parse()?, text)
    }

    /// Sets the value at a location, adding the segment when it is not there.
    ///
    /// # Errors
    ///
    /// When the location names no field, or names MSH-1 or MSH-2.
    pub fn set_at(&mut self, location: &Location, text: &str) -> Result<&mut Self, LocationError> {
        if location.field == 0 {
            return Err(LocationError::NoField);
        }
        if location.field <= 2 && location.segment.declares_delimiters() {
            return Err(LocationError::Delimiters);
        }
        let built = self.find_or_add(location.segment, location.occurrence.max(1));
        let leaf = location.to_leaf();
        let position = Position {
            field: leaf.field,
            repetition: leaf.repetition,
            component: leaf.component,
            subcomponent: leaf.subcomponent,
        };
        self.set_text(built, position, text);
        Ok(self)
    }

    /// Characters the character set could not hold so far, each written as `?`.
    pub fn unencodable(&self) -> usize {
        self.unencodable
    }

    /// The message, each segment ended by CR.
    pub fn finish(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.values.len() * 2);
        for built in &self.segments {
            self.write_segment(built, &mut out);
            out.push(b'\r');
        }
        out
    }

    fn find_or_add(&mut self, id: SegmentId, occurrence: u16) -> usize {
        let mut left = occurrence;
        for (built, segment) in self.segments.iter().enumerate() {
            left -= u16::from(segment.id == id);
            if left == 0 {
                return built;
            }
        }
        for _ in 0..left {
            self.segments.push(Built {
                id,
                leaves: Vec::new(),
            });
        }
        self.segments.len() - 1
    }

    fn set_text(&mut self, built: usize, position: Position, text: &str) {
        let start = self.values.len();
        self.unencodable += escape::escape(text, &self.encoding, &mut self.values);
        self.place(built, position, start);
    }

    /// Files what was just appended to the values under its position.
    fn place(&mut self, built: usize, position: Position, start: usize) {
        let value = start..self.values.len();
        let Some(segment) = self.segments.get_mut(built) else {
            return;
        };
        match segment.leaves.binary_search_by(|(at, _)| at.cmp(&position)) {
            Ok(at) => {
                if let Some((_, old)) = segment.leaves.get_mut(at) {
                    *old = value;
                }
            }
            Err(at) => segment.leaves.insert(at, (position, value)),
        }
    }

    /// Writes the leaves with the delimiters between them; empty ones cost nothing at the end.
    fn write_segment(&self, built: &Built, out: &mut Vec<u8>) {
        let delimiters = &self.encoding.delimiters;
        out.extend_from_slice(built.id.as_bytes());
        let mut at = Position {
            field: 0,
            repetition: 1,
            component: 1,
            subcomponent: 1,
        };
        if built.id.declares_delimiters() {
            out.push(delimiters.field);
            out.extend(delimiters.encoding_characters());
            at.field = 2;
        }
        for (position, value) in &built.leaves {
            let raw = self.values.get(value.clone()).unwrap_or_default();
            if raw.is_empty() || position.field < at.field {
                continue;
            }
            if position.field > at.field {
                repeat(delimiters.field, position.field - at.field, out);
                at = Position {
                    field: position.field,
                    repetition: 1,
                    component: 1,
                    subcomponent: 1,
                };
            }
            if position.repetition > at.repetition {
                repeat(delimiters.repetition, position.repetition - at.repetition, out);
                at = Position {
                    repetition: position.repetition,
                    component: 1,
                    subcomponent: 1,
                    ..at
                };
            }
            if position.component > at.component {
                repeat(delimiters.component, position.component - at.component, out);
                at = Position {
                    component: position.component,
                    subcomponent: 1,
                    ..at
                };
            }
            if position.subcomponent > at.subcomponent {
                // Without a delimiter of its own, a subcomponent can only be set apart by a space.
                let delimiter = delimiters.subcomponent.unwrap_or(b' ');
                repeat(delimiter, position.subcomponent - at.subcomponent, out);
                at.subcomponent = position.subcomponent;
            }
            out.extend_from_slice(raw);
        }
    }
}

fn repeat(delimiter: u8, count: u16, out: &mut Vec<u8>) {
    out.resize(out.len() + usize::from(count), delimiter);
}

impl fmt::Debug for Builder {
    /// Shape only: values name patients.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.segments.iter().map(|built| built.id))
            .finish()
    }
}

/// One segment being built; positions are 1-based, setting one twice replaces it.
pub struct SegmentBuilder<'b> {
    builder: &'b mut Builder,
    built: usize,
}

impl SegmentBuilder<'_> {
    /// Sets a field that has one component.
    pub fn field(&mut self, field: u16, text: &str) -> &mut Self {
        self.subcomponent(field, 1, 1, 1, text)
    }

    /// Sets a component of a field's first repetition.
    pub fn component(&mut self, field: u16, component: u16, text: &str) -> &mut Self {
        self.subcomponent(field, 1, component, 1, text)
    }

    /// Sets a component of any repetition.
    pub fn repetition(&mut self, field: u16, repetition: u16, component: u16, text: &str) -> &mut Self {
        self.subcomponent(field, repetition, component, 1, text)
    }

    /// Sets a leaf at its full position. A 0 anywhere, MSH-1 and MSH-2 are ignored.
    pub fn subcomponent(
        &mut self,
        field: u16,
        repetition: u16,
        component: u16,
        subcomponent: u16,
        text: &str,
    ) -> &mut Self {
        if let Some(position) = self.position(field, repetition, component, subcomponent) {
            self.builder.set_text(self.built, position, text);
        }
        self
    }

    /// Sets a field to HL7's null, `""`: delete what you have.
    pub fn null(&mut self, field: u16) -> &mut Self {
        if let Some(position) = self.position(field, 1, 1, 1) {
            let start = self.builder.values.len();
            self.builder.values.extend_from_slice(b"\"\"");
            self.builder.place(self.built, position, start);
        }
        self
    }

    /// Sets a field that is written already, in the encoding of this message: delimiters and escapes in it stay.
    /// What would end the field or the segment is escaped.
    pub fn raw(&mut self, field: u16, raw: &[u8]) -> &mut Self {
        if let Some(position) = self.position(field, 1, 1, 1) {
            let start = self.builder.values.len();
            escape::escape_raw(raw, &self.builder.encoding, &mut self.builder.values);
            self.builder.place(self.built, position, start);
        }
        self
    }

    fn position(&self, field: u16, repetition: u16, component: u16, subcomponent: u16) -> Option<Position> {
        let declares = self
            .builder
            .segments
            .get(self.built)
            .is_some_and(|built| built.id.declares_delimiters());
        let valid =
            field > if declares { 2 } else { 0 } && repetition > 0 && component > 0 && subcomponent > 0;
        valid.then_some(Position {
            field,
            repetition,
            component,
            subcomponent,
        })
    }
}

impl fmt::Debug for SegmentBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentBuilder({})", self.built)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    #[test]
    fn values_set_in_any_order_stand_in_their_places() {
        let mut message = Builder::new(Encoding::STANDARD);
        message.segment("MSH").field(10, "1");
        message
            .set("OBX[2]-5[2].2.3", "deep")
            .unwrap()
            .set("OBX-5", "b")
            .unwrap()
            .set("OBX-3", "a")
            .unwrap();
        message.set("OBX-5", "c").unwrap();
        assert_eq!(
            message.finish(),
            b"MSH|^~\\&||||||||1\rOBX|||a||c\rOBX|||||~^&&deep\r"
        );
    }

    #[test]
    fn written_values_read_back_whatever_they_hold() {
        let text = "a|b^c~d&e\\f\r\n\u{b}\u{1c}\u{e9}";
        let mut message = Builder::new(Encoding::STANDARD);
        message.segment("MSH").field(10, "1");
        message.segment("PID").component(5, 2, text).field(6, "\"\"");
        let bytes = message.finish();
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.segment_count(), 2);
        assert_eq!(message.field("PID", 5).component(2).text(), text);
        assert_eq!(message.field("PID", 6).text(), "\"\"");
        assert!(!message.field("PID", 6).is_null());
    }

    #[test]
    fn places_that_cannot_be_set_are_refused_or_ignored() {
        let mut message = Builder::new(Encoding::STANDARD);
        assert_eq!(message.set("PID", "x").unwrap_err(), LocationError::NoField);
        assert_eq!(message.set("MSH-2", "x").unwrap_err(), LocationError::Delimiters);
        message.segment("PID").field(0, "x").repetition(3, 0, 1, "x");
        assert_eq!(message.finish(), b"PID\r");
    }

    #[test]
    fn raw_fields_keep_their_delimiters_and_cannot_end_the_segment() {
        let mut message = Builder::new(Encoding::STANDARD);
        message.segment("ZZZ").raw(1, b"a^b\\T\\~c|d\rPID|e");
        assert_eq!(message.finish(), b"ZZZ|a^b\\T\\~c\\F\\d\\X0D\\PID\\F\\e\r");
    }
}
