//! One running mock EPR: its port, its record, its outbox, its face.
//!
//! The life of an inbound message is [`Shared::take`], top to bottom: read, check, recognise a repetition, apply,
//! record; the answer leaves once the record is on disk. The state is locked for the shortest part of it, and entries
//! are submitted under that lock, so that the file never sees changes in another order than the state did.

mod choices;
mod keep;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hl7v2::Message;
use hl7v2::ack::AckCode;
use hl7v2::nhs::{Ranges, live_numbers};
use mllp::{Frame, Limits, Listener, Peer, Refusal as Unframed};

use crate::access::{Access, Client};
use crate::action::{ActError, ActReport, Action};
use crate::bulk::Jobs;
use crate::clock::{Clock, Local};
use crate::dirt::Planted;
use crate::emit::outbox::{self, Post};
use crate::extract::ExtractPart;
use crate::fault::{Fault, FaultError, FaultKind, Faults};
use crate::intake::answer::{Receipt, Receipts, accepted, refused, unreadable};
use crate::intake::{self, Refusal};
use crate::record::{Entry, Pending, RecordError, Recorder};
use crate::seed::{Population, hash};
use crate::state::State;
use crate::trouble::{Trouble, Troubles};
use crate::vendor::{Profile, Vendor};

pub(crate) use self::choices::Choices;

/// How one EPR is set up.
#[derive(Clone)]
#[non_exhaustive]
pub struct EprSettings {
    /// The system's name: its file is `<name>.sqlite`.
    pub name: String,
    /// How its HL7 looks.
    pub profile: &'static Profile,
    /// Where it listens for HL7; port 0 picks one.
    pub listen: SocketAddr,
    /// Where it sends what it has to tell, as `host:port`; nowhere when left out.
    pub send_to: Option<String>,
    /// The folder of its file; in memory when left out.
    pub data: Option<PathBuf>,
    /// How many synthetic people it knows at first.
    pub people: usize,
    /// Which people those are, and which ids they have.
    pub seed: u64,
    /// What time it is.
    pub clock: Clock,
    /// NHS numbers that may stand in a message.
    pub ranges: Ranges,
    /// Choices among its vendor's assumptions, by name.
    pub choices: BTreeMap<String, String>,
    /// The clients its FHIR face lets in; anyone while none are named here.
    pub clients: Option<Vec<Client>>,
    /// What goes wrong at it from the start.
    pub faults: Vec<Fault>,
    /// Bounds of its port.
    pub limits: Limits,
    /// Bounds of its outbox.
    pub sending: outbox::Limits,
}

impl EprSettings {
    /// An EPR that listens on a free port of this machine, remembers nothing and knows nobody.
    #[must_use]
    pub fn new(name: &str, profile: &'static Profile, clock: Clock) -> Self {
        Self {
            name: name.to_owned(),
            profile,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            send_to: None,
            data: None,
            people: 0,
            seed: 1,
            clock,
            ranges: Ranges::default(),
            choices: BTreeMap::new(),
            clients: None,
            faults: Vec::new(),
            limits: Limits::default(),
            sending: outbox::Limits::default(),
        }
    }
}

/// Why an EPR did not start. No port is open then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The port cannot be opened.
    #[error("{name}: cannot listen on {address}: {source}")]
    Listen {
        /// The system.
        name: String,
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Its file cannot be opened or read.
    #[error("{name}: {source}")]
    Record {
        /// The system.
        name: String,
        /// What is wrong with the file.
        source: RecordError,
    },
    /// The first people could not be written down.
    #[error("{name}: the first people could not be recorded: {reason}")]
    Seeding {
        /// The system.
        name: String,
        /// What the store says.
        reason: String,
    },
    /// More people than the range of test numbers holds.
    #[error("{name}: people: at most {max}, the range of NHS numbers kept for tests holds no more")]
    People {
        /// The system.
        name: String,
        /// The most there can be.
        max: usize,
    },
    /// A client that the vendor does not take.
    #[error("{name}: client {client}: {problem}")]
    Client {
        /// The system.
        name: String,
        /// The client.
        client: String,
        /// Why not.
        problem: &'static str,
    },
    /// A choice that the vendor does not have.
    #[error("{name}: {choice}: {problem}")]
    Choice {
        /// The system.
        name: String,
        /// The choice.
        choice: String,
        /// What it may be.
        problem: String,
    },
    /// A fault that cannot be.
    #[error("{name}: {source}")]
    Fault {
        /// The system.
        name: String,
        /// What is wrong with it.
        source: FaultError,
    },
}

