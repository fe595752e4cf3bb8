//! `eprgw translate`: converts offline, either way, and accounts for every field.
//!
//! Stores nothing and refuses no content: what cannot be said is in the ledger. One file in, one document out: a batch
//! becomes a collection of its messages' Bundles, and such a collection becomes its messages again.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use hl7v2::Message;
use translate::dialect::Dialect;
use translate::{BundleAccount, Ledger, Outcome, Settings, Translator};

use crate::exit::Failure;
use crate::{input, names, site};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Messages (ER7) or Bundles (FHIR JSON): files, folders or - for standard input; a file of several messages (FHS,
    /// BHS or none) makes one Bundle of type collection that holds a message Bundle for each
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// What to make: fhir, hl7v2, a system's name for its dialect, or a dialect's name
    #[arg(long)]
    to: Option<String>,
    /// The dialect the messages are in; recognised when left out
    #[arg(long, default_value = "auto")]
    from: String,
    /// Account for every populated field, on stderr
    #[arg(long)]
    ledger: bool,
    /// How the ledger looks
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print the message after v2 → FHIR → v2
    #[arg(long, conflicts_with = "to")]
    roundtrip: bool,
    /// Fail (exit 1) when a field ends like this
    #[arg(long, value_enum, value_name = "OUTCOME")]
    fail_on: Option<FailOn>,
    /// Write each result to a file in this folder instead of stdout
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// One message Bundle per line (NDJSON) instead of a collection for a file of several messages
    #[arg(long)]
    lines: bool,
    /// Zone of times without an offset
    #[arg(long, env = "EPRGW_ZONE", default_value = "Europe/London")]
    zone: String,
    /// What the site changes: a TOML file of rows left out, fields set, tables replaced, choices made
    #[arg(long, env = "EPRGW_SITE", value_name = "FILE")]
    site: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Lost,
}

/// What is to be made of an input.
#[derive(Clone, Copy)]
enum Target {
    Fhir,
    Dialect(&'static Dialect),
    RoundTrip,
}

const INPUT_ENDINGS: [&str; 4] = ["hl7", "er7", "hl7v2", "json"];

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let zone = jiff::tz::TimeZone::get(&options.zone)
        .map_err(|_| Failure::Usage.because(format!("no time zone is called {:?}", options.zone)))?;
    let settings = Settings {
        zone,
        ..Settings::default()
    };
    let translator = Translator::new(site::apply(settings, options.site.as_deref())?)?;
    let target = match options.to.as_deref() {
        None if options.roundtrip => Some(Target::RoundTrip),
        None => None,
        Some("fhir") => Some(Target::Fhir),
        Some("hl7v2") => Some(Target::Dialect(&translate::dialect::STANDARD)),
        Some(name) => Some(Target::Dialect(names::dialect(name)?)),
    };
    let files = input::files(&options.input, &INPUT_ENDINGS)?;
    let mut work = Work {
        options,
        translator: &translator,
        target,
        several: files.len() > 1,
        lost: 0,
    };
    for file in &files {
        let bytes = input::read(file)?;
        let envelope = input::is_envelope(&bytes);
        for problem in input::problems(file, &bytes) {
            writeln!(std::io::stderr(), "warning: {problem}")?;
        }
        let items = input::split(file, bytes);
        if items.is_empty() {
            let words = "a batch without messages; look at the file it was taken from";
            return Err(Failure::Input.because(format!("{}: {words}", file.display())));
        }
        let to_fhir = matches!(target, None | Some(Target::Fhir));
        let one_document = !options.lines && options.out.is_none();
        if (envelope || items.len() > 1) && to_fhir && one_document {
            work.batch(&items)?;
        } else {
            work.each(&items)?;
        }
    }
    let lost = work.lost;
    if options.fail_on == Some(FailOn::Lost) && lost > 0 {
        return Err(Failure::Expectation.because(format!("{lost} fields lost")));
    }
    Ok(())
}

/// One run of the verb.
struct Work<'w> {
    options: &'w Options,
    translator: &'w Translator,
    target: Option<Target>,
    several: bool,
    lost: usize,
}

