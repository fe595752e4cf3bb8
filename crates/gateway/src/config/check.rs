//! From what was written to what it means: names, addresses, patterns, bounds and loops.
//!
//! Goes on after a problem, so that one run reports them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hl7v2::nhs::Ranges;
use jiff::tz::TimeZone;
use translate::dialect::Dialect;

use super::file::{EndpointTable, File, GatewayTable, InterfaceTable, SourceTable, SystemTable, Translate};
use super::locate::nearest;
use super::settings::{
    DeliveryLimits, Endpoint, Face, From, Interface, Limits, SendsTo, Settings, Source, System,
};
use crate::route::EventPattern;

/// The NHS numbers that no living person has.
const SYNTHETIC: (u64, u64) = (999_000_0000, 999_999_9999);

/// A problem by key; its line is looked up later.
pub(super) struct Problem {
    pub(super) key: String,
    pub(super) message: String,
    pub(super) nearest: Option<String>,
}

/// Checks a whole file.
pub(super) fn check(file: &File, dialects: &[&'static Dialect]) -> Result<Settings, Vec<Problem>> {
    let mut check = Check {
        file,
        dialects,
        problems: Vec::new(),
        notices: Vec::new(),
    };
    let settings = check.settings();
    match settings {
        Some(settings) if check.problems.is_empty() => Ok(settings),
        _ => Err(check.problems),
    }
}

struct Check<'f> {
    file: &'f File,
    dialects: &'f [&'static Dialect],
    problems: Vec<Problem>,
    notices: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, key: impl Into<String>, message: impl Into<String>, nearest: Option<String>) {
        self.problems.push(Problem {
            key: key.into(),
            message: message.into(),
            nearest,
        });
    }

    fn settings(&mut self) -> Option<Settings> {
        let table = &self.file.gateway;
        let limits = self.limits(table);
        let http = self.listen_address("gateway.http", &table.http);
        let fhir_path = self.path("gateway.fhir-path", &table.fhir_path);
        let zone = self.zone(&table.zone);
        let nhs_ranges = self.nhs_ranges();
        self.unique_names();
        let sources: Vec<Option<Source>> = (0..self.file.source.len()).map(|at| self.source(at)).collect();
        let endpoints: Vec<Option<Endpoint>> = (0..self.file.endpoint.len())
            .map(|at| self.endpoint(at))
            .collect();
        let systems: Vec<Option<System>> = (0..self.file.system.len()).map(|at| self.system(at)).collect();
        self.addresses(http, &endpoints, &systems);
        let interfaces: Vec<Option<Interface>> = (0..self.file.interface.len())
            .map(|at| self.interface(at, &sources, &endpoints))
            .collect();
        self.doubled_interfaces();
        if table.allow_non_loopback {
            self.notices
                .push("listeners on other than loopback addresses are allowed, without TLS or token".into());
        }
        Some(Settings {
            limits,
            http: http?,
            fhir_path,
            unrouted: table.unrouted,
            zone: zone?,
            nhs_ranges: nhs_ranges?,
            allow_non_loopback: table.allow_non_loopback,
            sources: sources.into_iter().collect::<Option<_>>()?,
            endpoints: endpoints.into_iter().collect::<Option<_>>()?,
            interfaces: interfaces.into_iter().collect::<Option<_>>()?,
            systems: systems.into_iter().collect::<Option<_>>()?,
            notices: std::mem::take(&mut self.notices),
        })
    }

    fn limits(&mut self, table: &GatewayTable) -> Limits {
        let counts = [
            ("frame-bytes-max", table.frame_bytes_max, 1024),
            ("connections-max", table.connections_max, 1),
            ("connections-per-peer-max", table.connections_per_peer_max, 1),
            ("window", table.window, 1),
            ("queue-deliveries-max", table.queue_deliveries_max, 1),
            ("queue-bytes-max", table.queue_bytes_max, 1024),
            ("page-deliveries", table.page_deliveries, 1),
        ];
        for (key, value, least) in counts {
            if value < least {
                self.problem(
                    format!("gateway.{key}"),
                    format!("must be at least {least}"),
                    Some(least.to_string()),
                );
            }
        }
        for (key, value) in [
            ("idle-timeout-ms", table.idle_timeout_ms),
            ("partial-frame-timeout-ms", table.partial_frame_timeout_ms),
        ] {
            if value == 0 {
                self.problem(format!("gateway.{key}"), "must be more than 0", None);
            }
        }
        Limits {
            frame_bytes_max: table.frame_bytes_max,
            connections_max: table.connections_max,
            connections_per_peer_max: table.connections_per_peer_max,
            in_flight_bytes_max: table.in_flight_bytes_max,
            idle_timeout: Duration::from_millis(table.idle_timeout_ms),
            partial_frame_timeout: Duration::from_millis(table.partial_frame_timeout_ms),
            window: table.window,
            duplicate_window_ms: table.duplicate_window_ms,
            queue_deliveries_max: table.queue_deliveries_max,
            queue_bytes_max: table.queue_bytes_max,
            page_deliveries: table.page_deliveries,
            drain_timeout: Duration::from_millis(table.drain_timeout_ms),
        }
    }

    fn zone(&mut self, name: &str) -> Option<TimeZone> {
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
            let nearest = nearest(name, known.iter().map(String::as_str));
            self.problem("gateway.zone", "is no zone of the IANA database", nearest);
        }
        zone
    }

    fn nhs_ranges(&mut self) -> Option<Ranges> {
        let mut ranges = Vec::new();
        for (at, text) in self.file.nhs_number.ranges.iter().enumerate() {
            let key = format!("nhs-number.ranges[{at}]");
            let digits = |text: &str| {
                let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                (plain.len() == 10).then(|| plain.parse::<u64>().ok()).flatten()
            };
            match text
                .split_once('-')
                .map(|(first, last)| (digits(first), digits(last)))
            {
                Some((Some(first), Some(last))) if first <= last => {
                    if first < SYNTHETIC.0 || last > SYNTHETIC.1 {
                        self.notices.push(format!(
                            "NHS numbers {text} may pass: these can belong to living people (nhs-number.ranges)"
                        ));
                    }
                    ranges.push(first..=last);
                }
                _ => self.problem(
                    key,
                    "is no range of two ten-digit numbers",
                    Some(format!("{}-{}", SYNTHETIC.0, SYNTHETIC.1)),
                ),
            }
        }
        Some(Ranges::new(ranges))
    }

    /// Names are how interfaces, journal and log point at things, so each kind has every name once.
    fn unique_names(&mut self) {
        let file = self.file;
        let named: [(&str, Vec<&str>); 4] = [
            (
                "source",
                file.source.iter().map(|table| table.name.as_str()).collect(),
            ),
            (
                "endpoint",
                file.endpoint.iter().map(|table| table.name.as_str()).collect(),
            ),
            (
                "interface",
                file.interface.iter().map(|table| table.name.as_str()).collect(),
            ),
            (
                "system",
                file.system.iter().map(|table| table.name.as_str()).collect(),
            ),
        ];
        for (kind, names) in named {
            let mut seen = HashMap::new();
            for (at, name) in names.iter().enumerate() {
                if name.is_empty() {
                    self.problem(format!("{kind}[{at}].name"), "must not be empty", None);
                } else if let Some(first) = seen.insert(*name, at) {
                    self.problem(
                        format!("{kind}[{at}].name"),
                        format!("`{name}` is already {kind}[{first}]"),
                        None,
                    );
                }
            }
        }
        for (at, endpoint) in file.endpoint.iter().enumerate() {
            let names = |source: &SourceTable| {
                source.name == endpoint.name || source.system.as_ref() == Some(&endpoint.name)
            };
            if endpoint.listen.is_some() && file.source.iter().any(names) {
                let message = format!(
                    "`{}` is also a source, and `from` could mean either",
                    endpoint.name
                );
                self.problem(format!("endpoint[{at}].name"), message, None);
            }
        }
    }

    fn dialect(&mut self, key: String, name: &str) -> Option<&'static Dialect> {
        let found = self.dialects.iter().copied().find(|dialect| dialect.name == name);
        if found.is_none() {
            let nearest = nearest(name, self.dialects.iter().map(|dialect| dialect.name));
            self.problem(key, format!("`{name}` is no known dialect"), nearest);
        }
        found
    }

    fn source(&mut self, at: usize) -> Option<Source> {
        let table = &self.file.source[at];
        let dialect = self.dialect(format!("source[{at}].dialect"), &table.dialect)?;
        Some(Source {
            name: table.name.clone(),
            system: table.system.clone().unwrap_or_else(|| table.name.clone()),
            sending_application: table.sending_application.clone(),
            sending_facility: table.sending_facility.clone(),
            dialect,
        })
    }

    fn endpoint(&mut self, at: usize) -> Option<Endpoint> {
        let table = &self.file.endpoint[at];
        let dialect = self.dialect(format!("endpoint[{at}].dialect"), &table.dialect);
        let face = self.face(at, table);
        for (key, bad) in [
            ("connections", table.connections == 0),
            ("attempts-max", table.attempts_max == 0),
            ("ack-timeout-ms", table.ack_timeout_ms == 0),
            ("connect-timeout-ms", table.connect_timeout_ms == 0),
            ("retry-first-ms", table.retry_first_ms == 0),
            ("breaker-refusals", table.breaker_refusals == 0),
        ] {
            if bad {
                self.problem(format!("endpoint[{at}].{key}"), "must be more than 0", None);
            }
        }
        if table.retry_longest_ms < table.retry_first_ms {
            self.problem(
                format!("endpoint[{at}].retry-longest-ms"),
                "is shorter than retry-first-ms",
                None,
            );
        }
        Some(Endpoint {
            name: table.name.clone(),
            system: table.system.clone().unwrap_or_else(|| table.name.clone()),
            face: face?,
            dialect: dialect?,
            acknowledge: table.acknowledge,
            delivery: DeliveryLimits {
                connections: table.connections,
                connect_timeout: Duration::from_millis(table.connect_timeout_ms),
                ack_timeout: Duration::from_millis(table.ack_timeout_ms),
                attempts_max: table.attempts_max,
                retry_first: Duration::from_millis(table.retry_first_ms),
                retry_longest: Duration::from_millis(table.retry_longest_ms),
                breaker_refusals: table.breaker_refusals,
            },
        })
    }

    fn face(&mut self, at: usize, table: &EndpointTable) -> Option<Face> {
        let key = |name: &str| format!("endpoint[{at}].{name}");
        let written: Vec<&str> = [
            ("listen", &table.listen),
            ("send", &table.send),
            ("fhir", &table.fhir),
            ("facade", &table.facade),
        ]
        .into_iter()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| name)
        .collect();
        match written.as_slice() {
            [] => {
                self.problem(
                    format!("endpoint[{at}]"),
                    "needs one of listen, send, fhir, facade",
                    None,
                );
                return None;
            }
            [_] => {}
            [first, second, ..] => {
                self.problem(
                    key(second),
                    format!("stands beside {first}: an endpoint has one face"),
                    None,
                );
                return None;
            }
        }
        if let Some(text) = &table.listen {
            return self.listen(key("listen"), text).map(Face::Listen);
        }
        if let Some(text) = &table.send {
            return self.send_address(key("send"), text).map(Face::Send);
        }
        if let Some(text) = &table.fhir {
            return self.fhir_base(key("fhir"), text).map(Face::Fhir);
        }
        let text = table.facade.as_deref().unwrap_or_default();
        Some(Face::Facade(self.path(&key("facade"), text)))
    }

    fn listen(&mut self, key: String, text: &str) -> Option<SocketAddr> {
        let address = self.scheme(&key, text, "mllp")?;
        let before = self.problems.len();
        let found = self.listen_address(&key, address);
        for problem in self.problems.iter_mut().skip(before) {
            problem.nearest = problem.nearest.take().map(|address| format!("mllp://{address}"));
        }
        found
    }

    /// `localhost` is the one name taken for a listener: others could resolve to anywhere.
    fn listen_address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let loopback = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        let address = loopback
            .map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
            .or_else(|| text.parse::<SocketAddr>().ok());
        let Some(address) = address else {
            self.problem(
                key,
                format!("`{text}` is no address and port"),
                Some(guess_address(text)),
            );
            return None;
        };
        if !address.ip().is_loopback() && !self.file.gateway.allow_non_loopback {
            let message =
                "leaves this machine without TLS or a token; set gateway.allow-non-loopback to accept that";
            self.problem(
                key,
                message,
                Some(text.replace(&address.ip().to_string(), "127.0.0.1")),
            );
            return None;
        }
        Some(address)
    }

    fn send_address(&mut self, key: String, text: &str) -> Option<String> {
        let address = self.scheme(&key, text, "mllp")?;
        let sound = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok() && !host.contains('/')
        });
        if !sound {
            let nearest = format!("mllp://{}", guess_address(address));
            self.problem(key, format!("`{text}` names no host and port"), Some(nearest));
            return None;
        }
        Some(address.to_owned())
    }

    fn fhir_base(&mut self, key: String, text: &str) -> Option<String> {
        let rest = self.scheme(&key, text, "http")?;
        if rest.starts_with('/') || rest.is_empty() || rest.contains(['?', '#', ' ']) {
            self.problem(key, format!("`{text}` is no base URL"), None);
            return None;
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    fn scheme<'t>(&mut self, key: &str, text: &'t str, wanted: &str) -> Option<&'t str> {
        match text.split_once("://") {
            Some((scheme, rest)) if scheme == wanted => Some(rest),
            Some((scheme, _)) if scheme == format!("{wanted}s") => {
                self.problem(key, format!("`{scheme}` is not spoken yet, only {wanted}"), None);
                None
            }
            Some((scheme, rest)) => {
                let message = format!("`{scheme}` is not spoken here, only {wanted}");
                self.problem(key, message, Some(format!("{wanted}://{rest}")));
                None
            }
            None => {
                self.problem(
                    key,
                    format!("`{text}` names no scheme"),
                    Some(format!("{wanted}://{text}")),
                );
                None
            }
        }
    }

    fn path(&mut self, key: &str, text: &str) -> String {
        let plain = text.trim_end_matches('/');
        let sound = plain.len() > 1
            && plain.starts_with('/')
            && plain
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte));
        if !sound {
            let nearest = format!("/{}", plain.trim_start_matches('/'));
            self.problem(
                key,
                format!("`{text}` is no path"),
                (nearest != plain).then_some(nearest),
            );
        } else if plain == "/api" || plain.starts_with("/api/") {
            self.problem(key, "lies under /api, which the gateway keeps for itself", None);
        }
        plain.to_owned()
    }

    fn system(&mut self, at: usize) -> Option<System> {
        let table: &SystemTable = &self.file.system[at];
        let listen = self.listen(format!("system[{at}].listen"), &table.listen);
        let sends_to = match &table.sends_to {
            None => Some(None),
            Some(text) => self.sends_to(format!("system[{at}].sends-to"), text).map(Some),
        };
        Some(System {
            name: table.name.clone(),
            vendor: table.vendor.clone(),
            profile: table.profile.clone(),
            listen: listen?,
            sends_to: sends_to?,
            people: table.people,
            seed: table.seed,
        })
    }

    fn sends_to(&mut self, key: String, text: &str) -> Option<SendsTo> {
        if text.contains("://") {
            return self.send_address(key, text).map(SendsTo::Address);
        }
        let listeners = || {
            self.file
                .endpoint
                .iter()
                .enumerate()
                .filter(|(_, endpoint)| endpoint.listen.is_some())
        };
        let found = listeners()
            .find(|(_, endpoint)| endpoint.name == text)
            .map(|(at, _)| SendsTo::Endpoint(at));
        if found.is_none() {
            let nearest = nearest(text, listeners().map(|(_, endpoint)| endpoint.name.as_str()));
            self.problem(
                key,
                format!("`{text}` is no listening endpoint and no mllp:// address"),
                nearest,
            );
        }
        found
    }

    /// Each port once, each path once, and no way from an endpoint straight back into this gateway.
    fn addresses(
        &mut self,
        http: Option<SocketAddr>,
        endpoints: &[Option<Endpoint>],
        systems: &[Option<System>],
    ) {
        let mut bound: Vec<(SocketAddr, String)> = http
            .map(|http| (http, "gateway.http".to_owned()))
            .into_iter()
            .collect();
        let mut paths: Vec<(String, String)> =
            vec![(self.file.gateway.fhir_path.clone(), "gateway.fhir-path".into())];
        let listening =
            endpoints
                .iter()
                .enumerate()
                .filter_map(|(at, endpoint)| match endpoint.as_ref()?.face {
                    Face::Listen(address) => Some((address, format!("endpoint[{at}].listen"))),
                    _ => None,
                });
        let mocks = systems
            .iter()
            .enumerate()
            .filter_map(|(at, system)| Some((system.as_ref()?.listen, format!("system[{at}].listen"))));
        for (address, key) in listening.chain(mocks) {
            let taken = bound
                .iter()
                .find(|(other, _)| address.port() != 0 && *other == address);
            match taken.map(|(_, first)| first.clone()) {
                Some(first) => self.problem(key, format!("{address} is already taken by {first}"), None),
                None => bound.push((address, key)),
            }
        }
        let own: Vec<String> = endpoints
            .iter()
            .flatten()
            .filter_map(|endpoint| match endpoint.face {
                Face::Listen(address) if address.port() != 0 => Some(address.to_string()),
                _ => None,
            })
            .collect();
        let own_fhir =
            http.map(|http| format!("{http}{}", self.file.gateway.fhir_path.trim_end_matches('/')));
        for (at, endpoint) in endpoints.iter().enumerate() {
            match endpoint.as_ref().map(|endpoint| &endpoint.face) {
                Some(Face::Send(address)) if own.contains(&address.replace("localhost:", "127.0.0.1:")) => {
                    self.problem(
                        format!("endpoint[{at}].send"),
                        "is a loop: this gateway listens there",
                        None,
                    );
                }
                Some(Face::Fhir(base)) if own_fhir.as_deref() == base.strip_prefix("http://") => {
                    self.problem(
                        format!("endpoint[{at}].fhir"),
                        "is a loop: this gateway serves that base",
                        None,
                    );
                }
                Some(Face::Facade(path)) => {
                    let key = format!("endpoint[{at}].facade");
                    match paths
                        .iter()
                        .find(|(other, _)| other == path)
                        .map(|(_, first)| first.clone())
                    {
                        Some(first) => {
                            self.problem(key, format!("{path} is already served by {first}"), None)
                        }
                        None => paths.push((path.clone(), key)),
                    }
                }
                _ => {}
            }
        }
    }

    fn interface(
        &mut self,
        at: usize,
        sources: &[Option<Source>],
        endpoints: &[Option<Endpoint>],
    ) -> Option<Interface> {
        let table = &self.file.interface[at];
        let from = self.from(at, &table.from);
        let to = self.to(at, &table.to);
        let mut accept = Vec::new();
        if table.accept.is_empty() {
            self.problem(
                format!("interface[{at}].accept"),
                "takes nothing",
                Some("*".into()),
            );
        }
        for (event, text) in table.accept.iter().enumerate() {
            match text.parse::<EventPattern>() {
                Ok(pattern) => accept.push(pattern),
                Err(error) => {
                    let message = format!("`{text}` is no event: {error}");
                    self.problem(format!("interface[{at}].accept[{event}]"), message, error.nearest);
                }
            }
        }
        let (from, to) = (from?, to?);
        let endpoint = endpoints[to].as_ref()?;
        // A façade is the gateway's own picture of a system: nothing leads back through it.
        let facade = matches!(endpoint.face, Face::Facade(_));
        if let (From::Sources(own), false) = (&from, facade) {
            let back = |source: &usize| {
                sources[*source]
                    .as_ref()
                    .is_some_and(|s| s.system == endpoint.system)
            };
            if own.iter().any(back) {
                let message = format!(
                    "is a loop: `{}` leads back to the system the messages come from",
                    table.to
                );
                self.problem(format!("interface[{at}].to"), message, None);
                return None;
            }
        }
        let translate = self.translate(at, table, endpoint)?;
        Some(Interface {
            name: table.name.clone(),
            from,
            to,
            accept,
            facility: table.facility.clone(),
            translate,
            on_held: table.on_held,
        })
    }

    fn from(&mut self, at: usize, name: &str) -> Option<From> {
        let file = self.file;
        if let Some(source) = file.source.iter().position(|source| source.name == name) {
            return Some(From::Sources(vec![source]));
        }
        let of_system = |(_, source): &(usize, &SourceTable)| source.system.as_deref() == Some(name);
        let sources: Vec<usize> = file
            .source
            .iter()
            .enumerate()
            .filter(of_system)
            .map(|(at, _)| at)
            .collect();
        if !sources.is_empty() {
            return Some(From::Sources(sources));
        }
        match file.endpoint.iter().position(|endpoint| endpoint.name == name) {
            Some(endpoint) if file.endpoint[endpoint].listen.is_some() => {
                return Some(From::Endpoint(endpoint));
            }
            Some(_) => {
                let message =
                    format!("`{name}` does not listen: an interface begins at a source or a listener");
                self.problem(format!("interface[{at}].from"), message, None);
                return None;
            }
            None => {}
        }
        let listeners = file
            .endpoint
            .iter()
            .filter(|endpoint| endpoint.listen.is_some())
            .map(|e| e.name.as_str());
        let names = file
            .source
            .iter()
            .flat_map(|source| [Some(source.name.as_str()), source.system.as_deref()]);
        let nearest = nearest(name, names.flatten().chain(listeners));
        self.problem(
            format!("interface[{at}].from"),
            format!("`{name}` is no source, system or listener"),
            nearest,
        );
        None
    }

    fn to(&mut self, at: usize, name: &str) -> Option<usize> {
        let file = self.file;
        let key = format!("interface[{at}].to");
        match file.endpoint.iter().position(|endpoint| endpoint.name == name) {
            Some(endpoint) if file.endpoint[endpoint].listen.is_none() => return Some(endpoint),
            Some(_) => {
                let message =
                    format!("`{name}` listens: an interface ends at an endpoint with send, fhir or facade");
                self.problem(key, message, None);
                return None;
            }
            None => {}
        }
        let known = file
            .endpoint
            .iter()
            .filter(|endpoint| endpoint.listen.is_none())
            .map(|e| e.name.as_str());
        let nearest = nearest(name, known);
        self.problem(key, format!("`{name}` is no endpoint"), nearest);
        None
    }

    fn translate(&mut self, at: usize, table: &InterfaceTable, endpoint: &Endpoint) -> Option<Translate> {
        let fitting = match endpoint.face {
            Face::Fhir(_) | Face::Facade(_) => Translate::Fhir,
            Face::Send(_) | Face::Listen(_) => Translate::Dialect,
        };
        let chosen = table.translate.unwrap_or(fitting);
        let fits = match chosen {
            Translate::Fhir => fitting == Translate::Fhir,
            Translate::Dialect | Translate::None => fitting == Translate::Dialect,
        };
        if !fits {
            let (spoken, nearest) = match fitting {
                Translate::Fhir => ("FHIR", "fhir"),
                _ => ("HL7 v2", "dialect"),
            };
            let message = format!("does not fit: `{}` speaks {spoken}", table.to);
            self.problem(
                format!("interface[{at}].translate"),
                message,
                Some(nearest.into()),
            );
            return None;
        }
        Some(chosen)
    }

    /// Two interfaces that differ in their name alone would deliver everything twice.
    fn doubled_interfaces(&mut self) {
        let interfaces = &self.file.interface;
        let doubled: Vec<(usize, usize)> = interfaces
            .iter()
            .enumerate()
            .filter_map(|(at, one)| {
                let same = |other: &InterfaceTable| {
                    (&other.from, &other.to, &other.accept, &other.facility)
                        == (&one.from, &one.to, &one.accept, &one.facility)
                };
                interfaces[..at].iter().position(same).map(|first| (at, first))
            })
            .collect();
        for (at, first) in doubled {
            self.problem(
                format!("interface[{at}]"),
                format!("does what interface[{first}] does already"),
                None,
            );
        }
    }
}

fn guess_address(text: &str) -> String {
    if text.parse::<u16>().is_ok() {
        return format!("127.0.0.1:{text}");
    }
    match text.rsplit_once(':') {
        Some(("" | "*", port)) if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        Some((_, port)) if port.parse::<u16>().is_ok() => format!("127.0.0.1:{port}"),
        _ => format!("{}:2575", text.trim_end_matches(':').trim_end_matches('/')),
    }
}
