//! Where a key stands in the text, and which spelling comes nearest to one that is wrong.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// A parsed text that still knows the place of every key.
pub(super) struct Document<'t> {
    text: &'t str,
    table: Spanned<DeTable<'t>>,
}

/// One step from a table to something inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl<'t> Document<'t> {
    /// Parses the text; syntax errors come back all at once.
    pub(super) fn parse(text: &'t str) -> Result<Self, Vec<ConfigError>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok(Self { text, table });
        }
        let place = |error: &toml::de::Error| error.span().map_or(1, |span| line_at(text, span.start));
        Err(errors
            .iter()
            .map(|error| problem("", place(error), error.message(), None))
            .collect())
    }

    pub(super) fn table(&self) -> Spanned<DeTable<'t>> {
        self.table.clone()
    }

    /// The line of a key such as `endpoint[2].listen`; of the nearest table around it when it is not written.
    pub(super) fn line_of(&self, key: &str) -> usize {
        let mut place = 0;
        let mut table = Some(self.table.get_ref());
        let mut value: Option<&DeValue<'_>> = None;
        for step in read_path(key) {
            match step {
                Step::Key(name) => {
                    let Some(entry) = table.and_then(|table| entry(table, &name)) else {
                        break;
                    };
                    place = entry.0.span().start;
                    value = Some(entry.1.get_ref());
                }
                Step::Index(index) => {
                    let Some(DeValue::Array(items)) = value else { break };
                    let Some(item) = items.get(index) else { break };
                    place = item.span().start;
                    value = Some(item.get_ref());
                }
            }
            table = match value {
                Some(DeValue::Table(table)) => Some(table),
                _ => None,
            };
        }
        line_at(self.text, place)
    }

    /// Whether the key is written in the text.
    pub(super) fn holds(&self, key: &str) -> bool {
        let mut value = DeValue::Table(self.table.get_ref().clone());
        for step in read_path(key) {
            let next = match (&value, &step) {
                (DeValue::Table(table), Step::Key(name)) => {
                    entry(table, name).map(|entry| entry.1.get_ref().clone())
                }
                (DeValue::Array(items), Step::Index(index)) => {
                    items.get(*index).map(|item| item.get_ref().clone())
                }
                _ => None,
            };
            let Some(next) = next else { return false };
            value = next;
        }
        true
    }

    /// What serde found wrong, in our words, with the nearest key or value it would have taken.
    pub(super) fn shape_problem(&self, error: &toml::de::Error, path: Option<&[Step]>) -> ConfigError {
        let key = path.map(write_path).unwrap_or_default();
        let line = error.span().map_or(1, |span| line_at(self.text, span.start));
        let (_, message, nearest) = spoken(error.message());
        problem(&key, line, &message, nearest)
    }
}

/// What serde says, in our words: the member it does not know, the message, the nearest name it would have taken.
pub(super) fn spoken(message: &str) -> (Option<&str>, String, Option<String>) {
    let mut ticked = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") {
        let written = ticked.next().unwrap_or_default();
        let nearest = nearest(written, ticked);
        return (Some(written), "there is no such key".to_owned(), nearest);
    }
    if message.starts_with("unknown variant") {
        let written = ticked.next().unwrap_or_default();
        let known: Vec<&str> = ticked.collect();
        let nearest = nearest(written, known.iter().copied());
        let words = format!("`{written}` is none of {}", known.join(", "));
        return (None, words, nearest);
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return (None, format!("the key {field} is missing"), None);
    }
    (None, message.to_owned(), None)
}

fn problem(key: &str, line: usize, message: &str, nearest: Option<String>) -> ConfigError {
    ConfigError {
        origin: String::new(),
        key: key.to_owned(),
        line,
        message: message.to_owned(),
        nearest,
    }
}

fn line_at(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1
}

fn entry<'a, 't>(
    table: &'a DeTable<'t>,
    name: &str,
) -> Option<(&'a Spanned<toml::de::DeString<'t>>, &'a Spanned<DeValue<'t>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}

