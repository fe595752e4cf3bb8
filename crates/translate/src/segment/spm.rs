//! SPM to Specimen and back. Guide: "Segment SPM to Specimen".

use fhir::{Annotation, Specimen, SpecimenCollection, SpecimenContainer, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, identifier, quantity, time};
use crate::keep;
use crate::row::SegmentMap;

type Row = crate::row::Row<Specimen>;

/// Marks a specimen that no SPM came with: OBR alone describes it.
pub(crate) const ABSENT: &str = "OBR";

/// SPM to Specimen.
pub(crate) static SPM: SegmentMap<Specimen> = SegmentMap {
    segment: "SPM",
    resource: "Specimen",
    rows: &[
        Row::ignored(1, "a set id; the order of entries says it"),
        Row::new(
            2,
            "identifier",
            |field, specimen, cx| {
                let eip = field.repetition(1);
                for (n, kind) in [(1, "PGN"), (2, "FGN")] {
                    if let Some(one) = identifier::read_ei_within(eip.component(n), cx) {
                        specimen.identifier.push(identifier::typed(one, kind));
                    }
                }
            },
            |specimen, field, back| {
                let mut to = field.repetition();
                for (component, kind) in [(1, "PGN"), (2, "FGN")] {
                    if let Some(one) = specimen
                        .identifier
                        .iter()
                        .find(|one| identifier::is_typed(one, kind))
                    {
                        identifier::write_ei_within(one, component, &mut to, back);
                    }
                }
            },
        )
        .note("table 0203: PGN, FGN"),
        Row::new(
            4,
            "type",
            |field, specimen, cx| {
                specimen.type_ = concept::first(field, Some(&cx.vocabulary.specimen_type), cx)
            },
            |specimen, field, back| {
                concept::put(
                    specimen.type_.as_ref(),
                    Some(&back.vocabulary.specimen_type),
                    field,
                    back,
                );
            },
        )
        .note("table 0487"),
        Row::new(
            6,
            "container.additiveCodeableConcept",
            |field, specimen, cx| {
                if let Some(additive) = concept::first(field, Some(&cx.vocabulary.additive), cx) {
                    container(specimen).additive_codeable_concept = Some(additive);
                }
            },
            |specimen, field, back| {
                let found = specimen
                    .container
                    .iter()
                    .find_map(|one| one.additive_codeable_concept.as_ref());
                concept::put(found, Some(&back.vocabulary.additive), field, back);
            },
        )
        .note("table 0371"),
        Row::new(
            7,
            "collection.method",
            |field, specimen, cx| {
                let method = concept::first(field, Some(&cx.vocabulary.collection_method), cx);
                collect(specimen, method, |collection, method| {
                    collection.method = Some(method)
                });
            },
            |specimen, field, back| {
                let found = specimen
                    .collection
                    .as_ref()
                    .and_then(|collection| collection.method.as_ref());
                concept::put(found, Some(&back.vocabulary.collection_method), field, back);
            },
        )
        .note("table 0488"),
        Row::new(
            8,
            "collection.bodySite",
            |field, specimen, cx| {
                let site = concept::first(field, None, cx);
                collect(specimen, site, |collection, site| {
                    collection.body_site = Some(site)
                });
            },
            |specimen, field, back| {
                let found = specimen
                    .collection
                    .as_ref()
                    .and_then(|collection| collection.body_site.as_ref());
                concept::put(found, None, field, back);
            },
        ),
        Row::new(
            12,
            "collection.quantity",
            |field, specimen, cx| {
                let amount = quantity::read_cq(field.repetition(1), cx);
                collect(specimen, amount, |collection, amount| {
                    collection.quantity = Some(amount)
                });
            },
            |specimen, field, back| {
                let found = specimen
                    .collection
                    .as_ref()
                    .and_then(|collection| collection.quantity.as_ref());
                if let Some(amount) = found {
                    quantity::write_cq(amount, field.repetition(), back);
                }
            },
        ),
        Row::new(
            14,
            "note",
            |field, specimen, cx| {
                for line in field.repetitions() {
                    if let Some(text) = cx.take(line, ".text") {
                        specimen.note.push(Annotation {
                            text: Some(text),
                            ..Annotation::default()
                        });
                    }
                }
            },
            |specimen, field, _| {
                for note in &specimen.note {
                    if let Some(text) = &note.text {
                        field.repetition().formatted(text);
                    }
                }
            },
        ),
        Row::new(
            17,
            "collection.collectedDateTime",
            |field, specimen, cx| {
                let dr = field.repetition(1);
                if dr.component(2).raw().is_empty() {
                    let moment = time::date_time(dr.component(1), cx, "");
                    collect(specimen, moment, |collection, moment| {
                        collection.collected_date_time = Some(moment);
                    });
                } else {
                    let member = (
                        "Specimen.collection.collectedPeriod.start",
                        "Specimen.collection.collectedPeriod.end",
                    );
                    let period = time::period(dr.component(1), dr.component(2), cx, member);
                    collect(specimen, period, |collection, period| {
                        collection.collected_date_time = None;
                        collection.collected_period = Some(period);
                    });
                }
            },
            |specimen, field, back| {
                let Some(collection) = &specimen.collection else {
                    return;
                };
                let mut to = field.repetition();
                if let Some(moment) = &collection.collected_date_time {
                    to.component(1, &time::to_hl7(moment, back));
                }
                if let Some(period) = &collection.collected_period {
                    for (component, moment) in [(1, &period.start), (2, &period.end)] {
                        if let Some(moment) = moment {
                            to.component(component, &time::to_hl7(moment, back));
                        }
                    }
                }
            },
        ),
        Row::new(
            18,
            "receivedTime",
            |field, specimen, cx| {
                if let Some(moment) = time::date_time(field, cx, "") {
                    specimen.received_time = Some(moment);
                }
            },
            |specimen, field, back| time::put(specimen.received_time.as_deref(), field, back),
        ),
        Row::new(
            20,
            "status",
            |field, specimen, cx| {
                if let Some(available) = super::pid::yes_or_no(field, cx) {
                    let status = if available { "available" } else { "unavailable" };
                    specimen.status = Some(Text::const_new(status));
                }
            },
            |specimen, field, _| match specimen.status.as_deref() {
                Some("available") => field.set(Text::const_new("Y")),
                Some("unavailable") => field.set(Text::const_new("N")),
                _ => {}
            },
        )
        .note("table 0136"),
        Row::new(
            24,
            "condition",
            |field, specimen, cx| {
                concept::all(
                    field,
                    Some(&cx.vocabulary.specimen_condition),
                    &mut specimen.condition,
                    cx,
                );
            },
            |specimen, field, back| {
                concept::put_all(
                    &specimen.condition,
                    Some(&back.vocabulary.specimen_condition),
                    field,
                    back,
                );
            },
        )
        .note("table 0493"),
        Row::new(
            27,
            "container.type",
            |field, specimen, cx| {
                if let Some(kind) = concept::first(field, None, cx) {
                    container(specimen).type_ = Some(kind);
                }
            },
            |specimen, field, back| {
                concept::put(
                    specimen.container.iter().find_map(|one| one.type_.as_ref()),
                    None,
                    field,
                    back,
                );
            },
        ),
        Row::new(
            30,
            "accessionIdentifier",
            |field, specimen, cx| {
                specimen.accession_identifier = identifier::read_cx(field.repetition(1), cx)
            },
            |specimen, field, back| {
                if let Some(accession) = &specimen.accession_identifier {
                    identifier::write_cx(accession, field.repetition(), back);
                }
            },
        ),
        Row::kept(3),
        Row::kept(5),
        Row::kept(9),
        Row::kept(10),
        Row::kept(11),
        Row::kept(13),
        Row::kept(15),
        Row::kept(16),
        Row::kept(19),
        Row::kept(21),
        Row::kept(22),
        Row::kept(23),
        Row::kept(25),
        Row::kept(26),
        Row::kept(28),
        Row::kept(29),
        Row::new(31, "identifier", read_other_number, write_other_number),
        Row::new(32, "identifier", read_other_number, write_other_number),
        Row::kept(33),
    ],
};

