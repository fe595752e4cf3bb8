//! Addresses: what an endpoint's face means, that every port and path is there once, and that none leads back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::Check;
use crate::config::file::EndpointTable;
use crate::config::network::Network;
use crate::config::settings::{Endpoint, Face, System, TlsFiles};

impl Check<'_> {
    pub(super) fn face(&mut self, at: usize, table: &EndpointTable) -> Option<Face> {
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
            let secured = text.starts_with("mllps://");
            return self
                .listen_secured(key("listen"), text, secured)
                .map(Face::Listen);
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

    pub(super) fn listen(&mut self, key: String, text: &str) -> Option<SocketAddr> {
        self.listen_secured(key, text, false)
    }

    fn listen_secured(&mut self, key: String, text: &str, secured: bool) -> Option<SocketAddr> {
        let address = match text.strip_prefix("mllps://").filter(|_| secured) {
            Some(address) => address,
            None => self.scheme(&key, text, "mllp")?,
        };
        let before = self.problems.len();
        let found = self.listen_address(&key, address, secured);
        for problem in self.problems.iter_mut().skip(before) {
            problem.nearest = problem.nearest.take().map(|address| format!("mllp://{address}"));
        }
        found
    }

    /// `localhost` is the one name taken for a listener: others could resolve to anywhere.
    pub(super) fn listen_address(&mut self, key: &str, text: &str, secured: bool) -> Option<SocketAddr> {
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
        if !address.ip().is_loopback() && !secured && !self.file.gateway.allow_non_loopback {
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

    pub(super) fn send_address(&mut self, key: String, text: &str) -> Option<String> {
        let address = match text.strip_prefix("mllps://") {
            Some(address) => address,
            None => self.scheme(&key, text, "mllp")?,
        };
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

    pub(super) fn fhir_base(&mut self, key: String, text: &str) -> Option<String> {
        let rest = match text.strip_prefix("https://") {
            Some(rest) => rest,
            None => self.scheme(&key, text, "http")?,
        };
        if rest.starts_with('/') || rest.is_empty() || rest.contains(['?', '#', ' ']) {
            self.problem(key, format!("`{text}` is no base URL"), None);
            return None;
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    pub(super) fn scheme<'t>(&mut self, key: &str, text: &'t str, wanted: &str) -> Option<&'t str> {
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

    /// The certificates of an endpoint that speaks TLS.
    pub(super) fn endpoint_tls(&mut self, at: usize, table: &EndpointTable) -> Option<TlsFiles> {
        let listens = table.listen.is_some();
        let face = table
            .listen
            .as_ref()
            .or(table.send.as_ref())
            .or(table.fhir.as_ref());
        let wanted = face.is_some_and(|text| text.starts_with("mllps://") || text.starts_with("https://"));
        let key = format!("endpoint[{at}]");
        if !listens && !table.allow.is_empty() {
            self.problem(
                format!("{key}.allow"),
                "is for listeners: nobody connects here",
                None,
            );
        }
        let files = [&table.certificate, &table.key, &table.authority];
        if !wanted {
            for (name, file) in ["certificate", "key", "authority"].iter().zip(files) {
                if file.is_some() {
                    self.problem(
                        format!("{key}.{name}"),
                        "has no use without mllps:// or https://",
                        None,
                    );
                }
            }
            if table.server_name.is_some() {
                let message = "has no use without mllps:// or https://";
                self.problem(format!("{key}.server-name"), message, None);
            }
            return None;
        }
        if listens && table.certificate.is_none() {
            self.problem(key, "listens with TLS and needs certificate and key", None);
            return None;
        }
        if !listens && table.authority.is_none() {
            self.problem(key, "sends with TLS and needs the authority it believes", None);
            return None;
        }
        if let Some(name) = &table.server_name
            && rustls::pki_types::ServerName::try_from(name.as_str()).is_err()
        {
            self.problem(
                format!("{key}.server-name"),
                format!("`{name}` is no name of a host"),
                None,
            );
        }
        self.tls_files(&key, files, listens)
    }

    /// The token a FHIR endpoint shows: known by the name of its variable only.
    pub(super) fn token_variable(&mut self, at: usize, table: &EndpointTable) -> Option<String> {
        let name = table.token_variable.as_ref()?;
        let key = format!("endpoint[{at}].token-variable");
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if table.fhir.is_none() {
            self.problem(key, "is for FHIR endpoints: HL7 v2 has no tokens", None);
        } else if name.is_empty() || !name.bytes().all(sound) {
            let message =
                "is the name of an environment variable, such as EPRGW_WEST_TOKEN, never the token itself";
            self.problem(key, message, None);
        } else if !table.fhir.as_ref().is_some_and(|text| travels_safely(text)) {
            let message = "would leave this machine in plain text: give the endpoint an https:// base";
            self.problem(key, message, None);
        }
        Some(name.clone())
    }

    /// Certificates that belong together; none where none are given.
    pub(super) fn tls_files(
        &mut self,
        key: &str,
        [certificate, private, authority]: [&Option<PathBuf>; 3],
        listens: bool,
    ) -> Option<TlsFiles> {
        if certificate.is_some() != private.is_some() {
            self.problem(key, "needs both certificate and key, or neither", None);
            return None;
        }
        if listens && certificate.is_none() {
            if authority.is_some() {
                self.problem(
                    format!("{key}.authority"),
                    "has no use without certificate and key",
                    None,
                );
            }
            return None;
        }
        Some(TlsFiles {
            certificate: certificate.clone(),
            key: private.clone(),
            authority: authority.clone(),
        })
    }

    pub(super) fn networks(&mut self, at: usize, texts: &[String]) -> Vec<Network> {
        let mut networks = Vec::new();
        for (position, text) in texts.iter().enumerate() {
            match text.parse() {
                Ok(network) => networks.push(network),
                Err(()) => self.problem(
                    format!("endpoint[{at}].allow[{position}]"),
                    format!("`{text}` is no address or network like 10.1.0.0/16"),
                    None,
                ),
            }
        }
        networks
    }

    pub(super) fn path(&mut self, key: &str, text: &str) -> String {
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

    /// Each port once, each path once, and no way from an endpoint straight back into this gateway.
    pub(super) fn addresses(
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
}

/// Whether a token sent to this base is read by nobody on the way: TLS, or this machine itself.
fn travels_safely(base: &str) -> bool {
    let Some(rest) = base.strip_prefix("http://") else {
        return true;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
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
