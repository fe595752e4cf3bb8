//! One event as an EPR takes it in, and what it does to the record.
//!
//! A message from a wire and an action of a test both become a [`Change`]; there is one way into the state. What a
//! message does not say stays as it was; HL7 null takes away.

use serde::{Deserialize, Serialize};

use super::encounter::{Encounter, Place, Stage};
use super::heard::Moment;
use super::item::Item;
use super::person::{Address, Alias, Clinician, Coded, Name, Person, Role, Telecom};
use super::report::Report;
use super::{State, Text};

/// Three states of a field: nothing said, `""`, or a value.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Given<T> {
    #[default]
    Kept,
    Deleted,
    Is(T),
}

impl<T> Given<T> {
    fn onto(self, held: &mut Option<T>) {
        match self {
            Self::Kept => {}
            Self::Deleted => *held = None,
            Self::Is(value) => *held = Some(value),
        }
    }

    /// What is left of it when it was said at `at` of a detail last spoken of at `known`: nothing, when that is newer.
    fn heard(self, at: Moment, known: &mut Moment) -> Self {
        if matches!(self, Self::Kept) || at < *known {
            return Self::Kept;
        }
        *known = at;
        self
    }

    /// The value, when one was given.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Kept | Self::Deleted => None,
        }
    }
}

impl<T> From<Option<T>> for Given<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Kept, Self::Is)
    }
}

/// What a message says about the person.
#[derive(Clone, Default)]
pub(crate) struct Demographics {
    pub names: Given<Vec<Name>>,
    pub addresses: Given<Vec<Address>>,
    pub telecoms: Given<Vec<Telecom>>,
    pub birth: Given<Text>,
    pub sex: Given<Text>,
    pub marital: Given<Text>,
    pub religion: Given<Text>,
    pub ethnicity: Given<Coded>,
    pub language: Given<Text>,
    pub death_time: Given<Text>,
    pub death_indicator: Given<Text>,
    pub gp: Given<Clinician>,
    pub practice: Given<Coded>,
    pub protected: Given<bool>,
}

impl Demographics {
    /// Puts what is said at `at` onto the person, but what is known to be newer.
    fn onto(self, person: &mut Person, at: Moment) {
        fn list<T>(given: Given<Vec<T>>, held: &mut Vec<T>) {
            match given {
                Given::Kept => {}
                Given::Deleted => held.clear(),
                Given::Is(values) => *held = values,
            }
        }
        let heard = &mut person.heard;
        list(self.names.heard(at, &mut heard.names), &mut person.names);
        list(
            self.addresses.heard(at, &mut heard.addresses),
            &mut person.addresses,
        );
        list(self.telecoms.heard(at, &mut heard.telecoms), &mut person.telecoms);
        self.birth.heard(at, &mut heard.birth).onto(&mut person.birth);
        self.sex.heard(at, &mut heard.sex).onto(&mut person.sex);
        self.marital
            .heard(at, &mut heard.marital)
            .onto(&mut person.marital);
        self.religion
            .heard(at, &mut heard.religion)
            .onto(&mut person.religion);
        self.ethnicity
            .heard(at, &mut heard.ethnicity)
            .onto(&mut person.ethnicity);
        self.language
            .heard(at, &mut heard.language)
            .onto(&mut person.language);
        self.death_time
            .heard(at, &mut heard.death_time)
            .onto(&mut person.death_time);
        self.death_indicator
            .heard(at, &mut heard.death_indicator)
            .onto(&mut person.death_indicator);
        self.gp.heard(at, &mut heard.gp).onto(&mut person.gp);
        self.practice
            .heard(at, &mut heard.practice)
            .onto(&mut person.practice);
        match self.protected {
            Given::Is(protected) => person.protected = protected,
            Given::Deleted => person.protected = false,
            Given::Kept => {}
        }
    }
}

/// What a change is worth against what is known about the person already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Somebody at the keyboard: counts at once, whatever is known.
    #[default]
    AtOnce,
    /// A feed that registers people: counts as of when it was recorded.
    AsOf,
    /// A message about something else, such as a result: says who somebody is only while nobody registered them.
    Provisional,
}

/// What a message says about the visit.
#[derive(Clone, Default)]
pub(crate) struct Visit {
    /// Empty when the message names none.
    pub number: Text,
    pub authority: Text,
    pub class: Given<Text>,
    pub admission_type: Given<Text>,
    pub source: Given<Text>,
    pub specialty: Given<Coded>,
    pub consultant: Given<Clinician>,
    pub referrer: Given<Clinician>,
    pub reason: Given<Coded>,
    pub place: Option<Place>,
    /// Where the patient is to be moved.
    pub pending: Option<Place>,
    pub admitted: Given<Text>,
    pub discharged: Given<Text>,
    pub disposition: Given<Text>,
    pub destination: Given<Text>,
    /// The number of the visit that goes, when two are combined.
    pub combined: Text,
    /// PV2-22: whether it is kept from all but its owner.
    pub restricted: Given<bool>,
}

