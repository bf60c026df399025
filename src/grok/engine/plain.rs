//! The plain way from a tree to operations: slow, complete, and bounded.
//!
//! Every operation is one that a textbook has. At every place where ways come together, and at the head of every loop, a
//! [`Op::Point`] remembers what failed, so that the work is at most the size of the program times the length of the
//! text. This is what runs when the quick code gives up on a line, and what the quick code is tested against.

use super::Refusal;
use super::analyse::{can_be_empty, lengths};
use super::class::Class;
use super::program::{BackReference, Code, Counted, Numbers, Op, Place};
use super::tree::{Look, Node, Repeat};

/// Up to so many characters of a set are written out where they are repeated.
const WRITTEN_OUT: u32 = 4;
/// How many operations an expression may become.
const MOST_OPS: usize = 40_000;
/// How many loops that may take nothing can be inside one another; each doubles the keys of a point.
const MOST_NESTED: usize = 6;

/// Compiles a tree.
pub(super) fn compile(tree: &Node, groups: u32) -> Result<Code, Refusal> {
    let remembers = !tree.any(&|node| matches!(node, Node::Back { .. }));
    if !remembers {
        refuse_strange_references(tree)?;
    }
    let (code, numbers) = (Code::new(groups), Numbers::default());
    let mut emitter = Emitter { code, numbers, loops: Vec::new(), remembers, behind: 0 };
    emitter.node(tree)?;
    emitter.push(Op::Match)?;
    Ok(emitter.code)
}

/// Where groups that are referred to are in a loop that may take nothing, Oniguruma lets the loop go on if a capture has changed, and a
/// group that refers to itself sees what it matched before. Neither is done here.
fn refuse_strange_references(tree: &Node) -> Done {
    let strange = |what: &str| Err(Refusal::Unsupported { what: what.to_owned() });
    match tree {
        Node::Repeat(repeat) if repeat.max != Some(1) && can_be_empty(&repeat.node) && repeat.node.has_groups() => {
            strange("back-references with groups in a loop that may take nothing")
        }
        Node::Group(number, node)
            if node.any(&|node| matches!(node, Node::Back { groups, .. } if groups.contains(number))) =>
        {
            strange("a group that refers to itself")
        }
        _ => tree.children().iter().try_for_each(refuse_strange_references),
    }
}

