//! HL7 v2 in the making: leaves by place, written as ER7 at the end.
//!
//! Rows write text, never delimiters: escaping happens once, here.

use fhir::Text;
use hl7v2::{Encoding, SegmentId, escape};

/// A leaf and its place in the segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutLeaf {
    pub(crate) field: u16,
    pub(crate) repetition: u16,
    pub(crate) component: u16,
    pub(crate) subcomponent: u16,
    pub(crate) text: Text,
    pub(crate) form: Form,
}

/// How a leaf is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As text.
    Plain,
    /// As text in which line ends become `\.br\`.
    Formatted,
    /// As HL7's null.
    Null,
}

impl OutLeaf {
    pub(crate) fn place(&self) -> (u16, u16, u16, u16) {
        (self.field, self.repetition, self.component, self.subcomponent)
    }
}

/// A segment in the making.
#[derive(Clone, Debug)]
pub(crate) struct SegmentWriter {
    pub(crate) id: SegmentId,
    pub(crate) leaves: Vec<OutLeaf>,
    /// A segment that travelled as it was, written as it is.
    pub(crate) verbatim: Option<Text>,
}

impl SegmentWriter {
    pub(crate) fn new(id: &'static str) -> Self {
        Self {
            id: SegmentId::of(id),
            leaves: Vec::with_capacity(16),
            verbatim: None,
        }
    }

    /// A segment whose ER7 text, with standard delimiters, is at hand.
    pub(crate) fn verbatim(text: &Text) -> Option<Self> {
        let id = SegmentId::new(text.get(..3)?)?;
        (text.get(3..4) == Some("|")).then(|| Self {
            id,
            leaves: Vec::new(),
            verbatim: Some(text.clone()),
        })
    }

    /// The writer of a field.
    pub(crate) fn field(&mut self, number: u16) -> FieldWriter<'_> {
        FieldWriter {
            segment: self,
            number,
        }
    }

    /// Sets a whole field to one text, when it has none yet.
    pub(crate) fn set(&mut self, field: u16, text: impl Into<Text>) {
        if !self.has(field) {
            self.put(OutLeaf {
                field,
                repetition: 1,
                component: 1,
                subcomponent: 1,
                text: text.into(),
                form: Form::Plain,
            });
        }
    }

    /// Sets one component of a field's first repetition.
    pub(crate) fn set_component(&mut self, field: u16, component: u16, text: impl Into<Text>) {
        self.put(OutLeaf {
            field,
            repetition: 1,
            component,
            subcomponent: 1,
            text: text.into(),
            form: Form::Plain,
        });
    }

    /// True when the field holds something.
    pub(crate) fn has(&self, field: u16) -> bool {
        self.leaves.iter().any(|leaf| leaf.field == field)
    }

    /// True when nothing but a set id was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.verbatim.is_none() && self.leaves.iter().all(|leaf| leaf.field == 1)
    }

    pub(crate) fn put(&mut self, leaf: OutLeaf) {
        if leaf.text.is_empty() {
            return;
        }
        match self.leaves.iter_mut().find(|known| known.place() == leaf.place()) {
            Some(known) => *known = leaf,
            None => self.leaves.push(leaf),
        }
    }

    /// The text at a place.
    pub(crate) fn text(&self, place: (u16, u16, u16, u16)) -> Option<&str> {
        self.leaves
            .iter()
            .find(|leaf| leaf.place() == place)
            .map(|leaf| leaf.text.as_str())
    }

    /// Appends the segment as ER7 with a carriage return.
    pub(crate) fn finish(&self, encoding: &Encoding, out: &mut Vec<u8>) {
        if let Some(text) = &self.verbatim {
            out.extend_from_slice(text.as_bytes());
            out.push(b'\r');
            return;
        }
        let delimiters = &encoding.delimiters;
        out.extend_from_slice(self.id.as_bytes());
        let mut leaves: Vec<&OutLeaf> = self.leaves.iter().collect();
        leaves.sort_by_key(|leaf| leaf.place());
        let mut at = (0_u16, 1_u16, 1_u16, 1_u16);
        if self.id == SegmentId::MSH {
            out.push(delimiters.field);
            out.extend_from_slice(&[delimiters.component, delimiters.repetition]);
            out.extend(delimiters.escape);
            out.extend(delimiters.subcomponent);
            at = (2, 1, 1, 1);
        }
        for leaf in leaves {
            if leaf.field <= 2 && self.id == SegmentId::MSH {
                continue;
            }
            let to = leaf.place();
            if to.0 > at.0 {
                repeat(out, delimiters.field, to.0 - at.0);
                at = (to.0, 1, 1, 1);
            }
            if to.1 > at.1 {
                repeat(out, delimiters.repetition, to.1 - at.1);
                at = (to.0, to.1, 1, 1);
            }
            if to.2 > at.2 {
                repeat(out, delimiters.component, to.2 - at.2);
                at = (to.0, to.1, to.2, 1);
            }
            if to.3 > at.3 {
                repeat(out, delimiters.subcomponent.unwrap_or(b'&'), to.3 - at.3);
                at = to;
            }
            match leaf.form {
                Form::Plain => escape::escape(&leaf.text, encoding, out),
                Form::Formatted => escape::escape_formatted(&leaf.text, encoding, out),
                Form::Null => {
                    out.extend_from_slice(b"\"\"");
                    0
                }
            };
        }
        out.push(b'\r');
    }
}

