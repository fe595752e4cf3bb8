//! The pages over an API that says what a test wants: hostile text stays text, and nothing changes unasked.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
const ID: &str = "01a20ba5-6879-7311-8ffe-93d304f9330b";

type Asked = Arc<Mutex<Vec<Value>>>;

fn hop() -> Value {
    json!({
        "id": ID, "corr": ID, "at": "2026-11-24T03:41:59.290Z", "in": HOSTILE, "out": HOSTILE, "interface": HOSTILE,
        "via": "mllp", "type": HOSTILE, "control": HOSTILE, "facility": HOSTILE, "patient": {"nhs": HOSTILE, "mrn": HOSTILE},
        "ack": "AA", "ms": 3, "state": "held", "attempts": 1, "cause": HOSTILE, "parent": null,
        "fields": {"mapped": 1, "transformed": 0, "defaulted": 0, "kept": 0, "ignored_by_rule": 0, "lost": 1},
    })
}

/// An API in which every text is hostile; what is asked of it to change is noted.
fn console(asked: &Asked) -> Router {
    let summary =
        json!({"raw_bytes": 9, "peer": HOSTILE, "endpoint": HOSTILE, "state": "routed", "cause": HOSTILE});
    let note = |asked: &Asked| {
        let asked = Arc::clone(asked);
        post(move |Json(body): Json<Value>| async move {
            asked.lock().unwrap().push(body);
            Json(json!({"decided": 1}))
        })
    };
    let line =
        json!({"location": "PID-5.1.1", "outcome": "lost", "target": "", "rule": HOSTILE, "note": HOSTILE});
    let ledger = json!({"ledgers": [{"interface": HOSTILE, "totals": hop()["fields"], "lines": {"leaves_in": 1, "lines": [line]}}]});
    let of = move |value: Value| get(move || async move { Json(value) });
    let system = json!([{"name": HOSTILE, "title": HOSTILE, "mllp": HOSTILE, "fhir": HOSTILE, "people": 1,
        "outbox": {"queued": 0, "delivered": 0, "refused": 0}}]);
    let status = json!({"messages": {"routed": 1}, "deliveries": [{"interface": HOSTILE, "state": "held", "count": 1}],
        "endpoints": [{"name": HOSTILE, "system": HOSTILE, "kind": "mllp", "waiting": 1, "more_on_disk": true, "paused": true}]});
    let raw = format!("MSH|^~\\&|A|B|||||ADT^A01|1|T|2.4\rPID|||1||{HOSTILE}\r");
    let api = Router::new()
        .route("/api/v1/messages", of(json!({"messages": [hop()], "next": null})))
        .route(
            "/api/v1/messages/{id}",
            of(json!({"message": summary, "hops": [hop()], "same_control_id": [HOSTILE]})),
        )
        .route(
            "/api/v1/messages/{id}/raw",
            get({
                let raw = raw.clone();
                || async { raw }
            }),
        )
        .route("/api/v1/messages/{id}/sent", get(|| async { raw }))
        .route("/api/v1/messages/{id}/ledger", of(ledger))
        .route("/api/v1/messages/{id}/resend", note(asked))
        .route(
            "/api/v1/held",
            of(json!({"held": [{"interface": HOSTILE, "cause": HOSTILE, "count": 3, "since_ms": 0}]})),
        )
        .route("/api/v1/held/discard", note(asked))
        .route("/api/v1/status", of(status))
        .route("/api/v1/systems", of(system))
        .route(
            "/api/v1/systems/{system}/faults",
            of(json!([{"fault": HOSTILE, "count": 2}])),
        );
    let (stop, stopping) = watch::channel(false);
    drop(stop);
    console::router(api, "what stands where".into(), stopping)
}

async fn ask(
    console: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let answer = console.clone().oneshot(request).await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
}

const BROWSER: &[(&str, &str)] = &[("accept", "text/html,application/xhtml+xml")];
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn text_from_outside_is_shown_as_text_on_every_page() {
    let console = console(&Asked::default());
    for path in ["/", &format!("/messages/{ID}"), "/held", "/flow"] {
        let (status, headers, page) = ask(&console, "GET", path, BROWSER, "").await;
        assert_eq!(status, StatusCode::OK, "{path}: {page}");
        assert!(page.contains("&lt;script&gt;alert(1)"), "{path} shows it");
        for live in ["<script>alert", "<img src=x", "\"'><"] {
            assert!(!page.contains(live), "{path} lets {live} through");
        }
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert!(
            !page.contains(" style=\"") && !page.contains(" onclick"),
            "nothing inline"
        );
        assert!(
            !page.contains("http://") || path == "/" || page.contains("http://HOST"),
            "nothing from elsewhere"
        );
    }
}

#[tokio::test]
async fn a_change_is_made_for_the_consoles_own_page_alone() {
    let asked = Asked::default();
    let console = console(&asked);
    let path = format!("/messages/{ID}/resend");
    for stranger in [
        &[FORM][..],
        &[FORM, ("sec-fetch-site", "cross-site")],
        &[
            FORM,
            ("origin", "http://evil.example"),
            ("host", "localhost:8575"),
        ],
    ] {
        let (status, _, _) = ask(&console, "POST", &path, stranger, "again=true").await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{stranger:?}");
    }
    assert!(asked.lock().unwrap().is_empty(), "nothing was asked of the API");

    let own = [FORM, ("sec-fetch-site", "same-origin")];
    let (status, headers, _) = ask(&console, "POST", &path, &own, "message=MSH%7C1%0D%0APID%7C2").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert_eq!(headers[header::LOCATION], format!("/messages/{ID}"));
    let (status, _, _) = ask(&console, "POST", "/held/discard", &own, "interface=a&cause=b").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    let asked = asked.lock().unwrap();
    assert_eq!(asked[0], json!({"message": "MSH|1\nPID|2", "again": false}));
    assert_eq!(asked[1], json!({"interface": "a", "cause": "b"}));
}

#[tokio::test]
async fn a_script_gets_the_plain_page_and_what_is_not_there_is_said() {
    let console = console(&Asked::default());
    let (_, headers, page) = ask(&console, "GET", "/", &[("accept", "*/*")], "").await;
    assert_eq!(page, "what stands where");
    assert!(
        headers[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    // The stub API has no such route: the console says what the API said, as a page.
    let own = [FORM, ("sec-fetch-site", "same-origin")];
    let (status, _, page) = ask(&console, "POST", &format!("/messages/{ID}/discard"), &own, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("That cannot be done"));
}

#[tokio::test]
async fn the_stream_of_events_ends_with_the_process() {
    let console = console(&Asked::default());
    let (status, headers, events) = ask(&console, "GET", "/events", &[], "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CONTENT_TYPE], "text/event-stream");
    assert!(events.starts_with("event: now"), "{events}");
}
