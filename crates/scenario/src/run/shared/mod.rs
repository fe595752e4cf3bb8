//! Several trusts on one domain: they join, each hears what is its own, none says or sees what is another's.
//!
//! Everything is told through the trusts' own doors and read back over the wire; what belongs to whom is judged by what
//! arrives at each trust's downstream systems and by what the domain serves.

mod burst;
mod exports;
mod feeds;
mod join;
mod leak;
mod probe;
mod reader;
mod refusal;
mod segregation;

use std::collections::BTreeMap;

use self::leak::Leak;
use super::Runner;
use super::source::Telling;
use crate::RunError;
use crate::feed::words::Words;
use crate::reconcile::joining::{Index, Joining};
use crate::story::fill;
use crate::trust::{self, Trust};
use crate::wire::Downstream;
use crate::world::{Held, Person, World};

/// The file of a story that names its trusts.
const TRUSTS: &str = "trusts";
/// The file of a story that says how one trust is connected.
const ROUTES: &str = "trust-routes";
/// Port of the first trust's door, where ports are not free to choose.
const FIRST_DOOR: usize = 2581;

/// The trusts of a story, and how far they have come.
#[derive(Default)]
pub(super) struct Domain {
    pub(super) trusts: Vec<Trust>,
    /// The systems of each trust that listen to the domain.
    downstream: Vec<Downstream>,
    people: Vec<Person>,
    /// (person, record) of each entry, in the order they joined.
    entries: Vec<(usize, usize)>,
    index: Index,
    /// How many trusts have joined.
    joined: usize,
    joinings: Vec<Joining>,
    /// Deliveries that the domain is meant to refuse.
    refused: u64,
}

impl Domain {
    /// The trusts of a story, each with a listener for what it hears; none for a story of one house.
    pub(super) async fn of(texts: &BTreeMap<String, String>) -> Result<Self, RunError> {
        let mut domain = Self::default();
        if let Some(text) = texts.get(TRUSTS) {
            domain.trusts = trust::parse(TRUSTS, text).map_err(RunError::Invalid)?;
            for _ in &domain.trusts {
                domain.downstream.push(Downstream::start().await?);
            }
        }
        Ok(domain)
    }

    fn held(&self, entry: usize) -> (&Person, &Held) {
        let (person, record) = self.entries[entry];
        let person = &self.people[person];
        (person, &person.held[record])
    }

    /// The first entries of people whom a trust knows, by their place among the entries.
    fn people_of(&self, trust: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(move |at| self.held(*at).1.trust == trust)
    }

    /// What a trust says about one of its records.
    fn words(&self, entry: usize, when: jiff::civil::DateTime) -> Words {
        let (person, held) = self.held(entry);
        let mut words = Words::at(when).person(person, held);
        self.sign(&mut words, held.trust);
        words
    }

    /// Puts a trust's own names into what it says.
    fn sign(&self, words: &mut Words, trust: usize) {
        let trust = &self.trusts[trust];
        words.set("trust", &trust.code);
        words.set("pool", &trust.pool);
        words.set("visit-pool", &trust.visit_pool);
        words.set("site", trust.site());
    }
}

impl Runner<'_> {
    /// A configuration with a door and a feed for each trust of the story, written by the story's `trust-routes`.
    pub(super) fn with_trusts(&self, configuration: String) -> Result<String, RunError> {
        if !self.texts.contains_key(ROUTES) {
            return Ok(configuration);
        }
        let planted = leak::planted(&self.story.parameters);
        let mut whole = configuration;
        let count = self.story.world.as_ref().map_or(0, |world| world.trusts);
        let trusts = self.domain.trusts.iter().zip(&self.domain.downstream);
        for (at, (trust, downstream)) in trusts.enumerate().take(count) {
            let mut facilities: Vec<String> = trust.facilities().collect();
            if planted == Leak::Feed && at == 0 {
                facilities.extend(self.domain.trusts.iter().skip(1).flat_map(Trust::facilities));
            }
            let values = [
                ("door", trust.door()),
                ("port", (FIRST_DOOR + at).to_string()),
                ("facilities", facilities.join(", ")),
                ("downstream", downstream.address()),
            ];
            let values = values.map(|(name, value)| (format!("trust.{name}"), value));
            whole.push('\n');
            whole.push_str(&fill(self.text(ROUTES)?, &values.into()));
        }
        let kept = self
            .domain
            .trusts
            .get(1)
            .map(|trust| segregation::marker(&trust.code));
        Ok(planted.spoil(whole, &kept.unwrap_or_default()))
    }

    fn shared_world(&mut self) -> Result<(), RunError> {
        if self.domain.people.is_empty() {
            let settings = self.story.world.clone();
            let settings = settings.ok_or_else(|| RunError::Story("the story has no [world]".to_owned()))?;
            if settings.trusts > self.domain.trusts.len() {
                return Err(RunError::Story(format!(
                    "the world has {} trusts, `{TRUSTS}` names {}",
                    settings.trusts,
                    self.domain.trusts.len()
                )));
            }
            self.domain.people = World::new(settings).people().collect();
        }
        Ok(())
    }

    /// The trust at a place in the file, from 0, once it has joined.
    fn joined(&self, line: usize) -> Result<usize, RunError> {
        match self.domain.joined {
            0 => Err(RunError::Story(format!(
                "line {line}: no trust is on the domain yet: `join` comes before"
            ))),
            joined => Ok(joined),
        }
    }

    /// The moment at which the domain is told everything that has no time of its own.
    fn told_at(&self) -> jiff::civil::DateTime {
        self.story
            .world
            .as_ref()
            .map(|world| world.ends)
            .unwrap_or_default()
    }
}

fn telling(kind: &'static str, person: u64, words: Words, at: jiff::civil::DateTime) -> Telling {
    Telling {
        kind,
        person,
        words,
        about: Vec::new(),
        at,
    }
}
