//! kill −9 in the middle of a replay: what was acknowledged is downstream after the next start.

use crate::harness::{Serving, Wire, admission, nhs_number};

#[test]
fn nothing_acknowledged_is_missing_downstream_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut acknowledged = Vec::new();
    for life in 0..4 {
        let serving = Serving::start(&["--data", data, "--empty"]);
        let mut wire = Wire::connect(serving.mllp("gateway"));
        for n in life * 100..life * 100 + 40 {
            wire.send(&admission(n, &format!("PLW{n:017}")));
            let answer = wire.answer().expect("an answer before the kill");
            assert!(answer.contains("MSA|AA"), "{answer}");
            acknowledged.push(n);
        }
        // One more is under way when the process dies: it was not acknowledged, so it may be there or not.
        wire.send(&admission(
            life * 100 + 99,
            &format!("PLW{:017}", life * 100 + 99),
        ));
        serving.kill();
    }
    let serving = Serving::start(&["--data", data, "--empty"]);
    for n in acknowledged {
        let epic = format!("/epic/api/FHIR/R4/Patient?identifier={}", nhs_number(n));
        let found = serving.wait_for("an acknowledged patient in Epic", |s| {
            Some(s.search(&epic)).filter(|p| !p.is_empty())
        });
        assert_eq!(found.len(), 1, "once, although deliveries may have been repeated");
    }
}
