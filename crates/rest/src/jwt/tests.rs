//! Tokens made here, with keys that live for one test; two tokens and a key were made by another program, openssl.
#![allow(clippy::unwrap_used)]

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use super::*;

const BOTH: &[Algorithm] = &[Algorithm::Rs384, Algorithm::Es384];
const AUDIENCE: &str = "https://here.example/token";
const NOW_S: i64 = 1_000;

/// The public half of a 2048-bit RSA key whose private half is gone.
const MODULUS: &str = "\
    uaNJE1pDzip28qfjJVw3F45ncrcOs98IqZv9984wNA-\
    4q1BcxMvjsjNRtdYUKXzOxFPd4Sc98yIoc3E3TWyplmcn4EjeywExqun-f-\
    LH2SiX4OpEAIzc8pX5xs37x78aQVKNHTTN2N-ZX2DND3TVbD9qgZ4q_uzwqaZK0K4gSSoyDF1sc_Hgnr-peyzERl1Fmg64Ib\
    C6GwMIzwBjW3sBRi6_lt8F7p24cAQSKz1Azs6jl4MTYQiYt1OE9tijnc3T-\
    hUt4EpdjuOR3YUTDWGQGfjZ7J2paSN6u_JIESVYhlmJ_5EJ7AihqLMb39tHgfuPc1a03OqgIQd383S4OIjGhw";
/// Signed with it: RS384, `exp` 1300.
const RS384: &str = "\
    eyJhbGciOiJSUzM4NCIsImtpZCI6InIxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJiZWQtYm9hcmQiLCJzdWIiOiJiZWQtYm9h\
    cmQiLCJhdWQiOiJodHRwczovL2hlcmUuZXhhbXBsZS90b2tlbiIsImp0aSI6ImoxIiwiZXhwIjoxMzAwfQ.YLNnn2JAQZBRt\
    WWYC9KqYCiavqrZxFBzkSKAQ83N7CP812Y-\
    53GkKAk7nTHk4_A_o0C3EPRK5Jz3mkED3nzPYVLgDbtyCDxXv8wbxunZzOdY5HB149IqF8xF5L7oQXZ10JveV9XEbznkryA6\
    bEVcvZ1LU_MSc34J7MB7eyfDYItACY8b1TxSynXwJH_ChvV5u1nlVheToGFR_EmElGuXC2ZWUT4wJ6lv5etlFKDQu-\
    jxj80MRL8JWfoZoUsdBE1f3eqrE6baJC1vf8CLzppDqdrWflRruuvf28Gdqf0AlHv-\
    KF5hcVQqvBngBMQSzvX943ZIaqjXVYN4xFWRyONrwQ";
/// Signed with it: PS256.
const PS256: &str = "\
    eyJhbGciOiJQUzI1NiIsImtpZCI6InIxIn0.eyJpc3MiOiJiZWQtYm9hcmQiLCJleHAiOjEzMDB9.e8aUIniyx0zJvgJdpIo\
    fPvoGOe1ZAW-OJIL4hlcwQwnp3G32f8Oa7PV_slo0JUuLvSWpKJPJwuSbwcARVEKOt3uGnljwWzCjOthg7YQ-\
    YtfC2A4ROpadHZ107SFdBEZgHRlfCQkWNJgzfA24bg8pLDBGxAeGcf4yV0jk4glCmiQH1j_kdIFa8_r-dtcf2ECcR3j6yPKe\
    yUVlpMIw0e-udH0R2C8AWmI0KOWBwO0doL5gp2-TcyI_iUnsmRizJ-b0yTjKdCVN53bjkcLjqt8hvs8L1rFA-\
    vEGWn5ZKi0fiZx42Ie66gn53Bjk2tMvLBkW3rWO02JjeoPSutCT1gw7Hw";
/// A 1024-bit one.
const SHORT_MODULUS: &str = "\
    v7SVkyzWmdlqsHqlptQRzNOXhqKtbudly7QVWztFRT5rpNWT37V42aGxVIQ2j61C6AzgEtq7lEW5teGbc_Nm0iH54t_UnRjm\
    OO1BOQ6USM8pc3PDAsdrQZMJhMWOSHjnZMI1RyZx6OFgI17BXK4TbtSgNT_INQJmQ6LmyNVA5rU";

