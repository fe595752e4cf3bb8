//! The shapes a member can have: one value or a list, of primitives or of structures.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::explain::TWICE;
use super::write;
use crate::check::Report;
use crate::{Decimal, Element, Text};

/// A member of a structure: an `Option` of an [`Item`] or a list of them.
pub trait Member: Default {
    /// The type of the `_x` member beside a primitive.
    type Sibling: Member;
    /// Whether nothing would be written.
    fn is_absent(&self) -> bool;
    /// Reads the value of the member; a second time is a fault.
    ///
    /// # Errors
    /// When the value is of another type, or the member was there before.
    fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error>;
    /// Writes name and value, or nothing when absent.
    ///
    /// # Errors
    /// When the serializer has one.
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;
    /// Appends name and value and a comma, or nothing when absent; `key` is the name in quotes with its colon.
    fn write_json(&self, key: &'static str, out: &mut Vec<u8>);
    /// Reports what R4 forbids in the value.
    fn check(&self, report: &mut Report);
}

/// A value that can stand alone or in a list.
pub trait Item: Serialize + DeserializeOwned {
    /// Reads the value into the place where it stays.
    ///
    /// # Errors
    /// When the value is of another type.
    fn read_at<'de, D: Deserializer<'de>>(place: &mut Option<Self>, deserializer: D) -> Result<(), D::Error> {
        *place = Some(Self::deserialize(deserializer)?);
        Ok(())
    }
    /// Whether there is nothing inside, so that it is not written.
    fn is_empty(&self) -> bool {
        false
    }
    /// Whether it says nothing as an item of a list.
    fn is_gap(&self) -> bool {
        self.is_empty()
    }
    /// What holds the place of a `null` in a list; `None` when it is passed over.
    fn gap() -> Option<Self> {
        None
    }
    /// Appends the value as JSON.
    fn write_item(&self, out: &mut Vec<u8>);
    /// Reports what R4 forbids in the value.
    fn check_item(&self, report: &mut Report);
}

impl<T: Item> Member for Option<T> {
    type Sibling = Option<Box<Element>>;

    #[inline]
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(T::is_empty)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        if self.is_some() {
            return map.next_value_seed(Twice);
        }
        map.next_value_seed(Place(self))?;
        if self.is_absent() {
            *self = None;
        }
        Ok(())
    }

    #[inline]
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        match self {
            Some(value) if !value.is_empty() => map.serialize_entry(name, value),
            _ => Ok(()),
        }
    }

    #[inline]
    fn write_json(&self, key: &'static str, out: &mut Vec<u8>) {
        if let Some(value) = self
            && !value.is_empty()
        {
            out.extend_from_slice(key.as_bytes());
            value.write_item(out);
            out.push(b',');
        }
    }

    fn check(&self, report: &mut Report) {
        if let Some(value) = self {
            value.check_item(report);
        }
    }
}

impl<T: Item> Member for Vec<T> {
    type Sibling = Vec<Option<Element>>;

    #[inline]
    fn is_absent(&self) -> bool {
        self.iter().all(T::is_gap)
    }

    fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        if !self.is_empty() {
            return map.next_value_seed(Twice);
        }
        if let Some(List(items)) = map.next_value()? {
            *self = items;
        }
        Ok(())
    }

    #[inline]
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        if self.is_absent() {
            return Ok(());
        }
        map.serialize_entry(name, &Items(self))
    }

    #[inline]
    fn write_json(&self, key: &'static str, out: &mut Vec<u8>) {
        if self.is_absent() {
            return;
        }
        out.extend_from_slice(key.as_bytes());
        out.push(b'[');
        for item in self {
            if !item.is_gap() {
                item.write_item(out);
            } else if T::gap().is_some() {
                out.extend_from_slice(b"null");
            } else {
                continue;
            }
            out.push(b',');
        }
        write::close(b']', out);
        out.push(b',');
    }

    fn check(&self, report: &mut Report) {
        for (index, item) in self.iter().enumerate() {
            report.at_position(index, |report| item.check_item(report));
        }
    }
}

/// Refuses the value of a member that was there before, whatever it is.
struct Twice;

impl<'de> DeserializeSeed<'de> for Twice {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Twice {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(TWICE.trim_start_matches("expected "))
    }
}

/// The place of a value, which a `null` leaves empty.
struct Place<'p, T>(&'p mut Option<T>);

impl<'de, T: Item> DeserializeSeed<'de> for Place<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Item> Visitor<'de> for Place<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        T::read_at(self.0, deserializer)
    }
}

/// A list as it is read: gaps hold their place where that matters.
struct List<T>(Vec<T>);

impl<'de, T: Item> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData)).map(List)
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Item> Visitor<'de> for ListVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        let mut item: Option<T> = None;
        while list.next_element_seed(Place(&mut item))?.is_some() {
            match item.take() {
                Some(item) if !item.is_gap() => items.push(item),
                _ => items.extend(T::gap()),
            }
        }
        Ok(items)
    }
}

/// A list as it is written; `null` holds a place in both lists of a primitive, so that they stay aligned.
struct Items<'a, T>(&'a [T]);

impl<T: Item> Serialize for Items<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for item in self.0 {
            if !item.is_gap() {
                list.serialize_element(item)?;
            } else if T::gap().is_some() {
                list.serialize_element(&())?;
            }
        }
        list.end()
    }
}

impl<T: Item> Item for Box<T> {
    fn is_empty(&self) -> bool {
        self.as_ref().is_empty()
    }

    fn write_item(&self, out: &mut Vec<u8>) {
        self.as_ref().write_item(out);
    }

    fn check_item(&self, report: &mut Report) {
        self.as_ref().check_item(report);
    }
}

/// One place in the `_x` list of a repeated primitive.
impl Item for Option<Element> {
    fn is_empty(&self) -> bool {
        self.as_ref().is_none_or(Item::is_empty)
    }

    fn gap() -> Option<Self> {
        Some(None)
    }

    fn write_item(&self, out: &mut Vec<u8>) {
        match self {
            Some(element) => element.write_item(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn check_item(&self, report: &mut Report) {
        if let Some(element) = self {
            element.check_item(report);
        }
    }
}

impl Item for Text {
    fn is_gap(&self) -> bool {
        self.as_str().is_empty()
    }

    fn gap() -> Option<Self> {
        Some(Self::default())
    }

    fn write_item(&self, out: &mut Vec<u8>) {
        write::string(self, out);
    }

    fn check_item(&self, report: &mut Report) {
        if self.as_str().is_empty() {
            report.add("a string must not be empty");
        }
    }
}

impl Item for bool {
    fn write_item(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }

    fn check_item(&self, _: &mut Report) {}
}

impl Item for Decimal {
    fn write_item(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_str().as_bytes());
    }

    fn check_item(&self, _: &mut Report) {}
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {
        $(impl Item for $type {
            fn write_item(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
            }

            fn check_item(&self, _: &mut Report) {}
        })*
    };
}

whole_numbers!(i32, u32);
