//! Expected files: compared, or rewritten when `UPDATE_GOLDEN=1`; shared by the tests that keep any.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::fs;
use std::path::{Path, PathBuf};

/// How many files a failing test shows in full; the rest are named.
const DIFFS_SHOWN_MAX: usize = 6;
/// How many lines of one file a failing test shows.
const DIFF_LINES_MAX: usize = 30;

/// fixtures/ of this workspace.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Every `.hl7` below a folder that is input and not an expected way back, sorted.
pub(crate) fn inputs_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a fixtures folder can be listed") {
            let path = entry.expect("a readable entry").path();
            let name = path
                .file_name()
                .expect("an entry has a name")
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".hl7") && !name.ends_with(".back.hl7") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Collects every difference, so that one run shows them all.
pub(crate) struct Golden {
    update: bool,
    differences: Vec<String>,
}

impl Golden {
    /// Compares, or writes when the environment says so.
    pub(crate) fn new() -> Self {
        Self {
            update: std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1"),
            differences: Vec::new(),
        }
    }

    /// One expected file.
    pub(crate) fn check(&mut self, path: &Path, made: &[u8]) {
        let expected = fs::read(path).ok();
        if expected.as_deref() == Some(made) {
            return;
        }
        if self.update {
            fs::write(path, made).expect("a golden file can be written");
            return;
        }
        let name = path
            .strip_prefix(env!("CARGO_MANIFEST_DIR"))
            .unwrap_or(path)
            .display()
            .to_string();
        self.differences.push(match expected {
            None => format!("{name}: not there yet"),
            Some(_) if self.differences.len() >= DIFFS_SHOWN_MAX => format!("{name}: differs"),
            Some(expected) => format!("{name}\n{}", difference(&expected, made)),
        });
    }

    /// A case that gave nothing to compare.
    pub(crate) fn fault(&mut self, what: &str) {
        self.differences.push(what.to_owned());
    }

    /// Fails when anything differed.
    pub(crate) fn finish(self) {
        assert!(
            self.differences.is_empty(),
            "{} golden files differ; UPDATE_GOLDEN=1 rewrites them, the diff is the review\n\n{}",
            self.differences.len(),
            self.differences.join("\n")
        );
    }
}

/// The lines between what two texts share at the top and at the bottom; carriage returns end lines too.
fn difference(expected: &[u8], made: &[u8]) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "\n");
    let (expected, made) = (text(expected), text(made));
    let (mut old, mut new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), made.lines().collect());
    let top = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    old.drain(..top);
    new.drain(..top);
    while !old.is_empty() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    let mut lines = vec![format!("  line {}", top + 1)];
    lines.extend(old.iter().map(|line| format!("  - {line}")).take(DIFF_LINES_MAX));
    lines.extend(new.iter().map(|line| format!("  + {line}")).take(DIFF_LINES_MAX));
    lines.join("\n")
}
