//! Strangers at the HTTP port: no token, the wrong one, one that may only read, no TLS.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Serving, eprgw};

const ALL: &str = "a-token-for-everything";
const READ: &str = "a-token-for-reading";

#[test]
fn without_a_token_nothing_is_told_and_nothing_is_read() {
    let serving = Serving::start_with(
        &["--empty"],
        &[("EPRGW_TOKEN", ALL), ("EPRGW_READ_TOKEN", READ)],
        None,
    );
    assert_eq!(serving.get("/readyz").0, 200, "health is open");
    assert_eq!(
        serving.get("/epic/api/FHIR/R4/metadata").0,
        200,
        "so is what a server says about itself"
    );
    for path in [
        "/",
        "/api/v1/messages",
        "/api/v1/systems",
        "/epic/api/FHIR/R4/Patient?identifier=1",
        "/nowhere",
    ] {
        assert_eq!(serving.get(path).0, 401, "{path}");
        assert_eq!(
            serving.ask_as("not-the-token-at-all", "GET", path, b"").0,
            401,
            "{path}"
        );
    }
    assert_eq!(serving.ask_as(READ, "GET", "/api/v1/messages", b"").0, 200);
    assert_eq!(serving.ask_as(READ, "POST", "/fhir/r4", b"{}").0, 403);
    let (status, outcome) = serving.ask_as(READ, "POST", "/fhir/r4", b"{}");
    assert_eq!(status, 403);
    assert!(String::from_utf8_lossy(&outcome).contains("OperationOutcome"));
    let (status, _) = serving.ask_as(ALL, "POST", "/fhir/r4", b"{}");
    assert!(
        (400..500).contains(&status) && status != 401 && status != 403,
        "{status}"
    );
}

#[test]
fn who_may_not_is_told_so_before_the_body_has_come() {
    let serving = Serving::start_with(&["--empty"], &[("EPRGW_TOKEN", ALL)], None);
    let mut stream = TcpStream::connect(serving.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    // Ten million bytes are announced and none is sent.
    let head = "POST /fhir/r4 HTTP/1.1\r\nHost: x\r\nContent-Type: application/fhir+json\r\nContent-Length: 10000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer before the body");
    assert_eq!(&answer, b"HTTP/1.1 401");
}

/// An EPR with clients of its own asks for its own tokens; this process's token is none of them, and the other way round.
#[test]
fn an_epr_with_clients_asks_for_tokens_of_its_own() {
    let site = crate::harness::repository("fixtures/config/clients.toml");
    let site = site.to_str().unwrap();
    let refused = eprgw(&["serve", "--http", "0", "--mllp", "0", "--config", site]);
    assert_eq!(refused.status.code(), Some(2), "no secret, no start");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("BED_BOARD_SECRET"));
    // `bed-board:a-secret-long-enough`
    let basic = "YmVkLWJvYXJkOmEtc2VjcmV0LWxvbmctZW5vdWdo";
    let serving = Serving::start_with(
        &["--config", site],
        &[("BED_BOARD_SECRET", "a-secret-long-enough"), ("EPRGW_TOKEN", ALL)],
        None,
    );
    let tenant = "7f3e2a54-0c1b-4d6e-9a8f-5b21c0de9990";
    let face = format!("/millennium/r4/{tenant}/Patient?family=a");
    assert_eq!(serving.get(&format!("/millennium/r4/{tenant}/metadata")).0, 200);
    let about = serving.get_json("/epic/api/FHIR/R4/.well-known/smart-configuration");
    assert_eq!(
        about["token_endpoint_auth_methods_supported"][0],
        "private_key_jwt"
    );
    for path in [&face, "/epic/api/FHIR/R4/Patient/e1"] {
        assert_eq!(serving.get(path).0, 401, "{path}");
        assert_eq!(serving.ask_as(ALL, "GET", path, b"").0, 401, "{path}");
    }
    let endpoint = format!(
        "/millennium/tenants/{tenant}/protocols/oauth2/profiles/smart-v1/token HTTP/1.1\r\nAuthorization: Basic {basic}\r\nX-Rest:"
    );
    let form = b"grant_type=client_credentials&scope=system/Patient.rs";
    let (status, answer) = serving.post(&endpoint, form);
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(serving.ask_as(token, "GET", &face, b"").0, 200);
    assert_eq!(serving.ask_as(token, "GET", "/api/v1/systems", b"").0, 401);
}

