//! The trusts that share a domain: codes, pools and sites, as a data file in the order they join.

use serde::Deserialize;

use crate::story::Problem;

/// One trust.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Trust {
    /// Its code, as facilities begin.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The pool of its hospital numbers.
    pub pool: String,
    /// The pool of its visit numbers.
    pub visit_pool: String,
    /// Its sites, the first where its patients are unless something else is said.
    pub sites: Vec<String>,
}

impl Trust {
    /// Where its patients are, unless something else is said.
    #[must_use]
    pub fn site(&self) -> &str {
        self.sites.first().map_or(&self.code, String::as_str)
    }

    /// Every code by which its facilities are called, in quotes.
    pub(crate) fn facilities(&self) -> impl Iterator<Item = String> + '_ {
        let codes = std::iter::once(&self.code).chain(&self.sites);
        codes.map(|code| format!("\"{code}\""))
    }

    /// The gateway's listener for its feeds.
    #[must_use]
    pub fn door(&self) -> String {
        self.code.to_lowercase()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    trust: Vec<Trust>,
}

/// Reads the trusts of a domain.
///
/// # Errors
/// What is wrong with the file, with its line.
pub fn parse(origin: &str, text: &str) -> Result<Vec<Trust>, Vec<Problem>> {
    let file: File = toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.as_bytes().get(..start).unwrap_or_default();
        vec![Problem {
            origin: origin.to_owned(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            text: error.message().to_owned(),
        }]
    })?;
    Ok(file.trust)
}
