//! Joining: who is known already, what is added, who is new; then each trust's visits; then everybody is read back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Runner, telling};
use crate::RunError;
use crate::read::{encoded, get, list, text};
use crate::reconcile::gates::Gate;
use crate::reconcile::joining::{Fate, Joining, join};
use crate::reconcile::matching::Entry;
use crate::report::Table;
use crate::run::source::Telling;
use crate::story::Step;
use crate::wire::join_all;
use crate::world::life::Class;

const ANCHOR_LOAD: &str = "ASSUMED: 7 million records in 48 hours is 41 a second";
const ANCHOR_PEAK: &str = "ASSUMED: a large trust's peak hour is 7 a second";
/// Requests under way at the same time while reading back.
const LANES: usize = 16;

impl Runner<'_> {
    /// The trusts from `first` to `last` join, one after the other.
    pub(in crate::run) async fn join(&mut self, step: &Step) -> Result<(), RunError> {
        let feed = step.text("feed").unwrap_or_default().to_owned();
        self.shared_world()?;
        let place = |name: &str| usize::try_from(step.number(name).unwrap_or(0)).unwrap_or(0);
        let (first, last) = (place("first"), place("last"));
        let known = self.story.world.as_ref().map_or(0, |world| world.trusts);
        if first != self.domain.joined + 1 || last < first || last > known {
            return Err(RunError::Story(format!(
                "line {}: trusts join in order: {} are on the domain, the world has {known}",
                step.line, self.domain.joined
            )));
        }
        for trust in first - 1..last {
            self.join_one(trust, &feed).await?;
        }
        self.joining_table();
        Ok(())
    }

    async fn join_one(&mut self, trust: usize, feed: &str) -> Result<(), RunError> {
        let begun = self.domain.entries.len();
        let joining = self.match_joining(trust);
        let name = self.domain.trusts[trust].name.clone();
        self.note(format!(
            "{name}: {} records, {} added to people known, {} laid before a human ({} approved), {} new people",
            joining.records, joining.added, joining.queued, joining.approved, joining.created
        ));
        self.expect(
            format!("{name}: no record is added without asking to the wrong person"),
            joining.wrong == 0,
            joining.wrong.to_string(),
        );
        // What rests on a human's answer waits for it, and so does whatever rests on that.
        let mut batches: [Vec<Telling>; 2] = Default::default();
        let mut late = BTreeSet::new();
        for (offset, fate) in joining.fates.iter().enumerate() {
            let at = begun + offset;
            let group = self.domain.index.group[at];
            let waits = fate.waits() || late.contains(&group);
            if waits {
                late.insert(at);
            }
            batches[usize::from(waits)].push(self.registration(at, *fate));
        }
        let [certain, decided] = batches;
        for (what, tellings) in [
            (format!("{name}: people"), certain),
            (format!("{name}: people, after a human has decided"), decided),
        ] {
            self.tell(trust, feed, &what, tellings, ANCHOR_LOAD).await?;
        }
        let visits = self.visits_of(trust, begun);
        self.tell(trust, feed, &format!("{name}: visits"), visits, ANCHOR_PEAK)
            .await?;
        self.domain.joined = trust + 1;
        self.domain.joinings.push(joining);
        Ok(())
    }

    /// Matches one trust's records against the index as it stands; the truth table plays the human.
    fn match_joining(&mut self, trust: usize) -> Joining {
        let domain = &mut self.domain;
        for (at, person) in domain.people.iter().enumerate() {
            let records = person.held.iter().enumerate();
            let own = records.filter(|(_, held)| held.trust == trust);
            domain.entries.extend(own.map(|(record, _)| (at, record)));
        }
        let entries: Vec<Entry<'_>> = domain
            .entries
            .iter()
            .map(|(person, record)| {
                let person = &domain.people[*person];
                let held = &person.held[*record];
                Entry {
                    mrn: &held.mrn,
                    trust: held.trust,
                    identity: &held.identity,
                    truth: person.index,
                }
            })
            .collect();
        join(&mut domain.index, &entries, |record, known| {
            record.truth == known.truth
        })
    }

    fn registration(&self, at: usize, fate: Fate) -> Telling {
        let domain = &self.domain;
        let mut words = domain.words(at, self.told_at());
        let kind = match fate {
            Fate::New | Fate::NewAfterAll => "register",
            Fate::Added(group) | Fate::Approved(group) => {
                let (_, live) = domain.held(group);
                words.set("live", &live.mrn);
                words.set("live-pool", &domain.trusts[live.trust].pool);
                "link"
            }
        };
        telling(kind, domain.held(at).0.index, words, self.told_at())
    }

    /// Every visit under the records that joined, owned by their trust; every tenth attendance in a restricted class.
    fn visits_of(&self, trust: usize, begun: usize) -> Vec<Telling> {
        let domain = &self.domain;
        let mut all = Vec::new();
        for at in begun..domain.entries.len() {
            let (of, record) = domain.entries[at];
            let person = &domain.people[of];
            for stay in person.life.stays.iter().filter(|stay| stay.record == record) {
                let restricted = stay.class == Class::Outpatient && person.index % 10 == 3;
                for (number, (when, place)) in stay.moves.iter().enumerate() {
                    let mut words = domain.words(at, *when).stay(stay, place);
                    words.set("restricted", if restricted { "Y" } else { "" });
                    let kind = match (number, stay.class) {
                        (0, Class::Inpatient) => "admit",
                        (0, _) => "attend",
                        _ => "move",
                    };
                    all.push(telling(kind, person.index, words, *when));
                }
                if let Some(left) = stay.discharged {
                    let words = domain.words(at, left).stay(stay, &stay.place()).left(left);
                    all.push(telling("leave", person.index, words, left));
                }
            }
        }
        debug_assert!(domain.trusts.len() > trust, "a trust of the file");
        all
    }

    /// Sends through a trust's own door.
    async fn tell(
        &mut self,
        trust: usize,
        feed: &str,
        what: &str,
        tellings: Vec<Telling>,
        anchor: &str,
    ) -> Result<(), RunError> {
        let door = self.domain.trusts[trust].door();
        let messages = self.write(feed, tellings)?;
        self.send_to(&door, feed, what, messages, anchor).await
    }

    fn joining_table(&mut self) {
        let title = "Trust by trust";
        self.report.tables.retain(|table| table.title != title);
        let rows = self
            .domain
            .trusts
            .iter()
            .zip(&self.domain.joinings)
            .map(|(trust, joining)| {
                let counts = [
                    joining.records,
                    joining.known,
                    joining.added,
                    joining.queued,
                    joining.approved,
                    joining.created,
                    joining.missed,
                    joining.wrong,
                ];
                let mut row = vec![format!("{} ({})", trust.name, trust.code)];
                row.extend(counts.map(|count| count.to_string()));
                row.push(format!("{:.1} %", joining.recall()));
                row
            });
        let rows = rows.collect();
        self.report.tables.push(Table {
            title: title.to_owned(),
            note: "Each trust's records against the index as it stood when it joined. Known: people the index had, by the truth \
                   table. Missed: known, and nobody was asked; a second record of somebody is in the index now."
                .to_owned(),
            head: [
                "trust", "records", "known", "added", "queued", "approved", "new", "missed", "wrong", "found",
            ]
            .map(str::to_owned)
            .to_vec(),
            rows,
        });
        self.joining_gates();
    }

    fn joining_gates(&mut self) {
        let measures = [
            "records added to the wrong person",
            "people known, added or queued",
        ];
        self.report.gates.retain(|gate| !measures.contains(&gate.measure));
        let joinings = &self.domain.joinings;
        let wrong: usize = joinings.iter().map(|joining| joining.wrong).sum();
        let known: usize = joinings.iter().map(|joining| joining.known).sum();
        let worst = joinings.iter().map(Joining::recall).fold(100.0, f64::min);
        self.report.gates.extend([
            Gate::judged(measures[0], "0", wrong.to_string(), wrong == 0),
            Gate::judged(
                measures[1],
                "at least 98 % at each trust",
                format!("{worst:.1} % at the worst, of {known} records"),
                worst >= 98.0,
            ),
        ]);
    }

    /// Reads everybody back: one person each, with every number in its pool, and no person more.
    pub(in crate::run) async fn index(&mut self, step: &Step) -> Result<(), RunError> {
        let joined = self.joined(step.line)?;
        let system = step.text("at").unwrap_or_default().to_owned();
        let mut wanted: BTreeMap<usize, BTreeSet<(String, String)>> = BTreeMap::new();
        for (at, group) in self.domain.index.group.iter().enumerate() {
            let (_, held) = self.domain.held(at);
            let pool = self.domain.trusts[held.trust].pool.clone();
            wanted.entry(*group).or_default().insert((pool, held.mrn.clone()));
        }
        let client = self.host.fhir(&system)?;
        let groups: Vec<&BTreeSet<(String, String)>> = wanted.values().collect();
        let share = groups.len().div_ceil(LANES).max(1);
        let client = &client;
        let lanes = groups.chunks(share).map(|lane| async move {
            let mut wrong = Vec::new();
            for numbers in lane {
                if let Some(words) = differs(client, numbers).await? {
                    wrong.push(words);
                }
            }
            Ok::<_, RunError>(wrong)
        });
        let mut wrong = Vec::new();
        for lane in join_all(lanes).await {
            wrong.extend(lane?);
        }
        let people = self.people_on(&system).await?;
        self.note(format!(
            "{} people of {joined} trusts read back by every number they have",
            groups.len()
        ));
        self.expect(
            "every person is there once, with the numbers of every trust that knows them, each in its pool",
            wrong.is_empty(),
            format!(
                "{} are not: {}",
                wrong.len(),
                wrong.iter().take(3).cloned().collect::<Vec<_>>().join("; ")
            ),
        );
        self.expect(
            "the domain holds as many people as the joining decided",
            people == groups.len() as u64,
            format!("{people}, decided {}", groups.len()),
        );
        Ok(())
    }

    /// How many people a system says it knows.
    pub(super) async fn people_on(&self, system: &str) -> Result<u64, RunError> {
        let systems = self.host.get("/api/v1/systems").await?;
        let found = list(&systems)
            .iter()
            .find(|listed| text(&listed["name"]) == system);
        Ok(found.and_then(|listed| listed["people"].as_u64()).unwrap_or(0))
    }
}

