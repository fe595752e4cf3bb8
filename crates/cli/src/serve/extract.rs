//! What a mock EPR holds, for whoever reconciles a migration: its extract and the truth about its seeded dirt.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;

use super::http::{Running, epr_of, refuse};

pub(super) fn routes() -> Router<Arc<Running>> {
    Router::new()
        .route("/api/v1/systems/{system}/extract", get(parts))
        .route("/api/v1/systems/{system}/extract/{file}", get(part))
        .route("/api/v1/systems/{system}/truth", get(truth))
}

/// The parts of an extract: rows of the table, messages of the stream, and where both are.
async fn parts(State(running): State<Arc<Running>>, Path(system): Path<String>) -> Response {
    let epr = match epr_of(&running, &system) {
        Ok(epr) => epr,
        Err(refusal) => return *refusal,
    };
    let listed: Vec<_> = epr
        .extract()
        .iter()
        .map(|part| {
            let place = format!("/api/v1/systems/{system}/extract/{}", part.name);
            json!({
                "part": part.name,
                "rows": part.rows,
                "messages": part.messages.len(),
                "csv": format!("{place}.csv"),
                "hl7": format!("{place}.hl7"),
            })
        })
        .collect();
    Json(listed).into_response()
}

/// One part as a table (`patients.csv`) or as a stream of messages (`patients.hl7`).
async fn part(State(running): State<Arc<Running>>, Path((system, file)): Path<(String, String)>) -> Response {
    let epr = match epr_of(&running, &system) {
        Ok(epr) => epr,
        Err(refusal) => return *refusal,
    };
    let parts = epr.extract();
    let named = |suffix: &str| {
        let name = file.strip_suffix(suffix)?;
        parts.iter().find(|part| part.name == name)
    };
    if let Some(part) = named(".csv") {
        return (
            [(header::CONTENT_TYPE, "text/csv; charset=utf-8")],
            part.csv.clone(),
        )
            .into_response();
    }
    if let Some(part) = named(".hl7") {
        let stream = part.messages.concat();
        return ([(header::CONTENT_TYPE, "x-application/hl7-v2+er7")], stream).into_response();
    }
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    let words = format!(
        "no such part; there are {}, each as .csv and .hl7",
        names.join(", ")
    );
    *refuse(StatusCode::NOT_FOUND, words)
}

/// What is wrong with the seeded people, and what is right.
async fn truth(State(running): State<Arc<Running>>, Path(system): Path<String>) -> Response {
    match epr_of(&running, &system) {
        Ok(epr) => Json(epr.truth()).into_response(),
        Err(refusal) => *refusal,
    }
}
