//! The research feed of a story: the target read as it stands, fed to each project, and the feed looked at as somebody
//! would who wants to find a person in it.

use std::collections::{BTreeMap, BTreeSet};

use fhir::{Bundle, Resource};

use super::Runner;
use crate::RunError;
use crate::read::{self, Wanted};
use crate::report::Table;
use crate::research::pseudonym::Pseudonyms;
use crate::research::{Dates, Defect, Feed, LEFT_OUT, Project, Subject, TYPES, omop};
use crate::story::Step;

const NHS_SYSTEM: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// Requests under way at the same time.
const LANES: usize = 16;

/// What must not be found in a feed: numbers anywhere, names as words of their own.
#[derive(Default)]
struct Identities {
    numbers: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Runner<'_> {
    /// Feeds each project with what the target shows now.
    pub(super) async fn research(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let client = self.host.fhir(&system)?;
        let served = read::served(&client).await?;
        let wanted = self.source()?.wanted();
        let mut types: Vec<&str> = TYPES.iter().chain(LEFT_OUT).copied().collect();
        types.retain(|of| *of != "Patient" && served.types.contains(*of));
        let share = wanted.len().div_ceil(LANES).max(1);
        let lanes = wanted.chunks(share).map(|lane| gather(&client, &types, lane));
        let lanes = crate::wire::join_all(lanes).await;
        let mut subjects = Vec::with_capacity(wanted.len());
        for lane in lanes {
            subjects.extend(lane?);
        }
        self.note(format!("{} records of people read of {system}", subjects.len()));
        let opted_out = self.opted_out()?;
        let as_of = self.story.world.as_ref().map(|world| world.ends.to_string());
        let as_of = format!("{}Z", as_of.unwrap_or_default());
        let mut feeds: Vec<(Project, Feed)> = Vec::new();
        for name in step.list("projects") {
            let project = self.project(name, step)?;
            let feed = fed(&project, &subjects, &opted_out);
            feeds.push((project, feed));
        }
        self.look(&feeds, &subjects, &opted_out)?;
        self.followed(&feeds);
        for (project, feed) in &feeds {
            self.keep_files(project, feed, &as_of)?;
        }
        self.fed_before = feeds
            .iter()
            .map(|(project, feed)| (project.name.clone(), feed.standing().map(str::to_owned).collect()))
            .collect();
        Ok(())
    }

    fn project(&self, name: &str, step: &Step) -> Result<Project, RunError> {
        let word = step.text("dates").unwrap_or("shift");
        let dates = Dates::named(word).ok_or_else(|| {
            RunError::Story(format!(
                "line {}: dates are kept by keep, shift or month",
                step.line
            ))
        })?;
        let seed = self.report.seed;
        let salt = self
            .salt
            .clone()
            .unwrap_or_else(|| format!("a rehearsal of seed {seed}"));
        let defect = match step.text("defect") {
            Some("opt-out-ignored") => Some(Defect::OptOutIgnored),
            Some("name-kept") => Some(Defect::NameKept),
            Some("merge-forgotten") => Some(Defect::MergeForgotten),
            _ => None,
        };
        // One salt for all is a mistake a site can make.
        let under = if step.text("defect") == Some("one-salt") {
            "all"
        } else {
            name
        };
        let ends = self.story.world.as_ref().map_or(2026, |world| world.ends.year());
        Ok(Project {
            name: name.to_owned(),
            pseudonyms: Pseudonyms::new(salt.as_bytes(), under),
            dates,
            oldest_year: ends - 90,
            defect,
        })
    }

    /// NHS numbers of everybody who opted out: the list a hospital asks for, played by the world.
    fn opted_out(&self) -> Result<BTreeSet<String>, RunError> {
        let people = self.source()?.people.iter().filter(|person| person.opted_out);
        Ok(people.filter_map(|person| person.identity.nhs.clone()).collect())
    }

