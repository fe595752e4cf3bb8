//! Running a story: step by step against systems on the wire, into a [`Report`].
//!
//! A step that cannot be done ends the run with a [`RunError`]; a step whose outcome is not as expected is written down
//! and the run goes on: the report is worth most when something failed.

mod audit;
mod clinical;
mod comparison;
mod contract;
mod cutover;
mod defect;
mod judge;
mod labels;
mod migration;
mod order;
mod research;
mod shared;
mod source;
mod stress;
mod tell;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use self::audit::Audit;
use self::cutover::CutOver;
use self::shared::Domain;
use self::source::{Source, Told};
use self::tell::FeedState;
use crate::RunError;
use crate::host::Host;
use crate::reconcile::Tolerance;
use crate::report::{Expectation, Outcome, Phase, Report};
use crate::story::{Story, fill};
use crate::wire::Downstream;
use crate::world::extract::{self, Files, Written};
use crate::world::{World, WorldSettings};

/// Whoever watches a run: a terminal, a test.
pub trait Watcher {
    /// A phase begins.
    fn phase(&mut self, name: &str, number: usize, of: usize);
    /// Something worth a line happened.
    fn say(&mut self, words: &str);
    /// The run waits before a phase until this returns.
    fn pause(&mut self, phase: &str);
}

/// How a run is done.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Wait before this phase.
    pub pause_at: Option<String>,
    /// Version of the program, for the report.
    pub version: String,
    /// When the run began, for the report; nothing depends on it.
    pub began: Option<Timestamp>,
    /// The salt of research pseudonyms; without one a rehearsal's follows from the seed.
    pub salt: Option<String>,
    /// Where the world's own files go, when they are wanted.
    pub folder: Option<PathBuf>,
}

/// Everything one run needs.
pub(crate) struct Runner<'r> {
    pub(crate) story: &'r Story,
    /// Texts of the story's files, settings filled in.
    texts: BTreeMap<String, String>,
    pub(crate) host: Host,
    watcher: &'r mut dyn Watcher,
    pub(crate) report: Report,
    feeds: BTreeMap<String, FeedState>,
    source: Option<Source>,
    told: Told,
    /// What the target does not serve and was therefore not sent.
    downstream: Downstream,
    cut: CutOver,
    audit: Audit,
    /// Everybody in the feed each research project got last, by pseudonym.
    fed_before: BTreeMap<String, std::collections::BTreeSet<String>>,
    /// The salt of research pseudonyms, where one was given.
    salt: Option<String>,
    /// The control id issued last.
    last_control: String,
    begun: Instant,
    began: Option<Timestamp>,
    /// The trusts of a shared domain.
    domain: Domain,
    /// Hospital numbers of the cast: (person, system).
    numbers: BTreeMap<(String, String), String>,
    folder: Option<PathBuf>,
}

/// Runs a story; `file` gives the text of a file the story leans on.
///
/// # Errors
/// When the run cannot go on: [`RunError`]. What merely did not hold stands in the report.
pub async fn run(
    story: &Story,
    file: &dyn Fn(&str) -> Option<String>,
    host: Host,
    watcher: &mut dyn Watcher,
    options: &Options,
) -> Result<Report, RunError> {
    let mut texts = BTreeMap::new();
    for (alias, name) in &story.files {
        let text = file(name).ok_or_else(|| RunError::Story(format!("{alias}: there is no file {name}")))?;
        texts.insert(alias.clone(), fill(&text, &story.parameters));
    }
    let begun = Instant::now();
    let domain = Domain::of(&texts).await?;
    let mut runner = Runner {
        story,
        texts,
        host,
        watcher,
        report: Report::default(),
        feeds: BTreeMap::new(),
        source: None,
        told: Told::default(),
        downstream: Downstream::start().await?,
        cut: CutOver::default(),
        audit: Audit::default(),
        fed_before: BTreeMap::new(),
        salt: options.salt.clone(),
        last_control: String::new(),
        begun,
        began: options.began,
        domain,
        numbers: BTreeMap::new(),
        folder: options.folder.clone(),
    };
    runner.begin(options);
    runner.steps(options).await?;
    runner.end();
    runner.report.clock.seconds = begun.elapsed().as_secs_f64();
    Ok(runner.report)
}

