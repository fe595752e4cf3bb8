//! The running gateway: what its parts share, how it starts, recovers and stops.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use mllp::{Frame, Guard, Listener, Peer, Refusal, Turn};
use store::{Journal, JournalError, MessageId, SqliteJournal};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use translate::Translator;

use crate::clock::{Clock, Ids};
use crate::config::{Endpoint, Face, Settings};
use crate::deliver::{self, Line, Watch};
use crate::facade::Facade;
use crate::fhir_in::Inlet;
use crate::metrics::Metrics;
use crate::phi::Phi;
use crate::receive::{self, Door, Received};
use crate::relay::Said;
use crate::tls::{ServerTls, TlsError};
use crate::verdict::Failure;
use crate::{api, pipeline, record};

/// Messages taken up again at a time, at start.
const RECOVERY_PAGE: usize = 200;

/// What the parts of a gateway share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) journal: Arc<SqliteJournal>,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) translator: Translator,
    pub(crate) metrics: Metrics,
    /// The translators of interfaces whose site changes something, by interface.
    pub(crate) own_translators: Vec<Option<Translator>>,
    /// By endpoint; none for listeners.
    pub(crate) lines: Vec<Option<Line>>,
    /// Messages whose senders wait for delivery.
    watches: Mutex<HashMap<MessageId, Arc<Watch>>>,
    stopping: CancellationToken,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A listener's port cannot be opened.
    #[error("endpoint {endpoint}: {address} cannot be opened: {source}")]
    Bind {
        /// The endpoint.
        endpoint: String,
        /// Its address.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// An endpoint's FHIR base cannot be used.
    #[error("endpoint {endpoint}: {source}")]
    Fhir {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        source: rest::client::ClientError,
    },
    /// An endpoint's token is not where it should be.
    #[error(
        "endpoint {endpoint}: the environment variable {variable} holds no token; set it, or take token-variable away"
    )]
    Token {
        /// The endpoint.
        endpoint: String,
        /// The variable.
        variable: String,
    },
    /// An endpoint's certificates cannot be used.
    #[error("endpoint {endpoint}: {source}")]
    Tls {
        /// The endpoint.
        endpoint: String,
        /// Which file, and why.
        source: TlsError,
    },
    /// What a site changes on an interface cannot be done.
    #[error("interface {interface}: override.{source}")]
    Override {
        /// The interface.
        interface: String,
        /// What is wrong with it.
        source: translate::OverrideError,
    },
    /// A code table is not sound.
    #[error(transparent)]
    Vocabulary(#[from] translate::VocabularyError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A translator for each interface whose site changes something; the tables it names are read here.
fn own_translators(
    settings: &Settings,
    translation: &translate::Settings,
) -> Result<Vec<Option<Translator>>, StartError> {
    let read =
        |path: &str| std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"));
    let mut own = Vec::with_capacity(settings.interfaces.len());
    for interface in &settings.interfaces {
        let Some(site) = &interface.site else {
            own.push(None);
            continue;
        };
        let changed = site.apply(translation.clone(), &read).map_err(|problems| {
            let first = problems.into_iter().next();
            StartError::Override {
                interface: interface.name.clone(),
                source: first.expect("a refusal names at least one problem"),
            }
        })?;
        own.push(Some(Translator::new(changed)?));
    }
    Ok(own)
}

/// Starts gateways.
#[derive(Debug)]
pub struct Gateway;

impl Gateway {
    /// Starts a gateway: opens its ports, takes up what an earlier life left undone, and serves.
    ///
    /// Every port is open before the first message is taken, and everything recorded earlier is back in its
    /// queues before anything new can join them.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left open then.
    pub async fn start(
        settings: Settings,
        journal: Arc<SqliteJournal>,
        clock: Clock,
        ids: Ids,
    ) -> Result<Running, StartError> {
        let translation = translate::Settings {
            zone: settings.zone.clone(),
            ..translate::Settings::default()
        };
        let own_translators = own_translators(&settings, &translation)?;
        let translator = Translator::new(translation)?;
        let guards = guards(&settings)?;
        let sockets = open(&settings).await?;
        let (mut lines, mut following) = (Vec::new(), Vec::new());
        for (at, endpoint) in settings.endpoints.iter().enumerate() {
            if matches!(endpoint.face, Face::Listen(_)) {
                lines.push(None);
                continue;
            }
            let interfaces = settings.interfaces.iter().enumerate();
            let interfaces = interfaces
                .filter(|(_, interface)| interface.to == at)
                .map(|(interface, _)| interface);
            let (line, kept) = Line::new(endpoint, &settings.limits, interfaces)?;
            lines.push(Some(line));
            following.push((at, kept));
        }
        let shared = Arc::new(Shared {
            metrics: Metrics::new(&settings),
            settings,
            journal,
            clock,
            ids,
            translator,
            own_translators,
            lines,
            watches: Mutex::default(),
            stopping: CancellationToken::new(),
        });
        recover(&shared).await?;
        let mut running = Running {
            shared,
            listeners: Vec::new(),
            workers: JoinSet::new(),
            ledgers: JoinSet::new(),
        };
        for (endpoint, kept) in following {
            running
                .ledgers
                .spawn(deliver::run_ledger(running.shared.clone(), endpoint, kept));
            running
                .workers
                .spawn(deliver::run_backlog(running.shared.clone(), endpoint));
            for _ in 0..running.shared.settings.endpoints[endpoint].delivery.connections {
                running
                    .workers
                    .spawn(deliver::run_worker(running.shared.clone(), endpoint));
            }
        }
        running.listen(sockets, guards)?;
        Ok(running)
    }
}

/// What each listener asks of its peers, by endpoint. Reads every certificate before any port is opened.
fn guards(settings: &Settings) -> Result<Vec<Guard>, StartError> {
    let guard = |endpoint: &Endpoint| {
        let mut guard = Guard::default();
        if let (Face::Listen(_), Some(files)) = (&endpoint.face, &endpoint.tls) {
            let tls = Arc::new(ServerTls::server(files).map_err(|source| StartError::Tls {
                endpoint: endpoint.name.clone(),
                source,
            })?);
            guard.tls = Some(Arc::new(move || tls.current()));
        }
        if !endpoint.allow.is_empty() {
            let allow = endpoint.allow.clone();
            guard.admits = Some(Arc::new(move |address| {
                allow.iter().any(|network| network.contains(address))
            }));
        }
        Ok(guard)
    };
    settings.endpoints.iter().map(guard).collect()
}

/// Opens every listener's port, and serves none yet.
async fn open(settings: &Settings) -> Result<Vec<(usize, TcpListener)>, StartError> {
    let mut sockets = Vec::new();
    for (at, endpoint) in settings.endpoints.iter().enumerate() {
        let Face::Listen(address) = endpoint.face else {
            continue;
        };
        let socket = TcpListener::bind(address)
            .await
            .map_err(|source| StartError::Bind {
                endpoint: endpoint.name.clone(),
                address,
                source,
            })?;
        sockets.push((at, socket));
    }
    Ok(sockets)
}

/// Takes up what was recorded and not decided, and parks the held messages that others wait for.
async fn recover(shared: &Arc<Shared>) -> Result<(), JournalError> {
    for interface in 0..shared.settings.interfaces.len() {
        deliver::park_held(shared, interface).await?;
    }
    let mut after = None;
    loop {
        let page = shared.journal.unsettled(after, RECOVERY_PAGE).await?;
        for message in &page.items {
            let (door, frame, refused) = match receive::reopen(shared, message) {
                Ok((door, frame)) => (door, frame, None),
                Err(failure) => (Door::Fhir, Bytes::new(), Some(failure)),
            };
            let received = Received {
                id: message.summary.id,
                at_ms: message.summary.received_at_ms,
                door,
                peer: message.summary.peer.clone(),
                parent: message.summary.parent,
                caller: None,
                began: std::time::Instant::now(),
                raw: Phi::new(message.raw.clone()),
                frame: Phi::new(frame),
                refused,
            };
            let decision = pipeline::decide(shared, &received);
            // Its deliveries are in the journal then, where the backlog finds them with all others.
            match record::settle(shared, &received, &decision).await {
                Ok(settled) => drop(settled.await?),
                Err(_) => return Err(JournalError::Closed),
            }
            info!(message = %message.summary.id, stage = "route", "taken up again after a restart");
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

impl Shared {
    /// The line of an interface's endpoint.
    pub(crate) fn line_of(&self, interface: usize) -> &Line {
        let endpoint = self.settings.interfaces[interface].to;
        self.lines[endpoint]
            .as_ref()
            .expect("configuration lets no interface end at a listener")
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    fn watches(&self) -> std::sync::MutexGuard<'_, HashMap<MessageId, Arc<Watch>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start_watch(&self, message: MessageId, deliveries: usize) -> Arc<Watch> {
        let watch = Arc::new(Watch::new(deliveries));
        self.watches().insert(message, watch.clone());
        watch
    }

    pub(crate) fn watch(&self, message: MessageId) -> Option<Arc<Watch>> {
        self.watches().get(&message).cloned()
    }

    /// One delivery of a message has ended.
    pub(crate) fn end_watch(&self, message: MessageId, result: Result<Option<Said>, Failure>) {
        let watch = self.watch(message);
        if watch.is_some_and(|watch| watch.end_one(result)) {
            self.watches().remove(&message);
        }
    }

    /// Waits for the deliveries of a message, for as long as its door lets a sender wait, or for the end of
    /// the gateway. A sender that waits for ever would hold its connection for ever.
    pub(crate) async fn watched(&self, watch: &Watch, door: Door) -> Result<Option<Said>, Failure> {
        let endpoint = door.endpoint().map(|at| &self.settings.endpoints[at]);
        let longest = endpoint.map_or(std::time::Duration::ZERO, |endpoint| endpoint.acknowledge_timeout);
        tokio::select! {
            ended = watch.ended() => ended,
            () = tokio::time::sleep(longest) => Err(Failure::NotDeliveredInTime),
            () = self.stopping.cancelled() => Err(Failure::Stopping),
        }
    }
}

/// A gateway at work. Dropped, it stops at once; [`drain`](Self::drain) stops it in order.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    listeners: Vec<(usize, Listener)>,
    workers: JoinSet<()>,
    ledgers: JoinSet<()>,
}

impl Running {
    fn listen(&mut self, sockets: Vec<(usize, TcpListener)>, guards: Vec<Guard>) -> Result<(), StartError> {
        let limits = &self.shared.settings.limits;
        let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        for (endpoint, socket) in sockets {
            let limits = mllp::Limits {
                frame_bytes_max: limits.frame_bytes_max,
                connections_max: limits.connections_max,
                connections_per_peer_max: limits.connections_per_peer_max,
                window: limits.window,
                in_flight_bytes_max: limits.in_flight_bytes_max,
                idle_timeout_ms: ms(limits.idle_timeout),
                partial_frame_timeout_ms: ms(limits.partial_frame_timeout),
                ..mllp::Limits::default()
            };
            let entrance = Entrance {
                shared: self.shared.clone(),
                endpoint,
            };
            let guard = guards[endpoint].clone();
            let listener = Listener::start_guarded(socket, limits, guard, entrance).map_err(|source| {
                let endpoint = &self.shared.settings.endpoints[endpoint];
                let Face::Listen(address) = endpoint.face else {
                    unreachable!("only listeners have sockets")
                };
                StartError::Bind {
                    endpoint: endpoint.name.clone(),
                    address,
                    source,
                }
            })?;
            self.listeners.push((endpoint, listener));
        }
        Ok(())
    }

    /// The listening endpoints with their real ports.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let name = |endpoint: usize| self.shared.settings.endpoints[endpoint].name.clone();
        self.listeners
            .iter()
            .map(|(endpoint, listener)| (name(*endpoint), listener.address()))
            .collect()
    }

    /// The address of one listening endpoint.
    pub fn address(&self, endpoint: &str) -> Option<SocketAddr> {
        self.addresses()
            .into_iter()
            .find(|(name, _)| name == endpoint)
            .map(|(_, address)| address)
    }

    /// Sends what goes to this endpoint to another `host:port` from now on. False when it sends nothing by MLLP.
    pub fn redirect(&self, endpoint: &str, address: &str) -> bool {
        let found = self
            .shared
            .settings
            .endpoints
            .iter()
            .position(|known| known.name == endpoint && matches!(known.face, Face::Send(_)));
        let Some(line) = found.and_then(|at| self.shared.lines[at].as_ref()) else {
            return false;
        };
        *line.address.lock().unwrap_or_else(PoisonError::into_inner) = address.into();
        true
    }

    /// The paths of the façades.
    pub fn facades(&self) -> Vec<String> {
        let path = |endpoint: &Endpoint| match &endpoint.face {
            Face::Facade(path) => Some(path.clone()),
            _ => None,
        };
        self.shared.settings.endpoints.iter().filter_map(path).collect()
    }

    /// Everything served by HTTP: the gateway's FHIR path, the façades, the journal's API.
    pub fn router(&self) -> axum::Router {
        let inlet = Arc::new(Inlet {
            gateway: self.shared.clone(),
        });
        let mut router = rest::router(inlet, &self.shared.settings.fhir_path);
        for (endpoint, settings) in self.shared.settings.endpoints.iter().enumerate() {
            if let Face::Facade(path) = &settings.face {
                let facade = Arc::new(Facade {
                    gateway: self.shared.clone(),
                    endpoint,
                });
                router = router.merge(rest::router(facade, path));
            }
        }
        router.merge(api::router(self.shared.clone()))
    }

    /// Stops in order: no new message, an ACK for every message in flight, the current deliveries to their end.
    ///
    /// What is queued stays in the journal for the next start. Takes `drain-timeout-ms` at most per step.
    pub async fn drain(mut self) {
        let patience = self.shared.settings.limits.drain_timeout;
        let listeners: Vec<Listener> = self.listeners.drain(..).map(|(_, listener)| listener).collect();
        // Those who wait for delivery hear that there will be none in this life.
        self.shared.stopping.cancel();
        let closed = async {
            for listener in listeners {
                listener.shutdown().await;
            }
        };
        if tokio::time::timeout(patience, closed).await.is_err() {
            warn!("connections did not end in time and are cut");
        }
        self.stop_lines();
        let delivered = async { while self.workers.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, delivered).await.is_err() {
            warn!("deliveries did not end in time and will be repeated after the next start");
            self.workers.abort_all();
        }
    }

    fn stop_lines(&self) {
        for line in self.shared.lines.iter().flatten() {
            line.outbox.stop();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopping.cancel();
        self.stop_lines();
    }
}

/// Where MLLP frames enter.
struct Entrance {
    shared: Arc<Shared>,
    endpoint: usize,
}

impl mllp::Service for Entrance {
    async fn call(&self, peer: &Peer, frame: Frame) -> Option<Bytes> {
        self.call_in_turn(peer, frame, Turn::free()).await
    }

    async fn call_in_turn(&self, peer: &Peer, frame: Frame, turn: Turn) -> Option<Bytes> {
        let received = receive::frame(&self.shared, self.endpoint, peer.address.to_string(), frame);
        pipeline::carry(&self.shared, received, turn).await.bytes
    }

    async fn refused(&self, peer: &Peer, refusal: Refusal) -> Option<Bytes> {
        let received =
            receive::refused_frame(&self.shared, self.endpoint, peer.address.to_string(), &refusal);
        pipeline::carry(&self.shared, received, Turn::free()).await.bytes
    }
}
