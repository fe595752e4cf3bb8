//! The console as a browser meets it, over the program itself.

use crate::harness::{Serving, admission};

/// A page, as a browser asks for it.
fn page(serving: &Serving, path: &str) -> (u16, String) {
    let (status, body) = serving.get(&format!("{path} HTTP/1.1\r\nAccept: text/html\r\nX-Rest:"));
    (status, String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn a_message_is_found_read_and_sent_again_from_the_console() {
    let serving = Serving::start(&[]);
    let (status, empty) = page(&serving, "/");
    assert_eq!(status, 200);
    assert!(empty.contains("Nothing has arrived yet"));

    let hostile = String::from_utf8(admission(1, "PLW00000000000000001"))
        .unwrap()
        .replace("STORM", "<script>alert(1)</script>");
    assert!(serving.send("gateway", hostile.as_bytes()).contains("MSA|AA"));
    let inbox = serving.wait_for("the message in the inbox", |serving| {
        let (_, inbox) = page(serving, "/?type=ADT%5EA01");
        inbox.contains("✔").then_some(inbox)
    });
    let (_, after) = inbox
        .split_once("href=\"/messages/")
        .expect("a link to the message");
    let id = after.get(..36).expect("an id");
    let (status, message) = page(&serving, &format!("/messages/{id}"));
    assert_eq!(status, 200);
    assert!(message.contains("What became of each field") && message.contains("PID-5"));
    assert!(message.contains("&lt;script&gt;alert(1)") && !message.contains("<script>alert"));

    let path = format!("/messages/{id}/resend");
    assert_eq!(
        serving.post(&path, b"").0,
        403,
        "not asked for by a page of the console"
    );
    assert!(serving.press(&path, "again=true").starts_with("http/1.1 303"));
    serving.wait_for("the message sent again", |serving| {
        let listed = serving.get_json("/api/v1/messages?type=ADT%5EA01");
        let again = |line: &serde_json::Value| line["parent"] == *id;
        listed["messages"].as_array()?.iter().any(again).then_some(())
    });
    for path in ["/held", "/flow", "/console/style.css", "/console/script.js"] {
        assert_eq!(page(&serving, path).0, 200, "{path}");
    }
    let switched = serving.press("/flow/faults", "system=epic&fault=nak&count=1&delay-ms=");
    assert!(switched.starts_with("http/1.1 303"), "{switched}");
    assert_eq!(serving.get_json("/api/v1/systems/epic/faults")[0]["count"], 1);
    assert_eq!(page(&serving, "/messages/none").0, 404);
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn a_browser_shows_its_token_once_and_its_session_opens_the_console_alone() {
    let (all, read) = ("a-token-for-everything", "a-token-for-reading");
    let serving = Serving::start_with(&[], &[("EPRGW_TOKEN", all), ("EPRGW_READ_TOKEN", read)], None);
    let with = |headers: &str, path: &str| serving.get(&format!("{path} HTTP/1.1\r\n{headers}\r\nX-Rest:")).0;
    assert_eq!(
        with("Accept: text/html", "/"),
        303,
        "to where a token can be shown"
    );
    assert_eq!(with("Accept: */*", "/"), 401);
    assert_eq!(with("Accept: text/html", "/login"), 200);
    assert_eq!(with("Accept: text/css", "/console/style.css"), 200);
    assert!(
        serving
            .press("/login", "token=a-token-of-nobody")
            .starts_with("http/1.1 401")
    );

    let open = |token: &str| {
        let head = serving.press("/login", &format!("token={token}"));
        assert!(head.starts_with("http/1.1 303"), "{head}");
        let (_, cookie) = head.split_once("set-cookie: ").expect("a cookie");
        assert!(
            cookie.contains("httponly") && cookie.contains("samesite=strict"),
            "{cookie}"
        );
        let session = cookie.split(';').next().unwrap();
        assert!(!session.contains(token));
        format!("Accept: text/html\r\nCookie: {session}")
    };
    let reader = open(read);
    assert_eq!(with(&reader, "/"), 200);
    assert_eq!(
        with(&reader, "/api/v1/messages"),
        401,
        "a session opens the console alone"
    );
    assert_eq!(with(&reader, "/lastword/fhir/r4/Patient?identifier=1"), 401);
    let press_as = |session: &str, path: &str| {
        let path = format!("{path} HTTP/1.1\r\n{session}\r\nX-Rest:");
        serving.press(&path, "interface=a&cause=b")
    };
    assert!(
        press_as(&reader, "/held/discard").starts_with("http/1.1 403"),
        "it may only look"
    );
    assert!(press_as(&open(all), "/held/discard").starts_with("http/1.1 303"));
}
