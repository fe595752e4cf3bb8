//! Delivery to a façade: what a message says is folded into the gateway's own store.
//!
//! Each resource of the Bundle meets the one known under its id (see `facade::fold`). Two messages of
//! different patients may meet at a shared resource, such as a ward; the later write sees the earlier and
//! folds again. A merge also turns what belonged to the patient who goes into the survivor's.

use std::collections::HashMap;

use bytes::Bytes;
use fhir::{Bundle, Coding, Resource, Text};
use store::{Journal, JournalError, NewResource, Put, ResourceKey, ResourceQuery, TermQuery};

use super::{Delivery, Outcome};
use crate::facade::{fold, terms};
use crate::gateway::Shared as Gateway;

/// Times a resource is folded again because another message changed it in between.
const CONFLICTS_MAX: usize = 16;

/// Resources moved from one patient to another per page of a merge.
const MERGE_PAGE: usize = 200;

/// The tag on everything a façade serves.
pub(crate) const FACADE_TAG: &str = "facade";

/// Types that follow their patient in a merge.
const OF_A_PATIENT: &[&str] = &[
    "Encounter",
    "Observation",
    "AllergyIntolerance",
    "DiagnosticReport",
    "Condition",
    "ServiceRequest",
    "Procedure",
    "Specimen",
    "RelatedPerson",
];

