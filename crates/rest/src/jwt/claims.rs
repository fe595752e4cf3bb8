//! What a token says, and whether that is enough.

use serde_json::{Map, Value};

use super::TokenError;

/// Longest leeway: used tokens are remembered that much longer than they live.
pub(super) const LEEWAY_S_MAX: i64 = 60;

/// What a token claims. Made by [`verify`](super::verify) only, so a signature stood behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
    expires_s: Option<i64>,
    not_before_s: Option<i64>,
    issued_s: Option<i64>,
    audiences: Vec<String>,
}

/// What a token must say. A rule left at its default asks nothing, but `exp`, which every token needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules<'a> {
    /// Who must have made it (`iss`).
    pub issuer: Option<&'a str>,
    /// Whom it must be about (`sub`).
    pub subject: Option<&'a str>,
    /// For whom it may be: one of these must stand in `aud`. Empty asks for no `aud`.
    pub audiences: &'a [&'a str],
    /// How far ahead its end (`exp`) may lie.
    pub lifetime_max_s: Option<i64>,
    /// How far the maker's clock may be off; more than a minute counts as a minute.
    pub leeway_s: i64,
}

impl Claims {
    /// A registered claim of the wrong type is refused, not taken as absent.
    pub(super) fn read(json: &[u8]) -> Result<Self, TokenError> {
        let members: Map<String, Value> =
            serde_json::from_slice(json).map_err(|_| TokenError::Claim("the claims"))?;
        for name in ["iss", "sub", "jti"] {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(TokenError::Claim(name));
            }
        }
        Ok(Self {
            expires_s: date(&members, "exp")?,
            not_before_s: date(&members, "nbf")?,
            issued_s: date(&members, "iat")?,
            audiences: audiences(&members)?,
            members,
        })
    }

    /// Whether the token says what it must at this time (seconds since 1970).
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn check(&self, rules: &Rules<'_>, now_s: i64) -> Result<(), TokenError> {
        let expires_s = self.expires_s.ok_or(TokenError::Missing("exp"))?;
        let leeway_s = rules.leeway_s.clamp(0, LEEWAY_S_MAX);
        if now_s >= expires_s.saturating_add(leeway_s) {
            return Err(TokenError::Expired);
        }
        let latest_s = now_s.saturating_add(leeway_s);
        if [self.not_before_s, self.issued_s]
            .into_iter()
            .flatten()
            .any(|from_s| from_s > latest_s)
        {
            return Err(TokenError::NotYet);
        }
        if rules
            .lifetime_max_s
            .is_some_and(|most_s| expires_s > latest_s.saturating_add(most_s))
        {
            return Err(TokenError::TooLong);
        }
        if rules.issuer.is_some() && rules.issuer != self.text("iss") {
            return Err(TokenError::Issuer);
        }
        if rules.subject.is_some() && rules.subject != self.text("sub") {
            return Err(TokenError::Subject);
        }
        let meant = |audience: &String| rules.audiences.contains(&audience.as_str());
        if !rules.audiences.is_empty() && !self.audiences.iter().any(meant) {
            return Err(TokenError::Audience);
        }
        Ok(())
    }

    /// `iss`.
    ///
    /// # Errors
    /// It is missing.
    pub fn issuer(&self) -> Result<&str, TokenError> {
        self.text("iss").ok_or(TokenError::Missing("iss"))
    }

    /// `sub`.
    ///
    /// # Errors
    /// It is missing.
    pub fn subject(&self) -> Result<&str, TokenError> {
        self.text("sub").ok_or(TokenError::Missing("sub"))
    }

    /// `jti`.
    ///
    /// # Errors
    /// It is missing.
    pub fn id(&self) -> Result<&str, TokenError> {
        self.text("jti").ok_or(TokenError::Missing("jti"))
    }

    /// `exp`: seconds since 1970.
    #[must_use]
    pub fn expires_s(&self) -> Option<i64> {
        self.expires_s
    }

    /// A claim that is a text, such as `scope`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// Any claim, as it stands.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }
}

/// A NumericDate; fractions of a second are cut off.
fn date(members: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, TokenError> {
    let Some(value) = members.get(name) else {
        return Ok(None);
    };
    // The cast saturates, and no clock reaches its ends.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time beyond i64 is as good as its end"
    )]
    let seconds = value
        .as_i64()
        .or_else(|| value.as_f64().map(|seconds| seconds.trunc() as i64));
    seconds.map(Some).ok_or(TokenError::Claim(name))
}

fn audiences(members: &Map<String, Value>) -> Result<Vec<String>, TokenError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let found = match members.get("aud") {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values.iter().map(text).collect::<Option<_>>(),
        Some(value) => text(value).map(|one| vec![one]),
    };
    found.ok_or(TokenError::Claim("aud"))
}
