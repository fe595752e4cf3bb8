//! The words a story may use, with what each needs. `eprgw run --list` prints this table, the checker reads it.

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Words.
    Text,
    /// Somebody of the cast.
    Person,
    /// A whole number, or its digits.
    Number,
    /// Yes or no.
    Flag,
    /// Several words.
    List,
    /// Several tables of words.
    Rows,
    /// The name of a file in `[files]`.
    File,
}

/// One particular of a step.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether the step cannot do without it.
    pub needed: bool,
}

/// One thing that can happen in a story.
#[derive(Clone, Copy, Debug)]
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// What it does.
    pub note: &'static str,
    /// Whether a person at a keyboard of an EPR does it.
    pub act: bool,
    /// Its particulars.
    pub members: &'static [Member],
}

const fn needs(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        kind,
        needed: true,
    }
}

const fn may(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        kind,
        needed: false,
    }
}

const PATIENT: Member = needs("patient", Kind::Person);
const AT: Member = needs("at", Kind::Text);
const WHEN: Member = may("when", Kind::Text);
const VISIT: Member = may("visit", Kind::Text);

const OF_VISIT: &[Member] = &[PATIENT, AT, VISIT, WHEN];
const ADMISSION: &[Member] = &[
    PATIENT,
    AT,
    VISIT,
    WHEN,
    may("class", Kind::Text),
    may("ward", Kind::Text),
    may("room", Kind::Text),
    may("bed", Kind::Text),
    may("consultant", Kind::Text),
    may("specialty", Kind::Text),
    may("reason", Kind::Text),
];
const RESULT: &[Member] = &[
    PATIENT,
    AT,
    WHEN,
    may("filler", Kind::Text),
    may("placer", Kind::Text),
    may("service", Kind::List),
    may("status", Kind::Text),
    needs("tests", Kind::Rows),
];

const fn act(name: &'static str, note: &'static str, members: &'static [Member]) -> Verb {
    Verb {
        name,
        note,
        act: true,
        members,
    }
}

const fn step(name: &'static str, note: &'static str, members: &'static [Member]) -> Verb {
    Verb {
        name,
        note,
        act: false,
        members,
    }
}

