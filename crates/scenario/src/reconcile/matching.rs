//! Who is who: proposals between records, by rules that say their name. Nothing is merged here.
//!
//! A rule either finds two records to be one person for certain, or lays the pair before a human. Numbers that
//! contradict each other decide against; names that mean nothing (a baby without one) are never matched on; twins are
//! flagged. The thresholds are ASSUMED, and every decision carries its rule and a hash of what it was made from.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::world::{Identity, folded};

/// One record to be matched.
#[derive(Clone, Debug)]
pub struct Entry<'w> {
    /// Its number, unique among the entries.
    pub mrn: &'w str,
    /// Which pool the number comes from.
    pub trust: usize,
    /// What it says.
    pub identity: &'w Identity,
    /// Whose it is: known to the judge of a rehearsal, never to the rules.
    pub truth: u64,
}

/// What a rule says about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// One person, without asking.
    Certain,
    /// Probably one person: a human decides.
    Probable,
}

/// One pair and what was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Proposal {
    /// Place of the one record among the entries.
    pub left: usize,
    /// Place of the other.
    pub right: usize,
    /// By which rule.
    pub rule: &'static str,
    /// What it says.
    pub finding: Finding,
    /// Same day, same house, another first name: may be twins.
    pub twins: bool,
    /// Of both records as they were.
    pub input: String,
}

/// The rules, in the order they are asked: name, what must hold, what it comes to.
pub const RULES: &[(&str, &str, Finding)] = &[
    (
        "M1",
        "NHS number verified on both, same birth, same family name or same first name and postcode",
        Finding::Certain,
    ),
    ("M2", "same NHS number, anything else differs", Finding::Probable),
    (
        "M3",
        "no contradicting NHS number; family name, initial, birth, sex and postcode agree",
        Finding::Probable,
    ),
    (
        "M4",
        "no contradicting NHS number; first name, birth, sex and postcode agree",
        Finding::Probable,
    ),
    (
        "M5",
        "no contradicting NHS number; names, sex and postcode agree, day and month of birth changed over",
        Finding::Probable,
    ),
    (
        "M6",
        "no contradicting NHS number; names, birth and sex agree, another address",
        Finding::Probable,
    ),
    (
        "M7",
        "no contradicting NHS number; family name, birth, sex and postcode agree, another first name: perhaps twins",
        Finding::Probable,
    ),
];

/// First names that say nothing.
const BLOCKED: &[&str] = &["BABY", "UNKNOWN", "TEST", "INFANT"];

/// Canonical parts of a record, made once.
struct Parts {
    family: String,
    given: String,
    birth: String,
    turned: String,
    postcode: String,
    sex: &'static str,
}

impl Parts {
    fn of(identity: &Identity) -> Self {
        let birth = identity.birth;
        Self {
            family: folded(&identity.family),
            given: folded(&identity.given),
            birth: birth.to_string(),
            turned: format!("{:04}-{:02}-{:02}", birth.year(), birth.day(), birth.month()),
            postcode: identity.postcode.replace(' ', ""),
            sex: identity.sex.word(),
        }
    }

    fn lives_with(&self, other: &Self) -> bool {
        !self.postcode.is_empty() && self.postcode == other.postcode
    }
}

/// Every proposal between these records, each pair once. Records of one pool and of two are treated alike.
#[must_use]
pub fn propose(entries: &[Entry<'_>]) -> Vec<Proposal> {
    let parts: Vec<Parts> = entries.iter().map(|entry| Parts::of(entry.identity)).collect();
    let mut blocks: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (entry, part)) in entries.iter().zip(&parts).enumerate() {
        let mut keys = vec![
            format!("f{}|{}", part.family, part.birth),
            format!("g{}|{}", part.given, part.birth),
            format!("n{}|{}|{}", part.family, part.given, part.postcode),
        ];
        if let Some(nhs) = &entry.identity.nhs {
            keys.push(format!("h{nhs}"));
        }
        for key in keys {
            blocks.entry(key).or_default().push(at);
        }
    }
    let mut pairs = BTreeSet::new();
    for block in blocks.values() {
        for (position, left) in block.iter().enumerate() {
            for right in &block[position + 1..] {
                pairs.insert((*left.min(right), *left.max(right)));
            }
        }
    }
    pairs
        .into_iter()
        .filter_map(|(left, right)| {
            let (rule, twins) = judge(
                (entries[left].identity, &parts[left]),
                (entries[right].identity, &parts[right]),
            )?;
            let (rule, _, finding) = RULES[rule];
            Some(Proposal {
                left,
                right,
                rule,
                finding,
                twins,
                input: hash(&parts[left], &parts[right]),
            })
        })
        .collect()
}

