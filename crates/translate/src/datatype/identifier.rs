//! CX, EI, EIP and HD: identifiers and who assigned them.
//!
//! The NHS number is written in many ways (`^^^NHS^NH`, `^^^NHS^HN`, `^^^^NHSNMBR`, `^^^^NH`, `^^^NHS`, by OID,
//! with 3-3-4 spacing); it always becomes system `https://fhir.nhs.uk/Id/nhs-number` and ten digits. Another
//! assigning authority becomes a system only when it is universal (an OID, a UUID, a URI); a bare namespace is
//! the assigner, since FHIR asks for no system that nobody registered. NHS organisation codes are known by table.

use fhir::{CodeableConcept, Coding, Extension, Identifier, Reference, Text};
use hl7v2::{Component, Repetition};

use crate::back::{Back, RepetitionWriter, foreign};
use crate::context::{Coded, Composite, Context, Leaf};
use crate::datatype::time;
use crate::keep;
use crate::ledger::Outcome;
use crate::note::Note;
use crate::vocabulary::system::{self, is_oid};

/// The system of NHS numbers.
pub(crate) const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// The system of NHS organisation codes.
pub(crate) const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// HL7 table 0203.
pub(crate) const TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
const CHECK_DIGIT: &str = "http://hl7.org/fhir/StructureDefinition/identifier-checkDigit";
const CHECK_SCHEME: &str = "http://hl7.org/fhir/StructureDefinition/namingsystem-checkDigit";
/// The authority of NHS numbers, as most senders write it.
const NHS: &str = "NHS";
/// Marks an NHS number that its type alone names as one.
const NHS_BY_TYPE: &str = "CX.5";
/// The OID of the NHS number.
const NHS_OID: &str = "2.16.840.1.113883.2.1.4.1";

/// CX to Identifier.
pub(crate) fn read_cx(cx_field: Repetition<'_>, cx: &mut Context<'_>) -> Option<Identifier> {
    let mut identifier = Identifier::default();
    let mut authority = None;
    let mut kind = None;
    for (n, part) in cx_field.parts() {
        match n {
            1 => identifier.value = cx.take(part, ".value"),
            2 | 3 => read_check(&mut identifier, n == 2, part, cx),
            4 => authority = Some(part),
            5 => kind = Some(part),
            7 => start(&mut identifier, time::date_time(part, cx, ".period.start")),
            8 => end(&mut identifier, time::date_time(part, cx, ".period.end")),
            _ => keep::read_part::<Repetition<'_>>("CX", n, part, &mut identifier.extension, cx),
        }
    }
    finish(&mut identifier, authority, kind, cx);
    identifier.value.is_some().then_some(identifier)
}

/// Sets type, system and assigner, in that order, from CX.4 and CX.5.
fn finish(
    identifier: &mut Identifier,
    authority: Option<Component<'_>>,
    kind: Option<Component<'_>>,
    cx: &mut Context<'_>,
) {
    let nhs = is_nhs_number(authority, kind, cx);
    if let Some(kind) = kind {
        identifier.type_ = read_type(kind, cx);
    }
    if nhs && set_nhs_number(identifier, cx, authority) {
        match authority {
            Some(authority) if authority.raw() == NHS.as_bytes() => {
                cx.record_component(authority, Outcome::Transformed, ".system", "");
            }
            // Another spelling of it stays beside the system, for the way back.
            Some(authority) => {
                let to = &mut identifier.extension;
                keep::read_part::<Repetition<'_>>("CX", 4, authority, to, cx);
                cx.record_component(authority, Outcome::Transformed, ".system", "");
            }
            None => identifier.extension.push(keep::mark(NHS_BY_TYPE)),
        }
        return;
    }
    if let Some(authority) = authority {
        set_authority(identifier, authority, cx);
    }
}

/// Table 0203 to Identifier.type.
pub(crate) fn read_type<'m>(kind: impl Leaf<'m>, cx: &mut Context<'_>) -> Option<CodeableConcept> {
    let table = &cx.vocabulary.identifier_type;
    let coding = match cx.look_up(kind, table, ".type.coding.code") {
        Coded::None => return None,
        Coded::Known(code) => Coding {
            system: Some(Text::const_new(code.system)),
            code: Some(Text::const_new(code.fhir)),
            ..Coding::default()
        },
        Coded::Unknown(code) => {
            cx.record(
                kind,
                Outcome::Mapped,
                ".type.coding.code",
                "not in its table: passed through",
            );
            Coding {
                code: Some(code),
                ..Coding::default()
            }
        }
    };
    Some(CodeableConcept {
        coding: vec![coding],
        ..CodeableConcept::default()
    })
}

