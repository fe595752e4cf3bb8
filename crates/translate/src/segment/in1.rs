//! IN1 to Coverage and back. Guide: "Segment IN1 to Coverage".
//!
//! Who pays is an Organization, who is insured the patient or a RelatedPerson: both by what IN1 says of them.

use fhir::{
    CodeableConcept, Coverage, CoverageClass, Extension, Identifier, Organization, OrganizationContact,
    Patient, Reference, RelatedPerson, Text,
};
use hl7v2::Field;

use crate::back::{Back, FieldWriter};
use crate::context::Context;
use crate::datatype::{address, code, concept, identifier, name, organization, quantity, telecom, time};
use crate::keep;
use crate::ledger::Outcome;
use crate::row::cells::{self, keep_rest, write_rest};
use crate::row::{Extensible, SegmentMap};
use crate::segment::msh::DATA_ABSENT;
use crate::vocabulary::system;

type Row = crate::row::Row<Policy>;

/// R5's identifier of the subscriber, adopted early by the guide.
const SUBSCRIBER_ID: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Coverage.subscriberId";
/// What a class of Coverage is.
const CLASS: &str = "http://terminology.hl7.org/CodeSystem/coverage-class";

/// A note of the rows about the insured.
const OF_PATIENT: &str = "kept where the patient is the insured";

/// A policy and who is insured by it.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) coverage: Coverage,
    pub(crate) insured: RelatedPerson,
}

impl Extensible for Policy {
    fn extensions(&self) -> &[Extension] {
        &self.coverage.extension
    }
    fn extensions_mut(&mut self) -> &mut Vec<Extension> {
        &mut self.coverage.extension
    }
}

/// IN1 to Coverage.
pub(crate) static IN1: SegmentMap<Policy> = SegmentMap {
    segment: "IN1",
    resource: "Coverage",
    rows: &[
        Row::ignored(1, cells::SET_ID),
        Row::new(2, "identifier", read_plan, write_plan),
        Row::new(
            4,
            "payor(Organization)",
            |field, policy, cx| {
                policy
                    .coverage
                    .payor
                    .extend(organization::read_xon(field.repetition(1), cx));
                keep_rest(field, policy, cx);
            },
            |policy, field, back| {
                if let Some(payor) = policy.coverage.payor.first() {
                    organization::write_xon(payor, field.nth(1), back);
                }
                write_rest(policy, field);
            },
        ),
        Row::new(3, "payor.identifier", read_company, write_company),
        Row::new(5, "payor(Organization.address)", read_address, write_address),
        Row::new(6, "payor(Organization.contact.name)", read_contact, write_contact),
        Row::new(7, "payor(Organization.telecom)", read_telecom, write_telecom),
        Row::new(8, "class.value", read_group, write_group).note("of type group"),
        Row::new(9, "class.name", read_group_name, write_group_name).note("of type group"),
        Row::new(
            11,
            "policyHolder(Organization)",
            |field, policy, cx| {
                policy.coverage.policy_holder = organization::read_xon(field.repetition(1), cx);
                keep_rest(field, policy, cx);
            },
            |policy, field, back| {
                let holder = policy.coverage.policy_holder.as_ref();
                if let Some(holder) = holder.filter(|one| back.resolve::<Organization>(Some(one)).is_some()) {
                    organization::write_xon(holder, field.nth(1), back);
                }
                write_rest(policy, field);
            },
        ),
        moment!(12, "period.start", coverage.period => start),
        moment!(13, "period.end", coverage.period => end),
        concept!(15, "type", coverage.type_),
        concept!(17, "relationship", coverage.relationship, relationship).note("table 0063"),
        Row::new(16, "subscriber(RelatedPerson.name)", read_insured, write_insured).note(OF_PATIENT),
        Row::new(
            18,
            "subscriber(RelatedPerson.birthDate)",
            read_insured,
            write_insured,
        )
        .note(OF_PATIENT),
        Row::new(
            19,
            "subscriber(RelatedPerson.address)",
            read_insured,
            write_insured,
        )
        .note(OF_PATIENT),
        Row::new(
            22,
            "order",
            |field, policy, cx| match quantity::positive(field, cx, "") {
                Some(order) => policy.coverage.order = Some(order),
                None => keep::read_field(field, policy, cx),
            },
            |policy, field, back| {
                keep::write_field(policy, field, back);
                if let Some(order) = policy.coverage.order {
                    field.set(order.to_string());
                }
            },
        ),
        Row::new(
            36,
            "identifier",
            |field, policy, cx| {
                cx.at(policy.coverage.identifier.len());
                if let Some(value) = cx.take(field, ".value") {
                    policy.coverage.identifier.push(Identifier {
                        extension: vec![keep::mark("IN1-36")],
                        value: Some(value),
                        ..Identifier::default()
                    });
                }
            },
            |policy, field, _| cells::write_typed(&policy.coverage.identifier, field),
        )
        .note("the policy's number"),
        Row::new(
            43,
            "subscriber(RelatedPerson.gender)",
            read_insured,
            write_insured,
        )
        .note("table 0001; kept where the patient is the insured"),
        Row::new(49, "extension(subscriberId)", read_subscriber, write_subscriber),
        Row::kept(10),
        Row::kept(14),
        Row::kept(20),
        Row::kept(21),
        Row::kept(23),
        Row::kept(24),
        Row::kept(25),
        Row::kept(26),
        Row::kept(27),
        Row::kept(28),
        Row::kept(29),
        Row::kept(30),
        Row::kept(31),
        Row::kept(32),
        Row::kept(33),
        Row::kept(34),
        Row::kept(35),
        Row::kept(37),
        Row::kept(38),
        Row::kept(39),
        Row::kept(40),
        Row::kept(41),
        Row::kept(42),
        Row::kept(44),
        Row::kept(45),
        Row::kept(46),
        Row::kept(47),
        Row::kept(48),
        Row::kept(50),
        Row::kept(51),
        Row::kept(52),
        Row::kept(53),
        Row::kept(54),
        Row::kept(55),
    ],
};

