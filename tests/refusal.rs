//! Bad input against a running gateway: what each frame under fixtures/bad is answered, and what stays behind.
//!
//! One gateway with the default configuration takes every case by MLLP, in file-name order, and a good message after
//! each. `UPDATE_GOLDEN=1 cargo test --test refusal` writes the expectations; the diff is the review.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use gateway::{Clock, Gateway, Ids, Running};
use hl7v2::Message;
use mllp::SenderLimits;
use mllp::sender::{SendError, Sender};
use store::{Journal as _, MessageState, Query, SqliteJournal};
use translate::dialect::{Dialect, ITK, STANDARD, recognise};
use translate::{Ledger, Settings, Translator};

mod golden_files;
use golden_files::{Golden, fixtures, inputs_below};

/// A message that every gateway takes, to be sent after each bad one.
const GOOD: &str = "messages/itk/ADT_A01/margaret-1-admission.hl7";

fn dialects() -> Vec<&'static Dialect> {
    let of_vendors = adapters::VENDORS
        .iter()
        .flat_map(|vendor| vendor.profiles.iter().map(|profile| profile.dialect));
    of_vendors.chain([&ITK, &STANDARD]).collect()
}

/// The default configuration with free ports to listen on, and destinations where nobody is.
fn settings() -> gateway::config::Settings {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("its number")
        .port();
    let path = fixtures().join("config/default.toml");
    let text = fs::read_to_string(path).expect("the default configuration");
    let text: String = text
        .lines()
        .map(|line| match line.split_once("127.0.0.1:") {
            Some((before, _)) if line.starts_with("send") => format!("{before}127.0.0.1:{nobody}\"\n"),
            Some((before, _)) => format!("{before}127.0.0.1:0\"\n"),
            None => format!("{line}\n"),
        })
        .collect();
    gateway::config::load(&text, "default.toml", &dialects())
        .unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A gateway, its journal, and a sender that connects again when it must.
struct Bench {
    running: Running,
    journal: Arc<SqliteJournal>,
    sender: Option<Sender>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let journal =
            Arc::new(SqliteJournal::open(folder.path(), store::Settings::default()).expect("a journal"));
        let running = Gateway::start(settings(), journal.clone(), Clock::system(), Ids::system())
            .await
            .expect("a gateway");
        Self {
            running,
            journal,
            sender: None,
            _folder: folder,
        }
    }

    fn address(&self) -> SocketAddr {
        self.running
            .address("gateway")
            .expect("the default configuration listens")
    }

    async fn answer(&mut self, payload: &[u8]) -> Result<Vec<u8>, SendError> {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => Sender::connect(self.address(), SenderLimits::default()).await?,
        };
        let answer = sender.send(payload).await?;
        self.sender = sender.is_usable().then_some(sender);
        Ok(answer.to_vec())
    }

    /// The newest entry of the journal.
    async fn newest(&self) -> store::Summary {
        let page = self
            .journal
            .search(Query {
                limit: 1,
                ..Query::default()
            })
            .await
            .expect("the journal can be searched");
        page.items.into_iter().next().expect("every frame is recorded")
    }

    async fn recorded(&self) -> u64 {
        self.journal
            .counts()
            .await
            .expect("the journal can count")
            .messages
            .iter()
            .map(|(_, count)| count)
            .sum()
    }
}

/// The parts of an ACK that do not change from run to run.
fn answer_text(answer: &[u8], sent: &[u8]) -> String {
    let ack = Message::parse(answer).expect("an ACK is a message");
    let mut text = String::new();
    let msa = |field| ack.field("MSA", field).text().into_owned();
    writeln!(text, "answer    {}", msa(1)).expect("writing to a String");
    let control_id = Message::parse(sent)
        .map(|sent| sent.header().control_id().into_owned())
        .unwrap_or_default();
    let echo = match (control_id.is_empty(), msa(2) == control_id) {
        (_, true) if !control_id.is_empty() => "the sender's control id",
        (true, _) if msa(2).is_empty() => "nothing: no control id was found",
        (true, _) => "a control id found in what could be read",
        _ => "something else than MSH-10",
    };
    writeln!(text, "about     {echo}").expect("writing to a String");
    for segment in ack.segments_named("ERR") {
        writeln!(text, "error     {}", String::from_utf8_lossy(segment.raw())).expect("writing to a String");
    }
    writeln!(text, "says      {}", msa(3)).expect("writing to a String");
    text
}