fn repeat(out: &mut Vec<u8>, byte: u8, times: u16) {
    out.resize(out.len() + usize::from(times), byte);
}

/// Writes one field.
pub(crate) struct FieldWriter<'s> {
    segment: &'s mut SegmentWriter,
    number: u16,
}

impl FieldWriter<'_> {
    /// True when nothing was written into this field yet.
    pub(crate) fn is_empty(&self) -> bool {
        !self.segment.has(self.number)
    }

    /// The text of a component of the first repetition.
    pub(crate) fn text(&self, component: u16) -> Option<&str> {
        self.segment.text((self.number, 1, component, 1))
    }

    /// Takes everything out of the field again.
    pub(crate) fn clear(&mut self) {
        let number = self.number;
        self.segment.leaves.retain(|leaf| leaf.field != number);
    }

    /// The whole field as one text.
    pub(crate) fn set(&mut self, text: impl Into<Text>) {
        self.segment.set(self.number, text);
    }

    /// The whole field as one text in which line ends are formatting.
    pub(crate) fn set_formatted(&mut self, text: &str) {
        if self.is_empty() {
            self.repetition().formatted(text);
        }
    }

    /// The next repetition: it takes its place when something is written into it.
    pub(crate) fn repetition(&mut self) -> RepetitionWriter<'_> {
        let repetition = self.repetitions() + 1;
        RepetitionWriter {
            segment: self.segment,
            field: self.number,
            repetition,
        }
    }

    /// The field's place as a kept field's url gives it: `PV1-18`.
    pub(crate) fn place(&self) -> String {
        format!("{}-{}", self.segment.id, self.number)
    }

    /// The leaves of a field that travelled as ER7.
    pub(crate) fn put_er7(&mut self, er7: &str) {
        for leaf in crate::keep::leaves(self.number, er7) {
            self.segment.put(leaf);
        }
    }

    /// As [`Self::put_er7`], without the first repetitions.
    pub(crate) fn put_er7_behind(&mut self, er7: &str, repetitions: u16) {
        for leaf in crate::keep::leaves(self.number, er7) {
            if leaf.repetition > repetitions {
                self.segment.put(leaf);
            }
        }
    }

    /// The number of the last repetition that holds something; 0 when none does.
    pub(crate) fn repetitions(&self) -> u16 {
        let used = self
            .segment
            .leaves
            .iter()
            .filter(|leaf| leaf.field == self.number);
        used.map(|leaf| leaf.repetition).max().unwrap_or(0)
    }

    /// A given repetition.
    pub(crate) fn nth(&mut self, repetition: u16) -> RepetitionWriter<'_> {
        RepetitionWriter {
            segment: self.segment,
            field: self.number,
            repetition,
        }
    }
}

