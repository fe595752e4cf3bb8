//! Messages onto the wire, and a receiver at the other end of a route.
//!
//! Order is kept for each person: their messages share a connection, and one waits for the answer to the one before.
//! A connection that breaks is opened again and the message sent again under its own control id, as a hospital's
//! sender does; how often is counted, never hidden.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{self, Ack, AckCode};
use mllp::{Frame, Limits, Listener, Peer, Sender, SenderLimits};

use crate::RunError;
use crate::feed::Outgoing;

/// How often one message is tried.
const TRIES_MAX: u32 = 20;
/// Messages a receiver keeps whole; of older ones it keeps the number only.
const KEPT_MAX: usize = 200_000;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its place in the feed.
    pub sequence: u64,
    /// MSH-10.
    pub control: String,
    /// What it told.
    pub event: String,
    /// Whom it was about.
    pub person: u64,
    /// MSA-1, or `none` when no answer ever came.
    pub code: String,
    /// How often it was sent.
    pub tries: u32,
}

impl Sent {
    fn of(message: Outgoing, code: String, tries: u32) -> Self {
        Self {
            sequence: message.sequence,
            control: message.control,
            event: message.event,
            person: message.person,
            code,
            tries,
        }
    }

    /// Whether the receiver took responsibility.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.code == "AA" || self.code == "CA"
    }
}

/// What sending came to.
#[derive(Clone, Debug, Default)]
pub struct Despatch {
    /// Every message, in feed order.
    pub sent: Vec<Sent>,
    /// How long it took.
    pub seconds: f64,
}

impl Despatch {
    /// Messages a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.sent.len() as f64 / self.seconds.max(1e-9)
    }
}

/// Sends messages over so many connections; `done` counts them as they are answered.
///
/// # Errors
/// When the receiver cannot be reached, or not again.
pub async fn send_all(
    address: &str,
    messages: Vec<Outgoing>,
    connections: usize,
    done: &AtomicU64,
) -> Result<Despatch, RunError> {
    let begun = Instant::now();
    let lanes = connections.clamp(1, messages.len().max(1));
    let mut lists: Vec<Vec<Outgoing>> = vec![Vec::new(); lanes];
    for message in messages {
        let lane = usize::try_from(message.person % lanes as u64).unwrap_or(0);
        lists[lane].push(message);
    }
    let done_ref = &done;
    let lanes = lists.into_iter().map(|list| send_lane(address, list, done_ref));
    let mut sent = Vec::new();
    for lane in join_all(lanes).await {
        sent.extend(lane?);
    }
    sent.sort_by_key(|sent| sent.sequence);
    Ok(Despatch {
        sent,
        seconds: begun.elapsed().as_secs_f64(),
    })
}

/// Runs futures side by side on this task, to the end of all.
pub(crate) async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        let mut waiting = false;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(ready) => *output = Some(ready),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(
            running
                .iter_mut()
                .filter_map(|(_, output)| output.take())
                .collect(),
        )
    })
    .await
}

async fn send_lane(address: &str, list: Vec<Outgoing>, done: &AtomicU64) -> Result<Vec<Sent>, RunError> {
    let mut all = Vec::with_capacity(list.len());
    let mut sender: Option<Sender> = None;
    for message in list {
        let mut tries = 0;
        let code = loop {
            tries += 1;
            let mut open = match sender.take() {
                Some(open) => open,
                None => connect(address).await?,
            };
            match open.send(&message.bytes).await {
                Ok(answer) => {
                    sender = Some(open);
                    break code_of(&answer, &message.control);
                }
                Err(_) if tries < TRIES_MAX => {}
                Err(error) => {
                    return Err(RunError::Unreachable {
                        what: address.to_owned(),
                        why: error.to_string(),
                    });
                }
            }
        };
        done.fetch_add(1, Ordering::Relaxed);
        all.push(Sent::of(message, code, tries));
    }
    Ok(all)
}

