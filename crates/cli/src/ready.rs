//! `eprgw ready`: exit 0 when a running instance is ready. The container's health check.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::exit::Failure;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Port of the instance's HTTP side
    #[arg(long, env = "EPRGW_HTTP", default_value_t = 8575)]
    http: u16,
    /// Host of the instance
    #[arg(long, env = "EPRGW_HOST", default_value = "127.0.0.1")]
    host: String,
    /// The instance speaks HTTPS, with a certificate of an authority in this file (PEM)
    #[arg(long, env = "EPRGW_AUTHORITY", value_name = "FILE")]
    authority: Option<PathBuf>,
    /// Keep asking for up to this many seconds (30 when no number is given)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30")]
    wait: Option<u64>,
}

const ASK_AGAIN: Duration = Duration::from_millis(50);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(options.wait.unwrap_or(0));
    loop {
        let state = ask(&options.host, options.http, options.authority.as_deref());
        match state {
            Ok(()) => return Ok(()),
            Err(why) if Instant::now() >= until => {
                let place = format!("{}:{}", options.host, options.http);
                return Err(Failure::RunTime.because(format!("not ready at {place}: {why}")));
            }
            Err(_) => std::thread::sleep(ASK_AGAIN),
        }
    }
}

/// Asks `/readyz` once. Plain HTTP/1.1 over one socket: the health check runs every few seconds and
/// needs no runtime for it.
fn ask(host: &str, port: u16, authority: Option<&Path>) -> Result<(), String> {
    let address: SocketAddr = (host, port)
        .to_socket_addrs()
        .map_err(|e| e.to_string())?
        .next()
        .ok_or("no such host")?;
    let stream = TcpStream::connect_timeout(&address, ANSWER_TIMEOUT).map_err(|e| e.to_string())?;
    stream
        .set_read_timeout(Some(ANSWER_TIMEOUT))
        .map_err(|e| e.to_string())?;
    match authority {
        None => ask_on(stream, host),
        Some(file) => ask_on(secured(stream, host, file)?, host),
    }
}

/// TLS around the socket.
fn secured(
    stream: TcpStream,
    host: &str,
    authority: &Path,
) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(authority).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    for certificate in found.map_err(|e| format!("{}: {e}", authority.display()))? {
        roots.add(certificate).map_err(|e| e.to_string())?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(|e| e.to_string())?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
    Ok(StreamOwned::new(connection, stream))
}

fn ask_on(mut stream: impl std::io::Read + std::io::Write, host: &str) -> Result<(), String> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|e| e.to_string())?;
    let mut answer = Vec::new();
    let read = stream.take(64 * 1024).read_to_end(&mut answer);
    // An end without a farewell is an end all the same, once the status is there.
    if answer.is_empty() {
        read.map_err(|e| e.to_string())?;
    }
    let status = answer.split(|b| *b == b' ').nth(1).unwrap_or_default();
    if status == b"200" {
        return Ok(());
    }
    Err(format!("/readyz answered {}", String::from_utf8_lossy(status)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn answering(with: &'static str) -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut asked = [0; 1024];
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(with.as_bytes()).unwrap();
            }
        });
        port
    }

    fn options(http: u16) -> Options {
        Options {
            http,
            host: "127.0.0.1".into(),
            authority: None,
            wait: None,
        }
    }

    #[test]
    fn ready_is_200_and_nothing_else() {
        run(&options(answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        )))
        .unwrap();
        let starting = answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
        let why = run(&options(starting)).unwrap_err().to_string();
        assert!(why.contains("answered 503"), "{why}");
    }

    #[test]
    fn nobody_listening_is_not_ready() {
        let free = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        assert!(run(&options(free)).is_err());
    }
}
