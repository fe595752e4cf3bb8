//! What every vendor's EPR does: it answers, remembers, repeats itself, sends in order, and refuses live numbers.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use adapters::{Epr, StartError, VENDORS};
use harness::{Receiver, System, action, code, field, fixtures, settings, unread, vendor};
use hl7v2::ack::AckCode;
use serde_json::json;

/// ADT of any vendor in its plainest form; enough for what the engine itself does.
fn adt(sender: &str, event: &str, control: &str, pid: &str, pv1: Option<&str>) -> Vec<String> {
    let mut segments = vec![
        format!("MSH|^~\\&|{sender}|SITE|||20260301120000||ADT^{event}|{control}|P|2.4"),
        format!("EVN|{event}|20260301120000"),
        pid.to_owned(),
    ];
    segments.extend(pv1.map(str::to_owned));
    segments
}

async fn send(system: &mut System, segments: &[String]) -> String {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    system.send(&segments).await
}

const PID: &str = "PID|1||40000017^^^MRENTR^MEDREC~9990000018^^^NHS^NH||PLUM^IVY||19700228|F";

#[tokio::test]
async fn every_vendor_takes_its_own_fixtures_but_those_it_does_not_read() {
    let mut wrong = Vec::new();
    for vendor in VENDORS {
        for (path, bytes) in fixtures(vendor.name) {
            let profile = match vendor.name {
                "lastword" if path.contains("/cw-") => "lastword-cw",
                _ => vendor.default_profile().name,
            };
            let mut system = System::with(vendor, settings(vendor, profile)).await;
            let answer = system.send_bytes(&bytes).await;
            wrong.extend(unread::objection(vendor.name, &path, &answer));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn the_same_message_again_gets_the_same_answer_and_changes_nothing() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        let segments = adt("A", "A28", "C1", PID, None);
        let first = send(&mut system, &segments).await;
        let again = send(&mut system, &segments).await;
        assert_eq!(first, again, "{}", vendor.name);
        assert_eq!(code(&first), "AA");
        assert_eq!(system.epr.people(), 1);
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_and_so_is_its_answer() {
    for vendor in VENDORS {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(vendor, vendor.default_profile().name);
        settings.data = Some(folder.path().to_owned());
        let mut system = System::with(vendor, settings.clone()).await;
        let segments = adt("A", "A28", "C1", PID, None);
        let first = send(&mut system, &segments).await;
        assert_eq!(code(&first), "AA");
        system.epr.shutdown().await;
        let mut system = System::with(vendor, settings).await;
        assert_eq!(system.epr.people(), 1, "{}", vendor.name);
        assert_eq!(send(&mut system, &segments).await, first);
        let report = system
            .act(json!({"update": {"patient": "9990000018", "phone": "020 7946 0001"}}))
            .await;
        assert_eq!(report.mrn, "40000017");
    }
}

#[tokio::test]
async fn a_live_looking_nhs_number_is_refused_and_not_repeated() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        // A right check digit, outside the range kept for tests.
        let pid = "PID|1||40000017^^^MRENTR^MEDREC~9434765919^^^NHS^NH||PLUM^IVY||19700228|F";
        let answer = send(&mut system, &adt("A", "A28", "C1", pid, None)).await;
        assert_eq!(code(&answer), "AE", "{}", vendor.name);
        assert!(
            !answer.contains("9434765919") && answer.contains("NHS number"),
            "{answer}"
        );
        assert_eq!(system.epr.people(), 0);
    }
}

#[tokio::test]
async fn absent_keeps_and_null_deletes() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        let full = "PID|1||40000017^^^MRENTR^MEDREC||PLUM^IVY||19700228|F|||1 ACORN STREET^^LONDON^^ZZ1 1AA||020 7946 0001";
        send(&mut system, &adt("A", "A28", "C1", full, None)).await;
        let less = "PID|1||40000017^^^MRENTR^MEDREC||PLUM^IVY|||F|||\"\"";
        let answer = send(&mut system, &adt("A", "A31", "C2", less, None)).await;
        assert_eq!(code(&answer), "AA", "{answer}");
        let told = system
            .act(json!({"update": {"patient": "40000017", "title": "MS"}}))
            .await;
        let told = String::from_utf8(told.message.to_vec()).unwrap();
        assert!(field(&told, "PID", 7).starts_with("19700228"), "{told}");
        assert!(field(&told, "PID", 13).contains("7946"), "{told}");
        assert_eq!(field(&told, "PID", 11), "", "{told}");
    }
}