/// What everything in a running EPR shares.
pub(crate) struct Shared {
    pub vendor: &'static Vendor,
    pub profile: &'static Profile,
    pub choices: Choices,
    pub local: Local,
    /// Who may ask the FHIR face; anyone when there is none.
    pub access: Option<Access>,
    /// Exports under way and done.
    pub jobs: Jobs,
    pub ranges: Ranges,
    pub recorder: Recorder,
    pub post: Post,
    pub faults: Faults,
    /// How many synthetic people it was set up with.
    people: usize,
    inner: Mutex<Inner>,
}

/// What the lock guards.
pub(crate) struct Inner {
    pub state: State,
    pub troubles: Troubles,
    /// Read-only: nothing changes and no new control id is given.
    pub frozen: bool,
    receipts: Receipts,
    control_ids: ControlIds,
}

/// Control ids only grow, also over a crash: the file holds a number that none in use has reached.
struct ControlIds {
    next: u64,
    below: u64,
}

/// How many control ids one write to the file covers.
const CONTROL_ID_BLOCK: u64 = 10_000;

impl ControlIds {
    fn next(&mut self, entry: &mut Entry) -> u64 {
        let number = self.next;
        self.next += 1;
        if self.next >= self.below {
            self.below = self.next + CONTROL_ID_BLOCK;
            entry.control_ids_below = Some(self.below);
        }
        number
    }
}

impl Inner {
    /// A place in line for something that was numbered before; it costs a control id that nobody sees.
    pub(crate) fn place_in_line(&mut self, entry: &mut Entry) -> u64 {
        self.control_ids.next(entry)
    }

    /// The next control id of ours, as a number.
    pub(crate) fn control_id(&mut self, entry: &mut Entry) -> u64 {
        self.control_ids.next(entry)
    }
}

/// A running mock EPR. [`shutdown`](Self::shutdown) ends it well; dropping it ends it at once.
pub struct Epr {
    shared: Arc<Shared>,
    listener: Listener,
    sending: Option<Sending>,
    drain: Duration,
}

/// The task that empties the outbox; ends with its EPR.
struct Sending(tokio::task::JoinHandle<()>);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What waits to be sent, and what became of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outbox {
    /// Messages not yet taken by the receiver.
    pub queued: u64,
    /// Messages taken since the start.
    pub delivered: u64,
    /// Messages refused for good.
    pub refused: u64,
}

impl Epr {
    /// Starts an EPR: reads its file, puts the first people on an empty index, opens its port.
    ///
    /// # Errors
    /// [`StartError`], and then nothing is left running.
    pub async fn start(vendor: &'static Vendor, settings: EprSettings) -> Result<Self, StartError> {
        let name = settings.name.clone();
        let choices =
            Choices::new(vendor, &settings.choices).map_err(|(choice, problem)| StartError::Choice {
                name: name.clone(),
                choice,
                problem,
            })?;
        for client in settings.clients.iter().flatten() {
            (vendor.admits)(client).map_err(|problem| StartError::Client {
                name: name.clone(),
                client: client.id.clone(),
                problem,
            })?;
        }
        let faults = Faults::new(settings.seed);
        faults
            .replace(settings.faults)
            .map_err(|source| StartError::Fault {
                name: name.clone(),
                source,
            })?;
        if settings.people > Population::PEOPLE_MAX {
            return Err(StartError::People {
                name,
                max: Population::PEOPLE_MAX,
            });
        }
        let path = settings
            .data
            .as_ref()
            .map(|folder| folder.join(format!("{name}.sqlite")));
        let opened = tokio::task::spawn_blocking({
            let name = name.clone();
            move || Recorder::open(&name, path)
        });
        let (recorder, loaded) = opened
            .await
            .unwrap_or_else(|_| Err(RecordError::Sqlite(rusqlite::Error::InvalidQuery)))
            .map_err(|source| StartError::Record {
                name: name.clone(),
                source,
            })?;
        let mut receipts = Receipts::default();
        for receipt in &loaded.receipts {
            receipts.keep(receipt);
        }
        let control_ids = ControlIds {
            next: loaded.control_ids_below.max(1),
            below: loaded.control_ids_below,
        };
        let shared = Arc::new(Shared {
            vendor,
            profile: settings.profile,
            choices,
            local: Local::new(settings.clock),
            access: settings.clients.map(Access::new),
            jobs: Jobs::default(),
            ranges: settings.ranges,
            recorder,
            post: Post::new(
                loaded.outgoing,
                loaded.sent,
                loaded.refused,
                settings.send_to.is_some(),
            ),
            faults,
            people: settings.people,
            inner: Mutex::new(Inner {
                troubles: Troubles::load(loaded.troubles),
                frozen: loaded.frozen,
                state: State::load(settings.seed, loaded.people, loaded.reports),
                receipts,
                control_ids,
            }),
        });
        if !loaded.seeded {
            shared
                .seed(settings.people)
                .await
                .map_err(|reason| StartError::Seeding {
                    name: name.clone(),
                    reason,
                })?;
        }
        let listener = Listener::bind(settings.listen, settings.limits, Door(shared.clone()))
            .await
            .map_err(|source| StartError::Listen {
                name,
                address: settings.listen,
                source,
            })?;
        let drain = Duration::from_millis(settings.sending.drain_ms);
        let sending = settings.send_to.map(|address| {
            Sending(tokio::spawn(outbox::run(
                shared.clone(),
                address,
                settings.sending,
            )))
        });
        Ok(Self {
            shared,
            listener,
            sending,
            drain,
        })
    }

