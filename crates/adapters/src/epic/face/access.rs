//! Who may ask this face: backend services that sign an assertion about themselves, and act as a user of the product.
//!
//! There is no client secret. Refusals are terse: which of the many reasons it was, the client has to find out itself;
//! the log of the mock says it (without the assertion).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use rest::jwt::Algorithm;
use rest::scope::Style;
use rest::{Interaction, Reply};
use serde_json::{Value, json};

use super::outcome::{self, Code};
use super::{BASE, SERVED, html_not_found};
use crate::access::{Asker, Client, Denied, Form, Proof, needs};
use crate::epr::Shared;

const TOKEN_PATH: &str = "/epic/oauth2/token";
const TOKEN_LIFE_S: i64 = 3_600;
/// The most an assertion may live.
const ASSERTION_LIFE_S: i64 = 300;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const ALGORITHMS: &[Algorithm] = &[Algorithm::Rs384, Algorithm::Es384];

/// What a client of this product must have. One without a user is taken and gets no token: that is to be found out.
pub(in crate::epic) fn admits(client: &Client) -> Result<(), &'static str> {
    match &client.proof {
        Proof::Secret(_) => Err("there are no client secrets here; backend services sign with keys"),
        Proof::Keys(_) if !client.organisations.is_empty() => {
            Err("organisations: what is seen here does not depend on them")
        }
        Proof::Keys(_) => Ok(()),
    }
}

/// Where tokens are given, seen from the base of the face.
pub(super) fn token_url(base: &str) -> String {
    format!("{}{TOKEN_PATH}", base.strip_suffix(BASE).unwrap_or(base))
}

/// Without a token that stands, nothing but what the server says about itself.
pub(super) fn turn_away(shared: &Shared, method: &Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
    let open = matches!(path, "/metadata" | "/.well-known/smart-configuration") || method == Method::OPTIONS;
    if open {
        return None;
    }
    asked_by(shared, headers).err().map(Reply::from)
}

/// Who asks, or the answer that none may without a token.
pub(super) fn asked_by(shared: &Shared, headers: &HeaderMap) -> Result<Asker, Box<Reply>> {
    asker(shared, headers).map_err(|denied| Box::new(refuse(denied)))
}

fn refuse(denied: Denied) -> Reply {
    let challenge = match denied {
        Denied::NoToken => "Bearer",
        Denied::BadToken => {
            "Bearer error=\"invalid_token\", error_description=\"The access token provided is invalid\""
        }
    };
    Reply::empty(401).header(WWW_AUTHENTICATE, challenge)
}

/// What the client's registration does not hold.
pub(super) fn forbid(shared: &Shared, interaction: &Interaction, headers: &HeaderMap) -> Option<Reply> {
    let (resource_type, right) = needs(interaction)?;
    let asker = asker(shared, headers).ok()?;
    let served = SERVED.iter().any(|served| served.resource_type == resource_type);
    (served && !asker.may(resource_type, right)).then(|| {
        outcome::refused(403, &[outcome::issue(Code::NotAuthorised, "")])
            .header(WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"")
    })
}

pub(super) fn asker(shared: &Shared, headers: &HeaderMap) -> Result<Asker, Denied> {
    Asker::of(shared.access.as_ref(), headers, shared.local.now_s())
}

fn style(shared: &Shared) -> Style {
    match shared.choices.get("scopes") {
        "v2" => Style::V2,
        _ => Style::V1,
    }
}

fn listed(client: &Client, style: Style) -> Vec<String> {
    let mut scopes: Vec<String> = client
        .scopes
        .iter()
        .flat_map(|scope| scope.written(style))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

pub(super) fn smart_configuration(shared: &Shared, base: &str) -> Reply {
    let Some(access) = &shared.access else {
        return html_not_found();
    };
    let mut scopes: Vec<String> = [Style::V1, Style::V2]
        .into_iter()
        .flat_map(|style| {
            access
                .clients()
                .iter()
                .flat_map(move |client| listed(client, style))
        })
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    let told = json!({
        "token_endpoint": token_url(base),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["token"],
        "scopes_supported": scopes,
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    });
    Reply::raw(200, "application/json", told.to_string())
}

pub(super) fn token_endpoint(shared: Arc<Shared>) -> axum::Router {
    axum::Router::new()
        .route(TOKEN_PATH, post(token))
        .with_state(shared)
}

async fn token(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let Some(access) = &shared.access else {
        return answer(StatusCode::NOT_FOUND, &Value::Null);
    };
    let (parts, body) = request.into_parts();
    let Ok(form) = Form::read(body).await else {
        return refusal("invalid_request");
    };
    match form.field("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return refusal("unsupported_grant_type"),
        None => return refusal("invalid_request"),
    }
    if form.field("client_assertion_type") != Some(ASSERTION_TYPE) {
        return refusal("invalid_client");
    }
    let host = rest::host(&parts.headers, &parts.uri);
    // TLS may end before this port does.
    let audiences = ["http", "https"].map(|scheme| format!("{scheme}://{host}{TOKEN_PATH}"));
    let audiences = audiences.each_ref().map(String::as_str);
    let now_s = shared.local.now_s();
    let assertion = form.field("client_assertion").unwrap_or_default();
    let proven = access.of_assertion(assertion, ALGORITHMS, &audiences, ASSERTION_LIFE_S, now_s);
    let client = match proven {
        Ok(client) => client,
        Err(reason) => {
            tracing::info!(system = shared.vendor.name, %reason, "a client assertion was refused");
            return refusal("invalid_client");
        }
    };
    if client.user.is_none() {
        tracing::info!(
            system = shared.vendor.name,
            client = client.id,
            "the client is mapped to no user"
        );
        return refusal("invalid_client");
    }
    let scope = listed(&client, style(&shared)).join(" ");
    let scopes = client.scopes.clone();
    match access.issue(client, scopes, now_s + TOKEN_LIFE_S) {
        Some(token) => answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFE_S,
                "scope": scope,
            }),
        ),
        None => answer(StatusCode::INTERNAL_SERVER_ERROR, &Value::Null),
    }
}

fn refusal(code: &str) -> Response {
    answer(
        StatusCode::BAD_REQUEST,
        &json!({"error": code, "error_description": null}),
    )
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
