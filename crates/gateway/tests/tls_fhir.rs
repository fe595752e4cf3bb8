//! FHIR destinations over TLS: the server proves itself, the gateway too, and nothing is ever said in plain text.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use gateway::config::{TlsFiles, load};
use gateway::{Clock, Gateway, Ids, ServerTls, StartError};
use store::DeliveryState;
use support::authority::Authority;
use support::{Bed, admission, until};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A FHIR server of a few lines: what it was told, and how often someone came.
struct Server {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    came: Arc<Mutex<usize>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// One at this address that shows `name` of `shows`, and asks for a certificate of `trusts`; none for plain text.
    async fn start(address: &str, shows: Option<(&Authority, &str)>, trusts: &Authority) -> Self {
        let acceptor = shows.map(|(authority, name)| {
            let mut files = TlsFiles::default();
            files.certificate = Some(authority.path(&format!("{name}.pem")));
            files.key = Some(authority.path(&format!("{name}.key")));
            files.authority = Some(trusts.path("authority.pem"));
            tokio_rustls::TlsAcceptor::from(ServerTls::server(&files).unwrap().current())
        });
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (heard, came) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let (into, count) = (heard.clone(), came.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = socket.accept().await {
                let (acceptor, into, count) = (acceptor.clone(), into.clone(), count.clone());
                connections.spawn(async move {
                    match acceptor {
                        None => answer(stream, &into).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                answer(stream, &into).await;
                            }
                        }
                    }
                    *count.lock().unwrap() += 1;
                });
            }
        });
        Self {
            address,
            heard,
            came,
            task,
        }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until someone came and went again, and gives the port free.
    async fn visited(self) -> SocketAddr {
        until(|| async { *self.came.lock().unwrap() > 0 }, || "a visitor".into()).await;
        self.task.abort();
        assert!(self.task.await.is_err());
        self.address
    }
}

/// Takes one request after another and says 200 to each.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, heard: &Mutex<Vec<String>>) {
    let mut bytes = Vec::new();
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .to_ascii_lowercase()
            .split_once("content-length: ")
            .map_or(0, |(_, rest)| {
                rest.lines().next().unwrap().trim().parse::<usize>().unwrap()
            });
        if body.len() < length {
            continue;
        }
        heard.lock().unwrap().push(text);
        bytes.clear();
        let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: application/fhir+json\r\n\r\n{}";
        if stream.write_all(ok).await.is_err() {
            break;
        }
    }
    if !bytes.is_empty() {
        heard
            .lock()
            .unwrap()
            .push(String::from_utf8_lossy(&bytes).into_owned());
    }
}

fn config(base: &str, more: &str) -> String {
    support::config("127.0.0.1:1".parse().unwrap(), ["", "", more, ""])
        .replace("send = \"mllp://127.0.0.1:1\"", &format!("fhir = \"{base}\""))
}

/// Two authorities, of which the gateway believes the first.
fn authorities() -> (Authority, Authority) {
    let (own, foreign) = (Authority::new(), Authority::new());
    for authority in [&own, &foreign] {
        authority.sign("epr", false);
        authority.sign("old", true);
    }
    own.sign("gateway", false);
    (own, foreign)
}

#[tokio::test]
async fn bundles_go_only_to_a_server_that_proves_itself_and_never_in_plain_text() {
    let (own, foreign) = authorities();
    let first = Server::start("127.0.0.1:0", Some((&foreign, "epr")), &own).await;
    let base = format!("https://127.0.0.1:{}/fhir", first.address.port());
    let keys = format!("{}\ntoken-variable = \"WEST\"", own.keys("gateway"));
    let bed = Bed::start(&config(&base, &keys)).await;
    bed.send(&admission("M1", "7")).await;
    let mut address = first.visited().await.to_string();
    for (what, shows) in [("expired", Some((&own, "old"))), ("plain text", None)] {
        let server = Server::start(&address, shows, &own).await;
        let heard = server.heard.clone();
        address = server.visited().await.to_string();
        let heard = heard.lock().unwrap().clone();
        let told =
            |text: &String| text.contains("POST") || text.contains("Bearer") || text.contains("SYNTHETIC");
        assert!(!heard.iter().any(told), "{what}: {heard:?}");
        assert_eq!(bed.journal_queued().await, 1, "{what}: waits, and is not held");
    }
    let server = Server::start(&address, Some((&own, "epr")), &own).await;
    bed.until(DeliveryState::Delivered, 1).await;
    let heard = server.heard();
    assert_eq!(heard.len(), 1);
    let token = "authorization: Bearer what-WEST-holds\r\n";
    let trace = format!("traceparent: 00-{}-", bed.newest().await.summary.id.0.simple());
    assert!(
        heard[0].contains(token) && heard[0].contains(&trace) && heard[0].contains("SYNTHETIC"),
        "{}",
        heard[0]
    );
}

