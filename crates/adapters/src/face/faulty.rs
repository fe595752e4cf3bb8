//! Faults of a FHIR face: the answer that stands in for the product's own, or what becomes of it on the way.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, StatusCode, header};
use rest::outcome::outcome;

use crate::epr::Shared;
use crate::fault::FaultKind;

/// The same router, through whatever faults stand when a request comes.
pub(crate) fn faulty(router: axum::Router, shared: Arc<Shared>) -> axum::Router {
    router.layer(from_fn_with_state(shared, strike))
}

async fn strike(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let faults = &shared.faults;
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    for (kind, status, code) in [
        (FaultKind::Fhir401, StatusCode::UNAUTHORIZED, "login"),
        (FaultKind::Fhir412, StatusCode::PRECONDITION_FAILED, "conflict"),
        (FaultKind::Fhir429, StatusCode::TOO_MANY_REQUESTS, "throttled"),
        (FaultKind::Fhir503, StatusCode::SERVICE_UNAVAILABLE, "transient"),
    ] {
        if (kind != FaultKind::Fhir412 || writes) && faults.strikes(kind).is_some() {
            return refused(status, code);
        }
    }
    let answer = next.run(request).await;
    if let Some(fault) = faults.strikes(FaultKind::FhirSlow) {
        tokio::time::sleep(fault.wait()).await;
    }
    match faults.strikes(FaultKind::FhirTruncated) {
        Some(_) => torn(answer).await,
        None => answer,
    }
}

fn refused(status: StatusCode, code: &str) -> Response {
    let text = "a fault that was switched on; the request was not heard";
    let body = fhir::to_vec(&fhir::Resource::from(outcome("error", code, text)));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let json = rest::Format::Json.media_type();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(json));
    if status == StatusCode::UNAUTHORIZED {
        let wanted = "Bearer error=\"invalid_token\", error_description=\"The access token expired\"";
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(wanted));
    }
    if matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Between the half of an answer and the end of its line.
const BREATH: std::time::Duration = std::time::Duration::from_millis(50);

/// The first half of an answer, and then the line breaks.
async fn torn(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = bytes.slice(..bytes.len() / 2);
    // The half must be on the wire before the line breaks, or nothing of it arrives.
    let start = stream::iter([Ok(half)]);
    let end = stream::once(async {
        tokio::time::sleep(BREATH).await;
        Err(std::io::Error::other("a fault that was switched on"))
    });
    Response::from_parts(parts, Body::from_stream(start.chain(end)))
}
