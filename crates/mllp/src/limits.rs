//! Every bound of this room, named, with a default that suits one hospital interface.

use std::time::Duration;

/// Bounds of a [`Listener`](crate::Listener).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest payload accepted; a longer one is skipped to its end and refused.
    pub frame_bytes_max: usize,
    /// Open connections in all; one more is closed at once.
    pub connections_max: usize,
    /// Open connections from one IP address; one more is closed at once.
    pub connections_per_peer_max: usize,
    /// Frames of one connection that may wait for their answer; then its bytes are left unread.
    pub window: usize,
    /// Bytes of all frames of this listener being received or answered; a frame beyond is refused.
    pub in_flight_bytes_max: usize,
    /// A connection without a new frame for so long is closed.
    pub idle_timeout_ms: u64,
    /// A frame that has begun and not ended after so long is refused and its connection closed.
    pub partial_frame_timeout_ms: u64,
    /// A TLS handshake that takes longer is given up.
    pub handshake_timeout_ms: u64,
    /// A peer that takes no byte of an answer for so long is cut off.
    pub write_timeout_ms: u64,
    /// How long to wait for a peer to close after us, so that the last answer is not reset away.
    pub linger_ms: u64,
    /// Silence after which the kernel probes whether the peer is still there (half-open TCP).
    pub keepalive_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 16 << 20,
            connections_max: 2_048,
            connections_per_peer_max: 1_536,
            window: 16,
            in_flight_bytes_max: 128 << 20,
            idle_timeout_ms: 600_000,
            partial_frame_timeout_ms: 30_000,
            handshake_timeout_ms: 5_000,
            write_timeout_ms: 30_000,
            linger_ms: 500,
            keepalive_ms: 60_000,
        }
    }
}

impl Limits {
    pub(crate) fn idle_timeout(&self) -> Duration {
        Duration::from_millis(self.idle_timeout_ms)
    }

    pub(crate) fn partial_frame_timeout(&self) -> Duration {
        Duration::from_millis(self.partial_frame_timeout_ms)
    }

    pub(crate) fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }
}

/// Bounds of a [`Sender`](crate::Sender).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderLimits {
    /// Longest answer accepted.
    pub frame_bytes_max: usize,
    /// Time to open the connection.
    pub connect_timeout_ms: u64,
    /// Time from the first byte written until the whole answer is there.
    pub answer_timeout_ms: u64,
    /// Silence after which the kernel probes whether the peer is still there (half-open TCP).
    pub keepalive_ms: u64,
}

impl Default for SenderLimits {
    fn default() -> Self {
        Self {
            frame_bytes_max: 1 << 20,
            connect_timeout_ms: 5_000,
            answer_timeout_ms: 30_000,
            keepalive_ms: 60_000,
        }
    }
}
