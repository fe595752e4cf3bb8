//! The journal over HTTP: messages, their bytes, their ledgers, and how everything stands.
//!
//! A first form: what the console and scripts need to see what became of a message, and to decide about a held
//! one. Every error is JSON with `error` and `next`, and never holds a value of a message.

mod audit;
mod held;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hl7v2::Message;
use hl7v2::nhs::NhsNumber;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{DeliveryQuery, Journal, MessageId, MessageState};
use translate::Ledger;
use uuid::Uuid;

use crate::config::Face;
use crate::gateway::Shared;
use crate::identify;
use crate::receive::{self, Door};
use crate::translate as stage;

/// Messages on a page of a list.
const PAGE_MAX: usize = 200;
const PAGE_DEFAULT: usize = 50;

type Gateway = Arc<Shared>;

/// The routes under `/api/v1`.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new()
        .route("/api/v1/messages", get(list))
        .route("/api/v1/messages/{id}", get(show))
        .route("/api/v1/messages/{id}/raw", get(raw))
        .route("/api/v1/messages/{id}/ack", get(ack))
        .route("/api/v1/messages/{id}/ledger", get(ledger))
        .route("/api/v1/messages/{id}/sent", get(sent))
        .route("/api/v1/status", get(status))
        .route("/metrics", get(metrics))
        .merge(audit::router())
        .merge(held::router())
        .with_state(gateway)
}

/// A refusal: what is wrong, and what to do next.
#[derive(Debug)]
struct Refusal(StatusCode, String, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1, "next": self.2 }))).into_response()
    }
}

impl From<store::JournalError> for Refusal {
    fn from(error: store::JournalError) -> Self {
        tracing::error!(%error, "the journal could not be read for the API");
        Self(
            StatusCode::SERVICE_UNAVAILABLE,
            "the journal cannot be read at the moment".into(),
            "try again",
        )
    }
}

/// What a list may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// An identifier of the patient.
    patient: Option<String>,
    /// `ADT^A01`, or `ADT`.
    r#type: Option<String>,
    /// Source system.
    system: Option<String>,
    /// `received`, `rejected`, `routed`, `unrouted`, `duplicate`.
    state: Option<String>,
    /// MSH-10.
    control: Option<String>,
    /// `control-id`: only messages whose control id was used before for other content.
    flagged: Option<String>,
    /// Received at or after: RFC 3339.
    from: Option<String>,
    /// Received before: RFC 3339.
    to: Option<String>,
    /// Where the page before ended.
    after: Option<String>,
    limit: Option<usize>,
}

impl Asked {
    fn query(self) -> Result<store::Query, Refusal> {
        let bad = |text: &str| {
            Refusal(
                StatusCode::BAD_REQUEST,
                text.to_owned(),
                "see /api/v1/status for the words used",
            )
        };
        let state = match self.state.as_deref() {
            None => None,
            Some(word) => Some(
                MessageState::from_word(word)
                    .ok_or_else(|| bad("state is one of received, rejected, routed, unrouted, duplicate"))?,
            ),
        };
        let conflict = match self.flagged.as_deref() {
            None => false,
            Some("control-id") => true,
            Some(_) => return Err(bad("flagged is control-id")),
        };
        let (message_code, trigger_event) = match self
            .r#type
            .as_deref()
            .map(|text| text.split_once('^').unwrap_or((text, "")))
        {
            None => (None, None),
            Some((code, event)) => (
                Some(code.to_owned()),
                Some(event.to_owned()).filter(|event| !event.is_empty()),
            ),
        };
        let after = self
            .after
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|_| bad("after is no page token"))?;
        let time = |text: Option<String>| {
            let read = |text: &str| text.parse().map(jiff::Timestamp::as_millisecond);
            text.as_deref()
                .map(read)
                .transpose()
                .map_err(|_| bad("from and to are times like 2026-03-02T10:34:00Z"))
        };
        Ok(store::Query {
            patient: self.patient.as_deref().map(identify::spelled),
            message_code,
            trigger_event,
            system: self.system,
            state,
            control_id: self.control,
            conflict,
            from_ms: time(self.from)?,
            to_ms: time(self.to)?,
            after,
            limit: self.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX),
        })
    }
}

