//! Any resource: one of those we model, or another one kept as it came.

use std::cell::Cell;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::check::{Issue, Report};
use crate::codec::explain::{explain as explain_error, is_name, kind_of, offset, refuse};
use crate::codec::{Item, Key, Structure};
use crate::error::Fault;
use crate::limits::without_mark;
use crate::prelude::*;
use crate::{Limits, ReadError};

/// A resource type we model, for code that is generic over them.
pub trait ResourceType: Structure + Item + Clone + Default + 'static {
    /// The value of `resourceType`.
    const NAME: &'static str;
    /// The resource when it is of this type.
    fn of(resource: &Resource) -> Option<&Self>;
    /// The resource, to change, when it is of this type.
    fn of_mut(resource: &mut Resource) -> Option<&mut Self>;
    /// The logical id.
    fn id(&self) -> Option<&str>;
    /// Wraps it.
    fn into_resource(self) -> Resource;
}

macro_rules! resources {
    ($($name:ident),* $(,)?) => {
        /// Any resource. Variants are boxed: a resource is big, a list of them should not be.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Resource {
            $(#[doc = concat!("A [`", stringify!($name), "`](crate::", stringify!($name), ").")] $name(Box<$name>),)*
            /// A resource we do not model, kept as it came.
            Other(Box<RawResource>),
        }

        /// The names of the resources we model, in alphabetical order.
        pub const RESOURCE_TYPES: &[&str] = &[$(stringify!($name)),*];

        impl Resource {
            /// The value of `resourceType`.
            pub fn resource_type(&self) -> &str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                    Self::Other(raw) => &raw.resource_type,
                }
            }

            /// The logical id.
            pub fn id(&self) -> Option<&str> {
                match self {
                    $(Self::$name(resource) => resource.id.as_deref(),)*
                    Self::Other(raw) => raw.id.as_deref(),
                }
            }

            /// What a server knows about it; a resource we do not model keeps that to itself.
            pub fn meta(&self) -> Option<&Meta> {
                match self {
                    $(Self::$name(resource) => resource.meta.as_ref(),)*
                    Self::Other(_) => None,
                }
            }

            /// What a server knows about it, to change; `None` for a resource we do not model.
            pub fn meta_mut(&mut self) -> Option<&mut Meta> {
                match self {
                    $(Self::$name(resource) => Some(resource.meta.get_or_insert_default()),)*
                    Self::Other(_) => None,
                }
            }

            /// Gives it a logical id; `false` for a resource we do not model, which stays as it came.
            pub fn set_id(&mut self, id: impl Into<Text>) -> bool {
                match self {
                    $(Self::$name(resource) => resource.id = Some(id.into()),)*
                    Self::Other(_) => return false,
                }
                true
            }

            fn read(text: &str) -> serde_json::Result<Self> {
                let name = resource_type_of(text)?;
                Ok(match name.as_str() {
                    $(stringify!($name) => Self::$name($name::read_text_boxed(text)?),)*
                    _ => Self::Other(Box::new(RawResource::read(name, text)?)),
                })
            }
        }

        impl Serialize for Resource {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$name(resource) => resource.serialize(serializer),)*
                    Self::Other(raw) => raw.raw.serialize(serializer),
                }
            }
        }

        impl Item for Resource {
            fn write_item(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$name(resource) => resource.write_item(out),)*
                    Self::Other(raw) => out.extend_from_slice(raw.json().as_bytes()),
                }
            }

            fn check_item(&self, report: &mut Report) {
                match self {
                    $(Self::$name(resource) => resource.check_members(report),)*
                    Self::Other(_) => {}
                }
            }
        }

        $(
            impl From<$name> for Resource {
                fn from(resource: $name) -> Self {
                    Self::$name(Box::new(resource))
                }
            }

            impl ResourceType for $name {
                const NAME: &'static str = stringify!($name);

                fn of(resource: &Resource) -> Option<&Self> {
                    match resource {
                        Resource::$name(resource) => Some(resource),
                        _ => None,
                    }
                }

                fn of_mut(resource: &mut Resource) -> Option<&mut Self> {
                    match resource {
                        Resource::$name(resource) => Some(resource),
                        _ => None,
                    }
                }

                fn id(&self) -> Option<&str> {
                    self.id.as_deref()
                }

                fn into_resource(self) -> Resource {
                    self.into()
                }
            }
        )*
    };
}

resources! {
    Account, AllergyIntolerance, Appointment, Basic, Binary, Bundle, CapabilityStatement, CareTeam, ChargeItem,
    Condition, Coverage, Device, DiagnosticReport, DocumentReference, Encounter, EpisodeOfCare, Flag, Goal,
    HealthcareService, Immunization,
    Location, Medication, MedicationAdministration, MedicationDispense, MedicationRequest, MedicationStatement,
    MessageHeader, Observation, OperationOutcome, Organization, Parameters, Patient, Practitioner, PractitionerRole,
    Procedure, Provenance, RelatedPerson, Schedule, ServiceRequest, Slot, Specimen, Task,
}

impl Resource {
    /// The resource when it is a `T`.
    pub fn as_type<T: ResourceType>(&self) -> Option<&T> {
        T::of(self)
    }

    /// The resource, to change, when it is a `T`.
    pub fn as_type_mut<T: ResourceType>(&mut self) -> Option<&mut T> {
        T::of_mut(self)
    }

