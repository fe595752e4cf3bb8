//! Workers: each takes the next message of an endpoint, sends it, and sees that the journal knows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use mllp::Assurance;
use rest::Client;
use rustls::pki_types::ServerName;
use store::{DeliveryState, Journal, Pending, Progress};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Duration, Instant, sleep};
use tracing::{debug, info, warn};

use super::application_ack::{self, Told};
use super::breaker::Weight;
use super::by_mllp::Connection;
use super::numbers::Numbers;
use super::{Delivery, Job, Outbox, Outcome, by_facade, by_fhir, retry};
use crate::config::{Face, OnHeld};
use crate::gateway::{Shared as Gateway, StartError};
use crate::relay::Said;
use crate::tls::ClientTls;
use crate::trace::{self, Stage};
use crate::translate::{Payload, translate};
use crate::verdict::{Answer, Failure};

/// Pause before the journal is asked again to keep what became of a delivery.
const KEEP_RETRY: Duration = Duration::from_millis(500);

/// Everything one destination endpoint needs.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) outbox: Outbox,
    /// `host:port`, which may change while running.
    pub(crate) address: std::sync::Mutex<Arc<str>>,
    client: Option<Client>,
    /// How the receiver proves to be who it should be, where TLS is spoken.
    tls: Option<Secured>,
    /// What was submitted to the journal, to be followed until it is durable. Bounded by the journal's
    /// own queue and the deliveries in memory.
    kept: UnboundedSender<Kept>,
}

/// TLS to one receiver.
#[derive(Debug)]
struct Secured {
    tls: Arc<ClientTls>,
    /// The name its certificate must bear; that of its host when none is given.
    name: Option<String>,
}

impl Secured {
    fn of(endpoint: &crate::config::Endpoint) -> Result<Option<Self>, StartError> {
        let Some(files) = &endpoint.tls else {
            return Ok(None);
        };
        let tls = ClientTls::client(files).map_err(|source| StartError::Tls {
            endpoint: endpoint.name.clone(),
            source,
        })?;
        Ok(Some(Self {
            tls: Arc::new(tls),
            name: endpoint.server_name.clone(),
        }))
    }

    /// The same for a client of HTTP, which names the host itself.
    fn for_http(&self) -> rest::Secured {
        let tls = self.tls.clone();
        let name = self.name.clone();
        rest::Secured {
            tls: Arc::new(move || tls.current()),
            server_name: name.and_then(|name| ServerName::try_from(name).ok()),
        }
    }
}

/// A change on its way to disk.
pub(crate) struct Kept {
    pending: Pending<()>,
    progress: Progress,
    job: Job,
    end: End,
}

/// What happens to a delivery once its change is durable.
#[derive(Debug)]
enum End {
    Delivered,
    Held {
        rejected: bool,
    },
    /// Left out on purpose.
    Filtered,
}

impl Line {
    /// The line to an endpoint, and what [`run_ledger`] must be given.
    ///
    /// # Errors
    /// When a FHIR base is no URL, or certificates cannot be used.
    pub(crate) fn new(
        endpoint: &crate::config::Endpoint,
        limits: &crate::config::Limits,
        interfaces: impl Iterator<Item = usize>,
    ) -> Result<(Self, UnboundedReceiver<Kept>), StartError> {
        let (kept, following) = unbounded_channel();
        let outbox = Outbox::new(
            &endpoint.delivery,
            limits.queue_deliveries_max,
            limits.queue_bytes_max,
            interfaces,
        );
        let tls = Secured::of(endpoint)?;
        let (address, client) = match &endpoint.face {
            Face::Send(address) => (address.as_str(), None),
            Face::Fhir(base) => {
                let secured = tls.as_ref().map(Secured::for_http);
                ("", Some(by_fhir::client(base, endpoint, secured)?))
            }
            Face::Listen(_) | Face::Facade(_) => ("", None),
        };
        Ok((
            Self {
                tls,
                outbox,
                address: std::sync::Mutex::new(address.into()),
                client,
                kept,
            },
            following,
        ))
    }

