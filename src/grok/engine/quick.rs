//! The quick way from a tree to operations: what can be decided by looking at the next byte is, and backtracking is left where it
//! is needed.
//!
//! Everything rests on one question, answered by `analyse`: which bytes can come after a part? A run of characters that shares
//! none with them is never given back. Alternatives and loops that begin with different bytes need no frame. A part without
//! captures becomes an automaton, unless it is too large for one or simple enough without. What cannot be decided falls
//! back to frames, so the order in which ways are tried, and with it the meaning, is that of the plain code.
//!
//! Most of what runs are steps: a capture begins, something is taken, the capture ends, a literal comes.

mod known;
mod rows;
mod steps;
mod ways;

use super::Refusal;
use super::analyse::{Ahead, lengths};
use super::bytes::ByteSet;
use super::dfa::Work;
use super::program::{BackReference, Code, Numbers, Op, Place, Step, Tail};
use super::tree::{Look, Node};
use known::KnownAutomata;

/// How many operations an expression may become.
const MOST_OPS: usize = 20_000;
/// How much work all automata of a program may be.
const MOST_WORK: usize = 600_000;
/// How many bytes all automata of a program may occupy.
const MOST_TABLES: usize = 400_000;

/// Compiles a tree that was simplified, with so many groups (the whole match is one).
pub(super) fn compile(tree: &Node, groups: u32) -> Result<Code, Refusal> {
    let mut emitter = Emitter {
        code: Code::new(groups),
        numbers: Numbers::default(),
        possible: 0,
        automata: true,
        late: false,
        looping: false,
        next_group: 1,
        behind: ByteSet::FULL,
        known_automata: KnownAutomata::default(),
        work: Work(MOST_WORK),
        known_spans: Vec::new(),
        known_forks: Vec::new(),
    };
    emitter.node(tree, Ahead::DONE)?;
    emitter.push(Op::Match)?;
    shorten_jumps(&mut emitter.code.ops);
    Ok(emitter.code)
}

fn shorten_jumps(ops: &mut [Op]) {
    for index in 0..ops.len() {
        while let Op::Jump(place) = ops[index]
            && let Op::Jump(further) = ops[place as usize]
            && further != place
        {
            ops[index] = Op::Jump(further);
        }
    }
}

struct Emitter {
    code: Code,
    /// Of its sets.
    numbers: Numbers,
    /// How many operations so far leave a frame at times.
    possible: u32,
    /// Parts may become automata.
    automata: bool,
    /// Parts that cost much become automata when they are needed.
    late: bool,
    /// What is written now is in a loop with groups: a round may have to get back the captures of the round before.
    looping: bool,
    /// The first group that begins after here, or after the loops around.
    next_group: u32,
    /// The bytes that may be before here.
    behind: ByteSet,
    known_automata: KnownAutomata,
    /// How much work may still go into automata.
    work: Work,
    known_spans: Vec<steps::SpanKey>,
    known_forks: Vec<ways::ForkKey>,
}

/// Where the emitter was, to go back to.
struct Mark {
    ops: usize,
    possible: u32,
    /// The lengths of the tables.
    tables: [usize; 7],
    registers: u32,
    next_group: u32,
    behind: ByteSet,
}

type Done = Result<(), Refusal>;

impl Emitter {
    fn here(&self) -> Place {
        self.code.ops.len() as Place
    }

    fn push(&mut self, op: Op) -> Result<Place, Refusal> {
        if self.code.ops.len() >= MOST_OPS {
            return Err(Refusal::TooLarge);
        }
        self.behind = match op {
            Op::Mark { .. } | Op::Save { .. } | Op::Lead(_) => self.behind,
            Op::Literal(step)
            | Op::Span(step)
            | Op::Greedy(step)
            | Op::Lazy(step)
            | Op::Token(step)
            | Op::LateToken(step) => self.code.steps[step as usize].tail.last().map_or(ByteSet::FULL, ByteSet::one),
            _ => ByteSet::FULL,
        };
        self.code.ops.push(op);
        Ok(self.here() - 1)
    }

    /// Lets an operation that was written before go to here.
    fn land(&mut self, from: Place) {
        let here = self.here();
        self.behind = ByteSet::FULL;
        match &mut self.code.ops[from as usize] {
            Op::Jump(place)
            | Op::Fork { exit: place, .. }
            | Op::Progress { exit: place, .. }
            | Op::Enter { end: place, .. } => *place = here,
            _ => {}
        }
    }

