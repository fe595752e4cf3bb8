//! RXD to MedicationDispense and back. The guide has no map for RXD.

use fhir::{Annotation, MedicationDispensePerformer, MedicationDispenseSubstitution};

use crate::datatype::{concept, person};
use crate::keep;
use crate::row::SegmentMap;
use crate::segment::medicine::{self, Supply};

type Row = crate::row::Row<Supply>;

/// RXD to MedicationDispense.
pub(crate) static RXD: SegmentMap<Supply> = SegmentMap {
    segment: "RXD",
    resource: "MedicationDispense",
    rows: &[
        concept!(2, "medication(Medication.code)", medication.code),
        moment!(3, "whenHandedOver", dispense.when_handed_over),
        amount!(4, "quantity.value", dispense.quantity),
        unit!(5, "quantity.code", dispense.quantity),
        concept!(6, "medication(Medication.form)", medication.form),
        number!(7, "identifier", dispense.identifier, ""),
        Row::new(
            9,
            "note",
            |field, supply, cx| {
                for line in field.repetitions() {
                    cx.at(supply.dispense.note.len());
                    if let Some(text) = cx.take(line, ".text") {
                        supply.dispense.note.push(Annotation {
                            extension: vec![keep::mark("RXD-9")],
                            text: Some(text),
                            ..Annotation::default()
                        });
                    }
                }
            },
            |supply, field, _| {
                let own = |note: &&Annotation| keep::is_marked(&note.extension, "RXD-9");
                for note in supply.dispense.note.iter().filter(own) {
                    field.repetition().optional(1, note.text.as_ref());
                }
            },
        ),
        Row::new(
            10,
            "performer.actor",
            |field, supply, cx| {
                for xcn in field.repetitions() {
                    cx.at(supply.dispense.performer.len());
                    if let Some(actor) = person::read(xcn, cx) {
                        supply.dispense.performer.push(MedicationDispensePerformer {
                            actor: Some(actor),
                            ..MedicationDispensePerformer::default()
                        });
                    }
                }
            },
            |supply, field, back| {
                let people = supply.dispense.performer.iter();
                for one in people.filter(|one| !medicine::is_pharmacy(one.actor.as_ref(), back)) {
                    if let Some(actor) = &one.actor {
                        person::write(actor, field.repetition(), back);
                    }
                }
            },
        ),
        Row::new(
            11,
            "substitution.type",
            |field, supply, cx| {
                if let Some(kind) = concept::first(field, None, cx) {
                    // Table 0167: N and 0 say that nothing was substituted.
                    let code = kind.coding.first().and_then(|coding| coding.code.as_deref());
                    let none = matches!(code, Some("N" | "0"));
                    supply.dispense.substitution = Some(MedicationDispenseSubstitution {
                        was_substituted: Some(!none),
                        type_: Some(kind),
                        ..MedicationDispenseSubstitution::default()
                    });
                }
            },
            |supply, field, back| {
                let found = supply.dispense.substitution.as_ref();
                concept::put(found.and_then(|one| one.type_.as_ref()), None, field, back);
            },
        )
        .note("table 0167"),
        Row::new(
            16,
            "medication(Medication.ingredient.strength.numerator.value)",
            medicine::read_strength,
            medicine::write_strength,
        ),
        Row::new(
            17,
            "medication(Medication.ingredient.strength.numerator.code)",
            medicine::read_strength_unit,
            medicine::write_strength_unit,
        ),
        text!(18, "medication(Medication.batch.lotNumber)", medication.batch => lot_number),
        moment!(19, "medication(Medication.batch.expirationDate)", medication.batch => expiration_date),
        Row::new(
            20,
            "medication(Medication.manufacturer)",
            |field, supply, cx| {
                let found = medicine::read_maker(field, cx);
                supply.medication.manufacturer = found;
                crate::row::cells::keep_rest(field, supply, cx);
            },
            |supply, field, back| {
                medicine::write_maker(supply.medication.manufacturer.as_ref(), field, back);
                crate::row::cells::write_rest(supply, field);
            },
        ),
        Row::new(
            15,
            "dosageInstruction.additionalInstruction",
            |field, one, cx| concept::all(field, None, &mut one.dosage.additional_instruction, cx),
            |one, field, back| medicine::write_instructions(&one.dosage, field, back),
        ),
        Row::new(
            30,
            "performer.actor(Organization)",
            |field, supply, cx| {
                let found = medicine::read_maker(field, cx);
                if let Some(actor) = found {
                    supply.dispense.performer.push(MedicationDispensePerformer {
                        actor: Some(actor),
                        ..MedicationDispensePerformer::default()
                    });
                }
            },
            |supply, field, back| {
                medicine::write_maker(medicine::pharmacy_of(supply, back), field, back);
            },
        ),
        concept!(33, "type", dispense.type_),
        Row::kept(1),
        Row::kept(8),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(31),
        Row::kept(32),
        Row::kept(34),
        Row::kept(35),
    ],
};

#[cfg(test)]
mod tests {
    use fhir::MedicationDispense;

    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_supply_alone_has_the_numbers_of_its_order() {
        let rxd = "RXD|1|322236009^Paracetamol^SCT|20260302|20|TAB^Tablet^L||RX77||With food~At night|N1^Pharm^Petra|G||||^Keep cool|500|mg|||MK^Maker^L||||||||||PH1^Pharmacy^L|||R^Refill^L";
        let bundle = comes_back(
            "O13",
            &[
                PID,
                "ORC|RE|P1^RYJ",
                "NTE|1||Note",
                rxd,
                "RXR|PO",
                "NTE|1||Handed over",
            ],
            &["RXD", "RXR"],
        );
        let supply: &MedicationDispense = first(&bundle);
        assert_eq!(supply.performer.len(), 2);
        assert_eq!(supply.identifier.len(), 2);
    }
}
