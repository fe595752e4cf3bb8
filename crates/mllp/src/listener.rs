//! Accepts connections, hands their frames to a [`Service`], sends its answers back in order.
//!
//! Refuses what breaks [`Limits`]. Knows nothing of what a frame says. The life of one connection is
//! in `connection.rs`; this file holds the door.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection;
use crate::{Frame, Guard, Limits, Refusal, ServerConfigs, Turn};

/// Pause after a failed `accept` (out of file descriptors, say), so that it does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Who sent a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its connection's ordinal at this listener, from 1.
    pub connection: u64,
}

impl Peer {
    /// A peer by hand, for tests of a [`Service`].
    pub fn new(address: SocketAddr, connection: u64) -> Self {
        Self { address, connection }
    }
}

/// What answers frames.
///
/// For one connection, the part of a returned future before its first `await` that is not ready runs
/// in the order in which frames arrived; answers leave in that order too. In between, calls run side by side
/// in any order: who needs that of arrival implements [`call_in_turn`](Self::call_in_turn). A call that has begun is
/// run to its end, also when its peer has gone: a half-done message is nobody's.
pub trait Service: Send + Sync + 'static {
    /// Answers one frame; `None` sends nothing, an empty answer hangs up.
    fn call(&self, peer: &Peer, frame: Frame) -> impl Future<Output = Option<Bytes>> + Send;

    /// Answers one frame, keeping the order of its connection past a wait: see [`Turn`].
    fn call_in_turn(
        &self,
        peer: &Peer,
        frame: Frame,
        _turn: Turn,
    ) -> impl Future<Output = Option<Bytes>> + Send {
        self.call(peer, frame)
    }

    /// Answers a frame that broke a limit or has no end; `None`, the default, sends nothing.
    fn refused(&self, _peer: &Peer, _refusal: Refusal) -> impl Future<Output = Option<Bytes>> + Send {
        std::future::ready(None)
    }
}

impl<S: Service> Service for Arc<S> {
    fn call(&self, peer: &Peer, frame: Frame) -> impl Future<Output = Option<Bytes>> + Send {
        S::call(self, peer, frame)
    }

    fn call_in_turn(
        &self,
        peer: &Peer,
        frame: Frame,
        turn: Turn,
    ) -> impl Future<Output = Option<Bytes>> + Send {
        S::call_in_turn(self, peer, frame, turn)
    }

    fn refused(&self, peer: &Peer, refusal: Refusal) -> impl Future<Output = Option<Bytes>> + Send {
        S::refused(self, peer, refusal)
    }
}

/// What a listener has seen since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections open now.
    pub connections_open: u64,
    /// Connections served, open ones included.
    pub connections_served: u64,
    /// Connections closed at the door for want of room.
    pub connections_refused: u64,
    /// Connections closed because a time-out passed.
    pub connections_timed_out: u64,
    /// Whole frames.
    pub frames: u64,
    /// Frames refused here: too large, without an end, or beyond what is allowed in flight.
    pub frames_refused: u64,
    /// Bytes between frames.
    pub noise_bytes: u64,
}

/// An open port. Dropping it stops it without waiting; [`shutdown`](Self::shutdown) waits.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// What the door and its connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) stop: CancellationToken,
    /// Kibibytes of frames that may still come into flight.
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) tally: Tally,
    peers: Mutex<HashMap<IpAddr, usize>>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    open: AtomicU64,
    served: AtomicU64,
    refused: AtomicU64,
    pub(crate) timed_out: AtomicU64,
    pub(crate) frames: AtomicU64,
    pub(crate) frames_refused: AtomicU64,
    pub(crate) noise_bytes: AtomicU64,
}

impl Listener {
    /// Opens `address` (port 0 picks one) and begins to serve.
    ///
    /// # Errors
    /// What the operating system says when it will not bind.
    pub async fn bind<S: Service>(
        address: impl ToSocketAddrs,
        limits: Limits,
        service: S,
    ) -> io::Result<Self> {
        Self::start(TcpListener::bind(address).await?, limits, service)
    }

    /// Serves a port that is already open, so that several can be opened before any is served.
    ///
    /// # Errors
    /// When the socket has no local address.
    pub fn start<S: Service>(socket: TcpListener, limits: Limits, service: S) -> io::Result<Self> {
        Self::start_guarded(socket, limits, Guard::default(), service)
    }

