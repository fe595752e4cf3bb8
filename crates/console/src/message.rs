//! One message: what came, where it went, what became of every field, and what can be decided about it.

use std::collections::HashMap;

use axum::extract::{Form, Path, Query, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use hl7v2::{Location, Message};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::page::{self, Fields, Hop, Page, Place};
use crate::refusal::Refusal;
use crate::window::Window;

/// Which interface's translation is looked at.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    interface: Option<String>,
}

#[derive(Deserialize)]
struct Shown {
    message: Summary,
    hops: Vec<Hop>,
    same_control_id: Vec<String>,
}

#[derive(Deserialize)]
struct Summary {
    raw_bytes: u64,
    peer: String,
    endpoint: String,
    state: String,
    cause: Option<String>,
}

#[derive(Deserialize)]
struct Ledgers {
    ledgers: Vec<Ledger>,
}

#[derive(Deserialize)]
struct Ledger {
    totals: Fields,
    lines: Lines,
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    location: String,
    outcome: String,
    target: String,
    rule: String,
    note: String,
}

pub(crate) async fn show(
    State(window): State<Window>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let request = format!("/api/v1/messages/{}", page::escape(&id));
    let shown: Shown = window.read(&request).await?;
    let Some(first) = shown.hops.first() else {
        return Err(Refusal::not_found());
    };
    let raw = window.bytes(&format!("{request}/raw")).await?;
    let ack = window.bytes(&format!("{request}/ack")).await.ok();
    let mut ways = shown.hops.iter().filter(|hop| hop.interface.is_some());
    let looked_at = ways
        .clone()
        .find(|hop| hop.interface == wanted.interface)
        .or(ways.next());
    let account = match looked_at.and_then(|hop| hop.interface.as_deref()) {
        Some(interface) => Some(account(&window, &request, interface, &raw).await?),
        None => None,
    };
    let body = html! {
        (heading(first, &shown))
        (hops(&shown, looked_at))
        (decisions(&id, &shown, &raw))
        div.panes {
            section { h2 { "Received" } (er7(&raw)) }
            @if let Some((_, sent)) = &account { section { h2 { "Sent" } (er7(sent)) } }
        }
        @if let Some((table, _)) = account { (table) }
        @if let Some(ack) = ack { section { h2 { "Answered" } (er7(&ack)) } }
    };
    let title = format!("{} {}", first.event, first.control);
    Ok(Page::new(&title, Place::Elsewhere).of(&request).render(&body))
}

/// The ledger of one interface as a table, and what was sent over it.
async fn account(
    window: &Window,
    request: &str,
    interface: &str,
    raw: &[u8],
) -> Result<(Markup, Vec<u8>), Refusal> {
    let interface = page::query(&[("interface", Some(interface))]);
    let ledgers: Ledgers = window.read(&format!("{request}/ledger?{interface}")).await?;
    let sent = window.bytes(&format!("{request}/sent?{interface}")).await?;
    let table = ledgers.ledgers.into_iter().next().map_or_else(
        || html! { p.quiet { "This interface passes messages on as they are; there is no account to show." } },
        |ledger| ledger_table(ledger, raw, &sent),
    );
    Ok((table, sent.to_vec()))
}

fn heading(first: &Hop, shown: &Shown) -> Markup {
    let message = &shown.message;
    html! {
        h1 { span.code { (first.event) } " " span.quiet.code { (first.control) } }
        p {
            (page::state(&message.state)) " from " strong { (first.source) }
            @if !first.facility.is_empty() { " (" (first.facility) ")" }
            " at " (page::time(&first.at)) " UTC, " (message.raw_bytes) " bytes, endpoint " (message.endpoint) ", peer " (message.peer)
            ", answered " (page::ack(first.ack.as_deref()))
        }
        @if let Some(cause) = &message.cause { p.refusal { (cause) } }
        @if let Some(parent) = &first.parent { p { "Sent in the place of " a href={ "/messages/" (parent) } { "an earlier message" } "." } }
        @if let Some(other) = &first.conflict { p.refusal { "Its control id was used before for " a href={ "/messages/" (other) } { "other content" } "." } }
        @if !shown.same_control_id.is_empty() {
            p.quiet { "Under the same control id: " @for id in &shown.same_control_id { a href={ "/messages/" (id) } { (id.get(..8).unwrap_or(id)) } " " } }
        }
    }
}

fn hops(shown: &Shown, looked_at: Option<&Hop>) -> Markup {
    let chosen = looked_at.and_then(|hop| hop.interface.as_deref());
    html! {
        div.wide { table.list {
            thead { tr { th { "Interface" } th { "To" } th { "By" } th { "State" } th.number { "Attempts" } th.number { "ms" } th { "Fields" } th { "Cause" } } }
            tbody {
                @for hop in &shown.hops {
                    @if let Some(interface) = &hop.interface {
                        tr aria-current=[(chosen == Some(interface)).then_some("true")] {
                            td { a href={ "?" (page::query(&[("interface", Some(interface))])) } { (interface) } }
                            td { (hop.out.as_deref().unwrap_or_default()) }
                            td { (hop.via) }
                            td { (page::state(&hop.state)) }
                            td.number { (hop.attempts) }
                            td.number { @if let Some(ms) = hop.ms { (ms) } }
                            td { @if let Some(fields) = &hop.fields { (totals(fields)) } }
                            td { (hop.cause.as_deref().unwrap_or_default()) }
                        }
                    }
                }
            }
        } }
        @if chosen.is_none() { p.quiet { "It went over no interface." } }
    }
}

