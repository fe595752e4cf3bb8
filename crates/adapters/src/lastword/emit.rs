//! What this product writes: 12-digit times, `PLW` control ids, Z segments, codes in components 4 to 6.

use hl7v2::{Builder, Encoding};

use crate::emit::clinical::{Style, body, schedule};
use crate::emit::{Emission, Er7, Phase, Put, ce, obx_value, parts, pl, time_to, xpn};
use crate::epr::Choices;
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Address, Alias, Person, Role};
use crate::state::report::Report;

/// `PLW` and 17 digits: 20 characters, growing, never used twice.
pub(super) fn control_id(number: u64) -> String {
    format!("PLW{number:017}")
}

/// The terminal user who did it.
const USER: [&str; 3] = ["U0417", "MARLOWE", "PRIYA"];

struct Shape {
    /// Whether this is the Chelsea and Westminster site.
    cw: bool,
}

/// Orders and bookings by messages of their own, documents too; the rest rides on an update. All of it is ours.
pub(super) fn tells(item: &Item, phase: Phase, _choices: &Choices) -> (&'static str, &'static str) {
    match (item.kind, phase) {
        (ItemKind::Order, _) => ("ORM", "O01"),
        (ItemKind::Booking, Phase::New) => ("SIU", "S12"),
        (ItemKind::Booking, Phase::Changed) => ("SIU", "S14"),
        (ItemKind::Booking, Phase::Cancelled) => ("SIU", "S15"),
        (ItemKind::Document, Phase::Cancelled) => ("MDM", "T11"),
        (ItemKind::Document, _) => ("MDM", "T02"),
        (ItemKind::Allergy | ItemKind::Problem, _) if item.encounter.is_some() => ("ADT", "A08"),
        (ItemKind::Allergy | ItemKind::Problem, _) => ("ADT", "A31"),
        (ItemKind::Charge, _) => ("DFT", "P03"),
    }
}

static STYLE: Style = Style {
    digits: 12,
    placer: "PLW",
    filler: "LAB",
    code: |coded| {
        parts(&[
            &coded.code,
            &coded.text,
            if coded.system.is_empty() {
                "PLW-HL7"
            } else {
                &coded.system
            },
        ])
    },
    clinician: |by| parts(&[&by.id, &by.family, &by.given, "", "", &by.prefix]),
    order_status: ["", "CM", "CA"],
    booking_status: ["BOOKED", "ARRIVED", "CANCELLED", "NOSHOW"],
};

pub(super) fn carecast(emission: &Emission<'_>) -> Vec<u8> {
    write(emission, &Shape { cw: false })
}

pub(super) fn lastword(emission: &Emission<'_>) -> Vec<u8> {
    write(emission, &Shape { cw: true })
}

fn write(emission: &Emission<'_>, shape: &Shape) -> Vec<u8> {
    let mut out = Builder::new(Encoding::STANDARD);
    header(emission, shape, &mut out);
    if let Some(report) = emission.report {
        pid(emission, shape, &mut out);
        result(report, &mut out);
        return out.finish();
    }
    if let Some(item) = emission.item.filter(|_| !matches!(emission.code, "ADT" | "MDM")) {
        if emission.code == "SIU" {
            schedule(item, &STYLE, &mut out);
        }
        pid(emission, shape, &mut out);
        pv1(emission, shape, &mut out);
        body(item, emission, &STYLE, &mut out);
        return out.finish();
    }
    event(emission, shape, &mut out);
    pid(emission, shape, &mut out);
    if !shape.cw {
        pd1(emission.person, &mut out);
    }
    if let Some(parted) = emission.loser.filter(|_| emission.event == "A37") {
        pid(
            &Emission {
                person: parted,
                encounter: None,
                ..*emission
            },
            shape,
            &mut out,
        );
        return out.finish();
    }
    if let Some(loser) = emission.loser {
        let mut mrg = out.segment("MRG");
        if let Some(alias) = loser.alias(Role::Mrn) {
            mrg.put(1, parts(&[&alias.value, "", "", &alias.authority, &alias.kind]));
        }
    } else if emission.encounter.is_some() {
        pv1(emission, shape, &mut out);
        if !shape.cw {
            flags(&mut out);
        }
    } else {
        // The standard wants a PV1 in A28 and A31 too: class N, not a visit.
        let mut pv1 = out.segment("PV1");
        pv1.set(1, "1").set(2, "N");
    }
    if let Some(item) = emission.item {
        body(item, emission, &STYLE, &mut out);
    }
    local(emission, shape, &mut out);
    out.finish()
}

