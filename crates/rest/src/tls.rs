//! TLS for the client: one connector, plain or secured for good, that asks for its certificates at each connection.
//!
//! The caller keeps certificates fresh; here they are only asked for. A secured client never falls back to plain
//! text: its base must be `https`, and so must everything it connects to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_rustls::{FixedServerNameResolver, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tower::Service;

/// Gives what the next connection believes and shows.
pub type CurrentTls = Arc<dyn Fn() -> Arc<ClientConfig> + Send + Sync>;

/// How a server proves who it is, and this client too where it is asked.
#[derive(Clone)]
pub struct Secured {
    /// Asked for each connection, so that renewed certificates need no restart.
    pub tls: CurrentTls,
    /// The name the server's certificate must bear; that of its host when none is given.
    pub server_name: Option<ServerName<'static>>,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

/// Opens connections, in plain text or by TLS as the client was made.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    plain: HttpConnector,
    secured: Option<Secured>,
}

impl Connector {
    pub(crate) fn new(mut plain: HttpConnector, secured: Option<Secured>) -> Self {
        plain.enforce_http(secured.is_none());
        Self { plain, secured }
    }
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Failure = Box<dyn std::error::Error + Send + Sync>;

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Failure>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.plain.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Some(secured) = &self.secured else {
            let opening = self.plain.call(uri);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(opening.await?)) });
        };
        let builder = HttpsConnectorBuilder::new()
            .with_tls_config((*(secured.tls)()).clone())
            .https_only();
        let builder = match &secured.server_name {
            Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name.clone())),
            None => builder,
        };
        Box::pin(
            builder
                .enable_http1()
                .wrap_connector(self.plain.clone())
                .call(uri),
        )
    }
}