/// True when the authority or the type says NHS number in one of its spellings.
fn is_nhs_number(authority: Option<Component<'_>>, kind: Option<Component<'_>>, cx: &Context<'_>) -> bool {
    let namespace = authority.and_then(|part| cx.peek(part)).unwrap_or_default();
    let kind = kind.and_then(|part| cx.peek(part)).unwrap_or_default();
    if matches!(kind.as_ref(), "NH" | "NHS" | "NHSNMBR" | "NHSNBR") {
        return true;
    }
    let by_name = matches!(
        namespace.as_ref(),
        "NHS" | "NHSNBR" | "NHSNMBR" | "NHS NUMBER" | "NHSNUMBER"
    );
    if by_name && matches!(kind.as_ref(), "" | "HN" | "NI" | "NNGBR" | "PI" | "MR") {
        return true;
    }
    authority.is_some_and(|part| cx.peek(part.subcomponent(2)).is_some_and(|oid| oid == NHS_OID))
}

/// Ten digits and the NHS system; false when the value is no ten digits, which is then left as it is.
pub(crate) fn set_nhs_number(
    identifier: &mut Identifier,
    cx: &mut Context<'_>,
    at: Option<Component<'_>>,
) -> bool {
    let Some(value) = &identifier.value else {
        return false;
    };
    let digits: Text = value.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let location = at.map(Leaf::location);
    if digits.len() != 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        cx.note(Note::warning(
            location,
            "bad-nhs-number",
            "an NHS number has ten digits; the value is kept as sent",
        ));
        return false;
    }
    if !checks(&digits) {
        cx.note(Note::information(
            location,
            "nhs-number-check",
            "the NHS number fails its check digit",
        ));
    }
    identifier.value = Some(digits);
    identifier.system = Some(Text::const_new(NHS_NUMBER));
    true
}

/// The modulus 11 check of an NHS number.
fn checks(digits: &str) -> bool {
    hl7v2::nhs::NhsNumber::parse(digits).is_some()
}

/// HD in one component to a system or an assigner.
pub(crate) fn set_authority(identifier: &mut Identifier, authority: Component<'_>, cx: &mut Context<'_>) {
    let parts = [
        authority.subcomponent(1),
        authority.subcomponent(2),
        authority.subcomponent(3),
    ];
    set_authority_parts(identifier, parts, cx);
}

/// The three parts of an HD, wherever they stand.
pub(crate) fn set_authority_parts<'m, L: Leaf<'m>>(
    identifier: &mut Identifier,
    [namespace, universal, kind]: [L; 3],
    cx: &mut Context<'_>,
) {
    if let Some(uri) = universal_uri(universal, kind, cx, ".system") {
        identifier.system = Some(uri);
    }
    if let Some(name) = cx.take(namespace, ".assigner.identifier.value") {
        match name.as_str() {
            "GMC" if identifier.system.is_none() => identifier.system = Some(Text::const_new(GMC)),
            "GMP" if identifier.system.is_none() => identifier.system = Some(Text::const_new(GMP)),
            _ => identifier.assigner = Some(Box::new(assigner(name, cx))),
        }
    }
}

/// General Medical Council reference numbers.
pub(crate) const GMC: &str = "https://fhir.hl7.org.uk/Id/gmc-number";
/// National codes of general practitioners.
pub(crate) const GMP: &str = "https://fhir.hl7.org.uk/Id/gmp-number";

/// A universal id with its type as a URI; the type alone says nothing.
pub(crate) fn universal_uri<'m>(
    universal: impl Leaf<'m>,
    kind: impl Leaf<'m>,
    cx: &mut Context<'_>,
    member: &'static str,
) -> Option<Text> {
    let id = cx.take_as(universal, member, Outcome::Transformed)?;
    let kind = cx.take_as(kind, member, Outcome::Transformed);
    Some(match kind.as_deref() {
        Some("ISO") if is_oid(&id) => system::concat("urn:oid:", &id),
        Some("UUID" | "GUID") => system::concat("urn:uuid:", &id.to_lowercase()),
        Some("URI") => id,
        None if is_oid(&id) => system::concat("urn:oid:", &id),
        Some(other) => system::concat(
            &format!("urn:eprgw:universal-id:{other}:"),
            &id.replace(' ', "%20"),
        ),
        None => system::concat("urn:eprgw:universal-id::", &id.replace(' ', "%20")),
    })
}

