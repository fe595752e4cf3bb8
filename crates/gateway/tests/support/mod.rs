//! A gateway on real sockets, a sender, and a receiver that does as it is told.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod authority;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway::config::{Settings, load};
use gateway::{Clock, Gateway, Ids, Running};
use hl7v2::Message;
use hl7v2::ack::{self, Ack, AckCode};
use mllp::{Decoder, Sender, SenderLimits};
use store::{DeliveryQuery, DeliveryState, Journal, MessageState, Query, SqliteJournal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// No condition of a test takes longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway with a journal of its own.
pub struct Bed {
    pub dir: tempfile::TempDir,
    pub journal: Arc<SqliteJournal>,
    pub running: Option<Running>,
}

impl Bed {
    /// Starts one with this configuration.
    pub async fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::start_in(dir, config).await
    }

    /// Starts one on what an earlier one left.
    pub async fn start_in(dir: tempfile::TempDir, config: &str) -> Self {
        let journal = Arc::new(SqliteJournal::open(dir.path(), store::Settings::default()).unwrap());
        let running = Gateway::start(settings(config), journal.clone(), Clock::system(), Ids::system())
            .await
            .unwrap();
        Self {
            dir,
            journal,
            running: Some(running),
        }
    }

    /// Ends it without a word, as a crash would, and gives what it left on disk.
    pub async fn crash(mut self) -> tempfile::TempDir {
        drop(self.running.take());
        self.journal.close().await;
        let Self { dir, journal, .. } = self;
        drop(journal);
        dir
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    pub async fn sender(&self) -> Sender {
        let address = self.running().address("in").unwrap();
        Sender::connect(address, SenderLimits::default()).await.unwrap()
    }

    /// Sends one message on a connection of its own and gives the answer.
    pub async fn send(&self, message: &str) -> Answer {
        let answer = self.sender().await.send(message.as_bytes()).await.unwrap();
        Answer(answer)
    }

    /// Waits until as many deliveries stand so.
    pub async fn until(&self, state: DeliveryState, count: u64) {
        until(
            || async { self.journal.counts().await.unwrap().deliveries_in(state) == count },
            || format!("{count} deliveries {state}"),
        )
        .await;
    }

    pub async fn messages_in(&self, state: MessageState) -> u64 {
        self.journal.counts().await.unwrap().messages_in(state)
    }

    /// The deliveries, in order of commit.
    pub async fn deliveries(&self) -> Vec<store::Delivery> {
        self.journal
            .deliveries(DeliveryQuery {
                limit: 1000,
                ..DeliveryQuery::default()
            })
            .await
            .unwrap()
            .items
    }

    /// The newest message, whole.
    pub async fn newest(&self) -> store::Message {
        let page = self
            .journal
            .search(Query {
                limit: 1,
                ..Query::default()
            })
            .await
            .unwrap();
        self.journal.message(page.items[0].id).await.unwrap().unwrap()
    }
}

pub fn settings(config: &str) -> Settings {
    let dialects = [&translate::dialect::STANDARD, &translate::dialect::ITK];
    let mut settings = load(config, "test", &dialects).unwrap_or_else(|problems| panic!("{problems:#?}"));
    settings.read_tokens(|name| (name != "UNSET").then(|| format!("what-{name}-holds")));
    settings
}

/// One source, one receiver; `more` goes into the tables of gateway, listener, receiver and interface.
pub fn config(receiver: SocketAddr, more: [&str; 4]) -> String {
    let [gateway, listener, endpoint, interface] = more;
    format!(
        r#"
[gateway]
http = "127.0.0.1:0"
{gateway}
[[source]]
name = "pas"
sending-application = ["PAS"]
[[endpoint]]
name = "in"
listen = "mllp://127.0.0.1:0"
{listener}
[[endpoint]]
name = "epr"
send = "mllp://{receiver}"
retry-first-ms = 5
retry-longest-ms = 40
ack-timeout-ms = 1000
{endpoint}
[[interface]]
name = "pas-to-epr"
from = "pas"
to = "epr"
accept = ["ADT^*", "ORU^*"]
{interface}
"#
    )
}

/// Waits until a condition of the system holds.
pub async fn until<F: Future<Output = bool>>(mut condition: impl FnMut() -> F, what: impl Fn() -> String) {
    let wait = async {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while !condition().await {
            tick.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "never came: {}",
        what()
    );
}

/// An admission of a patient.
pub fn admission(control_id: &str, patient: &str) -> String {
    event("A01", control_id, patient)
}

pub fn event(trigger_event: &str, control_id: &str, patient: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|RYJ|EPR|RYJ|20260302103412||ADT^{trigger_event}|{control_id}|T|2.4\r\
         EVN|{trigger_event}|20260302103412\r\
         PID|1||{patient}^^^RYJ^MR||SYNTHETIC^PERSON||19700101|F\r\
         PV1|1|I|7A^1^1\r"
    )
}

pub fn merge(control_id: &str, survivor: &str, loser: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|RYJ|EPR|RYJ|20260302103412||ADT^A40|{control_id}|T|2.4\r\
         EVN|A40|20260302103412\r\
         PID|1||{survivor}^^^RYJ^MR||SYNTHETIC^PERSON\r\
         MRG|{loser}^^^RYJ^MR\r"
    )
}

