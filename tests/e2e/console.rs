//! The console as a browser meets it, over the program itself.

use crate::harness::{Serving, admission};

/// A page, as a browser asks for it.
fn page(serving: &Serving, path: &str) -> (u16, String) {
    let (status, body) = serving.get(&format!("{path} HTTP/1.1\r\nAccept: text/html\r\nX-Rest:"));
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// A form, as the console's own page sends it.
fn press(serving: &Serving, path: &str, form: &str) -> u16 {
    let path = format!(
        "{path} HTTP/1.1\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    serving.post(&path, b"").0
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
    assert_eq!(press(&serving, &path, "again=true"), 303);
    serving.wait_for("the message sent again", |serving| {
        let listed = serving.get_json("/api/v1/messages?type=ADT%5EA01");
        let again = |line: &serde_json::Value| line["parent"] == *id;
        listed["messages"].as_array()?.iter().any(again).then_some(())
    });
    for path in ["/held", "/flow", "/console/style.css", "/console/script.js"] {
        assert_eq!(page(&serving, path).0, 200, "{path}");
    }
    assert_eq!(
        press(
            &serving,
            "/flow/faults",
            "system=epic&fault=nak&count=1&delay-ms="
        ),
        303
    );
    assert_eq!(serving.get_json("/api/v1/systems/epic/faults")[0]["count"], 1);
    assert_eq!(page(&serving, "/messages/none").0, 404);
    assert_eq!(serving.terminate(), Some(0));
}
