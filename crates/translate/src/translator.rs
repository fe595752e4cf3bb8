//! The translator: HL7 v2 to FHIR R4, back, and from one dialect to another.

use fhir::{Bundle, Resource, Text};
use hl7v2::edit::Trace;
use hl7v2::{Encoding, Message};

use crate::back::account::{self, BundleAccount};
use crate::back::{Back, SegmentWriter, adopt, merge};
use crate::context::{Constant, Context};
use crate::dialect::{Dialect, DialectContext};
use crate::ledger::{self, Account, Ledger};
use crate::message::{
    self,
    scene::{self, Scene},
};
use crate::note::{Note, Severity};
use crate::segment::msh;
use crate::settings::Settings;
use crate::vocabulary::{Vocabularies, VocabularyError};
use crate::{entries, provenance};

/// Translates between HL7 v2 and FHIR. Build one per interface and keep it: building parses every vocabulary.
///
/// # Example
///
/// ```
/// use hl7v2::{Encoding, Message};
/// use translate::{Settings, Translator, dialect::STANDARD};
///
/// let translator = Translator::new(Settings::default())?;
/// let er7 = b"MSH|^~\\&|PAS|RYJ|||202401021530||ADT^A28|1|P|2.5.1\rPID|||9990000018^^^NHS^NH||Example^Ada\r";
/// let message = Message::parse(er7).expect("a message");
/// let bundle = translator.to_fhir(&message, &STANDARD, None);
/// assert_eq!(bundle.type_.as_deref(), Some("message"));
/// let back = translator.to_hl7(&bundle, &STANDARD, None).expect("a message");
/// assert_eq!(back, er7);
/// # Ok::<(), translate::VocabularyError>(())
/// ```
#[derive(Debug)]
pub struct Translator {
    vocabulary: Vocabularies,
    settings: Settings,
    constants: Vec<Constant>,
}

