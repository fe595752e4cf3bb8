//! Actions: what somebody at the keyboard does becomes a [`Change`] like any message, and a message of the EPR's own.

mod results;

use hl7v2::nhs::NhsNumber;
use jiff::Timestamp;

use crate::action::{
    ActError, ActReport, Action, Admit, Details, Discharge, MergeOf, OfVisit, Register, Transfer, Update,
};
use crate::clock::london;
use crate::emit::Emission;
use crate::epr::{Inner, Shared};
use crate::record::{Entry, Outgoing};
use crate::state::change::{Demographics, Given, Merge, Visit, VisitAct};
use crate::state::encounter::{Encounter, Place, Stage};
use crate::state::person::{Address, Alias, Clinician, Coded, Name, Person, Role, Telecom};
use crate::state::{Applied, Change, State, Text};
use crate::vendor::Codes;

/// Carries out one action: change and message become durable together, then the message may leave.
pub(crate) async fn act(shared: &Shared, action: Action) -> Result<ActReport, ActError> {
    let (pending, sequence, report) = {
        let mut inner = shared.lock();
        let plan = Planner {
            shared,
            inner: &mut inner,
            now: shared.local.hl7_now(),
        }
        .plan(action)?;
        tell(shared, &mut inner, plan)?
    };
    match pending.await {
        Ok(()) => {
            shared.post.release(sequence);
            Ok(report)
        }
        Err(error) => {
            tracing::error!(system = shared.vendor.name, %error, "an action could not be recorded");
            shared.post.take_back(sequence);
            Err(ActError::NotRecorded)
        }
    }
}

/// What an action comes to.
struct Plan {
    event: &'static str,
    change: Change,
    cleared: Vec<String>,
}

/// Applies a plan, writes its message, and puts both in line for the disk.
fn tell(
    shared: &Shared,
    inner: &mut Inner,
    plan: Plan,
) -> Result<(crate::record::Pending, u64, ActReport), ActError> {
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
    let encounter = applied.encounter.and_then(|key| person.encounter(key));
    let message: bytes::Bytes = (shared.profile.writing.write)(&Emission {
        event: plan.event,
        control_id: &control_id,
        now: &now,
        at: &at,
        person,
        encounter,
        loser: applied.loser.and_then(|key| state.person(key)),
        report,
        cleared: &plan.cleared,
        choices: &shared.choices,
    })
    .into();
    let told = report_of(
        shared,
        state,
        &applied,
        plan.event,
        control_id.clone(),
        message.clone(),
    );
    let outgoing = Outgoing {
        sequence,
        control_id,
        message,
    };
    let queued = shared.post.has_receiver();
    if queued {
        entry.outgoing = Some(outgoing.clone());
    }
    let pending = shared.recorder.submit(entry).map_err(|_| ActError::Closed)?;
    if queued {
        shared.post.put(outgoing);
    }
    Ok((pending, sequence, told))
}

fn report_of(
    shared: &Shared,
    state: &State,
    applied: &Applied,
    event: &str,
    control_id: String,
    message: bytes::Bytes,
) -> ActReport {
    let person = state.person(applied.person);
    let report = applied.reports.first().and_then(|key| state.report(*key));
    let code = if report.is_some() { "ORU" } else { "ADT" };
    let encounter = applied.encounter.and_then(|key| person?.encounter(key));
    ActReport {
        event: format!("{code}^{event}"),
        control_id,
        mrn: person
            .and_then(|person| person.alias(Role::Mrn))
            .map(|alias| alias.value.to_string())
            .unwrap_or_default(),
        fhir_id: (shared.vendor.patient_id)(state.seed(), applied.person),
        visit: encounter.map(|encounter| encounter.number.to_string()),
        filler: report.map(|report| report.filler.to_string()),
        queued: shared.post.has_receiver(),
        message,
    }
}

struct Planner<'a> {
    shared: &'a Shared,
    inner: &'a mut Inner,
    now: String,
}

