//! The audit record over HTTP: as FHIR AuditEvents, and whether it is whole.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{AuditEntry, DeliveryState, Happened, Journal, MessageState};

use super::{Gateway, Refusal};

/// Events on a page.
const PAGE_MAX: usize = 1_000;
const PAGE_DEFAULT: usize = 100;

pub(super) fn router() -> Router<Gateway> {
    Router::new()
        .route("/api/v1/audit", get(events))
        .route("/api/v1/audit/verify", post(verify))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    after: Option<String>,
    limit: Option<usize>,
}

async fn events(State(gateway): State<Gateway>, Query(asked): Query<Asked>) -> Result<Response, Refusal> {
    let after = asked.after.as_deref().map(str::parse).transpose().map_err(|_| {
        Refusal(
            StatusCode::BAD_REQUEST,
            "after is no page token".into(),
            "take it from the link called next",
        )
    })?;
    let limit = asked.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let page = gateway.journal.audit(after, limit).await?;
    let entries: Vec<Value> = page
        .items
        .iter()
        .map(|entry| json!({ "resource": event(entry) }))
        .collect();
    let mut bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    if let Some(next) = page.next {
        let url = format!("/api/v1/audit?limit={limit}&after={next}");
        bundle["link"] = json!([{ "relation": "next", "url": url }]);
    }
    Ok((
        [(header::CONTENT_TYPE, "application/fhir+json")],
        bundle.to_string(),
    )
        .into_response())
}

/// One entry as a FHIR R4 AuditEvent. It names messages and deliveries, and nobody.
fn event(entry: &AuditEntry) -> Value {
    const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
    let (code, display, action, state, outcome) = match entry.what {
        Happened::Recorded { state, .. } => ("110107", "Import", "C", state.as_str(), of_message(state)),
        Happened::Settled(state) => ("110107", "Import", "U", state.as_str(), of_message(state)),
        Happened::Delivery { state, .. } => ("110106", "Export", "U", state.as_str(), of_delivery(state)),
    };
    let mut detail = vec![json!({ "type": "state", "valueString": state })];
    match entry.what {
        Happened::Recorded { content, .. } => {
            let hash: String = content.0.iter().map(|byte| format!("{byte:02x}")).collect();
            detail.push(json!({ "type": "sha256", "valueString": hash }));
        }
        Happened::Delivery { ordinal, .. } => {
            detail.push(json!({ "type": "delivery", "valueString": ordinal.to_string() }));
        }
        Happened::Settled(_) => {}
    }
    let at = jiff::Timestamp::from_millisecond(entry.at_ms).unwrap_or_default();
    json!({
        "resourceType": "AuditEvent",
        "type": { "system": DICOM, "code": code, "display": display },
        "action": action,
        "recorded": at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "outcome": outcome,
        "agent": [{
            "type": { "coding": [{ "system": DICOM, "code": "110150", "display": "Application" }] },
            "who": { "display": "EPR Gateway" },
            "requestor": false,
        }],
        "source": { "observer": { "display": "EPR Gateway" } },
        "entity": [{
            "what": { "identifier": { "system": "urn:ietf:rfc:3986", "value": format!("urn:uuid:{}", entry.message) } },
            "detail": detail,
        }],
    })
}

/// Table audit-event-outcome: 0 success, 4 minor failure.
fn of_message(state: MessageState) -> &'static str {
    match state {
        MessageState::Rejected | MessageState::Unrouted => "4",
        MessageState::Received | MessageState::Routed | MessageState::Duplicate => "0",
    }
}

fn of_delivery(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Held => "4",
        DeliveryState::Queued | DeliveryState::Delivered | DeliveryState::Filtered => "0",
    }
}

async fn verify(State(gateway): State<Gateway>) -> Result<Json<Value>, Refusal> {
    let verdict = gateway.journal.verify_audit().await?;
    Ok(Json(
        json!({ "whole": verdict.faults.is_empty(), "found": verdict }),
    ))
}
