//! Allergies, orders, places on a waiting list and future appointments, as every product shows them.

use std::collections::BTreeMap;

use rest::Client;
use serde_json::Value;

use super::{ReadBack, Served, Wanted, instant, list, search, text};
use crate::RunError;
use crate::reconcile::record::{Class, Record};
use crate::world::folded;

/// Clock starts by the number of the waiting-list entry.
pub(super) type Clocks = BTreeMap<String, String>;

/// What an order for a place on a waiting list asks for, in words: ASSUMED.
pub(crate) const WAITING_LIST: &str = "WAITING LIST ENTRY";

/// Open orders as records; what the orders behind waiting-list entries say of their clocks is given back.
pub(super) async fn orders(
    client: &Client,
    served: &Served,
    id: &str,
    wanted: &Wanted,
    read: &mut ReadBack,
    records: &mut Vec<Record>,
) -> Result<Clocks, RunError> {
    let mut clocks = Clocks::new();
    if !served.types.contains("ServiceRequest") {
        return Ok(clocks);
    }
    for order in search(client, "ServiceRequest", &[("patient", id)], read).await? {
        if text(&order["status"]) != "active" {
            continue;
        }
        let number = text(&order["identifier"][0]["value"]).to_owned();
        let asked = folded(text(&order["code"]["text"]));
        if asked == WAITING_LIST {
            clocks.insert(number, day(text(&order["authoredOn"])).to_owned());
            continue;
        }
        records.push(
            Record::new(Class::OpenOrder, number)
                .with("patient", &wanted.mrn)
                .with("test", asked),
        );
    }
    Ok(clocks)
}

/// Allergies, by what is not tolerated.
pub(super) async fn allergies(
    client: &Client,
    served: &Served,
    id: &str,
    wanted: &Wanted,
    read: &mut ReadBack,
    records: &mut Vec<Record>,
) -> Result<(), RunError> {
    if !served.types.contains("AllergyIntolerance") {
        return Ok(());
    }
    for allergy in search(client, "AllergyIntolerance", &[("patient", id)], read).await? {
        let key = format!("{} {}", wanted.mrn, folded(text(&allergy["code"]["text"])));
        records.push(Record::new(Class::Allergy, key).with("since", day(text(&allergy["onsetDateTime"]))));
    }
    Ok(())
}

/// Appointments that were not cancelled, by clinic and time.
pub(super) async fn appointments(
    client: &Client,
    served: &Served,
    id: &str,
    wanted: &Wanted,
    read: &mut ReadBack,
    records: &mut Vec<Record>,
) -> Result<(), RunError> {
    if !served.types.contains("Appointment") {
        return Ok(());
    }
    // One product answers nothing without a date.
    let asked = [("patient", id), ("date", "ge2000-01-01")];
    for booking in search(client, "Appointment", &asked, read).await? {
        if matches!(text(&booking["status"]), "cancelled" | "entered-in-error") {
            continue;
        }
        records.push(
            Record::new(Class::Appointment, text(&booking["identifier"][0]["value"]))
                .with("patient", &wanted.mrn)
                .with("clinic", clinic(&booking))
                .with("at", instant(text(&booking["start"]))),
        );
    }
    Ok(())
}

/// The participant that is a place: neither the patient nor anybody by reference.
fn clinic(booking: &Value) -> &str {
    let actors = list(&booking["participant"]).iter().map(|one| &one["actor"]);
    let mut places = actors.filter(|actor| text(&actor["reference"]).is_empty());
    places.next_back().map_or("", |place| text(&place["display"]))
}

/// The day of a time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}
