//! Several trusts on one domain, played by `eprgw run shared-instance`; and two gateways that lead into each other.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};
use std::thread;

use serde_json::Value;

use crate::harness::{Serving, eprgw};
use crate::rehearsal::{failures, gate, play};

/// Whether an expectation with these words held; none means that nobody asked.
fn held(report: &Value, words: &str) -> Option<bool> {
    let expectations = report["expectations"].as_array().unwrap();
    let asked: Vec<&Value> = expectations
        .iter()
        .filter(|one| one["words"].as_str().unwrap().contains(words))
        .collect();
    (!asked.is_empty()).then(|| asked.iter().all(|one| one["outcome"] == "held"))
}

#[test]
fn scenarios_12_13_14_15_17_18_two_trusts_share_one_domain() {
    let (code, report, talk) = play(&["shared-instance", "-p", "people=250"]);
    assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
    for words in [
        // 12: nothing is added to the wrong person, nobody is made while a match is probable.
        "no record is added without asking to the wrong person",
        "every person is there once, with the numbers of every trust",
        "the domain holds as many people as the joining decided",
        // 13 and 15: merges and demographics to both, visits to their own trust.
        "hears all of its own visits, and everybody's demographics and merges",
        "hears no visit of another trust",
        "hears of each person in order",
        // 14 and 17.
        "refused: a number of another trust's pool",
        "refused: a visit at another trust than MSH-4 names",
        "refused: another trust's message through this trust's door",
        "refused: numbers of two people as one person's",
        "taken: the trust's own visit through its own door",
        "nobody is made of what was refused",
        // 18.
        "comes back with this gateway's own tag is taken",
        "is delivered nowhere again",
        "the same message without the tag is delivered",
    ] {
        assert_eq!(held(&report, words), Some(true), "{words}");
    }
    for measure in [
        "records added to the wrong person",
        "people known, added or queued",
    ] {
        assert_eq!(gate(&report, measure), "passed", "{measure}");
    }
}

#[test]
fn scenarios_16_no_trust_is_shown_what_another_keeps_by_any_path() {
    let (code, report, talk) = play(&["shared-instance", "-p", "people=120", "-p", "trusts=3"]);
    assert_eq!(code, Some(0), "{talk}\n{}", failures(&report));
    for words in [
        "every read path of the capability statement is asked",
        "each trust sees its own by every path",
        "an allergy is seen by every trust",
        "the metrics names nothing",
        "the log names nothing",
    ] {
        assert_eq!(held(&report, words), Some(true), "{words}");
    }
    let codes = ["RYJ", "RQM", "R1K"];
    for (reader, keeper) in codes.iter().flat_map(|one| codes.map(|other| (*one, other))) {
        let words = format!("{reader} is shown nothing that {keeper} keeps");
        let expected = (reader != keeper).then_some(true);
        assert_eq!(held(&report, &words), expected, "{words}");
    }
    for leak in [
        "search", "read", "paging", "counts", "feed", "error", "log", "metrics",
    ] {
        assert_eq!(held(&report, &format!("(leak: {leak})")), Some(true), "{leak}");
    }
    let tables = report["tables"].as_array().unwrap();
    let table = tables
        .iter()
        .find(|table| table["title"] == "Who sees what another trust keeps");
    let rows = table.unwrap()["rows"].as_array().unwrap();
    assert!(rows.len() > 60, "every path has its row: {}", rows.len());
    assert!(
        rows.iter().all(|row| row.as_array().unwrap().len() == 1 + 6),
        "six ordered pairs"
    );
}

#[test]
fn scenarios_16_each_planted_leak_is_found_by_name() {
    for leak in [
        "search", "read", "paging", "counts", "bulk", "error", "log", "metrics",
    ] {
        let planted = format!("leak={leak}");
        let (code, report, talk) = play(&["shared-instance", "-p", "people=80", "-p", &planted]);
        assert_eq!(code, Some(1), "{leak}: {talk}");
        let failed = failures(&report);
        assert!(failed.contains(&format!("(leak: {leak})")), "{leak}: {failed}");
        assert!(
            !failed.contains("by every path"),
            "{leak}: the proof itself stands: {failed}"
        );
    }
}

#[test]
fn scenarios_15_a_feed_that_is_misrouted_is_found_by_name() {
    let (code, report, talk) = play(&["shared-instance", "-p", "people=120", "-p", "leak=feed"]);
    assert_eq!(code, Some(1), "{talk}");
    let failed = failures(&report);
    assert!(failed.contains("(leak: feed)"), "{failed}");
}