struct Emitter {
    code: Code,
    /// Of its sets.
    numbers: Numbers,
    /// Registers of the loops around, of those that may take nothing.
    loops: Vec<u32>,
    /// What comes of a state depends on the state alone: there are no back-references.
    remembers: bool,
    /// How many look-behinds are around; what is in them depends on where they were asked.
    behind: u32,
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
        self.code.ops.push(op);
        Ok(self.here() - 1)
    }

    /// Lets an operation that was written before go to here.
    fn land(&mut self, from: Place) {
        let here = self.here();
        match &mut self.code.ops[from as usize] {
            Op::Jump(place)
            | Op::Split { other: place }
            | Op::SplitLater { other: place }
            | Op::Progress { exit: place, .. }
            | Op::Enter { end: place, .. } => *place = here,
            _ => {}
        }
    }

    fn set(&mut self, class: &Class) -> u32 {
        self.numbers.of(class, &mut self.code.sets)
    }

    fn new_point(&mut self) -> u32 {
        self.code.points.push((self.code.keys, self.loops.clone()));
        self.code.keys += 1 << self.loops.len();
        self.code.points.len() as u32 - 1
    }

    fn point(&mut self) -> Done {
        if self.remembers && self.behind == 0 {
            let point = self.new_point();
            self.push(Op::Point(point))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &Node) -> Done {
        match node {
            Node::Empty => {}
            Node::Fail => {
                self.push(Op::Fail)?;
            }
            Node::Class(class) => {
                let set = self.set(class);
                self.push(Op::Set(set))?;
            }
            Node::Concat(nodes) => nodes.iter().try_for_each(|node| self.node(node))?,
            Node::Alternate(nodes) => self.alternate(nodes)?,
            Node::Repeat(repeat) => self.repeat(repeat)?,
            Node::Group(number, node) => {
                self.push(Op::Save { slot: self.code.start_of(*number) })?;
                self.node(node)?;
                self.push(Op::Save { slot: self.code.end_of(*number) })?;
            }
            Node::Atomic(node) => {
                let enter = self.push(Op::Enter { end: 0, negative: false })?;
                self.node(node)?;
                self.land(enter);
                self.push(Op::Commit)?;
                self.point()?;
            }
            Node::Look(look) => self.look(look)?,
            Node::Assert(assertion) => {
                let op = self.code.assertion(*assertion);
                self.push(op)?;
            }
            Node::Back { groups, fold } => {
                self.code.backs.push(BackReference { groups: groups.clone(), fold: *fold });
                self.push(Op::Back(self.code.backs.len() as u32 - 1))?;
            }
            Node::Keep => {
                self.push(Op::Save { slot: 0 })?;
            }
        }
        Ok(())
    }

    fn alternate(&mut self, nodes: &[Node]) -> Done {
        let Some((last, firsts)) = nodes.split_last() else {
            self.push(Op::Fail)?;
            return Ok(());
        };
        let mut jumps = Vec::new();
        for node in firsts {
            let split = self.push(Op::Split { other: 0 })?;
            self.node(node)?;
            jumps.push(self.push(Op::Jump(0))?);
            self.land(split);
        }
        self.node(last)?;
        jumps.into_iter().for_each(|jump| self.land(jump));
        self.point()
    }

    fn look(&mut self, look: &Look) -> Done {
        let negative = look.negative;
        let enter = self.push(Op::Enter { end: 0, negative })?;
        if look.behind {
            if look.node.has_groups() {
                return Err(Refusal::Unsupported { what: "groups that capture within a look-behind".to_owned() });
            }
            let Some((least, most)) = lengths(&look.node) else {
                return Err(Refusal::Unsupported { what: "a look-behind without a longest length".to_owned() });
            };
            self.behind += 1;
            self.push(Op::StepBack { least, most })?;
            self.node(&look.node)?;
            self.push(Op::AtEntry)?;
            self.behind -= 1;
        } else {
            self.node(&look.node)?;
        }
        self.land(enter);
        self.push(Op::Seen { negative })?;
        self.point()
    }

    fn repeat(&mut self, repeat: &Repeat) -> Done {
        let Repeat { node, min, max, greedy } = repeat;
        if *max == Some(0) {
            return Ok(());
        }
        if let (Node::Class(class), 0, None, true) = (node, min, max, greedy)
            && self.remembers
            && self.behind == 0
        {
            let set = self.set(class);
            let point = self.new_point();
            self.push(Op::Star { set, point })?;
            return self.point();
        }
        if let (Node::Class(class), Some(most), true) = (node, max, greedy)
            && *most > WRITTEN_OUT
        {
            let set = self.set(class);
            self.code.counted.push(Counted { set, least: *min, most: *most });
            self.push(Op::Counted(self.code.counted.len() as u32 - 1))?;
            return self.point();
        }
        let may_be_empty = can_be_empty(node);
        let mut exits = Vec::new();
        let checked = may_be_empty && counts(node, *min, *max, *greedy);
        for _ in 0..*min {
            self.round(node, checked, &mut exits)?;
        }
        match max {
            None => {
                self.point()?;
                let head = self.here();
                exits.push(self.split(*greedy)?);
                self.round(node, may_be_empty, &mut exits)?;
                let back = if self.remembers && self.behind == 0 { head - 1 } else { head };
                self.push(Op::Jump(back))?;
            }
            Some(max) => {
                for _ in *min..*max {
                    exits.push(self.split(*greedy)?);
                    self.round(node, checked, &mut exits)?;
                }
            }
        }
        let several = !exits.is_empty();
        exits.into_iter().for_each(|exit| self.land(exit));
        if several { self.point() } else { Ok(()) }
    }

    /// To the body at once and to the exit later, or the other way round.
    fn split(&mut self, greedy: bool) -> Result<Place, Refusal> {
        self.push(if greedy { Op::Split { other: 0 } } else { Op::SplitLater { other: 0 } })
    }

    fn round(&mut self, node: &Node, checked: bool, exits: &mut Vec<Place>) -> Done {
        if !checked {
            return self.node(node);
        }
        if self.loops.len() >= MOST_NESTED {
            return Err(Refusal::Unsupported { what: "loops over what may be empty, nested deeper than 6".to_owned() });
        }
        let register = self.code.registers;
        self.code.registers += 1;
        self.push(Op::Round { register })?;
        self.loops.push(register);
        self.node(node)?;
        self.loops.pop();
        exits.push(self.push(Op::Progress { register, exit: 0 })?);
        Ok(())
    }
}

