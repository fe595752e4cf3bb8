//! `eprgw run`: plays a story over the wire and writes the report.
//!
//! Without `--at` the systems are a process of our own, over a temporary folder; with it they run already and are only
//! driven and read. What did not hold is exit code 1; a story that is wrong is 2; systems that cannot be reached are 4.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use scenario::RunError;
use scenario::host::Host;
use scenario::report::Report;
use scenario::run::Watcher;
use scenario::story::verbs::VERBS;
use scenario::story::{Problem, Story};

use crate::exit::Failure;
use crate::output;

#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Name of a bundled story, or a file
    #[arg(required_unless_present = "list")]
    story: Option<String>,
    /// List the bundled stories with their settings, and the words a story may use
    #[arg(long)]
    list: bool,
    /// A setting of the story
    #[arg(short, long = "parameter", value_name = "KEY=VALUE")]
    parameter: Vec<String>,
    /// Seed of the synthetic world: short for -p seed=N
    #[arg(long, env = "EPRGW_SEED")]
    seed: Option<u64>,
    /// Ordering lab: how many orders are drawn, or all of them: short for -p shuffle=…
    #[arg(long, value_name = "N|exhaustive")]
    shuffle: Option<String>,
    /// Ordering lab: every message is told twice: short for -p duplicates=true
    #[arg(long)]
    duplicates: bool,
    /// Ordering lab: the first message comes once more at the end: short for -p late=true
    #[arg(long)]
    late: bool,
    /// Folder for report.html, report.md, report.json, junit.xml and manifest.sha256
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Salt of the pseudonyms of a research feed; by the environment only
    #[arg(long, env = "EPRGW_RESEARCH_SALT", hide = true, hide_env_values = true)]
    research_salt: Option<String>,
    /// Wait before this phase until Enter is pressed
    #[arg(long, value_name = "PHASE")]
    pause_at: Option<String>,
    /// Drive systems that run already: the address of their HTTP port
    #[arg(long, value_name = "URL")]
    at: Option<String>,
    /// With --at: the gateway's MLLP address
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
    gateway: String,
    /// Keep the systems' data and logs in this folder; without it they live in a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.list {
        return list();
    }
    let report = play(options)?;
    if let Some(out) = &options.out {
        report.write(out).map_err(stopped)?;
        output::line(format_args!("report {}", out.join("report.html").display()))?;
    }
    output::line(report.verdict())?;
    if report.passed() {
        return Ok(());
    }
    Err(Failure::Expectation.because(format!("{} checks did not hold", report.failures())))
}

/// What a story measures by the clock: rates, waits, and how fast a hospital's backlog is caught up with.
///
/// # Errors
/// As a run of it.
pub(crate) fn measure(story: &str, parameter: &[String], json: bool) -> anyhow::Result<()> {
    let options = Options {
        story: Some(story.to_owned()),
        parameter: parameter.to_vec(),
        ..Options::default()
    };
    let report = play(&options)?;
    let clock = &report.clock;
    if json {
        output::line(serde_json::to_string(clock)?)?;
    } else {
        output::line(format_args!(
            "{:<36} {:>9} {:>9} {:>9}",
            "what", "messages", "seconds", "a second"
        ))?;
        for rate in &clock.rates {
            let speed = rate.messages as f64 / rate.seconds.max(1e-9);
            output::line(format_args!(
                "{:<36} {:>9} {:>9.2} {:>9.0}   {}",
                rate.what, rate.messages, rate.seconds, speed, rate.anchor
            ))?;
        }
        for gate in &clock.gates {
            output::line(format_args!(
                "{}: {} ({})",
                gate.measure, gate.measured, gate.threshold
            ))?;
        }
    }
    if report.passed() {
        return Ok(());
    }
    Err(Failure::Expectation.because(format!("{} checks did not hold", report.failures())))
}

fn play(options: &Options) -> anyhow::Result<Report> {
    let name = options.story.as_deref().unwrap_or_default();
    let (origin, text, folder) = find(name)?;
    let story_name = origin
        .trim_end_matches(".toml")
        .rsplit('/')
        .next()
        .unwrap_or(name);
    let given = given(options)?;
    let story = Story::parse(story_name, &origin, &text, &given).map_err(|problems| refuse(&problems))?;
    let temporary = tempfile::Builder::new().prefix("eprgw-run-").tempdir()?;
    let data = options
        .data
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let runtime = tokio::runtime::Runtime::new()?;
    let report = runtime.block_on(async {
        let host = match &options.at {
            Some(http) => Host::running(http, &options.gateway).await?,
            None => Host::own(
                std::env::current_exe().map_err(|e| RunError::Host(e.to_string()))?,
                data,
            ),
        };
        let file = |path: &str| match &folder {
            Some(folder) => std::fs::read_to_string(folder.join(path))
                .ok()
                .or_else(|| scenario::bundled::file(path).map(str::to_owned)),
            None => scenario::bundled::file(path).map(str::to_owned),
        };
        let mut settings = scenario::run::Options::default();
        settings.pause_at.clone_from(&options.pause_at);
        settings.version = env!("CARGO_PKG_VERSION").to_owned();
        settings.began = Some(now());
        settings.folder.clone_from(&options.out);
        settings.salt.clone_from(&options.research_salt);
        scenario::run::run(&story, &file, host, &mut Terminal, &settings).await
    });
    report.map_err(stopped)
}

