//! Synthetic people: the same seed gives the same people, down to the digit.
//!
//! Nobody here exists. NHS numbers stay in 999 500 0000 to 999 999 9999 (never issued, and apart from the low
//! numbers that fixtures use); GPs and practices carry codes outside any real register. Each vendor draws from its
//! own block of the range and dresses people in its own shape.

use hl7v2::nhs::NhsNumber;

use crate::state::change::{Demographics, Given, Visit, VisitAct};
use crate::state::person::{Address, Alias, Clinician, Coded, Name, Telecom};
use crate::state::report::{Observation, Report, Said};
use crate::state::{Change, Text};
use crate::vendor::{Codes, Profile};

/// One synthetic person, before any vendor has dressed them.
pub(crate) struct Citizen {
    /// Counts from 0 within one EPR.
    pub index: u64,
    /// Ten digits with their check digit.
    pub nhs: String,
    pub family: &'static str,
    pub given: &'static str,
    pub middle: &'static str,
    pub title: &'static str,
    /// `YYYYMMDD`.
    pub birth: String,
    /// `female` or `male`.
    pub sex: &'static str,
    pub line: String,
    pub city: &'static str,
    pub postcode: String,
    pub phone: String,
    pub mobile: String,
    pub email: String,
    /// NHS ethnic category.
    pub ethnicity: (&'static str, &'static str),
    /// NHS marital status.
    pub marital: &'static str,
    /// Code, family name.
    pub gp: (&'static str, &'static str),
    /// Code, name.
    pub practice: (&'static str, &'static str),
    /// Whether they are in hospital: (day of January 2026, hour) of admission.
    pub stay: Option<(u32, u32)>,
    /// A sodium result of that day, when they have one: (value, units).
    pub sodium: Option<u32>,
    /// A few more numbers for the vendor to choose by.
    pub dice: [u64; 4],
}

/// The people of one EPR: a count and a seed.
#[derive(Clone, Copy)]
pub(crate) struct Population {
    seed: u64,
    block: u64,
}

/// Prefixes (the first nine digits) a block holds; with about one in eleven unusable, 100,000 people fit.
const BLOCK: u64 = 125_000;
const PREFIX_FIRST: u64 = 999_500_000;

impl Population {
    pub(crate) fn new(seed: u64, block: u64) -> Self {
        Self { seed, block }
    }

    /// The most people a block can hold.
    pub(crate) const PEOPLE_MAX: usize = 110_000;

    /// People in order; ends when the block has no number left.
    pub(crate) fn people(self) -> impl Iterator<Item = Citizen> {
        let start = hash(self.seed, &[b"block"]) % BLOCK;
        let first = PREFIX_FIRST + (self.block % 4) * BLOCK;
        (0..BLOCK)
            .filter_map(move |step| NhsNumber::with_check_digit(first + (start + step) % BLOCK))
            .enumerate()
            .map(move |(index, nhs)| self.citizen(index as u64, nhs.to_string()))
    }

