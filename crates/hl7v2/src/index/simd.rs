//! The scan, sixty-four bytes at a time: the one module with `unsafe` in it.
//!
//! # Why it is sound
//!
//! Two things are unsafe here. Calling [`scan_avx2`] and [`find_any_avx2`], which are compiled for AVX2, BMI1 and
//! POPCNT: they are called only after the processor said it has all three. And, in [`load`], reading 32 bytes through a
//! pointer: it comes from an array reference of exactly 64 bytes, at offset 0 or 32, and needs no alignment. Everything else —
//! slicing, noting offsets — is safe code, and [`Marks`] checks every index.
//!
//! The scalar twin is `scalar.rs`; a property test here and the fuzz target `index` compare the two.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
};

use super::marks::Marks;
use super::{BLOCK, to_u32};

/// Runs the vector scan when this processor has it; false when it does not and nothing was done.
#[inline]
pub(super) fn scan(bytes: &[u8], start: usize, field: u8, marks: &mut Marks) -> bool {
    if !is_available() {
        return false;
    }
    // SAFETY: `is_available` names every feature the function is compiled for.
    unsafe { scan_avx2(bytes, start, field, marks) };
    true
}

/// One bit for each byte of a block that is any of three; none when this processor cannot.
#[inline]
pub(super) fn find_any(block: &[u8; BLOCK], any: [u8; 3]) -> Option<u64> {
    // SAFETY: `is_available` names every feature the function is compiled for.
    is_available().then(|| unsafe { find_any_avx2(block, any) })
}

#[inline]
fn is_available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn scan_avx2(bytes: &[u8], start: usize, field: u8, marks: &mut Marks) {
    let field = _mm256_set1_epi8(field.cast_signed());
    let (blocks, tail) = bytes.get(start..).unwrap_or_default().as_chunks::<BLOCK>();
    let mut base = to_u32(start);
    // Whether the byte before this block ended a line: the next one then only lengthens the terminator.
    let mut after_end = 0;
    let mut used = 0;
    for block in blocks {
        let (separators, ends) = masks(block, field);
        note_lines(base, used, separators, ends & !((ends << 1) | after_end), marks);
        used = note_separators(base, used, separators, marks);
        after_end = ends >> (BLOCK - 1);
        base += BLOCK as u32;
        if marks.is_full(used) {
            break;
        }
    }
    if !tail.is_empty() {
        // NUL is neither a separator nor a line end, so padding adds nothing.
        let mut block = [0; BLOCK];
        if let Some(filled) = block.get_mut(..tail.len()) {
            filled.copy_from_slice(tail);
        }
        let (separators, ends) = masks(&block, field);
        note_lines(base, used, separators, ends & !((ends << 1) | after_end), marks);
        used = note_separators(base, used, separators, marks);
    }
    marks.used = used;
}

/// Notes the line ends of one block, one bit each.
#[inline(always)]
fn note_lines(base: u32, used: usize, separators: u64, mut ends: u64, marks: &mut Marks) {
    while ends != 0 {
        let offset = ends.trailing_zeros();
        let in_line = separators & ((1 << offset) - 1);
        marks.line_end(base + offset, to_u32(used) + in_line.count_ones());
        ends &= ends - 1;
    }
}

/// Notes the separators of one block, one bit each, and gives how many there are now.
///
/// Four at a time and then some too many, so that the branches depend on the count alone; `used` says which are
/// real. Two offsets go into one 64-bit word because the compiler's own way of joining them is slower.
#[inline(always)]
fn note_separators(base: u32, used: usize, separators: u64, marks: &mut Marks) -> usize {
    const STEP: usize = 4;
    let count = separators.count_ones() as usize;
    let bases = u64::from(base) | (u64::from(base) << 32);
    let mut left = separators;
    let (steps, _) = marks.free::<BLOCK>(used).as_chunks_mut::<STEP>();
    for step in steps.iter_mut().take(count.div_ceil(STEP)) {
        let mut pair = || {
            let mut next = || {
                let offset = u64::from(left.trailing_zeros());
                left &= left.wrapping_sub(1);
                offset
            };
            let offsets = next() | (next() << 32);
            let [a, b] = [0, 32].map(|shift| (bases.wrapping_add(offsets) >> shift) as u32);
            [a, b]
        };
        let ([a, b], [c, d]) = (pair(), pair());
        *step = [a, b, c, d];
    }
    used + count
}

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn find_any_avx2(block: &[u8; BLOCK], any: [u8; 3]) -> u64 {
    let [a, b, c] = any.map(|byte| _mm256_set1_epi8(byte.cast_signed()));
    let hits = |half| {
        let two = _mm256_or_si256(_mm256_cmpeq_epi8(half, a), _mm256_cmpeq_epi8(half, b));
        _mm256_or_si256(two, _mm256_cmpeq_epi8(half, c))
    };
    let (low, high) = load(block);
    join(hits(low), hits(high))
}

/// One bit per byte: is it a field separator, does it end a line.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn masks(block: &[u8; BLOCK], field: __m256i) -> (u64, u64) {
    let cr = _mm256_set1_epi8(b'\r'.cast_signed());
    let lf = _mm256_set1_epi8(b'\n'.cast_signed());
    let (low, high) = load(block);
    let ends = |half| _mm256_or_si256(_mm256_cmpeq_epi8(half, cr), _mm256_cmpeq_epi8(half, lf));
    let separators = join(_mm256_cmpeq_epi8(low, field), _mm256_cmpeq_epi8(high, field));
    (separators, join(ends(low), ends(high)))
}

#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn load(block: &[u8; BLOCK]) -> (__m256i, __m256i) {
    let first: *const u8 = block.as_ptr();
    // SAFETY: `block` is 64 bytes long, so 32 bytes from offset 0 and 32 from offset 32 lie inside it; the load
    // asks for no alignment.
    unsafe {
        (
            _mm256_loadu_si256(first.cast()),
            _mm256_loadu_si256(first.add(BLOCK / 2).cast()),
        )
    }
}

/// The top bit of each byte of both halves, the low half first.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn join(low: __m256i, high: __m256i) -> u64 {
    let [low, high] = [low, high].map(|half| u64::from(_mm256_movemask_epi8(half).cast_unsigned()));
    low | (high << 32)
}
