//! Code values without an alias: `CD:391` and what it shows when somebody made the alias.

use std::sync::OnceLock;

use hl7v2::SegmentId;
use hl7v2::edit::{Change, Edit, Spot};
use translate::dialect::{CLINICIAN_FIELDS, Confidence, DialectRule, unchanged};

use super::SAMPLES;

pub(super) const READ: DialectRule = DialectRule {
    name: "CD:<code value> > display text",
    places: &["PID", "PD1", "NK1", "PV1", "ORC", "OBR", "OBX", "AL1"],
    source: SAMPLES,
    confidence: Confidence::Documented,
    why: "Code values that have no outbound alias leak as numbers, even labelled LOINC; the numbers are those of the FHIR \
          code sets.",
    normalise: |edit, _| read(edit),
    render: unchanged,
};

pub(super) const READ_AND_WRITE: DialectRule = DialectRule {
    render: |edit, _| write(edit),
    ..READ
};

struct Alias {
    value: &'static str,
    display: &'static str,
    places: Vec<(SegmentId, u16, u16)>,
}

static ALIASES: OnceLock<Vec<Alias>> = OnceLock::new();

fn aliases() -> &'static [Alias] {
    ALIASES.get_or_init(|| {
        include_str!("../aliases.csv")
            .lines()
            .skip(1)
            .filter_map(alias)
            .collect()
    })
}

fn alias(line: &'static str) -> Option<Alias> {
    let mut cells = line.splitn(3, ',');
    let (value, display, places) = (cells.next()?, cells.next()?, cells.next()?);
    Some(Alias {
        value,
        display,
        places: places.split_whitespace().flat_map(expand).collect(),
    })
}

/// `PID-3.5`, or `XCN.9` for component 9 of every field that names a clinician.
fn expand(place: &str) -> Vec<(SegmentId, u16, u16)> {
    if let Some(component) = place.strip_prefix("XCN.").and_then(|number| number.parse().ok()) {
        let event = (SegmentId::of("EVN"), &[5][..]);
        let clinicians = CLINICIAN_FIELDS.iter().copied().chain([event]);
        return clinicians
            .flat_map(|(id, fields)| fields.iter().map(move |&field| (id, field, component)))
            .collect();
    }
    let location = place.parse::<hl7v2::Location>();
    location
        .map(|place| vec![(place.segment, place.field, place.component.max(1))])
        .unwrap_or_default()
}

fn read(edit: &mut Edit<'_>) {
    let concerns = |raw: &[u8]| raw.windows(3).any(|window| window == b"CD:");
    if !concerns(edit.message().bytes()) {
        return;
    }
    let mut unknown: Vec<Spot> = Vec::new();
    for segment in edit.segments().collect::<Vec<_>>() {
        edit.rewrite(segment, concerns, |spot, text| {
            let value = text.strip_prefix("CD:")?;
            match aliases().iter().find(|alias| alias.value == value) {
                Some(alias) => Some((alias.display.to_owned(), "alias of a code value")),
                None => {
                    unknown.push(spot);
                    None
                }
            }
        });
    }
    for spot in unknown {
        edit.note(spot, "a code value without an alias here; passed through");
    }
    relabel(edit, LOINC, LOCAL_CODES);
}

/// What a code value is labelled when nothing else is configured, and what it is.
const LOINC: &str = "LN";
const LOCAL_CODES: &str = "99CODEVALUE";

/// A code value is local whatever label stands beside it.
fn relabel(edit: &mut Edit<'_>, from: &str, to: &'static str) {
    for segment in edit.segments().collect::<Vec<_>>() {
        let id = edit.id(segment);
        let Some((_, field)) = CODED_FIELDS.iter().find(|(name, _)| id == *name) else {
            continue;
        };
        for component in [1, 4] {
            let code = segment.field(*field).component(component);
            let label = segment.field(*field).component(component + 2);
            if edit.says(label, from) && edit.text(code).starts_with("CD:") {
                edit.set_noted(label, to, Change::Transformed, "a code value is no LOINC code");
            }
        }
    }
}

/// Fields that name a test.
const CODED_FIELDS: &[(&str, u16)] = &[("OBR", 4), ("OBX", 3)];

fn write(edit: &mut Edit<'_>) {
    relabel(edit, LOCAL_CODES, LOINC);
    for segment in edit.segments().collect::<Vec<_>>() {
        let id = edit.id(segment);
        if id == "MSH" {
            continue;
        }
        edit.rewrite(
            segment,
            |_| true,
            |spot, text| {
                let here = (id, spot.field_number(), spot.component_number());
                let alias = aliases()
                    .iter()
                    .find(|alias| alias.display == text && alias.places.contains(&here))?;
                Some((
                    format!("CD:{}", alias.value),
                    "code value of a text that has no alias here",
                ))
            },
        );
    }
    // The text beside an ethnic category is the alias's; a bare code value stands alone.
    if let Some(pid) = edit.first("PID")
        && edit.text(pid.field(22)).starts_with("CD:")
    {
        edit.drop(pid.field(22).component(2), "a bare code value stands alone");
    }
}
