//! The configuration file as it is written: one struct per table, one field per key.
//!
//! Nothing here is checked beyond its shape; `check` turns a [`File`] into
//! [`Settings`](super::Settings). Serialising a `File` writes every key with its
//! effective value, which is what `--print-config` shows.

use std::path::PathBuf;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A whole configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct File {
    /// Limits and habits of the gateway itself.
    #[serde(default)]
    pub gateway: GatewayTable,
    /// Which NHS numbers may pass a listener.
    #[serde(default)]
    pub nhs_number: NhsNumberTable,
    /// Who sends: recognised by MSH-3 and MSH-4. The first that fits is taken.
    #[serde(default)]
    pub source: Vec<SourceTable>,
    /// Where messages come in, and where they go.
    #[serde(default)]
    pub endpoint: Vec<EndpointTable>,
    /// The routing table: every interface that accepts a message gets it, in this order.
    #[serde(default)]
    pub interface: Vec<InterfaceTable>,
    /// Mock EPRs to start beside the gateway.
    #[serde(default)]
    pub system: Vec<SystemTable>,
}

/// `[gateway]`: limits and habits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct GatewayTable {
    /// Address of the one HTTP port: console, API and FHIR.
    pub http: String,
    /// Path under which the gateway itself takes FHIR.
    pub fhir_path: String,
    /// This gateway's name, written into what it translates for others as an origin tag (ZOT-1). A message that comes
    /// back with it is recorded, answered AA and delivered nowhere. Without a name nothing is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// ACK for a message that no interface accepts: `AA` or `AR`. It is recorded either way.
    pub unrouted: Unrouted,
    /// Zone of local times that carry no offset.
    pub zone: String,
    /// Allow listeners on addresses other than loopback although they have neither TLS nor a token.
    pub allow_non_loopback: bool,
    /// Certificate chain of the HTTP port, PEM; with it the port speaks HTTPS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// Authorities of which every HTTP client must show a certificate, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// Connections to the HTTP port; more wait to be accepted.
    pub http_connections_max: usize,
    /// Time an HTTP client may take for the headers of a request, silence before them included.
    pub http_header_timeout_ms: u64,
    /// Largest frame taken, in bytes.
    pub frame_bytes_max: usize,
    /// Connections per listener.
    pub connections_max: usize,
    /// Connections per listener from one IP address.
    pub connections_per_peer_max: usize,
    /// Bytes of frames per listener that may be received or answered at the same time.
    pub in_flight_bytes_max: usize,
    /// A connection without a frame for this long is closed.
    pub idle_timeout_ms: u64,
    /// A frame that has begun and does not end within this time is given up.
    pub partial_frame_timeout_ms: u64,
    /// Frames of one connection that may wait for their ACK at the same time.
    pub window: usize,
    /// How far back a repeated message is recognised; 0 for never.
    pub duplicate_window_ms: u64,
    /// Deliveries kept in memory per endpoint; the rest of the queue stays in the journal.
    pub queue_deliveries_max: usize,
    /// Bytes of messages kept in memory per endpoint; the rest of the queue stays in the journal.
    pub queue_bytes_max: usize,
    /// Deliveries read from the journal at a time.
    pub page_deliveries: usize,
    /// Time given to messages in flight when the gateway stops.
    pub drain_timeout_ms: u64,
}

impl Default for GatewayTable {
    fn default() -> Self {
        Self {
            http: "127.0.0.1:8575".into(),
            fhir_path: "/fhir/r4".into(),
            origin: None,
            unrouted: Unrouted::Ar,
            zone: "Europe/London".into(),
            allow_non_loopback: false,
            certificate: None,
            key: None,
            authority: None,
            http_connections_max: 1_024,
            http_header_timeout_ms: 30_000,
            frame_bytes_max: 16 * 1024 * 1024,
            connections_max: 2_048,
            connections_per_peer_max: 1_536,
            in_flight_bytes_max: 128 * 1024 * 1024,
            idle_timeout_ms: 3_600_000,
            partial_frame_timeout_ms: 30_000,
            window: 64,
            duplicate_window_ms: 7 * 24 * 3_600_000,
            queue_deliveries_max: 10_000,
            queue_bytes_max: 64 * 1024 * 1024,
            page_deliveries: 1_000,
            drain_timeout_ms: 5_000,
        }
    }
}

