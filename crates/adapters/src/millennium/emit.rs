//! What this product writes: `Q…T…` control ids, alias pools, display text or bare code values.

use super::{codes, trust};
use hl7v2::{Builder, Encoding};

use crate::emit::clinical::{Style, body, schedule};
use crate::emit::{Emission, Er7, Phase, Put, ce, obx_value, parts, time_to, to_ascii};
use crate::epr::Choices;
use crate::state::encounter::{Encounter, Place, Stage};
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Alias, Clinician, Coded, Person, Role};
use crate::state::report::Report;

/// The trust whose domain it was at first: for whoever names no other.
const HOME: &str = "RYJ";
/// What the product calls itself.
const DOMAIN: &str = "HNA";

/// A queue number and a transaction number that move at their own pace.
pub(super) fn control_id(number: u64) -> String {
    format!(
        "Q{:010}T{:010}",
        5_310_000_000 + number,
        7_310_000_000 + number * 3
    )
}

/// Orders, bookings and documents by their own messages; allergies and problems ride on an update.
pub(super) fn tells(item: &Item, phase: Phase, choices: &Choices) -> (&'static str, &'static str) {
    match (item.kind, phase) {
        (ItemKind::Order, _) => ("ORM", "O01"),
        (ItemKind::Booking, Phase::New) => ("SIU", "S12"),
        (ItemKind::Booking, Phase::Changed) => ("SIU", "S14"),
        (ItemKind::Booking, Phase::Cancelled) => ("SIU", "S15"),
        (ItemKind::Document, Phase::New) => ("MDM", "T02"),
        (ItemKind::Document, Phase::Changed) => ("MDM", "T08"),
        (ItemKind::Document, Phase::Cancelled) => ("MDM", "T11"),
        (ItemKind::Problem, Phase::New) => ("PPR", "PC1"),
        (ItemKind::Problem, Phase::Changed) => ("PPR", "PC2"),
        (ItemKind::Problem, Phase::Cancelled) => ("PPR", "PC3"),
        (ItemKind::Allergy, _) if item.encounter.is_some() && choices.get("demographics-event") != "A31" => {
            ("ADT", "A08")
        }
        (ItemKind::Allergy, _) => ("ADT", "A31"),
        (ItemKind::Charge, _) => ("DFT", "P03"),
    }
}

static TIDIED: Style = Style {
    digits: 14,
    placer: "HNAM_ORDERID",
    filler: "HNAM_CEREF",
    code: |coded| code(coded, false),
    clinician: |clinician| personnel(clinician, false),
    order_status: ["Ordered", "Completed", "Canceled"],
    booking_status: ["Confirmed", "Checked In", "Canceled", "No Show"],
};

static RAW: Style = Style {
    code: |coded| code(coded, true),
    clinician: |clinician| personnel(clinician, true),
    order_status: ["CD:2550", "CD:2543", "CD:2542"],
    booking_status: ["CD:4538", "CD:4536", "CD:4535", "CD:4543"],
    ..TIDIED
};

/// A code by its alias, or as a bare code value of the event codes.
fn code(coded: &Coded, raw: bool) -> Er7 {
    let text = if raw {
        format!("CD:{}", codes::number_for(codes::EVENT, &coded.code))
    } else {
        coded.code.to_string()
    };
    let system = if coded.system.is_empty() {
        "HNAM"
    } else {
        &coded.system
    };
    parts(&[&text, &coded.text, system])
}

pub(super) fn tidied(emission: &Emission<'_>) -> Vec<u8> {
    write(emission, false)
}

pub(super) fn raw(emission: &Emission<'_>) -> Vec<u8> {
    write(emission, true)
}

