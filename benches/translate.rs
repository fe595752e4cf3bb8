//! Translation: one message, parsed, mapped and written as JSON, and the way back.
//!
//! `to_fhir` is the whole of it: bytes in, Bundle bytes out. The parts follow, to see what costs what; the
//! ledger's price is `to_fhir_ledger` over `to_fhir`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hl7v2::Message;
use translate::dialect::STANDARD;
use translate::{Ledger, Settings, Translator};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ADT: &[u8] = include_bytes!("../fixtures/bench/adt_a01.hl7");
const ORU: &[u8] = include_bytes!("../fixtures/bench/oru_r01.hl7");

fn translate_benches(criterion: &mut Criterion) {
    let translator = Translator::new(Settings::default()).expect("the embedded vocabularies are checked");
    for (subject, bytes) in [("adt_a01", ADT), ("oru_r01", ORU)] {
        let message = Message::parse(bytes).expect("a message");
        let bundle = translator.to_fhir(&message, &STANDARD, None);
        let mut group = criterion.benchmark_group(format!("translate/{subject}"));
        group.throughput(Throughput::Elements(1));
        group.bench_function("to_fhir", |b| {
            b.iter(|| {
                let message = Message::parse(black_box(bytes)).expect("a message");
                fhir::to_vec(&translator.to_fhir(&message, &STANDARD, None))
            })
        });
        group.bench_function("to_fhir_ledger", |b| {
            b.iter(|| {
                let message = Message::parse(black_box(bytes)).expect("a message");
                let mut ledger = Ledger::new();
                let bundle = translator.to_fhir(&message, &STANDARD, Some(&mut ledger));
                (fhir::to_vec(&bundle), ledger)
            })
        });
        group.bench_function("map_only", |b| {
            b.iter(|| translator.to_fhir(black_box(&message), &STANDARD, None))
        });
        group.bench_function("json_only", |b| b.iter(|| fhir::to_vec(black_box(&bundle))));
        group.bench_function("to_hl7", |b| {
            b.iter(|| {
                translator
                    .to_hl7(black_box(&bundle), &STANDARD, None)
                    .expect("a message")
            })
        });
        group.bench_function("dialect", |b| {
            b.iter(|| {
                let message = Message::parse(black_box(bytes)).expect("a message");
                let mut out = Vec::with_capacity(bytes.len());
                translator.convert(&message, &STANDARD, &STANDARD, &mut out, None);
                out
            })
        });
        group.finish();
    }
}

criterion_group!(benches, translate_benches);
criterion_main!(benches);