impl Runner<'_> {
    fn begin(&mut self, options: &Options) {
        let report = &mut self.report;
        report.name.clone_from(&self.story.name);
        report.story.clone_from(&self.story.story);
        report.version.clone_from(&options.version);
        report.parameters.clone_from(&self.story.parameters);
        report.not_tested.clone_from(&self.story.not_shown);
        report.seed = self.story.world.as_ref().map_or(0, |world| world.seed);
        report.clock.began = options.began.map(|at| at.to_string()).unwrap_or_default();
    }

    async fn steps(&mut self, options: &Options) -> Result<(), RunError> {
        let story = self.story;
        let of = story.steps.iter().filter(|step| step.phase.is_some()).count();
        if let Some(wanted) = &options.pause_at
            && !story.steps.iter().any(|step| step.phase.as_ref() == Some(wanted))
        {
            let known: Vec<&str> = story
                .steps
                .iter()
                .filter_map(|step| step.phase.as_deref())
                .collect();
            return Err(RunError::Story(format!(
                "no phase is called `{wanted}`; there are {}",
                known.join(", ")
            )));
        }
        let mut number = 0;
        let mut begun = Instant::now();
        for step in &story.steps {
            if let Some(phase) = &step.phase {
                self.close_phase(&mut begun);
                number += 1;
                if options.pause_at.as_ref() == Some(phase) {
                    self.watcher.pause(phase);
                    begun = Instant::now();
                }
                self.watcher.phase(phase, number, of.max(number));
                self.report.phases.push(Phase {
                    name: phase.clone(),
                    ..Phase::default()
                });
            }
            self.step(step).await?;
        }
        self.close_phase(&mut begun);
        Ok(())
    }

    fn close_phase(&mut self, begun: &mut Instant) {
        if let Some(phase) = self.report.phases.last() {
            let seconds = begun.elapsed().as_secs_f64();
            self.report.clock.phases.push((phase.name.clone(), seconds));
        }
        *begun = Instant::now();
    }

    async fn step(&mut self, step: &crate::story::Step) -> Result<(), RunError> {
        if step.verb.act {
            return self.act(step).await;
        }
        match step.verb.name {
            "expect" => self.expect_patient(step).await,
            "open" => self.open(step).await,
            "extract" => self.extract(),
            "profile" => self.profile(),
            "map" => self.map(),
            "match" => self.match_records(step),
            "load" => self.load(step).await,
            "freeze" => self.freeze(step).await,
            "take-back" => self.take_back(step).await,
            "switch" => self.switch(step).await,
            "fallback" => self.fallback(step).await,
            "replay" => self.replay(step).await,
            "late" => self.late(step).await,
            "reconcile" => self.reconcile(step).await,
            "order" => self.order(step).await,
            "join" => self.join(step).await,
            "index" => self.index(step).await,
            "refuse" => self.refuse(step).await,
            "split" => self.split(step).await,
            "echo" => self.echo(step).await,
            "burst" => self.burst(step).await,
            "faults" => self.faults(step).await,
            "crash" => self.crash(step).await,
            "steady" => self.steady(step).await,
            "labels" => self.labels(step).await,
            "research" => self.research(step).await,
            "segregate" => self.segregate(step).await,
            other => Err(RunError::Story(format!(
                "line {}: `{other}` is not played yet",
                step.line
            ))),
        }
    }

    fn end(&mut self) {
        self.report.accounts = self.accounts();
    }

    /// Writes down what happened.
    pub(crate) fn note(&mut self, words: impl Into<String>) {
        let words = words.into();
        self.watcher.say(&words);
        if self.report.phases.is_empty() {
            self.report.phases.push(Phase {
                name: "story".to_owned(),
                ..Phase::default()
            });
        }
        if let Some(phase) = self.report.phases.last_mut() {
            phase.notes.push(words);
        }
    }

    /// Writes down whether something was as expected.
    pub(crate) fn expect(&mut self, words: impl Into<String>, holds: bool, found: impl Into<String>) {
        let phase = self.report.phases.last().map(|phase| phase.name.clone());
        let (words, found) = (words.into(), found.into());
        if !holds {
            self.watcher.say(&format!("DID NOT HOLD: {words}: {found}"));
        }
        self.report.expectations.push(Expectation {
            phase: phase.unwrap_or_else(|| "story".to_owned()),
            words,
            outcome: if holds { Outcome::Held } else { Outcome::Failed },
            found: if holds { String::new() } else { found },
        });
    }

    /// The text of one of the story's files.
    pub(crate) fn text(&self, alias: &str) -> Result<&str, RunError> {
        self.texts
            .get(alias)
            .map(String::as_str)
            .ok_or_else(|| RunError::Story(format!("no file is called `{alias}`")))
    }

    async fn open(&mut self, step: &crate::story::Step) -> Result<(), RunError> {
        let alias = step.text("configuration").unwrap_or_default().to_owned();
        self.open_with(&alias).await?;
        self.note(format!("systems are up, routes as in `{alias}`"));
        Ok(())
    }

    async fn open_with(&mut self, alias: &str) -> Result<(), RunError> {
        let configuration = self
            .text(alias)?
            .replace("{downstream}", &self.downstream.address());
        let configuration = self.with_trusts(configuration)?;
        self.host.open(&configuration).await
    }

    /// Counts the whole world, one person at a time, and proves by its hash that it is the same world again.
    fn extract(&mut self) -> Result<(), RunError> {
        let settings = self.story.world.clone();
        let settings = settings.ok_or_else(|| RunError::Story("the story has no [world]".to_owned()))?;
        let folder = self.folder.clone();
        let written = match &folder {
            Some(folder) => world_files(folder, settings).map_err(RunError::Report)?,
            None => {
                let mut files = Files {
                    people: std::io::sink(),
                    truth: std::io::sink(),
                    events: std::io::sink(),
                };
                extract::write(&World::new(settings), &mut files).map_err(RunError::Report)?
            }
        };
        let rows = [
            ("people", written.people),
            ("records of them", written.records),
            ("second records", written.duplicates),
            ("visits", written.stays),
            ("in a bed at the end", written.in_hospital),
            ("future appointments", written.appointments),
            ("waiting-list entries", written.waiting),
            ("allergies", written.allergies),
            ("orders", written.orders),
        ];
        self.note(format!(
            "{} people written, SHA-256 {}",
            written.people, written.sha256
        ));
        self.report.tables.push(crate::report::Table {
            title: "The world".to_owned(),
            note: format!(
                "The same seed gives these rows byte for byte: SHA-256 {}.",
                written.sha256
            ),
            head: vec!["what".to_owned(), "rows".to_owned()],
            rows: rows
                .iter()
                .map(|(what, count)| vec![(*what).to_owned(), count.to_string()])
                .collect(),
        });
        Ok(())
    }

    fn tolerance(&self, step: &crate::story::Step) -> Result<Tolerance, RunError> {
        let Some(alias) = step.text("tolerance") else {
            return Ok(Tolerance::default());
        };
        Tolerance::parse(self.text(alias)?).map_err(|words| RunError::Story(format!("{alias}: {words}")))
    }

    fn source(&self) -> Result<&Source, RunError> {
        self.source
            .as_ref()
            .ok_or_else(|| RunError::Story("the story has no [world]".to_owned()))
    }
}

fn world_files(folder: &Path, settings: WorldSettings) -> std::io::Result<Written> {
    std::fs::create_dir_all(folder)?;
    let open = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let mut files = Files {
        people: open("people.csv")?,
        truth: open("truth.csv")?,
        events: open("events.csv")?,
    };
    let written = extract::write(&World::new(settings), &mut files)?;
    for file in [&mut files.people, &mut files.truth, &mut files.events] {
        file.flush()?;
    }
    Ok(written)
}
