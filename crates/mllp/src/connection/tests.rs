//! One connection over a pipe, with paused time: time-outs pass at once and exactly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::serve;
use crate::listener::{Service, Shared};
use crate::{Decoder, Frame, Limits, Peer, Refusal};

/// Answers `ack:<payload>`; payloads that begin with `wait` only when let go; `quiet` gets nothing.
struct Echo {
    begun: std::sync::Mutex<Vec<Bytes>>,
    ended: AtomicUsize,
    begin: Notify,
    gate: Semaphore,
}

impl Echo {
    fn gated() -> Arc<Self> {
        Arc::new(Self {
            begun: std::sync::Mutex::default(),
            ended: AtomicUsize::new(0),
            begin: Notify::new(),
            gate: Semaphore::new(0),
        })
    }

    async fn until_begun(&self, count: usize) {
        loop {
            let begin = self.begin.notified();
            if self.begun.lock().expect("not poisoned").len() >= count {
                return;
            }
            begin.await;
        }
    }
}

impl Service for Echo {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        self.begun
            .lock()
            .expect("not poisoned")
            .push(frame.bytes().clone());
        self.begin.notify_waiters();
        if frame.starts_with(b"wait") {
            self.gate.acquire().await.expect("open").forget();
        }
        self.ended.fetch_add(1, Ordering::SeqCst);
        (!frame.starts_with(b"quiet")).then(|| [b"ack:", &frame[..]].concat().into())
    }

    async fn refused(&self, _peer: &Peer, refusal: Refusal) -> Option<Bytes> {
        Some(format!("nak:{}:{}", refusal.error, refusal.bytes_seen).into())
    }
}

struct Rig {
    peer: DuplexStream,
    service: Arc<Echo>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    decoder: Decoder,
    buffer: BytesMut,
}

fn rig(limits: Limits, service: Arc<Echo>, pipe_bytes: usize) -> Rig {
    let (peer, stream) = tokio::io::duplex(pipe_bytes);
    let shared = Arc::new(Shared::new(limits));
    let task = tokio::spawn({
        let (service, shared) = (service.clone(), shared.clone());
        async move {
            let peer = Peer::new("192.0.2.1:1000".parse().expect("an address"), 1);
            serve(&*service, &peer, stream, &shared).await;
        }
    });
    Rig {
        peer,
        service,
        shared,
        task,
        decoder: Decoder::new(1 << 20),
        buffer: BytesMut::new(),
    }
}

