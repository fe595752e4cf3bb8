//! Rules one by one: what each makes of its own form, and what it makes of the canonical one.

use std::collections::HashSet;
use std::path::Path;

use hl7v2::edit::Edit;
use hl7v2::{Location, Message};
use translate::dialect::DialectRule;

use super::{NAMES, Settings, bytes, context, converted, dialect, normalised, rendered, segment, value};

const MSH: &str = "MSH|^~\\&|A|B|||202601011200||ADT^A01|1|P|2.4";

/// A dialect, one of its rules, what the dialect writes, what is canonical.
type Case = (&'static str, &'static str, &'static str, &'static str);

/// Both ways: the rule turns the first form into the second and the second into the first.
const BOTH_WAYS: &[Case] = &[
    (
        "carecast-uclh",
        "PID-3 MRENTR^MEDREC~<NHS> > <ODS>^MR, NHS^NH",
        "PID|1||40712331^^^MRENTR^MEDREC~9994100378",
        "PID|1||40712331^^^RRV^MR~9994100378^^^NHS^NH",
    ),
    (
        "carecast-uclh",
        "PID-10 > PID-22",
        "PID|1|||||||||P",
        "PID|1|||||||||||||||||||||P",
    ),
    (
        "carecast-uclh",
        "ZLC-15 > PID-16",
        "PID|1\nZLC|||||||||||||||P",
        "PID|1|||||||||||||||A",
    ),
    (
        "carecast-uclh",
        "PID-5 untyped > legal name",
        "PID|1||||DOE^JANE",
        "PID|1||||DOE^JANE^^^^^L",
    ),
    (
        "carecast-uclh",
        "XAD.9 county > XAD.4",
        "PID|1||||||||||1 MEWS^^LONDON^^ZZ99 1AB^^H^^KENT\nNK1|1|||2 MEWS^^^^ZZ99 1AB^^^^KENT",
        "PID|1||||||||||1 MEWS^^LONDON^KENT^ZZ99 1AB^^H\nNK1|1|||2 MEWS^^^KENT^ZZ99 1AB",
    ),
    (
        "carecast-uclh",
        "PID-13 home~mobile~e-mail > typed",
        "PID|1||||||||||||02079460142~07700900142~x@example.org",
        "PID|1||||||||||||02079460142^PRN^PH~07700900142^PRS^CP~^NET^Internet^x@example.org",
    ),
    (
        "carecast-uclh",
        "PID-15.4 language > PID-15.1",
        "PID|1||||||||||||||Y",
        "PID|1||||||||||||||^^^Y^^INTERPRETER",
    ),
    (
        "carecast-uclh",
        "PV1-19 bare > <ODS>^VN; PID-18 = PV1-19",
        "PID|1|||||||||||||||||V0002603091\nOBR|1",
        "PID|1|||||||||||||||||V0002603091^^^RRV^VN\nOBR|1",
    ),
    (
        "millennium",
        "display texts > codes",
        "PID|1||||DOE^JANE^^^^^PREVIOUS\nPV1|1|Day Case",
        "PID|1||||DOE^JANE^^^^^NOUSE\nPV1|1|I^Day Case",
    ),
    (
        "epic-uclh",
        "display texts > codes",
        "PV1|1|SURG ADMIT",
        "PV1|1|I^SURG ADMIT",
    ),
    (
        "millennium-raw",
        "CD:<code value> > display text",
        "OBX|1|NM|CD:703511^Haemoglobin^LN",
        "OBX|1|NM|CD:703511^Haemoglobin^99CODEVALUE",
    ),
    (
        "carecast-uclh",
        "PID-15.4 language > PID-15.1",
        "PID|1||||||||||||||N^^^EN",
        "PID|1||||||||||||||EN^^^N^^INTERPRETER",
    ),
    (
        "carecast-uclh",
        "PD1-3 disability > PD1-6",
        "PD1|||N^NOT DISABLED",
        "PD1||||||N^NOT DISABLED",
    ),
    (
        "carecast-uclh",
        "PD1-4 GP~practice~dentist~surgery > PD1-4, PD1-3",
        "PD1||||0311^DHILLON^H^^^^^^^^^^^G9990311~^SURGERY^^^^^^^^^^^^X99901~D041^MOLAR^^^^^^^^^^^^D9990041~^DENTISTS^^^^^^^^^^^^V99941",
        "PD1|||SURGERY^^X99901~DENTISTS^^V99941|G9990311^DHILLON^H^^^^^^GMP^^^^^0311~D9990041^MOLAR^^^^^^^GDP^^^^^D041",
    ),
    (
        "carecast-uclh",
        "PV1-19 bare > <ODS>^VN; PID-18 = PV1-19",
        "PID|1|||||||||||||||||V1\nPV1|1||||||||||||||||||V2",
        "PID|1|||||||||||||||||V1\nPV1|1||||||||||||||||||V2^^^RRV^VN",
    ),
    (
        "carecast-uclh",
        "PV1-4 priority~method > PV2-25, PV1-4",
        "PV1|1|||U~21",
        "PV1|1|||21\nPV2|||||||||||||||||||||||||U",
    ),
    (
        "carecast-uclh",
        "PV1-3 ward^room^bed > with its site",
        "PV1|1||T06^T06A^T06-32",
        "PV1|1||T06^T06A^T06-32^RRV03",
    ),
    (
        "carecast-uclh",
        "XCN.1 by shape > XCN.9",
        "PV1|1||||||C9990101^ALDERTON",
        "PV1|1||||||C9990101^ALDERTON^^^^^^^GMC",
    ),
    (
        "carecast-uclh",
        "PV1-10 five digits > treatment function",
        "PV1|1|||||||||41008",
        "PV1|1|||||||||320^^^41008^^PLW-HL7",
    ),
    (
        "carecast-uclh",
        "ZLC-8 > PV1-14",
        "PV1|1\nZLC||||||||54",
        "PV1|1|||||||||||||54",
    ),
    (
        "carecast-uclh",
        "OBX-3.4 > OBX-3.1",
        "OBX|1|ST|^^^ABC^Benefits^PLW-HL7",
        "OBX|1|ST|ABC^Benefits^PLW-HL7",
    ),
    (
        "lastword-cw",
        "PID-3 CWMRN^HN, PID-4 <NHS> > PID-3 <ODS>^MR, NHS^NH",
        "PID|1||4071233^^^CWMRN^HN|9994100378",
        "PID|1||4071233^^^RQM^MR~9994100378^^^NHS^NH",
    ),
    (
        "lastword-cw",
        "PID-10 > PID-22",
        "PID|1|||||||||P",
        "PID|1|||||||||||||||||||||P",
    ),
    (
        "lastword-cw",
        "PID-16 NHS code > table 0002",
        "PID|1|||||||||||||||P",
        "PID|1|||||||||||||||A",
    ),
    (
        "lastword-cw",
        "PV1-14 local source > NHS code",
        "PV1|1|||||||||||||19",
        "PV1|1|||||||||||||19",
    ),
    (
        "millennium",
        "PID-3 alias pools > authorities",
        "PID|1||843124^^^RAL MRN^MRN^CD:5294405~9994100378^^^NHSNBR^NHSNMBR|||||||||||||||3393034^^^RAL Encounter Num^FINNBR",
        "PID|1||843124^^^RAL^MR^CD:5294405~9994100378^^^NHS^NH|||||||||||||||3393034^^^RAL^AN",
    ),
    (
        "millennium",
        "PID-2 repeats PID-3",
        "PID|1|1^^^RAL^MR|1^^^RAL^MR",
        "PID|1||1^^^RAL^MR",
    ),
    (
        "millennium",
        "PID-7 fourteen digits > date",
        "PID|1||||||19470819000000",
        "PID|1||||||19470819",
    ),
    (
        "millennium",
        "XTN.2 HOME, EMAIL, CD:3310891 > table 0201",
        "PID|1||||||||||||020^HOME~077^CD:3310891~x@example.org^EMAIL",
        "PID|1||||||||||||020^PRN^PH~077^PRS^CP~^NET^Internet^x@example.org",
    ),
    (
        "millennium",
        "PID-22 code^text > code",
        "PID|1|||||||||||||||||||||R^Other - Chinese",
        "PID|1|||||||||||||||||||||R",
    ),
    (
        "millennium",
        "PV1-18 repeats PV1-2",
        "PV1|1|I||||||||||||||||I",
        "PV1|1|I",
    ),
    (
        "millennium",
        "display texts > codes",
        "PID|1||||DOE^^^^^^CURRENT||||||A^^^^^^HOME||||English|Widowed\nPV1|1|Inpatient||Emergency||||||Cardiology||||Usual residence",
        "PID|1||||DOE^^^^^^L||||||A^^^^^^H||||EN|W\nPV1|1|I||21||||||320||||19",
    ),
    (
        "millennium",
        "XCN.9 GMC Number^Personnel^GMC > GMC",
        "PV1|1||||||C9990101^Alderton^^^^^^^GMC Number^Personnel^^^GMC",
        "PV1|1||||||C9990101^Alderton^^^^^^^GMC",
    ),
    (
        "millennium",
        "PV1-36 method, PV1-37 destination > exchanged",
        "PV1|1|||||||||||||||||||||||||||||||||||1|19",
        "PV1|1|||||||||||||||||||||||||||||||||||19|1",
    ),
    (
        "millennium-raw",
        "CD:<code value> > display text",
        "PID|1||1^^^RAL MRN^CD:10||DOE^^^^^^CD:766|||||||||||||||||CD:312514\nPV1|1|CD:391|||||1^A^^^^^^^CD:4112",
        "PID|1||1^^^RAL MRN^MRN||DOE^^^^^^CURRENT|||||||||||||||||P\nPV1|1|Inpatient|||||1^A^^^^^^^GMC Number",
    ),
    (
        "epic-uclh",
        "PID-3 MRENTR^MEDREC, NHS^HN > <ODS>^MR, NHS^NH",
        "PID|1||40800000^^^MRENTR^MEDREC~9994100378^^^NHS^HN",
        "PID|1||40800000^^^RRV^MR~9994100378^^^NHS^NH",
    ),
    (
        "epic-uclh",
        "PD1-4 GP~practice > PD1-4, PD1-3",
        "PD1||||G9990311^DHILLON~^SURGERY^^^^^^^^^^^^X99901",
        "PD1|||SURGERY^^X99901|G9990311^DHILLON",
    ),
    (
        "epic-uclh",
        "display texts > codes",
        "PID|1||||DOE^^^^^^D||||||A^^^^^ENGLAND^L\nPV1|1|||Emergency||||||||||Usual residence",
        "PID|1||||DOE^^^^^^L||||||A^^^^^GBR^H\nPV1|1|||21||||||||||19",
    ),
    (
        "epic-uclh",
        "PV1-18 repeats PV1-2",
        "PV1|1|I||||||||||||||||I",
        "PV1|1|I",
    ),
    (
        "epic-uclh",
        "PV1-3.4 U, .5 R, .11 department id > PV1-3.10",
        "PV1|1||T42E^T42E BY02^BY02-17^U^R^^^^^^1020",
        "PV1|1||T42E^T42E BY02^BY02-17^^^^^^^1020",
    ),
    (
        "epic-uclh",
        "PV1-10 text > treatment function",
        "PV1|1|||||||||Trauma \\T\\ Orthopaedics",
        "PV1|1|||||||||110",
    ),
    (
        "epic-uclh",
        "XCN.9 CDS > GMC",
        "PV1|1||||||C9990101^A^^^^^^^CDS^^^^CDS",
        "PV1|1||||||C9990101^A^^^^^^^GMC",
    ),
    (
        "epic-uclh",
        "PV1-36 method, PV1-37 destination > exchanged",
        "PV1|1|||||||||||||||||||||||||||||||||||4|79",
        "PV1|1|||||||||||||||||||||||||||||||||||79|4",
    ),
    (
        "itk",
        "PID-3 ^^^NHS > ^^^NHS^NH",
        "PID|1||9994100378^^^NHS~1^^^RYJ^MR",
        "PID|1||1^^^RYJ^MR~9994100378^^^NHS^NH",
    ),
    (
        "itk",
        "PID-8 NHS code > table 0001",
        "PID|1|||||||9",
        "PID|1|||||||O",
    ),
    (
        "itk",
        "PID-16 NHS code > table 0002",
        "PID|1|||||||||||||||N",
        "PID|1|||||||||||||||U",
    ),
    (
        "itk",
        "PID-7 twelve digits > date",
        "PID|1||||||194708190000",
        "PID|1||||||19470819",
    ),
    (
        "itk",
        "PV1-3 trust^ward^bay-bed^site > ward^bay^bed^site",
        "PV1|1||RYJ^WARD 7B^BAY2-B12^RYJ01",
        "PV1|1||WARD 7B^BAY2^B12^RYJ01",
    ),
];

