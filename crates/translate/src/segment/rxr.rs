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