impl Rig {
    async fn send(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).await.expect("the connection takes it");
    }

    /// The next answer; `None` when the connection has ended.
    async fn answer(&mut self) -> Option<Bytes> {
        loop {
            if let Some(answer) = self.decoder.next(&mut self.buffer) {
                return Some(answer.expect("a whole answer").into_bytes());
            }
            if self.peer.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_leave_in_order_however_calls_end() {
    let mut rig = rig(Limits::default(), Echo::gated(), 1 << 16);
    rig.send(b"\x0bwait 1\x1c\r\x0bfast 2\x1c\r\x0bquiet 3\x1c\r\x0bfast 4\x1c\r")
        .await;
    rig.service.until_begun(4).await;
    rig.service.gate.add_permits(1);
    assert_eq!(rig.answer().await.expect("first"), "ack:wait 1");
    assert_eq!(rig.answer().await.expect("second"), "ack:fast 2");
    assert_eq!(rig.answer().await.expect("fourth"), "ack:fast 4");
}

#[tokio::test(start_paused = true)]
async fn calls_begin_in_order_and_only_as_many_as_the_window_holds() {
    let limits = Limits {
        window: 2,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    rig.send(b"\x0bwait 1\x1c\r\x0bwait 2\x1c\r\x0bwait 3\x1c\r")
        .await;
    rig.service.until_begun(2).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(rig.service.begun.lock().expect("not poisoned").len(), 2);
    rig.service.gate.add_permits(3);
    for expected in ["ack:wait 1", "ack:wait 2", "ack:wait 3"] {
        assert_eq!(rig.answer().await.expect("an answer"), expected);
    }
    assert_eq!(
        *rig.service.begun.lock().expect("not poisoned"),
        ["wait 1", "wait 2", "wait 3"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_and_noise_does_not_keep_it() {
    let limits = Limits {
        idle_timeout_ms: 10_000,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    let start = Instant::now();
    rig.send(b"\x0bone\x1c\r").await;
    assert_eq!(rig.answer().await.expect("an answer"), "ack:one");
    tokio::time::advance(Duration::from_secs(6)).await;
    rig.send(b"\r\n\0").await;
    assert_eq!(rig.answer().await, None);
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(rig.shared.tally.noise_bytes.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_trickles_in_is_refused_answered_and_cut() {
    let limits = Limits {
        partial_frame_timeout_ms: 2_000,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    rig.send(b"\x0bM").await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_millis(600)).await;
        rig.send(b"S").await;
    }
    let answer = rig.answer().await.expect("an answer before the close");
    assert!(answer.starts_with(b"nak:the frame did not end"), "{answer:?}");
    assert_eq!(rig.answer().await, None);
}

#[tokio::test(start_paused = true)]
async fn time_with_a_full_window_does_not_count_against_a_partial_frame() {
    let limits = Limits {
        partial_frame_timeout_ms: 2_000,
        window: 1,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    rig.send(b"\x0bwait 1\x1c\r\x0bsec").await;
    rig.service.until_begun(1).await;
    tokio::time::advance(Duration::from_secs(60)).await;
    rig.service.gate.add_permits(1);
    assert_eq!(rig.answer().await.expect("first"), "ack:wait 1");
    rig.send(b"ond\x1c\r").await;
    assert_eq!(rig.answer().await.expect("second"), "ack:second");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_inside_a_frame_gets_its_answers_and_a_refusal() {
    let mut rig = rig(Limits::default(), Echo::gated(), 1 << 16);
    rig.send(b"\x0bwhole\x1c\r\x0bcut").await;
    rig.peer.shutdown().await.expect("half closed");
    assert_eq!(rig.answer().await.expect("first"), "ack:whole");
    assert!(
        rig.answer()
            .await
            .expect("second")
            .starts_with(b"nak:the frame has no end")
    );
    assert_eq!(rig.answer().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_frame_beyond_the_limit_is_answered_and_the_next_one_served() {
    let limits = Limits {
        frame_bytes_max: 1_000,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    let stream = [b"\x0b", &[b'x'; 5_000][..], b"\x1c\r\x0bnext\x1c\r"].concat();
    rig.send(&stream).await;
    let answer = rig.answer().await.expect("first");
    assert_eq!(answer, "nak:the frame is longer than frame_bytes_max = 1000:5000");
    assert_eq!(rig.answer().await.expect("second"), "ack:next");
}

#[tokio::test(start_paused = true)]
async fn bytes_in_flight_are_bounded_over_all_connections() {
    let limits = Limits {
        frame_bytes_max: 200_000,
        in_flight_bytes_max: 200_000,
        window: 4,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    let large = [b"\x0bwait", &[b'x'; 150_000][..], b"\x1c\r"].concat();
    rig.send(&large).await;
    rig.service.until_begun(1).await;
    rig.send(&large).await;
    rig.send(b"\x0bsmall\x1c\r").await;
    rig.service.until_begun(2).await;
    rig.service.gate.add_permits(2);
    assert!(rig.answer().await.expect("first").starts_with(b"ack:wait"));
    let refused = rig.answer().await.expect("second");
    assert_eq!(
        refused,
        "nak:too many bytes are in flight: in_flight_bytes_max = 200000:150004"
    );
    assert_eq!(rig.answer().await.expect("third"), "ack:small");
    rig.send(&large).await;
    assert!(rig.answer().await.expect("room again").starts_with(b"ack:wait"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answers_is_held_back_and_then_cut_off() {
    let limits = Limits {
        write_timeout_ms: 3_000,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 256);
    let frame = [b"\x0b", &[b'x'; 200][..], b"\x1c\r"].concat();
    let mut accepted = 0;
    // Never reading: at some point the connection stops reading too, and then it ends.
    while rig.peer.write_all(&frame).await.is_ok() {
        accepted += 1;
        assert!(accepted < 2_000, "the connection reads without end");
    }
    (&mut rig.task).await.expect("ended");
    assert_eq!(rig.shared.tally.timed_out.load(Ordering::Relaxed), 1);
    let begun = rig.service.begun.lock().expect("not poisoned").len();
    assert_eq!(
        rig.service.ended.load(Ordering::SeqCst),
        begun,
        "no call was left half done"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_though_its_peer_has_gone() {
    let mut rig = rig(Limits::default(), Echo::gated(), 1 << 16);
    rig.send(b"\x0bwait 1\x1c\r").await;
    rig.service.until_begun(1).await;
    drop(rig.peer);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(!rig.task.is_finished());
    rig.service.gate.add_permits(1);
    rig.task.await.expect("ended");
    assert_eq!(rig.service.ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn stopping_answers_what_has_begun_and_nothing_else() {
    let limits = Limits {
        window: 1,
        ..Limits::default()
    };
    let mut rig = rig(limits, Echo::gated(), 1 << 16);
    rig.send(b"\x0bwait 1\x1c\r\x0bsecond\x1c\r").await;
    rig.service.until_begun(1).await;
    rig.shared.stop.cancel();
    rig.service.gate.add_permits(1);
    assert_eq!(rig.answer().await.expect("the one begun"), "ack:wait 1");
    assert_eq!(rig.answer().await, None);
    rig.task.await.expect("ended");
    assert_eq!(*rig.service.begun.lock().expect("not poisoned"), ["wait 1"]);
}
