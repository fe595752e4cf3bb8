//! A FHIR client over hyper: one base URL, bounds on time and size, errors that say whether to try again.
//!
//! It follows no redirects and retries nothing itself: that is for the caller, who knows what may be sent twice.

use std::time::Duration;

use bytes::Bytes;
use fhir::{Bundle, OperationOutcome, Resource};
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::tls::{Connector, Secured};

const MEDIA_TYPE: &str = "application/fhir+json";

/// Bounds on what a client waits for and takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// Longest wait for a connection.
    pub connect_timeout_ms: u64,
    /// Longest wait for a whole answer, connecting included.
    pub request_timeout_ms: u64,
    /// Longest answer.
    pub response_bytes_max: usize,
    /// Idle connections kept.
    pub idle_connections_max: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connect_timeout_ms: 5_000,
            request_timeout_ms: 30_000,
            response_bytes_max: 16 * 1024 * 1024,
            idle_connections_max: 64,
        }
    }
}

/// A client of one FHIR server.
#[derive(Clone, Debug)]
pub struct Client {
    inner: hyper_util::client::legacy::Client<Connector, Full<Bytes>>,
    base: String,
    headers: HeaderMap,
    limits: ClientLimits,
}

/// An answer of 2xx.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

/// Why a request brought no 2xx.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The base is no URL this client can use.
    #[error("the base must be http://host[:port]/path without a query, or https:// where TLS is set up")]
    Base,
    /// Path or header holds what HTTP does not allow.
    #[error("the request cannot be written as HTTP")]
    Request,
    /// No connection: the server is down or elsewhere.
    #[error("no connection to the FHIR server")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
    /// The connection broke before the answer was whole; the server may have acted.
    #[error("the connection broke before the answer was whole")]
    Broken,
    /// No whole answer in time; the server may have acted.
    #[error("no answer within {after_ms} ms")]
    Timeout {
        /// How long was waited.
        after_ms: u64,
    },
    /// The answer is longer than allowed.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// Bytes allowed.
        limit: usize,
    },
    /// The server said no.
    #[error("the FHIR server answered {status}")]
    Refused {
        /// The status.
        status: StatusCode,
        /// `Retry-After`, when given in seconds.
        retry_after: Option<Duration>,
        /// What the server says about it, when it is an OperationOutcome.
        outcome: Option<Box<OperationOutcome>>,
    },
    /// The answer is no FHIR JSON.
    #[error("the answer is no FHIR: {0}")]
    Answer(#[from] fhir::ReadError),
    /// The answer is another resource than asked for.
    #[error("the answer is a {found}, expected a {expected}")]
    ResourceType {
        /// What was asked for.
        expected: &'static str,
        /// What came.
        found: String,
    },
}

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It never reached the server: sending it again is safe.
    NotSent,
    /// The server may have acted on it: sending it again is safe only if twice does no harm.
    Unknown,
    /// The server refused it for now: a retry may help.
    RefusedForNow,
    /// The server refused it, or answered what cannot be used: a retry will not help.
    Refused,
}

impl ClientError {
    /// What became of the request.
    pub fn fate(&self) -> Fate {
        match self {
            Self::Unreachable(_) => Fate::NotSent,
            Self::Broken | Self::Timeout { .. } => Fate::Unknown,
            Self::Refused { status, .. } => match status.as_u16() {
                408 | 425 | 429 | 502..=504 => Fate::RefusedForNow,
                500 => Fate::Unknown,
                _ => Fate::Refused,
            },
            Self::Base
            | Self::Request
            | Self::TooLong { .. }
            | Self::Answer(_)
            | Self::ResourceType { .. } => Fate::Refused,
        }
    }

    /// Whether the same request may succeed later.
    pub fn retry_may_help(&self) -> bool {
        self.fate() != Fate::Refused
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The status, when there was one.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl Answer {
    /// The resource in the body.
    ///
    /// # Errors
    /// When the body is no FHIR JSON.
    pub fn resource(&self) -> Result<Resource, ClientError> {
        Ok(Resource::from_slice(&self.body)?)
    }

    /// Type and id that `Location` names: `Patient/1/_history/2` in any base.
    pub fn location(&self) -> Option<(&str, &str)> {
        let location = self.headers.get(LOCATION)?.to_str().ok()?;
        let resource = location.split("/_history/").next()?;
        let (rest, id) = resource.trim_end_matches('/').rsplit_once('/')?;
        Some((rest.rsplit('/').next()?, id))
    }

    /// The version that `ETag` names.
    pub fn version(&self) -> Option<&str> {
        self.headers
            .get(ETAG)?
            .to_str()
            .ok()?
            .strip_prefix("W/")?
            .strip_prefix('"')?
            .strip_suffix('"')
    }
}

impl Client {
    /// A client of the server at `base`, such as `http://127.0.0.1:8575/fhir/r4`.
    ///
    /// # Errors
    /// When the base is no `http` URL or has a query.
    pub fn new(base: &str, limits: ClientLimits) -> Result<Self, ClientError> {
        Self::over(base, limits, None)
    }

    /// A client of the server at `base`, an `https` URL, which must prove who it is. Never speaks in plain text.
    ///
    /// # Errors
    /// When the base is no `https` URL or has a query.
    pub fn new_secured(base: &str, limits: ClientLimits, secured: Secured) -> Result<Self, ClientError> {
        Self::over(base, limits, Some(secured))
    }

    fn over(base: &str, limits: ClientLimits, secured: Option<Secured>) -> Result<Self, ClientError> {
        let base = base.trim_end_matches('/');
        let uri: Uri = base.parse().map_err(|_| ClientError::Base)?;
        let scheme = if secured.is_some() { "https" } else { "http" };
        if uri.scheme_str() != Some(scheme) || uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
            return Err(ClientError::Base);
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(limits.connect_timeout_ms)));
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(limits.idle_connections_max)
            .build(Connector::new(connector, secured));
        Ok(Self {
            inner,
            base: base.to_owned(),
            headers: HeaderMap::new(),
            limits,
        })
    }

