//! Actions: what somebody at the keyboard does becomes a [`Change`] like any message, and a message of the EPR's own.

mod clinical;
mod person;
mod results;
mod visits;

use jiff::Timestamp;

use crate::action::{ActError, ActReport, Action};
use crate::clock::london;
use crate::emit::{Emission, Phase};
use crate::epr::{Inner, Shared};
use crate::record::{Entry, Outgoing};
use crate::state::change::VisitAct;
use crate::state::encounter::Stage;
use crate::state::person::{Person, Role};
use crate::state::{Applied, Change, State, Text};

/// Carries out one action: change and message become durable together, then the message may leave.
pub(crate) async fn act(shared: &Shared, action: Action) -> Result<ActReport, ActError> {
    let told = match action {
        Action::Freeze => return shared.freeze(true).await,
        Action::Thaw => return shared.freeze(false).await,
        Action::Resend(resend) => return shared.resend(&resend).await,
        Action::Retrigger(retrigger) => return shared.retrigger(&retrigger).await,
        action => transact(shared, |planner| planner.plan(action)).await?,
    };
    Ok(told.report)
}

/// What became of a plan.
pub(crate) struct Told {
    pub report: ActReport,
    pub applied: Applied,
}

/// Plans under the lock, applies, and waits for the disk: what the plan saw is what it changes.
pub(crate) async fn transact<E: From<ActError>>(
    shared: &Shared,
    plan: impl FnOnce(Planner<'_>) -> Result<Plan, E>,
) -> Result<Told, E> {
    let (pending, sequence, told) = {
        let mut inner = shared.lock();
        if inner.frozen {
            return Err(ActError::Frozen.into());
        }
        let plan = plan(Planner {
            shared,
            inner: &mut inner,
            now: shared.local.hl7_now(),
        })?;
        tell(shared, &mut inner, plan)?
    };
    match pending.await {
        Ok(()) => {
            shared.post.release(sequence);
            Ok(told)
        }
        Err(error) => {
            tracing::error!(system = shared.vendor.name, %error, "an action could not be recorded");
            shared.post.take_back(sequence);
            Err(ActError::NotRecorded.into())
        }
    }
}

/// What an action comes to.
#[derive(Default)]
pub(crate) struct Plan {
    /// Message code and trigger event; empty for the one by which the product tells of what was noted.
    pub told_by: (&'static str, &'static str),
    pub change: Change,
    pub cleared: Vec<String>,
    /// The number of the visit that goes or moves.
    pub gone: Text,
}

impl Plan {
    pub(crate) fn adt(event: &'static str, change: Change) -> Self {
        Self {
            told_by: ("ADT", event),
            change,
            ..Self::default()
        }
    }
}

/// Applies a plan, writes its message, and puts both in line for the disk.
fn tell(
    shared: &Shared,
    inner: &mut Inner,
    plan: Plan,
) -> Result<(crate::record::Pending, u64, Told), ActError> {
    let now = shared.local.hl7_now();
    let at = plan.change.at.clone();
    let mut entry = Entry::default();
    let sequence = inner.control_id(&mut entry);
    let control_id = (shared.profile.writing.control_id)(sequence);
    let applied = inner.state.apply(plan.change, shared.local.now_ms());
    inner.state.document(&applied, &mut entry.documents);
    let state = &inner.state;
    let person = state
        .person(applied.person)
        .ok_or(ActError::UnknownPatient { field: "patient" })?;
    let report = applied.reports.first().and_then(|key| state.report(*key));
    let report = report.filter(|_| plan.told_by.0 == "ORU");
    let encounter = applied.encounter.and_then(|key| person.encounter(key));
    let item = applied.items.first().and_then(|key| state.item(*key));
    let item = item.map(|(_, item)| item);
    let (code, event) = match item {
        Some(item) if plan.told_by.0.is_empty() => {
            (shared.profile.writing.tells)(item, Phase::of(item), &shared.choices)
        }
        _ => plan.told_by,
    };
    let message: bytes::Bytes = (shared.profile.writing.write)(&Emission {
        code,
        event,
        control_id: &control_id,
        now: &now,
        at: &at,
        person,
        encounter,
        loser: applied.loser.and_then(|key| state.person(key)),
        report,
        item,
        gone: &plan.gone,
        before: encounter
            .and_then(|encounter| encounter.moved_from)
            .and_then(|key| state.person(key)),
        cleared: &plan.cleared,
        choices: &shared.choices,
    })
    .into();
    let report = ActReport {
        event: format!("{code}^{event}"),
        control_id: control_id.clone(),
        mrn: person
            .alias(Role::Mrn)
            .map(|alias| alias.value.to_string())
            .unwrap_or_default(),
        fhir_id: (shared.vendor.patient_id)(state.seed(), applied.person),
        visit: encounter.map(|encounter| encounter.number.to_string()),
        filler: report.map(|report| report.filler.to_string()),
        number: item.map(|item| item.placer.to_string()),
        queued: shared.post.has_receiver(),
        message: message.clone(),
    };
    let outgoing = Outgoing {
        sequence,
        control_id,
        message,
        not_before_ms: shared.faults.delay(shared.local.now_ms()),
        at_ms: shared.local.now_ms(),
    };
    let queued = shared.post.has_receiver();
    if queued {
        entry.outgoing = Some(outgoing.clone());
    }
    let pending = shared.recorder.submit(entry).map_err(|_| ActError::Closed)?;
    if queued {
        shared.post.put(outgoing);
    }
    Ok((pending, sequence, Told { report, applied }))
}

/// Turns what somebody wants into a [`Plan`], under the lock.
pub(crate) struct Planner<'a> {
    pub shared: &'a Shared,
    inner: &'a mut Inner,
    pub now: String,
}

