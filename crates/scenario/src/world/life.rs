//! What happens to a person: stays with their moves, attendances, bookings, lists, allergies, orders and results.
//!
//! Times follow the day of a hospital: the hour from ten to eleven holds twelve in a hundred of what happens, the night
//! almost nothing. Everything before `WorldSettings::ends` is history; what comes in the hours after it is
//! [`Life::after`], the backlog of a frozen system.

mod draw;

use jiff::civil::{Date, DateTime};

pub(super) use self::draw::of;
use super::names::Specialty;

/// How much of a day's work falls into each hour, in thousandths.
pub const DAY_CURVE: [u32; 24] = [
    10, 8, 7, 6, 6, 8, 16, 34, 75, 99, 120, 102, 76, 74, 82, 74, 62, 44, 29, 22, 16, 12, 9, 9,
];

/// Hours after the end for which the backlog is told.
pub const AFTER_HOURS: u32 = 4;

/// Ward, room and bed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Ward or clinic.
    pub ward: String,
    /// Room or bay.
    pub room: String,
    /// Bed.
    pub bed: String,
}

/// How somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// In a bed.
    Inpatient,
    /// In a clinic.
    Outpatient,
    /// In the emergency department.
    Emergency,
}

impl Class {
    /// The word stories and reports use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inpatient => "inpatient",
            Self::Outpatient => "outpatient",
            Self::Emergency => "emergency",
        }
    }
}

/// Code, family name, first name.
pub type Consultant = (&'static str, &'static str, &'static str);

/// One visit.
#[derive(Clone, Debug)]
pub struct Stay {
    /// Which of the person's records it stands under.
    pub record: usize,
    /// Its number.
    pub visit: String,
    /// How they came.
    pub class: Class,
    /// Specialty.
    pub specialty: Specialty,
    /// Who looked after them.
    pub consultant: Consultant,
    /// Where they were, from when; the first is the admission.
    pub moves: Vec<(DateTime, Place)>,
    /// When they left.
    pub discharged: Option<DateTime>,
    /// Whether the ward is in nobody's table.
    pub unknown_ward: bool,
    /// Whether they left and nobody closed the visit.
    pub unclosed: bool,
}

impl Stay {
    /// When it began.
    #[must_use]
    pub fn admitted(&self) -> DateTime {
        self.moves.first().map_or_else(DateTime::default, |(at, _)| *at)
    }

    /// Where they are, or were last.
    #[must_use]
    pub fn place(&self) -> Place {
        self.moves
            .last()
            .map(|(_, place)| place.clone())
            .unwrap_or_default()
    }
}

/// A booking in a clinic.
#[derive(Clone, Debug)]
pub struct Appointment {
    /// Which record.
    pub record: usize,
    /// Its number.
    pub number: String,
    /// Clinic.
    pub clinic: String,
    /// Specialty.
    pub specialty: Specialty,
    /// When it is.
    pub at: DateTime,
    /// When it was made.
    pub booked: DateTime,
}

/// A place on a waiting list.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Which record.
    pub record: usize,
    /// Its number.
    pub number: String,
    /// Specialty.
    pub specialty: Specialty,
    /// When the clock of eighteen weeks began; none where nobody wrote it down.
    pub clock_start: Option<Date>,
    /// When it was put on the list.
    pub listed: DateTime,
}

/// Something a person cannot take.
#[derive(Clone, Debug)]
pub struct Allergy {
    /// Which record.
    pub record: usize,
    /// Local code.
    pub code: &'static str,
    /// In words.
    pub words: &'static str,
    /// How it shows.
    pub reaction: &'static str,
    /// Since when it is known.
    pub since: Date,
}

/// Something a person has.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Which record.
    pub record: usize,
    /// SNOMED CT.
    pub code: &'static str,
    /// In words.
    pub words: &'static str,
    /// Since when.
    pub since: Date,
}

/// An order, and its result once there is one.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which record.
    pub record: usize,
    /// Number of whoever asked.
    pub placer: String,
    /// Number of the laboratory.
    pub filler: String,
    /// Local code of the test.
    pub code: &'static str,
    /// In words.
    pub words: &'static str,
    /// Unit.
    pub units: &'static str,
    /// Reference range.
    pub range: &'static str,
    /// When it was asked for.
    pub ordered: DateTime,
    /// When it was answered, and with what.
    pub result: Option<(DateTime, String)>,
}

/// An address that changed after the extract for the load was taken.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Which record.
    pub record: usize,
    /// When.
    pub at: DateTime,
    /// New first line.
    pub line: String,
    /// New postcode.
    pub postcode: String,
}

/// Something in the hours after the end.
#[derive(Clone, Debug)]
pub enum After {
    /// Another bed.
    Move {
        /// Which stay.
        stay: usize,
        /// When.
        at: DateTime,
        /// Where to.
        place: Place,
    },
    /// Home.
    Discharge {
        /// Which stay.
        stay: usize,
        /// When.
        at: DateTime,
    },
    /// A result of an order that was open.
    Result {
        /// Which order.
        order: usize,
        /// When.
        at: DateTime,
        /// The value.
        value: String,
    },
    /// Somebody comes to the emergency department.
    Attend {
        /// The visit.
        stay: Stay,
    },
    /// A booking is given another time.
    Rebook {
        /// Which booking.
        booking: usize,
        /// When that was done.
        at: DateTime,
        /// The new time.
        to: DateTime,
    },
    /// A booking goes to another clinic.
    Reassign {
        /// Which booking.
        booking: usize,
        /// When that was done.
        at: DateTime,
        /// The new clinic.
        clinic: String,
    },
    /// A booking is cancelled.
    Cancel {
        /// Which booking.
        booking: usize,
        /// When that was done.
        at: DateTime,
    },
}

impl After {
    /// When it happens.
    #[must_use]
    pub fn at(&self) -> DateTime {
        match self {
            Self::Move { at, .. }
            | Self::Discharge { at, .. }
            | Self::Result { at, .. }
            | Self::Rebook { at, .. }
            | Self::Reassign { at, .. }
            | Self::Cancel { at, .. } => *at,
            Self::Attend { stay } => stay.admitted(),
        }
    }
}

/// Everything that happens to one person.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// Visits.
    pub stays: Vec<Stay>,
    /// Future appointments.
    pub appointments: Vec<Appointment>,
    /// Waiting-list entries.
    pub waiting: Vec<Waiting>,
    /// Allergies.
    pub allergies: Vec<Allergy>,
    /// Problems.
    pub problems: Vec<Problem>,
    /// Orders, open and answered.
    pub orders: Vec<Order>,
    /// Changes of address since the extract.
    pub removals: Vec<Removal>,
    /// What happens after the end, in order.
    pub after: Vec<After>,
}

impl Life {
    /// A booking as it stands after the hours behind the end; none when it was cancelled in them.
    #[must_use]
    pub fn booking_after(&self, which: usize) -> Option<Appointment> {
        let mut booking = self.appointments.get(which)?.clone();
        for after in &self.after {
            match after {
                After::Rebook { booking: of, to, .. } if *of == which => booking.at = *to,
                After::Reassign {
                    booking: of, clinic, ..
                } if *of == which => booking.clinic.clone_from(clinic),
                After::Cancel { booking: of, .. } if *of == which => return None,
                _ => {}
            }
        }
        Some(booking)
    }
}
