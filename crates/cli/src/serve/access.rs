//! Who may ask over HTTP: bearer tokens from the environment, judged before a body is read.
//!
//! `EPRGW_TOKEN` may do everything, `EPRGW_READ_TOKEN` may look. Without either the port is open to whoever reaches
//! it, which is why it stays on this machine then. Signed tokens are `signed`'s, browsers are `session`'s. Health and
//! what a FHIR server says about itself need no token.

mod session;
mod signed;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Json, Redirect, Response};
use serde_json::json;

use self::session::Sessions;
pub(super) use self::session::routes;
use self::signed::{Refused, Signed};
use crate::exit::Failure;

/// Shorter ones can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// Paths that tell nothing about anybody.
const OPEN: &[&str] = &["/livez", "/readyz", "/health", "/_ping", "/_status"];

/// The tokens of this process.
#[derive(Default)]
pub(super) struct Access {
    all: Option<String>,
    read: Option<String>,
    signed: Option<Signed>,
    sessions: Sessions,
    /// Whether the port speaks TLS, so that a cookie need never travel without.
    over_tls: bool,
}

/// What a bearer of one of this process's own tokens may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    All,
    Read,
}

impl Right {
    fn allows(self, method: &Method) -> Result<(), Refusal> {
        match self {
            Self::Read if !method.is_safe() => Err(Refusal::forbidden("this token may only read")),
            _ => Ok(()),
        }
    }
}

/// Why a request goes no further.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    status: StatusCode,
    words: String,
}

impl Refusal {
    fn unknown(words: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            words: words.to_owned(),
        }
    }

    fn forbidden(words: &str) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            words: words.to_owned(),
        }
    }
}

impl Access {
    /// Takes the tokens from the environment, where they do not show in a list of processes.
    ///
    /// # Errors
    /// A token too short to be one.
    pub(super) fn from_environment() -> anyhow::Result<Self> {
        let token = |name: &str| match std::env::var(name) {
            Err(_) => Ok(None),
            Ok(token) if token.len() < TOKEN_BYTES_MIN => Err(Failure::Usage.because(format!(
                "{name} is shorter than {TOKEN_BYTES_MIN} characters: take a longer, random one"
            ))),
            Ok(token) => Ok(Some(token)),
        };
        Ok(Self {
            all: token("EPRGW_TOKEN")?,
            read: token("EPRGW_READ_TOKEN")?,
            signed: Signed::from_environment()?,
            ..Self::default()
        })
    }

    /// The same, for a port that speaks TLS or does not.
    pub(super) fn over_tls(self, over_tls: bool) -> Self {
        Self { over_tls, ..self }
    }

    /// Whether anything is asked of a caller.
    pub(super) fn is_on(&self) -> bool {
        self.all.is_some() || self.read.is_some() || self.signed.is_some()
    }

    fn judge(&self, method: &Method, path: &str, headers: &HeaderMap, now_s: i64) -> Result<(), Refusal> {
        if !self.is_on()
            || OPEN.contains(&path)
            || console::OPEN.contains(&path)
            || path == "/login"
            || path.ends_with("/metadata")
            || path.ends_with("/.well-known/smart-configuration")
        {
            return Ok(());
        }
        if console::is_page(path)
            && let Some(right) = self.sessions.right(headers, now_s)
        {
            return right.allows(method);
        }
        let shown = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| Refusal::unknown("a bearer token is needed"))?;
        if let Some(right) = self.right_of(shown) {
            return right.allows(method);
        }
        let signed = self.signed.as_ref().filter(|_| shown.contains('.'));
        let signed = signed.ok_or_else(|| Refusal::unknown("a bearer token is needed"))?;
        signed
            .judge(shown, method, path, now_s)
            .map_err(|refused| match refused {
                Refused::Token(error) => Refusal::unknown(&format!("the token is refused: {error}")),
                Refused::Scope => Refusal::forbidden("the scope of this token does not allow this"),
            })
    }

    /// What one of this process's own tokens allows.
    fn right_of(&self, shown: &str) -> Option<Right> {
        let is = |token: &Option<String>| token.as_ref().is_some_and(|token| same(token, shown));
        if is(&self.all) {
            return Some(Right::All);
        }
        is(&self.read).then_some(Right::Read)
    }
}

/// Compares in a time that does not tell how much was right.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |differ, (one, other)| differ | (one ^ other))
            == 0
}

/// Lets a request through, or answers it here; its body has not been read by then.
pub(super) async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.judge(request.method(), request.uri().path(), request.headers(), now_s()) {
        Ok(()) => next.run(request).await,
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED && is_reader(&request) => {
            Redirect::to("/login").into_response()
        }
        Err(refusal) => refuse(&refusal, request.uri().path()),
    }
}

fn now_s() -> i64 {
    gateway::Clock::system().now_ms().div_euclid(1_000)
}

/// A person with a browser, who wants to see a page.
fn is_reader(request: &Request) -> bool {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    console::is_page(request.uri().path()) && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn refuse(Refusal { status, words }: &Refusal, path: &str) -> Response {
    let status = *status;
    let code = match status {
        StatusCode::FORBIDDEN => "forbidden",
        _ => "login",
    };
    let fhir = path.to_ascii_lowercase().contains("/r4") || path.contains("/fhir");
    let body = if fhir {
        json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "diagnostics": words}]})
    } else {
        json!({"error": words, "next": "send Authorization: Bearer with the token this instance was started with"})
    };
    let mut response = (status, Json(body)).into_response();
    let headers = response.headers_mut();
    if fhir {
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("application/fhir+json"),
        );
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(
            header::WWW_AUTHENTICATE,
            header::HeaderValue::from_static("Bearer"),
        );
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "all-all-all-all-all";
    const READ: &str = "read-read-read-read";

    fn judge(access: &Access, method: &Method, path: &str, shown: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        if let Some(shown) = shown {
            headers.insert(header::AUTHORIZATION, shown.parse().unwrap());
        }
        access
            .judge(method, path, &headers, 0)
            .err()
            .map_or(200, |refusal| refusal.status.as_u16())
    }

    #[test]
    fn each_path_asks_for_a_token_but_health_and_metadata() {
        let access = Access {
            all: Some(ALL.into()),
            read: Some(READ.into()),
            ..Access::default()
        };
        let all = format!("Bearer {ALL}");
        let read = format!("Bearer {READ}");
        for (method, path, shown, expected) in [
            (Method::GET, "/readyz", None, 200),
            (Method::GET, "/fhir/r4/metadata", None, 200),
            (Method::GET, "/api/v1/messages", None, 401),
            (Method::GET, "/api/v1/messages", Some("Bearer wrong"), 401),
            (Method::GET, "/api/v1/messages", Some("Basic YWxsOmFsbA=="), 401),
            (Method::GET, "/api/v1/messages", Some(all.as_str()), 200),
            (Method::GET, "/api/v1/messages", Some(read.as_str()), 200),
            (Method::POST, "/fhir/r4", Some(read.as_str()), 403),
            (Method::POST, "/fhir/r4", Some(all.as_str()), 200),
            (Method::POST, "/fhir/r4", None, 401),
        ] {
            assert_eq!(
                judge(&access, &method, path, shown),
                expected,
                "{method} {path} {shown:?}"
            );
        }
        assert_eq!(
            judge(&Access::default(), &Method::POST, "/fhir/r4", None),
            200,
            "off"
        );
    }
}
