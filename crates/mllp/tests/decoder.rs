//! The decoder's rules, one by one, and that no cut of the stream changes what comes out.

use bytes::{Bytes, BytesMut};
use mllp::{Decoder, FrameError, Refusal, encode};
use proptest::collection::vec;
use proptest::prelude::*;

const MESSAGE: &[u8] = b"MSH|^~\\&|LAB|\rPID|1||999\r";

/// What came out, comparable.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Frame(Vec<u8>, u32),
    Refused(FrameError, u64),
}

fn out(result: Result<mllp::Frame, Refusal>) -> Out {
    match result {
        Ok(frame) => Out::Frame(frame.to_vec(), frame.inner_starts()),
        Err(refusal) => Out::Refused(refusal.error, refusal.bytes_seen),
    }
}

/// Feeds the stream in pieces of these sizes (the last one again and again).
fn decode_in(pieces: &[usize], stream: &[u8], frame_bytes_max: usize) -> (Vec<Out>, u64, bool) {
    let mut decoder = Decoder::new(frame_bytes_max);
    let mut buffer = BytesMut::new();
    let mut found = Vec::new();
    let (mut rest, mut sizes) = (stream, pieces.iter().copied());
    let mut size = stream.len();
    while !rest.is_empty() {
        size = sizes
            .next()
            .unwrap_or(size)
            .clamp(1, rest.len().max(1))
            .min(rest.len());
        buffer.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        while let Some(result) = decoder.next(&mut buffer) {
            found.push(out(result));
        }
    }
    (found, decoder.noise_bytes(), decoder.is_inside())
}

fn decode(stream: &[u8]) -> Vec<Out> {
    decode_in(&[], stream, 1 << 20).0
}

fn frame(payload: &[u8]) -> Out {
    Out::Frame(payload.to_vec(), 0)
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [b"\x0b", payload, b"\x1c\r"].concat()
}

#[test]
fn pipelined_frames_come_out_one_by_one() {
    let stream = [framed(b"MSH|1"), framed(b"MSH|2"), framed(b"MSH|3")].concat();
    assert_eq!(
        decode(&stream),
        [frame(b"MSH|1"), frame(b"MSH|2"), frame(b"MSH|3")]
    );
}

#[test]
fn bytes_between_frames_are_counted_and_skipped() {
    let stream = [
        b"\0\0".to_vec(),
        framed(b"a"),
        b"\r\n\0 junk".to_vec(),
        framed(b"b"),
        b"\n".to_vec(),
    ]
    .concat();
    let (found, noise, inside) = decode_in(&[], &stream, 1024);
    assert_eq!(found, [frame(b"a"), frame(b"b")]);
    assert_eq!((noise, inside), (11, false));
}

#[test]
fn a_lone_end_block_is_payload() {
    assert_eq!(decode(&framed(b"NTE|1||a\x1cb")), [frame(b"NTE|1||a\x1cb")]);
    assert_eq!(decode(b"\x0ba\x1c\x1c\r"), [frame(b"a\x1c")]);
}

#[test]
fn a_start_block_inside_a_line_is_payload_and_counted() {
    let payload = b"NTE|1||one\x0btwo\x0bthree";
    assert_eq!(decode(&framed(payload)), [Out::Frame(payload.to_vec(), 2)]);
}

#[test]
fn a_start_block_at_a_line_start_never_welds_two_messages() {
    for cut in [
        &b"MSH|first\r"[..],
        b"MSH|first\r\n",
        b"MSH|first\x1c",
        b"MSH|first\0",
    ] {
        let stream = [b"\x0b", cut, &framed(MESSAGE)].concat();
        let refused = Out::Refused(FrameError::Unterminated, cut.len() as u64);
        assert_eq!(decode(&stream), [refused, frame(MESSAGE)], "after {cut:?}");
    }
}

#[test]
fn a_doubled_start_block_is_noise() {
    let (found, noise, _) = decode_in(&[], b"\x0b\x0b\x0bMSH|\x1c\r", 1024);
    assert_eq!((found, noise), (vec![frame(b"MSH|")], 2));
}

#[test]
fn an_empty_frame_is_a_frame() {
    assert_eq!(decode(b"\x0b\x1c\r"), [frame(b"")]);
}

#[test]
fn the_limit_is_exact() {
    let at_limit = framed(&[b'x'; 64]);
    let beyond = framed(&[b'x'; 65]);
    assert_eq!(decode_in(&[], &at_limit, 64).0, [frame(&[b'x'; 64])]);
    let refused = Out::Refused(FrameError::TooLarge { frame_bytes_max: 64 }, 65);
    assert_eq!(decode_in(&[], &beyond, 64).0, [refused]);
}

#[test]
fn a_frame_beyond_the_limit_is_skipped_in_bounded_memory_and_the_next_one_read() {
    let mut decoder = Decoder::new(1 << 10);
    let mut buffer = BytesMut::from(&b"\x0bMSH|head"[..]);
    let chunk = [b'x'; 4096];
    for _ in 0..1_000 {
        buffer.extend_from_slice(&chunk);
        assert!(decoder.next(&mut buffer).is_none());
        assert!(buffer.len() <= 8 << 10, "{} bytes are kept", buffer.len());
    }
    buffer.extend_from_slice(b"\x1c\r\x0bnext\x1c\r");
    let refusal = decoder
        .next(&mut buffer)
        .expect("its end")
        .expect_err("too large");
    assert_eq!(
        refusal.error,
        FrameError::TooLarge {
            frame_bytes_max: 1 << 10
        }
    );
    assert_eq!(refusal.bytes_seen, 8 + 1_000 * 4096);
    assert!(refusal.head.starts_with(b"MSH|head") && refusal.head.len() <= 4 << 10);
    assert_eq!(decoder.next(&mut buffer).map(out), Some(frame(b"next")));
}

