//! Sixteen bytes against ranges, with SSE2.
//!
//! All `unsafe` code of the engine is here and in `lanes`. It is sound: the functions below ask for nothing but SSE2, which is part of every `x86_64`
//! (the file is compiled for nothing else), and what they read is an array of the sixteen bytes that they load, wherever it lies.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128,
    _mm_sub_epi8, _mm_subs_epu8,
};

use super::Ranges;

/// A bit for each of sixteen bytes that the ranges leave out.
#[inline(always)]
pub(super) fn outside(chunk: &[u8; 16], ranges: &Ranges) -> u32 {
    // SAFETY: SSE2 is there on every x86_64.
    unsafe { outside_sse2(chunk, ranges) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn outside_sse2(chunk: &[u8; 16], ranges: &Ranges) -> u32 {
    let bytes = load(chunk);
    let mut within = one(bytes, ranges, 0);
    if ranges.count > 1 {
        within = _mm_or_si128(within, one(bytes, ranges, 1));
        if ranges.count > 2 {
            within = _mm_or_si128(within, one(bytes, ranges, 2));
            within = _mm_or_si128(within, one(bytes, ranges, 3));
            if ranges.count > 4 {
                within = _mm_or_si128(within, one(bytes, ranges, 4));
                within = _mm_or_si128(within, one(bytes, ranges, 5));
            }
        }
    }
    let mask = _mm_movemask_epi8(within) as u32;
    if ranges.negated { mask } else { mask ^ 0xFFFF }
}

/// The same, of ranges that are all but one byte, or two.
#[inline(always)]
pub(super) fn outside_few(chunk: &[u8; 16], ranges: &Ranges) -> u32 {
    // SAFETY: SSE2 is there on every x86_64.
    unsafe { outside_few_sse2(chunk, ranges) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn outside_few_sse2(chunk: &[u8; 16], ranges: &Ranges) -> u32 {
    let bytes = load(chunk);
    let first = _mm_cmpeq_epi8(bytes, load(&ranges.firsts[0]));
    let second = _mm_cmpeq_epi8(bytes, load(&ranges.firsts[1]));
    _mm_movemask_epi8(_mm_or_si128(first, second)) as u32
}

/// A bit for each of sixteen bytes that is a digit, and one for each that is the mark.
#[inline(always)]
pub(super) fn digits_and_marks(chunk: &[u8; 16], mark: u8) -> (u32, u32) {
    // SAFETY: SSE2 is there on every x86_64.
    unsafe { digits_and_marks_sse2(chunk, mark) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn digits_and_marks_sse2(chunk: &[u8; 16], mark: u8) -> (u32, u32) {
    let bytes = load(chunk);
    let distance = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0' as i8));
    let digits = _mm_cmpeq_epi8(_mm_subs_epu8(distance, _mm_set1_epi8(9)), _mm_setzero_si128());
    let marks = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(mark as i8));
    (_mm_movemask_epi8(digits) as u32, _mm_movemask_epi8(marks) as u32)
}

/// Whether each byte is at most so much more than the first at its place.
#[inline(always)]
pub(super) fn within(chunk: &[u8; 32], firsts: &[u8; 32], mores: &[u8; 32]) -> bool {
    // SAFETY: SSE2 is there on every x86_64.
    unsafe { within_sse2(chunk.as_chunks().0, firsts.as_chunks().0, mores.as_chunks().0) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn within_sse2(chunk: &[[u8; 16]], firsts: &[[u8; 16]], mores: &[[u8; 16]]) -> bool {
    let beyond = |half: usize| {
        let distance = _mm_sub_epi8(load(&chunk[half]), load(&firsts[half]));
        _mm_subs_epu8(distance, load(&mores[half]))
    };
    let none = _mm_cmpeq_epi8(_mm_or_si128(beyond(0), beyond(1)), _mm_setzero_si128());
    _mm_movemask_epi8(none) == 0xFFFF
}

/// All ones where a byte is in a range: its distance from the first is not more than it may be.
#[inline]
#[target_feature(enable = "sse2")]
fn one(bytes: __m128i, ranges: &Ranges, index: usize) -> __m128i {
    let distance = _mm_sub_epi8(bytes, load(&ranges.firsts[index]));
    _mm_cmpeq_epi8(_mm_subs_epu8(distance, load(&ranges.mores[index])), _mm_setzero_si128())
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: sixteen bytes are there to read, and the instruction asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
