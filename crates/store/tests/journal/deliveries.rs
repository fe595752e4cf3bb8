//! Deliveries: states, recovery in order, counts.

use store::{DeliveryId, DeliveryQuery, DeliveryState, Journal, JournalError, NewDelivery, Progress};

use super::{Rig, id, received, routed, to};

fn progress(number: u128, ordinal: u16, state: DeliveryState) -> Progress {
    Progress {
        id: DeliveryId {
            message: id(number),
            ordinal,
        },
        state,
        attempts: 1,
        at_ms: 9_000,
        cause: None,
        sent: None,
        answered: None,
    }
}

async fn change(rig: &Rig, progress: Progress) {
    rig.journal
        .progress(progress)
        .await
        .expect("accepted")
        .await
        .expect("durable");
}

#[tokio::test]
async fn queued_deliveries_come_back_in_order_of_commit_with_their_message() {
    let rig = Rig::new();
    for number in 1..=6 {
        let lanes = vec![
            to("west", &format!("west/P{}", number % 2)),
            to("east", "east/all"),
        ];
        rig.put(received(number), routed(number, lanes)).await;
    }
    change(&rig, progress(3, 1, DeliveryState::Delivered)).await;
    let rig = rig.restart().await;
    let of = |interface: &str, limit, bytes_max| {
        let interface = interface.to_owned();
        let journal = &rig.journal;
        async move {
            let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = journal
                    .queued(interface.clone(), after, limit, bytes_max)
                    .await
                    .expect("reads");
                pages += 1;
                found.extend(page.items.into_iter().map(|queued| {
                    assert_eq!(queued.message.summary.id, queued.delivery.id.message);
                    assert!(queued.message.raw.starts_with(b"MSH|"));
                    queued.message.summary.id
                }));
                after = page.next;
                if after.is_none() {
                    return (found, pages);
                }
            }
        }
    };
    let west = [1, 2, 4, 5, 6].map(id).to_vec();
    assert_eq!(of("west", 2, usize::MAX).await, (west.clone(), 3));
    assert_eq!(of("west", 100, usize::MAX).await, (west.clone(), 1));
    // A page is bounded by the bytes of its messages too, and never empty for it.
    assert_eq!(of("west", 100, 0).await, (west.clone(), 5));
    let two = 2 * rig.message(1).await.raw.len();
    assert_eq!(of("west", 100, two).await, (west, 3));
    assert_eq!(
        of("east", 100, usize::MAX).await.0,
        (1..=6).map(id).collect::<Vec<_>>()
    );
    assert_eq!(of("nowhere", 100, usize::MAX).await.0, []);
}

#[tokio::test]
async fn a_delivery_keeps_what_became_of_it() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![to("west", "a")])).await;
    let held = Progress {
        state: DeliveryState::Held,
        attempts: 3,
        cause: Some("AR from the destination".to_owned()),
        sent: Some("MSH|sent".into()),
        answered: Some("MSA|AR".into()),
        ..progress(1, 1, DeliveryState::Held)
    };
    change(&rig, held.clone()).await;
    let query = DeliveryQuery {
        state: Some(DeliveryState::Held),
        ..DeliveryQuery::default()
    };
    let found = rig.journal.deliveries(query.clone()).await.expect("reads").items;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].attempts, &found[0].cause, found[0].changed_at_ms),
        (3, &held.cause, 9_000)
    );
    assert_eq!((&found[0].sent, &found[0].answered), (&held.sent, &held.answered));
    // Put back in the queue: its bytes stay, its place too.
    change(&rig, progress(1, 1, DeliveryState::Queued)).await;
    let queued = rig
        .journal
        .queued("west".into(), None, 10, 1 << 20)
        .await
        .expect("reads")
        .items;
    assert_eq!(
        (&queued[0].delivery.sent, &queued[0].delivery.cause),
        (&held.sent, &None)
    );
    assert!(
        rig.journal
            .deliveries(query)
            .await
            .expect("reads")
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn deliveries_are_found_by_every_condition() {
    let rig = Rig::new();
    for number in 1..=4 {
        let filtered = NewDelivery {
            state: DeliveryState::Filtered,
            cause: Some("not asked for".to_owned()),
            replaces: None,
            ..to("east", "m")
        };
        rig.put(
            received(number),
            routed(number, vec![to("west", &format!("e{number}")), filtered]),
        )
        .await;
    }
    change(&rig, progress(2, 1, DeliveryState::Delivered)).await;
    let count = |query: DeliveryQuery| {
        let journal = &rig.journal;
        async move { journal.deliveries(query).await.expect("reads").items.len() }
    };
    let all = DeliveryQuery::default;
    assert_eq!(count(all()).await, 8);
    assert_eq!(
        count(DeliveryQuery {
            message: Some(id(2)),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(DeliveryQuery {
            interface: Some("west".to_owned()),
            ..all()
        })
        .await,
        4
    );
    assert_eq!(
        count(DeliveryQuery {
            lane: Some("e3".to_owned()),
            ..all()
        })
        .await,
        1
    );
    for (state, expected) in [
        (DeliveryState::Queued, 3),
        (DeliveryState::Delivered, 1),
        (DeliveryState::Filtered, 4),
    ] {
        assert_eq!(
            count(DeliveryQuery {
                state: Some(state),
                ..all()
            })
            .await,
            expected,
            "{state}"
        );
    }
    let first = rig
        .journal
        .deliveries(DeliveryQuery { limit: 5, ..all() })
        .await
        .expect("reads");
    let rest = DeliveryQuery {
        after: first.next,
        limit: 5,
        ..all()
    };
    assert_eq!((first.items.len(), count(rest).await), (5, 3));
}

#[tokio::test]
async fn counts_follow_every_change() {
    let rig = Rig::new();
    for number in 1..=3 {
        rig.put(
            received(number),
            routed(number, vec![to("west", "a"), to("east", "b")]),
        )
        .await;
    }
    change(&rig, progress(1, 1, DeliveryState::Delivered)).await;
    change(&rig, progress(2, 1, DeliveryState::Held)).await;
    change(&rig, progress(2, 1, DeliveryState::Queued)).await;
    let counts = rig.restart().await.journal.counts().await.expect("reads");
    let expected = [
        ("east".to_owned(), DeliveryState::Queued, 3),
        ("west".to_owned(), DeliveryState::Delivered, 1),
        ("west".to_owned(), DeliveryState::Queued, 2),
    ];
    assert_eq!(counts.deliveries, expected);
    assert_eq!(counts.deliveries_in(DeliveryState::Queued), 5);
}

#[tokio::test]
async fn an_unknown_delivery_is_refused() {
    let rig = Rig::new();
    rig.put(received(1), routed(1, vec![to("west", "a")])).await;
    for (number, ordinal) in [(1, 2), (2, 1), (1, 0)] {
        let pending = rig
            .journal
            .progress(progress(number, ordinal, DeliveryState::Held))
            .await
            .expect("accepted");
        assert!(
            matches!(pending.await, Err(JournalError::Refused(_))),
            "{number}/{ordinal}"
        );
    }
}
