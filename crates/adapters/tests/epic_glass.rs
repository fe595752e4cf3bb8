//! Break-the-Glass at Epic: a protected chart is told apart from one that is not there, and stays shut.
#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use axum::body::Body;
use harness::{Answer, System, settings, vendor};
use http::Request;
use serde_json::{Value, json};

const BASE: &str = "/epic/api/FHIR/R4";
const ANNE: &str = "PID|1||4080001^^^MRENTR^MEDREC||ALDER^ANNE||19700101|F||||||||||1234567801";
const BETH: &str = "PID|1||4080002^^^MRENTR^MEDREC||ALDER^BETH||19700101|F||||||||||1234567802";

fn code(answer: &Answer) -> String {
    let code = &answer.json()["issue"][0]["details"]["coding"][0]["code"];
    code.as_str().unwrap_or_default().to_owned()
}

/// Anne with a visit, a result and an allergy, Beth likewise; nobody is protected yet.
async fn start(assume: Option<&str>) -> System {
    let vendor = vendor("epic");
    let mut settings = settings(vendor, "epic-uclh");
    if let Some(value) = assume {
        settings.choices.insert("break-the-glass".into(), value.into());
    }
    settings.choices.insert("export-takes".into(), "0 seconds".into());
    let mut system = System::with(vendor, settings).await;
    for (n, pid) in [(1, ANNE), (2, BETH)] {
        let header =
            |code: &str, id: &str| format!("MSH|^~\\&|EPIC|UCLH|||20260601080000|USER|{code}|{id}{n}|P|2.4");
        let visit = "PV1|1|I|T06^T06A^T06-32|||||||||||||||||".to_owned() + &format!("123456780{n}");
        let allergy = "AL1|1|DA|91936005^Penicillin^SCT|SV|Rash";
        system
            .told(&[
                &header("ADT^A01", "1"),
                "EVN|A01|20260601080000",
                pid,
                &visit,
                allergy,
            ])
            .await;
        let order = format!("OBR|1||R{n}^LAB|NA^Sodium|||20260601083000|||||||||||||||20260601084500||LAB|F");
        let result = "OBX|1|NM|NA^Sodium||139|mmol/L|||||F";
        system.told(&[&header("ORU^R01", "2"), pid, &order, result]).await;
    }
    system
}

async fn people(system: &System, given: &str) -> Vec<Value> {
    let search = format!("{BASE}/Patient?family=Alder&given={given}&birthdate=1970-01-01");
    system.get(&search).await.resources()
}

async fn id(system: &System, given: &str) -> String {
    people(system, given).await[0]["id"].as_str().unwrap().to_owned()
}

async fn protect(system: &mut System, said: &str) {
    let header = format!("MSH|^~\\&|EPIC|UCLH|||20260601100000|USER|ADT^A31|P{said}|P|2.4");
    let pd1 = format!("PD1|||||||||||| {said}").replace(' ', "");
    system
        .told(&[&header, "EVN|A31|20260601100000", ANNE, &pd1])
        .await;
}

/// Every way into a chart.
async fn ways(system: &System, patient: &str) -> Vec<String> {
    let mut ways = vec![format!("Patient/{patient}")];
    for search in [
        "Encounter",
        "Observation?category=laboratory",
        "AllergyIntolerance",
        "DiagnosticReport",
    ] {
        let join = if search.contains('?') { '&' } else { '?' };
        let search = format!("{search}{join}patient={patient}");
        let found = system.get(&format!("{BASE}/{search}")).await.resources();
        assert!(found[0]["id"].is_string(), "{search}");
        let (kind, id) = (&found[0]["resourceType"], &found[0]["id"]);
        let (kind, id) = (kind.as_str().unwrap(), id.as_str().unwrap());
        ways.extend([search, format!("{kind}/{id}"), format!("{kind}?_id={id}")]);
        if kind == "Encounter" {
            let number = found[0]["identifier"][0]["value"].as_str().unwrap();
            ways.push(format!("Encounter?identifier={number}"));
        }
    }
    ways
}

