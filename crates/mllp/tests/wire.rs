//! Listener and sender over real sockets on port 0. Nothing sleeps: tests wait for conditions.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use mllp::{Decoder, Frame, Limits, Listener, Peer, SendError, Sender, SenderLimits, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

struct Echo;

impl Service for Echo {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        Some([b"ack:", &frame[..]].concat().into())
    }
}

/// Answers when let go.
struct Gated {
    begun: Semaphore,
    gate: Semaphore,
}

impl Service for Gated {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        self.begun.add_permits(1);
        self.gate.acquire().await.ok()?.forget();
        Some(frame.into_bytes())
    }
}

async fn listener(limits: Limits) -> Listener {
    Listener::bind("127.0.0.1:0", limits, Echo)
        .await
        .expect("port 0 is free")
}

async fn connect(listener: &Listener) -> Sender {
    Sender::connect(listener.address(), SenderLimits::default())
        .await
        .expect("it listens")
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0; 16]).await, Ok(1..))
}

#[tokio::test]
async fn a_frame_is_answered_over_tcp_in_order_and_again() {
    let listener = listener(Limits::default()).await;
    let mut sender = connect(&listener).await;
    for payload in ["one", "two", "three"] {
        assert_eq!(
            sender.send(payload.as_bytes()).await.expect("answered"),
            format!("ack:{payload}")
        );
    }
    assert_eq!(listener.counts().frames, 3);
}

#[tokio::test]
async fn a_16_mib_frame_passes_and_one_more_byte_does_not() {
    let listener = listener(Limits::default()).await;
    let limits = SenderLimits {
        frame_bytes_max: 32 << 20,
        ..SenderLimits::default()
    };
    let mut sender = Sender::connect(listener.address(), limits)
        .await
        .expect("it listens");
    let payload = vec![b'x'; 16 << 20];
    assert_eq!(
        sender.send(&payload).await.expect("answered").len(),
        payload.len() + 4
    );
    let mut stream = TcpStream::connect(listener.address()).await.expect("it listens");
    let wire = [b"\x0bx", &payload[..], b"\x1c\r\x0bnext\x1c\r"].concat();
    stream.write_all(&wire).await.expect("taken");
    let mut answer = [0; 11];
    stream
        .read_exact(&mut answer)
        .await
        .expect("the next one is answered");
    assert_eq!(&answer, b"\x0back:next\x1c\r");
    assert_eq!(listener.counts().frames_refused, 1);
}

#[tokio::test]
async fn a_large_burst_pipelined_is_answered_whole_and_in_order() {
    let listener = listener(Limits::default()).await;
    let (mut reader, mut writer) = TcpStream::connect(listener.address())
        .await
        .expect("it listens")
        .into_split();
    let sending = tokio::spawn(async move {
        for number in 0..5_000 {
            writer
                .write_all(format!("\x0b{number}\x1c\r\r\n").as_bytes())
                .await
                .expect("taken");
        }
        writer
    });
    let (mut decoder, mut buffer, mut next) = (Decoder::new(1024), BytesMut::new(), 0);
    while next < 5_000 {
        assert_ne!(reader.read_buf(&mut buffer).await.expect("open"), 0);
        while let Some(answer) = decoder.next(&mut buffer) {
            assert_eq!(&answer.expect("whole")[..], format!("ack:{next}").as_bytes());
            next += 1;
        }
    }
    sending.await.expect("sent");
}

#[tokio::test]
async fn connections_are_limited_per_peer_and_a_seat_comes_free() {
    let listener = listener(Limits {
        connections_per_peer_max: 2,
        ..Limits::default()
    })
    .await;
    let (mut first, mut second) = (connect(&listener).await, connect(&listener).await);
    first.send(b"a").await.expect("seated");
    second.send(b"b").await.expect("seated");
    let mut third = TcpStream::connect(listener.address())
        .await
        .expect("accepted, then closed");
    assert!(is_closed(&mut third).await);
    assert_eq!(listener.counts().connections_refused, 1);
    drop(first);
    // The seat is free once the listener has seen the end; until then it says no.
    loop {
        let mut again = connect(&listener).await;
        if again.send(b"c").await.is_ok() {
            break;
        }
    }
    second
        .send(b"still served")
        .await
        .expect("others keep their seat");
}

#[tokio::test]
async fn connections_are_limited_in_all() {
    let listener = listener(Limits {
        connections_max: 1,
        ..Limits::default()
    })
    .await;
    let mut first = connect(&listener).await;
    first.send(b"a").await.expect("seated");
    assert!(is_closed(&mut TcpStream::connect(listener.address()).await.expect("accepted")).await);
    first.send(b"b").await.expect("still served");
}

#[tokio::test]
async fn shutdown_answers_what_is_in_flight_then_closes_the_port() {
    let service = Arc::new(Gated {
        begun: Semaphore::new(0),
        gate: Semaphore::new(0),
    });
    let listener = Listener::bind("127.0.0.1:0", Limits::default(), service.clone())
        .await
        .expect("port 0 is free");
    let address = listener.address();
    let mut sender = connect(&listener).await;
    let asked = tokio::spawn(async move { (sender.send(b"in flight").await, sender) });
    service.begun.acquire().await.expect("open").forget();
    let stopping = tokio::spawn(listener.shutdown());
    service.gate.add_permits(1);
    let (answer, mut sender) = asked.await.expect("ran");
    assert_eq!(answer.expect("answered before the close"), "in flight");
    drop(sender.send(b"too late").await.expect_err("closed"));
    drop(sender);
    stopping.await.expect("stopped");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
}

