//! Exit codes: 0 ok, 1 expectation failed, 2 usage or configuration, 3 input unreadable, 4 run time.

use std::process::ExitCode;

/// Why a verb ended badly; carried inside an [`anyhow::Error`] as context of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Something ran and was not as expected.
    #[error("an expectation failed")]
    Expectation,
    /// The command line or the configuration is wrong.
    #[error("usage or configuration")]
    Usage,
    /// An input file is missing or cannot be read as what it should be.
    #[error("input unreadable")]
    Input,
    /// An endpoint is unreachable, or something broke while running.
    #[error("run time")]
    RunTime,
}

impl Failure {
    /// An error with this failure's exit code and the given words.
    pub(crate) fn because(self, words: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Explained {
            failure: self,
            words: words.into(),
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{words}")]
struct Explained {
    failure: Failure,
    words: String,
}

/// The exit code of an error: the failure it carries, or run time when it carries none.
pub(crate) fn code_of(error: &anyhow::Error) -> ExitCode {
    let failure = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Explained>())
        .map(|e| e.failure);
    ExitCode::from(match failure.unwrap_or(Failure::RunTime) {
        Failure::Expectation => 1,
        Failure::Usage => 2,
        Failure::Input => 3,
        Failure::RunTime => 4,
    })
}

/// Whether the error is only that nobody reads our output any more.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}