/// What is said of the insured is kept where that is the patient, whose own segments say it.
fn read_insured(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    if is_self(policy.coverage.relationship.as_ref()) {
        keep::read_field(field, policy, cx);
        return;
    }
    let insured = &mut policy.insured;
    match cx.rule.field {
        16 => {
            for xpn in field.repetitions() {
                cx.at(insured.name.len());
                insured.name.extend(name::read(xpn, cx));
            }
        }
        18 => insured.birth_date = time::date(field, cx, ""),
        19 => {
            for xad in field.repetitions() {
                cx.at(insured.address.len());
                insured.address.extend(address::read(xad, cx));
            }
        }
        _ => {
            let table = &cx.vocabulary.administrative_sex;
            (insured.gender, insured.gender_element) = code::read(field, table, cx, "");
            cells::keep_more(field, policy, cx);
        }
    }
}

fn write_insured(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    if !field.is_empty() {
        return;
    }
    let insured = &policy.insured;
    match field.place().as_str() {
        "IN1-16" => {
            for one in &insured.name {
                name::write(one, name::XPN, &mut field.repetition(), back);
            }
        }
        "IN1-18" => time::put(insured.birth_date.as_deref(), field, back),
        "IN1-19" => {
            for one in &insured.address {
                address::write(one, field.repetition(), back);
            }
        }
        _ => {
            let table = &back.vocabulary.administrative_sex;
            let code = code::write(insured.gender.as_ref(), &insured.gender_element, table);
            field.repetition().optional(1, code.as_ref());
        }
    }
}

/// CWE to Identifier: the plan's code, and the system it is of.
fn read_plan(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    let plan = field.repetition(1);
    let Some(value) = cx.take(plan.component(1), ".value") else {
        keep::read_field(field, policy, cx);
        return;
    };
    let mut id = Identifier {
        extension: vec![keep::mark("IN1-2")],
        value: Some(value),
        ..Identifier::default()
    };
    for part in plan.components().filter(|part| !part.raw().is_empty()) {
        match part.location().component {
            1 => {}
            3 => {
                let name = cx.take_as(part, ".system", Outcome::Transformed);
                id.system = name.map(|name| system::to_uri(&cx.vocabulary.coding_system, &name));
            }
            n => keep::read_part::<hl7v2::Repetition<'_>>("CWE", n, part, &mut id.extension, cx),
        }
    }
    policy.coverage.identifier.push(id);
}

fn write_plan(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    let list = &policy.coverage.identifier;
    let own = |one: &&Identifier| keep::is_marked(&one.extension, "IN1-2");
    let other = || list.iter().find(|one| one.extension.is_empty());
    let Some(id) = list.iter().find(own).or_else(other).filter(|_| field.is_empty()) else {
        return;
    };
    let mut to = field.repetition();
    to.optional(1, id.value.as_ref());
    if let Some(uri) = &id.system {
        to.component(3, &system::to_name(&back.vocabulary.coding_system, uri));
    }
    keep::write_parts(&id.extension, "CWE", &mut to);
}

/// The company's number names the payor beside the Organization; IN1-4 may be empty.
fn read_company(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    let Some(id) = identifier::read_cx(field.repetition(1), cx) else {
        return;
    };
    if policy.coverage.payor.is_empty() {
        policy.coverage.payor.push(Reference::default());
    }
    policy.coverage.payor[0].identifier = Some(Box::new(id));
    keep_rest(field, policy, cx);
}

