//! Millennium: one domain, several trusts. Whose visit it is, whose number, and what each trust's feed may say.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use harness::{System, code, field, settings, vendor};
use serde_json::{Value, json};

/// A domain that holds contributors to their trust.
async fn domain(choices: &[(&str, &str)]) -> System {
    let vendor = vendor("millennium");
    let mut settings = settings(vendor, "millennium");
    for (name, value) in [("contributor", "by-trust"), ("matching", "numbers-only")]
        .iter()
        .chain(choices)
    {
        settings.choices.insert((*name).into(), (*value).into());
    }
    System::with(vendor, settings).await
}

fn header(trust: &str, event: &str, control: &str) -> String {
    format!("MSH|^~\\&|CERNER|{trust}|||20260316101522||ADT^{event}|{control}|P|2.3")
}

fn pid(numbers: &str) -> String {
    format!("PID|1||{numbers}||Plum^Ivy||19700228000000|F")
}

/// One ADT event from a trust's feed, with a visit where one is given; the answer.
async fn feed(
    system: &mut System,
    trust: &str,
    event: &str,
    control: &str,
    numbers: &str,
    pv1: &str,
) -> String {
    let (msh, evn, pid) = (
        header(trust, event, control),
        format!("EVN|{event}|20260316101522"),
        pid(numbers),
    );
    let mut segments = vec![msh.as_str(), evn.as_str(), pid.as_str()];
    if !pv1.is_empty() {
        segments.push(pv1);
    }
    system.send(&segments).await
}

async fn told(system: &System, action: Value) -> String {
    let report = system.act(action).await;
    String::from_utf8(report.message.to_vec()).unwrap()
}

const IMPERIAL: &str = "1300977^^^ICHT MRN^MRN";
const CHELSEA: &str = "2126675^^^CWFT MRN^MRN";

#[tokio::test]
async fn millennium_23_a_contributor_gives_numbers_of_its_own_pool_only() {
    let mut system = domain(&[]).await;
    let wrong = feed(&mut system, "RQM", "A28", "Q1T1", IMPERIAL, "").await;
    assert_eq!(code(&wrong), "AE");
    assert!(field(&wrong, "MSA", 3).contains("PID-3.4"), "{wrong}");
    assert!(!wrong.contains("1300977") && !wrong.contains("Plum"), "{wrong}");
    assert_eq!(system.epr.people(), 0, "nobody was made of it");
    for unowned in [
        "77^^^CWMRN^MRN",
        "77^^^^MRN",
        "2126675^^^CWFT MRN^MRN~9^^^RAL MRN^MRN",
    ] {
        let answer = feed(&mut system, "RQM", "A28", "Q1T2", unowned, "").await;
        assert_eq!(code(&answer), "AE", "{unowned}");
    }
    assert_eq!(
        code(&feed(&mut system, "RYJ", "A28", "Q1T3", IMPERIAL, "").await),
        "AA"
    );
    // A number somebody has may be quoted: that is how a joining trust's number is added to a person.
    let both = format!("{IMPERIAL}~{CHELSEA}");
    assert_eq!(
        code(&feed(&mut system, "RQM", "A31", "Q1T4", &both, "").await),
        "AA"
    );
    assert_eq!(system.epr.people(), 1, "one person, two numbers");
    let message = told(&system, json!({"update": {"patient": "2126675", "title": "Ms"}})).await;
    assert!(
        field(&message, "PID", 3).contains("1300977") && field(&message, "PID", 3).contains("2126675"),
        "{message}"
    );
}

#[tokio::test]
async fn millennium_23_numbers_of_two_people_are_no_way_to_combine_them() {
    let mut system = domain(&[]).await;
    assert_eq!(
        code(&feed(&mut system, "RYJ", "A28", "Q1T1", IMPERIAL, "").await),
        "AA"
    );
    assert_eq!(
        code(&feed(&mut system, "RQM", "A28", "Q1T2", CHELSEA, "").await),
        "AA"
    );
    let both = format!("{IMPERIAL}~{CHELSEA}");
    let answer = feed(&mut system, "RQM", "A31", "Q1T3", &both, "").await;
    assert_eq!(code(&answer), "AE");
    assert!(
        field(&answer, "MSA", 3).contains("more than one person"),
        "{answer}"
    );
    // The same NHS number and birthday make nobody one person here: matching is done before the load.
    let nhs = "~9990000018^^^NHSNBR^NHSNMBR";
    for (trust, control, number) in [
        ("RYJ", "Q2T1", "11^^^ICHT MRN^MRN"),
        ("RQM", "Q2T2", "12^^^CWFT MRN^MRN"),
    ] {
        let answer = feed(&mut system, trust, "A28", control, &format!("{number}{nhs}"), "").await;
        assert_eq!(code(&answer), "AA", "{answer}");
    }
    assert_eq!(system.epr.people(), 4);
}

