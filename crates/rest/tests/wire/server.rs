//! The router, seen from a socket.

use rest::RouterLimits;

use crate::clinic::{Manners, exchange, open, open_within};

const PATIENT: &[u8] = br#"{"resourceType":"Patient","name":[{"family":"Example"}]}"#;

#[tokio::test]
async fn a_resource_is_created_read_and_found() {
    let clinic = open(Manners::Plain, "/fhir/r4").await;
    let created = exchange(
        clinic,
        "POST /fhir/r4/Patient HTTP/1.1\nContent-Type: application/fhir+json",
        PATIENT,
    )
    .await;
    assert_eq!(created.status, 201);
    assert_eq!(
        created.header("Location"),
        Some("http://clinic.example:80/fhir/r4/Patient/p1/_history/1")
    );
    assert_eq!(created.header("ETag"), Some("W/\"1\""));
    assert_eq!(
        created.header("Content-Type"),
        Some("application/fhir+json; charset=utf-8")
    );

    let read = exchange(clinic, "GET /fhir/r4/Patient/p1 HTTP/1.1", b"").await;
    assert_eq!(
        read.body,
        r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Example"}]}"#
    );
    assert_eq!(
        exchange(clinic, "GET /fhir/r4/Patient/p2 HTTP/1.1", b"")
            .await
            .issue(),
        "not-found"
    );

    for (request, body) in [
        ("GET /fhir/r4/Patient?family=EXAM&_format=json HTTP/1.1", &b""[..]),
        (
            "POST /fhir/r4/Patient/_search HTTP/1.1\nContent-Type: application/x-www-form-urlencoded",
            b"family=EXAM",
        ),
        ("POST /fhir/r4/Patient/_search?family=EXAM HTTP/1.1", b""),
    ] {
        let found = exchange(clinic, request, body).await;
        let bundle: fhir::Bundle = fhir::from_slice(found.body.as_bytes()).unwrap();
        assert_eq!((bundle.total, bundle.entry.len()), (Some(1), 1), "{request}");
        assert_eq!(
            bundle.link_url("self"),
            Some("http://clinic.example:80/fhir/r4/Patient?family=EXAM")
        );
        assert_eq!(
            bundle.entry[0].full_url.as_deref(),
            Some("http://clinic.example:80/fhir/r4/Patient/p1")
        );
    }
    let none = exchange(clinic, "GET /fhir/r4/Patient?family:exact=EXAM HTTP/1.1", b"").await;
    assert!(none.body.contains("\"total\":0"), "{}", none.body);
}

#[tokio::test]
async fn methods_that_fhir_does_not_have_here_are_refused_with_those_it_has() {
    let clinic = open(Manners::Plain, "").await;
    for request in [
        "DELETE /metadata HTTP/1.1",
        "POST /Patient/p1 HTTP/1.1",
        "GET /Patient/_search/x HTTP/1.1",
        "BREW / HTTP/1.1",
    ] {
        let answer = exchange(clinic, request, b"").await;
        let wanted = if request.contains("_search/x") { 404 } else { 405 };
        assert_eq!(answer.status, wanted, "{request}");
        assert_eq!(answer.header("Allow").is_some(), wanted == 405, "{request}");
        assert!(!answer.issue().is_empty());
    }
    let options = exchange(clinic, "OPTIONS /Patient/p1 HTTP/1.1", b"").await;
    assert_eq!((options.status, options.body.as_str()), (204, ""));
    assert_eq!(
        options.header("Allow"),
        Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS")
    );
}

#[tokio::test]
async fn head_says_what_get_would() {
    let clinic = open(Manners::Plain, "/r4").await;
    exchange(clinic, "POST /r4/Patient HTTP/1.1", PATIENT).await;
    let get = exchange(clinic, "GET /r4/Patient/p1 HTTP/1.1", b"").await;
    let head = exchange(clinic, "HEAD /r4/Patient/p1 HTTP/1.1", b"").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(
        head.header("Content-Length"),
        Some(get.body.len().to_string().as_str())
    );
    assert_eq!(head.header("Content-Type"), get.header("Content-Type"));
}

