//! A synthetic London: the same people for the same seed, one at a time, so that five thousand and one and a half
//! million come from one generator in the same little memory.
//!
//! A [`Person`] is the truth; what a hospital [`Held`] about them may be dirty or double, and says so in
//! [`Held::dirt`]: that is the truth table a reconciliation is judged by. What happens to people is [`life`].
//!
//! Refused: anything that could be somebody. NHS numbers lie in 999 000 0000 to 999 999 9999; when that range is used
//! up (about 909,000 numbers) later people have none, which counts as dirt and is said in the figures.

mod dice;
mod dirt;
pub mod extract;
pub mod life;
mod names;

use hl7v2::nhs::NhsNumber;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

pub(crate) use self::dice::Dice;
pub use self::dirt::Dirt;
pub use self::life::Life;
pub use self::names::{PRACTICES, Practice, SPECIALTIES, Specialty};

/// How large, how long, how dirty. Rates are chances in ten thousand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct WorldSettings {
    /// What everything follows from.
    pub seed: u64,
    /// How many people there are.
    pub people: u64,
    /// How many trusts keep records of them: 1 to 4.
    pub trusts: usize,
    /// When the world stops: the moment of a cut-over.
    pub ends: DateTime,
    /// How many days of history there are before it.
    pub days: u32,
    /// People known to each further trust besides their own.
    pub overlap: u32,
    /// People with a second record at the same trust.
    pub duplicates: u32,
    /// Pairs of neighbours who are twins.
    pub twins: u32,
    /// Records without an NHS number.
    pub nhs_missing: u32,
    /// Records whose NHS number was never traced.
    pub nhs_unverified: u32,
    /// Records with day and month of birth changed over.
    pub birth_transposed: u32,
    /// Records without a postcode.
    pub postcode_missing: u32,
    /// Records of babies without a name.
    pub newborn_names: u32,
    /// Stays on a ward that nobody has in a table.
    pub unknown_wards: u32,
    /// Stays that ended and were never closed.
    pub unclosed_stays: u32,
    /// Waiting-list entries without a clock start.
    pub clock_start_missing: u32,
    /// People in a bed at the end.
    pub in_hospital: u32,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self {
            seed: 7,
            people: 5_000,
            trusts: 1,
            ends: jiff::civil::date(2026, 3, 1).at(18, 0, 0, 0),
            days: 28,
            overlap: 3_000,
            duplicates: 300,
            twins: 60,
            nhs_missing: 500,
            nhs_unverified: 300,
            birth_transposed: 30,
            postcode_missing: 100,
            newborn_names: 20,
            unknown_wards: 50,
            unclosed_stays: 50,
            clock_start_missing: 0,
            in_hospital: 200,
        }
    }
}

/// Male or female, as registered; the mocks know more, the generator needs no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

impl Sex {
    /// The word FHIR uses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Female => "female",
            Self::Male => "male",
        }
    }
}

/// Who somebody is, or what a record says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Ten digits.
    pub nhs: Option<String>,
    /// `01` traced and verified, `02` not traced.
    pub nhs_status: &'static str,
    /// Family name.
    pub family: String,
    /// First name.
    pub given: String,
    /// Title.
    pub title: &'static str,
    /// Date of birth.
    pub birth: Date,
    /// Sex.
    pub sex: Sex,
    /// First line of the address.
    pub line: String,
    /// Town.
    pub town: &'static str,
    /// Postcode; empty when the record has none.
    pub postcode: String,
    /// Telephone at home.
    pub phone: String,
    /// Mobile telephone.
    pub mobile: String,
}

/// One record at one trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which trust, from 0.
    pub trust: usize,
    /// The number in that trust's pool.
    pub mrn: String,
    /// What the record says.
    pub identity: Identity,
    /// Whether it is a second record of somebody who had one.
    pub duplicate: bool,
    /// What is wrong with it.
    pub dirt: Vec<Dirt>,
}

/// One person: who they are, what is held about them, and what happens to them.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their place in the world, from 0.
    pub index: u64,
    /// The truth.
    pub identity: Identity,
    /// NHS ethnic category.
    pub ethnicity: &'static str,
    /// NHS marital status.
    pub marital: &'static str,
    /// Their practice.
    pub practice: Practice,
    /// Their twin's place, when there is one.
    pub twin: Option<u64>,
    /// Whether they opted out of research.
    pub opted_out: bool,
    /// Records, the first record of each trust before its duplicates.
    pub held: Vec<Held>,
    /// What happens to them.
    pub life: Life,
}

/// The world: a value, cheap to copy.
#[derive(Clone, Debug)]
pub struct World {
    settings: WorldSettings,
}

impl World {
    /// A world by its settings.
    #[must_use]
    pub fn new(settings: WorldSettings) -> Self {
        Self { settings }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// Everybody, one at a time.
    #[must_use]
    pub fn people(&self) -> People<'_> {
        People {
            world: self,
            next: 0,
            prefixes: 0,
            beds: 0,
            before: None,
        }
    }
}

/// Everybody, in order of their index.
#[derive(Debug)]
pub struct People<'w> {
    world: &'w World,
    next: u64,
    prefixes: u64,
    /// Beds in use at the end, so that no two people lie in one.
    beds: u32,
    before: Option<Identity>,
}

/// Nine-digit prefixes of the range kept for tests.
const PREFIX_FIRST: u64 = 999_000_000;
const PREFIXES: u64 = 1_000_000;
/// Coprime to the number of prefixes: neighbours in the world are no neighbours in the range.
const PREFIX_STEP: u64 = 387_413;

