//! Signed tokens: JSON Web Tokens of the site's own authorisation server, judged by its public keys.
//!
//! `EPRGW_JWKS` names the file with the keys, `EPRGW_JWT_AUDIENCE` what a token must be for, `EPRGW_JWT_ISSUER` who must
//! have made it. What it may do is its `scope`, as SMART writes it: `system/*.rs`, `system/Patient.read`. A token lives
//! five minutes at most and is good for one request, unless `EPRGW_JWT_REUSE` says until it expires.

use axum::http::Method;
use rest::jwt::{Algorithm, KeySet, Replays, Rules, TokenError, verify};
use rest::scope::{Right, Scope};

use crate::exit::Failure;

/// What SMART asks its clients to sign with, and the common ones besides.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Es256,
    Algorithm::Es384,
];

/// Longest life of a token.
const LIFETIME_S_MAX: i64 = 300;

/// How far the other side's clock may be off.
const LEEWAY_S: i64 = 10;

/// Used tokens that are remembered.
const REMEMBERED_MAX: usize = 100_000;

/// Whose signature is believed, and for what.
pub(super) struct Signed {
    keys: KeySet,
    audience: String,
    issuer: Option<String>,
    /// None where a token is good until it expires.
    seen: Option<Replays>,
}

/// Why a signed token does not let a request through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not to be believed.
    Token(TokenError),
    /// It is, and does not allow this.
    Scope,
}

impl Signed {
    /// Reads the variables, and the keys they name.
    ///
    /// # Errors
    /// A file that is no key set, or no word of what tokens are for.
    pub(super) fn from_environment() -> anyhow::Result<Option<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(path) = variable("EPRGW_JWKS") else {
            return Ok(None);
        };
        let usage = |why: String| Failure::Usage.because(format!("EPRGW_JWKS: {why}"));
        let json = std::fs::read(&path).map_err(|error| usage(format!("cannot read {path}: {error}")))?;
        let keys = KeySet::parse(&json).map_err(|error| usage(format!("{path}: {error}")))?;
        if keys.is_empty() {
            return Err(usage(format!("{path} holds no key that can check a signature")));
        }
        let audience = variable("EPRGW_JWT_AUDIENCE").ok_or_else(|| {
            usage("say in EPRGW_JWT_AUDIENCE what a token must be for (its aud), or any token of these keys would do".into())
        })?;
        let reuse = variable("EPRGW_JWT_REUSE").is_some_and(|value| value == "1" || value == "true");
        Ok(Some(Self {
            keys,
            audience,
            issuer: variable("EPRGW_JWT_ISSUER"),
            seen: (!reuse).then(|| Replays::new(REMEMBERED_MAX)),
        }))
    }

    /// Whether this token lets a request through.
    pub(super) fn judge(&self, token: &str, method: &Method, path: &str, now_s: i64) -> Result<(), Refused> {
        let believed = || {
            let claims = verify(token, &self.keys, ALGORITHMS)?;
            let rules = Rules {
                issuer: self.issuer.as_deref(),
                audiences: &[&self.audience],
                lifetime_max_s: Some(LIFETIME_S_MAX),
                leeway_s: LEEWAY_S,
                ..Rules::default()
            };
            claims.check(&rules, now_s)?;
            Ok(claims)
        };
        let claims = believed().map_err(Refused::Token)?;
        if !allows(claims.text("scope").unwrap_or_default(), method, path) {
            return Err(Refused::Scope);
        }
        // Last, so that a request refused for another reason does not use the token up.
        match &self.seen {
            Some(seen) => seen.first_use(&claims, now_s).map_err(Refused::Token),
            None => Ok(()),
        }
    }
}

/// Whether one of the scopes allows this method on this path.
fn allows(scopes: &str, method: &Method, path: &str) -> bool {
    let scopes = scopes
        .split_ascii_whitespace()
        .filter_map(|scope| Scope::parse(scope).ok());
    scopes.into_iter().any(|scope| {
        let may = |right| path.split('/').any(|part| scope.allows(part, right));
        match *method {
            _ if method.is_safe() => may(Right::Read) || may(Right::Search),
            // A message or a transaction may do anything, so it takes all three.
            Method::POST if scope.resource_type() == "*" => {
                [Right::Create, Right::Update, Right::Delete].into_iter().all(may)
            }
            Method::POST => may(Right::Create),
            Method::DELETE => may(Right::Delete),
            _ => may(Right::Update),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_it_names_and_no_more() {
        for (scopes, method, path, may) in [
            ("system/*.rs", Method::GET, "/api/v1/messages", true),
            ("system/*.read", Method::GET, "/fhir/r4/Patient/1", true),
            ("system/*.rs", Method::POST, "/fhir/r4", false),
            ("system/*.write", Method::POST, "/fhir/r4", true),
            ("system/*.c", Method::POST, "/fhir/r4", false),
            ("system/*.cruds", Method::POST, "/fhir/r4", true),
            (
                "system/Patient.rs",
                Method::GET,
                "/west/api/FHIR/R4/Patient",
                true,
            ),
            (
                "system/Patient.rs",
                Method::GET,
                "/west/api/FHIR/R4/Observation",
                false,
            ),
            ("system/Patient.rs", Method::GET, "/api/v1/messages", false),
            (
                "openid system/Observation.rs system/Patient.c",
                Method::POST,
                "/fhir/r4/Patient",
                true,
            ),
            ("user/*.*", Method::GET, "/api/v1/messages", false),
            ("", Method::GET, "/api/v1/messages", false),
        ] {
            assert_eq!(allows(scopes, &method, path), may, "{scopes} {method} {path}");
        }
    }
}
