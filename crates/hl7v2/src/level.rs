//! Field, repetition, component, subcomponent: views that split on demand.
//!
//! All are `Copy` and live as long as the message's bytes. Children are 1-based, and asking for one that is not
//! there gives an absent view, never a panic and never an `Option` to unwrap.

use std::borrow::Cow;
use std::fmt;

use crate::{Delimiters, Encoding, Location, Undecodable, escape};

/// What stands at a place: HL7 tells these four apart, and so must everyone downstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Beyond the end: nothing is said.
    Absent,
    /// There, with nothing in it: nothing is said.
    Empty,
    /// `""`: delete what you have.
    Null,
    /// Something in it.
    Valued,
}

/// Which bytes stand for themselves under the standard delimiters.
static PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'|' | b'^' | b'~' | b'\\' | b'&');
        byte += 1;
    }
    table
};

/// What the four levels have in common.
#[derive(Clone, Copy)]
struct View<'a> {
    raw: Option<&'a [u8]>,
    encoding: Encoding,
    location: Location,
}

impl<'a> View<'a> {
    /// MSH-1 and MSH-2 are the delimiters; nothing inside them divides or escapes.
    #[inline]
    fn is_literal(&self) -> bool {
        self.location.field <= 2 && self.location.segment.declares_delimiters()
    }

    fn presence(&self) -> Presence {
        match self.raw {
            None => Presence::Absent,
            Some([]) => Presence::Empty,
            Some(b"\"\"") => Presence::Null,
            Some(_) if self.is_literal() => Presence::Valued,
            Some(raw) if raw.iter().all(|&b| self.encoding.delimiters.divides(b)) => Presence::Empty,
            Some(_) => Presence::Valued,
        }
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.raw.unwrap_or_default()
    }

    /// The value when its bytes are its text, as most are: printable ASCII in which nothing divides or escapes, with no
    /// blank at an edge.
    #[inline]
    fn plain(&self) -> Option<&'a str> {
        let raw = self.raw?;
        let (first, last) = (raw.first()?, raw.last()?);
        let plain = *first != b' '
            && *last != b' '
            && raw.iter().all(|&byte| PLAIN[usize::from(byte)])
            && raw != b"\"\""
            && self.encoding.delimiters == Delimiters::STANDARD;
        if plain {
            std::str::from_utf8(raw).ok()
        } else {
            None
        }
    }

    /// The first leaf's bytes; for a null, nothing.
    fn first_leaf(&self) -> &'a [u8] {
        let raw = self.bytes();
        if self.is_literal() {
            return raw;
        }
        let delimiters = &self.encoding.delimiters;
        let end = raw
            .iter()
            .position(|&b| delimiters.divides(b))
            .unwrap_or(raw.len());
        match raw.get(..end).unwrap_or_default() {
            b"\"\"" => &[],
            leaf => leaf,
        }
    }

    fn decode(&self, raw: &'a [u8]) -> (Cow<'a, str>, bool) {
        if self.is_literal() {
            return self.encoding.charset.decode(raw);
        }
        escape::unescape_checked(raw, &self.encoding)
    }

    fn checked_text(&self) -> Result<Cow<'a, str>, Undecodable> {
        match self.decode(self.first_leaf()) {
            (text, true) => Ok(text),
            (_, false) => Err(Undecodable {
                location: self.location,
            }),
        }
    }

    fn full_text(&self) -> Cow<'a, str> {
        if self.presence() == Presence::Null {
            Cow::Borrowed("")
        } else {
            self.decode(self.bytes()).0
        }
    }

    /// The 1-based child between delimiters; none past the last.
    #[inline]
    fn child(&self, n: usize, delimiter: Option<u8>) -> Option<&'a [u8]> {
        let raw = self.raw?;
        match delimiter.filter(|_| !self.is_literal()) {
            Some(delimiter) => raw.split(|&b| b == delimiter).nth(n.checked_sub(1)?),
            None => (n == 1).then_some(raw),
        }
    }

    fn split(&self, delimiter: Option<u8>) -> Split<'a> {
        Split {
            rest: self.raw,
            delimiter: delimiter.filter(|_| !self.is_literal()),
            next: 1,
        }
    }

    fn fmt(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({} {:?})", self.location, self.presence())
    }
}

