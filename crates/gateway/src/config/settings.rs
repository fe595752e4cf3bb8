//! The configuration once checked: names resolved to positions, addresses parsed, patterns compiled.
//!
//! After [`load`](super::load) nothing in here can be wrong, so the rest of the gateway indexes freely.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hl7v2::nhs::Ranges;
use jiff::tz::TimeZone;
use translate::dialect::Dialect;

use super::file::{AckMode, Acknowledge, OnHeld, Translate, Unrouted};
use super::network::Network;
use crate::phi::Phi;
use crate::route::EventPattern;

/// Everything the gateway needs to start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Named bounds.
    pub limits: Limits,
    /// Address of the HTTP port, bound by whoever serves whatever the gateway serves.
    pub http: SocketAddr,
    /// Path under which the gateway takes FHIR.
    pub fhir_path: String,
    /// The origin tag written into what is translated, and recognised when it comes back.
    pub origin: Option<String>,
    /// ACK for a message without a route.
    pub unrouted: Unrouted,
    /// Zone of times that carry no offset.
    pub zone: TimeZone,
    /// NHS numbers that may pass.
    pub nhs_ranges: Ranges,
    /// The HTTP port's certificates, for whoever binds it; none for plain HTTP.
    pub http_tls: Option<TlsFiles>,
    /// Whether non-loopback listeners were allowed on purpose.
    pub allow_non_loopback: bool,
    /// Senders, in the order they are tried.
    pub sources: Vec<Source>,
    /// Listeners and destinations.
    pub endpoints: Vec<Endpoint>,
    /// The routing table, in order.
    pub interfaces: Vec<Interface>,
    /// Mock EPRs, for whoever starts them.
    pub systems: Vec<System>,
    /// What start-up should say aloud, such as widened NHS number ranges.
    pub notices: Vec<String>,
}

impl Settings {
    /// The endpoint of that name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// Takes the tokens that endpoints show from where their variables lead: `read` gives a variable's value. Whoever
    /// starts the gateway reads the environment, the gateway does not.
    pub fn read_tokens(&mut self, read: impl Fn(&str) -> Option<String>) {
        for endpoint in &mut self.endpoints {
            let found = endpoint.token_variable.as_deref().and_then(&read);
            let found = found.map(|token| token.trim().to_owned());
            endpoint.token = found.filter(|token| !token.is_empty()).map(Phi::new);
        }
    }

    /// The endpoint of that name, to change its address before start (port 0 resolved, a flag given).
    pub fn endpoint_mut(&mut self, name: &str) -> Option<&mut Endpoint> {
        self.endpoints.iter_mut().find(|endpoint| endpoint.name == name)
    }
}

/// Bounds of the gateway; the keys of `[gateway]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections to the HTTP port.
    pub http_connections_max: usize,
    /// Time an HTTP client may take for the headers of a request.
    pub http_header_timeout: Duration,
    /// Largest frame taken, in bytes.
    pub frame_bytes_max: usize,
    /// Connections per listener.
    pub connections_max: usize,
    /// Connections per listener from one IP address.
    pub connections_per_peer_max: usize,
    /// Bytes of frames per listener in flight.
    pub in_flight_bytes_max: usize,
    /// Silence after which a connection is closed.
    pub idle_timeout: Duration,
    /// Time a begun frame may take.
    pub partial_frame_timeout: Duration,
    /// Frames of one connection waiting for their ACK.
    pub window: usize,
    /// How far back a repeated message is recognised; 0 for never.
    pub duplicate_window_ms: u64,
    /// Deliveries kept in memory per endpoint.
    pub queue_deliveries_max: usize,
    /// Message bytes kept in memory per endpoint.
    pub queue_bytes_max: usize,
    /// Deliveries read from the journal at a time.
    pub page_deliveries: usize,
    /// Time given to messages in flight at the end.
    pub drain_timeout: Duration,
}

/// A sender, known by MSH-3 and MSH-4.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Source {
    /// Its name in the configuration.
    pub name: String,
    /// The system behind it.
    pub system: String,
    /// MSH-3 values; empty takes any.
    pub sending_application: Vec<String>,
    /// MSH-4 values; empty takes any.
    pub sending_facility: Vec<String>,
    /// How it bends the standard.
    pub dialect: &'static Dialect,
    /// Which ACK it gets.
    pub ack_mode: AckMode,
    /// The interface that carries its application acknowledgements: position in [`Settings::interfaces`].
    pub acknowledgements: Option<usize>,
}