/// The path to the key or value that stands at exactly this span.
pub(super) fn path_at(table: &Spanned<DeTable<'_>>, span: &Range<usize>) -> Option<Vec<Step>> {
    let mut path = Vec::new();
    in_table(table.get_ref(), span, &mut path).then_some(path)
}

fn in_table(table: &DeTable<'_>, span: &Range<usize>, path: &mut Vec<Step>) -> bool {
    table.iter().any(|(key, value)| {
        path.push(Step::Key(key.get_ref().to_string()));
        if key.span() == *span || in_value(value, span, path) {
            return true;
        }
        path.pop();
        false
    })
}

fn in_value(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut Vec<Step>) -> bool {
    // A scalar wins over the tables around it; headers give several tables the same span.
    let inside = match value.get_ref() {
        DeValue::Table(table) => in_table(table, span, path),
        DeValue::Array(items) => items.iter().enumerate().any(|(index, item)| {
            path.push(Step::Index(index));
            if in_value(item, span, path) {
                return true;
            }
            path.pop();
            false
        }),
        _ => false,
    };
    inside || value.span() == *span
}

/// Takes an entry out of its table. Items of an array stay: their positions are part of later paths.
pub(super) fn remove(table: &mut Spanned<DeTable<'_>>, path: &[Step]) -> bool {
    // An item of a list of strings is at fault: the list as a whole is taken out.
    let keys = path.iter().rposition(|step| matches!(step, Step::Key(_)));
    let Some(last) = keys else { return false };
    let Step::Key(name) = &path[last] else {
        return false;
    };
    let Some(parent) = table_at(table.get_mut(), &path[..last]) else {
        return false;
    };
    let Some(key) = parent.keys().find(|key| key.get_ref() == name).cloned() else {
        return false;
    };
    parent.remove(&key).is_some()
}

fn table_at<'a, 't>(table: &'a mut DeTable<'t>, path: &[Step]) -> Option<&'a mut DeTable<'t>> {
    let Some((Step::Key(name), rest)) = path.split_first() else {
        return path.is_empty().then_some(table);
    };
    let (_, value) = table.iter_mut().find(|(key, _)| key.get_ref() == name)?;
    match (value.get_mut(), rest.split_first()) {
        (DeValue::Table(inner), _) => table_at(inner, rest),
        (DeValue::Array(items), Some((Step::Index(index), rest))) => match items.get_mut(*index)?.get_mut() {
            DeValue::Table(inner) => table_at(inner, rest),
            _ => None,
        },
        _ => None,
    }
}

fn write_path(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(name) if text.is_empty() => text.push_str(name),
            Step::Key(name) => {
                text.push('.');
                text.push_str(name);
            }
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn read_path(key: &str) -> Vec<Step> {
    let mut path = Vec::new();
    for part in key.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split(['[', ']']).filter(|piece| !piece.is_empty());
        path.extend(pieces.next().map(|name| Step::Key(name.to_owned())));
        path.extend(pieces.filter_map(|index| index.parse().ok()).map(Step::Index));
    }
    path
}

/// The candidate closest to what was written, if one is close enough to have been meant.
pub(super) fn nearest<'c>(written: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    let lower = written.to_lowercase();
    candidates
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3).max(2))
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_spelling_is_close_or_none() {
        let keys = ["listen", "send", "facade"];
        assert_eq!(nearest("listn", keys.into_iter()).as_deref(), Some("listen"));
        assert_eq!(nearest("Send", keys.into_iter()).as_deref(), Some("send"));
        assert_eq!(nearest("vocabulary", keys.into_iter()), None);
    }

    #[test]
    fn a_key_is_found_at_its_line_and_a_missing_one_at_its_table() {
        let text = "[gateway]\nwindow = 3\n\n[[endpoint]]\nname = 'a'\n\n[[endpoint]]\nname = 'b'\n";
        let document = Document::parse(text).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(document.line_of("gateway.window"), 2);
        assert_eq!(document.line_of("endpoint[1].name"), 8);
        assert_eq!(document.line_of("endpoint[1].listen"), 7);
        assert!(document.holds("endpoint[0].name") && !document.holds("endpoint[0].listen"));
    }
}
