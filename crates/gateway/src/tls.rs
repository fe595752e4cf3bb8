//! TLS: certificates from files, read before a port opens and again when they change.
//!
//! TLS 1.2 and 1.3 only, by `rustls`. A listener with an `authority` asks every peer for a certificate of it.
//! Files that do not fit together any more leave the last good ones in force, and the log says so.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tracing::{info, warn};

use crate::config::TlsFiles;

/// Between two looks at the files.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Why TLS cannot be spoken with these files. Names the file, never what is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", file.display())]
pub struct TlsError {
    /// The file at fault.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

/// A configuration that follows its files.
#[derive(Debug)]
pub struct Followed<T> {
    files: TlsFiles,
    load: fn(&TlsFiles) -> Result<T, TlsError>,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    current: Arc<T>,
    seen: Vec<Option<(SystemTime, u64)>>,
    looked: Instant,
}

/// What a listener shows, and asks for.
pub type ServerTls = Followed<ServerConfig>;

/// What a sender believes, and shows.
pub(crate) type ClientTls = Followed<ClientConfig>;

impl<T> Followed<T> {
    fn open(files: &TlsFiles, load: fn(&TlsFiles) -> Result<T, TlsError>) -> Result<Self, TlsError> {
        let seen = stamps(files);
        Ok(Self {
            files: files.clone(),
            load,
            state: Mutex::new(State {
                current: Arc::new(load(files)?),
                seen,
                looked: Instant::now(),
            }),
        })
    }

    /// The configuration for the next connection.
    pub fn current(&self) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < LOOK_AGAIN {
            return state.current.clone();
        }
        state.looked = Instant::now();
        let seen = stamps(&self.files);
        if seen != state.seen {
            match (self.load)(&self.files) {
                Ok(renewed) => {
                    info!("certificate files have changed and are in force");
                    state.current = Arc::new(renewed);
                    state.seen = seen;
                }
                Err(error) => {
                    warn!(%error, "certificate files have changed and cannot be used; the last ones stay")
                }
            }
        }
        state.current.clone()
    }
}

impl ServerTls {
    /// Reads a listener's files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn server(files: &TlsFiles) -> Result<Self, TlsError> {
        Self::open(files, server)
    }
}

impl ClientTls {
    pub(crate) fn client(files: &TlsFiles) -> Result<Self, TlsError> {
        Self::open(files, client)
    }
}

fn stamps(files: &TlsFiles) -> Vec<Option<(SystemTime, u64)>> {
    let stamp = |path: &PathBuf| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [&files.certificate, &files.key, &files.authority]
        .into_iter()
        .flatten()
        .map(stamp)
        .collect()
}

fn server(files: &TlsFiles) -> Result<ServerConfig, TlsError> {
    let (certificates, key, place) = own(files)?.ok_or_else(|| TlsError {
        file: PathBuf::from("certificate"),
        why: "a listener with TLS needs certificate and key".into(),
    })?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&place, &error))?;
    let builder = match &files.authority {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(file)?), provider)
                .build()
                .map_err(|error| at(file, &error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    builder
        .with_single_cert(certificates, key)
        .map_err(|error| at(&place, &error))
}

fn client(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let authority = files.authority.as_ref().ok_or_else(|| TlsError {
        file: PathBuf::from("authority"),
        why: "a sender with TLS needs the authority it believes".into(),
    })?;
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| at(authority, &error))?
        .with_root_certificates(roots(authority)?);
    match own(files)? {
        None => Ok(builder.with_no_client_auth()),
        Some((certificates, key, place)) => builder
            .with_client_auth_cert(certificates, key)
            .map_err(|error| at(&place, &error)),
    }
}

type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>, PathBuf);

fn own(files: &TlsFiles) -> Result<Option<Own>, TlsError> {
    let (Some(certificate), Some(key)) = (&files.certificate, &files.key) else {
        return Ok(None);
    };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| at(key, &error))?;
    Ok(Some((certificates(certificate)?, private, certificate.clone())))
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| at(file, &error))?;
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| at(file, &error))?;
    if found.is_empty() {
        return Err(at(file, &"holds no certificate"));
    }
    Ok(found)
}

fn at(file: &Path, why: &dyn std::fmt::Display) -> TlsError {
    TlsError {
        file: file.to_owned(),
        why: why.to_string(),
    }
}
