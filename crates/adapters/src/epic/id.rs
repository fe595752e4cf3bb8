//! Opaque ids: begin with `e`, end with `3`, say nothing.
//!
//! A key is scrambled by a bijection of the seed, with a second half that proves it: no table is kept, an id nobody
//! was given is recognised, and another seed gives a whole other set of ids.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::seed::{hash, mix};

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Patient,
    Encounter,
    Observation,
    /// The ids the same patient has in older versions of the interface.
    PatientStu3,
    PatientDstu2,
    Allergy,
    Condition,
    Request,
    Appointment,
    Document,
    Binary,
    Report,
    Charge,
    Group,
}

/// The id of a key.
pub(super) fn opaque(seed: u64, kind: Kind, key: u64) -> String {
    let (start, end) = match kind {
        Kind::PatientDstu2 => ('T', 'B'),
        _ => ('e', '3'),
    };
    let scrambled = mix(key ^ secret(seed, kind));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&scrambled.to_be_bytes());
    bytes[8..].copy_from_slice(&proof(seed, kind, scrambled).to_be_bytes());
    // A dot instead of an underscore: FHIR ids have none.
    let text = URL_SAFE_NO_PAD.encode(bytes).replace('_', ".");
    format!("{start}{text}{end}")
}

/// The key of an id, when it is one of ours.
pub(super) fn key(seed: u64, kind: Kind, id: &str) -> Option<u64> {
    let text = id.strip_prefix('e')?.strip_suffix('3')?.replace('.', "_");
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (first, second) = bytes.split_at_checked(8)?;
    let scrambled = u64::from_be_bytes(first.try_into().ok()?);
    let proven = u64::from_be_bytes(second.try_into().ok()?) == proof(seed, kind, scrambled);
    proven.then(|| unmix(scrambled) ^ secret(seed, kind))
}

fn secret(seed: u64, kind: Kind) -> u64 {
    hash(seed, &[b"id", &[kind as u8]])
}

fn proof(seed: u64, kind: Kind, scrambled: u64) -> u64 {
    hash(seed, &[b"proof", &[kind as u8], &scrambled.to_be_bytes()])
}

/// The inverse of [`mix`].
fn unmix(mut value: u64) -> u64 {
    value = (value ^ (value >> 31) ^ (value >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    value = (value ^ (value >> 27) ^ (value >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    value ^ (value >> 30) ^ (value >> 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_as_its_key_and_only_for_its_kind_and_seed() {
        for number in [0, 1, 12_345_678, u64::MAX] {
            let id = opaque(7, Kind::Patient, number);
            assert_eq!(key(7, Kind::Patient, &id), Some(number));
            assert_eq!(key(8, Kind::Patient, &id), None);
            assert_eq!(key(7, Kind::Encounter, &id), None);
        }
    }

    #[test]
    fn ids_have_the_shape_clients_see_and_fhir_allows() {
        for number in 0..500 {
            let id = opaque(7, Kind::Encounter, number);
            assert!(
                id.starts_with('e') && id.ends_with('3') && id.len() == 24,
                "{number}"
            );
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
            );
        }
    }
}
