//! The page for a reader who never runs a command: verdict first, then gates, sides, exceptions, and what was not tested.
//!
//! One file: style and drawings are in it, nothing is fetched, nothing runs. State is said by word and shape, colour only
//! repeats it.

use std::fmt::Write as _;

use super::junit::escaped as e;
use super::markdown::standing;
use super::{Outcome, Report, Table};
use crate::reconcile::Reconciliation;
use crate::reconcile::gates::Standing;

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report) -> String {
    let mut page = String::with_capacity(64 * 1024);
    write_page(report, &mut page).expect("a String takes any text");
    page
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    let title = e(&report.name);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>"
    )?;
    let state = if report.passed() { "pass" } else { "fail" };
    let word = if report.passed() { "PASSED" } else { "DID NOT PASS" };
    write!(
        page,
        "<header><p class=\"strip\">Synthetic data only · seed {} · eprgw {}</p><h1>{title}</h1>\
         <p class=\"lead\">{}</p><p class=\"verdict {state}\"><strong>{word}</strong> {}</p></header>",
        report.seed,
        e(&report.version),
        e(&report.story),
        e(&report.verdict())
    )?;
    failures(report, page)?;
    gates(report, page)?;
    if let Some(reconciliation) = &report.reconciliation {
        sides(reconciliation, page)?;
        exceptions(reconciliation, page)?;
    }
    not_tested(report, page)?;
    matching(report, page)?;
    for each in &report.tables {
        table(each, page)?;
    }
    messages(report, page)?;
    phases(report, page)?;
    states(report, page)?;
    clock(report, page)?;
    writeln!(page, "</main></body></html>")
}

fn failures(report: &Report, page: &mut String) -> std::fmt::Result {
    let failed: Vec<_> = report
        .expectations
        .iter()
        .filter(|expectation| expectation.outcome == Outcome::Failed)
        .collect();
    if report.failures() == 0 {
        return Ok(());
    }
    write!(page, "<section><h2>What did not hold</h2><ul class=\"failed\">")?;
    for expectation in failed {
        write!(
            page,
            "<li><strong>{}</strong> {}<br><span>{}</span></li>",
            e(&expectation.phase),
            e(&expectation.words),
            e(&expectation.found)
        )?;
    }
    let gates = report.gates.iter().chain(&report.clock.gates);
    for gate in gates.filter(|gate| gate.standing == Standing::Failed) {
        write!(
            page,
            "<li><strong>gate</strong> {}: {}<br><span>measured: {}</span></li>",
            e(gate.measure),
            e(gate.threshold),
            e(&gate.measured)
        )?;
    }
    write!(page, "</ul></section>")
}

fn gates(report: &Report, page: &mut String) -> std::fmt::Result {
    if report.gates.is_empty() {
        return Ok(());
    }
    write!(
        page,
        "<section><h2>Gates</h2><p>What a rehearsal should reach before anybody switches over. The thresholds marked \
         <b>ASSUMED</b> are this project's recommendation; no authority has set them.</p>\
         <table><thead><tr><th>Measure</th><th>Threshold</th><th>Measured</th><th>State</th></tr></thead><tbody>"
    )?;
    for gate in report.gates.iter().chain(&report.clock.gates) {
        let class = match gate.standing {
            Standing::Passed => "pass",
            Standing::Failed => "fail",
            Standing::NotMeasured => "none",
        };
        write!(
            page,
            "<tr><td>{}</td><td>{}{}</td><td>{}</td><td class=\"{class} w\">{}</td></tr>",
            e(gate.measure),
            e(gate.threshold),
            if gate.assumed {
                " <small>ASSUMED</small>"
            } else {
                ""
            },
            e(&gate.measured),
            standing(gate)
        )?;
    }
    write!(page, "</tbody></table></section>")
}

fn sides(reconciliation: &Reconciliation, page: &mut String) -> std::fmt::Result {
    write!(
        page,
        "<section><h2>Both sides</h2><p>Every record of the source is accounted for: it agrees with the target, or differs, \
         or was left out for a stated reason, or is missing. Left of each bar is what agrees.</p>\
         <table><thead><tr><th>What</th><th class=\"n\">Source</th><th class=\"n\">Target</th><th>Agreement</th>\
         <th class=\"n\">Differ</th><th class=\"n\">Left out</th><th class=\"n\">Missing</th><th class=\"n\">Extra</th>\
         <th>Totals</th></tr></thead><tbody>"
    )?;
    for (class, count) in &reconciliation.counts {
        let words = class.words();
        if !count.measured {
            write!(
                page,
                "<tr class=\"quiet\"><td>{words}</td><td class=\"n\">{}</td><td colspan=\"7\">not compared in this run</td></tr>",
                count.source
            )?;
            continue;
        }
        let excluded: usize = count.excluded.values().sum();
        let closes = if count.closes() {
            "<td class=\"pass\">close</td>"
        } else {
            "<td class=\"fail\">DO NOT CLOSE</td>"
        };
        write!(
            page,
            "<tr><td>{words}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"a\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{excluded}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>{closes}</tr>",
            count.source,
            count.target,
            bar(count.agree, count.source.saturating_sub(excluded)),
            count.differ,
            count.missing,
            count.extra
        )?;
    }
    write!(page, "</tbody></table>")?;
    for (class, count) in &reconciliation.counts {
        for (reason, times) in &count.excluded {
            write!(
                page,
                "<p class=\"note\">Left out: {times} of {}: {}</p>",
                class.words(),
                e(reason)
            )?;
        }
    }
    write!(page, "</section>")
}