fn write_company(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let payor = policy.coverage.payor.first();
    if let Some(id) = payor.and_then(|payor| payor.identifier.as_ref()) {
        identifier::write_cx(id, field.nth(1), back);
    }
    write_rest(policy, field);
}

/// The payor of the Bundle, when it is not described yet: two policies of one payor describe it once.
fn payor<'e>(policy: &Policy, cx: &'e mut Context<'_>) -> Option<&'e mut Organization> {
    organization::shared(policy.coverage.payor.first()?, cx)
}

fn payor_of<'b>(policy: &Policy, back: &Back<'b>, place: &str) -> Option<&'b Organization> {
    let ours = is_ours(&policy.coverage);
    let described = !ours || keep::is_marked(&policy.coverage.extension, place);
    back.resolve::<Organization>(policy.coverage.payor.first())
        .filter(|_| described)
}

fn read_address(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    if payor(policy, cx).is_none_or(|known| !known.address.is_empty()) {
        keep::read_field(field, policy, cx);
        return;
    }
    let mut found = Vec::new();
    for xad in field.repetitions() {
        found.extend(address::read(xad, cx));
    }
    if let Some(known) = payor(policy, cx) {
        known.address = found;
    }
    policy.coverage.extension.push(keep::mark("IN1-5"));
}

fn write_address(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    let found = payor_of(policy, back, "IN1-5").filter(|_| field.is_empty());
    for one in found.iter().flat_map(|found| &found.address) {
        address::write(one, field.repetition(), back);
    }
}

fn read_contact(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    if payor(policy, cx).is_none_or(|known| !known.contact.is_empty()) {
        keep::read_field(field, policy, cx);
        return;
    }
    let mut found = Vec::new();
    for xpn in field.repetitions() {
        found.extend(name::read(xpn, cx).map(|name| OrganizationContact {
            name: Some(name),
            ..OrganizationContact::default()
        }));
    }
    if let Some(known) = payor(policy, cx) {
        known.contact = found;
    }
    policy.coverage.extension.push(keep::mark("IN1-6"));
}

fn write_contact(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    let found = payor_of(policy, back, "IN1-6").filter(|_| field.is_empty());
    for one in found.iter().flat_map(|found| &found.contact) {
        if let Some(person) = &one.name {
            name::write(person, name::XPN, &mut field.repetition(), back);
        }
    }
}

fn read_telecom(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    if payor(policy, cx).is_none_or(|known| !known.telecom.is_empty()) {
        keep::read_field(field, policy, cx);
        return;
    }
    let mut found = Vec::new();
    telecom::read(field, "", &mut found, cx);
    if let Some(known) = payor(policy, cx) {
        known.telecom = found;
    }
    policy.coverage.extension.push(keep::mark("IN1-7"));
}

fn write_telecom(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    let found = payor_of(policy, back, "IN1-7").filter(|_| field.is_empty());
    telecom::write(found.iter().flat_map(|found| &found.telecom), field, back);
}

fn group(policy: &mut Policy) -> &mut CoverageClass {
    if policy.coverage.class.is_empty() {
        policy.coverage.class.push(CoverageClass {
            type_: Some(concept::of_code(CLASS, "group", "Group")),
            ..CoverageClass::default()
        });
    }
    &mut policy.coverage.class[0]
}

fn group_of(policy: &Policy) -> Option<&CoverageClass> {
    let of_group = |one: &&CoverageClass| {
        one.type_
            .as_ref()
            .is_some_and(|kind| concept::says(kind, CLASS, "group"))
    };
    policy.coverage.class.iter().find(of_group)
}

fn read_group(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    if let Some(number) = cx.take(field, "") {
        group(policy).value = Some(number);
    }
    cells::keep_more(field, policy, cx);
}

fn write_group(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    field
        .nth(1)
        .optional(1, group_of(policy).and_then(|one| one.value.as_ref()));
}

/// A class needs a value: a name without a number is kept.
fn read_group_name(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    let numbered = policy
        .coverage
        .class
        .first()
        .is_some_and(|one| one.value.is_some());
    if !numbered {
        keep::read_field(field, policy, cx);
        return;
    }
    if let Some(name) = cx.take(field, "") {
        group(policy).name = Some(name);
    }
    cells::keep_more(field, policy, cx);
}

fn write_group_name(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    keep::write_field(policy, field, back);
    field
        .nth(1)
        .optional(1, group_of(policy).and_then(|one| one.name.as_ref()));
}

fn read_subscriber(field: Field<'_>, policy: &mut Policy, cx: &mut Context<'_>) {
    for one in field.repetitions() {
        if let Some(id) = identifier::read_cx(one, cx) {
            policy.coverage.extension.push(Extension {
                url: Some(Text::const_new(SUBSCRIBER_ID)),
                value_identifier: Some(Box::new(id)),
                ..Extension::default()
            });
        }
    }
}

