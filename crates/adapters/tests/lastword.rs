//! LastWord and Carecast: the numbered list at the end of the vendor's facts, as far as it is built.

#![allow(clippy::unwrap_used)] // also in what the tests call

mod harness;

use adapters::Standing;
use harness::{Receiver, System, code, field, settings, vendor};
use hl7v2::{Message, Time};
use serde_json::json;

async fn system(profile: &str) -> System {
    let vendor = vendor("lastword");
    System::with(vendor, settings(vendor, profile)).await
}

async fn told(system: &System, action: serde_json::Value) -> String {
    String::from_utf8(system.act(action).await.message.to_vec()).unwrap()
}

/// Registers and admits somebody; the message of the admission.
async fn admitted(system: &System) -> String {
    let full = json!({"register": {"mrn": "40000017", "nhs-number": "9990000018", "family": "Plum", "given": "Ivy",
        "birth-date": "1970-02-28", "sex": "female", "address": "1 Acorn Street", "city": "London",
        "postcode": "ZZ1 1AA", "ethnicity": "A", "marital-status": "M"}});
    system.act(full).await;
    told(system, json!({"admit": {"patient": "40000017", "ward": "T06", "room": "T06A", "bed": "T06-30", "specialty": "31015", "consultant": "ALDJ01"}})).await
}

/// Somebody of the first index with everything an extract holds.
async fn seeded(profile: &str) -> System {
    let vendor = vendor("lastword");
    let mut settings = settings(vendor, profile);
    settings.people = 60;
    settings.seed = 7;
    System::with(vendor, settings).await
}

/// The number of a seeded person of the first profile.
fn seeded_mrn(index: u64) -> String {
    (50_000_000 + index * 7).to_string()
}

#[tokio::test]
async fn lastword_01_two_profiles_differ_by_configuration_only() {
    let uclh = admitted(&system("carecast-uclh").await).await;
    let cw = admitted(&system("lastword-cw").await).await;
    assert_eq!(
        (field(&uclh, "MSH", 3), field(&uclh, "MSH", 4)),
        ("CARECAST".into(), "UCLH".into())
    );
    assert_eq!(
        (field(&cw, "MSH", 3), field(&cw, "MSH", 4)),
        ("LASTWORD".into(), "RQM".into())
    );
    assert_eq!(field(&uclh, "PID", 3), "40000017^^^MRENTR^MEDREC~9990000018");
    assert_eq!(
        (field(&cw, "PID", 3), field(&cw, "PID", 4)),
        ("40000017^^^CWMRN^HN".into(), "9990000018".into())
    );
    let update = |mrn: u64| json!({"update": {"patient": mrn.to_string(), "title": "MX"}});
    let uclh = told(&seeded("carecast-uclh").await, update(50_000_000)).await;
    let cw = told(&seeded("lastword-cw").await, update(5_000_000)).await;
    assert!(uclh.contains("\rPD1|") && !cw.contains("\rPD1|"), "no PD1 in 2.2");
}

#[tokio::test]
async fn lastword_02_times_have_twelve_digits_and_no_zone() {
    for profile in ["carecast-uclh", "lastword-cw"] {
        let message = admitted(&system(profile).await).await;
        assert_eq!(
            field(&message, "MSH", 7),
            "202606011000",
            "summer time on the hospital's clock"
        );
        for (segment, n) in [("EVN", 2), ("PV1", 44)] {
            assert_eq!(
                field(&message, segment, n).len(),
                12,
                "{segment}-{n} in {message}"
            );
        }
    }
}

#[tokio::test]
async fn lastword_03_control_ids_are_plw_and_seventeen_digits_and_grow() {
    let system = system("carecast-uclh").await;
    let mut last = String::new();
    for place in 0..5 {
        let report = system
            .act(json!({"register": {"family": format!("Plum{place}")}}))
            .await;
        let id = report.control_id;
        assert!(
            id.len() == 20
                && id
                    .strip_prefix("PLW")
                    .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit())),
            "{id}"
        );
        assert!(id > last, "{id} after {last}");
        last = id;
    }
}

#[tokio::test]
async fn lastword_04_says_al_and_ne_and_is_content_with_one_answer() {
    let receiver = Receiver::answering(|_| hl7v2::ack::AckCode::CA).await;
    let vendor = vendor("lastword");
    let mut settings = settings(vendor, "carecast-uclh");
    settings.send_to = Some(receiver.address());
    let system = System::with(vendor, settings).await;
    let message = told(&system, json!({"register": {"family": "Plum"}})).await;
    assert_eq!(
        (field(&message, "MSH", 15), field(&message, "MSH", 16)),
        ("AL".into(), "NE".into())
    );
    system.epr.outbox_empty().await;
    assert_eq!(system.epr.outbox().delivered, 1);
}

