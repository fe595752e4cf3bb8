//! The held messages over HTTP: grouped by cause, sent again, mended, left out.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Journal, JournalError};

use super::{Gateway, Refusal, find};
use crate::deliver::held::{self, Fate, Filter};
use crate::deliver::resend::{self, Refused};

pub(super) fn router() -> Router<Gateway> {
    Router::new()
        .route("/api/v1/messages/{id}/resend", post(resend_one))
        .route("/api/v1/messages/{id}/discard", post(discard_one))
        .route("/api/v1/held", get(causes))
        .route("/api/v1/held/resend", post(resend_many))
        .route("/api/v1/held/discard", post(discard_many))
}

/// What is to happen to one message. A JSON body is asked for although it may be `{}`: no page of another
/// origin can send one unasked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    /// Only over this interface.
    interface: Option<String>,
    /// Sent in its place: HL7 v2, or a Bundle where it came as one. Line feeds will do between segments.
    message: Option<String>,
    /// Sent once more although nothing of it is held.
    #[serde(default)]
    again: bool,
}

/// Which held messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    interface: Option<String>,
    cause: Option<String>,
    /// Every held message, if no condition is given.
    #[serde(default)]
    all: bool,
}

async fn causes(State(gateway): State<Gateway>) -> Result<Json<Value>, Refusal> {
    Ok(Json(json!({ "held": gateway.journal.held_causes().await? })))
}

async fn resend_one(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Json(asked): Json<One>,
) -> Result<Json<Value>, Refusal> {
    let message = find(&gateway, &id).await?;
    let interface = asked.interface.as_deref();
    let bytes = match &asked.message {
        Some(text) if text.contains('\r') || text.trim_start().starts_with('{') => Bytes::from(text.clone()),
        Some(text) => Bytes::from(text.replace('\n', "\r")),
        None => {
            let decided = held::decide(&gateway, message.summary.id, interface, Fate::Resend).await?;
            match (decided, asked.again) {
                (0, false) => return Err(nothing_held()),
                (0, true) => message.raw.clone(),
                _ => return Ok(Json(json!({ "decided": decided }))),
            }
        }
    };
    let sent = resend::send(&gateway, &message, interface, bytes)
        .await
        .map_err(refused)?;
    Ok(Json(
        json!({ "decided": 1, "id": sent, "parent": message.summary.id }),
    ))
}

async fn discard_one(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Json(asked): Json<One>,
) -> Result<Json<Value>, Refusal> {
    let message = find(&gateway, &id).await?.summary.id;
    match held::decide(&gateway, message, asked.interface.as_deref(), Fate::Discard).await? {
        0 => Err(nothing_held()),
        decided => Ok(Json(json!({ "decided": decided }))),
    }
}

async fn resend_many(
    State(gateway): State<Gateway>,
    Json(asked): Json<Many>,
) -> Result<Json<Value>, Refusal> {
    decide_many(&gateway, asked, Fate::Resend).await
}

async fn discard_many(
    State(gateway): State<Gateway>,
    Json(asked): Json<Many>,
) -> Result<Json<Value>, Refusal> {
    decide_many(&gateway, asked, Fate::Discard).await
}

async fn decide_many(gateway: &Gateway, asked: Many, fate: Fate) -> Result<Json<Value>, Refusal> {
    if asked.interface.is_none() && asked.cause.is_none() && !asked.all {
        return Err(Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no condition is given".into(),
            "give interface, cause, or \"all\": true",
        ));
    }
    let filter = Filter {
        interface: asked.interface,
        cause: asked.cause,
    };
    let decided = held::decide_all(gateway, &filter, fate).await?;
    Ok(Json(json!({ "decided": decided })))
}

fn nothing_held() -> Refusal {
    Refusal(
        StatusCode::CONFLICT,
        "no delivery of this message is held".into(),
        "GET /api/v1/messages/{id} shows how its deliveries stand; \"again\": true sends it once more",
    )
}

fn refused(why: Refused) -> Refusal {
    match why {
        Refused::Message(failure) => Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            failure.to_string(),
            "mend the message at that place and send it again; nothing was changed",
        ),
        Refused::Elsewhere(interface) => Refusal(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("this message would not go over {interface}"),
            "keep sender, event and facility as they were; nothing was changed",
        ),
        Refused::NoSuchWay => nothing_held(),
        Refused::Journal(JournalError::Refused(_)) => Refusal(
            StatusCode::CONFLICT,
            "somebody else has decided about this message".into(),
            "GET /api/v1/messages/{id} shows how its deliveries stand",
        ),
        Refused::Journal(error) => error.into(),
    }
}
