//! What we do not model and still carry: unknown members and raw JSON, byte for byte.

use std::fmt;

use serde::ser::SerializeMap;
use serde_json::value::RawValue;

use crate::Text;
use crate::codec::write;

/// The members of a structure that R4 or we do not know, in the order they came.
///
/// A pointer wide while empty, as it nearly always is.
#[derive(Clone, Default)]
#[allow(
    clippy::box_collection,
    reason = "every structure has one, and nearly always it is empty"
)]
pub struct Other(Option<Box<Vec<Unknown>>>);

/// A member's name and its value as it came.
type Unknown = (Text, Box<RawValue>);

impl Other {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0
            .iter()
            .flat_map(|list| list.iter())
            .map(|(name, value)| (name.as_str(), value.as_ref()))
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// Adds a member at the end.
    pub fn push(&mut self, name: impl Into<Text>, value: Box<RawValue>) {
        self.0.get_or_insert_default().push((name.into(), value));
    }

    /// Removes all members.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    pub(crate) fn has_duplicates(&self) -> bool {
        let Some(list) = self.0.as_deref().filter(|list| list.len() > 1) else {
            return false;
        };
        let mut names: Vec<&str> = list.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair.first() == pair.last())
    }

    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        for (name, value) in self.iter() {
            write::string(name, out);
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
            out.push(b',');
        }
    }

    pub(crate) fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        self.iter()
            .try_for_each(|(name, value)| map.serialize_entry(name, value))
    }
}

impl PartialEq for Other {
    fn eq(&self, other: &Self) -> bool {
        self.iter()
            .map(|(name, value)| (name, value.get()))
            .eq(other.iter().map(|(name, value)| (name, value.get())))
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, value.get())))
            .finish()
    }
}
