//! Who pays: IN1, IN2 and IN3 to Coverage, GT1 to a guarantor, FT1 to a charge, and the Account they belong to.
//!
//! The Account is that of PID-18. It is in the Bundle where something is charged to it, covered by it or answered
//! for; a number alone is the patient's identifier.

use fhir::{Account, AccountCoverage, CareTeam, ChargeItem, Identifier, Reference, RelatedPerson, Text};
use hl7v2::Segment;

use super::scene::{Open, Scene, on_other};
use crate::context::Context;
use crate::entries::{Ticket, reference};
use crate::keep;
use crate::segment::gt1::{self, Guarantor};
use crate::segment::in1::{self, Policy};
use crate::segment::{ft1, in2, in3, pid};

/// What is open.
#[derive(Default)]
pub(crate) struct Cover {
    policy: Option<(Ticket, uuid::Uuid, Box<Policy>)>,
    account: Option<Open<Account>>,
}

pub(crate) fn on_in1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    scene.close_policy(cx);
    let mut policy = Box::<Policy>::default();
    in1::IN1.read(segment, &mut policy, cx);
    policy.coverage.beneficiary = scene.subject();
    let plan = policy
        .coverage
        .identifier
        .first()
        .and_then(|one| one.value.clone());
    let number = segment.field(36).text();
    let key = [plan.as_deref().unwrap_or_default(), &number].join("|");
    let id = cx.entries.unique_id("Coverage", &[&scene.patient_key(), &key]);
    scene.cover.policy = Some((cx.entries.reserve(id), id, policy));
}

pub(crate) fn on_in2<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    match &mut scene.cover.policy {
        Some((_, _, policy)) => in2::IN2.read(segment, policy, cx),
        None => on_other(segment, scene, cx),
    }
}

pub(crate) fn on_in3<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    let Some((_, id, policy)) = &mut scene.cover.policy else {
        return on_other(segment, scene, cx);
    };
    in3::IN3.read(segment, &mut policy.coverage, cx);
    let key = id.to_string();
    let mut team = CareTeam::default();
    in3::CASE.read(segment, &mut team, cx);
    if !team.participant.is_empty() {
        team.subject = scene.subject();
        let id = cx.entries.unique_id("CareTeam", &["coverage", &key]);
        cx.entries.push(id, team);
    }
}

pub(crate) fn on_gt1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    let mut one = Guarantor::default();
    gt1::GT1.read(segment, &mut one, cx);
    one.person.patient = scene.subject();
    one.person.extension.push(keep::mark(gt1::GUARANTOR));
    let name = one.person.name.first().map(|name| {
        let family = name.family.as_deref().unwrap_or_default();
        format!("{family}|{}", name.given.join(" "))
    });
    let number = one
        .person
        .identifier
        .first()
        .and_then(|one| one.value.clone())
        .unwrap_or_default();
    let key = [scene.patient_key(), number.to_string(), name.unwrap_or_default()].join("|");
    let id = cx.entries.unique_id("RelatedPerson", &["guarantor", &key]);
    one.answers.party = Some(cx.entries.push(id, one.person));
    scene.account(cx).guarantor.push(one.answers);
}

pub(crate) fn on_ft1<'a>(segment: Segment<'a>, scene: &mut Scene, cx: &mut Context<'a>) {
    if scene.patient.is_none() {
        return on_other(segment, scene, cx);
    }
    let mut item = ChargeItem {
        subject: scene.subject(),
        context: scene.visit(),
        ..ChargeItem::default()
    };
    ft1::FT1.read(segment, &mut item, cx);
    ft1::complete(&mut item);
    scene.account(cx);
    item.account
        .extend(scene.cover.account.as_ref().map(Open::reference));
    let number = item.identifier.first().and_then(|one| one.value.clone());
    let number = number.map_or_else(
        || format!("{}|{}", scene.control_id, segment.occurrence()),
        |number| number.to_string(),
    );
    let id = cx
        .entries
        .unique_id("ChargeItem", &[&scene.patient_key(), &number]);
    cx.entries.push(id, item);
}

impl Scene {
    /// The patient's account, opened when first wanted.
    fn account(&mut self, cx: &mut Context<'_>) -> &mut Account {
        if self.cover.account.is_none() {
            let mut account = Box::new(Account {
                status: Some(Text::const_new("active")),
                subject: self.subject().into_iter().collect(),
                ..Account::default()
            });
            // PID-18 may number the visit as well; where there is none it is the account's alone.
            match self.stay_number() {
                Some(number) => account.identifier.push(number),
                None => {
                    if let Some(pid) = cx.stay.take() {
                        pid::ACCOUNT.read(pid, &mut account, cx);
                    }
                }
            }
            let number = account.identifier.first().and_then(|one| one.value.clone());
            let key = number.unwrap_or_default();
            let id = cx.entries.unique_id("Account", &[&self.patient_key(), &key]);
            self.cover.account = Some(Open::new(id, account, cx));
        }
        &mut self.cover.account.as_mut().expect("it was opened above").resource
    }

    /// The number of PID-18 that the visit has, without the marks of its place.
    fn stay_number(&self) -> Option<Identifier> {
        let of_visit = self
            .encounter
            .as_ref()
            .map(|open| open.resource.identifier.as_slice());
        let found = of_visit
            .into_iter()
            .flatten()
            .find(|one| pid::is_stay_number(one));
        let found = found.or_else(|| self.stay.as_ref()?.identifier.as_deref())?;
        let mut number = found.clone();
        number.extension.retain(|e| e.url.as_deref() != Some(keep::PLACE));
        Some(number)
    }

    /// Puts the open policy into the Bundle, with whoever is insured by it.
    fn close_policy(&mut self, cx: &mut Context<'_>) {
        let Some((ticket, id, policy)) = self.cover.policy.take() else {
            return;
        };
        let Policy {
            mut coverage,
            mut insured,
        } = *policy;
        let own = in1::is_self(coverage.relationship.as_ref());
        if own {
            coverage.subscriber = self.subject();
        } else if insured != RelatedPerson::default() {
            insured.patient = self.subject();
            insured.relationship.extend(coverage.relationship.clone());
            let of = id.to_string();
            let person = cx.entries.unique_id("RelatedPerson", &["insured", &of]);
            coverage.subscriber = Some(cx.entries.push(person, insured));
        }
        coverage.extension.push(keep::mark("IN1"));
        in1::complete(&mut coverage);
        self.covered(reference(id));
        cx.entries
            .fill(ticket, fhir::Resource::Coverage(Box::new(coverage)));
    }

    fn covered(&mut self, coverage: Reference) {
        if let Some(account) = &mut self.cover.account {
            account.resource.coverage.push(AccountCoverage {
                coverage: Some(coverage),
                ..AccountCoverage::default()
            });
        }
    }

    /// The patient's account and policies are over.
    pub(crate) fn close_cover(&mut self, cx: &mut Context<'_>) {
        if matches!(self.code.as_str(), "BAR" | "DFT") && self.patient.is_some() {
            self.account(cx);
        }
        self.close_policy(cx);
        if let Some(open) = self.cover.account.take() {
            if matches!(self.code.as_str(), "BAR" | "DFT") {
                self.focus.push(open.reference());
            }
            open.close(cx);
        }
    }
}
