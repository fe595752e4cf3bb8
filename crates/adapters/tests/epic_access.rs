//! Who may ask Epic's face: backend services that sign an assertion about themselves.
#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use adapters::{Client, Proof, Secret};
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::{Answer, System, settings, vendor};
use http::Request;
use jiff::Timestamp;
use rest::jwt::KeySet;
use rest::scope::Scope;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

const BASE: &str = "/epic/api/FHIR/R4";
const TOKEN_URL: &str = "http://epr.test/epic/oauth2/token";

/// The public half of a 2048-bit RSA key whose private half is gone.
const MODULUS: &str = "\
    uaNJE1pDzip28qfjJVw3F45ncrcOs98IqZv9984wNA-\
    4q1BcxMvjsjNRtdYUKXzOxFPd4Sc98yIoc3E3TWyplmcn4EjeywExqun-f-\
    LH2SiX4OpEAIzc8pX5xs37x78aQVKNHTTN2N-ZX2DND3TVbD9qgZ4q_uzwqaZK0K4gSSoyDF1sc_Hgnr-peyzERl1Fmg64Ib\
    C6GwMIzwBjW3sBRi6_lt8F7p24cAQSKz1Azs6jl4MTYQiYt1OE9tijnc3T-\
    hUt4EpdjuOR3YUTDWGQGfjZ7J2paSN6u_JIESVYhlmJ_5EJ7AihqLMb39tHgfuPc1a03OqgIQd383S4OIjGhw";
/// An assertion signed with it by another program, openssl; it ends at 09:04 of the test's morning.
const RS384: &str = "\
    eyJhbGciOiJSUzM4NCIsImtpZCI6InIxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJiZWQtYm9hcmQiLCJzdWIiOiJiZWQtYm9h\
    cmQiLCJhdWQiOiJodHRwOi8vZXByLnRlc3QvZXBpYy9vYXV0aDIvdG9rZW4iLCJqdGkiOiJtYWRlLWJ5LW9wZW5zc2wiLCJl\
    eHAiOjE3ODAzMDQ2NDB9.acrAywuhpFtw9-v9Ou4dLjteNRKwr_skdRpM-6S45r7QKJUVVvzH89K0L_2yRCUWm7YjBzg9-\
    nU0AbKd7OlrRU3nP8JRFH7U0MOkWXLScYPTajP_Az1Kbw4QjaQukJKBt3ueD3fzZ6YaQH6-\
    BY8Vg01_8MUwqeyViA7WUWFVy-\
    9FR2QDCU8zjN5YkrSbYXDeBw6PboBvklhEvzA27LSzoEfFyWTfnzvUB2dYHpMpQw6tFu30DtQnNqzy4-\
    30H_pmfKr3K3QaUhttwwvA2uuQmSQjFT8Qp8_UNdgtOL23ZFR29pfBjdgTWV6rMvdOmW1MzSdxWyCpxldUWa1f27LkVg";

struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

fn text(value: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

impl Signer {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Self { pair, random }
    }

    fn key(&self, id: &str) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(48);
        json!({"kty": "EC", "crv": "P-384", "kid": id, "alg": "ES384", "x": text(x), "y": text(y)})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", text(signature))
    }

    fn assertion(&self, claims: &Value) -> String {
        self.sign(&json!({"alg": "ES384", "typ": "JWT", "kid": "k1"}), claims)
    }
}

/// A system with one client, and a clock that the test moves on.
struct Case {
    system: System,
    signer: Signer,
    now_s: Arc<AtomicI64>,
}

impl Case {
    async fn start(scopes: &[&str]) -> Self {
        Self::with(scopes, Some("INTERFACE"), &[]).await
    }

