//! The visit: its two numbers, its class said twice, clinicians by pool, the way out.

use hl7v2::edit::{Change, Edit, Spot};
use translate::dialect::{
    CLINICIAN_FIELDS, Confidence, DialectRule, drop_repeated_class, drop_repeated_visit, each_repetition,
    exchange_discharge, national_code_first, put_authority, repeat_class, visit_number_canonical,
    visit_number_rendered,
};

use super::{OURS, SAMPLES, TRUST};

pub(super) const VISIT: DialectRule = DialectRule {
    name: "PV1-19 Attendance Num^VISITID > <ODS>^VN",
    places: &["PV1-19", "PID-18"],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "The attendance pool names no trust; the encounter pool of PID-18 does.",
    normalise: |edit, context| {
        let account = edit.first("PID").map(|pid| pid.field(18).repetition(1));
        let said = account
            .filter(|&at| edit.text(at.component(5)) == "AN")
            .map(|at| edit.text(at.component(4)));
        let trust = said
            .filter(|said| !said.is_empty())
            .unwrap_or_else(|| context.setting(&TRUST).to_owned().into());
        visit_number_canonical(
            edit,
            &[("Attendance Num", "VISITID"), ("", ""), ("", "VISITID")],
            trust,
        );
        drop_repeated_visit(edit, ("PID", 18));
    },
    render: |edit, _| {
        // Without an encounter number of its own the visit number serves as one, and keeps the trust's name.
        if let (Some(pid), Some(pv1)) = (edit.first("PID"), edit.first("PV1")) {
            let (account, visit) = (pid.field(18).repetition(1), pv1.field(19).repetition(1));
            if !edit.is_present(account) && edit.text(visit.component(5)) == "VN" {
                let trust = edit.text(visit.component(4));
                edit.copy_to(visit.component(1), account.component(1));
                put_authority(edit, account, (trust, "AN"));
            }
        }
        visit_number_rendered(edit, ("Attendance Num", "VISITID"));
    },
};

pub(super) const CLASS_AGAIN: DialectRule = DialectRule {
    name: "PV1-18 repeats PV1-2",
    places: &["PV1-18", "PV1-2"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "The encounter type is shown in both.",
    normalise: |edit, _| drop_repeated_class(edit),
    render: |edit, _| repeat_class(edit),
};

pub(super) const CLINICIANS: DialectRule = DialectRule {
    name: "XCN.9 GMC Number^Personnel^GMC > GMC",
    places: &[
        "PV1-7", "PV1-8", "PV1-9", "PV1-17", "PD1-4", "ORC-12", "OBR-16", "PR1-8", "PR1-11",
    ],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "One repetition per alias pool; the national number names its register and comes first.",
    normalise: |edit, _| {
        each_repetition(edit, CLINICIAN_FIELDS, clinician_canonical);
        national_code_first(edit);
    },
    render: |edit, _| each_repetition(edit, CLINICIAN_FIELDS, clinician_rendered),
};

fn clinician_canonical(edit: &mut Edit<'_>, at: Spot) {
    let register = match &*edit.text(at.component(9)) {
        "GMC Number" => "GMC",
        "GP Number" => "GMP",
        _ => "",
    };
    if !register.is_empty() {
        edit.set(at.component(9), register, Change::Transformed);
        edit.drop(at.component(13), "follows from the register");
    }
    if matches!(&*edit.text(at.component(10)), "Personnel" | "PRSNL") {
        edit.drop(at.component(10), "says only that the pool is one of people");
    }
}

fn clinician_rendered(edit: &mut Edit<'_>, at: Spot) {
    let (pool, kind) = match &*edit.text(at.component(9)) {
        "GMC" => ("GMC Number", "GMC"),
        "GMP" => ("GP Number", "External Identifier"),
        _ => ("", ""),
    };
    if !pool.is_empty() {
        edit.set(at.component(9), pool, Change::Transformed);
        if !edit.is_present(at.component(13)) {
            edit.set(at.component(13), kind, Change::Defaulted);
        }
    }
    if edit.is_valued(at.component(9)) && !edit.is_present(at.component(10)) {
        edit.set(at.component(10), "Personnel", Change::Defaulted);
    }
}

pub(super) const DISCHARGE: DialectRule = DialectRule {
    name: "PV1-36 method, PV1-37 destination > exchanged",
    places: &["PV1-36", "PV1-37"],
    source: OURS,
    confidence: Confidence::Assumed,
    why: "NHS senders have the destination in PV1-36 and the method in PV1-37; here they stand the other way round.",
    normalise: |edit, _| exchange_discharge(edit, (1, 2)),
    render: |edit, _| exchange_discharge(edit, (2, 1)),
};
