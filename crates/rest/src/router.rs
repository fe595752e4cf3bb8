//! The axum router around a [`Service`]: URL grammar, limits, content types, formats.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body as HttpBody;
use axum::extract::{Request as HttpRequest, State};
use axum::routing::any;
use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::interaction::{Place, Request};
use crate::negotiate::{Format, Wanted, is_json};
use crate::outcome::outcome;
use crate::reply::{Body, Reply};
use crate::service::Service;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const METHOD_OVERRIDE: &str = "x-http-method-override";

/// What one request may ask of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterLimits {
    /// Longest body.
    pub body_bytes_max: usize,
    /// Longest wait for a body.
    pub body_timeout_ms: u64,
    /// Most search parameters, URL and form together.
    pub parameters_max: usize,
}

impl Default for RouterLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 8 * 1024 * 1024,
            body_timeout_ms: 30_000,
            parameters_max: 200,
        }
    }
}

/// Serves `service` under `base_path`, which may hold parts in braces: `/north/r4/{tenant}`.
pub fn router<S: Service>(service: Arc<S>, base_path: &str) -> Router {
    router_with(service, base_path, RouterLimits::default())
}

/// Serves `service` under `base_path`, within `limits`.
pub fn router_with<S: Service>(service: Arc<S>, base_path: &str, limits: RouterLimits) -> Router {
    let base_path = base_path.trim_end_matches('/');
    let template = base_path.split('/').skip(1).map(str::to_owned).collect();
    let shared = Arc::new(Shared {
        service,
        template,
        limits,
        requests: AtomicU64::new(0),
    });
    let mut router = Router::new()
        .route(&format!("{base_path}/"), any(handle::<S>))
        .route(&format!("{base_path}/{{*path}}"), any(handle::<S>));
    if !base_path.is_empty() {
        router = router.route(base_path, any(handle::<S>));
    }
    router.with_state(shared)
}

struct Shared<S> {
    service: Arc<S>,
    /// The parts of the base path; those in braces are parameters.
    template: Vec<String>,
    limits: RouterLimits,
    requests: AtomicU64,
}

async fn handle<S: Service>(
    State(shared): State<Arc<Shared<S>>>,
    request: HttpRequest,
) -> Response<HttpBody> {
    let (parts, body) = request.into_parts();
    let request_id = shared.request_id(&parts.headers);
    let head = parts.method == Method::HEAD;
    let wanted = Wanted::read(
        query(&parts)
            .iter()
            .find(|(name, _)| name == "_format")
            .map(|(_, value)| value.as_str()),
        header(&parts.headers, ACCEPT.as_str()),
    );
    let negotiated = shared.service.negotiate(wanted);
    let format = negotiated.as_ref().copied().unwrap_or_default();
    let mut reply = match negotiated {
        Ok(format) => shared
            .answer(parts, body, format, &request_id)
            .await
            .unwrap_or_else(Reply::from),
        Err(refusal) => *refusal,
    };
    shared.service.finish(&request_id, &mut reply);
    write(reply, format, head, &request_id)
}

impl<S: Service> Shared<S> {
    /// Every step from the path to the service's answer; a refusal is an answer too.
    async fn answer(
        &self,
        parts: Parts,
        body: HttpBody,
        format: Format,
        request_id: &str,
    ) -> Result<Reply, Box<Reply>> {
        let (base, base_parameters, path) = self.split(&parts);
        if let Some(refusal) = self.service.turn_away(&parts.method, path, &parts.headers) {
            return Err(Box::new(refusal));
        }
        let Some(place) = Place::parse(path) else {
            return Err(Box::new(self.service.unknown_path(&parts.method, path)));
        };
        let mut parameters = query(&parts);
        let method = self.method(&parts, &parameters);
        let allowed = place.methods();
        if method == Method::OPTIONS {
            return Ok(Reply::empty(204).header(ALLOW, allowed));
        }
        let asked = place
            .clone()
            .interaction(&method, parameters.clone(), Bytes::new());
        if let Some(refusal) = asked.and_then(|asked| self.service.forbid(&asked, &parts.headers)) {
            return Err(Box::new(refusal));
        }
        let body = self.read_body(&parts.headers, body).await?;
        let is_form = is_form(&parts.headers);
        // A tunnelled GET carries its query in the form, and so does _search.
        let searches = matches!(place, Place::TypeSearch(_) | Place::SystemSearch);
        if is_form && (searches || method == Method::GET) {
            parameters.extend(form(&body));
        } else if (method == Method::POST || method == Method::PUT) && !body.is_empty() {
            expect_json(&parts.headers)?;
        }
        parameters
            .retain(|(name, _)| name != "_format" && !(self.service.tunnels_methods() && name == "_method"));
        if parameters.len() > self.limits.parameters_max {
            let text = format!("more than {} search parameters", self.limits.parameters_max);
            return Err(refusal(400, "too-costly", &text));
        }
        let Some(interaction) = place.interaction(&method, parameters, body) else {
            let refusal = Reply::outcome(
                405,
                outcome("error", "not-supported", &format!("here only {allowed}")),
            );
            return Err(Box::new(refusal.header(ALLOW, allowed)));
        };
        let request_id = request_id.to_owned();
        let request = Request {
            interaction,
            headers: parts.headers,
            base,
            base_parameters,
            format,
            request_id,
        };
        Ok(self.service.respond(request).await)
    }

