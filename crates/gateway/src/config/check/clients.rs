//! Clients of a mock EPR's FHIR face: who they are, what proves them, what they may do.
//!
//! Whether a vendor takes such a client is the vendor's to say, when it starts; what can be seen here is seen here.

use std::collections::HashMap;

use rest::jwt::KeySet;
use rest::scope::{Scope, ScopeError};

use super::{Check, nearest};
use crate::config::file::{ClientTable, SystemTable};
use crate::config::settings::{Client, ClientProof};

impl Check<'_> {
    /// The clients that a system asks tokens of; none while it does not authorise.
    pub(super) fn clients(&mut self, at: usize, table: &SystemTable) -> Option<Vec<Client>> {
        let mut seen = HashMap::new();
        let mut clients = Vec::new();
        for (place, client) in table.client.iter().enumerate() {
            let key = format!("system[{at}].client[{place}]");
            if client.id.is_empty() {
                self.problem(format!("{key}.id"), "must not be empty", None);
            } else if let Some(first) = seen.insert(client.id.as_str(), place) {
                let message = format!("`{}` is already system[{at}].client[{first}]", client.id);
                self.problem(format!("{key}.id"), message, None);
            }
            clients.extend(self.client(&key, client));
        }
        if table.authorise && table.client.is_empty() {
            let message = "nobody could come in: a [[system.client]] is needed";
            self.problem(format!("system[{at}].authorise"), message, None);
        }
        table.authorise.then_some(clients)
    }

    fn client(&mut self, key: &str, table: &ClientTable) -> Option<Client> {
        let proof = self.proof(key, table);
        let mut scopes = Vec::new();
        for (place, text) in table.scopes.iter().enumerate() {
            match Scope::parse(text) {
                Ok(scope) => scopes.push(scope),
                Err(error) => {
                    let message = format!("`{text}` is no scope: it {error}");
                    self.problem(format!("{key}.scopes[{place}]"), message, spelled(text, error));
                }
            }
        }
        if table.scopes.is_empty() {
            self.problem(
                format!("{key}.scopes"),
                "at least one is needed",
                Some("system/Patient.rs".into()),
            );
        }
        for (place, code) in table.organisations.iter().enumerate() {
            if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                let message = format!("`{code}` is no ODS code of a trust or site");
                self.problem(format!("{key}.organisations[{place}]"), message, None);
            }
        }
        Some(Client {
            id: table.id.clone(),
            proof: proof?,
            scopes,
            organisations: table.organisations.clone(),
            user: table.user.clone(),
        })
    }

    fn proof(&mut self, key: &str, table: &ClientTable) -> Option<ClientProof> {
        match (&table.secret_env, &table.jwks, &table.jwks_file) {
            (Some(name), None, None) => {
                let sound = !name.is_empty()
                    && !name.starts_with(|first: char| first.is_ascii_digit())
                    && name
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                if !sound {
                    let message = "names the environment variable that holds the secret";
                    let fold = |letter: char| match letter.is_ascii_alphanumeric() {
                        true => letter.to_ascii_uppercase(),
                        false => '_',
                    };
                    let nearest = format!("{}_SECRET", table.id.chars().map(fold).collect::<String>());
                    self.problem(format!("{key}.secret-env"), message, Some(nearest));
                    return None;
                }
                Some(ClientProof::SecretEnv(name.clone()))
            }
            (None, Some(text), None) => match KeySet::parse(text.as_bytes()) {
                Ok(keys) if keys.is_empty() => {
                    self.problem(format!("{key}.jwks"), "holds no key that may sign", None);
                    None
                }
                Ok(keys) => Some(ClientProof::Keys(keys)),
                Err(error) => {
                    self.problem(format!("{key}.jwks"), error.to_string(), None);
                    None
                }
            },
            (None, None, Some(file)) => Some(ClientProof::KeysFile(file.clone())),
            (None, None, None) => {
                self.problem(key, "needs one of secret-env, jwks, jwks-file", None);
                None
            }
            _ => {
                let message = "has more than one of secret-env, jwks, jwks-file: one proof is enough";
                self.problem(key, message, None);
                None
            }
        }
    }
}

/// The nearest scope, its wrong part mended.
fn spelled(text: &str, error: ScopeError) -> Option<String> {
    let (context, rest) = text.split_once('/').unwrap_or(("system", text));
    let (name, rights) = rest.split_once('.').unwrap_or((rest, "rs"));
    let mended = match error {
        ScopeError::Context => format!("system/{rest}"),
        ScopeError::ResourceType => {
            let mut letters = name.chars();
            let first = letters.next()?.to_ascii_uppercase();
            format!("{context}/{first}{}.{rights}", letters.as_str())
        }
        _ => {
            let known = [
                "read", "write", "*", "rs", "r", "s", "c", "u", "d", "cud", "crus", "cruds",
            ];
            let rights = nearest(rights, known.into_iter()).unwrap_or_else(|| "rs".to_owned());
            format!("{context}/{name}.{rights}")
        }
    };
    Scope::parse(&mended).ok().map(|_| mended)
}