fn header(emission: &Emission<'_>, shape: &Shape, out: &mut Builder) {
    let older = emission.choices.get("header") == "fixture" && !shape.cw;
    let mut msh = out.segment("MSH");
    match (shape.cw, older) {
        (true, _) => msh.set(3, "LASTWORD").set(4, "RQM").set(5, "EPRGW").set(6, "RQM"),
        (false, true) => msh
            .put(3, parts(&["UCLH4", "PMGL", "ADTOUT"]))
            .set(4, "RRV30")
            .set(5, "UCLH")
            .set(6, "ZZ"),
        (false, false) => msh.set(3, "CARECAST").set(4, "UCLH").set(5, "EPRGW"),
    };
    let code = emission.code;
    // Bookings and documents came into the standard with 2.3.
    let version = if matches!(code, "SIU" | "MDM") {
        "2.3"
    } else if shape.cw || older || code != "ADT" {
        "2.2"
    } else {
        "2.4"
    };
    msh.set(7, &time_to(emission.now, 12))
        .put(9, parts(&[code, emission.event]))
        .set(10, emission.control_id)
        .set(11, "P")
        .set(12, version)
        .set(15, "AL")
        .set(16, "NE");
}

fn event(emission: &Emission<'_>, shape: &Shape, out: &mut Builder) {
    let mut evn = out.segment("EVN");
    evn.set(1, emission.event)
        .set(2, &time_to(emission.now, 12))
        .set(4, reason(emission.event));
    if !shape.cw {
        evn.put(5, parts(&USER));
    }
    // Without EVN-6 the occurrence would be lost at the site that has no such field; it is sent when it differs.
    if !shape.cw || time_to(emission.at, 12) != time_to(emission.now, 12) {
        evn.set(6, &time_to(emission.at, 12));
    }
}

fn reason(event: &str) -> &'static str {
    match event {
        "A01" | "A04" => "ADM",
        "A02" => "TRANS",
        "A03" => "DISCH",
        "A05" => "PREADM",
        "A11" => "CANADM",
        "A12" => "CANTRN",
        "A13" => "CANDIS",
        "A18" | "A34" => "MERGE",
        "A28" => "REG",
        _ => "UPD",
    }
}

fn pid(emission: &Emission<'_>, shape: &Shape, out: &mut Builder) {
    let person = emission.person;
    let mut pid = out.segment("PID");
    pid.set(1, "1");
    let mrn = person
        .alias(Role::Mrn)
        .map(|alias| parts(&[&alias.value, "", "", &alias.authority, &alias.kind]));
    let nhs = person.alias(Role::Nhs);
    if shape.cw {
        pid.put(3, mrn.unwrap_or_default());
        pid.set(4, nhs.map_or("", |alias| &alias.value));
    } else {
        pid.put(
            3,
            Er7::repeated([
                mrn.unwrap_or_default(),
                nhs.map(|alias| nhs_repeat(emission, alias)).unwrap_or_default(),
            ]),
        );
    }
    match person.name() {
        Some(name) => {
            pid.put(5, xpn(name));
        }
        None if emission.cleared("family") => {
            pid.put(5, Er7::null());
        }
        None => {}
    }
    if let Some(birth) = &person.birth {
        pid.set(7, &birth_as_sent(emission, birth));
    } else if emission.cleared("birth-date") {
        pid.put(7, Er7::null());
    }
    pid.put(8, emission.told("sex", person.sex.as_ref()));
    let ethnicity = emission.told("ethnicity", person.ethnicity.as_ref().map(|coded| &coded.code));
    let place = if shape.cw || emission.choices.get("ethnicity") == "PID-10" {
        10
    } else {
        22
    };
    pid.put(place, ethnicity);
    if person.addresses.is_empty() && emission.cleared("address") {
        pid.put(11, Er7::null());
    }
    pid.put(11, Er7::repeated(person.addresses.iter().map(address)));
    let home = person.telecoms.iter().filter(|telecom| telecom.used_as != "WPN");
    let work = person.telecoms.iter().filter(|telecom| telecom.used_as == "WPN");
    if person.telecoms.is_empty() && emission.cleared("phone") {
        pid.put(13, Er7::null());
    }
    pid.put(13, Er7::repeated(home.map(|telecom| Er7::text(&telecom.value))));
    pid.put(14, Er7::repeated(work.map(|telecom| Er7::text(&telecom.value))));
    if shape.cw {
        pid.put(16, emission.told("marital-status", person.marital.as_ref()));
    } else {
        pid.put(
            15,
            parts(&["N", "", "", person.language.as_deref().unwrap_or("EN")]),
        );
    }
    pid.maybe(17, person.religion.as_ref());
    if let Some(encounter) = emission.encounter {
        pid.set(18, &encounter.number);
    }
    if let Some(died) = &person.death_time {
        pid.set(29, &time_to(died, 12));
    }
    if !shape.cw {
        pid.set(30, if person.has_died() { "Y" } else { "N" });
    }
}

