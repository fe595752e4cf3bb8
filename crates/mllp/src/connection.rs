//! The life of one connection: read, decode, call, answer, close.
//!
//! One task does it all, so that a connection costs one task, and its order is the task's order.
//! Generic over the stream: plain TCP, TLS, or a pipe in a test.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use crate::listener::{Service, Shared};
use crate::turn::Turns;
use crate::{Decoder, FrameError, Limits, Peer, Refusal, encode};

/// Room asked for before each read; an idle connection holds no more than this.
const READ_BYTES: usize = 8 << 10;
/// A frame above this leaves with its allocation, so that the connection does not keep it.
const LARGE_BYTES: usize = 64 << 10;
/// Unsent answers beyond this stop the reading until the peer takes some.
const UNSENT_BYTES_MAX: usize = 64 << 10;

type Call<'s> = Pin<Box<dyn Future<Output = Option<Bytes>> + Send + 's>>;

/// Serves one stream until it ends, a time-out passes, or the listener stops.
pub(crate) async fn serve<S, T>(service: &S, peer: &Peer, stream: T, shared: &Shared)
where
    S: Service,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut connection = Connection::new(service, peer, shared);
    connection.run(&mut reader, &mut writer).await;
    // Calls that have begun end, whether or not anyone still listens.
    while connection.window.next().await.is_some() {}
    let noise_bytes = connection.decoder.noise_bytes();
    if noise_bytes > 0 {
        tracing::debug!(peer = %peer.address, noise_bytes, "bytes between frames were skipped");
    }
    if connection.line == Line::Intact {
        close(
            reader,
            writer,
            shared.limits.write_timeout(),
            Duration::from_millis(shared.limits.linger_ms),
        )
        .await;
    }
}

/// Closes so that the last answer arrives: unread input would make the kernel reset the connection.
async fn close<T>(
    mut reader: ReadHalf<T>,
    mut writer: WriteHalf<T>,
    write_timeout: Duration,
    linger: Duration,
) where
    T: AsyncRead + AsyncWrite + Unpin,
{
    if !matches!(
        tokio::time::timeout(write_timeout, writer.shutdown()).await,
        Ok(Ok(()))
    ) {
        return;
    }
    let mut rest = [0; 1024];
    let drained = async { while matches!(reader.read(&mut rest).await, Ok(1..)) {} };
    // Passing the limit is as good as the end: we are leaving either way.
    if tokio::time::timeout(linger, drained).await.is_err() {
        tracing::trace!("the peer did not close in linger_ms");
    }
}

/// Where bytes still come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The peer may send more.
    Open,
    /// The peer has ended its side; what is buffered still counts.
    Ended,
    /// Nothing more is taken: stopping, or past a time-out.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Intact,
    Broken,
}

enum Step {
    Wrote(std::io::Result<usize>),
    Answered(Option<Bytes>),
    Stop,
    Time,
    Read(std::io::Result<usize>),
}

struct Connection<'s, S> {
    service: &'s S,
    peer: &'s Peer,
    shared: &'s Shared,
    limits: &'s Limits,
    decoder: Decoder,
    buffer: BytesMut,
    /// Room taken for the large frame being received.
    receiving: Option<OwnedSemaphorePermit>,
    window: FuturesOrdered<Call<'s>>,
    turns: Turns,
    out: BytesMut,
    source: Source,
    line: Line,
    noise_bytes: u64,
    quiet_since: Instant,
    partial_since: Option<Instant>,
    unsent_since: Option<Instant>,
}

impl<'s, S: Service> Connection<'s, S> {
    fn new(service: &'s S, peer: &'s Peer, shared: &'s Shared) -> Self {
        Self {
            service,
            peer,
            shared,
            limits: &shared.limits,
            decoder: Decoder::new(shared.limits.frame_bytes_max),
            buffer: BytesMut::new(),
            receiving: None,
            window: FuturesOrdered::new(),
            turns: Turns::default(),
            out: BytesMut::new(),
            source: Source::Open,
            line: Line::Intact,
            noise_bytes: 0,
            quiet_since: Instant::now(),
            partial_since: None,
            unsent_since: None,
        }
    }