fn text(value: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(value)
}

struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
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
        json!({"kty": "EC", "crv": "P-384", "kid": id, "use": "sig", "x": text(x), "y": text(y)})
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", text(signature))
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn rsa() -> Value {
    json!({"kty": "RSA", "kid": "r1", "n": MODULUS, "e": "AQAB"})
}

fn header() -> Value {
    json!({"alg": "ES384", "kid": "k1"})
}

fn claims() -> Value {
    json!({"iss": "bed-board", "sub": "bed-board", "aud": AUDIENCE, "jti": "1", "exp": NOW_S + 300})
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn rules() -> Rules<'static> {
    Rules {
        issuer: Some("bed-board"),
        subject: Some("bed-board"),
        audiences: &[AUDIENCE],
        lifetime_max_s: Some(300),
        leeway_s: 0,
    }
}

#[test]
fn a_token_of_another_program_is_believed_and_says_what_it_said() {
    let keys = set(&[rsa()]);
    let claims = verify(RS384, &keys, BOTH).unwrap();
    assert_eq!(claims.issuer(), Ok("bed-board"));
    assert_eq!(claims.check(&rules(), NOW_S), Ok(()));
    assert_eq!(
        verify(PS256, &keys, &[Algorithm::Ps256]).unwrap().issuer(),
        Ok("bed-board")
    );
    assert_eq!(verify(PS256, &keys, BOTH), Err(TokenError::Algorithm));
}

#[test]
fn a_bit_of_the_token_changed_is_a_token_refused() {
    let signer = Signer::new();
    let keys = set(&[signer.key("k1")]);
    let token = signer.token(&header(), &claims());
    assert!(verify(&token, &keys, BOTH).is_ok());
    let stranger = with(claims(), "sub", json!("stranger"));
    let parts: Vec<&str> = token.split('.').collect();
    let swapped = format!("{}.{}.{}", parts[0], text(stranger.to_string()), parts[2]);
    assert_eq!(verify(&swapped, &keys, BOTH), Err(TokenError::Signature));
    let foreign = Signer::new().token(&header(), &claims());
    assert_eq!(verify(&foreign, &keys, BOTH), Err(TokenError::Signature));
    for cut in 0..token.len() {
        assert!(
            verify(token.split_at(cut).0, &keys, BOTH).is_err(),
            "cut at {cut}"
        );
    }
    for (place, _) in token.match_indices(|_: char| true) {
        let mut bytes = token.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last letter of each part holds bits that base64url does not use, and must be zero.
        assert!(verify(&changed, &keys, BOTH).is_err(), "changed at {place}");
    }
}

#[test]
fn none_shared_secrets_and_algorithms_not_asked_for_are_refused() {
    let signer = Signer::new();
    let keys = set(&[signer.key("k1")]);
    for name in [
        "none", "None", "NONE", "", "HS256", "HS384", "HS512", "ES384 ", "es384",
    ] {
        let header = with(header(), "alg", json!(name));
        let signed = signer.token(&header, &claims());
        assert_eq!(verify(&signed, &keys, BOTH), Err(TokenError::Algorithm), "{name}");
        let bare = format!("{}.{}.", text(header.to_string()), text(claims().to_string()));
        assert_eq!(verify(&bare, &keys, BOTH), Err(TokenError::Algorithm), "{name}");
    }
    let token = signer.token(&header(), &claims());
    assert_eq!(
        verify(&token, &keys, &[Algorithm::Rs384]),
        Err(TokenError::Algorithm)
    );
    // A key of one sort is never used as one of another.
    let lied = signer.token(&with(header(), "alg", json!("RS384")), &claims());
    assert_eq!(verify(&lied, &keys, BOTH), Err(TokenError::UnknownKey));
}