/// What an event does to a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum VisitAct {
    Begin,
    Plan,
    Move,
    CancelMove,
    Leave,
    CancelLeave,
    CancelBegin,
    Amend,
    /// Announces a move.
    PlanMove,
    /// Takes the announcement back.
    CancelPlan,
    /// Names the visit and changes nothing about it.
    Refer,
    /// The visit was filed under somebody else.
    Take,
    /// Another visit of the same person was this one.
    Combine,
}

/// A merge: the numbers that go, into whoever the change is about.
#[derive(Clone, Default)]
pub(crate) struct Merge {
    pub losers: Vec<Alias>,
    /// The same person under another number, rather than two records.
    pub renumber: bool,
}

/// One event, ready to be applied.
#[derive(Clone, Default)]
pub(crate) struct Change {
    /// When it happened: EVN-6, else when it was recorded.
    pub at: Text,
    /// When it was recorded: EVN-2, else MSH-7. Decides between events that contradict each other.
    pub recorded: Text,
    pub aliases: Vec<Alias>,
    /// Whether an NHS number says nothing about who is meant.
    pub numbers_only: bool,
    pub demographics: Demographics,
    pub standing: Standing,
    pub visit: Option<(VisitAct, Visit)>,
    pub merge: Option<Merge>,
    /// Numbers of the record that was merged by mistake and stands alone again.
    pub unmerge: Vec<Alias>,
    pub reports: Vec<Report>,
    pub items: Vec<Item>,
    /// The organisation it comes from, where several share a record.
    pub owner: Text,
}

/// What a change touched.
#[derive(Clone, Default)]
pub(crate) struct Applied {
    pub person: u32,
    pub encounter: Option<u32>,
    /// The record merged away, when the change was a merge.
    pub loser: Option<u32>,
    /// People and reports whose documents changed, each once.
    pub people: Vec<u32>,
    pub reports: Vec<u32>,
    /// Items that were filed or changed, each once.
    pub items: Vec<u32>,
}

impl Applied {
    pub(super) fn touched(&mut self, person: u32) {
        if !self.people.contains(&person) {
            self.people.push(person);
        }
    }

    fn noted(&mut self, item: u32) {
        if !self.items.contains(&item) {
            self.items.push(item);
        }
    }

    pub(super) fn reported(&mut self, report: u32) {
        if !self.reports.contains(&report) {
            self.reports.push(report);
        }
    }
}

impl State {
    /// Applies one event. `now_ms` stamps what changed.
    pub(crate) fn apply(&mut self, change: Change, now_ms: i64) -> Applied {
        let birth = change.demographics.birth.value().cloned();
        let renumbered = change.merge.as_ref().filter(|merge| merge.renumber);
        let known = if change.numbers_only {
            self.known_by_number(&change.aliases)
        } else {
            self.known_by(&change.aliases, birth.as_deref())
        };
        let person = known
            .or_else(|| self.known_by(&renumbered?.losers, None))
            .unwrap_or_else(|| self.create_person(&change.aliases));
        let mut applied = Applied {
            person,
            ..Applied::default()
        };
        applied.touched(person);
        let Change {
            at,
            recorded,
            aliases,
            numbers_only: _,
            demographics,
            standing,
            visit,
            merge,
            unmerge,
            reports,
            items,
            owner,
        } = change;
        self.edit(person, now_ms, |person| {
            let said = Moment::of(&recorded);
            if standing == Standing::Provisional {
                let known = person.is_registered();
                let mut aliases = aliases;
                let numbered = known && person.alias(Role::Nhs).is_some();
                aliases.retain(|alias| !(numbered && alias.role == Role::Nhs));
                person.take_aliases(aliases, if known { Moment::default() } else { said });
                if !known {
                    person.provisional = true;
                    demographics.onto(person, said);
                }
                return;
            }
            // Whoever sits at the keyboard sees what a result said and lets it stand.
            if std::mem::take(&mut person.provisional) && standing == Standing::AsOf {
                person.forget_details();
            }
            let at = match standing {
                Standing::AtOnce => said.max(person.heard.latest()),
                _ => said,
            };
            person.take_aliases(aliases, at);
            demographics.onto(person, at);
        });
        if let Some(merge) = merge {
            self.merge(person, &merge, now_ms, &mut applied);
        }
        if !unmerge.is_empty() {
            self.unmerge(person, &unmerge, now_ms, &mut applied);
        }
        if let Some((act, visit)) = visit {
            self.apply_visit(&mut applied, act, visit, (&at, &recorded), now_ms);
            if act != VisitAct::Refer {
                self.own_visit(&applied, &owner);
            }
        }
        for mut report in reports {
            report.owner.clone_from(&owner);
            self.file(&mut applied, report, now_ms);
        }
        for mut item in items {
            item.owner.clone_from(&owner);
            self.note(&mut applied, item, now_ms);
        }
        applied
    }

