//! Writing the overlay: one pass, received bytes where nothing changed.

use super::leaf::{State, Touched, Value};
use super::{Edit, is_header, recode};

impl Edit<'_> {
    /// Appends the message as it stands now, each segment ended by a carriage return.
    ///
    /// With no changes the segments are the received bytes; only terminators and junk lines are tidied.
    pub fn finish(&self, out: &mut Vec<u8>) {
        let bytes = self.message.bytes();
        out.reserve(bytes.len() + 256);
        // Asked once for the whole message: then no byte is looked at again.
        let verbatim = recode::is_same(bytes, &self.source, &self.output);
        for &index in &self.order {
            let state = &self.states[index as usize];
            match state.received {
                Some(segment) if verbatim && state.touched.is_empty() && segment.id() == state.id => {
                    out.extend_from_slice(segment.raw());
                }
                _ => self.write_segment(state, verbatim, out),
            }
            out.push(b'\r');
        }
    }

    fn write_segment(&self, state: &State<'_>, verbatim: bool, out: &mut Vec<u8>) {
        let delimiters = &self.output.delimiters;
        out.extend_from_slice(state.id.as_bytes());
        let mut next = 1;
        if is_header(state.id) {
            out.push(delimiters.field);
            out.extend(delimiters.encoding_characters());
            next = 3;
        }
        let received = state.received.map_or(0, |segment| segment.field_count());
        let received = received.min(usize::from(u16::MAX)) as u16;
        for field in &state.touched {
            self.write_received(state, next, (field.field - 1).min(received), verbatim, out);
            let written = next.max((field.field - 1).min(received) + 1);
            out.extend(std::iter::repeat_n(
                delimiters.field,
                usize::from(field.field + 1 - written),
            ));
            self.write_field(field, verbatim, out);
            next = field.field + 1;
        }
        self.write_received(state, next, received, verbatim, out);
        if !state.touched.is_empty() {
            // A value never ends in the field separator: a touched segment ends at its last value.
            let end = out
                .iter()
                .rposition(|&byte| byte != delimiters.field)
                .map_or(0, |end| end + 1);
            out.truncate(end);
        }
    }

    /// Fields as they were received, `first` to `last`, each with the separator before it.
    fn write_received(&self, state: &State<'_>, first: u16, last: u16, verbatim: bool, out: &mut Vec<u8>) {
        let Some(segment) = state.received.filter(|_| first <= last) else {
            return;
        };
        let range = |number: u16| segment.field_range(usize::from(number));
        if verbatim && let (Some(from), Some(to)) = (range(first), range(last)) {
            out.push(self.output.delimiters.field);
            out.extend_from_slice(self.message.bytes().get(from.start..to.end).unwrap_or_default());
            return;
        }
        for number in first..=last {
            out.push(self.output.delimiters.field);
            let raw = state.raw_field(self.message.bytes(), number);
            recode::recode(raw, &self.source, &self.output, out);
        }
    }

    fn write_field(&self, field: &Touched<'_>, verbatim: bool, out: &mut Vec<u8>) {
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
                Value::Raw(raw) if verbatim => out.extend_from_slice(raw),
                Value::Raw(raw) => {
                    recode::recode(raw, &self.source, &self.output, out);
                }
                Value::Text(text) => recode::write_text(text, &self.output, out),
            }
        }
    }
}