/// What a message that was taken as far as it goes leaves to remark: junk lines and notes.
fn remarks(sent: &[u8], translator: &Translator) -> String {
    let Ok(message) = Message::parse(sent) else {
        return String::new();
    };
    let mut text = String::new();
    for junk in message.junk() {
        writeln!(text, "junk      line {}", junk.line).expect("writing to a String");
    }
    let mut ledger = Ledger::new();
    let all = dialects();
    let dialect = recognise(&message, all.iter().copied());
    // The Bundle itself is the golden tests' business; here it must only be possible.
    let bundle = fhir::to_vec(&translator.to_fhir(&message, dialect, Some(&mut ledger)));
    let totals = ledger.totals();
    assert_eq!(
        ledger.leaves_in(),
        totals.sum(),
        "the ledger adds up for bad input too"
    );
    assert!(
        fhir::from_slice::<fhir::Bundle>(&bundle).is_ok(),
        "a Bundle of bad input can be read"
    );
    writeln!(text, "ledger    {} leaves, {} lost", totals.sum(), totals.lost).expect("writing to a String");
    // Three thousand repetitions of one remark say no more than the first few.
    for note in ledger.notes.iter().take(12) {
        let place = note
            .location
            .map(|location| location.to_string())
            .unwrap_or_default();
        writeln!(text, "note      {place} {}: {}", note.code, note.text).expect("writing to a String");
    }
    if ledger.notes.len() > 12 {
        writeln!(text, "note      and {} more", ledger.notes.len() - 12).expect("writing to a String");
    }
    text
}

async fn case_text(bench: &mut Bench, translator: &Translator, sent: &[u8]) -> String {
    let before = bench.recorded().await;
    let mut text = match bench.answer(sent).await {
        Ok(answer) => answer_text(&answer, sent),
        Err(why) => format!("answer    none: {why}\n"),
    };
    let recorded = bench.recorded().await - before;
    let newest = bench.newest().await;
    writeln!(text, "journal   {recorded} recorded, {}", newest.state).expect("writing to a String");
    if let Some(cause) = &newest.cause {
        writeln!(text, "cause     {cause}").expect("writing to a String");
    }
    if newest.state == MessageState::Routed {
        text.push_str(&remarks(sent, translator));
    }
    text
}

/// Words that name a patient or a place in the bad messages; none may come back.
const PRIVATE: &[&str] = &[
    "okonkwo",
    "trevelyan",
    "campbell",
    "penhaligon",
    "larkspur",
    "salt quay",
    "9994100378",
    "4000000004",
    "400 000",
];

#[tokio::test]
async fn bad_frames_get_the_expected_refusal_and_a_good_one_after_each_is_taken() {
    let mut bench = Bench::start().await;
    let translator = Translator::new(Settings::default()).expect("own vocabularies are right");
    let good = fs::read_to_string(fixtures().join(GOOD)).expect("a good message");
    let control_id = good.split('|').nth(9).expect("MSH-10").to_owned();
    let mut golden = Golden::new();
    for (number, path) in inputs_below(&fixtures().join("bad")).into_iter().enumerate() {
        let sent = fs::read(&path).expect("a listed file can be read");
        let text = case_text(&mut bench, &translator, &sent).await;
        if let Some(word) = PRIVATE.iter().find(|word| text.to_lowercase().contains(**word)) {
            golden.fault(&format!("{}: {word:?} comes back\n{text}", path.display()));
        }
        golden.check(&path.with_extension("refusal.txt"), text.as_bytes());
        let after = good.replace(&control_id, &format!("GOOD{number:08}"));
        let answer = bench
            .answer(after.as_bytes())
            .await
            .expect("a good message is answered");
        assert!(
            answer_text(&answer, after.as_bytes()).starts_with("answer    AA"),
            "after {}",
            path.display()
        );
    }
    golden.finish();
}

#[tokio::test]
async fn every_good_message_of_a_folder_is_taken_in_the_order_of_its_times() {
    // The folder that the README replays; its name is the first vendor that speaks no FHIR.
    let vendor = adapters::VENDORS
        .iter()
        .find(|vendor| vendor.fhir_base.is_none())
        .expect("one vendor has no FHIR");
    let mut messages: Vec<(String, PathBuf, Vec<u8>)> =
        inputs_below(&fixtures().join("messages").join(vendor.name))
            .into_iter()
            .map(|path| {
                let bytes = fs::read(&path).expect("a listed file can be read");
                let time = Message::parse(&bytes)
                    .expect("a good message parses")
                    .header()
                    .time()
                    .into_owned();
                (time, path, bytes)
            })
            .collect();
    messages.sort();
    let mut bench = Bench::start().await;
    for (_, path, bytes) in messages {
        let answer = bench.answer(&bytes).await.expect("an answer");
        let text = answer_text(&answer, &bytes);
        assert!(
            text.starts_with("answer    AA\nabout     the sender's control id"),
            "{}\n{text}",
            path.display()
        );
        assert_eq!(
            bench.newest().await.state,
            MessageState::Routed,
            "{}",
            path.display()
        );
    }
}