    async fn with(scopes: &[&str], user: Option<&str>, assume: &[(&str, &str)]) -> Self {
        let signer = Signer::new();
        let rsa = json!({"kty": "RSA", "kid": "r1", "alg": "RS384", "n": MODULUS, "e": "AQAB"});
        let keys = json!({"keys": [signer.key("k1"), rsa]}).to_string();
        let keys = KeySet::parse(keys.as_bytes()).unwrap();
        let mut client = Client::new("bed-board", Proof::Keys(keys));
        client.scopes = scopes.iter().map(|text| Scope::parse(text).unwrap()).collect();
        client.user = user.map(str::to_owned);
        let other = Client::new("other", Proof::Keys(KeySet::parse(br#"{"keys": []}"#).unwrap()));
        let start: Timestamp = "2026-06-01T09:00:00Z".parse().unwrap();
        let now_s = Arc::new(AtomicI64::new(start.as_second()));
        let vendor = vendor("epic");
        let mut settings = settings(vendor, "epic-uclh");
        settings.clients = Some(vec![other, client]);
        settings.people = 20;
        let hand = now_s.clone();
        settings.clock = Arc::new(move || Timestamp::from_second(hand.load(Ordering::SeqCst)).unwrap());
        for (name, value) in assume {
            settings.choices.insert((*name).to_owned(), (*value).to_owned());
        }
        let system = System::with(vendor, settings).await;
        Self {
            system,
            signer,
            now_s,
        }
    }

    fn now_s(&self) -> i64 {
        self.now_s.load(Ordering::SeqCst)
    }

    fn claims(&self, id: &str) -> Value {
        json!({"iss": "bed-board", "sub": "bed-board", "aud": TOKEN_URL, "jti": id, "exp": self.now_s() + 300})
    }

    async fn ask_token(&self, assertion: &str) -> Answer {
        let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
        self.post_form(&format!(
            "grant_type=client_credentials&client_assertion_type={kind}&client_assertion={assertion}"
        ))
        .await
    }

    async fn post_form(&self, form: &str) -> Answer {
        let request = Request::post("/epic/oauth2/token")
            .header("host", "epr.test")
            .header("content-type", "application/x-www-form-urlencoded");
        self.system
            .ask(request.body(Body::from(form.to_owned())).unwrap())
            .await
    }

    async fn token(&self, id: &str) -> String {
        let answer = self.ask_token(&self.signer.assertion(&self.claims(id))).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn get(&self, token: &str, rest: &str) -> Answer {
        let request = Request::get(format!("{BASE}{rest}"))
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {token}"));
        self.system.ask(request.body(Body::empty()).unwrap()).await
    }

    async fn refused(&self, assertion: &str, why: &str) {
        let answer = self.ask_token(assertion).await;
        assert_eq!(answer.status, 400, "{why}");
        assert_eq!(
            answer.json(),
            json!({"error": "invalid_client", "error_description": null}),
            "{why}"
        );
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

#[tokio::test]
async fn epic_18_a_signed_assertion_gets_a_token_that_lets_in_for_its_time() {
    let case = Case::start(&["system/Patient.read", "system/Encounter.read"]).await;
    let bare = case.system.get(&format!("{BASE}/Patient/e1")).await;
    assert_eq!((bare.status, bare.header("www-authenticate")), (401, "Bearer"));
    let answer = case.ask_token(&case.signer.assertion(&case.claims("1"))).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"));
    let body = answer.json();
    assert_eq!(
        (&body["token_type"], &body["expires_in"]),
        (&"Bearer".into(), &3600.into())
    );
    assert_eq!(body["scope"], "system/Encounter.read system/Patient.read");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(case.get(token, "/Patient/e1").await.status, 404);
    case.now_s.fetch_add(3_600, Ordering::SeqCst);
    let late = case.get(token, "/Patient/e1").await;
    assert_eq!(late.status, 401);
    assert!(
        late.header("www-authenticate")
            .starts_with("Bearer error=\"invalid_token\"")
    );
}

#[tokio::test]
async fn epic_18_an_assertion_that_another_program_signed_with_rs384_is_taken_once() {
    let case = Case::start(&["system/Patient.read"]).await;
    assert_eq!(case.ask_token(RS384).await.status, 200);
    case.refused(RS384, "shown again").await;
}

#[tokio::test]
async fn epic_18_every_rule_of_an_assertion_refuses_in_the_same_few_words() {
    let case = Case::start(&["system/Patient.read"]).await;
    let now_s = case.now_s();
    let claims = || case.claims("fresh");
    for (claims, why) in [
        (
            with(claims(), "aud", json!("http://other.test/epic/oauth2/token")),
            "aud",
        ),
        (
            with(claims(), "aud", json!("http://epr.test/epic/api/FHIR/R4")),
            "aud is the face",
        ),
        (with(claims(), "exp", json!(now_s)), "expired"),
        (
            with(claims(), "exp", json!(now_s + 301)),
            "more than five minutes",
        ),
        (with(claims(), "iss", json!("other")), "iss of another client"),
        (with(claims(), "sub", json!("other")), "sub of another client"),
        (with(claims(), "jti", json!(null)), "jti"),
        (with(claims(), "nbf", json!(now_s + 10)), "nbf"),
    ] {
        case.refused(&case.signer.assertion(&claims), why).await;
    }
    let mut lacking = claims();
    lacking.as_object_mut().unwrap().remove("jti");
    case.refused(&case.signer.assertion(&lacking), "no jti").await;
    for (header, why) in [
        (json!({"alg": "none"}), "alg none"),
        (json!({"alg": "HS384", "kid": "k1"}), "a shared secret"),
        (json!({"alg": "ES384", "kid": "k2"}), "another kid"),
        (json!({"alg": "ES384", "kid": "r1"}), "a key of another sort"),
        (
            json!({"alg": "ES256", "kid": "k1"}),
            "an algorithm not documented",
        ),
    ] {
        case.refused(&case.signer.sign(&header, &claims()), why).await;
    }
    let unsigned = format!("{}.{}.", text(r#"{"alg":"none"}"#), text(claims().to_string()));
    case.refused(&unsigned, "unsigned").await;
    case.refused(&Signer::new().assertion(&claims()), "a stranger's key")
        .await;
    case.refused("", "nothing").await;
    // None of these used the id up.
    let good = case.signer.assertion(&claims());
    assert_eq!(case.ask_token(&good).await.status, 200);
    case.refused(&good, "shown again").await;
    let again = case.signer.assertion(&with(claims(), "exp", json!(now_s + 200)));
    case.refused(&again, "the same jti in another assertion").await;
    case.now_s.fetch_add(100, Ordering::SeqCst);
    case.refused(&good, "shown again later").await;
}

#[tokio::test]
async fn epic_18_other_grants_and_client_secrets_are_unknown() {
    let case = Case::start(&["system/Patient.read"]).await;
    for (form, error) in [
        ("grant_type=password", "unsupported_grant_type"),
        ("", "invalid_request"),
        (
            "grant_type=client_credentials&client_id=bed-board&client_secret=x",
            "invalid_client",
        ),
        (
            "grant_type=client_credentials&grant_type=client_credentials",
            "invalid_request",
        ),
    ] {
        let answer = case.post_form(form).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &error.into()),
            "{form}"
        );
    }
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    settings.clients = Some(vec![Client::new(
        "bed-board",
        Proof::Secret(Secret::new("a secret")),
    )]);
    let error = adapters::Epr::start(vendor, settings).await.err().unwrap();
    assert!(
        error
            .to_string()
            .contains("bed-board: there are no client secrets"),
        "{error}"
    );
}

#[tokio::test]
async fn epic_18_a_client_mapped_to_no_user_gets_no_token() {
    let case = Case::with(&["system/Patient.read"], None, &[]).await;
    case.refused(&case.signer.assertion(&case.claims("1")), "no user")
        .await;
}

#[tokio::test]
async fn epic_18_what_the_registration_does_not_hold_is_4118() {
    let case = Case::with(
        &["system/Patient.read", "system/Encounter.r"],
        Some("INTERFACE"),
        &[("scopes", "v2")],
    )
    .await;
    let token = case.token("1").await;
    for (rest, status) in [
        ("/Patient/e1", 404),
        ("/Patient?family=x&given=y&birthdate=1970-01-01", 200),
        ("/Encounter/e1", 404),
        ("/Encounter?patient=e1", 403),
        ("/Observation?patient=e1&category=laboratory", 403),
        ("/Nonsense/e1", 404),
        ("/metadata", 200),
    ] {
        let answer = case.get(&token, rest).await;
        assert_eq!(answer.status, status, "{rest}");
        if status == 403 {
            assert_eq!(answer.json()["issue"][0]["details"]["coding"][0]["code"], "4118");
            assert!(answer.header("www-authenticate").contains("insufficient_scope"));
        }
    }
}

#[tokio::test]
async fn epic_18_the_server_says_where_and_how_tokens_are_given() {
    let case = Case::start(&["system/Patient.read"]).await;
    let told = case
        .system
        .get(&format!("{BASE}/.well-known/smart-configuration"))
        .await
        .json();
    assert_eq!(told["token_endpoint"], TOKEN_URL);
    assert_eq!(
        told["token_endpoint_auth_methods_supported"],
        json!(["private_key_jwt"])
    );
    assert_eq!(
        told["token_endpoint_auth_signing_alg_values_supported"],
        json!(["RS384", "ES384"])
    );
    assert_eq!(
        told["scopes_supported"],
        json!(["system/Patient.read", "system/Patient.rs"])
    );
    let statement = case.system.get(&format!("{BASE}/metadata")).await.json();
    let security = &statement["rest"][0]["security"];
    assert_eq!(security["extension"][0]["extension"][0]["valueUri"], TOKEN_URL);
    let open = System::start("epic").await;
    assert_eq!(
        open.get(&format!("{BASE}/.well-known/smart-configuration"))
            .await
            .status,
        404
    );
    assert!(
        open.get(&format!("{BASE}/metadata")).await.json()["rest"][0]
            .get("security")
            .is_none()
    );
}
