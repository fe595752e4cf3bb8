//! Framing alone: what a byte of HL7 costs before anyone reads it.
//!
//! The rival is the plain way to find the end of a frame, byte by byte; `chunks` feeds a large frame in pieces
//! as a socket does, where a decoder that starts over at every piece needs quadratic time.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mllp::{Decoder, encode};

const ADT: &[u8] = include_bytes!("../fixtures/bench/adt_a01.hl7");
const FRAME_BYTES_MAX: usize = 16 << 20;
/// What one read from a socket usually brings.
const PIECE_BYTES: usize = 8 << 10;

fn wire(payload: &[u8], frames: usize) -> BytesMut {
    let mut wire = BytesMut::new();
    for _ in 0..frames {
        encode(payload, &mut wire).expect("a message can be framed");
    }
    wire
}

/// Frames found in a stream that arrives in pieces.
fn decode(stream: &[u8], piece_bytes: usize) -> usize {
    let mut decoder = Decoder::new(FRAME_BYTES_MAX);
    let mut buffer = BytesMut::with_capacity(stream.len().min(4 * PIECE_BYTES));
    let mut frames = 0;
    for piece in stream.chunks(piece_bytes) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.next(&mut buffer) {
            black_box(frame.expect("whole"));
            frames += 1;
        }
    }
    frames
}

fn decode_benches(criterion: &mut Criterion) {
    let large = ADT.repeat((1 << 20) / ADT.len());
    for (subject, stream, frames) in [
        ("adt_a01_64_pipelined", wire(ADT, 64), 64),
        ("one_of_1_mib", wire(&large, 1), 1),
    ] {
        let mut group = criterion.benchmark_group(format!("mllp/{subject}"));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        assert_eq!(decode(&stream, PIECE_BYTES), frames);
        group.bench_function("own_chunks", |b| {
            b.iter(|| decode(black_box(&stream), PIECE_BYTES))
        });
        group.bench_function("own_whole", |b| {
            b.iter(|| decode(black_box(&stream), stream.len()))
        });
        group.bench_function("byte_by_byte", |b| {
            b.iter(|| {
                black_box(&stream)
                    .windows(2)
                    .filter(|two| *two == b"\x1c\r")
                    .count()
            })
        });
        group.finish();
    }
}

fn encode_benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mllp/encode");
    group.throughput(Throughput::Bytes(ADT.len() as u64));
    let mut out = BytesMut::with_capacity(2 * ADT.len());
    group.bench_function("adt_a01", |b| {
        b.iter(|| {
            out.clear();
            encode(black_box(ADT), &mut out)
        })
    });
    group.finish();
}

criterion_group!(benches, decode_benches, encode_benches);
criterion_main!(benches);
