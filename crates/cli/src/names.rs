//! Names a person types — a system, a dialect, an address — and what they stand for.

use adapters::VENDORS;
use translate::dialect::Dialect;

use crate::exit::Failure;

/// Every dialect: the vendors' own, then those that belong to no vendor.
pub(crate) fn dialects() -> Vec<&'static Dialect> {
    let of_vendors = VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles.iter().map(|profile| profile.dialect));
    of_vendors
        .chain([&translate::dialect::ITK, &translate::dialect::STANDARD])
        .collect()
}

/// The dialect of a name: the dialect's own, or a system's name for its default profile's.
pub(crate) fn find_dialect(name: &str) -> Option<&'static Dialect> {
    if let Some(dialect) = dialects().into_iter().find(|dialect| dialect.name == name) {
        return Some(dialect);
    }
    let vendor = VENDORS.iter().find(|vendor| vendor.name == name)?;
    vendor.profiles.first().map(|profile| profile.dialect)
}

/// As [`find_dialect`], with an error that lists what there is.
pub(crate) fn dialect(name: &str) -> anyhow::Result<&'static Dialect> {
    find_dialect(name).ok_or_else(|| {
        let known: Vec<&str> = VENDORS
            .iter()
            .map(|v| v.name)
            .chain(dialects().iter().map(|d| d.name))
            .collect();
        Failure::Usage.because(format!(
            "no dialect or system is called {name:?}; there are {}",
            known.join(", ")
        ))
    })
}

/// The dialect that recognises a message best; plain canonical HL7 v2 when none does.
pub(crate) fn recognise(message: &hl7v2::Message<'_>) -> &'static Dialect {
    dialects()
        .into_iter()
        .map(|dialect| ((dialect.recognise)(message), dialect))
        .filter(|(score, _)| *score > 0)
        .max_by_key(|(score, _)| *score)
        .map_or(&translate::dialect::STANDARD, |(_, dialect)| dialect)
}

/// `host:port` of a place to send to: `gateway`, a system's name, `mllp://host:port` or `tcp://host:port`.
pub(crate) fn mllp_address(place: &str, gateway_port: u16) -> anyhow::Result<String> {
    if place == "gateway" {
        return Ok(format!("127.0.0.1:{gateway_port}"));
    }
    if let Some(vendor) = VENDORS.iter().find(|vendor| vendor.name == place) {
        return Ok(format!("127.0.0.1:{}", vendor.mllp_port));
    }
    for scheme in ["mllp://", "tcp://"] {
        if let Some(address) = place.strip_prefix(scheme) {
            return Ok(address.trim_end_matches('/').to_owned());
        }
    }
    let known: Vec<&str> = VENDORS.iter().map(|v| v.name).collect();
    Err(Failure::Usage.because(format!(
        "cannot send to {place:?}: say gateway, {}, or mllp://host:port",
        known.join(", ")
    )))
}
