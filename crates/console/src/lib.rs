//! The web console: a window on the gateway's journal, never a second brain.
//!
//! Every page is rendered here, on the server, from answers of the HTTP API, which is asked as any client would ask it;
//! each page says which request that was. There is nothing the console can show or do that a script cannot. The little
//! script of its own refreshes a page when the journal moves and lets keys walk a list; every page works without it.
//!
//! What it refuses: a change asked for by a page of another origin, and anything inline — no text of a message can become
//! markup or script, because all text passes through `maud` and the content policy runs nothing but the console's own file.
//!
//! Neighbours: `cli` hands it the API's router and puts it on the HTTP port; who may ask at all is judged there.

mod events;
mod flow;
mod held;
mod inbox;
mod login;
mod message;
mod origin;
mod page;
mod refusal;
mod window;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::watch;

pub use login::login_page;
use window::Window;

/// Paths that tell nothing about anybody: what a page needs before its reader has shown who they are.
pub const OPEN: &[&str] = &[STYLE, SCRIPT];

const STYLE: &str = "/console/style.css";
const SCRIPT: &str = "/console/script.js";

/// True for the console's own pages: what a browser's session opens, and nothing else.
#[must_use]
pub fn is_page(path: &str) -> bool {
    matches!(path, "/" | "/events")
        || ["/messages/", "/held", "/flow"]
            .iter()
            .any(|start| path.starts_with(start))
}

/// What a browser may do with a page: load its style and script from here, ask here, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The console's pages.
///
/// `api` answers under `/api/v1`; `plain` is what `/` says to a client that is no browser; `stopping` becomes true when
/// the process ends, which ends the streams of events.
pub fn router(api: Router, plain: String, stopping: watch::Receiver<bool>) -> Router {
    let window = Window::new(api, plain, stopping);
    let pages = Router::new()
        .route("/", get(inbox::show))
        .route("/messages/{id}", get(message::show))
        .route("/messages/{id}/resend", post(message::resend))
        .route("/messages/{id}/discard", post(message::discard))
        .route("/held", get(held::show))
        .route("/held/resend", post(held::resend))
        .route("/held/discard", post(held::discard))
        .route("/flow", get(flow::show))
        .route("/flow/faults", post(flow::set_fault))
        .route("/flow/faults/clear", post(flow::clear_faults))
        .route("/events", get(events::stream))
        .route(STYLE, get(style))
        .route(SCRIPT, get(script))
        .with_state(window);
    frame(pages)
}

/// Puts around other pages what the console's own have: changes for this origin alone, nothing inline, nothing cached.
pub fn frame(pages: Router) -> Router {
    pages
        .layer(middleware::from_fn(origin::check))
        .layer(middleware::map_response(harden))
}

async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
    )
}

async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        include_str!("script.js"),
    )
}

/// Adds what keeps a page to itself. Pages name patients, so no cache keeps them.
async fn harden(mut response: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
