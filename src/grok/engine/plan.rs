//! The way that most texts take: the operations of the quick code as lean steps, gone along with little to go back to.
//!
//! # Contract
//! A walk along the plan tries the same ways in the same order as a run of the quick code does. It remembers only the newest few of those
//! that are still open, and knows only the most usual operations. Where it matches, the captures are those of a run; where nothing is
//! left to try and nothing was forgotten, a run fails too. In all other cases it says so, and the run decides. So a plan never changes
//! what is found.
//!
//! A walk costs at most about as much as the text is long, for each time that it has to go back; how often that may be is the caller's
//! to say ([`Memory::failures`]).

mod build;
mod memory;
mod walk;

use std::sync::Arc;

use super::bytes::ByteSet;
use super::dfa::Usual;
use super::program::{Place, Set, Tail};
use super::scan::Bytes;
use super::tree::Assertion;

pub(super) use build::build;
pub(super) use memory::Memory;
use memory::Open;
pub(super) use walk::Walk;

/// How many groups an expression can have for there to be a plan.
const MOST_GROUPS: usize = 256;
/// The step that fails, and the one that leaves all to the run.
const FAIL: Place = 0;
const GIVE_UP: Place = 1;
/// The number of a group that nobody asks for.
const NOBODY: u32 = u32::MAX;
/// There are several steps to go on with.
const SEVERAL: u16 = 1 << 15;

/// What a walk came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walked {
    /// There is a match, and the slots are filled.
    Matched,
    /// There is none at this position.
    Failed,
    /// It is not known.
    GaveUp,
}

/// The steps of an expression.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<Step>,
    first: Place,
    /// What the machine has.
    #[cfg(target_arch = "x86_64")]
    wide: Option<super::scan::Wide>,
}

/// One step. Each knows where to go on.
#[derive(Debug)]
enum Step {
    Fail,
    GiveUp,
    Match,
    Run(Box<Run>),
    Literal(Box<Literal>),
    Switch(Box<Switch>),
    Token(Box<Token>),
    Lead(Box<Lead>),
    Greedy(Arc<Span>),
    /// The same again, shorter.
    Shorter(Arc<Span>),
    Lazy(Arc<Span>),
    /// The same again, longer.
    Longer(Arc<Span>),
    /// So many characters at most, and never less than there are.
    Bounded(Box<Span>),
    /// A group begins.
    Begin(Mark),
    /// A group ends.
    End(Mark),
    /// The same, of groups in loops: what was open before cannot be gone back to.
    BeginAnew(Mark),
    EndAnew(Mark),
    /// One byte.
    Byte(Box<Side>),
    Set(Box<One>),
    Before(Box<Side>),
    After(Box<Side>),
    Word(Box<Word>),
    Assert(Box<Condition>),
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    group: u8,
    next: Place,
}

#[derive(Debug)]
struct Literal {
    tail: Tail,
    next: Place,
}

/// All bytes of a set that there are, if they are not too few or too many, and a literal.
#[derive(Debug)]
struct Run {
    bytes: Bytes,
    tail: Tail,
    least: u32,
    /// How many more there may be.
    more: u32,
    group: u32,
    next: Place,
    /// Where else to go on.
    otherwise: Place,
}

/// Characters that can be taken in several ways, and a literal.
#[derive(Debug)]
struct Span {
    /// What is gone over: all of the run, or of a lazy one what cannot be its end.
    bytes: Bytes,
    tail: Tail,
    /// How many bytes there have to be, and may be.
    least: u32,
    most: u32,
    group: u32,
    /// The group has begun before.
    begun: bool,
    next: Place,
    /// The step for the other ends.
    again: Place,
    clear: u32,
    /// What can follow; 256 is the end of the text.
    follow: [bool; 257],
    /// Which characters there are.
    all: Bytes,
}

/// A run that is all of what an automaton finds, with what has to hold besides; where it is not there the automaton is asked.
#[derive(Debug)]
struct Lead {
    bytes: Bytes,
    tail: Tail,
    most: u32,
    group: u32,
    next: Place,
    otherwise: Place,
    quotes: Option<(u8, u8)>,
    heads: ByteSet,
    /// What may come after.
    ends: [bool; 257],
}

/// What an automaton finds.
#[derive(Debug)]
struct Token {
    dfa: u32,
    tail: Tail,
    group: u32,
    /// The shortcut over a run was not tried before.
    leads: bool,
    /// The shortcut that is usual for it, if it never has several ends.
    usual: Option<Usual>,
    next: Place,
    /// What it cannot decide.
    by_hand: Place,
    clear: u32,
}

/// To a step by the next byte, or to several in turn.
#[derive(Debug)]
struct Switch {
    /// By the next byte (256 is the end of the text) the step; with [`SEVERAL`], the number of a list.
    table: [u16; 257],
    lists: Vec<Vec<Place>>,
    clear: u32,
}

#[derive(Debug)]
struct One {
    set: Set,
    next: Place,
}

#[derive(Debug)]
struct Side {
    table: [bool; 257],
    next: Place,
}

#[derive(Debug)]
struct Condition {
    assertion: Assertion,
    next: Place,
}

#[derive(Debug)]
struct Word {
    negative: bool,
    ascii: bool,
    next: Place,
}

impl Plan {
    /// Bytes that it occupies, about.
    pub(super) fn size(&self) -> usize {
        size_of::<Plan>() + self.steps.iter().map(|step| size_of::<Step>() + step.size()).sum::<usize>()
    }
}

impl Step {
    fn size(&self) -> usize {
        match self {
            Step::Literal(_) => size_of::<Literal>(),
            Step::Run(run) => size_of::<Run>() + run.bytes.size(),
            Step::Greedy(span) | Step::Lazy(span) => size_of::<Span>() + 2 * span.bytes.size(),
            Step::Bounded(span) => size_of::<Span>() + 2 * span.bytes.size(),
            Step::Lead(lead) => size_of::<Lead>() + lead.bytes.size(),
            Step::Token(_) => size_of::<Token>(),
            Step::Switch(switch) => {
                size_of::<Switch>()
                    + switch.lists.iter().map(|list| size_of::<Vec<u32>>() + list.len() * 4).sum::<usize>()
            }
            Step::Set(one) => size_of::<One>() + one.set.size(),
            Step::Before(_) | Step::After(_) | Step::Byte(_) => size_of::<Side>(),
            Step::Word(_) => size_of::<Word>(),
            Step::Assert(_) => size_of::<Condition>(),
            _ => 0,
        }
    }
}
