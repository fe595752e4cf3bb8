//! What this product writes: the acting user in MSH-8, integer control ids, CSN in PID-18 and PV1-19.

use hl7v2::{Builder, Encoding};

use crate::emit::clinical::{Style, body, schedule};
use crate::emit::{Emission, Er7, Phase, Put, ce, obx_value, parts, time_to};
use crate::epr::Choices;
use crate::state::Text;
use crate::state::encounter::{Encounter, Place};
use crate::state::item::{Item, ItemKind};
use crate::state::person::{Clinician, Person, Role, Telecom};
use crate::state::report::Report;

/// A plain integer.
pub(super) fn control_id(number: u64) -> String {
    (30_000 + number).to_string()
}

/// Everything by a message of its own; orders by ORM or OML, as the site chose.
pub(super) fn tells(item: &Item, phase: Phase, choices: &Choices) -> (&'static str, &'static str) {
    match (item.kind, phase) {
        (ItemKind::Order, _) if choices.get("order-message") == "OML" => ("OML", "O21"),
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
        (ItemKind::Allergy, _) => ("ADT", "A60"),
        (ItemKind::Charge, _) => ("DFT", "P03"),
    }
}

static STYLE: Style = Style {
    digits: 14,
    placer: "EPC",
    filler: "EPC",
    code: ce,
    clinician,
    order_status: ["", "CM", "CA"],
    booking_status: ["Scheduled", "Arrived", "Canceled", "No Show"],
};

pub(super) fn write(emission: &Emission<'_>) -> Vec<u8> {
    let mut out = Builder::new(Encoding::STANDARD);
    header(emission, &mut out);
    if let Some(report) = emission.report {
        pid(emission, &mut out);
        result(report, &mut out);
        return out.finish();
    }
    if let Some(item) = emission.item.filter(|_| !matches!(emission.code, "ADT" | "MDM")) {
        if emission.code == "SIU" {
            schedule(item, &STYLE, &mut out);
        }
        pid(emission, &mut out);
        if let Some(encounter) = emission.encounter {
            pv1(emission, encounter, &mut out);
        }
        body(item, emission, &STYLE, &mut out);
        return out.finish();
    }
    let pending = emission
        .encounter
        .is_some_and(|encounter| encounter.admitted.is_none());
    let reason = match emission.event {
        "A40" => "EPT_MERGE",
        "A47" => "PATIENT_CHANGE_ID",
        "A14" => "APPT_NEW",
        "A15" => "PNDTRANSFER",
        "A26" => "PNDTRANSFERDELETE",
        // Nobody is there yet: only the visit was made.
        "A04" if pending => "ENC_CREATE",
        _ => "ADT_EVENT",
    };
    out.segment("EVN")
        .set(1, emission.event)
        .set(2, &time_to(emission.now, 14))
        .set(4, reason)
        .put(
            5,
            parts(&[
                "U0417", "MARLOWE", "PRIYA", "", "", "", "", "", "UCLHS", "", "", "", "", "UCHC",
            ]),
        )
        .set(6, &time_to(emission.at, 14));
    pid(emission, &mut out);
    pd1(emission.person, &mut out);
    if let Some(parted) = emission.loser.filter(|_| emission.event == "A37") {
        pid(
            &Emission {
                person: parted,
                encounter: None,
                ..*emission
            },
            &mut out,
        );
    } else if emission.event == "A47" {
        out.segment("MRG")
            .put(1, parts(&[emission.gone, "", "", "MRENTR", "MEDREC"]));
    } else if emission.event == "A45" {
        let from = emission
            .encounter
            .and_then(|encounter| emission.moved_from(encounter));
        let number = from.and_then(|person| person.alias(Role::Mrn));
        {
            let mut mrg = out.segment("MRG");
            if let Some(alias) = number {
                mrg.put(1, parts(&[&alias.value, "", "", &alias.authority, &alias.kind]));
            }
            mrg.set(5, emission.gone);
        }
        if let Some(encounter) = emission.encounter {
            pv1(emission, encounter, &mut out);
        }
    } else if let Some(loser) = emission.loser {
        let mut mrg = out.segment("MRG");
        if let Some(alias) = loser.alias(Role::Mrn) {
            mrg.put(1, parts(&[&alias.value, "", "", &alias.authority, &alias.kind]));
        }
        if let Some(name) = loser.name() {
            mrg.put(
                7,
                parts(&[&name.family, &name.given, "", "", &name.prefix, "", "D"]),
            );
        }
    } else if let Some(encounter) = emission.encounter {
        pv1(emission, encounter, &mut out);
        out.segment("ZPD").set(1, "Phone").set(2, "Active").set(5, "N");
        out.segment("ZPV").set(2, "Y").set(7, "NHS");
    }
    if let Some(item) = emission.item {
        body(item, emission, &STYLE, &mut out);
    }
    out.finish()
}

