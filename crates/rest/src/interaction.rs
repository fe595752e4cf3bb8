//! What a client asks for, read from method and path as FHIR's HTTP page lays them out.

use bytes::Bytes;
use fhir::Resource;
use http::{HeaderMap, Method};

use crate::negotiate::Format;
use crate::outcome;
use crate::reply::Reply;
use crate::search::Parameter;

/// One request to a FHIR server, its body read and within limits.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked for.
    pub interaction: Interaction,
    /// The headers as they came.
    pub headers: HeaderMap,
    /// The service's base as the client sees it, without a slash at its end: `http://127.0.0.1:8575/fhir/r4`.
    pub base: String,
    /// What stands in the braces of the router's base path, such as a tenant, in order.
    pub base_parameters: Vec<(String, String)>,
    /// The format of the answer, as [`crate::Service::negotiate`] decided.
    pub format: Format,
    /// The request's id: the client's when it sent a plain one.
    pub request_id: String,
}

/// The interactions of FHIR's RESTful API.
///
/// Resource types and ids have the form FHIR asks for; whether the server knows them is its own business.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interaction {
    /// `GET /metadata`
    Capabilities,
    /// `GET /.well-known/smart-configuration`
    SmartConfiguration,
    /// `GET /Type/id`
    Read {
        /// The resource type.
        resource_type: String,
        /// The logical id.
        id: String,
    },
    /// `GET /Type/id/_history/version`
    VersionRead {
        /// The resource type.
        resource_type: String,
        /// The logical id.
        id: String,
        /// The version.
        version: String,
    },
    /// `GET …/_history` of one resource, one type or the whole server.
    History {
        /// The resource type, unless the whole server is meant.
        resource_type: Option<String>,
        /// The logical id, when one resource is meant.
        id: Option<String>,
        /// The query.
        parameters: Vec<(String, String)>,
    },
    /// `GET /Type?…` or `POST /Type/_search`
    Search {
        /// The resource type; empty when the whole server is searched.
        resource_type: String,
        /// Names and values in the order sent: those of the URL, then those of the form.
        parameters: Vec<(String, String)>,
    },
    /// `POST /Type`
    Create {
        /// The resource type in the URL.
        resource_type: String,
        /// The body.
        body: Bytes,
    },
    /// `PUT /Type/id`, or `PUT /Type?…` with an empty id
    Update {
        /// The resource type in the URL.
        resource_type: String,
        /// The logical id in the URL; empty for a conditional update.
        id: String,
        /// The query: the condition of a conditional update.
        parameters: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// `PATCH /Type/id`
    Patch {
        /// The resource type in the URL.
        resource_type: String,
        /// The logical id in the URL.
        id: String,
        /// The body; its format is in the `Content-Type` header.
        body: Bytes,
    },
    /// `DELETE /Type/id`
    Delete {
        /// The resource type.
        resource_type: String,
        /// The logical id.
        id: String,
    },
    /// `GET` or `POST` of `…/$name`
    Operation {
        /// The resource type, unless the operation belongs to the server.
        resource_type: Option<String>,
        /// The logical id, when the operation belongs to one resource.
        id: Option<String>,
        /// The operation's name, without its dollar sign.
        name: String,
        /// The query.
        parameters: Vec<(String, String)>,
        /// The body of a POST; empty for a GET.
        body: Bytes,
    },
    /// `POST /`: a transaction, batch or message Bundle
    Transaction {
        /// The body.
        body: Bytes,
    },
}

impl Interaction {
    /// The code of the interaction, as CapabilityStatements and logs name it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Capabilities => "capabilities",
            Self::SmartConfiguration => "smart-configuration",
            Self::Read { .. } => "read",
            Self::VersionRead { .. } => "vread",
            Self::History { .. } => "history",
            Self::Search { .. } => "search",
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
            Self::Operation { .. } => "operation",
            Self::Transaction { .. } => "transaction",
        }
    }

    /// The resource type in the URL, when there is one.
    pub fn resource_type(&self) -> Option<&str> {
        match self {
            Self::Capabilities | Self::SmartConfiguration | Self::Transaction { .. } => None,
            Self::History { resource_type, .. } | Self::Operation { resource_type, .. } => {
                resource_type.as_deref()
            }
            Self::Search { resource_type, .. } => {
                Some(resource_type.as_str()).filter(|name| !name.is_empty())
            }
            Self::Read { resource_type, .. }
            | Self::VersionRead { resource_type, .. }
            | Self::Create { resource_type, .. }
            | Self::Update { resource_type, .. }
            | Self::Patch { resource_type, .. }
            | Self::Delete { resource_type, .. } => Some(resource_type),
        }
    }

    /// The query, or query and form, when the interaction has one.
    pub fn parameters(&self) -> &[(String, String)] {
        match self {
            Self::History { parameters, .. }
            | Self::Search { parameters, .. }
            | Self::Update { parameters, .. }
            | Self::Operation { parameters, .. } => parameters,
            _ => &[],
        }
    }

    /// The body, when the interaction has one.
    pub fn body(&self) -> Option<&Bytes> {
        match self {
            Self::Create { body, .. }
            | Self::Update { body, .. }
            | Self::Patch { body, .. }
            | Self::Operation { body, .. }
            | Self::Transaction { body } => Some(body),
            _ => None,
        }
    }
}

