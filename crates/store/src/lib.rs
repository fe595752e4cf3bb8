//! The append-only message journal, and the group commit it stands on.
//!
//! An ACK is a transfer of responsibility: a frame is recorded here, fsynced, and only then
//! acknowledged. Frames come from `gateway::pipeline`; what becomes of them (state, deliveries, the ACK
//! that was sent) is told to the same [`Journal`]. This room does not read HL7: identity and lanes are
//! arguments, as are time and ids.
//!
//! [`Journal`] is the contract, free of any database; [`SqliteJournal`] keeps it in one SQLite file. A
//! store for several nodes (PostgreSQL) can stand beside it.
//!
//! # The whole surface
//!
//! ```text
//! SqliteJournal::open(dir, Settings) -> Result<SqliteJournal, JournalError>;  journal.close().await
//!
//! // Writes. `await` once = accepted, in order; await the Pending = durable.
//! journal.record(Received).await?          -> Pending<()>
//! journal.settle(Settlement).await?        -> Pending<Settled>      // stages parse, identify, route
//! journal.acknowledge(id, ack).await?      -> Pending<()>           // an ACK built after settling
//! journal.progress(Progress).await?        -> Pending<()>           // a delivery's state
//! journal.put_resource(NewResource).await? -> Pending<Put>
//!
//! // Reads.
//! journal.message(id)            -> Option<Message>
//! journal.search(Query)          -> Page<Summary>                   // newest first
//! journal.duplicate(Original)    -> Option<Earlier>
//! journal.unsettled(after, n)    -> Page<Message>                   // recorded, not routed: process again
//! journal.queued(interface, after, n, bytes) -> Page<Queued>        // in order of commit
//! journal.deliveries(DeliveryQuery) -> Page<Delivery>
//! journal.held_causes()          -> Vec<HeldCause>
//! journal.audit(after, n)        -> Page<AuditEntry>;  journal.verify_audit() -> AuditVerdict
//! journal.counts()               -> Counts
//! journal.resource(key)          -> Option<Resource>
//! journal.find_resources(ResourceQuery) -> Page<Resource>
//! ```
//!
//! `record` and `settle` of one message, submitted one right after the other without waiting for the
//! first to be durable, share one insert and one fsync.

mod audit;
pub mod group;
mod journal;
mod message;
mod query;
mod resource;
mod sqlite;

pub use audit::{AuditEntry, AuditVerdict, Happened};
pub use journal::{Journal, JournalError, Pending};
pub use message::{
    ContentHash, Delivery, DeliveryId, DeliveryState, Identity, Message, MessageId, MessageState,
    NewDelivery, Progress, Queued, Received, Settled, Settlement, Step, Summary,
};
pub use query::{Counts, Cursor, DeliveryQuery, Earlier, HeldCause, Original, Page, Query};
pub use resource::{Matching, NewResource, Put, Resource, ResourceKey, ResourceQuery, Term, TermQuery};
pub use sqlite::{Settings, SqliteJournal};
