//! One patient told in five dialects is one patient; a merge is one merge; identifiers are found by who assigned them.

use hl7v2::Message;

use super::{converted, dialect, messages, normalised, rendered, segment, told_in, value};

/// In capitals and ASCII, with what all of them can say.
const STORY: &str = "MSH|^~\\&|HUB|HUB|||202603021034||ADT^A01^ADT_A01|1|P|2.5.1
EVN|A01|202603021034|||U0417|202603021015
PID|1||40712331^^^RRV^MR~9994100378^^^NHS^NH||OKONKWO^MARGARET^ANNE^^MRS^^L||19470819|F|||14 LARKSPUR MEWS^PIMLICO^LONDON^GREATER LONDON^ZZ99 1AB^GBR^H||02079460142^PRN^PH~07700900142^PRS^CP||EN|W|C22|||||P||||||||N
PD1|||LARKSPUR SURGERY^^X99901|G9990311^DHILLON^H^^^DR^^^GMP
PV1|1|I|T07^T07B^T07-12^RRV03|21|||C9990101^ALDERTON^JAMES^^^MR^^^GMC|C9990102^BHATT^SUNITA^^^DR^^^GMC||320||||19|||||V0002603091^^^RRV^VN|||||||||||||||||19|1|||||||202603021015|202603061500
";

#[test]
fn the_same_story_in_five_dialects_is_one_story() {
    let trust: &[(&str, &str)] = &[("trust", "RRV")];
    for name in super::NAMES {
        let told = rendered(name, STORY, trust);
        let back = normalised(name, &told, trust);
        assert_eq!(segment(&back, "PID"), segment(STORY, "PID"), "{name}\n{told}");
        // Only a local code that the dialect itself uses stands beside the national one.
        let pv1 = segment(&back, "PV1").replace("320^^^41008^^PLW-HL7", "320");
        assert_eq!(pv1, segment(STORY, "PV1"), "{name}\n{told}");
    }
}

/// Where a dialect says more or less than the story, and its resources with it: dialect, whether it says more, what.
const DIFFERENCES: &[(&str, bool, &str)] = &[
    // Its own code beside the national one.
    ("carecast-uclh", true, "/encounter/serviceType/coding/1"),
    // HL7 2.2 has no PD1, and so no practice.
    ("lastword-cw", false, "/patient/generalPractitioner/0"),
];

/// Takes an item out of a list, which must be there.
fn take_out(resources: &mut serde_json::Value, place: &str) {
    let (list, index) = place.rsplit_once('/').unwrap();
    let list = resources
        .pointer_mut(list)
        .and_then(serde_json::Value::as_array_mut);
    list.unwrap().remove(index.parse().unwrap());
}

#[test]
fn the_same_story_in_five_dialects_is_one_fhir_patient_and_one_encounter() {
    let settings = translate::Settings {
        carry_original: false,
        dialect: vec![("trust".to_owned(), "RRV".to_owned())],
        ..translate::Settings::default()
    };
    let translator = translate::Translator::new(settings).unwrap();
    let made = |name: &str, message: &str| {
        let bytes = super::bytes(message);
        let bundle = translator.to_fhir(&Message::parse(&bytes).unwrap(), dialect(name), None);
        let bundle: serde_json::Value = serde_json::from_slice(&fhir::to_vec(&bundle)).unwrap();
        let of_type = |kind: &str| {
            let entries = bundle["entry"].as_array().unwrap().iter();
            let mut found = entries.map(|entry| &entry["resource"]);
            found
                .find(|resource| resource["resourceType"] == kind)
                .unwrap()
                .clone()
        };
        serde_json::json!({ "patient": of_type("Patient"), "encounter": of_type("Encounter") })
    };
    let expected = made("standard", STORY);
    assert_eq!(
        expected["encounter"]["class"]["code"], "IMP",
        "the story itself says something"
    );
    for name in super::NAMES {
        let mut found = made(name, &rendered(name, STORY, &[("trust", "RRV")]));
        let mut wanted = expected.clone();
        for (_, more, place) in DIFFERENCES.iter().filter(|(dialect, _, _)| *dialect == name) {
            take_out(if *more { &mut found } else { &mut wanted }, place);
        }
        assert_eq!(found, wanted, "{name}");
    }
}