    /// How to make sure of the receiver at this address; fresh for each connection.
    fn assurance(&self, address: &str) -> Option<Result<Assurance, String>> {
        let secured = self.tls.as_ref()?;
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = secured.name.as_deref().unwrap_or(host).to_owned();
        let named = ServerName::try_from(name).map_err(|_| "server-name is no name of a host".to_owned());
        Some(named.map(|name| Assurance {
            tls: secured.tls.current(),
            name,
        }))
    }

    fn address(&self) -> Arc<str> {
        self.address
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }
}

/// Sends the messages of one endpoint, one at a time, until the outbox stops.
pub(crate) async fn run(gateway: Arc<Gateway>, endpoint: usize) {
    let Some(line) = gateway.lines[endpoint].as_ref() else {
        return;
    };
    let settings = &gateway.settings.endpoints[endpoint];
    let mut connection = Connection::new(&settings.delivery);
    let mut numbers = settings.sequence_numbers.then(|| Numbers::of(&settings.name));
    while let Some(job) = line.outbox.next().await {
        let acknowledges = gateway.settings.interfaces[job.delivery.interface].acknowledges;
        let (job, told) = match acknowledges {
            false => (job, None),
            true => match acknowledgement(&gateway, line, job).await {
                Some((job, told)) => (job, Some(told)),
                None => continue,
            },
        };
        let began = Instant::now();
        let mut way = Way {
            connection: &mut connection,
            numbers: numbers.as_mut(),
        };
        let tried = attempt(&gateway, endpoint, line, &mut way, &job.delivery, told).await;
        gateway
            .metrics
            .attempted(job.delivery.interface, &tried.outcome, began.elapsed());
        let (delivery, name) = (
            &job.delivery,
            &gateway.settings.interfaces[job.delivery.interface].name,
        );
        let stage = Stage::Deliver(delivery.id, delivery.attempts);
        trace::ended(
            delivery.id.message,
            stage,
            began.elapsed(),
            name,
            &tried.outcome.word(),
        );
        settle(&gateway, endpoint, line, job, tried).await;
        if let Some(numbers) = &mut numbers {
            numbers.keep(&gateway).await;
        }
    }
}

/// How a worker reaches its endpoint.
struct Way<'w> {
    connection: &'w mut Connection,
    numbers: Option<&'w mut Numbers>,
}

/// What there is to send for an application acknowledgement; none where the job has been dealt with.
async fn acknowledgement(gateway: &Gateway, line: &Line, job: Job) -> Option<(Job, Bytes)> {
    match application_ack::told(gateway, &job.delivery).await {
        Told::Ack(bytes) => return Some((job, bytes)),
        Told::NotYet => application_ack::park(gateway, job).await,
        Told::Unwanted => {
            line.outbox.unsendable();
            let progress = progress(gateway, &job.delivery, DeliveryState::Filtered, 0, None);
            keep(gateway, line, progress, job, End::Filtered).await;
        }
        Told::Unknown => {
            line.outbox.unsendable();
            line.outbox.later(job, Instant::now() + KEEP_RETRY);
        }
    }
    None
}

/// One attempt, and what is worth keeping of it.
pub(super) struct Tried {
    pub(super) outcome: Outcome,
    pub(super) sent: Option<Bytes>,
    pub(super) answered: Option<Bytes>,
}

impl From<Outcome> for Tried {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            sent: None,
            answered: None,
        }
    }
}

