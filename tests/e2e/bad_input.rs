//! Bad input is input: an answer, a record, and a good message right after it.

use crate::harness::{Serving, Wire, admission};

/// (what, frame, ACK code, what else the answer must say)
fn bad() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let good = String::from_utf8(admission(2, "PLW00000000000000002")).unwrap();
    vec![
        ("not HL7", b"GET / HTTP/1.1".to_vec(), "AR", "MSA|AR"),
        ("empty", Vec::new(), "AR", "MSA|AR"),
        ("no PID", good.replace("PID|", "NTE|").into_bytes(), "AE", "PID"),
        (
            "no control id",
            good.replace("PLW00000000000000002", "").into_bytes(),
            "AE",
            "MSA|AE",
        ),
        (
            "nobody's event",
            good.replace("ADT^A01", "ZZZ^Z99").into_bytes(),
            "AR",
            "MSA|A",
        ),
    ]
}

#[test]
fn each_bad_frame_is_answered_and_a_good_one_after_it_succeeds() {
    let serving = Serving::start(&["--empty"]);
    let mut wire = Wire::connect(serving.mllp("gateway"));
    for (n, (what, frame, code, says)) in bad().into_iter().enumerate() {
        wire.send(&frame);
        let answer = wire.answer().unwrap_or_else(|| panic!("{what}: no answer"));
        assert!(answer.contains(&format!("MSA|{code}")), "{what}: {answer}");
        assert!(answer.contains(says), "{what}: {answer}");
        assert!(
            !answer.contains("STELLA") && !answer.contains("CRASH LANE"),
            "{what} leaks: {answer}"
        );
        wire.send(&admission(100 + n, &format!("PLW{:017}", 100 + n)));
        assert!(
            wire.answer().is_some_and(|ack| ack.contains("MSA|AA")),
            "a good message after {what}"
        );
    }
}

#[test]
fn a_live_looking_nhs_number_is_refused_and_never_reaches_the_disk() {
    // Valid by its check digit, and outside the range kept for tests; made up for this test.
    let live = "4000000004";
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(&["--data", folder.path().to_str().unwrap(), "--empty"]);
    let text = String::from_utf8(admission(3, "PLW00000000000000003")).unwrap();
    let text = text.replace(&crate::harness::nhs_number(3), live);
    for door in ["gateway", "lastword", "millennium", "epic"] {
        let answer = serving.send(door, text.as_bytes());
        assert!(answer.contains("MSA|AE"), "{door}: {answer}");
        assert!(!answer.contains(live), "{door} repeats it");
    }
    assert_eq!(serving.terminate(), Some(0));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(live.len()).any(|window| window == live.as_bytes()));
    }
}
