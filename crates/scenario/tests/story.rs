//! A story is checked whole: every problem has its line, and the nearest right word where there is one.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use scenario::feed::Feed;
use scenario::story::{Story, Value};

fn parse(text: &str, given: &[(&str, &str)]) -> Result<Story, Vec<String>> {
    let given: BTreeMap<String, String> = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Story::parse("test", "test.toml", text, &given)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn every_bundled_story_holds_and_finds_its_files_in_every_choice_of_its_settings() {
    let mut told = 0;
    for (name, text) in scenario::bundled::stories() {
        let parameters = Story::parameters(name, text).unwrap();
        let mut choices: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
        for (key, parameter) in &parameters {
            for choice in &parameter.choices {
                choices.push([(key.clone(), choice.clone())].into());
            }
        }
        for given in choices {
            let story = Story::parse(name, name, text, &given).unwrap();
            for (alias, file) in &story.files {
                let text = scenario::bundled::file(file).unwrap_or_else(|| panic!("{name}: {file}"));
                if file.starts_with("feeds/") {
                    Feed::parse(alias, text, 0).unwrap();
                }
            }
            told += 1;
        }
    }
    assert!(told > 5, "{told} stories");
}

#[test]
fn every_problem_is_named_at_once_with_line_and_nearest_word() {
    let problems = parse(
        r#"story = "Nobody gets far."
[person.jane]
family = "DOE"
birthdate = "1970-01-01"
[[step]]
admitt = { patient = "jane", at = "north" }
[[step]]
admit = { patient = "jone", at = "north", wards = "7A" }
[[step]]
transfer = { patient = "jane", at = "north" }
[[step]]
load = { feed = "old", what = ["people"] }
"#,
        &[],
    )
    .unwrap_err();
    let told = problems.join("\n");
    for wanted in [
        "test.toml:4: no detail of a person is called `birthdate`; did you mean `birth-date`?",
        "test.toml:6: no step is called `admitt`; did you mean `admit`?",
        "test.toml:8: no person is called `jone`; did you mean `jane`?",
        "test.toml:8: no member of `admit` is called `wards`; did you mean `ward`?",
        "test.toml:10: `transfer` needs `ward`",
        "test.toml:12: no file is called `old`",
    ] {
        assert!(told.contains(wanted), "{wanted}\n---\n{told}");
    }
}

#[test]
fn a_step_does_one_thing() {
    let problems = parse(
        "story = \"x\"\n[person.a]\n[[step]]\nadmit = { patient = \"a\", at = \"n\" }\ndischarge = { patient = \"a\", at = \"n\" }\n[[step]]\nphase = \"empty\"\n",
        &[],
    )
    .unwrap_err()
    .join("\n");
    assert!(
        problems.contains("one thing a step") && problems.contains("does nothing"),
        "{problems}"
    );
}

#[test]
fn toml_that_is_none_has_its_line() {
    let problems = parse("story = \"x\"\n[[step]\n", &[]).unwrap_err();
    assert!(problems[0].starts_with("test.toml:2:"), "{problems:?}");
}

const WITH_SETTINGS: &str = r#"story = "x"
[parameter.to]
default = "north"
choices = ["north", "south"]
[parameter.to.sets.south]
dialect = "s"
[parameter.people]
default = "10"
[world]
people = "{people}"
[files]
feed = "feeds/{to.dialect}.toml"
[[step]]
reconcile = { at = "{to}" }
"#;

#[test]
fn settings_are_filled_in_and_what_follows_from_them_too() {
    let story = parse(WITH_SETTINGS, &[("to", "south"), ("people", "25")]).unwrap();
    assert_eq!(story.world.unwrap().people, 25);
    assert_eq!(story.files["feed"], "feeds/s.toml");
    assert_eq!(story.steps[0].members["at"], Value::Text("south".to_owned()));
}

#[test]
fn a_wrong_setting_is_refused_with_the_nearest_right_one() {
    for (given, wanted) in [
        (("to", "sauth"), "did you mean `south`?"),
        (("too", "south"), "did you mean `to`?"),
        (("people", "many"), "a whole number is wanted here"),
        (("people", "1\"\n[files]"), "only letters, digits"),
    ] {
        let problems = parse(WITH_SETTINGS, &[given]).unwrap_err().join("\n");
        assert!(problems.contains(wanted), "{given:?}: {problems}");
    }
}

#[test]
fn a_feed_with_an_unknown_name_is_refused_with_its_line() {
    let problems = Feed::parse(
        "x",
        "time-digits = 12\ncontrol = \"N{sequence:5}\"\n[segment]\nMSH = 'MSH|^~\\&|N|{famly}'\n[message.register]\nevent = \"ADT^A28\"\nsegments = [\"MSH\", \"PIT\"]\n",
        0,
    )
    .unwrap_err();
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let told = told.join("\n");
    assert!(
        told.contains("x:4: no value is called `famly`; did you mean `family`?"),
        "{told}"
    );
    assert!(told.contains("no segment is called `PIT`"), "{told}");
}
