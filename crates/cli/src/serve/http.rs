//! The one HTTP port: health, the systems and their actions, and every room's own routes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use adapters::{Action, Epr, Vendor};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::sync::watch;

use super::access::{self, Access};

/// Everything that runs, and whether it is being stopped.
pub(super) struct Running {
    gateway: gateway::Running,
    eprs: Vec<(String, &'static Vendor, Epr)>,
    stopping: watch::Sender<bool>,
}

impl Running {
    pub(super) fn new(gateway: gateway::Running, eprs: Vec<(String, &'static Vendor, Epr)>) -> Self {
        Self {
            gateway,
            eprs,
            stopping: watch::Sender::new(false),
        }
    }

    pub(super) fn gateway_address(&self) -> Option<SocketAddr> {
        self.gateway.addresses().first().map(|(_, address)| *address)
    }

    /// The further listening endpoints, by name: the first is [`gateway_address`](Self::gateway_address).
    pub(super) fn further_listeners(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        self.gateway.addresses().into_iter().skip(1)
    }

    pub(super) fn facades(&self) -> Vec<String> {
        self.gateway.facades()
    }

    /// Where each EPR is to be found.
    pub(super) fn systems(&self) -> impl Iterator<Item = System<'_>> {
        self.eprs.iter().map(|(name, vendor, epr)| System {
            name,
            fhir: fhir_path(vendor),
            mllp: epr.mllp_address(),
        })
    }

    pub(super) fn eprs(&self) -> impl Iterator<Item = &Epr> {
        self.eprs.iter().map(|(_, _, epr)| epr)
    }

    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    pub(super) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Ends the gateway, then the EPRs behind it.
    pub(super) async fn shutdown(self) {
        self.gateway.drain().await;
        for (_, _, epr) in self.eprs {
            epr.shutdown().await;
        }
    }
}

/// Where one EPR is to be found.
pub(super) struct System<'a> {
    pub(super) name: &'a str,
    pub(super) fhir: Option<String>,
    pub(super) mllp: SocketAddr,
}

/// A vendor's FHIR path with its own names filled in: `{tenant}` by the assumption called `tenant`.
fn fhir_path(vendor: &Vendor) -> Option<String> {
    let mut path = vendor.fhir_base?.to_owned();
    for assumption in vendor.assumptions {
        path = path.replace(&format!("{{{}}}", assumption.name), assumption.default);
    }
    Some(path)
}

/// A future that ends with SIGTERM or SIGINT; both are listened for from now on.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

pub(super) fn app(running: &Arc<Running>, address: SocketAddr, access: Access) -> Router {
    let api = Router::new()
        .route("/api/v1/systems", get(systems))
        .route("/api/v1/systems/{system}/actions/{action}", post(act))
        .route("/api/v1/systems/{system}/faults", get(faults).put(set_faults))
        .route("/api/v1/systems/{system}/errors", get(errors))
        .merge(super::extract::routes())
        .with_state(Arc::clone(running))
        .merge(running.gateway.router());
    let console = console::router(api.clone(), page(running, address), running.stopping());
    let mut app = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/health", get(health))
        .route("/_ping", get(|| async { "ok\n" }))
        .route("/_status", get(health))
        .fallback(nothing_here)
        .with_state(Arc::clone(running))
        .merge(api)
        .merge(console);
    // One header holds one token: an EPR that asks for its own stands beside this process's access, not behind it.
    let (own, ours): (Vec<&Epr>, Vec<&Epr>) = running.eprs().partition(|epr| epr.authorises());
    for router in ours.into_iter().filter_map(Epr::router) {
        app = app.merge(router);
    }
    let access = Arc::new(access);
    app = app
        .merge(access::routes(Arc::clone(&access)))
        .layer(axum::middleware::from_fn_with_state(access, access::check));
    for router in own.into_iter().filter_map(Epr::router) {
        app = app.merge(router);
    }
    app
}

async fn nothing_here() -> impl IntoResponse {
    let error = json!({ "error": "nothing is served under this path", "next": "GET / lists what is" });
    (StatusCode::NOT_FOUND, Json(error))
}

/// What stands where, for a client that is no browser and for whoever opens an empty console.
fn page(running: &Running, address: SocketAddr) -> String {
    let mut page = String::from("EPR Gateway: mock EPRs behind a durable gateway. Synthetic data only.\n\n");
    let mut line = |what: &str, place: String| {
        // Writing to a String cannot fail.
        writeln!(page, "{what:<28} {place}").expect("a String takes any text");
    };
    if let Some(mllp) = running.gateway_address() {
        line("gateway, HL7 v2", format!("mllp://{mllp}"));
    }
    for System { name, fhir, mllp } in running.systems() {
        line(&format!("{name}, HL7 v2"), format!("mllp://{mllp}"));
        if let Some(path) = fhir {
            line(&format!("{name}, FHIR R4"), format!("http://{address}{path}"));
        }
    }
    for path in running.facades() {
        line("façade, FHIR R4", format!("http://{address}{path}"));
    }
    line("messages", format!("http://{address}/api/v1/messages"));
    line("systems", format!("http://{address}/api/v1/systems"));
    line("health", format!("http://{address}/health"));
    page
}