/// Pieces between delimiters, numbered from 1.
#[derive(Clone)]
struct Split<'a> {
    rest: Option<&'a [u8]>,
    delimiter: Option<u8>,
    next: usize,
}

impl<'a> Iterator for Split<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        let at = self
            .delimiter
            .and_then(|delimiter| rest.iter().position(|&b| b == delimiter));
        let piece = match at {
            Some(at) => {
                self.rest = rest.get(at + 1..);
                rest.get(..at).unwrap_or_default()
            }
            None => {
                self.rest = None;
                rest
            }
        };
        let n = to_position(self.next);
        self.next += 1;
        Some((n, piece))
    }
}

/// Positions past 65535 do not exist in a message that was parsed; asking for one is answered "absent" there.
#[inline]
fn to_position(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

macro_rules! level {
    ($name:ident, $noun:literal) => {
        impl<'a> $name<'a> {
            #[doc = concat!("Whether the ", $noun, " is absent, empty, null or valued.")]
            pub fn presence(&self) -> Presence {
                self.0.presence()
            }

            #[doc = concat!("Whether there is something in the ", $noun, ", null aside.")]
            pub fn is_valued(&self) -> bool {
                self.presence() == Presence::Valued
            }

            #[doc = concat!("Whether the ", $noun, " is HL7's null, `\"\"`: delete what you have.")]
            pub fn is_null(&self) -> bool {
                self.presence() == Presence::Null
            }

            #[doc = concat!("The ", $noun, "'s bytes as they stand; none when it is absent.")]
            pub fn raw(&self) -> &'a [u8] {
                self.0.bytes()
            }

            /// The first leaf, decoded and unescaped; empty when absent, empty or null.
            pub fn text(&self) -> Cow<'a, str> {
                self.0.decode(self.0.first_leaf()).0
            }

            /// As `text`, but refusing bytes the message's character set does not have.
            ///
            /// # Errors
            ///
            /// When such bytes are there; `text` shows U+FFFD for them.
            pub fn checked_text(&self) -> Result<Cow<'a, str>, Undecodable> {
                self.0.checked_text()
            }

            #[doc = concat!("The whole ", $noun, ", decoded and unescaped, with the delimiters inside it as text.")]
            pub fn full_text(&self) -> Cow<'a, str> {
                self.0.full_text()
            }

            /// As `text`, when that is the bytes as they stand, trimmed: the quick way that most values can take.
            #[inline]
            pub fn plain(&self) -> Option<&'a str> {
                self.0.plain()
            }

            #[doc = concat!("Where the ", $noun, " stands.")]
            pub fn location(&self) -> Location {
                self.0.location
            }

            /// How its bytes become text.
            pub fn encoding(&self) -> Encoding {
                self.0.encoding
            }
        }

        impl fmt::Debug for $name<'_> {
            /// Place and presence only: values name patients.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(stringify!($name), f)
            }
        }
    };
}

/// One field of a segment.
#[derive(Clone, Copy)]
pub struct Field<'a>(View<'a>);
level!(Field, "field");

impl<'a> Field<'a> {
    #[inline]
    pub(crate) fn new(raw: Option<&'a [u8]>, encoding: Encoding, segment: Location, n: usize) -> Self {
        Self(View {
            raw,
            encoding,
            location: segment.with_field(to_position(n)),
        })
    }

    pub(crate) fn absent(encoding: Encoding, location: Location) -> Self {
        Self(View {
            raw: None,
            encoding,
            location,
        })
    }

    /// The populated repetitions in order, nulls among them; their `location` tells their true position.
    pub fn repetitions(&self) -> Repetitions<'a> {
        Repetitions {
            view: self.0,
            split: self.0.split(Some(self.0.encoding.delimiters.repetition)),
        }
    }

    /// How many repetitions stand in the field, empty ones included; none when it is absent or empty.
    pub fn repetition_count(&self) -> usize {
        match self.0.raw {
            None | Some([]) => 0,
            Some(_) => self.0.split(Some(self.0.encoding.delimiters.repetition)).count(),
        }
    }

    /// The repetition at a 1-based position.
    pub fn repetition(&self, n: usize) -> Repetition<'a> {
        let raw = self.0.child(n, Some(self.0.encoding.delimiters.repetition));
        let location = self.0.location.with_repetition(to_position(n));
        Repetition(View {
            raw,
            location,
            ..self.0
        })
    }

    /// A component of the first repetition.
    pub fn component(&self, n: usize) -> Component<'a> {
        self.repetition(1).component(n)
    }
}

