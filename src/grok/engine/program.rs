//! What runs: operations in a row, and the tables that they name by number.

use super::bytes::{ByteSet, Wide};
use super::class::Class;
use super::dfa::{Dfa, Follow};
use super::scan::Ranges;
use super::tree::Assertion;

/// An index into the operations.
pub(super) type Place = u32;

/// One operation. Whatever it tries and fails goes back to the newest frame of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Match,
    Fail,
    Jump(Place),
    /// Goes on, and later to `other`.
    Split {
        other: Place,
    },
    /// Goes to `other`, and later on.
    SplitLater {
        other: Place,
    },
    Byte(u8),
    /// A stretch of the literals.
    Bytes {
        from: u32,
        length: u32,
    },
    /// One character of a set.
    Set(u32),
    /// Characters of a set, as many as there are; gives them back one by one. Remembers where all failed (`point`).
    Star {
        set: u32,
        point: u32,
    },
    /// Half a capture; the old value comes back when this way fails.
    Save {
        slot: u32,
    },
    /// A condition, by number.
    Assert(u32),
    Word {
        negative: bool,
        ascii: bool,
    },
    /// The byte before is one of these.
    Before(u32),
    /// The byte after is one of these.
    After(u32),
    /// Begins an atomic group or look-around, which is decided at `end`.
    Enter {
        end: Place,
        negative: bool,
    },
    /// Goes back by at least and at most so many characters.
    StepBack {
        least: u32,
        most: u32,
    },
    /// A look-behind has to end where it was asked.
    AtEntry,
    /// An atomic group is done.
    Commit,
    /// A look-around is done.
    Seen {
        negative: bool,
    },
    /// What a group matched, again.
    Back(u32),
    /// A round of a loop begins here.
    Round {
        register: u32,
    },
    /// Leaves the loop if the round took nothing.
    Progress {
        register: u32,
        exit: Place,
    },
    /// Nothing comes of being here twice.
    Point(u32),
    /// Characters of a set, as many as there are, which are never given back.
    Span(u32),
    /// Characters of a set, as many as there are but so that what follows can come.
    Greedy(u32),
    /// Characters of a set, as few as there must be for what follows to come.
    Lazy(u32),
    /// To the body of a loop or past it, as the next byte says; where both can be, one now and the other later.
    Fork {
        fork: u32,
        exit: Place,
    },
    /// To the alternatives that the next byte allows, the first of them now.
    Choice(u32),
    /// Half a capture that every way sets again, so that nobody asks for the old value.
    SaveOnce {
        slot: u32,
    },
    /// A capture ends, a literal comes, a capture begins: what the next two operations do, too. The slots are shifted by one; the
    /// lowest bit says that the old value comes back.
    Gap {
        end: u16,
        start: u16,
        from: u32,
        length: u32,
    },
    /// A capture that is a span: what the next two operations do, too.
    Field {
        slot: u16,
        span: u32,
    },
    /// An automaton finds the end and goes to `next`; where it can't say, the operations after this one do.
    Token {
        token: u32,
        next: Place,
    },
}

/// A run of characters.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) set: Set,
    pub(super) ranges: Option<Ranges>,
    pub(super) least: u32,
    /// The most, which is [`u32::MAX`] for: without end.
    pub(super) most: u32,
    /// Every character is one byte, or they need not be counted.
    pub(super) simple: bool,
    pub(super) follow: Follow,
    /// For lazy runs: 1 for bytes of the set after which nothing can go on.
    pub(super) skip: [u8; 256],
    pub(super) skip_ranges: Option<Ranges>,
}

/// A two-way choice by the next byte (256 is the end of the text): 1 is the body, 2 the exit, 3 both.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) table: [u8; 257],
    pub(super) greedy: bool,
}

/// No alternative begins with the byte.
pub(super) const NOWHERE: Place = u32::MAX;
/// Several do.
pub(super) const SEVERAL: Place = u32::MAX - 1;

