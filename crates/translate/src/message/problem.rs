//! Problems and goals: PRB and GOL with their notes; a goal aims at the problem of its group.

use fhir::{Annotation, Condition, Goal};
use hl7v2::Segment;

use super::scene::{Commented, Open, Scene, on_other};
use crate::context::Context;
use crate::segment::{gol, nte, prb};

/// What is open.
#[derive(Default)]
pub(crate) struct Problem {
    problem: Option<Open<Condition>>,
    goal: Option<Open<Goal>>,
    /// The goal came last.
    aims: bool,
}

pub(crate) fn on_prb<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    if let Some(open) = scene.problem.problem.take() {
        open.close(cx);
    }
    // In PPR the next problem begins a group, in PGL the goal does.
    if scene.code != "PGL"
        && let Some(open) = scene.problem.goal.take()
    {
        open.close(cx);
    }
    let mut problem = Box::<Condition>::default();
    prb::PRB.read(segment, &mut problem, cx);
    prb::complete(&mut problem);
    problem.subject = scene.subject();
    problem.encounter = scene.visit();
    let id = cx.entries.unique_id(
        "Condition",
        &[&scene.patient_key(), "problem", &prb::key(&problem)],
    );
    let open = Open::new(id, problem, cx);
    if let Some(goal) = &mut scene.problem.goal {
        goal.resource.addresses.push(open.reference());
    }
    scene.focus.push(open.reference());
    scene.problem.problem = Some(open);
    scene.problem.aims = false;
    scene.commented = Commented::Problem;
}

pub(crate) fn on_gol<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    if let Some(open) = scene.problem.goal.take() {
        open.close(cx);
    }
    if scene.code == "PGL"
        && let Some(open) = scene.problem.problem.take()
    {
        open.close(cx);
    }
    let mut goal = Box::<Goal>::default();
    gol::GOL.read(segment, &mut goal, cx);
    gol::complete(&mut goal);
    goal.subject = scene.subject();
    goal.addresses
        .extend(scene.problem.problem.as_ref().map(Open::reference));
    let number = goal
        .identifier
        .first()
        .and_then(|one| one.value.clone())
        .unwrap_or_default();
    let words = crate::segment::dg1::concept_key(goal.description.as_ref()).join("|");
    let id = cx
        .entries
        .unique_id("Goal", &[&scene.patient_key(), &number, &words]);
    let open = Open::new(id, goal, cx);
    scene.focus.push(open.reference());
    scene.problem.goal = Some(open);
    scene.problem.aims = true;
    scene.commented = Commented::Problem;
}

/// NTE behind a problem or a goal. True when there was one.
pub(crate) fn on_nte<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) -> bool {
    let problem = &mut scene.problem;
    let notes = match (&mut problem.goal, &mut problem.problem) {
        (Some(goal), _) if problem.aims => &mut goal.resource.note,
        (_, Some(open)) => &mut open.resource.note,
        _ => return false,
    };
    let mut note = Annotation::default();
    nte::NTE.read(segment, &mut note, cx);
    if note.text.is_some() {
        notes.push(note);
    }
    true
}

impl Scene {
    /// The patient's problems are told.
    pub(crate) fn close_problems(&mut self, cx: &mut Context<'_>) {
        if let Some(open) = self.problem.problem.take() {
            open.close(cx);
        }
        if let Some(open) = self.problem.goal.take() {
            open.close(cx);
        }
    }
}
