//! The comparison finds what it is there to find: each defect planted once, and a clean pair of sides clean.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use scenario::reconcile::account::Account;
use scenario::reconcile::matching::{Entry, Finding, decide, propose};
use scenario::reconcile::record::{Class, Record, Side};
use scenario::reconcile::{Cause, Exclusions, Reconciliation, Tolerance, compare};
use scenario::wire::Sent;
use scenario::world::{Identity, World, WorldSettings};

fn sides() -> Side {
    let mut side = Side::default();
    for number in 0..20 {
        let key = format!("4000{number:04}");
        let patient = Record::new(Class::Patient, &key)
            .with("family", "OKONKWO")
            .with("birth-date", "1970-03-11");
        side.add(patient);
        side.add(Record::new(Class::Alias, &key).with("patient", &key));
        let appointment = Record::new(Class::Appointment, format!("A{number}"))
            .with("patient", &key)
            .with("clinic", "CL07")
            .with("at", "2026-04-02T09:30:00Z");
        side.add(appointment);
        let waiting = Record::new(Class::Waiting, format!("W{number}"))
            .with("patient", &key)
            .with("clock-start", "2025-12-01");
        side.add(waiting);
        side.add(Record::new(Class::Allergy, format!("{key} PEN")));
    }
    side
}

fn compared(target: &Side) -> Reconciliation {
    compare(
        &sides(),
        target,
        &Exclusions::new(),
        &Class::ALL,
        &Tolerance::default(),
    )
}

fn changed(class: Class, key: &str, field: &'static str, value: &str) -> Side {
    let mut side = sides();
    let record = side.records.get_mut(&(class, key.to_owned())).unwrap();
    record.fields.insert(field, value.to_owned());
    side
}

fn without(class: Class, key: &str) -> Side {
    let mut side = sides();
    side.records.remove(&(class, key.to_owned())).unwrap();
    side
}

/// The one open group there must be.
fn only(target: &Side) -> (Class, String, Cause) {
    let found = compared(target);
    assert!(!found.is_clean());
    assert!(
        found.counts.values().all(scenario::reconcile::Count::closes),
        "totals close even then"
    );
    assert_eq!(found.groups.len(), 1, "{:?}", found.groups);
    let group = &found.groups[0];
    (group.class, group.field.clone(), group.cause)
}

#[test]
fn scenarios_11_a_clean_pair_is_clean() {
    let found = compared(&sides());
    assert!(found.is_clean() && found.groups.is_empty());
    for count in found.counts.values() {
        assert_eq!(count.source_hash, count.target_hash);
    }
}

#[test]
fn scenarios_11_a_missing_appointment_is_found() {
    assert_eq!(
        only(&without(Class::Appointment, "A7")),
        (Class::Appointment, String::new(), Cause::MissingInTarget)
    );
}

#[test]
fn scenarios_11_a_wrong_clinic_is_found() {
    assert_eq!(
        only(&changed(Class::Appointment, "A3", "clinic", "CL08")),
        (Class::Appointment, "clinic".to_owned(), Cause::OtherValue)
    );
}

#[test]
fn scenarios_11_a_duplicate_person_is_found_known_or_unknown() {
    let mut twice = sides();
    twice.add(Record::new(Class::Patient, "40000001"));
    assert_eq!(only(&twice), (Class::Patient, String::new(), Cause::Twice));
    let mut unknown = sides();
    unknown.add(Record::new(Class::Patient, "99999999"));
    assert_eq!(
        only(&unknown),
        (Class::Patient, String::new(), Cause::OnlyInTarget)
    );
}

#[test]
fn scenarios_11_a_lost_allergy_is_found() {
    assert_eq!(
        only(&without(Class::Allergy, "40000002 PEN")),
        (Class::Allergy, String::new(), Cause::MissingInTarget)
    );
}

#[test]
fn scenarios_11_a_changed_clock_start_is_found() {
    assert_eq!(
        only(&changed(Class::Waiting, "W4", "clock-start", "2026-01-12")),
        (Class::Waiting, "clock-start".to_owned(), Cause::OtherValue)
    );
}

#[test]
fn a_lost_number_a_turned_birth_date_a_zone_and_a_dropped_field_have_their_names() {
    assert_eq!(only(&without(Class::Alias, "40000005")).2, Cause::MissingInTarget);
    assert_eq!(
        only(&changed(Class::Patient, "40000005", "birth-date", "1970-11-03")).2,
        Cause::DayMonthTurned
    );
    assert_eq!(
        only(&changed(
            Class::Appointment,
            "A5",
            "at",
            "2026-04-02T10:30:00+00:00"
        ))
        .2,
        Cause::WholeHours
    );
    assert_eq!(
        only(&changed(Class::Patient, "40000005", "family", "Okonkwo")).2,
        Cause::CaseOrSpace
    );
    assert_eq!(
        only(&changed(Class::Patient, "40000005", "family", "")).2,
        Cause::FieldLost
    );
}

#[test]
fn what_a_board_has_accepted_is_accepted_and_nothing_else() {
    let tolerance = Tolerance::parse(
        "[[accept]]\nclass = \"patients\"\nfield = \"family\"\ncause = \"case-or-space\"\nbecause = \"capitals\"\n",
    )
    .unwrap();
    let run =
        |target: &Side| compare(&sides(), target, &Exclusions::new(), &Class::ALL, &tolerance).is_clean();
    assert!(run(&changed(Class::Patient, "40000005", "family", "Okonkwo")));
    assert!(!run(&changed(Class::Patient, "40000005", "family", "Okafor")));
    assert!(Tolerance::parse("[[accept]]\nklass = \"x\"\n").is_err());
}