/// Every word there is.
pub const VERBS: &[Verb] = &[
    act(
        "register",
        "put somebody on an index",
        &[PATIENT, AT, may("mrn", Kind::Text), may("authority", Kind::Text)],
    ),
    act(
        "update",
        "change what is known about somebody",
        &[
            PATIENT,
            AT,
            may("family", Kind::Text),
            may("address", Kind::Text),
            may("postcode", Kind::Text),
        ],
    ),
    act("admit", "begin an in-patient stay", ADMISSION),
    act("attend", "begin an attendance", ADMISSION),
    act("pre-admit", "announce an admission", ADMISSION),
    act(
        "transfer",
        "move to another ward or bed",
        &[
            PATIENT,
            AT,
            VISIT,
            WHEN,
            needs("ward", Kind::Text),
            may("room", Kind::Text),
            may("bed", Kind::Text),
        ],
    ),
    act("cancel-transfer", "take the last move back", OF_VISIT),
    act(
        "discharge",
        "end a stay",
        &[
            PATIENT,
            AT,
            VISIT,
            WHEN,
            may("method", Kind::Text),
            may("destination", Kind::Text),
        ],
    ),
    act("cancel-discharge", "take a discharge back", OF_VISIT),
    act("cancel-admit", "take an admission back", OF_VISIT),
    act(
        "merge",
        "one record goes into another",
        &[AT, needs("survivor", Kind::Text), needs("loser", Kind::Text)],
    ),
    act("result", "file a result", RESULT),
    act("correct-result", "file a correction", RESULT),
    step(
        "expect",
        "read it back over FHIR, and wait for it a while",
        &[
            PATIENT,
            AT,
            may("family", Kind::Text),
            may("postcode", Kind::Text),
            may("birth-date", Kind::Text),
            may("ward", Kind::Text),
            may("bed", Kind::Text),
            may("status", Kind::Text),
            may("value", Kind::Text),
            may("records", Kind::Number),
            may("within-ms", Kind::Number),
        ],
    ),
    step(
        "open",
        "start the systems, or start them again with other routes over the same data",
        &[needs("configuration", Kind::File)],
    ),
    step(
        "extract",
        "write the synthetic world as files, with its truth table",
        &[],
    ),
    step("profile", "count what is wrong in the source", &[]),
    step("map", "count the codes in use that have no counterpart", &[]),
    step(
        "match",
        "find who is who; propose, never merge",
        &[may("approve", Kind::Text)],
    ),
    step(
        "load",
        "send a stable part of the source to the target",
        &[
            needs("feed", Kind::File),
            needs("what", Kind::List),
            may("defect", Kind::Text),
        ],
    ),
    step(
        "take-back",
        "reverse a merge that was approved, see both records stand alone, and merge them again",
        &[needs("feed", Kind::File), AT],
    ),
    step(
        "freeze",
        "stop the source, drain every queue, note the last control ids",
        &[needs("feed", Kind::File)],
    ),
    step(
        "switch",
        "lead the downstream systems to the new source, under the old contract",
        &[needs("configuration", Kind::File), needs("feed", Kind::File)],
    ),
    step(
        "fallback",
        "go back to the old source, as long as that is allowed",
        &[
            needs("configuration", Kind::File),
            needs("feed", Kind::File),
            needs("expect", Kind::Text),
        ],
    ),
    step(
        "replay",
        "send the backlog of the frozen hours, in order for each patient",
        &[
            needs("feed", Kind::File),
            AT,
            may("times", Kind::Number),
            may("fresh", Kind::Flag),
            may("defect", Kind::Text),
        ],
    ),
    step(
        "late",
        "send what arrives days later under old numbers",
        &[needs("feed", Kind::File)],
    ),
    step(
        "reconcile",
        "read everything back and close the totals",
        &[needs("at", Kind::Text), may("tolerance", Kind::File)],
    ),
    step(
        "join",
        "trusts join a shared domain: matched against its index, numbers added, nobody merged",
        &[
            needs("feed", Kind::File),
            needs("first", Kind::Number),
            needs("last", Kind::Number),
        ],
    ),
    step(
        "index",
        "read everybody back: one person each, every number in its pool",
        &[needs("at", Kind::Text)],
    ),
    step(
        "refuse",
        "try what a trust may not say: it is refused, and the answer names nobody",
        &[needs("feed", Kind::File), needs("at", Kind::Text)],
    ),
    step(
        "split",
        "things happen at the domain: each trust hears its own visits and everybody's demographics",
        &[needs("at", Kind::Text)],
    ),
    step(
        "echo",
        "what was sent out comes back: it is taken and goes nowhere",
        &[needs("at", Kind::Text)],
    ),
    step(
        "segregate",
        "put the locks on and ask, as each trust, by every path there is, for what another keeps to itself",
        &[
            needs("at", Kind::Text),
            needs("feed", Kind::File),
            needs("configuration", Kind::File),
            may("groups", Kind::List),
        ],
    ),
    step(
        "burst",
        "one trust catches up while another goes on: how long the other waits",
        &[needs("feed", Kind::File)],
    ),
    step(
        "faults",
        "let a system fail on the wire so many times, each way in the list; with an empty list, see that it has",
        &[AT, needs("list", Kind::List), may("times", Kind::Number)],
    ),
    step(
        "crash",
        "load a part and cut the power in the middle; start again and go on",
        &[
            needs("feed", Kind::File),
            needs("what", Kind::List),
            needs("configuration", Kind::File),
            may("defect", Kind::Text),
        ],
    ),
    step(
        "steady",
        "ordinary traffic at an even pace: how long a message takes to arrive",
        &[
            needs("feed", Kind::File),
            may("rate", Kind::Number),
            may("seconds", Kind::Number),
        ],
    ),
    step(
        "labels",
        "print labels and wristbands of people in a bed, and compare them with what the source printed",
        &[AT, may("people", Kind::Number)],
    ),
    step(
        "research",
        "read everybody back and feed each research project under pseudonyms of its own",
        &[
            AT,
            needs("projects", Kind::List),
            may("dates", Kind::Text),
            may("defect", Kind::Text),
        ],
    ),
    step(
        "order",
        "tell one patient's stay in every order, each on a patient of its own: one end state, or the smallest order that fails",
        &[
            needs("feed", Kind::File),
            needs("at", Kind::Text),
            may("shuffle", Kind::Text),
            may("judge", Kind::Text),
            may("duplicates", Kind::Flag),
            may("late", Kind::Flag),
        ],
    ),
];

/// The verb of that name.
#[must_use]
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}