/// One attempt: translate, send, hear the answer. What is `told` already needs no translation.
async fn attempt(
    gateway: &Gateway,
    endpoint: usize,
    line: &Line,
    way: &mut Way<'_>,
    delivery: &Delivery,
    told: Option<Bytes>,
) -> Tried {
    let payload = match told {
        Some(bytes) => Payload::Er7(bytes),
        None => match retold(gateway, delivery) {
            Ok(payload) => payload,
            Err(cause) => return Outcome::Unsendable(cause).into(),
        },
    };
    match (payload, &gateway.settings.endpoints[endpoint].face) {
        (Payload::Er7(bytes), _) => {
            let assurance = |address: &str| line.assurance(address);
            let address = line.address();
            match &mut way.numbers {
                None => {
                    let outcome = way.connection.exchange(&address, assurance, &bytes).await;
                    Tried {
                        outcome,
                        sent: Some(bytes),
                        answered: way.connection.take_answer(),
                    }
                }
                Some(numbers) => {
                    numbers
                        .exchange(gateway, way.connection, &address, assurance, &bytes)
                        .await
                }
            }
        }
        (Payload::Bundle(bundle), Face::Facade(_)) => {
            let system = &gateway.settings.endpoints[endpoint].name;
            by_facade::keep(gateway, system, delivery, *bundle).await.into()
        }
        (Payload::Bundle(bundle), _) => {
            let bytes = Bytes::from(fhir::to_vec(&*bundle));
            let traceparent = trace::parent_of(delivery.id, delivery.attempts);
            match &line.client {
                Some(client) => Tried {
                    outcome: by_fhir::exchange(client, bytes.clone(), &traceparent).await,
                    sent: Some(bytes),
                    answered: None,
                },
                None => Outcome::Unsendable("this endpoint speaks no FHIR".into()).into(),
            }
        }
    }
}

/// The message as this endpoint is to get it.
///
/// A message that translation does not survive is held like any other that cannot be sent; its lane, its endpoint
/// and this worker live on.
fn retold(gateway: &Gateway, delivery: &Delivery) -> Result<Payload, String> {
    let told = || {
        let frame = delivery.frame.expose();
        translate(gateway, delivery.interface, delivery.from, frame, None)
    };
    let began = Instant::now();
    let told = catch_unwind(AssertUnwindSafe(told));
    gateway.metrics.translated(delivery.interface, began.elapsed());
    let name = &gateway.settings.interfaces[delivery.interface].name;
    let stage = Stage::Translate(delivery.id, delivery.attempts);
    trace::ended(delivery.id.message, stage, began.elapsed(), name, &"");
    match told {
        Ok(told) => told.map_err(|error| error.to_string()),
        Err(_) => Err("translation broke off: this is a fault of the gateway".into()),
    }
}

/// What follows from one attempt: for the message, for the endpoint, for the journal.
async fn settle(gateway: &Gateway, endpoint: usize, line: &Line, mut job: Job, tried: Tried) {
    let interface = gateway.settings.interfaces[job.delivery.interface].name.as_str();
    let (message, control_id) = (job.delivery.id, job.delivery.control_id.clone());
    let (cause, for_good, counts) = match tried.outcome {
        Outcome::Taken => {
            debug!(%message, %control_id, interface, stage = "deliver", "delivered");
            line.outbox.taken();
            let progress = Progress {
                answered: tried.answered.filter(|_| job.delivery.relayed),
                ..progress(gateway, &job.delivery, DeliveryState::Delivered, 1, None)
            };
            return keep(gateway, line, progress, job, End::Delivered).await;
        }
        Outcome::Unreachable(cause) => {
            debug!(interface, stage = "deliver", %cause, "endpoint not reachable");
            line.outbox.unreachable();
            return line.outbox.again(job);
        }
        // Our own bytes: no endpoint is to blame.
        Outcome::Unsendable(cause) => {
            line.outbox.unsendable();
            (cause, true, Weight::Message)
        }
        Outcome::Refused { answer, cause } => (
            cause,
            answer == Answer::Never,
            line.outbox.refused(job.delivery.seed()),
        ),
        Outcome::Doubt(cause) => (cause, false, line.outbox.refused(job.delivery.seed())),
    };
    if counts == Weight::Endpoint {
        warn!(%message, %control_id, interface, stage = "deliver", "endpoint refuses message after message: paused");
        return line.outbox.again(job);
    }
    job.delivery.attempts += 1;
    let limits = &gateway.settings.endpoints[endpoint].delivery;
    if for_good || job.delivery.attempts >= limits.attempts_max {
        info!(%message, %control_id, interface, stage = "deliver", attempts = job.delivery.attempts, "held");
        let progress = Progress {
            sent: tried.sent,
            answered: tried.answered,
            ..progress(gateway, &job.delivery, DeliveryState::Held, 0, Some(cause))
        };
        return keep(gateway, line, progress, job, End::Held { rejected: for_good }).await;
    }
    let progress = progress(gateway, &job.delivery, DeliveryState::Queued, 0, Some(cause));
    // Only told, not waited for: after a restart a lost count means one attempt more.
    drop(gateway.journal.progress(progress).await);
    let pause = retry::pause(limits, job.delivery.attempts, job.delivery.seed());
    line.outbox.later(job, Instant::now() + pause);
}