/// The rule that holds for a pair, as its place among [`RULES`], and whether they may be twins.
fn judge(left: (&Identity, &Parts), right: (&Identity, &Parts)) -> Option<(usize, bool)> {
    let ((one, a), (other, b)) = (left, right);
    let same_family = a.family == b.family;
    let same_given = a.given == b.given;
    let same_birth = a.birth == b.birth;
    let same_house = a.lives_with(b);
    let same_sex = a.sex == b.sex;
    if let (Some(left), Some(right)) = (&one.nhs, &other.nhs) {
        if left != right {
            return None;
        }
        let verified = one.nhs_status == "01" && other.nhs_status == "01";
        let named = same_family || same_given && same_house;
        return Some((usize::from(!(verified && same_birth && named)), false));
    }
    if BLOCKED.contains(&a.given.as_str()) || BLOCKED.contains(&b.given.as_str()) || !same_sex {
        return None;
    }
    let initial = a.given.chars().next() == b.given.chars().next();
    let twins = same_family && same_birth && same_house && !same_given;
    if same_family && initial && same_birth && same_house {
        return Some((2, twins));
    }
    if same_given && same_birth && same_house {
        return Some((3, false));
    }
    if same_family && same_given && same_house && a.birth == b.turned {
        return Some((4, false));
    }
    if same_family && same_given && same_birth {
        return Some((5, false));
    }
    twins.then_some((6, true))
}

fn hash(left: &Parts, right: &Parts) -> String {
    let mut hash = Sha256::new();
    for part in [left, right] {
        for text in [&part.family, &part.given, &part.birth, &part.postcode] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        hash.update(part.sex.as_bytes());
    }
    crate::world::extract::hex(&hash.finalize()[..8])
}

/// What became of the proposals, and how good they were.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Matching {
    /// Pairs found certain.
    pub certain: usize,
    /// Pairs laid before a human.
    pub queued: usize,
    /// Of those, approved.
    pub approved: usize,
    /// Of those, rejected.
    pub rejected: usize,
    /// Pairs flagged as perhaps twins.
    pub twins: usize,
    /// Certain pairs that are two people: must be none.
    pub wrong: usize,
    /// Pairs of records that are one person, by the truth table.
    pub true_pairs: usize,
    /// Of those, found: certain or queued.
    pub found: usize,
    /// Pairs by rule.
    pub by_rule: BTreeMap<&'static str, usize>,
    /// The group of each record: the place of its survivor among the entries.
    #[serde(skip)]
    pub survivor: Vec<usize>,
    /// Approved pairs, to be merged in the target by a message.
    #[serde(skip)]
    pub to_merge: Vec<(usize, usize)>,
}

impl Matching {
    /// Found of a hundred true pairs.
    #[must_use]
    pub fn recall(&self) -> f64 {
        if self.true_pairs == 0 {
            return 100.0;
        }
        self.found as f64 * 100.0 / self.true_pairs as f64
    }

    /// Right of a hundred certain pairs.
    #[must_use]
    pub fn precision(&self) -> f64 {
        if self.certain == 0 {
            return 100.0;
        }
        (self.certain - self.wrong) as f64 * 100.0 / self.certain as f64
    }
}

/// Decides about the proposals: certain ones hold, queued ones as `approves` says.
pub fn decide(
    entries: &[Entry<'_>],
    proposals: &[Proposal],
    approves: impl Fn(&Entry<'_>, &Entry<'_>) -> bool,
) -> Matching {
    let mut matching = Matching {
        true_pairs: true_pairs(entries),
        ..Matching::default()
    };
    let mut groups = Groups::new(entries.len());
    for proposal in proposals {
        let (left, right) = (&entries[proposal.left], &entries[proposal.right]);
        let true_pair = left.truth == right.truth;
        matching.found += usize::from(true_pair);
        matching.twins += usize::from(proposal.twins);
        *matching.by_rule.entry(proposal.rule).or_default() += 1;
        match proposal.finding {
            Finding::Certain => {
                matching.certain += 1;
                matching.wrong += usize::from(!true_pair);
                groups.join(proposal.left, proposal.right);
            }
            Finding::Probable => {
                matching.queued += 1;
                if approves(left, right) {
                    matching.approved += 1;
                    matching.to_merge.push((proposal.left, proposal.right));
                    groups.join(proposal.left, proposal.right);
                } else {
                    matching.rejected += 1;
                }
            }
        }
    }
    matching.survivor = (0..entries.len()).map(|at| groups.root(at)).collect();
    matching
}

fn true_pairs(entries: &[Entry<'_>]) -> usize {
    let mut each: HashMap<u64, usize> = HashMap::new();
    for entry in entries {
        *each.entry(entry.truth).or_default() += 1;
    }
    each.values().map(|records| records * (records - 1) / 2).sum()
}

/// Which records are one, the first of them standing for all.
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.0[left.max(right)] = left.min(right);
    }
}
