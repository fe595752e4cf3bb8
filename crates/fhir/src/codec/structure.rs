//! What every structure can do, and the visitor that fills one from an object.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Item;
use crate::check::Report;
use crate::{Other, Text};

/// A resource, a data type or a part of one.
pub trait Structure: Item + Default {
    /// Its place in R4: `Patient`, `Patient.contact`, `HumanName`.
    const PLACE: &'static str;
    /// The value of `resourceType`, for resources.
    const RESOURCE_TYPE: Option<&'static str>;

    /// Reads the value of the member `name`; `false`, nothing read, when it is not known.
    ///
    /// # Errors
    /// When the value is of another type, or the member was there before.
    fn read_member<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
    /// Reads it from a text of its own; compiled once, where the structure is declared.
    ///
    /// # Errors
    /// When the text is no JSON or no such structure.
    fn read_text(text: &str) -> serde_json::Result<Self>;
    /// The same, on the heap from the start: a resource is big.
    ///
    /// # Errors
    /// When the text is no JSON or no such structure.
    fn read_text_boxed(text: &str) -> serde_json::Result<Box<Self>>;
    /// The members that are not known, to add to.
    fn unknown_mut(&mut self) -> &mut Other;
    /// Reports what R4 forbids.
    fn check_members(&self, report: &mut Report);
}

/// A member's name, borrowed from the text unless it holds escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Key<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// Fills a structure where it stands, from an object whose members come in whatever order.
///
/// Structures are big: where they stay they are filled, and not handed on from reader to reader.
pub(crate) struct Fill<'t, T>(pub(crate) &'t mut T);

impl<'de, T: Structure> Visitor<'de> for Fill<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(target) = self;
        let mut wanted = T::RESOURCE_TYPE;
        while let Some(Key(name)) = map.next_key()? {
            if target.read_member(&name, &mut map)? {
                continue;
            }
            match T::RESOURCE_TYPE {
                Some(expected) if name == "resourceType" => {
                    if wanted.take().is_none() {
                        return Err(Error::duplicate_field("resourceType"));
                    }
                    map.next_value_seed(ResourceType(expected))?;
                }
                _ => {
                    let value: Box<RawValue> = map.next_value()?;
                    target.unknown_mut().push(Text::from(name), value);
                }
            }
        }
        if wanted.is_some() {
            return Err(Error::missing_field("resourceType"));
        }
        if target.unknown_mut().has_duplicates() {
            return Err(Error::custom("duplicate field"));
        }
        Ok(())
    }
}

/// Reads a `resourceType` that must be this one.
struct ResourceType(&'static str);

impl<'de> DeserializeSeed<'de> for ResourceType {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ResourceType {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<(), E> {
        if found == self.0 {
            return Ok(());
        }
        Err(Error::invalid_value(
            Unexpected::Other("another resourceType"),
            &self.0,
        ))
    }
}

/// What [`Structure::read_text_boxed`] does.
pub(crate) fn read_boxed<T: Structure>(text: &str) -> serde_json::Result<Box<T>> {
    let mut structure = Box::<T>::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_map(Fill(structure.as_mut()))?;
    deserializer.end()?;
    Ok(structure)
}
