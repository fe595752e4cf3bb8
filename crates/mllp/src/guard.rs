//! Who may come in, and how privately: addresses allowed, TLS on both sides of a connection.
//!
//! Holds no key and reads no file: whoever starts a listener or sender hands in `rustls` configurations, fresh
//! for each connection, so that a renewed certificate needs no restart.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Gives the configuration for the next connection.
pub type ServerConfigs = Arc<dyn Fn() -> Arc<rustls::ServerConfig> + Send + Sync>;

/// What a listener asks of a peer before it reads a frame.
#[derive(Clone, Default)]
pub struct Guard {
    /// TLS, with whatever proof the configuration asks of the peer; none for plain TCP.
    pub tls: Option<ServerConfigs>,
    /// Which addresses may connect; none for all.
    pub admits: Option<Arc<dyn Fn(IpAddr) -> bool + Send + Sync>>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("tls", &self.tls.is_some())
            .field("admits", &self.admits.is_some())
            .finish()
    }
}

/// How a sender makes sure of its receiver.
#[derive(Clone, Debug)]
pub struct Assurance {
    /// Which authorities it believes, and its own certificate if it shows one.
    pub tls: Arc<rustls::ClientConfig>,
    /// The name the receiver's certificate must bear.
    pub name: ServerName<'static>,
}

/// A sender's stream, plain or not.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The socket underneath.
    pub(crate) fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Secure(stream) => stream.get_ref().0,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Self::Secure(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Secure(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secure(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secure(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