    async fn run<T>(&mut self, reader: &mut ReadHalf<T>, writer: &mut WriteHalf<T>)
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let stop = self.shared.stop.clone();
        let stopped = stop.cancelled();
        let alarm = tokio::time::sleep(self.limits.idle_timeout());
        tokio::pin!(stopped, alarm);
        loop {
            self.begin_calls().await;
            if self.is_done() {
                return;
            }
            self.set_alarm(alarm.as_mut());
            let may_read = self.may_read();
            if may_read {
                self.buffer.reserve(READ_BYTES);
            }
            let step = tokio::select! {
                biased;
                () = stopped.as_mut(), if self.source != Source::Closed => Step::Stop,
                wrote = writer.write_buf(&mut self.out), if !self.out.is_empty() => Step::Wrote(wrote),
                Some(answer) = self.window.next(), if !self.window.is_empty() => Step::Answered(answer),
                () = alarm.as_mut() => Step::Time,
                read = reader.read_buf(&mut self.buffer), if may_read => Step::Read(read),
            };
            match step {
                Step::Wrote(Ok(1..)) => self.unsent_since = (!self.out.is_empty()).then(Instant::now),
                Step::Wrote(_) => self.break_line(),
                Step::Answered(answer) => self.queue(answer),
                Step::Stop => self.source = Source::Closed,
                Step::Time => self.check_time().await,
                Step::Read(Ok(1..)) => {}
                Step::Read(Ok(0)) => self.source = Source::Ended,
                Step::Read(Err(_)) => self.break_line(),
            }
        }
    }

    /// Begins a call for every frame there is, as far as the window allows.
    async fn begin_calls(&mut self) {
        while self.source != Source::Closed && self.window.len() < self.limits.window.max(1) {
            match self.decoder.next(&mut self.buffer) {
                Some(Ok(frame)) => {
                    self.frame_ended();
                    match self.take_room(frame.len()) {
                        Some(room) => {
                            self.shared.tally.frames.fetch_add(1, Ordering::Relaxed);
                            let (service, peer) = (self.service, self.peer);
                            let turn = self.turns.next(self.window.is_empty());
                            self.begin(Box::pin(async move {
                                let _room = room;
                                service.call_in_turn(peer, frame, turn).await
                            }))
                            .await;
                        }
                        None => {
                            let bytes_seen = frame.len() as u64;
                            let head = Bytes::copy_from_slice(&frame[..frame.len().min(4 << 10)]);
                            self.refuse(Refusal {
                                error: self.overloaded(),
                                head,
                                bytes_seen,
                            })
                            .await;
                        }
                    }
                }
                Some(Err(refusal)) => {
                    self.frame_ended();
                    self.refuse(refusal).await;
                }
                None if self.source == Source::Ended => {
                    self.source = Source::Closed;
                    if let Some(refusal) = self.decoder.give_up(&mut self.buffer, FrameError::Unterminated) {
                        self.refuse(refusal).await;
                    }
                }
                None => break,
            }
        }
        self.count_noise();
        self.keep_room();
        if !self.decoder.is_inside() || !self.may_read() {
            self.partial_since = None;
        } else if self.partial_since.is_none() {
            self.partial_since = Some(Instant::now());
        }
    }

    async fn refuse(&mut self, refusal: Refusal) {
        self.shared.tally.frames_refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(peer = %self.peer.address, reason = %refusal.error, bytes_seen = refusal.bytes_seen, "frame refused");
        let (service, peer) = (self.service, self.peer);
        self.begin(Box::pin(service.refused(peer, refusal))).await;
    }

    /// Polls the call once here and now: its part before the first real wait runs in arrival order.
    async fn begin(&mut self, mut call: Call<'s>) {
        match futures_util::poll!(call.as_mut()) {
            std::task::Poll::Ready(answer) if self.window.is_empty() => self.queue(answer),
            std::task::Poll::Ready(answer) => {
                self.window.push_back(Box::pin(std::future::ready(answer)));
            }
            std::task::Poll::Pending => self.window.push_back(call),
        }
    }

    fn queue(&mut self, answer: Option<Bytes>) {
        self.quiet_since = Instant::now();
        let Some(answer) = answer else { return };
        if answer.is_empty() {
            self.break_line();
            return;
        }
        if self.line == Line::Broken {
            return;
        }
        if let Err(error) = encode(&answer, &mut self.out) {
            tracing::error!(peer = %self.peer.address, %error, "answer dropped");
            return;
        }
        self.unsent_since.get_or_insert_with(Instant::now);
    }

    fn frame_ended(&mut self) {
        self.quiet_since = Instant::now();
        self.partial_since = None;
        self.receiving = None;
        if self.buffer.is_empty() {
            // Do not hold on to what a large frame needed.
            self.buffer = BytesMut::new();
        }
    }

    fn count_noise(&mut self) {
        let noise_bytes = self.decoder.noise_bytes();
        self.shared
            .tally
            .noise_bytes
            .fetch_add(noise_bytes - self.noise_bytes, Ordering::Relaxed);
        self.noise_bytes = noise_bytes;
    }

    /// Room in flight for a frame of this size, if there is any.
    fn take_room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).ok()?;
        self.shared
            .in_flight
            .clone()
            .try_acquire_many_owned(kibibytes)
            .ok()
    }

    /// Takes room for a large frame as it grows, or gives the frame up when there is none.
    fn keep_room(&mut self) {
        if !self.decoder.is_keeping() || self.buffer.len() <= LARGE_BYTES {
            return;
        }
        let held = self
            .receiving
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits)
            * 1024;
        if self.buffer.len() <= held {
            return;
        }
        match (
            self.take_room(self.buffer.len() + LARGE_BYTES - held),
            &mut self.receiving,
        ) {
            (Some(more), Some(room)) => room.merge(more),
            (Some(room), none) => *none = Some(room),
            (None, _) => {
                let error = self.overloaded();
                self.decoder.skip_frame(&mut self.buffer, error);
                self.receiving = None;
                self.buffer = BytesMut::from(&self.buffer[..]);
            }
        }
    }

    fn overloaded(&self) -> FrameError {
        FrameError::Overloaded {
            in_flight_bytes_max: self.limits.in_flight_bytes_max,
        }
    }

    fn may_read(&self) -> bool {
        self.source == Source::Open
            && self.window.len() < self.limits.window.max(1)
            && self.out.len() < UNSENT_BYTES_MAX
    }

    fn is_done(&self) -> bool {
        let unsent = self.line == Line::Intact && !self.out.is_empty();
        self.source == Source::Closed && self.window.is_empty() && !unsent
    }

    fn break_line(&mut self) {
        self.line = Line::Broken;
        self.source = Source::Closed;
        self.out.clear();
        self.unsent_since = None;
    }

    /// The next moment at which a time-out could pass.
    fn due(&self) -> Option<Instant> {
        let partial = self
            .partial_since
            .map(|since| since + self.limits.partial_frame_timeout());
        let unsent = self.unsent_since.map(|since| since + self.limits.write_timeout());
        let idle = self
            .is_idle()
            .then(|| self.quiet_since + self.limits.idle_timeout());
        [partial, unsent, idle].into_iter().flatten().min()
    }

    fn is_idle(&self) -> bool {
        self.source == Source::Open
            && self.window.is_empty()
            && self.out.is_empty()
            && self.partial_since.is_none()
    }

    fn set_alarm(&self, alarm: Pin<&mut Sleep>) {
        let due = match self.due() {
            Some(due) => due,
            // Nothing to watch: an alarm that has rung would ring without end.
            None if alarm.is_elapsed() => Instant::now() + self.limits.idle_timeout(),
            None => return,
        };
        // An alarm that rings too early only costs a look; moving it at every frame would cost more.
        if due < alarm.deadline() || alarm.is_elapsed() {
            alarm.reset(due);
        }
    }

    async fn check_time(&mut self) {
        let now = Instant::now();
        if self.due().is_none_or(|due| due > now) {
            return;
        }
        self.shared.tally.timed_out.fetch_add(1, Ordering::Relaxed);
        if self
            .unsent_since
            .is_some_and(|since| since + self.limits.write_timeout() <= now)
        {
            tracing::warn!(peer = %self.peer.address, "closed: the peer takes no answers (write_timeout_ms)");
            self.break_line();
        } else if self.partial_since.is_some() {
            self.source = Source::Closed;
            let partial_frame_timeout_ms = self.limits.partial_frame_timeout_ms;
            let error = FrameError::TimedOut {
                partial_frame_timeout_ms,
            };
            if let Some(refusal) = self.decoder.give_up(&mut self.buffer, error) {
                self.refuse(refusal).await;
            }
            self.partial_since = None;
        } else {
            tracing::debug!(peer = %self.peer.address, "closed: idle (idle_timeout_ms)");
            self.source = Source::Closed;
        }
    }
}

#[cfg(test)]
mod tests;
