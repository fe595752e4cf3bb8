//! MLLP: `<VT> payload <FS><CR>` on a byte stream.
//!
//! This room knows bytes, not segments: a payload is opaque, `hl7v2` reads it. [`Decoder`] and
//! [`encode`] are pure; [`listener`] and [`sender`] are the Tokio half around them. Frames go on to
//! `gateway::pipeline` (or to a mock EPR), answers come back from there.
//!
//! Lenient where real senders are: bytes between frames are counted and skipped. Strict where two
//! messages could become one: see the rules on [`Decoder`].
//!
//! # The whole surface
//!
//! ```text
//! Decoder::new(frame_bytes_max); decoder.next(&mut BytesMut) -> Option<Result<Frame, Refusal>>
//! encode(payload, &mut BytesMut) -> Result<(), Unframable>
//!
//! trait Service { fn call(&self, &Peer, Frame) -> impl Future<Output = Option<Bytes>> + Send;
//!                 fn call_in_turn(&self, &Peer, Frame, Turn) -> …;   /* default: call */
//!                 fn refused(&self, &Peer, Refusal) -> impl Future<Output = Option<Bytes>> + Send; /* default: None */ }
//! Listener::bind(address, Limits, service).await -> io::Result<Listener>
//! listener.address(); listener.counts(); listener.shutdown().await
//!
//! Listener::start_guarded(socket, Limits, Guard, service) -> io::Result<Listener>     // TLS, addresses allowed
//! Sender::connect_assured(address, SenderLimits, Assurance).await                       // TLS
//! Sender::connect(address, SenderLimits).await -> Result<Sender, SendError>
//! sender.send(payload).await -> Result<Bytes, SendError>; sender.answer().await (a second ACK)
//! ```

mod codec;
mod connection;
mod guard;
mod limits;
pub mod listener;
pub mod sender;
mod turn;

pub use codec::{Decoder, Frame, FrameError, Refusal, Unframable, encode};
pub use guard::{Assurance, Guard, ServerConfigs};
pub use limits::{Limits, SenderLimits};
pub use listener::{Counts, Listener, Peer, Service};
pub use sender::{SendError, Sender};
pub use turn::Turn;