    fn apply_visit(
        &mut self,
        applied: &mut Applied,
        act: VisitAct,
        visit: Visit,
        when: (&str, &str),
        now_ms: i64,
    ) {
        if act == VisitAct::Refer {
            applied.encounter = self
                .encounter_numbered(applied.person, &visit.number)
                .map(|(_, key)| key);
            return;
        }
        if act == VisitAct::Combine {
            self.combine_visits(applied, &visit, now_ms);
            return;
        }
        if act == VisitAct::Take {
            self.take_visit(applied, &visit.number, now_ms);
        }
        let Some((owner, key)) = self.visit_meant(applied.person, act, &visit) else {
            return;
        };
        applied.encounter = Some(key);
        applied.touched(owner);
        if let Some(encounter) = self.people.get_mut(&owner).and_then(|person| {
            person.updated_ms = now_ms;
            person.encounter_mut(key)
        }) {
            encounter.version = encounter.version.wrapping_add(1);
            onto_encounter(encounter, act, visit, when);
        }
    }

    /// Whose a visit is, is said once.
    fn own_visit(&mut self, applied: &Applied, owner: &Text) {
        let visit = applied.encounter.and_then(|key| {
            let holder = self.index.encounter_owner(key)?;
            self.people.get_mut(&holder)?.encounter_mut(key)
        });
        if let Some(visit) = visit.filter(|visit| visit.owner.is_empty()) {
            visit.owner.clone_from(owner);
        }
    }

    /// The encounter an event speaks of: by number, else the one it can only mean, else a new one.
    fn visit_meant(&mut self, person: u32, act: VisitAct, visit: &Visit) -> Option<(u32, u32)> {
        if !visit.number.is_empty() {
            if let Some(found) = self.encounter_numbered(person, &visit.number) {
                return Some(found);
            }
        } else if act != VisitAct::Begin && act != VisitAct::Plan {
            let wanted = |stage: Stage| match act {
                VisitAct::CancelLeave => stage == Stage::Closed,
                _ => stage == Stage::Open || stage == Stage::Planned,
            };
            // Without a number an event means the latest visit that it could be about, or none at all.
            let person_held = self.people.get(&person)?;
            let meant = person_held
                .encounters
                .iter()
                .rev()
                .find(|encounter| wanted(encounter.stage()));
            return meant.map(|encounter| (person, encounter.key));
        }
        let number = if visit.number.is_empty() {
            self.next_visit_number(person)
        } else {
            visit.number.clone()
        };
        let key = self.create_encounter(person, &number);
        self.people.get_mut(&person)?.encounters.push(Encounter {
            key,
            number,
            authority: visit.authority.clone(),
            ..Encounter::default()
        });
        Some((person, key))
    }

    /// A visit number of our own making: ten digits that belong to this person and visit only.
    pub(crate) fn next_visit_number(&self, person: u32) -> Text {
        let mut count = self
            .people
            .get(&person)
            .map_or(0, |person| person.encounters.len())
            + 1;
        loop {
            let number = Text::from(format!("{person}{count:02}"));
            if self.index.by_visit(&number).is_empty() {
                return number;
            }
            count += 1;
        }
    }

    /// Files one item, or what is said anew about one.
    fn note(&mut self, applied: &mut Applied, mut item: Item, now_ms: i64) {
        item.encounter = applied.encounter.or(item.encounter);
        let owner = applied.person;
        let Some(person) = self.people.get_mut(&owner) else {
            return;
        };
        // A key says exactly which one; a fresh item has none yet.
        let known = person
            .items
            .iter_mut()
            .find(|known| (item.key != 0 && known.key == item.key) || known.is_same(&item));
        if let Some(known) = known {
            let before = known.clone();
            if known.hear(item) {
                known.version = known.version.wrapping_add(1);
                known.updated_ms = now_ms;
                self.index.unbook(&before);
                self.index.own_item(known, owner);
                applied.touched(owner);
            }
            applied.noted(before.key);
            return;
        }
        item.key = super::free_key(self.seed, "item", &item.name(owner), |key| {
            self.index.item_owner(key).is_some()
        });
        item.version = 1;
        item.updated_ms = now_ms;
        if item.status.is_empty() {
            item.status = Text::const_new("active");
        }
        self.index.own_item(&item, owner);
        applied.noted(item.key);
        applied.touched(owner);
        person.items.push(item);
    }