/// Whether that person's NHS number is told without saying that it is one.
pub(super) fn is_bare(person: u32, choices: &Choices) -> bool {
    let share: u32 = choices.get("bare-nhs-share").parse().unwrap_or(100);
    person % 100 < share
}

/// The second repetition of PID-3: bare for most people, and for the same people always.
fn nhs_repeat(emission: &Emission<'_>, alias: &Alias) -> Er7 {
    if is_bare(emission.person.key, emission.choices) {
        Er7::text(&alias.value)
    } else {
        parts(&[&alias.value, "", "", "NHS", "NH"])
    }
}

fn birth_as_sent(emission: &Emission<'_>, birth: &str) -> String {
    let share: u32 = emission.choices.get("birth-time-share").parse().unwrap_or(0);
    let day = time_to(birth, 8);
    if birth.len() > 8 {
        time_to(birth, 12)
    } else if day.len() == 8 && (emission.person.key / 100) % 100 < share {
        format!("{day}0000")
    } else {
        day
    }
}

fn address(address: &Address) -> Er7 {
    parts(&[
        &address.line,
        &address.other,
        &address.city,
        "",
        &address.postcode,
        "",
        "H",
        "",
        &address.county,
    ])
}

/// PD1-4 in four repetitions of four meanings: GP, practice, dentist, dental surgery.
fn pd1(person: &Person, out: &mut Builder) {
    let Some(gp) = &person.gp else { return };
    let practice = person.practice.clone().unwrap_or_default();
    let doctor = format!(
        "C{}",
        gp.id.trim_start_matches(|letter: char| letter.is_alphabetic())
    );
    let mut pd1 = out.segment("PD1");
    pd1.put(3, parts(&["N", "NOT DISABLED"]));
    pd1.put(
        4,
        Er7::repeated([
            parts(&[
                &gp.id, &gp.family, &gp.given, "", "", "DR", "", "", "", "", "", "", "", &gp.id, &doctor,
            ]),
            parts(&[
                "",
                &practice.text,
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                &practice.code,
            ]),
            parts(&[
                "D041", "MOLAR", "P", "", "", "MR", "", "", "", "", "", "", "", "D9990041",
            ]),
            parts(&[
                "",
                "WHARF DENTAL SURGERY",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "V99941",
            ]),
        ]),
    );
}

fn pv1(emission: &Emission<'_>, shape: &Shape, out: &mut Builder) {
    let Some(encounter) = emission.encounter else {
        return;
    };
    let mut pv1 = out.segment("PV1");
    pv1.set(1, "1").set(2, &encounter.class);
    if let Some(place) = encounter.place() {
        pv1.put(3, pl(place));
    }
    pv1.maybe(4, encounter.admission_type.as_ref());
    if emission.event == "A02"
        && let Some(before) = encounter.place_before()
    {
        pv1.put(6, pl(before));
    }
    if let Some(consultant) = &encounter.consultant {
        pv1.put(
            7,
            parts(&[
                &consultant.id,
                &consultant.family,
                &consultant.given,
                "",
                "",
                &consultant.prefix,
            ]),
        );
    }
    // Two meanings by order: the registered GP, then whoever referred.
    let gp = emission
        .person
        .gp
        .as_ref()
        .map(|gp| parts(&[&gp.id, &gp.family, &gp.given, "", "", "DR"]));
    let referrer = encounter
        .referrer
        .as_ref()
        .map(|by| parts(&[&by.id, &by.family, &by.given, "", "", &by.prefix]))
        .unwrap_or_default();
    pv1.put(8, Er7::repeated([gp.unwrap_or_default(), referrer]));
    if let Some(specialty) = &encounter.specialty {
        pv1.set(10, &specialty.code);
    }
    if shape.cw {
        pv1.maybe(14, encounter.source.as_ref());
    }
    pv1.set(18, "NHS").set(19, &encounter.number).set(22, "PLS-1");
    pv1.maybe(
        36,
        encounter.destination.as_ref().or(encounter.disposition.as_ref()),
    );
    pv1.maybe(37, encounter.disposition.as_ref());
    pv1.set(39, if shape.cw { "CHELWEST" } else { "UCH" })
        .set(41, "2");
    pv1.set(
        44,
        &encounter
            .admitted
            .as_deref()
            .map(|time| time_to(time, 12))
            .unwrap_or_default(),
    );
    pv1.set(
        45,
        &encounter
            .discharged
            .as_deref()
            .map(|time| time_to(time, 12))
            .unwrap_or_default(),
    );
    if let Some(reason) = &encounter.reason {
        let mut pv2 = out.segment("PV2");
        pv2.put(3, parts(&[&reason.code, &reason.text]));
    }
}