    fn citizen(self, index: u64, nhs: String) -> Citizen {
        let mut dice = Dice(hash(
            self.seed,
            &[b"citizen", &self.block.to_le_bytes(), &index.to_le_bytes()],
        ));
        let female = dice.upto(2) == 0;
        let given = if female { dice.of(FEMALE) } else { dice.of(MALE) };
        let middle = if dice.upto(3) == 0 {
            if female { dice.of(FEMALE) } else { dice.of(MALE) }
        } else {
            ""
        };
        let family = dice.of(FAMILIES);
        let (year, month, day) = (1926 + dice.upto(98), 1 + dice.upto(12), 1 + dice.upto(28));
        let title = match (year > 2010, female) {
            (true, _) => "",
            (false, true) => dice.of(&["Mrs", "Ms", "Miss", "Dr"]),
            (false, false) => dice.of(&["Mr", "Mr", "Mr", "Dr"]),
        };
        let (city, area) = dice.of(TOWNS);
        let in_hospital = dice.upto(10) == 0;
        Citizen {
            index,
            family,
            given,
            middle,
            title,
            birth: format!("{year:04}{month:02}{day:02}"),
            sex: if female { "female" } else { "male" },
            line: format!("{} {}", 1 + dice.upto(180), dice.of(STREETS)),
            city,
            postcode: format!(
                "{area} {}{}{}",
                dice.upto(10),
                dice.of(&["A", "B", "D", "E", "F", "G", "H"]),
                dice.of(&["J", "L", "N", "P", "Q", "R", "S"])
            ),
            // Ofcom keeps 020 7946 0xxx and 07700 900xxx for drama.
            phone: format!("020 7946 0{:03}", dice.upto(1000)),
            mobile: format!("07700 900{:03}", dice.upto(1000)),
            email: format!(
                "{}.{}{index}@example.org",
                given.to_lowercase(),
                family.to_lowercase().replace(['\'', ' '], "")
            ),
            ethnicity: dice.of(ETHNICITIES),
            marital: dice.of(&["S", "M", "M", "D", "W"]),
            gp: dice.of(GPS),
            practice: dice.of(PRACTICES),
            stay: in_hospital.then(|| {
                (
                    1 + u32::try_from(dice.upto(28)).unwrap_or(0),
                    u32::try_from(dice.upto(24)).unwrap_or(0),
                )
            }),
            sodium: in_hospital.then(|| 130 + u32::try_from(dice.upto(18)).unwrap_or(0)),
            dice: [dice.next(), dice.next(), dice.next(), dice.next()],
            nhs,
        }
    }
}

/// The event that puts a citizen on an index under that number, in plain shape and the product's codes.
pub(crate) fn register(citizen: &Citizen, profile: &Profile, mrn: Alias) -> Change {
    let codes = &profile.codes;
    let phone = |value: &str, used_as: &'static str| Telecom {
        value: value.into(),
        email: value.contains('@'),
        used_as: Text::const_new(used_as),
    };
    let sex = Codes::own(codes.sex, citizen.sex).unwrap_or(citizen.sex);
    Change {
        at: Text::const_new(SEEDED_AT),
        recorded: Text::const_new(SEEDED_AT),
        aliases: vec![mrn, Alias::nhs(&citizen.nhs, codes.nhs.0, codes.nhs.1)],
        demographics: Demographics {
            names: Given::Is(vec![Name {
                family: citizen.family.into(),
                given: citizen.given.into(),
                middle: citizen.middle.into(),
                prefix: citizen.title.into(),
                ..Name::default()
            }]),
            addresses: Given::Is(vec![Address {
                line: citizen.line.as_str().into(),
                city: citizen.city.into(),
                postcode: citizen.postcode.as_str().into(),
                ..Address::default()
            }]),
            telecoms: Given::Is(vec![
                phone(&citizen.phone, "PRN"),
                phone(&citizen.mobile, "ORN"),
                phone(&citizen.email, ""),
            ]),
            birth: Given::Is(citizen.birth.as_str().into()),
            sex: Given::Is(Text::const_new(sex)),
            marital: Given::Is(Text::const_new(citizen.marital)),
            ethnicity: Given::Is(Coded {
                code: citizen.ethnicity.0.into(),
                text: citizen.ethnicity.1.into(),
                ..Coded::default()
            }),
            gp: Given::Is(Clinician {
                id: citizen.gp.0.into(),
                family: citizen.gp.1.into(),
                ..Clinician::default()
            }),
            practice: Given::Is(Coded {
                code: citizen.practice.0.into(),
                text: citizen.practice.1.into(),
                ..Coded::default()
            }),
            ..Demographics::default()
        },
        ..Change::default()
    }
}

/// The day everybody was put on the index.
const SEEDED_AT: &str = "20260101000000";

/// The HL7 time of an admission, with that many digits.
pub(crate) fn admission_time((day, hour): (u32, u32), digits: usize) -> Text {
    format!("202601{day:02}{hour:02}1500")
        .chars()
        .take(digits)
        .collect()
}

