//! Watch: how a sender that waits for delivery learns that it is over.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::relay::Said;
use crate::verdict::Failure;

/// The open deliveries of one message.
#[derive(Debug)]
pub(crate) struct Watch {
    inner: Mutex<Inner>,
    ended: Notify,
}

#[derive(Debug)]
struct Inner {
    open: usize,
    failure: Option<Failure>,
    /// What the destination said with its yes, where there is one destination.
    said: Option<Said>,
    alone: bool,
}

impl Watch {
    pub(crate) fn new(deliveries: usize) -> Self {
        Self {
            inner: Mutex::new(Inner {
                open: deliveries,
                failure: None,
                said: None,
                alone: deliveries == 1,
            }),
            ended: Notify::new(),
        }
    }

    /// One delivery has ended; the first failure is the message's.
    pub(crate) fn end_one(&self, result: Result<Option<Said>, Failure>) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open = inner.open.saturating_sub(1);
        match result {
            Ok(said) if inner.alone => inner.said = said,
            Err(failure) if inner.failure.is_none() => inner.failure = Some(failure),
            _ => {}
        }
        let ended = inner.open == 0;
        drop(inner);
        if ended {
            self.ended.notify_waiters();
        }
        ended
    }

    /// Waits until every delivery has ended.
    pub(crate) async fn ended(&self) -> Result<Option<Said>, Failure> {
        loop {
            let ended = self.ended.notified();
            if let Some(result) = self.result() {
                return result;
            }
            ended.await;
        }
    }

    fn result(&self) -> Option<Result<Option<Said>, Failure>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.open == 0).then(|| inner.failure.clone().map_or(Ok(inner.said.clone()), Err))
    }
}