#[tokio::test]
async fn lastword_05_the_nhs_number_is_bare_for_a_share_of_people() {
    let vendor = vendor("lastword");
    for (share, wanted) in [("0", 0..=0), ("70", 25..=55), ("100", 60..=60)] {
        let mut settings = settings(vendor, "carecast-uclh");
        settings.choices.insert("bare-nhs-share".into(), share.into());
        settings.people = 60;
        let system = System::with(vendor, settings).await;
        let mut bare = 0;
        for index in 0..60 {
            let message = told(
                &system,
                json!({"update": {"patient": seeded_mrn(index), "title": "MX"}}),
            )
            .await;
            let pid3 = field(&message, "PID", 3);
            let second = pid3.split('~').nth(1).unwrap();
            bare += usize::from(!second.contains('^'));
            assert!(second.len() == 10 || second.ends_with("^^^NHS^NH"), "{second}");
        }
        assert!(wanted.contains(&bare), "{bare} of 60 bare at {share} per cent");
    }
}

#[tokio::test]
async fn lastword_06_ethnicity_stands_in_pid_10_or_pid_22() {
    let vendor = vendor("lastword");
    let mut settings = settings(vendor, "carecast-uclh");
    let ten = admitted(&System::with(vendor, settings.clone()).await).await;
    assert_eq!(
        (field(&ten, "PID", 10), field(&ten, "PID", 22)),
        ("A".into(), String::new())
    );
    settings.choices.insert("ethnicity".into(), "PID-22".into());
    let other = admitted(&System::with(vendor, settings).await).await;
    assert_eq!(
        (field(&other, "PID", 10), field(&other, "PID", 22)),
        (String::new(), "A".into())
    );
}

#[tokio::test]
async fn lastword_07_marital_status_travels_in_zlc_only() {
    let uclh = admitted(&system("carecast-uclh").await).await;
    assert_eq!(
        (field(&uclh, "PID", 16), field(&uclh, "ZLC", 15)),
        (String::new(), "M".into())
    );
    let cw = admitted(&system("lastword-cw").await).await;
    assert_eq!(field(&cw, "PID", 16), "M");
    assert!(!cw.contains("\rZLC"));
}

#[tokio::test]
async fn lastword_08_local_segments_have_their_fields() {
    let system = seeded("carecast-uclh").await;
    let message = told(
        &system,
        json!({"admit": {"patient": seeded_mrn(3), "ward": "T06", "specialty": "31015"}}),
    )
    .await;
    assert_eq!(field(&message, "ZLW", 23), "ADM");
    assert_eq!(
        (field(&message, "ZLW", 36), field(&message, "ZLW", 38)),
        ("N".into(), "N".into())
    );
    assert_eq!(
        (field(&message, "ZUK", 1), field(&message, "ZUK", 2)),
        ("Q05".into(), "5K7".into())
    );
    assert!(field(&message, "ZUK", 28).ends_with("^2.16.840.1.113883.2.1.4.3"));
    assert_eq!(
        (field(&message, "ZUK", 32), field(&message, "ZUK", 41)),
        ("31015".into(), "31015".into())
    );
}

#[tokio::test]
async fn lastword_09_flags_ride_in_obx_with_codes_in_components_four_to_six() {
    let message = admitted(&system("carecast-uclh").await).await;
    assert!(
        message.contains("|^^^ABC^Assign Benefits^PLW-HL7||Y|"),
        "{message}"
    );
    assert!(
        message.contains("|^^^LRRF^Local Return Flag^PLW-HL7||~~~~14~1|"),
        "{message}"
    );
}

#[tokio::test]
async fn lastword_10_pd1_4_has_four_repeats_of_four_kinds() {
    let system = seeded("carecast-uclh").await;
    let message = told(
        &system,
        json!({"update": {"patient": seeded_mrn(1), "title": "MX"}}),
    )
    .await;
    let pd1 = field(&message, "PD1", 4);
    let repeats: Vec<&str> = pd1.split('~').collect();
    assert_eq!(repeats.len(), 4, "{pd1}");
    assert!(repeats[0].starts_with("G999") && repeats[1].starts_with('^'));
    assert!(
        repeats[1].contains("Z9990") && repeats[2].contains("MOLAR") && repeats[3].contains("DENTAL SURGERY")
    );
}

