//! What this product reads its own way: numbers by alias pool, whatever their order.

use hl7v2::Message;
use hl7v2::ack::AckCode;

use crate::epr::Choices;
use crate::intake::Refusal;
use crate::intake::read::{Cx, given, nhs_digits, numbers, text};
use crate::state::change::Given;
use crate::state::person::{Alias, Role};
use crate::state::{Change, State, Text};

use super::codes;

/// PID-3 by pool, then whatever PID-4 adds.
pub(super) fn identities(message: &Message<'_>) -> Vec<Alias> {
    let mut aliases: Vec<Alias> = Vec::new();
    for field in [3, 4] {
        for alias in numbers(message.field("PID", field)).filter_map(alias) {
            if !aliases.iter().any(|held| held.names_the_same(&alias)) {
                aliases.push(alias);
            }
        }
    }
    if aliases.is_empty() {
        // PID-2 repeats the hospital's number; alone it still says who this is.
        aliases.extend(numbers(message.field("PID", 2)).filter_map(alias));
    }
    aliases
}

pub(super) fn losers(message: &Message<'_>) -> Vec<Alias> {
    numbers(message.field("MRG", 1)).filter_map(alias).collect()
}

/// The numbers in the second PID of an unlink: whoever stands alone again.
pub(super) fn parted(message: &Message<'_>) -> Vec<Alias> {
    let second = message.segments_named("PID").nth(1);
    second
        .map(|pid| numbers(pid.field(3)).filter_map(alias).collect())
        .unwrap_or_default()
}

pub(super) fn alias(cx: Cx) -> Option<Alias> {
    let nhs_pool = cx.is_called_nhs() || cx.kind == "CD:3844501";
    if nhs_pool {
        // A pool that says NHS and a number that is none: kept out rather than matched on.
        return nhs_digits(&cx.value).map(|digits| Alias::nhs(&digits, "NHSNBR", "NHSNMBR"));
    }
    let pool = cx.authority.to_ascii_uppercase();
    let community =
        pool.contains("COMMUNITY") || pool.starts_with("CMRN") || pool == "EMPI" || cx.kind == "CD:660921";
    let role = if community { Role::Enterprise } else { Role::Mrn };
    Some(Alias {
        value: cx.value,
        authority: cx.authority,
        kind: cx.kind,
        role,
    })
}

/// The FIN in PID-18, else the attendance number in PV1-19.
pub(super) fn visit(message: &Message<'_>) -> (Text, Text) {
    for (segment, field) in [("PID", 18), ("PV1", 19)] {
        if let Some(number) = given(text(message.field(segment, field))) {
            let authority = message.field(segment, field).component(4).text();
            return (number, Text::from(&*authority));
        }
    }
    (Text::default(), Text::default())
}

/// Whose a message is: where the patient is, the visit's facility, else a sender that is called by an ODS code.
pub(super) fn owner(message: &Message<'_>) -> Text {
    let place = message.field("PV1", 3).component(4).text();
    let facility = message.field("PV1", 39).text();
    let header = message.header();
    let sender = header.sending_facility();
    let is_ods = (3..=5).contains(&sender.len())
        && sender.starts_with('R')
        && sender
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    match (&*place, &*facility) {
        ("", "") if is_ods => Text::from(&*sender),
        ("", facility) => Text::from(facility),
        (place, _) => Text::from(place),
    }
}

/// Inbound feeds are bound to a contributor, looked up from MSH-3 and MSH-4.
pub(super) fn refuses(message: &Message<'_>) -> Option<Refusal> {
    let header = message.header();
    if header.sending_application().is_empty() && header.sending_facility().is_empty() {
        return Some(Refusal {
            code: AckCode::AE,
            ..Refusal::error(
                "101",
                "MSH-4",
                "MSH-4: no contributor system; MSH-3 and MSH-4 are both empty",
            )
        });
    }
    None
}

/// Stored as it comes; only sex by NHS number is turned into the product's own.
pub(super) fn stores(change: &mut Change) {
    if let Given::Is(sex) = &mut change.demographics.sex {
        let own = match sex.as_str() {
            "1" | "CD:361" => "M",
            "2" | "CD:362" => "F",
            "9" | "CD:365" => "O",
            "0" | "X" | "CD:364" => "U",
            _ => return,
        };
        *sex = Text::const_new(own);
    }
}

/// Inbound codes are translated by aliases; one that has none keeps the whole message out, when the site says so.
pub(super) fn fails(
    _message: &Message<'_>,
    change: &Change,
    _state: &State,
    choices: &Choices,
) -> Option<&'static str> {
    if choices.get("alias-failure") != "queue" {
        return None;
    }
    let unknown = |set: u16, code: Option<&Text>| {
        code.is_some_and(|code| !code.is_empty() && codes::value_of(set, code).is_none())
    };
    let demographics = &change.demographics;
    let ethnicity = demographics.ethnicity.value().map(|coded| &coded.code);
    if unknown(codes::ETHNICITY, ethnicity) {
        return Some("PID-22: no inbound alias for this ethnicity");
    }
    if unknown(codes::MARITAL, demographics.marital.value()) {
        return Some("PID-16: no inbound alias for this marital status");
    }
    let (_, visit) = change.visit.as_ref()?;
    if unknown(codes::ENCOUNTER_TYPE, visit.class.value()) {
        return Some("PV1-2: no inbound alias for this encounter type");
    }
    if unknown(codes::ADMIT_SOURCE, visit.source.value()) {
        return Some("PV1-14: no inbound alias for this source of admission");
    }
    None
}
