//! A vendor as a value: data and function pointers that the shared engine runs.
//!
//! Nothing here knows a product; the folders beside this file each hold one. A field that differs between
//! products is data, a shape that differs is a function.

use hl7v2::Message;
use hl7v2::ack::AckCode;
use translate::dialect::Dialect;

use crate::access::Client;
use crate::dirt::Dirty;
use crate::emit::{Emission, Phase};
use crate::epr::{Choices, Shared};
use crate::intake::Refusal;
use crate::seed::Citizen;
use crate::state::item::Item;
use crate::state::person::Alias;
use crate::state::{Change, State, Text};

/// Whose product a mock EPR is.
pub struct Vendor {
    /// The word used in configuration, file names and addresses.
    pub name: &'static str,
    /// The product's name as people write it.
    pub title: &'static str,
    /// How its HL7 may look, first the default.
    pub profiles: &'static [&'static Profile],
    /// Where its FHIR face stands, when it has one.
    pub fhir_base: Option<&'static str>,
    /// The MLLP port it listens on unless told otherwise.
    pub mllp_port: u16,
    /// Everything about it that no public source settles, with what the mock does and where that is written.
    pub assumptions: &'static [Assumption],
    /// The code tables of its sites, as data.
    pub tables: &'static [Table],
    /// Who is on its index at first: the events that put one synthetic person there.
    pub(crate) seed: fn(&Citizen, &Profile) -> Vec<Change>,
    /// Which block of the test range its synthetic people come from, so that no two vendors share one by accident.
    pub(crate) seed_block: u64,
    /// Why a client cannot be one of its own, when it cannot: what it proves itself by, what it lacks.
    pub(crate) admits: fn(&Client) -> Result<(), &'static str>,
    /// How its first people get dirty, where a site may choose so.
    pub(crate) dirty: Option<Dirty>,
    /// Its FHIR face over a running EPR.
    pub(crate) face: Option<fn(std::sync::Arc<Shared>) -> axum::Router>,
    /// The logical id of a person on that face.
    pub(crate) patient_id: fn(seed: u64, person: u32) -> Option<String>,
}

impl Vendor {
    /// The profile of that name.
    #[must_use]
    pub fn profile(&self, name: &str) -> Option<&'static Profile> {
        self.profiles.iter().copied().find(|profile| profile.name == name)
    }

    /// The profile used when none is named.
    #[must_use]
    pub fn default_profile(&self) -> &'static Profile {
        self.profiles[0]
    }
}

/// One way a vendor's HL7 looks at one kind of site.
pub struct Profile {
    /// The word used in configuration.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// The dialect by which the gateway translates to and from it.
    pub dialect: &'static Dialect,
    pub(crate) reading: Reading,
    pub(crate) writing: Writing,
    pub(crate) codes: Codes,
}