#[expect(
    clippy::disallowed_methods,
    reason = "cli is where the machine's clock is read"
)]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The story's origin, its text, and the folder its files stand in; bundled ones have none.
fn find(name: &str) -> anyhow::Result<(String, String, Option<PathBuf>)> {
    if let Some((bundled, text)) = scenario::bundled::stories().find(|(bundled, _)| *bundled == name) {
        return Ok((format!("{bundled}.toml"), text.to_owned(), None));
    }
    let path = Path::new(name);
    if !path.exists() {
        let known: Vec<&str> = scenario::bundled::stories().map(|(name, _)| name).collect();
        let near = known
            .iter()
            .find(|known| known.starts_with(name) || name.starts_with(**known));
        let hint = near.map_or_else(
            || format!("there are {}, or give a file", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(Failure::Usage.because(format!("no story is called {name:?}; {hint}")));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Input.because(format!("cannot read {name}: {error}")))?;
    Ok((name.to_owned(), text, path.parent().map(Path::to_owned)))
}

fn given(options: &Options) -> anyhow::Result<BTreeMap<String, String>> {
    let mut given = BTreeMap::new();
    for pair in &options.parameter {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Failure::Usage.because(format!("-p {pair}: say key=value")));
        };
        given.insert(key.to_owned(), value.to_owned());
    }
    if let Some(seed) = options.seed {
        given.insert("seed".to_owned(), seed.to_string());
    }
    if let Some(shuffle) = &options.shuffle {
        given.insert("shuffle".to_owned(), shuffle.clone());
    }
    for (name, wanted) in [("duplicates", options.duplicates), ("late", options.late)] {
        if wanted {
            given.insert(name.to_owned(), "true".to_owned());
        }
    }
    Ok(given)
}

fn refuse(problems: &[Problem]) -> anyhow::Error {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::Usage.because(format!(
        "the story does not hold, nothing was started:\n{}",
        lines.join("\n")
    ))
}

fn stopped(error: RunError) -> anyhow::Error {
    let failure = match &error {
        RunError::Invalid(_) | RunError::Story(_) => Failure::Usage,
        _ => Failure::RunTime,
    };
    failure.because(error.to_string())
}

fn list() -> anyhow::Result<()> {
    for (name, text) in scenario::bundled::stories() {
        let sentence = text
            .lines()
            .find_map(|line| line.strip_prefix("story = "))
            .unwrap_or_default();
        output::line(format_args!("{name}\n  {}", sentence.trim_matches('"')))?;
        let parameters = Story::parameters(name, text).map_err(|problems| refuse(&problems))?;
        for (key, parameter) in parameters {
            let choices = if parameter.choices.is_empty() {
                String::new()
            } else {
                format!(" ({})", parameter.choices.join(", "))
            };
            output::line(format_args!(
                "  -p {key}={}{choices}  {}",
                parameter.default, parameter.note
            ))?;
        }
    }
    output::line("\nWords of a story:")?;
    for verb in VERBS {
        let members: Vec<String> = verb
            .members
            .iter()
            .map(|member| {
                if member.needed {
                    member.name.to_owned()
                } else {
                    format!("[{}]", member.name)
                }
            })
            .collect();
        output::line(format_args!(
            "  {:16} {}: {}",
            verb.name,
            verb.note,
            members.join(" ")
        ))?;
    }
    Ok(())
}

/// Talk on stderr, a line for each phase and what happens in it.
struct Terminal;

impl Watcher for Terminal {
    fn phase(&mut self, name: &str, number: usize, of: usize) {
        eprintln!("[{number}/{of}] {name}");
    }

    fn say(&mut self, words: &str) {
        eprintln!("      {words}");
    }

    fn pause(&mut self, phase: &str) {
        if !std::io::stdin().is_terminal() {
            eprintln!("      paused before `{phase}`; a line on standard input goes on");
        } else {
            eprint!("      paused before `{phase}`; press Enter to go on ");
        }
        // Nothing to do when the terminal is gone: the run goes on.
        drop(std::io::stderr().flush());
        drop(std::io::stdin().read_line(&mut String::new()));
    }
}
