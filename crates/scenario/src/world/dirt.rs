//! What is wrong with records, at stated rates, and the truth about it.

use serde::Serialize;

use super::names::{FAMILIES, short_form};
use super::{Dice, Held, Identity, WorldSettings, address_line, postcode};

/// One thing that is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Dirt {
    /// No NHS number.
    NhsMissing,
    /// An NHS number nobody traced.
    NhsUnverified,
    /// Another family name: a marriage, a divorce.
    SurnameChanged,
    /// A slip of the finger in the family name.
    SurnameTypo,
    /// A short form of the first name.
    GivenShort,
    /// Day and month of birth changed over.
    BirthTransposed,
    /// An address of long ago.
    AddressOld,
    /// No postcode.
    PostcodeMissing,
    /// A baby without a name.
    NewbornName,
}

impl Dirt {
    /// The word reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NhsMissing => "nhs-missing",
            Self::NhsUnverified => "nhs-unverified",
            Self::SurnameChanged => "surname-changed",
            Self::SurnameTypo => "surname-typo",
            Self::GivenShort => "given-short",
            Self::BirthTransposed => "birth-transposed",
            Self::AddressOld => "address-old",
            Self::PostcodeMissing => "postcode-missing",
            Self::NewbornName => "newborn-name",
        }
    }
}

/// First numbers of the trusts' pools. The blocks overlap on purpose: the same value in two pools is two people.
const POOL_FIRST: [u64; 4] = [40_000_000, 40_000_004, 40_000_008, 40_000_012];
/// Numbers kept for one person in a pool.
const NUMBERS_EACH: u64 = 4;

/// Everything held about a person, at every trust that knows them.
pub(super) fn records(settings: &WorldSettings, index: u64, truth: &Identity, dice: &mut Dice) -> Vec<Held> {
    let trusts = settings.trusts.clamp(1, POOL_FIRST.len());
    let home = usize::try_from(dice.below(trusts as u64)).unwrap_or(0);
    let mut held = Vec::with_capacity(1);
    for (trust, first) in POOL_FIRST.iter().enumerate().take(trusts) {
        if trust != home && !dice.happens(settings.overlap) {
            continue;
        }
        let number = first + index * NUMBERS_EACH;
        held.push(record(settings, trust, number, truth, dice));
        if dice.happens(settings.duplicates) {
            held.push(duplicate(settings, trust, number + 1, truth, dice));
        }
    }
    held
}

fn record(settings: &WorldSettings, trust: usize, number: u64, truth: &Identity, dice: &mut Dice) -> Held {
    let mut held = Held {
        trust,
        mrn: number.to_string(),
        identity: truth.clone(),
        duplicate: false,
        dirt: Vec::new(),
    };
    if truth.nhs.is_none() || dice.happens(settings.nhs_missing) {
        held.soil(Dirt::NhsMissing, dice);
    } else if dice.happens(settings.nhs_unverified) {
        held.soil(Dirt::NhsUnverified, dice);
    }
    if dice.happens(settings.birth_transposed) {
        held.soil(Dirt::BirthTransposed, dice);
    }
    if dice.happens(settings.postcode_missing) {
        held.soil(Dirt::PostcodeMissing, dice);
    }
    if dice.happens(settings.newborn_names) {
        held.soil(Dirt::NewbornName, dice);
    }
    held
}

/// A second record: half the time without the NHS number, and with one more thing about it that hides who it is.
fn duplicate(settings: &WorldSettings, trust: usize, number: u64, truth: &Identity, dice: &mut Dice) -> Held {
    let mut held = Held {
        trust,
        mrn: number.to_string(),
        identity: truth.clone(),
        duplicate: true,
        dirt: Vec::new(),
    };
    if truth.nhs.is_none() || dice.below(2) == 0 {
        held.soil(Dirt::NhsMissing, dice);
    } else if dice.happens(settings.nhs_unverified) {
        held.soil(Dirt::NhsUnverified, dice);
    }
    let disguise = dice.of(&[
        Dirt::SurnameChanged,
        Dirt::SurnameTypo,
        Dirt::GivenShort,
        Dirt::BirthTransposed,
        Dirt::AddressOld,
    ]);
    held.soil(disguise, dice);
    held
}

impl Held {
    /// Makes one thing wrong, and writes down what; what cannot be made wrong stays right.
    fn soil(&mut self, dirt: Dirt, dice: &mut Dice) {
        let identity = &mut self.identity;
        let done = match dirt {
            Dirt::NhsMissing => {
                identity.nhs = None;
                identity.nhs_status = "";
                true
            }
            Dirt::NhsUnverified => {
                identity.nhs_status = "02";
                true
            }
            Dirt::SurnameChanged => {
                let before = std::mem::replace(&mut identity.family, dice.of(FAMILIES).to_owned());
                before != identity.family
            }
            Dirt::SurnameTypo => doubled_letter(&mut identity.family),
            Dirt::GivenShort => match short_form(&identity.given) {
                Some(short) => {
                    identity.given = short.to_owned();
                    true
                }
                None => false,
            },
            Dirt::BirthTransposed => transposed(identity),
            Dirt::AddressOld => {
                identity.line = address_line(dice);
                identity.postcode = postcode(dice);
                true
            }
            Dirt::PostcodeMissing => {
                identity.postcode.clear();
                true
            }
            Dirt::NewbornName => {
                identity.given = "BABY".to_owned();
                true
            }
        };
        if done {
            self.dirt.push(dirt);
        }
    }
}

/// Types the third letter twice.
fn doubled_letter(family: &mut String) -> bool {
    let Some((at, letter)) = family.char_indices().nth(2) else {
        return false;
    };
    family.insert(at, letter);
    true
}

/// Day for month, where that is a date at all and another one.
fn transposed(identity: &mut Identity) -> bool {
    let birth = identity.birth;
    match jiff::civil::Date::new(birth.year(), birth.day(), birth.month()) {
        Ok(other) if other != birth => {
            identity.birth = other;
            true
        }
        _ => false,
    }
}
