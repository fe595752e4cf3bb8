//! What a FHIR server does with a request; everything else about HTTP is the router's.

use http::{HeaderMap, Method};

use crate::interaction::{Interaction, Request};
use crate::negotiate::{Format, Wanted};
use crate::outcome::outcome;
use crate::reply::Reply;

/// A FHIR server behind the router.
///
/// Only [`respond`](Self::respond) must be written. The other methods are a vendor's manners, and have FHIR's own as
/// their defaults.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn respond(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// Decides before the body is read whether the client may come in; an answer turns it away.
    fn turn_away(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Reply> {
        let _ = (method, path, headers);
        None
    }

    /// Decides before the body is read whether this client may ask that; an answer forbids it. The interaction is the one
    /// meant, after tunnelling, with the query of the URL and no body yet.
    fn forbid(&self, interaction: &Interaction, headers: &HeaderMap) -> Option<Reply> {
        let _ = (interaction, headers);
        None
    }

    /// Chooses the format of the answer, or refuses with an answer of its own.
    ///
    /// # Errors
    /// The refusal, 406 unless the service has other habits.
    fn negotiate(&self, wanted: Wanted) -> Result<Format, Box<Reply>> {
        match wanted {
            Wanted::Format(Format::Json) | Wanted::Anything => Ok(Format::Json),
            Wanted::Format(Format::Xml) | Wanted::Unknown => Err(Box::new(Reply::outcome(
                406,
                outcome(
                    "error",
                    "not-supported",
                    "only application/fhir+json is served here",
                ),
            ))),
        }
    }

    /// Answers a path that FHIR does not have.
    fn unknown_path(&self, method: &Method, path: &str) -> Reply {
        let _ = (method, path);
        Reply::outcome(
            404,
            outcome(
                "error",
                "not-found",
                "FHIR has no such path; /metadata lists what is served",
            ),
        )
    }

    /// Whether `_method` and `X-HTTP-Method-Override` turn a POST into another method.
    fn tunnels_methods(&self) -> bool {
        false
    }

    /// Adds what the service puts on every answer, such as its own request id header.
    fn finish(&self, request_id: &str, reply: &mut Reply) {
        let _ = (request_id, reply);
    }
}