#[tokio::test]
async fn epic_20_a_protected_chart_is_4130_by_every_way_and_another_is_not() {
    let mut system = start(None).await;
    let (anne, beth) = (id(&system, "Anne").await, id(&system, "Beth").await);
    let (into_anne, into_beth) = (ways(&system, &anne).await, ways(&system, &beth).await);
    protect(&mut system, "Y").await;
    for way in &into_anne {
        let answer = system.get(&format!("{BASE}/{way}")).await;
        assert_eq!((answer.status, code(&answer).as_str()), (403, "4130"), "{way}");
        assert!(
            !String::from_utf8_lossy(&answer.body)
                .to_lowercase()
                .contains("alder")
        );
    }
    for way in &into_beth {
        assert_eq!(system.get(&format!("{BASE}/{way}")).await.status, 200, "{way}");
    }
    // She is still found, or nobody could ask for her.
    assert_eq!(people(&system, "Anne").await.len(), 1);
    protect(&mut system, "N").await;
    for way in &into_anne {
        assert_eq!(system.get(&format!("{BASE}/{way}")).await.status, 200, "{way}");
    }
}

#[tokio::test]
async fn epic_20_the_site_may_refuse_for_good_which_is_4131() {
    let mut system = start(Some("refused")).await;
    let anne = id(&system, "Anne").await;
    protect(&mut system, "Y").await;
    let answer = system.get(&format!("{BASE}/Patient/{anne}")).await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "4131"));
}

#[tokio::test]
async fn epic_20_nothing_is_written_to_a_protected_chart_nor_exported_from_it() {
    let mut system = start(None).await;
    let anne = id(&system, "Anne").await;
    protect(&mut system, "Y").await;
    let allergy = json!({
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "111088007", "display": "Latex"}]},
        "patient": {"reference": format!("Patient/{anne}")},
    });
    let request = Request::post(format!("{BASE}/AllergyIntolerance"))
        .header("accept", "application/fhir+json")
        .header("content-type", "application/fhir+json");
    let answer = system
        .ask(request.body(Body::from(allergy.to_string())).unwrap())
        .await;
    assert_eq!((answer.status, code(&answer).as_str()), (403, "4130"));
    let statement = system.get(&format!("{BASE}/metadata")).await.json();
    let groups = statement["rest"][0]["resource"].as_array().unwrap().clone();
    let groups = groups.iter().find(|one| one["type"] == "Group").unwrap()["documentation"].clone();
    let group = groups
        .as_str()
        .unwrap()
        .split(' ')
        .find(|word| word.ends_with('3'))
        .unwrap()
        .to_owned();
    let request = Request::get(format!("{BASE}/Group/{group}/$export")).header("prefer", "respond-async");
    let started = system.ask(request.body(Body::empty()).unwrap()).await;
    let job = started
        .header("content-location")
        .strip_prefix("http://localhost")
        .unwrap()
        .to_owned();
    let told = system.get(&job).await.json();
    for file in told["output"].as_array().unwrap() {
        assert_eq!(file["count"], 1, "Beth's alone: {file}");
    }
    protect(&mut system, "N").await;
    let held = system
        .get(&format!("{BASE}/AllergyIntolerance?patient={anne}"))
        .await
        .resources();
    assert_eq!(held.len(), 1);
}

#[tokio::test]
async fn epic_20_the_keyboard_protects_too_and_a_merge_keeps_it() {
    let system = start(None).await;
    let (anne, beth) = (id(&system, "Anne").await, id(&system, "Beth").await);
    system
        .act(json!({"update": {"patient": "4080001", "protected": true}}))
        .await;
    assert_eq!(code(&system.get(&format!("{BASE}/Patient/{anne}")).await), "4130");
    system
        .act(json!({"merge": {"survivor": "4080002", "loser": "4080001"}}))
        .await;
    assert_eq!(code(&system.get(&format!("{BASE}/Patient/{beth}")).await), "4130");
}
