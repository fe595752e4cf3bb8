//! What all pages share: the frame, words for states, times, and the request behind a page.

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::{SCRIPT, STYLE};

/// Where a reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Inbox,
    Held,
    Flow,
    Elsewhere,
}

const PLACES: [(Place, &str, &str); 3] = [
    (Place::Inbox, "/", "Inbox"),
    (Place::Held, "/held", "Held"),
    (Place::Flow, "/flow", "Flow"),
];

/// One page, before its content.
pub(crate) struct Page<'p> {
    title: &'p str,
    place: Place,
    /// The API request that says the same.
    request: Option<&'p str>,
    /// Whether it is worth asking for it again when the journal moves.
    live: bool,
}

impl<'p> Page<'p> {
    pub(crate) fn new(title: &'p str, place: Place) -> Self {
        Self {
            title,
            place,
            request: None,
            live: false,
        }
    }

    /// Names the API request that gave this page.
    pub(crate) fn of(mut self, request: &'p str) -> Self {
        self.request = Some(request);
        self
    }

    pub(crate) fn live(mut self) -> Self {
        self.live = true;
        self
    }

    pub(crate) fn render(self, content: &Markup) -> Response {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (self.title) " · EPR Gateway" }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href=(STYLE);
                    script src=(SCRIPT) defer {}
                }
                body data-live[self.live] {
                    header {
                        a.brand href="/" { "EPR Gateway" }
                        nav {
                            @for (place, path, name) in PLACES {
                                a href=(path) aria-current=[(place == self.place).then_some("page")] { (name) }
                            }
                        }
                        span.strip { "Synthetic data only" }
                        span.strip #stream role="status" {}
                    }
                    main { (content) }
                    footer {
                        @if let Some(request) = self.request {
                            span { "The same from a script: " code { "curl -s http://HOST" (request) } }
                        }
                        span.keys { kbd { "j" } kbd { "k" } " move  " kbd { "enter" } " open  " kbd { "/" } " search  " kbd { "g" } " then " kbd { "i" } kbd { "h" } kbd { "f" } " go" }
                    }
                }
            }
        };
        Html(page.into_string()).into_response()
    }
}

/// A state, told by word, shape and colour.
pub(crate) fn state(word: &str) -> Markup {
    let (shape, kind) = look(word);
    html! { span class={ "state " (kind) } { span aria-hidden="true" { (shape) } " " (word) } }
}

/// A destination and what became there; what went well needs no word.
pub(crate) fn became(destination: &str, word: &str) -> Markup {
    let (shape, kind) = look(word);
    html! {
        span class={ "hop state " (kind) } title=(word) {
            span aria-hidden="true" { (shape) } " " (destination)
            @if kind == "good" { span.visually-hidden { " " (word) } } @else { " " (word) }
        }
    }
}

fn look(state: &str) -> (&'static str, &'static str) {
    match state {
        "delivered" | "routed" => ("✔", "good"),
        "queued" | "received" => ("◐", "wait"),
        "held" => ("■", "bad"),
        "rejected" => ("✖", "bad"),
        "unrouted" => ("▲", "warn"),
        _ => ("–", "none"),
    }
}

/// An ACK code, or that there was none.
pub(crate) fn ack(code: Option<&str>) -> Markup {
    let kind = match code {
        Some("AA" | "CA") => "good",
        Some(_) => "bad",
        None => "none",
    };
    html! { span class={ "state " (kind) } { (code.unwrap_or("–")) } }
}

/// `2026-11-24T03:41:59.290Z` as day and time of day.
pub(crate) fn time(at: &str) -> Markup {
    let (day, rest) = at.split_once('T').unwrap_or(("", at));
    html! { time datetime=(at) title=(at) { span.day { (day) } " " (rest.trim_end_matches('Z')) } }
}

/// One hop of a message, as the API tells it everywhere.
#[derive(Clone, Deserialize)]
pub(crate) struct Hop {
    pub(crate) id: String,
    pub(crate) at: String,
    #[serde(rename = "in")]
    pub(crate) source: String,
    pub(crate) out: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) via: String,
    #[serde(rename = "type")]
    pub(crate) event: String,
    pub(crate) control: String,
    pub(crate) facility: String,
    pub(crate) patient: Patient,
    pub(crate) ack: Option<String>,
    pub(crate) ms: Option<i64>,
    pub(crate) fields: Option<Fields>,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) cause: Option<String>,
    pub(crate) parent: Option<String>,
    pub(crate) conflict: Option<String>,
}

/// The numbers a message knows its patient by.
#[derive(Clone, Deserialize)]
pub(crate) struct Patient {
    pub(crate) nhs: Option<String>,
    pub(crate) mrn: Option<String>,
}

/// What became of a message's fields, in numbers.
#[derive(Clone, Deserialize)]
pub(crate) struct Fields {
    pub(crate) mapped: u64,
    pub(crate) transformed: u64,
    pub(crate) defaulted: u64,
    pub(crate) kept: u64,
    pub(crate) ignored_by_rule: u64,
    pub(crate) lost: u64,
}

/// `999 000 0018`.
pub(crate) fn nhs(number: &str) -> String {
    match (number.get(..3), number.get(3..6), number.get(6..)) {
        (Some(one), Some(two), Some(three)) if number.len() == 10 => format!("{one} {two} {three}"),
        _ => number.to_owned(),
    }
}

/// `a=1&b=2` of what is there.
pub(crate) fn query(pairs: &[(&str, Option<&str>)]) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            out.append_pair(name, value);
        }
    }
    out.finish()
}

/// A part of a path.
pub(crate) fn escape(part: &str) -> String {
    form_urlencoded::byte_serialize(part.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_message_stays_text() {
        let rendered = state("<script>alert(1)</script>").into_string();
        assert!(!rendered.contains("<script"), "{rendered}");
        assert!(rendered.contains("&lt;script&gt;"));
    }

    #[test]
    fn a_query_holds_what_is_there() {
        assert_eq!(
            query(&[("a", Some("x^y")), ("b", None), ("c", Some(""))]),
            "a=x%5Ey"
        );
        assert_eq!(nhs("9990000018"), "999 000 0018");
    }
}
