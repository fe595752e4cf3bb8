//! Which port everything listens on: what the flags put over the configuration, and how the parts find each other.

use std::net::{IpAddr, SocketAddr};

use gateway::config::{Face, Override, SendsTo, Settings, System};

use super::Options;
use crate::exit::Failure;

/// Puts the flags over the configuration.
///
/// # Errors
/// An address that other machines can reach, without the flag that allows it.
pub(super) fn apply(
    options: &Options,
    mut settings: Settings,
    has_token: bool,
) -> anyhow::Result<(Settings, Vec<Override>)> {
    let mut overrides = Vec::new();
    let mut over = |key: String, value: String, origin: &str| {
        overrides.push(Override {
            key,
            value,
            origin: origin.to_owned(),
        });
    };
    if let Some(address) = options.bind {
        settings.http.set_ip(address);
    }
    if let Some(port) = options.http {
        settings.http.set_port(port);
    }
    if options.bind.is_some() || options.http.is_some() {
        over("gateway.http".into(), settings.http.to_string(), "--bind, --http");
    }
    for (at, endpoint) in settings.endpoints.iter_mut().enumerate() {
        let Face::Listen(address) = &mut endpoint.face else {
            continue;
        };
        if let Some(bind) = options.bind {
            address.set_ip(bind);
        }
        if let Some(port) = options.mllp {
            address.set_port(port);
        }
        if address.port() == 0 {
            address.set_port(free_port(address.ip())?);
        }
        if options.bind.is_some() || options.mllp.is_some() {
            over(
                format!("endpoint[{at}].listen"),
                format!("mllp://{address}"),
                "--bind, --mllp",
            );
        }
    }
    let addresses = settings
        .endpoints
        .iter()
        .filter_map(|endpoint| match endpoint.face {
            Face::Listen(address) if endpoint.tls.is_none() => Some(address),
            _ => None,
        });
    let http = (settings.http_tls.is_none() && !has_token).then_some(settings.http);
    let wanted = |system: &&System| options.only.is_empty() || options.only.contains(&system.name);
    let mocks = settings.systems.iter().filter(wanted);
    let mocks = mocks.map(|system| listen_of(options, &settings, system));
    let open = http
        .into_iter()
        .chain(addresses)
        .chain(mocks)
        .find(|address| !address.ip().is_loopback());
    if let Some(open) = open
        && !options.allow_open_bind
        && !settings.allow_non_loopback
    {
        return Err(Failure::Usage.because(format!(
            "{open} can be reached from other machines, without TLS or a token; say --allow-open-bind if that is meant"
        )));
    }
    Ok((settings, overrides))
}

/// A free port. The EPRs must know the gateway's address before it listens, so port 0 is settled first.
fn free_port(address: IpAddr) -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind((address, 0))?.local_addr()?.port())
}

/// Where a system listens: its own address, or the ports after `--mllp` in the order of the configuration.
pub(super) fn listen_of(options: &Options, settings: &Settings, system: &System) -> SocketAddr {
    let mut address = system.listen;
    if let Some(bind) = options.bind {
        address.set_ip(bind);
    }
    match options.mllp {
        Some(0) => address.set_port(0),
        Some(port) => {
            let position = settings
                .systems
                .iter()
                .position(|other| other.name == system.name)
                .unwrap_or(0);
            let offset = u16::try_from(position + 1).unwrap_or(u16::MAX);
            address.set_port(port.saturating_add(offset));
        }
        None => {}
    }
    address
}

/// Where a system sends its own messages.
pub(super) fn receiver_of(settings: &Settings, system: &System) -> Option<String> {
    match system.sends_to.as_ref()? {
        SendsTo::Address(address) => Some(address.clone()),
        SendsTo::Endpoint(at) => match settings.endpoints[*at].face {
            Face::Listen(address) => Some(reachable(address).to_string()),
            _ => None,
        },
    }
}

/// Points every endpoint that sends to this system's configured address at where it really listens.
pub(super) fn lead_to(settings: &mut Settings, system: &System, listening: SocketAddr) {
    let configured = system.listen.to_string();
    for endpoint in &mut settings.endpoints {
        if let Face::Send(address) = &mut endpoint.face
            && *address == configured
        {
            *address = reachable(listening).to_string();
        }
    }
}

/// An address to connect to: one that listens everywhere is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
