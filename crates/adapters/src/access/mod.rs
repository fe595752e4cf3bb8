//! Who may ask a FHIR face: clients by name, what proves them, the tokens they hold, and what those let them see.
//!
//! Off unless an EPR is started with clients. What a vendor asks as proof, how long its tokens live and how its
//! refusals read is in its folder; the machinery is here, and signed assertions are [`rest::jwt`]'s. Tokens are random,
//! held in memory by their digest, and gone with the process.

mod form;
mod lens;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use rest::Interaction;
use rest::jwt::{Algorithm, KeySet, Replays, Rules, TokenError, verify};
use rest::scope::{Right, Scope};
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) use self::form::Form;
pub(crate) use self::lens::{Lens, View};

/// Most tokens held at a time; the one that ends first gives way.
const TOKENS_MAX: usize = 10_000;
/// Most assertions remembered, so that none is shown twice.
const REPLAYS_MAX: usize = 100_000;

/// A client registered with an EPR.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Client {
    /// Its id.
    pub id: String,
    /// What proves that it is the one.
    pub proof: Proof,
    /// What it was registered for.
    pub scopes: Vec<Scope>,
    /// The organisations whose records it sees; all when empty.
    pub organisations: Vec<String>,
    /// The product's own user it acts as.
    pub user: Option<String>,
}

impl Client {
    /// A client that may do nothing yet.
    #[must_use]
    pub fn new(id: &str, proof: Proof) -> Self {
        Self {
            id: id.to_owned(),
            proof,
            scopes: Vec::new(),
            organisations: Vec::new(),
            user: None,
        }
    }
}

/// What proves a client.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A secret it shows.
    Secret(Secret),
    /// Keys it signs with.
    Keys(KeySet),
}

/// A secret, kept as its digest: it cannot be printed, and comparing it tells nothing of how much was right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret(Digest);

impl Secret {
    /// Keeps a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(sha256(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

type Digest = [u8; 32];

fn sha256(text: &str) -> Digest {
    let mut held = Digest::default();
    held.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    held
}

/// The clients of one EPR and the tokens they hold.
pub(crate) struct Access {
    clients: Vec<Arc<Client>>,
    replays: Replays,
    random: SystemRandom,
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    grants: HashMap<Digest, Arc<Grant>>,
    by_end: BTreeSet<(i64, Digest)>,
}

/// What a token stands for.
pub(crate) struct Grant {
    client: Arc<Client>,
    scopes: Vec<Scope>,
    expires_s: i64,
}

/// Why a request is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token is shown.
    NoToken,
    /// It is none of ours, or has expired.
    BadToken,
}

impl Access {
    pub(crate) fn new(clients: Vec<Client>) -> Self {
        Self {
            clients: clients.into_iter().map(Arc::new).collect(),
            replays: Replays::new(REPLAYS_MAX),
            random: SystemRandom::new(),
            tokens: Mutex::default(),
        }
    }

    pub(crate) fn clients(&self) -> &[Arc<Client>] {
        &self.clients
    }

    /// The client whose id and secret stand in `Authorization: Basic`.
    pub(crate) fn of_basic(&self, headers: &HeaderMap) -> Option<Arc<Client>> {
        let shown = STANDARD.decode(after(headers, "basic")?).ok()?;
        let shown = String::from_utf8(shown).ok()?;
        let (id, secret) = shown.split_once(':')?;
        let secret = Secret::new(secret);
        let is = |client: &&Arc<Client>| {
            client.id == id && matches!(&client.proof, Proof::Secret(held) if *held == secret)
        };
        self.clients.iter().find(is).cloned()
    }

    /// The client that signed an assertion about itself, for one of `audiences`, shown for the first time.
    ///
    /// Each client's keys are tried in turn: what the assertion says of its maker counts once its signature held.
    pub(crate) fn of_assertion(
        &self,
        assertion: &str,
        algorithms: &[Algorithm],
        audiences: &[&str],
        lifetime_max_s: i64,
        now_s: i64,
    ) -> Result<Arc<Client>, TokenError> {
        let mut refusal = TokenError::UnknownKey;
        for client in &self.clients {
            let Proof::Keys(keys) = &client.proof else {
                continue;
            };
            let rules = Rules {
                issuer: Some(&client.id),
                subject: Some(&client.id),
                audiences,
                lifetime_max_s: Some(lifetime_max_s),
                leeway_s: 0,
            };
            let checked = verify(assertion, keys, algorithms)
                .and_then(|claims| claims.check(&rules, now_s).map(|()| claims));
            match checked {
                Ok(claims) => {
                    self.replays.first_use(&claims, now_s)?;
                    return Ok(Arc::clone(client));
                }
                // Another client's keys may fit better.
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    /// A fresh token for these scopes; none when the machine has no randomness to give.
    pub(crate) fn issue(&self, client: Arc<Client>, scopes: Vec<Scope>, expires_s: i64) -> Option<String> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes).ok()?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let key = sha256(&token);
        let grant = Grant {
            client,
            scopes,
            expires_s,
        };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.by_end.len() >= TOKENS_MAX
            && let Some((_, first)) = tokens.by_end.pop_first()
        {
            tokens.grants.remove(&first);
        }
        tokens.by_end.insert((expires_s, key));
        tokens.grants.insert(key, Arc::new(grant));
        Some(token)
    }

    /// What the token of a request stands for.
    fn grant(&self, headers: &HeaderMap, now_s: i64) -> Result<Arc<Grant>, Denied> {
        let token = after(headers, "bearer").ok_or(Denied::NoToken)?;
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let grant = tokens.grants.get(&sha256(token)).ok_or(Denied::BadToken)?;
        match now_s < grant.expires_s {
            true => Ok(Arc::clone(grant)),
            false => Err(Denied::BadToken),
        }
    }
}

/// What follows the scheme in `Authorization`, whatever the scheme's letters.
fn after<'h>(headers: &'h HeaderMap, scheme: &str) -> Option<&'h str> {
    let shown = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (shown_scheme, rest) = shown.split_once(' ')?;
    shown_scheme.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// Whoever asks: anyone while nothing is asked of them, else the holder of a token.