#[test]
fn a_new_frame_ends_one_that_is_being_skipped() {
    let stream = [&b"\x0b"[..], &[b'x'; 100], b"\r", &framed(b"next")].concat();
    let refused = Out::Refused(FrameError::TooLarge { frame_bytes_max: 64 }, 101);
    for piece in [1, 2, 7, 500] {
        assert_eq!(
            decode_in(&[piece], &stream, 64).0,
            [refused.clone(), frame(b"next")],
            "by {piece}"
        );
    }
}

#[test]
fn giving_up_hands_out_what_there_is() {
    let mut decoder = Decoder::new(1024);
    let mut buffer = BytesMut::from(&b"\x0bMSH|cut"[..]);
    assert!(decoder.next(&mut buffer).is_none());
    let refusal = decoder
        .give_up(&mut buffer, FrameError::Unterminated)
        .expect("a frame had begun");
    assert_eq!((&refusal.head[..], refusal.bytes_seen), (&b"MSH|cut"[..], 7));
    assert!(decoder.give_up(&mut buffer, FrameError::Unterminated).is_none());
}

#[test]
fn skipping_on_request_reports_the_reason_at_the_end() {
    let reason = FrameError::Overloaded {
        in_flight_bytes_max: 1,
    };
    for cut in 1..12 {
        let stream = framed(b"MSH|abcdef\x1c");
        let mut decoder = Decoder::new(1024);
        let mut buffer = BytesMut::from(&stream[..cut]);
        assert!(decoder.next(&mut buffer).is_none());
        decoder.skip_frame(&mut buffer, reason);
        buffer.extend_from_slice(&stream[cut..]);
        buffer.extend_from_slice(&framed(b"next"));
        assert_eq!(
            decoder.next(&mut buffer).map(out),
            Some(Out::Refused(reason, 11)),
            "cut at {cut}"
        );
        assert_eq!(
            decoder.next(&mut buffer).map(out),
            Some(frame(b"next")),
            "cut at {cut}"
        );
    }
}

#[test]
fn what_would_cut_a_frame_is_not_encoded() {
    for (payload, offset) in [(&b"a\x1c\rb"[..], 1), (b"\x0bMSH|", 0), (b"MSH|\r\x0bPID|", 5)] {
        let mut out = BytesMut::new();
        assert_eq!(
            encode(payload, &mut out).map_err(|error| error.offset),
            Err(offset)
        );
        assert!(out.is_empty());
    }
}

#[test]
fn debug_shows_no_payload() {
    let frame = mllp::Frame::new(Bytes::from_static(b"PID|1||OKONKWO"));
    let refusal = Refusal {
        error: FrameError::Unterminated,
        head: frame.bytes().clone(),
        bytes_seen: 14,
    };
    assert!(!format!("{frame:?}{refusal:?}").contains("OKONKWO"));
}

/// Bytes in which the marks are frequent.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        Just(0x0b),
        Just(0x1c),
        Just(b'\r'),
        Just(b'\n'),
        Just(0),
        Just(b'M'),
        any::<u8>()
    ];
    vec(byte, 0..200)
}

proptest! {
    #[test]
    fn no_split_changes_the_outcome(
        stream in stream(), pieces in vec(1_usize..9, 0..40), frame_bytes_max in 1_usize..80,
    ) {
        prop_assert_eq!(
            decode_in(&pieces, &stream, frame_bytes_max),
            decode_in(&[], &stream, frame_bytes_max)
        );
    }

    #[test]
    fn every_payload_that_encodes_comes_back(
        payloads in vec(stream(), 1..5), noise in vec("[ \r\n\0x]{0,6}", 5),
    ) {
        let mut wire = BytesMut::new();
        let mut expected = Vec::new();
        for (payload, noise) in payloads.iter().zip(&noise) {
            wire.extend_from_slice(noise.as_bytes());
            if encode(payload, &mut wire).is_ok() {
                expected.push(payload.clone());
            }
        }
        let (found, noise_bytes, inside) = decode_in(&[1], &wire, 1024);
        let found: Vec<_> = found.into_iter().map(|each| match each {
            Out::Frame(payload, _) => payload,
            Out::Refused(error, _) => panic!("{error}"),
        }).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(!inside);
        prop_assert_eq!(noise_bytes as usize, noise.iter().take(payloads.len()).map(String::len).sum::<usize>());
    }

    #[test]
    fn every_byte_is_accounted_for(stream in stream()) {
        let mut decoder = Decoder::new(1 << 20);
        let mut buffer = BytesMut::from(&stream[..]);
        let (mut payload, mut marks) = (0_u64, 0_u64);
        while let Some(result) = decoder.next(&mut buffer) {
            match result {
                Ok(frame) => { payload += frame.len() as u64; marks += 3; }
                Err(refusal) => { payload += refusal.bytes_seen; marks += 1; }
            }
        }
        if let Some(refusal) = decoder.give_up(&mut buffer, FrameError::Unterminated) {
            payload += refusal.bytes_seen;
            marks += 1;
        }
        prop_assert_eq!(payload + marks + decoder.noise_bytes(), stream.len() as u64);
    }
}