#[test]
fn an_open_address_needs_tls_or_a_token_and_a_token_must_be_worth_it() {
    let refused = eprgw(&["serve", "--http", "0", "--mllp", "0", "--bind", "0.0.0.0"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("without TLS or a token"));
}

#[test]
fn the_http_port_speaks_https_when_it_has_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["127.0.0.1".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    std::fs::write(path("own.pem"), certificate.pem()).unwrap();
    std::fs::write(path("own.key"), key.serialize_pem()).unwrap();
    let default =
        std::fs::read_to_string(crate::harness::repository("fixtures/config/default.toml")).unwrap();
    let keys = format!(
        "[gateway]\ncertificate = {:?}\nkey = {:?}",
        path("own.pem"),
        path("own.key")
    );
    std::fs::write(path("site.toml"), default.replacen("[gateway]", &keys, 1)).unwrap();
    let site = path("site.toml");
    let serving = Serving::start(&["--empty", "--config", site.to_str().unwrap()]);
    let port = serving.http().port().to_string();
    let own = path("own.pem");
    let ready = eprgw(&["ready", "--http", &port, "--authority", own.to_str().unwrap()]);
    assert_eq!(
        ready.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&ready.stderr)
    );
    assert_eq!(
        eprgw(&["ready", "--http", &port]).status.code(),
        Some(4),
        "plain HTTP is not ready"
    );
}

/// Connections that trickle their headers, or say nothing at all, are given up; others are served meanwhile.
#[test]
fn slow_http_clients_are_given_up_and_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let default =
        std::fs::read_to_string(crate::harness::repository("fixtures/config/default.toml")).unwrap();
    let site = folder.path().join("site.toml");
    let limits = "[gateway]\nhttp-header-timeout-ms = 1500\nhttp-connections-max = 300";
    std::fs::write(&site, default.replacen("[gateway]", limits, 1)).unwrap();
    let serving = Serving::start(&["--empty", "--config", site.to_str().unwrap()]);
    let mut slow: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(serving.http()).unwrap())
        .collect();
    for stream in slow.iter_mut().skip(100) {
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            .unwrap();
    }
    assert_eq!(serving.get("/readyz").0, 200, "others are served");
    for stream in &mut slow {
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut rest = Vec::new();
        // A word about the time-out, or none; then the end.
        let ended = stream.read_to_end(&mut rest);
        assert!(
            ended.is_ok_and(|_| !rest.starts_with(b"HTTP/1.1 200")),
            "still open"
        );
    }
    assert_eq!(serving.get("/readyz").0, 200);
}

/// An authorisation server of a few lines: one key, as a set in a file, and tokens signed with it.
struct Issuer {
    pair: ring::signature::EcdsaKeyPair,
    folder: tempfile::TempDir,
}

const AUDIENCE: &str = "https://gateway.example";

