//! The Bundle in the making: entries, their ids, and references between them.
//!
//! An id is a UUIDv5 of what identifies the resource — a system and a value, a patient and an allergen — so that
//! translating twice gives the same bytes and a correction meets the resource it corrects. Practitioners,
//! organizations and locations are shared: one entry for each identity, however often it is named.

use fhir::{Bundle, BundleEntry, Reference, Resource, Text};
use sha1::{Digest, Sha1};
use uuid::{Builder, Uuid};

/// Root of every id this crate makes.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1f_9b7e_0a55_5c1e_9d5a_42c1_7f3e_8d10);

/// A resource type whose box a [`Resource`] takes as it is.
pub(crate) trait Boxed {
    fn into_resource(self: Box<Self>) -> Resource;
}

macro_rules! boxed {
    ($($name:ident)*) => {$(
        impl Boxed for fhir::$name {
            fn into_resource(self: Box<Self>) -> Resource {
                Resource::$name(self)
            }
        }
    )*};
}

boxed!(Account Appointment CareTeam Condition Coverage DiagnosticReport DocumentReference Encounter Goal Immunization
    MedicationAdministration MedicationDispense MedicationRequest MessageHeader Observation Patient ServiceRequest Specimen);

/// A place in the Bundle, kept for a resource whose rows still run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket(usize);

#[derive(Debug)]
struct Slot {
    id: Uuid,
    resource: Option<Resource>,
}

/// The entries so far.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// What the message is about, in its order.
    main: Vec<Slot>,
    /// What the main entries refer to.
    shared: Vec<Slot>,
    scratch: Vec<u8>,
}

impl Entries {
    /// The id of what these parts identify.
    pub(crate) fn id(&mut self, resource: &str, parts: &[&str]) -> Uuid {
        self.scratch.clear();
        self.scratch.extend_from_slice(resource.as_bytes());
        for part in parts {
            self.scratch.push(b'|');
            self.scratch.extend_from_slice(part.as_bytes());
        }
        version_5(&self.scratch)
    }

    /// The id of what these parts identify, and a further one each time the same parts come again.
    pub(crate) fn unique_id(&mut self, resource: &str, parts: &[&str]) -> Uuid {
        let mut id = self.id(resource, parts);
        let mut count = 1_u32;
        while self.main.iter().any(|slot| slot.id == id) {
            count += 1;
            self.scratch.extend_from_slice(format!("|{count}").as_bytes());
            id = version_5(&self.scratch);
        }
        id
    }

    /// Keeps the next place for the resource with this id.
    pub(crate) fn reserve(&mut self, id: Uuid) -> Ticket {
        self.main.push(Slot { id, resource: None });
        Ticket(self.main.len() - 1)
    }

    /// Puts the finished resource into its place.
    pub(crate) fn fill(&mut self, ticket: Ticket, resource: Resource) {
        if let Some(slot) = self.main.get_mut(ticket.0) {
            slot.resource = Some(resource);
        }
    }

    /// Adds a finished resource.
    pub(crate) fn push(&mut self, id: Uuid, resource: impl Into<Resource>) -> Reference {
        self.main.push(Slot {
            id,
            resource: Some(resource.into()),
        });
        reference(id)
    }

    /// The resource with this id among the shared ones.
    pub(crate) fn shared(&mut self, id: Uuid) -> Option<&mut Resource> {
        self.shared
            .iter_mut()
            .find(|slot| slot.id == id)
            .and_then(|slot| slot.resource.as_mut())
    }

    /// The resource with this id among the shared ones, to look at.
    pub(crate) fn shared_ref(&self, id: Uuid) -> Option<&Resource> {
        self.shared
            .iter()
            .find(|slot| slot.id == id)
            .and_then(|slot| slot.resource.as_ref())
    }

    /// The id of the first shared resource that fits.
    pub(crate) fn find_shared(&self, fits: impl Fn(&Resource) -> bool) -> Option<Uuid> {
        self.shared
            .iter()
            .find(|slot| slot.resource.as_ref().is_some_and(&fits))
            .map(|slot| slot.id)
    }

    /// Adds a shared resource that is not there yet.
    pub(crate) fn share(&mut self, id: Uuid, resource: impl Into<Resource>) {
        self.shared.push(Slot {
            id,
            resource: Some(resource.into()),
        });
    }

    /// Moves everything into a Bundle, behind what it holds already.
    pub(crate) fn finish(self, bundle: &mut Bundle) {
        bundle.entry.reserve(self.main.len() + self.shared.len() + 4);
        for slot in self.main.into_iter().chain(self.shared) {
            if let Some(resource) = slot.resource {
                append(bundle, slot.id, resource);
            }
        }
    }
}

/// UUIDv5 of a name (RFC 9562, 5.5), by a SHA-1 that uses the processor's instructions for it.
fn version_5(name: &[u8]) -> Uuid {
    let hash = Sha1::new().chain_update(NAMESPACE).chain_update(name).finalize();
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = from;
    }
    Builder::from_sha1_bytes(bytes).into_uuid()
}

/// Adds an entry whose fullUrl and id are this UUID.
pub(crate) fn append(bundle: &mut Bundle, id: Uuid, mut resource: Resource) {
    let url = urn(id);
    // The id is the URN's last 36 characters.
    let bare = url.get("urn:uuid:".len()..).unwrap_or_default();
    resource.set_id(Text::from(bare));
    bundle.entry.push(BundleEntry {
        full_url: Some(url),
        resource: Some(resource),
        ..BundleEntry::default()
    });
}

/// A reference to the entry with this id.
pub(crate) fn reference(id: Uuid) -> Reference {
    Reference {
        reference: Some(urn(id)),
        ..Reference::default()
    }
}

fn urn(id: Uuid) -> Text {
    let mut buffer = [0_u8; 45];
    Text::from(&*id.urn().encode_lower(&mut buffer))
}