/// What came back for a message.
#[derive(Debug)]
pub struct Answer(pub Bytes);

impl Answer {
    fn at(&self, place: &str) -> String {
        let message = Message::parse(&self.0).unwrap();
        message.value(&place.parse().unwrap()).text().into_owned()
    }

    pub fn code(&self) -> AckCode {
        self.at("MSA-1").parse().unwrap()
    }

    pub fn control_id(&self) -> String {
        self.at("MSA-2")
    }

    pub fn text(&self) -> String {
        self.at("MSA-3")
    }

    pub fn condition(&self) -> String {
        ack::read(&Message::parse(&self.0).unwrap())
            .unwrap()
            .condition
            .into_owned()
    }
}

/// A connection with many frames in flight.
pub struct Pipe {
    stream: tokio::net::TcpStream,
    decoder: Decoder,
    buffer: BytesMut,
}

impl Pipe {
    pub async fn connect(address: SocketAddr) -> std::io::Result<Self> {
        Ok(Self {
            stream: tokio::net::TcpStream::connect(address).await?,
            decoder: Decoder::new(1 << 20),
            buffer: BytesMut::new(),
        })
    }

    /// Writes every message at once and reads as many answers, or fewer when the connection ends before.
    pub async fn send_all(&mut self, messages: &[String]) -> Vec<Answer> {
        let mut frames = BytesMut::new();
        for message in messages {
            mllp::encode(message.as_bytes(), &mut frames).unwrap();
        }
        let (mut reader, mut writer) = self.stream.split();
        let writing = async {
            // A connection that ends is seen by the reading half.
            drop(writer.write_all(&frames).await);
        };
        let (decoder, buffer) = (&mut self.decoder, &mut self.buffer);
        let reading = async {
            let mut answers = Vec::new();
            while answers.len() < messages.len() {
                while let Some(Ok(frame)) = decoder.next(buffer) {
                    answers.push(Answer(frame.into_bytes()));
                }
                if answers.len() < messages.len() && !matches!(reader.read_buf(buffer).await, Ok(1..)) {
                    break;
                }
            }
            answers
        };
        tokio::join!(writing, reading).1
    }
}

/// What a receiver does with a frame.
pub enum Act {
    Ack(AckCode),
    /// An AA for another message.
    Foreign,
    /// Nothing, ever.
    Silence,
    /// Closes the connection.
    Hang,
    /// Takes it, and closes the connection without a word.
    LoseAck,
    /// Bytes that are no answer.
    Garbage,
    /// An AA, changed in this way.
    Twist(fn(&str) -> String),
    /// An AE that expects this sequence number.
    Expect(i64),
}

/// What a receiver has taken: each control id it answered AA, in order.
type Seen = Arc<Mutex<Vec<String>>>;

/// What a receiver keeps of what it hears, and whether it keeps frames.
type Kept = (Seen, Seen, Arc<Mutex<Vec<Vec<u8>>>>, Arc<AtomicBool>);

/// What is done with a frame of that control id, by its bytes and its number (from 0).
type Script = Arc<dyn Fn(&str, &[u8], usize) -> Act + Send + Sync>;

/// A receiver that does what its script says, and remembers every frame.
pub struct Receiver {
    pub address: SocketAddr,
    /// Control ids of every frame, in order of arrival.
    pub heard: Seen,
    /// Control ids of those it took.
    pub taken: Seen,
    /// Every frame, as it came.
    pub frames: Arc<Mutex<Vec<Vec<u8>>>>,
    count: watch::Receiver<usize>,
    /// Whether frames are left alone once answered.
    quiet: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// One that acts on control id and number (from 0) of each frame.
    pub async fn start(script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), script).await
    }

    pub async fn start_at(
        address: SocketAddr,
        script: impl Fn(&str, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(
            address,
            Arc::new(move |control_id, _, number| script(control_id, number)),
        )
        .await
    }

    /// One that acts on the bytes and number of each frame.
    pub async fn start_reading(script: impl Fn(&[u8], usize) -> Act + Send + Sync + 'static) -> Self {
        let address = "127.0.0.1:0".parse().unwrap();
        Self::start_with(address, Arc::new(move |_, frame, number| script(frame, number))).await
    }

    /// One that keeps no frames: for long runs.
    pub async fn start_quietly(script: impl Fn(&str, usize) -> Act + Send + Sync + 'static) -> Self {
        let receiver = Self::start(script).await;
        receiver.quiet.store(true, Ordering::Relaxed);
        receiver
    }

    /// As [`Self::until`], for as long as something comes.
    pub async fn until_patiently(&mut self, count: usize) {
        loop {
            let now = *self.count.borrow_and_update();
            if now >= count {
                return;
            }
            let next = tokio::time::timeout(PATIENCE, self.count.changed()).await;
            assert!(next.is_ok(), "nothing came any more after {now} of {count}");
        }
    }

    async fn start_with(address: SocketAddr, script: Script) -> Self {
        let socket = TcpListener::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let (heard, taken, frames) = (Seen::default(), Seen::default(), Arc::default());
        let (counter, count) = watch::channel(0);
        let quiet = Arc::new(AtomicBool::new(false));
        let seen = (heard.clone(), taken.clone(), Arc::clone(&frames), quiet.clone());
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            let counter = Arc::new(counter);
            loop {
                let Ok((stream, _)) = socket.accept().await else {
                    return;
                };
                connections.spawn(serve(stream, script.clone(), seen.clone(), counter.clone()));
            }
        });
        Self {
            address,
            heard,
            taken,
            frames,
            count,
            quiet,
            task,
        }
    }

    /// One that takes everything.
    pub async fn willing() -> Self {
        Self::start(|_, _| Act::Ack(AckCode::AA)).await
    }

    /// Waits until it has taken so many.
    pub async fn until(&mut self, count: usize) {
        let wait = self.count.wait_for(|taken| *taken >= count);
        assert!(
            tokio::time::timeout(PATIENCE, wait).await.is_ok(),
            "never took {count}"
        );
    }

    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Closes its port and every connection.
    pub async fn stop(self) -> SocketAddr {
        self.task.abort();
        assert!(self.task.await.is_err());
        self.address
    }
}

