//! Choices among a vendor's assumptions: every name is known, every value one of its own.

use std::collections::BTreeMap;

use crate::vendor::Vendor;

/// The choices made among a vendor's assumptions.
pub(crate) struct Choices(BTreeMap<&'static str, String>);

impl Choices {
    pub(super) fn new(vendor: &Vendor, made: &BTreeMap<String, String>) -> Result<Self, (String, String)> {
        let mut choices: BTreeMap<_, _> = vendor
            .assumptions
            .iter()
            .map(|known| (known.name, known.default.to_owned()))
            .collect();
        for (name, value) in made {
            let Some(known) = vendor.assumptions.iter().find(|known| known.name == name) else {
                let names: Vec<_> = vendor
                    .assumptions
                    .iter()
                    .filter(|known| !known.choices.is_empty())
                    .map(|known| known.name)
                    .collect();
                return Err((
                    name.clone(),
                    format!("no such choice; there are {}", names.join(", ")),
                ));
            };
            if known.choices.is_empty() {
                return Err((name.clone(), "cannot be switched yet".to_owned()));
            }
            if !known.choices.contains(&value.as_str()) {
                return Err((name.clone(), format!("one of {}", known.choices.join(", "))));
            }
            choices.insert(known.name, value.clone());
        }
        Ok(Self(choices))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// What was chosen, or the default; empty for a name that is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}