/// One way only, because the other says less or depends on the rest: normalised, or rendered.
const ONE_WAY: &[(&str, &str, Way, &str, &str)] = &[
    (
        "carecast-uclh",
        "PID-7 twelve digits > date",
        Way::In,
        "PID|1||||||192901150000",
        "PID|1||||||19290115",
    ),
    (
        "carecast-uclh",
        "PID-3 MRENTR^MEDREC~<NHS> > <ODS>^MR, NHS^NH",
        Way::In,
        "PID|1|9994102966|40004511^^^MRENTR^MEDREC",
        "PID|1||40004511^^^RRV^MR~9994102966^^^NHS^NH",
    ),
    (
        "carecast-uclh",
        "PV1-8 GP~referrer > PD1-4, PV1-8",
        Way::In,
        "PID|1\nPD1||||G9990311^DHILLON\nPV1|1|||||||G9990311^DHILLON~BHAS02^BHATT",
        "PID|1\nPD1||||G9990311^DHILLON\nPV1|1|||||||BHAS02^BHATT",
    ),
    (
        "carecast-uclh",
        "PV1-8 GP~referrer > PD1-4, PV1-8",
        Way::Out,
        "PID|1\nPD1||||G9990311^DHILLON\nPV1|1|||||||BHAS02^BHATT",
        "PID|1\nPD1||||G9990311^DHILLON\nPV1|1|||||||G9990311^DHILLON~BHAS02^BHATT",
    ),
    (
        "lastword-cw",
        "PV1-8 GP~referrer > PD1-4, PV1-8",
        Way::In,
        "PID|1\nPV1|1|||||||G9990311^DHILLON",
        "PID|1\nPD1||||G9990311^DHILLON\nPV1|1",
    ),
    (
        "lastword-cw",
        "no PD1",
        Way::Out,
        "PID|1\nPD1|||SURGERY^^X1|G9990311^DHILLON\nPV1|1",
        "PID|1\nPV1|1|||||||G9990311^DHILLON",
    ),
    (
        "lastword-cw",
        "PID-8 M, F, U",
        Way::Out,
        "PID|1|||||||O",
        "PID|1|||||||U",
    ),
    (
        "lastword-cw",
        "PID-3 CWMRN^HN, PID-4 <NHS> > PID-3 <ODS>^MR, NHS^NH",
        Way::Out,
        "PID|1||1^^^RQM^MR~2^^^RYJ^MR~9994100378^^^NHS^NH",
        "PID|1||1^^^CWMRN^HN|9994100378",
    ),
    (
        "lastword-cw",
        "ASCII, fixed widths, upper case",
        Way::Out,
        "PID|1||||Łukasiewicz-Montgomery-Featherstonehaugh^Zoë\nOBX|1|TX|a||As it stands",
        "PID|1||||LUKASIEWICZ-MONTGOMERY-FEATHER^ZOE\nOBX|1|TX|A||As it stands",
    ),
    (
        "carecast-uclh",
        "ASCII, fixed widths, upper-case surnames",
        Way::Out,
        "PID|1||||Müller^Zoë",
        "PID|1||||MULLER^Zoe",
    ),
    (
        "millennium",
        "PV1-19 Attendance Num^VISITID > <ODS>^VN",
        Way::In,
        "PID|1|||||||||||||||||9^^^RAL^AN\nPV1|1||||||||||||||||||26714^^^Attendance Num^VISITID",
        "PID|1|||||||||||||||||9^^^RAL^AN\nPV1|1||||||||||||||||||26714^^^RAL^VN",
    ),
    (
        "millennium",
        "PV1-19 Attendance Num^VISITID > <ODS>^VN",
        Way::Out,
        "PID|1\nPV1|1||||||||||||||||||7^^^RRV^VN",
        "PID|1|||||||||||||||||7^^^RRV^AN\nPV1|1||||||||||||||||||7^^^Attendance Num^VISITID",
    ),
    (
        "epic-uclh",
        "PV1-19 CSN > <ODS>^VN; PID-18, PV1-50 = PV1-19",
        Way::In,
        "PID|1|||||||||||||||||7\nPV1|1||||||||||||||||||7",
        "PID|1\nPV1|1||||||||||||||||||7^^^RRV^VN",
    ),
    (
        "epic-uclh",
        "PID-3 MRENTR^MEDREC, NHS^HN > <ODS>^MR, NHS^NH",
        Way::In,
        "PID|1|999 410 0378|1^^^MRENTR^MEDREC||||||||||||||||999 410 0378",
        "PID|1||1^^^RRV^MR~9994100378^^^NHS^NH",
    ),
    (
        "itk",
        "PV1-19 ^^^VISITID > ^^^<ODS>^VN",
        Way::Out,
        "PV1|1||||||||||||||||||7^^^RYJ^VN",
        "PV1|1||||||||||||||||||7^^^VISITID",
    ),
    (
        "itk",
        "PID-18 = PV1-19",
        Way::In,
        "PID|1|||||||||||||||||7\nPV1|1||||||||||||||||||7",
        "PID|1\nPV1|1||||||||||||||||||7",
    ),
    (
        "itk",
        "times of twelve digits",
        Way::Out,
        "PV1|1|||||||||||||||||||||||||||||||||||||||||||20260302101559+0000",
        "PV1|1|||||||||||||||||||||||||||||||||||||||||||202603021015",
    ),
];