/// A drawn share, with its number beside it.
fn bar(part: usize, whole: usize) -> String {
    let share = if whole == 0 {
        100.0
    } else {
        part as f64 * 100.0 / whole as f64
    };
    // Never round up to a whole: a missing one in ten thousand must show.
    let shown = (share * 100.0).floor() / 100.0;
    format!(
        "<svg width=\"90\" height=\"10\" role=\"img\" aria-label=\"{shown} %\"><rect width=\"90\" height=\"10\" class=\"b0\"/>\
         <rect width=\"{:.1}\" height=\"10\" class=\"b1\"/></svg> {shown} %",
        share * 0.9
    )
}

fn exceptions(reconciliation: &Reconciliation, page: &mut String) -> std::fmt::Result {
    write!(page, "<section><h2>Exceptions by cause</h2>")?;
    if reconciliation.groups.is_empty() {
        return write!(page, "<p>None.</p></section>");
    }
    for group in &reconciliation.groups {
        let (class, word) = if group.accepted {
            ("none", "accepted")
        } else {
            ("fail", "open")
        };
        let field = if group.field.is_empty() {
            String::new()
        } else {
            format!(", {}", e(&group.field))
        };
        write!(
            page,
            "<details{}><summary><span class=\"{class}\">{word}</span> {}{field}: {} <b>{}</b></summary>\
             <table><thead><tr><th>Key</th><th>Source</th><th>Target</th><th>Told by</th></tr></thead><tbody>",
            if group.accepted { "" } else { " open" },
            group.class.words(),
            group.cause.words(),
            group.count
        )?;
        for example in &group.examples {
            write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
                e(&example.key),
                e(&example.source),
                e(&example.target),
                e(&example.told_by.join(" "))
            )?;
        }
        write!(page, "</tbody></table></details>")?;
    }
    write!(page, "</section>")
}

fn matching(report: &Report, page: &mut String) -> std::fmt::Result {
    let Some(matching) = &report.matching else {
        return Ok(());
    };
    write!(
        page,
        "<section><h2>Who is who</h2><p>{} pairs were found to be one person for certain, {} were laid before a human, who \
         approved {} and rejected {}; {} of these may be twins. Of {} true pairs the rules found {} ({:.1} %); of the certain \
         ones {} were wrong.</p><table><thead><tr><th>Rule</th><th>Asks</th><th class=\"n\">Pairs</th></tr></thead><tbody>",
        matching.certain,
        matching.queued,
        matching.approved,
        matching.rejected,
        matching.twins,
        matching.true_pairs,
        matching.found,
        matching.recall(),
        matching.wrong
    )?;
    for (rule, asks, _) in crate::reconcile::matching::RULES {
        let pairs = matching.by_rule.get(rule).copied().unwrap_or(0);
        write!(
            page,
            "<tr><td>{rule}</td><td>{}</td><td class=\"n\">{pairs}</td></tr>",
            e(asks)
        )?;
    }
    write!(page, "</tbody></table></section>")
}

fn table(table: &Table, page: &mut String) -> std::fmt::Result {
    write!(
        page,
        "<section><h2>{}</h2><p>{}</p><table><thead><tr>",
        e(&table.title),
        e(&table.note)
    )?;
    for head in &table.head {
        write!(page, "<th>{}</th>", e(head))?;
    }
    write!(page, "</tr></thead><tbody>")?;
    for row in &table.rows {
        write!(page, "<tr>")?;
        for cell in row {
            let (class, text) = match (cell.strip_prefix('!'), cell.strip_prefix('=')) {
                (Some(text), _) => (" class=\"fail\"", text),
                (_, Some(text)) => (" class=\"pass\"", text),
                _ => ("", cell.as_str()),
            };
            write!(page, "<td{class}>{}</td>", e(text))?;
        }
        write!(page, "</tr>")?;
    }
    write!(page, "</tbody></table></section>")
}

