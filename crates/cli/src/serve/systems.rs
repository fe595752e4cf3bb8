//! `[[system]]` against what the mock EPRs have: vendors, profiles, choices, faults. Every problem at once, with its line.

use adapters::{Fault, VENDORS, Vendor};
use gateway::config::{Problem, Settings, System};
use serde::Deserialize;

/// What is wrong with the systems of a configuration.
pub(super) fn check(settings: &Settings) -> Vec<Problem> {
    let systems = settings.systems.iter().enumerate();
    systems.flat_map(|(at, system)| problems(at, system)).collect()
}

fn problems(at: usize, system: &System) -> Vec<Problem> {
    let Some(vendor) = adapters::vendor(&system.vendor) else {
        let known: Vec<&str> = VENDORS.iter().map(|vendor| vendor.name).collect();
        return vec![Problem::unknown(
            &format!("system[{at}].vendor"),
            &system.vendor,
            &known,
        )];
    };
    let mut problems = Vec::new();
    if let Some(name) = &system.profile
        && vendor.profile(name).is_none()
    {
        let known: Vec<&str> = vendor.profiles.iter().map(|profile| profile.name).collect();
        problems.push(Problem::unknown(&format!("system[{at}].profile"), name, &known));
    }
    problems.extend(choices(at, system, vendor));
    if let Err(found) = faults(at, system) {
        problems.extend(found);
    }
    problems
}

fn choices(at: usize, system: &System, vendor: &Vendor) -> Vec<Problem> {
    let switched = vendor
        .assumptions
        .iter()
        .filter(|known| !known.choices.is_empty());
    let names: Vec<&str> = switched.clone().map(|known| known.name).collect();
    let wrong = system.assume.iter().filter_map(|(name, value)| {
        let key = format!("system[{at}].assume.{name}");
        match switched.clone().find(|known| known.name == name) {
            None => Some(Problem::unknown(&key, name, &names)),
            Some(known) if !known.choices.contains(&value.as_str()) => {
                Some(Problem::unknown(&key, value, known.choices))
            }
            Some(_) => None,
        }
    });
    wrong.collect()
}

/// The faults of one system, as its EPR takes them.
pub(super) fn faults(at: usize, system: &System) -> Result<Vec<Fault>, Vec<Problem>> {
    let (mut faults, mut problems) = (Vec::new(), Vec::new());
    for (place, table) in system.faults.iter().enumerate() {
        let key = format!("system[{at}].faults[{place}]");
        match Fault::deserialize(toml::Value::Table(table.clone())) {
            Ok(fault) => faults.push(fault),
            Err(error) => problems.push(Problem::of_shape(&key, error.message())),
        }
    }
    if problems.is_empty()
        && let Err(error) = Fault::check(&faults)
    {
        let member = error.problem.split(':').next().unwrap_or_default();
        problems.push(Problem {
            key: format!("system[{at}].faults[{}].{member}", error.place - 1),
            message: error.problem.to_owned(),
            nearest: None,
        });
    }
    if problems.is_empty() {
        Ok(faults)
    } else {
        Err(problems)
    }
}
