//! The client, against a clinic and against servers that misbehave.

use std::net::SocketAddr;
use std::time::Duration;

use fhir::{Bundle, CapabilityStatement, Encounter, Patient, Resource};
use rest::{Client, ClientError, ClientLimits, Fate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::clinic::{Manners, open};

fn client(address: SocketAddr, path: &str) -> Client {
    let limits = ClientLimits {
        request_timeout_ms: 5_000,
        response_bytes_max: 100_000,
        ..ClientLimits::default()
    };
    Client::new(&format!("http://{address}{path}/"), limits).unwrap()
}

/// A server that answers every connection with the same bytes, then closes.
async fn parrot(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(answer).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn everything_a_sender_does() {
    let client = client(open(Manners::Plain, "/fhir/r4").await, "/fhir/r4");
    let statement: CapabilityStatement = client.capabilities().await.unwrap();
    assert_eq!(statement.fhir_version.as_deref(), Some("4.0.1"));
    assert_eq!(Resource::from(statement).check(), []);

    let patient: Patient =
        fhir::from_slice(br#"{"resourceType":"Patient","name":[{"family":"A&B=C"}]}"#).unwrap();
    let created = client.create(&patient.into()).await.unwrap();
    assert_eq!(
        (created.location(), created.version()),
        (Some(("Patient", "p1")), Some("1"))
    );
    let read: Patient = client.read("p1").await.unwrap();
    assert_eq!(read.name[0].family.as_deref(), Some("A&B=C"));

    let found = client.search("Patient", &[("family", "a&b=c")]).await.unwrap();
    assert_eq!(found.all::<Patient>().count(), 1);
    let again = client.follow(found.link_url("self").unwrap()).await.unwrap();
    assert_eq!(again, found);
    assert!(matches!(
        client.follow("http://elsewhere.example/").await,
        Err(ClientError::Request)
    ));

    let answer = client.transaction(&Bundle::of_type("transaction")).await.unwrap();
    assert_eq!(answer.type_.as_deref(), Some("transaction-response"));
}

#[tokio::test]
async fn a_refusal_brings_its_outcome() {
    let client = client(open(Manners::Plain, "").await, "");
    let error = client.read::<Patient>("nobody").await.unwrap_err();
    assert_eq!((error.fate(), error.retry_may_help()), (Fate::Refused, false));
    let ClientError::Refused {
        status,
        outcome: Some(outcome),
        ..
    } = error
    else {
        panic!("{error}")
    };
    assert_eq!(
        (status.as_u16(), outcome.issue[0].code.as_deref()),
        (404, Some("not-found"))
    );
    let error = client.read::<Encounter>("p1").await.unwrap_err();
    assert_eq!(error.fate(), Fate::Refused);
}

#[tokio::test]
async fn being_refused_for_now_is_worth_a_retry() {
    let busy =
        parrot(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .await;
    let error = client(busy, "").read::<Patient>("1").await.unwrap_err();
    assert_eq!(
        (error.fate(), error.retry_after()),
        (Fate::RefusedForNow, Some(Duration::from_secs(7)))
    );
}

#[tokio::test]
async fn what_never_arrived_and_what_may_have_are_kept_apart() {
    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let error = client(closed, "").read::<Patient>("1").await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent, "{error}");

    let broken = parrot(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{").await;
    let error = client(broken, "").post("{}").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Broken) && error.fate() == Fate::Unknown,
        "{error}"
    );

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let limits = ClientLimits {
        request_timeout_ms: 50,
        ..ClientLimits::default()
    };
    let client = Client::new(&format!("http://{}", silent.local_addr().unwrap()), limits).unwrap();
    let error = client.post("{}").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Timeout { after_ms: 50 }) && error.retry_may_help(),
        "{error}"
    );
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_not_asked_for_again() {
    let long = parrot(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n").await;
    let error = client(long, "").read::<Patient>("1").await.unwrap_err();
    assert!(
        matches!(
            error,
            ClientError::TooLong { limit: 100_000 } | ClientError::Broken
        ),
        "{error}"
    );

    let html = parrot(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>").await;
    let error = client(html, "").read::<Patient>("1").await.unwrap_err();
    assert!(
        matches!(error, ClientError::Answer(_)) && error.fate() == Fate::Refused,
        "{error}"
    );

    let other = parrot(
        b"HTTP/1.1 200 OK\r\nContent-Length: 25\r\nConnection: close\r\n\r\n{\"resourceType\":\"Basic\" }",
    )
    .await;
    let error = client(other, "").read::<Patient>("1").await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is a Basic, expected a Patient");
}

#[test]
fn a_base_is_checked_before_anything_is_sent() {
    for base in [
        "",
        "127.0.0.1",
        "https://x/",
        "ftp://x/",
        "http://",
        "http://x/?a=1",
        "http://a b/",
    ] {
        assert!(
            matches!(Client::new(base, ClientLimits::default()), Err(ClientError::Base)),
            "{base}"
        );
    }
    assert_eq!(
        Client::new("http://x:1/r4/", ClientLimits::default())
            .unwrap()
            .base(),
        "http://x:1/r4"
    );
}