#[test]
fn scenarios_10_an_exclusion_is_counted_and_a_class_not_measured_is_not_judged() {
    let mut exclusions = Exclusions::new();
    exclusions.insert(
        (Class::Patient, "40000001".to_owned()),
        "not to be moved".to_owned(),
    );
    let target = without(Class::Patient, "40000001");
    let found = compare(
        &sides(),
        &target,
        &exclusions,
        &[Class::Patient],
        &Tolerance::default(),
    );
    assert!(found.is_clean());
    assert_eq!(found.counts[&Class::Patient].excluded["not to be moved"], 1);
    assert!(!found.counts[&Class::Allergy].measured);
    // Moved all the same: then it is one too many.
    let moved = compare(
        &sides(),
        &sides(),
        &exclusions,
        &[Class::Patient],
        &Tolerance::default(),
    );
    assert_eq!(moved.groups[0].cause, Cause::OnlyInTarget);
    assert!(moved.counts[&Class::Patient].closes());
}

#[test]
fn a_number_never_sent_and_a_refusal_are_lost_messages() {
    let sent = |sequence: u64, code: &str| Sent {
        sequence,
        control: format!("N{sequence}"),
        event: "ADT^A28".to_owned(),
        person: 1,
        code: code.to_owned(),
        tries: 1,
    };
    let account = Account::of("old", 5, &[sent(1, "AA"), sent(2, "AE"), sent(5, "AA")]);
    assert_eq!((account.gaps.as_slice(), account.lost()), (&[3, 4][..], 3));
    assert_eq!((account.first.as_str(), account.last.as_str()), ("N1", "N5"));
}

fn settings(people: u64) -> WorldSettings {
    let mut settings = WorldSettings::default();
    settings.people = people;
    settings
}

#[test]
fn scenarios_12_matching_finds_the_truth_and_merges_nothing_by_itself() {
    let mut dirty = settings(20_000);
    dirty.duplicates = 1_000;
    let people: Vec<_> = World::new(dirty).people().collect();
    let entries: Vec<Entry<'_>> = people
        .iter()
        .flat_map(|person| {
            person.held.iter().map(|held| Entry {
                mrn: &held.mrn,
                trust: held.trust,
                identity: &held.identity,
                truth: person.index,
            })
        })
        .collect();
    let proposals = propose(&entries);
    let nobody = decide(&entries, &proposals, |_, _| false);
    assert_eq!(nobody.wrong, 0, "a certain pair that is two people");
    assert!(nobody.to_merge.is_empty(), "nothing is merged without a human");
    assert!(nobody.true_pairs > 1_500);
    assert!(nobody.recall() >= 98.0, "{:.2}", nobody.recall());
    assert!(nobody.rejected > 0 && nobody.twins > 0);
    let truth = decide(&entries, &proposals, |left, right| left.truth == right.truth);
    assert_eq!(truth.to_merge.len(), truth.approved);
    assert_eq!(
        format!("{proposals:?}"),
        format!("{:?}", propose(&entries)),
        "the same every time"
    );
}

fn identity(change: impl FnOnce(&mut Identity)) -> Identity {
    let person = World::new(settings(1)).people().next().unwrap();
    let mut identity = person.identity;
    identity.nhs = Some("9990000018".to_owned());
    identity.nhs_status = "01";
    identity.birth = jiff::civil::date(1970, 3, 11);
    identity.postcode = "ZZ99 1AB".to_owned();
    change(&mut identity);
    identity
}

fn found(left: &Identity, right: &Identity) -> Option<(&'static str, Finding)> {
    let entry = |mrn, identity| Entry {
        mrn,
        trust: 0,
        identity,
        truth: 0,
    };
    let proposals = propose(&[entry("1", left), entry("2", right)]);
    proposals
        .first()
        .map(|proposal| (proposal.rule, proposal.finding))
}

#[test]
fn numbers_that_contradict_each_other_decide_and_a_changed_birth_date_is_never_certain() {
    let jane = identity(|_| {});
    assert_eq!(found(&jane, &identity(|_| {})), Some(("M1", Finding::Certain)));
    let other_number = identity(|identity| identity.nhs = Some("9990000026".to_owned()));
    assert_eq!(found(&jane, &other_number), None);
    let turned = identity(|identity| identity.birth = jiff::civil::date(1970, 11, 3));
    assert_eq!(found(&jane, &turned), Some(("M2", Finding::Probable)));
    let untraced = identity(|identity| identity.nhs_status = "02");
    assert_eq!(found(&jane, &untraced), Some(("M2", Finding::Probable)));
    let baby = identity(|identity| {
        identity.nhs = None;
        identity.given = "BABY".to_owned();
    });
    assert_eq!(found(&jane, &baby), None, "a name that says nothing");
}

#[test]
fn scenarios_9_a_repeated_effect_is_seen_whether_it_adds_changes_or_doubles() {
    let visit = |bed: &str| Record::new(Class::Inpatient, "V1").with("bed", bed);
    let side = |records: &[Record]| {
        let mut side = Side::default();
        for record in records {
            side.add(record.clone());
        }
        side
    };
    let before = side(&[visit("T01")]);
    assert!(before.changes(&side(&[visit("T01")])).is_empty());
    for after in [
        side(&[]),
        side(&[visit("T02")]),
        side(&[visit("T01"), visit("T01")]),
    ] {
        assert_eq!(before.changes(&after), ["in-patients by bed V1"]);
    }
    let more = side(&[visit("T01"), Record::new(Class::Visit, "V2")]);
    assert_eq!(before.changes(&more), ["past visits V2"]);
}
