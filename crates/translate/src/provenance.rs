//! Where a Bundle came from: a Provenance, the DocumentReference that carries the original, and the way to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fhir::{
    Attachment, Bundle, Coding, DocumentReference, DocumentReferenceContent, Instant, OperationOutcome,
    OperationOutcomeIssue, Provenance, ProvenanceAgent, ProvenanceEntity, Reference, Text,
};
use hl7v2::Message;

use crate::datatype::concept;
use crate::dialect::Dialect;
use crate::note::{Note, Severity};
use crate::segment::evn::PARTICIPANT;
use crate::segment::msh;

/// The content type of ER7 text.
pub(crate) const ER7: &str = "application/x-hl7-v2+er7";
/// What the contents of the DocumentReference are: the message as received, and its canonical form.
const FORMAT: &str = "urn:eprgw:original";

/// Fills what FHIR requires of the Provenance, and points it at what it is about and what it came from.
pub(crate) fn complete(
    provenance: &mut Provenance,
    targets: Vec<Reference>,
    sender: Option<&Reference>,
    document: Option<Reference>,
    sent: Option<&Instant>,
) {
    provenance.target = targets;
    if provenance.recorded.is_none() {
        provenance.recorded = sent.cloned();
    }
    if provenance.recorded.is_none() {
        provenance.recorded_element = msh::absent();
    }
    if let Some(sender) = sender {
        provenance.agent.push(agent("author", "Author", sender.clone()));
    }
    let translator = Reference {
        display: Some(Text::const_new(TRANSLATOR)),
        ..Reference::default()
    };
    provenance.agent.push(agent("assembler", "Assembler", translator));
    if let Some(document) = document {
        provenance.entity.push(ProvenanceEntity {
            role: Some(Text::const_new("source")),
            what: Some(document),
            ..ProvenanceEntity::default()
        });
    }
}

fn agent(code: &'static str, display: &'static str, who: Reference) -> ProvenanceAgent {
    ProvenanceAgent {
        type_: Some(concept::of_code(PARTICIPANT, code, display)),
        who: Some(who),
        ..ProvenanceAgent::default()
    }
}

/// The DocumentReference that carries a message: as received and, where a dialect changed it, in its canonical form.
pub(crate) fn document(
    canonical: &Message<'_>,
    received: &Message<'_>,
    dialect: &Dialect,
) -> DocumentReference {
    let mut document = DocumentReference {
        status: Some(Text::const_new("current")),
        ..DocumentReference::default()
    };
    document
        .content
        .push(content(received.bytes(), "received", Some(dialect.name)));
    if canonical.bytes() != received.bytes() {
        document
            .content
            .push(content(canonical.bytes(), "canonical", None));
    }
    document
}

fn content(bytes: &[u8], code: &'static str, dialect: Option<&'static str>) -> DocumentReferenceContent {
    let attachment = Attachment {
        content_type: Some(Text::const_new(ER7)),
        data: Some(Text::from(BASE64.encode(bytes))),
        ..Attachment::default()
    };
    let format = Coding {
        system: Some(Text::const_new(FORMAT)),
        code: Some(Text::const_new(code)),
        display: dialect.map(Text::const_new),
        ..Coding::default()
    };
    DocumentReferenceContent {
        attachment: Some(Box::new(attachment)),
        format: Some(format),
        ..DocumentReferenceContent::default()
    }
}

/// What could not be said, for those who receive the Bundle; `None` when everything could.
pub(crate) fn outcome(notes: &[Note]) -> Option<OperationOutcome> {
    let issues = notes
        .iter()
        .filter(|note| note.severity == Severity::Warning)
        .map(|note| OperationOutcomeIssue {
            severity: Some(Text::const_new("warning")),
            code: Some(Text::const_new("incomplete")),
            diagnostics: Some(Text::from(note.to_string())),
            ..OperationOutcomeIssue::default()
        });
    let issue: Vec<OperationOutcomeIssue> = issues.collect();
    (!issue.is_empty()).then(|| OperationOutcome {
        issue,
        ..OperationOutcome::default()
    })
}

/// The original message of a Bundle.
pub(crate) struct Original {
    /// As received.
    pub(crate) received: Vec<u8>,
    /// In canonical form.
    pub(crate) canonical: Vec<u8>,
    /// The dialect it was received in.
    pub(crate) dialect: String,
}

/// What the Provenance of every Bundle that we make names as its assembler.
const TRANSLATOR: &str = "EPR Gateway, HL7 v2 to FHIR";

/// True for a Bundle that this crate made from a message, and for an empty one.
pub(crate) fn is_own(bundle: &Bundle) -> bool {
    let mut all = bundle
        .entry
        .iter()
        .filter_map(|entry| entry.resource.as_ref()?.as_type::<Provenance>());
    let ours = all.any(|one| {
        let mut agents = one.agent.iter().filter_map(|agent| agent.who.as_ref());
        agents.any(|who| who.display.as_deref() == Some(TRANSLATOR))
    });
    ours || bundle.entry.is_empty()
}

/// True for the DocumentReference that carries the original message.
pub(crate) fn is_original(document: &DocumentReference) -> bool {
    document.content.iter().any(|content| {
        let system = content
            .format
            .as_ref()
            .and_then(|format| format.system.as_deref());
        system == Some(FORMAT)
    })
}

/// Finds the original message that travels with a Bundle.
pub(crate) fn original(bundle: &Bundle) -> Option<Original> {
    let resources = bundle.entry.iter().filter_map(|entry| entry.resource.as_ref());
    for document in resources.filter_map(|resource| resource.as_type::<DocumentReference>()) {
        let part = |code: &str| {
            document.content.iter().find(|content| {
                let format = content.format.as_ref();
                format.is_some_and(|format| {
                    format.system.as_deref() == Some(FORMAT) && format.code.as_deref() == Some(code)
                })
            })
        };
        let bytes = |content: &DocumentReferenceContent| {
            BASE64.decode(content.attachment.as_ref()?.data.as_deref()?).ok()
        };
        let Some(found) = part("received") else { continue };
        let received = bytes(found)?;
        let canonical = part("canonical")
            .and_then(bytes)
            .unwrap_or_else(|| received.clone());
        let dialect = found
            .format
            .as_ref()
            .and_then(|format| format.display.as_deref())
            .unwrap_or_default();
        return Some(Original {
            received,
            canonical,
            dialect: dialect.to_owned(),
        });
    }
    None
}