impl Request {
    /// A header's text; the first when there are several.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The condition of a conditional create (`If-None-Exist`).
    pub fn if_none_exist(&self) -> Option<Vec<(String, String)>> {
        let query = self.header("if-none-exist")?;
        let query = query.rsplit('?').next().unwrap_or_default();
        Some(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The version that an update expects to find (`If-Match`), without quotes.
    pub fn if_match(&self) -> Option<&str> {
        let tag = self.header("if-match")?.trim();
        Some(tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"'))
    }

    /// Whether the client wants no body back (`Prefer: return=minimal`).
    pub fn prefers_minimal(&self) -> bool {
        self.prefers("return=minimal")
    }

    /// Whether the client wants unknown search parameters refused (`Prefer: handling=strict`).
    pub fn prefers_strict(&self) -> bool {
        self.prefers("handling=strict")
    }

    fn prefers(&self, what: &str) -> bool {
        self.headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .any(|part| part.trim().eq_ignore_ascii_case(what))
    }

    /// The page size asked for (`_count`), between 0 and `max`; `default` when none is.
    ///
    /// # Errors
    /// A ready answer, 400, when it is no number.
    pub fn count(&self, default: usize, max: usize) -> Result<usize, Box<Reply>> {
        let count = self
            .interaction
            .parameters()
            .iter()
            .find(|(name, _)| name == "_count");
        let Some((_, text)) = count else {
            return Ok(default.min(max));
        };
        match text.trim().parse::<u32>() {
            Ok(count) => Ok(usize::try_from(count).unwrap_or(max).min(max)),
            Err(_) => {
                let outcome =
                    outcome::outcome("error", "value", "_count must be a whole number, zero or more");
                Err(Box::new(Reply::outcome(400, outcome)))
            }
        }
    }

    /// The search parameters, taken apart.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.interaction
            .parameters()
            .iter()
            .map(|(name, value)| Parameter::parse(name, value))
            .collect()
    }

    /// What stands for `name` in the braces of the router's base path.
    pub fn base_parameter(&self, name: &str) -> Option<&str> {
        self.base_parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The resource in the body, of the type that the URL names.
    ///
    /// # Errors
    /// A ready answer, 400 with an OperationOutcome that names the place, when the body is no JSON, no resource, deeper
    /// or fuller than the limits of `fhir`, or another resource than the URL names.
    pub fn resource(&self) -> Result<Resource, Box<Reply>> {
        let body = self.interaction.body().map_or(&[][..], |body| body);
        let resource = Resource::from_slice(body)
            .map_err(|error| Box::new(Reply::outcome(400, outcome::of_read_error(&error, body))))?;
        let (wanted, found) = (self.interaction.resource_type(), resource.resource_type());
        match (&self.interaction, wanted) {
            (Interaction::Create { .. } | Interaction::Update { .. }, Some(wanted)) if wanted != found => {
                let text = format!("the URL says {wanted}, the body is a {found}; send it to its own type");
                Err(Box::new(Reply::outcome(
                    400,
                    outcome::outcome("error", "invalid", &text),
                )))
            }
            _ => Ok(resource),
        }
    }
}

/// What a path under the base names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Root,
    Metadata,
    SmartConfiguration,
    SystemHistory,
    SystemSearch,
    Type(String),
    TypeSearch(String),
    TypeHistory(String),
    Instance(String, String),
    InstanceHistory(String, String),
    Version(String, String, String),
    Operation(Option<String>, Option<String>, String),
}

impl Place {
    /// Reads the path after the base; `None` when FHIR has no such path.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let parts: Vec<&str> = if path.is_empty() {
            Vec::new()
        } else {
            path.split('/').collect()
        };
        let text = |part: &str| part.to_owned();
        match parts.as_slice() {
            [] => Some(Self::Root),
            ["metadata"] => Some(Self::Metadata),
            [".well-known", "smart-configuration"] => Some(Self::SmartConfiguration),
            ["_history"] => Some(Self::SystemHistory),
            ["_search"] => Some(Self::SystemSearch),
            [name] if operation(name).is_some() => Some(Self::Operation(None, None, operation(name)?)),
            [kind] if is_type(kind) => Some(Self::Type(text(kind))),
            [kind, "_search"] if is_type(kind) => Some(Self::TypeSearch(text(kind))),
            [kind, "_history"] if is_type(kind) => Some(Self::TypeHistory(text(kind))),
            [kind, name] if is_type(kind) && operation(name).is_some() => {
                Some(Self::Operation(Some(text(kind)), None, operation(name)?))
            }
            [kind, id] if is_type(kind) && is_id(id) => Some(Self::Instance(text(kind), text(id))),
            [kind, id, "_history"] if is_type(kind) && is_id(id) => {
                Some(Self::InstanceHistory(text(kind), text(id)))
            }
            [kind, id, name] if is_type(kind) && is_id(id) => Some(Self::Operation(
                Some(text(kind)),
                Some(text(id)),
                operation(name)?,
            )),
            [kind, id, "_history", version] if is_type(kind) && is_id(id) && is_id(version) => {
                Some(Self::Version(text(kind), text(id), text(version)))
            }
            _ => None,
        }
    }