fn header(emission: &Emission<'_>, out: &mut Builder) {
    if emission.code == "ORM" && emission.item.is_some_and(|item| item.category != "consult") {
        lab_order_header(emission, out);
        return;
    }
    let user = match emission.event {
        "A40" => "HIMMERGE",
        "R01" => "LABUSER",
        _ => "MARLOWEP",
    };
    // A clinical feed names itself where others name the hospital.
    let vital = emission
        .report
        .is_some_and(|report| report.service.code.eq_ignore_ascii_case("FLOWSHEET"));
    let (feed, version) = match emission.code {
        "ORU" if vital => ("Vitals", "2.5.1"),
        "ORU" => ("Results", "2.3"),
        "PPR" => ("Problem List", "2.5.1"),
        "ORM" => ("Consult Orders", "2.3"),
        "OML" => ("Orders", "2.5.1"),
        "SIU" | "MDM" => ("UCLH", "2.5"),
        _ => ("UCLH", "2.4"),
    };
    out.segment("MSH")
        .set(3, "EPIC")
        .set(4, feed)
        .set(7, &time_to(emission.now, 14))
        .set(8, user)
        .put(9, parts(&[emission.code, emission.event]))
        .set(10, emission.control_id)
        .set(11, "T")
        .set(12, version)
        .set(15, "AL")
        .set(16, "NE");
}

/// Orders for the laboratory name nobody but their receiver.
fn lab_order_header(emission: &Emission<'_>, out: &mut Builder) {
    out.segment("MSH")
        .set(6, "LAB")
        .set(7, &time_to(emission.now, 14))
        .put(9, parts(&[emission.code, emission.event]))
        .set(10, emission.control_id)
        .set(11, "T")
        .set(12, "2.3");
}

fn pid(emission: &Emission<'_>, out: &mut Builder) {
    let person = emission.person;
    let mut pid = out.segment("PID");
    pid.set(1, "1");
    let mrn = person
        .alias(Role::Mrn)
        .map(|alias| parts(&[&alias.value, "", "", &alias.authority, &alias.kind]));
    let nhs = person
        .alias(Role::Nhs)
        .map(|alias| parts(&[&alias.value, "", "", "NHS", emission.choices.get("nhs-type")]));
    pid.put(3, Er7::repeated(mrn.into_iter().chain(nhs)));
    if let Some(name) = person.name() {
        let upper = |text: &str| text.to_uppercase();
        pid.put(
            5,
            parts(&[
                &upper(&name.family),
                &upper(&name.given),
                &upper(&name.middle),
                &name.suffix,
                &upper(&name.prefix),
                "",
                "D",
            ]),
        );
    }
    match &person.birth {
        Some(birth) => {
            pid.set(7, &time_to(birth, 14));
        }
        None if emission.cleared("birth-date") => {
            pid.null(7);
        }
        None => {}
    }
    pid.put(8, emission.told("sex", person.sex.as_ref()));
    if person.addresses.is_empty() && emission.cleared("address") {
        pid.null(11);
    }
    pid.put(
        11,
        Er7::repeated(person.addresses.iter().map(|address| {
            parts(&[
                &address.line,
                &address.other,
                &address.city,
                &address.county,
                &address.postcode,
                "ENGLAND",
                "L",
            ])
        })),
    );
    if person.telecoms.is_empty() && emission.cleared("phone") {
        pid.null(13);
    }
    pid.put(13, Er7::repeated(person.telecoms.iter().map(phone)));
    pid.set(15, person.language.as_deref().unwrap_or("EN"));
    pid.put(16, emission.told("marital-status", person.marital.as_ref()));
    pid.maybe(17, person.religion.as_ref());
    if let Some(encounter) = emission.encounter {
        pid.set(18, &encounter.number);
    }
    pid.put(
        22,
        emission.told("ethnicity", person.ethnicity.as_ref().map(|coded| &coded.code)),
    );
    pid.set(
        29,
        &person
            .death_time
            .as_deref()
            .map(|time| time_to(time, 14))
            .unwrap_or_default(),
    );
    // The flag and the time go their own ways: the flag is sent as it is held.
    pid.set(30, person.death_indicator.as_deref().unwrap_or("N"));
}