fn totals(fields: &Fields) -> Markup {
    let parts = [
        (fields.lost, "lost"),
        (fields.mapped, "mapped"),
        (fields.transformed, "transformed"),
        (fields.kept, "kept"),
        (fields.defaulted, "defaulted"),
        (fields.ignored_by_rule, "ignored by rule"),
    ];
    let said = parts.iter().filter(|(count, _)| *count > 0);
    html! { @for (n, (count, word)) in said.enumerate() {
        @if n > 0 { ", " }
        span.bad[*word == "lost"] { (count) " " (word) }
    } }
}

/// Lost first, then what was changed, then what passed as it was.
fn rank(outcome: &str) -> usize {
    const ORDER: [&str; 6] = [
        "lost",
        "defaulted",
        "transformed",
        "kept",
        "ignored by rule",
        "mapped",
    ];
    let outcome = words(outcome);
    ORDER
        .iter()
        .position(|known| *known == outcome)
        .unwrap_or(ORDER.len())
}

/// `ignored-by-rule` as a reader says it.
fn words(outcome: &str) -> String {
    outcome.replace('-', " ")
}

fn ledger_table(ledger: Ledger, raw: &[u8], sent: &[u8]) -> Markup {
    let (received, told) = (Message::parse(raw).ok(), Message::parse(sent).ok());
    let value = |message: &Option<Message<'_>>, place: &str| {
        let location: Location = place.parse().ok()?;
        Some(message.as_ref()?.value(&location).text().into_owned())
    };
    let mut lines = ledger.lines.lines;
    lines.sort_by_key(|line| rank(&line.outcome));
    html! {
        section {
            h2 { "What became of each field" }
            p { (totals(&ledger.totals)) }
            div.wide { table.list.ledger {
                thead { tr { th { "Place" } th { "Received" } th { "Outcome" } th { "Went to" } th { "Sent" } th { "Rule" } th { "Remark" } } }
                tbody { @for line in &lines {
                    tr {
                        td.code { (line.location.trim_end_matches(".1.1")) }
                        td.value { (value(&received, &line.location).unwrap_or_default()) }
                        td { span class={ "state " (if rank(&line.outcome) == 0 { "bad" } else { "none" }) } { (words(&line.outcome)) } }
                        td.code { (line.target.trim_end_matches(".1.1")) }
                        td.value { (value(&told, &line.target).unwrap_or_default()) }
                        td { (line.rule) }
                        td { (line.note) }
                    }
                } }
            } }
        }
    }
}

/// HL7 v2 with a segment on each line, JSON as it stands.
fn er7(bytes: &[u8]) -> Markup {
    let text = String::from_utf8_lossy(bytes);
    html! {
        @if text.trim_start().starts_with('{') {
            pre.er7 { (pretty(&text)) }
        } @else {
            pre.er7 { @for segment in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
                span.segment { b { (segment.get(..3).unwrap_or(segment)) } (segment.get(3..).unwrap_or_default()) "\n" }
            } }
        }
    }
}

/// JSON with its members in their own order.
fn pretty(text: &str) -> String {
    let mut out = Vec::with_capacity(2 * text.len());
    let mut reader = serde_json::Deserializer::from_str(text);
    let told = serde_transcode::transcode(&mut reader, &mut serde_json::Serializer::pretty(&mut out));
    told.ok()
        .and_then(|()| String::from_utf8(out).ok())
        .unwrap_or_else(|| text.to_owned())
}

fn decisions(id: &str, shown: &Shown, raw: &[u8]) -> Markup {
    let held = shown.hops.iter().any(|hop| hop.state == "held");
    let text = String::from_utf8_lossy(raw).replace('\r', "\n");
    html! {
        div.decisions {
            form method="post" action={ "/messages/" (id) "/resend" } {
                @if !held { input type="hidden" name="again" value="true"; }
                button { @if held { "Send the held deliveries again" } @else { "Send once more" } }
            }
            @if held {
                form method="post" action={ "/messages/" (id) "/discard" } { button.danger { "Leave out for good" } }
            }
            details {
                summary { "Edit and send in its place" }
                form method="post" action={ "/messages/" (id) "/resend" } {
                    label.visually-hidden for="edit" { "The message" }
                    textarea #edit name="message" rows="12" spellcheck="false" { (text) }
                    button { "Send in its place" }
                }
            }
        }
    }
}

pub(crate) async fn resend(
    State(window): State<Window>,
    Path(id): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Result<Response, Refusal> {
    let mut body = Map::new();
    for name in ["interface", "message"] {
        if let Some(text) = form.get(name) {
            body.insert(name.to_owned(), Value::from(text.replace("\r\n", "\n")));
        }
    }
    body.insert(
        "again".to_owned(),
        Value::from(form.get("again").is_some_and(|text| text == "true")),
    );
    let path = format!("/api/v1/messages/{}/resend", page::escape(&id));
    let answer = window.change(Method::POST, &path, &Value::from(body)).await?;
    let sent = serde_json::from_slice::<Value>(&answer).ok();
    let to = sent
        .as_ref()
        .and_then(|sent| sent.get("id"))
        .and_then(Value::as_str)
        .unwrap_or(&id);
    Ok(Redirect::to(&format!("/messages/{}", page::escape(to))).into_response())
}

pub(crate) async fn discard(
    State(window): State<Window>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let path = format!("/api/v1/messages/{}/discard", page::escape(&id));
    window
        .change(Method::POST, &path, &Value::from(Map::new()))
        .await?;
    Ok(Redirect::to(&format!("/messages/{}", page::escape(&id))).into_response())
}
