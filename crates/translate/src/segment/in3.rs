//! IN3 to CareTeam and back: the case manager. Guide: "Segment IN3 to CareTeam"; all else is kept on the Coverage.

use fhir::{CareTeam, CareTeamParticipant, Coverage, Reference, Text};

use crate::datatype::concept;
use crate::keep;
use crate::row::SegmentMap;

const SNOMED: &str = "http://snomed.info/sct";
const CASE_MANAGER: &str = "768832004";
/// Marks the team that IN3 tells of.
pub(crate) const TEAM: &str = "IN3";

/// IN3 to CareTeam.
pub(crate) static CASE: SegmentMap<CareTeam> = {
    type Row = crate::row::Row<CareTeam>;
    SegmentMap {
        segment: "IN3",
        resource: "CareTeam",
        rows: &[Row::new(
            21,
            "participant.member",
            |field, team, cx| {
                let Some(name) = cx.take(field, ".display") else {
                    return;
                };
                let mut role = concept::of_code(SNOMED, CASE_MANAGER, "");
                role.text = Some(Text::const_new("case manager"));
                team.participant.push(CareTeamParticipant {
                    role: vec![role],
                    member: Some(Reference {
                        display: Some(name),
                        ..Reference::default()
                    }),
                    ..CareTeamParticipant::default()
                });
                team.extension.push(keep::mark(TEAM));
            },
            |team, field, _| {
                let manager = team.participant.first().and_then(|one| one.member.as_ref());
                field
                    .repetition()
                    .optional(1, manager.and_then(|one| one.display.as_ref()));
            },
        )
        .note("the case manager")],
    }
};

/// IN3 to Coverage.
pub(crate) static IN3: SegmentMap<Coverage> = {
    type Row = crate::row::Row<Coverage>;
    SegmentMap {
        segment: "IN3",
        resource: "Coverage",
        rows: &[
            Row::ignored(1, crate::row::cells::SET_ID),
            Row::kept(2),
            Row::kept(3),
            Row::kept(4),
            Row::kept(5),
            Row::kept(6),
            Row::kept(7),
            Row::kept(8),
            Row::kept(9),
            Row::kept(10),
            Row::kept(11),
            Row::kept(12),
            Row::kept(13),
            Row::kept(14),
            Row::kept(15),
            Row::kept(16),
            Row::kept(17),
            Row::kept(18),
            Row::kept(19),
            Row::kept(20),
            Row::kept(22),
            Row::kept(23),
            Row::kept(24),
            Row::kept(25),
            Row::kept(26),
            Row::kept(27),
            Row::kept(28),
        ],
    }
};

#[cfg(test)]
mod tests {
    use fhir::CareTeam;

    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_case_manager_is_a_team() {
        let in1 = "IN1|1|P1^Plan^L|C1|Insurer";
        let in3 = "IN3|1|CERT7|V1^Verify^Vera|Y||20260302|||||||||||||||Manager";
        let bundle = comes_back("A01", &[PID, in1, in3], &["IN1", "IN3"]);
        let team: &CareTeam = first(&bundle);
        let member = team.participant[0].member.as_ref().unwrap();
        assert_eq!(member.display.as_deref(), Some("Manager"));
    }
}
