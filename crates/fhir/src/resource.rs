//! Any resource: one of those we model, or another one kept as it came.

use serde_json::value::RawValue;

use crate::check::{Issue, Report};
use crate::codec::{Item, Reader, Result, Structure, Writer};
use crate::error::Fault;
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

            fn read_typed(resource_type: &str, reader: &mut Reader<'_>) -> Result<Option<Self>> {
                Ok(Some(match resource_type {
                    $(stringify!($name) => match $name::read_boxed(reader)? {
                        Some(resource) => Self::$name(resource),
                        None => return Ok(None),
                    },)*
                    _ => Self::Other(Box::new(RawResource::read(resource_type, reader)?)),
                }))
            }

            fn structure(&self) -> Option<&dyn Structure> {
                match self {
                    $(Self::$name(resource) => Some(resource.as_ref()),)*
                    Self::Other(_) => None,
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
    Condition, Coverage, Device, DiagnosticReport, DocumentReference, Encounter, EpisodeOfCare, Flag, Immunization,
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
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        Self::from_slice_within(bytes, Limits::DEFAULT)
    }

    /// Reads a resource of any type.
    ///
    /// # Errors
    /// When the bytes are no JSON, no resource, or break a limit.
    pub fn from_slice_within(bytes: &[u8], limits: Limits) -> Result<Self> {
        let mut reader = Reader::new(bytes, limits)?;
        let resource = Self::read_named(&mut reader)?;
        reader.end()?;
        Ok(resource)
    }

    /// The resource as JSON.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::new(Vec::with_capacity(1024));
        self.write_item(&mut writer);
        writer.into_bytes()
    }

    /// What R4 forbids in it; nothing for a resource we do not model.
    pub fn check(&self) -> Vec<Issue> {
        let mut report = Report::new(self.resource_type());
        self.check_item(&mut report);
        report.into_issues()
    }

    fn read_named(reader: &mut Reader<'_>) -> Result<Self> {
        let name = find_resource_type(reader)?;
        let resource = Self::read_typed(&name, reader).map_err(|error| error.in_root(&name))?;
        match resource {
            Some(resource) => Ok(resource),
            None => reader.fail(Fault::NoResourceType),
        }
    }
}

/// Looks ahead for `resourceType` in the object that comes next; the reader stays where it is.
///
/// It is nearly always the first member; elsewhere the members before it are skipped, and read later.
fn find_resource_type(reader: &mut Reader<'_>) -> Result<Text> {
    let (start, here) = (reader.mark(), reader.offset());
    reader.open_object()?;
    let mut first = true;
    while let Some(name) = reader.next_member(first)? {
        first = false;
        if name != "resourceType" {
            reader.raw()?;
            continue;
        }
        reader.peek();
        let at = reader.offset();
        let value = reader.string()?;
        if value.is_empty() || value.len() > 64 || !value.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(ReadError::new(
                at,
                Fault::Syntax("resourceType is no resource name"),
            ));
        }
        let name = Text::from(value);
        reader.reset(start);
        return Ok(name);
    }
    Err(ReadError::new(here, Fault::NoResourceType))
}

impl Item for Resource {
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        Self::read_named(reader).map(Some)
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        match (self.structure(), self) {
            (Some(structure), _) => crate::codec::write_object(structure, writer),
            (None, Self::Other(raw)) => {
                writer.raw(raw.raw.get());
                true
            }
            (None, _) => false,
        }
    }

    fn check_item(&self, report: &mut Report) {
        if let Some(structure) = self.structure() {
            structure.check_members(report);
        }
    }
}

impl serde::Serialize for Resource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        crate::codec::bridge::serialize(self, serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Resource {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_slice(raw.get().as_bytes()).map_err(serde::de::Error::custom)
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
    fn read(resource_type: &str, reader: &mut Reader<'_>) -> Result<Self> {
        let start = reader.mark();
        let id = read_id(reader)?;
        reader.reset(start);
        let at = reader.offset();
        let raw = RawValue::from_string(reader.raw()?.to_owned())
            .map_err(|_| ReadError::new(at, Fault::Syntax("not JSON")))?;
        Ok(Self {
            resource_type: resource_type.into(),
            id,
            raw,
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

fn read_id(reader: &mut Reader<'_>) -> Result<Option<Text>> {
    reader.open_object()?;
    let mut id: Option<Text> = None;
    let mut first = true;
    while let Some(name) = reader.next_member(first)? {
        first = false;
        if name == "id" {
            let value = reader.string().map_err(|error| error.in_member("id"))?;
            if id.replace(value.into()).is_some() {
                return reader.fail(Fault::Duplicate);
            }
        } else {
            reader.raw()?;
        }
    }
    Ok(id)
}

impl PartialEq for RawResource {
    fn eq(&self, other: &Self) -> bool {
        self.raw.get() == other.raw.get()
    }
}
