//! What the contract tests share: an EPR on a free port, a sender, a receiver that keeps what it gets, an HTTP client.
// Each test binary uses a part of this, and none is a library.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod unread;

pub mod clients;

use std::path::Path;
use std::sync::{Arc, Mutex};

use adapters::{ActReport, Action, Epr, EprSettings, Vendor};
use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{Ack, AckCode, acknowledge};
use http_body_util::BodyExt;
use jiff::Timestamp;
use mllp::{Frame, Limits, Listener, Peer, Sender, SenderLimits};
use tower::ServiceExt;

/// A clock that stands still at a moment of British summer time.
pub fn clock() -> adapters::Clock {
    let now: Timestamp = "2026-06-01T09:00:00Z".parse().unwrap();
    Arc::new(move || now)
}

pub fn vendor(name: &str) -> &'static Vendor {
    adapters::vendor(name).unwrap()
}

pub fn settings(vendor: &'static Vendor, profile: &str) -> EprSettings {
    EprSettings::new(vendor.name, vendor.profile(profile).unwrap(), clock())
}

pub struct System {
    pub epr: Epr,
    sender: Sender,
    face: Option<axum::Router>,
}

impl System {
    pub async fn start(name: &str) -> Self {
        let vendor = vendor(name);
        Self::with(vendor, settings(vendor, vendor.default_profile().name)).await
    }

    pub async fn with(vendor: &'static Vendor, settings: EprSettings) -> Self {
        let epr = Epr::start(vendor, settings).await.unwrap();
        let sender = Sender::connect(epr.mllp_address(), SenderLimits::default())
            .await
            .unwrap();
        let face = epr.router();
        Self { epr, sender, face }
    }

    /// Sends segments and returns the answer as text.
    pub async fn send(&mut self, segments: &[&str]) -> String {
        self.send_bytes(message(segments).as_bytes()).await
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) -> String {
        String::from_utf8(self.sender.send(bytes).await.unwrap().to_vec()).unwrap()
    }

    /// Sends segments that must be taken.
    pub async fn told(&mut self, segments: &[&str]) {
        let answer = self.send(segments).await;
        assert_eq!(code(&answer), "AA", "{answer}");
    }

    pub async fn act(&self, json: serde_json::Value) -> ActReport {
        match self.epr.act(action(json)).await {
            Ok(report) => report,
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_as(path, Some("application/fhir+json")).await
    }

    pub async fn get_as(&self, path: &str, accept: Option<&str>) -> Answer {
        let mut request = http::Request::get(path).header("host", "epr.test");
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        self.ask(request.body(axum::body::Body::empty()).unwrap()).await
    }

    pub async fn ask(&self, request: http::Request<axum::body::Body>) -> Answer {
        let response = self.face.clone().unwrap().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {error}: {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The resources of a Bundle.
    pub fn resources(&self) -> Vec<serde_json::Value> {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .map(|entry| entry["resource"].clone())
            .collect()
    }

    pub fn link(&self, relation: &str) -> Option<String> {
        let bundle = self.json();
        let link = bundle["link"]
            .as_array()?
            .iter()
            .find(|link| link["relation"] == relation)?;
        Some(link["url"].as_str()?.to_owned())
    }
}

pub fn action(json: serde_json::Value) -> Action {
    serde_json::from_value(json).unwrap()
}

pub fn message(segments: &[&str]) -> String {
    segments.iter().map(|segment| format!("{segment}\r")).collect()
}

/// MSA-1 of an answer, whatever its delimiters.
pub fn code(answer: &str) -> String {
    let message = Message::parse(answer.as_bytes()).unwrap();
    message.field("MSA", 1).text().into_owned()
}

/// One field of the first segment of that name, as it stands.
pub fn field(message: &str, segment: &str, n: usize) -> String {
    let line = message
        .split('\r')
        .find(|line| line.starts_with(segment))
        .unwrap_or_default();
    let n = if segment == "MSH" { n - 1 } else { n };
    line.split('|').nth(n).unwrap_or_default().to_owned()
}

/// A receiver that says AA and keeps every message.
pub struct Receiver {
    listener: Listener,
    pub got: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::answering(|_| AckCode::AA).await
    }

    /// A receiver that answers the n-th message as told.
    pub async fn answering(answer: impl Fn(usize) -> AckCode + Send + Sync + 'static) -> Self {
        let got = Arc::new(Mutex::new(Vec::new()));
        let keep = Keep {
            got: got.clone(),
            answer: Box::new(answer),
        };
        let listener = Listener::bind("127.0.0.1:0", Limits::default(), keep)
            .await
            .unwrap();
        Self { listener, got }
    }

    pub fn address(&self) -> String {
        self.listener.address().to_string()
    }

    pub fn messages(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

struct Keep {
    got: Arc<Mutex<Vec<String>>>,
    answer: Box<dyn Fn(usize) -> AckCode + Send + Sync>,
}

impl mllp::Service for Keep {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let place = {
            let mut got = self.got.lock().unwrap();
            got.push(String::from_utf8_lossy(&frame).into_owned());
            got.len()
        };
        let message = Message::parse(&frame).unwrap();
        Some(acknowledge(Some(&message), &Ack::of((self.answer)(place)), "R1", "20260601").into())
    }
}

/// A file of the repository's fixtures.
pub fn fixture(path: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/messages");
    std::fs::read(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every fixture message of a vendor, in order of name; not the ways back that stand beside them.
pub fn fixtures(vendor: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/messages")
        .join(vendor);
    let mut all = Vec::new();
    for event in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(event.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".hl7") && !name.ends_with(".back.hl7") {
                all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
            }
        }
    }
    all.sort();
    assert!(!all.is_empty());
    all
}
