//! What a page says when it cannot be shown or something cannot be done.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;

use crate::page::{Page, Place};

/// Why not, and what to do next.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
    next: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, error: &str, next: &str) -> Self {
        Self {
            status,
            error: error.to_owned(),
            next: next.to_owned(),
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing of this name",
            "go back to the inbox",
        )
    }

    /// The API and the console are of one build; an answer that does not fit is a fault of ours.
    pub(crate) fn unreadable(error: &serde_json::Error) -> Self {
        tracing::error!(
            line = error.line(),
            column = error.column(),
            "an answer of the API does not fit the console"
        );
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the console does not understand the answer",
            "the log says where; please report it",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = html! {
            h1 { "That cannot be done" }
            p.refusal { (self.error) }
            @if !self.next.is_empty() {
                p.quiet { "Next: " (self.next) }
            }
        };
        (self.status, Page::new("Refused", Place::Elsewhere).render(&body)).into_response()
    }
}
