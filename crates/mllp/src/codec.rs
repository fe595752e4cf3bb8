//! The pure half: bytes in, [`Frame`]s and [`Refusal`]s out.

use std::fmt;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;

/// How much of a skipped frame is kept, so that it can be recorded and answered: room for any MSH.
const HEAD_BYTES_MAX: usize = 4 << 10;

/// One payload as it stood between `<VT>` and `<FS><CR>`.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    payload: Bytes,
    inner_starts: u32,
}

impl Frame {
    /// A frame that did not come off a wire (replay, tests).
    pub fn new(payload: impl Into<Bytes>) -> Self {
        Self {
            payload: payload.into(),
            inner_starts: 0,
        }
    }

    /// The payload; sharing it costs no copy.
    pub fn bytes(&self) -> &Bytes {
        &self.payload
    }

    /// The payload, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.payload
    }

    /// How many `<VT>` stand inside a line of the payload.
    ///
    /// Nearly always a soft line break pasted from a word processor. It is also what is left of a
    /// sender that broke off inside a line and started again on the same connection: a caller who
    /// sees a header right after one holds two messages and must refuse the frame.
    pub fn inner_starts(&self) -> u32 {
        self.inner_starts
    }
}

impl std::ops::Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.payload
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.payload
    }
}

impl fmt::Debug for Frame {
    /// The length only: a payload names a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.payload.len())
    }
}

/// Why a frame that began is not handed out as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than the limit.
    #[error("the frame is longer than frame_bytes_max = {frame_bytes_max}")]
    TooLarge {
        /// The limit it broke.
        frame_bytes_max: usize,
    },
    /// The stream ended, or a new frame began, before `<FS><CR>`.
    #[error("the frame has no end: <FS><CR> is missing")]
    Unterminated,
    /// It did not end in time.
    #[error("the frame did not end within partial_frame_timeout_ms = {partial_frame_timeout_ms}")]
    TimedOut {
        /// The limit it broke.
        partial_frame_timeout_ms: u64,
    },
    /// Too many bytes of other frames are being worked on; the same frame may pass later.
    #[error("too many bytes are in flight: in_flight_bytes_max = {in_flight_bytes_max}")]
    Overloaded {
        /// The limit it met.
        in_flight_bytes_max: usize,
    },
}

impl FrameError {
    /// Whether the same bytes may pass when sent again (AE rather than AR).
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Overloaded { .. } | Self::TimedOut { .. } | Self::Unterminated
        )
    }
}

/// A frame that began and cannot be handed out; its sender still deserves an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub error: FrameError,
    /// The first bytes of its payload: all there are if it was cut short, some kilobytes if it was skipped.
    pub head: Bytes,
    /// How many payload bytes were seen.
    pub bytes_seen: u64,
}

impl fmt::Debug for Refusal {
    /// Without the head: it may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("error", &self.error)
            .field("bytes_seen", &self.bytes_seen)
            .finish_non_exhaustive()
    }
}

/// A payload that would read as something else on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the payload would end or start a frame")]
pub struct Unframable {
    /// 0-based offset of the byte at fault.
    pub offset: usize,
}

/// Writes one frame around `payload`.
///
/// # Errors
/// [`Unframable`] when the payload holds `<FS><CR>`, or a `<VT>` at the start of a line: a decoder
/// would cut it there. Nothing is written then.
pub fn encode(payload: &[u8], out: &mut BytesMut) -> Result<(), Unframable> {
    let mut from = 0;
    while let Some(at) = payload
        .get(from..)
        .and_then(|rest| memchr2(VT, FS, rest))
        .map(|at| from + at)
    {
        let cuts = match payload[at] {
            FS => payload.get(at + 1) == Some(&CR),
            _ => at == 0 || is_line_end(payload[at - 1]),
        };
        if cuts {
            return Err(Unframable { offset: at });
        }
        from = at + 1;
    }
    out.reserve(payload.len() + 3);
    out.put_u8(VT);
    out.put_slice(payload);
    out.put_slice(&[FS, CR]);
    Ok(())
}

/// Whether a `<VT>` after this byte stands at the start of a line.
fn is_line_end(byte: u8) -> bool {
    matches!(byte, CR | b'\n' | FS | 0)
}

