//! RXE to MedicationRequest and back: the order as the pharmacy encoded it.
//!
//! The guide has no map for RXE; its rows follow those of RXO, whose content they refine.

use crate::datatype::concept;
use crate::row::SegmentMap;
use crate::segment::medicine::{self, Prescription};

type Row = crate::row::Row<Prescription>;

/// RXE to MedicationRequest.
pub(crate) static RXE: SegmentMap<Prescription> = SegmentMap {
    segment: "RXE",
    resource: "MedicationRequest",
    rows: &[
        concept!(2, "medication(Medication.code)", medication.code),
        amount!(3, "dosageInstruction.doseAndRate.doseRange.low.value", dose.low),
        amount!(4, "dosageInstruction.doseAndRate.doseRange.high.value", dose.high),
        Row::new(
            5,
            "dosageInstruction.doseAndRate.doseRange.low.code",
            medicine::read_dose_unit,
            medicine::write_dose_unit,
        )
        .note("also of the upper bound"),
        concept!(6, "medication(Medication.form)", medication.form),
        Row::new(
            7,
            "dosageInstruction.additionalInstruction",
            |field, one, cx| concept::all(field, None, &mut one.dosage.additional_instruction, cx),
            |one, field, back| medicine::write_instructions(&one.dosage, field, back),
        ),
        Row::new(
            9,
            "substitution.allowedCodeableConcept",
            medicine::read_substitution,
            medicine::write_substitution,
        )
        .note("table 0167"),
        amount!(10, "dispenseRequest.quantity.value", request.dispense_request => quantity),
        unit!(11, "dispenseRequest.quantity.code", request.dispense_request => quantity),
        count!(12, "dispenseRequest.numberOfRepeatsAllowed", request.dispense_request => number_of_repeats_allowed),
        Row::new(
            13,
            "requester(Practitioner)",
            medicine::read_requester,
            medicine::write_requester,
        )
        .note("when ORC-12 names nobody"),
        number!(15, "identifier", request.identifier, ""),
        Row::new(
            19,
            "dosageInstruction.maxDosePerPeriod",
            medicine::read_daily,
            medicine::write_daily,
        )
        .note("for one day"),
        amount!(23, "dosageInstruction.doseAndRate.rateQuantity.value", rate),
        unit!(24, "dosageInstruction.doseAndRate.rateQuantity.code", rate),
        Row::new(
            25,
            "medication(Medication.ingredient.strength.numerator.value)",
            medicine::read_strength,
            medicine::write_strength,
        ),
        Row::new(
            26,
            "medication(Medication.ingredient.strength.numerator.code)",
            medicine::read_strength_unit,
            medicine::write_strength_unit,
        ),
        concepts!(27, "reasonCode", request.reason_code),
        Row::new(
            33,
            "medication(Medication.ingredient.strength.denominator.value)",
            medicine::read_volume,
            medicine::write_volume,
        ),
        Row::new(
            34,
            "medication(Medication.ingredient.strength.denominator.code)",
            medicine::read_volume_unit,
            medicine::write_volume_unit,
        ),
        Row::new(
            40,
            "dispenseRequest.performer(Organization)",
            medicine::read_pharmacy,
            medicine::write_pharmacy,
        ),
        Row::new(
            41,
            "dispenseRequest.performer(Organization.address)",
            medicine::read_pharmacy_address,
            medicine::write_pharmacy_address,
        ),
        Row::new(
            45,
            "dispenseRequest.performer(Organization.telecom)",
            medicine::read_pharmacy_telecom,
            medicine::write_pharmacy_telecom,
        ),
        Row::kept(1),
        Row::kept(8),
        Row::kept(14),
        Row::kept(16),
        Row::kept(17),
        Row::kept(18),
        Row::kept(20),
        Row::kept(21),
        Row::kept(22),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::kept(35),
        Row::kept(36),
        Row::kept(37),
        Row::kept(38),
        Row::kept(39),
        Row::kept(42),
        Row::kept(43),
        Row::kept(44),
    ],
};

#[cfg(test)]
mod tests {
    use fhir::MedicationRequest;

    use crate::testing::{PID, first, round_trip};

    const RXE: &str = "RXE||322236009^Paracetamol^SCT|500";

    #[test]
    fn a_code_alone_is_a_concept() {
        let bundle = round_trip("O11", &[PID, "ORC|NW|P1^RYJ"], RXE);
        let request: &MedicationRequest = first(&bundle);
        assert!(request.medication_codeable_concept.is_some());
        assert_eq!(request.intent.as_deref(), Some("order"));
    }

    #[test]
    fn numbers_in_words_are_kept() {
        round_trip(
            "O11",
            &[PID, "ORC|NW|P1^RYJ"],
            "RXE||322236009^Paracetamol^SCT|one|two|TAB|||||few||many|||||||often",
        );
    }
}
