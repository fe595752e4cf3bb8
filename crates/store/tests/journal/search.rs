//! Search, against a plain filter over the same messages.

use proptest::prelude::*;
use store::{Cursor, Identity, Journal, JournalError, MessageState, Query, Received, Settlement};

use super::{Rig, id, received};

const SYSTEMS: [&str; 3] = ["north", "east", "west"];
const KINDS: [(&str, &str); 4] = [("ADT", "A01"), ("ADT", "A40"), ("ORU", "R01"), ("MDM", "")];

/// What is searched, as plain values.
#[derive(Clone, Debug)]
struct Row {
    number: u128,
    time: i64,
    system: &'static str,
    kind: (&'static str, &'static str),
    state: MessageState,
    patients: Vec<String>,
    control_id: String,
}

impl Row {
    fn matches(&self, query: &Query) -> bool {
        let same = |asked: &Option<String>, found: &str| asked.as_deref().is_none_or(|asked| asked == found);
        same(&query.system, self.system)
            && same(&query.message_code, self.kind.0)
            && same(&query.trigger_event, self.kind.1)
            && same(&query.control_id, &self.control_id)
            && query.state.is_none_or(|state| state == self.state)
            && query
                .patient
                .as_ref()
                .is_none_or(|patient| self.patients.contains(patient))
            && query.from_ms.is_none_or(|from| self.time >= from)
            && query.to_ms.is_none_or(|to| self.time < to)
    }
}

/// Deterministic rows in which every condition divides, with times that repeat and go back.
fn rows() -> Vec<Row> {
    (0..400_u128)
        .map(|number| Row {
            number,
            time: ((number * 7) % 90) as i64 * 10,
            system: SYSTEMS[(number % 3) as usize],
            kind: KINDS[(number % 7 % 4) as usize],
            state: MessageState::ALL[(number * number % 11 % 5) as usize],
            patients: vec![format!("P{}", number % 13), format!("Q{}", number % 5)],
            control_id: format!("C{}", number % 40),
        })
        .collect()
}

async fn filled(rows: &[Row]) -> Rig {
    let rig = Rig::new();
    let mut pending = Vec::new();
    for row in rows {
        let new = Received {
            received_at_ms: row.time,
            ..received(row.number)
        };
        pending.push(rig.journal.record(new).await.expect("accepted"));
        let identity = Identity {
            system: row.system.to_owned(),
            message_code: row.kind.0.to_owned(),
            trigger_event: row.kind.1.to_owned(),
            control_id: row.control_id.clone(),
            patients: row.patients.clone(),
            ..Identity::default()
        };
        let settlement = Settlement {
            identity,
            ..Settlement::new(id(row.number), row.state)
        };
        drop(rig.journal.settle(settlement).await.expect("accepted"));
    }
    for each in pending {
        each.await.expect("durable");
    }
    rig
}

async fn all_pages(rig: &Rig, query: &Query) -> Vec<u128> {
    let (mut found, mut query) = (Vec::new(), query.clone());
    loop {
        let page = rig.journal.search(query.clone()).await.expect("reads");
        assert!(page.items.len() <= query.limit);
        found.extend(page.items.iter().map(|summary| summary.id.0.as_u128()));
        match page.next {
            // As a browser would hand it back.
            Some(next) => query.after = Some(next.to_string().parse().expect("ours")),
            None => return found,
        }
    }
}

fn expected(rows: &[Row], query: &Query) -> Vec<u128> {
    let mut found: Vec<&Row> = rows.iter().filter(|row| row.matches(query)).collect();
    found.sort_by_key(|row| std::cmp::Reverse((row.time, row.number)));
    found.into_iter().map(|row| row.number).collect()
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop_oneof![2 => Just(None), 1 => prop::sample::select(values).prop_map(Some)]
}

fn words(words: &[&str]) -> impl Strategy<Value = Option<String>> + use<> {
    maybe(words.iter().map(|word| (*word).to_owned()).collect())
}

