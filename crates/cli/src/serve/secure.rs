//! HTTPS: the HTTP port behind TLS, handshakes beside one another.
//!
//! A peer that is slow to shake hands, or speaks something else, holds up nobody: it is given up after a time
//! and never reaches the router.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::ServerTls;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes under way at the same time.
const HANDSHAKES_MAX: usize = 256;
/// Pause after a failed `accept`, so that it does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// An open port that hands out streams whose handshake is done.
pub(super) struct SecureListener {
    address: SocketAddr,
    shaken: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    accepting: tokio::task::JoinHandle<()>,
}

impl SecureListener {
    pub(super) fn new(socket: TcpListener, tls: ServerTls) -> io::Result<Self> {
        let address = socket.local_addr()?;
        let (ready, shaken) = mpsc::channel(HANDSHAKES_MAX);
        Ok(Self {
            address,
            shaken,
            accepting: tokio::spawn(accept(socket, Arc::new(tls), ready)),
        })
    }
}

impl Drop for SecureListener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl axum::serve::Listener for SecureListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.shaken.recv().await {
            Some(shaken) => shaken,
            // The accepting task ends with this value only.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(
    socket: TcpListener,
    tls: Arc<ServerTls>,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let room = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else {
            return;
        };
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };
        let (tls, ready) = (tls.current(), ready.clone());
        tokio::spawn(async move {
            let _permit = permit;
            match tokio::time::timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(tls).accept(stream)).await {
                // Nobody takes it any more when the process stops.
                Ok(Ok(stream)) => drop(ready.send((stream, peer)).await),
                Ok(Err(error)) => tracing::debug!(%peer, %error, "connection closed: no TLS"),
                Err(_) => tracing::debug!(%peer, "connection closed: no TLS in time"),
            }
        });
    }
}
