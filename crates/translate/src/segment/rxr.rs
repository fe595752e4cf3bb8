//! RXR to the route and site of what is ordered, supplied or given, and back.
//! Guide: "Segment RXR to Immunization", "… to MedicationRequest".

use fhir::{Dosage, Immunization, MedicationAdministrationDosage};

use crate::row::SegmentMap;

/// RXR to Immunization.
pub(crate) static IMMUNIZATION: SegmentMap<Immunization> = {
    type Row = crate::row::Row<Immunization>;
    SegmentMap {
        segment: "RXR",
        resource: "Immunization",
        rows: &[
            concept!(1, "route", route, route).note("table 0162"),
            concept!(2, "site", site, body_part).note("table 0550"),
            Row::kept(3),
            Row::kept(4),
            Row::kept(5),
            Row::kept(6),
        ],
    }
};

/// RXR to the dosage of MedicationRequest and MedicationDispense.
pub(crate) static DOSAGE: SegmentMap<Dosage> = {
    type Row = crate::row::Row<Dosage>;
    SegmentMap {
        segment: "RXR",
        resource: "Dosage",
        rows: &[
            concept!(1, "route", route, route).note("table 0162"),
            concept!(2, "site", site, body_part).note("table 0550"),
            concept!(4, "method", method, administration_method).note("table 0165"),
            Row::kept(3),
            Row::kept(5),
            Row::kept(6),
        ],
    }
};

/// RXR to the dosage of MedicationAdministration.
pub(crate) static ADMINISTRATION: SegmentMap<MedicationAdministrationDosage> = {
    type Row = crate::row::Row<MedicationAdministrationDosage>;
    SegmentMap {
        segment: "RXR",
        resource: "MedicationAdministration.dosage",
        rows: &[
            concept!(1, "route", route, route).note("table 0162"),
            concept!(2, "site", site, body_part).note("table 0550"),
            concept!(4, "method", method, administration_method).note("table 0165"),
            Row::kept(3),
            Row::kept(5),
            Row::kept(6),
        ],
    }
};

#[cfg(test)]
mod tests {
    use fhir::{Immunization, MedicationAdministration, MedicationRequest};

    use crate::testing::{PID, comes_back, first};

    const ORC: &str = "ORC|NW|P1^RYJ";

    #[test]
    fn a_route_goes_where_its_medicine_is() {
        let rxr = "RXR|IM|LT^Left Thigh^HL70163||CH";
        let bundle = comes_back("O11", &[PID, ORC, "RXE||1^Drug^L|1", rxr, "RXR|PO"], &["RXR"]);
        let dosages = &first::<MedicationRequest>(&bundle).dosage_instruction;
        assert_eq!(dosages.len(), 2, "a second way is a second dosage");
        let method = dosages[0].method.as_ref().unwrap();
        assert_eq!(method.coding[0].code.as_deref(), Some("419747000"));

        let bundle = comes_back("O17", &[PID, ORC, "RXA|0|1|2026||1^Drug^L|1|mg", rxr], &["RXR"]);
        let dosage = first::<MedicationAdministration>(&bundle)
            .dosage
            .as_ref()
            .unwrap();
        assert!(dosage.site.is_some());

        let bundle = comes_back("V04", &[PID, ORC, "RXA|0|1|2026||1^Drug^L|1|mL", rxr], &["RXR"]);
        let route = first::<Immunization>(&bundle).route.as_ref().unwrap();
        assert_eq!(route.coding[0].code.as_deref(), Some("IM"));
    }

    #[test]
    fn a_route_without_a_medicine_travels() {
        comes_back("O11", &[PID, "RXR|PO"], &["RXR"]);
    }
}