async fn list(
    State(gateway): State<Gateway>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Query(asked) = asked.map_err(|error| {
        Refusal(
            StatusCode::BAD_REQUEST,
            error.body_text(),
            "patient, type, system, state, control, flagged, from, to, after and limit are known",
        )
    })?;
    let page = gateway.journal.search(asked.query()?).await?;
    let mut lines = Vec::new();
    for summary in &page.items {
        if let Some(message) = gateway.journal.message(summary.id).await? {
            lines.extend(lines_of(&gateway, &message, false).await?);
        }
    }
    Ok(Json(json!({ "messages": lines, "next": page.next })))
}

async fn show(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Json<Value>, Refusal> {
    let message = find(&gateway, &id).await?;
    let hops = lines_of(&gateway, &message, true).await?;
    let same_control_id = namesakes(&gateway, &message.summary).await?;
    Ok(Json(json!({
        "message": message.summary,
        "patients": message.patients,
        "hops": hops,
        "same_control_id": same_control_id,
    })))
}

/// Other messages that the same sender sent under this control id: replays, or a control id used twice.
async fn namesakes(gateway: &Gateway, summary: &store::Summary) -> Result<Vec<MessageId>, Refusal> {
    if summary.control_id.is_empty() {
        return Ok(Vec::new());
    }
    let query = store::Query {
        control_id: Some(summary.control_id.clone()),
        limit: PAGE_MAX,
        ..store::Query::default()
    };
    let page = gateway.journal.search(query).await?;
    let sender = |of: &store::Summary| (of.sending_application.clone(), of.sending_facility.clone());
    let others = page
        .items
        .iter()
        .filter(|other| other.id != summary.id && sender(other) == sender(summary));
    Ok(others.map(|other| other.id).collect())
}

async fn raw(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let message = find(&gateway, &id).await?;
    let fhir = message.summary.endpoint == gateway.settings.fhir_path;
    let media_type = if fhir {
        "application/fhir+json"
    } else {
        "x-application/hl7-v2+er7"
    };
    Ok(([(header::CONTENT_TYPE, media_type)], message.raw).into_response())
}

async fn ack(State(gateway): State<Gateway>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let message = find(&gateway, &id).await?;
    match message.ack {
        Some(ack) => Ok(([(header::CONTENT_TYPE, "x-application/hl7-v2+er7")], ack).into_response()),
        None => Err(Refusal(
            StatusCode::NOT_FOUND,
            "no ACK is kept for this message".into(),
            "its sender wanted none, or it is still under way",
        )),
    }
}

/// Which interface's ledger.
#[derive(Debug, Deserialize)]
struct OfInterface {
    interface: Option<String>,
}

async fn ledger(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Query(asked): Query<OfInterface>,
) -> Result<Json<Value>, Refusal> {
    let message = find(&gateway, &id).await?;
    let query = DeliveryQuery {
        message: Some(message.summary.id),
        limit: 1_000,
        ..DeliveryQuery::default()
    };
    let mut ledgers = Vec::new();
    for delivery in gateway.journal.deliveries(query).await?.items {
        if asked
            .interface
            .as_ref()
            .is_some_and(|wanted| *wanted != delivery.interface)
        {
            continue;
        }
        if let Some(ledger) = ledger_of(&gateway, &message, &delivery.interface) {
            ledgers
                .push(json!({ "interface": delivery.interface, "totals": ledger.totals(), "lines": ledger }));
        }
    }
    Ok(Json(json!({ "ledgers": ledgers })))
}

/// What goes over one interface, made anew from what is kept.
async fn sent(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Query(asked): Query<OfInterface>,
) -> Result<Response, Refusal> {
    let message = find(&gateway, &id).await?;
    let none = Refusal(
        StatusCode::NOT_FOUND,
        "nothing of this message goes over such an interface".into(),
        "name one of the message's interfaces: ?interface=",
    );
    let told = asked
        .interface
        .and_then(|interface| tell(&gateway, &message, &interface, None));
    match told.ok_or(none)? {
        stage::Payload::Er7(bytes) => {
            Ok(([(header::CONTENT_TYPE, "x-application/hl7-v2+er7")], bytes).into_response())
        }
        stage::Payload::Bundle(bundle) => {
            let json = fhir::to_vec(bundle.as_ref());
            Ok(([(header::CONTENT_TYPE, "application/fhir+json")], json).into_response())
        }
    }
}

async fn metrics(State(gateway): State<Gateway>) -> Result<Response, Refusal> {
    let counts = gateway.journal.counts().await?;
    let text = gateway.metrics.text(&gateway, &counts);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn status(State(gateway): State<Gateway>) -> Result<Json<Value>, Refusal> {
    let counts = gateway.journal.counts().await?;
    let messages: serde_json::Map<String, Value> = counts
        .messages
        .iter()
        .map(|(state, count)| (state.to_string(), json!(count)))
        .collect();
    let deliveries: Vec<Value> = counts
        .deliveries
        .iter()
        .map(|(interface, state, count)| json!({ "interface": interface, "state": state, "count": count }))
        .collect();
    let endpoints: Vec<Value> = gateway
        .settings
        .endpoints
        .iter()
        .zip(&gateway.lines)
        .filter_map(|(endpoint, line)| {
            let (in_memory, on_disk, paused) = line.as_ref()?.outbox.condition();
            Some(json!({
                "name": endpoint.name,
                "system": endpoint.system,
                "kind": kind_of(&endpoint.face),
                "waiting": in_memory,
                "more_on_disk": on_disk,
                "paused": paused,
            }))
        })
        .collect();
    Ok(Json(
        json!({ "messages": messages, "deliveries": deliveries, "endpoints": endpoints }),
    ))
}

fn kind_of(face: &Face) -> &'static str {
    match face {
        Face::Listen(_) | Face::Send(_) => "mllp",
        Face::Fhir(_) => "fhir",
        Face::Facade(_) => "facade",
    }
}

async fn find(gateway: &Gateway, id: &str) -> Result<store::Message, Refusal> {
    let none = || {
        Refusal(
            StatusCode::NOT_FOUND,
            "there is no message of this id".into(),
            "GET /api/v1/messages lists them",
        )
    };
    let id = Uuid::parse_str(id).map_err(|_| none())?;
    gateway.journal.message(MessageId(id)).await?.ok_or_else(none)
}

/// One hop of a message, as the journal shows it everywhere.
#[derive(Clone, Debug, Serialize)]
struct Line {
    id: MessageId,
    corr: MessageId,
    at: String,
    #[serde(rename = "in")]
    source: String,
    out: Option<String>,
    interface: Option<String>,
    via: &'static str,
    #[serde(rename = "type")]
    event: String,
    control: String,
    facility: String,
    patient: Patient,
    ack: Option<String>,
    ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Value>,
    state: String,
    attempts: u32,
    cause: Option<String>,
    parent: Option<MessageId>,
    /// An earlier message of the same sender and control id, with other content.
    #[serde(skip_serializing_if = "Option::is_none")]
    conflict: Option<MessageId>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Patient {
    nhs: Option<String>,
    mrn: Option<String>,
}

async fn lines_of(gateway: &Shared, message: &store::Message, fields: bool) -> Result<Vec<Line>, Refusal> {
    let query = DeliveryQuery {
        message: Some(message.summary.id),
        limit: 1_000,
        ..DeliveryQuery::default()
    };
    let deliveries = gateway.journal.deliveries(query).await?.items;
    let arrival = arrival(gateway, message);
    if deliveries.is_empty() {
        return Ok(vec![arrival]);
    }
    let hop = |delivery: store::Delivery| {
        let interface = gateway
            .settings
            .interfaces
            .iter()
            .find(|known| known.name == delivery.interface);
        let endpoint = interface.map(|interface| &gateway.settings.endpoints[interface.to]);
        let ended = delivery.state == store::DeliveryState::Delivered;
        let totals = |ledger: Ledger| serde_json::to_value(ledger.totals()).ok();
        Line {
            out: endpoint.map(|endpoint| endpoint.system.clone()),
            via: endpoint.map_or("mllp", |endpoint| kind_of(&endpoint.face)),
            fields: fields
                .then(|| ledger_of(gateway, message, &delivery.interface).and_then(totals))
                .flatten(),
            interface: Some(delivery.interface),
            ms: ended.then(|| delivery.changed_at_ms - message.summary.received_at_ms),
            state: delivery.state.to_string(),
            attempts: delivery.attempts,
            cause: delivery.cause,
            ..arrival.clone()
        }
    };
    Ok(deliveries.into_iter().map(hop).collect())
}

fn arrival(gateway: &Shared, message: &store::Message) -> Line {
    let summary = &message.summary;
    let event = match (summary.message_code.as_str(), summary.trigger_event.as_str()) {
        (code, "") => code.to_owned(),
        (code, event) => format!("{code}^{event}"),
    };
    let at = jiff::Timestamp::from_millisecond(summary.received_at_ms).unwrap_or_default();
    let fhir = summary.endpoint == gateway.settings.fhir_path;
    Line {
        id: summary.id,
        corr: summary.parent.unwrap_or(summary.id),
        at: at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        source: if summary.system.is_empty() {
            summary.endpoint.clone()
        } else {
            summary.system.clone()
        },
        out: None,
        interface: None,
        via: if fhir { "fhir" } else { "mllp" },
        event,
        control: summary.control_id.clone(),
        facility: summary.sending_facility.clone(),
        patient: patient_of(&message.patients),
        ack: message.ack.as_deref().and_then(ack_code),
        ms: None,
        fields: None,
        state: summary.state.to_string(),
        attempts: 0,
        cause: summary.cause.clone(),
        parent: summary.parent,
        conflict: summary.conflict,
    }
}

fn patient_of(identifiers: &[String]) -> Patient {
    let nhs = |identifier: &&String| NhsNumber::parse(identifier).is_some();
    Patient {
        nhs: identifiers.iter().find(nhs).cloned(),
        mrn: identifiers.iter().find(|identifier| !nhs(identifier)).cloned(),
    }
}

fn ack_code(ack: &[u8]) -> Option<String> {
    let message = Message::parse(ack).ok()?;
    hl7v2::ack::read(&message).ok().map(|read| read.code.to_string())
}

/// The account of every field on the way over one interface, made anew from what is kept.
fn ledger_of(gateway: &Shared, message: &store::Message, interface: &str) -> Option<Ledger> {
    let mut ledger = Ledger::new();
    tell(gateway, message, interface, Some(&mut ledger)).map(|_| ledger)
}

/// A message as an interface tells it.
fn tell(
    gateway: &Shared,
    message: &store::Message,
    interface: &str,
    ledger: Option<&mut Ledger>,
) -> Option<stage::Payload> {
    let interface = gateway
        .settings
        .interfaces
        .iter()
        .position(|known| known.name == interface)?;
    let (door, frame): (Door, bytes::Bytes) = receive::reopen(gateway, message).ok()?;
    let parsed = Message::parse(&frame).ok()?;
    let from = door.dialect(gateway, identify::identify(&gateway.settings, &parsed).source);
    stage::translate(gateway, interface, from, &frame, ledger).ok()
}