impl Work<'_> {
    /// Every message of a file on its own.
    fn each(&mut self, items: &[input::Item]) -> anyhow::Result<()> {
        for item in items {
            let mut ledger = self.ledger();
            let made = make(self.options, self.translator, self.target, item, ledger.as_mut())
                .map_err(|why| Failure::Input.because(format!("{}: {why}", item.origin)))?;
            write(self.options, item, &made, self.several)?;
            if made.accounts.is_empty() {
                self.account(item, ledger.as_ref())?;
            }
            for account in &made.accounts {
                self.lost += account.totals().lost;
                if self.options.ledger {
                    show_account(self.options.format, item, account)?;
                }
            }
        }
        Ok(())
    }

    /// The messages of a file as one document. One that cannot be read stands there as its reason, and fails the run
    /// when all is written.
    fn batch(&mut self, items: &[input::Item]) -> anyhow::Result<()> {
        let mut unreadable = Vec::new();
        let mut bundles = Vec::with_capacity(items.len());
        for item in items {
            let mut ledger = self.ledger();
            let bundle = to_bundle(self.options, self.translator, item, ledger.as_mut());
            if let Err(why) = &bundle {
                unreadable.push(format!("{}: {why}", item.origin));
            }
            bundles.push(bundle);
            self.account(item, ledger.as_ref())?;
        }
        let made = Made::new(fhir::to_vec(&translate::collection(bundles)), "fhir.json");
        if let Some(first) = items.first() {
            write(self.options, first, &made, self.several)?;
        }
        if unreadable.is_empty() {
            return Ok(());
        }
        Err(Failure::Input.because(unreadable.join("\n")))
    }

    fn ledger(&self) -> Option<Ledger> {
        (self.options.ledger || self.options.fail_on.is_some()).then(Ledger::new)
    }

    fn account(&mut self, item: &input::Item, ledger: Option<&Ledger>) -> anyhow::Result<()> {
        let Some(ledger) = ledger else { return Ok(()) };
        self.lost += ledger.totals().lost;
        if self.options.ledger {
            show_ledger(self.options.format, item, ledger)?;
        }
        Ok(())
    }
}

/// One message as a Bundle.
fn to_bundle(
    options: &Options,
    translator: &Translator,
    item: &input::Item,
    ledger: Option<&mut Ledger>,
) -> Result<fhir::Bundle, String> {
    let message = Message::parse(&item.bytes).map_err(|e| e.to_string())?;
    let from = dialect_of(options, &message)?;
    Ok(translator.to_fhir(&message, from, ledger))
}

