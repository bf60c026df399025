//! What runs: operations in a row, and the tables that they name by number.

mod set;
mod tail;

use super::dfa::{Dfa, Late};
use super::scan::Run;
use super::tree::Assertion;
pub(super) use set::{Numbers, Set};
pub(super) use tail::Tail;

/// An index into the operations.
pub(super) type Place = u32;

/// One operation. Whatever it tries and fails goes back to the newest frame of the stack.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Match,
    Fail,
    /// What comes here is left to the plain code.
    GiveUp,
    Jump(Place),
    /// Goes on, and later to `other`.
    Split {
        other: Place,
    },
    /// Goes to `other`, and later on.
    SplitLater {
        other: Place,
    },
    /// One character of a set.
    Set(u32),
    /// Characters of a set, as many as there are; gives them back one by one. Remembers where all failed (`point`).
    Star {
        set: u32,
        point: u32,
    },
    /// Characters of a set, as the bounds say, as many as there are; gives them back one by one.
    Counted(u32),
    /// Half a capture; the old value comes back when this way fails.
    Save {
        slot: u32,
    },
    /// Half a capture, of which nobody asks for the old value.
    Mark {
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
    /// To the body of a loop or past it, as the next byte says; where both can be, one now and the other later.
    Fork {
        fork: u32,
        exit: Place,
    },
    /// To the alternatives that the next byte allows, the first of them now.
    Choice(u32),
    /// The literal of a step.
    Literal(u32),
    /// A step over characters of a set, as many as there are, which are never given back.
    Span(u32),
    /// A step over as many as there are but so that what follows can come.
    Greedy(u32),
    /// A step over as few as there must be for what follows to come.
    Lazy(u32),
    /// A step over what an automaton finds, where that is a run with what usually comes after. Else the token after this one does.
    Lead(u32),
    /// A step over what an automaton finds. Where it can't say, the operations after this one do.
    Token(u32),
    /// The same, of an automaton that is built when it is needed.
    LateToken(u32),
}

/// A step: something is taken and perhaps captured, then comes a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Which span or automaton.
    pub(super) index: u32,
    /// The slots for where it begins and ends.
    pub(super) before: u32,
    pub(super) after: u32,
    /// Where to go on, for automata.
    pub(super) next: Place,
    /// The first group that begins after here: what these have is void when the step is taken in another way.
    pub(super) clear: u32,
    /// A lead was tried before.
    pub(super) led: bool,
    /// After a lead, the literal says that what is there may come.
    pub(super) literal_tells: bool,
    pub(super) tail: Tail,
}

/// A run of characters.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) set: Set,
    /// The bytes that are taken without decoding.
    pub(super) run: Run,
    pub(super) least: u32,
    /// The most, which is [`u32::MAX`] for: without end.
    pub(super) most: u32,
    /// Every character is one byte, or they need not be counted.
    pub(super) simple: bool,
    /// The bytes that can follow; 256 is the end of the text.
    pub(super) follow: [bool; 257],
    /// For lazy runs: bytes of the set after which nothing can go on.
    pub(super) skip: Run,
}

/// A two-way choice by the next byte (256 is the end of the text): 1 is the body, 2 the exit, 3 both.
#[derive(Debug)]
pub(super) struct Fork {
    pub(super) table: [u8; 257],
    pub(super) greedy: bool,
    /// The first group that begins after here.
    pub(super) clear: u32,
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
    /// The first group that begins after here.
    pub(super) clear: u32,
}

/// Characters of a set, with bounds.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) set: u32,
    pub(super) least: u32,
    pub(super) most: u32,
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
    /// How many groups there are, the whole match being one. Slots are: where each begins and where it ends, and one for
    /// what nobody asks for.
    pub(super) groups: u32,
    pub(super) sets: Vec<Set>,
    pub(super) counted: Vec<Counted>,
    pub(super) backs: Vec<BackReference>,
    pub(super) assertions: Vec<Assertion>,
    /// Bytes that can be before or after; 256 is the edge of the text.
    pub(super) sides: Vec<[bool; 257]>,
    pub(super) steps: Vec<Step>,
    pub(super) spans: Vec<Span>,
    pub(super) forks: Vec<Fork>,
    pub(super) choices: Vec<Choice>,
    pub(super) dfas: Vec<Dfa>,
    pub(super) lates: Vec<Late>,
    /// For each point: its first key, and the registers of the loops around it, each of which is a bit of the key.
    pub(super) points: Vec<(u32, Vec<u32>)>,
    pub(super) keys: u32,
    pub(super) registers: u32,
}

impl Code {
    pub(super) fn new(groups: u32) -> Code {
        Code { groups, ..Code::default() }
    }

    /// The slot for where a group begins.
    pub(super) fn start_of(&self, group: u32) -> u32 {
        group * 2
    }

    /// The slot for where a group ends.
    pub(super) fn end_of(&self, group: u32) -> u32 {
        group * 2 + 1
    }

    /// The slot that nobody asks for.
    pub(super) fn nobody(&self) -> u32 {
        self.groups * 2
    }

    /// The operation for a condition.
    pub(super) fn assertion(&mut self, assertion: Assertion) -> Op {
        match assertion {
            Assertion::Word { negative, ascii } => Op::Word { negative, ascii },
            Assertion::Before { set, edge } => {
                self.sides.push(set.table_with(edge));
                Op::Before(self.sides.len() as u32 - 1)
            }
            Assertion::After { set, edge } => {
                self.sides.push(set.table_with(edge));
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
            + self.sets.iter().map(Set::size).sum::<usize>()
            + self.steps.len() * size_of::<Step>()
            + self.spans.iter().map(|span| size_of::<Span>() + span.set.size()).sum::<usize>()
            + self.points.iter().map(|(_, registers)| 32 + registers.len() * 4).sum::<usize>()
            + self.sides.len() * 257
            + self.forks.len() * size_of::<Fork>()
            + self.choices.iter().map(Choice::size).sum::<usize>()
            + self.dfas.iter().map(Dfa::size).sum::<usize>()
            + self.lates.iter().map(Late::size).sum::<usize>()
    }
}

impl Choice {
    fn size(&self) -> usize {
        let lists = self.lists.iter().map(|list| size_of::<Vec<Place>>() + list.len() * 4).sum::<usize>();
        size_of::<Choice>() + self.places.len() * 4 + lists
    }
}
