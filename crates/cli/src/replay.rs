//! `eprgw replay`: sends messages one after the other and says what came back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hl7v2::Message;
use mllp::{Sender, SenderLimits};

use crate::exit::Failure;
use crate::{input, names, output};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Files, folders (sent by the time in MSH-7, then by path) or - for standard input
    #[arg(required = true)]
    input: Vec<PathBuf>,
    /// Where to: gateway, a system's name, or mllp://host:port
    #[arg(long, default_value = "gateway")]
    to: String,
    /// MLLP port of the gateway on this machine
    #[arg(long, env = "EPRGW_MLLP", default_value_t = 2575)]
    mllp: u16,
    /// Fail (exit 1) unless every message is answered with this ACK code
    #[arg(long, value_name = "ACK CODE")]
    expect: Option<String>,
    /// How to print what came back
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// How long to wait for each ACK, in milliseconds
    #[arg(long, default_value_t = 10_000)]
    ack_timeout_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Jsonl,
}

/// One answer, as a line of output.
#[derive(serde::Serialize)]
struct Answer<'a> {
    file: &'a str,
    #[serde(rename = "type")]
    message_type: String,
    control: String,
    ack: String,
    text: String,
    ms: f64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let items = input::messages(&options.input)?;
    let address = names::mllp_address(&options.to, options.mllp)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(send_all(options, &items, &address))
}

async fn send_all(options: &Options, items: &[input::Item], address: &str) -> anyhow::Result<()> {
    let limits = SenderLimits {
        answer_timeout_ms: options.ack_timeout_ms,
        ..SenderLimits::default()
    };
    let mut sender = Sender::connect(address, limits).await.map_err(|error| {
        Failure::RunTime.because(format!(
            "cannot connect to {address}: {error}; is `eprgw serve` running there?"
        ))
    })?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut unexpected = 0;
    for (sent, item) in items.iter().enumerate() {
        let began = Instant::now();
        let reply = sender.send(&item.bytes).await.map_err(|error| {
            let origin = &item.origin;
            Failure::RunTime.because(format!("{origin}: {error}; {sent} were answered before it"))
        })?;
        let answer = answer(item, &reply, began.elapsed());
        print_line(options.format, &answer)?;
        unexpected += usize::from(options.expect.as_ref().is_some_and(|code| *code != answer.ack));
        *counts.entry(answer.ack).or_default() += 1;
    }
    let summary: Vec<String> = counts.iter().map(|(code, n)| format!("{n} {code}")).collect();
    eprintln!("{} sent to {address}: {}", items.len(), summary.join(", "));
    if unexpected > 0 {
        let code = options.expect.as_deref().unwrap_or_default();
        return Err(Failure::Expectation.because(format!("{unexpected} not answered with {code}")));
    }
    Ok(())
}

fn answer<'a>(item: &'a input::Item, reply: &[u8], took: Duration) -> Answer<'a> {
    let (message_type, control) = Message::parse(&item.bytes).map_or_else(
        |_| ("unreadable".into(), String::new()),
        |message| {
            let header = message.header();
            let message_type = format!("{}^{}", header.message_code(), header.trigger_event());
            (message_type, header.control_id().into_owned())
        },
    );
    let (ack, text) = Message::parse(reply)
        .ok()
        .and_then(|message| {
            let ack = hl7v2::ack::read(&message).ok()?;
            Some((ack.code.to_string(), ack.text.to_string()))
        })
        .unwrap_or_else(|| ("?".into(), "not an ACK".into()));
    Answer {
        file: &item.origin,
        message_type,
        control,
        ack,
        text,
        ms: took.as_secs_f64() * 1e3,
    }
}

fn print_line(format: Format, answer: &Answer<'_>) -> anyhow::Result<()> {
    match format {
        Format::Table => output::line(format_args!(
            "{:2}  {:8}  {:22}  {:7.1} ms  {}  {}",
            answer.ack, answer.message_type, answer.control, answer.ms, answer.file, answer.text
        )),
        Format::Jsonl => output::line(serde_json::to_string(answer)?),
    }
}