#[test]
fn a_header_that_is_none_is_refused() {
    let signer = Signer::new();
    let keys = set(&[signer.key("k1")]);
    for (header, expected) in [
        (json!({"kid": "k1"}), TokenError::Header),
        (json!([]), TokenError::Header),
        (json!({"alg": 384}), TokenError::Header),
        (json!({"alg": "ES384", "kid": 1}), TokenError::Header),
        (
            json!({"alg": "ES384", "crit": ["b64"], "b64": false}),
            TokenError::Critical,
        ),
        (json!({"alg": "ES384", "kid": "k2"}), TokenError::UnknownKey),
    ] {
        assert_eq!(
            verify(&signer.token(&header, &claims()), &keys, BOTH),
            Err(expected),
            "{header}"
        );
    }
    let twice = format!("{}.e30.e30", text(r#"{"alg":"none","alg":"ES384"}"#));
    assert_eq!(verify(&twice, &keys, BOTH), Err(TokenError::Header));
    for form in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "e30.e30.e30.e30",
        "e30=.e30.e30",
        "e3 0.e30.e30",
    ] {
        assert!(verify(form, &keys, BOTH).is_err(), "{form}");
    }
    let long = "e30.".repeat(TOKEN_BYTES_MAX);
    assert_eq!(verify(&long, &keys, BOTH), Err(TokenError::Form));
}

#[test]
fn without_a_kid_every_key_that_fits_is_tried() {
    let (one, other) = (Signer::new(), Signer::new());
    let token = other.token(&json!({"alg": "ES384"}), &claims());
    assert!(verify(&token, &set(&[rsa(), one.key("a"), other.key("b")]), BOTH).is_ok());
    assert_eq!(
        verify(&token, &set(&[rsa(), one.key("a")]), BOTH),
        Err(TokenError::Signature)
    );
    assert_eq!(verify(&token, &set(&[rsa()]), BOTH), Err(TokenError::UnknownKey));
}

#[test]
fn each_rule_refuses_by_its_own_name() {
    let signer = Signer::new();
    let keys = set(&[signer.key("k1")]);
    let mut lacking = claims();
    lacking.as_object_mut().unwrap().remove("exp");
    for (claims, expected) in [
        (claims(), Ok(())),
        (lacking, Err(TokenError::Missing("exp"))),
        (with(claims(), "exp", json!(NOW_S)), Err(TokenError::Expired)),
        (with(claims(), "exp", json!(NOW_S + 1)), Ok(())),
        (with(claims(), "exp", json!(1300.9)), Ok(())),
        (
            with(claims(), "exp", json!(NOW_S + 301)),
            Err(TokenError::TooLong),
        ),
        (with(claims(), "exp", json!(i64::MAX)), Err(TokenError::TooLong)),
        (with(claims(), "exp", json!(i64::MIN)), Err(TokenError::Expired)),
        (
            with(claims(), "exp", json!("1300")),
            Err(TokenError::Claim("exp")),
        ),
        (with(claims(), "exp", json!(null)), Err(TokenError::Claim("exp"))),
        (with(claims(), "nbf", json!("0")), Err(TokenError::Claim("nbf"))),
        (with(claims(), "nbf", json!(NOW_S + 1)), Err(TokenError::NotYet)),
        (with(claims(), "iat", json!(NOW_S + 1)), Err(TokenError::NotYet)),
        (with(claims(), "iss", json!("other")), Err(TokenError::Issuer)),
        (
            with(claims(), "iss", json!(["bed-board"])),
            Err(TokenError::Claim("iss")),
        ),
        (with(claims(), "sub", json!("other")), Err(TokenError::Subject)),
        (
            with(claims(), "aud", json!("https://there.example")),
            Err(TokenError::Audience),
        ),
        (
            with(claims(), "aud", json!(["https://there.example", AUDIENCE])),
            Ok(()),
        ),
        (
            with(claims(), "aud", json!([AUDIENCE, 1])),
            Err(TokenError::Claim("aud")),
        ),
        (with(claims(), "aud", json!([])), Err(TokenError::Audience)),
    ] {
        let token = signer.token(&header(), &claims);
        let found = verify(&token, &keys, BOTH).and_then(|claims| claims.check(&rules(), NOW_S));
        assert_eq!(found, expected, "{claims}");
    }
    let later = verify(&signer.token(&header(), &claims()), &keys, BOTH).unwrap();
    let lenient = Rules {
        leeway_s: 1_000_000,
        ..rules()
    };
    assert_eq!(later.check(&lenient, NOW_S + 359), Ok(()));
    assert_eq!(
        later.check(&lenient, NOW_S + 360),
        Err(TokenError::Expired),
        "a leeway has its bound"
    );
}

#[test]
fn a_token_is_shown_once_and_forgotten_when_it_could_not_be_shown_again() {
    let signer = Signer::new();
    let keys = set(&[signer.key("k1")]);
    let shown = |issuer: &str, id: &str, expires_s: i64| {
        let claims = json!({"iss": issuer, "jti": id, "exp": expires_s});
        verify(&signer.token(&header(), &claims), &keys, BOTH).unwrap()
    };
    let seen = Replays::new(2);
    assert_eq!(seen.first_use(&shown("a", "bc", 1_300), NOW_S), Ok(()));
    assert_eq!(
        seen.first_use(&shown("a", "bc", 1_200), NOW_S),
        Err(TokenError::Replayed)
    );
    assert_eq!(seen.first_use(&shown("ab", "c", 1_100), NOW_S), Ok(()));
    assert_eq!(
        seen.first_use(&shown("d", "e", 1_300), NOW_S),
        Err(TokenError::Busy)
    );
    assert_eq!(
        seen.first_use(&shown("d", "e", 1_300), 1_160),
        Err(TokenError::Busy)
    );
    assert_eq!(
        seen.first_use(&shown("d", "e", 1_300), 1_161),
        Ok(()),
        "the one of 1100 is gone"
    );
    assert_eq!(
        seen.first_use(&shown("a", "bc", 1_300), 1_161),
        Err(TokenError::Replayed)
    );
    let nameless = verify(
        &signer.token(&header(), &json!({"iss": "a", "exp": 1})),
        &keys,
        BOTH,
    )
    .unwrap();
    assert_eq!(seen.first_use(&nameless, NOW_S), Err(TokenError::Missing("jti")));
}

#[test]
fn a_key_set_says_which_key_is_wrong_and_passes_over_those_of_no_use() {
    let ec = Signer::new().key("k1");
    let other_ends = set(&[
        with(ec.clone(), "use", json!("enc")),
        with(ec.clone(), "key_ops", json!(["sign"])),
        with(ec.clone(), "alg", json!("ECDH-ES")),
        with(ec.clone(), "crv", json!("P-521")),
        json!({"kty": "oct", "k": "c2VjcmV0"}),
        json!({"kty": "AKP"}),
    ]);
    assert!(other_ends.is_empty());
    assert_eq!(set(&[ec.clone(), rsa()]).len(), 2);
    for (key, words) in [
        (with(rsa(), "n", json!(SHORT_MODULUS)), "2048"),
        (with(rsa(), "n", json!("")), "n is missing"),
        (with(rsa(), "e", json!("!")), "e is missing"),
        (with(rsa(), "d", json!("AQAB")), "private"),
        (with(rsa(), "alg", json!("ES384")), "alg does not fit"),
        (with(ec.clone(), "x", json!("AQAB")), "as long as its curve"),
    ] {
        let text = json!({"keys": [rsa(), key]}).to_string();
        let error = KeySet::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, KeySetError::Key { place: 2, .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    for broken in ["", "{}", "[]", r#"{"keys": 1}"#, r#"{"keys": [{}]}"#] {
        let error = KeySet::parse(broken.as_bytes()).unwrap_err();
        assert!(matches!(error, KeySetError::Json { .. }), "{broken}: {error}");
    }
    let many = vec![rsa(); 65];
    let text = json!({ "keys": many }).to_string();
    assert_eq!(KeySet::parse(text.as_bytes()).unwrap_err(), KeySetError::TooMany);
    assert_eq!(
        verify(RS384, &set(&[with(rsa(), "alg", json!("RS512"))]), BOTH),
        Err(TokenError::UnknownKey)
    );
}
