//! Any bytes, cut anywhere: no panic, no byte unaccounted for, and the cuts change nothing.
//!
//! The first byte chooses the frame limit, the second the size of the pieces.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use mllp::{Decoder, Frame, FrameError, Refusal, encode};

/// Decodes in pieces; what came out, in order, and the noise.
fn decode(stream: &[u8], piece: usize, frame_bytes_max: usize) -> (Vec<Result<Frame, Refusal>>, u64) {
    let mut decoder = Decoder::new(frame_bytes_max);
    let mut buffer = BytesMut::new();
    let mut found = Vec::new();
    for part in stream.chunks(piece) {
        buffer.extend_from_slice(part);
        while let Some(result) = decoder.next(&mut buffer) {
            found.push(result);
        }
        assert!(
            buffer.len() <= frame_bytes_max.max(1) + 1,
            "what is kept is bounded"
        );
    }
    found.extend(decoder.give_up(&mut buffer, FrameError::Unterminated).map(Err));
    (found, decoder.noise_bytes())
}

fuzz_target!(|bytes: &[u8]| {
    let [limit, piece, stream @ ..] = bytes else {
        return;
    };
    let (frame_bytes_max, piece) = (1 + usize::from(*limit) * 8, 1 + usize::from(*piece));
    let (whole, noise) = decode(stream, stream.len().max(1), frame_bytes_max);
    let (cut, cut_noise) = decode(stream, piece, frame_bytes_max);
    assert_eq!(noise, cut_noise);
    assert_eq!(whole.len(), cut.len());

    let mut accounted = noise;
    let mut wire = BytesMut::new();
    let mut sent = Vec::new();
    for (whole, cut) in whole.iter().zip(&cut) {
        match (whole, cut) {
            (Ok(whole), Ok(cut)) => {
                assert_eq!(whole, cut);
                assert!(whole.len() <= frame_bytes_max);
                accounted += whole.len() as u64 + 3;
                encode(whole, &mut wire).expect("what came out of a frame fits into one");
                sent.push(whole);
            }
            (Err(whole), Err(cut)) => {
                assert_eq!((whole.error, whole.bytes_seen), (cut.error, cut.bytes_seen));
                accounted += whole.bytes_seen;
            }
            _ => panic!("a cut changed the outcome"),
        }
    }
    // A refused frame has its <VT>, and its end if it had one.
    let refused = whole.iter().filter(|result| result.is_err()).count() as u64;
    assert!((accounted + refused..=accounted + refused * 3).contains(&(stream.len() as u64)));

    let (again, noise) = decode(&wire, piece, frame_bytes_max);
    assert_eq!(noise, 0);
    assert!(
        again
            .iter()
            .map(|result| result.as_ref().expect("whole"))
            .eq(sent)
    );
});
