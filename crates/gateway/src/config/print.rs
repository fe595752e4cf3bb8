//! `--print-config`: every key with its effective value and where that came from.

use toml::{Table, Value};

use super::locate::Document;
use super::{ConfigError, name_origin, read_file};

/// A value that a flag or the environment put over the file's.
#[derive(Clone, Debug)]
pub struct Override {
    /// The key: `gateway.http`, `endpoint[0].listen`.
    pub key: String,
    /// The value that counts.
    pub value: String,
    /// Who says so: `--http`, `EPRGW_HTTP`.
    pub origin: String,
}

/// Writes each key with its value, then where it came from: the file and line, a flag, or the default.
///
/// # Errors
/// The problems of spelling and type of the text, as [`load`](super::load) reports them.
pub fn print_config(text: &str, origin: &str, overrides: &[Override]) -> Result<String, Vec<ConfigError>> {
    let document = Document::parse(text).map_err(|problems| name_origin(problems, origin))?;
    let file = read_file(&document).map_err(|problems| name_origin(problems, origin))?;
    let table = Table::try_from(&file).expect("every key of the file has a TOML form");
    let mut lines = Vec::new();
    write_table("", &table, &mut lines);
    for over in overrides {
        lines.retain(|(key, _)| *key != over.key);
        lines.push((over.key.clone(), Value::String(over.value.clone()).to_string()));
    }
    let width = lines
        .iter()
        .map(|(key, value)| key.len() + value.len() + 3)
        .max()
        .unwrap_or(0)
        .min(72);
    let mut out = String::new();
    for (key, value) in &lines {
        let from = match overrides.iter().find(|over| over.key == *key) {
            Some(over) => over.origin.clone(),
            None if document.holds(key) => format!("{origin}:{}", document.line_of(key)),
            None => "default".to_owned(),
        };
        let setting = format!("{key} = {value}");
        out.push_str(&format!("{setting:width$}  # {from}\n"));
    }
    Ok(out)
}

fn write_table(prefix: &str, table: &Table, lines: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value {
            Value::Table(inner) => write_table(&key, inner, lines),
            Value::Array(items) if items.iter().any(Value::is_table) => {
                for (index, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = item {
                        write_table(&format!("{key}[{index}]"), inner, lines);
                    }
                }
            }
            other => lines.push((key, other.to_string())),
        }
    }
}
