//! A small FHIR server to test against, and a bare HTTP exchange that shows every byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use fhir::{Patient, Resource};
use http::{HeaderMap, Method};
use rest::outcome::outcome;
use rest::search::matches_text;
use rest::{Format, Interaction, Reply, Request, RouterLimits, SearchSet, Service, Wanted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the clinic behaves.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Manners {
    /// As FHIR says.
    #[default]
    Plain,
    /// XML unless asked otherwise, an HTML page for unknown paths.
    Xml,
    /// 406 without a body, tunnelled methods, its own header.
    Terse,
    /// Nobody comes in without a token.
    Locked,
}

/// Patients in memory.
#[derive(Default)]
pub(crate) struct Clinic {
    manners: Manners,
    patients: Mutex<BTreeMap<String, Patient>>,
}

impl Clinic {
    pub(crate) fn new(manners: Manners) -> Arc<Self> {
        Arc::new(Self {
            manners,
            ..Self::default()
        })
    }

    fn create(&self, request: &Request) -> Reply {
        let resource = match request.resource() {
            Ok(resource) => resource,
            Err(refusal) => return refusal.into(),
        };
        let issues = resource.check();
        if !issues.is_empty() {
            return Reply::outcome(422, rest::outcome::of_check(&issues));
        }
        let Resource::Patient(mut patient) = resource else {
            return Reply::not_supported("this type");
        };
        let mut patients = self.patients.lock().unwrap();
        let id = format!("p{}", patients.len() + 1);
        patient.id = Some(id.as_str().into());
        patients.insert(id.clone(), (*patient).clone());
        Reply::resource(201, *patient)
            .location(&format!("{}/Patient/{id}/_history/1", request.base))
            .etag("1")
    }

    fn search(&self, request: &Request) -> Reply {
        let patients = self.patients.lock().unwrap();
        let parameters = request.parameters();
        let found = |patient: &&Patient| {
            parameters
                .iter()
                .filter(|parameter| parameter.name == "family")
                .all(|parameter| {
                    patient
                        .name
                        .iter()
                        .filter_map(|name| name.family.as_deref())
                        .any(|family| {
                            parameter
                                .values
                                .iter()
                                .any(|value| matches_text(value, parameter.modifier.as_deref(), family))
                        })
                })
        };
        let url = rest::searchset::search_url(&request.base, "Patient", request.interaction.parameters());
        let mut set = SearchSet::new(&url);
        let mut total = 0;
        for patient in patients.values().filter(found) {
            set = set.found(&request.base, patient.clone());
            total += 1;
        }
        Reply::resource(200, set.total(total).finish())
    }
}

impl Service for Clinic {
    async fn respond(&self, request: Request) -> Reply {
        match &request.interaction {
            Interaction::Capabilities => {
                let server = rest::capability::Server {
                    title: "Clinic",
                    date: "2026-01-01",
                    base: &request.base,
                    formats: &["json"],
                    served: &[rest::capability::Served {
                        resource_type: "Patient",
                        interactions: &["read", "search-type"],
                        ..Default::default()
                    }],
                    ..Default::default()
                };
                Reply::resource(200, rest::capability::statement(&server))
            }
            Interaction::Read { resource_type, id } if resource_type == "Patient" => {
                match self.patients.lock().unwrap().get(id) {
                    Some(patient) => Reply::resource(200, patient.clone()).etag("1"),
                    None => Reply::not_found(resource_type),
                }
            }
            Interaction::Search { resource_type, .. } if resource_type == "Patient" => self.search(&request),
            Interaction::Create { .. } => self.create(&request),
            Interaction::Delete { .. } => Reply::empty(204),
            Interaction::Transaction { .. } => match request.resource() {
                Ok(Resource::Bundle(_)) => {
                    Reply::resource(200, fhir::Bundle::of_type("transaction-response"))
                }
                Ok(_) => Reply::outcome(400, outcome("error", "invalid", "a Bundle is wanted here")),
                Err(refusal) => refusal.into(),
            },
            // Says back what the router understood.
            other => Reply::raw(
                200,
                "text/plain",
                format!("{} {:?} {}", request.base, request.base_parameters, other.code()),
            ),
        }
    }

    fn turn_away(&self, _: &Method, _: &str, headers: &HeaderMap) -> Option<Reply> {
        (self.manners == Manners::Locked && !headers.contains_key("authorization"))
            .then(|| Reply::outcome(401, outcome("error", "login", "a token is wanted")))
    }

    fn negotiate(&self, wanted: Wanted) -> Result<Format, Box<Reply>> {
        match (self.manners, wanted) {
            (_, Wanted::Format(Format::Json)) => Ok(Format::Json),
            (Manners::Xml, _) => Ok(Format::Xml),
            (Manners::Terse, Wanted::Format(Format::Xml) | Wanted::Unknown) => {
                Err(Box::new(Reply::empty(406)))
            }
            (_, Wanted::Anything) => Ok(Format::Json),
            _ => Err(Box::new(Reply::outcome(
                406,
                outcome("error", "not-supported", "JSON only"),
            ))),
        }
    }

    fn unknown_path(&self, _: &Method, _: &str) -> Reply {
        match self.manners {
            Manners::Xml => Reply::raw(404, "text/html", "<html><body>404</body></html>"),
            _ => Reply::outcome(404, outcome("error", "not-found", "no such path")),
        }
    }

    fn tunnels_methods(&self) -> bool {
        self.manners == Manners::Terse
    }

    fn finish(&self, request_id: &str, reply: &mut Reply) {
        if self.manners == Manners::Terse {
            reply
                .headers
                .insert("opc-request-id", request_id.parse().unwrap());
        }
    }
}

/// Serves a clinic on a free port.
pub(crate) async fn open(manners: Manners, base_path: &str) -> SocketAddr {
    open_within(manners, base_path, RouterLimits::default()).await
}

pub(crate) async fn open_within(manners: Manners, base_path: &str, limits: RouterLimits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = rest::router_with(Clinic::new(manners), base_path, limits);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// An answer as it came over the wire.
pub(crate) struct Wire {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Wire {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The code of the first issue of an OperationOutcome.
    pub(crate) fn issue(&self) -> String {
        let outcome: fhir::OperationOutcome = fhir::from_slice(self.body.as_bytes()).unwrap();
        outcome.issue[0].code.as_deref().unwrap().to_owned()
    }
}

/// Sends `request` (its lines joined by `\n`) and reads until the server closes.
pub(crate) async fn exchange(address: SocketAddr, request: &str, body: &[u8]) -> Wire {
    let mut lines: Vec<&str> = request.lines().collect();
    lines.extend(["Host: clinic.example:80", "Connection: close"]);
    let length = format!("Content-Length: {}", body.len());
    if !body.is_empty() && !request.contains("Content-Length") && !request.contains("chunked") {
        lines.push(&length);
    }
    let mut bytes = lines.join("\r\n").into_bytes();
    bytes.extend_from_slice(b"\r\n\r\n");
    bytes.extend_from_slice(body);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Wire {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}
