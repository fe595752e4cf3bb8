//! From the text of a story to a [`Story`], or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::verbs::{Kind, VERBS, Verb, verb};
use super::{Parameter, Problem, Step, Story, Value, nearest};
use crate::world::WorldSettings;

const TOP: &[&str] = &[
    "story",
    "not-shown",
    "parameter",
    "world",
    "files",
    "person",
    "step",
];
const PERSON: &[&str] = &[
    "nhs-number",
    "mrn",
    "family",
    "given",
    "title",
    "birth-date",
    "sex",
    "address",
    "city",
    "postcode",
    "phone",
    "ethnicity",
    "marital-status",
];

/// Gathers problems with their lines.
struct Checker<'t> {
    origin: &'t str,
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Checker<'t> {
    fn new(origin: &'t str, text: &'t str) -> Self {
        Self {
            origin,
            text,
            problems: Vec::new(),
        }
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn problem(&mut self, span: &Range<usize>, text: impl Into<String>) {
        let line = self.line(span);
        self.problems.push(Problem {
            origin: self.origin.to_owned(),
            line,
            text: text.into(),
        });
    }

    /// A word that nobody knows, and the one that was perhaps meant.
    fn unknown(&mut self, span: &Range<usize>, what: &str, word: &str, known: &[&str]) {
        let hint = match nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.problem(span, format!("no {what} is called `{word}`; {hint}"));
    }

    fn table(&mut self) -> Option<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            self.problem(&span, error.message().to_owned());
        }
        errors.is_empty().then(|| table.into_inner())
    }

    fn words(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match scalar(value.get_ref()) {
            Some(text) => Some(text),
            None => {
                self.problem(&value.span(), "words are wanted here, in quotes");
                None
            }
        }
    }

    fn list(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.words(item)).collect(),
            // A list given as a setting: `RYJ,RQM`.
            DeValue::String(text) => text.split(',').map(|word| word.trim().to_owned()).collect(),
            _ => {
                self.problem(&value.span(), "a list of words is wanted here");
                Vec::new()
            }
        }
    }

    fn text_table(&mut self, value: &Spanned<DeValue<'_>>) -> BTreeMap<String, String> {
        let DeValue::Table(table) = value.get_ref() else {
            self.problem(&value.span(), "a table is wanted here");
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (key, value) in table {
            if let Some(text) = self.words(value) {
                texts.insert(key.get_ref().to_string(), text);
            }
        }
        texts
    }

    fn done<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self.problems)
        }
    }
}

/// Text, number or flag as words.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.as_str().replace('_', ""),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        _ => return None,
    })
}

/// The settings a story declares.
pub(super) fn parameters(origin: &str, text: &str) -> Result<BTreeMap<String, Parameter>, Vec<Problem>> {
    let mut checker = Checker::new(origin, text);
    let mut found = BTreeMap::new();
    let table = checker.table().unwrap_or_default();
    for (key, value) in &table {
        if key.get_ref() != "parameter" {
            continue;
        }
        let DeValue::Table(declared) = value.get_ref() else {
            checker.problem(&value.span(), "parameter: a table is wanted here");
            continue;
        };
        for (name, value) in declared {
            let parameter = parameter(&mut checker, value);
            found.insert(name.get_ref().to_string(), parameter);
        }
    }
    checker.done(found)
}

fn parameter(checker: &mut Checker<'_>, value: &Spanned<DeValue<'_>>) -> Parameter {
    let mut parameter = Parameter::default();
    let DeValue::Table(table) = value.get_ref() else {
        parameter.default = checker.words(value).unwrap_or_default();
        return parameter;
    };
    for (key, value) in table {
        match &**key.get_ref() {
            "default" => parameter.default = checker.words(value).unwrap_or_default(),
            "note" => parameter.note = checker.words(value).unwrap_or_default(),
            "choices" => parameter.choices = checker.list(value),
            "sets" => {
                let DeValue::Table(sets) = value.get_ref() else {
                    checker.problem(&value.span(), "sets: a table for each choice");
                    continue;
                };
                for (choice, value) in sets {
                    let further = checker.text_table(value);
                    parameter.sets.insert(choice.get_ref().to_string(), further);
                }
            }
            other => checker.unknown(
                &key.span(),
                "member of a parameter",
                other,
                &["default", "note", "choices", "sets"],
            ),
        }
    }
    parameter
}

