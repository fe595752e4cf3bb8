//! What stands ahead of the patient: SFT, MSA, ERR, QAK, QPD, RCP, and a referral with its providers.

use fhir::{
    Device, MessageHeader, OperationOutcome, Parameters, Practitioner, PractitionerRole, ServiceRequest,
};

use super::Out;
use crate::back::SegmentWriter;
use crate::keep;
use crate::segment::prd::{self, Provider};
use crate::segment::{err, msa, qpd, rf1, sft};

impl<'b> Out<'_, 'b> {
    /// The segments behind MSH.
    pub(super) fn reply(&mut self, header: &MessageHeader) {
        let software = self.back.all::<Device>();
        for device in software.filter(|one| keep::is_marked(&one.extension, sft::SOFTWARE)) {
            let mut segment = SegmentWriter::new("SFT");
            sft::SFT.write(device, &mut segment, self.back);
            self.push_whole(segment);
        }
        let mut segment = SegmentWriter::new("MSA");
        msa::MSA.write(header, &mut segment, self.back);
        self.push_whole(segment);
        let details = header
            .response
            .as_ref()
            .and_then(|response| response.details.as_ref());
        let told = self.back.resolve::<OperationOutcome>(details);
        let marked = || {
            let mut all = self.back.all::<OperationOutcome>();
            all.find(|one| {
                one.issue
                    .iter()
                    .any(|issue| keep::is_marked(&issue.extension, err::ISSUE))
            })
        };
        let issues = told
            .or_else(marked)
            .map_or(&[][..], |outcome| outcome.issue.as_slice());
        for issue in issues {
            let mut segment = SegmentWriter::new("ERR");
            err::ERR.write(&err::as_sent(issue), &mut segment, self.back);
            self.push_whole(segment);
        }
        let asked: Vec<&'b fhir::ParametersParameter> = self
            .back
            .all::<Parameters>()
            .flat_map(|one| &one.parameter)
            .collect();
        let maps = [
            ("QAK", qpd::ANSWER, &qpd::QAK),
            ("QPD", qpd::QUERY, &qpd::QPD),
            ("RCP", qpd::WANTED, &qpd::RCP),
        ];
        for (id, name, map) in maps {
            for one in asked.iter().filter(|one| one.name.as_deref() == Some(name)) {
                let mut segment = SegmentWriter::new(id);
                map.write(one, &mut segment, self.back);
                self.push_whole(segment);
            }
        }
    }

    /// RF1 and PRD, which stand before the patient.
    pub(super) fn referrals(&mut self) {
        let requests = self.back.all::<ServiceRequest>();
        for request in requests.filter(|one| keep::is_marked(&one.extension, rf1::REFERRAL)) {
            let mut segment = SegmentWriter::new("RF1");
            rf1::RF1.write(request, &mut segment, self.back);
            self.push_whole(segment);
        }
        let roles = self.back.all::<PractitionerRole>();
        for role in roles.filter(|one| keep::is_marked(&one.extension, prd::PROVIDER)) {
            let one = Provider {
                role: role.clone(),
                person: self
                    .back
                    .resolve::<Practitioner>(role.practitioner.as_ref())
                    .cloned()
                    .unwrap_or_default(),
            };
            let mut segment = SegmentWriter::new("PRD");
            prd::PRD.write(&one, &mut segment, self.back);
            self.push_whole(segment);
        }
    }

    /// True when what stands ahead is a message of its own.
    pub(super) fn says_enough(&self) -> bool {
        self.segments
            .iter()
            .any(|segment| matches!(segment.id.as_str(), "MSA" | "QPD" | "RF1" | "PRD"))
    }
}
