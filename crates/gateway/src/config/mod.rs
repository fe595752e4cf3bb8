//! Configuration: TOML text in, [`Settings`] or every problem with its key, line and nearest spelling out.
//!
//! Two steps: [`File`] is the text as written (serde, unknown keys refused), [`Settings`] is what it
//! means (names resolved, addresses parsed, patterns compiled). No port opens before both have passed.
//! Reads no file and no environment: `cli` hands in text, and says where it came from.

mod check;
mod file;
mod locate;
mod network;
mod print;
mod settings;

use std::fmt;

use serde::Deserialize;
use translate::dialect::Dialect;

pub use self::check::Problem;
pub use self::file::{
    AckMode, Acknowledge, ClientTable, EndpointTable, File, GatewayTable, InterfaceTable, NhsNumberTable,
    OnHeld, SourceTable, SystemTable, Translate, Unrouted,
};
use self::locate::Document;
pub use self::network::Network;
pub use self::print::{Override, print_config};
pub use self::settings::{
    Client, ClientProof, DeliveryLimits, Endpoint, Face, From, Interface, Limits, SendsTo, Settings, Source,
    System, TlsFiles,
};

/// Shape problems reported before giving up on a file.
const PROBLEMS_MAX: usize = 50;

/// One thing wrong with a configuration, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// The file, or whatever the caller named the text.
    pub origin: String,
    /// The key at fault: `endpoint[2].listen`.
    pub key: String,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
    /// The nearest spelling that would be right.
    pub nearest: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.origin, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Reads and checks a whole configuration.
///
/// `dialects` are those an endpoint or source may name; `origin` is how errors name the text.
///
/// # Errors
/// Every problem found: first those of spelling and type, and once there are none, those of meaning.
pub fn load(text: &str, origin: &str, dialects: &[&'static Dialect]) -> Result<Settings, Vec<ConfigError>> {
    let document = Document::parse(text).map_err(|problems| name_origin(problems, origin))?;
    let file = read_file(&document).map_err(|problems| name_origin(problems, origin))?;
    check::check(&file, dialects).map_err(|problems| on_lines(&document, origin, problems))
}

/// Gives each problem its line: for what is plain data here and is checked by whoever knows it, such as a system's
/// faults. Without a line when the text is no TOML, which [`load`] reports.
#[must_use]
pub fn placed(text: &str, origin: &str, problems: Vec<Problem>) -> Vec<ConfigError> {
    match Document::parse(text) {
        Ok(document) => on_lines(&document, origin, problems),
        Err(errors) => name_origin(errors, origin),
    }
}

fn on_lines(document: &Document<'_>, origin: &str, problems: Vec<Problem>) -> Vec<ConfigError> {
    let placed = problems.into_iter().map(|problem| ConfigError {
        origin: String::new(),
        line: document.line_of(&problem.key),
        key: problem.key,
        message: problem.message,
        nearest: problem.nearest,
    });
    name_origin(placed.collect(), origin)
}

fn name_origin(mut problems: Vec<ConfigError>, origin: &str) -> Vec<ConfigError> {
    for problem in &mut problems {
        origin.clone_into(&mut problem.origin);
    }
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// Reads the shape. serde stops at the first problem, so each one found is taken out and the rest tried again.
fn read_file(document: &Document<'_>) -> Result<File, Vec<ConfigError>> {
    let mut problems = Vec::new();
    let mut table = document.table();
    while problems.len() < PROBLEMS_MAX {
        let error = match File::deserialize(toml::de::Deserializer::from(table.clone())) {
            Ok(file) if problems.is_empty() => return Ok(file),
            Ok(_) => break,
            Err(error) => error,
        };
        let path = error.span().and_then(|span| locate::path_at(&table, &span));
        problems.push(document.shape_problem(&error, path.as_deref()));
        // A missing key has nothing to take out: what follows from it would only be noise.
        let removed = path.is_some_and(|path| locate::remove(&mut table, &path));
        if !removed || error.message().starts_with("missing field") {
            break;
        }
    }
    Err(problems)
}