    /// Reads a resource of any type, within the default limits.
    ///
    /// # Errors
    /// When the bytes are no JSON, no resource, or break a limit.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ReadError> {
        Self::from_slice_within(bytes, Limits::DEFAULT)
    }

    /// Reads a resource of any type.
    ///
    /// # Errors
    /// When the bytes are no JSON, no resource, or break a limit.
    pub fn from_slice_within(bytes: &[u8], limits: Limits) -> Result<Self, ReadError> {
        let document = limits.admit(bytes)?;
        let text = without_mark(document);
        Self::read(text).map_err(|_| explain(document, text))
    }

    /// The resource as JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        crate::to_vec(self)
    }

    /// What R4 forbids in it; nothing for a resource we do not model.
    pub fn check(&self) -> Vec<Issue> {
        let mut report = Report::new(self.resource_type());
        self.check_item(&mut report);
        report.into_issues()
    }
}

/// How the refusal of a resource inside another one begins; what follows is the inner refusal.
pub(crate) const INSIDE: &str = "in a resource: ";
/// The refusal of [`NESTED_MAX`].
pub(crate) const TOO_NESTED: &str = "too many resources inside each other: ";
/// Most resources inside each other, whoever reads. [`Limits::DEFAULT`] allows no more by its depth.
///
/// `serde_json` counts anew in every resource, which is read from text of its own.
pub(crate) const NESTED_MAX: usize = 32;

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let _nesting = Nesting::enter().ok_or_else(|| refuse(TOO_NESTED, raw, ""))?;
        Self::read(raw.get()).map_err(|error| refuse(INSIDE, raw, error))
    }
}

thread_local! {
    static NESTED: Cell<usize> = const { Cell::new(0) };
}

/// Counts the resource that is being read until it is dropped.
struct Nesting;

impl Nesting {
    fn enter() -> Option<Self> {
        let nested = NESTED.get();
        (nested < NESTED_MAX).then(|| {
            NESTED.set(nested + 1);
            Self
        })
    }
}

impl Drop for Nesting {
    fn drop(&mut self) {
        NESTED.set(NESTED.get().saturating_sub(1));
    }
}

/// Looks ahead for `resourceType`, which is nearly always the first member; the rest is not looked at.
fn resource_type_of(text: &str) -> serde_json::Result<Text> {
    let mut found = None;
    let end = serde_json::Deserializer::from_str(text).deserialize_map(Tag(&mut found));
    match found {
        Some(name) if is_name(&name) => Ok(name),
        Some(_) => Err(Error::custom(NO_NAME)),
        None => end.and_then(|()| Err(Error::missing_field("resourceType"))),
    }
}

const NO_NAME: &str = "resourceType is no resource name";

/// Stops at the tag, which `serde_json` calls a fault: the rest of the object is missing to it.
struct Tag<'t>(&'t mut Option<Text>);

impl<'de> Visitor<'de> for Tag<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(name)) = map.next_key()? {
            if name == "resourceType" {
                *self.0 = Some(map.next_value()?);
                return Ok(());
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// What is read of a resource we do not model.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    #[expect(dead_code, reason = "given twice, it is refused")]
    resource_type: Text,
    id: Option<Text>,
}

/// Why `text`, a part of `document`, is no resource.
pub(crate) fn explain(document: &str, text: &str) -> ReadError {
    let fault = match serde_json::from_str::<&RawValue>(text) {
        Err(error) => {
            let root = resource_type_of(text).unwrap_or_default();
            return explain_error(document, text, error, &root, None);
        }
        Ok(raw) => match kind_of(raw.get()) {
            Some("an object") => match Resource::read(text) {
                Err(error) => return explain_object(document, text, error),
                Ok(_) => Fault::Syntax(NO_NAME),
            },
            found => Fault::WrongType {
                expected: "an object",
                found: found.unwrap_or("something else"),
            },
        },
    };
    ReadError::new(offset(document, text.trim_ascii_start()), fault)
}

fn explain_object(document: &str, text: &str, error: serde_json::Error) -> ReadError {
    match resource_type_of(text) {
        Ok(name) => {
            let modelled = RESOURCE_TYPES.iter().find(|known| **known == name);
            explain_error(document, text, error, &name, modelled.copied())
        }
        Err(error) if error.to_string().starts_with(NO_NAME) => {
            ReadError::new(offset(document, text.trim_ascii_start()), Fault::Syntax(NO_NAME))
        }
        Err(error) => explain_error(document, text, error, "", None),
    }
}

/// A resource we do not model: its type, its id, and its JSON as it came.
#[derive(Clone, Debug)]
pub struct RawResource {
    resource_type: Text,
    id: Option<Text>,
    raw: Box<RawValue>,
}

impl RawResource {
    fn read(resource_type: Text, text: &str) -> serde_json::Result<Self> {
        let Head { id, .. } = serde_json::from_str(text)?;
        let raw: &RawValue = serde_json::from_str(text)?;
        Ok(Self {
            resource_type,
            id,
            raw: raw.to_owned(),
        })
    }

    /// The value of `resourceType`.
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// The logical id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The JSON as it came.
    pub fn json(&self) -> &str {
        self.raw.get()
    }
}

impl PartialEq for RawResource {
    fn eq(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get()
    }
}
