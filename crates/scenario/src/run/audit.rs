//! Which messages are behind each record: from what a reader finds in the target back to the control ids that told it.

use std::collections::BTreeMap;

use super::source::Key;
use crate::RunError;
use crate::reconcile::Exclusions;
use crate::reconcile::record::{Class, Side};

/// Control ids by record, in the order they were written.
#[derive(Debug, Default)]
pub(super) struct Audit(BTreeMap<Key, Vec<String>>);

impl Audit {
    /// A message speaks of these records.
    pub(super) fn note(&mut self, about: &[Key], control: &str) {
        for key in about {
            let told = self.0.entry(key.clone()).or_default();
            if told.last().is_none_or(|last| last != control) {
                told.push(control.to_owned());
            }
        }
    }

    /// The messages that speak of a record.
    pub(super) fn behind(&self, key: &Key) -> &[String] {
        self.0.get(key).map_or(&[], Vec::as_slice)
    }

    /// Every record of either side, how it came out, and its messages: `audit.csv`.
    pub(super) fn table(
        &self,
        source: &Side,
        target: &Side,
        exclusions: &Exclusions,
        measured: &[Class],
    ) -> Result<Vec<u8>, RunError> {
        let mut keys: Vec<&Key> = source.records.keys().chain(target.records.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| RunError::Report(error.into());
        writer
            .write_record(["class", "key", "state", "control_ids"])
            .map_err(failed)?;
        for key in keys {
            let state = match (source.records.get(key), target.records.get(key)) {
                _ if !measured.contains(&key.0) => "not compared",
                _ if exclusions.contains_key(key) => "left out",
                (Some(left), Some(right)) if left == right => "agrees",
                (Some(_), Some(_)) => "differs",
                (Some(_), None) => "missing",
                (None, _) => "extra",
            };
            let told = self.behind(key).join(" ");
            writer
                .write_record([key.0.words(), &key.1, state, &told])
                .map_err(failed)?;
        }
        writer
            .into_inner()
            .map_err(|error| RunError::Report(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::record::Record;

    #[test]
    fn a_record_is_tied_to_the_messages_that_told_it_and_one_that_nobody_told_is_named() {
        let mut audit = Audit::default();
        let key = (Class::Allergy, "1 LATEX".to_owned());
        audit.note(std::slice::from_ref(&key), "A1");
        audit.note(std::slice::from_ref(&key), "A1");
        audit.note(std::slice::from_ref(&key), "A7");
        let (mut source, mut target) = (Side::default(), Side::default());
        source.add(Record::new(Class::Allergy, "1 LATEX"));
        target.add(Record::new(Class::Allergy, "1 LATEX"));
        target.add(Record::new(Class::Allergy, "2 NUT"));
        let table = audit
            .table(&source, &target, &Exclusions::new(), &[Class::Allergy])
            .unwrap();
        assert_eq!(
            String::from_utf8(table).unwrap(),
            "class,key,state,control_ids\nallergies,1 LATEX,agrees,A1 A7\nallergies,2 NUT,extra,\n"
        );
    }
}
