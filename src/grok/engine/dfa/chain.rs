//! A shortcut of an automaton over words with a mark between them, as names of classes have them: all of them at once.
//!
//! The automaton itself is asked: the heads of words lead to one state, which the bytes of a word and a mark and a head lead back to. Where
//! things can end before a mark, the last one is the end that counts, and there may be others.

use super::super::bytes::ByteSet;
use super::super::scan::{Links, links_end};
use super::{DEAD, Dfa, ENDS, OTHERS, ROW, Scan, UNSURE};

/// What may be between words.
const MARKS: [u8; 4] = *b".-:_";
/// With less in a word it is not worth it.
const LEAST: u32 = 20;

/// The shortcut.
#[derive(Debug)]
pub(super) struct Chain {
    /// The state where it begins, the one in a word, and the one after a mark.
    pub(super) row: u32,
    word: u32,
    after_mark: u32,
    links: Links,
    /// Whether it can end before a mark, and whether there may be others then.
    flags: u32,
}

impl Chain {
    pub(super) fn new(dfa: &Dfa, row: u32) -> Option<Chain> {
        // Out of order, several ends are no end.
        if !dfa.ordered {
            return None;
        }
        let entry = |row: u32, byte: u8| dfa.table[row as usize + usize::from(dfa.classes[usize::from(byte)])];
        let leads = |row: u32, byte: u8, to: u32| {
            entry(row, byte) & (DEAD | ENDS | OTHERS | UNSURE) == 0 && entry(row, byte) & ROW == to
        };
        let word = dfa.go(row, b'a')?;
        let set = |from: u32| -> ByteSet { (0..=255).filter(|byte| leads(from, *byte, word)).collect() };
        let (heads, bytes) = (set(row), set(word));
        let (mark, after_mark, flags) = MARKS.iter().find_map(|mark| {
            let marked = entry(word, *mark);
            let after = marked & ROW;
            let known = marked & (DEAD | UNSURE) == 0 && after != word && set(after) == heads;
            known.then_some((*mark, after, marked & (ENDS | OTHERS)))
        })?;
        let mut all = bytes;
        all.insert(mark);
        if bytes.len() < LEAST || heads.is_empty() || heads.contains(mark) || bytes.contains(mark) {
            return None;
        }
        Some(Chain { row, word, after_mark, links: Links::new(all, heads, mark)?, flags })
    }

    /// What the automaton finds, if it is done with what comes after the words.
    #[inline(always)]
    pub(super) fn scan(&self, dfa: &Dfa, text: &[u8], start: usize) -> Option<Scan> {
        let found = links_end(text, start, &self.links)?;
        let row = if found.marks > 0 && found.last + 1 == found.end { self.after_mark } else { self.word };
        let class = dfa.class(text.get(found.end).copied());
        let entry = dfa.table[row as usize + class];
        if entry & (DEAD | UNSURE) != DEAD {
            return None;
        }
        let here = u32::from(entry & ENDS != 0);
        let before = if self.flags & ENDS != 0 { found.marks } else { 0 };
        let flags = (if here > 0 { entry } else { 0 }) | (if before > 0 { self.flags } else { 0 });
        let others = here + before > 1 || flags & OTHERS != 0;
        let end = match (here, before) {
            (0, 0) => super::NOWHERE,
            (0, _) => found.last,
            _ => found.end,
        };
        Some(Scan { end, read: found.end << 1 | usize::from(others && dfa.several) })
    }

    /// Bytes that it occupies.
    pub(super) fn size(&self) -> usize {
        size_of::<Chain>() + self.links.size()
    }
}
