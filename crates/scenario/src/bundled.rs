//! The stories that come with the program, and the files they lean on: everything under `fixtures/scenarios`.

/// Every bundled file: its path under the folder, and its text.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));

/// The text of a bundled file.
#[must_use]
pub fn file(name: &str) -> Option<&'static str> {
    FILES
        .iter()
        .find(|(path, _)| *path == name)
        .map(|(_, text)| *text)
}

/// The bundled stories by name: files that stand at the top of the folder.
pub fn stories() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(|(path, text)| {
        let name = path.strip_suffix(".toml")?;
        (!name.contains('/')).then_some((name, *text))
    })
}