/// Flags ride in OBX, their codes in components 4 to 6, one value of literal repetition separators.
fn flags(out: &mut Builder) {
    let flags = [
        ("CE", ["ABC", "Assign Benefits"], Er7::text("Y")),
        ("ST", ["CLCGF", "Client Group Flag"], Er7::text("A")),
        (
            "ST",
            ["LRRF", "Local Return Flag"],
            Er7::repeated(["", "", "", "", "14", "1"].map(Er7::text)),
        ),
    ];
    for (position, (kind, [code, text], value)) in flags.into_iter().enumerate() {
        let mut obx = out.segment("OBX");
        obx.set(1, &(position + 1).to_string())
            .set(2, kind)
            .put(3, parts(&["", "", "", code, text, "PLW-HL7"]))
            .put(5, value)
            .set(11, "F");
    }
}

/// Workflow, UK and client data in Z segments; the two latter at UCLH only.
fn local(emission: &Emission<'_>, shape: &Shape, out: &mut Builder) {
    let event = match reason(emission.event) {
        "CANADM" => "CADM",
        other => other,
    };
    let mut zlw = out.segment("ZLW");
    zlw.put(22, parts(&USER)).set(23, event).set(36, "N").set(38, "N");
    if shape.cw || emission.loser.is_some() {
        return;
    }
    let person = emission.person;
    let mut zuk = out.segment("ZUK");
    zuk.set(1, "Q05")
        .set(2, "5K7")
        .set(3, "1")
        .set(10, "01")
        .set(11, "02")
        .set(12, "9");
    if let Some(practice) = &person.practice {
        zuk.put(28, parts(&[&practice.code, "2.16.840.1.113883.2.1.4.3"]));
    }
    if let Some(gp) = &person.gp {
        zuk.put(29, parts(&[&gp.id, "2.16.840.1.113883.2.1.4.2"]));
    }
    zuk.put(30, parts(&[USER[0], "2.16.840.1.113883.2.1.3.2.4.11"]));
    if let Some(specialty) = emission
        .encounter
        .and_then(|encounter| encounter.specialty.as_ref())
    {
        zuk.set(32, &specialty.code).set(41, &specialty.code);
    }
    let mut zlc = out.segment("ZLC");
    zlc.maybe(
        8,
        emission.encounter.and_then(|encounter| encounter.source.as_ref()),
    );
    zlc.put(15, emission.told("marital-status", person.marital.as_ref()));
}

fn result(report: &Report, out: &mut Builder) {
    let mut obr = out.segment("OBR");
    obr.set(1, "1");
    if !report.placer.is_empty() {
        obr.put(2, parts(&[&report.placer, "PLW"]));
    }
    if !report.filler.is_empty() {
        obr.put(3, parts(&[&report.filler, "LAB"]));
    }
    obr.put(4, parts(&[&report.service.code, &report.service.text, "PLW-HL7"]))
        .set(
            7,
            &report
                .observed
                .as_deref()
                .map(|time| time_to(time, 12))
                .unwrap_or_default(),
        );
    if let Some(doctor) = &report.ordered_by {
        obr.put(
            16,
            parts(&[&doctor.id, &doctor.family, &doctor.given, "", "", &doctor.prefix]),
        );
    }
    obr.set(
        22,
        &report
            .issued
            .as_deref()
            .map(|time| time_to(time, 12))
            .unwrap_or_default(),
    )
    .set(
        24,
        if report.section.is_empty() {
            "CH"
        } else {
            &report.section
        },
    )
    .set(25, &report.status);
    for (position, observation) in report.observations.iter().enumerate() {
        let said = &observation.said;
        let mut obx = out.segment("OBX");
        obx.set(1, &(position + 1).to_string())
            .set(2, &said.value_type)
            .put(
                3,
                parts(&[
                    "",
                    "",
                    "",
                    &observation.code.code,
                    &observation.code.text,
                    "PLW-HL7",
                ]),
            )
            .set(4, &observation.sub_id)
            .put(5, obx_value(said))
            .set(7, &said.range)
            .set(8, &said.flag)
            .set(11, &said.status)
            .set(
                14,
                &said
                    .observed
                    .as_deref()
                    .map(|time| time_to(time, 12))
                    .unwrap_or_default(),
            );
        if let Some(units) = &said.units {
            obx.put(6, ce(units));
        }
        for (line, note) in observation.notes.iter().enumerate() {
            let mut nte = out.segment("NTE");
            nte.set(1, &(line + 1).to_string()).set(2, "L").set(3, note);
        }
    }
}