/// What happens to a citizen in hospital: the visit begins, and where there is a result it is filed.
pub(crate) fn stay_events(
    citizen: &Citizen,
    mrn: Alias,
    visit: Visit,
    coding_system: &'static str,
    at: &str,
) -> impl Iterator<Item = Change> + use<> {
    let event = Change {
        at: at.into(),
        recorded: at.into(),
        aliases: vec![mrn],
        ..Change::default()
    };
    let report = sodium_report(citizen, coding_system, at).map(|report| Change {
        reports: vec![report],
        ..event.clone()
    });
    let begin = Change {
        visit: Some((VisitAct::Begin, visit)),
        ..event
    };
    std::iter::once(begin).chain(report)
}

/// The one result of a citizen in hospital, under a local coding system.
fn sodium_report(citizen: &Citizen, system: &'static str, at: &str) -> Option<Report> {
    let sodium = citizen.sodium?;
    let coded = |code: &'static str, text: &'static str| Coded {
        code: Text::const_new(code),
        text: Text::const_new(text),
        system: Text::const_new(system),
    };
    Some(Report {
        placer: format!("SO{:07}", citizen.index).into(),
        filler: format!("SF{:07}", citizen.index).into(),
        service: coded("UE", "Urea and electrolytes"),
        observed: Some(at.into()),
        issued: Some(at.into()),
        section: Text::const_new("CH"),
        status: Text::const_new("F"),
        observations: vec![Observation {
            code: coded("NA", "Sodium"),
            said: Said {
                value_type: Text::const_new("NM"),
                value: vec![vec![sodium.to_string().into()]],
                units: Some(Coded {
                    code: Text::const_new("mmol/L"),
                    ..Coded::default()
                }),
                range: Text::const_new("133-146"),
                flag: Text::const_new(if (133..=146).contains(&sodium) { "N" } else { "A" }),
                status: Text::const_new("F"),
                observed: Some(at.into()),
            },
            ..Observation::default()
        }],
        ..Report::default()
    })
}

/// A stable 64-bit hash of some parts: FNV-1a with a final mix. Not for secrets.
pub(crate) fn hash(seed: u64, parts: &[&[u8]]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325 ^ mix(seed);
    for part in parts {
        for byte in *part {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        // Parts stay apart: ("ab", "c") is not ("a", "bc").
        state = (state ^ 0xff).wrapping_mul(0x0100_0000_01b3);
    }
    mix(state)
}

/// The finaliser of SplitMix64: a bijection on 64 bits.
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn upto(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        let count = choices.len() as u64;
        choices[usize::try_from(self.upto(count)).unwrap_or(0)]
    }
}