impl Translator {
    /// Parses and checks the vocabularies, the site's own in the place of the embedded ones.
    ///
    /// # Errors
    ///
    /// [`VocabularyError`] when a table is refused or there is none of that name.
    pub fn new(settings: Settings) -> Result<Self, VocabularyError> {
        let mut vocabulary = Vocabularies::embedded()?;
        for (name, text) in &settings.vocabulary {
            vocabulary.replace(name, text.clone())?;
        }
        let constants = settings.constants.iter().filter_map(constant).collect();
        Ok(Self {
            vocabulary,
            settings,
            constants,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The tables it was built with.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabularies {
        &self.vocabulary
    }

    /// One message as a Bundle of type `message`, MessageHeader first.
    ///
    /// Never fails on content: what cannot be said is noted, and the ledger counts it as lost.
    #[must_use]
    pub fn to_fhir(&self, message: &Message<'_>, dialect: &Dialect, ledger: Option<&mut Ledger>) -> Bundle {
        let mut canonical = Vec::with_capacity(message.bytes().len() + 64);
        let choices = self.choices();
        let context = self.dialect_context(&choices);
        dialect.normalise_with(message, &context, &mut canonical, None);
        let normalised = Message::parse(&canonical);
        let (bundle, account) = match &normalised {
            Ok(normalised) if canonical != message.bytes() => {
                self.translate(normalised, message, dialect, ledger.is_some())
            }
            // Canonical as it came. A dialect writes what the parser reads; were it not so, the message as received
            // still says something.
            _ => self.translate(message, message, dialect, ledger.is_some()),
        };
        if let (Some(ledger), Some(account)) = (ledger, account) {
            *ledger = account;
            if normalised.is_ok() && canonical != message.bytes() {
                let mut trace = Trace::default();
                canonical.clear();
                dialect.normalise_with(message, &context, &mut canonical, Some(&mut trace));
                ledger.trace_back(&trace);
            }
        }
        bundle
    }

    /// Reads a canonical message; `received` is the one that travels in the Bundle.
    fn translate(
        &self,
        message: &Message<'_>,
        received: &Message<'_>,
        dialect: &Dialect,
        account: bool,
    ) -> (Bundle, Option<Ledger>) {
        let account = account.then(|| Account::for_bytes(message.bytes().len()));
        let mut cx = Context::new(&self.vocabulary, &self.settings, account);
        cx.constants = &self.constants;
        cx.event = Text::from(message.header().trigger_event().as_ref());
        cx.received = [received.header().trigger_event(), received.header().version()]
            .map(|text| Text::from(text.as_ref()));
        if !message::is_mapped(&cx.event) {
            let text = "no map for this event: translated segment by segment";
            cx.note(Note::warning(
                Some(hl7v2::Location::of("MSH", 9)),
                "no-message-map",
                text,
            ));
        }
        let scene = scene::read(message, &mut cx);
        let ledger = cx
            .account
            .take()
            .map(|account| account.close(message, cx.notes.clone()));
        if message.bytes() != received.bytes() {
            self.lead_back(&mut cx.notes, received, dialect);
        }
        let bundle = finish(scene, cx, message, received, dialect);
        (bundle, ledger)
    }

    /// Gives every note that the Bundle repeats the place where its value stands in the message as received.
    fn lead_back(&self, notes: &mut [Note], received: &Message<'_>, dialect: &Dialect) {
        let repeated = |note: &&mut Note| note.severity == Severity::Warning;
        let mut repeated = notes.iter_mut().filter(repeated).peekable();
        if repeated.peek().is_none() {
            return;
        }
        let mut trace = Trace::default();
        let choices = self.choices();
        let context = self.dialect_context(&choices);
        dialect.normalise_with(received, &context, &mut Vec::new(), Some(&mut trace));
        for note in repeated {
            note.location = note.location.and_then(|place| ledger::origin(place, &trace));
        }
    }

    /// A Bundle as one message in the dialect.
    ///
    /// When the original travelled with the Bundle it comes back leaf for leaf, but for what was edited in the
    /// resources; without it the resources alone are written.
    ///
    /// # Errors
    ///
    /// [`BackError`] when the Bundle holds nothing that a message could be about.
    pub fn to_hl7(
        &self,
        bundle: &Bundle,
        dialect: &Dialect,
        ledger: Option<&mut Ledger>,
    ) -> Result<Vec<u8>, BackError> {
        let adopted = (!provenance::is_own(bundle)).then(|| adopt::adopt(bundle));
        let shaped = adopted.as_ref().unwrap_or(bundle);
        let written = message::write::segments(&Back::new(&self.vocabulary, &self.settings, shaped));
        let message = match provenance::original(bundle) {
            Some(original) => self.lay_over(&original, &written, dialect)?,
            None if written.is_empty() => return Err(BackError::NothingToSay),
            None => self.render(&to_er7(&written), dialect)?,
        };
        if let Some(ledger) = ledger {
            // The rows that wrote it read it back: what none of them can read came with the original alone.
            let parsed = Message::parse(&message).map_err(|error| BackError::Original(error.to_string()))?;
            drop(self.to_fhir(&parsed, dialect, Some(ledger)));
        }
        Ok(message)
    }

    /// What the message of a Bundle says of it, value by value; `None` for a Bundle that this crate made, whose
    /// ledger was kept when it was made.
    ///
    /// The message is written once for every value: for a person's question, not for a feed.
    #[must_use]
    pub fn account(&self, bundle: &Bundle, dialect: &Dialect) -> Option<BundleAccount> {
        let write = |bundle: &Bundle| self.to_hl7(bundle, dialect, None).ok();
        (!provenance::is_own(bundle)).then(|| account::account(bundle, write))
    }

    /// The original with what was edited in the resources.
    fn lay_over(
        &self,
        original: &provenance::Original,
        written: &[SegmentWriter],
        dialect: &Dialect,
    ) -> Result<Vec<u8>, BackError> {
        let unreadable = |error: hl7v2::ParseError| BackError::Original(error.to_string());
        let canonical = Message::parse(&original.canonical).map_err(unreadable)?;
        let received = Message::parse(&original.received).map_err(unreadable)?;
        let (bundle, _) = self.translate(&canonical, &received, dialect, false);
        let before = message::write::segments(&Back::new(&self.vocabulary, &self.settings, &bundle));
        if merge::is_same(&before, written) {
            if original.dialect == dialect.name {
                return Ok(original.received.clone());
            }
            return self.render(&original.canonical, dialect);
        }
        let mut edited = Vec::with_capacity(original.canonical.len() + 64);
        merge::apply(&canonical, &before, written, &mut edited);
        self.render(&edited, dialect)
    }

    /// A canonical message in the dialect.
    fn render(&self, canonical: &[u8], dialect: &Dialect) -> Result<Vec<u8>, BackError> {
        let message = Message::parse(canonical).map_err(|error| BackError::Original(error.to_string()))?;
        let mut out = Vec::with_capacity(canonical.len() + 64);
        let choices = self.choices();
        dialect.render_with(&message, &self.dialect_context(&choices), &mut out, None);
        Ok(out)
    }

    /// One message from a dialect to another, never through FHIR.
    pub fn convert(
        &self,
        message: &Message<'_>,
        from: &Dialect,
        to: &Dialect,
        out: &mut Vec<u8>,
        ledger: Option<&mut Ledger>,
    ) {
        let choices = self.choices();
        let context = self.dialect_context(&choices);
        let mut trace = ledger.is_some().then(Trace::default);
        crate::dialect::convert(message, (from, &context), (to, &context), out, trace.as_mut());
        if let (Some(ledger), Some(trace)) = (ledger, trace) {
            *ledger = Ledger::of_trace(&trace);
        }
    }

    /// The site's choices as a dialect takes them.
    fn choices(&self) -> Vec<(&str, &str)> {
        let pairs = self.settings.dialect.iter();
        pairs
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    fn dialect_context<'c>(&'c self, choices: &'c [(&'c str, &'c str)]) -> DialectContext<'c> {
        DialectContext {
            zone: Some(&self.settings.zone),
            settings: choices,
            ..DialectContext::default()
        }
    }
}

/// Why a Bundle makes no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BackError {
    /// No resource that a segment could hold.
    #[error("the Bundle holds no original message and no resource that HL7 v2 has a segment for")]
    NothingToSay,
    /// The original that travels with the Bundle cannot be read.
    #[error("the original message in the Bundle cannot be read: {0}")]
    Original(String),
}

/// A row and its text as a message of one field; the text is kept for the life of the process, as tables are.
fn constant((name, text): &(String, String)) -> Option<Constant> {
    let (segment, field) = name.split(" > ").next()?.split_once('-')?;
    let bars = "|".repeat(field.parse().ok()?);
    let er7 = format!("MSH|^~\\&\r{segment}{bars}{text}\r");
    let message = Message::parse(Vec::leak(er7.into_bytes())).ok()?;
    Some(Constant {
        name: name.clone(),
        message,
    })
}

fn to_er7(segments: &[SegmentWriter]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    for segment in segments {
        segment.finish(&Encoding::STANDARD, &mut out);
    }
    out
}

/// Puts the Bundle together: MessageHeader, what the message is about, what that refers to, where it came from.
fn finish(
    scene: Scene,
    cx: Context<'_>,
    message: &Message<'_>,
    received: &Message<'_>,
    dialect: &Dialect,
) -> Bundle {
    let Scene {
        mut header,
        mut bundle,
        mut provenance,
        focus,
        control_id,
        ..
    } = scene;
    let Context {
        mut entries,
        notes,
        settings,
        ..
    } = cx;
    let sender = message.header().sending_application();
    let header_id = entries.id("MessageHeader", &[&sender, &control_id]);
    let document_id = entries.id("DocumentReference", &[&sender, &control_id]);
    let provenance_id = entries.id("Provenance", &[&sender, &control_id]);
    let outcome_id = entries.id("OperationOutcome", &[&sender, &control_id]);

    let document = settings
        .carry_original
        .then(|| provenance::document(message, received, dialect));
    let source = document.is_some().then(|| entries::reference(document_id));
    let mut targets = vec![entries::reference(header_id)];
    targets.extend(focus.iter().cloned());
    provenance::complete(
        &mut provenance,
        targets,
        header.sender.as_ref(),
        source,
        bundle.timestamp.as_ref(),
    );
    header.focus = focus;
    msh::complete(&mut header);

    bundle.type_ = Some(Text::const_new("message"));
    entries::append(&mut bundle, header_id, Resource::MessageHeader(header));
    entries.finish(&mut bundle);
    entries::append(&mut bundle, provenance_id, provenance.into());
    if let Some(document) = document {
        entries::append(&mut bundle, document_id, document.into());
    }
    if let Some(outcome) = provenance::outcome(&notes) {
        entries::append(&mut bundle, outcome_id, outcome.into());
    }
    bundle
}