    /// The base as the client sees it, what stands in its braces, and the path after it.
    fn split<'a>(&self, parts: &'a Parts) -> (String, Vec<(String, String)>, &'a str) {
        let path = parts.uri.path();
        let mut rest = path;
        let mut base_parameters = Vec::new();
        for part in &self.template {
            let inside = rest.strip_prefix('/').unwrap_or(rest);
            let (value, after) = inside.split_at(inside.find('/').unwrap_or(inside.len()));
            if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                base_parameters.push((name.to_owned(), value.to_owned()));
            }
            rest = after;
        }
        let base_path = path.strip_suffix(rest).unwrap_or(path);
        let host = host(&parts.headers, &parts.uri);
        (format!("http://{host}{base_path}"), base_parameters, rest)
    }

    /// The method meant, when the service lets a POST stand for another.
    fn method(&self, parts: &Parts, parameters: &[(String, String)]) -> Method {
        if parts.method != Method::POST || !self.service.tunnels_methods() {
            return parts.method.clone();
        }
        let named = parameters
            .iter()
            .find(|(name, _)| name == "_method")
            .map(|(_, value)| value.as_str());
        header(&parts.headers, METHOD_OVERRIDE)
            .or(named)
            .and_then(|name| Method::from_bytes(name.to_ascii_uppercase().as_bytes()).ok())
            .unwrap_or(Method::POST)
    }

    async fn read_body(&self, headers: &HeaderMap, body: HttpBody) -> Result<Bytes, Box<Reply>> {
        let limit = self.limits.body_bytes_max;
        let too_large = || refusal(413, "too-long", &format!("the body is longer than {limit} bytes"));
        let declared = header(headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<usize>().ok());
        if declared.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let patience = Duration::from_millis(self.limits.body_timeout_ms);
        match tokio::time::timeout(patience, Limited::new(body, limit).collect()).await {
            Ok(Ok(collected)) => Ok(collected.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(_)) => Err(refusal(400, "incomplete", "the body broke off")),
            Err(_) => Err(refusal(408, "timeout", "the body took too long to arrive")),
        }
    }

    /// The client's request id when it is plain, else one that is new in this process.
    fn request_id(&self, headers: &HeaderMap) -> String {
        let plain = |id: &&str| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        match header(headers, REQUEST_ID.as_str()).filter(plain) {
            Some(id) => id.to_owned(),
            None => format!("{:016x}", self.requests.fetch_add(1, Ordering::Relaxed) + 1),
        }
    }
}

/// Turns an answer into bytes.
fn write(reply: Reply, format: Format, head: bool, request_id: &str) -> Response<HttpBody> {
    let Reply {
        status,
        headers,
        body,
    } = reply;
    let (media_type, bytes) = match body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(json) => in_format(json, format),
        Body::Resource(resource) => in_format(resource.to_vec().into(), format),
        Body::Raw { media_type, bytes } => (Some(media_type), bytes),
    };
    let length = bytes.len();
    let mut response = Response::new(if head {
        HttpBody::empty()
    } else {
        HttpBody::from(bytes)
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    let headers = response.headers_mut();
    if let Some(media_type) = media_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    if head {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.entry(REQUEST_ID).or_insert(id);
    }
    response
}

fn in_format(json: Bytes, format: Format) -> (Option<&'static str>, Bytes) {
    match format {
        Format::Json => (Some(format.media_type()), json),
        Format::Xml => match fhir::xml::from_json(&json) {
            Ok(xml) => (Some(format.media_type()), xml.into()),
            // What the service calls JSON and is none goes out as it stands.
            Err(_) => (Some(Format::Json.media_type()), json),
        },
    }
}

fn refusal(status: u16, code: &str, text: &str) -> Box<Reply> {
    Box::new(Reply::outcome(status, outcome("error", code, text)))
}

fn expect_json(headers: &HeaderMap) -> Result<(), Box<Reply>> {
    if is_json(header(headers, CONTENT_TYPE.as_str())) {
        return Ok(());
    }
    Err(refusal(415, "not-supported", "bodies are application/fhir+json"))
}

fn is_form(headers: &HeaderMap) -> bool {
    header(headers, CONTENT_TYPE.as_str()).is_some_and(|text| {
        text.trim()
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded")
    })
}

/// An answer as HTTP, for a path of a service that is none of FHIR's.
pub fn response(reply: Reply, format: Format, request_id: &str) -> Response<HttpBody> {
    write(reply, format, false, request_id)
}

/// The host and port a client called, when they have the form of such; `localhost` else.
pub fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> &'r str {
    header(headers, HOST.as_str())
        .or_else(|| uri.authority().map(Authority::as_str))
        .filter(|host| {
            host.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
        })
        .unwrap_or("localhost")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn query(parts: &Parts) -> Vec<(String, String)> {
    form(parts.uri.query().unwrap_or_default().as_bytes())
}

fn form(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}
