//! Search over people: candidates from the best index, then every criterion checked on each.

use super::person::{Alias, Person};
use super::{State, Text};

/// What a search asks of a person; every given criterion must hold. Lists within one criterion mean "or".
#[derive(Clone, Default)]
pub(crate) struct People {
    pub keys: Option<Vec<u32>>,
    /// (system or empty, value).
    pub identifiers: Vec<(Text, Text)>,
    /// The system by which the product's face calls an alias.
    pub system_of: Option<fn(&Alias) -> Text>,
    pub families: Vec<Wanted>,
    pub givens: Vec<Wanted>,
    /// Any part of any name.
    pub names: Vec<Wanted>,
    /// Spans of days as HL7 dates, both ends included; all must hold.
    pub births: Vec<(Text, Text)>,
    /// Vendor codes of sex.
    pub sexes: Option<Vec<Text>>,
    pub telecoms: Vec<Text>,
    pub postcodes: Vec<Text>,
    /// Whether records merged away count.
    pub merged: bool,
}

/// One text to find in a name.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub folded: Text,
    pub exact: bool,
}

impl Wanted {
    pub(crate) fn new(text: &str, exact: bool) -> Self {
        Self {
            folded: fold(text),
            exact,
        }
    }

    fn holds(&self, name: &str) -> bool {
        let name = fold(name);
        if self.exact {
            name == self.folded
        } else {
            name.starts_with(self.folded.as_str())
        }
    }
}

impl State {
    /// The people who satisfy `wanted`, by key.
    pub(crate) fn find_people(&self, wanted: &People) -> Vec<&Person> {
        let mut keys = self.candidates(wanted);
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter()
            .filter_map(|key| self.person(key))
            .filter(|person| (wanted.merged || person.merged_into.is_none()) && wanted.holds(person))
            .collect()
    }

    fn candidates(&self, wanted: &People) -> Vec<u32> {
        if let Some(keys) = &wanted.keys {
            return keys.clone();
        }
        if !wanted.identifiers.is_empty() {
            return wanted
                .identifiers
                .iter()
                .flat_map(|(_, value)| self.index.by_alias(value).iter().copied())
                .collect();
        }
        if let Some((first, last)) = wanted.births.first() {
            return self.index.by_birth(first, last);
        }
        if !wanted.families.is_empty() {
            let found = wanted
                .families
                .iter()
                .flat_map(|name| self.index.by_family(&name.folded, name.exact));
            return found.collect();
        }
        if !wanted.givens.is_empty() {
            let found = wanted
                .givens
                .iter()
                .flat_map(|name| self.index.by_given(&name.folded, name.exact));
            return found.collect();
        }
        if !wanted.names.is_empty() {
            return wanted
                .names
                .iter()
                .flat_map(|name| {
                    let mut found = self.index.by_family(&name.folded, name.exact);
                    found.extend(self.index.by_given(&name.folded, name.exact));
                    found
                })
                .collect();
        }
        self.people.keys().copied().collect()
    }
}

impl People {
    fn holds(&self, person: &Person) -> bool {
        let any =
            |wanted: &[Wanted], test: &dyn Fn(&Wanted) -> bool| wanted.is_empty() || wanted.iter().any(test);
        let identified = self.identifiers.is_empty()
            || self.identifiers.iter().any(|(system, value)| {
                person.aliases.iter().any(|alias| {
                    alias.value == *value
                        && (system.is_empty()
                            || self
                                .system_of
                                .is_some_and(|system_of| system_of(alias) == *system))
                })
            });
        identified
            && any(&self.families, &|name| {
                person.names.iter().any(|held| name.holds(&held.family))
            })
            && any(&self.givens, &|name| {
                person
                    .names
                    .iter()
                    .any(|held| name.holds(&held.given) || name.holds(&held.middle))
            })
            && any(&self.names, &|name| {
                person
                    .names
                    .iter()
                    .any(|held| name.holds(&held.family) || name.holds(&held.given))
            })
            && self.births.iter().all(|(first, last)| {
                person.birth.as_deref().is_some_and(|birth| {
                    let day: Text = birth.chars().take(8).collect();
                    *first <= day && day <= *last
                })
            })
            && self
                .sexes
                .as_ref()
                .is_none_or(|wanted| person.sex.as_ref().is_some_and(|sex| wanted.contains(sex)))
            && (self.telecoms.is_empty()
                || person.telecoms.iter().any(|held| {
                    let held = digits_or_folded(&held.value);
                    self.telecoms
                        .iter()
                        .any(|wanted| digits_or_folded(wanted) == held)
                }))
            && (self.postcodes.is_empty()
                || person.addresses.iter().any(|held| {
                    let held = squeezed(&held.postcode);
                    self.postcodes
                        .iter()
                        .any(|wanted| held.starts_with(squeezed(wanted).as_str()))
                }))
    }
}

fn digits_or_folded(text: &str) -> Text {
    if text.contains('@') {
        return fold(text);
    }
    text.chars().filter(char::is_ascii_digit).collect()
}

fn squeezed(text: &str) -> Text {
    text.chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

/// Lower case, and Latin letters without their accents: how these products compare names.
pub(crate) fn fold(text: &str) -> Text {
    let mut folded = Text::default();
    for letter in text.trim().chars() {
        match plain(letter) {
            Some(plain) => folded.push_str(plain),
            None => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

/// The unaccented spelling of a Latin letter, in lower case.
pub(crate) fn plain(letter: char) -> Option<&'static str> {
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    let plain = match lower {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' => "o",
        'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ť' | 'ţ' | 'ț' => "t",
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        'þ' => "th",
        '’' | '‘' => "'",
        _ => return None,
    };
    Some(plain)
}
