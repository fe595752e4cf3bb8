//! What an EPR does beside taking messages: its first people, a freeze, sending again, faults on its answers.

use bytes::Bytes;

use super::Shared;
use crate::act::hl7_time;
use crate::action::{ActError, ActReport, ResendOf};
use crate::clock::in_window;
use crate::fault::{Fault, FaultKind, misnamed};
use crate::intake::Refusal;
use crate::record::{Entry, Outgoing};
use crate::seed::Population;

impl Shared {
    /// Puts the first people on the index, in groups, and waits until all are on disk.
    pub(super) async fn seed(&self, people: usize) -> Result<(), String> {
        let (seed, now_ms) = (self.lock().state.seed(), self.local.now_ms());
        let citizens = Population::new(seed, self.vendor.seed_block)
            .people()
            .take(people);
        let mut pending = Vec::with_capacity(people + 1);
        for citizen in citizens {
            let entry = {
                let mut inner = self.lock();
                let mut entry = Entry::default();
                for change in self.seeded(seed, &citizen).0 {
                    let applied = inner.state.apply(change, now_ms);
                    inner.state.document(&applied, &mut entry.documents);
                }
                entry
            };
            pending.push(
                self.recorder
                    .submit_patiently(entry)
                    .await
                    .map_err(|error| error.to_string())?,
            );
        }
        for pending in pending {
            pending.await.map_err(|error| error.to_string())?;
        }
        let done = Entry {
            seeded: true,
            ..Entry::default()
        };
        let pending = self
            .recorder
            .submit_patiently(done)
            .await
            .map_err(|error| error.to_string())?;
        pending.await.map_err(|error| error.to_string())
    }

    /// Makes the record read-only, or ends that; durable like any change.
    pub(crate) async fn freeze(&self, frozen: bool) -> Result<ActReport, ActError> {
        let pending = {
            let mut inner = self.lock();
            inner.frozen = frozen;
            let entry = Entry {
                frozen: Some(frozen),
                ..Entry::default()
            };
            self.recorder.submit(entry).map_err(|_| ActError::Closed)?
        };
        pending.await.map_err(|_| ActError::NotRecorded)?;
        Ok(ActReport {
            event: if frozen { "freeze" } else { "thaw" }.to_owned(),
            queued: self.post.counts().queued > 0,
            ..ActReport::default()
        })
    }

    /// Puts messages that were taken before in line again, as they were: same bytes, same control id.
    pub(crate) async fn resend(&self, of: &ResendOf) -> Result<ActReport, ActError> {
        let bound = |given: &Option<String>| given.as_deref().map(hl7_time).transpose();
        let (from, to) = (bound(&of.from)?, bound(&of.to)?);
        if of.control_id.is_none() && from.is_none() && to.is_none() {
            return Err(ActError::Bad {
                field: "control-id",
                problem: "a control id, or from and to",
            });
        }
        let meant = |sent: &Outgoing| {
            let at = self.local.hl7(sent.at_ms);
            of.control_id.as_ref().is_none_or(|id| *id == sent.control_id)
                && from.as_ref().is_none_or(|from| at.as_str() >= from.as_str())
                && to
                    .as_ref()
                    .is_none_or(|to| at.get(..to.len()).unwrap_or(&at) <= to.as_str())
        };
        let again: Vec<Outgoing> = self.post.sent().into_iter().filter(meant).collect();
        let Some(last) = again.last().cloned() else {
            return Err(ActError::Bad {
                field: "control-id",
                problem: "nothing that is still kept was sent so",
            });
        };
        let mut pending = None;
        let mut sequences = Vec::with_capacity(again.len());
        for sent in again {
            let mut entry = Entry::default();
            let mut inner = self.lock();
            let outgoing = Outgoing {
                // A place in line of its own; what receivers see stays as it was.
                sequence: inner.place_in_line(&mut entry),
                not_before_ms: 0,
                ..sent
            };
            sequences.push(outgoing.sequence);
            entry.outgoing = Some(outgoing.clone());
            pending = Some(self.recorder.submit(entry).map_err(|_| ActError::Closed)?);
            self.post.put(outgoing);
        }
        if let Some(pending) = pending {
            pending.await.map_err(|_| ActError::NotRecorded)?;
        }
        for sequence in sequences {
            self.post.release(sequence);
        }
        Ok(ActReport {
            event: "resend".to_owned(),
            control_id: last.control_id,
            queued: true,
            message: last.message,
            ..ActReport::default()
        })
    }

    /// Whether the product's nightly batch runs and nothing leaves.
    pub(crate) fn is_silent(&self) -> bool {
        in_window(self.choices.get("batch-window"), &self.local.hl7_now())
    }

    /// The refusal that a fault asks for; the message is not heard.
    pub(super) fn refuse_by_fault(&self, frame: &[u8], fault: &Fault) -> Bytes {
        let text = "refused by a fault that was switched on; send it again";
        let refusal = match fault.code.as_deref() {
            Some("AR") => Refusal::reject("207", "MSH", text),
            _ => Refusal::error("207", "MSH", text),
        };
        match hl7v2::Message::parse(frame) {
            Ok(message) => self.refuse(&message, &refusal),
            Err(error) => self.refuse_unreadable(frame, &error.to_string()),
        }
    }

    /// The answer as it leaves: late, lost, misnamed, or with the line cut, when a fault says so.
    pub(super) async fn answer_through_faults(&self, answer: Bytes) -> Option<Bytes> {
        for kind in [FaultKind::Latency, FaultKind::LateAck] {
            if let Some(fault) = self.faults.strikes(kind) {
                tokio::time::sleep(fault.wait()).await;
            }
        }
        if self.faults.strikes(FaultKind::LostAck).is_some() {
            return None;
        }
        if self.faults.strikes(FaultKind::Disconnect).is_some() {
            return Some(Bytes::new());
        }
        match self.faults.strikes(FaultKind::WrongMsa2) {
            Some(_) => Some(misnamed(&answer).into()),
            None => Some(answer),
        }
    }
}
