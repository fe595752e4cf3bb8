//! The receiving end of a bench: answers AA, and remembers what came and when.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::{Ack, AckCode};
use mllp::{Frame, Peer, Service};
use tokio::sync::watch;

use super::load;

/// What arrived, in the order it arrived.
pub(super) struct Arrival {
    pub(super) patient: usize,
    pub(super) step: usize,
    pub(super) at: Instant,
    pub(super) payload: Bytes,
}

/// Counts as it receives; judging comes after the clock has stopped.
pub(super) struct Sink {
    arrivals: Mutex<Vec<Arrival>>,
    foreign: Mutex<usize>,
    count: watch::Sender<usize>,
}

impl Sink {
    pub(super) fn new(expected: usize) -> Arc<Self> {
        let arrivals = Mutex::new(Vec::with_capacity(expected));
        Arc::new(Self {
            arrivals,
            foreign: Mutex::new(0),
            count: watch::Sender::new(0),
        })
    }

    /// Follows how many have arrived.
    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// All that arrived, and how many messages were none of ours.
    pub(super) fn take(&self) -> (Vec<Arrival>, usize) {
        let arrivals = std::mem::take(&mut *self.arrivals.lock().unwrap_or_else(PoisonError::into_inner));
        (
            arrivals,
            *self.foreign.lock().unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn receive(&self, frame: Frame) -> Option<Bytes> {
        let at = Instant::now();
        let payload = frame.into_bytes();
        let message = Message::parse(&payload).ok()?;
        let control_id = message.header().control_id();
        let answer = hl7v2::ack::acknowledge(Some(&message), &Ack::of(AckCode::AA), &control_id, "");
        if let Some((patient, step)) = load::of_control_id(&control_id) {
            drop(control_id);
            let payload = payload.clone();
            let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
            arrivals.push(Arrival {
                patient,
                step,
                at,
                payload,
            });
            let so_far = arrivals.len();
            drop(arrivals);
            self.count.send_replace(so_far);
        } else {
            *self.foreign.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
        Some(answer.into())
    }
}

/// A receiver that takes everything and remembers nothing.
pub(super) struct Taking;

impl Service for Taking {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let payload = frame.into_bytes();
        let message = Message::parse(&payload).ok()?;
        let control_id = message.header().control_id();
        Some(hl7v2::ack::acknowledge(Some(&message), &Ack::of(AckCode::AA), &control_id, "").into())
    }
}

/// The sink as an MLLP service.
pub(super) struct Receiving(pub(super) Arc<Sink>);

impl Service for Receiving {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        self.0.receive(frame)
    }
}