    /// Looks for people in the feeds, and for one project's people in another's.
    fn look(
        &mut self,
        feeds: &[(Project, Feed)],
        subjects: &[Subject],
        opted_out: &BTreeSet<String>,
    ) -> Result<(), RunError> {
        let identities = identities(subjects);
        let unwilling: Vec<Vec<String>> = self
            .source()?
            .people
            .iter()
            .filter(|person| person.opted_out)
            .map(|person| person.held.iter().map(|held| held.mrn.clone()).collect())
            .collect();
        for (project, feed) in feeds {
            let name = &project.name;
            let total = feed.people + feed.opted_out + feed.unknown;
            self.note(format!(
                "{name}: {} people, {} opted out, {} without an NHS number left out, {} elements left out",
                feed.people,
                feed.opted_out,
                feed.unknown,
                feed.removed.total()
            ));
            self.expect(
                format!("{name}: everybody read is fed or left out for a stated reason"),
                total == subjects.len() && feed.people > 0,
                format!("{total} of {}", subjects.len()),
            );
            let ids: BTreeSet<&str> = feed.ids().collect();
            let in_feed = |mrn: &String| ids.contains(project.pseudonyms.person(mrn).as_str());
            let against = unwilling.iter().flatten().filter(|mrn| in_feed(mrn)).count();
            self.expect(
                format!("{name}: nobody who opted out is in the feed"),
                against == 0,
                format!("{against} records of people who opted out are in it"),
            );
            let found = found(feed, &identities);
            self.expect(
                format!("{name}: no name, number, postcode or telephone of anybody is in the feed"),
                found.is_empty(),
                format!("{} elements hold one: {}", found.len(), shown(&found)),
            );
            let again = fed(project, subjects, opted_out);
            let same = TYPES.iter().all(|of| again.ndjson(of) == feed.ndjson(of));
            self.expect(
                format!("{name}: the same salt gives the same feed, byte for byte"),
                same,
                "it differs",
            );
        }
        for (at, (one, left)) in feeds.iter().enumerate() {
            for (other, right) in &feeds[at + 1..] {
                let ids: BTreeSet<&str> = left.ids().collect();
                let shared = right.ids().filter(|id| ids.contains(id)).count();
                self.expect(
                    format!("{} and {} share no pseudonym", one.name, other.name),
                    shared == 0,
                    format!("{shared} are in both"),
                );
            }
        }
        Ok(())
    }

    /// After a merge the pseudonym of the record that went leads to the one it went into.
    fn followed(&mut self, feeds: &[(Project, Feed)]) {
        let merged: Vec<(String, String)> = match self.source() {
            Ok(source) => source.merged(),
            Err(_) => Vec::new(),
        };
        for (project, feed) in feeds {
            let Some(before) = self.fed_before.get(&project.name) else {
                continue;
            };
            let person = |mrn: &String| project.pseudonyms.person(mrn);
            let concerned = merged.iter().filter(|(loser, _)| before.contains(&person(loser)));
            let concerned: Vec<&(String, String)> = concerned.collect();
            let led = concerned
                .iter()
                .filter(|(loser, survivor)| feed.merged.get(&person(loser)) == Some(&person(survivor)))
                .count();
            let words = format!(
                "{}: each pseudonym whose record was merged away leads to the one that stands for it",
                project.name
            );
            let (all, found) = (concerned.len(), format!("{led} of {}", concerned.len()));
            self.note(format!(
                "{}: {all} people it had under two pseudonyms are one",
                project.name
            ));
            if all > 0 {
                self.expect(words, led == all, found);
            } else {
                let words = "Pseudonyms of merged records: nobody who is in the feed was merged.".to_owned();
                self.report.not_tested.push(words);
            }
        }
    }

    fn keep_files(&mut self, project: &Project, feed: &Feed, as_of: &str) -> Result<(), RunError> {
        let folder = format!("feed/{}", project.name);
        let mut rows = Vec::new();
        let files = &mut self.report.files;
        for of in TYPES {
            let count = feed.resources.get(*of).map_or(0, BTreeMap::len);
            rows.push(vec![format!("{of}.ndjson"), count.to_string()]);
            files.insert(format!("{folder}/{of}.ndjson"), feed.ndjson(of));
        }
        files.insert(format!("{folder}/manifest.json"), feed.manifest(project, as_of));
        files.insert(format!("{folder}/removed.csv"), feed.removed.table()?);
        for table in omop::tables(feed)? {
            rows.push(vec![format!("omop/{}.csv", table.name), table.rows.to_string()]);
            files.insert(format!("{folder}/omop/{}.csv", table.name), table.bytes);
        }
        let title = format!("What project {} gets", project.name);
        self.report.tables.retain(|table| table.title != title);
        self.report.tables.push(Table {
            title,
            note: format!(
                "Salt {} (the salt itself is nowhere); dates: {}; born before {} is told as {}.",
                project.pseudonyms.salt_id(),
                project.dates.word(),
                project.oldest_year,
                project.oldest_year
            ),
            head: ["file", "rows"].map(str::to_owned).to_vec(),
            rows,
        });
        let title = format!("What project {} does not get", project.name);
        self.report.tables.retain(|table| table.title != title);
        self.report.tables.push(Table {
            title,
            note: "Every element that stood in the system and is not in the feed, with the reason: removed.csv. Ids and \
                   dates that are in the feed are not the system's own."
                .to_owned(),
            head: ["resource", "element", "times", "because"].map(str::to_owned).to_vec(),
            rows: feed.removed.rows().map(|row| row.to_vec()).collect(),
        });
        Ok(())
    }
}

fn fed(project: &Project, subjects: &[Subject], opted_out: &BTreeSet<String>) -> Feed {
    let mut feed = Feed::default();
    for subject in subjects {
        feed.add(project, subject, opted_out);
    }
    feed
}

