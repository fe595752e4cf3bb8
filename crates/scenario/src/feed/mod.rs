//! A feed: how one sending system writes what happens, as a data file of ER7 lines with names in braces.
//!
//! ```toml
//! time-digits = 12
//! control     = "N{feed:2}{sequence:15}"
//! [segment]
//! MSH = 'MSH|^~\&|NORTH|TRUST|EPRGW||{sent}||{message}|{control}|P|2.4'
//! [message.register]
//! event    = "ADT^A28"
//! segments = ["MSH", "EVN", "PID"]
//! ```
//!
//! A value is escaped as it goes in; separators left without anything behind them are dropped. There are no conditions:
//! who needs one writes another segment. The names are in [`words`].

pub mod words;

use std::collections::BTreeMap;

use hl7v2::{Charset, Encoding, escape};
use serde::Deserialize;

use self::words::{NAMES, Words};
use crate::story::{Problem, nearest};
use crate::world::folded;

/// The file as written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    /// Digits of a time: 8, 12 or 14.
    time_digits: usize,
    control: String,
    /// Upper case, no accents.
    #[serde(default)]
    folds: bool,
    /// As MSH-18 names it.
    #[serde(default)]
    charset: String,
    #[serde(default)]
    codes: BTreeMap<String, BTreeMap<String, String>>,
    segment: BTreeMap<String, String>,
    message: BTreeMap<String, Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Message {
    event: String,
    segments: Vec<String>,
}

/// What a feed may tell, in the words its file uses for it.
pub const KINDS: &[&str] = &[
    "register",
    "update",
    "link",
    "merge",
    "unmerge",
    "admit",
    "attend",
    "move",
    "leave",
    "cancel-admit",
    "cancel-leave",
    "list",
    "pathway",
    "book",
    "rebook",
    "reassign",
    "cancel-booking",
    "allergy",
    "problem",
    "letter",
    "order",
    "answered",
    "document",
    "problem",
    "charge",
    "result",
];

/// What a folding system writes in capitals: names and words, never numbers, codes or units.
const FOLDED: &[&str] = &[
    "family",
    "given",
    "line",
    "town",
    "practice-name",
    "specialty-words",
    "words",
    "reaction",
];

/// One sending system.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Its name in reports.
    pub name: String,
    number: u64,
    time_digits: usize,
    control: Template,
    encoding: Encoding,
    folds: bool,
    codes: BTreeMap<String, BTreeMap<String, String>>,
    messages: BTreeMap<String, (String, Vec<Template>)>,
}

/// One message, ready to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where it stands in its feed, from 1, without gaps.
    pub sequence: u64,
    /// MSH-10.
    pub control: String,
    /// `ADT^A28`.
    pub event: String,
    /// Whom it is about: messages of one person stay in order.
    pub person: u64,
    /// The message itself.
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Template(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Plain(String),
    Name { name: String, digits: usize },
}

impl Template {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('{') {
            let (inside, behind) = after
                .split_once('}')
                .ok_or_else(|| "a brace is opened and not closed".to_owned())?;
            let (name, digits) = inside.split_once(':').unwrap_or((inside, "0"));
            let known = NAMES.contains(&name) || name == "sequence" || name == "feed";
            if !known {
                return Err(match nearest(name, NAMES.iter().copied()) {
                    Some(near) => format!("no value is called `{name}`; did you mean `{near}`?"),
                    None => format!("no value is called `{name}`; there are {}", NAMES.join(", ")),
                });
            }
            let digits = digits
                .parse()
                .map_err(|_| format!("{name}: a number of digits comes after the colon"))?;
            pieces.push(Piece::Plain(plain.to_owned()));
            pieces.push(Piece::Name {
                name: name.to_owned(),
                digits,
            });
            rest = behind;
        }
        pieces.push(Piece::Plain(rest.to_owned()));
        Ok(Self(pieces))
    }
}

