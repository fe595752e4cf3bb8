//! Bulk exports of a group: a job for each request, its lines made person by person beside the requests, its files kept
//! until they are deleted or expire.
//!
//! What a kick-off may ask for and how refusals read is the vendor's; so is the shape of a resource. Nothing of a job can
//! be read before all of it can. The record is locked for one person at a time, so an export holds up nobody, and is of
//! the time it took rather than of one moment. Jobs are in memory and gone with the process.

mod asked;
mod desk;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fhir::Resource;
use rest::Parameter;
use tokio::sync::watch;

use crate::access::{Lens, View};
use crate::epr::Shared;
use crate::face::{Hit, pick};
use crate::state::State;
use crate::state::encounter::{Encounter, Stage};

pub(crate) use self::asked::{Asked, Fault};
pub(crate) use self::desk::{Manner, routes};

/// Most jobs held at a time, done or not.
const JOBS_MAX: usize = 16;
/// Most bytes that one job's files may have.
const EXPORT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How long a request for the status waits for a job that should be done.
const PATIENCE: Duration = Duration::from_secs(1);

/// The jobs of one EPR.
#[derive(Default)]
pub(crate) struct Jobs(Mutex<Held>);

#[derive(Default)]
struct Held {
    made: u64,
    jobs: BTreeMap<String, Arc<Job>>,
}

/// One export.
pub(crate) struct Job {
    pub id: String,
    /// Whose it is.
    asker: String,
    /// The request that started it, as a URL.
    request: String,
    started_ms: i64,
    /// Not done before then, however fast the machine: these products take their time.
    ready_ms: i64,
    expires_ms: i64,
    people: usize,
    people_done: AtomicUsize,
    made: watch::Sender<Made>,
}

/// What has come of a job.
#[derive(Clone)]
enum Made {
    Nothing,
    Files(Arc<Vec<File>>),
    TooLarge,
}

/// The resources of one type, one a line.
struct File {
    resource_type: String,
    count: usize,
    lines: Bytes,
}

/// What goes into an export.
pub(crate) struct Export {
    pub types: Vec<String>,
    /// Searches: what of a type satisfies one of them goes in.
    pub filters: Vec<(String, Vec<Parameter>)>,
    /// Only what changed since.
    pub since_ms: Option<i64>,
    pub people: Vec<u32>,
    /// What a person has of a type, and its shape.
    pub lines: for<'s> fn(&'s State, &'s Lens, &str, u32) -> Vec<Hit<'s>>,
    pub shape: for<'s> fn(&'s State, &'s Lens, Hit<'s>) -> Resource,
    /// Through whose eyes.
    pub lens: Lens,
}

/// Who asks, from where, and how long it takes and keeps.
pub(crate) struct Kickoff {
    pub asker: String,
    pub request: String,
    pub takes_ms: i64,
    pub kept_ms: i64,
    /// Whether an asker may have one under way and no more.
    pub one_at_a_time: bool,
}

/// The asker has one under way, or all places are taken.
#[derive(Debug)]
pub(crate) struct Throttled;

impl Jobs {
    /// Starts an export; its lines are made from now on.
    pub(crate) fn start(
        shared: &Arc<Shared>,
        kickoff: Kickoff,
        export: Export,
    ) -> Result<Arc<Job>, Throttled> {
        let now_ms = shared.local.now_ms();
        let mut held = shared.jobs.held(now_ms);
        let waits = |job: &Arc<Job>| job.asker == kickoff.asker && job.is_under_way(now_ms);
        if held.jobs.len() >= JOBS_MAX || (kickoff.one_at_a_time && held.jobs.values().any(waits)) {
            return Err(Throttled);
        }
        held.made += 1;
        // New with every start of the process, so that a job of the last is not found by its old name.
        let name = format!("{}/{now_ms}/{}", shared.vendor.name, held.made);
        let job = Arc::new(Job {
            id: uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
            asker: kickoff.asker,
            request: kickoff.request,
            started_ms: now_ms,
            ready_ms: now_ms + kickoff.takes_ms,
            expires_ms: now_ms + kickoff.takes_ms + kickoff.kept_ms,
            people: export.people.len(),
            people_done: AtomicUsize::new(0),
            made: watch::Sender::new(Made::Nothing),
        });
        held.jobs.insert(job.id.clone(), Arc::clone(&job));
        drop(held);
        let (shared, making) = (Arc::clone(shared), Arc::downgrade(&job));
        tokio::task::spawn_blocking(move || {
            let mut builder = Builder::new(&export);
            for person in &export.people {
                // Once deleted, there is nobody to make it for.
                let Some(job) = making.upgrade() else { return };
                if !builder.add(&shared, &export, *person) {
                    job.made.send_replace(Made::TooLarge);
                    return;
                }
                job.people_done.fetch_add(1, Ordering::Relaxed);
            }
            if let Some(job) = making.upgrade() {
                job.made.send_replace(Made::Files(Arc::new(builder.files())));
            }
        });
        Ok(job)
    }

