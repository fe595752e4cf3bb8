//! A site's overrides from a TOML file, as `--site FILE` names it.

use std::path::Path;

use translate::{Override, Settings};

use crate::exit::Failure;
use crate::{input, names};

/// Adds what the file changes to the settings; paths in it are relative to it.
pub(crate) fn apply(settings: Settings, file: Option<&Path>) -> anyhow::Result<Settings> {
    let Some(file) = file else { return Ok(settings) };
    let text = String::from_utf8(input::read(file)?)
        .map_err(|_| Failure::Input.because(format!("{} is not UTF-8", file.display())))?;
    let site: Override =
        toml::from_str(&text).map_err(|e| Failure::Usage.because(format!("{}: {e}", file.display())))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let read = |path: &str| {
        let path = folder.join(path);
        std::fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    let problems = site.dialect_problems(&names::dialects());
    let applied = if problems.is_empty() {
        site.apply(settings, &read)
    } else {
        Err(problems)
    };
    applied.map_err(|problems| {
        let lines: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {problem}", file.display()))
            .collect();
        Failure::Usage.because(lines.join("\n"))
    })
}