/// Takes frames off a byte stream; the stream may be cut anywhere.
///
/// The rules, in the order they are applied:
///
/// 1. Between frames every byte but `<VT>` is noise: counted ([`noise_bytes`](Self::noise_bytes)), skipped.
/// 2. A frame ends at `<FS>` followed by `<CR>`. A lone `<FS>` is payload.
/// 3. A `<VT>` at the start of a line of an unfinished frame (right after `<CR>`, `<LF>`, `<FS>`,
///    `NUL`) is a new frame: no payload line begins with one, and going on would weld two messages, so
///    two patients, into one. The unfinished frame comes out as a [`Refusal`]; a doubled `<VT>` leaves
///    nothing unfinished and is noise.
/// 4. A `<VT>` inside a line is payload (a soft line break pasted from a word processor) and counted
///    in [`Frame::inner_starts`].
/// 5. A frame longer than the limit is skipped to its end, in bounded memory, and comes out as a [`Refusal`].
///
/// A byte is looked at once: what has been scanned is remembered between calls.
///
/// # Example
/// ```
/// let mut decoder = mllp::Decoder::new(1024);
/// let mut buffer = bytes::BytesMut::from(&b"\r\n\x0bMSH|^~\\&|\x1c\r\x0bMSH|"[..]);
/// let frame = decoder.next(&mut buffer).expect("one whole frame").expect("within its limit");
/// assert_eq!(&*frame, b"MSH|^~\\&|");
/// assert!(decoder.next(&mut buffer).is_none(), "the second has not ended yet");
/// assert_eq!(decoder.noise_bytes(), 2);
/// ```
#[derive(Debug)]
pub struct Decoder {
    frame_bytes_max: usize,
    state: State,
    /// Bytes at the front of the buffer that need no second look.
    scanned: usize,
    inner_starts: u32,
    noise_bytes: u64,
}

#[derive(Debug)]
enum State {
    Between,
    /// The buffer starts with the payload.
    Inside,
    Skipping(Skipped),
}

#[derive(Debug)]
struct Skipped {
    error: FrameError,
    head: Bytes,
    bytes_seen: u64,
    /// The last byte dropped: it may be the line end before a `<VT>`. `None` when none was.
    last: Option<u8>,
}

enum Mark {
    End(usize),
    Restart(usize),
}

impl Decoder {
    /// A decoder that refuses payloads longer than `frame_bytes_max`.
    pub fn new(frame_bytes_max: usize) -> Self {
        Self {
            frame_bytes_max,
            state: State::Between,
            scanned: 0,
            inner_starts: 0,
            noise_bytes: 0,
        }
    }