async fn serve(
    mut stream: tokio::net::TcpStream,
    script: Script,
    (heard, taken, frames, quiet): Kept,
    count: Arc<watch::Sender<usize>>,
) {
    let mut decoder = Decoder::new(1 << 20);
    let mut buffer = BytesMut::new();
    loop {
        while let Some(Ok(frame)) = decoder.next(&mut buffer) {
            let message = Message::parse(&frame).unwrap();
            let control_id = message.header().control_id().into_owned();
            if !quiet.load(Ordering::Relaxed) {
                frames.lock().unwrap().push(frame.to_vec());
            }
            let number = {
                let mut heard = heard.lock().unwrap();
                heard.push(control_id.clone());
                heard.len() - 1
            };
            let act = script(&control_id, &frame, number);
            if matches!(act, Act::LoseAck) {
                let mut taken = taken.lock().unwrap();
                taken.push(control_id);
                count.send_replace(taken.len());
                return;
            }
            let expected = match &act {
                Act::Expect(number) => Some(*number),
                _ => None,
            };
            let twist = match &act {
                Act::Twist(twist) => Some(*twist),
                _ => None,
            };
            let (code, foreign) = match act {
                Act::Twist(_) => (AckCode::AA, false),
                Act::Expect(_) => (AckCode::AE, false),
                Act::Ack(code) => (code, false),
                Act::Foreign => (AckCode::AA, true),
                Act::Silence => continue,
                Act::Garbage => {
                    if stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").await.is_err() {
                        return;
                    }
                    continue;
                }
                Act::Hang | Act::LoseAck => return,
            };
            let mut answer = ack::acknowledge(Some(&message), &Ack::of(code), "R1", "20260302103412");
            if let Some(number) = expected {
                let text = String::from_utf8(answer).unwrap();
                let (head, msa) = text.split_once("MSA|").unwrap();
                let fields: Vec<&str> = msa.trim_end().split('|').collect();
                answer = format!("{head}MSA|{}|{}||{number}\r", fields[0], fields[1]).into_bytes();
            } else if foreign {
                answer = String::from_utf8(answer)
                    .unwrap()
                    .replace(&control_id, "SOMEONE-ELSE")
                    .into_bytes();
            } else if let Some(twist) = twist {
                answer = twist(&String::from_utf8(answer).unwrap()).into_bytes();
            } else if code.is_positive() {
                let mut taken = taken.lock().unwrap();
                taken.push(control_id);
                count.send_replace(taken.len());
            }
            let mut out = BytesMut::new();
            mllp::encode(&answer, &mut out).unwrap();
            if stream.write_all(&out).await.is_err() {
                return;
            }
        }
        match stream.read_buf(&mut buffer).await {
            Ok(1..) => {}
            _ => return,
        }
    }
}

impl Bed {
    pub async fn journal_state(&self, state: DeliveryState) -> u64 {
        self.journal.counts().await.unwrap().deliveries_in(state)
    }

    pub async fn journal_queued(&self) -> u64 {
        self.journal_state(DeliveryState::Queued).await
    }
}

/// Requests straight to a router.
pub mod http {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Method, Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    async fn send(
        router: Router,
        method: Method,
        path: &str,
        media_type: &str,
        body: &[u8],
    ) -> (u16, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "127.0.0.1:8575")
            .header("content-type", media_type)
            .body(Body::from(body.to_vec()))
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn get(router: Router, path: &str) -> (u16, String) {
        send(router, Method::GET, path, "application/json", b"").await
    }

    pub async fn post(router: Router, path: &str, media_type: &str, body: &[u8]) -> (u16, String) {
        send(router, Method::POST, path, media_type, body).await
    }
}
