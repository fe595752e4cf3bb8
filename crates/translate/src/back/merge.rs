//! Lays edited values over the original that travelled with a Bundle.
//!
//! The original is translated once more and written back beside the Bundle as it came: where the two writings
//! agree, nothing was edited and the original stands as it is, leaf for leaf; where they differ, the difference
//! is what was edited, and only that is changed in the original.

use fhir::Text;
use hl7v2::edit::{Change, Edit, SegmentRef};
use hl7v2::{Message, SegmentId};

use super::writer::SegmentWriter;

/// The rule's name in the trace of the edit.
const RULE: &str = "edited in a resource";

/// True when both writings say the same.
pub(crate) fn is_same(before: &[SegmentWriter], after: &[SegmentWriter]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(one, other)| {
            one.id == other.id && one.verbatim == other.verbatim && difference(one, other).is_empty()
        })
}

/// Changes the original by what differs between the two writings.
pub(crate) fn apply(
    original: &Message<'_>,
    before: &[SegmentWriter],
    after: &[SegmentWriter],
    out: &mut Vec<u8>,
) {
    let mut edit = Edit::new(original);
    edit.rule(RULE);
    let pairs = align(before, after);
    let mut last: Option<SegmentRef> = None;
    let mut gone: Vec<SegmentRef> = Vec::new();
    for pair in pairs {
        match pair {
            Pair::Both(one, other) => {
                let counterpart = before.get(one).and_then(|_| counterpart(&edit, before, one));
                if let (Some(segment), Some(one), Some(other)) =
                    (counterpart, before.get(one), after.get(other))
                {
                    change(&mut edit, segment, one, other);
                    last = Some(segment);
                }
            }
            Pair::Removed(one) => gone.extend(counterpart(&edit, before, one)),
            Pair::Added(other) => {
                let Some(new) = after.get(other) else { continue };
                let segment = edit.insert_segment(new.id, last.or_else(|| edit.first("MSH")));
                for leaf in &new.leaves {
                    put(&mut edit, segment, leaf.place(), &leaf.text);
                }
                last = Some(segment);
            }
        }
    }
    for segment in gone {
        edit.remove_segment(segment, RULE);
    }
    edit.finish(out);
}

type At = (u16, u16, u16, u16);

/// The leaves that differ: place, text before, text after.
fn difference<'w>(
    one: &'w SegmentWriter,
    other: &'w SegmentWriter,
) -> Vec<(At, Option<&'w Text>, Option<&'w Text>)> {
    let mut found = Vec::new();
    for leaf in &one.leaves {
        let now = other.leaves.iter().find(|known| known.place() == leaf.place());
        if now.map(|now| &now.text) != Some(&leaf.text) {
            found.push((leaf.place(), Some(&leaf.text), now.map(|now| &now.text)));
        }
    }
    for leaf in &other.leaves {
        if !one.leaves.iter().any(|known| known.place() == leaf.place()) {
            found.push((leaf.place(), None, Some(&leaf.text)));
        }
    }
    found
}

/// What became of one written segment.
enum Pair {
    Both(usize, usize),
    Removed(usize),
    Added(usize),
}

/// Pairs the two writings segment by segment: equal ones first, then what is left of the same id, in order.
fn align(before: &[SegmentWriter], after: &[SegmentWriter]) -> Vec<Pair> {
    let mut partner: Vec<Option<usize>> = vec![None; after.len()];
    let mut used = vec![false; before.len()];
    let rounds: [fn(&SegmentWriter, &SegmentWriter) -> bool; 2] = [
        |one, other| one.id == other.id && one.verbatim == other.verbatim && same_but_number(one, other),
        |one, other| one.id == other.id,
    ];
    for round in rounds {
        for (index, new) in after.iter().enumerate() {
            if partner.get(index).is_some_and(Option::is_some) {
                continue;
            }
            let found = before
                .iter()
                .enumerate()
                .position(|(at, old)| !used.get(at).copied().unwrap_or(true) && round(old, new));
            if let Some(found) = found {
                used[found] = true;
                partner[index] = Some(found);
            }
        }
    }
    let mut pairs: Vec<Pair> = partner
        .iter()
        .enumerate()
        .map(|(index, found)| found.map_or(Pair::Added(index), |found| Pair::Both(found, index)))
        .collect();
    let removed = used.iter().enumerate().filter(|(_, used)| !**used);
    pairs.extend(removed.map(|(index, _)| Pair::Removed(index)));
    pairs
}

/// Equal but for the set id, which moves when a segment before it goes.
fn same_but_number(one: &SegmentWriter, other: &SegmentWriter) -> bool {
    difference(one, other)
        .iter()
        .all(|((field, ..), _, _)| *field == 1)
}

/// The original's segment that a written one stands for: the same number among those of its id, or, where the
/// counts differ, the one that shares most with it.
fn counterpart(edit: &Edit<'_>, before: &[SegmentWriter], index: usize) -> Option<SegmentRef> {
    let written = before.get(index)?;
    let id: SegmentId = written.id;
    let number = before.iter().take(index).filter(|one| one.id == id).count();
    let count = before.iter().filter(|one| one.id == id).count();
    let originals: Vec<SegmentRef> = edit.named(id.as_str()).collect();
    if originals.len() == count {
        return originals.get(number).copied();
    }
    let shared = |segment: &SegmentRef| {
        let same = |place: At, text: &str| edit.text(spot(*segment, place)) == text;
        written
            .leaves
            .iter()
            .filter(|leaf| same(leaf.place(), &leaf.text))
            .count()
    };
    originals
        .into_iter()
        .map(|segment| (shared(&segment), segment))
        .filter(|(n, _)| *n > 0)
        .max_by_key(|(n, _)| *n)
        .map(|(_, s)| s)
}

fn change(edit: &mut Edit<'_>, segment: SegmentRef, one: &SegmentWriter, other: &SegmentWriter) {
    for (place, old, new) in difference(one, other) {
        if place.0 == 1 && one.id != SegmentId::MSH {
            continue;
        }
        let at = match old {
            Some(old) if !stands(edit, segment, place, old) => elsewhere(edit, segment, old).unwrap_or(place),
            _ => place,
        };
        match new {
            Some(new) => put(edit, segment, at, new),
            None => {
                edit.drop(spot(segment, at), RULE);
            }
        }
    }
}

/// True when the original holds the text at this place; a time may be less precise there than FHIR can say.
fn stands(edit: &Edit<'_>, segment: SegmentRef, place: At, text: &str) -> bool {
    let there = edit.text(spot(segment, place));
    there == text || (!there.is_empty() && (text.starts_with(there.as_ref()) || there.starts_with(text)))
}

/// The one other place in the segment that holds the text, when there is exactly one.
fn elsewhere(edit: &Edit<'_>, segment: SegmentRef, text: &str) -> Option<At> {
    let mut found = Vec::new();
    for field in 2..=edit.field_count(segment) {
        for repetition in 1..=edit.repetitions(segment.field(field)) {
            let place = segment.field(field).repetition(repetition);
            for component in 1..=edit.components(place) {
                if edit.text(place.component(component)) == text {
                    found.push((field, repetition, component, 1));
                }
            }
        }
    }
    match found.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn put(edit: &mut Edit<'_>, segment: SegmentRef, place: At, text: &Text) {
    edit.set(spot(segment, place), text.to_string(), Change::Transformed);
}

fn spot(segment: SegmentRef, (field, repetition, component, subcomponent): At) -> hl7v2::edit::Spot {
    segment
        .field(field)
        .repetition(repetition)
        .component(component)
        .subcomponent(subcomponent)
}
