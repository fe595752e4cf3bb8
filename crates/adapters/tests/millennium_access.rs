//! Who may ask Millennium's face: tokens for system accounts with a secret, what scopes hold, what organisations see.
#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use adapters::{Client, Proof};
use axum::body::Body;
use harness::clients::{ALL, Hand, NINE, SECRET, TENANT, ask_token, basic, client, get, path, start, token};
use harness::{System, settings, vendor};
use http::Request;

#[tokio::test]
async fn millennium_18_a_token_lives_570_seconds_and_lets_in() {
    let hand = Hand::at(NINE);
    let mut system = start(vec![client("bed-board", ALL, &[])], &hand, &[]).await;
    system.told(&segments("10", "RYJ01")).await;
    let bare = system.get(&path("/Patient?family=Alder")).await;
    assert_eq!((bare.status, bare.body.len()), (401, 0));
    assert!(bare.header("www-authenticate").starts_with("Bearer"));
    let answer = ask_token(
        &system,
        Some(basic("bed-board", SECRET)),
        "grant_type=client_credentials&scope=system%2FPatient.rs",
    )
    .await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&"Bearer".into(), &570.into())
    );
    assert_eq!(body["scope"], "system/Patient.rs");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        get(&system, token, "/Patient?family=Alder")
            .await
            .resources()
            .len(),
        1
    );
    hand.forward(569);
    assert_eq!(get(&system, token, "/Patient?family=Alder").await.status, 200);
    hand.forward(1);
    let late = get(&system, token, "/Patient?family=Alder").await;
    assert_eq!(late.status, 401);
    assert!(late.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn millennium_18_the_token_endpoint_refuses_by_its_errors() {
    let hand = Hand::at(NINE);
    let system = start(vec![client("bed-board", ALL, &[])], &hand, &[]).await;
    let good = || Some(basic("bed-board", SECRET));
    let grant = "grant_type=client_credentials";
    let asserted = format!(
        "{grant}&scope=system/Patient.rs&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
         &client_assertion=e30.e30.e30"
    );
    for (shown, form, status, error) in [
        (
            None,
            format!("{grant}&scope=system/Patient.rs"),
            401,
            "invalid_client",
        ),
        (None, asserted, 401, "invalid_client"),
        (
            Some(basic("bed-board", "wrong")),
            grant.to_owned(),
            401,
            "invalid_client",
        ),
        (
            Some(basic("stranger", SECRET)),
            grant.to_owned(),
            401,
            "invalid_client",
        ),
        (
            Some("Bearer abc".to_owned()),
            grant.to_owned(),
            401,
            "invalid_client",
        ),
        (
            good(),
            "scope=system/Patient.rs".to_owned(),
            400,
            "invalid_request",
        ),
        (good(), format!("{grant}&{grant}"), 400, "invalid_request"),
        (
            good(),
            "grant_type=password".to_owned(),
            400,
            "unsupported_grant_type",
        ),
        (good(), grant.to_owned(), 400, "invalid_scope"),
        (
            good(),
            format!("{grant}&scope=system/Patient.read"),
            400,
            "invalid_scope",
        ),
        (good(), format!("{grant}&scope=system/*.rs"), 400, "invalid_scope"),
        (
            good(),
            format!("{grant}&scope=system/Patient.rs+user/Patient.rs"),
            400,
            "invalid_scope",
        ),
        (good(), "x".repeat(40_000), 400, "invalid_request"),
    ] {
        let answer = ask_token(&system, shown, &form).await;
        let body = answer.json();
        assert_eq!((answer.status, &body["error"]), (status, &error.into()), "{form}");
        assert!(
            body["error_uri"].is_string() && body.get("error_description").is_none(),
            "{body}"
        );
        assert_eq!(
            answer.header("www-authenticate").starts_with("Basic"),
            status == 401,
            "{form}"
        );
    }
}

#[tokio::test]
async fn millennium_18_scopes_are_of_the_version_that_the_site_takes() {
    let hand = Hand::at(NINE);
    let system = start(vec![client("bed-board", ALL, &[])], &hand, &[("scopes", "v1")]).await;
    let form = "grant_type=client_credentials&scope=system/Patient.read+system/Encounter.read";
    let answer = ask_token(&system, Some(basic("bed-board", SECRET)), form).await;
    assert_eq!(
        answer.json()["scope"],
        "system/Patient.read system/Encounter.read"
    );
    let form = "grant_type=client_credentials&scope=system/Patient.rs";
    let answer = ask_token(&system, Some(basic("bed-board", SECRET)), form).await;
    assert_eq!(answer.json()["error"], "invalid_scope");
}

#[tokio::test]
async fn millennium_18_token_and_registration_both_must_hold_a_right() {
    let hand = Hand::at(NINE);
    let registered = [
        "system/Patient.rs",
        "system/Encounter.r",
        "system/AllergyIntolerance.c",
    ];
    let system = start(vec![client("bed-board", &registered, &[])], &hand, &[]).await;
    // The token lists what was asked for; the registration decides.
    let token = token(
        &system,
        "bed-board",
        &[
            "system/Patient.rs",
            "system/Encounter.rs",
            "system/Observation.rs",
            "system/AllergyIntolerance.cruds",
        ],
    )
    .await;
    for (rest, status) in [
        ("/Patient?family=Alder", 200),
        ("/Patient/1", 404),
        ("/Encounter/1", 404),
        ("/Encounter?patient=1", 403),
        ("/Observation?patient=1", 403),
        ("/AllergyIntolerance?patient=1", 403),
        ("/Condition?patient=1", 403),
        ("/Nonsense?patient=1", 404),
        ("/metadata", 200),
    ] {
        assert_eq!(get(&system, &token, rest).await.status, status, "{rest}");
    }
    // A search by POST is a search, and a tunnelled one what it is tunnelled as.
    for (rest, override_as, status) in [
        ("/Observation/_search", None, 403),
        ("/Patient/_search", None, 200),
        ("/AllergyIntolerance", Some("GET"), 403),
        ("/AllergyIntolerance?_method=GET", None, 403),
    ] {
        let mut request = Request::post(path(rest))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(method) = override_as {
            request = request.header("x-http-method-override", method);
        }
        let answer = system
            .ask(request.body(Body::from("family=Alder&patient=1")).unwrap())
            .await;
        assert_eq!(
            answer.status,
            status,
            "{rest} {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
}

#[tokio::test]
async fn millennium_18_who_may_not_is_told_before_the_body_is_read() {
    let hand = Hand::at(NINE);
    let system = start(vec![client("bed-board", &["system/Patient.rs"], &[])], &hand, &[]).await;
    let token = token(&system, "bed-board", &["system/Patient.rs"]).await;
    for (shown, status) in [(None, 401), (Some(format!("Bearer {token}")), 403)] {
        let read = Arc::new(AtomicBool::new(false));
        let watched = read.clone();
        let body = Body::from_stream(futures_util::stream::poll_fn(move |_| {
            watched.store(true, Ordering::SeqCst);
            std::task::Poll::Ready(Some(Ok::<_, std::io::Error>("{}")))
        }));
        let mut request =
            Request::post(path("/AllergyIntolerance")).header("content-type", "application/json");
        if let Some(shown) = shown {
            request = request.header("authorization", shown);
        }
        let answer = system.ask(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status);
        assert!(!read.load(Ordering::SeqCst), "{status}: the body was read");
    }
}

#[tokio::test]
async fn millennium_18_the_server_says_where_tokens_are_given() {
    let hand = Hand::at(NINE);
    let system = start(vec![client("bed-board", &["system/Patient.rs"], &[])], &hand, &[]).await;
    let token_url =
        format!("http://epr.test/millennium/tenants/{TENANT}/protocols/oauth2/profiles/smart-v1/token");
    let configuration = system.get(&path("/.well-known/smart-configuration")).await.json();
    assert_eq!(configuration["token_endpoint"], token_url);
    assert_eq!(
        configuration["token_endpoint_auth_methods_supported"][0],
        "client_secret_basic"
    );
    assert_eq!(configuration["scopes_supported"][0], "system/Patient.rs");
    let statement = system.get(&path("/metadata")).await.json();
    let security = &statement["rest"][0]["security"];
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    assert_eq!(security["extension"][0]["extension"][0]["valueUri"], token_url);
    let open = System::start("millennium").await;
    assert_eq!(
        open.get(&path("/.well-known/smart-configuration")).await.status,
        404
    );
    let statement = open.get(&path("/metadata")).await.json();
    assert!(statement["rest"][0].get("security").is_none());
    assert_eq!(open.get(&path("/Patient?family=Alder")).await.status, 200);
}

#[tokio::test]
async fn millennium_18_a_client_of_another_sort_is_refused_at_the_start() {
    let vendor = vendor("millennium");
    let keys = rest::jwt::KeySet::parse(br#"{"keys": []}"#).unwrap();
    let mut with_user = client("bed-board", ALL, &[]);
    with_user.user = Some("TESTER".to_owned());
    for (client, words) in [
        (
            Client::new("signer", Proof::Keys(keys)),
            "signed assertions are refused",
        ),
        (with_user, "user"),
        (client("bed-board", &["system/*.rs"], &[]), "wildcard"),
    ] {
        let mut settings = settings(vendor, "millennium");
        settings.clients = Some(vec![client]);
        let error = adapters::Epr::start(vendor, settings)
            .await
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// An admission at a facility; the visit's number and the person's end in `n`.
fn segments(n: &str, facility: &str) -> [&'static str; 4] {
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    [
        leak(format!(
            "MSH|^~\\&|HNAM|SITE|||20260601080000||ADT^A01|Q{n}T1|P|2.3"
        )),
        "EVN|A01|20260601080000",
        leak(format!(
            "PID|1||55500{n}^^^ICHT MRN^MRN||ALDER^ANNE||19700101|F||||||||||70000{n}^^^ICHT Encounter Num^FINNBR"
        )),
        leak(format!("PV1|1|Inpatient|Ward {n}^Bay^Bed^{facility}")),
    ]
}
