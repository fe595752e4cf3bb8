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
    /// An interface is called after somebody's visit.
    Metrics,
    /// The domain itself, by the name it has for that wall.
    Domain(String),
}

/// The leak that the settings of a story open.
pub(super) fn planted(settings: &BTreeMap<String, String>) -> Leak {
    match settings.get("leak").map_or("none", String::as_str) {
        "none" => Leak::None,
        "feed" => Leak::Feed,
        "circle" => Leak::Circle,
        "metrics" => Leak::Metrics,
        other => Leak::Domain(other.to_owned()),
    }
}

impl Leak {
    /// Takes the wall out of the configuration, where it stands there; `kept` is a word that one trust keeps to itself.
    pub(super) fn spoil(&self, configuration: String, kept: &str) -> String {
        match self {
            Self::None | Self::Feed => configuration,
            Self::Circle => {
                let lines = configuration.lines().filter(|line| !line.starts_with("origin"));
                lines.map(|line| format!("{line}\n")).collect()
            }
            Self::Metrics => configuration.replace("\"domain-to-", &format!("\"{kept}-domain-to-")),
            Self::Domain(wall) => configuration.replacen(
                "assume   = { ",
                &format!("assume   = {{ planted-leak = \"{wall}\", "),
                1,
            ),
        }
    }
}