/// Sends over so many connections until the receiver is gone; gives what was answered, and nothing is tried again.
pub async fn send_until_lost(
    address: &str,
    messages: Vec<Outgoing>,
    connections: usize,
    done: &AtomicU64,
) -> Vec<Sent> {
    let lanes = connections.clamp(1, messages.len().max(1));
    let mut lists: Vec<Vec<Outgoing>> = vec![Vec::new(); lanes];
    for message in messages {
        let lane = usize::try_from(message.person % lanes as u64).unwrap_or(0);
        lists[lane].push(message);
    }
    let lanes = lists.into_iter().map(|list| async move {
        let mut answered = Vec::new();
        let Ok(mut sender) = connect(address).await else {
            return answered;
        };
        for message in list {
            let Ok(answer) = sender.send(&message.bytes).await else {
                break;
            };
            let code = code_of(&answer, &message.control);
            answered.push(Sent::of(message, code, 1));
            done.fetch_add(1, Ordering::Relaxed);
        }
        answered
    });
    let mut answered: Vec<Sent> = join_all(lanes).await.into_iter().flatten().collect();
    answered.sort_by_key(|sent| sent.sequence);
    answered
}

/// Sends by the clock, so many a second over a few connections; gives when each should have left.
///
/// # Errors
/// When the receiver cannot be reached, or does not answer.
pub async fn send_paced(
    address: &str,
    messages: Vec<Outgoing>,
    rate: f64,
) -> Result<(Vec<Sent>, Vec<(String, Instant)>), RunError> {
    const LANES: u64 = 8;
    let begun = Instant::now() + Duration::from_millis(50);
    let mut intended = Vec::with_capacity(messages.len());
    let mut lists: Vec<Vec<(Instant, Outgoing)>> = vec![Vec::new(); usize::try_from(LANES).unwrap_or(1)];
    for (at, message) in messages.into_iter().enumerate() {
        let when = begun + Duration::from_secs_f64(at as f64 / rate);
        intended.push((message.control.clone(), when));
        lists[usize::try_from(message.person % LANES).unwrap_or(0)].push((when, message));
    }
    let lanes = lists.into_iter().map(|list| async move {
        let mut sent = Vec::with_capacity(list.len());
        let mut sender = connect(address).await?;
        for (when, message) in list {
            tokio::time::sleep_until(when.into()).await;
            let answer = sender
                .send(&message.bytes)
                .await
                .map_err(|error| RunError::Unreachable {
                    what: address.to_owned(),
                    why: error.to_string(),
                })?;
            let code = code_of(&answer, &message.control);
            sent.push(Sent::of(message, code, 1));
        }
        Ok::<_, RunError>(sent)
    });
    let mut sent = Vec::new();
    for lane in join_all(lanes).await {
        sent.extend(lane?);
    }
    sent.sort_by_key(|sent| sent.sequence);
    Ok((sent, intended))
}

/// Begins a frame and hangs up.
///
/// # Errors
/// When the receiver cannot be reached.
pub async fn half_a_frame(address: &str) -> Result<(), RunError> {
    use tokio::io::AsyncWriteExt as _;
    let cut = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream
            .write_all(b"\x0bMSH|^~\\&|ELSEWHERE|NOBODY|EPRGW||2026")
            .await?;
        stream.shutdown().await
    };
    cut.await.map_err(|error: std::io::Error| RunError::Unreachable {
        what: address.to_owned(),
        why: error.to_string(),
    })
}

/// Sends one message on a connection of its own; the code of the answer, and the answer.
///
/// # Errors
/// When the receiver cannot be reached, or does not answer.
pub async fn exchange(address: &str, message: &Outgoing) -> Result<(String, Bytes), RunError> {
    let answer = connect(address).await?.send(&message.bytes).await;
    let answer = answer.map_err(|error| RunError::Unreachable {
        what: address.to_owned(),
        why: error.to_string(),
    })?;
    Ok((code_of(&answer, &message.control), answer))
}

