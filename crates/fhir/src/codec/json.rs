//! A JSON value opened one level at a time, for what works on JSON rather than on resources.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Key;

/// A JSON value that borrows the text it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    /// A number, `true` or `false`, as it stands.
    Literal(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    pub(crate) fn read(text: &'a str) -> serde_json::Result<Self> {
        Self::of(serde_json::from_str(text)?)
    }

    fn of(raw: &'a RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => Self::Object(
                children(text)?
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::of(value)?)))
                    .collect::<serde_json::Result<_>>()?,
            ),
            Some(b'[') => Self::Array(
                children(text)?
                    .into_iter()
                    .map(|(_, value)| Self::of(value))
                    .collect::<serde_json::Result<_>>()?,
            ),
            Some(b'"') => Self::String(serde_json::from_str::<Key<'_>>(text)?.0),
            Some(b'n') => Self::Null,
            _ => Self::Literal(text),
        })
    }
}

/// A member's name, empty for an item of a list, and its value.
pub(crate) type Child<'a> = (Cow<'a, str>, &'a RawValue);

fn children(text: &str) -> serde_json::Result<Vec<Child<'_>>> {
    let (found, end) = children_until(text);
    end.map(|()| found)
}

/// The members of an object or the items of a list, up to the fault when there is one.
pub(crate) fn children_until(text: &str) -> (Vec<Child<'_>>, serde_json::Result<()>) {
    let mut found = Vec::new();
    let end = serde_json::Deserializer::from_str(text).deserialize_any(Collect(&mut found));
    (found, end)
}

struct Collect<'v, 'a>(&'v mut Vec<Child<'a>>);

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((Key(name), value)) = map.next_entry()? {
            self.0.push((name, value));
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(value) = list.next_element()? {
            self.0.push((Cow::Borrowed(""), value));
        }
        Ok(())
    }
}