/// The direction of a one-way case.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    In,
    Out,
}

/// Rules whose effect is the header or the encoding; `story` and `always` test them on whole messages.
const ELSEWHERE: &[&str] = &[
    "MSH-1, MSH-2, MSH-18 > standard",
    "MSH of Carecast",
    "MSH of LastWord",
    "MSH of Millennium",
    "MSH of Epic",
    "MSH, EVN-1 of ITK",
    "A34 > A40",
    "A18 > A40",
    "A18, A34 > A40",
    "times of twelve digits",
    "times of fourteen digits",
];

fn rule(dialect_name: &str, name: &str) -> &'static DialectRule {
    let found = dialect(dialect_name).rules.iter().find(|rule| rule.name == name);
    found.unwrap_or_else(|| panic!("{dialect_name} has no rule `{name}`"))
}

/// The body of a message after one rule alone.
fn applied(rule: &DialectRule, way: Way, body: &str, settings: Settings<'_>) -> String {
    let bytes = bytes(&format!("{MSH}\n{body}\n"));
    let message = Message::parse(&bytes).unwrap();
    let mut edit = Edit::new(&message);
    edit.rule(rule.name);
    match way {
        Way::In => (rule.normalise)(&mut edit, &context(settings)),
        Way::Out => (rule.render)(&mut edit, &context(settings)),
    }
    let mut out = Vec::new();
    edit.finish(&mut out);
    let out = super::text(out);
    out.split_once('\n').unwrap().1.trim_end().to_owned()
}

