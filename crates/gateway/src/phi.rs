//! Patient data in a wrapper: it cannot be printed by accident, and reading it shows in the code.

use std::fmt;

/// Something that names a patient, or may.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Phi<T>(T);

impl<T> Phi<T> {
    pub(crate) const fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The data itself: for the wire, the journal and translation, never for a log line or an error.
    pub(crate) const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[phi]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_does_not_print() {
        let phi = Phi::new("SYNTHETIC PERSON");
        assert_eq!(format!("{phi:?} {:?}", Some(&phi)), "[phi] Some([phi])");
        assert_eq!(*phi.expose(), "SYNTHETIC PERSON");
    }
}
