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
mod walk;

use std::sync::Arc;

use super::bytes::ByteSet;
use super::program::{Place, Set, Tail};
use super::scan::Bytes;

pub(super) use build::build;
pub(super) use walk::Walk;

/// How many groups an expression can have for there to be a plan.
const MOST_GROUPS: usize = 256;
/// How many open ways are remembered.
const MOST_OPEN: usize = 8;
/// The step that fails, and the one that leaves all to the run.
const FAIL: Place = 0;
const GIVE_UP: Place = 1;
/// The number of a group that nobody asks for.
const NOBODY: u32 = u32::MAX;

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
}

/// What walks need besides: kept from one to the next.
#[derive(Debug)]
pub(super) struct Memory {
    /// How often walks may still fail.
    pub(super) failures: u32,
    /// The newest open ways, one over the other.
    open: [Open; MOST_OPEN],
    /// Where groups begin that may end later.
    starts: [u32; MOST_GROUPS],
}

impl Default for Memory {
    fn default() -> Memory {
        Memory { failures: 0, open: [Open::default(); MOST_OPEN], starts: [0; MOST_GROUPS] }
    }
}

/// A way that is still open: a step, a position, for runs that can be shorter how short, and the first group that is void then.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    step: Place,
    at: u32,
    low: u32,
    clear: u32,
}

/// One step. Each knows where to go on.
#[derive(Debug)]
enum Step {
    Fail,
    GiveUp,
    Match,
    Literal(Box<Literal>),
    Span(Box<Span>),
    Lead(Box<Lead>),
    Greedy(Arc<Span>),
    /// The same again, shorter.
    Shorter(Arc<Span>),
    Lazy(Arc<Span>),
    /// The same again, longer.
    Longer(Arc<Span>),
    Token(Box<Token>),
    Fork(Box<Fork>),
    Choice(Box<Choice>),
    Set(Box<One>),
    Before(Box<Side>),
    After(Box<Side>),
    Word(Box<Word>),
    /// A group begins.
    Begin(Mark),
    /// A group ends.
    End(Mark),
    /// The same, of groups in loops: what was open before cannot be gone back to.
    BeginAnew(Mark),
    EndAnew(Mark),
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

/// A run of characters, and what comes after it.
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
    /// What can follow, and which characters there are: of greedy and of lazy ones.
    ends: Option<Box<Ends>>,
}

#[derive(Debug)]
struct Ends {
    follow: [bool; 257],
    all: Bytes,
}

/// A run that is all of what an automaton finds; where it is not there the automaton is asked.
#[derive(Debug)]
struct Lead {
    bytes: Bytes,
    tail: Tail,
    most: u32,
    group: u32,
    next: Place,
    otherwise: Place,
    /// More that has to hold.
    more: Option<Box<More>>,
}

#[derive(Debug)]
struct More {
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
    next: Place,
    /// What it cannot decide.
    by_hand: Place,
    clear: u32,
}

#[derive(Debug)]
struct Fork {
    table: [u8; 257],
    body: Place,
    exit: Place,
    greedy: bool,
    clear: u32,
}

#[derive(Debug)]
struct Choice {
    /// By the next byte, which list.
    table: [u8; 257],
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

impl Span {
    fn size(&self) -> usize {
        let ends = self.ends.as_ref().map_or(0, |ends| size_of::<Ends>() + ends.all.size());
        size_of::<Span>() + self.bytes.size() + ends
    }
}

impl Step {
    fn size(&self) -> usize {
        match self {
            Step::Literal(_) => size_of::<Literal>(),
            Step::Span(span) => span.size(),
            Step::Greedy(span) | Step::Lazy(span) => span.size(),
            Step::Lead(lead) => size_of::<Lead>() + lead.bytes.size() + size_of::<More>(),
            Step::Token(_) => size_of::<Token>(),
            Step::Fork(_) => size_of::<Fork>(),
            Step::Choice(choice) => {
                size_of::<Choice>() + choice.lists.iter().map(|list| 24 + list.len() * 4).sum::<usize>()
            }
            Step::Set(one) => size_of::<One>() + one.set.size(),
            Step::Before(_) | Step::After(_) => size_of::<Side>(),
            Step::Word(_) => size_of::<Word>(),
            _ => 0,
        }
    }
}
