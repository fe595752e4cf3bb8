//! Sends one frame and waits for the framed answer; any doubt ends the connection.
//!
//! Refuses to guess which answer belongs to which frame: a late answer, one that is not framed, or
//! bytes nobody asked for make the [`Sender`] unusable, so that a wrong answer cannot be credited to
//! the next message. Reconnecting, sending again, and comparing MSA-2 are the caller's (`gateway`).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::guard::Stream;
use crate::listener::prepare;
use crate::{Assurance, Decoder, FrameError, SenderLimits, Unframable, encode};

const READ_BYTES: usize = 8 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No connection within its time.
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    /// The payload cannot stand in a frame; nothing was sent and the sender is still good.
    #[error(transparent)]
    Unframable(#[from] Unframable),
    /// Bytes were there before anything was asked: a late or foreign answer. Nothing was sent.
    #[error("the peer sent bytes nobody asked for")]
    Unsolicited,
    /// The connection failed or ended before the answer was whole.
    #[error("the connection ended before the answer: {0}")]
    Lost(#[source] io::Error),
    /// No whole answer in time.
    #[error("no answer within answer_timeout_ms = {answer_timeout_ms}")]
    TimedOut {
        /// The limit that passed.
        answer_timeout_ms: u64,
    },
    /// The answer is not a frame within its limit.
    #[error("the answer is not a frame: {0}")]
    Answer(#[source] FrameError),
    /// Bytes that belong to no frame came instead of the answer.
    #[error("the answer is not framed")]
    Unframed,
    /// An earlier error or a dropped `send` left this sender unusable; connect again.
    #[error("this connection is spent: connect again")]
    Spent,
}

impl SendError {
    /// Whether the peer may have received the payload, so that sending it again may duplicate it.
    pub fn may_have_arrived(&self) -> bool {
        matches!(
            self,
            Self::Lost(_) | Self::TimedOut { .. } | Self::Answer(_) | Self::Unframed
        )
    }
}

/// One connection to a receiver, one frame in flight.
#[derive(Debug)]
pub struct Sender {
    stream: Stream,
    limits: SenderLimits,
    decoder: Decoder,
    buffer: BytesMut,
    /// True while an exchange is under way and for good after one failed.
    spent: bool,
}

impl Sender {
    /// Connects.
    ///
    /// # Errors
    /// [`SendError::Connect`], also when `connect_timeout_ms` has passed.
    pub async fn connect(address: impl ToSocketAddrs, limits: SenderLimits) -> Result<Self, SendError> {
        Self::open(address, limits, None).await
    }

    /// Connects with TLS.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and when the receiver does not prove to be who it should be.
    pub async fn connect_assured(
        address: impl ToSocketAddrs,
        limits: SenderLimits,
        assurance: Assurance,
    ) -> Result<Self, SendError> {
        Self::open(address, limits, Some(assurance)).await
    }

    async fn open(
        address: impl ToSocketAddrs,
        limits: SenderLimits,
        assurance: Option<Assurance>,
    ) -> Result<Self, SendError> {
        let opening = async {
            let stream = TcpStream::connect(address).await?;
            prepare(&stream, limits.keepalive_ms)?;
            Ok(match assurance {
                None => Stream::Plain(stream),
                Some(Assurance { tls, name }) => {
                    Stream::Secure(Box::new(TlsConnector::from(tls).connect(name, stream).await?))
                }
            })
        };
        let connect_timeout = Duration::from_millis(limits.connect_timeout_ms);
        let stream = tokio::time::timeout(connect_timeout, opening)
            .await
            .unwrap_or_else(|_| {
                let text = format!("connect_timeout_ms = {} has passed", limits.connect_timeout_ms);
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            })
            .map_err(SendError::Connect)?;
        Ok(Self {
            stream,
            decoder: Decoder::new(limits.frame_bytes_max),
            limits,
            buffer: BytesMut::new(),
            spent: false,
        })
    }

    /// Our end of the connection.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream.socket().local_addr()
    }

    /// Whether [`send`](Self::send) can still work; once false, connect again.
    pub fn is_usable(&self) -> bool {
        !self.spent
    }

    /// Sends one frame and returns the payload of its answer.
    ///
    /// Dropping the returned future before it is ready spends the sender: its answer may still come.
    ///
    /// # Errors
    /// [`SendError`]; after every one but [`SendError::Unframable`] the sender is spent.
    pub async fn send(&mut self, payload: &[u8]) -> Result<Bytes, SendError> {
        if self.spent {
            return Err(SendError::Spent);
        }
        let mut frame = BytesMut::with_capacity(payload.len() + 3);
        encode(payload, &mut frame)?;
        self.spent = true;
        self.refuse_unsolicited().await?;
        let deadline = Instant::now() + Duration::from_millis(self.limits.answer_timeout_ms);
        let writing = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        match timeout_at(deadline, writing).await {
            Ok(written) => written.map_err(SendError::Lost)?,
            Err(_) => return Err(self.timed_out()),
        }
        self.receive(deadline).await
    }

    /// Waits for one more answer to what was sent last: the application ACK of enhanced mode.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn answer(&mut self) -> Result<Bytes, SendError> {
        if self.spent {
            return Err(SendError::Spent);
        }
        self.spent = true;
        self.receive(Instant::now() + Duration::from_millis(self.limits.answer_timeout_ms))
            .await
    }

    /// Looks at the socket itself: what the reactor has not noticed yet counts too.
    async fn refuse_unsolicited(&mut self) -> Result<(), SendError> {
        let Stream::Plain(stream) = &self.stream else {
            return self.refuse_unsolicited_in_tls().await;
        };
        loop {
            if self.buffer.iter().any(|byte| !is_filler(*byte)) {
                return Err(SendError::Unsolicited);
            }
            self.buffer.clear();
            let mut bytes = [0; 64];
            match io::Read::read(&mut &*socket2::SockRef::from(stream), &mut bytes) {
                Ok(0) => return Err(SendError::Lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(SendError::Lost(error)),
            }
        }
    }

    /// What has come through TLS so far; the socket itself also carries what is not for us.
    async fn refuse_unsolicited_in_tls(&mut self) -> Result<(), SendError> {
        loop {
            if self.buffer.iter().any(|byte| !is_filler(*byte)) {
                return Err(SendError::Unsolicited);
            }
            self.buffer.clear();
            let mut bytes = [0; 64];
            let mut read = std::pin::pin!(self.stream.read(&mut bytes));
            match futures_util::poll!(read.as_mut()) {
                std::task::Poll::Pending => return Ok(()),
                std::task::Poll::Ready(Ok(0)) => {
                    return Err(SendError::Lost(io::ErrorKind::UnexpectedEof.into()));
                }
                std::task::Poll::Ready(Ok(count)) => self.buffer.extend_from_slice(&bytes[..count]),
                std::task::Poll::Ready(Err(error)) => return Err(SendError::Lost(error)),
            }
        }
    }

    async fn receive(&mut self, deadline: Instant) -> Result<Bytes, SendError> {
        loop {
            if !self.decoder.is_inside() {
                let filler = self.buffer.iter().take_while(|byte| is_filler(**byte)).count();
                bytes::Buf::advance(&mut self.buffer, filler);
                if self.buffer.first().is_some_and(|byte| *byte != 0x0B) {
                    return Err(SendError::Unframed);
                }
            }
            match self.decoder.next(&mut self.buffer) {
                Some(Ok(answer)) => {
                    self.spent = false;
                    return Ok(answer.into_bytes());
                }
                Some(Err(refusal)) => return Err(SendError::Answer(refusal.error)),
                None => {}
            }
            self.buffer.reserve(READ_BYTES);
            match timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await {
                Err(_) => return Err(self.timed_out()),
                Ok(Ok(0)) => return Err(SendError::Lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(SendError::Lost(error)),
            }
        }
    }

    fn timed_out(&self) -> SendError {
        SendError::TimedOut {
            answer_timeout_ms: self.limits.answer_timeout_ms,
        }
    }
}

/// Bytes real systems leave after a frame, and that cannot be an answer.
fn is_filler(byte: u8) -> bool {
    matches!(byte, 0 | b'\r' | b'\n')
}