impl Feed {
    /// Reads the description of a feed; `number` keeps its control ids apart from those of other feeds of one system.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its line.
    pub fn parse(origin: &str, text: &str, number: u64) -> Result<Self, Vec<Problem>> {
        let file: File = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..start).unwrap_or_default();
            vec![Problem {
                origin: origin.to_owned(),
                line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
                text: error.message().to_owned(),
            }]
        })?;
        let mut problems = Vec::new();
        let mut problem = |wanted: &str, words: String| {
            let line = text.lines().position(|line| line.contains(wanted));
            problems.push(Problem {
                origin: origin.to_owned(),
                line: line.map_or(1, |line| line + 1),
                text: words,
            });
        };
        let mut template = |text: &str| {
            Template::parse(text).unwrap_or_else(|words| {
                problem(text, words);
                Template(Vec::new())
            })
        };
        let control = template(&file.control);
        let segments: BTreeMap<&str, Template> = file
            .segment
            .iter()
            .map(|(name, text)| (name.as_str(), template(text)))
            .collect();
        let mut messages = BTreeMap::new();
        for (kind, message) in &file.message {
            if !KINDS.contains(&kind.as_str()) {
                let hint = nearest(kind, KINDS.iter().copied()).unwrap_or("one of the documented kinds");
                problem(
                    kind,
                    format!("nothing called `{kind}` is ever told; did you mean `{hint}`?"),
                );
            }
            let event = &message.event;
            let mut lines = Vec::new();
            for name in &message.segments {
                match segments.get(name.as_str()) {
                    Some(template) => lines.push(template.clone()),
                    None => problem(
                        event,
                        format!("{event}: no segment is called `{name}` in [segment]"),
                    ),
                }
            }
            messages.insert(kind.clone(), (event.clone(), lines));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            name: origin.trim_end_matches(".toml").to_owned(),
            number,
            time_digits: file.time_digits,
            control,
            encoding: Encoding {
                charset: Charset::named(file.charset.as_bytes()),
                ..Encoding::STANDARD
            },
            folds: file.folds,
            codes: file.codes,
            messages,
        })
    }

    /// Whether this system says such a thing at all.
    #[must_use]
    pub fn tells(&self, kind: &str) -> bool {
        self.messages.contains_key(kind)
    }

    /// Writes one message; none for a kind this system does not tell.
    #[must_use]
    pub fn write(&self, kind: &str, sequence: u64, person: u64, words: &Words) -> Option<Outgoing> {
        let (event, lines) = self.messages.get(kind)?;
        let mut words = words.clone();
        words.set("message", event);
        words.set("trigger", event.rsplit('^').next().unwrap_or_default());
        let control = self.fill(&self.control, sequence, &words);
        let control = String::from_utf8_lossy(&control).into_owned();
        words.set("control", &control);
        let mut bytes = Vec::with_capacity(1024);
        for line in lines {
            let line = trimmed(&self.fill(line, sequence, &words));
            bytes.extend_from_slice(&line);
            bytes.push(b'\r');
        }
        Some(Outgoing {
            sequence,
            control,
            event: event.clone(),
            person,
            bytes,
        })
    }

    fn fill(&self, template: &Template, sequence: u64, words: &Words) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &template.0 {
            match piece {
                Piece::Plain(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Name { name, digits } if name == "sequence" => {
                    out.extend_from_slice(format!("{sequence:0digits$}").as_bytes());
                }
                Piece::Name { name, digits } if name == "feed" => {
                    out.extend_from_slice(format!("{:0digits$}", self.number).as_bytes());
                }
                // The event of MSH-9 holds its own separator.
                Piece::Name { name, .. } if name == "message" => {
                    out.extend_from_slice(words.text(name).as_bytes());
                }
                Piece::Name { name, digits } => {
                    let text = self.value(words, name, *digits);
                    escape::escape(&text, &self.encoding, &mut out);
                }
            }
        }
        out
    }

    fn value(&self, words: &Words, name: &str, digits: usize) -> String {
        if let Some(time) = words.time(name) {
            let digits = if digits == 0 { self.time_digits } else { digits };
            let written = time.strftime("%Y%m%d%H%M%S").to_string();
            return written.chars().take(digits).collect();
        }
        let text = words.text(name);
        if let Some(codes) = self.codes.get(name) {
            return codes.get(text).cloned().unwrap_or_else(|| text.to_owned());
        }
        if self.folds && FOLDED.contains(&name) {
            return folded(text);
        }
        text.to_owned()
    }
}

/// Drops separators that nothing comes after: in each field, then at the end of the line.
fn trimmed(line: &[u8]) -> Vec<u8> {
    let header = line.starts_with(b"MSH");
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b'|').collect();
    let mut out = Vec::with_capacity(line.len());
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b'|');
        }
        if header && at == 1 {
            out.extend_from_slice(field);
            continue;
        }
        let repetitions: Vec<&[u8]> = field.split(|byte| *byte == b'~').map(without_tail).collect();
        let last = repetitions
            .iter()
            .rposition(|repetition| !repetition.is_empty())
            .map_or(0, |at| at + 1);
        out.extend_from_slice(&repetitions.get(..last).unwrap_or_default().join(&b'~'));
    }
    while out.last() == Some(&b'|') {
        out.pop();
    }
    out
}

/// A repetition whose number is empty is none, whatever authority stands behind it.
fn without_tail(repetition: &[u8]) -> &[u8] {
    if repetition.starts_with(b"^^^") && repetition.iter().filter(|byte| **byte == b'^').count() >= 3 {
        let named = repetition.split(|byte| *byte == b'^').nth(3).unwrap_or_default();
        // CX without a number; a coded element in components 4 to 6 keeps its place.
        if named.iter().all(u8::is_ascii_uppercase)
            && named.len() > 2
            && repetition.split(|b| *b == b'^').count() <= 5
        {
            return b"";
        }
    }
    let end = repetition
        .iter()
        .rposition(|byte| *byte != b'^' && *byte != b'&')
        .map_or(0, |at| at + 1);
    repetition.get(..end).unwrap_or_default()
}
