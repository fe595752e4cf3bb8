//! Faults on demand: what goes wrong on a wire, switched on and off while an EPR runs.
//!
//! A fault strikes for a count of times, or each time with a probability, and then it is over. Dice are drawn from
//! the seed and a counter: the same run meets the same faults. Neither a fault nor its report holds patient data.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::seed::mix;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FaultKind {
    /// An inbound message is answered `delay-ms` late.
    Latency,
    /// An inbound message is refused with `code`, and not heard.
    Nak,
    /// An inbound message is heard and never answered.
    LostAck,
    /// An inbound message is heard and answered after `delay-ms`.
    LateAck,
    /// The answer names another message in MSA-2.
    #[serde(rename = "wrong-msa-2")]
    WrongMsa2,
    /// The line is cut instead of an answer; the message was heard.
    Disconnect,
    /// A message of the EPR's own leaves twice.
    Duplicate,
    /// A message of the EPR's own leaves after the one behind it.
    Reorder,
    /// A message of the EPR's own leaves with its end torn off.
    Corrupt,
    /// A message of the EPR's own waits `delay-ms` by the EPR's clock while others pass.
    Delay,
    /// Nothing leaves while the fault stands.
    Hold,
    /// A FHIR request is answered 401.
    #[serde(rename = "fhir-401")]
    Fhir401,
    /// A FHIR write is answered 412.
    #[serde(rename = "fhir-412")]
    Fhir412,
    /// A FHIR request is answered 429, to be tried again after a second.
    #[serde(rename = "fhir-429")]
    Fhir429,
    /// A FHIR request is answered 503.
    #[serde(rename = "fhir-503")]
    Fhir503,
    /// A FHIR answer comes `delay-ms` late.
    FhirSlow,
    /// A FHIR answer breaks off in its middle.
    FhirTruncated,
    /// A further page of a search begins with what the page before ended with, where the product's may.
    PageRepeat,
}

/// One fault as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub fault: FaultKind,
    /// How often it strikes; for ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How likely it strikes each time, from 0 to 1; always when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// How long, where there is something to wait for; a second when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// `AE` (the default) or `AR`, of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Why a list of faults is not taken; nothing was switched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault {place}: {problem}")]
pub struct FaultError {
    /// Which of the list, from 1.
    pub place: usize,
    /// What is wrong with it and what would do.
    pub problem: &'static str,
}

/// Faults kept at one EPR at most.
const FAULTS_MAX: usize = 64;

/// The faults that stand.
pub(crate) struct Faults(Mutex<Standing>);

