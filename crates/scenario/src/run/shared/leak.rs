//! Leaks opened on purpose: one wall taken down, so that a proof that finds nothing can be seen to fail.

use std::collections::BTreeMap;

/// Which wall is down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leak {
    None,
    /// The first trust's systems hear what the others' are told.
    Feed,
    /// The gateway writes no origin tag.
    Circle,
}

/// The leak that the settings of a story open.
pub(super) fn planted(settings: &BTreeMap<String, String>) -> Leak {
    match settings.get("leak").map(String::as_str) {
        Some("feed") => Leak::Feed,
        Some("circle") => Leak::Circle,
        _ => Leak::None,
    }
}

impl Leak {
    /// Takes the wall out of the gateway's configuration, where it stands there.
    pub(super) fn spoil(&self, configuration: String) -> String {
        if *self != Self::Circle {
            return configuration;
        }
        let kept = configuration.lines().filter(|line| !line.starts_with("origin"));
        kept.map(|line| format!("{line}\n")).collect()
    }
}
