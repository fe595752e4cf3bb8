//! Translates one file: HL7 v2 to FHIR JSON, FHIR JSON to HL7 v2, or there and back.
//!
//! `translate FILE`, `translate --roundtrip FILE`, `translate --resources FILE` (there and back without the
//! travelling original), `translate --ledger FILE`.

use std::io::Write as _;

use hl7v2::Message;
use translate::dialect::STANDARD;
use translate::{Ledger, Settings, Translator};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let file = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"))
        .ok_or("name a file")?;
    let bytes = std::fs::read(file)?;
    let translator = Translator::new(Settings {
        carry_original: !has("--resources"),
        ..Settings::default()
    })?;
    let mut out = std::io::stdout().lock();
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let bundle: fhir::Bundle = fhir::from_slice(&bytes)?;
        out.write_all(&translator.to_hl7(&bundle, &STANDARD, None)?)?;
        return Ok(());
    }
    let message = Message::parse(&bytes)?;
    let mut ledger = Ledger::new();
    let bundle = translator.to_fhir(&message, &STANDARD, has("--ledger").then_some(&mut ledger));
    if has("--ledger") {
        for line in &ledger.lines {
            writeln!(
                out,
                "{:16} {:15} {:50} {} {}",
                line.location.to_string(),
                line.outcome.word(),
                line.target(),
                line.rule(),
                line.note
            )?;
        }
        for note in &ledger.notes {
            writeln!(out, "note: {note}")?;
        }
        writeln!(out, "{} leaves: {:?}", ledger.leaves_in(), ledger.totals())?;
    } else if has("--roundtrip") || has("--resources") {
        // Through JSON, as a Bundle travels.
        let bundle: fhir::Bundle = fhir::from_slice(&fhir::to_vec(&bundle))?;
        out.write_all(&translator.to_hl7(&bundle, &STANDARD, None)?)?;
    } else {
        out.write_all(&fhir::to_vec(&bundle))?;
    }
    Ok(())
}