/// A logical reference to the organisation that assigned an identifier.
fn assigner(name: Text, cx: &Context<'_>) -> Reference {
    let ods = cx.vocabulary.ods.to_fhir(&name);
    Reference {
        identifier: Some(Box::new(Identifier {
            system: ods.map(|_| Text::const_new(ODS)),
            value: Some(name),
            ..Identifier::default()
        })),
        display: ods.map(|code| Text::const_new(code.display)),
        ..Reference::default()
    }
}

/// EI to Identifier.
pub(crate) fn read_ei(ei: Repetition<'_>, cx: &mut Context<'_>) -> Option<Identifier> {
    let value = cx.take(ei.component(1), ".value")?;
    let mut identifier = Identifier {
        value: Some(value),
        ..Identifier::default()
    };
    set_authority_parts(
        &mut identifier,
        [ei.component(2), ei.component(3), ei.component(4)],
        cx,
    );
    Some(identifier)
}

/// EI in one component, as EIP holds two of them.
pub(crate) fn read_ei_within(ei: Component<'_>, cx: &mut Context<'_>) -> Option<Identifier> {
    let value = cx.take(ei.subcomponent(1), ".value")?;
    let mut identifier = Identifier {
        value: Some(value),
        ..Identifier::default()
    };
    set_authority_parts(
        &mut identifier,
        [ei.subcomponent(2), ei.subcomponent(3), ei.subcomponent(4)],
        cx,
    );
    Some(identifier)
}

/// The same identifier with one of the types that this crate sets itself.
pub(crate) fn typed(mut identifier: Identifier, code: &'static str) -> Identifier {
    // Table 0203 as R4 publishes it has no placer and filler group numbers.
    let published = !matches!(code, "PGN" | "FGN");
    let coding = Coding {
        system: published.then(|| Text::const_new(TYPE)),
        code: Some(Text::const_new(code)),
        ..Coding::default()
    };
    identifier.type_ = Some(CodeableConcept {
        coding: vec![coding],
        ..CodeableConcept::default()
    });
    identifier
}

/// The first code of an identifier's type.
pub(crate) fn type_code(identifier: &Identifier) -> Option<&Text> {
    identifier
        .type_
        .as_ref()?
        .coding
        .iter()
        .find_map(|coding| coding.code.as_ref())
}

/// True for an identifier of this type.
pub(crate) fn is_typed(identifier: &Identifier, code: &str) -> bool {
    type_code(identifier).is_some_and(|known| known == code)
}

/// Table 0203 as it is written for an identifier.
pub(crate) fn written_type(identifier: &Identifier, back: &Back<'_>) -> Option<Text> {
    if back.foreign {
        return foreign::kind(identifier);
    }
    type_code(identifier).cloned()
}

/// Identifier to CX.
pub(crate) fn write_cx(identifier: &Identifier, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    to.optional(1, identifier.value.as_ref());
    write_check(identifier, [2, 3], &mut to);
    let kind = written_type(identifier, back);
    if identifier.system.as_deref() == Some(NHS_NUMBER) {
        let by_type = keep::is_marked(&identifier.extension, NHS_BY_TYPE);
        if !by_type && keep::carried_text(&identifier.extension, "CX.4").is_none() {
            to.component(4, NHS);
        }
        to.component(5, kind.as_deref().unwrap_or("NH"));
    } else {
        let [namespace, universal, universal_type] = authority(identifier, back);
        to.subcomponent(4, 1, &namespace);
        to.subcomponent(4, 2, &universal);
        to.subcomponent(4, 3, &universal_type);
        to.optional(5, kind.as_ref());
    }
    if let Some(period) = &identifier.period {
        for (component, moment) in [(7, &period.start), (8, &period.end)] {
            if let Some(moment) = moment {
                to.component(component, &time::to_hl7(moment, back));
            }
        }
    }
    keep::write_parts(&identifier.extension, "CX", &mut to);
    if back.foreign {
        foreign::write_cx(identifier, &mut to, back);
    }
}

/// Identifier to EI.
pub(crate) fn write_ei(identifier: &Identifier, mut to: RepetitionWriter<'_>, back: &Back<'_>) {
    to.optional(1, identifier.value.as_ref());
    let [namespace, universal, kind] = authority(identifier, back);
    to.component(2, &namespace);
    to.component(3, &universal);
    to.component(4, &kind);
}