    /// Where it listens for HL7.
    #[must_use]
    pub fn mllp_address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Its FHIR face, at the vendor's own path; none where the product has none.
    #[must_use]
    pub fn router(&self) -> Option<axum::Router> {
        let face = self.shared.vendor.face?;
        Some(crate::face::faulty(
            face(self.shared.clone()),
            self.shared.clone(),
        ))
    }

    /// Whether its FHIR face asks for tokens of its own.
    #[must_use]
    pub fn authorises(&self) -> bool {
        self.shared.access.is_some()
    }

    /// Does what a person at its keyboard would; returns once the change is on disk and the message in the outbox.
    ///
    /// # Errors
    /// [`ActError`], and then nothing happened.
    pub async fn act(&self, action: Action) -> Result<ActReport, ActError> {
        crate::act::act(&self.shared, action).await
    }

    /// The faults that stand.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.shared.faults.list()
    }

    /// Puts these faults in place of those that stood.
    ///
    /// # Errors
    /// [`FaultError`], and then nothing was switched.
    pub fn set_faults(&self, faults: Vec<Fault>) -> Result<(), FaultError> {
        self.shared.faults.replace(faults)
    }

    /// Messages that were accepted and could not be filed, oldest first.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        self.shared.lock().troubles.list()
    }

    /// The choices made among its vendor's assumptions, by name.
    pub fn choices(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.shared.choices.iter()
    }

    /// How many people are on its index, those merged away included.
    #[must_use]
    pub fn people(&self) -> usize {
        self.shared.lock().state.people_count()
    }

    /// Everything that is true now, as tables and as messages.
    #[must_use]
    pub fn extract(&self) -> Vec<ExtractPart> {
        crate::extract::extract(&self.shared)
    }

    /// What is wrong with the people it was seeded with, and what is right. It follows from seed, number of people and
    /// choices: a file that is opened with others tells another truth.
    #[must_use]
    pub fn truth(&self) -> Vec<Planted> {
        self.shared.truth(self.shared.people)
    }

    /// What waits to be sent.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.shared.post.counts()
    }

    /// Waits until nothing waits to be sent.
    pub async fn outbox_empty(&self) {
        self.shared.post.empty().await;
    }

    /// Ends it: no more frames, the outbox gets its time to drain, the file is closed. What could not be sent is sent
    /// after the next start.
    pub async fn shutdown(self) {
        self.listener.shutdown().await;
        if let Some(sending) = self.sending {
            let drained = tokio::time::timeout(self.drain, self.shared.post.empty()).await;
            if drained.is_err() {
                tracing::warn!(
                    system = self.shared.vendor.name,
                    "messages still wait to be sent; they keep"
                );
            }
            drop(sending);
        }
        self.shared.recorder.close().await;
    }
}

/// The service behind the port.
struct Door(Arc<Shared>);

impl mllp::Service for Door {
    async fn call(&self, _peer: &Peer, frame: Frame) -> Option<Bytes> {
        let shared = &self.0;
        if let Some(fault) = shared.faults.strikes(FaultKind::Nak) {
            return Some(shared.refuse_by_fault(&frame, &fault));
        }
        // No await before the change is submitted: frames of one connection stay in order.
        let taken = shared.take(&frame);
        let Some(pending) = taken.pending else {
            return shared.answer_through_faults(taken.answer).await;
        };
        match pending.await {
            Ok(()) => shared.answer_through_faults(taken.answer).await,
            Err(error) => {
                tracing::error!(system = shared.vendor.name, %error, "a message could not be recorded");
                Some(shared.not_recorded(&frame, taken.receipt))
            }
        }
    }

    async fn refused(&self, _peer: &Peer, refusal: Unframed) -> Option<Bytes> {
        Some(
            self.0
                .refuse_unreadable(&refusal.head, &refusal.error.to_string()),
        )
    }
}

