//! Writing the overlay: one pass, received bytes where nothing changed.

use super::leaf::{State, Touched, Value};
use super::{Edit, is_header, recode};

impl Edit<'_> {
    /// Appends the message as it stands now, each segment ended by a carriage return.
    ///
    /// With no changes the segments are the received bytes; only terminators and junk lines are tidied.
    pub fn finish(&self, out: &mut Vec<u8>) {
        out.reserve(self.message.bytes().len() + 256);
        for &index in &self.order {
            let state = &self.states[index as usize];
            match state.received {
                Some(segment)
                    if state.touched.is_empty()
                        && segment.id() == state.id
                        && recode::is_same(segment.raw(), &self.source, &self.output) =>
                {
                    out.extend_from_slice(segment.raw());
                }
                _ => self.write_segment(state, out),
            }
            out.push(b'\r');
        }
    }

    fn write_segment(&self, state: &State<'_>, out: &mut Vec<u8>) {
        let delimiters = &self.output.delimiters;
        out.extend_from_slice(state.id.as_bytes());
        let mut touched = state.touched.iter().peekable();
        let mut first = 1;
        if is_header(state.id) {
            out.push(delimiters.field);
            out.extend(delimiters.encoding_characters());
            first = 3;
        }
        // Separators are owed until a field has something to say: a touched segment ends at its last value.
        let mut owed = 0;
        for number in first..=state.field_count() {
            owed += 1;
            while touched.peek().is_some_and(|touched| touched.field < number) {
                touched.next();
            }
            match touched.peek() {
                Some(field) if field.field == number => {
                    if !field.leaves.is_empty() {
                        separate(&mut owed, delimiters.field, out);
                        self.write_field(field, out);
                    }
                }
                _ => {
                    let raw = state.raw_field(number);
                    if !raw.is_empty() {
                        separate(&mut owed, delimiters.field, out);
                        recode::recode(raw, &self.source, &self.output, out);
                    }
                }
            }
        }
    }

    fn write_field(&self, field: &Touched<'_>, out: &mut Vec<u8>) {
        let delimiters = &self.output.delimiters;
        let (mut repetition, mut component, mut subcomponent) = (1, 1, 1);
        for leaf in &field.leaves {
            while repetition < leaf.at.repetition {
                out.push(delimiters.repetition);
                repetition += 1;
                (component, subcomponent) = (1, 1);
            }
            while component < leaf.at.component {
                out.push(delimiters.component);
                component += 1;
                subcomponent = 1;
            }
            while subcomponent < leaf.at.subcomponent {
                out.push(delimiters.subcomponent.unwrap_or(b'&'));
                subcomponent += 1;
            }
            match &leaf.value {
                Value::Raw(raw) => {
                    recode::recode(raw, &self.source, &self.output, out);
                }
                Value::Text(text) => recode::write_text(text, &self.output, out),
            }
        }
    }
}

fn separate(owed: &mut usize, separator: u8, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(separator, *owed));
    *owed = 0;
}