#[test]
fn rules_work_both_ways() {
    for (name, rule_name, local, canonical) in BOTH_WAYS {
        let rule = rule(name, rule_name);
        assert_eq!(
            applied(rule, Way::In, local, &[]),
            *canonical,
            "{name}: {rule_name} normalises"
        );
        assert_eq!(
            applied(rule, Way::Out, canonical, &[]),
            *local,
            "{name}: {rule_name} renders"
        );
    }
}

#[test]
fn rules_work_one_way() {
    for (name, rule_name, way, before, after) in ONE_WAY {
        assert_eq!(
            applied(rule(name, rule_name), *way, before, &[]),
            *after,
            "{name}: {rule_name}"
        );
    }
}

#[test]
fn every_rule_has_a_case() {
    let both = BOTH_WAYS.iter().map(|(_, rule, ..)| *rule);
    let tested: HashSet<&str> = both
        .chain(ONE_WAY.iter().map(|(_, rule, ..)| *rule))
        .chain(ELSEWHERE.iter().copied())
        .collect();
    for name in NAMES {
        for rule in dialect(name).rules {
            assert!(tested.contains(rule.name), "{name}: `{}` has no case", rule.name);
        }
    }
}

#[test]
fn settings_choose_between_witnesses() {
    let story =
        format!("{MSH}\nPID|1||1^^^RRV^MR~9994100378^^^NHS^NH|||||||||||||W||||||P\nPV1|1|||||||||||||19\n");
    let fixture: Settings<'_> = &[
        ("header", "fixture"),
        ("ethnicity", "PID-22"),
        ("marital-status", "PID-16"),
        ("admission-source", "PV1-14"),
        ("nhs-number", "typed"),
    ];
    let told = rendered("carecast-uclh", &story, fixture);
    assert!(
        told.starts_with("MSH|^~\\&|UCLH4^PMGL^ADTOUT|RRV30|UCLH|ZZ|"),
        "{told}"
    );
    assert_eq!(value(&told, "MSH-12"), "2.2");
    assert_eq!(
        (value(&told, "PID-22"), value(&told, "PID-16")),
        ("P".into(), "W".into())
    );
    assert_eq!(value(&told, "PV1-14"), "19");
    assert_eq!(value(&told, "PID-3[2].5"), "NH");
    assert_eq!(segment(&told, "ZLC"), "");
    let spec = rendered("carecast-uclh", &story, &[]);
    assert_eq!(segment(&spec, "ZLC"), "ZLC||||||||19|||||||W");
    assert_eq!(value(&spec, "PID-10"), "P");
    for name in NAMES {
        for setting in dialect(name).settings {
            assert!(
                dialect(name).allows(setting.name, setting.default),
                "{name}: {}",
                setting.name
            );
        }
        assert!(!dialect(name).allows("no-such-setting", ""));
    }
}

