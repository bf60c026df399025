//! Which of many literals a text may contain, in one pass.
//!
//! Of each literal the three bytes that are rarest among all literals stand for it. A table of a few thousand entries, by a hash of
//! three bytes, has a bit for each; a text asks it at every position. It may say that a literal is there which is not (then the
//! expression is tried in vain), never the other way round.

use std::collections::HashMap;

const BITS: u32 = 12;

/// A table for literals.
#[derive(Debug)]
pub(super) struct Grams {
    /// Which groups of literals the three bytes may belong to: a bit for each, or none.
    table: Vec<u64>,
    /// For each bit, the expressions that have it.
    groups: Vec<Vec<u64>>,
    /// The expressions that need no literal.
    always: Vec<u64>,
}

fn hash(bytes: &[u8; 3]) -> usize {
    let value = u32::from(bytes[0]) | u32::from(bytes[1]) << 8 | u32::from(bytes[2]) << 16;
    (value.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

fn set(words: &mut [u64], index: usize) {
    words[index / 64] |= 1 << (index % 64);
}

impl Grams {
    /// A table for one literal an expression, if it spares much.
    pub(super) fn new(literals: &[Option<&[u8]>]) -> Option<Grams> {
        let words = literals.len().div_ceil(64);
        let mut count: HashMap<[u8; 3], usize> = HashMap::new();
        for literal in literals.iter().flatten() {
            for gram in literal.windows(3) {
                *count.entry([gram[0], gram[1], gram[2]]).or_default() += 1;
            }
        }
        let mut grams = Grams { table: vec![0; 1 << BITS], groups: Vec::new(), always: vec![0; words] };
        let mut by_gram: HashMap<[u8; 3], usize> = HashMap::new();
        let mut sparing = 0;
        for (index, literal) in literals.iter().enumerate() {
            let windows = literal.unwrap_or_default().windows(3).map(|gram| [gram[0], gram[1], gram[2]]);
            // Letters and digits in a row say more than what every line has.
            let dull = |gram: &[u8; 3]| gram.iter().filter(|byte| !byte.is_ascii_alphanumeric()).count();
            let Some(rarest) = windows.min_by_key(|gram| (count[gram], dull(gram))) else {
                set(&mut grams.always, index);
                continue;
            };
            sparing += 1;
            let next = by_gram.len();
            let group = *by_gram.entry(rarest).or_insert(next);
            // More than 64 groups share bits.
            let bit = group % 64;
            if bit == grams.groups.len() {
                grams.groups.push(vec![0; words]);
            }
            set(&mut grams.groups[bit], index);
            grams.table[hash(&rarest)] |= 1 << bit;
        }
        (sparing >= 3).then_some(grams)
    }

    /// The expressions that the text may match: a bit for each.
    pub(super) fn candidates(&self, text: &[u8], into: &mut Vec<u64>) {
        into.clear();
        into.extend_from_slice(&self.always);
        let mut seen = 0;
        for gram in text.windows(3) {
            seen |= self.table[hash(&[gram[0], gram[1], gram[2]])];
        }
        while seen != 0 {
            let bit = seen.trailing_zeros() as usize;
            seen &= seen - 1;
            for (word, bits) in into.iter_mut().zip(&self.groups[bit]) {
                *word |= bits;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_that_is_there_is_never_missed() {
        let literals: Vec<String> = (0..200).map(|number| format!("event={number:03}x")).collect();
        let all: Vec<Option<&[u8]>> = literals.iter().map(|text| Some(text.as_bytes())).collect();
        let grams = Grams::new(&all).unwrap();
        let mut candidates = Vec::new();
        for (index, literal) in literals.iter().enumerate() {
            grams.candidates(format!("a b {literal} c").as_bytes(), &mut candidates);
            assert!(candidates[index / 64] >> (index % 64) & 1 == 1, "{literal}");
        }
        grams.candidates(b"nothing of this", &mut candidates);
        assert!(candidates.iter().map(|word| word.count_ones()).sum::<u32>() < 20);
    }

    #[test]
    fn expressions_without_a_literal_are_always_tried() {
        let grams = Grams::new(&[Some(b"abc"), None, Some(b"def"), Some(b"ghi"), Some(b"x")]).unwrap();
        let mut candidates = Vec::new();
        grams.candidates(b"def", &mut candidates);
        assert_eq!(candidates, [0b10110]);
    }
}
