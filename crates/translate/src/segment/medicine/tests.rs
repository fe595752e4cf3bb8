//! Medicines as the groups of a message build them.

use fhir::{MedicationAdministration, MedicationDispense, MedicationRequest, Observation};

use crate::testing::{PID, all, comes_back, first};

const ORC: &str = "ORC|NW|P1^RYJ|F1^RYJ|G1^RYJ|CM||||20260302|||C1^Consult^Clara||||STOP^Stopped^L";
const RXE: &str = "RXE||322236009^Paracetamol^SCT|500";

#[test]
fn what_the_pharmacy_encodes_is_based_on_what_was_placed() {
    let segments = [
        PID,
        "ORC|NW|P1^RYJ",
        "TQ1|1||BID||||20260302|20260309|R",
        "RXO|322236009^Paracetamol^SCT|500||mg^^UCUM",
        "RXR|PO",
        "RXE||322236009^Paracetamol^SCT|1||TAB^Tablet^L",
        "TQ1|1|2^tab|Q6H|080000~200000||||||If in pain|One tablet||30^min|12",
        "RXR|PO|MOU^Mouth",
        "RXC|B|123^Lactose^L|40|mg",
        "RXD|1|322236009^Paracetamol^SCT|20260302|20|TAB^Tablet^L||RX77|||N1^Pharm^Petra|N|||||||LOT7|20271231",
        "RXR|PO",
        "RXA|0|1|20260302080000||322236009^Paracetamol^SCT|1|TAB^Tablet^L",
    ];
    let ids = ["ORC", "TQ1", "RXO", "RXR", "RXE", "RXC", "RXD", "RXA"];
    let bundle = comes_back("O13", &segments, &ids);
    let requests = all::<MedicationRequest>(&bundle);
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].intent.as_deref(), Some("filler-order"));
    assert_eq!(requests[1].based_on.len(), 1);
    let supply: &MedicationDispense = first(&bundle);
    assert_eq!(
        supply.authorizing_prescription[0],
        first::<MedicationAdministration>(&bundle)
            .request
            .clone()
            .unwrap()
    );
    assert_eq!(supply.status.as_deref(), Some("completed"));
}

#[test]
fn an_observation_with_an_order_supports_it() {
    let obx = "OBX|1|NM|27113001^Weight^SCT||71.50|kg^^UCUM|||||F";
    let bundle = comes_back("O11", &[PID, ORC, RXE, "NTE|1||Check", obx], &["NTE", "OBX"]);
    assert_eq!(
        first::<MedicationRequest>(&bundle).supporting_information.len(),
        1
    );
    assert_eq!(all::<Observation>(&bundle).len(), 1);
}
