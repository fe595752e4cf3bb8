//! The segregation proof: every read path × every ordered pair of trusts, each with its positive control.
//!
//! Each trust keeps something about one person: a restricted visit and everything a visit can have, all of it marked with
//! words that stand nowhere else. Whoever is of another trust then asks for it by every path there is. What must cross,
//! an allergy, must be seen; what must not may be in no answer, whatever its status, in no message, log line or metric.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::exports::{EXPORT, Exports, members};
use super::probe::{Probe, Target, Wall, about, probes};
use super::reader::{Reader, Seen};
use super::{Runner, telling};
use crate::RunError;
use crate::feed::words::Words;
use crate::read::{self, Served, text};
use crate::report::Table;
use crate::story::{Step, fill};

/// The file of a story that says how one trust's client is let in.
const CLIENTS: &str = "trust-clients";
/// What a trust tells of the visit it keeps to itself, in order.
const KEPT: &[&str] = &[
    "admit", "result", "document", "problem", "order", "book", "charge",
];
/// What every other trust tells of the same person for all who may see it: rows of its own, among which others would show.
const OPEN: &[&str] = &["attend", "result", "order"];

/// One trust as a reader, and what it keeps.
pub(super) struct Keeper {
    pub(super) reader: Reader,
    pub(super) code: String,
    /// Whom it keeps something about.
    pub(super) patient: String,
    /// A record of each type, as its owner sees it.
    held: BTreeMap<String, Json>,
    /// Texts that no other trust may be shown.
    secrets: BTreeSet<String>,
}

impl Keeper {
    fn target<'t>(&'t self, resource_type: &'t str) -> Target<'t> {
        Target {
            resource_type,
            patient: &self.patient,
            held: self.held.get(resource_type),
            visit: self.held.get("Encounter").map_or("0", |visit| text(&visit["id"])),
        }
    }

    /// The first secret that stands in a text.
    pub(super) fn shown_in(&self, text: &str) -> Option<&str> {
        self.secrets
            .iter()
            .find(|secret| text.contains(secret.as_str()))
            .map(String::as_str)
    }
}

/// What was found out about one ordered pair.
#[derive(Default)]
pub(super) struct Verdicts {
    /// Questions asked, by wall.
    asked: BTreeMap<Wall, usize>,
    /// Paths by which something was shown, by wall.
    shown: BTreeMap<Wall, Vec<String>>,
}

impl Verdicts {
    pub(super) fn note(&mut self, wall: Wall, path: &str, shown: bool) {
        *self.asked.entry(wall).or_default() += 1;
        let paths = self.shown.entry(wall).or_default();
        if shown && !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
}

impl Runner<'_> {
    /// Proves that each trust's restricted records are seen by nobody else, by any path there is.
    pub(in crate::run) async fn segregate(&mut self, step: &Step) -> Result<(), RunError> {
        let joined = self.joined(step.line)?;
        let system = step.text("at").unwrap_or_default().to_owned();
        let configuration = step.text("configuration").unwrap_or_default().to_owned();
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let served = read::served(&self.host.fhir(&system)?).await?;
        let types: Vec<String> = kinds(&served);
        self.lock(&configuration, joined, &types).await?;
        let subjects = self.subjects(3 * joined);
        let subjects: Vec<String> = subjects.into_iter().skip(2 * joined).collect();
        let starts: Vec<usize> = self.domain.downstream.iter().map(|d| d.count()).collect();
        let mut keepers = Vec::new();
        for (trust, nhs) in subjects.iter().enumerate() {
            keepers.push(self.keeper(&system, trust, nhs, &types).await?);
        }
        for (trust, nhs) in subjects.iter().enumerate() {
            for other in (0..joined).filter(|other| *other != trust) {
                let marks = ["A", "B"].map(|letter| (format!("OWN{other}{trust}{letter}"), OPEN));
                self.tell_of(&feed, other, nhs, &marks).await?;
            }
        }
        let groups = step.list("groups").to_vec();
        let before = self.views(&keepers, &types).await?;
        let members = members(&keepers, &groups).await?;
        for (trust, nhs) in subjects.iter().enumerate() {
            let mark = marker(&self.domain.trusts[trust].code);
            self.tell_of(&feed, trust, nhs, &[(mark, KEPT)]).await?;
        }
        let mut controls = Vec::new();
        for keeper in &mut keepers {
            controls.extend(control(keeper, &types).await?);
        }
        let after = self.views(&keepers, &types).await?;
        let (mut paths, mut unasked) = paths_of(&served, &keepers[0]);
        if !groups.is_empty() {
            unasked.retain(|path| path != EXPORT);
            paths.insert(EXPORT.to_owned());
        }
        let exports = Exports::read(&keepers, &groups, members).await?;
        controls.extend(exports.blind(&keepers));
        self.positive(&keepers, &served, controls).await?;
        self.expect(
            "every read path of the capability statement is asked",
            unasked.is_empty(),
            unasked.join(", "),
        );
        let mut rows: BTreeMap<String, Vec<String>> =
            paths.iter().map(|path| (path.clone(), Vec::new())).collect();
        for (one, reader) in keepers.iter().enumerate() {
            for (other, keeper) in keepers.iter().enumerate() {
                if one == other {
                    continue;
                }
                let mut verdicts = ask_all(reader, keeper, &served).await?;
                counted(&mut verdicts, &before, &after, (one, other));
                exports.judge(&mut verdicts, one, keeper);
                self.judge_pair((&reader.code, &keeper.code), &verdicts);
                let shown: BTreeSet<&String> = verdicts.shown.values().flatten().collect();
                for (path, cells) in &mut rows {
                    let mark = if shown.contains(path) {
                        "!shown"
                    } else {
                        "=nothing"
                    };
                    cells.push(mark.to_owned());
                }
            }
        }
        self.report_paths(&keepers, rows);
        self.elsewhere(&keepers, &starts).await
    }

