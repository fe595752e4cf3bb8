//! What a service answers.

use bytes::Bytes;
use fhir::{OperationOutcome, Resource};
use http::header::{ETAG, HeaderName, LAST_MODIFIED, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};

/// An answer before it is written in the format that was agreed.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// Headers beside `Content-Type`, which the body brings.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None.
    Empty,
    /// A resource as JSON, already written; turned into XML when that was agreed.
    Json(Bytes),
    /// A resource, written in the agreed format.
    Resource(Box<Resource>),
    /// Anything else, as it stands.
    Raw {
        /// Its media type.
        media_type: &'static str,
        /// Its bytes.
        bytes: Bytes,
    },
}

impl Reply {
    /// A status that is none, being our own fault, becomes 500.
    fn new(status: u16, body: Body) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            headers: HeaderMap::new(),
            body,
        }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    /// A resource.
    pub fn resource(status: u16, resource: impl Into<Resource>) -> Self {
        Self::new(status, Body::Resource(Box::new(resource.into())))
    }

    /// A resource that is already JSON.
    pub fn json(status: u16, json: impl Into<Bytes>) -> Self {
        Self::new(status, Body::Json(json.into()))
    }

    /// An outcome.
    pub fn outcome(status: u16, outcome: OperationOutcome) -> Self {
        Self::resource(status, outcome)
    }

    /// Bytes that are no FHIR: an HTML page, plain text.
    pub fn raw(status: u16, media_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self::new(
            status,
            Body::Raw {
                media_type,
                bytes: bytes.into(),
            },
        )
    }

    /// 404 with an outcome that names the type, not the id.
    pub fn not_found(resource_type: &str) -> Self {
        let text = format!("no {resource_type} with this id");
        Self::outcome(404, crate::outcome::outcome("error", "not-found", &text))
    }

    /// 501 with an outcome that names the interaction.
    pub fn not_supported(what: &str) -> Self {
        let text = format!("{what} is not supported here; /metadata lists what is");
        Self::outcome(501, crate::outcome::outcome("error", "not-supported", &text))
    }

    /// Adds a header; a value that HTTP does not allow is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds `ETag: W/"version"`.
    #[must_use]
    pub fn etag(self, version: &str) -> Self {
        self.header(ETAG, &format!("W/\"{version}\""))
    }

    /// Adds `Last-Modified`, given as HTTP writes dates.
    #[must_use]
    pub fn last_modified(self, http_date: &str) -> Self {
        self.header(LAST_MODIFIED, http_date)
    }

    /// Adds `Location`.
    #[must_use]
    pub fn location(self, url: &str) -> Self {
        self.header(LOCATION, url)
    }
}

impl From<Box<Self>> for Reply {
    fn from(reply: Box<Self>) -> Self {
        *reply
    }
}