/// Where a profile's inbound messages carry what.
pub(crate) struct Reading {
    /// ADT trigger events it takes besides its merges.
    pub events: &'static [&'static str],
    /// Trigger events that merge two people.
    pub merges: &'static [&'static str],
    /// Trigger events that give a person another number.
    pub renumbers: &'static [&'static str],
    /// Trigger events that move a visit to another person.
    pub moves: &'static [&'static str],
    /// Trigger events that undo a merge.
    pub unmerges: &'static [&'static str],
    /// Trigger events that make one visit of two.
    pub combines: &'static [&'static str],
    /// Message codes beside ADT and ORU, each with its trigger events.
    pub clinical: &'static [(&'static str, &'static [&'static str])],
    /// The numbers of the record that an unmerge sets free.
    pub parted: fn(&Message<'_>) -> Vec<Alias>,
    /// Why a message that was accepted cannot be filed, when it cannot: it waits in the error queue.
    pub fails: fn(&Message<'_>, &Change, &State, &Choices) -> Option<&'static str>,
    /// The numbers of the person a message is about.
    pub identities: fn(&Message<'_>) -> Vec<Alias>,
    /// The numbers of the record a merge ends.
    pub losers: fn(&Message<'_>) -> Vec<Alias>,
    /// The organisation a message comes from, where several share a record; empty elsewhere.
    pub owner: fn(&Message<'_>) -> Text,
    /// Visit number and its authority; empty when the message names none.
    pub visit: fn(&Message<'_>) -> (Text, Text),
    /// Where ethnicity stands, the first place with something in it.
    pub ethnicity: &'static [(&'static str, u16)],
    /// Where marital status stands.
    pub marital: &'static [(&'static str, u16)],
    /// The component of PID-15 that holds the language.
    pub language_component: usize,
    /// What the product refuses beyond what every product refuses.
    pub refuses: fn(&Message<'_>) -> Option<Refusal>,
    /// What it refuses for what is on its record and chosen among its assumptions.
    pub bars: fn(&Message<'_>, &Change, &State, &Choices) -> Option<Refusal>,
    /// Its answer to a frame that is no HL7.
    pub unreadable: AckCode,
    /// Its answer to a message or event it does not know.
    pub unsupported: AckCode,
    /// Width limits, upper case: how the product stores what it is told.
    pub stores: fn(&mut Change),
}

impl Reading {
    /// Whether this is one of its clinical messages.
    pub(crate) fn takes(&self, code: &str, event: &str) -> bool {
        self.clinical
            .iter()
            .any(|(known, events)| *known == code && events.contains(&event))
    }
}

/// How a profile writes.
pub(crate) struct Writing {
    /// The event by which it tells of a merge.
    pub merge_event: &'static str,
    /// By which message it tells of something noted: message code and trigger event.
    pub tells: fn(&Item, Phase, &Choices) -> (&'static str, &'static str),
    /// MSH-10 from a number that only grows.
    pub control_id: fn(u64) -> String,
    /// The whole message.
    pub write: fn(&Emission<'_>) -> Vec<u8>,
}

/// The product's own codes for what actions and seeds say in plain words.
pub(crate) struct Codes {
    /// PV1-2: (`inpatient`, code).
    pub class: &'static [(&'static str, &'static str)],
    /// PID-8: (`female`, code).
    pub sex: &'static [(&'static str, &'static str)],
    /// CX-4 and CX-5 of the hospital's own number.
    pub mrn: (&'static str, &'static str),
    /// CX-4 and CX-5 of the NHS number.
    pub nhs: (&'static str, &'static str),
    /// Digits of a hospital number it issues.
    pub mrn_digits: usize,
    /// Authority of a visit number.
    pub visit_authority: &'static str,
}

impl Codes {
    /// The product's code for a plain word.
    pub(crate) fn own(table: &[(&str, &'static str)], plain: &str) -> Option<&'static str> {
        table
            .iter()
            .find(|(word, _)| *word == plain)
            .map(|(_, code)| *code)
    }
}

/// A code table of a product's site: its own code, what it stands for nationally (empty where nothing does), how it is
/// written back, and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// What the second column holds, and where both come from.
    pub source: &'static str,
    /// The table, with its head.
    pub csv: &'static str,
}

/// One thing no public source settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// The setting's name.
    pub name: &'static str,
    /// What the mock does unless told otherwise.
    pub default: &'static str,
    /// The values it may take; empty while it cannot be switched yet.
    pub choices: &'static [&'static str],
    /// The line of the facts it stands on or fills in.
    pub source: &'static str,
    /// Reasoned or simply not known.
    pub standing: Standing,
}

/// How much is known about an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A reasoned choice.
    Assumed,
    /// No public source was found; the mock does the plainest thing.
    Unknown,
}

impl Assumption {
    pub(crate) const fn assumed(name: &'static str, default: &'static str, source: &'static str) -> Self {
        Self {
            name,
            default,
            choices: &[],
            source,
            standing: Standing::Assumed,
        }
    }

    pub(crate) const fn unknown(name: &'static str, default: &'static str, source: &'static str) -> Self {
        Self {
            name,
            default,
            choices: &[],
            source,
            standing: Standing::Unknown,
        }
    }

    pub(crate) const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }
}
