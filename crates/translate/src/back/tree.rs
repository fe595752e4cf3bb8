//! JSON as a tree whose leaves stay as they are written, so that a decimal keeps its digits.
//!
//! Work that concerns every element alike — contained resources, references, the account of a Bundle — is done here
//! and not element by element. Refused here: what an element means.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
    /// A string, a number, `true`, `false` or `null`, as it is written.
    Leaf(String),
}

impl Tree {
    /// Reads JSON; the depth was checked when it was first read.
    pub(crate) fn parse(json: &str) -> serde_json::Result<Self> {
        let json = json.trim();
        Ok(match json.as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(json)?;
                let parsed = members
                    .into_iter()
                    .map(|(name, raw)| Ok((name, Self::parse(raw.get())?)));
                Self::Object(parsed.collect::<serde_json::Result<_>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json)?;
                let parsed = items.into_iter().map(|raw| Self::parse(raw.get()));
                Self::List(parsed.collect::<serde_json::Result<_>>()?)
            }
            _ => Self::Leaf(json.to_owned()),
        })
    }

    /// A string as a leaf.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::Leaf(serde_json::Value::from(text).to_string())
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, one)| one),
            _ => None,
        }
    }

    pub(crate) fn member_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(members) => members
                .iter_mut()
                .find(|(known, _)| known == name)
                .map(|(_, one)| one),
            _ => None,
        }
    }

    /// Takes a member out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else { return None };
        let at = members.iter().position(|(known, _)| known == name)?;
        Some(members.remove(at).1)
    }

    /// Adds a member, in the place of one of that name.
    pub(crate) fn put(&mut self, name: &str, value: Self) {
        if let Self::Object(members) = self {
            members.retain(|(known, _)| known != name);
            members.push((name.to_owned(), value));
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// The items of a list, to change.
    pub(crate) fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text of a leaf that is a string.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Leaf(leaf) => serde_json::from_str(leaf).ok(),
            _ => None,
        }
    }

    /// The text of a member that is a string.
    pub(crate) fn text_of(&self, name: &str) -> Option<String> {
        self.member(name)?.text()
    }

    /// Shows every object of the tree, the outer ones first.
    pub(crate) fn each_object(&mut self, visit: &mut impl FnMut(&mut Self)) {
        if matches!(self, Self::Object(_)) {
            visit(self);
        }
        match self {
            Self::Object(members) => members.iter_mut().for_each(|(_, one)| one.each_object(visit)),
            Self::List(items) => items.iter_mut().for_each(|one| one.each_object(visit)),
            Self::Leaf(_) => {}
        }
    }

    /// The way to every leaf: at each step the position among the members or items.
    pub(crate) fn leaves(&self) -> Vec<Vec<usize>> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    fn collect(&self, at: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        let mut within = |position: usize, one: &Self| {
            at.push(position);
            one.collect(at, found);
            at.pop();
        };
        match self {
            Self::Object(members) => {
                for (position, (_, one)) in members.iter().enumerate() {
                    within(position, one);
                }
            }
            Self::List(items) => {
                for (position, one) in items.iter().enumerate() {
                    within(position, one);
                }
            }
            Self::Leaf(leaf) if leaf == "null" => {}
            Self::Leaf(_) => found.push(at.clone()),
        }
    }

    /// The JSON, without the leaf at `skip` and without what is empty then.
    pub(crate) fn to_json(&self, skip: Option<&[usize]>) -> String {
        let mut out = String::new();
        self.write(skip, &mut out);
        if out.is_empty() { "{}".to_owned() } else { out }
    }

    /// Writes nothing when nothing is left.
    fn write(&self, skip: Option<&[usize]>, out: &mut String) {
        let below = |position: usize| match skip {
            Some([first, rest @ ..]) if *first == position => Some(rest),
            _ => None,
        };
        let start = out.len();
        let mut any = false;
        match self {
            Self::Leaf(_) if skip.is_some_and(<[usize]>::is_empty) => {}
            Self::Leaf(leaf) => out.push_str(leaf),
            Self::Object(members) => {
                for (position, (name, one)) in members.iter().enumerate() {
                    let before = out.len();
                    out.push(if any { ',' } else { '{' });
                    out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                    out.push(':');
                    let named = out.len();
                    one.write(below(position), out);
                    if out.len() == named {
                        out.truncate(before);
                    } else {
                        any = true;
                    }
                }
                if any {
                    out.push('}');
                }
            }
            Self::List(items) => {
                for (position, one) in items.iter().enumerate() {
                    let before = out.len();
                    out.push(if any { ',' } else { '[' });
                    let comma = out.len();
                    one.write(below(position), out);
                    if out.len() == comma {
                        out.truncate(before);
                    } else {
                        any = true;
                    }
                }
                if any {
                    out.push(']');
                } else {
                    out.truncate(start);
                }
            }
        }
    }
}

/// The members of an object in their order.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_keeps_digits_and_leaves_out_what_is_empty() {
        let json = r#"{"a":[{"b":1.10},{"c":"x\"y"}],"d":{"e":true}}"#;
        let tree = Tree::parse(json).expect("JSON");
        assert_eq!(tree.to_json(None), json);
        let ways = tree.leaves();
        assert_eq!(ways.len(), 3);
        assert_eq!(
            tree.to_json(Some(&ways[0])),
            r#"{"a":[{"c":"x\"y"}],"d":{"e":true}}"#
        );
        assert_eq!(tree.to_json(Some(&ways[2])), r#"{"a":[{"b":1.10},{"c":"x\"y"}]}"#);
        let single = Tree::parse(r#"{"a":"b"}"#).expect("JSON");
        assert_eq!(single.to_json(Some(&single.leaves()[0])), "{}");
    }
}
