//! Orders, bookings, allergies, problems and documents, as somebody at the keyboard enters them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Plan, Planner, hl7_time};
use crate::action::{ActError, AllergyOf, BookOf, DocumentOf, OfNumber, OrderOf, ProblemOf, RebookOf};
use crate::emit::clinical::usual_end;
use crate::state::change::{Visit, VisitAct};
use crate::state::encounter::Stage;
use crate::state::item::{Content, Item, ItemKind};
use crate::state::person::{Clinician, Coded, Person};
use crate::state::{Change, Text};

impl Planner<'_> {
    pub(crate) fn order(self, order: OrderOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &order.patient)?;
        let number = match order.number {
            Some(number) => Text::from(number),
            None => self.next_number(person, ItemKind::Order),
        };
        let item = Item {
            kind: ItemKind::Order,
            placer: number,
            code: coded(order.service),
            status: Text::const_new("active"),
            category: kind_of(
                &order.category,
                &["laboratory", "imaging"],
                "category",
                "laboratory",
            )?,
            severity: order.priority.map(Text::from).unwrap_or_default(),
            start: Some(self.time(order.at.as_deref())?),
            recorded: Some(self.now.as_str().into()),
            by: order.by.map(clinician),
            note: order.note.map(Text::from).unwrap_or_default(),
            ..Item::default()
        };
        self.noting(person, item, None)
    }

    pub(crate) fn cancel_order(self, of: OfNumber) -> Result<Plan, ActError> {
        let mut held = self.held(&of, ItemKind::Order)?;
        held.status = Text::const_new("cancelled");
        if let Some(reason) = of.reason {
            held.note = reason.into();
        }
        let person = self.person("patient", &of.patient)?;
        self.noting(person, held, None)
    }

    pub(crate) fn book(self, book: BookOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &book.patient)?;
        let start = hl7_time(&book.start)?;
        self.free("clinic", &book.clinic, &start, None)?;
        let number = match book.number {
            Some(number) => Text::from(number),
            None => self.next_number(person, ItemKind::Booking),
        };
        let item = Item {
            kind: ItemKind::Booking,
            placer: number,
            code: book.service.map(coded).unwrap_or_else(|| Coded {
                text: book.clinic.as_str().into(),
                ..Coded::default()
            }),
            status: Text::const_new("booked"),
            end: book
                .end
                .as_deref()
                .map(hl7_time)
                .transpose()?
                .or_else(|| usual_end(&start)),
            start: Some(start),
            recorded: Some(self.now.as_str().into()),
            by: book.by.map(clinician),
            place: book.clinic.into(),
            note: book.reason.map(Text::from).unwrap_or_default(),
            ..Item::default()
        };
        self.noting(person, item, None)
    }

    pub(crate) fn rebook(self, of: RebookOf) -> Result<Plan, ActError> {
        let number = OfNumber {
            patient: of.patient.clone(),
            number: of.number,
            reason: None,
        };
        let mut held = self.held(&number, ItemKind::Booking)?;
        let start = hl7_time(&of.start)?;
        if let Some(clinic) = of.clinic {
            held.place = clinic.into();
        }
        self.free("start", &held.place, &start, Some(held.key))?;
        held.end = of
            .end
            .as_deref()
            .map(hl7_time)
            .transpose()?
            .or_else(|| usual_end(&start));
        held.start = Some(start);
        held.status = Text::const_new("booked");
        let person = self.person("patient", &of.patient)?;
        self.noting(person, held, Some(("SIU", "S13")))
    }

    pub(crate) fn booking_status(self, of: OfNumber, status: &'static str) -> Result<Plan, ActError> {
        let mut held = self.held(&of, ItemKind::Booking)?;
        if held.status == "cancelled" {
            return Err(ActError::Bad {
                field: "number",
                problem: "this booking is cancelled; book anew",
            });
        }
        held.status = Text::const_new(status);
        if let Some(reason) = of.reason {
            held.note = reason.into();
        }
        let person = self.person("patient", &of.patient)?;
        let event = match status {
            "cancelled" => "S15",
            "noshow" => "S26",
            _ => "S14",
        };
        self.noting(person, held, Some(("SIU", event)))
    }

    pub(crate) fn allergy(self, of: AllergyOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &of.patient)?;
        let item = Item {
            kind: ItemKind::Allergy,
            code: coded(of.substance),
            status: kind_of(
                &of.status,
                &["active", "inactive", "resolved", "error"],
                "status",
                "active",
            )?,
            category: kind_of(&of.category, &["drug", "food", "environment"], "category", "")?,
            severity: kind_of(&of.criticality, &["high", "low"], "criticality", "")?,
            start: of.onset.as_deref().map(hl7_time).transpose()?,
            recorded: Some(self.now.as_str().into()),
            reactions: of
                .reaction
                .map(|words| Coded {
                    text: words.into(),
                    ..Coded::default()
                })
                .into_iter()
                .collect(),
            note: of.note.map(Text::from).unwrap_or_default(),
            ..Item::default()
        };
        self.noting(person, item, None)
    }

    pub(crate) fn problem(self, of: ProblemOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &of.patient)?;
        let item = Item {
            kind: ItemKind::Problem,
            code: coded(of.problem),
            status: kind_of(
                &of.status,
                &["active", "inactive", "resolved", "error"],
                "status",
                "active",
            )?,
            category: kind_of(&of.category, &["problem", "diagnosis"], "category", "problem")?,
            start: of.onset.as_deref().map(hl7_time).transpose()?,
            recorded: Some(self.now.as_str().into()),
            ..Item::default()
        };
        self.noting(person, item, None)
    }

    pub(crate) fn document(self, of: DocumentOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &of.patient)?;
        let number = match of.number {
            Some(number) => Text::from(number),
            None => self.next_number(person, ItemKind::Document),
        };
        let (media_type, data) = match (of.text, of.pdf) {
            (Some(text), None) => ("text/plain", STANDARD.encode(text)),
            (None, Some(data)) if STANDARD.decode(&data).is_ok() => ("application/pdf", data),
            _ => {
                return Err(ActError::Bad {
                    field: "text",
                    problem: "either text, or pdf as base64",
                });
            }
        };
        let kind = coded(of.kind);
        let item = Item {
            kind: ItemKind::Document,
            placer: number,
            status: kind_of(&of.status, &["preliminary", "final", "error"], "status", "final")?,
            start: Some(self.time(of.at.as_deref())?),
            recorded: Some(self.now.as_str().into()),
            by: of.by.map(clinician),
            content: Some(Box::new(Content {
                media_type: Text::const_new(media_type),
                title: kind.text.clone(),
                data,
            })),
            code: kind,
            ..Item::default()
        };
        self.noting(person, item, None)
    }

    /// A plan that notes one item under whatever visit is open.
    pub(crate) fn noting(
        &self,
        person: &Person,
        item: Item,
        told_by: Option<(&'static str, &'static str)>,
    ) -> Result<Plan, ActError> {
        let mut change = self.change(person, None)?;
        let open = person
            .encounters
            .iter()
            .rev()
            .find(|encounter| encounter.stage() == Stage::Open && encounter.merged_into.is_none());
        let booking = item.kind == ItemKind::Booking;
        if let Some(encounter) = open.filter(|_| !booking) {
            change.visit = Some((
                VisitAct::Refer,
                Visit {
                    number: encounter.number.clone(),
                    ..Visit::default()
                },
            ));
        }
        Ok(Plan {
            told_by: told_by.unwrap_or_default(),
            change: Change {
                items: vec![item],
                ..change
            },
            ..Plan::default()
        })
    }

    /// The item of that number, as it stands.
    fn held(&self, of: &OfNumber, kind: ItemKind) -> Result<Item, ActError> {
        let person = self.person("patient", &of.patient)?;
        let named = |item: &&Item| item.placer == of.number || item.filler == of.number;
        person
            .items(kind)
            .find(named)
            .cloned()
            .ok_or(ActError::UnknownNumber)
    }

    /// A number of the product's own for one more of these.
    pub(crate) fn next_number(&self, person: &Person, kind: ItemKind) -> Text {
        let first = match kind {
            ItemKind::Booking => 1_u64,
            ItemKind::Document => 2,
            _ => 3,
        };
        let mut count = person.items(kind).count() + 1;
        loop {
            let number = compact_str::format_compact!("{first}{}{count:03}", person.key % 1_000_000);
            if !person.items(kind).any(|item| item.placer == number) {
                return number;
            }
            count += 1;
        }
    }

    /// Refuses a time that is taken in that clinic.
    pub(crate) fn free(
        &self,
        field: &'static str,
        clinic: &str,
        start: &str,
        own: Option<u32>,
    ) -> Result<(), ActError> {
        match self.state().booked(clinic, start) {
            Some(taken) if Some(taken) != own => Err(ActError::Bad {
                field,
                problem: "that time is taken in that clinic",
            }),
            _ => Ok(()),
        }
    }

    fn time(&self, given: Option<&str>) -> Result<Text, ActError> {
        given.map_or_else(|| Ok(self.now.as_str().into()), hl7_time)
    }
}

fn coded([code, text]: [String; 2]) -> Coded {
    Coded {
        code: code.into(),
        text: text.into(),
        ..Coded::default()
    }
}

fn clinician(id: String) -> Clinician {
    Clinician {
        id: id.into(),
        ..Clinician::default()
    }
}

/// One of a few plain words.
fn kind_of(
    given: &Option<String>,
    known: &[&'static str],
    field: &'static str,
    default: &'static str,
) -> Result<Text, ActError> {
    let Some(given) = given else {
        return Ok(Text::const_new(default));
    };
    let found = known.iter().find(|word| *word == given);
    found.map(|word| Text::const_new(word)).ok_or(ActError::Bad {
        field,
        problem: match field {
            "category" => "laboratory or imaging; drug, food or environment; problem or diagnosis",
            "criticality" => "high or low",
            _ => "active, inactive, resolved or error; of a document preliminary, final or error",
        },
    })
}