async fn readyz(State(running): State<Arc<Running>>) -> Response {
    if *running.stopping.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    "ready\n".into_response()
}

async fn health(State(running): State<Arc<Running>>) -> Response {
    let stopping = *running.stopping.borrow();
    let status = if stopping {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let state = if stopping { "stopping" } else { "ready" };
    let systems: Vec<&str> = running.systems().map(|system| system.name).collect();
    (
        status,
        Json(json!({"status": state, "version": env!("CARGO_PKG_VERSION"), "systems": systems})),
    )
        .into_response()
}

async fn systems(State(running): State<Arc<Running>>) -> impl IntoResponse {
    let listed: Vec<_> = running
        .eprs
        .iter()
        .map(|(name, vendor, epr)| {
            let outbox = epr.outbox();
            json!({
                "name": name,
                "vendor": vendor.name,
                "title": vendor.title,
                "mllp": epr.mllp_address().to_string(),
                "fhir": fhir_path(vendor),
                "people": epr.people(),
                "outbox": {"queued": outbox.queued, "delivered": outbox.delivered, "refused": outbox.refused},
            })
        })
        .collect();
    Json(listed)
}

pub(super) type Refused = Box<Response>;

pub(super) fn refuse(status: StatusCode, words: String) -> Refused {
    Box::new((status, Json(json!({"error": words}))).into_response())
}

pub(super) fn epr_of<'r>(running: &'r Running, system: &str) -> Result<&'r Epr, Refused> {
    let found = running.eprs.iter().find(|(name, _, _)| name == system);
    found.map(|(_, _, epr)| epr).ok_or_else(|| {
        let known: Vec<&str> = running.systems().map(|system| system.name).collect();
        refuse(
            StatusCode::NOT_FOUND,
            format!("no such system; there are {}", known.join(", ")),
        )
    })
}

/// The faults that stand at an EPR.
async fn faults(State(running): State<Arc<Running>>, Path(system): Path<String>) -> Response {
    match epr_of(&running, &system) {
        Ok(epr) => Json(epr.faults()).into_response(),
        Err(refusal) => *refusal,
    }
}

/// Puts the faults of the body, a list, in place of those that stood; an empty list ends them all.
async fn set_faults(
    State(running): State<Arc<Running>>,
    Path(system): Path<String>,
    body: Bytes,
) -> Response {
    let set = || -> Result<Response, Refused> {
        let epr = epr_of(&running, &system)?;
        let faults: Vec<adapters::Fault> = serde_json::from_slice(&body)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        epr.set_faults(faults)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        Ok(Json(epr.faults()).into_response())
    };
    set().unwrap_or_else(|refusal| *refusal)
}

/// Messages an EPR accepted and could not file; `retrigger` tries one again.
async fn errors(State(running): State<Arc<Running>>, Path(system): Path<String>) -> Response {
    match epr_of(&running, &system) {
        Ok(epr) => Json(epr.troubles()).into_response(),
        Err(refusal) => *refusal,
    }
}

/// Does at an EPR what a person at its keyboard would: the word is in the path, its particulars in the body.
async fn act(
    State(running): State<Arc<Running>>,
    Path((system, action)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let read = || -> Result<(&Epr, Action), Refused> {
        let epr = epr_of(&running, &system)?;
        // Some actions are a word and nothing else.
        let word = || serde_json::from_value(serde_json::Value::String(action.clone())).ok();
        if body.is_empty()
            && let Some(action) = word()
        {
            return Ok((epr, action));
        }
        let particulars: serde_json::Value = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(&body).map_err(|error| {
                refuse(
                    StatusCode::BAD_REQUEST,
                    format!("not JSON: line {}", error.line()),
                )
            })?
        };
        let empty = particulars.as_object().is_some_and(serde_json::Map::is_empty);
        let action = word()
            .filter(|_| empty)
            .map_or_else(|| serde_json::from_value(json!({ &action: particulars })), Ok)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))?;
        Ok((epr, action))
    };
    let (epr, action) = match read() {
        Ok(read) => read,
        Err(refusal) => return *refusal,
    };
    match epr.act(action).await {
        Ok(report) => Json(report).into_response(),
        Err(error) => *refuse(StatusCode::CONFLICT, error.to_string()),
    }
}