impl Issuer {
    fn new() -> Self {
        use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING as FORM, EcdsaKeyPair, KeyPair as _};
        let random = ring::rand::SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&FORM, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&FORM, bytes.as_ref(), &random).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(48);
        let key = serde_json::json!({"kty": "EC", "crv": "P-384", "kid": "k1", "x": coded(x), "y": coded(y)});
        let set = serde_json::json!({ "keys": [key] }).to_string();
        std::fs::write(folder.path().join("keys.json"), set).unwrap();
        Self { pair, folder }
    }

    fn keys(&self) -> String {
        self.folder.path().join("keys.json").to_str().unwrap().to_owned()
    }

    /// A token with these claims in place of the usual ones.
    fn token(&self, algorithm: &str, id: &str, claims: &serde_json::Value) -> String {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mut all = serde_json::json!({
            "iss": "https://auth.example", "sub": "ward-board", "aud": AUDIENCE, "jti": id,
            "exp": now + 200, "scope": "system/*.rs",
        });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = match value.as_i64() {
                Some(ahead) if name == "exp" => (i64::try_from(now).unwrap() + ahead).into(),
                _ => value.clone(),
            };
        }
        let header = serde_json::json!({"alg": algorithm, "kid": "k1"});
        let signed = format!("{}.{}", coded(header.to_string()), coded(all.to_string()));
        let random = ring::rand::SystemRandom::new();
        let signature = match algorithm {
            "none" => String::new(),
            _ => coded(self.pair.sign(&random, signed.as_bytes()).unwrap()),
        };
        format!("{signed}.{signature}")
    }
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn a_signed_token_is_believed_once_for_what_it_says_and_not_otherwise() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let keys = issuer.keys();
    let serving = Serving::start_with(
        &["--empty"],
        &[
            ("EPRGW_JWKS", keys.as_str()),
            ("EPRGW_JWT_AUDIENCE", AUDIENCE),
            ("EPRGW_JWT_ISSUER", "https://auth.example"),
        ],
        None,
    );
    let none = serde_json::json!({});
    let get = |token: &str| serving.ask_as(token, "GET", "/api/v1/messages", b"").0;
    let good = issuer.token("ES384", "1", &none);
    assert_eq!(get(&good), 200);
    assert_eq!(get(&good), 401, "its jti was used before");
    for (what, token) in [
        ("alg=none", issuer.token("none", "2", &none)),
        ("a shared secret", issuer.token("HS256", "3", &none)),
        ("another's key", other.token("ES384", "4", &none)),
        (
            "wrong aud",
            issuer.token(
                "ES384",
                "5",
                &serde_json::json!({"aud": "https://elsewhere.example"}),
            ),
        ),
        (
            "wrong iss",
            issuer.token(
                "ES384",
                "6",
                &serde_json::json!({"iss": "https://elsewhere.example"}),
            ),
        ),
        (
            "expired",
            issuer.token("ES384", "7", &serde_json::json!({"exp": -60})),
        ),
        (
            "too long a life",
            issuer.token("ES384", "8", &serde_json::json!({"exp": 3600})),
        ),
        (
            "no jti",
            issuer.token("ES384", "9", &serde_json::json!({"jti": null})),
        ),
    ] {
        assert_eq!(get(&token), 401, "{what}");
    }
    assert_eq!(serving.get("/api/v1/messages").0, 401, "none at all");
    let reader = issuer.token("ES384", "10", &none);
    let (status, outcome) = serving.ask_as(&reader, "POST", "/fhir/r4", b"{}");
    assert_eq!(status, 403);
    assert!(String::from_utf8_lossy(&outcome).contains("scope"));
    assert_eq!(
        get(&reader),
        200,
        "what was refused for its scope was not used up"
    );
    let writer = issuer.token("ES384", "11", &serde_json::json!({"scope": "system/*.write"}));
    let (status, _) = serving.ask_as(&writer, "POST", "/fhir/r4", b"{}");
    assert!(
        (400..500).contains(&status) && status != 401 && status != 403,
        "{status}"
    );
    // Judged before the body: ten million bytes are announced and none is sent.
    let forged = other.token("ES384", "12", &none);
    let mut stream = TcpStream::connect(serving.http()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let head = format!(
        "POST /fhir/r4 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {forged}\r\nContent-Length: 10000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer before the body");
    assert_eq!(&answer, b"HTTP/1.1 401");
}

#[test]
fn keys_without_a_word_of_what_tokens_are_for_are_refused() {
    let issuer = Issuer::new();
    let refused = std::process::Command::new(crate::harness::program())
        .args(["serve", "--empty", "--http", "0", "--mllp", "0"])
        .env("EPRGW_JWKS", issuer.keys())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("EPRGW_JWT_AUDIENCE"), "{words}");
}
