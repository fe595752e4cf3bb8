//! kill −9 in the middle of a replay: what was acknowledged is downstream after the next start.
//!
//! `EPRGW_KILLS=50 EPRGW_KILL_MESSAGES=2000` runs longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Serving, Wire, admission, nhs_number};

/// Connections that send at the same time, each for patients of its own.
const CONNECTIONS: usize = 4;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Sends until the process is gone; gives the numbers that were acknowledged.
fn send_until_killed(
    address: std::net::SocketAddr,
    first: usize,
    most: usize,
    acknowledged: &AtomicUsize,
) -> Vec<usize> {
    let mut wire = Wire::connect(address);
    let mut own = Vec::new();
    for n in (first..first + most * CONNECTIONS).step_by(CONNECTIONS) {
        wire.send(&admission(n, &format!("PLW{n:017}")));
        match wire.answer() {
            Some(answer) => {
                assert!(answer.contains("MSA|AA"), "{answer}");
                own.push(n);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            None => break,
        }
    }
    own
}

#[test]
fn nothing_acknowledged_is_missing_downstream_after_kill_9() {
    let (kills, messages) = (setting("EPRGW_KILLS", 4), setting("EPRGW_KILL_MESSAGES", 40));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut acknowledged = Vec::new();
    for life in 0..kills {
        let serving = Serving::start(&["--data", data, "--empty"]);
        let address = serving.mllp("gateway");
        let count = Arc::new(AtomicUsize::new(0));
        let senders: Vec<_> = (0..CONNECTIONS)
            .map(|connection| {
                let count = count.clone();
                let first = life * messages * CONNECTIONS + connection;
                std::thread::spawn(move || send_until_killed(address, first, messages, &count))
            })
            .collect();
        // Not at the same point of each life: the messages under way were not acknowledged and may be there or not.
        let enough = messages / 2 + (life * 7) % (messages / 2).max(1);
        while count.load(Ordering::SeqCst) < enough {
            std::thread::yield_now();
        }
        serving.kill();
        for sender in senders {
            acknowledged.extend(sender.join().unwrap());
        }
    }
    let serving = Serving::start(&["--data", data, "--empty"]);
    for n in &acknowledged {
        let epic = format!("/epic/api/FHIR/R4/Patient?identifier={}", nhs_number(*n));
        let found = serving.wait_for("an acknowledged patient in Epic", |s| {
            Some(s.search(&epic)).filter(|p| !p.is_empty())
        });
        assert_eq!(found.len(), 1, "once, although deliveries may have been repeated");
    }
    let verdict = serving.post("/api/v1/audit/verify", b"{}").1;
    assert!(String::from_utf8_lossy(&verdict).contains("\"whole\":true"));
    println!(
        "{} acknowledged over {kills} kills, none missing",
        acknowledged.len()
    );
}