impl People<'_> {
    /// The next number that has a check digit; none when the range is used up.
    fn next_nhs(&mut self) -> Option<String> {
        let start = Dice::new(self.world.settings.seed, "nhs", 0).below(PREFIXES);
        while self.prefixes < PREFIXES {
            let prefix = PREFIX_FIRST + (start + self.prefixes * PREFIX_STEP) % PREFIXES;
            self.prefixes += 1;
            if let Some(number) = NhsNumber::with_check_digit(prefix) {
                return Some(number.to_string());
            }
        }
        None
    }
}

impl Iterator for People<'_> {
    type Item = Person;

    fn next(&mut self) -> Option<Person> {
        let settings = &self.world.settings;
        if self.next >= settings.people {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let nhs = self.next_nhs();
        let mut dice = Dice::new(settings.seed, "person", index);
        let mut identity = identity(&mut dice, nhs, settings.ends.date());
        let second_twin = index % 2 == 1 && is_twin(settings, index);
        if second_twin && let Some(first) = self.before.take() {
            identity = twin_of(&first, identity, &mut dice);
        }
        let twin = is_twin(settings, index).then_some(index ^ 1);
        let held = dirt::records(settings, index, &identity, &mut dice);
        let life = life::of(settings, index, &held, &mut self.beds);
        self.before = Some(identity.clone());
        let ethnicity = dice.weighted(&names::ETHNICITIES.map_weights());
        Some(Person {
            index,
            ethnicity: names::ETHNICITIES[ethnicity].0,
            marital: dice.of(&["S", "M", "M", "D", "W"]),
            practice: dice.of(PRACTICES),
            opted_out: dice.happens(500),
            twin: twin.filter(|other| *other < settings.people),
            identity,
            held,
            life,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.world.settings.people - self.next).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}

/// The weights of a table of codes.
trait Weights {
    fn map_weights(&self) -> Vec<u32>;
}

impl Weights for [(&str, u32)] {
    fn map_weights(&self) -> Vec<u32> {
        self.iter().map(|(_, weight)| *weight).collect()
    }
}

fn is_twin(settings: &WorldSettings, index: u64) -> bool {
    Dice::new(settings.seed, "twins", index / 2).happens(settings.twins)
}

fn identity(dice: &mut Dice, nhs: Option<String>, today: Date) -> Identity {
    let sex = if dice.below(2) == 0 {
        Sex::Female
    } else {
        Sex::Male
    };
    let given = dice.of(if sex == Sex::Female {
        names::FEMALE
    } else {
        names::MALE
    });
    // Ages as a hospital sees them: the old more often than the young.
    let age = match dice.below(10) {
        0 => dice.days(365 * 5),
        1..=3 => dice.days(365 * 40),
        4..=6 => 365 * 30 + dice.days(365 * 40),
        _ => 365 * 60 + dice.days(365 * 38),
    };
    let birth = today.saturating_sub(jiff::Span::new().days(age + 2));
    let title = match (age > 365 * 16, sex) {
        (false, _) => "",
        (true, Sex::Female) => dice.of(&["MRS", "MS", "MISS", "DR"]),
        (true, Sex::Male) => dice.of(&["MR", "MR", "MR", "DR"]),
    };
    Identity {
        nhs,
        nhs_status: "01",
        family: dice.of(names::FAMILIES).to_owned(),
        given: given.to_owned(),
        title,
        birth,
        sex,
        line: address_line(dice),
        town: dice.of(names::TOWNS),
        postcode: postcode(dice),
        phone: format!("020 7946 0{:03}", dice.below(1000)),
        mobile: format!("07700 900{:03}", dice.below(1000)),
    }
}

fn address_line(dice: &mut Dice) -> String {
    format!("{} {}", 1 + dice.below(180), dice.of(names::STREETS))
}

fn postcode(dice: &mut Dice) -> String {
    const FIRST: &[u8] = b"ABDEFGHJ";
    const SECOND: &[u8] = b"LNPQRSTU";
    let (digit, first, second) = (dice.below(10), dice.of(FIRST), dice.of(SECOND));
    format!("ZZ99 {digit}{}{}", char::from(first), char::from(second))
}

/// Same family, same birthday, same house; another name and number.
fn twin_of(first: &Identity, own: Identity, dice: &mut Dice) -> Identity {
    let mut given = own.given;
    while given == first.given {
        given = dice
            .of(if own.sex == Sex::Female {
                names::FEMALE
            } else {
                names::MALE
            })
            .to_owned();
    }
    Identity {
        nhs: own.nhs,
        given,
        sex: own.sex,
        title: own.title,
        mobile: own.mobile,
        ..first.clone()
    }
}

/// Upper case without accents: how the old systems hold a name, and how names are compared.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.trim().chars() {
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        match lower {
            'à'..='å' | 'ā' | 'ă' | 'ą' => folded.push('A'),
            'ç' | 'ć' | 'č' => folded.push('C'),
            'è'..='ë' | 'ē' | 'ę' => folded.push('E'),
            'ì'..='ï' | 'ī' => folded.push('I'),
            'ñ' | 'ń' => folded.push('N'),
            'ò'..='ö' | 'ø' | 'ō' => folded.push('O'),
            'ù'..='ü' | 'ū' => folded.push('U'),
            'ß' => folded.push_str("SS"),
            '’' | '‘' => folded.push('\''),
            other => folded.extend(other.to_uppercase()),
        }
    }
    folded
}
