//! A shortcut of an automaton over a run of bytes: a word, a number, a name, what is quoted.
//!
//! The automaton itself is asked: from its first state, whatever byte of the heads comes, and however many bytes of the run, the
//! same bytes after it make an end that is the only one, and nothing is unsure on the way. So where the run ends so, that is what the
//! automaton would have found byte by byte.

use super::super::bytes::ByteSet;
use super::super::scan::{Run, run_end};
use super::{DEAD, Dfa, ENDS, Follow, OTHERS, ROW, UNSURE};

/// A shorter run of one kind is not worth it.
const LEAST: u32 = 8;
/// So long runs are looked at to find their bytes; then how long they may be.
const SAMPLE: usize = 6;
const LONGEST: usize = 80;
/// So many states are looked at.
const MOST_STATES: usize = 200;
/// What may be before and after the run.
const QUOTES: [(u8, u8); 4] = [(b'"', b'"'), (b'[', b']'), (b'<', b'>'), (b'\'', b'\'')];

/// The shortcut.
#[derive(Debug)]
pub(super) struct Lead {
    /// The state where it begins.
    pub(super) row: u32,
    quotes: Option<(u8, u8)>,
    heads: ByteSet,
    run: Run,
    /// How long the run may be, with its head.
    most: usize,
    /// What may come after; 256 is the end of the text.
    ends: [bool; 257],
    /// The heads are the bytes of the run.
    uniform: bool,
}

impl Lead {
    pub(super) fn new(dfa: &Dfa, row: u32, follow: Follow) -> Option<Lead> {
        let plain = Search { dfa, close: None, sample: sample(follow) }.lead(row, row, None);
        plain.or_else(|| {
            QUOTES.iter().find_map(|quotes| {
                let inner = dfa.go(row, quotes.0)?;
                Search { dfa, close: Some(quotes.1), sample: sample(follow) }.lead(row, inner, Some(*quotes))
            })
        })
    }

    /// Whether a byte may come after it.
    pub(super) fn may_come(&self, byte: u8) -> bool {
        self.ends[usize::from(byte)]
    }

    /// Where the run that is at a position ends, if it is a match.
    #[inline(always)]
    pub(super) fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let end = self.end_anyhow(text, at)?;
        self.ends[text.get(end).map_or(256, |byte| usize::from(*byte))].then_some(end)
    }

    /// The same, if what comes after it may come.
    #[inline(always)]
    pub(super) fn end_anyhow(&self, text: &[u8], at: usize) -> Option<usize> {
        let head = match self.quotes {
            Some((open, _)) if text.get(at) != Some(&open) => return None,
            Some(_) => at + 1,
            None => at,
        };
        let from = if self.uniform {
            head
        } else if self.heads.contains(*text.get(head)?) {
            head + 1
        } else {
            return None;
        };
        let mut end = run_end(text, from, &self.run);
        // None is too few.
        if (end - head).wrapping_sub(1) >= self.most {
            return None;
        }
        if let Some((_, close)) = self.quotes {
            if text.get(end) != Some(&close) {
                return None;
            }
            end += 1;
        }
        Some(end)
    }
}

/// A byte that may well follow.
fn sample(follow: Follow) -> Option<u8> {
    let byte = if follow.set.contains(b' ') { Some(b' ') } else { follow.set.first() };
    byte.filter(|_| !(follow.end && follow.set.is_empty()))
}

/// The shortcut, for others.
pub(in super::super) struct LeadParts {
    pub(in super::super) run: ByteSet,
    /// How long the run may be, with its head.
    pub(in super::super) most: usize,
    pub(in super::super) quotes: Option<(u8, u8)>,
    /// What it begins with, where that is not as all of it.
    pub(in super::super) heads: Option<ByteSet>,
    /// What may come after, where that has to be asked.
    pub(in super::super) ends: Option<[bool; 257]>,
}

struct Search<'d> {
    dfa: &'d Dfa,
    close: Option<u8>,
    sample: Option<u8>,
}

/// Which classes of bytes.
type Classes = Vec<bool>;