fn phone(telecom: &Telecom) -> Er7 {
    if telecom.email {
        return parts(&["", "NET", "Internet", &telecom.value]);
    }
    match telecom.used_as.as_str() {
        "ORN" => parts(&[&telecom.value, "PRS", "CP"]),
        "WPN" => parts(&[&telecom.value, "WPN", "PH"]),
        _ => parts(&[&telecom.value, "PRN", "PH"]),
    }
}

fn pd1(person: &Person, out: &mut Builder) {
    let Some(gp) = &person.gp else { return };
    let practice = person.practice.clone().unwrap_or_default();
    let surgery = [
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
        practice.code.as_str(),
    ];
    let repeats = [
        parts(&[&gp.id, &gp.family, &gp.given, "", "", "DR"]),
        parts(&surgery),
    ];
    out.segment("PD1").put(4, Er7::repeated(repeats));
}

/// One clinician under three id types.
fn clinician(clinician: &Clinician) -> Er7 {
    let number = crate::seed::hash(0, &[clinician.id.as_bytes()]) % 10_000;
    let ids = [
        (format!("19{number:04}"), "CONS"),
        (format!("C999{number:04}"), "CDS"),
        (clinician.id.to_string(), "PROVID"),
    ];
    Er7::repeated(ids.iter().map(|(id, kind)| {
        let upper = |text: &Text| text.to_uppercase();
        parts(&[
            id,
            &upper(&clinician.family),
            &upper(&clinician.given),
            "",
            "",
            &upper(&clinician.prefix),
            "",
            "",
            kind,
            "",
            "",
            "",
            kind,
        ])
    }))
}

/// Department, room, bed, and the department's id.
fn place(place: &Place) -> Er7 {
    let department = 1_000_000 + crate::seed::hash(0, &[place.ward.as_bytes()]) % 100_000;
    parts(&[
        &place.ward,
        &place.room,
        &place.bed,
        "U",
        "R",
        "",
        "",
        "",
        "",
        "",
        &department.to_string(),
    ])
}

fn pv1(emission: &Emission<'_>, encounter: &Encounter, out: &mut Builder) {
    let mut pv1 = out.segment("PV1");
    pv1.set(1, "1").set(2, &encounter.class);
    if let Some(now) = encounter.place() {
        pv1.put(3, place(now));
    }
    pv1.maybe(4, encounter.admission_type.as_ref());
    if emission.event == "A02"
        && let Some(before) = encounter.place_before()
    {
        pv1.put(6, place(before));
    }
    if let Some(consultant) = &encounter.consultant {
        pv1.put(7, clinician(consultant));
        pv1.put(17, clinician(consultant));
    }
    if let Some(referrer) = &encounter.referrer {
        pv1.put(8, clinician(referrer));
    }
    if let Some(specialty) = &encounter.specialty {
        pv1.set(
            10,
            if specialty.text.is_empty() {
                &specialty.code
            } else {
                &specialty.text
            },
        );
    }
    pv1.maybe(14, encounter.source.as_ref());
    pv1.set(18, &encounter.class).set(19, &encounter.number);
    pv1.maybe(36, encounter.disposition.as_ref())
        .maybe(37, encounter.destination.as_ref());
    if let Some(pending) = &encounter.pending {
        pv1.put(42, place(pending));
    }
    let time = |time: Option<&Text>| time.map(|time| time_to(time, 14)).unwrap_or_default();
    pv1.set(44, &time(encounter.admitted.as_ref()))
        .set(45, &time(encounter.discharged.as_ref()))
        .set(50, &encounter.number);
    if let Some(reason) = &encounter.reason {
        out.segment("PV2").put(3, parts(&[&reason.code, &reason.text]));
    }
}

fn result(report: &Report, out: &mut Builder) {
    let time = |time: Option<&Text>| time.map(|time| time_to(time, 14)).unwrap_or_default();
    let placer = parts(&[&report.placer, if report.placer.is_empty() { "" } else { "EPC" }]);
    let filler = parts(&[&report.filler, "EPIC"]);
    out.segment("ORC")
        .set(1, "RE")
        .put(2, placer.clone())
        .put(3, filler.clone())
        .set(4, &report.filler);
    let mut obr = out.segment("OBR");
    obr.set(1, "1")
        .put(2, placer)
        .put(3, filler)
        .put(4, ce(&report.service))
        .set(7, &time(report.observed.as_ref()));
    if let Some(doctor) = &report.ordered_by {
        obr.put(16, clinician(doctor));
    }
    obr.set(20, &report.filler)
        .set(22, &time(report.issued.as_ref()))
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
            .put(3, ce(&observation.code))
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
            out.segment("NTE")
                .set(1, &(line + 1).to_string())
                .set(2, "L")
                .set(3, note);
        }
    }
}