    /// The methods that FHIR has for this place.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Self::Root => "GET, HEAD, POST, OPTIONS",
            Self::Metadata
            | Self::SmartConfiguration
            | Self::SystemHistory
            | Self::TypeHistory(_)
            | Self::InstanceHistory(..)
            | Self::Version(..) => "GET, HEAD, OPTIONS",
            Self::SystemSearch | Self::TypeSearch(_) => "POST, OPTIONS",
            Self::Type(_) => "GET, HEAD, POST, PUT, OPTIONS",
            Self::Instance(..) => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
            Self::Operation(..) => "GET, HEAD, POST, OPTIONS",
        }
    }

    /// The interaction of `method` at this place; `None` when FHIR has none.
    pub(crate) fn interaction(
        self,
        method: &Method,
        parameters: Vec<(String, String)>,
        body: Bytes,
    ) -> Option<Interaction> {
        let get = method == Method::GET || method == Method::HEAD;
        let post = method == Method::POST;
        Some(match self {
            Self::Root if post => Interaction::Transaction { body },
            Self::Root if get => Interaction::Search {
                resource_type: String::new(),
                parameters,
            },
            Self::Metadata if get => Interaction::Capabilities,
            Self::SmartConfiguration if get => Interaction::SmartConfiguration,
            Self::SystemHistory if get => Interaction::History {
                resource_type: None,
                id: None,
                parameters,
            },
            Self::SystemSearch if post => Interaction::Search {
                resource_type: String::new(),
                parameters,
            },
            Self::Type(resource_type) if get => Interaction::Search {
                resource_type,
                parameters,
            },
            Self::Type(resource_type) if post => Interaction::Create { resource_type, body },
            Self::Type(resource_type) if method == Method::PUT => Interaction::Update {
                resource_type,
                id: String::new(),
                parameters,
                body,
            },
            Self::TypeSearch(resource_type) if post => Interaction::Search {
                resource_type,
                parameters,
            },
            Self::TypeHistory(resource_type) if get => Interaction::History {
                resource_type: Some(resource_type),
                id: None,
                parameters,
            },
            Self::Instance(resource_type, id) if get => Interaction::Read { resource_type, id },
            Self::Instance(resource_type, id) if method == Method::PUT => Interaction::Update {
                resource_type,
                id,
                parameters,
                body,
            },
            Self::Instance(resource_type, id) if method == Method::PATCH => Interaction::Patch {
                resource_type,
                id,
                body,
            },
            Self::Instance(resource_type, id) if method == Method::DELETE => {
                Interaction::Delete { resource_type, id }
            }
            Self::InstanceHistory(resource_type, id) if get => Interaction::History {
                resource_type: Some(resource_type),
                id: Some(id),
                parameters,
            },
            Self::Version(resource_type, id, version) if get => Interaction::VersionRead {
                resource_type,
                id,
                version,
            },
            Self::Operation(resource_type, id, name) if get || post => Interaction::Operation {
                resource_type,
                id,
                name,
                parameters,
                body,
            },
            _ => return None,
        })
    }
}

fn operation(part: &str) -> Option<String> {
    let name = part.strip_prefix('$')?;
    let fine = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fine.then(|| name.to_owned())
}

fn is_type(part: &str) -> bool {
    part.len() <= 64
        && part.starts_with(|first: char| first.is_ascii_uppercase())
        && part.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn is_id(part: &str) -> bool {
    (1..=64).contains(&part.len())
        && part
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}
