//! The form a token is asked for with: bounded in size and time, every name once.

use std::time::Duration;

use axum::body::{Body, to_bytes};

/// Longest form.
const FORM_BYTES_MAX: usize = 32 * 1024;
/// Longest wait for it.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// A form as it was sent.
pub(crate) struct Form(Vec<(String, String)>);

/// The body is no form, is too long, or says something twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl Form {
    /// Reads the body of a request.
    pub(crate) async fn read(body: Body) -> Result<Self, Unreadable> {
        let read = tokio::time::timeout(FORM_TIMEOUT, to_bytes(body, FORM_BYTES_MAX));
        let bytes = read.await.map_err(|_| Unreadable)?.map_err(|_| Unreadable)?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Unreadable> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(bytes).into_owned().collect();
        let twice = |at: usize| fields[..at].iter().any(|(name, _)| *name == fields[at].0);
        if (0..fields.len()).any(twice) {
            return Err(Unreadable);
        }
        Ok(Self(fields))
    }

    /// A field with something in it.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_there_once_or_the_form_is_none() {
        let form = Form::parse(b"grant_type=client_credentials&scope=a+b&empty=").unwrap();
        assert_eq!(form.field("grant_type"), Some("client_credentials"));
        assert_eq!(form.field("scope"), Some("a b"));
        assert_eq!((form.field("empty"), form.field("other")), (None, None));
        assert!(Form::parse(b"scope=a&scope=b").is_err());
    }
}