    fn mark(&self) -> Mark {
        let Code { backs, assertions, sides, steps, spans, forks, choices, .. } = &self.code;
        Mark {
            ops: self.code.ops.len(),
            possible: self.possible,
            tables: [backs.len(), assertions.len(), sides.len(), steps.len(), spans.len(), forks.len(), choices.len()],
            registers: self.code.registers,
            next_group: self.next_group,
            behind: self.behind,
        }
    }

    fn back_to(&mut self, mark: &Mark) {
        let [backs, assertions, sides, steps, spans, forks, choices] = mark.tables;
        self.code.ops.truncate(mark.ops);
        self.code.backs.truncate(backs);
        self.code.assertions.truncate(assertions);
        self.code.sides.truncate(sides);
        self.code.steps.truncate(steps);
        self.code.spans.truncate(spans);
        self.known_spans.truncate(spans);
        self.code.forks.truncate(forks);
        self.known_forks.truncate(forks);
        self.code.choices.truncate(choices);
        self.code.registers = mark.registers;
        self.possible = mark.possible;
        self.next_group = mark.next_group;
        self.behind = mark.behind;
    }

    /// The operations up to here leave frames, where `leaves`.
    fn leaves_frames(&mut self, leaves: bool) {
        self.possible += u32::from(leaves);
    }

    fn save(&mut self, slot: u32) -> Done {
        self.push(if self.looping { Op::Save { slot } } else { Op::Mark { slot } }).map(|_| ())
    }

    fn node(&mut self, node: &Node, then: Ahead) -> Done {
        if self.step(node, then, Tail::default())? {
            return Ok(());
        }
        match node {
            Node::Empty => Ok(()),
            Node::Fail => self.push(Op::Fail).map(|_| ()),
            Node::Class(class) => self.class(class),
            Node::Concat(nodes) => self.concat(nodes, then),
            Node::Alternate(nodes) => self.alternate(nodes, then),
            Node::Repeat(repeat) => self.repeat(repeat, then),
            Node::Group(number, node) => {
                self.next_group = self.next_group.max(number + 1);
                self.save(self.code.start_of(*number))?;
                self.node(node, then)?;
                self.save(self.code.end_of(*number))
            }
            Node::Atomic(inner) => self.atomic(inner),
            Node::Look(look) => self.look(look),
            Node::Assert(assertion) => {
                let op = self.code.assertion(*assertion);
                self.push(op).map(|_| ())
            }
            Node::Back { groups, fold } => {
                self.code.backs.push(BackReference { groups: groups.clone(), fold: *fold });
                self.push(Op::Back(self.code.backs.len() as u32 - 1)).map(|_| ())
            }
            Node::Keep => self.push(Op::Save { slot: 0 }).map(|_| ()),
        }
    }

    /// The number of a step that goes on after it.
    fn new_step(&mut self, index: u32, slots: steps::Slots, tail: Tail) -> u32 {
        let steps::Slots { before, after } = slots;
        let clear = self.next_group;
        let step = Step { index, before, after, next: 0, clear, led: false, literal_tells: false, tail };
        self.code.steps.push(step);
        self.code.steps.len() as u32 - 1
    }

    fn atomic(&mut self, inner: &Node) -> Done {
        let mark = self.mark();
        let enter = self.push(Op::Enter { end: 0, negative: false })?;
        self.node(inner, Ahead::DONE)?;
        if self.possible == mark.possible {
            self.back_to(&mark);
            return self.node(inner, Ahead::DONE);
        }
        self.land(enter);
        self.push(Op::Commit)?;
        // What was left inside is cut.
        self.possible = mark.possible;
        Ok(())
    }

    fn look(&mut self, look: &Look) -> Done {
        let negative = look.negative;
        let possible = self.possible;
        let enter = self.push(Op::Enter { end: 0, negative })?;
        // The groups in it may be void where it was passed over.
        let looping = self.looping;
        self.looping |= look.node.has_groups();
        self.next_group = self.next_group.max(last_group(&look.node) + 1);
        if look.behind {
            let Some((least, most)) = lengths(&look.node) else { return Err(Refusal::TooLarge) };
            self.push(Op::StepBack { least, most })?;
            self.node(&look.node, Ahead::ANYTHING)?;
            self.push(Op::AtEntry)?;
        } else {
            self.node(&look.node, Ahead::DONE)?;
        }
        self.looping = looping;
        self.land(enter);
        self.push(Op::Seen { negative })?;
        self.possible = possible;
        Ok(())
    }
}

/// The highest number of a group in it.
fn last_group(node: &Node) -> u32 {
    let below = node.children().iter().map(last_group).max().unwrap_or(0);
    match node {
        Node::Group(number, _) => below.max(*number),
        _ => below,
    }
}
