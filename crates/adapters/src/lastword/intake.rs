//! What this product reads its own way: numbers by position, widths, upper case.

use hl7v2::Message;

use crate::intake::Refusal;
use crate::intake::read::{Cx, given, lone, nhs_digits, numbers, text};
use crate::state::change::Given;
use crate::state::person::{Alias, Name, Role};
use crate::state::{Change, Text, plain};

const NAME_WIDTH: usize = 30;
const ADDRESS_WIDTH: usize = 35;

/// PID-3, whose second repetition may be an NHS number that does not say so, then PID-4 and PID-2.
pub(super) fn identities(message: &Message<'_>) -> Vec<Alias> {
    let mut aliases: Vec<Alias> = numbers(message.field("PID", 3)).map(alias).collect();
    for field in [4, 2] {
        if aliases.iter().any(|alias| alias.role == Role::Nhs) {
            break;
        }
        let lone_nhs = lone(message.field("PID", field)).and_then(|cx| nhs_digits(&cx.value));
        aliases.extend(lone_nhs.map(|digits| Alias::nhs(&digits, "", "")));
    }
    aliases
}

/// MRG-1; in 2.2's A18 it is the only place a merge names who goes.
pub(super) fn losers(message: &Message<'_>) -> Vec<Alias> {
    numbers(message.field("MRG", 1)).map(alias).collect()
}

/// The numbers in the second PID of an unlink: whoever stands alone again.
pub(super) fn parted(message: &Message<'_>) -> Vec<Alias> {
    let second = message.segments_named("PID").nth(1);
    second
        .map(|pid| numbers(pid.field(3)).map(alias).collect())
        .unwrap_or_default()
}

/// A bare number of ten digits that passes the check is a candidate NHS number; all else is the hospital's.
fn alias(cx: Cx) -> Alias {
    let bare = cx.authority.is_empty() && cx.kind.is_empty();
    match nhs_digits(&cx.value) {
        Some(digits) if bare || cx.is_called_nhs() => Alias::nhs(&digits, &cx.authority, &cx.kind),
        _ => Alias {
            value: cx.value,
            authority: cx.authority,
            kind: cx.kind,
            role: Role::Mrn,
        },
    }
}

pub(super) fn visit(message: &Message<'_>) -> (Text, Text) {
    let number = given(text(message.field("PV1", 19)))
        .or_else(|| given(text(message.field("PID", 18))))
        .unwrap_or_default();
    (number, Text::default())
}

/// A mandatory field missing is the one thing this product is known to mind.
pub(super) fn refuses(message: &Message<'_>) -> Option<Refusal> {
    let event = message.header().trigger_event();
    if message.header().message_code() != "ADT" || message.segment("PID").is_none() {
        return None;
    }
    let merge = matches!(&*event, "A18" | "A34");
    if !merge && !message.field("PID", 5).is_valued() {
        return Some(Refusal::error("101", "PID-5", "PID-5: patient name missing"));
    }
    let about_a_visit = !merge && !matches!(&*event, "A28" | "A31" | "A08");
    if about_a_visit && message.segment("PV1").is_some() && !message.field("PV1", 2).is_valued() {
        return Some(Refusal::error("101", "PV1-2", "PV1-2: patient class missing"));
    }
    None
}

/// Fixed-width records without accents, surnames in upper case.
pub(super) fn fit_carecast(change: &mut Change) {
    fit(change, |name| name.family = upper(&name.family));
}

/// The same, with everything but free text in upper case.
pub(super) fn fit_lastword(change: &mut Change) {
    fit(change, |name| {
        for part in [
            &mut name.family,
            &mut name.given,
            &mut name.middle,
            &mut name.prefix,
            &mut name.suffix,
        ] {
            *part = upper(part);
        }
    });
    if let Given::Is(addresses) = &mut change.demographics.addresses {
        for address in addresses {
            for part in [
                &mut address.line,
                &mut address.other,
                &mut address.city,
                &mut address.county,
            ] {
                *part = upper(part);
            }
        }
    }
}

fn fit(change: &mut Change, names: impl Fn(&mut Name)) {
    if let Given::Is(list) = &mut change.demographics.names {
        for name in list {
            for part in [&mut name.family, &mut name.given, &mut name.middle] {
                *part = cut(part, NAME_WIDTH);
            }
            names(name);
        }
    }
    if let Given::Is(addresses) = &mut change.demographics.addresses {
        for address in addresses {
            for part in [&mut address.line, &mut address.other, &mut address.city] {
                *part = cut(part, ADDRESS_WIDTH);
            }
        }
    }
}

fn upper(text: &str) -> Text {
    text.to_uppercase().into()
}

/// Accents off, then the first `width` characters.
fn cut(text: &str, width: usize) -> Text {
    let mut kept = String::with_capacity(text.len());
    for letter in text.chars() {
        match plain(letter) {
            Some(plain) if letter.is_uppercase() => kept.push_str(&plain.to_uppercase()),
            Some(plain) => kept.push_str(plain),
            None => kept.push(letter),
        }
    }
    kept.chars().take(width).collect()
}
