//! How far a run of bytes goes, whatever bytes it is of: sixteen at a time, each looked up by its two halves.
//!
//! What the machine has to have for that (AVX2 is asked for; half of it would do) is found out when the program runs. Who has a
//! [`Wide`] knows that it is there, since nothing else makes one. Elsewhere [`Narrow`] does the same with what every machine has.
//!
//! The `unsafe` code is sound: it calls functions that ask for AVX2 where a `Wide` proves that it is there, and what these read is an
//! array of the sixteen bytes that they load.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_setzero_si128,
    _mm_shuffle_epi8, _mm_srli_epi16,
};

use super::super::bytes::ByteSet;
use super::{Run, run_end};

/// A set of bytes to go over. Of those beyond ASCII it has all or none.
#[derive(Clone, Debug)]
pub(in super::super) struct Bytes {
    /// By the lower half of a byte, a bit for each upper half that makes an ASCII byte of the set; or of the rest, if the set has what is
    /// beyond ASCII.
    #[cfg(target_arch = "x86_64")]
    low: [u8; 16],
    /// A bit for each of sixteen bytes, if the table has the rest.
    #[cfg(target_arch = "x86_64")]
    negated: u32,
    run: Box<Run>,
}

impl Bytes {
    /// Of a set, if it has all bytes beyond ASCII or none.
    pub(in super::super) fn new(set: ByteSet) -> Option<Bytes> {
        let beyond = set.intersection(ByteSet::WIDE);
        if !beyond.is_empty() && beyond != ByteSet::WIDE {
            return None;
        }
        Some(Bytes {
            #[cfg(target_arch = "x86_64")]
            low: std::array::from_fn(|low| {
                let listed = |high: &u8| set.contains(high << 4 | low as u8) == beyond.is_empty();
                (0..8).filter(listed).fold(0, |bits, high| bits | 1 << high)
            }),
            #[cfg(target_arch = "x86_64")]
            negated: if beyond.is_empty() { 0 } else { 0xFFFF },
            run: Box::new(Run::new(set)),
        })
    }

    /// Whether it has a byte.
    #[inline(always)]
    pub(in super::super) fn has(&self, byte: u8) -> bool {
        self.run.has(byte)
    }

    /// Bytes that it occupies.
    pub(in super::super) fn size(&self) -> usize {
        size_of::<Bytes>() + size_of::<Run>()
    }
}

/// A text, of which it is known up to where there is more of it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Text<'t> {
    pub(in super::super) bytes: &'t [u8],
    /// From positions below these there are eight bytes, or sixteen.
    eight: usize,
    sixteen: usize,
}

impl<'t> Text<'t> {
    #[inline(always)]
    pub(in super::super) fn new(bytes: &'t [u8]) -> Text<'t> {
        Text { bytes, eight: bytes.len().saturating_sub(7), sixteen: bytes.len().saturating_sub(15) }
    }

    /// The byte at a position; 256 at the end.
    #[inline(always)]
    pub(in super::super) fn next(self, at: usize) -> usize {
        self.bytes.get(at).map_or(256, |byte| usize::from(*byte))
    }

    /// Eight bytes from a position on, if there are as many.
    #[inline(always)]
    pub(in super::super) fn eight(self, at: usize) -> Option<u64> {
        // SAFETY: `eight` is made only in `new`, where it is such that `at + 8` is at most the length.
        (at < self.eight).then(|| u64::from_le_bytes(unsafe { *self.bytes.as_ptr().add(at).cast::<[u8; 8]>() }))
    }

    /// Sixteen bytes from a position on, if there are as many.
    #[inline(always)]
    pub(in super::super) fn sixteen(self, at: usize) -> Option<&'t [u8; 16]> {
        // SAFETY: `sixteen` is made only in `new`, where it is such that `at + 16` is at most the length.
        (at < self.sixteen).then(|| unsafe { &*self.bytes.as_ptr().add(at).cast::<[u8; 16]>() })
    }
}

/// How bytes are gone over.
pub(in super::super) trait Lanes: Copy {
    /// The first position from `at` on, which is not beyond the end, whose byte is not in the set; or the end of the text.
    fn end(self, text: Text<'_>, at: usize, bytes: &Bytes) -> usize;
}

/// Where a run of bytes ends, with the best that the machine has.
#[inline]
pub(in super::super) fn bytes_end(text: &[u8], at: usize, bytes: &Bytes) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = Wide::new() {
        // SAFETY: a `Wide` is made only where AVX2 and BMI1 are.
        return unsafe { wide_end(wide, text, at, bytes) };
    }
    Narrow.end(Text::new(text), at, bytes)
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,bmi1")]
fn wide_end(wide: Wide, text: &[u8], at: usize, bytes: &Bytes) -> usize {
    wide.end(Text::new(text), at, bytes)
}

/// Words with a mark between them.
#[derive(Clone, Debug)]
pub(in super::super) struct Links {
    /// The bytes of words, and the mark.
    all: Bytes,
    /// What a word begins with.
    heads: Bytes,
    mark: u8,
}

/// Where a row of words ends, where the last mark is, and how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct LinksEnd {
    pub(in super::super) end: usize,
    pub(in super::super) last: usize,
    pub(in super::super) marks: u32,
}