const FAMILIES: &[&str] = &[
    "Alder",
    "Almond",
    "Ash",
    "Aspen",
    "Bamber",
    "Barley",
    "Basil",
    "Beech",
    "Birch",
    "Bracken",
    "Bramble",
    "Briar",
    "Burdock",
    "Cedar",
    "Chervil",
    "Clover",
    "Comfrey",
    "Coriander",
    "Cowslip",
    "Crabtree",
    "Crocus",
    "Cypress",
    "Damson",
    "Dill",
    "Elder",
    "Elm",
    "Fennel",
    "Fern",
    "Finch",
    "Foxglove",
    "Garland",
    "Gorse",
    "Greengage",
    "Hawthorn",
    "Hazel",
    "Heath",
    "Hemlock",
    "Holly",
    "Hornbeam",
    "Hyssop",
    "Iris",
    "Ivy",
    "Jasmine",
    "Juniper",
    "Larch",
    "Laurel",
    "Lavender",
    "Lilac",
    "Linden",
    "Lovage",
    "Lupin",
    "Mallow",
    "Maple",
    "Marigold",
    "Marjoram",
    "Meadow",
    "Medlar",
    "Mint",
    "Mistletoe",
    "Moss",
    "Myrtle",
    "Nettle",
    "Nutmeg",
    "Oakley",
    "O'Leander",
    "Olive",
    "Orchard",
    "Osier",
    "Parsley",
    "Pear",
    "Pine",
    "Plum",
    "Poplar",
    "Primrose",
    "Privet",
    "Quince",
    "Rosemary",
    "Rowan",
    "Rushes",
    "Saffron",
    "Sage",
    "Samphire",
    "Sedge",
    "Sorrel",
    "Spruce",
    "Sycamore",
    "Tamarisk",
    "Tansy",
    "Tarragon",
    "Teasel",
    "Thistle",
    "Thyme",
    "Verbena",
    "Vetch",
    "Violet",
    "Walnut",
    "Whitebeam",
    "Willow",
    "Yarrow",
    "Yew",
];
const FEMALE: &[&str] = &[
    "Ada", "Alice", "Amina", "Beatrix", "Chloe", "Clara", "Daisy", "Edith", "Eleni", "Esther", "Fatima",
    "Flora", "Grace", "Harriet", "Ines", "Ivy", "Jane", "Joan", "Kamala", "Leila", "Lucy", "Mabel", "Maya",
    "Nadia", "Nora", "Olive", "Priya", "Renée", "Rosa", "Ruth", "Saoirse", "Sofia", "Tamsin", "Uma", "Vera",
    "Wendy", "Yasmin", "Zoë",
];
const MALE: &[&str] = &[
    "Aidan", "Albert", "Amir", "Arthur", "Ben", "Carlos", "Cyril", "Daniel", "Dev", "Edmund", "Felix",
    "Femi", "George", "Hassan", "Henry", "Hugo", "Ivan", "Jack", "José", "Kwame", "Leo", "Liam", "Malik",
    "Marcus", "Ned", "Omar", "Oscar", "Paul", "Quentin", "Ravi", "Samuel", "Søren", "Theo", "Tom", "Umar",
    "Victor", "Walter", "Yusuf", "Zack",
];
const STREETS: &[&str] = &[
    "Acorn Street",
    "Bluebell Row",
    "Catkin Close",
    "Dandelion Road",
    "Elderflower Lane",
    "Fernhill Gardens",
    "Greenleaf Avenue",
    "Hedgerow Terrace",
    "Ivybridge Mews",
    "Juniper Walk",
    "Kestrel Court",
    "Lark Rise",
    "Meadowsweet Drive",
    "Nightingale Square",
    "Orchard Place",
    "Poppyfield Way",
];
/// Town, and a postcode district that Royal Mail has not given out.
const TOWNS: &[(&str, &str)] = &[
    ("London", "ZZ1"),
    ("London", "ZZ2"),
    ("London", "ZZ3"),
    ("Croydon", "ZZ4"),
    ("Barnet", "ZZ5"),
    ("Ealing", "ZZ6"),
    ("Hounslow", "ZZ7"),
];
const ETHNICITIES: &[(&str, &str)] = &[
    ("A", "British"),
    ("A", "British"),
    ("A", "British"),
    ("B", "Irish"),
    ("C", "Any other White background"),
    ("F", "White and Asian"),
    ("H", "Indian"),
    ("J", "Pakistani"),
    ("K", "Bangladeshi"),
    ("M", "Caribbean"),
    ("N", "African"),
    ("R", "Chinese"),
    ("S", "Any other ethnic group"),
    ("Z", "Not stated"),
];
const GPS: &[(&str, &str)] = &[
    ("G9990001", "Kestrel"),
    ("G9990002", "Heron"),
    ("G9990003", "Plover"),
    ("G9990004", "Wren"),
];
const PRACTICES: &[(&str, &str)] = &[
    ("Z99901", "The Rookery Surgery"),
    ("Z99902", "Millpond Medical Centre"),
    ("Z99903", "Bridge Street Practice"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_seed_others() {
        let names = |seed| -> Vec<String> {
            Population::new(seed, 1)
                .people()
                .take(50)
                .map(|person| format!("{} {}", person.nhs, person.family))
                .collect()
        };
        assert_eq!(names(7), names(7));
        assert_ne!(names(7), names(8));
    }

    #[test]
    fn every_number_is_valid_and_in_the_range_kept_for_tests() {
        let mut seen = std::collections::HashSet::new();
        for person in Population::new(7, 3).people().take(5000) {
            assert!(
                NhsNumber::parse(&person.nhs).is_some(),
                "check digit of {}",
                person.index
            );
            assert!(person.nhs.starts_with("999"));
            assert!(seen.insert(person.nhs), "number given twice");
        }
    }

    #[test]
    fn a_block_holds_a_hundred_thousand_people() {
        assert!(Population::new(7, 0).people().count() >= Population::PEOPLE_MAX);
    }
}
