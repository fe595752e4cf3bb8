//! What each trust hears: its own visits, everybody's demographics and merges, and nothing that went round in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hl7v2::Message;
use serde_json::{Value as Json, json};

use super::Runner;
use crate::RunError;
use crate::feed::Outgoing;
use crate::read::{list, text};
use crate::report::Table;
use crate::story::Step;
use crate::wire::{Received, exchange};

/// How long the domain may take to send what it has to tell.
const OUTBOX_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

/// Something done at the domain, and whom it concerns.
struct Told {
    control: String,
    /// Whose it is; everybody's when none.
    owner: Option<usize>,
    /// Whom it was about, to keep their events in order.
    subject: usize,
}

impl Runner<'_> {
    /// Things happen at the domain; each trust's systems hear what is theirs, in order, and nothing else.
    pub(in crate::run) async fn split(&mut self, step: &Step) -> Result<(), RunError> {
        let joined = self.joined(step.line)?;
        let system = step.text("at").unwrap_or_default().to_owned();
        let starts: Vec<usize> = self.domain.downstream.iter().map(|d| d.count()).collect();
        let mut told = Vec::new();
        let subjects = self.subjects(2 * joined);
        if subjects.len() < 2 * joined {
            return Err(RunError::Story(format!(
                "line {}: too few people with an NHS number to tell of; make the world larger",
                step.line
            )));
        }
        for trust in 0..joined {
            let (visitor, mover) = (subjects[2 * trust].clone(), subjects[2 * trust + 1].clone());
            self.visit_at(&system, trust, &visitor, &mut told).await?;
            let update = json!({"patient": mover, "phone": format!("020 7946 09{trust:02}")});
            self.do_at(&system, "update", update, (None, 100 + trust), &mut told)
                .await?;
        }
        self.merge_across(&system, &mut told).await?;
        self.heard().await?;
        let heard: Vec<Vec<Received>> = self
            .domain
            .downstream
            .iter()
            .zip(&starts)
            .map(|(downstream, start)| downstream.since(*start))
            .collect();
        self.judge_split(joined, &told, &heard);
        Ok(())
    }

    /// A stay, a move, a result and a way out, at one trust's site.
    async fn visit_at(
        &mut self,
        system: &str,
        trust: usize,
        patient: &str,
        told: &mut Vec<Told>,
    ) -> Result<(), RunError> {
        let owned = (Some(trust), trust);
        let site = self.domain.trusts[trust].site().to_owned();
        let admit = json!({"patient": patient, "ward": "Split Ward", "bed": "1", "facility": site});
        self.do_at(system, "admit", admit, owned, told).await?;
        let transfer = json!({"patient": patient, "ward": "Split Ward", "bed": "2"});
        self.do_at(system, "transfer", transfer, owned, told).await?;
        let result = json!({"patient": patient, "service": ["UE", "Urea and electrolytes"],
            "tests": [{"code": "NA", "name": "Sodium", "value": "139.0", "units": "mmol/L"}]});
        self.do_at(system, "result", result, owned, told).await?;
        self.do_at(system, "discharge", json!({"patient": patient}), owned, told)
            .await
    }

    /// Somebody was registered at two trusts, and somebody notices: the merge concerns both.
    async fn merge_across(&mut self, system: &str, told: &mut Vec<Told>) -> Result<(), RunError> {
        for (trust, number) in [(0, "SPLIT1"), (1, "SPLIT2")] {
            let pool = self.domain.trusts[trust].pool.clone();
            let register = json!({"mrn": number, "authority": pool, "family": "Bothsides", "given": "Ada",
                "birth-date": "1970-02-28", "sex": "female"});
            self.do_at(system, "register", register, (None, 200 + trust), told)
                .await?;
        }
        let merge = json!({"survivor": "SPLIT1", "loser": "SPLIT2"});
        self.do_at(system, "merge", merge, (None, 200), told).await
    }

    async fn do_at(
        &mut self,
        system: &str,
        action: &str,
        particulars: Json,
        (owner, subject): (Option<usize>, usize),
        told: &mut Vec<Told>,
    ) -> Result<(), RunError> {
        let done = self.host.act(system, action, &particulars).await?;
        told.push(Told {
            control: text(&done["control-id"]).to_owned(),
            owner,
            subject,
        });
        Ok(())
    }

    /// NHS numbers of people the index holds exactly once, spread over the trusts: they can be named without a pool.
    pub(super) fn subjects(&self, count: usize) -> Vec<String> {
        let domain = &self.domain;
        let mut groups: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for (at, (person, _)) in domain.entries.iter().enumerate() {
            groups.entry(*person).or_default().insert(domain.index.group[at]);
        }
        groups
            .values()
            .filter(|groups| groups.len() == 1)
            .filter_map(|groups| domain.held(*groups.first()?).1.identity.nhs.clone())
            .take(count)
            .collect()
    }

    /// Waits until the domain has sent everything and the gateway has delivered it.
    pub(super) async fn heard(&mut self) -> Result<(), RunError> {
        let end = Instant::now() + OUTBOX_WITHIN;
        loop {
            let systems = self.host.get("/api/v1/systems").await?;
            let queued: u64 = list(&systems)
                .iter()
                .filter_map(|system| system["outbox"]["queued"].as_u64())
                .sum();
            if queued == 0 {
                break;
            }
            if Instant::now() > end {
                return Err(RunError::Host(format!(
                    "the domain cannot send {queued} messages"
                )));
            }
            tokio::time::sleep(POLL).await;
        }
        self.settle().await.map(drop)
    }

    fn judge_split(&mut self, joined: usize, told: &[Told], heard: &[Vec<Received>]) {
        let mut rows = Vec::new();
        for (trust, received) in heard.iter().enumerate().take(joined) {
            let name = self.domain.trusts[trust].name.clone();
            let got: Vec<&str> = received
                .iter()
                .map(|received| received.control.as_str())
                .collect();
            let due = |told: &&Told| told.owner.is_none_or(|owner| owner == trust);
            let missing = told
                .iter()
                .filter(due)
                .filter(|told| !got.contains(&told.control.as_str()));
            let missing = missing.count();
            let foreign: Vec<&Received> = received
                .iter()
                .filter(|received| {
                    told.iter().any(|told| {
                        told.control == received.control && told.owner.is_some_and(|owner| owner != trust)
                    })
                })
                .collect();
            let shown = received
                .iter()
                .filter(|received| self.shows_another(trust, &received.bytes));
            let shown = shown.count();
            self.expect(
                format!("{name} hears all of its own visits, and everybody's demographics and merges"),
                missing == 0,
                format!("{missing} messages are missing"),
            );
            self.expect(
                format!("{name} hears no visit of another trust (leak: feed)"),
                foreign.is_empty() && shown == 0,
                format!(
                    "{} messages are another trust's, {shown} name its visits: {}",
                    foreign.len(),
                    foreign
                        .iter()
                        .map(|one| one.event.as_str())
                        .collect::<Vec<_>>()
                        .join(" ")
                ),
            );
            self.expect(
                format!("{name} hears of each person in order"),
                in_order(told, &got),
                "events of one person changed places".to_owned(),
            );
            let own = told.iter().filter(|told| told.owner == Some(trust)).count();
            let shared = told.iter().filter(|told| told.owner.is_none()).count();
            rows.push(
                [name, own.to_string(), shared.to_string(), got.len().to_string()]
                    .map(|cell| cell.clone())
                    .to_vec(),
            );
        }
        self.note(format!(
            "{} things told by the domain, split among {joined} trusts",
            told.len()
        ));
        self.report.tables.push(Table {
            title: "One stream, split".to_owned(),
            note: "Visits, moves and results go to the trust they belong to; demographics and merges to every trust.".to_owned(),
            head: ["trust", "its own events", "events of all", "heard"].map(str::to_owned).to_vec(),
            rows,
        });
    }

    /// Whether a message names the facility, or a visit number in the pool, of another trust.
    fn shows_another(&self, trust: usize, bytes: &Bytes) -> bool {
        let Ok(message) = Message::parse(bytes) else {
            return true;
        };
        let facilities = [
            message.field("PV1", 3).component(4).text(),
            message.field("PV1", 39).text(),
            message.field("PV1", 6).component(4).text(),
        ];
        let pool = message.field("PID", 18).component(4).text();
        self.domain.trusts.iter().enumerate().any(|(other, of)| {
            other != trust
                && (facilities.iter().any(|facility| facility.starts_with(&of.code)) || pool == of.visit_pool)
        })
    }

    /// What a trust got comes back to the gateway that sent it: it is taken, and goes nowhere again.
    pub(in crate::run) async fn echo(&mut self, step: &Step) -> Result<(), RunError> {
        self.joined(step.line)?;
        let system = step.text("at").unwrap_or_default().to_owned();
        let subject = self.subjects(1).pop().unwrap_or_default();
        let before = self.domain.downstream[0].count();
        let mut told = Vec::new();
        let update = json!({"patient": subject, "phone": "020 7946 0999"});
        self.do_at(&system, "update", update, (None, 0), &mut told)
            .await?;
        self.heard().await?;
        let Some(received) = self.domain.downstream[0].since(before).pop() else {
            self.expect("an update reaches the first trust", false, "nothing came");
            return Ok(());
        };
        let renamed =
            |control: &str| String::from_utf8_lossy(&received.bytes).replace(&received.control, control);
        let tagged = renamed("ECHO1");
        let plain: String = renamed("ECHO2")
            .split_inclusive('\r')
            .filter(|segment| !segment.starts_with("ZOT"))
            .collect();
        let counts =
            |runner: &Self| -> Vec<usize> { runner.domain.downstream.iter().map(|d| d.count()).collect() };
        let quiet = counts(self);
        let code = self.come_back(tagged, "ECHO1").await?;
        self.expect(
            "a message that comes back with this gateway's own tag is taken",
            code == "AA",
            code,
        );
        self.expect(
            "and is delivered nowhere again",
            counts(self) == quiet,
            "it went round once more",
        );
        let code = self.come_back(plain, "ECHO2").await?;
        self.expect(
            "the same message without the tag is delivered, so that the silence above says something",
            code == "AA" && counts(self) != quiet,
            code,
        );
        Ok(())
    }

    async fn come_back(&mut self, message: String, control: &str) -> Result<String, RunError> {
        let address = self.host.mllp("gateway")?.to_owned();
        let message = Outgoing {
            sequence: 0,
            control: control.to_owned(),
            event: String::new(),
            person: 0,
            bytes: message.into_bytes(),
        };
        let (code, _) = exchange(&address, &message).await?;
        self.settle().await?;
        Ok(code)
    }
}

/// Whether what was told about each subject arrived in the order it was told.
fn in_order(told: &[Told], got: &[&str]) -> bool {
    let mut by_subject: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for told in told.iter().filter(|told| got.contains(&told.control.as_str())) {
        by_subject.entry(told.subject).or_default().push(&told.control);
    }
    by_subject.values().all(|due| {
        let came: Vec<&str> = got
            .iter()
            .copied()
            .filter(|control| due.contains(control))
            .collect();
        came == *due
    })
}