/// What a message without a route is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Unrouted {
    /// Accept and forget: the sender need not know.
    #[serde(rename = "AA")]
    Aa,
    /// Reject: the sender should know.
    #[serde(rename = "AR")]
    Ar,
}

/// `[nhs-number]`: the tripwire for live numbers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[non_exhaustive]
pub struct NhsNumberTable {
    /// Ranges that may pass, as `first-last`; a valid number outside them is refused and masked.
    pub ranges: Vec<String>,
}

impl Default for NhsNumberTable {
    fn default() -> Self {
        Self {
            ranges: vec!["9990000000-9999999999".into()],
        }
    }
}

/// `[[source]]`: one sending system, known by what it writes in MSH.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SourceTable {
    /// The name interfaces use in `from`.
    pub name: String,
    /// The system behind it; the name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// MSH-3 as it may stand, or its first component; empty takes any.
    #[serde(default)]
    pub sending_application: Vec<String>,
    /// MSH-4 as it may stand, or its first component; empty takes any.
    #[serde(default)]
    pub sending_facility: Vec<String>,
    /// How this sender bends the standard.
    #[serde(default = "standard")]
    pub dialect: String,
    /// Which ACK it gets: as its MSH-15 and MSH-16 ask, or AA, AE, AR whatever they say.
    #[serde(default)]
    pub ack_mode: AckMode,
    /// The sending endpoint by which it gets application acknowledgements (AA, AE, AR) after a CA, once every
    /// interface has delivered its message or given up. Without one the CA is the last it hears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_ack_to: Option<String>,
}

/// Which mode of acknowledgement a sender gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AckMode {
    /// Enhanced (CA, CE, CR) where MSH-15 or MSH-16 says something, original otherwise.
    #[default]
    ByHeader,
    /// Original (AA, AE, AR) always: for senders that fill MSH-15 and expect AA all the same.
    Original,
}

fn standard() -> String {
    "standard".into()
}

/// `[[endpoint]]`: an address that listens or sends. Exactly one of `listen`, `send`, `fhir`, `facade`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct EndpointTable {
    /// The name interfaces use in `to` (or in `from`, for a listener).
    pub name: String,
    /// Take HL7 v2 here: `mllp://127.0.0.1:2575`, or `mllps://` for TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<String>,
    /// Send HL7 v2 there: `mllp://127.0.0.1:2577`, or `mllps://` for TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Post FHIR message Bundles to this base: `http://127.0.0.1:9000/fhir/r4`, or `https://` for TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fhir: Option<String>,
    /// Serve what was delivered here as FHIR, under this path: `/north/fhir/r4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facade: Option<String>,
    /// With `mllps` or `https`: the certificate chain shown, PEM. A listener needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// With `mllps` or `https`: the authorities believed, PEM. A sender needs one; a listener asks its peers for a certificate then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// The name a receiver's certificate must bear; the host it is reached at when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The environment variable with the bearer token shown to a FHIR server; the token itself stands in no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_variable: Option<String>,
    /// Addresses or networks that may connect to a listener; empty for any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The system behind it; the name when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// How this endpoint bends the standard. A listener uses it for senders that no source knows.
    #[serde(default = "standard")]
    pub dialect: String,
    /// When a listener answers: `on-commit` (recorded and routed) or `on-delivery`.
    #[serde(default)]
    pub acknowledge: Acknowledge,
    /// Number the messages of this link in MSH-13: a listener takes only the number that is next and says in MSA-4 which
    /// that is; a sender writes them, and needs `connections = 1`.
    #[serde(default)]
    pub sequence_numbers: bool,
    /// Longest wait of a sender for delivery, with `on-delivery`; then it hears AE, and the message stays queued.
    #[serde(default = "acknowledge_timeout_ms")]
    pub acknowledge_timeout_ms: u64,
    /// Connections (or requests) in use at the same time; one message waits on each.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Time to wait for a connection.
    #[serde(default = "connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    /// Time to wait for an answer to a message.
    #[serde(default = "ack_timeout_ms")]
    pub ack_timeout_ms: u64,
    /// Attempts that may end in AE, CE, a time-out or a lost connection before the message is held.
    #[serde(default = "attempts_max")]
    pub attempts_max: u32,
    /// First pause before a message is sent again; doubled each time.
    #[serde(default = "retry_first_ms")]
    pub retry_first_ms: u64,
    /// Longest pause before a message is sent again.
    #[serde(default = "retry_longest_ms")]
    pub retry_longest_ms: u64,
    /// Different messages refused in a row before the endpoint is paused instead of holding more.
    #[serde(default = "breaker_refusals")]
    pub breaker_refusals: usize,
}