#[test]
fn codes_without_a_row_pass_through_with_a_note() {
    let message = format!("{MSH}\nPID|1|||||||M\nPV1|1|||||||||49990||||XX\n");
    let (told, trace) = converted("carecast-uclh", "epic-uclh", &message);
    assert_eq!(
        (value(&told, "PV1-10"), value(&told, "PV1-14")),
        ("49990".into(), "XX".into())
    );
    for place in ["PV1-10.1.1", "PV1-14.1.1"] {
        let line = trace.line(&place.parse::<Location>().unwrap().to_leaf()).unwrap();
        assert!(line.note.contains("passed through"), "{line:?}");
    }
    let leaked = format!("{MSH}\nPID|1|||||||M||||||||||||||CD:2299871\n");
    assert_eq!(
        value(&normalised("millennium", &leaked, &[]), "PID-22"),
        "CD:2299871"
    );
}

#[test]
fn null_deletes_in_every_dialect() {
    let message = format!("{MSH}\nPID|1||1^^^RRV^MR||DOE^J||\"\"|F|||||\"\"|||\"\"\n");
    for from in ["epic-uclh", "millennium", "itk"] {
        for to in NAMES {
            let (told, _) = converted(from, to, &message);
            assert_eq!(told.matches("\"\"").count(), 3, "{from} to {to}: {told}");
        }
    }
}