/// The values of this run: the story's own, then those given; and what follows from choices.
pub(super) fn settle(
    origin: &str,
    parameters: &BTreeMap<String, Parameter>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |text: String| {
        problems.push(Problem {
            origin: format!("{origin} (-p)"),
            line: 1,
            text,
        });
    };
    let known: Vec<&str> = parameters.keys().map(String::as_str).collect();
    for name in given.keys().filter(|name| !parameters.contains_key(*name)) {
        let hint = nearest(name, known.iter().copied()).map_or_else(
            || format!("there are {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        problem(format!("no parameter is called `{name}`; {hint}"));
    }
    let mut settings = BTreeMap::new();
    for (name, parameter) in parameters {
        let value = given.get(name).unwrap_or(&parameter.default);
        let plain = |letter: char| letter.is_alphanumeric() || "._:/,-%".contains(letter);
        if !value.chars().all(plain) {
            problem(format!(
                "{name}: only letters, digits and . _ : / , - may stand in a setting"
            ));
            continue;
        }
        if !parameter.choices.is_empty() && !parameter.choices.contains(value) {
            let hint = match nearest(value, parameter.choices.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it may be {}", parameter.choices.join(", ")),
            };
            problem(format!("{name}: not `{value}`; {hint}"));
            continue;
        }
        for (further, text) in parameter.sets.get(value).into_iter().flatten() {
            settings.insert(format!("{name}.{further}"), text.clone());
        }
        settings.insert(name.clone(), value.clone());
    }
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(problems)
    }
}

/// The whole story, its settings filled in.
pub(super) fn story(
    name: &str,
    origin: &str,
    text: &str,
    parameters: BTreeMap<String, String>,
) -> Result<Story, Vec<Problem>> {
    let mut checker = Checker::new(origin, text);
    let mut story = Story {
        name: name.to_owned(),
        story: String::new(),
        not_shown: Vec::new(),
        parameters,
        world: None,
        files: BTreeMap::new(),
        people: BTreeMap::new(),
        steps: Vec::new(),
    };
    let Some(table) = checker.table() else {
        return checker.done(story);
    };
    let mut steps = None;
    for (key, value) in &table {
        match &**key.get_ref() {
            "story" => story.story = checker.words(value).unwrap_or_default(),
            "not-shown" => story.not_shown = checker.list(value),
            "parameter" => {}
            "world" => story.world = world(&mut checker, value),
            "files" => story.files = checker.text_table(value),
            "person" => story.people = people(&mut checker, value),
            "step" => steps = Some(value),
            other => checker.unknown(&key.span(), "part of a story", other, TOP),
        }
    }
    match steps.map(Spanned::get_ref) {
        Some(DeValue::Array(items)) if !items.is_empty() => {
            for item in items {
                if let Some(step) = step(&mut checker, &story, item) {
                    story.steps.push(step);
                }
            }
        }
        _ => checker.problem(&(0..0), "a story needs at least one [[step]]"),
    }
    if story.story.is_empty() {
        checker.problem(&(0..0), "story: one sentence that says what this tells");
    }
    checker.done(story)
}

/// The world is read by serde; its error has a place of its own.
fn world(checker: &mut Checker<'_>, value: &Spanned<DeValue<'_>>) -> Option<WorldSettings> {
    let DeValue::Table(table) = value.get_ref() else {
        checker.problem(&value.span(), "world: a table is wanted here");
        return None;
    };
    let known = toml::Table::try_from(WorldSettings::default()).unwrap_or_default();
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let mut written = toml::Table::new();
    for (key, value) in table {
        let name = &**key.get_ref();
        let Some(default) = known.get(name) else {
            checker.unknown(&key.span(), "setting of the world", name, &names);
            continue;
        };
        let Some(text) = scalar(value.get_ref()) else {
            checker.problem(&value.span(), format!("{name}: a number is wanted here"));
            continue;
        };
        match (default, text.parse::<i64>()) {
            (toml::Value::Integer(_), Ok(number)) => {
                written.insert(name.to_owned(), number.into());
            }
            (toml::Value::Integer(_), Err(_)) => {
                checker.problem(&value.span(), format!("{name}: a whole number is wanted here"));
            }
            _ => {
                written.insert(name.to_owned(), text.into());
            }
        }
    }
    match written.try_into() {
        Ok(settings) => Some(settings),
        Err(error) => {
            let text = error.message().to_owned();
            checker.problem(&value.span(), format!("world: {text}"));
            None
        }
    }
}

fn people(
    checker: &mut Checker<'_>,
    value: &Spanned<DeValue<'_>>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut people = BTreeMap::new();
    let DeValue::Table(table) = value.get_ref() else {
        checker.problem(&value.span(), "person: a table for each name");
        return people;
    };
    for (name, value) in table {
        if let DeValue::Table(known) = value.get_ref() {
            for key in known.keys().filter(|key| !PERSON.contains(&&**key.get_ref())) {
                checker.unknown(&key.span(), "detail of a person", key.get_ref(), PERSON);
            }
        }
        let details = checker.text_table(value);
        people.insert(name.get_ref().to_string(), details);
    }
    people
}

fn step(checker: &mut Checker<'_>, story: &Story, item: &Spanned<DeValue<'_>>) -> Option<Step> {
    let DeValue::Table(table) = item.get_ref() else {
        checker.problem(&item.span(), "a step is a table");
        return None;
    };
    let mut phase = None;
    let mut done: Option<(&'static Verb, Range<usize>, BTreeMap<String, Value>)> = None;
    for (key, value) in table {
        let word = &**key.get_ref();
        if word == "phase" {
            phase = checker.words(value);
            continue;
        }
        let Some(verb) = verb(word) else {
            let known: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
            checker.unknown(&key.span(), "step", word, &known);
            continue;
        };
        if done.is_some() {
            checker.problem(
                &key.span(),
                format!("`{word}`: one thing a step; begin another [[step]]"),
            );
            continue;
        }
        let members = members(checker, story, verb, key.span(), value);
        done = Some((verb, key.span(), members));
    }
    let (verb, span, members) = done.or_else(|| {
        if phase.is_none() || table.len() == 1 {
            checker.problem(&item.span(), "a step that does nothing");
        }
        None
    })?;
    Some(Step {
        line: checker.line(&span),
        phase,
        verb,
        members,
    })
}

fn members(
    checker: &mut Checker<'_>,
    story: &Story,
    verb: &'static Verb,
    span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let DeValue::Table(table) = value.get_ref() else {
        checker.problem(&value.span(), format!("{}: a table is wanted here", verb.name));
        return found;
    };
    let names: Vec<&str> = verb.members.iter().map(|member| member.name).collect();
    for (key, value) in table {
        let name = &**key.get_ref();
        match verb.members.iter().find(|member| member.name == name) {
            None => checker.unknown(&key.span(), &format!("member of `{}`", verb.name), name, &names),
            Some(member) => {
                if let Some(value) = member_value(checker, story, member.kind, value) {
                    found.insert(name.to_owned(), value);
                }
            }
        }
    }
    for member in verb
        .members
        .iter()
        .filter(|member| member.needed && !table.keys().any(|key| key.get_ref() == member.name))
    {
        checker.problem(&span, format!("`{}` needs `{}`", verb.name, member.name));
    }
    found
}

fn member_value(
    checker: &mut Checker<'_>,
    story: &Story,
    kind: Kind,
    value: &Spanned<DeValue<'_>>,
) -> Option<Value> {
    match kind {
        Kind::Text => checker.words(value).map(Value::Text),
        Kind::Person => {
            let name = checker.words(value)?;
            if !story.people.contains_key(&name) {
                let known: Vec<&str> = story.people.keys().map(String::as_str).collect();
                checker.unknown(&value.span(), "person", &name, &known);
            }
            Some(Value::Text(name))
        }
        Kind::File => {
            let name = checker.words(value)?;
            if !story.files.contains_key(&name) {
                let known: Vec<&str> = story.files.keys().map(String::as_str).collect();
                checker.unknown(&value.span(), "file", &name, &known);
            }
            Some(Value::Text(name))
        }
        Kind::Number => {
            let number = scalar(value.get_ref()).and_then(|text| text.parse().ok());
            if number.is_none() {
                checker.problem(&value.span(), "a whole number is wanted here");
            }
            number.map(Value::Number)
        }
        Kind::Flag => {
            let flag = scalar(value.get_ref()).and_then(|text| text.parse().ok());
            if flag.is_none() {
                checker.problem(&value.span(), "true or false is wanted here");
            }
            flag.map(Value::Flag)
        }
        Kind::List => Some(Value::List(checker.list(value))),
        Kind::Rows => {
            let DeValue::Array(items) = value.get_ref() else {
                checker.problem(&value.span(), "a list of tables is wanted here");
                return None;
            };
            Some(Value::Rows(
                items.iter().map(|item| checker.text_table(item)).collect(),
            ))
        }
    }
}
