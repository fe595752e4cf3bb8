//! The indexes behind identification and search: number, name, date of birth, visit.
//!
//! Postings are small vectors of person keys. A number's posting holds everybody who ever had it; names are
//! folded (case and accents), as these products match them.

use std::collections::{BTreeMap, HashMap};

use smallvec::SmallVec;

use super::Text;
use super::find::fold;
use super::item::Item;
use super::person::Person;

type Posting = SmallVec<[u32; 2]>;

#[derive(Default)]
pub(super) struct Index {
    aliases: HashMap<Text, Posting>,
    families: BTreeMap<Text, Posting>,
    givens: BTreeMap<Text, Posting>,
    births: BTreeMap<Text, Posting>,
    visits: HashMap<Text, Posting>,
    encounters: HashMap<u32, u32>,
    items: HashMap<u32, u32>,
    /// Clinic and start to booking, for those that stand.
    calendar: HashMap<(Text, Text), u32>,
}

/// What of a person the indexes hold.
#[derive(PartialEq, Eq)]
pub(super) struct Keys {
    aliases: SmallVec<[Text; 4]>,
    families: SmallVec<[Text; 2]>,
    givens: SmallVec<[Text; 2]>,
    birth: Option<Text>,
}

impl Keys {
    pub(super) fn of(person: &Person) -> Self {
        Self {
            aliases: person.aliases.iter().map(|alias| alias.value.clone()).collect(),
            families: person.names.iter().map(|name| fold(&name.family)).collect(),
            givens: person.names.iter().map(|name| fold(&name.given)).collect(),
            birth: person
                .birth
                .as_deref()
                .map(|birth| birth.chars().take(8).collect()),
        }
    }
}

impl Index {
    pub(super) fn add(&mut self, person: &Person) {
        self.post(person.key, &Keys::of(person));
        for encounter in &person.encounters {
            self.own_encounter(encounter.key, person.key, &encounter.number);
        }
        for item in &person.items {
            self.own_item(item, person.key);
        }
    }

    pub(super) fn replace(&mut self, key: u32, before: &Keys, after: &Keys) {
        if before == after {
            return;
        }
        self.retract(key, before);
        self.post(key, after);
    }

    fn post(&mut self, key: u32, keys: &Keys) {
        for alias in &keys.aliases {
            add(self.aliases.entry(alias.clone()).or_default(), key);
        }
        for family in &keys.families {
            add(self.families.entry(family.clone()).or_default(), key);
        }
        for given in &keys.givens {
            add(self.givens.entry(given.clone()).or_default(), key);
        }
        if let Some(birth) = &keys.birth {
            add(self.births.entry(birth.clone()).or_default(), key);
        }
    }

    fn retract(&mut self, key: u32, keys: &Keys) {
        for alias in &keys.aliases {
            if let Some(posting) = self.aliases.get_mut(alias) {
                posting.retain(|held| *held != key);
            }
        }
        let trees = [
            (&mut self.families, &keys.families),
            (&mut self.givens, &keys.givens),
        ];
        for (tree, names) in trees {
            for name in names {
                take(tree, name, key);
            }
        }
        if let Some(birth) = &keys.birth {
            take(&mut self.births, birth, key);
        }
    }

    pub(super) fn by_alias(&self, value: &str) -> &[u32] {
        self.aliases.get(value).map_or(&[], SmallVec::as_slice)
    }

    /// People whose family name begins with (or is) that folded text.
    pub(super) fn by_family(&self, folded: &str, exact: bool) -> Vec<u32> {
        prefixed(&self.families, folded, exact)
    }

    pub(super) fn by_given(&self, folded: &str, exact: bool) -> Vec<u32> {
        prefixed(&self.givens, folded, exact)
    }

    /// People born from `first` to `last`, both HL7 dates and included.
    pub(super) fn by_birth(&self, first: &str, last: &str) -> Vec<u32> {
        if first > last {
            return Vec::new();
        }
        self.births
            .range::<str, _>((std::ops::Bound::Included(first), std::ops::Bound::Included(last)))
            .flat_map(|(_, posting)| posting.iter().copied())
            .collect()
    }

    pub(super) fn by_visit(&self, number: &str) -> &[u32] {
        self.visits.get(number).map_or(&[], SmallVec::as_slice)
    }

    pub(super) fn encounter_owner(&self, key: u32) -> Option<u32> {
        self.encounters.get(&key).copied()
    }

    pub(super) fn own_encounter(&mut self, key: u32, person: u32, number: &str) {
        self.encounters.insert(key, person);
        add(self.visits.entry(number.into()).or_default(), key);
    }
}

impl Index {
    pub(super) fn item_owner(&self, key: u32) -> Option<u32> {
        self.items.get(&key).copied()
    }

    pub(super) fn own_item(&mut self, item: &Item, person: u32) {
        self.items.insert(item.key, person);
        if let Some(start) = item.start.as_ref().filter(|_| item.is_taken()) {
            self.calendar.insert(calendar_key(&item.place, start), item.key);
        }
    }

    /// Takes an item out of the calendar before it changes.
    pub(super) fn unbook(&mut self, item: &Item) {
        if let Some(start) = &item.start {
            let at = calendar_key(&item.place, start);
            if self.calendar.get(&at) == Some(&item.key) {
                self.calendar.remove(&at);
            }
        }
    }

    pub(super) fn booked(&self, place: &str, start: &str) -> Option<u32> {
        self.calendar.get(&calendar_key(place, start)).copied()
    }
}

/// To the minute, whatever the case of the clinic's name.
fn calendar_key(place: &str, start: &str) -> (Text, Text) {
    (fold(place), start.chars().take(12).collect())
}

fn add(posting: &mut Posting, key: u32) {
    if !posting.contains(&key) {
        posting.push(key);
    }
}

fn take(tree: &mut BTreeMap<Text, Posting>, at: &Text, key: u32) {
    if let Some(posting) = tree.get_mut(at) {
        posting.retain(|held| *held != key);
        if posting.is_empty() {
            tree.remove(at);
        }
    }
}

fn prefixed(tree: &BTreeMap<Text, Posting>, folded: &str, exact: bool) -> Vec<u32> {
    if exact {
        return tree
            .get(folded)
            .map(|posting| posting.to_vec())
            .unwrap_or_default();
    }
    tree.range::<str, _>((std::ops::Bound::Included(folded), std::ops::Bound::Unbounded))
        .take_while(|(name, _)| name.starts_with(folded))
        .flat_map(|(_, posting)| posting.iter().copied())
        .collect()
}
