//! The error queue: messages that were accepted and could not be filed, for somebody to look at and try again.
//!
//! Products accept at the communication layer and fail later, in a log of their own that piles up unseen. The queue
//! names a message by its control id and says why; it shows no content.

use std::collections::VecDeque;

use bytes::Bytes;
use hl7v2::Message;
use serde::Serialize;

use crate::act::Told;
use crate::action::{ActError, ActReport, RetriggerOf};
use crate::epr::Shared;
use crate::intake;
use crate::record::Entry;

/// One message that could not be filed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Trouble {
    /// MSH-10 of the message as it came.
    pub control_id: String,
    /// What came, such as `ORU^R01`.
    pub event: String,
    /// Why it was not filed: a place and a rule.
    pub reason: String,
    /// When it came, in milliseconds since 1970.
    pub at_ms: i64,
    /// The message, for whoever tries again.
    #[serde(skip)]
    pub(crate) message: Bytes,
}

impl Trouble {
    pub(crate) fn of(message: &Message<'_>, reason: &str, at_ms: i64, frame: &[u8]) -> Self {
        let header = message.header();
        Self {
            control_id: header.control_id().into_owned(),
            event: format!("{}^{}", header.message_code(), header.trigger_event()),
            reason: reason.to_owned(),
            at_ms,
            message: Bytes::copy_from_slice(frame),
        }
    }
}

/// Troubles kept; the oldest goes when one more comes.
pub(crate) const TROUBLES_MAX: usize = 1_000;

/// The error queue in memory; the same queue is in the file.
#[derive(Default)]
pub(crate) struct Troubles(VecDeque<Trouble>);

impl Troubles {
    pub(crate) fn load(loaded: Vec<Trouble>) -> Self {
        Self(loaded.into())
    }

    pub(crate) fn add(&mut self, trouble: Trouble) {
        if self.0.len() >= TROUBLES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(trouble);
    }

    pub(crate) fn list(&self) -> Vec<Trouble> {
        self.0.iter().cloned().collect()
    }

    fn find(&self, control_id: &str) -> Option<&Trouble> {
        self.0.iter().find(|trouble| trouble.control_id == control_id)
    }

    fn remove(&mut self, control_id: &str) {
        self.0.retain(|trouble| trouble.control_id != control_id);
    }
}

impl Shared {
    /// Files a message of the error queue after all, when what was missing is there now.
    pub(crate) async fn retrigger(&self, of: &RetriggerOf) -> Result<ActReport, ActError> {
        let (pending, told) = {
            let mut inner = self.lock();
            let Some(trouble) = inner.troubles.find(&of.control_id).cloned() else {
                return Err(ActError::Bad {
                    field: "control-id",
                    problem: "no message of that control id is in the error queue",
                });
            };
            let still = ActError::Bad {
                field: "control-id",
                problem: "it cannot be filed yet; the error queue says why",
            };
            let Ok(message) = Message::parse(&trouble.message) else {
                return Err(still);
            };
            let Ok(change) = intake::read(&message, self.profile, &self.choices) else {
                return Err(still);
            };
            if (self.profile.reading.fails)(&message, &change, &inner.state, &self.choices).is_some() {
                return Err(still);
            }
            let mut entry = Entry::default();
            let applied = inner.state.apply(change, self.local.now_ms());
            inner.state.document(&applied, &mut entry.documents);
            entry.settled = Some(trouble.control_id.clone());
            inner.troubles.remove(&trouble.control_id);
            let report = ActReport {
                event: trouble.event,
                control_id: trouble.control_id,
                fhir_id: (self.vendor.patient_id)(inner.state.seed(), applied.person),
                ..ActReport::default()
            };
            let pending = self.recorder.submit(entry).map_err(|_| ActError::Closed)?;
            (pending, Told { report, applied })
        };
        pending.await.map_err(|_| ActError::NotRecorded)?;
        Ok(told.report)
    }
}
