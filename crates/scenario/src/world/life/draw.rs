//! Drawing one life: how often, when, and in which order things happen to somebody.

use jiff::Span;
use jiff::civil::DateTime;

use super::{
    AFTER_HOURS, After, Allergy, Appointment, Class, DAY_CURVE, Life, Order, Place, Problem, Removal, Stay,
    Waiting,
};
use crate::world::names::{ALLERGENS, CONSULTANTS, PROBLEMS, SPECIALTIES, TESTS};
use crate::world::{Dice, Held, WorldSettings};

/// Beds on a ward.
const BEDS_PER_WARD: u32 = 28;

/// Draws one life.
struct Draw<'a> {
    settings: &'a WorldSettings,
    index: u64,
    dice: Dice,
    records: usize,
}

/// The life of the person at `index`; `beds` counts the beds taken at the end.
pub(in crate::world) fn of(settings: &WorldSettings, index: u64, held: &[Held], beds: &mut u32) -> Life {
    let mut draw = Draw {
        settings,
        index,
        dice: Dice::new(settings.seed, "life", index),
        records: held.len(),
    };
    let mut life = Life::default();
    draw.stays(&mut life, beds);
    draw.plans(&mut life);
    draw.facts(&mut life);
    draw.problems(&mut life);
    draw.after(&mut life);
    life
}

