//! JUnit, as build servers read it: one suite for each message, one case for each expectation.

use super::{Case, SHOWN_MAX, Verdict};

/// The document. The same bytes every time: no clock in it.
pub(crate) fn document(cases: &[Case]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"eprgw check\">\n");
    let mut rest = cases;
    while let Some(first) = rest.first() {
        let length = rest
            .iter()
            .take_while(|case| case.message == first.message)
            .count();
        let (suite, after) = rest.split_at(length);
        rest = after;
        let count = |wanted: fn(&Verdict) -> bool| suite.iter().filter(|case| wanted(&case.verdict)).count();
        let failures = count(|verdict| matches!(verdict, Verdict::Differs(_)));
        let errors = count(|verdict| matches!(verdict, Verdict::Unreadable(_)));
        let name = escape(&first.message);
        out.push_str(&format!(
            "  <testsuite name=\"{name}\" tests=\"{length}\" failures=\"{failures}\" errors=\"{errors}\">\n"
        ));
        for case in suite {
            one(case, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn one(case: &Case, out: &mut String) {
    let name = escape(&case.expected);
    let class = escape(&case.message);
    out.push_str(&format!("    <testcase classname=\"{class}\" name=\"{name}\""));
    match &case.verdict {
        Verdict::Same => out.push_str("/>\n"),
        Verdict::Unreadable(why) => {
            out.push_str(&format!(
                ">\n      <error message=\"{}\"/>\n    </testcase>\n",
                escape(why)
            ));
        }
        Verdict::Differs(differences) => {
            let shown: Vec<String> = differences
                .iter()
                .take(SHOWN_MAX)
                .map(ToString::to_string)
                .collect();
            out.push_str(&format!(
                ">\n      <failure message=\"{} differences\">{}</failure>\n    </testcase>\n",
                differences.len(),
                escape(&shown.join("\n"))
            ));
        }
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::compare::Difference;

    #[test]
    fn a_suite_for_each_message_and_a_case_for_each_expectation() {
        let case = |message: &str, verdict| Case {
            message: message.to_owned(),
            expected: "a.fhir.json".to_owned(),
            verdict,
        };
        let wrong = Difference {
            place: "Patient.name".to_owned(),
            wanted: Some("<a&b>".to_owned()),
            found: None,
        };
        let text = document(&[
            case("a.hl7", Verdict::Same),
            case("a.hl7", Verdict::Differs(vec![wrong])),
            case("b.hl7", Verdict::Unreadable("no message".to_owned())),
        ]);
        assert!(text.contains("<testsuite name=\"a.hl7\" tests=\"2\" failures=\"1\" errors=\"0\">"));
        assert!(text.contains("&lt;a&amp;b&gt;") && text.contains("<error message=\"no message\"/>"));
        assert_eq!(text.matches("<testsuite ").count(), 2);
    }
}
