//! From what was written to what it means: names, addresses, patterns, bounds and loops.
//!
//! Goes on after a problem, so that one run reports them all.

mod addresses;
mod clients;
mod interfaces;

use std::collections::HashMap;
use std::time::Duration;

use hl7v2::nhs::Ranges;
use jiff::tz::TimeZone;
use translate::dialect::Dialect;

use super::file::{EndpointTable, File, GatewayTable, SourceTable, SystemTable};
use super::locate::{nearest, spoken};
use super::settings::{DeliveryLimits, Endpoint, Interface, Limits, SendsTo, Settings, Source, System};

/// The NHS numbers that no living person has.
const SYNTHETIC: (u64, u64) = (9_990_000_000, 9_999_999_999);

/// A problem by key; its line is looked up later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key at fault: `system[0].faults[1].count`.
    pub key: String,
    /// What is wrong with it.
    pub message: String,
    /// The nearest spelling that would be right.
    pub nearest: Option<String>,
}

impl Problem {
    /// A name that is none of those known.
    #[must_use]
    pub fn unknown(key: &str, written: &str, known: &[&str]) -> Self {
        Self {
            key: key.to_owned(),
            message: format!("`{written}` is none of {}", known.join(", ")),
            nearest: nearest(written, known.iter().copied()),
        }
    }

    /// What serde says of the shape of a value, in our words; an unknown member is named in the key.
    #[must_use]
    pub fn of_shape(key: &str, message: &str) -> Self {
        let (member, message, nearest) = spoken(message);
        Self {
            key: member.map_or_else(|| key.to_owned(), |member| format!("{key}.{member}")),
            message,
            nearest,
        }
    }
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
        let http_tls = self.tls_files(
            "gateway",
            [&table.certificate, &table.key, &table.authority],
            true,
        );
        let http = self.listen_address("gateway.http", &table.http, http_tls.is_some());
        let fhir_path = self.path("gateway.fhir-path", &table.fhir_path);
        let zone = self.zone(&table.zone);
        let nhs_ranges = self.nhs_ranges();
        self.unique_names();
        let mut sources: Vec<Option<Source>> =
            (0..self.file.source.len()).map(|at| self.source(at)).collect();
        let endpoints: Vec<Option<Endpoint>> = (0..self.file.endpoint.len())
            .map(|at| self.endpoint(at))
            .collect();
        let systems: Vec<Option<System>> = (0..self.file.system.len()).map(|at| self.system(at)).collect();
        self.addresses(http, &endpoints, &systems);
        let mut interfaces: Vec<Option<Interface>> = (0..self.file.interface.len())
            .map(|at| self.interface(at, &sources, &endpoints))
            .collect();
        self.acknowledgements(&mut sources, &endpoints, &mut interfaces);
        self.doubled_interfaces();
        if table.allow_non_loopback {
            self.notices
                .push("listeners on other than loopback addresses are allowed, without TLS or token".into());
        }
        Some(Settings {
            limits,
            http: http?,
            fhir_path,
            origin: self.origin(table),
            unrouted: table.unrouted,
            zone: zone?,
            nhs_ranges: nhs_ranges?,
            http_tls,
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
            ("http-connections-max", table.http_connections_max, 1),
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
            ("http-header-timeout-ms", table.http_header_timeout_ms),
            ("idle-timeout-ms", table.idle_timeout_ms),
            ("partial-frame-timeout-ms", table.partial_frame_timeout_ms),
        ] {
            if value == 0 {
                self.problem(format!("gateway.{key}"), "must be more than 0", None);
            }
        }
        Limits {
            http_connections_max: table.http_connections_max,
            http_header_timeout: Duration::from_millis(table.http_header_timeout_ms),
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

    /// A tag is a plain word: it must survive every dialect.
    fn origin(&mut self, table: &GatewayTable) -> Option<String> {
        let origin = table.origin.as_ref()?;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '.';
        if origin.is_empty() || !origin.chars().all(plain) {
            self.problem(
                "gateway.origin",
                "is no plain word: letters, digits, hyphens and dots",
                None,
            );
        }
        Some(origin.clone())
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
            ack_mode: table.ack_mode,
            acknowledgements: None,
        })
    }

    fn endpoint(&mut self, at: usize) -> Option<Endpoint> {
        let table = &self.file.endpoint[at];
        let dialect = self.dialect(format!("endpoint[{at}].dialect"), &table.dialect);
        let face = self.face(at, table);
        for (key, bad) in [
            ("connections", table.connections == 0),
            ("attempts-max", table.attempts_max == 0),
            ("acknowledge-timeout-ms", table.acknowledge_timeout_ms == 0),
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
        let tls = self.endpoint_tls(at, table);
        let allow = self.networks(at, &table.allow);
        let token_variable = self.token_variable(at, table);
        Some(Endpoint {
            tls,
            token_variable,
            token: None,
            server_name: table.server_name.clone(),
            allow,
            name: table.name.clone(),
            system: table.system.clone().unwrap_or_else(|| table.name.clone()),
            face: face?,
            dialect: dialect?,
            acknowledge: table.acknowledge,
            sequence_numbers: self.sequence_numbers(at, table),
            acknowledge_timeout: Duration::from_millis(table.acknowledge_timeout_ms),
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

    fn sequence_numbers(&mut self, at: usize, table: &EndpointTable) -> bool {
        let key = format!("endpoint[{at}].sequence-numbers");
        let hl7 = table.listen.is_some() || table.send.is_some();
        if table.sequence_numbers && !hl7 {
            self.problem(
                key,
                "is for endpoints that listen or send: MSH-13 is HL7 v2's",
                None,
            );
        } else if table.sequence_numbers && table.send.is_some() && table.connections != 1 {
            let message = "needs connections = 1: numbers on several connections overtake each other";
            self.problem(key, message, None);
        }
        table.sequence_numbers
    }

    fn system(&mut self, at: usize) -> Option<System> {
        let table: &SystemTable = &self.file.system[at];
        let listen = self.listen(format!("system[{at}].listen"), &table.listen);
        let sends_to = match &table.sends_to {
            None => Some(None),
            Some(text) => self.sends_to(format!("system[{at}].sends-to"), text).map(Some),
        };
        let clients = self.clients(at, table);
        Some(System {
            clients,
            name: table.name.clone(),
            vendor: table.vendor.clone(),
            profile: table.profile.clone(),
            listen: listen?,
            sends_to: sends_to?,
            people: table.people,
            seed: table.seed,
            assume: table.assume.clone(),
            faults: table.faults.clone(),
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
}
