//! Both sides at the end: the target read back over the wire, the totals closed, the gates judged.

use super::Runner;
use super::source::Told;
use crate::RunError;
use crate::read::{self, ReadBack, Served};
use crate::reconcile::record::{Class, Side};
use crate::reconcile::{Exception, Exclusions, compare};
use crate::story::Step;

impl Runner<'_> {
    /// Reads the target back and closes the totals.
    pub(super) async fn reconcile(&mut self, step: &Step) -> Result<(), RunError> {
        let system = step.text("at").unwrap_or_default().to_owned();
        let tolerance = self.tolerance(step)?;
        let journal = self.settle().await?;
        self.enter("reconciliation");
        let client = self.host.fhir(&system)?;
        let served = read::served(&client).await?;
        let source = self.source()?;
        let read = read::everybody(&client, &served, &source.wanted()).await?;
        let (side, exclusions) = source.side(self.told);
        let measured = measured(&served, self.told);
        let mut reconciliation = compare(&side, &read.side, &exclusions, &measured, &tolerance);
        let untold = self.untold(&side, &exclusions, &measured);
        let audit = self.audit.table(&side, &read.side, &exclusions, &measured)?;
        self.report.files.insert("audit.csv".to_owned(), audit);
        for group in &mut reconciliation.groups {
            for example in &mut group.examples {
                let behind = self.audit.behind(&(group.class, example.key.clone()));
                example.told_by = behind.iter().take(TOLD_BY_MAX).cloned().collect();
            }
        }
        self.expect(
            "every record that is compared has the control ids of its messages behind it",
            untold.is_empty(),
            untold.join(", "),
        );
        self.note(format!(
            "read back {} people of {system} in {} requests",
            read.people.len(),
            read.requests
        ));
        for class in Class::ALL.iter().filter(|class| !measured.contains(class)) {
            let words = format!(
                "{}: not sent by this story, or not served by {system} over FHIR, and so not compared",
                class.words()
            );
            if !self.report.not_tested.contains(&words) {
                self.report.not_tested.push(words);
            }
        }
        for group in reconciliation.groups.iter().filter(|group| !group.accepted) {
            let examples: Vec<String> = group.examples.iter().map(named).collect();
            let words = format!("{} {}: {}", group.class.words(), group.field, group.cause.words());
            self.expect(
                format!("no exception: {words}"),
                false,
                format!("{} of them: {}", group.count, examples.join(", ")),
            );
        }
        for account in self.accounts() {
            self.expect(
                format!(
                    "{}: no control id is missing between first and last",
                    account.feed
                ),
                account.gap_count == 0,
                format!(
                    "{} were written and never sent: {:?}",
                    account.gap_count, account.gaps
                ),
            );
        }
        let closes = reconciliation
            .counts
            .values()
            .all(crate::reconcile::Count::closes);
        self.expect(
            "the totals close for every class",
            closes,
            "the table of both sides shows where",
        );
        self.index_size(&system, &read).await?;
        self.report.gates = self.gates(&reconciliation, &journal);
        let clock = self.clock_gates();
        self.report.clock.gates.extend(clock);
        self.report.reconciliation = Some(reconciliation);
        let mut journal = journal;
        // How many came twice depends on the moment of a power cut, and so belongs to the clock.
        self.report.clock.recognised = journal.messages.remove("duplicate").unwrap_or(0);
        self.report.journal = Some(journal);
        Ok(())
    }

    /// Records of the source that no message speaks of: a few of them. What is left out on purpose is told by none.
    fn untold(&self, side: &Side, exclusions: &Exclusions, measured: &[Class]) -> Vec<String> {
        let compared = side.records.keys().filter(|(class, _)| measured.contains(class));
        compared
            .filter(|key| self.audit.behind(key).is_empty() && !exclusions.contains_key(*key))
            .take(5)
            .map(|(class, key)| format!("{} {key}", class.words()))
            .collect()
    }

    /// Nobody is on the target's index whom the source does not know.
    async fn index_size(&mut self, system: &str, read: &ReadBack) -> Result<(), RunError> {
        let systems = self.host.get("/api/v1/systems").await?;
        let index = read::list(&systems)
            .iter()
            .find(|one| read::text(&one["name"]) == system)
            .and_then(|one| one["people"].as_u64())
            .unwrap_or(0);
        let merged = self.source()?.matching.approved as u64;
        let found = read.people.len() as u64;
        self.expect(
            "nobody is on the target's index whom the source does not know",
            index >= found && index - found <= merged,
            format!("{index} on the index, {found} found, {merged} merged away"),
        );
        Ok(())
    }
}

/// Control ids shown beside an exception.
const TOLD_BY_MAX: usize = 5;

/// An exception's key with the messages behind it.
fn named(example: &Exception) -> String {
    if example.told_by.is_empty() {
        return format!("{} (no message speaks of it)", example.key);
    }
    format!("{} (told by {})", example.key, example.told_by.join(" "))
}

/// Which classes can be compared: what the target serves, and what has been told.
fn measured(served: &Served, told: Told) -> Vec<Class> {
    let mut classes = Vec::new();
    let serves = |name: &str| served.types.contains(name);
    if serves("Patient") && told.people {
        classes.extend([Class::Patient, Class::Alias]);
    }
    if serves("Encounter") && told.visits {
        classes.push(Class::Visit);
    }
    if serves("Encounter") && told.inpatients {
        classes.push(Class::Inpatient);
    }
    if serves("Encounter") && serves("ServiceRequest") && told.waiting {
        classes.push(Class::Waiting);
    }
    if serves("Observation") && told.results {
        classes.push(Class::Result);
    }
    if serves("AllergyIntolerance") && told.allergies {
        classes.push(Class::Allergy);
    }
    if serves("Appointment") && told.appointments {
        classes.push(Class::Appointment);
    }
    if serves("ServiceRequest") && told.orders {
        classes.push(Class::OpenOrder);
    }
    classes
}
