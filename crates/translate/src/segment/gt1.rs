//! GT1 to RelatedPerson and Account.guarantor, and back. The guide has no map for GT1.

use fhir::{AccountGuarantor, Extension, RelatedPerson, RelatedPersonCommunication, Text};

use crate::datatype::{concept, organization};
use crate::keep;
use crate::row::{Extensible, SegmentMap, cells};

type Row = crate::row::Row<Guarantor>;

/// Marks the person that GT1 tells of.
pub(crate) const GUARANTOR: &str = "GT1";
/// GT1-21 has no element of RelatedPerson.
const ORGANIZATION: &str = "GT1-21";

/// Who answers for the bill, and in which way.
#[derive(Default)]
pub(crate) struct Guarantor {
    pub(crate) person: RelatedPerson,
    pub(crate) answers: AccountGuarantor,
}

impl Extensible for Guarantor {
    fn extensions(&self) -> &[Extension] {
        &self.person.extension
    }
    fn extensions_mut(&mut self) -> &mut Vec<Extension> {
        &mut self.person.extension
    }
}

/// GT1 to RelatedPerson.
pub(crate) static GT1: SegmentMap<Guarantor> = SegmentMap {
    segment: "GT1",
    resource: "RelatedPerson",
    rows: &[
        Row::ignored(1, cells::SET_ID),
        identifiers!(2, "identifier", person.identifier),
        names!(3, "name", person.name),
        addresses!(5, "address", person.address),
        points!(6, "telecom", person.telecom, ""),
        points!(7, "telecom", person.telecom, "work"),
        day!(8, "birthDate", person.birth_date),
        code!(
            9,
            "gender",
            administrative_sex,
            person.gender,
            person.gender_element
        )
        .note("table 0001"),
        Row::new(
            11,
            "relationship",
            |field, one, cx| {
                let table = Some(&cx.vocabulary.relationship);
                concept::all(field, table, &mut one.person.relationship, cx);
            },
            |one, field, back| {
                concept::put_all(
                    &one.person.relationship,
                    Some(&back.vocabulary.relationship),
                    field,
                    back,
                );
            },
        )
        .note("table 0063"),
        Row::new(
            12,
            "identifier",
            |field, one, cx| cells::read_typed(field, "SS", &mut one.person.identifier, cx),
            |one, field, _| cells::write_typed(&one.person.identifier, field),
        )
        .note("table 0203: SS"),
        moment!(13, "period.start", person.period => start),
        moment!(14, "period.end", person.period => end),
        Row::new(
            21,
            "extension(organization)",
            |field, one, cx| {
                if let Some(found) = organization::read_xon(field.repetition(1), cx) {
                    let value = Extension {
                        value_reference: Some(Box::new(found)),
                        ..Extension::default()
                    };
                    let carried = keep::carry(Text::const_new(ORGANIZATION), value);
                    one.person.extension.push(carried);
                }
            },
            |one, field, back| {
                let found = keep::carried(&one.person.extension, ORGANIZATION);
                if let Some(found) = found.and_then(|e| e.value_reference.as_ref()) {
                    organization::write_xon(found, field.repetition(), back);
                }
            },
        ),
        Row::new(
            22,
            "Account.guarantor.onHold",
            |field, one, cx| {
                let hold = cx.peek(field).and_then(|flag| match flag.as_ref() {
                    "Y" => Some(true),
                    "N" => Some(false),
                    _ => None,
                });
                match hold {
                    Some(hold) => {
                        cx.take_as(
                            field,
                            "Account.guarantor.onHold",
                            crate::ledger::Outcome::Transformed,
                        );
                        one.answers.on_hold = Some(hold);
                    }
                    None => keep::read_field(field, one, cx),
                }
            },
            |one, field, back| {
                keep::write_field(one, field, back);
                if let Some(hold) = one.answers.on_hold {
                    field.set(if hold { "Y" } else { "N" });
                }
            },
        )
        .note("table 0136"),
        Row::new(
            36,
            "communication.language",
            |field, one, cx| {
                if let Some(language) = concept::first(field, None, cx) {
                    one.person.communication.push(RelatedPersonCommunication {
                        language: Some(language),
                        ..RelatedPersonCommunication::default()
                    });
                }
            },
            |one, field, back| {
                let language = one
                    .person
                    .communication
                    .first()
                    .and_then(|one| one.language.as_ref());
                concept::put(language, None, field, back);
            },
        ),
        Row::kept(4),
        Row::kept(10),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(19),
        Row::kept(20),
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
    ],
};

#[cfg(test)]
mod tests {
    use fhir::{Account, RelatedPerson};

    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_guarantor_answers_for_the_account() {
        let pid = format!("{PID}|||||||||||||ACC9^^^RYJ");
        let gt1 = "GT1|1|G1^^^RYJ|Example^Una~Example^Oona||1 Test Road^^London|020 7946 0104^PRN^PH|020 7946 0105^WPN^PH|19700102|F|P|SPO|SS9|20260101||1|ACME||||||Y|||||||||||||en";
        let bundle = comes_back("P01", &[&pid, gt1], &["GT1", "NK1", "PID"]);
        let account: &Account = first(&bundle);
        assert_eq!(account.guarantor[0].on_hold, Some(true));
        assert_eq!(account.identifier[0].value.as_deref(), Some("ACC9"));
        assert_eq!(first::<RelatedPerson>(&bundle).name.len(), 2);
    }
}
