//! Who may ask this face: system clients with a secret, their tokens of 570 seconds, and the organisations they see.
//!
//! A signed assertion is refused here; that is how another product does it. Which version of SMART scopes is taken is
//! a setting: the documentation shows version 1, the public sandbox takes version 2 only.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rest::scope::{Scope, Style};
use rest::{Interaction, Reply};
use serde_json::{Value, json};

use super::{NOT_A_TENANT, TENANT, refused};
use crate::access::{Asker, Client, Denied, Form, Lens, Proof, needs};
use crate::epr::Shared;
use crate::millennium::trust;

/// How long a token lives, as documented.
const TOKEN_LIFE_S: i64 = 570;
/// Whose a record is that names no organisation: where the HL7 face says it is.
const HOME: &str = "RYJ01";

/// What a client of this product must have.
pub(in crate::millennium) fn admits(client: &Client) -> Result<(), &'static str> {
    match &client.proof {
        Proof::Keys(_) => Err("system accounts show a secret here; signed assertions are refused"),
        Proof::Secret(_) if client.user.is_some() => Err("user: clients act as themselves here"),
        Proof::Secret(_) if client.scopes.iter().any(|scope| scope.resource_type() == "*") => {
            Err("scopes: no wildcard for the resource type here")
        }
        Proof::Secret(_) => Ok(()),
    }
}

/// Where tokens are given, seen from the base of the face.
pub(super) fn token_url(base: &str) -> String {
    let root = base.split("/r4/").next().unwrap_or_default();
    format!("{root}/tenants/{TENANT}/protocols/oauth2/profiles/smart-v1/token")
}

/// Without a token that stands, nothing but what the server says about itself.
pub(super) fn turn_away(shared: &Shared, method: &Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
    let open = matches!(path, "/metadata" | "/.well-known/smart-configuration") || method == Method::OPTIONS;
    match open {
        true => None,
        false => asker(shared, headers).err().map(Reply::from),
    }
}

/// What the scopes of the token, or those the client was registered with, do not hold.
pub(super) fn forbid(shared: &Shared, interaction: &Interaction, headers: &HeaderMap) -> Option<Reply> {
    let (resource_type, right) = needs(interaction)?;
    // What is not served is not there, whatever a scope says.
    let served = super::known(resource_type);
    let asker = asker(shared, headers).ok()?;
    (served && !asker.may(resource_type, right)).then(|| {
        let text = "the scopes of this client do not hold that";
        refused(403, "forbidden", "Forbidden", text)
    })
}

pub(super) fn asker(shared: &Shared, headers: &HeaderMap) -> Result<Asker, Box<Reply>> {
    Asker::of(shared.access.as_ref(), headers, shared.local.now_s()).map_err(|denied| {
        let challenge = match denied {
            Denied::NoToken => "Bearer realm=\"millennium\"",
            Denied::BadToken => "Bearer realm=\"millennium\", error=\"invalid_token\"",
        };
        Box::new(Reply::empty(401).header(WWW_AUTHENTICATE, challenge))
    })
}

/// What of the record an asker sees here, behind that wall.
pub(super) fn lens(shared: &Shared, asker: &Asker, wall: &str) -> Lens {
    if super::leak::is_down(shared, wall) {
        return Lens::default();
    }
    let cross = shared.choices.get("other-organisations") == "results";
    asker.lens().at(HOME, trust::organisation, cross)
}

pub(super) fn smart_configuration(shared: &Shared, base: &str) -> Reply {
    let Some(access) = &shared.access else {
        return super::not_found();
    };
    let style = style(shared);
    let mut scopes: Vec<String> = access
        .clients()
        .iter()
        .flat_map(|client| &client.scopes)
        .flat_map(|scope| scope.written(style))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    let permission = match style {
        Style::V1 => "permission-v1",
        Style::V2 => "permission-v2",
    };
    let told = json!({
        "token_endpoint": token_url(base),
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "scopes_supported": scopes,
        "capabilities": ["client-confidential-symmetric", permission],
    });
    Reply::raw(200, "application/json", told.to_string())
}

fn style(shared: &Shared) -> Style {
    match shared.choices.get("scopes") {
        "v1" => Style::V1,
        _ => Style::V2,
    }
}

pub(super) fn token_endpoint(shared: Arc<Shared>) -> axum::Router {
    let path = "/millennium/tenants/{tenant}/protocols/oauth2/profiles/smart-v1/token";
    axum::Router::new().route(path, post(token)).with_state(shared)
}

async fn token(State(shared): State<Arc<Shared>>, Path(tenant): Path<String>, request: Request) -> Response {
    if tenant != TENANT {
        return answer(StatusCode::FORBIDDEN, "text/plain", NOT_A_TENANT.to_owned());
    }
    let Some(access) = &shared.access else {
        return answer(StatusCode::NOT_FOUND, "text/plain", String::new());
    };
    let (parts, body) = request.into_parts();
    // Known by its headers, before anything it sends is read.
    let Some(client) = access.of_basic(&parts.headers) else {
        let mut response = error(&shared, StatusCode::UNAUTHORIZED, "invalid_client");
        let challenge = HeaderValue::from_static("Basic realm=\"millennium\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return response;
    };
    let Ok(form) = Form::read(body).await else {
        return error(&shared, StatusCode::BAD_REQUEST, "invalid_request");
    };
    match form.field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return error(&shared, StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        None => return error(&shared, StatusCode::BAD_REQUEST, "invalid_request"),
    }
    let Some(scopes) = form.field("scope").and_then(|text| scopes(text, style(&shared))) else {
        return error(&shared, StatusCode::BAD_REQUEST, "invalid_scope");
    };
    let listed: Vec<String> = scopes.iter().map(Scope::to_string).collect();
    let expires_s = shared.local.now_s() + TOKEN_LIFE_S;
    match access.issue(client, scopes, expires_s) {
        Some(token) => json_answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFE_S,
                "scope": listed.join(" "),
            }),
        ),
        None => error(&shared, StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}

/// The scopes asked for, all of them in the version that is taken; no wildcards.
fn scopes(text: &str, style: Style) -> Option<Vec<Scope>> {
    let read = |one: &str| {
        let scope = Scope::parse(one).ok()?;
        (scope.style() == style && scope.resource_type() != "*").then_some(scope)
    };
    let scopes: Vec<Scope> = text.split_ascii_whitespace().map(read).collect::<Option<_>>()?;
    (!scopes.is_empty()).then_some(scopes)
}

/// A refusal says which, and where to read about it; no words of its own.
fn error(shared: &Shared, status: StatusCode, code: &str) -> Response {
    let instance = shared.local.now_ms();
    let uri = format!("urn:eprgw:error:oauth2:{code}:instances:{instance}?tenant={TENANT}");
    json_answer(status, &json!({"error": code, "error_uri": uri}))
}

fn json_answer(status: StatusCode, body: &Value) -> Response {
    answer(status, "application/json", body.to_string())
}

fn answer(status: StatusCode, media_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