#[tokio::test]
async fn a_server_that_wants_another_certificate_gets_none_of_the_bundle_taken_and_loses_nothing() {
    let (own, foreign) = authorities();
    // The server believes the foreign authority only: it refuses the gateway's certificate.
    let strict = Server::start("127.0.0.1:0", Some((&own, "epr")), &foreign).await;
    let base = format!("https://127.0.0.1:{}/fhir", strict.address.port());
    let more = format!("{}\nattempts-max = 1000000", own.keys("gateway"));
    let bed = Bed::start(&config(&base, &more)).await;
    bed.send(&admission("M1", "7")).await;
    let heard = strict.heard.clone();
    let address = strict.visited().await.to_string();
    assert!(heard.lock().unwrap().is_empty());
    let kind = Server::start(&address, Some((&own, "epr")), &own).await;
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(kind.heard().len(), 1);
}

#[tokio::test]
async fn a_renewed_authority_is_believed_without_a_restart() {
    let (own, next) = authorities();
    next.sign("gateway", false);
    let server = Server::start("127.0.0.1:0", Some((&next, "epr")), &next).await;
    let base = format!("https://127.0.0.1:{}/fhir", server.address.port());
    let bed = Bed::start(&config(&base, &own.keys("gateway"))).await;
    bed.send(&admission("M1", "7")).await;
    until(|| async { *server.came.lock().unwrap() > 0 }, || "a visit".into()).await;
    assert_eq!(bed.journal_queued().await, 1);
    for file in ["authority.pem", "gateway.pem", "gateway.key"] {
        std::fs::copy(next.path(file), own.path(file)).unwrap();
    }
    bed.until(DeliveryState::Delivered, 1).await;
}

#[tokio::test]
async fn what_cannot_be_secured_is_said_at_start() {
    for (base, more, says) in [
        ("https://127.0.0.1:9/fhir", "", "the authority it believes"),
        (
            "http://127.0.0.1:9/fhir",
            "authority = \"a.pem\"",
            "no use without mllps:// or https://",
        ),
        (
            "http://127.0.0.1:9/fhir",
            "server-name = \"west\"",
            "no use without mllps:// or https://",
        ),
        (
            "https://127.0.0.1:9/fhir",
            "authority = \"a.pem\"\nserver-name = \"no name\"",
            "no name of a host",
        ),
        (
            "http://west.example/fhir",
            "token-variable = \"WEST\"",
            "in plain text",
        ),
        (
            "http://127.0.0.1:9/fhir",
            "token-variable = \"s3cr-t\"",
            "never the token itself",
        ),
        ("ftp://127.0.0.1:9/fhir", "", "not spoken here"),
    ] {
        let dialects = [&translate::dialect::STANDARD];
        let found = load(&config(base, more), "test", &dialects).expect_err(says);
        assert!(
            found.iter().any(|one| one.to_string().contains(says)),
            "{says}: {found:?}"
        );
        assert!(found.iter().all(|one| one.line > 1), "{found:?}");
    }
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(store::SqliteJournal::open(dir.path(), store::Settings::default()).unwrap());
    let unset = config("http://127.0.0.1:9/fhir", "token-variable = \"UNSET\"");
    let settings = support::settings(&unset);
    let refused = Gateway::start(settings, journal, Clock::system(), Ids::system()).await;
    let error = refused.expect_err("no token");
    assert!(matches!(error, StartError::Token { .. }), "{error}");
}
