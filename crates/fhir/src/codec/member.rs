//! The shapes a member can have: one value or a list, of primitives or of structures.

use super::{Reader, Result, Writer};
use crate::check::Report;
use crate::error::Fault;
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
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()>;
    /// Writes key and value, or nothing when absent.
    fn write(&self, key: &'static str, writer: &mut Writer);
    /// Reports what R4 forbids in the value.
    fn check(&self, report: &mut Report);
}

/// A value that can stand alone or in a list.
pub trait Item: Sized {
    /// What a `null` in a list stands for; `None` when it is passed over.
    fn placeholder() -> Option<Self> {
        None
    }
    /// Whether the value is the placeholder of a list.
    fn is_placeholder(&self) -> bool {
        false
    }
    /// Reads the value; `None` when it is an empty object.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>>;
    /// Reads the value into a place where it stays; big structures are not moved about.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_into(place: &mut Option<Self>, reader: &mut Reader<'_>) -> Result<()> {
        *place = Self::read_item(reader)?;
        Ok(())
    }
    /// Reads the value at the end of a list.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_onto(list: &mut Vec<Self>, reader: &mut Reader<'_>) -> Result<()> {
        list.extend(Self::read_item(reader)?);
        Ok(())
    }
    /// Reads the value into a box.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_boxed(reader: &mut Reader<'_>) -> Result<Option<Box<Self>>> {
        Ok(Self::read_item(reader)?.map(Box::new))
    }
    /// Writes the value; `false` when nothing was written because it is empty.
    fn write_item(&self, writer: &mut Writer) -> bool;
    /// Reports what R4 forbids in the value.
    fn check_item(&self, report: &mut Report);
}

impl<T: Item> Member for Option<T> {
    type Sibling = Option<Box<Element>>;

    #[inline]
    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if self.is_some() {
            return reader.fail(Fault::Duplicate);
        }
        if !reader.take_null()? {
            T::read_into(self, reader)?;
        }
        Ok(())
    }

    #[inline]
    fn write(&self, key: &'static str, writer: &mut Writer) {
        let Some(value) = self else { return };
        let before = writer.length();
        writer.key(key);
        if !value.write_item(writer) {
            writer.back_to(before);
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
        self.is_empty()
    }

    fn read(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        if !self.is_empty() {
            return reader.fail(Fault::Duplicate);
        }
        if reader.take_null()? {
            return Ok(());
        }
        reader.open_array("a list")?;
        let mut index = 0;
        while reader.next_item(index == 0)? {
            if reader.take_null()? {
                self.extend(T::placeholder());
            } else {
                T::read_onto(self, reader).map_err(|error| error.at_position(index))?;
            }
            index += 1;
        }
        Ok(())
    }

    #[inline]
    fn write(&self, key: &'static str, writer: &mut Writer) {
        if !self.is_empty() {
            write_list(self, key, writer);
        }
    }

    fn check(&self, report: &mut Report) {
        for (index, item) in self.iter().enumerate() {
            report.at_position(index, |report| item.check_item(report));
        }
    }
}

fn write_list<T: Item>(items: &[T], key: &'static str, writer: &mut Writer) {
    let before = writer.length();
    writer.key(key);
    writer.raw("[");
    let mut anything = false;
    for item in items {
        let start = writer.length();
        writer.comma();
        if !item.is_placeholder() && item.write_item(writer) {
            anything = true;
        } else if T::placeholder().is_some() {
            // Both lists of a primitive stay aligned: null holds the place.
            writer.raw("null");
        } else {
            writer.back_to(start);
        }
    }
    if anything {
        writer.raw("]");
    } else {
        writer.back_to(before);
    }
}

impl<T: Item> Item for Box<T> {
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        T::read_boxed(reader)
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        self.as_ref().write_item(writer)
    }

    fn check_item(&self, report: &mut Report) {
        self.as_ref().check_item(report);
    }
}

/// One place in the `_x` list of a repeated primitive.
impl Item for Option<Element> {
    fn placeholder() -> Option<Self> {
        Some(None)
    }

    fn is_placeholder(&self) -> bool {
        self.is_none()
    }

    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        Element::read_item(reader).map(Some)
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        self.as_ref().is_some_and(|element| element.write_item(writer))
    }

    fn check_item(&self, report: &mut Report) {
        if let Some(element) = self {
            element.check_item(report);
        }
    }
}

impl Item for Text {
    fn placeholder() -> Option<Self> {
        Some(Self::default())
    }

    fn is_placeholder(&self) -> bool {
        self.is_empty()
    }

    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(reader.string()?.into()))
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        writer.string(self);
        true
    }

    fn check_item(&self, report: &mut Report) {
        if self.is_empty() {
            report.add("a string must not be empty");
        }
    }
}

impl Item for bool {
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        reader.boolean().map(Some)
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        writer.raw(if *self { "true" } else { "false" });
        true
    }

    fn check_item(&self, _: &mut Report) {}
}

macro_rules! whole_number {
    ($type:ty, $expected:literal) => {
        impl Item for $type {
            fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
                let start = reader.offset();
                let Ok(number) = reader.number()?.parse() else {
                    reader.back_to(start);
                    return reader.fail(Fault::WrongType {
                        expected: $expected,
                        found: "another number",
                    });
                };
                Ok(Some(number))
            }

            fn write_item(&self, writer: &mut Writer) -> bool {
                writer.raw(itoa::Buffer::new().format(*self));
                true
            }

            fn check_item(&self, _: &mut Report) {}
        }
    };
}

whole_number!(i32, "a whole number");
whole_number!(u32, "a whole number, zero or more");

impl Item for Decimal {
    fn read_item(reader: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(Self::from_json(reader.number()?)))
    }

    fn write_item(&self, writer: &mut Writer) -> bool {
        writer.raw(self.as_str());
        true
    }

    fn check_item(&self, _: &mut Report) {}
}