#[test]
fn text_is_escaped_once_whatever_the_delimiters() {
    let message = "MSH#*!?@#EPIC#UCLH###20260101120000##ADT*A01#1#P#2.4\nPID#1##1***MRENTR*MEDREC##D?S?E*J|K\nPV1#1#########A?T?E\n";
    let (told, _) = converted("epic-uclh", "millennium", message);
    assert!(told.starts_with("MSH|^~\\&|EPIC|UCLH|"), "{told}");
    assert!(segment(&told, "PID").ends_with("||D*E^J\\F\\K"), "{told}");
    assert_eq!(
        value(&told, "PV1-10"),
        "A@E",
        "`@` is the subcomponent here, so the text is another"
    );
}

#[test]
fn accents_survive_where_the_target_has_them() {
    let message = format!("{MSH}\nPID|1||1^^^RYJ^MR||Łukasiewicz^Zoë\n");
    let (told, trace) = converted_bytes("itk", "millennium", &message);
    let read = Message::parse(&told).unwrap();
    assert_eq!(read.header().field(18).text(), "8859/1");
    assert_eq!(read.field("PID", 5).component(2).text(), "Zoë");
    assert_eq!(read.field("PID", 5).component(1).text(), "?ukasiewicz");
    let line = trace
        .line(&"PID-5".parse::<Location>().unwrap().to_leaf())
        .unwrap();
    assert!(
        matches!(line.fate, hl7v2::edit::Fate::Transformed(_)) && !line.note.is_empty(),
        "{line:?}"
    );
}

