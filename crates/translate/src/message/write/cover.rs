//! Who pays, as segments: GT1, IN1 to IN3, FT1.

use fhir::{Account, AccountGuarantor, CareTeam, ChargeItem, Coverage, Patient, RelatedPerson};

use super::Out;
use crate::back::{Back, SegmentWriter};
use crate::keep;
use crate::segment::gt1::{self, Guarantor};
use crate::segment::{ft1, iam, in1, in2, in3};

impl<'b> Out<'_, 'b> {
    pub(super) fn cover(&mut self, patient: Option<&Patient>) {
        let guarantors: Vec<&'b RelatedPerson> =
            self.of(patient, |person: &RelatedPerson| person.patient.as_ref());
        let answering = guarantors.into_iter().filter(|one| answers(one, self.back));
        let answering: Vec<&'b RelatedPerson> = answering.collect();
        for (number, person) in (1..).zip(answering) {
            let one = Guarantor {
                person: person.clone(),
                answers: guarantor(person, self.back).cloned().unwrap_or_default(),
            };
            let mut segment = SegmentWriter::new("GT1");
            gt1::GT1.write(&one, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
        let policies: Vec<&'b Coverage> = self.of(patient, |one: &Coverage| one.beneficiary.as_ref());
        for (number, coverage) in (1..).zip(policies) {
            let policy = in1::of(coverage, self.back);
            let mut segment = SegmentWriter::new("IN1");
            in1::IN1.write(&policy, &mut segment, self.back);
            self.push_numbered(segment, number);
            let mut segment = SegmentWriter::new("IN2");
            in2::IN2.write(&policy, &mut segment, self.back);
            self.push_whole(segment);
            let mut segment = SegmentWriter::new("IN3");
            in3::IN3.write(coverage, &mut segment, self.back);
            // Teams do not name their policy: the first that is left is that of the first policy.
            let teams = self.back.all::<CareTeam>();
            let teams = teams.filter(|team| keep::is_marked(&team.extension, in3::TEAM));
            if let Some(team) = teams.into_iter().nth(number - 1) {
                in3::CASE.write(team, &mut segment, self.back);
            }
            self.push_numbered(segment, 1);
        }
        let items: Vec<&'b ChargeItem> = self.of(patient, |item: &ChargeItem| item.subject.as_ref());
        for (number, item) in (1..).zip(items) {
            let mut segment = SegmentWriter::new("FT1");
            ft1::FT1.write(item, &mut segment, self.back);
            self.push_numbered(segment, number);
        }
    }
}

/// How a person answers for an account.
fn guarantor<'b>(person: &RelatedPerson, back: &Back<'b>) -> Option<&'b AccountGuarantor> {
    back.all::<Account>()
        .flat_map(|account| &account.guarantor)
        .find(|one| {
            let party = back.resolve::<RelatedPerson>(one.party.as_ref());
            party.is_some_and(|party| std::ptr::eq(party, person))
        })
}

fn answers(person: &RelatedPerson, back: &Back<'_>) -> bool {
    keep::is_marked(&person.extension, gt1::GUARANTOR) || guarantor(person, back).is_some()
}

/// True for a person who stands in GT1, IN1 or IAM rather than in NK1.
pub(super) fn pays(person: &RelatedPerson, back: &Back<'_>) -> bool {
    answers(person, back)
        || keep::is_marked(&person.extension, iam::IAM_PLACE)
        || back.all::<Coverage>().any(|coverage| {
            let insured = back.resolve::<RelatedPerson>(coverage.subscriber.as_ref());
            insured.is_some_and(|insured| std::ptr::eq(insured, person))
        })
}
