//! The HTTP port itself: connections in bounded number and time, behind TLS where there is a certificate.
//!
//! A peer that is slow to shake hands, trickles its headers or stays silent between requests is given up after
//! a time and holds up nobody. What a request means is the router's.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use gateway::ServerTls;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

/// A handshake that takes longer is given up.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a failed `accept`, so that it does not spin.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Bounds of the port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at the same time; more wait to be accepted.
    pub(super) connections_max: usize,
    /// Time a client may take for the headers of a request, silence before them included.
    pub(super) header_timeout: Duration,
}

/// Serves until `stopping` says so, then lets the requests under way end.
pub(super) async fn serve(
    socket: TcpListener,
    tls: Option<ServerTls>,
    app: Router,
    bounds: Bounds,
    mut stopping: watch::Receiver<bool>,
) {
    let (room, tasks) = (
        Arc::new(Semaphore::new(bounds.connections_max)),
        TaskTracker::new(),
    );
    let tls = tls.map(Arc::new);
    loop {
        let accepted = tokio::select! {
            // The sender lives as long as the process serves; its end means the same as its word.
            _ = stopping.wait_for(|stop| *stop) => break,
            accepted = accept(&socket, &room) => accepted,
        };
        let Ok((stream, permit)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
            continue;
        };
        let (tls, app, stopping) = (tls.clone(), app.clone(), stopping.clone());
        tasks.spawn(async move {
            let _permit = permit;
            match tls {
                None => answer(stream, app, bounds, stopping).await,
                Some(tls) => {
                    let handshake = TlsAcceptor::from(tls.current()).accept(stream);
                    match tokio::time::timeout(HANDSHAKE_TIMEOUT, handshake).await {
                        Ok(Ok(stream)) => answer(stream, app, bounds, stopping).await,
                        Ok(Err(error)) => tracing::debug!(%error, "connection closed: no TLS"),
                        Err(_) => tracing::debug!("connection closed: no TLS in time"),
                    }
                }
            }
        });
    }
    tasks.close();
    tasks.wait().await;
}

async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = socket.accept().await.inspect_err(|error| {
        tracing::warn!(%error, "accept failed");
    })?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

/// One connection, request after request.
async fn answer<S>(stream: S, app: Router, bounds: Bounds, mut stopping: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header_timeout)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut serving = std::pin::pin!(serving);
    let mut told = false;
    loop {
        tokio::select! {
            served = serving.as_mut() => {
                if let Err(error) = served {
                    tracing::debug!(%error, "HTTP connection ended");
                }
                return;
            }
            _ = stopping.wait_for(|stop| *stop), if !told => {
                told = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}
