//! Strangers stay outside: certificates on both sides of MLLP, addresses allowed, renewal without a restart.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod support;

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use gateway::config::{TlsFiles, load};
use gateway::{Clock, Gateway, Ids, ServerTls, StartError};
use hl7v2::Message;
use hl7v2::ack::{self, Ack, AckCode};
use mllp::{Assurance, Frame, Guard, Limits, Listener, Peer, Sender, SenderLimits};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use store::DeliveryState;
use support::authority::Authority;
use support::{Answer, Bed, Receiver, admission, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A sender that believes `trusts`, and shows the certificate `shows` of an authority.
fn assurance(
    trusts: &Authority,
    shows: Option<(&Authority, &str)>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Assurance {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusts.path("authority.pem")).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let config = match shows {
        None => builder.with_no_client_auth(),
        Some((authority, name)) => {
            let certificate = CertificateDer::from_pem_file(authority.path(&format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(authority.path(&format!("{name}.key"))).unwrap();
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
    };
    Assurance {
        tls: Arc::new(config),
        name: "127.0.0.1".try_into().unwrap(),
    }
}

fn config(receiver: &str, listener: &str, endpoint: &str) -> String {
    support::config("127.0.0.1:1".parse().unwrap(), ["", listener, endpoint, ""])
        .replace("mllp://127.0.0.1:1", receiver)
        .replace("listen = \"mllp://", "listen = \"mllps://")
}

async fn ask(bed: &Bed, assurance: Assurance, message: &str) -> Result<AckCode, String> {
    let address = bed.running().address("in").unwrap();
    let mut sender = Sender::connect_assured(address, SenderLimits::default(), assurance)
        .await
        .map_err(|error| error.to_string())?;
    let answer = sender
        .send(message.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer(answer).code())
}

const BOTH: &[&rustls::SupportedProtocolVersion] = rustls::ALL_VERSIONS;

#[tokio::test]
async fn only_those_who_show_a_certificate_of_the_authority_come_in() {
    let (own, foreign) = (Authority::new(), Authority::new());
    own.sign("gateway", false);
    own.sign("pas", false);
    own.sign("old", true);
    foreign.sign("pas", false);
    let mut receiver = Receiver::willing().await;
    let bed = Bed::start(&config(
        &format!("mllp://{}", receiver.address),
        &own.keys("gateway"),
        "",
    ))
    .await;
    for (what, shows) in [
        ("none", None),
        ("foreign", Some((&foreign, "pas"))),
        ("expired", Some((&own, "old"))),
    ] {
        let refused = ask(&bed, assurance(&own, shows, BOTH), &admission("X1", "7")).await;
        assert!(refused.is_err(), "{what}: {refused:?}");
    }
    let misled = ask(
        &bed,
        assurance(&foreign, Some((&own, "pas")), BOTH),
        &admission("X2", "7"),
    )
    .await;
    assert!(misled.is_err(), "a sender does not talk to a stranger either");
    for (number, version) in [&rustls::version::TLS12, &rustls::version::TLS13]
        .into_iter()
        .enumerate()
    {
        let good = assurance(&own, Some((&own, "pas")), &[version]);
        let code = ask(&bed, good, &admission(&format!("M{number}"), "7")).await;
        assert_eq!(code, Ok(AckCode::AA), "{version:?}");
    }
    receiver.until(2).await;
    assert_eq!(receiver.taken(), ["M0", "M1"]);
}

#[tokio::test]
async fn plain_text_at_a_tls_port_is_closed_and_a_good_message_follows() {
    let own = Authority::new();
    own.sign("gateway", false);
    own.sign("pas", false);
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(
        &format!("mllp://{}", receiver.address),
        &own.keys("gateway"),
        "",
    ))
    .await;
    let mut stream = TcpStream::connect(bed.running().address("in").unwrap())
        .await
        .unwrap();
    stream.write_all(b"\x0bMSH|^~\\&|PAS\x1c\r").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(5), stream.read_to_end(&mut rest));
    // An alert, a reset or the end: whatever it is, no acknowledgement.
    drop(closed.await.expect("closed in time"));
    assert!(!rest.windows(3).any(|window| window == b"MSA"));
    let good = assurance(&own, Some((&own, "pas")), BOTH);
    assert_eq!(ask(&bed, good, &admission("M1", "7")).await, Ok(AckCode::AA));
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_closed_without_a_word() {
    let receiver = Receiver::willing().await;
    let closed = support::config(receiver.address, ["", "allow = [\"192.0.2.0/24\"]", "", ""]);
    let bed = Bed::start(&closed).await;
    let mut stream = TcpStream::connect(bed.running().address("in").unwrap())
        .await
        .unwrap();
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
    assert_eq!(rest, b"");
    let open = support::config(
        receiver.address,
        ["", "allow = [\"127.0.0.0/8\", \"::1\"]", "", ""],
    );
    let bed = Bed::start(&open).await;
    assert_eq!(bed.send(&admission("M1", "7")).await.code(), AckCode::AA);
}

/// Takes everything.
struct Takes;

impl mllp::Service for Takes {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let message = Message::parse(&frame).unwrap();
        Some(ack::acknowledge(Some(&message), &Ack::of(AckCode::AA), "R1", "20260302103412").into())
    }
}

#[tokio::test]
async fn delivery_goes_only_to_a_receiver_that_proves_itself() {
    let (own, foreign) = (Authority::new(), Authority::new());
    for authority in [&own, &foreign] {
        authority.sign("epr", false);
    }
    own.sign("gateway", false);
    own.sign("pas", false);
    let receiver = |authority: &Authority| {
        let mut files = TlsFiles::default();
        files.certificate = Some(authority.path("epr.pem"));
        files.key = Some(authority.path("epr.key"));
        files.authority = Some(own.path("authority.pem"));
        let tls = ServerTls::server(&files).unwrap();
        Guard {
            tls: Some(Arc::new(move || tls.current())),
            ..Guard::default()
        }
    };
    let impostor = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = impostor.local_addr().unwrap();
    let impostor = Listener::start_guarded(impostor, Limits::default(), receiver(&foreign), Takes).unwrap();
    let keys = own.keys("gateway");
    let bed = Bed::start(&config(&format!("mllps://{address}"), &keys, &keys)).await;
    let good = assurance(&own, Some((&own, "pas")), BOTH);
    assert_eq!(ask(&bed, good, &admission("M1", "7")).await, Ok(AckCode::AA));
    until(
        || async { impostor.counts().connections_refused >= 2 },
        || "tried twice".into(),
    )
    .await;
    assert_eq!(impostor.counts().frames, 0, "nothing was told to a stranger");
    impostor.shutdown().await;
    let socket = tokio::net::TcpListener::bind(address).await.unwrap();
    let true_one = Listener::start_guarded(socket, Limits::default(), receiver(&own), Takes).unwrap();
    bed.until(DeliveryState::Delivered, 1).await;
    assert_eq!(true_one.counts().frames, 1);
}

#[tokio::test]
async fn a_renewed_certificate_needs_no_restart_and_a_broken_one_does_no_harm() {
    let (own, next) = (Authority::new(), Authority::new());
    own.sign("gateway", false);
    own.sign("pas", false);
    next.sign("gateway", false);
    let receiver = Receiver::willing().await;
    let bed = Bed::start(&config(
        &format!("mllp://{}", receiver.address),
        &own.keys("gateway"),
        "",
    ))
    .await;
    let old = || assurance(&own, Some((&own, "pas")), BOTH);
    std::fs::write(own.path("gateway.key"), "no key at all").unwrap();
    for number in 0..3 {
        assert_eq!(
            ask(&bed, old(), &admission(&format!("M{number}"), "7")).await,
            Ok(AckCode::AA)
        );
    }
    for file in ["gateway.pem", "gateway.key"] {
        std::fs::copy(next.path(file), own.path(file)).unwrap();
    }
    let new = || assurance(&next, Some((&own, "pas")), BOTH);
    let renewed = || async { ask(&bed, new(), &admission("M9", "7")).await == Ok(AckCode::AA) };
    until(renewed, || "the renewed certificate".into()).await;
    assert!(
        ask(&bed, old(), &admission("M10", "7")).await.is_err(),
        "the old one is not shown any more"
    );
}

fn problems(config: &str) -> String {
    let dialects = [&translate::dialect::STANDARD, &translate::dialect::ITK];
    let found = load(config, "test", &dialects).unwrap_err();
    found
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn what_cannot_work_is_said_before_a_port_opens() {
    for (listener, endpoint, receiver, says) in [
        ("", "", "mllp://127.0.0.1:9", "needs certificate and key"),
        (
            "certificate = \"a.pem\"",
            "",
            "mllp://127.0.0.1:9",
            "both certificate and key",
        ),
        (
            "certificate = \"a.pem\"\nkey = \"a.key\"",
            "",
            "mllps://127.0.0.1:9",
            "the authority it believes",
        ),
        (
            "certificate = \"a.pem\"\nkey = \"a.key\"",
            "key = \"b.key\"",
            "mllp://127.0.0.1:9",
            "no use without mllps",
        ),
        (
            "certificate = \"a.pem\"\nkey = \"a.key\"\nallow = [\"ten\"]",
            "",
            "mllp://127.0.0.1:9",
            "no address or network",
        ),
        (
            "certificate = \"a.pem\"\nkey = \"a.key\"",
            "allow = [\"127.0.0.1\"]",
            "mllp://127.0.0.1:9",
            "for listeners",
        ),
    ] {
        let found = problems(&config(receiver, listener, endpoint));
        assert!(found.contains(says), "{found}");
    }
    let missing = config(
        "mllp://127.0.0.1:9",
        "certificate = \"/nowhere/a.pem\"\nkey = \"/nowhere/a.key\"",
        "",
    );
    let dir = tempfile::tempdir().unwrap();
    let journal = Arc::new(store::SqliteJournal::open(dir.path(), store::Settings::default()).unwrap());
    let settings = support::settings(&missing);
    let refused = Gateway::start(settings, journal, Clock::system(), Ids::system()).await;
    let error = refused.expect_err("no certificate");
    assert!(matches!(error, StartError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("/nowhere/a.key"), "{error}");
    // With TLS a listener may leave this machine without a further word.
    let open = config(
        "mllp://127.0.0.1:9",
        "certificate = \"a.pem\"\nkey = \"a.key\"",
        "",
    );
    assert!(Path::new("a.pem").is_relative());
    support::settings(&open.replace("mllps://127.0.0.1:0", "mllps://0.0.0.0:0"));
}
