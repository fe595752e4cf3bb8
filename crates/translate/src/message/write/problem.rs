//! Problems and goals as segments: PRB and GOL with their notes.

use fhir::{AllergyIntolerance, Condition, Goal, Patient};

use super::Out;
use crate::back::SegmentWriter;
use crate::keep;
use crate::segment::{gol, iam, prb};

impl<'b> Out<'_, 'b> {
    /// Allergies that stood in IAM.
    pub(super) fn reported_allergies(&mut self, patient: Option<&Patient>) {
        let allergies: Vec<&'b AllergyIntolerance> =
            self.of(patient, |allergy: &AllergyIntolerance| allergy.patient.as_ref());
        let reported = |one: &&'b AllergyIntolerance| keep::is_marked(&one.extension, iam::IAM_PLACE);
        for (number, allergy) in (1..).zip(allergies.into_iter().filter(reported)) {
            let mut segment = SegmentWriter::new("IAM");
            iam::IAM.write(allergy, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
    }

    pub(super) fn problems(&mut self, patient: Option<&Patient>) {
        let goals: Vec<&'b Goal> = self.of(patient, |goal: &Goal| goal.subject.as_ref());
        let problems: Vec<&'b Condition> = self.of(patient, |one: &Condition| one.subject.as_ref());
        let aims = |goal: &Goal, problem: &Condition| {
            let found = goal
                .addresses
                .iter()
                .find_map(|one| self.back.resolve::<Condition>(Some(one)));
            found.is_some_and(|found| std::ptr::eq(found, problem))
        };
        let mut order: Vec<(Option<&'b Condition>, Vec<&'b Goal>)> = Vec::new();
        for problem in problems.into_iter().filter(|one| prb::is_problem(one)) {
            let own = goals.iter().copied().filter(|goal| aims(goal, problem)).collect();
            order.push((Some(problem), own));
        }
        let told = |goal: &&'b Goal| {
            order
                .iter()
                .any(|(_, own)| own.iter().any(|one| std::ptr::eq(*one, *goal)))
        };
        let alone: Vec<&'b Goal> = goals.iter().copied().filter(|goal| !told(goal)).collect();
        order.push((None, alone));
        // A goal message leads with the goal, a problem message with the problem.
        let goal_leads = crate::message::code_and_structure(&self.event).0 == "PGL";
        for (problem, goals) in order {
            if goal_leads {
                self.goals(&goals);
            }
            if let Some(problem) = problem {
                let mut segment = SegmentWriter::new("PRB");
                prb::PRB.write(problem, &mut segment, self.back);
                self.push_whole(segment);
                self.notes(&problem.note);
            }
            if !goal_leads {
                self.goals(&goals);
            }
        }
    }

    fn goals(&mut self, goals: &[&'b Goal]) {
        for goal in goals {
            let mut segment = SegmentWriter::new("GOL");
            gol::GOL.write(goal, &mut segment, self.back);
            self.push_whole(segment);
            self.notes(&goal.note);
        }
    }
}
