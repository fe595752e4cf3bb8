//! The inbox: messages as they arrived, newest first, each with what became of it.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::page::{self, Hop, Page, Place};
use crate::refusal::Refusal;
use crate::window::Window;

/// Messages on a page.
const PAGE: &str = "50";

/// What a reader looks for; the address holds all of it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    r#type: Option<String>,
    system: Option<String>,
    patient: Option<String>,
    control: Option<String>,
    state: Option<String>,
    after: Option<String>,
}

impl Wanted {
    fn query(&self) -> String {
        page::query(&[
            ("type", self.r#type.as_deref()),
            ("system", self.system.as_deref()),
            ("patient", self.patient.as_deref()),
            ("control", self.control.as_deref()),
            ("state", self.state.as_deref()),
            ("after", self.after.as_deref()),
            ("limit", Some(PAGE)),
        ])
    }

    fn is_narrow(&self) -> bool {
        [
            &self.r#type,
            &self.system,
            &self.patient,
            &self.control,
            &self.state,
            &self.after,
        ]
        .iter()
        .any(|one| one.as_deref().is_some_and(|text| !text.is_empty()))
    }
}

/// The states a message can be in, in the journal's words.
const STATES: [&str; 5] = ["routed", "unrouted", "rejected", "duplicate", "received"];

#[derive(Deserialize)]
struct Listed {
    messages: Vec<Hop>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    messages: BTreeMap<String, u64>,
    deliveries: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    state: String,
    count: u64,
}

pub(crate) async fn show(
    State(window): State<Window>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    if !is_browser(&headers) {
        let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return Ok((plain, window.plain()).into_response());
    }
    let request = format!("/api/v1/messages?{}", wanted.query());
    let listed: Listed = window.read(&request).await?;
    let status: Status = window.read("/api/v1/status").await?;
    let body = html! {
        h1.visually-hidden { "Inbox" }
        (filter(&wanted, &status))
        @if listed.messages.is_empty() {
            (nothing(&window, &wanted))
        } @else {
            (table(&listed.messages))
        }
        @if let Some(next) = &listed.next {
            p { a.button href={ "/?" (Wanted { after: Some(next.clone()), ..wanted }.query()) } rel="next" { "Older" } }
        }
    };
    Ok(Page::new("Inbox", Place::Inbox).of(&request).live().render(&body))
}

/// Scripts get the plain page that says what stands where.
fn is_browser(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn filter(wanted: &Wanted, status: &Status) -> Markup {
    let all: u64 = status.messages.values().sum();
    let held: u64 = status
        .deliveries
        .iter()
        .filter(|one| one.state == "held")
        .map(|one| one.count)
        .sum();
    let field = |name: &str, label: &str, hint: &str, value: &Option<String>| {
        html! { label { (label) input name=(name) value=(value.as_deref().unwrap_or_default()) placeholder=(hint) autocomplete="off" spellcheck="false"; } }
    };
    html! {
        form.filter action="/" method="get" role="search" {
            (field("type", "Event", "ADT^A01", &wanted.r#type))
            (field("system", "From", "system", &wanted.system))
            (field("patient", "Patient", "NHS or hospital number", &wanted.patient))
            (field("control", "Control id", "MSH-10", &wanted.control))
            label { "State"
                select name="state" {
                    option value="" { "any" }
                    @for state in STATES {
                        option value=(state) selected[wanted.state.as_deref() == Some(state)] { (state) }
                    }
                }
            }
            button { "Search" }
            @if wanted.is_narrow() { a href="/" { "All" } }
        }
        p.counts {
            (all) " messages"
            @for (state, count) in &status.messages { " · " (count) " " (state) }
            @if held > 0 { " · " a.bad href="/held" { (held) " deliveries held" } }
        }
    }
}

fn table(hops: &[Hop]) -> Markup {
    let messages = hops.chunk_by(|one, other| one.id == other.id);
    html! {
        div.wide { table.list {
            thead { tr { th { "Received (UTC)" } th { "From" } th { "Event" } th { "NHS number" } th { "Hospital number" } th { "Control id" } th { "ACK" } th { "Became" } th.number { "ms" } } }
            tbody {
                @for hops in messages {
                    @if let Some(first) = hops.first() { (line(first, hops)) }
                }
            }
        } }
    }
}

fn line(first: &Hop, hops: &[Hop]) -> Markup {
    let slowest = hops.iter().filter_map(|hop| hop.ms).max();
    html! {
        tr {
            td { a href={ "/messages/" (first.id) } { (page::time(&first.at)) } }
            td { (first.source) @if !first.facility.is_empty() { span.quiet { " " (first.facility) } } }
            td.code { (first.event) }
            td { (first.patient.nhs.as_deref().map(page::nhs).unwrap_or_default()) }
            td { (first.patient.mrn.as_deref().unwrap_or_default()) }
            td.code { (first.control) @if first.conflict.is_some() { " " span.state.warn title="used before for other content" { "▲ reused" } } }
            td { (page::ack(first.ack.as_deref())) }
            td {
                @for hop in hops {
                    @match &hop.out {
                        Some(out) => { (page::became(out, &hop.state)) }
                        None => { (page::state(&hop.state)) }
                    }
                }
            }
            td.number { @if let Some(ms) = slowest { (ms) } }
        }
    }
}

fn nothing(window: &Window, wanted: &Wanted) -> Markup {
    html! {
        @if wanted.is_narrow() {
            p { "No message fits. " a href="/" { "Show all" } }
        } @else {
            p { "Nothing has arrived yet. Send the first messages from another terminal:" }
            pre { "eprgw replay fixtures/messages --to gateway" }
            p { "What stands where:" }
            pre { (window.plain()) }
        }
    }
}