impl Draw<'_> {
    fn record(&mut self) -> usize {
        // What happens to people with two records stands mostly under the first.
        if self.dice.below(10) < 7 {
            return 0;
        }
        usize::try_from(self.dice.below(self.records as u64)).unwrap_or(0)
    }

    /// A time on the day that many days before the end (or after it, below zero).
    fn time(&mut self, days_before: i64) -> DateTime {
        let day = self
            .settings
            .ends
            .date()
            .saturating_sub(Span::new().days(days_before));
        let hour = i8::try_from(self.dice.weighted(&DAY_CURVE)).unwrap_or(12);
        let minute = i8::try_from(self.dice.below(60)).unwrap_or(0);
        day.at(hour, minute, 0, 0)
    }

    fn history(&mut self) -> DateTime {
        let days = 1 + self.dice.days(u64::from(self.settings.days.max(2)) - 1);
        self.time(days)
    }

    fn stay(&mut self, class: Class, at: DateTime, place: Place) -> Stay {
        Stay {
            record: self.record(),
            visit: format!("V{:08}{}", self.index, self.dice.below(10)),
            class,
            specialty: self.dice.of(SPECIALTIES),
            consultant: self.dice.of(CONSULTANTS),
            moves: vec![(at, place)],
            discharged: None,
            unknown_ward: false,
            unclosed: false,
        }
    }

    fn stays(&mut self, life: &mut Life, beds: &mut u32) {
        if self.dice.happens(self.settings.in_hospital) {
            let days = 1 + self.dice.days(u64::from(self.settings.days.clamp(2, 21)) - 1);
            let begun = self.time(days);
            let unit = assessment_unit(&mut self.dice);
            let mut stay = self.stay(Class::Inpatient, begun, unit);
            let moved = begun.saturating_add(Span::new().hours(2 + self.dice.days(10)));
            stay.moves.push((moved, bed(*beds)));
            *beds += 1;
            life.stays.push(stay);
        }
        if self.dice.happens(1_000) {
            let begun = self.history();
            let unit = assessment_unit(&mut self.dice);
            let mut stay = self.stay(Class::Inpatient, begun, unit);
            stay.visit.push('P');
            stay.unknown_ward = self.dice.happens(self.settings.unknown_wards);
            if stay.unknown_ward {
                stay.moves[0].1.ward = "XX9".to_owned();
            }
            let left = begun.saturating_add(Span::new().hours(4 + self.dice.days(60)));
            stay.unclosed = self.dice.happens(self.settings.unclosed_stays);
            let over = left < self.settings.ends.saturating_sub(Span::new().hours(12));
            stay.discharged = (over && !stay.unclosed).then_some(left);
            stay.unclosed &= over;
            // Somebody still there without a bed of their own would be no stay of the past.
            if over {
                life.stays.push(stay);
            }
        }
        if self.dice.happens(1_500) {
            let at = self.history();
            let clinic = Place {
                ward: clinic(&mut self.dice),
                ..Place::default()
            };
            let mut stay = self.stay(Class::Outpatient, at, clinic);
            stay.visit.push('O');
            stay.discharged = Some(at.saturating_add(Span::new().minutes(10 + self.dice.days(50))));
            life.stays.push(stay);
        }
    }

    fn plans(&mut self, life: &mut Life) {
        if self.dice.happens(1_200) {
            let days = 1 + self.dice.days(90);
            let appointment = Appointment {
                record: self.record(),
                number: format!("A{:08}", self.index),
                clinic: clinic(&mut self.dice),
                specialty: self.dice.of(SPECIALTIES),
                at: self.time(-days),
                booked: self.history(),
            };
            life.appointments.push(appointment);
        }
        if self.dice.happens(600) {
            let days = self.dice.days(18 * 7);
            let start = self
                .settings
                .ends
                .date()
                .saturating_sub(Span::new().days(days + 7));
            let waiting = Waiting {
                record: self.record(),
                number: format!("W{:08}", self.index),
                specialty: self.dice.of(SPECIALTIES),
                clock_start: (!self.dice.happens(self.settings.clock_start_missing)).then_some(start),
                listed: self.history(),
            };
            life.waiting.push(waiting);
        }
    }

    fn facts(&mut self, life: &mut Life) {
        if self.dice.happens(1_500) {
            let (code, words, reaction) = self.dice.of(ALLERGENS);
            let days = 30 + self.dice.days(3_000);
            life.allergies.push(Allergy {
                record: self.record(),
                code,
                words,
                reaction,
                since: self.settings.ends.date().saturating_sub(Span::new().days(days)),
            });
        }
        if self.dice.happens(2_500) {
            let order = self.order(0);
            life.orders.push(order);
        }
        if self.dice.happens(200) {
            let at = self.time(1 + self.dice.clone().days(3));
            life.removals.push(Removal {
                record: self.record(),
                at,
                line: crate::world::address_line(&mut self.dice),
                postcode: crate::world::postcode(&mut self.dice),
            });
        }
    }

    /// One in five has something that lasts.
    fn problems(&mut self, life: &mut Life) {
        let mut dice = Dice::new(self.settings.seed, "problems", self.index);
        if !dice.happens(2_000) {
            return;
        }
        let (code, words) = dice.of(PROBLEMS);
        let days = 60 + dice.days(4_000);
        life.problems.push(Problem {
            record: 0,
            code,
            words,
            since: self.settings.ends.date().saturating_sub(Span::new().days(days)),
        });
    }

    fn order(&mut self, number: u32) -> Order {
        let (code, words, units, range, least, most) = self.dice.of(TESTS);
        let ordered = self.history();
        let answered = ordered.saturating_add(Span::new().minutes(30 + self.dice.days(240)));
        let open = self.dice.happens(1_200);
        Order {
            record: self.record(),
            placer: format!("P{:08}{number}", self.index),
            filler: format!("F{:08}{number}", self.index),
            code,
            words,
            units,
            range,
            ordered,
            result: (!open).then(|| (answered, value(&mut self.dice, least, most))),
        }
    }

    /// Four hours of a frozen system.
    fn after(&mut self, life: &mut Life) {
        for (at_stay, stay) in life.stays.iter().enumerate() {
            if stay.discharged.is_some() || stay.class != Class::Inpatient || stay.unclosed {
                continue;
            }
            if self.dice.happens(1_500) {
                let at = self.minutes_after(90);
                let place = side_room(&stay.place(), self.index);
                life.after.push(After::Move {
                    stay: at_stay,
                    at,
                    place,
                });
            }
            if self.dice.happens(1_000) {
                // After any move.
                let at = self.minutes_after(90).saturating_add(Span::new().minutes(120));
                life.after.push(After::Discharge { stay: at_stay, at });
            }
        }
        for (at_order, order) in life.orders.iter().enumerate() {
            if order.result.is_none() && self.dice.happens(7_000) {
                let (least, most) = TESTS
                    .iter()
                    .find(|test| test.0 == order.code)
                    .map_or((0, 1), |test| (test.4, test.5));
                let at = self.minutes_after(60 * u64::from(AFTER_HOURS));
                let value = value(&mut self.dice, least, most);
                life.after.push(After::Result {
                    order: at_order,
                    at,
                    value,
                });
            }
        }
        self.bookings_after(life);
        if self.dice.happens(60) {
            let at = self.minutes_after(60 * u64::from(AFTER_HOURS));
            let place = Place {
                ward: "ED".to_owned(),
                ..Place::default()
            };
            let mut stay = self.stay(Class::Emergency, at, place);
            stay.visit.push('E');
            life.after.push(After::Attend { stay });
        }
        life.after.sort_by_key(After::at);
    }

    /// One booking in five is moved, reassigned or cancelled while the system is frozen.
    fn bookings_after(&mut self, life: &mut Life) {
        let mut dice = Dice::new(self.settings.seed, "bookings", self.index);
        for (booking, booked) in life.appointments.iter().enumerate() {
            if !dice.happens(2_000) {
                continue;
            }
            let minutes = 1 + dice.days(60 * u64::from(AFTER_HOURS));
            let at = self.settings.ends.saturating_add(Span::new().minutes(minutes));
            life.after.push(match dice.below(3) {
                0 => After::Rebook {
                    booking,
                    at,
                    to: booked.at.saturating_add(Span::new().days(1 + dice.days(28))),
                },
                1 => After::Reassign {
                    booking,
                    at,
                    clinic: clinic(&mut dice),
                },
                _ => After::Cancel { booking, at },
            });
        }
    }

    fn minutes_after(&mut self, within: u64) -> DateTime {
        let minutes = 1 + self.dice.days(within);
        self.settings.ends.saturating_add(Span::new().minutes(minutes))
    }
}

fn value(dice: &mut Dice, least: u64, most: u64) -> String {
    let tenths = least + dice.below(most - least + 1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn assessment_unit(dice: &mut Dice) -> Place {
    Place {
        ward: "AAU".to_owned(),
        room: format!("BAY{}", 1 + dice.below(4)),
        bed: format!("AAU-{:02}", 1 + dice.below(24)),
    }
}

/// The n-th bed of the house; ward, bay and bed as the old system writes them, hyphen and all.
fn bed(number: u32) -> Place {
    let (ward, bed) = (1 + number / BEDS_PER_WARD, 1 + number % BEDS_PER_WARD);
    let bay = char::from(b'A' + u8::try_from((bed - 1) / 7).unwrap_or(0));
    Place {
        ward: format!("T{ward:02}"),
        room: format!("T{ward:02}{bay}"),
        bed: format!("T{ward:02}-{bed:02}"),
    }
}

/// A side room of the same ward, which nobody else has: it carries the person's number.
fn side_room(place: &Place, index: u64) -> Place {
    Place {
        ward: place.ward.clone(),
        room: format!("{}S", place.ward),
        bed: format!("{}-S{index}", place.ward),
    }
}

fn clinic(dice: &mut Dice) -> String {
    format!("CL{:02}", 1 + dice.below(24))
}
