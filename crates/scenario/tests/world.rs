//! The world: same seed, same bytes; numbers that can be nobody's; rates that hold; small memory; a hospital's day.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use hl7v2::nhs::{NhsNumber, Ranges};
use proptest::prelude::*;
use scenario::world::extract::{self, Files, Written};
use scenario::world::life::{After, DAY_CURVE};
use scenario::world::{Dirt, World, WorldSettings};

fn settings(seed: u64, people: u64) -> WorldSettings {
    let mut settings = WorldSettings::default();
    settings.seed = seed;
    settings.people = people;
    settings
}

fn written(settings: WorldSettings) -> (Written, Vec<u8>) {
    let mut files = Files {
        people: Vec::new(),
        truth: Vec::new(),
        events: Vec::new(),
    };
    let written = extract::write(&World::new(settings), &mut files).unwrap();
    (written, [files.people, files.truth, files.events].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others(seed in any::<u64>(), people in 1_u64..60) {
        let first = written(settings(seed, people));
        prop_assert_eq!(&first, &written(settings(seed, people)));
        prop_assert_ne!(first.1, written(settings(seed ^ 1, people)).1);
    }

    #[test]
    fn every_nhs_number_has_its_check_digit_and_lies_in_the_range_kept_for_tests(seed in any::<u64>()) {
        let world = World::new(settings(seed, 80));
        let mut seen = HashSet::new();
        for person in world.people() {
            let number = person.identity.nhs.clone().expect("the range is not used up");
            let parsed = NhsNumber::parse(&number).expect("a check digit");
            prop_assert!(Ranges::default().contain(parsed));
            prop_assert!(seen.insert(number), "given twice");
        }
    }

    #[test]
    fn a_larger_world_begins_with_the_smaller_one(seed in any::<u64>()) {
        let small: Vec<String> = World::new(settings(seed, 20)).people().map(|p| format!("{p:?}")).collect();
        let large: Vec<String> = World::new(settings(seed, 40)).people().take(19).map(|p| format!("{p:?}")).collect();
        prop_assert_eq!(&small[..19], &large[..]);
    }
}

#[test]
fn numbers_in_one_pool_are_never_given_twice_and_the_pools_of_two_trusts_share_values() {
    let mut two = settings(3, 4_000);
    two.trusts = 2;
    let mut pools: [HashMap<String, u64>; 2] = Default::default();
    for person in World::new(two).people() {
        for held in &person.held {
            let before = pools[held.trust].insert(held.mrn.clone(), person.index);
            assert_eq!(before, None, "a number twice in a pool");
        }
    }
    let shared = pools[0]
        .iter()
        .filter(|(mrn, person)| pools[1].get(*mrn).is_some_and(|other| other != *person))
        .count();
    assert!(
        shared > 100,
        "the same value in two pools is two people: {shared}"
    );
}

#[test]
fn rates_hold() {
    let people = 40_000_u64;
    let world = World::new(settings(11, people));
    let (mut records, mut duplicates, mut in_beds) = (0_u64, 0_u64, 0_u64);
    let mut dirt: HashMap<Dirt, u64> = HashMap::new();
    for person in world.people() {
        for held in &person.held {
            records += 1;
            duplicates += u64::from(held.duplicate);
            if !held.duplicate {
                for dirt_of in &held.dirt {
                    *dirt.entry(*dirt_of).or_default() += 1;
                }
            }
        }
        in_beds += person
            .life
            .stays
            .iter()
            .filter(|stay| stay.discharged.is_none() && !stay.unclosed)
            .count() as u64;
    }
    let near = |what: &str, count: u64, of: u64, per_10_000: u64| {
        let expected = of * per_10_000 / 10_000;
        assert!(
            count.abs_diff(expected) * 5 <= expected,
            "{what}: {count}, expected about {expected}"
        );
    };
    near("duplicates", duplicates, people, 300);
    near("without an NHS number", dirt[&Dirt::NhsMissing], people, 500);
    near(
        "never traced",
        dirt[&Dirt::NhsUnverified],
        people * 9_500 / 10_000,
        300,
    );
    near("without a postcode", dirt[&Dirt::PostcodeMissing], people, 100);
    near("in a bed", in_beds, people, 200);
    assert!(records == people + duplicates);
}

#[test]
fn nobody_shares_a_bed_at_the_end() {
    let mut beds = HashSet::new();
    for person in World::new(settings(5, 20_000)).people() {
        for stay in person.life.stays.iter().filter(|stay| stay.moves.len() > 1) {
            let place = stay.place();
            assert!(
                beds.insert((place.ward, place.room, place.bed)),
                "two people in one bed"
            );
        }
    }
    assert!(beds.len() > 300);
}

#[test]
fn the_busiest_hour_holds_twelve_in_a_hundred() {
    let mut hours = [0_u32; 24];
    for person in World::new(settings(5, 30_000)).people() {
        for stay in &person.life.stays {
            hours[usize::try_from(stay.admitted().hour()).unwrap()] += 1;
        }
    }
    let total: u32 = hours.iter().sum();
    let peak = *hours.iter().max().unwrap();
    assert_eq!(DAY_CURVE.iter().sum::<u32>(), 1_000);
    assert_eq!(peak, hours[10], "the busiest hour is from ten to eleven");
    let share = f64::from(peak) / f64::from(total) * 100.0;
    assert!((11.0..13.0).contains(&share), "{share:.1} %");
}

#[test]
fn the_backlog_of_a_person_is_in_order_and_after_the_end() {
    let world = World::new(settings(2, 20_000));
    let ends = world.settings().ends;
    let mut told = 0;
    for person in world.people() {
        let times: Vec<_> = person.life.after.iter().map(After::at).collect();
        told += times.len();
        assert!(times.is_sorted());
        assert!(times.iter().all(|at| *at > ends));
    }
    assert!(told > 100);
}

#[test]
fn postcodes_and_telephones_are_nobodys() {
    for person in World::new(settings(2, 2_000)).people() {
        for held in &person.held {
            let identity = &held.identity;
            assert!(identity.postcode.is_empty() || identity.postcode.starts_with("ZZ99 "));
            assert!(identity.phone.starts_with("020 7946 0"));
            assert!(identity.mobile.starts_with("07700 900"));
        }
    }
}

#[test]
fn when_the_range_is_used_up_people_have_no_number_and_that_is_dirt() {
    let world = World::new(settings(2, 909_200));
    let last = world.people().last().unwrap();
    assert_eq!(last.identity.nhs, None);
    assert!(last.held[0].dirt.contains(&Dirt::NhsMissing));
}

#[test]
fn five_thousand_people_take_less_than_a_second() {
    let begun = Instant::now();
    let (written, bytes) = written(settings(7, 5_000));
    assert_eq!(written.people, 5_000);
    assert!(bytes.len() > 500_000);
    assert!(
        begun.elapsed().as_millis() < 1_000,
        "{} ms",
        begun.elapsed().as_millis()
    );
}