fn messages(report: &Report, page: &mut String) -> std::fmt::Result {
    if report.accounts.is_empty() {
        return Ok(());
    }
    write!(
        page,
        "<section><h2>Messages</h2><p>Every control id that was written is accounted for.</p><table><thead><tr><th>Feed</th>\
         <th class=\"n\">Written</th><th class=\"n\">Sent</th><th class=\"n\">Sent again</th><th class=\"n\">Lost</th>\
         <th>First and last control id</th></tr></thead><tbody>"
    )?;
    for account in &report.accounts {
        write!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td><code>{}</code><br><code>{}</code></td></tr>",
            e(&account.feed),
            account.written,
            account.sent,
            account.sent_again,
            account.lost(),
            e(&account.first),
            e(&account.last)
        )?;
        if account.gap_count > 0 {
            let named: Vec<String> = account.gaps.iter().map(u64::to_string).collect();
            write!(
                page,
                "<tr><td></td><td colspan=\"5\" class=\"fail\">{} numbers were written and never sent: {}</td></tr>",
                account.gap_count,
                named.join(", ")
            )?;
        }
    }
    write!(page, "</tbody></table>")?;
    if let Some(journal) = &report.journal {
        write!(page, "<p>The gateway's journal, deliveries by interface: ")?;
        let lines: Vec<String> = journal
            .deliveries
            .iter()
            .map(|(interface, states)| {
                let states: Vec<String> = states
                    .iter()
                    .map(|(state, count)| format!("{count} {state}"))
                    .collect();
                format!("{} {}", e(interface), states.join(", "))
            })
            .collect();
        write!(page, "{}.</p>", lines.join("; "))?;
    }
    write!(page, "</section>")
}

fn not_tested(report: &Report, page: &mut String) -> std::fmt::Result {
    write!(page, "<section><h2>What this run did not test</h2><ul>")?;
    for words in &report.not_tested {
        write!(page, "<li>{}</li>", e(words))?;
    }
    write!(page, "</ul></section>")
}

fn phases(report: &Report, page: &mut String) -> std::fmt::Result {
    write!(page, "<section><h2>What happened</h2><ol>")?;
    for phase in &report.phases {
        write!(page, "<li><h3>{}</h3><ul>", e(&phase.name))?;
        for note in &phase.notes {
            write!(page, "<li>{}</li>", e(note))?;
        }
        write!(page, "</ul></li>")?;
    }
    write!(page, "</ol></section>")
}

fn states(report: &Report, page: &mut String) -> std::fmt::Result {
    if report.clock.states.is_empty() {
        return Ok(());
    }
    write!(
        page,
        "<section><h2>States of the cut-over</h2><table><thead><tr><th>State</th><th>Since</th>\
         <th>Last control id before it</th></tr></thead><tbody>"
    )?;
    for state in &report.clock.states {
        write!(
            page,
            "<tr><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
            e(state.state),
            e(&state.at),
            e(&state.last_control_id)
        )?;
    }
    write!(page, "</tbody></table></section>")
}

fn clock(report: &Report, page: &mut String) -> std::fmt::Result {
    let clock = &report.clock;
    write!(
        page,
        "<section><h2>What the clock said</h2><p>Began {}, took {:.1} seconds; {} messages were recognised as sent before. \
         This part alone differs between two runs of one seed.</p><table><thead><tr><th>What</th><th class=\"n\">Messages</th><th class=\"n\">Seconds</th>\
         <th class=\"n\">A second</th><th>Against</th></tr></thead><tbody>",
        e(&clock.began),
        clock.seconds,
        clock.recognised
    )?;
    for rate in &clock.rates {
        write!(
            page,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{:.1}</td><td class=\"n\">{:.0}</td><td>{}</td></tr>",
            e(&rate.what),
            rate.messages,
            rate.seconds,
            rate.messages as f64 / rate.seconds.max(1e-9),
            e(&rate.anchor)
        )?;
    }
    write!(page, "</tbody></table>")?;
    lengths(report, page)?;
    write!(page, "<h3>Settings</h3><p>")?;
    let settings: Vec<String> = report
        .parameters
        .iter()
        .map(|(name, value)| format!("{}={}", e(name), e(value)))
        .collect();
    write!(page, "<code>{}</code></p></section>", settings.join(" "))
}

/// How long each phase took, drawn.
fn lengths(report: &Report, page: &mut String) -> std::fmt::Result {
    let longest = report.clock.phases.iter().map(|(_, seconds)| *seconds);
    let longest = longest.fold(0.0, f64::max);
    if longest <= 0.0 {
        return Ok(());
    }
    write!(
        page,
        "<h3>How long each phase took</h3><table class=\"bars\"><tbody>"
    )?;
    for (phase, seconds) in &report.clock.phases {
        write!(
            page,
            "<tr><td>{}</td><td><svg width=\"320\" height=\"12\" role=\"img\" aria-label=\"{seconds:.1} seconds\">\
             <rect width=\"{:.1}\" height=\"12\" class=\"b1\"/></svg></td><td class=\"n\">{seconds:.1} s</td></tr>",
            e(phase),
            (seconds / longest * 320.0).max(1.0)
        )?;
    }
    write!(page, "</tbody></table>")
}
