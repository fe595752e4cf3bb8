//! What is known about a person beside visits and results: allergies, problems, orders, bookings, documents, charges.
//!
//! One shape for all of them: a code, a status in a plain word, numbers by which senders know it, times, and who.
//! What a later message does not say stays; what it says again changes nothing.

use serde::{Deserialize, Serialize};

use super::Text;
use super::person::{Clinician, Coded};

/// What an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ItemKind {
    #[default]
    Allergy,
    Problem,
    Order,
    Booking,
    Document,
    /// One line of a bill.
    Charge,
}

/// One of them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub key: u32,
    pub kind: ItemKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter: Option<u32>,
    /// ORC-2, SCH-1, TXA-12: the number of whoever asked.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub placer: Text,
    /// ORC-3, SCH-2: the number of whoever answers.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub filler: Text,
    /// The substance, the problem, the service, the kind of appointment or document.
    #[serde(default)]
    pub code: Coded,
    /// `active`, `inactive`, `resolved`, `completed`, `cancelled`, `booked`, `arrived`, `noshow`, `error`,
    /// `billable`.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub status: Text,
    /// `drug`, `food`, `environment`; `problem`, `diagnosis`; `laboratory`, `imaging`; `charge`, `credit`; empty when
    /// nobody said.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub category: Text,
    /// `high`, `low`, a priority, or how many were charged.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub severity: Text,
    /// Onset, start of the appointment, when it is to be done: an HL7 time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Text>,
    /// When it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Clinician>,
    /// Clinic or room.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub place: Text,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Coded>,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub note: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Box<Content>>,
    /// Whose it is when it belongs to no visit.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub owner: Text,
    #[serde(default)]
    pub version: u32,
    #[serde(default)]
    pub updated_ms: i64,
}

/// What a document holds.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub media_type: Text,
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub title: Text,
    /// Base64.
    pub data: String,
}

impl Item {
    /// Whether `other` speaks of the same thing. Numbers decide where both have one; an allergy or a problem
    /// without a number is known by its code.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        if self.kind != other.kind {
            return false;
        }
        for (own, its) in [(&self.placer, &other.placer), (&self.filler, &other.filler)] {
            if !own.is_empty() && !its.is_empty() {
                return own == its;
            }
        }
        matches!(self.kind, ItemKind::Allergy | ItemKind::Problem) && self.means(&other.code)
    }

    /// Whether it has that code, or, without any code, those words.
    pub(crate) fn means(&self, code: &Coded) -> bool {
        if self.code.code.is_empty() || code.code.is_empty() {
            !self.code.text.is_empty() && self.code.text.eq_ignore_ascii_case(&code.text)
        } else {
            self.code.code == code.code
        }
    }

    /// Takes in what is said anew; false when that is nothing.
    pub(crate) fn hear(&mut self, incoming: Self) -> bool {
        let before = self.clone();
        let Self {
            encounter,
            placer,
            filler,
            code,
            status,
            category,
            severity,
            start,
            end,
            recorded,
            by,
            place,
            reactions,
            note,
            content,
            ..
        } = incoming;
        for (held, new) in [
            (&mut self.placer, placer),
            (&mut self.filler, filler),
            (&mut self.status, status),
            (&mut self.category, category),
            (&mut self.severity, severity),
            (&mut self.place, place),
            (&mut self.note, note),
        ] {
            if !new.is_empty() {
                *held = new;
            }
        }
        for (held, new) in [(&mut self.start, start), (&mut self.end, end)] {
            if new.is_some() {
                *held = new;
            }
        }
        self.encounter = encounter.or(self.encounter);
        self.recorded = self.recorded.take().or(recorded);
        if by.is_some() {
            self.by = by;
        }
        if !code.code.is_empty() || !code.text.is_empty() {
            self.code = code;
        }
        if !reactions.is_empty() {
            self.reactions = reactions;
        }
        if content.is_some() {
            self.content = content;
        }
        *self != before
    }

    /// Under which name its key is made: the same story gives the same key.
    pub(super) fn name(&self, person: u32) -> String {
        let number = if self.placer.is_empty() {
            &self.filler
        } else {
            &self.placer
        };
        let code = if self.code.code.is_empty() {
            &self.code.text
        } else {
            &self.code.code
        };
        format!("{:?}|{person}|{number}|{code}", self.kind)
    }

    /// Whether it stands in a calendar: booked there and not cancelled.
    pub(crate) fn is_taken(&self) -> bool {
        self.kind == ItemKind::Booking && !matches!(self.status.as_str(), "cancelled" | "error")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allergy(code: &str, text: &str) -> Item {
        Item {
            code: Coded {
                code: code.into(),
                text: text.into(),
                ..Coded::default()
            },
            ..Item::default()
        }
    }

    #[test]
    fn an_allergy_is_known_by_its_code_or_its_words_and_an_order_by_its_number() {
        assert!(allergy("91936005", "Penicillin").is_same(&allergy("91936005", "PENICILLIN allergy")));
        assert!(allergy("", "Latex").is_same(&allergy("111088007", "latex")));
        assert!(!allergy("1", "Latex").is_same(&allergy("2", "Latex")));
        let order = |placer: &str| Item {
            kind: ItemKind::Order,
            placer: placer.into(),
            ..allergy("FBC", "")
        };
        assert!(order("1").is_same(&order("1")) && !order("1").is_same(&order("2")));
        assert!(!order("").is_same(&order("")));
    }

    #[test]
    fn what_is_not_said_stays() {
        let mut held = Item {
            status: "active".into(),
            note: "seen once".into(),
            ..allergy("1", "Latex")
        };
        assert!(!held.hear(allergy("1", "Latex")));
        assert!(held.hear(Item {
            status: "inactive".into(),
            ..allergy("1", "Latex")
        }));
        assert_eq!(
            (held.note.as_str(), held.status.as_str()),
            ("seen once", "inactive")
        );
    }
}
