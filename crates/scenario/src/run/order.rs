//! The ordering lab: the same stay told in every order, each order on a patient of its own, judged by the end state.
//!
//! Not only the whole stay is permuted but every part of it: the smallest part that fails is the smallest failing order,
//! and nothing needs to be shrunk. What an order should come to is what the same messages in their right order come to.

use std::collections::BTreeMap;

use super::Runner;
use super::source::Telling;
use crate::RunError;
use crate::feed::words::Words;
use crate::read::{self, Wanted};
use crate::reconcile::record::Side;
use crate::report::Table;
use crate::story::{Step, Value};
use crate::world::life::Place;
use crate::world::{Dice, Person, World};

/// What is told, in its right order.
const STAY: [&str; 5] = ["register", "admit", "move", "update", "leave"];
/// Failing orders shown.
const SHOWN_MAX: usize = 10;

/// One order: the places in [`STAY`], as they are told.
type Order = Vec<usize>;

impl Runner<'_> {
    /// Tells every order, reads every patient back, compares.
    pub(super) async fn order(&mut self, step: &Step) -> Result<(), RunError> {
        let flag = |name: &str| matches!(step.members.get(name), Some(Value::Flag(true)));
        let (duplicates, late) = (flag("duplicates"), flag("late"));
        let (feed, system) = (
            step.text("feed").unwrap_or_default().to_owned(),
            step.text("at").unwrap_or_default().to_owned(),
        );
        let settings = self.story.world.clone().unwrap_or_default();
        let everything = step.text("judge") != Some("visits");
        let orders = chosen(
            step.text("shuffle").unwrap_or("exhaustive"),
            settings.seed,
            step.line,
        )?;
        // What is right: each set of messages once, plainly, before every order is told.
        let plain: Vec<Order> = orders.iter().filter(|order| order.is_sorted()).cloned().collect();
        let references = plain.len();
        let orders: Vec<Order> = plain.into_iter().chain(orders).collect();
        let mut settings = settings;
        settings.people = orders.len() as u64;
        let people: Vec<Person> = World::new(settings).people().collect();
        let mut tellings = Vec::new();
        for (at, order) in orders.iter().enumerate() {
            let mut list = order.clone();
            let plainly = at < references;
            if duplicates && !plainly {
                list = list.iter().flat_map(|which| [*which, *which]).collect();
            }
            if late && !plainly {
                // The first thing told comes once more, after everything else.
                list.extend(order.first());
            }
            tellings.extend(
                list.into_iter()
                    .map(|which| telling(&people[0], &people[at], which)),
            );
        }
        let messages = self.write(&feed, tellings)?;
        let anchor = "ASSUMED: a burst after an outage is 50 a second";
        self.send(&feed, "every order", messages, anchor).await?;
        let client = self.host.fhir(&system)?;
        let served = read::served(&client).await?;
        let wanted: Vec<Wanted> = people
            .iter()
            .map(|person| Wanted {
                mrn: person.held[0].mrn.clone(),
                ..Wanted::default()
            })
            .collect();
        let read = read::everybody(&client, &served, &wanted).await?;
        let states: Vec<String> = people
            .iter()
            .map(|person| state(&read.side, person, everything))
            .collect();
        self.judge(&orders, &states, references);
        Ok(())
    }

    fn judge(&mut self, orders: &[Order], states: &[String], references: usize) {
        let mut right: BTreeMap<Order, &String> = BTreeMap::new();
        for (order, state) in orders.iter().zip(states).take(references) {
            right.insert(order.clone(), state);
        }
        let mut failing: Vec<(&Order, &String, &String)> = Vec::new();
        for (order, state) in orders.iter().zip(states).skip(references) {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            if let Some(wanted) = right.get(&sorted)
                && *wanted != state
            {
                failing.push((order, wanted, state));
            }
        }
        failing.sort_by_key(|(order, _, _)| (order.len(), (*order).clone()));
        let words = |order: &Order| order.iter().map(|at| STAY[*at]).collect::<Vec<_>>().join(", ");
        self.note(format!(
            "{} orders of {} sets of messages told",
            orders.len() - references,
            right.len()
        ));
        let rows = failing
            .iter()
            .take(SHOWN_MAX)
            .map(|(order, wanted, found)| vec![words(order), (*wanted).clone(), format!("!{found}")]);
        self.report.tables.push(Table {
            title: "Orders that fail".to_owned(),
            note: "The smallest first. Each order was told of a patient of its own.".to_owned(),
            head: ["told in this order", "right order ends as", "this one ends as"]
                .map(str::to_owned)
                .to_vec(),
            rows: rows.collect(),
        });
        let smallest = failing
            .first()
            .map(|(order, _, _)| words(order))
            .unwrap_or_default();
        self.expect(
            "every order of the same messages comes to one end state",
            failing.is_empty(),
            format!("{} orders do not; the smallest: {smallest}", failing.len()),
        );
    }
}

