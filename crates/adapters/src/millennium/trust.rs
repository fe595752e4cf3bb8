//! The trusts of one domain: which pool, which facility and which visit belongs to whom.
//!
//! One person index, many owners. A trust is known by the three letters of its ODS code, its sites by those letters and
//! two digits; its numbers stand in pools of its own. Who may see what follows from [`owner`]; what a trust's feed may
//! say follows from [`bars`].

use std::sync::OnceLock;

use hl7v2::Message;
use hl7v2::ack::AckCode;

use crate::epr::Choices;
use crate::intake::Refusal;
use crate::intake::read::numbers;
use crate::state::change::VisitAct;
use crate::state::encounter::Encounter;
use crate::state::person::{Alias, Person, Role};
use crate::state::{Change, State};

use super::intake::alias;

/// One trust of the domain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trust {
    /// ODS code: three characters.
    pub code: &'static str,
    /// By which its pools begin.
    short: &'static str,
}

impl Trust {
    /// The pool of its visit numbers.
    pub(super) fn visit_pool(&self) -> String {
        format!("{} Encounter Num", self.short)
    }

    /// Its first site, for a visit that says no other.
    pub(super) fn site(&self) -> String {
        format!("{}01", self.code)
    }

    /// Whether a number pool is one of its own.
    fn owns(&self, pool: &str) -> bool {
        pool.split_once(' ')
            .is_some_and(|(short, _)| short.eq_ignore_ascii_case(self.short))
    }
}

static TRUSTS: OnceLock<Vec<Trust>> = OnceLock::new();

fn trusts() -> &'static [Trust] {
    TRUSTS.get_or_init(|| {
        include_str!("trusts.csv")
            .lines()
            .skip(1)
            .filter_map(|line| {
                let (short, rest) = line.split_once(',')?;
                let (code, _) = rest.split_once(',')?;
                Some(Trust { code, short })
            })
            .collect()
    })
}

/// Whose facility that is: an ODS code, or the code of one of its sites.
pub(super) fn of_facility(facility: &str) -> Option<&'static Trust> {
    let facility = facility.trim();
    trusts().iter().find(|trust| {
        facility
            .get(..trust.code.len())
            .is_some_and(|code| code.eq_ignore_ascii_case(trust.code))
            && facility
                .bytes()
                .skip(trust.code.len())
                .all(|letter| letter.is_ascii_alphanumeric())
            && matches!(facility.len() - trust.code.len(), 0 | 2)
    })
}

/// Whose pool that is.
pub(super) fn of_pool(pool: &str) -> Option<&'static Trust> {
    trusts().iter().find(|trust| trust.owns(pool))
}

/// Who owns a visit: the trust of the place it is in, or was in last; else the one whose pool numbered it.
pub(super) fn owner(encounter: &Encounter) -> Option<&'static Trust> {
    let places = encounter.movements.iter().rev();
    places
        .map(|movement| of_facility(&movement.place.facility))
        .find(Option::is_some)
        .flatten()
        .or_else(|| of_pool(&encounter.authority))
}

/// The organisation a visit is at: the site of its place, else its owner, else what its messages said.
pub(super) fn organisation(encounter: &Encounter) -> &str {
    let facility = encounter.place().map_or("", |place| place.facility.as_str());
    match (of_facility(facility), owner(encounter)) {
        (Some(_), _) => facility,
        (None, Some(owner)) => owner.code,
        (None, None) => &encounter.owner,
    }
}

/// The trusts that know a person, by their numbers.
pub(super) fn knowing(person: &Person) -> Vec<&'static Trust> {
    let numbers = person.aliases.iter().filter(|alias| alias.role == Role::Mrn);
    let mut known: Vec<_> = numbers.filter_map(|alias| of_pool(&alias.authority)).collect();
    known.sort_unstable_by_key(|trust| trust.code);
    known.dedup();
    known
}

/// What a contributor may not say, when contributors are held to their trust: MSH-4 names the trust; a visit elsewhere,
/// a number it could not have issued, and numbers of two people are refused.
pub(super) fn bars(
    message: &Message<'_>,
    change: &Change,
    state: &State,
    choices: &Choices,
) -> Option<Refusal> {
    if choices.get("contributor") != "by-trust" {
        return None;
    }
    let refusal = |place: &str, text: &str| Refusal {
        code: if choices.get("contributor-refusal") == "AR" {
            AckCode::AR
        } else {
            AckCode::AE
        },
        ..Refusal::error("207", place, &format!("{place}: {text}"))
    };
    let Some(trust) = of_facility(&message.header().sending_facility()) else {
        return Some(refusal("MSH-4", "no contributor of that name in this domain"));
    };
    for (place, facility) in [
        ("PV1-3.4", message.field("PV1", 3).component(4).text()),
        ("PV1-39", message.field("PV1", 39).text()),
    ] {
        if !facility.is_empty() && of_facility(&facility) != Some(trust) {
            return Some(refusal(place, "the visit is at another trust than MSH-4 names"));
        }
    }
    if let Some((act, visit)) = &change.visit {
        let pool = (!visit.authority.is_empty())
            .then(|| of_pool(&visit.authority))
            .flatten();
        let held = state.visit_numbered(&visit.number).and_then(owner);
        if [pool, held].into_iter().flatten().any(|other| other != trust) {
            return Some(refusal(
                "PID-18",
                "the visit belongs to another trust than MSH-4 names",
            ));
        }
        let told = visit
            .place
            .as_ref()
            .and_then(|place| of_facility(&place.facility));
        if *act != VisitAct::Refer && told.or(pool).or(held).is_none() {
            return Some(refusal(
                "PV1-3.4",
                "neither facility nor pool says whose visit this is",
            ));
        }
    }
    wrong_pool(message, trust, state)
        .map(|place| {
            refusal(
                &place,
                "a number of this pool is not this contributor's to give, and nobody here has it",
            )
        })
        .or_else(|| {
            state
                .are_several(&change.aliases)
                .then(|| refusal("PID-3", "numbers of more than one person; combine them first"))
        })
}

/// Where a number stands that the trust could not have issued and nobody holds.
fn wrong_pool(message: &Message<'_>, trust: &Trust, state: &State) -> Option<String> {
    for (segment, number) in [("PID", 3), ("MRG", 1)] {
        let field = message.field(segment, number);
        for (position, alias) in numbers(field).map(alias).enumerate() {
            let Some(alias) = alias.filter(|alias: &Alias| alias.role == Role::Mrn) else {
                continue;
            };
            if !trust.owns(&alias.authority) && (alias.authority.is_empty() || !state.is_held(&alias)) {
                let repetition = if position == 0 {
                    String::new()
                } else {
                    format!("[{}]", position + 1)
                };
                return Some(format!("{segment}-{number}{repetition}.4"));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facility_is_a_trust_or_one_of_its_sites() {
        for (facility, code) in [
            ("RYJ", Some("RYJ")),
            ("RYJ01", Some("RYJ")),
            ("rqm91", Some("RQM")),
            ("RYJX", None),
            ("RYJ0123", None),
            ("CHELWEST", None),
            ("", None),
        ] {
            assert_eq!(of_facility(facility).map(|trust| trust.code), code, "{facility}");
        }
        assert_eq!(of_pool("CWFT MRN").map(|trust| trust.code), Some("RQM"));
        assert_eq!(of_pool("CWFT Encounter Num").map(|trust| trust.code), Some("RQM"));
        assert_eq!(of_pool("CWMRN"), None);
    }
}
