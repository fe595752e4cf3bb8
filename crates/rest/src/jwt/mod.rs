//! Signed JSON Web Tokens: is this from the holder of one of these keys, and does it say what it must?
//!
//! Three steps, each of which may refuse: [`verify`] a token against a [`KeySet`] and a list of [`Algorithm`]s,
//! [`check`](Claims::check) what it claims against [`Rules`] and the time, and, where a token may be shown only once,
//! ask [`Replays`]. Nothing that a token claims can be read before its signature held.
//!
//! Only keys whose public half is published are known here: `none` and the shared secrets of `HS256` and its like are
//! no algorithms of this room, so no configuration can let them in. Nothing is fetched: keys are an argument, and so is
//! the time. Cryptography is `ring`'s, which TLS brings along; what is written here is the form around it.
//!
//! # Example
//!
//! ```
//! use rest::jwt::{Algorithm, KeySet, Replays, Rules, TokenError, verify};
//!
//! fn client_of(token: &str, keys: &KeySet, seen: &Replays, now_s: i64) -> Result<String, TokenError> {
//!     let claims = verify(token, keys, &[Algorithm::Rs384, Algorithm::Es384])?;
//!     let rules = Rules {
//!         audiences: &["https://here.example/oauth2/token"],
//!         lifetime_max_s: Some(300),
//!         ..Rules::default()
//!     };
//!     claims.check(&rules, now_s)?;
//!     seen.first_use(&claims, now_s)?;
//!     Ok(claims.issuer()?.to_owned())
//! }
//!
//! let none = KeySet::parse(br#"{"keys": []}"#).expect("an empty set is a set");
//! assert_eq!(client_of("e30.e30.", &none, &Replays::new(10), 0), Err(TokenError::Header));
//! ```

mod claims;
mod keys;
mod replay;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

pub use self::claims::{Claims, Rules};
pub use self::keys::{Algorithm, KeySet, KeySetError};
pub use self::replay::Replays;

/// Longest token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why a token is not believed. Says which rule, never what stood in the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is no token at all.
    #[error("not three parts of base64url, or longer than {TOKEN_BYTES_MAX} bytes")]
    Form,
    /// Its header is no JSON object with an `alg`.
    #[error("the header is no JSON object with alg and, at most, one kid")]
    Header,
    /// It says that something in it must be understood (`crit`).
    #[error("the header asks for an extension (crit); none is known here")]
    Critical,
    /// It is signed in a way that is not taken: `none`, a shared secret, or another than those allowed.
    #[error("alg is not one of those taken here")]
    Algorithm,
    /// No key has its `kid` and fits its `alg`.
    #[error("no key of the set has this kid and fits this alg")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("the signature does not hold")]
    Signature,
    /// A claim is not of the type it must have, or the claims are no JSON object.
    #[error("{0} is not of its type")]
    Claim(&'static str),
    /// A claim that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It has expired.
    #[error("exp has passed")]
    Expired,
    /// It holds only later, or was made in the future.
    #[error("nbf or iat lies ahead")]
    NotYet,
    /// It lives longer than allowed.
    #[error("exp lies further ahead than allowed")]
    TooLong,
    /// It is from somebody else.
    #[error("iss is not the one expected")]
    Issuer,
    /// It is about somebody else.
    #[error("sub is not the one expected")]
    Subject,
    /// It is for somebody else.
    #[error("aud is not here")]
    Audience,
    /// It was shown before.
    #[error("jti was used before")]
    Replayed,
    /// So many tokens are remembered that another cannot be.
    #[error("too many tokens are remembered; try again in a while")]
    Busy,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// What a token claims, once its signature held.
///
/// A `kid` in the token names the key; without one, every key that fits is tried. Ask [`Claims::check`] next.
///
/// # Errors
/// [`TokenError`], from `Form` to `Claim`.
pub fn verify(token: &str, keys: &KeySet, allowed: &[Algorithm]) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Form)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenError::Form)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Form);
    // The dot is no base64url, so a fourth part is refused with the rest of the form.
    let (header, claims, signature) = (decode(header)?, decode(claims)?, decode(signature)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| TokenError::Header)?;
    if header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    let algorithm = Algorithm::of_name(&header.alg)
        .filter(|algorithm| allowed.contains(algorithm))
        .ok_or(TokenError::Algorithm)?;
    let mut fitting = keys.fitting(algorithm, header.kid.as_deref()).peekable();
    if fitting.peek().is_none() {
        return Err(TokenError::UnknownKey);
    }
    if !fitting.any(|key| key.holds(algorithm, signed.as_bytes(), &signature)) {
        return Err(TokenError::Signature);
    }
    Claims::read(&claims)
}

#[cfg(test)]
mod tests;
