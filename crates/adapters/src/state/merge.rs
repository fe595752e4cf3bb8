//! Merges: one record goes, the other keeps its visits, reports and numbers.
//!
//! The record merged away stays readable by key and points at its survivor; whatever arrives later under one of its
//! numbers reaches the survivor. A number nobody knows yet is noted on the survivor, so that a merge may overtake
//! the registration it ends.

use super::State;
use super::change::{Applied, Merge, Visit};
use super::person::{Alias, Gave, Role};

impl State {
    pub(super) fn merge(&mut self, survivor: u32, merge: &Merge, now_ms: i64, applied: &mut Applied) {
        let own: Vec<&Alias> = merge
            .losers
            .iter()
            .filter(|alias| alias.role != Role::Nhs)
            .collect();
        // An NHS number may stand on both records: only without another number does it say who goes.
        let numbers: Vec<Alias> = if own.is_empty() {
            merge.losers.clone()
        } else {
            own.into_iter().cloned().collect()
        };
        if merge.renumber {
            self.edit(survivor, now_ms, |person| {
                for held in &mut person.aliases {
                    if held.role == Role::Mrn && numbers.iter().any(|number| held.names_the_same(number)) {
                        held.role = Role::Retired;
                    }
                }
                // The number in use comes first among the hospital's.
                person.aliases.sort_by_key(|alias| alias.role == Role::Retired);
            });
        }
        let loser = numbers
            .iter()
            .find_map(|number| self.holder_other_than(number, survivor));
        if let Some(loser) = loser {
            self.merge_into(survivor, loser, now_ms);
            applied.loser = Some(loser);
            applied.touched(loser);
        } else if !self.merged_already(&numbers, survivor) {
            self.edit(survivor, now_ms, |person| {
                for number in numbers {
                    if !person.aliases.iter().any(|held| held.names_the_same(&number)) {
                        person.aliases.push(Alias {
                            role: Role::Retired,
                            ..number
                        });
                    }
                }
            });
        }
    }

    fn holder_other_than(&self, number: &Alias, survivor: u32) -> Option<u32> {
        self.index.by_alias(&number.value).iter().copied().find(|key| {
            *key != survivor
                && self.person(*key).is_some_and(|person| {
                    person.merged_into.is_none()
                        && person
                            .aliases
                            .iter()
                            .any(|held| held.role != Role::Retired && held.names_the_same(number))
                })
        })
    }

    fn merged_already(&self, numbers: &[Alias], survivor: u32) -> bool {
        numbers.iter().any(|number| {
            self.index.by_alias(&number.value).iter().any(|key| {
                *key != survivor
                    && self.survivor(*key) == survivor
                    && self
                        .person(*key)
                        .is_some_and(|person| person.aliases.iter().any(|held| held.names_the_same(number)))
            })
        })
    }

    /// Moves one visit to whoever the event is about.
    pub(super) fn take_visit(&mut self, applied: &mut Applied, number: &str, now_ms: i64) {
        let Some((owner, key)) = self.encounter_numbered(applied.person, number) else {
            return;
        };
        if owner == applied.person {
            return;
        }
        let taken = self.edit(owner, now_ms, |person| {
            let position = person
                .encounters
                .iter()
                .position(|encounter| encounter.key == key)?;
            Some(person.encounters.remove(position))
        });
        let Some(mut encounter) = taken.flatten() else {
            return;
        };
        encounter.moved_from = Some(owner);
        self.index.own_encounter(key, applied.person, number);
        self.edit(applied.person, now_ms, |person| person.encounters.push(encounter));
        applied.touched(owner);
    }