/// Identifier to EI in one component.
pub(crate) fn write_ei_within(
    identifier: &Identifier,
    component: u16,
    to: &mut RepetitionWriter<'_>,
    back: &Back<'_>,
) {
    if let Some(value) = &identifier.value {
        to.subcomponent(component, 1, value);
    }
    let [namespace, universal, kind] = authority(identifier, back);
    to.subcomponent(component, 2, &namespace);
    to.subcomponent(component, 3, &universal);
    to.subcomponent(component, 4, &kind);
}

/// Namespace, universal id and its type.
pub(crate) fn authority(identifier: &Identifier, back: &Back<'_>) -> [Text; 3] {
    if back.foreign {
        let said = foreign::authority(identifier);
        let assigner = || foreign::organization(identifier.assigner.as_deref()?, back);
        if let Some(found) = said.or_else(assigner) {
            return found;
        }
    }
    let none = || Text::const_new("");
    let namespace = match (&identifier.assigner, identifier.system.as_deref()) {
        (Some(assigner), _) => assigner_name(assigner, back).unwrap_or_else(none),
        (None, Some(GMC)) => Text::const_new("GMC"),
        (None, Some(GMP)) => Text::const_new("GMP"),
        _ => none(),
    };
    let [universal, kind] = identifier
        .system
        .as_deref()
        .map_or_else(|| [none(), none()], split_uri);
    [namespace, universal, kind]
}

/// A system's URI as universal id and type.
pub(crate) fn split_uri(uri: &str) -> [Text; 2] {
    if matches!(uri, GMC | GMP | ODS | NHS_NUMBER) {
        return [Text::const_new(""), Text::const_new("")];
    }
    if let Some(oid) = uri.strip_prefix("urn:oid:") {
        return [Text::from(oid), Text::const_new("ISO")];
    }
    if let Some(uuid) = uri.strip_prefix("urn:uuid:") {
        return [Text::from(uuid), Text::const_new("UUID")];
    }
    let other = uri
        .strip_prefix("urn:eprgw:universal-id:")
        .and_then(|rest| rest.split_once(':'));
    if let Some((kind, id)) = other {
        return [Text::from(id.replace("%20", " ")), Text::from(kind)];
    }
    [Text::from(uri), Text::const_new("URI")]
}

/// The namespace an assigner stands for: its identifier, else its organisation's, else its name.
fn assigner_name(assigner: &Reference, back: &Back<'_>) -> Option<Text> {
    if let Some(value) = assigner
        .identifier
        .as_ref()
        .and_then(|identifier| identifier.value.clone())
    {
        return Some(value);
    }
    if let Some(organization) = back.resolve::<fhir::Organization>(Some(assigner)) {
        let value = organization
            .identifier
            .iter()
            .find_map(|identifier| identifier.value.clone());
        return value.or_else(|| organization.name.clone());
    }
    assigner.display.clone()
}

/// A check digit (`digit`), or the scheme it was made by.
pub(crate) fn read_check<'m>(
    identifier: &mut Identifier,
    digit: bool,
    part: impl Leaf<'m>,
    cx: &mut Context<'_>,
) {
    let (url, member) = if digit {
        (CHECK_DIGIT, ".extension(checkDigit)")
    } else {
        (CHECK_SCHEME, ".extension(checkDigitScheme)")
    };
    push(identifier, url, cx.take(part, member));
}

/// Check digit and scheme back to their components.
pub(crate) fn write_check(identifier: &Identifier, at: [u16; 2], to: &mut RepetitionWriter<'_>) {
    to.optional(at[0], extension(identifier, CHECK_DIGIT));
    to.optional(at[1], extension(identifier, CHECK_SCHEME));
}

fn extension<'i>(identifier: &'i Identifier, url: &str) -> Option<&'i Text> {
    let found = identifier
        .extension
        .iter()
        .find(|extension| extension.url.as_deref() == Some(url))?;
    found.value_string.as_ref()
}

fn push(identifier: &mut Identifier, url: &'static str, value: Option<Text>) {
    if value.is_some() {
        identifier.extension.push(Extension {
            url: Some(Text::const_new(url)),
            value_string: value,
            ..Extension::default()
        });
    }
}

fn start(identifier: &mut Identifier, moment: Option<fhir::DateTime>) {
    if moment.is_some() {
        identifier.period.get_or_insert_default().start = moment;
    }
}

fn end(identifier: &mut Identifier, moment: Option<fhir::DateTime>) {
    if moment.is_some() {
        identifier.period.get_or_insert_default().end = moment;
    }
}
