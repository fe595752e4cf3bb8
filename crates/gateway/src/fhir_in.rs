//! FHIR in: a message Bundle posted to the gateway goes the way of every message.
//!
//! Recorded as it came, told in canonical HL7 v2, routed, delivered; answered by an OperationOutcome.
//! Refuses single resources and reads for now, and says so in its CapabilityStatement.

use std::sync::Arc;

use bytes::Bytes;
use rest::capability::{Server, statement};
use rest::outcome::outcome;
use rest::{Interaction, Reply, Request, Service};

use crate::gateway::Shared as Gateway;
use crate::{pipeline, receive, trace};

/// The gateway's own FHIR path.
pub(crate) struct Inlet {
    pub(crate) gateway: Arc<Gateway>,
}

impl Service for Inlet {
    async fn respond(&self, request: Request) -> Reply {
        let caller = request.headers.get(trace::TRACEPARENT);
        let caller = caller.and_then(|value| trace::caller(value.to_str().ok()?));
        match &request.interaction {
            Interaction::Capabilities => capabilities(&request),
            Interaction::Transaction { body } => self.take(body.clone(), caller).await,
            Interaction::Operation {
                resource_type: None,
                id: None,
                name,
                body,
                ..
            } if name == "process-message" && !body.is_empty() => self.take(body.clone(), caller).await,
            other => Reply::not_supported(other.code()),
        }
    }
}

impl Inlet {
    async fn take(&self, body: Bytes, caller: Option<&str>) -> Reply {
        if self.gateway.is_stopping() {
            let failure = crate::verdict::Failure::Stopping;
            return Reply::outcome(
                503,
                outcome("error", failure.verdict().issue, &failure.to_string()),
            );
        }
        let received = receive::Received {
            caller: caller.map(str::to_owned),
            ..receive::bundle(&self.gateway, "http".to_owned(), body)
        };
        let gateway = self.gateway.clone();
        // A client that hangs up must not take a half-carried message with it.
        let carried =
            tokio::spawn(async move { pipeline::carry(&gateway, received, mllp::Turn::free()).await }).await;
        match carried {
            Ok(answer) => Reply::json(answer.status, answer.bytes.unwrap_or_default()),
            Err(_) => Reply::outcome(
                500,
                outcome("error", "exception", "the message could not be carried"),
            ),
        }
    }
}

fn capabilities(request: &Request) -> Reply {
    let server = Server {
        title: "EPR Gateway: takes message Bundles and routes them like HL7 v2",
        software: ("EPR Gateway", env!("CARGO_PKG_VERSION")),
        date: "2026-01-01",
        base: &request.base,
        formats: &["json"],
        interactions: &["transaction"],
        served: &[],
    };
    Reply::resource(200, statement(&server))
}
