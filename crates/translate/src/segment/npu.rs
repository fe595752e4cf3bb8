//! NPU to Location and back: the status of a bed (A20). The guide has no map for it.
//!
//! The rows work on the location of an encounter, though there is no encounter: it holds what a PL becomes.

use fhir::{EncounterLocation, Location, Resource};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::location;
use crate::row::SegmentMap;

type Row = crate::row::Row<EncounterLocation>;

/// NPU to Location.
pub(crate) static NPU: SegmentMap<EncounterLocation> = SegmentMap {
    segment: "NPU",
    resource: "Location",
    rows: &[
        Row::new(
            1,
            "identifier",
            |field, bed, cx| bed.location = location::read(field.repetition(1), cx),
            |bed, field, back| {
                if let Some(place) = &bed.location {
                    location::write(place, field.repetition(), back);
                }
            },
        ),
        Row::new(2, "operationalStatus", read_status, write_status).note("table 0116"),
    ],
};

fn read_status(field: Field<'_>, bed: &mut EncounterLocation, cx: &mut Context<'_>) {
    let Some(code) = cx.take(field, ".code") else {
        return;
    };
    let status = location::bed_status(code, cx);
    let url = bed.location.as_ref().and_then(|place| place.reference.as_deref());
    let id = url.and_then(|url| uuid::Uuid::parse_str(url.strip_prefix("urn:uuid:")?).ok());
    if let Some(Resource::Location(place)) = id.and_then(|id| cx.entries.shared(id)) {
        place.operational_status = Some(status);
    }
}

fn write_status(bed: &EncounterLocation, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = back.resolve::<Location>(bed.location.as_ref());
    let status = place.and_then(|place| place.operational_status.as_ref());
    field
        .repetition()
        .optional(1, status.and_then(|status| status.code.as_ref()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{all, round_trip};

    #[test]
    fn the_status_of_a_bed_comes_back() {
        let bundle = round_trip("A20", &["EVN|A20|20260302"], "NPU|W7^R1^B3^RYJ01|H");
        let beds = all::<Location>(&bundle);
        let bed = beds
            .iter()
            .find(|one| one.operational_status.is_some())
            .expect("a bed");
        assert_eq!(
            bed.operational_status.as_ref().unwrap().code.as_deref(),
            Some("H")
        );
    }
}