/// Every order of every part of the stay of two messages and more, or so many drawn from the orders of the whole.
fn chosen(shuffle: &str, seed: u64, line: usize) -> Result<Vec<Order>, RunError> {
    let whole: Order = (0..STAY.len()).collect();
    if shuffle == "exhaustive" {
        let mut all = Vec::new();
        for mask in 1_u32..1 << STAY.len() {
            let part: Order = whole.iter().copied().filter(|at| mask & 1 << at != 0).collect();
            if part.len() > 1 {
                permute(&part, &mut Vec::new(), &mut all);
            }
        }
        return Ok(all);
    }
    let count: u64 = shuffle.parse().map_err(|_| {
        RunError::Story(format!(
            "line {line}: shuffle is `exhaustive` or a number of orders"
        ))
    })?;
    let mut all = vec![whole.clone()];
    for number in 0..count {
        let mut dice = Dice::new(seed, "order", number);
        let mut left = whole.clone();
        let mut order = Vec::new();
        while !left.is_empty() {
            let at = usize::try_from(dice.below(left.len() as u64)).unwrap_or(0);
            order.push(left.remove(at));
        }
        all.push(order);
    }
    Ok(all)
}

fn permute(left: &[usize], begun: &mut Order, all: &mut Vec<Order>) {
    if left.is_empty() {
        all.push(begun.clone());
        return;
    }
    for at in 0..left.len() {
        let mut rest = left.to_vec();
        begun.push(rest.remove(at));
        permute(&rest, begun, all);
        begun.pop();
    }
}

/// One message of the stay, about that patient: everybody is told alike, but for their numbers.
fn telling(model: &Person, person: &Person, which: usize) -> Telling {
    let begins = jiff::civil::date(2026, 2, 10).at(9, 0, 0, 0);
    let after = |hours: i64| begins.saturating_add(jiff::Span::new().hours(hours));
    let when = after(i64::try_from(which).unwrap_or(0) * 5);
    let mut held = model.held[0].clone();
    held.mrn.clone_from(&person.held[0].mrn);
    held.identity.nhs.clone_from(&person.identity.nhs);
    let mut words = Words::at(when).person(model, &held);
    if which >= 3 {
        // Known from the update on, and to whatever is told later.
        words.set("line", "1 ORDER LANE");
    }
    if matches!(which, 1 | 2 | 4) {
        let place = |bed: &str| Place {
            ward: "T01".to_owned(),
            room: "T01A".to_owned(),
            bed: bed.to_owned(),
        };
        let place = place(if which == 1 { "T01-01" } else { "T01-02" });
        words.set("visit", &format!("VO{:08}", person.index));
        words.set("class", "inpatient");
        words.set("ward", &place.ward);
        words.set("room", &place.room);
        words.set("bed", &place.bed);
        words.set_time("admitted", after(5));
    }
    if which == 4 {
        words.set_time("discharged", when);
    }
    Telling {
        kind: STAY[which],
        person: person.index,
        about: Vec::new(),
        words,
        at: when,
    }
}

/// What a patient came to, without what tells one patient from another.
fn state(side: &Side, person: &Person, everything: bool) -> String {
    let mrn = &person.held[0].mrn;
    let visit = format!("VO{:08}", person.index);
    let mut parts = Vec::new();
    for ((class, key), record) in &side.records {
        let about_them = everything && key == mrn;
        if !about_them && *key != visit {
            continue;
        }
        let fields: Vec<String> = record
            .fields
            .iter()
            .filter(|(name, _)| !["nhs-number", "patient"].contains(*name))
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        parts.push(format!("{}: {}", class.words(), fields.join(", ")));
    }
    parts.join("; ")
}
