//! docs/translation.md, the guide's conditions and a site's overrides, holds the table that translates:
//! `UPDATE_GOLDEN=1` rewrites it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fs;
use std::path::Path;

const HEAD: &str = "<!-- conditions: made by tests/conditions.rs -->\n";
const TAIL: &str = "<!-- end -->\n";

#[test]
fn the_page_of_conditions_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/translation.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(HEAD).expect("the page has a table");
    let (_, after) = rest.split_once(TAIL).expect("the table has an end");
    let table = translate::conditions_table();
    let wanted = format!("{before}{HEAD}{table}{TAIL}{after}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        wanted,
        "UPDATE_GOLDEN=1 rewrites docs/translation.md"
    );
}

#[test]
fn the_override_of_the_page_is_a_good_one() {
    // The page as compiled in: the other test may be writing the file.
    let page = include_str!("../docs/translation.md");
    let (_, rest) = page.split_once("```toml\n").expect("the page shows an override");
    let (example, _) = rest.split_once("```").expect("the example has an end");
    let site: translate::Override = toml::from_str(example).unwrap();
    let sex = |_: &str| Ok("hl7_code,fhir_code,display\nW,female,Female\n".to_owned());
    site.apply(translate::Settings::default(), &sex).unwrap();
}