#[tokio::test]
async fn what_is_no_hl7_gets_an_answer_of_the_vendors_kind() {
    for (name, wanted) in [("lastword", "AE"), ("millennium", "AE"), ("epic", "AR")] {
        let mut system = System::start(name).await;
        let answer = system.send_bytes(b"GET / HTTP/1.1\r\n\r\n").await;
        assert_eq!(code(&answer), wanted, "{name}: {answer}");
        // And a good message right after it is taken.
        assert_eq!(
            code(&send(&mut system, &adt("A", "A28", "C1", PID, None)).await),
            "AA"
        );
    }
}

#[tokio::test]
async fn an_admission_cancelled_discharge_and_late_messages_leave_the_right_stay() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        let pid = "PID|1||40000017^^^MRENTR^MEDREC||PLUM^IVY||19700228|F||||||||||V1";
        let event = |event: &str, control: &str, at: &str, ward: &str| {
            let mut segments = adt("A", event, control, pid, None);
            segments[1] = format!("EVN|{event}|{at}");
            segments.push(format!(
                "PV1|1|I|{ward}^R1^B-1||||||||||||||||V1|||||||||||||||||||||||||202603010900"
            ));
            segments
        };
        for segments in [
            event("A01", "C1", "20260301090000", "T06"),
            event("A03", "C3", "20260305090000", "T07"),
            // Late: the transfer of the second day, and a repetition of the admission.
            event("A02", "C2", "20260302090000", "T07"),
            event("A01", "C9", "20260301090000", "T06"),
        ] {
            assert_eq!(code(&send(&mut system, &segments).await), "AA", "{}", vendor.name);
        }
        let told = system
            .act(json!({"cancel-discharge": {"patient": "40000017"}}))
            .await;
        let told = String::from_utf8(told.message.to_vec()).unwrap();
        assert!(
            field(&told, "PV1", 3).starts_with("T07^R1^B-1"),
            "{}: {told}",
            vendor.name
        );
        let report = system
            .act(json!({"transfer": {"patient": "40000017", "ward": "T09", "bed": "B-2"}}))
            .await;
        assert_eq!(report.visit.as_deref(), Some("V1"));
    }
}

#[tokio::test]
async fn messages_leave_in_order_once_and_the_outbox_is_empty_then() {
    for vendor in VENDORS {
        let receiver = Receiver::start().await;
        let mut settings = settings(vendor, vendor.default_profile().name);
        settings.send_to = Some(receiver.address());
        let system = System::with(vendor, settings).await;
        system.act(json!({"register": {"mrn": "40000017", "nhs-number": "999 000 0018", "family": "Plum", "given": "Ivy", "birth-date": "1970-02-28", "sex": "female"}})).await;
        for action in [
            json!({"admit": {"patient": "9990000018", "ward": "T06", "room": "T06A", "bed": "T06-30"}}),
            json!({"transfer": {"patient": "40000017", "ward": "T07", "room": "T07B", "bed": "T07-12"}}),
            json!({"cancel-transfer": {"patient": "40000017"}}),
            json!({"result": {"patient": "40000017", "filler": "F1", "service": ["UE", "Urea"], "tests": [{"code": "NA", "name": "Sodium", "value": "139", "units": "mmol/L"}]}}),
            json!({"correct-result": {"patient": "40000017", "filler": "F1", "tests": [{"code": "NA", "name": "Sodium", "value": "149", "units": "mmol/L"}]}}),
            json!({"discharge": {"patient": "40000017", "method": "1", "destination": "19"}}),
            json!({"cancel-discharge": {"patient": "40000017"}}),
            json!({"cancel-admit": {"patient": "40000017"}}),
        ] {
            system.act(action).await;
        }
        system.epr.outbox_empty().await;
        let events: Vec<String> = receiver
            .messages()
            .iter()
            .map(|told| field(told, "MSH", 9))
            .collect();
        assert_eq!(
            events,
            [
                "ADT^A28", "ADT^A01", "ADT^A02", "ADT^A12", "ORU^R01", "ORU^R01", "ADT^A03", "ADT^A13",
                "ADT^A11"
            ],
            "{}",
            vendor.name
        );
        let counts = system.epr.outbox();
        assert_eq!((counts.queued, counts.delivered, counts.refused), (0, 9, 0));
    }
}