/// Whether Oniguruma counts the rounds of this repetition rather than writing them out: only then does it leave early
/// when a round takes nothing.
pub(super) fn counts(node: &Node, min: u32, max: Option<u32>, greedy: bool) -> bool {
    const WRITTEN_OUT: u32 = 10;
    let size = size(node);
    match max {
        None => min > 1 && size.saturating_mul(min) > WRITTEN_OUT || min == 1 && size > WRITTEN_OUT,
        Some(1) => !greedy && min == 1,
        Some(max) => !greedy || (size + 1).saturating_mul(max) > WRITTEN_OUT,
    }
}

/// How many operations Oniguruma makes of a node, about.
fn size(node: &Node) -> u32 {
    match node {
        Node::Concat(nodes) => {
            // Characters in a row, of as many bytes each, are one operation.
            let mut size = 0_u32;
            let mut row = None;
            for node in nodes {
                let single = single_bytes(node);
                if single.is_none() || single != row {
                    size = size.saturating_add(self::size(node));
                }
                row = single;
            }
            size
        }
        Node::Alternate(nodes) => nodes.iter().fold(0_u32, |sum, node| sum.saturating_add(size(node) + 2)) - 2,
        Node::Repeat(repeat) => {
            let inner = size(&repeat.node);
            let check = if can_be_empty(&repeat.node) { 2 } else { 0 };
            match (repeat.min, repeat.max) {
                (min @ (0 | 1), None) if repeat.greedy && is_any(&repeat.node) => 1 + min,
                (1, None) if inner > 10 => inner + 3 + check,
                (0 | 1, None) => inner.saturating_mul(repeat.min + 1) + 2 + check,
                (0, Some(1)) => inner + 1 + u32::from(!repeat.greedy),
                (min, Some(max)) if (inner + 1).saturating_mul(max) <= 10 => inner * min + (inner + 1) * (max - min),
                _ => inner + 2 + check,
            }
        }
        Node::Group(_, node) | Node::Atomic(node) => size(node) + 2,
        Node::Look(look) => {
            let fixed = lengths(&look.node).is_some_and(|(least, most)| least == most);
            let around = match (look.behind, look.negative, fixed) {
                (false, false, _) => 2,
                (false, true, _) => 5,
                (true, false, true) => 3,
                (true, true, true) => 6,
                (true, false, false) => 12,
                (true, true, false) => 14,
            };
            size(&look.node) + around
        }
        Node::Empty => 0,
        _ => 1,
    }
}

/// How many bytes the character has, if it is a certain one.
fn single_bytes(node: &Node) -> Option<usize> {
    match node {
        Node::Class(class) => class.single().map(char::len_utf8),
        _ => None,
    }
}

/// Whether it is a dot, with or without newlines.
fn is_any(node: &Node) -> bool {
    matches!(node, Node::Class(class) if *class == Class::all() || *class == Class::one('\n').negated())
}
