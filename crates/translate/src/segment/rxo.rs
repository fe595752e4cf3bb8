//! RXO to MedicationRequest and back: the order as it was placed. Guide: "Segment RXO to MedicationRequest".

use crate::datatype::concept;
use crate::row::SegmentMap;
use crate::segment::medicine::{self, Prescription};

type Row = crate::row::Row<Prescription>;

/// RXO to MedicationRequest.
pub(crate) static RXO: SegmentMap<Prescription> = SegmentMap {
    segment: "RXO",
    resource: "MedicationRequest",
    rows: &[
        concept!(1, "medication(Medication.code)", medication.code),
        amount!(2, "dosageInstruction.doseAndRate.doseRange.low.value", dose.low),
        amount!(3, "dosageInstruction.doseAndRate.doseRange.high.value", dose.high),
        Row::new(
            4,
            "dosageInstruction.doseAndRate.doseRange.low.code",
            medicine::read_dose_unit,
            medicine::write_dose_unit,
        )
        .note("also of the upper bound"),
        concept!(5, "medication(Medication.form)", medication.form),
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
        .note("table 0161"),
        amount!(11, "dispenseRequest.quantity.value", request.dispense_request => quantity),
        unit!(12, "dispenseRequest.quantity.code", request.dispense_request => quantity),
        count!(13, "dispenseRequest.numberOfRepeatsAllowed", request.dispense_request => number_of_repeats_allowed),
        Row::new(
            14,
            "requester(Practitioner)",
            medicine::read_requester,
            medicine::write_requester,
        )
        .note("when ORC-12 names nobody"),
        Row::new(
            18,
            "medication(Medication.ingredient.strength.numerator.value)",
            medicine::read_strength,
            medicine::write_strength,
        ),
        Row::new(
            19,
            "medication(Medication.ingredient.strength.numerator.code)",
            medicine::read_strength_unit,
            medicine::write_strength_unit,
        ),
        concepts!(20, "reasonCode", request.reason_code),
        amount!(21, "dosageInstruction.doseAndRate.rateQuantity.value", rate),
        unit!(22, "dosageInstruction.doseAndRate.rateQuantity.code", rate),
        Row::new(
            23,
            "dosageInstruction.maxDosePerPeriod",
            medicine::read_daily,
            medicine::write_daily,
        )
        .note("for one day"),
        Row::new(
            25,
            "medication(Medication.ingredient.strength.denominator.value)",
            medicine::read_volume,
            medicine::write_volume,
        ),
        Row::new(
            26,
            "medication(Medication.ingredient.strength.denominator.code)",
            medicine::read_volume_unit,
            medicine::write_volume_unit,
        ),
        Row::new(
            32,
            "dispenseRequest.performer(Organization)",
            medicine::read_pharmacy,
            medicine::write_pharmacy,
        ),
        Row::new(
            33,
            "dispenseRequest.performer(Organization.address)",
            medicine::read_pharmacy_address,
            medicine::write_pharmacy_address,
        ),
        Row::new(
            35,
            "dispenseRequest.performer(Organization.telecom)",
            medicine::read_pharmacy_telecom,
            medicine::write_pharmacy_telecom,
        ),
        Row::kept(6),
        Row::kept(8),
        Row::kept(10),
        Row::kept(15),
        Row::kept(16),
        Row::kept(17),
        Row::kept(24),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(31),
        Row::kept(34),
        Row::kept(36),
    ],
};

#[cfg(test)]
mod tests {
    use fhir::MedicationRequest;

    use crate::testing::{PID, first, round_trip};

    #[test]
    fn an_order_is_placed() {
        let rxo = "RXO|323510009^Amoxicillin^SCT|1|2|TAB^Tablet^L|CAP^Capsule^L||^With food~^Not with milk||G||21|CAP^Capsule^L|2|D1^Doctor^Dora||||500|mg^^UCUM|R05^Cough^I10|5|mL/h|3&4^tab||10|mL^^UCUM||||||PH1^Pharmacy^L|1 High St^^London||02079460000^WPN^PH";
        let rxo = rxo.replace("3&4^tab", "3^tab");
        let bundle = round_trip("O09", &[PID, "ORC|NW|P1^RYJ"], &rxo);
        let request: &MedicationRequest = first(&bundle);
        assert_eq!(request.intent.as_deref(), Some("original-order"));
        assert!(
            request.medication_reference.is_some(),
            "form and strength want a Medication"
        );
        assert_eq!(request.dosage_instruction[0].additional_instruction.len(), 2);
        let dispense = request.dispense_request.as_ref().unwrap();
        assert_eq!(dispense.number_of_repeats_allowed, Some(2));
    }
}