    /// Puts the locks on: the same systems over the same data, and now every reader shows a token.
    async fn lock(&mut self, alias: &str, joined: usize, types: &[String]) -> Result<(), RunError> {
        let open = self
            .text(alias)?
            .replacen("[[system]]\n", "[[system]]\nauthorise = true\n", 1);
        let mut locked = self.with_trusts(open)?;
        let scopes: Vec<String> = types.iter().map(|name| format!("\"system/{name}.rs\"")).collect();
        for trust in self.domain.trusts.iter().take(joined) {
            let values = [
                ("trust.door".to_owned(), trust.door()),
                ("trust.code".to_owned(), trust.code.clone()),
                ("trust.secret".to_owned(), variable(&trust.code)),
                ("trust.scopes".to_owned(), scopes.join(", ")),
            ];
            locked.push('\n');
            locked.push_str(&fill(self.text(CLIENTS)?, &values.into()));
        }
        let variables = self
            .domain
            .trusts
            .iter()
            .map(|trust| (variable(&trust.code), secret(&trust.code)));
        self.host.set_variables(variables.collect());
        self.host.open(&locked).await?;
        self.note("the domain's face now asks every reader for a token of its own trust");
        Ok(())
    }

    async fn keeper(
        &self,
        system: &str,
        trust: usize,
        nhs: &str,
        types: &[String],
    ) -> Result<Keeper, RunError> {
        let trust = &self.domain.trusts[trust];
        let reader = Reader::enter(&self.host, system, &trust.door(), &secret(&trust.code), types).await?;
        let found = reader.get(&format!("Patient?identifier={nhs}")).await?;
        let patient = found
            .resources("Patient")
            .next()
            .map(|patient| text(&patient["id"]).to_owned());
        Ok(Keeper {
            reader,
            code: trust.code.clone(),
            patient: patient.unwrap_or_default(),
            held: BTreeMap::new(),
            secrets: BTreeSet::from([marker(&trust.code)]),
        })
    }

    /// What each reader sees of each keeper's patient, by type: ids in order, and what is said about how many there are.
    async fn views(&self, keepers: &[Keeper], types: &[String]) -> Result<Views, RunError> {
        let mut views = Views::new();
        for (one, reader) in keepers.iter().enumerate() {
            for (other, keeper) in keepers.iter().enumerate() {
                for kind in types {
                    let seen = reader.reader.get(&about(&keeper.target(kind), "")).await?;
                    let total = seen.json["total"].to_string();
                    views.insert((one, other, kind.clone()), (seen.ids(), total));
                }
            }
        }
        Ok(views)
    }