impl Planner<'_> {
    fn plan(self, action: Action) -> Result<Plan, ActError> {
        match action {
            Action::Freeze | Action::Thaw | Action::Resend(_) | Action::Retrigger(_) => Err(ActError::Closed),
            Action::Register(register) => self.register(register),
            Action::Update(update) => self.update(update),
            Action::Admit(admit) => self.begin("A01", VisitAct::Begin, "inpatient", admit),
            Action::Attend(admit) => self.begin("A04", VisitAct::Begin, "outpatient", admit),
            Action::PreAdmit(admit) => self.begin("A05", VisitAct::Plan, "preadmit", admit),
            Action::Transfer(transfer) => self.transfer(transfer),
            Action::CancelTransfer(of) => self.of_visit("A12", VisitAct::CancelMove, Stage::Open, of),
            Action::Discharge(discharge) => self.discharge(discharge),
            Action::CancelDischarge(of) => self.of_visit("A13", VisitAct::CancelLeave, Stage::Closed, of),
            Action::CancelAdmit(of) => self.of_visit("A11", VisitAct::CancelBegin, Stage::Open, of),
            Action::Merge(merge) => self.merge(merge),
            Action::Unmerge(unmerge) => self.unmerge(unmerge),
            Action::MergeVisit(merge) => self.merge_visit(merge),
            Action::MoveVisit(moved) => self.move_visit(moved),
            Action::Renumber(renumber) => self.renumber(renumber),
            Action::CreateEncounter(admit) => self.begin("A04", VisitAct::Plan, "outpatient", admit),
            Action::PlanTransfer(transfer) => self.plan_transfer(transfer),
            Action::CancelPlanTransfer(of) => self.of_visit("A26", VisitAct::CancelPlan, Stage::Open, of),
            Action::CancelPreAdmit(of) => self.of_visit("A38", VisitAct::CancelBegin, Stage::Planned, of),
            Action::Order(order) => self.order(order),
            Action::CancelOrder(of) => self.cancel_order(of),
            Action::Book(book) => self.book(book),
            Action::Rebook(rebook) => self.rebook(rebook),
            Action::Arrive(of) => self.booking_status(of, "arrived"),
            Action::NoShow(of) => self.booking_status(of, "noshow"),
            Action::CancelBooking(of) => self.booking_status(of, "cancelled"),
            Action::Allergy(allergy) => self.allergy(allergy),
            Action::Problem(problem) => self.problem(problem),
            Action::Document(document) => self.document(document),
            Action::Result(result) => self.result(result, false),
            Action::CorrectResult(result) => self.result(result, true),
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.inner.state
    }

    /// Whoever is known by that number today.
    pub(crate) fn person(&self, field: &'static str, number: &str) -> Result<&Person, ActError> {
        self.state()
            .named(number)
            .ok_or(ActError::UnknownPatient { field })
    }

    /// A change about that person, as of that time.
    pub(crate) fn change(&self, person: &Person, at: Option<&str>) -> Result<Change, ActError> {
        let at = match at {
            Some(at) => hl7_time(at)?,
            None => self.now.as_str().into(),
        };
        let aliases = person
            .aliases
            .iter()
            .filter(|alias| alias.role != Role::Retired)
            .take(1)
            .cloned()
            .collect();
        Ok(Change {
            at,
            recorded: self.now.as_str().into(),
            aliases,
            ..Change::default()
        })
    }

    pub(crate) fn stored(&self, mut change: Change) -> Change {
        (self.shared.profile.reading.stores)(&mut change);
        change
    }
}

/// An HL7 time from a date or time as people and FHIR write them; a point in time is put on the hospital's clock.
pub(crate) fn hl7_time(text: &str) -> Result<Text, ActError> {
    let bad = ActError::Bad {
        field: "time",
        problem: "a date such as 2026-03-02, or a time such as 2026-03-02T10:15",
    };
    if let Ok(point) = text.parse::<Timestamp>() {
        return Ok(point
            .to_zoned_datetime(london())
            .strftime("%Y%m%d%H%M%S")
            .to_string()
            .into());
    }
    let allowed = |letter: char| letter.is_ascii_digit() || matches!(letter, '-' | ':' | 'T' | ' ');
    let digits: Text = text.chars().filter(char::is_ascii_digit).collect();
    let whole = matches!(digits.len(), 4 | 6 | 8 | 12 | 14);
    if !whole || !text.chars().all(allowed) || hl7v2::Time::parse(&digits).is_err() {
        return Err(bad);
    }
    Ok(digits)
}
