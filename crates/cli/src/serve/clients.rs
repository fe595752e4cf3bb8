//! Clients of an EPR's FHIR face: their secrets from the environment, their keys from files.

use adapters::{Client, Proof, Secret};
use gateway::config::{self, ClientProof, System};
use rest::jwt::KeySet;

use crate::exit::Failure;

/// Shorter ones can be guessed.
const SECRET_BYTES_MIN: usize = 16;

/// The clients that a system lets in; none when it lets in anyone.
///
/// # Errors
/// A secret that is not there or short, a file that cannot be read or holds no keys.
pub(super) fn of(system: &System) -> anyhow::Result<Option<Vec<Client>>> {
    let Some(named) = &system.clients else {
        return Ok(None);
    };
    let clients = named.iter().map(|named| {
        let refuse = |words: String| {
            Failure::Usage.because(format!("system {}: client {}: {words}", system.name, named.id))
        };
        let proof = proof(named).map_err(refuse)?;
        let mut client = Client::new(&named.id, proof);
        client.scopes.clone_from(&named.scopes);
        client.organisations.clone_from(&named.organisations);
        client.user.clone_from(&named.user);
        Ok(client)
    });
    clients.collect::<anyhow::Result<_>>().map(Some)
}

fn proof(client: &config::Client) -> Result<Proof, String> {
    match &client.proof {
        ClientProof::SecretEnv(name) => match std::env::var(name) {
            Err(_) => Err(format!("the environment has no {name}; put its secret there")),
            Ok(secret) if secret.len() < SECRET_BYTES_MIN => Err(format!(
                "{name} is shorter than {SECRET_BYTES_MIN} characters: take a longer, random one"
            )),
            Ok(secret) => Ok(Proof::Secret(Secret::new(&secret))),
        },
        ClientProof::Keys(keys) => Ok(Proof::Keys(keys.clone())),
        ClientProof::KeysFile(path) => {
            let name = path.display();
            let text = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}"))?;
            match KeySet::parse(&text) {
                Ok(keys) if keys.is_empty() => Err(format!("{name} holds no key that may sign")),
                Ok(keys) => Ok(Proof::Keys(keys)),
                Err(error) => Err(format!("{name}: {error}")),
            }
        }
        // A proof this build does not know.
        _ => Err("this proof is not known here".to_owned()),
    }
}
