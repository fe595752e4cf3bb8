//! What every structure can do, and the loop over an object's members that they share.

use super::{Reader, Result, Writer};
use crate::check::Report;
use crate::error::Fault;
use crate::other::Other;

/// A resource, a data type or a part of one.
pub trait Structure {
    /// Its place in R4: `Patient`, `Patient.contact`, `HumanName`.
    fn place(&self) -> &'static str;
    /// The value of `resourceType`, for resources.
    fn resource_type(&self) -> Option<&'static str>;
    /// Reads the member `name`; `false`, nothing read, when it is not known.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_member(&mut self, name: &str, reader: &mut Reader<'_>) -> Result<bool>;
    /// Reads what `_name` says about a primitive; `false`, nothing read, when it is not known.
    ///
    /// # Errors
    /// When the text is no JSON, of another type, or breaks a limit.
    fn read_sibling(&mut self, name: &str, reader: &mut Reader<'_>) -> Result<bool>;
    /// Writes the known members in R4's order.
    fn write_members(&self, writer: &mut Writer);
    /// The members that are not known.
    fn unknown(&self) -> &Other;
    /// The members that are not known, to add to.
    fn unknown_mut(&mut self) -> &mut Other;
    /// Reports what R4 forbids.
    fn check_members(&self, report: &mut Report);
}

/// Fills `target` from the object that comes next; `false` when the object is empty.
pub(crate) fn read_object(reader: &mut Reader<'_>, target: &mut dyn Structure) -> Result<bool> {
    let start = reader.offset();
    reader.open_object()?;
    let mut first = true;
    let mut typed = target.resource_type().is_none();
    while let Some(name) = reader.next_member(first)? {
        first = false;
        if name == "resourceType"
            && let Some(expected) = target.resource_type()
        {
            if typed {
                return reader.fail(Fault::Duplicate);
            }
            read_resource_type(reader, expected)?;
            typed = true;
            continue;
        }
        let known = match name.strip_prefix('_') {
            Some(primitive) => target.read_sibling(primitive, reader)?,
            None => target.read_member(&name, reader)?,
        };
        if !known {
            let raw = reader.raw()?;
            target.unknown_mut().push_span(&name, raw);
        }
    }
    if !typed {
        reader.back_to(start);
        return reader.fail(Fault::NoResourceType);
    }
    if target.unknown().has_duplicates() {
        reader.back_to(start);
        return reader.fail(Fault::Duplicate);
    }
    Ok(!first)
}

fn read_resource_type(reader: &mut Reader<'_>, expected: &'static str) -> Result<()> {
    reader.peek();
    let start = reader.offset();
    let found = reader.string()?;
    if found == expected {
        return Ok(());
    }
    reader.back_to(start);
    // A name is safe to repeat; anything else could be a value that went astray.
    let is_name = found.len() <= 64 && found.bytes().all(|byte| byte.is_ascii_alphabetic());
    let found = if is_name {
        found.into_owned()
    } else {
        String::from("something that is no name")
    };
    reader.fail(Fault::ResourceType { expected, found })
}

/// Writes `source` as an object; `false`, nothing written, when it is empty.
pub(crate) fn write_object(source: &dyn Structure, writer: &mut Writer) -> bool {
    let before = writer.length();
    writer.raw("{");
    if let Some(name) = source.resource_type() {
        writer.key("\"resourceType\":\"");
        writer.raw(name);
        writer.raw("\"");
    }
    source.write_members(writer);
    source.unknown().write(writer);
    if writer.ends_with(b'{') {
        writer.back_to(before);
        return false;
    }
    writer.raw("}");
    true
}