    /// The next whole frame or refusal in `buffer`; `None` when more bytes are needed.
    ///
    /// Consumes what it can. Call it again, with bytes appended and nothing taken away.
    // Not an Iterator: the buffer belongs to the caller.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self, buffer: &mut BytesMut) -> Option<Result<Frame, Refusal>> {
        if matches!(self.state, State::Between) {
            self.find_start(buffer)?;
        }
        match self.state {
            State::Skipping(_) => self.skip(buffer).map(Err),
            _ => self.take(buffer),
        }
    }

    /// Ends the frame that has begun, if one has: the stream is over or its time is up.
    pub fn give_up(&mut self, buffer: &mut BytesMut, error: FrameError) -> Option<Refusal> {
        self.scanned = 0;
        match std::mem::replace(&mut self.state, State::Between) {
            State::Between => None,
            State::Inside => {
                let head = buffer.split().freeze();
                Some(Refusal {
                    error,
                    bytes_seen: head.len() as u64,
                    head,
                })
            }
            State::Skipping(skipped) => {
                let bytes_seen = skipped.bytes_seen + buffer.len() as u64;
                buffer.clear();
                Some(Refusal {
                    error: skipped.error,
                    head: skipped.head,
                    bytes_seen,
                })
            }
        }
    }

    /// Keeps no more of the frame that has begun; it comes out as a refusal at its end.
    pub fn skip_frame(&mut self, buffer: &mut BytesMut, error: FrameError) {
        if matches!(self.state, State::Inside) {
            let head = Bytes::copy_from_slice(&buffer[..buffer.len().min(HEAD_BYTES_MAX)]);
            // What was scanned holds no end; only its last byte can still matter.
            let dropped = self.scanned.min(buffer.len());
            let last = dropped.checked_sub(1).map(|at| buffer[at]);
            buffer.advance(dropped);
            self.scanned = 0;
            self.state = State::Skipping(Skipped {
                error,
                head,
                bytes_seen: dropped as u64,
                last,
            });
        }
    }

    /// Whether a frame has begun and not ended.
    pub fn is_inside(&self) -> bool {
        !matches!(self.state, State::Between)
    }

    /// Whether the bytes left in the buffer belong to a frame that is being kept.
    pub fn is_keeping(&self) -> bool {
        matches!(self.state, State::Inside)
    }

    /// Bytes skipped between frames so far.
    pub fn noise_bytes(&self) -> u64 {
        self.noise_bytes
    }

    fn find_start(&mut self, buffer: &mut BytesMut) -> Option<()> {
        match memchr(VT, buffer) {
            Some(at) => {
                self.noise_bytes += at as u64;
                buffer.advance(at + 1);
                self.state = State::Inside;
                self.scanned = 0;
                self.inner_starts = 0;
                Some(())
            }
            None => {
                self.noise_bytes += buffer.len() as u64;
                buffer.clear();
                None
            }
        }
    }

    fn take(&mut self, buffer: &mut BytesMut) -> Option<Result<Frame, Refusal>> {
        let mut mark = self.find_mark(buffer, None);
        while let Some(Mark::Restart(0)) = mark {
            // A doubled start block: nothing is lost, so nothing is refused.
            self.noise_bytes += 1;
            buffer.advance(1);
            self.scanned = 0;
            mark = self.find_mark(buffer, None);
        }
        let length = mark.as_ref().map_or(self.scanned, length_of);
        if length > self.frame_bytes_max {
            self.scanned = length;
            self.skip_frame(
                buffer,
                FrameError::TooLarge {
                    frame_bytes_max: self.frame_bytes_max,
                },
            );
            return self.skip(buffer).map(Err);
        }
        let mark = mark?;
        let payload = buffer.split_to(length).freeze();
        self.scanned = 0;
        let inner_starts = std::mem::take(&mut self.inner_starts);
        match mark {
            Mark::End(_) => {
                buffer.advance(2);
                self.state = State::Between;
                Some(Ok(Frame {
                    payload,
                    inner_starts,
                }))
            }
            Mark::Restart(_) => {
                // The `<VT>` opens the next frame; what came before is all there will be of this one.
                buffer.advance(1);
                let bytes_seen = payload.len() as u64;
                Some(Err(Refusal {
                    error: FrameError::Unterminated,
                    head: payload,
                    bytes_seen,
                }))
            }
        }
    }

    fn skip(&mut self, buffer: &mut BytesMut) -> Option<Refusal> {
        let State::Skipping(skipped) = &self.state else {
            return None;
        };
        let mark = self.find_mark(buffer, skipped.last);
        let State::Skipping(skipped) = &mut self.state else {
            return None;
        };
        let Some(mark) = mark else {
            if self.scanned > 0 {
                skipped.last = Some(buffer[self.scanned - 1]);
                skipped.bytes_seen += self.scanned as u64;
                buffer.advance(self.scanned);
                self.scanned = 0;
            }
            return None;
        };
        let at = length_of(&mark);
        skipped.bytes_seen += at as u64;
        let refusal = Refusal {
            error: skipped.error,
            head: std::mem::take(&mut skipped.head),
            bytes_seen: skipped.bytes_seen,
        };
        self.scanned = 0;
        self.inner_starts = 0;
        match mark {
            Mark::End(_) => {
                buffer.advance(at + 2);
                self.state = State::Between;
            }
            Mark::Restart(_) => {
                buffer.advance(at + 1);
                self.state = State::Inside;
            }
        }
        Some(refusal)
    }

    /// Looks for the end of the frame from where the last look stopped. `before` stands before the
    /// buffer; `None` when the frame starts with it.
    fn find_mark(&mut self, buffer: &BytesMut, before: Option<u8>) -> Option<Mark> {
        while let Some(at) = buffer
            .get(self.scanned..)
            .and_then(|rest| memchr2(VT, FS, rest))
            .map(|at| self.scanned + at)
        {
            if buffer[at] == FS {
                match buffer.get(at + 1) {
                    Some(&CR) => return Some(Mark::End(at)),
                    Some(_) => {}
                    None => {
                        // Its meaning is in the next byte: stop just before it.
                        self.scanned = at;
                        return None;
                    }
                }
            } else {
                let previous = at.checked_sub(1).map_or(before, |at| Some(buffer[at]));
                if previous.is_none_or(is_line_end) {
                    return Some(Mark::Restart(at));
                }
                self.inner_starts = self.inner_starts.saturating_add(1);
            }
            self.scanned = at + 1;
        }
        self.scanned = buffer.len();
        None
    }
}

fn length_of(mark: &Mark) -> usize {
    match mark {
        Mark::End(at) | Mark::Restart(at) => *at,
    }
}
