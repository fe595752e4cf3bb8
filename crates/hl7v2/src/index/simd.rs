//! The scan, sixty-four bytes at a time: the one module with `unsafe` in it.
//!
//! # Why it is sound
//!
//! Two things are unsafe here. Calling [`scan_avx2`], which is compiled for AVX2: [`scan`] calls it only after
//! the processor said it has it. And loading 32 bytes through a pointer: each pointer comes from an array
//! reference of exactly 64 bytes, at offset 0 or 32, and the load is the unaligned one. Everything else —
//! slicing, noting offsets, closing lines — is safe code shared with the scalar scan through [`Lines`].
//!
//! The scalar twin is `scalar.rs`; a property test here and the fuzz target `index` compare the two.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::Lines;
use crate::ParseError;

/// Bytes per step: one bit each in a mask.
pub(super) const BLOCK: usize = 64;

/// Runs the vector scan when this processor has it; none when it does not.
#[inline]
pub(super) fn scan(
    bytes: &[u8],
    start: usize,
    field: u8,
    lines: &mut Lines<'_>,
) -> Option<Result<(), ParseError>> {
    if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("bmi1") || !is_x86_feature_detected!("popcnt") {
        return None;
    }
    // SAFETY: the processor has every feature the function is compiled for, checked on the line above.
    Some(unsafe { scan_avx2(bytes, start, field, lines) })
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn scan_avx2(bytes: &[u8], start: usize, field: u8, lines: &mut Lines<'_>) -> Result<(), ParseError> {
    let field = _mm256_set1_epi8(field.cast_signed());
    let (blocks, tail) = bytes.get(start..).unwrap_or_default().as_chunks::<BLOCK>();
    let mut base = start;
    for block in blocks {
        let (separators, ends) = masks(block, field);
        lines.block(base, separators, ends)?;
        base += BLOCK;
    }
    if !tail.is_empty() {
        // NUL is neither a separator nor a line end, so padding adds nothing.
        let mut block = [0; BLOCK];
        if let Some(filled) = block.get_mut(..tail.len()) {
            filled.copy_from_slice(tail);
        }
        let (separators, ends) = masks(&block, field);
        lines.block(base, separators, ends)?;
    }
    Ok(())
}

/// One bit per byte: is it a field separator, does it end a line.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn masks(block: &[u8; BLOCK], field: __m256i) -> (u64, u64) {
    let cr = _mm256_set1_epi8(b'\r'.cast_signed());
    let lf = _mm256_set1_epi8(b'\n'.cast_signed());
    let low: *const u8 = block.as_ptr();
    // SAFETY: `block` is 64 bytes long, so 32 bytes from offset 0 and 32 from offset 32 lie inside it.
    let halves = unsafe { [_mm256_loadu_si256(low.cast()), _mm256_loadu_si256(low.add(BLOCK / 2).cast())] };
    let [low, high] = halves;
    let ends = |half| _mm256_or_si256(_mm256_cmpeq_epi8(half, cr), _mm256_cmpeq_epi8(half, lf));
    let separators = join(_mm256_cmpeq_epi8(low, field), _mm256_cmpeq_epi8(high, field));
    (separators, join(ends(low), ends(high)))
}

/// The top bit of each byte of both halves, the low half first.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn join(low: __m256i, high: __m256i) -> u64 {
    let [low, high] = [low, high].map(|half| u64::from(_mm256_movemask_epi8(half).cast_unsigned()));
    low | (high << 32)
}
