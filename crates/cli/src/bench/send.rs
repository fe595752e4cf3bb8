//! The sending end of a bench: one connection, so many messages in flight, as fast as answered or by the clock.
//!
//! By the clock (open loop) a message's time begins when it should have left, whether or not the connection was
//! free by then: what a slow gateway makes others wait for is counted, not left out.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use hl7v2::Message;
use mllp::Decoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::load::Load;
use super::report::Sent;
use crate::exit::Failure;

/// Longest answer read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Without an answer for this long the bench has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the messages of one connection should leave.
#[derive(Clone, Copy)]
pub(super) struct Schedule {
    pub(super) first: Instant,
    pub(super) apart: Duration,
}

/// A message on its way.
struct UnderWay {
    load: Load,
    at: Instant,
}

/// Sends a share over one connection and hears every answer.
pub(super) async fn send(
    address: SocketAddr,
    share: Vec<Load>,
    window: usize,
    schedule: Option<Schedule>,
) -> anyhow::Result<Vec<Sent>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let (expected, room) = (share.len(), Semaphore::new(window.max(1)));
    let under_way: Mutex<VecDeque<UnderWay>> = Mutex::default();
    let queue = || {
        under_way
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    };
    let writing = async {
        let mut frame = BytesMut::new();
        let mut intended = schedule.map(|schedule| schedule.first);
        for load in share {
            if let (Some(schedule), Some(at)) = (schedule, intended) {
                tokio::time::sleep_until(at.into()).await;
                intended = Some(at + schedule.apart);
            }
            room.acquire().await?.forget();
            let at = match (schedule, intended) {
                (Some(schedule), Some(next)) => next - schedule.apart,
                _ => Instant::now(),
            };
            frame.clear();
            mllp::encode(&load.bytes, &mut frame)?;
            queue().push_back(UnderWay { load, at });
            writer.write_all(&frame).await?;
        }
        anyhow::Ok(())
    };
    let reading = async {
        let (mut decoder, mut buffer) = (Decoder::new(ANSWER_BYTES_MAX), BytesMut::new());
        let mut sent = Vec::with_capacity(expected);
        while sent.len() < expected {
            while let Some(frame) = decoder.next(&mut buffer) {
                let acknowledged_at = Instant::now();
                let frame = frame.map_err(|refusal| Failure::RunTime.because(refusal.error.to_string()))?;
                let UnderWay { load, at } = queue()
                    .pop_front()
                    .ok_or_else(|| Failure::RunTime.because("an answer nobody asked for"))?;
                room.add_permits(1);
                sent.push(Sent {
                    positive: is_positive(&frame, &load),
                    load,
                    at,
                    acknowledged_at,
                });
            }
            if sent.len() < expected {
                let read = tokio::time::timeout(PATIENCE, reader.read_buf(&mut buffer)).await;
                match read.map_err(|_| Failure::RunTime.because("no answer any more"))?? {
                    0 => return Err(Failure::RunTime.because("the gateway closed the connection")),
                    _ => continue,
                }
            }
        }
        anyhow::Ok(sent)
    };
    let ((), sent) = tokio::try_join!(writing, reading)?;
    Ok(sent)
}

/// Whether an answer is a yes to this message: MSA-2 is its MSH-10.
fn is_positive(answer: &[u8], load: &Load) -> bool {
    let (Ok(answer), Ok(sent)) = (Message::parse(answer), Message::parse(&load.bytes)) else {
        return false;
    };
    hl7v2::ack::read(&answer)
        .is_ok_and(|ack| ack.code.is_positive() && ack.control_id == sent.header().control_id())
}