    /// The base, without a slash at its end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a header with every request, such as `Authorization`.
    ///
    /// # Errors
    /// When the value holds what HTTP does not allow.
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Result<Self, ClientError> {
        let value = HeaderValue::from_str(value).map_err(|_| ClientError::Request)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sends a request to `path` under the base and gives a 2xx answer.
    ///
    /// # Errors
    /// Anything but a whole 2xx answer within the limits; [`ClientError::fate`] says what that means.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let separator = if path.is_empty() || path.starts_with(['/', '?']) {
            ""
        } else {
            "/"
        };
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{separator}{path}", self.base))
            .header(ACCEPT, MEDIA_TYPE);
        if !body.is_empty() && !headers.iter().any(|(name, _)| name == CONTENT_TYPE) {
            request = request.header(CONTENT_TYPE, MEDIA_TYPE);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Full::new(body)).map_err(|_| ClientError::Request)?;
        let after_ms = self.limits.request_timeout_ms;
        match tokio::time::timeout(Duration::from_millis(after_ms), self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Timeout { after_ms }),
        }
    }

    async fn exchange(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, ClientError> {
        let response = self.inner.request(request).await.map_err(|error| {
            if error.is_connect() {
                ClientError::Unreachable(error)
            } else {
                ClientError::Broken
            }
        })?;
        let (parts, body) = response.into_parts();
        let limit = self.limits.response_bytes_max;
        let body = match Limited::new(body, limit).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(ClientError::TooLong { limit }),
            Err(_) => return Err(ClientError::Broken),
        };
        if parts.status.is_success() {
            return Ok(Answer {
                status: parts.status,
                headers: parts.headers,
                body,
            });
        }
        let seconds = parts
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Err(ClientError::Refused {
            status: parts.status,
            retry_after: seconds.map(Duration::from_secs),
            outcome: fhir::from_slice(&body).ok().map(Box::new),
        })
    }

    /// What the server says it can do.
    ///
    /// # Errors
    /// As [`Self::send`], and when the answer is no CapabilityStatement.
    pub async fn capabilities(&self) -> Result<fhir::CapabilityStatement, ClientError> {
        typed(self.get("metadata").await?)
    }

    /// Reads one resource.
    ///
    /// # Errors
    /// As [`Self::send`], and when the answer is another resource.
    pub async fn read<T: fhir::ResourceType>(&self, id: &str) -> Result<T, ClientError> {
        typed(self.get(&format!("{}/{}", T::NAME, encode(id))).await?)
    }

    /// Searches a type; names and values are encoded here.
    ///
    /// # Errors
    /// As [`Self::send`], and when the answer is no Bundle.
    pub async fn search(
        &self,
        resource_type: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Bundle, ClientError> {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        typed(self.get(&format!("{resource_type}?{query}")).await?)
    }

    /// Follows a link of a Bundle, which must lie under the base.
    ///
    /// # Errors
    /// As [`Self::send`], [`ClientError::Request`] when the link leads elsewhere.
    pub async fn follow(&self, url: &str) -> Result<Bundle, ClientError> {
        let path = url
            .strip_prefix(&self.base)
            .filter(|path| path.starts_with(['/', '?']));
        typed(self.get(path.ok_or(ClientError::Request)?).await?)
    }

    /// Creates a resource.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn create(&self, resource: &Resource) -> Result<Answer, ClientError> {
        self.send(
            Method::POST,
            resource.resource_type(),
            &[],
            resource.to_vec().into(),
        )
        .await
    }

    /// Updates a resource, under its id.
    ///
    /// # Errors
    /// As [`Self::send`], and [`ClientError::Request`] when the resource has no id.
    pub async fn update(&self, resource: &Resource) -> Result<Answer, ClientError> {
        let id = resource.id().ok_or(ClientError::Request)?;
        let path = format!("{}/{}", resource.resource_type(), encode(id));
        self.send(Method::PUT, &path, &[], resource.to_vec().into()).await
    }

    /// Sends a transaction, batch or message Bundle, as JSON, to the base.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn post(&self, bundle: impl Into<Bytes>) -> Result<Answer, ClientError> {
        self.send(Method::POST, "", &[], bundle.into()).await
    }

    /// Sends a transaction or batch and gives its response Bundle.
    ///
    /// # Errors
    /// As [`Self::send`], and when the answer is no Bundle.
    pub async fn transaction(&self, bundle: &Bundle) -> Result<Bundle, ClientError> {
        typed(self.post(fhir::to_vec(bundle)).await?)
    }

    /// Sends a message Bundle to `$process-message`.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn process_message(&self, bundle: &Bundle) -> Result<Answer, ClientError> {
        self.send(Method::POST, "$process-message", &[], fhir::to_vec(bundle).into())
            .await
    }

    async fn get(&self, path: &str) -> Result<Answer, ClientError> {
        self.send(Method::GET, path, &[], Bytes::new()).await
    }
}

fn typed<T: fhir::ResourceType>(answer: Answer) -> Result<T, ClientError> {
    let resource = answer.resource()?;
    match T::of(&resource) {
        Some(found) => Ok(found.clone()),
        None => Err(ClientError::ResourceType {
            expected: T::NAME,
            found: resource.resource_type().to_owned(),
        }),
    }
}

fn encode(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