    /// Brings a record back that was merged into this one, with everything that came along and is still here.
    pub(super) fn unmerge(&mut self, survivor: u32, numbers: &[Alias], now_ms: i64, applied: &mut Applied) {
        let Some(loser) = numbers.iter().find_map(|number| {
            self.index.by_alias(&number.value).iter().copied().find(|key| {
                self.person(*key).is_some_and(|person| {
                    person.merged_into == Some(survivor)
                        && person.aliases.iter().any(|held| held.names_the_same(number))
                })
            })
        }) else {
            return;
        };
        let restored = self.edit(loser, now_ms, |person| {
            person.merged_into = None;
            let gave = person.gave.take().map(|gave| *gave).unwrap_or_default();
            (gave, person.aliases.clone())
        });
        let Some((gave, aliases)) = restored else { return };
        let back = self.edit(survivor, now_ms, |person| {
            person.aliases.retain(|held| {
                held.role != Role::Retired || !aliases.iter().any(|own| own.names_the_same(held))
            });
            let encounters: Vec<_> = person
                .encounters
                .extract_if(.., |encounter| gave.encounters.contains(&encounter.key))
                .collect();
            let items: Vec<_> = person
                .items
                .extract_if(.., |item| gave.items.contains(&item.key))
                .collect();
            let reports: Vec<_> = person
                .reports
                .extract_if(.., |report| gave.reports.contains(report))
                .collect();
            (encounters, items, reports)
        });
        let Some((encounters, items, reports)) = back else {
            return;
        };
        for encounter in &encounters {
            self.index.own_encounter(encounter.key, loser, &encounter.number);
        }
        for item in &items {
            self.index.own_item(item, loser);
        }
        self.edit(loser, now_ms, |person| {
            person.encounters = encounters;
            for encounter in &mut person.encounters {
                encounter.moved_from = None;
            }
            person.items = items;
            person.reports = reports;
        });
        applied.loser = Some(loser);
        applied.touched(loser);
    }

    /// One of a person's visits was another: its movements and results go there, its number stays readable.
    pub(super) fn combine_visits(&mut self, applied: &mut Applied, visit: &Visit, now_ms: i64) {
        let kept = self.encounter_numbered(applied.person, &visit.number);
        let gone = self.encounter_numbered(applied.person, &visit.combined);
        let (Some((owner, kept)), Some((_, gone))) = (kept, gone) else {
            return;
        };
        if kept == gone {
            return;
        }
        applied.encounter = Some(kept);
        self.edit(owner, now_ms, |person| {
            if let Some(loser) = person.encounter_mut(gone) {
                loser.merged_into = Some(kept);
                loser.version = loser.version.wrapping_add(1);
            }
            for item in &mut person.items {
                if item.encounter == Some(gone) {
                    item.encounter = Some(kept);
                }
            }
        });
        for key in self
            .person(owner)
            .map(|person| person.reports.clone())
            .unwrap_or_default()
        {
            if let Some(report) = self.reports.get_mut(&key)
                && report.encounter == Some(gone)
            {
                report.encounter = Some(kept);
                report.version = report.version.wrapping_add(1);
                report.updated_ms = now_ms;
                applied.reported(key);
            }
        }
    }

    fn merge_into(&mut self, survivor: u32, loser: u32, now_ms: i64) {
        let taken = self.edit(loser, now_ms, |person| {
            person.merged_into = Some(survivor);
            let encounters = std::mem::take(&mut person.encounters);
            let reports = std::mem::take(&mut person.reports);
            let items = std::mem::take(&mut person.items);
            person.gave = Some(Box::new(Gave {
                encounters: encounters.iter().map(|encounter| encounter.key).collect(),
                reports: reports.clone(),
                items: items.iter().map(|item| item.key).collect(),
            }));
            (
                encounters,
                reports,
                items,
                person.aliases.clone(),
                person.protected,
            )
        });
        let Some((encounters, reports, items, aliases, protected)) = taken else {
            return;
        };
        for item in &items {
            self.index.own_item(item, survivor);
        }
        for encounter in &encounters {
            self.index
                .own_encounter(encounter.key, survivor, &encounter.number);
        }
        self.edit(survivor, now_ms, |person| {
            for mut encounter in encounters {
                encounter.moved_from = encounter.moved_from.or(Some(loser));
                person.encounters.push(encounter);
            }
            person.encounters.sort_by(|left, right| {
                super::encounter::time_order(
                    left.admitted.as_deref().unwrap_or_default(),
                    right.admitted.as_deref().unwrap_or_default(),
                )
            });
            person.reports.extend(reports);
            person.items.extend(items);
            // What was protected stays so under another name.
            person.protected |= protected;
            for alias in aliases {
                let known = person.aliases.iter().any(|held| held.names_the_same(&alias));
                if alias.role == Role::Nhs {
                    if person.alias(Role::Nhs).is_none() {
                        person.aliases.push(alias);
                    }
                } else if !known {
                    person.aliases.push(Alias {
                        role: Role::Retired,
                        ..alias
                    });
                }
            }
        });
    }
}