/// What a sender waits that sends one message after the other.
#[derive(Clone, Debug, Default)]
pub struct Patient {
    /// Every message.
    pub sent: Vec<Sent>,
    /// Longest wait of ninety-nine in a hundred.
    pub p99: Duration,
}

impl Patient {
    /// Sends in order, one at a time, and takes the time of each.
    ///
    /// # Errors
    /// When the receiver cannot be reached, or not again.
    pub async fn send(address: &str, messages: Vec<Outgoing>) -> Result<Self, RunError> {
        let mut waits = Vec::with_capacity(messages.len());
        let mut sent = Vec::with_capacity(messages.len());
        let mut sender = connect(address).await?;
        for message in messages {
            let begun = Instant::now();
            let answer = sender.send(&message.bytes).await;
            waits.push(begun.elapsed());
            let answer = answer.map_err(|error| RunError::Unreachable {
                what: address.to_owned(),
                why: error.to_string(),
            })?;
            sent.push(Sent {
                sequence: message.sequence,
                code: code_of(&answer, &message.control),
                control: message.control,
                event: message.event,
                person: message.person,
                tries: 1,
            });
        }
        waits.sort_unstable();
        let at = (waits.len() * 99).div_ceil(100).saturating_sub(1);
        Ok(Self {
            sent,
            p99: waits.get(at).copied().unwrap_or_default(),
        })
    }
}

async fn connect(address: &str) -> Result<Sender, RunError> {
    Sender::connect(address, SenderLimits::default())
        .await
        .map_err(|error| RunError::Unreachable {
            what: address.to_owned(),
            why: error.to_string(),
        })
}

/// The code of an answer that speaks of this message; an answer to another is no answer.
fn code_of(answer: &[u8], control: &str) -> String {
    let read = Message::parse(answer).ok().and_then(|message| {
        let read = ack::read(&message).ok()?;
        (read.control_id == control).then(|| read.code.to_string())
    });
    read.unwrap_or_else(|| "none".to_owned())
}

/// A message as a receiver got it.
#[derive(Clone, Debug)]
pub struct Received {
    /// MSH-10.
    pub control: String,
    /// `ADT^A08`.
    pub event: String,
    /// When it came.
    pub at: Instant,
    /// The whole message; empty once too many came after it.
    pub bytes: Bytes,
}

/// A system at the end of a route that takes everything and remembers it: the laboratory, the warehouse.
pub struct Downstream {
    listener: Listener,
    received: Arc<Mutex<Vec<Received>>>,
}

struct Door(Arc<Mutex<Vec<Received>>>);

impl mllp::Service for Door {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let message = Message::parse(&frame).ok()?;
        let header = message.header();
        let control = header.control_id().into_owned();
        let event = format!("{}^{}", header.message_code(), header.trigger_event());
        let answer = ack::acknowledge(
            Some(&message),
            &Ack::of(AckCode::AA),
            &format!("D{control}"),
            &header.time(),
        );
        let mut received = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = received.len().checked_sub(KEPT_MAX) {
            received[old].bytes = Bytes::new();
        }
        received.push(Received {
            at: Instant::now(),
            control,
            event,
            bytes: Bytes::copy_from_slice(&frame),
        });
        Some(answer.into())
    }
}

impl Downstream {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, RunError> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let listener = Listener::bind(
            std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
            Limits::default(),
            Door(received.clone()),
        )
        .await
        .map_err(|error| RunError::Host(format!("no port for a downstream system: {error}")))?;
        Ok(Self { listener, received })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        self.listener.address().to_string()
    }

    /// How many messages came.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// What came from that place in the list on.
    #[must_use]
    pub fn since(&self, start: usize) -> Vec<Received> {
        self.lock().get(start..).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// How often each control id came.
    #[must_use]
    pub fn by_control(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for received in self.lock().iter() {
            *counts.entry(received.control.clone()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
