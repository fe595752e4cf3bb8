//! What a person hands in: files, folders, standard input; single messages and batches.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// One message and where it came from.
pub(crate) struct Item {
    /// The file, or `-`; with the message's number behind it when the file holds several.
    pub(crate) origin: String,
    pub(crate) bytes: Vec<u8>,
}

/// Files end in one of these when a folder is read.
const MESSAGE_ENDINGS: [&str; 3] = ["hl7", "er7", "hl7v2"];
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// The files behind the given paths: a folder stands for the message files in and under it, by path.
pub(crate) fn files(paths: &[PathBuf], endings: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = found.len();
            walk(path, endings, &mut found)?;
            if found.len() == before {
                let wanted = endings.join(", .");
                return Err(Failure::Input.because(format!("no .{wanted} file in {}", path.display())));
            }
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, endings: &[&str], found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries =
        listed.map_err(|e| Failure::Input.because(format!("cannot list {}: {e}", folder.display())))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, endings, found)?;
        } else if is_input(&path, endings) {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether a file of a folder is input: its last ending says so, and none before it, as in `a01.back.hl7`, says
/// that it is what a message is expected to become.
fn is_input(path: &Path, endings: &[&str]) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut parts = name.rsplit('.');
    parts.next().is_some_and(|last| endings.contains(&last)) && !matches!(parts.next(), Some("back" | "fhir"))
}

/// Reads one file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let unreadable =
        |e: std::io::Error| Failure::Input.because(format!("cannot read {}: {e}", path.display()));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(FILE_BYTES_MAX)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if bytes.len() as u64 == FILE_BYTES_MAX {
        let limit = FILE_BYTES_MAX / 1024 / 1024;
        return Err(Failure::Input.because(format!("{} is over the limit of {limit} MiB", path.display())));
    }
    Ok(bytes)
}

/// Every message of the given paths, batches taken apart, in the order they are to be sent: as given,
/// and within a folder by the time in MSH-7, then by path.
pub(crate) fn messages(paths: &[PathBuf]) -> anyhow::Result<Vec<Item>> {
    let mut all = Vec::new();
    for path in paths {
        let mut of_path = Vec::new();
        for file in files(std::slice::from_ref(path), &MESSAGE_ENDINGS)? {
            of_path.extend(split(&file, read(&file)?));
        }
        if path.is_dir() {
            of_path.sort_by_cached_key(|item| (time_of(&item.bytes), item.origin.clone()));
        }
        all.extend(of_path);
    }
    Ok(all)
}

/// A file's messages: one, or each of a batch.
pub(crate) fn split(path: &Path, bytes: Vec<u8>) -> Vec<Item> {
    let origin = path.display().to_string();
    let several: Vec<Vec<u8>> = hl7v2::read_batch(&bytes).messages().map(<[u8]>::to_vec).collect();
    if several.len() < 2 && !is_envelope(&bytes) {
        return vec![Item { origin, bytes }];
    }
    let numbered = several.into_iter().enumerate();
    numbered
        .map(|(n, bytes)| Item {
            origin: format!("{origin}#{}", n + 1),
            bytes,
        })
        .collect()
}

/// Whether a file is a batch by its first line, however many messages it holds.
pub(crate) fn is_envelope(bytes: &[u8]) -> bool {
    bytes.starts_with(b"FHS") || bytes.starts_with(b"BHS")
}

/// What is wrong with a batch as such: counts that differ, envelopes that are not closed.
pub(crate) fn problems(path: &Path, bytes: &[u8]) -> Vec<String> {
    let faulty = hl7v2::read_batch(bytes).filter_map(|part| Some((part.line, part.problem?)));
    let said = faulty.map(|(line, problem)| format!("{}:{line}: {problem}", path.display()));
    if is_envelope(bytes) {
        said.collect()
    } else {
        Vec::new()
    }
}

fn time_of(bytes: &[u8]) -> String {
    hl7v2::Message::parse(bytes)
        .map(|message| message.header().time().into_owned())
        .unwrap_or_default()
}