/// A peer that answers each frame with the next of these bytes, whatever they are.
async fn peer(answers: Vec<&'static [u8]>) -> std::net::SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is free");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut stream, _) = socket.accept().await.expect("a connection");
        let (mut decoder, mut buffer) = (Decoder::new(1 << 20), BytesMut::new());
        for answer in answers {
            while decoder.next(&mut buffer).is_none() {
                if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            stream.write_all(answer).await.expect("taken");
        }
        // Stays open and silent until the other side has gone.
        while !matches!(stream.read_buf(&mut buffer).await, Ok(0) | Err(_)) {}
    });
    address
}

async fn ask(answers: Vec<&'static [u8]>, limits: SenderLimits, sends: usize) -> (SendError, Sender) {
    let mut sender = Sender::connect(peer(answers).await, limits)
        .await
        .expect("it listens");
    for _ in 1..sends {
        sender.send(b"MSH|").await.expect("answered");
    }
    let error = sender.send(b"MSH|").await.expect_err("in doubt");
    (error, sender)
}

#[tokio::test]
async fn any_doubt_spends_the_sender() {
    let brief = SenderLimits {
        answer_timeout_ms: 100,
        ..SenderLimits::default()
    };
    let small = SenderLimits {
        frame_bytes_max: 4,
        ..SenderLimits::default()
    };
    let usual = SenderLimits::default();
    let cases: Vec<(&str, Vec<&'static [u8]>, SenderLimits, usize)> = vec![
        ("no answer", vec![], brief.clone(), 1),
        ("half an answer", vec![b"\x0bMSA|AA"], brief, 1),
        (
            "an unframed answer",
            vec![b"MSH|^~\\&|\rMSA|AA\r"],
            usual.clone(),
            1,
        ),
        (
            "an answer with junk before it",
            vec![b"junk\x0bMSA|AA\x1c\r"],
            usual.clone(),
            1,
        ),
        ("an answer too large", vec![b"\x0bMSA|AA\x1c\r"], small, 1),
        (
            "two answers to one question",
            vec![b"\x0ba\x1c\r\x0bb\x1c\r", b"\x0bc\x1c\r"],
            usual.clone(),
            2,
        ),
        (
            "two answers, the second unfinished",
            vec![b"\x0ba\x1c\r\x0bb"],
            usual,
            2,
        ),
    ];
    for (name, answers, limits, sends) in cases {
        let (error, mut sender) = ask(answers, limits, sends).await;
        let as_expected = match name {
            "no answer" | "half an answer" => matches!(error, SendError::TimedOut { .. }),
            "an answer too large" => matches!(error, SendError::Answer(_)),
            "an unframed answer" | "an answer with junk before it" => matches!(error, SendError::Unframed),
            _ => matches!(error, SendError::Unsolicited),
        };
        assert!(as_expected, "{name}: {error}");
        assert!(!sender.is_usable(), "{name}");
        assert!(
            matches!(sender.send(b"MSH|").await, Err(SendError::Spent)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_late_answer_is_not_credited_to_the_next_message() {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is free");
    let address = socket.local_addr().expect("bound");
    let mut sender = Sender::connect(address, SenderLimits::default())
        .await
        .expect("it listens");
    let (mut stream, _) = socket.accept().await.expect("a connection");
    stream
        .write_all(b"\x0bMSA|AA|an older one\x1c\r")
        .await
        .expect("taken");
    stream.flush().await.expect("flushed");
    // Loopback delivers before the next call; nothing needs the reactor to have noticed.
    assert!(matches!(
        sender.send(b"MSH|new").await,
        Err(SendError::Unsolicited)
    ));
    drop(sender);
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
    assert!(rest.is_empty(), "nothing was sent");
}

#[tokio::test]
async fn fillers_after_an_answer_are_no_doubt() {
    let answers: Vec<&[u8]> = vec![b"\x0ba\x1c\r\n", b"\0\r\x0bb\x1c\r\0", b"\x0bc\x1c\r"];
    let mut sender = Sender::connect(peer(answers).await, SenderLimits::default())
        .await
        .expect("it listens");
    for expected in ["a", "b", "c"] {
        assert_eq!(sender.send(b"MSH|").await.expect("answered"), expected);
    }
}

#[tokio::test]
async fn a_second_answer_can_be_awaited() {
    let answers: Vec<&[u8]> = vec![b"\x0bMSA|CA\x1c\r\x0bMSA|AA\x1c\r"];
    let mut sender = Sender::connect(peer(answers).await, SenderLimits::default())
        .await
        .expect("it listens");
    assert_eq!(sender.send(b"MSH|").await.expect("answered"), "MSA|CA");
    assert_eq!(sender.answer().await.expect("answered"), "MSA|AA");
}

#[tokio::test]
async fn a_dropped_send_spends_the_sender() {
    let mut sender = Sender::connect(peer(vec![]).await, SenderLimits::default())
        .await
        .expect("it listens");
    let mut send = Box::pin(sender.send(b"MSH|"));
    assert!(futures_util::poll!(send.as_mut()).is_pending());
    drop(send);
    assert!(matches!(sender.send(b"MSH|").await, Err(SendError::Spent)));
}

#[tokio::test]
async fn a_payload_that_cannot_be_framed_is_not_sent_and_costs_nothing() {
    let listener = listener(Limits::default()).await;
    let mut sender = connect(&listener).await;
    assert!(matches!(
        sender.send(b"a\x1c\rb").await,
        Err(SendError::Unframable(_))
    ));
    assert_eq!(sender.send(b"good").await.expect("answered"), "ack:good");
}

#[tokio::test]
async fn a_refused_connection_is_said_so() {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("port 0 is free");
    let address = socket.local_addr().expect("bound");
    drop(socket);
    let error = Sender::connect(address, SenderLimits::default())
        .await
        .expect_err("nobody listens");
    assert!(matches!(error, SendError::Connect(_)), "{error}");
    assert!(!error.may_have_arrived());
}
