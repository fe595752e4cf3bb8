//! Why a run could not go on. What did not hold is no error: it stands in the report.

use crate::story::Problem;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The story, or a file it leans on, is wrong; nothing was started.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
    /// A step asks for what cannot be.
    #[error("{0}")]
    Story(String),
    /// The systems could not be started, or their folder not be used.
    #[error("{0}")]
    Host(String),
    /// A system does not answer.
    #[error("{what} cannot be reached: {why}")]
    Unreachable {
        /// Which.
        what: String,
        /// What the wire says.
        why: String,
    },
    /// A system refused what a step asked of it.
    #[error("{0}")]
    Refused(String),
    /// A report could not be written.
    #[error("the report cannot be written: {0}")]
    Report(std::io::Error),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
