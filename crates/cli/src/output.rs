//! stdout: a verb's data, whole or with an error; a reader that went away is no panic.

use std::io::Write as _;

/// Writes text to stdout as it stands.
pub(crate) fn text(text: impl std::fmt::Display) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    write!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// Writes one line to stdout.
pub(crate) fn line(line: impl std::fmt::Display) -> anyhow::Result<()> {
    text(format_args!("{line}\n"))
}
