//! Key sets (JWKS, RFC 7517): the public keys of whoever signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// Most keys a set may hold: each that fits may be tried.
const KEYS_MAX: usize = 64;
/// Shortest RSA modulus, 2048 bits.
const MODULUS_BYTES_MIN: usize = 256;
/// Longest RSA modulus that `ring` takes, 8192 bits.
const MODULUS_BYTES_MAX: usize = 1024;

/// How a token is signed; the names are those of RFC 7518.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    Rs256,
    /// RSA, PKCS #1 v1.5, SHA-384.
    Rs384,
    /// RSA, PKCS #1 v1.5, SHA-512.
    Rs512,
    /// RSA, PSS, SHA-256.
    Ps256,
    /// RSA, PSS, SHA-384.
    Ps384,
    /// RSA, PSS, SHA-512.
    Ps512,
    /// ECDSA on P-256.
    Es256,
    /// ECDSA on P-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every one, as `alg` spells them.
    pub const ALL: &[(&'static str, Self)] = &[
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];

    /// The algorithm that `alg` names; none for `none`, shared secrets and what is not known.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| *algorithm)
    }

    fn rsa(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }
}

/// Why a key set cannot be used. Counts keys from 1, and repeats nothing of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is no JSON of the form `{"keys": […]}`.
    #[error("not a key set: line {line}, column {column} of its JSON")]
    Json {
        /// Line of the JSON text.
        line: usize,
        /// Column in that line.
        column: usize,
    },
    /// It holds too many keys.
    #[error("more than {KEYS_MAX} keys")]
    TooMany,
    /// A key is not in order.
    #[error("key {place}: {problem}")]
    Key {
        /// Which key, from 1.
        place: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// Public keys that may have signed a token.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug)]
pub(super) struct Key {
    id: Option<String>,
    /// The one algorithm it is for, when it says so.
    only: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

#[derive(Deserialize)]
struct Written {
    keys: Vec<WrittenKey>,
}

#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Private, of every type but `oct`; only whether it is there is looked at.
    d: Option<serde::de::IgnoredAny>,
}

impl KeySet {
    /// Reads a key set.
    ///
    /// Keys for other ends (encryption, curves and types not known here, shared secrets) are passed over, as RFC 7517
    /// has it; [`len`](Self::len) says how many were of use.
    ///
    /// # Errors
    /// No key set, or a key in it that is broken, short (RSA below 2048 bits) or private.
    pub fn parse(json: &[u8]) -> Result<Self, KeySetError> {
        let written: Written = serde_json::from_slice(json).map_err(|error| KeySetError::Json {
            line: error.line(),
            column: error.column(),
        })?;
        if written.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooMany);
        }
        let mut keys = Vec::new();
        for (at, written) in written.keys.into_iter().enumerate() {
            let read = read(written).map_err(|problem| KeySetError::Key {
                place: at + 1,
                problem,
            })?;
            keys.extend(read);
        }
        Ok(Self(keys))
    }

    /// How many keys may sign.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key may sign.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that may have made a signature of that sort, those of that id only when one is named.
    pub(super) fn fitting(&self, algorithm: Algorithm, id: Option<&str>) -> impl Iterator<Item = &Key> {
        self.0
            .iter()
            .filter(move |key| id.is_none() || key.id.as_deref() == id)
            .filter(move |key| key.only.is_none_or(|only| only == algorithm))
            .filter(move |key| key.material.fits(algorithm))
    }
}

impl Material {
    fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => algorithm.rsa().is_some(),
            Self::P256(_) => algorithm == Algorithm::Es256,
            Self::P384(_) => algorithm == Algorithm::Es384,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }
}

impl Key {
    pub(super) fn holds(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let curve = |curve: &'static EcdsaVerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(curve, point).verify(signed, signature)
        };
        let verified = match &self.material {
            Material::Rsa { modulus, exponent } => match algorithm.rsa() {
                Some(parameters) => RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                }
                .verify(parameters, signed, signature),
                None => return false,
            },
            Material::P256(point) => curve(&signature::ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => curve(&signature::ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(point) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, signature)
            }
        };
        verified.is_ok()
    }
}

/// One key; none when it is for another end.
fn read(written: WrittenKey) -> Result<Option<Key>, &'static str> {
    if written.d.is_some() {
        return Err("it is private; take d and the like out, and make a new one");
    }
    let signs = written.used_for.as_deref().is_none_or(|end| end == "sig")
        && written
            .key_ops
            .as_deref()
            .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"));
    let only = match written.alg.as_deref().map(Algorithm::of_name) {
        Some(None) => return Ok(None),
        Some(only) => only,
        None => None,
    };
    if !signs {
        return Ok(None);
    }
    let material = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => Material::Rsa {
            modulus: modulus(written.n)?,
            exponent: number(written.e, "e is missing or no base64url")?,
        },
        ("EC", Some("P-256")) => Material::P256(point(written.x, written.y, 32)?),
        ("EC", Some("P-384")) => Material::P384(point(written.x, written.y, 48)?),
        ("OKP", Some("Ed25519")) => Material::Ed25519(sized(written.x, 32)?),
        _ => return Ok(None),
    };
    if only.is_some_and(|only| !material.fits(only)) {
        return Err("alg does not fit kty and crv");
    }
    Ok(Some(Key {
        id: written.kid,
        only,
        material,
    }))
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?.trim_end_matches('=')).ok()
}

/// A big number without leading zeros, as `ring` wants it.
fn number(text: Option<String>, problem: &'static str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = bytes(text).ok_or(problem)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    match bytes.is_empty() {
        true => Err(problem),
        false => Ok(bytes),
    }
}

fn modulus(text: Option<String>) -> Result<Vec<u8>, &'static str> {
    let modulus = number(text, "n is missing or no base64url")?;
    let bit = modulus.first().is_some_and(|byte| byte & 0x80 != 0);
    match modulus.len() {
        // A first byte below 128 makes the key a bit short of 2048.
        length if length < MODULUS_BYTES_MIN || (length == MODULUS_BYTES_MIN && !bit) => {
            Err("RSA below 2048 bits is not taken")
        }
        length if length > MODULUS_BYTES_MAX => Err("RSA above 8192 bits is not taken"),
        _ => Ok(modulus),
    }
}

fn sized(text: Option<String>, length: usize) -> Result<Vec<u8>, &'static str> {
    bytes(text)
        .filter(|bytes| bytes.len() == length)
        .ok_or("x or y is missing, no base64url, or not as long as its curve")
}

/// An uncompressed point.
fn point(x: Option<String>, y: Option<String>, length: usize) -> Result<Vec<u8>, &'static str> {
    let mut point = vec![4];
    point.extend(sized(x, length)?);
    point.extend(sized(y, length)?);
    Ok(point)
}