#[tokio::test]
async fn millennium_24_a_contributor_speaks_of_its_own_facilities_and_visits_only() {
    let mut system = domain(&[("contributor-refusal", "AR")]).await;
    let pv1 =
        |facility: &str| format!("PV1|1|Inpatient|Nell Gwynne^Bay 5^Bed 23^{facility}|||||||||||||||V77");
    let stranger = feed(&mut system, "RRX", "A28", "Q0T1", CHELSEA, "").await;
    assert_eq!(
        (code(&stranger), field(&stranger, "MSA", 3).contains("MSH-4")),
        ("AR".to_owned(), true)
    );
    let elsewhere = feed(&mut system, "RQM", "A01", "Q0T2", CHELSEA, &pv1("RYJ01")).await;
    assert_eq!(code(&elsewhere), "AR");
    assert!(field(&elsewhere, "MSA", 3).contains("PV1-3.4"), "{elsewhere}");
    assert_eq!(system.epr.people(), 0);
    let nowhere = feed(&mut system, "RQM", "A01", "Q0T3", CHELSEA, &pv1("")).await;
    assert_eq!(code(&nowhere), "AR", "a visit nobody owns");
    let own = feed(&mut system, "RQM", "A01", "Q0T4", CHELSEA, &pv1("RQM01")).await;
    assert_eq!(code(&own), "AA", "{own}");
    // The other trust knows the person, and may not touch the visit.
    let both = format!("{CHELSEA}~{IMPERIAL}");
    assert_eq!(
        code(&feed(&mut system, "RYJ", "A31", "Q0T5", &both, "").await),
        "AA"
    );
    let taken = feed(
        &mut system,
        "RYJ",
        "A03",
        "Q0T6",
        IMPERIAL,
        "PV1|1|Inpatient||||||||||||||||||V77",
    )
    .await;
    assert_eq!(code(&taken), "AR", "a discharge of another trust's visit");
}

#[tokio::test]
async fn millennium_20_a_visit_is_told_by_its_trust_and_keeps_its_pool() {
    let system = domain(&[("demographics-event", "A31")]).await;
    system
        .act(json!({"register": {"mrn": "2126675", "authority": "CWFT MRN", "family": "Plum"}}))
        .await;
    let admitted = told(
        &system,
        json!({"admit": {"patient": "2126675", "ward": "Nell Gwynne", "facility": "RQM01", "restricted": true}}),
    )
    .await;
    assert_eq!(field(&admitted, "MSH", 4), "RQM");
    assert_eq!(field(&admitted, "PV1", 39), "RQM01");
    assert!(
        field(&admitted, "PID", 18).contains("CWFT Encounter Num"),
        "{admitted}"
    );
    assert_eq!(field(&admitted, "PV2", 22), "Y");
    let moved = told(
        &system,
        json!({"transfer": {"patient": "2126675", "ward": "David Evans"}}),
    )
    .await;
    assert_eq!(
        (field(&moved, "MSH", 4), field(&moved, "PV1", 39)),
        ("RQM".into(), "RQM01".into()),
        "a move within the house stays in it"
    );
    let result = told(
        &system,
        json!({"result": {"patient": "2126675", "service": ["UE", "Urea"], "tests": [{"code": "NA", "value": "139"}]}}),
    )
    .await;
    assert_eq!(
        (field(&result, "MSH", 4), field(&result, "PV1", 39)),
        ("RQM".into(), "RQM01".into())
    );
    let update = told(&system, json!({"update": {"patient": "2126675", "title": "Ms"}})).await;
    assert_eq!(field(&update, "MSH", 9), "ADT^A31");
    assert!(
        !update.contains("David Evans") && !update.contains("PV1"),
        "no visit in what all may read: {update}"
    );
}