impl Links {
    pub(in super::super) fn new(all: ByteSet, heads: ByteSet, mark: u8) -> Option<Links> {
        Some(Links { all: Bytes::new(all)?, heads: Bytes::new(heads)?, mark })
    }

    /// Bytes that it occupies.
    pub(in super::super) fn size(&self) -> usize {
        self.all.size() + self.heads.size()
    }
}

/// Where words with marks end. It says nothing where a word is not as it has to be, near the end of a text, and on other machines.
pub(in super::super) fn links_end(text: &[u8], at: usize, links: &Links) -> Option<LinksEnd> {
    #[cfg(target_arch = "x86_64")]
    if let Some(wide) = Wide::new() {
        // SAFETY: a `Wide` is made only where AVX2 and BMI1 are.
        return unsafe { wide_links(wide, text, at, links) };
    }
    let _unused = (text, at, links);
    None
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,bmi1")]
fn wide_links(wide: Wide, text: &[u8], start: usize, links: &Links) -> Option<LinksEnd> {
    let text = Text::new(text);
    let (mut at, mut last, mut count) = (start, usize::MAX, 0);
    // The first byte has to be a head, too.
    let mut marked = 1;
    loop {
        let chunk = text.sixteen(at)?;
        let (outside, others) = (wide.outside(chunk, &links.all), wide.outside(chunk, &links.heads));
        let is_mark = _mm_cmpeq_epi8(load(chunk), _mm_set1_epi8(links.mark as i8));
        let marks = _mm_movemask_epi8(is_mark) as u32;
        let within = (outside & outside.wrapping_neg()).wrapping_sub(1) & 0xFFFF;
        if (marks << 1 | marked) & others & within != 0 {
            return None;
        }
        let marks = marks & within;
        if marks != 0 {
            last = at + 31 - marks.leading_zeros() as usize;
            count += marks.count_ones();
        }
        if outside != 0 {
            let end = at + outside.trailing_zeros() as usize;
            // Nothing is no word.
            return (end > start).then_some(LinksEnd { end, last, marks: count });
        }
        marked = marks >> 15;
        at += 16;
    }
}

/// With what every machine has.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Narrow;

impl Lanes for Narrow {
    #[inline(always)]
    fn end(self, text: Text<'_>, at: usize, bytes: &Bytes) -> usize {
        run_end(text.bytes, at, &bytes.run)
    }
}

/// With AVX2: that one is there proves that the machine has it.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Wide(());

#[cfg(target_arch = "x86_64")]
impl Wide {
    /// Does something with the machine's instructions, if it has them.
    #[inline(always)]
    pub(in super::super) fn new() -> Option<Wide> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1")).then_some(Wide(()))
    }

    /// Calls something that is compiled for the machine, as far as it is inlined.
    #[inline(always)]
    pub(in super::super) fn call<T>(self, work: impl FnOnce(Wide) -> T) -> T {
        #[target_feature(enable = "avx2,bmi1")]
        fn with<T>(wide: Wide, work: impl FnOnce(Wide) -> T) -> T {
            work(wide)
        }
        // SAFETY: a `Wide` is made only where AVX2 and BMI1 are.
        unsafe { with(self, work) }
    }

    /// A bit for each of sixteen bytes that is not in the set.
    #[inline(always)]
    fn outside(self, chunk: &[u8; 16], bytes: &Bytes) -> u32 {
        // SAFETY: a `Wide` is made only where AVX2 and BMI1 are.
        unsafe { outside(chunk, bytes) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Lanes for Wide {
    #[inline(always)]
    fn end(self, text: Text<'_>, at: usize, bytes: &Bytes) -> usize {
        let mut at = at;
        while let Some(chunk) = text.sixteen(at) {
            let outside = self.outside(chunk, bytes);
            if outside != 0 {
                return at + outside.trailing_zeros() as usize;
            }
            at += 16;
        }
        // SAFETY: a `Wide` is made only where AVX2 and BMI1 are.
        unsafe { near_end(text.bytes, at, bytes) }
    }
}

/// The same with less than sixteen bytes left.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,bmi1")]
fn near_end(text: &[u8], at: usize, bytes: &Bytes) -> usize {
    // What is left is looked at together with what was before it.
    let Some(chunk) = text.last_chunk::<16>() else { return run_end(text, at, &bytes.run) };
    let outside = outside(chunk, bytes) >> (at + 16 - text.len()).min(16);
    if outside == 0 { text.len() } else { at + outside.trailing_zeros() as usize }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn outside(chunk: &[u8; 16], bytes: &Bytes) -> u32 {
    // The bit of each upper half; those beyond ASCII have none.
    const HIGH: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
    let text = load(chunk);
    let high = _mm_and_si128(_mm_srli_epi16(text, 4), _mm_set1_epi8(0x0F));
    let within = _mm_and_si128(_mm_shuffle_epi8(load(&bytes.low), text), _mm_shuffle_epi8(load(&HIGH), high));
    _mm_movemask_epi8(_mm_cmpeq_epi8(within, _mm_setzero_si128())) as u32 ^ bytes.negated
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: sixteen bytes are there to read, and the instruction asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