    /// One trust tells, through its own door, of visits of somebody, each under its mark; a visit it keeps to itself comes
    /// with an allergy that is everybody's business.
    async fn tell_of(
        &mut self,
        feed: &str,
        trust: usize,
        nhs: &str,
        visits: &[(String, &[&'static str])],
    ) -> Result<(), RunError> {
        let when = self.told_at();
        let Some(entry) = self.domain.people_of(trust).next() else {
            return Err(RunError::Story("a trust without people tells nothing".to_owned()));
        };
        let named = self.entry_of(nhs);
        // The trust knows the person from now on, under a number of its own: with a letter, so that it is nobody's NHS number.
        let own = format!("T{trust}{named:06}");
        let mut link = self.domain.words(entry, when);
        let (_, held) = self.domain.held(named);
        link.set("live", &held.mrn);
        link.set("live-pool", &self.domain.trusts[held.trust].pool);
        link.set("mrn", &own);
        let mut tellings = vec![telling("link", 0, link, when)];
        let code = self.domain.trusts[trust].code.clone();
        for (mark, kinds) in visits {
            let restricted = *mark == marker(&code);
            let mut words = marked(mark, restricted, when);
            self.domain.sign(&mut words, trust);
            words.set("mrn", &own);
            tellings.extend(kinds.iter().map(|kind| telling(kind, 0, words.clone(), when)));
            if restricted {
                words.set("code", &format!("SAFE{code}"));
                words.set("words", &format!("Safe {code}"));
                tellings.push(telling("allergy", 0, words, when));
            }
        }
        let door = self.domain.trusts[trust].door();
        let messages = self.write(feed, tellings)?;
        let what = format!("{code}: visits of one person");
        self.send_to(&door, feed, &what, messages, "none").await
    }

    fn entry_of(&self, nhs: &str) -> usize {
        let domain = &self.domain;
        let entry = (0..domain.entries.len()).find(|at| {
            domain.index.group[*at] == *at && domain.held(*at).1.identity.nhs.as_deref() == Some(nhs)
        });
        entry.unwrap_or(0)
    }

    /// That each trust sees what is its own, by every path, and what must cross whatever trust told it.
    async fn positive(
        &mut self,
        keepers: &[Keeper],
        served: &Served,
        missing: Vec<String>,
    ) -> Result<(), RunError> {
        let mut blind = missing;
        for keeper in keepers {
            let mut shown: BTreeMap<String, bool> = BTreeMap::new();
            for probe in questions(served, keeper).0 {
                let seen = keeper.reader.get(&probe.ask).await?;
                let own = match probe.path.split(' ').next().unwrap_or_default() {
                    // What is everybody's shows no secret: that it answers is what can be asked.
                    "Patient" | "AllergyIntolerance" | "Binary" => seen.status == 200,
                    _ => keeper.shown_in(&seen.text).is_some(),
                };
                *shown.entry(probe.path).or_default() |= own;
            }
            let nothing = shown.into_iter().filter(|(_, own)| !own);
            blind.extend(nothing.map(|(path, _)| format!("{} by {path}", keeper.code)));
        }
        self.expect(
            "each trust sees its own by every path: a proof that finds nothing says something",
            blind.is_empty(),
            blind.join(", "),
        );
        let mut unsafe_at = Vec::new();
        for reader in keepers {
            for keeper in keepers {
                let seen = reader
                    .reader
                    .get(&about(&keeper.target("AllergyIntolerance"), ""))
                    .await?;
                if !seen.text.contains(&format!("SAFE{}", keeper.code)) {
                    unsafe_at.push(format!("{} does not see that of {}", reader.code, keeper.code));
                }
            }
        }
        self.expect(
            "an allergy is seen by every trust, whoever told it",
            unsafe_at.is_empty(),
            unsafe_at.join(", "),
        );
        Ok(())
    }

    fn judge_pair(&mut self, (reader, keeper): (&str, &str), verdicts: &Verdicts) {
        for (wall, asked) in &verdicts.asked {
            let shown = verdicts.shown.get(wall).cloned().unwrap_or_default();
            let word = wall.word();
            self.expect(
                format!("{reader} is shown nothing that {keeper} keeps: {asked} questions (leak: {word})"),
                shown.is_empty(),
                format!("shown by {}", shown.join(", ")),
            );
        }
    }

    fn report_paths(&mut self, keepers: &[Keeper], rows: BTreeMap<String, Vec<String>>) {
        let mut head = vec!["path".to_owned()];
        for reader in keepers {
            let others = keepers.iter().filter(|keeper| keeper.code != reader.code);
            head.extend(others.map(|keeper| format!("{} of {}", reader.code, keeper.code)));
        }
        self.note(format!(
            "{} read paths, {} ordered pairs",
            rows.len(),
            head.len() - 1
        ));
        let rows = rows.into_iter().map(|(path, cells)| {
            let mut row = vec![path];
            row.extend(cells);
            row
        });
        let rows = rows.collect();
        self.report.tables.push(Table {
            title: "Who sees what another trust keeps".to_owned(),
            note: "Every read path of the domain's capability statement. First the trust that asks, then the trust whose restricted \
                   records are asked for."
                .to_owned(),
            head,
            rows,
        });
    }

    /// Beside the face: what other trusts' systems heard, and what log and metrics say.
    async fn elsewhere(&mut self, keepers: &[Keeper], starts: &[usize]) -> Result<(), RunError> {
        self.heard().await?;
        for (one, reader) in keepers.iter().enumerate() {
            let heard = self.domain.downstream[one].since(starts[one]);
            let shown = keepers
                .iter()
                .filter(|keeper| keeper.code != reader.code)
                .find(|keeper| {
                    heard.iter().any(|received| {
                        keeper
                            .shown_in(&String::from_utf8_lossy(&received.bytes))
                            .is_some()
                    })
                });
            self.expect(
                format!(
                    "{}'s systems hear nothing that another trust keeps (leak: feed)",
                    reader.code
                ),
                shown.is_none(),
                shown.map(|keeper| keeper.code.clone()).unwrap_or_default(),
            );
        }
        let metrics = self.host.text("/metrics").await?;
        for (name, page) in [("metrics", metrics), ("log", self.host.log_text())] {
            let shown = keepers.iter().find(|keeper| keeper.shown_in(&page).is_some());
            self.expect(
                format!("the {name} names nothing that a trust keeps (leak: {name})"),
                shown.is_none(),
                shown.map(|keeper| keeper.code.clone()).unwrap_or_default(),
            );
        }
        Ok(())
    }
}

/// What a reader (first) saw of a keeper's patient (second), by type.
type Views = BTreeMap<(usize, usize, String), (Vec<String>, String)>;

/// Types that are served, each once.
fn kinds(served: &Served) -> Vec<String> {
    let kinds: BTreeSet<&String> = served.paths.iter().map(|(kind, _)| kind).collect();
    kinds
        .into_iter()
        .filter(|kind| !kind.is_empty())
        .cloned()
        .collect()
}

fn variable(code: &str) -> String {
    format!("EPRGW_REHEARSAL_{code}")
}

/// Known to this run and the process it starts.
fn secret(code: &str) -> String {
    format!("rehearsal-of-{code}")
}

/// The beginning of every word that one trust keeps to itself.
pub(super) fn marker(code: &str) -> String {
    format!("SEG{code}")
}

/// The facts of a visit and of everything that belongs to it, all under one mark.
fn marked(mark: &str, restricted: bool, when: jiff::civil::DateTime) -> Words {
    let mut words = Words::at(when);
    for (name, suffix) in [
        ("visit", "V"),
        ("ward", "WARD"),
        ("bed", "BED"),
        ("placer", "P"),
        ("filler", "F"),
        ("number", "N"),
        ("code", "C"),
        ("words", " words"),
        ("value", " value"),
        ("clinic", "CLINIC"),
    ] {
        words.set(name, &format!("{mark}{suffix}"));
    }
    words.set("class", if restricted { "inpatient" } else { "outpatient" });
    words.set("restricted", if restricted { "Y" } else { "" });
    words.set("units", "mmol/L");
    for name in ["admitted", "ordered", "observed", "since"] {
        words.set_time(name, when);
    }
    words
}

/// Finds, as their owner, a record of each type; what of the types a visit can have is not there.
async fn control(keeper: &mut Keeper, types: &[String]) -> Result<Vec<String>, RunError> {
    let mut missing = Vec::new();
    for kind in types {
        if kind == "Binary" || kind == "Group" {
            continue;
        }
        let seen = keeper.reader.get(&about(&keeper.target(kind), "")).await?;
        let mark = marker(&keeper.code);
        let own = seen.resources(kind).find(|resource| {
            kind == "Patient" || kind == "AllergyIntolerance" || resource.to_string().contains(&mark)
        });
        match own.cloned() {
            Some(resource) => {
                if kind != "Patient" && kind != "AllergyIntolerance" {
                    keeper.secrets.insert(format!("{kind}/{}", text(&resource["id"])));
                }
                keeper.held.insert(kind.clone(), resource);
            }
            None => missing.push(format!("{} has no {kind} of its own", keeper.code)),
        }
    }
    let document = keeper.held.get("DocumentReference").cloned().unwrap_or_default();
    let url = text(&document["content"][0]["attachment"]["url"]);
    if let Some(id) = url.rsplit('/').next().filter(|id| !id.is_empty()) {
        let binary = serde_json::json!({"resourceType": "Binary", "id": id});
        keeper.secrets.insert(format!("Binary/{id}"));
        keeper.held.insert("Binary".to_owned(), binary);
    }
    Ok(missing)
}

/// Every question about what a keeper keeps, and the paths nobody knows how to ask.
fn questions(served: &Served, keeper: &Keeper) -> (Vec<Probe>, Vec<String>) {
    let mut all = Vec::new();
    let mut unasked = Vec::new();
    for (kind, path) in &served.paths {
        match probes(&keeper.target(kind), path) {
            Some(probes) => all.extend(probes),
            None => unasked.push(format!("{kind} {path}")),
        }
    }
    (all, unasked)
}

fn paths_of(served: &Served, keeper: &Keeper) -> (BTreeSet<String>, Vec<String>) {
    let (asked, unasked) = questions(served, keeper);
    (asked.into_iter().map(|probe| probe.path).collect(), unasked)
}

/// One reader asks for everything another trust keeps.
async fn ask_all(reader: &Keeper, keeper: &Keeper, served: &Served) -> Result<Verdicts, RunError> {
    let mut verdicts = Verdicts::default();
    for probe in questions(served, keeper).0 {
        let seen = reader.reader.get(&probe.ask).await?;
        let found = probe.wall == Wall::Read && seen.status == 200 && is_kept(&probe);
        let named = names(keeper, &probe, &seen);
        let refused = seen.status >= 400;
        verdicts.note(probe.wall, &probe.path, found || named && !refused);
        if refused {
            verdicts.note(Wall::Error, &probe.path, named);
        }
    }
    for kind in kinds(served) {
        if kind == "Binary" || kind == "Group" {
            continue;
        }
        let ask = about(&keeper.target(&kind), "_count=1");
        for page in reader.reader.pages(&ask).await? {
            verdicts.note(
                Wall::Paging,
                &format!("{kind} search-type"),
                keeper.shown_in(&page.text).is_some(),
            );
        }
    }
    Ok(verdicts)
}

fn is_kept(probe: &Probe) -> bool {
    !probe.path.starts_with("Patient ") && !probe.path.starts_with("AllergyIntolerance ")
}

/// Whether an answer names what is kept. What was asked for may stand in it: a link repeats the question.
fn names(keeper: &Keeper, probe: &Probe, seen: &Seen) -> bool {
    let mut without = seen.json.clone();
    if let Some(bundle) = without.as_object_mut() {
        bundle.remove("link");
    }
    let text = match &without {
        Json::Null => seen.text.clone(),
        json => json.to_string(),
    };
    keeper
        .secrets
        .iter()
        .any(|secret| text.contains(secret.as_str()) && !probe.ask.ends_with(secret.as_str()))
}

/// Whether a reader's view of somebody changed when another trust kept something about them: rows, order or total.
fn counted(verdicts: &mut Verdicts, before: &Views, after: &Views, pair: (usize, usize)) {
    for ((one, other, kind), view) in before {
        if (*one, *other) != pair || kind == "AllergyIntolerance" {
            continue;
        }
        let changed = after.get(&(*one, *other, kind.clone())) != Some(view);
        verdicts.note(Wall::Counts, &format!("{kind} search-type"), changed);
    }
}
