//! What this product reads its own way.

use hl7v2::Message;

use crate::epr::Choices;
use crate::intake::Refusal;
use crate::intake::read::{Cx, given, lone, nhs_digits, numbers, text};
use crate::state::item::ItemKind;
use crate::state::person::{Alias, Role};
use crate::state::{Change, State, Text};

/// PID-3 by authority and type; some senders put the NHS number, with spaces, in PID-2 or PID-19.
pub(super) fn identities(message: &Message<'_>) -> Vec<Alias> {
    let mut aliases: Vec<Alias> = numbers(message.field("PID", 3)).filter_map(alias).collect();
    for field in [2, 19] {
        if aliases.iter().any(|alias| alias.role == Role::Nhs) {
            break;
        }
        let digits = lone(message.field("PID", field)).and_then(|cx| nhs_digits(&cx.value));
        aliases.extend(digits.map(|digits| Alias::nhs(&digits, "NHS", "HN")));
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

fn alias(cx: Cx) -> Option<Alias> {
    if cx.is_called_nhs() {
        return nhs_digits(&cx.value).map(|digits| Alias::nhs(&digits, "NHS", &cx.kind));
    }
    let role = if cx.kind == "EPI" || cx.authority == "EPI" {
        Role::Enterprise
    } else {
        Role::Mrn
    };
    Some(Alias {
        value: cx.value,
        authority: cx.authority,
        kind: cx.kind,
        role,
    })
}

/// The contact serial number: PV1-19, PV1-50 or PID-18.
pub(super) fn visit(message: &Message<'_>) -> (Text, Text) {
    let number = [("PV1", 19), ("PV1", 50), ("PID", 18)]
        .into_iter()
        .find_map(|(segment, field)| given(text(message.field(segment, field))));
    (number.unwrap_or_default(), Text::default())
}

/// A message for another environment is not for this one.
pub(super) fn refuses(message: &Message<'_>) -> Option<Refusal> {
    let processing = message.header().processing_id();
    let ours = matches!(&*processing, "" | "P" | "T" | "D");
    (!ours).then(|| {
        Refusal::reject(
            "202",
            "MSH-11",
            "MSH-11: processing id of another environment; P, T and D are taken",
        )
    })
}

/// Inbound results file against an order: one OBR, and a placer number that is known here, when the site is strict.
pub(super) fn fails(
    message: &Message<'_>,
    change: &Change,
    state: &State,
    choices: &Choices,
) -> Option<&'static str> {
    if choices.get("strict-results") != "on" || message.header().message_code() != "ORU" {
        return None;
    }
    if message.segments_named("OBR").count() > 1 {
        return Some("OBR[2]: one order per result message");
    }
    let placer = &change.reports.first()?.placer;
    let person = state
        .known_by(&change.aliases, None)
        .and_then(|key| state.person(key));
    let ordered =
        person.is_some_and(|person| person.items(ItemKind::Order).any(|order| order.placer == *placer));
    (placer.is_empty() || !ordered).then_some("OBR-2: no order here has this placer number")
}
