//! What a reading row works with: tables, settings, the Bundle in the making, and the account.
//!
//! Values reach a resource through [`Context::take`] and its kin only. Each of them decodes a leaf once, keeps
//! HL7 null and blanks out of the resource, and records the leaf when a ledger is wanted. Without a ledger the
//! recording is one untaken branch.

use std::borrow::Cow;

use fhir::Text;
use hl7v2::{Component, Encoding, Field, Location, Presence, Repetition, Segment, Subcomponent};

use crate::entries::Entries;
use crate::ledger::{Account, Outcome, Rule};
use crate::note::Note;
use crate::settings::Settings;
use crate::vocabulary::{Code, Vocabularies, Vocabulary};

/// Reason given for HL7's null.
pub(crate) const NULL: &str = "HL7 null means delete: the element is left out on purpose";
/// Reason given for a value of nothing but white space.
pub(crate) const BLANK: &str = "nothing but white space";

/// Something with a first leaf: any level of a message below the segment.
pub(crate) trait Leaf<'m>: Copy {
    fn raw(self) -> &'m [u8];
    fn presence(self) -> Presence;
    fn plain(self) -> Option<&'m str>;
    fn text(self) -> Cow<'m, str>;
    fn location(self) -> Location;
    fn encoding(self) -> Encoding;
}

macro_rules! leaf {
    ($($level:ident)*) => {$(
        impl<'m> Leaf<'m> for $level<'m> {
            #[inline]
            fn raw(self) -> &'m [u8] {
                $level::raw(&self)
            }
            #[inline]
            fn presence(self) -> Presence {
                $level::presence(&self)
            }
            #[inline]
            fn plain(self) -> Option<&'m str> {
                $level::plain(&self)
            }
            #[inline]
            fn text(self) -> Cow<'m, str> {
                $level::text(&self)
            }
            #[inline]
            fn location(self) -> Location {
                $level::location(&self).to_leaf()
            }
            fn encoding(self) -> Encoding {
                $level::encoding(&self)
            }
        }
    )*};
}

leaf!(Field Repetition Component Subcomponent);

/// A level and the parts one level below it: a data type is read the same way as a field or as a component.
pub(crate) trait Composite<'m>: Copy {
    type Part: Leaf<'m> + Copy;
    /// The part at a 1-based position.
    fn part(self, n: usize) -> Self::Part;
    /// The parts that hold something, with their positions.
    fn parts(self) -> impl Iterator<Item = (u16, Self::Part)>;
    /// Records every leaf of one part.
    fn record_part(part: Self::Part, cx: &mut Context<'_>, outcome: Outcome, member: &'static str);
}

impl<'m> Composite<'m> for Repetition<'m> {
    type Part = Component<'m>;

    #[inline]
    fn part(self, n: usize) -> Component<'m> {
        self.component(n)
    }

    #[inline]
    fn parts(self) -> impl Iterator<Item = (u16, Component<'m>)> {
        let valued = self
            .components()
            .filter(|component| !Component::raw(component).is_empty());
        valued.map(|component| (Component::location(&component).component, component))
    }

    fn record_part(part: Component<'m>, cx: &mut Context<'_>, outcome: Outcome, member: &'static str) {
        cx.record_component(part, outcome, member, "");
    }
}

impl<'m> Composite<'m> for Component<'m> {
    type Part = Subcomponent<'m>;

    #[inline]
    fn part(self, n: usize) -> Subcomponent<'m> {
        self.subcomponent(n)
    }

    #[inline]
    fn parts(self) -> impl Iterator<Item = (u16, Subcomponent<'m>)> {
        let valued = self
            .subcomponents()
            .filter(|leaf| !Subcomponent::raw(leaf).is_empty());
        valued.map(|leaf| (Subcomponent::location(&leaf).subcomponent, leaf))
    }

    fn record_part(part: Subcomponent<'m>, cx: &mut Context<'_>, outcome: Outcome, member: &'static str) {
        cx.record(part, outcome, member, "");
    }
}

/// A code looked up in its table.
pub(crate) enum Coded {
    /// Not there, null or blank.
    None,
    /// In the table.
    Known(Code),
    /// Not in the table: the code as sent. The caller passes it on or records where it went.
    Unknown(Text),
}

