//! PRD to PractitionerRole and back: who refers, and to whom. The guide has no map for PRD.

use fhir::{Extension, Identifier, Practitioner, PractitionerRole, Text};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{concept, location, time};
use crate::keep;
use crate::row::{Extensible, SegmentMap};

type Row = crate::row::Row<Provider>;

/// Marks a role that stood in PRD.
pub(crate) const PROVIDER: &str = "PRD";

/// A person and their part in the referral.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) role: PractitionerRole,
    pub(crate) person: Practitioner,
}

impl Extensible for Provider {
    fn extensions(&self) -> &[Extension] {
        &self.role.extension
    }
    fn extensions_mut(&mut self) -> &mut Vec<Extension> {
        &mut self.role.extension
    }
}

/// PRD to PractitionerRole.
pub(crate) static PRD: SegmentMap<Provider> = SegmentMap {
    segment: "PRD",
    resource: "PractitionerRole",
    rows: &[
        concepts!(1, "code", role.code),
        names!(2, "practitioner(Practitioner.name)", person.name),
        addresses!(3, "practitioner(Practitioner.address)", person.address),
        Row::new(
            4,
            "location(Location)",
            |field, one, cx| one.role.location.extend(location::read(field.repetition(1), cx)),
            |one, field, back| {
                if let Some(place) = one.role.location.first() {
                    location::write(place, field.repetition(), back);
                }
            },
        ),
        points!(5, "telecom", role.telecom, "work"),
        Row::new(
            7,
            "practitioner(Practitioner.identifier)",
            read_numbers,
            write_numbers,
        ),
        moment!(8, "period.start", role.period => start),
        moment!(9, "period.end", role.period => end),
        Row::kept(6),
        Row::kept(10),
        Row::kept(11),
        Row::kept(12),
        Row::kept(13),
        Row::kept(14),
    ],
};

/// PLN: a number, what it is, where it holds, until when.
fn read_numbers(field: Field<'_>, one: &mut Provider, cx: &mut Context<'_>) {
    for pln in field.repetitions() {
        cx.at(one.person.identifier.len());
        let Some(value) = cx.take(pln.component(1), ".value") else {
            continue;
        };
        let mut id = Identifier {
            value: Some(value),
            ..Identifier::default()
        };
        if let Some(kind) = cx.take(pln.component(2), ".type.coding.code") {
            id.type_ = Some(fhir::CodeableConcept {
                coding: vec![fhir::Coding {
                    code: Some(kind),
                    ..fhir::Coding::default()
                }],
                ..fhir::CodeableConcept::default()
            });
        }
        if let Some(end) = time::date_time(pln.component(4), cx, ".period.end") {
            id.period.get_or_insert_default().end = Some(end);
        }
        for part in pln.components().filter(|part| !part.raw().is_empty()) {
            let n = part.location().component;
            if n == 3 || n > 4 {
                keep::read_part::<hl7v2::Repetition<'_>>("PLN", n, part, &mut id.extension, cx);
            }
        }
        one.person.identifier.push(id);
    }
}

fn write_numbers(one: &Provider, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    for id in &one.person.identifier {
        let mut to = field.repetition();
        to.optional(1, id.value.as_ref());
        to.optional(2, crate::datatype::identifier::type_code(id));
        if let Some(end) = id.period.as_ref().and_then(|period| period.end.as_deref()) {
            to.component(4, &time::to_hl7(end, back));
        }
        keep::write_parts(&id.extension, "PLN", &mut to);
    }
}

/// What part somebody plays: table 0286.
pub(crate) fn plays(role: &PractitionerRole, code: &str) -> bool {
    let coded = |concept: &fhir::CodeableConcept| {
        concept
            .coding
            .iter()
            .any(|coding| coding.code.as_deref() == Some(code))
            || concept.text.as_deref() == Some(code)
    };
    role.code.iter().any(coded)
}

/// The person's name and number, to know them by.
pub(crate) fn key(one: &Provider) -> Text {
    let number = one.person.identifier.first().and_then(|id| id.value.clone());
    let name = one.person.name.first().map(|name| {
        let family = name.family.as_deref().unwrap_or_default();
        Text::from(format!("{family}|{}", name.given.join(" ")))
    });
    let role = concept_words(one);
    Text::from([number.unwrap_or_default(), name.unwrap_or_default(), role].join("|"))
}

fn concept_words(one: &Provider) -> Text {
    let words = one.role.code.first().and_then(crate::segment::medicine::words);
    words.unwrap_or_default()
}

/// A role needs nothing; a concept without words is no role.
pub(crate) fn complete(one: &mut Provider) {
    one.role.extension.push(keep::mark(PROVIDER));
    one.role
        .code
        .retain(|code| *code != concept::of_text(Text::const_new("")));
}

#[cfg(test)]
mod tests {
    use fhir::{Practitioner, PractitionerRole};

    use crate::testing::{PID, comes_back, first};

    #[test]
    fn a_provider_has_a_role_and_a_person() {
        let prd = "PRD|PP^Primary care^L|Practice^Grace|1 Lane^^London||||G9999981^GMP^LON^20301231~X2|20200101|20301231||||Clinic";
        let bundle = comes_back("I12", &["RF1|A", prd, PID], &["PRD"]);
        assert_eq!(first::<Practitioner>(&bundle).identifier.len(), 2);
        assert!(first::<PractitionerRole>(&bundle).period.is_some());
    }
}
