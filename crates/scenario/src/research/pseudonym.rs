//! Pseudonyms: keyed hashes, one key for each project. Who has no key can neither make nor compare them.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::world::extract::hex;

/// The pseudonyms of one project.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl Pseudonyms {
    /// The pseudonyms of a project under a salt.
    #[must_use]
    pub fn new(salt: &[u8], project: &str) -> Self {
        Self {
            key: keyed(salt, &["project", project]),
        }
    }

    /// By which somebody who holds the salt finds out that it is this one. It gives nothing of the salt away.
    #[must_use]
    pub fn salt_id(&self) -> String {
        hex(&keyed(&self.key, &["salt id"])[..8])
    }

    /// Who a hospital number stands for.
    #[must_use]
    pub fn person(&self, number: &str) -> String {
        self.id("Patient", number)
    }

    /// The id of something.
    #[must_use]
    pub fn id(&self, resource_type: &str, id: &str) -> String {
        hex(&keyed(&self.key, &["id", resource_type, id])[..16])
    }

    /// How many days somebody's dates are moved back: 1 to 365, the same for all that is told of them.
    #[must_use]
    pub fn shift(&self, number: &str) -> i64 {
        let hash = keyed(&self.key, &["days", number]);
        1 + i64::from(u16::from_be_bytes([hash[0], hash[1]]) % 365)
    }
}

fn keyed(key: &[u8], parts: &[&str]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_two_in_two_projects_and_one_in_one() {
        let of = |salt: &str, project: &str| Pseudonyms::new(salt.as_bytes(), project).person("40000000");
        assert_eq!(of("salt", "sepsis"), of("salt", "sepsis"));
        assert_ne!(of("salt", "sepsis"), of("salt", "falls"));
        assert_ne!(of("salt", "sepsis"), of("another", "sepsis"));
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        let pseudonyms = Pseudonyms::new(b"salt", "x");
        assert_ne!(pseudonyms.id("ab", "c"), pseudonyms.id("a", "bc"));
    }
}
