//! Traces: a collector gets each stage of a message under the message's own id, and nothing is sent unasked.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use crate::harness::{Serving, admission, eprgw};

/// A collector of a few lines: takes every request, says 200, keeps what it was sent.
struct Collector {
    address: std::net::SocketAddr,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let into = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in socket.incoming() {
                let (mut stream, into) = (stream.unwrap(), Arc::clone(&into));
                std::thread::spawn(move || {
                    let (mut bytes, mut block) = (Vec::new(), [0; 8192]);
                    while let Ok(count @ 1..) = stream.read(&mut block) {
                        bytes.extend_from_slice(&block[..count]);
                        if whole(&bytes) {
                            into.lock().unwrap().push(std::mem::take(&mut bytes));
                            let ok = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                            stream.write_all(ok).unwrap();
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    fn has(&self, what: &[u8]) -> bool {
        let heard = self.heard.lock().unwrap();
        heard
            .iter()
            .any(|request| request.windows(what.len()).any(|window| window == what))
    }
}

fn whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let length = text.split_once("content-length: ").map_or(0, |(_, rest)| {
        rest.lines().next().unwrap().trim().parse::<usize>().unwrap()
    });
    request.len() >= end + 4 + length
}

#[test]
fn a_collector_gets_every_stage_of_a_message_under_its_own_id() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_SERVICE_NAME", "gateway-of-a-test"),
    ];
    let serving = Serving::start_with(&["--empty"], &variables, None);
    assert!(
        collector.heard.lock().unwrap().is_empty(),
        "nothing is sent while nothing happens"
    );
    serving.send("gateway", &admission(7, "TRACED1"));
    let messages = serving.get_json("/api/v1/messages?limit=1");
    let told = messages.to_string();
    let (_, id) = told.split_once("\"id\":\"").expect("a message with an id");
    let hex: String = id.chars().take(36).filter(char::is_ascii_hexdigit).collect();
    let trace = u128::from_str_radix(&hex, 16).unwrap().to_be_bytes();
    for what in [
        &trace[..],
        b"message",
        b"record",
        b"translate",
        b"deliver",
        b"taken",
        b"gateway-of-a-test",
        b"POST /v1/traces",
    ] {
        let name = String::from_utf8_lossy(what).into_owned();
        serving.wait_for(&name, |_| collector.has(what).then_some(()));
    }
    assert!(!collector.has(b"STORM"), "no patient in a trace");
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn a_collector_that_is_not_there_holds_up_nobody() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://{nobody}");
    let serving = Serving::start_with(&["--empty"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)], None);
    for number in 0..20 {
        let answer = serving.send("gateway", &admission(number, &format!("T{number}")));
        assert!(answer.contains("MSA|AA|"), "{answer}");
    }
    assert_eq!(serving.terminate(), Some(0));
}

#[test]
fn a_collector_behind_another_protocol_is_refused_at_start() {
    let binary = eprgw(&["--version"]);
    assert_eq!(binary.status.code(), Some(0));
    let refused = std::process::Command::new(crate::harness::program())
        .args(["serve", "--empty", "--http", "0", "--mllp", "0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector.example")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{words}");
}
