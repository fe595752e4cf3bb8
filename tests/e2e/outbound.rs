//! Content opens no connection: an address in every field, element, attachment, entity and header that could hold one,
//! and nobody comes to it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::{Serving, admission, nhs_number};

/// Someone to be called by mistake: counts whoever comes, and what for.
struct Bait {
    url: String,
    visits: Arc<AtomicUsize>,
}

impl Bait {
    fn lay() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/bait", socket.local_addr().unwrap());
        let visits = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visits);
        std::thread::spawn(move || {
            while socket.accept().is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { url, visits }
    }
}

/// An admission with the address wherever HL7 v2 has room for one.
fn baited(n: usize, url: &str) -> Vec<u8> {
    let text = String::from_utf8(admission(n, &format!("BAIT{n}"))).unwrap();
    let url = url.replace('&', "\\T\\");
    let more = [
        format!("NK1|1|NEXT^KIN||1 ROAD^^LONDON|{url}^NET^Internet^{url}"),
        format!("OBX|1|RP|IMG^IMAGE^L||{url}^EPR^IM^JPEG||||||F"),
        format!("OBX|2|ED|DOC^LETTER^L||{url}^AP^PDF^Base64^aHR0cDovLw==||||||F"),
        format!("OBX|3|TX|URL^ADDRESS^L||see {url} and <img src=\"{url}\">||||||F"),
        format!("ZLC|1|{url}|{url}^{url}"),
    ];
    text.replace("|ROUTE|ZZ|", &format!("|{url}^{url}^DNS|{url}^{url}^DNS|"))
        .replace(
            "||19700101|F|||",
            &format!("||19700101|F|||{url}^^LONDON||{url}^NET^Internet|||||||{url}||||||{url}||"),
        )
        .into_bytes()
        .into_iter()
        .chain(format!("\r{}\r", more.join("\r")).into_bytes())
        .collect()
}

/// A message Bundle of which every address is the bait.
fn bundle(url: &str, n: usize) -> Vec<u8> {
    json!({
        "resourceType": "Bundle", "type": "message", "implicitRules": url,
        "meta": {"profile": [url], "source": url},
        "link": [{"relation": "next", "url": url}],
        "entry": [
            {"fullUrl": url, "resource": {
                "resourceType": "MessageHeader", "eventCoding": {"system": "http://terminology.hl7.org/CodeSystem/v2-0003", "code": "A28"},
                "source": {"name": "CARECAST", "endpoint": url},
                "destination": [{"endpoint": url, "receiver": {"reference": url}}],
                "definition": url, "response": {"identifier": "1", "code": "ok", "details": {"reference": url}},
                "focus": [{"reference": format!("{url}/Patient/1")}]}},
            {"fullUrl": format!("{url}/Patient/1"), "request": {"method": "POST", "url": url}, "resource": {
                "resourceType": "Patient", "id": "1", "implicitRules": url, "meta": {"profile": [url]},
                "text": {"status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\"><img src=\"{url}\"/></div>")},
                "extension": [{"url": url, "valueUrl": url}, {"url": url, "valueAttachment": {"url": url}}],
                "identifier": [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs_number(n)}],
                "name": [{"family": "BAITED"}], "photo": [{"contentType": "image/png", "url": url}],
                "telecom": [{"system": "url", "value": url}],
                "managingOrganization": {"reference": url}, "generalPractitioner": [{"reference": url}]}},
            {"resource": {"resourceType": "DocumentReference", "status": "current", "content": [{"attachment": {"url": url}}]}},
            {"resource": {"resourceType": "Endpoint", "status": "active", "address": url}},
            {"resource": {"resourceType": "Subscription", "status": "requested", "criteria": "Patient?", "reason": "bait",
                "channel": {"type": "rest-hook", "endpoint": url}}}
        ]
    })
    .to_string()
    .into_bytes()
}

/// A request by hand, with headers that name the bait; whatever is answered, it is answered.
fn ask(serving: &Serving, bait: &str, head: &str, body: &str) {
    let mut stream = TcpStream::connect(serving.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let host = bait.trim_start_matches("http://").trim_end_matches("/bait");
    let head = format!(
        "{head} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: {host}\r\nForwarded: host={host}\r\nReferer: {bait}\r\n\
         Origin: {bait}\r\nIf-None-Exist: identifier={bait}\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    let kind = if body.starts_with('<') {
        "application/fhir+xml"
    } else {
        "application/fhir+json"
    };
    let request = format!("{head}Content-Type: {kind}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 "), "{head}");
}

#[test]
fn an_address_in_a_message_is_never_called() {
    let bait = Bait::lay();
    let serving = Serving::start(&["--empty"]);
    for n in 301..305 {
        let answer = serving.send("gateway", &baited(n, &bait.url));
        assert!(answer.contains("MSA|"), "{answer}");
    }
    let body = bundle(&bait.url, 309);
    let faces = ["/fhir/r4", "/epic/api/FHIR/R4", "/lastword/fhir/r4"];
    for base in faces {
        serving.post(base, &body);
        serving.post(&format!("{base}/$process-message"), &body);
        serving.get(&format!(
            "{base}/Patient?_profile={0}&_getpages={0}&identifier={0}|1&patient={0}/Patient/1",
            bait.url
        ));
    }
    let entity = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE Patient [<!ENTITY x SYSTEM \"{0}\"><!ENTITY % y SYSTEM \"{0}\"> %y;]>\
         <?xml-stylesheet href=\"{0}\"?><Patient xmlns=\"http://hl7.org/fhir\" xmlns:xi=\"http://www.w3.org/2001/XInclude\">\
         <xi:include href=\"{0}\"/><id value=\"&x;\"/></Patient>",
        bait.url
    );
    let json = String::from_utf8(body).unwrap();
    for base in faces {
        ask(&serving, &bait.url, &format!("POST {base}"), &entity);
        ask(&serving, &bait.url, &format!("POST {base}/Patient"), &entity);
        ask(&serving, &bait.url, &format!("POST {base}/Patient"), &json);
        ask(&serving, &bait.url, &format!("GET {base}/metadata"), "");
    }
    ask(&serving, &bait.url, &format!("GET {}", bait.url), "");
    // What was taken has been delivered by then, so nothing is still to be tried.
    let epic = format!("/epic/api/FHIR/R4/Patient?identifier={}", nhs_number(304));
    serving.wait_for("the last of them in Epic", |s| s.search(&epic).pop());
    assert_eq!(serving.terminate(), Some(0));
    assert_eq!(
        bait.visits.load(Ordering::SeqCst),
        0,
        "content has opened a connection"
    );
}

#[test]
fn the_bait_would_tell() {
    let bait = Bait::lay();
    let address = bait
        .url
        .trim_start_matches("http://")
        .trim_end_matches("/bait")
        .to_owned();
    drop(TcpStream::connect(address).unwrap());
    for _ in 0..1_000_000 {
        if bait.visits.load(Ordering::SeqCst) == 1 {
            return;
        }
        std::thread::yield_now();
    }
    panic!("nobody was counted");
}
