//! What R4 forbids in a resource that could be read: a required element missing, a date that is none.
//!
//! Codes are not checked against their value sets, and rules between elements are not either.

use std::fmt;

/// One thing R4 forbids, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// The place, as FHIRPath: `Patient.contact[0].period.start`.
    pub path: String,
    /// What is wrong, without the value.
    pub what: &'static str,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.what)
    }
}

/// Where the check stands and what it has found.
#[derive(Debug, Default)]
pub struct Report {
    steps: Vec<Step>,
    issues: Vec<Issue>,
}

#[derive(Debug)]
enum Step {
    Root(String),
    Member(&'static str),
    Position(usize),
}

impl Report {
    pub(crate) fn new(root: &str) -> Self {
        Self {
            steps: vec![Step::Root(root.to_owned())],
            issues: Vec::new(),
        }
    }

    pub(crate) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }

    /// Checks the member `name`.
    pub fn in_member(&mut self, name: &'static str, check: impl FnOnce(&mut Self)) {
        self.within(Step::Member(name), check);
    }

    /// Checks one item of a list.
    pub fn at_position(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.within(Step::Position(index), check);
    }

    fn within(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.steps.push(step);
        check(self);
        self.steps.pop();
    }

    /// Adds an issue at the place where the check stands.
    pub fn add(&mut self, what: &'static str) {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Root(name) => path.push_str(name),
                Step::Member(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                Step::Position(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        self.issues.push(Issue { path, what });
    }
}