#[tokio::test]
async fn a_receiver_that_is_away_gets_everything_later_also_after_a_restart() {
    let vendor = vendor("lastword");
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(vendor, "carecast-uclh");
    settings.data = Some(folder.path().to_owned());
    // A port that nobody listens on.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    settings.send_to = Some(nobody.to_string());
    settings.sending.drain_ms = 1;
    let system = System::with(vendor, settings.clone()).await;
    let first = system.act(json!({"register": {"family": "Plum"}})).await;
    let second = system.act(json!({"register": {"family": "Pear"}})).await;
    assert_eq!(system.epr.outbox().queued, 2);
    system.epr.shutdown().await;
    let receiver = Receiver::start().await;
    settings.send_to = Some(receiver.address());
    let system = System::with(vendor, settings).await;
    let third = system.act(json!({"register": {"family": "Quince"}})).await;
    system.epr.outbox_empty().await;
    let ids: Vec<String> = receiver
        .messages()
        .iter()
        .map(|told| field(told, "MSH", 10))
        .collect();
    assert_eq!(
        ids,
        [
            first.control_id.clone(),
            second.control_id,
            third.control_id.clone()
        ]
    );
    assert!(
        third.control_id > first.control_id,
        "ids only grow, also over a restart"
    );
}

#[tokio::test]
async fn a_receiver_that_errs_is_tried_again_and_one_that_rejects_is_believed() {
    let vendor = vendor("epic");
    let receiver = Receiver::answering(|place| match place {
        1 => AckCode::AE,
        3 => AckCode::AR,
        _ => AckCode::AA,
    })
    .await;
    let mut settings = settings(vendor, "epic-uclh");
    settings.send_to = Some(receiver.address());
    settings.sending.retry_delay_ms = 1;
    let system = System::with(vendor, settings).await;
    for family in ["Plum", "Pear", "Quince"] {
        system.act(json!({"register": {"family": family}})).await;
    }
    system.epr.outbox_empty().await;
    let names: Vec<String> = receiver
        .messages()
        .iter()
        .map(|told| field(told, "PID", 5))
        .collect();
    assert_eq!(
        names,
        ["PLUM^^^^^^D", "PLUM^^^^^^D", "PEAR^^^^^^D", "QUINCE^^^^^^D"]
    );
    let counts = system.epr.outbox();
    assert_eq!((counts.delivered, counts.refused), (2, 1));
}

