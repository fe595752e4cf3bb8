//! The report as text: for a ticket, a mail, a terminal.

use std::fmt::Write as _;

use super::{Outcome, Report, Table};
use crate::reconcile::gates::{Gate, Standing};

pub(super) fn page(report: &Report) -> String {
    let mut page = String::new();
    write_page(report, &mut page).expect("a String takes any text");
    page
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    writeln!(page, "# {}\n\n{}\n", report.name, report.story)?;
    writeln!(page, "**{}**\n", report.verdict())?;
    writeln!(page, "Seed {}. Synthetic data only.\n", report.seed)?;
    writeln!(
        page,
        "## Gates\n\nThresholds marked ASSUMED are recommended by this project, not by any authority.\n"
    )?;
    writeln!(page, "| measure | threshold | measured | |\n|---|---|---|---|")?;
    for gate in report.gates.iter().chain(&report.clock.gates) {
        writeln!(
            page,
            "| {} | {}{} | {} | {} |",
            gate.measure,
            gate.threshold,
            if gate.assumed { " (ASSUMED)" } else { "" },
            gate.measured,
            standing(gate)
        )?;
    }
    if let Some(reconciliation) = &report.reconciliation {
        writeln!(
            page,
            "\n## Both sides\n\n| class | source | target | agree | differ | left out | missing | extra | closes |\n|---|---:|---:|---:|---:|---:|---:|---:|---|"
        )?;
        for (class, count) in &reconciliation.counts {
            let excluded: usize = count.excluded.values().sum();
            if !count.measured {
                writeln!(
                    page,
                    "| {} | {} | not compared | | | | | | |",
                    class.words(),
                    count.source
                )?;
                continue;
            }
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {excluded} | {} | {} | {} |",
                class.words(),
                count.source,
                count.target,
                count.agree,
                count.differ,
                count.missing,
                count.extra,
                if count.closes() { "yes" } else { "NO" }
            )?;
        }
        writeln!(page, "\n### Exceptions by cause\n")?;
        for group in &reconciliation.groups {
            let state = if group.accepted { "accepted" } else { "OPEN" };
            let field = if group.field.is_empty() {
                String::new()
            } else {
                format!(" {}", group.field)
            };
            writeln!(
                page,
                "- {state}: {}{field}: {}: {}",
                group.class.words(),
                group.cause.words(),
                group.count
            )?;
        }
    }
    for table in &report.tables {
        write_table(table, page)?;
    }
    writeln!(page, "\n## Expectations\n")?;
    for expectation in &report.expectations {
        let mark = match expectation.outcome {
            Outcome::Held => "held",
            Outcome::Failed => "**FAILED**",
        };
        writeln!(
            page,
            "- {mark}: {}: {} {}",
            expectation.phase, expectation.words, expectation.found
        )?;
    }
    writeln!(page, "\n## Phases\n")?;
    for phase in &report.phases {
        writeln!(page, "### {}\n", phase.name)?;
        for note in &phase.notes {
            writeln!(page, "- {note}")?;
        }
        writeln!(page)?;
    }
    writeln!(page, "## Messages\n")?;
    for account in &report.accounts {
        writeln!(
            page,
            "- {}: {} written, {} sent, {} sent again, {} lost; {} to {}",
            account.feed,
            account.written,
            account.sent,
            account.sent_again,
            account.lost(),
            account.first,
            account.last
        )?;
    }
    writeln!(page, "\n## Not tested\n")?;
    for words in &report.not_tested {
        writeln!(page, "- {words}")?;
    }
    writeln!(
        page,
        "\n## Clock\n\nBegan {}, took {:.1} s.\n",
        report.clock.began, report.clock.seconds
    )?;
    for state in &report.clock.states {
        writeln!(
            page,
            "- {} since {}, after {}",
            state.state, state.at, state.last_control_id
        )?;
    }
    for rate in &report.clock.rates {
        writeln!(
            page,
            "- {}: {} in {:.1} s, {:.0} a second ({})",
            rate.what,
            rate.messages,
            rate.seconds,
            rate.messages as f64 / rate.seconds.max(1e-9),
            rate.anchor
        )?;
    }
    Ok(())
}

fn write_table(table: &Table, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## {}\n\n{}\n", table.title, table.note)?;
    writeln!(
        page,
        "| {} |\n|{}",
        table.head.join(" | "),
        "---|".repeat(table.head.len())
    )?;
    for row in &table.rows {
        let cells: Vec<&str> = row.iter().map(|cell| cell.trim_start_matches('=')).collect();
        writeln!(page, "| {} |", cells.join(" | "))?;
    }
    Ok(())
}

pub(super) fn standing(gate: &Gate) -> &'static str {
    match gate.standing {
        Standing::Passed => "passed",
        Standing::Failed => "FAILED",
        Standing::NotMeasured => "not measured",
    }
}