prop_compose! {
    fn query()(
        patient in words(&["P1", "Q2", "P12", "nobody"]),
        message_code in words(&["ADT", "ORU", "MDM", "SIU"]),
        trigger_event in words(&["A01", "A40", "R01", ""]),
        system in words(&["north", "west", "nowhere"]),
        state in maybe(MessageState::ALL.to_vec()),
        control_id in words(&["C1", "C39", "C40"]),
        from_ms in maybe(vec![0, 10, 450]),
        to_ms in maybe(vec![0, 460, 890, 10_000]),
        limit in 1_usize..60,
    ) -> Query {
        Query { patient, message_code, trigger_event, system, state, control_id, conflict: false, from_ms, to_ms, after: None, limit }
    }
}

#[test]
fn every_mix_of_conditions_finds_what_a_plain_filter_finds() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let rows = rows();
    let rig = runtime.block_on(filled(&rows));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    runner
        .run(&query(), |query| {
            prop_assert_eq!(runtime.block_on(all_pages(&rig, &query)), expected(&rows, &query));
            Ok(())
        })
        .expect("the same");
}

#[tokio::test]
async fn a_list_does_not_shift_while_messages_arrive() {
    let rows: Vec<Row> = rows().into_iter().take(100).collect();
    let rig = filled(&rows).await;
    let first = rig
        .journal
        .search(Query {
            limit: 30,
            ..Query::default()
        })
        .await
        .expect("reads");
    rig.put(
        Received {
            received_at_ms: 1_000_000,
            ..received(900)
        },
        super::routed(900, vec![]),
    )
    .await;
    let rest = Query {
        after: first.next,
        limit: 1_000,
        ..Query::default()
    };
    let second = rig.journal.search(rest).await.expect("reads");
    let found: Vec<u128> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|summary| summary.id.0.as_u128())
        .collect();
    assert_eq!(found, expected(&rows, &Query::default()));
}

#[tokio::test]
async fn codes_beyond_all_bounds_are_still_found() {
    let rig = Rig::new();
    let long = "X".repeat(10_000);
    let mut pending = Vec::new();
    for number in 0..1_500_u128 {
        drop(rig.journal.record(received(number)).await.expect("accepted"));
        let identity = Identity {
            system: "north".to_owned(),
            message_code: if number == 7 {
                long.clone()
            } else {
                format!("Z{number}")
            },
            ..Identity::default()
        };
        let settlement = Settlement {
            identity,
            ..Settlement::new(id(number), MessageState::Unrouted)
        };
        pending.push(rig.journal.settle(settlement).await.expect("accepted"));
    }
    for each in pending {
        each.await.expect("durable");
    }
    for (code, number) in [("Z3", 3), (long.as_str(), 7), ("Z1499", 1_499)] {
        for system in [None, Some("north".to_owned())] {
            let query = Query {
                message_code: Some(code.to_owned()),
                system,
                ..Query::default()
            };
            let found = rig.journal.search(query).await.expect("reads").items;
            assert_eq!(
                found.iter().map(|summary| summary.id).collect::<Vec<_>>(),
                [id(number)]
            );
        }
    }
    let state = Query {
        state: Some(MessageState::Unrouted),
        limit: 1_000,
        ..Query::default()
    };
    assert_eq!(all_pages(&rig, &state).await.len(), 1_500);
    let counts = rig.journal.counts().await.expect("reads");
    assert_eq!(counts.messages_in(MessageState::Unrouted), 1_500);
}

#[test]
fn a_page_token_comes_back_as_it_went_and_others_are_refused() {
    for token in [
        "",
        ".",
        "1",
        "1.2.3",
        "x.y",
        "1.-2",
        "1'; DROP TABLE message",
        "11111111111111111.1",
    ] {
        assert_eq!(token.parse::<Cursor>(), Err(JournalError::Cursor), "{token}");
    }
    assert_eq!(
        "ff.10".parse::<Cursor>().expect("well formed").to_string(),
        "ff.10"
    );
}