#[tokio::test]
async fn an_action_that_cannot_be_is_refused_and_nothing_happens() {
    let system = System::start("millennium").await;
    for (json, wanted) in [
        (json!({"admit": {"patient": "1"}}), "patient: nobody here"),
        (
            json!({"register": {"family": "Plum", "nhs-number": "9434765919"}}),
            "outside the ranges",
        ),
        (
            json!({"register": {"family": "Plum", "mrn": "9434765919"}}),
            "outside the ranges",
        ),
        (
            json!({"register": {"family": "Plum", "nhs-number": "9990000019"}}),
            "check digit",
        ),
        (json!({"register": {"given": "Ivy"}}), "family"),
        (
            json!({"register": {"family": "Plum", "birth-date": "yesterday"}}),
            "time: a date",
        ),
        (json!({"register": {"family": "Plum", "sex": "f"}}), "sex: female"),
    ] {
        let error = system.epr.act(action(json)).await.err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    assert_eq!(system.epr.people(), 0);
    system
        .act(json!({"register": {"mrn": "1", "family": "Plum"}}))
        .await;
    for (json, wanted) in [
        (json!({"discharge": {"patient": "1"}}), "visit"),
        (json!({"merge": {"survivor": "1", "loser": "1"}}), "stays"),
        (
            json!({"correct-result": {"patient": "1", "filler": "F", "tests": [{"code": "A", "value": "1"}]}}),
            "filler",
        ),
        (
            json!({"update": {"patient": "1", "clear": ["shoe-size"]}}),
            "clear",
        ),
    ] {
        let error = system.epr.act(action(json)).await.err().unwrap().to_string();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_people_and_they_are_seeded_once() {
    for vendor in VENDORS {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(vendor, vendor.default_profile().name);
        settings.people = 40;
        settings.seed = 7;
        settings.data = Some(folder.path().to_owned());
        let system = System::with(vendor, settings.clone()).await;
        assert_eq!(system.epr.people(), 40);
        system.epr.shutdown().await;
        let again = System::with(vendor, settings).await;
        assert_eq!(again.epr.people(), 40, "{}", vendor.name);
    }
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let lastword = vendor("lastword");
    let mut wrong = settings(lastword, "carecast-uclh");
    wrong.choices.insert("heder".into(), "spec".into());
    let error = Epr::start(lastword, wrong).await.err().unwrap();
    assert!(
        matches!(error, StartError::Choice { .. }) && error.to_string().contains("header"),
        "{error}"
    );
    let mut wrong = settings(lastword, "carecast-uclh");
    wrong.choices.insert("header".into(), "new".into());
    assert!(
        Epr::start(lastword, wrong)
            .await
            .err()
            .unwrap()
            .to_string()
            .contains("spec, fixture")
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut wrong = settings(lastword, "carecast-uclh");
    wrong.listen = taken.local_addr().unwrap();
    assert!(matches!(
        Epr::start(lastword, wrong).await.err().unwrap(),
        StartError::Listen { .. }
    ));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("lastword.sqlite"),
        "this is no database, and long enough to be read as one",
    )
    .unwrap();
    let mut wrong = settings(lastword, "carecast-uclh");
    wrong.data = Some(folder.path().to_owned());
    assert!(matches!(
        Epr::start(lastword, wrong).await.err().unwrap(),
        StartError::Record { .. }
    ));
}

#[tokio::test]
async fn messages_on_one_connection_are_heard_in_order() {
    let mut system = System::start("epic").await;
    for place in 0..200 {
        let pid = format!("PID|1||40000017^^^MRENTR^MEDREC||PLUM^IVY^{place}");
        let answer = send(&mut system, &adt("A", "A31", &format!("C{place}"), &pid, None)).await;
        assert_eq!(field(&answer, "MSA", 2), format!("C{place}"));
    }
    let report = system
        .act(json!({"update": {"patient": "40000017", "title": "Ms"}}))
        .await;
    assert!(String::from_utf8_lossy(&report.message).contains("PLUM^IVY^199"));
}

#[tokio::test]
async fn what_is_noted_at_one_mock_is_told_and_another_of_its_kind_takes_it() {
    for name in ["lastword", "millennium", "epic"] {
        let mut there = System::start(name).await;
        let here = System::start(name).await;
        let told = here
            .act(json!({"register": {"family": "Larch", "given": "Ada", "birth-date": "1970-02-28"}}))
            .await;
        let patient = told.mrn.clone();
        let actions = [
            json!({"order": {"patient": patient, "number": "O1", "service": ["FBC", "Full blood count"]}}),
            json!({"cancel-order": {"patient": patient, "number": "O1", "reason": "taken twice"}}),
            json!({"book": {"patient": patient, "number": "B1", "clinic": "CARD1", "start": "2026-06-02T09:30"}}),
            json!({"rebook": {"patient": patient, "number": "B1", "start": "2026-06-03T09:30"}}),
            json!({"cancel-booking": {"patient": patient, "number": "B1"}}),
            json!({"allergy": {"patient": patient, "substance": ["91936005", "Penicillin"], "criticality": "high"}}),
            json!({"document": {"patient": patient, "kind": ["DS", "Discharge summary"], "text": "Went home."}}),
        ];
        for action in actions {
            let report = here.act(action).await;
            let message = String::from_utf8(report.message.to_vec()).unwrap();
            let took = there.send_bytes(message.as_bytes()).await;
            let spoken = matches!(report.event.split('^').next(), Some("ADT" | "ORM")) || name != "lastword";
            assert_eq!(
                code(&took),
                if spoken { "AA" } else { "AE" },
                "{name} {} {took}",
                report.event
            );
        }
    }
}

#[tokio::test]
async fn a_time_that_is_taken_cannot_be_booked_again_until_it_is_free() {
    let system = System::start("epic").await;
    let patient = system.act(json!({"register": {"family": "Larch"}})).await.mrn;
    let book = json!({"book": {"patient": patient, "clinic": "CARD1", "start": "2026-06-02T09:30"}});
    let booked = system.act(book.clone()).await;
    let refused = system.epr.act(action(book.clone())).await.err().unwrap();
    assert!(refused.to_string().contains("taken"), "{refused}");
    system
        .act(json!({"cancel-booking": {"patient": patient, "number": booked.number.unwrap()}}))
        .await;
    system.act(book).await;
}

#[tokio::test]
async fn a_merge_can_be_undone_and_everything_goes_back() {
    for name in ["lastword", "millennium", "epic"] {
        let system = System::start(name).await;
        let one = system.act(json!({"register": {"family": "Larch"}})).await.mrn;
        let two = system
            .act(json!({"register": {"family": "Larch", "given": "Ada"}}))
            .await
            .mrn;
        let stay = system
            .act(json!({"admit": {"patient": two, "ward": "T06"}}))
            .await
            .visit;
        system
            .act(json!({"merge": {"survivor": one, "loser": two}}))
            .await;
        let told = system
            .act(json!({"unmerge": {"survivor": one, "loser": two}}))
            .await;
        assert_eq!(told.event, "ADT^A37", "{name}");
        let out = system.act(json!({"discharge": {"patient": two}})).await;
        assert_eq!((out.mrn.as_str(), &out.visit), (two.as_str(), &stay), "{name}");
        let nothing = system
            .epr
            .act(action(json!({"discharge": {"patient": one}})))
            .await;
        assert!(nothing.is_err(), "{name}: the stay went back");
    }
}

#[tokio::test]
async fn a_frozen_record_says_so_and_changes_nothing_until_it_thaws() {
    let mut system = System::start("lastword").await;
    let patient = system.act(json!({"register": {"family": "Larch"}})).await.mrn;
    system.act(json!({"freeze": null})).await;
    let refused = system
        .epr
        .act(action(json!({"admit": {"patient": patient}})))
        .await;
    assert!(refused.is_err());
    let segments = adt(
        "CARECAST",
        "A28",
        "F1",
        "PID|1||40000001^^^MRENTR^MEDREC||ELM^ADA",
        None,
    );
    let (first, second) = (
        send(&mut system, &segments).await,
        send(&mut system, &segments).await,
    );
    assert_eq!(code(&first), "AE");
    assert_eq!(
        field(&first, "MSH", 10),
        field(&second, "MSH", 10),
        "no new control id"
    );
    system.act(json!({"thaw": null})).await;
    assert_eq!(code(&send(&mut system, &segments).await), "AA");
    system.act(json!({"admit": {"patient": patient}})).await;
}

#[tokio::test]
async fn faults_strike_answers_and_what_leaves_and_are_over() {
    use adapters::Fault;
    let receiver = Receiver::start().await;
    let mut settings = settings(vendor("lastword"), "carecast-uclh");
    settings.send_to = Some(receiver.address());
    let mut system = System::with(vendor("lastword"), settings).await;
    let fault = |json: serde_json::Value| -> Vec<Fault> { vec![serde_json::from_value(json).unwrap()] };
    let segments = |id: &str| {
        adt(
            "CARECAST",
            "A28",
            id,
            "PID|1||40000001^^^MRENTR^MEDREC||ELM^ADA",
            None,
        )
    };

    system
        .epr
        .set_faults(fault(json!({"fault": "nak", "count": 1, "code": "AR"})))
        .unwrap();
    assert_eq!(code(&send(&mut system, &segments("1")).await), "AR");
    assert_eq!(system.epr.people(), 0, "a refused message is not heard");
    assert_eq!(code(&send(&mut system, &segments("1")).await), "AA");

    system
        .epr
        .set_faults(fault(json!({"fault": "wrong-msa-2", "count": 1})))
        .unwrap();
    assert_eq!(field(&send(&mut system, &segments("2")).await, "MSA", 2), "X2");

    system
        .epr
        .set_faults(fault(json!({"fault": "duplicate", "count": 1})))
        .unwrap();
    system.act(json!({"register": {"family": "Larch"}})).await;
    system.epr.outbox_empty().await;
    let got = receiver.messages();
    assert_eq!((got.len(), &got[0]), (2, &got[1]));

    system.epr.set_faults(fault(json!({"fault": "hold"}))).unwrap();
    let held = system.act(json!({"register": {"family": "Rowan"}})).await;
    system.act(json!({"register": {"family": "Aspen"}})).await;
    assert_eq!(system.epr.outbox().queued, 2);
    system
        .epr
        .set_faults(fault(json!({"fault": "reorder", "count": 1})))
        .unwrap();
    system.epr.outbox_empty().await;
    let got = receiver.messages();
    assert!(
        got[2].contains("ASPEN") && got[3].contains("ROWAN"),
        "the second went first"
    );

    let again = system
        .act(json!({"resend": {"control-id": held.control_id}}))
        .await;
    system.epr.outbox_empty().await;
    assert_eq!(
        receiver.messages().last().unwrap().as_bytes(),
        &again.message[..],
        "the same bytes again"
    );
    assert!(system.epr.faults().is_empty());
}

/// One update of a person as any vendor's feed may send it.
fn update(control: &str, recorded: &str, line: &str) -> Vec<String> {
    vec![
        format!("MSH|^~\\&|A|SITE|||20260301120000||ADT^A31|{control}|P|2.4"),
        format!("EVN|A31|{recorded}"),
        format!("PID|1||40000017^^^MRENTR^MEDREC||PLUM^IVY||19700228|F|||{line}^^LONDON^^ZZ1 1AA"),
    ]
}

/// PID-11 as the EPR tells it.
async fn address(system: &System) -> String {
    let told = system
        .act(json!({"update": {"patient": "40000017", "title": "MS"}}))
        .await;
    let told = String::from_utf8(told.message.to_vec()).unwrap();
    field(&told, "PID", 11).split('^').next().unwrap().to_uppercase()
}

#[tokio::test]
async fn a_detail_said_later_stays_when_an_older_message_arrives_after_it() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        send(&mut system, &update("C1", "20260301090000", "1 ACORN STREET")).await;
        send(&mut system, &update("C2", "20260303090000", "3 OAK LANE")).await;
        // Late: it still tells what nobody told since, and nothing else.
        let mut late = update("C3", "20260302090000", "2 BEECH ROAD");
        late[2].push_str("||020 7946 0001");
        let answer = send(&mut system, &late).await;
        assert_eq!(code(&answer), "AA", "{answer}");
        assert_eq!(address(&system).await, "3 OAK LANE", "{}", vendor.name);
        let told = system
            .act(json!({"update": {"patient": "40000017", "title": "DR"}}))
            .await;
        let told = String::from_utf8(told.message.to_vec()).unwrap();
        assert!(field(&told, "PID", 13).contains("7946"), "{told}");

        let mut settings = settings(vendor, vendor.default_profile().name);
        settings.choices = [("person-details".to_owned(), "arrival".to_owned())].into();
        let mut system = System::with(vendor, settings).await;
        send(&mut system, &update("C2", "20260303090000", "3 OAK LANE")).await;
        send(&mut system, &update("C3", "20260302090000", "2 BEECH ROAD")).await;
        assert_eq!(address(&system).await, "2 BEECH ROAD", "{}", vendor.name);
    }
}

#[tokio::test]
async fn somebody_at_the_keyboard_is_heard_whatever_a_feed_said_of_later_days() {
    for vendor in VENDORS {
        let mut system = System::start(vendor.name).await;
        send(&mut system, &update("C1", "20291231090000", "1 ACORN STREET")).await;
        system
            .act(json!({"update": {"patient": "40000017", "address": "9 Elm Row", "city": "London"}}))
            .await;
        assert_eq!(address(&system).await, "9 ELM ROW", "{}", vendor.name);
    }
}

#[tokio::test]
async fn a_result_does_not_say_who_somebody_is_once_they_are_registered() {
    let result = |recorded: &str, line: &str| {
        vec![
            format!("MSH|^~\\&|LAB|SITE|||{recorded}||ORU^R01|R{recorded}|P|2.3"),
            format!("PID|1||40000017^^^MRENTR^MEDREC||PLUMM^IVIE||19700227|M|||{line}^^LONDON^^ZZ1 1AA"),
            format!("OBR|1|P1|F{recorded}|NA^Sodium|||{recorded}"),
            "OBX|1|NM|NA^Sodium||139||||||F".to_owned(),
        ]
    };
    for vendor in VENDORS {
        let registered = update("C1", "20260301090000", "1 ACORN STREET");
        for result_first in [false, true] {
            let mut system = System::start(vendor.name).await;
            let mut messages = vec![registered.clone(), result("20260302090000", "7 WRONG WAY")];
            if result_first {
                messages.reverse();
            }
            for message in &messages {
                let answer = send(&mut system, message).await;
                assert_eq!(code(&answer), "AA", "{answer}");
            }
            assert_eq!(system.epr.people(), 1);
            assert_eq!(address(&system).await, "1 ACORN STREET", "{}", vendor.name);
            let told = system
                .act(json!({"update": {"patient": "40000017", "title": "DR"}}))
                .await;
            let told = String::from_utf8(told.message.to_vec()).unwrap();
            assert!(
                field(&told, "PID", 5).to_uppercase().starts_with("PLUM^IVY"),
                "{told}"
            );
            assert!(field(&told, "PID", 7).starts_with("19700228"), "{told}");
            assert!(field(&told, "PID", 8).starts_with('F'), "{told}");
        }
        // Until somebody registers them, the newest result says who they are, in whatever order results come.
        let mut system = System::start(vendor.name).await;
        send(&mut system, &result("20260303090000", "8 NEWER WAY")).await;
        send(&mut system, &result("20260302090000", "7 OLDER WAY")).await;
        assert_eq!(address(&system).await, "8 NEWER WAY", "{}", vendor.name);
    }
}