fn write(emission: &Emission<'_>, raw: bool) -> Vec<u8> {
    let mut out = Builder::new(Encoding::STANDARD);
    header(emission, raw, &mut out);
    if let Some(report) = emission.report {
        pid(emission, raw, &mut out);
        if let Some(encounter) = emission.encounter {
            pv1(emission, encounter, raw, &mut out);
        }
        result(report, raw, &mut out);
        return to_ascii(out.finish());
    }
    let style = if raw { &RAW } else { &TIDIED };
    if let Some(item) = emission.item.filter(|_| !matches!(emission.code, "ADT" | "MDM")) {
        if emission.code == "SIU" {
            schedule(item, style, &mut out);
        }
        pid(emission, raw, &mut out);
        if let Some(encounter) = emission.encounter {
            pv1(emission, encounter, raw, &mut out);
        }
        body(item, emission, style, &mut out);
        return to_ascii(out.finish());
    }
    let mut evn = out.segment("EVN");
    evn.set(1, emission.event)
        .set(2, &time_to(emission.now, 14))
        .put(5, user(raw))
        .set(6, &time_to(emission.at, 14));
    pid(emission, raw, &mut out);
    pd1(emission.person, raw, &mut out);
    if let Some(parted) = emission.loser.filter(|_| emission.event == "A37") {
        // An unlink names both: whoever the other was merged into, then whoever stands alone again.
        pid(
            &Emission {
                person: parted,
                encounter: None,
                ..*emission
            },
            raw,
            &mut out,
        );
    } else if !emission.gone.is_empty() {
        let mut mrg = out.segment("MRG");
        if let Some(alias) = emission.person.alias(Role::Mrn) {
            mrg.put(1, cx(alias, raw));
        }
        mrg.put(3, fin_of(emission.gone, "", raw));
        if emission.event == "A45"
            && let Some(encounter) = emission.encounter
        {
            mrg.set(5, &encounter.number);
            pv1(emission, encounter, raw, &mut out);
        }
    } else if let Some(loser) = emission.loser {
        let mut mrg = out.segment("MRG");
        if let Some(alias) = loser.alias(Role::Mrn) {
            mrg.put(1, cx(alias, raw));
        }
        if let Some(name) = loser.name() {
            mrg.put(7, parts(&[&name.family, &name.given]));
        }
    } else if let Some(encounter) = emission.encounter {
        pv1(emission, encounter, raw, &mut out);
    }
    if let Some(item) = emission.item {
        body(item, emission, style, &mut out);
    }
    to_ascii(out.finish())
}

fn header(emission: &Emission<'_>, raw: bool, out: &mut Builder) {
    let mut msh = out.segment("MSH");
    if raw {
        msh.set(4, DOMAIN);
    } else {
        msh.set(3, "CERNER")
            .set(4, teller(emission))
            .set(5, "EPRGW")
            .set(6, "RYJ");
    }
    msh.set(7, &time_to(emission.now, 14))
        .put(9, parts(&[emission.code, emission.event]))
        .set(10, emission.control_id)
        .set(11, if raw { "D" } else { "P" })
        .set(12, "2.3");
    if raw {
        msh.set(18, "8859/1");
    } else {
        msh.set(15, "AL").set(16, "NE").set(17, "44").set(18, "ASCII");
    }
}

