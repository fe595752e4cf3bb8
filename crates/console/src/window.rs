//! The API as the console sees it: asked in this process, answered as to any client.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::refusal::Refusal;

/// What every page looks through.
#[derive(Clone)]
pub(crate) struct Window {
    api: Router,
    plain: std::sync::Arc<str>,
    stopping: watch::Receiver<bool>,
}

impl Window {
    pub(crate) fn new(api: Router, plain: String, stopping: watch::Receiver<bool>) -> Self {
        Self {
            api,
            plain: plain.into(),
            stopping,
        }
    }

    /// What stands where, for a client that is no browser and for a reader who has seen nothing yet.
    pub(crate) fn plain(&self) -> String {
        self.plain.to_string()
    }

    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Reads what the API says at a path.
    pub(crate) async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refusal> {
        let bytes = self.bytes(path).await?;
        serde_json::from_slice(&bytes).map_err(|error| Refusal::unreadable(&error))
    }

    /// The bytes at a path as they stand.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Bytes, Refusal> {
        self.ask(Method::GET, path, Body::empty()).await
    }

    /// Asks for a change.
    pub(crate) async fn change(&self, method: Method, path: &str, body: &Value) -> Result<Bytes, Refusal> {
        self.ask(method, path, Body::from(body.to_string())).await
    }

    async fn ask(&self, method: Method, path: &str, body: Body) -> Result<Bytes, Refusal> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|_| Refusal::not_found())?;
        // A router never fails; what it refuses it answers.
        let Ok(answer) = self.api.clone().oneshot(request).await;
        let status = answer.status();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .map_err(|_| Refusal::new(StatusCode::BAD_GATEWAY, "the answer broke off", "try again"))?
            .to_bytes();
        if status.is_success() {
            return Ok(bytes);
        }
        let said: Said = serde_json::from_slice(&bytes).unwrap_or_default();
        Err(Refusal::new(status, &said.error, &said.next))
    }
}

/// How the API refuses.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    error: String,
    #[serde(default)]
    next: String,
}