    /// The jobs that have not expired.
    fn held(&self, now_ms: i64) -> std::sync::MutexGuard<'_, Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.jobs.retain(|_, job| now_ms < job.expires_ms);
        held
    }

    fn find(&self, id: &str, asker: &str, now_ms: i64) -> Option<Arc<Job>> {
        let held = self.held(now_ms);
        held.jobs.get(id).filter(|job| job.asker == asker).cloned()
    }

    fn delete(&self, id: &str, asker: &str, now_ms: i64) -> bool {
        let mut held = self.held(now_ms);
        let own = held.jobs.get(id).is_some_and(|job| job.asker == asker);
        own && held.jobs.remove(id).is_some()
    }
}

impl Job {
    fn is_under_way(&self, now_ms: i64) -> bool {
        now_ms < self.ready_ms || matches!(*self.made.borrow(), Made::Nothing)
    }

    /// What has come of it by now.
    async fn outcome(&self, now_ms: i64) -> Made {
        if now_ms < self.ready_ms {
            return Made::Nothing;
        }
        let mut seen = self.made.subscribe();
        let done = seen.wait_for(|made| !matches!(made, Made::Nothing));
        match tokio::time::timeout(PATIENCE, done).await {
            Ok(Ok(made)) => made.clone(),
            _ => Made::Nothing,
        }
    }

    /// How much is done, of a hundred.
    fn percent(&self, now_ms: i64) -> i64 {
        let share = |done: i64, all: i64| {
            if all <= 0 {
                100
            } else {
                (done * 100 / all).clamp(0, 100)
            }
        };
        let count = |people: usize| i64::try_from(people).unwrap_or(i64::MAX / 100);
        let made = share(
            count(self.people_done.load(Ordering::Relaxed)),
            count(self.people),
        );
        made.min(share(now_ms - self.started_ms, self.ready_ms - self.started_ms))
            .min(99)
    }

    /// Whole seconds until it is worth asking again.
    fn retry_after_s(&self, now_ms: i64) -> i64 {
        ((self.ready_ms - now_ms + 999) / 1_000).clamp(1, 120)
    }
}

/// The files as they grow.
struct Builder {
    files: Vec<(String, usize, Vec<u8>)>,
    bytes: usize,
}

impl Builder {
    fn new(export: &Export) -> Self {
        let files = export.types.iter().map(|name| (name.clone(), 0, Vec::new()));
        Self {
            files: files.collect(),
            bytes: 0,
        }
    }

    /// Adds what a person has; false once it is too much.
    fn add(&mut self, shared: &Shared, export: &Export, person: u32) -> bool {
        let found: Vec<Vec<Resource>> = {
            let inner = shared.lock();
            self.files
                .iter()
                .map(|(kind, _, _)| of(&inner.state, export, kind, person))
                .collect()
        };
        for ((_, count, lines), resources) in self.files.iter_mut().zip(found) {
            for resource in resources {
                let line = resource.to_vec();
                self.bytes += line.len() + 1;
                *count += 1;
                lines.extend(line);
                lines.push(b'\n');
            }
        }
        self.bytes <= EXPORT_BYTES_MAX
    }

    fn files(self) -> Vec<File> {
        let filled = self.files.into_iter().filter(|(_, count, _)| *count > 0);
        filled
            .map(|(resource_type, count, lines)| File {
                resource_type,
                count,
                lines: lines.into(),
            })
            .collect()
    }
}

/// What a person has of one type that the filters of it let through.
fn of(state: &State, export: &Export, kind: &str, person: u32) -> Vec<Resource> {
    let mut hits = (export.lines)(state, &export.lens, kind, person);
    if let Some(since_ms) = export.since_ms {
        hits.retain(|hit| hit.updated_ms() >= since_ms);
    }
    let shape = |hit| (export.shape)(state, &export.lens, hit);
    let filters: Vec<_> = export.filters.iter().filter(|(of, _)| of == kind).collect();
    if filters.is_empty() {
        return hits.into_iter().map(shape).collect();
    }
    let mut found = Vec::new();
    for hit in hits {
        let mut passes = false;
        for (_, parameters) in &filters {
            let parameters: Vec<&Parameter> = parameters.iter().collect();
            // Which parameters there are was checked when the export was asked for.
            passes |= pick(vec![hit], &parameters, "", shape).is_ok_and(|picked| !picked.is_empty());
        }
        if passes {
            found.push(shape(hit));
        }
    }
    found
}

/// The groups there are: everyone, and whoever lies in a bed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Everyone,
    Inpatients,
}

impl Group {
    /// Its people as somebody sees them, by key; those merged away are in none. Who lies in a bed that the asker may not
    /// see is not in the group of those who do: to be in it would tell of the visit.
    pub(crate) fn people(self, state: &State, lens: &Lens) -> Vec<u32> {
        let view = View::new(state, lens);
        let lies = |visit: &Encounter| {
            visit.stage() == Stage::Open && visit.merged_into.is_none() && view.encounter(visit.key).is_some()
        };
        let everybody = state.everybody().into_iter();
        everybody
            .filter(|person| self == Self::Everyone || person.encounters.iter().any(lies))
            .map(|person| person.key)
            .collect()
    }
}