#[test]
fn each_dialect_tells_it_in_its_own_way() {
    let trust: &[(&str, &str)] = &[("trust", "RRV")];
    let told = |name| rendered(name, STORY, trust);
    let carecast = told("carecast-uclh");
    assert!(
        segment(&carecast, "PID").starts_with("PID|1||40712331^^^MRENTR^MEDREC~9994100378||OKONKWO^MARGARET")
    );
    assert_eq!(value(&carecast, "PV1-10"), "41008");
    assert_eq!(value(&carecast, "ZLC-15"), "W");
    assert_eq!(value(&carecast, "ZLC-8"), "19");
    assert_eq!(value(&carecast, "PID-13[2]"), "07700900142");
    let lastword = told("lastword-cw");
    assert!(segment(&lastword, "PID").starts_with("PID|1||40712331^^^CWMRN^HN|9994100378|OKONKWO^MARGARET"));
    assert_eq!(segment(&lastword, "PD1"), "", "HL7 2.2 has none");
    assert_eq!(value(&lastword, "PV1-8.1"), "G9990311");
    let millennium = told("millennium");
    assert!(segment(&millennium, "PID").starts_with(
        "PID|1|40712331^^^UCLH MRN^MRN|40712331^^^UCLH MRN^MRN~9994100378^^^NHSNBR^NHSNMBR||OKONKWO"
    ));
    assert_eq!(value(&millennium, "PV1-2"), "Inpatient");
    assert_eq!(value(&millennium, "PID-22.2"), "Any other Black background");
    let raw = told("millennium-raw");
    assert_eq!(value(&raw, "PID-3.5"), "CD:10");
    assert_eq!(value(&raw, "PID-18.5"), "CD:1077");
    assert_eq!(value(&raw, "PID-22"), "CD:312514");
    let epic = told("epic-uclh");
    assert_eq!(value(&epic, "PV1-50"), "V0002603091");
    assert_eq!(value(&epic, "PV1-10"), "Cardiology");
    assert_eq!(value(&epic, "PID-3[2].5"), "HN");
    assert_eq!(value(&epic, "PV1-7.9"), "CDS");
    let itk = told("itk");
    assert_eq!(value(&itk, "PID-3.1"), "9994100378", "the NHS number first");
    assert_eq!(value(&itk, "PID-8"), "2");
    assert_eq!(value(&itk, "EVN-1"), "");
    assert_eq!(value(&itk, "PV1-3.3"), "T07B-T07-12");
    assert_eq!(value(&itk, "MSH-21"), "iTKv1.0");
}

/// What every dialect's fixture of her says once it is canonical; the rest differs as trusts do.
const MARGARET: &[(&str, &str)] = &[
    ("PID-5.1", "OKONKWO"),
    ("PID-5.2", "MARGARET"),
    ("PID-5.3", "ANNE"),
    ("PID-5.7", "L"),
    ("PID-7", "19470819"),
    ("PID-8", "F"),
    ("PID-11.1", "14 LARKSPUR MEWS"),
    ("PID-11.4", "GREATER LONDON"),
    ("PID-11.5", "ZZ99 1AB"),
    ("PID-11.7", "H"),
    ("PID-13.1", "02079460142"),
    ("PID-13.2", "PRN"),
    ("PID-13[2].3", "CP"),
    ("PID-16", "W"),
    ("PID-17", "C22"),
    ("PID-22.1", "P"),
    ("PD1-4.1", "G9990311"),
    ("PD1-4.9", "GMP"),
    ("PV1-2", "I"),
    ("PV1-4", "21"),
    ("PV1-14", "19"),
    ("PV1-19.5", "VN"),
];

#[test]
fn margaret_of_the_fixtures_is_one_person() {
    let mut told = 0;
    for (path, bytes) in messages("messages") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with("margaret-1-admission.hl7") {
            continue;
        }
        let message = String::from_utf8(bytes).unwrap().replace('\r', "\n");
        let canonical = normalised(told_in(&path), &message, &[]);
        for (place, expected) in MARGARET {
            assert_eq!(
                value(&canonical, place).to_ascii_uppercase(),
                *expected,
                "{place} of {}",
                path.display()
            );
        }
        assert!(
            segment(&canonical, "PID").contains("9994100378^^^NHS^NH||"),
            "{canonical}"
        );
        told += 1;
    }
    assert_eq!(told, 5);
}

const MERGE: &str = "MSH|^~\\&|HUB|HUB|||202604081015||ADT^A40^ADT_A39|1|P|2.5.1
EVN|A40|202604081015
PID|1||40199120^^^RRV^MR~9994102591^^^NHS^NH||ADEYEMI^SEUN^^^MR^^L||19710905|M
MRG|40899301^^^RRV^MR
";

