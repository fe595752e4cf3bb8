//! The desk where a job is asked for: its status, its files, and its end.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::header::{EXPIRES, HeaderName, RETRY_AFTER};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use rest::{Format, Reply};
use serde_json::json;

use super::{Job, Made};
use crate::access::Asker;
use crate::epr::Shared;

/// How a vendor runs its desk.
pub(crate) struct Manner {
    /// Where a job's status stands, `{job}` in it.
    pub job_path: &'static str,
    /// Where its files stand, `{job}` and `{file}` in it.
    pub file_path: &'static str,
    /// The URL of a file, from that of its job.
    pub file_url: fn(&str, usize) -> String,
    /// Who asks; the refusal is the vendor's own.
    pub asker: fn(&Shared, &HeaderMap) -> Result<Asker, Box<Reply>>,
    /// Whether what stands in the other braces of the path is right.
    pub is_here: fn(&HashMap<String, String>) -> bool,
    /// The answer about a job that is not there, or not the asker's.
    pub not_found: fn() -> Reply,
    /// The answer about a job that came to nothing.
    pub failed: fn() -> Reply,
}

#[derive(Clone)]
struct Desk {
    shared: Arc<Shared>,
    manner: &'static Manner,
}

/// The routes of a vendor's desk.
pub(crate) fn routes(shared: Arc<Shared>, manner: &'static Manner) -> axum::Router {
    axum::Router::new()
        .route(manner.job_path, get(job).delete(job))
        .route(manner.file_path, get(file))
        .with_state(Desk { shared, manner })
}

async fn job(
    State(desk): State<Desk>,
    Path(names): Path<HashMap<String, String>>,
    request: Request,
) -> Response {
    let url = format!(
        "http://{}{}",
        rest::host(request.headers(), request.uri()),
        request.uri().path()
    );
    let answered = desk.job(&names, request.method(), request.headers(), &url).await;
    desk.send(answered)
}

async fn file(
    State(desk): State<Desk>,
    Path(names): Path<HashMap<String, String>>,
    request: Request,
) -> Response {
    let answered = desk.file(&names, request.headers()).await;
    desk.send(answered)
}

impl Desk {
    fn send(&self, answered: Result<Reply, Box<Reply>>) -> Response {
        let reply = answered.unwrap_or_else(Reply::from);
        let id = format!("{:016x}", self.shared.local.now_ms());
        rest::response(reply, Format::Json, &id)
    }

    fn asker(&self, names: &HashMap<String, String>, headers: &HeaderMap) -> Result<Asker, Box<Reply>> {
        match (self.manner.is_here)(names) {
            true => (self.manner.asker)(&self.shared, headers),
            false => Err(Box::new((self.manner.not_found)())),
        }
    }

    async fn job(
        &self,
        names: &HashMap<String, String>,
        method: &Method,
        headers: &HeaderMap,
        url: &str,
    ) -> Result<Reply, Box<Reply>> {
        let asker = self.asker(names, headers)?;
        let now_ms = self.shared.local.now_ms();
        let id = names.get("job").map_or("", String::as_str);
        let jobs = &self.shared.jobs;
        if *method == Method::DELETE {
            return Ok(match jobs.delete(id, asker.name(), now_ms) {
                true => Reply::empty(202),
                false => (self.manner.not_found)(),
            });
        }
        let Some(job) = jobs.find(id, asker.name(), now_ms) else {
            return Err(Box::new((self.manner.not_found)()));
        };
        Ok(match job.outcome(now_ms).await {
            Made::Nothing => Reply::empty(202)
                .header(
                    HeaderName::from_static("x-progress"),
                    &format!("in progress, {}% complete", job.percent(now_ms)),
                )
                .header(RETRY_AFTER, &job.retry_after_s(now_ms).to_string()),
            Made::TooLarge => (self.manner.failed)(),
            Made::Files(files) => {
                let output: Vec<_> = files
                    .iter()
                    .enumerate()
                    .map(|(at, file)| {
                        json!({
                            "type": file.resource_type,
                            "url": (self.manner.file_url)(url, at + 1),
                            "count": file.count,
                        })
                    })
                    .collect();
                let manifest = json!({
                    "transactionTime": instant(job.started_ms),
                    "request": job.request,
                    "requiresAccessToken": self.shared.access.is_some(),
                    "output": output,
                    "error": [],
                });
                Reply::raw(200, "application/json", manifest.to_string()).header(EXPIRES, &http_date(&job))
            }
        })
    }

    async fn file(&self, names: &HashMap<String, String>, headers: &HeaderMap) -> Result<Reply, Box<Reply>> {
        let asker = self.asker(names, headers)?;
        let now_ms = self.shared.local.now_ms();
        let name = |key: &str| names.get(key).map_or("", String::as_str);
        let missing = || Box::new((self.manner.not_found)());
        let job = self
            .shared
            .jobs
            .find(name("job"), asker.name(), now_ms)
            .ok_or_else(missing)?;
        let Made::Files(files) = job.outcome(now_ms).await else {
            return Err(missing());
        };
        let at: usize = name("file").parse().map_err(|_| missing())?;
        let file = at
            .checked_sub(1)
            .and_then(|at| files.get(at))
            .ok_or_else(missing)?;
        // What the scopes of a token hold may have been narrowed since the kick-off.
        if !asker.may(&file.resource_type, rest::scope::Right::Read) {
            return Err(missing());
        }
        Ok(Reply::raw(200, "application/fhir+ndjson", file.lines.clone()))
    }
}

fn instant(ms: i64) -> String {
    let point = Timestamp::from_millisecond(ms).unwrap_or_default();
    point.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn http_date(job: &Job) -> String {
    let point = Timestamp::from_millisecond(job.expires_ms).unwrap_or_default();
    point.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
