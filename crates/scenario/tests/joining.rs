//! Trusts that join an index in use: nothing is added wrongly, nearly everybody is found, nobody is made on the quiet.

use std::collections::BTreeMap;

use scenario::reconcile::joining::{Fate, Index, Joining, join};
use scenario::reconcile::matching::{Entry, Finding, propose};
use scenario::world::{Person, World, WorldSettings};

/// Four trusts around five thousand people, with the dirt there is by default.
fn world() -> Vec<Person> {
    let mut settings = WorldSettings::default();
    settings.trusts = 4;
    World::new(settings).people().collect()
}

fn entries(people: &[Person], trusts: usize) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    for trust in 0..trusts {
        for person in people {
            for held in person.held.iter().filter(|held| held.trust == trust) {
                entries.push(Entry {
                    mrn: &held.mrn,
                    trust,
                    identity: &held.identity,
                    truth: person.index,
                });
            }
        }
    }
    entries
}

/// One trust after the other, with a human who answers like this.
fn all_join(people: &[Person], approves: impl Fn(&Entry<'_>, &Entry<'_>) -> bool) -> (Index, Vec<Joining>) {
    let mut index = Index::default();
    let joinings = (1..=4).map(|trusts| join(&mut index, &entries(people, trusts), &approves));
    let joinings = joinings.collect();
    (index, joinings)
}

#[test]
fn scenarios_12_at_default_dirt_no_record_is_added_wrongly_and_98_in_a_hundred_are_found() {
    let people = world();
    let (_, joinings) = all_join(&people, |record, known| record.truth == known.truth);
    for (trust, joining) in joinings.iter().enumerate() {
        assert_eq!(joining.wrong, 0, "trust {trust}: {joining:?}");
        assert!(joining.recall() >= 98.0, "trust {trust}: {:.2}", joining.recall());
        if trust > 0 {
            assert!(
                joining.known > 500,
                "trust {trust} shares people with those before it"
            );
        }
    }
    let records: usize = joinings.iter().map(|joining| joining.records).sum();
    assert_eq!(records, entries(&people, 4).len());
}

#[test]
fn scenarios_12_nobody_is_made_while_a_match_is_probable() {
    let people = world();
    let all = entries(&people, 4);
    let (_, joinings) = all_join(&people, |_, _| false);
    let fates: Vec<Fate> = joinings
        .iter()
        .flat_map(|joining| joining.fates.clone())
        .collect();
    let mut like: BTreeMap<usize, Finding> = BTreeMap::new();
    for proposal in propose(&all) {
        like.entry(proposal.right).or_insert(proposal.finding);
    }
    for (at, fate) in fates.iter().enumerate() {
        match fate {
            Fate::New => assert!(
                !like.contains_key(&at),
                "record {at} is like somebody and was made"
            ),
            Fate::NewAfterAll => assert!(like.contains_key(&at), "record {at} is like nobody"),
            Fate::Added(_) => {}
            Fate::Approved(_) => panic!("nobody approved anything"),
        }
    }
    assert!(fates.iter().any(|fate| fate.waits()), "something waits");
}

#[test]
fn scenarios_12_a_record_that_is_certainly_two_people_merges_nobody() {
    let mut people = world();
    people.truncate(2);
    let mut one = people[0].held[0].clone();
    one.identity.nhs_status = "01";
    let mut other = one.clone();
    other.identity.nhs = None;
    other.identity.family = "Elsewhere".to_owned();
    // The index has both records as two people; the third record is certainly the first.
    let held = [one.clone(), other, one];
    let entries: Vec<Entry<'_>> = held
        .iter()
        .enumerate()
        .map(|(at, held)| Entry {
            mrn: &held.mrn,
            trust: at,
            identity: &held.identity,
            truth: 0,
        })
        .collect();
    let mut index = Index { group: vec![0, 1] };
    let joining = join(&mut index, &entries, |_, _| true);
    assert_eq!(joining.fates, [Fate::Added(0)]);
    assert_eq!(index.group, [0, 1, 0], "what was two people stays two");
    // Were both certain, a human would be asked.
    let twice = [held[0].clone(), held[0].clone(), held[0].clone()];
    let entries: Vec<Entry<'_>> = twice
        .iter()
        .map(|held| Entry {
            mrn: &held.mrn,
            trust: 0,
            identity: &held.identity,
            truth: 0,
        })
        .collect();
    let mut index = Index { group: vec![0, 1] };
    let joining = join(&mut index, &entries, |_, _| false);
    assert_eq!(joining.fates, [Fate::NewAfterAll]);
    assert_eq!(joining.added, 0);
}
