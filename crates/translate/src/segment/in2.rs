//! IN2 to Coverage and back. The guide has no map for IN2: who is insured learns what it says of them, all else
//! is kept on the Coverage.

use crate::keep;
use crate::row::{SegmentMap, cells};
use crate::segment::in1::{self, Policy};

type Row = crate::row::Row<Policy>;

/// IN2 to Coverage.
pub(crate) static IN2: SegmentMap<Policy> = SegmentMap {
    segment: "IN2",
    resource: "Coverage",
    rows: &[
        Row::new(
            1,
            "subscriber(RelatedPerson.identifier)",
            |field, policy, cx| {
                if in1::is_self(policy.coverage.relationship.as_ref()) {
                    keep::read_field(field, policy, cx);
                } else {
                    cells::read_identifiers(field, "", &mut policy.insured.identifier, cx);
                }
            },
            |policy, field, back| {
                keep::write_field(policy, field, back);
                if field.is_empty() {
                    cells::write_identifiers(&policy.insured.identifier, "", field, back);
                }
            },
        ),
        Row::new(
            2,
            "subscriber(RelatedPerson.identifier)",
            |field, policy, cx| {
                if in1::is_self(policy.coverage.relationship.as_ref()) {
                    keep::read_field(field, policy, cx);
                } else {
                    cells::read_typed(field, "SS", &mut policy.insured.identifier, cx);
                }
            },
            |policy, field, back| {
                keep::write_field(policy, field, back);
                cells::write_typed(&policy.insured.identifier, field);
            },
        )
        .note("table 0203: SS"),
        identifiers!(61, "identifier", coverage.identifier, "IN2-61").note("the patient's member number"),
        Row::new(
            63,
            "subscriber(RelatedPerson.telecom)",
            |field, policy, cx| {
                if in1::is_self(policy.coverage.relationship.as_ref()) {
                    keep::read_field(field, policy, cx);
                } else {
                    cells::read_points(field, "", &mut policy.insured.telecom, cx);
                }
            },
            |policy, field, back| {
                keep::write_field(policy, field, back);
                if field.is_empty() {
                    cells::write_points(&policy.insured.telecom, "", field, back);
                }
            },
        ),
        Row::new(
            64,
            "subscriber(RelatedPerson.telecom)",
            |field, policy, cx| {
                if in1::is_self(policy.coverage.relationship.as_ref()) {
                    keep::read_field(field, policy, cx);
                } else {
                    cells::read_points(field, "work", &mut policy.insured.telecom, cx);
                }
            },
            |policy, field, back| {
                keep::write_field(policy, field, back);
                if field.is_empty() {
                    cells::write_points(&policy.insured.telecom, "work", field, back);
                }
            },
        ),
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
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::kept(33),
        Row::kept(34),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
        Row::kept(39),
        Row::kept(40),
        Row::kept(41),
        Row::kept(42),
        Row::kept(43),
        Row::kept(44),
        Row::kept(45),
        Row::kept(46),
        Row::kept(47),
        Row::kept(48),
        Row::kept(49),
        Row::kept(50),
        Row::kept(51),
        Row::kept(52),
        Row::kept(53),
        Row::kept(54),
        Row::kept(55),
        Row::kept(56),
        Row::kept(57),
        Row::kept(58),
        Row::kept(59),
        Row::kept(60),
        Row::kept(62),
        Row::kept(65),
        Row::kept(66),
        Row::kept(67),
        Row::kept(68),
        Row::kept(69),
        Row::kept(70),
        Row::kept(71),
        Row::kept(72),
    ],
};

#[cfg(test)]
mod tests {
    use fhir::{Coverage, RelatedPerson};

    use crate::testing::{PID, comes_back, first};

    #[test]
    fn who_is_insured_learns_what_it_says() {
        let in1 = "IN1|1|P1^Plan^L|C1|Insurer||||||||||||Example^Una|SPO";
        let in2 = "IN2|E1^^^ACME~E2^^^ACME|SS9|EMP^Employer|||||||||||||||||||||||||||||||en|||||||||||||||||||||||||||M77||020 7946 0104^PRN^PH|020 7946 0105^WPN^PH";
        let bundle = comes_back("A01", &[PID, in1, in2], &["IN1", "IN2"]);
        let person: &RelatedPerson = first(&bundle);
        assert_eq!(person.identifier.len(), 3);
        assert_eq!(person.telecom.len(), 2);
        assert!(first::<Coverage>(&bundle).identifier.len() > 1);
    }

    #[test]
    fn it_travels_when_there_is_no_insurance() {
        comes_back("A01", &[PID, "IN2||SS9"], &["IN2"]);
    }
}
