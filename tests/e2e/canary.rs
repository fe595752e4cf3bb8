//! No patient data outside the journal and the EPRs' records: drive everything, then look at all that was written.

use std::path::Path;

use crate::harness::{Serving, Wire, admission, nhs_number, repository};

/// Words that name a patient in what is sent here, and nowhere else.
const CANARIES: &[&str] = &[
    "KANARIENVOGEL",
    "ZEISIGGASSE",
    "19410203",
    "9991004424",
    "40500221",
    "1941-02-03",
];

/// An admission full of canaries.
fn canary(control_id: &str) -> String {
    let text = String::from_utf8(admission(221, control_id)).unwrap();
    assert_eq!(nhs_number(221), CANARIES[3]);
    text.replace("STORM", CANARIES[0])
        .replace("CRASH LANE", CANARIES[1])
        .replace("19700101", CANARIES[2])
}

/// Every way a message goes wrong, and some in which it goes well.
fn drive(serving: &Serving) -> Vec<String> {
    let good = canary("PLWCANARY00000000001");
    let mut said = Vec::new();
    let mut wire = Wire::connect(serving.mllp("gateway"));
    for (number, frame) in [
        good.clone(),
        good.clone(),
        good.replace("CLARKE", "OTHER"),
        good.replace("PV1|", "NTE|").replace("00001", "00002"),
        good.replace("PID|", "XXX|").replace("00001", "00003"),
        good.replace("ADT^A01", "ADT^A99").replace("00001", "00004"),
        good.replace("ADT^A01", "ADT^A40").replace("00001", "00005"),
        good.replace("|2.4|", "|3.0|").replace("00001", "00006"),
        good.replace("CARECAST", "NOBODY").replace("00001", "00007"),
        good.replace("MSH|", "HSM|"),
        format!("{}\u{b}{good}", good.replace("00001", "00008")),
        format!("{good}\r{good}").replace("00001", "00009"),
        good.replace("19410203", "KANARIENVOGEL")
            .replace("00001", "00010"),
        good.replace("PLWCANARY00000000001", ""),
        format!("{good}\rNTE|1||NHS {}", "4000000004").replace("00001", "00011"),
        good.replace('|', "\u{1}"),
    ]
    .into_iter()
    .enumerate()
    {
        wire.send(frame.as_bytes());
        said.push(
            wire.answer()
                .unwrap_or_else(|| panic!("no answer to frame {number}")),
        );
    }
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"message\",\"entry\":[{{\"resource\":{{\"resourceType\":\"Patient\",\"name\":[{{\"family\":\"{}\",\"use\":5}}]}}}}]}}",
        CANARIES[0]
    );
    for (path, body) in [
        ("/fhir/r4", bundle.as_str()),
        ("/fhir/r4", CANARIES[0]),
        ("/fhir/r4/$process-message", bundle.as_str()),
        (
            "/api/v1/systems/epic/actions/admit",
            "{\"patient\": \"KANARIENVOGEL\"}",
        ),
        ("/api/v1/held/resend", "{\"cause\": \"KANARIENVOGEL\"}"),
        ("/api/v1/messages/KANARIENVOGEL/resend", "{}"),
    ] {
        let (_, answer) = serving.post(path, body.as_bytes());
        said.push(String::from_utf8_lossy(&answer).into_owned());
    }
    let epic = format!("/epic/api/FHIR/R4/Patient?identifier={}", CANARIES[3]);
    serving.wait_for("the canary in a record", |s| {
        Some(s.search(&epic)).filter(|found| !found.is_empty())
    });
    for path in [
        "/api/v1/messages?patient=KANARIENVOGEL&colour=KANARIENVOGEL",
        "/epic/api/FHIR/R4/Patient?family=KANARIENVOGEL&_sort=nonsense",
        "/epic/api/FHIR/R4/Patient/KANARIENVOGEL",
        "/KANARIENVOGEL",
    ] {
        serving.get(path);
    }
    for path in [
        "/metrics",
        "/api/v1/status",
        "/api/v1/audit?limit=1000",
        "/api/v1/held",
        "/health",
        "/",
    ] {
        said.push(String::from_utf8_lossy(&serving.get(path).1).into_owned());
    }
    said
}

fn assert_silent(what: &str, text: &str) {
    for canary in CANARIES {
        let at = text.find(canary);
        assert!(
            at.is_none(),
            "{what} names a patient ({canary}): {}",
            text.lines()
                .find(|line| line.contains(canary))
                .unwrap_or_default()
        );
    }
}

/// Whether a file may hold patient data: the journal and the records, with their logs.
fn is_record(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.contains(".sqlite")
}

#[test]
fn no_patient_is_named_outside_the_journal_and_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let (data, log) = (folder.path().join("data"), folder.path().join("log"));
    for level in ["", "debug"] {
        let variables = [("EPRGW_LOG", level)];
        let variables = if level.is_empty() { &[][..] } else { &variables[..] };
        let serving = Serving::start_with(
            &["--data", data.to_str().unwrap(), "--empty"],
            variables,
            Some(&log),
        );
        for answer in drive(&serving) {
            assert_silent("an answer", &answer);
        }
        assert_eq!(serving.terminate(), Some(0));
    }
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(
        log.contains("DEBUG") && log.contains("PLWCANARY"),
        "the log says what happened, to what"
    );
    assert_silent("the log", &log);
    let mut records = 0;
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        match is_record(&path) {
            true => records += 1,
            false => assert_silent(&path.display().to_string(), &String::from_utf8_lossy(&bytes)),
        }
    }
    assert!(records >= 4);
    let journal = std::fs::read(data.join("journal.sqlite")).unwrap();
    let found = String::from_utf8_lossy(&journal).contains(CANARIES[0]);
    assert!(found, "the canary did fly: the journal has it");
    assert!(repository("Cargo.toml").exists());
}
