//! PRT to PractitionerRole and Device. Guide: "Segment PRT to PractitionerRole", "… to Device".
//!
//! Where a PRT hangs, FHIR says by reference from what stands before it; where in the message it stood, FHIR has
//! no word for. The segment therefore travels whole beside what is read from it, and comes back from there: its
//! rows only read.

use fhir::{Device, DeviceUdiCarrier, Identifier, PractitionerRole, Text};
use hl7v2::Field;

use crate::context::Context;
use crate::datatype::{concept, identifier, location, organization, person, telecom, time};
use crate::row::{SegmentMap, write_nothing};

/// Marks a role that stood in PRT: other segments do not write it.
pub(crate) const PARTICIPATION: &str = "PRT";

/// PRT to PractitionerRole.
pub(crate) static ROLE: SegmentMap<PractitionerRole> = {
    type Row = crate::row::Row<PractitionerRole>;
    SegmentMap {
        segment: "PRT",
        resource: "PractitionerRole",
        rows: &[
            Row::new(
                4,
                "code",
                |field, role, cx| concept::all(field, None, &mut role.code, cx),
                write_nothing,
            )
            .note("table 0912"),
            Row::new(
                5,
                "practitioner(Practitioner)",
                |field, role, cx| role.practitioner = person::read(field.repetition(1), cx),
                write_nothing,
            ),
            Row::new(
                6,
                "specialty",
                |field, role, cx| concept::all(field, None, &mut role.specialty, cx),
                write_nothing,
            ),
            Row::new(
                8,
                "organization(Organization)",
                |field, role, cx| role.organization = organization::read_xon(field.repetition(1), cx),
                write_nothing,
            ),
            Row::new(7, "organization(Organization.type)", read_unit, write_nothing)
                .note("table 0406; when PRT-8 names the organisation"),
            Row::new(
                9,
                "location(Location)",
                |field, role, cx| {
                    for pl in field.repetitions() {
                        role.location.extend(location::read(pl, cx));
                    }
                },
                write_nothing,
            ),
            Row::new(
                11,
                "period.start",
                |field, role, cx| {
                    if let Some(start) = time::date_time(field, cx, "") {
                        role.period.get_or_insert_default().start = Some(start);
                    }
                },
                write_nothing,
            ),
            Row::new(
                12,
                "period.end",
                |field, role, cx| {
                    if let Some(end) = time::date_time(field, cx, "") {
                        role.period.get_or_insert_default().end = Some(end);
                    }
                },
                write_nothing,
            ),
            Row::new(
                15,
                "telecom",
                |field, role, cx| telecom::read(field, "", &mut role.telecom, cx),
                write_nothing,
            ),
            Row::new(
                24,
                "identifier",
                |field, role, cx| {
                    if let Some(value) = cx.take(field, ".value") {
                        role.identifier.push(Identifier {
                            value: Some(value),
                            ..Identifier::default()
                        });
                    }
                },
                write_nothing,
            ),
        ],
    }
};

/// PRT to Device.
pub(crate) static DEVICE: SegmentMap<Device> = {
    type Row = crate::row::Row<Device>;
    SegmentMap {
        segment: "PRT",
        resource: "Device",
        rows: &[
            Row::new(
                10,
                "identifier",
                |field, device, cx| {
                    for ei in field.repetitions() {
                        device.identifier.extend(identifier::read_ei(ei, cx));
                    }
                },
                write_nothing,
            ),
            Row::new(
                16,
                "udiCarrier.deviceIdentifier",
                |field, device, cx| {
                    if let Some(value) = cx.take(field, "") {
                        device.udi_carrier.push(DeviceUdiCarrier {
                            device_identifier: Some(value),
                            ..DeviceUdiCarrier::default()
                        });
                    }
                },
                write_nothing,
            ),
            Row::new(
                17,
                "manufactureDate",
                |field, device, cx| device.manufacture_date = time::date_time(field, cx, ""),
                write_nothing,
            ),
            Row::new(
                18,
                "expirationDate",
                |field, device, cx| device.expiration_date = time::date_time(field, cx, ""),
                write_nothing,
            ),
            Row::new(
                19,
                "lotNumber",
                |field, device, cx| device.lot_number = cx.take(field, ""),
                write_nothing,
            ),
            Row::new(
                20,
                "serialNumber",
                |field, device, cx| device.serial_number = cx.take(field, ""),
                write_nothing,
            ),
            Row::new(
                21,
                "distinctIdentifier",
                |field, device, cx| device.distinct_identifier = cx.take(field, ""),
                write_nothing,
            ),
            Row::new(
                22,
                "type",
                |field, device, cx| device.type_ = concept::first(field, None, cx),
                write_nothing,
            ),
        ],
    }
};