    /// Serves a port that is already open to those whom the guard lets in.
    ///
    /// # Errors
    /// When the socket has no local address.
    pub fn start_guarded<S: Service>(
        socket: TcpListener,
        limits: Limits,
        guard: Guard,
        service: S,
    ) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared::new(limits));
        let tasks = TaskTracker::new();
        tasks.spawn(accept(
            socket,
            guard,
            shared.clone(),
            tasks.clone(),
            Arc::new(service),
        ));
        Ok(Self {
            address,
            shared,
            tasks,
        })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has seen so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let tally = &self.shared.tally;
        Counts {
            connections_open: read(&tally.open),
            connections_served: read(&tally.served),
            connections_refused: read(&tally.refused),
            connections_timed_out: read(&tally.timed_out),
            frames: read(&tally.frames),
            frames_refused: read(&tally.frames_refused),
            noise_bytes: read(&tally.noise_bytes),
        }
    }

    /// Stops accepting and reading, lets every call that has begun answer, then closes.
    ///
    /// Frames received and not yet begun are dropped unanswered: their sender will send them again.
    /// Takes as long as the slowest call; the caller bounds it with `tokio::time::timeout`.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        // A single frame at its limit must always fit, whatever was configured.
        let in_flight_bytes = limits.in_flight_bytes_max.max(limits.frame_bytes_max);
        let kibibytes = (in_flight_bytes.div_ceil(1024) + 1).min(Semaphore::MAX_PERMITS);
        Self {
            limits,
            stop: CancellationToken::new(),
            in_flight: Arc::new(Semaphore::new(kibibytes)),
            tally: Tally::default(),
            peers: Mutex::default(),
        }
    }

    fn admit(self: &Arc<Self>, address: SocketAddr) -> Option<Seat> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let open: usize = peers.values().sum();
        let from_peer = peers.entry(address.ip()).or_default();
        if open >= self.limits.connections_max || *from_peer >= self.limits.connections_per_peer_max {
            if *from_peer == 0 {
                peers.remove(&address.ip());
            }
            return None;
        }
        *from_peer += 1;
        self.tally.open.fetch_add(1, Ordering::Relaxed);
        Some(Seat {
            shared: self.clone(),
            address: address.ip(),
        })
    }
}

/// A connection's place among those allowed; given back when dropped.
struct Seat {
    shared: Arc<Shared>,
    address: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut peers = self.shared.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = peers.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                peers.remove(&self.address);
            }
        }
        self.shared.tally.open.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept<S: Service>(
    socket: TcpListener,
    guard: Guard,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    service: Arc<S>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        if guard.admits.as_ref().is_some_and(|admits| !admits(address.ip())) {
            shared.tally.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(peer = %address, "connection closed: this address is not allowed here");
            continue;
        }
        let Some(seat) = shared.admit(address) else {
            shared.tally.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(peer = %address, "connection closed: connections_max or connections_per_peer_max reached");
            continue;
        };
        if let Err(error) = prepare(&stream, shared.limits.keepalive_ms) {
            tracing::debug!(peer = %address, %error, "connection gone before it began");
            continue;
        }
        let connection = shared.tally.served.fetch_add(1, Ordering::Relaxed) + 1;
        let (shared, service, tls) = (shared.clone(), service.clone(), guard.tls.clone());
        tasks.spawn(async move {
            let _seat = seat;
            let peer = Peer { address, connection };
            match tls {
                None => connection::serve(&*service, &peer, stream, &shared).await,
                Some(configs) => {
                    if let Some(stream) = shake_hands(&configs, &peer, stream, &shared).await {
                        connection::serve(&*service, &peer, stream, &shared).await;
                    }
                }
            }
        });
    }
}

/// TLS before the first frame; none when the peer does not prove itself, speaks something else, or takes too long.
async fn shake_hands(
    configs: &ServerConfigs,
    peer: &Peer,
    stream: TcpStream,
    shared: &Shared,
) -> Option<TlsStream<TcpStream>> {
    let longest = Duration::from_millis(shared.limits.handshake_timeout_ms);
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(longest, TlsAcceptor::from(configs()).accept(stream)) => shaken,
        () = shared.stop.cancelled() => return None,
    };
    match shaken {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => {
            shared.tally.refused.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(peer = %peer.address, %error, "connection closed: no TLS");
        }
        Err(_) => {
            shared.tally.timed_out.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(peer = %peer.address, "connection closed: handshake_timeout_ms has passed");
        }
    }
    None
}

/// Answers leave at once, and a peer that vanished without a word is found out.
pub(crate) fn prepare(stream: &TcpStream, keepalive_ms: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = Duration::from_millis(keepalive_ms.max(1_000));
    SockRef::from(stream).set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(keepalive)
            .with_interval(keepalive / 4),
    )
}
