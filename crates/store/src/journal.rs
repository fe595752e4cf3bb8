//! The contract of a journal, free of any database.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::{
    AuditEntry, AuditVerdict, Counts, Cursor, Delivery, DeliveryQuery, Earlier, HeldCause, Message,
    MessageId, NewResource, Original, Page, Progress, Put, Query, Queued, Received, Resource, ResourceKey,
    ResourceQuery, Settled, Settlement, Summary,
};

/// Why the journal did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It has been closed.
    #[error("the journal is closed")]
    Closed,
    /// This change contradicts what is kept: an id used twice, an unknown id.
    #[error("the journal refused the change: {0}")]
    Refused(String),
    /// Nothing of the batch is durable (disk full, failed fsync): answer negatively; sending again may work.
    #[error("the journal could not commit: {0}")]
    NotCommitted(String),
    /// It could not be read.
    #[error("the journal could not be read: {0}")]
    Read(String),
    /// It could not be opened.
    #[error("the journal could not be opened: {0}")]
    Open(String),
    /// Another process uses the same folder.
    #[error("another process uses this data folder: stop it, or give --data another folder")]
    InUse,
    /// A newer version of this program wrote it.
    #[error("the journal has schema version {found}; this program knows up to {known}: use a newer one")]
    Newer {
        /// The version on disk.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// A page token that this journal did not make.
    #[error("the page token is not one of ours: start again from the first page")]
    Cursor,
}

/// A change the journal has accepted, in order; resolves when it is durable, or surely is not.
#[must_use = "a change is durable only when its Pending has resolved"]
pub struct Pending<T>(Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send>>);

impl<T> Pending<T> {
    /// Wraps an implementation's future.
    pub fn new(future: impl Future<Output = Result<T, JournalError>> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, JournalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

/// What a write yields.
type Accepted<T> = Result<Pending<T>, JournalError>;

/// Keeps messages, their deliveries, and the façade's resources.
///
/// Writes: the returned future yields a [`Pending`] when it is first polled, or refuses when too many changes
/// wait; changes are committed in the order in which they were accepted. Reads see
/// what is durable.
pub trait Journal: Send + Sync + 'static {
    /// Stage 2: keeps a frame, readable or not.
    fn record(&self, received: Received) -> impl Future<Output = Accepted<()>> + Send;

    /// Stages 3 to 5: keeps what was decided, and recognises a replay.
    fn settle(&self, settlement: Settlement) -> impl Future<Output = Accepted<Settled>> + Send;

    /// Keeps an ACK that was built after the message was settled.
    fn acknowledge(&self, id: MessageId, ack: Bytes) -> impl Future<Output = Accepted<()>> + Send;

    /// Stage 7: keeps a delivery's change.
    fn progress(&self, progress: Progress) -> impl Future<Output = Accepted<()>> + Send;

    /// Keeps the number that comes next on a link.
    fn keep_link(&self, link: String, expected: i64) -> impl Future<Output = Accepted<()>> + Send;

    /// The number that comes next on a link, if it is known.
    fn link(&self, link: String) -> impl Future<Output = Result<Option<i64>, JournalError>> + Send;

    /// Keeps a façade resource.
    fn put_resource(&self, resource: NewResource) -> impl Future<Output = Accepted<Put>> + Send;

    /// One message, whole.
    fn message(&self, id: MessageId) -> impl Future<Output = Result<Option<Message>, JournalError>> + Send;

    /// Messages, newest first.
    fn search(&self, query: Query) -> impl Future<Output = Result<Page<Summary>, JournalError>> + Send;

    /// The newest earlier routed message of the same sender and control id. [`settle`](Self::settle) with
    /// a window asks the same question without a race; this is for looking.
    fn duplicate(
        &self,
        original: Original,
    ) -> impl Future<Output = Result<Option<Earlier>, JournalError>> + Send;

    /// Messages recorded and not settled when the process ended, oldest first: process them again.
    fn unsettled(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<Message>, JournalError>> + Send;

    /// Queued deliveries of one interface with their messages, in order of commit.
    ///
    /// At most `limit`, and no more than fit into `bytes_max` bytes of messages, but at least one.
    fn queued(
        &self,
        interface: String,
        after: Option<Cursor>,
        limit: usize,
        bytes_max: usize,
    ) -> impl Future<Output = Result<Page<Queued>, JournalError>> + Send;

    /// Deliveries, in order of commit.
    fn deliveries(
        &self,
        query: DeliveryQuery,
    ) -> impl Future<Output = Result<Page<Delivery>, JournalError>> + Send;

    /// Why deliveries are held, the most frequent reason first; a thousand reasons at most.
    fn held_causes(&self) -> impl Future<Output = Result<Vec<HeldCause>, JournalError>> + Send;

    /// What happened, in the order of commit; a page holds whole commits, and may pass `limit` by one.
    fn audit(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Page<AuditEntry>, JournalError>> + Send;

    /// Whether the audit record is whole, and the messages are what it says. Reads every message.
    fn verify_audit(&self) -> impl Future<Output = Result<AuditVerdict, JournalError>> + Send;

    /// How many messages and deliveries there are, by state.
    fn counts(&self) -> impl Future<Output = Result<Counts, JournalError>> + Send;

    /// One façade resource.
    fn resource(
        &self,
        key: ResourceKey,
    ) -> impl Future<Output = Result<Option<Resource>, JournalError>> + Send;

    /// Façade resources, oldest first.
    fn find_resources(
        &self,
        query: ResourceQuery,
    ) -> impl Future<Output = Result<Page<Resource>, JournalError>> + Send;
}