#[test]
fn scenarios_18_without_an_origin_the_circle_is_found() {
    let (code, report, talk) = play(&["shared-instance", "-p", "people=120", "-p", "leak=circle"]);
    assert_eq!(code, Some(1), "{talk}");
    let failed = failures(&report);
    assert!(failed.contains("delivered nowhere again"), "{failed}");
}

/// A gateway that leads whatever comes to the other one.
fn circle(name: &str, other: SocketAddr) -> String {
    format!(
        "[gateway]\nhttp = '127.0.0.1:0'\norigin = '{name}'\n\
         [[endpoint]]\nname = 'in'\nlisten = 'mllp://127.0.0.1:2575'\n\
         [[endpoint]]\nname = 'other'\nsend = 'mllp://{other}'\nretry-first-ms = 20\nretry-longest-ms = 50\n\
         [[interface]]\nname = 'round'\nfrom = 'in'\nto = 'other'\n"
    )
}

/// An address that leads to another one as soon as that is known: each gateway must know the other before it starts.
fn lead(to: &Arc<OnceLock<SocketAddr>>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let to = Arc::clone(to);
    thread::spawn(move || {
        for here in listener.incoming().flatten() {
            let Some(there) = to.get().and_then(|to| TcpStream::connect(to).ok()) else {
                continue;
            };
            for (mut from, mut into) in [
                (here.try_clone().unwrap(), there.try_clone().unwrap()),
                (there, here),
            ] {
                thread::spawn(move || drop(std::io::copy(&mut from, &mut into)));
            }
        }
    });
    address
}

#[test]
fn scenarios_18_two_gateways_back_to_back_hand_a_message_round_once() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, other| {
        let file = folder.path().join(format!("{name}.toml"));
        fs::write(&file, circle(name, other)).unwrap();
        Serving::start(&["--config", file.to_str().unwrap()])
    };
    let known = Arc::new(OnceLock::new());
    let south = start("south", lead(&known));
    let north = start("north", south.mllp("gateway"));
    known.set(north.mllp("gateway")).unwrap();
    let message = "MSH|^~\\&|PAS|RYJ|EPR|RYJ|20260302103412||ADT^A31|ROUND1|T|2.4\r\
                   EVN|A31|20260302103412\rPID|1||7^^^RYJ^MR||SYNTHETIC^PERSON\r";
    assert!(
        north
            .send("gateway", message.as_bytes())
            .contains("MSA|AA|ROUND1")
    );
    // North tells south, south tells north, north knows its own name: two deliveries, and silence.
    let status = |serving: &Serving| serving.get_json("/api/v1/status");
    north.wait_for("the message is back", |north| {
        (status(north)["messages"]["unrouted"] == 1).then_some(())
    });
    south.wait_for("the answer is in the journal", |south| {
        (delivered(&status(south)) == 1).then_some(())
    });
    assert_eq!(delivered(&status(&north)), 1);
    assert_eq!(status(&south)["messages"]["routed"], 1, "south heard it once");
}

fn delivered(status: &Value) -> u64 {
    let deliveries = status["deliveries"].as_array().cloned().unwrap_or_default();
    let counts = deliveries.iter().filter(|line| line["state"] == "delivered");
    counts.map(|line| line["count"].as_u64().unwrap()).sum()
}

#[test]
fn trusts_that_are_not_in_the_file_and_words_that_do_not_exist_are_exit_2() {
    let played = eprgw(&["run", "shared-instance", "-p", "trusts=5"]);
    assert_eq!(played.status.code(), Some(2));
    let folder = tempfile::tempdir().unwrap();
    let story = folder.path().join("wrong.toml");
    fs::write(&story, "story = \"x\"\n[[step]]\nsplitt = { at = \"domain\" }\n").unwrap();
    let played = eprgw(&["run", story.to_str().unwrap()]);
    let talk = String::from_utf8_lossy(&played.stderr).into_owned();
    assert_eq!(played.status.code(), Some(2), "{talk}");
    assert!(
        talk.contains(":3: no step is called `splitt`; did you mean `split`?"),
        "{talk}"
    );
    let played = eprgw(&["run", "shared-instance", "--at", "http://127.0.0.1:9"]);
    assert_eq!(played.status.code(), Some(4));
}