/// Everybody of a lane, with all that hangs on them. Whom a number leads to is read, not known: until a merge has reached
/// the system two numbers of one person are two subjects.
async fn gather(client: &rest::Client, types: &[&str], lane: &[Wanted]) -> Result<Vec<Subject>, RunError> {
    let mut subjects = Vec::with_capacity(lane.len());
    for wanted in lane {
        let mut each: BTreeMap<String, Subject> = BTreeMap::new();
        for number in std::iter::once(&wanted.mrn).chain(wanted.numbers.iter().filter(|n| **n != wanted.mrn))
        {
            let query = format!("Patient?identifier={}", read::encoded(number));
            for resource in whole(client, &query).await? {
                let Resource::Patient(patient) = &resource else {
                    continue;
                };
                let id = patient.id.as_deref().unwrap_or_default().to_owned();
                let subject = each.entry(id).or_insert_with(|| Subject {
                    mrn: number.clone(),
                    nhs: nhs_of(patient),
                    ..Subject::default()
                });
                if subject.numbers.is_empty() {
                    subject.resources.push(resource);
                }
                subject.numbers.push(number.clone());
            }
        }
        for (id, mut subject) in each {
            for of in types {
                let further = match *of {
                    "Observation" => "&category=laboratory",
                    "Appointment" => "&date=ge2000-01-01",
                    _ => "",
                };
                let query = format!("{of}?patient={id}{further}");
                subject.resources.extend(whole(client, &query).await?);
            }
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

fn nhs_of(patient: &fhir::Patient) -> Option<String> {
    let mut identifiers = patient.identifier.iter();
    let nhs = identifiers.find(|identifier| identifier.system.as_deref() == Some(NHS_SYSTEM))?;
    Some(nhs.value.as_deref()?.replace(' ', ""))
}

/// Every resource a search finds, page by page, with its digits as written.
async fn whole(client: &rest::Client, query: &str) -> Result<Vec<Resource>, RunError> {
    let of = query.split('?').next().unwrap_or_default();
    let mut found = Vec::new();
    let mut path = query.to_owned();
    for _ in 0..50 {
        let Some(body) = read::body(client, &path).await? else {
            break;
        };
        let bundle: Bundle =
            fhir::from_slice(&body).map_err(|error| RunError::Host(format!("{of}: no Bundle: {error}")))?;
        let resources = bundle.entry.into_iter().filter_map(|entry| entry.resource);
        found.extend(resources.filter(|resource| resource.resource_type() == of));
        let next = bundle
            .link
            .iter()
            .find(|link| link.relation.as_deref() == Some("next"))
            .and_then(|link| link.url.as_deref())
            .and_then(|url| url.strip_prefix(client.base()));
        match next {
            Some(further) => path = further.to_owned(),
            None => break,
        }
    }
    Ok(found)
}

/// What the system knows people by.
fn identities(subjects: &[Subject]) -> Identities {
    let mut identities = Identities::default();
    for subject in subjects {
        identities.numbers.extend(subject.numbers.iter().cloned());
        identities.numbers.extend(subject.nhs.clone());
        for resource in &subject.resources {
            match resource {
                Resource::Patient(patient) => {
                    for name in &patient.name {
                        let words = name.family.iter().chain(&name.given);
                        identities
                            .names
                            .extend(words.map(|word| word.to_uppercase().to_string()));
                    }
                    let telecom = patient.telecom.iter().filter_map(|one| one.value.as_ref());
                    identities.numbers.extend(telecom.map(ToString::to_string));
                    let postcodes = patient.address.iter().filter_map(|one| one.postal_code.as_ref());
                    identities.numbers.extend(postcodes.map(ToString::to_string));
                }
                Resource::Encounter(visit) => {
                    let numbers = visit.identifier.iter().filter_map(|one| one.value.as_ref());
                    identities.numbers.extend(numbers.map(ToString::to_string));
                }
                _ => {}
            }
        }
    }
    identities.numbers.retain(|number| number.len() >= 7);
    identities
}

/// Elements of a feed in which somebody can be found: resource type and place, never what stands there.
fn found(feed: &Feed, identities: &Identities) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (of, resources) in &feed.resources {
        for resource in resources.values() {
            let json = serde_json::from_slice(&fhir::to_vec(resource)).unwrap_or_default();
            crate::research::leaves(&json, &mut |path, text| {
                let whole = identities.numbers.contains(text);
                let words =
                    text.split(|letter: char| !letter.is_alphanumeric() && letter != '\'' && letter != '-');
                let mut tokens = words.filter(|word| word.len() > 1);
                if whole
                    || tokens.any(|word| {
                        identities.numbers.contains(word) || identities.names.contains(&word.to_uppercase())
                    })
                {
                    found.insert(format!("{of}.{path}"));
                }
            });
        }
    }
    found
}

fn shown(found: &BTreeSet<String>) -> String {
    found.iter().take(5).cloned().collect::<Vec<_>>().join(", ")
}