/// What is wrong about a person with these numbers; nothing when they are one, and theirs alone.
async fn differs(
    client: &rest::Client,
    numbers: &BTreeSet<(String, String)>,
) -> Result<Option<String>, RunError> {
    let mut ids = BTreeSet::new();
    for (pool, number) in numbers {
        let bundle = get(client, &format!("Patient?identifier={}", encoded(number))).await?;
        let bundle = bundle.unwrap_or_default();
        let holders = list(&bundle["entry"])
            .iter()
            .map(|entry| &entry["resource"])
            .filter(|patient| pooled(patient).contains(&(pool.clone(), number.clone())));
        let holders: Vec<&Json> = holders.collect();
        let [holder] = holders.as_slice() else {
            return Ok(Some(format!("{pool} {number} names {} people", holders.len())));
        };
        ids.insert(text(&holder["id"]).to_owned());
        let held = pooled(holder);
        if held != *numbers {
            return Ok(Some(format!(
                "{pool} {number} names somebody with {} numbers, not {}",
                held.len(),
                numbers.len()
            )));
        }
    }
    Ok((ids.len() > 1).then(|| format!("numbers of one person name {} people", ids.len())))
}

/// The hospital numbers of a patient, each with its pool.
fn pooled(patient: &Json) -> BTreeSet<(String, String)> {
    list(&patient["identifier"])
        .iter()
        .filter(|identifier| {
            list(&identifier["type"]["coding"])
                .iter()
                .any(|coding| text(&coding["code"]) == "MR")
        })
        .map(|identifier| {
            (
                text(&identifier["type"]["text"]).to_owned(),
                text(&identifier["value"]).to_owned(),
            )
        })
        .collect()
}