fn dialect_of(options: &Options, message: &Message<'_>) -> Result<&'static Dialect, String> {
    match options.from.as_str() {
        "auto" => Ok(names::recognise(message)),
        name => names::dialect(name).map_err(|e| e.to_string()),
    }
}

/// Bytes to print, and the ending of a file that holds them.
struct Made {
    bytes: Vec<u8>,
    ending: &'static str,
    /// What became of the values of Bundles that others made.
    accounts: Vec<BundleAccount>,
}

impl Made {
    fn new(bytes: Vec<u8>, ending: &'static str) -> Self {
        Self {
            bytes,
            ending,
            accounts: Vec::new(),
        }
    }
}

fn make(
    options: &Options,
    translator: &Translator,
    target: Option<Target>,
    item: &input::Item,
    ledger: Option<&mut Ledger>,
) -> Result<Made, String> {
    let is_json = item.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if is_json {
        return bundle_to_hl7(translator, target, &item.bytes, ledger);
    }
    let message = Message::parse(&item.bytes).map_err(|e| e.to_string())?;
    let from = dialect_of(options, &message)?;
    match target.unwrap_or(Target::Fhir) {
        Target::Fhir => {
            let bundle = translator.to_fhir(&message, from, ledger);
            Ok(Made::new(fhir::to_vec(&bundle), "fhir.json"))
        }
        Target::Dialect(to) => {
            let mut bytes = Vec::with_capacity(item.bytes.len() * 2);
            translator.convert(&message, from, to, &mut bytes, ledger);
            Ok(Made::new(bytes, "hl7"))
        }
        Target::RoundTrip => {
            let bundle = translator.to_fhir(&message, from, ledger);
            let written = fhir::to_vec(&bundle);
            let read = fhir::from_slice(&written).map_err(|e| e.to_string())?;
            let bytes = translator.to_hl7(&read, from, None).map_err(|e| e.to_string())?;
            Ok(Made::new(bytes, "back.hl7"))
        }
    }
}

fn bundle_to_hl7(
    translator: &Translator,
    target: Option<Target>,
    json: &[u8],
    ledger: Option<&mut Ledger>,
) -> Result<Made, String> {
    let dialect = match target {
        None => &translate::dialect::STANDARD,
        Some(Target::Dialect(dialect)) => dialect,
        Some(Target::Fhir) => return Err("is FHIR already; say --to hl7v2, or a system or dialect".into()),
        Some(Target::RoundTrip) => return Err("--roundtrip starts from an HL7 v2 message".into()),
    };
    let resource = fhir::Resource::from_slice(json).map_err(|e| e.to_string())?;
    let bundle = translate::bundle_of(resource);
    let mut made = Made::new(Vec::new(), "hl7");
    let mut ledger = ledger;
    for message in translate::messages(&bundle) {
        let er7 = translator.to_hl7(message, dialect, ledger.as_deref_mut());
        made.bytes.extend(er7.map_err(|e| e.to_string())?);
        if ledger.is_some() {
            made.accounts.extend(translator.account(message, dialect));
        }
    }
    Ok(made)
}

/// One result to stdout as it is; those of several files as lines, so that a stream of Bundles is NDJSON.
fn write(options: &Options, item: &input::Item, made: &Made, several: bool) -> anyhow::Result<()> {
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder)?;
        let name = item.origin.replace('#', "-");
        let stem = Path::new(&name)
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or("message");
        let stem = stem.split('.').next().unwrap_or("message");
        let path = folder.join(format!("{stem}.{}", made.ending));
        return std::fs::write(&path, &made.bytes)
            .map_err(|e| Failure::RunTime.because(format!("cannot write {}: {e}", path.display())));
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&made.bytes)?;
    if several || made.ending == "fhir.json" {
        stdout.write_all(b"\n")?;
    }
    Ok(())
}

/// What a message says of a Bundle that others made; what is lost first.
fn show_account(format: Format, item: &input::Item, account: &BundleAccount) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr().lock();
    if format == Format::Json {
        serde_json::to_writer(&mut stderr, account)?;
        writeln!(stderr)?;
        return Ok(());
    }
    let totals = account.totals();
    writeln!(
        stderr,
        "{}   {} values: {} mapped, {} transformed, {} ignored by rule, {} lost",
        item.origin,
        totals.sum(),
        totals.mapped,
        totals.transformed,
        totals.ignored_by_rule,
        totals.lost
    )?;
    let mut lines: Vec<_> = account.lines.iter().collect();
    lines.sort_by_key(|line| line.outcome != Outcome::Lost);
    for line in lines {
        let lost = line.outcome == Outcome::Lost;
        let word = if lost { "LOST" } else { line.outcome.word() };
        writeln!(stderr, "  {word:<15} {:<60} {}", line.path, line.note)?;
    }
    Ok(())
}

fn show_ledger(format: Format, item: &input::Item, ledger: &Ledger) -> anyhow::Result<()> {
    let mut stderr = std::io::stderr().lock();
    if format == Format::Json {
        serde_json::to_writer(&mut stderr, ledger)?;
        writeln!(stderr)?;
        return Ok(());
    }
    let totals = ledger.totals();
    writeln!(
        stderr,
        "{}   {} fields: {} mapped, {} transformed, {} defaulted, {} kept, {} ignored by rule, {} lost",
        item.origin,
        ledger.leaves_in(),
        totals.mapped,
        totals.transformed,
        totals.defaulted,
        totals.kept,
        totals.ignored_by_rule,
        totals.lost
    )?;
    let mut lines: Vec<_> = ledger.lines.iter().collect();
    lines.sort_by_key(|line| line.outcome != Outcome::Lost);
    for line in lines {
        let place = line.location.to_string();
        let word = if line.outcome == Outcome::Lost {
            "LOST"
        } else {
            line.outcome.word()
        };
        writeln!(
            stderr,
            "  {place:<18} {word:<15} {:<46} {}  {}",
            line.target(),
            line.rule(),
            line.note
        )?;
    }
    for note in &ledger.notes {
        writeln!(stderr, "  note: {note}")?;
    }
    Ok(())
}
