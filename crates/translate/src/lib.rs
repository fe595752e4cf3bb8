//! HL7 v2 to FHIR R4 and back, dialects, and the ledger that accounts for every field.
//!
//! ```text
//! vendor bytes ──dialect──▶ canonical HL7 v2 ──rows──▶ FHIR R4 message Bundle, and back
//! ```
//!
//! A mapping is one row, with its reader and its writer side by side: `segment` holds the rows, `datatype` what
//! they share, `message` how segments hang together, `vocabulary` the code tables. The rows do the work, feed the
//! [`Ledger`] and answer [`explain`]; there is no second description.
//!
//! Pure: no sockets, files, clock or randomness; ids derive from what they identify. Content never fails a
//! translation: what cannot be said is noted and counted. Refused here: transport and verdicts (`gateway`),
//! products (their dialects come from above).

mod back;
mod collection;
mod conditions;
mod context;
mod coverage;
mod datatype;
pub mod dialect;
mod entries;
mod explain;
mod keep;
mod ledger;
mod message;
mod note;
mod provenance;
#[macro_use]
mod row;
mod segment;
mod settings;
mod site;
#[cfg(test)]
mod testing;
mod translator;
pub mod vocabulary;

pub use back::account::{BundleAccount, BundleLine};
pub use collection::{bundle_of, collection, messages};
pub use conditions::{Condition, Decided, conditions, conditions_table};
pub use coverage::{Coverage, Covered, Verdict, coverage};
pub use explain::{DialectNote, Explanation, explain, rows};
pub use ledger::{Ledger, Line, Outcome, Rule, Totals};
pub use note::{Note, Severity};
pub use row::RowInfo;
pub use settings::{AllergySeverity, Settings};
pub use site::{CarriedField, Override, OverrideError};
pub use translator::{BackError, Translator};
pub use vocabulary::VocabularyError;