/// MSH-4: the trust whose visit it is, else the only one that knows the person. What several know and none owns is told
/// by the domain itself.
fn teller(emission: &Emission<'_>) -> &'static str {
    if let Some(encounter) = emission.encounter {
        return trust::owner(encounter).map_or(HOME, |trust| trust.code);
    }
    match trust::knowing(emission.person).as_slice() {
        [] => HOME,
        [only] => only.code,
        _ => DOMAIN,
    }
}

fn user(raw: bool) -> Er7 {
    let (pool, kind) = if raw {
        ("CD:684", "CD:213")
    } else {
        ("External Id", "Personnel")
    };
    parts(&["9000417", "Marlowe", "Priya", "", "", "", "", "", pool, kind])
}

/// CX with pool, type and facility; a type without alias shows its code value.
fn cx(alias: &Alias, raw: bool) -> Er7 {
    let code = match alias.role {
        Role::Nhs => codes::NHS_NUMBER,
        Role::Enterprise => codes::COMMUNITY_MRN,
        Role::Mrn | Role::Retired => codes::MRN,
    };
    let kind = if raw {
        format!("CD:{code}")
    } else {
        alias.kind.to_string()
    };
    let facility = if alias.role == Role::Mrn { "CD:5294405" } else { "" };
    parts(&[&alias.value, "", "", &alias.authority, &kind, facility])
}

fn pid(emission: &Emission<'_>, raw: bool, out: &mut Builder) {
    let person = emission.person;
    let mut pid = out.segment("PID");
    pid.set(1, "1");
    if let Some(mrn) = person.alias(Role::Mrn) {
        let kind = if raw { "CD:1079" } else { &mrn.kind };
        pid.put(2, parts(&[&mrn.value, "", "", &mrn.authority, kind]));
    }
    pid.put(
        3,
        Er7::repeated(in_pools(person).into_iter().map(|alias| cx(alias, raw))),
    );
    if let Some(community) = person.alias(Role::Enterprise) {
        pid.put(4, cx(community, raw));
    }
    if let Some(name) = person.name() {
        let current = if raw { "CD:766" } else { "CURRENT" };
        pid.put(
            5,
            parts(&[
                &name.family,
                &name.given,
                &name.middle,
                "",
                &name.prefix,
                "",
                current,
            ]),
        );
    }
    pid.put(7, birth(emission));
    pid.put(8, emission.told("sex", person.sex.as_ref()));
    pid.put(11, addresses(emission, raw));
    pid.put(13, telecoms(emission, raw));
    pid.set(15, if raw { "CD:151" } else { "English" });
    // Explicit nulls are common here: an unknown status is told as one.
    let marital = person
        .marital
        .as_ref()
        .map(|marital| codes::printed(codes::MARITAL, marital, raw));
    pid.put(16, marital.map_or_else(Er7::null, |marital| Er7::text(&marital)));
    pid.maybe(17, person.religion.as_ref());
    if let Some(encounter) = emission.encounter {
        pid.put(18, fin(encounter, raw));
    }
    pid.put(22, ethnicity(emission, raw));
    pid.set(
        29,
        &person
            .death_time
            .as_deref()
            .map(|time| time_to(time, 14))
            .unwrap_or_default(),
    );
    pid.set(
        30,
        match (person.has_died(), raw) {
            (true, false) => "Yes",
            (false, false) => "No",
            (true, true) => "CD:360",
            (false, true) => "CD:363",
        },
    );
}

/// A date of birth is sent as a time at midnight.
fn birth(emission: &Emission<'_>) -> Er7 {
    let Some(birth) = &emission.person.birth else {
        return emission.told("birth-date", None);
    };
    let digits = time_to(birth, 14);
    Er7::text(&if digits.len() == 8 {
        format!("{digits}000000")
    } else {
        digits
    })
}

fn addresses(emission: &Emission<'_>, raw: bool) -> Er7 {
    let addresses = &emission.person.addresses;
    if addresses.is_empty() {
        return emission.told("address", None);
    }
    let kind = if raw { "CD:756" } else { "HOME" };
    Er7::repeated(addresses.iter().map(|address| {
        let [line, other] = [&address.line, &address.other];
        parts(&[
            line,
            other,
            &address.city,
            &address.county,
            &address.postcode,
            "GBR",
            kind,
        ])
    }))
}

fn telecoms(emission: &Emission<'_>, raw: bool) -> Er7 {
    let telecoms = &emission.person.telecoms;
    if telecoms.is_empty() {
        return emission.told("phone", None);
    }
    let home = if raw { "CD:170" } else { "HOME" };
    Er7::repeated(
        telecoms
            .iter()
            .filter(|telecom| telecom.used_as != "WPN")
            .map(|telecom| {
                let used_as = match telecom.used_as.as_str() {
                    _ if telecom.email => "EMAIL",
                    "ORN" => "CD:3310891",
                    _ => home,
                };
                parts(&[&telecom.value, used_as])
            }),
    )
}

/// The financial number of a visit in its pool.
fn fin(encounter: &Encounter, raw: bool) -> Er7 {
    match trust::owner(encounter) {
        Some(owner) if encounter.authority.is_empty() => fin_of(&encounter.number, &owner.visit_pool(), raw),
        _ => fin_of(&encounter.number, &encounter.authority, raw),
    }
}

fn fin_of(number: &str, authority: &str, raw: bool) -> Er7 {
    let pool = if authority.is_empty() {
        "ICHT Encounter Num"
    } else {
        authority
    };
    let kind = if raw {
        format!("CD:{}", codes::FIN)
    } else {
        "FINNBR".to_owned()
    };
    parts(&[number, "", "", pool, &kind])
}

fn ethnicity(emission: &Emission<'_>, raw: bool) -> Er7 {
    let Some(ethnicity) = &emission.person.ethnicity else {
        return emission.told("ethnicity", None);
    };
    let printed = codes::printed(codes::ETHNICITY, &ethnicity.code, raw);
    let known = codes::value_of(codes::ETHNICITY, &ethnicity.code).is_some();
    if known && !printed.starts_with("CD:") {
        parts(&[&ethnicity.code, &printed])
    } else {
        Er7::text(&printed)
    }
}

/// Every pool, one per trust, the NHS number last; the repeats before it swap from one person to the next.
fn in_pools(person: &Person) -> Vec<&Alias> {
    let mut pools: Vec<&Alias> = person
        .aliases
        .iter()
        .filter(|alias| matches!(alias.role, Role::Mrn | Role::Enterprise))
        .collect();
    if person.version % 2 == 1 {
        pools.reverse();
    }
    pools.extend(person.alias(Role::Nhs));
    pools
}

fn pd1(person: &Person, raw: bool, out: &mut Builder) {
    let Some(gp) = &person.gp else { return };
    let mut pd1 = out.segment("PD1");
    if let Some(practice) = &person.practice {
        pd1.put(3, parts(&[&practice.text, "", &practice.code]));
    }
    let (pool, kind) = if raw {
        ("CD:684", "CD:213")
    } else {
        ("GP Number", "Personnel")
    };
    pd1.put(
        4,
        parts(&[
            &gp.id,
            &gp.family,
            &gp.given,
            "",
            "",
            "Dr",
            "",
            "",
            pool,
            kind,
            "",
            "",
            "External Identifier",
        ]),
    );
}

/// One clinician, one repetition per alias pool.
fn personnel(clinician: &Clinician, raw: bool) -> Er7 {
    let pools: [(&str, &str, &str, &str); 3] = if raw {
        [
            ("", "CD:3144502", "CD:213", "CD:1088"),
            ("C", "CD:4112", "CD:213", "CD:1083"),
            ("L", "CD:3144508", "CD:213", "CD:1087"),
        ]
    } else {
        [
            ("", "ICHT Local Doctor Number", "Personnel", "Local Doctor"),
            ("C", "GMC Number", "Personnel", "GMC"),
            ("L", "Licence Number", "Personnel", "LICENSE"),
        ]
    };
    let number = 9_990_000 + crate::seed::hash(0, &[clinician.id.as_bytes()]) % 10_000;
    Er7::repeated(pools.map(|(letter, pool, person, kind)| {
        let id = if letter.is_empty() {
            clinician.id.to_string()
        } else {
            format!("{letter}{number}")
        };
        let prefix = if raw { "" } else { &clinician.prefix };
        parts(&[
            &id,
            &clinician.family,
            &clinician.given,
            "",
            "",
            prefix,
            "",
            "",
            pool,
            person,
            "",
            "",
            kind,
        ])
    }))
}

/// The site of a visit that names none.
fn site(encounter: &Encounter) -> String {
    trust::owner(encounter).map_or_else(|| format!("{HOME}01"), trust::Trust::site)
}

fn place(place: &Place, site: &str, raw: bool) -> Er7 {
    let kind = if raw { "CD:1450" } else { "Bed(s)" };
    let facility = if place.facility.is_empty() {
        site
    } else {
        &place.facility
    };
    parts(&[
        &place.ward,
        &place.room,
        &place.bed,
        facility,
        "",
        kind,
        &place.building,
    ])
}

fn pv1(emission: &Emission<'_>, encounter: &Encounter, raw: bool, out: &mut Builder) {
    let mut pv1 = out.segment("PV1");
    let class = codes::printed(codes::ENCOUNTER_TYPE, &encounter.class, raw);
    pv1.set(1, "1").set(2, &class);
    if let Some(now) = encounter.place() {
        pv1.put(3, place(now, &site(encounter), raw));
    }
    let told = |set: u16, code: Option<&crate::state::Text>| {
        code.map(|code| codes::printed(set, code, raw))
            .unwrap_or_default()
    };
    pv1.set(4, &told(codes::ADMIT_TYPE, encounter.admission_type.as_ref()));
    if emission.event == "A02"
        && let Some(before) = encounter.place_before()
    {
        pv1.put(6, place(before, &site(encounter), raw));
    }
    if let Some(consultant) = &encounter.consultant {
        pv1.put(7, personnel(consultant, raw));
    }
    if let Some(referrer) = &encounter.referrer {
        pv1.put(8, personnel(referrer, raw));
    }
    let specialty = encounter.specialty.as_ref().map(|coded| {
        if coded.code.is_empty() {
            &coded.text
        } else {
            &coded.code
        }
    });
    pv1.set(10, &told(codes::MEDICAL_SERVICE, specialty));
    pv1.set(14, &told(codes::ADMIT_SOURCE, encounter.source.as_ref()));
    pv1.set(18, &class);
    let visit_kind = if raw { "CD:1078" } else { "VISITID" };
    pv1.put(
        19,
        parts(&[
            &(encounter.key % 100_000).to_string(),
            "",
            "",
            "Attendance Num",
            visit_kind,
        ]),
    );
    pv1.set(
        36,
        &told(codes::DISCHARGE_DISPOSITION, encounter.disposition.as_ref()),
    );
    pv1.set(
        37,
        &told(codes::DISCHARGE_DISPOSITION, encounter.destination.as_ref()),
    );
    if emission.event == "A13" {
        pv1.put(36, Er7::null()).put(37, Er7::null()).put(45, Er7::null());
    }
    let facility = encounter.place().map(|place| place.facility.to_string());
    let facility = facility
        .filter(|facility| !facility.is_empty())
        .unwrap_or_else(|| site(encounter));
    pv1.set(39, &facility).set(
        41,
        match (encounter.stage(), raw) {
            (Stage::Closed, false) => "DIS",
            (Stage::Closed, true) => "CD:856",
            (_, false) => "Active",
            (_, true) => "CD:854",
        },
    );
    if let Some(pending) = &encounter.pending {
        pv1.put(42, place(pending, &site(encounter), raw));
    }
    pv1.set(
        44,
        &encounter
            .admitted
            .as_deref()
            .map(|time| time_to(time, 14))
            .unwrap_or_default(),
    );
    if let Some(discharged) = &encounter.discharged {
        pv1.set(45, &time_to(discharged, 14));
    }
    if encounter.reason.is_some() || encounter.restricted {
        let mut pv2 = out.segment("PV2");
        if let Some(reason) = &encounter.reason {
            pv2.put(3, parts(&[&reason.code, &reason.text]));
        }
        if encounter.restricted {
            pv2.set(22, "Y");
        }
    }
}

fn result(report: &Report, raw: bool, out: &mut Builder) {
    let event = 2_000_000 + u64::from(report.key) % 1_000_000;
    let placer = if report.placer.is_empty() {
        (300_000_000 + u64::from(report.key)).to_string()
    } else {
        report.placer.to_string()
    };
    let order = parts(&[&placer, "HNAM_ORDERID"]);
    let filler = Er7::repeated([
        parts(&[&report.filler, "HNAM_CEREF"]),
        parts(&[&event.to_string(), "HNAM_EVENTID"]),
    ]);
    let mut orc = out.segment("ORC");
    orc.set(1, if raw { "CD:2539" } else { "RE" })
        .put(2, order.clone())
        .put(3, filler.clone())
        .set(5, if raw { "CD:9324" } else { "Completed" });
    let code = |coded: &Coded| code(coded, raw);
    let time = |time: Option<&crate::state::Text>| time.map(|time| time_to(time, 14)).unwrap_or_default();
    let mut obr = out.segment("OBR");
    obr.set(1, "1")
        .put(2, order)
        .put(3, filler)
        .put(4, code(&report.service))
        .set(7, &time(report.observed.as_ref()));
    if let Some(doctor) = &report.ordered_by {
        obr.put(16, personnel(doctor, raw));
    }
    obr.set(22, &time(report.issued.as_ref()))
        .set(24, if raw { "CD:692" } else { "GLB" })
        .set(25, &report.status)
        .put(27, parts(&["", "", "", "", "", "RT"]));
    for (position, observation) in report.observations.iter().enumerate() {
        let said = &observation.said;
        let mut obx = out.segment("OBX");
        obx.set(1, &(position + 1).to_string())
            .set(2, &said.value_type)
            .put(3, code(&observation.code))
            .set(4, &observation.sub_id)
            .put(5, obx_value(said))
            .set(7, &said.range)
            .set(8, &said.flag)
            .set(11, &said.status)
            .set(14, &time(said.observed.as_ref()));
        if let Some(units) = &said.units {
            obx.put(6, ce(units));
        }
        for (line, note) in observation.notes.iter().enumerate() {
            let mut nte = out.segment("NTE");
            nte.set(1, &(line + 1).to_string()).set(3, note);
        }
    }
}
