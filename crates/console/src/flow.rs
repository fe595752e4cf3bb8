//! Who speaks to whom, what waits on the way, and what is made to go wrong.

use std::collections::BTreeMap;

use axum::extract::{Form, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::page::{self, Page, Place};
use crate::refusal::Refusal;
use crate::window::Window;

#[derive(Deserialize)]
struct Status {
    deliveries: Vec<Count>,
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Count {
    interface: String,
    state: String,
    count: u64,
}

#[derive(Deserialize)]
struct Endpoint {
    name: String,
    system: String,
    kind: String,
    waiting: u64,
    more_on_disk: bool,
    paused: bool,
}

#[derive(Deserialize)]
struct System {
    name: String,
    title: String,
    mllp: String,
    fhir: Option<String>,
    people: u64,
    outbox: Outbox,
}

#[derive(Deserialize)]
struct Outbox {
    queued: u64,
    delivered: u64,
    refused: u64,
}

/// The faults a reader can switch on here, in the API's words.
const FAULTS: [(&str, &str); 12] = [
    ("latency", "answers late"),
    ("nak", "refuses what comes"),
    ("lost-ack", "hears and never answers"),
    ("wrong-msa-2", "answers another message"),
    ("disconnect", "cuts the line"),
    ("duplicate", "sends its own twice"),
    ("reorder", "sends its own out of order"),
    ("corrupt", "sends its own torn"),
    ("hold", "sends nothing"),
    ("fhir-429", "FHIR: too many requests"),
    ("fhir-503", "FHIR: not available"),
    ("fhir-slow", "FHIR: slow"),
];

pub(crate) async fn show(State(window): State<Window>) -> Result<Response, Refusal> {
    let request = "/api/v1/status";
    let status: Status = window.read(request).await?;
    let systems: Vec<System> = window.read("/api/v1/systems").await?;
    let mut standing = Vec::new();
    for system in &systems {
        standing.push(faults(&window, &system.name).await?);
    }
    let body = html! {
        h1 { "Flow" }
        (interfaces(&status.deliveries))
        (endpoints(&status.endpoints))
        h2 { "Systems" }
        div.wide { table.list {
            thead { tr { th { "System" } th { "HL7 v2" } th { "FHIR R4" } th.number { "People" } th.number { "Waiting to leave" } th.number { "Left" } th.number { "Refused" } th { "Made to go wrong" } } }
            tbody { @for (system, faults) in systems.iter().zip(&standing) { (line(system, faults)) } }
        } }
        (switch(&systems))
    };
    Ok(Page::new("Flow", Place::Flow).of(request).live().render(&body))
}

async fn faults(window: &Window, system: &str) -> Result<Vec<Map<String, Value>>, Refusal> {
    window.read(&faults_of(system)).await
}

fn interfaces(deliveries: &[Count]) -> Markup {
    let mut states: Vec<&str> = deliveries.iter().map(|one| one.state.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for one in deliveries {
        counts
            .entry(&one.interface)
            .or_default()
            .insert(&one.state, one.count);
    }
    html! {
        h2 { "Interfaces" }
        @if counts.is_empty() { p.quiet { "Nothing has gone over any interface yet." } }
        @else { div.wide { table.list {
            thead { tr { th { "Interface" } @for state in &states { th.number { (page::state(state)) } } } }
            tbody { @for (interface, of) in &counts {
                tr { td { (interface) } @for state in &states { td.number { (of.get(state).copied().unwrap_or(0)) } } }
            } }
        } } }
    }
}

fn endpoints(endpoints: &[Endpoint]) -> Markup {
    html! {
        h2 { "Destinations" }
        div.wide { table.list {
            thead { tr { th { "Endpoint" } th { "System" } th { "By" } th.number { "Waiting" } th { "State" } } }
            tbody { @for one in endpoints {
                tr {
                    td { (one.name) } td { (one.system) } td { (one.kind) }
                    td.number { (one.waiting) @if one.more_on_disk { " and more on disk" } }
                    td { @if one.paused { span.state.bad { "■ paused: everything is refused there" } } @else if one.waiting > 0 { (page::state("queued")) } @else { span.state.good { "✔ nothing waits" } } }
                }
            } }
        } }
    }
}

fn line(system: &System, faults: &[Map<String, Value>]) -> Markup {
    html! {
        tr {
            td { strong { (system.name) } " " span.quiet { (system.title) } }
            td.code { (system.mllp) }
            td.code { @if let Some(path) = &system.fhir { a href={ (path) "/metadata" } { (path) } } }
            td.number { (system.people) }
            td.number { (system.outbox.queued) }
            td.number { (system.outbox.delivered) }
            td.number { (system.outbox.refused) }
            td {
                @for fault in faults {
                    div.bad { "▲ " @for (n, (name, value)) in fault.iter().enumerate() { @if n > 0 { ", " } @if name != "fault" { (name) " " } (bare(value)) } }
                }
                @if !faults.is_empty() {
                    form.inline method="post" action="/flow/faults/clear" { input type="hidden" name="system" value=(system.name); button { "Clear" } }
                }
            }
        }
    }
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn switch(systems: &[System]) -> Markup {
    html! {
        h2 { "Make something go wrong" }
        form.filter method="post" action="/flow/faults" {
            label { "System" select name="system" { @for system in systems { option { (system.name) } } } }
            label { "Fault" select name="fault" { @for (name, words) in FAULTS { option value=(name) { (name) " – " (words) } } } }
            label { "How often" input name="count" type="number" min="1" placeholder="for ever"; }
            label { "Milliseconds" input name="delay-ms" type="number" min="1" placeholder="where it waits"; }
            button { "Switch on" }
        }
    }
}

/// A fault as the form asks for it; numbers come as text, and may be empty.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Asked {
    system: String,
    fault: String,
    #[serde(default)]
    count: String,
    #[serde(default)]
    delay_ms: String,
}

pub(crate) async fn set_fault(
    State(window): State<Window>,
    Form(asked): Form<Asked>,
) -> Result<Response, Refusal> {
    let mut fault = Map::new();
    fault.insert("fault".to_owned(), Value::from(asked.fault));
    for (name, text) in [("count", &asked.count), ("delay-ms", &asked.delay_ms)] {
        if let Ok(number) = text.parse::<u64>() {
            fault.insert(name.to_owned(), Value::from(number));
        }
    }
    let mut standing = faults(&window, &asked.system).await?;
    standing.push(fault);
    put(&window, &asked.system, standing).await
}

/// Of which system.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    system: String,
}

pub(crate) async fn clear_faults(
    State(window): State<Window>,
    Form(named): Form<Named>,
) -> Result<Response, Refusal> {
    put(&window, &named.system, Vec::new()).await
}

async fn put(window: &Window, system: &str, faults: Vec<Map<String, Value>>) -> Result<Response, Refusal> {
    let faults = Value::from_iter(faults);
    window.change(Method::PUT, &faults_of(system), &faults).await?;
    Ok(Redirect::to("/flow").into_response())
}

fn faults_of(system: &str) -> String {
    format!("/api/v1/systems/{}/faults", page::escape(system))
}