/// Whether a coded field has a component for the words as somebody wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginalText {
    /// OBX-2 says CWE: they stand there and nowhere else.
    Declared,
    /// CWE, which older receivers read as CE: they stand in CWE.2 as well.
    Known,
    /// CE: they stand in CE.2.
    Unknown,
}

/// Writes one repetition of a field.
pub(crate) struct RepetitionWriter<'s> {
    segment: &'s mut SegmentWriter,
    field: u16,
    repetition: u16,
}

impl RepetitionWriter<'_> {
    /// The same repetition, lent.
    pub(crate) fn reborrow(&mut self) -> RepetitionWriter<'_> {
        RepetitionWriter {
            segment: self.segment,
            field: self.field,
            repetition: self.repetition,
        }
    }

    /// What a receiver can tell of original text here, by the types of v2.5.1.
    pub(crate) fn original_text(&self) -> OriginalText {
        match (self.segment.id.as_str(), self.field) {
            ("OBX", 5) => OriginalText::Declared,
            ("SPM" | "IAM" | "PRT" | "REL", _) => OriginalText::Known,
            _ => OriginalText::Unknown,
        }
    }

    /// True when the component holds something.
    pub(crate) fn has(&self, component: u16) -> bool {
        self.segment
            .text((self.field, self.repetition, component, 1))
            .is_some()
    }

    /// One component.
    pub(crate) fn component(&mut self, component: u16, text: &str) {
        self.subcomponent(component, 1, text);
    }

    /// One component, when there is something.
    pub(crate) fn optional(&mut self, component: u16, text: Option<&Text>) {
        if let Some(text) = text {
            self.component(component, text);
        }
    }

    /// One subcomponent.
    pub(crate) fn subcomponent(&mut self, component: u16, subcomponent: u16, text: &str) {
        self.segment.put(OutLeaf {
            field: self.field,
            repetition: self.repetition,
            component,
            subcomponent,
            text: Text::from(text),
            form: Form::Plain,
        });
    }

    /// The whole repetition as text in which line ends are formatting.
    pub(crate) fn formatted(&mut self, text: &str) {
        self.segment.put(OutLeaf {
            field: self.field,
            repetition: self.repetition,
            component: 1,
            subcomponent: 1,
            text: Text::from(text),
            form: Form::Formatted,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_come_out_in_order_with_the_delimiters_they_need() {
        let mut pid = SegmentWriter::new("PID");
        pid.set(8, "F");
        let mut field = pid.field(3);
        let mut first = field.repetition();
        first.component(1, "1");
        first.component(5, "MR");
        let mut second = field.repetition();
        second.subcomponent(4, 2, "A&B");
        let mut out = Vec::new();
        pid.finish(&Encoding::STANDARD, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "PID|||1^^^^MR~^^^&A\\T\\B|||||F\r"
        );
    }

    #[test]
    fn msh_writes_its_delimiters() {
        let mut msh = SegmentWriter::new("MSH");
        msh.set(3, "A");
        msh.set_component(9, 2, "A01");
        let mut out = Vec::new();
        msh.finish(&Encoding::STANDARD, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "MSH|^~\\&|A||||||^A01\r");
    }

    #[test]
    fn a_repetition_that_stays_empty_takes_no_place() {
        let mut pid = SegmentWriter::new("PID");
        let mut field = pid.field(5);
        field.repetition().component(1, "");
        field.repetition().component(1, "Doe");
        assert_eq!(pid.text((5, 1, 1, 1)), Some("Doe"));
    }
}