    /// Files one report under the order it belongs to.
    fn file(&mut self, applied: &mut Applied, mut report: Report, now_ms: i64) {
        report.person = applied.person;
        report.encounter = applied.encounter.or(report.encounter);
        let name = match () {
            () if !report.filler.is_empty() => format!("filler|{}", report.filler),
            () if !report.placer.is_empty() => format!("placer|{}|{}", report.placer, report.service.code),
            () => format!(
                "bare|{}|{}|{}",
                report.person,
                report.service.code,
                report.observed.as_deref().unwrap_or_default()
            ),
        };
        let known = self.people.get(&applied.person).and_then(|person| {
            person.reports.iter().rev().copied().find(|key| {
                self.reports
                    .get(key)
                    .is_some_and(|known| known.is_same_order(&report))
            })
        });
        if let Some(known) = known.and_then(|key| self.reports.get_mut(&key)) {
            if known.hear(report) {
                known.version = known.version.wrapping_add(1);
                known.updated_ms = now_ms;
                applied.reported(known.key);
            }
            return;
        }
        let key = super::free_key(self.seed, "report", &name, |key| self.reports.contains_key(&key));
        report.key = key;
        report.version = 1;
        report.updated_ms = now_ms;
        self.reports.insert(key, Box::new(report));
        applied.reported(key);
        if let Some(person) = self.people.get_mut(&applied.person) {
            person.reports.push(key);
        }
    }
}

fn onto_encounter(encounter: &mut Encounter, act: VisitAct, visit: Visit, (at, recorded): (&str, &str)) {
    let Visit {
        class,
        admission_type,
        source,
        specialty,
        consultant,
        referrer,
        reason,
        place,
        ..
    } = visit;
    match class {
        Given::Is(class) => encounter.class = class,
        Given::Deleted => encounter.class = Text::default(),
        Given::Kept => {}
    }
    if encounter.authority.is_empty() {
        encounter.authority = visit.authority;
    }
    admission_type.onto(&mut encounter.admission_type);
    source.onto(&mut encounter.source);
    specialty.onto(&mut encounter.specialty);
    consultant.onto(&mut encounter.consultant);
    referrer.onto(&mut encounter.referrer);
    reason.onto(&mut encounter.reason);
    match visit.restricted {
        Given::Is(restricted) => encounter.restricted = restricted,
        Given::Deleted => encounter.restricted = false,
        Given::Kept => {}
    }
    let admitted = visit.admitted.value().cloned();
    visit.admitted.onto(&mut encounter.admitted);
    match act {
        VisitAct::Begin => begin(encounter, admitted, place, (at, recorded)),
        VisitAct::Plan => {
            if encounter.admission_heard(recorded) {
                encounter.planned = encounter.movements.is_empty();
                encounter.cancelled = false;
            }
            if let Some(place) = place {
                encounter.correct_place(at, place);
            }
        }
        VisitAct::Move => {
            if let Some(place) = place {
                encounter.move_to(at, place);
            }
            encounter.pending = None;
        }
        VisitAct::PlanMove => encounter.pending = visit.pending.or(place).map(Box::new),
        VisitAct::CancelPlan => encounter.pending = None,
        VisitAct::CancelMove => encounter.cancel_move(place),
        VisitAct::Leave => {
            if encounter.discharge_heard(recorded) {
                encounter.discharged = Some(visit.discharged.value().cloned().unwrap_or_else(|| at.into()));
                visit.disposition.onto(&mut encounter.disposition);
                visit.destination.onto(&mut encounter.destination);
            }
        }
        VisitAct::CancelLeave => {
            if encounter.discharge_heard(recorded) {
                encounter.discharged = None;
                encounter.disposition = None;
                encounter.destination = None;
            }
        }
        VisitAct::CancelBegin => {
            if encounter.admission_heard(recorded) {
                encounter.cancelled = true;
            }
        }
        VisitAct::Refer | VisitAct::Take | VisitAct::Combine => {}
        VisitAct::Amend => {
            if let Some(place) = place {
                encounter.correct_place(at, place);
            }
            if encounter.discharged.is_some() {
                visit.discharged.onto(&mut encounter.discharged);
                visit.disposition.onto(&mut encounter.disposition);
                visit.destination.onto(&mut encounter.destination);
            }
        }
    }
}

fn begin(
    encounter: &mut Encounter,
    admitted: Option<Text>,
    place: Option<Place>,
    (at, recorded): (&str, &str),
) {
    if encounter.admission_heard(recorded) {
        encounter.cancelled = false;
    }
    encounter.planned = false;
    let start = admitted.unwrap_or_else(|| at.into());
    if let Some(place) = place {
        encounter.move_to(&start, place);
    }
    if encounter.admitted.is_none() {
        encounter.admitted = Some(start);
    }
}