fn converted_bytes(from: &str, to: &str, message: &str) -> (Vec<u8>, hl7v2::edit::Trace) {
    let bytes = bytes(message);
    let none = context(&[]);
    let (mut out, mut trace) = (Vec::new(), hl7v2::edit::Trace::default());
    let message = Message::parse(&bytes).unwrap();
    translate::dialect::convert(
        &message,
        (dialect(from), &none),
        (dialect(to), &none),
        &mut out,
        Some(&mut trace),
    );
    (out, trace)
}

/// A table that does not parse would be a table of nothing.
#[test]
fn every_line_of_every_table_is_read() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (file, header) in [
        ("lastword/wards.csv", "local,canonical,render,display"),
        ("lastword/specialties.csv", "local,canonical,render,display"),
        ("lastword/sexes.csv", "local,canonical,render,display"),
        ("lastword/sources.csv", "local,canonical,render,display"),
        ("millennium/trusts.csv", "local,canonical,render,display"),
        ("millennium/ethnicity.csv", "local,canonical,render,display"),
        ("millennium/codes.csv", "place local,canonical,render,display"),
        ("millennium/aliases.csv", "value,display,places"),
        ("epic/codes.csv", "place local,canonical,render,display"),
        ("epic/specialties.csv", "local,canonical,render,display"),
    ] {
        let text = std::fs::read_to_string(source.join(file)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some(header), "{file}");
        for line in lines {
            let unquoted = line.trim_start_matches('"');
            assert!(
                line.matches(',').count() + 1 >= header.split(',').count(),
                "{file}: {line}"
            );
            let places: Vec<&str> = match header {
                "value,display,places" => line.rsplit(',').next().unwrap().split_whitespace().collect(),
                _ if header.starts_with("place") => unquoted.split(' ').take(1).collect(),
                _ => Vec::new(),
            };
            for place in places {
                assert!(
                    place.starts_with("XCN.") || place.parse::<Location>().is_ok(),
                    "{file}: {place}"
                );
            }
        }
    }
    let gaps = |file: &str| {
        std::fs::read_to_string(source.join(file))
            .unwrap()
            .lines()
            .filter(|line| line.contains(",,,"))
            .count()
    };
    assert!(
        gaps("lastword/specialties.csv") > 0 && gaps("lastword/wards.csv") > 0,
        "the gaps are deliberate"
    );
}
