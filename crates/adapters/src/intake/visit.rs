//! PV1 and PV2 into what is known about a visit.

use hl7v2::{Message, Repetition};

use super::read::{clinician, coded, first, part, text};
use crate::state::change::{Given, Visit};
use crate::state::encounter::Place;
use crate::vendor::Reading;

pub(super) fn read(message: &Message<'_>, reading: &Reading) -> Visit {
    let pv1 = |field: usize| message.field("PV1", field);
    let (number, authority) = (reading.visit)(message);
    Visit {
        number,
        authority,
        class: text(pv1(2)),
        admission_type: text(pv1(4)),
        source: text(pv1(14)),
        specialty: first(pv1(10), coded),
        consultant: first(pv1(7), clinician),
        referrer: first(pv1(8), clinician),
        reason: first(message.field("PV2", 3), coded),
        place: match first(pv1(3), place) {
            Given::Is(place) => Some(place),
            Given::Kept | Given::Deleted => None,
        },
        pending: match first(pv1(42), place) {
            Given::Is(place) => Some(place),
            Given::Kept | Given::Deleted => None,
        },
        admitted: text(pv1(44)),
        discharged: text(pv1(45)),
        restricted: match text(message.field("PV2", 22)) {
            Given::Is(said) => Given::Is(said == "Y"),
            Given::Deleted => Given::Deleted,
            Given::Kept => Given::Kept,
        },
        disposition: text(pv1(36)),
        destination: text(pv1(37)),
        ..Visit::default()
    }
}

/// PL.
fn place(repetition: Repetition<'_>) -> Option<Place> {
    let place = Place {
        ward: part(repetition, 1),
        room: part(repetition, 2),
        bed: part(repetition, 3),
        facility: part(repetition, 4),
        building: part(repetition, 7),
    };
    (place != Place::default()).then_some(place)
}
