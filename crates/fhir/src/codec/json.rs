//! Any JSON value with its members in order, for what works on JSON rather than on resources.

use std::borrow::Cow;

use super::{Reader, Result};

/// A JSON value that borrows the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        match reader.peek() {
            Some(b'{') => {
                let mut members = Vec::new();
                reader.open_object()?;
                while let Some(name) = reader.next_member(members.is_empty())? {
                    let value = Json::read(reader)?;
                    members.push((name, value));
                }
                Ok(Self::Object(members))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                reader.open_array("a list")?;
                while reader.next_item(items.is_empty())? {
                    items.push(Json::read(reader)?);
                }
                Ok(Self::Array(items))
            }
            Some(b'"') => reader.string().map(Self::String),
            Some(b't' | b'f') => reader.boolean().map(Self::Bool),
            Some(b'n') => reader.take_null().map(|_| Self::Null),
            _ => reader.number().map(Self::Number),
        }
    }
}