/// SPM-31 and SPM-32: other numbers of the specimen and of its container.
fn read_other_number(field: Field<'_>, specimen: &mut Specimen, cx: &mut Context<'_>) {
    let place = if cx.rule.field == 31 { "SPM-31" } else { "SPM-32" };
    for one in field.repetitions() {
        cx.at(specimen.identifier.len());
        if let Some(mut found) = identifier::read_cx(one, cx) {
            found.extension.push(keep::mark(place));
            specimen.identifier.push(found);
        }
    }
}

fn write_other_number(specimen: &Specimen, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let place = field.place();
    let here = specimen.identifier.iter();
    for one in here.filter(|one| keep::is_marked(&one.extension, &place)) {
        identifier::write_cx(one, field.repetition(), back);
    }
}

pub(crate) fn collect<T>(
    specimen: &mut Specimen,
    found: Option<T>,
    set: impl FnOnce(&mut SpecimenCollection, T),
) {
    if let Some(found) = found {
        set(specimen.collection.get_or_insert_default(), found);
    }
}

pub(crate) fn container(specimen: &mut Specimen) -> &mut SpecimenContainer {
    if specimen.container.is_empty() {
        specimen.container.push(SpecimenContainer::default());
    }
    &mut specimen.container[0]
}

/// What tells one specimen from another.
pub(crate) fn key(specimen: &Specimen) -> Option<String> {
    let id = specimen
        .identifier
        .iter()
        .chain(&specimen.accession_identifier)
        .find_map(|id| id.value.as_ref())?;
    Some(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, first, round_trip};

    #[test]
    fn other_numbers_of_a_specimen_come_back() {
        let spm = "SPM|1|P1^F1||BLD".to_owned() + &"|".repeat(27) + "N1^^^LAB~N2|C1^^^LAB";
        let before = [PID, "OBR|1||F1|FBC|||||||||||||||||||||F"];
        let bundle = round_trip("R01", &before, &spm);
        assert_eq!(first::<Specimen>(&bundle).identifier.len(), 5);
    }

    #[test]
    fn a_specimen_comes_back() {
        let spm = "SPM|1|P1&RYJ^F1&LAB||BLD||EDTA|VENIP|LA^Left arm|||||5^mL^UCUM||Clotted|||20260302081500^20260302082000|20260302100000||Y||||HEM|||RED||||A1^^^LAB";
        let spm = spm
            .replace("|||||5^mL^UCUM||", "||||5^mL&&UCUM||")
            .replace("|||RED||||A1", "|||RED|||A1");
        let bundle = round_trip("R01", &[PID, "OBR|1||F1|FBC|||||||||||||||||||||F"], &spm);
        let specimen: &Specimen = first(&bundle);
        assert_eq!(specimen.status.as_deref(), Some("available"));
        assert!(specimen.collection.as_ref().unwrap().collected_period.is_some());
    }
}
