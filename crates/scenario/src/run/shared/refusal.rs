//! What a trust may not say: another's numbers, another's visits, through another's door, and two people as one.

use super::{Runner, telling};
use crate::RunError;
use crate::feed::words::Words;
use crate::story::Step;
use crate::wire::exchange;
use crate::world::life::Place;

/// One thing that must be refused, or must not.
struct Attempt {
    what: &'static str,
    /// Whose door.
    door: usize,
    kind: &'static str,
    words: Words,
    refused: bool,
    /// Whether the gateway knows by itself; otherwise the domain says no, and the message is held.
    at_the_door: bool,
}

impl Runner<'_> {
    /// The second trust tries what is not its own; the sender hears no, nobody is made of it, and the answer names nobody.
    pub(in crate::run) async fn refuse(&mut self, step: &Step) -> Result<(), RunError> {
        let joined = self.joined(step.line)?;
        if joined < 2 {
            return Err(RunError::Story(format!(
                "line {}: only one trust has joined",
                step.line
            )));
        }
        let feed = step.text("feed").unwrap_or_default().to_owned();
        let system = step.text("at").unwrap_or_default().to_owned();
        let before = self.people_on(&system).await?;
        let held_before = self.settle().await?.in_state("held");
        let mut due = 0;
        for attempt in self.attempts()? {
            let door = self.domain.trusts[attempt.door].door();
            let family = attempt.words.text("family").to_owned();
            let secrets = [attempt.words.text("mrn").to_owned(), family];
            let tellings = vec![telling(attempt.kind, 0, attempt.words, self.told_at())];
            let mut names_nobody = true;
            let mut code = String::from("none");
            for message in self.write(&feed, tellings)? {
                let address = self.host.mllp(&door)?.to_owned();
                let (said, answer) = exchange(&address, &message).await?;
                let answer = String::from_utf8_lossy(&answer).into_owned();
                names_nobody = !secrets
                    .iter()
                    .any(|secret| !secret.is_empty() && answer.contains(secret));
                code = said;
            }
            due += u64::from(attempt.refused && !attempt.at_the_door);
            let (words, holds) = match attempt.refused {
                true => (format!("refused: {}", attempt.what), code == "AR" || code == "AE"),
                false => (format!("taken: {}", attempt.what), code == "AA"),
            };
            self.expect(words, holds, format!("answered {code}"));
            self.expect(
                format!("the answer names nobody: {} (leak: error)", attempt.what),
                names_nobody,
                "a name or number stands in it",
            );
        }
        let after = self.people_on(&system).await?;
        let held = self.settle().await?.in_state("held") - held_before;
        self.domain.refused += held;
        self.expect(
            "nobody is made of what was refused",
            after == before,
            format!("{} more people", after - before),
        );
        self.expect(
            "what the domain refused is held for somebody to look at",
            held == due,
            format!("{held} held, {due} refused by the domain"),
        );
        Ok(())
    }

    fn attempts(&self) -> Result<Vec<Attempt>, RunError> {
        let when = self.told_at();
        let domain = &self.domain;
        let (home, guest) = (0, 1);
        let few = || RunError::Story("too few people at each trust; make the world larger".to_owned());
        // Two people of the guest's that stand alone, and one of the home trust's.
        let alone = |trust: usize| {
            domain
                .people_of(trust)
                .filter(|at| domain.index.group.iter().filter(|group| **group == *at).count() == 1)
                .filter(|at| domain.index.group[*at] == *at)
        };
        let own = alone(guest).next().ok_or_else(few)?;
        let other = alone(home).next().ok_or_else(few)?;
        let place = Place {
            ward: "Split Ward".to_owned(),
            ..Place::default()
        };
        let visit = |at: usize, number: &str| {
            let mut words = domain.words(at, when);
            for (name, text) in [("visit", number), ("class", "inpatient"), ("ward", &place.ward)] {
                words.set(name, text);
            }
            words.set_time("admitted", when);
            words
        };
        let mut wrong_pool = domain.words(own, when);
        wrong_pool.set("mrn", "99000001");
        wrong_pool.set("nhs", "");
        wrong_pool.set("pool", &domain.trusts[home].pool);
        let mut elsewhere = visit(own, "REFUSED1");
        elsewhere.set("site", domain.trusts[home].site());
        let mut two = domain.words(own, when);
        two.set("live", &domain.held(other).1.mrn);
        two.set("live-pool", &domain.trusts[home].pool);
        let guests_own = visit(own, "TAKEN1");
        let attempt = |what, door, kind, words, refused, at_the_door| Attempt {
            what,
            door,
            kind,
            words,
            refused,
            at_the_door,
        };
        Ok(vec![
            attempt(
                "a number of another trust's pool",
                guest,
                "register",
                wrong_pool,
                true,
                false,
            ),
            attempt(
                "a visit at another trust than MSH-4 names",
                guest,
                "admit",
                elsewhere,
                true,
                false,
            ),
            attempt(
                "another trust's message through this trust's door",
                guest,
                "admit",
                visit(other, "REFUSED2"),
                true,
                true,
            ),
            attempt(
                "numbers of two people as one person's",
                guest,
                "link",
                two,
                true,
                false,
            ),
            attempt(
                "the trust's own visit through its own door",
                guest,
                "admit",
                guests_own,
                false,
                false,
            ),
        ])
    }
}