impl Search<'_> {
    /// Whether an end that is the only one to be told of is at a state, before a class of bytes.
    fn ends(&self, row: u32, class: usize) -> bool {
        let row = match self.close {
            Some(close) => self.go(row, usize::from(self.dfa.classes[usize::from(close)])),
            None => Some(row),
        };
        let asked = if self.dfa.tells_others() { ENDS | DEAD | OTHERS | UNSURE } else { ENDS | DEAD | UNSURE };
        row.is_some_and(|row| self.dfa.table[row as usize + class] & asked == ENDS | DEAD)
    }

    /// Where a class leads. An end on the way does not matter where a later one is taken and nobody asks for the others.
    fn go(&self, row: u32, class: usize) -> Option<u32> {
        let asked = if self.dfa.tells_others() { DEAD | ENDS | UNSURE } else { DEAD | UNSURE };
        let entry = self.dfa.table[row as usize + class];
        (entry & asked == 0).then_some(entry & ROW)
    }

    /// Where a class leads, if it can end there.
    fn good(&self, row: u32, class: usize) -> Option<u32> {
        let sample = self.dfa.class(self.sample);
        self.go(row, class).filter(|row| self.ends(*row, sample))
    }

    fn lead(&self, row: u32, first: u32, quotes: Option<(u8, u8)>) -> Option<Lead> {
        let heads: Classes = (0..self.dfa.end_class).map(|class| self.good(first, class).is_some()).collect();
        let mut set = vec![true; self.dfa.end_class];
        let (most, rows) = loop {
            if !heads.contains(&true) || !set.contains(&true) {
                return None;
            }
            match self.reached(first, &heads, &set) {
                Ok(found) => break found,
                Err(bad) => set.iter_mut().zip(bad).for_each(|(set, bad)| *set &= !bad),
            }
        };
        let bytes =
            |classes: &Classes| -> ByteSet { (0..=255).filter(|byte| classes[self.dfa.class(Some(*byte))]).collect() };
        let run = bytes(&set);
        if run.len() < LEAST || !Run::is_quick(run) {
            return None;
        }
        let ends_before = |class: usize| {
            let goes_on = quotes.is_none() && set.get(class).is_some_and(|within| *within);
            !goes_on && rows.iter().all(|row| self.ends(*row, class))
        };
        let by_class: Classes = (0..=self.dfa.end_class).map(ends_before).collect();
        let ends = std::array::from_fn(|byte| by_class[self.dfa.class(u8::try_from(byte).ok())]);
        let heads = bytes(&heads);
        Some(Lead { row, quotes, heads, run: Run::new(run), most, ends, uniform: heads == run })
    }

    /// How long runs of the set can be, and the states that they lead to; or what leads short ones astray.
    fn reached(&self, first: u32, heads: &Classes, set: &Classes) -> Result<(usize, Vec<u32>), Classes> {
        let list = |classes: &Classes| -> Vec<usize> { (0..classes.len()).filter(|class| classes[*class]).collect() };
        let mut all: Vec<u32> = list(heads).into_iter().filter_map(|class| self.good(first, class)).collect();
        all.sort_unstable();
        all.dedup();
        let set = list(set);
        let mut new = all.clone();
        for length in 1..LONGEST {
            let mut next = Vec::new();
            let mut bad = vec![false; self.dfa.end_class];
            for row in &new {
                for class in &set {
                    match self.good(*row, *class) {
                        Some(row) if all.contains(&row) || next.contains(&row) => {}
                        Some(row) => next.push(row),
                        None => bad[*class] = true,
                    }
                }
            }
            if bad.contains(&true) || all.len() > MOST_STATES {
                let known = length > SAMPLE || !bad.contains(&true);
                return if known { Ok((length, all)) } else { Err(bad) };
            }
            if next.is_empty() {
                return Ok((usize::MAX, all));
            }
            all.extend(&next);
            new = next;
        }
        Ok((LONGEST, all))
    }
}

impl Dfa {
    /// The shortcut, if there is one: the bytes of the run, how long it may be, and what has to hold besides, which is nothing for a run
    /// by itself. Whether what is there may come is not asked, if that is `checked` otherwise.
    pub(in super::super) fn lead_parts(&self, checked: bool) -> Option<LeadParts> {
        let Lead { quotes, heads, ref run, most, ends, uniform, .. } = **self.lead.as_ref()?;
        let heads = (!uniform).then_some(heads);
        let ends = (!checked).then_some(ends);
        Some(LeadParts { run: run.set(), most, quotes, heads, ends })
    }

    /// Whether anybody asks for other ends than the last.
    fn tells_others(&self) -> bool {
        self.several || !self.ordered
    }

    /// Where a byte leads, if nothing ends before it and nothing is unsure.
    pub(super) fn go(&self, row: u32, byte: u8) -> Option<u32> {
        let entry = self.table[row as usize + usize::from(self.classes[usize::from(byte)])];
        (entry & (DEAD | ENDS | UNSURE) == 0).then_some(entry & ROW)
    }
}