#[tokio::test]
async fn every_path_of_fhir_reaches_its_interaction() {
    let clinic = open(Manners::Plain, "/r4/{tenant}").await;
    for (request, code) in [
        ("GET /r4/t1/Patient/1/_history/2", "vread"),
        ("GET /r4/t1/Patient/1/_history", "history"),
        ("GET /r4/t1/Patient/_history", "history"),
        ("GET /r4/t1/_history", "history"),
        ("GET /r4/t1/?_id=1", "search"),
        ("GET /r4/t1", "search"),
        ("PUT /r4/t1/Patient/1", "update"),
        ("PUT /r4/t1/Patient?identifier=1", "update"),
        ("PATCH /r4/t1/Patient/1", "patch"),
        ("POST /r4/t1/Patient/$match", "operation"),
        ("GET /r4/t1/Patient/1/$everything", "operation"),
        ("POST /r4/t1/$process-message", "operation"),
        ("GET /r4/t1/Observation/", "search"),
    ] {
        let answer = exchange(clinic, &format!("{request} HTTP/1.1"), b"").await;
        assert_eq!(
            answer.body,
            format!("http://clinic.example:80/r4/t1 [(\"tenant\", \"t1\")] {code}"),
            "{request}"
        );
    }
    for path in [
        "/r4/t1/patient",
        "/r4/t1/Patient/a_b",
        "/r4/t1/Patient/1/2",
        "/r4/t1/$",
        "/r4/t1/Patient/1/_history/2/3",
        "/r4/t1//Patient",
        "/r4/t1/Patient/%2e%2e",
    ] {
        assert_eq!(
            exchange(clinic, &format!("GET {path} HTTP/1.1"), b"")
                .await
                .status,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn bad_bodies_are_told_where_they_are_bad() {
    let limits = RouterLimits {
        body_bytes_max: 4096,
        body_timeout_ms: 50,
        ..RouterLimits::default()
    };
    let clinic = open_within(Manners::Plain, "/r4", limits).await;
    let post = "POST /r4/Patient HTTP/1.1";
    let deep = format!(
        r#"{{"resourceType":"Patient","x":{}1{}}}"#,
        "[".repeat(300),
        "]".repeat(300)
    );
    for (body, issue, expression) in [
        (
            r#"{"resourceType":"Patient","name":[{"given":["A",1]}]}"#,
            "structure",
            Some("Patient.name[0].given[1]"),
        ),
        (r#"{"resourceType":"Patient","#, "structure", Some("Patient")),
        (deep.as_str(), "too-long", None),
        (r#"{"resourceType":"Encounter"}"#, "invalid", None),
        ("", "structure", None),
        ("{}", "invalid", None),
    ] {
        let answer = exchange(clinic, post, body.as_bytes()).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.issue(), issue, "{body}");
        let outcome: fhir::OperationOutcome = fhir::from_slice(answer.body.as_bytes()).unwrap();
        if let Some(expression) = expression {
            assert_eq!(outcome.issue[0].expression, [expression], "{body}");
        }
    }
    let checked = exchange(
        clinic,
        post,
        br#"{"resourceType":"Patient","birthDate":"3rd of May"}"#,
    )
    .await;
    assert_eq!((checked.status, checked.issue().as_str()), (422, "value"));

    let xml = exchange(
        clinic,
        &format!("{post}\nContent-Type: application/fhir+xml"),
        b"<Patient/>",
    )
    .await;
    assert_eq!((xml.status, xml.issue().as_str()), (415, "not-supported"));

    let declared = exchange(clinic, &format!("{post}\nContent-Length: 5000"), b"").await;
    assert_eq!((declared.status, declared.issue().as_str()), (413, "too-long"));
    let chunk = format!("1400\r\n{}\r\n0\r\n\r\n", " ".repeat(0x1400));
    let chunked = exchange(
        clinic,
        &format!("{post}\nTransfer-Encoding: chunked"),
        chunk.as_bytes(),
    )
    .await;
    assert_eq!((chunked.status, chunked.issue().as_str()), (413, "too-long"));

    let slow = exchange(clinic, &format!("{post}\nContent-Length: 100"), b"{").await;
    assert_eq!((slow.status, slow.issue().as_str()), (408, "timeout"));
}

#[tokio::test]
async fn formats_are_agreed_as_the_service_likes() {
    let plain = open(Manners::Plain, "").await;
    let refused = exchange(plain, "GET /metadata HTTP/1.1\nAccept: application/fhir+xml", b"").await;
    assert_eq!((refused.status, refused.issue().as_str()), (406, "not-supported"));

    let terse = open(Manners::Terse, "").await;
    let refused = exchange(terse, "GET /metadata HTTP/1.1\nAccept: text/html", b"").await;
    assert_eq!(
        (
            refused.status,
            refused.header("Content-Length"),
            refused.body.as_str()
        ),
        (406, Some("0"), "")
    );
    assert_eq!(refused.header("opc-request-id"), refused.header("x-request-id"));

    let xml = open(Manners::Xml, "").await;
    let answer = exchange(xml, "GET /metadata HTTP/1.1", b"").await;
    assert_eq!(
        answer.header("Content-Type"),
        Some("application/fhir+xml; charset=utf-8")
    );
    assert!(
        answer
            .body
            .contains("<CapabilityStatement xmlns=\"http://hl7.org/fhir\">"),
        "{}",
        answer.body
    );
    let json = exchange(xml, "GET /metadata?_format=application/fhir%2Bjson HTTP/1.1", b"").await;
    assert!(
        json.body.starts_with("{\"resourceType\":\"CapabilityStatement\""),
        "{}",
        json.body
    );
    let lost = exchange(xml, "GET /no/such/path/at/all HTTP/1.1", b"").await;
    assert_eq!(
        (lost.status, lost.header("Content-Type")),
        (404, Some("text/html"))
    );
}

#[tokio::test]
async fn methods_are_tunnelled_only_where_the_service_says_so() {
    let terse = open(Manners::Terse, "").await;
    let deleted = exchange(
        terse,
        "POST /Patient/p1 HTTP/1.1\nX-HTTP-Method-Override: DELETE",
        b"",
    )
    .await;
    assert_eq!(deleted.status, 204);
    let form = "POST /Patient?_method=GET HTTP/1.1\nContent-Type: application/x-www-form-urlencoded";
    let searched = exchange(terse, form, b"family=x").await;
    assert!(searched.body.contains("Patient?family=x\""), "{}", searched.body);
    let plain = open(Manners::Plain, "").await;
    let refused = exchange(
        plain,
        "POST /Patient/p1 HTTP/1.1\nX-HTTP-Method-Override: DELETE",
        b"",
    )
    .await;
    assert_eq!(refused.status, 405);
}

#[tokio::test]
async fn nobody_comes_in_before_the_door_is_asked() {
    let limits = RouterLimits {
        body_timeout_ms: 600_000,
        ..RouterLimits::default()
    };
    let clinic = open_within(Manners::Locked, "", limits).await;
    // The body never comes: the answer does not wait for it.
    let refused = exchange(clinic, "POST /Patient HTTP/1.1\nContent-Length: 100", b"").await;
    assert_eq!((refused.status, refused.issue().as_str()), (401, "login"));
    let admitted = exchange(clinic, "GET /metadata HTTP/1.1\nAuthorization: Bearer x", b"").await;
    assert_eq!(admitted.status, 200);
}

#[tokio::test]
async fn request_ids_are_kept_when_plain_and_made_when_not() {
    let clinic = open(Manners::Plain, "").await;
    let kept = exchange(clinic, "GET /metadata HTTP/1.1\nX-Request-Id: a-1.b_2", b"").await;
    assert_eq!(kept.header("X-Request-Id"), Some("a-1.b_2"));
    let first = exchange(clinic, "GET /metadata HTTP/1.1\nX-Request-Id: a b<script>", b"").await;
    let second = exchange(clinic, "GET /metadata HTTP/1.1", b"").await;
    assert_ne!(first.header("X-Request-Id"), second.header("X-Request-Id"));
    assert_eq!(first.header("X-Request-Id").map(str::len), Some(16));
}

#[tokio::test]
async fn a_host_that_is_none_gets_no_place_in_links() {
    let clinic = open(Manners::Plain, "").await;
    let answer = exchange(clinic, "GET /_history HTTP/1.1\nHost: a\"b/..", b"").await;
    assert!(
        answer.status == 400 || answer.body.starts_with("http://localhost "),
        "{}",
        answer.body
    );
    let many = format!("GET /Patient?{} HTTP/1.1", "a=1&".repeat(201));
    assert_eq!(exchange(clinic, &many, b"").await.issue(), "too-costly");
}
