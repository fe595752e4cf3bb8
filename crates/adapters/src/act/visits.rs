//! Visits: begun, moved, ended, taken back, combined, moved to another person.

use super::{Plan, Planner};
use crate::action::{ActError, Admit, Discharge, MergeVisitOf, MoveVisitOf, OfVisit, Transfer};
use crate::state::Text;
use crate::state::change::{Given, Visit, VisitAct};
use crate::state::encounter::{Encounter, Place, Stage};
use crate::state::person::{Clinician, Coded};
use crate::vendor::Codes;

impl Planner<'_> {
    pub(crate) fn begin(
        self,
        event: &'static str,
        act: VisitAct,
        class: &str,
        admit: Admit,
    ) -> Result<Plan, ActError> {
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
        let mut at = admit
            .ward
            .map(|ward| place(&ward, admit.room.as_deref(), admit.bed.as_deref()));
        let mut authority = Text::from(codes.visit_authority);
        if let Some(facility) = admit.facility {
            at.get_or_insert_default().facility = facility.into();
            // The pool follows from the facility.
            authority = Text::default();
        }
        let consultant = admit.consultant.map(|id| Clinician {
            id: id.into(),
            ..Clinician::default()
        });
        change.visit = Some((
            act,
            Visit {
                number,
                authority,
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
                place: at,
                restricted: admit.restricted.then_some(true).into(),
                admitted: (act == VisitAct::Begin).then(|| change.at.clone()).into(),
                ..Visit::default()
            },
        ));
        Ok(Plan::adt(event, self.stored(change)))
    }

    pub(crate) fn transfer(self, transfer: Transfer) -> Result<Plan, ActError> {
        let of = OfVisit {
            patient: transfer.patient,
            visit: transfer.visit,
            at: transfer.at,
        };
        let to = place(&transfer.ward, transfer.room.as_deref(), transfer.bed.as_deref());
        self.visit_event("A02", VisitAct::Move, Stage::Open, of, |visit, held| {
            visit.place = Some(beside(held, to));
        })
    }

    /// Told with where the patient lies still, and where they are to go.
    pub(crate) fn plan_transfer(self, transfer: Transfer) -> Result<Plan, ActError> {
        let of = OfVisit {
            patient: transfer.patient,
            visit: transfer.visit,
            at: transfer.at,
        };
        let to = place(&transfer.ward, transfer.room.as_deref(), transfer.bed.as_deref());
        self.visit_event("A15", VisitAct::PlanMove, Stage::Open, of, |visit, held| {
            visit.pending = Some(beside(held, to));
        })
    }

    pub(crate) fn discharge(self, discharge: Discharge) -> Result<Plan, ActError> {
        let of = OfVisit {
            patient: discharge.patient,
            visit: discharge.visit,
            at: discharge.at,
        };
        let (method, destination) = (discharge.method, discharge.destination);
        self.visit_event("A03", VisitAct::Leave, Stage::Open, of, |visit, _| {
            visit.disposition = method.map(Text::from).into();
            visit.destination = destination.map(Text::from).into();
        })
    }

    pub(crate) fn of_visit(
        self,
        event: &'static str,
        act: VisitAct,
        stage: Stage,
        of: OfVisit,
    ) -> Result<Plan, ActError> {
        self.visit_event(event, act, stage, of, |_, _| {})
    }

    fn visit_event(
        self,
        event: &'static str,
        act: VisitAct,
        stage: Stage,
        of: OfVisit,
        fill: impl FnOnce(&mut Visit, &Encounter),
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
        fill(&mut visit, encounter);
        change.visit = Some((act, visit));
        Ok(Plan::adt(event, change))
    }

    /// Two visits that were one.
    pub(crate) fn merge_visit(self, of: MergeVisitOf) -> Result<Plan, ActError> {
        let event = self.own_event(self.shared.profile.reading.combines)?;
        let person = self.person("patient", &of.patient)?;
        let held = |number: &str| {
            let standing =
                |encounter: &&Encounter| encounter.number == number && encounter.merged_into.is_none();
            person.encounters.iter().find(standing).cloned()
        };
        let (kept, gone) = held(&of.survivor)
            .zip(held(&of.loser))
            .filter(|(kept, gone)| kept.key != gone.key)
            .ok_or(ActError::UnknownVisit)?;
        let mut change = self.change(person, None)?;
        change.visit = Some((
            VisitAct::Combine,
            Visit {
                number: kept.number,
                combined: gone.number.clone(),
                ..Visit::default()
            },
        ));
        Ok(Plan {
            gone: gone.number,
            ..Plan::adt(event, change)
        })
    }

    /// A visit that was filed under the wrong person.
    pub(crate) fn move_visit(self, of: MoveVisitOf) -> Result<Plan, ActError> {
        let event = self.own_event(self.shared.profile.reading.moves)?;
        let to = self.person("to", &of.to)?;
        let from = self.person("patient", &of.patient)?;
        if to.key == from.key {
            return Err(ActError::Bad {
                field: "to",
                problem: "has the visit already",
            });
        }
        let visit = from
            .encounters
            .iter()
            .find(|encounter| encounter.number == of.visit)
            .ok_or(ActError::UnknownVisit)?;
        let gone = visit.number.clone();
        let mut change = self.change(to, None)?;
        change.visit = Some((
            VisitAct::Take,
            Visit {
                number: gone.clone(),
                ..Visit::default()
            },
        ));
        Ok(Plan {
            gone,
            ..Plan::adt(event, change)
        })
    }
}

/// A place in the house where the patient is.
fn beside(held: &Encounter, to: Place) -> Place {
    Place {
        facility: held
            .place()
            .map(|place| place.facility.clone())
            .unwrap_or_default(),
        ..to
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