#[derive(Clone)]
pub(crate) enum Asker {
    Anyone,
    Holder(Arc<Grant>),
}

impl Asker {
    /// Who sends this request.
    pub(crate) fn of(access: Option<&Access>, headers: &HeaderMap, now_s: i64) -> Result<Self, Denied> {
        match access {
            None => Ok(Self::Anyone),
            Some(access) => access.grant(headers, now_s).map(Self::Holder),
        }
    }

    /// Whether both the token and the client's registration allow that.
    pub(crate) fn may(&self, resource_type: &str, right: Right) -> bool {
        let allowed = |scopes: &[Scope]| scopes.iter().any(|scope| scope.allows(resource_type, right));
        match self {
            Self::Anyone => true,
            Self::Holder(grant) => allowed(&grant.scopes) && allowed(&grant.client.scopes),
        }
    }

    /// The name under which the asker's own things (pages, jobs) are kept.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Anyone => "",
            Self::Holder(grant) => &grant.client.id,
        }
    }

    /// What of the record the asker sees.
    pub(crate) fn lens(&self) -> Lens {
        match self {
            Self::Anyone => Lens::default(),
            Self::Holder(grant) => Lens::of(&grant.client.organisations),
        }
    }
}

/// The resource type and the right that an interaction needs; none for what tells nothing of anybody.
pub(crate) fn needs(interaction: &Interaction) -> Option<(&str, Right)> {
    let right = match interaction {
        Interaction::Read { .. } | Interaction::VersionRead { .. } => Right::Read,
        Interaction::History { id: Some(_), .. } => Right::Read,
        Interaction::Create { .. } => Right::Create,
        Interaction::Update { .. } | Interaction::Patch { .. } => Right::Update,
        Interaction::Delete { .. } => Right::Delete,
        Interaction::Capabilities | Interaction::SmartConfiguration => return None,
        Interaction::Operation { id: Some(_), .. } => Right::Read,
        _ => Right::Search,
    };
    Some((interaction.resource_type().unwrap_or_default(), right))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(shown: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, shown.parse().unwrap());
        headers
    }

    fn access() -> Access {
        let mut client = Client::new("bed-board", Proof::Secret(Secret::new("a secret: of many words")));
        client.scopes = vec![Scope::parse("system/Patient.read").unwrap()];
        Access::new(vec![client])
    }

    #[test]
    fn a_client_is_known_by_id_and_secret_together() {
        let access = access();
        let basic = |text: &str| headers(&format!("Basic {}", STANDARD.encode(text)));
        assert!(
            access
                .of_basic(&basic("bed-board:a secret: of many words"))
                .is_some()
        );
        for wrong in [
            "bed-board:",
            "bed-board",
            ":a secret: of many words",
            "other:a secret: of many words",
        ] {
            assert!(access.of_basic(&basic(wrong)).is_none(), "{wrong}");
        }
        assert!(access.of_basic(&headers("Basic !")).is_none());
        assert!(access.of_basic(&HeaderMap::new()).is_none());
        assert!(!format!("{:?}", access.clients()).contains("many words"));
    }

    #[test]
    fn a_token_lives_to_its_second_and_allows_what_token_and_registration_both_do() {
        let access = access();
        let client = access.clients()[0].clone();
        let wider = ["system/Patient.rs", "system/Encounter.rs"].map(|text| Scope::parse(text).unwrap());
        let token = access.issue(client, wider.to_vec(), 100).unwrap();
        let shown = headers(&format!("bearer {token}"));
        let asker = Asker::of(Some(&access), &shown, 99).ok().unwrap();
        assert!(asker.may("Patient", Right::Read));
        assert!(!asker.may("Patient", Right::Create), "not in the token");
        assert!(!asker.may("Encounter", Right::Read), "not registered");
        assert_eq!(
            Asker::of(Some(&access), &shown, 100).err(),
            Some(Denied::BadToken)
        );
        let foreign = headers("Bearer AAAA");
        assert_eq!(
            Asker::of(Some(&access), &foreign, 1).err(),
            Some(Denied::BadToken)
        );
        assert_eq!(
            Asker::of(Some(&access), &HeaderMap::new(), 1).err(),
            Some(Denied::NoToken)
        );
        assert!(Asker::of(None, &HeaderMap::new(), 1).is_ok());
    }

    #[test]
    fn tokens_are_bounded_and_the_first_to_end_gives_way() {
        let access = access();
        let client = || access.clients()[0].clone();
        let first = access.issue(client(), Vec::new(), 1_000).unwrap();
        for _ in 1..TOKENS_MAX {
            access.issue(client(), Vec::new(), 2_000).unwrap();
        }
        let shown = headers(&format!("Bearer {first}"));
        assert!(access.grant(&shown, 1).is_ok());
        access.issue(client(), Vec::new(), 2_000).unwrap();
        assert!(access.grant(&shown, 1).is_err());
    }
}