#[tokio::test]
async fn lastword_11_pv1_8_is_the_gp_and_then_the_referrer() {
    let mut system = system("carecast-uclh").await;
    system
        .told(&[
            "MSH|^~\\&|CARECAST|UCLH|EPRGW||202603021034||ADT^A01|X1|P|2.4|||AL|NE",
            "EVN|A01|202603021034",
            "PID|1||40000017^^^MRENTR^MEDREC||PLUM^Ivy||19700228|F",
            "PD1||||G9990311^DHILLON^H^^^DR",
            "PV1|1|I|T07^T07B^T07-12|||||BHAS02^BHATT^SUNITA^^^DR|||||||||||V1",
        ])
        .await;
    let message = told(
        &system,
        json!({"transfer": {"patient": "40000017", "ward": "T08"}}),
    )
    .await;
    assert_eq!(
        field(&message, "PV1", 8),
        "G9990311^DHILLON^H^^^DR~BHAS02^BHATT^SUNITA^^^DR"
    );
}

#[tokio::test]
async fn lastword_12_specialties_have_five_digits_at_uclh_and_three_at_the_other_site() {
    for (profile, digits) in [("carecast-uclh", 5), ("lastword-cw", 3)] {
        let system = seeded(profile).await;
        let mut seen = 0;
        for index in 0..60 {
            let number = if digits == 5 {
                seeded_mrn(index)
            } else {
                (5_000_000 + index * 7).to_string()
            };
            let message = told(&system, json!({"update": {"patient": number, "title": "MX"}})).await;
            let specialty = field(&message, "PV1", 10);
            if !specialty.is_empty() {
                assert_eq!(specialty.len(), digits, "{specialty}");
                seen += 1;
            }
        }
        assert!(seen > 0, "somebody is in hospital");
    }
}

#[tokio::test]
async fn lastword_13_bed_ids_hold_hyphens_and_repeat_on_other_wards() {
    let vendor = vendor("lastword");
    let mut settings = settings(vendor, "carecast-uclh");
    settings.people = 400;
    let system = System::with(vendor, settings).await;
    let mut beds = std::collections::BTreeMap::<String, std::collections::BTreeSet<String>>::new();
    for index in 0..400 {
        let message = told(
            &system,
            json!({"update": {"patient": seeded_mrn(index), "title": "MX"}}),
        )
        .await;
        let place = field(&message, "PV1", 3);
        if let [ward, _, bed] = place.split('^').collect::<Vec<_>>()[..] {
            beds.entry(bed.to_owned()).or_default().insert(ward.to_owned());
        }
    }
    assert!(beds.keys().all(|bed| bed.contains('-')), "{:?}", beds.keys());
    assert!(beds.values().any(|wards| wards.len() == 2), "{beds:?}");
}

#[tokio::test]
async fn lastword_14_values_are_cut_to_width_folded_and_upper_cased() {
    let long = json!({"register": {"mrn": "1", "family": "Featherstonehaugh-Cholmondeley-Smythe", "given": "Renée",
        "address": "Apartment 1207 The Imperial Embankment Tower", "city": "London"}});
    let uclh = told(&system("carecast-uclh").await, long.clone()).await;
    assert_eq!(field(&uclh, "PID", 5), "FEATHERSTONEHAUGH-CHOLMONDELEY^Renee");
    assert_eq!(
        field(&uclh, "PID", 11).split('^').next(),
        Some("Apartment 1207 The Imperial Embankm")
    );
    let cw = told(&system("lastword-cw").await, long).await;
    assert_eq!(field(&cw, "PID", 5), "FEATHERSTONEHAUGH-CHOLMONDELEY^RENEE");
    assert_eq!(
        field(&cw, "PID", 11).split('^').next(),
        Some("APARTMENT 1207 THE IMPERIAL EMBANKM")
    );
}

#[tokio::test]
async fn lastword_15_births_are_sent_with_eight_and_with_twelve_digits() {
    let system = seeded("carecast-uclh").await;
    let mut lengths = std::collections::BTreeSet::new();
    for index in 0..60 {
        let message = told(
            &system,
            json!({"update": {"patient": seeded_mrn(index), "title": "MX"}}),
        )
        .await;
        let birth = field(&message, "PID", 7);
        assert!(birth.len() == 8 || birth.ends_with("0000"), "{birth}");
        lengths.insert(birth.len());
    }
    assert_eq!(lengths, [8, 12].into());
}

