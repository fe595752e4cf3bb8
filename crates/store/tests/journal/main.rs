//! The journal as the gateway uses it, on a real file.

mod audit;
mod deliveries;
mod faults;
mod messages;
mod resources;
mod search;

use bytes::Bytes;
use store::{
    DeliveryState, Identity, Journal, Message, MessageId, MessageState, NewDelivery, Received, Settings,
    Settled, Settlement, SqliteJournal,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A journal in its own folder.
struct Rig {
    journal: SqliteJournal,
    dir: TempDir,
}

impl Rig {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self {
            journal: SqliteJournal::open(dir.path(), Settings::default()).expect("opens"),
            dir,
        }
    }

    /// Closes and opens again, as a restart does.
    async fn restart(self) -> Self {
        let Self { journal, dir } = self;
        journal.close().await;
        drop(journal);
        Self {
            journal: SqliteJournal::open(dir.path(), Settings::default()).expect("opens again"),
            dir,
        }
    }

    async fn message(&self, number: u128) -> Message {
        self.journal
            .message(id(number))
            .await
            .expect("reads")
            .expect("is there")
    }

    /// Records and settles in one go.
    async fn put(&self, received: Received, settlement: Settlement) -> Settled {
        let recorded = self.journal.record(received).await.expect("accepted");
        let settled = self.journal.settle(settlement).await.expect("accepted");
        recorded.await.expect("durable");
        settled.await.expect("durable")
    }

    /// Records and settles in two steps, each durable before the next.
    async fn put_apart(&self, received: Received, settlement: Settlement) -> Settled {
        self.journal
            .record(received)
            .await
            .expect("accepted")
            .await
            .expect("durable");
        self.journal
            .settle(settlement)
            .await
            .expect("accepted")
            .await
            .expect("durable")
    }
}

fn id(number: u128) -> MessageId {
    MessageId(Uuid::from_u128(number))
}

/// Received at `number` seconds, saying its number.
fn received(number: u128) -> Received {
    Received {
        id: id(number),
        received_at_ms: number as i64 * 1_000,
        endpoint: "north-adt".to_owned(),
        peer: "192.0.2.7:4000".to_owned(),
        parent: None,
        raw: Bytes::from(format!("MSH|^~\\&|APP|FAC|||||ADT^A01|C{number}\rPID|{number}\r")),
    }
}

fn identity(number: u128) -> Identity {
    Identity {
        system: "north".to_owned(),
        message_code: "ADT".to_owned(),
        trigger_event: "A01".to_owned(),
        control_id: format!("C{number}"),
        sending_application: "APP".to_owned(),
        sending_facility: "FAC".to_owned(),
        patients: vec![format!("P{}", number % 10)],
    }
}

fn to(interface: &str, lane: &str) -> NewDelivery {
    NewDelivery {
        interface: interface.to_owned(),
        lane: lane.to_owned(),
        state: DeliveryState::Queued,
        cause: None,
        replaces: None,
    }
}

fn routed(number: u128, deliveries: Vec<NewDelivery>) -> Settlement {
    Settlement {
        identity: identity(number),
        ack: Some(Bytes::from(format!("MSA|AA|C{number}"))),
        deliveries,
        duplicate_window_ms: Some(3_600_000),
        ..Settlement::new(id(number), MessageState::Routed)
    }
}
