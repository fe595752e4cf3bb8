//! A message through the whole gateway: over a socket, recorded with an fsync, acknowledged, translated from one
//! vendor's dialect to another's, and taken by a receiver over another socket.
//!
//! `one_connection` sends each message after the answer to the one before: the disk's fsync decides.
//! `64_connections` do the same side by side and share fsyncs: the processor decides. A round ends when the
//! receiver has every message, so what is counted is delivered, not only acknowledged.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::VENDORS;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gateway::{Clock, Gateway, Ids, Running, config};
use hl7v2::Message;
use hl7v2::ack::{Ack, AckCode, acknowledge};
use mllp::{Frame, Limits, Listener, Peer, Sender, SenderLimits};
use store::SqliteJournal;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use translate::{Settings, Translator};

const ADMISSION: &str = include_str!("../fixtures/bench/adt_a01.hl7");

/// Accepts everything and counts it.
struct Receiver(watch::Sender<u64>);

impl mllp::Service for Receiver {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let message = Message::parse(&frame).ok()?;
        self.0.send_modify(|count| *count += 1);
        Some(acknowledge(Some(&message), &Ack::of(AckCode::AA), "R1", "20260101000000").into())
    }
}

/// A gateway between two sockets.
struct Bed {
    address: SocketAddr,
    delivered: watch::Receiver<u64>,
    running: Option<Running>,
    receiver: Option<Listener>,
    sent: u64,
    template: Vec<u8>,
    _dir: tempfile::TempDir,
}

impl Bed {
    async fn start() -> Self {
        let (from, to) = (VENDORS[0].profiles[0].dialect, VENDORS[1].profiles[0].dialect);
        let (count, delivered) = watch::channel(0);
        let receiver = Listener::bind("127.0.0.1:0", Limits::default(), Receiver(count)).await;
        let receiver = receiver.expect("loopback has a free port");
        let text = format!(
            "[gateway]\nhttp = '127.0.0.1:0'\n\
             [[endpoint]]\nname = 'in'\nlisten = 'mllp://127.0.0.1:0'\ndialect = '{}'\n\
             [[endpoint]]\nname = 'out'\nsend = 'mllp://{}'\ndialect = '{}'\nconnections = 64\n\
             [[interface]]\nname = 'in-to-out'\nfrom = 'in'\nto = 'out'\n",
            from.name,
            receiver.address(),
            to.name
        );
        let settings = config::load(&text, "bench", &[from, to]).expect("the configuration holds");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let journal = SqliteJournal::open(dir.path(), store::Settings::default()).expect("a journal");
        let running = Gateway::start(settings, Arc::new(journal), Clock::system(), Ids::system()).await;
        let running = running.expect("the gateway starts");
        let translator = Translator::new(Settings::default()).expect("the vocabularies are sound");
        let canonical = Message::parse(ADMISSION.as_bytes()).expect("the fixture is a message");
        let mut template = Vec::new();
        translator.convert(
            &canonical,
            &translate::dialect::STANDARD,
            from,
            &mut template,
            None,
        );
        let address = running.address("in").expect("the gateway listens");
        let (running, receiver) = (Some(running), Some(receiver));
        Self {
            address,
            delivered,
            running,
            receiver,
            sent: 0,
            template,
            _dir: dir,
        }
    }

    /// Sends so many messages over so many connections, and waits until the receiver has them.
    async fn round(&mut self, messages: u64, connections: u64) -> Duration {
        let shares: Vec<Vec<Vec<u8>>> = (0..connections)
            .map(|share| {
                let own = messages / connections + u64::from(share < messages % connections);
                (0..own).map(|_| self.message()).collect()
            })
            .collect();
        let began = Instant::now();
        let senders: Vec<_> = shares
            .into_iter()
            .map(|share| tokio::spawn(send(self.address, share)))
            .collect();
        for sender in senders {
            sender.await.expect("a sender");
        }
        let all = self.sent;
        self.delivered
            .wait_for(|delivered| *delivered >= all)
            .await
            .expect("the receiver lives");
        began.elapsed()
    }

    /// The template under a control id and a patient of its own.
    fn message(&mut self) -> Vec<u8> {
        self.sent += 1;
        let number = self.sent;
        let text = String::from_utf8_lossy(&self.template);
        let mut segments = text
            .split('\r')
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let mut header: Vec<&str> = segments[0].split('|').collect();
        let control_id = format!("B{number:019}");
        header[9] = &control_id;
        let header = header.join("|");
        segments[0] = header;
        if let Some(patient) = segments.iter_mut().find(|segment| segment.starts_with("PID|")) {
            let mut fields: Vec<&str> = patient.split('|').collect();
            let identifier = format!("B{number:09}^^^BENCH^MR"); // ten digits could be an NHS number
            fields[3] = &identifier;
            *patient = fields.join("|");
        }
        (segments.join("\r") + "\r").into_bytes()
    }

    async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.drain().await;
        }
        if let Some(receiver) = self.receiver.take() {
            receiver.shutdown().await;
        }
    }
}

async fn send(address: SocketAddr, messages: Vec<Vec<u8>>) {
    if messages.is_empty() {
        return;
    }
    let mut sender = Sender::connect(address, SenderLimits::default())
        .await
        .expect("a connection");
    for message in messages {
        let answer = sender.send(&message).await.expect("an answer");
        let answer = Message::parse(&answer).expect("a readable answer");
        let code = hl7v2::ack::read(&answer).expect("an acknowledgement").code;
        assert!(code.is_positive(), "refused with {code}");
    }
}

fn pipeline(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let mut bed = runtime.block_on(Bed::start());
    let mut group = criterion.benchmark_group("pipeline/adt_a01");
    group
        .throughput(Throughput::Elements(1))
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    for (variant, connections) in [("one_connection", 1), ("64_connections", 64)] {
        group.bench_function(variant, |b| {
            b.iter_custom(|iterations| runtime.block_on(bed.round(iterations, connections)));
        });
    }
    group.finish();
    runtime.block_on(bed.stop());
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