/// One repetition of a field.
#[derive(Clone, Copy)]
pub struct Repetition<'a>(View<'a>);
level!(Repetition, "repetition");

impl<'a> Repetition<'a> {
    /// The components in order, empty ones included.
    pub fn components(&self) -> Components<'a> {
        Components {
            view: self.0,
            split: self.0.split(Some(self.0.encoding.delimiters.component)),
        }
    }

    /// The component at a 1-based position.
    pub fn component(&self, n: usize) -> Component<'a> {
        let raw = self.0.child(n, Some(self.0.encoding.delimiters.component));
        let location = self.0.location.with_component(to_position(n));
        Component(View {
            raw,
            location,
            ..self.0
        })
    }
}

/// One component of a repetition.
#[derive(Clone, Copy)]
pub struct Component<'a>(View<'a>);
level!(Component, "component");

impl<'a> Component<'a> {
    /// The subcomponents in order, empty ones included.
    pub fn subcomponents(&self) -> Subcomponents<'a> {
        Subcomponents {
            view: self.0,
            split: self.0.split(self.0.encoding.delimiters.subcomponent),
        }
    }

    /// The subcomponent at a 1-based position.
    pub fn subcomponent(&self, n: usize) -> Subcomponent<'a> {
        let raw = self.0.child(n, self.0.encoding.delimiters.subcomponent);
        let location = self.0.location.with_subcomponent(to_position(n));
        Subcomponent(View {
            raw,
            location,
            ..self.0
        })
    }
}

/// One subcomponent of a component: the lowest level.
#[derive(Clone, Copy)]
pub struct Subcomponent<'a>(View<'a>);
level!(Subcomponent, "subcomponent");

/// What stands at a [`Location`], whatever its level.
#[derive(Clone, Copy)]
pub struct Value<'a>(View<'a>);
level!(Value, "value");

impl<'a> Value<'a> {
    pub(crate) fn whole_segment(raw: Option<&'a [u8]>, encoding: Encoding, location: Location) -> Self {
        Self(View {
            raw,
            encoding,
            location,
        })
    }

    /// Walks down from the field; a 0 above a given level reads as 1.
    pub(crate) fn inside(field: Field<'a>, location: &Location) -> Self {
        let Location {
            repetition,
            component,
            subcomponent,
            ..
        } = *location;
        if repetition == 0 && component == 0 && subcomponent == 0 {
            return Self(field.0);
        }
        let repetition = field.repetition(usize::from(repetition.max(1)));
        if component == 0 && subcomponent == 0 {
            return Self(repetition.0);
        }
        let component = repetition.component(usize::from(component.max(1)));
        if subcomponent == 0 {
            return Self(component.0);
        }
        Self(component.subcomponent(usize::from(subcomponent)).0)
    }
}

macro_rules! children {
    ($(#[$doc:meta])* $name:ident, $child:ident, $with:ident, $skip_empty:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name<'a> {
            view: View<'a>,
            split: Split<'a>,
        }

        impl<'a> Iterator for $name<'a> {
            type Item = $child<'a>;

            fn next(&mut self) -> Option<$child<'a>> {
                loop {
                    let (n, raw) = self.split.next()?;
                    let location = self.view.location.$with(n);
                    let child = View { raw: Some(raw), location, ..self.view };
                    if !$skip_empty || child.presence() != Presence::Empty {
                        return Some($child(child));
                    }
                }
            }
        }

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.view.fmt(stringify!($name), f)
            }
        }
    };
}

children! {
    /// The populated repetitions of a field.
    Repetitions, Repetition, with_repetition, true
}
children! {
    /// The components of a repetition.
    Components, Component, with_component, false
}
children! {
    /// The subcomponents of a component.
    Subcomponents, Subcomponent, with_subcomponent, false
}