/// A choice among alternatives, by the next byte: the one, or which list.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) table: [u8; 257],
    /// Of each list the only place, or that there is none, or several.
    pub(super) places: Vec<Place>,
    pub(super) lists: Vec<Vec<Place>>,
}

/// A part that an automaton matches.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) dfa: u32,
    pub(super) follow: Follow,
}

/// A set of characters as the matcher asks for it.
#[derive(Debug)]
pub(super) struct Set {
    /// By the first byte: 0 is no, 1 yes, 2 has to be decoded.
    pub(super) table: [u8; 256],
    pub(super) class: Class,
    pub(super) wide: Wide,
}

impl Set {
    pub(super) fn new(class: &Class) -> Set {
        let (ascii, wide) = class.bytes();
        let mut table = [0; 256];
        ascii.iter().for_each(|byte| table[usize::from(byte)] = 1);
        let beyond = match wide {
            Wide::None => 0,
            Wide::All => 1,
            Wide::Some => 2,
        };
        ByteSet::WIDE.iter().for_each(|byte| table[usize::from(byte)] = beyond);
        Set { table, class: class.clone(), wide }
    }
}

/// Back-references.
#[derive(Debug)]
pub(super) struct BackReference {
    pub(super) groups: Vec<u32>,
    pub(super) fold: bool,
}

/// Operations and their tables.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    pub(super) literals: Vec<u8>,
    pub(super) sets: Vec<Set>,
    pub(super) backs: Vec<BackReference>,
    pub(super) assertions: Vec<Assertion>,
    /// Bytes that can be before or after; 256 is the edge of the text.
    pub(super) sides: Vec<[bool; 257]>,
    pub(super) spans: Vec<Span>,
    pub(super) forks: Vec<Fork>,
    pub(super) choices: Vec<Choice>,
    pub(super) tokens: Vec<Token>,
    pub(super) dfas: Vec<Dfa>,
    /// For each point: its first key, and the registers of the loops around it, each of which is a bit of the key.
    pub(super) points: Vec<(u32, Vec<u32>)>,
    pub(super) keys: u32,
    pub(super) registers: u32,
}

impl Code {
    /// The operation for a condition.
    pub(super) fn assertion(&mut self, assertion: Assertion) -> Op {
        let side = |set: &ByteSet, edge| {
            std::array::from_fn(|byte| u8::try_from(byte).map_or(edge, |byte| set.contains(byte)))
        };
        match assertion {
            Assertion::Word { negative, ascii } => Op::Word { negative, ascii },
            Assertion::Before { set, edge } => {
                self.sides.push(side(&set, edge));
                Op::Before(self.sides.len() as u32 - 1)
            }
            Assertion::After { set, edge } => {
                self.sides.push(side(&set, edge));
                Op::After(self.sides.len() as u32 - 1)
            }
            other => {
                self.assertions.push(other);
                Op::Assert(self.assertions.len() as u32 - 1)
            }
        }
    }

    /// Bytes that it occupies, about.
    pub(super) fn size(&self) -> usize {
        self.ops.len() * size_of::<Op>()
            + self.literals.len()
            + self.sets.iter().map(Set::size).sum::<usize>()
            + self.spans.iter().map(|span| size_of::<Span>() + span.set.size()).sum::<usize>()
            + self.points.len() * 32
            + self.sides.len() * 257
            + self.forks.len() * size_of::<Fork>()
            + self
                .choices
                .iter()
                .map(|choice| 257 + choice.lists.iter().map(|list| 24 + list.len() * 4).sum::<usize>())
                .sum::<usize>()
            + self.tokens.len() * size_of::<Token>()
            + self.dfas.iter().map(Dfa::size).sum::<usize>()
    }
}

impl Set {
    fn size(&self) -> usize {
        size_of::<Set>() + self.class.ranges().len() * 8
    }
}