fn connections() -> usize {
    16
}

fn connect_timeout_ms() -> u64 {
    5_000
}

fn acknowledge_timeout_ms() -> u64 {
    30_000
}

fn ack_timeout_ms() -> u64 {
    30_000
}

fn attempts_max() -> u32 {
    10
}

fn retry_first_ms() -> u64 {
    250
}

fn retry_longest_ms() -> u64 {
    30_000
}

fn breaker_refusals() -> usize {
    10
}

/// When a listener answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledge {
    /// Once the message is recorded and routed, durably.
    #[default]
    OnCommit,
    /// Once every interface has delivered it, or given up.
    OnDelivery,
}

/// `[[interface]]`: one named, directed flow between two systems.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct InterfaceTable {
    /// The name the journal, the API and the log use.
    pub name: String,
    /// A source, a system for all its sources, or a listening endpoint for all that enters there.
    pub from: String,
    /// A sending, FHIR or façade endpoint.
    pub to: String,
    /// Events taken: `ADT^A01`, `ADT^*` (every event HL7 has for that code) or `*` (anything).
    #[serde(default = "any_event")]
    pub accept: Vec<String>,
    /// Facilities taken, by MSH-4, PV1-3.4 or PV1-39; empty takes any.
    #[serde(default)]
    pub facility: Vec<String>,
    /// Events taken from every facility although `facility` names some: facts that belong to all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<String>,
    /// `dialect` (HL7 v2 to HL7 v2), `fhir`, or `none` (bytes as they stand); by the endpoint's sort when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub translate: Option<Translate>,
    /// What a patient's later messages do while one is held: `pass` or `wait`.
    #[serde(default)]
    pub on_held: OnHeld,
    /// What this site changes in the translation: rows left out, fields set, tables replaced, choices made.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub site: Option<translate::Override>,
}

fn any_event() -> Vec<String> {
    vec!["*".into()]
}

/// What happens to a message on its way over an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Translate {
    /// HL7 v2 to HL7 v2, from the source's dialect to the endpoint's.
    Dialect,
    /// HL7 v2 to a FHIR message Bundle.
    Fhir,
    /// Nothing: the bytes as they came.
    None,
}

/// What later messages of the same patient do while one is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnHeld {
    /// They go on: one poisoned message does not cut a patient off.
    #[default]
    Pass,
    /// They wait until the held one is released or discarded.
    Wait,
}

/// `[[system]]`: a mock EPR, started beside the gateway. Plain data here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct SystemTable {
    /// The system's name.
    pub name: String,
    /// Whose product it plays.
    pub vendor: String,
    /// Which of the vendor's profiles; its first when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Where it takes HL7 v2: `mllp://127.0.0.1:2577`.
    pub listen: String,
    /// Where it sends its own messages: the name of a listening endpoint, or an `mllp://` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sends_to: Option<String>,
    /// Synthetic people it starts with.
    #[serde(default = "people")]
    pub people: u32,
    /// Seed of those people.
    #[serde(default = "seed")]
    pub seed: u64,
    /// What it assumes otherwise than its vendor's default; `eprgw explain assumptions` lists the names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub assume: BTreeMap<String, String>,
    /// What goes wrong at it from the start, in the form of `PUT /api/v1/systems/{system}/faults`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<toml::Table>,
    /// Whether its FHIR face asks for tokens, of the clients below. Without, anyone on this machine may ask.
    #[serde(default)]
    pub authorise: bool,
    /// Who may ask for a token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<ClientTable>,
}

/// `[[system.client]]`: a client of a mock EPR's FHIR face. Secrets come by the environment only.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct ClientTable {
    /// Its id.
    pub id: String,
    /// The environment variable that holds its secret, where the product's clients have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// Its public keys as a JSON Web Key Set, where the product's clients sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// A file with that key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_file: Option<PathBuf>,
    /// What it may do: `system/Patient.rs` or `system/Patient.read`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The trusts or sites (ODS codes) whose visits it sees, where the product shares a record; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organisations: Vec<String>,
    /// The product's own user it acts as, where it needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

fn people() -> u32 {
    50
}

fn seed() -> u64 {
    7
}
