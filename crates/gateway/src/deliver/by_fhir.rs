//! Delivery by FHIR: a message Bundle, posted to the base of an endpoint.
//!
//! 2xx is taken, 4xx refused for good, 408, 425, 429 and 5xx refused for now. A broken connection is a
//! doubt: the Bundle carries the same ids when it is sent again, so a receiver can tell.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use rest::client::{ClientError, ClientLimits};
use rest::{Client, Secured, client::Fate};

use super::Outcome;
use crate::config::Endpoint;
use crate::gateway::StartError;
use crate::trace;
use crate::verdict::{Answer, of_status};

/// A client of the endpoint at `base`, which shows the endpoint's token.
///
/// # Errors
/// When the base is no URL, or the token is not in its variable.
pub(crate) fn client(
    base: &str,
    endpoint: &Endpoint,
    secured: Option<Secured>,
) -> Result<Client, StartError> {
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let limits = ClientLimits {
        connect_timeout_ms: ms(endpoint.delivery.connect_timeout),
        request_timeout_ms: ms(endpoint.delivery.ack_timeout),
        idle_connections_max: endpoint.delivery.connections,
        ..ClientLimits::default()
    };
    let refused = |source| StartError::Fhir {
        endpoint: endpoint.name.clone(),
        source,
    };
    let client = match secured {
        Some(secured) => Client::new_secured(base, limits, secured),
        None => Client::new(base, limits),
    }
    .map_err(refused)?;
    let Some(variable) = &endpoint.token_variable else {
        return Ok(client);
    };
    let missing = || StartError::Token {
        endpoint: endpoint.name.clone(),
        variable: variable.clone(),
    };
    let token = endpoint.token.as_ref().ok_or_else(missing)?.expose();
    client
        .with_header(AUTHORIZATION, &format!("Bearer {token}"))
        .map_err(|_| missing())
}

/// Posts one Bundle, in the trace of its message, and says what became of it.
pub(crate) async fn exchange(client: &Client, bundle: Bytes, traceparent: &str) -> Outcome {
    let headers = [(trace::TRACEPARENT, traceparent)];
    match client.send(http::Method::POST, "", &headers, bundle).await {
        Ok(_) => Outcome::Taken,
        Err(error) => read_error(&error),
    }
}

fn read_error(error: &ClientError) -> Outcome {
    if let Some(status) = error.status() {
        // A redirect or an answer of 1xx is no "yes", and sending it again there would not make it one.
        let answer = match of_status(status.as_u16()) {
            Answer::Taken => Answer::Later,
            answer => answer,
        };
        return Outcome::Refused {
            answer,
            cause: error.to_string(),
        };
    }
    match error.fate() {
        Fate::NotSent => Outcome::Unreachable(error.to_string()),
        Fate::Unknown | Fate::RefusedForNow => Outcome::Doubt(error.to_string()),
        // The answer came and cannot be read: the message arrived, whatever the server says about it.
        Fate::Refused => Outcome::Doubt(error.to_string()),
    }
}
