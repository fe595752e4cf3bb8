//! RXC to an ingredient of the Medication and back. The guide has no map for RXC.

use fhir::MedicationIngredient;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::quantity;
use crate::keep;
use crate::row::SegmentMap;
use crate::row::cells::{keep_long_unit, put_amount, put_unit};

type Row = crate::row::Row<MedicationIngredient>;

/// RXC to Medication.ingredient.
pub(crate) static RXC: SegmentMap<MedicationIngredient> = SegmentMap {
    segment: "RXC",
    resource: "Medication.ingredient",
    rows: &[
        Row::new(
            1,
            "isActive",
            |field, one, cx| {
                // Table 0166: an additive acts, a base carries it.
                let active = cx.peek(field).and_then(|kind| match kind.as_ref() {
                    "A" => Some(true),
                    "B" => Some(false),
                    _ => None,
                });
                match active {
                    Some(active) => {
                        cx.take_as(field, "", crate::ledger::Outcome::Transformed);
                        one.is_active = Some(active);
                    }
                    None => keep::read_field(field, one, cx),
                }
            },
            |one, field, back| {
                keep::write_field(one, field, back);
                if let Some(active) = one.is_active {
                    field.set(if active { "A" } else { "B" });
                }
            },
        )
        .note("table 0166"),
        concept!(2, "itemCodeableConcept", item_codeable_concept),
        Row::new(3, "strength.numerator.value", read_amount, write_amount),
        Row::new(4, "strength.numerator.code", read_unit, write_unit),
        Row::kept(5),
        Row::kept(6),
        Row::kept(7),
        Row::kept(8),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
    ],
};

fn read_amount(field: hl7v2::Field<'_>, one: &mut MedicationIngredient, cx: &mut Context<'_>) {
    match quantity::decimal(field, cx, "") {
        Some(value) => {
            let ratio = one.strength.get_or_insert_default();
            ratio.numerator.get_or_insert_default().value = Some(value);
        }
        None => keep::read_field(field, one, cx),
    }
}

fn write_amount(one: &MedicationIngredient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = one.strength.as_ref().and_then(|ratio| ratio.numerator.as_ref());
    put_amount(found, one, field, back);
}

fn read_unit(field: hl7v2::Field<'_>, one: &mut MedicationIngredient, cx: &mut Context<'_>) {
    let ratio = one.strength.get_or_insert_default();
    quantity::set_unit(ratio.numerator.get_or_insert_default(), field.repetition(1), cx);
    keep_long_unit(field, one, cx);
}

fn write_unit(one: &MedicationIngredient, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let found = one.strength.as_ref().and_then(|ratio| ratio.numerator.as_ref());
    put_unit(found, one, field, back);
}

/// Fills what FHIR requires.
pub(crate) fn complete(one: &mut MedicationIngredient) {
    if one.item_codeable_concept.is_none() {
        one.item_codeable_concept = Some(crate::segment::al1::absent());
    }
}

#[cfg(test)]
mod tests {
    use fhir::Medication;

    use crate::testing::{PID, all, comes_back};

    #[test]
    fn ingredients_make_a_medication() {
        let segments = [
            PID,
            "ORC|NW|P1^RYJ",
            "RXE||322236009^Mixture^SCT|1",
            "RXC|B|123^Saline^L|100|mL^^UCUM|||||||7",
            "RXC|A|456^Drug^L|two|vials",
            "RXC|X|^Unknown",
        ];
        let bundle = comes_back("O11", &segments, &["RXC"]);
        let ingredients = &all::<Medication>(&bundle)[0].ingredient;
        assert_eq!(ingredients.len(), 3);
        assert_eq!(
            (ingredients[0].is_active, ingredients[1].is_active),
            (Some(false), Some(true))
        );
    }
}