#[tokio::test]
async fn lastword_16_merges_are_a34_and_a18_and_both_are_understood() {
    for (profile, event, pool) in [
        ("carecast-uclh", "A34", "MRENTR^MEDREC"),
        ("lastword-cw", "A18", "CWMRN^HN"),
    ] {
        let mut system = system(profile).await;
        system
            .act(json!({"register": {"mrn": "1000001", "family": "Plum"}}))
            .await;
        system
            .act(json!({"register": {"mrn": "1000002", "family": "Plumm"}}))
            .await;
        let message = told(
            &system,
            json!({"merge": {"survivor": "1000001", "loser": "1000002"}}),
        )
        .await;
        assert_eq!(field(&message, "MSH", 9), format!("ADT^{event}"));
        assert_eq!(field(&message, "MRG", 1), format!("1000002^^^{pool}"));
        for (control, event, loser) in [("M1", "A34", "1000003"), ("M2", "A18", "1000004")] {
            system
                .told(&[
                    &format!("MSH|^~\\&|CARECAST|UCLH|||202603021034||ADT^{event}|{control}|P|2.2"),
                    &format!("EVN|{event}|202603021034"),
                    &format!("PID|1||1000001^^^{pool}||PLUM^Ivy"),
                    &format!("MRG|{loser}^^^{pool}"),
                ])
                .await;
            // Whatever comes later under the old number reaches the survivor.
            let report = system
                .act(json!({"update": {"patient": loser, "title": "MX"}}))
                .await;
            assert_eq!(report.mrn, "1000001");
        }
    }
}

#[tokio::test]
async fn lastword_17_has_no_fhir_face() {
    assert!(system("carecast-uclh").await.epr.router().is_none());
    assert!(vendor("lastword").fhir_base.is_none());
}

#[tokio::test]
async fn lastword_18_rejects_nothing_silently() {
    for profile in ["carecast-uclh", "lastword-cw"] {
        let mut system = system(profile).await;
        for (kind, place) in [
            ("ADT^A99", "MSH-9.2"),
            ("SIU^S12", "MSH-9.1"),
            ("ORU^R30", "MSH-9.2"),
        ] {
            let header = format!("MSH|^~\\&|A|B|||202603021034||{kind}|X1|P|2.2");
            let answer = system
                .send(&[&header, "PID|1||40000017^^^MRENTR^MEDREC||PLUM"])
                .await;
            assert_eq!(code(&answer), "AE", "{answer}");
            assert!(field(&answer, "MSA", 3).contains(place), "{answer}");
        }
        let answer = system
            .send(&[
                "MSH|^~\\&|A|B|||202603021034||ADT^A01|X1|P|2.2",
                "PID|1||||PLUM^Ivy",
                "PV1|1|I|T06",
            ])
            .await;
        assert_eq!(code(&answer), "AE");
        assert!(field(&answer, "MSA", 3).contains("PID-3"), "{answer}");
        assert!(!answer.contains("PLUM"), "an answer names places, not people");
    }
}

#[tokio::test]
async fn lastword_24_every_unknown_is_in_the_list_of_assumptions() {
    let assumptions = vendor("lastword").assumptions;
    for section in 1..=9 {
        let source = format!("lastword-carecast.md 4.{section}");
        let listed = assumptions
            .iter()
            .any(|known| known.source.contains(&source) && known.standing == Standing::Unknown);
        assert!(listed, "section 4.{section}");
    }
}

#[tokio::test]
async fn lastword_results_keep_their_history_and_are_told_in_its_own_shape() {
    let system = system("carecast-uclh").await;
    system
        .act(json!({"register": {"mrn": "40000017", "family": "Plum"}}))
        .await;
    let test = |value: &str| json!([{"code": "NA", "name": "Sodium", "value": value, "units": "mmol/L", "range": "133-146"}]);
    system.act(json!({"result": {"patient": "40000017", "filler": "F1", "service": ["UE", "Urea"], "tests": test("139.0")}})).await;
    let message = told(
        &system,
        json!({"correct-result": {"patient": "40000017", "filler": "F1", "tests": test("149.0")}}),
    )
    .await;
    assert_eq!(
        (field(&message, "MSH", 9), field(&message, "MSH", 12)),
        ("ORU^R01".into(), "2.2".into())
    );
    assert_eq!(field(&message, "OBR", 25), "C");
    assert_eq!(field(&message, "OBX", 3), "^^^NA^Sodium^PLW-HL7");
    assert_eq!(
        (field(&message, "OBX", 5), field(&message, "OBX", 11)),
        ("149.0".into(), "C".into())
    );
    let bytes = message.into_bytes();
    let message = Message::parse(&bytes).unwrap();
    assert!(Time::parse(&message.field("OBX", 14).text()).is_ok());
}