/// The kind of unit is told to the organisation of PRT-8, when there is one.
fn read_unit(field: Field<'_>, role: &mut PractitionerRole, cx: &mut Context<'_>) {
    let Some(place) = role.organization.clone() else {
        return;
    };
    let kind = concept::first(field, None, cx);
    if let Some(known) = organization::shared(&place, cx)
        && let Some(kind) = kind.filter(|kind| !known.type_.contains(kind))
    {
        known.type_.push(kind);
    }
}

/// The first code of the participation.
pub(crate) fn code(role: &PractitionerRole) -> Text {
    let first = role.code.first();
    let coded = first.and_then(|code| code.coding.iter().find_map(|coding| coding.code.clone()));
    coded.or_else(|| first?.text.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fhir::{CareTeam, Device, Encounter, Observation, Patient, PractitionerRole};

    use crate::testing::{PID, all, comes_back, first};

    const AT: &str = "PRT|1|AD||AT^Attending^HL70912|C1^Consult^Clara|GE^Medicine^L|H^Hospital^HL70406|Trust A|WARD1^^B2^RYJ||20260302|20260303|||020 7946 0100^WPN^PH";

    #[test]
    fn a_participation_hangs_on_what_it_follows() {
        let gp = AT.replace("AT^Attending", "PP^Primary");
        let device =
            "PRT|1|AD||EQUIP^Equipment^HL70912||||||D7^RYJ||||||UDI1|2024|2030|LOT1|SER2|DIN3|T4^Pump^L";
        let segments = [
            PID,
            &gp,
            AT,
            "PV1|1|I",
            AT,
            "OBX|1|NM|1^A^L||5||||||F",
            AT,
            device,
        ];
        let bundle = comes_back("A01", &segments, &["PRT"]);
        assert_eq!(first::<Patient>(&bundle).general_practitioner.len(), 1);
        assert_eq!(first::<CareTeam>(&bundle).participant.len(), 1);
        assert_eq!(first::<Encounter>(&bundle).participant.len(), 1);
        let observation: &Observation = first(&bundle);
        assert_eq!(observation.performer.len(), 1);
        assert!(observation.device.is_some());
        assert_eq!(first::<Device>(&bundle).serial_number.as_deref(), Some("SER2"));
        assert_eq!(all::<PractitionerRole>(&bundle).len(), 4);
    }

    #[test]
    fn the_one_who_ordered_is_the_requester() {
        let prt = "PRT|1|AD||OP^Ordering^HL70443|C1^Consult^Clara";
        let bundle = comes_back(
            "O21",
            &[PID, "ORC|NW|P1^RYJ", prt, "OBR|1|P1^RYJ||1^Test^L"],
            &["ORC"],
        );
        assert!(first::<fhir::ServiceRequest>(&bundle).requester.is_some());
        let bundle = comes_back(
            "V04",
            &[PID, "ORC|RE|P1^RYJ", prt, "RXA|0|1|2026||1^V^CVX|1"],
            &["ORC", "RXA"],
        );
        assert_eq!(first::<fhir::Immunization>(&bundle).performer.len(), 1);
    }
}
