//! System accounts of Millennium: a clock that moves, clients with a secret, tokens, and what is asked with them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use adapters::{Client, Proof, Secret};
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use jiff::Timestamp;
use rest::scope::Scope;

use super::{Answer, System, settings, vendor};

pub const TENANT: &str = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990";
pub const SECRET: &str = "a secret of the tests";
pub const NINE: &str = "2026-06-01T09:00:00Z";

/// A clock that the test moves on.
#[derive(Clone)]
pub struct Hand(Arc<AtomicI64>);

impl Hand {
    pub fn at(time: &str) -> Self {
        Self(Arc::new(AtomicI64::new(
            time.parse::<Timestamp>().unwrap().as_second(),
        )))
    }

    pub fn clock(&self) -> adapters::Clock {
        let hand = self.0.clone();
        Arc::new(move || Timestamp::from_second(hand.load(Ordering::SeqCst)).unwrap())
    }

    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

pub fn client(id: &str, scopes: &[&str], organisations: &[&str]) -> Client {
    let mut client = Client::new(id, Proof::Secret(Secret::new(SECRET)));
    client.scopes = scopes.iter().map(|text| Scope::parse(text).unwrap()).collect();
    client.organisations = organisations.iter().map(|code| (*code).to_owned()).collect();
    client
}

/// Every type that is served, to read, search and write.
pub const ALL: &[&str] = &[
    "system/Patient.cruds",
    "system/Encounter.cruds",
    "system/Observation.cruds",
    "system/AllergyIntolerance.cruds",
    "system/Condition.cruds",
    "system/DiagnosticReport.cruds",
    "system/DocumentReference.cruds",
    "system/Binary.cruds",
    "system/ServiceRequest.cruds",
    "system/Appointment.cruds",
];

pub async fn start(clients: Vec<Client>, hand: &Hand, assume: &[(&str, &str)]) -> System {
    let vendor = vendor("millennium");
    let mut settings = settings(vendor, "millennium");
    settings.clients = Some(clients);
    settings.clock = hand.clock();
    for (name, value) in assume {
        settings.choices.insert((*name).to_owned(), (*value).to_owned());
    }
    System::with(vendor, settings).await
}

pub fn path(rest: &str) -> String {
    format!("/millennium/r4/{TENANT}{rest}")
}

pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub async fn ask_token(system: &System, shown: Option<String>, form: &str) -> Answer {
    let path = format!("/millennium/tenants/{TENANT}/protocols/oauth2/profiles/smart-v1/token");
    let mut request = Request::post(path)
        .header("host", "epr.test")
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(shown) = shown {
        request = request.header("authorization", shown);
    }
    system
        .ask(request.body(Body::from(form.to_owned())).unwrap())
        .await
}

pub async fn token(system: &System, id: &str, scopes: &[&str]) -> String {
    let form = format!("grant_type=client_credentials&scope={}", scopes.join("+"));
    let answer = ask_token(system, Some(basic(id, SECRET)), &form).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

pub async fn get(system: &System, token: &str, rest: &str) -> Answer {
    let request = Request::get(path(rest))
        .header("host", "epr.test")
        .header("authorization", format!("Bearer {token}"));
    system.ask(request.body(Body::empty()).unwrap()).await
}
