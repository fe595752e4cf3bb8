//! The report for a build server: one story is a suite, one expectation or gate a case.

use std::fmt::Write as _;

use super::{Outcome, Report};
use crate::reconcile::gates::Standing;

pub(super) fn suite(report: &Report) -> String {
    let mut cases = String::new();
    let mut count = 0;
    let mut case = |class: &str, name: &str, body: &str| {
        count += 1;
        writeln!(
            cases,
            "    <testcase classname=\"{}\" name=\"{}\">{body}</testcase>",
            escaped(class),
            escaped(name)
        )
        .expect("a String takes any text");
    };
    for expectation in &report.expectations {
        let body = match expectation.outcome {
            Outcome::Held => String::new(),
            Outcome::Failed => format!("<failure message=\"{}\"/>", escaped(&expectation.found)),
        };
        case(&expectation.phase, &expectation.words, &body);
    }
    for gate in report.gates.iter().chain(&report.clock.gates) {
        let body = match gate.standing {
            Standing::Passed => String::new(),
            Standing::Failed => format!("<failure message=\"{}\"/>", escaped(&gate.measured)),
            Standing::NotMeasured => format!("<skipped message=\"{}\"/>", escaped(&gate.measured)),
        };
        case("gates", gate.measure, &body);
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{}\" tests=\"{count}\" failures=\"{}\">\n{cases}  </testsuite>\n</testsuites>\n",
        escaped(&report.name),
        report.failures()
    )
}

pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
