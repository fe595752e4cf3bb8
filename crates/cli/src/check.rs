//! `eprgw check`: messages beside what they are expected to become; exit 1 where one is not.
//!
//! A pair is a message and one or more expectations of the same name: `a01.hl7` with `a01.fhir.json` (the Bundle),
//! `a01.back.hl7` (the message after v2 → FHIR → v2 from the resources alone) or `a01.DIALECT.hl7` (the message as
//! that dialect says it). A tolerance file names what may differ. Reads files only; `--out` gets `junit.xml`.

mod compare;
mod junit;

use std::path::{Path, PathBuf};

use hl7v2::Message;
use translate::{Settings, Translator};

use self::compare::{Difference, Tolerance};
use crate::exit::Failure;
use crate::{input, names, output, site};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of messages, each beside what it is expected to become
    dir: PathBuf,
    /// Folder of the expectations, with the same names below it, when they are not beside the messages
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// What may differ: a TOML file of paths to ignore and of times that count as equal
    #[arg(long, value_name = "FILE")]
    tolerance: Option<PathBuf>,
    /// The dialect the messages are in; recognised when left out
    #[arg(long, default_value = "auto")]
    from: String,
    /// What the site changes: see `eprgw translate --site`
    #[arg(long, env = "EPRGW_SITE", value_name = "FILE")]
    site: Option<PathBuf>,
    /// Write junit.xml into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Differences shown of one pair; the rest are counted.
const SHOWN_MAX: usize = 20;

/// One expectation and how it went.
pub(crate) struct Case {
    pub(crate) message: String,
    pub(crate) expected: String,
    pub(crate) verdict: Verdict,
}

pub(crate) enum Verdict {
    Same,
    Differs(Vec<Difference>),
    Unreadable(String),
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let tolerance = Tolerance::read(options.tolerance.as_deref())?;
    let settings = site::apply(Settings::default(), options.site.as_deref())?;
    let bare = Settings {
        carry_original: false,
        ..settings.clone()
    };
    let work = Work {
        options,
        tolerance,
        translator: Translator::new(settings)?,
        resources_alone: Translator::new(bare)?,
    };
    let mut cases = Vec::new();
    for file in input::files(std::slice::from_ref(&options.dir), &["hl7", "er7", "hl7v2"])? {
        if names_dialect(&file).is_none() {
            cases.extend(work.pair(&file)?);
        }
    }
    if cases.is_empty() {
        let words = "no pair in {}: put a01.fhir.json, a01.back.hl7 or a01.DIALECT.hl7 beside a01.hl7";
        return Err(Failure::Input.because(words.replace("{}", &options.dir.display().to_string())));
    }
    report(&cases)?;
    if let Some(out) = &options.out {
        std::fs::create_dir_all(out)?;
        std::fs::write(out.join("junit.xml"), junit::document(&cases))?;
    }
    let failed = cases
        .iter()
        .filter(|case| !matches!(case.verdict, Verdict::Same))
        .count();
    if failed > 0 {
        let words = format!("{failed} of {} expectations do not hold", cases.len());
        return Err(Failure::Expectation.because(words));
    }
    Ok(())
}

/// The dialect that a file's name asks for: `a01.itk.hl7`.
fn names_dialect(file: &Path) -> Option<&'static translate::dialect::Dialect> {
    let stem = file.file_stem()?.to_str()?;
    let (_, name) = stem.rsplit_once('.')?;
    names::find_dialect(name)
}

struct Work<'w> {
    options: &'w Options,
    tolerance: Tolerance,
    translator: Translator,
    resources_alone: Translator,
}

impl Work<'_> {
    /// Every expectation of one message.
    fn pair(&self, file: &Path) -> anyhow::Result<Vec<Case>> {
        let within = file.strip_prefix(&self.options.dir).unwrap_or(file);
        let beside = match &self.options.against {
            Some(folder) => folder.join(within),
            None => file.to_path_buf(),
        };
        let mut cases = Vec::new();
        let bytes = input::read(file)?;
        let mut case =
            |expected: &Path, made: &dyn Fn(&Message<'_>) -> Result<Vec<u8>, String>| -> anyhow::Result<()> {
                if !expected.is_file() {
                    return Ok(());
                }
                let wanted = input::read(expected)?;
                let made = Message::parse(&bytes)
                    .map_err(|e| e.to_string())
                    .and_then(|message| made(&message));
                let verdict = match made {
                    Ok(made) => self.verdict(expected, &made, &wanted),
                    Err(why) => Verdict::Unreadable(why),
                };
                cases.push(Case {
                    message: within.display().to_string(),
                    expected: expected
                        .file_name()
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                    verdict,
                });
                Ok(())
            };
        case(&beside.with_extension("fhir.json"), &|message| {
            let bundle = self.translator.to_fhir(message, self.dialect(message)?, None);
            Ok(fhir::to_vec(&bundle))
        })?;
        case(&beside.with_extension("back.hl7"), &|message| {
            let from = self.dialect(message)?;
            let bundle = self.resources_alone.to_fhir(message, from, None);
            self.resources_alone
                .to_hl7(&bundle, from, None)
                .map_err(|e| e.to_string())
        })?;
        for dialect in names::dialects() {
            case(
                &beside.with_extension(format!("{}.hl7", dialect.name)),
                &|message| {
                    let mut out = Vec::new();
                    self.translator
                        .convert(message, self.dialect(message)?, dialect, &mut out, None);
                    Ok(out)
                },
            )?;
        }
        Ok(cases)
    }

    fn dialect(&self, message: &Message<'_>) -> Result<&'static translate::dialect::Dialect, String> {
        match self.options.from.as_str() {
            "auto" => Ok(names::recognise(message)),
            name => names::dialect(name).map_err(|e| e.to_string()),
        }
    }

    fn verdict(&self, expected: &Path, made: &[u8], wanted: &[u8]) -> Verdict {
        let json = expected.extension().is_some_and(|ending| ending == "json");
        let found = if json {
            compare::json(made, wanted, &self.tolerance)
        } else {
            compare::er7(made, wanted, &self.tolerance)
        };
        match found {
            Ok(differences) if differences.is_empty() => Verdict::Same,
            Ok(differences) => Verdict::Differs(differences),
            Err(why) => Verdict::Unreadable(why),
        }
    }
}

fn report(cases: &[Case]) -> anyhow::Result<()> {
    for case in cases {
        match &case.verdict {
            Verdict::Same => output::line(format!("ok    {} > {}", case.message, case.expected))?,
            Verdict::Unreadable(why) => {
                output::line(format!("ERROR {} > {}: {why}", case.message, case.expected))?;
            }
            Verdict::Differs(differences) => {
                output::line(format!("FAIL  {} > {}", case.message, case.expected))?;
                for one in differences.iter().take(SHOWN_MAX) {
                    output::line(one)?;
                }
                if let Some(more) = differences.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
                    output::line(format!("      and {more} more"))?;
                }
            }
        }
    }
    Ok(())
}
