//! Writing a parsed message: segment by segment, field by field, so that parse then print is the identity.

use crate::{Message, Segment};

impl Message<'_> {
    /// Appends the message as it was received, rebuilt from its fields; what lies between segments is copied.
    pub fn write(&self, out: &mut Vec<u8>) {
        let bytes = self.bytes();
        out.reserve(bytes.len());
        let mut written_to = 0;
        for segment in self.segments() {
            out.extend_from_slice(bytes.get(written_to..segment.start()).unwrap_or_default());
            segment.write(out);
            written_to = segment.end();
        }
        out.extend_from_slice(bytes.get(written_to..).unwrap_or_default());
    }

    /// Appends the segments alone, each ended by CR as the standard has it: no junk, no other terminators.
    pub fn write_clean(&self, out: &mut Vec<u8>) {
        out.reserve(self.bytes().len());
        for segment in self.segments() {
            segment.write(out);
            out.push(b'\r');
        }
    }
}

impl Segment<'_> {
    /// Appends the segment, rebuilt from its fields, without a terminator.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.id().as_bytes());
        let separator = self.encoding().delimiters.field;
        // MSH-1 is the separator itself: none stands before it, nor between it and MSH-2.
        let unseparated = if self.id().declares_delimiters() { 2 } else { 0 };
        for (slot, field) in self.fields().enumerate() {
            if slot >= unseparated {
                out.push(separator);
            }
            out.extend_from_slice(field.raw());
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Message;

    #[test]
    fn clean_writing_drops_junk_and_keeps_every_field() {
        let message = Message::parse(b"\n\x0bMSH|^~\\&|A||\r\nstray\r\nPID||\"\"|^&~\nZ01\n").unwrap();
        let mut clean = Vec::new();
        message.write_clean(&mut clean);
        assert_eq!(clean, b"MSH|^~\\&|A||\rPID||\"\"|^&~\rZ01\r");
        let mut same = Vec::new();
        message.write(&mut same);
        assert_eq!(same, message.bytes());
    }
}
