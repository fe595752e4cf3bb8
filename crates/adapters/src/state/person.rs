//! One person as an EPR holds them: the aliases they go by, and what is known about them.
//!
//! Every code stands as the vendor writes it; times are HL7 times, as precise as they came.
//! No type here prints itself: a `Debug` of a person would be patient data in a log.

use serde::{Deserialize, Serialize};

use super::Text;
use super::encounter::Encounter;
use super::heard::{Heard, Moment};
use super::item::{Item, ItemKind};

/// A number somebody is known by, in the pool or authority that issued it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub value: Text,
    /// CX-4: assigning authority, or alias pool.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub authority: Text,
    /// CX-5: identifier type, as the vendor spells it.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub kind: Text,
    pub role: Role,
}

/// What an alias is for, whatever its vendor calls it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    /// The hospital's own number.
    #[default]
    Mrn,
    /// The NHS number, held as ten digits.
    Nhs,
    /// A number over several hospitals (community or enterprise number).
    Enterprise,
    /// A number that came with a person merged into this one.
    Retired,
}

impl Alias {
    pub(crate) fn nhs(value: &str, authority: &str, kind: &str) -> Self {
        Self {
            value: value.into(),
            authority: authority.into(),
            kind: kind.into(),
            role: Role::Nhs,
        }
    }

    /// Whether both name the same number: an authority left out on one side matches any.
    pub(crate) fn names_the_same(&self, other: &Self) -> bool {
        self.value == other.value
            && (self.role == Role::Nhs) == (other.role == Role::Nhs)
            && (self.role == Role::Nhs
                || self.authority.is_empty()
                || other.authority.is_empty()
                || self.authority.eq_ignore_ascii_case(&other.authority))
    }
}

/// XPN: one name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    pub family: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub given: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub middle: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub suffix: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub prefix: Text,
    /// XPN-7: name type code.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub kind: Text,
}

/// XAD: one address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub line: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub other: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub city: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub county: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub postcode: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub country: Text,
    /// XAD-7: address type.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub kind: Text,
}

/// XTN: one way to reach somebody.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Telecom {
    pub value: Text,
    /// `phone` or `email`.
    pub email: bool,
    /// `PRN` home, `WPN` work, `ORN` mobile; empty when the vendor did not say.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub used_as: Text,
}

/// XCN or XON cut to what the mocks show: a clinician or a practice.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clinician {
    pub id: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub family: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub given: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub prefix: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub authority: Text,
}

/// A code and the words that came with it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coded {
    pub code: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub text: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub system: Text,
}

/// What a record gave to the one it was merged into, by key, and its numbers as they were.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Gave {
    pub encounters: Vec<u32>,
    pub reports: Vec<u32>,
    pub items: Vec<u32>,
}

/// One person; the key is stable for the life of the record and is what ids are made of.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Person {
    pub key: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Name>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub telecoms: Vec<Telecom>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sex: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marital: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub religion: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ethnicity: Option<Coded>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text>,
    /// PID-29: independent of the indicator, as real feeds send them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death_time: Option<Text>,
    /// PID-30: `Y` or `N`, or their words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death_indicator: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gp: Option<Clinician>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub practice: Option<Coded>,
    /// PD1-12: whose record is opened only by those who say why.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub protected: bool,
    /// The survivor, once this person was merged away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encounters: Vec<Encounter>,
    /// Keys of this person's reports, in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<u32>,
    /// Allergies, problems, orders, bookings and documents, in order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// What went to the survivor, so that an unmerge can bring it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gave: Option<Box<Gave>>,
    /// When each detail was last said.
    #[serde(default)]
    pub heard: Heard,
    /// Nobody registered this person yet: who they are is what a result or an order said.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// Counts changes; shown as the resource's version.
    pub version: u32,
    /// When the record last changed, in milliseconds since 1970.
    pub updated_ms: i64,
}

impl Person {
    /// Whether a feed that registers people, or somebody at the keyboard, said who this is.
    pub(crate) fn is_registered(&self) -> bool {
        !self.provisional && self.version > 0
    }

    /// Leaves only the numbers.
    pub(crate) fn forget_details(&mut self) {
        self.names = Vec::new();
        self.addresses = Vec::new();
        self.telecoms = Vec::new();
        for held in [
            &mut self.birth,
            &mut self.sex,
            &mut self.marital,
            &mut self.religion,
            &mut self.language,
            &mut self.death_time,
            &mut self.death_indicator,
        ] {
            *held = None;
        }
        self.ethnicity = None;
        self.gp = None;
        self.practice = None;
        self.heard = Heard::default();
    }

    /// The first number of that role.
    pub(crate) fn alias(&self, role: Role) -> Option<&Alias> {
        self.aliases.iter().find(|alias| alias.role == role)
    }

    /// The name in use: the first that came.
    pub(crate) fn name(&self) -> Option<&Name> {
        self.names.first()
    }

    /// Whether the record says this person has died, by flag or by time.
    pub(crate) fn has_died(&self) -> bool {
        self.death_indicator
            .as_deref()
            .is_some_and(|flag| flag.starts_with(['Y', 'y']))
            || self.death_time.is_some()
    }

    /// Adds what is new among `aliases`, filling in an authority or type that was not known before; `at` is when they
    /// were said.
    pub(crate) fn take_aliases(&mut self, aliases: Vec<Alias>, at: Moment) {
        if self.aliases.is_empty() {
            self.aliases.reserve_exact(aliases.len());
        }
        for alias in aliases {
            if alias.role == Role::Nhs {
                // One NHS number per person: one said later replaces the old.
                match self.aliases.iter_mut().find(|held| held.role == Role::Nhs) {
                    Some(held) if at >= self.heard.nhs => *held = alias,
                    Some(_) => continue,
                    None => self.aliases.push(alias),
                }
                self.heard.nhs = at;
                continue;
            }
            match self.aliases.iter_mut().find(|held| held.names_the_same(&alias)) {
                Some(held) => {
                    if held.authority.is_empty() {
                        held.authority = alias.authority;
                    }
                    if held.kind.is_empty() {
                        held.kind = alias.kind;
                    }
                }
                None => self.aliases.push(alias),
            }
        }
    }

    pub(crate) fn encounter(&self, key: u32) -> Option<&Encounter> {
        self.encounters.iter().find(|encounter| encounter.key == key)
    }

    /// Their items of one kind, in order of arrival.
    pub(crate) fn items(&self, kind: ItemKind) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.kind == kind)
    }

    pub(crate) fn encounter_mut(&mut self, key: u32) -> Option<&mut Encounter> {
        self.encounters.iter_mut().find(|encounter| encounter.key == key)
    }
}