/// An answer, and what must be on disk before it may leave.
struct Taken {
    answer: Bytes,
    pending: Option<Pending>,
    receipt: u64,
}

impl From<Bytes> for Taken {
    fn from(answer: Bytes) -> Self {
        Self {
            answer,
            pending: None,
            receipt: 0,
        }
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves whole documents behind: the state is still the file's.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, frame: &[u8]) -> Taken {
        let message = match Message::parse(frame) {
            Ok(message) => message,
            Err(error) => return self.refuse_unreadable(frame, &error.to_string()).into(),
        };
        if let Some(place) = live_numbers(&message, &self.ranges).first() {
            let refusal = Refusal {
                code: AckCode::AE,
                condition: "103",
                place: Some(*place),
                text: format!("{place}: looks like a live NHS number; only numbers kept for tests are taken"),
            };
            return self.refuse(&message, &refusal).into();
        }
        let mut change = match intake::read(&message, self.profile, &self.choices) {
            Ok(change) => change,
            Err(refusal) => return self.refuse(&message, &refusal).into(),
        };
        change.numbers_only = self.choices.get("matching") == "numbers-only";
        let header = message.header();
        let key = hash(
            0,
            &[
                header.sending_application().as_bytes(),
                header.sending_facility().as_bytes(),
                header.control_id().as_bytes(),
            ],
        );
        let content = hash(0, &[frame]);
        let (now, now_ms) = (self.local.hl7_now(), self.local.now_ms());
        let mut entry = Entry::default();
        let mut inner = self.lock();
        let answer = match inner.receipts.answer(key, content) {
            // Nothing to apply; but the first of the two may still be on its way to the disk, ahead of this entry.
            Some(answer) => answer,
            None if inner.frozen => {
                let refusal = Refusal::error("207", "MSH", "the record is read-only; send it again later");
                drop(inner);
                return self.refuse(&message, &refusal).into();
            }
            None => {
                let barred = (self.profile.reading.bars)(&message, &change, &inner.state, &self.choices);
                if let Some(refusal) = barred {
                    drop(inner);
                    return self.refuse(&message, &refusal).into();
                }
                let number = inner.control_id(&mut entry);
                let failed = (self.profile.reading.fails)(&message, &change, &inner.state, &self.choices);
                if let Some(reason) = failed {
                    let trouble = Trouble::of(&message, reason, now_ms, frame);
                    entry.trouble = Some(trouble.clone());
                    inner.troubles.add(trouble);
                } else {
                    let applied = inner.state.apply(change, now_ms);
                    inner.state.document(&applied, &mut entry.documents);
                }
                let answer = accepted(&message, &(self.profile.writing.control_id)(number), &now);
                let receipt = Receipt {
                    key,
                    content,
                    answer: answer.clone(),
                };
                inner.receipts.keep(&receipt);
                entry.receipt = Some(receipt);
                answer
            }
        };
        let submitted = self.recorder.submit(entry);
        drop(inner);
        match submitted {
            Ok(pending) => Taken {
                answer,
                pending: Some(pending),
                receipt: key,
            },
            Err(_) => self.not_recorded(frame, key).into(),
        }
    }

    fn refuse(&self, message: &Message<'_>, refusal: &Refusal) -> Bytes {
        refused(message, refusal, &self.answer_id(), &self.local.hl7_now())
    }

    fn refuse_unreadable(&self, frame: &[u8], reason: &str) -> Bytes {
        let code = self.profile.reading.unreadable;
        let refusal = Refusal {
            code,
            condition: "100",
            place: None,
            text: reason.to_owned(),
        };
        unreadable(frame, &refusal, &self.answer_id(), &self.local.hl7_now())
    }

    /// The answer when the disk said no; the same message sent again will be heard anew.
    fn not_recorded(&self, frame: &[u8], receipt: u64) -> Bytes {
        self.lock().receipts.forget(receipt);
        let refusal = Refusal {
            code: AckCode::AE,
            condition: "207",
            place: None,
            text: "not recorded; send it again".to_owned(),
        };
        unreadable(frame, &refusal, &self.answer_id(), &self.local.hl7_now())
    }

    /// MSH-10 of an answer that changes nothing.
    fn answer_id(&self) -> String {
        let mut entry = Entry::default();
        let number = {
            let mut inner = self.lock();
            if inner.frozen {
                // A frozen record gives no new number: its refusals all carry the last.
                inner.control_ids.next.saturating_sub(1)
            } else {
                inner.control_id(&mut entry)
            }
        };
        if entry.control_ids_below.is_some() {
            // Of the answer nobody waits for: should this write fail, the next one covers the same block.
            drop(self.recorder.submit(entry));
        }
        (self.profile.writing.control_id)(number)
    }
}
