//! RGS to Appointment and back: a group of resources. The guide has no map for it.

use fhir::Appointment;

use crate::row::SegmentMap;

type Row = crate::row::Row<Appointment>;

/// RGS to Appointment.
pub(crate) static RGS: SegmentMap<Appointment> = SegmentMap {
    segment: "RGS",
    resource: "Appointment",
    rows: &[
        Row::ignored(1, "a set id; the order of participants says it"),
        Row::kept(2),
        Row::kept(3),
    ],
};

#[cfg(test)]
mod tests {
    use crate::testing::{PID, back, message, read, round_trip};

    #[test]
    fn a_group_comes_back_in_front_of_its_resources() {
        round_trip("S12", &["SCH|P1|F1", PID], "RGS|1|A|G1^Group^L");
        let segments = [
            "SCH|P1|F1",
            "NTE|1||Bring the letter",
            PID,
            "RGS|1",
            "AIS|1||CONS^Consultation^L",
            "NTE|1||Two chairs",
            "AIL|1||OPD^R1",
            "RGS|2",
            "AIL|1||OPD^R2",
        ];
        let (bundle, ledger) = read(&message("S12", &segments));
        assert_eq!(ledger.totals().lost, 0);
        let written = back(&bundle);
        assert_eq!(written.get(1..).unwrap(), segments);
    }
}