fn write_subscriber(policy: &Policy, field: &mut FieldWriter<'_>, back: &Back<'_>) {
    let of_subscriber = |e: &&Extension| e.url.as_deref() == Some(SUBSCRIBER_ID);
    let mut any = false;
    for one in policy.coverage.extension.iter().filter(of_subscriber) {
        if let Some(id) = &one.value_identifier {
            identifier::write_cx(id, field.repetition(), back);
            any = true;
        }
    }
    if !any {
        field
            .repetition()
            .optional(1, policy.coverage.subscriber_id.as_ref());
    }
}

/// True when IN1-17 says that the patient is the insured.
pub(crate) fn is_self(relationship: Option<&CodeableConcept>) -> bool {
    let Some(relationship) = relationship else {
        return false;
    };
    let own = |text: &str| {
        let lower = text.to_ascii_lowercase();
        matches!(lower.as_str(), "sel" | "slf" | "self" | "oneself" | "patient")
    };
    relationship
        .coding
        .iter()
        .any(|coding| coding.code.as_deref().is_some_and(own))
        || relationship.text.as_deref().is_some_and(own)
}

/// Fills what FHIR requires.
pub(crate) fn complete(coverage: &mut Coverage) {
    coverage.status = Some(Text::const_new("active"));
    if coverage.payor.is_empty() {
        let absent = Extension {
            url: Some(Text::const_new(DATA_ABSENT)),
            value_code: Some(Text::const_new("unknown")),
            ..Extension::default()
        };
        coverage.payor.push(Reference {
            extension: vec![absent],
            ..Reference::default()
        });
    }
}

/// The rows' view of a Coverage of the Bundle.
pub(crate) fn of(coverage: &Coverage, back: &Back<'_>) -> Policy {
    let subscriber = coverage.subscriber.as_ref();
    let insured = match back.resolve::<RelatedPerson>(subscriber) {
        Some(person) => person.clone(),
        None => back
            .resolve::<Patient>(subscriber)
            .filter(|_| !is_ours(coverage))
            .map_or_else(RelatedPerson::default, |patient| RelatedPerson {
                name: patient.name.clone(),
                birth_date: patient.birth_date.clone(),
                address: patient.address.clone(),
                gender: patient.gender.clone(),
                ..RelatedPerson::default()
            }),
    };
    Policy {
        coverage: coverage.clone(),
        insured,
    }
}

fn is_ours(coverage: &Coverage) -> bool {
    keep::is_marked(&coverage.extension, "IN1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PID, all, comes_back, first};

    #[test]
    fn a_policy_comes_back() {
        let in1 = "IN1|1|P1^Plan^L|C1^^^INS~C2^^^INS|Insurer Ltd|1 Pay Street^^Leeds|Claim^Clara|0113 496 0000^WPN^PH|G7|Group Seven|S1^^^INS|Employer Ltd|20260101|20261231||HMO^Managed^L|Example^Una|SPO^Spouse|19700102|15 Test Terrace^^London|Y||1||||||||||||||POL77|||||||F||||||M77^^^INS";
        let second = "IN1|2|P2^Other^L||Insurer Ltd||||||||||||Example^Ada|SEL";
        let bundle = comes_back("A01", &[PID, in1, second], &["IN1", "NK1"]);
        let coverage: &Coverage = first(&bundle);
        assert_eq!(coverage.order, Some(1));
        assert_eq!(coverage.class[0].value.as_deref(), Some("G7"));
        assert!(coverage.payor[0].identifier.is_some());
        assert_eq!(
            all::<RelatedPerson>(&bundle).len(),
            1,
            "the second is the patient"
        );
        let insurers: Vec<&Organization> = all(&bundle);
        assert_eq!(
            insurers
                .iter()
                .filter(|one| one.name.as_deref() == Some("Insurer Ltd"))
                .count(),
            1
        );
    }

    #[test]
    fn the_patient_may_be_the_insured() {
        let bundle = comes_back(
            "A01",
            &[PID, "IN1|1|P1^Plan^L||Insurer|||||||||||||SEL"],
            &["IN1"],
        );
        let coverage: &Coverage = first(&bundle);
        assert_eq!(coverage.subscriber, coverage.beneficiary);
        assert!(all::<RelatedPerson>(&bundle).is_empty());
    }

    #[test]
    fn a_payor_that_is_not_named_is_absent() {
        let bundle = comes_back("A01", &[PID, "IN1|1|P1^Plan^L|||1 Pay Street"], &["IN1"]);
        assert!(!first::<Coverage>(&bundle).payor[0].extension.is_empty());
    }
}
