//! A trust joins an index that is in use: each of its records becomes a number more for somebody known, or a new person.
//!
//! The rules are those of [`matching`](super::matching). A record that is certainly one known person is that person; one
//! that may be somebody is laid before a human, and nobody is made of it until they have said no; a record that is
//! certainly two known people at once is laid before a human too, because adding it would merge them. Nothing is merged.

use std::collections::BTreeMap;

use serde::Serialize;

use super::matching::{Entry, Finding, propose};

/// What becomes of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nobody is like it: a new person.
    New,
    /// A number more for the person of that group, without asking.
    Added(usize),
    /// The same, after a human said so.
    Approved(usize),
    /// A new person, after a human said that nobody proposed is this one.
    NewAfterAll,
}

impl Fate {
    /// Whether it waits for a human.
    #[must_use]
    pub fn waits(self) -> bool {
        matches!(self, Self::Approved(_) | Self::NewAfterAll)
    }
}

/// The index: which records are one person. A group is known by its first record.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// For each record that was taken in: the place of its group's first record.
    pub group: Vec<usize>,
}

/// How one joining went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Joining {
    /// Records that joined.
    pub records: usize,
    /// Records of people the index knew already, by the truth table.
    pub known: usize,
    /// Added without asking.
    pub added: usize,
    /// Of those, to the wrong person: must be none.
    pub wrong: usize,
    /// Laid before a human.
    pub queued: usize,
    /// Of those, approved.
    pub approved: usize,
    /// New people.
    pub created: usize,
    /// Of the known, those nobody was asked about: a second record of somebody is in the index now.
    pub missed: usize,
    /// Decisions by rule.
    pub by_rule: BTreeMap<&'static str, usize>,
    /// What becomes of each record, in order.
    #[serde(skip)]
    pub fates: Vec<Fate>,
}

impl Joining {
    /// Found of a hundred records of people who were known: added rightly, or laid before a human.
    #[must_use]
    pub fn recall(&self) -> f64 {
        if self.known == 0 {
            return 100.0;
        }
        (self.known - self.missed) as f64 * 100.0 / self.known as f64
    }
}

/// Takes in the records that the index does not hold yet: those behind the ones it does, in order.
///
/// `approves` is the human: a record, and the first record of the person it may be.
pub fn join(
    index: &mut Index,
    entries: &[Entry<'_>],
    approves: impl Fn(&Entry<'_>, &Entry<'_>) -> bool,
) -> Joining {
    let first = index.group.len();
    let mut joining = Joining {
        records: entries.len() - first,
        ..Joining::default()
    };
    let mut found: BTreeMap<usize, Vec<(usize, Finding, &'static str)>> = BTreeMap::new();
    for proposal in propose(entries) {
        if proposal.right >= first {
            let like = (proposal.left, proposal.finding, proposal.rule);
            found.entry(proposal.right).or_default().push(like);
        }
    }
    let mut people: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, group) in index.group.iter().enumerate() {
        people.entry(entries[at].truth).or_insert(*group);
    }
    for at in first..entries.len() {
        let likes = found.remove(&at).unwrap_or_default();
        for (_, _, rule) in &likes {
            *joining.by_rule.entry(*rule).or_default() += 1;
        }
        let truth = entries[at].truth;
        let was_known = people.contains_key(&truth);
        let fate = fate(index, entries, at, &likes, &approves);
        let group = match fate {
            Fate::New | Fate::NewAfterAll => at,
            Fate::Added(group) | Fate::Approved(group) => group,
        };
        let right = entries[group].truth == truth;
        joining.known += usize::from(was_known);
        joining.added += usize::from(matches!(fate, Fate::Added(_)));
        joining.wrong += usize::from(matches!(fate, Fate::Added(_)) && !right);
        joining.queued += usize::from(fate.waits());
        joining.approved += usize::from(matches!(fate, Fate::Approved(_)));
        joining.created += usize::from(group == at);
        // A human who was shown the right person was asked about them, whatever they said.
        let shown = likes.iter().any(|(left, ..)| entries[*left].truth == truth);
        joining.missed += usize::from(was_known && !shown);
        index.group.push(group);
        people.entry(truth).or_insert(group);
        joining.fates.push(fate);
    }
    joining
}

fn fate(
    index: &Index,
    entries: &[Entry<'_>],
    at: usize,
    likes: &[(usize, Finding, &'static str)],
    approves: &impl Fn(&Entry<'_>, &Entry<'_>) -> bool,
) -> Fate {
    let groups = |wanted: Option<Finding>| {
        let mut groups: Vec<usize> = likes
            .iter()
            .filter(|(_, finding, _)| wanted.is_none_or(|wanted| *finding == wanted))
            .map(|(left, ..)| index.group[*left])
            .collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    };
    if likes.is_empty() {
        return Fate::New;
    }
    if let [only] = groups(Some(Finding::Certain)).as_slice() {
        return Fate::Added(*only);
    }
    let chosen = groups(None)
        .into_iter()
        .find(|group| approves(&entries[at], &entries[*group]));
    chosen.map_or(Fate::NewAfterAll, Fate::Approved)
}