#[test]
fn a_merge_has_three_names_and_one_meaning() {
    let trust: &[(&str, &str)] = &[("trust", "RRV")];
    let events = [
        ("carecast-uclh", "A34"),
        ("lastword-cw", "A18"),
        ("millennium", "A34"),
        ("millennium-raw", "A34"),
        ("epic-uclh", "A40"),
        ("itk", "A40"),
    ];
    for (name, event) in events {
        let told = rendered(name, MERGE, trust);
        assert_eq!(value(&told, "MSH-9.2"), event, "{name}");
        assert_eq!(
            value(&told, "EVN-1"),
            if name == "itk" { "" } else { event },
            "{name}"
        );
        let back = normalised(name, &told, trust);
        assert_eq!(segment(&back, "MRG"), segment(MERGE, "MRG"), "{name}\n{told}");
        assert_eq!(segment(&back, "PID"), segment(MERGE, "PID"), "{name}\n{told}");
        assert_eq!(
            (value(&back, "MSH-9.2"), value(&back, "MSH-9.3")),
            ("A40".into(), "ADT_A39".into()),
            "{name}"
        );
    }
    let forty: &[(&str, &str)] = &[("merge-event", "A40")];
    assert_eq!(value(&rendered("millennium", MERGE, forty), "MSH-9.2"), "A40");
}

#[test]
fn a_merge_of_two_pairs_keeps_the_event_that_can_say_it() {
    let two = format!("{MERGE}PID|2||40199121^^^RRV^MR\nMRG|40899302^^^RRV^MR\n");
    for name in ["carecast-uclh", "lastword-cw", "millennium"] {
        assert_eq!(value(&rendered(name, &two, &[]), "MSH-9.2"), "A40", "{name}");
    }
}

#[test]
fn identifiers_are_found_by_their_pool_in_any_order() {
    let pools = [
        "2126675^^^CWFT MRN^MRN^CD:5294811",
        "1300977^^^ICHT MRN^MRN^CD:5294405",
        "994952^^^CMRN Pool^^LASTWORD CW",
        "9994104810^^^NHSNBR^NHSNMBR",
    ];
    let mut orders = Vec::new();
    for a in 0..4 {
        for b in 0..4 {
            for c in 0..4 {
                for d in 0..4 {
                    let mut seen = [a, b, c, d];
                    seen.sort_unstable();
                    if seen == [0, 1, 2, 3] {
                        orders.push([a, b, c, d]);
                    }
                }
            }
        }
    }
    assert_eq!(orders.len(), 24);
    for order in orders {
        let field = order.map(|number| pools[number]).join("~");
        let message = format!(
            "MSH|^~\\&|CERNER|RYJ|||20260316||ADT^A04|Q1T1|P|2.3\nPID|1|994952^^^CMRN Pool|{field}||X^Y\n"
        );
        let canonical = normalised("millennium", &message, &[]);
        assert_eq!(
            segment(&canonical, "PID"),
            "PID|1||2126675^^^RQM^MR^CD:5294811~1300977^^^RYJ^MR^CD:5294405~994952^^^CMRN^PI^LASTWORD CW~9994104810^^^NHS^NH||X^Y",
            "{field}"
        );
    }
}

#[test]
fn a_bare_number_is_a_candidate_only_with_a_right_check_digit() {
    let message = |number: &str| {
        format!(
            "MSH|^~\\&|CARECAST|UCLH|||202603021034||ADT^A28|1|P|2.4\nPID|1||1^^^MRENTR^MEDREC~{number}\n"
        )
    };
    let (told, trace) = converted("carecast-uclh", "standard", &message("9994100378"));
    assert!(told.contains("~9994100378^^^NHS^NH"));
    let line = trace
        .line(&"PID-3[2]".parse::<hl7v2::Location>().unwrap().to_leaf())
        .unwrap();
    assert!(
        matches!(line.fate, hl7v2::edit::Fate::Transformed(_)) && line.note.contains("candidate"),
        "{line:?}"
    );
    let (told, _) = converted("carecast-uclh", "standard", &message("9994100379"));
    assert!(
        told.contains("~9994100379\n"),
        "a wrong check digit stays what it was: {told}"
    );
    let (told, _) = converted("carecast-uclh", "standard", &message("12345"));
    assert!(told.contains("~12345\n"));
}

#[test]
fn every_fixture_is_recognised_by_its_dialect() {
    let all: Vec<_> = super::NAMES.iter().map(|name| dialect(name)).collect();
    for (path, bytes) in messages("messages") {
        let message = Message::parse(&bytes).unwrap();
        let found = translate::dialect::recognise(&message, all.iter().copied());
        assert_eq!(found.name, told_in(&path), "{}", path.display());
    }
    let plain = b"MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5.1\rPID|1||1^^^X^MR\r";
    assert_eq!(
        translate::dialect::recognise(&Message::parse(plain).unwrap(), all).name,
        "standard"
    );
}
