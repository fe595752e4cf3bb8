//! What is held, by interface and cause, as a post room sorts what came back.

use axum::extract::{Form, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use serde_json::json;

use crate::page::{Page, Place};
use crate::refusal::Refusal;
use crate::window::Window;

#[derive(Deserialize)]
struct Held {
    held: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    interface: String,
    cause: String,
    count: u64,
}

/// Which of them a decision is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Chosen {
    interface: String,
    cause: String,
}

pub(crate) async fn show(State(window): State<Window>) -> Result<Response, Refusal> {
    let request = "/api/v1/held";
    let Held { held } = window.read(request).await?;
    let body = html! {
        h1 { "Held" }
        p.quiet { "Deliveries that no further attempt would bring about. Others pass meanwhile; each message keeps its place in its patient's order." }
        @if held.is_empty() {
            p { "Nothing is held." }
        } @else {
            div.wide { table.list {
                thead { tr { th.number { "Deliveries" } th { "Interface" } th { "Cause" } th { "Decide" } } }
                tbody { @for one in &held {
                    tr {
                        td.number { (one.count) }
                        td { (one.interface) }
                        td { (one.cause) }
                        td { form.inline method="post" {
                            input type="hidden" name="interface" value=(one.interface);
                            input type="hidden" name="cause" value=(one.cause);
                            button formaction="/held/resend" { "Send all again" }
                            button.danger formaction="/held/discard" { "Leave all out" }
                        } }
                    }
                } }
            } }
        }
    };
    Ok(Page::new("Held", Place::Held).of(request).live().render(&body))
}

pub(crate) async fn resend(window: State<Window>, chosen: Form<Chosen>) -> Result<Response, Refusal> {
    decide(window, chosen, "/api/v1/held/resend").await
}

pub(crate) async fn discard(window: State<Window>, chosen: Form<Chosen>) -> Result<Response, Refusal> {
    decide(window, chosen, "/api/v1/held/discard").await
}

async fn decide(
    State(window): State<Window>,
    Form(Chosen { interface, cause }): Form<Chosen>,
    path: &str,
) -> Result<Response, Refusal> {
    let body = json!({ "interface": interface, "cause": cause });
    window.change(Method::POST, path, &body).await?;
    Ok(Redirect::to("/held").into_response())
}
