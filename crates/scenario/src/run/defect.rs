//! Planted defects: one thing made wrong on the way, so that a comparison that finds nothing can be seen to fail.

use jiff::Span;
use jiff::civil::Date;

use super::source::Telling;

/// Makes one thing wrong; `victim` is somebody of whom nothing else is told, so that nothing mends it.
pub(super) fn spoil(mut tellings: Vec<Telling>, defect: &str, victim: Option<u64>) -> Vec<Telling> {
    let of_victim = |telling: &&mut Telling| Some(telling.person) == victim;
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
