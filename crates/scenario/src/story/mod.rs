//! A story: steps and expectations in clinical words, as TOML, validated whole before anything runs.
//!
//! ```toml
//! story = "A patient admitted in the old house is in the right bed of the new one."
//! [[step]]
//! admit  = { patient = "jane", at = "north", ward = "7A" }
//! [[step]]
//! expect = { patient = "jane", at = "south", ward = "7A", within-ms = 500 }
//! ```
//!
//! The words are in [`verbs`]; every problem found names its line and, where there is one, the nearest right spelling.

mod check;
pub mod verbs;

use std::collections::BTreeMap;
use std::fmt;

use self::verbs::Verb;

/// One thing that is wrong with a story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the name of a bundled story.
    pub origin: String,
    /// From 1.
    pub line: usize,
    /// What is wrong and what would do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.origin, self.line, self.text)
    }
}

/// What a member of a step may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Words.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several words.
    List(Vec<String>),
    /// Several tables of words.
    Rows(Vec<BTreeMap<String, String>>),
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it stands.
    pub line: usize,
    /// The phase it opens, when it opens one.
    pub phase: Option<String>,
    /// What is done.
    pub verb: &'static Verb,
    /// Its particulars.
    pub members: BTreeMap<String, Value>,
}

impl Step {
    /// A member that holds words.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.members.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A member that holds a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        match self.members.get(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A member that holds several words.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        match self.members.get(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }
}

/// A setting a reader may change with `-p`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameter {
    /// What it is unless told otherwise.
    pub default: String,
    /// What it may be; anything when empty.
    pub choices: Vec<String>,
    /// What it does.
    pub note: String,
    /// Further settings that follow from a choice: `{to.dialect}`.
    pub sets: BTreeMap<String, BTreeMap<String, String>>,
}

/// A whole story, valid.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its name: that of its file.
    pub name: String,
    /// What it tells, in one sentence.
    pub story: String,
    /// What it does not show, in the reader's words.
    pub not_shown: Vec<String>,
    /// Settings, with the values of this run.
    pub parameters: BTreeMap<String, String>,
    /// The synthetic people, as TOML for [`crate::world::WorldSettings`].
    pub world: Option<crate::world::WorldSettings>,
    /// Files the story leans on, by the name it uses for them.
    pub files: BTreeMap<String, String>,
    /// Its cast: what is known about each.
    pub people: BTreeMap<String, BTreeMap<String, String>>,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Story {
    /// Reads and checks a story with the given settings over its own.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(
        name: &str,
        origin: &str,
        text: &str,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Problem>> {
        let parameters = check::parameters(origin, text)?;
        let settings = check::settle(origin, &parameters, given)?;
        check::story(name, origin, &fill(text, &settings), settings)
    }

    /// The settings a story has, without running it.
    ///
    /// # Errors
    /// Everything that is wrong with that part of it.
    pub fn parameters(origin: &str, text: &str) -> Result<BTreeMap<String, Parameter>, Vec<Problem>> {
        check::parameters(origin, text)
    }
}

/// Puts settings where `{name}` stands; braces around other words stay.
#[must_use]
pub fn fill(text: &str, settings: &BTreeMap<String, String>) -> String {
    let mut filled = text.to_owned();
    for (name, value) in settings {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}

/// The nearest of some known words, when one is near enough to have been meant.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, known)| known)
}
