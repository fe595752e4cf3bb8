//! People: registered, changed, merged, set apart again, renumbered.

use hl7v2::nhs::NhsNumber;

use super::{Plan, Planner, hl7_time};
use crate::action::{ActError, Details, MergeOf, Register, RenumberOf, Update};
use crate::state::change::{Demographics, Given, Merge, Visit, VisitAct};
use crate::state::encounter::Stage;
use crate::state::person::{Address, Alias, Coded, Name, Person, Role, Telecom};
use crate::state::{Change, Text};
use crate::vendor::Codes;

impl Planner<'_> {
    pub(crate) fn register(self, register: Register) -> Result<Plan, ActError> {
        let codes = &self.shared.profile.codes;
        let value = match register.mrn {
            Some(mrn) => Text::from(mrn),
            None => self.state().next_mrn(codes.mrn_digits),
        };
        let authority = register.authority.map_or_else(|| codes.mrn.0.into(), Text::from);
        if NhsNumber::parse(&value).is_some_and(|number| !self.shared.ranges.contain(number)) {
            return Err(ActError::LiveNhsNumber);
        }
        let mut aliases = vec![Alias {
            value,
            authority,
            kind: codes.mrn.1.into(),
            role: Role::Mrn,
        }];
        if register
            .details
            .family
            .as_deref()
            .is_none_or(|family| family.trim().is_empty())
        {
            return Err(ActError::Bad {
                field: "family",
                problem: "a person needs a family name",
            });
        }
        aliases.extend(self.nhs(&register.details)?);
        let demographics = self.demographics(&register.details, None)?;
        let now = Text::from(self.now.as_str());
        let change = Change {
            at: now.clone(),
            recorded: now,
            aliases,
            demographics,
            ..Change::default()
        };
        Ok(Plan::adt("A28", self.stored(change)))
    }

    pub(crate) fn update(self, update: Update) -> Result<Plan, ActError> {
        let person = self.person("patient", &update.patient)?;
        let mut change = self.change(person, None)?;
        change.aliases.extend(self.nhs(&update.details)?);
        change.demographics = self.demographics(&update.details, Some(person))?;
        for member in &update.clear {
            clear(&mut change.demographics, member)?;
        }
        // In hospital an update is told with the visit, otherwise about the person alone.
        let open = person
            .encounters
            .iter()
            .rev()
            .find(|encounter| encounter.stage() == Stage::Open);
        let event = match open {
            Some(encounter) if self.shared.choices.get("demographics-event") != "A31" => {
                change.visit = Some((
                    VisitAct::Refer,
                    Visit {
                        number: encounter.number.clone(),
                        ..Visit::default()
                    },
                ));
                "A08"
            }
            _ => "A31",
        };
        Ok(Plan {
            cleared: update.clear,
            ..Plan::adt(event, self.stored(change))
        })
    }

    /// The NHS number given, when it is one that may be used here.
    pub(crate) fn nhs(&self, details: &Details) -> Result<Option<Alias>, ActError> {
        let Some(given) = &details.nhs_number else {
            return Ok(None);
        };
        let number = NhsNumber::parse(given).ok_or(ActError::Bad {
            field: "nhs-number",
            problem: "ten digits with a right check digit",
        })?;
        if !self.shared.ranges.contain(number) {
            return Err(ActError::LiveNhsNumber);
        }
        let codes = &self.shared.profile.codes;
        Ok(Some(Alias::nhs(&number.to_string(), codes.nhs.0, codes.nhs.1)))
    }

    pub(crate) fn demographics(
        &self,
        details: &Details,
        held: Option<&Person>,
    ) -> Result<Demographics, ActError> {
        let codes = &self.shared.profile.codes;
        let text = |given: &Option<String>| given.as_deref().map(Text::from);
        let named = details.family.is_some() || details.given.is_some() || details.title.is_some();
        let mut name = held.and_then(Person::name).cloned().unwrap_or_default();
        replace(&mut name.family, &details.family);
        replace(&mut name.given, &details.given);
        replace(&mut name.prefix, &details.title);
        let moved = details.address.is_some() || details.city.is_some() || details.postcode.is_some();
        let address = Address {
            line: text(&details.address).unwrap_or_default(),
            city: text(&details.city).unwrap_or_default(),
            postcode: text(&details.postcode).unwrap_or_default(),
            ..Address::default()
        };
        let sex = match &details.sex {
            Some(sex) => Some(Text::from(Codes::own(codes.sex, sex).ok_or(ActError::Bad {
                field: "sex",
                problem: "female, male, other or unknown",
            })?)),
            None => None,
        };
        let died = details.died.as_deref().map(hl7_time).transpose()?;
        let phone = |number: &String| {
            vec![Telecom {
                value: number.as_str().into(),
                email: false,
                used_as: Text::const_new("PRN"),
            }]
        };
        Ok(Demographics {
            names: named
                .then(|| {
                    vec![Name {
                        kind: Text::default(),
                        ..name
                    }]
                })
                .into(),
            addresses: moved.then(|| vec![address]).into(),
            telecoms: details.phone.as_ref().map(phone).into(),
            birth: details.birth_date.as_deref().map(hl7_time).transpose()?.into(),
            sex: sex.into(),
            marital: text(&details.marital_status).into(),
            ethnicity: text(&details.ethnicity)
                .map(|code| Coded {
                    code,
                    ..Coded::default()
                })
                .into(),
            death_indicator: died.as_ref().map(|_| Text::const_new("Y")).into(),
            death_time: died.into(),
            protected: details.protected.into(),
            ..Demographics::default()
        })
    }

    pub(crate) fn merge(self, merge: MergeOf) -> Result<Plan, ActError> {
        let survivor = self.person("survivor", &merge.survivor)?;
        let loser = self.person("loser", &merge.loser)?;
        if survivor.key == loser.key {
            return Err(ActError::Bad {
                field: "loser",
                problem: "names the record that stays",
            });
        }
        let mut change = self.change(survivor, None)?;
        let losers = loser
            .aliases
            .iter()
            .filter(|alias| alias.role == Role::Mrn)
            .take(1)
            .cloned()
            .collect();
        change.merge = Some(Merge {
            losers,
            renumber: false,
        });
        let event = match self.shared.choices.get("merge-event") {
            "A40" => "A40",
            _ => self.shared.profile.writing.merge_event,
        };
        Ok(Plan::adt(event, change))
    }

    pub(crate) fn unmerge(self, of: MergeOf) -> Result<Plan, ActError> {
        let survivor = self.person("survivor", &of.survivor)?;
        let loser = self
            .state()
            .merged_under(survivor.key, &of.loser)
            .ok_or(ActError::Bad {
                field: "loser",
                problem: "no record with that number was merged into this one",
            })?;
        let mut change = self.change(survivor, None)?;
        change.unmerge = loser
            .aliases
            .iter()
            .filter(|alias| alias.role == Role::Mrn)
            .take(1)
            .cloned()
            .collect();
        Ok(Plan::adt(
            self.own_event(self.shared.profile.reading.unmerges)?,
            change,
        ))
    }

    pub(crate) fn renumber(self, of: RenumberOf) -> Result<Plan, ActError> {
        let person = self.person("patient", &of.patient)?;
        let old = person.alias(Role::Mrn).cloned().ok_or(ActError::Bad {
            field: "patient",
            problem: "has no hospital number that could change",
        })?;
        let number = of.number.map_or_else(
            || self.state().next_mrn(self.shared.profile.codes.mrn_digits),
            Text::from,
        );
        if !self.state().is_free(&number) {
            return Err(ActError::Bad {
                field: "number",
                problem: "somebody has it already; merge the two",
            });
        }
        let mut change = self.change(person, None)?;
        change.aliases = vec![Alias {
            value: number,
            ..old.clone()
        }];
        let gone = old.value.clone();
        change.merge = Some(Merge {
            losers: vec![old],
            renumber: true,
        });
        let event = self.own_event(self.shared.profile.reading.renumbers)?;
        Ok(Plan {
            gone,
            ..Plan::adt(event, change)
        })
    }

    /// The event by which this product tells of something, when it does at all.
    pub(super) fn own_event(&self, events: &[&'static str]) -> Result<&'static str, ActError> {
        events.first().copied().ok_or(ActError::NotHere)
    }
}

fn replace(held: &mut Text, given: &Option<String>) {
    if let Some(given) = given {
        *held = given.as_str().into();
    }
}

fn clear(demographics: &mut Demographics, member: &str) -> Result<(), ActError> {
    match member {
        "address" => demographics.addresses = Given::Deleted,
        "phone" => demographics.telecoms = Given::Deleted,
        "birth-date" => demographics.birth = Given::Deleted,
        "sex" => demographics.sex = Given::Deleted,
        "marital-status" => demographics.marital = Given::Deleted,
        "ethnicity" => demographics.ethnicity = Given::Deleted,
        _ => {
            let problem = "address, phone, birth-date, sex, marital-status or ethnicity";
            return Err(ActError::Bad {
                field: "clear",
                problem,
            });
        }
    }
    Ok(())
}
