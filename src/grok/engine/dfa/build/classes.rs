//! Which bytes are alike to an nfa: those that all its states take or none does, and of which its conditions say the same.

use super::super::super::bytes::ByteSet;
use super::super::super::nfa::Nfa;
use super::super::sides::{Part, Parts, number_of};
use super::Follow;

/// More classes than that are not told apart.
const MOST: usize = 250;
/// Nor are more sides, each of which is a bit.
const MOST_SIDES: usize = 64;

/// Classes of bytes, as a set of their numbers.
pub(super) type Numbers = ByteSet;

/// The classes of bytes, by number. The end of the text has a class of its own, the last.
pub(super) struct Classes {
    /// Of each byte.
    pub(super) of: [u8; 256],
    /// For each class, a byte of it; nothing is the end of the text.
    representatives: Vec<Option<u8>>,
    /// For each class, the kind of byte that it is to what comes after; kinds are fewer than classes.
    pub(super) kinds: Vec<u8>,
    pub(super) kind_representatives: Vec<Option<u8>>,
    /// Which classes are the same to a condition before them.
    pub(super) sides: Vec<Side>,
}

/// What is after a condition: some classes, and a byte of one of them.
pub(super) struct Side {
    pub(super) byte: Option<u8>,
    pub(super) classes: Numbers,
}

impl Classes {
    /// Of an nfa and what follows it, if they are not too many.
    pub(super) fn new(nfa: &Nfa, follow: Follow) -> Option<Classes> {
        let (mut kinds, mut afters) = (Parts::one(), Parts::one());
        for assertion in &nfa.assertions {
            kinds.part_by(*assertion, true);
            afters.part_by(*assertion, false);
        }
        let mut all = kinds.clone();
        nfa.assertions.iter().for_each(|assertion| all.part_by(*assertion, false));
        let taken = nfa.sets.iter().flat_map(|taken| [taken.set, taken.unsure]);
        taken.chain([follow.set]).for_each(|bytes| all.part(Part { bytes, end: false }));
        let (kinds, afters, all) = (kinds.in_order(), afters.in_order(), all.in_order());
        let mut of = [0; 256];
        let mut representatives = Vec::with_capacity(all.len() + 1);
        for (class, part) in all.iter().enumerate().filter(|(_, part)| !part.bytes.is_empty()) {
            if class >= MOST || afters.len() > MOST_SIDES {
                return None;
            }
            part.bytes.fill(&mut of, class as u8);
            representatives.push(part.bytes.first());
        }
        representatives.push(None);
        let side = |after: &Part| Side { byte: after.bytes.first(), classes: Numbers::EMPTY };
        let mut sides: Vec<Side> = afters.iter().map(side).collect();
        for (class, byte) in representatives.iter().enumerate() {
            sides[usize::from(number_of(&afters, *byte))].classes.insert(class as u8);
        }
        Some(Classes {
            of,
            kinds: representatives.iter().map(|byte| number_of(&kinds, *byte)).collect(),
            kind_representatives: kinds.iter().map(|part| part.bytes.first()).collect(),
            sides,
            representatives,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.representatives.len()
    }

    /// The classes of a set that parts none of them.
    pub(super) fn having(&self, set: ByteSet) -> Numbers {
        let mut numbers = Numbers::EMPTY;
        if set.len() as usize <= self.count() {
            set.iter().for_each(|byte| numbers.insert(self.of[usize::from(byte)]));
            return numbers;
        }
        for (class, byte) in self.representatives.iter().enumerate() {
            if byte.is_some_and(|byte| set.contains(byte)) {
                numbers.insert(class as u8);
            }
        }
        numbers
    }
}