struct Standing {
    faults: Vec<Fault>,
    draws: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(Standing {
            faults: Vec::new(),
            draws: mix(seed),
        }))
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// Puts these in place of those that stood.
    pub(crate) fn replace(&self, faults: Vec<Fault>) -> Result<(), FaultError> {
        Fault::check(&faults)?;
        self.lock().faults = faults;
        Ok(())
    }

    /// Whether a fault of that kind strikes now; what strikes is counted down.
    pub(crate) fn strikes(&self, kind: FaultKind) -> Option<Fault> {
        let mut standing = self.lock();
        // Nothing stands almost always: no draw then, so that a run without faults is a run without dice.
        let at = standing
            .faults
            .iter()
            .position(|fault| fault.fault == kind && fault.count != Some(0))?;
        standing.draws = standing.draws.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let drawn = (mix(standing.draws) >> 11) as f64 / (1_u64 << 53) as f64;
        let fault = &mut standing.faults[at];
        if fault.probability.is_some_and(|likely| drawn >= likely) {
            return None;
        }
        if let Some(count) = &mut fault.count {
            *count -= 1;
        }
        let struck = fault.clone();
        if struck.count == Some(0) {
            standing.faults.remove(at);
        }
        Some(struck)
    }

    /// Whether one of that kind stands, without striking.
    pub(crate) fn stands(&self, kind: FaultKind) -> bool {
        self.lock().faults.iter().any(|fault| fault.fault == kind)
    }

    /// Until when a new message of the EPR's own must wait; 0 when it need not.
    pub(crate) fn delay(&self, now_ms: i64) -> i64 {
        self.strikes(FaultKind::Delay)
            .map_or(0, |fault| now_ms.saturating_add_unsigned(fault.wait_ms()))
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    /// Whether a list of faults can stand at an EPR.
    ///
    /// # Errors
    /// [`FaultError`] with the first that cannot.
    pub fn check(faults: &[Self]) -> Result<(), FaultError> {
        if faults.len() > FAULTS_MAX {
            let problem = "at most 64 at a time";
            return Err(FaultError {
                place: FAULTS_MAX + 1,
                problem,
            });
        }
        for (at, fault) in faults.iter().enumerate() {
            let problem = match fault {
                Self {
                    probability: Some(given),
                    ..
                } if !(0.0..=1.0).contains(given) => "probability: from 0 to 1",
                Self { code: Some(code), .. } if code != "AE" && code != "AR" => "code: AE or AR",
                Self {
                    delay_ms: Some(600_001..),
                    fault,
                    ..
                } if *fault != FaultKind::Delay => "delay-ms: at most ten minutes",
                _ => continue,
            };
            return Err(FaultError {
                place: at + 1,
                problem,
            });
        }
        Ok(())
    }

    pub(crate) fn wait_ms(&self) -> u64 {
        self.delay_ms.unwrap_or(1_000)
    }

    pub(crate) fn wait(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.wait_ms())
    }
}

/// An answer that names another message: MSA-2 with its characters turned round, or one more.
pub(crate) fn misnamed(answer: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(answer.len() + 1);
    for line in answer.split_inclusive(|byte| *byte == b'\r') {
        let separator = line.get(3).copied().unwrap_or(b'|');
        if !line.starts_with(b"MSA") {
            out.extend_from_slice(line);
            continue;
        }
        for (at, field) in line.split(|byte| *byte == separator).enumerate() {
            if at > 0 {
                out.push(separator);
            }
            if at == 2 {
                out.push(b'X');
            }
            out.extend_from_slice(field);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: FaultKind) -> Fault {
        Fault {
            fault: kind,
            count: None,
            probability: None,
            delay_ms: None,
            code: None,
        }
    }

    #[test]
    fn a_counted_fault_is_over_when_it_has_struck() {
        let faults = Faults::new(1);
        let twice = Fault {
            count: Some(2),
            ..fault(FaultKind::Nak)
        };
        faults.replace(vec![twice]).unwrap();
        assert!(faults.strikes(FaultKind::LostAck).is_none());
        assert!(faults.strikes(FaultKind::Nak).is_some() && faults.strikes(FaultKind::Nak).is_some());
        assert!(faults.strikes(FaultKind::Nak).is_none() && faults.list().is_empty());
    }

    #[test]
    fn a_likely_fault_strikes_about_so_often_and_the_same_each_run() {
        let run = || {
            let faults = Faults::new(7);
            let likely = Fault {
                probability: Some(0.25),
                ..fault(FaultKind::LostAck)
            };
            faults.replace(vec![likely]).unwrap();
            (0..1000)
                .filter(|_| faults.strikes(FaultKind::LostAck).is_some())
                .count()
        };
        assert!((200..300).contains(&run()), "{}", run());
        assert_eq!(run(), run());
    }

    #[test]
    fn a_fault_that_cannot_be_is_refused_whole() {
        let faults = Faults::new(1);
        let wrong = Fault {
            probability: Some(2.0),
            ..fault(FaultKind::Nak)
        };
        let error = faults.replace(vec![fault(FaultKind::Hold), wrong]).unwrap_err();
        assert_eq!(error.to_string(), "fault 2: probability: from 0 to 1");
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_misnamed_answer_differs_in_msa_2_only() {
        let answer = b"MSH|^~\\&|A\rMSA|AA|17|ok\r";
        assert_eq!(misnamed(answer), b"MSH|^~\\&|A\rMSA|AA|X17|ok\r");
    }
}
