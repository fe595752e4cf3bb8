//! Planted defects: one thing made wrong on the way, so that a comparison that finds nothing can be seen to fail.

use jiff::Span;
use jiff::civil::Date;

use super::source::Telling;

/// Who and what is spoiled: somebody of whom nothing else is told, and a booking that nothing happens to, so that
/// nothing mends it.
#[derive(Clone, Debug, Default)]
pub(super) struct Victims {
    pub(super) person: Option<u64>,
    pub(super) booking: Option<String>,
}

/// Makes one thing wrong.
pub(super) fn spoil(mut tellings: Vec<Telling>, defect: &str, victims: &Victims) -> Vec<Telling> {
    let of_victim = |telling: &&mut Telling| Some(telling.person) == victims.person;
    let booking = victims.booking.as_deref().unwrap_or("none");
    let is_booking = |telling: &Telling| telling.kind == "book" && telling.words.text("number") == booking;
    match defect {
        "lost-mrn" => {
            for telling in tellings.iter_mut().filter(of_victim) {
                telling.words.set("mrn", "");
            }
        }
        "swapped-birth-date" => {
            for telling in tellings.iter_mut().filter(of_victim) {
                if let Some(turned) = telling.words.time("birth").and_then(|birth| turned(birth.date())) {
                    telling.words.set_day("birth", turned);
                }
            }
        }
        "duplicate-person" => {
            if let Some(telling) = tellings.iter().find(|telling| telling.kind == "register") {
                let mut words = telling.words.clone();
                let mrn = format!("9{}", words.text("mrn"));
                words.set("mrn", &mrn);
                words.set("nhs", "");
                let extra = Telling {
                    kind: "register",
                    person: telling.person,
                    about: telling.about.clone(),
                    words,
                    at: telling.at,
                };
                tellings.push(extra);
            }
        }
        "wrong-zone" => {
            let visits: Vec<String> = tellings
                .iter()
                .filter(|telling| telling.kind == "attend")
                .take(3)
                .map(|telling| telling.words.text("visit").to_owned())
                .collect();
            let concerned =
                |telling: &&mut Telling| visits.iter().any(|visit| visit == telling.words.text("visit"));
            for telling in tellings.iter_mut().filter(concerned) {
                if let Some(admitted) = telling.words.time("admitted") {
                    let shifted = admitted.saturating_add(Span::new().hours(1));
                    telling.words.set_time("admitted", shifted);
                    if telling.kind == "attend" {
                        telling.words.set_time("at", shifted);
                    }
                }
            }
        }
        "missing-appointment" => tellings.retain(|telling| !is_booking(telling)),
        "wrong-clinic" => {
            if let Some(telling) = tellings.iter_mut().find(|telling| is_booking(telling)) {
                telling.words.set("clinic", "CL99");
            }
        }
        "lost-allergy" => {
            if let Some(at) = tellings.iter().position(|telling| telling.kind == "allergy") {
                tellings.remove(at);
            }
        }
        "changed-clock-start" => {
            let clock = |telling: &Telling| telling.words.time("clock-start");
            let found = tellings
                .iter_mut()
                .find(|telling| telling.kind == "pathway" && clock(telling).is_some());
            if let Some(telling) = found
                && let Some(start) = clock(telling)
            {
                let later = start.date().saturating_add(Span::new().days(7));
                telling.words.set_day("clock-start", later);
            }
        }
        "wrong-bed" => {
            if let Some(telling) = tellings.iter_mut().find(|telling| telling.kind == "move") {
                telling.words.set("bed", "T99-99");
            }
        }
        _ => {}
    }
    tellings
}

/// Day for month, where that is another date.
pub(super) fn turned(birth: Date) -> Option<Date> {
    let turned = Date::new(birth.year(), birth.day(), birth.month()).ok()?;
    (turned != birth).then_some(turned)
}