/// Why a façade did not take a message.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("the journal: {0}")]
    Journal(#[from] JournalError),
    #[error("a stored resource could not be read again: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a resource could not be written: {0}")]
    Resource(#[from] fhir::ReadError),
    #[error("a resource changed {CONFLICTS_MAX} times while it was written")]
    Conflicts,
}

/// Keeps what a message says, durably.
pub(crate) async fn keep(gateway: &Gateway, facade: &str, delivery: &Delivery, bundle: Bundle) -> Outcome {
    match try_keep(gateway, facade, delivery, bundle).await {
        Ok(()) => Outcome::Taken,
        // The journal is ours: nothing is wrong with the message, and later will do.
        Err(error @ (KeepError::Journal(_) | KeepError::Conflicts)) => {
            Outcome::Unreachable(error.to_string())
        }
        Err(error) => Outcome::Unsendable(error.to_string()),
    }
}

async fn try_keep(
    gateway: &Gateway,
    facade: &str,
    delivery: &Delivery,
    bundle: Bundle,
) -> Result<(), KeepError> {
    let source = format!("urn:uuid:{}", delivery.id.message);
    let types: HashMap<Text, String> = bundle
        .entry
        .iter()
        .filter_map(|entry| {
            let resource = entry.resource.as_ref()?;
            Some((resource.id()?.into(), resource.resource_type().to_owned()))
        })
        .collect();
    let mut merges = Vec::new();
    for resource in bundle.entry.into_iter().filter_map(|entry| entry.resource) {
        if !terms::is_served(resource.resource_type()) || resource.id().is_none() {
            continue;
        }
        let json = localise(&fhir::to_vec(&resource), &types);
        let resource = put_folded(gateway, facade, &source, &json).await?;
        merges.extend(merge_in(&resource));
    }
    for (loser, survivor) in merges {
        move_to_survivor(gateway, facade, &loser, &survivor).await?;
    }
    Ok(())
}

/// Turns references within the Bundle (`urn:uuid:…`) into references within the façade (`Patient/…`).
fn localise(json: &[u8], types: &HashMap<Text, String>) -> Vec<u8> {
    const URN: &[u8] = b"\"urn:uuid:";
    const ID: usize = 36;
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.windows(URN.len()).position(|window| window == URN) {
        let id = rest
            .get(at + URN.len()..at + URN.len() + ID)
            .and_then(|id| std::str::from_utf8(id).ok());
        let kind = id.and_then(|id| Some((id, types.get(id)?)));
        match kind {
            Some((id, kind)) => {
                out.extend_from_slice(&rest[..at]);
                out.extend_from_slice(format!("\"{kind}/{id}").as_bytes());
                rest = &rest[at + URN.len() + ID..];
            }
            None => {
                out.extend_from_slice(&rest[..at + URN.len()]);
                rest = &rest[at + URN.len()..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

async fn put_folded(
    gateway: &Gateway,
    facade: &str,
    source: &str,
    news: &[u8],
) -> Result<Resource, KeepError> {
    let named = Resource::from_slice(news)?;
    let key = ResourceKey {
        system: facade.to_owned(),
        resource_type: named.resource_type().to_owned(),
        id: named.id().unwrap_or_default().to_owned(),
    };
    for _ in 0..CONFLICTS_MAX {
        let known = gateway.journal.resource(key.clone()).await?;
        let members = fold::fold(known.as_ref().map(|known| &known.json[..]), news)?;
        let mut resource = Resource::from_slice(&serde_json::to_vec(&members)?)?;
        let version = known.map_or(0, |known| known.version);
        if put(gateway, &key, source, &mut resource, version).await? {
            return Ok(resource);
        }
    }
    Err(KeepError::Conflicts)
}

/// Writes a resource over the version that was read; says whether that was still the one.
async fn put(
    gateway: &Gateway,
    key: &ResourceKey,
    source: &str,
    resource: &mut Resource,
    version: u64,
) -> Result<bool, KeepError> {
    let now = gateway.clock.now();
    if let Some(meta) = resource.meta_mut() {
        meta.source = Some(source.into());
        meta.version_id = Some((version + 1).to_string().into());
        meta.last_updated = Some(now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into());
        if !meta.tag.iter().any(|tag| tag.code.as_deref() == Some(FACADE_TAG)) {
            meta.tag.push(Coding {
                code: Some(FACADE_TAG.into()),
                display: Some("served by the gateway from messages, not by the system itself".into()),
                ..Coding::default()
            });
        }
    }
    let entry = NewResource {
        key: key.clone(),
        updated_at_ms: now.as_millisecond(),
        json: Bytes::from(fhir::to_vec(resource)),
        terms: terms::terms(resource),
        if_version: Some(version),
    };
    Ok(matches!(
        gateway.journal.put_resource(entry).await?.await?,
        Put::Kept { .. }
    ))
}

/// Whom a patient was merged into: `link` says `replaced-by`.
fn merge_in(resource: &Resource) -> Option<(String, String)> {
    let Resource::Patient(patient) = resource else {
        return None;
    };
    let link = patient
        .link
        .iter()
        .find(|link| link.type_.as_deref() == Some("replaced-by"))?;
    let survivor = link.other_.as_ref()?.reference.as_deref()?;
    Some((format!("Patient/{}", patient.id.as_deref()?), survivor.to_owned()))
}

async fn move_to_survivor(
    gateway: &Gateway,
    facade: &str,
    loser: &str,
    survivor: &str,
) -> Result<(), KeepError> {
    let (from, to) = (format!("\"{loser}\""), format!("\"{survivor}\""));
    for resource_type in OF_A_PATIENT {
        loop {
            let query = ResourceQuery {
                system: facade.to_owned(),
                resource_type: (*resource_type).to_owned(),
                terms: vec![TermQuery::exact("patient", loser)],
                after: None,
                limit: MERGE_PAGE,
            };
            let page = gateway.journal.find_resources(query).await?;
            let mut moved = 0;
            for found in &page.items {
                let json = String::from_utf8_lossy(&found.json).replace(&from, &to);
                let mut resource = Resource::from_slice(json.as_bytes())?;
                let source = resource
                    .meta()
                    .and_then(|meta| meta.source.clone())
                    .unwrap_or_default();
                moved += usize::from(put(gateway, &found.key, &source, &mut resource, found.version).await?);
            }
            if page.next.is_none() || moved == 0 {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_within_the_bundle_become_references_within_the_facade() {
        let id = "6b1f9b7e-0a55-5c1e-9d5a-42c17f3e8d10";
        let other = "00000000-0000-0000-0000-000000000000";
        let types = HashMap::from([(Text::from(id), "Patient".to_owned())]);
        let json = format!(
            r#"{{"subject":{{"reference":"urn:uuid:{id}"}},"x":"urn:uuid:{other}","y":"urn:uuid:"}}"#
        );
        let expected =
            format!(r#"{{"subject":{{"reference":"Patient/{id}"}},"x":"urn:uuid:{other}","y":"urn:uuid:"}}"#);
        assert_eq!(
            String::from_utf8(localise(json.as_bytes(), &types)).unwrap(),
            expected
        );
    }
}