fn progress(
    gateway: &Gateway,
    delivery: &Delivery,
    state: DeliveryState,
    more: u32,
    cause: Option<String>,
) -> Progress {
    Progress {
        id: delivery.id,
        state,
        attempts: delivery.attempts + more,
        at_ms: gateway.clock.now_ms(),
        cause,
        sent: None,
        answered: None,
    }
}

/// Tells the journal and goes on; the lanes stay closed until it is on disk.
async fn keep(gateway: &Gateway, line: &Line, progress: Progress, job: Job, end: End) {
    let pending = submit(gateway, &progress).await;
    // The receiver lives as long as the gateway; without one, the journal has the change all the same.
    drop(line.kept.send(Kept {
        pending,
        progress,
        job,
        end,
    }));
}

async fn submit(gateway: &Gateway, progress: &Progress) -> Pending<()> {
    match gateway.journal.progress(progress.clone()).await {
        Ok(pending) => pending,
        Err(error) => Pending::new(std::future::ready(Err(error))),
    }
}

/// Follows the changes of one endpoint to disk, in order, and moves its lanes on.
pub(crate) async fn run_ledger(
    gateway: Arc<Gateway>,
    endpoint: usize,
    mut following: UnboundedReceiver<Kept>,
) {
    let Some(line) = gateway.lines[endpoint].as_ref() else {
        return;
    };
    while let Some(Kept {
        mut pending,
        progress,
        job,
        end,
    }) = following.recv().await
    {
        while let Err(error) = pending.await {
            if matches!(error, store::JournalError::Closed) {
                return;
            }
            warn!(%error, stage = "deliver", "the journal did not keep a delivery's state; trying again");
            sleep(KEEP_RETRY).await;
            pending = submit(&gateway, &progress).await;
        }
        conclude(&gateway, line, job, end, progress.answered.as_ref());
    }
}

fn conclude(gateway: &Gateway, line: &Line, job: Job, end: End, answered: Option<&Bytes>) {
    let interface = &gateway.settings.interfaces[job.delivery.interface];
    let message = job.delivery.id.message;
    let said = answered.and_then(|answer| Said::read(answer));
    let result = match end {
        End::Delivered => {
            let took = gateway.clock.now_ms() - job.delivery.received_at_ms;
            gateway.metrics.delivered(job.delivery.interface, took);
            Ok(said)
        }
        End::Filtered => Ok(None),
        End::Held { rejected } => Err(Failure::NotDelivered {
            interface: interface.name.clone(),
            rejected,
            said: said.filter(|said| !said.code.is_positive()),
        }),
    };
    if !interface.acknowledges {
        gateway.end_watch(message, result);
        application_ack::wake(gateway, message);
    }
    match end {
        End::Held { .. } if interface.on_held == OnHeld::Wait => line.outbox.park(job),
        _ => line.outbox.leave(&job),
    }
}