/// A row whose field the site sets, and a message of nothing but that field.
#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) message: hl7v2::Message<'static>,
}

/// The state of one translation from HL7 v2.
pub(crate) struct Context<'a> {
    /// The fields that the site sets.
    pub(crate) constants: &'a [Constant],
    /// The code tables.
    pub(crate) vocabulary: &'a Vocabularies,
    /// The site's choices.
    pub(crate) settings: &'a Settings,
    /// The Bundle in the making.
    pub(crate) entries: Entries,
    /// MSH-9.2.
    pub(crate) event: Text,
    /// MSH-9.2 and MSH-12 of the message as received, before a dialect made them canonical.
    pub(crate) received: [Text; 2],
    /// The PID whose number of a stay no resource has taken yet.
    pub(crate) stay: Option<Segment<'a>>,
    /// What the translation remarks on.
    pub(crate) notes: Vec<Note>,
    pub(crate) segment: Option<Segment<'a>>,
    pub(crate) account: Option<Account>,
    pub(crate) rule: Rule,
    /// The remark of the row that runs.
    pub(crate) row_note: &'static str,
    index: Option<u16>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        vocabulary: &'a Vocabularies,
        settings: &'a Settings,
        account: Option<Account>,
    ) -> Self {
        Self {
            vocabulary,
            settings,
            entries: Entries::default(),
            event: Text::const_new(""),
            received: [Text::const_new(""), Text::const_new("")],
            stay: None,
            notes: Vec::new(),
            segment: None,
            account,
            rule: Rule::default(),
            row_note: "",
            index: None,
            constants: &[],
        }
    }

    /// The row that runs from here on.
    #[inline]
    pub(crate) fn enter(&mut self, rule: Rule, note: &'static str) {
        self.rule = rule;
        self.row_note = note;
        self.index = None;
    }

    /// Which item of a list the values from here on belong to, counted from 0.
    #[inline]
    pub(crate) fn at(&mut self, index: usize) {
        self.index = u16::try_from(index).ok();
    }

    /// Another field of the segment that is being read, for rows whose meaning hangs on two fields.
    pub(crate) fn sibling(&self, field: usize) -> Option<Field<'a>> {
        self.segment.map(|segment| segment.field(field))
    }

    /// True when another field of the segment holds something.
    pub(crate) fn sibling_valued(&self, field: usize) -> bool {
        self.sibling(field).is_some_and(|field| field.is_valued())
    }

    /// The text of a leaf; `member` is the path below the row's element, or a whole path when it starts with a capital.
    #[inline]
    pub(crate) fn take<'m>(&mut self, leaf: impl Leaf<'m>, member: &'static str) -> Option<Text> {
        self.take_as(leaf, member, Outcome::Mapped)
    }

    /// As [`Context::take`], for a value that changes its format on the way.
    #[inline]
    pub(crate) fn take_as<'m>(
        &mut self,
        leaf: impl Leaf<'m>,
        member: &'static str,
        outcome: Outcome,
    ) -> Option<Text> {
        if leaf.raw().is_empty() {
            return None;
        }
        if let Some(text) = leaf.plain() {
            self.record(leaf, outcome, member, "");
            return Some(Text::from(text));
        }
        let text = leaf.text();
        let trimmed = clean(&text);
        if trimmed.is_empty() {
            self.account_nothing(leaf);
            return None;
        }
        self.record(leaf, outcome, member, "");
        Some(Text::from(trimmed.as_ref()))
    }

    /// The text of a leaf without recording it: for conditions, and for values that may yet be refused.
    #[inline]
    pub(crate) fn peek<'m>(&self, leaf: impl Leaf<'m>) -> Option<Cow<'m, str>> {
        if leaf.raw().is_empty() {
            return None;
        }
        if let Some(text) = leaf.plain() {
            return Some(Cow::Borrowed(text));
        }
        match leaf.text() {
            Cow::Borrowed(text) => {
                let trimmed = text.trim();
                (!trimmed.is_empty() && !has_control(trimmed))
                    .then_some(Cow::Borrowed(trimmed))
                    .or_else(|| (!trimmed.is_empty()).then(|| Cow::Owned(clean(trimmed).into_owned())))
            }
            Cow::Owned(text) => {
                let trimmed = clean(&text);
                (!trimmed.is_empty()).then(|| Cow::Owned(trimmed.into_owned()))
            }
        }
    }

    /// Looks a code up. A known one is recorded; an unknown one is noted, and recorded by the caller.
    pub(crate) fn look_up<'m>(
        &mut self,
        leaf: impl Leaf<'m>,
        table: &Vocabulary,
        member: &'static str,
    ) -> Coded {
        let Some(text) = self.peek(leaf) else {
            self.account_nothing(leaf);
            return Coded::None;
        };
        match table.to_fhir(&text) {
            Some(code) => {
                let outcome = if code.fhir == code.hl7 {
                    Outcome::Mapped
                } else {
                    Outcome::Transformed
                };
                self.record(leaf, outcome, member, "");
                Coded::Known(*code)
            }
            None => {
                self.notes.push(Note::unknown_code(leaf.location(), table.table));
                Coded::Unknown(Text::from(text.as_ref()))
            }
        }
    }

    /// Records what became of a leaf.
    #[inline]
    pub(crate) fn record<'m>(
        &mut self,
        leaf: impl Leaf<'m>,
        outcome: Outcome,
        member: &'static str,
        note: &'static str,
    ) {
        if let Some(account) = &mut self.account {
            account.record(leaf.location(), outcome, self.rule, self.index, member, note);
        }
    }

    /// Records a null or blank leaf; nothing when there is nothing.
    pub(crate) fn account_nothing<'m>(&mut self, leaf: impl Leaf<'m>) {
        if self.account.is_some() && !leaf.raw().is_empty() {
            let null = is_null_leaf(leaf.raw());
            self.record(leaf, Outcome::IgnoredByRule, "", if null { NULL } else { BLANK });
        }
    }

    /// Records every leaf below a field with one outcome.
    pub(crate) fn record_field(
        &mut self,
        field: Field<'_>,
        outcome: Outcome,
        member: &'static str,
        note: &'static str,
    ) {
        if self.account.is_none() {
            return;
        }
        for repetition in field.repetitions() {
            self.record_repetition(repetition, outcome, member, note);
        }
    }

    /// Records every leaf below a repetition with one outcome.
    pub(crate) fn record_repetition(
        &mut self,
        repetition: Repetition<'_>,
        outcome: Outcome,
        member: &'static str,
        note: &'static str,
    ) {
        if self.account.is_none() {
            return;
        }
        for component in repetition.components() {
            self.record_component(component, outcome, member, note);
        }
    }

    /// Records every leaf below a component with one outcome.
    pub(crate) fn record_component(
        &mut self,
        component: Component<'_>,
        outcome: Outcome,
        member: &'static str,
        note: &'static str,
    ) {
        if self.account.is_none() {
            return;
        }
        for leaf in component.subcomponents() {
            if leaf.is_null() {
                self.record(leaf, Outcome::IgnoredByRule, "", NULL);
            } else if !Leaf::raw(leaf).is_empty() {
                self.record(leaf, outcome, member, note);
            }
        }
    }

    /// The field that the site sets for this row.
    pub(crate) fn constant(&self, rule: &Rule) -> Option<Field<'a>> {
        if self.constants.is_empty() {
            return None;
        }
        let name = rule.to_string();
        let set = self.constants.iter().find(|one| one.name == name)?;
        let segment = set.message.segments().nth(1)?;
        Some(segment.field(usize::from(rule.field)))
    }

    /// True when the site leaves this row out.
    pub(crate) fn is_dropped(&self, rule: &Rule) -> bool {
        !self.settings.drop_rows.is_empty() && {
            let name = rule.to_string();
            self.settings.drop_rows.contains(&name)
        }
    }

    /// Remarks on something.
    pub(crate) fn note(&mut self, note: Note) {
        self.notes.push(note);
    }
}

/// True when the first leaf is HL7's null.
fn is_null_leaf(raw: &[u8]) -> bool {
    raw.starts_with(b"\"\"")
}

/// FHIR strings may hold no control characters but tab and line ends, and no white space around them.
fn clean(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if has_control(trimmed) {
        let kept = |c: &char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
        Cow::Owned(trimmed.chars().filter(kept).collect::<String>().trim().to_owned())
    } else {
        Cow::Borrowed(trimmed)
    }
}

fn has_control(text: &str) -> bool {
    text.bytes()
        .any(|byte| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || byte == 0x7F)
}
