//! PID and PD1 into what is known about a person.

use hl7v2::{Message, Repetition};

use super::read::{clinician, coded, first, list, part, text};
use crate::state::Text;
use crate::state::change::{Demographics, Given};
use crate::state::person::{Address, Coded, Name, Telecom};
use crate::vendor::Reading;

pub(crate) fn read(message: &Message<'_>, reading: &Reading) -> Demographics {
    let pid = |field: usize| message.field("PID", field);
    Demographics {
        names: list(pid(5), name),
        addresses: list(pid(11), address),
        telecoms: telecoms(message),
        birth: text(pid(7)),
        sex: text(pid(8)),
        marital: first_place(reading.marital, |segment, field| {
            text(message.field(segment, field))
        }),
        religion: text(pid(17)),
        ethnicity: first_place(reading.ethnicity, |segment, field| {
            first(message.field(segment, field), coded)
        }),
        language: first(pid(15), |repetition| {
            let language = part(repetition, reading.language_component);
            (!language.is_empty()).then_some(language)
        }),
        death_time: text(pid(29)),
        death_indicator: text(pid(30)),
        gp: first(message.field("PD1", 4), clinician),
        practice: first(message.field("PD1", 3), practice),
        protected: match text(message.field("PD1", 12)) {
            Given::Is(said) => Given::Is(said == "Y"),
            Given::Deleted => Given::Deleted,
            Given::Kept => Given::Kept,
        },
    }
}

fn first_place<T>(places: &[(&'static str, u16)], read: impl Fn(&str, usize) -> Given<T>) -> Given<T> {
    places
        .iter()
        .map(|(segment, field)| read(segment, usize::from(*field)))
        .find(|found| !matches!(found, Given::Kept))
        .unwrap_or(Given::Kept)
}

fn name(repetition: Repetition<'_>) -> Option<Name> {
    let name = Name {
        family: part(repetition, 1),
        given: part(repetition, 2),
        middle: part(repetition, 3),
        suffix: part(repetition, 4),
        prefix: part(repetition, 5),
        kind: part(repetition, 7),
    };
    (!name.family.is_empty() || !name.given.is_empty()).then_some(name)
}

fn address(repetition: Repetition<'_>) -> Option<Address> {
    let address = Address {
        line: part(repetition, 1),
        other: part(repetition, 2),
        city: part(repetition, 3),
        county: match part(repetition, 4) {
            state if state.is_empty() => part(repetition, 9),
            state => state,
        },
        postcode: part(repetition, 5),
        country: part(repetition, 6),
        kind: part(repetition, 7),
    };
    let empty = address.line.is_empty() && address.city.is_empty() && address.postcode.is_empty();
    (!empty).then_some(address)
}

/// PID-13 and PID-14 are one list to the record; a message that gives one keeps the other only as it stands there.
fn telecoms(message: &Message<'_>) -> Given<Vec<Telecom>> {
    let home = list(message.field("PID", 13), |repetition| telecom(repetition, ""));
    let work = list(message.field("PID", 14), |repetition| telecom(repetition, "WPN"));
    match (home, work) {
        (Given::Kept, Given::Kept) => Given::Kept,
        (Given::Is(mut home), Given::Is(work)) => {
            home.extend(work);
            Given::Is(home)
        }
        (Given::Is(some), _) | (_, Given::Is(some)) => Given::Is(some),
        (Given::Deleted, _) | (_, Given::Deleted) => Given::Deleted,
    }
}

fn telecom(repetition: Repetition<'_>, used_as: &str) -> Option<Telecom> {
    let own = part(repetition, 2);
    let equipment = part(repetition, 3);
    let value = match (part(repetition, 1), part(repetition, 4)) {
        (number, _) if !number.is_empty() => number,
        (_, address) => address,
    };
    if value.is_empty() {
        return None;
    }
    let email = value.contains('@');
    let mobile = own.eq_ignore_ascii_case("ORN") || equipment.eq_ignore_ascii_case("CP");
    let used_as = match () {
        () if mobile => Text::const_new("ORN"),
        () if !used_as.is_empty() => used_as.into(),
        () if own.eq_ignore_ascii_case("HOME") => Text::const_new("PRN"),
        () => own,
    };
    Some(Telecom {
        value,
        email,
        used_as,
    })
}

/// XON.
fn practice(repetition: Repetition<'_>) -> Option<Coded> {
    let practice = Coded {
        code: match part(repetition, 3) {
            id if id.is_empty() => part(repetition, 10),
            id => id,
        },
        text: part(repetition, 1),
        system: part(repetition, 6),
    };
    (!practice.code.is_empty() || !practice.text.is_empty()).then_some(practice)
}
