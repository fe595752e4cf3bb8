//! Bulk exports in the segregation proof: what stands in a trust's files, and who is in a group at all.
//!
//! To be in a group tells something too: who is among those in a bed because of a visit that another trust keeps to itself
//! must not be there for anybody else.

use std::collections::BTreeSet;

use super::probe::Wall;
use super::segregation::{Keeper, Verdicts};
use crate::RunError;

/// The path, as reports name it.
pub(super) const EXPORT: &str = "Group $export";

/// The patients of other trusts in a group, by (reader, group).
pub(super) type Members = BTreeSet<(usize, String, String)>;

/// What each trust got.
pub(super) struct Exports {
    /// Every file of every group, by reader.
    files: Vec<String>,
    before: Members,
    after: Members,
}

/// Which of the keepers' patients each reader finds in each group.
pub(super) async fn members(keepers: &[Keeper], groups: &[String]) -> Result<Members, RunError> {
    let mut members = Members::new();
    for (one, reader) in keepers.iter().enumerate() {
        for group in groups {
            let people = reader.reader.export(group, "?_type=Patient").await?;
            for keeper in keepers {
                if people.contains(&format!("\"id\":\"{}\"", keeper.patient)) {
                    members.insert((one, group.clone(), keeper.patient.clone()));
                }
            }
        }
    }
    Ok(members)
}

impl Exports {
    /// Exports every group as every trust.
    pub(super) async fn read(
        keepers: &[Keeper],
        groups: &[String],
        before: Members,
    ) -> Result<Self, RunError> {
        let mut files = Vec::new();
        for keeper in keepers {
            let mut whole = String::new();
            for group in groups {
                whole.push_str(&keeper.reader.export(group, "").await?);
            }
            files.push(whole);
        }
        let after = members(keepers, groups).await?;
        Ok(Self { files, before, after })
    }

    /// Trusts that do not find their own in their own files.
    pub(super) fn blind(&self, keepers: &[Keeper]) -> Vec<String> {
        let pairs = keepers.iter().zip(&self.files);
        pairs
            .filter(|(keeper, file)| !file.is_empty() && keeper.shown_in(file).is_none())
            .map(|(keeper, _)| format!("{} by {EXPORT}", keeper.code))
            .collect()
    }

    /// Whether one trust's files hold what another keeps, or its groups somebody because of that.
    pub(super) fn judge(&self, verdicts: &mut Verdicts, one: usize, keeper: &Keeper) {
        let Some(file) = self.files.get(one).filter(|file| !file.is_empty()) else {
            return;
        };
        verdicts.note(Wall::Bulk, EXPORT, keeper.shown_in(file).is_some());
        let of = |members: &Members| -> BTreeSet<String> {
            members
                .iter()
                .filter(|(reader, _, patient)| *reader == one && *patient == keeper.patient)
                .map(|(_, group, _)| group.clone())
                .collect()
        };
        verdicts.note(Wall::Bulk, EXPORT, of(&self.before) != of(&self.after));
    }
}