/// An address that listens or sends.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// Its name in the configuration.
    pub name: String,
    /// The system behind it.
    pub system: String,
    /// What it does, and where.
    pub face: Face,
    /// Its certificates, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// The name a receiver's certificate must bear, if it is not that of its host.
    pub server_name: Option<String>,
    /// The environment variable that holds the bearer token it shows, if it posts FHIR.
    pub token_variable: Option<String>,
    /// That token, once [`Settings::read_tokens`] has found it.
    pub(crate) token: Option<Phi<String>>,
    /// Who may connect, if it listens; empty for any.
    pub allow: Vec<Network>,
    /// How it bends the standard.
    pub dialect: &'static Dialect,
    /// When it answers, if it listens.
    pub acknowledge: Acknowledge,
    /// Whether its messages are numbered in MSH-13.
    pub sequence_numbers: bool,
    /// How long a sender waits for delivery at most.
    pub acknowledge_timeout: Duration,
    /// How it delivers, if it sends.
    pub delivery: DeliveryLimits,
}

/// Where the certificates of one side lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The chain shown, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// The authorities believed, PEM.
    pub authority: Option<PathBuf>,
}

/// What an endpoint does, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Face {
    /// Takes HL7 v2 by MLLP.
    Listen(SocketAddr),
    /// Sends HL7 v2 by MLLP to `host:port`.
    Send(String),
    /// Posts FHIR to a base URL.
    Fhir(String),
    /// Serves what was delivered, under a path.
    Facade(String),
}

/// Bounds of one destination.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeliveryLimits {
    /// Connections in use at the same time.
    pub connections: usize,
    /// Time to wait for a connection.
    pub connect_timeout: Duration,
    /// Time to wait for an answer.
    pub ack_timeout: Duration,
    /// Attempts before a message is held.
    pub attempts_max: u32,
    /// First pause before sending again.
    pub retry_first: Duration,
    /// Longest pause before sending again.
    pub retry_longest: Duration,
    /// Different messages refused in a row before the endpoint pauses.
    pub breaker_refusals: usize,
}

/// Where an interface takes its messages from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// One source, or all of a system's: positions in [`Settings::sources`].
    Sources(Vec<usize>),
    /// A listening endpoint, by position in [`Settings::endpoints`].
    Endpoint(usize),
}

/// One named, directed flow.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Interface {
    /// Its name in the configuration.
    pub name: String,
    /// Where messages come from.
    pub from: From,
    /// Where they go: position in [`Settings::endpoints`].
    pub to: usize,
    /// Events taken.
    pub accept: Vec<EventPattern>,
    /// Facilities taken; empty takes any.
    pub facility: Vec<String>,
    /// Events taken from every facility.
    pub shared: Vec<EventPattern>,
    /// What happens on the way.
    pub translate: Translate,
    /// What later messages of the patient do while one is held.
    pub on_held: OnHeld,
    /// What the site changes in the translation.
    pub site: Option<translate::Override>,
    /// Whether it carries application acknowledgements back to a source, and no messages.
    pub acknowledges: bool,
}

/// A mock EPR to start.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct System {
    /// The system's name.
    pub name: String,
    /// Whose product it plays.
    pub vendor: String,
    /// Which profile.
    pub profile: Option<String>,
    /// Where it takes HL7 v2.
    pub listen: SocketAddr,
    /// Where it sends its own messages.
    pub sends_to: Option<SendsTo>,
    /// Synthetic people it starts with.
    pub people: u32,
    /// Seed of those people.
    pub seed: u64,
    /// What it assumes otherwise than its vendor's default, by name.
    pub assume: std::collections::BTreeMap<String, String>,
    /// What goes wrong at it from the start; whoever starts it knows what that means.
    pub faults: Vec<toml::Table>,
    /// The clients its FHIR face lets in; anyone when there is no such list.
    pub clients: Option<Vec<Client>>,
}

/// A client of a mock EPR's FHIR face.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What proves it.
    pub proof: ClientProof,
    /// What it may do.
    pub scopes: Vec<rest::scope::Scope>,
    /// The organisations whose records it sees; all when empty.
    pub organisations: Vec<String>,
    /// The product's own user it acts as.
    pub user: Option<String>,
}

/// What proves a client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ClientProof {
    /// A secret, in the environment variable of this name.
    SecretEnv(String),
    /// Keys it signs with.
    Keys(rest::jwt::KeySet),
    /// A file with those keys.
    KeysFile(PathBuf),
}

/// Where a mock EPR sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendsTo {
    /// To a listening endpoint of this gateway: position in [`Settings::endpoints`].
    Endpoint(usize),
    /// To an address, `host:port`.
    Address(String),
}