impl Planner<'_> {
    fn plan(self, action: Action) -> Result<Plan, ActError> {
        match action {
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
            Action::Result(result) => self.result(result, false),
            Action::CorrectResult(result) => self.result(result, true),
        }
    }

    fn state(&self) -> &State {
        &self.inner.state
    }

    /// Whoever is known by that number today.
    fn person(&self, field: &'static str, number: &str) -> Result<&Person, ActError> {
        self.state()
            .named(number)
            .ok_or(ActError::UnknownPatient { field })
    }

    /// A change about that person, as of that time.
    fn change(&self, person: &Person, at: Option<&str>) -> Result<Change, ActError> {
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

    fn stored(&self, mut change: Change) -> Change {
        (self.shared.profile.reading.stores)(&mut change);
        change
    }

    fn register(self, register: Register) -> Result<Plan, ActError> {
        let codes = &self.shared.profile.codes;
        let value = match register.mrn {
            Some(mrn) => Text::from(mrn),
            None => self.state().next_mrn(codes.mrn_digits),
        };
        let authority = register.authority.map_or_else(|| codes.mrn.0.into(), Text::from);
        if NhsNumber::parse(&value).is_some_and(|number| !self.shared.ranges.contain(number)) {
            return Err(ActError::LiveNhsNumber);
        }
        let mut aliases = vec![Alias {
            value,
            authority,
            kind: codes.mrn.1.into(),
            role: Role::Mrn,
        }];
        if register
            .details
            .family
            .as_deref()
            .is_none_or(|family| family.trim().is_empty())
        {
            return Err(ActError::Bad {
                field: "family",
                problem: "a person needs a family name",
            });
        }
        aliases.extend(self.nhs(&register.details)?);
        let demographics = self.demographics(&register.details, None)?;
        let now = Text::from(self.now.as_str());
        let change = Change {
            at: now.clone(),
            recorded: now,
            aliases,
            demographics,
            ..Change::default()
        };
        Ok(Plan {
            event: "A28",
            change: self.stored(change),
            cleared: Vec::new(),
        })
    }

    fn update(self, update: Update) -> Result<Plan, ActError> {
        let person = self.person("patient", &update.patient)?;
        let mut change = self.change(person, None)?;
        change.aliases.extend(self.nhs(&update.details)?);
        change.demographics = self.demographics(&update.details, Some(person))?;
        for member in &update.clear {
            clear(&mut change.demographics, member)?;
        }
        // In hospital an update is told with the visit, otherwise about the person alone.
        let open = person
            .encounters
            .iter()
            .rev()
            .find(|encounter| encounter.stage() == Stage::Open);
        let event = match open {
            Some(encounter) => {
                change.visit = Some((
                    VisitAct::Refer,
                    Visit {
                        number: encounter.number.clone(),
                        ..Visit::default()
                    },
                ));
                "A08"
            }
            None => "A31",
        };
        Ok(Plan {
            event,
            change: self.stored(change),
            cleared: update.clear,
        })
    }

    /// The NHS number given, when it is one that may be used here.
    fn nhs(&self, details: &Details) -> Result<Option<Alias>, ActError> {
        let Some(given) = &details.nhs_number else {
            return Ok(None);
        };
        let number = NhsNumber::parse(given).ok_or(ActError::Bad {
            field: "nhs-number",
            problem: "ten digits with a right check digit",
        })?;
        if !self.shared.ranges.contain(number) {
            return Err(ActError::LiveNhsNumber);
        }
        let codes = &self.shared.profile.codes;
        Ok(Some(Alias::nhs(&number.to_string(), codes.nhs.0, codes.nhs.1)))
    }

    fn demographics(&self, details: &Details, held: Option<&Person>) -> Result<Demographics, ActError> {
        let codes = &self.shared.profile.codes;
        let text = |given: &Option<String>| given.as_deref().map(Text::from);
        let named = details.family.is_some() || details.given.is_some() || details.title.is_some();
        let mut name = held.and_then(Person::name).cloned().unwrap_or_default();
        replace(&mut name.family, &details.family);
        replace(&mut name.given, &details.given);
        replace(&mut name.prefix, &details.title);
        let moved = details.address.is_some() || details.city.is_some() || details.postcode.is_some();
        let address = Address {
            line: text(&details.address).unwrap_or_default(),
            city: text(&details.city).unwrap_or_default(),
            postcode: text(&details.postcode).unwrap_or_default(),
            ..Address::default()
        };
        let sex = match &details.sex {
            Some(sex) => Some(Text::from(Codes::own(codes.sex, sex).ok_or(ActError::Bad {
                field: "sex",
                problem: "female, male, other or unknown",
            })?)),
            None => None,
        };
        let died = details.died.as_deref().map(hl7_time).transpose()?;
        let phone = |number: &String| {
            vec![Telecom {
                value: number.as_str().into(),
                email: false,
                used_as: Text::const_new("PRN"),
            }]
        };
        Ok(Demographics {
            names: named
                .then(|| {
                    vec![Name {
                        kind: Text::default(),
                        ..name
                    }]
                })
                .into(),
            addresses: moved.then(|| vec![address]).into(),
            telecoms: details.phone.as_ref().map(phone).into(),
            birth: details.birth_date.as_deref().map(hl7_time).transpose()?.into(),
            sex: sex.into(),
            marital: text(&details.marital_status).into(),
            ethnicity: text(&details.ethnicity)
                .map(|code| Coded {
                    code,
                    ..Coded::default()
                })
                .into(),
            death_indicator: died.as_ref().map(|_| Text::const_new("Y")).into(),
            death_time: died.into(),
            ..Demographics::default()
        })
    }

    fn begin(self, event: &'static str, act: VisitAct, class: &str, admit: Admit) -> Result<Plan, ActError> {
        let codes = &self.shared.profile.codes;
        let person = self.person("patient", &admit.patient)?;
        let mut change = self.change(person, admit.at.as_deref())?;
        let class = admit.class.as_deref().unwrap_or(class);
        let class = Codes::own(codes.class, class).ok_or(ActError::Bad {
            field: "class",
            problem: "inpatient, outpatient, emergency or daycase",
        })?;
        let number = admit
            .visit
            .map_or_else(|| self.state().next_visit_number(person.key), Text::from);
        let consultant = admit.consultant.map(|id| Clinician {
            id: id.into(),
            ..Clinician::default()
        });
        change.visit = Some((
            act,
            Visit {
                number,
                authority: codes.visit_authority.into(),
                class: Given::Is(class.into()),
                specialty: admit
                    .specialty
                    .map(|code| Coded {
                        code: code.into(),
                        ..Coded::default()
                    })
                    .into(),
                consultant: consultant.into(),
                reason: admit
                    .reason
                    .map(|text| Coded {
                        text: text.into(),
                        ..Coded::default()
                    })
                    .into(),
                place: admit
                    .ward
                    .map(|ward| place(&ward, admit.room.as_deref(), admit.bed.as_deref())),
                admitted: (act == VisitAct::Begin).then(|| change.at.clone()).into(),
                ..Visit::default()
            },
        ));
        Ok(Plan {
            event,
            change: self.stored(change),
            cleared: Vec::new(),
        })
    }

    fn transfer(self, transfer: Transfer) -> Result<Plan, ActError> {
        let of = OfVisit {
            patient: transfer.patient,
            visit: transfer.visit,
            at: transfer.at,
        };
        let to = place(&transfer.ward, transfer.room.as_deref(), transfer.bed.as_deref());
        self.visit_event("A02", VisitAct::Move, Stage::Open, of, |visit| {
            visit.place = Some(to)
        })
    }

    fn discharge(self, discharge: Discharge) -> Result<Plan, ActError> {
        let of = OfVisit {
            patient: discharge.patient,
            visit: discharge.visit,
            at: discharge.at,
        };
        let (method, destination) = (discharge.method, discharge.destination);
        self.visit_event("A03", VisitAct::Leave, Stage::Open, of, |visit| {
            visit.disposition = method.map(Text::from).into();
            visit.destination = destination.map(Text::from).into();
        })
    }

    fn of_visit(
        self,
        event: &'static str,
        act: VisitAct,
        stage: Stage,
        of: OfVisit,
    ) -> Result<Plan, ActError> {
        self.visit_event(event, act, stage, of, |_| {})
    }

    fn visit_event(
        self,
        event: &'static str,
        act: VisitAct,
        stage: Stage,
        of: OfVisit,
        fill: impl FnOnce(&mut Visit),
    ) -> Result<Plan, ActError> {
        let person = self.person("patient", &of.patient)?;
        let meant = |encounter: &&Encounter| {
            let could_be =
                encounter.stage() == stage || (stage == Stage::Open && encounter.stage() == Stage::Planned);
            of.visit
                .as_deref()
                .map_or(could_be, |number| encounter.number == number)
        };
        let encounter = person
            .encounters
            .iter()
            .rev()
            .find(meant)
            .ok_or(ActError::UnknownVisit)?;
        let mut change = self.change(person, of.at.as_deref())?;
        let mut visit = Visit {
            number: encounter.number.clone(),
            ..Visit::default()
        };
        fill(&mut visit);
        change.visit = Some((act, visit));
        Ok(Plan {
            event,
            change,
            cleared: Vec::new(),
        })
    }

    fn merge(self, merge: MergeOf) -> Result<Plan, ActError> {
        let survivor = self.person("survivor", &merge.survivor)?;
        let loser = self.person("loser", &merge.loser)?;
        if survivor.key == loser.key {
            return Err(ActError::Bad {
                field: "loser",
                problem: "names the record that stays",
            });
        }
        let mut change = self.change(survivor, None)?;
        let losers = loser
            .aliases
            .iter()
            .filter(|alias| alias.role == Role::Mrn)
            .take(1)
            .cloned()
            .collect();
        change.merge = Some(Merge {
            losers,
            renumber: false,
        });
        let event = match self.shared.choices.get("merge-event") {
            "A40" => "A40",
            _ => self.shared.profile.writing.merge_event,
        };
        Ok(Plan {
            event,
            change,
            cleared: Vec::new(),
        })
    }
}

fn place(ward: &str, room: Option<&str>, bed: Option<&str>) -> Place {
    let text = |given: Option<&str>| given.map(Text::from).unwrap_or_default();
    Place {
        ward: ward.into(),
        room: text(room),
        bed: text(bed),
        ..Place::default()
    }
}

fn replace(held: &mut Text, given: &Option<String>) {
    if let Some(given) = given {
        *held = given.as_str().into();
    }
}

fn clear(demographics: &mut Demographics, member: &str) -> Result<(), ActError> {
    match member {
        "address" => demographics.addresses = Given::Deleted,
        "phone" => demographics.telecoms = Given::Deleted,
        "birth-date" => demographics.birth = Given::Deleted,
        "sex" => demographics.sex = Given::Deleted,
        "marital-status" => demographics.marital = Given::Deleted,
        "ethnicity" => demographics.ethnicity = Given::Deleted,
        _ => {
            let problem = "address, phone, birth-date, sex, marital-status or ethnicity";
            return Err(ActError::Bad {
                field: "clear",
                problem,
            });
        }
    }
    Ok(())
}

/// An HL7 time from a date or time as people and FHIR write them; a point in time is put on the hospital's clock.
fn hl7_time(text: &str) -> Result<Text, ActError> {
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
