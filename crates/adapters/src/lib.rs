//! Mock EPRs: one contract, one folder per vendor.
//!
//! One engine runs every product: people, encounters and results in memory ([`state`](crate)), durable in the EPR's
//! own file before anything is acknowledged; HL7 v2 in by MLLP, HL7 v2 out when a test acts, and a FHIR face over
//! the same record where the product has one. A [`Vendor`] is a value: data and function pointers.
//!
//! Refused here: translation. A mock reads its own dialect with `hl7v2` and a few lines of its own; of `translate`
//! it uses only the [`Dialect`](translate::dialect::Dialect) value that it hands to whoever configures the gateway.
//! Everything is synthetic, and no vendor has a part in this.
//!
//! # Example
//!
//! ```
//! let names: Vec<&str> = adapters::VENDORS.iter().map(|vendor| vendor.name).collect();
//! assert_eq!(names, ["lastword", "millennium", "epic"]);
//! let vendor = adapters::vendor("lastword").expect("a vendor of that name");
//! assert_eq!(vendor.default_profile().name, "carecast-uclh");
//! ```

mod access;
mod act;
mod action;
mod bulk;
mod clock;
mod dirt;
mod emit;
mod epr;
mod extract;
mod face;
mod fault;
mod intake;
mod record;
mod seed;
mod state;
mod trouble;
mod vendor;

mod epic;
mod lastword;
mod millennium;

pub use access::{Client, Proof, Secret};
pub use action::{
    ActError, ActReport, Action, Admit, AllergyOf, BookOf, Details, Discharge, DocumentOf, MergeOf,
    MergeVisitOf, MoveVisitOf, OfNumber, OfVisit, OrderOf, ProblemOf, RebookOf, Register, RenumberOf,
    ResendOf, ResultOf, RetriggerOf, TestOf, Transfer, Update,
};
pub use clock::Clock;
pub use dirt::{Dirt, Planted};
pub use emit::outbox::Limits as SendingLimits;
pub use epr::{Epr, EprSettings, Outbox, StartError};
pub use extract::ExtractPart;
pub use fault::{Fault, FaultError, FaultKind};
pub use record::RecordError;
pub use trouble::Trouble;
pub use vendor::{Assumption, Profile, Standing, Table, Vendor};

/// Every vendor, in the order the CLI and console show them. Registration is this line.
pub static VENDORS: &[&Vendor] = &[&lastword::VENDOR, &millennium::VENDOR, &epic::VENDOR];

/// The vendor of that name.
#[must_use]
pub fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().copied().find(|vendor| vendor.name == name)
}

/// The dialect that some vendor's profile brings under that name.
#[must_use]
pub fn dialect(name: &str) -> Option<&'static translate::dialect::Dialect> {
    VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles)
        .find(|profile| profile.dialect.name == name || profile.name == name)
        .map(|profile| profile.dialect)
}
